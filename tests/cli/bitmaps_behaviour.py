# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`--bitmap`: what a bitmap of the disk says has changed since is all that `diff` and `apply` look at."""
import json
import struct

import remote_servers
import tap

MEBI = 1 << 20
SIZE = 40 * MEBI + 512
WRITES = ((5 * MEBI, 100 << 10), (12 * MEBI + 512, 512), (39 * MEBI, MEBI + 512))
ZEROS = (20 * MEBI, 300 << 10)


def make(t, granularity='64k', size=SIZE, options='cluster_size=64k'):
    """disk.qcow2 with a bitmap, copy.raw of what it was when that was made; and what was written since."""
    qemu_img, qemu_io = tap.tool('qemu-img'), tap.tool('qemu-io')
    t.run(qemu_img, 'create', '-q', '-f', 'qcow2', '-o', options, 'disk.qcow2', str(size))
    t.run(qemu_io, '-c', 'write -q -P 3 0 30M', 'disk.qcow2')
    t.vmferry('convert', '-q', 'disk.qcow2', 'copy.raw')
    t.run(qemu_img, 'bitmap', '--add', '-g', granularity, 'disk.qcow2', 'since')
    words = [word for number, (at, length) in enumerate(WRITES) for word in ('-c', f'write -q -P {number + 7} {at} {min(length, size - at)}')]
    t.run(qemu_io, *words, '-c', f'write -q -z {ZEROS[0]} {ZEROS[1]}', 'disk.qcow2')


def changes(t, *words, status=1):
    return json.loads(t.vmferry('diff', '--output=json', *words, status=status).stdout)['changes']


@tap.rows([('every sector', '512', 'cluster_size=64k'), ('clusters', '64k', 'cluster_size=64k'), ('much at once', '16M', 'cluster_size=64k'),
           ('small clusters', '4k', 'cluster_size=512')])
def test_what_it_marks_is_what_changed(t, granularity, options):
    make(t, granularity, options=options)
    tap.equal(changes(t, '--bitmap', 'since', 'copy.raw', 'disk.qcow2'), changes(t, 'copy.raw', 'disk.qcow2'), 'changes')
    told = json.loads(t.vmferry('apply', '--output=json', '--verify', '--bitmap', 'since', 'disk.qcow2', 'copy.raw').stdout)
    tap.equal(told['compared'] < SIZE // 2 or granularity == '16M', True, f'{told}: all of it is looked at')
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'copy.raw', 'disk.qcow2')


def test_what_it_does_not_mark_is_not_read(t):
    """Where it is unmarked the source need not even be readable."""
    make(t)
    with open(t.path('disk.qcow2'), 'r+b') as file:
        data = file.read()
        l2 = struct.unpack_from('>Q', data, struct.unpack_from('>Q', data, 40)[0])[0] & 0x00fffffffffffe00
        file.seek(l2 + 8 * 3)  # guest byte 192 KiB
        file.write(struct.pack('>Q', 1 << 63 | 1 << 50))
    t.vmferry('diff', 'copy.raw', 'disk.qcow2', status=2)
    t.vmferry('apply', '--bitmap', 'since', 'disk.qcow2', 'copy.raw')
    for number, (at, length) in enumerate(WRITES):
        tap.equal(t.read('copy.raw')[at:at + length] == bytes([number + 7]) * length, True, f'at {at}')


def test_a_large_disk_with_few_marks(t):
    """Four milliards of bits, and nearly no cluster of them."""
    tool = tap.tool('qemu-img')
    t.run(tool, 'create', '-q', '-f', 'qcow2', 'disk.qcow2', '2T')
    t.run(tool, 'bitmap', '--add', '-g', '512', 'disk.qcow2', 'since')
    t.run(tap.tool('qemu-io'), '-f', 'qcow2', '-c', 'write -P 7 1T 512', 'disk.qcow2')
    with open(t.path('copy.raw'), 'wb') as file:
        file.truncate(2 << 40)
    tap.equal([(change['start'], change['length']) for change in changes(t, '--bitmap', 'since', 'copy.raw', 'disk.qcow2')], [(1 << 40, 4096)], 'changes')


def test_into_an_image(t):
    make(t)
    for name in ('copy.qcow2', 'copy.vhdx'):
        t.vmferry('convert', '-q', 'copy.raw', name)
        t.vmferry('apply', '--verify', '--bitmap', 'since', 'disk.qcow2', name)
        t.vmferry('check', name)
        t.run(tap.tool('qemu-img'), 'compare', name, 'disk.qcow2')


def test_a_disk_that_has_grown(t):
    make(t)
    t.run(tap.tool('qemu-img'), 'resize', '-q', 'disk.qcow2', str(SIZE + 3 * MEBI))
    t.run(tap.tool('qemu-io'), '-c', f'write -q -P 1 {SIZE + MEBI} 64k', 'disk.qcow2')
    t.vmferry('apply', '--verify', '--bitmap', 'since', 'disk.qcow2', 'copy.raw')


def test_names(t):
    make(t)
    tap.contains(t.vmferry('apply', '--bitmap', 'other', 'disk.qcow2', 'copy.raw', status=1).stderr, 'has no bitmap "other"')
    tap.contains(t.vmferry('diff', '--bitmap', 'since', 'disk.qcow2', 'copy.raw', status=2).stderr, 'has no bitmaps of changed blocks')
    t.run(tap.tool('qemu-img'), 'snapshot', '-c', 'one', 'disk.qcow2')
    tap.contains(t.vmferry('apply', '-l', 'one', '--bitmap', 'since', 'disk.qcow2', 'copy.raw', status=1).stderr, 'not on a snapshot')


def test_one_that_records_no_more(t):
    """It may be of a time that is over, which the person has to know."""
    make(t)
    t.run(tap.tool('qemu-img'), 'bitmap', '--disable', 'disk.qcow2', 'since')
    for words in (('diff', '--bitmap', 'since', 'copy.raw', 'disk.qcow2'), ('apply', '--bitmap', 'since', 'disk.qcow2', 'copy.raw')):
        tap.contains(t.vmferry(*words, status=1 if words[0] == 'diff' else 0).stderr, 'bitmap "since" is disabled')
    t.run(tap.tool('qemu-img'), 'bitmap', '--enable', 'disk.qcow2', 'since')
    tap.equal('disabled' in t.vmferry('apply', '--bitmap', 'since', 'disk.qcow2', 'copy.raw').stderr, False, 'one that does')


def entry_of(data):
    """Where the directory has the bitmap: its first."""
    at = 104
    while struct.unpack_from('>I', data, at)[0] != 0x23852875:
        at += 8 + (struct.unpack_from('>I', data, at + 4)[0] + 7) // 8 * 8
    return struct.unpack_from('>Q', data, at + 8 + 16)[0]


def in_use(data):
    data[entry_of(data) + 15] |= 1


def not_kept_up(data):
    data[95] &= 0xfe


def other_type(data):
    data[entry_of(data) + 16] = 2


def short_table(data):
    at = entry_of(data) + 8
    struct.pack_into('>I', data, at, struct.unpack_from('>I', data, at)[0] - 1)


def unknown_flag(data):
    data[entry_of(data) + 15] |= 8


def table_entry(value):
    def change(data):
        struct.pack_into('>Q', data, struct.unpack_from('>Q', data, entry_of(data))[0], value)
    return change


@tap.rows([('in use', in_use, 2, 'is inconsistent'), ('of a program that knows none', not_kept_up, 1, 'has no bitmap "since" that says what has changed, nor any other'),
           ('another type', other_type, 2, 'type 2'), ('a short table', short_table, 2, 'expected type 1 and'), ('an unknown flag', unknown_flag, 9, 'flags 0x'),
           ('bits beyond the file', table_entry(1 << 40), 2, 'expected the place of a cluster in the file'),
           ('bits at no cluster', table_entry(512), 2, 'expected the place of a cluster in the file'),
           ('reserved bits of the table', table_entry(1 << 60), 2, 'expected the place of a cluster in the file')])
def test_one_that_cannot_be_trusted(t, change, status, message):
    """Nothing is written by it."""
    make(t, '512')
    data = bytearray(t.read('disk.qcow2'))
    change(data)
    t.write('disk.qcow2', data)
    before = t.read('copy.raw')
    tap.contains(t.vmferry('apply', '--bitmap', 'since', 'disk.qcow2', 'copy.raw', status=status).stderr, message)
    tap.equal(t.read('copy.raw') == before, True, 'the copy')


def test_bits_that_are_all_set_or_not_stored(t):
    make(t, '512')
    data = bytearray(t.read('disk.qcow2'))
    for value, found in ((1, len(changes(t, 'copy.raw', 'disk.qcow2'))), (0, 0)):
        table_entry(value)(data)
        t.write('disk.qcow2', data)
        tap.equal(len(changes(t, '--bitmap', 'since', 'copy.raw', 'disk.qcow2', status=1 if found else 0)), found, f'table entry {value}')


# ---- what a server offers ----

def served(t, *words):
    tap.needs('libnbd')
    return remote_servers.nbd_server(t, 'qemu-nbd', '-r', '-t', '-f', 'qcow2', '--shared', '4', *words, t.path('disk.qcow2'))


@tap.rows([('every sector', '512'), ('much at once', '1M')])
def test_an_export(t, granularity):
    make(t, granularity)
    with served(t, '-B', 'since') as url:
        tap.equal(changes(t, '--bitmap', 'since', 'copy.raw', url), changes(t, 'copy.raw', 'disk.qcow2'), 'changes')
        told = json.loads(t.vmferry('apply', '--output=json', '--bitmap', 'since', url, 'copy.raw').stdout)
        tap.equal(told['compared'] < SIZE // 4, True, f'{told}: all of it is looked at')
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'copy.raw', 'disk.qcow2')


def test_an_export_without(t):
    make(t)
    with served(t) as url:
        tap.contains(t.vmferry('apply', '--bitmap', 'since', url, 'copy.raw', status=1).stderr, 'the server offers no bitmap "since"')


tap.main(globals())
