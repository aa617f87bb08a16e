# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Every kind of disk that qemu-img writes is read right; every kind that vmferry writes is read right by
qemu-img and 7-Zip, has the exact size, and `qemu-img check` finds nothing."""
import random

import tap

SIZE = 40 * 1024 * 1024 + 512 * 3

# What stands where on the guest disk: (offset, length, how packable).
STRETCHES = [(0, 512, 'text'), (65536 - 700, 1400, 'noise'), (1 << 20, 1 << 20, 'text'),
             (5 << 20, 300000, 'noise'), (33 << 20, 2 << 20, 'text'), (SIZE - 1000, 1000, 'noise')]

QEMU_FORMS = [
    ('raw', 'raw', []),
    ('qcow2', 'qcow2', []),
    ('qcow2 v2', 'qcow2', ['-o', 'compat=0.10']),
    *[(f'qcow2 clusters of {size}', 'qcow2', ['-o', f'cluster_size={size}']) for size in
      ('512', '1k', '4k', '32k', '128k', '1M', '2M')],
    *[(f'qcow2 refcounts of {bits} bits', 'qcow2', ['-o', f'refcount_bits={bits}']) for bits in
      (1, 2, 4, 8, 32, 64)],
    ('qcow2 zlib', 'qcow2', ['-c']),
    ('qcow2 zlib 512', 'qcow2', ['-c', '-o', 'cluster_size=512']),
    ('qcow2 zlib 2M', 'qcow2', ['-c', '-o', 'cluster_size=2M']),
    ('qcow2 zstd', 'qcow2', ['-c', '-o', 'compression_type=zstd']),
    ('qcow2 zstd 2M', 'qcow2', ['-c', '-o', 'compression_type=zstd,cluster_size=2M']),
    ('qcow2 extended L2', 'qcow2', ['-o', 'extended_l2=on,cluster_size=128k']),
    ('qcow2 extended L2 zlib', 'qcow2', ['-c', '-o', 'extended_l2=on']),
    ('qcow2 preallocated metadata', 'qcow2', ['-o', 'preallocation=metadata']),
    ('qcow2 preallocated full', 'qcow2', ['-o', 'preallocation=full']),
    ('vmdk monolithicSparse', 'vmdk', []),
    ('vmdk zeroed grain', 'vmdk', ['-o', 'zeroed_grain=on']),
    ('vmdk monolithicFlat', 'vmdk', ['-o', 'subformat=monolithicFlat']),
    ('vmdk twoGbMaxExtentSparse', 'vmdk', ['-o', 'subformat=twoGbMaxExtentSparse']),
    ('vmdk twoGbMaxExtentFlat', 'vmdk', ['-o', 'subformat=twoGbMaxExtentFlat']),
    ('vmdk streamOptimized', 'vmdk', ['-o', 'subformat=streamOptimized']),
    ('vhd dynamic', 'vpc', ['-o', 'force_size=on']),
    ('vhd fixed', 'vpc', ['-o', 'subformat=fixed,force_size=on']),
    ('vhdx', 'vhdx', []),
    ('vhdx blocks of 1M', 'vhdx', ['-o', 'block_size=1M']),
    ('vhdx fixed', 'vhdx', ['-o', 'subformat=fixed']),
    ('vdi', 'vdi', []),
    ('vdi static', 'vdi', ['-o', 'static=on']),
]

OUR_FORMS = [
    ('raw', 'raw', []),
    ('raw falloc', 'raw', ['-o', 'preallocation=falloc']),
    ('raw fully allocated', 'raw', ['-S', '0']),
    ('qcow2', 'qcow2', []),
    ('qcow2 fully allocated', 'qcow2', ['-S', '0']),
    ('qcow2 v2', 'qcow2', ['-o', 'compat=0.10']),
    *[(f'qcow2 clusters of {size}', 'qcow2', ['-o', f'cluster_size={size}']) for size in
      ('512', '4k', '128k', '2M')],
    *[(f'qcow2 refcounts of {bits} bits', 'qcow2', ['-o', f'refcount_bits={bits}']) for bits in
      (1, 2, 4, 8, 32, 64)],
    ('qcow2 zlib', 'qcow2', ['-c']),
    ('qcow2 zlib level 12', 'qcow2', ['-c', '-o', 'compression_level=12']),
    ('qcow2 zlib 512', 'qcow2', ['-c', '-o', 'cluster_size=512']),
    ('qcow2 zlib 2M one bit', 'qcow2', ['-c', '-o', 'cluster_size=2M,refcount_bits=1']),
    ('qcow2 zlib 4k two bits', 'qcow2', ['-c', '-o', 'cluster_size=4k,refcount_bits=2']),
    ('qcow2 zlib v2', 'qcow2', ['-c', '-o', 'compat=0.10']),
    ('qcow2 zstd', 'qcow2', ['-c', '-o', 'compression_type=zstd']),
    ('qcow2 zstd 2M', 'qcow2', ['-c', '-o', 'compression_type=zstd,cluster_size=2M']),
    ('qcow2 extended L2', 'qcow2', ['-o', 'extended_l2=on,cluster_size=128k']),
    ('qcow2 extended L2 zlib', 'qcow2', ['-c', '-o', 'extended_l2=on']),
    ('qcow2 preallocated metadata', 'qcow2', ['-o', 'preallocation=metadata']),
    ('qcow2 preallocated falloc', 'qcow2', ['-o', 'preallocation=falloc,cluster_size=4k']),
    ('qcow2 preallocated full', 'qcow2', ['-o', 'preallocation=full']),
    ('vmdk monolithicSparse', 'vmdk', []),
    ('vmdk fully allocated', 'vmdk', ['-S', '0']),
    ('vmdk lsilogic', 'vmdk', ['-o', 'adapter_type=lsilogic,hwversion=13']),
    ('vmdk monolithicFlat', 'vmdk', ['-o', 'subformat=monolithicFlat']),
    ('vmdk twoGbMaxExtentSparse', 'vmdk', ['-o', 'subformat=twoGbMaxExtentSparse']),
    ('vmdk twoGbMaxExtentFlat', 'vmdk', ['-o', 'subformat=twoGbMaxExtentFlat']),
    ('vmdk vmfs', 'vmdk', ['-o', 'subformat=vmfs']),
    ('vmdk streamOptimized', 'vmdk', ['-o', 'subformat=streamOptimized']),
    ('vmdk streamOptimized level 1', 'vmdk', ['-o', 'subformat=streamOptimized,compression_level=1']),
    ('vmdk streamOptimized level 12', 'vmdk', ['-o', 'subformat=streamOptimized,compression_level=12']),
    ('vhd dynamic', 'vpc', []),
    ('vhd fixed', 'vpc', ['-o', 'subformat=fixed']),
    ('vhdx', 'vhdx', []),
    ('vhdx fixed', 'vhdx', ['-o', 'subformat=fixed,block_size=1M']),
    ('vdi', 'vdi', []),
    ('vdi fixed', 'vdi', ['-o', 'subformat=fixed']),
]

# One of each family, for the sources of the cross product.
FAMILIES = [form for form in QEMU_FORMS if form[0] in (
    'qcow2 zlib 2M', 'qcow2 extended L2', 'vmdk streamOptimized', 'vmdk twoGbMaxExtentSparse', 'vhd dynamic')]
CROSS = [(f'{source[0]} to {target[0]}', source, target) for source in FAMILIES for target in OUR_FORMS
         if target[0] in ('raw', 'qcow2 zlib 512', 'vmdk streamOptimized', 'vmdk monolithicFlat',
                          'vhd dynamic', 'vhd fixed')]


def guest_bytes():
    noise = random.Random(1)
    disk = bytearray(SIZE)
    for offset, length, kind in STRETCHES:
        disk[offset:offset + length] = (noise.randbytes(length) if kind == 'noise'
                                        else (b'vmferry %06d ' % offset * (length // 15 + 1))[:length])
    return bytes(disk)


def write_guest(t):
    """The guest disk as a sparse raw file; its bytes."""
    guest = guest_bytes()
    with open(t.path('guest.raw'), 'wb') as file:
        file.truncate(SIZE)
        for offset, length, _ in STRETCHES:
            file.seek(offset)
            file.write(guest[offset:offset + length])
    return guest


def make_by_qemu(t, name, form, options):
    t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', form, *options, 'guest.raw', name)


def file_name(stem, form):
    """Without a suffix the content alone decides; raw content says nothing."""
    return stem + '.img' if form == 'raw' else stem


def assert_qemu_reads(t, name, form, guest):
    qemu = tap.tool('qemu-img')
    t.run(qemu, 'convert', '-f', form, '-O', 'raw', name, 'back.raw')
    if t.read('back.raw') != guest:
        raise AssertionError(f'{name}: qemu-img reads other bytes ({len(t.read("back.raw"))} of them)')
    t.run(qemu, 'check', '-f', form, name, status=63 if form in ('raw', 'vpc') else 0)


def assert_7zip_reads(t, name, guest):
    done = t.run(tap.tool('7zz'), 'e', '-so', name, text=False, status=None)
    if done.returncode != 0 or done.stdout != guest:
        raise AssertionError(f'{name}: 7-Zip reads other bytes: exit {done.returncode}, '
                             f'{len(done.stdout)} bytes, {done.stderr[-300:]!r}')


@tap.rows([(form[0], *form[1:]) for form in QEMU_FORMS])
def test_read(t, form, options):
    guest = write_guest(t)
    disk = file_name('disk', form)
    make_by_qemu(t, disk, form, options)
    t.vmferry('convert', *(['-f', 'raw'] if form == 'raw' else []), '-O', 'raw', disk, 'out.raw')
    if t.read('out.raw') != guest:
        raise AssertionError('other bytes')
    t.vmferry('compare', '-F', 'raw', disk, 'guest.raw')


@tap.rows([(form[0], *form[1:]) for form in OUR_FORMS])
def test_write(t, form, options):
    guest = write_guest(t)
    t.vmferry('convert', '--verify', '-O', form, *options, 'guest.raw', 'disk.img')
    assert_qemu_reads(t, 'disk.img', form, guest)


@tap.rows([(form[0], *form[1:]) for form in OUR_FORMS if form[1] != 'raw' and 'zstd' not in form[0]
           and 'extended' not in form[0] and 'vmfs' not in form[0]
           and form[1] != 'vhdx'])  # 7-Zip 26.02 refuses those of an odd number of sectors; formats/vhdx has it read others
def test_write_for_7zip(t, form, options):
    name = {'qcow2': 'disk.qcow2', 'vmdk': 'disk.vmdk', 'vpc': 'disk.vhd', 'vdi': 'disk.vdi'}[form]
    guest = write_guest(t)
    t.vmferry('convert', '-O', form, *options, 'guest.raw', name)
    assert_7zip_reads(t, name, guest)


@tap.rows(CROSS)
def test_cross(t, source, target):
    guest = write_guest(t)
    name = file_name('source', source[1])
    make_by_qemu(t, name, *source[1:])
    t.vmferry('convert', '-O', target[1], *target[2], name, 'disk.img')
    assert_qemu_reads(t, 'disk.img', target[1], guest)


@tap.rows([(f'{size} bytes to {form[0]}', size, *form[1:]) for size in
           (512, 65536, 65536 + 512, (2 << 20) - 512, (2 << 20) + 512, (32 << 20) + 65536)
           for form in OUR_FORMS if form[0] in (
               'qcow2', 'qcow2 zlib', 'vmdk monolithicSparse', 'vmdk streamOptimized', 'vhd dynamic', 'vhd fixed')])
def test_size_is_exact(t, size, form, options):
    guest = guest_bytes()[-size:]
    t.write('guest.raw', guest)
    t.vmferry('convert', '-O', form, *options, 'guest.raw', 'disk.img')
    assert_qemu_reads(t, 'disk.img', form, guest)


def test_overlay_holds_only_the_difference(t):
    guest = write_guest(t)
    make_by_qemu(t, 'base.qcow2', 'qcow2', [])
    changed = bytearray(guest)
    changed[1 << 20:(1 << 20) + 70000] = bytes(70000)
    changed[20 << 20:(20 << 20) + 3] = b'new'
    t.write('changed.raw', bytes(changed))
    t.vmferry('convert', '-O', 'qcow2', '-B', 'base.qcow2', '-F', 'qcow2', 'changed.raw', 'top.qcow2')
    t.run(tap.tool('qemu-img'), 'check', 'top.qcow2')
    t.run(tap.tool('qemu-img'), 'convert', '-O', 'raw', 'top.qcow2', 'back.raw')
    tap.equal(t.read('back.raw') == bytes(changed), True, 'same bytes')
    t.vmferry('convert', '-O', 'raw', 'top.qcow2', 'ours.raw')
    tap.equal(t.read('ours.raw') == bytes(changed), True, 'same bytes by vmferry')
    if len(t.read('top.qcow2')) > 640 * 1024:
        raise AssertionError(f'{len(t.read("top.qcow2"))} bytes for two changed places')


def test_snapshot(t):
    qemu, qemu_io = tap.tool('qemu-img'), tap.tool('qemu-io')
    t.run(qemu, 'create', '-q', '-f', 'qcow2', 'disk.qcow2', '8M')
    t.run(qemu_io, '-c', 'write -P 1 0 1M', 'disk.qcow2')
    t.run(qemu, 'snapshot', '-c', 'first', 'disk.qcow2')
    t.run(qemu_io, '-c', 'write -P 2 512k 1M', 'disk.qcow2')
    t.vmferry('convert', '-l', 'first', '-O', 'raw', 'disk.qcow2', 'first.raw')
    t.vmferry('convert', '-O', 'raw', 'disk.qcow2', 'now.raw')
    tap.equal(t.read('first.raw') == b'\1' * (1 << 20) + bytes(7 << 20), True, 'snapshot')
    tap.equal(t.read('now.raw') == b'\1' * (1 << 19) + b'\2' * (1 << 20) + bytes((8 << 20) - 3 * (1 << 19)), True, 'now')


def test_external_data_file(t):
    guest = write_guest(t)
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-o', 'data_file=data.bin', 'disk.qcow2', str(SIZE))
    t.run(tap.tool('qemu-img'), 'convert', '-n', '-f', 'raw', '-O', 'qcow2', 'guest.raw', 'disk.qcow2')
    t.vmferry('convert', '-O', 'raw', 'disk.qcow2', 'out.raw')
    tap.equal(t.read('out.raw') == guest, True, 'same bytes')


@tap.rows([('qcow2 on raw', 'raw', 'qcow2'), ('qcow2 on vmdk', 'vmdk', 'qcow2'), ('qcow2 on vhd', 'vpc', 'qcow2'),
           ('vmdk on vmdk', 'vmdk', 'vmdk')])
def test_chain(t, base, top):
    qemu, qemu_io = tap.tool('qemu-img'), tap.tool('qemu-io')
    write_guest(t)
    make_by_qemu(t, 'base.img', base, ['-o', 'force_size=on'] if base == 'vpc' else [])
    t.run(qemu, 'create', '-q', '-f', top, '-b', 'base.img', '-F', base, 'top.img')
    t.run(qemu_io, '-f', top, '-c', 'write -P 7 1028k 100k', '-c', 'write -P 8 20M 1k', 'top.img')
    t.run(qemu, 'convert', '-f', top, '-O', 'raw', 'top.img', 'theirs.raw')
    t.vmferry('convert', '-f', top, '-O', 'raw', 'top.img', 'ours.raw')
    tap.equal(t.read('ours.raw') == t.read('theirs.raw'), True, 'same bytes')


tap.main(globals())
