# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Speed against other programs: each row is run in turn with each, and printed as a ratio.

bench.py [MIB]: a disk of so many MiB (default 512), a third each of text, noise and zeros. A ratio above 1 means
that vmferry is faster."""
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

VMFERRY = os.environ['VMFERRY']
ROUNDS = 3
STREAM = ['-O', 'vmdk', '-o', 'subformat=streamOptimized']

# Title, source, target, vmferry's words, the other program's words.
ROWS = [
    ('raw to raw', 'disk.raw', ['-O', 'raw'], ['qemu-img', 'convert', '-O', 'raw']),
    ('raw to raw, cp', 'disk.raw', ['-O', 'raw'], ['cp', '--sparse=always', '--reflink=never']),
    ('raw to qcow2', 'disk.raw', ['-O', 'qcow2'], ['qemu-img', 'convert', '-O', 'qcow2']),
    ('raw to qcow2, zlib', 'disk.raw', ['-c', '-O', 'qcow2'], ['qemu-img', 'convert', '-c', '-O', 'qcow2']),
    ('raw to streamOptimized', 'disk.raw', STREAM, ['qemu-img', 'convert', *STREAM]),
    ('qcow2 to raw', 'disk.qcow2', ['-O', 'raw'], ['qemu-img', 'convert', '-O', 'raw']),
    ('qcow2, zlib, to raw', 'packed.qcow2', ['-O', 'raw'], ['qemu-img', 'convert', '-O', 'raw']),
    ('streamOptimized to qcow2', 'stream.vmdk', ['-O', 'qcow2'], ['qemu-img', 'convert', '-O', 'qcow2']),
]


def make_disk(path, mebibytes):
    dice = random.Random(1)
    words = [dice.randbytes(dice.randrange(2, 12)).hex().encode() for _ in range(5000)]
    with open(path, 'wb') as disk:
        for number in range(mebibytes):
            if number % 3 == 0:
                disk.write(b' '.join(dice.choices(words, k=1 << 17))[:1 << 20].ljust(1 << 20))
            elif number % 3 == 1:
                disk.write(dice.randbytes(1 << 20))
            else:
                disk.seek(1 << 20, os.SEEK_CUR)
        disk.truncate(mebibytes << 20)


def seconds(words, folder):
    pathlib.Path(folder, 'out').unlink(missing_ok=True)
    start = time.monotonic()
    subprocess.run(words, cwd=folder, check=True)
    return time.monotonic() - start


def main():
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    with tempfile.TemporaryDirectory(prefix='vmferry-bench-') as folder:
        make_disk(folder + '/disk.raw', mebibytes)
        for name, words in (('disk.qcow2', ['-O', 'qcow2']), ('packed.qcow2', ['-c', '-O', 'qcow2']),
                            ('stream.vmdk', STREAM)):
            subprocess.run([VMFERRY, 'convert', '--no-sync', *words, 'disk.raw', name], cwd=folder, check=True)
        print(f'{mebibytes} MiB, best of {ROUNDS}, {os.cpu_count()} processors')
        for title, source, ours, theirs in ROWS:
            if not shutil.which(theirs[0]):
                print(f'{title:28} skipped: no {theirs[0]}')
                continue
            mine, other = [], []
            for _ in range(ROUNDS):
                mine.append(seconds([VMFERRY, 'convert', '--no-sync', *ours, source, 'out'], folder))
                other.append(seconds([*theirs, source, 'out'], folder))
            print(f'{title:28} {min(mine):7.2f} s   {theirs[0]} {min(other):7.2f} s   ratio {min(other) / min(mine):5.2f}',
                  flush=True)


main()
