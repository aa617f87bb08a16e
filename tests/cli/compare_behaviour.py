# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`compare` and `checksum`."""
import hashlib
import json

import tap

STREAM = tap.IMAGES / 'good-vmdk-stream.vmdk'
DATA = bytes(range(256)) * 4096


def pair(t, other):
    return t.write('a.raw', DATA), t.write('b.raw', other)


def test_same(t):
    tap.equal(t.vmferry('compare', *pair(t, DATA)).stdout, 'Images are identical.\n')
    tap.equal(t.vmferry('compare', '-q', 'a.raw', 'b.raw').stdout, '', 'quiet')
    t.vmferry('compare', '-p', '-f', 'raw', '-F', 'raw', 'a.raw', 'b.raw')


def test_same_in_other_formats(t):
    for name in ('good-qcow2-v2.qcow2', 'good-qcow2-zlib.qcow2', 'good-vmdk-cowd.vmdk', 'good-vhd-dynamic.vhd'):
        t.vmferry('compare', STREAM, tap.IMAGES / name)


@tap.rows([('first byte', 0), ('middle', 500001), ('last byte', len(DATA) - 1)])
def test_different(t, offset):
    other = DATA[:offset] + bytes([DATA[offset] ^ 1]) + DATA[offset + 1:]
    tap.equal(t.vmferry('compare', *pair(t, other), status=1).stdout, f'Content mismatch at offset {offset}!\n')
    tap.equal(t.vmferry('compare', '-s', 'a.raw', 'b.raw', status=1).stdout,
              f'Content mismatch at offset {offset}!\n', 'strict')


def test_zero_tail(t):
    done = t.vmferry('compare', *pair(t, DATA + bytes(8192)))
    tap.equal(done.stdout, 'Warning: Image size mismatch!\nImages are identical.\n')
    tap.equal(t.vmferry('compare', '-s', 'a.raw', 'b.raw', status=1).stdout, 'Strict mode: Image size mismatch!\n')


def test_other_tail(t):
    done = t.vmferry('compare', *pair(t, DATA + bytes(4096) + b'x' * 512), status=1)
    tap.contains(done.stdout, f'Content mismatch at offset {len(DATA) + 4096}!\n')


def test_strict_allocation(t):
    t.write('zeros.raw', bytes(1 << 20))
    t.vmferry('create', 'holes.raw', '1M')
    t.vmferry('compare', 'zeros.raw', 'holes.raw')
    tap.contains(t.vmferry('compare', '-s', 'zeros.raw', 'holes.raw', status=1).stdout, 'block status mismatch!')


def test_open_error(t):
    t.write('a.raw', DATA)
    t.vmferry('compare', 'a.raw', 'missing.raw', status=2)
    t.vmferry('compare', tap.IMAGES / 'bad-qcow2-feature.qcow2', 'a.raw', status=2)


@tap.rows([(name, name) for name in ('sha1', 'sha256', 'sha512')])
def test_checksum_algorithms(t, name):
    content = t.write('a.raw', DATA[:100001])
    blocks = b''.join(hashlib.new(name, DATA[:100001][at:at + 65536]).digest() for at in range(0, 100001, 65536))
    expected = hashlib.new(name, blocks + (100001).to_bytes(8, 'little')).hexdigest()
    tap.equal(t.vmferry('checksum', '-a', name, content).stdout, f'{expected}  {content}\n')
    found = json.loads(t.vmferry('checksum', '--output=json', '-a', name, content).stdout)
    tap.equal(found, {'filename': content, 'virtual-size': 100001, 'algorithm': name, 'checksum': expected})


def test_checksum_of_formats(t):
    sums = {t.vmferry('checksum', '-m', threads, tap.IMAGES / name).stdout.split()[0]
            for name in ('good-vmdk-stream.vmdk', 'good-qcow2-v2.qcow2', 'good-vhd-dynamic.vhd')
            for threads in ('1', '8')}
    tap.equal(len(sums), 1, 'different checksums')


@tap.rows([(name, name) for name in ('avx512', 'sha', 'avx2', 'neon', 'openssl')])
def test_checksum_by_any_instructions(t, name):
    """Whole jobs, single blocks between zeros, and a short one at the end."""
    data = bytes(i * i % 251 for i in range(65536))
    t.write('a.raw', data * 40 + bytes(65536 * 3) + data + bytes(65536 * 31) + data * 5 + data[:1001])
    tap.equal(t.vmferry('checksum', 'a.raw', env={'VMFERRY_SHA256': name}).stdout, t.vmferry('checksum', 'a.raw').stdout)


def test_checksum_of_a_snapshot(t):
    image = tap.IMAGES / 'good-qcow2-snapshot.qcow2'
    tap.equal(t.vmferry('checksum', '-l', 'before', image).stdout.split()[0],
              t.vmferry('checksum', STREAM).stdout.split()[0])


tap.main(globals())
