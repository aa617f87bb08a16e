# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks of more than one image: VHDs with parents, built here byte by byte; overlays; several sources joined.
What they hold is worked out here, and qemu-img and 7-Zip read the results."""
import os
import random
import struct
import uuid

import tap

MIB = 1 << 20


# ---- VHD, after Microsoft's specification ----

def checksum(data, at):
    data = data[:at] + bytes(4) + data[at + 4:]
    return data[:at] + struct.pack('>I', ~sum(data) & 0xffffffff) + data[at + 4:]


def footer(size, kind, identity, creator=b'win ', geometry=(1, 4, 17)):
    cylinders, heads, sectors = geometry
    raw = struct.pack('>8sIIQI4sI4sQQHBBII16s', b'conectix', 2, 0x10000,
                      0xffffffffffffffff if kind == 2 else 512, 1000, creator, 0x60001, b'Wi2k', size, size,
                      cylinders, heads, sectors, kind, 0, identity.bytes)
    return checksum(raw.ljust(512, b'\0'), 64)


def header(entries, block, parent, locators):
    raw = struct.pack('>8sQQIIII', b'cxsparse', 0xffffffffffffffff, 2048, 0x10000, entries, block, 0)
    if parent:
        name, identity = parent
        raw += identity.bytes + struct.pack('>II', 1000, 0) + name.encode('utf-16-be').ljust(512, b'\0')
    raw = raw.ljust(576, b'\0')
    for code, offset, length in locators:
        raw += struct.pack('>4sIIIQ', code, 512, length, 0, offset)
    return checksum(raw.ljust(1024, b'\0'), 36)


def fixed_vhd(data, identity, old_footer=False, **words):
    raw = footer(len(data), 2, identity, **words)
    return data + (raw[:511] if old_footer else raw)


def sparse_vhd(size, block, blocks, identity, parent=None, locators=(), **words):
    """blocks: {index: (bitmap bits as a list of bool, data)}; locators: (code, bytes)."""
    entries = -(-size // block)
    table = [0xffffffff] * entries
    kind = 4 if parent or locators else 3
    place = 2048 + -(-4 * entries // 512) * 512
    named, body = [], b''
    for code, text in locators:
        named.append((code, place + len(body), len(text)))
        body += text.ljust(512, b'\0')
    for index in sorted(blocks, reverse=True):  # not in guest order: it need not be
        bits, data = blocks[index]
        bitmap = bytearray(-(-(block // 512) // 4096) * 512)
        for sector, bit in enumerate(bits):
            bitmap[sector // 8] |= bit << 7 - sector % 8
        table[index] = (place + len(body)) // 512
        body += bytes(bitmap) + data
    foot = footer(size, kind, identity, **words)
    table = struct.pack(f'>{entries}I', *table)
    table += b'\xff' * (-len(table) % 512)
    head = header(entries, block, parent, named)
    return foot + head + bytes(512) + table + body + foot


def identity_of(seed):
    return uuid.UUID(int=random.Random(seed).getrandbits(128))


def patterns(sectors, seed):
    """Bitmaps that have caught readers out: none, all, every second, borders of bytes, runs, noise."""
    noise = random.Random(seed)
    yield [False] * sectors
    yield [True] * sectors
    yield [sector % 2 == 0 for sector in range(sectors)]
    yield [sector % 2 == 1 for sector in range(sectors)]
    yield [sector % 8 == 7 for sector in range(sectors)]
    yield [sector == 0 or sector == sectors - 1 for sector in range(sectors)]
    yield [sector // 7 % 2 == 0 for sector in range(sectors)]
    yield [noise.random() < 0.5 for _ in range(sectors)]


def make_blocks(size, block, seed):
    noise = random.Random(seed)
    blocks = {}
    for index, bits in zip(range(-(-size // block)), patterns(block // 512, seed)):
        if noise.random() < 0.9:
            blocks[index] = (bits, noise.randbytes(block))
    return blocks


def apply_blocks(below, size, block, blocks):
    """What a differencing disk shows over `below`."""
    disk = bytearray(below[:size].ljust(-(-size // block) * block, b'\0'))
    for index, (bits, data) in blocks.items():
        for sector, bit in enumerate(bits):
            if bit:
                at = sector * 512
                disk[index * block + at:index * block + at + 512] = data[at:at + 512]
    return bytes(disk[:size])


def check_disk(t, name, expected, *options):
    """All ways of reading it give `expected`."""
    t.vmferry('convert', *options, '-O', 'raw', name, 'out.raw')
    tap.equal(len(t.read('out.raw')), len(expected), 'size')
    if t.read('out.raw') != expected:
        at = next(i for i, (a, b) in enumerate(zip(t.read('out.raw'), expected)) if a != b)
        raise AssertionError(f'{name}: byte {at} differs')
    t.write('expected.raw', expected)
    t.vmferry('compare', name, 'expected.raw')
    t.vmferry('convert', '--verify', '-S', '512', '-O', 'qcow2', '-o', 'cluster_size=4k', name, 'out.qcow2')
    t.run(tap.tool('qemu-img'), 'check', '-q', 'out.qcow2')
    t.vmferry('compare', 'out.qcow2', 'expected.raw')


CHAINS = [(f'{parent} parent, blocks of {block >> 10} KiB, {what}', parent, block, above)
          for parent in ('fixed', 'dynamic') for block in (MIB // 2, MIB, 2 * MIB)
          for what, above in (('as large', 0), ('child larger', 3 * 512 + MIB), ('child smaller', -MIB - 512))]


@tap.rows(CHAINS)
def test_differencing_vhd(t, parent, block, above):
    noise = random.Random(block + above)
    base_size = 6 * MIB + 512 * 5
    base, child, top = (identity_of(seed) for seed in (1, 2, 3))
    if parent == 'fixed':
        bottom = noise.randbytes(base_size)
        t.write('base.vhd', fixed_vhd(bottom, base))
    else:
        blocks = {index: ([True] * (2 * MIB // 512), noise.randbytes(2 * MIB)) for index in (0, 2, 3)}
        bottom = apply_blocks(b'', base_size, 2 * MIB, blocks)
        t.write('base.vhd', sparse_vhd(base_size, 2 * MIB, blocks, base))
    size = base_size + above
    middle_blocks = make_blocks(size, block, 4)
    middle = apply_blocks(bottom, size, block, middle_blocks)
    t.write('child.vhd', sparse_vhd(size, block, middle_blocks, child, ('base.vhd', base),
                                    [(b'W2ru', '.\\base.vhd'.encode('utf-16-le'))]))
    top_blocks = {1: (next(patterns(block // 512, 9)), bytes(block)),
                  2: ([sector % 3 == 0 for sector in range(block // 512)], noise.randbytes(block))}
    t.write('top.vhd', sparse_vhd(size, block, top_blocks, top, ('C:\\elsewhere\\child.vhd', child)))
    check_disk(t, 'child.vhd', middle)
    check_disk(t, 'top.vhd', apply_blocks(middle, size, block, top_blocks))
    if above == 0:
        t.run(tap.tool('7zz'), 'x', '-y', '-so', 'child.vhd', stdout=open(t.path('7z.raw'), 'wb'), text=False)
        tap.equal(t.read('7z.raw') == middle, True, '7-Zip sees the same')


def test_vhd_with_the_wrong_parent(t):
    t.write('base.vhd', fixed_vhd(bytes(MIB), identity_of(1)))
    t.write('child.vhd', sparse_vhd(MIB, MIB, {}, identity_of(2), ('base.vhd', identity_of(7))))
    tap.contains(t.vmferry('convert', 'child.vhd', 'o.raw', status=2).stderr, 'UUID')


def test_vhd_loop(t):
    t.write('a.vhd', sparse_vhd(MIB, MIB, {}, identity_of(1), ('b.vhd', identity_of(2))))
    t.write('b.vhd', sparse_vhd(MIB, MIB, {}, identity_of(2), ('a.vhd', identity_of(1))))
    tap.contains(t.vmferry('info', '--backing-chain', 'a.vhd', status=2).stderr, 'loop')


CREATORS = [(name.strip(b'\0 ').decode(), name, by_geometry) for name, by_geometry in
            ((b'vpc ', True), (b'qemu', True), (b'win ', False), (b'd2v ', False), (b'tap\0', False),
             (b'CTXS', False), (b'wa\0\0', False), (b'qem2', False), (b'vbox', False))]


@tap.rows(CREATORS)
def test_size_by_creator(t, creator, by_geometry):
    geometry = (120, 4, 17)
    data = random.Random(5).randbytes(121 * 4 * 17 * 512 + 512 * 9)
    size = 120 * 4 * 17 * 512 if by_geometry else len(data)
    t.write('f.vhd', fixed_vhd(data, identity_of(1), creator=creator, geometry=geometry))
    check_disk(t, 'f.vhd', data[:size])
    blocks = {0: ([True] * 4096, data[:2 * MIB])}
    t.write('d.vhd', sparse_vhd(len(data), 2 * MIB, blocks, identity_of(1), creator=creator, geometry=geometry))
    check_disk(t, 'd.vhd', data[:2 * MIB].ljust(size, b'\0'))


@tap.rows([(str(size), size) for size in (1, 511, 512, 513, 4096, MIB + 1, MIB + 512)])
def test_old_footer(t, size):
    data = random.Random(size).randbytes(size)
    t.write('old.vhd', fixed_vhd(data, identity_of(1), old_footer=True))
    check_disk(t, 'old.vhd', data)


def test_trailing_footer_lost(t):
    blocks = {0: ([True] * 4096, random.Random(1).randbytes(2 * MIB))}
    image = sparse_vhd(3 * MIB, 2 * MIB, blocks, identity_of(1))
    expected = blocks[0][1].ljust(3 * MIB, b'\0')
    for broken in (image[:-512], image[:-512] + bytes(512), bytes(512) + image[512:], image[:-100]):
        t.write('b.vhd', broken)
        done = t.vmferry('convert', '-O', 'raw', 'b.vhd', 'o.raw')
        tap.contains(done.stderr, 'footer')
        tap.equal(t.read('o.raw') == expected, True, 'content')


# ---- joined sources ----

FORMS = [('raw', 'raw', ()), ('qcow2', 'qcow2', ()), ('qcow2 512', 'qcow2', ('-o', 'cluster_size=512')),
         ('qcow2 zlib', 'qcow2', ('-c',)), ('qcow2 2M zstd', 'qcow2', ('-c', '-o', 'cluster_size=2M,compression_type=zstd')),
         ('qcow2 extended', 'qcow2', ('-o', 'extended_l2=on')), ('vmdk', 'vmdk', ()),
         ('vmdk flat', 'vmdk', ('-o', 'subformat=monolithicFlat')),
         ('vmdk split', 'vmdk', ('-o', 'subformat=twoGbMaxExtentSparse')),
         ('vmdk split flat', 'vmdk', ('-o', 'subformat=twoGbMaxExtentFlat')),
         ('vmdk stream', 'vmdk', ('-o', 'subformat=streamOptimized')), ('vhd', 'vhd', ()),
         ('vhd fixed', 'vhd', ('-o', 'subformat=fixed'))]


def joined_parts(t):
    """Sources whose borders are no multiples of a sector, two of them packed."""
    noise = random.Random(11)
    disks = [noise.randbytes(1000001), bytes(3) + noise.randbytes(70000) + bytes(2 * MIB), bytes(512),
             noise.randbytes(100000) * 9, b'x', bytes(5 * MIB) + noise.randbytes(77), bytes(3000001)]
    names = []
    for index, data in enumerate(disks):
        names.append(t.write(f'{index}.raw', data))
    for index, options in ((3, ('-c',)), (5, ('-c', '-o', 'cluster_size=2M'))):
        disks[index] += bytes(-len(disks[index]) % 512)
        names[index] = t.path(f'{index}.qcow2')
        t.vmferry('convert', *options, '-O', 'qcow2', f'{index}.raw', names[index])
    return names, b''.join(disks)


def test_joined_empty_part(t):
    """An empty file is most often one that was not fetched; who means it says so."""
    t.write('0.raw', b'x' * 1000)
    t.write('1.raw', b'')
    tap.contains(t.vmferry('convert', '-O', 'raw', '0.raw', '1.raw', 'out', status=2).stderr, 'empty')
    t.vmferry('convert', '-f', 'raw', '-O', 'raw', '0.raw', '1.raw', 'out')
    tap.equal(t.read('out'), b'x' * 1000)


@tap.rows(FORMS)
def test_joined(t, form, options):
    names, expected = joined_parts(t)
    outputs = set()
    t.write('expected.raw', expected)
    for threads in ('1', '8'):
        t.vmferry('convert', '--verify', '-m', threads, '-O', form, *options, *names, 'out',
                  env={'SOURCE_DATE_EPOCH': '1700000000'})
        files = [name for name in t.names() if name.startswith('out')]
        outputs.add(b''.join(map(t.read, files)))
        t.vmferry('convert', '-f', form, '-O', 'raw', 'out', 'back.raw')
        back = t.read('back.raw')
        tap.equal(back[:len(expected)] == expected, True, 'content')
        tap.equal(back[len(expected):].strip(b'\0'), b'', 'behind the end')
        tap.equal(len(back) - len(expected) < 512, True, 'at most a sector is filled')
        if form != 'raw':
            t.run(tap.tool('qemu-img'), 'compare', '-f', 'vpc' if form == 'vhd' else form, '-F', 'raw', 'out',
                  'expected.raw')
        for name in files:
            os.remove(t.path(name))
    tap.equal(len(outputs), 1, 'outputs for 1 and 8 threads')


# ---- overlays ----

def damage(data, seed):
    """Some of it changed, some made zero, some as it was."""
    noise = random.Random(seed)
    data = bytearray(data)
    for _ in range(12):
        at, length = noise.randrange(len(data)), noise.choice((1, 512, 5000, 70000, 300000))
        length = min(length, len(data) - at)
        data[at:at + length] = noise.choice((bytes(length), noise.randbytes(length)))
    return bytes(data)


OVERLAYS = [(f'{compat} {options} {what}', compat, options, above)
            for compat, options in (('1.1', ''), ('1.1', 'cluster_size=512'), ('1.1', 'cluster_size=2M'),
                                    ('1.1', 'extended_l2=on'), ('0.10', ''), ('0.10', 'cluster_size=4k'))
            for what, above in (('as large', 0), ('source larger', 1234567), ('source smaller', -1234567))]


@tap.rows(OVERLAYS)
def test_overlay(t, compat, options, above):
    qemu = tap.tool('qemu-img')
    noise = random.Random(3)
    base = noise.randbytes(2 * MIB) + bytes(MIB) + noise.randbytes(MIB + 333) + bytes(MIB)
    source = (damage(base, 8) + noise.randbytes(max(above, 0)))[:len(base) + above]
    t.write('base.raw', base)
    t.write('source.raw', source)
    t.vmferry('convert', '-O', 'qcow2', 'base.raw', 'base.qcow2')
    t.vmferry('convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'base.raw', 'base.vmdk')
    sectors = len(source) + -len(source) % 512
    for backing, form in (('base.raw', 'raw'), ('base.qcow2', 'qcow2'), ('base.vmdk', 'vmdk')):
        for more in ((), ('-c',), ('-S', '0')):
            t.vmferry('convert', '--verify', '-O', 'qcow2', '-B', backing, '-F', form, *more, '-o',
                      f'compat={compat}' + (',' + options if options else ''), 'source.raw', 'top.qcow2')
            t.run(qemu, 'check', '-q', 'top.qcow2')
            t.run(qemu, 'convert', '-O', 'raw', 'top.qcow2', 'back.raw')
            tap.equal(t.read('back.raw') == source.ljust(sectors, b'\0'), True, f'content over {backing} {more}')
            t.vmferry('convert', 'top.qcow2', 'ours.raw')
            tap.equal(t.read('ours.raw') == source.ljust(sectors, b'\0'), True, f'content over {backing} {more}')


@tap.rows([(f'{options} {what}', options, above) for options in ('subformat=monolithicSparse', 'zeroed_grain=on', 'subformat=twoGbMaxExtentSparse')
           for what, above in (('as large', 0), ('source larger', 1234567), ('source smaller', -1234567))])
def test_overlay_in_vmdk(t, options, above):
    qemu = tap.tool('qemu-img')
    noise = random.Random(4)
    base = noise.randbytes(2 * MIB) + bytes(MIB) + noise.randbytes(MIB + 333) + bytes(MIB)
    middle = (damage(base, 8) + noise.randbytes(max(above, 0)))[:len(base) + above]
    top = bytes(3 * 65536) + middle[3 * 65536:]
    (t.folder / 'sub').mkdir()
    for name, data, backing in (('base', base, None), ('middle', middle, 'base.vmdk'), ('sub/top', top, '../middle.vmdk')):
        t.write('source.raw', data)
        below = ('-B', backing, '-F', 'vmdk', '--allow-ref', t.folder) if backing else ()
        t.vmferry('convert', '--verify', '-O', 'vmdk', '-o', options, *below, 'source.raw', f'{name}.vmdk')
        t.run(qemu, 'convert', '-O', 'raw', f'{name}.vmdk', 'back.raw')
        sectors = len(data) + -len(data) % 512
        tap.equal(t.read('back.raw') == data.ljust(sectors, b'\0'), True, f'{name} by qemu-img')
        t.vmferry('convert', '--allow-ref', t.folder, f'{name}.vmdk', 'ours.raw')
        tap.equal(t.read('ours.raw') == data.ljust(sectors, b'\0'), True, f'{name} by vmferry')
        t.vmferry('check', f'{name}.vmdk')
    t.vmferry('create', '-f', 'vmdk', '-o', options, '-b', 'base.vmdk', '-F', 'vmdk', 'empty.vmdk')
    t.run(qemu, 'compare', 'base.vmdk', 'empty.vmdk')


def test_flat_extents_take_their_own_bytes_only(t):
    """Clusters of 2 MiB below, of 64 KiB above: stretches between holes still end where an extent does."""
    qemu = tap.tool('qemu-img')
    t.run(qemu, 'create', '-q', '-f', 'qcow2', '-o', 'cluster_size=2M', 'base.qcow2', '3G')
    t.run(qemu, 'create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'top.qcow2')
    t.run(tap.tool('qemu-io'), '-c', f'write -P 7 {2046 * MIB + 65536} {2 * MIB - 65536}', 'top.qcow2')
    for size in ('4k', '512k', '1M'):
        t.vmferry('convert', '-S', size, '-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentFlat', 'top.qcow2', 'o.vmdk')
        t.run(qemu, 'compare', 'top.qcow2', 'o.vmdk')


if __name__ == '__main__':
    tap.main(globals())
