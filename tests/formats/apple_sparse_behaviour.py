# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Sparse images and sparse bundles of Apple."""
import json
import os
import random
import resource
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))
import make_sparse as sparse  # pylint: disable=wrong-import-position
from make_content import LARGE  # pylint: disable=wrong-import-position


def write_bundle(t, files, name='x.sparsebundle'):
    os.makedirs(t.path(f'{name}/bands'), exist_ok=True)
    for file, data in files.items():
        t.write(f'{name}/{file}', data)


def read(t, name):
    t.vmferry('convert', '-O', 'raw', name, 'out.raw')
    return t.read('out.raw')


@tap.rows([(f'bands of {size} bytes', size) for size in (512, 1536, 4096, 65536, 1 << 20, 8 << 20)])
def test_bands(t, size):
    t.write('x.sparseimage', sparse.image(LARGE, size))
    write_bundle(t, sparse.bundle(LARGE, size))
    for name in ('x.sparseimage', 'x.sparsebundle', 'x.sparsebundle/', 'x.sparsebundle/Info.plist', 'x.sparsebundle/Info.bckup'):
        tap.equal(read(t, name) == LARGE, True, name)
        tap.contains(t.vmferry('check', name).stdout, 'No errors were found')
    t.vmferry('compare', 'x.sparseimage', 'x.sparsebundle')


def test_a_sparse_image_of_several_nodes(t):
    content = bytearray(random.Random(3).randbytes(3000 * 512))
    content[700 * 512:800 * 512] = bytes(100 * 512)
    t.write('x.sparseimage', sparse.image(bytes(content), 512))
    tap.equal(read(t, 'x.sparseimage') == bytes(content), True, 'content')
    told = json.loads(t.vmferry('info', '--output=json', 'x.sparseimage').stdout)
    tap.equal(told['format-specific'], {'type': 'sparseimage', 'data': {'band-size': 512, 'bands': 2900}}, 'format-specific')


def test_what_macos_wrote(t):
    """The header that libmodi has of macOS: 4 MiB in bands of 1 MiB, of which the second of the file is the fourth of the disk."""
    header = bytes.fromhex('73707273' '00000003' '00000800' '00000001' '00002000') + bytes(12) + bytes.fromhex('00002000') + bytes(28)
    header += bytes.fromhex('00000001' '00000004' '00000002' '00000003')
    bands = [bytes([number]) * (1 << 20) for number in b'1423']
    t.write('x.sparseimage', header.ljust(4096, b'\0') + b''.join(bands))
    tap.equal(read(t, 'x.sparseimage') == b''.join(sorted(bands)), True, 'content')


def test_bands_that_are_not_there(t):
    """Zeros, also where a file that is called so lies beside the bundle; and what servers leave is no band."""
    files = sparse.bundle(LARGE, 4096)
    del files['bands/0']
    write_bundle(t, {**files, 'bands/.DS_Store': b'x', '0': b'y' * 4096})
    t.write('0', b'z' * 4096)
    tap.equal(read(t, 'x.sparsebundle') == bytes(4096) + LARGE[4096:], True, 'content')
    tap.equal([run['zero'] for run in json.loads(t.vmferry('map', '--output=json', 'x.sparsebundle').stdout)][0], True, 'a hole at the start')


def test_a_bundle_of_more_bands_than_files_may_be_open(t):
    content = random.Random(4).randbytes(3000 * 512)
    write_bundle(t, sparse.bundle(content, 512))
    t.vmferry('convert', '-m', '8', '-O', 'raw', 'x.sparsebundle', 'out.raw',
              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    tap.equal(t.read('out.raw') == content, True, 'content')


@tap.rows([
    ('encrypted', {'token': b'encrcdsa' + bytes(100)}, 9, 'is encrypted'),
    ('a band that is too long', {'bands/0': bytes(4097)}, 2, 'bands/0: 4097 bytes, a band has 4096 at most'),
    ('a band in other letters', {'bands/1F': b''}, 2, 'the folder of its bands has a "1F"'),
    ('a band of two names', {'bands/01': b''}, 2, 'the folder of its bands has a "01"'),
    ('a band that is none', {'bands/README': b''}, 2, 'the folder of its bands has a "README"'),
    ('a binary list', {'Info.plist': b'bplist00' + bytes(600)}, None, ''),
    ('bands of no sectors', {'Info.plist': sparse.plist(4096, 1000)}, 2, '"band-size" is "1000"'),
    ('bands of 16 GiB', {'Info.plist': sparse.plist(4096, 1 << 34)}, 2, '"band-size" is "17179869184"'),
    ('a disk of no bytes', {'Info.plist': sparse.plist(0)}, 2, '"size" is "0"'),
    ('a disk of 2^62 bytes', {'Info.plist': sparse.plist(1 << 62)}, 2, '"size" is "4611686018427387904"'),
    ('a size that is no number', {'Info.plist': sparse.plist('-1')}, 2, '"size" is "-1"'),
    ('bands of another version', {'Info.plist': sparse.plist(4096, version=2)}, 9, 'the version of its bands is "2"'),
    ('another kind of bundle', {'Info.plist': sparse.plist(4096, kind='com.apple.diskimage.sparsebundle2')}, 9, 'the bundle\'s type is "com.apple.diskimage.sparsebundle2"'),
    ('no band size', {'Info.plist': sparse.plist(4096).replace(b'band-size', b'band-Size')}, 2, 'no "band-size"'),
    ('two sizes', {'Info.plist': sparse.plist(4096).replace(b'band-size', b'size')}, 2, 'no "band-size"'),
    ('the key twice', {'Info.plist': sparse.plist(4096).replace(b'CFBundleInfoDictionaryVersion</key>\n\t<string>6.0</string>', b'size</key>\n\t<integer>512</integer>')}, 2,
     'the key "size" for the second time'),
    ('entities', {'Info.plist': sparse.plist(4096).replace(b'dtd">', b'dtd" [<!ENTITY a "b">]>')}, 2, 'DOCTYPE'),
    ('cut short', {'Info.plist': sparse.plist(4096)[:-20]}, 2, 'has no end'),
])
def test_refused_bundles(t, files, status, says):
    write_bundle(t, {**sparse.bundle(LARGE), **files})
    done = t.vmferry('convert', '-O', 'raw', 'x.sparsebundle', 'out.raw', status=status)
    if status is None:
        tap.equal(done.returncode != 0, True, 'refused')
    tap.contains(done.stderr, says)
    tap.equal(t.names(), ['x.sparsebundle'], 'files left')


def test_a_bundle_without_its_bands(t):
    t.write('Info.plist', sparse.plist(4096))
    tap.contains(t.vmferry('convert', '-O', 'raw', 'Info.plist', 'out.raw', status=2).stderr, '"bands"')


def test_bands_by_a_symlink(t):
    """Within the bundle, and not out of it."""
    write_bundle(t, sparse.bundle(LARGE))
    os.mkdir(t.path('other'))
    t.write('other/0', b'secret')
    os.rename(t.path('x.sparsebundle/bands/0'), t.path('x.sparsebundle/bands/fff'))
    os.symlink('fff', t.path('x.sparsebundle/bands/0'))
    tap.equal(read(t, 'x.sparsebundle') == LARGE, True, 'content')
    for link in ('../../other/0', t.path('other/0')):
        os.unlink(t.path('x.sparsebundle/bands/0'))
        os.symlink(link, t.path('x.sparsebundle/bands/0'))
        tap.contains(t.vmferry('convert', '-O', 'raw', 'x.sparsebundle', 'no.raw', status=2).stderr, 'a symlink that leads out of')
    os.rename(t.path('x.sparsebundle/bands'), t.path('x.sparsebundle/old'))
    os.symlink('../other', t.path('x.sparsebundle/bands'))
    tap.contains(t.vmferry('convert', '-O', 'raw', 'x.sparsebundle', 'no.raw', status=2).stderr, 'a symlink that leads out of')


def test_in_a_package_and_on_a_pipe(t):
    write_bundle(t, sparse.bundle(LARGE))
    t.write('x.sparseimage', sparse.image(LARGE))
    t.vmferry('pack', 'x.sparseimage')
    tap.equal(read(t, 'x.ova').rstrip(b'\0') == LARGE.rstrip(b'\0'), True, 'content')
    with open(t.path('x.sparsebundle/Info.plist'), 'rb') as file:
        done = t.run('sh', '-c', f'cat | {tap.VMFERRY} convert -O raw - no.raw', stdin=file, status=None)
    tap.equal(done.returncode != 0 and 'part of a folder' in done.stderr, True, done.stderr)


tap.main(globals())
