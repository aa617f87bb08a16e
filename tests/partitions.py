# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks with a GUID partition table, written at once: sgdisk sleeps a second each time it is called."""
import struct
import uuid
import zlib

SECTOR = 512
TYPES = {
    'efi': 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
    'bios': '21686148-6449-6e6f-744e-656564454649',
    'linux': '0fc63daf-8483-4772-8e79-3d69d8477de4',
    'swap': '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f',
    'lvm': 'e6d6d379-f507-44c2-a23c-238f2a3df928',
}


def header(own, other, table, entries, last):
    head = struct.pack('<8sIIIIQQQQ16sQIII', b'EFI PART', 0x10000, 92, 0, 0, own, other, 34, last - 33, bytes(range(16)), table, 128, 128, zlib.crc32(entries))
    return (head[:16] + struct.pack('<I', zlib.crc32(head)) + head[20:]).ljust(SECTOR, b'\0')


def gpt(path, size, partitions):
    """partitions: (kind of TYPES, first sector, last sector); all else is a hole."""
    entries = b''.join(struct.pack('<16s16sQQQ72s', uuid.UUID(TYPES[kind]).bytes_le, bytes([i]) * 16, first, end, 0, b'')
                       for i, (kind, first, end) in enumerate(partitions, 1)).ljust(128 * 128, b'\0')
    last = size // SECTOR - 1
    protective = bytes(446) + struct.pack('<B3sB3sII', 0, b'\0\2\0', 0xee, b'\xff\xff\xff', 1, min(last, 0xffffffff))
    with open(path, 'wb') as disk:
        disk.truncate(size)
        disk.write(protective.ljust(510, b'\0') + b'\x55\xaa' + header(1, last, 2, entries, last) + entries)
        disk.seek((last - 32) * SECTOR)
        disk.write(entries + header(last, 1, last - 32, entries, last))
