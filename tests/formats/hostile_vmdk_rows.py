# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VMDK: what its fields may not be. Offsets are those of the Virtual Disk Format technote."""
import struct
import zlib

from hostile_case import CHECK, INFO, Row
from hostile_images import (COWD, COWD_TEXT, DIRECTORY, FIRST_GRAIN, FOOTER, LARGE, REDUNDANT, SECTOR, SESPARSE_TEXT,
                            SMALL, SPARSE, STREAM, STREAM_TABLE, TABLE, bomb, descriptor, embedded, get_little, grain,
                            holes, little, sesparse, spoil, vmdk)

HUGE = 0xffffffffffffffff
HEAD = LARGE[:128 * SECTOR]
SPARSE_TEXT = SPARSE[SECTOR:21 * SECTOR].rstrip(b'\0')


def vmdk_row(title, image, part, status=2, **more):
    return Row(title, image, part, status, **dict({'name': 'x.vmdk'}, **more))


def header(title, at, width, value, part, status=2, image=SPARSE, **more):
    return vmdk_row(title, spoil(image, [little(at, width, value)]), part, status, **more)


def both(title, at, width, value, part, **more):
    """The same in the header and the footer of a stream."""
    return vmdk_row(title, spoil(STREAM, [little(at, width, value), little(FOOTER + at, width, value)]), part, **more)


def said(text):
    """SPARSE with its descriptor changed by (old, new)."""
    return embedded(SPARSE_TEXT.replace(*text))


SZ18 = [
    header('SZ18 capacity 2^63 sectors', 12, 8, 1 << 63, 'capacity of 9223372036854775808 sectors'),
    header('SZ18 capacity 2^64 - 1 sectors', 12, 8, HUGE, 'capacity of 18446744073709551615 sectors'),
    header('SZ18 capacity 2^54 sectors', 12, 8, (1 << 54) - 1, 'grain directory of'),
    header('SZ18 capacity less than the descriptor says', 12, 8, 4096, 'the extent\'s header only 4096'),
    vmdk_row('SZ18 the descriptor says more than the header', said((b'RW 4103', b'RW 9999')),
             'the descriptor says 9999'),
    vmdk_row('SZ18 the descriptor says 2^64 - 1 sectors', said((b'RW 4103', b'RW 18446744073709551615')),
             'expected a number of sectors'),
] + [header(f'SZ18 grain size {value}', 20, 8, value, f'grain size of {value} sectors, accepted are')
     for value in (0, 3, 129, 4096, 0x400000, 1 << 32, HUGE)
] + [header(f'SZ18 {value} entries in a grain table', 44, 4, value, f'{value} entries in a grain table')
     for value in (0, 3, 513, 1024, 0xffffffff)
] + [
    header('SZ18 grains of one sector', 20, 8, 1, '', (0, 2)),
    header('SZ18 version 0', 4, 4, 0, 'version 0, accepted are 1 to 3', 9),
    header('SZ18 version 4', 4, 4, 4, 'version 4, accepted are 1 to 3', 9),
    header('SZ18 unknown flags', 8, 4, 0x103, 'flags 0x103', 9),
    header('SZ18 compression algorithm 2', 77, 2, 2, 'compression algorithm 2', 9, image=STREAM),
    header('SZ18 compression without its flag', 77, 2, 1, 'disagree'),
    header('SZ18 compression flag without an algorithm', 77, 2, 0, 'disagree', image=STREAM),
    header('SZ18 compression without markers', 8, 4, 0x10001, 'compressed grains without markers', 9, image=STREAM),
]

SZ19 = [
    header('SZ19 a directory of 0x20000000 entries', 12, 8, 0x20000000 * 512 * 8,
           'grain directory of 536870912 entries'),
    vmdk_row('SZ19 a directory of 0x20000000 entries, by check',
             spoil(SPARSE, [little(12, 8, 0x20000000 * 512 * 8)]), 'grain directory of', 1, command=CHECK),
    header('SZ19 gdOffset 0', 56, 8, 0, '', 0, guest=LARGE),
    header('SZ19 gdOffset beyond the end', 56, 8, 1 << 40, 'reaches beyond the end of the file'),
    header('SZ19 gdOffset that wraps', 56, 8, 1 << 55, 'grain directory at sector 36028797018963968'),
    vmdk_row('SZ19 no directory at all', spoil(SPARSE, [little(48, 8, 0), little(56, 8, 0)]), 'no grain directory'),
    header('SZ19 rgdOffset that wraps, by check', 48, 8, 1 << 55, 'redundant grain directory at byte', command=CHECK),
    header('SZ19 rgdOffset beyond the end, by check', 48, 8, 1 << 40, 'redundant grain directory at byte',
           command=CHECK),
]

SZ20 = [
    header('SZ20 grain at 2^32 bytes', TABLE, 4, 0x00800000, '0x800000 names a grain beyond the end of the file'),
    header('SZ20 grain at 2^32 bytes and 8 MiB', TABLE, 4, 0x00804000, 'names a grain beyond the end of the file'),
    header('SZ20 grain at the last sector', TABLE, 4, len(SPARSE) // SECTOR - 1,
           'names a grain beyond the end of the file'),
    header('SZ20 grain 0xffffffff', TABLE, 4, 0xffffffff, 'names a grain beyond the end of the file'),
    header('SZ20 grain marked as zeros in version 1', TABLE, 4, 1, 'is neither a place in the file nor a mark'),
    header('SZ20 grain table at 2^32 bytes', DIRECTORY, 4, 0x00800000,
           'names a grain table beyond the end of the file'),
    header('SZ20 grain table 0xffffffff', DIRECTORY, 4, 0xffffffff, 'names a grain table beyond the end of the file'),
    header('SZ20 grain beyond the end, by check', TABLE, 4, 0x00800000, 'in the header or beyond the end',
           command=CHECK),
    header('SZ20 grain table beyond the end, by check', DIRECTORY, 4, 0x00800000, 'in the header or beyond the end',
           command=CHECK),
    header('SZ20 packed grain beyond the end', STREAM_TABLE, 4, 0x00800000, 'names a grain beyond the end',
           image=STREAM),
]

SZ21 = [
    vmdk_row('SZ21 no footer', STREAM[:FOOTER - SECTOR], 'no footer at the end of the stream'),
    vmdk_row('SZ21 no end-of-stream marker', STREAM[:-SECTOR], 'no footer at the end of the stream'),
    vmdk_row('SZ21 the header alone', STREAM[:128 * SECTOR], 'no footer at the end of the stream'),
    header('SZ21 the footer says: at the end', FOOTER + 56, 8, HUGE,
           'says again that the grain directory is at the end',
           image=STREAM),
    header('SZ21 footer with another magic', FOOTER, 4, 0, 'no footer at the end of the stream', image=STREAM),
    header('SZ21 footer marker of another type', FOOTER - SECTOR + 12, 4, 2, 'footer marker: size 0 and type 2',
           image=STREAM),
    header('SZ21 footer marker with a size', FOOTER - SECTOR + 8, 4, 9, 'footer marker: size 9', image=STREAM),
    header('SZ21 directory beyond the end', FOOTER + 56, 8, 1 << 40, 'reaches beyond the end of the file',
           image=STREAM),
    header('SZ21 directory that wraps', FOOTER + 56, 8, 1 << 55, 'grain directory at sector', image=STREAM),
] + [header(f'SZ21 footer with another {what}', FOOTER + at, width, value, f'footer: {part}', image=STREAM)
     for what, at, width, value, part in (
         ('version', 4, 4, 2, 'version 2, the header says 3'), ('capacity', 12, 8, 4096, 'capacity 4096, the header'),
         ('grain size', 20, 8, 64, 'grain size 64'), ('number of entries', 44, 4, 256,
                                                      'entries in a grain table 256'),
         ('set of flags', 8, 4, 0x30005, 'flags'))
] + [vmdk_row('SZ21 footer without compression', spoil(STREAM, [little(FOOTER + 77, 2, 0), little(FOOTER + 8, 4, 1)]),
              'footer: flags')]

SZ22 = [
    vmdk_row('SZ22 grain, sound', grain(zlib.compress(HEAD)), '', 0, guest=LARGE),
    vmdk_row('SZ22 grain of size 0', grain(zlib.compress(HEAD), 0), 'size 0, accepted are 1 to 131072'),
    vmdk_row('SZ22 grain of more than twice its size', grain(zlib.compress(HEAD), 131073), 'size 131073'),
    vmdk_row('SZ22 grain of 4 GiB', grain(zlib.compress(HEAD), 0xffffffff), 'size 4294967295'),
    vmdk_row('SZ22 grain that is another', grain(zlib.compress(HEAD), lba=128), 'LBA 128, expected 0'),
    vmdk_row('SZ22 grain past the end', grain(zlib.compress(HEAD), 131072), 'reaches beyond the end of the file'),
    vmdk_row('SZ22 grain too short', grain(zlib.compress(HEAD[:-1])), 'packed unit of guest byte 0'),
    vmdk_row('SZ22 grain of nothing', grain(zlib.compress(b'')), 'packed unit of guest byte 0'),
    vmdk_row('SZ22 grain too long', grain(zlib.compress(HEAD + b'x')), 'packed unit of guest byte 0'),
    vmdk_row('SZ22 grain that inflates to 256 KiB', grain(zlib.compress(bytes(256 << 10))),
             'packed unit of guest byte 0'),
    vmdk_row('SZ22 grain with a wrong Adler-32', grain(zlib.compress(HEAD)[:-1] + b'\xee'),
             'packed unit of guest byte 0'),
    vmdk_row('SZ22 grain without its Adler-32', grain(zlib.compress(HEAD)[:-4]), 'packed unit of guest byte 0'),
    vmdk_row('SZ22 grain of noise', grain(b'\xff' * 400), 'packed unit of guest byte 0'),
    vmdk_row('SZ22 grain of zeros', grain(bytes(400)), 'packed unit of guest byte 0'),
    vmdk_row('SZ22 grain that is another, by check', grain(zlib.compress(HEAD), lba=128), 'LBA 128, expected 0',
             command=CHECK),
    vmdk_row('SZ22 packed grains of 2 MiB and more', spoil(STREAM,
                                                           [little(20, 8, 4096), little(FOOTER + 20, 8, 4096)]),
             'grain size of 4096 sectors'),
    both('SZ22 stream of 2^54 sectors', 12, 8, (1 << 54) - 1, 'grain directory of'),
]

def all_bombs(path):
    with open(path, 'rb') as file:
        pieces = [file.read(1 << 20) == b'bomb' * (1 << 18) for _ in range(64)]
        return all(pieces) and not file.read(1)


def mostly_holes(path, tables=16 << 20, size=8 << 40, grains=()):
    """A file that says that it is long, with a directory without tables; grains: where the first ones stand, sectors."""
    text = vmdk.descriptor('monolithicSparse', [f'RW {tables << 16} SPARSE "x.vmdk"'])
    with open(path, 'wb') as file:
        file.write(vmdk.header(1, 1, tables << 16, 128, 0, 128, 128, 0) + text.ljust(20 * SECTOR, b'\0'))
        if grains:
            file.seek(128 * SECTOR)
            file.write(struct.pack('<I', 129).ljust(SECTOR, b'\0') + struct.pack(f'<{len(grains)}I', *grains))
        file.truncate(size)


def far(title, *grains, part='', status=0):
    """Grains in a file of 40 GiB, of whose tables there is one."""
    def make(path):
        mostly_holes(path, 1, 40 << 30, grains)
    return vmdk_row(f'SZ23 {title}, by check', make, part, status, command=CHECK)


FAR = 36 << 21  # sectors: behind two windows of 16 GiB


SZ23 = [
    far('grains far apart', FAR, 256, FAR + 128, (32 << 21) - 64),
    far('two grains at one far place', FAR, 256, FAR, part='is taken by something else, too', status=2),
    far('two grains over the border of a window', (32 << 21) - 64, 256, (32 << 21) + 32,
        part='is taken by something else, too', status=2),
    vmdk_row('SZ23 a file of 8 TiB that holds nothing, by check', mostly_holes, '', 0, command=CHECK),
    vmdk_row('SZ23 full grains from nothing: 64 MiB', bomb(2), '', 0, guest=all_bombs),
    vmdk_row('SZ23 full grains from nothing: 32 TiB, by info', bomb(1 << 20), 'not looked at to their end', 0,
             command=INFO, warns=True),
    vmdk_row('SZ23 full grains from nothing: 64 GiB, by check', bomb(2048), 'is taken by something else, too',
             command=CHECK),
    vmdk_row('SZ23 packed grains that are shared', spoil(STREAM, [
        little(STREAM_TABLE + 4, 4, FIRST_GRAIN // SECTOR)]), 'LBA 0, expected 128'),
]

SZ24 = [
    vmdk_row(f'SZ24 newline bytes {title}', spoil(SPARSE, [(73, text)]), 'damaged by a transfer in text mode')
    for title, text in (('as Unix writes them', b'\n \n\n'), ('as Windows writes them', b'\r\n \r'),
                        ('zero', bytes(4)))
] + [
    vmdk_row('SZ24 directories differ', spoil(SPARSE, [little(REDUNDANT, 4, 7)]), '', 0, guest=LARGE),
    vmdk_row('SZ24 directories differ, by check', spoil(SPARSE, [little(REDUNDANT, 4, 0)]),
             'does not agree with the grain directory', command=CHECK),
    vmdk_row('SZ24 grain tables differ, by check', spoil(SPARSE, [
        little(get_little(SPARSE, REDUNDANT, 4) * SECTOR + 8, 4, 99)]), 'differs from its redundant copy',
             command=CHECK),
]

SZ25 = [
    header('SZ25 descriptor of 0 sectors', 36, 8, 0, 'a SPARSE extent alone: its descriptor is missing'),
    header('SZ25 descriptor at sector 0', 28, 8, 0, 'a SPARSE extent alone: its descriptor is missing'),
    header('SZ25 descriptor beyond the end', 28, 8, 1 << 30, 'reaches beyond the end of the file'),
    header('SZ25 descriptor that wraps', 28, 8, 1 << 55, 'descriptor of 20 sectors at sector'),
    header('SZ25 descriptor of 2^63 sectors', 36, 8, 1 << 63, 'descriptor of 9223372036854775808 sectors'),
    header('SZ25 descriptor of 1 MiB and more', 36, 8, 2049, 'descriptor of 1049088 bytes, accepted are 1048576'),
    vmdk_row('SZ25 descriptor of zeros', embedded(b''), 'a SPARSE extent alone: its descriptor is missing'),
    vmdk_row('SZ25 descriptor without a NUL', embedded(SPARSE_TEXT.ljust(20 * SECTOR, b'\n')), '', 0, guest=LARGE),
    vmdk_row('SZ25 descriptor cut inside a line', embedded(SPARSE_TEXT.split(b'ddb.geom', maxsplit=1)[0] + b'ddb'),
             'neither a comment, nor KEY=VALUE'),
    vmdk_row('SZ25 descriptor with CRLF', embedded(SPARSE_TEXT.replace(b'\n', b'\r\n')), '', 0, guest=LARGE),
    vmdk_row('SZ25 descriptor with a byte order mark', embedded(b'\xef\xbb\xbf' + SPARSE_TEXT), '', 0, guest=LARGE),
    vmdk_row('SZ25 descriptor that is not in its encoding', said((b'x.vmdk', b'\xff\xfe.vmdk')), '', (0, 2)),
    vmdk_row('SZ25 descriptor in windows-1252', embedded(SPARSE_TEXT.replace(b'UTF-8', b'windows-1252').replace(
        b'x.vmdk', b'\xe4.vmdk')), '', 0, guest=LARGE),
    vmdk_row('SZ25 descriptor in an unknown encoding', embedded(SPARSE_TEXT.replace(b'UTF-8', b'%n%s').replace(
        b'x.vmdk', b'\xe4.vmdk')), 'encoding', 9),
    vmdk_row('SZ25 descriptor with two extents', said((b'"x.vmdk"', b'"x.vmdk"\nRW 1 ZERO')),
             'expected one SPARSE extent'),
    vmdk_row('SZ25 descriptor with a FLAT extent', said((b'SPARSE "x.vmdk"', b'FLAT "x.vmdk" 0')),
             'expected one SPARSE extent'),
    vmdk_row('SZ25 descriptor with a NUL in front of an extent', descriptor('RW 1 ZERO') + b'\0RW 9 ZERO\n', 'a NUL at byte', 0, guest=bytes(512), warns=True),
    vmdk_row('SZ25 descriptor that is filled up', descriptor('RW 1 ZERO').ljust(4096, b'\0'), '', 0, guest=bytes(512)),
    vmdk_row('SZ25 escape sequence in the descriptor', descriptor('RW 1 FL\x1b[2JAT "x" 0'), 'unknown extent type'),
    vmdk_row('SZ25 flat extent beyond its file', descriptor('RW 9 FLAT "a.bin" 0'), 'sectors from sector 0',
             files={'a.bin': SMALL[:4096]}, names='a.bin'),
    vmdk_row('SZ25 flat extent with an offset that wraps', descriptor('RW 1 FLAT "a.bin" 36028797018963967'),
             'sectors from sector 36028797018963967', files={'a.bin': SMALL}, names='a.bin'),
    vmdk_row('SZ25 flat extent with an offset of 2^64', descriptor('RW 1 FLAT "a.bin" 18446744073709551616'),
             'expected an offset in sectors', files={'a.bin': SMALL}),
    vmdk_row('SZ50 ZERO extents of more than 2^63 bytes together',
             descriptor('RW 18014398509481983 ZERO', 'RW 9 ZERO'), 'the disk is larger than'),
    vmdk_row('SZ50 a disk of 0 sectors', descriptor('RW 0 ZERO'), '', 0, guest=b''),
]

def extents(count):
    def make(path):
        with open(path, 'wb') as file:
            file.write(descriptor('RW 1 ZERO'))
            for _ in range(count // 1000):
                file.write(b'RW 1 ZERO\n' * 1000)
    return make


LOOP7 = [
    vmdk_row('LOOP7 descriptor of 1 GiB', holes(descriptor('RW 1 ZERO'), 1 << 30), 'descriptor of 1073741824 bytes'),
    vmdk_row('LOOP7 a million extents', extents(1000000), 'accepted are 1048576'),
    vmdk_row('LOOP7 100000 extents', extents(100000), 'more than 4096 extents'),
    vmdk_row('LOOP7 4096 extents', descriptor(*['RW 1 ZERO'] * 4096), '', 0, guest=bytes(4096 * SECTOR)),
    vmdk_row('LOOP7 4096 extents of one file',
             descriptor(*[f'RW 1 FLAT "a.bin" {number % 81}' for number in range(4096)]),
             '', 0, files={'a.bin': SMALL}),
    vmdk_row('LOOP7 one line of 1 MiB', b'# Disk DescriptorFile\n' + b'x' * ((1 << 20) - 22), 'neither a comment'),
]

LOOP3 = [
    header('LOOP3 directory entry at the directory', DIRECTORY, 4, DIRECTORY // SECTOR, '', (0, 2)),
    header('LOOP3 directory entry at the directory, by check', DIRECTORY, 4, DIRECTORY // SECTOR,
           'is taken by something else, too', command=CHECK),
    header('LOOP3 grain at its table', TABLE, 4, TABLE // SECTOR, '', 0),
    header('LOOP3 grain at its table, by check', TABLE, 4, TABLE // SECTOR, 'is taken by something else, too',
           command=CHECK),
]


def cowd(title, at, value, part, status=2, text=COWD_TEXT, **more):
    return vmdk_row('SZ26 COWD: ' + title, text, part, status,
                    files={'x-delta.vmdk': spoil(COWD, [little(at, 4, value)])},
                    **dict({'names': 'x-delta.vmdk'}, **more))


def esx(title, at, value, part, status=2, **more):
    return vmdk_row('SZ26 seSparse: ' + title, SESPARSE_TEXT, part, status,
                    files={'x-sesparse.vmdk': sesparse([little(at, 8, value)])},
                    **dict({'names': 'x-sesparse.vmdk'}, **more))


COWD_DIRECTORY = 4 * SECTOR
COWD_TABLE = get_little(COWD, COWD_DIRECTORY, 4) * SECTOR
SZ26 = [
    cowd('sound', 0, struct.unpack('<I', b'COWD')[0], '', 0, guest=LARGE),
    cowd('version 2', 4, 2, 'COWD header: version 2', 9),
    cowd('capacity 0xffffffff', 12, 0xffffffff, 'grain directory has 2 entries'),
    cowd('grain size 0', 16, 0, 'COWD header: grain size of 0'),
    cowd('grain size 3', 16, 3, 'COWD header: grain size of 3'),
    cowd('grain size 0x80000000', 16, 0x80000000, 'COWD header: grain size of 2147483648'),
    cowd('directory at sector 0', 20, 0, 'grain directory at sector 0, accepted from 4'),
    cowd('directory beyond the end', 20, 0xffffffff, 'reaches beyond the end of the file'),
    cowd('no directory entries', 24, 0, 'grain directory has 0 entries'),
    cowd('grain table beyond the end', COWD_DIRECTORY, 0xffffffff, 'names a grain table beyond the end of the file'),
    cowd('grain table in the header', COWD_DIRECTORY, 1, 'is neither a place in the file nor'),
    cowd('grain beyond the end', COWD_TABLE, 0xffffffff, 'names a grain beyond the end of the file'),
    cowd('grain in the header', COWD_TABLE, 2, 'names a grain inside the header'),
    vmdk_row('SZ26 COWD: shorter than a header', COWD_TEXT, 'too short for the 2048 bytes of a COWD header',
             files={'x-delta.vmdk': COWD[:2047]}, names='x-delta.vmdk'),
    cowd('less than the descriptor says', 12, 4102, 'the descriptor says 4103 sectors'),
    cowd('not closed cleanly', 1648, 1, 'was not closed cleanly', 0, warns=True, guest=LARGE),
    esx('sound', 0, 0xcafebabe, '', 0, guest=LARGE[:4096] + bytes(60 * SECTOR - 4 * SECTOR)),
    esx('another magic', 0, 0xcafebabf, 'magic 0xcafebabf'),
    esx('version 3', 8, 0x300000001, 'version 0x300000001', 9),
    esx('capacity 2^63 sectors', 16, 1 << 63, 'capacity of 9223372036854775808 sectors'),
    esx('capacity beyond its directory', 16, 1 << 40, 'grain directory has 64 entries'),
    esx('grain size 16', 24, 16, 'grain size of 16 sectors, accepted is 8', 9),
    esx('grain size 0', 24, 0, 'grain size of 0 sectors', 9),
    esx('grain tables of 65 sectors', 32, 65, 'grain tables of 65 sectors', 9),
    esx('unknown flags', 40, 1, 'flags 0x1', 9),
    esx('volatile header with another magic', SECTOR, 1, 'volatile header: magic 0x1'),
    esx('journal not replayed', SECTOR + 24, 1, 'the journal has to be replayed first', 9),
    esx('directory entry of an unknown kind', 4 * SECTOR, 2 << 60, 'is neither a place in the file nor'),
    esx('directory entry beyond the tables', 4 * SECTOR, 1 << 60 | 1, 'is neither a place in the file nor'),
    esx('directory entry with reserved bits', 4 * SECTOR, 1 << 60 | 1 << 40, 'is neither a place in the file nor'),
    esx('table entry of an unknown kind', 8 * SECTOR, 7 << 60, 'is neither a place in the file nor'),
    esx('table entry beyond the end', 8 * SECTOR, 3 << 60 | 1, 'names a grain beyond the end of the file'),
    esx('table entry that wraps', 8 * SECTOR, 0x3fffffffffffffff, 'is neither a place in the file nor'),
] + [esx(f'{what} {title}', at, value, f'seSparse header: {what} at sector {value}')
     for what, at in (('volatile header', 80), ('journal header', 96), ('journal', 112), ('grain directory', 128),
                      ('grain tables', 144), ('free bitmap', 160), ('backmap', 176), ('grains', 192))
     for title, value in (('beyond the end', 1 << 40), ('that wraps', HUGE), ('at the header', 0))
]

INT8 = [header('INT8 not closed cleanly', 72, 1, 1, 'was not closed cleanly', 0, warns=True, guest=LARGE)]

ROWS = (SZ18 + SZ19 + SZ20 + SZ21 + SZ22 + SZ23 + SZ24 + SZ25 + LOOP3 + LOOP7 + SZ26 + INT8)
