# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`vmferry convert --dry-run`: what it says, that it holds, and that nothing stays."""
import json
import os
import random
import shutil

import tap

STREAM = tap.IMAGES / 'good-vmdk-stream.vmdk'


def noise(length, seed=1):
    return random.Random(seed).randbytes(length)


def told(t, *words):
    """The object of a dry run, behind which no file is new."""
    before = t.names()
    object_ = json.loads(t.vmferry('convert', '--dry-run', '--output=json', *words).stdout)
    tap.equal(t.names(), before, 'files')
    return object_


def test_dry_run_writes_nothing(t):
    os.truncate(t.write('a.raw', noise(1 << 20)), 4 << 20)
    said = t.vmferry('convert', '--dry-run', 'a.raw', 'b.qcow2').stdout
    tap.contains(said, 'b.qcow2: would be written as qcow2: a disk of 4 MiB, up to 1.3')
    tap.contains(said, ' are free: it fits\n')
    t.write('b.qcow2', b'old')
    told = json.loads(t.vmferry('convert', '--dry-run', '--output=json', 'a.raw', 'b.qcow2').stdout)
    measured = json.loads(t.vmferry('measure', '--output=json', '-O', 'qcow2', 'a.raw').stdout)
    tap.equal([told[key] for key in ('filename', 'format', 'virtual-size', 'required', 'fits', 'replaces')],
              ['b.qcow2', 'qcow2', 4 << 20, measured['required'], True, True], 'object')
    tap.equal((t.read('b.qcow2'), t.names()), (b'old', ['a.raw', 'b.qcow2']), 'files')
    t.vmferry('convert', '--dry-run', 'missing.raw', 'b.qcow2', status=1)


def test_dry_run_into_what_is_there(t):
    t.write('a.raw', noise(1 << 20))
    t.vmferry('create', '-f', 'qcow2', 'same.qcow2', '1M')
    t.vmferry('create', '-f', 'qcow2', 'larger.qcow2', '2M')
    t.vmferry('create', '-f', 'qcow2', 'small.qcow2', '512k')
    before = t.read('same.qcow2')
    tap.contains(t.vmferry('convert', '--dry-run', '-n', '-O', 'qcow2', 'a.raw', 'same.qcow2').stdout, 'would be replaced, and written as qcow2')
    tap.equal(t.read('same.qcow2') == before, True, 'nothing is written')
    tap.contains(t.vmferry('convert', '--dry-run', '-n', '-O', 'qcow2', 'a.raw', 'larger.qcow2').stdout, 'a disk of 2 MiB')
    tap.contains(t.vmferry('convert', '--dry-run', '-n', '-O', 'qcow2', 'a.raw', 'small.qcow2', status=1).stderr, 'must have room for the source')


OVERLAYS = [(f'{name}: {what}', words, base, what) for name, words, base in (
    ('qcow2', ('-O', 'qcow2'), 'raw'), ('packed qcow2', ('-O', 'qcow2', '-c'), 'raw'),
    ('old qcow2', ('-O', 'qcow2', '-o', 'compat=0.10'), 'raw'), ('vmdk', ('-O', 'vmdk'), 'vmdk'),
    ('vhdx', ('-O', 'vhdx'), 'vhdx')) for what in ('the same', 'a byte', 'zeros')]


@tap.rows(OVERLAYS)
def test_an_overlay_gets_the_size_that_is_told(t, words, base, what):
    data = noise(3 << 20)
    t.write('full.raw', data)
    t.vmferry('convert', '-O', base, 'full.raw', 'base.img')
    t.write('now.raw', {'the same': data, 'a byte': data[:2 << 20] + b'x' + data[(2 << 20) + 1:], 'zeros': bytes(3 << 20)}[what])
    words = ('-B', 'base.img', '-F', base, *words, 'now.raw', 'over.img')
    required = told(t, *words)['required']
    t.vmferry('convert', *words)
    tap.equal(os.stat(t.path('over.img')).st_size, required, 'bytes')


def piped(t, *words):
    """What vmferry prints with the file "in" on a pipe."""
    return t.run('sh', '-c', 'cat in | "$@"', 'sh', tap.VMFERRY, 'convert', *words).stdout


@tap.rows([('raw', ('-f', 'raw'), lambda: noise(1 << 20)), ('raw of a known size', ('-f', 'raw', '--source-size', '1M'), lambda: noise(1 << 20)),
           ('a stream', (), STREAM.read_bytes)])
def test_standard_input(t, words, make):
    t.write('in', make())
    one = json.loads(piped(t, '--dry-run', '--output=json', *words, '-', 'b.qcow2'))
    tap.equal(t.names(), ['in'], 'files')
    piped(t, *words, '-', 'b.qcow2')
    tap.equal((one['fits'], os.stat(t.path('b.qcow2')).st_size <= one['required']), (True, True), 'bytes')


@tap.rows([(target, target, words) for target, *words in (
    ('b.ova',), ('b.ovf',), ('folder/',), ('b.ova', '-O', 'raw'), ('b.vmx',), ('b.xml',), ('b.xva',), ('b.vma',), ('many/', '--machine', 'vmx'))])
def test_a_package(t, target, words):
    shutil.copy(STREAM, t.path('disk.vmdk'))
    t.vmferry('pack', 'disk.vmdk', '-o', 'a.ova')
    one = told(t, *words, 'a.ova', target)
    t.vmferry('convert', '--output=json', *words, 'a.ova', target)
    here = [t.path(target)] if not target.endswith('/') else []
    new = here + [t.path(target + name) for name in (os.listdir(t.path(target)) if not here else [])]
    new += [t.path(name) for name in t.names() if name.startswith('b-')]
    tap.equal((one['fits'], sum(os.stat(path).st_blocks * 512 for path in new) <= one['required']), (True, True), 'size')
    tap.equal('written' in t.vmferry('convert', '--dry-run', 'a.ova', 'c.ova').stdout, True, 'text')


def test_what_would_be_refused_is_refused(t):
    t.write('a.raw', noise(4096))
    t.write('file', b'')
    for target in ('no/folder/b.qcow2', 'file/b.qcow2', '/proc/b.qcow2'):
        wrong = t.vmferry('convert', '-O', 'qcow2', 'a.raw', target, status=None)
        dry = t.vmferry('convert', '--dry-run', '-O', 'qcow2', 'a.raw', target, status=wrong.returncode)
        tap.equal((dry.stderr, dry.stdout), (wrong.stderr, ''), target)


if __name__ == '__main__':
    tap.main(globals())
