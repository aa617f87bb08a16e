# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VHD images, written from the Virtual Hard Disk Image Format Specification 1.0. Big-endian."""
import struct

from make_content import SECTOR, units

FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
NONE = 0xffffffffffffffff
BLOCK = 16384


def seal(data, at):
    """Sets the checksum at `at`: the one's complement of the sum of the other bytes."""
    data = data[:at] + bytes(4) + data[at + 4:]
    return data[:at] + struct.pack('>I', ~sum(data) & 0xffffffff) + data[at + 4:]


def geometry(sectors):
    """Cylinders, heads and sectors by the specification's algorithm; small disks only."""
    spt, heads = 17, max(4, (sectors // 17 + 1023) // 1024)
    return struct.pack('>HBB', sectors // spt // heads, heads, spt)


def footer(size, kind, uuid):
    data = struct.pack('>8sIIQI4sI4sQQ4sI', b'conectix', 2, 0x10000, NONE if kind == FIXED else SECTOR, 0,
                       b'win ', 0xa0000, b'Wi2k', size, size, geometry(size // SECTOR), kind)
    return seal((data + bytes(4) + uuid).ljust(SECTOR, b'\0'), 64)


def fixed(content, uuid):
    return content + footer(len(content), FIXED, uuid)


def dynamic_header(blocks, parent_uuid=bytes(16), parent_name='', locators=b''):
    data = struct.pack('>8sQQIII', b'cxsparse', NONE, 3 * SECTOR, 0x10000, blocks, BLOCK)
    data += bytes(4) + parent_uuid + bytes(8) + parent_name.encode('utf-16-be').ljust(512, b'\0')
    return seal((data + locators).ljust(2 * SECTOR, b'\0'), 36)


def bitmap(sectors):
    bits = bytearray(SECTOR)
    for number in sectors:
        bits[number // 8] |= 0x80 >> number % 8
    return bytes(bits)


def image(size, kind, uuid, blocks, head, extra=b''):
    """`blocks`: {index: (bitmap, data)}. `extra`: sectors between the table and the first block."""
    count = -(-size // BLOCK)
    table_bytes = -(-4 * count // SECTOR) * SECTOR
    at = 3 * SECTOR + table_bytes + len(extra)
    table, body = [0xffffffff] * count, b''
    for index, (bits, data) in blocks.items():
        table[index] = (at + len(body)) // SECTOR
        body += bits + data
    out = footer(size, kind, uuid) + head
    out += struct.pack(f'>{count}I', *table).ljust(table_bytes, b'\xff') + extra + body
    return out + footer(size, kind, uuid)


def dynamic(content, uuid):
    blocks = {index: (bitmap(range(BLOCK // SECTOR)), unit) for index, unit in units(content, BLOCK)}
    return image(len(content), DYNAMIC, uuid, blocks, dynamic_header(-(-len(content) // BLOCK)))


def differencing(content, parent, uuid, parent_uuid, parent_name):
    """Only the sectors that differ are marked in the bitmaps."""
    blocks = {}
    for start in range(0, len(content), BLOCK):
        mine, theirs = content[start:start + BLOCK], parent[start:start + BLOCK]
        changed = [number for number in range(len(mine) // SECTOR)
                   if mine[number * SECTOR:(number + 1) * SECTOR] != theirs[number * SECTOR:(number + 1) * SECTOR]]
        data = b''.join(mine[number * SECTOR:(number + 1) * SECTOR] if number in changed else b'?' * SECTOR
                        for number in range(BLOCK // SECTOR))
        if changed:
            blocks[start // BLOCK] = (bitmap(changed), data)
    path = ('.\\' + parent_name).encode('utf-16-le')
    count = -(-len(content) // BLOCK)
    place = 3 * SECTOR + -(-4 * count // SECTOR) * SECTOR
    locator = struct.pack('>4sIIIQ', b'W2ru', SECTOR, len(path), 0, place)
    head = dynamic_header(count, parent_uuid, parent_name, locator)
    return image(len(content), DIFFERENCING, uuid, blocks, head, path.ljust(SECTOR, b'\0'))
