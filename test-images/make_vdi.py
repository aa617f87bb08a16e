# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VDI images, written from the field list of VirtualBox's VDICore.h. Little-endian."""
import struct

from make_content import units

NORMAL, FIXED, UNDO, DIFFERENCING = 1, 2, 3, 4
FREE, ZERO = 0xffffffff, 0xfffffffe
BLOCK = 128 << 10  # the smallest that VirtualBox opens
TABLE = 512
NO_ID = bytes(16)


def modified(uuid):
    """The id of the last change, which is another than the disk's."""
    return bytes(byte ^ 0xff for byte in uuid)


def image(size, kind, uuid, table, blocks, parent=None, extra=0):
    """table: an entry a block; blocks: what the file holds, in its order; parent: its uuid; extra: bytes before each."""
    data = -(-(TABLE + 4 * len(table)) // 512) * 512
    used = sum(entry < ZERO for entry in table)
    out = b'<<< vmferry test >>>\n'.ljust(64, b'\0') + struct.pack('<IIIII', 0xbeda107f, 0x10001, 400, kind, 0)
    out += bytes(256) + struct.pack('<II', TABLE, data) + struct.pack('<IIIII', 0, 0, 0, 512, 0)
    out += struct.pack('<QIIII', size, BLOCK, extra, len(table), used) + uuid + modified(uuid)
    out += (parent + modified(parent) if parent else 2 * NO_ID) + struct.pack('<IIII', 0, 0, 0, 512)
    out = out.ljust(TABLE, b'\0') + struct.pack(f'<{len(table)}I', *table)
    return out.ljust(data, b'\0') + b''.join(b'?' * extra + block for block in blocks)


def fixed(content, uuid):
    count = -(-len(content) // BLOCK)
    return image(len(content), FIXED, uuid, range(count), [content.ljust(count * BLOCK, b'\0')])


def dynamic(content, uuid, extra=0):
    """The last block of the disk is the first of the file."""
    found = list(units(content, BLOCK))[::-1]
    table = [FREE] * -(-len(content) // BLOCK)
    for place, (index, _) in enumerate(found):
        table[index] = place
    return image(len(content), NORMAL, uuid, table, [block for _, block in found], extra=extra)


def differencing(content, parent, uuid, parent_uuid, kind=DIFFERENCING):
    """Blocks that differ; those that are all zeros in the child are only marked."""
    table, blocks = [], []
    for start in range(0, len(content), BLOCK):
        mine = content[start:start + BLOCK]
        if mine == parent[start:start + BLOCK]:
            table.append(FREE)
        elif not mine.strip(b'\0'):
            table.append(ZERO)
        else:
            table.append(len(blocks))
            blocks.append(mine.ljust(BLOCK, b'\0'))
    return image(len(content), kind, uuid, table, blocks, parent_uuid)
