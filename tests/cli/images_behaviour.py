# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The images in test-images: what makes them, what they hold, what is refused."""
import hashlib
import os
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))
import make  # pylint: disable=wrong-import-position


def blksum(content):
    """The guest-content checksum, written down once more: blkhash with SHA-256."""
    blocks = b''.join(hashlib.sha256(content[at:at + 65536]).digest() for at in range(0, len(content), 65536))
    return hashlib.sha256(blocks + len(content).to_bytes(8, 'little')).hexdigest()


def test_script_writes_the_same_bytes(t):
    t.run(sys.executable, tap.IMAGES / 'make.py', t.folder)
    names = [name for name in os.listdir(tap.IMAGES) if name.startswith(('good-', 'bad-'))]
    tap.equal(t.names(), sorted(names), 'names')
    for name in names:
        tap.equal(t.read(name) == (tap.IMAGES / name).read_bytes(), True, name)


def test_readme_names_every_image(t):
    text = (tap.IMAGES / 'README.md').read_text()
    for name in os.listdir(tap.IMAGES):
        if name.startswith(('good-', 'bad-')):
            tap.contains(text, f'`{name}`')


@tap.rows([(name, name) for name in make.CONTENTS])
def test_content(t, name):
    t.vmferry('convert', '-O', 'raw', tap.IMAGES / name, 'out.raw')
    tap.equal(t.read('out.raw') == make.CONTENTS[name], True, 'content')


@tap.rows([(name, name) for name in make.CONTENTS])
def test_checksum(t, name):
    expected = blksum(make.CONTENTS[name])
    path = tap.IMAGES / name
    tap.equal(t.vmferry('checksum', path).stdout, f'blkhash-sha256:{expected}  {path}\n', 'checksum')
    done = t.vmferry('convert', '--checksum', '--verify', '-O', 'raw', path, 'out.raw')
    tap.equal(done.stdout, f'blkhash-sha256:{expected}  out.raw\n', 'checksum of convert')


@tap.rows([(f'{name} to {target}', name, target) for name in make.CONTENTS if 'odd' not in name
           for target in ('qcow2', 'vmdk', 'vhd')])
def test_round_trip(t, name, target):
    t.vmferry('convert', '-O', target, '--verify', tap.IMAGES / name, 'out.' + target)
    t.vmferry('compare', tap.IMAGES / name, 'out.' + target)
    t.vmferry('convert', '-f', target, 'out.' + target, 'back.raw')
    tap.equal(t.read('back.raw') == make.CONTENTS[name], True, 'content')


@tap.rows([(name, name, status) for name, status in make.REFUSED.items()])
def test_refused(t, name, status):
    done = t.vmferry('convert', '-O', 'qcow2', tap.IMAGES / name, 'out.qcow2', status=status)
    tap.equal(done.stderr.count('\n'), 1, 'lines of stderr')
    tap.contains(done.stderr, name)
    tap.equal(t.names(), [], 'files')


tap.main(globals())
