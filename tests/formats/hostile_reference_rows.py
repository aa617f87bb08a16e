# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What the engine decides for all formats: what an image may refer to (REF), what a file is, chains that never end
(LOOP1, LOOP2), parents that are not there (INT1), sizes that cannot be kept (INT7)."""
import os
import socket
import struct

from hostile_case import Row
from hostile_images import (LARGE, QCOW2, SECTOR, SPARSE, UUID, VHD, VHD_FIXED, VHD_PARENT, big, data_file,
                            descriptor, differencing, dynamic_header, embedded, fifo, folder, hard_link, link,
                            overlay, spoil, tiny_overlay, utf16, vmdk)

FORMAT_RAW = ('convert', '-f', 'raw', '-O', 'raw', '{}', 'out.raw')
RAW = bytes(range(256)) * 16 + LARGE[4096:]  # a disk without any magic number
PROTOCOLS = ('json:{"driver":"file","filename":"/etc/passwd"}', 'nbd:unix:/run/x.sock', 'nbd://127.0.0.1:1/x',
             'http://127.0.0.1/x', 'ssh://root@127.0.0.1/x', 'fat:/etc', 'host_device:/dev/sda', 'file:/etc/passwd',
             'C:\\x')
CHAIN = 10000


def link_out(path):
    link('/etc/passwd')(path)


def listening(path):
    """A socket; the program must not hang on it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)


def delta(hint, parent=0x5eed0002):
    text = vmdk.descriptor('monolithicSparse', [f'RW {len(LARGE) // SECTOR} SPARSE "x.vmdk"'], 0x5eed0005, parent,
                           hint)
    return embedded(text)


def flat(name, kind='FLAT', offset=' 0'):
    return descriptor(f'RW 1 {kind} "{name}"{offset}')


OUTSIDE_NAMES = (
    ('absolute', '/etc/passwd', 'which is outside of'),
    ('upwards', '../../etc/passwd', 'which leaves'),
    ('upwards in the middle', 'a/../../etc/passwd', 'which leaves'),
    ('device', '/dev/zero', 'which is outside of'),
    ('symlink', 'out', 'a symlink that leads out of'),
    ('folder that is a symlink', 'outdir/passwd', 'a symlink that leads out of'),
    ('empty after a slash', '/', 'which is outside of'),
)
LINKS = {'out': link_out, 'outdir': link('/etc')}

REF01 = [Row(f'REF01 QCOW2 backing file: {title}', overlay(name, 'raw'), part, files=LINKS)
         for title, name, part in OUTSIDE_NAMES]
REF01 += [
    Row('REF01 QCOW2 backing file: without a format', overlay('/etc/passwd'), 'which is outside of'),
    Row('REF01 QCOW2 backing file: shown by info', overlay('/etc/passwd', 'raw'), 'which is outside of',
        command=('info', '--backing-chain', '{}')),
    Row('REF01 QCOW2 backing file: as a source of compare', overlay('/etc/passwd', 'raw'), 'which is outside of',
        command=('compare', '{}', '{}')),
    Row('REF01 QCOW2 backing file: two steps down', overlay('b.qcow2', 'qcow2'), 'which is outside of',
        files={'b.qcow2': overlay('/etc/passwd', 'raw')}, names='b.qcow2'),
]

REF02 = [Row(f'REF02 QCOW2 data file: {title}', data_file(name), part, files=LINKS)
         for title, name, part in OUTSIDE_NAMES]
REF02 += [
    Row('REF02 QCOW2 data file: bit without a name', spoil(QCOW2, [(72, struct.pack('>Q', 4))]), 'which is not named',
        9),
    Row('REF02 QCOW2 data file: info opens nothing outside', data_file('/etc/passwd'), 'which is outside of',
        command=('info', '{}')),
    Row('REF02 QCOW2 data file: at another guest offset', spoil(data_file('d.img'), []),
        'the offset in the external data file is not the guest\'s', files={'d.img': LARGE}),
]

REF03 = [Row(f'REF03 QCOW2 backing file {name}', overlay(name, 'raw'), 'it names a protocol or a drive')
         for name in PROTOCOLS[1:]]
REF03 += [Row(f'REF03 QCOW2 backing file {PROTOCOLS[0]}', overlay(PROTOCOLS[0], 'raw'), 'its parent cannot be opened')]
REF03 += [Row(f'REF03 QCOW2 data file {name}', data_file(name), 'it names a protocol or a drive')
          for name in PROTOCOLS]
REF03 += [Row(f'REF03 VMDK extent {name}', flat(name), 'it names a protocol or a drive', name='x.vmdk')
          for name in PROTOCOLS]
REF03 += [Row(f'REF03 VMDK parent {name}', delta(name), 'it names a protocol or a drive', name='x.vmdk')
          for name in PROTOCOLS[2:4]]
REF03 += [Row('REF03 QCOW2 backing format nbd', overlay('b.img', 'nbd'), 'format "nbd" is not one that can be read',
              9,
              files={'b.img': RAW}, names='b.img')]

REF04 = [Row(f'REF04 VMDK {kind} extent: {title}', flat(name, kind, offset), part, name='x.vmdk', files=LINKS)
         for title, name, part in OUTSIDE_NAMES
         for kind, offset in (('FLAT', ' 0'), ('VMFS', ''), ('SPARSE', ''), ('VMFSSPARSE', ''), ('SESPARSE', ''))]
REF04 += [Row(f'REF04 VMDK {kind} extent on a device', flat('/dev/sda', kind, ''), 'its data is on a raw device', 9,
              name='x.vmdk') for kind in ('VMFSRDM', 'VMFSRAW')]
REF04 += [
    Row('REF04 VMDK ZERO extent names no file', descriptor('RW 8 ZERO "/etc/passwd"'), '', 0, name='x.vmdk',
        guest=bytes(8 * SECTOR)),
    Row('REF04 VMDK of type fullDevice', vmdk.descriptor('fullDevice', ['RW 1 FLAT "/dev/sda" 0']), 'on a raw device',
        9,
        name='x.vmdk'),
    Row('REF04 VMDK extent: info opens nothing outside', flat('/etc/passwd'), 'which is outside of', name='x.vmdk',
        command=('info', '{}')),
]

REF05 = [Row(f'REF05 VMDK parent: {title}', delta(name), part, name='x.vmdk', files=LINKS)
         for title, name, part in OUTSIDE_NAMES]
REF05 += [
    Row('REF05 VMDK parent with another CID', delta('p.vmdk', 0x12345678),
        'parentCID=12345678, but the parent p.vmdk',
        name='x.vmdk', files={'p.vmdk': SPARSE}),
    Row('REF05 VMDK parent that is no VMDK', delta('p.vmdk'), 'neither a sparse header nor a descriptor',
        name='x.vmdk', files={'p.vmdk': QCOW2}, names='p.vmdk'),
    Row('REF05 VMDK parentCID without a hint', delta(None), 'but no parentFileNameHint says', name='x.vmdk'),
]

REF06 = [
    Row('REF06 VHD parent: UNC path', differencing([(b'W2ku', utf16('\\\\host\\share\\p.vhd'))]),
        'nor is there a "p.vhd" beside', name='x.vhd'),
    Row('REF06 VHD parent: relative path upwards', differencing([(b'W2ru', utf16('..\\..\\etc\\passwd'))]),
        'which leaves', name='x.vhd'),
    Row('REF06 VHD parent: relative path that is absolute', differencing([(b'W2ru', utf16('\\etc\\passwd'))]),
        'which is outside of', name='x.vhd'),
    Row('REF06 VHD parent: relative path with a drive', differencing([(b'W2ru', utf16('C:\\x.vhd'))]),
        'it names a protocol or a drive', name='x.vhd'),
    Row('REF06 VHD parent: symlink', differencing([(b'W2ru', utf16('.\\out'))]), 'a symlink that leads out of',
        name='x.vhd', files=LINKS),
    Row('REF06 VHD parent: URL', differencing([(b'MacX', b'http://host/p.vhd')]), 'names the file "p.vhd"',
        name='x.vhd'),
    Row('REF06 VHD parent: name in the header upwards', differencing(name='..\\..\\etc\\passwd'),
        'nor is there a "passwd" beside', name='x.vhd'),
    Row('REF06 VHD parent: absolute path, found by its name', differencing([(b'W2ku', utf16('C:\\vm\\p.vhd'))]), '',
        0,
        name='x.vhd', files={'p.vhd': VHD_PARENT}, guest=LARGE, warns=True),
    Row('REF06 VHD parent: UNC path, found by its name in another case',
        differencing([(b'W2ku', utf16('\\\\host\\share\\P.VHD'))]), '"//host/share/P.VHD", which it names', 0,
        name='x.vhd', files={'p.vhd': VHD_PARENT}, guest=LARGE, warns=True),
    Row('REF06 VHD parent: another UUID', differencing([(b'W2ru', utf16('.\\p.vhd'))]),
        'was made on the disk with UUID',
        name='x.vhd', files={'p.vhd': VHD}),
    Row('REF06 VHD parent: is no VHD', differencing([(b'W2ru', utf16('.\\p.vhd'))]), 'no VHD footer', name='x.vhd',
        files={'p.vhd': QCOW2}, names='p.vhd'),
    Row('REF06 VHD parent: locator beyond the file',
        spoil(differencing([(b'W2ru', utf16('.\\p.vhd'))]), [dynamic_header(big(576 + 16, 8, 1 << 62))]),
        'a parent locator of', name='x.vhd'),
    Row('REF06 VHD parent: locator of 4 GiB',
        spoil(differencing([(b'W2ru', utf16('.\\p.vhd'))]), [dynamic_header(big(576 + 8, 4, 0xffffffff))]),
        'a parent locator of 4294967295 bytes', name='x.vhd'),
    Row('REF06 VHD parent: half a UTF-16 pair', differencing([(b'W2ru', b'\x00\xd8a\0')]), 'parent locator at byte',
        name='x.vhd'),
]

ELSEWHERE = (  # the same file where the image was made
    ('a drive', 'C:\\VMs\\b.img'),
    ('a drive, by slashes', 'c:/VMs/b.img'),
    ('a share', '\\\\server\\share\\b.img'),
    ('an ESXi host', '/vmfs/volumes/52d6-0a/vm/b.img'),
    ('a datastore', '[store 1] vm/b.img'),
    ('a folder that is gone', 'gone/b.img'),
    ('a folder above', '../b.img'),
    ('another case', 'B.Img'),
    ('an ESXi host, in another case', '/vmfs/volumes/52d6-0a/vm/B.IMG'),
)
REF17 = [Row(f'REF17 QCOW2 backing file on {title}', overlay(name, 'raw'), 'b.img is read instead', 0,
             files={'b.img': LARGE}, guest=LARGE, warns=True) for title, name in ELSEWHERE]
REF17 += [Row(f'REF17 QCOW2 data file on {title}', data_file(name), 'b.img is read instead', 0,
              files={'b.img': LARGE}, warns=True, command=('info', '{}')) for title, name in ELSEWHERE]
REF17 += [Row(f'REF17 VMDK extent on {title}', flat(name), 'b.img is read instead', 0, name='x.vmdk',
              files={'b.img': LARGE[:SECTOR]}, guest=LARGE[:SECTOR], warns=True) for title, name in ELSEWHERE]
REF17 += [Row(f'REF17 VMDK parent on {title}', delta(name), 'b.img is read instead', 0, name='x.vmdk',
              files={'b.img': SPARSE}, guest=LARGE, warns=True) for title, name in ELSEWHERE]
REF17 += [
    Row('REF17 two files that differ in case', flat('/vmfs/B.img'), 'has both', name='x.vmdk',
        files={'b.img': LARGE, 'b.IMG': LARGE}),
    Row('REF17 the exact name wins', flat('/vmfs/B.img'), 'B.img is read instead', 0, name='x.vmdk',
        files={'b.img': LARGE, 'B.img': LARGE[SECTOR:], 'b.IMG': LARGE}, guest=LARGE[SECTOR:2 * SECTOR], warns=True),
    Row('REF17 never the image itself', overlay('/base/x.disk', 'qcow2'), 'nor is there a "x.disk"'),
    Row('REF17 a symlink that leads out', overlay('/base/out', 'raw'), 'a symlink that leads out', files=LINKS),
    Row('REF17 a folder of that name', overlay('/base/b.img', 'raw'), 'nor is there a "b.img"',
        files={'b.img': folder}),
    Row('REF17 with --no-refs', overlay('/base/b.img', 'raw'), 'opens nothing beside', files={'b.img': LARGE},
        command=('convert', '--no-refs', '-O', 'raw', '{}', 'out.raw')),
    Row('REF17 in a raw disk', overlay('/base/b.img', 'raw'), 'a guest may have written', name='x.raw',
        files={'b.img': LARGE}),
    Row('REF17 a protocol is no path', overlay('nbd://host/b.img', 'raw'), 'it names a protocol',
        files={'b.img': LARGE}),
    Row('REF17 in an allowed folder, in another case', overlay('C:\\VMs\\B.img', 'raw'), 'base/b.img is read instead',
        0, files={'base/b.img': LARGE}, guest=LARGE, warns=True,
        command=('convert', '--allow-ref', 'base', '-O', 'raw', '{}', 'out.raw')),
]


def strange_files(title, name):
    return [
        Row(f'REF11 {title}: pipe', *name('odd'), files={'odd': fifo}),
        Row(f'REF11 {title}: folder', *name('odd'), files={'odd': folder}),
        Row(f'REF11 {title}: socket', *name('odd'), files={'odd': listening}),
        Row(f'REF11 {title}: symlink to a device', *name('odd'), files={'odd': link('/dev/zero')}),
    ]


def backing(name):
    return overlay(name, 'raw'), 'refers to "odd"'


def extent(name):
    return flat(name), 'refers to "odd"'


REF11 = strange_files('QCOW2 backing file', backing) + strange_files('VMDK extent', extent)
REF11 += [Row(f'REF11 the image: {title}', make, part, name='odd', names='odd', command=FORMAT_RAW)
          for title, make, part in (('pipe', fifo, 'is a pipe'), ('folder', folder, 'is a folder'),
                                    ('socket', listening, 'is a socket'),
                                    ('endless device', link('/dev/zero'), 'is a character device'))]
REF11 += [
    Row('REF11 the image: /dev/zero', None, 'is a character device', name='/dev/zero', command=FORMAT_RAW),
    Row('REF11 the image: symlink to a disk', link('y.img'), '', 0, name='x.img', files={'y.img': RAW}, guest=RAW),
]

REF12 = [
    Row('REF12 a raw disk that looks like QCOW2, with -f raw', overlay('/etc/passwd', 'raw'), '', 0,
        command=FORMAT_RAW,
        guest=overlay('/etc/passwd', 'raw')),
    Row('REF12 a raw disk that looks like VMDK, with -f raw', flat('/etc/passwd'), '', 0, command=FORMAT_RAW,
        guest=flat('/etc/passwd')),
    Row('REF12 a raw disk that looks like QCOW2, by content', overlay('/etc/passwd', 'raw'),
        'which the file is not by its name', name='disk.raw'),
    Row('REF12 a raw backing file that looks like QCOW2', overlay('b.img', 'raw'), '', 0,
        files={'b.img': overlay('/etc/passwd', 'raw').ljust(len(LARGE), b'\0')},
        guest=overlay('/etc/passwd', 'raw').ljust(len(LARGE), b'\0')),
]

REF13 = [
    Row('REF13 unknown content', RAW, 'matches no known format; if it is a raw disk, say -f raw', name='x.dat'),
    Row('REF13 unknown content, named qcow2', RAW, 'matches no known format', name='x.qcow2'),
    Row('REF13 unknown content, said to be QCOW2', RAW, 'magic 0x00010203',
        command=('convert', '-f', 'qcow2', '-O', 'raw', '{}', 'out.raw')),
    Row('REF13 unknown content, said to be VMDK', RAW[:4096], 'neither a sparse header nor a descriptor',
        command=('convert', '-f', 'vmdk', '-O', 'raw', '{}', 'out.raw')),
    Row('REF13 unknown content, said to be VHD', RAW, 'no VHD footer',
        command=('convert', '-f', 'vhd', '-O', 'raw', '{}', 'out.raw')),
    Row('REF13 unknown content in a backing file without a format', overlay('shadow'),
        'shadow: its child names no format',
        0, files={'shadow': RAW}, guest=RAW, warns=True),
    Row('REF13 an empty file', b'', 'the file is empty', name='x.vmdk'),
]

REF14 = [
    Row('REF14 QCOW2 and VHD', QCOW2.ljust(len(QCOW2) + 512, b'\0') + VHD_FIXED[-512:],
        'the content is both qcow2 and vpc'),
    Row('REF14 VMDK text and VHD', descriptor('RW 1 ZERO').ljust(4096, b'\n') + VHD_FIXED[-512:],
        'the content is both'),
    Row('REF14 sparse VMDK and VHD', SPARSE + VHD_FIXED[-512:], 'the content is both', name='x.vmdk'),
    Row('REF14 an archive named raw', b'x'.ljust(257, b'\0') + b'ustar'.ljust(1000, b'\0'), 'a tar archive', 9),
    Row('REF14 a LUKS disk named raw', b'LUKS\xba\xbe'.ljust(65536, b'\0'), 'LUKS', 9),
]

LOOP1 = [
    Row('LOOP1 QCOW2 on itself', overlay('x.disk', 'qcow2'), 'a loop'),
    Row('LOOP1 QCOW2 A on B on A', overlay('b.img', 'qcow2'), 'a loop', files={'b.img': overlay('x.disk', 'qcow2')},
        names='b.img'),
    Row('LOOP1 QCOW2 on itself by a symlink', overlay('b.img', 'qcow2'), 'a loop', files={'b.img': link('x.disk')}),
    Row('LOOP1 QCOW2 on itself by a hard link', hard_link('b.img'), 'a loop',
        files={'b.img': overlay('b.img', 'qcow2')}),
    Row('LOOP1 a symlink to itself', overlay('b.img', 'qcow2'), 'a symlink that leads to itself',
        files={'b.img': link('b.img')}),
    Row('LOOP1 VMDK on itself', delta('x.vmdk'), 'a loop', name='x.vmdk'),
    Row('LOOP1 VMDK extent that is its descriptor', descriptor('RW 1 SPARSE "x.vmdk"').ljust(SECTOR, b'\n'), 'magic',
        name='x.vmdk'),
    Row('LOOP1 VHD on itself', differencing([(b'W2ru', utf16('.\\x.vhd'))], parent_uuid=UUID), 'a loop',
        name='x.vhd'),
    Row('LOOP1 info of QCOW2 on itself', overlay('x.disk', 'qcow2'), 'a loop',
        command=('info', '--backing-chain', '{}')),
]


def chain(length):
    """A folder of QCOW2 images 0001, 0002, ..., each on the one before; 0000 is a raw disk."""
    def make(path):
        os.mkdir(path)
        for number in range(length):
            with open(f'{path}/{number:04d}', 'wb') as file:
                file.write(tiny_overlay(f'{number - 1:04d}', 'qcow2' if number > 1 else 'raw') if number else
                           bytes(SECTOR))
    return make


LOOP2 = [
    Row('LOOP2 a chain of 64 images', overlay('c/0062', 'qcow2'), '', 0,
        files={'c': chain(63)}),
    Row('LOOP2 a chain of 65 images', overlay('c/0063', 'qcow2'), 'deeper than 64 images',
        files={'c': chain(64)}),
    Row('LOOP2 a chain of 10000 images', overlay(f'c/{CHAIN - 1}', 'qcow2'), 'deeper than 64 images',
        files={'c': chain(CHAIN)}),
]

INT1 = [
    Row('INT1 QCOW2 without its backing file', overlay('gone.img', 'raw'), 'names the file "gone.img"'),
    Row('INT1 QCOW2 without its data file', data_file('gone.img'), 'names the file "gone.img"'),
    Row('INT1 VMDK without its parent', delta('gone.vmdk'), 'names the file "gone.vmdk"', name='x.vmdk'),
    Row('INT1 VMDK without an extent', flat('gone.bin'), 'names the file "gone.bin"', name='x.vmdk'),
    Row('INT1 VHD without its parent', differencing([(b'W2ru', utf16('.\\gone.vhd'))]), 'names the file "gone.vhd"',
        name='x.vhd'),
]

INT7 = [Row(f'INT7 a raw disk of an odd size as {suffix}', LARGE[:-100], 'zeros', 0, name='x.img', warns=True,
            command=('convert', '-O', suffix, '{}', 'out.' + suffix)) for suffix in ('qcow2', 'vhd', 'vmdk')]
INT7 += [Row('INT7 a raw disk of an odd size as it is', LARGE[:-100], '', 0, name='x.img', guest=LARGE[:-100])]

ROWS = (REF01 + REF02 + REF03 + REF04 + REF05 + REF06 + REF11 + REF12 + REF13 + REF14 + REF17 + LOOP1 + LOOP2 + INT1 + INT7)
