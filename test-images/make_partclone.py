# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of Partclone, written from its IMAGE_FORMATS.md and partclone.h. Little-endian."""
import ctypes
import struct
import zlib

from make_content import units

BLOCK = 4096
NONE, CRC32, XXH64, XXH128, OLD = 0, 0x20, 0x30, 0x31, 0xff
SUM_BYTES = {NONE: 0, CRC32: 4, XXH64: 8, XXH128: 16, OLD: 4}
BITS, BYTES = 1, 8


def crc(data, sum_so_far=0xffffffff):
    """CRC-32 whose bits are inverted neither before nor behind."""
    return zlib.crc32(data, sum_so_far ^ 0xffffffff) ^ 0xffffffff


class Pair(ctypes.Structure):
    _fields_ = [('low', ctypes.c_uint64), ('high', ctypes.c_uint64)]


def xxhash(data, mode):
    library = ctypes.CDLL('libxxhash.so.0')
    if mode == XXH64:
        call, call.restype = library.XXH64, ctypes.c_uint64
        return struct.pack('<Q', call(data, ctypes.c_size_t(len(data)), ctypes.c_uint64(0)))
    call, call.restype = library.XXH3_128bits, Pair
    both = call(data, ctypes.c_size_t(len(data)))
    return struct.pack('<QQ', both.low, both.high)


def sums(strips, mode, reseed):
    """What stands behind each strip."""
    if mode == NONE:
        return [b''] * len(strips)
    covered = [strip if reseed else b''.join(strips[:index + 1]) for index, strip in enumerate(strips)]
    return [xxhash(data, mode) if mode in (XXH64, XXH128) else struct.pack('<I', crc(data)) for data in covered]


def seal(head):
    """A header of version 2 with its checksum made right."""
    return head[:106] + struct.pack('<I', crc(head[:106]))


def header(device, blocks, used, mode=CRC32, per=16, reseed=1, kind=BITS, block=BLOCK, order=0xc0de):
    head = struct.pack('<16s14s4sH16sQQQQI', b'partclone-image', b'0.3.23', b'0002', order, b'EXTFS', device, blocks, used, used, block)
    return seal(head + struct.pack('<IHHHHIBB', 18, 2, 64, mode, SUM_BYTES.get(mode, 4), per if mode else 0, reseed, kind))


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
    stored = [data for _, data in sorted(used.items())]
    strips = [b''.join(stored[first:first + per]) for first in range(0, len(stored), per)]
    return out + b''.join(strip + made for strip, made in zip(strips, sums(strips, mode, reseed)))


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
