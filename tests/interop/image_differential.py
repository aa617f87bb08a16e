#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Images of test-images with some bytes changed, read by qemu-img and by vmferry: where both succeed, they read the same disk.

VMFERRY_TEST_ALL=1 tries 200 of each instead of 3; VMFERRY_DIFFERENTIAL=N another number, and VMFERRY_DIFFERENTIAL_SEED=N other ones."""
import os
import random
import shutil
import subprocess

import tap

FORMATS = {'.qcow2': 'qcow2', '.vmdk': 'vmdk', '.vdi': 'vdi', '.vhd': 'vpc', '.vhdx': 'vhdx'}
EACH = int(os.environ.get('VMFERRY_DIFFERENTIAL', 200 if os.environ.get('VMFERRY_TEST_ALL') else 3))
SEED = int(os.environ.get('VMFERRY_DIFFERENTIAL_SEED', 1))
HEADS = (0, 512, 1024, 2048, 4096, 65536, 131072, 196608, 1 << 20, 2 << 20, 3 << 20)  # where tables of some format begin
DISK_MAX = 64 << 20


def changed(data, chance):
    """One to three bytes, most of them in headers and tables."""
    image = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        place = chance.choice(HEADS) + chance.randrange(256) if chance.random() < 0.8 else chance.randrange(len(image))
        image[place % len(image)] = chance.choice((0, 1, 0xff, chance.randrange(256), image[place % len(image)] ^ 1 << chance.randrange(8)))
    return bytes(image)


def disk(t, *words):
    """The raw disk that a program makes as "out"; None where it fails, takes long or much room."""
    try:
        done = subprocess.run(words, cwd=t.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return None
    out = t.folder / 'out'
    found = out.read_bytes() if done.returncode == 0 and out.stat().st_size <= DISK_MAX else None
    out.unlink(missing_ok=True)
    return found


def agree(form, ours, theirs):
    """QEMU takes the size of some VHDs from their geometry."""
    length = min(len(ours), len(theirs)) if form == 'vpc' else max(len(ours), len(theirs))
    return ours[:length] == theirs[:length]


# qemu-img takes a differencing VHD for a dynamic one, and leaves out extents of the kind ZERO.
LEFT_OUT = ('good-vhd-differencing.vhd', 'good-vmdk-flat.vmdk')


def images():
    return [(path.name, path.name) for path in sorted(tap.IMAGES.glob('good-*')) if path.suffix in FORMATS and path.name not in LEFT_OUT]


@tap.rows(images())
def test_the_same_disk(t, name):
    qemu, form = tap.tool('qemu-img'), FORMATS[os.path.splitext(name)[1]]
    for other in tap.IMAGES.glob('good-*'):  # parents and extents among them
        if other.stat().st_size < 4 << 20:
            shutil.copy(other, t.folder)
    data, chance, both = (tap.IMAGES / name).read_bytes(), random.Random(f'{SEED} {name}'), 0
    for number in range(EACH):
        t.write(name, changed(data, chance) if number else data)
        ours = disk(t, tap.VMFERRY, 'convert', '-q', '--no-sync', '-f', form, '-O', 'raw', name, 'out')
        theirs = disk(t, qemu, 'convert', '-f', form, '-O', 'raw', name, 'out') if ours is not None else None
        if ours is None or theirs is None:
            continue
        both += 1
        if not agree(form, ours, theirs):
            kept = os.environ.get('VMFERRY_DIFFERENTIAL_KEEP')
            if kept:
                shutil.copy(t.path(name), os.path.join(kept, f'{number}-{name}'))
            where = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
            raise AssertionError(f'change {number} of seed {SEED}: {len(ours)} and {len(theirs)} bytes, the first that differs is {where}')
    print(f'# {name}: both read {both} of {EACH}')


tap.main(globals())
