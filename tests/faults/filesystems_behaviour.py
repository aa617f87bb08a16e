#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Sources and targets on file systems that can less than most, or stand on another one: no holes, no reserved space, no
direct I/O, two layers, read-only. Folders that VMFERRY_TEST_FOLDERS names (":" between them) are tried, too: one on NFS, or whatever is there."""
import contextlib
import functools
import os
import pathlib
import random
import signal
import tempfile

import fault_tools
import tap

MIB = 1 << 20
HEAD, HOLE = 3 * MIB + 1024, 24 * MIB  # bytes of data, and of the hole behind it
WORDS = ('--verify', '--checksum')


@contextlib.contextmanager
def mounted(t, folder, *words):
    (t.folder / folder).mkdir(exist_ok=True)
    if os.geteuid() != 0 or t.run('mount', *words, t.path(folder), status=None).returncode != 0:
        raise tap.Skip('nothing of this kind can be mounted here')
    try:
        yield t.folder / folder
    finally:
        t.run('umount', t.path(folder))


def make_medium(t, name, *words, size=96):
    tap.tool(words[0])
    with open(t.path(name), 'wb') as file:
        file.truncate(size * MIB)
    t.run(*words, t.path(name))
    return t.path(name)


@contextlib.contextmanager
def overlay(t):
    """Both of its layers are on one file system, the lower one with a disk and an old target."""
    with mounted(t, 'layers', '-t', 'tmpfs', 'tmpfs') as layers:
        for name in ('lower', 'upper', 'work'):
            (layers / name).mkdir()
        make_disk(layers / 'lower/below.raw')
        for name in ('disk.raw', 'disk.qcow2'):
            (layers / 'lower' / name).write_bytes(b'old')
        with mounted(t, 'there', '-t', 'overlay', 'overlay',
                     '-o', f'lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work') as there:
            yield there


def ramfs(t):
    return mounted(t, 'there', '-t', 'ramfs', 'ramfs')


def ext2(t):
    return mounted(t, 'there', '-o', 'loop', make_medium(t, 'medium', 'mkfs.ext2', '-q', '-F'))


def ntfs(t):
    tap.tool('ntfs-3g')
    return mounted(t, 'there', '-t', 'ntfs-3g', make_medium(t, 'medium', 'mkntfs', '-q', '-F'))


@contextlib.contextmanager
def given(folder, _):
    with tempfile.TemporaryDirectory(dir=folder) as there:
        yield pathlib.Path(there)


SYSTEMS = [('overlay', overlay, True), ('ramfs', ramfs, False), ('ext2', ext2, True), ('ntfs by FUSE', ntfs, False)]
SYSTEMS += [(folder, functools.partial(given, folder), False) for folder in os.environ.get('VMFERRY_TEST_FOLDERS', '').split(':') if folder]


def content():
    chance = random.Random(4)
    return chance.randbytes(HEAD), chance.randbytes(5000)


def make_disk(path):
    head, tail = content()
    with open(path, 'wb') as file:
        file.write(head)
        file.seek(HEAD + HOLE)
        file.write(tail)
        file.truncate(HEAD + HOLE + MIB)


def stored(path):
    return os.stat(path).st_blocks * 512


@tap.rows(SYSTEMS)
def test_disks_come_and_go(t, system, holes):
    make_disk(t.path('disk.raw'))
    expected = t.read('disk.raw')
    with system(t) as there:
        for name in ('disk.raw', 'disk.qcow2'):  # on overlay: over those of the lower layer
            t.vmferry('convert', *WORDS, 'disk.raw', there / name)
        tap.equal((there / 'disk.raw').read_bytes() == expected, True, 'raw')
        t.vmferry('compare', 'disk.raw', there / 'disk.qcow2')
        tap.equal(not holes or stored(there / 'disk.raw') < HEAD + MIB, True, f'holes of {stored(there / "disk.raw")}')
        for source, name in (('disk.raw', 'again.raw'), ('disk.raw', 'again.qcow2'), ('disk.qcow2', 'third.raw')):
            t.vmferry('convert', *WORDS, there / source, there / name)
            t.vmferry('compare', 'disk.raw', there / name)
        tap.equal(not holes or stored(there / 'third.raw') < HEAD + MIB, True, f'holes of {stored(there / "third.raw")}')
        for source in ('disk.raw', 'disk.qcow2'):
            t.vmferry('convert', *WORDS, there / source, 'back.raw')
            tap.equal((t.read('back.raw') == expected, stored(t.path('back.raw')) < HEAD + MIB), (True, True), f'from {source}')
        t.vmferry('convert', '--in-place', *WORDS, there / 'disk.qcow2', there / 'disk.raw')
        tap.equal((there / 'disk.raw').read_bytes() == expected, True, 'in place')
        tap.equal([path.name for path in there.iterdir() if '.part-' in path.name], [], 'left')


@tap.rows(SYSTEMS)
def test_space_is_reserved_or_written(t, system, _):
    make_disk(t.path('disk.raw'))
    with system(t) as there:
        for mode in ('falloc', 'full'):
            t.vmferry('convert', '--verify', '-o', f'preallocation={mode}', 'disk.raw', there / 'disk.raw')
            tap.equal((there / 'disk.raw').read_bytes() == t.read('disk.raw'), True, mode)
            t.vmferry('convert', '--verify', '-o', f'preallocation={mode}', 'disk.raw', there / 'disk.qcow2')
            t.vmferry('compare', 'disk.raw', there / 'disk.qcow2')


@tap.rows(SYSTEMS)
def test_packages(t, system, _):
    make_disk(t.path('disk.raw'))
    with system(t) as there:
        t.vmferry('pack', 'disk.raw', '-o', there / 'vm.ova')
        t.vmferry('verify', there / 'vm.ova')
        t.vmferry('convert', there / 'vm.ova', there / 'vm.ovf')
        t.vmferry('compare', 'disk.raw', there / 'vm.ovf')
        for name in ('vm.ova', 'vm.ovf'):
            t.vmferry('edit', '--cpus', '3', there / name)
            t.vmferry('sign', '--renew', '--digest', 'sha512', there / name)
            t.vmferry('verify', there / name)
        t.vmferry('convert', '--force', there / 'vm.ova', there / 'vm.vmx')
        t.vmferry('edit', '--cpus', '4', there / 'vm.vmx')
        tap.equal([path.name for path in there.iterdir() if '.part-' in path.name], [], 'left')


@tap.rows(SYSTEMS)
def test_two_on_one_target(t, system, _):
    """The second is told, whatever is locked there, and what was killed is not in the way."""
    make_disk(t.path('disk.raw'))
    with system(t) as there:
        words = ('disk.raw', there / 'disk.qcow2')
        stopped = fault_tools.start_stopped(t, 'write:2:stop', *words, folder=there)
        tap.contains(t.vmferry('convert', *words, status=7).stderr, 'another run is writing it')
        stopped.send_signal(signal.SIGCONT)
        tap.equal(fault_tools.end(stopped)[0], 0, 'status')
        tap.equal(fault_tools.convert(t, 'write:2:kill', *words, folder=there)[0], -signal.SIGKILL, 'status')
        t.vmferry('convert', *words)
        t.vmferry('compare', *words)


@tap.rows(SYSTEMS)
def test_from_a_pipe(t, system, _):
    """What cannot be taken in order is stored in a file without a name first."""
    make_disk(t.path('disk.raw'))
    t.write('run.sh', b'"$VMFERRY" convert disk.raw -O vpc -o subformat=dynamic - | "$VMFERRY" convert --spool "$1" -f vpc - "$1/new.qcow2"\n')
    with system(t) as there:
        t.run('sh', 'run.sh', there, env={'VMFERRY': tap.VMFERRY})
        t.vmferry('compare', 'disk.raw', there / 'new.qcow2')
        tap.equal([path.name for path in there.iterdir() if path.name.startswith('.')], [], 'left')


def test_nothing_is_removed_where_other_hosts_may_be_at_work(t):
    """Their locks may not be seen here: what is left is told by clean and by the next run, and stays."""
    make_disk(t.path('disk.raw'))
    with ntfs(t) as there:
        status, errors = fault_tools.convert(t, 'write:2:kill', '--no-sync', '--journal=1M', 'disk.raw', there / 'disk.qcow2', folder='there')
        tap.equal(status, -signal.SIGKILL, errors)
        folder, = there.glob('.*.part-*')
        left = sorted(folder.iterdir())
        tap.contains(t.vmferry('clean', '--dry-run', there).stdout, folder.name)
        told = t.vmferry('clean', there, status=1).stdout
        tap.contains(told, 'not removed: it is another user\'s, or on a file system of other hosts, too')
        tap.contains(t.vmferry('convert', 'disk.raw', there / 'disk.qcow2').stderr, folder.name)
        tap.equal(sorted(folder.iterdir()), left, 'what is left')


def test_lower_layer_stays_as_it_was(t):
    """What is replaced or written in place is a file of the upper layer then, also while it is the source's neighbour."""
    with overlay(t) as there:
        below = (t.folder / 'layers/lower/below.raw').read_bytes()
        t.vmferry('convert', *WORDS, there / 'below.raw', there / 'disk.raw')
        t.vmferry('convert', '--in-place', *WORDS, there / 'below.raw', there / 'disk.qcow2')
        tap.contains(t.vmferry('convert', '--in-place', there / 'below.raw', there / 'below.raw', status=1).stderr, 'source')
        for name in ('disk.raw', 'disk.qcow2'):
            t.vmferry('compare', t.path('layers/lower/below.raw'), there / name)
            tap.equal((t.folder / 'layers/lower' / name).read_bytes(), b'old', name)
        tap.equal((t.folder / 'layers/lower/below.raw').read_bytes() == below, True, 'the source')


@contextlib.contextmanager
def whole_seconds(t):
    """A file system whose times have no fractions, with room for a disk and its package."""
    medium = make_medium(t, 'medium', 'mkfs.ext4', '-q', '-F', '-I', '128')
    with mounted(t, 'there', '-o', 'loop', medium) as there:
        make_disk(t.path('disk.raw'))
        yield there


def change_last_bytes(path, at):
    with open(path, 'r+b') as file:
        file.seek(at)
        file.write(bytes(100))


@tap.rows([('a disk', 'disk.raw'), ('a package, behind its gate', 'vm.ova')])
def test_change_in_the_second_in_which_it_was_opened(t, name):
    """The second write would have the ctime of the first, if the file had been taken at once."""
    with whole_seconds(t) as there:
        if name == 'vm.ova':
            t.vmferry('pack', 'disk.raw', '-o', there / name)
        else:
            t.run('cp', 'disk.raw', there / name)
        words = ('-O', 'qcow2', there / name, t.path('new.qcow2'))
        tap.equal(fault_tools.convert(t, 'read:9999:5', *words, folder='there')[0], 0, 'status')
        late = fault_tools.count(t) - 5  # threads may read more or less at once
        os.utime(there / name)
        stopped = fault_tools.start_stopped(t, f'read:{late}:stop', *words, folder='there')
        change_last_bytes(there / name, HEAD - 4096)
        os.kill(stopped.pid, signal.SIGCONT)
        status, errors = fault_tools.end(stopped)
        tap.equal(status, 6, errors)
        tap.contains(errors, 'changed while it was read')


def test_read_only_source(t):
    """A squashfs: its files have no holes to tell of, and cannot be locked for writing."""
    tap.tool('mksquashfs')
    (t.folder / 'tree').mkdir()
    make_disk(t.path('tree/disk.raw'))
    t.vmferry('convert', 'tree/disk.raw', 'tree/disk.qcow2')
    t.run('mksquashfs', t.path('tree'), t.path('medium'), '-quiet', '-comp', 'gzip')
    with mounted(t, 'there', '-o', 'loop,ro', t.path('medium')) as there:
        for name in ('disk.raw', 'disk.qcow2'):
            t.vmferry('convert', *WORDS, there / name, 'back.raw')
            tap.equal((t.read('back.raw') == t.read('tree/disk.raw'), stored(t.path('back.raw')) < HEAD + MIB), (True, True), name)
        done = t.vmferry('convert', 'tree/disk.raw', there / 'new.raw', status=4)
        tap.contains(done.stderr, 'Read-only file system')


tap.main(globals())
