# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Makes a .vmcx of Hyper-V: tables of keys, their objects, a log and two headers."""
import struct
import zlib

PAGE = 0x1000
LOG, TABLES = 0x3000, 0x5000


def with_crc(record, at):
    """The record with its CRC, over itself with zeros in its place."""
    record = record[:at] + bytes(4) + record[at + 4:]
    return record[:at] + struct.pack('<I', zlib.crc32(record)) + record[at + 4:]


def value_of(value):
    """(kind, bytes) as an entry has them."""
    if isinstance(value, dict):
        return 9, bytes(8) + struct.pack('<I', 2 * len(value))
    if isinstance(value, bool):
        return 8, struct.pack('<I', value)
    if isinstance(value, int):
        return (3, struct.pack('<q', value)) if value < 1 << 63 else (4, struct.pack('<Q', value))
    if isinstance(value, float):
        return 5, struct.pack('<d', value)
    data = value.encode('utf-16-le') if isinstance(value, str) else value
    return (6 if isinstance(value, str) else 7), struct.pack('<I', len(data)) + data


def entry(kind, parent, name, value, order=0, size=None):
    name = name.encode() + b'\0'
    length = 21 + len(name) + len(value)
    head = struct.pack('<HIHIIIB', kind, size or length, *parent, 0, order, len(name))
    return with_crc(head + name + value, 12)


class Keys:
    """Entries, spread over tables. Values of 2048 bytes and more are objects of their own."""

    def __init__(self, tree, limit=PAGE):
        self.tables, self.files, self.limit = [b''], [], limit
        self.add({'configuration': tree}, (0, 0))

    def add(self, tree, parent):
        for order, (name, value) in enumerate(tree.items()):
            kind, data = value_of(value)
            if kind in (6, 7) and len(data) >= 2052:
                kind |= 0x100
                self.files.append(data[4:])
                data = ('file', len(self.files) - 1)
            place = self.put(kind, parent, name.partition('#')[0], data, order)
            if isinstance(value, dict):
                self.add(value, place)

    def put(self, kind, parent, name, data, order):
        if isinstance(data, tuple):
            data = struct.pack('<IQ', len(self.files[data[1]]), FILES + data[1] * 4 * PAGE)
        new = entry(kind, parent, name, data, order)
        if 10 + len(self.tables[-1]) + len(new) > self.limit:
            self.tables.append(b'')
        self.tables[-1] += new
        return len(self.tables), 10 + len(self.tables[-1]) - len(new)


FILES = 0x40000


def table(number, sequence, entries, size=PAGE):
    free = size - 10 - len(entries)
    rest = struct.pack('<HIHIIIB', 1, free, 0, 0, 0, 0, 0) if free >= 21 else b''
    return (with_crc(struct.pack('<HHHI', 2, number, sequence, 0), 6) + entries + rest).ljust(size, b'\0')


def object_entry(kind, offset, size, used=1):
    return with_crc(struct.pack('<BIQIB', kind, 0, offset, size, used), 1)


def object_table(*entries, count=227):
    entries += (object_entry(0, 0, 0, 0),) * (count - len(entries))
    return struct.pack('<II', 0x01110001, count) + b''.join(entries)


def header(sequence, log=LOG, log_size=0x2000):
    return with_crc(struct.pack('<IIHIQIQQI', 0x01282014, 0, sequence, 0x400, 0, PAGE, log, log_size, PAGE), 4)


def log(*changes):
    """changes: (offset, bytes)"""
    head = with_crc(struct.pack('<III', 0x01110003, 0, len(changes)) + b'\0\x91' + bytes(20), 4)
    entries, data, at = b'', b'', PAGE
    for offset, change in changes:
        entries += with_crc(struct.pack('<QIIIII', offset, len(change), at, 0, 0, zlib.crc32(change)), 20)
        data += change
        at += len(change)
    return (head + entries).ljust(PAGE, b'\0') + data


def place(data, offset, piece):
    data = data.ljust(offset + len(piece), b'\0')
    return data[:offset] + piece + data[offset + len(piece):]


def make(tree, sequence=7, changes=(), limit=PAGE):
    keys = Keys(tree, limit)
    data = place(header(sequence), PAGE, header(sequence - 1))
    objects = []
    for i, entries in enumerate(keys.tables):
        data = place(data, TABLES + i * PAGE, table(i + 1, 3, entries))
        objects.append(object_entry(2, TABLES + i * PAGE, PAGE))
    for i, file in enumerate(keys.files):
        data = place(data, FILES + i * 4 * PAGE, file)
        objects.append(object_entry(3, FILES + i * 4 * PAGE, len(file)))
    data = place(data, LOG, log(*changes))
    return place(data, 2 * PAGE, object_table(*objects))
