# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`create` and `measure`."""
import json
import os

import tap

FORMATS = [(f'{name} {options}', name, options) for name, options in (
    ('raw', ''), ('qcow2', ''), ('qcow2', 'compat=0.10'), ('qcow2', 'cluster_size=2M'), ('qcow2', 'extended_l2=on'),
    ('vmdk', ''), ('vmdk', 'subformat=monolithicFlat'), ('vmdk', 'subformat=streamOptimized'),
    ('vmdk', 'subformat=twoGbMaxExtentSparse'), ('vhd', ''), ('vhd', 'subformat=fixed'))]


def options_of(text):
    return ('-o', text) if text else ()


@tap.rows(FORMATS)
def test_create(t, name, options):
    t.vmferry('create', '-q', '-f', name, *options_of(options), 'a.img', '10M')
    found = json.loads(t.vmferry('info', '--output=json', '-f', name, 'a.img').stdout)
    tap.equal(found['virtual-size'], 10 << 20, 'size')
    t.vmferry('create', '-f', 'raw', 'zeros.raw', '10M')
    t.vmferry('compare', '-f', name, 'a.img', 'zeros.raw')


def test_create_by_suffix(t):
    t.vmferry('create', 'a.qcow2', '1.5G')
    found = json.loads(t.vmferry('info', '--output=json', 'a.qcow2').stdout)
    tap.equal((found['format'], found['virtual-size']), ('qcow2', 3 << 29))
    t.vmferry('create', '-f', 'qcow2', '-o', 'size=1M,cluster_size=4k', 'b.img')
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'b.img').stdout)['virtual-size'], 1 << 20)


@tap.rows([(options, options) for options in ('size=2M,size=1M', 'size=2M,size=1024k', 'cluster_size=4k,size=20M,size=10M,size=1M', 'size=2M,size=1M,cluster_size=4k')])
def test_the_last_size_counts(t, options):
    t.vmferry('create', '-f', 'qcow2', '-o', options, 'a.qcow2')
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'a.qcow2').stdout)['virtual-size'], 1 << 20)


def test_create_overlay(t):
    t.write('base.raw', b'base' * 300000)
    for name, words in (('a', ('-b', 'base.raw', '-F', 'raw')), ('b', ('-o', 'backing_file=base.raw,backing_fmt=raw'))):
        t.vmferry('create', '-f', 'qcow2', *words, name + '.qcow2')
        t.vmferry('compare', 'base.raw', name + '.qcow2')
    t.vmferry('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'c.qcow2', '2M')
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'c.qcow2').stdout)['virtual-size'], 2 << 20)


def test_what_is_not_there_may_be_off(t):
    """As scripts for qemu-img say it."""
    for option in ('encryption=off', 'nocow=no', 'data_file_raw=false'):
        t.vmferry('create', '-f', 'qcow2', '-o', option + ',cluster_size=1024.0', 'a.qcow2', '1024.0')
        tap.equal(json.loads(t.vmferry('info', '--output=json', 'a.qcow2').stdout)['cluster-size'], 1024)
        t.vmferry('create', '-f', 'qcow2', '-o', option.split('=')[0] + '=on', 'b.qcow2', '1M', status=1)
        tap.equal('b.qcow2' in t.names(), False)


def test_create_refuses(t):
    tap.contains(t.vmferry('create', '-f', 'qcow2', '-o', 'size=1M', 'a.qcow2', '2M', status=1).stderr, 'told twice')
    t.vmferry('create', 'a.raw', status=1)
    t.vmferry('create', '-f', 'qcow2', '-b', 'missing.raw', '-F', 'raw', 'a.qcow2', status=1)
    t.vmferry('create', '-u', '-f', 'qcow2', 'a.qcow2', '1M', status=1)
    t.write('old.raw', b'old')
    t.vmferry('create', '--no-clobber', 'old.raw', '1M', status=1)
    tap.equal(t.names(), ['old.raw'], 'files')


def size_on_disk(t, before):
    return sum(os.stat(t.path(name)).st_size for name in t.names() if name not in before)


@tap.rows(FORMATS)
def test_measure_bounds_hold(t, name, options):
    t.write('a.raw', os.urandom(300000) + bytes(4 << 20) + b'text' * 5000 + bytes(512))
    before = t.names()
    found = json.loads(t.vmferry('measure', '--output=json', '-O', name, *options_of(options), 'a.raw').stdout)
    t.vmferry('convert', '-O', name, *options_of(options), 'a.raw', 'b.img')
    size = size_on_disk(t, before)
    if name == 'raw':
        tap.equal(found['fully-allocated'], size, 'size')
    elif not size <= found['required'] <= found['fully-allocated']:
        raise AssertionError(f'{size} bytes were written, measured: {found}')


def test_measure_human(t):
    text = t.vmferry('measure', '--size', '1G', '-O', 'raw').stdout
    tap.equal(text.splitlines()[1], 'fully allocated size: 1073741824')
    tap.equal(text.split(':')[0], 'required size')


def test_measure_agrees_with_qemu_img(t):
    for size in ('1M', '1G', '1T'):
        words = ('measure', '--output=json', '--size', size, '-O', 'qcow2')
        theirs = json.loads(t.run(tap.tool('qemu-img'), *words).stdout)
        ours = json.loads(t.vmferry(*words).stdout)
        if abs(ours['fully-allocated'] - theirs['fully-allocated']) > theirs['fully-allocated'] // 10 + 4 * 65536:
            raise AssertionError(f'{size}: {ours}, qemu-img says {theirs}')


@tap.rows([(text, text, size) for text, size in (('10MiB', 10 << 20), ('10MB', 10**7), ('1.5mb', 1500000), ('64KiB', 65536), ('10M', 10 << 20))])
def test_size_of_1000_or_1024(t, text, size):
    t.vmferry('create', 'a.raw', text)
    tap.equal(len(t.read('a.raw')), size, 'size')


@tap.rows([(text, text) for text in ('1iB', '1BB', '1Gi', '1GiBB', '19EB')])
def test_text_that_is_no_size(t, text):
    t.vmferry('create', 'a.raw', text, status=1)


tap.main(globals())
