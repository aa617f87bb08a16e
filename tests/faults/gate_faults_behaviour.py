#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages that are verified and converted with a fault in it: every read of the source, every write and every
allocation fails once. What comes out is what comes out without a fault, or nothing, and then that is said."""
import errno
import os

import fault_tools
import tap
from fault_tools import count, environment, files, put_old, steps

MIB = 1 << 20
ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
# A kind of package, and what is done with it.
JOBS = [(f'{" ".join(verb)} of {source}', source, verb)
        for source in ('src/stream.ova', 'src/raw/vm.ovf')
        for verb in (('verify',), ('convert', 'out/vm.ova'), ('convert', 'out/vm.ovf'),
                     ('unpack', 'out/disks'))]
# An op on a file, how it fails, and the exit statuses allowed; 0: that much is known by another way.
ON_SOURCE = [
    ('open', errno.EMFILE, (0, 1, 2, 3)),
    ('open', errno.EACCES, (0, 1, 2, 3)),
    ('read', errno.EIO, (0, 2, 3)),
    ('read', errno.EINTR, (0,)),
    ('read', 'short', (0,)),
]
ON_TARGET = [
    ('write', errno.EIO, (4,)),
    ('write', 'short', (0,)),
    ('read', errno.EIO, (0, 3, 4)),
]


def make_packages(t):
    for folder in ('src', 'src/raw', 'out'):
        (t.folder / folder).mkdir()
    for i in (1, 2):
        t.write(f'disk{i}.raw', fault_tools.pattern(3 * MIB, seed=i))
    t.vmferry('pack', '-o', 'src/stream.ova', 'disk1.raw', 'disk2.raw')
    t.vmferry('pack', '-o', 'src/raw/vm.ovf', '--disk-format', 'raw', 'disk1.raw', 'disk2.raw')


def run(t, fault, folder, source, verb):
    words = (verb[0], '-m', '2', source, *verb[1:]) if verb[0] != 'verify' else (*verb, source)
    done = t.vmferry(*words, status=None, env=environment(t, fault, folder))
    return done.returncode, done.stderr + done.stdout


def start_afresh(t, verb):
    put_old(t, verb[1] if verb[-1].endswith('.ova') else 'out/stranger')
    return contents(t)


def contents(t):
    """Of `out`, one folder deep."""
    found = files(t)
    for path in (t.folder / 'out').glob('*/*'):
        found[f'{path.parent.name}/{path.name}'] = path.read_bytes()
    return found


def prepare_all(t, source, verb):
    """What a run without a fault makes, and says."""
    make_packages(t)
    start_afresh(t, verb)
    status, text = run(t, 'none:1:0', 'out', source, verb)
    tap.equal(status, 0, text)
    return contents(t), text


def check(t, title, allowed, found, before, wanted):
    status, text = found
    if status not in allowed:
        raise AssertionError(f'{title}: exit {status}, expected {allowed}: {text}')
    if status == 0:
        tap.equal((text, contents(t) == wanted[0]), (wanted[1], True), f'{title}: as without a fault')
    else:
        tap.equal((text != '', contents(t) == before), (True, True), f'{title}: exit {status}, {sorted(contents(t))}: {text}')


@tap.rows(JOBS)
def test_system_calls(t, source, verb):
    wanted = prepare_all(t, source, verb)
    noticed = 0
    for folder, faults in (('src', ON_SOURCE), ('out', ON_TARGET if verb[0] != 'verify' else [])):
        for op, fault, allowed in faults:
            start_afresh(t, verb)
            run(t, f'{op}:999999:5', folder, source, verb)
            for number in steps(count(t), 40 if ALL else 6):
                before = start_afresh(t, verb)
                found = run(t, f'{op}:{number}:{fault}', folder, source, verb)
                noticed += found[0] != 0
                check(t, f'{op} {number} {fault} in {folder}', allowed, found, before, wanted)
    tap.equal(noticed > 0, True, 'faults were noticed')


@tap.rows(JOBS)
def test_allocations(t, source, verb):
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    wanted = prepare_all(t, source, verb)
    run(t, 'malloc:999999999', 'out', source, verb)
    total = count(t)
    for onwards, most in (('', 1500 if ALL else 15), ('+', 100 if ALL else 5)):
        for number in steps(total, most):
            if number < total // 10:  # libxml2's: its 2.9 crashes, or goes on without a namespace and tells nobody
                continue
            before = start_afresh(t, verb)
            check(t, f'allocation {number}{onwards} of {total}', (0, 1),
                  run(t, f'malloc:{number}{onwards}', 'out', source, verb), before, wanted)


if __name__ == '__main__':
    tap.main(globals())
