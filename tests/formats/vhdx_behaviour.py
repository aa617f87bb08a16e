# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VHDX, written and logged: what other programs read of it, overlays, options, and that a source with a log stays as it
is."""
import hashlib
import random
import struct

import tap
from hostile_images import LARGE
from hostile_vhdx_images import NEW, OLD_IMAGE, NEW_IMAGE, save, vhdx
import hostile_vhdx_log_rows as logs

MIB = vhdx.MIB
SIZE = 9 * MIB


def disk(seed, size=SIZE):
    """Some stretches of noise."""
    noise, out = random.Random(seed), bytearray(size)
    for _ in range(4):
        at, length = noise.randrange(size - 70000), noise.randrange(1, 70000)
        out[at:at + length] = noise.randbytes(length)
    return bytes(out)


def changed(content):
    """Another block, less in one, and one whose bytes are gone."""
    out = bytearray(content)
    out[5 * MIB + 700:5 * MIB + 1700] = disk(9, 100000)[:1000]
    out[:2 * MIB] = bytes(2 * MIB)
    return bytes(out)


def unpacked(t, name):
    return t.run(tap.tool('7zz'), 'e', '-so', '-tvhdx', name, text=False).stdout


def test_a_disk_of_no_whole_large_sectors_is_verified(t):
    t.write('a.raw', disk(3, SIZE + 512))
    t.vmferry('convert', '-f', 'raw', '--verify', '-O', 'vhdx', '-o', 'logical_sector_size=4096', 'a.raw', 'a.vhdx')
    t.vmferry('convert', 'a.vhdx', 'b.raw')
    tap.equal(t.read('b.raw') == t.read('a.raw').ljust(SIZE + 4096, b'\0'), True, 'content')


@tap.rows([(options, options) for options in (
    'block_size=1M', 'block_size=16M', 'block_size=256M', 'subformat=fixed', 'subformat=fixed,block_size=1M',
    'logical_sector_size=4096', 'subformat=fixed,logical_sector_size=4096')])
def test_others_read_it_and_a_pipe_gets_the_same(t, options):
    save(t.path('a.raw'), disk(1))
    for name, threads in (('a.vhdx', '1'), ('b.vhdx', '8')):
        t.vmferry('convert', '-m', threads, '-o', options, 'a.raw', name, env={'SOURCE_DATE_EPOCH': '1'})
    with open(t.path('c.vhdx'), 'wb') as pipe:
        t.vmferry('convert', '-o', options, '-O', 'vhdx', 'a.raw', '-', env={'SOURCE_DATE_EPOCH': '1'}, stdout=pipe)
    for name in ('b.vhdx', 'c.vhdx'):
        tap.equal(t.read(name) == t.read('a.vhdx'), True, name)
    t.vmferry('compare', 'a.raw', 'a.vhdx')
    t.vmferry('check', 'a.vhdx')
    tap.equal(unpacked(t, 'a.vhdx') == disk(1), True, 'bytes that 7-Zip reads')
    measured = t.vmferry('measure', '-O', 'vhdx', '-o', options, 'a.raw').stdout
    tap.contains(measured, f'required size: {len(t.read("a.vhdx"))}\n')
    if '4096' not in options:  # qemu-img 7.2 refuses those
        t.run(tap.tool('qemu-img'), 'check', 'a.vhdx')
        t.run(tap.tool('qemu-img'), 'convert', '-O', 'raw', 'a.vhdx', 'q.raw')
        tap.equal(t.read('q.raw') == disk(1), True, 'bytes that qemu-img reads')


@tap.rows([('block_size=1M', 'block_size=1M'), ('block_size=2M', 'block_size=2M'),
           ('sectors of 4096', 'logical_sector_size=4096')])
def test_overlay(t, options):
    sector = options if 'sector' in options else 'block_size=8M'
    t.write('a.raw', disk(1))
    t.write('b.raw', changed(disk(1)))
    t.vmferry('convert', '-o', sector, 'a.raw', 'base.vhdx')
    t.vmferry('convert', '--verify', '-B', 'base.vhdx', '-F', 'vhdx', '-o', options, 'b.raw', 'kid.avhdx')
    t.vmferry('check', 'kid.avhdx')
    t.vmferry('compare', 'b.raw', 'kid.avhdx')
    tap.equal(unpacked(t, 'kid.avhdx') == changed(disk(1)), True, 'bytes that 7-Zip reads')
    t.vmferry('create', '-f', 'vhdx', '-o', sector if 'sector' in sector else 'block_size=2M', '-b', 'kid.avhdx', '-F',
              'vhdx', 'top.vhdx')
    t.run('mv', 'base.vhdx', 'moved.vhdx')
    t.vmferry('compare', 'b.raw', 'top.vhdx')


@tap.rows([
    ('blocks that are no power of two', ('-o', 'block_size=3M'), 1, 'a power of two from 1M to 256M'),
    ('blocks that are too small', ('-o', 'block_size=512k'), 1, 'block_size'),
    ('packed', ('-c',), 1, 'has no compression'),
    ('a backing file that is no VHDX', ('-B', 'a.raw', '-F', 'raw'), 9, 'has to be a VHDX'),
    ('a fixed overlay', ('-B', 'a.vhdx', '-F', 'vhdx', '-o', 'subformat=fixed'), 1, 'exclude each other'),
    ('an overlay of large blocks', ('-B', 'a.vhdx', '-F', 'vhdx', '-o', 'block_size=4M'), 9, 'at most 2097152'),
    ('an overlay of other sectors', ('-B', 'a.vhdx', '-F', 'vhdx', '-o', 'logical_sector_size=4096'), 1,
     'say logical_sector_size=512'),
])
def test_refused(t, words, status, part):
    t.write('a.raw', disk(1))
    t.vmferry('convert', 'a.raw', 'a.vhdx')
    done = t.vmferry('convert', *words, '-O', 'vhdx', 'a.raw', 'out.vhdx', status=status)
    tap.contains(done.stderr, part)
    tap.equal(t.names(), ['a.raw', 'a.vhdx'], 'files')


@tap.rows([('512', '512', SIZE + 512), ('4096', '4096', SIZE + 4096)])
def test_a_size_of_no_whole_sectors(t, sector, size):
    t.write('a.raw', disk(1) + b'x')
    done = t.vmferry('convert', '-f', 'raw', '-o', f'logical_sector_size={sector}', 'a.raw', 'a.vhdx')
    tap.contains(done.stderr, f'zeros are added up to {size}')
    t.vmferry('convert', 'a.vhdx', 'b.raw')
    tap.equal(t.read('b.raw') == (disk(1) + b'x').ljust(size, b'\0'), True, 'bytes')


@tap.rows([(f'{block} MiB, {sector}', block, sector, ratio) for block, sector, ratio in (
    (1, 512, 4096), (256, 512, 16), (1, 4096, 32768), (256, 4096, 128))])
def test_entries_of_bitmaps_stand_between_those_of_blocks(t, block, sector, ratio):
    size = (ratio + 2) * block * MIB
    with open(t.path('a.raw'), 'wb') as file:
        file.truncate(size)
        for number in (ratio - 1, ratio, ratio + 1):
            file.seek(number * block * MIB + 8192)
            file.write(bytes([number % 250 + 1]) * 4096)
    t.vmferry('convert', '-f', 'raw', '-O', 'vhdx', '-o', f'block_size={block}M,logical_sector_size={sector}', 'a.raw', 'a.vhdx')
    with open(t.path('a.vhdx'), 'rb') as file:
        file.seek(vhdx.BAT)
        table = struct.unpack(f'<{ratio + 3}Q', file.read(8 * (ratio + 3)))
    tap.equal([index for index, entry in enumerate(table) if entry & 7 == vhdx.PRESENT],
              [ratio - 1, ratio + 1, ratio + 2], 'entries of blocks')
    t.vmferry('compare', 'a.raw', 'a.vhdx')
    if sector == 512:
        t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'vhdx', 'a.raw', 'a.vhdx')


def test_cost_follows_the_data(t):
    """64 TiB, of which the smallest blocks make a BAT of 512 MiB."""
    t.vmferry('create', '-f', 'vhdx', '-o', 'block_size=1M', 'a.vhdx', '64T')
    t.vmferry('convert', 'a.vhdx', 'b.vhdx')
    t.vmferry('compare', 'a.vhdx', 'b.vhdx')
    t.vmferry('check', 'a.vhdx')


# Of rings that have wrapped qemu-img 7.2 loses entries; it does not look at tails; and it refuses descriptors in a second
# sector. There the specification decides.
QEMU_IS_WRONG = ('around the end', 'at the start of the ring', 'only what the tail still needs', 'over 4 KiB', 'near 2^64',
                 'as long as the ring')


@tap.rows([(row.title, row) for row in logs.ORDER if not any(part in row.title for part in QEMU_IS_WRONG)])
def test_log_as_qemu_img_writes_it_back(t, row):
    row.image(t.path('x.vhdx'))
    row.image(t.path('q.vhdx'))
    before = hashlib.sha256(t.read('x.vhdx')).hexdigest()
    t.vmferry('convert', 'x.vhdx', 'x.raw')
    t.run(tap.tool('qemu-img'), 'check', '-r', 'all', 'q.vhdx')
    t.run(tap.tool('qemu-img'), 'convert', '-O', 'raw', 'q.vhdx', 'q.raw')
    tap.equal(t.read('x.raw') == t.read('q.raw'), True, 'bytes')
    tap.equal(hashlib.sha256(t.read('x.vhdx')).hexdigest(), before, 'the source')


def test_the_log_is_read_by_all_verbs(t):
    save(t.path('x.vhdx'), vhdx.logged(OLD_IMAGE, NEW_IMAGE))
    t.write('new.raw', NEW)
    t.write('old.raw', LARGE)
    t.vmferry('compare', 'x.vhdx', 'new.raw')
    t.vmferry('compare', 'x.vhdx', 'old.raw', status=1)
    t.vmferry('check', 'x.vhdx')
    tap.contains(t.vmferry('info', '--output=json', 'x.vhdx').stdout, '"dirty-flag": true')
    for status, *verb in ((2, 'info'), (2, 'map'), (1, 'check'), (2, 'checksum'), (2, 'measure', '-O', 'qcow2')):
        tap.contains(t.vmferry(*verb, '--no-replay', 'x.vhdx', status=status).stderr, '--no-replay forbids')
    t.vmferry('pack', 'x.vhdx', '-o', 'vm.ova')
    t.vmferry('unpack', 'vm.ova', 'vm')


def test_a_package_can_refuse_a_log_too(t):
    save(t.path('x.vhdx'), vhdx.logged(OLD_IMAGE, NEW_IMAGE))
    t.vmferry('pack', '--disk-format', 'qcow2', 'x.vhdx', '-o', 'vm.ovf')
    t.write('vm.ovf', t.read('vm.ovf').replace(b'vm-disk1.qcow2', b'x.vhdx'))
    t.vmferry('sign', '--renew', 'vm.ovf')
    t.vmferry('verify', 'vm.ovf', status=3)  # what it says of the disk's format and size is no longer so
    for verb, *more in (('verify',), ('unpack', 'folder/'), ('convert', 'out.ova'), ('info',)):
        done = t.vmferry(verb, '--no-replay', 'vm.ovf', *more, status=2)
        tap.contains(done.stdout + done.stderr, '--no-replay forbids')


tap.main(globals())
