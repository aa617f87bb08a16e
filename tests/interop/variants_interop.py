# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VHDX and VDI in every form that qemu-img has an option for, and VDI with every size of block that VirtualBox takes: each is the disk that went in.

VMFERRY_TEST_ALL=1 tries all, else every eleventh."""
import os
import random
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))

import make_vdi as vdi

MIB = 1 << 20
STEP = 1 if os.environ.get('VMFERRY_TEST_ALL') else 11
SIZES = (9 * MIB, 9 * MIB + 3 * 512, 300 * 512, 40 * MIB - 512)
VHDX = [(f'subformat={kind},block_size={block},log_size={log},block_state_zero={zero}', size)
        for kind in ('dynamic', 'fixed') for block in (0, *(f'{1 << n}M' for n in range(9))) for log in ('1M', '16M') for zero in ('on', 'off')
        for size in SIZES]
VDI = [(extra, 1 << log, size) for log in range(17, 28) for extra in (0, 512, 4096) for size in SIZES]


def disk(size):
    """Stretches of noise, one of them at the end."""
    noise, out = random.Random(size), bytearray(size)
    for at in (0, size // 3, size - 700):
        out[at:at + 700] = noise.randbytes(700)
    return bytes(out)


def read(t, name, content, title):
    t.write('plain.raw', content)
    done = t.vmferry('compare', '-f', 'raw', 'plain.raw', name, status=None)
    tap.equal((done.returncode, done.stderr), (0, ''), f'{title}: compare')
    tap.equal(t.vmferry('check', name, status=None).returncode, 0, f'{title}: check')


def test_vhdx_of_qemu_img(t):
    for options, size in VHDX[::STEP]:
        t.write('a.raw', disk(size))
        t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', 'vhdx', '-o', options, 'a.raw', 'a.vhdx')
        read(t, 'a.vhdx', disk(size), f'{options}, {size} bytes')


def test_vhdx_that_ends_before_the_disk_does(t):
    """Of the last block qemu-img leaves out what the disk has not; one byte less is too little."""
    t.write('a.raw', disk(SIZES[1]))
    t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', 'vhdx', '-o', 'subformat=fixed,block_state_zero=off', 'a.raw', 'a.vhdx')
    os.truncate(t.path('a.vhdx'), os.path.getsize(t.path('a.vhdx')) - 1)
    for verb in ('checksum', 'check'):
        done = t.vmferry(verb, 'a.vhdx', status=None)
        tap.equal(done.returncode != 0, True, verb)
        tap.contains(done.stdout + done.stderr, 'beyond the end of the file')


def test_vdi_of_qemu_img(t):
    for static in ('on', 'off'):
        for size in SIZES:
            t.write('a.raw', disk(size))
            t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', 'vdi', '-o', 'static=' + static, 'a.raw', 'a.vdi')
            read(t, 'a.vdi', disk(size), f'static={static}, {size} bytes')


def test_vdi_of_any_block(t):
    smallest = vdi.BLOCK
    for extra, block, size in VDI[::STEP]:
        vdi.BLOCK = block
        t.write('a.vdi', vdi.dynamic(disk(size), bytes([1]) * 16, extra))
        read(t, 'a.vdi', disk(size), f'blocks of {block} bytes behind {extra} more, {size} bytes')
    vdi.BLOCK = smallest


tap.main(globals())
