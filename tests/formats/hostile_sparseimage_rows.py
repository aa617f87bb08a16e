# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Sparse images of Apple: what their fields may not be."""
import sys

import tap
from hostile_case import CHECK, Row
from hostile_images import LARGE, big, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_sparse as sparse  # pylint: disable=wrong-import-position

PLAIN = sparse.image(LARGE)
FULL = sparse.image(b'f' * 512 * 1100, 512)
NEXT = 4096 + 1008 * 512
TOP32, TOP = 0xffffffff, (1 << 64) - 1


def row(title, pokes, part, status=2, image=PLAIN, **more):
    return Row('sparse image ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.sparseimage'}, **more))


def field(title, at, width, value, part, status=2, **more):
    return row(title, [big(at, width, value)], part, status, **more)


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


def repeat(image):
    image[64:68] = image[68:72]


ROWS = [
    row('of 4095 bytes', [cut(4095)], 'node at byte 0 lies beyond the end of the file'),
    row('cut in its last band', [cut(len(PLAIN) - 1)], 'lies beyond the end of the file'),
    row('cut in its last band, by check', [cut(len(PLAIN) - 1)], 'lies beyond the end of the file', 1, command=CHECK),
    field('version 2', 4, 4, 2, 'version 2, flags 0x1, expected version 3', 9),
    field('of other flags', 12, 4, 3, 'flags 0x3', 9),
    field('SZ43 bands of no sectors', 8, 4, 0, 'bands of 0 sectors'),
    field('SZ43 bands of 2^32 - 1 sectors', 8, 4, TOP32, 'of a disk that has 1'),
    field('SZ43 a disk of no sectors', 28, 8, 0, 'a disk of 0 sectors at byte 28'),
    field('SZ43 a disk of 2^64 - 1 sectors', 28, 8, TOP, 'a disk of 18446744073709551615 sectors'),
    row('SZ43 a disk of 2^63 sectors', [big(28, 8, 1 << 63), big(16, 4, 0)], 'a disk of 9223372036854775808 sectors'),
    field('of two sizes', 16, 4, 1, 'of 1 (its lower half) at byte 16'),
    field('a band behind the end of the disk', 64, 4, 514, 'band 514 of a disk that has 513'),
    field('a band at 2^32 - 1', 64, 4, TOP32, 'band 4294967295 of a disk that has 513'),
    row('a band twice', [repeat], 'stands in the file twice'),
    field('a place that is not used', 64, 4, 0, '', 0, guest=LARGE[:4096 * 512].ljust(len(LARGE), b'\0')),
    field('a further node that is not there', 20, 8, 1 << 40, 'the next one at byte 1099511627776, expected at'),
    field('a further node that is the first', 20, 8, 4096, 'the next one at byte 4096, expected at'),
    row('of two nodes', [], '', 0, FULL, guest=b'f' * 512 * 1100),
    field('of two nodes, the next of the second the first', NEXT + 12, 8, 1, 'the next one at byte 1, expected at', image=FULL),
    field('of two nodes, the second no node', NEXT, 4, 0, f'no "sprs" at byte {NEXT}', image=FULL),
    field('of two nodes, the second of another number', NEXT + 4, 4, 1, 'says that it is number 1, expected 0', image=FULL),
    row('of two nodes, cut before the second', [cut(NEXT)], f'node at byte {NEXT} lies beyond the end', image=FULL),
    field('of two nodes, the second missing', 20, 8, 0, 'belong to nothing', 0, image=FULL, guest=bytes(512 * 92) + b'f' * 512 * 1008, warns=True),
]
