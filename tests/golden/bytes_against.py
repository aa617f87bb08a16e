# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""bytes_against.py OLD NEW: the bytes of all targets, packed ones too, from two builds on this machine."""
import os
import subprocess
import sys
import tempfile

import golden_targets


def writes(program, target):
    """Whether the build has the format of the target: an old one may not."""
    words = target[1]
    form = words[words.index('-O') + 1] if '-O' in words else 'raw'
    said = subprocess.run([program, 'help', form], capture_output=True, check=False)
    return said.returncode == 0


def main(old, new):
    old, new = os.path.realpath(old), os.path.realpath(new)
    differ = 0
    with tempfile.TemporaryDirectory() as folder:
        golden_targets.make_sources(folder)
        for target in golden_targets.PLAIN + golden_targets.PACKED:
            if not writes(old, target):
                print(f'new      {target[0]}')
                continue
            for way, pipe in golden_targets.ways(target):
                wanted = golden_targets.make(old, folder, target, '1', pipe)
                wrong = [threads for threads in golden_targets.THREADS
                         if golden_targets.make(new, folder, target, threads, pipe) != wanted]
                differ += bool(wrong)
                print(f'{"differs" if wrong else "same":8} {target[0]}, {way}', *wrong)
    print(f'{differ} targets differ')
    return 1 if differ else 0


sys.exit(main(*sys.argv[1:]))
