# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Raw disks that are packed as a whole: what the tools of each packing unpack is the disk, to the byte."""
import gzip
import json
import os
import random

import tap

MIB = 1 << 20
TOOLS = {'gz': ('gzip', '-dc'), 'xz': ('xz', '-dc'), 'zst': ('zstd', '-dcq'), 'lz4': ('lz4', '-dcq')}
NAMES = {'gz': 'disk.raw.gz', 'xz': 'DISK.IMG.XZ', 'zst': 'disk.dd.zst', 'lz4': 'disk.bin.lz4'}
if not tap.built_with('liblzma'):
    del TOOLS['xz'], NAMES['xz']
PACKINGS = [(packing, packing) for packing in TOOLS]


def content(size=7 * MIB + 700):
    """Noise, text, zeros longer than a unit, an end in the middle of a sector."""
    data = bytearray(size)
    data[:100000] = random.Random(1).randbytes(100000)
    data[300000:900000] = (b'all work and no play\n' * 30000)[:600000]
    data[-9:] = b'the end.\n'
    return bytes(data)


def unpacked(t, packing, name):
    return t.run(tap.tool(TOOLS[packing][0]), *TOOLS[packing][1:], name, text=False).stdout


@tap.rows(PACKINGS)
def test_other_tools_unpack_it(t, packing):
    t.write('a.raw', content())
    for level in ('', ',compression_level=1', ',compression_level=12'):
        t.vmferry('convert', '-O', 'raw', '-o', f'compress={packing}{level}', 'a.raw', 'out')
        tap.equal(unpacked(t, packing, 'out') == content(), True, f'content {level}')
    t.vmferry('convert', 'a.raw', NAMES[packing])
    tap.equal(unpacked(t, packing, NAMES[packing]) == content(), True, 'content by the name')


@tap.rows(PACKINGS)
def test_bytes_do_not_depend_on_threads_or_pipes(t, packing):
    t.write('a.raw', content())
    made = []
    for threads, target in (('1', 'x'), ('8', 'y'), ('2', '-')):
        with open(t.path('piped'), 'wb') as pipe:
            t.run(tap.VMFERRY, 'convert', '-m', threads, '-O', 'raw', '-o', f'compress={packing}', 'a.raw', target,
                  stdout=pipe, text=False)
        made.append(t.read('piped' if target == '-' else target))
    tap.equal([len(one) for one in made], [len(made[0])] * 3, 'sizes')
    tap.equal(made[0] == made[1] == made[2], True, 'bytes')


@tap.rows([(str(size), size) for size in (1, 511, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1)])
def test_the_last_piece_ends_where_the_disk_does(t, size):
    t.write('a.raw', content(MIB + size)[-size:])
    for packing in TOOLS:
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', '-o', f'compress={packing}', 'a.raw', 'out')
        tap.equal(unpacked(t, packing, 'out') == t.read('a.raw'), True, packing)


def test_it_is_read_back(t):
    t.write('a.raw', content())
    for name in (*NAMES.values(), 'image.tar.gz'):
        done = t.vmferry('convert', '-v', '--verify', 'a.raw', name)
        tap.equal('unpacked into a file' in done.stderr, False, done.stderr)
        t.vmferry('compare', '-f', 'raw', 'a.raw', *([] if name.endswith('tar.gz') else ['-F', 'raw']), name)
    tap.contains(t.vmferry('convert', '--verify', '-O', 'raw', '-o', 'compress=xz', 'a.raw', '-', status=1).stderr, '--verify')


def test_zeros_of_a_sparse_disk_are_all_there(t):
    t.vmferry('create', 'a.qcow2', '1G')
    t.vmferry('convert', 'a.qcow2', 'a.raw.zst')
    tap.equal(t.run(tap.tool('zstd'), '-dcq', 'a.raw.zst', text=False).stdout == bytes(1 << 30), True, 'zeros')


def test_it_can_be_refused_by_its_name(t):
    t.write('a.raw', content(MIB))
    t.vmferry('convert', '-O', 'raw', '-o', 'compress=off', 'a.raw', 'b.raw.gz')
    tap.equal(t.read('b.raw.gz') == content(MIB), True, 'plain')
    for name in ('b.qcow2.gz', 'b.gz', 'b.raw.bz2', 'raw.gz'):
        tap.contains(t.vmferry('convert', 'a.raw', name, status=1).stderr, 'packed data')


@tap.rows([(words, words, part) for words, part in (
    ('-o compress=bz2', 'gz, xz, zst, lz4'), ('-o compress=gz,compression_level=13', '12'),
    ('-o compression_level=3', 'without compress='), ('-o compress=gz,preallocation=full', 'excludes compress='), ('-o archive=gce,preallocation=full', 'excludes compress='),
    ('-o archive=gce,compress=xz', 'by gzip'), ('-o archive=tar', 'gce'), ('-c', 'compress=zst'))])
def test_what_does_not_go_together(t, words, part):
    t.write('a.raw', content(MIB))
    tap.contains(t.vmferry('convert', '-O', 'raw', *words.split(), 'a.raw', 'out', status=1).stderr, part)
    tap.equal(t.names(), ['a.raw'], 'files')


def test_the_archive_of_gce(t):
    """One member disk.raw of whole GiB, in GNU tar's old format, by gzip: as other programs see it, from a file and a pipe."""
    t.write('a.raw', content())
    done = t.vmferry('convert', 'a.raw', 'image.tar.gz')
    tap.contains(done.stderr, '1 GiB')
    with open(t.path('piped'), 'wb') as pipe:
        t.run(tap.VMFERRY, 'convert', '-q', '-m', '1', '-O', 'raw', '-o', 'archive=gce', 'a.raw', '-', stdout=pipe, text=False)
    tap.equal(t.read('piped') == t.read('image.tar.gz'), True, 'bytes of the pipe')
    for program in ('tar', 'bsdtar'):
        tap.equal(t.run(tap.tool(program), '-tzf', 'image.tar.gz').stdout, 'disk.raw\n', program)
    t.run(tap.tool('gunzip'), '-t', 'image.tar.gz')
    head = gzip.open(t.path('image.tar.gz')).read(512)
    tap.equal((head[:9], head[156:157], head[257:265]), (b'disk.raw\0', b'0', b'ustar  \0'), 'header')
    t.run(tap.tool('tar'), '-xSzf', 'image.tar.gz')
    with open(t.path('disk.raw'), 'rb') as file:
        tap.equal(file.read(len(content())) == content(), True, 'content')
    tap.equal(os.stat(t.path('disk.raw')).st_size, 1 << 30, 'size')
    t.vmferry('compare', 'disk.raw', 'image.tar.gz')


def test_an_archive_of_whole_gib_is_not_filled_up(t):
    t.vmferry('create', 'a.qcow2', '1G')
    tap.equal('filled up' in t.vmferry('convert', 'a.qcow2', 'a.tar.gz').stderr, False, 'a warning')
    info = json.loads(t.vmferry('info', '--output=json', 'a.tar.gz').stdout)
    tap.equal((info['filename'], info['virtual-size']), ('a.tar.gz::disk.raw', 1 << 30), 'info')
    measured = json.loads(t.vmferry('measure', '--output=json', '-O', 'raw', '-o', 'archive=gce', 'a.qcow2').stdout)['required']
    tap.equal(os.stat(t.path('a.tar.gz')).st_size < measured, True, 'measure')


def test_a_disk_of_no_bytes(t):
    t.write('a.raw', b'')
    tap.contains(t.vmferry('convert', '-f', 'raw', 'a.raw', 'b.raw.gz', status=9).stderr, 'no bytes')


tap.main(globals())
