# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Descriptors that are made for a machine: valid against the DMTF's schema files (VMFERRY_OVF_XSD, skipped where they
are not there), every value read back by another parser, and what the consumers ask for as assertions."""
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ET

import tap

PROGRAM = os.path.join(os.environ.get('VMFERRY_BUILD', str(tap.SOURCE / 'build')), 'tests/ovf/compose_machine')
CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_'
RASD, VSSD = CIM + 'ResourceAllocationSettingData', CIM + 'VirtualSystemSettingData'
SASD, EPASD = CIM + 'StorageAllocationSettingData', CIM + 'EthernetPortAllocationSettingData'
VMW = 'http://www.vmware.com/schema/ovf'
OVF = {'1.0': 'http://schemas.dmtf.org/ovf/envelope/1', '1.1': 'http://schemas.dmtf.org/ovf/envelope/1',
       '2.0': 'http://schemas.dmtf.org/ovf/envelope/2'}
SCHEMAS = {'1': ['1.0.0-openovf/ovf-envelope.xsd', '1.1.0-vcd/ovf1.1/dsp8023_1.1.0.xsd', '1.1.1-xo/dsp8023_1.1.1.xsd'],
           '2': ['2.0.1-itchy/dsp8023_2.0.1.xsd']}
STREAM = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized'
MIB = 1 << 20


def disk(name='vm-disk1.vmdk', size=70144, capacity=1 << 30, populated=65536, uri=STREAM):
    return f'disk={name}|{uri}|{size}|{capacity}|{populated}'


def disks(count):
    return [disk(f'vm-disk{number}.vmdk') for number in range(1, count + 1)]


def compose(t, *arguments, status=0):
    done = t.run(PROGRAM, *arguments, status=status)
    return done.stdout if status == 0 else done.stderr


class Descriptor:
    """A descriptor as the standard's words have it: the version decides the namespaces, nothing else."""

    def __init__(self, text, version='1.1'):
        self.ovf = '{%s}' % OVF[version]
        self.root = ET.fromstring(text.encode())
        tap.equal(self.root.tag, self.ovf + 'Envelope')

    def all(self, path, parent=None):
        return (self.root if parent is None else parent).findall('/'.join(self.ovf + part for part in path.split('/')))

    def text(self, path):
        found = self.all(path)
        tap.equal(len(found), 1, path)
        return found[0].text

    def attribute(self, element, name):
        return element.get(self.ovf + name)

    def hardware(self):
        return self.all('VirtualSystem/VirtualHardwareSection')[0]

    def items(self):
        """Every item: {child: text} with its element's name as 'element'; the prefix must fit the element."""
        spaces = {'Item': RASD, 'StorageItem': SASD, 'EthernetPortItem': EPASD}
        for element in self.hardware():
            name = element.tag.removeprefix(self.ovf)
            if name in spaces:
                children = [child.tag.removeprefix('{%s}' % spaces[name]) for child in element]
                tap.equal([child for child in children if '{' in child], [], 'children of another namespace')
                tap.equal(children, sorted(children), 'order of the children')
                yield dict(zip(children, [child.text for child in element]), element=name)

    def typed(self, *types):
        return [item for item in self.items() if int(item['ResourceType']) in types]

    def config(self):
        return {element.get('{%s}key' % VMW): element.get('{%s}value' % VMW)
                for element in self.hardware().findall('{%s}Config' % VMW)}


def schema_folder():
    folder = pathlib.Path(os.environ.get('VMFERRY_OVF_XSD', tap.SOURCE / '../shared/ovf-xsd'))
    if not folder.is_dir():
        raise tap.Skip('no folder of schema files')
    return folder.resolve()


def validate(t, text, version):
    folder, xmllint = schema_folder(), tap.tool('xmllint')
    path = t.write('vm.ovf', text.encode())
    for schema in SCHEMAS[version[0]]:
        catalog = folder / schema.split('/')[0] / 'catalog.xml'
        t.run(xmllint, '--nonet', '--noout', '--schema', folder / schema, path, env={'XML_CATALOG_FILES': str(catalog)})


MACHINES = [
    ('the least', [disk()]),
    ('no disk', []),
    ('no network card', [disk(), 'nic=none']),
    ('everything', [
        'name=All of it', 'cpus=4', f'memory={4096 * MIB}', 'os=windows2019srv-64', 'firmware=efi', 'secure_boot=true',
        'hardware=vmx-14 vmx-15', 'product=P', 'vendor=V', 'version=1.2', 'full_version=1.2.3-4', 'property=host=a',
        'property=port:uint16=80', 'eula=One\n\ttwo', 'eula=Three', 'annotation=Line 1\nline 2', 'nic=VmxNet3|A|',
        'nic=E1000e|B|00:50:56:01:02:03', 'nic=||', 'nic=virtio|A|', 'nic=PCNet32||', *disks(3),
        'controller=sata', 'controller=nvme', 'controller=ide']),
    ('an operating system without a VMware name', [disk(), 'os=AIX']),
    ('bios', [disk(), 'firmware=bios']),
    ('virtualbox', [disk(), 'hardware=virtualbox-2.2', 'controller=sata']),
    ('xen', [disk(), 'hardware=xen-3']),
    ('product only', [disk(), 'product=P']),
    ('vendor only', [disk(), 'vendor=V']),
    ('property only', [disk(), 'property=a=']),
    ('annotation only', [disk(), 'annotation=']),
    ('a disk of unknown content', [disk().rsplit('|', 1)[0]]),
    ('raw', [disk(uri='raw')]),
    ('vhd', [disk(uri='http://www.microsoft.com/technet/virtualserver/downloads/vhdspec.mspx')]),
    ('60 SCSI disks', disks(60)),
    ('an odd file name', [disk('a b%#?:ü<>&"\'.vmdk'), 'name=x']),
    *[('controller ' + kind, [*disks(2), 'controller=' + kind])
      for kind in ('lsilogic', 'lsilogicsas', 'pvscsi', 'buslogic', 'sata', 'nvme', 'ide')],
]
HOSTILE = ['"quoted" \'single\'', '<b>&amp;</b>', ']]>', '<!-- x -->', 'ünï © 日本 𝔘', 'x' * 300, ' blanks ', '%s%n%d', '{}$',
           '-', '.', '_', '3rd', '日本', '--', 'a\u2028b', '&#10;']
VERSIONED = [(f'{name}, {version}', arguments, version) for name, arguments in
             MACHINES + [('named ' + ascii(name)[:40], [f'name={name}', disk()]) for name in HOSTILE]
             for version in OVF]


@tap.rows(VERSIONED)
def test_the_schema_is_content(t, arguments, version):
    validate(t, compose(t, f'ovf_version={version}', *arguments), version)


@tap.rows(VERSIONED)
def test_our_own_rules_are_content(t, arguments, version):
    """But for what was asked for: a version and a family that not everybody takes, a form without a name."""
    found = {line.split(':')[0] for line in t.run(PROGRAM, f'ovf_version={version}', *arguments).stderr.splitlines()}
    expected = {'version-readers'} if version == '2.0' else set()
    if {'hardware=virtualbox-2.2', 'hardware=xen-3'} & set(arguments):
        expected.add('system-family')
    if any('ü' in argument for argument in arguments if argument.startswith('disk=')):
        expected.add('name-characters')
    tap.equal(found, expected)


@tap.rows([(version, version) for version in OVF])
def test_a_machine_with_everything_is_valid(t, version):
    """Of our own rules: what VMware's TPM, and a version that not everybody takes, are asked for."""
    done = t.run(pathlib.Path(PROGRAM).parent / 'compose_full', version)
    validate(t, done.stdout, version)
    found = {line.split(':')[0] for line in done.stderr.splitlines()}
    tap.equal(found, {'version-readers'} if version == '2.0' else set(), done.stderr)


@tap.rows(VERSIONED)
def test_consumers_are_content(t, arguments, version):
    """What they ask for, see the table of consumers in the facts of the format."""
    text = compose(t, f'ovf_version={version}', *arguments)
    tap.equal(text.split('\n', 1)[0], '<?xml version="1.0" encoding="UTF-8"?>')
    found = Descriptor(text, version)
    # oVirt: attributes have the prefix "ovf" literally; ovftool: no element of 2.0 in 1.x
    tap.equal(re.findall(r'<(?:File|Disk|Network|VirtualSystem) [^>]*\b(?<!ovf:)(?:id|href|diskId|name)=', text), [])
    tap.equal(version == '2.0', any(item['element'] != 'Item' for item in found.items()) or
              (version == '2.0' and not found.typed(10, 17)))
    order = [['Item', 'EthernetPortItem', 'StorageItem'].index(item['element']) for item in found.items()]
    tap.equal(order, sorted(order), 'order of the items')
    # VirtualBox: one exact unit, attributes of disks; virt-v2v: InstanceID an integer, and once
    memory, = found.typed(4)
    tap.equal(memory['AllocationUnits'], 'byte * 2^20')
    tap.equal(len(found.typed(3)), 1)
    ids = [int(item['InstanceID']) for item in found.items()]
    tap.equal(len(set(ids)), len(ids), 'ids that are used once')
    tap.equal(ids and min(ids), 1, 'the smallest id')
    for element in found.all('DiskSection/Disk'):
        for name in ('diskId', 'fileRef', 'capacity', 'format'):
            assert found.attribute(element, name), name
        assert re.fullmatch(r'[A-Za-z0-9]+', found.attribute(element, 'diskId'))
        assert re.fullmatch(r'[0-9]+', found.attribute(element, 'capacity'))
        tap.equal(found.attribute(element, 'capacityAllocationUnits'), 'byte')
    for element in found.all('References/File'):
        tap.equal(element.get(found.ovf + 'compression'), None)
        assert re.fullmatch(r'[A-Za-z0-9]+', found.attribute(element, 'id'))
    # every disk stands behind its controller, at a place of its own
    controllers = {item['InstanceID']: item for item in found.typed(5, 6, 20)}
    places = [(item['Parent'], item['AddressOnParent']) for item in found.typed(17)]
    tap.equal(len(set(places)), len(places), 'places that are used once')
    assert {parent for parent, _ in places} <= set(controllers), 'parents that are no controllers'
    tap.equal({item['ResourceType'] for item in found.items()} - {'3', '4', '5', '6', '10', '17', '20'}, set(),
              'devices that nobody asked for')
    tap.equal({item.get('ResourceSubType') for item in found.typed(20)} -
              {'vmware.sata.ahci', 'vmware.nvme.controller'}, set(), 'subtypes that VirtualBox does not know')
    # ESXi: every connection is a network of the NetworkSection
    networks = [found.attribute(element, 'name') for element in found.all('NetworkSection/Network')]
    tap.equal(len(set(networks)), len(networks), 'networks that are told once')
    tap.equal({item['Connection'] for item in found.typed(10)}, set(networks))
    assert re.fullmatch(r'[A-Za-z_][A-Za-z0-9._-]{0,63}', found.attribute(found.all('VirtualSystem')[0], 'id'))
    tap.equal([element.get(found.ovf + 'required') for element in found.hardware().findall('{%s}Config' % VMW)],
              ['false'] * len(found.config()))


def test_the_defaults(t):
    found = Descriptor(compose(t, disk('small.vmdk')))
    tap.equal(found.text('VirtualSystem/Name'), 'small')
    tap.equal(found.attribute(found.all('VirtualSystem')[0], 'id'), 'small')
    system = found.all('VirtualSystem/VirtualHardwareSection/System')[0]
    tap.equal([child.text for child in system], ['Virtual Hardware Family', '0', 'small', 'vmx-13'])
    os_section = found.all('VirtualSystem/OperatingSystemSection')[0]
    tap.equal((found.attribute(os_section, 'id'), os_section.get('{%s}osType' % VMW)), ('102', 'otherGuest64'))
    tap.equal([(item['ResourceType'], item.get('ResourceSubType')) for item in found.items()],
              [('3', None), ('4', None), ('6', 'lsilogic'), ('17', None), ('10', 'E1000')])
    tap.equal(found.typed(3)[0]['VirtualQuantity'], '1')
    tap.equal(found.typed(4)[0]['VirtualQuantity'], '1024')
    tap.equal(found.typed(10)[0]['Connection'], 'VM Network')
    tap.equal(found.config(), {})
    tap.equal(found.hardware().get(found.ovf + 'transport'), None)
    tap.equal(found.all('VirtualSystem/ProductSection'), [])


@tap.rows([(version, version) for version in OVF])
def test_every_value_is_found_again(t, version):
    arguments = dict(MACHINES)['everything']
    found = Descriptor(compose(t, f'ovf_version={version}', *arguments), version)
    system = 'VirtualSystem/'
    tap.equal(found.text(system + 'Name'), 'All of it')
    tap.equal(found.attribute(found.all('VirtualSystem')[0], 'id'), 'All_of_it')
    tap.equal(found.typed(3)[0]['VirtualQuantity'], '4')
    tap.equal(found.typed(4)[0]['VirtualQuantity'], '4096')
    tap.equal(found.config(), {'firmware': 'efi', 'bootOptions.efiSecureBootEnabled': 'true'})
    tap.equal(found.hardware().find(found.ovf + 'System/{%s}VirtualSystemType' % VSSD).text, 'vmx-14 vmx-15')
    os_section = found.all(system + 'OperatingSystemSection')[0]
    tap.equal(found.attribute(os_section, 'id'), '121')
    tap.equal(os_section.get('{%s}osType' % VMW), 'windows2019srv_64Guest')
    tap.equal(found.text(system + 'OperatingSystemSection/Description'), 'Windows Server 2019 (64-bit)')
    tap.equal([found.text(system + 'ProductSection/' + name) for name in ('Product', 'Vendor', 'Version', 'FullVersion')],
              ['P', 'V', '1.2', '1.2.3-4'])
    tap.equal([[found.attribute(element, name) for name in ('key', 'type', 'value', 'userConfigurable')]
               for element in found.all(system + 'ProductSection/Property')],
              [['host', 'string', 'a', 'true'], ['port', 'uint16', '80', 'true']])
    tap.equal(found.hardware().get(found.ovf + 'transport'), 'com.vmware.guestInfo iso')
    tap.equal([element.text for element in found.all(system + 'EulaSection/License')], ['One\n\ttwo', 'Three'])
    tap.equal(found.text(system + 'AnnotationSection/Annotation'), 'Line 1\nline 2')
    tap.equal([(item['ResourceSubType'], item['Connection'], item.get('Address')) for item in found.typed(10)],
              [('VmxNet3', 'A', None), ('E1000e', 'B', '00:50:56:01:02:03'), ('E1000', 'VM Network', None),
               ('virtio', 'A', None), ('PCNet32', 'VM Network', None)])
    tap.equal([(item['ResourceType'], item.get('ResourceSubType'), item['Address']) for item in found.typed(5, 6, 20)],
              [('20', 'vmware.sata.ahci', '0'), ('20', 'vmware.nvme.controller', '0'), ('5', None, '0')])
    tap.equal([item['HostResource'] for item in found.typed(17)], [f'ovf:/disk/vmdisk{n}' for n in (1, 2, 3)])
    tap.equal([item['Parent'] for item in found.typed(17)], ['3', '4', '5'])


def test_a_disk_is_told_to_the_byte(t):
    found = Descriptor(compose(t, disk('a.vmdk', 70145, (1 << 30) + 512, 65537), disk('b.vmdk', 1, 2 ** 63, 0),
                               disk('c.vmdk', 2 ** 63, 1).rsplit('|', 1)[0],
                               disk('d.vmdk', 0, 512, 1024)))
    tap.equal([[found.attribute(element, name) for name in ('id', 'href', 'size')] for element in
               found.all('References/File')],
              [['file1', 'a.vmdk', '70145'], ['file2', 'b.vmdk', '1'], ['file3', 'c.vmdk', str(2 ** 63)],
               ['file4', 'd.vmdk', None]])
    tap.equal([[found.attribute(element, name) for name in ('diskId', 'fileRef', 'capacity', 'populatedSize', 'format')]
               for element in found.all('DiskSection/Disk')],
              [['vmdisk1', 'file1', str((1 << 30) + 512), '65537', STREAM],
               ['vmdisk2', 'file2', str(2 ** 63), '0', STREAM], ['vmdisk3', 'file3', '1', None, STREAM],
               ['vmdisk4', 'file4', '512', '512', STREAM]])


@tap.rows([(kind, kind, most, units) for kind, most, units in (
    ('lsilogic', 4, [*range(7), *range(8, 16)]), ('sata', 4, [*range(30)]), ('nvme', 4, [*range(15)]), ('ide', 2, [0, 1]))])
def test_controllers_fill_one_after_the_other(t, kind, most, units):
    room = len(units) * most
    found = Descriptor(compose(t, f'controller={kind}', *disks(room)))
    tap.equal([item['Address'] for item in found.typed(5, 6, 20)], [str(number) for number in range(most)])
    for number in range(most):
        tap.equal([int(item['AddressOnParent']) for item in found.typed(17) if item['Parent'] == str(3 + number)],
                  units, f'controller {number}')
    tap.contains(compose(t, f'controller={kind}', *disks(room + 1), status=1), 'too many disks')


def test_scsi_kinds_share_their_four(t):
    kinds = ('lsilogic', 'pvscsi', 'lsilogicsas', 'buslogic')
    found = Descriptor(compose(t, *['controller=' + kind for kind in kinds], *disks(4)))
    tap.equal([(item['ResourceSubType'], item['Address']) for item in found.typed(6)],
              [('lsilogic', '0'), ('VirtualSCSI', '1'), ('lsilogicsas', '2'), ('buslogic', '3')])
    tap.contains(compose(t, *['controller=' + kind for kind in kinds], *disks(4 + 15), status=1), 'too many disks')


def test_a_disk_joins_the_controller_of_its_kind(t):
    found = Descriptor(compose(t, 'controller=sata', 'controller=lsilogic', 'controller=sata', *disks(4)))
    tap.equal([(item['Parent'], item['AddressOnParent']) for item in found.typed(17)],
              [('3', '0'), ('4', '0'), ('3', '1'), ('3', '2')])


@tap.rows([(ascii(name)[:40], name) for name in HOSTILE])
def test_text_is_found_as_it_was(t, name):
    found = Descriptor(compose(t, disk(), f'name={name}', f'product={name}', f'vendor={name}', f'version={name}',
                               f'annotation={name}', f'eula={name}', f'nic=|{name}|', f'property=key={name}'))
    system = 'VirtualSystem/'
    for path in ('Name', 'ProductSection/Product', 'ProductSection/Vendor', 'ProductSection/Version',
                 'AnnotationSection/Annotation', 'EulaSection/License'):
        tap.equal(found.text(system + path), name, path)
    tap.equal(found.attribute(found.all('NetworkSection/Network')[0], 'name'), name)
    tap.equal(found.attribute(found.all(system + 'ProductSection/Property')[0], 'value'), name)
    tap.equal(found.hardware().find(found.ovf + 'System/{%s}VirtualSystemIdentifier' % VSSD).text, name)


def test_lines_and_tabs_survive(t):
    text = 'a\tb\r\nc\n\n d\r'
    found = Descriptor(compose(t, disk(), f'annotation={text}', f'property=k={text}'))
    tap.equal(found.text('VirtualSystem/AnnotationSection/Annotation'), text)
    tap.equal(found.attribute(found.all('VirtualSystem/ProductSection/Property')[0], 'value'), text)


@tap.rows([('a blank', 'My disk.vmdk', 'My%20disk.vmdk'), ('percent', '100%.vmdk', '100%25.vmdk'),
           ('a colon', 'a:b.vmdk', 'a%3Ab.vmdk'), ('UTF-8', 'ü.vmdk', '%C3%BC.vmdk'), ('plain', "a-b_c~(1),+@!$'*;=.vmdk",
                                                                                      "a-b_c~(1),+@!$'*;=.vmdk"),
           ('query', 'a?b#c.vmdk', 'a%3Fb%23c.vmdk'), ('brackets', '[a]\\.vmdk', '%5Ba%5D%5C.vmdk')])
def test_file_names_become_uris(t, name, href):
    found = Descriptor(compose(t, 'name=x', disk(name)))
    tap.equal(found.attribute(found.all('References/File')[0], 'href'), href)


def test_the_same_machine_gives_the_same_bytes(t):
    arguments = dict(MACHINES)['everything']
    tap.equal(compose(t, *arguments), compose(t, *arguments))


def test_nothing_is_asked_of_the_locale(t):
    arguments = [disk(), 'property=r:real32=1.5']
    tap.equal(compose(t, *arguments), t.run(PROGRAM, *arguments, env={'LC_ALL': 'de_DE.UTF-8'}).stdout)


WRONG = [
    ('version', ['ovf_version=1.2'], '1.0, 1.1 and 2.0'),
    ('version 2', ['ovf_version=2'], '1.0, 1.1 and 2.0'),
    ('processors', ['cpus=1025'], '1 to 1024'),
    ('memory not in steps', [f'memory={1023 * MIB}'], '4 MiB'),
    ('memory in bytes', ['memory=1024'], '4 MiB'),
    ('memory too much', [f'memory={2 ** 51}'], '2 PiB'),
    ('operating system', ['os=plan9'], 'plan9'),
    ('firmware', ['firmware=coreboot'], 'bios and efi'),
    ('secure bios', ['firmware=bios', 'secure_boot=true'], 'not bios'),
    ('family', ['hardware=vmx'], 'vmx-04'),
    ('family 0', ['hardware=vmx-0'], 'vmx-04'),
    ('family 100', ['hardware=vmx-100'], 'vmx-04'),
    ('family with more', ['hardware=vmx-13x'], 'vmx-04'),
    ('family in a list', ['hardware=vmx-13 foobar'], 'vmx-04'),
    ('no family', ['hardware= '], 'vmx-13'),
    ('old for secure boot', ['hardware=vmx-11', 'secure_boot=true'], 'vmx-13'),
    ('old for efi', ['hardware=vmx-07', 'firmware=efi'], 'vmx-08'),
    ('old for NVMe', ['hardware=vmx-12', 'controller=nvme'], 'vmx-13'),
    ('old for SATA', ['hardware=vmx-09', 'controller=sata'], 'vmx-10'),
    ('old for E1000e', ['hardware=vmx-07', 'nic=e1000e||'], 'vmx-08'),
    ('controller', ['controller=virtio'], 'lsilogicsas, pvscsi'),
    ('more controllers than disks', ['controller=sata', 'controller=ide'], 'one for each'),
    ('network card', ['nic=rtl8139||'], 'PCNet32'),
    ('eleven network cards', ['nic=||'] * 11, 'at most 10'),
    ('a short MAC', ['nic=||00:50:56:00:00'], 'no MAC address'),
    ('a long MAC', ['nic=||00:50:56:00:00:00:01'], 'no MAC address'),
    ('a mixed MAC', ['nic=||00:50-56:00:00:01'], 'no MAC address'),
    ('a MAC of letters', ['nic=||zz:50:56:00:00:01'], 'no MAC address'),
    ('a MAC with a sign', ['nic=||00:50:56:00:00:+1'], 'no MAC address'),
    ('a multicast MAC', ['nic=||01:50:56:00:00:01'], 'no single card'),
    ('a MAC of zeros', ['nic=||000000000000'], 'no single card'),
    ('a MAC twice', ['nic=||005056000001', 'nic=||00-50-56-00-00-01'], 'twice'),
    ('no name', ['name='], 'empty'),
    ('a name of two lines', ['name=a\nb'], '0x0a'),
    ('a name with an escape', ['name=a\x1b[1m'], '0x1b'),
    ('a name with C1', ['name=a\u0085'], '0x85'),
    ('a name with FFFE', ['name=a\ufffe'], '0xfffe'),
    ('a licence with a form feed', ['eula=a\fb'], '0x0c'),
    ('a network of two lines', ['nic=|a\nb|'], '0x0a'),
    ('a key with a blank', ['property=a b=c'], 'no blanks'),
    ('a key with markup', ['property=a<b=c'], 'no blanks'),
    ('no key', ['property==c'], 'a key is accepted'),
    ('no key but a type', ['property=:string=c'], 'a key is accepted'),
    ('a key twice', ['property=a=b', 'property=a:string=c'], 'twice'),
    ('an unknown type', ['property=a:int=1'], 'sint64'),
    ('too much for its type', ['property=a:uint8=256'], 'not of this type'),
    ('too little for its type', ['property=a:sint8=-129'], 'not of this type'),
    ('a negative number', ['property=a:uint32=-1'], 'not of this type'),
    ('beyond 64 bits', ['property=a:uint64=18446744073709551616'], 'not of this type'),
    ('no number', ['property=a:uint32='], 'not of this type'),
    ('a number and more', ['property=a:sint32=1x'], 'not of this type'),
    ('a number with a blank', ['property=a:sint32= 1'], 'not of this type'),
    ('no boolean', ['property=a:boolean=yes'], 'not of this type'),
    ('no real', ['property=a:real32=nan'], 'not of this type'),
    ('a hexadecimal real', ['property=a:real64=0x1p3'], 'not of this type'),
    ('a value with a control character', ['property=a=\x07'], '0x07'),
]


@tap.rows(WRONG)
def test_a_wrong_value_is_refused(t, arguments, part):
    tap.contains(compose(t, disk(), *arguments, status=1), part)


def test_a_disk_without_capacity_is_refused(t):
    tap.contains(compose(t, disk('x.vmdk', capacity=0), status=1), 'x.vmdk')


@tap.rows([(ascii(data), data) for data in
           (b'a\xff', b'\xc3', b'\xc0\x80', b'\xe0\x9f\xbf', b'\xf0\x8f\xbf\xbf', b'\xed\xa0\x80', b'\xf4\x90\x80\x80',
            b'\xe2\x82', b'\x80', b'\xf8\x88\x80\x80\x80')])
def test_what_is_not_utf8_is_refused(t, data):
    done = subprocess.run([PROGRAM.encode(), b'name=' + data, disk().encode()], capture_output=True, check=False)
    tap.equal(done.returncode, 1, 'exit status')
    tap.contains(done.stderr.decode(errors='replace'), 'not UTF-8')


@tap.rows([('uint8', 'uint8', '255'), ('sint8', 'sint8', '-128'), ('uint64', 'uint64', '18446744073709551615'),
           ('sint64', 'sint64', '-9223372036854775808'), ('real32', 'real32', '-1.5e3'), ('boolean', 'boolean', 'false'),
           ('string', 'string', ''), ('zero', 'uint16', '0')])
def test_typed_properties(t, kind, value):
    found = Descriptor(compose(t, disk(), f'property=a.b:{kind}={value}'))
    element, = found.all('VirtualSystem/ProductSection/Property')
    tap.equal([found.attribute(element, name) for name in ('key', 'type', 'value')], ['a.b', kind, value])


@tap.rows([(given, given, written) for given, written in (
    ('vmx-8', 'vmx-08'), ('vmx-08,vmx-10', 'vmx-08 vmx-10'), (' virtualbox-2.2 ', 'virtualbox-2.2'),
    ('xen-3.0', 'xen-3.0'), ('VMX-13', None))])
def test_families(t, given, written):
    if not written:
        compose(t, disk(), f'hardware={given}', status=1)
        return
    found = Descriptor(compose(t, disk(), f'hardware={given}'))
    tap.equal(found.hardware().find(found.ovf + 'System/{%s}VirtualSystemType' % VSSD).text, written)


if __name__ == '__main__':
    tap.main(globals())
