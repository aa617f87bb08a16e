# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Hostile archives and folders: names, kinds, numbers and places of members; what stands beside a descriptor."""
import hostile_packages as packages
from hostile_images import folder, fifo, link
from hostile_package_case import Row, disk_bad, fine, image_bad
from hostile_packages import (BLOCK, CAPACITY, DISK, END, GOOD, OVF, base256, chunks, descriptor, disk_element,
                              file_element, header, longname, manifest, member, octal, ova, packed, pad, pax,
                              pointing_delta, pointing_vmdk, record, sparse_tar, with_disk, write_file)

# ---- names ----


def evil(*parts):
    return ova(GOOD[0], *parts, GOOD[1])


def named(name, **words):
    return evil(member(name, b'evil', **words))


BAD_NAMES = (
    ('upwards', '../x'), ('twice upwards', '../../x'), ('upwards in the middle', 'a/../../x'),
    ('upwards inside', 'a/../x'), ('just upwards', '..'), ('upwards at the end', 'a/..'),
    ('upwards behind ./', './../x'), ('absolute', '/etc/passwd'), ('absolute twice', '//etc/passwd'),
    ('absolute behind ./', './/etc/passwd'),
)
NAMES = [Row(f'member name: {title}', named(name), ('..', 'absolute', '/etc')) for title, name in BAD_NAMES]
NAMES += [Row(f'member name by GNU long name: {title}', evil(longname(name.encode()), ('x', b'evil')),
              ('..', 'absolute', '/etc')) for title, name in BAD_NAMES[::3]]
NAMES += [Row(f'member name by pax: {title}', evil(pax(('path', name)), ('x', b'evil')), ('..', 'absolute', '/etc'))
          for title, name in BAD_NAMES[::3]]
NAMES += [
    Row('member name: upwards by the prefix', evil(member('x', b'evil', prefix=b'..')), '..'),
    Row('member name: absolute by the prefix', evil(member('passwd', b'evil', prefix=b'/etc')), ('absolute', '/etc')),
    Row('member name: of the descriptor', ova(('../vm.ovf', OVF), GOOD[1]), '..'),
    Row('member name: of the disk', ova(GOOD[0], ('/tmp/disk1.vmdk', DISK)), ('absolute', '/tmp')),
    Row('member name: a newline', named('a\nb'), 'control'),
    Row('member name: an escape sequence', named('a\x1b[31mb'), 'control'),
    Row('member name: a newline by pax', evil(pax(('path', 'a\nb')), ('x', b'evil')), 'control'),
    Row('member name: a NUL by pax', evil(pax(('path', b'a\0b')), ('x', b'evil')), ''),
    Row('member name: none', named(''), '', (0, 2), verify=(0, 2, 3)),
    Row('member name: backslashes', named('..\\..\\x'), '', (0, 2), verify=(0, 2, 3)),
    Row('member name: not UTF-8', named(b'\xff\xfe\x80'), '', (0, 2), verify=(0, 2, 3)),
    Row('member name: a megabyte, GNU', evil(longname(b'n' * (1 << 20)), ('x', b'evil')), ('long', 'most')),
    Row('member name: a megabyte, pax', evil(pax(('path', 'n' * (1 << 20))), ('x', b'evil')), ('long', 'most')),
    Row('member name: too long for a file', evil(longname(b'n' * 300 + b'.vmdk'), ('x', b'evil')), '', (0, 2, 4),
        verify=(0, 2, 3)),
    Row('member name: two of one name', evil(('x', b'1'), ('x', b'2')), '"x"'),
    Row('member name: two disks of one name', evil(('disk1.vmdk', DISK)), 'disk1.vmdk'),
    Row('member name: two that differ by ./', evil(('./disk1.vmdk', DISK)), 'disk1.vmdk'),
    Row('member name: two that differ in case', evil(('DISK1.vmdk', DISK)), 'disk1.vmdk'),
    Row('member name: the same by pax', evil(pax(('path', 'disk1.vmdk')), ('x', DISK)), 'disk1.vmdk'),
    fine('member name: all begin with ./', ova(('./vm.ovf', OVF), ('./disk1.vmdk', DISK))),
    fine('member name: the disk by GNU long name', ova(GOOD[0], longname(b'disk1.vmdk'), ('x', DISK))),
    fine('member name: the disk by pax', ova(GOOD[0], pax(('path', 'disk1.vmdk')), ('x', DISK))),
]

# ---- kinds ----

KINDS = [Row(f'member kind: {title}', evil(member('x', kind=kind, link=target)), '"x"')
         for title, kind, target in (
             ('symlink outside', b'2', '/etc/passwd'), ('symlink upwards', b'2', '../secret'),
             ('symlink inside', b'2', 'disk1.vmdk'), ('hard link', b'1', 'disk1.vmdk'),
             ('hard link outside', b'1', '/etc/passwd'), ('character device', b'3', ''), ('block device', b'4', ''),
             ('pipe', b'6', ''))]
KINDS += [Row(f'member kind: {title} in place of the disk', ova(GOOD[0], member('disk1.vmdk', kind=kind, link='../secret')),
              'disk1.vmdk') for title, kind in (('symlink', b'2'), ('hard link', b'1'), ('character device', b'3'),
                                                ('pipe', b'6'))]
KINDS += [
    Row('member kind: symlink by pax', evil(pax(('linkpath', '/etc/passwd')), header('x', kind=b'2')), '"linkpath"'),
    Row('member kind: symlink by GNU long link', evil(longname(b'/etc/passwd', b'K'), header('x', kind=b'2')), 'symbolic link'),
    Row('member kind: symlink in place of the descriptor',
        ova(member('vm.ovf', kind=b'2', link='../secret'), GOOD[1]), 'vm.ovf'),
    Row('member kind: symlink that is a folder of the next', evil(member('d', kind=b'2', link='/tmp'), ('d/x', b'evil')),
        '"d"'),
    Row('member kind: GNU sparse', ova(GOOD[0], sparse_tar()), 'disk1.vmdk'),
    Row('member kind: pax sparse 1.0', ova(GOOD[0], pax(('GNU.sparse.major', '1'), ('GNU.sparse.minor', '0'),
                                                        ('GNU.sparse.name', 'disk1.vmdk'),
                                                        ('GNU.sparse.realsize', str(len(DISK)))),
                                           ('x', DISK)), 'sparse'),
    Row('member kind: GNU multi-volume', evil(member('x', b'evil', kind=b'M')), ''),
    fine('member kind: folder', evil(member('d/', kind=b'5'), ('d/x', b'file'))),
    Row('member kind: folder upwards', evil(member('../d/', kind=b'5')), '', (0, 2), verify=(0, 2, 3)),
    Row('member kind: folder with a size', evil(header('d/', len(OVF), kind=b'5') + pad(OVF)), '', (0, 2),
        verify=(0, 2, 3)),
    fine('member kind: old regular file', ova(GOOD[0], member('disk1.vmdk', DISK, kind=b'\0'))),
    fine('member kind: without ustar magic', ova(member('vm.ovf', OVF, magic=b'\0' * 8),
                                                 member('disk1.vmdk', DISK, magic=b'\0' * 8)), info=(0, 2),
         verify=(0, 1, 2, 3), convert=(0, 2), unpack=(0, 2), disk=(0, 2)),
    fine('member kind: of GNU magic', ova(member('vm.ovf', OVF, magic=b'ustar  \0'),
                                          member('disk1.vmdk', DISK, magic=b'ustar  \0'))),
    Row('member kind: unknown', evil(member('x', b'evil', kind=b'Z')), '', (0, 2), verify=(0, 2, 3)),
]

# ---- numbers ----


def disk_header(field, data=DISK):
    return ova(GOOD[0], header('disk1.vmdk', size_field=field) + pad(data))


SIZES = [Row(f'member size: {title}', disk_header(field), 'tar header at byte') for title, field in (
    ('base-256, -1', base256(-1)), ('base-256, least', base256(-1 << 87)), ('base-256, 2^63', base256(1 << 63)),
    ('base-256, 2^63 - 1', base256((1 << 63) - 1)), ('base-256, 2^64', base256(1 << 64)),
    ('base-256, 2^64 + a bit', base256((1 << 64) + len(DISK))), ('base-256, greatest', base256((1 << 87) - 1)),
    ('octal, greatest', b'7' * 12), ('octal, 8 GiB - 1', b'77777777777\0'), ('octal with a 9', b'00000000009\0'),
    ('octal, -1', b'-0000000001\0'), ('letters', b'size\0\0\0\0\0\0\0\0'), ('hex', b'0x100\0\0\0\0\0\0\0'),
    ('one block too many', octal(len(DISK) + 4 * BLOCK, 12)))]
SIZES += [Row(f'member size by pax: {title}', ova(GOOD[0], pax(('size', size)), GOOD[1]), '') for title, size in (
    ('beyond the file', str(1 << 40)), ('-1', '-1'), ('2^63', str(1 << 63)), ('2^64', str(1 << 64)),
    ('2^64 + a bit', str((1 << 64) + len(DISK))), ('40 digits', '1' + '0' * 39), ('hex', '0x1000'),
    ('exponent', '1e3'), ('smaller, so that a header is in the data', '512'))]
SIZES += [
    Row('member size by pax: right, header 0', ova(GOOD[0], pax(('size', str(len(DISK)))),
                                                   header('disk1.vmdk', 0) + pad(DISK)), 'extended header'),
    Row('member size by pax: none', ova(GOOD[0], pax(('size', '')), GOOD[1]), '', (0, 2), verify=(0, 2, 3)),
    fine('member size: base-256', disk_header(base256(len(DISK)))),
    fine('member size: octal with blanks', disk_header(f'{len(DISK):>11o} '.encode())),
    Row('member checksum: of the first', ova(member('vm.ovf', OVF, wrong=1), GOOD[1]), '', verify=(1, 2)),
    Row('member checksum: of the second', ova(GOOD[0], member('disk1.vmdk', DISK, wrong=1)), 'checksum'),
    Row('member checksum: signed', ova(GOOD[0], member(b'\xe4.txt', b'x', signed=True), GOOD[1]), '', (0, 2),
        verify=(0, 2, 3)),
    Row('member checksum: letters', ova(GOOD[0], header('disk1.vmdk', len(DISK))[:148] + b'checksum' +
                                        header('disk1.vmdk', len(DISK))[156:] + pad(DISK)), 'checksum'),
    Row('member numbers: a million of nothing', write_file(member('vm.ovf', OVF), header('x'), 1000000, END), 'members'),
    Row('member numbers: a million folders', write_file(member('vm.ovf', OVF), header('d/', kind=b'5'), 1000000,
                                                         ova(GOOD[1])), '', (0, 2), verify=(0, 2, 3)),
    Row('member numbers: a hundred thousand long names', write_file(member('vm.ovf', OVF), longname(b'x' * 200), 100000,
                                                                    ova(GOOD[1])), '', (0, 2), verify=(0, 2, 3)),
    Row('extended header: 4 GiB', lambda path: packages.write_file(
        member('vm.ovf', OVF) + header('p', 1 << 32, kind=b'x'), b'\0', 1)(path) or grow(path, 5 << 30),
        ('long', 'most', 'extended')),
    Row('extended header: 16 MiB', evil(pax(('comment', 'c' * (16 << 20)))), ('long', 'most', 'extended')),
]


def grow(path, size):
    with open(path, 'r+b') as file:
        file.truncate(size)


RECORDS = [Row(f'extended header: {title}', ova(GOOD[0], pax(raw), GOOD[1]), '') for title, raw in (
    ('length 0', b'0 path=x\n'), ('length too large', b'99999 path=x\n'), ('length 2^64', b'18446744073709551626 path=x\n'),
    ('no length', b'path=x\n'), ('no line end', b'9 path=xy'), ('no equals sign', b'9 pathxy\n'),
    ('length -9', b'-9 path=x\n'),
    ('length too small', b'3 path=x\n'), ('letters', b'x' * 100))]
RECORDS += [
    Row('extended header: nothing follows', ova(GOOD[0], GOOD[1], pax(('path', 'x'))), '', (0, 2), verify=(0, 2, 3)),
    Row('extended header: for all, a path', ova(GOOD[0], pax(('path', '../x'), kind=b'g'), GOOD[1]), '', (0, 2),
        verify=(0, 2, 3)),
    Row('extended header: for all, a size', ova(GOOD[0], pax(('size', '1'), kind=b'g'), GOOD[1]), '', (0, 2),
        verify=(0, 2, 3)),
    fine('extended header: unknown and harmless', ova(GOOD[0], pax(('comment', 'c'), ('mtime', '1.5'),
                                                                    ('VENDOR.x', 'y')), GOOD[1])),
    Row('extended header: path twice, the last is bad', evil(pax(record('path', 'y') + record('path', '../y')),
                                                             ('x', b'')), 'twice'),
]

# ---- the archive ----

ARCHIVES = [
    Row('archive: no descriptor', ova(GOOD[1]), '.ovf', verify=(1, 2)),
    Row('archive: two descriptors', ova(GOOD[0], GOOD[1], ('other.ovf', OVF)), 'other.ovf'),
    Row('archive: nothing in it', END * 10, '', verify=(1, 2)),
    Row('archive: two, one behind the other', ova(GOOD[0]) + bytes(8 * BLOCK) + ova(GOOD[1]), 'behind it'),
    Row('archive: no zeros at the end', ova(*GOOD, end=b''), '', 0, verify=(0, 3)),
    Row('archive: one block of zeros', ova(*GOOD, end=bytes(BLOCK)), '', 0, verify=(0, 3)),
    Row('archive: rubbish behind the end', ova(*GOOD) + b'rubbish' * 1000, '', (0, 2), verify=(0, 2, 3)),
    Row('archive: the disk first', ova(GOOD[1], GOOD[0]), '', 0, verify=(0, 3)),
    Row('archive: a descriptor in a folder', ova(('d/vm.ovf', OVF), ('d/disk1.vmdk', DISK)), '', (0, 2),
        verify=(0, 2, 3)),
    Row('archive: an empty descriptor', ova(('vm.ovf', b''), GOOD[1]), 'vm.ovf'),
    Row('archive: the descriptor is a disk', ova(('vm.ovf', DISK), GOOD[1]), 'vm.ovf'),
    Row('archive: packed by gzip', packed(ova(*GOOD)), '', 0, verify=(0, 3)),
    Row('archive: packed by gzip, cut off', packed(ova(*GOOD))[:-1000], 'p.ova', verify=(1, 2)),
    Row('archive: packed by gzip, damaged', packed(ova(*GOOD))[:-6] + b'xxxxxx', 'p.ova', verify=(1, 2)),
]

# ---- hrefs ----

BAD_HREFS = (
    ('upwards', '../secret'), ('twice upwards', '../../secret'), ('upwards in the middle', 'a/../../secret'),
    ('absolute', '/etc/passwd'), ('by escapes', '%2e%2e%2fsecret'), ('by mixed escapes', '..%2Fsecret'),
    ('absolute by escapes', '%2Fetc%2Fpasswd'), ('file URL', 'file:///etc/passwd'),
    ('file URL upwards', 'file:../secret'),
    ('http', 'http://127.0.0.1:1/disk1.vmdk'), ('https', 'HTTPS://127.0.0.1:1/disk1.vmdk'),
    ('ftp', 'ftp://127.0.0.1/x'), ('without a protocol', '//127.0.0.1/disk1.vmdk'),
    ('upwards by references', '&#46;&#46;/secret'),
)
ODD_HREFS = (
    ('file URL with a host', 'file://localhost/etc/passwd'), ('nbd', 'nbd:unix:/run/x'),
    ('json', 'json:{&quot;driver&quot;:&quot;file&quot;}'), ('nothing', ''), ('backslashes', '..\\secret'), ('drive', 'C:/secret'), ('a NUL by escape', 'secret%00.vmdk'),
    ('a newline', 'a&#10;b'), ('bad escape', 'disk%zz.vmdk'), ('half an escape', 'disk%2'),
    ('twice escaped', '%252e%252e%252fsecret'),
    ('only dots', '..'), ('one dot', '.'), ('a folder', 'd/'), ('query', 'disk1.vmdk?x'), ('not there', 'nothere.vmdk'),
)


def href(name):
    return descriptor([file_element(name)])


FORBIDDEN = ('leads out of the package', 'absolute path', 'outside of the package', 'network')
HREFS = [row for hrefs, part in ((BAD_HREFS, FORBIDDEN), (ODD_HREFS, '')) for title, name in hrefs for row in (
    image_bad(f'href in an archive: {title}', ova(('vm.ovf', href(name)), GOOD[1]), part),
    image_bad(f'href in a folder: {title}', href(name), part, name='p/vm.ovf', files={'p/disk1.vmdk': DISK}))]

# ---- folders ----


def beside(title, what, part='disk1.vmdk', **words):
    return image_bad(f'folder: the disk is {title}', OVF, part, name='p/vm.ovf', files={'p/disk1.vmdk': what}, **words)


FOLDERS = [
    beside('a symlink to a file outside', link('../secret')),
    beside('a symlink to /etc/passwd', link('/etc/passwd')),
    beside('a symlink to itself', link('disk1.vmdk')),
    beside('a symlink to a device', link('/dev/zero')),
    beside('a pipe', fifo),
    beside('a folder', folder),
    image_bad('folder: the disk is not there', OVF, 'disk1.vmdk', name='p/vm.ovf'),
    Row('folder: a subfolder is a symlink', href('sub/disk1.vmdk'), 'disk1.vmdk', name='p/vm.ovf', info=(0, 2),
        files={'elsewhere/disk1.vmdk': DISK, 'p/sub': link('../elsewhere')}),
    fine('folder: the disk is a symlink inside', OVF, name='p/vm.ovf',
         files={'p/real.vmdk': DISK, 'p/disk1.vmdk': link('real.vmdk')}),
    fine('folder: by its own name', None, name='p', files={'p/vm.ovf': OVF, 'p/disk1.vmdk': DISK}),
    fine('folder: the descriptor is a symlink', None, name='p/vm.ovf',
         files={'p/real.ovf': OVF, 'p/vm.ovf': link('real.ovf'), 'p/disk1.vmdk': DISK}),
    Row('folder: with two descriptors', None, '', (1, 2), name='p',
        files={'p/vm.ovf': OVF, 'p/other.ovf': OVF, 'p/disk1.vmdk': DISK}),
    Row('folder: without a descriptor', None, '', (1, 2), name='p', files={'p/disk1.vmdk': DISK}),
    Row('folder: the descriptor is a pipe', fifo, '', (1, 2), name='p/vm.ovf', files={'p/disk1.vmdk': DISK}),
    Row('folder: the descriptor is a folder', folder, '', (1, 2), name='p/vm.ovf', files={'p/disk1.vmdk': DISK}),
    Row('folder: the descriptor is a symlink to a device', link('/dev/zero'), '', (1, 2), name='p/vm.ovf',
        files={'p/disk1.vmdk': DISK}),
    Row('folder: the descriptor is 200 GB of nothing', lambda path: (packages.write_file(OVF, b' ', 1)(path),
                                                                      grow(path, 200 << 30)), '', name='p/vm.ovf',
        files={'p/disk1.vmdk': DISK}),
    Row('folder: the manifest is a pipe', OVF, 'vm.mf', (0, 1, 2), name='p/vm.ovf', verify=(1, 2),
        files={'p/disk1.vmdk': DISK, 'p/vm.mf': fifo}),
    Row('folder: the manifest is a symlink outside', OVF, 'vm.mf', (0, 1, 2), name='p/vm.ovf', verify=(1, 2),
        files={'p/disk1.vmdk': DISK, 'p/vm.mf': link('../secret')}),
]

# ---- manifests and certificates ----

WHOLE = manifest(GOOD)


def with_manifest(text, *more):
    return ova(GOOD[0], ('vm.mf', text), *more, GOOD[1])


def digests(title, package, part, **words):
    """What verify finds altered is used by nothing else."""
    return Row(title, package, part, 8, **dict({'verify': 2, 'info': (0, 2)}, **words))


LINE = b'SHA256(x)= ' + b'0' * 64 + b'\n'
MANIFESTS = [
    digests('manifest: names a file upwards', with_manifest(WHOLE + b'SHA256(../../etc/passwd)= ' + b'0' * 64 + b'\n'),
            'passwd'),
    digests('manifest: names an absolute path', with_manifest(WHOLE + b'SHA256(/etc/passwd)= ' + b'0' * 64 + b'\n'),
            'passwd'),
    digests('manifest: wrong digest of the disk', with_manifest(manifest([GOOD[0], ('disk1.vmdk', b'other')])), 'disk1.vmdk'),
    digests('manifest: wrong digest of the descriptor', with_manifest(manifest([('vm.ovf', b'other'), GOOD[1]])), 'vm.ovf'),
    digests('manifest: right SHA1, wrong SHA256', with_manifest(
        manifest(GOOD, 'SHA1') + manifest([('disk1.vmdk', b'other')])), 'disk1.vmdk'),
    digests('manifest: two that contradict each other', with_manifest(
        WHOLE + manifest([('disk1.vmdk', b'other')])), 'disk1.vmdk'),
    digests('manifest: without the disk', with_manifest(manifest(GOOD[:1])), 'disk1.vmdk'),
    digests('manifest: rubbish', with_manifest(packages.SECRET[:100].replace(b'vmferry', b'x') + b'\n' + WHOLE), 'vm.mf'),
    digests('manifest: not hex', with_manifest(WHOLE.replace(b'= ', b'= zz', 1)), 'vm.mf'),
    digests('manifest: a digest that is too short', with_manifest(WHOLE[:-20] + b'\n'), 'vm.mf'),
    digests('manifest: an unknown digest', with_manifest(WHOLE + b'CRC32(disk1.vmdk)= 00000000\n'), 'CRC32'),
    digests('manifest: empty', with_manifest(b''), 'vm.ovf'),
    digests('manifest: NUL bytes', with_manifest(WHOLE.replace(b'disk1', b'disk1\0')), 'vm.mf'),
    digests('manifest: an escape sequence', with_manifest(WHOLE + LINE.replace(b'x', b'\x1b[2Jx')), ''),
    Row('manifest: 100 MB', write_file(member('vm.ovf', OVF) + header('vm.mf', len(LINE) * 1400000), LINE, 1400000,
                                       bytes(-len(LINE) * 1400000 % BLOCK) + ova(GOOD[1])), 'vm.mf', (0, 2), verify=2),
    Row('manifest: one line of 100 MB', write_file(member('vm.ovf', OVF) + header('vm.mf', 100 << 20), b'x', 100 << 20,
                                                   ova(GOOD[1])), 'vm.mf', (0, 2), verify=2),
    Row('manifest: two', ova(GOOD[0], ('vm.mf', WHOLE), ('other.mf', WHOLE), GOOD[1]), 'other.mf', (0, 2),
        verify=(0, 2, 3)),
    digests('certificate: rubbish', with_manifest(WHOLE, ('vm.cert', b'rubbish\n' * 100)), 'vm.cert'),
    digests('certificate: empty', with_manifest(WHOLE, ('vm.cert', b'')), 'vm.cert'),
    digests('certificate: a PEM block of rubbish', with_manifest(WHOLE, (
        'vm.cert', b'SHA256(vm.mf)= 00\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')), 'vm.cert'),
    digests('certificate: without a manifest', ova(GOOD[0], ('vm.cert', b'rubbish'), GOOD[1]), 'vm.cert'),
    Row('certificate: 100 MB', write_file(member('vm.ovf', OVF) + member('vm.mf', WHOLE) + header('vm.cert', 100 << 20),
                                          b'x', 100 << 20, ova(GOOD[1])), 'vm.cert', (0, 2), verify=2),
]

# ---- images that reach out ----

OUT = (('upwards', '../secret'), ('beside the archive', 'secret'), ('absolute', '/etc/passwd'), ('device', '/dev/zero'),
       ('a protocol', 'nbd://127.0.0.1/x'))


def reaching(title, image, uri=packages.STREAM_URI):
    return [disk_bad(f'image: {title}', with_disk('disk1.vmdk', image, uri=uri), ''),
            disk_bad(f'image in a folder: {title}', descriptor([file_element()], [disk_element(uri=uri)]), '',
                      name='p/vm.ovf', files={'p/disk1.vmdk': image, 'secret': packages.SECRET})]


IMAGES = [row for title, name in OUT for row in
          reaching(f'VMDK extent {title}', pointing_vmdk(name)) +
          reaching(f'VMDK parent {title}', pointing_delta(name)) +
          reaching(f'QCOW2 backing file {title}', packages.images.overlay(name, 'raw')) +
          reaching(f'QCOW2 data file {title}', packages.images.data_file(name))]
IMAGES += [
    disk_bad('image: QCOW2 on itself', with_disk('disk1.vmdk', packages.images.overlay('disk1.vmdk', 'qcow2')), ''),
    disk_bad('image: unknown content', with_disk('disk1.vmdk', b'unknown!' * 1000), ''),
    disk_bad('image: empty', with_disk('disk1.vmdk', b''), ''),
    disk_bad('image: an archive in the archive', with_disk('disk1.vmdk', ova(*GOOD)), '', convert=(2, 9), disk=(2, 9), info=9,
             verify=(0, 2, 3)),
    disk_bad('image: cut off', with_disk('disk1.vmdk', DISK[:-4 * BLOCK]), ''),
    disk_bad('image: another package', with_disk('disk1.vmdk', OVF), ''),
]

# ---- chunks ----

PARTS = chunks(DISK, 20000, 'disk1.vmdk')
CHUNKED = descriptor([file_element(size=len(DISK), more=' ovf:chunkSize="20000"')])


def chunked(parts, size='20000'):
    return ova(('vm.ovf', CHUNKED.replace(b'"20000"', f'"{size}"'.encode())), *parts)


CHUNKS = [
    fine('chunks: as they should be', chunked(PARTS)),
    Row('chunks: the file is whole', chunked([GOOD[1]]), '', (0, 2), verify=(0, 2, 3)),
    Row('chunks: size 0', chunked([GOOD[1]], 0), '', (0, 2), verify=(0, 2, 3)),
    Row('chunks: size 1', chunked([GOOD[1]], 1), '', (0, 2), verify=(0, 2, 3)),
    Row('chunks: size -1', chunked([GOOD[1]], -1), '', (0, 2), verify=(0, 2, 3)),
    Row('chunks: size 2^62', chunked([GOOD[1]], 1 << 62), '', (0, 2), verify=(0, 2, 3)),
    image_bad('chunks: size 2^62, in chunks', chunked(PARTS, 1 << 62), ''),
    image_bad('chunks: the first is missing', chunked(PARTS[1:]), 'disk1.vmdk'),
    image_bad('chunks: one in the middle is missing', chunked(PARTS[:1] + PARTS[2:]), 'disk1.vmdk'),
    image_bad('chunks: the last is missing', chunked(PARTS[:-1]), 'disk1.vmdk'),
    disk_bad('chunks: one in the middle is short', chunked([PARTS[0], (PARTS[1][0], PARTS[1][1][:-1]), *PARTS[2:]]),
              'disk1.vmdk'),
    disk_bad('chunks: one in the middle is long', chunked([PARTS[0], (PARTS[1][0], PARTS[1][1] + b'x'), *PARTS[2:]]),
              'disk1.vmdk'),
    Row('chunks: one too many', chunked([*PARTS, (f'disk1.vmdk.{len(PARTS):09d}', b'x' * 100)]), 'disk1.vmdk', (0, 2),
        verify=(2, 3)),
    Row('chunks: and the whole file, too', chunked([*PARTS, GOOD[1]]), '', (0, 2), verify=(0, 2, 3)),
]

assert CAPACITY % BLOCK == 0
ROWS = (NAMES + KINDS + SIZES + RECORDS + ARCHIVES + HREFS + FOLDERS + MANIFESTS + IMAGES + CHUNKS)
