# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packed raw disks that can only be unpacked from their first byte to their last: in one pass nothing is stored, all else stores them."""
import gzip
import itertools
import lzma
import os
import random
import struct
import subprocess

import partitions
import tap

# A disk by its partition table; longer than the longest piece (32 MiB), and ending in data.
HEAD = b'\xfa' * 446 + struct.pack('<B3xB3xII', 0x80, 0x83, 8, 4000) + bytes(48) + b'\x55\xaa'
LARGE = HEAD + random.Random(7).randbytes(40_000) + b'some text ' * 30_000 + bytes(36 << 20)
LARGE = LARGE[:len(LARGE) // 512 * 512] + b'end'.rjust(512, b'\0')
PROGRAMS = {'xz': ('xz', '-kf', '-0', '-T1'), 'zst': ('zstd', '-qkf'), 'lz4': ('lz4', '-qkfm', '--content-size')}
if not tap.built_with('liblzma'):
    del PROGRAMS['xz']
EACH = tap.rows([(suffix, suffix) for suffix in PROGRAMS])
EMPTY_FRAME = b'\x28\xb5\x2f\xfd\x20\0\1\0\0'


def pack(t, name, suffix):
    program, *arguments = PROGRAMS[suffix]
    t.run(tap.tool(program), *arguments, name)
    return f'{name}.{suffix}'


def large(t, suffix):
    t.write('a.raw', LARGE)
    return pack(t, 'a.raw', suffix)


def stored(done):
    return 'is unpacked into a file' in done.stderr


def content(t, name, *arguments):
    return t.vmferry('convert', '-q', *arguments, '-O', 'raw', name, '-', text=False).stdout


def same(found, expected=LARGE):
    tap.equal(found == expected, True, f'{len(found)} bytes are the {len(expected)} expected')


@EACH
def test_a_large_raw_disk_is_not_stored_for_one_pass(t, suffix):
    name = large(t, suffix)
    plain = t.vmferry('checksum', 'a.raw').stdout.split()[0]
    done = t.vmferry('checksum', '-v', name)
    tap.equal((stored(done), done.stdout.split()[0]), (False, plain), 'checksum')
    for threads in ('1', '7'):
        done = t.vmferry('convert', '-v', '--checksum', '-m', threads, name, 'out.raw')
        tap.equal(stored(done), False, done.stderr)
        same(t.read('out.raw'))
        os.remove(t.path('out.raw'))
    for arguments in (('-O', 'qcow2'), ('-c', '-O', 'qcow2'), ('-O', 'vmdk', '-o', 'subformat=streamOptimized'), ('-O', 'vhdx'), ('-O', 'raw', '-o', 'compress=zst')):
        done = t.vmferry('convert', '-v', '--verify', *arguments, name, 'out')
        tap.equal(stored(done), False, done.stderr)
        t.vmferry('compare', 'a.raw', *(('-F', 'raw.zst') if 'raw' in arguments else ()), 'out')
        os.remove(t.path('out'))


@EACH
def test_what_looks_into_a_large_disk_stores_it(t, suffix):
    name = large(t, suffix)
    t.vmferry('compare', name, 'a.raw')
    tap.contains(t.vmferry('info', name).stdout, 'raw')
    for done in (t.vmferry('convert', '-v', '--dry-run', name, 'out.raw'),
                 t.vmferry('convert', '-v', '--resume', name, 'out.raw'), t.vmferry('convert', '-v', '--resize', '+1M', name, 'out.raw')):
        tap.equal(stored(done), True, done.stderr)
    same(t.read('out.raw'), LARGE + bytes(1 << 20))


def test_what_a_target_on_a_pipe_reads_twice_is_stored(t):
    done = t.vmferry('convert', '-v', '-O', 'qcow2', large(t, 'zst'), '-', text=False)
    tap.equal(b'is unpacked into a file' in done.stderr, True, done.stderr)
    t.write('out.qcow2', done.stdout)
    t.vmferry('compare', 'out.qcow2', 'a.raw')
    same(content(t, 'a.raw.zst'))


def test_a_large_disk_of_another_format_or_name_is_stored(t):
    data = HEAD + random.Random(5).randbytes(34 << 20)
    t.write('a.raw', data)
    t.vmferry('convert', 'a.raw', 'a.qcow2')
    os.rename(t.path('a.qcow2'), t.path('odd.raw'))  # what it holds counts, not the name
    t.write('disk', data)
    for name, *arguments in (('odd.raw',), ('disk',)):
        done = t.vmferry('convert', '-v', *arguments, pack(t, name, 'zst'), 'out.raw')
        tap.equal(stored(done), True, done.stderr)
        same(t.read('out.raw'), data)
        os.remove(t.path('out.raw'))
    done = t.vmferry('convert', '-v', '-f', 'raw.zst', 'disk.zst', 'out.raw')
    tap.equal(stored(done), False, done.stderr)
    same(t.read('out.raw'), data)


def test_sectors_that_the_target_has_not(t):
    """A partition table for sectors of 4 KiB, and one for 512 bytes into a target with others: refused, as if it were not packed."""
    for table, options in ((4096, ()), (512, ('-o', 'logical_sector_size=4096'))):
        data = bytearray(LARGE)
        data[512:65536] = bytes(65536 - 512)
        data[table:table + 512] = partitions.header(1, len(data) // table - 1, 2, bytes(128 * 128), len(data) // table - 1)
        data[450] = 0xee
        t.write('a.raw', data)
        name = pack(t, 'a.raw', 'zst')
        for source in ('a.raw', name):
            tap.contains(t.vmferry('convert', *options, source, 'out.vhdx', status=None).stderr, 'made for sectors of')
            tap.equal('out.vhdx' in t.names(), False, source)
        os.remove(t.path(name))


def test_a_large_frame_that_does_not_tell_its_size_is_stored(t):
    t.write('a.raw', LARGE)
    with open(t.path('a.raw'), 'rb') as plain, open(t.path('a.raw.zst'), 'wb') as out:
        subprocess.run([tap.tool('zstd'), '-qc'], check=True, stdin=plain, stdout=out)
    done = t.vmferry('convert', '-v', 'a.raw.zst', 'out.raw')
    tap.equal(stored(done), True, done.stderr)
    same(t.read('out.raw'))


UNSIZED = {'zst': ('zstd', '-qc', '-1'), 'lz4': ('lz4', '-qc', '-B4')}
TARGETS = (('-O', 'raw'), ('-O', 'qcow2'), ('-c', '-O', 'qcow2'), ('-O', 'vmdk', '-o', 'subformat=streamOptimized'), ('-O', 'raw', '-o', 'compress=zst'))


def in_frames(t, suffix, lengths):
    """a.raw and a.raw.SUFFIX, of frames that do not tell their sizes, nor their blocks, which are packed."""
    data, made = HEAD + random.Random(3).randbytes(sum(lengths) // 2).hex().encode()[:sum(lengths) - len(HEAD)], b''
    for end, length in zip(itertools.accumulate(lengths), lengths):
        made += subprocess.run([tap.tool(UNSIZED[suffix][0]), *UNSIZED[suffix][1:]], check=True, input=data[end - length:end], capture_output=True).stdout
    t.write('a.raw', data)
    t.write('a.raw.' + suffix, made)
    return 'a.raw.' + suffix


@tap.rows([(f'{suffix} {words}', suffix, lengths) for suffix in UNSIZED for words, lengths in (
    ('of one length', (400_384,) * 7 + (1000 * 512,)), ('that only seem so', (400_384,) * 4 + (399_872, 400_384, 10 * 512)),
    ('with a longer one', (400_384, 400_384, 400_896, 400_384, 10 * 512)), ('with a longer one at the end', (400_384, 400_384, 10 * 512, 400_896)))])
def test_frames_without_sizes_into_every_target(t, suffix, lengths):
    """What is assumed of their lengths may be wrong: the target is the same, and nothing else is left."""
    name = in_frames(t, suffix, lengths)
    before = t.names()
    for target in TARGETS:
        for threads in ('1', '7'):
            t.vmferry('convert', '--checksum', '--verify', '-m', threads, *target, name, 'out')
            t.vmferry('compare', *(('-F', 'raw.zst') if target[-1] == 'compress=zst' else ()), 'a.raw', 'out')
            made, size = t.read('out'), len(t.read('a.raw'))
            os.remove(t.path('out'))
            t.vmferry('convert', '-m', threads, *target, 'a.raw', 'out')
            if 'qcow2' not in target and 'vmdk' not in target:  # these hold an id made of the source's name
                same(made, t.read('out'))
            os.remove(t.path('out'))
        tap.equal(t.names(), before, 'files')
    same(content(t, name), t.read('a.raw'))
    tap.contains(t.vmferry('convert', f'--max-size={size - 512}', name, 'out.raw', status=None).stderr, '--max-size')
    t.vmferry('convert', f'--max-size={size}', name, 'out.raw')


def test_what_was_assumed_is_not_told(t):
    """Only the try that holds tells what it found: once, and of the size that the disk has."""
    for lengths in ((400_384,) * 4 + (399_873, 400_384, 5120), (400_384,) * 4 + (5121,)):
        name = in_frames(t, 'zst', lengths)
        told = t.vmferry('convert', '-v', '-O', 'vmdk', name, 'out.vmdk').stderr
        sizes = [line for line in told.splitlines() if ' grows from ' in line or ': raw, ' in line]
        tap.equal((len(sizes), all(str(sum(lengths)) in line for line in sizes)), (2, True), told)


def test_what_was_assumed_is_not_written_to_what_stays(t):
    """What is no file of its own keeps what a first try has written: nothing is assumed for it."""
    name = in_frames(t, 'zst', (400_384,) * 4 + (399_872, 400_384, 10 * 512))
    expected = t.read('a.raw')
    for target in ('/proc/self/fd/7', '/dev/fd/7'):
        t.run('sh', '-c', '"$0" convert -O raw "$1" "$2" 7>out', tap.VMFERRY, name, target)
        same(t.read('out'), expected)
    behind = b'behind the disk ' * 65_536
    t.write('device.img', bytes(len(expected)) + behind)
    made = t.run(tap.tool('losetup'), '-f', '--show', t.path('device.img'), status=None)
    if made.returncode != 0:
        raise tap.Skip('no loop devices')
    try:
        os.symlink(made.stdout.strip(), t.path('volume'))
        t.vmferry('convert', '-O', 'raw', name, 'volume')
    finally:
        t.run(tap.tool('losetup'), '-d', made.stdout.strip())
    same(t.read('device.img'), expected + behind)


@tap.rows([(suffix, suffix) for suffix in UNSIZED])
def test_damage_in_a_frame_whose_size_was_assumed(t, suffix):
    name = in_frames(t, suffix, (200_192,) * 6)
    data, before = t.read(name), t.names()
    for place in random.Random(5).sample(range(len(data)), 20):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        t.write(name, damaged)
        done = t.vmferry('convert', '-f', 'raw', name, 'out.raw', status=None)
        if done.returncode == 0:
            same(t.read('out.raw'), t.read('a.raw'))
            os.remove(t.path('out.raw'))
        else:
            tap.equal((done.returncode in (2, 9), done.stderr.count('error') <= 1), (True, True), done.stderr)
        tap.equal(t.names(), before, f'files, byte {place}')


def test_a_disk_of_another_format_in_frames_without_sizes(t):
    """Called raw: it is looked into, so nothing is assumed."""
    t.write('a.raw', HEAD + random.Random(5).randbytes(2 << 20))
    t.vmferry('convert', 'a.raw', 'a.qcow2')
    data, made = t.read('a.qcow2'), b''
    for at in range(0, len(data), 400_384):
        made += subprocess.run([tap.tool('zstd'), '-qc'], check=True, input=data[at:at + 400_384], capture_output=True).stdout
    t.write('odd.raw.zst', made)
    t.vmferry('convert', 'odd.raw.zst', 'out.raw')
    same(t.read('out.raw'), t.read('a.raw'))


def test_large_frames_are_joined(t):
    name = large(t, 'zst')
    data = t.read(name)
    t.write(name, data + struct.pack('<II', 0x184d2a57, 300) + bytes(300) + EMPTY_FRAME + data)
    done = t.vmferry('convert', '-v', name, 'out.raw')
    tap.equal(stored(done), False, done.stderr)
    same(t.read('out.raw'), LARGE + LARGE)


def test_the_end_of_a_vhd_under_the_name_of_a_raw_disk(t):
    """Only its last bytes say that it is one: nothing is left of what they are part of."""
    t.write('a.raw', LARGE)
    t.vmferry('convert', '-O', 'vhd', '-o', 'subformat=fixed', 'a.raw', 'vhd.img')
    name = pack(t, 'vhd.img', 'zst')
    before = t.names()
    done = t.vmferry('convert', name, 'out.raw', status=2)
    tap.contains(done.stderr, 'are those of format vpc: say -f vpc')
    tap.equal(t.names(), before, 'files')
    same(content(t, name, '-f', 'vhd'), LARGE)
    same(content(t, name, '-f', 'raw'), t.read('vhd.img'))


def test_a_large_frame_that_lies_or_is_damaged(t):
    name = large(t, 'zst')
    data = t.read(name)
    tap.equal(data[4] >> 6, 2, 'the size has four bytes')
    before = t.names()
    at = 5 + (not data[4] & 0x20)
    for place, change in ((at, 1), (at + 3, 1), (at + 2, 0x40), (len(data) // 2, 8), (len(data) - 1, 1)):
        damaged = bytearray(data)
        damaged[place] ^= change
        t.write(name, damaged)
        done = t.vmferry('convert', name, 'out.raw', status=2)
        tap.contains(done.stderr, 'unpacks to more than' if place == at + 2 else 'zstd data at byte')
        tap.equal(t.names(), before, 'files')
    t.write(name, data + b'garbage behind it')
    tap.contains(t.vmferry('convert', name, 'out.raw', status=2).stderr, f'byte {len(data)}')
    t.write(name, data)
    tap.contains(t.vmferry('convert', f'--max-size={len(LARGE) - 512}', name, 'out.raw', status=None).stderr, '--max-size')
    t.vmferry('convert', f'--max-size={len(LARGE)}', name, 'out.raw')


@tap.rows([(suffix, suffix, compress) for suffix, compress in (('gz', gzip.compress), ('xz', lzma.compress)) if suffix != 'xz' or suffix in PROGRAMS])
def test_a_hole_behind_is_passed_over(t, suffix, compress):
    """512 GiB, which take minutes to read."""
    name = t.write('a.raw.' + suffix, compress(LARGE[:3 << 20]))
    end = os.path.getsize(name) // 4 * 4 + (512 << 30)
    os.truncate(name, end)
    tap.contains(t.vmferry('info', name).stdout, f'virtual size: 3 MiB ({3 << 20} bytes)')
    with open(name, 'ab') as file:
        file.write(b'x\0\0\0')
    tap.contains(t.vmferry('info', name, status=2).stderr, f'0x78 at byte {end} behind the')


tap.main(globals())
