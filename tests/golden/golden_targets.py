# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The targets whose bytes are kept the same from one build to the next, and their source.

A target of PLAIN has the same bytes on every machine. Those of PACKED depend on the libraries that
pack, so two builds are compared on one machine."""
import hashlib
import os
import pathlib
import random
import subprocess
import tempfile

KIB, MIB = 1 << 10, 1 << 20
EPOCH = {'SOURCE_DATE_EPOCH': '1700000000'}
THREADS = ('1', '2', '8')


def convert(*words):
    return ('convert', '-f', 'raw', *words, 'source.raw')


def one_file(name, *words):
    return name, convert(*words), 'disk.out', True


def vmdk(name, subformat, piped):
    # "disk.vmdk" is what a descriptor calls a disk on a pipe
    return f'vmdk, {name}', convert('-O', 'vmdk', '-o', f'subformat={subformat}'), 'disk.vmdk', piped


def overlay(name, *words):
    return name, convert('-B', 'base.raw', '-F', 'raw', '-O', 'qcow2', *words), 'disk.out', False


def package(name, form):
    return name, ('pack', '-q', '--disk-format', form, '--name', 'vm', 'source.raw', '-o'), 'vm.ova', form != 'qcow2'


# (name, words in front of the target, the target, whether a pipe takes it, too)
PLAIN = [
    one_file('raw', '-O', 'raw'),
    one_file('raw, nothing sparse', '-O', 'raw', '-S', '0'),
    one_file('raw, falloc', '-O', 'raw', '-o', 'preallocation=falloc'),
    one_file('qcow2', '-O', 'qcow2'),
    one_file('qcow2, compat 0.10', '-O', 'qcow2', '-o', 'compat=0.10'),
    one_file('qcow2, clusters of 512', '-O', 'qcow2', '-o', 'cluster_size=512'),
    one_file('qcow2, clusters of 2M', '-O', 'qcow2', '-o', 'cluster_size=2M'),
    one_file('qcow2, extended L2', '-O', 'qcow2', '-o', 'extended_l2=on,cluster_size=128k'),
    one_file('qcow2, refcounts of one bit', '-O', 'qcow2', '-o', 'refcount_bits=1'),
    one_file('qcow2, metadata', '-O', 'qcow2', '-o', 'preallocation=metadata'),
    one_file('qcow2, full', '-O', 'qcow2', '-o', 'preallocation=full'),
    one_file('qcow2, nothing sparse', '-O', 'qcow2', '-S', '0'),
    vmdk('sparse', 'monolithicSparse', True),
    vmdk('sparse, version 6', 'monolithicSparse,compat6,adapter_type=lsilogic', True),
    vmdk('flat', 'monolithicFlat', False),
    vmdk('vmfs', 'vmfs', False),
    vmdk('split sparse', 'twoGbMaxExtentSparse', False),
    vmdk('split flat', 'twoGbMaxExtentFlat', False),
    one_file('vhd, dynamic', '-O', 'vhd'),
    one_file('vhd, fixed', '-O', 'vhd', '-o', 'subformat=fixed'),
    one_file('vdi, dynamic', '-O', 'vdi'),
    one_file('vdi, fixed', '-O', 'vdi', '-o', 'subformat=fixed'),
    one_file('vhdx, dynamic', '-O', 'vhdx'),
    one_file('vhdx, blocks of 4M, sectors of 4096', '-O', 'vhdx', '-o', 'block_size=4M,logical_sector_size=4096'),
    one_file('vhdx, fixed', '-O', 'vhdx', '-o', 'subformat=fixed'),
    one_file('vma', '-O', 'vma'),
    one_file('vma, nothing sparse', '-O', 'vma', '-S', '0'),
    overlay('qcow2 on raw'),
    overlay('qcow2 on raw, extended L2', '-o', 'extended_l2=on'),
    package('package of raw', 'raw'),
    package('package of vhd', 'vhd'),
    package('package of sparse vmdk', 'monolithicSparse'),
    package('package of qcow2', 'qcow2'),
]

PACKED = [
    *[one_file(f'raw, {packing}', '-O', 'raw', '-o', f'compress={packing}') for packing in ('gz', 'xz', 'zst', 'lz4')],
    vmdk('stream', 'streamOptimized', True),
    vmdk('stream, fast', 'streamOptimized,compression_level=1', True),
    ('qcow2, zlib', convert('-c', '-O', 'qcow2'), 'disk.out', False),
    ('qcow2, zstd', convert('-c', '-O', 'qcow2', '-o', 'compression_type=zstd'), 'disk.out', False),
    ('qcow2, zlib, 9', convert('-c', '-O', 'qcow2', '-o', 'compression_level=9'), 'disk.out', False),
    overlay('qcow2 on raw, packed', '-c'),
    ('package of streams', ('pack', '-q', '--name', 'vm', 'source.raw', '-o'), 'vm.ova', False),
]


def make_sources(folder):
    """Data, text and zeros in pieces of many sizes; a hole; an end in the middle of a sector. The base differs."""
    numbers = random.Random(20261128)
    content = bytearray(9 * MIB + 700)
    at = 0
    while at < len(content) - 300 * KIB:
        size = numbers.choice((512, 4 * KIB, 60 * KIB, 64 * KIB, 300 * KIB))
        kind = numbers.choice(('data', 'text', 'zeros', 'zeros'))
        if kind == 'data':
            content[at:at + size] = numbers.randbytes(size)
        elif kind == 'text':
            content[at:at + size] = (b'%09d sector\n' % at * (size // 17 + 1))[:size]
        at += size
    content[6 * MIB:8 * MIB] = bytes(2 * MIB)
    content[-9:] = b'the end.\n'
    with open(pathlib.Path(folder, 'source.raw'), 'wb') as file:
        file.write(content[:6 * MIB])
        file.seek(8 * MIB)
        file.write(content[8 * MIB:])
    for spot in range(0, 9 * MIB, 700 * KIB):
        content[spot:spot + 5000] = numbers.randbytes(5000)
    pathlib.Path(folder, 'base.raw').write_bytes(content)


def digest(folder):
    """One digest of the names and bytes of all files of a folder."""
    total = hashlib.sha256()
    for path in sorted(pathlib.Path(folder).iterdir()):
        total.update(f'{path.name} {path.stat().st_size}\n'.encode())
        with open(path, 'rb') as file:
            while piece := file.read(MIB):
                total.update(piece)
    return total.hexdigest()


def make(program, folder, target, threads, pipe=False):
    """Makes a target in a fresh folder beside the sources, and gives its digest."""
    name, words, out, _ = target
    with tempfile.TemporaryDirectory(dir=folder) as made:
        beside = [f'../{word}' if word.endswith('.raw') else word for word in words]
        command = [program, beside[0], '-m', threads, *beside[1:], '-' if pipe else out]
        # through a pipe, since standard output that is a file might be written anywhere in it
        done = subprocess.run(command, cwd=made, env=dict(os.environ, **EPOCH), capture_output=True, check=False)
        if done.returncode:
            raise AssertionError(f'{name}: {command}: exit {done.returncode}: {done.stderr.decode()}')
        if pipe:
            pathlib.Path(made, out).write_bytes(done.stdout)
        return digest(made)


def ways(target):
    """("file" or "pipe", whether it is a pipe): how a target can be written."""
    return [('file', False), ('pipe', True)] if target[3] else [('file', False)]
