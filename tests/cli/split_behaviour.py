# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks whose file was split into parts; split(1), cat and 7-Zip say what the parts are."""
import json
import os
import random
import resource
import struct

import tap

DISK = random.Random(7).randbytes(100_000) + bytes(50_000) + random.Random(8).randbytes(7)


def split(t, name, *options, size=20_000, data=DISK, prefix=None):
    """The parts that split(1) makes of `data`, in its order."""
    t.write('whole', data)
    before = set(t.names())
    t.run(tap.tool('split'), '-b', size, *options, t.path('whole'), t.path(prefix or name + '.'))
    os.unlink(t.path('whole'))
    return sorted(set(t.names()) - before, key=lambda part: (len(part.rsplit('.', 1)[1]), part))


def refused(t, *arguments, says=(), status=1):
    before = {name: t.read(name) for name in t.names()}
    done = t.vmferry(*arguments, status=status)
    for word in says:
        tap.contains(done.stderr, word)
    tap.equal({name: t.read(name) for name in t.names()}, before, 'files')


def converted(t, *arguments):
    t.vmferry('convert', '-O', 'raw', *arguments, 'result')
    data = t.read('result')
    os.unlink(t.path('result'))
    return data


NUMBERED = (('letters', 'disk', ()), ('letters of a raw', 'disk.raw', ('-a', '3')), ('numbers', 'disk', ('-d', '-a', '3')),
            ('from one', 'disk.img', ('--numeric-suffixes=1', '-a', '3')), ('two digits', 'd.e.f', ('-d',)),
            ('six digits', 'disk', ('--numeric-suffixes=1', '-a', '6')), ('colon', 'a:b', ()))


@tap.rows(NUMBERED)
def test_the_first_part_opens_all(t, name, options):
    parts = split(t, name, *options)
    first = './' + parts[0]
    tap.equal(len(parts), 8)
    tap.equal(converted(t, first), DISK)
    t.write('disk.raw', DISK)
    done = t.vmferry('compare', '-s', first, 'disk.raw')
    tap.equal((done.stderr.count('8 parts, the last one '), done.stderr.count(parts[-1])), (1, 1), 'told')
    tap.equal(t.vmferry('checksum', first).stdout.split()[0], t.vmferry('checksum', 'disk.raw').stdout.split()[0])
    info = json.loads(t.vmferry('info', '--output=json', first).stdout)
    tap.equal((info['format'], info['virtual-size']), ('raw', len(DISK)))
    tap.equal([os.path.basename(part) for part in info['parts']], parts)
    tap.equal(info['actual-size'], sum(os.stat(t.path(part)).st_blocks * 512 for part in parts))
    tap.contains(t.vmferry('info', first).stdout, parts[-1])
    mapped = json.loads(t.vmferry('map', '--output=json', first).stdout)
    tap.equal(sum(extent['length'] for extent in mapped), -(-len(DISK) // 512) * 512, 'whole sectors')


@tap.rows([('letters', ()), ('digits', ('-d',))])
def test_names_get_longer_as_those_of_split(t, options):
    data = random.Random(1).randbytes(700 * 512 + 5)
    parts = split(t, 'disk', *options, size=512, data=data)
    tap.equal(max(map(len, parts)) > len(parts[0]), True, 'longer names')
    tap.equal(converted(t, parts[0]), data)


@tap.rows([('three', 999, '%03d'), ('two', 99, '%02d')])
def test_numbers_get_longer(t, count, form):
    data = random.Random(1).randbytes((count + 3) * 512 + 1)
    for i in range(count + 4):
        t.write('disk.' + form % (i + 1), data[512 * i:512 * i + 512])
    tap.equal(converted(t, 'disk.' + form % 1), data)
    os.unlink(t.path(f'disk.{count + 1}'))
    refused(t, 'convert', 'disk.' + form % 1, 'o.raw', says=(f'disk.{count + 1} is missing',), status=2)


def test_a_split_image_is_what_its_content_is(t):
    t.write('disk.raw', DISK)
    for target, words in (('qcow2', ('-c',)), ('vpc', ()), ('vmdk', ('-o', 'subformat=streamOptimized'))):
        t.vmferry('convert', '-O', target, *words, 'disk.raw', 'image')
        parts = split(t, target, data=t.read('image'), size=9_999)
        t.vmferry('convert', 'image', 'plain.raw')
        tap.equal(converted(t, parts[0]), t.read('plain.raw'))
        tap.equal(json.loads(t.vmferry('info', '--output=json', parts[0]).stdout)['format'], target)
        tap.equal(converted(t, *parts), t.read('plain.raw'))


@tap.rows([('numbers', ('--numeric-suffixes=1', '-a', '3')), ('letters', ())])
def test_a_gap_names_the_missing_part(t, options):
    for missing in range(1, 7):
        parts = split(t, 'disk', *options)
        os.unlink(t.path(parts[missing]))
        refused(t, 'convert', parts[0], 'o.raw', says=(f'{parts[missing]} is missing',), status=2)
        refused(t, 'info', parts[0], says=(f'{parts[missing]} is missing',), status=2)
        for part in set(parts) & set(t.names()):
            os.unlink(t.path(part))


def test_a_part_without_the_first_is_no_disk(t):
    parts = split(t, 'disk', '--numeric-suffixes=1', '-a', '3')
    os.unlink(t.path(parts[0]))
    refused(t, 'convert', parts[1], 'o.raw', says=('-f raw',), status=2)


def test_suffixes_that_mean_something_are_no_letters_of_parts(t):
    for name in ('disk.dd', 'disk.xz', 'disk.raw', 'disk.img'):
        t.write(name, DISK)
    tap.equal(len(split(t, 'disk', '-a', '2')), 8)
    tap.equal(len(split(t, 'disk', '-a', '3')), 8)
    for first in ('disk.aa', 'disk.aaa', 'disk.dd', 'disk.raw', 'disk.img'):
        tap.equal(converted(t, first), DISK)
    parts = split(t, 'long', size=1_000)
    tap.equal('long.dd' in parts, True)
    tap.equal(converted(t, parts[0]), DISK)
    refused(t, 'convert', 'long.dd', 'o.raw', says=('later part', 'long.aa'))
    os.unlink(t.path('long.dc'))
    refused(t, 'convert', 'long.aa', 'o.raw', says=('long.dc is missing',), status=2)


def test_a_later_part_names_the_first(t):
    for name, options in (('disk', ()), ('disk', ('-d', '-a', '3')), ('one', ('--numeric-suffixes=1', '-a', '3'))):
        parts = split(t, name, *options)
        for part in parts[1:]:
            refused(t, 'convert', part, 'o.raw', says=('later part', parts[0]))


def test_one_part_is_meant(t):
    parts = split(t, 'disk', '-d', '-a', '3')
    tap.equal(converted(t, '-f', 'raw', parts[0]), DISK[:20_000])
    tap.equal(converted(t, '-f', 'raw', parts[3]), DISK[60_000:80_000])
    tap.equal(converted(t, '-f', 'raw', '--no-refs', parts[0]), DISK[:20_000])
    refused(t, 'convert', '--no-refs', parts[0], 'o.raw', says=('-f raw',), status=2)


def test_several_parts_are_just_those(t):
    parts = split(t, 'disk', '-d', '-a', '3')
    tap.equal(converted(t, *parts), DISK)
    tap.equal(converted(t, *parts[:3]), DISK[:60_000])
    tap.equal(converted(t, parts[4], parts[1], parts[7]), DISK[80_000:100_000] + DISK[20_000:40_000] + DISK[140_000:])
    tap.equal(converted(t, '-f', 'raw', *parts[2:4]), DISK[40_000:80_000])
    tap.equal(converted(t, './' + parts[2], t.path(parts[3])), DISK[40_000:80_000])
    os.unlink(t.path(parts[2]))
    t.write(parts[3], b'short')
    tap.equal(converted(t, *parts[:2], *parts[3:5]), DISK[:40_000] + b'short' + DISK[80_000:100_000])


def test_the_target_is_no_part(t):
    parts = split(t, 'disk', '-d', '-a', '3')
    elsewhere = [t.path(part) for part in parts]
    for sources in (parts[:1], parts[:3], ('-f', 'raw', parts[0]), ('./' + parts[0], elsewhere[1])):
        refused(t, 'convert', *sources, parts[3], says=(parts[3], '--join'))
    os.link(t.path(parts[2]), t.path('link'))
    refused(t, 'convert', '-O', 'raw', parts[0], 'link', says=(parts[0],))
    t.vmferry('convert', '-O', 'raw', '--join', *parts[:2], parts[7])
    tap.equal(t.read(parts[7]), DISK[:40_000])


def test_the_target_may_be_there_under_the_source_s_name(t):
    t.write('disk.raw', bytes(4096) + DISK[:4096])
    for target in ('disk.vmdk', 'disk.vhd', 'disk.vdi', 'disk.img'):
        t.vmferry('convert', 'disk.raw', target)
        t.vmferry('convert', 'disk.raw', target)
    refused(t, 'convert', 'disk.vmdk', 'disk.raw', 'disk.vdi', says=('--join',))


@tap.rows([('shorter', 3, 19_999), ('longer', 3, 20_001), ('longer last', 7, 20_001), ('empty', 2, 0)])
def test_a_part_of_another_size_is_an_error(t, number, size):
    parts = split(t, 'disk')
    t.write(parts[number], bytes(size))
    refused(t, 'convert', parts[0], 'o.raw', says=(parts[number], f'has {size} bytes', '20000'), status=2)


def test_copies_of_several_days_are_no_parts(t):
    table = bytearray(DISK[:20_480])
    table[446:512] = struct.pack('<BBBBBBBBII', 0, 0, 0, 0, 0x83, 0, 0, 0, 1, 30) + bytes(48) + b'\x55\xaa'
    t.write('disk.01', bytes(table))
    t.write('disk.02', bytes(table))
    refused(t, 'convert', 'disk.01', 'o.raw', says=('-f raw',), status=1)
    tap.equal(converted(t, 'disk.02'), bytes(table))
    refused(t, 'convert', 'disk.01', 'disk.02', 'o.raw', says=('partition table', '--join'))
    tap.equal(converted(t, '--join', 'disk.01', 'disk.02'), bytes(table) * 2)
    for name in ('a.01', 'a.02'):
        t.vmferry('convert', '-f', 'raw', '-O', 'qcow2', 'disk.01', name)
        tap.equal(converted(t, name), bytes(table))
    tap.equal('parts' in t.vmferry('info', '--output=json', 'a.01').stdout, False)


def test_a_part_is_beside_the_first_one(t):
    parts = split(t, 'disk')
    os.mkdir(t.path('out'))
    os.rename(t.path(parts[2]), t.path('out/part'))
    os.mkdir(t.path('in'))
    for part in set(parts) - {parts[2]}:
        os.rename(t.path(part), t.path('in/' + part))
    os.symlink('../out/part', t.path('in/' + parts[2]))
    done = t.vmferry('convert', '-O', 'raw', 'in/' + parts[0], 'o.raw', status=2)
    tap.contains(done.stderr, 'symlink')
    os.unlink(t.path('in/' + parts[2]))
    os.mkfifo(t.path('in/' + parts[2]))
    tap.contains(t.vmferry('convert', 'in/' + parts[0], 'o.raw', status=2).stderr, 'regular file')
    os.unlink(t.path('in/' + parts[2]))
    os.rename(t.path('out/part'), t.path('in/part'))
    os.symlink('part', t.path('in/' + parts[2]))
    tap.equal(converted(t, 'in/' + parts[0]), DISK)


def test_a_split_disk_names_no_other_file(t):
    t.write('base.raw', DISK)
    t.vmferry('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'top.qcow2', '1M')
    parts = split(t, 'disk', data=t.read('top.qcow2'), size=100_000)
    refused(t, 'convert', parts[0], 'o.raw', says=('base.raw', '-f qcow2'), status=2)
    tap.equal(converted(t, '-f', 'qcow2', *parts)[:len(DISK)], DISK)
    envelope = b'<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"></Envelope>'.ljust(512)
    parts = split(t, 'guest', data=envelope * 3, size=512)
    refused(t, 'convert', parts[0], 'o.raw', says=('descriptor of an OVF package', '-f raw'), status=2)
    tap.equal(converted(t, '-f', 'raw', *parts), envelope * 3)


def test_volumes_of_archives_are_named(t):
    t.write('disk.raw', DISK)
    t.run(tap.tool('7zz'), 'a', '-v20k', t.path('disk.7z'), t.path('disk.raw'))
    refused(t, 'info', 'disk.7z.001', says=('7-Zip',), status=2)
    t.run('gzip', t.path('disk.raw'), '-k')
    parts = split(t, 'disk.raw.gz', data=t.read('disk.raw.gz'))
    tap.equal(converted(t, parts[0]), DISK)
    tap.equal(converted(t, '-f', 'raw', *parts), t.read('disk.raw.gz'))
    t.run(tap.tool('bsdtar'), '-cf', t.path('tar'), '-C', t.folder, 'disk.raw')
    split(t, 'vm.ova', '--numeric-suffixes=1', '-a', '3', data=t.read('tar'))
    refused(t, 'info', 'vm.ova.001', says=('tar archive',), status=9)


def test_other_names_are_no_parts(t):
    for name in ('a.1', 'a.2', 'b.aA', 'b.aB', '.aa', '.ab', 'c.001x', 'c.002x', 'daa', 'dab', 'e.010', 'e.011'):
        t.write(name, DISK)
    for name in t.names():
        refused(t, 'convert', name, 'o.raw', says=('matches no known format',), status=2)


def test_a_first_part_alone_is_not_taken_for_a_disk(t):
    table = bytearray(DISK)
    table[446:512] = struct.pack('<BBBBBBBBII', 0, 0, 0, 0, 0x83, 0, 0, 0, 1, 30) + bytes(48) + b'\x55\xaa'
    for name, data in (('disk.001', DISK), ('part.001', bytes(table)), ('zeros.aa', bytes(len(DISK)))):
        t.write(name, data)
        refused(t, 'convert', name, 'o.raw', says=('-f raw',), status=2)


def test_more_parts_than_files_may_be_open(t):
    parts = split(t, 'disk', '-a', '3', size=1000)
    few = {'preexec_fn': lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))}
    t.run(tap.VMFERRY, 'convert', t.path(parts[0]), t.path('o.raw'), **few)
    tap.equal(t.read('o.raw') == DISK, True, 'content')
    t.run(tap.VMFERRY, 'convert', '--join', *map(t.path, parts), t.path('p.raw'), **few)
    tap.equal(t.read('p.raw') == DISK, True, 'content of what was joined')


tap.main(globals())
