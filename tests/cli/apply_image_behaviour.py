# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`apply` into QCOW2 images: the disk is the source's, the image is sound, and nobody sees it between."""
import random
import struct
import sys

import tap
from apply_tools import edited, refused

sys.path.insert(0, str(tap.IMAGES))
import make_luks as luks  # pylint: disable=wrong-import-position

MEBI = 1 << 20
FORMS = [('plain', ()), ('packed', ('-c',)), ('packed by zstd', ('-c', '-o', 'compression_type=zstd')), ('version 2', ('-o', 'compat=0.10')),
         ('clusters of 512 bytes', ('-o', 'cluster_size=512')), ('clusters of 512 bytes, packed', ('-c', '-o', 'cluster_size=512')),
         ('clusters of 4 KiB, packed', ('-c', '-o', 'cluster_size=4k')), ('clusters of 2 MiB, packed', ('-c', '-o', 'cluster_size=2M'))]


def some_disk(choice, size=3 * MEBI + 7 * 512):
    parts = [choice.choice([bytes(60000), choice.randbytes(60000), b'text %d ' % choice.randrange(99) * 8000]) for _ in range(size // 50000)]
    return b''.join(parts)[:size].ljust(size, b'\0')


def sound(t, image, disk):
    """By QEMU and by us."""
    t.vmferry('check', image)
    t.vmferry('compare', image, disk)
    tap.contains(t.run(tap.tool('qemu-img'), 'check', image).stdout, 'No errors were found')
    t.run(tap.tool('qemu-img'), 'compare', image, disk)


@tap.rows(FORMS)
def test_an_image_becomes_equal_and_stays_sound(t, words):
    choice = random.Random(str(words))
    disk = some_disk(choice)
    t.write('disk.raw', disk)
    t.vmferry('convert', '-O', 'qcow2', *words, 'disk.raw', 'copy.qcow2')
    for version in range(3):
        disk = edited(choice, disk, 8, 300000)
        t.write('disk.raw', disk)
        t.vmferry('apply', '--verify', '-m', str(version + 1), 'disk.raw', 'copy.qcow2')
        sound(t, 'copy.qcow2', 'disk.raw')
    tap.contains(t.vmferry('apply', 'disk.raw', 'copy.qcow2').stderr, 'nothing has changed')


def test_an_empty_image_is_filled(t):
    """All tables are made; of reference counts there is one, and the image stays as it is where that has no room."""
    t.write('disk.raw', random.Random(2).randbytes(9 * MEBI))
    for size in ('4k', '64k', '512'):
        t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-o', f'cluster_size={size}', 'empty.qcow2', str(9 * MEBI))
        if size == '512':
            tap.contains(refused(t, 9, 'disk.raw', 'empty.qcow2'), 'its table of reference counts has no room')
        else:
            t.vmferry('apply', 'disk.raw', 'empty.qcow2')
            sound(t, 'empty.qcow2', 'disk.raw')


def test_clusters_that_are_reserved_or_marked_as_zeros(t):
    for words in (('-o', 'preallocation=metadata'), ('-o', 'preallocation=full')):
        t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', *words, 'copy.qcow2', '2M')
        t.run(tap.tool('qemu-io'), '-c', 'write -q -P 5 0 512k', '-c', 'write -q -z 0 256k', '-c', 'write -q -z -u 256k 128k', 'copy.qcow2')
        t.write('disk.raw', random.Random(3).randbytes(2 * MEBI))
        t.vmferry('apply', '--verify', 'disk.raw', 'copy.qcow2')
        sound(t, 'copy.qcow2', 'disk.raw')


def versions(t, words=('-c',)):
    choice = random.Random(5)
    old = some_disk(choice)
    t.write('old.raw', old)
    t.write('new.raw', edited(choice, old, 8, 300000))
    t.vmferry('convert', '-O', 'qcow2', *words, 'old.raw', 'copy.qcow2')


def test_only_what_changed_since(t):
    versions(t)
    t.vmferry('convert', '-O', 'qcow2', '-B', 'old.raw', '-F', 'raw', 'new.raw', 'over.qcow2')
    t.vmferry('apply', '--since', 'old.raw', '--verify', 'over.qcow2', 'copy.qcow2')
    sound(t, 'copy.qcow2', 'new.raw')
    tap.contains(t.vmferry('apply', '--since', 'old.raw', 'over.qcow2', 'copy.qcow2').stderr, 'nothing has changed')


def test_a_form_of_the_former_disk_without_that_disk(t):
    versions(t)
    tap.contains(refused(t, 1, '--since-format', 'raw', 'new.raw', 'copy.qcow2'), '--since')


def test_one_that_is_no_copy_stays_as_it_is(t):
    versions(t)
    old, new = t.read('old.raw'), t.read('new.raw')
    first = next(at for at in range(0, len(old), 512) if old[at:at + 512] != new[at:at + 512])
    t.write('other.raw', old[:first] + b'x' * 512 + old[first + 512:])
    t.vmferry('convert', '-O', 'qcow2', 'other.raw', 'copy.qcow2')
    tap.contains(refused(t, 8, '--since', 'old.raw', 'new.raw', 'copy.qcow2'), 'this is no copy of the former')


def locked(form):
    """An encrypted copy, whose secret nobody asks for."""
    def make(t):
        if form == 'luks':
            t.write('copy.qcow2', luks.luks1())
            return
        t.write('text', b'a text')
        t.vmferry('convert', '--target-secret-file', 'text', '-O', form, '-o', 'encrypt.format=luks,encrypt.iter-time=1', 'old.raw', 'copy.qcow2')
    return make


@tap.rows([('a backing file', 'a backing file', lambda t: t.vmferry('convert', '-O', 'qcow2', '-B', 'old.raw', '-F', 'raw', 'new.raw', 'copy.qcow2')),
           ('snapshots', 'internal snapshots', lambda t: t.run(tap.tool('qemu-img'), 'snapshot', '-c', 'one', 'copy.qcow2')),
           ('bitmaps', 'bitmaps of changed blocks', lambda t: t.run(tap.tool('qemu-img'), 'bitmap', '--add', 'copy.qcow2', 'one')),
           ('extended entries', 'extended L2 entries', lambda t: t.run(tap.tool('qemu-img'), 'convert', '-O', 'qcow2', '-o', 'extended_l2=on', 'old.raw', 'copy.qcow2')),
           ('a data file', 'an external data file', lambda t: t.run(tap.tool('qemu-img'), 'convert', '-O', 'qcow2', '-o', 'data_file=beside.raw', 'old.raw', 'copy.qcow2')),
           ('encryption', 'has encryption, and only', locked('qcow2')), ('LUKS', 'is a disk of format luks, and only raw ones', locked('luks')),
           ('narrow counts', 'reference counts of another width', lambda t: t.run(tap.tool('qemu-img'), 'convert', '-O', 'qcow2', '-o', 'refcount_bits=1', 'old.raw', 'copy.qcow2'))])
def test_what_would_not_be_kept_up_is_refused(t, why, make):
    versions(t)
    make(t)
    tap.contains(refused(t, 9, 'new.raw', 'copy.qcow2'), why)


def test_what_is_wrong_already_is_refused(t):
    versions(t, ())
    data = bytearray(t.read('copy.qcow2'))
    block = struct.unpack_from('>Q', data, struct.unpack_from('>Q', data, 48)[0])[0]
    data[block + 11] += 1
    t.write('copy.qcow2', data)
    tap.contains(refused(t, 2, 'new.raw', 'copy.qcow2'), 'a check finds')


def test_a_raw_disk_whose_guest_has_an_image_on_it(t):
    versions(t)
    t.write('copy.raw', t.read('copy.qcow2'))
    tap.contains(refused(t, 9, 'new.raw', 'copy.raw'), 'is a disk of format qcow2')
    t.vmferry('apply', '-F', 'qcow2', 'new.raw', 'copy.raw')
    t.vmferry('compare', '-F', 'qcow2', 'new.raw', 'copy.raw')


@tap.rows([('another version', 7, b'\x13'), ('no magic', 0, bytes(4)), ('an empty file', 0, None)])
def test_a_file_that_is_no_more_the_image_it_is_called_is_refused(t, at, damage):
    """It is not taken for a raw disk, which would be written over what can be repaired."""
    versions(t)
    data = t.read('copy.qcow2')
    t.write('copy.qcow2', data[:at] + damage + data[at + len(damage):] if damage else b'')
    tap.contains(refused(t, 2, 'new.raw', 'copy.qcow2'), 'nor is it the qcow2 that the name says')
    t.write('copy.qcow2', bytes(len(t.read('new.raw'))))
    t.vmferry('apply', '-F', 'raw', 'new.raw', 'copy.qcow2')
    tap.equal(t.read('copy.qcow2') == t.read('new.raw'), True, 'who says so is believed')


def packed(form):
    def make(t):
        t.vmferry('convert', '-O', form, 'old.raw', f'copy.{form}')
        t.run('gzip', t.path(f'copy.{form}'))
        return f'copy.{form}.gz'
    return make


def archived(form):
    def make(t):
        t.vmferry('convert', '-O', form, 'old.raw', f'copy.{form}')
        t.run('tar', '-cf', t.path('copy.tar'), '-C', t.path('.'), f'copy.{form}')
        return 'copy.tar'
    return make


def split(t):
    data = t.read('old.raw')
    for i in range(2):
        t.write(f'copy.00{i + 1}', data[i * MEBI:i * MEBI + MEBI])
    return 'copy.001'


@tap.rows([('raw, packed', packed('raw'), ()), ('raw, packed, and so called', packed('raw'), ('-F', 'raw')), ('QCOW2, packed', packed('qcow2'), ()),
           ('raw, in an archive', archived('raw'), ()), ('QCOW2, in an archive', archived('qcow2'), ()), ('in parts', split, ())])
def test_a_disk_that_is_no_file_by_itself_is_refused(t, make, words):
    """Its places are not those of the file: what is packed would be written over by what it unpacks to."""
    versions(t)
    t.write('old.raw', b'text' * (len(t.read('old.raw')) // 4))
    tap.contains(refused(t, 9, *words, 'new.raw', make(t)), 'only one that is a whole file by itself is written into')


def test_a_disk_of_another_size_is_refused(t):
    versions(t)
    t.write('longer.raw', t.read('new.raw') + bytes(512))
    tap.contains(refused(t, 1, 'longer.raw', 'copy.qcow2'), '"vmferry convert" makes it anew')


tap.main(globals())
