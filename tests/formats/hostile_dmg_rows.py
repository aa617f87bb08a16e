# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Apple's disk images: what their trailer, property list, tables and runs may not be."""
import bz2
import lzma
import sys
import zlib

import tap
from hostile_case import CHECK, INFO, Row
from hostile_images import LARGE, SMALL, big, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_dmg as dmg  # pylint: disable=wrong-import-position

PLAIN = dmg.disk(LARGE, [dmg.ZLIB])
TOP32, TOP = 0xffffffff, (1 << 64) - 1
MEANT = ('convert', '-f', 'dmg', '-O', 'raw', '{}', 'out.raw')
DATA = SMALL[:16 * 512]


def row(title, pokes, part, status=2, image=PLAIN, **more):
    return Row('DMG ' + title, spoil(image, pokes), part, status, **dict({'name': 'x.dmg'}, **more))


def field(title, at, width, value, part, status=2, **more):
    return row(title, [big(len(PLAIN) - 512 + at, width, value)], part, status, **more)


def made(kind=dmg.ZLIB, pokes=(), runs=None, content=DATA, pack=None, sectors=16, **fields):
    """One table with one run, or those that `runs` makes of the fork, which is poked before its sums are made."""
    fork = dmg.Fork()
    runs = runs(fork) if runs else [fork.run(kind, 0, content, pack)]
    table = spoil(dmg.table(0, runs, content, comments=False), pokes)
    return dmg.image(fork, [table], sectors, **fields)


def table(title, at, width, value, part, status=2, **more):
    return row(title, [], part, status, image=made(pokes=[big(at, width, value)]), **more)


def xml(title, change, part, status=2, **more):
    fork = dmg.Fork()
    text = dmg.plist([dmg.table(0, [fork.run(dmg.ZLIB, 0, DATA)], DATA)])
    tables = [dmg.table(0, [fork.run(dmg.ZLIB, 0, DATA)], DATA)]
    return row(title, [], part, status, image=dmg.image(fork, tables, 16, change(text)), **more)


def kind(title, number, part, status=9):
    return row(title, [], part, status, image=made(pokes=[big(204, 4, number)]))


def twice(first):
    return lambda fork: [fork.run(dmg.ZLIB, 0, DATA), fork.run(dmg.ZLIB, first, DATA)]


def packed(title, number, pack, part, status=2, **more):
    return row(title, [], part, status, image=made(number, pack=pack), **more)


def hollow(path, size=64 << 30):
    """A property list that begins, and is a hole from there on."""
    trailer = spoil(PLAIN[-512:], [big(24, 8, 0), big(32, 8, 0), big(216, 8, 0), big(224, 8, size)])
    with open(path, 'wb') as file:
        file.write(b'<plist>')
        file.seek(size)
        file.write(trailer)


ROWS = [
    Row('DMG with a property list of 64 GiB, which is a hole', hollow, 'a property list of 68719476736 bytes', name='x.dmg', command=INFO),
    row('without its trailer', [lambda image: image.__delitem__(slice(-512, None))], 'the name says'),
    row('without its trailer, by name', [lambda image: image.__delitem__(slice(-512, None))], 'where the trailer of a DMG stands', command=MEANT),
    row('of 511 bytes', [lambda image: image.__delitem__(slice(511, None))], '511 bytes, the trailer of a DMG has 512', command=MEANT),
    field('of version 5', 4, 4, 5, 'version 5 of 512 bytes, expected 4 of 512', 9),
    field('with a trailer of 511 bytes', 8, 4, 511, 'version 4 of 511 bytes', 9, command=MEANT),
    field('SZ38 a data fork beyond the end', 32, 8, len(PLAIN), 'a data fork of'),
    field('SZ38 a data fork that wraps', 24, 8, TOP, 'a data fork of'),
    field('SZ38 a data fork of 2^64 - 1 bytes', 32, 8, TOP, 'a data fork of 18446744073709551615 bytes'),
    field('SZ38 a property list beyond the end', 224, 8, len(PLAIN), 'a property list of'),
    field('SZ38 a property list that wraps', 216, 8, TOP, 'a property list of'),
    field('SZ38 a property list of 4 GiB', 224, 8, 1 << 32, 'a property list of 4294967296 bytes'),
    field('without a property list', 224, 8, 0, 'no property list'),
    row('of before 2001', [big(len(PLAIN) - 512 + 224, 8, 0), big(len(PLAIN) - 512 + 48, 8, 300)], 'a resource fork, as images before 2001 have it', 9),
    field('of two segments', 60, 4, 2, 'images of several segments are not read', 9),
    field('of 2^32 - 1 segments', 60, 4, TOP32, 'images of several segments are not read', 9),
    field('of no segment', 60, 4, 0, '', 0, guest=LARGE),
    field('SZ38 of 2^64 - 1 sectors', 492, 8, TOP, 'a disk of 18446744073709551615 sectors'),
    field('SZ40 of no sectors, which its runs have', 492, 8, 0, '', 0, guest=LARGE),
    field('SZ40 of more sectors than its runs have', 492, 8, 5000, 'no run tells of 897 of its 5000 sectors', 0, guest=LARGE.ljust(5000 * 512, b'\0'), warns=True),
    field('with another sum of its tables', 360, 4, 1, 'the one that is stored with them 00000001'),
    field('with another sum of its tables, by info', 360, 4, 1, 'the one that is stored with them 00000001', command=INFO),
    field('with a sum of an unknown kind', 352, 4, 4, '', 0, guest=LARGE),
    field('with another sum of its data, by check', 88, 4, 1, 'the data fork is damaged', command=CHECK, warns=True),
    row('with another sum of a table, by check', [], 'table 1 is damaged', image=made(pokes=[big(72, 4, 1)]), command=CHECK, warns=True),
    xml('with a property list that is binary', lambda text: b'bplist00' + text, 'no XML text of UTF-8'),
    xml('with a property list of UTF-16', lambda text: text.decode().encode('utf-16'), 'no XML text of UTF-8'),
    xml('with a byte order mark', lambda text: b'\xef\xbb\xbf' + text, '', 0, guest=DATA),
    xml('with entities of its own', lambda text: text.replace(b'<!DOCTYPE plist PUBLIC', b'<!DOCTYPE plist [<!ENTITY a "b">] PUBLIC'), 'declarations within the document'),
    xml('with a comment', lambda text: text.replace(b'<plist', b'<!-- -> -- <key> ---><plist').replace(b'<array>', b'<!----><array>'), '', 0, guest=DATA),
    xml('with a > in a tag', lambda text: text.replace(b'version="1.0">', b'version=">" a=\'>/\'>'), '', 0, guest=DATA),
    xml('with a comment that does not end', lambda text: text.replace(b'<plist', b'<!-- <plist'), 'it ends within a comment'),
    xml('with a tag that does not end', lambda text: text[:-2], 'it ends within a tag'),
    xml('with elements that do not end', lambda text: text.replace(b'</plist>', b''), 'it ends within an element'),
    xml('with an end tag that ends nothing', lambda text: text.replace(b'</array>', b'</dict>'), 'an end tag that ends nothing'),
    xml('with 10000 elements within each other', lambda text: b'<a>' * 10000 + text, 'more than 32 elements within each other'),
    xml('with a key of 1 MiB', lambda text: text.replace(b'<key>plst', b'<key>' + b'blkx' * (1 << 18)), '', 0, guest=DATA),
    xml('with base64 that is none', lambda text: text.replace(b'bWlza', b'bWl\0a'), 'what is no base64'),
    xml('with base64 that is cut', lambda text: text[:text.index(b'bWlza') + 40], 'it ends within data'),
    xml('with an empty table', lambda text: text[:text.index(b'bWlza')] + text[text.index(b'</data>'):], 'table 1: its data ends before its runs do'),
    xml('without tables', lambda text: text.replace(b'blkx', b'blky'), 'no table of runs'),
    xml('with its tables elsewhere', lambda text: text.replace(b'resource-fork', b'resource-spoon'), 'no table of runs'),
    xml('that is empty', lambda text: b' ' * 100, 'no table of runs'),
    table('without "mish"', 0, 4, 0, 'no "mish" at its start'),
    table('with a table of version 2', 4, 4, 2, 'table 1: version 2, expected 1', 9),
    table('SZ39 with 2^32 - 1 runs', 200, 4, TOP32, '', 0, guest=DATA),
    row('SZ39 with more runs than a table holds', [], 'table 1: its data ends before its runs do', image=made(pokes=[big(200, 4, TOP32), big(244, 4, dmg.COMMENT)])),
    table('SZ40 with a first sector that wraps', 8, 8, TOP, 'no disk is that large'),
    table('SZ40 with a first sector of 2^54', 8, 8, 1 << 54, 'no disk is that large'),
    table('SZ40 with a data offset that wraps', 24, 8, TOP, 'lies beyond the'),
    table('with a run that starts at 2^63', 212, 8, 1 << 63, 'no disk is that large'),
    table('with a run of 2^64 - 1 sectors', 220, 8, TOP, 'no disk is that large'),
    table('SZ39 with a packed run of 2^40 sectors', 220, 8, 1 << 40, 'bytes are packed as one at sector 0'),
    table('SZ39 with a packed run of 4097 sectors', 220, 8, 4097, '2097664 bytes are packed as one at sector 0'),
    table('with a run beyond the data fork', 228, 8, 1 << 40, 'lies beyond the'),
    table('with a run of 0 bytes', 236, 8, 0, 'has 0 bytes, expected 1 to'),
    table('with a run of 2^63 bytes', 236, 8, 1 << 63, 'lies beyond the'),
    row('with a hole of 2^40 sectors', [], '', 0, image=made(dmg.ZEROS, [big(220, 8, 1 << 40), big(72, 4, 0x7ee8cdcd)]), command=CHECK, warns=True),
    row('with stored bytes that are too few', [], '8191 bytes for the 16 sectors from 0 on', image=made(dmg.STORED, [big(236, 8, 8191)])),
    row('with two runs for one range', [], 'two runs for sector 0', image=made(runs=twice(0), sectors=32)),
    row('with a run that ends inside another', [], 'two runs for sector 15', image=made(runs=twice(15), sectors=32)),
    row('with runs in any order', [], '', 0, image=made(runs=lambda fork: twice(16)(fork)[::-1], sectors=32), guest=2 * DATA),
    row('with what no run tells of', [], 'no run tells of 8 of its 40 sectors', 0, image=made(runs=twice(20), sectors=40), guest=DATA + bytes(2048) + DATA + bytes(2048), warns=True),
    kind('with a run of type 3', 3, 'a run of the unknown type 0x00000003'),
    kind('with a run of type 0x80000003', 0x80000003, 'a run of the unknown type 0x80000003'),
    kind('with a run of type 0x80000009', 0x80000009, 'a run of the unknown type 0x80000009'),
    kind('with a run of LZFSE', dmg.LZFSE, 'packed by LZFSE'),
]
ROWS += [packed(f'SZ41 with {what} of {length} bytes for 8192', number, lambda data, pack=pack, length=length: pack((data * 2)[:length]), part)
         for what, number, pack in (('zlib', dmg.ZLIB, zlib.compress), ('bzip2', dmg.BZIP2, bz2.compress), ('LZMA', dmg.LZMA, lzma.compress), ('ADC', dmg.ADC, dmg.adc))
         for length, part in ((8191, 'unpacks to 8191 bytes, expected 8192'), (8193, 'unpacks to more than 8192 bytes'))]
ROWS += [packed(f'SZ41 with {what} that is cut', number, lambda data, pack=pack: pack(data)[:-2], 'packed unit of guest byte 0')
         for what, number, pack in (('zlib', dmg.ZLIB, zlib.compress), ('bzip2', dmg.BZIP2, bz2.compress), ('LZMA', dmg.LZMA, lzma.compress))]
ROWS += [
    packed('SZ41 with ADC that is cut', dmg.ADC, lambda data: b'\x80a\x7f\0', 'ADC data is incomplete'),
    packed('SZ41 with ADC literals that are cut', dmg.ADC, lambda data: b'\xff' + data[:127], 'ADC data is incomplete'),
    packed('SZ41 with ADC that reaches back before its start', dmg.ADC, lambda data: b'\x81ab\x04\x02', 'ADC data is damaged: 3 bytes back of 2'),
    packed('SZ41 with ADC from nothing', dmg.ADC, lambda data: b'\x40\0\0', 'ADC data is damaged: 1 bytes back of 0'),
    packed('SZ41 a zlib bomb', dmg.ZLIB, lambda data: zlib.compress(bytes(8 << 20)), 'unpacks to more than 8192 bytes'),
    packed('SZ41 a zlib bomb, by check', dmg.ZLIB, lambda data: zlib.compress(bytes(8 << 20)), 'unpacks to more than 8192 bytes', command=CHECK, warns=True),
    packed('SZ41 LZMA of a large window', dmg.LZMA, lambda data: lzma.compress(data, preset=9), 'bytes of memory to unpack'),
]
