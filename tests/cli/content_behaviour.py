# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What a file is by its content: no disk, and then named with what to do; a raw disk, whatever its name."""
import io
import os
import struct
import tarfile

import tap

PAGE = b'<!DOCTYPE HTML>\n<html><head><title>404 Not Found</title></head></html>\n'
VMX = b'.encoding = "UTF-8"\nconfig.version = "8"\nvirtualHW.version = "19"\nscsi0:0.fileName = "x.vmdk"\n'
NOISE = bytes(range(1, 256)) * 64
EXE = (b'MZ' + bytes(58) + struct.pack('<I', 128) + bytes(64) + b'PE\0\0').ljust(2048, b'\1')
TEXTS = {
    'a text': b'Hello.\nThis is what somebody wrote.\n',
    'a text in JSON': b'{\n  "disk": "vm.vmdk"\n}\n',
    'a script': b'#!/bin/sh\necho no disk\n',
}


def tar(name):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode='w') as file:
        entry = tarfile.TarInfo(name)
        entry.size = 512
        file.addfile(entry, io.BytesIO(bytes(512)))
    return archive.getvalue()


# what it is, its bytes, the program that unpacks it, the exit status
PACKED = (
    ('gzip', b'\x1f\x8b\x08' + NOISE, 'gzip -dc', 2),
    ('xz', b'\xfd7zXZ\0' + NOISE, 'xz -dc', 2),
    ('zstd', b'\x28\xb5\x2f\xfd' + NOISE, 'zstd -dc', 2),
    ('bzip2', b'BZh91AY&SY' + NOISE, 'bzip2 -dc', 2),
    ('lz4', b'\x04\x22\x4d\x18' + NOISE, 'lz4 -dc', 2),
)

# what it is, its bytes, what is said of it, the exit status
OTHERS = (
    ('lz4 of Linux', b'\x02\x21\x4c\x18' + NOISE, 'lz4 -dc', 2),
    ('zip', b'PK\3\4' + NOISE, 'unzip -p', 2),
    ('7z', b'7z\xbc\xaf\x27\x1c' + NOISE, '7zz e -so', 2),
    ('rar', b'Rar!\x1a\x07\x01' + NOISE, 'unrar', 2),
    ('VMA in lzop', b'\x89LZO\0\r\n\x1a\n' + NOISE, 'lzop -dc', 2),
    ('encrypted DMG', b'encrcdsa' + NOISE, 'hdiutil', 9),
    ('encrypted DMG of version 1', NOISE + b'cdsaencr', 'hdiutil', 9),
    ('sparse image of macOS 26', b'shdw\0\0\0\1' + NOISE, 'ASIF', 9),
    ('LUKS', b'LUKS\xba\xbe\0\3' + NOISE, 'cryptsetup open', 9),
    ('VMCX', b'\x14\x20\x28\x01' + NOISE, 'Hyper-V machine', 2),
    ('VMX', VMX, 'VMware machine (VMX)', 2),
    ('VMX of Windows', b'\xef\xbb\xbf' + VMX.replace(b'\n', b'\r\n'), 'VMware machine (VMX)', 2),
    ('VMSD', b'.encoding = "UTF-8"\nsnapshot.lastUID = "1"\n', '(VMSD)', 2),
    ('libvirt', b"<!--\nvirsh edit\n-->\n\n<domain type='kvm'>\n</domain>\n", 'libvirt machine', 2),
    ('VirtualBox', b'<?xml version="1.0"?>\n<VirtualBox xmlns="x">\n</VirtualBox>\n', '(.vbox)', 2),
    ('XML in UTF-16', '\ufeff<?xml version="1.0"?>\n<a/>\n'.encode('utf-16-le'), 'an XML text', 2),
    ('web page', PAGE, 'fetch it again', 2),
    ('XHTML', b'\n<?xml version="1.0"?>\n<html xmlns="x"></html>\n', 'fetch it again', 2),
    ('Git LFS', b'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n', 'git lfs pull', 2),
    ('PDF', b'%PDF-1.7\n' + NOISE, 'PDF', 2),
    ('PNG', b'\x89PNG\r\n\x1a\n' + NOISE, 'a picture (PNG), and no disk', 2),
    ('SQLite', b'SQLite format 3\0' + NOISE, 'a SQLite database', 2),
    ('EXE', EXE, 'a Windows program', 2),
    ('MSI', b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1' + NOISE, 'MSI', 2),
    ('saved by libvirt', b'LibvirtQemudSave' + NOISE, 'virsh dumpxml', 2),
    ('Android', b'\x3a\xff\x26\xed' + NOISE, 'simg2img', 9),
    ('ELF', b'\x7fELF\2\1\1' + NOISE, 'ELF', 2),
    ('dynamic VHD without footers', bytes(512) + b'cxsparse' + NOISE, 'footer', 2),
    ('empty', b'', 'the file is empty', 2),
)


@tap.rows([(f'{title} as {name}', name, data, says, status) for title, data, says, status in OTHERS
           for name in ('x', 'x.img', 'x.vmdk')])
def test_other_content_is_named(t, name, data, says, status):
    if not data and name == 'x.img':
        raise tap.Skip('a raw disk of no bytes')
    t.write(name, data)
    for command in (('convert', name, 'out.qcow2'), ('info', name), ('checksum', name)):
        done = t.vmferry(*command, status=status)
        tap.contains(done.stderr, says)
        tap.contains(done.stderr, 'say -f raw')
        tap.contains(done.stderr, name)
    tap.equal(t.names(), [name], 'files')


@tap.rows([(f'{title} as {name}', name, data, says) for title, data, says, _ in PACKED for name in ('x.img', 'x.vmdk')])
def test_a_disk_by_name_that_begins_like_packed_data(t, name, data, says):
    test_other_content_is_named(t, name, data, says, 2)


@tap.rows([(title, title, data) for title, data, _, _ in PACKED])
def test_what_only_begins_like_packed_data(t, title, data):
    t.write('x', data)
    for command in (('convert', 'x', 'out.qcow2'), ('info', 'x'), ('checksum', 'x')):
        done = t.vmferry(*command, status=None)
        tap.equal(done.returncode in (2, 9), True, f'exit {done.returncode}')
        tap.contains(done.stderr, f'x: the {title} data')
        tap.contains(done.stderr, 'say -f raw')
    tap.equal(t.names(), ['x'], 'files')


@tap.rows([(title, data) for title, data, _, _ in PACKED + OTHERS])
def test_said_to_be_raw_is_told(t, data):
    t.write('x.img', data)
    done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', 'x.img', 'out.raw')
    tap.contains(done.stderr, 'warning: x.img: the ' + ('content is ' if t.read('x.img') else 'file is empty'))
    tap.equal(t.read('out.raw') == data, True, 'content')


def test_a_plain_disk_said_to_be_raw_is_not_told(t):
    t.write('x.img', NOISE)
    tap.equal(t.vmferry('info', '-f', 'raw', 'x.img').stderr, '', 'warnings')


@tap.rows([(what, what) for what in TEXTS])
def test_texts(t, what):
    """A raw disk may begin like one, and its name counts."""
    t.write('x', TEXTS[what])
    t.write('x.qcow2', TEXTS[what])
    t.write('x.img', TEXTS[what])
    tap.contains(t.vmferry('convert', 'x', 'out.raw', status=2).stderr, f'the content is {what}, and no disk; if it is a raw disk')
    tap.contains(t.vmferry('info', 'x.qcow2', status=2).stderr, f'the content is {what}, and not the qcow2 that the name says')
    tap.equal(t.vmferry('convert', 'x.img', 'out.raw').stderr, '', 'a raw disk by its name')


def test_a_boot_sector_that_begins_like_a_program(t):
    t.write('x', EXE[:510] + b'\x55\xaa' + EXE[512:])
    tap.contains(t.vmferry('info', 'x', status=2).stderr, 'matches no known format')


# ---- raw disks ----

def partitioned(size=1 << 20):
    entry = bytes([0x80, 0, 2, 0, 0x83, 0, 0, 0]) + struct.pack('<II', 1, size // 512 - 1)
    return (bytes(446) + entry + bytes(48) + b'\x55\xaa').ljust(size, b'\1')


def with_bytes(offset, data, fill=b'\xee', size=128 << 10):
    return (fill * offset + data).ljust(size, fill)


EXT = bytearray(60)
EXT[24] = 2
EXT[56:60] = b'\x53\xef\1\0'
DISKS = (
    ('MBR', partitioned()),
    ('GPT', with_bytes(512, b'EFI PART')),
    ('GPT of 4 KiB', with_bytes(4096, b'EFI PART')),
    ('XFS', with_bytes(0, b'XFSB')),
    ('NTFS', with_bytes(3, b'NTFS    ')),
    ('FAT', with_bytes(82, b'FAT32   ')),
    ('ext', with_bytes(1024, bytes(EXT))),
    ('Btrfs', with_bytes(65600, b'_BHRfS_M')),
    ('swap', with_bytes(4086, b'SWAPSPACE2')),
    ('LVM', with_bytes(512, b'LABELONE')),
    ('ISO 9660', with_bytes(32769, b'CD001')),
)
NAMES = ('disk', 'disk.dat', 'disk.2024-01-01', 'disk.backup')


@tap.rows([(f'{title} as {name}', name, data) for title, data in (*DISKS, ('zeros', bytes(3 << 20))) for name in NAMES])
def test_a_disk_is_raw_whatever_its_name(t, name, data):
    t.write(name, data)
    done = t.vmferry('convert', '-O', 'raw', name, 'out.raw')
    tap.equal(done.stderr, '', 'warnings')
    tap.equal(t.read('out.raw') == data, True, 'content')


def test_a_hole_is_a_disk(t):
    t.write('disk', b'')
    os.truncate(t.path('disk'), 1 << 40)
    tap.contains(t.vmferry('info', 'disk').stdout, 'file format: raw')


@tap.rows([(suffix, suffix) for suffix in ('dd', 'DD', 'image', 'disk', 'vol', 'hdd', 'bin', 'raw', 'img')])
def test_raw_by_its_name(t, suffix):
    t.write('x.' + suffix, NOISE)
    tap.contains(t.vmferry('info', 'x.' + suffix).stdout, 'file format: raw')


def test_a_disk_by_its_name_may_be_of_any_format(t):
    t.write('x.disk', (tap.IMAGES / 'good-qcow2-v3.qcow2').read_bytes())
    tap.contains(t.vmferry('info', 'x.disk').stdout, 'file format: qcow2')


def test_a_disk_under_the_name_of_another_format_is_told(t):
    data = partitioned()
    t.write('x-flat.vmdk', data)
    done = t.vmferry('convert', '-O', 'raw', 'x-flat.vmdk', 'out.raw')
    tap.contains(done.stderr, 'x-flat.vmdk: is called like vmdk, but holds a raw disk')
    tap.equal(t.read('out.raw') == data, True, 'content')


@tap.rows([('zeros', bytes(1 << 20)), ('noise', NOISE)])
def test_what_shows_nothing_is_not_taken_against_its_name(t, data):
    """An image whose header is still to be written is zeros."""
    t.write('x.qcow2', data)
    tap.contains(t.vmferry('convert', '-O', 'raw', 'x.qcow2', 'out.raw', status=2).stderr, 'nor is it the qcow2')


def test_a_vhd_that_lost_its_footer(t):
    t.write('disk.raw', partitioned())
    t.vmferry('convert', '-O', 'vhd', '-o', 'subformat=fixed', 'disk.raw', 'disk.vhd')
    data = t.read('disk.vhd')
    for name, left in (('cut.vhd', data[:-512]), ('short.VHD', data[:-70000]), ('spoilt.vhd', data[:-512] + bytes(512))):
        t.write(name, left)
        tap.contains(t.vmferry('convert', '-O', 'raw', name, 'out.raw', status=2).stderr, 'footer, is missing')
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', name, name + '.raw')


def test_zeros_that_end(t):
    t.write('x.dat', bytes(2 << 20) + b'\1')
    t.vmferry('info', 'x.dat', status=2)


def test_compare_takes_unknown_content_as_raw(t):
    t.write('a.dat', NOISE)
    t.write('b.dat', NOISE)
    tap.equal(t.vmferry('compare', 'a.dat', 'b.dat').stderr, '', 'words about what is the same in any format')
    t.write('b.dat', NOISE[:-1] + b'\0')
    t.write('d.dat', NOISE * 2)
    for other, *options in (('b.dat',), ('d.dat', '--strict')):
        done = t.vmferry('compare', *options, 'a.dat', other, status=1)
        for name in ('a.dat', other):
            tap.contains(done.stderr, f'warning: {name}: the content matches no known format: taken as raw')
    tap.contains(t.vmferry('checksum', 'a.dat', status=2).stderr, 'say -f raw')
    t.write('c.dat', b'\x1f\x8b\x08' + NOISE)
    tap.contains(t.vmferry('compare', 'a.dat', 'c.dat', status=2).stderr, 'gzip data is damaged')


tap.main(globals())
