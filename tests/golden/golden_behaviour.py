# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The bytes of targets that are not packed, against golden_digests.tsv: a change that means to change them says so by
a change of that file. `python3 tests/golden/golden_behaviour.py write` writes it anew."""
import pathlib
import sys
import tempfile

import golden_targets
import tap

DIGESTS = pathlib.Path(__file__).with_name('golden_digests.tsv')
ROWS = [(f'{target[0]}, {way}', target, pipe)
        for target in golden_targets.PLAIN for way, pipe in golden_targets.ways(target)]


def known():
    return dict(line.split('\t') for line in DIGESTS.read_text(encoding='ascii').splitlines())


@tap.rows([(title, title, target, pipe) for title, target, pipe in ROWS])
def test_bytes_are_those_that_are_known(t, title, target, pipe):
    golden_targets.make_sources(t.folder)
    for threads in golden_targets.THREADS:
        tap.equal(golden_targets.make(tap.VMFERRY, t.folder, target, threads, pipe), known()[title],
                  f'digest with {threads} threads')


def write():
    with tempfile.TemporaryDirectory() as folder:
        golden_targets.make_sources(folder)
        DIGESTS.write_text(''.join(f'{title}\t{golden_targets.make(tap.VMFERRY, folder, target, "1", pipe)}\n'
                                   for title, target, pipe in ROWS), encoding='ascii')


if sys.argv[1:] == ['write']:
    write()
else:
    tap.main(globals())
