# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`diff` and `apply`: where a disk has changed, and its changes written into a copy."""
import json
import os
import random

import remote_servers
import tap

BLOCK, MEBI = 4096, 1 << 20


def changes(t, *words, status=1):
    """[(start, end, zero)] and the rest of what diff tells."""
    told = json.loads(t.vmferry('diff', '--output=json', *words, status=status).stdout)
    return [(row['start'], row['start'] + row['length'], row['zero']) for row in told.pop('changes')], told


def expected(old, new):
    """The same, by looking at the bytes."""
    size, found = max(len(old), len(new)), []
    old, new = old.ljust(size, b'\0'), new.ljust(size, b'\0')
    for at in range(0, size, BLOCK):
        block = new[at:at + BLOCK]
        if old[at:at + BLOCK] == block:
            continue
        zero = not any(block)
        if found and found[-1][1] == at and found[-1][2] == zero:
            found[-1] = (found[-1][0], at + len(block), zero)
        else:
            found.append((at, at + len(block), zero))
    return found


def edited(disk, seed, edits=12):
    """Another version of a disk: bytes, blocks, zeros, at places of any kind."""
    choice, disk = random.Random(seed), bytearray(disk)
    for _ in range(edits):
        at, length = choice.randrange(len(disk)), choice.choice([1, 511, 512, 4096, 5000, 65536, 200000])
        piece = choice.choice([bytes, choice.randbytes])(min(length, len(disk) - at))
        disk[at:at + len(piece)] = piece
    return bytes(disk)


def some_disk(seed, size=3 * MEBI + 512):
    choice = random.Random(seed)
    return b''.join(choice.choice([bytes, choice.randbytes])(min(size - at, 100000)) for at in range(0, size, 100000))


def test_ranges_are_those_of_the_bytes(t):
    for seed in range(4):
        old = some_disk(seed)
        new = edited(old, seed)
        t.write('old.raw', old)
        t.write('new.raw', new)
        found, told = changes(t, 'old.raw', 'new.raw')
        tap.equal(found, expected(old, new), f'seed {seed}')
        tap.equal((told['old-size'], told['new-size']), (len(old), len(new)))
        tap.equal(told['data-bytes'], sum(end - start for start, end, zero in found if not zero))
        tap.equal(told['zero-bytes'], sum(end - start for start, end, zero in found if zero))


def test_equal_disks(t):
    t.write('a.raw', some_disk(1))
    t.vmferry('convert', 'a.raw', 'a.vmdk')
    tap.equal(t.vmferry('diff', 'a.raw', 'a.vmdk').stdout, '')
    tap.equal(changes(t, 'a.raw', 'a.vmdk', status=0)[0], [])


def test_for_people(t):
    t.write('a.raw', b'x' * BLOCK * 8)
    t.write('b.raw', b'x' * BLOCK * 2 + b'y' * BLOCK + bytes(BLOCK) + b'x' * BLOCK * 4)
    tap.equal([line.split() for line in t.vmferry('diff', 'a.raw', 'b.raw', status=1).stdout.splitlines()],
              [['0x2000', '0x1000', 'data'], ['0x3000', '0x1000', 'zeros']])
    tap.equal(t.vmferry('diff', '-q', 'a.raw', 'b.raw', status=1).stdout, '')


def test_a_longer_disk(t):
    t.write('a.raw', b'x' * MEBI)
    t.write('b.raw', b'x' * MEBI + bytes(MEBI) + b'y')
    tap.equal(changes(t, 'a.raw', 'b.raw')[0], [(2 * MEBI, 2 * MEBI + 1, False)])
    t.write('c.raw', b'x' * MEBI + bytes(512))
    tap.equal(changes(t, 'a.raw', 'c.raw')[0], [], 'a tail of zeros, but other sizes')


def test_what_cannot_be_opened_is_no_difference(t):
    t.write('a.raw', b'x' * 512)
    t.vmferry('diff', 'a.raw', 'missing.raw', status=2)
    t.vmferry('diff', 'a.raw', status=2)
    t.vmferry('diff', 'a.raw', tap.IMAGES / 'bad-qcow2-feature.qcow2', status=9)


def overlay(t, form, base, new):
    """An overlay of `form` on a disk of the same, by the bytes of both."""
    t.write('base.raw', base)
    t.write('new.raw', new)
    t.vmferry('convert', '-O', form, 'base.raw', 'base.' + form)
    t.vmferry('convert', '-O', form, '-B', 'base.' + form, '-F', form, 'new.raw', 'over.' + form)
    return 'base.' + form, 'over.' + form


@tap.rows([(form, form) for form in ('qcow2', 'vmdk')])
def test_an_overlay_and_its_base(t, form):
    for seed in range(3):
        base = some_disk(seed)
        new = edited(base, seed)
        tap.equal(changes(t, *overlay(t, form, base, new))[0], expected(base, new), f'seed {seed}')


def test_what_both_share_is_not_read(t):
    base = b''.join(b'%7d\n' % number for number in range(MEBI // 2))
    t.write('base.raw', base)
    t.write('new.raw', bytes(MEBI) + base[MEBI:])
    t.vmferry('convert', '-c', 'base.raw', 'base.qcow2')
    t.vmferry('convert', '-B', 'base.qcow2', '-F', 'qcow2', 'new.raw', 'over.qcow2')
    stored = bytearray(t.read('base.qcow2'))
    stored[len(stored) // 2:len(stored) // 2 + 512] = b'?' * 512
    t.write('base.qcow2', stored)
    tap.equal(changes(t, 'base.qcow2', 'over.qcow2')[0], [(0, MEBI, True)])
    t.vmferry('compare', 'base.qcow2', 'base.raw', status=3)


def test_an_internal_snapshot(t):
    qemu_img, qemu_io = tap.tool('qemu-img'), tap.tool('qemu-io')
    t.write('a.raw', some_disk(5, 2 * MEBI))
    t.vmferry('convert', 'a.raw', 'a.qcow2')
    t.run(qemu_img, 'snapshot', '-c', 'before', 'a.qcow2')
    t.run(qemu_io, '-c', 'write -P 7 1M 4k', '-c', 'write -P 9 1572864 64k', 'a.qcow2')
    tap.equal(changes(t, '-l', 'before', 'a.qcow2', 'a.qcow2')[0],
              [(MEBI, MEBI + BLOCK, False), (1572864, 1572864 + 65536, False)])


# ---- apply ----

@tap.rows([(form, form) for form in ('raw', 'qcow2', 'vmdk', 'vpc', 'vdi', 'vhdx')])
def test_a_copy_becomes_equal(t, form):
    for seed in range(3):
        old = some_disk(seed, 3 * MEBI)
        new = edited(old, seed)
        t.write('new.raw', new)
        t.write('copy.raw', old)
        t.vmferry('convert', '-O', form, *(['-o', 'force_size=on'] if form == 'vpc' else []), 'new.raw', 'new')
        told = json.loads(t.vmferry('apply', '--output=json', '-f', form, 'new', 'copy.raw').stdout)
        tap.equal(t.read('copy.raw') == new, True, f'seed {seed}')
        tap.equal(told['written'] + told['zeroed'], sum(end - start for start, end, _ in expected(old, new)))
        tap.contains(t.vmferry('apply', '-v', '-f', form, 'new', 'copy.raw').stderr, 'nothing has changed')


def test_only_what_changed_since_a_base_is_written(t):
    for form in ('qcow2', 'vmdk'):
        base = some_disk(7)
        new = edited(base, 8)
        names = overlay(t, form, base, new)
        t.write('copy.raw', base)
        t.vmferry('apply', '--verify', '--since', *names, 'copy.raw')
        tap.equal(t.read('copy.raw') == new, True, form)


def test_an_overlay_of_small_clusters(t):
    """A block of 4 KiB of which only a sector was written is looked at whole."""
    base = random.Random(4).randbytes(MEBI)
    new = bytearray(base)
    for at in (512, 66048, MEBI - 512):
        new[at:at + 512] = b'5' * 512
    t.write('base.raw', base)
    t.write('new.raw', bytes(new))
    t.vmferry('convert', '-O', 'qcow2', '-o', 'cluster_size=512', '-B', 'base.raw', '-F', 'raw', 'new.raw', 'over.qcow2')
    t.write('copy.raw', base)
    tap.equal(changes(t, 'base.raw', 'over.qcow2')[0], expected(base, bytes(new)), 'changes')
    told = json.loads(t.vmferry('apply', '--output=json', '--since', 'base.raw', 'over.qcow2', 'copy.raw').stdout)
    tap.equal((t.read('copy.raw') == new, told['compared'] < MEBI), (True, True), f'{told}')


def test_a_run_that_was_interrupted_is_done_again(t):
    """Whatever it had written: each sector is that of before or that of after."""
    base, choice = some_disk(9), random.Random(9)
    new = edited(base, 10)
    names = overlay(t, 'qcow2', base, new)
    mixed = b''.join(choice.choice((base, new))[at:at + 512] for at in range(0, len(base), 512))
    for words in (('--since', *names), (names[1],)):
        t.write('copy.raw', mixed)
        t.vmferry('apply', *words, 'copy.raw')
        tap.equal(t.read('copy.raw') == new, True, str(words))


def test_a_target_that_is_no_copy_is_refused(t):
    base = random.Random(2).randbytes(MEBI)
    new = base[:BLOCK] + bytes(BLOCK) + base[2 * BLOCK:]
    names = overlay(t, 'qcow2', base, new)
    other = base[:BLOCK + 700] + b'zz' + base[BLOCK + 702:]
    t.write('copy.raw', other)
    tap.contains(t.vmferry('apply', '--since', *names, 'copy.raw', status=8).stderr, f'copy.raw: guest byte {BLOCK + 512}: the sector there')
    tap.equal(t.read('copy.raw') == other, True, 'it is not touched')
    t.write('copy.raw', base[:-1] + bytes([base[-1] ^ 1]))
    tap.contains(t.vmferry('apply', '--verify', '--since', *names, 'copy.raw', status=8).stderr, f'byte {MEBI - 1} is not as it is')
    t.vmferry('apply', '--verify', names[1], 'copy.raw')
    tap.equal(t.read('copy.raw') == new, True, 'without --since')


def test_sizes(t):
    t.write('old.raw', b'a' * MEBI)
    t.write('new.raw', b'a' * MEBI + bytes(MEBI) + b'b' * 512)
    for words in (('--since', 'old.raw'), ()):
        t.write('copy.raw', b'a' * MEBI)
        t.vmferry('apply', *words, 'new.raw', 'copy.raw')
        tap.equal(t.read('copy.raw') == t.read('new.raw'), True, 'a disk that has grown')
    tap.contains(t.vmferry('apply', 'old.raw', 'copy.raw', status=1).stderr, 'makes a shorter one')
    t.vmferry('apply', '--since', 'new.raw', 'old.raw', 'copy.raw', status=1)
    tap.equal(t.read('copy.raw') == t.read('new.raw'), True, 'it is not touched')


def test_a_target_that_is_shorter_than_the_base_is_no_copy(t):
    t.write('old.raw', b'a' * MEBI)
    t.write('new.raw', b'b' + b'a' * (MEBI - 1))
    for content in (b'', b'a' * (MEBI - 512)):
        t.write('copy.raw', content)
        tap.contains(t.vmferry('apply', '-F', 'raw', '--since', 'old.raw', 'new.raw', 'copy.raw', status=1).stderr, 'this is no copy of it')
        tap.equal(t.read('copy.raw') == content, True, 'it is not touched')


def test_a_larger_device_has_nothing_of_a_disk_that_has_grown(t):
    """What stands there behind the old disk is not of it."""
    base, noise = some_disk(15), random.Random(15).randbytes(MEBI)
    t.write('old.raw', base)
    t.write('new.raw', edited(base, 16) + bytes(MEBI // 2) + b'grown' * 1000 + bytes(1192))
    size = len(t.read('new.raw'))
    t.write('copy.raw', base + noise)
    with remote_servers.nbdkit(t, 'file', t.path('copy.raw')) as url:
        t.vmferry('apply', '--since', 'old.raw', 'new.raw', url)
    tap.equal(t.read('copy.raw')[:size] == t.read('new.raw'), True, 'the disk')
    tap.equal(t.read('copy.raw')[size:] == noise[size - len(base):], True, 'the rest')


def test_targets_that_are_refused(t):
    t.write('new.raw', b'n' * MEBI)
    t.vmferry('convert', 'new.raw', 'copy.vmdk')
    whole = t.read('copy.vmdk')
    tap.contains(t.vmferry('apply', 'new.raw', 'copy.vmdk', status=9).stderr, 'of format vmdk, and only raw ones')
    tap.equal(t.read('copy.vmdk') == whole, True, 'it is not touched')
    tap.contains(t.vmferry('apply', 'new.raw', 'new.raw', status=1).stderr, 'is a file of the source')
    t.vmferry('apply', 'new.raw', 'missing.raw', status=1)
    tap.equal('missing.raw' in t.names(), False, 'nothing is made')
    t.vmferry('apply', 'new.raw', '-', status=1)


def test_a_loop_device_on_a_file_of_the_source(t):
    """Whichever of the two is the target."""
    t.write('disk.raw', b'd' * MEBI)
    made = t.run(tap.tool('losetup'), '-f', '--show', t.path('disk.raw'), status=None)
    if made.returncode != 0:
        raise tap.Skip('no loop devices')
    device = made.stdout.strip()
    try:
        t.vmferry('convert', '-O', 'qcow2', '-B', 'disk.raw', '-F', 'raw', 'disk.raw', 'over.qcow2')
        for source, target in (('disk.raw', device), (device, 'disk.raw'), ('over.qcow2', device)):
            tap.contains(t.vmferry('apply', source, target, status=1).stderr, 'is a file of the source')
            tap.contains(t.vmferry('convert', '-O', 'raw', source, target, status=1).stderr, 'is a file of the source')
    finally:
        t.run(tap.tool('losetup'), '-d', device)


def test_zeros_become_holes(t):
    t.write('old.raw', b'a' * 4 * MEBI)
    t.write('copy.raw', b'a' * 4 * MEBI)
    t.vmferry('create', 'new.raw', '4M')
    t.vmferry('apply', 'new.raw', 'copy.raw')
    tap.equal(t.read('copy.raw') == bytes(4 * MEBI), True)
    tap.equal(os.stat(t.path('copy.raw')).st_blocks < 64, True, 'blocks')


def test_into_an_export(t):
    base = some_disk(11)
    new = edited(base, 12)
    names = overlay(t, 'qcow2', base, new)
    for words in (('--since', *names), (names[1],)):
        t.write('copy.raw', base)
        with remote_servers.nbdkit(t, 'file', t.path('copy.raw')) as url:
            t.vmferry('apply', '--verify', *words, url)
        tap.equal(t.read('copy.raw') == new, True, str(words))


def test_names_elsewhere_are_reached(t):
    """Also where what is not named is given up."""
    base, places = some_disk(13), ('since', 'now', 'to')
    for place in places:
        os.mkdir(t.path(place))
    names = overlay(t, 'qcow2', base, edited(base, 14))
    t.write('to/copy.raw', base)
    os.rename(t.path(names[0]), t.path('since/base.qcow2'))
    t.vmferry('convert', '-O', 'raw', 'new.raw', 'now/new.raw')
    t.vmferry('apply', '--since', 'since/base.qcow2', 'now/new.raw', 'to/copy.raw')
    tap.equal(t.read('to/copy.raw') == t.read('new.raw'), True)
    tap.equal(changes(t, 'now/new.raw', 'to/copy.raw', status=0)[0], [])


tap.main(globals())
