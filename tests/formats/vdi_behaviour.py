# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VDI: what VirtualBox relies on in what is written, and how a child finds its parent."""
import struct
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))

import make_vdi as vdi
from make_content import CHILD, LARGE

MIB = 1 << 20
BASE, LEAF, OTHER = (bytes([n]) * 16 for n in (1, 2, 3))
UUID = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'


def word(data, at):
    return struct.unpack_from('<I', data, at)[0]


def sparse(t, name, size, places):
    with open(t.path(name), 'wb') as file:
        for place in places:
            file.seek(place)
            file.write(b'data')
        file.truncate(size)


@tap.rows([('file', 'x.vdi'), ('pipe', '-')])
def test_table_of_many_windows(t, target):
    places = (0, 17 << 30, (17 << 30) + 5 * MIB, 40 << 30)
    sparse(t, 'a.raw', (40 << 30) + MIB, places)
    with open(t.path('out'), 'wb') as pipe:
        t.run(tap.VMFERRY, 'convert', '-O', 'vdi', 'a.raw', target, stdout=pipe, text=False)
    data = t.read('out' if target == '-' else target)
    table = struct.unpack_from('<40961I', data, MIB)
    tap.equal([(i, entry) for i, entry in enumerate(table) if entry != vdi.FREE],
              [(place // MIB, index) for index, place in enumerate(places)], 'entries')
    tap.equal(word(data, 388), 4, 'allocated')
    tap.equal(len(data), word(data, 344) + 4 * MIB, 'size')
    tap.equal(word(data, 344) % MIB, 0, 'alignment')


def test_the_id_is_the_one_that_was_given(t):
    sparse(t, 'a.raw', MIB, (0,))
    t.vmferry('convert', '-O', 'vdi', '-o', 'uuid=' + UUID.upper(), 'a.raw', 'a.vdi')
    tap.equal(t.read('a.vdi')[392:408].hex(), '10b8a76bad9dd11180b400c04fd430c8', 'uuid')
    tap.contains(t.vmferry('info', 'a.vdi').stdout, f'uuid: {UUID}')
    for wrong in ('x', UUID[:-1], UUID + '0', UUID.replace('-', ':'), UUID.replace('6', 'g')):
        tap.contains(t.vmferry('convert', '-O', 'vdi', '-o', 'uuid=' + wrong, 'a.raw', 'b.vdi', status=1).stderr, 'uuid=')


def test_qemus_word_for_a_fixed_disk(t):
    sparse(t, 'a.raw', 3 * MIB, (MIB,))
    t.vmferry('create', '-f', 'vdi', '-o', 'static=on', 'a.vdi', '3M')
    tap.equal(t.read('a.vdi')[76], vdi.FIXED, 'type')
    tap.equal(len(t.read('a.vdi')), 5 * MIB, 'size')


@tap.rows([('differencing', vdi.DIFFERENCING), ('undo', vdi.UNDO)])
def test_parent_is_found_by_its_ids(t, kind):
    t.write('child.vdi', vdi.differencing(CHILD, LARGE, LEAF, BASE, kind))
    t.write('any name.vdi', vdi.dynamic(LARGE, BASE))
    t.write('other.vdi', vdi.dynamic(CHILD, OTHER))
    t.vmferry('convert', 'child.vdi', 'out.raw')
    tap.equal(t.read('out.raw'), CHILD, 'content')
    tap.contains(t.vmferry('info', '--backing-chain', 'child.vdi').stdout, 'any name.vdi')


def test_zero_blocks_hide_the_parent(t):
    gone = bytes(vdi.BLOCK) + LARGE[vdi.BLOCK:]
    t.write('child.vdi', vdi.differencing(gone, LARGE, LEAF, BASE))
    t.write('base.vdi', vdi.dynamic(LARGE, BASE))
    t.vmferry('convert', 'child.vdi', 'out.raw')
    tap.equal(t.read('out.raw'), gone, 'content')


def test_child_that_is_larger_than_its_parent(t):
    grown = LARGE + bytes(vdi.BLOCK) + b'x' * vdi.BLOCK
    t.write('child.vdi', vdi.differencing(grown, LARGE.ljust(len(grown), b'\0'), LEAF, BASE))
    t.write('base.vdi', vdi.dynamic(LARGE, BASE))
    t.vmferry('convert', 'child.vdi', 'out.raw')
    tap.equal(t.read('out.raw'), grown, 'content')


tap.main(globals())
