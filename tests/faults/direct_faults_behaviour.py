#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Large targets go to the disk past the page cache, many requests at once (see src/io/direct.h): every one of them may
fail, be cut short, or be the last before the power or the space ends."""
import errno
import os
import random
import resource
import signal

import fault_tools
import tap
from fault_tools import OLD, convert, count, files, prepare, put_old, start_stopped

MIB = 1 << 20
ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
SIZE = 70 * MIB + 1536
TARGETS = [('raw', ('-O', 'raw', 'out/disk.img')), ('qcow2', ('-O', 'qcow2', 'out/disk.img')),
           ('vmdk sparse', ('-O', 'vmdk', 'out/disk.img')), ('vhd dynamic', ('-O', 'vpc', 'out/disk.img'))]
FAULTS = [('direct', errno.EIO, (4,)), ('direct', errno.ENOSPC, (4,)), ('direct', errno.EINVAL, (0,)),
          ('direct', errno.EAGAIN, (0,)), ('direct', 'short', (0,)), ('write', errno.EINVAL, (0, 4)),
          ('write', 'short', (0, 4)), ('setup', errno.EAGAIN, (0,)), ('allocate', errno.EOPNOTSUPP, (0,)),
          ('fsync', errno.EIO, (4,)), ('truncate', errno.EIO, (4,))]


def prepare_large(t):
    """Data with some holes, and small pieces in them."""
    prepare(t)
    data = bytearray(random.Random(7).randbytes(SIZE))
    for at in (3, 66, 68):
        data[at * MIB:at * MIB + 300000] = bytes(300000)
        data[at * MIB + 150000:at * MIB + 150100] = b'x' * 100
    t.write('src/disk.raw', bytes(data))
    return data


def reference(t, words):
    """What is made without a fault; skipped where the file system of the test does not do it directly."""
    put_old(t, 'out/disk.img')
    tap.equal(convert(t, 'direct:1000000:0', 'src/disk.raw', *words)[0], 0)
    if count(t) == 0:
        raise tap.Skip('nothing is written directly here')
    return files(t)


@tap.rows(TARGETS)
def test_each_fault(t, words):
    prepare_large(t)
    wanted = reference(t, words)
    tap.equal(convert(t, 'write:1000000:0', 'src/disk.raw', *words)[0], 0)
    last = count(t)
    for op, fault, allowed in FAULTS:
        for number in (last - 6, last) if op == 'write' else (1, 3) if ALL else (1,):
            for onwards in ('', '+') if ALL or op == 'direct' else ('',):
                plan = f'{op}:{number}{onwards}:{fault}'
                put_old(t, 'out/disk.img')
                status, errors = convert(t, plan, 'src/disk.raw', *words)
                if status not in (allowed if count(t) >= number else (0,)):
                    raise AssertionError(f'{plan}: exit {status}: {errors}')
                tap.equal(files(t) == (wanted if status == 0 else {'disk.img': OLD}), True, f'{plan}, exit {status}')


def test_the_cache_gives_the_same_bytes(t):
    prepare_large(t)
    for _, words in TARGETS:
        wanted = reference(t, words)
        put_old(t, 'out/disk.img')
        tap.equal(convert(t, 'setup:1+:38', 'src/disk.raw', *words)[0], 0)
        tap.equal(files(t) == wanted, True, str(words))


def test_holes_stay_holes(t):
    prepare(t)
    with open(t.path('src/disk.raw'), 'wb') as file:
        file.write(random.Random(7).randbytes(66 * MIB))
        file.truncate(512 * MIB)
        for at in range(70, 500, 20):
            file.seek(at * MIB)
            file.write(b'x' * (at * 1000))
    for _, words in TARGETS[:2]:
        put_old(t, 'out/disk.img')
        tap.equal(convert(t, 'direct:1000000:0', 'src/disk.raw', *words)[0], 0)
        taken = os.stat(t.path('out/disk.img')).st_blocks * 512
        tap.equal(taken < 66 * MIB + 70 * 500000, True, f'{words}: {taken} bytes')
        t.vmferry('compare', 'src/disk.raw', 'out/disk.img')


def test_killed_run_leaves_the_old(t):
    prepare_large(t)
    words = TARGETS[1][1]
    reference(t, words)
    put_old(t, 'out/disk.img')
    process = start_stopped(t, 'direct:4:stop', 'src/disk.raw', *words)
    process.kill()
    fault_tools.end(process)
    tap.equal(t.read('out/disk.img'), OLD)
    t.vmferry('convert', 'src/disk.raw', *words)
    tap.equal(sorted(files(t)), ['disk.img'])


def fill(path):
    """Another program takes the space that is left."""
    with open(path, 'wb') as file:
        for step in (16 * MIB, MIB, 4096):
            try:
                while True:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)
            except OSError:
                pass


@tap.rows([('ext4', ('mkfs.ext4', '-q', '-F', '-m', '0')), ('xfs', ('mkfs.xfs', '-q', '-f'))])
def test_full_disk(t, words):
    prepare_large(t)
    if os.geteuid() != 0 or not tap.shutil.which(words[0]):
        raise tap.Skip(f'a mount and {words[0]} are needed')
    with open(t.path('medium'), 'wb') as file:
        file.truncate(320 * MIB)
    t.run(*words, t.path('medium'))
    if t.run('mount', '-o', 'loop', t.path('medium'), t.path('out'), status=None).returncode != 0:
        raise tap.Skip('nothing can be mounted')
    try:
        t.write('out/disk.img', OLD)
        free = os.statvfs(t.path('out')).f_bfree
        for target in TARGETS[:2]:
            process = start_stopped(t, 'write:70:stop', 'src/disk.raw', *target[1])
            fill(t.path('out/other'))
            process.send_signal(signal.SIGCONT)
            status, errors = fault_tools.end(process)
            tap.equal(status, 4)
            tap.contains(errors, 'no space left on device')
            tap.equal(t.read('out/disk.img'), OLD)
            tap.equal(sorted(set(os.listdir(t.path('out'))) - {'lost+found'}), ['disk.img', 'other'])
            os.unlink(t.path('out/other'))
            os.sync()
            tap.equal(os.statvfs(t.path('out')).f_bfree >= free - 64, True, 'space is given back')
    finally:
        t.run('umount', t.path('out'))


def test_limit_of_the_files_size(t):
    prepare_large(t)
    put_old(t, 'out/disk.img')
    status, errors = convert(t, 'direct:1000000:0', 'src/disk.raw', *TARGETS[1][1],
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (69 * MIB, 69 * MIB)))
    tap.equal(status, 4)
    tap.contains(errors, 'File too large')
    tap.equal(files(t), {'disk.img': OLD})
    status, _ = convert(t, 'direct:1000000:0', 'src/disk.raw', *TARGETS[1][1],
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (72 * MIB, 72 * MIB)))
    tap.equal(status, 0)  # it cannot be made longer before its bytes come


tap.main(globals())
