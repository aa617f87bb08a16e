# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of evidence as EnCase 6 makes them (E01), written from libewf's description of the format. Little-endian."""
import hashlib
import struct
import zlib

from make_content import SECTOR, zlib_stream

MAGIC = b'EVF\x09\x0d\x0a\xff\0'
HEADER, SECTION, VOLUME = 13, 76, 1052
CHUNK_SECTORS = 64
PACKED = 1 << 31
GUID = b'vmferry-evidence'


def summed(data):
    return data + struct.pack('<I', zlib.adler32(data))


def section(kind, at, data=b'', size=None, following=None):
    size = SECTION + len(data) if size is None else size
    return summed(struct.pack('<16sQQ40x', kind, at + SECTION + len(data) if following is None else following, size)) + data


def last(kind, at):
    """A section that leads to itself."""
    return section(kind, at, size=0, following=at)


def volume(sectors, chunks, chunk_sectors=CHUNK_SECTORS, sector=SECTOR, guid=GUID):
    data = bytearray(VOLUME - 4)
    struct.pack_into('<B3xIIIQ', data, 0, 1, chunks, chunk_sectors, sector, sectors)
    data[52] = 1
    data[64:80] = guid
    return summed(bytes(data))


def table(entries, base):
    return summed(struct.pack('<I4xQ4x', len(entries), base)) + summed(struct.pack(f'<{len(entries)}I', *entries))


def name_of(stem, number):
    if number < 100:
        return f'{stem}.E{number:02d}'
    rest = number - 100
    return f'{stem}.{chr(69 + rest // 676)}{chr(65 + rest // 26 % 26)}{chr(65 + rest % 26)}'


class Image:
    """content, in so many segments; plain: whether chunk `number` is stored as it is. What is not as it should be is set
    between this and segments()."""

    def __init__(self, content, segments=1, chunk_sectors=CHUNK_SECTORS, plain=lambda number: number % 3 == 1, pack=zlib_stream):
        size = chunk_sectors * SECTOR
        parts = [content[at:at + size] for at in range(0, len(content), size)]
        self.chunks = [(False, summed(part)) if plain(number) else (True, pack(part)) for number, part in enumerate(parts)]
        self.segment_count, self.chunk_sectors = segments, chunk_sectors
        self.volume = volume(len(content) // SECTOR, len(parts), chunk_sectors)
        self.data = None      # the copy of it in further segments; None: the same
        self.md5, self.sha1 = hashlib.md5(content).digest(), hashlib.sha1(content).digest()
        self.more = []        # (type, data) of further sections of the first segment
        self.tables = lambda entries, base: (table(entries, base), table(entries, base))

    def segment(self, number):
        each = -(-len(self.chunks) // self.segment_count)
        chunks = self.chunks[(number - 1) * each:number * each]
        out = bytearray(MAGIC + struct.pack('<BHH', 1, number, 0))

        def add(kind, data=b''):
            out.extend(section(kind, len(out), data))
        if number == 1:
            add(b'header', zlib_stream(b'1\nmain\nc\tn\n\n'))
            add(b'volume', self.volume)
            for kind, data in self.more:
                add(kind, data)
        else:
            add(b'data', self.data or self.volume)
        base, entries, at = len(out), [], SECTION
        for packed, data in chunks:
            entries.append(at | (PACKED if packed else 0))
            at += len(data)
        add(b'sectors', b''.join(data for _, data in chunks))
        first, mirror = self.tables(entries, base)
        add(b'table', first)
        if mirror is not None:
            add(b'table2', mirror)
        if number < self.segment_count:
            return bytes(out) + last(b'next', len(out))
        add(b'digest', summed(self.md5 + self.sha1 + bytes(40)))
        add(b'hash', summed(self.md5 + bytes(16)))
        return bytes(out) + last(b'done', len(out))

    def segments(self, stem):
        return {name_of(stem, number): self.segment(number) for number in range(1, self.segment_count + 1)}


def image(content, **more):
    return Image(content, **more).segment(1)
