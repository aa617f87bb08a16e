# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of evidence (E01): read as libewf reads them, and refused where it gives zeros."""
import hashlib
import json
import os
import random
import sys
import zlib

import tap

sys.path.insert(0, str(tap.IMAGES))
import make_ewf as ewf  # pylint: disable=wrong-import-position
from make_content import LARGE  # pylint: disable=wrong-import-position


def write(t, image, stem='x'):
    for name, data in image.segments(stem).items():
        t.write(name, data)


def read(t, name='x.E01'):
    t.vmferry('convert', '-O', 'raw', name, 'out.raw')
    return t.read('out.raw')


@tap.rows([(f'{segments} segments, {title}, chunks of {sectors} sectors', segments, plain, sectors)
           for segments in (1, 2, 7) for title, plain in (('as they are', True), ('packed', False)) for sectors in (8, 64, 1024)])
def test_segments_and_chunks(t, segments, plain, sectors):
    image = ewf.Image(LARGE, segments=min(segments, -(-len(LARGE) // (sectors * 512))), chunk_sectors=sectors, plain=lambda number: plain, pack=zlib.compress)
    write(t, image)
    tap.equal(read(t) == LARGE, True, 'content')
    tap.contains(t.vmferry('check', 'x.E01').stdout, 'No errors were found')
    t.vmferry('convert', 'x.E01', 'b.qcow2')
    t.vmferry('compare', 'x.E01', 'b.qcow2')
    tap.contains(t.run(tap.tool('ewfverify'), 'x.E01').stdout, 'SUCCESS')


@tap.rows([(f'{kind} of {size} bytes', kind, size) for kind in ('encase6', 'ftk', 'encase5') for size in (1 << 20, 3 << 20)])
def test_what_libewf_makes(t, kind, size):
    content = random.Random(size).randbytes(size // 2) + bytes(size // 2 - 512) + b'e' * 512
    t.write('a.raw', content)
    t.run(tap.tool('ewfacquire'), '-u', '-q', '-f', kind, '-c', 'fast', '-S', str(1 << 20), '-d', 'sha1', '-t', 'x', 'a.raw')
    tap.equal(read(t) == content, True, 'content')
    told = json.loads(t.vmferry('info', '--output=json', 'x.E01').stdout)
    tap.equal(told['virtual-size'], size, 'size')
    tap.equal(told['format-specific']['data']['md5'], hashlib.md5(content).hexdigest(), 'MD5')
    tap.contains(t.vmferry('check', 'x.E01').stdout, 'No errors were found')


def test_info(t):
    write(t, ewf.Image(LARGE, segments=3))
    told = json.loads(t.vmferry('info', '--output=json', 'x.E01').stdout)
    tap.equal(told['format-specific'], {'type': 'ewf', 'data': {
        'segments': 3, 'media': 'fixed', 'sector-size': 512, 'compression-level': 1,
        'md5': hashlib.md5(LARGE).hexdigest(), 'sha1': hashlib.sha1(LARGE).hexdigest()}}, 'format-specific')


def test_names_of_many_segments(t):
    """x.E99 is followed by x.EAA, x.EZZ by x.FAA."""
    image = ewf.Image(LARGE[:800 * 512], segments=800, chunk_sectors=1)
    write(t, image)
    tap.equal(os.path.exists(t.path('x.EAA')) and os.path.exists(t.path('x.FAA')), True, 'names')
    tap.equal(read(t) == LARGE[:800 * 512], True, 'content')


def test_names_in_lower_case(t):
    for name, data in ewf.Image(LARGE, segments=3).segments('x').items():
        t.write(name.lower(), data)
    tap.equal(read(t, 'x.e01') == LARGE, True, 'content')


def test_check_tells_every_damaged_chunk(t):
    image = ewf.Image(LARGE)
    for number in (1, 4, 30):
        packed, data = image.chunks[number]
        image.chunks[number] = packed, data[:-1] + bytes([data[-1] ^ 1])
    write(t, image)
    done = t.vmferry('check', 'x.E01', status=2)
    tap.equal([f'guest byte {number * 32768} ' in done.stdout + done.stderr for number in (1, 4, 30)], [True] * 3, done.stdout + done.stderr)


def test_a_last_chunk_that_holds_more_than_the_disk(t):
    """Its digests cover what is behind the end: that is told, and is no damage."""
    content = LARGE[:8 * 512]
    image = ewf.Image(content)
    image.chunks = [(True, zlib.compress(content + b'x'))]
    image.md5 = hashlib.md5(content + b'x').digest()
    write(t, image)
    tap.equal(read(t) == content, True, 'content')
    done = t.vmferry('check', 'x.E01')
    tap.contains(done.stdout + done.stderr, 'the last chunk holds 1 bytes more than the disk')


def test_in_a_package(t):
    t.write('x.E01', ewf.image(LARGE))
    t.vmferry('pack', 'x.E01')
    tap.equal(read(t, 'x.ova').rstrip(b'\0') == LARGE.rstrip(b'\0'), True, 'content')


tap.main(globals())
