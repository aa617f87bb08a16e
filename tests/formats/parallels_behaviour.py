# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks of Parallels: what qemu-img makes is read as it reads it, and what it does not know is read by the specification."""
import json
import os
import random
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))
import make_parallels as parallels  # pylint: disable=wrong-import-position
from make_content import CHILD, LARGE  # pylint: disable=wrong-import-position

MIB = 1 << 20


def content(size=9 * MIB):
    source, out = random.Random(19), bytearray(size)
    for at in (0, 3 * MIB + 4096, size - 700 * 512):
        out[at:at + 300000] = source.randbytes(300000)
    return bytes(out)


def answers(t, verb, name):
    return [json.loads(t.run(program, verb, '--output=json', name).stdout) for program in (tap.VMFERRY, tap.tool('qemu-img'))]


def places(runs):
    """[start, end, place] of what is stored; holes of the file, which qemu-img 7.2 does not look at, are a part of it."""
    joined = []
    for start, length, place in ((run['start'], run['length'], run['offset']) for run in runs if run['present']):
        if joined and joined[-1][1] == start and joined[-1][2] + start - joined[-1][0] == place:
            joined[-1][1] += length
        else:
            joined.append([start, start + length, place])
    return joined


@tap.rows([('of 1 MiB', ()), ('of 64 KiB', ('-o', 'cluster_size=64k'))])
def test_clusters_of_qemu_img(t, options):
    t.write('a.raw', content())
    t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', 'parallels', *options, 'a.raw', 'a.hds')
    t.vmferry('compare', 'a.raw', 'a.hds')
    t.vmferry('convert', '-O', 'qcow2', 'a.hds', 'b.qcow2')
    t.run(tap.tool('qemu-img'), 'compare', 'b.qcow2', 'a.raw')
    ours, theirs = answers(t, 'info', 'a.hds')
    tap.equal({key: ours[key] for key in theirs if key != 'actual-size'},
              {key: value for key, value in theirs.items() if key != 'actual-size'}, 'info')
    tap.equal(*map(places, answers(t, 'map', 'a.hds')), 'map')
    tap.equal(t.vmferry('check', 'a.hds').stdout, t.run(tap.tool('qemu-img'), 'check', 'a.hds').stdout, 'check')


@tap.rows([(f'of {cluster} sectors', cluster) for cluster in (1, 63, 504, 2048, 5000)])
def test_any_cluster(t, cluster):
    for name, made in (('old.hds', parallels.old(LARGE, cluster)), ('ext.hds', parallels.extended(LARGE, cluster))):
        t.write(name, made)
        t.vmferry('convert', '-O', 'raw', name, 'out.raw')
        tap.equal(t.read('out.raw') == LARGE, True, name)
        tap.contains(t.vmferry('check', name).stdout, 'No errors were found')
        t.run(tap.tool('qemu-img'), 'convert', '-f', 'parallels', '-O', 'raw', name, 'theirs.raw')
        tap.equal(t.read('theirs.raw') == LARGE, True, 'qemu-img ' + name)


def test_bitmaps_stay_behind(t):
    """qemu-img 7.2 takes the extension for leaked space."""
    t.write('a.hds', parallels.extended(LARGE, bitmap=True))
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'a.hds').stdout)['format-specific']['data'],
              {'subformat': 'extended', 'bitmap-count': 1}, 'info')
    tap.contains(t.vmferry('check', 'a.hds').stdout, 'No errors were found')
    tap.contains(t.vmferry('convert', 'a.hds', 'out.qcow2').stderr, 'bitmaps of changed blocks stay behind: 1')
    t.vmferry('convert', '--strict', 'a.hds', 'strict.qcow2', status=None)
    tap.equal('strict.qcow2' in t.names(), False, 'strict')


def test_a_disk_in_use_is_told_by_info(t):
    t.write('a.hds', parallels.extended(LARGE, in_use=parallels.IN_USE))
    done = t.vmferry('info', '--output=json', 'a.hds', status=2)
    found = json.loads(done.stdout)
    tap.equal((found['virtual-size'], found['dirty-flag']), (len(LARGE), True), 'info')
    tap.equal(json.loads(t.vmferry('info', '-U', '--output=json', 'a.hds').stdout)['dirty-flag'], True, 'info -U')


def test_a_table_of_a_disk_of_many_tebibytes(t):
    """Its 64 MiB lie in a hole: neither memory nor time grow with them."""
    entries = 1 << 24
    t.write('a.hds', parallels.header(parallels.EXT, entries * 2048, 2048, entries, 65 * 2048))
    os.truncate(t.path('a.hds'), 64 + 4 * entries)
    tap.contains(t.vmferry('map', '--output=json', 'a.hds').stdout, f'"start": 0, "length": {entries * MIB}, ')


@tap.rows([('old', 'x.hds', parallels.old(LARGE)), ('extended', 'x.hds', parallels.extended(LARGE))])
def test_in_a_package(t, name, data):
    t.write(name, data)
    t.vmferry('pack', name)
    t.vmferry('convert', '-O', 'raw', 'x.ova', 'out.raw')
    tap.equal(t.read('out.raw').rstrip(b'\0') == LARGE.rstrip(b'\0'), True, 'content')


# ---- bundles ----

TOP, NONE = parallels.TOP, parallels.NONE
FIRST, MIDDLE = '{11111111-2222-3333-4444-555555555555}', '{66666666-7777-8888-9999-aaaaaaaaaaaa}'
CUT = 2048  # sectors in the first of two files
SECTORS = len(LARGE) // 512
# A BAT cannot tell zeros: what has become zeros has something beside it that is stored.
SECOND = CHILD[:150 * 512] + b'?' * 512 + CHILD[151 * 512:]


def two_files(t, folder, content, guid=TOP, only=None):
    """The disk in two files, of both forms; only: the clusters that are stored."""
    names = []
    os.makedirs(t.path(folder), exist_ok=True)
    for number, (part, make) in enumerate(((content[:CUT * 512], parallels.extended), (content[CUT * 512:], parallels.old))):
        names.append(f'd.{number}.{guid}.hds')
        t.write(f'{folder}/{names[-1]}', make(part, 64))
    return names


def changed(content, base):
    """What differs, by clusters of 32 KiB; zeros where it does not."""
    out = bytearray(len(content))
    for start, end in ((0, CUT * 512), (CUT * 512, len(content))):
        for at in range(start, end, 32768):
            stop = min(at + 32768, end)
            if content[at:stop] != base[at:stop]:
                out[at:stop] = content[at:stop]
    return bytes(out)


def bundle(t, layers, **more):
    """layers: (guid, content), the newest first."""
    files = [two_files(t, 'd.hdd', content, guid) for guid, content in layers]
    guids = [guid for guid, _ in layers]
    storages = [(start, end, [(guid, 'Compressed', names[number]) for guid, names in zip(guids, files)])
                for number, (start, end) in enumerate(((0, CUT), (CUT, SECTORS)))]
    t.write('d.hdd/DiskDescriptor.xml', parallels.bundle(SECTORS, storages, list(zip(guids, guids[1:] + [NONE])), **more))
    t.write('d.hdd/d.hdd', b'')


def test_a_bundle_of_two_files(t):
    bundle(t, [(TOP, LARGE)])
    for name in ('d.hdd', 'd.hdd/', 'd.hdd/DiskDescriptor.xml'):
        t.vmferry('convert', '-O', 'raw', name, 'out.raw')
        tap.equal(t.read('out.raw') == LARGE, True, name)
    tap.contains(t.vmferry('check', 'd.hdd').stdout, 'No errors were found')
    found = json.loads(t.vmferry('info', '--output=json', 'd.hdd').stdout)
    tap.equal((found['format'], found['virtual-size'], found['format-specific']['data']),
              ('parallels', len(LARGE), {'subformat': 'bundle', 'files': 2, 'snapshots-below': 0}), 'info')


def test_one_file_of_a_bundle_is_no_disk(t):
    """Of one file it is."""
    bundle(t, [(TOP, LARGE)])
    name = f'd.hdd/d.1.{TOP}.hds'
    tap.contains(t.vmferry('convert', name, 'no.raw', status=2).stderr, 'is one of the 2 files of a bundle')
    tap.equal('no.raw' in t.names(), False, 'no.raw')
    t.vmferry('convert', '--bare', '-O', 'raw', name, 'out.raw')
    tap.equal(t.read('out.raw') == LARGE[CUT * 512:], True, 'content')
    t.vmferry('info', name)
    t.write('d.hdd/DiskDescriptor.xml', parallels.bundle(SECTORS - CUT, [(0, SECTORS - CUT, [(TOP, 'Compressed', name[6:])])]))
    t.vmferry('convert', '-O', 'raw', name, 'alone.raw')
    tap.equal(t.read('alone.raw') == LARGE[CUT * 512:], True, 'alone')


def test_a_bundle_without_one_of_its_files(t):
    bundle(t, [(TOP, LARGE)])
    os.remove(t.path(f'd.hdd/d.1.{TOP}.hds'))
    found = json.loads(t.vmferry('info', '--output=json', 'd.hdd', status=2).stdout)
    tap.equal((found['virtual-size'], found['format-specific']['data']['subformat']), (len(LARGE), 'bundle'), 'info')


def test_snapshots_of_a_bundle(t):
    """What the state does not store is in the snapshot before, and so on."""
    last = bytearray(SECOND)
    last[600 * 512:601 * 512] = b'!' * 512
    last = bytes(last)
    bundle(t, [(TOP, changed(last, SECOND)), (MIDDLE, changed(SECOND, LARGE)), (FIRST, LARGE)])
    for words, content in (((), last), (('-l', MIDDLE), SECOND), (('-l', FIRST.strip('{}').upper()), LARGE)):
        t.vmferry('convert', *words, '-O', 'raw', 'd.hdd', 'out.raw')
        tap.equal(t.read('out.raw') == content, True, words)
    tap.contains(t.vmferry('convert', 'd.hdd', 'out.qcow2').stderr, 'internal snapshots stay behind: 2')
    tap.contains(t.vmferry('convert', '-l', 'x', 'd.hdd', 'no.qcow2', status=1).stderr, 'no snapshot (Shot) x')
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'd.hdd').stdout)['format-specific']['data']['files'], 6, 'files')
    bundle(t, [(TOP, changed(last, SECOND)), (MIDDLE, changed(SECOND, LARGE)), (FIRST, LARGE)], snapshots=f'<TopGUID>{MIDDLE}</TopGUID>')
    t.vmferry('convert', '-O', 'raw', 'd.hdd', 'out.raw')
    tap.equal(t.read('out.raw') == SECOND, True, 'another state')


def test_a_plain_file_under_a_snapshot(t):
    os.mkdir(t.path('d.hdd'))
    t.write('d.hdd/base.hds', LARGE)
    t.write('d.hdd/top.hds', parallels.extended(changed(SECOND, LARGE), 64))
    t.write('d.hdd/DiskDescriptor.xml', parallels.bundle(
        SECTORS, [(0, SECTORS, [(FIRST, 'Plain', 'base.hds'), (TOP, 'Compressed', 'top.hds')])], [(FIRST, NONE), (TOP, FIRST)]))
    t.vmferry('convert', '-O', 'raw', 'd.hdd', 'out.raw')
    tap.equal(t.read('out.raw') == SECOND, True, 'content')


tap.main(globals())
