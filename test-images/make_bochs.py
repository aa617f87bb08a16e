# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Growing disks of Bochs, written from its development guide ("Harddisk Images based on redologs"). Little-endian."""
import struct

from make_content import SECTOR, units

FREE = 0xffffffff
EXTENT = 16 * SECTOR
BITMAP = 1


def header(size, entries, extent=EXTENT, bitmap=BITMAP, version=0x20000, subtype=b'Growing'):
    head = struct.pack('<32s16s16sIIIII', b'Bochs Virtual HD Image', b'Redolog', subtype, version, SECTOR, entries, bitmap, extent)
    return (head + (struct.pack('<Q', size) if version == 0x10000 else struct.pack('<IQ', 0, size))).ljust(SECTOR, b'\0')


def growing(content, extent=EXTENT, **more):
    """The last extent of the disk is the first of the file. Sectors that were not written are '?' in the file."""
    entries, out = [FREE] * -(-len(content) // extent), b''
    bitmap = -(-extent // SECTOR // 8)
    for place, (index, data) in enumerate(list(units(content, extent))[::-1]):
        entries[index] = place
        sectors = [data[at:at + SECTOR] for at in range(0, extent, SECTOR)]
        bits = bytearray(-(-bitmap // SECTOR) * SECTOR)
        for number, sector in enumerate(sectors):
            bits[number // 8] |= bool(sector.strip(b'\0')) << number % 8
        out += bytes(bits) + b''.join(sector if sector.strip(b'\0') else b'?' * SECTOR for sector in sectors)
    return header(len(content), len(entries), extent, bitmap, **more) + struct.pack(f'<{len(entries)}I', *entries) + out
