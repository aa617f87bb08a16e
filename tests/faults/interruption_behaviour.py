#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Killed, interrupted, and with a source that does not hold still: nothing wrong has a final name."""
import os
import signal
import subprocess
import time

import fault_tools
import tap
from fault_tools import (OLD, TARGETS, convert, count, end, files, guest, prepare, put_old, start_stopped,
                         steps)

SIGNALS = [('SIGINT', signal.SIGINT), ('SIGTERM', signal.SIGTERM), ('SIGHUP', signal.SIGHUP)]


@tap.rows([target for target in TARGETS if target[0] != 'vhd fixed'])
def test_kill(t, words):
    """At every kind of call: the old file, or after the rename the whole new one."""
    data = prepare(t)
    name = words[-1][4:]
    kills = 0
    for op in ('mkdir', 'open', 'write', 'truncate', 'fsync', 'rename', 'unlink'):
        put_old(t, words[-1])
        convert(t, f'{op}:999999:5', 'src/disk.raw', *words)
        for number in steps(count(t), 4):
            put_old(t, words[-1])
            title = f'killed at {op} {number}'
            status, _ = convert(t, f'{op}:{number}:kill', 'src/disk.raw', *words)
            if status == 0:
                continue
            tap.equal(status, -signal.SIGKILL, title)
            kills += 1
            left = files(t)
            if left[name] != OLD and guest(t, t.path(words[-1])) != data:
                raise AssertionError(f'{title}: neither the old disk nor the new one')
            if left[name] != OLD and op not in ('rename', 'fsync', 'unlink'):
                raise AssertionError(f'{title}: the old file is gone')
            done = t.vmferry('convert', '--no-sync', 'src/disk.raw', *words)
            for stale in left:
                if left[stale] is None:
                    tap.contains(done.stderr, stale)
            tap.equal(guest(t, t.path(words[-1])) == data, True, title + ', then run again')
    tap.equal(kills >= 8, True, f'{kills} kills')


@tap.rows([('flat', 'monolithicFlat'), ('split', 'twoGbMaxExtentSparse')])
def test_kill_while_a_disk_of_several_files_is_replaced(t, form):
    old = prepare(t, seed=2)
    words = ('-o', 'subformat=' + form, 'out/disk.vmdk')
    for op in ('open', 'write', 'fsync', 'rename', 'unlink'):
        number = 0
        while True:
            number += 1
            prepare(t, seed=2)
            put_old(t, 'out/disk.vmdk')
            t.vmferry('convert', '--no-sync', 'src/disk.raw', *words)
            new = prepare(t, seed=3)
            title = f'killed at {op} {number}'
            status, errors = convert(t, f'{op}:{number}:kill', 'src/disk.raw', *words)
            if status == 0:
                break
            tap.equal(status, -signal.SIGKILL, f'{title}: {errors}')
            found = guest(t, t.path('out/disk.vmdk'))
            if found not in (old, new):
                raise AssertionError(f'{title}: neither the old disk nor the new one')
            if number > 60:
                break
        tap.equal(number > 1, True, op + ' was reached')


@tap.rows([(f'{name}, {target[0]}', number, target[1]) for name, number in SIGNALS
           for target in TARGETS])
def test_signal(t, number, words):
    prepare(t)
    for op, at in (('open', 3), ('write', 1), ('write', 2)):
        put_old(t, words[-1])
        process = start_stopped(t, f'{op}:{at}:stop', 'src/disk.raw', *words)
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        status, errors = end(process)
        tap.equal(status, 128 + number, f'{op} {at}: {errors}')
        tap.equal(files(t), {words[-1][4:]: OLD}, f'{op} {at}')


@tap.rows(TARGETS)
def test_signal_while_it_is_synced(t, words):
    """Too late to stop, or stopped: but either all or nothing."""
    prepare(t)
    put_old(t, words[-1])
    process = start_stopped(t, 'fsync:1:stop', 'src/disk.raw', *words)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    status, errors = end(process)
    tap.equal(status in (0, 130), True, errors)
    tap.equal([name for name in files(t) if name.startswith('.')], [], 'temporary folders')
    tap.equal(t.read(words[-1]) == OLD, status == 130, 'the old file')


def test_ignored_signal_stays_ignored(t):
    """As nohup does it."""
    prepare(t)
    put_old(t, 'out/disk.qcow2')
    process = start_stopped(t, 'write:1:stop', 'src/disk.raw', 'out/disk.qcow2',
                            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGCONT)
    tap.equal(end(process)[0], 0, 'status')


@tap.rows(SIGNALS)
def test_signal_while_blocked_on_a_full_pipe(t, number):
    prepare(t)
    t.write('src/disk.raw', os.urandom(8 << 20))
    process = subprocess.Popen([tap.VMFERRY, 'convert', '-f', 'raw', 'src/disk.raw', '-O', 'raw', '-'],
                               cwd=t.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.read(process.stdout.fileno(), 1)
    time.sleep(0.3)
    process.send_signal(number)
    process.wait(timeout=30)
    tap.equal(process.returncode, 128 + number, process.stderr.read())
    process.stdout.close()
    process.stderr.close()


def end_anyhow(process):
    process.send_signal(signal.SIGCONT)
    end(process)


def append(path):
    with open(path, 'ab') as file:
        file.write(bytes(512))


def rewrite(path):
    with open(path, 'r+b') as file:
        file.seek(1000)
        file.write(b'changed')
    os.utime(path, (1, 1))


def rewrite_in_secret(path):
    """The time of the last write is set back."""
    before = os.stat(path)
    rewrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(path):
    os.truncate(path, 4096)


CHANGES = [('appended to', append, (6,)), ('rewritten', rewrite, (6,)),
           ('rewritten in secret', rewrite_in_secret, (6,)), ('cut', cut, (3, 6))]


@tap.rows([(f'{title}, {target[0]}', change, allowed, target[1])
           for title, change, allowed in CHANGES for target in TARGETS])
def test_source_changes(t, change, allowed, words):
    prepare(t)
    put_old(t, words[-1])
    process = start_stopped(t, 'write:1:stop', '-f', 'raw', 'src/disk.raw', *words)
    change(t.path('src/disk.raw'))
    process.send_signal(signal.SIGCONT)
    status, errors = end(process)
    tap.equal(status in allowed, True, f'exit {status}, {errors}')
    tap.contains(errors, 'src/disk.raw')
    tap.equal(files(t), {words[-1][4:]: OLD}, 'files')


@tap.rows([
    ('mode', lambda path: os.chmod(path, 0o600)),
    ('a link more', lambda path: os.link(path, path + '.link')),
    ('a link less', os.unlink),
    ('attributes', lambda path: os.setxattr(path, 'user.vmferry', b'1')),
    ('name', lambda path: os.rename(path, path + '.moved')),
])
def test_change_that_is_none_of_content(t, change):
    data = prepare(t)
    put_old(t, 'out/disk.qcow2')
    process = start_stopped(t, 'write:1:stop', '-f', 'raw', 'src/disk.raw', 'out/disk.qcow2')
    try:
        change(t.path('src/disk.raw'))
    except OSError as problem:
        end_anyhow(process)
        raise tap.Skip(str(problem)) from problem
    process.send_signal(signal.SIGCONT)
    status, errors = end(process)
    tap.equal(status, 0, errors)
    tap.equal(errors.count('src/disk.raw: its mode, owner, links, attributes or name changed'), 1, errors)
    tap.equal(guest(t, t.path('out/disk.qcow2')) == data, True, 'the disk')


@tap.rows([('backing file', 'src/base.raw'), ('overlay', 'src/top.qcow2')])
def test_file_of_a_chain_changes(t, changed):
    prepare(t)
    os.rename(t.path('src/disk.raw'), t.path('src/base.raw'))
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw',
          'src/top.qcow2')
    put_old(t, 'out/disk.vmdk')
    process = start_stopped(t, 'write:1:stop', 'src/top.qcow2', 'out/disk.vmdk')
    append(t.path(changed))
    process.send_signal(signal.SIGCONT)
    status, errors = end(process)
    tap.equal(status, 6, errors)
    tap.contains(errors, changed)
    tap.equal(files(t), {'disk.vmdk': OLD}, 'files')


def test_source_of_a_checksum_changes(t):
    prepare(t)
    library = fault_tools.environment(t, 'read:1:stop', 'src')
    process = subprocess.Popen([tap.VMFERRY, 'checksum', '-m', '2', '-f', 'raw', 'src/disk.raw'],
                               cwd=t.folder, env=dict(os.environ, **library),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tap.equal(os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]), True, 'stopped')
    rewrite(t.path('src/disk.raw'))
    process.send_signal(signal.SIGCONT)
    tap.equal(end(process)[0], 6, 'status')


def test_target_appears_meanwhile(t):
    """With --no-clobber even then nothing is replaced."""
    prepare(t)
    put_old(t, 'out/disk.vmdk')
    (t.folder / 'out/disk.vmdk').unlink()
    for words in (('out/disk.vmdk',), ('-o', 'subformat=monolithicFlat', 'out/disk.vmdk')):
        process = start_stopped(t, 'fsync:1:stop', '--no-clobber', 'src/disk.raw', *words)
        t.write('out/disk.vmdk', OLD)
        process.send_signal(signal.SIGCONT)
        tap.equal(end(process)[0], 1, 'status')
        tap.equal(files(t), {'disk.vmdk': OLD}, 'files')
        (t.folder / 'out/disk.vmdk').unlink()


def test_second_run_beside_a_living_one_says_so(t):
    """And takes nothing away from it; -U lets both run."""
    prepare(t)
    put_old(t, 'out/disk.vmdk')
    process = start_stopped(t, 'write:1:stop', 'src/disk.raw', 'out/disk.vmdk')
    done = t.vmferry('convert', '--no-sync', 'src/disk.raw', 'out/disk.vmdk', status=7)
    tap.contains(done.stderr, 'out/disk.vmdk: another run is writing it')
    tap.equal(t.vmferry('convert', '-U', '--no-sync', 'src/disk.raw', 'out/disk.vmdk').stderr, '', 'warnings')
    process.send_signal(signal.SIGCONT)
    tap.equal(end(process)[0], 0, 'status')
    tap.equal(sorted(files(t)), ['disk.vmdk'], 'files')


def test_a_backing_file_that_is_replaced_meanwhile(t):
    """An overlay shows what stands there by then."""
    prepare(t)
    put_old(t, 'out/top.qcow2')
    for name, data in (('base', b'then'), ('new', b'now ')):
        t.write(f'src/{name}.raw', data * (fault_tools.SIZE // 4))
        t.vmferry('convert', '--no-sync', f'src/{name}.raw', f'src/{name}.qcow2')
    process = start_stopped(t, 'write:1:stop', '-B', '../src/base.qcow2', '-F', 'qcow2', 'src/disk.raw', 'out/top.qcow2')
    (t.folder / 'src/new.qcow2').replace(t.folder / 'src/base.qcow2')
    process.send_signal(signal.SIGCONT)
    status, errors = end(process)
    tap.equal((status, files(t)), (6, {'top.qcow2': OLD}), errors)
    tap.contains(errors, 'src/base.qcow2: another file took its place')


tap.main(globals())
