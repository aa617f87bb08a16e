# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""QCOW2 images, written from QEMU's docs/interop/qcow2.txt. Big-endian, 4 KiB clusters."""
import struct

from make_content import deflate, units

BITS = 12
CLUSTER = 1 << BITS
COPIED, COMPRESSED, ZERO = 1 << 63, 1 << 62, 1


class Image:
    """Clusters are handed out in order; cluster 0 is the header, 1 and 2 the reference counts."""

    def __init__(self, size, version=3):
        self.size, self.version = size, version
        self.clusters = [bytes(CLUSTER)] * 3
        self.counts = [1, 1, 1]
        self.tables = -(-size // (CLUSTER * CLUSTER // 8))

    def add(self, data=bytes(CLUSTER)):
        """Appends clusters and returns the host offset of the first."""
        host = len(self.clusters) * CLUSTER
        for start in range(0, len(data), CLUSTER):
            self.clusters.append(data[start:start + CLUSTER].ljust(CLUSTER, b'\0'))
            self.counts.append(1)
        return host

    def pack(self, unit):
        """Appends a compressed cluster and returns its L2 entry; two never share a host cluster."""
        data = deflate(unit)
        host = self.add(data)
        return COMPRESSED | (-(-len(data) // 512) - 1) << (62 - (BITS - 8)) | host

    def level1(self, entries, copied=COPIED):
        """Writes the L2 tables of {cluster: entry}, then the L1 table; returns the offset of that."""
        per = CLUSTER // 8
        level1 = []
        for number in range(self.tables):
            table = [entries.get(number * per + slot, 0) for slot in range(per)]
            level1.append((self.add(struct.pack(f'>{per}Q', *table)) | copied) if any(table) else 0)
        return self.add(struct.pack(f'>{len(level1)}Q', *level1).ljust(CLUSTER, b'\0'))

    def finish(self, level1, backing='', snapshots=(0, 0), incompatible=0, crypt=0, extensions=b''):
        length = 104 if self.version == 3 else 72
        extensions += bytes(8)
        name_at = length + len(extensions) if backing else 0
        head = struct.pack('>4sIQIIQIIQQIIQ', b'QFI\xfb', self.version, name_at, len(backing), BITS, self.size,
                           crypt, self.tables, level1, CLUSTER, 1, *snapshots)
        if self.version == 3:
            head += struct.pack('>QQQII', incompatible, 0, 0, 4, 104)
        self.clusters[0] = (head + extensions + backing.encode()).ljust(CLUSTER, b'\0')
        self.clusters[1] = struct.pack('>Q', 2 * CLUSTER).ljust(CLUSTER, b'\0')
        self.clusters[2] = struct.pack(f'>{len(self.counts)}H', *self.counts).ljust(CLUSTER, b'\0')
        return b''.join(self.clusters)


def plain(content, version):
    image = Image(len(content), version)
    return image.finish(image.level1({index: image.add(unit) | COPIED for index, unit in units(content, CLUSTER)}))


def compressed(content):
    image = Image(len(content))
    return image.finish(image.level1({index: image.pack(unit) for index, unit in units(content, CLUSTER)}))


def overlay(content, parent, backing, backing_format):
    """What differs from the parent is stored; clusters that became zeros are marked as zeros."""
    image, entries = Image(len(content)), {}
    for start in range(0, len(content), CLUSTER):
        mine = content[start:start + CLUSTER]
        if mine != parent[start:start + CLUSTER]:
            entries[start // CLUSTER] = image.add(mine) | COPIED if mine.strip(b'\0') else ZERO
    name = backing_format.encode()
    extension = struct.pack('>II', 0xe2792aca, len(name)) + name.ljust(-(-len(name) // 8) * 8, b'\0')
    return image.finish(image.level1(entries), backing, extensions=extension)


def snapshot(content, old):
    """The disk holds `content`; its snapshot "before" (id 1) holds `old`. Equal clusters are shared."""
    image = Image(len(content))
    before = {index: image.add(unit) for index, unit in units(old, CLUSTER)}
    now = {}
    for index, unit in units(content, CLUSTER):
        if unit == old[index * CLUSTER:(index + 1) * CLUSTER].ljust(CLUSTER, b'\0'):
            now[index] = before[index]
            image.counts[before[index] // CLUSTER] = 2
        else:
            now[index] = image.add(unit) | COPIED
    before = {index: host | (COPIED if image.counts[host // CLUSTER] == 1 else 0) for index, host in before.items()}
    old_level1 = image.level1(before)
    entry = struct.pack('>QIHHIIQII', old_level1, image.tables, 1, 6, 1700000000, 0, 0, 0, 16)
    entry += struct.pack('>QQ', 0, len(content)) + b'1' + b'before'
    table = image.add(entry.ljust(CLUSTER, b'\0'))
    return image.finish(image.level1(now), snapshots=(1, table))
