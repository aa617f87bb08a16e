# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VHDX images, written from Microsoft's [MS-VHDX]. Little-endian, GUIDs in Microsoft's order."""
import struct
import uuid

MIB = 1 << 20
PAGE = 4096
HEADERS, REGIONS, TABLE = (64 << 10, 128 << 10), (192 << 10, 256 << 10), 64 << 10
LOG, METADATA, BAT, BLOCKS = (number * MIB for number in (1, 2, 3, 4))
BLOCK = MIB
FIXED, HAS_PARENT = 1, 2  # flags of the file parameters
NOT_PRESENT, UNDEFINED, ZERO, UNMAPPED, PRESENT, PARTIAL = 0, 1, 2, 3, 6, 7


def guid(text):
    return uuid.UUID(text).bytes_le


BAT_REGION, METADATA_REGION = guid('2dc27766-f623-4200-9d64-115e9bfd4a08'), guid('8b7ca206-4790-4b9a-b8fe-575f050f886e')
PARAMETERS = guid('caa16737-fa36-4d43-b3b6-33f0aa44e76b')
SIZE = guid('2fa54224-cd1b-4876-b211-5dbed83bf4b8')
LOGICAL = guid('8141bf1d-a96f-4709-ba47-f233a8faab5f')
PHYSICAL = guid('cda348c7-445d-4471-9cc9-e9885251c556')
PAGE83 = guid('beca12ab-b2e6-4523-93ef-c309e000c746')
LOCATOR = guid('a8d35f2d-b30b-454d-abf7-d3d84834ab0c')
INCOMPLETE = guid('71cc85f0-1b69-4e28-9558-c3bf83ae75d3')
LOCATOR_TYPE = guid('b04aefb7-d19e-4a81-b789-25b8e9445913')
LOG_GUID = b'vmferry-vhdx-log'


def castagnoli():
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82f63b78 if number & 1 else 0)
        table.append(number)
    return table


CASTAGNOLI = castagnoli()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CASTAGNOLI[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def seal(data):
    """Sets the checksum at byte 4."""
    data = data[:4] + bytes(4) + data[8:]
    return data[:4] + struct.pack('<I', crc32c(data)) + data[8:]


def header(sequence, data_guid, log_guid=bytes(16), log_length=MIB, log_offset=LOG, version=1, log_version=0):
    data = struct.pack('<4sIQ16s16s16sHHIQ', b'head', 0, sequence, b'vmferry-file-wri', data_guid, log_guid, log_version,
                       version, log_length, log_offset)
    return seal(data.ljust(PAGE, b'\0'))


def region_table(entries):
    data = struct.pack('<4sIII', b'regi', 0, len(entries), 0)
    return seal((data + b''.join(struct.pack('<16sQII', *entry) for entry in entries)).ljust(TABLE, b'\0'))


REGION_ENTRIES = [(BAT_REGION, BAT, MIB, 1), (METADATA_REGION, METADATA, MIB, 1)]


def locator(pairs):
    """pairs: (key, value), both text."""
    at, table, texts = 20 + 12 * len(pairs), b'', b''
    for pair in pairs:
        places = []
        for text in pair:
            raw = text.encode('utf-16-le')
            places.append((at + len(texts), len(raw)))
            texts += raw
        table += struct.pack('<IIHH', places[0][0], places[1][0], places[0][1], places[1][1])
    return LOCATOR_TYPE + struct.pack('<HH', 0, len(pairs)) + table + texts


def items(size, flags=0, block=BLOCK, logical=512, page83=b'vmferry-vhdx-p83', pairs=()):
    """(id, value, flags) of every item."""
    found = [(PARAMETERS, struct.pack('<II', block, flags), 4), (SIZE, struct.pack('<Q', size), 6),
             (LOGICAL, struct.pack('<I', logical), 6), (PHYSICAL, struct.pack('<I', 4096), 6), (PAGE83, page83, 6)]
    return found + ([(LOCATOR, locator(pairs), 4)] if pairs else [])


def metadata(found):
    table, values = struct.pack('<8sHH20x', b'metadata', 0, len(found)), b''
    for identity, value, flags in found:
        table += struct.pack('<16sIIII', identity, TABLE + len(values) if value else 0, len(value), flags, 0)
        values += value
    return (table.ljust(TABLE, b'\0') + values).ljust(MIB, b'\0')


def entry(place, state):
    return place | state


def image(found, bat, blocks=b'', data_guid=b'vmferry-vhdx-dat', regions=()):
    """found: items; bat: {index: entry}; blocks: what stands from BLOCKS on."""
    out = bytearray(BLOCKS)
    out[:8] = b'vhdxfile'
    out[8:22] = 'vmferry'.encode('utf-16-le')
    for sequence, at in enumerate(HEADERS, 1):
        out[at:at + PAGE] = header(sequence, data_guid)
    for at in REGIONS:
        out[at:at + TABLE] = region_table(regions or REGION_ENTRIES)
    out[METADATA:METADATA + MIB] = metadata(found)
    for index, value in bat.items():
        struct.pack_into('<Q', out, BAT + 8 * index, value)
    return bytes(out) + blocks


def blocks_of(content, block=BLOCK):
    """Of the blocks that hold data: a BAT without bitmaps (up to 4096 blocks), and the blocks."""
    bat, blocks = {}, b''
    for index, start in enumerate(range(0, len(content), block)):
        unit = content[start:start + block]
        if unit.strip(b'\0'):
            bat[index] = entry(BLOCKS + len(blocks), PRESENT)
            blocks += unit.ljust(block, b'\0')
    return bat, blocks


def dynamic(content, data_guid=b'vmferry-vhdx-dat', **more):
    bat, blocks = blocks_of(content, more.get('block', BLOCK))
    return image(items(len(content), **more), bat, blocks, data_guid)


def linkage(data_guid):
    return '{' + str(uuid.UUID(bytes_le=data_guid)) + '}'


def differencing(content, parent, parent_name, parent_guid=b'vmferry-vhdx-dat', sector=512, pairs=None):
    """Blocks that are partly the child's, bytes that their bitmap does not mark are `?`; bitmaps in front of them."""
    bat, blocks, bits = {}, b'', bytearray(MIB)
    for index, start in enumerate(range(0, len(content), BLOCK)):
        mine, theirs = content[start:start + BLOCK], parent[start:start + BLOCK]
        data = bytearray(b'?' * BLOCK)
        changed = [at for at in range(0, len(mine), sector) if mine[at:at + sector] != theirs[at:at + sector]]
        for at in changed:
            data[at:at + sector] = mine[at:at + sector].ljust(sector, b'\0')
            number = (start + at) // sector
            bits[number // 8] |= 1 << number % 8
        if changed:
            bat[index] = entry(BLOCKS + MIB + len(blocks), PARTIAL)
            blocks += bytes(data)
    bat[8 * MIB * sector // BLOCK] = entry(BLOCKS, PRESENT)
    if pairs is None:
        pairs = [('parent_linkage', linkage(parent_guid)), ('relative_path', '.\\' + parent_name)]
    found = items(len(content), HAS_PARENT, logical=sector, pairs=pairs)
    return image(found, bat, bytes(bits) + blocks, b'vmferry-vhdx-kid')


# ---- the log ----

def page_descriptor(offset, data, sequence):
    return struct.pack('<4s4s8sQQ', b'desc', data[-4:], data[:8], offset, sequence)


def zero_descriptor(offset, length, sequence):
    return struct.pack('<4sIQQQ', b'zero', 0, length, offset, sequence)


def log_entry(sequence, tail, changes, flushed=0, last=0, log_guid=LOG_GUID, **fields):
    """changes: (offset, bytes of a page) or (offset, length of zeros). fields: length, count that are said instead."""
    head, data = b'', b''
    for offset, what in changes:
        if isinstance(what, bytes):
            head += page_descriptor(offset, what, sequence)
            data += struct.pack('<4sI', b'data', sequence >> 32) + what[8:-4] + struct.pack('<I', sequence & 0xffffffff)
        else:
            head += zero_descriptor(offset, what, sequence)
    sectors = -(-(64 + len(head)) // PAGE) * PAGE
    start = struct.pack('<4sIIIQII16sQQ', b'loge', 0, fields.get('length', sectors + len(data)), tail, sequence,
                        fields.get('count', len(changes)), 0, log_guid, flushed, last)
    return seal((start + head).ljust(sectors, b'\0') + data)


def ring(*placed, length=MIB):
    """(place, bytes): written one after the other into a ring, around its end."""
    out = bytearray(length)
    for place, data in placed:
        for at in range(0, len(data), PAGE):
            start = (place + at) % length
            out[start:start + PAGE] = data[at:at + PAGE]
    return bytes(out)


def logged(old, new):
    """`old` with a log that makes `new` of it; both are images of the same size."""
    changes = [(at, new[at:at + PAGE]) for at in range(METADATA, len(new), PAGE) if old[at:at + PAGE] != new[at:at + PAGE]]
    return with_log(old, log_entry(1, 0, changes, len(old), len(new)))


def with_log(plain, log, data_guid=b'vmferry-vhdx-dat'):
    out = bytearray(plain)
    out[HEADERS[1]:HEADERS[1] + PAGE] = header(2, data_guid, LOG_GUID)
    out[LOG:LOG + len(log)] = log
    return bytes(out)
