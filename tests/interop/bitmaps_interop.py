# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`convert --bitmaps`: the bitmaps that qemu-img made in a QCOW2, bit by bit in the copy. The bits are read here, and
qemu-img checks the copies."""
import json
import struct

import tap

MIB = 1 << 20


def bitmaps(data):
    """{name: (granularity_bits, flags, bits)} by the specification; None where the file has no such extension."""
    cluster, size = 1 << struct.unpack_from('>I', data, 20)[0], struct.unpack_from('>Q', data, 24)[0]
    at, found = struct.unpack_from('>I', data, 100)[0], None
    while True:
        kind, length = struct.unpack_from('>II', data, at)
        if kind == 0:
            break
        if kind == 0x23852875:
            found = struct.unpack_from('>IIQQ', data, at + 8)
        at += 8 + (length + 7) // 8 * 8
    if found is None:
        return None
    tap.equal(data[95] & 1, 1, 'the autoclear bit')
    result, at = {}, found[3]
    for _ in range(found[0]):
        table, entries, flags, kind, granularity, name, extra = struct.unpack_from('>QIIBBHI', data, at)
        text = data[at + 24 + extra:at + 24 + extra + name].decode()
        stored = b''
        for entry in struct.unpack_from(f'>{entries}Q', data, table):
            host = entry & 0x00fffffffffffe00
            stored += data[host:host + cluster] if host else (b'\xff' if entry & 1 else b'\0') * cluster
        used = -(-size // (1 << granularity))
        tap.equal((kind, entries), (1, -(-(-(-used // 8)) // cluster)), 'type and entries')
        result[text] = granularity, flags, stored[:-(-used // 8)]
        at += (24 + extra + name + 7) // 8 * 8
    tap.equal(at - found[3], found[2], 'bytes of the directory')
    return result


def make(t, size='64M'):
    """Three bitmaps: of a part of the disk, of two parts but disabled, of all of it."""
    qemu = tap.tool('qemu-img')
    t.run(qemu, 'create', '-q', '-f', 'qcow2', 's.qcow2', size)
    for name, granularity in (('four', '4k'), ('disabled', '64k')):
        t.run(qemu, 'bitmap', '--add', '-g', granularity, 's.qcow2', name)
    t.run(tap.tool('qemu-io'), '-c', 'write -P 1 1M 3M', '-c', 'write -P 2 20M 100k', 's.qcow2')
    t.run(qemu, 'bitmap', '--disable', 's.qcow2', 'disabled')
    t.run(qemu, 'bitmap', '--add', '-g', '512', 's.qcow2', 'all \u00e4')
    t.run(tap.tool('qemu-io'), '-c', 'write -P 3 0 64M', 's.qcow2')
    return bitmaps(t.read('s.qcow2'))


@tap.rows([(words, words) for words in ('', '-o cluster_size=512', '-o cluster_size=2M', '-c', '-o preallocation=metadata',
                                        '-o refcount_bits=1,cluster_size=512', '--verify -o extended_l2=on')])
def test_bitmaps_are_copied(t, words):
    made = make(t)
    tap.equal(sorted(made), ['all \u00e4', 'disabled', 'four'], 'bitmaps')
    done = t.vmferry('convert', '--bitmaps', '-O', 'qcow2', *words.split(), 's.qcow2', 'd.qcow2')
    tap.equal(done.stderr, '', 'stderr')
    tap.equal(bitmaps(t.read('d.qcow2')) == made, True, 'bitmaps')
    t.run(tap.tool('qemu-img'), 'check', '-q', 'd.qcow2')
    t.vmferry('check', 'd.qcow2')
    t.vmferry('compare', 's.qcow2', 'd.qcow2')
    theirs = json.loads(t.run(tap.tool('qemu-img'), 'info', '--output=json', 'd.qcow2').stdout)
    tap.equal(theirs['format-specific']['data']['bitmaps'],
              json.loads(t.run(tap.tool('qemu-img'), 'info', '--output=json', 's.qcow2').stdout)['format-specific']['data']['bitmaps'], 'listed')


def test_a_pipe_gets_the_bytes_of_a_file(t):
    make(t)
    t.vmferry('convert', '--bitmaps', '-O', 'qcow2', 's.qcow2', 'd.qcow2')
    t.run('sh', '-c', '"$1" convert --bitmaps -O qcow2 s.qcow2 - | cat >p.qcow2', 'sh', tap.VMFERRY)
    tap.equal(t.read('p.qcow2') == t.read('d.qcow2'), True, 'bytes')


def test_without_bitmaps_or_without_being_asked(t):
    make(t)
    tap.contains(t.vmferry('convert', '-O', 'qcow2', 's.qcow2', 'd.qcow2').stderr, '--bitmaps takes them')
    tap.equal(bitmaps(t.read('d.qcow2')), None, 'bitmaps')
    t.vmferry('convert', '--bitmaps', '-O', 'qcow2', 'd.qcow2', 'e.qcow2')
    tap.equal(bitmaps(t.read('e.qcow2')), None, 'bitmaps of none')


def patch(t, name, field, value):
    """A field of the directory's first entry."""
    data = bytearray(t.read(name))
    at = struct.unpack_from('>Q', data, data.index(struct.pack('>II', 0x23852875, 24)) + 24)[0]
    struct.pack_into(value[0], data, at + field, value[1])
    t.write(name, bytes(data))
    return data, at


@tap.rows([('in use', 12, ('>I', 3), 'is inconsistent'), ('type', 16, ('>B', 2), 'type 2'), ('entries', 8, ('>I', 9), 'table of 9 entries'),
           ('granularity', 17, ('>B', 8), 'granularity_bits 8')])
def test_a_wrong_bitmap_is_not_copied(t, field, value, text):
    make(t)
    patch(t, 's.qcow2', field, value)
    tap.contains(t.vmferry('convert', '--bitmaps', '-O', 'qcow2', 's.qcow2', 'd.qcow2', status=2).stderr, text)
    tap.equal(t.names(), ['s.qcow2'], 'files')


@tap.rows([('an unknown flag', 12, 2 | 0x80, 'flags 0x00000082'), ('extra data', 20, 8, '8 bytes of extra data')])
def test_what_is_not_known_of_a_bitmap_is_not_lost(t, field, value, text):
    make(t)
    patch(t, 's.qcow2', field, ('>I', value))
    tap.contains(t.vmferry('convert', '--bitmaps', '-O', 'qcow2', 's.qcow2', 'd.qcow2', status=9).stderr, text)
    tap.equal(t.names(), ['s.qcow2'], 'files')
    t.run(tap.tool('qemu-img'), 'info', 's.qcow2', status=1)
    t.vmferry('convert', '-O', 'qcow2', 's.qcow2', 'd.qcow2')


def test_check_finds_flags_that_are_not_known(t):
    make(t)
    patch(t, 's.qcow2', 12, ('>I', 0x82))
    tap.contains(t.vmferry('check', 's.qcow2', status=2).stderr, '0x0000000000000082: reserved bits are set')
    tap.contains(t.vmferry('info', 's.qcow2').stdout, ': unknown\n')


@tap.rows([('beyond the file', 1 << 40), ('no cluster', 0x10200), ('reserved bits', 2), ('two meanings', 0x10001)])
def test_a_wrong_table_is_not_copied(t, entry):
    make(t)
    data = bytearray(t.read('s.qcow2'))
    at = struct.unpack_from('>Q', data, data.index(struct.pack('>II', 0x23852875, 24)) + 24)[0]
    struct.pack_into('>Q', data, struct.unpack_from('>Q', data, at)[0], entry)
    t.write('s.qcow2', bytes(data))
    tap.contains(t.vmferry('convert', '--bitmaps', '-O', 'qcow2', 's.qcow2', 'd.qcow2', status=2).stderr, 'table entry at byte')


def test_inconsistent_ones_stay_behind_when_that_is_said(t):
    made = make(t)
    patch(t, 's.qcow2', 12, ('>I', 3))
    done = t.vmferry('convert', '--bitmaps', '--skip-broken-bitmaps', '-O', 'qcow2', 's.qcow2', 'd.qcow2')
    tap.contains(done.stderr, 'stays behind')
    copied = bitmaps(t.read('d.qcow2'))
    tap.equal(len(copied), 2, 'bitmaps')
    tap.equal(all(made[name] == copied[name] for name in copied), True, 'bits')


@tap.rows([('another target', ('-O', 'vmdk'), 'has no bitmaps'), ('version 2', ('-O', 'qcow2', '-o', 'compat=0.10'), 'compat=1.1'),
           ('a snapshot', ('-O', 'qcow2', '-l', 'x'), 'present state'), ('skipped alone', (), '')])
def test_refused(t, words, text):
    make(t)
    if not words:
        t.vmferry('convert', '--skip-broken-bitmaps', 's.qcow2', 'd.raw', status=1)
        return
    tap.contains(t.vmferry('convert', '--bitmaps', *words, 's.qcow2', 'd', status=1).stderr, text)
    t.write('a.raw', bytes(MIB))
    tap.contains(t.vmferry('convert', '--bitmaps', '-O', 'qcow2', 'a.raw', 'd', status=1).stderr, 'is raw and has no bitmaps')


if __name__ == '__main__':
    tap.main(globals())
