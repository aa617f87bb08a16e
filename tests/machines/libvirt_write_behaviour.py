#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Machines as libvirt's domain XML: libvirt's own schema and its test driver take them, and reading them again gives the same machine but for
what was told."""
import json
import os
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import tap

MODEL_OF = pathlib.Path(os.environ.get('VMFERRY_BUILD', tap.SOURCE / 'build')) / 'tests/machines/model_of'
MACHINES = pathlib.Path(os.environ.get('VMFERRY_MACHINES', tap.SOURCE / '../shared/machines'))
SCHEMA = pathlib.Path('/usr/share/libvirt/schemas/domain.rng')


def samples(pattern):
    found = sorted(MACHINES.glob(pattern))
    if not found:
        raise tap.Skip(f'{MACHINES}/{pattern} is not there')
    return found if os.environ.get('VMFERRY_TEST_ALL') else found[::2]


def written(t, path, *words):
    """The text, and {field: (weight, code, why)} of what the writer tells."""
    done = t.run(MODEL_OF, path, 'to=libvirt', *words)
    told = {}
    for line in done.stderr.splitlines():
        weight, field, code, why = line.split('|', 3)
        told[field] = (weight, code, why)
    return done.stdout, told


def model(t, path):
    return json.loads(t.run(MODEL_OF, path, 'as=libvirt').stdout)['machine']


def from_xml(t, inside='', devices='', *words):
    path = t.write('in.xml', f'<domain type="kvm"><name>vm</name><memory>65536</memory>{inside}<devices>{devices}</devices></domain>'.encode())
    return tree(*written(t, path, *words))


def from_vmx(t, text, *words, name='vm'):
    lines = f'config.version = "8"\nvirtualHW.version = "19"\nmemsize = "64"\ndisplayName = "{name}"\n' + text
    return tree(*written(t, t.write('in.vmx', lines.encode()), *words))


def tree(text, told):
    return ElementTree.fromstring(text), told


# ---- samples ----

# What belongs to the old host or to the old images.
NOT_AGAIN = re.compile(r'devices/emulator|os/loader|os/nvram|@id|.*(\]/source|/backingStore|/mirror|/auth|@passwd|/cookies).*')


def comparable(machine):
    """Without what the target has of its own: images, and what libvirt means where nothing is said."""
    machine = json.loads(json.dumps(machine))
    extras = {}
    for extra in machine.pop('extra', []):
        if not NOT_AGAIN.fullmatch(extra['key']):
            extras.setdefault(extra['key'], []).append(' '.join(extra['value'].split()))
    for disk in machine.get('disks', []):
        disk.pop('image', None)
        disk.pop('image-format', None)
    if machine.get('firmware') == 'bios':
        del machine['firmware']
    return machine, extras


def forget(machine, told):
    for field in told:
        place = re.fullmatch(r'(\w+)\[(\d+)\]\.(.*)', field)
        if place:
            machine[place[1]][int(place[2])].pop(place[3], None)
        else:
            machine.pop(field, None)


def test_what_is_written_of_a_libvirt_machine_is_read_as_the_same(t):
    for path in samples('libvirt/*.xml'):
        if t.run(MODEL_OF, path, status=None).returncode:
            continue
        text, told = written(t, path)
        (before, kept), (after, again) = (comparable(model(t, name)) for name in (path, t.write('again.xml', text.encode())))
        forget(before, told)
        forget(after, told)
        tap.equal(after, before, path.name)
        tap.equal(again, kept, path.name)


@tap.rows([('libvirt', 'libvirt/*.xml'), ('VMware', 'vmx/**/*.vmx'), ('Proxmox', 'proxmox/**/*.conf')])
def test_the_schema_takes_what_is_written_of_machines_of(t, pattern):
    if not SCHEMA.exists():
        raise tap.Skip('libvirt\'s schemas are not installed')
    names = []
    for path in samples(pattern):
        done = t.run(MODEL_OF, path, 'to=libvirt', status=None)
        if done.returncode == 0:
            names.append(t.write(f'{len(names)}.xml', done.stdout.encode()))
    tap.equal(len(names) > 3, True)
    t.run(tap.tool('xmllint'), '--noout', '--relaxng', SCHEMA, *names)


def test_libvirt_defines_what_is_written(t):
    virsh = tap.tool('virsh')
    node = t.write('node.xml', b'<node/>')
    for path in samples('vmx/**/*.vmx'):
        done = t.run(MODEL_OF, path, 'to=libvirt', status=None)
        if done.returncode == 0:
            name = t.write('defined.xml', done.stdout.encode())
            t.run(tap.tool('virt-xml-validate'), name, 'domain')
            t.run(virsh, '-c', f'test://{node}', 'define', name, '--validate')


def test_virt_v2v_sees_the_machine_that_was_meant(t):
    tap.tool('nbdkit')
    disk = t.write('a.raw', bytes(1 << 20))
    text = ('guestOS = "windows9-64"\nfirmware = "efi"\nnumvcpus = "4"\ncpuid.coresPerSocket = "2"\nscsi0.present = "TRUE"\nscsi0.virtualDev = "pvscsi"\n'
            + DISK.format('scsi0:0', 'a.vmdk') + 'ide1:0.present = "TRUE"\nide1:0.deviceType = "atapi-cdrom"\nethernet0.present = "TRUE"\n'
            'ethernet0.virtualDev = "e1000"\nethernet0.networkName = "VM Network"\nethernet0.addressType = "static"\nethernet0.address = "00:50:56:00:00:01"\n'
            'vm.genid = "-570734802784577186"\nvm.genidX = "-5042519231342505152"\n')
    root, _ = from_vmx(t, text, f'disk={disk}')
    root.find('devices/disk/driver').set('type', 'raw')
    seen = t.run(tap.tool('virt-v2v'), '-i', 'libvirtxml', '--print-source', t.write('out.xml', ElementTree.tostring(root))).stdout
    for part in ('source name: vm', 'genid: 8312995e-57b8-f814-4013-c1ba795f05ba', f'memory: {64 << 20} (bytes)', 'nr vCPUs: 4',
                 'sockets: 2 cores/socket: 2', 'firmware: uefi', '0 [scsi]', 'CD-ROM [sata]', 'Network "VM Network" mac: 00:50:56:00:00:01 [e1000]'):
        tap.contains(seen, part)


# ---- what is written of other vendors' machines ----

DISK = '{0}.present = "TRUE"\n{0}.fileName = "{1}"\n'


def attached(root):
    """[bus, address] of each disk."""
    return [(disk.find('target').get('bus'), *(disk.find('address').get(name) for name in ('controller', 'bus', 'target', 'unit')))
            for disk in root.findall('devices/disk') if disk.find('address') is not None]


@tap.rows([
    ('BIOS is pc', '', 'pc', None), ('EFI is q35', 'firmware = "efi"\n', 'q35', 'efi'),
    ('SATA without IDE is q35', 'sata0.present = "TRUE"\n' + DISK.format('sata0:0', 'a.vmdk'), 'q35', None),
])
def test_type_of_machine(t, text, kind, firmware):
    root, _ = from_vmx(t, text)
    tap.equal((root.find('os/type').get('machine'), root.find('os').get('firmware')), (kind, firmware))


def test_secure_boot_guards_its_variables(t):
    root, _ = from_vmx(t, 'firmware = "efi"\nuefi.secureBoot.enabled = "TRUE"\n')
    tap.equal([feature.attrib for feature in root.findall('os/firmware/feature')], [{'enabled': 'yes', 'name': 'secure-boot'}])
    tap.equal(root.find('features/smm').get('state'), 'on')


@tap.rows([
    ('LSI SAS', 'scsi0.virtualDev = "lsisas1068"\n', 'scsi0:5', [('scsi', '0', '0', '5', '0')], 'lsisas1068', None),
    ('LSI SAS beyond its places', 'scsi0.virtualDev = "lsisas1068"\n', 'scsi0:9', [('scsi', '0', '0', '0', '0')], 'lsisas1068', None),
    ('PVSCSI', 'scsi0.virtualDev = "pvscsi"\n', 'scsi0:9', [('scsi', '0', '0', '9', '0')], 'vmpvscsi', None),
    ('LSI Logic is not QEMU\'s', 'scsi0.virtualDev = "lsilogic"\n', 'scsi0:1', [('sata', '0', '0', '0', '0')], None, 'boot'),
    ('NVMe', 'nvme0.present = "TRUE"\n', 'nvme0:0', [('sata', '0', '0', '0', '0')], None, 'boot'),
    ('IDE', '', 'ide1:0', [('ide', '0', '1', '0', '0')], None, None),
    ('IDE of an EFI machine', 'firmware = "efi"\n', 'ide1:0', [('sata', '0', '0', '0', '0')], None, 'boot'),
    ('SATA', 'sata0.present = "TRUE"\n', 'sata0:3', [('sata', '0', '0', '0', '3')], None, None),
    ('SATA beyond its ports', 'sata0.present = "TRUE"\n', 'sata0:9', [('sata', '0', '0', '0', '0')], None, None),
])
def test_place_of_a_disk(t, controller, place, addresses, model_name, weight):
    family = 'scsi0.present = "TRUE"\n' if 'scsi' in place else ''
    root, told = from_vmx(t, family + controller + DISK.format(place, 'a.vmdk'))
    tap.equal(attached(root), addresses)
    tap.equal([found.get('model') for found in root.findall('devices/controller[@type="scsi"]')], [model_name] if model_name else [])
    tap.equal(told.get('disks[0].bus', (None,))[0], weight)


def test_a_place_is_taken_once(t):
    """Those that keep their place have it before those that move."""
    text = 'sata0.present = "TRUE"\nnvme0.present = "TRUE"\n'
    text += ''.join(DISK.format(f'nvme0:{i}', f'n{i}.vmdk') for i in range(8)) + DISK.format('sata0:0', 's0.vmdk') + DISK.format('sata0:2', 's2.vmdk')
    root, _ = from_vmx(t, text)
    places = attached(root)
    tap.equal(len(set(places)), 10)
    files = {disk.find('source').get('file').rsplit('/', 1)[-1]: disk.find('address').get('unit') for disk in root.findall('devices/disk')}
    tap.equal((files['s0.vmdk'], files['s2.vmdk']), ('0', '2'))
    tap.equal(len({disk.find('target').get('dev') for disk in root.findall('devices/disk')}), 10)


def test_a_guest_gives_back_what_it_deletes(t):
    root, _ = from_vmx(t, DISK.format('ide0:0', 'a.vmdk') + 'ide1:0.present = "TRUE"\nide1:0.deviceType = "atapi-cdrom"\n')
    tap.equal([disk.find('driver').get('discard') for disk in root.findall('devices/disk')], ['unmap', None])


def test_flags_that_are_none_of_a_processor_are_told(t):
    root, told = tree(*written(t, t.write('in.conf', PROXMOX.format('cpu: host,flags=+hv-tlbflush;+pcid').encode()), 'as=proxmox'))
    tap.equal(([feature.get('name') for feature in root.iter('feature')], 'cpu-flags' in told), (['pcid'], True))


def test_where_no_processor_is_told_it_is_like_that_of_the_host(t):
    """QEMU's own has not what systems of today need, which ran on the old host's. What libvirt's own file leaves out stays out."""
    root, told = from_vmx(t, 'numvcpus = "2"\n')
    tap.equal((root.find('cpu').get('mode'), root.find('cpu/model'), told), ('host-model', None, {}))
    root, told = tree(*written(t, t.write('in.conf', PROXMOX.format('cpu: custom-mine').encode()), 'as=proxmox'))
    tap.equal((root.find('cpu').get('mode'), told['cpu-model'][0]), ('host-model', 'behaviour'))
    root, _ = tree(*written(t, t.write('in.conf', PROXMOX.format('arch: aarch64').encode()), 'as=proxmox'))
    tap.equal(root.find('cpu'), None, 'of another architecture')
    tap.equal(from_xml(t)[0].find('cpu'), None, 'of its own')


@tap.rows([('Windows', 'windows9-64', 'localtime'), ('Linux', 'ubuntu-64', 'utc')])
def test_the_clock_is_what_the_guest_takes_it_for(t, guest, clock):
    """VMware's own default, which its files do not say."""
    root, _ = from_vmx(t, f'guestOS = "{guest}"\n')
    tap.equal(root.find('clock').get('offset'), clock)


@tap.rows([('raw', 'raw', True), ('QCOW2', 'qcow2', False)])
def test_a_shared_disk_is_raw(t, form, shared):
    t.vmferry('create', '-f', 'vmdk', 'a.vmdk', '1M')
    t.write('vm.vmx', b'config.version = "8"\nvirtualHW.version = "19"\nmemsize = "64"\nsata0.present = "TRUE"\nsata0:0.present = "TRUE"\n'
                      b'sata0:0.fileName = "a.vmdk"\nsata0:0.sharing = "multi-writer"\n')
    done = t.vmferry('convert', '-O', form, 'vm.vmx', 'vm.xml')
    root = ElementTree.fromstring(t.read('vm.xml'))
    tap.equal((root.find('devices/disk/shareable') is not None, 'disks[0].shared' in done.stderr), (shared, not shared))


def test_paths_are_absolute(t):
    root, _ = from_vmx(t, DISK.format('ide0:0', 'a.vmdk'), 'disk=/srv/vm/a.qcow2')
    tap.equal(root.find('devices/disk/source').get('file'), '/srv/vm/a.qcow2')
    root, _ = from_vmx(t, DISK.format('ide0:0', 'a.vmdk'), 'disk=a.qcow2')
    tap.equal(root.find('devices/disk/source').get('file'), '/var/lib/libvirt/images/a.qcow2')


def test_a_disk_without_an_image_is_told_and_a_drive_may_be_empty(t):
    root, told = from_vmx(t, DISK.format('ide0:0', 'a.vmdk') + 'ide1:0.present = "TRUE"\nide1:0.deviceType = "cdrom-image"\nide1:0.fileName = "x.iso"\n',
                          'disk=-', 'disk=-')
    tap.equal([disk.get('device') for disk in root.findall('devices/disk')], ['cdrom'])
    tap.equal(told['disks[0]'][0], 'data')


@tap.rows([
    ('bridged', 'connectionType = "bridged"', 'network', 'default'), ('by name', 'networkName = "VM Network"', 'network', 'VM Network'),
    ('NAT', 'connectionType = "nat"', 'user', None), ('host only', 'connectionType = "hostonly"', 'network', 'hostonly'),
])
def test_network(t, text, kind, network):
    root, _ = from_vmx(t, f'ethernet0.present = "TRUE"\nethernet0.virtualDev = "e1000"\nethernet0.{text}\n')
    card = root.find('devices/interface')
    source = card.find('source')
    tap.equal((card.get('type'), None if source is None else source.get('network')), (kind, network))


@tap.rows([
    ('slash and line end', 'a/b|0Ac', 'a-b-c'), ('shell', '$(reboot)', '$(reboot)'), ('formats', '%s%n', '%s%n'), ('markup', '<a & "b">', '<a & "b">'),
    ('dots', '..', 'vm'), ('control character', 'a|01b', 'a-b'), ('up', '../x', '..-x'), ('long', 'x' * 300, 'x' * 255),
    ('long and cut within no character', 'é' * 200, 'é' * 127),
])
def test_name(t, name, expected):
    root, told = from_vmx(t, '', name=name.replace('"', '|22'))
    tap.equal(root.findtext('name'), expected)
    tap.equal('name' in told, expected != name)


def test_a_text_with_control_characters_is_still_xml(t):
    root, _ = from_vmx(t, 'annotation = "a|01b|0Ac"\n')
    tap.equal(root.findtext('description'), 'a?b\nc')


PROXMOX = 'name: vm\nmemory: 512\n{}\n'


@tap.rows([
    ('serial', 'scsi0: s:1/a.qcow2,serial=a%2Fb', 'disks[0].serial'), ('WWN', 'scsi0: s:1/a.qcow2,wwn=abc', 'disks[0].wwn'),
    ('a SATA disk that is only read', 'sata0: s:1/a.qcow2,ro=1', 'disks[0].read-only'),
    ('a tag where QEMU has the network', 'net0: e1000=52:54:00:00:00:01,tag=5', 'nics[0].vlan'),
    ('a cache', 'scsi0: s:1/a.qcow2,cache=7', 'disks[0].cache'),
    ('three dimensions', 'vga: virtio-gl', 'video-3d'), ('a model of Proxmox\'s own', 'cpu: x86-64-v2-AES', 'cpu-model'),
])
def test_what_libvirt_refuses_is_not_written_but_told(t, line, field):
    root, told = tree(*written(t, t.write('in.conf', PROXMOX.format(line).encode()), 'as=proxmox', 'disk=/a.qcow2'))
    tap.equal(field in told, True, told)
    words = [element.tag for element in root.iter()]
    tap.equal([word for word in ('serial', 'wwn', 'readonly', 'vlan', 'acceleration', 'model') if word in words and field != 'video-3d'],
              ['model'] if 'net0' in line else [])


# ---- identity ----

IDS = ('<uuid>6ba7b810-9dad-11d1-80b4-00c04fd430c8</uuid><genid>8312995e-57b8-f814-4013-c1ba795f05ba</genid>',
       '<interface type="user"><mac address="52:54:00:00:00:01"/></interface>')


def test_a_move_keeps_its_ids_and_a_copy_gets_new_ones(t):
    root, _ = from_xml(t, *IDS)
    tap.equal((root.findtext('uuid'), root.findtext('genid'), root.find('devices/interface/mac').get('address')),
              ('6ba7b810-9dad-11d1-80b4-00c04fd430c8', '8312995e-57b8-f814-4013-c1ba795f05ba', '52:54:00:00:00:01'))
    root, _ = from_xml(t, *IDS, 'copy')
    tap.equal((root.find('uuid'), root.findtext('genid'), root.find('devices/interface/mac')), (None, '', None))


def test_a_copy_has_no_table_with_the_old_id(t):
    table = ('<uuid>6ba7b810-9dad-11d1-80b4-00c04fd430c8</uuid><os><type>hvm</type><smbios mode="sysinfo"/></os><sysinfo type="smbios"><system>'
             '<entry name="uuid">6ba7b810-9dad-11d1-80b4-00c04fd430c8</entry></system></sysinfo>')
    root, _ = from_xml(t, table)
    tap.equal((root.find('sysinfo') is None, root.find('os/smbios') is None), (False, False))
    root, told = from_xml(t, table, '', 'copy')
    tap.equal((root.find('sysinfo'), root.find('os/smbios'), 'extra.sysinfo' in told), (None, None, True))


def test_uuid_is_what_the_guest_of_vmware_prints(t):
    ids = 'uuid.bios = "56 4d 6c 27 96 ea 12 07-6f 11 22 33 44 55 66 77"\nvm.genid = "-570734802784577186"\nvm.genidX = "-5042519231342505152"\n'
    root, _ = from_vmx(t, ids)
    tap.equal((root.findtext('uuid'), root.findtext('genid')), ('276c4d56-ea96-0712-6f11-223344556677', '8312995e-57b8-f814-4013-c1ba795f05ba'))


# ---- what libvirt's own machines keep ----

def test_boot_order_is_of_devices_or_of_classes(t):
    disk = '<disk><source file="/a"/><target dev="vda" bus="virtio"/>{}</disk>'
    root, _ = from_xml(t, '<os><type>hvm</type><boot dev="hd"/><boot dev="network"/></os>', disk.format(''))
    tap.equal([boot.get('dev') for boot in root.findall('os/boot')], ['hd', 'network'])
    root, told = from_xml(t, '<os><type>hvm</type><boot dev="hd"/></os>', disk.format('<boot order="1"/>'))
    tap.equal((root.findall('os/boot'), root.find('devices/disk/boot').get('order')), ([], '1'))
    tap.equal('boot' in told, True)


def test_a_disk_of_a_network_stays_one(t):
    root, _ = from_xml(t, '', '<disk type="network"><source protocol="rbd" name="p/i"><host name="h"/></source><target dev="vda" bus="virtio"/></disk>')
    disk = root.find('devices/disk')
    tap.equal((disk.get('type'), disk.find('source').get('name'), disk.find('source/host').get('name')), ('network', 'p/i', 'h'))


def test_the_old_chain_and_the_old_host_are_left_out(t):
    root, _ = from_xml(t, '<os><type arch="x86_64" machine="q35">hvm</type><loader type="pflash" readonly="yes">/old/code.fd</loader><nvram>/old/vars.fd</nvram>'
                          '</os>', '<emulator>/old/qemu</emulator><disk type="file"><driver type="qcow2" io="native"/><source file="/old/a" index="3"/>'
                          '<backingStore type="file"><format type="raw"/><source file="/old/b"/></backingStore><target dev="vda" bus="virtio"/></disk>')
    tap.equal('/old' in ElementTree.tostring(root, encoding='unicode').replace('file="/var/lib/libvirt/images', ''), False)
    tap.equal((root.find('os').get('firmware'), root.find('devices/disk/driver').get('io')), ('efi', 'native'))


def test_an_address_of_a_card_goes_with_the_type_of_machine(t):
    address = '<address type="pci" domain="0x0000" bus="0x00" slot="0x07" function="0x0"/>'
    root, _ = from_xml(t, '<os><type arch="x86_64" machine="pc-i440fx-7.2">hvm</type></os>', f'<interface type="user">{address}</interface>')
    tap.equal((root.find('os/type').get('machine'), root.find('devices/interface/address').get('slot')), ('pc-i440fx-7.2', '0x07'))


def test_what_nobody_knows_and_passwords_are_not_written(t):
    root, told = from_xml(t, '<frob/>', '<graphics type="vnc" passwd="s3cret" port="-1"/><disk frob="1"><source file="/a"/><target dev="vda"/></disk>')
    text = ElementTree.tostring(root, encoding='unicode')
    tap.equal(('frob' in text, 's3cret' in text, root.find('devices/graphics').get('port')), (False, False, '-1'))
    tap.equal(told['extra.devices/graphics@passwd'][1], 'L-secret-dropped')


def test_a_second_one_of_what_there_is_once_does_not_take_its_place(t):
    path = t.write('in.xml', b'<domain type="kvm"><name>v</name><memory>65536</memory><currentMemory>65536</currentMemory>'
                             b'<currentMemory>none</currentMemory><devices><interface type="user"><mac address="52:54:00:00:00:01"/>'
                             b'<mac address="none"/></interface></devices></domain>')
    for words in (), ('copy',):
        text, _ = written(t, path, *words)
        tap.equal('none' in text, False)
        model(t, t.write('again.xml', text.encode()))


def test_elements_of_another_namespace_bring_their_declaration(t):
    path = t.write('in.xml', b'<domain type="kvm" xmlns:q="http://libvirt.org/schemas/domain/qemu/1.0"><name>v</name><memory>65536</memory>'
                             b'<q:commandline><q:arg value="-S"/></q:commandline></domain>')
    root, _ = tree(*written(t, path))
    tap.equal(root.find('{http://libvirt.org/schemas/domain/qemu/1.0}commandline')[0].get('value'), '-S')


def test_a_machine_of_another_hypervisor_becomes_one_of_qemu(t):
    path = t.write('in.xml', b'<domain type="vmware"><name>v</name><memory>65536</memory></domain>')
    root, told = tree(*written(t, path))
    tap.equal((root.get('type'), 'extra.@type' in told), ('kvm', True))


if __name__ == '__main__':
    tap.main(globals())
