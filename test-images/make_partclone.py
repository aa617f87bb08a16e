# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of Partclone, written from its IMAGE_FORMATS.md and partclone.h. Little-endian."""
import struct
import zlib

from make_content import units

BLOCK = 4096
NONE, CRC32, OLD = 0, 0x20, 0xff
BITS, BYTES = 1, 8


def crc(data, sum_so_far=0xffffffff):
    """CRC-32 whose bits are inverted neither before nor behind."""
    return zlib.crc32(data, sum_so_far ^ 0xffffffff) ^ 0xffffffff


def seal(head):
    """A header of version 2 with its checksum made right."""
    return head[:106] + struct.pack('<I', crc(head[:106]))


def header(device, blocks, used, mode=CRC32, per=16, reseed=1, kind=BITS, block=BLOCK, order=0xc0de):
    head = struct.pack('<16s14s4sH16sQQQQI', b'partclone-image', b'0.3.23', b'0002', order, b'EXTFS', device, blocks, used, used, block)
    return seal(head + struct.pack('<IHHHHIBB', 18, 2, 64, mode, 4 if mode else 0, per if mode else 0, reseed, kind))


def block_map(blocks, used, kind):
    if kind == BYTES:
        return bytes(index in used for index in range(blocks))
    bits = bytearray(-(-blocks // 8))
    for index in used:
        bits[index // 8] |= 1 << index % 8
    return bytes(bits)


def image(content, block=BLOCK, mode=CRC32, per=16, reseed=1, kind=BITS):
    """Blocks of zeros are not used. What is behind the last whole block is left out, as Partclone does."""
    blocks = len(content) // block
    used = dict(units(content[:blocks * block], block))
    if not kind:
        used = {index: content[index * block:(index + 1) * block] for index in range(blocks)}
    out = header(len(content), blocks, len(used), mode, per, reseed, kind, block)
    if kind:
        table = block_map(blocks, used, kind)
        out += table + struct.pack('<I', crc(table))
    stored, total = [data for _, data in sorted(used.items())], 0xffffffff
    for first in range(0, len(stored), per):
        strip = b''.join(stored[first:first + per])
        total = crc(strip, 0xffffffff if reseed else total)
        out += strip + (struct.pack('<I', total) if mode else b'')
    return out


def old(content, block=BLOCK, wide=False, used_told=None):
    """Version 0001: a map of bytes, and a CRC behind every block, which is that of its first byte again and again, and
    runs on. wide: of a program of 64 bits, which wrote 8 bytes for it."""
    blocks = len(content) // block
    used = dict(units(content[:blocks * block], block))
    head = struct.pack('<15s15s4sxxI', b'partclone-image', b'EXTFS', b'0001', block)
    head += struct.pack('<QQQ', len(content), blocks, len(used) if used_told is None else used_told)
    out = head.ljust(4160, b'\0') + block_map(blocks, used, BYTES) + b'BiTmAgIc'
    total = 0xffffffff
    for _, data in sorted(used.items()):
        total = crc(data[:1] * block, total)
        out += data + struct.pack('<Q' if wide else '<I', total)
    return out
