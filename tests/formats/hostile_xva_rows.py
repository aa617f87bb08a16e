# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""XVA: what its text, its members and their order may not be."""
import tarfile

import xva_maker as xva
from hostile_case import Row

SIZE = 3 * 4096 + 512
DATA = bytes(range(256)) * (SIZE // 256)
PARTS = [DATA[at:at + 4096] for at in range(0, SIZE, 4096)]
DISK = xva.Disk('Ref:7', SIZE, name='root')
OTHER = xva.Disk('Ref:8', 4096, name='data', device='1')
GOOD = [xva.chunk(f'Ref:7/{index:08}', part) for index, part in enumerate(PARTS)]
SECOND = xva.chunk('Ref:8/00000000', b'x' * 4096)
ONE = ('convert', '-O', 'raw', '{}::Ref:7', 'out.raw')
HUGE = '9' * 30


def text(*disks, **options):
    return xva.member('ova.xml', xva.ova(disks or [DISK], **options))


def archive(*parts, head=None, end=xva.END):
    return (text() if head is None else head) + b''.join(parts) + end


def row(title, image, part, status=2, **more):
    return Row('XVA ' + title, image, part, status, **dict({'name': 'x.xva'}, **more))


def sized(size, **more):
    """A disk whose virtual_size is that text."""
    return archive(*GOOD, head=text(xva.Disk('Ref:7', size), **more))


def named(ref, data=b'x' * SIZE):
    disk = xva.Disk(ref, len(data))
    return archive(xva.chunk(f'{ref}/00000000', data), head=text(disk))


def renamed(index, name):
    """The chunk of that index under another name."""
    return archive(*GOOD[:index], xva.chunk(name, PARTS[index]), *GOOD[index + 1:])


def checked(digest, suffix=None):
    """The second chunk has that checksum."""
    return archive(GOOD[0], xva.chunk('Ref:7/00000001', PARTS[1], digest, suffix), *GOOD[2:])


def header(name, size, data=b''):
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT) + data


def negative(name):
    block = bytearray(header(name, 0))
    block[124:136] = b'\xff' * 12
    block[148:156] = b' ' * 8
    block[148:156] = b'%06o\0 ' % sum(block)
    return bytes(block)


def bomb():
    entities = ''.join(f'<!ENTITY {chr(98 + i)} "{"&" + chr(97 + i) + ";" * 1}{"&" + chr(97 + i) + ";"}">' for i in range(9))
    return f'<!DOCTYPE value [<!ENTITY a "aaaa">{entities}]><value>&j;</value>'.encode()


def raw_text(content):
    return archive(*GOOD, head=xva.member('ova.xml', content))


PAX = xva.member('PaxHeaders/x', b'30 mtime=1350244992.023960108\n', type=tarfile.XHDTYPE)
PAX_PATH = xva.member('PaxHeaders/x', b'23 path=Ref:7/00000009\n', type=tarfile.XHDTYPE)
LONG = xva.member('././@LongLink', b'Ref:7/00000001\0', type=tarfile.GNUTYPE_LONGNAME)
LINK = xva.member('Ref:7/00000001', type=tarfile.SYMTYPE, linkname='/etc/passwd')


def extended(index, extra=PAX):
    """The chunk of that index, with extended headers in front of its checksum."""
    name = f'Ref:7/{index:08}'
    return xva.member(name, PARTS[index]) + extra + xva.member(name + '.xxhash', xva.xxhash(PARTS[index]))


ROWS = [
    row('that is good', archive(*GOOD), '', 0, guest=DATA),
    row('with SHA-1', archive(*(xva.chunk(f'Ref:7/{i:08}', part, xva.sha1(part)) for i, part in enumerate(PARTS))), '', 0, guest=DATA),
    row('with both kinds of checksums', checked(xva.sha1(PARTS[1])), '', 0, guest=DATA),
    row('with checksums in the other case', checked(xva.xxhash(PARTS[1]).lower()), '', 0, guest=DATA),
    # ova.xml
    row('without ova.xml', archive(*GOOD, head=b''), '', (2, 9)),
    row('without ova.xml, which is named', archive(*GOOD, head=b''), 'the first member is "Ref:7/00000000", expected ova.xml',
        command=('convert', '-f', 'xva', '-O', 'raw', '{}', 'out.raw')),
    row('with ova.xml in the middle', archive(GOOD[0], text(), *GOOD[1:], head=b''), 'expected ova.xml',
        command=('convert', '-f', 'xva', '-O', 'raw', '{}', 'out.raw')),
    row('of nothing but the end', bytes(10240), 'has no ova.xml', command=('convert', '-f', 'xva', '-O', 'raw', '{}', 'out.raw')),
    row('with an empty ova.xml', raw_text(b''), 'ova.xml'),
    row('with ova.xml of 4 GiB', header('ova.xml', 1 << 32, b'<value>'), 'it is cut off'),
    row('with ova.xml of 17 MiB', lambda path: open(path, 'wb').write(xva.member('ova.xml', b' ' * (17 << 20))), 'accepted are 16777216'),
    row('with an entity bomb', raw_text(bomb()), 'DOCTYPE'),
    row('with a deep tree', raw_text(b'<value><struct>' * 2000), ''),
    row('that is no XML-RPC', raw_text(b'<Envelope/>'), 'starts with the element "Envelope", expected "value"'),
    row('of 2006', raw_text(b'<appliance version="0.1"><vm name="x"><label>y</label></vm></appliance>'), 'of the old form', 9),
    row('with a NUL in ova.xml', raw_text(xva.ova([DISK]).replace(b'Ref:7', b'Ref\0:7')), 'ova.xml'),
    row('without objects', raw_text(xva.value({'version': {'export_vsn': 2}}).encode()), 'tells of no objects'),
    row('with export_vsn 0', archive(*GOOD, head=text(export_vsn=0)), 'export_vsn is "0", expected 1 or 2', 9),
    row('with export_vsn 3', archive(*GOOD, head=text(export_vsn=3)), 'export_vsn is "3", expected 1 or 2', 9),
    row('with export_vsn 1 and its table', archive(*GOOD, xva.member('checksum.xml', b'<value/>'), head=text(export_vsn=1)), '', 0, guest=DATA),
    row('with an object without id', archive(head=xva.member('ova.xml', xva.value(
        {'version': {'export_vsn': 2}, 'objects': [{'class': 'VDI'}]}).encode())), 'ova.xml:1: an object without its class, id or snapshot'),
    row('with two disks of one id', archive(*GOOD, head=text(DISK, xva.Disk('Ref:7', 512))), 'two objects have the id "Ref:7"'),
    *(row(f'with a size of {size!r}', sized(size), f'virtual_size is "{str(size).strip()[:40]}", expected bytes')
      for size in ('-1', '0', '', 'many', '12.5', '0x1000', '+4', HUGE, '1e9')),
    row('with a size of 2^63', sized(1 << 63), 'ends at its byte 12800 of 9223372036854775808'),
    row('with a disk larger than its chunks', sized(SIZE + 1), 'ends at its byte 12800 of 12801'),
    row('with a disk smaller than its chunks', sized(4096), 'is behind the end of the disk (4096 bytes)'),
    row('with a disk that ends in its last chunk', sized(SIZE - 100), '', 0, guest=DATA[:-100], warns=True),
    # ids, which are names of folders
    *(row(f'with the id {ref!r}', named(ref), 'which can be no name of a folder') for ref in ('../x', '/x', 'a/b', '.', '..', 'x' * 65, 'a\\b')),
    row('without a disk', archive(head=text(xva.Disk('Ref:7', SIZE, kind='CD'))), 'has 0 disks; name one as x.xva::DISK', 1),
    # numbers
    *(row(f'with the chunk {name!r}', renamed(1, name), 'is no chunk of a disk') for name in (
        'Ref:7/+0000001', 'Ref:7/-0000001', 'Ref:7/0000001', 'Ref:7/0000000a', 'Ref:7/' + '0' * 30 + '1', 'Ref:7/000000001', 'Ref:7/',
        'Ref:7/00000001/x', 'other', 'Ref:7/ 0000001')),
    row('with a chunk of another disk', renamed(1, 'Ref:6/00000001'), 'is of a disk that ova.xml does not tell of'),
    row('with numbers that go down', archive(GOOD[0], xva.chunk('Ref:7/00000002', PARTS[1]), xva.chunk('Ref:7/00000001', PARTS[2]), GOOD[3]),
        'comes behind number 2, expected are numbers that grow'),
    row('with a number twice', archive(GOOD[0], GOOD[1], xva.chunk('Ref:7/00000001', PARTS[2]), GOOD[3]), 'comes behind number 1'),
    row('whose gap wraps', renamed(3, 'Ref:7/' + '9' * 15), 'is behind the end of the disk'),
    row('whose gap goes beyond the end', renamed(3, 'Ref:7/00000004'), 'is behind the end of the disk (12800 bytes)'),
    row('without its first chunk', archive(*GOOD[1:]), 'expected number 0'),
    row('without its last chunk', archive(*GOOD[:3]), 'ends at its byte 12288 of 12800'),
    row('with an empty chunk in place of the last', archive(*GOOD[:3], xva.chunk('Ref:7/00000004')), 'ends at its byte 12288 of 12800'),
    row('with an empty chunk far behind the end', archive(*GOOD[:3], xva.chunk('Ref:7/' + '9' * 8)), 'ends at its byte 12288 of 12800'),
    row('without any chunk', archive(), 'of disk Ref:7 there is no data in the archive'),
    row('without a chunk in the middle', archive(*GOOD[:1], *GOOD[2:]), '', 0, guest=PARTS[0] + bytes(4096) + b''.join(PARTS[2:])),
    row('with an empty first chunk', archive(xva.chunk('Ref:7/00000000'), *GOOD[1:]), 'has no data: its length is that of all'),
    row('with a chunk of 1 GiB', archive(header('Ref:7/00000000', 1 << 30)), 'it is cut off'),
    row('with a chunk of 17 MiB', lambda path: open(path, 'wb').write(archive(
        xva.chunk('Ref:7/00000000', bytes(17 << 20)), head=text(xva.Disk('Ref:7', 17 << 20)))), 'accepted are 16777216'),
    row('with a short chunk in the middle', archive(GOOD[0], xva.chunk('Ref:7/00000001', PARTS[1][:700]), xva.chunk('Ref:7/00000002', DATA[4796:8892]),
                                                    xva.chunk('Ref:7/00000003', DATA[8892:])), '', 0, guest=DATA),
    row('with an empty chunk in the middle', archive(GOOD[0], GOOD[1], xva.chunk('Ref:7/00000002'), xva.chunk('Ref:7/00000003', PARTS[2]),
                                                     xva.chunk('Ref:7/00000004', PARTS[3])), '', 0, guest=DATA),
    row('with an empty chunk of a wrong checksum', archive(GOOD[0], xva.chunk('Ref:7/00000001', b'', b'0' * 16), *GOOD[2:]),
        'its checksum at byte', ),
    # checksums
    row('with a wrong checksum', checked(b'0' * 16), 'is damaged: its checksum is ' + xva.xxhash(PARTS[1]).decode().lower()),
    row('with a wrong SHA-1', checked(b'0' * 40), 'is damaged: its checksum is ' + xva.sha1(PARTS[1]).decode()),
    row('with a checksum that is no number', checked(b'x' * 16), 'holds "xxxxxxxxxxxxxxxx", expected hexadecimal digits'),
    row('with a checksum of 15 digits', checked(b'0' * 15, '.xxhash'), 'has 15 bytes, expected 16 digits'),
    row('with a SHA-1 that is called xxhash', checked(b'0' * 40, '.xxhash'), 'has 40 bytes, expected 16 digits'),
    row('with a checksum of another kind', checked(b'0' * 16, '.md5'), 'expected Ref:7/00000001.xxhash or Ref:7/00000001.checksum'),
    row('without a checksum', archive(GOOD[0], xva.member('Ref:7/00000001', PARTS[1]), *GOOD[2:]), 'a chunk without its checksum is not read'),
    row('without the last checksum', archive(*GOOD[:3], xva.member('Ref:7/00000003', PARTS[3])), 'expected is its checksum'),
    row('without the last checksum and the end', archive(*GOOD[:3], xva.member('Ref:7/00000003', PARTS[3]), end=b''), 'it is cut off'),
    row('with a checksum before its chunk', archive(GOOD[0], xva.member('Ref:7/00000001.xxhash', xva.xxhash(PARTS[1])), GOOD[1], *GOOD[2:]),
        'is no chunk of a disk'),
    row('with the checksum of another chunk', archive(GOOD[0], xva.member('Ref:7/00000001', PARTS[1]) + xva.member(
        'Ref:7/00000002.xxhash', xva.xxhash(PARTS[1])), *GOOD[2:]), 'expected Ref:7/00000001.xxhash'),
    # several disks
    row('of two disks', archive(*GOOD, SECOND, head=text(DISK, OTHER)), '', 0, command=ONE, guest=DATA),
    row('of two disks of which none is named', archive(*GOOD, SECOND, head=text(DISK, OTHER)), 'name one as x.xva::DISK', 1),
    row('of disks that take turns', archive(*GOOD[:2], SECOND, *GOOD[2:], head=text(DISK, OTHER)), 'ends at its byte 8192 of 12800', command=ONE),
    row('of a disk that comes again', archive(*GOOD, SECOND, GOOD[3], head=text(DISK, OTHER)), 'comes behind chunks of another disk', command=ONE),
    row('of a disk whose other did not come', archive(*GOOD, head=text(DISK, OTHER)), 'of disk Ref:8 there is no data', 0, command=ONE, guest=DATA,
        warns=True),
    row('that is listed', archive(head=text(DISK, OTHER)), '', 0, command=('info', '-f', 'xva', '{}'), names=''),
    # the archive
    row('without its end', archive(*GOOD, end=b''), 'the zeros are missing that end a tar archive', 0, guest=DATA, warns=True),
    row('with one block of zeros', archive(*GOOD, end=bytes(512)), '', 0, guest=DATA),
    row('with a block that is cut', archive(*GOOD, end=b'x' * 100), 'in a tar header: it is cut off'),
    row('with something behind its end', archive(*GOOD, end=bytes(1024) + b'x' * 512), 'something else than zeros comes behind it'),
    row('cut in a chunk', archive(*GOOD)[:-3000], 'it is cut off'),
    row('with a size beyond 2^63', archive(GOOD[0], b'Ref:7/00000001'.ljust(512, b'\0')), 'tar header'),
    row('with times in extended headers', archive(GOOD[0], PAX, GOOD[1], *GOOD[2:]), '', 0, guest=DATA),
    row('with times in front of a checksum', archive(GOOD[0], extended(1), *GOOD[2:]), '', 0, guest=DATA),
    row('with extended headers of 3 KiB in front of a checksum', archive(GOOD[0], extended(1, PAX * 3), *GOOD[2:]), '', 0, guest=DATA),
    row('with more extended headers in front of a checksum', archive(GOOD[0], extended(1, PAX * 4), *GOOD[2:]), 'accepted are 3072', 2),
    row('with a name in an extended header of a checksum', archive(GOOD[0], extended(1, PAX_PATH), *GOOD[2:]), 'another name or size', 9),
    row('with an extended header of a checksum at the end', archive(*GOOD[:3], xva.member('Ref:7/00000003', PARTS[3]), PAX, end=b''),
        'it is cut off'),
    row('with an extended header and no checksum', archive(GOOD[0], xva.member('Ref:7/00000001', PARTS[1]), PAX, *GOOD[2:]),
        'a chunk without its checksum is not read'),
    row('with a name in an extended header', archive(GOOD[0], PAX_PATH, GOOD[1], *GOOD[2:]), 'another name or size', 9),
    row('with a long name', archive(GOOD[0], LONG, GOOD[1], *GOOD[2:]), 'another name or size', 9),
    row('with a negative size', archive(GOOD[0], negative('Ref:7/00000001'), *GOOD[2:]), 'tar header'),
    row('with a link', archive(GOOD[0], LINK, *GOOD[2:]), 'only regular files are accepted'),
    row('with a sum that is wrong', archive(GOOD[0], b'\xff' + GOOD[1][1:], *GOOD[2:]), 'tar header'),
]
