# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VirtualBox's .vbox as the neutral machine: what each element means, that nothing is forgotten, what is refused; and with its disks."""
import json
import os
import random
import uuid
import xml.etree.ElementTree as ElementTree

import model
import tap

SAMPLES = tap.SOURCE.parent / 'shared'
BASE, CHILD, LATER, ISO, MACHINE, SNAP, SNAP2 = (f'{{{uuid.UUID(int=n << 96 | n)}}}' for n in range(1, 8))
NS = 'http://www.virtualbox.org/'


def plain(text):
    return text.strip('{}')


def drive(image=BASE, kind='HardDisk', port=0, device=0, more=''):
    inside = f'<Image uuid="{image}"/>' if image else ''
    return f'<AttachedDevice type="{kind}" hotpluggable="false" port="{port}" device="{device}"{more}>{inside}</AttachedDevice>'


def controller(*drives, kind='AHCI', ports=2):
    return f'<StorageController name="{kind}" type="{kind}" PortCount="{ports}" useHostIOCache="false" Bootable="true">{"".join(drives)}</StorageController>'


def storage(*controllers):
    return f'<StorageControllers>{"".join(controllers)}</StorageControllers>'


DISK = storage(controller(drive()))
MEDIA = f'<HardDisks><HardDisk uuid="{BASE}" location="disk.vdi" format="VDI" type="Normal"/></HardDisks>'


def vbox(inside='', hardware=DISK, media=MEDIA, version='1.19-linux', attributes='', cpu='<CPU count="2"/>'):
    return f'''<?xml version="1.0"?>
<VirtualBox xmlns="{NS}" version="{version}">
<Machine uuid="{MACHINE}" name="vm" OSType="Ubuntu_64" snapshotFolder="Snapshots" {attributes}>
<MediaRegistry>{media}</MediaRegistry>
{inside}
<Hardware>{cpu}<Memory RAMSize="512"/>{hardware}</Hardware>
</Machine></VirtualBox>
'''


def read(t, text, *arguments):
    return model.read(t, t.write('vm.vbox', text.encode() if isinstance(text, str) else text), *arguments)


def refused(t, text, *arguments):
    return model.refused(t, t.write('vm.vbox', text.encode() if isinstance(text, str) else text), 'as=vbox', *arguments)


# ---- fields ----

RICH = vbox(f'''<Description>two
lines</Description><ExtraData><ExtraDataItem name="GUI/A" value="1"/></ExtraData><Autostart enabled="true" delay="5"/><Groups><Group name="/g"/></Groups>''',
            f'''<HID Pointing="USBTablet" Keyboard="USBKeyboard"/><Chipset type="ICH9"/><Paravirt provider="KVM"/>
<Boot><Order position="1" device="DVD"/><Order position="2" device="HardDisk"/><Order position="3" device="Network"/><Order position="4" device="None"/></Boot>
<Display controller="VMSVGA" VRAMSize="16" monitorCount="2" accelerate3D="true"/><Firmware type="EFI"/>
<BIOS><IOAPIC enabled="true"/><TimeOffset value="-5000"/><NVRAM path="vm.nvram"/><SmbiosUuidLittleEndian enabled="true"/></BIOS>
<TrustedPlatformModule type="v2_0" location=""/><USB><Controllers><Controller name="XHCI" type="XHCI"/></Controllers></USB>
<Network><Adapter slot="0" enabled="true" MACAddress="0800274C9CFB" cable="false" type="virtio"><DisabledModes><InternalNetwork name="intnet"/></DisabledModes>
<BridgedInterface name="eth0"/></Adapter><Adapter slot="1" enabled="false" type="82540EM"/><Adapter slot="3" enabled="true"><NAT><DNS use-proxy="true"/></NAT></Adapter></Network>
<UART><Port slot="0" enabled="true" IOBase="0x3f8" IRQ="4" path="/tmp/s" server="true" hostMode="HostPipe"/><Port slot="1" enabled="false" IOBase="0x2f8" IRQ="3" hostMode="Disconnected"/></UART>
<LPT><Port slot="0" enabled="true" IOBase="0x378" IRQ="7" path="/dev/lp0"/></LPT><AudioAdapter controller="HDA" driver="ALSA" enabled="true"/><RTC localOrUTC="UTC"/>
<GuestProperties><GuestProperty name="/a" value="b" timestamp="1" flags=""/></GuestProperties>
''' + storage(controller(drive(), drive(ISO, 'DVD', 1), kind='AHCI'), controller(drive(None, 'DVD', 1, 0), kind='PIIX4'), controller(drive(CHILD, port=3, more=' nonrotational="true" discard="true"'), kind='LsiLogicSas', ports=8)),
            f'''<HardDisks><HardDisk uuid="{BASE}" location="disk.vdi" format="VDI" type="Normal"/><HardDisk uuid="{CHILD}" location="b.vmdk" format="VMDK" type="Writethrough"/></HardDisks>
<DVDImages><Image uuid="{ISO}" location="/iso/x.iso"/></DVDImages>''', cpu='<CPU count="4" hotplug="true"><PAE enabled="true"/><NestedHWVirt enabled="true"/><CpuTree><Cpu id="0"/><Cpu id="1"/></CpuTree></CPU>')


def test_fields(t):
    machine, findings = read(t, RICH)
    wanted = {'name': 'vm', 'description': 'two\nlines', 'uuid': plain(MACHINE), 'arch': 'x86_64', 'os': 'ubuntu64Guest', 'firmware': 'efi', 'nvram': 'vm.nvram',
              'tpm': '2.0', 'vcpus': 4, 'vcpus-online': 2, 'cpu-hotadd': True, 'nested': True, 'memory': 512 << 20, 'clock': 'utc', 'clock-offset': '-5',
              'boot': 'cdrom,disk,network', 'usb3': True, 'tablet': True, 'sound': 'hda', 'video': 'vmvga', 'video-memory': 16 << 20, 'video-heads': 2,
              'video-3d': True, 'autostart': True, 'hw-version': '1.19-linux'}
    tap.equal({key: machine.get(key) for key in wanted}, wanted, 'machine')
    tap.equal([(c['bus'], c['index'], c.get('model')) for c in machine['controllers']],
              [('sata', 0, 'ahci'), ('ide', 0, 'piix4'), ('ide', 1, 'piix4'), ('scsi', 0, 'lsisas1068')], 'controllers')
    tap.equal([(d['medium'], d['bus'], d['controller'], d['unit'], d.get('image'), d.get('image-format')) for d in machine['disks']],
              [('disk', 'sata', 0, 0, 'disk.vdi', 'vdi'), ('cdrom', 'sata', 0, 1, '/iso/x.iso', None), ('cdrom', 'ide', 1, 0, None, None),
               ('disk', 'scsi', 0, 3, 'b.vmdk', 'vmdk')], 'disks')
    tap.equal({key: machine['disks'][3][key] for key in ('ssd', 'discard', 'mode')}, {'ssd': True, 'discard': True, 'mode': 'independent'}, 'a disk')
    tap.equal(machine['nics'], [{'model': 'virtio', 'mac': '08:00:27:4c:9c:fb', 'attach': 'bridge', 'network': 'eth0', 'link': False},
                                {'model': 'pcnet32', 'attach': 'nat'}], 'cards')
    tap.equal(machine['ports'], [{'parallel': False, 'backend': 'pipe', 'path': '/tmp/s'}, {'parallel': True, 'backend': 'device', 'path': '/dev/lp0'}], 'ports')
    tap.equal(model.rules(findings), ['loss-secure-boot-unknown'], 'findings')
    tap.equal(model.extras(machine, False), {}, 'unknown')


@tap.rows((
    ('the storage beside the hardware', vbox(DISK, '')),
    ('the namespace of innotek, in Latin-1', vbox().replace(NS, 'http://www.innotek.de/VirtualBox-settings')
     .replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="ISO-8859-1"?>').replace('name="vm"', 'name="v\xfc"').encode('latin-1')),
    ('a prefix', vbox().replace('<', '<v:').replace('<v:/', '</v:').replace('<v:?', '<?').replace('xmlns=', 'xmlns:v=')),
    ('a platform', vbox('<Platform architecture="x86"><Chipset type="ICH9"/><RTC localOrUTC="UTC"/><CPU count="2"/><x86><CPU><PAE enabled="true"/></CPU></x86></Platform>',
                        cpu='', version='1.20-linux')),
))
def test_places_and_names_of_all_versions(t, text):
    machine, _ = read(t, text)
    tap.equal((machine['vcpus'], [disk['image'] for disk in machine['disks']], model.extras(machine, False)), (2, ['disk.vdi'], {}))


@tap.rows((
    ('local time where nothing is said', vbox(), 'clock', 'localtime'),
    ('no sound where nothing is said', vbox(hardware='<AudioAdapter driver="ALSA"/>'), 'sound', None),
    ('sound in older settings', vbox(hardware='<AudioAdapter driver="ALSA"/>', version='1.15'), 'sound', 'ac97'),
    ('USB of older settings', vbox(hardware='<USBController enabled="true" enabledEhci="true"/>', version='1.12'), 'usb2', True),
    ('the uuid that the guest sees', vbox().replace('<Hardware>', f'<Hardware uuid="{SNAP}">'), 'uuid', plain(SNAP)),
    ('firmware variables in newer settings', vbox('<Platform architecture="x86"><CPU/></Platform>', '<Firmware type="EFI64"><NVRAM path="n"/></Firmware>', cpu='', version='1.21'), 'nvram', 'n'),
    ('a machine of ARM', vbox('<Platform architecture="ARM"><CPU/></Platform>', cpu='', version='1.20').replace('Ubuntu_64', 'Debian_arm64'), 'arch', 'aarch64'),
    ('a release that is newer than the table', vbox().replace('Ubuntu_64', 'Ubuntu24_LTS_64'), 'os', 'ubuntu64Guest'),
    ('a guest that nobody knows', vbox().replace('Ubuntu_64', 'Frob'), 'os', None),
    ('a saved state', vbox(attributes='stateFile="Snapshots/x.sav"'), 'suspended', True),
))
def test_single_fields(t, text, field, value):
    tap.equal(read(t, text)[0].get(field), value)


@tap.rows((
    ('NAT', '<NAT/>', 'nat', None), ('a network with NAT', '<NATNetwork name="n"/>', 'nat', 'n'), ('a bridge', '<BridgedInterface name="n"/>', 'bridge', 'n'),
    ('an internal one', '<InternalNetwork name="n"/>', 'internal', 'n'), ('the host alone', '<HostOnlyInterface name="n"/>', 'hostonly', 'n'),
    ('nothing', '', 'none', None), ('what is not in force', '<DisabledModes><NAT/></DisabledModes>', 'none', None), ('a driver', '<GenericInterface driver="UDPTunnel"/>', None, None),
))
def test_what_a_card_is_attached_to(t, inside, attach, network):
    machine, _ = read(t, vbox(hardware=f'<Network><Adapter slot="0" enabled="true">{inside}</Adapter></Network>'))
    tap.equal((machine['nics'][0].get('attach'), machine['nics'][0].get('network')), (attach, network))


@tap.rows((
    ('PIIX3', 'ide', 'piix3', 1), ('ICH6', 'ide', 'ich6', 1), ('AHCI', 'sata', 'ahci', 29), ('LsiLogic', 'scsi', 'lsilogic', 15), ('BusLogic', 'scsi', 'buslogic', 15),
    ('LsiLogicSas', 'scsi', 'lsisas1068', 254), ('VirtioSCSI', 'scsi', 'virtio-scsi', 255), ('NVMe', 'nvme', 'nvme', 254),
))
def test_controllers(t, *row):
    bus, name, last = row
    kind = {'piix3': 'PIIX3', 'ich6': 'ICH6', 'ahci': 'AHCI', 'lsilogic': 'LsiLogic', 'buslogic': 'BusLogic', 'lsisas1068': 'LsiLogicSas', 'virtio-scsi': 'VirtioSCSI', 'nvme': 'NVMe'}[name]
    machine, _ = read(t, vbox(hardware=storage(controller(drive(port=last), kind=kind))))
    tap.equal((machine['disks'][0]['bus'], machine['controllers'][0]['model']), (bus, name))
    tap.contains(refused(t, vbox(hardware=storage(controller(drive(port=last + 1), kind=kind)))), 'no such place')


@tap.rows((
    ('Immutable', 'mode', 'transient'), ('Writethrough', 'mode', 'independent'), ('Shareable', 'shared', True), ('Readonly', 'read-only', True), ('Normal', 'mode', None),
))
def test_what_becomes_of_writes(t, field, value):
    kind = {('mode', 'transient'): 'Immutable', ('mode', 'independent'): 'Writethrough', ('shared', True): 'Shareable', ('read-only', True): 'Readonly'}.get((field, value), 'Normal')
    tap.equal(read(t, vbox(media=MEDIA.replace('Normal', kind)))[0]['disks'][0].get(field), value)


# ---- the registry ----

def chain(reset='', properties=''):
    return (f'<HardDisks><HardDisk uuid="{BASE}" location="disk.vdi" format="VDI" type="Normal">{properties}'
            f'<HardDisk uuid="{CHILD}" location="Snapshots/{CHILD}.vdi" format="VDI"{reset}/></HardDisk></HardDisks>')


def test_a_differencing_disk_is_the_one_that_is_attached(t):
    tap.equal(read(t, vbox(hardware=storage(controller(drive(CHILD))), media=chain()))[0]['disks'][0]['image'], f'Snapshots/{CHILD}.vdi')


def test_what_is_emptied_at_each_start_is_not_taken(t):
    machine, findings = read(t, vbox(hardware=storage(controller(drive(CHILD))), media=chain(' autoReset="true"').replace('Normal', 'Immutable')))
    tap.equal((machine['disks'][0]['image'], machine['disks'][0]['mode'], model.rules(findings)), ('disk.vdi', 'transient', ['vbox-auto-reset']))
    tap.contains(findings[0]['text'], CHILD)


@tap.rows((
    ('an encrypted image', chain(properties='<Property name="CRYPT/KeyId" value="k"/><Property name="CRYPT/KeyStore" value="s3cret"/>'), CHILD, 'encrypted'),
    ('an image of the global registry', '', BASE, 'VirtualBox.xml'),
    ('iSCSI', MEDIA.replace('VDI', 'iSCSI'), BASE, 'iSCSI'),
))
def test_content_that_cannot_be_read_is_told(t, media, image, says):
    machine, findings = read(t, vbox(hardware=storage(controller(drive(image))), media=media))
    tap.contains(machine['disks'][0]['elsewhere'], says)
    tap.equal(('image' in machine['disks'][0], model.rules(findings), 's3cret' in json.dumps(machine)), (False, ['disk-elsewhere'], False))
    tap.contains(t.vmferry('convert', 'vm.vbox', 'vm.ova', status=9).stderr, says)
    tap.equal(t.names(), ['vm.vbox'], 'files')


def test_an_encrypted_machine_is_shown_and_not_converted(t):
    t.write('vm.vbox', f'<VirtualBox xmlns="{NS}" version="1.19-linux"><MachineEncrypted uuid="{MACHINE}" keyId="k" keyStore="s3cret">QUJD</MachineEncrypted></VirtualBox>'.encode())
    shown = t.vmferry('info', '--output=json', 'vm.vbox').stdout
    tap.equal((json.loads(shown)['machine']['encrypted'], json.loads(shown)['machine']['uuid'], 's3cret' in shown), (True, plain(MACHINE), False))
    tap.contains(t.vmferry('convert', 'vm.vbox', 'vm.ova', status=9).stderr, 'encrypted')


# ---- snapshots ----

TREE = f'''<Snapshot uuid="{SNAP}" name="first" timeStamp="2025-12-19T17:01:46Z"><Description>d</Description><Hardware><Memory RAMSize="256"/>{storage(controller(drive(BASE), kind='PIIX4'))}</Hardware>
<Snapshots><Snapshot uuid="{SNAP2}" name="second" timeStamp="2024-02-29T00:00:00Z" stateFile="s.sav"><Hardware><Memory RAMSize="384"/>{storage(controller(drive(CHILD)))}</Hardware></Snapshot></Snapshots></Snapshot>'''
WITH_SNAPSHOTS = vbox(TREE, storage(controller(drive(LATER))), attributes=f'currentSnapshot="{SNAP2}"',
                      media=f'''<HardDisks><HardDisk uuid="{BASE}" location="disk.vdi" format="VDI" type="Normal"><HardDisk uuid="{CHILD}" location="Snapshots/1.vdi" format="VDI">
<HardDisk uuid="{LATER}" location="Snapshots/2.vdi" format="VDI"/></HardDisk></HardDisk></HardDisks>''')


def test_snapshots_are_a_tree(t):
    machine, _ = read(t, WITH_SNAPSHOTS)
    tap.equal(machine['snapshots'], [{'id': plain(SNAP), 'name': 'first', 'description': 'd', 'time': 1766163706},
                                     {'id': plain(SNAP2), 'parent': plain(SNAP), 'name': 'second', 'time': 1709164800, 'has-memory': True, 'current': True}])
    tap.equal((machine['memory'], machine['disks'][0]['image']), (512 << 20, 'Snapshots/2.vdi'), 'as it is now')


@tap.rows((
    ('by name', 'first', 256, 'disk.vdi', 'ide'), ('by its uuid', plain(SNAP2), 384, 'Snapshots/1.vdi', 'sata'), ('by its uuid in braces', SNAP2.upper(), 384, 'Snapshots/1.vdi', 'sata'),
))
def test_a_snapshot_is_the_machine_as_it_was(t, name, mebibytes, image, bus):
    machine, _ = read(t, WITH_SNAPSHOTS, 'snapshot=' + name)
    tap.equal((machine['memory'] >> 20, machine['disks'][0]['image'], machine['disks'][0]['bus'], len(machine['disks'])), (mebibytes, image, bus, 1))


@tap.rows((('that there is not', WITH_SNAPSHOTS, 'third', 'first, second'), ('two of one name', WITH_SNAPSHOTS.replace('"second"', '"first"'), 'first', plain(SNAP2)),
           ('of a machine that has none', vbox(), 'first', 'none')))
def test_a_snapshot_that_cannot_be_chosen(t, text, name, says):
    tap.contains(refused(t, text, 'snapshot=' + name), says)


# ---- nothing is forgotten ----

ALL = RICH.replace('<Hardware>', TREE.replace('Snapshot uuid', 'Snapshot name="s" uuid').replace('name="s" uuid', 'uuid') + '<Hardware>', 1).replace('<Machine ', f'<Machine currentSnapshot="{SNAP}" ')
# What it means that a device is not there, or is the vendor's own, is told as a whole.
WHOLE = ('/Snapshot', 'Adapter/DisabledModes', 'Port', 'Adapter')


def places(root, path=''):
    for element in root:
        here = f'{path}/{element.tag.split("}")[1]}' if path else element.tag.split('}')[1]
        yield here, element
        yield from places(element, here)


def test_an_invented_attribute_or_element_is_told_wherever_it_stands(t):
    for number, (path, _) in enumerate(list(places(ElementTree.fromstring(ALL)))):
        root = ElementTree.fromstring(ALL)
        element = list(places(root))[number][1]
        element.set('frobnicate', 'seven')
        ElementTree.SubElement(element, f'{{{NS}}}frob', {'a': 'b'})
        machine, _ = read(t, ElementTree.tostring(root))
        unknown = sorted(model.extras(machine, False).values())
        tap.equal((len(unknown), unknown[-1], 'frob a="b"' in unknown[0]), (2, 'seven', True), path)


def test_every_element_is_mapped_or_kept(t):
    """What is taken away from the file is taken away from the machine."""
    whole, _ = read(t, RICH)
    silent = ('Adapter/DisabledModes', 'InternalNetwork')
    for number, (path, _) in enumerate(list(places(ElementTree.fromstring(RICH)))):
        root = ElementTree.fromstring(RICH)
        element = list(places(root))[number][1]
        if path.endswith(silent) or element.get('enabled') == 'false' or path in ('Machine', 'Machine/Hardware', 'Machine/Hardware/Memory', 'Machine/MediaRegistry/DVDImages', 'Machine/MediaRegistry/DVDImages/Image'):
            continue
        if element.get('device') == 'None' or (element.tag.endswith('Image') and element.get('uuid') in (BASE, CHILD)):
            continue
        {child: parent for parent in root.iter() for child in parent}[element].remove(element)
        machine, _ = read(t, ElementTree.tostring(root))
        if machine == whole:
            raise AssertionError(f'{path} is neither mapped nor kept')


def test_secrets_are_never_shown(t):
    machine, _ = read(t, vbox('<Teleporter enabled="true" password="s3cret"/><ExtraData><ExtraDataItem name="VBoxAuthSimple/users/a" value="s3cret"/></ExtraData>',
                              '<RemoteDisplay enabled="true"><VRDEProperties><Property name="VNCPassword" value="s3cret"/></VRDEProperties></RemoteDisplay>' + DISK))
    tap.equal('s3cret' in json.dumps(machine), False)
    for later in '<New password="s3cret"/>', '<New><Property name="VNCPassword" value="s3cret"/></New>':
        machine, _ = read(t, vbox(hardware=later))
        tap.equal('s3cret' in json.dumps(machine), False, f'in what nobody knows: {later}')


def test_a_long_prefix_is_not_repeated_without_end(t):
    """Of 120 KB of settings that are not known the names alone would be 20 MB."""
    prefix, many = 'p' * 4000, ' '.join(f'z{i}=""' for i in range(250))
    cards = 20 * f'<{prefix}:Adapter {many}/>'
    text = vbox(hardware=f'<GuestProperties xmlns:{prefix}="http://www.virtualbox.org/">{cards}</GuestProperties>')
    tap.contains(refused(t, text), 'the names of settings without a place have more than')


# ---- findings ----

@tap.rows((
    ('a version of the future', vbox(version='1.99-linux'), 'vbox-version-future'),
    ('rules of NAT', vbox(hardware='<Network><Adapter slot="0" enabled="true"><NAT><Forwarding name="ssh" proto="1" hostport="1" guestport="2"/></NAT></Adapter></Network>'), 'loss-nat-rules'),
    ('shared folders', vbox(hardware='<SharedFolders><SharedFolder name="a" hostPath="/"/></SharedFolders>'), 'loss-shared-folder'),
    ('devices of the host', vbox(hardware='<HostPci><Devices><Device host="1" guest="2"/></Devices></HostPci>'), 'loss-passthrough'),
    ('filters of USB', vbox(hardware='<USB><DeviceFilters><DeviceFilter name="a" active="true"/></DeviceFilters></USB>'), 'loss-usb-filter'),
    ('the TPM of the host', vbox(hardware='<TrustedPlatformModule type="Host"/>'), 'loss-passthrough'),
    ('a number that is none', vbox(hardware='<Display VRAMSize="18446744073709551615"/>'), 'vbox-number'),
    ('an address twice', vbox(hardware='<Network>' + ''.join(f'<Adapter slot="{n}" enabled="true" MACAddress="080027000001"/>' for n in (0, 1)) + '</Network>'), 'vbox-mac-twice'),
    ('a place twice', vbox(hardware=storage(controller(drive(), drive()))), 'vbox-place-twice'),
    ('a uuid twice', vbox(hardware='', media=MEDIA + MEDIA.replace('HardDisks', 'DVDImages').replace('HardDisk', 'Image')), 'vbox-medium-twice'),
))
def test_findings(t, text, rule):
    tap.contains(model.rules(read(t, text)[1]), rule)


# ---- hostile ----

def nested(element, count, attributes=''):
    return ''.join(f'<{element} {attributes.format(n)}>' for n in range(count)) + f'</{element}>' * count


REFUSED = (
    ('a root of another kind', '<Envelope/>', 'VirtualBox'),
    ('the settings of VirtualBox itself', f'<VirtualBox version="1.19"><Global/></VirtualBox>', '.vbox'),
    ('no machine', '<VirtualBox version="1.19"/>', '<Machine>'),
    ('no version', '<VirtualBox><Machine/></VirtualBox>', 'version'),
    ('a version of long ago', vbox(version='1.8'), '3.1'),
    ('no hardware', f'<VirtualBox version="1.19"><Machine uuid="{MACHINE}" name="a"/></VirtualBox>', '<Hardware>'),
    ('no memory', vbox().replace('<Memory RAMSize="512"/>', ''), 'RAMSize'),
    ('negative memory', vbox().replace('"512"', '"-1"'), '-1'),
    ('memory beyond all', vbox().replace('"512"', '"99999999999999999999"'), '999999'),
    ('no processor', vbox(cpu='<CPU count="0"/>'), '1 to'),
    ('processors beyond all', vbox(cpu='<CPU count="4294967297"/>'), '4294967297'),
    ('an entity', vbox().replace('<VirtualBox', '<!DOCTYPE a [<!ENTITY b "c">]><VirtualBox'), 'DOCTYPE'),
    ('a hundred thousand images in each other', vbox(media=f'<HardDisks>{nested("HardDisk", 100_000, "uuid=&quot;&quot;").replace("&quot;", chr(34))}</HardDisks>'), 'inside each other'),
    ('a hundred thousand snapshots in each other', vbox(nested('Snapshot', 100_000)), 'inside each other'),
    ('a hundred thousand images side by side', vbox(media='<HardDisks>' + ''.join(f'<HardDisk uuid="{{{uuid.UUID(int=n)}}}"/>' for n in range(120_000)) + '</HardDisks>'), '110000'),
    ('a uuid that is none', vbox(hardware=storage(controller(drive('{1}')))), '{1}'),
    ('a uuid of the registry that is none', vbox(media='<HardDisks><HardDisk uuid="x" location="a"/></HardDisks>'), '"x"'),
    ('a uuid twice that a drive has', vbox(media=MEDIA.replace('</HardDisks>', '') + MEDIA.replace('<HardDisks>', '')), 'twice'),
    ('a disk without an image', vbox(hardware=storage(controller(drive(None)))), 'no image'),
    ('a controller that nobody knows', vbox(hardware=storage(controller(drive(), kind='Frob'))), 'Frob'),
    ('a port far away', vbox(hardware=storage(controller(drive(port=4294967296)))), '4294967296'),
    ('a drive of no kind', vbox(hardware=storage(controller(drive(kind='Tape')))), 'Floppy'),
    ('a snapshot without a uuid', vbox('<Snapshot name="a"/>'), 'uuid'),
    ('an address of many cards', vbox(hardware='<Network><Adapter slot="0" enabled="true" MACAddress="090027000001"/></Network>'), '090027000001'),
    ('a flag that is none', vbox(hardware='<Network><Adapter slot="0" enabled="maybe"/></Network>'), 'maybe'),
    ('text that ends early', vbox()[:300], 'vm.vbox'),
)


@tap.rows(REFUSED)
def test_what_is_refused(t, text, says):
    tap.contains(refused(t, text), says)


def test_many_media_and_drives_take_no_time(t):
    """Thirty thousand images, four thousand drives: no work grows with the square."""
    ids = [f'{{{uuid.UUID(int=n + 1)}}}' for n in range(30_000)]
    media = '<HardDisks>' + ''.join(f'<HardDisk uuid="{one}" location="{n}.vdi" format="VDI" type="Normal"/>' for n, one in enumerate(ids)) + '</HardDisks>'
    drives = storage(*(controller(*(drive(ids[16 * n + port], port=port) for port in range(16)), kind='LsiLogic') for n in range(250)))
    tap.equal(len(read(t, vbox(hardware=drives, media=media))[0]['disks']), 4000)


# ---- samples of others ----

def test_samples(t):
    found = sorted((SAMPLES / 'machines/vbox').rglob('*.vbox')) + sorted((SAMPLES / 'corpus/dissect.hypervisor').rglob('*.vbox'))
    if not found:
        raise tap.Skip('no samples')
    for path in found:
        root = ElementTree.parse(path).getroot()
        tag = root.tag[:-len('VirtualBox')]
        machine, _ = model.read(t, path)
        element = root.find(f'{tag}Machine')
        hardware = element.find(f'{tag}Hardware')
        locations = {disk.get('uuid'): disk.get('location') for disk in root.iter(f'{tag}HardDisk')}
        attached = element.find(f'{tag}StorageControllers')
        attached = attached if attached is not None else hardware.find(f'{tag}StorageControllers')
        images = [locations[image.get('uuid')] for image in attached.iter(f'{tag}Image')]
        tap.equal((machine['name'], machine['uuid'], machine['memory'] >> 20), (element.get('name'), plain(element.get('uuid')), int(hardware.find(f'{tag}Memory').get('RAMSize'))), path.name)
        tap.equal([disk.get('image') or disk['elsewhere'].split(': ')[-1] for disk in machine['disks'] if disk['medium'] == 'disk'], images, path.name)
        tap.equal(len(machine['nics']), len([card for card in hardware.iter(f'{tag}Adapter') if card.get('enabled') == 'true']), path.name)
        tap.equal(len(machine.get('snapshots', [])), len(list(root.iter(f'{tag}Snapshot'))), path.name)
        tap.equal(model.extras(machine, False), {}, path.name)


# ---- with its disks ----

def image_id(path):
    """What a VDI calls itself: its first three fields are little-endian."""
    with open(path, 'rb') as file:
        return uuid.UUID(bytes_le=file.read(440)[392:408])


def make_child(base, child, first):
    """A differencing VDI on another one: its first block is its own, all else is the base's."""
    head = bytearray(base[:0x200000])
    head[76:80] = (4).to_bytes(4, 'little')
    head[388:392] = (1).to_bytes(4, 'little')
    head[424:456] = head[392:424]
    head[392:408] = uuid.UUID(plain(child)).bytes_le
    head[408:424] = bytes(range(1, 17))
    blocks = int.from_bytes(head[384:388], 'little')
    head[0x100000:0x100000 + 4 * blocks] = b'\xff' * (4 * blocks)
    head[0x100000:0x100004] = bytes(4)
    return bytes(head) + first


def with_disks(t):
    old = random.Random(1).randbytes(3 << 20)
    new = random.Random(2).randbytes(1 << 20)
    t.write('old.raw', old)
    t.vmferry('convert', '-O', 'vdi', '-o', 'uuid=' + plain(BASE), 'old.raw', 'disk.vdi')
    os.mkdir(t.path('Snapshots'))
    t.write(f'Snapshots/{CHILD}.vdi', make_child(t.read('disk.vdi'), CHILD, new))
    t.write('vm.vbox', vbox(f'<Snapshot uuid="{SNAP}" name="before" timeStamp="2025-12-19T17:01:46Z"><Hardware><Memory RAMSize="256"/>{DISK}</Hardware></Snapshot>',
                            storage(controller(drive(CHILD))), chain(), attributes=f'currentSnapshot="{SNAP}"').encode())
    return old, new + old[1 << 20:]


def raw_of(t, source, *arguments):
    t.vmferry('convert', *arguments, source, 'step.ova')
    t.vmferry('convert', '-O', 'raw', 'step.ova', 'step.raw')
    content = t.read('step.raw')
    os.unlink(t.path('step.raw'))
    os.unlink(t.path('step.ova'))
    return content


def test_a_leaf_is_read_through_its_chain(t):
    old, new = with_disks(t)
    tap.equal(raw_of(t, 'vm.vbox') == new, True, 'as it is')
    tap.equal(raw_of(t, 'vm.vbox', '-l', 'before') == old, True, 'as it was')


@tap.rows((('of another host', '/home/me/VMs/Snapshots/'), ('of Windows', 'C:\\VMs\\Snapshots\\'), ('above the folder', '../../Snapshots/')))
def test_images_are_found_where_they_were_moved(t, before):
    _, new = with_disks(t)
    t.write('vm.vbox', t.read('vm.vbox').replace(b'"Snapshots/{', b'"' + before.encode() + b'{'))
    tap.equal(raw_of(t, 'vm.vbox') == new, True)


@tap.rows((('a missing link', lambda t: os.unlink(t.path('disk.vdi')), 'parent by an id'),
           ('a link that was changed', lambda t: t.write('disk.vdi', t.read('disk.vdi')[:408] + bytes(range(2, 18)) + t.read('disk.vdi')[424:]), '.vdi'),
           ('a leaf that is not there', lambda t: os.unlink(t.path(f'Snapshots/{CHILD}.vdi')), CHILD)))
def test_chains_that_are_refused(t, harm, says):
    with_disks(t)
    harm(t)
    before = sorted(t.names())
    tap.contains(t.vmferry('convert', 'vm.vbox', 'vm.ova', status=2).stderr, says)
    tap.equal(sorted(t.names()), before, 'files')


@tap.rows((('a file above', '../../../../../../etc/passwd'), ('an absolute one', '/etc/passwd'), ('a device', '/dev/zero'), ('itself', 'vm.vbox'), ('a link that leads out', 'link.vdi')))
def test_images_elsewhere_are_refused(t, location):
    os.symlink('/etc/passwd', t.path('link.vdi'))
    t.write('vm.vbox', vbox(media=MEDIA.replace('disk.vdi', location).replace('VDI', 'RAW')).encode())
    tap.contains(t.vmferry('convert', 'vm.vbox', 'vm.ova', status=2).stderr, 'vm.vbox')
    tap.equal(sorted(t.names()), ['link.vdi', 'vm.vbox'], 'files')


def test_only_the_folders_of_the_machine_are_used(t):
    with_disks(t)
    os.mkdir(t.path('other'))
    os.rename(t.path('disk.vdi'), t.path('other/disk.vdi'))
    t.vmferry('convert', 'vm.vbox', 'no.ova', status=2)
    t.vmferry('convert', '--allow-ref', 'other', 'vm.vbox', 'vm.ova')
    t.vmferry('convert', '--no-refs', 'vm.vbox', 'no.ova', status=2)


if __name__ == '__main__':
    tap.main(globals())
