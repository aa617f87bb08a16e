# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VDI: what its fields may not be. Offsets are those of VirtualBox's VDICore.h, in the file."""
from hostile_case import CHECK, Row
from hostile_images import (LARGE, SMALL, UUID, UUID_PARENT, VDI, VDI_CHILD, VDI_FIXED, holes, little, spoil,
                            vdi)

HUGE = 0xffffffff
BLOCK = vdi.BLOCK
DATA_AT = 1024  # the table of 17 entries takes the sector before
OTHER = b'vmferry-hostile3'


def row(title, pokes, part, status=2, image=VDI, **more):
    return Row('VDI ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.vdi'}, **more))


def field(title, at, value, part, status=2, width=4, **more):
    return row(title, [little(at, width, value)], part, status, **more)


def entry(title, block, value, part, status=2, **more):
    return field(title, vdi.TABLE + 4 * block, value, part, status, **more)


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


HOLES = 1 << 29  # blocks, which a table of 2 GiB places behind the end of the file
HOLLOW = spoil(VDI[:512], [little(340, 4, 512), little(344, 4, 512 + 4 * HOLES), little(368, 8, HOLES * BLOCK),
                           little(384, 4, HOLES), little(388, 4, 0)])

ROWS = [
    Row('VDI a table of 2 GiB that is a hole, by check', holes(HOLLOW, 512 + 4 * HOLES), 'goes beyond the end of the file',
        command=CHECK, name='x.vdi'),
    row('of its signature alone', [cut(72)], '72 bytes, a VDI header ends at byte 456'),
    row('cut inside the header', [cut(455)], '455 bytes, a VDI header ends at byte 456'),
    row('without its signature', [(64, b'\0')], 'no VDI signature', command=('convert', '-f', 'vdi', '-O', 'raw', '{}', 'out.raw')),
    field('version 2.0', 68, 0x20000, 'VDI version 2.0, expected 1.1', 9),
    field('version 0', 68, 2, 'VDI version 0.2, expected 1.1', 9),
    field('version 1.2', 68, 0x10002, '', 0, guest=LARGE),
    field('no flag but the first', 80, 1, '', 0, guest=LARGE),
    field('flags', 80, 2, 'image flags 0x2', 9),
    field('a table over the header', 340, 471, 'the block table of 17 entries at byte 471 does not lie between'),
    field('a table at 0', 340, 0, 'at byte 0 does not lie between'),
    field('a table beyond the end', 340, HUGE, 'at byte 4294967295 does not lie between'),
    field('blocks over the table', 344, 512 + 67, 'blocks from byte 579 on lie over the block table'),
    field('blocks beyond the end', 344, HUGE, 'goes beyond the end of the file'),
    field('a disk of 0 bytes', 368, 0, 'for a disk of 0 bytes', width=8),
    field('a disk of 511 bytes', 368, 511, 'for a disk of 511 bytes', width=8),
    field('a disk of 2^64 - 1 bytes', 368, (1 << 64) - 1, 'for a disk of 18446744073709551615 bytes', width=8),
    field('a disk larger than its blocks', 368, 17 * BLOCK + 1, '17 blocks of 131072 bytes for a disk of 2228225 bytes', width=8),
    field('a size of no whole sectors', 368, len(LARGE) - 1, 'it ends at 2100224', 0, width=8, guest=LARGE[:-512], warns=True),
    field('2^32 - 1 blocks', 384, HUGE, 'the block table of 4294967295 entries'),
    row('2^32 - 1 blocks of 128 MiB and 2 GiB each', [little(384, 4, HUGE), little(376, 4, 128 << 20), little(380, 4, 1 << 31)],
        'the block table of 4294967295 entries'),
    field('no blocks', 384, 0, '0 blocks of 131072 bytes'),
    field('more allocated than there are', 388, 18, '18 blocks allocated of 17'),
    entry('index of the number of blocks', 0, 17, 'block table entry 0: index 17, but the disk has 17 blocks'),
    entry('index -3', 0, HUGE - 2, 'index 4294967293, but'),
    entry('index beyond the end of the file', 0, 4, 'goes beyond the end of the file'),
    entry('index beyond the end of the file, by check', 0, 4, 'goes beyond the end of the file', command=CHECK),
    entry('two entries of one block', 0, 1, '', 0, guest=LARGE[3 * BLOCK:4 * BLOCK] + LARGE[BLOCK:]),
    entry('two entries of one block, by check', 0, 1, 'block 1 is another entry\'s as well', command=CHECK, warns=True),
    field('a count that is too low, by check', 388, 2, 'VirtualBox puts the next block', command=CHECK),
    field('a count that is too high, by check', 388, 4, 'VirtualBox puts the next block', command=CHECK),
    entry('a block that nothing uses, by check', 0, HUGE, '1 blocks of the file belong to no entry', (2, 3), command=CHECK,
          warns=True),
    row('cut in its last block', [cut(DATA_AT + 3 * (BLOCK + 512) - 1)], 'goes beyond the end of the file'),
    row('cut behind the end of the disk', [cut(1024 + len(SMALL))], '', 0, image=VDI_FIXED, guest=SMALL),
    entry('zeros instead of data', 0, HUGE - 1, '', 0, guest=bytes(BLOCK) + LARGE[BLOCK:]),
    row('a disk of zero ids', [(392, bytes(32))], 'the disk\'s UUID is zero', 0, guest=LARGE, warns=True),
    row('a parent where its type has none', [(424, UUID_PARENT)], 'it is read without', 0, guest=LARGE, warns=True),
    row('a child without a parent\'s id', [(424, bytes(16))], 'has a parent, but its UUID is zero', image=VDI_CHILD),
    row('a child whose parent is not there', [], 'tells its parent by an id, and none of the', image=VDI_CHILD),
    row('a child whose parent was written to', [], 'p.vdi was written to since', image=VDI_CHILD,
        files={'p.vdi': spoil(vdi.dynamic(LARGE, UUID_PARENT), [(408, OTHER)])}),
    row('a child that is an undo image', [little(76, 4, vdi.UNDO)], '', 0, image=VDI_CHILD, guest=SMALL.ljust(len(LARGE), b'\0'),
        files={'renamed.vdi': vdi.dynamic(LARGE, UUID_PARENT)}),
    row('a child of itself', [(424, UUID), (440, vdi.modified(UUID))], 'tells its parent by an id, and none of the', image=VDI_CHILD),
    row('two that are each other\'s parent', [], 'a loop', image=VDI_CHILD,
        files={'p.vdi': vdi.differencing(LARGE, LARGE, UUID_PARENT, UUID)}),
]
ROWS += [field(f'header of {value} bytes', 72, value, f'a size of {value} bytes, expected 384') for value in (0, 1, 383)]
ROWS += [field(f'header of {value} bytes', 72, value, 'does not lie between') for value in (441, HUGE)]
ROWS += [field(f'type {value}', 76, value, f'image type {value}, expected') for value in (0, 5, HUGE)]
ROWS += [field(f'blocks of {value} bytes', 376, value, f'blocks of {value} bytes, expected a power of two')
         for value in (0, 1, 512, 64 << 10, 3 << 20, 256 << 20, HUGE)]
ROWS += [field(f'{value} extra bytes', 380, value, f'{value} extra bytes before each block') for value in (3, 513, HUGE)]
