# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VHD: what its fields may not be, checksums mended. Offsets are those of the specification, version 1.0."""
import struct

from hostile_case import CHECK, Row
from hostile_images import (LARGE, SECTOR, SMALL, VHD, VHD_FIXED, VHD_TABLE, big, differencing, dynamic_header,
                            footers, get_big, spoil, vhd)

HUGE = 0xffffffffffffffff
END = len(VHD)
DATA_END = END - SECTOR
FIRST = get_big(VHD, VHD_TABLE, 4)  # sector of the first block


def row(title, pokes, part, status=2, image=VHD, **more):
    return Row(title, spoil(image, pokes), part, status, **dict({'name': 'x.vhd'}, **more))


def footer(title, at, width, value, part, status=2, **more):
    return row(title, [footers(big(at, width, value))], part, status, **more)


def header(title, at, width, value, part, status=2, **more):
    return row(title, [dynamic_header(big(at, width, value))], part, status, **more)


def entry(title, block, value, part, status=2, **more):
    return row(title, [big(VHD_TABLE + 4 * block, 4, value)], part, status, **more)


SZ27 = [header(f'SZ27 0x{value:x} table entries', 28, 4, value, f'{value} entries at byte 1536 goes beyond the end')
        for value in (0x40000000, 0x40000001, 0x80000000, 0xffffffff)]
SZ27 += [
    header('SZ27 table beyond the end', 16, 8, 1 << 40, 'goes beyond the end of the file'),
    header('SZ27 table that wraps', 16, 8, HUGE - 3, 'goes beyond the end of the file'),
    header('SZ27 dynamic header version 2', 24, 4, 0x20000, 'VHD dynamic header version 0x00020000', 9),
]

SZ28 = [header(f'SZ28 block size {value}', 32, 4, value, f'block size {value}, expected a power of two')
        for value in (0, 1, 256, 511, 513, 3 << 19, 0x20000000, 0x80000000, 0xffffffff)]

SZ29 = [header(f'SZ29 {value} table entries', 28, 4, value, f'{value} table entries of 16384 bytes each are too few')
        for value in (0, 1, 128)]
SZ29 += [footer('SZ29 a disk larger than its table', 48, 8, 129 * 16384 + 512, 'are too few for a disk of')]

TRAILING, LEADING = (DATA_END + 70, b'\xee'), (70, b'\xee')
SZ30 = [
    row('SZ30 the footer is damaged, its copy is not', [TRAILING], 'the footer at the end is damaged or missing', 0,
        guest=LARGE, warns=True),
    row('SZ30 the copy is damaged, the footer is not', [LEADING], 'the footer\'s copy at the start is damaged', 0,
        guest=LARGE, warns=True),
    row('SZ30 both are damaged', [TRAILING, LEADING], 'no VHD footer with a right checksum'),
    row('SZ30 the footer of a fixed disk is damaged', [(len(VHD_FIXED) - 440, b'\xee')], 'and not the vpc that the name says',
        image=VHD_FIXED),
    row('SZ30 the footer of a fixed disk is damaged, with -f vhd', [(len(VHD_FIXED) - 440, b'\xee')],
        'no VHD footer with a right checksum', image=VHD_FIXED,
        command=('convert', '-f', 'vhd', '-O', 'raw', '{}', 'out.raw')),
    row('SZ30 copies that differ, by check', [footers(big(24, 4, 9)), lambda image: image.__setitem__(
        slice(0, SECTOR), VHD[:SECTOR])], 'and its copy at the start differ', command=CHECK),
    row('SZ30 the footer is missing, by check', [lambda image: image.__delitem__(slice(DATA_END, None))],
        'damaged or missing', command=CHECK, warns=True),
    row('SZ30 the checksum of the dynamic header', [(SECTOR + 100, b'\xee')], 'its bytes give 0x'),
    row('SZ30 no dynamic header', [(SECTOR, b'CXSPARSE')], 'no VHD dynamic header at byte 512'),
    row('SZ30 copies of different sizes', [footers(big(48, 8, len(LARGE) - SECTOR)), lambda image: image.__setitem__(
        slice(0, SECTOR), VHD[:SECTOR])], 'differ; the one at the end is used', 0, guest=LARGE[:-SECTOR], warns=True),
    row('SZ30 the footer of a fixed disk at its start alone', [lambda image: image.__setitem__(
        slice(None), image[-SECTOR:] + bytes(len(image) - SECTOR))], 'a footer of a fixed VHD at byte 0',
        image=VHD_FIXED, command=('convert', '-f', 'vhd', '-O', 'raw', '{}', 'out.raw'), warns=True),
    footer('SZ30 data_offset beyond the end', 16, 8, 1 << 40,
           'the dynamic header at byte 1099511627776 is beyond the end'),
    footer('SZ30 data_offset that wraps', 16, 8, HUGE, 'the dynamic header at byte 18446744073709551615'),
    footer('SZ30 data_offset elsewhere', 16, 8, 1024, 'no VHD dynamic header at byte 1024'),
    footer('SZ30 data_offset 0', 16, 8, 0, 'no VHD dynamic header at byte 0'),
    footer('SZ30 version 2', 12, 4, 0x20000, 'VHD footer version 0x00020000', 9),
]

SZ31 = [
    entry('SZ31 block beyond the end', 0, 0x7fffffff, 'goes beyond the end of the file\'s data'),
    entry('SZ31 block just beyond the end', 0, END // SECTOR, 'goes beyond the end of the file\'s data'),
    entry('SZ31 block over the footer', 0, DATA_END // SECTOR - 32, 'goes beyond the end of the file\'s data'),
    entry('SZ31 block over the copy of the footer', 0, 0, 'lies over the header or the table itself'),
    entry('SZ31 block over the dynamic header', 0, 2, 'lies over the header or the table itself'),
    header('SZ31 table over the copy of the footer', 16, 8, 0, 'lies over a footer or the header'),
    header('SZ31 table over the dynamic header', 16, 8, 600, 'lies over a footer or the header'),
    header('SZ31 table over the footer', 16, 8, DATA_END - 4, 'lies over a footer or the header'),
    entry('SZ31 block beyond the end, by check', 0, 0x7fffffff, 'goes beyond the end of the file\'s data',
          command=CHECK),
    entry('SZ31 blocks that share a place', 1, FIRST, '', 0,
          guest=LARGE[:16384] + LARGE[:16384] + LARGE[32768:]),
    entry('SZ31 blocks that share a place, by check', 1, FIRST, 'overlap', command=CHECK),
    entry('SZ31 blocks that overlap, by check', 1, FIRST + 1, 'overlap', command=CHECK),
    row('SZ31 all blocks are one, by check', [(VHD_TABLE, struct.pack('>I', FIRST) * 129)], 'overlap', command=CHECK),
    row('SZ31 cut inside a block', [lambda image: image.__delitem__(slice(DATA_END - 16384, None))],
        'goes beyond the end of the file\'s data', warns=True),
    row('SZ31 cut inside the table', [lambda image: image.__delitem__(slice(VHD_TABLE + 100, None))],
        'goes beyond the end of the file', warns=True),
    row('SZ31 cut inside the dynamic header', [lambda image: image.__delitem__(slice(1000, None))],
        'the dynamic header at byte 512 is beyond the end', warns=True),
    row('SZ31 the copy of the footer alone', [lambda image: image.__delitem__(slice(512, None))],
        'the dynamic header at byte 512 is beyond the end'),
    row('SZ31 a fixed disk cut at its start', [lambda image: image.__delitem__(slice(0, 512))],
        'the file is truncated', image=VHD_FIXED),
]

LOOP3 = [
    entry('LOOP3 block over the table', 0, VHD_TABLE // SECTOR, 'lies over the header or the table itself'),
    entry('LOOP3 block over the table, by check', 0, VHD_TABLE // SECTOR, 'lies over the header or the table itself',
          command=CHECK),
]

CLEARED = vhd.bitmap(range(1, vhd.BLOCK // SECTOR))  # the first sector is not the child's


def put_block(image):
    """Gives a differencing disk its first block, with the sector bitmap CLEARED, before the footer."""
    place = len(image) - SECTOR
    image[place:place] = CLEARED + b'c' * vhd.BLOCK
    struct.pack_into('>I', image, VHD_TABLE, place // SECTOR)


CHILD = differencing([(b'W2ru', '.\\p.vhd'.encode('utf-16-le'))])
PARENT = {'p.vhd': vhd.dynamic(LARGE, b'vmferry-hostile2')}
SZ32 = [
    row('SZ32 a sector of a differencing disk that is not its own', [put_block], '', 0, image=CHILD, files=PARENT,
        guest=LARGE[:SECTOR] + b'c' * (vhd.BLOCK - SECTOR) + LARGE[vhd.BLOCK:]),
    row('SZ32 a dynamic disk whose sector bitmap is empty', [(FIRST * SECTOR, bytes(SECTOR))], '', 0, guest=LARGE),
    row('SZ32 a dynamic disk with data under clear bits, by check', [(FIRST * SECTOR, bytes(SECTOR))],
        'has data in sectors that its bitmap does not mark', command=CHECK),
]

SZ33 = [footer(f'SZ33 disk type {value}', 60, 4, value, f'disk type {value}, expected 2 (fixed), 3 (dynamic) or 4')
        for value in (0, 1, 5, 6, 0xffffffff)]
SZ33 += [
    row('SZ33 differencing without a parent named', [], 'tells its parent by an id, and none of the', image=differencing()),
    row('SZ33 differencing, its parent is not there', [], 'names the file "p.vhd"', image=CHILD),
    footer('SZ33 dynamic that is said to be differencing', 60, 4, 4, 'that does not name its parent'),
    footer('SZ33 saved state', 84, 1, 1, 'was saved while running', 0, guest=LARGE, warns=True),
    row('SZ33 footer of 511 bytes', [lambda image: image.__delitem__(len(image) - 1)], '', 0, guest=SMALL,
        image=VHD_FIXED),
    row('SZ33 fixed disk larger than its file', [footers(big(48, 8, len(SMALL) + 512))], 'the file is truncated',
        image=VHD_FIXED),
]

SMALLER = struct.pack('>HBB', 20, 4, 17)  # 1360 sectors


def creator(title, name, geometry, size):
    warning = 'ends with its geometry' if size < len(LARGE) else ''
    return row(f'SZ34 {title}', [footers((28, name), (56, geometry))], warning, 0, guest=LARGE[:size],
               warns=bool(warning))


SZ34 = [
    creator('Virtual PC: the geometry', b'vpc ', SMALLER, 1360 * SECTOR),
    creator('qemu: the geometry', b'qemu', SMALLER, 1360 * SECTOR),
    creator('Hyper-V: current_size', b'win ', SMALLER, len(LARGE)),
    creator('qemu with force_size: current_size', b'qem2', SMALLER, len(LARGE)),
    creator('Virtual PC without a geometry: current_size', b'vpc ', bytes(4), len(LARGE)),
    creator('Virtual PC with the largest geometry: current_size', b'vpc ', struct.pack('>HBB', 65535, 16, 255),
            len(LARGE)),
    row('SZ34 Virtual PC: a geometry larger than the table', [footers((28, b'vpc '), (56, struct.pack(
        '>HBB', 65535, 16, 63)))], 'are too few for a disk of'),
    row('INT5 a geometry that is too small cuts nothing', [footers((28, b'win '), (56, SMALLER[:3] + b'\1'))], '',
        0, guest=SMALL, image=VHD_FIXED),
    footer('SZ34 original_size is another', 40, 8, 512, '', 0, guest=LARGE),
]

SZ50 = [
    footer('SZ50 a disk of 0 bytes', 48, 8, 0, '', 0, guest=b''),
    footer('SZ50 a disk of 1 byte', 48, 8, 1, '', 0, guest=LARGE[:1]),
    footer('SZ50 a disk of 513 bytes', 48, 8, 513, '', 0, guest=LARGE[:513]),
    footer('SZ50 a disk of 2^63 bytes', 48, 8, 1 << 63, 'a disk of 9223372036854775808 bytes, at most'),
    footer('SZ50 a disk of 2^64 - 1 bytes', 48, 8, HUGE, 'a disk of 18446744073709551615 bytes, at most'),
    row('SZ50 a fixed disk of 513 bytes', [footers(big(48, 8, 513))], '', 0, guest=SMALL[:513], image=VHD_FIXED),
]

ROWS = (SZ27 + SZ28 + SZ29 + SZ30 + SZ31 + LOOP3 + SZ32 + SZ33 + SZ34 + SZ50)
