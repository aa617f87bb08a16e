# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""instructions.py OLD NEW: the instructions that two builds take for the same jobs, counted by callgrind: a figure
that no other program on the machine changes. One thread, and a source of 9 MiB."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'golden'))
import golden_targets  # noqa: E402 pylint: disable=wrong-import-position

STREAM = ['-O', 'vmdk', '-o', 'subformat=streamOptimized']
# (name, words in front of the source, the source, the target)
JOBS = [
    ('raw > raw', ['-O', 'raw'], 'source.raw', 'out'),
    ('raw > qcow2', ['-O', 'qcow2'], 'source.raw', 'out'),
    ('raw > stream', STREAM, 'source.raw', 'out'),
    ('stream > raw', ['-O', 'raw'], 'stream.vmdk', 'out'),
    ('stream > stream', STREAM, 'stream.vmdk', 'out'),
    ('chain of 20 qcow2 > vhd, checksum', ['-O', 'vhd', '--checksum'], 'chain20.qcow2', 'out'),
]


def run(*command, folder, **options):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True,
                          env=dict(os.environ, **golden_targets.EPOCH), **options)


def make_sources(program, folder):
    golden_targets.make_sources(folder)
    run(program, 'convert', *STREAM, 'source.raw', 'stream.vmdk', folder=folder)
    run(program, 'convert', '-O', 'qcow2', 'source.raw', 'chain0.qcow2', folder=folder)
    for i in range(1, 21):
        run(program, 'create', '-f', 'qcow2', '-b', f'chain{i - 1}.qcow2', '-F', 'qcow2', f'chain{i}.qcow2',
            folder=folder)


def count(program, folder, words, source, target):
    # its processor has neither AVX-512 nor SHA instructions: what is chosen by the processor is not what runs outside
    done = run('valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', program, 'convert', '-m', '1', *words,
               source, target, folder=folder)
    pathlib.Path(folder, target).unlink()
    return int(re.search(r'Collected : (\d+)', done.stderr).group(1))


def main(old, new):
    old, new = os.path.realpath(old), os.path.realpath(new)
    with tempfile.TemporaryDirectory() as folder:
        make_sources(old, folder)
        for name, words, source, target in JOBS:
            before, after = (count(program, folder, words, source, target) for program in (old, new))
            print(f'{name:36} {before:14,} {after:14,}  {after / before:.3f}', flush=True)


main(*sys.argv[1:])
