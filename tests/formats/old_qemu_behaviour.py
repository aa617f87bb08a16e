# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""QEMU's own formats before and beside QCOW2 (QCOW version 1, QED): what qemu-img makes is read as it reads it."""
import json
import os
import random
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))
import make_qcow as qcow  # pylint: disable=wrong-import-position
import make_qed as qed  # pylint: disable=wrong-import-position
from make_content import CHILD, LARGE  # pylint: disable=wrong-import-position

MIB = 1 << 20
# title, format, options of qemu-img convert
MADE = [
    ('QCOW', 'qcow', ()),
    ('QCOW packed', 'qcow', ('-c',)),
    ('QED', 'qed', ()),
    ('QED of small clusters', 'qed', ('-o', 'cluster_size=4k,table_size=2')),
    ('QED of large tables', 'qed', ('-o', 'cluster_size=1M,table_size=16')),
]


def content():
    """Noise, text and holes; no whole number of clusters."""
    source, out = random.Random(18), bytearray(9 * MIB + 1536)
    for at in (0, 3 * MIB + 4096, 8 * MIB + 512):
        out[at:at + 300000] = source.randbytes(300000)
    out[5 * MIB:6 * MIB] = (b'some words, again and again. ' * MIB)[:MIB]
    out[-700:] = b'e' * 700
    return bytes(out)


def made(t, form, options):
    t.write('a.raw', content())
    t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', form, *options, 'a.raw', 'a.disk',
          status=None if '-c' in options else 0)  # qemu-img 7.2 ends in 1 whenever it has packed a QCOW, and is right


@tap.rows(MADE)
def test_disk_of_qemu_img(t, form, options):
    made(t, form, options)
    t.vmferry('compare', 'a.raw', 'a.disk')
    t.vmferry('convert', '-O', 'qcow2', 'a.disk', 'b.qcow2')
    t.run(tap.tool('qemu-img'), 'compare', 'b.qcow2', 'a.raw')
    tap.contains(t.vmferry('check', 'a.disk').stdout, 'No errors were found')
    if form == 'qed':
        tap.equal(t.vmferry('check', 'a.disk').stdout, t.run(tap.tool('qemu-img'), 'check', 'a.disk').stdout, 'check')


@tap.rows(MADE)
def test_info_and_map_are_qemu_imgs(t, form, options):
    made(t, form, options)
    ours, theirs = (json.loads(t.run(program, 'info', '--output=json', 'a.disk').stdout)
                    for program in (tap.VMFERRY, tap.tool('qemu-img')))
    tap.equal({key: ours[key] for key in theirs if key != 'actual-size'},
              {key: value for key, value in theirs.items() if key != 'actual-size'}, 'info')
    ours, theirs = (json.loads(t.run(program, 'map', '--output=json', 'a.disk').stdout)
                    for program in (tap.VMFERRY, tap.tool('qemu-img')))
    tap.equal([{key: run[key] for key in run if key != 'compressed'} for run in ours], theirs, 'map')


@tap.rows([('qcow', 'qcow', ()), ('qed', 'qed', ('-F', 'raw'))])
def test_overlay_of_qemu_img(t, form, backing):
    t.write('base.raw', content()[:8 * MIB])
    t.run(tap.tool('qemu-img'), 'create', '-f', form, '-b', 'base.raw', *(backing or ('-F', 'raw')), 'a.disk', '9M')
    t.run(tap.tool('qemu-io'), '-f', form, '-c', 'write -P 7 3M 100k', '-c', 'write -P 9 8700k 4k', 'a.disk')
    t.run(tap.tool('qemu-img'), 'convert', '-O', 'raw', 'a.disk', 'expected.raw')
    t.vmferry('convert', '-O', 'raw', 'a.disk', 'out.raw')
    tap.equal(t.read('out.raw') == t.read('expected.raw'), True, 'content')
    tap.contains(t.vmferry('info', '--backing-chain', 'a.disk').stdout, 'base.raw')


def test_zero_clusters_hide_the_backing_file(t):
    t.write('base.qed', qed.plain(LARGE))
    t.write('child.qed', qed.overlay(bytes(len(LARGE)), LARGE, 'base.qed'))
    t.vmferry('convert', '-O', 'raw', 'child.qed', 'out.raw')
    tap.equal(t.read('out.raw') == bytes(len(LARGE)), True, 'content')


def test_tables_of_one_cluster(t):
    """The specification has them; qemu-img 7.2 does not open what it has just made."""
    for entries in (qed.ENTRIES, 2 * qed.ENTRIES):
        size = (entries + 3) * qed.CLUSTER
        data = b'1' * qed.CLUSTER
        t.write('a.qed', qed.image(size, {0: data, entries - 1: data, entries + 2: data}, table=entries // qed.ENTRIES))
        t.vmferry('convert', '-O', 'raw', 'a.qed', 'out.raw')
        tap.equal([at for at in range(0, size, qed.CLUSTER) if t.read('out.raw')[at:at + 1] == b'1'],
                  [0, (entries - 1) * qed.CLUSTER, (entries + 2) * qed.CLUSTER], 'clusters')


def test_a_chain_of_formats(t):
    t.write('base.qed', qed.plain(LARGE))
    t.write('middle.qcow', qcow.overlay(CHILD, LARGE, 'base.qed'))
    t.vmferry('create', '-f', 'qcow2', '-b', 'middle.qcow', '-F', 'qcow', 'top.qcow2')
    for name in ('middle.qcow', 'top.qcow2'):
        t.vmferry('convert', '-O', 'raw', name, 'out.raw')
        tap.equal(t.read('out.raw') == CHILD, True, name)


@tap.rows([('qcow', 'x.qcow', qcow.plain(LARGE)), ('packed qcow', 'x.qcow', qcow.compressed(LARGE)), ('qed', 'x.qed', qed.plain(LARGE))])
def test_in_a_package(t, name, data):
    t.write(name, data)
    t.vmferry('pack', name)
    t.vmferry('convert', '-O', 'raw', 'x.ova', 'out.raw')
    tap.equal(t.read('out.raw').rstrip(b'\0') == LARGE.rstrip(b'\0'), True, 'content')


def test_a_table_of_a_disk_of_many_tebibytes(t):
    """Its 8 MiB lie in a hole: neither memory nor time grow with them."""
    size = 1 << 50
    t.write('a.qcow', qcow.header(size, bits=16, l2_bits=13))
    os.truncate(t.path('a.qcow'), 48 + 8 * (size >> 29))
    tap.contains(t.vmferry('map', '--output=json', 'a.qcow').stdout, f'"start": 0, "length": {size}, ')
    tap.contains(t.vmferry('check', 'a.qcow').stdout, 'No errors were found')


@tap.rows([('qcow', 'qcow'), ('qed', 'qed')])
def test_is_not_written(t, form):
    t.write('a.raw', LARGE)
    for words in (('convert', '-O', form, 'a.raw', 'b'), ('create', '-f', form, 'b', '1M')):
        done = t.vmferry(*words, status=None)
        tap.equal(done.returncode != 0 and form in done.stderr, True, done.stderr)
    tap.equal(t.names(), ['a.raw'], 'files')


tap.main(globals())
