#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""In the place of vmferry in a suite: the files that it is run on become inputs of the target "files", then it is run.

    VMFERRY=tests/fuzz/collect.py VMFERRY_COLLECTED=FOLDER VMFERRY_REAL=build/src/cli/vmferry PYTHONPATH=tests python3 tests/SUITE.py
"""
import hashlib
import os
import pathlib
import sys

INPUT_MAX, FILES = 1 << 20, 24


def files():
    """Relative names and bytes of what is in the working folder, or None where that is too much."""
    found, total = {}, 0
    for path in sorted(pathlib.Path('.').rglob('*')):
        if path.is_symlink() or not path.is_file():
            continue
        total += path.stat().st_size
        if total > INPUT_MAX or len(found) == FILES:
            return None
        found[str(path)] = path.read_bytes()
    return found


def collect():
    names = [word.split('::')[0] for word in sys.argv[2:] if not word.startswith('-') and os.path.exists(word.split('::')[0])]
    found = files() if names and not os.path.isabs(names[0]) else None
    if not found:
        return
    first = os.path.normpath(names[0])
    if os.path.isdir(first):
        found = {first + '/': b''} | found
    elif first in found:
        found = {first: found[first]} | found
    body = b''.join(b'%s\n%d\n%s' % (os.fsencode(name), len(data), data) for name, data in found.items())
    digest = hashlib.sha1(body).digest()
    for choices in {0, digest[0]}:
        data = bytes([choices]) + body
        (pathlib.Path(os.environ['VMFERRY_COLLECTED']) / hashlib.sha1(data).hexdigest()).write_bytes(data)


try:
    collect()
except OSError:
    pass
os.execv(os.environ['VMFERRY_REAL'], [os.environ['VMFERRY_REAL'], *sys.argv[1:]])
