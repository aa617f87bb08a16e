#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Whatever the order in which threads run, and however many they are: the same bytes, the same sums. See delays.c."""
import os
import random

import fault_tools
import tap
from fault_tools import TARGETS

ALL = bool(os.environ.get('VMFERRY_TEST_ALL'))
RUNS = [(threads, seed) for threads in range(1, 17) for seed in (1, 2, 3)] if ALL else [(2, 1), (5, 2), (16, 3)]
MIB = 1 << 20
PACKED = [('raw xz', ('out/disk.raw.xz',)), ('raw gz', ('out/disk.raw.gz',)), ('raw zst', ('out/disk.raw.zst',)),
          ('vhdx', ('out/disk.vhdx',)), ('vdi', ('out/disk.vdi',)), ('qcow2 zstd', ('-c', '-o', 'compression_type=zstd', 'out/disk.qcow2'))]


def content():
    """Ten jobs and a part: data that packs well and badly, and holes."""
    chance = random.Random(7)
    pieces = [chance.randbytes(300 << 10), bytes(2 * MIB), b'some text %d ' * 60000, chance.randbytes(70001), bytes(65536 * 9)]
    return b''.join(pieces * 4)[:10 * MIB + 1536]


def delayed(t, seed):
    return fault_tools.preloaded('delays.so') | {'VMF_DELAYS': str(seed), 'VMF_DELAYS_COUNT': fault_tools.count_file(), 'SOURCE_DATE_EPOCH': '1600000000'}


def prepare(t):
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    t.write('src/disk.raw', content())
    t.vmferry('convert', '--no-sync', '-c', 'src/disk.raw', 'src/disk.qcow2')


def everything(t):
    found = {path.name: path.read_bytes() for path in (t.folder / 'out').iterdir()}
    for path in (t.folder / 'out').iterdir():
        path.unlink()
    return found


def same(t, *words):
    """By one thread as it comes; then by more of them, in any order."""
    t.vmferry(*words, '-m', '1', env={'SOURCE_DATE_EPOCH': '1600000000'})
    expected = everything(t)
    for threads, seed in RUNS:
        t.vmferry(*words, '-m', str(threads), env=delayed(t, seed))
        tap.equal(fault_tools.count(t) > 0, True, 'delays')
        found = everything(t)
        tap.equal(sorted(found), sorted(expected), f'files of {threads} threads')
        for name, data in expected.items():
            if found[name] != data:
                raise AssertionError(f'{name}: {threads} threads, order {seed}: other bytes')


@tap.rows(TARGETS + PACKED)
def test_a_conversion(t, words):
    prepare(t)
    same(t, 'convert', '--no-sync', 'src/disk.qcow2', *words)


def test_a_package(t):
    prepare(t)
    same(t, 'pack', '-q', '--no-sync', 'src/disk.qcow2', 'src/disk.raw', '-o', 'out/vm.ova')


def test_a_stream(t):
    prepare(t)
    t.vmferry('convert', '--no-sync', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'src/disk.raw', 'src/disk.vmdk')
    t.write('src/run.sh', b'cat src/disk.vmdk | "$VMFERRY" "$@"\n')
    outputs = set()
    for threads, seed in RUNS:
        t.run('sh', 'src/run.sh', 'convert', '--no-sync', '-m', str(threads), '-', 'out/disk.qcow2', env=delayed(t, seed) | {'VMFERRY': tap.VMFERRY})
        outputs.add(everything(t)['disk.qcow2'])
    tap.equal(len(outputs), 1, 'different outputs')


def test_a_checksum_and_a_comparison(t):
    prepare(t)
    expected = t.vmferry('checksum', 'src/disk.raw').stdout.split()[0]
    for threads, seed in RUNS:
        tap.equal(t.vmferry('checksum', '-m', str(threads), 'src/disk.qcow2', env=delayed(t, seed)).stdout.split()[0], expected, 'checksum')
        t.vmferry('compare', '-m', str(threads), 'src/disk.raw', 'src/disk.qcow2', env=delayed(t, seed))


tap.main(globals())
