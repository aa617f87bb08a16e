# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""convert --for PLATFORM from a package to a package: only what the platform does not take is changed in the descriptor, and told; all other bytes stay."""
import difflib
import json
import os
import re
import tarfile

import tap

MIB = 1 << 20


def package(t, *arguments, change=lambda text: text, disks=1):
    """vm.ovf with what packages of VirtualBox have: a comment, elements of its own, tabs."""
    for i in range(disks):
        with open(t.path(f'{i}.raw'), 'wb') as raw:
            raw.truncate(4 * MIB)
    t.vmferry('pack', '-q', '--name', 'vm', *arguments, *(f'{i}.raw' for i in range(disks)), '-o', 'vm.ovf')
    text = t.read('vm.ovf').decode().replace('</VirtualSystem>', '\t<!-- kept -->\n<x:Own xmlns:x="urn:own" ovf:required="false"  x:a = \'1\' ><x:b>&#65;</x:b></x:Own></VirtualSystem>')
    t.write('vm.ovf', change(text).encode())
    os.remove(t.path('vm.mf'))


def descriptor(t, name):
    with tarfile.open(t.path(name)) as archive:
        return archive.extractfile(archive.getmembers()[0]).read().decode()


def changes(t, platform, *arguments):
    """Lines that went, and lines that came; and what the report tells to be another."""
    t.vmferry('convert', '--losses=l.json', '--for', platform, *arguments, 'vm.ovf', 'out.ova')
    new = descriptor(t, 'out.ova')
    lines = list(difflib.ndiff(t.read('vm.ovf').decode().splitlines(), new.rstrip().splitlines()))
    told = {field['field']: field for field in json.loads(t.read('l.json'))['fields'] if field['outcome'] != 'kept'}
    t.vmferry('verify', '-q', 'out.ova')
    t.vmferry('lint', '-q', '--for', platform, 'out.ova')
    return [line[2:].strip() for line in lines if line[0] == '-'], [line[2:].strip() for line in lines if line[0] == '+'], told


def test_only_the_family(t):
    package(t, '--hardware', 'virtualbox-2.2')
    gone, came, told = changes(t, 'esxi')
    tap.equal((gone, came), (['<vssd:VirtualSystemType>virtualbox-2.2</vssd:VirtualSystemType>'], ['<vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType>']), 'lines')
    tap.equal(told, {}, 'losses')


@tap.rows([('to one that swaps its fields', 'vmx-10', '276c4d56-ea96-0712-6f11-223344556677'), ('among those that do', 'vmx-14', '564d6c27-96ea-1207-6f11-223344556677')])
def test_the_uuid_that_the_guest_prints_stays(t, hardware, uuid):
    """VMware prints the first three fields of the same octets in another order from vmx-13 on."""
    setting = '<vmw:Config ovf:required="false" vmw:key="uuid" vmw:value="564d6c27-96ea-1207-6f11-223344556677"/></VirtualHardwareSection>'
    package(t, '--hardware', hardware, change=lambda text: text.replace('</VirtualHardwareSection>', setting))
    told = changes(t, 'esxi@6.5')[2]
    tap.contains(descriptor(t, 'out.ova'), f'vmw:key="uuid" vmw:value="{uuid}"')
    tap.equal('uuid' in told, False)


def test_nothing_where_all_is_taken(t):
    package(t)
    gone, came, told = changes(t, 'workstation')
    tap.equal((gone, came, told), ([], [], {}), 'lines')


# what the descriptor has, platform, what stands there then, fields that are told
ROWS = [
    ('words of VirtualBox', r'lsilogic(</rasd:ResourceSubType>\s*<rasd:ResourceType>)6', r'AHCI\g<1>20', 'esxi', '<rasd:ResourceSubType>vmware.sata.ahci</rasd:ResourceSubType>', []),
    ('a controller that VMware has not', r'lsilogic(</rasd:ResourceSubType>\s*<rasd:ResourceType>)6', r'virtio-scsi\g<1>20', 'esxi', '<rasd:ResourceSubType>vmware.sata.ahci</rasd:ResourceSubType>', ['disks[0].bus']),
    ('one that an old host has not', r'lsilogic(</rasd:ResourceSubType>\s*<rasd:ResourceType>)6', r'vmware.nvme.controller\g<1>20', 'esxi@6.0', '<rasd:ResourceSubType>vmware.sata.ahci</rasd:ResourceSubType>', ['disks[0].bus']),
    ('one that VirtualBox has not', '>lsilogic<', '>VirtualSCSI<', 'virtualbox', '<rasd:ResourceType>20</rasd:ResourceType>', ['disks[0].bus']),
    ('a card', '>E1000<', '>virtio<', 'esxi', '<rasd:ResourceSubType>E1000e</rasd:ResourceSubType>', ['nics[0].model']),
    ('a card for VirtualBox', '>E1000<', '>VmxNet3<', 'virtualbox', '<rasd:ResourceSubType>E1000</rasd:ResourceSubType>', ['nics[0].model']),
    ('memory', r'(<rasd:AllocationUnits>)byte \* 2\^20', r'\1byte * 1024 * 1024', 'virtualbox', '<rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>', []),
]


@tap.rows([(row[0], *row[1:]) for row in ROWS])
def test_devices(t, pattern, replacement, platform, line, fields):
    package(t, change=lambda text: re.sub(pattern, replacement, text))
    tap.equal(re.search(pattern, t.read('vm.ovf').decode()) is None, True, 'changed')
    gone, came, told = changes(t, platform)
    tap.contains(came, line)
    kept = descriptor(t, 'out.ova')
    tap.contains(kept, '\t<!-- kept -->\n<x:Own xmlns:x="urn:own" ovf:required="false"  x:a = \'1\' ><x:b>&#65;</x:b></x:Own></VirtualSystem>')
    for field in fields:
        tap.contains(told[field]['why'], 'needs a driver')
    tap.equal(bool(told), bool(fields), 'losses')


def test_a_limit_of_memory_goes_with_its_unit(t):
    package(t, change=lambda text: re.sub(r'(<rasd:AllocationUnits>)byte \* 2\^20([\s\S]*?)(\s*<rasd:ResourceType>)', r'\1byte * 2^21\2<rasd:Limit>2048</rasd:Limit>\3', text))
    changes(t, 'virtualbox')
    tap.equal(re.findall(r'<rasd:(?:Limit|VirtualQuantity)>(\d+)', descriptor(t, 'out.ova'))[-2:], ['4096', '2048'])


def test_ide_has_no_word_at_vmware(t):
    package(t, '--controller', 'ide', change=lambda text: re.sub(r'(<rasd:ResourceType>)5<', r'<rasd:ResourceSubType>PIIX4</rasd:ResourceSubType>\g<0>', text))
    gone, came, told = changes(t, 'esxi')
    tap.equal('PIIX4' in descriptor(t, 'out.ova'), False, 'word')
    tap.equal([field for field in told if field.startswith('disks')], [], 'drives')


SOUND = '<Item><rasd:ElementName>sound</rasd:ElementName><rasd:InstanceID>90</rasd:InstanceID><rasd:ResourceSubType>ensoniq1371</rasd:ResourceSubType><rasd:ResourceType>35</rasd:ResourceType></Item></VirtualHardwareSection>'


def test_a_place_that_the_other_bus_has_not(t):
    """Unit 7 of SCSI is the controller itself: the machine is described anew."""
    package(t, '--controller', 'sata', '--hardware', 'vmx-10', change=lambda text: text.replace('<rasd:AddressOnParent>0<', '<rasd:AddressOnParent>7<'))
    told = changes(t, 'esxi@5.0')[2]
    tap.equal(re.findall(r'AddressOnParent>(\d+)<', descriptor(t, 'out.ova')), ['0'], 'unit')
    tap.contains(told['disks[0].bus']['why'], 'needs a driver')


def test_controllers_keep_apart(t):
    package(t, '--controller', 'lsilogic', '--controller', 'sata', '--hardware', 'vmx-10', disks=2)
    changes(t, 'esxi@5.0')
    tap.equal(re.findall(r'<rasd:Address>(\d+)<', descriptor(t, 'out.ova')), ['0', '1'], 'numbers')


def test_sound_is_not_required(t):
    package(t, change=lambda text: text.replace('</VirtualHardwareSection>', SOUND))
    tap.contains(t.vmferry('lint', '--for', 'esxi', 'vm.ovf', status=3).stdout, 'E-VMW-DEVICE')
    changes(t, 'esxi')
    tap.contains(descriptor(t, 'out.ova'), '<Item ovf:required="false"><rasd:ElementName>sound')


def test_serial_port_is_not_required(t):
    package(t, change=lambda text: text.replace('</VirtualHardwareSection>', SOUND.replace('35', '21')))
    changes(t, 'virtualbox')
    tap.contains(descriptor(t, 'out.ova'), '<Item ovf:required="false"><rasd:ElementName>sound')


def test_order_of_booting_beside_efi(t):
    package(t, '--firmware', 'efi', change=lambda text: text.replace('</VirtualSystem>', '<vmw:BootOrderSection vmw:instanceId="8" vmw:type="disk"><Info>x</Info></vmw:BootOrderSection></VirtualSystem>'))
    changes(t, 'esxi')
    tap.equal('BootOrderSection' in descriptor(t, 'out.ova'), False, 'section')


def test_strict_refuses_another_driver(t):
    package(t, change=lambda text: text.replace('>lsilogic<', '>VirtualSCSI<'))
    done = t.vmferry('convert', '--strict', '--losses=l.json', '--for', 'virtualbox', 'vm.ovf', 'out.ova', status=2)
    tap.contains(done.stderr, 'nothing may be lost')
    tap.equal('out.ova' in t.names(), False, 'target')
    tap.contains(t.read('l.json').decode(), 'disks[0].bus')


def test_dry_run_tells_and_writes_nothing(t):
    package(t, '--hardware', 'virtualbox-2.2', change=lambda text: text.replace('>E1000<', '>virtio<'))
    t.vmferry('convert', '--dry-run', '--losses=l.json', '--for', 'esxi', 'vm.ovf', 'out.ova')
    tap.contains(t.read('l.json').decode(), 'nics[0].model')
    tap.equal('out.ova' in t.names(), False, 'target')


def test_all_machines_of_a_collection(t):
    package(t, '--hardware', 'virtualbox-2.2')
    text = t.read('vm.ovf').decode()
    start, end = text.index('<VirtualSystem '), text.index('</VirtualSystem>') + len('</VirtualSystem>')
    one = text[start:end]
    both = one.replace('ovf:id="vm"', 'ovf:id="a"') + one.replace('ovf:id="vm"', 'ovf:id="b"')
    t.write('vm.ovf', (text[:start] + '<VirtualSystemCollection ovf:id="all"><Info>x</Info>' + both + '</VirtualSystemCollection>' + text[end:]).encode())
    t.vmferry('convert', '-q', '--for', 'esxi', 'vm.ovf', 'out.ova')
    tap.equal(re.findall('<vssd:VirtualSystemType>([^<]*)<', descriptor(t, 'out.ova')), ['vmx-13', 'vmx-13'], 'families')


def test_a_signature_does_not_pretend(t):
    package(t, '--hardware', 'virtualbox-2.2')
    t.run(tap.tool('openssl'), 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'k.pem', '-out', 'c.pem', '-subj', '/CN=x', '-days', '9')
    t.vmferry('convert', '-q', '--sign', 'k.pem', '--cert', 'c.pem', 'vm.ovf', 'signed.ova')
    done = t.vmferry('convert', '--for', 'esxi', 'signed.ova', 'out.ova')
    tap.contains(done.stderr, 'signature')
    with tarfile.open(t.path('out.ova')) as archive:
        tap.equal([name for name in archive.getnames() if name.endswith('.cert')], [], 'certificate')


def test_what_cannot_be_fitted_is_described_anew(t):
    """A network that is not listed: the composed descriptor lists it."""
    package(t, change=lambda text: re.sub('<rasd:Connection>[^<]*', '<rasd:Connection>nowhere', text))
    t.vmferry('convert', '-q', '--for', 'esxi', 'vm.ovf', 'out.ova')
    tap.contains(descriptor(t, 'out.ova'), '<Network ovf:name="nowhere">')
    t.vmferry('lint', '-q', '--for', 'esxi', 'out.ova')


tap.main(globals())
