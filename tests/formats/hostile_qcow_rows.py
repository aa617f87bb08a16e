# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""QCOW version 1: what its fields may not be, by what QEMU opens."""
import sys

import tap
from hostile_case import CHECK, Row
from hostile_images import LARGE, SMALL, big, get_big, put, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_qcow as qcow  # pylint: disable=wrong-import-position

PLAIN, PACKED = qcow.plain(LARGE), qcow.compressed(LARGE)
CLUSTER, TOP = qcow.CLUSTER, (1 << 64) - 1
LEVEL1 = qcow.HEADER
LEVEL2 = get_big(PLAIN, LEVEL1, 8)
FORCED = ('convert', '-f', 'qcow', '-O', 'raw', '{}', 'out.raw')


def row(title, pokes, part, status=2, image=PLAIN, **more):
    return Row('QCOW ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.qcow'}, **more))


def field(title, at, width, value, part, status=2, **more):
    return row(title, [big(at, width, value)], part, status, **more)


def entry(title, value, part, status=2, image=PLAIN, slot=0, **more):
    """An entry of the first L2 table; value: a number, or what makes one of the present entry."""
    def poke(data):
        at = get_big(data, LEVEL1, 8) + 8 * slot
        put(data, big(at, 8, value(get_big(data, at, 8)) if callable(value) else value))
    return row(title, [poke], part, status, image, **more)


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


def named(name, **pokes):
    return spoil(qcow.image(len(LARGE), {}, name), pokes.get('pokes', []))


ROWS = [
    row('of 47 bytes', [cut(47)], '47 bytes, a QCOW header has 48'),
    row('without its signature', [(0, b'q')], 'no QCOW signature', command=FORCED),
    field('of version 2, by name', 4, 4, 2, 'version 2, expected 1; say -f qcow2', 9, command=FORCED),
    field('of version 2^32 - 1', 4, 4, 0xffffffff, 'the content matches no known format'),
    field('encrypted by AES', 36, 4, 1, 'encrypted (AES)', 10),
    field('encrypted by method 2', 36, 4, 2, 'encryption method 2', 9),
    field('a disk of 0 bytes', 24, 8, 0, 'a disk of 0 bytes'),
    field('a disk of 1 byte', 24, 8, 1, 'a disk of 1 bytes'),
    field('SZ01 a disk of 2^63 bytes', 24, 8, 1 << 63, 'at most'),
    field('SZ01 a disk of 2^64 - 1 bytes', 24, 8, TOP, 'at most'),
    field('SZ01 a disk of 152 TiB in a small file', 24, 8, 152 << 40, 'the L1 table of'),
    field('a size of no whole sectors', 24, 8, len(LARGE) - 1, 'it ends at', 0, guest=LARGE[:-512], warns=True),
    field('an L1 table in the header', 40, 8, 47, 'the L1 table of 9 entries at byte 47'),
    field('an L1 table at 0', 40, 8, 0, 'at byte 0 does not lie'),
    field('an L1 table at 2^64 - 1', 40, 8, TOP, 'does not lie between'),
    field('an L1 table cut by the end', 40, 8, len(PLAIN) - 71, 'does not lie between'),
    field('an L2 table at no cluster', LEVEL1, 8, LEVEL2 + 8, 'L1 entry 0: an L2 table of 512 bytes'),
    field('an L2 table beyond the end', LEVEL1, 8, 1 << 40, 'L1 entry 0: an L2 table'),
    field('an L2 table at 2^64 - 4096', LEVEL1, 8, (1 << 64) - CLUSTER, 'L1 entry 0: an L2 table'),
    field('an L2 table that is another entry\'s', LEVEL1 + 8, 8, LEVEL2, '', 0),
    field('an L2 table that is another entry\'s, by check', LEVEL1 + 8, 8, LEVEL2, 'an L2 table at byte 4096: something else',
          command=CHECK, warns=True),
    entry('an L2 table that is its own data', LEVEL2, '', 0),
    entry('an L2 table that is its own data, by check', LEVEL2, 'a data cluster at byte 4096: something else', command=CHECK, warns=True),
    entry('data at no cluster', lambda old: old + 512, 'no place of a cluster behind the header'),
    entry('data in the header', 1, 'no place of a cluster behind the header'),
    entry('data beyond the end', 1 << 40, 'data beyond the end of the file'),
    entry('data beyond the end, by check', 1 << 40, 'data beyond the end of the file', command=CHECK, warns=True),
    row('cut in its last cluster', [cut(len(PLAIN) - CLUSTER + 7 * 512 - 1)], 'data beyond the end of the file'),
    row('cut behind the end of the disk', [cut(len(PLAIN) - CLUSTER + 7 * 512)], '', 0, guest=LARGE),
    entry('no data where the file has some', 0, '', 0, guest=bytes(CLUSTER) + LARGE[CLUSTER:]),
    entry('no data where the file has some, by check', 0, '1 clusters of the file belong to nothing', 3, command=CHECK, warns=True),
    entry('packed data of 0 bytes', lambda old: old & ~(4095 << 51), 'packed data of 0 bytes', image=PACKED),
    entry('packed data in the header', qcow.PACKED | 100 << 51 | 8, 'packed data inside the header', image=PACKED),
    entry('packed data beyond the end', lambda old: old | 1 << 50, 'packed data beyond the end', image=PACKED),
    entry('packed data cut by its entry', lambda old: (old & ~(4095 << 51)) | 5 << 51, 'packed unit of guest byte 0', image=PACKED),
    entry('packed data that is none', qcow.PACKED | 4095 << 51 | LEVEL2, 'packed unit of guest byte 0', image=PACKED),
    row('packed data that is too short', [], 'packed unit of guest byte 0',
        image=spoil(qcow.image(CLUSTER, {}), [big(LEVEL1, 8, CLUSTER)]).ljust(CLUSTER, b'\0') +
        spoil(bytes(512), [big(0, 8, qcow.PACKED | 7 << 51 | 2 * CLUSTER)]).ljust(CLUSTER, b'\0') + b'\x4b\x04\x00\0\0\0\0'),
    row('a backing name of 1024 bytes', [big(16, 4, 1024)], 'name of 1024 bytes, expected 1 to 1023', image=named('b.raw')),
    row('a backing name of 0 bytes', [big(16, 4, 0)], 'name of 0 bytes', image=named('b.raw')),
    row('a backing name in the header', [big(8, 8, 40)], 'it lies in the header', image=named('b.raw')),
    row('a backing name in the L1 table', [big(8, 8, 60)], 'or the L1 table', image=named('b.raw')),
    row('a backing name beyond the end', [big(8, 8, TOP)], 'beyond the end of the file', image=named('b.raw')),
    row('a backing name with a zero byte', [(48, b'\0')], 'a zero byte in the backing file name', image=named('b.raw')),
    row('a backing file outside', [], '../../etc/passwd', image=named('../../etc/passwd')),
    row('a backing file that is a device', [], '/dev/zero', image=named('/dev/zero')),
    row('a backing file that is missing', [], 'b.raw', image=named('b.raw')),
    row('a backing file that is itself', [], 'a loop', image=named('x.qcow')),
    row('two that are each other\'s backing file', [], 'a loop', image=named('b.qcow'), files={'b.qcow': named('x.qcow')}, names='b.qcow'),
    row('a shorter backing file', [], '', 0, image=named('b.img'), files={'b.img': SMALL}, guest=SMALL.ljust(len(LARGE), b'\0'), warns=True),
]
ROWS += [field(f'SZ02 clusters of 2^{bits} bytes', 32, 1, bits, f'clusters of 2^{bits} bytes') for bits in (0, 8, 17, 255)]
ROWS += [field(f'SZ02 tables of 2^{bits} entries', 33, 1, bits, f'L2 tables of 2^{bits} entries') for bits in (0, 5, 14, 255)]
