#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The power goes: what the medium had at that moment is mounted again, elsewhere. The medium is the file below a loop
device, which has what the file system has sent to the disk, and nothing of what is only in its page cache."""
import contextlib
import hashlib
import os
import random
import re
import subprocess

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


# Targets of several files and packages: what makes them, and the file that names the others. The names are in `out`.
SEVERAL = [
    ('flat VMDK', ('convert', '-o', 'subformat=monolithicFlat', 'src/small.raw', 'out/flat.vmdk'), 'flat.vmdk'),
    ('split VMDK', ('convert', '-o', 'subformat=twoGbMaxExtentSparse', 'src/small.raw', 'out/split.vmdk'), 'split.vmdk'),
    ('archive', ('pack', '-o', 'out/vm.ova', 'src/small.raw'), 'vm.ova'),
    ('files of a package', ('pack', '-o', 'out/vm.ovf', 'src/small.raw'), 'vm.ovf'),
    ('folder of a package', ('unpack', 'src/vm.ova', 'out/folder'), 'folder/vm.ovf'),
    ('machine', ('convert', 'src/vm.ova', 'out/vm.vmx'), 'vm.vmx'),
    ('machine in one file', ('convert', 'src/vm.ova', 'out/vm.xva'), 'vm.xva'),
    ('signature', ('sign', '--renew', '--digest', 'sha512', 'out/old.ova'), 'old.ova'),
    ('edit', ('edit', '--cpus', '3', 'out/old.ova'), 'old.ova'),
    ('QCOW2 that is written into', ('apply', 'src/new.raw', 'out/old.qcow2'), 'old.qcow2'),
    ('VHD that is written into', ('apply', 'src/new.raw', 'out/old.vhd'), 'old.vhd'),
]
MOMENTS = [('write', 2), ('fsync', 1), ('rename', 1), ('rename', 2), ('fsync', 3)]


def contents(folder):
    """Of all files below but those of runs that ended."""
    names = (path for path in folder.rglob('*') if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in names if '.part-' not in str(path) and 'lost+found' not in str(path)}


def prepare_several(t):
    make_medium(t, SYSTEMS[0][1], 64)
    (t.folder / 'src').mkdir()
    t.write('src/small.raw', random.Random(4).randbytes(3 * MIB))
    os.environ['SOURCE_DATE_EPOCH'] = '1600000000'
    t.vmferry('pack', '-o', 'src/vm.ova', 'src/small.raw')
    t.write('src/new.raw', random.Random(5).randbytes(2 * MIB) + bytes(1 * MIB))
    with mounted(t, 'medium', 'out') as out:
        (out / 'old.ova').write_bytes(t.read('src/vm.ova'))
        for name in ('old.qcow2', 'old.vhd'):
            t.vmferry('create', out / name, '3M')


@tap.rows(SEVERAL)
def test_several_files_that_were_done_are_there(t, words, _):
    prepare_several(t)
    with mounted(t, 'medium', 'out') as out:
        t.vmferry(*words)
        cut(t)
        made = contents(out)
    with mounted(t, 'cut', 'after') as after:
        tap.equal(contents(after) == made, True, f'{sorted(made)}, files')


def stop_or_end(t, fault, words):
    """A process that stopped itself, or None: that moment does not come."""
    process = subprocess.Popen([tap.VMFERRY, *words], cwd=t.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=dict(os.environ, **fault_tools.environment(t, fault)))
    if os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]):
        return process
    process.returncode = 0
    return None


@tap.rows(SEVERAL)
def test_several_files_at_any_moment(t, words, main):
    """The file that names the others is the old one, or not there, or the new one with all of them."""
    prepare_several(t)
    reached = 0
    t.run('cp', '--sparse=always', t.path('medium'), t.path('fresh'))
    with mounted(t, 'medium', 'out') as out:
        before = contents(out)
        t.vmferry(*words)
        made = contents(out)
    for op, number in MOMENTS:
        medium = f'medium-{op}-{number}'  # of its own: the device of the one before may linger
        t.run('cp', '--sparse=always', t.path('fresh'), t.path(medium))
        with mounted(t, medium, 'out') as out:
            process = stop_or_end(t, f'{op}:{number}:stop', words)
            cut(t, medium)
            if process:
                process.kill()
                process.wait()
        if not process:
            continue
        reached += 1
        with mounted(t, 'cut', 'after') as after:
            left = contents(after)
        (t.folder / medium).unlink()
        title = f'before {op} {number}: {sorted(left)}'
        if left.get(main) != before.get(main):
            tap.equal(left == made, True, f'{title}, all new files with the one that names them')
        tap.equal([name for name in before if name != main and left.get(name) != before[name]], [], title)
    tap.equal(reached >= 3, True, f'{reached} moments')


# What goes on behind a cut: what was written before, and the words for the target.
RESUMED = [('raw, reserved', ('-o', 'preallocation=falloc', 'disk.raw')), ('qcow2, compressed', ('-c', 'disk.qcow2')), ('raw', ('disk.raw',)),
           ('vmdk stream', ('-o', 'subformat=streamOptimized', 'disk.vmdk')), ('vhd dynamic', ('disk.vhd',)),
           ('vmdk split', ('-o', 'subformat=twoGbMaxExtentSparse', 'disk.vmdk'))]
ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'


def journaled(folder, words):
    return ('-v', '--target-cache=writeback', '--journal=2M', '--resume', 'src/disk.raw', *words[:-1], f'{folder}/{words[-1]}')


def resume_cut(t, words, made, title):
    """At which byte the run goes on that finds what the medium has."""
    with mounted(t, 'cut', 'after') as after:
        status, errors = fault_tools.convert(t, 'none:1:5', *journaled('after', words), folder='after')
        tap.equal(status, 0, f'{title}: {errors}')
        tap.equal(contents(after) == made, True, f'{title}: the bytes of a run that was not interrupted')
    found = re.search(r'goes on with an interrupted run, at guest byte (\d+)', errors)
    return int(found.group(1)) if found else 0


@tap.rows([(f'{form}, {system}', (mkfs, size), words) for system, mkfs, size in (SYSTEMS if ALL else SYSTEMS[:1])
           for form, words in (RESUMED if ALL else RESUMED[:2])])
def test_a_journal_tells_nothing_but_the_truth(t, medium, words):
    """Wherever the power goes: what it calls done is on the medium, and the next run goes on with it."""
    make_medium(t, *medium)
    for folder in ('src', 'plain'):
        (t.folder / folder).mkdir()
    t.write('src/disk.raw', random.Random(3).randbytes(12 * MIB) + bytes(4 * MIB) + b'the end ' * MIB)
    fault_tools.convert(t, 'write:999999:5', *journaled('plain', words), folder='plain')
    writes, made = fault_tools.count(t), contents(t.folder / 'plain')
    chance, went_on = random.Random(repr(words)), 0
    t.run('cp', '--sparse=always', t.path('medium'), t.path('fresh'))
    for number in range(8 if ALL else 2):
        op = 'fsync' if number == 7 else 'rename' if number == 6 else 'write'
        at = 2 if op == 'fsync' else 1 if op == 'rename' else chance.randint(writes // 2, writes)
        medium = f'medium-{number}'  # of its own: the device of the one before may linger
        t.run('cp', '--sparse=always', t.path('fresh'), t.path(medium))
        with mounted(t, medium, 'out'):
            process = start_stopped(t, f'{op}:{at}:stop', *journaled('out', words))
            cut(t, medium)
            process.kill()
            fault_tools.end(process)
        went_on += resume_cut(t, words, made, f'before {op} {at} of {writes}') > 0
        (t.folder / medium).unlink()
    tap.equal(went_on > 0, True, f'{went_on} went on')


tap.main(globals())
