# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Compressed loop images: what their fields may not be."""
import sys
import zlib

import tap
from hostile_case import CHECK, Row
from hostile_images import LARGE, big, get_big, holes, put, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_cloop as cloop  # pylint: disable=wrong-import-position

PLAIN = cloop.image(LARGE)
BLOCKS = get_big(PLAIN, 132, 4)
DISK = LARGE.ljust(BLOCKS * cloop.BLOCK, b'\0')
HOLES = 1 << 29  # blocks
TOP32, TOP = 0xffffffff, (1 << 64) - 1


def row(title, pokes, part, status=2, image=PLAIN, **more):
    return Row('cloop ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.cloop'}, **more))


def field(title, at, width, value, part, status=2, **more):
    return row(title, [big(at, width, value)], part, status, **more)


def place(title, number, value, part, status=2, **more):
    """value: a number, or what makes one of the present place."""
    def poke(data):
        at = cloop.HEADER + 8 * number
        put(data, big(at, 8, value(get_big(data, at, 8)) if callable(value) else value))
    return row(title, [poke], part, status, **more)


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


ROWS = [
    Row('cloop a table of 4 GiB that is a hole, by check', holes(spoil(PLAIN[:136], [big(132, 4, HOLES)]), 136 + 8 * HOLES + 9),
        'expected between the table', command=CHECK, name='x.cloop'),
    row('of 135 bytes', [cut(135)], '135 bytes, a cloop header has 136'),
    row('of version 3, by name', [(12, b'3')], 'does not begin as a cloop of version 2.0', 9, command=('convert', '-f', 'cloop', '-O', 'raw', '{}', 'out.raw')),
    row('of version 3', [(12, b'3')], ''),
    row('that is another script', [(10, b'echo')], 'does not begin as a cloop', command=('convert', '-f', 'cloop', '-O', 'raw', '{}', 'out.raw')),
    field('SZ42 no blocks', 132, 4, 0, '', 0, guest=b''),
    field('SZ42 2^32 - 1 blocks', 132, 4, TOP32, 'the table of 4294967295 blocks ends at byte'),
    row('SZ42 2^32 - 1 blocks of 2 MiB', [big(128, 4, 2 << 20), big(132, 4, TOP32)], 'the table of 4294967295 blocks'),
    field('blocks of twice the size', 128, 4, 2 * cloop.BLOCK, 'unpacks to 16384 bytes, expected 32768'),
    field('blocks of half the size', 128, 4, cloop.BLOCK // 2, 'packed unit of guest byte 0'),
    place('SZ42 a block in the header', 0, 0, 'block 0: from byte 0'),
    place('SZ42 a block in the table', 0, cloop.HEADER + 8, 'block 0: from byte 144'),
    place('SZ42 a block beyond the end', BLOCKS, 1 << 40, f'block {BLOCKS - 1}: from byte'),
    place('SZ42 a block at 2^64 - 1', BLOCKS, TOP, f'block {BLOCKS - 1}: from byte'),
    place('SZ42 places that fall', 1, lambda old: old - 1000, 'block 0: from byte'),
    place('SZ42 places that fall, by check', 1, lambda old: old - 1000, 'block 0: from byte', command=CHECK, warns=True),
    place('SZ42 a block of 0 bytes', 1, lambda old: get_big(PLAIN, cloop.HEADER, 8), 'block 0: from byte'),
    place('a block cut by the next', 1, lambda old: old - 1, 'packed unit of guest byte 0'),
    row('cut in its last block', [cut(len(PLAIN) - 1)], f'block {BLOCKS - 1}: from byte'),
    row('with something behind', [lambda image: image.extend(b'more')], '', 0, guest=DISK),
    row('a damaged block', [lambda image: put(image, (len(image) - 1, bytes([image[-1] ^ 1])))], 'packed unit of guest byte'),
    row('a block of much room', [], 'at most 5120 are possible', image=cloop.image(bytes(1024), 512, lambda data: zlib.compress(data).ljust(5121, b'\0'))),
]
ROWS += [field(f'SZ42 blocks of {value} bytes', 128, 4, value, f'blocks of {value} bytes, expected a multiple') for value in (0, 1, 511, TOP32)]
ROWS += [field(f'SZ42 blocks of {value} bytes', 128, 4, value, f'blocks of {value} bytes, at most') for value in ((2 << 20) + 512, 1 << 31)]
