# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of evidence (E01): what their segments, sections, tables and chunks may not be."""
import struct
import sys
import zlib

import tap
from hostile_case import CHECK, Row
from hostile_images import LARGE, little, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_ewf as ewf  # pylint: disable=wrong-import-position

PLAIN = ewf.image(LARGE)
TOP32, TOP = 0xffffffff, (1 << 64) - 1
FIRST, SECOND = ewf.HEADER, PLAIN.index(b'volume'.ljust(16, b'\0'))
DONE = len(PLAIN) - ewf.SECTION
MEANT = ('convert', '-f', 'ewf', '-O', 'raw', '{}', 'out.raw')


def row(title, pokes, part, status=2, image=PLAIN, **more):
    return Row('E01 ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.E01'}, **more))


def resum(start, length):
    """Makes the checksum behind [start, start + length) right again."""
    def poke(image):
        image[start + length:start + length + 4] = struct.pack('<I', zlib.adler32(image[start:start + length]))
    return poke


def section(title, at, field, value, part, status=2, **more):
    return row(title, [little(at + field, 8, value), resum(at, 72)], part, status, **more)


def volume(title, at, width, value, part, status=2, **more):
    start = SECOND + ewf.SECTION
    return row(title, [little(start + at, width, value), resum(start, ewf.VOLUME - 4)], part, status, **more)


def made(change, content=LARGE, segment=1, **more):
    image = ewf.Image(content, **more)
    change(image)
    return image.segment(segment)


def tables(title, first, mirror, part, status=2, **more):
    """What makes the data of a table of its entries and base; None: as it is, or no mirror."""
    def change(image):
        right = image.tables
        image.tables = lambda entries, base: ((first or ewf.table)(list(entries), base), mirror and mirror(list(entries), base))
        assert right
    return row(title, [], part, status, image=made(change), **more)


def entry(title, index, value, part, status=2, **more):
    def spoiled(entries, base):
        entries[index] = value(entries[index]) if callable(value) else value
        return ewf.table(entries, base)
    return tables(title, spoiled, spoiled, part, status, **{'warns': True, **more})


def damaged(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def chunk(title, number, change, part, **more):
    def spoiled(image):
        packed, data = image.chunks[number]
        image.chunks[number] = packed, change(data)
    return row(title, [], part, image=made(spoiled), **more)


def split(title, part, names=None, status=2, warns=False, **change):
    """Two segments; change: of the names and bytes of the second."""
    both = ewf.Image(LARGE, segments=2)
    if 'data' in change:
        both.data = change['data']
    files = both.segments('x')
    first, second = files['x.E01'], spoil(files['x.E02'], change.get('pokes', []))
    name = change.get('name', 'x.E02')
    return Row('E01 ' + title, first, part, status, name='x.E01', files={name: second} if name else {}, names=names, warns=warns)


ROWS = [
    row('of 12 bytes', [lambda image: image.__delitem__(slice(12, None))], '12 bytes, a segment of an E01 has 13 more', command=MEANT),
    row('that is something else', [(0, b'EVG')], 'does not begin as a segment', command=MEANT),
    row('that is an Ex01', [(0, b'EVF2\x0d\x0a\x81\0')], 'Ex01', 9),
    row('that is an L01', [(0, b'LVF')], 'L01'),
    row('that is encrypted', [(0, b'ADCRYPT\0')], 'AD encryption', 9),
    row('that is a second segment', [little(9, 2, 2)], 'is segment 2 of an image: name the first one'),
    row('with a descriptor whose checksum is wrong', [little(FIRST + 72, 4, 1)], 'the checksum of its descriptor is wrong'),
    section('with a next section at 0', FIRST, 16, 0, 'expected to follow it within the file'),
    section('with a next section before it', SECOND, 16, FIRST, 'expected to follow it within the file'),
    section('with a section that leads to itself', SECOND, 16, SECOND, 'expected to follow it within the file'),
    section('with a next section beyond the end', SECOND, 16, 1 << 40, 'expected to follow it within the file'),
    section('with a next section at 2^64 - 1', SECOND, 16, TOP, 'expected to follow it within the file'),
    section('with a section of 75 bytes', SECOND, 24, 75, '75 bytes, the next one at byte'),
    section('with a section of 0 bytes', SECOND, 24, 0, '0 bytes, the next one at byte'),
    section('with a section of 2^64 - 1 bytes', SECOND, 24, TOP, '18446744073709551615 bytes, the next one at byte'),
    row('cut before its end', [lambda image: image.__delitem__(slice(DONE, None))], 'it is cut short'),
    row('cut in the last descriptor', [lambda image: image.__delitem__(slice(DONE + 75, None))], 'it is cut short'),
    row('cut in its sectors', [lambda image: image.__delitem__(slice(20000, None))], 'expected to follow it within the file'),
    row('with a volume whose checksum is wrong', [little(SECOND + ewf.SECTION + ewf.VOLUME - 4, 4, 1)], 'the checksum of its data is wrong'),
    row('of SMART with a wrong checksum', [], 'the checksum of its data is wrong', image=made(lambda image: setattr(image, 'volume', bytes(94)))),
    row('with two volumes that differ', [], 'tells of another disk', image=made(lambda image: image.more.append((b'volume', ewf.volume(1, 1))))),
    row('with two volumes of two sets', [], 'is a segment of another image', image=made(lambda image: image.more.append((b'data', ewf.volume(1, 1, guid=bytes(16)))))),
    row('with a volume twice', [], '', 0, image=made(lambda image: image.more.append((b'disk', image.volume))), guest=LARGE),
    volume('of 2^32 - 1 chunks', 4, 4, TOP32, '4294967295 chunks of 64 sectors'),
    volume('of one chunk too many', 4, 4, 66, '66 chunks of 64 sectors'),
    volume('with chunks of 0 sectors', 8, 4, 0, 'chunks of 0 sectors'),
    volume('with chunks of 2^31 sectors', 8, 4, 1 << 31, 'chunks of 2147483648 sectors'),
    volume('of 2^63 sectors', 16, 8, 1 << 63, 'a disk of 9223372036854775808 sectors'),
    volume('of fewer sectors', 16, 8, 4097, '', 0, guest=LARGE[:4097 * 512]),
    row('with chunks that are no power of two', [], '', 0, image=made(lambda image: None, chunk_sectors=37), guest=LARGE),
    row('with a SHA-1 of zeros, which is none, by check', [], '', 0, image=made(lambda image: setattr(image, 'sha1', bytes(20))), command=CHECK),
    row('with an MD5 of zeros, which is none, by check', [], '', 0, image=made(lambda image: setattr(image, 'md5', bytes(16))), command=CHECK),
    row('of two segments, called "x."', [], 'the name does not end in .E01', image=ewf.Image(LARGE, segments=2).segment(1), name='x.', command=MEANT),
    row('that was not made to its end', [], 'the image was not made to its end', image=made(lambda image: image.more.append((b'incomplete', b'')))),
    row('that holds files', [], 'holds files (L01) and no disk', 9, image=made(lambda image: image.more.append((b'ltree', b'')))),
    row('with an unknown section', [], '', 0, image=made(lambda image: image.more.append((b'xyz', b'abc'))), guest=LARGE),
    row('with errors of its making', [], '3 ranges of sectors could not be read', 0, image=made(lambda image: image.more.append((b'error2', struct.pack('<I', 3).ljust(520, b'\0')))), guest=LARGE, warns=True),
    tables('with a damaged table', lambda entries, base: damaged(ewf.table(entries, base)), ewf.table, 'its copy is read instead', 0, guest=LARGE, warns=True),
    tables('with a damaged table without a copy', lambda entries, base: damaged(ewf.table(entries, base)), None, 'a table is damaged, and has no copy', warns=True),
    tables('with two damaged tables', *[lambda entries, base: damaged(ewf.table(entries, base))] * 2, 'the checksum of its entries is wrong', warns=True),
    tables('with a damaged copy', None, lambda entries, base: b'', '', 0, guest=LARGE),
    tables('without a checksum of the entries', *[lambda entries, base: ewf.table(entries, base)[:-4]] * 2, '', 0, guest=LARGE),
    tables('with a header of a table that is damaged', *[lambda entries, base: bytes([1]) + ewf.table(entries, base)[1:]] * 2, 'the checksum of its header is wrong', warns=True),
    tables('with 2^32 - 1 entries', *[lambda entries, base: ewf.summed(struct.pack('<I4xQ4x', TOP32, base)) + bytes(300)] * 2, '4294967295 entries from byte', warns=True),
    tables('with a base of 2^64 - 1', *[lambda entries, base: ewf.table(entries, TOP)] * 2, 'beyond its', warns=True),
    tables('with too few entries', *[lambda entries, base: ewf.table(entries[:-1], base)] * 2, 'have 64 chunks, expected 65'),
    tables('with no entries', *[lambda entries, base: ewf.table([], base)] * 2, 'have 0 chunks, expected 65'),
    entry('with a chunk before the sectors', 0, 0, 'in the sectors (byte'),
    entry('with a chunk beyond the sectors', 64, 1 << 30, 'in the sectors (byte'),
    entry('with offsets that fall', 5, ewf.SECTION + 1, 'expected behind the one before'),
    entry('with a chunk of no bytes', 5, lambda old: old - 1, '', (0, 2)),
    chunk('with a damaged chunk as it is', 1, damaged, 'the chunk of guest byte 32768 at byte'),
    chunk('with a damaged chunk as it is, by check', 1, damaged, 'the chunk of guest byte 32768 at byte', command=CHECK, warns=True),
    chunk('with a damaged packed chunk', 2, damaged, 'packed unit of guest byte 65536'),
    chunk('with a damaged packed chunk, by check', 2, damaged, 'packed unit of guest byte 65536', command=CHECK, warns=True),
    chunk('with a chunk that ends early', 2, lambda data: zlib.compress(bytes(32767)), 'unpacks to 32767 bytes, expected 32768'),
    chunk('with a zlib bomb', 2, lambda data: zlib.compress(bytes(8 << 20)), 'unpacks to more than 32768 bytes'),
    chunk('with a chunk as it is that is short', 1, lambda data: data[1:], 'expected 32772 to 32772 bytes'),
    chunk('with a packed chunk of 1 MiB', 2, lambda data: data.ljust(1 << 20, b'\0'), 'expected 1 to 69632 bytes'),
    row('with another MD5, by check', [], 'its MD5 is', image=made(lambda image: setattr(image, 'md5', b'x' * 16)), command=CHECK, warns=True),
    row('with another SHA-1, by check', [], 'its SHA-1 is', image=made(lambda image: setattr(image, 'sha1', b'x' * 20)), command=CHECK, warns=True),
    split('without its second segment', 'x.E02', name=None),
    split('with its second segment under another name', 'x.e02 is read instead', name='x.e02', status=0, warns=True),
    split('with a second segment that says it is 1', 'says that it is segment 1, by its name it is segment 2', pokes=[little(9, 2, 1)], names='x.E02'),
    split('with a second segment that says it is 3', 'says that it is segment 3', pokes=[little(9, 2, 3)], names='x.E02'),
    split('with a second segment of another image', 'is a segment of another image', data=ewf.volume(4103, 65, guid=bytes(16)), names='x.E02'),
    split('with a second segment that is empty', '0 bytes, a segment', pokes=[lambda image: image.clear()], names='x.E02'),
    row('with more segments and a name that tells none', [], 'does not end in .E01', image=ewf.Image(LARGE, segments=2).segment(1), name='x.img'),
]
ROWS += [volume(f'with sectors of {size} bytes', 12, 4, size, f'sectors of {size} bytes') for size in (0, 1, 256, 513, 8192, TOP32)]
