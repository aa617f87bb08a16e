# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`convert --map`, `--since`, `--onto`: targets that use what has not changed again. They are those of a full conversion, to the byte."""
import hashlib
import os
import random
import re
import struct
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))

import make_vhd

MEBI, HEAD, RECORD = 1 << 20, 256, 64
EPOCH = {'SOURCE_DATE_EPOCH': '1700000000'}
STREAM = ('-O', 'vmdk', '-o', 'subformat=streamOptimized')
FORMS = [('streamOptimized', STREAM), ('qcow2 -c', ('-O', 'qcow2', '-c')), ('qcow2 -c, clusters of 4 KiB', ('-O', 'qcow2', '-c', '-o', 'cluster_size=4k')),
         ('qcow2 -c, zstd', ('-O', 'qcow2', '-c', '-o', 'compression_type=zstd')),
         ('raw.gz', ('-O', 'raw', '-o', 'compress=gz')), ('raw.zst', ('-O', 'raw', '-o', 'compress=zst'))]
FIXED = [('raw', ('-O', 'raw')), ('fixed VHD', ('-O', 'vpc', '-o', 'subformat=fixed')), ('static VDI', ('-O', 'vdi', '-o', 'static=on')),
         ('fixed VHDX', ('-O', 'vhdx', '-o', 'subformat=fixed')), ('raw, zeros stored', ('-O', 'raw', '-S', '0'))]


def some_disk(choice, size):
    """Texts, noise and zeros."""
    parts, left = [], size
    while left > 0:
        text = b' '.join(b'%d' % choice.randrange(1000) for _ in range(9000))
        parts.append(choice.choice([text, text, bytes(50000), choice.randbytes(70000)])[:left])
        left -= len(parts[-1])
    return b''.join(parts)


def edited(choice, disk, edits):
    disk = bytearray(disk)
    for _ in range(edits):
        at, length = choice.randrange(len(disk)), choice.choice([1, 512, 4096, 70000])
        piece = choice.choice([bytes, choice.randbytes])(min(length, len(disk) - at))
        disk[at:at + len(piece)] = piece
    return bytes(disk)


def convert(t, form, target, *words, **options):
    return t.vmferry('convert', '-v', *form, *words, 'disk.raw', target, env=EPOCH, **options)


def reused(done):
    found = re.search(r'(\d+) units are those of', done.stderr)
    return int(found[1]) if found else 0


@tap.rows([(name, form, 0 if 'compress=' in str(form) else 9) for name, form in FORMS] + [(name, form, 0) for name, form in FIXED])
def test_the_bytes_of_a_full_conversion(t, form, least):
    """A disk of several versions: each onto the one before, some with another size. What has fixed places, and is not told, is read."""
    choice = random.Random(str(form))
    disk = some_disk(choice, 5 * MEBI + 512)
    t.write('disk.raw', disk)
    convert(t, form, 'v0', '--map', 'v0.map')
    for version in range(1, 4):
        disk = edited(choice, disk, 6 if least else 1) + some_disk(choice, choice.choice([0, 0, 300 * 512]))
        t.write('disk.raw', disk)
        convert(t, form, 'full', '-m', '1', '--map', 'full.map')
        done = convert(t, form, f'v{version}', '-m', '3', '--since', f'v{version - 1}.map', '--onto', f'v{version - 1}', '--map', f'v{version}.map')
        tap.equal(t.read(f'v{version}') == t.read('full'), True, f'version {version}')
        tap.equal(t.read(f'v{version}.map') == t.read('full.map'), True, f'the map of version {version}')
        tap.equal(reused(done) >= least, True, done.stderr)


def two_versions(t, form=STREAM, size=3 * MEBI):
    choice = random.Random(str(form))
    disk = some_disk(choice, size)
    t.write('disk.raw', disk)
    convert(t, form, 'old', '--map', 'old.map')
    t.write('disk.raw', disk[:100] + b'changed' + disk[107:])
    convert(t, form, 'full')


def test_the_older_one_is_replaced(t):
    two_versions(t)
    convert(t, STREAM, 'old', '--since', 'old.map', '--onto', 'old', '--map', 'old.map', '--verify')
    tap.equal(t.read('old') == t.read('full'), True)
    done = convert(t, STREAM, 'old', '--since', 'old.map', '--onto', 'old', '--map', 'old.map')
    tap.equal(t.read('old') == t.read('full'), True, 'again')
    tap.equal(reused(done), struct.unpack_from('<Q', t.read('old.map'), 16)[0], 'all units')


def test_what_the_source_has_packed_stays_as_it_has_it(t):
    """It is not what packing would make, so nothing of it is used where that is asked for."""
    two_versions(t)
    t.vmferry('convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized,compression_level=9', 'disk.raw', 'small.vmdk')
    for source, target in (('small.vmdk', 'a'), ('disk.raw', 'b')):
        t.vmferry('convert', *STREAM, '--map', target + '.map', source, target, env=EPOCH)
    for source, since in (('small.vmdk', 'b'), ('disk.raw', 'a'), ('small.vmdk', 'a')):
        t.vmferry('convert', *STREAM, source, 'whole', env=EPOCH)
        t.vmferry('convert', *STREAM, '--since', since + '.map', '--onto', since, source, 'next', env=EPOCH)
        tap.equal(t.read('next') == t.read('whole'), True, f'{source} onto {since}')


def test_an_older_one_that_is_damaged_is_not_used(t):
    for form in (STREAM, FORMS[1][1]):
        two_versions(t, form)
        damaged = bytearray(t.read('old'))
        for at in range(len(damaged) // 4, len(damaged), len(damaged) // 4):
            damaged[at] ^= 1
        t.write('old', damaged)
        done = convert(t, form, 'new', '--since', 'old.map', '--onto', 'old')
        tap.equal(t.read('new') == t.read('full'), True, str(form))
        tap.contains(done.stderr, 'units are not as its map has them, and were made anew')
        tap.equal(reused(done) > 8, True, 'the others are')


def test_one_that_does_not_belong_to_the_map_is_not_used(t):
    two_versions(t)
    t.write('longer', t.read('old') + b'x')
    done = convert(t, STREAM, 'new', '--since', 'old.map', '--onto', 'longer')
    tap.contains(done.stderr, 'the file is not the one that it was made with; all is made anew')
    tap.equal(t.read('new') == t.read('full'), True)
    for other in (FORMS[1][1], (*STREAM[:3], 'subformat=streamOptimized,compression_level=9')):
        convert(t, other, 'whole')
        done = convert(t, other, 'new', '--since', 'old.map', '--onto', 'old')
        tap.contains(done.stderr, 'it is of a target with other options')
        tap.equal(t.read('new') == t.read('whole'), True, str(other))


# ---- what the chain tells ----

def overlays(t, form, size=5 * MEBI):
    """A disk, its map, and two overlays on it, each with some changes and holes."""
    choice = random.Random(str(form) + 'chain')
    disk = some_disk(choice, size)
    t.write('base.raw', disk)
    t.vmferry('convert', *form, '--map', 'old.map', 'base.raw', 'old', env=EPOCH)
    under = ('base.raw', 'raw')
    for name in ('one.qcow2', 'two.qcow2'):
        disk = edited(choice, disk, 3) + some_disk(choice, 512 * 300)
        t.write('changed.raw', disk)
        t.vmferry('convert', '-O', 'qcow2', '-B', under[0], '-F', under[1], 'changed.raw', name)
        under = (name, 'qcow2')


def onto(t, form, source, *words):
    t.vmferry('convert', *form, '-m', '1', '--map', 'full.map', source, 'full', env=EPOCH)
    done = t.vmferry('convert', '-v', *form, '-m', '3', '--since', 'old.map', '--onto', 'old', '--map', 'new.map', *words, source, 'new', env=EPOCH)
    tap.equal(t.read('new') == t.read('full'), True, source)
    tap.equal(t.read('new.map') == t.read('full.map'), True, f'the map of {source}')
    return int(re.search(r', (\d+) of them unread', done.stderr)[1])


@tap.rows(FORMS[:4] + FIXED)
def test_what_an_overlay_does_not_hold_is_not_read(t, form):
    overlays(t, form)
    for source, least in (('base.raw', 30), ('one.qcow2', 10), ('two.qcow2', 5)):
        tap.equal(onto(t, form, source) > least, True, source)
    tap.equal(onto(t, form, 'two.qcow2', '--checksum'), 0, 'a checksum is of all bytes')


def children(t, form, base, changed):
    """A disk of a format, and one made on it."""
    if form == 'vpc':
        t.write('base.vhd', make_vhd.dynamic(base, b'p' * 16))
        t.write('child.vhd', make_vhd.differencing(changed, base, b'c' * 16, b'p' * 16, 'base.vhd'))
        return 'base.vhd', 'child.vhd'
    words, names = form.split(), (f'base.{form.split()[0]}', f'child.{form.split()[0]}')
    t.write('base.raw', base)
    t.write('changed.raw', changed)
    t.vmferry('convert', '-O', words[0], *words[1:], 'base.raw', names[0])
    t.vmferry('convert', '-O', words[0], '-B', names[0], '-F', words[0], 'changed.raw', names[1])
    return names


@tap.rows([(form, form) for form in ('qcow2', 'vmdk', 'vmdk -o subformat=monolithicFlat', 'vhdx', 'vpc')])
def test_what_a_child_of_another_format_does_not_hold_is_not_read(t, form):
    """QCOW2, a delta of a VMDK, differencing VHDX and VHD."""
    choice = random.Random(form)
    base = some_disk(choice, 4 * MEBI)
    below, above = children(t, form, base, base[:MEBI] + choice.randbytes(70000) + base[MEBI + 70000:])
    for target in (STREAM, ('-O', 'raw')):
        t.vmferry('convert', *target, '--map', 'old.map', below, 'old', env=EPOCH)
        tap.equal(onto(t, target, above) > 5, True, f'{above} into {target[1]}')


def test_a_disk_below_that_was_written_to_is_read(t):
    overlays(t, STREAM)
    changed = bytearray(t.read('base.raw'))
    changed[MEBI:MEBI + 9] = b'unnoticed'
    t.write('base.raw', changed)
    tap.equal(onto(t, STREAM, 'two.qcow2'), 0)


def test_a_disk_whose_time_was_set_back_is_read(t):
    """As programs do that keep the times of what they write into."""
    overlays(t, STREAM)
    status, changed = os.stat(t.path('base.raw')), bytearray(t.read('base.raw'))
    first = struct.unpack_from('<Q', t.read('old.map'), HEAD)[0]
    changed[first:first + 9] = b'unnoticed'
    t.write('base.raw', changed)
    os.utime(t.path('base.raw'), ns=(status.st_atime_ns, status.st_mtime_ns))
    for source in ('base.raw', 'two.qcow2'):
        tap.equal(onto(t, STREAM, source), 0, source)


@tap.rows([('raw', ('-O', 'raw'))] + FIXED[1:2] + FORMS[1:2])
def test_what_is_taken_from_a_damaged_one_is_read_instead(t, form):
    """Noise, which is stored as it is."""
    t.write('base.raw', random.Random(7).randbytes(2 * MEBI))
    t.vmferry('convert', *form, '--map', 'old.map', 'base.raw', 'old', env=EPOCH)
    whole = bytearray(t.read('old'))
    whole[MEBI] ^= 1
    t.write('old', whole)
    done = t.vmferry('convert', '-v', *form, '--since', 'old.map', '--onto', 'old', 'base.raw', 'new', env=EPOCH)
    tap.contains(done.stderr, '1 units are not as its map has them, and were made anew')
    tap.contains(done.stderr, '31 units are those of')
    whole[MEBI] ^= 1
    tap.equal(t.read('new') == whole, True)


@tap.rows([FIXED[0], FORMS[1]])
def test_what_is_taken_from_the_older_one_is_not_read(t, form):
    """A map whose sum is that of the damage, of noise, which is stored as it is: it comes from there, not from the source."""
    t.write('base.raw', random.Random(8).randbytes(2 * MEBI))
    t.vmferry('convert', *form, '--map', 'old.map', 'base.raw', 'old', env=EPOCH)
    data, whole = bytearray(t.read('old.map')), bytearray(t.read('old'))
    one, two = (HEAD + place * RECORD for place in (3, 5))
    for at in (one, two):
        start, length = struct.unpack_from('<QI', data, at + 8)
        whole[start:start + length] = b'x' * length
    t.write('old', whole)
    t.vmferry('convert', '-f', form[1], '-O', 'raw', '--map', 'other.map', 'old', 'other')
    other = t.read('other.map')
    for at in (one, two):
        data[at + 48:at + 64] = next(other[found + 48:found + 64] for found in range(HEAD, len(other), RECORD) if other[found:found + 8] == data[at:at + 8])
    t.write('old.map', sealed(data))
    t.vmferry('convert', *form, '--since', 'old.map', '--onto', 'old', 'base.raw', 'new', env=EPOCH)
    t.vmferry('convert', '-f', form[1], '-O', 'raw', 'new', 'new.raw')
    tap.equal([at for at in range(0, 2 * MEBI, 65536) if t.read('new.raw')[at:at + 65536] == b'x' * 65536], [3 * 65536, 5 * 65536])


@tap.rows([FORMS[0], FORMS[1], FIXED[0]])
def test_what_was_lost_is_read_the_next_time(t, form):
    """Though nobody wrote to the disk: it may be readable again, and what is lost is told."""
    t.write('base.raw', some_disk(random.Random(9), MEBI) + random.Random(9).randbytes(MEBI))
    t.write('bad', b'0x0 + 1\n0x0 0x120000 +\n0x120000 0x200 -\n0x120200 0xdfe00 +\n')
    t.vmferry('convert', *form, '-f', 'raw', '--salvage=bad', '--map', 'old.map', 'base.raw', 'old', env=EPOCH, status=11)
    tap.equal(onto(t, form, 'base.raw') > 10, True)


def test_what_is_told_is_not_read(t):
    """A map whose digest of a unit is wrong: that the unit is used shows that nobody looked at its guest bytes."""
    overlays(t, FORMS[1][1])
    lying = bytearray(t.read('old.map'))
    lying[HEAD + 32] ^= 1
    t.write('old.map', sealed(lying))
    words = ('convert', '-v', *FORMS[1][1], '--since', 'old.map', '--onto', 'old')
    units = struct.unpack_from('<Q', lying, 16)[0]
    for more, expected in (((), units), (('--checksum',), units - 1)):
        done = t.vmferry(*words, *more, 'base.raw', 'new', env=EPOCH)
        tap.equal(reused(done), expected, str(more))
        tap.equal(t.read('new') == t.read('old'), True)


# ---- maps of strangers ----

def sealed(data):
    """A map with the digest of its content."""
    return bytes(data[:224]) + hashlib.sha256(bytes(data[HEAD:]) + bytes(data[:224])).digest() + bytes(data[HEAD:])


def field(at, form, value):
    def change(data):
        struct.pack_into(form, data, at, value)
        return sealed(data)
    return change


@tap.rows([
    ('one bit of a record', lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:]), ('one bit of the head', lambda data: data[:24] + bytes([data[24] ^ 1]) + data[25:]),
    ('cut', lambda data: data[:-1]), ('longer', lambda data: data + b'x'), ('empty', lambda data: b''), ('only a head', lambda data: data[:HEAD]), ('no map', lambda data: b'x' * len(data)),
    ('many records', field(16, '<Q', 1 << 62)), ('units of 0', field(40, '<I', 0)), ('units of 3000', field(40, '<I', 3000)), ('units of 4 GiB', field(40, '<I', 1 << 31)),
    ('a unit behind the file', field(HEAD + 8, '<Q', 1 << 40)), ('a unit far behind it', field(HEAD + 8, '<Q', (1 << 64) - 1)), ('a long unit', field(HEAD + 16, '<I', 0xffffffff)),
    ('out of order', field(HEAD + RECORD, '<Q', 0)), ('behind the disk', field(HEAD, '<Q', 1 << 50)), ('between units', field(HEAD, '<Q', 5)), ('guest bytes of none', field(HEAD + 20, '<I', 0)),
    ('more guest bytes than a unit', field(HEAD + 20, '<I', 1 << 30))])
def test_maps_that_are_wrong(t, change):
    two_versions(t, size=MEBI)
    t.write('bad.map', change(bytearray(t.read('old.map'))))
    done = convert(t, STREAM, 'new', '--since', 'bad.map', '--onto', 'old', '--map', 'new.map', status=2)
    tap.contains(done.stderr, 'bad.map: is no map of "convert --map", or damaged')
    tap.equal([name for name in t.names() if name.startswith('new')], [], 'nothing is made')


def test_a_map_that_lies_is_held_against_the_file(t):
    """Each record says that the next one's unit is its own."""
    two_versions(t)
    data = bytearray(t.read('old.map'))
    for at in range(HEAD, len(data) - RECORD, RECORD):
        data[at + 8:at + 20] = data[at + RECORD + 8:at + RECORD + 20]
    t.write('lie.map', sealed(data))
    done = convert(t, STREAM, 'new', '--since', 'lie.map', '--onto', 'old')
    tap.contains(done.stderr, 'units are not as its map has them')
    tap.equal(t.read('new') == t.read('full'), True)


def test_a_map_of_packed_units_where_nothing_is_packed(t):
    t.write('disk.raw', some_disk(random.Random(1), MEBI))
    convert(t, ('-O', 'raw'), 'old', '--map', 'old.map')
    data = bytearray(t.read('old.map'))
    for at in range(HEAD, len(data), RECORD):
        data[at + 28] |= 1
    t.write('lie.map', sealed(data))
    done = convert(t, ('-O', 'raw'), 'new', '--since', 'lie.map', '--onto', 'old', status=2)
    tap.contains(done.stderr, 'a unit is packed, and the head says that none is')


# ---- what is refused ----

@tap.rows([
    ('one in several files', 9, ('-O', 'vmdk', '-o', 'subformat=monolithicFlat', '--map', 'm', 'disk.raw', 'new')), ('an unpacked one', 9, ('-O', 'qcow2', '--map', 'm', 'disk.raw', 'new')),
    ('an overlay', 9, ('-O', 'qcow2', '-c', '-B', 'base.qcow2', '-F', 'qcow2', '--map', 'm', 'disk.raw', 'new')),
    ('a pipe', 9, (*STREAM, '--map', 'm', 'disk.raw', '-')), ('no file', 1, (*STREAM, '--since', 'old.map', 'disk.raw', 'new')),
    ('no map', 1, (*STREAM, '--onto', 'old', 'disk.raw', 'new')), ('in place', 1, (*STREAM, '--in-place', '--since', 'old.map', '--onto', 'old', 'disk.raw', 'old')),
    ('a file that is no map', 1, (*STREAM, '--map', 'vm.ova', 'disk.raw', 'new')), ('one name for both', 1, (*STREAM, '--map', 'new', 'disk.raw', 'new')), ('two names for both', 1, (*STREAM, '--map', './new', 'disk.raw', 'new')), ('the source', 1, (*STREAM, '--map', 'disk.raw', 'disk.raw', 'new')),
    ('a package', 1, ('--map', 'm', 'vm.ova', 'new.ova'))])
def test_refused(t, status, words):
    two_versions(t, size=MEBI)
    t.vmferry('convert', 'disk.raw', 'base.qcow2')
    t.vmferry('pack', 'disk.raw', '-o', 'vm.ova')
    before = {name: t.read(name) for name in t.names()}
    t.vmferry('convert', *words, status=status, text=False)
    tap.equal({name: t.read(name) for name in t.names()} == before, True, 'nothing is made, or changed')


tap.main(globals())
