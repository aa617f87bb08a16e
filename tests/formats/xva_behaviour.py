# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""XVA: disks of XenServer and XCP-ng, in a file and as they come; what is wrong with them is in hostile_xva_rows.py."""
import json
import lzma
import os
import random
import threading

import hostile_xva_rows
import tap
import xva_maker as xva

MIB = xva.MIB


def noise(length, seed=1):
    return random.Random(seed).randbytes(length)


FIRST = noise(MIB) + bytes(5 * MIB) + noise(300000) + bytes(MIB - 300000) + noise(MIB + 1536, 2)
SECOND = bytes(3 * MIB)
SMALL = noise(2560, 3)
THREE = xva.archive(('Ref:9', FIRST), ('Ref:10', SECOND), ('Ref:20', SMALL))


def feed(pipe, data):
    """Who reads may be gone."""
    try:
        pipe.write(data)
        pipe.close()
    except BrokenPipeError:
        pass


def piped(t, data, *words, **options):
    read, write = os.pipe()
    with os.fdopen(read, 'rb') as source, os.fdopen(write, 'wb', buffering=0) as pipe:
        writer = threading.Thread(target=feed, args=(pipe, data))
        writer.start()
        try:
            return t.vmferry(*words, stdin=source, **options)
        finally:
            source.close()
            writer.join()


def packed(t, name):
    """The file, and the same packed."""
    t.run(tap.tool('gzip'), '-k', name)
    t.run(tap.tool('zstd'), '-q', name)
    return name, name + '.gz', name + '.zst'


@tap.rows([(f'{ref} {name}', ref, data, name) for ref, data in (('Ref:9', FIRST), ('Ref:10', SECOND), ('Ref:20', SMALL))
           for name in ('x.xva', 'x.xva.gz', 'x.xva.zst')])
def test_each_disk_is_read_in_place_and_as_it_comes(t, ref, data, name):
    t.write('x.xva', xva.archive(*((one, part) for one, part in (('Ref:9', FIRST), ('Ref:10', SECOND), ('Ref:20', SMALL)))))
    packed(t, 'x.xva')
    t.vmferry('convert', '-O', 'raw', f'{name}::{ref}', 'a.raw')
    tap.equal(t.read('a.raw') == data, True, 'in place')
    done = piped(t, t.read(name), 'convert', '-v', '-O', 'raw', f'-::{ref}', 'b.raw')
    tap.equal(t.read('b.raw') == data, True, 'as it comes')
    tap.equal('stored' in done.stderr, False, 'nothing is stored: ' + done.stderr)
    for threads in ('1', '3'):
        t.vmferry('convert', '-m', threads, '-O', 'qcow2', f'{name}::{ref}', 'a.qcow2')
        piped(t, t.read(name), 'convert', '-m', threads, '-O', 'qcow2', f'-::{ref}', 'b.qcow2')
        tap.equal(t.read('a.qcow2') == t.read('b.qcow2'), True, 'the same bytes')


@tap.rows([('name', 'disk 9'), ('number', '1'), ('id', 'Ref:9')])
def test_a_disk_has_an_id_a_name_and_a_number(t, wanted):
    t.write('x.xva', THREE)
    t.vmferry('convert', '-O', 'raw', f'x.xva::{wanted}', 'a.raw')
    tap.equal(t.read('a.raw') == FIRST, True, 'the disk')
    with open(t.path('x.xva'), 'rb') as file:
        tap.equal(t.vmferry('checksum', '--plain', f'-::{wanted}', stdin=file).stdout, t.vmferry('checksum', '--plain', f'x.xva::{wanted}').stdout.replace(
            'x.xva', '-'), 'a file on standard input')


def test_a_disk_that_has_to_be_stored_first_is_chosen(t):
    done = piped(t, THREE, 'convert', '-v', '-O', 'qcow2', '-o', 'compression_type=zstd', '-c', '--verify', '-::Ref:9', 'a.qcow2')
    t.write('a.raw', FIRST)
    t.vmferry('compare', 'a.raw', 'a.qcow2')
    done = piped(t, THREE, 'map', '--output=json', '-::Ref:20')
    tap.equal(json.loads(done.stdout)[0]['length'], len(SMALL), 'map')


def test_info_lists_the_disks_and_reads_no_data(t):
    broken = THREE[:THREE.index(b'Ref:10/00000000')]
    t.write('x.xva', broken)
    found = [{'id': 'Ref:9', 'name': 'disk 9', 'virtual-size': len(FIRST)}, {'id': 'Ref:10', 'name': 'disk 10', 'virtual-size': len(SECOND)},
             {'id': 'Ref:20', 'name': 'disk 20', 'virtual-size': len(SMALL)}]
    for shown in (t.vmferry('info', '-f', 'xva', '--output=json', 'x.xva'), piped(t, broken, 'info', '--output=json', '-')):
        info = json.loads(shown.stdout)
        tap.equal((info['format'], info['disks'], info.get('virtual-size')), ('xva', found, None), 'info')
    t.write('x.xva', THREE)
    info = json.loads(t.vmferry('info', '--output=json', 'x.xva::2').stdout)
    tap.equal((info['virtual-size'], info['disk-id'], info['disk-name']), (len(SECOND), 'Ref:10', 'disk 10'), 'of one')
    tap.contains(t.vmferry('info', '-f', 'xva', 'x.xva').stdout, 'name: disk 10')


def test_what_is_no_disk_is_only_read_when_it_is_named(t):
    memory = noise(4096, 5)
    disks = [xva.Disk('Ref:5', len(memory), name='sleep', kind=None, vdi='suspend'), xva.Disk('Ref:6', len(SMALL), name='root'),
             xva.Disk('Ref:7', 9, kind='CD'), xva.Disk('Ref:8', 9, store='Ref:4', device='3'),
             xva.Disk('Ref:99', 512, machine='Ref:3', device='1')]
    t.write('x.xva', xva.member('ova.xml', xva.ova(disks)) + xva.chunks('Ref:5', memory) + xva.chunks('Ref:6', SMALL) +
            xva.chunks('Ref:99', bytes(512)) + xva.END)
    t.vmferry('convert', '-O', 'raw', 'x.xva', 'a.raw')
    tap.equal(t.read('a.raw') == SMALL, True, 'the only disk')
    t.vmferry('convert', '-O', 'raw', 'x.xva::sleep', 'b.raw')
    tap.equal(t.read('b.raw') == memory, True, 'memory')
    shown = t.vmferry('info', '-f', 'xva', '--output=json', 'x.xva').stdout
    tap.equal(json.loads(shown)['virtual-size'], len(SMALL), 'info of the only disk')
    tap.contains(t.vmferry('convert', 'x.xva::no', 'c.raw', status=1).stderr,
                 '1 Ref:6 "root" (2560 bytes), 2 Ref:99 (512 bytes, snapshot), 3 Ref:5 "sleep" (4096 bytes, memory)')


def test_disks_are_numbered_by_their_place_in_the_machine(t):
    disks = [xva.Disk('Ref:5', 512, device='10'), xva.Disk('Ref:6', 512, device='2'), xva.Disk('Ref:7', 512, device='hda'), xva.Disk('Ref:8', 512)]
    t.write('x.xva', xva.member('ova.xml', xva.ova(disks)) + xva.END)
    info = json.loads(t.vmferry('info', '-f', 'xva', '--output=json', 'x.xva').stdout)
    tap.equal([disk['id'] for disk in info['disks']], ['Ref:8', 'Ref:6', 'Ref:5', 'Ref:7'], 'order')


@tap.rows([(row.title, row) for row in hostile_xva_rows.ROWS if row.image and not callable(row.image) and row.command[0] == 'convert'])
def test_a_pipe_is_judged_as_a_file_is(t, row):
    t.write('x.xva', row.image)
    words = [word.replace('{}', '-') for word in row.command]
    done = piped(t, row.image, *words, status=None)
    odd = 'short chunk in the middle' in row.title or 'in front of a checksum' in row.title
    if done.returncode == 0:
        tap.equal(0 in row.statuses and not odd, True, 'must fail')
        if isinstance(row.guest, bytes):
            tap.equal(t.read('out.raw') == row.guest, True, 'the disk')
    elif odd:
        tap.contains(done.stderr, 'store it in a file first')
    else:
        tap.equal(0 in row.statuses, False, 'must be read: ' + done.stderr)
        tap.equal(os.path.exists(t.path('out.raw')), False, 'nothing is left')


def test_a_damaged_chunk_is_named_wherever_it_is_read(t):
    data = bytearray(THREE)
    at = THREE.index(noise(MIB)[:64]) + 70000
    data[at] ^= 1
    t.write('x.xva', bytes(data))
    for words in (('convert', '-O', 'raw', 'x.xva::1', 'a.raw'), ('checksum', 'x.xva::1'), ('compare', 'x.xva::1', 'x.xva::1'),
                  ('convert', '-c', '-O', 'qcow2', 'x.xva::1', 'a.raw')):
        tap.contains(t.vmferry(*words, status=None).stderr, 'guest byte 0 at byte')
    tap.contains(piped(t, bytes(data), 'convert', '-O', 'raw', '-::1', 'a.raw', status=2).stderr, 'is damaged: its checksum is')
    t.vmferry('convert', '-O', 'raw', 'x.xva::2', 'b.raw')


def test_a_packed_one_that_is_cut_is_refused(t):
    t.write('x.xva', THREE)
    for name in packed(t, 'x.xva')[1:]:
        with open(t.path(name), 'r+b') as file:
            file.truncate(os.path.getsize(file.name) // 2)
        t.vmferry('convert', '-O', 'raw', f'{name}::1', 'a.raw', status=2)
        with open(t.path(name), 'rb') as file:
            piped(t, file.read(), 'convert', '-O', 'raw', '-::1', 'a.raw', status=2)
    tap.equal(os.path.exists(t.path('a.raw')), False, 'nothing is left')


def test_the_package_of_xva_img_is_read(t):
    """With SHA-1, and headers of a tar without "ustar"."""
    found = [folder / 'tool-made' for folder in tap.corpora() if (folder / 'tool-made/xva-img-package.xva.xz').exists()]
    if not found:
        raise tap.Skip('no sample')
    t.write('x.xva', lzma.decompress((found[0] / 'xva-img-package.xva.xz').read_bytes()))
    tap.equal(t.vmferry('checksum', '--plain', 'x.xva').stdout.split()[0], '66dc01f9d73b9b870d2a506c6bbaf6885fa4f7d18a0f07627fd2678f0a0bca7e', 'disk')
    t.write('y.xva', lzma.decompress((found[0] / 'xva-img-no-chunks.xva.xz').read_bytes()))
    tap.contains(t.vmferry('convert', '-O', 'raw', 'y.xva', 'a.raw', status=2).stderr, 'of disk Ref:11 there is no data')


def test_tar_makes_it_anew(t):
    t.write('x.xva', THREE)
    os.mkdir(t.path('d'))
    t.run(tap.tool('tar'), '-xf', 'x.xva', '-C', 'd')
    names = t.run('tar', '-tf', 'x.xva').stdout.split()
    for style in ('ustar', 'gnu', 'v7', 'pax'):
        t.run('tar', f'--format={style}', '-cf', 'y.xva', '-C', 'd', *names)
        for disk in ('1', '2', '3'):
            t.vmferry('compare', f'x.xva::{disk}', f'y.xva::{disk}')
        with open(t.path('y.xva'), 'rb') as file:
            piped(t, file.read(), 'convert', '-O', 'raw', '-::1', f'{style}.raw')
        tap.equal(t.read(f'{style}.raw'), FIRST, 'as it comes')


@tap.rows([(f'{size} bytes', size) for size in (2 * MIB, 3 * MIB, 4 * MIB, 16 * MIB, 5 * MIB + 512)])
def test_chunks_larger_than_writers_make_them_are_read_and_checked(t, size):
    data = noise(2 * size + 4096)
    disk = xva.member('ova.xml', xva.ova([xva.Disk('Ref:9', len(data))])) + xva.chunks('Ref:9', data, size=size) + xva.END
    t.write('x.xva', disk)
    t.vmferry('convert', '-O', 'raw', 'x.xva', 'a.raw')
    tap.equal(t.read('a.raw') == data, True, 'in place')
    piped(t, disk, 'convert', '-O', 'raw', '-', 'b.raw')
    tap.equal(t.read('b.raw') == data, True, 'as it comes')
    damaged = bytearray(disk)
    damaged[disk.index(data[size:size + 64]) + size // 2] ^= 1
    t.write('y.xva', bytes(damaged))
    tap.contains(t.vmferry('convert', '-O', 'raw', 'y.xva', 'c.raw', status=2).stderr, f'data of guest byte {size} at byte')


@tap.rows([(f'{size} bytes', size) for size in (512, MIB, 2 * MIB, 9 * MIB)])
def test_what_is_measured_of_an_empty_disk_is_not_more_than_of_a_full_one(t, size):
    found = json.loads(t.vmferry('measure', '--output', 'json', '-O', 'xva', '--size', str(size)).stdout)
    tap.equal(found['required'] <= found['fully-allocated'], True, 'order')


tap.main(globals())
