#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""SHA-256 of several messages at once, built for processors that this one is not, run by QEMU, beside OpenSSL's (which is
what hashlib has)."""
import hashlib
import random

import tap

HASH = tap.SOURCE / 'src/hash'
ROOM = 4096
# Compiler, emulator with its processor, method, the sources of its family (see src/hash/meson.build).
WAYS = [('aarch64: neon', 'aarch64-linux-gnu-gcc', ('qemu-aarch64', '-cpu', 'cortex-a53'), 'neon', ('sha256_neon.c',)),
        ('x86_64: avx2', 'x86_64-linux-gnu-gcc', ('qemu-x86_64', '-cpu', 'max'), 'avx2',
         ('sha256_avx2.c', 'sha256_avx512.c', 'sha256_sha.c'))]


def build(t, compiler, sources):
    common = ('-std=gnu11', '-O2', '-D_GNU_SOURCE', '-I', tap.SOURCE / 'include', '-I', tap.SOURCE / 'src/base', '-I', HASH)
    t.run(tap.tool(compiler), '-static', '-pthread', *common, '-o', t.path('printer'), tap.SOURCE / 'tests/interop/sha256_printer.c',
          HASH / 'sha256_many.c', HASH / 'sha256_choose.c', *(HASH / name for name in sources))


@tap.rows(WAYS)
def test_digests_are_those_of_openssl(t, compiler, emulator, method, sources):
    tap.tool(emulator[0])
    build(t, compiler, sources)
    content = random.Random(2).randbytes(ROOM)
    t.write('content', content)
    with open(t.path('content'), 'rb') as file:
        done = t.run(*emulator, t.path('printer'), method, stdin=file, status=None)
    if done.returncode == 2:
        raise tap.Skip(f'{emulator[0]} has no {method}')
    tap.equal((done.returncode, done.stderr), (0, ''), 'run')
    lines = done.stdout.splitlines()
    tap.equal(len(lines) > 4000, True, f'{len(lines)} lines')
    for line in lines:
        offset, length, digest = line.split()
        start = int(offset)
        tap.equal(digest, hashlib.sha256(content[start:start + int(length)]).hexdigest(), f'{length} bytes at {offset}')


tap.main(globals())
