# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What the test disks hold, and a deflate whose output never changes from one zlib to the next."""
import functools
import struct
import zlib

SECTOR = 512


def sector(number, word='sector'):
    """512 readable bytes that name their own place."""
    return (f'{word} {number:08d}\n'.encode() * SECTOR)[:SECTOR]


def disk(sectors, ranges, word='sector'):
    content = bytearray(sectors * SECTOR)
    for first, end in ranges:
        for number in range(first, end):
            content[number * SECTOR:(number + 1) * SECTOR] = sector(number, word)
    return bytes(content)


# 41472 bytes: data, zeros, data.
SMALL = disk(81, [(0, 16), (48, 81)])

# 2 MiB and 7 sectors: a few islands of data; the last unit of any format is a partial one.
LARGE = disk(4103, [(0, 3), (130, 131), (1000, 1010), (4096, 4103)])

# LARGE with a change in an island, a new island, and an island gone: what a child makes of it.
CHILD = bytearray(LARGE)
CHILD[1002 * SECTOR:1003 * SECTOR] = sector(1002, 'child!')
CHILD[2000 * SECTOR:2004 * SECTOR] = disk(2004, [(2000, 2004)], 'child!')[2000 * SECTOR:]
CHILD[128 * SECTOR:136 * SECTOR] = bytes(8 * SECTOR)
CHILD = bytes(CHILD)


def units(content, size):
    """(index, bytes) of every unit that is not all zeros; the last one is filled up with zeros."""
    for start in range(0, len(content), size):
        unit = content[start:start + size]
        if unit.strip(b'\0'):
            yield start // size, unit.ljust(size, b'\0')


class Bits:
    """A deflate bit stream: values least significant bit first, codes the other way round."""

    def __init__(self):
        self.out, self.hold, self.count = bytearray(), 0, 0

    def value(self, number, width):
        self.hold |= number << self.count
        self.count += width
        while self.count >= 8:
            self.out.append(self.hold & 255)
            self.hold >>= 8
            self.count -= 8

    def code(self, number, width):
        self.value(int(f'{number:0{width}b}'[::-1], 2), width)

    def literal(self, symbol):
        """A symbol of the fixed literal/length code (RFC 1951, 3.2.6)."""
        if symbol < 144:
            self.code(0x30 + symbol, 8)
        elif symbol < 256:
            self.code(0x190 + symbol - 144, 9)
        elif symbol < 280:
            self.code(symbol - 256, 7)
        else:
            self.code(0xc0 + symbol - 280, 8)

    def end(self):
        self.literal(256)
        self.value(0, 7)
        return bytes(self.out)


@functools.lru_cache(maxsize=None)  # the same few chunks are packed for hundreds of images
def deflate(data):
    """One block with the fixed codes; matches only 1 and 16 bytes back, of 258 or 3 to 10 bytes."""
    bits = Bits()
    bits.value(0b011, 3)
    at = 0
    while at < len(data):
        length = distance = 0
        for back in (1, 16):
            same = 0
            while back <= at and same < 258 and at + same < len(data) and data[at + same] == data[at + same - back]:
                same += 1
            if same > length:
                length, distance = same, back
        length = length if length == 258 else min(length, 10)
        if length < 3:
            bits.literal(data[at])
            at += 1
            continue
        bits.literal(285 if length == 258 else 254 + length)
        bits.code(0 if distance == 1 else 7, 5)
        if distance == 16:
            bits.value(3, 2)
        at += length
    return bits.end()


def zlib_stream(data):
    """RFC 1950 around deflate()."""
    return b'\x78\x01' + deflate(data) + struct.pack('>I', zlib.adler32(data))


def pad(data, size):
    return data + bytes(-len(data) % size)
