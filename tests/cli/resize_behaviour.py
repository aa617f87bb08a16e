# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""convert --resize and --move-gpt: the size of a disk, and its partition tables. sgdisk judges."""
import os
import random
import struct
import zlib

import partitions
import tap

MIB = 1 << 20
NOISE = random.Random(5).randbytes(MIB)


def disk(t, size=64 * MIB):
    """Two partitions, sectors 2048 to 40959 and 40960 to 81919 (byte 41943040), with data."""
    with open(t.path('a.raw'), 'wb') as raw:
        raw.truncate(size)
    t.run(tap.tool('sgdisk'), '-n1:2048:40959', '-n2:40960:81919', '-t1:ef00', 'a.raw')
    with open(t.path('a.raw'), 'r+b') as raw:
        for at in (MIB, 20 * MIB, 39 * MIB):
            raw.seek(at)
            raw.write(NOISE)


def mbr(t, entries, size=8 * MIB):
    table = b''.join(struct.pack('<B3sB3sII', 0, b'', kind, b'', start, count) for kind, start, count in entries)
    t.write('a.raw', bytes(446) + table.ljust(64, b'\0') + b'\x55\xaa' + bytes(size - 512))


def whole(t, name):
    done = t.run(tap.tool('sgdisk'), '--verify', name)
    tap.contains(done.stdout, 'No problems found')
    return t.run(tap.tool('sgdisk'), '-i1', name).stdout + t.run(tap.tool('sgdisk'), '-i2', name).stdout


def guest(t, name):
    t.vmferry('convert', '-O', 'raw', name, 'guest.raw')
    return t.read('guest.raw')


@tap.rows([('raw', 'b.raw'), ('qcow2', 'b.qcow2'), ('fixed VHD', 'b.vhd', '-o', 'subformat=fixed,force_size=on'), ('streamOptimized', 'b.vmdk', '-o', 'subformat=streamOptimized')])
def test_larger_with_the_second_table_at_the_end(t, target, *options):
    disk(t)
    before = whole(t, 'a.raw')
    t.vmferry('convert', '--resize', '100M', '--move-gpt', *options, 'a.raw', target)
    data = guest(t, target)
    tap.equal(len(data), 100 * MIB, 'size')
    tap.equal(whole(t, 'guest.raw'), before, 'partitions')
    old = t.read('a.raw')
    tap.equal(data[17408:60 * MIB] == old[17408:60 * MIB], True, 'data')
    tap.equal(t.run(tap.tool('qemu-img'), 'info', target).returncode, 0)


def test_larger_keeps_the_tables_and_tells_it(t):
    disk(t)
    done = t.vmferry('convert', '--resize', '+36M', 'a.raw', 'b.raw')
    tap.contains(done.stderr, '--move-gpt')
    tap.equal(t.read('b.raw') == t.read('a.raw') + bytes(36 * MIB), True, 'bytes')


@tap.rows([('by a GPT', '42M'), ('to the last byte that the tables leave', str(81920 * 512 + 33 * 512))])
def test_smaller(t, size):
    disk(t)
    before = whole(t, 'a.raw')
    t.vmferry('convert', '--resize', size, 'a.raw', 'b.qcow2')
    data = guest(t, 'b.qcow2')
    tap.equal(whole(t, 'guest.raw'), before, 'partitions')
    tap.equal(data[17408:40 * MIB] == t.read('a.raw')[17408:40 * MIB], True, 'data')


@tap.rows([('a partition is there', '40M'), ('its table is there', str(81920 * 512 + 32 * 512)), ('nothing', '1k')])
def test_smaller_is_refused_where_something_would_be_lost(t, size):
    disk(t)
    stderr = t.vmferry('convert', '--resize', size, 'a.raw', 'b.raw', status=2).stderr
    tap.contains(stderr, 'ends at byte 41943040')
    tap.equal(t.names(), ['a.raw'], 'files')


@tap.rows([
    ('fits', [(0x83, 2048, 2048)], 2 * MIB, 0, ''),
    ('partition reaches behind it', [(0x83, 2048, 2049)], 2 * MIB, 2, 'ends at byte 2097664'),
    ('logical ones too', [(0x83, 1, 1), (0x05, 2048, 4096)], 2 * MIB, 2, 'ends at byte 3145728'),
    ('dynamic disk of Windows', [(0x42, 1, 100)], 2 * MIB, 2, '0x42'),
    ('protective without a table', [(0xee, 1, 100)], 2 * MIB, 2, '0xee'),
    ('no partition', [], 2 * MIB, 2, 'no partition table'),
    ('larger', [(0x83, 2048, 2048)], 9 * MIB, 0, ''),
    ('larger without partitions', [], 9 * MIB, 0, ''),
])
def test_mbr(t, entries, size, status, words):
    mbr(t, entries)
    done = t.vmferry('convert', '-f', 'raw', '--resize', str(size), 'a.raw', 'b.raw', status=status)
    tap.contains(done.stderr, words)
    if status == 0:
        tap.equal(t.read('b.raw') == t.read('a.raw')[:size].ljust(size, b'\0'), True, 'bytes')


@tap.rows([('header', 512 + 40), ('entries', 1024 + 60)])
def test_damaged_table_is_not_moved(t, place):
    disk(t)
    with open(t.path('a.raw'), 'r+b') as raw:
        raw.seek(place)
        raw.write(b'\x99')
    for options in (('--move-gpt',), ('--resize', '42M'), ('--resize', '80M', '--move-gpt')):
        tap.contains(t.vmferry('convert', *options, 'a.raw', 'b.raw', status=2).stderr, 'checksum')
    t.vmferry('convert', '--resize', '80M', 'a.raw', 'b.raw')
    tap.equal(t.read('b.raw') == t.read('a.raw').ljust(80 * MIB, b'\0'), True, 'bytes')


def test_first_table_among_the_partitions_is_not_lost(t):
    """Its checksums are right: only where it stands is not."""
    partitions.gpt(t.path('a.raw'), MIB, [('linux', 34, 100)])
    data = bytearray(t.read('a.raw'))
    entries, last = bytes(data[2 * 512:34 * 512]), MIB // 512 - 1
    data[512:1024] = partitions.header(1, last, 1500, entries, last)
    data[1500 * 512:1532 * 512] = entries
    t.write('a.raw', bytes(data))
    for words in (('--resize', str(600 << 10)), ('--resize', '2M', '--move-gpt')):
        tap.contains(t.vmferry('convert', *words, 'a.raw', 'b.raw', status=2).stderr, 'does not end before the first sector for partitions')
    tap.equal(t.names(), ['a.raw'], 'files')


def test_table_that_is_not_at_the_end_is_put_there(t):
    disk(t)
    with open(t.path('a.raw'), 'r+b') as raw:
        raw.truncate(70 * MIB)
    t.vmferry('convert', '--move-gpt', 'a.raw', 'b.raw')
    tap.equal(os.path.getsize(t.path('b.raw')), 70 * MIB, 'size')
    whole(t, 'b.raw')


def large_sectors(t):
    """A disk with sectors of 4096 bytes, which sgdisk has not for a file. Its entries."""
    disk(t)
    old = t.read('a.raw')
    entries = bytearray(old[1024:1024 + 16384])
    struct.pack_into('<QQ', entries, 32, 256, 5119)
    struct.pack_into('<QQ', entries, 128 + 32, 5120, 10239)
    header = bytearray(old[512:512 + 92])
    struct.pack_into('<QQQQ', header, 24, 1, 16383, 6, 16378)
    struct.pack_into('<I', header, 88, crc(entries))
    seal(header)
    t.write('a.raw', old[:512].ljust(4096, b'\0') + bytes(header).ljust(4096, b'\0') + bytes(entries) + old[24576:64 * MIB])
    return entries


def test_sectors_of_4096_bytes(t):
    """The checksums and places are looked at here."""
    entries = large_sectors(t)
    t.vmferry('convert', '--resize', '80M', '--move-gpt', 'a.raw', 'b.raw')
    new = t.read('b.raw')
    last = 80 * MIB // 4096 - 1
    tap.equal(struct.unpack_from('<QQQQ', new, 4096 + 24), (1, last, 6, last - 5), 'first')
    tap.equal(struct.unpack_from('<QQQQ', new, last * 4096 + 24), (last, 1, 6, last - 5), 'second')
    tap.equal(new[(last - 4) * 4096:last * 4096] == bytes(entries), True, 'entries')
    for at in (4096, last * 4096):
        own = bytearray(new[at:at + 92])
        stored = own[16:20]
        seal(own)
        tap.equal(own[16:20], stored, 'checksum')


@tap.rows([
    ('a platform', '--for', 'openstack', 'b.qcow2'),
    ('Hyper-V', '--for', 'hyperv', 'b.vhdx'),
    ('a VHDX', '-O', 'vhdx', 'b.vhdx'),
])
def test_other_sectors_are_refused(t, *arguments):
    large_sectors(t)
    tap.contains(t.vmferry('convert', *arguments[:-1], 'a.raw', arguments[-1], status=2).stderr, 'made for sectors of 4096 bytes, and the target has such of 512')
    tap.equal(t.names(), ['a.raw'], 'files')
    t.vmferry('convert', '-q', '-o', 'logical_sector_size=4096', 'a.raw', 'right.vhdx')


@tap.rows([
    ('qcow2', ['-O', 'qcow2'], True),
    ('VMDK', ['-O', 'vmdk'], True),
    ('a VHD', ['-O', 'vpc'], True),
    ('raw bytes', ['-O', 'raw'], False),
])
def test_a_target_that_does_not_say_its_sectors(t, arguments, told):
    large_sectors(t)
    done = t.vmferry('convert', *arguments, 'a.raw', 'b')
    tap.equal('not carried over: its GUID partition table is made for sectors of 4096 bytes' in done.stderr, told, done.stderr)
    disk(t)
    tap.equal('sectors' in t.vmferry('convert', *arguments, 'a.raw', 'b').stderr, False, 'usual ones')


def test_from_a_disk_that_says_its_sectors_to_one_that_cannot(t):
    large_sectors(t)
    t.vmferry('convert', '-q', '-o', 'logical_sector_size=4096', 'a.raw', 'a.vhdx')
    tap.contains(t.vmferry('convert', 'a.vhdx', 'b.raw').stderr, 'sectors of 4096 bytes')


def test_smaller_sectors_are_refused_for_large_ones(t):
    disk(t)
    tap.contains(t.vmferry('convert', '-o', 'logical_sector_size=4096', 'a.raw', 'b.vhdx', status=2).stderr, 'made for sectors of 512 bytes')
    t.vmferry('convert', '-q', 'a.raw', 'b.vhdx')


def test_of_a_machine_too(t):
    large_sectors(t)
    t.vmferry('pack', '-q', '--name', 'vm', 'a.raw', '-o', 'vm.ova')
    tap.contains(t.vmferry('convert', '--for', 'libvirt', 'vm.ova', 'vm.xml', status=2).stderr, 'made for sectors of 4096 bytes')


def test_a_platform_moves_the_second_table_of_a_new_size_too(t):
    disk(t)
    t.vmferry('convert', '-q', '--for', 'aws', '--resize', '80M', 'a.raw', 'b.vmdk')
    guest(t, 'b.vmdk')
    whole(t, 'guest.raw')


def crc(data):
    return zlib.crc32(bytes(data))


def seal(header):
    struct.pack_into('<I', header, 16, 0)
    struct.pack_into('<I', header, 16, crc(header))


def test_same_from_a_pipe_for_any_number_of_threads(t):
    disk(t)
    seen = set()
    for threads in ('1', '8'):
        t.vmferry('convert', '-m', threads, '--resize', '80M', '--move-gpt', '-O', 'qcow2', 'a.raw', 'b.qcow2', env=dict(SOURCE_DATE_EPOCH='1700000000'))
        seen.add(t.read('b.qcow2'))
    tap.equal(len(seen), 1, 'outputs')
    with open(t.path('a.raw'), 'rb') as raw:
        t.vmferry('convert', '-f', 'raw', '--resize', '80M', '--move-gpt', '-', 'c.qcow2', stdin=raw)
    t.run('sh', '-c', 'cat a.raw | "$0" convert -f raw --resize 80M --move-gpt - d.qcow2', tap.VMFERRY)
    for name in ('c.qcow2', 'd.qcow2'):
        t.vmferry('compare', 'b.qcow2', name)


@tap.rows([('nonsense', '12Q'), ('nothing', '0'), ('too large', '+16E'), ('less', '-5M'), ('empty', '')])
def test_size_that_is_none(t, size):
    t.write('a.raw', bytes(MIB))
    t.vmferry('convert', f'--resize={size}', 'a.raw', 'b.raw', status=1)
    tap.equal(t.names(), ['a.raw'], 'files')


tap.main(globals())
