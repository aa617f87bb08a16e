# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Machines written as VirtualBox's .vbox: read(write(machine)) is the machine but for what was told; what VirtualBox's own reader asks for; the
UUIDs of the text are those in the images."""
import os
import random
import shutil
import uuid
import xml.etree.ElementTree as ElementTree

import model
import tap
from vbox_behaviour import RICH, SAMPLES, WITH_SNAPSHOTS, controller, drive, image_id, storage, vbox

NS = '{http://www.virtualbox.org/}'


def domain(inside='<memory unit="MiB">512</memory>', devices='', arch='x86_64', firmware=''):
    return f'<domain type="kvm"><name>vm</name>{inside}<os{firmware}><type arch="{arch}">hvm</type></os><devices>{devices}</devices></domain>'


def disk(bus, unit=0, controller_index=0, name='a.qcow2', kind='disk', more=''):
    source = f'<source file="{name}"/>' if name else ''
    return (f'<disk type="file" device="{kind}"><driver name="qemu" type="qcow2"/>{source}<target dev="sd{unit}" bus="{bus}"/>'
            f'<address type="drive" controller="{controller_index}" bus="0" target="0" unit="{unit}"/>{more}</disk>')


def write(t, text, *arguments, name='in.xml'):
    """The tree of what is written, the machine that it is read as, and what the writer tells by field."""
    told = model.written(t, t.write(name, text.encode()), t.path('out.vbox'), 'vbox', *arguments)
    root = ElementTree.parse(t.path('out.vbox')).getroot()
    return root, model.read(t, t.path('out.vbox'))[0], {line[1]: line for line in told}


def hardware(root, path):
    return root.find(f'{NS}Machine/{NS}Hardware/' + '/'.join(NS + part for part in path.split('/')))


# ---- what VirtualBox asks for ----

REQUIRED = {'Machine': ('uuid', 'name', 'OSType'), 'HardDisk': ('uuid', 'location', 'format', 'type'), 'StorageController': ('name', 'type', 'PortCount'),
            'AttachedDevice': ('type', 'port', 'device'), 'Adapter': ('slot',), 'Image': ('uuid',), 'Memory': ('RAMSize',), 'Order': ('position', 'device'),
            'AudioAdapter': ('driver',), 'Controller': ('name', 'type'), 'RTC': ('localOrUTC',), 'Cpu': ('id',)}
ONCE = ('CPU', 'Memory', 'Firmware', 'BIOS', 'HID', 'Boot', 'Display', 'USB', 'Network', 'UART', 'LPT', 'AudioAdapter', 'RTC', 'StorageControllers', 'TrustedPlatformModule')


def check_rules(root):
    """The rules of VirtualBox's reader, by what is known of it: attributes that are required, unique names and places, UUIDs that the registry has."""
    tap.equal((root.tag, root.get('version')), (f'{NS}VirtualBox', '1.19-linux'), 'root')
    for element in root.iter():
        name = element.tag.replace(NS, '')
        for attribute in REQUIRED.get(name, ()):
            if element.get(attribute) is None:
                raise AssertionError(f'<{name}> has no {attribute}')
        if name in ('Port',):
            for attribute in ('slot', 'enabled', 'IOBase', 'IRQ'):
                tap.equal(element.get(attribute) is not None, True, attribute)
    machine = root.find(f'{NS}Machine')
    inside = machine.find(f'{NS}Hardware')
    for name in ONCE:
        tap.equal(len(inside.findall(NS + name)) <= 1, True, name)
    registered = [one.get('uuid') for kind in ('HardDisk', 'DVDImages/{NS}Image', 'FloppyImages/{NS}Image') for one in machine.findall(f'{NS}MediaRegistry//{NS}' + kind.replace('{NS}', NS))]
    used = [one.get('uuid') for one in inside.iter(f'{NS}Image')]
    tap.equal((sorted(used), len(set(used))), (sorted(registered), len(used)), 'images')
    for one in [machine.get('uuid'), *registered]:
        tap.equal(uuid.UUID(one).int != 0, True, 'uuid')
    names = [one.get('name') for one in inside.iter(f'{NS}StorageController')]
    tap.equal(len(set(names)), len(names), 'names of controllers')
    kinds = [one.get('type') for one in inside.iter(f'{NS}StorageController')]
    if len(set(kinds)) < len(kinds):
        tap.equal(inside.find(f'{NS}Chipset').get('type'), 'ICH9', 'several controllers of a kind')
    for one in inside.iter(f'{NS}StorageController'):
        places = [(int(it.get('port')), int(it.get('device'))) for it in one.iter(f'{NS}AttachedDevice')]
        tap.equal(len(set(places)), len(places), 'places')
        tap.equal(all(port < int(one.get('PortCount')) for port, _ in places), True, 'ports')
    tap.equal(1 <= int(inside.find(f'{NS}CPU').get('count', 1)) <= 64, True, 'processors')
    tap.equal(4 <= int(inside.find(f'{NS}Memory').get('RAMSize')) <= 2097152, True, 'memory')


def others():
    """Machines of all vendors."""
    folder = SAMPLES / 'machines'
    if not folder.is_dir():
        raise tap.Skip('no samples')
    found = sorted(path for path in folder.rglob('*') if path.suffix in ('.vmx', '.xml', '.vbox') and path.is_file())
    return found if os.environ.get('VMFERRY_TEST_ALL') else found[::9]


def test_machines_of_others_keep_the_rules(t):
    count = 0
    for path in others():
        if t.run(model.MODEL_OF, path, status=None).returncode != 0:
            continue
        done = t.run(model.MODEL_OF, path, 'to=vbox', 'name=out.vbox', status=None)
        if done.returncode != 0:
            tap.equal(done.stderr.startswith(('9:', '12:', '11:', '10:')) or 'VirtualBox' in done.stderr or 'more than' in done.stderr, True, f'{path.name}: {done.stderr}')
            continue
        check_rules(ElementTree.fromstring(done.stdout.encode()))
        count += 1
    tap.equal(count > 10, True, f'{count} machines')


# ---- within VirtualBox nothing is lost ----

def test_all_of_a_machine_comes_back(t):
    t.write('in.vbox', RICH.encode())
    before, _ = model.read(t, t.path('in.vbox'))
    told = model.written(t, t.path('in.vbox'), t.path('out.vbox'), 'vbox')
    after, _ = model.read(t, t.path('out.vbox'))
    check_rules(ElementTree.parse(t.path('out.vbox')).getroot())
    left = ('uuid', 'nvram', 'extra', 'hw-version')
    for key, value in before.items():
        if key == 'disks':
            for one, other in zip(value, after['disks'], strict=True):
                tap.equal({k: v for k, v in one.items() if k not in ('image', 'image-format', 'elsewhere')}, {k: v for k, v in other.items() if k not in ('image', 'image-format')}, key)
        elif key not in left:
            tap.equal(after.get(key), value, key)
    tap.equal({line[1] for line in told}, {'nvram', 'tpm'}, 'told')
    own = ('Machine@snapshotFolder', 'Machine/Hardware/BIOS/NVRAM')
    missing = {key: value for key, value in model.extras(before).items() if model.extras(after).get(key) != value and key not in own}
    tap.equal(missing, {}, 'settings of VirtualBox')


def test_what_belongs_to_the_old_host_does_not_come_back(t):
    root, _, _ = write(t, WITH_SNAPSHOTS.replace('<Hardware>', '<Frob/><Hardware>', 1).replace('name="vm"', 'name="vm" stateFile="x" lastStateChange="2025-01-01T00:00:00Z"'), name='in.vbox')
    tap.equal([name for name in ('Snapshot', 'Frob') if next(root.iter(NS + name), None) is not None], [], 'elements')
    tap.equal({name: root.find(f'{NS}Machine').get(name) for name in ('currentSnapshot', 'stateFile', 'lastStateChange')}, {'currentSnapshot': None, 'stateFile': None, 'lastStateChange': None})


def test_old_and_new_layouts_become_the_one_that_is_written(t):
    for text in (vbox(storage(controller(drive(), kind='LsiLogic')), ''), vbox('<Platform architecture="x86"><CPU count="2"/><RTC localOrUTC="UTC"/></Platform>', storage(controller(drive(), kind='LsiLogic')), cpu='', version='1.22')):
        root, machine, _ = write(t, text, name='in.vbox')
        check_rules(root)
        tap.equal((machine['vcpus'], machine['controllers'][0]['model'], hardware(root, 'StorageControllers/StorageController').get('name')), (2, 'lsilogic', 'LsiLogic'))


# ---- drives ----

@tap.rows((
    ('IDE', disk('ide', 3), ('ide', 1, 1), None), ('SATA', disk('sata', 5), ('sata', 0, 5), None),
    ('VirtIO SCSI', disk('scsi', 2) + '<controller type="scsi" index="0" model="virtio-scsi"/>', ('scsi', 0, 2), None),
    ('LSI SAS', disk('scsi', 0) + '<controller type="scsi" index="0" model="lsisas1068"/>', ('scsi', 0, 0), None),
    ("QEMU's LSI", disk('scsi', 0) + '<controller type="scsi" index="0" model="lsilogic"/>', ('sata', 0, 0), 'boot'),
    ('PVSCSI', disk('scsi', 0) + '<controller type="scsi" index="0" model="vmpvscsi"/>', ('sata', 0, 0), 'boot'),
    ('VirtIO', '<disk type="file" device="disk"><driver type="raw"/><source file="a"/><target dev="vda" bus="virtio"/></disk>', ('sata', 0, 0), 'boot'),
    ('a CD on SCSI', disk('scsi', 1, kind='cdrom', name=None) + '<controller type="scsi" index="0" model="virtio-scsi"/>', ('sata', 0, 0), 'cosmetic'),
))
def test_where_a_drive_goes(t, devices, place, weight):
    root, machine, told = write(t, domain(devices=devices))
    check_rules(root)
    one = machine['disks'][0]
    tap.equal((one['bus'], one['controller'], one['unit']), place)
    tap.equal(told.get('disks[0].bus', (None,))[0], weight)


def test_places_that_are_taken_and_controllers_that_are_full(t):
    devices = ''.join(disk('sata', 0, name=f'{n}.img') for n in range(3)) + ''.join(f'<disk type="file" device="disk"><source file="v{n}"/><target dev="vd{n}" bus="virtio"/></disk>' for n in range(40))
    root, machine, _ = write(t, domain(devices=devices))
    check_rules(root)
    tap.equal((len(machine['disks']), {one['controller'] for one in machine['disks']}), (43, {0, 1}))


def test_disks_stay_in_their_order_when_some_come_to_sata(t):
    """The first one is what the machine starts from."""
    devices = '<disk type="file" device="disk"><source file="first"/><target dev="vda" bus="virtio"/></disk>' + disk('sata', 0, name='second') + disk('sata', 7, name='third')
    _, machine, told = write(t, domain(devices=devices))
    tap.equal([(one['image'], one['unit']) for one in machine['disks']], [('first', 0), ('second', 1), ('third', 2)])
    _, machine, _ = write(t, domain(devices=devices.replace('unit="7"/>', 'unit="7"/><boot order="1"/>')))
    tap.equal([(one['image'], one['unit']) for one in machine['disks']], [('third', 0), ('first', 1), ('second', 2)], 'with a number')
    tap.equal((told['disks[0].bus'][0], told['disks[1].unit'][0]), ('boot', 'cosmetic'))


@tap.rows((('an empty CD drive', disk('sata', 1, name=None, kind='cdrom'), 'DVD'), ('a floppy drive', disk('fdc', 0, name=None, kind='floppy'), 'Floppy')))
def test_empty_drives(t, devices, kind):
    root, _, _ = write(t, domain(devices=devices), 'disk=-')
    device = next(root.iter(f'{NS}AttachedDevice'))
    tap.equal((device.get('type'), list(device)), (kind, []))


@tap.rows((('shared', '<shareable/>', 'Writethrough', 'disks[0].shared'), ('forgotten at the end', '<transient/>', 'Normal', 'disks[0].mode'), ('not to be written', '<readonly/>', 'Normal', 'disks[0].read-only')))
def test_what_becomes_of_writes(t, more, kind, told_field):
    root, _, told = write(t, domain(devices=disk('sata', more=more)))
    tap.equal((next(root.iter(f'{NS}HardDisk')).get('type'), told_field is None or told_field in told), (kind, True))


# ---- the rest ----

@tap.rows((
    ('processors beyond 64', '<memory>1048576</memory><vcpu>128</vcpu>', 'vcpus', 64, 'vcpus'),
    ('a topology', '<memory>1048576</memory><vcpu>4</vcpu><cpu><topology sockets="2" cores="2" threads="1"/></cpu>', 'sockets', None, 'sockets'),
    ('memory in KiB', '<memory>1048577</memory>', 'memory', 1025 << 20, 'memory'),
    ('little memory', '<memory>1024</memory>', 'memory', 4 << 20, 'memory'),
    ('a name that is no folder', '<title/><memory>1048576</memory>', 'name', 'vm', None),
))
def test_numbers(t, inside, field, value, told_field):
    root, machine, told = write(t, domain(inside))
    check_rules(root)
    tap.equal((machine.get(field), told_field is None or told_field in told), (value, True))


NAMES = ('a/b', 'a"b', '$(reboot)', "'; rm", '%s%n', 'a\nb', '\u202eabc', '\U0001f600' * 255, '../x', 'CON', '-x', '<&>', '...', ' ')


def test_hostile_names_stay_in_their_quotes(t):
    for name in NAMES:
        text = domain().replace('<name>vm</name>', f'<name>{name.replace("&", "&amp;").replace("<", "&lt;")}</name><description>{name.replace("&", "&amp;").replace("<", "&lt;")}</description>')
        root, machine, _ = write(t, text)
        check_rules(root)
        written = root.find(f'{NS}Machine').get('name')
        tap.equal((set(written) & set('/\\:*?"<>|\n'), bool(written.strip('. ')), len(written.encode()) <= 255), (set(), True, True), name)
        tap.equal(machine.get('description', '').strip(), name.strip(), name)


@tap.rows((
    ('a bridge', '<interface type="bridge"><source bridge="br0"/><model type="e1000"/></interface>', 'BridgedInterface', 'br0', '82540EM', None),
    ('NAT', '<interface type="user"><model type="virtio"/></interface>', 'NAT', None, 'virtio', None),
    ('an internal network', '<interface type="internal"><source name="lan"/><model type="pcnet"/></interface>', 'InternalNetwork', 'lan', 'Am79C973', None),
    ('a card that VirtualBox has not', '<interface type="user"><model type="vmxnet3"/></interface>', 'NAT', None, '82540EM', 'nics[0].model'),
    ('a card of its newest versions', '<interface type="user"><model type="e1000e"/></interface>', 'NAT', None, '82545EM', 'nics[0].model'),
))
def test_cards(t, devices, element, network, kind, told_field):
    root, _, told = write(t, domain(devices=devices))
    adapter = hardware(root, 'Network/Adapter')
    mode = adapter.find(NS + element)
    tap.equal((adapter.get('type'), mode is not None and mode.get('name'), told_field is None or told_field in told), (kind, network, True))


def test_a_cable_that_is_out_and_an_address(t):
    root, machine, _ = write(t, domain(devices='<interface type="user"><mac address="52:54:00:aa:bb:cc"/><model type="e1000"/><link state="down"/></interface>'))
    tap.equal((hardware(root, 'Network/Adapter').get('MACAddress'), machine['nics'][0]['link'], machine['nics'][0]['mac']), ('525400AABBCC', False, '52:54:00:aa:bb:cc'))


def test_nine_cards_are_one_too_many(t):
    root, machine, told = write(t, domain(devices='<interface type="user"/>' * 9))
    check_rules(root)
    tap.equal((len(machine['nics']), 'nics[8]' in told), (8, True))


@tap.rows((('classes', '<boot dev="cdrom"/><boot dev="hd"/>', '', 'cdrom,disk'), ('devices', '', '<boot order="2"/>', 'network,disk')))
def test_the_order_of_booting(t, classes, each, order):
    card = '<interface type="user"><boot order="1"/></interface>' if each else ''
    text = domain(devices=disk('sata', more=each) + card).replace('</type>', '</type>' + classes)
    tap.equal(write(t, text)[1]['boot'], order)


def test_firmware_tpm_and_clock(t):
    root, machine, told = write(t, domain('<memory>1048576</memory><clock offset="localtime"/>', '<tpm model="tpm-crb"><backend type="emulator" version="2.0"/></tpm>', firmware=' firmware="efi"'))
    check_rules(root)
    tap.equal((machine['firmware'], machine['tpm'], machine['clock'], told['tpm'][2]), ('efi', '2.0', 'localtime', 'L-tpm-state'))


@tap.rows((('Windows', 'windows9-64', '', 'local'), ('Linux', 'ubuntu-64', '', 'UTC'), ('Windows that is told', 'windows9-64', 'rtc.diffFromUTC = "0"\n', 'UTC')))
def test_the_clock_is_what_the_guest_takes_it_for(t, guest, more, clock):
    root, _, _ = write(t, f'config.version = "8"\nvirtualHW.version = "19"\nmemsize = "64"\nguestOS = "{guest}"\n{more}', name='in.vmx')
    tap.equal(hardware(root, 'RTC').get('localOrUTC'), clock)


@tap.rows((('a machine of ARM', domain(arch='aarch64'), 'x86'), ('no memory', domain(''), 'memory')))
def test_machines_that_cannot_be(t, text, says):
    t.write('in.xml', text.encode())
    tap.contains(t.run(model.MODEL_OF, t.path('in.xml'), 'to=vbox', 'name=o', status=1).stderr, says)


def test_a_copy_is_another_machine(t):
    root, machine, _ = write(t, domain('<uuid>6ba7b810-9dad-11d1-80b4-00c04fd430c8</uuid><memory>1048576</memory>', '<interface type="user"><mac address="52:54:00:aa:bb:cc"/></interface>'), 'copy')
    tap.equal((root.find(f'{NS}Machine/{NS}Hardware').get('uuid'), 'mac' in machine['nics'][0], machine['uuid'] == '6ba7b810-9dad-11d1-80b4-00c04fd430c8'), (None, False, False))


# ---- with its disks ----

def two_disks(t):
    content = [random.Random(n).randbytes(3 << 19) for n in range(2)]
    for n, one in enumerate(content):
        t.write(f'{n}.raw', one)
    t.write('vm.xml', domain(devices=''.join(f'<disk type="file" device="disk"><driver type="raw"/><source file="{n}.raw"/><target dev="sd{n}" bus="sata"/></disk>' for n in range(2))).encode())
    return content


def test_the_uuids_of_the_text_are_those_in_the_images(t):
    content = two_disks(t)
    for target in 'a.vbox', 'b.vbox', 'there/':
        t.vmferry('convert', '-q', *(['--machine', 'vbox'] if target == 'there/' else []), 'vm.xml', target)
        path = t.path(target if target != 'there/' else 'there/vm.vbox')
        root = ElementTree.parse(path).getroot()
        check_rules(root)
        for one, wanted in zip(root.iter(f'{NS}HardDisk'), content, strict=True):
            image = os.path.join(os.path.dirname(path), one.get('location'))
            tap.equal(image_id(image), uuid.UUID(one.get('uuid')), one.get('location'))
            t.vmferry('convert', '-O', 'raw', image, 'one.raw')
            tap.equal(t.read('one.raw') == wanted, True, 'content')
            if shutil.which('qemu-img'):
                t.run('qemu-img', 'check', '-f', 'vdi', image)
    ids = [ElementTree.parse(t.path(name)).getroot().find(f'{NS}Machine').get('uuid') for name in ('a.vbox', 'b.vbox')]
    tap.equal(ids[0] == ids[1], False, 'another machine has another id')


def test_ids_are_the_same_again_where_the_time_is_told(t):
    two_disks(t)
    for name in 'a', 'b':
        os.mkdir(t.path(name))
        t.vmferry('convert', '-q', 'vm.xml', f'{name}/vm.vbox', env={'SOURCE_DATE_EPOCH': '1'})
    tap.equal([t.read(f'a/{name}') == t.read(f'b/{name}') for name in sorted(os.listdir(t.path('a')))], [True] * 3)


def test_only_vdi_has_a_uuid_that_can_be_chosen(t):
    two_disks(t)
    before = sorted(t.names())
    tap.contains(t.vmferry('convert', '-O', 'vhd', '--machine', 'vbox', 'vm.xml', 'a.vbox', status=9).stderr, 'VDI')
    tap.contains(t.vmferry('convert', '-o', 'uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'vm.xml', 'a.vbox', status=1).stderr, 'uuid')
    tap.contains(t.vmferry('convert', '-O', 'vdi', '--machine', 'ova', 'vm.xml', 'a.ova', status=1).stderr, 'vdi')
    tap.equal(sorted(t.names()), before, 'files')


def test_strict_and_a_dry_run_write_nothing(t):
    two_disks(t)
    t.write('vm.xml', t.read('vm.xml').replace(b'bus="sata"', b'bus="virtio"'))
    before = sorted(t.names())
    tap.contains(t.vmferry('convert', '--strict', 'vm.xml', 'a.vbox', status=2).stderr, 'L-controller')
    t.vmferry('convert', '--dry-run', 'vm.xml', 'a.vbox')
    tap.equal(sorted(t.names()), before, 'files')


if __name__ == '__main__':
    tap.main(globals())
