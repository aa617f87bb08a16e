#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What stands around a conversion: full disks, images in use, targets that are sources, links, pipes,
block devices."""
import os
import pathlib
import random
import resource
import signal
import stat
import subprocess
import time

import fault_tools
import tap
from fault_tools import OLD, TARGETS, end, files, guest, pattern, prepare, put_old, start_stopped


# ---- no room ----

@tap.rows(TARGETS)
def test_full_disk(t, words):
    """Files of many sizes stand on a disk of 1 MiB."""
    prepare(t)
    mounted = t.path('out')
    if os.geteuid() != 0 or t.run('mount', '-t', 'tmpfs', '-o', 'size=1M', 'tmpfs', mounted,
                                  status=None).returncode != 0:
        raise tap.Skip('no file system can be mounted here')
    try:
        failed = 0
        for taken in (0, 600, 760, 900, 1012):
            put_old(t, words[-1])
            t.write('out/other', b'\xff' * (taken << 10))
            before = files(t)
            done = t.vmferry('convert', 'src/disk.raw', *words, status=None)
            if done.returncode == 0:
                tap.equal(t.read('out/other') == before['other'], True, 'other file')
                continue
            failed += 1
            tap.equal(done.returncode, 4, done.stderr)
            tap.equal(files(t) == before, True, f'{taken} KiB taken: {sorted(files(t))}')
            if 'make room' in done.stderr:  # told before the first byte
                continue
            tap.contains(done.stderr, 'pace left on device')
            if 'temporary folder' not in done.stderr and 'created' not in done.stderr:
                tap.contains(done.stderr, ' bytes were to be written at byte ')
        tap.equal(failed > 0, True, 'a full disk')
    finally:
        t.run('umount', mounted)


@tap.rows(TARGETS)
def test_limit_on_the_file_size(t, words):
    """`ulimit -f`: the signal is ignored, the write fails."""
    prepare(t)
    put_old(t, words[-1])
    done = t.vmferry('convert', 'src/disk.raw', *words, status=None,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)))
    tap.equal(done.returncode, 4, done.stderr)
    tap.equal(files(t), {words[-1][4:]: OLD}, 'files')


# ---- in use ----

class Held:
    """An image that qemu-io holds open for writing."""

    def __init__(self, path, form):
        self.process = subprocess.Popen([tap.tool('qemu-io'), '-f', form, path], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write('read 0 512\n')
        self.process.stdin.flush()
        while 'read 512' not in self.process.stdout.readline():
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate('quit\n', timeout=30)


@tap.rows([('raw', 'raw', 'raw'), ('qcow2', 'qcow2', 'qcow2'), ('vmdk', 'vmdk', 'vmdk'), ('vhd', 'vpc', 'vhd')])
def test_held_by_qemu(t, form, suffix):
    data = prepare(t)
    image = f'src/held.{suffix}'
    t.vmferry('convert', '--no-sync', 'src/disk.raw', '-O', form, image)
    put_old(t, 'out/disk.img')
    before = t.read(image)
    with Held(t.path(image), form):
        now = t.read(image)
        for words in (('convert', image, 'out/disk.img'), ('info', image), ('checksum', image),
                      ('compare', image, 'src/disk.raw'), ('map', image),
                      ('convert', 'src/disk.raw', '-O', form, image)):
            done = t.vmferry(*words, status=None)
            status = 2 if words[0] == 'compare' else 7  # as qemu-img: 1 is a difference, 2 any error
            tap.equal(done.returncode, status, f'{words}: {done.stderr}')
            tap.contains(done.stderr, image)
        tap.equal(files(t), {'disk.img': OLD}, 'files')
        tap.equal(t.read(image) == now, True, 'the image is untouched')
        t.vmferry('convert', '-U', image, 'out/disk.img')
        if form != 'qcow2' or now == before:
            tap.equal(t.read('out/disk.img') == data, True, 'read with -U')
    t.vmferry('convert', image, 'out/disk.img')


def test_target_is_taken_into_use_meanwhile(t):
    prepare(t)
    put_old(t, 'out/disk.qcow2')
    t.vmferry('convert', '--no-sync', 'src/disk.raw', 'out/disk.qcow2')
    before = files(t)
    process = start_stopped(t, 'fsync:1:stop', 'src/disk.raw', 'out/disk.qcow2')
    with Held(t.path('out/disk.qcow2'), 'qcow2'):
        process.send_signal(signal.SIGCONT)
        status, errors = end(process)
        tap.equal(status, 7, errors)
    tap.equal(sorted(files(t)), sorted(before), 'files')
    tap.equal(guest(t, t.path('out/disk.qcow2')) == pattern(), True, 'the old disk')


@tap.rows([('DISK.vmdk.lck', 'disk.vmdk.lck'), ('DISK.lck', 'disk.lck')])
def test_held_by_vmware(t, lock):
    prepare(t)
    put_old(t, 'out/disk.vmdk')
    t.vmferry('convert', '--no-sync', 'src/disk.raw', 'out/disk.vmdk')
    t.vmferry('info', 'out/disk.vmdk')
    old = t.read('out/disk.vmdk')
    (t.folder / 'out' / lock).mkdir()
    t.vmferry('info', 'out/disk.vmdk')  # an empty folder is what a machine leaves behind
    t.write(f'out/{lock}/M12345.lck', b'')
    for words in (('out/disk.vmdk', 'src/disk.img'), ('src/disk.raw', 'out/disk.vmdk')):
        done = t.vmferry('convert', *words, status=7)
        tap.contains(done.stderr, 'M12345.lck')
    tap.equal(t.read('out/disk.vmdk') == old, True, 'untouched')
    t.vmferry('convert', '-U', 'out/disk.vmdk', 'src/disk.img')


# ---- the target is a source ----

def refuse(t, sources, target, *words):
    before = {path: path.read_bytes() for path in t.folder.rglob('*') if path.is_file()}
    done = t.vmferry('convert', *words, *sources, target, status=1)
    after = {path: path.read_bytes() for path in t.folder.rglob('*') if path.is_file()}
    tap.equal(after == before, True, f'{target}: all files as before ({done.stderr})')
    tap.equal([path.name for path in t.folder.rglob('.*part-*')], [], 'temporary folders')
    return done.stderr


@tap.rows([(form, form, suffix) for form, suffix in
           (('raw', 'raw'), ('qcow2', 'qcow2'), ('vmdk', 'vmdk'), ('vpc', 'vhd'))])
def test_target_is_the_source(t, form, suffix):
    prepare(t)
    name = f'src/source.{suffix}'
    t.vmferry('convert', '--no-sync', 'src/disk.raw', '-O', form, name)
    os.symlink(t.path(name), t.path('out/symlink'))
    os.link(t.path(name), t.path('out/hardlink'))
    for target in (name, './' + name, t.path(name), 'out/symlink', 'out/hardlink'):
        for kind in ('raw', 'qcow2', 'vmdk'):
            refuse(t, [name], target, '-O', kind)
    refuse(t, ['out/symlink'], name, '-O', 'raw', '-f', form)
    if form == 'raw':
        refuse(t, [name, 'src/disk.raw'], 'src/disk.raw', '-O', 'raw')
        refuse(t, ['src/disk.raw', name], name, '-O', 'raw')


def test_target_is_a_file_of_the_chain(t):
    prepare(t)
    os.rename(t.path('src/disk.raw'), t.path('src/base.raw'))
    for name, below, form in (('mid', 'base.raw', 'raw'), ('top', 'mid.qcow2', 'qcow2')):
        t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', below, '-F', form,
              f'src/{name}.qcow2')
    for target in ('src/base.raw', 'src/mid.qcow2', 'src/top.qcow2'):
        refuse(t, ['src/top.qcow2'], target, '-O', 'vmdk')
    refuse(t, ['src/top.qcow2'], 'src/base.raw', '-O', 'qcow2', '-B', 'src/base.raw', '-F', 'raw')


def test_target_is_an_extent(t):
    prepare(t)
    t.vmferry('convert', '--no-sync', '-o', 'subformat=monolithicFlat', 'src/disk.raw', 'src/many.vmdk')
    extents = [path.name for path in (t.folder / 'src').glob('many-*')]
    tap.equal(len(extents), 1, 'extents')
    for target in (extents[0], 'many.vmdk'):
        refuse(t, ['src/many.vmdk'], 'src/' + target, '-O', 'raw')


# ---- names ----

def test_no_clobber(t):
    prepare(t)
    for words in (case[1] for case in TARGETS):
        put_old(t, words[-1])
        done = t.vmferry('convert', '--no-clobber', 'src/disk.raw', *words, status=1)
        tap.contains(done.stderr, '--no-clobber')
        tap.equal(files(t), {words[-1][4:]: OLD}, 'files')


def test_target_that_cannot_be(t):
    prepare(t)
    os.mkfifo(t.path('out/fifo'))
    os.makedirs(t.path('out/folder/disk.raw'))  # a folder takes a file of the source's name
    os.symlink('loop', t.path('out/loop'))
    t.write('out/file', b'x')
    for target in ('out/folder', 'out/folder/', 'out/fifo', 'out/none/disk.raw', 'out/file/disk.raw', 'out/loop',
                   '', '/dev/null', '/dev/full'):
        done = t.vmferry('convert', '-f', 'raw', 'src/disk.raw', '-O', 'raw', target, status=None)
        tap.equal(done.returncode, 1, f'{target}: {done.stderr}')
    tap.equal(sorted(path.name for path in (t.folder / 'out').iterdir()), ['fifo', 'file', 'folder', 'loop'])


def test_read_only_folder(t):
    if os.geteuid() == 0:
        raise tap.Skip('root may write everywhere')
    prepare(t)
    os.chmod(t.path('out'), 0o555)
    t.vmferry('convert', 'src/disk.raw', 'out/disk.qcow2', status=1)
    os.chmod(t.path('out'), 0o755)
    tap.equal(files(t), {}, 'files')


@tap.rows([('a file', True), ('nothing', False)])
def test_symlink_names_the_target(t, exists):
    data = prepare(t)
    (t.folder / 'out/below').mkdir()
    os.symlink('below/real.qcow2', t.path('out/link.qcow2'))
    if exists:
        t.write('out/below/real.qcow2', OLD)
    t.vmferry('convert', 'src/disk.raw', 'out/link.qcow2')
    tap.equal(os.readlink(t.path('out/link.qcow2')), 'below/real.qcow2', 'link')
    tap.equal(guest(t, t.path('out/below/real.qcow2')) == data, True, 'the file that it names')
    tap.equal(os.listdir(t.path('out/below')), ['real.qcow2'], 'files')


@tap.rows([(oct(mode), mode) for mode in (0o600, 0o640, 0o644, 0o666, 0o755)])
def test_mode_is_kept(t, mode):
    prepare(t)
    put_old(t, 'out/disk.qcow2')
    os.chmod(t.path('out/disk.qcow2'), mode)
    t.vmferry('convert', 'src/disk.raw', 'out/disk.qcow2')
    tap.equal(oct(stat.S_IMODE(os.stat(t.path('out/disk.qcow2')).st_mode)), oct(mode), 'mode')


# ---- standard output ----

def test_broken_pipe(t):
    t.write('disk.raw', os.urandom(4 << 20))
    for form in ('raw', 'qcow2', 'vpc'):
        process = subprocess.Popen([tap.VMFERRY, 'convert', '-f', 'raw', '-O', form, 'disk.raw', '-'],
                                   cwd=t.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.read(process.stdout.fileno(), 1)
        process.stdout.close()
        tap.equal(process.wait(timeout=30), 4, form)
        tap.contains(process.stderr.read(), b'standard output')
        process.stderr.close()


def test_full_standard_output(t):
    prepare(t)
    t.vmferry('convert', 'src/disk.raw', 'src/disk.qcow2')
    for words in (('info', '--output=json'), ('info',), ('map', '--output=json'), ('map',), ('checksum',)):
        with open('/dev/full', 'wb') as full:
            done = t.vmferry(*words, 'src/disk.qcow2', stdout=full, status=None)
        tap.equal(done.returncode, 4, f'{words}: {done.stderr}')
    with open('/dev/full', 'wb') as full:
        done = t.vmferry('convert', 'src/disk.qcow2', '-O', 'raw', '-', stdout=full, status=4)
    tap.contains(done.stderr, 'standard output')


# ---- block devices ----

class Loop:
    """A loop device of so many bytes of 0xff."""

    def __init__(self, t, size):
        if os.geteuid() != 0 or not tap.shutil.which('losetup'):
            raise tap.Skip('no loop device can be made')
        t.write('device', b'\xff' * size)
        done = t.run('losetup', '--show', '-f', t.path('device'), status=None)
        if done.returncode != 0:
            raise tap.Skip('no loop device can be made: ' + done.stderr)
        self.path, self.t = done.stdout.strip(), t

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        self.t.run('losetup', '-d', self.path)


def test_onto_a_device(t):
    """What was on the device does not shine through the holes."""
    data = prepare(t)
    size = fault_tools.SIZE
    for words in ((), ('-S', '0'), ('--verify',)):
        with Loop(t, size + 65536) as device:
            t.vmferry('convert', 'src/disk.raw', '-O', 'raw', *words, device)
            found = pathlib.Path(device).read_bytes()
            tap.equal(found[:size] == data, True, f'{words}: the disk')
            tap.equal(stat.S_ISBLK(os.stat(device).st_mode), True, 'still a device')


def fragmented(t):
    """Data and zeros in turns, beginning with zeros; what is written of it in any other order shows."""
    chance = random.Random(5)
    data = b''.join((bytes(length) if i % 2 == 0 else chance.randbytes(length))
                    for i, length in enumerate([8192] * 100 + [65536] * 9 + [512]))
    t.write('src/pieces.raw', data)
    return data


@tap.rows([('raw', 'raw', ()), ('raw, no sync', 'raw', ('--no-sync',)), ('qcow2', 'qcow2', ()),
           ('qcow2 compressed', 'qcow2', ('-c',))])
def test_device_is_made_zeros_once(t, form, words):
    """One command for all, none for each hole; where the device has none, the zeros are written."""
    prepare(t)
    data = fragmented(t)
    with Loop(t, len(data) + (1 << 20)) as device:
        for fault, calls in (('allocate:9999:5', 1), ('allocate:1+:95', None), ('allocate:1:5', None)):
            pathlib.Path(device).write_bytes(b'\xff' * (len(data) + (1 << 20)))
            done = fault_tools.convert(t, fault, '--verify', '-O', form, *words, 'src/pieces.raw', device, folder=device)
            tap.equal(done, (0, ''), fault)
            tap.equal(fault_tools.count(t) == calls or calls is None, True, f'{fault}: {fault_tools.count(t)} calls')
            if form == 'raw':
                found = pathlib.Path(device).read_bytes()
                tap.equal(found[:len(data)] == data, True, f'{fault}: the disk')
                tap.equal(set(found[len(data):]), {0xff}, f'{fault}: what is behind it')
            else:
                t.vmferry('compare', 'src/pieces.raw', device)
                t.vmferry('check', device)


def test_refused_on_a_device_before_it_is_touched(t):
    prepare(t)
    with Loop(t, fault_tools.SIZE) as device:
        t.vmferry('convert', 'src/disk.raw', '-O', 'raw', '-o', 'compress=gz', device, status=1)
        t.vmferry('convert', 'src/disk.raw', '-O', 'qcow2', '-o', 'compat=0.10,lazy_refcounts=on', device, status=1)
        t.vmferry('convert', 'src/disk.raw', '-O', 'vhd', device, status=9)
        tap.equal(set(pathlib.Path(device).read_bytes()), {0xff}, 'nothing was written')


def test_verify_reads_the_medium(t):
    """What changes below the device after all was written is found, although a page cache has it as it was."""
    prepare(t)
    words = ('--verify', '-O', 'raw', 'src/disk.raw')
    with Loop(t, fault_tools.SIZE) as device:
        tap.equal(fault_tools.convert(t, 'open:9999:5', *words, device, folder=device)[0], 0, 'status')
        last = fault_tools.count(t)  # the open for reading back
        stopped = start_stopped(t, f'open:{last}:stop', *words, device, folder=device)
        with open(t.path('device'), 'r+b') as medium:
            medium.seek(100000)
            medium.write(b'another')
        os.kill(stopped.pid, signal.SIGCONT)
        status, errors = end(stopped)
    tap.equal(status, 8, errors)
    tap.contains(errors, 'verification failed')


def test_from_a_device(t):
    data = prepare(t)
    with Loop(t, fault_tools.SIZE) as device:
        pathlib.Path(device).write_bytes(data)
        t.vmferry('convert', device, 'out/disk.qcow2')
        refuse(t, [device], device, '-O', 'raw')
    tap.equal(guest(t, t.path('out/disk.qcow2')) == data, True, 'disk')


@tap.rows([('the device', True), ('the file of a loop device', False)])
def test_device_that_changes(t, through):
    """What is written stays dirty in a page cache; the bytes that were read are the old ones."""
    prepare(t)
    put_old(t, 'out/disk.qcow2')
    with Loop(t, fault_tools.SIZE) as device:
        process = start_stopped(t, 'write:1:stop', '-f', 'raw', device, 'out/disk.qcow2')
        with open(device if through else t.path('device'), 'r+b') as file:
            file.seek(fault_tools.SIZE - 4096)
            file.write(bytes(4096))
        process.send_signal(signal.SIGCONT)
        status, errors = end(process)
        tap.equal(status, 6, errors)
        tap.contains(errors, f'{device}: changed while it was read')
        tap.equal(files(t), {'disk.qcow2': OLD}, 'files')


def test_device_whose_writes_are_not_counted(t):
    """Refused before anything is read, unless it is read-only or -U is given."""
    prepare(t)
    with Loop(t, fault_tools.SIZE) as device:
        blind = ('unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /sys && exec "$@"', 'sh', tap.VMFERRY)
        if t.run('unshare', '-m', 'mount', '-t', 'tmpfs', 'none', '/sys', status=None).returncode:
            raise tap.Skip('nothing can be mounted')
        words = ('convert', '-f', 'raw', device, 'out/disk.qcow2')
        tap.contains(t.run(*blind, *words, status=2).stderr, 'does not count writes to this device')
        tap.equal(files(t), {}, 'files')
        tap.contains(t.run(*blind, *words, '-U').stderr, 'cannot be known')
        t.run('blockdev', '--setro', device)
        done = t.run(*blind, *words, status=None)
        t.run('blockdev', '--setrw', device)  # or the next one who gets this device finds it so
        tap.equal((done.returncode, done.stderr), (0, ''), 'read-only')


def test_file_without_a_size(t):
    """stat(2) says 0 bytes of what procfs shows."""
    (t.folder / 'out').mkdir()
    for words in (('convert', '-f', 'raw', '/proc/cpuinfo', 'out/disk.qcow2'), ('checksum', '-f', 'raw', '/proc/mounts'),
                  ('info', '-f', 'raw', '/proc/self/status'), ('pack', '/proc/version', '-o', 'out/vm.ova'),
                  ('convert', '-f', 'raw', '/proc/self/mem', 'out/disk.qcow2')):
        tap.contains(t.vmferry(*words, status=2).stderr, 'size is not known')
    tap.equal(files(t), {}, 'files')


def test_device_too_small(t):
    prepare(t)
    with Loop(t, fault_tools.SIZE - 4096) as device:
        done = t.vmferry('convert', 'src/disk.raw', '-O', 'raw', device, status=1)
        tap.contains(done.stderr, device)
        tap.contains(done.stderr, f'{fault_tools.SIZE}')
        tap.equal(set(pathlib.Path(device).read_bytes()), {0xff}, 'nothing was written')


def test_mounted_device(t):
    prepare(t)
    if not tap.shutil.which('mkfs.ext4'):
        raise tap.Skip('mkfs.ext4 is not installed')
    with Loop(t, 4 << 20) as device:
        t.run('mkfs.ext4', '-q', '-F', device)
        if t.run('mount', device, t.path('out'), status=None).returncode != 0:
            raise tap.Skip('nothing can be mounted')
        try:
            t.vmferry('convert', 'src/disk.raw', '-O', 'raw', device, status=7)
        finally:
            t.run('umount', t.path('out'))


tap.main(globals())
