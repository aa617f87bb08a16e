# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""QCOW2: what its fields may not be. Offsets are those of QEMU's docs/interop/qcow2.txt."""
import hashlib
import struct

from hostile_case import CHECK, INFO, Row
from hostile_images import (CLUSTER, LARGE, LEVEL1, QCOW2, QCOW2_V2, QCOW2_ZLIB, SECTOR, SNAPSHOT, SNAPSHOTS, big,
                            bitmaps, data_file, deflated, extended, extension, feature_name, get_big, holes,
                            level1_entry, level2_at, level2_entry, overlay, packed, qcow2, qcow2_with, spoil,
                            zstd_cluster, zstd_repeat)

COPIED, COMPRESSED = qcow2.COPIED, qcow2.COMPRESSED
BEFORE = ('convert', '-l', 'before', '-O', 'raw', '{}', 'out.raw')
BACKING = overlay('b.img', 'raw')
HUGE = 0xffffffffffffffff
END = len(QCOW2)


def header(title, at, width, value, part, status=2, image=QCOW2, **more):
    return Row(title, spoil(image, [big(at, width, value)]), part, status, **more)


def spoiled(title, pokes, part, status=2, image=QCOW2, **more):
    return Row(title, spoil(image, pokes), part, status, **more)


SZ04 = [header(f'SZ04 cluster_bits {value}', 20, 4, value, f'cluster_bits {value}, accepted are 9 to 21')
        for value in (0, 8, 22, 31, 32, 63, 64, 255, 0xffffffff)]
SZ04 += [header('SZ04 version 4', 4, 4, 4, 'version 4', command=('info', '-f', 'qcow2', '{}'), status=9),
         Row('SZ04 a file of 40 bytes', QCOW2[:40], 'the file has 40 bytes, a header has 72'),
         Row('SZ04 a file of 80 bytes', QCOW2[:80], 'the file has 80 bytes, a version 3 header')]

SZ05 = [
    header('SZ05 l1_size 0xffffffff', 36, 4, 0xffffffff, 'L1 table: 4294967295 entries, at most'),
    header('SZ05 l1_size one too many', 36, 4, (32 << 20) // 8 + 1, 'L1 table: 4194305 entries, at most 4194304'),
    header('SZ05 l1_size beyond the end', 36, 4, (32 << 20) // 8, 'beyond the end of the file'),
    header('SZ05 l1_size 0', 36, 4, 0, 'L1 table: 0 entries, a disk of 2100736 bytes needs 2'),
    header('SZ05 l1_size one too few', 36, 4, 1, 'L1 table: 1 entries'),
    header('SZ05 l1_table_offset beyond the end', 40, 8, 1 << 40, 'beyond the end of the file'),
    header('SZ05 l1_table_offset that wraps', 40, 8, HUGE - CLUSTER + 1, 'beyond the end of the file'),
    header('SZ05 l1_table_offset not at a cluster', 40, 8, LEVEL1 + 8, 'expected a multiple of the cluster size'),
    header('SZ05 l1_table_offset 0', 40, 8, 0, 'expected a multiple of the cluster size'),
]

SZ06 = [
    header('SZ06 refcount_table_clusters 0xffffffff', 56, 4, 0xffffffff, 'refcount table of 4294967295 clusters'),
    header('SZ06 refcount_table_clusters 0', 56, 4, 0, 'refcount table of 0 clusters, accepted are 1 to'),
    header('SZ06 refcount_table_clusters beyond the end', 56, 4, 2048, 'beyond the end of the file'),
    header('SZ06 refcount_table_offset not at a cluster', 48, 8, CLUSTER + 8,
           'expected a multiple of the cluster size'),
    header('SZ06 refcount_table_offset beyond the end', 48, 8, 1 << 40, 'beyond the end of the file'),
    header('SZ06 refcount_table_offset that wraps', 48, 8, HUGE - CLUSTER + 1, 'beyond the end of the file'),
    header('SZ06 refcount_table_offset 0', 48, 8, 0, 'expected a multiple of the cluster size'),
    spoiled('SZ06 refcount block beyond the end, by check', [big(CLUSTER, 8, 1 << 40)], 'beyond the end of the file',
            command=CHECK),
    spoiled('SZ06 refcount block not at a cluster, by check', [big(CLUSTER, 8, 2 * CLUSTER + 8)],
            'not a multiple of the cluster size', command=CHECK),
    spoiled('SZ06 refcounts all zero, by check', [(2 * CLUSTER, bytes(CLUSTER))], 'reference count', command=CHECK),
]

SZ07 = [header(f'SZ07 refcount_order {value}', 96, 4, value, f'refcount_order {value}, accepted are 0 to 6')
        for value in (7, 31, 64, 255, 0xffffffff)]

SZ08 = [header(f'SZ08 header_length {value}', 100, 4, value, f'header_length {value}, accepted are multiples of 8')
        for value in (0, 72, 103, 105, CLUSTER + 8, 0xffffffff)]
SZ08 += [spoiled('SZ08 header_length beyond the end', [big(20, 4, 21), big(100, 4, 2 << 20)],
                 'its header has 2097152')]

SZ09 = [
    header('SZ09 backing file: offset beyond the first cluster', 8, 8, CLUSTER - 2,
           'backing file name of 5 bytes at byte',
           image=BACKING),
    header('SZ09 backing file: offset beyond the end', 8, 8, 1 << 40, 'backing file name of 5 bytes at byte',
           image=BACKING),
    header('SZ09 backing file: offset that wraps', 8, 8, HUGE - 2, 'backing file name of 5 bytes at byte',
           image=BACKING),
    header('SZ09 backing file: over the header', 8, 8, 96, 'expected between the header (104 bytes)', image=BACKING),
    header('SZ09 backing file: size 0', 16, 4, 0, 'backing file name of 0 bytes, accepted are 1 to 1023',
           image=BACKING),
    header('SZ09 backing file: size 1024', 16, 4, 1024, 'backing file name of 1024 bytes', image=BACKING),
    header('SZ09 backing file: size 0xffffffff', 16, 4, 0xffffffff, 'accepted are 1 to 1023', image=BACKING),
    header('SZ09 backing file: a zero byte in its name', 16, 4, 6, 'a zero byte in the backing file name',
           image=BACKING),
    header('SZ09 backing file: a size without an offset is none', 16, 4, 5, '', 0, guest=LARGE),
]

SZ10 = [
    Row('SZ10 extension of 4 GiB', qcow2_with(struct.pack('>II', 0x6803f857, 0xffffffff)),
        'length 4294967295, at most'),
    Row('SZ10 unknown extension past the area', qcow2_with(struct.pack('>II', 0x12345678, CLUSTER)),
        'length 4096, at most'),
    Row('SZ10 extension past the backing file name', spoil(BACKING, [big(108, 4, 64)]), 'length 64, at most'),
    Row('SZ10 no end of the extensions', qcow2_with(extension(0x12345678, bytes(CLUSTER - 104 - 16))), '', 0,
        guest=LARGE),
    Row('SZ10 odd length', qcow2_with(extension(0x12345678, b'12345')), '', 0, guest=LARGE),
    Row('SZ10 empty backing format', qcow2_with(extension(0xe2792aca, b''), backing='b.img'), 'a name of 0 bytes'),
    Row('SZ10 zero byte in the backing format', qcow2_with(extension(0xe2792aca, b'r\0w'), backing='b.img'),
        'a zero byte in a name'),
] + [Row(f'SZ10 extension 0x{kind:08x} twice', qcow2_with(2 * extension(kind, data)), 'there a second time')
     for kind, data in ((0xe2792aca, b'raw'), (0x6803f857, bytes(48)), (0x44415441, b'd.img'))]

SZ11 = [
    header('SZ11 nb_snapshots 65537', 60, 4, 65537, '65537 snapshots, at most 65536', image=SNAPSHOT),
    header('SZ11 nb_snapshots 0xffffffff', 60, 4, 0xffffffff, '4294967295 snapshots', image=SNAPSHOT),
    header('SZ11 snapshots_offset not at a cluster', 64, 8, SNAPSHOTS + 8, 'snapshot table at byte', image=SNAPSHOT),
    header('SZ11 snapshots_offset beyond the end', 64, 8, 1 << 40, 'snapshot table at byte', image=SNAPSHOT),
    header('SZ11 extra data of 1025 bytes', SNAPSHOTS + 36, 4, 1025,
           '1025 bytes of extra data, accepted are 0 to 1024',
           image=SNAPSHOT, command=BEFORE),
    header('SZ11 extra data of 4 GiB', SNAPSHOTS + 36, 4, 0xffffffff, '4294967295 bytes of extra data',
           image=SNAPSHOT,
           command=INFO),
    header('SZ11 name beyond the end', SNAPSHOTS + 14, 2, 0xffff, 'beyond the end of the file', image=SNAPSHOT,
           command=BEFORE),
    header('SZ11 L1 table smaller than the disk', SNAPSHOTS + 8, 4, 1, 'L1 table of the snapshot: 1 entries',
           image=SNAPSHOT, command=BEFORE),
    header('SZ11 L1 table of 32 GiB', SNAPSHOTS + 8, 4, 0xffffffff, 'L1 table of the snapshot: 4294967295 entries',
           image=SNAPSHOT, command=BEFORE),
    header('SZ11 L1 table beyond the end', SNAPSHOTS, 8, 1 << 40, 'beyond the end of the file', image=SNAPSHOT,
           command=BEFORE),
    header('SZ11 L1 table beyond the end, by check', SNAPSHOTS, 8, 1 << 40, 'a broken L1 table', image=SNAPSHOT,
           command=CHECK),
    header('SZ11 disk of 2^63 bytes', SNAPSHOTS + 48, 8, 1 << 63, 'snapshot "before": a disk of', image=SNAPSHOT,
           command=BEFORE),
]

def long_names(path):
    """A snapshot table with the longest strings and extra data; their bytes are holes of the file."""
    with open(path, 'wb') as file:
        file.write(spoil(SNAPSHOT, [big(60, 4, 600)]))
        entry = SNAPSHOT[SNAPSHOTS:SNAPSHOTS + 12] + struct.pack('>HH20xI', 0xffff, 0xffff, 1024)
        for number in range(600):
            file.seek(SNAPSHOTS + number * -(-(40 + 1024 + 2 * 0xffff) // 8) * 8)
            file.write(entry)
        file.truncate(SNAPSHOTS + (80 << 20))


LOOP6 = [
    header('LOOP6 65536 snapshots, their table cut off', 60, 4, 65536, 'snapshot table: entry', image=SNAPSHOT,
           command=INFO),
    Row('LOOP6 65536 snapshots without names',
        holes(spoil(SNAPSHOT, [big(60, 4, 65536), big(64, 8, len(SNAPSHOT))]), len(SNAPSHOT) + (4 << 20)),
        'only the first', 0, command=INFO, warns=True),
    Row('LOOP6 600 snapshots of 128 KiB', long_names, 'snapshot table: more than 67108864 bytes', command=INFO),
]

SZ12 = [
    header('SZ12 incompatible bit 40', 72, 8, 1 << 40, 'incompatible feature bit 40 is set', 9),
    header('SZ12 incompatible bit 63', 72, 8, 1 << 63, 'incompatible feature bit 63 is set', 9),
    Row('SZ12 incompatible bit with a name', qcow2_with(feature_name(b'quantum'), incompatible=1 << 40),
        'bit 40 (quantum) is set', 9),
    header('SZ12 corrupt bit', 72, 8, 2, 'the corrupt bit is set'),
    header('SZ12 compression bit without its field', 72, 8, 8,
           'compression_type 0 with the compression feature bit set'),
    spoiled('SZ12 compression type without its bit', [big(100, 4, 112), big(104, 1, 1)],
            'compression_type 1 with the compression feature bit clear'),
    spoiled('SZ12 compression type 2', [big(72, 8, 8), big(100, 4, 112), big(104, 1, 2)],
            'compression_type 2, supported', 9),
    header('SZ12 extended L2 with small clusters', 72, 8, 16, 'extended L2 entries with cluster_bits 12'),
    header('SZ12 unknown compatible and autoclear bits', 80, 8, HUGE, '', 0, guest=LARGE),
    Row('SZ12 raw data file with a backing file', qcow2_with(extension(0x44415441, b'd.img'), 'b.img', 4, 2),
        'a raw external data file and a backing file'),
    spoiled('SZ12 data file with snapshots', [big(72, 8, 4), big(60, 4, 1), big(64, 8, CLUSTER)],
            'an external data file and 1 internal snapshots', image=qcow2_with(extension(0x44415441, b'd.img'))),
]

WHOLE = LARGE[:CLUSTER]
NOISE = b''.join(hashlib.sha256(bytes([number])).digest() for number in range(CLUSTER // 32))
SZ13 = [
    Row('SZ13 packed cluster, sound', packed(deflated(WHOLE)), '', 0, guest=WHOLE),
    Row('SZ13 packed cluster beyond the end', spoil(QCOW2_ZLIB, [level2_entry(0, COMPRESSED | 1 << 40)]),
        'compressed data beyond the end of the file'),
    Row('SZ13 packed cluster, reserved bits of its offset',
        spoil(QCOW2_ZLIB, [level2_entry(0, lambda entry: entry | 1 << 56)]), 'compressed, reserved bits are set'),
    Row('SZ13 packed cluster in the header', spoil(QCOW2_ZLIB, [level2_entry(0, COMPRESSED | 104)]),
        'compressed data inside the header'),
    Row('SZ13 packed cluster, too few sectors', packed(deflated(NOISE), 1)[:],
        'packed unit of guest byte 0'),
    Row('SZ13 packed cluster, sectors past the end are not there', spoil(packed(deflated(WHOLE)), [
        level2_entry(0, lambda entry: entry | 15 << 58)]), '', 0, guest=WHOLE),
    Row('SZ13 packed cluster is too short', packed(deflated(WHOLE[:-1])), 'packed unit of guest byte 0'),
    Row('SZ13 packed cluster is too long', packed(deflated(WHOLE + b'x')), 'packed unit of guest byte 0'),
    Row('SZ13 packed cluster inflates to 4 MiB', packed(deflated(bytes(4 << 20))), 'packed unit of guest byte 0'),
    Row('SZ13 packed cluster is no deflate', packed(b'\xff' * 500), 'packed unit of guest byte 0'),
    Row('SZ13 packed cluster, something behind it', packed(deflated(WHOLE), 8, b'\xaa' * 2000), '', 0, guest=WHOLE),
]

SZ14 = [
    spoiled(f'SZ14 L2 entry: reserved bit {bit}', [level2_entry(0, lambda entry, bit=bit: entry | 1 << bit)],
            'reserved bits are set') for bit in (1, 8, 56, 61)
] + [
    spoiled('SZ14 L2 entry not at a cluster', [level2_entry(0, lambda entry: entry + SECTOR)],
            'the offset is not a multiple of the cluster size'),
    spoiled('SZ14 L2 entry beyond the end', [level2_entry(0, COPIED | 1 << 40)], 'data beyond the end of the file'),
    spoiled('SZ14 L2 entry one cluster beyond the end', [level2_entry(0, COPIED | END)],
            'data beyond the end of the file'),
    spoiled('SZ14 L2 entry at the header', [level2_entry(0, COPIED)], 'allocated, but without an offset'),
    spoiled('SZ14 L2 entry: zero bit in version 2', [level2_entry(0, 1)], 'the zero bit is set in a version 2 image',
            image=QCOW2_V2),
    spoiled('SZ14 L1 entry: reserved bits', [level1_entry(0, COPIED | LEVEL1 | 1)], 'L1 entry 0: '),
    spoiled('SZ14 L1 entry not at a cluster', [level1_entry(0, COPIED | CLUSTER + SECTOR)], 'L1 entry 0: '),
    spoiled('SZ14 L1 entry beyond the end', [level1_entry(1, COPIED | 1 << 40)], 'beyond the end of the file'),
    spoiled('SZ14 L1 entry at the end', [level1_entry(1, COPIED | END)], 'beyond the end of the file'),
]


SZ14 += [
    Row('SZ14 extended L2 entry, sound', extended(0xffffffff), '', 0, guest=LARGE[:1 << 14]),
    Row('SZ14 extended L2 entry: allocated and zero', extended(1 | 1 << 32),
        'a subcluster is both allocated and zero'),
    Row('SZ14 extended L2 entry: allocated and zero, by check', extended(1 | 1 << 32), 'both allocated and zero',
        command=CHECK),
    Row('SZ14 extended L2 entry: zero bit', extended(0xffffffff, 1), 'the zero bit is set in an extended entry'),
]


def counted(host, count):
    return big(2 * CLUSTER + 2 * (host // CLUSTER), 2, count)


# What no reference count tells.
LAST = spoil(QCOW2 + b'L' * CLUSTER, [counted(END, 1), level2_entry(1, END | COPIED)])
MAPPED = [
    Row('MAP a cluster at the end, sound, by check', LAST, '', 0, command=CHECK),
    Row('MAP a cluster at the end that is cut, by check', LAST[:-SECTOR], 'data beyond the end of the file',
        command=CHECK),
    spoiled('MAP data without an offset, by check', [level2_entry(1, COPIED)], 'allocated, but without an offset',
            command=CHECK),
    Row('MAP external data at another place, by check', data_file('x.raw'), 'is not the guest\'s', command=CHECK,
        files={'x.raw': LARGE}),
]

TWICE = WHOLE + WHOLE + LARGE[2 * CLUSTER:]
SAME_CLUSTER = spoil(QCOW2, [level2_entry(1, get_big(QCOW2, level2_at(QCOW2), 8))])
SAME_TABLE = spoil(QCOW2, [level1_entry(1, get_big(QCOW2, LEVEL1, 8))])
SZ15 = [
    Row('SZ15 two L2 entries share a cluster', SAME_CLUSTER, '', 0, guest=TWICE),
    Row('SZ15 two L2 entries share a cluster, by check', SAME_CLUSTER, 'reference count too low', command=CHECK),
    Row('SZ15 two L1 entries share a table', SAME_TABLE, '', 0,
        guest=LARGE[:2 << 20] + LARGE[:len(LARGE) - (2 << 20)]),
    Row('SZ15 two L1 entries share a table, by check', SAME_TABLE, 'reference count too low', command=CHECK),
]

LOOP3 = [
    spoiled('LOOP3 L1 entry at the L1 table, by check', [level1_entry(0, COPIED | LEVEL1)],
            'used for different things',
            command=CHECK),
    spoiled('LOOP3 L1 entry at the L1 table', [level1_entry(0, COPIED | LEVEL1)], '', (0, 2)),
    spoiled('LOOP3 L2 entry at the L2 table, by check',
            [level2_entry(1, get_big(QCOW2, LEVEL1, 8))], 'used for different things', command=CHECK),
    spoiled('LOOP3 L2 entry at the L1 table, counted too often, by check',
            [level2_entry(1, LEVEL1), counted(LEVEL1, 5)], 'used for different things',
            command=CHECK, warns=True),
    spoiled('LOOP3 L1 entry at the refcount table, by check', [level1_entry(0, COPIED | CLUSTER)],
            'used for different things', command=CHECK),
]

SZ16 = [
    Row('SZ16 bitmaps, sound', bitmaps(), 'bitmaps of changed blocks stay behind: 1', 0, warns=True, guest=bytes([1]) * CLUSTER),
    Row('SZ16 65536 bitmaps', bitmaps(count=65536), '65536 bitmaps, accepted are 1 to 65535'),
    Row('SZ16 no bitmap', bitmaps(count=0), '0 bitmaps, accepted are 1 to 65535'),
    Row('SZ16 directory too small', bitmaps(size=23), 'directory of 23 bytes'),
    Row('SZ16 directory of 64 MiB and more', bitmaps(size=(64 << 20) + 1), 'directory of 67108865 bytes'),
    Row('SZ16 directory beyond the end', bitmaps(offset=1 << 40), 'directory at byte 1099511627776'),
    Row('SZ16 directory not at a cluster', bitmaps(offset=CLUSTER + 8), 'directory at byte 4104'),
    Row('SZ16 extension of another length', qcow2_with(extension(0x23852875, bytes(16)), autoclear=1),
        'bitmaps extension: length 16, expected 24'),
    Row('SZ16 bitmaps out of date', spoil(bitmaps(count=0), [big(88, 8, 0)]), 'are out of date and are ignored', 0,
        warns=True, guest=bytes([1]) * CLUSTER),
] + [Row(f'SZ16 {title}, by check', image, part, (1, 2), command=CHECK, warns=True) for title, image, part in (
    ('granularity 32', bitmaps(granularity=32), 'granularity_bits 32'),
    ('bitmap table of more than 512 MiB of bits', holes(bitmaps(entries=(1 << 17) + 1), 1 << 21), 'table of 131073 entries, at most'),
    ('bitmap table beyond the end', bitmaps(table=1 << 40), 'beyond the end of the file'),
    ('bitmap table of 32 GiB', bitmaps(entries=0xffffffff), 'beyond the end of the file'))]

SZ17 = [
    header('SZ17 crypt_method 1', 32, 4, 1, 'encrypted (AES)', 10),
    header('SZ17 crypt_method 2', 32, 4, 2, 'no extension says where its header is'),
    header('SZ17 crypt_method 3', 32, 4, 3, 'crypt_method 3, known are 0 to 2'),
    Row('SZ17 encryption header without encryption', qcow2_with(extension(0x0537be77,
                                                                          struct.pack('>QQ', 1 << 40, 1))),
        'an encryption header, but crypt_method 0'),
]

SZ49 = [
    Row('SZ49 conversions of printf in a backing file', overlay('%n%s%n%s', 'raw'), '"%n%s%n%s"'),
    Row('SZ49 escape sequence in a backing file', overlay('\x1b]0;x\x07', 'raw'), '\\x1b]0;x\\x07'),
    Row('SZ49 newline in a backing file', overlay('a\nvmferry: b', 'raw'), '\\x0avmferry: b'),
    Row('SZ49 escape sequence in a feature name', qcow2_with(feature_name(b'\x1b[2J%s'), incompatible=1 << 40),
        '?[2J%s', 9),
    Row('SZ49 escape sequence in a backing format', qcow2_with(extension(0xe2792aca, b'\x1b[2J%n'), 'b.img'),
        '[2J%n', 9, files={'b.img': LARGE}, names='b.img'),
    Row('SZ49 newline and escape sequence in the name of the image', QCOW2[:100], 'the file has 100 bytes',
        name='a\nb\x1b[2J%n.img', names='%n.img'),
    Row('SZ49 a backing file name of 1023 bytes', overlay('x' * 1023, 'raw'), 'xxx..."'),
    Row('SZ49 a backing file name that is not UTF-8',
        spoil(overlay('bbbb', 'raw'), [lambda image: image.__setitem__(slice(image.index(b'bbbb'),
                                                                             image.index(b'bbbb') + 4),
                                                                       b'\xff\xfe\x80a')]), 'names the file'),
]

SZ50 = [
    Row('SZ50 a disk of 0 bytes', spoil(QCOW2, [big(24, 8, 0)]), '', 0, guest=b''),
    Row('SZ50 a disk of 1 byte', spoil(QCOW2, [big(24, 8, 1)]), '', 0, guest=LARGE[:1]),
    Row('SZ50 a disk of 513 bytes', spoil(QCOW2, [big(24, 8, 513)]), '', 0, guest=LARGE[:513]),
    header('SZ50 a disk of 2^63 bytes', 24, 8, 1 << 63, 'a disk of 9223372036854775808 bytes, at most'),
    header('SZ50 a disk of 2^64 - 1 bytes', 24, 8, HUGE, 'a disk of 18446744073709551615 bytes, at most'),
    header('SZ50 a disk of 2^63 - 512 bytes', 24, 8, (1 << 63) - 512, 'L1 table: 2 entries'),
    header('SZ50 a disk of 2^63 - 511 bytes', 24, 8, (1 << 63) - 511, 'at most'),
]


def enormous():
    """2 EiB of zeros: an L1 table of 32 MiB, a hole of the file, is as much as can be."""
    cluster = 1 << 21
    head = struct.pack('>4sIQIIQIIQQIIQQQQII', b'QFI\xfb', 3, 0, 0, 21, 1 << 61, 0, 1 << 22, cluster, cluster, 1, 0,
                       0, 0, 0, 0, 4, 104)
    return holes(head, 17 * cluster)


SZ51 = [
    Row('SZ51 2 EiB of zeros as a VHD', enormous(), 'cannot hold a disk of 2305843009213693952 bytes', 9, names='',
        command=('convert', '{}', 'out.vhd')),
    Row('SZ51 2 EiB of zeros as a VMDK', enormous(), 'a disk of 2305843009213693952 bytes', 9, names='',
        command=('convert', '{}', 'out.vmdk')),
    Row('SZ51 2 EiB of zeros as a raw disk: the file system decides', enormous(), '', (0, 4), names='out.raw'),
]

SZ52 = [
    Row('SZ52 zstd, sound', zstd_cluster(zstd_repeat(2)), '', 0, guest=b'Z' * CLUSTER),
    Row('SZ52 zstd with a window of 8 MiB', zstd_cluster(zstd_repeat(13)), '', 0, guest=b'Z' * CLUSTER),
    Row('SZ52 zstd with a window of 2 GiB, which need not be had', zstd_cluster(zstd_repeat(21)), '', (0, 2),
        guest=b'Z' * CLUSTER),
    Row('SZ52 zstd with a window of 2 TiB', zstd_cluster(zstd_repeat(31)), 'packed unit of guest byte 0'),
    Row('SZ52 zstd too short', zstd_cluster(zstd_repeat(2, CLUSTER - 1)), 'packed unit of guest byte 0'),
    Row('SZ52 zstd too long', zstd_cluster(zstd_repeat(7, CLUSTER + 1)), 'packed unit of guest byte 0'),
    Row('SZ52 zstd that claims 2^62 bytes', zstd_cluster(struct.pack('<IBBQ', 0xfd2fb528, 0xc0, 0, 1 << 62)),
        'packed unit of guest byte 0'),
    Row('SZ52 zstd that is deflate', zstd_cluster(deflated(WHOLE)), 'packed unit of guest byte 0'),
]

INT8 = [header('INT8 dirty bit', 72, 8, 1, 'was not closed cleanly', 0, warns=True, guest=LARGE)]

ROWS = (SZ04 + SZ05 + SZ06 + SZ07 + SZ08 + SZ09 + SZ10 + SZ11 + LOOP6 + SZ12 + SZ13 + SZ14 + SZ15 + MAPPED + LOOP3 +
        SZ16 + SZ17 + SZ49 + SZ50 + SZ51 + SZ52 + INT8)
