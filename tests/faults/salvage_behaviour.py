#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""--salvage: what cannot be read or unpacked is zeros in the target, listed, and nothing else is lost."""
import os
import random
import re
import shutil

import fault_tools
import tap

SECTOR = 512
SIZE = 3 * 1024 * 1024
# FIRST-END of the source's file: inside a job, over the border of two, the very end, half a sector.
BAD = [(5632, 6144), (1 << 20, (1 << 20) + 4096), (2 * (1 << 20) - 512, 2 * (1 << 20) + 100), (SIZE - 1, SIZE)]


def sectors(ranges):
    """Whole sectors around these."""
    return [(first - first % SECTOR, -(-end // SECTOR) * SECTOR) for first, end in ranges]


def blanked(data, ranges):
    data = bytearray(data)
    for first, end in ranges:
        data[first:end] = bytes(end - first)
    return bytes(data)


def prepare(t):
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    chance = random.Random(1)
    data = b''.join(b'0123456789abcdef' * 64 + chance.randbytes(3072) for _ in range(SIZE // 4096))
    t.write('src/disk.raw', data)
    return data


def l2_entry(image, cluster):
    """Where the entry of a cluster in the first L2 table of a QCOW2 image stands."""
    l1 = int.from_bytes(image[40:48], 'big')
    return (int.from_bytes(image[l1:l1 + 8], 'big') & (1 << 56) - 512) + 8 * cluster


def salvage(t, bad, *words, status=11, salvage='--salvage', source='src/disk.raw'):
    """Standard error."""
    environment = fault_tools.environment(t, 'none:1:0', 'src')
    environment['VMF_FAULT_BAD'] = ','.join(f'{first}-{end}' for first, end in bad)
    form = ('-f', 'raw') if source.endswith('raw') else ()  # its ends cannot be asked
    return t.vmferry('convert', *form, salvage, source, *words, status=status, env=environment).stderr


def lost(errors):
    return [(int(first), int(last) + 1) for first, last in re.findall(r'guest bytes (\d+) to (\d+) \(', errors)]


@tap.rows(fault_tools.TARGETS)
def test_bad_sectors(t, words):
    data = prepare(t)
    made = []
    for threads in ('1', '8'):
        fault_tools.put_old(t, words[-1])
        errors = salvage(t, BAD, '-m', threads, '--verify', *words)
        tap.equal(lost(errors), sectors(BAD), 'what is told')
        tap.contains(errors, f'{sum(end - first for first, end in sectors(BAD))} bytes')
        made.append(fault_tools.files(t))
        tap.equal(fault_tools.guest(t, t.path(words[-1]))[:SIZE] == blanked(data, sectors(BAD)), True, 'guest bytes')
    tap.equal(made[0] == made[1], True, 'same bytes with 1 and 8 threads')


def test_an_error_without(t):
    prepare(t)
    fault_tools.put_old(t, 'out/disk.raw')
    environment = fault_tools.environment(t, 'none:1:0', 'src')
    environment['VMF_FAULT_BAD'] = '5632-6144'
    t.vmferry('convert', 'src/disk.raw', 'out/disk.raw', status=3, env=environment)
    tap.equal(t.read('out/disk.raw'), fault_tools.OLD, 'target')


def test_nothing_is_lost(t):
    data = prepare(t)
    tap.equal(salvage(t, [], 'out/disk.raw', status=0), '', 'stderr')
    tap.equal(t.read('out/disk.raw') == data, True, 'bytes')


@tap.rows([(name, name) for name in ('raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'qcow', 'qed', 'parallels')])
def test_holes_that_cannot_be_asked_for_are_read(t, name):
    data, size = prepare(t), SIZE
    if name != 'raw':  # where tables are mostly holes, too
        size = 64 << 30
        os.truncate(t.path('src/disk.raw'), size)
    if name in ('qcow', 'qed', 'parallels'):
        t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', name, 'src/disk.raw', f'src/disk.{name}')
    elif name != 'raw':
        t.vmferry('convert', '--no-sync', '-f', 'raw', 'src/disk.raw', f'src/disk.{name}')
    status, errors = fault_tools.convert(t, 'lseek:1+:5', '-f', name, '--salvage', f'src/disk.{name}', 'out/disk.raw', folder='src')
    with open(t.path('out/disk.raw'), 'rb') as made:
        found = made.read(SIZE)
    tap.equal((status, lost(errors), found == data, os.path.getsize(t.path('out/disk.raw'))), (0, [], True, size), errors)


def test_quiet(t):
    prepare(t)
    errors = salvage(t, BAD, '-q', 'out/disk.raw')
    tap.equal((errors.count('\n'), lost(errors)), (1, []), 'a summary alone')


@tap.rows([('qcow2', 'qcow2'), ('streamOptimized VMDK', 'vmdk')])
def test_pipe(t, form):
    """The data of a target on a pipe is looked at before; what is lost is told once."""
    data = prepare(t)
    environment = fault_tools.environment(t, 'none:1:0', 'src')
    environment['VMF_FAULT_BAD'] = '5632-6144'
    with open(t.path('out/disk'), 'wb') as out:
        words = ['-o', 'subformat=streamOptimized'] if form == 'vmdk' else []
        done = t.run(tap.VMFERRY, 'convert', '--salvage', '-O', form, *words, 'src/disk.raw', '-', status=11,
                     env=environment, stdout=out)
    tap.equal(lost(done.stderr), [(5632, 6144)], 'what is told')
    tap.equal(fault_tools.guest(t, t.path('out/disk')) == blanked(data, [(5632, 6144)]), True, 'guest bytes')


@tap.rows([
    ('qcow2 zlib', 'disk.qcow2', '-c'),
    ('qcow2 zstd', 'disk.qcow2', '-c', '-o', 'compression_type=zstd'),
    ('streamOptimized VMDK', 'disk.vmdk', '-o', 'subformat=streamOptimized'),
])
def test_damaged_units(t, name, *words):
    """Of a packed unit nothing remains; its neighbours stay, also where they are passed on packed."""
    data = prepare(t)
    t.vmferry('convert', *words, 'src/disk.raw', 'src/' + name)
    packed = bytearray(t.read('src/' + name))
    middle = len(packed) // 2
    if name.endswith('qcow2'):
        entry = l2_entry(packed, 5)
        middle = int.from_bytes(packed[entry:entry + 8], 'big') & (1 << 54) - 1
    packed[middle:middle + 64] = b'\xff' * 64
    t.write('src/' + name, bytes(packed))
    t.vmferry('convert', 'src/' + name, 'out/disk.raw', status=2)
    made = []
    for target in (('out/disk.raw',), (*words, 'out/' + name)):
        for threads in ('1', '8'):
            errors = salvage(t, [], '-m', threads, '--verify', *target, source='src/' + name)
            ranges = lost(errors)
            tap.equal(0 < sum(end - first for first, end in ranges) <= 2 * 65536, True, f'lost {ranges}')
            made.append(t.read(target[-1]))
            tap.equal(fault_tools.guest(t, t.path(target[-1]))[:SIZE] == blanked(data, ranges), True, 'guest bytes')
        tap.equal(made[-1] == made[-2], True, 'same bytes with 1 and 8 threads')
    if shutil.which('qemu-img') and name.endswith('qcow2'):
        t.run('qemu-img', 'convert', '--salvage', '-O', 'raw', 'src/' + name, 'qemu.raw')
        tap.equal(t.read('qemu.raw') == made[0], True, 'as qemu-img salvages')


def test_damaged_table(t):
    """Where the tables do not tell where data is, their part of the disk is lost."""
    data = prepare(t)
    t.vmferry('convert', 'src/disk.raw', 'src/disk.qcow2')
    image = bytearray(t.read('src/disk.qcow2'))
    entry = l2_entry(image, 5)
    image[entry:entry + 8] = (1 << 63 | 1 << 40).to_bytes(8, 'big')  # far behind the end of the file
    t.write('src/disk.qcow2', bytes(image))
    t.vmferry('convert', 'src/disk.qcow2', 'out/disk.raw', status=2)
    errors = salvage(t, [], 'out/disk.raw', source='src/disk.qcow2')
    tap.equal(lost(errors), [(5 * 65536, 6 * 65536)], 'what is told')
    tap.equal(t.read('out/disk.raw') == blanked(data, lost(errors)), True, 'bytes')


# ---- maps ----

def blocks(text):
    return [(int(first, 0), int(length, 0), status) for first, length, status in
            re.findall(r'^(\w+)\s+(\w+)\s+([-+?*/])$', text, re.M)]


def test_map(t):
    prepare(t)
    salvage(t, BAD, 'out/disk.raw', salvage='--salvage=map')
    found = blocks(t.read('map').decode())
    tap.equal([(first, first + length) for first, length, status in found if status == '-'], sectors(BAD), 'bad blocks')
    tap.equal(sum(length for _, length, _ in found), SIZE, 'all of the disk')
    tap.equal([first for first, *_ in found][1:], [first + length for first, length, _ in found][:-1], 'in a row')
    if shutil.which('ddrescuelog'):
        t.run('ddrescuelog', '-t', 'map')
    salvage(t, [], 'out/second.raw', salvage='--salvage=map')
    tap.equal(t.read('out/second.raw') == t.read('out/disk.raw'), True, 'read again by its map')
    tap.equal(blocks(t.read('map').decode()), found, 'the map again')
    tap.equal(t.names(), ['map', 'out', 'src'], 'files')


def test_map_of_ddrescue(t):
    """All but "+" was not read: not tried, failed, or behind the end of the map."""
    data = prepare(t)
    t.write('map', b'# Mapfile. Created by GNU ddrescue version 1.27\n# pos status pass\n0x00012000 ? 1\n'
                   b'# pos size status\n0x0 0x1000 +\n4096 4096 ?\n0x2000 0x1000 *\n0x3000 0x1000 /\n'
                   b'0x4000 0x1000 +\n0x5000 0x200 -\n0x5200 0x1FAE00 +\n')
    ranges = [(0x1000, 0x4000), (0x5000, 0x5200), (0x200000, SIZE)]
    errors = salvage(t, [], 'out/disk.raw', salvage='--salvage=map')
    tap.equal(lost(errors), ranges, 'what is told')
    tap.equal(t.read('out/disk.raw') == blanked(data, ranges), True, 'bytes')


@tap.rows([
    ('no map', b'#!/bin/sh\nexit\n'),
    ('nothing', b''),
    ('no head', b'0x0 0x1000 +\n'),
    ('a gap', b'0 ?\n0 0x1000 +\n0x2000 0x1000 +\n'),
    ('overlapping', b'0 ?\n0 0x1000 +\n0x800 0x1000 +\n'),
    ('a status', b'0 ?\n0 0x1000 x\n'),
    ('beyond all numbers', b'0 ?\n0 0x10000000000000000 +\n'),
    ('to the end of all numbers', b'0 ?\n0x1000 0xFFFFFFFFFFFFFFFF +\n'),
    ('a long line', b'0 ?\n0 ' + b' ' * 400 + b'0x1000 +\n'),
])
def test_no_map(t, content):
    prepare(t)
    t.write('map', content)
    salvage(t, [], 'out/disk.raw', salvage='--salvage=map', status=2)
    tap.equal((t.read('map'), t.names()), (content, ['map', 'out', 'src']), 'the map')
    tap.equal(fault_tools.files(t), {}, 'targets')


def test_map_of_another_kind(t):
    """Places in the file of a QCOW2 image are none of the guest's."""
    prepare(t)
    t.vmferry('convert', 'src/disk.raw', 'src/disk.qcow2')
    t.write('map', b'0 +\n0 0x1000 +\n')
    tap.contains(salvage(t, [], 'out/disk.raw', salvage='--salvage=map', source='src/disk.qcow2', status=1), 'not there')


def test_map_of_a_file_of_which_the_disk_is_a_part(t):
    """Nor are those in the file of a disk that begins elsewhere in it."""
    prepare(t)
    t.write('map', b'0 +\n0 0x1000 +\n')
    errors = salvage(t, [], '--image-opts', 'out/disk.raw', salvage='--salvage=map', source='driver=raw,offset=4k,file.filename=src/disk.raw', status=1)
    tap.contains(errors, 'not there')
    salvage(t, [], '--image-opts', 'out/disk.raw', salvage='--salvage=map', source='driver=raw,size=8k,file.filename=src/disk.raw')


@tap.rows([('the target', 'out/disk.raw'), ('the target by another name', './out/../out/disk.raw')])
def test_map_is_the_target(t, name):
    prepare(t)
    salvage(t, BAD, 'out/disk.raw', salvage='--salvage=' + name, status=1)
    tap.equal(fault_tools.files(t), {}, 'targets')


tap.main(globals())
