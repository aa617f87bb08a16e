# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Standard input as a source: read as it comes where that can be, else stored first; never half of it."""
import gzip
import os
import pty
import random
import signal
import struct
import subprocess
import threading
import zlib

import tap

SECTOR = 512
STREAM = (tap.IMAGES / 'good-vmdk-stream.vmdk').read_bytes()
RAW = '-f raw'.split()
STREAM_OPTIONS = '-O vmdk -o subformat=streamOptimized'.split()


def noise(length, seed=1):
    return random.Random(seed).randbytes(length)


def disk():
    """9 MiB: noise, zeros in long and short stretches, text."""
    parts = [noise(700000), bytes(2 << 20), b'text' * 300000, bytes(70000), noise(200000, 2), bytes(300), noise(1 << 20, 3)]
    return b''.join(parts).ljust(9 << 20, b'\0')


def feed(pipe, data, seed):
    """Writes in pieces of any length; who reads may be gone."""
    lengths = random.Random(seed)
    at = 0
    try:
        while at < len(data):
            length = lengths.choice((1, 3, 511, 512, 5000, 65536, 300000)) if seed else 1 << 20
            pipe.write(data[at:at + length])
            pipe.flush()
            at += length
        pipe.close()
    except BrokenPipeError:
        pass


def piped(t, data, *words, seed=0, **options):
    """Runs vmferry with `data` on a pipe; seed: in pieces of random length."""
    read, write = os.pipe()
    with os.fdopen(read, 'rb') as source, os.fdopen(write, 'wb') as pipe:
        writer = threading.Thread(target=feed, args=(pipe, data, seed))
        writer.start()
        try:
            return t.vmferry(*words, stdin=source, **options)
        finally:
            source.close()
            writer.join()


def told(data):
    return ['--source-size', str(len(data))]


@tap.rows([(f'{name} {words}', name, words) for name, words in (
    ('b.raw', ''), ('b.qcow2', ''), ('b.qcow2', '-c'), ('b.qcow2', '-S 0'), ('b.vhd', ''), ('b.vmdk', '-o subformat=monolithicFlat'))])
def test_raw_gives_the_bytes_that_a_file_gives(t, name, words):
    source = t.write('a.raw', disk())
    t.vmferry('convert', source, *words.split(), 'from-file.' + name[2:])
    for threads in ('1', '2', '8'):
        done = piped(t, disk(), 'convert', '-m', threads, *RAW, *told(disk()), *words.split(), '-', name, seed=int(threads))
        tap.equal(done.stderr, '', 'nothing is stored')
        t.vmferry('compare', '-f', 'raw', source, name)
        if name in ('b.raw', 'b.qcow2'):
            tap.equal(t.read(name) == t.read('from-file.' + name[2:]), True, f'the same bytes, {threads} threads')
    tap.equal(t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', source, name, status=None).returncode if name != 'b.vhd' else 0, 0)


def test_a_stream_is_read_as_it_comes(t):
    source = t.write('a.raw', disk())
    t.vmferry('convert', *STREAM_OPTIONS, source, 'a.vmdk')
    for seed in range(1, 5):
        done = piped(t, t.read('a.vmdk'), 'convert', '-m', str(seed), '-', 'b.raw', seed=seed)
        tap.equal(done.stderr, '', 'nothing is stored')
        tap.equal(t.read('b.raw') == disk(), True, 'the disk')
    piped(t, t.read('a.vmdk'), 'convert', '-f', 'vmdk', *told(t.read('a.vmdk')), '-', 'b.raw')
    piped(t, t.read('a.vmdk'), 'convert', '--verify', '-c', '-', 'b.qcow2')
    t.vmferry('convert', '-c', 'a.vmdk', 'c.qcow2')
    tap.equal(t.read('b.qcow2') == t.read('c.qcow2'), True, 'the bytes that a file gives')


def test_packed_grains_pass_through_from_a_pipe(t):
    env = {'SOURCE_DATE_EPOCH': '1'}
    t.vmferry('convert', *STREAM_OPTIONS, '-o', 'compression_level=9', t.write('a.raw', disk()), 'a.vmdk')
    piped(t, t.read('a.vmdk'), 'convert', *STREAM_OPTIONS, '-', 'b.vmdk', env=env)
    tap.equal(t.read('b.vmdk')[128 * SECTOR:] == t.read('a.vmdk')[128 * SECTOR:], True, 'grains and tables')


def test_a_pipe_into_a_pipe(t):
    t.write('a.raw', disk())
    first = subprocess.Popen([tap.VMFERRY, 'convert', *STREAM_OPTIONS, 'a.raw', '-'], cwd=t.folder, stdout=subprocess.PIPE)
    with first, open(t.path('b.raw'), 'wb') as out:
        second = subprocess.Popen([tap.VMFERRY, 'convert', '-O', 'raw', '-', '-'], cwd=t.folder, stdin=first.stdout, stdout=subprocess.PIPE)
        first.stdout.close()
        out.write(second.communicate()[0])
        tap.equal(second.returncode, 0, 'exit status')
    tap.equal(t.read('b.raw') == disk(), True, 'the disk')


def test_unpacked_by_zcat(t):
    t.write('a.raw', disk())
    packed = subprocess.run([tap.tool('gzip'), '-c', 'a.raw'], cwd=t.folder, stdout=subprocess.PIPE, check=True).stdout
    with subprocess.Popen([tap.tool('gzip'), '-dc'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as zcat:
        threading.Thread(target=feed, args=(zcat.stdin, packed, 3)).start()
        t.vmferry('convert', *RAW, *told(disk()), '-', 'b.qcow2', stdin=zcat.stdout)
    t.vmferry('compare', 'a.raw', 'b.qcow2')


def test_an_overlay_of_what_comes(t):
    t.write('base.raw', noise(3 << 20))
    now = bytearray(noise(3 << 20))
    now[1 << 20:(1 << 20) + 70000] = bytes(70000)
    t.write('now.raw', bytes(now))
    t.vmferry('convert', *STREAM_OPTIONS, 'now.raw', 'now.vmdk')
    t.vmferry('convert', 'now.raw', '-O', 'qcow2', '-B', 'base.raw', '-F', 'raw', 'a.qcow2')
    for data, words in ((t.read('now.vmdk'), []), (bytes(now), [*RAW, *told(now)])):
        piped(t, data, 'convert', *words, '-O', 'qcow2', '-B', 'base.raw', '-F', 'raw', '-', 'b.qcow2')
        tap.equal(t.read('b.qcow2') == t.read('a.qcow2'), True, 'the same overlay')


@tap.rows([('raw without its size', 'a.raw', RAW), ('qcow2', 'a.qcow2', []), ('vhd, which is known by its end', 'a.vhd', []),
           ('sparse vmdk', 'a.vmdk', [])])
def test_stored_first(t, name, words):
    t.write('a.raw', disk())
    t.vmferry('convert', 'a.raw', name) if name != 'a.raw' else None
    os.mkdir(t.path('there'))
    tap.equal(piped(t, t.read(name), 'convert', *words, '-', 'there/b.raw').stderr, '', 'only told who wants to know')
    done = piped(t, t.read(name), 'convert', '-v', *words, '-', 'there/b.raw', seed=1)
    tap.contains(done.stderr, 'standard input is stored in there first')
    tap.equal(t.read('there/b.raw') == disk(), True, 'the disk')
    tap.equal(os.listdir(t.path('there')), ['b.raw'], 'what is left')
    done = piped(t, t.read(name), 'checksum', '-v', *words, '-', env={'TMPDIR': t.path('there')})
    tap.contains(done.stderr, f'is stored in {t.path("there")} first')
    tap.equal(done.stdout.split()[0], t.vmferry('checksum', 'a.raw').stdout.split()[0], 'checksum')
    tap.equal(os.listdir(t.path('there')), ['b.raw'], 'what is left')


def test_stored_for_a_target_whose_tables_come_first(t):
    t.write('a.raw', disk())
    t.vmferry('convert', 'a.raw', 'a.qcow2')
    with open(t.path('b.qcow2'), 'wb') as out:
        with subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=out) as cat:
            done = piped(t, disk(), 'convert', '-v', *RAW, *told(disk()), '-O', 'qcow2', '-', '-', stdout=cat.stdin)
            cat.stdin.close()
    tap.contains(done.stderr, 'is stored in')
    tap.equal(t.read('b.qcow2') == t.read('a.qcow2'), True, 'the bytes that a file gives')


def test_what_comes_on_a_pipe_names_no_file(t):
    t.write('base.raw', disk())
    t.vmferry('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'over.qcow2')
    tap.contains(piped(t, t.read('over.qcow2'), 'convert', '-', 'b.raw', status=2).stderr, 'names the file "base.raw"')
    tap.equal(t.names(), ['base.raw', 'over.qcow2'], 'files')


def test_other_verbs(t):
    t.write('a.raw', disk())
    t.vmferry('convert', *STREAM_OPTIONS, 'a.raw', 'a.vmdk')
    stream = t.read('a.vmdk')
    tap.equal(piped(t, stream, 'checksum', '-').stdout.split()[0], t.vmferry('checksum', 'a.raw').stdout.split()[0], 'checksum')
    tap.equal(piped(t, disk(), 'checksum', *RAW, *told(disk()), '-').stderr, '', 'not stored')
    piped(t, stream, 'compare', '-', 'a.raw')
    piped(t, stream, 'compare', 'a.raw', '-')
    tap.contains(piped(t, stream, 'info', '-').stdout, 'streamOptimized')
    tap.equal(piped(t, stream, 'map', '--output=json', '-').stdout, t.vmferry('map', '--output=json', 'a.vmdk').stdout)
    tap.equal(piped(t, stream, 'measure', '-O', 'qcow2', '-').stdout, t.vmferry('measure', '-O', 'qcow2', 'a.vmdk').stdout)
    piped(t, stream, 'check', '-')


@tap.rows([('one disk', ['a.raw'], None), ('several disks', ['a.raw', 'b.raw'], None), ('packed', ['a.raw'], gzip.compress)])
def test_info_shows_a_package_that_comes(t, disks, pack):
    for name in disks:
        t.write(name, disk())
    t.vmferry('pack', *disks, '-o', 'p.ova')
    data = pack(t.read('p.ova')) if pack else t.read('p.ova')
    for words in ((), ('--output=json',)):
        tap.equal(piped(t, data, 'info', *words, '-').stdout, t.vmferry('info', *words, 'p.ova').stdout.replace('p.ova', 'standard input'), words)
    tap.contains(piped(t, data, 'info', '-::1').stdout, 'streamOptimized')


def test_packages_and_machines(t):
    """From a pipe what can be said of the file is said; a file that is redirected is that file, with what is beside it."""
    t.write('a.raw', disk())
    t.vmferry('pack', 'a.raw', '-o', 'p.ova')
    for target in ('m.xva', 'm.vma', 'm.vmx'):
        t.vmferry('convert', '-q', 'p.ova', target)
    for name in ('p.ova', 'm.xva', 'm.vma'):
        expected = t.vmferry('lint', '--for', 'esxi', name, status=None)
        for words in ((), ('--output=json',)):
            found = piped(t, t.read(name), 'lint', '--for', 'esxi', *words, '-', status=expected.returncode).stdout
            tap.equal(found.replace(name, '-') if words else found,
                      t.vmferry('lint', '--for', 'esxi', *words, name, status=None).stdout.replace(name, '-'), f'lint of {name}')
    tap.equal(piped(t, t.read('p.ova'), 'verify', '-').stdout, t.vmferry('verify', 'p.ova').stdout.replace('p.ova', '-'))
    piped(t, t.read('p.ova'), 'unpack', '-', 'there')
    tap.equal(sorted(os.listdir(t.path('there'))), ['p-disk1.vmdk', 'p.mf', 'p.ovf'], 'unpacked')
    for words in ('verify -', 'unpack - there', 'lint --for esxi -', 'info -', 'checksum -'):
        tap.contains(piped(t, t.read('m.vmx'), *words.split(), status=None).stderr, 'from')
    with open(t.path('m.vmx'), 'rb') as file:
        tap.equal(t.vmferry('info', '-', stdin=file).stdout.replace(f'{t.folder}/', ''), t.vmferry('info', 'm.vmx').stdout)
    with open(t.path('m.vmx'), 'rb') as file:
        t.vmferry('convert', '-q', '-', 'again.ova', stdin=file)


@tap.rows([
    ('twice', 'convert - - b.raw', 'can be named once'),
    ('compared with itself', 'compare - -', 'can be named once'),
    ('a size of what is not named', 'convert --source-size 1M a.raw b.raw', 'which is not named'),
    ('below an overlay', 'convert -O qcow2 -B - -F raw a.raw b.qcow2', 'an overlay needs a file below it'),
    ('packed', 'pack - -o b.ova', 'has no name to be packed under'),
    ('unpacked into no folder', 'unpack -', 'unpack - FOLDER'),
])
def test_refused(t, words, part):
    t.write('a.raw', disk())
    tap.contains(piped(t, STREAM, *words.split(), status=None).stderr, part)
    tap.equal(t.names(), ['a.raw'], 'files')


@tap.rows([
    ('fewer bytes', lambda: disk()[:-1], [*RAW, *told(disk())], 'ends at byte 9437183, expected are at least 9437184 bytes'),
    ('more bytes', lambda: disk() + b'x', [*RAW, *told(disk())], 'ends at byte 9437184, and more comes'),
    ('fewer bytes, stored', disk, ['-f', 'raw', '-l', 'x', '--source-size', '10M'], 'expected the 10485760 that were told'),
    ('a stream of another length', lambda: STREAM, ['--source-size', '1M'], 'expected the 1048576 that were told'),
    ('nothing', lambda: b'', RAW, 'is empty'),
    ('nothing, size told', lambda: b'', [*RAW, '--source-size', '1M'], 'is empty'),
    ('unknown content', lambda: noise(100000), [], 'if it is a raw disk, say -f raw'),
])
def test_not_what_was_told(t, make, words, part):
    tap.contains(piped(t, make(), 'convert', *words, '-', 'b.qcow2', status=2).stderr, part)
    tap.equal(t.names(), [], 'files')


def test_what_is_no_pipe(t):
    source = t.write('a.raw', disk())
    with open(source, 'rb') as file:
        tap.equal(t.vmferry('convert', '-', 'b.raw', stdin=file).stderr, '', 'a file is that file')
    tap.equal(t.read('b.raw') == disk(), True, 'the disk')
    with open(source, 'rb') as file:
        os.lseek(file.fileno(), 1 << 20, os.SEEK_SET)
        tap.contains(t.vmferry('convert', '-v', *RAW, '-', 'b.raw', stdin=file).stderr, 'is stored')
    tap.equal(t.read('b.raw') == disk()[1 << 20:], True, 'what was left of it')
    with open(source, 'rb') as file:
        tap.contains(t.vmferry('convert', '-', source, stdin=file, status=1).stderr, 'is a file of the source')
        tap.contains(t.vmferry('convert', '--source-size', '1M', '-', 'c.raw', stdin=file, status=2).stderr, 'that were told')
    leader, follower = pty.openpty()
    tap.contains(t.vmferry('convert', '-', 'c.raw', stdin=follower, status=1).stderr, 'is a terminal')
    os.close(leader)
    os.close(follower)
    tap.contains(t.run('sh', '-c', f'{tap.VMFERRY} convert -f raw - c.raw <&-', status=None).stderr, 'is not open for reading')
    folder = os.open(t.folder, os.O_RDONLY)
    tap.contains(t.vmferry('convert', '-', 'c.raw', stdin=folder, status=1).stderr, 'is a folder')
    os.close(folder)
    tap.equal(t.names(), ['a.raw', 'b.raw'], 'files')


def test_a_chain_on_a_file_redirected_here(t):
    t.write('base.raw', disk())
    t.vmferry('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'over.qcow2')
    with open(t.path('over.qcow2'), 'rb') as file:
        t.vmferry('convert', '-', 'b.raw', stdin=file)
    tap.equal(t.read('b.raw') == disk(), True, 'the disk')


# ---- streams that were altered ----

def markers(stream):
    """(offset, value, size, type) of each marker of a stream."""
    at = struct.unpack_from('<Q', stream, 64)[0] * SECTOR
    while at < len(stream):
        value, size, kind = struct.unpack_from('<QII', stream, at)
        yield at, value, size, kind
        if size:
            at += -(-(12 + size) // SECTOR) * SECTOR
        elif kind == 0:
            return
        else:
            at += SECTOR + (SECTOR if kind == 3 else 0 if kind == 4 else value * SECTOR)


def offset_of(stream, kind):
    return next(at for at, _, size, found in markers(stream) if size == 0 and found == kind) + SECTOR


def patched(stream, at, form, value):
    stream = bytearray(stream)
    struct.pack_into(form, stream, at, value)
    return bytes(stream)


def swapped(stream):
    """The first two grains in the other order, each with its true marker."""
    (first, *_), (second, *_), (third, *_) = list(markers(stream))[:3]
    return stream[:first] + stream[second:third] + stream[first:second] + stream[third:]


def doubled(stream):
    (first, *_), (second, *_) = list(markers(stream))[:2]
    return stream[:second] + stream[first:second] + stream[second:]


def damaged_grain(stream):
    at, _, size, _ = next(markers(stream))
    return patched(stream, at + 12 + size - 1, '<B', stream[at + 12 + size - 1] ^ 1)


GT, GD, FOOTER = (offset_of(STREAM, kind) for kind in (1, 2, 3))
HOLE = struct.unpack_from('<32I', STREAM, GT).index(0)


@tap.rows([
    ('a table that has no such grain', patched(STREAM, GT, '<I', 0), 'entry 0 is 0, but the grain of guest byte 0 came at sector'),
    ('a table of a grain that did not come', patched(STREAM, GT + 4 * HOLE, '<I', 128), '(0: did not come)'),
    ('a table of another length', patched(STREAM, GT - SECTOR, '<Q', 8), '8 sectors, expected the 4 of 512 entries'),
    ('a directory without the table', patched(STREAM, GD, '<I', 0), 'grain directory at byte'),
    ('a directory with another table', patched(STREAM, GD, '<I', 1), 'entry 0 is 1, but that grain table came at sector'),
    ('a footer with another directory', patched(STREAM, FOOTER + 56, '<Q', 1), 'footer: grain directory at sector 1'),
    ('a footer of another disk', patched(STREAM, FOOTER + 12, '<Q', 1 << 20), 'footer: capacity'),
    ('an unknown marker', patched(STREAM, GT - SECTOR + 12, '<I', 9), 'type 9, known are 0 to 4'),
    ('no footer', STREAM[:FOOTER - SECTOR] + bytes(SECTOR), 'no footer came before it'),
    ('something behind the end', STREAM + b'conectix'.ljust(SECTOR, b'\0'), 'something comes behind the end of the stream'),
    ('padded by too much', STREAM + bytes(70000), 'more comes behind it'),
    ('a grain in the middle of another', patched(STREAM, next(markers(STREAM))[0], '<Q', 1), 'expected a multiple of 128'),
    ('a grain behind the disk', patched(STREAM, next(markers(STREAM))[0], '<Q', 1 << 60), 'grain marker at byte'),
    ('an endless grain', patched(STREAM, next(markers(STREAM))[0] + 8, '<I', 1 << 31), 'accepted are 1 to'),
    ('a damaged grain', damaged_grain(STREAM), 'packed unit of guest byte'),
    ('a header that begins behind itself', patched(STREAM, 64, '<Q', 0), 'expected before the first grain'),
    ('a header that begins nowhere', patched(STREAM, 64, '<Q', 1 << 54), 'expected are at least'),
])
def test_altered_stream(t, stream, part):
    tap.contains(piped(t, stream, 'convert', '-', 'b.raw', status=None).stderr, part)
    tap.equal(t.names(), [], 'files')


@tap.rows([('out of order', swapped), ('twice', doubled)])
def test_grains(t, change):
    tap.contains(piped(t, change(STREAM), 'convert', '-', 'b.raw', status=9).stderr, 'store it in a file first')
    tap.equal(t.names(), [], 'files')


def test_a_stream_cut_anywhere_is_an_error(t):
    for length in sorted({*range(SECTOR, len(STREAM), 7 * SECTOR), *(at for at, *_ in markers(STREAM)), len(STREAM) - 1}):
        done = piped(t, STREAM[:length], 'convert', '-', 'b.raw', status=2)
        tap.equal(t.names(), [], f'files, cut at {length}: {done.stderr}')


def test_padding_is_no_fault(t):
    piped(t, STREAM + bytes(10240), 'convert', '-', 'b.raw')
    t.vmferry('compare', tap.IMAGES / 'good-vmdk-stream.vmdk', 'b.raw')


def test_a_delta_asks_for_a_file(t):
    stream = STREAM.replace(b'parentCID=ffffffff', b'parentCID=12345678', 1)
    tap.contains(piped(t, stream, 'convert', '-', 'b.raw', status=9).stderr, 'is a delta')


def test_tables_that_all_come_at_the_end(t):
    """A disk of two tables, both of them behind all grains."""
    capacity, out, entries = 2 * 65536, bytearray(), [[0] * 512, [0] * 512]
    text = (f'# Disk DescriptorFile\nversion=1\nCID=00000001\nparentCID=ffffffff\ncreateType="streamOptimized"\n'
            f'RW {capacity} SPARSE "x.vmdk"\n').encode()
    header = struct.pack('<4sIIQQQQIQQQB4sH', b'KDMV', 3, 0x30001, capacity, 128, 1, 20, 512, 0, 2**64 - 1, 128, 0, b'\n \r\n', 1)
    out += header.ljust(SECTOR, b'\0') + text.ljust(127 * SECTOR, b'\0')
    guest = bytearray(capacity * SECTOR)
    for grain in (0, 3, 600, 1023):
        guest[grain << 16:(grain + 1) << 16] = noise(65536, grain)
        entries[grain // 512][grain % 512] = len(out) // SECTOR
        packed = zlib.compress(noise(65536, grain))
        out += (struct.pack('<QI', grain * 128, len(packed)) + packed)
        out += bytes(-len(out) % SECTOR)
    places = []
    for table in entries:
        out += struct.pack('<QII', 4, 0, 1).ljust(SECTOR, b'\0')
        places.append(len(out) // SECTOR)
        out += struct.pack('<512I', *table)
    out += struct.pack('<QII', 1, 0, 2).ljust(SECTOR, b'\0')
    directory = len(out) // SECTOR
    out += struct.pack('<2I', *places).ljust(SECTOR, b'\0')
    out += struct.pack('<QII', 1, 0, 3).ljust(SECTOR, b'\0')
    out += (header[:56] + struct.pack('<Q', directory) + header[64:]).ljust(SECTOR, b'\0') + bytes(SECTOR)
    t.write('a.vmdk', bytes(out))
    t.vmferry('convert', 'a.vmdk', 'a.raw')
    tap.equal(t.read('a.raw') == guest, True, 'from a file')
    piped(t, bytes(out), 'convert', '-', 'b.raw')
    tap.equal(t.read('b.raw') == guest, True, 'from a pipe')
    wrong = patched(bytes(out), directory * SECTOR, '<I', places[1])
    tap.contains(piped(t, wrong, 'convert', '-', 'c.raw', status=2).stderr, 'grain directory')


# ---- a stream whose tables come first ----

FRONT_GRAINS = (0, 3, 4, 600, 1023)
FRONT_START = 128  # sector of the first grain; the directory is at 21, its two tables at 22 and 26


def front_disk():
    guest = bytearray(2 * 32 << 20)
    for grain in FRONT_GRAINS:
        guest[grain << 16:(grain + 1) << 16] = noise(40000, grain).ljust(65536, b'x')
    return bytes(guest)


def front_stream(order=FRONT_GRAINS, tables=(22, 26)):
    """As open-vmdk writes it, but for the end: the grains in that order, then nothing."""
    capacity, grains, entries = 2 * 65536, bytearray(), [[0] * 512, [0] * 512]
    text = (f'# Disk DescriptorFile\nversion=1\nCID=00000001\nparentCID=ffffffff\ncreateType="streamOptimized"\n'
            f'RW {capacity} SPARSE "x.vmdk"\n').encode()
    header = struct.pack('<4sIIQQQQIQQQB4sH', b'KDMV', 3, 0x30001, capacity, 128, 1, 20, 512, 0, 21, FRONT_START, 0, b'\n \r\n', 1)
    for grain in order:
        grains += bytes(-len(grains) % SECTOR)
        entries[grain // 512][grain % 512] = FRONT_START + len(grains) // SECTOR
        packed = zlib.compress(front_disk()[grain << 16:(grain + 1) << 16])
        grains += struct.pack('<QI', grain * 128, len(packed)) + packed
    out = bytearray((header.ljust(SECTOR, b'\0') + text).ljust(FRONT_START * SECTOR, b'\0') + grains)
    struct.pack_into('<2I', out, 21 * SECTOR, *tables)
    for table, values in zip((22, 26), entries):
        struct.pack_into('<512I', out, table * SECTOR, *values)
    return bytes(out)


def front_place(stream, grain):
    return struct.unpack_from('<I', stream, (22 + grain // 512 * 4) * SECTOR + grain % 512 * 4)[0] * SECTOR


@tap.rows([('as it is', front_stream()), ('with an end and padding', front_stream() + bytes(SECTOR + 100000)),
           ('with a grain that was given up', front_stream() + STREAM[next(markers(STREAM))[0]:])])
def test_tables_that_come_first(t, stream):
    t.write('a.raw', front_disk())
    for seed in range(3):
        tap.equal('stored' in piped(t, stream, 'convert', '-v', '-', 'b.raw', seed=seed).stderr, False, 'stored')
        tap.equal(t.read('b.raw') == front_disk(), True, 'the disk')
    t.vmferry('convert', '-c', t.write('a.vmdk', stream), 'a.qcow2')
    piped(t, stream, 'convert', '-c', '-', 'b.qcow2')
    tap.equal(t.read('b.qcow2') == t.read('a.qcow2'), True, 'the bytes that a file gives')


def test_what_qemu_img_writes(t):
    t.write('a.raw', disk())
    t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', *STREAM_OPTIONS, 'a.raw', 'a.vmdk')
    tap.equal('stored' in piped(t, t.read('a.vmdk'), 'convert', '-v', '-', 'b.raw', seed=1).stderr, False, 'stored')
    tap.equal(t.read('b.raw') == disk(), True, 'the disk')


@tap.rows([('grains in another order', front_stream((4, 0, 3, 1023, 600))), ('one grain told of twice', patched(front_stream(), 22 * SECTOR + 4, '<I', FRONT_START))])
def test_what_tables_in_front_leave_to_a_file(t, stream):
    """Found only when the tables have been read: goes back to the start."""
    status = t.vmferry('convert', t.write('a.vmdk', stream), 'a.raw', status=None).returncode
    done = piped(t, stream, 'convert', '-v', '-', 'b.raw', status=None, seed=1)
    tap.contains(done.stderr, 'is stored in')
    tap.equal(done.returncode, status, f'as from a file: {done.stderr}')
    tap.equal(t.names() in (['a.vmdk'], ['a.raw', 'a.vmdk', 'b.raw']), True, 'files')
    tap.equal(status != 0 or t.read('b.raw') == front_disk() == t.read('a.raw'), True, 'the disk')


@tap.rows([('a marker of another grain', patched(front_stream(), front_place(front_stream(), 3), '<Q', 7), 'LBA 7, expected 384'),
           ('an endless grain', patched(front_stream(), front_place(front_stream(), 600) + 8, '<I', 1 << 31), 'accepted are 1 to'),
           ('a table beyond the header', front_stream(tables=(22, 1 << 30)), 'names a grain table beyond the end'),
           ('a directory that is too short', patched(front_stream(), 12, '<Q', 1 << 40), 'grain directory of')])
def test_altered_tables_in_front(t, stream, part):
    tap.contains(piped(t, stream, 'convert', '-', 'b.raw', status=2).stderr, part)
    tap.equal(t.names(), [], 'files')


def test_tables_in_front_cut_anywhere_are_an_error(t):
    stream = front_stream()
    places = [front_place(stream, grain) + more for grain in FRONT_GRAINS for more in (0, 5, 12, 600)]
    for length in sorted({*range(SECTOR, len(stream), 31 * SECTOR), *places, len(stream) - 1}):
        done = piped(t, stream[:length], 'convert', '-', 'b.raw', status=2)
        tap.equal(t.names(), [], f'files, cut at {length}: {done.stderr}')


# ---- how it ends ----

def test_interrupted_while_it_waits(t):
    for words in ([*RAW, *told(disk())], RAW):
        read, write = os.pipe()
        os.write(write, noise(8192))
        with subprocess.Popen([tap.VMFERRY, 'convert', '-v', *words, '-', 'b.raw'], cwd=t.folder, stdin=read, stderr=subprocess.PIPE) as process:
            while not os.listdir(t.folder) if words != RAW else not process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            tap.equal(process.wait(60) in (130, -signal.SIGINT), True, f'ended by the signal: {process.returncode}')
        os.close(read)
        os.close(write)
        tap.equal(t.names(), [], 'files')


def test_progress_and_checksum(t):
    done = piped(t, disk(), 'convert', '-p', '--checksum', *RAW, *told(disk()), '-', 'b.qcow2')
    tap.contains(done.stderr, 'done, 100.0 %')
    tap.contains(done.stdout, t.vmferry('checksum', 'b.qcow2').stdout.split()[0])


def test_memory_does_not_grow_with_what_comes(t):
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a sanitizer has memory of its own')
    block, count = noise(1 << 20), 400
    read, write = os.pipe()
    process = subprocess.Popen([tap.VMFERRY, 'convert', '-m', '2', *RAW, '--source-size', str(count << 20), '-', 'b.qcow2'],
                               cwd=t.folder, stdin=read)
    os.close(read)
    with os.fdopen(write, 'wb') as pipe:
        for _ in range(count):
            pipe.write(block)
        with open(f'/proc/{process.pid}/status', encoding='ascii') as lines:
            most = int(next(line.split()[1] for line in lines if line.startswith('VmHWM')))
    tap.equal(process.wait(), 0, 'exit status')
    tap.equal(most < (64 + 2 * 4) << 10, True, f'{most} KiB of memory')


@tap.rows([(words[0], words) for words in (('sign', '--remove', '-'), ('edit', '--cpus', '2', '-'))])
def test_a_package_that_has_to_be_a_file_says_so(t, words):
    t.write('a.raw', bytes(1 << 20))
    t.vmferry('pack', 'a.raw', '-o', 'a.ova')
    with open(t.path('a.ova'), 'rb') as package:
        done = t.vmferry(*words, stdin=package, status=None)
    tap.contains(done.stderr, 'store it in ')
    tap.equal(done.returncode, 9, 'exit status')


tap.main(globals())
