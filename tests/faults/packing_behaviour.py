#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packing with a fault in it: every system call and allocation fails once, signals come: the old archive is untouched,
of files beside a descriptor there is none, and nothing else remains."""
import errno
import os
import signal

import fault_tools
import tap
from fault_tools import OLD, count, environment, files, prepare, put_old, steps

PACKAGES = [
    ('an archive', 'out/vm.ova'),
    ('files beside a descriptor', 'out/vm.ovf'),
    ('an archive of raw disks', 'out/vm.ova', '--disk-format', 'raw'),
]
WORDS = ('--eula', 'src/eula', '--property', 'a=b', '--nic', 'network=x', '--nic', '', 'src/disk.raw', 'src/disk.raw')

# An op on the target, how it fails, and the exit statuses allowed; 0: there was another way, and all is as always.
FAULTS = [
    ('open', errno.EMFILE, (0, 1, 4)),
    ('write', errno.EIO, (4,)),
    ('write', errno.ENOSPC, (4,)),
    ('write', errno.EINTR, (0,)),
    ('write', 'short', (0,)),
    ('fsync', errno.EIO, (0, 4)),
    ('rename', errno.EIO, (4,)),
    ('truncate', errno.ENOSPC, (0, 4)),
    ('mkdir', errno.EACCES, (1,)),
    ('mkdir', errno.ENOSPC, (4,)),
    ('close', errno.EIO, (0, 4)),
    ('read', errno.EIO, (3, 4)),
]


def pack(t, fault, out, *words):
    done = t.vmferry('pack', '-m', '2', '-o', out, *words, *WORDS, status=None, env=environment(t, fault))
    return done.returncode, done.stderr


def start_afresh(t, out):
    """Where it goes: an old archive, or a stranger's file. Returns what is there."""
    put_old(t, out if out.endswith('.ova') else 'out/stranger')
    return files(t)


def prepare_all(t, out, *words):
    """What a run without a fault makes."""
    prepare(t)
    t.write('src/eula', b'You must accept.\n' * 100)
    start_afresh(t, out)
    status, errors = pack(t, 'none:1:0', out, *words)
    tap.equal((status, errors), (0, ''))
    return files(t)


def check(t, title, status, allowed, errors, before, wanted):
    if status not in allowed:
        raise AssertionError(f'{title}: exit {status}, expected {allowed}: {errors}')
    found = files(t)
    if status == 0 and found != wanted:
        raise AssertionError(f'{title}: exit 0 with {sorted(found)}, or other bytes')
    if status != 0 and found != before:
        raise AssertionError(f'{title}: exit {status} leaves {sorted(found)}: {errors}')
    if status != 0:
        tap.contains(errors, 'vmferry: ')


@tap.rows(PACKAGES)
def test_system_calls(t, out, *words):
    wanted = prepare_all(t, out, *words)
    reached = 0
    for op, fault, allowed in FAULTS:
        start_afresh(t, out)
        pack(t, f'{op}:999999:5', out, *words)
        for number in steps(count(t), 8):
            before = start_afresh(t, out)
            status, errors = pack(t, f'{op}:{number}:{fault}', out, *words)
            reached += status != 0
            if op == 'fsync' and status == 4 and files(t) == wanted:
                tap.contains(errors, 'folder')  # its own fsync comes after the rename
                continue
            check(t, f'{op} {number} {fault}', status, allowed, errors, before, wanted)
    tap.equal(reached >= 10, True, f'{reached} faults that were noticed')


@tap.rows(PACKAGES[:2])
def test_allocations(t, out, *words):
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    wanted = prepare_all(t, out, *words)
    start_afresh(t, out)
    pack(t, 'malloc:999999999', out, *words)
    total = count(t)
    for onwards, most in (('', 150), ('+', 40)):
        for number in steps(total, most):
            before = start_afresh(t, out)
            status, errors = pack(t, f'malloc:{number}{onwards}', out, *words)
            check(t, f'allocation {number}{onwards} of {total}', status, (0, 1), errors, before, wanted)


@tap.rows([(f'{name}, {package[0]}', number, *package[1:]) for name, number in (
    ('SIGINT', signal.SIGINT), ('SIGTERM', signal.SIGTERM), ('SIGHUP', signal.SIGHUP)) for package in PACKAGES])
def test_signals(t, number, out, *words):
    prepare_all(t, out, *words)
    for op, at in (('open', 3), ('write', 1), ('write', 2)):
        before = start_afresh(t, out)
        process = fault_tools.subprocess.Popen(
            [tap.VMFERRY, 'pack', '-m', '2', '-o', out, *words, *WORDS], cwd=t.folder, stdin=fault_tools.subprocess.DEVNULL,
            stderr=fault_tools.subprocess.PIPE, env=dict(os.environ, **environment(t, f'{op}:{at}:stop')))
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        tap.equal(os.WIFSTOPPED(status), True, f'{op} {at} was reached')
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        status, errors = fault_tools.end(process)
        tap.equal(status, 128 + number, f'{op} {at}: {errors}')
        tap.equal(files(t), before, f'{op} {at}')


@tap.rows([package for package in PACKAGES if package[1].endswith('.ova')])
def test_nothing_old(t, out, *words):
    """Without an old archive nothing at all may be there, not even when the last sync fails."""
    prepare_all(t, out, *words)
    for op in ('write', 'fsync', 'rename'):
        start_afresh(t, out)
        (t.folder / out).unlink()
        pack(t, f'{op}:999999:5', out, *words)
        for number in steps(count(t), 6):
            start_afresh(t, out)
            (t.folder / out).unlink()
            status, errors = pack(t, f'{op}:{number}:{errno.EIO}', out, *words)
            if op == 'fsync' and status == 0:
                continue  # one before holes are asked for: nothing depends on it
            tap.equal((status, files(t)), (4, {}), f'{op} {number}: {errors}')


def test_name_of_a_new_folder_is_synced(t):
    """It stands in the folder above, which has an fsync of its own; where that fails nothing is left."""
    prepare_all(t, 'out/vm.ova')
    start_afresh(t, 'out/stranger')
    pack(t, 'fsync:999999:5', 'out/new/')
    found = []
    for number in range(1, count(t) + 1):
        before = start_afresh(t, 'out/stranger')
        status, errors = pack(t, f'fsync:{number}:{errno.EIO}', 'out/new/')
        if 'folder above' in errors:
            tap.equal((status, files(t)), (4, before), f'fsync {number}')
            found.append(number)
    tap.equal(len(found) > 0, True, 'the folder above is synced')


def test_the_old_is_the_old(t):
    """The reference that the others compare with is what they think."""
    tap.equal(prepare_all(t, 'out/vm.ova').keys() | {'x'}, {'vm.ova', 'x'})
    tap.equal(start_afresh(t, 'out/vm.ova'), {'vm.ova': OLD})


if __name__ == '__main__':
    tap.main(globals())
