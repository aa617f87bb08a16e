# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks of Parallels: what their fields may not be, by QEMU's specification."""
import hashlib
import sys

import tap
from hostile_case import CHECK, INFO, Row
from hostile_images import LARGE, get_little, little, put, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_parallels as parallels  # pylint: disable=wrong-import-position

OLD, EXT = parallels.old(LARGE), parallels.extended(LARGE, bitmap=True)
CLUSTER = 128 * 512  # of EXT
TOP32, TOP = 0xffffffff, (1 << 64) - 1
LENIENT = ('convert', '-U', '-O', 'raw', '{}', 'out.raw')
LOSS = 'bitmaps of changed blocks stay behind: 1'
AT = get_little(EXT, 56, 8) * 512  # the extension


def row(title, pokes, part, status=2, image=OLD, **more):
    return Row('Parallels ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.hds'}, **more))


def field(title, at, width, value, part, status=2, **more):
    return row(title, [little(at, width, value)], part, status, **more)


def entry(title, value, part, status=2, **more):
    """The first entry of the BAT; value: a number, or what makes one of the present entry."""
    def poke(data):
        put(data, little(64, 4, value(get_little(data, 64, 4)) if callable(value) else value))
    return row(title, [poke], part, status, **more)


def seal(image):
    image[AT + 8:AT + 24] = hashlib.md5(image[AT + 24:AT + CLUSTER]).digest()


def ext(title, at, width, value, part, status=0, mend=seal, **more):
    """mend: makes the MD5 of the extension right."""
    return row(title, [little(at, width, value), mend], part, status, **dict({'image': EXT, 'guest': LARGE, 'warns': True}, **more))


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


ROWS = [
    row('of 63 bytes', [cut(63)], '63 bytes, a Parallels header has 64'),
    row('without its signature', [(0, b'w')], 'at byte 0', command=('convert', '-f', 'parallels', '-O', 'raw', '{}', 'out.raw')),
    field('a BAT of 2^32 - 1 entries', 32, 4, TOP32, 'a BAT of 4294967295 entries ends at'),
    field('a BAT with too few entries', 32, 4, 65, '65 entries of 63 sectors for a disk of 4103 sectors'),
    field('no entries', 32, 4, 0, '0 entries of 63 sectors'),
    field('more sectors than entries', 36, 4, TOP32, '66 entries of 63 sectors for a disk of 4294967295 sectors'),
    field('a word above its sectors', 40, 4, TOP32, '', 0, guest=LARGE),
    ext('2^63 sectors', 36, 8, 1 << 63, 'at most', 2, warns=False),
    ext('2^64 - 1 sectors', 36, 8, TOP, 'at most', 2, warns=False),
    field('no sectors', 36, 8, 0, '', 0, guest=b''),
    row('data that begins in the BAT', [little(48, 4, 1), little(32, 4, 200)], 'data from byte 512 on lies over the BAT'),
    field('data beyond the end', 48, 4, TOP32, 'a cluster at byte'),
    row('a cluster in the BAT', [little(48, 4, 2), little(64, 4, 1)], 'BAT entry 0: a cluster at byte 512, expected between byte 1024'),
    entry('a cluster beyond the end', TOP32, 'BAT entry 0: a cluster at byte 2199023255040'),
    entry('SZ37 a cluster whose place wraps at 32 bits', TOP32, 'BAT entry 0: a cluster at byte 281474976645120', image=EXT,
          warns=True),
    entry('a cluster beyond the end, by check', TOP32, 'BAT entry 0: a cluster at byte', command=CHECK, warns=True),
    entry('a cluster of the second entry, by check', lambda old: old - 63, 'something else is there as well', command=CHECK, warns=True),
    entry('a cluster between two places', lambda old: old - 1, '', 0),
    entry('a cluster between two places, by check', lambda old: old - 1, 'no whole number of clusters behind the first', command=CHECK,
          warns=True),
    entry('nothing where the file has a cluster', 0, '', 0, guest=bytes(63 * 512) + LARGE[63 * 512:]),
    entry('nothing where the file has a cluster, by check', 0, '1 clusters of the file belong to nothing', 3, command=CHECK, warns=True),
    row('cut in its last cluster', [cut(len(OLD) - 1)], 'and the end of the file'),
    field('INT8 that is in use', 44, 4, parallels.IN_USE, 'is in use, or was not closed'),
    field('INT8 that is in use, with -U', 44, 4, parallels.IN_USE, 'read as it is now', 0, guest=LARGE, command=LENIENT, warns=True),
    field('whose maker left its mark', 44, 4, 0x37316470, '', 0, guest=LARGE),
    field('that was never opened', 44, 4, 0, '', 0, guest=LARGE),
    field('that is to be taken as empty', 52, 4, 1, 'flag 1 says that nothing is stored', 0, guest=bytes(len(LARGE)), warns=True),
    field('an extension in the old version', 56, 8, TOP, '', 0, guest=LARGE),
    ext('an extension', 0, 1, ord('W'), LOSS),
    ext('no extension', 56, 8, 0, '', warns=False),
    ext('an extension in the header', 56, 8, 1, '', warns=False),
    ext('an extension in the header, by check', 56, 8, 1, 'an extension at sector 1, expected', 2, command=CHECK),
    ext('an extension beyond the end, by check', 56, 8, TOP, 'an extension at sector 18446744073709551615', 2, command=CHECK),
    ext('an extension beyond the end, by info', 56, 8, TOP, '', command=INFO, warns=False, names=''),
    ext('an extension that is none, by check', 56, 8, AT // 512 - 128, 'it does not begin as one', 2, command=CHECK),
    ext('an extension of another MD5, by check', AT + 4096, 1, 1, 'its MD5 is not that of the cluster behind it', 2, mend=bytes, command=CHECK),
    ext('an extension of another MD5', AT + 4096, 1, 1, '', mend=bytes, warns=False),
    ext('a feature longer than the extension, by check', AT + 40, 4, TOP32, 'a feature of 4294967295 bytes', 2, command=CHECK),
    ext('a feature that is to be known by writers', AT + 32, 8, 1, LOSS),
    ext('an unknown feature', AT + 24, 8, 77, '', warns=False),
    ext('a bitmap of more clusters than listed, by check', AT + 48 + 28, 4, TOP32, 'a dirty bitmap of 4294967295 clusters', 2, command=CHECK),
    ext('a bitmap over data, by check', AT + 80, 8, 128, 'a dirty bitmap at byte 65536: something else', 2, command=CHECK),
    ext('a bitmap beyond the end, by check', AT + 80, 8, TOP, 'clusters of the file belong to nothing', 3, command=CHECK),
]
ROWS += [field(f'version {version}', 16, 4, version, f'version {version}, expected 2', 9) for version in (0, 1, 3, TOP32)]
ROWS += [field(f'SZ37 clusters of {count} sectors', 28, 4, count, f'clusters of {count} sectors') for count in (0, 1 << 22, TOP32)]


# ---- bundles ----

TOP_GUID, NONE, OTHER = parallels.TOP, parallels.NONE, '{11111111-2222-3333-4444-555555555555}'
SECTORS = len(LARGE) // 512
WHOLE = [(0, SECTORS, [(TOP_GUID, 'Plain', 'a.hds')])]


def bundle(title, part, status=2, storages=tuple(WHOLE), sectors=SECTORS, text=lambda text: text, files=None, **more):
    rest = {name: more.pop(name) for name in ('command', 'guest', 'warns', 'names') if name in more}
    return Row('Parallels bundle ' + title, text(parallels.bundle(sectors, storages, **more)), part, status,
               **{'name': 'DiskDescriptor.xml', 'files': {'a.hds': LARGE} if files is None else files, **rest})


def ranges(*pairs):
    return [(start, end, [(TOP_GUID, 'Plain', 'a.hds')]) for start, end in pairs]


def of(kind, file='a.hds'):
    return [(0, SECTORS, [(TOP_GUID, kind, file)])]


ROWS += [
    bundle('of one plain file', '', 0, guest=LARGE),
    bundle('of the form without braces', '', 0, guest=LARGE, shots=((TOP_GUID.strip('{}').upper(), NONE.strip('{}')),)),
    bundle('with a gap', 'a Storage from sector 101 to 4103, expected one that begins at 100', storages=ranges((0, 100), (101, SECTORS))),
    bundle('with an overlap', 'a Storage from sector 99 to 4103', storages=ranges((0, 100), (99, SECTORS))),
    bundle('that begins late', 'a Storage from sector 1 to 4103', storages=ranges((1, SECTORS))),
    bundle('of a range that ends before it begins', 'a Storage from sector 0 to 0', storages=ranges((0, 0))),
    bundle('of a range beyond the disk', 'and ends before 4104', storages=ranges((0, SECTORS + 1))),
    bundle('that ends early', 'the Storages end at sector 4102, the disk at 4103', storages=ranges((0, SECTORS - 1))),
    bundle('without a range', 'the Storages end at sector 0', storages=[]),
    bundle('of 0 sectors', 'a disk of 0 sectors', sectors=0),
    bundle('of 10^18 - 1 sectors', 'a disk of 999999999999999999 sectors', sectors=10 ** 18 - 1),
    bundle('of 10^18 sectors', 'expected a number of sectors of 18 digits at most', sectors=10 ** 18),
    bundle('of -1 sectors', 'a Disk_size of "-1"', sectors=-1),
    bundle('of sectors in hexadecimal', 'a Disk_size of "0x10"', sectors='0x10'),
    bundle('of other sectors', 'sectors of 4096 bytes, expected 512', 9, text=lambda text: text.replace(b'ize>512<', b'ize>4096<')),
    bundle('that is encrypted', 'the disk is encrypted (engine {1}', 9, engine='{1}'),
    bundle('of an unknown type', 'an Image of type "Folded", expected Compressed or Plain', 9, storages=of('Folded')),
    bundle('whose file is missing', 'b.hds', storages=of('Plain', 'b.hds')),
    bundle('whose file has no name', '', storages=of('Plain', '')),
    bundle('REF07 whose file lies outside', '../../etc/passwd', storages=of('Plain', '../../etc/passwd'), names='DiskDescriptor.xml'),
    bundle('REF07 whose file is absolute', '/etc/passwd', storages=of('Plain', '/etc/passwd')),
    bundle('whose file is a device', '/dev/zero', storages=of('Plain', '/dev/zero')),
    bundle('whose plain file is cut', 'a.hds: 512 bytes of the disk, the descriptor says 2100736', files={'a.hds': bytes(512)}, names='a.hds'),
    bundle('whose expanding file is plain', 'a.hds: neither "WithoutFreeSpace"', storages=of('Compressed'), names='a.hds'),
    bundle('whose expanding file is smaller', 'the descriptor says 2100736', storages=of('Compressed'), names='a.hds',
           files={'a.hds': parallels.extended(LARGE[:-512])}),
    bundle('whose plain file is longer', 'takes 2100736 of its 2101248 bytes', 0, files={'a.hds': LARGE + bytes(512)}, guest=LARGE, names='a.hds', warns=True),
    bundle('whose expanding file is larger', 'takes 2100736 of its 2170368 bytes', 0, warns=True, names='a.hds', storages=of('Compressed'), files={'a.hds': parallels.extended(LARGE + bytes(70000 // 512 * 512))},
           guest=LARGE),
    bundle('INT8 whose file is in use', 'is in use, or was not closed', storages=of('Compressed'),
           files={'a.hds': parallels.extended(LARGE, in_use=parallels.IN_USE)}),
    bundle('with two images of one id', 'a second Image', storages=[(0, SECTORS, 2 * [(TOP_GUID, 'Plain', 'a.hds')])]),
    bundle('without an image of its state', 'a Storage without an Image', storages=[(0, SECTORS, [(OTHER, 'Plain', 'a.hds')])]),
    bundle('without its state', 'no snapshot (Shot) ' + TOP_GUID, shots=((OTHER, NONE),)),
    bundle('without snapshots', 'no snapshot (Shot) ' + TOP_GUID, shots=()),
    bundle('whose parent is missing', 'no snapshot (Shot) ' + OTHER, shots=((TOP_GUID, OTHER),)),
    bundle('that is its own parent', 'each other\'s parents', shots=((TOP_GUID, TOP_GUID),)),
    bundle('of two that are each other\'s parents', 'each other\'s parents', shots=((TOP_GUID, OTHER), (OTHER, TOP_GUID))),
    bundle('with one snapshot twice', 'a second Shot', shots=((TOP_GUID, NONE), (TOP_GUID, OTHER))),
    bundle('with another root', 'no disk', text=lambda text: text.replace(b'Parallels_disk_image', b'Other_disk_image')),
    bundle('with its root inside another', 'the root element is a', text=lambda text: b'<a>' + text.partition(b'?>')[2] + b'</a>'),
    bundle('that is not well-formed', 'DiskDescriptor.xml', text=lambda text: text[:-10]),
    bundle('REF15 with an entity', 'DOCTYPE', text=lambda text: text.replace(b'<Parallels', b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><Parallels', 1)),
    bundle('of more than a MiB', 'a descriptor of', text=lambda text: text + b' ' * (1 << 20)),
    bundle('of more files than are opened', 'files, at most 4096 are opened', storages=ranges(*((n, n + 1) for n in range(SECTORS)))),
]
