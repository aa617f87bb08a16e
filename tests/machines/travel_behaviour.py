# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Machines that go from one format into another, with their disks."""
import gzip
import hashlib
import json
import os
import random
import shutil
import sys

import tap

sys.path.insert(0, str(tap.SOURCE / 'tests/formats'))

import xva_maker

DISKS = [random.Random(seed).randbytes(70_000) + bytes(130_000) + random.Random(seed + 1).randbytes(4_800) for seed in (1, 3, 5)]
UUID, MAC = '8312995e-57b8-f814-4013-c1ba795f05ba', '52:54:00:11:22:33'


def domain(*disks, more='', devices=''):
    drives = ''.join(f'<disk type="file" device="disk"><driver name="qemu" type="{form}"/><source file="{name}"/><target dev="sd{chr(97 + i)}" bus="{bus}"/></disk>'
                     for i, (name, form, bus) in enumerate(disks))
    return f'''<domain type='kvm'><name>web</name><uuid>{UUID}</uuid><memory unit='GiB'>2</memory><vcpu>4</vcpu>
<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>{more}
<devices>{drives}<interface type='bridge'><mac address='{MAC}'/><source bridge='br0'/><model type='e1000'/></interface>{devices}</devices></domain>
'''.encode()


def vmx(*lines):
    return '\n'.join(['.encoding = "UTF-8"', 'config.version = "8"', 'virtualHW.version = "13"', 'displayName = "db"', 'guestOS = "ubuntu-64"',
                      'memsize = "1024"', 'scsi0.present = "TRUE"', 'scsi0.virtualDev = "pvscsi"', *lines, '']).encode()


def drive(name, file):
    return f'{name}.present = "TRUE"\n{name}.fileName = "{file}"'


def three_disks(t):
    for i, disk in enumerate(DISKS):
        t.write(f'{i}.raw', disk)
    t.vmferry('convert', '0.raw', '0.qcow2')
    t.write('vm.xml', domain(('/var/lib/libvirt/images/0.qcow2', 'qcow2', 'scsi'), ('1.raw', 'raw', 'scsi'), (t.path('2.raw'), 'raw', 'sata')))


def contents(t, machine):
    """The bytes of a machine's disks, in its order."""
    info = json.loads(t.vmferry('info', '--output=json', machine).stdout)
    images = [image['filename'] for image in info['machine'].get('images', [])]
    images = images or [f'{machine}::{disk["id"]}' for disk in info['disks']]
    found = []
    for image in images:
        t.vmferry('convert', '-O', 'raw', image, 'one')
        found.append(t.read('one'))
        os.unlink(t.path('one'))
    return found


def test_a_machine_becomes_a_package_with_the_same_disks(t):
    three_disks(t)
    t.vmferry('convert', 'vm.xml', 'vm.ova')
    tap.equal([disk.rstrip(b'\0') for disk in contents(t, 'vm.ova')], [disk.rstrip(b'\0') for disk in DISKS], 'disks')
    system = json.loads(t.vmferry('info', '--output=json', 'vm.ova').stdout)['systems'][0]
    tap.equal((system['name'], system['cpus'], system['memory'], system['firmware']), ('web', 4, 2 << 30, 'efi'), 'machine')


def test_info_shows_a_machine_and_what_stands_behind_its_disks(t):
    three_disks(t)
    os.unlink(t.path('1.raw'))
    machine = json.loads(t.vmferry('info', '--output=json', 'vm.xml').stdout)['machine']
    tap.equal((machine['name'], machine['uuid'], machine['memory']), ('web', UUID, 2 << 30), 'machine')
    tap.equal(machine['images'][0]['virtual-size'], len(DISKS[0]) + -len(DISKS[0]) % 512, 'size')
    tap.contains(machine['images'][1]['error'], '1.raw')
    done = t.vmferry('info', 'vm.xml')
    tap.contains(done.stdout, 'memory: 2 GiB')


def test_info_of_a_package_has_the_machine_in_the_same_form(t):
    three_disks(t)
    t.vmferry('convert', 'vm.xml', 'vm.ova')
    before, after = (json.loads(t.vmferry('info', '--output=json', name).stdout)['machine'] for name in ('vm.xml', 'vm.ova'))
    for field in 'name', 'memory', 'vcpus', 'firmware':
        tap.equal(after[field], before[field], field)
    tap.equal([disk['medium'] for disk in after['disks']], ['disk'] * 3, 'disks')


REFUSED = (
    ('a disk that is not there', ('gone.raw', 'raw', 'sata'), 2, 'gone.raw'),
    ('a disk above the folder', ('../../../../../../etc/hostname', 'raw', 'sata'), 2, 'etc/hostname'),
    ('an absolute path elsewhere', ('/etc/hostname', 'raw', 'sata'), 2, '/etc/hostname'),
    ('a device', ('/dev/null', 'raw', 'sata'), 2, '/dev/null'),
    ('a share of Windows', (r'\\server\share\disk.vmdk', 'vmdk', 'sata'), 2, 'disk.vmdk'),
    ('a pipe', ('pipe', 'raw', 'sata'), 2, 'pipe'),
    ('a link that leads out', ('link', 'raw', 'sata'), 2, 'link'),
    ('the text itself', ('vm.xml', 'raw', 'sata'), 2, 'itself'),
    ('one image twice', ('0.raw', 'raw', 'sata'), 2, 'already'),
)


@tap.rows(REFUSED)
def test_disks_that_are_refused(t, disk, status, says):
    t.write('0.raw', DISKS[0])
    os.mkfifo(t.path('pipe'))
    os.symlink('/etc/hostname', t.path('link'))
    t.write('vm.xml', domain(('0.raw', 'raw', 'sata'), disk))
    before = sorted(t.names())
    done = t.vmferry('convert', 'vm.xml', 'vm.ova', status=status)
    tap.contains(done.stderr, says)
    tap.contains(done.stderr, 'vm.xml')
    tap.equal(sorted(t.names()), before, 'files')


def machine_of(t, name):
    return json.loads(t.vmferry('info', '--output=json', name).stdout)['machine']


def losses_of(t, *arguments, status=0):
    t.vmferry('convert', '--losses', 'losses.json', *arguments, status=status)
    return json.loads(t.read('losses.json'))


def with_two_cards(t):
    """A Linux machine with BIOS: an IDE disk, a CD drive, two network cards on different networks."""
    t.write('0.raw', DISKS[0])
    t.vmferry('convert', '-o', 'subformat=monolithicSparse,adapter_type=ide', '0.raw', '0.vmdk')
    os.unlink(t.path('0.raw'))
    t.write('vm.vmx', vmx('firmware = "bios"', 'uuid.bios = "56 4d 6c 27 96 ea 12 07-6f 01 02 03 04 05 06 07"', 'annotation = "two lines|0Aof text"',
                          drive('ide0:0', '0.vmdk'), drive('ide1:0', 'emptyBackingString'), 'ide1:0.deviceType = "cdrom-raw"',
                          *(f'ethernet{i}.{line}' for i in (0, 1) for line in
                            ('present = "TRUE"', 'virtualDev = "e1000"', f'networkName = "net {i}"', 'addressType = "static"', f'address = "00:50:56:01:02:0{i}"'))))


def with_three_vmdks(t):
    for i, disk in enumerate(DISKS):
        t.write(f'{i}.raw', disk)
        t.vmferry('convert', '-o', 'subformat=monolithicSparse', f'{i}.raw', f'{i}.vmdk')
        os.unlink(t.path(f'{i}.raw'))
    t.write('vm.vmx', vmx('firmware = "efi"', 'numvcpus = "4"', 'cpuid.coresPerSocket = "2"', 'uuid.bios = "56 4d 6c 27 96 ea 12 07-6f 01 02 03 04 05 06 07"',
                          'sata0.present = "TRUE"', drive('scsi0:0', '0.vmdk'), drive('scsi0:2', '1.vmdk'), drive('sata0:1', '2.vmdk'),
                          'ethernet0.present = "TRUE"', 'ethernet0.virtualDev = "vmxnet3"', 'ethernet0.networkName = "VM Network"',
                          'ethernet0.addressType = "static"', 'ethernet0.address = "00:50:56:01:02:03"'))


# Steps of a machine with three disks; what is different behind a step is in its report.
MACHINES = (('three disks and EFI', with_three_vmdks, DISKS), ('BIOS and two cards', with_two_cards, DISKS[:1]))
JOURNEYS = [(f'{title} {way}', make, disks, steps) for title, make, disks in MACHINES for way, steps in (
    ('over a package', ('ova', 'vmx')),
    ('over a descriptor with its files', ('ovf', 'vmx')),
    ('within VMware', ('vmx',)),
    ('over Hyper-V', ('ps1', 'vmx')),
    ('over libvirt, Hyper-V and Proxmox VE', ('xml', 'ps1', 'vma', 'ova', 'vmx')),
    ('over libvirt', ('xml', 'vmx')),
    ('over a package and libvirt', ('ova', 'xml', 'vmx')),
    ('over libvirt and a package', ('xml', 'ova', 'vmx')),
    ('over a package, a backup of Proxmox VE, and libvirt', ('ova', 'vma', 'xml', 'vmx')),
    ('over all', ('ova', 'xva', 'vma', 'xml', 'vmx')),
    ('over all, and every vendor', ('ova', 'xva', 'vma', 'xml', 'vbox', 'ps1', 'conf', 'vmx')),
    ('over VirtualBox', ('vbox', 'vmx')),
    ('over VirtualBox and a package', ('vbox', 'ova', 'vbox', 'xml', 'vmx')),
    ('over VirtualBox and a backup of Proxmox VE', ('ova', 'vbox', 'vma', 'xml', 'vmx')),
)]


def flat(machine, names):
    """{name of a field: value}, by the names of the loss report. A device is the one in `names` that is most like it."""
    fields = {name: value for name, value in machine.items() if not isinstance(value, (list, dict))}
    for name, devices in names.items():
        left = list(machine.get(name, []))
        for i, wanted in enumerate(devices):
            if name == 'controllers':
                left = [device for device in machine.get(name, []) if (device['bus'], device['index']) == (wanted['bus'], wanted['index'])]
            found = max(left, key=lambda device: (device.get('medium') == wanted.get('medium'), sum(device.get(key) == value for key, value in wanted.items())), default={})
            left = [device for device in left if device is not found]
            fields.update({f'{name}[{i}].{key}': value for key, value in found.items()})
    return fields


def differences(before, after):
    """The fields that differ; without those that name files or are a format's own, and those that say what silence means."""
    usual = {'firmware': 'bios', 'secure-boot': 'off', 'tpm': 'none', 'threads': 1, 'dies': 1, 'connected': True, 'link': True, 'mode': 'persistent', 'read-only': False, 'clock': 'utc'}
    own = ('os-source', 'hw-version', 'image', 'image-format', 'capacity')
    devices = {name: value for name, value in before.items() if isinstance(value, list) and name not in ('extra', 'images')}
    one, other = flat(before, devices), flat(after, devices)
    return {name for name in one if one[name] != other.get(name, usual.get(name.split('.')[-1])) and name.split('.')[-1] not in own}


def untold(before, after, report, place=lambda name: name):
    """The fields that differ, and neither they nor their device are in the report."""
    told = {place(field['field']) for field in report['fields'] if field['outcome'] in ('changed', 'dropped')}
    return {name for name in differences(before, after) if place(name) not in told and place(name.split('.')[0]) not in told}


def without_index(name):
    """On the way drives may change places in the list."""
    return name.split('[')[0] + name.partition(']')[2]


@tap.rows(JOURNEYS)
def test_a_machine_travels(t, make, disks, steps):
    make(t)
    here, all_reports = 'vm.vmx', {'fields': []}
    source = {name: t.read(name) for name in t.names()}
    for i, suffix in enumerate(steps):
        there = f'step{i}.{suffix}'
        report = losses_of(t, here, there)
        all_reports['fields'] += report['fields']
        tap.equal(untold(machine_of(t, here), machine_of(t, there), report), set(), f'differences of {there} that nobody told')
        if suffix == 'xml' and shutil.which('virt-xml-validate'):
            t.run('virt-xml-validate', t.path(there), 'domain')
        here = there
    tap.equal([disk[:len(DISKS[0])] for disk in contents(t, here)], list(disks), 'disks')
    tap.equal(untold(machine_of(t, 'vm.vmx'), machine_of(t, here), all_reports, without_index), set(), 'fields that are not as they were')
    tap.equal({name: t.read(name) for name in source}, source, 'source')


def test_the_guest_finds_the_uuid_that_it_had(t):
    three_disks(t)
    for target in 'vm.ova', 'vm.vmx':
        t.vmferry('convert', 'vm.xml', target)
        tap.equal(machine_of(t, target)['uuid'], UUID, target)


def test_a_backup_of_proxmox_travels(t):
    backup = str(tap.IMAGES / 'good-vma-any-order.vma')
    t.vmferry('convert', '-O', 'raw', backup, 'disk.raw')
    with open(backup, 'rb') as file:
        t.run(tap.tool('zstd'), '-q', '-o', t.path('vm.vma.zst'), stdin=file)
    for source in backup, 'vm.vma.zst':
        for target in 'vm.ova', 'vm.vmx', 'vm.xml':
            t.vmferry('convert', source, target)
            tap.equal(machine_of(t, target)['name'], machine_of(t, backup)['name'], 'name')
            tap.equal(contents(t, target), [t.read('disk.raw')], f'disk of {target}')
            for name in t.names():
                if name.startswith('vm') and name != 'vm.vma.zst':
                    os.unlink(t.path(name))


def test_an_export_of_xenserver_travels(t):
    disks = [random.Random(9).randbytes(70_000) + bytes(3_000_000 - 70_000 - 64), bytes(1_500_160)]
    t.write('vm.xva', xva_maker.archive(('Ref:10', disks[0]), ('Ref:11', disks[1])))
    with open(t.path('vm.xva'), 'rb') as file:
        t.run(tap.tool('zstd'), '-q', '-o', t.path('packed.xva.zst'), stdin=file)
    with open(t.path('vm.xva'), 'rb') as file:
        t.write('other.xva.ZSTD', t.run(tap.tool('zstd'), '-qc', stdin=file, text=False).stdout)
    t.write('other.xva.gzip', gzip.compress(t.read('vm.xva')))
    for source in 'vm.xva', 'packed.xva.zst', 'other.xva.ZSTD', 'other.xva.gzip':
        for target in 'to.ova', 'to.vmx', 'to.xml':
            t.vmferry('convert', source, target)
            tap.equal(machine_of(t, target)['memory'], 1 << 30, 'memory')
            tap.equal([disk[:len(wanted)] for disk, wanted in zip(contents(t, target), disks, strict=True)], disks, f'disks of {target}')
            for name in t.names():
                if name.startswith('to'):
                    os.unlink(t.path(name))


def test_what_is_not_known_of_a_source_is_told(t):
    t.write('vm.vmx', vmx('invented.key = "7"', 'sched.cpu.units = "mhz"'))
    fields = {field['field']: field for field in losses_of(t, 'vm.vmx', 'vm.ovf')['fields']}
    tap.equal(fields['extra.invented.key']['code'], 'unknown-source-field', 'code')
    tap.equal(fields['extra.invented.key']['line'], 9, 'line')
    tap.equal(fields['extra.sched.cpu.units']['code'], 'L-extra', 'code')


def swap(data, old, new):
    """The same with other bytes, as many, at one place; of a VMA with the sum of its header."""
    assert len(old) == len(new) and data.count(old) == 1, (old, new, data.count(old))
    data = bytearray(data.replace(old, new))
    if data[:4] == b'VMA\0':
        end = int.from_bytes(data[56:60], 'big')
        data[32:48] = bytes(16)
        data[32:48] = hashlib.md5(data[:end]).digest()
    return bytes(data)


@tap.rows([
    ('vmx', 'vmx', b'guestOS', b'guestOX'), ('libvirt', 'xml', b'<acpi/>', b'<acpx/>'), ('vbox', 'vbox', b'<PAE ', b'<PAX '),
    ('proxmox', 'conf', b'ostype:', b'ostypx:'), ('vma', 'vma', b'ostype:', b'ostypx:'), ('xva', 'xva', b'<name>PV_args</name>', b'<name>PV_argx</name>'),
    ('ovf', 'ovf', b'Description>Memory size</rasd:Description', b'Descriptiox>Memory size</rasd:Descriptiox')])
def test_what_nobody_knows_is_in_the_report_of_each_format(t, suffix, old, new):
    with_three_vmdks(t)
    t.vmferry('convert', 'vm.vmx', f'in.{suffix}')
    t.write(f'in.{suffix}', swap(t.read(f'in.{suffix}'), old, new))
    words = ('--no-verify',) if suffix == 'ovf' else ()
    fields = losses_of(t, *words, f'in.{suffix}', 'out.vmx' if suffix != 'vmx' else 'out.xml')['fields']
    tap.equal([field['outcome'] for field in fields if field.get('code') == 'unknown-source-field'], ['dropped'], 'told')


def test_strict_writes_nothing_where_a_machine_may_not_start(t):
    t.write('0.raw', DISKS[0])
    t.write('vm.xml', domain(('0.raw', 'raw', 'virtio')))
    before = sorted(t.names())
    done = t.vmferry('convert', '--strict', 'vm.xml', 'vm.vmx', status=2)
    tap.contains(done.stderr, 'disks[0].bus [L-controller]')
    tap.equal(sorted(t.names()), before, 'files')
    fields = losses_of(t, '--strict', 'vm.xml', 'vm.vmx', status=2)['fields']
    tap.equal([field['weight'] for field in fields if field['field'] == 'disks[0].bus'], ['boot'], 'weight')
    t.vmferry('convert', 'vm.xml', 'vm.vmx')


def test_a_dry_run_tells_the_losses_and_writes_nothing(t):
    with_three_vmdks(t)
    before = sorted(t.names())
    for target in 'to.xml', 'to.ova', 'to.vma', 'there/':
        done = t.vmferry('convert', '--dry-run', *(['--machine', 'vmx'] if target == 'there/' else []), 'vm.vmx', target)
        tap.contains(done.stderr, 'fields kept')
        tap.equal(sorted(t.names()), before, 'files')
    tap.equal(losses_of(t, '--dry-run', 'vm.vmx', 'to.xml')['kept'] > 10, True, 'report')


def test_a_copy_has_no_ids_of_the_old_machine(t):
    with_three_vmdks(t)
    for target in 'copy.vmx', 'copy.ova':
        fields = {field['field']: field for field in losses_of(t, '--copy', 'vm.vmx', target)['fields']}
        tap.equal((fields['uuid']['outcome'], fields['nics[0].mac']['outcome']), ('dropped', 'dropped'), 'outcomes')
        tap.contains(fields['uuid']['why'], 'copy')
        copy = machine_of(t, target)
        tap.equal(('uuid' in copy, 'mac' in copy['nics'][0]), (False, False), 'ids')


@tap.rows((('a package', ('--machine', 'ova'), 'piped.ova'), ('a package, by -O', ('-O', 'ova'), 'piped.ova'),
           ('a backup of Proxmox VE', ('--machine', 'proxmox'), 'piped.vma'), ('an export of XenServer', ('--machine', 'xapi'), 'piped.xva')))
def test_a_machine_goes_to_a_pipe(t, options, name):
    with_three_vmdks(t)
    with open(t.path(name), 'wb') as file:
        t.run('sh', '-c', f'"{tap.VMFERRY}" convert {" ".join(options)} vm.vmx - | cat', stdout=file, text=False)
    t.vmferry('convert', name, 'back.vmx')
    tap.equal([disk[:len(DISKS[0])] for disk in contents(t, 'back.vmx')], DISKS, 'disks')


def test_network_cards_are_put_on_the_networks_of_the_new_host(t):
    with_three_vmdks(t)
    t.vmferry('convert', '--network', 'VM Network=br0', 'vm.vmx', 'vm.xml')
    tap.equal(machine_of(t, 'vm.xml')['nics'][0]['network'], 'br0', 'network')
    tap.contains(t.vmferry('convert', '--network', 'other=br0', 'vm.vmx', 'no.xml', status=1).stderr, 'VM Network')
    tap.contains(t.vmferry('convert', '--network', 'other', 'vm.vmx', 'no.xml', status=1).stderr, 'OLD=NEW')
    tap.contains(t.vmferry('convert', *['--network', 'VM Network=a'] * 2, 'vm.vmx', 'no.xml', status=1).stderr, 'given twice')


@tap.rows([('two that change places', ('in=out', 'out=in'), ['out', 'in']), ('one behind the other', ('in=out', 'out=dmz'), ['out', 'dmz']),
           ('one that exists', ('in=out',), ['out', 'out'])])
def test_a_card_goes_by_the_name_of_its_network_in_the_source(t, rules, networks):
    t.write('vm.vmx', vmx(*[f'ethernet{i}.present = "TRUE"\nethernet{i}.networkName = "{name}"' for i, name in enumerate(('in', 'out'))]))
    t.vmferry('convert', *[word for rule in rules for word in ('--network', rule)], 'vm.vmx', 'vm.xml')
    tap.equal([card['network'] for card in machine_of(t, 'vm.xml')['nics']], networks, 'networks')


def test_a_machine_in_a_folder_is_called_by_its_name(t):
    with_three_vmdks(t)
    os.mkdir(t.path('there'))
    t.vmferry('convert', '--machine', 'vmx', 'vm.vmx', 'there/')
    tap.equal(sorted(os.listdir(t.path('there'))), ['db-disk1.vmdk', 'db-disk2.vmdk', 'db-disk3.vmdk', 'db.vmx'], 'files')
    tap.contains(t.vmferry('convert', '--machine', 'vmx', 'vm.vmx', 'there', status=1).stderr, '--force')
    tap.contains(t.vmferry('convert', 'vm.vmx', 'vm.vmx', status=1).stderr, 'source')


def with_snapshot(t):
    """A machine whose disk was changed behind a snapshot."""
    t.write('new.raw', DISKS[1])
    t.write('old.raw', DISKS[0])
    t.vmferry('convert', '-o', 'subformat=monolithicSparse', 'old.raw', 'old.vmdk')
    t.vmferry('convert', '-O', 'vmdk', '-o', 'subformat=monolithicSparse', '-B', 'old.vmdk', '-F', 'vmdk', 'new.raw', 'new-000001.vmdk')
    t.write('vm.vmx', vmx(drive('scsi0:0', 'new-000001.vmdk')))
    t.write('vm.vmsd', b'''.encoding = "UTF-8"
snapshot.numSnapshots = "1"
snapshot.current = "1"
snapshot0.uid = "1"
snapshot0.displayName = "before"
snapshot0.numDisks = "1"
snapshot0.disk0.fileName = "old.vmdk"
snapshot0.disk0.node = "scsi0:0"
''')


def test_a_disk_is_read_through_its_chain(t):
    with_snapshot(t)
    t.vmferry('convert', 'vm.vmx', 'vm.ova')
    tap.equal(contents(t, 'vm.ova')[0][:len(DISKS[1])], DISKS[1], 'disk')


def test_a_snapshot_is_the_disk_as_it_was(t):
    with_snapshot(t)
    t.vmferry('convert', '-l', 'before', 'vm.vmx', 'vm.ova')
    tap.equal(contents(t, 'vm.ova')[0][:len(DISKS[0])], DISKS[0], 'disk')
    tap.contains(t.vmferry('convert', '-l', 'other', 'vm.vmx', 'no.ova', status=1).stderr, 'before')


def test_a_disk_of_a_backup_that_its_machine_does_not_have_is_lost_data(t):
    three_disks(t)
    t.vmferry('convert', 'vm.xml', 'vm.vma')
    tap.equal([code for code in (field.get('code') for field in losses_of(t, 'vm.vma', 'all.vmx')['fields']) if code == 'L-disk-left'], [], 'losses')
    backup = bytearray(t.read('vm.vma'))
    size = int.from_bytes(backup[56:60], 'big')
    place = backup.index(b'\nsata0: ')
    backup[place + 1:place + 2] = b'#'
    backup[32:48] = bytes(16)
    backup[32:48] = hashlib.md5(backup[:size]).digest()
    t.write('vm.vma', bytes(backup))
    left = [field for field in losses_of(t, 'vm.vma', 'vm.vmx')['fields'] if field.get('code') == 'L-disk-left']
    tap.equal([(field['field'], field['weight'], field['outcome']) for field in left], [('disk-left.drive-sata0', 'data', 'dropped')], 'losses')
    tap.contains(t.vmferry('convert', '--strict', 'vm.vma', 'strict.vmx', status=2).stderr, 'disk-left.drive-sata0')


def test_an_error_of_a_disk_names_the_file_once_and_the_line(t):
    t.write('vm.vmx', vmx(drive('scsi0:0', 'gone.vmdk')))
    tap.contains(t.vmferry('convert', 'vm.vmx', 'vm.ova', status=2).stderr, 'vm.vmx:10: names the file "gone.vmdk"')


def test_a_machine_where_a_disk_is_wanted_is_told_how_it_goes(t):
    t.write('vm.vmx', vmx(drive('scsi0:0', '0.vmdk')))
    tap.contains(t.vmferry('convert', 'vm.vmx', 'vm.qcow2', status=2).stderr, '*.ova')
    t.write('vm.xml', b'<!DOCTYPE domain [<!ENTITY a "b">]>' + domain())
    tap.contains(t.vmferry('info', 'vm.xml', status=2).stderr, 'DOCTYPE')


def test_a_missing_link_of_a_chain_is_an_error(t):
    with_snapshot(t)
    os.unlink(t.path('old.vmdk'))
    tap.contains(t.vmferry('convert', 'vm.vmx', 'vm.ova', status=2).stderr, 'old.vmdk')
    tap.equal(os.path.exists(t.path('vm.ova')), False, 'a package')


def test_a_folder_that_is_allowed_is_used(t):
    os.mkdir(t.path('images'))
    os.mkdir(t.path('machines'))
    t.write('images/0.raw', DISKS[0])
    t.write('machines/vm.xml', domain((t.path('images/0.raw'), 'raw', 'sata')))
    t.vmferry('convert', 'machines/vm.xml', 'vm.ova', status=2)
    t.vmferry('convert', '--allow-ref', 'images', 'machines/vm.xml', 'vm.ova')
    tap.equal(contents(t, 'vm.ova')[0].rstrip(b'\0'), DISKS[0], 'disk')
    t.vmferry('convert', '--no-refs', '--allow-ref', 'images', 'machines/vm.xml', 'no.ova', status=1)


def test_a_disk_called_like_one_is_never_a_machine(t):
    t.write('0.raw', DISKS[0])
    t.write('disk.img', domain(('0.raw', 'raw', 'sata')))
    t.vmferry('convert', 'disk.img', 'vm.ova', status=1)
    tap.equal(os.path.exists(t.path('vm.ova')), False, 'a package')


def test_the_report_replaces_nothing_but_a_report(t):
    three_disks(t)
    before = t.read('vm.xml'), t.read('0.qcow2')
    t.write('notes.txt', b'mine')
    t.write('other.json', b'{\n    "source": "https://example.org/",\n    "precious": 1\n}\n')
    for name in 'vm.xml', '0.qcow2', 'notes.txt', 'other.json', 'vm.ova':
        tap.contains(t.vmferry('convert', '--losses', name, 'vm.xml', 'vm.ova', status=1).stderr, '--losses')
        tap.equal(os.path.exists(t.path('vm.ova')), False, 'a package')
    tap.equal(before, (t.read('vm.xml'), t.read('0.qcow2')), 'source')
    t.vmferry('convert', '--losses', '-', '--machine=ova', 'vm.xml', '-', status=1)
    for option in '--output=json', '--dry-run':
        done = t.vmferry('convert', '--losses', '-', option, 'vm.xml', 'vm.ova', status=1)
        tap.contains(done.stderr, f'--losses and {option} cannot both go to standard output')
        tap.equal((done.stdout, os.path.exists(t.path('vm.ova'))), ('', False), 'what was written')
    t.vmferry('convert', '--losses', './one.vmx', 'vm.xml', 'one.vmx', status=1)
    tap.equal(os.path.exists(t.path('one.vmx')), False, 'a machine')
    t.write('report', b'')
    for target in 'a.ova', 'b.ova':
        tap.equal(json.loads(t.vmferry('convert', '--losses', '-', 'vm.xml', 'x' + target).stdout)['target'], 'x' + target)
        t.vmferry('convert', '--losses', 'report', 'vm.xml', target)
        tap.equal(json.loads(t.read('report'))['target'], target)


def test_a_machine_format_is_asked_for_by_its_name_or_by_that_of_its_file(t):
    three_disks(t)
    for name in 'vma', 'xva', 'xapi':
        t.vmferry('convert', '--machine', name, 'vm.xml', 'of-' + name)
    tap.equal(t.read('of-vma')[:3], b'VMA', 'magic')
    tap.contains(t.vmferry('convert', '--machine=vmm', 'vm.xml', 'x', status=1).stderr, 'libvirt, ')


@tap.rows([(f'{machine} as {name}', machine, name) for machine in ('vma', 'xva') for name in ('disk.raw', 'disk.qcow2', 'other.vmx', 'vm.' + machine + '.zst', 'other.' + {'vma': 'xva', 'xva': 'vma'}[machine])])
def test_a_machine_in_one_file_is_called_as_one(t, machine, name):
    """What is there under the name of a disk or another machine stays."""
    three_disks(t)
    t.write(name, b'precious')
    tap.contains(t.vmferry('convert', '--machine', machine, 'vm.xml', name, status=1).stderr, f'such a machine is called *.{machine}')
    tap.equal(t.read(name), b'precious', 'content')


def test_options_of_machines_are_not_for_disks(t):
    t.write('0.raw', DISKS[0])
    for option in '--strict', '--copy', '--losses=l', '--machine=libvirt', '--system=a', '--network=a=b':
        tap.contains(t.vmferry('convert', option, '0.raw', '0.qcow2', status=1).stderr, 'machine')


def test_text_that_was_taken_out_of_its_file(t):
    """Its disks are in the file that it came from."""
    t.write('100.conf', b'memory: 512\nname: web\nscsi0: local:vm-100-disk-0,size=1G\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n')
    tap.contains(t.vmferry('info', '100.conf').stdout, 'taken from; name that file (*.xva, *.vma) instead')
    tap.contains(t.vmferry('convert', '100.conf', 'b.ova', status=2).stderr, '"drive-scsi0" of the file that this text was taken from')
    tap.equal(t.names(), ['100.conf'], 'files')


def test_format_of_a_machine_that_is_told(t):
    t.write('0.raw', DISKS[0])
    t.write('plain', domain(('0.raw', 'raw', 'scsi')))
    t.vmferry('convert', '-q', '-f', 'libvirt', 'plain', 'a.ova')
    t.vmferry('compare', '0.raw', 'a.ova')
    tap.contains(t.vmferry('convert', '-f', 'vmx', 'plain', 'b.ova', status=2).stderr, 'plain')
    t.vmferry('convert', '-f', 'raw', '-O', 'raw', 'plain', 'c.xml')
    tap.equal(t.read('c.xml') == t.read('plain'), True, 'a raw disk, since the person says so')


if __name__ == '__main__':
    tap.main(globals())
