# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What the VMDK reader makes of descriptors in all their spellings, of ESXi's sparse extents, and of
links to parents. Every image is made here, byte by byte."""
import struct
import sys

import tap
from sesparse_maker import sesparse

sys.path.insert(0, str(tap.IMAGES))

import make_vmdk as vmdk

SECTOR = 512
DISK = bytes((number * 7 + number // SECTOR) & 255 for number in range(64 * SECTOR))
TEXT = '''# Disk DescriptorFile
version=1
CID=aabbccdd
parentCID=ffffffff
createType="custom"
# Extent description
{}
# The Disk Data Base
#DDB
ddb.adapterType = "ide"
'''
FLAT = TEXT.format('RW 10 FLAT "a.bin" 3')
MIXED = DISK * 16
PART = DISK[3 * SECTOR:13 * SECTOR]


def same_bytes(t, name, expected):
    t.vmferry('convert', '-O', 'raw', name, 'out.raw')
    assert t.read('out.raw') == expected, f'{name}: the guest bytes are wrong'


@tap.rows([
    ('as VMware writes it', FLAT.encode()),
    ('CRLF', FLAT.replace('\n', '\r\n').encode()),
    ('byte order mark and padding', b'\xef\xbb\xbf' + FLAT.encode() + bytes(700)),
    ('no first line', FLAT.split('\n', 1)[1].encode()),
    ('blanks and upper case', FLAT.replace('RW 10 FLAT "a.bin" 3', '\t rw  10\tflat "a.bin"   3 ').encode()),
    ('quoted keys', FLAT.replace('CID=aabbccdd', ' "cid" = "AABBCCDD" ').encode()),
    ('a number in a value', (FLAT + 'changeTrackPath="Windows 10 x64-ctk.vmdk"\n').encode()),
])
def test_descriptor(t, text):
    t.write('a.bin', DISK)
    t.write('disk.vmdk', text)
    same_bytes(t, 'disk.vmdk', PART)


@tap.rows([(encoding, encoding, codec, name) for encoding, codec, name in (
    ('windows-1252', 'cp1252', 'größe.bin'),
    ('Shift_JIS', 'cp932', '表ソ①~1.bin'),
    ('windows-949-2000', 'cp949', '똠방.bin'),
    ('KS_C_5601-1987', 'cp949', '가상.bin'),
    ('EUC-KR', 'euc_kr', '가상.bin'),
    ('GBK', 'gbk', '虚拟.bin'),
    ('GB2312', 'gbk', '虚拟.bin'),
    ('gb18030', 'gb18030', '虚拟.bin'),
    ('Big5', 'big5', '功能.bin'),
    ('windows-950', 'cp950', '虛擬.bin'),
    ('ibm-874', 'cp874', 'เคร.bin'),
    ('EUC-JP', 'euc_jp', '表.bin'),
    ('ibm-5347_P100-1998', 'cp1251', 'диск.bin'),
    ('UTF-8', 'utf-8', 'b "q" =x.bin'),
    ('klingon', 'ascii', 'a~b.bin'),
)])
def test_encoding(t, encoding, codec, name):
    """As the host's file names are: in code pages of Windows, under the names that ICU has for them."""
    t.write(name, DISK)
    text = FLAT.replace('a.bin', name).replace('createType', f'encoding="{encoding}"\ncreateType')
    t.write('disk.vmdk', text.encode(codec))
    same_bytes(t, 'disk.vmdk', PART)


def test_every_access_and_type_keeps_its_place(t):
    t.write('a.bin', DISK)
    t.write('disk.vmdk', TEXT.format('RW 10 FLAT "a.bin" 3\nRDONLY 5 ZERO\nNOACCESS 7 ZERO\n'
                                     'RDONLY 4 VMFS "a.bin"\nRW 2 FLAT "a.bin" 62').encode())
    same_bytes(t, 'disk.vmdk', PART + bytes(12 * SECTOR) + DISK[:4 * SECTOR] + DISK[62 * SECTOR:])


@tap.rows([
    ('NOACCESS', 'NOACCESS 10 FLAT "a.bin" 0', 9, 'line 7: NOACCESS extent "a.bin"'),
    ('unknown access', 'WR 10 FLAT "a.bin" 0', 2, 'line 7: "WR 10 FLAT "a.bin" 0": unknown access'),
    ('unknown type', 'RW 10 FLATT "a.bin" 0', 2, 'unknown extent type'),
    ('no offset', 'RW 10 FLAT "a.bin"', 2, 'expected an offset in sectors'),
    ('no name', 'RW 10 FLAT "" 0', 2, 'FLAT extent without a file name'),
    ('no quotes', 'RW 10 FLAT a.bin 0', 2, 'expected a file name in quotes'),
    ('no number', 'RW ten FLAT "a.bin" 0', 2, 'expected a number of sectors'),
    ('short file', 'RW 10 FLAT "a.bin" 60', 2, '10 sectors from sector 60'),
    ('raw device map', 'RW 10 VMFSRDM "a.bin"', 9, 'VMFSRDM extent'),
    ('raw device', 'RW 10 VMFSRAW "a.bin"', 9, 'VMFSRAW extent'),
    ('nothing', '', 2, 'lists no extents'),
    ('too many', '\n'.join(['RW 1 ZERO'] * 4097), 2, 'more than 4096 extents'),
    ('stray line', 'RW 1 ZERO\nwhat is this', 2, 'neither a comment, nor KEY=VALUE, nor an extent'),
    ('encrypted', 'RW 1 ZERO\nencryptionKeys="x"', 9, 'the disk is encrypted'),
    ('native snapshot', 'RW 1 ZERO\nisNativeSnapshot="yes"', 9, 'isNativeSnapshot'),
    ('two ids', 'RW 1 ZERO\nCID=1', 2, 'given twice'),
    ('unknown encoding', 'RW 1 FLAT "\xe9"\nencoding="klingon"', 9, 'encoding="klingon" is not known, accepted are UTF-8'),
    ('encoding without ASCII', 'RW 1 ZERO\nencoding="UTF-7"', 9, 'UTF-7'),
    ('hint without id', 'RW 1 ZERO\nparentFileNameHint="x"', 2, 'without a parentCID'),
])
def test_refused_line(t, lines, status, message):
    t.write('a.bin', DISK)
    t.write('disk.vmdk', TEXT.format(lines).encode())
    done = t.vmferry('convert', '-O', 'raw', 'disk.vmdk', 'out.raw', status=status)
    tap.contains(done.stderr, message)
    tap.equal(t.names(), ['a.bin', 'disk.vmdk'], 'files')


@tap.rows([(name, name) for name in ('fullDevice', 'partitionedDevice', 'vmfsRawDeviceMap')])
def test_device_disk(t, name):
    t.write('a.bin', DISK)
    t.write('disk.vmdk', FLAT.replace('custom', name).encode())
    tap.contains(t.vmferry('info', 'disk.vmdk', status=9).stderr, f'createType "{name}"')


def cowd(grains):
    """A COWD extent of 64 sectors with grains of one sector; grains: {number: bytes}."""
    table, data, place = [0] * 4096, b'', 5 + 32
    for number, grain in sorted(grains.items()):
        table[number] = place + len(data) // SECTOR
        data += grain
    header = struct.pack('<4s7I', b'COWD', 1, 3, 64, 1, 4, 1, place + len(data) // SECTOR)
    return (header.ljust(4 * SECTOR, b'\0') + struct.pack('<I', 5).ljust(SECTOR, b'\0') +
            struct.pack('<4096I', *table) + data)


def child(extent, hint, parent='aabbccdd'):
    return (TEXT.format(f'RW 64 {extent}').replace('CID=aabbccdd', 'CID=11111111')
            .replace('parentCID=ffffffff', f'parentCID={parent}\nparentFileNameHint="{hint}"').encode())


@tap.rows([
    ('a plain name', 'p.vmdk', 'p.vmdk'),
    ('a name with a number', 'Windows 10 x64.vmdk', 'Windows 10 x64.vmdk'),
    ('a path of Windows', 'C:\\VMs\\x\\p.vmdk', 'p.vmdk'),
    ('a path of ESXi', '/vmfs/volumes/1234/vm/p.vmdk', 'p.vmdk'),
])
def test_cowd_on_a_parent(t, hint, name):
    t.write('a.bin', DISK)
    t.write(name, TEXT.format('RW 64 FLAT "a.bin" 0').encode())
    t.write('c-delta.vmdk', cowd({3: b'c' * SECTOR, 4: b'd' * SECTOR, 60: b'e' * SECTOR}))
    t.write('c.vmdk', child('VMFSSPARSE "c-delta.vmdk"', hint))
    expected = bytearray(DISK)
    expected[3 * SECTOR:5 * SECTOR] = b'c' * SECTOR + b'd' * SECTOR
    expected[60 * SECTOR:61 * SECTOR] = b'e' * SECTOR
    same_bytes(t, 'c.vmdk', bytes(expected))


@tap.rows([(encoding, encoding, codec, letter) for encoding, codec, letter in (
    ('Shift_JIS', 'cp932', 'ソ'), ('windows-949-2000', 'cp949', '똠'), ('Big5', 'cp950', '功'), ('GBK', 'gbk', '拟'))])
def test_backslashes_are_backslashes_in_any_encoding(t, encoding, codec, letter):
    t.write('a.bin', DISK)
    t.write('p.vmdk', TEXT.format('RW 64 FLAT "a.bin" 0').encode())
    t.write('c-delta.vmdk', cowd({3: b'c' * SECTOR}))
    text = child('VMFSSPARSE "c-delta.vmdk"', f'C:\\{letter}\\p.vmdk').decode()
    t.write('c.vmdk', text.replace('version=1', f'version=1\nencoding="{encoding}"').encode(codec))
    same_bytes(t, 'c.vmdk', DISK[:3 * SECTOR] + b'c' * SECTOR + DISK[4 * SECTOR:])


def test_sesparse_on_a_parent(t):
    grain = 8 * SECTOR
    t.write('a.bin', DISK)
    t.write('p.vmdk', TEXT.format('RW 64 FLAT "a.bin" 0').encode())
    # parent, unmapped, zero, the second grain of the file, the first, parent ...
    entries = [0, 1 << 60 | 5, 2 << 60, 3 << 60 | 1 << 48, 3 << 60, 0]
    t.write('c.bin', sesparse(entries, b'1' * grain + b'2' * grain))
    t.write('c.vmdk', child('SESPARSE "c.bin"', 'p.vmdk'))
    same_bytes(t, 'c.vmdk', DISK[:grain] + bytes(2 * grain) + b'2' * grain + b'1' * grain +
               DISK[5 * grain:])


@tap.rows([
    ('version', 8, 7, 9, 'seSparse header: version 0x7'),
    ('flags', 40, 1, 9, 'flags 0x1, none are known'),
    ('grain size', 24, 16, 9, 'grain size of 16 sectors, accepted is 8'),
    ('journal', SECTOR + 24, 1, 9, 'the journal has to be replayed'),
    ('volatile header', SECTOR, 1, 2, 'volatile header: magic 0x1'),
    ('free bitmap', 160, 1 << 50, 2, 'free bitmap at sector 1125899906842624'),
    ('directory entry', 4 * SECTOR, 1 << 60 | 1, 2, 'grain directory entry at byte 2048'),
    ('table entry', 8 * SECTOR, 4 << 60, 2, 'grain table entry at byte 4096'),
    ('grain', 8 * SECTOR, 3 << 60 | 1 << 20, 2, 'names a grain beyond the end of the file'),
])
def test_damaged_sesparse(t, place, value, status, message):
    image = bytearray(sesparse([0, 3 << 60], b'1' * 8 * SECTOR))
    struct.pack_into('<Q', image, place, value)
    t.write('c.bin', bytes(image))
    t.write('c.vmdk', TEXT.format('RW 64 SESPARSE "c.bin"').encode())
    done = t.vmferry('convert', '-O', 'raw', 'c.vmdk', 'out.raw', status=status)
    tap.contains(done.stderr, message)


def test_another_parent_is_refused(t):
    t.write('a.bin', DISK)
    t.write('p.vmdk', TEXT.format('RW 64 FLAT "a.bin" 0').encode())
    t.write('c.vmdk', child('ZERO', 'p.vmdk', 'aabbccde'))
    done = t.vmferry('convert', '-O', 'raw', 'c.vmdk', 'out.raw', status=2)
    tap.contains(done.stderr, 'parentCID=aabbccde, but the parent')


LONE = [
    ('COWD', cowd({3: b'c' * SECTOR}), bytes(3 * SECTOR) + b'c' * SECTOR + bytes(60 * SECTOR)),
    ('seSparse', sesparse([0, 3 << 60], b'1' * 8 * SECTOR), bytes(8 * SECTOR) + b'1' * 8 * SECTOR + bytes(48 * SECTOR)),
    ('hosted sparse', None, DISK),
]


def test_extents_with_grains_of_two_sizes(t):
    for name, first, second in (('ab.vmdk', 'a.bin', 'b.bin'), ('ba.vmdk', 'b.bin', 'a.bin')):
        t.write('a.bin', vmdk.sparse(MIXED, 'a.bin'))
        t.write('b.bin', vmdk.stream(MIXED, 'b.bin'))
        sectors = len(MIXED) // SECTOR
        t.write(name, vmdk.descriptor('custom', [f'RW {sectors} SPARSE "{first}"', f'RW {sectors} SPARSE "{second}"']))
        same_bytes(t, name, MIXED + MIXED)
        tap.contains(t.vmferry('info', '--output=json', name).stdout, '"cluster-size": 65536')


@tap.rows(LONE)
def test_an_extent_alone_is_no_disk(t, extent, expected):
    """It was read as a disk of zeros with a warning; now only with --bare. info tells what it is."""
    name = 'c-delta.vmdk'
    if extent:
        t.write(name, extent)
    else:
        t.write('a.raw', DISK)
        t.vmferry('convert', '-f', 'raw', '-o', 'subformat=twoGbMaxExtentSparse', 'a.raw', 'c.vmdk')
        (t.folder / 'c-s001.vmdk').rename(t.path(name))
    for words in (('convert', '-O', 'raw', name, 'out.raw'), ('checksum', name), ('compare', name, name), ('map', name),
                  ('measure', '-O', 'raw', name), ('pack', name, '-o', 'out.ova')):
        done = t.vmferry(*words, status=None)
        tap.equal(done.returncode in (1, 2), True, f'{words}: {done.returncode}')
        tap.contains(done.stderr, 'its descriptor is missing')
    t.vmferry('convert', '--bare', '-O', 'raw', name, 'out.raw')
    assert t.read('out.raw') == expected
    done = t.vmferry('info', name)
    tap.contains(done.stdout, 'vmdk')
    tap.contains(done.stderr, 'without its descriptor')


def test_an_extent_alone_is_no_parent(t):
    t.write('c-delta.vmdk', LONE[0][1])
    t.write('d.vmdk', child('ZERO', 'c-delta.vmdk', 'ffffffff'))
    t.write('e.vmdk', child('ZERO', 'c-delta.vmdk'))
    for name in ('d.vmdk', 'e.vmdk'):
        t.vmferry('convert', '--bare', '-O', 'raw', name, 'out.raw', status=2)


@tap.rows([(f'{name}, {number} bytes less', name, number) for name in ('monolithicSparse', 'twoGbMaxExtentSparse')
           for number in (1, 512, 65536, 65536 * 3, 65536 * 5)])
def test_cut_short(t, subformat, number):
    """Neither read nor shown."""
    t.write('a.raw', DISK * 10)
    t.vmferry('convert', '-f', 'raw', '-o', f'subformat={subformat}', 'a.raw', 'a.vmdk')
    extent = t.path('a.vmdk' if subformat == 'monolithicSparse' else 'a-s001.vmdk')
    size = t.folder.joinpath(extent).stat().st_size
    with open(extent, 'r+b') as file:
        file.truncate(size - number)
    for words in (('info', 'a.vmdk'), ('convert', 'a.vmdk', 'out.raw'), ('checksum', 'a.vmdk')):
        tap.contains(t.vmferry(*words, status=2).stderr, 'beyond the end of the file')
    tap.equal((t.folder / 'out.raw').exists(), False, 'a target')


@tap.rows([
    ('flat', 'RW 10 FLAT "a.bin" 3', 'line 7) takes 6656 of its 32768 bytes'),
    ('twice, in two parts', 'RW 10 FLAT "a.bin" 40\nRW 10 FLAT "a.bin" 3', 'line 7) takes 25600 of its 32768 bytes'),
    ('all of it', 'RW 10 FLAT "a.bin" 54\nRW 10 FLAT "a.bin" 3', None),
    ('sparse', 'RW 60 VMFSSPARSE "c.bin"', 'line 7) takes 30720 of its 32768 bytes'),
])
def test_what_a_descriptor_leaves_out_is_told_once(t, lines, message):
    t.write('a.bin', DISK)
    t.write('c.bin', cowd({3: b'c' * SECTOR}))
    t.write('disk.vmdk', TEXT.format(lines).encode())
    done = t.vmferry('convert', '-O', 'raw', 'disk.vmdk', 'out.raw')
    tap.equal(done.stderr.count('not part of the disk'), 1 if message else 0, done.stderr)
    tap.contains(done.stderr, message or '')


tap.main(globals())
