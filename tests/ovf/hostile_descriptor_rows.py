# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Hostile descriptors: XML that reaches out or blows up, numbers that lie, references that lead nowhere, files that
unpack to more than they may."""
import hostile_packages as packages
from hostile_package_case import Row, disk_bad, fine, image_bad
from hostile_packages import (CAPACITY, DISK, GOOD, OVF, STREAM_URI, big_descriptor, bomb_ova, descriptor, disk_element,
                              file_element, ova, packed, rasd, with_disk, with_prolog, write_ova, xml, zeros_stream)

TEXT = OVF.decode()
LIMIT = ('limit', 'most', 'large', 'deep', 'many', 'long', 'more than')


def replaced(old, new, count=1):
    assert old in TEXT
    return xml(TEXT.replace(old, new, count))


# ---- XML ----

LOL = ''.join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 12))
DOCTYPES = [Row(f'doctype: {title}', with_prolog(prolog, inside), 'DOCTYPE') for title, prolog, inside in (
    ('alone', '<!DOCTYPE Envelope>', ''), ('of the network', '<!DOCTYPE Envelope SYSTEM "http://127.0.0.1:1/x.dtd">', ''),
    ('public', '<!DOCTYPE Envelope PUBLIC "-//X//Y" "file:///etc/passwd">', ''),
    ('internal entity', '<!DOCTYPE Envelope [<!ENTITY x "y">]>', '&x;'),
    ('external entity', '<!DOCTYPE Envelope [<!ENTITY x SYSTEM "file:///etc/passwd">]>', '&x;'),
    ('external entity beside', '<!DOCTYPE Envelope [<!ENTITY x SYSTEM "secret">]>', '&x;'),
    ('external entity, relative', '<!DOCTYPE Envelope [<!ENTITY x SYSTEM "in/secret">]>', '&x;'),
    ('parameter entity', '<!DOCTYPE Envelope [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>', ''),
    ('billion laughs', f'<!DOCTYPE Envelope [<!ENTITY lol0 "lol">{LOL}]>', '&lol11;'),
    ('quadratic', f'<!DOCTYPE Envelope [<!ENTITY a "{"a" * 100000}">]>', '&a;' * 100000),
    ('attribute defaults', '<!DOCTYPE Envelope [<!ATTLIST File href CDATA "../secret">]>', ''),
    ('behind a comment', '<!-- x --><!DOCTYPE Envelope>', ''),
    ('behind an instruction', '<?x y?><!DOCTYPE Envelope>', ''))]
DOCTYPES += [
    Row('doctype: external entity in a folder', TEXT.replace(
        '<Envelope ', '<!DOCTYPE Envelope [<!ENTITY x SYSTEM "../secret">]><Envelope ', 1).replace(
            '<Name>vm', '<Name>&x;').encode(), 'DOCTYPE', name='p/vm.ovf', files={'p/disk1.vmdk': DISK}),
    Row('doctype: in UTF-16', xml(TEXT.replace('UTF-8', 'UTF-16').replace(
        '<Envelope ', '<!DOCTYPE Envelope><Envelope ', 1).encode('utf-16')), 'DOCTYPE'),
    Row('doctype: in UTF-7', xml(TEXT.replace('UTF-8', 'UTF-7').replace(
        '<Envelope ', '<!DOCTYPE Envelope><Envelope ', 1).encode('utf-7')), ''),
    fine('doctype: in a comment only', replaced('<Name>vm', '<!-- <!DOCTYPE x> --><Name>vm')),
    fine('doctype: in character data only', replaced('<Name>vm', '<Name><![CDATA[<!DOCTYPE x>]]>vm')),
    Row('entity: not declared', replaced('<Name>vm', '<Name>&x;vm'), ('vm.ovf', 'entity')),
]
XI = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
ANY = {'status': (0, 2, 9), 'verify': (0, 2, 3)}
REACHING = [Row(f'xml: {title}', replaced(old, new), '', **ANY) for title, old, new in (
    ('XInclude of text', '<Name>vm', f'<Name><xi:include {XI} href="secret" parse="text"/>vm'),
    ('XInclude of text by a URL', '<Name>vm', f'<Name><xi:include {XI} href="file:///etc/passwd" parse="text"/>vm'),
    ('XInclude of XML', '  <DiskSection>', f'  <xi:include {XI} href="http://127.0.0.1:1/x"/>\n  <DiskSection>'),
    ('schemaLocation', '<Envelope ', '<Envelope xsi:schemaLocation="http://x http://127.0.0.1:1/x.xsd" '),
    ('base of the root', '<Envelope ', '<Envelope xml:base="file:///etc/" '),
    ('style sheet', '<Envelope ', '<?xml-stylesheet href="http://127.0.0.1:1/x"?>\n<Envelope '))]
REACHING += [
    image_bad('xml: base of the references', ova(('vm.ovf', descriptor(
        [file_element('passwd')], references=' xml:base="file:///etc/"')), GOOD[1]), 'passwd'),
    image_bad('xml: base of a file in a folder', descriptor([file_element('secret', more=' xml:base="../"')]), 'secret',
              name='p/vm.ovf', files={'p/disk1.vmdk': DISK}),
]

MILLION = 1000000
SIZES = [
    Row('xml: 100 MB of blanks', big_descriptor(' ', 100 << 20), LIMIT),
    Row('xml: 100 MB in a comment', big_descriptor('c', 100 << 20, '<!--', '-->'), LIMIT),
    Row('xml: 60 MB in one attribute', big_descriptor('a', 60 << 20, '<x a="', '"/>'), '', (0, 2, 9)),
    Row('xml: 60 MB in one text', big_descriptor('a', 60 << 20, '<x>', '</x>'), '', (0, 2, 9)),
    Row('xml: a million elements deep', big_descriptor('<a>', MILLION), LIMIT),
    Row('xml: a thousand elements deep', replaced('<Name>vm', '<a>' * 1000 + '</a>' * 1000 + '<Name>vm'), LIMIT),
    Row('xml: five million attributes', big_descriptor(' x="1"', 5 * MILLION, '<a', '/>'), ''),
    Row('xml: four million attributes with names of their own', lambda path: attributes(4 * MILLION)(path), ''),
    Row('xml: 300000 namespaces', lambda path: attributes(300000, 'xmlns:')(path), '', (0, 2, 9), verify=(0, 2, 3)),
    Row('xml: 50000 attributes', lambda path: attributes(50000)(path), '', (0, 2, 9), verify=(0, 2, 3)),
    Row('xml: five million elements', big_descriptor('<a/>', 5 * MILLION, '<x>', '</x>'), LIMIT),
    Row('xml: eight million comments', big_descriptor('<!---->', 8 * MILLION), LIMIT),
    Row('xml: twelve million instructions', big_descriptor('<?a?>', 12 * MILLION), LIMIT),
    Row('xml: five million character data sections', big_descriptor('<![CDATA[]]>', 5 * MILLION, '<x>', '</x>'), '',
        (0, 2, 9)),
    Row('xml: ten million character references', big_descriptor('&#65;', 10 * MILLION, '<x>', '</x>'), '', (0, 2, 9)),
    Row('xml: a million items', big_descriptor('<Item><a/></Item>', MILLION, '', '', '<Info>Hardware</Info>'), LIMIT),
    Row('xml: 200000 files', big_descriptor('<File ovf:href="disk1.vmdk" ovf:id="x"/>', 200000, '', '',
                                            'ovf:id="file1" ovf:size="' + str(len(DISK)) + '"/>'), '', (0, 2), verify=(2, 3)),
    Row('xml: 200000 disks, each the child of the next', lambda path: disks(200000)(path), '', (0, 2), verify=(2, 3)),
    Row('xml: 100000 nested collections\' ids', big_descriptor('<vmw:x xmlns:vmw="u"/>', 100000), '', (0, 2, 9),
        verify=(0, 2, 3)),
]


def attributes(count, prefix=''):
    """A descriptor with one element that has so many attributes, each with a name of its own."""
    def make(path):
        before, behind = packages.split_descriptor()
        numbered = ' '.join(f'{prefix}a{number}="b"' for number in range(count)).encode()
        write_ova(before + b'<x ', numbered, 1, b'/>' + behind)(path)
    return make


def disks(count):
    def make(path):
        elements = [disk_element(f'd{number}', None, more=f' ovf:parentRef="d{number + 1}"') for number in range(count)]
        write_ova(descriptor(disks=[disk_element(more=' ovf:parentRef="d0"'), *elements], drives=['vmdisk1']), b' ', 1,
                  b'')(path)
    return make


ENCODINGS = [
    fine('xml: Latin-1', xml(TEXT.replace('UTF-8', 'ISO-8859-1').replace('<Name>vm', '<Name>vm\xe4').encode('latin-1'))),
    fine('xml: UTF-16 with a mark', xml(TEXT.replace('UTF-8', 'UTF-16').encode('utf-16'))),
    fine('xml: UTF-16 big-endian with a mark', xml(TEXT.replace('UTF-8', 'UTF-16').encode('utf-16-be')[:0] +
                                                   b'\xfe\xff' + TEXT.replace('UTF-8', 'UTF-16').encode('utf-16-be'))),
    fine('xml: UTF-8 that says UTF-16', replaced('UTF-8', 'utf-16')),
    fine('xml: UTF-8 with a mark', xml(b'\xef\xbb\xbf' + OVF)),
    fine('xml: no declaration', xml(TEXT.split('\n', 1)[1])),
    fine('xml: UTF-8 that is none', xml(OVF.replace(b'<Name>vm', b'<Name>vm\xe4\xff'))),
    Row('xml: an unknown encoding', replaced('UTF-8', 'x-nonesuch'), 'vm.ovf', (0, 2), verify=(0, 2, 3)),
    Row('xml: overlong UTF-8', xml(OVF.replace(b'<Name>vm', b'<Name>\xc0\xae\xc0\xae\xc0\xaf')), '', (0, 2),
        verify=(0, 2, 3)),
    Row('xml: a NUL byte', xml(OVF.replace(b'<Name>vm', b'<Name>v\0m')), 'vm.ovf'),
    Row('xml: a NUL byte in an attribute', xml(OVF.replace(b'disk1.vmdk"', b'disk1.vmdk\0"')), 'vm.ovf'),
    Row('xml: NUL bytes behind the end', xml(OVF + bytes(100)), '', (0, 2), verify=(0, 2, 3)),
    Row('xml: a NUL by reference', replaced('<Name>vm', '<Name>&#0;vm'), 'vm.ovf'),
    Row('xml: cut off', xml(TEXT[:len(TEXT) // 2]), 'vm.ovf'),
    Row('xml: not closed', replaced('</Envelope>', ''), 'vm.ovf'),
    Row('xml: two roots', xml(TEXT + '<x/>'), 'vm.ovf'),
    Row('xml: half of UTF-16', xml(TEXT.replace('UTF-8', 'UTF-16').encode('utf-16')[:-101]), 'vm.ovf'),
    Row('xml: the same attribute twice', replaced('ovf:id="file1"', 'ovf:id="file1" ovf:id="file2"'), 'vm.ovf'),
    Row('xml: a prefix that is not declared', replaced('<Name>vm</Name>', '<Name>vm</Name><zz:x/>'), '', (0, 2, 9),
        verify=(0, 2, 3)),
    Row('xml: no envelope', xml('<?xml version="1.0"?><x/>'), ('Envelope', 'x')),
    Row('xml: another namespace', xml(TEXT.replace('ovf/envelope/1', 'ovf/envelope/3')), 'envelope/3', (2, 9), verify=(1, 2)),
    Row('xml: no namespace', xml('<?xml version="1.0"?><Envelope><References/></Envelope>'), '', (2, 9), verify=(1, 2)),
    fine('xml: control characters in names are told safely', replaced('<Name>vm', '<Name>&#x85;&#x9b;31m&#x202e;vm')),
    fine('xml: format characters', replaced('<Name>vm', '<Name>%n%s%99999999d')),
]

# ---- what the standard says must be honoured ----

def strange(required, where='sections'):
    """A section that nobody knows, in the envelope or in the system."""
    section = f'    <v:StrangeSection xmlns:v="urn:x"{required}><Info>x</Info></v:StrangeSection>\n'
    return ova(('vm.ovf', descriptor(**{where: section})), GOOD[1])


ENCRYPTED = ('  <EncryptionSection><Info>x</Info><xenc:EncryptedKey xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"/>'
             '</EncryptionSection>\n')
REQUIRED = [Row(f'required: {title}', package, 'Strange', 9, info=0, verify=(0, 3), disk=0) for title, package in (
    ('a section of the envelope', strange(' ovf:required="true"')), ('a section that does not say', strange('')),
    ('a section of a system', strange(' ovf:required="1"', 'system')))]
REQUIRED += [
    fine('required: a section that need not be', strange(' ovf:required="false"')),
    fine('required: a section of a system that need not be', strange(' ovf:required="0"', 'system')),
    Row('required: an encrypted package', ova(('vm.ovf', descriptor(sections=ENCRYPTED)), GOOD[1]), 'ncrypt', 9,
        info=(0, 2, 9), disk=(0, 2, 9), verify=(0, 2, 3)),
]

# ---- references, disks ----


def files(*elements, disks=None, more=()):
    return ova(('vm.ovf', descriptor(list(elements), disks)), GOOD[1], *more)


REFERENCES = [
    Row('file: two of one id', files(file_element(), file_element('x'), more=[('x', b'x')]), 'file1', (0, 2), verify=(2, 3)),
    Row('file: two of one id and name', files(file_element(), file_element()), '', (0, 2), verify=(2, 3)),
    Row('file: one name twice', files(file_element(), file_element(identity='file2')), 'disk1.vmdk', (0, 2), verify=(2, 3)),
    Row('file: one name twice, by escapes', files(file_element(), file_element('disk%31.vmdk', 'file2')), '', (0, 2),
        verify=(2, 3)),
    Row('file: one name twice, but for case', files(file_element(), file_element('DISK1.vmdk', 'file2')), '', (0, 2),
        verify=(2, 3)),
    Row('file: the descriptor itself', files(file_element(), file_element('vm.ovf', 'file2')), '', (0, 2), verify=(0, 2, 3)),
    Row('file: the manifest', files(file_element(), file_element('vm.mf', 'file2'), more=[('vm.mf', b'')]), '', (0, 2, 8),
        verify=(0, 2, 3)),
    image_bad('file: not there, but no disk', files(file_element(), file_element('gone.iso', 'file2')), 'gone.iso', disk=0),
    Row('file: without an id', files(file_element(), '<File ovf:href="x"/>', more=[('x', b'x')]), '', (0, 2),
        verify=(0, 2, 3)),
    Row('file: without a name', files(file_element(), '<File ovf:id="x"/>'), '', (0, 2), verify=(2, 3)),
    Row('file: 70000 characters of name', files(file_element('x' * 70000)), '', info=(0, 2)),
]
REFERENCES += [Row(f'file: its size is said to be {title}', with_disk('disk1.vmdk', DISK, size=size), f'says {size}', (0, 2),
                   verify=(2, 3), says=('convert', 'unpack'))
               for title, size in (('less', 512), ('more', len(DISK) + 1), ('2^63', 1 << 63), ('2^64 - 1', (1 << 64) - 1))]
REFERENCES += [Row(f'file: its size is said to be {title}', with_disk('disk1.vmdk', DISK, size=size), '', 0, verify=(0, 2, 3))
               for title, size in (('-1', -1), ('0', 0), ('nothing', ''))]
REFERENCES += [Row(f'file: its size is said to be {title}', with_disk('disk1.vmdk', DISK, size=size), '', (0, 2),
                   verify=(0, 2, 3)) for title, size in (('2^64 + a bit', (1 << 64) + len(DISK)), ('letters', 'large'),
                                                         ('1e4', '1e4'))]

DISKS = [Row(f'disk: its capacity is {title}', with_disk('disk1.vmdk', DISK, capacity=capacity, disk=more), '', (0, 2),
             verify=(2, 3)) for title, capacity, more in (
                 ('0', 0, ''), ('-1', -1, ''), ('2^64', 1 << 64, ''), ('2^80', 1 << 80, ''), ('letters', 'large', ''),
                 ('nothing', '', ''), ('1.5', '1.5', ''), ('too small', CAPACITY // 2, ''),
                 ('a property that is not there', '${size}', ''),
                 ('in units of 2^1000', 1, ' ovf:capacityAllocationUnits="byte * 2^1000"'),
                 ('in units of 2^-1', 1, ' ovf:capacityAllocationUnits="byte * 2^-1"'),
                 ('in units that overflow', 1 << 40, ' ovf:capacityAllocationUnits="byte * 2^40"'),
                 ('in units of nothing', 1, ' ovf:capacityAllocationUnits="byte * 0"'),
                 ('in a long product', 1, f' ovf:capacityAllocationUnits="byte{" * 1024" * 10000}"'),
                 ('in apples', 1, ' ovf:capacityAllocationUnits="apples"'))]
DISKS += [
    Row('disk: its capacity is 2^63 - 1', with_disk('disk1.vmdk', DISK, capacity=(1 << 63) - 1), 'capacity', (0, 2),
        verify=(0, 2, 3), says=('verify',)),
    Row('disk: a file that is not there', ova(('vm.ovf', descriptor(disks=[disk_element(file_ref='nofile')])), GOOD[1]),
        'nofile', (2,), info=(0, 2), verify=(2, 3), disk=(1, 2)),
    Row('disk: two of one id', files(file_element(), disks=[disk_element(), disk_element(file_ref=None)]), '', (0, 2),
        verify=(2, 3)),
    Row('disk: two of one file', files(file_element(), disks=[disk_element(), disk_element('vmdisk2')]), '', (0, 2),
        verify=(0, 3)),
    disk_bad('disk: its own parent', with_disk('disk1.vmdk', DISK, disk=' ovf:parentRef="vmdisk1"'), ('parent', 'loop'),
        verify=(2, 3)),
    disk_bad('disk: its parent\'s parent', files(file_element(), file_element('x', 'file2'), disks=[
        disk_element(more=' ovf:parentRef="vmdisk2"'),
        disk_element('vmdisk2', 'file2', more=' ovf:parentRef="vmdisk1"')], more=[('x', DISK)]), ('parent', 'loop'),
             verify=(2, 3)),
    Row('disk: its parent is empty', files(file_element(), disks=[
        disk_element(more=' ovf:parentRef="vmdisk2"'), disk_element('vmdisk2', None)]), 'vmdisk2', (0, 2), verify=(0, 2, 3)),
    disk_bad('disk: its parent is not there', with_disk('disk1.vmdk', DISK, disk=' ovf:parentRef="gone"'), 'gone',
             verify=(2, 3)),
    disk_bad('disk: its parent is a file', with_disk('disk1.vmdk', DISK, disk=' ovf:parentRef="file1"'), 'file1',
             verify=(2, 3)),
    Row('disk: is said to be another format', with_disk(
        'disk1.vmdk', DISK, uri='http://www.gnome.org/~markmc/qcow-image-format.html'), '', (0, 2), verify=(0, 2, 3)),
    Row('disk: populatedSize beyond capacity', with_disk('disk1.vmdk', DISK, disk=f' ovf:populatedSize="{CAPACITY + 1}"'), '',
        0, verify=3),
    Row('system: a disk that is not there', ova(('vm.ovf', descriptor(drives=['vmdisk1', 'gone'])), GOOD[1]), 'gone', (0, 2),
        verify=(2, 3)),
    Row('system: one instance twice', ova(('vm.ovf', OVF.replace(b'InstanceID>4<', b'InstanceID>3<')), GOOD[1]), '',
        (0, 2), verify=(2, 3)),
    Row('system: items that are each other\'s parents', ova(('vm.ovf', descriptor().replace(
        rasd(3, 6, 'SCSI', ResourceSubType='lsilogic').encode(),
        rasd(3, 6, 'SCSI', ResourceSubType='lsilogic', Parent=10).encode())), GOOD[1]), '', (0, 2), verify=(0, 2, 3)),
    Row('system: 2^64 CPUs', ova(('vm.ovf', OVF.replace(b'Quantity>1<', b'Quantity>18446744073709551616<')), GOOD[1]), '',
        (0, 2), verify=(0, 2, 3)),
    Row('system: none', ova(('vm.ovf', b'<Envelope xmlns="%b"><References/></Envelope>' % packages.OVF_1.encode()),), '',
        (0, 1, 2), disk=(1, 2), verify=(2, 3)),
]

# ---- compression ----

GZ = ' ovf:compression="gzip"'
RAW_URI = 'urn:raw'
COMPRESSION = [
    fine('gzip: as it should be', with_disk('disk1.vmdk.gz', packed(DISK), GZ)),
    fine('gzip: in two members', with_disk('disk1.vmdk.gz', packed(DISK[:5000]) + packed(DISK[5000:]), GZ)),
    fine('gzip: identity', with_disk('disk1.vmdk', DISK, ' ovf:compression="identity"')),
    disk_bad('gzip: cut off', with_disk('disk1.vmdk.gz', packed(DISK)[:-500], GZ), 'disk1.vmdk.gz'),
    disk_bad('gzip: cut off in the trailer', with_disk('disk1.vmdk.gz', packed(DISK)[:-3], GZ), 'disk1.vmdk.gz'),
    disk_bad('gzip: wrong checksum', with_disk('disk1.vmdk.gz', packed(DISK)[:-8] + bytes(4) + packed(DISK)[-4:], GZ),
              'disk1.vmdk.gz'),
    disk_bad('gzip: wrong length', with_disk('disk1.vmdk.gz', packed(DISK)[:-4] + bytes(4), GZ), 'disk1.vmdk.gz'),
    disk_bad('gzip: damaged', with_disk('disk1.vmdk.gz', packed(DISK)[:600] + b'\xff' * 20 + packed(DISK)[620:], GZ),
              'disk1.vmdk.gz'),
    disk_bad('gzip: only a header', with_disk('disk1.vmdk.gz', packed(DISK)[:10], GZ), 'disk1.vmdk.gz'),
    disk_bad('gzip: nothing', with_disk('disk1.vmdk.gz', b'', GZ), 'disk1.vmdk.gz'),
    disk_bad('gzip: of an endless name', with_disk('disk1.vmdk.gz', b'\x1f\x8b\x08\x08' + bytes(6) + b'n' * (4 << 20), GZ),
              'disk1.vmdk.gz'),
    Row('gzip: but it is not', with_disk('disk1.vmdk', DISK, GZ), 'disk1.vmdk', (0, 2), verify=(0, 2, 3)),
    Row('gzip: twice', with_disk('disk1.vmdk.gz', packed(packed(DISK)), GZ), '', (2, 9), info=(0, 2), convert=(0, 2, 9),
        unpack=(0, 2, 9), verify=(2, 3)),
    Row('gzip: rubbish behind it', with_disk('disk1.vmdk.gz', packed(DISK) + b'rubbish', GZ), '', (0, 2), verify=(0, 2, 3)),
]
COMPRESSION += [disk_bad(f'gzip: a bomb of 20 GiB, {title}', bomb_ova(
    descriptor([file_element('disk1.vmdk.gz', more=GZ)], [disk_element(uri=uri, capacity=capacity)]), 'disk1.vmdk.gz',
    stream), 'disk1.vmdk.gz') for title, uri, capacity, stream in (
        ('one stream, a small VMDK', STREAM_URI, CAPACITY, zeros_stream(20 << 10)),
        ('one stream, a small raw disk', RAW_URI, 1 << 20, zeros_stream(20 << 10)),
        ('many streams, a small raw disk', RAW_URI, 1 << 20, (b'', packed(bytes(16 << 20)), 1280, b'')))]
COMPRESSION += [Row(f'compression: {name}', with_disk('disk1.vmdk', DISK, f' ovf:compression="{name}"'), name, 9,
                    info=(0, 9), unpack=(0, 9), verify=(2, 3)) for name in ('bzip2', 'xyz', 'GZIP2')]
COMPRESSION += [Row('compression: a long name', with_disk('disk1.vmdk', DISK, f' ovf:compression="{"x" * 100000}"'), 'xxx', 9,
                    info=(0, 9), unpack=(0, 9), verify=(2, 3))]


ROWS = DOCTYPES + REACHING + SIZES + ENCODINGS + REQUIRED + REFERENCES + DISKS + COMPRESSION
