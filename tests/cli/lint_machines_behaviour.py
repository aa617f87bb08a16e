# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""lint --for PLATFORM of machines in any format, of what importers ask of packages, and of partition tables: each rule with a file that breaks it and one that does not."""
import json
import os
import random
import re
import struct
import sys

import lint_judge
import tap
from lint_judge import lint
from partitions import gpt

sys.path.insert(0, str(tap.SOURCE / 'tests/formats'))
from hostile_vhdx_images import NEW_IMAGE, OLD_IMAGE, save, vhdx  # pylint: disable=wrong-import-position

MIB = 1 << 20
TIB = 1 << 40


def sparse(t, name='a.raw', size=4 * MIB):
    with open(t.path(name), 'wb') as raw:
        raw.truncate(size)
    return name


def status_of(rule):
    return 3 if rule[0] == 'E' else 0


# ---- packages, by the importers of other platforms ----

# id, platform, pattern in the descriptor, what breaks the rule
DESCRIPTORS = [
    ('E-VMW-SUBTYPE', 'esxi', r'(<rasd:ResourceSubType>)lsilogic(</rasd:ResourceSubType>\s*<rasd:ResourceType>)6', r'\1PIIX4\g<2>5'),
    ('W-VMW-AHCI', 'esxi', r'(<rasd:ResourceSubType>)lsilogic(</rasd:ResourceSubType>\s*<rasd:ResourceType>)6', r'\1AHCI\g<2>20'),
    ('E-VMW-DEVICE', 'esxi', '</VirtualHardwareSection>', '<Item><rasd:ElementName>sound</rasd:ElementName><rasd:InstanceID>90</rasd:InstanceID><rasd:ResourceSubType>ensoniq1371</rasd:ResourceSubType><rasd:ResourceType>35</rasd:ResourceType></Item></VirtualHardwareSection>'),
    ('W-VMW-GUESTOS', 'esxi', 'vmw:osType="[^"]*"', 'vmw:osType="centos77_64Guest"'),
    ('W-VMW-EXTRA', 'esxi', '</VirtualHardwareSection>', '<vmw:ExtraConfig ovf:required="false" vmw:key="nvram" vmw:value="x"/></VirtualHardwareSection>'),
    ('E-VBX-OTHER', 'virtualbox', '</VirtualHardwareSection>', '<Item><rasd:ElementName>serial</rasd:ElementName><rasd:InstanceID>90</rasd:InstanceID><rasd:ResourceType>21</rasd:ResourceType></Item></VirtualHardwareSection>'),
    ('W-GCE-OVF', 'gce', r'<OperatingSystemSection.*?</OperatingSystemSection>', '<OperatingSystemSection ovf:id="1"><Info>x</Info></OperatingSystemSection>'),
    ('E-PVE-OVF', 'proxmox', 'ovf:/disk/', '/disk/'),
    ('E-PVE-OVF', 'proxmox', '<rasd:Parent>[^<]*</rasd:Parent>', '<rasd:Parent>77</rasd:Parent>'),
    ('E-PVE-OVF', 'proxmox', '<rasd:AddressOnParent>0</rasd:AddressOnParent>', ''),
    ('W-PVE-MEMUNIT', 'proxmox', r'byte \* 2\^20', 'byte * 2^30'),
    ('W-PVE-NIC', 'proxmox', '<rasd:ResourceSubType>E1000<', '<rasd:ResourceSubType>PCNet32<'),
    ('E-OVIRT-REF', 'ovirt', ' ovf:fileRef="[^"]*"', ''),
    ('E-OVIRT-REF', 'ovirt', ' ovf:fileRef=', ' xmlns:o="http://schemas.dmtf.org/ovf/envelope/1" o:fileRef='),
]


def pack(t, *arguments, target='vm.ovf', disks=1):
    names = [sparse(t, f'{i}.raw', (4 + i) * MIB) for i in range(disks)]
    t.vmferry('pack', '-q', '--no-sync', '--name', 'vm', '--os', 'debian12-64', *arguments, *names, '-o', target)
    return t.read(target).decode() if target.endswith('.ovf') else ''


@tap.rows([(f'{row[0]}: {row[3][:60]}', *row) for row in DESCRIPTORS])
def test_descriptor(t, rule, platform, pattern, replacement):
    text = pack(t)
    tap.equal(lint(t, platform, 'vm.ovf'), [], 'clean')
    broken = re.sub(pattern, replacement, text, flags=re.S)
    tap.equal(broken == text, False, 'it is another')
    t.write('vm.ovf', broken.encode())
    tap.equal(lint(t, platform, 'vm.ovf', status=status_of(rule)), [rule], 'broken')


def test_address_that_is_used_twice(t):
    text = pack(t, disks=2)
    tap.equal(lint(t, 'proxmox', 'vm.ovf'), [], 'clean')
    t.write('vm.ovf', text.replace('<rasd:AddressOnParent>1<', '<rasd:AddressOnParent>0<').encode())
    tap.equal(lint(t, 'proxmox', 'vm.ovf', status=3), ['E-PVE-OVF'], 'broken')


def test_addresses_of_network_cards_are_not_read_by_proxmox(t):
    pack(t, '--nic', 'mac=00:50:56:00:00:01')
    tap.equal(lint(t, 'proxmox', 'vm.ovf'), ['W-PVE-NIC'], 'broken')


def test_firmware_and_the_order_of_booting(t):
    text = pack(t, '--firmware', 'efi')
    tap.equal(lint(t, 'esxi', 'vm.ovf'), [], 'clean')
    t.write('vm.ovf', text.replace('</VirtualSystem>', '<vmw:BootOrderSection vmw:instanceId="8" vmw:type="disk"><Info>x</Info></vmw:BootOrderSection></VirtualSystem>').encode())
    tap.equal(lint(t, 'esxi', 'vm.ovf'), ['W-VMW-EFI-LOST'], 'broken')


@tap.rows([('blank', 'my vm.ova', ['E-PVE-NAMES']), ('right', 'vm.ova', []), ('umlaut', 'Käse.ova', ['E-PVE-NAMES'])])
def test_names_for_proxmox(t, name, rules):
    pack(t, target=name)
    tap.equal(lint(t, 'proxmox', name, status=3 if rules else 0), rules, 'rules')


@tap.rows([('one', 1, ['I-OS-PROPS']), ('two', 2, ['E-OS-OVA', 'I-OS-PROPS'])])
def test_disks_for_openstack(t, count, rules):
    pack(t, target='vm.ova', disks=count)
    tap.equal(lint(t, 'openstack', 'vm.ova', status=3 if count > 1 else 0), rules, 'rules')


@tap.rows([('21', 21, []), ('22', 22, ['E-AWS-VOLS'])])
def test_disks_for_aws(t, count, rules):
    pack(t, target='vm.ova', disks=count)
    tap.equal(lint(t, 'aws', 'vm.ova', status=3 if rules else 0), rules, 'rules')


@tap.rows([('BIOS', 'bios', []), ('EFI', 'efi', ['W-PVE-EFI', 'E-PVE-LSI-OVMF'])])
def test_efi_for_proxmox(t, firmware, rules):
    pack(t, '--firmware', firmware)
    tap.equal(lint(t, 'proxmox', 'vm.ovf', status=3 if rules else 0), sorted(rules), 'rules')
    t.vmferry('convert', '-q', '--no-sync', '--for', 'proxmox', 'vm.ovf', 'o.ova')
    tap.equal(lint(t, 'proxmox', 'o.ova'), [rule for rule in rules if rule[0] == 'W'], 'converted: no drive on LSI')


@tap.rows([('64 bits', 'debian12_64Guest', []), ('32 bits', 'debian12Guest', ['E-AWS-BITS'])])
def test_bits_for_aws(t, system, rules):
    sparse(t)
    t.vmferry('pack', '-q', '--no-sync', '--name', 'vm', '--os', system, 'a.raw', '-o', 'vm.ova')
    tap.equal(lint(t, 'aws', 'vm.ova', status=3 if rules else 0), rules, 'rules')


def test_cards_for_aws(t):
    pack(t, '--nic', 'model=e1000', '--nic', 'model=e1000', target='vm.ova')
    tap.equal(lint(t, 'aws', 'vm.ova', '--strict'), ['I-AWS-GUEST'], 'a note is no reason')


# ---- machines in other formats ----

# id, platform, file, options of pack, pattern in its text, what breaks the rule
MACHINES = [
    ('E-K8S-NAME', 'kubevirt', 'vm.vmx', [], 'displayName = "vm"', 'displayName = "My VM"'),
    ('W-WS-PCIBRIDGE', 'workstation', 'vm.vmx', [], 'pciBridge[4-7].*\n', ''),
    ('W-WS-BOOTORDER', 'workstation', 'vm.vmx', ['--firmware', 'efi'], r'\Z', 'bios.bootOrder = "hdd,cdrom"\n'),
    ('W-VMW-BUSLOGIC', 'workstation', 'vm.vmx', [], 'virtualDev = "lsilogic"', 'virtualDev = "buslogic"'),
    ('E-VMW-RDM', 'workstation', 'vm.vmx', [], r'\Z', 'scsi0.sharedBus = "physical"\n'),
    ('W-VBX-IOAPIC', 'virtualbox', 'vm.vbox', ['--cpus', '2'], '<IOAPIC enabled="true"', '<IOAPIC enabled="false"'),
    ('W-VBX-NAME', 'virtualbox', 'vm.vbox', [], ' name="vm"', ' name="a/b"'),
    ('E-VBX-CPU', 'virtualbox', 'vm.vbox', [], '<CPU count="1"', '<CPU count="65"'),
    ('E-VBX-CPU', 'virtualbox', 'vm.vbox', [], 'RAMSize="1024"', 'RAMSize="3"'),
    ('W-KV-FORMAT', 'libvirt', 'vm.xml', [], ' type="qcow2"', ''),
    ('E-KV-NVME', 'libvirt', 'vm.xml', [], 'bus="sata"', 'bus="nvme"'),
    ('W-KV-IDEQ35', 'libvirt', 'vm.xml', [], 'machine="pc"(.*)bus="sata"', r'machine="q35"\1bus="ide"'),
    ('W-KV-FWSMM', 'libvirt', 'vm.xml', ['--firmware', 'efi', '--secure-boot'], 'q35', 'pc'),
    ('W-KV-NAME', 'libvirt', 'vm.xml', [], '<name>vm<', '<name>a/b<'),
    ('W-PVE-BOOT', 'proxmox', 'vm.conf', [], 'order=sata0', 'order=sata0;ide2'),
    ('E-PVE-LIMITS', 'proxmox', 'vm.conf', [], r'\Z', 'net32: e1000,bridge=vmbr0\n'),
    ('E-FORMAT', 'hyperv', 'vm.vmx', [], '', ''),
    ('E-FORMAT', 'azure', 'vm.xml', [], '', ''),
    ('W-XEN-MAC', 'xcp-ng', 'vm.xml', [], '<interface type="network">', '<interface type="network"><mac address="52:54:00:00:00:01"/>'),
    ('E-HV-GEN', 'hyperv', 'vm.ps1', [], '-ControllerType IDE', '-ControllerType SCSI'),
    ('W-HV-SB', 'hyperv', 'vm.vmx', ['--firmware', 'efi'], r'\Z', 'uefi.secureBoot.enabled = "TRUE"\n'),
    ('W-VBX-TOPOLOGY', 'virtualbox', 'vm.vmx', ['--cpus', '4'], r'\Z', 'cpuid.coresPerSocket = "2"\n'),
    ('W-XEN-PCPUS', 'xcp-ng', 'vm.xml', [], '<vcpu>1<', '<vcpu>17<'),
]


@tap.rows([(f'{row[0]}: {row[2]}: {row[5][:50]}', *row) for row in MACHINES])
def test_machine(t, rule, platform, name, arguments, pattern, replacement):
    pack(t, *arguments, target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', name)
    text = t.read(name).decode()
    foreign = platform in ('xcp-ng', 'azure', 'kubevirt') or (platform in ('virtualbox', 'hyperv') and name == 'vm.vmx')
    clean = [] if rule == 'E-FORMAT' else lint(t, platform, name, status=3 if foreign else 0)
    tap.equal(rule in clean, False, 'clean')
    if not foreign:
        tap.equal(clean, [], 'clean')
    broken = re.sub(pattern, replacement, text, count=0 if 'pci' in pattern else 1, flags=re.S if '(.*)' in pattern else 0) if pattern else text
    tap.equal(broken == text and pattern != '', False, 'it is another')
    t.write(name, broken.encode())
    tap.equal(rule in lint(t, platform, name, status=3 if foreign else status_of(rule)), True, 'broken')
    if rule == 'E-KV-NVME':
        t.vmferry('convert', '-q', '--no-sync', '--for', platform, name, 'o.xml')
        tap.equal(lint(t, platform, 'o.xml'), [], 'converted')
    if rule[0] == 'W' and not foreign:
        tap.equal(lint(t, platform, name, '--strict', status=3), [rule], 'strict')


@tap.rows([
    ('Linux that ran on VMware', 'debian12-64', 'vm.vmx', True),
    ('Linux that ran on Hyper-V', 'debian12-64', 'vm.ps1', False),
    ('Windows', 'windows9-64', 'vm.vmx', False),
])
def test_drivers_for_azure(t, system, name, is_broken):
    pack(t, '--os', system, target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', name)
    tap.equal('W-AZ-DRIVERS' in lint(t, 'azure', name, status=3), is_broken, 'rules')


@tap.rows([
    ('of another platform', 'libvirt', 'vm.vmx', True),
    ('its own', 'libvirt', 'vm.xml', False),
    ('disks alone go there', 'azure', 'vm.vmx', False),
])
def test_names_of_networks(t, platform, name, is_broken):
    pack(t, '--nic', 'network=Prod LAN', target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', name)
    done = t.vmferry('lint', '--for', platform, name, status=None)
    tap.equal('a card on the network "Prod LAN"; accepted: one that is there: --network OLD=NEW [W-NET-MAP]' in done.stdout, is_broken, done.stdout)
    tap.equal('W-NET-MAP' in lint(t, platform, name, status=None), is_broken, 'rules')


@tap.rows([
    ('sata', ['--controller', 'sata'], '--drivers=virtio', 'sata'),
    ('EFI', ['--firmware', 'efi'], None, 'uefi'),
])
def test_properties_for_openstack(t, arguments, drivers, word):
    pack(t, *arguments, target='vm.ova')
    tap.equal(lint(t, 'openstack', 'vm.ova', '--strict'), ['I-OS-PROPS'], 'broken, which is a note')
    os.mkdir(t.path('o'))
    t.vmferry('convert', '-q', '--no-sync', '--for', 'openstack', 'vm.ova', 'o/')
    tap.contains(t.read('o/vm.sh').decode(), '=' + word)
    if drivers:
        t.vmferry('convert', '-q', '--no-sync', '--for', 'libvirt', drivers, 'vm.ova', 'vm.xml')
        tap.equal('I-OS-PROPS' in lint(t, 'openstack', 'vm.xml', status=3), False, 'virtio')


def test_id_of_a_disk(t):
    pack(t, target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', 'vm.vbox')
    tap.equal(lint(t, 'virtualbox', 'vm.vbox', '--strict'), [], 'clean')
    disk = next(name for name in t.names() if name.endswith('.vdi'))
    data = bytearray(t.read(disk))
    data[392] ^= 1
    t.write(disk, bytes(data))
    tap.equal(lint(t, 'virtualbox', 'vm.vbox'), ['W-VBX-UUID'], 'broken')
    t.vmferry('convert', '-q', '--no-sync', '--for', 'virtualbox', '--machine', 'vbox', 'vm.vbox', 'o.vbox')
    tap.equal(lint(t, 'virtualbox', 'o.vbox', '--strict'), [], 'converted')


def test_snapshots_stay_behind(t):
    pack(t, target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', 'vm.conf')
    tap.equal('W-SNAP' in lint(t, 'virtualbox', 'vm.conf', status=3), False, 'clean')
    t.write('vm.conf', t.read('vm.conf') + b'parent: before\n\n[before]\nmemory: 512\nsnaptime: 1700000000\n')
    tap.equal('W-SNAP' in lint(t, 'virtualbox', 'vm.conf', status=3), True, 'broken')


def test_passwords(t):
    pack(t, target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', 'vm.xml')
    tap.equal(lint(t, 'libvirt', 'vm.xml'), [], 'clean')
    t.write('vm.xml', t.read('vm.xml').replace(b'<graphics ', b'<graphics passwd="sesame" '))
    done = t.vmferry('lint', '--for', 'libvirt', 'vm.xml')
    tap.contains(done.stdout, '[W-SECRET]')
    tap.equal('sesame' in done.stdout, False, 'the password itself')


def test_controllers_that_are_not_there(t):
    pack(t, '--controller', 'nvme', target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', 'vm.vmx')
    tap.equal(lint(t, 'workstation', 'vm.vmx'), [], 'clean')
    tap.equal(lint(t, 'workstation@11', 'vm.vmx'), ['W-DRV-BOOT'], 'broken')


def test_many_drives_on_ide(t):
    drives = ''.join(f'<disk type="file" device="cdrom"><target dev="hd{"abcdef"[i]}" bus="ide"/></disk>' for i in range(5))
    xml = '<domain type="kvm"><name>vm</name><memory>1048576</memory><vcpu>1</vcpu><os><type arch="x86_64" machine="pc">hvm</type></os><devices>DRIVES</devices></domain>'
    t.write('vm.xml', xml.replace('DRIVES', drives).encode())
    tap.equal(lint(t, 'libvirt', 'vm.xml', '--strict'), ['I-LEGACY-IDE'], 'broken')
    t.write('vm.xml', xml.replace('DRIVES', drives[:drives.index('hdb')].rpartition('<disk')[0]).encode())
    tap.equal(lint(t, 'libvirt', 'vm.xml'), [], 'clean')


def test_disks_that_are_not_at_hand(t):
    pack(t, target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', 'vm.vmx')
    tap.equal(lint(t, 'workstation', 'vm.vmx', '--no-refs', '--strict', status=3), ['W-UNJUDGED'], 'refused')
    os.remove(t.path('vm-disk1.vmdk'))
    tap.equal(lint(t, 'workstation', 'vm.vmx', status=3), ['E-UNREADABLE'], 'missing')


@tap.rows([
    ('trad with EFI', 'qemu-trad', 'uefi', True),
    ('EFI with a BIOS', 'qemu-upstream-uefi', 'bios', True),
    ('right', 'qemu-upstream-uefi', 'uefi', False),
])
def test_device_model_of_xen(t, model, firmware, broken):
    pack(t, '--firmware', 'efi' if firmware == 'uefi' else 'bios', target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', 'vm.xva')
    text = t.read('vm.xva')[512:].partition(b'\0')[0].decode()
    text = re.sub(r'(<name>device-model</name>\s*<value>)[^<]*', rf'\g<1>{model}', text)
    t.write('ova.xml', text.encode())
    tap.equal('E-XEN-PLATFORM' in lint(t, 'xcp-ng', 'ova.xml', status=3 if broken else 0), broken, 'rules')


@tap.rows([('1.20', '20', False), ('1.21', '21', True)])
def test_version_of_xapi(t, minor, broken):
    pack(t, target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', 's.ova', 'vm.xva')
    text = t.read('vm.xva')[512:].partition(b'\0')[0].decode()
    t.write('ova.xml', re.sub(r'(<name>xapi_minor</name>\s*<value>)[^<]*', rf'\g<1>{minor}', text).encode())
    tap.equal('E-XEN-VERSION' in lint(t, 'xcp-ng', 'ova.xml', status=3 if broken else 0), broken, 'rules')


@tap.rows([('a backup', 'vzdump-qemu-100-2026_01_31-23_59_59.vma', []), ('packed', 'vzdump-qemu-100-2026_01_31-23_59_59.vma.gz', []), ('another name', 'vm.vma', ['E-PVE-VMA'])])
def test_name_of_a_backup(t, name, rules):
    pack(t, target='s.ova')
    t.vmferry('convert', '-q', '--no-sync', '--machine', 'vma', 's.ova', 'x.vma')
    if name.endswith('.gz'):
        t.run('sh', '-c', f'gzip -c x.vma > {name}')
    else:
        os.rename(t.path('x.vma'), t.path(name))
    tap.equal(lint(t, 'proxmox', name, status=3 if rules else 0), rules, 'rules')


# ---- partitions ----

def partitioned(t, *kinds, size=64 * MIB):
    gpt(t.path('a.raw'), size, [(kind, 2048 * i, 2048 * i + 2047) for i, kind in enumerate(kinds, 1)])


def test_tables_are_such_as_sgdisk_writes(t):
    partitioned(t, 'efi', 'bios', 'swap')
    tap.contains(t.run(tap.tool('sgdisk'), '-v', 'a.raw').stdout, 'No problems found')


def mbr(t, kind, active=False, size=64 * MIB):
    sparse(t, 'a.raw', size)
    with open(t.path('a.raw'), 'r+b') as raw:
        raw.seek(446)
        raw.write(struct.pack('<B3sB3sII', 0x80 if active else 0, b'', kind, b'', 2048, 4096))
        raw.seek(510)
        raw.write(b'\x55\xaa')


@tap.rows([
    ('EFI alone, with a BIOS', 'bios', lambda t: partitioned(t, 'efi', 'linux'), True),
    ('EFI alone, with EFI', 'efi', lambda t: partitioned(t, 'efi', 'linux'), False),
    ('both, with a BIOS', 'bios', lambda t: partitioned(t, 'efi', 'bios'), False),
    ('MBR with EFI', 'efi', lambda t: mbr(t, 0x83, True), True),
    ('MBR with a BIOS', 'bios', lambda t: mbr(t, 0x83, True), False),
    ('MBR with an EFI partition', 'efi', lambda t: mbr(t, 0xef), False),
    ('no partitions', 'efi', sparse, False),
])
def test_firmware_fits_the_disk(t, firmware, make, broken):
    make(t)
    t.vmferry('pack', '-q', '--no-sync', '--name', 'vm', '--firmware', firmware, 'a.raw', '-o', 'vm.ova')
    tap.equal('E-FW-MISMATCH' in lint(t, 'esxi', 'vm.ova', status=3 if broken else 0), broken, 'package')
    t.vmferry('convert', '-q', '--no-sync', 'vm.ova', 'vm.vmx')
    tap.equal('E-FW-MISMATCH' in lint(t, 'workstation', 'vm.vmx', status=3 if broken else 0), broken, 'machine')


@tap.rows([
    ('openstack', 'openstack', ['efi'], 'o.qcow2', 'I-OS-PROPS'),
    ('azure', 'azure', ['efi'], 'o.vhd', 'W-AZ-GEN'),
    ('aws', 'aws', ['efi'], 'o.vmdk', 'W-AWS-UEFI'),
    ('swap', 'azure', ['bios', 'swap'], 'o.vhd', 'I-AZ-SWAP'),
    ('LVM', 'azure', ['bios', 'lvm'], 'o.vhd', 'I-AZ-SWAP'),
])
def test_partitions_for_clouds(t, platform, kinds, name, rule):
    partitioned(t, *kinds)
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, 'a.raw', name)
    notes = ['I-OS-RAW'] if platform == 'openstack' else []
    tap.equal(lint(t, platform, name), [rule] + notes, 'broken')
    partitioned(t, 'bios', 'linux')
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, 'a.raw', name)
    tap.equal(lint(t, platform, name), notes, 'clean')


LOADER = 'EFI/BOOT/BOOTX64.EFI'


@tap.rows([
    ('a loader', 16, '12', [LOADER], False),
    ('in small letters', 16, '12', [LOADER.lower()], False),
    ('of 32 bits', 16, '12', ['EFI/BOOT/BOOTIA32.EFI'], False),
    ('behind other folders', 16, '12', [f'EFI/OTHER{i:03}/A' for i in range(70)] + [LOADER], False),
    ('FAT16', 20, '16', [LOADER], False),
    ('FAT32', 40, '32', [LOADER], False),
    ('no loader', 16, '12', [], True),
    ('no loader, FAT16', 20, '16', ['EFI/debian/shimx64.efi'], True),
    ("another system's folder", 40, '32', ['EFI/debian/shimx64.efi', 'EFI/BOOT/readme.txt'], True),
    ('a folder of that name', 16, '12', [LOADER + '/A'], True),
    ('no file system', 16, None, [], False),
])
def test_loader_on_the_efi_system_partition(t, size, bits, files, is_broken):
    gpt(t.path('a.raw'), 64 * MIB, [('efi', 2048, 2048 + size * 2048 - 1)])
    if bits:
        sparse(t, 'esp', size * MIB)
        t.run(tap.tool('mkfs.fat'), '-F', bits, '-s', '1' if bits != '12' else '16', 'esp')
        for name in files:
            os.makedirs(t.path('root/' + os.path.dirname(name)), exist_ok=True)
            t.write('root/' + name, b'MZ')
        if files:
            t.run(tap.tool('mcopy'), '-s', '-i', 'esp', 'root/EFI' if os.path.isdir(t.path('root/EFI')) else 'root/efi', '::')
        t.run('dd', 'if=esp', 'of=a.raw', 'bs=1M', 'seek=1', 'conv=notrunc', 'status=none')
    tap.equal('W-FW-NVRAM' in lint(t, 'aws', 'a.raw'), is_broken, 'rules')


def test_file_systems_that_are_wrong(t):
    """Whatever stands there: no more than a finding comes of it."""
    gpt(t.path('a.raw'), 8 * MIB, [('efi', 2048, 8191)])
    sparse(t, 'esp', 3 * MIB)
    t.run(tap.tool('mkfs.fat'), '-F', '12', 'esp')
    good, noise = t.read('esp'), random.Random(1)
    for _ in range(20):
        esp = bytearray(good)
        for _ in range(noise.randrange(1, 40)):
            esp[noise.choice((noise.randrange(64), noise.randrange(512, 40000)))] = noise.choice((0, 1, 0x55, 0x80, 0xff))
        with open(t.path('a.raw'), 'r+b') as raw:
            raw.seek(MIB)
            raw.write(esp)
        lint(t, 'aws', 'a.raw')


@tap.rows([('EFI alone', ['efi'], True), ('both', ['efi', 'bios'], False)])
def test_features_for_gce(t, kinds, is_broken):
    partitioned(t, *kinds)
    tap.equal('I-GCE-UEFI' in lint(t, 'gce', 'a.raw', status=3), is_broken, 'rules')


def test_large_disk_with_an_mbr(t):
    mbr(t, 0x83, True, 2 * TIB + MIB)
    tap.equal(lint(t, 'aws', 'a.raw'), ['W-AWS-MBR'], 'broken')
    mbr(t, 0x83, True, 2 * TIB)
    tap.equal(lint(t, 'aws', 'a.raw'), [], 'clean')


def test_large_disk_for_xen(t):
    sparse(t, 'a.raw', 2 * TIB)
    tap.equal(lint(t, 'xcp-ng', 'a.raw', status=3), ['E-XEN-VHDMAX'], 'as a VHD')
    sparse(t, 'a.raw', 2 * TIB + MIB)
    tap.equal(lint(t, 'xcp-ng', 'a.raw', status=3), ['E-XEN-VHDMAX', 'W-XEN-4TB'], 'and through Xen Orchestra')


def test_second_table_that_is_not_at_the_end(t):
    partitioned(t, 'bios')
    tap.equal(lint(t, 'aws', 'a.raw'), [], 'clean')
    os.truncate(t.path('a.raw'), 65 * MIB)
    tap.equal(lint(t, 'aws', 'a.raw', '--strict'), ['I-GPT-TAIL'], 'broken')


def test_a_disk_that_was_cut_off(t):
    partitioned(t, 'bios', 'linux')
    os.truncate(t.path('a.raw'), 3 * MIB)
    tap.equal('W-GPT-WRONG' in lint(t, 'aws', 'a.raw'), False, 'no partition is cut')
    os.truncate(t.path('a.raw'), 3 * MIB - 512)
    done = t.vmferry('lint', '--for', 'aws', 'a.raw')
    tap.contains(done.stdout, 'a partition that ends at byte 3145728; accepted: within the disk of 3145216 bytes [W-GPT-WRONG]')
    tap.contains(t.vmferry('convert', '--for', 'azure', 'a.raw', 'a.vhd', status=2).stderr, 'a part of it is missing')


def test_table_that_is_wrong(t):
    partitioned(t, 'bios')
    with open(t.path('a.raw'), 'r+b') as raw:
        raw.seek(1024)
        raw.write(b'\x99')
    tap.equal(lint(t, 'aws', 'a.raw'), ['W-GPT-WRONG'], 'broken')


# ---- disks ----

def test_sectors_of_4096_bytes(t):
    sparse(t)
    t.vmferry('convert', '-q', '--no-sync', '-o', 'logical_sector_size=4096', 'a.raw', 'b.vhdx')
    tap.equal(lint(t, 'hyperv', 'b.vhdx', status=3), ['E-DISK-4K'], 'broken')
    t.vmferry('convert', '-q', '--no-sync', 'a.raw', 'c.vhdx')
    tap.equal(lint(t, 'hyperv', 'c.vhdx'), [], 'clean')


def test_log_that_was_not_written_back(t):
    save(t.path('a.vhdx'), vhdx.logged(OLD_IMAGE, NEW_IMAGE))
    tap.equal('E-HV-LOG' in lint(t, 'hyperv', 'a.vhdx', status=3), True, 'broken')
    t.vmferry('convert', '-q', '--no-sync', '--for', 'hyperv', 'a.vhdx', 'b.vhdx')
    tap.equal(lint(t, 'hyperv', 'b.vhdx'), [], 'clean')


def test_sizes_that_are_rounded(t):
    sparse(t, 'a.raw', 4 * MIB + 512)
    t.vmferry('convert', '-q', '--no-sync', 'a.raw', 'a.vhdx')
    tap.equal(lint(t, 'hyperv', 'a.vhdx', '--strict'), ['I-SIZE-ROUND'], 'broken')


def test_disk_without_its_parent(t):
    sparse(t)
    t.vmferry('convert', '-q', '--no-sync', '-B', 'a.raw', '-F', 'raw', 'a.raw', 'b.qcow2')
    tap.equal(lint(t, 'openstack', 'b.qcow2', status=3), ['E-OS-SAFETY', 'I-OS-RAW'], 'with it')
    os.remove(t.path('a.raw'))
    tap.equal(lint(t, 'openstack', 'b.qcow2', status=3), ['E-CHAIN', 'E-OS-SAFETY', 'I-OS-RAW'], 'without')


def test_scratch_space(t):
    sparse(t)
    t.vmferry('convert', '-q', '--no-sync', 'a.raw', 'a.qcow2')
    tap.equal(lint(t, 'kubevirt', 'a.qcow2', '--strict'), ['I-CDI-SCRATCH'], 'packed')
    tap.equal(lint(t, 'kubevirt', 'a.raw'), [], 'raw')


@tap.rows([('right', lambda data: data, []), ('cut off', lambda data: data[:-512], ['E-VMW-DIGEST']), ('more behind it', lambda data: data + bytes(512), ['E-VMW-DIGEST']), ('within a sector', lambda data: data + b'x', ['E-VMW-DIGEST'])])
def test_end_of_a_stream(t, change, rules):
    sparse(t)
    t.vmferry('convert', '-q', '--no-sync', '--for', 'esxi', 'a.raw', 'a.vmdk')
    t.write('b.vmdk', change(t.read('a.vmdk')))
    done = t.vmferry('lint', '--output=json', '--for', 'esxi', 'b.vmdk', status=None)
    if done.returncode == 2:
        tap.equal(bool(rules), True, 'a stream that cannot be read')
    else:
        tap.equal(sorted({finding['rule'] for finding in json.loads(done.stdout)['findings']}), rules, 'rules')


def test_descriptor_that_virtualbox_does_not_find(t):
    sparse(t)
    t.vmferry('convert', '-q', '--no-sync', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', 'a.raw', 'vm-disk1.vmdk')
    t.write('vm.vbox', b'<VirtualBox xmlns="http://www.virtualbox.org/" version="1.19-linux"><Machine uuid="{d2beb513-5bf6-4327-9a20-75f0e77baa2b}" name="vm" OSType="Other_64"><MediaRegistry><HardDisks><HardDisk uuid="{f137db9a-27d6-468c-9d12-a81d857a730e}" location="vm-disk1.vmdk" format="VMDK" type="Normal"/></HardDisks></MediaRegistry><Hardware><CPU count="1"/><Memory RAMSize="64"/></Hardware><StorageControllers><StorageController name="SATA" type="AHCI" PortCount="1"><AttachedDevice type="HardDisk" port="0" device="0"><Image uuid="{f137db9a-27d6-468c-9d12-a81d857a730e}"/></AttachedDevice></StorageController></StorageControllers></Machine></VirtualBox>')
    tap.equal(lint(t, 'virtualbox', 'vm.vbox'), [], 'clean')
    t.write('vm-disk1.vmdk', b'\n' + t.read('vm-disk1.vmdk'))
    tap.equal(lint(t, 'virtualbox', 'vm.vbox', status=3), ['E-VBX-VMDK'], 'broken')


def test_archive_of_another_form(t):
    sparse(t, 'disk.raw', MIB)
    t.run(tap.tool('tar'), '-Sczf', 'a.tar.gz', '--format=oldgnu', 'disk.raw')
    tap.equal(lint(t, 'gce', 'a.tar.gz', status=3), ['E-GCE-GIB'], 'clean')
    t.run(tap.tool('tar'), '-czf', 'b.tar.gz', '--format=ustar', 'disk.raw')
    tap.equal(lint(t, 'gce', 'b.tar.gz', status=3), ['E-GCE-GIB', 'E-GCE-TAR'], 'broken')


def test_each_rule_has_a_file_that_keeps_it(_):
    lint_judge.check_that_each_is_kept_too()


tap.main(globals())
