#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The power goes: what the medium had at that moment is mounted again, elsewhere. The medium is the file below a loop
device, which has what the file system has sent to the disk, and nothing of what is only in its page cache."""
import contextlib
import hashlib
import os
import random

import fault_tools
import tap
from fault_tools import OLD, start_stopped

MIB = 1 << 20
SYSTEMS = [('ext4', ('mkfs.ext4', '-q', '-F'), 128), ('xfs', ('mkfs.xfs', '-q', '-f'), 320),
           ('btrfs', ('mkfs.btrfs', '-q', '-f'), 256)]
TARGETS = [('raw', 'disk.raw'), ('qcow2', 'disk.qcow2'), ('vmdk', 'disk.vmdk')]


@contextlib.contextmanager
def mounted(t, medium, folder):
    """The file system on `medium`, through a loop device: a mount of the file itself would be the same one again."""
    (t.folder / folder).mkdir(exist_ok=True)
    device = t.run('losetup', '--show', '-f', t.path(medium)).stdout.strip()
    try:
        t.run('mount', device, t.path(folder))
        try:
            yield t.folder / folder
        finally:
            t.run('umount', t.path(folder))
    finally:
        t.run('losetup', '-d', device)


def make_medium(t, words, size):
    if os.geteuid() != 0 or not all(tap.shutil.which(name) for name in ('losetup', words[0])):
        raise tap.Skip(f'loop devices and {words[0]} are needed')
    with open(t.path('medium'), 'wb') as file:
        file.truncate(size * MIB)
    t.run(*words, t.path('medium'))
    if t.run('losetup', '-f', status=None).returncode != 0:
        raise tap.Skip('no loop device can be made')


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cut(t, medium='medium'):
    """A copy of what the medium has now. Only one of both is ever mounted: they have the same identity."""
    t.run('cp', '--sparse=always', t.path(medium), t.path('cut'))


def prepare(t, words, size):
    make_medium(t, words, size)
    (t.folder / 'src').mkdir(exist_ok=True)
    t.write('src/disk.raw', random.Random(3).randbytes(24 * MIB) + bytes(8 * MIB) + b'the end' * 100 + bytes(324))
    with mounted(t, 'medium', 'out') as out:
        for _, name in TARGETS:
            (out / name).write_bytes(OLD)


@tap.rows(SYSTEMS)
def test_what_was_done_is_there(t, words, size):
    prepare(t, words, size)
    made = {}
    with mounted(t, 'medium', 'out') as out:
        for _, name in TARGETS:
            t.vmferry('convert', 'src/disk.raw', out / name)
        cut(t)
        made = {name: digest(out / name) for _, name in TARGETS}
    with mounted(t, 'cut', 'after') as after:
        for _, name in TARGETS:
            tap.equal(digest(after / name), made[name], name)
        # That the folder was removed, and the file's name in it, need not be known there: Btrfs then has both names.
        for file in after.glob('.*.part-*/*'):
            tap.equal(digest(file), made[file.name], str(file))


@tap.rows([(f'{system[0]}, before {op} {number}', system[1], system[2], op, number) for system in SYSTEMS
           for op, number in (('write', 9), ('fsync', 1), ('rename', 1))])
def test_what_was_not_done_leaves_the_old(t, words, size, op, number):
    prepare(t, words, size)
    with mounted(t, 'medium', 'out'):
        process = start_stopped(t, f'{op}:{number}:stop', 'src/disk.raw', 'out/disk.raw')
        cut(t)
        process.kill()
        fault_tools.end(process)
    with mounted(t, 'cut', 'after') as after:
        for _, name in TARGETS:
            tap.equal((after / name).read_bytes() == OLD, True, name)


tap.main(globals())
