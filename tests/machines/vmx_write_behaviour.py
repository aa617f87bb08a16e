#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A machine that is written as a .vmx is the same when it is read again, but for what the writer tells;
libvirt and virt-v2v read it, too."""
import os
import re
import xml.etree.ElementTree as xml

import model
import tap

START = 'config.version = "8"\nvirtualHW.version = "13"\n'
DISK = START + 'scsi0.present = "TRUE"\nscsi0:0.present = "TRUE"\nscsi0:0.fileName = "a.vmdk"\n'


def settings(text):
    """Keys in small letters; each stands there once."""
    found = re.findall(r'^(\S+) = "(.*)"$', text, re.M)
    keys = [key.lower() for key, _ in found]
    tap.equal(sorted(set(keys)), sorted(keys), 'keys')
    tap.equal(len(found), len(text.splitlines()), 'lines')
    return dict(zip(keys, (value for _, value in found)))


def rewrite(t, text, *arguments, name='a.vmx'):
    path = t.write(name, text if isinstance(text, bytes) else text.encode())
    told = model.written(t, path, t.path('b.vmx'), 'vmx', *arguments)
    return settings(t.read('b.vmx').decode()), told


def domain(devices='', os='', more='', arch='x86_64'):
    return (f'<domain type="kvm"><name>a</name><memory>1048577</memory><vcpu>2</vcpu>'
            f'<os><type arch="{arch}" machine="pc">hvm</type>{os}</os>{more}<devices>{devices}</devices></domain>')


def from_libvirt(t, *values, **options):
    return rewrite(t, domain(*values, **options), name='a.xml')


@tap.rows([
    ('with its cable out', '<interface type="user"><link state="down"/></interface>', 'FALSE', 'nics[0].link'),
    ('on no network', '<interface type="null"/>', 'FALSE', 'nics[0].attach'), ('with its cable in', '<interface type="user"><link state="up"/></interface>', None, None),
])
def test_a_card_that_reaches_nothing_is_not_connected(t, card, connected, field):
    found, told = from_libvirt(t, card)
    tap.equal((found.get('ethernet0.startconnected'), [line[:2] for line in told if 'nics[0]' in line[1]]), (connected, [('cosmetic', field)] if field else []))


# ---- round trips ----

def flat(machine, prefix=''):
    """Fields by their paths, without what was kept."""
    found = {}
    for name, value in machine.items():
        if isinstance(value, list) and name != 'extra':
            for index, element in enumerate(value):
                found.update(flat(element, f'{prefix}{name}[{index}].'))
        elif name != 'extra':
            found[prefix + name] = value
    return found


def images(machine):
    """What the disks are called beside the .vmx."""
    ends = {'disk': 'vmdk', 'lun': 'vmdk', 'cdrom': 'iso', 'floppy': 'flp'}
    return [f'disk={i}.{ends[disk["medium"]]}' if 'image' in disk else 'disk=-'
            for i, disk in enumerate(machine.get('disks', []))]


def samples():
    folders = [tap.SOURCE / '../shared/machines/vmx', *(folder / 'virt-v2v' for folder in tap.corpora())]
    found = sorted(path for folder in folders for path in folder.rglob('*.vmx'))
    if not found:
        raise tap.Skip('no machines of others')
    return found


def round_trip(t, path):
    before, _ = model.read(t, path)
    told = {line[1].lower() for line in model.written(t, path, t.path('b.vmx'), 'vmx', *images(before))}
    after, findings = model.read(t, t.path('b.vmx'))
    settings(t.read('b.vmx').decode())
    old, new = flat(before), flat(after)
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name) and not name.endswith('.image') and name != 'os-source':
            tap.equal(name in told, True, f'{name} was {old.get(name)}, is {new.get(name)}')
    kept = {key.lower(): value for key, value in model.extras(after).items()}
    for key, value in model.extras(before).items():
        if (kept.get(key.lower()) or '').lower() != (value or '').lower():
            tap.equal('extra.' + key.lower() in told, True, key)
    tap.equal([rule for rule in model.rules(findings) if rule != 'vmx-raw-device'], [])


def test_machines_of_others_come_back(t):
    for path in samples():
        try:
            round_trip(t, path)
        except Exception as error:
            raise AssertionError(f'{path.name}: {error}') from error


# ---- what is written ----

@tap.rows([
    ('silent', START, {'config.version': '8', 'virtualhw.version': '13', 'memsize': '32', 'numvcpus': '1',
                       'displayname': 'b', 'firmware': None, 'floppy0.present': 'FALSE', 'uuid.action': 'create',
                       'pcibridge7.functions': '8'}),
    ('old hardware', START.replace('13', '4'), {'pcibridge0.present': None, 'vmci0.present': None}),
    ('EFI', START + 'firmware = "efi"\nuefi.secureBoot.enabled = "TRUE"\n', {'firmware': 'efi', 'uefi.secureboot.enabled': 'TRUE'}),
    ('escapes', START + 'annotation = "a|22b|7Cc|0Ad"\n', {'annotation': 'a|22b|7Cc|0Ad'}),
    ('name with escapes', START + 'displayName = "a%252fb%2fc"\n', {'displayname': 'a%252fb/c'}),
    ('guest', START + 'guestOS = "windows8srv-64"\n', {'guestos': 'windows8srv-64'}),
    ('guest that nobody knows', START + 'guestOS = "flux-64"\n', {'guestos': 'flux-64'}),
    ('invented setting', START + 'flux.capacitor = "1.21"\n', {'flux.capacitor': '1.21'}),
    ('UUID', START + 'uuid.bios = "00 11 22 33 44 55 66 77-88 99 aa bb cc dd ee ff"\nuuid.action = "create"\n',
     {'uuid.bios': '00 11 22 33 44 55 66 77-88 99 aa bb cc dd ee ff', 'uuid.action': None}),
    ('hidden drive', START + 'scsi0.present = "TRUE"\nscsi0:3.present = "FALSE"\nscsi0:3.fileName = "x.vmdk"\n',
     {'scsi0:3.present': 'FALSE', 'scsi0:3.filename': 'x.vmdk'}),
    ('custom network', START + 'ethernet0.present = "TRUE"\nethernet0.connectionType = "custom"\nethernet0.vnet = "VMnet7"\n',
     {'ethernet0.connectiontype': 'custom', 'ethernet0.vnet': 'VMnet7', 'ethernet0.networkname': None}),
    ('fixed address', START + 'ethernet0.present = "TRUE"\nethernet0.addressType = "static"\nethernet0.address = "00:50:56:11:22:33"\n',
     {'ethernet0.addresstype': 'static', 'ethernet0.address': '00:50:56:11:22:33', 'ethernet0.checkmacaddress': None}),
    ('generated address', START + 'ethernet0.present = "TRUE"\nethernet0.generatedAddress = "00:0c:29:11:22:33"\n',
     {'ethernet0.addresstype': 'static', 'ethernet0.address': '00:0c:29:11:22:33', 'ethernet0.checkmacaddress': 'FALSE'}),
    ('boot', START + 'bios.bootOrder = "CDROM,hdd"\n', {'bios.bootorder': 'cdrom,hdd'}),
])
def test_written(t, text, expected):
    found, _ = rewrite(t, text)
    for key, value in expected.items():
        tap.equal(found.get(key), value, key)


def test_only_the_second_floppy_drive_stays_the_second(t):
    found, _ = rewrite(t, START + 'floppy0.present = "FALSE"\nfloppy0.startConnected = "perhaps"\nfloppy1.present = "TRUE"\n')
    tap.equal((found['floppy0.present'], found['floppy1.present']), ('FALSE', 'TRUE'))
    model.read(t, t.path('b.vmx'))


def test_hidden_drive_does_not_appear_with_a_controller(t):
    # the IDE drives 0:2 and 0:3 that other vendors count move, and nothing else comes into the machine
    found, _ = rewrite(t, START + 'sata0:1.present = "TRUE"\nsata0:1.fileName = "x.vmdk"\n'
                       + ''.join(f'ide{i // 2}:{i % 2}.present = "TRUE"\nide{i // 2}:{i % 2}.fileName = "{i}.vmdk"\n' for i in range(4)))
    tap.equal(found['sata0:1.present'], 'TRUE')
    tap.equal(found.get('sata0.present'), None)
    tap.equal(len(model.read(t, t.path('b.vmx'))[0]['disks']), 4)


def test_passwords_are_not_written(t):
    found, told = rewrite(t, START + 'RemoteDisplay.vnc.password = "secret"\nRemoteDisplay.vnc.port = "5900"\n')
    tap.equal((found.get('remotedisplay.vnc.password'), found['remotedisplay.vnc.port']), (None, '5900'))
    tap.equal([line[2] for line in told if 'password' in line[1]], ['L-secret-dropped'])


def test_copy_is_a_new_machine(t):
    found, told = rewrite(t, START + 'uuid.bios = "00 11 22 33 44 55 66 77-88 99 aa bb cc dd ee ff"\nvm.genid = "1"\nvm.genidX = "2"\n'
                          'ethernet0.present = "TRUE"\nethernet0.address = "00:50:56:11:22:33"\n', 'copy')
    tap.equal((found['uuid.action'], found.get('uuid.bios'), found.get('vm.genid')), ('create', None, None))
    tap.equal((found['ethernet0.addresstype'], found.get('ethernet0.address')), ('generated', None))
    tap.equal([line[1] for line in told], ['uuid', 'genid', 'nics[0].mac'])


def test_uuid_keeps_what_the_guest_prints_on_newer_hardware(t):
    # hardware 13 is needed for NVMe, and prints the first three fields in another order
    old = (START.replace('13', '10') + 'uuid.bios = "00 11 22 33 44 55 66 77-88 99 aa bb cc dd ee ff"\n'
           'nvme0.present = "TRUE"\nnvme0:0.present = "TRUE"\nnvme0:0.fileName = "a.vmdk"\n')
    found, _ = rewrite(t, old)
    tap.equal(found['virtualhw.version'], '13')
    tap.equal(found['uuid.bios'], '33 22 11 00 55 44 77 66-88 99 aa bb cc dd ee ff')
    tap.equal(model.read(t, t.path('b.vmx'))[0]['uuid'], '00112233-4455-6677-8899-aabbccddeeff')


def test_cd_without_its_image_is_an_empty_drive(t):
    found, told = rewrite(t, START + 'ide1:0.present = "TRUE"\nide1:0.deviceType = "cdrom-image"\nide1:0.fileName = "a.iso"\n', 'disk=-')
    tap.equal((found['ide1:0.devicetype'], found['ide1:0.clientdevice']), ('cdrom-raw', 'TRUE'))
    tap.equal([line[1:3] for line in told], [('disks[0].image', 'L-cdrom-media')])


# ---- of another vendor ----

def libvirt_disk(bus, target='vda', device='disk', address=''):
    return (f'<disk type="file" device="{device}"><source file="/a/{target}.vmdk"/><target dev="{target}" bus="{bus}"/>'
            f'{address}</disk>')


@tap.rows([
    ('virtio', libvirt_disk('virtio'), 'scsi0:0', 'disks[0].bus', 'boot'),
    ('xen', libvirt_disk('xen', 'xvda'), 'scsi0:0', 'disks[0].bus', 'boot'),
    ('USB', libvirt_disk('usb', 'sda'), 'scsi0:0', 'disks[0].bus', 'boot'),
    ('virtio, a CD', libvirt_disk('virtio', device='cdrom'), 'ide0:0', 'disks[0].bus', 'cosmetic'),
    ('IDE', libvirt_disk('ide', 'hdc', address='<address type="drive" controller="0" bus="1" target="0" unit="0"/>'), 'ide1:0', None, None),
    ('SATA', libvirt_disk('sata', 'sdb', address='<address type="drive" controller="0" bus="0" target="0" unit="1"/>'), 'sata0:1', None, None),
])
def test_drive_of_libvirt(t, devices, place, field, weight):
    found, told = from_libvirt(t, devices)
    tap.equal(found[place + '.present'], 'TRUE')
    tap.equal([line[0] for line in told if line[1] == field], [weight] if field else [])


@tap.rows([
    ('Windows', 'http://microsoft.com/win/2k22', 'lsisas1068'),
    ('Linux', 'http://debian.org/debian/12', 'lsilogic'),
])
def test_controller_is_one_that_the_guest_knows(t, system, expected):
    more = ('<metadata><libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">'
            f'<libosinfo:os id="{system}"/></libosinfo:libosinfo></metadata>')
    if 'os' not in model.read(t, t.write('o.xml', domain(more=more).encode()))[0]:
        raise tap.Skip('the names of libosinfo are not read yet')
    found, told = from_libvirt(t, libvirt_disk('virtio'), more=more)
    tap.equal(found['scsi0.virtualdev'], expected)
    tap.contains([line[3] for line in told if line[1] == 'disks[0].bus'][0], 'LSI_SAS' if expected == 'lsisas1068' else 'mptspi')


def test_seventeen_disks_fill_two_controllers(t):
    disks = ''.join(libvirt_disk('virtio', 'vd' + chr(97 + i)) for i in range(17))
    found, _ = from_libvirt(t, disks)
    places = [key[:-8] for key in found if re.fullmatch(r'scsi\d:\d+\.present', key)]
    tap.equal(places, [f'scsi0:{i}' for i in range(16) if i != 7] + ['scsi1:0', 'scsi1:1'])


def test_devices_that_share_a_place_all_boot(t):
    """libvirt refuses two of one place, but a file may say so: in the order of the file."""
    cards = ''.join(f'<interface type="bridge"><source bridge="br0"/><model type="e1000"/><boot order="{place}"/></interface>' for place in (2, 2, 65535, 1))
    disks = ''.join(libvirt_disk('scsi', f'sd{letter}').replace('</disk>', f'<boot order="{place}"/></disk>') for letter, place in (('a', 7), ('b', 3), ('c', 7)))
    found, _ = from_libvirt(t, cards + disks)
    tap.equal((found['bios.bootorder'], found['bios.hddorder']), ('ethernet3,ethernet0,ethernet1,ethernet2,hdd', 'scsi0:1,scsi0:0,scsi0:2'))


def test_memory_is_rounded_up(t):
    found, told = from_libvirt(t)
    tap.equal(found['memsize'], '1028')
    tap.equal(('cosmetic', 'memory', 'L-memory') in [line[:3] for line in told], True)


def test_card_that_vmware_does_not_have(t):
    found, told = from_libvirt(t, '<interface type="bridge"><mac address="52:54:00:11:22:33"/><source bridge="br0"/><model type="virtio"/></interface>')
    tap.equal((found['ethernet0.virtualdev'], found['ethernet0.networkname']), ('e1000e', 'br0'))
    tap.equal((found['ethernet0.address'], found['ethernet0.checkmacaddress']), ('52:54:00:11:22:33', 'FALSE'))
    tap.equal(('behaviour', 'nics[0].model', 'L-nic-model') in [line[:3] for line in told], True)


def test_processor_that_vmware_does_not_have_is_refused(t):
    error = model.refused(t, t.write('a.xml', domain(arch='s390x').encode()), 'to=vmx')
    tap.contains(error, 'VMware has no machines of the processor s390x')


def test_efi_order_is_told(t):
    _, told = rewrite(t, START + 'firmware = "efi"\nbios.bootOrder = "hdd"\n')
    tap.equal([line[1:3] for line in told], [('boot', 'L-boot-order')])


def test_line_of_a_setting_cannot_be_left(t):
    found, _ = rewrite(t, DISK + 'displayName = "a|22|0Ascsi9.present = |22TRUE"\n', 'disk=x"|0A.vmdk')
    tap.equal(found['displayname'], 'a|22|0Ascsi9.present = |22TRUE')
    tap.equal(found['scsi0:0.filename'], 'x|22|7C0A.vmdk')


# ---- other programs ----

def players(t):
    """libvirt has a driver for VMware Player, which asks the player for its version only."""
    tap.tool('virsh')
    for name, text in (('vmplayer', 'VMware Player 17.0.0 build-1'), ('vmrun', 'Total running VMs: 0')):
        t.write(name, f'#!/bin/sh\necho "{text}"\n'.encode())
        os.chmod(t.path(name), 0o755)
    return {'PATH': f'{t.folder}:{os.environ["PATH"]}', 'XDG_RUNTIME_DIR': str(t.folder), 'HOME': str(t.folder)}


def ask_libvirt(t, path, player):
    return t.run('virsh', '-q', '-c', 'vmwareplayer:///session', 'domxml-from-native', 'vmware-vmx', path, env=player, status=None)


def count_disks(found):
    return len([1 for disk in found.iter('disk') if disk.get('device') == 'disk'])


def test_libvirt_reads_what_is_written(t):
    player = players(t)
    for path in samples():
        before, _ = model.read(t, path)
        model.written(t, path, t.path('b.vmx'), 'vmx', *images(before))
        if b'connectionType = "bridged"' in t.read('b.vmx') and b'networkName' not in t.read('b.vmx'):
            continue  # VMware takes the default bridge, libvirt wants its name
        if b'"hostonly"' in t.read('b.vmx'):
            continue  # which libvirt does not have
        done = ask_libvirt(t, t.path('b.vmx'), player)
        if 'driver is not' in done.stderr or 'no connection driver' in done.stderr:
            raise tap.Skip('libvirt was built without VMware')
        tap.equal((path.name, done.returncode, done.stderr), (path.name, 0, ''))
        found = xml.fromstring(done.stdout)
        tap.equal(int(found.findtext('memory')) << 10, before['memory'] + -before['memory'] % (4 << 20), path.name)
        tap.equal(int(found.findtext('vcpu')), before['vcpus'], path.name)
        tap.equal([card.find('mac').get('address') for card in found.iter('interface')],
                  [nic.get('mac', '00:00:00:00:00:00') for nic in before.get('nics', [])], path.name)
        disks = [disk for disk in before.get('disks', []) if disk['medium'] == 'disk' and disk['bus'] != 'nvme']
        as_before = ask_libvirt(t, path, player)  # it leaves out some of 21 disks
        count = count_disks(xml.fromstring(as_before.stdout)) if as_before.returncode == 0 else len(disks)
        tap.equal(count_disks(found), count, path.name)


def test_virt_v2v_reads_what_is_written(t):
    tap.tool('virt-v2v')
    tap.tool('qemu-img')
    for path in samples():
        if not path.name.startswith('test-i-vmx'):
            continue
        before, _ = model.read(t, path)
        names = images(before)
        model.written(t, path, t.path('b.vmx'), 'vmx', *names)
        for name in names:
            if name.endswith('.vmdk'):
                t.run('qemu-img', 'create', '-q', '-f', 'vmdk', t.path(name[5:]), '64k')
        done = t.run('virt-v2v', '-i', 'vmx', t.path('b.vmx'), '--print-source', '-o', 'null', env={'LIBGUESTFS_BACKEND': 'direct'})
        said = {key.strip(): value.strip() for key, value in re.findall(r'^ *([^\n:]+): *(.*)$', done.stdout, re.M)}
        tap.equal(said['source name'], before['name'], path.name)
        tap.equal(int(said['memory'].split()[0]), before['memory'], path.name)
        tap.equal(said['firmware'].split()[0], 'uefi' if before['firmware'] == 'efi' else 'bios', path.name)
        tap.equal(re.findall(r'^\t\d+ \[(\w+)\]', done.stdout, re.M),
                  [disk['bus'] for disk in before['disks'] if disk['medium'] == 'disk'], path.name)


if __name__ == '__main__':
    tap.main(globals())
