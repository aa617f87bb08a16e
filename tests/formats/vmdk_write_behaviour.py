# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What the VMDK writer promises beyond right content: the layout of a stream that ESXi takes, both
copies of a sparse disk's tables, descriptors, names and refusals."""
import re
import struct
import zlib

import tap

MIB = 1 << 20
GRAIN = 65536
SECTOR = 512
SPLIT = 2047 * MIB
HEADER = struct.Struct('<4sIIQQQQIQQQB4sH')
FIELDS = ('magic version flags capacity grain descriptor descriptor_size gtes rgd gd overhead '
          'unclean newlines compression').split()
EPOCH = {'SOURCE_DATE_EPOCH': '1700000000'}


def header(data, at=0):
    return dict(zip(FIELDS, HEADER.unpack_from(data, at)))


def make_source(t, size, *spots):
    """A sparse source; every spot is 700 bytes of text."""
    with open(t.path('source.raw'), 'wb') as file:
        file.truncate(size)
        for spot in spots:
            file.seek(spot)
            file.write((b'%d spot ' % spot * 100)[:min(700, size - spot)])


def convert(t, options='', name='disk.vmdk', status=0, **more):
    option = ['-o', options] if options else []
    return t.vmferry('convert', '-f', 'raw', '-O', 'vmdk', *option, 'source.raw', name,
                     status=status, **more)


def grain_entry(data, head, guest):
    """Of the second copy of the tables."""
    tables = struct.unpack_from('<I', data, head['gd'] * SECTOR + guest // (GRAIN * 512) * 4)[0]
    return struct.unpack_from('<I', data, tables * SECTOR + guest // GRAIN % 512 * 4)[0]


def table(data, sector, count):
    return struct.unpack_from(f'<{count}I', data, sector * SECTOR)


def embedded_descriptor(data):
    head = header(data)
    start = head['descriptor'] * SECTOR
    return data[start:start + head['descriptor_size'] * SECTOR].rstrip(b'\0').decode()


def walk_stream(data):
    """(kind, sector, value) of every marker from the first grain to the end of the file."""
    at, found = header(data)['overhead'] * SECTOR, []
    while at < len(data):
        value, size, kind = struct.unpack_from('<QII', data, at)
        found.append(('grain' if size else kind, at // SECTOR, value))
        if size:
            unpacker = zlib.decompressobj()
            tap.equal(len(unpacker.decompress(data[at + 12:at + 12 + size])), GRAIN, 'grain')
            tap.equal((unpacker.eof, unpacker.unused_data), (True, b''), 'end of the grain')
            end = at + 12 + size
            at = (end + SECTOR - 1) // SECTOR * SECTOR
            tap.equal(any(data[end:at]), False, 'padding')
        else:
            tap.equal(any(data[at + 16:at + SECTOR]), False, 'rest of the marker')
            at += SECTOR + value * SECTOR
    tap.equal(at, len(data), 'end')
    return found


def stream_grains(data, found):
    """Guest sector: file sector, from the tables that the directory names."""
    footer = header(data, len(data) - 2 * SECTOR)
    grains = {}
    for i, sector in enumerate(table(data, footer['gd'], -(-footer['capacity'] // 65536))):
        if sector:
            tap.equal((1, sector - 1, 4) in found, True, f'marker of grain table {i}')
            for j, grain in enumerate(table(data, sector, 512)):
                if grain:
                    grains[(i * 512 + j) * 128] = grain
    return grains


@tap.rows([('one sector', 512, (0,)), ('partial last grain', 33 * MIB + 512, (5, 32 * MIB, 33 * MIB)),
           ('empty', 40 * MIB, ()), ('tables between holes', 200 * MIB, (3, 70 * MIB, 199 * MIB))])
def test_stream_layout(t, size, spots):
    make_source(t, size, *spots)
    convert(t, 'subformat=streamOptimized')
    data = t.read('disk.vmdk')
    head, footer = header(data), header(data, len(data) - 2 * SECTOR)
    tap.equal(head, {'magic': b'KDMV', 'version': 3, 'flags': 0x30001, 'capacity': size // SECTOR,
                     'grain': 128, 'descriptor': 1, 'descriptor_size': 20, 'gtes': 512, 'rgd': 0,
                     'gd': 2**64 - 1, 'overhead': 128, 'unclean': 0, 'newlines': b'\n \r\n',
                     'compression': 1}, 'header')
    tap.equal(footer, dict(head, gd=footer['gd']), 'footer')
    found = walk_stream(data)
    tap.equal([kind for kind, _, _ in found[-3:]], [2, 3, 0], 'markers at the end')
    tap.equal((found[-1][1] + 1) * SECTOR, len(data), 'end of the stream')
    tap.equal(found[-3][1] + 1, footer['gd'], 'grain directory')
    markers = {value: sector for kind, sector, value in found if kind == 'grain'}
    tap.equal(stream_grains(data, found), markers, 'tables')
    tap.equal(list(markers), sorted(markers), 'order')
    tap.equal(len(markers), len(spots), 'grains')
    tap.equal(embedded_descriptor(data).count('# Disk DescriptorFile'), 1, 'descriptors')
    tap.contains(embedded_descriptor(data), f'\nRW {size // SECTOR} SPARSE "disk.vmdk"\n')


def check_sparse_extent(data, sectors, grains):
    head = header(data)
    tables = -(-sectors // 65536)
    tap.equal((head['version'], head['flags'], head['capacity']), (1, 3, sectors), 'header')
    first, second = (table(data, head[name], tables) for name in ('rgd', 'gd'))
    for one, other in zip(first, second):
        tap.equal(table(data, one, 512), table(data, other, 512), 'copies of a table')
    tap.equal(len({*first, *second}), 2 * tables, 'places of tables')
    stored = [entry for sector in second for entry in table(data, sector, 512) if entry]
    tap.equal(stored, [head['overhead'] + i * 128 for i in range(grains)], 'grains')
    tap.equal(len(data), (head['overhead'] + 128 * grains) * SECTOR, 'size')


@tap.rows([('one sector', 512, (0,)), ('partial last grain', 33 * MIB + 512, (5, 32 * MIB, 33 * MIB)),
           ('empty', 40 * MIB, ()), ('unused tables', 200 * MIB, (3, 199 * MIB))])
def test_sparse_layout(t, size, spots):
    make_source(t, size, *spots)
    convert(t, env=EPOCH)
    check_sparse_extent(t.read('disk.vmdk'), size // SECTOR, len(spots))
    with open(t.path('piped'), 'wb') as pipe:
        convert(t, name='-', stdout=pipe, text=False, env=EPOCH)
    tap.equal(t.read('piped') == t.read('disk.vmdk'), True, 'the same bytes to a pipe')


def test_split_sparse(t):
    make_source(t, 3 * SPLIT + SECTOR, 7, 2 * SPLIT - 300, 3 * SPLIT)
    convert(t, 'subformat=twoGbMaxExtentSparse')
    parts = [f'disk-s00{i}.vmdk' for i in range(1, 5)]
    tap.equal(t.names(), sorted(parts + ['disk.vmdk', 'source.raw']), 'files')
    text = t.read('disk.vmdk').decode()
    tap.equal(re.findall(r'RW (\d+) SPARSE "(.*)"\n', text),
              [('4192256', name) for name in parts[:3]] + [('1', parts[3])], 'extents')
    for name, grains, sectors in zip(parts, (1, 1, 1, 1), (4192256, 4192256, 4192256, 1)):
        check_sparse_extent(t.read(name), sectors, grains)


@tap.rows([('one file', 'monolithicFlat', 'FLAT', ' 0', ['-flat']), ('ESXi', 'vmfs', 'VMFS', '', ['-flat']),
           ('split', 'twoGbMaxExtentFlat', 'FLAT', ' 0', ['-f001', '-f002'])])
def test_flat(t, name, kind, suffix, ends):
    size = SPLIT + MIB if len(ends) == 2 else 3 * MIB
    make_source(t, size, 0, size - 700)
    convert(t, 'subformat=' + name)
    sizes = [SPLIT, MIB] if len(ends) == 2 else [size]
    lines = re.findall(r'\n(RW .*)', t.read('disk.vmdk').decode())
    tap.equal(lines, [f'RW {part // SECTOR} {kind} "disk{end}.vmdk"{suffix}'
                      for part, end in zip(sizes, ends)], 'extents')
    for part, end in zip(sizes, ends):
        tap.equal((t.folder / f'disk{end}.vmdk').stat().st_size, part, end)


@tap.rows([('default', '', 'ide', 10, '2147483647', 16), ('compat6', 'compat6', 'ide', 6, '2147483647', 16),
           ('all given', 'adapter_type=lsilogic,hwversion=19,toolsversion=10346', 'lsilogic', 19, '10346', 255)])
def test_descriptor(t, options, adapter, hwversion, toolsversion, heads):
    make_source(t, 40 * MIB, 0)
    convert(t, options)
    lines = embedded_descriptor(t.read('disk.vmdk')).splitlines()
    tap.equal(lines[0], '# Disk DescriptorFile', 'first line')
    values = dict(re.split(r' ?= ?', line, maxsplit=1) for line in lines if '=' in line)
    tap.equal(values['ddb.adapterType'], f'"{adapter}"', 'adapter')
    tap.equal(values['ddb.virtualHWVersion'], f'"{hwversion}"', 'hardware version')
    tap.equal(values['ddb.toolsVersion'], f'"{toolsversion}"', 'tools version')
    tap.equal(values['ddb.geometry.heads'], f'"{heads}"', 'heads')
    tap.equal(values['ddb.geometry.cylinders'], f'"{40 * 2048 // (heads * 63)}"', 'cylinders')
    tap.equal(values['ddb.longContentID'][-9:-1], values['CID'], 'CID')
    tap.equal((values['parentCID'], values['encoding']), ('ffffffff', '"UTF-8"'), 'parent, encoding')


def grain_bytes(data):
    """Guest sector: the packed bytes, of a stream."""
    found = {}
    for kind, sector, value in walk_stream(data):
        if kind == 'grain':
            size, = struct.unpack_from('<I', data, sector * SECTOR + 8)
            found[value] = data[sector * SECTOR + 12:sector * SECTOR + 12 + size]
    return found


def test_packed_grains_pass_through(t):
    """What another program has packed is checked and kept, grain by grain; not where a level is asked for."""
    make_source(t, 34 * MIB, 5, 70000, 8 * MIB, 32 * MIB, 33 * MIB)
    t.run(tap.tool('qemu-img'), 'convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', '-f', 'raw', 'source.raw',
          'theirs.vmdk')
    for threads in '1', '4':
        t.vmferry('convert', '-m', threads, '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'theirs.vmdk', 'ours.vmdk')
        ours, theirs = grain_bytes(t.read('ours.vmdk')), grain_bytes(t.read('theirs.vmdk'))
        tap.equal(ours == theirs, True, 'packed grains')
        t.run(tap.tool('qemu-img'), 'compare', '-f', 'vmdk', '-F', 'raw', 'ours.vmdk', 'source.raw')
    t.vmferry('convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized,compression_level=12', 'theirs.vmdk', 'small.vmdk')
    small = grain_bytes(t.read('small.vmdk'))
    tap.equal([sector for sector in small if small[sector] == theirs[sector]], [], 'kept grains')
    t.vmferry('compare', 'small.vmdk', 'theirs.vmdk')


def test_damaged_grain_does_not_pass_through(t):
    make_source(t, 8 * MIB, 5, 70000, 200000)
    convert(t, 'subformat=streamOptimized', 'theirs.vmdk')
    data = bytearray(t.read('theirs.vmdk'))
    sector = next(sector for kind, sector, value in walk_stream(data) if kind == 'grain' and value == 128)
    data[sector * SECTOR + 12 + 40] ^= 1
    t.write('theirs.vmdk', bytes(data))
    t.vmferry('convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'theirs.vmdk', 'ours.vmdk', status=2)
    tap.equal(t.names(), ['source.raw', 'theirs.vmdk'], 'files')


def test_ids_differ_unless_derived(t):
    make_source(t, MIB, 0)
    for name, env in (('a', {}), ('b', {}), ('c', EPOCH), ('d', EPOCH)):
        (t.folder / name).mkdir()
        convert(t, name=name + '/disk.vmdk', env=env)
    tap.equal(t.read('a/disk.vmdk') == t.read('b/disk.vmdk'), False, 'random')
    tap.equal(t.read('c/disk.vmdk') == t.read('d/disk.vmdk'), True, 'derived')


def test_odd_size_is_told(t):
    make_source(t, 1001, 0)
    done = convert(t, 'subformat=streamOptimized')
    tap.contains(done.stderr, 'grows from 1001 to 1024 bytes')
    t.vmferry('convert', '-O', 'raw', 'disk.vmdk', 'back.raw')
    tap.equal(t.read('back.raw') == t.read('source.raw') + bytes(23), True, 'content')


@tap.rows([('version 1', '', (1, 0x3)), ('version 2', 'zeroed_grain=on', (2, 0x7))])
def test_an_overlay_stores_what_differs(t, options, version):
    make_source(t, 40 * MIB, 0, 5 * MIB, 35 * MIB)
    convert(t, name='base.vmdk')
    base = re.search(rb'\nCID=(\w{8})\n', t.read('base.vmdk'))[1]
    make_source(t, 40 * MIB, 0, 7 * MIB, 35 * MIB) # zeros at 5 MiB
    t.vmferry('convert', '-O', 'vmdk', '-B', 'base.vmdk', '-F', 'vmdk', *(['-o', options] if options else []),
              'source.raw', 'top.vmdk')
    top = t.read('top.vmdk')
    tap.contains(top, b'\nparentCID=' + base + b'\ncreateType="monolithicSparse"\nparentFileNameHint="base.vmdk"\n')
    head = header(top)
    tap.equal((head['version'], head['flags']), version, 'version and flags')
    zero, data = grain_entry(top, head, 5 * MIB), grain_entry(top, head, 7 * MIB)
    tap.equal((grain_entry(top, head, 0), grain_entry(top, head, 35 * MIB)), (0, 0), 'grains that are the same')
    tap.equal((zero == 1, data > 1), (version[0] == 2, True), 'grains that differ')
    tap.equal(len(top) - head['overhead'] * SECTOR, GRAIN * (1 if zero == 1 else 2), 'bytes of grains')


@tap.rows([('compress without a stream', ['-c'], 'disk.vmdk', 1, 'needs subformat=streamOptimized'),
           ('level without a stream', ['-o', 'compression_level=3'], 'disk.vmdk', 1, 'streamOptimized'),
           ('compat6 and hwversion', ['-o', 'compat6,hwversion=9'], 'disk.vmdk', 1, 'not both'),
           ('quote in the name', [], 'a"b.vmdk', 1, 'character 0x22'),
           ('line end in the name', [], 'a\nb.vmdk', 1, 'character 0x0a'),
           ('colon in the name', ['-o', 'subformat=monolithicFlat'], './a:b.vmdk', 1, 'a colon'),
           ('backing file that is raw', ['-B', 'source.raw', '-F', 'raw'], 'disk.vmdk', 1, 'source.raw is raw without a content id'),
           ('backing file of a flat disk', ['-B', 'source.raw', '-F', 'raw', '-o', 'subformat=monolithicFlat'], 'disk.vmdk', 1,
            'needs subformat=monolithicSparse or twoGbMaxExtentSparse, not monolithicFlat'),
           ('zeroed grains of a stream', ['-o', 'subformat=streamOptimized,zeroed_grain=on'], 'disk.vmdk', 1, 'zeroed_grain needs'),
           ('files to a pipe', ['-o', 'subformat=vmfs'], '-', 9, 'vmfs has 2 files')])
def test_refused(t, arguments, name, status, text):
    make_source(t, MIB, 0)
    done = t.vmferry('convert', '-f', 'raw', '-O', 'vmdk', *arguments, 'source.raw', name, status=status)
    tap.contains(done.stderr, text)
    tap.equal(t.names(), ['source.raw'], 'files')


@tap.rows([('empty', '', '0', '0 bytes'), ('sparse', '', '65T', 'at most 70368744177664'),
           ('split', 'subformat=twoGbMaxExtentFlat', '9T', 'monolithicFlat holds more')])
def test_size_refused(t, options, size, text):
    done = t.vmferry('create', '-f', 'vmdk', *(['-o', options] if options else []), 'disk.vmdk', size,
                     status=9)
    tap.contains(done.stderr, text)
    tap.equal(t.names(), [], 'files')


tap.main(globals())
