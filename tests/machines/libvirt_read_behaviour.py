#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""libvirt's domain XML as the neutral machine: what each element means, that nothing is forgotten, and what is refused."""
import json
import os
import pathlib
import xml.etree.ElementTree as ElementTree

import tap

MODEL_OF = pathlib.Path(os.environ.get('VMFERRY_BUILD', tap.SOURCE / 'build')) / 'tests/machines/model_of'
SAMPLES = pathlib.Path(os.environ.get('VMFERRY_MACHINES', tap.SOURCE / '../shared/machines')) / 'libvirt'
UUID = '<uuid>6ba7b810-9dad-11d1-80b4-00c04fd430c8</uuid>'


def model(t, text, name='vm.xml'):
    path = t.write(name, text.encode() if isinstance(text, str) else text)
    done = json.loads(t.run(MODEL_OF, path).stdout)
    tap.equal(done['format'], 'libvirt')
    return done['machine'], done['findings']


def refusal(t, text, code):
    """The error's text."""
    path = t.write('vm.xml', text.encode() if isinstance(text, str) else text)
    told = t.run(MODEL_OF, path, 'as=libvirt', status=1).stderr
    tap.equal(told.split(':')[0], str(code), told)
    return told


def domain(inside='', devices='', kind='kvm'):
    return f'<domain type="{kind}"><name>vm</name>{inside}<devices>{devices}</devices></domain>'


def extras(machine):
    return {extra['key']: extra for extra in machine.get('extra', [])}


def samples():
    if not SAMPLES.is_dir():
        raise tap.Skip(f'{SAMPLES} is not there')
    return sorted(SAMPLES.glob('*.xml'))


# ---- samples, against another parser ----

UNITS = {None: 1024, 'KiB': 1024, 'MiB': 1 << 20, 'GiB': 1 << 30, 'TiB': 1 << 40, 'bytes': 1, 'b': 1}


def expected(root):
    """The plain facts of a domain."""
    facts = {'name': root.findtext('name').strip(), 'uuid': root.findtext('uuid')}
    if root.find('memory') is not None:
        facts['memory'] = int(root.findtext('memory')) * UNITS[root.find('memory').get('unit')]
    if root.find('vcpu') is not None:
        facts['vcpus'] = int(root.findtext('vcpu'))
    return facts


def images_of(root):
    for disk in root.findall('devices/disk'):
        kind, source = disk.get('type', 'file'), disk.find('source')
        attribute = {'file': 'file', 'block': 'dev'}.get(kind)
        is_readable = source is not None and disk.find('.//encryption') is None
        yield source.get(attribute) if is_readable and attribute else None


def is_refused(path):
    return path.name.endswith('-invalid.xml')


@tap.rows([('little', 'utf-16'), ('big', 'utf-16-be')])
def test_a_dump_in_wide_characters_is_read(t, encoding):
    """As PowerShell writes `virsh dumpxml NAME > vm.xml`."""
    text = '<domain type="kvm"><name>b\u00fcro</name><memory unit="MiB">512</memory><os><type arch="x86_64">hvm</type></os></domain>'
    t.write('vm.xml', (text if encoding == 'utf-16' else '\ufeff' + text).encode(encoding))
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'vm.xml').stdout)['machine']['name'], 'b\u00fcro', 'name')


def test_samples_are_read_as_another_parser_sees_them(t):
    for path in samples():
        root = ElementTree.parse(path).getroot()
        if is_refused(path):
            t.run(MODEL_OF, path, status=1)
            continue
        machine = json.loads(t.run(MODEL_OF, path).stdout)['machine']
        for key, value in expected(root).items():
            tap.equal(machine.get(key), value, f'{path.name}: {key}')
        tap.equal([disk.get('image') for disk in machine.get('disks', [])], list(images_of(root)), path.name)
        tap.equal([nic.get('mac') for nic in machine.get('nics', [])],
                  [mac.get('address').lower() for mac in root.findall('devices/interface/mac')], path.name)
        tap.equal([extra for extra in machine.get('extra', []) if not extra['known'] and 'maman' not in extra['key']], [], path.name)


# ---- nothing is forgotten ----

RICH = f'''<domain type='kvm' id='7'><name>vm</name>{UUID}<title>t</title><description>d</description>
<memory unit='MiB'>512</memory><currentMemory unit='MiB'>256</currentMemory><vcpu placement='static' current='1'>2</vcpu>
<cputune><shares>10</shares></cputune><os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/><bootmenu enable='yes' timeout='3000'/></os>
<features><acpi/><hyperv><relaxed state='on'/></hyperv></features><cpu mode='custom' match='exact'><model fallback='allow'>Haswell</model>
<topology sockets='1' cores='2' threads='1'/><feature policy='require' name='vmx'/><feature policy='force' name='ds'/></cpu><clock offset='utc'><timer name='hpet' present='no'/></clock>
<devices><emulator>/bin/q</emulator><disk type='file' device='disk'><driver name='qemu' type='qcow2' io='native'/><source file='a.qcow2' index='1'/>
<backingStore type='file'><format type='raw'/><source file='b'/></backingStore><target dev='sda' bus='scsi'/><serial>S</serial><boot order='1'/>
<iotune><total_iops_sec>9</total_iops_sec></iotune><alias name='x'/><address type='drive' controller='0' bus='0' target='0' unit='3'/></disk>
<controller type='scsi' index='0' model='virtio-scsi'><driver queues='2'/></controller><controller type='pci' index='0' model='pcie-root'/>
<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><model type='virtio'/><link state='up'/>
<address type='pci' domain='0' bus='0' slot='3' function='0'/></interface><serial type='pty'><source path='/dev/pts/1'/><target port='0'/></serial>
<console type='pty'/><input type='tablet' bus='usb'><alias name='i'/></input><tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
<graphics type='vnc' port='-1'><listen type='address'/></graphics><sound model='ich9'><codec type='duplex'/></sound>
<video><model type='vga' vram='16384' heads='1'/></video><hostdev mode='subsystem' type='usb'><source><vendor id='1'/></source></hostdev></devices></domain>'''


def places(root, path=''):
    for element in root:
        here = f'{path}/{element.tag}' if path else element.tag
        yield here, element
        yield from places(element, here)


def stripped(key):
    """A key without indexes, and of a path only its ends where the middle is left out."""
    while '[' in key:
        key = key[:key.index('[')] + key[key.index(']') + 1:]
    return key


def test_an_invented_attribute_or_element_is_told_wherever_it_stands(t):
    count = sum(1 for _ in places(ElementTree.fromstring(RICH)))
    for number in range(count):
        root = ElementTree.fromstring(RICH)
        path, element = list(places(root))[number]
        element.set('frobnicate', 'seven')
        ElementTree.SubElement(element, 'frob', {'a': 'b'})
        machine, _ = model(t, ElementTree.tostring(root))
        unknown = [extra for extra in machine['extra'] if not extra['known']]
        values = sorted(extra['value'] for extra in unknown)
        tap.equal(values, ['<frob a="b" />', 'seven'], path)
        ends = sorted(stripped(extra['key']).rsplit('/', 1)[-1] for extra in unknown)
        tap.equal(ends, sorted(['frob', element.tag + '@frobnicate']), path)


def test_every_element_is_mapped_or_kept(t):
    """What is taken away from the file is taken away from the machine."""
    whole, _ = model(t, RICH)
    silent = ('devices/emulator/', 'devices/disk/alias')  # nothing
    for number, (path, _) in enumerate(places(ElementTree.fromstring(RICH))):
        root = ElementTree.fromstring(RICH)
        parents = {child: parent for parent in root.iter() for child in parent}
        element = list(places(root))[number][1]
        parents[element].remove(element)
        machine, _ = model(t, ElementTree.tostring(root))
        if machine == whole and path not in silent:
            raise AssertionError(f'{path} is neither mapped nor kept')


def test_every_attribute_is_mapped_or_kept(t):
    whole, _ = model(t, RICH)
    # what libvirt takes where the attribute is absent is the same
    same = {('devices/disk', 'type'), ('devices/disk', 'device'), ('devices/disk/driver', 'name'), ('cpu', 'mode')}
    same |= {('devices/disk/address', word) for word in ('bus', 'target', 'controller')} | {('devices/controller', 'index')}
    for number, (path, found) in enumerate(places(ElementTree.fromstring(RICH))):
        for name in found.attrib:
            root = ElementTree.fromstring(RICH)
            del list(places(root))[number][1].attrib[name]
            machine, _ = model(t, ElementTree.tostring(root))
            if machine == whole and (path, name) not in same:
                raise AssertionError(f'{path}@{name} is neither mapped nor kept')


def test_the_namespaces_of_an_element_go_with_it(t):
    machine, _ = model(t, '<domain type="kvm" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0" xmlns:a="urn:a&amp;b"><name>v</name>'
                          '<qemu:commandline><qemu:arg value="-S"/></qemu:commandline><metadata><a:x/></metadata><a:y/></domain>')
    kept = extras(machine)
    tap.equal(kept['qemu:commandline']['value'],
              '<qemu:commandline xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0"><qemu:arg value="-S"/></qemu:commandline>')
    tap.equal(kept['metadata']['value'], '<metadata xmlns:a="urn:a&#38;b"><a:x/></metadata>')
    tap.equal([kept['qemu:commandline']['known'], kept['metadata']['known'], kept['a:y']['known']], [True, True, False])


def test_passwords_are_kept_and_never_shown(t):
    machine, _ = model(t, domain(devices='<graphics type="vnc" passwd="s3cret" port="-1"/><disk type="network"><source protocol="http" name="x">'
                                         '<host name="h"/><cookies><cookie name="a">s3cret</cookie></cookies></source><target dev="vda"/></disk>'))
    kept = extras(machine)
    tap.equal(kept['devices/graphics']['value'], '<graphics type="vnc" port="-1"/>')
    tap.equal('value' in kept['devices/graphics@passwd'] or 'value' in kept['devices/disk[0]/source/cookies'], False)
    tap.equal('s3cret' in json.dumps(machine), False)
    machine, _ = model(t, domain(devices='<invented><graphics type="vnc" passwd="s3cret"/></invented>'))
    tap.equal('s3cret' in json.dumps(machine), False, 'in what nobody knows')


# ---- fields ----

@tap.rows([
    ('of KiB by default', '<memory>1024</memory>', 1 << 20), ('in bytes', '<memory unit="b">1048576</memory>', 1 << 20),
    ('in thousands', '<memory unit="KB">1024</memory>', 1024000), ('by one letter', '<memory unit="g">2</memory>', 2 << 30),
    ('in any case', '<memory unit="mib">3</memory>', 3 << 20), ('rounded up to KiB', '<memory unit="bytes">1025</memory>', 2048),
])
def test_memory(t, text, size):
    tap.equal(model(t, domain(text))[0]['memory'], size)


@tap.rows([
    ('with dashes', UUID, '6ba7b810-9dad-11d1-80b4-00c04fd430c8'),
    ('without', '<uuid>6ba7b8109dad11d180b400c04fd430c8</uuid>', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'),
    ('empty', '<uuid/>', None),
])
def test_uuid(t, text, uuid):
    tap.equal(model(t, domain(text))[0].get('uuid'), uuid)


def test_genid_is_shown_as_it_is_in_the_memory_of_the_guest(t):
    machine, _ = model(t, domain('<genid>8312995e-57b8-f814-4013-c1ba795f05ba</genid>'))
    tap.equal(machine['genid'], '5e991283-b857-14f8-4013-c1ba795f05ba')
    machine, _ = model(t, domain('<genid/>'))
    tap.equal(machine.get('genid'), None)
    tap.equal(extras(machine)['genid']['value'], '<genid/>')


@tap.rows([
    ('by word', '<os firmware="efi"><type>hvm</type></os>', 'efi', None),
    ('bios by word', '<os firmware="bios"><type>hvm</type></os>', 'bios', None),
    ('by flash', '<os><type>hvm</type><loader type="pflash">/x</loader></os>', 'efi', None),
    ('by the name of the loader', '<os><type>hvm</type><loader>/usr/share/edk2/x.fd</loader></os>', 'efi', None),
    ('rom', '<os><type>hvm</type><loader>/usr/share/seabios/bios.bin</loader></os>', 'bios', None),
    ('not said', '<os><type>hvm</type></os>', None, None),
    ('secure loader', '<os><type>hvm</type><loader type="pflash" secure="yes">/x</loader></os>', 'efi', 'on'),
    ('secure by feature', '<os firmware="efi"><type>hvm</type><firmware><feature enabled="yes" name="secure-boot"/></firmware></os>', 'efi', 'on'),
    ('with keys', '<os firmware="efi"><type>hvm</type><firmware><feature enabled="yes" name="secure-boot"/>'
                  '<feature enabled="yes" name="enrolled-keys"/></firmware></os>', 'efi', 'microsoft-keys'),
    ('not secure', '<os firmware="efi"><type>hvm</type><firmware><feature enabled="no" name="secure-boot"/></firmware></os>', 'efi', 'off'),
])
def test_firmware(t, text, firmware, secure):
    machine, _ = model(t, domain(text))
    tap.equal((machine.get('firmware'), machine.get('secure-boot')), (firmware, secure))


def one_disk(t, text):
    machine, findings = model(t, domain(devices=text))
    tap.equal(len(machine['disks']), 1)
    return machine['disks'][0], findings


@tap.rows([
    ('file', '<disk type="file"><driver type="qcow2"/><source file="/a/b"/><target dev="vda" bus="virtio"/></disk>',
     {'medium': 'disk', 'bus': 'virtio', 'image': '/a/b', 'image-format': 'qcow2'}),
    ('no format is raw', '<disk><source file="b"/><target dev="hda"/></disk>', {'medium': 'disk', 'bus': 'ide', 'image': 'b', 'image-format': 'raw'}),
    ('bus by name', '<disk><source file="b"/><target dev="sdb"/></disk>', {'medium': 'disk', 'bus': 'scsi', 'image': 'b', 'image-format': 'raw'}),
    ('block', '<disk type="block"><source dev="/dev/sdz"/><target dev="xvda"/></disk>',
     {'medium': 'disk', 'bus': 'xen', 'image': '/dev/sdz', 'image-format': 'raw'}),
    ('empty drive', '<disk type="file" device="cdrom"><target dev="hdc" bus="ide"/><readonly/></disk>', {'medium': 'cdrom', 'bus': 'ide', 'read-only': True}),
    ('floppy', '<disk device="floppy"><source file="f"/><target dev="fda"/></disk>',
     {'medium': 'floppy', 'bus': 'floppy', 'image': 'f', 'image-format': 'raw'}),
    ('second IDE bus', '<disk><source file="b"/><target dev="hdd"/><address type="drive" controller="0" bus="1" target="0" unit="1"/></disk>',
     {'medium': 'disk', 'bus': 'ide', 'controller': 0, 'unit': 3, 'image': 'b', 'image-format': 'raw'}),
    ('all that a disk has', '<disk device="lun"><driver cache="none" discard="unmap" type="raw"/><source file="b"/><target dev="sda" bus="sata" '
     'rotation_rate="1"/><shareable/><transient/><serial>S1</serial><wwn>5000c500</wwn><boot order="3"/></disk>',
     {'medium': 'lun', 'bus': 'sata', 'image': 'b', 'image-format': 'raw', 'shared': True, 'ssd': True, 'discard': True, 'mode': 'transient',
      'cache': 'none', 'serial': 'S1', 'wwn': '5000c500', 'boot': 3}),
])
def test_disk(t, text, disk):
    tap.equal(one_disk(t, text)[0], disk)


@tap.rows([
    ('of a network', '<disk type="network"><source protocol="rbd" name="pool/image"/><target dev="vda"/></disk>', 'network rbd pool/image'),
    ('of a pool', '<disk type="volume"><source pool="p" volume="v"/><target dev="vda"/></disk>', 'volume p v'),
    ('of a device of the host', '<disk type="nvme"><source type="pci" namespace="1"><address domain="0"/></source><target dev="vda"/></disk>', 'nvme'),
    ('of another process', '<disk type="vhostuser"><source type="unix" path="/s"/><target dev="vda"/></disk>', 'vhostuser /s'),
    ('of a part of a file', '<disk type="file"><source file="/f"><slices><slice type="storage" offset="4096" size="512"/></slices></source>'
     '<target dev="vda"/></disk>', 'slice of /f'),
    ('of a folder', '<disk type="dir"><source dir="/d"/><target dev="vda"/></disk>', 'dir /d'),
])
def test_a_disk_whose_content_is_elsewhere_is_no_empty_drive(t, text, elsewhere):
    disk, findings = one_disk(t, text)
    tap.equal((disk.get('image'), disk['elsewhere']), (None, elsewhere))
    tap.equal([finding['rule'] for finding in findings], ['disk-elsewhere'])


def test_places_of_scsi_disks(t):
    """A target or a unit by the model of the controller; what the place does not say is kept."""
    text = '<controller type="scsi" index="0" model="{}"/><disk><source file="b"/><target dev="sda" bus="scsi"/><address type="drive" {}/></disk>'
    for kind, address, unit, kept in (('virtio-scsi', 'target="0" unit="5"', 5, 0), ('virtio-scsi', 'target="5" unit="0"', 5, 2),
                                      ('vmpvscsi', 'target="5" unit="0"', 5, 0), ('lsilogic', 'target="0" unit="2"', 2, 0)):
        machine, _ = model(t, domain(devices=text.format(kind, address)))
        tap.equal(machine['disks'][0]['unit'], unit, (kind, address))
        tap.equal(len([key for key in extras(machine) if 'address@' in key]), kept, (kind, address))


@tap.rows([
    ('network', '<interface type="network"><mac address="52:54:00:AB:00:01"/><source network="lan"/><model type="e1000"/></interface>',
     {'attach': 'bridge', 'network': 'lan', 'mac': '52:54:00:ab:00:01', 'model': 'e1000'}),
    ('bridge', '<interface type="bridge"><source bridge="br0"/></interface>', {'attach': 'bridge', 'network': 'br0'}),
    ('user', '<interface type="user"/>', {'attach': 'nat'}),
    ('of the host', '<interface type="hostdev"/>', {}),
    ('all that a card has', '<interface type="network"><source network="n"/><model type="pcnet"/><vlan><tag id="7"/></vlan><mtu size="9000"/>'
     '<driver queues="4"/><link state="down"/><boot order="2"/><bandwidth><outbound average="100"/></bandwidth>'
     '<address type="pci" domain="0x0000" bus="0x00" slot="0x03" function="0x0"/></interface>',
     {'attach': 'bridge', 'network': 'n', 'model': 'pcnet32', 'vlan': 7, 'mtu': 9000, 'queues': 4, 'link': False, 'boot': 2, 'rate': 102400, 'pci-slot': 3}),
])
def test_network_card(t, text, nic):
    tap.equal(model(t, domain(devices=text))[0]['nics'], [nic])


def test_two_cards_of_one_address_are_told(t):
    card = '<interface type="user"><mac address="52:54:00:00:00:01"/></interface>'
    tap.equal([finding['rule'] for finding in model(t, domain(devices=card * 2))[1]], ['libvirt-mac-twice'])


@tap.rows([
    ('processors', '<vcpu current="2">4</vcpu><cpu mode="host-passthrough"><topology sockets="1" dies="2" cores="2" threads="1"/></cpu>',
     {'vcpus': 4, 'vcpus-online': 2, 'cpu-model': 'host', 'sockets': 1, 'dies': 2, 'cores': 2, 'threads': 1}),
    ('flags', '<cpu mode="custom"><model>qemu64</model><feature policy="require" name="svm"/><feature policy="disable" name="aes"/></cpu>',
     {'cpu-model': 'qemu64', 'cpu-flags': '+svm -aes', 'nested': True}),
    ('balloon', '<memory unit="MiB">4</memory><currentMemory unit="MiB">2</currentMemory>', {'memory': 4 << 20, 'memory-least': 2 << 20}),
    ('boot classes', '<os><type arch="aarch64" machine="virt">hvm</type><boot dev="network"/><boot dev="hd"/><boot dev="fd"/></os>',
     {'arch': 'aarch64', 'hw-version': 'virt', 'boot': 'network,disk,floppy'}),
    ('boot menu', '<os><type>hvm</type><bootmenu enable="yes" timeout="3000"/></os>', {'boot-delay': 3000}),
    ('clock', '<clock offset="localtime"/>', {'clock': 'localtime'}),
    ('a clock that is off', '<clock offset="variable" basis="utc" adjustment="-3600"/>', {'clock': 'utc', 'clock-offset': '-3600'}),
    ('a time zone', '<clock offset="timezone" timezone="Europe/Paris"/>', {'clock': 'localtime'}),
    ('guest system', '<metadata><l:libosinfo xmlns:l="http://libosinfo.org/xmlns/libvirt/domain/1.0"><l:os id="http://microsoft.com/win/10"/>'
     '</l:libosinfo></metadata>', {'os': 'windows9_64Guest', 'os-source': 'http://microsoft.com/win/10'}),
])
def test_field(t, text, fields):
    machine, _ = model(t, domain(text))
    machine.pop('extra')
    tap.equal(machine, {'clock': 'utc', **fields, 'name': 'vm'})


@tap.rows([
    ('TPM', '<tpm model="tpm-crb"><backend type="emulator" version="2.0"/></tpm>', {'tpm': '2.0'}),
    ('TPM of the host', '<tpm model="tpm-tis"><backend type="passthrough"/></tpm>', {}),
    ('sound and video', '<sound model="ich9"/><video><model type="vga" vram="16384" heads="2"><acceleration accel3d="yes"/></model></video>',
     {'sound': 'hda', 'video': 'vga', 'video-memory': 16 << 20, 'video-heads': 2, 'video-3d': True}),
    ('ports', '<serial type="file"><source path="/l"/></serial><parallel type="dev"><source path="/dev/lp0"/></parallel>',
     {'ports': [{'parallel': False, 'backend': 'file', 'path': '/l'}, {'parallel': True, 'backend': 'device', 'path': '/dev/lp0'}]}),
    ('console as port', '<console type="pty"><target type="serial" port="0"/></console>', {'ports': [{'parallel': False, 'backend': 'pty'}]}),
    ('console of its own', '<console type="pty"><target type="virtio"/></console>', {}),
    ('no USB', '<controller type="usb" model="none"/>', {'usb1': False, 'usb2': False, 'usb3': False}),
    ('tablet', '<input type="tablet" bus="usb"/>', {'tablet': True}),
    ('controllers', '<controller type="scsi" index="0" model="lsilogic"/><controller type="scsi" model="vmpvscsi"/><controller type="usb" index="0" '
     'model="qemu-xhci" ports="8"/>', {'usb3': True, 'controllers': [{'bus': 'scsi', 'index': 0, 'model': 'lsi53c895a'},
                                                                    {'bus': 'scsi', 'index': 1, 'model': 'pvscsi'},
                                                                    {'bus': 'usb', 'index': 0, 'model': 'qemu-xhci', 'ports': 8}]}),
])
def test_device(t, text, fields):
    machine, _ = model(t, domain(devices=text))
    machine.pop('extra')
    tap.equal(machine, {'clock': 'utc', **fields, 'name': 'vm'})


@tap.rows([
    ('a device of the host', '', '<hostdev mode="subsystem" type="usb"/>', 'loss-passthrough'),
    ('a folder of the host', '', '<filesystem type="mount"/>', 'loss-shared-folder'),
    ('a kernel of the host', '<os><type>hvm</type><kernel>/boot/vmlinuz</kernel></os>', '', 'loss-kernel'),
    ('a paravirtual machine', '<os><type>linux</type></os>', '', 'libvirt-paravirtual'),
    ('a topology of another size', '<vcpu>3</vcpu><cpu><topology sockets="1" cores="2" threads="1"/></cpu>', '', 'libvirt-topology'),
    ('a bus of libvirt alone', '', '<disk><source file="a"/><target dev="sda" bus="sd"/></disk>', 'libvirt-bus'),
])
def test_told(t, inside, devices, rule):
    tap.equal([finding['rule'] for finding in model(t, domain(inside, devices))[1]], [rule])


# ---- refused ----

DEEP = '<a>' * 300 + '</a>' * 300


@tap.rows([
    ('a DOCTYPE', '<!DOCTYPE domain SYSTEM "http://x/y"><domain/>', 5, 'DOCTYPE'),
    ('an entity', '<!DOCTYPE d [<!ENTITY a "aaaa">]><domain><name>&a;</name></domain>', 5, 'DOCTYPE'),
    ('an undeclared entity', domain('<title>&x;</title>'), 4, 'vm.xml:1'),
    ('no end', '<domain><name>', 4, 'vm.xml'),
    ('too deep', domain(DEEP), 6, 'inside each other'),
    ('too many elements', domain(devices='<a/>' * 120000), 6, 'elements'),
    ('too many disks', domain(devices='<disk><target dev="a"/></disk>' * 5000), 6, 'disks'),
    ('too many settings', domain(devices='<hostdev/>' * 70000), 6, 'settings'),
    ('another root', '<network><name>n</name></network>', 12, '<network>'),
    ('the state of a running machine', '<domstatus state="running"><domain/></domstatus>', 12, 'virsh dumpxml'),
    ('a snapshot', '<domainsnapshot><domain/></domainsnapshot>', 12, 'virsh dumpxml'),
    ('a root of another namespace', '<domain xmlns="urn:x"/>', 12, 'urn:x'),
    ('a cipher of a disk', domain(devices='<disk><source file="a"><encryption format="luks"><cipher name="aes"/></encryption></source><target dev="vda"/></disk>'), 4, '<cipher>'),
    ('a unit that is none', domain('<memory unit="furlong">1</memory>'), 4, 'furlong'),
    ('too much memory', domain('<memory unit="EiB">99</memory>'), 6, '2^63'),
    ('negative memory', domain('<memory>-1</memory>'), 4, '-1'),
    ('no processors', domain('<vcpu>0</vcpu>'), 4, 'at least one'),
    ('too many processors', domain('<vcpu>99999</vcpu>'), 4, '4096'),
    ('an id that is none', domain('<uuid>6ba7b810-9dad</uuid>'), 4, '6ba7b810-9dad'),
    ('an address that is none', domain(devices='<interface type="user"><mac address="01:00:00:00:00:01"/></interface>'), 4, 'vm.xml:1: <mac>'),
    ('a controller of 10 digits', domain(devices='<controller type="scsi" index="99999999999"/>'), 4, '99999999999'),
])
def test_refused(t, text, code, part):
    tap.contains(refusal(t, text, code), part)


def test_includes_and_references_open_nothing(t):
    """XInclude is an element that nobody knows; a path is only a text here."""
    t.write('secret', b'<name>stolen</name>')
    machine, _ = model(t, domain('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="secret"/>',
                                 '<disk><source file="../../../../etc/shadow"/><target dev="vda"/></disk>'))
    tap.equal((machine['name'], machine['disks'][0]['image']), ('vm', '../../../../etc/shadow'))
    tap.equal(extras(machine)['xi:include']['known'], False)


def test_long_names_of_namespaces_are_not_multiplied(t):
    uri = 'urn:' + 'x' * 1000000
    told = refusal(t, f'<domain xmlns:q="{uri}"><name>v</name><metadata><q:a/></metadata>' + '<hostdev><q:a/></hostdev>' * 9
                      + '<metadata><q:b/></metadata>' * 40 + '</domain>', 6)
    tap.contains(told, 'namespaces')


if __name__ == '__main__':
    tap.main(globals())
