#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""File systems that are really full, with less and less room: small ones, and those on which a quota ends. Wherever it ends, the exit status and the message
say so, and all is as it was."""
import contextlib
import os
import shutil

import fault_tools
import tap

ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
NOBODY = '65534'
FULL = ('no space left on device', 'disk quota exceeded', 'make room')

# What is written into `out`: its words.
TARGETS = [(' '.join(words), words) for words in (
    ('convert', 'src/disk.raw', 'out/disk.qcow2'), ('convert', '-o', 'subformat=twoGbMaxExtentSparse', 'src/disk.raw', 'out/disk.vmdk'),
    ('convert', '-o', 'preallocation=falloc', 'src/disk.raw', 'out/disk.raw'), ('convert', 'src/disk.raw', 'out/disk.vhdx'), ('convert', '-c', 'src/disk.raw', 'out/disk.qcow2'),
    ('pack', '-o', 'out/vm.ova', 'src/disk.raw'), ('pack', '-o', 'out/vm.ovf', 'src/disk.raw'), ('convert', 'src/vm.ova', 'out/vm.vmx'), ('convert', 'src/vm.ova', 'out/vm.xml'),
    ('convert', 'src/vm.ova', 'out/vm.vma'), ('unpack', 'src/vm.ova', 'out/folder'), ('edit', '--cpus', '3', 'out/old.ova'), ('sign', '--renew', '--digest', 'sha512', 'out/old.ova'),
    ('convert', '--journal=on', 'src/disk.raw', 'out/disk.raw'), ('convert', '--map', 'out/map', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'src/disk.raw', 'out/disk.vmdk'))]
IN_CI = ('out/disk.vmdk', 'out/vm.ova', 'out/vm.vmx', 'out/old.ova')


class System:
    """leave() lets so many bytes be written, or a few more."""
    around = ()  # the command by which what writes there is started
    says = 'no space left on device'

    def end(self):
        pass


class Tmpfs(System):

    def __init__(self, t):
        self.t = t
        mount(t, '-t', 'tmpfs', '-o', 'size=8M', 'tmpfs')

    def leave(self, room):
        used = sum(4096 + (path.stat().st_size + 4095) // 4096 * 4096 for path in (self.t.folder / 'out').rglob('*'))
        self.t.run('mount', '-o', f'remount,size={used + room}', self.t.path('out'))


class Ext4(System):

    def __init__(self, t):
        self.t = t
        medium(t, 8, 'mkfs.ext4', '-q', '-F', '-m', '0')

    def leave(self, room):
        ballast = self.t.folder / 'out/lost+found/ballast'
        ballast.unlink(missing_ok=True)
        system = os.statvfs(self.t.path('out'))
        with open(ballast, 'wb') as file:
            with contextlib.suppress(OSError):  # its own tables may take the rest
                os.posix_fallocate(file.fileno(), 0, max(system.f_bavail * system.f_frsize - room, 4096))


class Ext4Quota(System):
    """A user's, who is not root."""
    around = ('setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups')
    says = 'quota'

    def __init__(self, t):
        self.t = t
        tap.tool('setquota')
        medium(t, 16, 'mkfs.ext4', '-q', '-F', '-O', 'quota', '-E', 'quotatype=usrquota', words=('-o', 'loop,usrquota'))

    def leave(self, room):
        owned = sum(path.stat().st_blocks for path in (self.t.folder / 'out').rglob('*') if path.name != 'lost+found') // 2
        self.t.run('setquota', '-u', NOBODY, '0', str(owned + (room >> 10) or 1), '0', '0', self.t.path('out'))


class BtrfsQuota(System):
    """A subvolume's, which binds everybody; it is set by the way of another one."""
    says = 'disk quota exceeded'

    def __init__(self, t):
        self.t = t
        tap.tool('btrfs')
        (t.folder / 'top').mkdir()
        medium(t, 128, 'mkfs.btrfs', '-q', '-f', folder='top')
        t.run('btrfs', 'subvolume', 'create', t.path('top/volume'))
        t.run('btrfs', 'quota', 'enable', t.path('top'))
        mount(t, '--bind', t.path('top/volume'))

    def leave(self, room):
        self.t.run('btrfs', 'qgroup', 'limit', 'none', self.t.path('out'), self.t.path('top'))
        self.t.run('btrfs', 'quota', 'rescan', '-w', self.t.path('top'), status=None)
        rows = self.t.run('btrfs', 'qgroup', 'show', '--raw', '--sync', self.t.path('out')).stdout.split('\n')
        used = max(int(row.split()[1]) for row in rows if row.startswith('0/2'))
        self.t.run('btrfs', 'qgroup', 'limit', str(used + room), self.t.path('out'), self.t.path('top'))

    def end(self):
        self.t.run('umount', self.t.path('top'))


SYSTEMS = [('tmpfs', Tmpfs), ('ext4', Ext4), ("a user's quota", Ext4Quota), ("a subvolume's quota", BtrfsQuota)]


def mount(t, *words, folder='out'):
    if os.geteuid() != 0 or t.run('mount', *words, t.path(folder), status=None).returncode != 0:
        raise tap.Skip('nothing of this kind can be mounted here')


def medium(t, size, *command, words=('-o', 'loop'), folder='out'):
    tap.tool(command[0])
    with open(t.path('medium'), 'wb') as file:
        file.truncate(size << 20)
    t.run(*command, t.path('medium'))
    mount(t, *words, t.path('medium'), folder=folder)


@contextlib.contextmanager
def mounted(t, kind):
    (t.folder / 'src').mkdir()
    (t.folder / 'out').mkdir()
    t.write('src/disk.raw', fault_tools.pattern(1 << 20))
    t.vmferry('pack', '-q', '--no-sync', '-o', 'src/vm.ova', 'src/disk.raw', env={'SOURCE_DATE_EPOCH': '1600000000'})
    os.chmod(t.folder, 0o777)
    os.chmod(os.environ['TMPDIR'], 0o777)
    system = kind(t)
    os.chmod(t.path('out'), 0o777)
    try:
        yield system
    finally:
        t.run('umount', t.path('out'))
        system.end()


def start_afresh(t, system):
    """An old file; all the rest is what the test makes."""
    for path in (t.folder / 'out').iterdir():
        if path.name != 'lost+found':
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copy(t.path('src/vm.ova'), t.path('out/old.ova'))
    if system.around:
        shutil.chown(t.path('out/old.ova'), int(NOBODY), int(NOBODY))


def contents(t):
    return {str(path.relative_to(t.folder / 'out')): path.read_bytes() for path in (t.folder / 'out').rglob('*') if path.is_file() and 'lost+found' not in path.parts}


def run(t, system, words):
    threads = ('-m', '2') if words[0] in ('convert', 'pack') else ()
    done = t.run(*system.around, tap.VMFERRY, words[0], '-q', *threads, *words[1:], status=None, env={'SOURCE_DATE_EPOCH': '1600000000'})
    return done.returncode, done.stderr


@tap.rows([(f'{name}: {title}', kind, words) for name, kind in SYSTEMS for title, words in TARGETS if ALL or any(word in IN_CI for word in words)])
def test_less_and_less_room(t, kind, words):
    with mounted(t, kind) as system:
        start_afresh(t, system)
        status, errors = run(t, system, words)
        tap.equal(status, 0, errors)
        wanted = contents(t)
        need = max(sum(map(len, wanted.values())) - len(wanted['old.ova']), len(wanted['old.ova']))
        told = ''
        for percent in range(0, 130, 3) if ALL else (0, 50, 92, 98):
            start_afresh(t, system)
            before = contents(t)
            system.leave(need * percent // 100)
            status, errors = run(t, system, words)
            system.leave(8 << 20)
            title = f'room for {percent} % of {need} bytes: exit {status}, {errors}'
            told += errors.lower()
            if status == 0:
                tap.equal(contents(t) == wanted, True, title)
                continue
            tap.equal((status, any(text in errors.lower() for text in FULL)), (4, True), title)
            tap.equal(contents(t) == before, True, f'{title}: {sorted(contents(t))}')
            tap.equal([path.name for path in (t.folder / 'out').iterdir() if '.part-' in path.name], [], title)
        tap.equal(system.says in told or 'make room' in told, True, told)


tap.main(globals())
