# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Tables that lie in holes of the file: many of them are looked at in no time, and what stands between holes is found."""
import struct
import sys

import tap
from hostile_case import CHECK, INFO, Row

sys.path.insert(0, str(tap.IMAGES))
import make_dmg as dmg  # pylint: disable=wrong-import-position
import make_parallels as parallels  # pylint: disable=wrong-import-position
import make_partclone as partclone  # pylint: disable=wrong-import-position
import make_qcow as qcow  # pylint: disable=wrong-import-position
import make_qed as qed  # pylint: disable=wrong-import-position
import make_vmdk as vmdk  # pylint: disable=wrong-import-position

MIB, PAGE = 1 << 20, 4096
TABLES = 256 << 10  # of QCOW2; each has 2 MiB


def sparsely(path, pieces, size):
    """Pieces: {place: bytes}; pages of zeros are left out."""
    with open(path, 'wb') as file:
        for place, data in pieces.items():
            for at in range(0, len(data), PAGE):
                if data[at:at + PAGE].strip(b'\0'):
                    file.seek(place + at)
                    file.write(data[at:at + PAGE])
        file.truncate(size)


def qcow2_header(bits, size, tables, level1):
    return struct.pack('>4sIQIIQIIQQIIQQQQII', b'QFI\xfb', 3, 0, 0, bits, size, 0, tables, level1, 1 << bits, 1, 0, 0, 0, 0, 0, 4, 104)


def qcow2(path, bits, size, tables, level2, data=()):
    """Clusters: header, refcount table, its block, L1 table, L2 tables, data. level2: {byte: entry} of the first L2 table."""
    cluster, all_ = 1 << bits, 4 + tables + len(data)
    table = bytearray(cluster)
    for at, entry in level2.items():
        struct.pack_into('>Q', table, at, entry)
    pieces = {0: qcow2_header(bits, size, tables, 3 * cluster), cluster: struct.pack('>Q', 2 * cluster), 2 * cluster: struct.pack('>H', 1) * all_,
              3 * cluster: struct.pack(f'>{tables}Q', *(1 << 63 | 4 + number << bits for number in range(tables))), 4 * cluster: bytes(table)}
    pieces.update({4 + tables + number << bits: piece for number, piece in enumerate(data)})
    sparsely(path, pieces, all_ << bits)


def qcow2_of_holes(path):
    qcow2(path, 21, TABLES << 39, TABLES, {})


def level1_of_holes(path, snapshots=31, tables=4 << 20):
    """31 snapshots that share an L1 table of 32 MiB, in a file of 64 Mi clusters."""
    entries = b''.join(struct.pack('>QIHHIIQII', 1 << 25, tables, 1, 1, 0, 0, 0, 0, 16) + struct.pack('>QQ', 0, tables << 15) + b'%02d' % number + bytes(6)
                       for number in range(snapshots))
    head = bytearray(qcow2_header(9, tables << 15, tables, 1 << 26))
    struct.pack_into('>IQ', head, 60, snapshots, 4096)
    sparsely(path, {0: bytes(head), 4096: entries}, 64 << 29)


def qed_of_holes(path, tables=256):
    """Tables of 16 clusters of 64 MiB, the most that there can be."""
    cluster, table = 1 << 26, 1 << 30
    head = struct.pack('<4sIIIQQQQQII', b'QED\0', cluster, 16, 1, 0, 0, 0, cluster, tables << 53, 0, 0)
    first = cluster + table
    sparsely(path, {0: head, cluster: struct.pack(f'<{tables}Q', *(first + number * table for number in range(tables)))}, first + tables * table)


def qcow_level1_of_holes(path, entries=1 << 40):
    """An L1 table of 8 TiB, with one entry at its end."""
    head = qcow.header(entries << 22, bits=16, l2_bits=6)
    last = qcow.HEADER + 8 * (entries - 1)
    table = -(-(last + 8) // 65536) * 65536
    sparsely(path, {0: head, last // PAGE * PAGE: bytes(last % PAGE) + struct.pack('>Q', table)}, table + 65536)


def parallels_of_holes(path, entries=(1 << 32) - 1):
    """A BAT of 16 GiB; its last entry is the first cluster."""
    last = 64 + 4 * (entries - 1)
    data = -(-(last + 4) // PAGE) * PAGE
    head = parallels.header(parallels.EXT, entries * 8, 8, entries, data=data // 512)
    sparsely(path, {0: head, last // PAGE * PAGE: bytes(last % PAGE) + struct.pack('<I', data // PAGE)}, data + PAGE)


def vmdk_directory(path, entries, grains):
    """Grain tables of one entry, a page each in front of its grain."""
    sectors, directory = entries * 8, 128 * vmdk.SECTOR
    text = vmdk.descriptor('monolithicSparse', [f'RW {sectors} SPARSE "x.vmdk"'])
    head = bytearray(vmdk.header(1, 1, sectors, 8, 0, 128, 128, 0))
    struct.pack_into('<I', head, 44, 1)
    at, pieces = directory + -(-4 * entries // PAGE) * PAGE, {0: bytes(head) + text}
    for number, grain in grains.items():
        place = directory + 4 * number
        page = pieces.setdefault(place // PAGE * PAGE, bytearray(PAGE))
        struct.pack_into('<I', page, place % PAGE, at // vmdk.SECTOR)
        pieces.update({at: struct.pack('<I', at // vmdk.SECTOR + 8), at + PAGE: grain})
        at += 2 * PAGE
    sparsely(path, pieces, at)


def vmdk_directory_of_holes(path, entries=1 << 38):
    """A grain directory of 1 TiB; its last entry has a table."""
    vmdk_directory(path, entries, {entries - 1: b'z' * PAGE})


def partclone_of_holes(path, mode=partclone.NONE, blocks=1 << 22, block=65536):
    """Used blocks that are holes, as are their checksums, if there are any."""
    sparsely(path, {0: partclone.header(blocks * block, blocks, blocks, mode=mode, per=1, kind=0, block=block)}, 110 + blocks * (block + partclone.SUM_BYTES[mode]))


def dmg_of_holes(path, sectors=1 << 31):
    """1 TiB that is stored as it is, of which there is no checksum."""
    table = bytearray(dmg.table(0, [struct.pack('>IIQQQQ', dmg.STORED, 0, 0, sectors, 0, sectors * dmg.SECTOR)], b''))
    struct.pack_into('>I', table, 64, 0)
    xml = dmg.plist([table])
    image = bytearray(dmg.image(dmg.Fork(), [table], sectors, xml, plist=sectors * dmg.SECTOR, fork_length=sectors * dmg.SECTOR))
    struct.pack_into('>I', image, len(xml) + 80, 0)
    sparsely(path, {sectors * dmg.SECTOR: bytes(image)}, sectors * dmg.SECTOR + len(image))


def dmg_lost_in_a_hole(path):
    """Its stored bytes are gone, as from a copy that was not written to its end."""
    image = dmg.disk(b'stored.. ' * (MIB // 9) + bytes(MIB % 9), [dmg.STORED])
    sparsely(path, {0: bytes(MIB) + image[MIB:]}, len(image))


# A disk of 32 MiB: a table of which the first page and the last hold something.
UNITS = {0: b'a' * PAGE, 5000: b'b' * PAGE, 8191: b'c' * PAGE}
DISK = b''.join(UNITS.get(number, bytes(PAGE)) for number in range(8192))
WIDE = {0: b'a' * 4 * PAGE, 2047: b'c' * 4 * PAGE}
WIDE_DISK = WIDE[0] + bytes(2046 * 4 * PAGE) + WIDE[2047]


def qcow2_between(path):
    qcow2(path, 14, len(WIDE_DISK), 1, {0: 1 << 63 | 5 << 14, 8 * 2047: 1 << 63 | 6 << 14}, WIDE.values())


def qed_between(path):
    image = qed.image(len(DISK), UNITS, table=16)
    sparsely(path, {0: image}, len(image))


def parallels_between(path):
    image = parallels.extended(DISK, cluster=8)
    sparsely(path, {0: image}, len(image))


def vmdk_between(path):
    vmdk_directory(path, len(DISK) // PAGE, UNITS)


def qcow_between(path):
    image = qcow.image(len(DISK), UNITS, l2_bits=13)
    sparsely(path, {0: image}, len(image))


ROWS = [
    Row('HOLE1 262144 L2 tables of QCOW2, by check', qcow2_of_holes, '', 0, command=CHECK),
    Row('HOLE1 an L1 table of 31 snapshots, by check', level1_of_holes, 'reference count too low', command=CHECK),
    Row('HOLE1 an L1 table of QCOW, by check', qcow_level1_of_holes, '', 0, name='x.qcow', command=CHECK),
    Row('HOLE1 an L1 table of QCOW, by map', qcow_level1_of_holes, '', 0, name='x.qcow', command=('map', '{}'), names=''),
    Row('HOLE1 a BAT of Parallels, by check', parallels_of_holes, '', 0, name='x.hds', command=CHECK),
    Row('HOLE1 a BAT of Parallels, by map', parallels_of_holes, '', 0, name='x.hds', command=('map', '{}'), names=''),
    Row('HOLE1 256 L2 tables of QED, by check', qed_of_holes, '', 0, command=CHECK),
    Row('HOLE1 blocks of Partclone without checksums, by checksum', partclone_of_holes, '', 0, command=('checksum', '{}'), names='', warns=True),
    Row('HOLE1 blocks of Partclone with wrong checksums, by check', lambda path: partclone_of_holes(path, partclone.CRC32, 1 << 18, 1 << 20),
        'more findings', command=CHECK, warns=True),
    Row('HOLE1 what a DMG stores as it is, by check', dmg_of_holes, 'nothing vouches for its data', 0, name='x.dmg', command=CHECK),
    Row('HOLE2 what a DMG stored as it is', dmg_lost_in_a_hole, 'the data fork is damaged', name='x.dmg'),
    Row('HOLE2 what a DMG stored as it is, by compare', dmg_lost_in_a_hole, 'the data fork is damaged', 3, name='x.dmg', command=('compare', '{}', '{}')),
    Row('HOLE1 a grain directory of VMDK, by check', vmdk_directory_of_holes, '', 0, name='x.vmdk', command=CHECK),
    Row('HOLE1 a grain directory of VMDK, by info', vmdk_directory_of_holes, '', 0, name='x.vmdk', command=INFO, names=''),
    Row('HOLE1 a grain directory of VMDK, by map', vmdk_directory_of_holes, '', 0, name='x.vmdk', command=('map', '{}'), names=''),
]
for NAME, MAKE, CONTENT in (('QCOW2', qcow2_between, WIDE_DISK), ('QED', qed_between, DISK), ('QCOW', qcow_between, DISK),
                            ('Parallels', parallels_between, DISK), ('VMDK', vmdk_between, DISK)):
    ROWS += [Row(f'HOLE2 a table of {NAME} with a hole between two entries', MAKE, '', 0, guest=CONTENT),
             Row(f'HOLE2 a table of {NAME} with a hole between two entries, by check', MAKE, '', 0, command=CHECK)]
