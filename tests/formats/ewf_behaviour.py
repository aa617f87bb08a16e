# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of evidence (E01): read as libewf reads them, and refused where it gives zeros."""
import hashlib
import json
import os
import random
import resource
import subprocess
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


KINDS = ('encase6', 'ftk', 'encase5', 'encase1', 'encase2', 'encase3', 'encase4', 'encase7', 'linen5', 'linen6', 'linen7', 'smart', 'ewf', 'ewfx')


def libewf_rows():
    """Every kind once, and each with everything where all tests run."""
    ways = [(level, chunk, sector) for level in ('fast', 'none', 'best', 'empty-block') for chunk in (64, 16, 512) for sector in (512, 4096, 2048)]
    pairs = [(kind, way) for kind in KINDS for way in ways]
    if not os.environ.get('VMFERRY_TEST_ALL'):
        pairs = [(kind, ways[i * 5 % len(ways)]) for i, kind in enumerate(KINDS)]
    return [(f'{kind}, {level}, chunks of {chunk} sectors of {sector}', kind, level, chunk, sector) for kind, (level, chunk, sector) in pairs]


@tap.rows(libewf_rows())
def test_what_libewf_makes(t, kind, level, chunk, sector):
    content = random.Random(chunk).randbytes(1400 << 10) + bytes((700 << 10) - sector) + b'e' * sector
    t.write('a.raw', content)
    t.run(tap.tool('ewfacquire'), '-u', '-q', '-f', kind, '-c', level, '-b', chunk, '-P', sector, '-S', 1 << 20, '-d', 'sha1', '-t', 'x', 'a.raw')
    name = {'smart': 'x.s01', 'ewf': 'x.e01', 'ewfx': 'x.e01'}.get(kind, 'x.E01')
    tap.equal(read(t, name) == content, True, 'content')
    told = json.loads(t.vmferry('info', '--output=json', name).stdout)
    tap.equal(told['virtual-size'], len(content), 'size')
    tap.equal(told['format-specific']['data'].get('md5') in (None, hashlib.md5(content).hexdigest()), True, 'MD5')
    tap.contains(t.vmferry('check', name).stdout, 'No errors were found')
    t.write(name, (damaged := bytearray(t.read(name)))[:5000] + bytes([damaged[5000] ^ 1]) + damaged[5001:])
    t.vmferry('check', name, status=2)


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


FEW = (256, 256)  # files that may be open


def few_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, FEW)


def test_more_segments_than_files_may_be_open(t):
    """All verbs, with workers that read many of them at once, in the sandbox."""
    content = random.Random(1).randbytes(2000 * 512)
    write(t, ewf.Image(content, segments=2000, chunk_sectors=1))
    t.vmferry('convert', '-m', '16', '-O', 'raw', 'x.E01', 'out.raw', preexec_fn=few_files)
    tap.equal(t.read('out.raw') == content, True, 'content')
    t.vmferry('compare', 'x.E01', 'out.raw', preexec_fn=few_files)
    tap.contains(t.vmferry('check', 'x.E01', preexec_fn=few_files).stdout, 'No errors were found')
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'x.E01', preexec_fn=few_files).stdout)['format-specific']['data']['segments'], 2000, 'segments')


@tap.rows([
    ('replaced', lambda path: (path.rename(path.with_suffix('.old')), path.write_bytes(path.with_suffix('.old').read_bytes())), 'another file'),
    ('written to', lambda path: path.write_bytes(path.read_bytes()), 'another file'),
    ('removed', lambda path: path.unlink(), 'opening it again'),
])
def test_a_segment_that_changes_while_it_is_closed(t, change, says):
    """The first of them, once the last is open: standard output is taken only as far as the first chunk."""
    content = random.Random(1).randbytes(400 * 65536)
    write(t, ewf.Image(content, segments=400, chunk_sectors=128, pack=zlib.compress))
    with subprocess.Popen([tap.VMFERRY, 'convert', '-m', '1', '-O', 'raw', t.path('x.E01'), '-'], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(1)
        change(t.folder / 'x.EJB')  # 335 of 400
        process.stdout.read()
        tap.contains(process.stderr.read().decode(), says)
        tap.equal(process.wait(), 6, 'exit code')


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
