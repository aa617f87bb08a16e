# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Apple's disk images: read as 7-Zip and qemu-img read them, their checksums checked."""
import base64
import json
import lzma
import os
import struct
import sys
import zlib

import hostile_case
import tap

sys.path.insert(0, str(tap.IMAGES))
import make_dmg as dmg  # pylint: disable=wrong-import-position
from make_content import LARGE, SMALL  # pylint: disable=wrong-import-position

XZ = {'pack': lzma.compress}
# title, kinds of runs, what else is told of the image, whether qemu-img 7.2 of Debian reads it
MADE = [
    ('zlib', [dmg.ZLIB], {}, True),
    ('as they are', [dmg.STORED], {}, True),
    ('zlib and as they are', [dmg.ZLIB, dmg.STORED], {'run': 7}, True),
    ('bzip2', [dmg.BZIP2], {'run': 2048}, False),
    ('LZMA', [dmg.LZMA], XZ, False),
    ('ADC', [dmg.ADC], {'run': 512}, False),
]


def read(t, name):
    t.vmferry('convert', '-O', 'raw', name, 'out.raw')
    return t.read('out.raw')


@tap.rows(MADE)
def test_runs(t, kinds, more, by_qemu):
    t.write('a.dmg', dmg.disk(LARGE, kinds, **more))
    tap.equal(read(t, 'a.dmg') == LARGE, True, 'content')
    tap.contains(t.vmferry('check', 'a.dmg').stdout, 'No errors were found')
    for threads in ('1', '5'):
        t.vmferry('convert', '-m', threads, 'a.dmg', f'{threads}.qcow2')
    tap.equal(t.read('1.qcow2') == t.read('5.qcow2'), True, 'any number of threads')
    t.vmferry('compare', 'a.dmg', '1.qcow2')
    t.run(tap.tool('7zz'), 'x', '-tdmg', '-oby7z', 'a.dmg')
    found = [t.read(os.path.join('by7z', name)) for name in os.listdir(t.path('by7z'))]
    tap.equal(LARGE in found, True, '7-Zip')
    if by_qemu:
        t.run(tap.tool('qemu-img'), 'convert', '-f', 'dmg', '-O', 'raw', 'a.dmg', 'theirs.raw')
        tap.equal(t.read('theirs.raw') == LARGE, True, 'qemu-img')


def test_tables_in_any_order(t):
    t.write('a.dmg', dmg.disk(LARGE, [dmg.ZLIB, dmg.STORED], tables=5, start=4096))
    tap.equal(read(t, 'a.dmg') == LARGE, True, 'content')
    tap.contains(t.vmferry('check', 'a.dmg').stdout, 'No errors were found')


def test_a_disk_whose_trailer_tells_no_size(t):
    """qemu-img 7.2 makes an empty disk of it, without a word; the tables tell the size."""
    data = bytearray(dmg.disk(LARGE, [dmg.ZLIB]))
    data[-512 + 492:-512 + 500] = bytes(8)
    t.write('a.dmg', bytes(data))
    tap.equal(read(t, 'a.dmg') == LARGE, True, 'content')
    tap.contains(t.vmferry('info', 'a.dmg').stdout, str(len(LARGE)))


def test_info(t):
    t.write('a.dmg', dmg.disk(LARGE, [dmg.ZLIB], tables=2))
    told = json.loads(t.vmferry('info', '--output=json', 'a.dmg').stdout)
    tap.equal((told['format'], told['virtual-size'], told['compressed']), ('dmg', len(LARGE), True), 'info')
    tap.equal(told['format-specific'], {'type': 'dmg', 'data': {'tables': 2, 'runs': 129, 'variant': 'device'}}, 'format-specific')
    tap.contains(t.vmferry('info', '-f', 'udif', 'a.dmg').stdout, 'dmg')


@tap.rows([('that is stored', dmg.STORED, 100), ('that is unpacked', dmg.ADC, 2)])
def test_check_finds_what_no_run_can_tell(t, kind, at):
    """Neither bytes as they are nor ADC have a checksum of their own."""
    data = bytearray(dmg.disk(SMALL, [kind], run=8))
    data[at] ^= 1
    t.write('a.dmg', bytes(data))
    done = t.vmferry('check', 'a.dmg', status=2)
    tap.contains(done.stdout + done.stderr, 'the data fork is damaged')
    tap.contains(done.stdout + done.stderr, 'table 1 is damaged')


@tap.rows([(f'{title}, {what}', kind, at, spoilt, part)
           for title, kind, at in (('that is stored', dmg.STORED, 100), ('that is unpacked', dmg.ADC, 2))
           for what, spoilt, part in (('by the sum of the fork', (), 'the data fork is damaged'), ('by those of the tables', (80,), 'table 1 is damaged'))])
def test_damage_that_no_run_can_tell_is_an_error(t, kind, at, spoilt, part):
    data = bytearray(dmg.disk(SMALL, [dmg.ZLIB, kind], run=8))
    for field in spoilt:
        data[len(data) - 512 + field:len(data) - 512 + field + 4] = bytes(4)  # of no kind
    at += data.index(dmg.PACKERS[kind](SMALL[8 * 512:16 * 512]))
    data[at] ^= 1
    t.write('a.dmg', bytes(data))
    for threads in ('1', '5'):
        tap.contains(t.vmferry('convert', '-m', threads, '-O', 'raw', 'a.dmg', 'out.raw', status=2).stderr, part)
    tap.equal(t.names(), ['a.dmg'], 'files left')
    t.vmferry('convert', '-U', '-O', 'raw', 'a.dmg', 'out.raw')
    tap.equal(sum(a != b for a, b in zip(t.read('out.raw'), SMALL)) in range(1, 4097), True, 'as it is')


def test_a_sum_over_zeros(t):
    """Of any number of them: it is made of the sums of fewer."""
    for sectors in (1, 3, 4097, 100001):
        fork = dmg.Fork()
        table = dmg.table(0, [fork.run(dmg.STORED, 0, SMALL[:512]), fork.run(dmg.ZEROS, 1, bytes(512 * sectors))], SMALL[:512] + bytes(512 * sectors))
        t.write('a.dmg', dmg.image(fork, [table], sectors + 1))
        tap.contains(t.vmferry('check', 'a.dmg').stdout, 'No errors were found')


def test_a_file_system_without_a_trailer(t):
    """An image that can be written has none (UDRW): it is raw, which is told."""
    volume = bytes(1024) + b'H+\0\4\0\0\1\0' + b'8.10' + bytes(500)
    t.write('a.dmg', volume.ljust(64 << 10, b'\0'))
    tap.contains(t.vmferry('convert', '-O', 'raw', 'a.dmg', 'out.raw').stderr, 'warning: a.dmg')
    tap.equal(t.read('out.raw') == t.read('a.dmg'), True, 'content')


def test_a_million_runs(t):
    """The index takes 32 MiB; the property list, 54 MiB here, is read in pieces."""
    count = 1 << 20
    fork = dmg.Fork()
    fork.run(dmg.ZLIB, 0, SMALL[:512])
    runs = b''.join(struct.pack('>IIQQQQ', dmg.ZLIB, 0, number, 1, 0, len(fork.data)) for number in range(count))
    head = bytearray(dmg.table(0, [], b''))[:dmg.TABLE]
    head[72:76], head[200:204] = struct.pack('>I', zlib.crc32(SMALL[:512] * count)), struct.pack('>I', count)
    t.write('a.dmg', dmg.image(fork, [bytes(head) + runs], count))
    status, out, text = hostile_case.run(t, 'info', 'a.dmg', memory=64 << 20)
    tap.equal(status, 0, text)
    tap.contains(out.decode(), f'runs: {count}')


def test_in_a_package(t):
    t.write('a.dmg', dmg.disk(LARGE, [dmg.ADC]))
    t.vmferry('pack', 'a.dmg')
    tap.equal(read(t, 'a.ova').rstrip(b'\0') == LARGE.rstrip(b'\0'), True, 'content')


def test_is_not_written(t):
    t.write('a.raw', LARGE)
    for words in (('convert', '-O', 'dmg', 'a.raw', 'b'), ('create', '-f', 'dmg', 'b', '1M')):
        done = t.vmferry(*words, status=None)
        tap.equal(done.returncode != 0 and 'dmg' in done.stderr, True, done.stderr)
    tap.equal(t.names(), ['a.raw'], 'files')


@tap.rows([('the packed data has one', 2, 'only that of the packed data vouches for it'), ('nothing has one', 0, 'nothing vouches for its data')])
def test_check_tells_of_a_table_without_a_checksum(t, fork, says):
    image = bytearray(dmg.disk(LARGE, [dmg.ZLIB], tables=2))

    lists = bytes(image[image.index(b'<?xml'):image.rindex(b'koly')])
    tables = [bytearray(base64.b64decode(b''.join(part.split(b'</data>')[0].split()))) for part in lists.split(b'<data>')[1:]]
    tap.equal(len(tables), 2, 'tables')
    struct.pack_into('>I', tables[1], 64, 0)
    packed = dmg.Fork()
    packed.data = image[:image.index(b'<?xml')]
    made = bytearray(dmg.image(packed, tables, len(LARGE) // 512))
    struct.pack_into('>I', made, len(made) - 512 + 80, fork)
    t.write('x.dmg', made)
    done = t.vmferry('check', 'x.dmg')
    tap.contains(done.stdout + done.stderr, f'table 2 has no checksum (or one of an unknown kind, 0): {says}')
    tap.equal('table 1' in done.stdout + done.stderr, False, 'table 1 is told of')


def test_a_million_runs_of_zeros(t):
    """An index of 40 bytes a run is all that is kept; hostile_case.run looks at the memory."""
    count = 1000000
    runs = [struct.pack('>IIQQQQ', dmg.ZEROS, 0, at, 1, 0, 0) for at in range(count)]
    t.write('x.dmg', dmg.image(dmg.Fork(), [dmg.table(0, runs, bytes(count * 512))], count))
    status, _, text = hostile_case.run(t, 'convert', '-m', '2', '-O', 'qcow2', 'x.dmg', 'out.qcow2')
    tap.equal((status, text), (0, ''), 'exit status')


tap.main(globals())
