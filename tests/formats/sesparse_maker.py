# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""seSparse extents, which ESXi keeps snapshots in since 6.5, in Python."""
import struct

SECTOR = 512


def sesparse(entries, grains):
    """A seSparse extent of 64 sectors; entries: of its one grain table; grains: their bytes."""
    areas = [(1, 1), (2, 1), (3, 1), (4, 1), (8, 64), (72, 1), (73, 1), (80, 64)]
    header = struct.pack('<10Q', 0xcafebabe, 0x200000001, 64, 8, 64, 0, 0, 0, 0, 0)
    header += b''.join(struct.pack('<2Q', *area) for area in areas)
    image = bytearray(80 * SECTOR)
    image[:len(header)] = header
    struct.pack_into('<Q', image, SECTOR, 0xcafecafe)
    struct.pack_into('<Q', image, 4 * SECTOR, 1 << 60)
    struct.pack_into(f'<{len(entries)}Q', image, 8 * SECTOR, *entries)
    return bytes(image) + grains
