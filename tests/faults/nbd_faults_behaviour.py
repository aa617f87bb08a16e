#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Exports whose device fails (nbdkit's filter "error"): what is read wrong is told, and becomes no target; what cannot be written is told."""
import os
import random

import remote_servers
import tap

MIB = 1 << 20
RAW = bytes(range(256)) * 4096 * 3 + bytes(MIB)
OLD = b'the old file of this name\n'
QUICK = ('--retry-time', '1')


def some(rows):
    """Each waits for a second until it gives up."""
    return rows if os.environ.get('VMFERRY_TEST_ALL') == '1' else rows[1::3]


def prepare(t):
    """The bytes of a raw disk and a QCOW2 of it, as files and in `out` an old target."""
    tap.needs('libnbd')
    (t.folder / 'out').mkdir()
    t.write('disk.raw', RAW)
    t.vmferry('convert', '--no-sync', '-O', 'qcow2', 'disk.raw', 'disk.qcow2')
    t.write('out/new', OLD)


def failing(t, path, *words):
    """An export of the file; what fails does so from the moment on at which the file `now` is there."""
    return remote_servers.nbdkit(t, '--filter=error', 'file', t.path(path), f'error-file={t.path("now")}', *words)


def left(t):
    return {path.name: path.read_bytes() for path in (t.folder / 'out').iterdir()}


# The verbs that read a whole disk: their words, with URL for the export.
READERS = [(' '.join(words[:1]) + (' ' + words[2] if words[1:2] == ('-O',) else ''), words) for words in (
    ('convert', '-O', 'raw', 'URL', 'out/new'), ('convert', '-O', 'qcow2', 'URL', 'out/new'), ('convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'URL', 'out/new'),
    ('checksum', 'URL'), ('compare', 'URL', 'disk.raw'), ('compare', 'disk.raw', 'URL'), ('apply', 'URL', 'out/copy'),
    ('diff', 'disk.raw', 'URL'), ('check', '--deep', 'URL'))]


@tap.rows(some([(f'{name} of {form}', form, words) for form in ('raw', 'qcow2') for name, words in READERS if form == 'qcow2' or words[0] != 'check']))
def test_a_source_that_cannot_be_read(t, form, words):
    """EIO wherever it is read: nothing is made, the old target stays, the exit status says so."""
    prepare(t)
    before = left(t)
    if 'out/copy' in words:
        t.write('out/copy', RAW)
        before = left(t)
    with failing(t, f'disk.{form}', 'error-pread-rate=100%', 'error=EIO') as url:
        t.write('now', b'')
        done = t.vmferry(words[0], *QUICK, *(url if word == 'URL' else word for word in words[1:]), status=None)
    tap.equal(done.returncode, {'compare': 2, 'check': 1}.get(words[0], 3), done.stderr)
    tap.contains(done.stderr, 'reading at byte ')
    tap.equal(left(t) == before, True, f'{sorted(left(t))}')


BAD = 2 * MIB + 8192  # a place that fails, whatever is read with it


def bad_block(t, path):
    """An export of the file without the block at BAD."""
    size = os.path.getsize(t.path(path))
    reads = f'if [ $(($4)) -le {BAD} ] && [ $(($4 + $3)) -gt {BAD} ]; then echo EIO bad medium >&2; exit 1; fi; dd if={t.path(path)} iflag=skip_bytes,count_bytes,fullblock bs=1M skip=$4 count=$3 2>/dev/null'
    return remote_servers.nbdkit(t, 'eval', f'get_size=echo {size}', f'pread={reads}')


@tap.rows(some([(name, words) for name, words in READERS if words[0] not in ('check', 'apply')]))
def test_a_source_with_a_bad_block(t, words):
    """In the middle, after much has been written."""
    prepare(t)
    before = left(t)
    with bad_block(t, 'disk.raw') as url:
        done = t.vmferry(words[0], *QUICK, *(url if word == 'URL' else word for word in words[1:]), status=None)
    tap.equal(done.returncode, {'compare': 4}.get(words[0], 3), done.stderr)
    tap.contains(done.stderr, 'reading at byte ')
    tap.equal(left(t) == before, True, f'{sorted(left(t))}')


@tap.rows([('one', False, 'copied bit clear'), ('more than are shown', True, ' more findings')])
def test_what_was_found_before_a_bad_block_is_told(t, many, found):
    """Where not all can be unpacked: the corruptions, and that the check has not seen all."""
    prepare(t)
    t.write('half.raw', random.Random(7).randbytes(4 << 20).hex().encode())  # twice as long as what it holds
    t.vmferry('convert', '-c', '-O', 'qcow2', '-o', f'cluster_size={8192 if many else 65536}', 'half.raw', 'packed.qcow2')
    image = bytearray(t.read('packed.qcow2'))
    level1, counts = (int.from_bytes(image[at:at + 8], 'big') for at in (40, 48))
    if many:  # without counts of its data
        counts = int.from_bytes(image[counts:counts + 8], 'big')
        image[counts + 64:counts + 4096] = bytes(4096 - 64)
    else:
        image[level1] &= 0x7f  # without its copied bit
    t.write('packed.qcow2', bytes(image))
    with bad_block(t, 'packed.qcow2') as url:
        done = t.vmferry('check', '--deep', *QUICK, url, status=2)
    tap.contains(done.stderr, found)
    tap.contains(done.stderr, 'Input/output error')
    tap.contains(done.stdout, '1 internal errors have occurred during the check.')


# ---- targets ----

@tap.rows([(f'{form}, {what}', form, words) for what, words in (('no byte is written', ('error-pwrite-rate=100%', 'error-zero-rate=100%', 'error=EIO')),
                                                               ('no room', ('error-pwrite-rate=100%', 'error=ENOSPC'))) for form in ('raw', 'qcow2')])
def test_a_target_that_cannot_be_written(t, form, words):
    prepare(t)
    t.write('export', bytes(16 * MIB))
    with failing(t, 'export', *words) as url:
        t.write('now', b'')
        done = t.vmferry('convert', *QUICK, '-n', '-O', form, 'disk.raw', url, status=4)
        tap.contains(done.stderr, 'command failed')
        os.unlink(t.path('now'))
        t.vmferry('convert', *QUICK, '-n', '-O', form, 'disk.raw', url)
        t.vmferry('compare', '-F', form, 'disk.raw', url)


def test_a_target_whose_cache_is_lost(t):
    """What the export has taken is not on its disk before it says so."""
    prepare(t)
    flush = 'echo EIO the cache is lost >&2; exit 1'
    with remote_servers.nbdkit(t, 'eval', f'get_size=echo {16 * MIB}', 'can_write=exit 0', 'can_flush=exit 0', f'flush={flush}', 'pwrite=cat >/dev/null', 'zero=exit 0', 'pread=head -c $3 /dev/zero') as url:
        tap.contains(t.vmferry('convert', *QUICK, '-O', 'raw', 'disk.raw', url, status=4).stderr, 'Input/output error')


@tap.rows([('the copy', 'error-pwrite-rate=100%', 4), ('what is held against it', 'error-pread-rate=100%', 3)])
def test_apply_to_an_export_that_fails(t, fault, status):
    """Another run makes it equal."""
    prepare(t)
    t.write('export', RAW[:MIB] + bytes(len(RAW) - MIB))
    with failing(t, 'export', fault, 'error=EIO') as url:
        t.write('now', b'')
        done = t.vmferry('apply', *QUICK, '-f', 'raw', 'disk.raw', url, status=None)
        tap.equal(done.returncode, status, done.stderr)
        os.unlink(t.path('now'))
        t.vmferry('apply', *QUICK, '-f', 'raw', 'disk.raw', url)
    tap.equal(t.read('export') == RAW, True, 'the copy')


tap.main(globals())
