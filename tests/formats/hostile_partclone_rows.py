# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of Partclone: what their fields may not be."""
import struct
import sys

import tap
from hostile_case import CHECK, Row
from hostile_images import LARGE, little, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_partclone as partclone  # pylint: disable=wrong-import-position

SIZE = len(LARGE) // 4096 * 4096
DISK = LARGE[:SIZE]
PLAIN, OLD = partclone.image(DISK, per=2), partclone.old(DISK)
BARE = partclone.image(DISK[:65536], mode=partclone.NONE, kind=0)
XXHASH = [('XXH64', partclone.image(DISK, mode=partclone.XXH64, per=2)), ('XXH128', partclone.image(DISK, mode=partclone.XXH128, per=2))]
COUNT = SIZE // 4096
MAP, DATA = 110, 110 + COUNT // 8 + 4
TOP32, TOP = 0xffffffff, (1 << 64) - 1


def seal(image):
    image[:110] = partclone.seal(bytes(image[:106]))


def row(title, pokes, part, status=2, image=PLAIN, **more):
    return Row('Partclone ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.disk'}, **more))


def field(title, at, width, value, part, status=2, **more):
    """With the header's checksum made right."""
    return row(title, [little(at, width, value), seal], part, status, **more)


def first(title, at, width, value, part, status=2, **more):
    """Of version 0001."""
    return row(title, [little(at, width, value)], part, status, image=OLD, **dict({'warns': True}, **more))


def remap(value):
    """Another first byte of the map, its checksum made right."""
    def poke(image):
        image[MAP] = value
        image[DATA - 4:DATA] = struct.pack('<I', partclone.crc(bytes(image[MAP:DATA - 4])))
    return poke


def flip(at):
    def poke(image):
        image[at] ^= 1
    return poke


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


FORCED = ('convert', '-f', 'partclone', '-O', 'raw', '{}', 'out.raw')
ROWS = [
    row('of 109 bytes', [cut(109)], '109 bytes, a Partclone header has 110'),
    row('of 10 bytes, by name', [cut(10)], 'no "partclone-image" at byte 0', command=FORCED),
    row('of version 0003', [(33, b'3')], 'another version than 0001 and 0002', 9),
    row('whose header has a wrong checksum', [little(52, 8, SIZE + 4096)], 'Partclone header: its checksum is'),
    row('whose map has a wrong checksum', [flip(MAP + 5)], 'map: its checksum is'),
    row('whose map and header disagree', [remap(0xff)], 'blocks in use, the header says'),
    field('of big-endian numbers', 34, 2, 0xdec0, 'made by a machine of big-endian numbers', 9),
    field('of numbers in no order', 34, 2, 0, 'byte order 0x0000, expected 0xc0de'),
    field('2^64 - 1 blocks', 60, 8, TOP, '18446744073709551615 blocks of 4096 bytes on a device of'),
    field('2^52 blocks', 60, 8, 1 << 52, '4503599627370496 blocks of 4096 bytes on a device of'),
    field('one block more than the device', 60, 8, COUNT + 1, f'{COUNT + 1} blocks of 4096 bytes on a device of'),
    field('a device of 2^64 - 1 bytes', 52, 8, TOP, 'a device of 18446744073709551615 bytes; at most'),
    field('more used than there are', 76, 8, COUNT + 1, f'{COUNT + 1} blocks in use of {COUNT}'),
    field('more used than the map has', 76, 8, COUNT, f'blocks in use, the header says {COUNT}'),
    field('fewer used than the map has', 76, 8, 1, 'blocks in use, the header says 1'),
    field('XXH64 of 4 bytes', 96, 2, 0x30, 'checksums of 4 bytes behind every 2 blocks, expected 8 bytes'),
    field('XXH128 of 4 bytes', 96, 2, 0x31, 'checksums of 4 bytes behind every 2 blocks, expected 16 bytes'),
    field('an unknown checksum', 96, 2, 0x21, 'checksum mode 0x21', 9),
    field('checksums of 8 bytes', 98, 2, 8, 'checksums of 8 bytes behind every 2 blocks'),
    field('checksums of 0 bytes', 98, 2, 0, 'checksums of 0 bytes'),
    field('checksums behind no blocks', 100, 4, 0, 'behind every 0 blocks'),
    field('fewer checksums than it has', 100, 4, TOP32, 'are damaged: their checksum is'),
    field('more checksums than it has', 100, 4, 1, 'beyond the end of the file'),
    field('options of 2^32 - 1 bytes', 88, 4, TOP32, 'options of 4294967295 bytes', 9),
    field('no options', 88, 4, 0, 'options of 0 bytes', 9),
    field('options of another version', 92, 2, 3, 'options of 18 bytes and version 3', 9),
    field('an unknown map', 105, 1, 2, 'map mode 2, expected 0', 9),
    field('no map of what is not all used', 105, 1, 0, 'and no map of them'),
    row('no map, and 2^50 blocks', [little(52, 8, 1 << 62), little(60, 8, 1 << 50), little(76, 8, 1 << 50), seal], 'beyond the end of the file', image=BARE),
    row('no map, and so many checksums that their length wraps',
        [little(52, 8, 1 << 62), little(60, 8, 1 << 62), little(76, 8, 1 << 62), little(84, 4, 1), little(96, 2, 0x20), little(98, 2, 4), little(100, 4, 1), seal],
        'beyond the end of the file', image=BARE),
    row('a map of 8 TiB', [little(52, 8, 1 << 62), little(60, 8, 1 << 46), seal], 'a map of 8796093022208 bytes; at most'),
    row('a map beyond the end', [little(52, 8, 1 << 40), little(60, 8, 1 << 28), seal], 'the map ends at byte'),
    row('a damaged block', [flip(DATA + 5)], f'the blocks from byte {DATA} to {DATA + 8192} are damaged'),
    row('a damaged block, by check', [flip(DATA + 5)], f'the blocks from byte {DATA} to {DATA + 8192} are damaged', command=CHECK),
    row('a damaged checksum', [flip(DATA + 8192)], f'the blocks from byte {DATA} to {DATA + 8192} are damaged'),
    row('a damaged block of checksums that run on, by check', [flip(DATA + 8)], 'are damaged: their checksum is', command=CHECK,
        image=partclone.image(DISK, per=2, reseed=0)),
    *[row(f'a damaged block under {name}', [flip(DATA + 5)], f'the blocks from byte {DATA} to {DATA + 8192} are damaged: their checksum is 0x', image=data, command=CHECK)
      for name, data in XXHASH],
    *[row(f'a damaged block under {name} that runs on', [flip(DATA + 8192 + bytes_ + 5)], 'checksum', image=partclone.image(DISK, mode=mode, per=2, reseed=0))
      for name, mode, bytes_ in (('XXH64', partclone.XXH64, 8), ('XXH128', partclone.XXH128, 16))],
    row('a damaged block under XXH64 that runs on, by check', [flip(DATA + 5)], 'are damaged, or not: their checksums run on, and one in front is wrong',
        image=partclone.image(DISK, mode=partclone.XXH64, per=2, reseed=0), command=CHECK),
    row('a damaged block without checksums', [flip(len(BARE) - 1)], '', 0, image=BARE, guest=DISK[:65535] + bytes([DISK[65535] ^ 1])),
    row('cut in its last checksum', [cut(len(PLAIN) - 1)], 'beyond the end of the file'),
    row('with something behind', [lambda image: image.extend(b'more')], '', 0, guest=DISK),
    first('version 0001', 0, 1, ord('p'), 'made wrong by many programs', 0, guest=DISK),
    first('version 0001 with a map of other bytes', 4160, 1, 2, 'map: block 0 is 2, expected 0 or 1'),
    first('version 0001 without the end of its map', 4160 + COUNT, 1, 0, 'no "BiTmAgIc" at byte', warns=False),
    first('version 0001 with 2^64 - 1 blocks', 48, 8, TOP, 'blocks of 4096 bytes on a device of'),
    row('version 0001 cut by a byte', [cut(len(OLD) - 1)], 'with checksums of 4 bytes, or', image=OLD),
    row('version 0001 with something behind', [lambda image: image.extend(b'more')], 'with checksums of 4 bytes, or', image=OLD),
    row('version 0001 cut in its header', [cut(4159)], '4159 bytes, a Partclone header has 4160', image=OLD),
]
ROWS += [field(f'blocks of {size} bytes', 84, 4, size, f'blocks of {size} bytes, expected 1 to') for size in (0, (64 << 20) + 1, 1 << 31, TOP32)]
ROWS += [field(f'blocks of {size} bytes', 84, 4, size, 'are damaged: their checksum is', warns=True) for size in (1, 3)]
