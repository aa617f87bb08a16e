# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks that are packed as a whole: found by content, read in every verb, from files and pipes; damaged, cut short, too large."""
import bz2
import gzip
import json
import lzma
import os
import random
import struct
import subprocess
import zlib

import tap

# A disk by its partition table; data that packs to a third, and holes.
HEAD = b'\xfa' * 446 + struct.pack('<B3xB3xII', 0x80, 0x83, 8, 4000) + bytes(48) + b'\x55\xaa'
RAW = (HEAD + random.Random(7).randbytes(40_000) + b'some text ' * 30_000 + bytes(1 << 20) + b'end' * 5000).ljust(3 << 20, b'\0')
PROGRAMS = [('gzip', 'gz', 'gzip', '-kf'), ('xz', 'xz', 'xz', '-kf'), ('zstd', 'zst', 'zstd', '-qkf'), ('lz4', 'lz4', 'lz4', '-qkfm'),
            ('bzip2', 'bz2', 'bzip2', '-kf')]
PROGRAMS = [row for row in PROGRAMS if tap.built_with({'xz': 'liblzma', 'bzip2': 'bzip2'}.get(row[0], 'zlib'))]
COMMAND = {suffix: (program, *arguments) for _, suffix, program, *arguments in PROGRAMS}
NAMES = {suffix: name for name, suffix, *_ in PROGRAMS}
EACH = tap.rows([(name, suffix) for name, suffix, *_ in PROGRAMS])


def pack(t, name, suffix, *more):
    """NAME.SUFFIX, by the program whose format that is."""
    if suffix not in COMMAND:
        raise tap.Skip(f'vmferry was built without what unpacks {suffix}')
    program, *arguments = COMMAND[suffix]
    t.run(tap.tool(program), *arguments, *more, name)
    return f'{name}.{suffix}'


def packed(t, suffix, *more, data=RAW):
    t.write('a.raw', data)
    name = pack(t, 'a.raw', suffix, *more)
    os.remove(t.path('a.raw'))
    return t.read(name)


def content(t, name, *arguments, **options):
    return t.vmferry('convert', '-q', *arguments, '-O', 'raw', name, '-', text=False, **options).stdout


def same(found, expected=RAW):
    tap.equal(found == expected, True, f'{len(found)} bytes are the {len(expected)} expected')


def wrong(t, data, suffix, *says, status=2, options=()):
    """Refused, with the words; nothing is left. From a file, and from a pipe."""
    t.write(f'bad.{suffix}', data)
    before = t.names()
    for command in (('convert', *options, f'bad.{suffix}', 'out.raw'), ('checksum', *options, f'bad.{suffix}')):
        done = t.vmferry(*command, status=status)
        for word in (f'bad.{suffix}', *says):
            tap.contains(done.stderr, word)
    with subprocess.Popen(['cat', t.path(f'bad.{suffix}')], stdout=subprocess.PIPE) as cat:
        done = t.vmferry('convert', *options, '-', 'out.raw', status=status, stdin=cat.stdout)
    for word in ('standard input', *says):
        tap.contains(done.stderr, word)
    tap.equal(t.names(), before, 'files')


# ---- what is read ----

@EACH
def test_every_verb_reads_it(t, suffix):
    t.write('a.raw', RAW)
    t.vmferry('convert', 'a.raw', 'a.qcow2')
    for name in (pack(t, 'a.raw', suffix), pack(t, 'a.qcow2', suffix)):
        same(content(t, name))
        t.vmferry('compare', name, 'a.raw')
        t.vmferry('check', name, status=None if name.startswith('a.raw') else 0)
        t.vmferry('measure', '-O', 'qcow2', name)
        plain = t.vmferry('checksum', 'a.raw').stdout.split()[0]
        tap.equal(t.vmferry('checksum', name).stdout.split()[0], plain, 'checksum')
        tap.contains(t.vmferry('map', '--output=json', name).stdout, '"start": 0')
        info = json.loads(t.vmferry('info', '--output=json', name).stdout)
        tap.equal((info['filename'], info['compression'], info['virtual-size']), (name, NAMES[suffix], len(RAW)), 'info')
        tap.equal(info['format'], name.split('.')[1], 'format')
        tap.equal(info['actual-size'] < len(RAW) // 2, True, 'the size of the packed file')


@EACH
def test_it_is_known_by_content(t, suffix):
    t.write('noname', packed(t, suffix))
    same(content(t, 'noname'))


@EACH
def test_standard_input(t, suffix):
    data = packed(t, suffix)
    done = t.vmferry('convert', '-v', '-', 'out.raw', stdin=open(t.write('f', data), 'rb'))
    same(t.read('out.raw'))
    with subprocess.Popen(['cat', t.path('f')], stdout=subprocess.PIPE) as cat:
        done = t.vmferry('convert', '-v', '-', 'piped.raw', stdin=cat.stdout)
    same(t.read('piped.raw'))
    tap.contains(done.stderr, 'is stored in')


@EACH
def test_a_stream_in_a_packed_pipe_is_not_stored(t, suffix):
    t.write('a.raw', RAW)
    t.vmferry('convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'a.raw', 'a.vmdk')
    with subprocess.Popen(['cat', t.path(pack(t, 'a.vmdk', suffix))], stdout=subprocess.PIPE) as cat:
        done = t.vmferry('convert', '-v', '-', 'out.raw', stdin=cat.stdout)
    same(t.read('out.raw'))
    tap.equal('stored' in done.stderr, False, 'stored')


@EACH
def test_members_are_joined(t, suffix):
    half = len(RAW) // 2 + 77
    parts = [packed(t, suffix, data=RAW[:half]), packed(t, suffix, data=b''), packed(t, suffix, data=RAW[half:])]
    t.write('a.' + suffix, b''.join(parts))
    same(content(t, 'a.' + suffix))
    with subprocess.Popen(['cat', t.path('a.' + suffix)], stdout=subprocess.PIPE) as cat:
        same(content(t, '-', stdin=cat.stdout))


@tap.rows([('pigz', 'gz', 'pigz', '-kf', '-b', '128'), ('independent members', 'gz', 'pigz', '-kfi'), ('xz blocks', 'xz', 'xz', '-kf', '--block-size=64KiB'),
           ('xz threads', 'xz', 'xz', '-kfT2', '--block-size=256KiB'), ('BCJ filter', 'xz', 'xz', '-kf', '--x86', '--lzma2'),
           ('xz without checks', 'xz', 'xz', '-kf', '-C', 'none'), ('SHA-256', 'xz', 'xz', '-kf', '-C', 'sha256'),
           ('long window', 'zst', 'zstd', '-qkf', '--long=27'), ('zstd threads', 'zst', 'zstd', '-qkf', '-T2', '-B128K'),
           ('no checksum', 'zst', 'zstd', '-qkf', '--no-check'), ('pzstd', 'zst', 'pzstd', '-qkf', '-p', '4'),
           ('dependent blocks', 'lz4', 'lz4', '-qkfm', '-BD'), ('lz4 sizes and checksums', 'lz4', 'lz4', '-qkfm', '-BX', '--content-size'),
           ('small blocks', 'bz2', 'bzip2', '-kf', '-1'), ('lbzip2', 'bz2', 'lbzip2', '-kf')])
def test_what_other_programs_write(t, suffix, program, *arguments):
    if suffix not in COMMAND:
        raise tap.Skip(f'vmferry was built without what unpacks {suffix}')
    t.write('a.raw', RAW)
    t.run(tap.tool(program), *arguments, 'a.raw')
    same(content(t, 'a.raw.' + suffix))


@tap.rows([('gz', 'gz', 'gzip'), ('xz', 'xz', 'xz'), ('bz2', 'bz2', 'bzip2')])
def test_7_zip(t, suffix, kind):
    if suffix not in COMMAND:
        raise tap.Skip(f'vmferry was built without what unpacks {suffix}')
    t.write('a.raw', RAW)
    t.run(tap.tool('7zz'), 'a', '-t' + kind, 'a.raw.' + suffix, 'a.raw')
    same(content(t, 'a.raw.' + suffix))


def test_long_frames_that_are_skipped_first(t):
    """From a pipe as far as one can look without taking anything."""
    for suffix in ('zst', 'lz4'):
        for length, piped in ((5000, True), (60_000, True), (3 << 20, False)):
            skipped = struct.pack('<II', 0x184d2a51, length) + random.Random(length).randbytes(length)
            name = t.write('a.' + suffix, skipped + skipped[:5008 if length == 5000 else 0] + packed(t, suffix))
            same(content(t, name))
            if piped:
                with subprocess.Popen(['cat', name], stdout=subprocess.PIPE) as cat:
                    same(content(t, '-', stdin=cat.stdout))
        t.write('x.raw', skipped + packed(t, suffix))
        t.vmferry('convert', 'x.raw', 'out.raw')  # whose name says that it is a disk
        same(t.read('out.raw'), t.read('x.raw'))


def test_frames_that_are_skipped(t):
    skipped = struct.pack('<II', 0x184d2a57, 300) + bytes(300)
    for suffix in ('zst', 'lz4'):
        t.write('a.' + suffix, skipped + packed(t, suffix) + skipped)
        same(content(t, 'a.' + suffix))


def test_zeros_behind(t):
    tap.needs('liblzma')
    t.write('a.gz', packed(t, 'gz') + bytes(70_001))
    t.write('a.xz', packed(t, 'xz') + bytes(4096) + lzma.compress(b'') + bytes(8))
    for name in ('a.gz', 'a.xz'):
        same(content(t, name))
        with subprocess.Popen(['cat', t.path(name)], stdout=subprocess.PIPE) as cat:
            same(content(t, '-', stdin=cat.stdout))
    wrong(t, packed(t, 'gz') + bytes(512) + packed(t, 'gz'), 'gz', '0x1f')  # garbage to gzip


# ---- names and formats ----

NO_TABLE = random.Random(9).randbytes(512) * 64


def test_raw_by_the_name_inside(t):
    tap.needs('liblzma')
    for name in ('b.raw', 'b.img', 'b.IMG', 'b.dd'):
        t.write(name, NO_TABLE)
        same(content(t, pack(t, name, 'xz')), NO_TABLE)
    t.write('b.dat', NO_TABLE)
    tap.contains(t.vmferry('info', pack(t, 'b.dat', 'gz'), status=2).stderr, '-f raw')


def test_f_is_of_what_is_inside_by_name(t):
    t.write('b.dat', NO_TABLE)
    for suffix in COMMAND:
        same(content(t, pack(t, 'b.dat', suffix), '-f', 'raw'), NO_TABLE)


def test_f_raw_takes_the_bytes_of_other_names(t):
    data = t.read(t.write('disk', packed(t, 'gz', data=NO_TABLE)))
    done = t.vmferry('convert', '-f', 'raw', 'disk', 'out.raw')
    same(t.read('out.raw')[:len(data)], data)
    tap.contains(done.stderr, 'gzip data')
    same(content(t, '-', '-f', 'raw', stdin=open(t.path('disk'), 'rb'))[:len(data)], data)


def test_f_raw_of_a_name_that_says_packed(t):
    """Cut to nothing, or of a kind that is not read: with -f raw it is the disk, and that is told."""
    t.write('a.raw.xz', packed(t, 'gz', data=NO_TABLE)[5:])
    tap.contains(t.vmferry('convert', '-f', 'raw', 'a.raw.xz', 'out.raw').stderr, 'warning: a.raw.xz: is not packed by xz')
    t.write('b.raw.gz', packed(t, 'gz', data=NO_TABLE))
    tap.equal(t.vmferry('convert', '-f', 'raw', 'b.raw.gz', 'out.raw').stderr, '', 'words')


def test_a_file_that_ends_within_its_magic(t):
    """Also with -f raw: three bytes of xz are no disk."""
    for suffix in COMMAND:
        data = packed(t, suffix, data=NO_TABLE)
        for length in (0, 1, 2):
            t.write('a.raw.' + suffix, data[:length])
            for options in ((), ('-f', 'raw')):
                done = t.vmferry('convert', *options, 'a.raw.' + suffix, 'out.raw', status=2)
                tap.contains(done.stderr, f'a.raw.{suffix}: ends at byte {length}')
        t.write('a.raw.' + suffix, b'no')
        tap.contains(t.vmferry('convert', '-f', 'raw', 'a.raw.' + suffix, 'out.raw').stderr, 'warning')
        os.remove(t.path('out.raw'))


def test_f_names_both(t):
    for suffix in COMMAND:
        t.write('disk', packed(t, suffix, data=NO_TABLE))
        same(content(t, 'disk', '-f', 'raw.' + suffix), NO_TABLE)
        with subprocess.Popen(['cat', t.path('disk')], stdout=subprocess.PIPE) as cat:
            same(content(t, '-', '-f', 'raw.' + suffix, stdin=cat.stdout), NO_TABLE)
    tap.contains(t.vmferry('info', '-f', 'raw.gz', 'disk', status=2).stderr, 'not packed by gzip')
    tap.contains(t.vmferry('info', '-f', f'rwa.{suffix}', 'disk', status=1).stderr, 'rwa')


def test_a_raw_disk_that_begins_like_packed_data_is_not_unpacked(t):
    """A guest can write what it likes to its first sectors."""
    t.write('disk.raw', gzip.compress(RAW).ljust(4096, b'\0'))
    for name in ('disk.raw', 'disk.qcow2', 'disk.vhd'):
        if name != 'disk.raw':
            os.link(t.path('disk.raw'), t.path(name))
        tap.contains(t.vmferry('convert', name, 'out.raw', status=2).stderr, 'gzip data')
    t.vmferry('convert', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed', 'disk.raw', 'fixed')
    same(content(t, 'fixed')[:4096], t.read('disk.raw')[:4096])


def test_packed_twice_is_refused(t):
    tap.needs('liblzma')
    tap.needs('bzip2')
    wrong(t, lzma.compress(gzip.compress(RAW)), 'xz', 'packed by xz', 'packed by gzip', 'xz -dc')
    wrong(t, gzip.compress(bz2.compress(RAW)), 'gz', 'packed by gzip', 'packed by bzip2')


def test_a_target_is_not_the_packed_source(t):
    packed(t, 'xz')
    t.vmferry('convert', '-O', 'qcow2', 'a.raw.xz', 'a.raw.xz', status=1)
    same(content(t, 'a.raw.xz'))


def test_files_that_it_names_stand_beside_it(t):
    t.write('base.raw', RAW)
    t.vmferry('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'top.qcow2')
    name = pack(t, 'top.qcow2', 'zst')
    same(content(t, name))
    with subprocess.Popen(['cat', t.path(name)], stdout=subprocess.PIPE) as cat:
        tap.contains(t.vmferry('convert', '-', 'out.raw', stdin=cat.stdout, status=2).stderr, 'base.raw')
    tap.contains(t.vmferry('convert', '--no-refs', name, 'out.raw', status=2).stderr, 'base.raw')


def test_nothing_is_left_where_it_is_unpacked(t):
    packed(t, 'bz2')
    os.mkdir(t.path('spool'))
    done = t.vmferry('convert', '-v', '--spool', 'spool', 'a.raw.bz2', 'out.qcow2')
    tap.contains(done.stderr, 'is unpacked into a file in')
    tap.equal(os.listdir(t.path('spool')), [], 'files')


@tap.rows([('points', 'gz'), ('stored', 'bz2')])
def test_progress_while_it_is_unpacked(t, suffix):
    size = len(packed(t, suffix))
    done = t.vmferry('convert', '-p', f'a.raw.{suffix}', 'out.raw')
    tap.contains(done.stderr, f'a.raw.{suffix}: unpacking, ')
    done = t.vmferry('convert', '--progress=json', f'a.raw.{suffix}', 'out.raw')
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith('{')]
    first = lines[0]
    tap.equal((first['name'], first['phase'], first['total']), (f'a.raw.{suffix}', 'unpacking', size), 'the first line')
    percents = [line['percent'] for line in lines]
    tap.equal(percents, sorted(percents), 'percents do not go back')


# ---- in pieces ----

XZ_BLOCKS = ('xz', '-0', '--block-size=100KiB')
SIZED = {'xz': XZ_BLOCKS, 'zst': ('zstd', '-q'), 'lz4': ('lz4', '-q', '--content-size')}
SIZED = {suffix: command for suffix, command in SIZED.items() if suffix in COMMAND}
IN_PIECES = tap.rows([(suffix, suffix, *command) for suffix, command in SIZED.items()])
UNSIZED = {'zst': ('zstd', '-q', '--no-content-size'), 'lz4': ('lz4', '-q')}
IN_ANY_PIECES = tap.rows([(suffix, suffix, *command) for suffix, command in SIZED.items()] +
                         [(f'{suffix} without sizes', suffix, *command) for suffix, command in UNSIZED.items()])


def in_pieces(t, suffix, program, *words, data=RAW, size=300_000):
    """NAME, of many pieces: blocks of one stream and streams for xz, frames of their own for the others."""
    made = b''
    for start in range(0, len(data), size):
        t.write('part', data[start:start + size])
        t.run(tap.tool(program), *words, '-kf', 'part', *(['part.lz4'] if suffix == 'lz4' else []))
        made += t.read('part.' + suffix)
    t.write('a.raw.' + suffix, made)
    return 'a.raw.' + suffix


@IN_ANY_PIECES
def test_pieces_are_read_where_they_are(t, suffix, program, *words):
    """Nothing is stored; every place can be read, by many threads and by one."""
    name = in_pieces(t, suffix, program, *words)
    for threads in ('1', '8'):
        done = t.vmferry('convert', '-v', '-m', threads, name, 'out.raw')
        tap.equal('unpacked into a file' in done.stderr, False, done.stderr)
        same(t.read('out.raw'))
    t.write('a.raw', RAW)
    t.vmferry('compare', 'a.raw', name)
    t.vmferry('convert', '-O', 'qcow2', '-c', 'a.raw', 'a.qcow2')
    t.write('a.qcow2.' + suffix, t.read(in_pieces(t, suffix, program, *words, data=t.read('a.qcow2'), size=50_000)))
    same(content(t, 'a.qcow2.' + suffix))


@IN_ANY_PIECES
def test_pieces_of_a_pipe(t, suffix, program, *words):
    name = in_pieces(t, suffix, program, *words)
    with subprocess.Popen(['cat', t.path(name)], stdout=subprocess.PIPE) as cat:
        same(content(t, '-', stdin=cat.stdout))


@IN_PIECES
def test_what_vmferry_packs_is_read_where_it_is(t, suffix, *command):
    t.write('a.raw', RAW)
    t.vmferry('convert', 'a.raw', 'b.raw.' + suffix)
    done = t.vmferry('convert', '-v', 'b.raw.' + suffix, 'out.raw')
    tap.equal('unpacked into a file' in done.stderr, False, done.stderr)
    same(t.read('out.raw'))


@IN_ANY_PIECES
def test_damage_in_a_piece(t, suffix, program, *words):
    """Wherever a byte is wrong, there is no target; what no piece tells of (padding, an index) is found from the start."""
    data = t.read(in_pieces(t, suffix, program, *words, size=1_000_000))
    for place in random.Random(5).sample(range(len(data)), 60):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        t.write('bad.raw.' + suffix, damaged)
        done = t.vmferry('convert', '-f', 'raw', 'bad.raw.' + suffix, 'out.raw', status=None)
        if done.returncode == 0:  # flags that change nothing, and what is reserved
            same(t.read('out.raw'))
            os.remove(t.path('out.raw'))
        else:
            tap.equal(done.returncode in (2, 9), True, f'status {done.returncode} for byte {place}: {done.stderr}')
        tap.equal('out.raw' in t.names(), False, f'a target is there, byte {place}')


def test_frames_of_no_bytes(t):
    """Of other programs that pack in parallel, or a part that was empty."""
    for suffix, command in {**SIZED, **UNSIZED}.items():
        empty = packed(t, suffix, data=b'')
        data = empty.join([b'', *(packed(t, suffix, *command[2:], data=RAW[at:at + 700_000]) for at in range(0, len(RAW), 700_000)), b''])
        t.write('a.raw.' + suffix, data)
        done = t.vmferry('convert', '-v', 'a.raw.' + suffix, 'out.raw')
        tap.equal('unpacked into a file' in done.stderr, False, done.stderr)
        same(t.read('out.raw'))


def test_the_bound_holds_while_sizes_are_found(t):
    name = in_pieces(t, 'zst', *UNSIZED['zst'])
    t.vmferry('convert', f'--max-size={len(RAW)}', name, 'out.raw')
    done = t.vmferry('convert', f'--max-size={len(RAW) - 512}', name, 'out2.raw', status=None)
    tap.contains(done.stderr, 'more than the ')
    tap.equal('out2.raw' in t.names(), False, 'a target')


def test_sizes_that_frames_claim(t):
    frame = packed(t, 'zst', data=RAW[:200_000])
    at = 4 + 1 + (not frame[4] & 0x20)
    width = (1 if frame[4] & 0x20 else 0, 2, 4, 8)[frame[4] >> 6]
    for size in (0, 1, 1000, 199_999 - 256, 200_001, 20 << 20, 1 << 31):
        damaged = bytearray(frame)
        damaged[at:at + width] = size.to_bytes(8, 'little')[:width]
        t.write('bad.zst', bytes(damaged) + frame)
        t.vmferry('convert', '-f', 'raw', 'bad.zst', 'out.raw', status=2)
    tap.equal('out.raw' in t.names(), False, 'a target')


# ---- what is refused ----

@EACH
def test_cut_short(t, suffix):
    data = packed(t, suffix)
    for part in range(1, 16):
        wrong(t, data[:len(data) * part // 16], suffix, 'ends at byte')
    wrong(t, data[:-1], suffix, 'ends at byte')


@EACH
def test_garbage_behind(t, suffix):
    data = packed(t, suffix)
    for garbage in (b'garbage behind it', b'\xff', b'BZh9'):
        wrong(t, data + garbage, suffix, f'byte {len(data)}')
    if suffix not in ('gz', 'xz'):
        wrong(t, data + bytes(16), suffix, f'byte {len(data)}')


@EACH
def test_a_flipped_bit_anywhere(t, suffix):
    data = packed(t, suffix, *(['--content-size', '-BX'] if suffix == 'lz4' else []))
    for place in range(11, len(data) - 1, len(data) // 13):
        if suffix == 'gz' and place < 20:
            continue  # the name of the file
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        t.write('bad.' + suffix, damaged)
        t.vmferry('convert', 'bad.' + suffix, 'out.raw', status=2)
        tap.equal('out.raw' in t.names(), False, f'a target is there, bit of byte {place}')


def test_gzip_headers(t):
    data = gzip.compress(RAW, mtime=0)
    with_flags = lambda flags, more: data[:3] + bytes([flags]) + data[4:10] + more + data[10:]
    same(content(t, t.write('good.gz', with_flags(4, b'\3\0abc'))))
    header = data[:3] + b'\2' + data[4:10]
    same(content(t, t.write('sum.gz', header + struct.pack('<H', zlib.crc32(header) & 0xffff) + data[10:])))
    wrong(t, with_flags(0xe0, b''), 'gz', 'header flags')
    wrong(t, with_flags(2, b'\1\2'), 'gz', 'crc')
    wrong(t, data[:3] + b'\x04' + data[4:10] + b'\xff\xff' + b'x' * 50, 'gz', 'ends at byte')
    wrong(t, data[:3] + b'\x08' + data[4:10] + b'name without an end', 'gz', 'ends at byte')
    wrong(t, data[:-8] + bytes(4) + data[-4:], 'gz', 'incorrect data check')
    wrong(t, data[:-4] + b'\1\0\0\0', 'gz', 'length check')


def test_checksums_behind_the_data(t):
    zst, lz4 = bytearray(packed(t, 'zst')), bytearray(packed(t, 'lz4', '-BX'))
    for suffix, data in (('zst', zst), ('lz4', lz4)):
        data[-1] ^= 1  # of the content; for lz4 behind the mark of its end
        wrong(t, bytes(data), suffix, 'hecksum')
        data[-1] ^= 1
    lz4[lz4.index(b'\0\0\0\0', len(lz4) - 8) - 1] ^= 1  # of the last block
    wrong(t, bytes(lz4), 'lz4', 'hecksum')


def test_lz4_headers(t):
    data = bytearray(packed(t, 'lz4'))
    for at, bits in ((4, 0x80), (4, 0xc0), (4, 2), (5, 0x80), (5, 1), (6, 1)):  # version, reserved bits, sum of the header
        data[at] ^= bits
        wrong(t, bytes(data), 'lz4', 'lz4 data at byte 0')
        data[at] ^= bits


def xz_of_blocks(t):
    """Of sizes in the heads of its blocks, too."""
    tap.needs('liblzma')
    return bytearray(packed(t, 'xz', '-0', '-T2', '--block-size=1MiB'))


def xz_header(data, at, change):
    """Changes the header of the block at `at`, its CRC mended."""
    size = (data[at] + 1) * 4
    change(data)
    data[at + size - 4:at + size] = struct.pack('<I', zlib.crc32(bytes(data[at:at + size - 4])))
    return bytes(data)


def xz_index(data, change):
    """Changes the index, its CRC mended."""
    start = len(data) - 12 - (struct.unpack_from('<I', data, len(data) - 8)[0] + 1) * 4
    change(data, start)
    data[-16:-12] = struct.pack('<I', zlib.crc32(bytes(data[start:-16])))
    return bytes(data)


def flip(at, bits=1):
    def change(data, start=0):
        data[start + at] ^= bits
    return change


def test_an_index_of_xz_that_is_not_that_of_its_blocks(t):
    """The number of blocks, the stored and the unpacked bytes of one; of a single block, which is unpacked from the start, too."""
    for data in (xz_of_blocks(t), bytearray(packed(t, 'xz', '-T1', data=RAW[:1000]))):
        for at in (1, 2, 3, 4, 5):
            wrong(t, xz_index(bytearray(data), flip(at)), 'xz', 'xz data')


def test_a_block_of_xz_that_lies(t):
    data = xz_of_blocks(t)
    tap.equal(data[13] & 0xc0, 0xc0, 'both sizes stand in the header of the block')
    for at in (14, 15, 16, 17, 18):
        wrong(t, xz_header(bytearray(data), 12, flip(at)), 'xz', 'xz data')


def test_filters_of_xz(t):
    tap.needs('liblzma')
    data = bytearray(packed(t, 'xz', '-T1'))
    tap.equal((data[13] & 0xc3, data[14]), (0, 0x21), 'one filter, LZMA2')
    for filter_id in (0x02, 0x22, 0x3f):
        wrong(t, xz_header(bytearray(data), 12, flip(14, 0x21 ^ filter_id)), 'xz', 'xz data', status=None)
    wrong(t, xz_header(bytearray(data), 12, flip(13, 3)), 'xz', 'xz data', status=None)  # four filters
    wrong(t, xz_header(bytearray(data), 12, flip(13, 4)), 'xz', 'xz data', status=None)  # reserved


def with_bits(data, at, width, value):
    """Bits in bzip2's order."""
    bits = int.from_bytes(data, 'big')
    shift = 8 * len(data) - at - width
    bits = bits & ~(((1 << width) - 1) << shift) | value << shift
    return bits.to_bytes(len(data), 'big')


def test_blocks_of_bzip2(t):
    """Randomised when it was not; more selectors than a block can use, by the field and by tables that do not follow."""
    data = packed(t, 'bz2')
    randomised = 8 * (4 + 6 + 4)
    wrong(t, with_bits(data, randomised, 1, 1), 'bz2', 'bzip2 data')
    wrong(t, with_bits(data, randomised + 1, 24, (1 << 24) - 1), 'bz2', 'bzip2 data')
    used = int.from_bytes(data, 'big') >> (8 * len(data) - randomised - 25 - 16) & 0xffff
    selectors = randomised + 25 + 16 + 16 * used.bit_count() + 3
    for count in (0, 1, 18003, 32767):
        wrong(t, with_bits(data, selectors, 15, count), 'bz2', 'bzip2 data')
    for tables in (0, 1, 7):
        wrong(t, with_bits(data, selectors - 3, 3, tables), 'bz2', 'bzip2 data')


def test_padding_of_xz_is_of_four(t):
    tap.needs('liblzma')
    wrong(t, lzma.compress(RAW) + bytes(6), 'xz', '6 zeros', 'multiples of 4')


def test_windows_beyond_the_bound(t):
    tap.needs('liblzma')
    window = lambda log: b'\x28\xb5\x2f\xfd' + b'\0' + bytes([(log - 10) << 3]) + b'\1\0\0'
    for log in (28, 31, 41):
        wrong(t, window(log), 'zst', '128 MiB', status=2)
    t.write('a.raw', RAW)
    with open(t.path('a.raw'), 'rb') as pipe:  # in a frame that is short enough to be a piece
        cat = subprocess.Popen(['cat'], stdin=pipe, stdout=subprocess.PIPE)
        wrong(t, t.run(tap.tool('zstd'), '-q', '--long=31', stdin=cat.stdout, text=False).stdout, 'zst', '128 MiB', status=2)
        cat.communicate()
    filters = [{'id': lzma.FILTER_LZMA2, 'dict_size': 1 << 20}]
    data = bytearray(lzma.compress(RAW, filters=filters))
    # the block header: its size, flags, filter id, size of properties, the dictionary's size, padding, CRC-32
    data[12 + 4] = 36  # 1 GiB
    size = (data[12] + 1) * 4
    data[12 + size - 4:12 + size] = struct.pack('<I', zlib.crc32(bytes(data[12:12 + size - 4])))
    wrong(t, bytes(data), 'xz', '128 MiB', status=2)


def test_blocks_of_zstd_beyond_their_bound(t):
    """RFC 8878, 3.1.1.2.4: 128 KiB; libzstd takes a longer one of one byte when it has the whole frame."""
    wrong(t, b'\x28\xb5\x2f\xfd\x00\x40\x43\x5e\x46\x01', 'zst')


def test_dictionaries(t):
    wrong(t, b'\x28\xb5\x2f\xfd\x01\x00\x07\x01\0\0'.ljust(64, b'\0'), 'zst', 'dictionary', status=9)
    wrong(t, b'\x04\x22\x4d\x18\x61\x40\1\0\0\0\0'.ljust(64, b'\0'), 'lz4', 'dictionary', status=9)


def test_a_skipped_frame_of_4_gib_at_the_end(t):
    for suffix in ('zst', 'lz4'):
        data = packed(t, suffix)
        wrong(t, data + struct.pack('<II', 0x184d2a50, 0xffffffff) + b'few', suffix, 'ends at byte')


@EACH
def test_more_than_the_bound(t, suffix):
    data = packed(t, suffix, data=RAW + bytes(60 << 20))
    wrong(t, data, suffix, '16777216', options=('--max-size', '16M'))


def test_what_holds_nothing(t):
    for suffix in COMMAND:
        t.write('empty.' + suffix, packed(t, suffix, data=b''))
        t.vmferry('info', 'empty.' + suffix, status=2)


def test_other_packed_data_is_named(t):
    t.write('a.raw', RAW)
    t.run(tap.tool('lz4'), '-qkfl', 'a.raw', 'legacy.lz4')
    tap.contains(t.vmferry('info', 'legacy.lz4', status=2).stderr, 'unpack it first')


tap.main(globals())
