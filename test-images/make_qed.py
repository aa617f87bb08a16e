# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""QED images, written from QEMU's specification (docs/interop/qed_spec). Little-endian."""
import struct

from make_content import units

CLUSTER = 4096
ENTRIES = CLUSTER // 8  # of a table of one cluster
BACKING, NEEDS_CHECK, BACKING_RAW = 1, 2, 4
ZERO = 1


def header(size, features=0, backing='', table=1, clusters=1):
    name = backing.encode()
    head = struct.pack('<4sIIIQQQQQII', b'QED\0', CLUSTER, table, clusters, features, 0, 0, clusters * CLUSTER, size,
                       64 if name else 0, len(name))
    return (head + name).ljust(clusters * CLUSTER, b'\0')


def image(size, entries, features=0, backing='', table=1):
    """entries: {cluster: bytes, or ZERO}. Data of each table stands behind it."""
    per_table = table * ENTRIES
    out = bytearray(header(size, features | (BACKING if backing else 0), backing, table) + bytes(table * CLUSTER))
    for number in range(-(-size // (CLUSTER * per_table))):
        mine = {index: what for index, what in entries.items() if index // per_table == number}
        if not mine:
            continue
        at = len(out)
        struct.pack_into('<Q', out, CLUSTER + 8 * number, at)
        out.extend(bytes(table * CLUSTER))
        for index, what in sorted(mine.items()):
            struct.pack_into('<Q', out, at + 8 * (index % per_table), ZERO if what == ZERO else len(out))
            out.extend(b'' if what == ZERO else what)
    return bytes(out)


def plain(content, **more):
    return image(len(content), dict(units(content, CLUSTER)), **more)


def overlay(content, base, name, features=0):
    """What differs from the backing file; zeros are only marked."""
    changed = {}
    for at in range(0, len(content), CLUSTER):
        mine = content[at:at + CLUSTER]
        if mine != base[at:at + CLUSTER]:
            changed[at // CLUSTER] = mine.ljust(CLUSTER, b'\0') if mine.strip(b'\0') else ZERO
    return image(len(content), changed, features, name)
