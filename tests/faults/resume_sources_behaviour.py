#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Gone on with, too: with a map of the units that are packed, into devices, and what comes from devices and servers that tell no version."""
import contextlib
import os
import random
import re
import signal

import fault_tools
import partitions
import remote_servers
import tap
from fault_tools import convert, files

MIB = 1 << 20


def prepare(t):
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    chance = random.Random(6)
    t.write('src/disk.raw', b''.join(chance.randbytes(MIB // 2) + b'text' * (MIB // 8) + bytes(MIB) for _ in range(6)) + bytes(MIB))


def run(t, fault, source, target, *words):
    return convert(t, fault, '--no-sync', '--journal=1M', *words, source, target)


def resume(t, source, target, *words):
    """Status, at which guest byte it went on (None: there was nothing to go on with), standard error."""
    status, errors = convert(t, 'none:1:5', '-v', '--no-sync', '--resume', '--journal=1M', *words, source, target)
    found = re.search(r'goes on with an interrupted run, at guest byte (\d+)', errors)
    return status, int(found.group(1)) if found else None, errors


@contextlib.contextmanager
def device(t, path):
    done = t.run('losetup', '--show', '-f', t.path(path), status=None) if os.geteuid() == 0 and tap.shutil.which('losetup') else None
    if not done or done.returncode != 0:
        raise tap.Skip('no loop device can be made')
    try:
        yield done.stdout.strip()
    finally:
        t.run('losetup', '-d', done.stdout.strip())


@contextlib.contextmanager
def export(t, path):
    tap.needs('libnbd')
    with remote_servers.nbdkit(t, 'file', t.path(path)) as url:
        yield url


MAPPED = [('streamOptimized', ('-o', 'subformat=streamOptimized'), 'out/disk.vmdk'), ('qcow2', ('-c',), 'out/disk.qcow2'),
          ('raw', ('-O', 'raw'), 'out/disk.raw.zst')]


@tap.rows([(f'{name}{", onto an older one" if older else ""}', words, target, older) for name, words, target in MAPPED for older in (False, True)])
def test_the_map_is_that_of_a_run_that_was_not_interrupted(t, words, target, older):
    prepare(t)
    words += ('--map', 'out/new.map')
    if older:
        old = target.replace('out/disk', 'old')
        t.vmferry('convert', '--no-sync', *words[:-1], 'old.map', 'src/disk.raw', old)
        put_other(t)
        words += ('--since', 'old.map', '--onto', old)
    tap.equal(run(t, 'write:9999:5', 'src/disk.raw', target, *words)[0], 0, 'not interrupted')
    made, writes = files(t), fault_tools.count(t)
    tap.equal(len(made), 2, 'files')
    for number in (writes // 2, writes * 3 // 4, writes):
        for name in made:
            (t.folder / 'out' / name).unlink(missing_ok=True)
        tap.equal(run(t, f'write:{number}:kill', 'src/disk.raw', target, *words)[0], -signal.SIGKILL, f'killed at {number}')
        status, _, errors = resume(t, 'src/disk.raw', target, *words[:-4 if older else -2])
        tap.equal(status, 1, errors)
        tap.contains(errors, 'older target' if older else 'map of its units was "made"')
        status, at, errors = resume(t, 'src/disk.raw', target, *words)
        tap.equal((status, at is not None and at > 0), (0, True), errors)
        tap.equal(files(t) == made, True, f'killed at write {number} of {writes}: the bytes of a run that was not interrupted')


def put_other(t):
    """The same name and size, and another first byte."""
    with open(t.path('src/disk.raw'), 'r+b') as file:
        file.write(b'other')
        file.flush()
        os.fsync(file.fileno())


@tap.rows([('a device', device), ('an NBD server', export)])
def test_the_person_says_that_a_source_is_unchanged(t, shown):
    prepare(t)
    with shown(t, 'src/disk.raw') as source:
        words = ('-f', 'raw')
        status, errors = run(t, 'none:1:5', source, 'out/disk.qcow2', *words)
        tap.equal(status, 9, errors)
        for part in ('cannot be resumed', '--source-unchanged'):
            tap.contains(errors, part)
        tap.equal(files(t), {}, 'files')
        words += ('--source-unchanged',)
        tap.equal(run(t, 'write:9999:5', source, 'out/disk.qcow2', *words)[0], 0, 'not interrupted')
        made = files(t)
        (t.folder / 'out/disk.qcow2').unlink()
        tap.equal(run(t, 'write:9:kill', source, 'out/disk.qcow2', *words)[0], -signal.SIGKILL, 'killed')
        status, _, errors = resume(t, source, 'out/disk.qcow2', '-f', 'raw')
        tap.equal(status, 9, errors)
        status, at, errors = resume(t, source, 'out/disk.qcow2', *words)
        tap.equal((status, at is not None and at > 0), (0, True), errors)
        tap.equal(files(t) == made, True, 'the bytes of a run that was not interrupted')
        (t.folder / 'out/disk.qcow2').unlink()
        tap.equal(run(t, 'write:9:kill', source, 'out/disk.qcow2', *words)[0], -signal.SIGKILL, 'killed')
    put_other(t)
    with shown(t, 'src/disk.raw') as source:
        status, _, errors = resume(t, source, 'out/disk.qcow2', *words)
        tap.equal(status, 1, errors)  # by its bytes, or by its name, where that is another


# ---- another disk of the same file ----

def make_archive(t):
    chance = random.Random(8)
    for name in ('one.raw', 'other.raw'):
        t.write(f'src/{name}', chance.randbytes(6 * MIB))
    t.run('tar', '-cf', t.path('src/disks.tar'), '-C', t.path('src'), 'one.raw', 'other.raw')
    return ('src/disks.tar::one.raw',), ('src/disks.tar::other.raw',)


def make_packed(t):
    partitions.gpt(t.path('src/one.raw'), 6 * MIB, [('linux', 2048, 10000)])
    with open(t.path('src/one.raw'), 'r+b') as file:
        file.seek(MIB)
        file.write(random.Random(9).randbytes(4 * MIB))
    t.run('gzip', '-1', t.path('src/one.raw'))
    return ('--resize', '8M', 'src/one.raw.gz'), ('--resize', '8M', '--move-gpt', 'src/one.raw.gz')


@tap.rows([('a member of an archive', make_archive), ('with its partition table moved', make_packed)])
def test_what_looks_like_the_source_is_not_taken_for_it(t, make):
    """One file, of one size, in which no bytes are looked at before."""
    prepare(t)
    mine, others = make(t)
    words = ('--no-sync', '--journal=1M', 'out/disk.qcow2')
    tap.equal(convert(t, 'write:4:kill', *mine, *words)[0], -signal.SIGKILL, 'killed')
    status, errors = convert(t, 'none:1:5', '--resume', *others, *words)
    tap.equal((status, 'an interrupted run left this' in errors), (1, True), errors)
    status, errors = convert(t, 'none:1:5', '--resume', *mine, *words)  # from where, the end of the other run decided
    tap.equal(status, 0, errors)
    made = files(t)
    tap.equal(convert(t, 'none:1:5', *mine, *words)[0], 0, 'not interrupted')
    tap.equal(files(t) == made, True, 'the bytes of a run that was not interrupted')


# ---- into devices ----

ON_DEVICE = [('raw', ('-O', 'raw')), ('raw, full', ('-O', 'raw', '-S', '0')), ('raw with a checksum', ('-O', 'raw', '--checksum')), ('qcow2', ('-O', 'qcow2')),
             ('qcow2, compressed', ('-O', 'qcow2', '-c'))]


def check_device(t, target, form):
    if form == 'qcow2':
        t.vmferry('compare', '-F', form, 'src/disk.raw', target)
        return
    data = t.read('src/disk.raw')
    with open(target, 'rb') as file:
        tap.equal(file.read(len(data)) == data, True, 'the bytes of the disk')


def kill_on_device(t, target, number, *words):
    """Writes of a device are below /dev: they are counted there."""
    env = fault_tools.environment(t, f'write:{number}:kill') | {'VMF_FAULT_DIR': target}
    return t.vmferry('convert', '-m', '2', '--journal=1M', '--journal-file', 'journal', 'src/disk.raw', target, *words, status=None, env=env)


@tap.rows(ON_DEVICE)
def test_a_device_is_gone_on_with(t, words):
    """Whatever stood on it before."""
    prepare(t)
    with open(t.path('medium'), 'wb') as file:
        file.write(random.Random(7).randbytes(24 * MIB))
    with device(t, 'medium') as target:
        kill_on_device(t, target, 9999, *words)
        tap.equal((t.folder / 'journal').exists(), False, 'the journal of a run that came to its end')
        writes = fault_tools.count(t)
        for number in (writes // 2, writes * 3 // 4):
            with open(target, 'r+b') as file:
                file.write(random.Random(number).randbytes(24 * MIB))
                os.fsync(file.fileno())
            tap.equal(kill_on_device(t, target, number, *words).returncode, -signal.SIGKILL, f'killed at {number} of {writes}')
            tap.equal((t.folder / 'journal').stat().st_size > 0, True, 'a journal')
            status, at, errors = resume(t, 'src/disk.raw', target, '--journal-file', 'journal', *words)
            tap.equal((status, at is not None and at > 0), (0, True), errors)
            tap.equal((t.folder / 'journal').exists(), False, 'the journal')
            check_device(t, target, words[1])


def test_zeros_that_begin_a_device_prove_nothing(t):
    """With its tables first, a qcow2 begins by zeros all over: then all is done again."""
    prepare(t)
    t.write('medium', bytes(24 * MIB))
    words = ('-O', 'qcow2', '-o', 'preallocation=metadata')
    with device(t, 'medium') as target:
        kill_on_device(t, target, 9999, *words)
        tap.equal(kill_on_device(t, target, fault_tools.count(t) * 3 // 4, *words).returncode, -signal.SIGKILL, 'killed')
        status, _, errors = resume(t, 'src/disk.raw', target, '--journal-file', 'journal', *words)
        tap.equal(status, 0, errors)
        check_device(t, target, 'qcow2')


def test_what_is_on_a_device_is_proven(t):
    """Data, and zeros that are data of the disk: what somebody has written since is found."""
    prepare(t)
    t.write('medium', bytes(24 * MIB))
    with device(t, 'medium') as target:
        kill_on_device(t, target, 9999, '-O', 'raw')
        writes = fault_tools.count(t)
        for at in (0, 3 * MIB // 2):
            tap.equal(kill_on_device(t, target, writes * 3 // 4, '-O', 'raw').returncode, -signal.SIGKILL, 'killed')
            with open(target, 'r+b') as file:
                file.seek(at)
                file.write(b'somebody')
                os.fsync(file.fileno())
            status, _, errors = resume(t, 'src/disk.raw', target, '--journal-file', 'journal', '-O', 'raw')
            tap.equal(status, 0, errors)
            check_device(t, target, 'raw')


def test_a_journal_of_a_device_is_nobody_elses(t):
    prepare(t)
    t.write('mine', b'my file')
    for name in ('medium', 'second'):
        t.write(name, bytes(24 * MIB))
    at = ('--journal-file', 'journal', '-O', 'raw')
    with device(t, 'medium') as target, device(t, 'second') as other:
        tap.contains(t.vmferry('convert', '--resume', '-O', 'raw', 'src/disk.raw', target, status=9).stderr, '--journal-file')
        tap.contains(t.vmferry('convert', '--journal-file', 'mine', '-O', 'raw', 'src/disk.raw', target, status=1).stderr, 'is no journal')
        tap.equal(t.read('mine'), b'my file', 'untouched')
        tap.contains(t.vmferry('convert', *at, 'src/disk.raw', 'out/disk.raw', status=1).stderr, 'is no block device')
        kill_on_device(t, target, 9999, '-O', 'raw')
        tap.equal(kill_on_device(t, target, fault_tools.count(t) * 3 // 4, '-O', 'raw').returncode, -signal.SIGKILL, 'killed')
        left = t.read('journal')
        tap.contains(t.vmferry('convert', *at, 'src/disk.raw', target, status=1).stderr, '--resume goes on with it')
        status, _, errors = resume(t, 'src/disk.raw', other, *at)
        tap.equal(status, 1, errors)
        tap.contains(errors, 'device of the target was')
        tap.equal(t.read('journal') == left, True, 'the journal')
        os.chmod(t.path('journal'), 0o622)
        status, _, errors = resume(t, 'src/disk.raw', target, *at)
        tap.equal((status, t.read('journal') == left), (2, True), errors)
        tap.contains(errors, 'others may write to it')
        os.chmod(t.path('journal'), 0o600)
        tap.equal(resume(t, 'src/disk.raw', target, *at)[0], 0, 'the same command')


@tap.rows([('that is killed', True), ('that comes to its end', False)])
def test_a_run_that_begins_while_another_one_has_the_journal(t, killed):
    """It looks at the journal when it holds it, and not before."""
    prepare(t)
    t.write('medium', bytes(24 * MIB))
    with device(t, 'medium') as target:
        words = ('-O', 'raw', '--journal-file', 'out/journal', 'src/disk.raw', target)
        kill_on_device(t, target, 9999, '-O', 'raw')
        number = fault_tools.count(t) * 3 // 4
        late = fault_tools.start_stopped(t, 'lock:1:stop', '--journal=1M', *words)
        if killed:
            env = fault_tools.environment(t, f'write:{number}:kill') | {'VMF_FAULT_DIR': target}
            t.vmferry('convert', '-m', '2', '--journal=1M', *words, status=-signal.SIGKILL, env=env)
            left = t.read('out/journal')
        else:
            t.vmferry('convert', *words)
        late.send_signal(signal.SIGCONT)
        status, errors = fault_tools.end(late)
        tap.equal(status, 1 if killed else 7, errors)
        tap.contains(errors, '--resume goes on with it' if killed else 'start again')
        tap.equal(killed and t.read('out/journal') == left, killed, 'the journal')
        tap.equal((t.folder / 'out/journal').exists(), killed, 'the journal')


tap.main(globals())
