# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""QED: what its fields may not be, by QEMU's specification."""
import sys

import tap
from hostile_case import CHECK, Row
from hostile_images import LARGE, SMALL, get_little, little, put, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_qed as qed  # pylint: disable=wrong-import-position

PLAIN = qed.plain(LARGE)
CLUSTER, TOP = qed.CLUSTER, (1 << 64) - 1
LEVEL1 = CLUSTER
LEVEL2 = get_little(PLAIN, LEVEL1, 8)
DIRTY = [little(16, 8, qed.NEEDS_CHECK)]
LENIENT = ('convert', '-U', '-O', 'raw', '{}', 'out.raw')


def row(title, pokes, part, status=2, image=PLAIN, **more):
    return Row('QED ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.qed'}, **more))


def field(title, at, width, value, part, status=2, **more):
    return row(title, [little(at, width, value)], part, status, **more)


def entry(title, value, part, status=2, **more):
    def poke(data):
        put(data, little(LEVEL2, 8, value(get_little(data, LEVEL2, 8)) if callable(value) else value))
    return row(title, [poke], part, status, **more)


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


def named(name, features=0, pokes=()):
    return spoil(qed.image(len(LARGE), {}, features, name), pokes)


ROWS = [
    row('of 63 bytes', [cut(63)], '63 bytes, a QED header has 64'),
    row('without its signature', [(3, b'.')], 'no QED signature', command=('convert', '-f', 'qed', '-O', 'raw', '{}', 'out.raw')),
    field('an L1 table in the header', 40, 8, 0, 'the L1 table of 4096 bytes at byte 0'),
    field('an L1 table at no cluster', 40, 8, CLUSTER + 512, 'at byte 4608, expected a multiple'),
    field('an L1 table beyond the end', 40, 8, 1 << 40, 'expected a multiple of the cluster size between'),
    field('an L1 table at 2^64 - 4096', 40, 8, (1 << 64) - CLUSTER, 'expected a multiple of the cluster size between'),
    field('a disk of an odd byte', 48, 8, len(LARGE) + 1, 'expected a multiple of 512'),
    field('a disk that its tables cannot hold', 48, 8, (512 * 512 + 1) * CLUSTER, 'and 262144 clusters of 4096 bytes at most'),
    field('a disk of 2^63 bytes', 48, 8, 1 << 63, 'clusters of 4096 bytes at most'),
    field('a disk of 2^64 - 512 bytes', 48, 8, (1 << 64) - 512, 'clusters of 4096 bytes at most'),
    field('unknown compatible features', 24, 8, TOP, '', 0, guest=LARGE),
    field('unknown features to be cleared', 32, 8, TOP, '', 0, guest=LARGE),
    row('INT8 that was not closed', DIRTY, 'was not closed, its tables may be wrong: qemu-img check'),
    row('INT8 that was not closed, with -U', DIRTY, 'read as it is', 0, guest=LARGE, command=LENIENT, warns=True),
    row('INT8 that was not closed, by check', DIRTY, 'was not closed', 1, command=CHECK),
    field('an L2 table at no cluster', LEVEL1, 8, LEVEL2 + 8, 'L1 entry 0: an L2 table of 4096 bytes'),
    field('an L2 table in the header', LEVEL1, 8, 1, 'L1 entry 0: an L2 table'),
    field('an L2 table beyond the end', LEVEL1, 8, 1 << 40, 'L1 entry 0: an L2 table'),
    field('an L2 table that is the L1 table', LEVEL1, 8, LEVEL1, '', 0),
    field('an L2 table that is the L1 table, by check', LEVEL1, 8, LEVEL1, 'an L2 table at byte 4096: something else', command=CHECK,
          warns=True),
    field('an L2 table that is another entry\'s, by check', LEVEL1 + 8, 8, LEVEL2, 'an L2 table at byte 8192: something else',
          command=CHECK, warns=True),
    entry('data at byte 2', 2, 'data at byte 2, expected a multiple'),
    entry('data at byte 4095', 4095, 'data at byte 4095, expected a multiple'),
    entry('data in the header', 0x80 << 56, 'expected a multiple of the cluster size behind the header'),
    entry('data at no cluster', lambda old: old + 512, 'expected a multiple of the cluster size'),
    entry('data beyond the end', 1 << 40, 'the data before the end of the file'),
    entry('data beyond the end, by check', 1 << 40, 'the data before the end of the file', command=CHECK, warns=True),
    entry('data that is the table, by check', LEVEL2, 'a data cluster at byte 8192: something else', command=CHECK, warns=True),
    entry('zeros instead of data', qed.ZERO, '', 0, guest=bytes(CLUSTER) + LARGE[CLUSTER:]),
    entry('zeros instead of data, by check', qed.ZERO, '1 clusters of the file belong to nothing', 3, command=CHECK, warns=True),
    row('cut in its last cluster', [cut(len(PLAIN) - CLUSTER + 7 * 512 - 1)], 'the data before the end of the file'),
    row('a backing name of 1024 bytes', [], 'name of 1024 bytes, expected 1 to 1023', image=named('b.raw', pokes=[little(60, 4, 1024)])),
    row('a backing name of 0 bytes', [], 'name of 0 bytes', image=named('b.raw', pokes=[little(60, 4, 0)])),
    row('a backing name over the header', [], 'expected between byte 64', image=named('b.raw', pokes=[little(56, 4, 63)])),
    row('a backing name behind the header', [], 'the end of the header (4096 bytes)', image=named('b.raw', pokes=[little(56, 4, 4092)])),
    row('a backing name at 2^32 - 1', [], 'the end of the header (4096 bytes)', image=named('b.raw', pokes=[little(56, 4, 0xffffffff)])),
    row('a backing name with a zero byte', [], 'a zero byte in the backing file name', image=named('b.raw', pokes=[(64, b'\0')])),
    row('a backing name without its feature', [], '', 0, image=named('b.raw', pokes=[little(16, 8, 0)]), guest=bytes(len(LARGE))),
    row('a backing file outside', [], '../../etc/passwd', image=named('../../etc/passwd')),
    row('a backing file that is a device', [], '/dev/zero', image=named('/dev/zero')),
    row('a backing file that is itself', [], 'a loop', image=named('x.qed')),
    row('a shorter backing file', [], '', 0, image=named('b.img', qed.BACKING_RAW), files={'b.img': SMALL},
        guest=SMALL.ljust(len(LARGE), b'\0')),
    row('a raw backing file that looks like a QED', [], '', 0, image=named('b.img', qed.BACKING_RAW),
        files={'b.img': PLAIN}, guest=PLAIN.ljust(len(LARGE), b'\0')[:len(LARGE)], warns=True),
]
ROWS += [field(f'SZ44 clusters of {size} bytes', 4, 4, size, f'clusters of {size} bytes') for size in (0, 1, 2048, 3000, 1 << 27, 0xffffffff)]
ROWS += [field(f'SZ44 tables of {count} clusters', 8, 4, count, f'tables of {count} clusters') for count in (0, 3, 32, 0xffffffff)]
ROWS += [field(f'SZ44 a header of {count} clusters', 12, 4, count, f'a header of {count} clusters') for count in (0, 1000, 0xffffffff)]
ROWS += [field(f'SZ44 feature {bit}', 16, 8, 1 << bit, f'features 0x{1 << bit:x}', 9) for bit in (3, 40, 63)]
