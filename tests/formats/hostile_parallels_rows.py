# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks of Parallels: what their fields may not be, by QEMU's specification."""
import sys

import tap
from hostile_case import CHECK, INFO, Row
from hostile_images import LARGE, get_little, little, put, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_parallels as parallels  # pylint: disable=wrong-import-position

OLD, EXT = parallels.old(LARGE), parallels.extended(LARGE, bitmap=True)
CLUSTER = 128 * 512  # of EXT
TOP32, TOP = 0xffffffff, (1 << 64) - 1
LENIENT = ('convert', '-U', '-O', 'raw', '{}', 'out.raw')
LOSS = 'bitmaps of changed blocks stay behind: 1'
AT = get_little(EXT, 56, 8) * 512  # the extension


def row(title, pokes, part, status=2, image=OLD, **more):
    return Row('Parallels ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.hds'}, **more))


def field(title, at, width, value, part, status=2, **more):
    return row(title, [little(at, width, value)], part, status, **more)


def entry(title, value, part, status=2, **more):
    """The first entry of the BAT; value: a number, or what makes one of the present entry."""
    def poke(data):
        put(data, little(64, 4, value(get_little(data, 64, 4)) if callable(value) else value))
    return row(title, [poke], part, status, **more)


def ext(title, at, width, value, part, status=0, **more):
    return field(title, at, width, value, part, status, **dict({'image': EXT, 'guest': LARGE, 'warns': True}, **more))


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


ROWS = [
    row('of 63 bytes', [cut(63)], '63 bytes, a Parallels header has 64'),
    row('without its signature', [(0, b'w')], 'at byte 0', command=('convert', '-f', 'parallels', '-O', 'raw', '{}', 'out.raw')),
    field('a BAT of 2^32 - 1 entries', 32, 4, TOP32, 'a BAT of 4294967295 entries ends at'),
    field('a BAT with too few entries', 32, 4, 65, '65 entries of 63 sectors for a disk of 4103 sectors'),
    field('no entries', 32, 4, 0, '0 entries of 63 sectors'),
    field('more sectors than entries', 36, 4, TOP32, '66 entries of 63 sectors for a disk of 4294967295 sectors'),
    field('a word above its sectors', 40, 4, TOP32, '', 0, guest=LARGE),
    ext('2^63 sectors', 36, 8, 1 << 63, 'at most', 2, warns=False),
    ext('2^64 - 1 sectors', 36, 8, TOP, 'at most', 2, warns=False),
    field('no sectors', 36, 8, 0, '', 0, guest=b''),
    row('data that begins in the BAT', [little(48, 4, 1), little(32, 4, 200)], 'data from byte 512 on lies over the BAT'),
    field('data beyond the end', 48, 4, TOP32, 'a cluster at byte'),
    row('a cluster in the BAT', [little(48, 4, 2), little(64, 4, 1)], 'BAT entry 0: a cluster at byte 512, expected between byte 1024'),
    entry('a cluster beyond the end', TOP32, 'BAT entry 0: a cluster at byte 2199023255040'),
    entry('SZ37 a cluster whose place wraps at 32 bits', TOP32, 'BAT entry 0: a cluster at byte 281474976645120', image=EXT,
          warns=True),
    entry('a cluster beyond the end, by check', TOP32, 'BAT entry 0: a cluster at byte', command=CHECK, warns=True),
    entry('a cluster of the second entry, by check', lambda old: old - 63, 'something else is there as well', command=CHECK, warns=True),
    entry('a cluster between two places', lambda old: old - 1, '', 0),
    entry('a cluster between two places, by check', lambda old: old - 1, 'no whole number of clusters behind the first', command=CHECK,
          warns=True),
    entry('nothing where the file has a cluster', 0, '', 0, guest=bytes(63 * 512) + LARGE[63 * 512:]),
    entry('nothing where the file has a cluster, by check', 0, '1 clusters of the file belong to nothing', 3, command=CHECK, warns=True),
    row('cut in its last cluster', [cut(len(OLD) - 1)], 'and the end of the file'),
    field('INT8 that is in use', 44, 4, parallels.IN_USE, 'is in use, or was not closed'),
    field('INT8 that is in use, with -U', 44, 4, parallels.IN_USE, 'read as it is now', 0, guest=LARGE, command=LENIENT, warns=True),
    field('whose maker left its mark', 44, 4, 0x37316470, '', 0, guest=LARGE),
    field('that was never opened', 44, 4, 0, '', 0, guest=LARGE),
    field('that is to be taken as empty', 52, 4, 1, '', 0, guest=bytes(len(LARGE))),
    field('an extension in the old version', 56, 8, TOP, '', 0, guest=LARGE),
    ext('an extension', 0, 1, ord('W'), LOSS),
    ext('no extension', 56, 8, 0, '', warns=False),
    ext('an extension in the header', 56, 8, 1, '', warns=False),
    ext('an extension in the header, by check', 56, 8, 1, 'an extension at sector 1, expected', 2, command=CHECK),
    ext('an extension beyond the end, by check', 56, 8, TOP, 'an extension at sector 18446744073709551615', 2, command=CHECK),
    ext('an extension beyond the end, by info', 56, 8, TOP, '', command=INFO, warns=False, names=''),
    ext('an extension that is none, by check', 56, 8, AT // 512 - 128, 'it does not begin as one', 2, command=CHECK),
    ext('a feature longer than the extension, by check', AT + 40, 4, TOP32, 'a feature of 4294967295 bytes', 2, command=CHECK),
    ext('a feature that is to be known by writers', AT + 32, 8, 1, LOSS),
    ext('an unknown feature', AT + 24, 8, 77, '', warns=False),
    ext('a bitmap of more clusters than listed, by check', AT + 48 + 28, 4, TOP32, 'a dirty bitmap of 4294967295 clusters', 2, command=CHECK),
    ext('a bitmap over data, by check', AT + 80, 8, 128, 'a dirty bitmap at byte 65536: something else', 2, command=CHECK),
    ext('a bitmap beyond the end, by check', AT + 80, 8, TOP, 'clusters of the file belong to nothing', 3, command=CHECK),
]
ROWS += [field(f'version {version}', 16, 4, version, f'version {version}, expected 2', 9) for version in (0, 1, 3, TOP32)]
ROWS += [field(f'SZ37 clusters of {count} sectors', 28, 4, count, f'clusters of {count} sectors') for count in (0, 1 << 22, TOP32)]
