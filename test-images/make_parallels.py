# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks of Parallels, written from QEMU's specification (docs/interop/parallels.txt). Little-endian."""
import hashlib
import struct

from make_content import SECTOR, units

IN_USE, CLOSED = 0x746f6e59, 0x312e3276
OLD, EXT = b'WithoutFreeSpace', b'WithouFreSpacExt'
EXTENSION, BITMAP = 0xab234cef23dcea87, 0x20385fae252cb34a


def header(magic, sectors, cluster, entries, data=0, in_use=CLOSED, flags=0, extension=0):
    """cluster, data, extension: sectors."""
    return struct.pack('<16sIIIIIQIIIQ', magic, 2, 16, 100, cluster, entries, sectors, in_use, data, flags, extension)


def old(content, cluster=63, size=None):
    """The last cluster of the disk is the first of the file. size: of the disk, when it is not that of the content."""
    size = len(content) if size is None else size
    found = list(units(content, cluster * SECTOR))[::-1]
    table = [0] * -(-size // (cluster * SECTOR))
    start = -(-(64 + 4 * len(table)) // SECTOR)
    for place, (index, _) in enumerate(found):
        table[index] = start + place * cluster
    head = header(OLD, size // SECTOR, cluster, len(table)) + struct.pack(f'<{len(table)}I', *table)
    return head.ljust(start * SECTOR, b'\0') + b''.join(data for _, data in found)


def dirty_bitmap(at, sectors):
    """An extension of one feature, a bitmap whose only cluster stands at the sector `at`."""
    data = struct.pack('<Q16sII', sectors, b'vmferry-bitmap-1', 128, 1) + struct.pack('<Q', at)
    features = struct.pack('<QQII', BITMAP, 0, len(data), 0) + data + bytes(24)
    return features


def extended(content, cluster=128, bitmap=False, **more):
    """Data in the order of the disk, then the extension and its bitmap."""
    found = list(units(content, cluster * SECTOR))
    table = [0] * -(-len(content) // (cluster * SECTOR))
    first = -(-(64 + 4 * len(table)) // (cluster * SECTOR))  # clusters
    for place, (index, _) in enumerate(found):
        table[index] = first + place
    behind = (first + len(found)) * cluster
    head = header(EXT, len(content) // SECTOR, cluster, len(table), first * cluster,
                  **{'extension': behind if bitmap else 0, **more})
    out = (head + struct.pack(f'<{len(table)}I', *table)).ljust(first * cluster * SECTOR, b'\0')
    out += b''.join(data for _, data in found)
    if bitmap:
        rest = dirty_bitmap(behind + cluster, len(content) // SECTOR).ljust(cluster * SECTOR - 24, b'\0')
        out += struct.pack('<Q', EXTENSION) + hashlib.md5(rest).digest() + rest + b'\xff' * cluster * SECTOR
    return out


TOP, NONE = '{5fbaabe3-6958-40ff-92a7-860e329aab41}', '{00000000-0000-0000-0000-000000000000}'


def bundle(sectors, storages, shots=((TOP, NONE),), parameters='', snapshots='', engine=NONE):
    """DiskDescriptor.xml. storages: (start, end, [(guid, type, file)]); shots: (guid, parent)."""
    def element(name, *inside):
        return f'<{name}>{"".join(map(str, inside))}</{name}>'
    ranges = ''.join(element('Storage', element('Start', start), element('End', end), element('Blocksize', 2048), *(
        element('Image', element('GUID', guid), element('Type', kind), element('File', file)) for guid, kind, file in images))
                     for start, end, images in storages)
    chain = ''.join(element('Shot', element('GUID', guid), element('ParentGUID', parent)) for guid, parent in shots)
    return ("<?xml version='1.0' encoding='UTF-8'?>\n<Parallels_disk_image Version=\"1.0\">" + element(
        'Disk_Parameters', element('Disk_size', sectors), element('LogicSectorSize', 512),
        element('Encryption', element('Engine', engine)), parameters) + element('StorageData', ranges) +
            element('Snapshots', chain, snapshots) + '</Parallels_disk_image>\n').encode()
