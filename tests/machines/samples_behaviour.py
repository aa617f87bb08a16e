# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The command on every third-party machine that is there: it is shown or refused, and so is its conversion into every format. One in
eight, and all of them with VMFERRY_TEST_ALL=1."""
import os

import tap

MACHINES = tap.SOURCE.parent / 'shared/machines'
SUFFIXES = ('.vmx', '.xml', '.conf', '.vbox')
TARGETS = ('x.ova', 'x.xml', 'x.vmx', 'x.vma', 'x.xva', 'x.vbox', 'x.ps1')
TOLD = (0, 1, 2, 9)  # shown; wrong use; wrong or missing files; not supported


def samples():
    if not MACHINES.is_dir():
        raise tap.Skip('no folder of machines')
    found = sorted(path for path in MACHINES.rglob('*') if path.suffix in SUFFIXES and path.is_file())
    return found if os.environ.get('VMFERRY_TEST_ALL') else found[::8]


def told(t, *arguments):
    done = t.vmferry(*arguments, status=None)
    if done.returncode not in TOLD or (done.returncode and not done.stderr.startswith('vmferry: ')):
        raise AssertionError(f'{arguments}: exit {done.returncode}: {done.stderr}')


def test_info(t):
    for path in samples():
        told(t, 'info', path)


@tap.rows([(target, target) for target in TARGETS])
def test_conversion_that_is_only_told(t, target):
    for path in samples():
        told(t, 'convert', '--dry-run', path, target)
    tap.equal(t.names(), [], 'files')


if __name__ == '__main__':
    tap.main(globals())
