# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`--bitmap`: what a bitmap of the disk says has changed since is all that `diff`, `apply` and `convert --since` look at."""
import json
import os
import random
import re
import struct
import subprocess

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


# ---- convert --since ----

EPOCH = {'SOURCE_DATE_EPOCH': '1700000000'}
FORMS = [('streamOptimized', ('-O', 'vmdk', '-o', 'subformat=streamOptimized')), ('qcow2 -c', ('-O', 'qcow2', '-c')), ('raw', ('-O', 'raw')),
         ('fixed VHDX', ('-O', 'vhdx', '-o', 'subformat=fixed'))]


def some_disk(size):
    """Text, noise, zeros."""
    choice = random.Random(size)
    return b''.join(choice.choice([bytes, choice.randbytes, lambda length: b'%08d' % choice.randrange(9999) * (length // 8 + 1)])(65536) for _ in range(0, size, 65536))[:size]


def converted(t, form, granularity='64k', size=SIZE, options='cluster_size=64k', sources=('disk.qcow2', 'disk.qcow2')):
    """old and old.map of a disk, whose bitmap was made before, and writes to it: [(start, end)]."""
    qemu_img, qemu_io, choice = tap.tool('qemu-img'), tap.tool('qemu-io'), random.Random(granularity)
    t.write('disk.raw', some_disk(size))
    t.vmferry('convert', '-q', '-O', 'qcow2', '-o', options, 'disk.raw', 'disk.qcow2')
    t.run(qemu_img, 'bitmap', '--add', '-g', granularity, 'disk.qcow2', 'since')
    t.vmferry('convert', *form, '--map', 'old.map', 'disk.qcow2', 'old', env=EPOCH)
    writes = [(choice.randrange(size // 512 - 200) * 512, choice.choice([512, 4096, 70 * 1024])) for _ in range(8)]
    words = [word for number, (at, length) in enumerate(writes) for word in ('-c', f'write -q {"-z" if number % 4 == 3 else f"-P {number + 7}"} {at} {length}')]
    t.run(qemu_io, *words, 'disk.qcow2')
    return writes


def onto(t, form, source, *words):
    """Whether the result is that of a full conversion, and how many units were not read."""
    t.vmferry('convert', *form, '-m', '1', '--map', 'full.map', source, 'full', env=EPOCH)
    done = t.vmferry('convert', '-v', *form, '-m', '3', '--bitmap', 'since', '--since', 'old.map', '--onto', 'old', '--map', 'new.map', *words, source, 'new', env=EPOCH)
    tap.equal(t.read('new') == t.read('full'), True, 'the bytes of a full conversion')
    same = [t.read(name)[:192] + t.read(name)[256:] for name in ('new.map', 'full.map')]  # but for what they were made of, which is two files
    tap.equal(same[0] == same[1], True, 'the map')
    return int(re.search(r', (\d+) of them unread', done.stderr)[1])


@tap.rows([(f'{name}, {granularity}', form, granularity, options) for name, form in FORMS
           for granularity, options in (('512', 'cluster_size=64k'), ('64k', 'cluster_size=4k'), ('1M', 'cluster_size=512k'))])
def test_onto_an_older_target(t, form, granularity, options):
    writes = converted(t, form, granularity, 8 * MEBI + 512, options)
    units = struct.unpack_from('<Q', t.read('old.map'), 16)[0]
    marked = {unit for at, length in writes for unit in range(at // 65536, (at + length - 1) // 65536 + 1)}
    unread = onto(t, form, 'disk.qcow2')
    tap.equal(unread >= units - 2 * len(marked) - 1 if granularity == '512' else unread > 0, True, f'{unread} of {units} units are unread, {len(marked)} were written to')
    tap.equal(onto(t, form, 'disk.qcow2', '--checksum'), 0, 'a checksum is of all bytes')


def guest(t, form, name):
    t.vmferry('convert', '-q', '-f', form[1], '-O', 'raw', name, 'guest.raw')
    return t.read('guest.raw')


def change_unmarked(t, writes):
    """Behind the back of the bitmap: in a cluster of noise."""
    with open(t.path('disk.qcow2'), 'r+b') as file:
        data, disk = file.read(), t.read('disk.raw')
        table = struct.unpack_from('>Q', data, struct.unpack_from('>Q', data, 40)[0])[0] & 0x00fffffffffffe00
        unit = next(unit for unit in range(len(disk) >> 16) if len(set(disk[unit << 16:(unit + 1) << 16])) > 200 and
                    all(at + length <= unit << 16 or at >= (unit + 1) << 16 for at, length in writes))
        file.seek(struct.unpack_from('>Q', data, table + 8 * unit)[0] & 0x00fffffffffffe00)
        file.write(b'unnoticed')


@tap.rows(FORMS)
def test_what_it_does_not_mark_is_taken_from_the_older_target(t, form):
    """A bitmap that does not tell the truth: the older target shows, but for --verify, which reads all of the disk."""
    writes = converted(t, form, '64k', 4 * MEBI)
    t.vmferry('convert', '-O', 'raw', 'disk.qcow2', 'before')
    change_unmarked(t, writes)
    words = ('convert', *form, '--bitmap', 'since', '--since', 'old.map', '--onto', 'old')
    t.vmferry(*words, 'disk.qcow2', 'new', env=EPOCH)
    tap.equal(guest(t, form, 'new') == t.read('before'), True, 'what is not marked is not read')
    t.vmferry(*words, '--verify', 'disk.qcow2', 'new2', env=EPOCH)
    t.run(tap.tool('qemu-img'), 'compare', '-f', form[1], 'new2', 'disk.qcow2')


def test_onto_an_older_target_of_another_size(t):
    """What the disk has grown by is read, and what it was cut off at."""
    for size in (9 * MEBI, 5 * MEBI + 4096):
        converted(t, FORMS[0][1], '64k', 8 * MEBI)
        t.run(tap.tool('qemu-img'), 'resize', '-q', '--shrink', 'disk.qcow2', str(size))
        t.run(tap.tool('qemu-io'), '-c', f'write -q -P 1 {size - 5000} 5000', 'disk.qcow2')
        tap.equal(onto(t, FORMS[0][1], 'disk.qcow2') > 10, True, str(size))


def test_onto_an_older_target_by_a_chain(t):
    """The bitmap of the uppermost image is of all of the disk."""
    converted(t, FORMS[1][1], '64k', 8 * MEBI)
    os.rename(t.path('disk.qcow2'), t.path('base.qcow2'))
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'disk.qcow2')
    t.run(tap.tool('qemu-img'), 'bitmap', '--add', 'disk.qcow2', 'since')
    t.vmferry('convert', *FORMS[1][1], '--map', 'old.map', 'disk.qcow2', 'old', env=EPOCH)
    t.run(tap.tool('qemu-io'), '-c', 'write -q -P 1 3M 100k', 'disk.qcow2')
    tap.equal(onto(t, FORMS[1][1], 'disk.qcow2') > 50, True)


def test_a_damaged_older_target_is_not_used(t):
    for _, form in FORMS:
        writes, map_ = converted(t, form, '64k', 4 * MEBI), t.read('old.map')
        records = [struct.unpack_from('<QQI', map_, at) for at in range(256, len(map_), 64)]
        start, length = next(record[1:] for record in records if all(at + size <= record[0] or at >= record[0] + 65536 for at, size in writes))
        old = bytearray(t.read('old'))
        old[start + length // 2] ^= 1
        t.write('old', old)
        t.vmferry('convert', *form, 'disk.qcow2', 'full', env=EPOCH)
        done = t.vmferry('convert', *form, '--bitmap', 'since', '--since', 'old.map', '--onto', 'old', 'disk.qcow2', 'new', env=EPOCH)
        tap.equal(t.read('new') == t.read('full'), True, str(form))
        tap.contains(done.stderr, '1 units are not as its map has them')


def test_one_that_records_no_more_is_told_by_convert(t):
    converted(t, FORMS[0][1], '64k', MEBI)
    t.run(tap.tool('qemu-img'), 'bitmap', '--disable', 'disk.qcow2', 'since')
    done = t.vmferry('convert', *FORMS[0][1], '--bitmap', 'since', '--since', 'old.map', '--onto', 'old', 'disk.qcow2', 'new')
    tap.contains(done.stderr, 'bitmap "since" is disabled')


@tap.rows([('in use', in_use, 2, 'is inconsistent'), ('not there', not_kept_up, 1, 'has no bitmap "since" that says what has changed'), ('a short table', short_table, 2, 'expected type 1 and')])
def test_convert_refuses_one_that_cannot_be_trusted(t, change, status, message):
    converted(t, FORMS[0][1], '512', MEBI)
    data = bytearray(t.read('disk.qcow2'))
    change(data)
    t.write('disk.qcow2', data)
    done = t.vmferry('convert', *FORMS[0][1], '--bitmap', 'since', '--since', 'old.map', '--onto', 'old', 'disk.qcow2', 'new', status=status)
    tap.contains(done.stderr, message)
    tap.equal('new' in t.names(), False, 'nothing is made')


@tap.rows([('without a map', ('disk.qcow2', 'new'), 'needs --since and --onto'), ('two sources', ('--since', 'old.map', '--onto', 'old', 'disk.qcow2', 'disk.qcow2', 'new'), 'is of one source'),
           ('another size', ('--since', 'old.map', '--onto', 'old', '--resize', '+1M', 'disk.qcow2', 'new'), 'keeps its size'),
           ('a snapshot', ('--since', 'old.map', '--onto', 'old', '-l', 'one', 'disk.qcow2', 'new'), 'not on a snapshot'),
           ('a format that has none', ('--since', 'old.map', '--onto', 'old', 'disk.raw', 'new'), 'has no bitmaps of changed blocks'),
           ('what comes on a pipe', ('--since', 'old.map', '--onto', 'old', '-f', 'raw', '--source-size', '1M', '-', 'new'), 'it is read as it comes')])
def test_what_convert_does_not_take_one_for(t, words, message):
    converted(t, FORMS[0][1], '64k', MEBI)
    t.run(tap.tool('qemu-img'), 'snapshot', '-c', 'one', 'disk.qcow2')
    with subprocess.Popen(['cat', t.path('disk.raw')], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as cat:
        tap.contains(t.vmferry('convert', *FORMS[0][1], '--bitmap', 'since', *words, stdin=cat.stdout, status=1).stderr, message)
    tap.equal('new' in t.names(), False, 'nothing is made')


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


@tap.rows([(f'{name}, {granularity}', form, granularity) for name, form in FORMS for granularity in ('512', '1M')])
def test_an_export_onto_an_older_target(t, form, granularity):
    """Twice: what is changed without a mark is not read."""
    writes = converted(t, form, granularity, 8 * MEBI)
    with served(t, '-B', 'since') as url:
        tap.equal(onto(t, form, url) > 0, True)
    if granularity == '512':
        change_unmarked(t, writes)
        with served(t, '-B', 'since') as url:
            t.vmferry('convert', *form, '--bitmap', 'since', '--since', 'old.map', '--onto', 'old', url, 'again', env=EPOCH)
        tap.equal(guest(t, form, 'again') == guest(t, form, 'new'), True, 'what is not marked is not read')


def test_an_export_without(t):
    make(t)
    with served(t) as url:
        tap.contains(t.vmferry('apply', '--bitmap', 'since', url, 'copy.raw', status=1).stderr, 'the server offers no bitmap "since"')


tap.main(globals())
