# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""QCOW images of version 1, written from what QEMU reads: big-endian, no reference counts."""
import struct

from make_content import deflate, units

BITS = 12
CLUSTER = 1 << BITS
L2_BITS = 6  # the smallest: LARGE has several tables
HEADER = 48
PACKED = 1 << 63


def header(size, backing='', bits=BITS, l2_bits=L2_BITS, encryption=0, version=1):
    """The backing file's name stands behind the header, the L1 table behind both."""
    name = backing.encode()
    level1 = HEADER + -(-len(name) // 8) * 8
    head = struct.pack('>4sIQIIQBBHIQ', b'QFI\xfb', version, HEADER if name else 0, len(name), 0, size, bits, l2_bits, 0,
                       encryption, level1)
    return (head + name).ljust(level1, b'\0')


def image(size, clusters, backing='', packed=False, bits=BITS, l2_bits=L2_BITS, **more):
    """clusters: {index: bytes}. Data of each table stands behind it; packed data may begin anywhere."""
    cluster, per_table = 1 << bits, 1 << l2_bits
    head = header(size, backing, bits, l2_bits, **more)
    tables = -(-size // (cluster * per_table))
    out = bytearray(head + bytes(8 * tables))

    def align():
        out.extend(bytes(-len(out) % cluster))
    for table in range(tables):
        mine = {index: data for index, data in clusters.items() if index // per_table == table}
        if not mine:
            continue
        align()
        at = len(out)
        struct.pack_into('>Q', out, len(head) + 8 * table, at)
        out.extend(bytes(8 * per_table))
        for index, data in sorted(mine.items()):
            stored = deflate(data) if packed else data
            if not packed or len(stored) >= cluster:
                align()
                entry, stored = len(out), data
            else:
                entry = PACKED | len(stored) << (63 - bits) | len(out)
            struct.pack_into('>Q', out, at + 8 * (index % per_table), entry)
            out.extend(stored)
    return bytes(out)


def plain(content, **more):
    return image(len(content), dict(units(content, 1 << more.get('bits', BITS))), **more)


def compressed(content, **more):
    return plain(content, packed=True, **more)


def overlay(content, base, name):
    """What differs from the backing file; there is no entry for zeros, so they are stored."""
    changed = {at // CLUSTER: content[at:at + CLUSTER].ljust(CLUSTER, b'\0') for at in range(0, len(content), CLUSTER)
               if content[at:at + CLUSTER] != base[at:at + CLUSTER]}
    return image(len(content), changed, name)
