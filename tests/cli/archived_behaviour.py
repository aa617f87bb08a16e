# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A disk in a tar archive that is no package: GCE's disk.raw, sparse members of GNU tar, boxes of libvirt; hostile maps."""
import gzip
import io
import json
import lzma
import os
import random
import struct
import subprocess
import tarfile

import tap

MIB = 1 << 20
TABLE = b'\xfa' * 446 + struct.pack('<B3xB3xII', 0x80, 0x83, 8, 4000) + bytes(48) + b'\x55\xaa'


def disk(t, name='disk.raw', size=8 * MIB, pieces=40):
    """A file with holes, many stretches of data, and an end that is no multiple of a block."""
    noise = random.Random(3)
    with open(t.path(name), 'wb') as file:
        file.write(TABLE + noise.randbytes(5000))
        for i in range(1, pieces):
            file.seek(size * i // pieces // 4096 * 4096)
            file.write(noise.randbytes(4096))
        file.truncate(size)
        file.seek(size)
        file.write(b'the end')
    return t.read(name)


def content(t, name, *arguments, **options):
    return t.vmferry('convert', '-q', *arguments, '-O', 'raw', name, '-', text=False, **options).stdout


def same(found, expected):
    tap.equal(found == expected, True, f'{len(found)} bytes are the {len(expected)} expected')


FORMS = [(words, *words.split()) for words in (
    'tar --format=oldgnu', 'tar -S --format=oldgnu', 'tar -S --format=gnu', 'tar -S --format=posix', 'tar --format=ustar', 'bsdtar --format=pax',
    'bsdtar --format=gnutar', 'bsdtar --format=ustar')]


@tap.rows(FORMS)
def test_what_tar_writes(t, program, *words):
    data = disk(t)
    t.run(tap.tool(program), *words, '-cf', 'a.tar', 'disk.raw')
    os.remove(t.path('disk.raw'))
    same(content(t, 'a.tar'), data)
    same(content(t, 'a.tar::disk.raw'), data)
    t.write('a.tar.gz', gzip.compress(t.read('a.tar'), 1))
    t.write('a.txz', lzma.compress(t.read('a.tar'), preset=0))
    for name in ('a.tar.gz', 'a.tar.gz::disk.raw', *(['a.txz'] if tap.built_with('liblzma') else [])):
        same(content(t, name), data)
        tap.equal(json.loads(t.vmferry('info', '--output=json', name).stdout)['virtual-size'], len(data), 'size')
    with subprocess.Popen(['cat', t.path('a.tar.gz')], stdout=subprocess.PIPE) as cat:
        same(content(t, '-', stdin=cat.stdout), data)


@tap.rows([(form, form) for form in ('oldgnu', 'posix')])
def test_holes_stay_holes(t, form):
    disk(t, size=200 * MIB, pieces=3)
    t.run(tap.tool('tar'), '-S', f'--format={form}', '-czf', 'a.tar.gz', 'disk.raw')
    t.vmferry('convert', 'a.tar.gz', 'out.raw')
    tap.equal(os.stat(t.path('out.raw')).st_blocks * 512 < MIB, True, 'the space that is taken')
    tap.equal(len(json.loads(t.vmferry('map', '--output=json', 'a.tar.gz').stdout)) > 5, True, 'stretches')
    t.vmferry('compare', 'a.tar.gz', 'disk.raw')


def test_a_box_of_libvirt(t):
    disk(t, 'x.raw')
    t.vmferry('convert', '-c', 'x.raw', 'box.img', '-O', 'qcow2')
    t.write('metadata.json', b'{"provider": "libvirt", "format": "qcow2", "virtual_size": 1}')
    t.write('Vagrantfile', b'Vagrant.configure("2") do |config| end')
    t.run(tap.tool('tar'), '-czf', 'a.box', './metadata.json', './Vagrantfile', './box.img')
    same(content(t, 'a.box')[:8 * MIB + 7], t.read('x.raw'))
    info = json.loads(t.vmferry('info', '--output=json', 'a.box').stdout)
    tap.equal((info['format'], info['filename']), ('qcow2', 'a.box::box.img'), 'info')
    tap.contains(t.vmferry('convert', 'a.box', 'out.qcow2').stderr, 'metadata.json')


def make(t, name, *members):
    with tarfile.open(t.path(name), 'w') as archive:
        for called, data in members:
            entry = tarfile.TarInfo(called)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return name


def test_which_member_is_the_disk(t):
    data = disk(t)
    note = ('README.txt', b'what it is')
    same(content(t, make(t, 'by-name.tar', note, ('d/server.img', data), ('._server.img', b'junk'))), data)
    same(content(t, make(t, 'by-content.tar', note, ('server', data))), data)
    several = make(t, 'several.tar', note, ('a.raw', data), ('b.raw', data[::-1]))
    tap.contains(t.vmferry('info', several, status=1).stderr, 'several.tar::MEMBER: README.txt (10 bytes), a.raw (')
    same(content(t, 'several.tar::b.raw'), data[::-1])
    same(content(t, 'several.tar::./b.raw'), data[::-1])
    tap.contains(t.vmferry('info', 'several.tar::c.raw', status=1).stderr, 'no member "c.raw"')
    tap.contains(t.vmferry('info', make(t, 'none.tar', note), status=2).stderr, 'README.txt')
    with open(t.path('several.tar'), 'rb') as several:
        t.vmferry('convert', '-O', 'raw', '--', '-::b.raw', 'out', stdin=several)
    same(t.read('out'), data[::-1])


def test_the_format_of_the_member_can_be_named(t):
    noise = random.Random(4).randbytes(MIB)
    make(t, 'a.tar', ('noise', noise))
    tap.contains(t.vmferry('info', 'a.tar::noise', status=2).stderr, '-f raw')
    same(content(t, 'a.tar::noise', '-f', 'raw'), noise)
    same(content(t, 'a.tar', '-f', 'raw'), t.read('a.tar'))


def test_what_it_names_is_a_member(t):
    data = disk(t)
    t.vmferry('convert', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', 'disk.raw', 'd.vmdk')
    t.run(tap.tool('tar'), '-Sczf', 'a.tgz', 'd.vmdk', 'd-flat.vmdk')
    same(content(t, 'a.tgz::d.vmdk')[:len(data)], data)
    t.run(tap.tool('tar'), '-czf', 'b.tgz', 'd.vmdk')
    tap.contains(t.vmferry('convert', 'b.tgz', 'out.raw', status=2).stderr, 'no file of the archive')


def test_a_disk_that_begins_like_an_archive_is_a_disk(t):
    make(t, 'x', ('disk.raw', disk(t)))
    for name in ('x.img', 'x.vmdk'):
        os.link(t.path('x'), t.path(name))
        for command in (('convert', name, 'out.qcow2'), ('info', name), ('checksum', name)):
            tap.contains(t.vmferry(*command, status=9).stderr, 'tar -xf')
        same(content(t, name, '-f', 'raw'), t.read('x'))
    same(content(t, 'x'), t.read('disk.raw'))


def test_a_package_has_no_sparse_members(t):
    disk(t)
    t.write('vm.ovf', b'<Envelope/>')
    for form in ('oldgnu', 'posix'):
        t.run(tap.tool('tar'), '-S', f'--format={form}', '-cf', 'vm.ova', 'vm.ovf', 'disk.raw')
        tap.contains(t.vmferry('info', 'vm.ova', status=2).stderr, 'sparse file')


def test_a_signature_is_required(t):
    make(t, 'a.tar', ('disk.raw', disk(t)))
    for name in ('a.tar', 'a.tar::disk.raw'):
        tap.contains(t.vmferry('convert', '--require-signature', name, 'out.raw', status=8).stderr, 'only packages are signed')


# ---- maps that lie ----

def header(name, kind, size, old=b'', magic=b'ustar  \0'):
    block = bytearray(512)
    block[:len(name)] = name
    block[100:136] = b'0000644\0' + b'0000000\0' * 2 + b'%011o\0' % size
    block[136:148] = b'00000000000\0'
    block[148:156] = b' ' * 8
    block[156] = ord(kind)
    block[257:257 + len(magic)] = magic
    block[386:386 + len(old)] = old
    block[148:156] = b'%06o\0 ' % sum(block)
    return bytes(block)


def entry(start, length):
    return b'%011o\0%011o\0' % (start, length)


def old_form(entries, size, stored, data=None, more=(), real=None):
    """A member of the old form: up to four entries in its header, the rest in blocks."""
    head = b''.join(entries).ljust(96, b'\0') + (b'\1' if more else b'\0') + (real or b'%011o\0' % size)
    blocks = b''.join(block.ljust(504, b'\0') + (b'\1' if i + 1 < len(more) else b'\0') + bytes(7) for i, block in enumerate(more))
    data = bytes(stored) if data is None else data
    return header(b'disk.raw', 'S', stored, head) + blocks + data.ljust(-(-len(data) // 512) * 512, b'\0') + bytes(1024)


def pax_form(lines, size, stored, keys=None):
    """A member of form 1.0: the lines, and `stored` bytes of data."""
    records = b''
    for key, value in keys or (('major', '1'), ('minor', '0'), ('name', 'disk.raw'), ('realsize', str(size))):
        text = f' GNU.sparse.{key}={value}\n'.encode()
        records += str(len(text) + 2).encode() + text
    lines = lines.ljust(-(-len(lines) // 512) * 512, b'\0')
    pax = header(b'PaxHeaders/disk.raw', 'x', len(records), magic=b'ustar\00000') + records.ljust(512, b'\0')
    data = lines + bytes(stored)
    return pax + header(b'GNUSparseFile.1/disk.raw', '0', len(data), magic=b'ustar\00000') + data.ljust(-(-len(data) // 512) * 512, b'\0') + bytes(1024)


HUGE = (1 << 63) - 1
HOSTILE = [
    ('overlap', old_form([entry(0, 1024), entry(512, 512)], 4096, 1536), 'at or behind byte 1024', 2),
    ('falling', old_form([entry(1024, 512), entry(0, 512)], 4096, 1024), 'at or behind byte 1536', 2),
    ('beyond the size', old_form([entry(3584, 1024)], 4096, 1024), 'at or before byte 4096', 2),
    ('beyond 2^64', old_form([b'\x80' + b'\xff' * 11 + entry(0, 512)[:12]], 4096, 512), 'not two numbers', 2),
    ('a length of none', old_form([entry(0, 512)[:12] + b'x' * 12], 4096, 512), 'not two numbers', 2),
    ('more data than stored', old_form([entry(0, 1024)], 4096, 512), 'has 1024 bytes of data, but 512', 2),
    ('less data than stored', old_form([entry(0, 512)], 4096, 1024), 'has 512 bytes of data, but 1024', 2),
    ('an entry behind the end', old_form([entry(0, 512), bytes(24), entry(1024, 512)], 4096, 1024), 'all from it on empty', 2),
    ('blocks behind the end', old_form([entry(0, 512)], 4096, 512, more=[entry(1024, 512)]), 'where it is complete', 2),
    ('blocks that never end', old_form([entry(i * 512, 0) for i in range(4)], 4096, 0, more=[b'', b'']), 'where it is complete', 2),
    ('no blocks', header(b'disk.raw', 'S', 0, b''.join(entry(i, 0) for i in range(4)) + b'\1' + b'%011o\0' % 4096), 'where the archive ends', 2),
    ('pieces that readers round up', old_form([entry(0, 100), entry(512, 512)], 4096, 612), 'multiple of 512', 2),
    ('a size of none', old_form([entry(0, 512)], 0, 512, real=b'x' * 12), 'its size is no number', 2),
    ('a size below the data', old_form([entry(0, 512)], 100, 512), 'at or before byte 100', 2),
    ('data beyond the archive', old_form([entry(0, 1 << 20)], 1 << 20, 1 << 20, data=b''), 'reach beyond the end', 2),
    ('of another tar', header(b'disk.raw', 'S', 0, magic=b'ustar\00000') + bytes(1024), "not GNU tar's", 2),
    ('map without lines', pax_form(b'', 4096, 512), 'expected lines', 2),
    ('map cut short', pax_form(b'100\n' + b'0\n0\n' * 90, 4096, 0), 'expected lines', 2),
    ('map longer than stored', pax_form(b'9999999999999999\n' + b'0\n0\n' * 1000, 4096, 0)[:512 * 4] + bytes(2048), 'beyond the end', 2),
    ('map of 2^63', pax_form(b'1\n0\n9223372036854775808\n', 4096, 512), 'below 2^63', 2),
    ('map of letters', pax_form(b'1\n0x0\n512\n', 4096, 512), 'byte 0x78 at its byte 3', 2),
    ('map without an end', pax_form(b'5' * 512, 4096, 512), 'below 2^63', 2),
    ('lines that overlap', pax_form(b'2\n0\n1024\n512\n512\n', 4096, 1536), 'at or behind byte 1024', 2),
    ('lines beyond the size', pax_form(b'1\n4096\n512\n', 4096, 512), 'at or before byte 4096', 2),
    ('lines of less than stored', pax_form(b'1\n0\n512\n', 4096, 1024), 'has 512 bytes of data, but 1024', 2),
    ('form 0.1', pax_form(b'', 4096, 0, [('size', '4096'), ('map', '0,512')]), 'the form 1.0 is', 2),
    ('form 2.0', pax_form(b'', 4096, 0, [('major', '2'), ('minor', '0')]), 'expected 1', 2),
    ('half of the keys', pax_form(b'', 4096, 0, [('major', '1'), ('minor', '0'), ('name', 'x')]), 'but no "GNU.sparse.realsize"', 2),
    ('a name that leads out', pax_form(b'0\n', 0, 0, [('major', '1'), ('minor', '0'), ('name', '../x'), ('realsize', '0')]), '..', 2),
]


@tap.rows(HOSTILE)
def test_a_map_that_lies(t, data, says, status):
    t.write('bad.tar', data)
    t.write('bad.tar.gz', gzip.compress(data))
    for name in ('bad.tar', 'bad.tar.gz', 'bad.tar::disk.raw'):
        done = t.vmferry('convert', name, 'out.raw', status=status)
        tap.contains(done.stderr, says)
    tap.equal(t.names(), ['bad.tar', 'bad.tar.gz'], 'files')


def test_maps_at_the_edge(t):
    for data, size in ((old_form([], 0, 0), 0), (old_form([entry(4096, 0)], 4096, 0), 4096), (old_form([entry(0, 512), entry(512, 512), entry(1024, 3)], 1027, 1027), 1027),
                       (old_form([entry(0, 512)] + [entry(i * 1024, 512) for i in range(1, 4)], 1 << 20, 512 * 25, more=[b''.join(entry(i * 1024, 512) for i in range(4, 25))]), 1 << 20),
                       (pax_form(b'0\n', 4096, 0), 4096), (pax_form(b'1\n4095\n1\n', 4096, 1), 4096)):
        t.write('a.tar', data)
        found = content(t, 'a.tar::disk.raw', '-f', 'raw')
        tap.equal(len(found), size, 'size')
        with tarfile.open(t.path('a.tar')) as archive:
            same(found, archive.extractfile('disk.raw').read())


def test_a_size_beyond_all_is_not_allocated(t):
    t.write('a.tar', old_form([entry(0, 512)], 0, 512, data=TABLE, real=b'\x80' + (1 << 50).to_bytes(11, 'big')))
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'a.tar').stdout)['virtual-size'], 1 << 50, 'size')


tap.main(globals())
