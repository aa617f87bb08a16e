# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VMDK images, written from the Virtual Disk Format 5.0 technote. Positions count sectors."""
import struct

from make_content import SECTOR, pad, units, zlib_stream

GD_AT_END = 0xffffffffffffffff
EOS, GT, GD, FOOTER, PROGRESS = range(5)


def descriptor(create_type, extents, cid=0x5eed0001, parent=None, hint=None):
    lines = ['# Disk DescriptorFile', 'version=1', 'encoding="UTF-8"', f'CID={cid:08x}',
             f'parentCID={0xffffffff if parent is None else parent:08x}', f'createType="{create_type}"']
    if hint:
        lines.append(f'parentFileNameHint="{hint}"')
    lines += ['', '# Extent description', *extents, '', '# The Disk Data Base', '#DDB', '',
              'ddb.adapterType = "lsilogic"', 'ddb.geometry.cylinders = "1"', 'ddb.geometry.heads = "255"',
              'ddb.geometry.sectors = "63"', 'ddb.virtualHWVersion = "9"', '']
    return '\n'.join(lines).encode()


def header(version, flags, capacity, grain, rgd, gd, overhead, compress, words=20):
    return struct.pack('<4sIIQQQQIQQQB4sH', b'KDMV', version, flags, capacity, grain, 1 if words else 0,
                       words, 512, rgd, gd, overhead, 0, b'\n \r\n', compress).ljust(SECTOR, b'\0')


def marker(sectors, kind):
    return struct.pack('<QII', sectors, 0, kind).ljust(SECTOR, b'\0')


def stream(content, name, progress=False, wrong_lba=None):
    """streamOptimized as ESXi exports it: tables behind the grains, a footer, an end-of-stream sector."""
    capacity, grain = len(content) // SECTOR, 128
    text = descriptor('streamOptimized', [f'RW {capacity} SPARSE "{name}"'])
    out = header(3, 0x30001, capacity, grain, 0, GD_AT_END, 128, 1) + text.ljust(20 * SECTOR, b'\0')
    out = out.ljust(128 * SECTOR, b'\0')
    table = [0] * 512
    for index, unit in units(content, grain * SECTOR):
        table[index] = len(out) // SECTOR
        data = zlib_stream(unit)
        lba = index * grain if wrong_lba is None else wrong_lba
        out += pad(struct.pack('<QI', lba, len(data)) + data, SECTOR)
        if progress:
            out += marker(0, PROGRESS)
    out += marker(4, GT)
    table_at = len(out) // SECTOR
    out += struct.pack('<512I', *table)
    out += marker(1, GD)
    directory_at = len(out) // SECTOR
    out += struct.pack('<I', table_at).ljust(SECTOR, b'\0')
    out += marker(1, FOOTER) + header(3, 0x30001, capacity, grain, 0, directory_at, 128, 1)
    return out + marker(0, EOS)


def sparse(content, name, zeroed=(), version=1, parent=None, hint=None, cid=0x5eed0002):
    """monolithicSparse with 4 KiB grains, hence two grain tables, each of them twice. `zeroed`: grains
    that are marked as zeros (which needs version 2)."""
    capacity, grain = len(content) // SECTOR, 8
    tables = [[0] * 512 for _ in range(-(-capacity // (grain * 512)))]
    copy = 1 + 4 * len(tables)                     # a directory and its tables
    first = 21 + 2 * copy
    overhead = -(-first // grain) * grain
    data = b''
    for index, unit in units(content, grain * SECTOR):
        tables[index // 512][index % 512] = overhead + len(data) // SECTOR
        data += unit
    for index in zeroed:
        tables[index // 512][index % 512] = 1
    text = descriptor('monolithicSparse', [f'RW {capacity} SPARSE "{name}"'], cid, parent, hint)
    out = header(version, 7 if zeroed else 3, capacity, grain, 21, 21 + copy, overhead, 0)
    out += text.ljust(20 * SECTOR, b'\0')
    for start in (21, 21 + copy):
        places = [start + 1 + 4 * number for number in range(len(tables))]
        out += struct.pack(f'<{len(places)}I', *places).ljust(SECTOR, b'\0')
        for table in tables:
            out += struct.pack('<512I', *table)
    return out.ljust(overhead * SECTOR, b'\0') + data


def flat(content, name, zeros):
    """A descriptor and its flat extent, with a ZERO extent of so many sectors behind it."""
    stem = name.rsplit('.', 1)[0]
    extents = [f'RW {len(content) // SECTOR} FLAT "{stem}-flat.vmdk" 0', f'RW {zeros} ZERO']
    return {name: descriptor('monolithicFlat', extents, 0x5eed0003), f'{stem}-flat.vmdk': content}


def cowd(content, name):
    """vmfsSparse: a descriptor and a COWD extent with grains of one sector and 4096 to a table."""
    stem = name.rsplit('.', 1)[0]
    capacity = len(content) // SECTOR
    tables = [[0] * 4096 for _ in range(-(-capacity // 4096))]
    at, body, directory = 5, b'', []
    for number, table in enumerate(tables):
        directory.append(at)
        mine = [(index, unit) for index, unit in units(content, SECTOR) if index // 4096 == number]
        for place, (index, _) in enumerate(mine):
            table[index % 4096] = at + 32 + place
        body += struct.pack('<4096I', *table) + b''.join(unit for _, unit in mine)
        at += 32 + len(mine)
    head = struct.pack('<4sIIIIIII', b'COWD', 1, 3, capacity, 1, 4, len(tables), at).ljust(4 * SECTOR, b'\0')
    head += struct.pack(f'<{len(directory)}I', *directory).ljust(SECTOR, b'\0')
    text = descriptor('vmfsSparse', [f'RW {capacity} VMFSSPARSE "{stem}-delta.vmdk"'], 0x5eed0004)
    return {name: text, f'{stem}-delta.vmdk': head + body}
