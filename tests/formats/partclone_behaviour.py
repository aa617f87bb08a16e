# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of Partclone: its own ones are read as partclone.restore writes them, others by its description."""
import json
import os
import random
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))
import make_partclone as partclone  # pylint: disable=wrong-import-position
from make_content import LARGE  # pylint: disable=wrong-import-position

ALL = bool(os.environ.get('VMFERRY_TEST_ALL'))
MIB = 1 << 20
WHOLE = LARGE[:len(LARGE) // 4096 * 4096]

# title, the command that makes a file system in a file, Partclone's for it, its options; the first ones are a sample
SYSTEMS = [
    ('ext4', ('mkfs.ext4', '-q', '-b', '1024'), 'partclone.extfs', ()),
    ('ext4, checksums that run on', ('mkfs.ext4', '-q', '-b', '4096'), 'partclone.extfs', ('-K', '-k', '7')),
    ('ext2, no checksums', ('mkfs.ext2', '-q'), 'partclone.extfs', ('-a', '0')),
    ('ext4, XXH64', ('mkfs.ext4', '-q'), 'partclone.extfs', ('-a', '2', '-k', '7')),
    ('ext4, XXH64 that runs on', ('mkfs.ext4', '-q'), 'partclone.extfs', ('-a', '2', '-K', '-k', '7')),
    ('ext4, XXH128', ('mkfs.ext4', '-q'), 'partclone.extfs', ('-a', '3', '-k', '7')),
    ('ext4, XXH128 that runs on', ('mkfs.ext4', '-q'), 'partclone.extfs', ('-a', '3', '-K', '-k', '7')),
    ('minix', ('mkfs.minix',), 'partclone.minix', ()),
    ('FAT12', ('mkfs.vfat', '-F', '12', '-s', '64'), 'partclone.fat', ()),
    ('FAT16', ('mkfs.vfat', '-F', '16'), 'partclone.fat', ()),
    ('FAT32', ('mkfs.vfat', '-F', '32'), 'partclone.fat', ()),
    ('exFAT', ('mkfs.exfat',), 'partclone.exfat', ()),
    ('NTFS', ('mkfs.ntfs', '-F', '-q'), 'partclone.ntfs', ()),
    ('F2FS', ('mkfs.f2fs',), 'partclone.f2fs', ()),
    ('Reiser4', ('mkfs.reiser4', '-f', '-y'), 'partclone.reiser4', ()),
    ('XFS', ('mkfs.xfs', '-q'), 'partclone.xfs', ()),
    ('Btrfs', ('mkfs.btrfs', '-q'), 'partclone.btrfs', ()),
    ('any', ('true',), 'partclone.imager', ()),
]


def file_system(t, maker):
    size = {'mkfs.xfs': 320, 'mkfs.btrfs': 128, 'mkfs.f2fs': 112, 'mkfs.reiser4': 64, 'mkfs.vfat': 40}.get(maker[0], 16)
    with open(t.path('fs'), 'wb') as file:
        file.truncate(size * MIB)
        file.write(random.Random(7).randbytes(100000) if maker[0] == 'true' else b'')
    t.run(tap.tool(maker[0]), *maker[1:], 'fs')


@tap.rows(SYSTEMS if ALL else SYSTEMS[:2])
def test_a_file_system(t, maker, program, options):
    file_system(t, maker)
    if options[:1] == ('-a',) and options[1] > '1' and 'XXH64' not in t.run(tap.tool(program), '-h', status=None).stderr:
        raise tap.Skip('this partclone knows no XXH64')
    t.run(tap.tool(program), '-q', '-L', 'log', '-c', *options, '-s', 'fs', '-o', 'fs.img')
    t.write('theirs.raw', b'')
    t.run(tap.tool('partclone.restore'), '-q', '-C', '-L', 'log', '-s', 'fs.img', '-O', 'theirs.raw')
    t.vmferry('convert', '-O', 'raw', 'fs.img', 'ours.raw')
    size = os.path.getsize(t.path('fs'))
    os.chmod(t.path('theirs.raw'), 0o600)
    os.truncate(t.path('theirs.raw'), size)  # it ends behind its last block that is used
    tap.equal(os.path.getsize(t.path('ours.raw')), size, 'size')
    t.run('cmp', 'ours.raw', 'theirs.raw')
    tap.contains(t.vmferry('check', 'fs.img').stdout, 'No errors were found')


def test_ours_is_restored_by_partclone(t):
    """So the builder is right about the layout: of version 0001 there is no other image to be had."""
    for name, data in (('new', partclone.image(WHOLE, per=3)), ('old', partclone.old(WHOLE))):
        t.write(name, data)
        t.run(tap.tool('partclone.restore'), '-q', '-C', '-L', 'log', '-s', name, '-O', 'out')
        tap.equal(t.read('out').ljust(len(WHOLE), b'\0') == WHOLE, True, name)


@tap.rows([('', {}), (', with CRCs of 64 bits', {'wide': True}), (', whose header counts as the file system does', {'used_told': 5000})])
def test_version_0001(t, more):
    t.write('a.img', partclone.old(WHOLE, **more))
    done = t.vmferry('convert', '-O', 'raw', 'a.img', 'out.raw')
    tap.equal(t.read('out.raw') == WHOLE, True, 'content')
    tap.contains(done.stderr, 'they are not looked at')


@tap.rows([(f'blocks of {block}, {per} a checksum, map {kind}, mode {mode:#x}', block, per, kind, mode, reseed)
           for block, per, kind, mode, reseed in (
               (512, 1, 1, 0x20, 1), (512, 100, 1, 0x20, 0), (1024, 7, 8, 0x20, 1), (4096, 1 << 20, 1, 0x20, 0), (700, 5, 1, 0x20, 1),
               (512, 1, 1, 0, 1), (4096, 3, 0, 0x20, 1), (4096, 3, 0, 0, 1), (512, 100, 1, 0x30, 1), (4096, 3, 0, 0x30, 0), (700, 5, 1, 0x31, 1), (512, 7, 8, 0x31, 0), (65536, 2, 8, 0x20, 0))])
def test_layouts(t, block, per, kind, mode, reseed):
    content = LARGE[:len(LARGE) // block * block]
    t.write('a.img', partclone.image(content, block, mode, per, reseed, kind))
    t.vmferry('convert', '-O', 'raw', 'a.img', 'out.raw')
    tap.equal(t.read('out.raw') == content, True, 'content')
    t.vmferry('convert', 'a.img', 'out.qcow2')
    t.vmferry('compare', '-F', 'raw', 'out.qcow2', 'out.raw')
    tap.contains(t.vmferry('check', 'a.img').stdout, 'No errors were found')


def test_ranks_of_many_blocks(t):
    """More blocks than one rank counts, at both ends of each stretch of them."""
    out = bytearray((3 << 16) * 512 + 512)
    for block in (0, 65535, 65536, 70000, 131071, 131072, 196607, 196608):
        out[block * 512:(block + 1) * 512] = b'%08d' % block * 64
    for kind in (1, 8):
        t.write('a.img', partclone.image(bytes(out), 512, per=2, kind=kind))
        t.vmferry('convert', '-O', 'raw', 'a.img', 'out.raw')
        tap.equal(t.read('out.raw') == bytes(out), True, f'map {kind}')


def test_places_in_the_file(t):
    t.write('a.img', partclone.image(WHOLE, per=2))
    data = t.read('a.img')
    for run in json.loads(t.vmferry('map', '--output=json', 'a.img').stdout):
        if run['data']:
            tap.equal(data[run['offset']:run['offset'] + run['length']] == WHOLE[run['start']:run['start'] + run['length']], True, run)


def test_the_end_that_partclone_leaves_out(t):
    content = LARGE[:8192] + b'x' * 100
    t.write('a.img', partclone.image(content))
    done = t.vmferry('convert', '-O', 'raw', 'a.img', 'out.raw')
    tap.contains(done.stderr, 'Partclone leaves out the last 100 bytes')
    tap.equal(t.read('out.raw') == LARGE[:8192] + bytes(100), True, 'content')


def test_info_and_salvage(t):
    data = bytearray(partclone.image(WHOLE, per=2))
    t.write('a.img', data)
    found = json.loads(t.vmferry('info', '--output=json', 'a.img').stdout)
    tap.equal((found['virtual-size'], found['cluster-size'], found['format-specific']['data']['file-system']), (len(WHOLE), 4096, 'EXTFS'), 'info')
    data[-8] ^= 1
    t.write('a.img', data)
    t.vmferry('convert', '-O', 'raw', 'a.img', 'out.raw', status=2)
    tap.equal('out.raw' in t.names(), False, 'no part of a damaged disk')
    t.vmferry('convert', '--salvage', '-O', 'raw', 'a.img', 'out.raw', status=None)
    lost = 1000 * 512  # its last two blocks
    tap.equal(t.read('out.raw') == WHOLE[:lost] + bytes(len(WHOLE) - lost), True, 'the rest')


def test_from_a_pipe_and_packed(t):
    t.write('a.img', partclone.image(WHOLE))
    with open(t.path('a.img'), 'rb') as image:
        t.run(tap.VMFERRY, 'convert', '-O', 'raw', '-', 'out.raw', stdin=image)
    tap.equal(t.read('out.raw') == WHOLE, True, 'content')
    t.run('gzip', 'a.img')
    t.vmferry('convert', '-O', 'raw', 'a.img.gz', 'packed.raw')
    tap.equal(t.read('packed.raw') == WHOLE, True, 'packed')


tap.main(globals())
