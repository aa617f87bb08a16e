# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`apply` into VHD, VDI and VHDX: the disk is the source's, the image is sound for others, too, and nobody sees it between."""
import random
import struct

import tap
from apply_tools import edited, refused

MEBI = 1 << 20
SIZE = 9 * MEBI + 7 * 512
FORMS = [('dynamic VHD', 'vpc', ()), ('fixed VHD', 'vpc', ('-o', 'subformat=fixed')), ('dynamic VDI', 'vdi', ()), ('fixed VDI', 'vdi', ('-o', 'static=on')),
         ('dynamic VHDX', 'vhdx', ()), ('VHDX with blocks of 1 MiB', 'vhdx', ('-o', 'block_size=1M')), ('VHDX with blocks of 32 MiB', 'vhdx', ('-o', 'block_size=32M')),
         ('fixed VHDX', 'vhdx', ('-o', 'subformat=fixed')), ('VHDX with sectors of 4096 bytes', 'vhdx', ('-o', 'logical_sector_size=4096'))]
QEMU = [('dynamic VHD', 'vpc', 'force_size=on'), ('fixed VHD', 'vpc', 'subformat=fixed,force_size=on'), ('dynamic VDI', 'vdi', 'static=off'),
        ('fixed VDI', 'vdi', 'static=on'), ('dynamic VHDX', 'vhdx', 'block_size=1M'), ('VHDX of zeros', 'vhdx', 'block_size=2M,block_state_zero=on'),
        ('fixed VHDX', 'vhdx', 'subformat=fixed')]


def some_disk(choice, size=SIZE):
    """Some of its blocks are all zeros."""
    parts = [choice.choice([bytes(700000), bytes(1400000), choice.randbytes(300000)]) for _ in range(size // 300000)]
    return b''.join(parts)[:size].ljust(size, b'\0')


def size_for(form):
    """7-Zip opens no VHDX with a disk of broken MiB."""
    return SIZE // MEBI * MEBI if form == 'vhdx' else SIZE


def sound(t, image, form, disk, qemu=True):
    """By QEMU, 7-Zip and us."""
    t.vmferry('check', image)
    t.vmferry('compare', image, disk)
    if qemu and form != 'vpc':
        tap.contains(t.run(tap.tool('qemu-img'), 'check', '-f', form, image).stdout, 'No errors were found')
    if qemu:
        t.run(tap.tool('qemu-img'), 'compare', '-f', form, '-F', 'raw', image, disk)
    if tap.shutil.which('7zz'):
        kind = 'vhd' if form == 'vpc' else form
        tap.equal(t.run('7zz', 'e', '-so', f'-t{kind}', image, text=False).stdout == t.read(disk), True, '7-Zip')


@tap.rows(FORMS)
def test_an_image_becomes_equal_and_stays_sound(t, form, words):
    choice = random.Random(form + str(words))
    disk = some_disk(choice, size_for(form))
    t.write('disk.raw', disk)
    t.vmferry('convert', '-O', form, *words, 'disk.raw', 'copy.img')
    for version in range(4):
        disk = edited(choice, disk, 6, 2000000)
        t.write('disk.raw', disk)
        t.vmferry('apply', '--verify', '-F', form, '-m', str(version % 2 + 1), 'disk.raw', 'copy.img')
        sound(t, 'copy.img', form, 'disk.raw', qemu='logical_sector_size=4096' not in words)
    before = t.read('copy.img')
    tap.contains(t.vmferry('apply', '-F', form, 'disk.raw', 'copy.img').stderr, 'nothing has changed')
    tap.equal(t.read('copy.img') == before, True, 'all of it, with its ids')


@tap.rows(QEMU)
def test_an_image_of_qemu_is_filled(t, form, options):
    choice = random.Random(options)
    size = size_for(form)
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', form, '-o', options, 'copy.img', str(size))
    t.write('disk.raw', choice.randbytes(100000) + bytes(size - 200000) + choice.randbytes(100000))
    t.vmferry('apply', '--verify', '-F', form, 'disk.raw', 'copy.img')
    sound(t, 'copy.img', form, 'disk.raw')
    t.write('disk.raw', choice.randbytes(size))
    t.vmferry('apply', '--verify', '-F', form, 'disk.raw', 'copy.img')
    sound(t, 'copy.img', form, 'disk.raw')


def written_by_qemu(t, form, image):
    t.run(tap.tool('qemu-io'), '-f', form, '-c', f'write -q -P 7 {5 * MEBI} 64k', '-c', 'write -q -P 9 100k 10k', image)


@tap.rows([form for form in FORMS if 'logical_sector_size=4096' not in form[2]])
def test_qemu_writes_on(t, form, words):
    """Where the next block goes is told as QEMU expects it."""
    choice = random.Random(9)
    disk = bytes(size_for(form))
    t.write('disk.raw', disk)
    t.vmferry('convert', '-O', form, *words, 'disk.raw', 'copy.img')
    disk = choice.randbytes(70000) + disk[70000:]
    t.write('disk.raw', disk)
    t.vmferry('apply', '-F', form, 'disk.raw', 'copy.img')
    for image, name in ((form, 'copy.img'), ('raw', 'disk.raw')):
        written_by_qemu(t, image, name)
    sound(t, 'copy.img', form, 'disk.raw')


@tap.rows(FORMS)
def test_only_what_changed_since(t, form, words):
    choice = random.Random(5)
    old = some_disk(choice, size_for(form))
    new = edited(choice, old, 6, 2000000)
    t.write('old.raw', old)
    t.write('new.raw', new)
    t.vmferry('convert', '-O', form, *words, 'old.raw', 'copy.img')
    t.vmferry('convert', '-O', 'qcow2', '-B', 'old.raw', '-F', 'raw', 'new.raw', 'over.qcow2')
    t.vmferry('apply', '--since', 'old.raw', '-F', form, 'over.qcow2', 'copy.img')
    sound(t, 'copy.img', form, 'new.raw', qemu='logical_sector_size=4096' not in words)
    t.write('other.raw', bytes(b ^ 1 for b in old))
    t.vmferry('convert', '-O', form, *words, 'other.raw', 'copy.img')
    before = t.read('copy.img')
    tap.contains(t.vmferry('apply', '--since', 'old.raw', '-F', form, 'over.qcow2', 'copy.img', status=8).stderr, 'this is no copy of the former')
    tap.equal((t.read('copy.img') == before, sorted(t.names())), (True, ['copy.img', 'new.raw', 'old.raw', 'other.raw', 'over.qcow2']), 'what lies there')


# ---- what tells that the image is another one ----

def applied(t, form, name, words=()):
    """Bytes of an image, before and behind."""
    t.write('disk.raw', bytes(SIZE))
    t.vmferry('convert', '-O', form, *words, 'disk.raw', name)
    before = t.read(name)
    t.write('disk.raw', bytes(MEBI) + b'new' + bytes(SIZE - MEBI - 3))
    t.vmferry('apply', 'disk.raw', name)
    return before, t.read(name)


def test_the_ids_of_a_vdi(t):
    before, behind = applied(t, 'vdi', 'copy.vdi')
    tap.equal((behind[392:408] == before[392:408], behind[408:424] == before[408:424]), (True, False), 'its own, and that of its content')
    tap.equal(struct.unpack_from('<I', behind, 388)[0], struct.unpack_from('<I', before, 388)[0] + 1, 'blocks')


def test_the_ids_of_a_vhdx(t):
    before, behind = applied(t, 'vhdx', 'copy.vhdx')
    number = [struct.unpack_from('<Q', before, at)[0] for at in (0x10008, 0x20008)]
    tap.equal(sorted(struct.unpack_from('<Q', behind, at)[0] for at in (0x10008, 0x20008)), [max(number) + 1, max(number) + 2], 'sequence numbers')
    for at in (16, 32):
        tap.equal(behind[0x10000 + at:0x10010 + at] == behind[0x20000 + at:0x20010 + at] != before[0x10000 + at:0x10010 + at], True, f'the id at {at}')
    tap.equal(behind[0x10030:0x10040], bytes(16), 'no log')


def test_a_child_knows_that_its_parent_is_another_one(t):
    t.write('disk.raw', bytes(SIZE))
    t.vmferry('convert', '-O', 'vhdx', 'disk.raw', 'base.vhdx')
    t.vmferry('create', '-f', 'vhdx', '-b', 'base.vhdx', '-F', 'vhdx', 'child.vhdx')
    t.write('disk.raw', b'new' + bytes(SIZE - 3))
    t.vmferry('apply', 'disk.raw', 'base.vhdx')
    tap.contains(t.vmferry('checksum', 'child.vhdx', status=2).stderr, 'was made on the data with id')


def test_the_footer_of_a_vhd_moves(t):
    before, behind = applied(t, 'vpc', 'copy.vhd')
    tap.equal((behind[:512], behind[-512:]), (before[:512], before[-512:]), 'its copies')
    tap.equal(len(behind), len(before) + 512 + 2 * MEBI, 'one block more')


def test_sectors_that_were_not_marked(t):
    """Of QEMU's VHD all are; others mark what was written."""
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'vpc', '-o', 'force_size=on', 'copy.vhd', str(SIZE))
    t.run(tap.tool('qemu-io'), '-f', 'vpc', '-c', 'write -q -P 5 0 64k', 'copy.vhd')
    data = bytearray(t.read('copy.vhd'))
    at = 512 * struct.unpack_from('>I', data, 1536)[0]
    data[at:at + 512] = b'\xff' * 16 + bytes(496)
    t.write('copy.vhd', bytes(data))
    t.vmferry('check', 'copy.vhd')
    t.write('disk.raw', b'\5' * 65536 + bytes(65536) + b'x' * 512 + bytes(SIZE - 131072 - 512))
    t.vmferry('apply', '--verify', 'disk.raw', 'copy.vhd')
    tap.equal(t.read('copy.vhd')[at:at + 512], b'\xff' * 512, 'bitmap')
    sound(t, 'copy.vhd', 'vpc', 'disk.raw')


def test_zeros_become_holes(t):
    """The block stays: what reads the file without holes reads zeros."""
    for form in ('vpc', 'vdi', 'vhdx'):
        size = size_for(form)
        t.write('disk.raw', random.Random(3).randbytes(size))
        t.vmferry('convert', '-O', form, 'disk.raw', 'copy.img')
        full = (t.folder / 'copy.img').stat().st_blocks
        t.write('disk.raw', b'1' * 512 + bytes(size - 512))
        t.vmferry('apply', '-F', form, 'disk.raw', 'copy.img')
        sound(t, 'copy.img', form, 'disk.raw')
        tap.equal((t.folder / 'copy.img').stat().st_blocks < full / 4, True, f'{form}: room')


# ---- refused ----

def patch(t, name, *changes):
    data = bytearray(t.read(name))
    for at, bytes_ in changes:
        data[at:at + len(bytes_)] = bytes_
    t.write(name, bytes(data))


def test_what_would_not_be_kept_up_is_refused(t):
    t.write('disk.raw', b'new' + bytes(SIZE - 3))
    t.write('old.raw', bytes(SIZE))
    t.vmferry('convert', '-O', 'vhdx', 'old.raw', 'base.vhdx')
    t.vmferry('create', '-f', 'vhdx', '-b', 'base.vhdx', '-F', 'vhdx', 'child.vhdx')
    tap.contains(refused(t, 9, 'disk.raw', 'child.vhdx'), 'has a parent')
    t.vmferry('convert', '-O', 'vdi', 'old.raw', 'base.vdi')
    patch(t, 'base.vdi', (76, struct.pack('<I', 4)), (424, bytes(range(16))))
    t.vmferry('convert', '-O', 'vdi', 'old.raw', 'parent.vdi')
    patch(t, 'parent.vdi', (392, bytes(range(16))))
    patch(t, 'base.vdi', (440, t.read('parent.vdi')[408:424]))
    tap.contains(refused(t, 9, 'disk.raw', 'base.vdi'), 'has a parent')
    t.vmferry('convert', '-O', 'vpc', '-o', 'subformat=fixed', 'old.raw', 'saved.vhd')
    footer = bytearray(t.read('saved.vhd')[-512:])
    footer[84] = 1
    footer[64:68] = bytes(4)
    footer[64:68] = struct.pack('>I', ~sum(footer) & 0xffffffff)
    patch(t, 'saved.vhd', (SIZE, bytes(footer)))
    tap.contains(refused(t, 9, 'disk.raw', 'saved.vhd'), 'saved while it ran')


@tap.rows([('a VDI that counts too few blocks', 'vdi', (388, bytes(4))), ('a VHD whose copies of the footer differ', 'vpc', (9, b'\1')),
           ('a VHDX with one header', 'vhdx', (0x10000, b'HEAD'))])
def test_what_is_wrong_already_is_refused(t, form, damage):
    t.write('disk.raw', b'old' + bytes(SIZE - 3))
    t.vmferry('convert', '-O', form, 'disk.raw', 'copy.img')
    patch(t, 'copy.img', damage)
    t.write('disk.raw', b'new' + bytes(SIZE - 3))
    tap.contains(refused(t, 2, '-F', form, 'disk.raw', 'copy.img'), 'a check finds')


tap.main(globals())
