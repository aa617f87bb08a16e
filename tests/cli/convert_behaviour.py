# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`vmferry convert`: its options, what it leaves behind, how it ends."""
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import tap

FIXED = '-o subformat=fixed'
FLAT = '-o subformat=monolithicFlat'
STREAM = tap.IMAGES / 'good-vmdk-stream.vmdk'


def noise(length, seed=1):
    return random.Random(seed).randbytes(length)


def islands(t, name='source.raw'):
    """A 3 MiB disk: noise, zeros, text, zeros."""
    data = noise(200000) + bytes(1 << 20) + b'text' * 100000
    return t.write(name, data.ljust(3 << 20, b'\0'))


def cached(t, name):
    """Bytes of a file that the page cache holds."""
    return int(t.run(tap.tool('fincore'), '-b', '-n', '-o', 'RES', name).stdout)


def leaves_page_cache_alone(t, command, source, target):
    """Three tries: the kernel keeps what it moves or counts at that moment, 2 MiB at once."""
    for _ in range(3):
        t.vmferry(*command, '--cache=none')
        left = max(cached(t, source), cached(t, target))
        if left < 1 << 20:
            return
    raise AssertionError(f'{command}: {left} bytes are cached')


def test_page_cache_is_left_alone_when_asked(t):
    t.write('a.raw', noise(40 << 20))
    with open(t.path('a.raw'), 'rb') as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached(t, 'a.raw') > 20 << 20:
        raise tap.Skip('a file system in memory')
    for command in (('convert', 'a.raw', 'b.raw'), ('convert', 'a.raw', 'b.qcow2'), ('pack', '-o', 'b.ova', 'a.raw')):
        target = next(word for word in command if word.startswith('b.'))
        for words in (command, ('compare', 'a.raw', target)):
            leaves_page_cache_alone(t, words, 'a.raw', target)
    t.vmferry('checksum', 'a.raw', '--cache=normal')
    tap.equal(cached(t, 'a.raw') > 20 << 20, True, 'cached as ever')


def test_suffix_decides(t):
    for name, format_name in (('a.qcow2', 'qcow2'), ('a.vmdk', 'vmdk'), ('a.vhd', 'vpc'), ('a.dat', None)):
        t.vmferry('convert', STREAM, name)
        if format_name:
            tap.contains(t.vmferry('info', '--output=json', name).stdout, f'"format": "{format_name}"')
        else:
            tap.equal(len(t.read(name)), 2100736, 'size')


def test_letters_of_qemu_img(t):
    t.vmferry('convert', '-p', '-q', '-W', '-m', '4', '-t', 'none', '-T', 'none', '-S', '4k', '-f', 'vmdk', '-O', 'qcow2',
              '-o', 'cluster_size=4k', '-o', 'compat=1.1', STREAM, 'a.qcow2')
    tap.contains(t.vmferry('info', '--output=json', 'a.qcow2').stdout, '"cluster-size": 4096')


@tap.rows([(name, *words) for name, *words in (
    ('qcow2', '-O', 'qcow2'), ('qcow2 packed', '-c', '-O', 'qcow2'), ('vmdk', '-O', 'vmdk'),
    ('stream', '-O', 'vmdk', '-o', 'subformat=streamOptimized'), ('vhd', '-O', 'vhd'),
    ('vhd fixed', '-O', 'vhd', '-o', 'subformat=fixed'), ('raw', '-O', 'raw'))])
def test_threads_do_not_change_the_bytes(t, *words):
    source = islands(t)
    fixed = {'SOURCE_DATE_EPOCH': '1700000000'}
    for threads in ('1', '8'):
        t.vmferry('convert', '-m', threads, *words, source, 'a', env=fixed)  # some formats hold their name
        os.rename(t.path('a'), t.path('b' + threads))
    tap.equal(t.read('b1') == t.read('b8'), True, 'same bytes')


def test_holes_do_not_change_the_bytes(t):
    """Jobs are cut elsewhere where a hole is known, and how hard a grain is packed depends on the one before it."""
    text = b' '.join(b'%d' % (number * number) for number in range(300000))
    data = bytes(1 << 16) + text[:700000] + bytes(1 << 17) + noise(300000) + text
    source = t.write('a.raw', data)
    t.run(tap.tool('fallocate'), '--dig-holes', source)
    for words in ('-O vmdk -o subformat=streamOptimized', '-c -O qcow2'):
        for option in ('--read-all', '-q'):
            t.vmferry('convert', *words.split(), option, source, 'out', env={'SOURCE_DATE_EPOCH': '1700000000'})
            os.rename(t.path('out'), t.path(option))
        tap.equal(t.read('--read-all') == t.read('-q'), True, words)


@tap.rows([(name, *words) for name, *words in (
    ('raw', '-O', 'raw'), ('qcow2', '-O', 'qcow2'), ('stream', '-O', 'vmdk', '-o', 'subformat=streamOptimized'),
    ('vhd fixed', '-O', 'vhd', '-o', 'subformat=fixed'))])
def test_standard_output(t, *words):
    source = islands(t)
    with open(t.path('piped'), 'wb') as out, subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=out) as pipe:
        done = t.vmferry('convert', '-p', '--checksum', *words, source, '-', stdout=pipe.stdin)
        pipe.stdin.close()
    tap.contains(done.stderr, '  -\n')
    tap.contains(done.stderr, 'done, 100.0 %')
    t.vmferry('compare', '-f', 'raw', '-F', words[1], source, 'piped')


def test_sources_are_concatenated(t):
    t.write('a.raw', noise(65536 + 512))
    t.write('b.raw', noise(4096, 2))
    t.vmferry('convert', '-O', 'qcow2', 'a.raw', STREAM, 'b.raw', 'all.qcow2')
    t.vmferry('convert', STREAM, 'stream.raw')
    t.vmferry('convert', 'all.qcow2', 'all.raw')
    tap.equal(t.read('all.raw') == t.read('a.raw') + t.read('stream.raw') + t.read('b.raw'), True, 'content')


@tap.rows([('packed', 'base.raw.gz', ['gzip', '-k', 'base.raw']), ('in an archive', './base.tar::base.raw', ['tar', '-cf', 'base.tar', 'base.raw'])])
def test_an_overlay_is_on_a_file_as_it_is(t, base, command):
    """What reads it takes the bytes of the file, and does not unpack them."""
    t.write('base.raw', random.Random(3).randbytes(300000))
    t.write('disk.raw', bytes(4096) + t.read('base.raw')[4096:])
    t.run(*command)
    for words in (('convert', '--verify', '-B', base, '-F', 'raw', 'disk.raw', 'over.qcow2'), ('create', '-b', base, '-F', 'raw', 'over.qcow2')):
        tap.contains(t.vmferry(*words, status=1).stderr, f'{base}: its disk is in a ')
        tap.equal((t.folder / 'over.qcow2').exists(), False, 'an overlay')


def test_overlay_stores_the_difference(t):
    islands(t, 'base.raw')
    data = bytearray(t.read('base.raw'))
    data[1 << 20:(1 << 20) + 5] = b'child'
    t.write('child.raw', bytes(data))
    for name, words in (('a', ('-B', 'base.raw', '-F', 'raw')),
                        ('b', ('-o', 'backing_file=base.raw,backing_fmt=raw,cluster_size=64k'))):
        t.vmferry('convert', '-O', 'qcow2', *words, 'child.raw', name + '.qcow2')
        tap.contains(t.vmferry('info', '--output=json', name + '.qcow2').stdout, '"backing-filename": "base.raw"')
        t.vmferry('compare', 'child.raw', name + '.qcow2')
        if len(t.read(name + '.qcow2')) > 600000:
            raise AssertionError('the overlay holds more than the difference')


def test_backing_file_is_beside_the_target(t):
    os.mkdir(t.path('sub'))
    t.write('sub/base.raw', bytes(1 << 20))
    t.vmferry('convert', '-O', 'qcow2', '-B', 'base.raw', '-F', 'raw', 'sub/base.raw', 'sub/over.qcow2')
    t.vmferry('compare', 'sub/base.raw', 'sub/over.qcow2')


def test_snapshot(t):
    image = tap.IMAGES / 'good-qcow2-snapshot.qcow2'
    for spelling in ('1', 'before', 'snapshot.id=1', 'snapshot.name=before'):
        t.vmferry('convert', '-l', spelling, image, 'a.raw')
        t.vmferry('compare', 'a.raw', STREAM)
    t.vmferry('convert', '-l', 'nonesuch', image, 'b.raw', status=None)
    tap.equal(t.names(), ['a.raw'], 'files')


def test_what_stays_behind_is_told_once(t):
    """By convert and pack alike; not by verbs that carry nothing over."""
    tool = tap.tool('qemu-img')
    t.run(tool, 'create', '-q', '-f', 'qcow2', 'a.qcow2', '1M')
    for words in (('snapshot', '-c', 'one'), ('snapshot', '-c', 'two'), ('bitmap', '--add')):
        t.run(tool, *words, 'a.qcow2', *(['changes'] if words[0] == 'bitmap' else []))
    for words in (('convert', 'a.qcow2', 'a.raw'), ('convert', 'a.raw', 'a.qcow2', 'b.raw'),
                  ('pack', 'a.qcow2', '-o', 'a.ova')):
        done = t.vmferry(*words, '--no-sync')
        for text in ('not carried over: a.qcow2: internal snapshots stay behind: 2; -l reads one of them [loss-snapshots]',
                     'not carried over: a.qcow2: bitmaps of changed blocks stay behind: 1; --bitmaps takes them into a qcow2 [loss-bitmaps]'):
            tap.equal(done.stderr.count(text), 1, f'{words}: {done.stderr}')
    tap.equal(t.vmferry('convert', '-q', 'a.qcow2', 'a.raw').stderr, '', 'quiet')
    tap.equal(t.vmferry('convert', '-l', 'one', 'a.qcow2', 'a.raw').stderr, '', 'one snapshot is what was asked for')
    for words in (('checksum', 'a.qcow2'), ('compare', 'a.qcow2', 'a.raw'), ('convert', STREAM, 'c.raw')):
        tap.equal(t.vmferry(*words).stderr, '', f'{words}')


def test_sparse_and_allocated(t):
    islands(t)
    t.vmferry('convert', 'source.raw', 'sparse.raw')
    t.vmferry('convert', '-S', '0', 'source.raw', 'full.raw')
    tap.equal(t.read('sparse.raw') == t.read('full.raw'), True, 'content')
    blocks = {name: os.stat(t.path(name)).st_blocks * 512 for name in ('sparse.raw', 'full.raw')}
    if not blocks['sparse.raw'] < 800000 <= 3 << 20 <= blocks['full.raw']:
        raise AssertionError(f'allocated: {blocks}')


@tap.rows([(words, words) for words in (
    '-O raw', '-O qcow2', '-O qcow2 -o cluster_size=2M', '-O qcow2 -o compat=0.10', '-O vmdk', f'-O vmdk {FLAT}',
    '-O vmdk -o subformat=twoGbMaxExtentSparse', '-O vmdk -o subformat=twoGbMaxExtentFlat', '-O vhd',
    f'-O vhd {FIXED}')])
def test_full_allocation_is_blocks_on_the_disk(t, words):
    """Of a disk that is one hole but for a few bytes, whatever stands in its tables."""
    t.write('a.raw', b'data'.ljust(8 << 20, b'\0'))
    t.run(tap.tool('fallocate'), '--dig-holes', 'a.raw')
    os.mkdir(t.path('out'))
    disk = 'out/disk.vmdk' if 'vmdk' in words else 'out/disk.img'
    t.vmferry('convert', '-S', '0', *words.split(), 'a.raw', disk)
    blocks = sum(entry.stat().st_blocks * 512 for entry in (t.folder / 'out').iterdir())
    if blocks < 8 << 20:
        raise AssertionError(f'{blocks} bytes allocated')
    t.vmferry('compare', 'a.raw', disk)


@contextlib.contextmanager
def sharing_files(t):
    """A folder on a file system whose files can share extents."""
    mkfs = tap.shutil.which('mkfs.btrfs', path=os.environ['PATH'] + ':/usr/sbin:/sbin')
    if os.geteuid() != 0 or not mkfs:
        raise tap.Skip('no Btrfs can be made')
    with open(t.path('btrfs.img'), 'wb') as image:
        image.truncate(200 << 20)
    t.run(mkfs, '-q', t.path('btrfs.img'))
    os.mkdir(t.path('mounted'))
    if t.run('mount', '-o', 'loop', t.path('btrfs.img'), t.path('mounted'), status=None).returncode:
        raise tap.Skip('no loop device can be mounted')
    try:
        yield 'mounted'
    finally:
        t.run('umount', t.path('mounted'))


def shared_bytes(t, name):
    """Bytes in extents of a file that others have, too (FIEMAP_EXTENT_SHARED)."""
    found = t.run(tap.tool('filefrag'), '-v', t.path(name)).stdout.splitlines()
    return sum(int(line.split(':')[3]) * 4096 for line in found if 'shared' in line.split(':')[-1])


def test_extents_are_shared_where_they_can_be(t):
    with sharing_files(t) as folder:
        data = noise(5 << 20) + bytes(3 << 20) + noise(1 << 20, 2) + b'tail'.ljust(512, b'.')
        t.write(f'{folder}/a.raw', data)
        t.run('qemu-img', 'convert', '-O', 'qcow2', t.path(f'{folder}/a.raw'), t.path(f'{folder}/a.qcow2'))
        for source, target, words in (('a.raw', 'b.raw', ''), ('a.qcow2', 'c.raw', ''), ('a.raw', 'd.vhd', FIXED),
                                      ('a.raw', 'e.vmdk', FLAT), ('a.raw', 'f.raw', '-m 1'),
                                      ('a.raw', 'g.raw', '--reflink=auto -C')):
            t.vmferry('convert', *words.split(), f'{folder}/{source}', f'{folder}/{target}')
            t.vmferry('compare', f'{folder}/a.raw', f'{folder}/{target}')
            named = f'{folder}/{target}'.replace('e.vmdk', 'e-flat.vmdk')
            if shared_bytes(t, named) < 5 << 20:
                raise AssertionError(f'{target}: {shared_bytes(t, named)} bytes are shared')
        tap.equal(t.read(f'{folder}/b.raw') == data, True, 'content')
        for words in ('--reflink=never', '--checksum', '--verify', '--read-all', '-S 0', '-o preallocation=falloc'):
            t.vmferry('convert', *words.split(), f'{folder}/a.raw', f'{folder}/own.raw')
            tap.equal(shared_bytes(t, f'{folder}/own.raw'), 0, f'shared with {words}')
            tap.equal(t.read(f'{folder}/own.raw') == data, True, f'content with {words}')


def test_zeros_in_a_large_block_are_holes(t):
    """A dynamic VHD's blocks have 2 MiB, of which most is often empty."""
    t.write('source.raw', b'first'.ljust(1 << 20, b'\0') + b'middle'.ljust(3 << 20, b'\0') + bytes(4 << 20))
    for name, format_name, words, limit in (('a.vhd', 'vpc', '', 1 << 20),
                                            ('a.qcow2', 'qcow2', '-o cluster_size=2M', 9 << 20)):  # tables: 8 MiB
        t.vmferry('convert', *words.split(), 'source.raw', name)
        t.run(tap.tool('qemu-img'), 'compare', '-F', format_name, 'source.raw', name)
        taken = os.stat(t.path(name)).st_blocks * 512
        if taken > limit:
            raise AssertionError(f'{name}: {taken} bytes allocated')


def test_progress(t):
    tap.equal(t.vmferry('convert', islands(t), 'a.qcow2').stderr, '', 'not on a pipe by itself')
    done = t.vmferry('convert', '-p', 'source.raw', 'a.qcow2')
    tap.contains(done.stderr, 'a.qcow2: done, 100.0 %')
    tap.equal((done.stdout, '\r' in done.stderr), ('', False), 'lines, on standard error')
    tap.equal(t.vmferry('convert', '-p', '-q', 'source.raw', 'a.qcow2').stderr, '', 'quiet')


def test_existing_target_is_replaced(t):
    t.write('a.raw', b'old')
    t.vmferry('convert', STREAM, 'a.raw')
    tap.equal(len(t.read('a.raw')), 2100736, 'size')
    t.vmferry('convert', '--no-clobber', STREAM, 'a.raw', status=1)
    t.vmferry('convert', '--no-clobber', '--no-sync', STREAM, 'b.raw')
    tap.equal(t.names(), ['a.raw', 'b.raw'], 'files')


def test_target_is_a_source(t):
    data = noise(65536)
    t.write('a.raw', data)
    os.link(t.path('a.raw'), t.path('b.raw'))
    os.symlink('a.raw', t.path('c.raw'))
    for name in ('a.raw', 'b.raw', 'c.raw'):
        t.vmferry('convert', 'a.raw', name, status=1)
    tap.equal(t.read('a.raw') == data, True, 'content')
    tap.equal(t.names(), ['a.raw', 'b.raw', 'c.raw'], 'files')


def test_failure_leaves_the_old_file(t):
    t.write('a.qcow2', b'old')
    t.vmferry('convert', '-O', 'qcow2', tap.IMAGES / 'bad-vmdk-stream-lba.vmdk', 'a.qcow2', status=2)
    tap.equal(t.read('a.qcow2'), b'old', 'content')
    tap.equal(t.names(), ['a.qcow2'], 'files')


def test_no_space(t):
    t.write('a.raw', noise(4 << 20))
    t.vmferry('convert', 'a.raw', 'b.qcow2', status=4,
              preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                                  resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))))
    tap.equal(t.names(), ['a.raw'], 'files')


def test_unknown_content_needs_a_format(t):
    t.write('disk.dat', noise(65536))
    t.vmferry('convert', 'disk.dat', 'a.raw', status=2)
    t.vmferry('convert', '-f', 'raw', 'disk.dat', 'a.raw')
    tap.equal(t.read('a.raw') == t.read('disk.dat'), True, 'content')


def test_reference_outside_needs_leave(t):
    os.mkdir(t.path('base'))
    os.mkdir(t.path('child'))
    t.write('base/base.raw', noise(65536))
    t.vmferry('create', '-f', 'qcow2', '-b', '../base/base.raw', '-F', 'raw', 'child/child.qcow2')
    t.vmferry('convert', 'child/child.qcow2', 'a.raw', status=2)
    t.vmferry('convert', '--allow-ref', t.path('base'), 'child/child.qcow2', 'a.raw')
    tap.equal(t.read('a.raw') == t.read('base/base.raw'), True, 'content')


def busy(t, *words):
    """A conversion that takes long enough to be disturbed, once its temporary file is there."""
    with open(t.path('big.raw'), 'wb') as big:
        for seed in range(16):
            big.write(noise(4 << 20, seed))
    # pylint: disable=consider-using-with
    job = subprocess.Popen([tap.VMFERRY, 'convert', '-m', '1', '-c', '-o', 'compression_level=9', *words, 'big.raw',
                            'out.qcow2'], cwd=t.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(1000):
        if any('.part-' in name for name in t.names()) or job.poll() is not None:
            break
        time.sleep(0.005)
    return job


@tap.rows([(name, getattr(signal, name)) for name in ('SIGINT', 'SIGTERM', 'SIGHUP')])
def test_signal(t, number):
    t.write('out.qcow2', b'old')
    job = busy(t)
    job.send_signal(number)
    _, text = job.communicate(timeout=120)
    if job.returncode == 0:
        raise tap.Skip('the conversion was faster than the signal')
    tap.equal(job.returncode, 128 + number, 'exit status')
    tap.contains(text, f'stopped by signal {int(number)}')
    tap.equal(t.names(), ['big.raw', 'out.qcow2'], 'files')
    tap.equal(t.read('out.qcow2'), b'old', 'content')


def peak_of(t, *words):
    """The largest part of vmferry's memory that was resident, bytes. It starts with that of the process that forks:
    a small one does."""
    script = ('import os, subprocess, sys\n'
              'with subprocess.Popen(sys.argv[1:]) as child:\n'
              '    _, status, usage = os.wait4(child.pid, 0)\n'
              '    child.returncode = os.waitstatus_to_exitcode(status)\n'
              'print(child.returncode, usage.ru_maxrss)\n')
    status, peak = t.run(sys.executable, '-c', script, tap.VMFERRY, *words).stdout.split()
    tap.equal(status, '0', f'status of {words}')
    return int(peak) * 1024


@tap.rows([(name, words) for name, words in (
    ('raw', '-O raw'), ('qcow2', '-O qcow2'), ('qcow2 of large clusters', '-O qcow2 -o cluster_size=2M'),
    ('zlib', '-c -O qcow2'), ('zstd', '-c -O qcow2 -o compression_type=zstd'), ('vmdk', '-O vmdk'),
    ('stream', '-O vmdk -o subformat=streamOptimized'), ('vhd', '-O vhd'))])
def test_memory_is_bounded(t, words):
    """64 MiB and 4 MiB for each thread, whatever the size of the disk."""
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('sanitizers take memory of their own')
    size = 2040 << 30 if 'vhd' in words or 'vmdk' in words else 15 << 40
    with open(t.path('huge.raw'), 'wb') as file:
        file.write(noise(24 << 20))
        for place in range(1, 20):
            file.seek(size // 20 * place & -4096)
            file.write(noise(100000, place))
        file.truncate(size)
    for threads in (1, 2, 8):
        peak = peak_of(t, 'convert', '-m', str(threads), '--no-sync', *words.split(), 'huge.raw', 'out')
        if peak > (64 + 4 * threads) << 20:
            raise AssertionError(f'{threads} threads: {peak} bytes')


def test_sigusr1_shows_the_progress(t):
    job = busy(t)
    job.send_signal(signal.SIGUSR1)
    _, text = job.communicate(timeout=300)
    tap.equal(job.returncode, 0, 'exit status')
    if text:
        tap.contains(text, b'out.qcow2: ' if isinstance(text, bytes) else 'out.qcow2: ')


def test_kill_leaves_no_final_name_and_is_told_later(t):
    job = busy(t)
    job.kill()
    job.communicate(timeout=60)
    if job.returncode == 0:
        raise tap.Skip('the conversion was faster than the signal')
    tap.equal('out.qcow2' in t.names(), False, 'final name')
    stale = [name for name in t.names() if '.part-' in name]
    done = t.vmferry('convert', STREAM, 'out.qcow2')
    for name in stale:
        tap.contains(done.stderr, name)


def test_verbose_tells_the_chain_and_the_target(t):
    t.write('base.raw', noise(1 << 20))
    t.vmferry('create', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'top.qcow2')
    said = t.vmferry('convert', '-v', '-o', 'compat=0.10', '-O', 'qcow2', 'top.qcow2', 'out').stderr.splitlines()
    tap.equal(said[:3], ['vmferry: top.qcow2: qcow2, 1048576 bytes', 'vmferry: made on base.raw: raw, 1048576 bytes',
                         'vmferry: out: is written as qcow2, compat=0.10'], 'lines')
    tap.contains(t.vmferry('convert', '-v', '-m', '1', 'base.raw', 'one.qcow2').stderr, 'one.qcow2: 1 thread\n')
    tap.equal(t.vmferry('convert', 'top.qcow2', 'out2').stderr, '', 'without it')


def test_block_device_takes_raw_only(t):
    """The footer of a VHD would not be at the end of a device that is larger."""
    source, disk = t.write('source.raw', noise(1 << 20)), t.write('disk.img', noise(2 << 20, 2))
    made = t.run(tap.tool('losetup'), '-f', '--show', disk, status=None)
    if made.returncode != 0:
        raise tap.Skip('no loop devices')
    device = made.stdout.strip()
    try:
        done = t.vmferry('convert', '-O', 'vhd', '-o', 'subformat=fixed', source, device, status=9)
        tap.contains(done.stderr, 'block device')
        tap.equal(t.read('disk.img') == noise(2 << 20, 2), True, 'untouched')
        said = t.vmferry('convert', '-v', '--verify', '-O', 'raw', source, device).stderr
        tap.contains(said, f'{device}: a device of {2 << 20} bytes is written')
        t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', device, '1M')
        tap.contains(t.vmferry('convert', '-v', '-O', 'raw', source, device).stderr, 'the qcow2 disk that it holds is replaced')
        t.run('dd', f'if={t.write("volume", b"H+" + bytes([0, 4]))}', f'of={device}', 'bs=512', 'seek=2', 'conv=notrunc')
        tap.contains(t.vmferry('convert', '-v', '-O', 'raw', source, device).stderr, 'what it holds (HFS+) is replaced')
    finally:
        t.run(tap.tool('losetup'), '-d', device)
    tap.equal(t.read('disk.img')[:1 << 20] == noise(1 << 20), True, 'content')


tap.main(globals())
