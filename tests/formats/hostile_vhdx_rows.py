# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VHDX: what its headers, tables and metadata may not be, checksums mended. Offsets are those of [MS-VHDX]."""
import struct

import hostile_vhdx_images as spoilt
from hostile_case import CHECK, Row
from hostile_images import LARGE, little
from hostile_vhdx_images import (MIB, NEW, OLD_IMAGE, PARENT, SIZE, bat, child, header, headers, item, made, tables,
                                 value, vhdx, with_items)

HUGE = 0xffffffffffffffff
LAST = 5 * MIB + len(LARGE) - 2 * MIB  # what the disk has of its last block
BLOCK = vhdx.BLOCKS | vhdx.PRESENT


def row(title, pokes, part, status=2, image=OLD_IMAGE, **more):
    return Row('VX ' + title, made(image, *pokes), part, status, **dict({'name': 'x.vhdx'}, **more))


def warned(title, pokes, part, **more):
    return row(title, pokes, part, 0, guest=LARGE, warns=True, **more)


def cut(size):
    return lambda image: image.__delitem__(slice(size, None))


FILES = [
    row('no identifier, with -f', [(0, b'VHDXFILE')], 'does not start with "vhdxfile"',
        command=('convert', '-f', 'vhdx', '-O', 'raw', '{}', 'out.raw')),
    *[row(f'cut at byte {size}', [cut(size)], part) for size, part in (
        (8, 'the file is truncated'), (65536, 'the file is truncated'), (MIB - 1, 'the file is truncated'),
        (MIB, 'the log of 1048576 bytes at byte 1048576 goes beyond'),
        (2 * MIB, 'go beyond the end of the file'), (3 * MIB, 'go beyond the end of the file'),
        (4 * MIB, 'block allocation table entry 0: 1048576 bytes at byte 4194304 go beyond'),
        (LAST - 1, f'block allocation table entry 2: {len(LARGE) - 2 * MIB} bytes at byte 5242880 go beyond'))],
    *[row(f'cut behind the disk, in its last block, at byte {size}', [cut(size)], '', 0, guest=LARGE) for size in (LAST, SIZE - 1)],
]

HEADERS = [
    warned('the first header is damaged', [(vhdx.HEADERS[0] + 100, b'x')], 'at byte 65536 is damaged'),
    warned('the second header is damaged', [(vhdx.HEADERS[1] + 100, b'x')], 'at byte 131072 is damaged'),
    row('both headers are damaged', [(at + 100, b'x') for at in vhdx.HEADERS], 'no VHDX header'),
    row('a header is damaged, by check', [(vhdx.HEADERS[0] + 100, b'x')], 'the VHDX header at byte 65536 is damaged',
        command=CHECK, warns=True),
    row('equal sequence numbers, equal headers', [headers(little(8, 8, 7))], '', 0, guest=LARGE),
    row('equal sequence numbers, other headers', [headers(little(8, 8, 7)), header(0, (40, b'x'))],
        'both VHDX headers have the sequence number 7'),
    row('sequence number 2^64-1', [header(0, little(8, 8, HUGE), (32, b'the current one!'))], '', 0, guest=LARGE),
    row('version 2', [headers(little(66, 2, 2))], 'version 2, expected 1', 9),
    row('version 2 in the header that does not count', [header(0, little(66, 2, 2))], '', 0, guest=LARGE),
    row('log version 1, no log', [headers(little(64, 2, 1))], '', 0, guest=LARGE),
    row('log version 1, a log', [headers(little(64, 2, 1), (48, vhdx.LOG_GUID))], 'log version 1, expected 0', 9),
    row('a log of no length', [headers(little(68, 4, 0), (48, vhdx.LOG_GUID))], 'a log of 0 bytes'),
    row('no log, of no length', [headers(little(68, 4, 0))], '', 0, guest=LARGE),
    row('log in the first MiB', [headers(little(72, 8, 0))], 'expected whole MiB behind the first one'),
    row('log not at a MiB', [headers(little(72, 8, MIB + 4096))], 'expected whole MiB behind the first one'),
    row('log of half a MiB', [headers(little(68, 4, MIB // 2))], 'expected whole MiB behind the first one'),
    row('log beyond the end', [headers(little(72, 8, 1 << 40))], 'goes beyond the end of the file'),
    row('log that wraps', [headers(little(72, 8, HUGE - MIB + 1))], 'goes beyond the end of the file'),
    row('log of 2 GiB', [headers(little(68, 4, 1 << 31))], 'at most 1073741824 are read'),
]


def region(number, at, width, what):
    return tables(little(16 + 32 * number + at, width, what))


REGIONS = [
    warned('the first region table is damaged', [(vhdx.REGIONS[0] + 9000, b'x')], 'at byte 196608 is damaged'),
    warned('the second region table is damaged', [(vhdx.REGIONS[1] + 9000, b'x')], 'at byte 262144 is damaged'),
    row('both region tables are damaged', [(at + 9000, b'x') for at in vhdx.REGIONS], 'no VHDX region table'),
    row('a region table is damaged, by check', [(vhdx.REGIONS[1] + 9000, b'x')],
        'the VHDX region table at byte 262144 is damaged', command=CHECK, warns=True),
    row('region tables that differ, by check', [spoilt.sealed(vhdx.REGIONS[1], vhdx.TABLE, [(60000, b'x')])],
        'the two VHDX region tables differ', command=CHECK),
    row('2048 regions', [tables(little(8, 4, 2048))], '2048 entries'),
    row('2^32-1 regions', [tables(little(8, 4, 0xffffffff))], 'expected at most 2047'),
    row('the reserved field of the region table', [tables(little(12, 4, 1))], 'a reserved field of 0x1'),
    row('no regions', [tables(little(8, 4, 0))], 'no entry for the block allocation table'),
    row('no metadata', [tables(little(8, 4, 1))], 'no entry for the metadata'),
    row('two BATs', [tables((48, vhdx.BAT_REGION))], 'entries 0 and 1 have one id'),
    row('regions that overlap', [region(1, 16, 8, vhdx.BAT)], 'the regions of entries 0 and 1 overlap'),
    row('region in the first MiB', [region(0, 16, 8, 0)], 'expected whole MiB behind the first one'),
    row('region not at a MiB', [region(0, 16, 8, vhdx.BAT + 4096)], 'expected whole MiB behind the first one'),
    row('region of no length', [region(0, 24, 4, 0)], 'expected whole MiB behind the first one'),
    row('region of half a MiB', [region(0, 24, 4, MIB // 2)], 'expected whole MiB behind the first one'),
    row('region over the log', [region(0, 16, 8, vhdx.LOG)], 'lies over the log'),
    row('region beyond the end', [region(0, 16, 8, 1 << 40)], 'go beyond the end of the file'),
    row('region that wraps', [region(0, 16, 8, HUGE - MIB + 1)], 'go beyond the end of the file'),
    row('region of 4095 MiB', [region(0, 24, 4, 0xfff00000)], 'go beyond the end of the file'),
    row('required flags are not there', [region(0, 28, 4, 0), region(1, 28, 4, 0)], '', 0, guest=LARGE),
    row('an unknown region that may be ignored', [cut(5 * MIB), tables(
        little(8, 4, 3), (80, struct.pack('<16sQII', b'nobody knows me!', 4 * MIB, MIB, 0))), bat(2, 0), bat(0, 0)],
        '', 0, guest=bytes(len(LARGE))),
    row('an unknown region that is required', [tables(
        little(8, 4, 3), (80, struct.pack('<16sQII', b'nobody knows me!', 4 * MIB, MIB, 1)))],
        'the region 6f626f6e-7964-6b20-6e6f-7773206d6521 has to be understood', 9),
]

ITEM = (b'nobody knows me!', b'value')


def users(count, flags=1):
    return [(b'user' + number.to_bytes(12, 'big'), b'', flags) for number in range(count)]


NAMES = ('file parameters', 'virtual disk size', 'logical sector size', 'physical sector size', 'page 83 data')
METADATA = [
    row('no metadata table', [(vhdx.METADATA, b'METADATA')], 'no VHDX metadata table at byte 2097152'),
    row('2048 items', [little(vhdx.METADATA + 10, 2, 2048)], '2048 entries, expected at most 2047'),
    row('reserved fields of the metadata table', [(vhdx.METADATA + 31, b'x')], 'reserved fields of zeros'),
    *[row(f'no {name}', [(vhdx.METADATA + 32 + 32 * number, b'other')], f'no item for the {name}',
          image=lambda number=number: spoilt.spoil(OLD_IMAGE, [item(number, 24, 4, 2)]))
      for number, name in enumerate(NAMES)],
    *[row(f'{name} of another length', [item(number, 20, 4, 3)], f'({name}): 3 bytes, expected')
      for number, name in enumerate(NAMES)],
    row('two items of one id', [], 'have one id', image=with_items((vhdx.SIZE, b'12345678', 4))),
    row('one id, once the user\'s', [], '', 0, guest=LARGE, image=with_items((vhdx.SIZE, b'12345678', 1))),
    row('items that overlap', [item(1, 16, 4, vhdx.TABLE + 4)], 'the items of entries 0 and 1 overlap'),
    row('an item in the table', [item(1, 16, 4, vhdx.TABLE - 8)], 'expected 1 to 1048576 behind the table'),
    row('an item beyond the region', [item(1, 16, 4, MIB - 4)], 'of a region of 1048576 bytes'),
    row('an item that wraps', [item(1, 16, 4, 0xfffffffc)], 'of a region of 1048576 bytes'),
    row('an item of no length at a place', [item(1, 20, 4, 0)], 'expected 1 to 1048576 behind the table'),
    row('an id of zeros', [], 'expected an id', image=with_items((bytes(16), b'x', 0))),
    row('unknown flags of an item', [item(0, 24, 4, 12)], 'flags 0xc'),
    *[row(f'{name} marked as the user\'s', [item(number, 24, 4, 1)], f'no item for the {name}')
      for number, name in enumerate(NAMES)],
    row('items that are not marked as the disk\'s, or as required', [item(number, 24, 4, 0) for number in range(5)], '', 0,
        guest=LARGE),
    row('1024 items of users', [], '', 0, guest=LARGE, image=with_items(*users(1024))),
    row('1025 items of users', [], '1025 items of users', image=with_items(*users(1025))),
    row('1024 items of the system', [], '1024 items of the system', image=with_items(*users(1019, 0))),
    row('the reserved field of an item', [item(0, 28, 4, 1)], 'reserved field 0x1'),
    row('a user\'s item that is required', [], 'flags 0x5', image=with_items((*ITEM, 5))),
    row('an unknown item that may be ignored', [], '', 0, guest=LARGE, image=with_items((*ITEM, 2))),
    row('an unknown item that is required', [],
        'the item 6f626f6e-7964-6b20-6e6f-7773206d6521 has to be understood', 9, image=with_items((*ITEM, 4))),
    row('creation did not end', [], 'marked as incomplete', image=with_items((vhdx.INCOMPLETE, b'', 4))),
    row('labels of persistent memory', [], 'labels of persistent memory', 0, guest=LARGE, warns=True, image=with_items(
        (vhdx.guid('10e1ae8a-4b7e-4169-a40f-cd70de928393'), b'labels', 2))),
]

VALUES = [
    *[row(f'block size {size}', [value(0, 4, size)], f'block size {size}, expected a power of two')
      for size in (0, 1, 512, MIB // 2, 3 * MIB, 512 * MIB, 0x80000000, 0xffffffff)],
    row('unknown flags of the file', [value(0, 4, 4, 4)], 'flags 0x4', 9),
    row('fixed', [value(0, 4, 1, 4)], '', 0, guest=LARGE),
    *[row(f'logical sectors of {size}', [value(2, 4, size)], f'logical sectors of {size}') for size in (0, 1024, 8192)],
    row('physical sectors of 520', [value(3, 4, 520)], 'physical ones of 520'),
    row('a disk of 0 bytes', [value(1, 8, 0)], 'a disk of 0 bytes'),
    row('half a sector', [value(1, 8, 1000)], 'a disk of 1000 bytes, expected whole sectors'),
    row('half a sector of 4096', [value(2, 4, 4096), value(1, 8, 4608)], 'whole sectors of 4096 bytes'),
    row('more than 64 TiB', [value(1, 8, (64 << 40) + 512)], 'at most 64 TiB'),
    row('a disk of 2^64-512', [value(1, 8, HUGE - 511)], 'at most 64 TiB'),
    row('a BAT that is too small', [value(1, 8, 1 << 40)], 'needs 1048831 entries of 8 bytes'),
    row('a disk of 64 TiB in blocks of 256 MiB is too much for the BAT', [value(1, 8, 64 << 40), value(0, 4, 256 * MIB)],
        'needs 278527 entries of 8 bytes'),
    row('a child\'s BAT counts its bitmaps', [value(1, 8, 127 << 30)], 'needs 131104 entries', image=child()),
]


def entry(title, index, what, part, status=2, **more):
    return row(title, [bat(index, what)], part, status, **more)


STATES = [
    *[entry(f'block in state {state}', 0, 99 * MIB | state, '', 0, guest=bytes(MIB) + LARGE[MIB:])
      for state in (vhdx.NOT_PRESENT, vhdx.UNDEFINED, vhdx.ZERO, vhdx.UNMAPPED)],
    *[entry(f'block in state {state}', 0, state, f'a block in state {state}, expected') for state in (4, 5)],
    entry('block partly present without a parent', 0, vhdx.BLOCKS | vhdx.PARTIAL, 'marked as partly present', 0,
          guest=LARGE, warns=True),
    entry('block partly present without a parent, by check', 0, vhdx.BLOCKS | vhdx.PARTIAL, 'in a disk without a parent',
          command=CHECK),
    entry('reserved bits', 0, BLOCK | 8, 'which are reserved'),
    entry('reserved bits of an absent block', 1, 1 << 19, 'which are reserved'),
    entry('block beyond the end', 0, SIZE | vhdx.PRESENT, 'go beyond the end of the file'),
    entry('block far beyond the end', 0, HUGE >> 20 << 20 | vhdx.PRESENT, 'go beyond the end of the file'),
    entry('block beyond the end, by check', 0, SIZE | vhdx.PRESENT, 'go beyond the end of the file', command=CHECK),
    *[entry(f'block over the {name}', 0, place | vhdx.PRESENT, 'lie over a header, the log, the metadata, or the table')
      for name, place in (('headers', 0), ('log', vhdx.LOG), ('metadata', vhdx.METADATA), ('BAT', vhdx.BAT))],
    entry('blocks that share a place', 1, BLOCK, '', 0, guest=LARGE[:MIB] + LARGE[:MIB] + LARGE[2 * MIB:]),
    entry('blocks that share a place, by check', 1, BLOCK, 'overlaps another one', command=CHECK),
    entry('bitmap entry without a parent', 4096, HUGE, '', 0, guest=LARGE),
]


def pairs(**more):
    return list({'parent_linkage': vhdx.linkage(spoilt.DATA), 'relative_path': '.\\p.vhdx', **more}.items())


BOTH = {'p.vhdx': made(PARENT)}
ZEROS = '{00000000-0000-0000-0000-000000000000}'


def kid(title, part='', status=0, pokes=(), files=None, image=None, **more):
    """Of a differencing disk; where nothing is wrong it holds NEW."""
    more = {'guest': NEW, **more} if status == 0 else more
    return row('child: ' + title, pokes, part, status, image=image or child(), files=BOTH if files is None else files,
               **more)


def renamed(data=PARENT, *pokes):
    return {'other.vhdx': made(data, *pokes)}


def change_locator(at, width, what):
    return little(vhdx.METADATA + vhdx.TABLE + 40 + at, width, what)


PARENTS = [
    kid('its parent is there'),
    kid('its parent was renamed', files=renamed()),
    kid('its parent is not there', 'names the file "p.vhdx"', 2, files={}),
    kid('its parent is another disk', 'was made on the data with id', 2,
        files={'p.vhdx': lambda path: spoilt.save(path, vhdx.dynamic(LARGE, b'another disk 123'))}),
    kid('its parent is raw', 'no VHDX: does not start with', 2, names='p.vhdx', files={'p.vhdx': LARGE}),
    kid('its parent was not closed', files={'p.vhdx': lambda path: spoilt.save(path, vhdx.logged(PARENT, PARENT))}),
    kid('sectors of 4096 on a parent of 512', 'has logical sectors of 4096 bytes', 2, image=lambda: vhdx.differencing(
        LARGE + bytes(512), LARGE + bytes(512), 'p.vhdx', sector=4096)),
    kid('no locator', 'without a parent locator', 2, image=lambda: vhdx.image(
        vhdx.items(len(LARGE), vhdx.HAS_PARENT), {})),
    kid('linkage without braces', image=child(pairs(parent_linkage=vhdx.linkage(spoilt.DATA)[1:-1]))),
    kid('linkage in capitals', image=child(pairs(parent_linkage=vhdx.linkage(spoilt.DATA).upper()))),
    kid('second linkage', image=child(pairs(parent_linkage=vhdx.linkage(b'nobody knows me!'),
                                            parent_linkage2=vhdx.linkage(spoilt.DATA)))),
    kid('linkage that is none', 'expected the form {guid}', 2, image=child(pairs(parent_linkage='{123}'))),
    kid('linkage of zeros', 'no parent_linkage', 2, image=child(pairs(parent_linkage=ZEROS, parent_linkage2=ZEROS)),
        files={'p.vhdx': lambda path: spoilt.save(path, vhdx.dynamic(LARGE, bytes(16)))}),
    kid('second linkage of zeros, parent of zeros', 'was made on the data with id', 2,
        image=child(pairs(parent_linkage2=ZEROS)),
        files={'p.vhdx': lambda path: spoilt.save(path, vhdx.dynamic(LARGE, bytes(16)))}),
    kid('no linkage', 'no parent_linkage', 2, image=child([('relative_path', '.\\p.vhdx')])),
    kid('only the linkage', image=child([('parent_linkage', vhdx.linkage(spoilt.DATA))]), files=renamed()),
    kid('only the absolute path', 'p.vhdx is read instead', image=child([
        ('parent_linkage', vhdx.linkage(spoilt.DATA)), ('absolute_win32_path', 'C:\\vm\\p.vhdx')]), warns=True),
    *[kid(f'relative path {path}', '', 2, image=child(pairs(relative_path=path)), files={})
      for path in ('..\\..\\etc\\passwd', 'C:\\pagefile.sys', '\\\\server\\share\\p.vhdx', '/dev/zero', 'x.vhdx')],
    kid('key twice', 'stands there twice', 2, image=child([*pairs(), ('relative_path', 'x')])),
    kid('257 keys', '257 keys in', 2, image=child([*pairs(), *[(f'k{n}', 'v') for n in range(255)]])),
    kid('no keys', '0 keys in', 2, [change_locator(18, 2, 0)]),
    kid('more keys than bytes', '200 keys in', 2, [change_locator(18, 2, 200)]),
    kid('a key outside', 'expected an even number inside', 2, [change_locator(20, 4, 0xfffffff0)]),
    kid('a value outside', 'expected an even number inside', 2, [change_locator(24, 4, 4000)]),
    kid('a key of odd length', 'a text of 27 bytes', 2, [change_locator(28, 2, 27)]),
    kid('a value of odd length', 'a text of 27 bytes', 2, [change_locator(30, 2, 27)]),
    *[kid(f'a NUL in its {key}', 'a NUL stands before its end', 2, image=child(pairs(**{key: value})))
      for key, value in (('relative_path', '.\\p.vhdx\0.txt'), ('parent_linkage', vhdx.linkage(spoilt.DATA) + '\0'))],
    kid('a text that is no UTF-16', 'UTF-16', 2, [lambda image: image.__setitem__(
        slice(at := image.index('.\\p.vhdx'.encode('utf-16-le')), at + 2), b'\0\xdc')]),
    kid('a value of no length', 'a text of 0 bytes', 2, [change_locator(30, 2, 0)]),
    kid('a locator of another type', 'of the unknown type', 9, [change_locator(0, 1, 0)]),
    kid('no bitmap', 'the bitmap that says which of its sectors are is not', 2, [bat(4096, 0)]),
    kid('no bitmap, by check', 'but the bitmap of its sectors is not', 2, [bat(4096, 0)], command=CHECK),
    kid('bitmap in state 2', 'a bitmap in state 2', 2, [bat(4096, vhdx.BLOCKS | 2)]),
    kid('bitmap in state 7', pokes=[bat(4096, vhdx.BLOCKS | 7)]),
    kid('bitmap over the BAT', 'lie over a header', 2, [bat(4096, vhdx.BAT | 6)]),
    kid('bitmap beyond the end', 'go beyond the end', 2, [bat(4096, 99 * MIB | 6)]),
    kid('bitmap over a block, by check', 'overlaps another one', 2, [bat(4096, vhdx.BLOCKS + MIB | 6)], command=CHECK),
    kid('states 1, 2, 3 hide the parent', pokes=[bat(index, state) for index, state in enumerate((1, 2, 3))],
        guest=bytes(len(LARGE))),
    kid('state 0 shows the parent', pokes=[bat(index, 0) for index in range(3)], guest=LARGE),
    row('child: is its own parent', [], 'a loop', image=child([
        ('parent_linkage', vhdx.linkage(spoilt.KID)), ('relative_path', 'x.vhdx')])),
]

ROWS = FILES + HEADERS + REGIONS + METADATA + VALUES + STATES + PARENTS
