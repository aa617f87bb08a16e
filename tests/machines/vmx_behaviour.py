#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A .vmx is read as VMware means it, and as libvirt and virt-v2v read it where they are right."""
import re
import xml.etree.ElementTree as xml

import model
import tap

START = 'config.version = "8"\nvirtualHW.version = "13"\n'
SCSI = START + 'scsi0.present = "TRUE"\nscsi0:0.present = "TRUE"\nscsi0:0.fileName = "a.vmdk"\n'


def read(t, text, name='a.vmx', start=START, arguments=()):
    data = text if isinstance(text, bytes) else (start + text).encode()
    return model.read(t, t.write(name, data), *arguments)


# ---- the text ----

@tap.rows([
    ('quoted', 'annotation = "a b"', 'a b'),
    ('single quotes', "annotation = 'a b'", 'a b'),
    ('bare', 'annotation = ab # c', 'ab'),
    ('bare and without blanks', 'annotation=ab', 'ab'),
    ('comment behind', 'annotation = "a" # "b"', 'a'),
    ('escapes', 'annotation = "a|22b|7Cc|0Ad"', 'a"b|c\nd'),
    ('escapes of UTF-8', 'annotation = "|C3|A9"', 'é'),
    ('backslashes', r'annotation = "C:\dir\n"', r'C:\dir\n'),
    ('another case', 'ANNOTATION = "a"', 'a'),
    ('carriage returns', 'annotation = "a"\r\n', 'a'),
    ('without a newline', 'annotation = "a"', 'a'),
    ('no line goes on', 'annotation = "a\\"\n', 'a\\'),
])
def test_value(t, text, value):
    machine, findings = read(t, text)
    tap.equal(machine['description'], value)
    tap.equal(findings, [])


@tap.rows([
    ('lone pipe', 'annotation = "a|zb"', 'a|zb', 'vmx-escape'),
    ('pipe at the end', 'annotation = "a|0"', 'a|0', 'vmx-escape'),
    ('escape of no character', 'annotation = "|E9"', '|E9', 'vmx-escape'),
    ('quote inside', 'annotation = "a"b"', 'a"b', 'vmx-quotes'),
    ('no end', 'annotation = "a', 'a', 'vmx-quotes'),
    ('bare with blanks', 'annotation = a b', 'a b', 'vmx-quotes'),
    ('twice: the first', 'annotation = "a"\nANNOTATION = "b"', 'a', 'vmx-duplicate'),
])
def test_odd_value_is_told(t, text, value, rule):
    machine, findings = read(t, text)
    tap.equal(machine['description'], value)
    tap.equal(model.rules(findings), [rule])


def test_duplicate_names_both_lines(t):
    _, findings = read(t, 'memsize = "64"\nmemsize = "128"\n')
    tap.equal(findings[0]['line'], 4)
    tap.contains(findings[0]['text'], 'line 3')


def test_line_that_is_no_setting_is_told(t):
    _, findings = read(t, 'what is this\n')
    tap.equal(model.rules(findings), ['vmx-line'])


@tap.rows([
    ('windows-1252', 'windows-1252', 'é€'.encode('cp1252'), 'é€', []),
    ('Shift_JIS, with the bytes of a pipe and a backslash', 'Shift_JIS', '表ポ'.encode('cp932'), '表ポ', []),
    ('GBK', 'GBK', '测试'.encode('gbk'), '测试', []),
    ('UTF-8', 'UTF-8', 'é'.encode(), 'é', []),
    ('not what it says', 'UTF-8', 'é'.encode('cp1252'), 'é', ['vmx-encoding']),
    ('unknown', 'x-klingon', 'é'.encode('cp1252'), 'é', ['vmx-encoding']),
])
def test_encoding(t, name, data, text, rules):
    machine, findings = read(t, f'.encoding = "{name}"\n{START}displayName = "'.encode() + data + b'"\n')
    tap.equal(machine['name'], text)
    tap.equal(model.rules(findings), rules)


def test_byte_order_mark_is_skipped(t):
    machine, _ = read(t, b'\xef\xbb\xbf' + START.encode() + b'displayName = "a"\n')
    tap.equal(machine['name'], 'a')


@tap.rows([
    ('escaped', 'a%2fb%5cc%25d', 'a/b\\c%d'),
    ('others stay', '50% %20 %zz %', '50% %20 %zz %'),
])
def test_display_name(t, value, name):
    tap.equal(read(t, f'displayName = "{value}"')[0]['name'], name)


# ---- what is refused ----

def many(count):
    return ''.join(f'a{i}.x = "1"\n' for i in range(count))


@tap.rows([
    ('memory', 'memsize = "99999999999999"', 'a.vmx:3: memsize'),
    ('negative processors', 'numvcpus = "-1"', 'a.vmx:3: numvcpus'),
    ('no processors', 'numvcpus = "0"', 'a.vmx:3: numvcpus'),
    ('flag', 'scsi0.present = "yes"', 'accepted: TRUE, FALSE'),
    ('firmware', 'firmware = "uboot"', 'accepted: bios, efi'),
    ('NUL', 'displayName = "a|00b"', 'a.vmx:3: the value holds |00'),
    ('controller', 'scsi99999999999:0.present = "TRUE"', 'scsi0:0 to scsi3:64'),
    ('card', 'ethernet4294967296.present = "TRUE"', 'ethernet0 to ethernet9'),
    ('unit', SCSI + 'scsi0:65.present = "TRUE"', 'scsi0:0 to scsi3:64'),
    ('disk without a file', 'ide0:0.present = "TRUE"', 'the disk ide0:0 has no fileName'),
    ('multicast', 'ethernet0.present = "TRUE"\nethernet0.address = "01:00:5e:00:00:01"', 'a.vmx:4: ethernet0.address'),
    ('settings', many(10001), 'more than 10000 settings'),
    ('line', 'annotation = "' + 65536 * 'a' + '"', 'a.vmx:3: a line of'),
    ('file', (64000 * 'a' + '=1\n') * 17, 'at most 1048576'),
])
def test_refused(t, text, message):
    tap.contains(model.refused(t, t.write('a.vmx', (START + text).encode())), message)


@tap.rows([
    ('NUL byte', START.encode() + b'a\0', 'a NUL byte'),
    ('UTF-16', b'\xff\xfe' + START.encode('utf-16-le'), 'UTF-16'),
    ('sparse VMDK', b'KDMV' + START.encode(), 'this is a VMDK disk'),
    ('VMDK', b'# Disk DescriptorFile\n' + START.encode(), 'this is a VMDK disk'),
    ('encrypted', b'displayName = "a"\nencryption.keySafe = "x"\nencryption.data = "x"\n', 'a.vmx:3: this is an encrypted virtual machine'),
    ('another text', b'a = "b"\n', 'neither config.version nor virtualHW.version'),
    ('nothing', b'', 'neither config.version nor virtualHW.version'),
])
def test_other_content_is_refused(t, data, message):
    tap.contains(model.refused(t, t.write('a.vmx', data), 'as=vmx'), message)


@tap.rows([('little', b'\xff\xfe', 'utf-16-le'), ('big', b'\xfe\xff', 'utf-16-be')])
def test_a_text_of_wide_characters_is_known_for_what_it_is(t, mark, encoding):
    t.write('a.vmx', mark + START.encode(encoding))
    for words in (['info', 'a.vmx'], ['convert', 'a.vmx', 'a.ova']):
        tap.contains(t.vmferry(*words, status=9).stderr, 'UTF-16, which VMware does not write')


# ---- the machine ----

@tap.rows([
    ('silent', '', {'vcpus': 1, 'memory': 32 << 20, 'firmware': 'bios'}),
    ('sockets', 'numvcpus = "8"\ncpuid.coresPerSocket = "4"', {'vcpus': 8, 'sockets': 2, 'cores': 4}),
    ('EFI in capitals', 'firmware = "EFI"\nuefi.secureBoot.enabled = "TRUE"', {'firmware': 'efi', 'secure-boot': 'on'}),
    ('TPM', 'vtpm.present = "TRUE"', {'tpm': '2.0'}),
    ('TPM of Workstation', 'managedvm.autoAddVTPM = "software"', {'tpm': '2.0'}),
    ('sound', 'sound.present = "TRUE"\nsound.virtualDev = "hdaudio"', {'sound': 'hda'}),
    ('USB', 'usb.present = "TRUE"\nusb_xhci.present = "FALSE"', {'usb1': True, 'usb3': False}),
    ('clock', 'rtc.diffFromUTC = 3600', {'clock': 'utc', 'clock-offset': '3600'}),
    ('video', 'svga.present = "TRUE"\nsvga.vramSize = "8388608"', {'video': 'vmvga', 'video-memory': 8 << 20}),
    ('guest', 'guestOS = "windows8srv-64"', {'os': 'windows8Server64Guest', 'arch': 'x86_64'}),
    ('guest in another case', 'guestOS = "winNetEnterprise"', {'os': 'winNetEnterpriseGuest', 'arch': 'i686'}),
    ('guest on ARM', 'guestOS = "arm-debian11-64"', {'os': 'debian11_64Guest', 'arch': 'aarch64'}),
    ('suspended', 'checkpoint.vmState = "a.vmss"', {'suspended': True}),
    ('boot', 'bios.bootOrder = "CDROM,hdd,floppy"', {'boot': 'cdrom,disk,floppy'}),
    ('UUID, hardware 13', 'uuid.bios = "00 11 22 33 44 55 66 77-88 99 aa bb cc dd ee ff"',
     {'uuid': '33221100-5544-7766-8899-aabbccddeeff'}),
    ('generation id', 'vm.genid = "-570734802784577186"\nvm.genidX = "-5042519231342505152"',
     {'genid': '5e991283-b857-14f8-4013-c1ba795f05ba'}),
])
def test_machine(t, text, fields):
    machine, findings = read(t, text)
    for name, value in fields.items():
        tap.equal(machine.get(name), value, name)
    tap.equal(findings, [])


def test_uuid_of_old_hardware_is_printed_as_stored(t):
    machine, _ = read(t, b'config.version = "8"\nvirtualHW.version = "12"\n'
                         b'uuid.bios = "00 11 22 33 44 55 66 77-88 99 aa bb cc dd ee ff"\n')
    tap.equal(machine['uuid'], '00112233-4455-6677-8899-aabbccddeeff')


@tap.rows([
    ('sockets that do not fit', 'numvcpus = "4"\ncpuid.coresPerSocket = "3"', {'vcpus': 4, 'sockets': None}, 'vmx-topology'),
    ('cores without processors', 'cpuid.coresPerSocket = "2"', {'vcpus': 2, 'sockets': 1, 'cores': 2}, 'vmx-topology'),
    ('guest', 'guestOS = "windows99-64"', {'os': None, 'os-source': 'windows99-64'}, 'vmx-guest'),
    ('UUID', 'uuid.bios = "56 4d"', {'uuid': None}, 'vmx-uuid'),
    ('half a generation id', 'vm.genid = "1"', {'genid': None}, 'vmx-genid'),
    ('boot order', 'bios.bootOrder = "hdd,usb"', {'boot': None}, 'vmx-boot-order'),
    ('TPM that is encrypted', 'vtpm.present = "TRUE"\nvtpm.ekCRT = "x"\nencryption.data = "x"', {'tpm': '2.0'}, 'vmx-encryption'),
    ('no config.version', None, {}, 'vmx-version'),
])
def test_odd_machine_is_told(t, text, fields, rule):
    machine, findings = read(t, b'virtualHW.version = "8"\n' if text is None else text)
    for name, value in fields.items():
        tap.equal(machine.get(name), value, name)
    tap.equal(model.rules(findings), [rule])


# ---- devices ----

def drive(address, kind=None, name=None, more=''):
    text = f'{address}.present = "TRUE"\n{more}'
    text += f'{address}.deviceType = "{kind}"\n' if kind else ''
    return text + (f'{address}.fileName = "{name}"\n' if name is not None else '')


@tap.rows([
    ('disk', drive('ide0:1', 'ata-hardDisk', 'a.vmdk'), {'medium': 'disk', 'bus': 'ide', 'controller': 0, 'unit': 1, 'image': 'a.vmdk'}),
    ('disk without a type', drive('ide0:0', None, 'a.vmdk'), {'medium': 'disk', 'image': 'a.vmdk'}),
    ('CD without a type', drive('ide0:0', None, 'a.ISO'), {'medium': 'cdrom', 'image': 'a.ISO'}),
    ('CD image', drive('ide0:0', 'cdrom-image', 'a.bin'), {'medium': 'cdrom', 'image': 'a.bin'}),
    ('CD of the host', drive('ide0:0', 'cdrom-raw', '/dev/sr0'), {'medium': 'cdrom', 'image': None}),
    ('CD of the host, by SCSI', 'scsi0.present = "TRUE"\n' + drive('scsi0:0', 'scsi-passthru', '/vmfs/devices/cdrom/mpx'), {'medium': 'cdrom', 'image': None}),
    ('empty CD', drive('ide0:0', 'cdrom-image', 'emptyBackingString'), {'medium': 'cdrom', 'image': None}),
    ('CD of the client', drive('ide0:0', 'cdrom-image', 'a.iso', 'ide0:0.clientDevice = "TRUE"\n'), {'medium': 'cdrom', 'image': None}),
    ('SATA', 'sata1.present = "TRUE"\n' + drive('sata1:29', None, 'a.vmdk'), {'bus': 'sata', 'controller': 1, 'unit': 29}),
    ('NVMe', 'nvme0.present = "TRUE"\n' + drive('nvme0:0', None, 'a.vmdk'), {'bus': 'nvme', 'image': 'a.vmdk'}),
    ('transient', drive('ide0:0', None, 'a.vmdk', 'ide0:0.mode = "independent-nonpersistent"\n'), {'mode': 'transient'}),
    ('independent', drive('ide0:0', None, 'a.vmdk', 'ide0:0.mode = "independent-persistent"\n'), {'mode': 'independent'}),
    ('write through', drive('ide0:0', None, 'a.vmdk', 'ide0:0.writeThrough = "TRUE"\n'), {'cache': 'writethrough'}),
    ('shared', drive('ide0:0', None, 'a.vmdk', 'ide0:0.sharing = "multi-writer"\n'), {'shared': True}),
    ('SSD', drive('ide0:0', None, 'a.vmdk', 'ide0:0.virtualSSD = "1"\n'), {'ssd': True}),
    ('boots first', drive('ide0:0', None, 'a.vmdk') + 'bios.hddOrder = "ide0:0"\n', {'boot': 1}),
    ('floppy', 'floppy0.fileType = "file"\nfloppy0.fileName = "a"\n', {'medium': 'floppy', 'image': 'a'}),
    ('floppy of the host', 'floppy0.fileName = "A:"\n', {'medium': 'floppy', 'image': None}),
])
def test_drive(t, text, fields):
    machine, findings = read(t, text)
    tap.equal(len(machine['disks']), 1)
    for name, value in fields.items():
        tap.equal(machine['disks'][0].get(name), value, name)
    tap.equal(findings, [])


def test_device_of_the_host_is_elsewhere(t):
    machine, findings = read(t, 'scsi0.present = "TRUE"\n' + drive('scsi0:0', 'scsi-passthru', '/dev/sg3'))
    disk = machine['disks'][0]
    tap.equal((disk['medium'], disk.get('image'), disk['elsewhere']), ('lun', None, 'device /dev/sg3'))
    tap.equal(model.rules(findings), ['vmx-raw-device'])


@tap.rows([
    ('silent drive', 'scsi0.present = "TRUE"\nscsi0:0.fileName = "a.vmdk"', ['vmx-not-present']),
    ('silent controller', drive('scsi0:0', None, 'a.vmdk'), ['vmx-not-present']),
    ('hidden drive', 'scsi0.present = "TRUE"\nscsi0:0.present = "FALSE"\nscsi0:0.fileName = "a.vmdk"', []),
    ('hidden floppy', 'floppy0.present = "FALSE"\nfloppy0.fileName = "a.flp"', []),
    ('nothing', '', []),
])
def test_absent_drive(t, text, rules):
    machine, findings = read(t, text)
    tap.equal(machine.get('disks'), None)
    tap.equal(model.rules(findings), rules)
    tap.equal(set(line.split(' ')[0] for line in text.splitlines() if ':' in line or 'floppy' in line)
              <= set(model.extras(machine)), True, 'kept')


@tap.rows([
    ('its own', 'scsi0.virtualDev = "pvscsi"\n', '', 'pvscsi'),
    ('of Linux', '', 'debian10-64', 'lsilogic'),
    ('of Windows', '', 'windows9-64', 'lsisas1068'),
    ('of old Windows', '', 'winxppro', 'buslogic'),
])
def test_scsi_controller(t, text, guest, found):
    machine, _ = read(t, f'scsi0.present = "TRUE"\n{text}guestOS = "{guest}"\n')
    tap.equal(machine['controllers'], [{'bus': 'scsi', 'index': 0, 'model': found}])


def test_shared_bus_is_told(t):
    machine, findings = read(t, 'scsi0.present = "TRUE"\nscsi0.sharedBus = "physical"\n')
    tap.equal(machine['controllers'][0]['shared'], True)
    tap.equal(model.rules(findings), ['vmx-shared-bus'])


def test_image_of_two_drives_is_told(t):
    machine, findings = read(t, drive('ide0:0', None, 'a.vmdk') + drive('ide0:1', None, 'a.vmdk'))
    tap.equal((len(machine['disks']), model.rules(findings)), (2, ['vmx-image-twice']))


def card(text):
    return 'ethernet0.present = "TRUE"\n' + ''.join(f'ethernet0.{line}\n' for line in text.split('; '))


@tap.rows([
    ('fixed address', 'addressType = "static"; address = "00:50:56:11:22:AA"; generatedAddress = "00:0c:29:00:00:01"',
     {'mac': '00:50:56:11:22:aa', 'mac-origin': 'static'}),
    ('generated address', 'addressType = "generated"; generatedAddress = "00:0c:29:00:00:01"; address = "00:50:56:11:22:aa"',
     {'mac': '00:0c:29:00:00:01', 'mac-origin': 'generated'}),
    ('address of vCenter', 'addressType = "vpx"; generatedAddress = "00:50:56:80:00:01"', {'mac-origin': 'assigned'}),
    ('an address and no type', 'address = "00:50:56:11:22:aa"', {'mac': '00:50:56:11:22:aa', 'mac-origin': 'generated'}),
    ('no address yet', 'generatedAddress = "00:00:00:00:00:00"', {'mac': None}),
    ('vmxnet2', 'virtualDev = "vmxnet"; features = "15"', {'model': 'vmxnet2'}),
    ('vlance', 'virtualDev = "vlance"', {'model': 'pcnet32'}),
    ('bridge', 'connectionType = "bridged"', {'attach': 'bridge', 'network': None}),
    ('network of ESXi', 'networkName = "VM Network"', {'attach': 'bridge', 'network': 'VM Network'}),
    ('host only', 'connectionType = "hostonly"', {'attach': 'hostonly'}),
    ('custom', 'connectionType = "custom"; vnet = "VMnet7"', {'attach': 'bridge', 'network': 'VMnet7'}),
    ('distributed switch', 'dvs.switchId = "50 1a"; dvs.portId = "3"', {'attach': 'sdn'}),
    ('slot', 'pciSlotNumber = "192"', {'pci-slot': 192}),
    ('cable', 'startConnected = "FALSE"', {'connected': False}),
])
def test_card(t, text, fields):
    machine, findings = read(t, card(text))
    for name, value in fields.items():
        tap.equal(machine['nics'][0].get(name), value, name)
    tap.equal(findings, [])


def test_card_that_is_not_present_is_none(t):
    machine, _ = read(t, 'ethernet0.virtualDev = "e1000"\nethernet0.startConnected = "TRUE"\n')
    tap.equal(machine.get('nics'), None)


def test_settings_follow_the_number_of_their_card(t):
    machine, _ = read(t, 'ethernet0.present = "FALSE"\nethernet2.present = "TRUE"\nethernet2.wakeOnPcktRcv = "FALSE"\n')
    tap.equal(len(machine['nics']), 1)
    tap.equal(model.extras(machine), {'ethernet1.present': 'FALSE', 'ethernet0.wakeOnPcktRcv': 'FALSE'})


@tap.rows([
    ('file', 'serial0', 'fileType = "file"; serial0.fileName = "a.log"', {'backend': 'file', 'path': 'a.log', 'parallel': False}),
    ('network', 'serial0', 'fileType = "network"; serial0.fileName = "telnet://h:1"', {'backend': 'tcp', 'path': 'telnet://h:1'}),
    ('pipe', 'serial0', 'fileType = "pipe"; serial0.fileName = "p"', {'backend': 'pipe'}),
    ('parallel', 'parallel0', 'fileType = "device"; parallel0.fileName = "/dev/parport0"', {'backend': 'device', 'parallel': True}),
])
def test_port(t, name, text, fields):
    machine, _ = read(t, f'{name}.present = "TRUE"\n{name}.' + text.replace('; ', '\n') + '\n')
    for key, value in fields.items():
        tap.equal(machine['ports'][0].get(key), value, key)


# ---- settings without a place ----

@tap.rows([('of nothing', 'flux.capacitor'), ('of a disk', 'scsi0:0.flux'), ('of a card', 'ethernet0.flux'),
           ('of a family that has a like name', 'toolsflux.a')])
def test_invented_setting_is_kept_as_unknown(t, key):
    machine, _ = read(t, SCSI[len(START):] + f'ethernet0.present = "TRUE"\n{key} = "1.21"\n')
    tap.equal(model.extras(machine, known=False), {key: '1.21'})


def test_passwords_are_not_shown(t):
    machine, _ = read(t, 'RemoteDisplay.vnc.password = "secret"\n')
    tap.equal(model.extras(machine), {'RemoteDisplay.vnc.password': None})


@tap.rows([
    ('twice', 'RemoteDisplay.vnc.password = "geheim"\nRemoteDisplay.VNC.password = "secret"', 'vmx-duplicate'),
    ('with quotes that do not enclose it', 'RemoteDisplay.vnc.password = "secret', 'vmx-quotes'),
    ('without an equals sign', 'RemoteDisplay.vnc.password "secret"', 'vmx-line'),
    ('in what the guest is told', 'guestinfo.ovfEnv = "secret', 'vmx-quotes'),
])
def test_passwords_are_in_no_finding(t, text, rule):
    _, findings = read(t, text)
    tap.equal(model.rules(findings), [rule])
    tap.equal([word in findings[0]['text'] for word in ('secret', 'geheim')], [False, False])
    tap.contains(findings[0]['text'], text.split(' ')[0][:12])


def test_what_each_machine_has_is_nothing_of_this_one(t):
    board = ('floppy0.present = "FALSE"\npciBridge0.present = "TRUE"\npciBridge4.present = "true"\npciBridge4.virtualDev = "pcieRootPort"\n'
             'pciBridge4.functions = "4"\nhpet0.present = "FALSE"\nvmci0.present = "TRUE"\n')
    machine, _ = read(t, board)
    tap.equal(model.extras(machine), {'pciBridge4.functions': '4', 'hpet0.present': 'FALSE'})


# ---- snapshots ----

VMSD = '''.encoding = "UTF-8"
snapshot.lastUID = "2"
snapshot.current = "2"
snapshot.numSnapshots = "2"
snapshot0.uid = "1"
snapshot0.displayName = "first"
snapshot0.description = "a|0Ab"
snapshot0.createTimeHigh = "372831"
snapshot0.createTimeLow = "-1543503872"
snapshot0.numDisks = "1"
snapshot0.disk0.fileName = "a.vmdk"
snapshot0.disk0.node = "scsi0:0"
snapshot1.uid = "2"
snapshot1.parent = "1"
snapshot1.displayName = "second"
snapshot1.disk0.fileName = "a-000001.vmdk"
snapshot1.disk0.node = "scsi0:0"
'''
NOW = SCSI.replace('a.vmdk', 'a-000002.vmdk')


def with_snapshots(t, vmsd=VMSD, vmx=NOW, arguments=()):
    t.write('a.vmsd', vmsd.encode())
    return model.read(t, t.write('a.vmx', vmx.encode()), *arguments)


def test_snapshots_are_a_tree(t):
    machine, findings = with_snapshots(t)
    first, second = machine['snapshots']
    tap.equal((first['id'], first['name'], first['description'], first.get('parent')), ('1', 'first', 'a\nb', None))
    tap.equal(first['time'], ((372831 << 32) + 2751463424) // 1000000)
    tap.equal((second['parent'], second['current'], first.get('current')), ('1', True, None))
    tap.equal(machine['disks'][0]['image'], 'a-000002.vmdk')
    tap.equal(findings, [])


@tap.rows([('of no id', '"7"', ['vmx-snapshot-parent']), ('empty', '""', []), ('zero', '"0"', [])])
def test_parent_that_does_not_exist_makes_a_root(t, parent, rules):
    machine, findings = with_snapshots(t, vmsd=VMSD.replace('parent = "1"', 'parent = ' + parent))
    tap.equal(machine['snapshots'][1].get('parent'), None)
    tap.equal(model.rules(findings), rules)


@tap.rows([('by name', 'first', 'a.vmdk'), ('by id', '2', 'a-000001.vmdk')])
def test_snapshot_has_its_images(t, name, image):
    machine, _ = with_snapshots(t, arguments=['snapshot=' + name])
    tap.equal(machine['disks'][0]['image'], image)


def test_disk_that_the_snapshot_does_not_have_is_left_out(t):
    more = drive('scsi0:1', None, 'b.vmdk') + drive('scsi0:2', None, 'c.vmdk', 'scsi0:2.mode = "independent-persistent"\n')
    machine, findings = with_snapshots(t, vmx=NOW + more, arguments=['snapshot=first'])
    tap.equal([disk['image'] for disk in machine['disks']], ['a.vmdk', 'c.vmdk'])
    tap.equal(model.rules(findings), ['vmx-snapshot-disk'])


@tap.rows([
    ('unknown', VMSD, 'third', 'no snapshot "third", but 1 (first), 2 (second)'),
    ('two of that name', VMSD.replace('"second"', '"first"'), 'first', 'two snapshots are called'),
    ('a ring', VMSD + 'snapshot0.parent = "2"\n', '1', 'its own ancestor'),
    ('two of that uid', VMSD.replace('uid = "2"', 'uid = "1"'), '1', 'two snapshots have the uid 1'),
])
def test_snapshot_is_refused(t, vmsd, name, message):
    t.write('a.vmsd', vmsd.encode())
    tap.contains(model.refused(t, t.write('a.vmx', NOW.encode()), 'snapshot=' + name), message)


def test_snapshot_without_a_vmsd_is_refused(t):
    tap.contains(model.refused(t, t.write('a.vmx', NOW.encode()), 'snapshot=1'), 'no snapshot "1", but none')


# ---- files of others, as others read them ----

def samples():
    folder = tap.SOURCE / '../shared/machines/vmx/libvirt'
    if not folder.is_dir():
        raise tap.Skip('no machines of others')
    return sorted(path for path in folder.glob('*.xml') if path.with_suffix('.vmx').exists())


def swapped(uuid):
    a, b, c, *rest = uuid.split('-')
    return '-'.join([bytes.fromhex(part)[::-1].hex() for part in (a, b, c)] + rest)


def libvirt_disks(domain):
    """Address, kind and file of each drive that libvirt sees."""
    for disk in domain.iter('disk'):
        address, bus = disk.find('address').attrib, disk.find('target').get('bus')
        place = (address['bus'] if bus == 'ide' else address['controller'], address['unit'])
        source = disk.find('source')
        file = source.get('file') if source is not None else None
        yield ('floppy' if bus == 'fdc' else bus, int(place[0]), int(place[1])), disk.get('device'), file


def compare_with_libvirt(t, path):
    domain = xml.parse(path).getroot()
    vmx = path.with_suffix('.vmx')
    hardware = int(re.search(r'virtualhw\.version *= *"(\d+)', vmx.read_text(errors='replace'), re.I).group(1))
    machine, _ = model.read(t, vmx)
    tap.equal(machine.get('name'), domain.findtext('name').strip(), 'name')
    tap.equal(machine['memory'], int(domain.findtext('memory')) << 10, 'memory')
    tap.equal(machine['vcpus'], int(domain.findtext('vcpu')), 'vcpus')
    if 'uuid' in machine:
        tap.equal(swapped(machine['uuid']) if hardware >= 13 else machine['uuid'], domain.findtext('uuid'), 'uuid')
    if 'arch' in machine:
        tap.equal(machine['arch'], domain.find('os/type').get('arch'), 'arch')
    drives = {(disk['bus'], disk['controller'], disk['unit']): disk for disk in machine.get('disks', [])}
    for place, device, file in libvirt_disks(domain):
        disk = drives.pop(place)
        if file:  # of what is missing there, libvirt makes an empty drive
            tap.equal(disk['image'].split('/')[-1], file.split('/')[-1], str(place))
        if device != 'lun':
            tap.equal(disk['medium'], device, str(place))
    for place, disk in drives.items():
        # libvirt does not know NVMe, nor drives that the client or nobody fills
        tap.equal(place[0] == 'nvme' or 'image' not in disk, True, f'{place} is more')
    cards = list(domain.iter('interface'))
    tap.equal([nic.get('mac') for nic in machine.get('nics', [])], [card.find('mac').get('address') for card in cards], 'macs')
    for nic, other in zip(machine.get('nics', []), cards):
        kind = other.find('model')
        tap.equal(nic.get('model', '').replace('pcnet32', 'vlance'), kind.get('type') if kind is not None else '', 'card')
        source = other.find('source')
        if source is not None and source.get('bridge'):
            tap.equal(nic['network'], source.get('bridge'), 'network')
    for controller in domain.findall('.//controller[@type="scsi"]'):
        if controller.get('model'):
            found = [one for one in machine['controllers'] if one['bus'] == 'scsi' and one['index'] == int(controller.get('index'))]
            tap.equal(found[0]['model'].replace('pvscsi', 'vmpvscsi'), controller.get('model'), 'controller')


def test_libvirt_reads_the_same(t):
    for path in samples():
        try:
            compare_with_libvirt(t, path)
        except Exception as error:
            raise AssertionError(f'{path.name}: {error}') from error


def test_virt_v2v_reads_the_same(t):
    expected = sorted((tap.SOURCE / '../shared/machines/vmx/virt-v2v-expected').glob('*.expected'))
    if not expected:
        raise tap.Skip('no results of virt-v2v')
    for path in expected:
        text = path.read_text()
        machine, _ = model.read(t, tap.corpora()[0] / 'virt-v2v' / (path.stem + '.vmx'))
        said = {key.strip(): value.strip() for key, value in re.findall(r'^ *([^\n:]+): *(.*)$', text, re.M)}
        tap.equal(machine['name'], said['source name'], path.name)
        tap.equal(machine['memory'], int(said['memory'].split()[0]), path.name)
        tap.equal(machine['vcpus'], int(said['nr vCPUs']), path.name)
        tap.equal(machine['firmware'], 'efi' if 'uefi' in said['firmware'] else 'bios', path.name)
        if said['VM genid']:
            a, b, c, *rest = said['VM genid'].split('-')
            tap.equal(swapped(machine['genid']), '-'.join([a, b, c, *rest]), path.name)
        tap.equal([disk['bus'] for disk in machine['disks'] if disk['medium'] == 'disk'],
                  re.findall(r'^\t\d+ \[(\w+)\]', text, re.M), path.name)
        tap.equal([nic['mac'] for nic in machine.get('nics', [])], re.findall(r'mac: (\S+)', text), path.name)


if __name__ == '__main__':
    tap.main(globals())
