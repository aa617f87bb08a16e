# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Growing disks of Bochs: what their fields may not be."""
import os
import struct
import sys

import tap
from hostile_case import CHECK, Row
from hostile_images import LARGE, get_little, little, put, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_bochs as bochs  # pylint: disable=wrong-import-position

PLAIN = bochs.growing(LARGE)
COUNT = len(LARGE) // bochs.EXTENT + 1
TOP32, TOP = 0xffffffff, (1 << 64) - 1


def row(title, pokes, part, status=2, image=PLAIN, **more):
    return Row('Bochs ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.disk'}, **more))


def field(title, at, width, value, part, status=2, **more):
    return row(title, [little(at, width, value)], part, status, **more)


def entry(title, value, part, status=2, **more):
    def poke(data):
        put(data, little(512, 4, value(get_little(data, 512, 4)) if callable(value) else value))
    return row(title, [poke], part, status, **more)


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


def one_for_all(path, entries=1 << 16, extent=64 << 20, there=True):
    """All entries are of one extent, a hole, of which every second sector is written; or it is not there."""
    bits = extent // 512 // 8
    with open(path, 'wb') as file:
        file.write(struct.pack('<32s16s16sIIIIIIQ', b'Bochs Virtual HD Image', b'Redolog', b'Growing', 0x20000, 512, entries,
                               bits, extent, 0, entries * extent).ljust(512, b'\0'))
        file.seek(4 * entries, os.SEEK_CUR)
        file.write(b'\x55' * bits if there else b'')
        file.truncate(file.tell() + extent * there)


ROWS = [
    row('of 95 bytes', [cut(95)], '95 bytes, the header of a Bochs disk has 96'),
    row('without its signature', [(0, b'b')], 'no "Bochs Virtual HD Image" at byte 0', command=('convert', '-f', 'bochs', '-O', 'raw', '{}', 'out.raw')),
    row('of another type', [(32, b'x')], 'another type than "Redolog"', 9),
    row('without an end of its type', [(32, b'Redolog' + b'x' * 9)], 'another type than "Redolog"', 9),
    row('undoable', [(48, b'Undoable')], 'what changed of a disk that it does not name', 9),
    row('volatile', [(48, b'Volatile')], 'what changed of a disk that it does not name', 9),
    row('of another kind', [(48, b'Shrinking')], 'another kind than "Growing"', 9),
    field('SZ43 a header of 95 bytes', 68, 4, 95, 'a header of 95 bytes and a catalog of'),
    field('SZ43 a header of 2^32 - 1 bytes', 68, 4, TOP32, 'a header of 4294967295 bytes'),
    field('SZ43 a catalog of 2^32 - 1 entries', 72, 4, TOP32, 'a catalog of 4294967295 entries'),
    field('SZ43 a catalog with too few entries', 72, 4, COUNT - 1, f'{COUNT - 1} extents of 8192 bytes for a disk of'),
    field('SZ43 no catalog', 72, 4, 0, '0 extents of 8192 bytes'),
    field('SZ43 no bitmap', 76, 4, 0, 'bitmaps of 0 bytes for extents of 16 sectors'),
    field('SZ43 a bitmap of 1 byte', 76, 4, 1, 'bitmaps of 1 bytes for extents of 16 sectors'),
    field('SZ43 a bitmap of 2^32 - 1 bytes', 76, 4, TOP32, 'bitmaps of 4294967295 bytes for extents of 16 sectors'),
    field('SZ43 a bitmap of 1 GiB', 76, 4, 1 << 30, 'lies beyond the end of the file'),
    field('a disk of 0 bytes', 88, 8, 0, 'for a disk of 0 bytes'),
    field('a disk of 511 bytes', 88, 8, 511, 'for a disk of 511 bytes'),
    field('a disk of 2^63 bytes', 88, 8, 1 << 63, 'for a disk of 9223372036854775808 bytes'),
    field('a disk of 2^64 - 1 bytes', 88, 8, TOP, 'for a disk of 18446744073709551615 bytes'),
    field('a size of no whole sectors', 88, 8, len(LARGE) - 1, 'it ends at', 0, guest=LARGE[:-512], warns=True),
    entry('an extent beyond the end', 1000, 'catalog entry 0: extent 1000, at byte'),
    entry('an extent at 2^32 - 2', TOP32 - 1, 'catalog entry 0: extent 4294967294'),
    Row('Bochs a catalog of 2 GiB that is a hole, by check', lambda path: one_for_all(path, 1 << 29, 4096, False),
        'lies beyond the end of the file', command=CHECK),
    Row('Bochs one extent for all entries, by check', one_for_all, 'something else is there as well', command=CHECK),
    entry('an extent beyond the end, by check', 1000, 'catalog entry 0: extent 1000', command=CHECK, warns=True),
    entry('an extent of two entries, by check', lambda old: old - 1, 'something else is there as well', command=CHECK, warns=True),
    entry('nothing where the file has an extent', TOP32, '', 0, guest=bytes(8192) + LARGE[8192:]),
    entry('nothing where the file has an extent, by check', TOP32, '1 clusters of the file belong to nothing', 3, command=CHECK, warns=True),
    row('cut in its last sectors', [cut(len(PLAIN) - 14 * 512)], 'lie beyond the end of the file'),
    row('cut in its last sectors, by check', [cut(len(PLAIN) - 14 * 512)], 'lie beyond the end of the file', command=CHECK, warns=True),
    row('cut behind its last sectors', [cut(len(PLAIN) - 13 * 512)], '', 0, guest=LARGE),
    row('cut in its last bitmap', [cut(len(PLAIN) - 16 * 512 - 1)], 'lies beyond the end of the file'),
]
ROWS += [field(f'version {value:#x}', 64, 4, value, f'version 0x{value:08x}, expected', 9) for value in (0, 1, 0x30000, TOP32)]
ROWS += [field(f'SZ43 extents of {value} bytes', 80, 4, value, f'extents of {value} bytes, expected a multiple of 512')
         for value in (0, 1, 511, 513, (1 << 30) + 512, TOP32)]
