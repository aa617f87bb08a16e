# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`compare` and `checksum`."""
import hashlib
import json
import os
import subprocess

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


def test_an_empty_file_is_a_disk_of_no_bytes(t):
    done = t.vmferry('compare', *pair(t, b''), status=1)
    tap.contains(done.stderr, 'b.raw: the file is empty: taken as a raw disk')
    t.write('a.raw', b'')
    tap.equal(t.vmferry('compare', 'a.raw', 'b.raw').stdout, 'Images are identical.\n')
    t.vmferry('checksum', 'a.raw', status=2)


def test_open_error(t):
    t.write('a.raw', DATA)
    t.vmferry('compare', 'a.raw', 'missing.raw', status=2)
    t.vmferry('compare', tap.IMAGES / 'bad-qcow2-feature.qcow2', 'a.raw', status=2)


@tap.rows([(name, name) for name in ('sha1', 'sha256', 'sha512')])
def test_checksum_algorithms(t, name):
    content = t.write('a.raw', DATA[:100001])
    blocks = b''.join(hashlib.new(name, DATA[:100001][at:at + 65536]).digest() for at in range(0, 100001, 65536))
    expected = hashlib.new(name, blocks + (100001).to_bytes(8, 'little')).hexdigest()
    tap.equal(t.vmferry('checksum', '-a', name, content).stdout, f'blkhash-{name}:{expected}  {content}\n')
    found = json.loads(t.vmferry('checksum', '--output=json', '-a', name, content).stdout)
    tap.equal(found, {'filename': content, 'virtual-size': 100001, 'algorithm': name, 'checksum': expected})


@tap.rows([(name, name) for name in ('sha1', 'sha256', 'sha512')])
def test_plain_checksum(t, name):
    """What sha256sum says of the raw disk, in any format; data, holes and an odd end."""
    content = DATA[:70001] + bytes(5 << 20) + DATA[:3 << 20] + bytes(4096 + 512)
    content += bytes(-len(content) % 512)
    t.write('a.raw', content)
    t.vmferry('convert', '-c', '-O', 'qcow2', 'a.raw', 'a.qcow2')
    for threads in ('1', '3'):
        for image in ('a.raw', 'a.qcow2'):
            tap.equal(t.vmferry('checksum', '--plain', '-m', threads, '-a', name, image).stdout,
                      t.run(tap.tool(name + 'sum'), 'a.raw').stdout.replace('a.raw', image))
    found = json.loads(t.vmferry('checksum', '--plain', '--output=json', 'a.qcow2').stdout)
    tap.equal((found['plain'], found['checksum']), (True, hashlib.sha256(content).hexdigest()))
    with open(t.path('a.raw'), 'rb') as pipe:
        piped = subprocess.run([tap.VMFERRY, 'checksum', '--plain', '-f', 'raw', '-'], stdin=pipe, check=True,
                               stdout=subprocess.PIPE, cwd=t.folder)
    tap.equal(piped.stdout.split()[0].decode(), hashlib.sha256(content).hexdigest())


def test_checksums_read_back(t):
    names = ['a.raw', 'b\\c.raw', 'd\n\\e.raw', 'f\u202e.raw', 'Büro.raw']
    for name in names:
        t.write(name, DATA[:100352])
    lists = [t.write('blocks', t.vmferry('checksum', *names).stdout.encode()),
             t.write('bytes', t.vmferry('checksum', '-a', 'sha512', '--plain', *names).stdout.encode())]
    tap.equal(t.vmferry('checksum', '-c', *lists).stdout.count(': OK\n'), 10)
    tap.equal(t.vmferry('checksum', '-q', '-c', *lists).stdout, '')
    t.write(names[2], DATA[:100351] + b'\0')
    done = t.vmferry('checksum', '-q', '-c', *lists, status=8)
    tap.equal(done.stdout.count('FAILED'), 2, 'altered')
    os.remove(t.path('a.raw'))
    tap.contains(t.vmferry('checksum', '-c', lists[0], status=8).stdout, 'a.raw: FAILED (not read)')


def test_checksums_of_sha256sum_are_read(t):
    t.write('a.raw', DATA)
    t.write('list', t.run(tap.tool('sha256sum'), 'a.raw').stdout.encode())
    tap.equal(t.vmferry('checksum', '-c', 'list').stdout, 'a.raw: OK\n')


@tap.rows([('words', b'not a checksum\n'), ('no name', b'0' * 64 + b'  \n'), ('short', b'0' * 63 + b'  a\n'),
           ('another algorithm', b'blkhash-md5:' + b'0' * 32 + b'  a\n'), ('wrong length', b'blkhash-sha1:' + b'0' * 64 + b'  a\n'),
           ('escape', b'\\' + b'0' * 64 + b'  a\\q\n'), ('long', b'x' * 100000 + b'\n'), ('empty', b''), ('NUL', b'\0\n')])
def test_what_is_no_list_of_checksums(t, content):
    t.write('list', content)
    tap.contains(t.vmferry('checksum', '-c', 'list', status=2).stderr, 'list:1: is no line' if content else 'no checksum')


def test_a_list_says_what_its_checksums_are(t):
    for words in (('--plain',), ('-a', 'sha1'), ('--output=json',)):
        tap.contains(t.vmferry('checksum', '-c', *words, 'list', status=1).stderr, 'cannot be used with it')


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
