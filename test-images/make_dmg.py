# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Apple's disk images (UDIF): packed runs, tables of runs in a property list, and the trailer. Big-endian."""
import base64
import bz2
import struct
import zlib

from make_content import SECTOR, zlib_stream

TRAILER = 512
TABLE, RUN = 204, 40
ZEROS, STORED, IGNORED, ADC, ZLIB, BZIP2, LZFSE, LZMA, COMMENT, END = 0, 1, 2, 0x80000004, 0x80000005, 0x80000006, 0x80000007, 0x80000008, 0x7ffffffe, 0xffffffff
CRC32 = 2


def adc(data):
    """Copies of what stands 1 or 16 bytes back, in the short form or in the long one, and literals."""
    out, literals, at = bytearray(), bytearray(), 0

    def flush():
        for start in range(0, len(literals), 128):
            part = literals[start:start + 128]
            out.extend(bytes([0x80 | len(part) - 1]) + part)
        literals.clear()
    while at < len(data):
        length = distance = 0
        for back in (1, 16):
            same = 0
            while back <= at and same < 67 and at + same < len(data) and data[at + same] == data[at + same - back]:
                same += 1
            if same > length:
                length, distance = same, back
        if length < 4:
            literals.append(data[at])
            at += 1
            continue
        flush()
        if length > 18:
            out.extend(bytes([0x40 | length - 4]) + struct.pack('>H', distance - 1))
        else:
            out.extend(bytes([(length - 3) << 2, distance - 1]))
        at += length
    flush()
    return bytes(out)


PACKERS = {STORED: bytes, ADC: adc, ZLIB: zlib_stream, BZIP2: bz2.compress}


class Fork:
    """The packed data of an image, one run behind the other."""

    def __init__(self, start=0):
        self.data, self.start = bytearray(bytes(start)), start

    def run(self, kind, first, content, pack=None):
        """A run that holds `content`, of whole sectors."""
        packed = b'' if kind in (ZEROS, IGNORED) else (pack or PACKERS[kind])(content)
        self.data += packed
        return struct.pack('>IIQQQQ', kind, 0, first, len(content) // SECTOR, len(self.data) - len(packed) - self.start if packed else 0, len(packed))


def table(first, runs, content, comments=True):
    """content: what the sum is made of."""
    sectors = sum(max((struct.unpack_from('>QQ', run, 8) for run in runs), default=(0, 0)))
    runs = [*([struct.pack('>I', COMMENT).ljust(RUN, b'\0')] if comments else []), *runs, struct.pack('>IIQ', END, 0, sectors).ljust(RUN, b'\0')]
    head = struct.pack('>4sIQQQIi', b'mish', 1, first, sectors, 0, 520, 0).ljust(64, b'\0')
    return (head + struct.pack('>III', CRC32, 32, zlib.crc32(content))).ljust(200, b'\0') + struct.pack('>I', len(runs)) + b''.join(runs)


def plist(tables):
    text = ('<?xml version="1.0" encoding="UTF-8"?>\n'
            '<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
            '<plist version="1.0">\n<dict>\n\t<key>resource-fork</key>\n\t<dict>\n\t\t<key>blkx</key>\n\t\t<array>\n')
    for number, data in enumerate(tables):
        lines = base64.b64encode(data).decode()
        lines = ''.join(f'\t\t\t\t{lines[at:at + 44]}\n' for at in range(0, len(lines), 44))
        text += ('\t\t\t<dict>\n\t\t\t\t<key>Attributes</key>\n\t\t\t\t<string>0x0050</string>\n\t\t\t\t<key>Data</key>\n'
                 f'\t\t\t\t<data>\n{lines}\t\t\t\t</data>\n\t\t\t\t<key>ID</key>\n\t\t\t\t<string>{number}</string>\n\t\t\t</dict>\n')
    text += '\t\t</array>\n\t\t<key>plst</key>\n\t\t<array/>\n\t</dict>\n</dict>\n</plist>\n'
    return text.encode()


def master(tables):
    return zlib.crc32(b''.join(data[72:76] for data in tables))


def image(fork, tables, sectors, xml=None, **fields):
    """fields: of the trailer, in place of what is right."""
    xml = plist(tables) if xml is None else xml
    values = {'version': 4, 'flags': 1, 'fork': fork.start, 'fork_length': len(fork.data) - fork.start, 'segments': 1,
              'fork_sum': zlib.crc32(fork.data[fork.start:]), 'plist': len(fork.data), 'plist_length': len(xml),
              'master': master(tables), **fields}
    trailer = bytearray(TRAILER)
    struct.pack_into('>4sIIIQQQQQII', trailer, 0, b'koly', values['version'], TRAILER, values['flags'], 0, values['fork'], values['fork_length'], 0, 0, 1, values['segments'])
    struct.pack_into('>III', trailer, 80, CRC32, 32, values['fork_sum'])
    struct.pack_into('>QQ', trailer, 216, values['plist'], values['plist_length'])
    struct.pack_into('>III', trailer, 352, CRC32, 32, values['master'])
    struct.pack_into('>IQ', trailer, 488, 1, sectors)
    return bytes(fork.data) + xml + bytes(trailer)


def disk(content, kinds, run=32, pack=None, start=0, tables=1, **fields):
    """`content` in runs of so many sectors: those of zeros are ZEROS and IGNORED by turns, the others of each kind in
    turn; in so many tables, the last one first."""
    fork, size, made = Fork(start), run * SECTOR, []
    units = [content[at:at + size] for at in range(0, len(content), size)]
    each = -(-len(units) // tables)
    for number in reversed(range(tables)):
        runs, summed, data, holes = [], b'', 0, 0
        for at, unit in enumerate(units[number * each:(number + 1) * each]):
            zero = not unit.strip(b'\0')
            kind = (ZEROS, IGNORED)[holes % 2] if zero else kinds[data % len(kinds)]
            holes, data = holes + zero, data + (not zero)
            summed += unit if kind != IGNORED else b''
            runs.append(fork.run(kind, at * run, unit, pack))
        made.append(table(number * each * run, runs, summed))
    return image(fork, made, len(content) // SECTOR, **fields)
