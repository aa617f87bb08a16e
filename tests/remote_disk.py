# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The disk that servers of tests have, and what is expected where it is read, or refused."""
import os
import random

import tap

MIB = 1 << 20
SANITIZED = os.environ.get('VMFERRY_SANITIZED', 'none') != 'none'
CONFINED = [] if SANITIZED else ['--sandbox=require']  # the search for leaks starts a process
RAW = random.Random(1).randbytes(9 * MIB + 512) + bytes(3 * MIB) + random.Random(2).randbytes(MIB)


def converted(t, source, *options, **more):
    t.vmferry('convert', '-O', 'raw', *options, source, 'out.raw', **more)
    tap.equal(t.read('out.raw') == RAW, True, 'the bytes')


def refused(t, url, status, *words, options=()):
    """Nothing is written."""
    before = t.names()
    done = t.vmferry('convert', '-O', 'qcow2', *options, url, 'refused.qcow2', status=status)
    for word in words:
        tap.contains(done.stderr, word)
    tap.equal(t.names(), before, 'files')
    return done
