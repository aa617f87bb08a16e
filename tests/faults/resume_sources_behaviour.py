#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Gone on with all the same: what comes from devices and servers that tell no version, by the word of the person."""
import contextlib
import os
import random
import re
import signal

import fault_tools
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


tap.main(globals())
