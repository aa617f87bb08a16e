# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Conversions with a fault in them: see fault_plan.c. The source is in `src`, the target in `out`."""
import os
import pathlib
import random
import subprocess

import tap

FAULTS = pathlib.Path(os.environ.get('VMFERRY_FAULTS', tap.SOURCE / 'build/tests/faults'))
SANITIZED = os.environ.get('VMFERRY_SANITIZED', 'none') != 'none'
OLD = b'the old file of this name\n' * 20
SIZE = 304 * 1024

# A form of target: its name, and the words for it.
TARGETS = [
    ('raw', ('out/disk.raw',)),
    ('qcow2', ('out/disk.qcow2',)),
    ('qcow2 compressed', ('-c', 'out/disk.qcow2')),
    ('vmdk sparse', ('out/disk.vmdk',)),
    ('vmdk flat', ('-o', 'subformat=monolithicFlat', 'out/disk.vmdk')),
    ('vmdk split', ('-o', 'subformat=twoGbMaxExtentSparse', 'out/disk.vmdk')),
    ('vmdk stream', ('-o', 'subformat=streamOptimized', 'out/disk.vmdk')),
    ('vhd dynamic', ('out/disk.vhd',)),
    ('vhd fixed', ('-o', 'subformat=fixed', 'out/disk.vhd')),
]


def pattern(size=SIZE, seed=1):
    """Data of every kind: random, text, zeros; the end is data."""
    chance = random.Random(seed)
    text = (b'vmferry %d ' % seed) * 8192
    data = chance.randbytes(size // 3) + text[:size // 3]
    return data + bytes(size - len(data) - 4096) + chance.randbytes(4096)


def prepare(t, seed=1):
    """The folders and src/disk.raw, whose bytes are returned."""
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir(exist_ok=True)
    data = pattern(seed=seed)
    t.write('src/disk.raw', data)
    return data


def put_old(t, target):
    """An empty `out` but for an old file."""
    for path in (t.folder / 'out').iterdir():
        remove(path)
    t.write(target, OLD)


def remove(path):
    if path.is_dir():
        for inner in path.iterdir():
            inner.unlink()
        path.rmdir()
    else:
        path.unlink()


def files(t):
    """What is in `out`: the name and the bytes of each file, None for a folder."""
    return {path.name: path.read_bytes() if path.is_file() else None
            for path in (t.folder / 'out').iterdir()}


def same(t, made, title):
    """What a run that went on has made is what one made that was not interrupted."""
    left = files(t)
    tap.equal(sorted(left), sorted(made), title)
    for name, data in made.items():
        if left[name] != data:
            raise AssertionError(f'{title}: {name} differs from that of a run that was not interrupted')


def preloaded(name):
    """The environment in which one of the libraries here is loaded before all others."""
    library = FAULTS / name
    if not library.exists():
        raise tap.Skip(f'{library} is not built')
    added = {'LD_PRELOAD': str(library)}
    if SANITIZED:
        added['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
    return added


def environment(t, fault, folder='out', epoch=True):
    added = preloaded('fault_memory.so' if fault.startswith('malloc') else 'fault_plan.so')
    added |= {'VMF_FAULT': fault, 'VMF_FAULT_COUNT': count_file(),
             'VMF_FAULT_DIR': os.path.realpath(t.path(folder))}
    if fault.startswith('malloc'):
        added['VMFERRY_SANDBOX'] = 'off'  # libseccomp's own allocations are some hundred, the same in each run
    if epoch:
        added['SOURCE_DATE_EPOCH'] = '1600000000'  # the same bytes each time
    return added


def convert(t, fault, *words, folder='out', epoch=True, **options):
    """Exit status, standard error."""
    done = t.vmferry('convert', '-m', '2', *words, status=None,
                     env=environment(t, fault, folder, epoch), **options)
    return done.returncode, done.stderr


def count_file():
    """Where a confined process may write."""
    return os.path.join(os.environ['TMPDIR'], 'count')


def count(_):
    return int(pathlib.Path(count_file()).read_text(encoding='ascii'))


def start(t, fault, *words, folder='out', **options):
    """A running conversion."""
    options.setdefault('stdout', subprocess.DEVNULL)
    return subprocess.Popen([tap.VMFERRY, 'convert', '-m', '2', *words], cwd=t.folder,
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            env=dict(os.environ, **environment(t, fault, folder)), **options)


def start_stopped(t, fault, *words, folder='out', **options):
    """A conversion that stopped itself where the plan says so."""
    process = start(t, fault, *words, folder=folder, **options)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        process.returncode = os.waitstatus_to_exitcode(status)
        raise AssertionError(f'{fault}: not reached, {process.stderr.read()}')
    return process


def end(process):
    """Exit status, standard error."""
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors.decode(errors='replace')


def guest(t, path):
    """The guest's bytes as qemu-img sees them, or vmferry where that is not installed."""
    if tap.shutil.which('qemu-img'):
        form = ['-f', 'vpc'] if path.endswith('.vhd') else []  # a fixed one is not probed
        t.run('qemu-img', 'convert', *form, '-O', 'raw', path, t.path('guest'))
    else:
        t.vmferry('convert', '--no-sync', path, t.path('guest'), '-O', 'raw')
    return t.read('guest')


def steps(total, most):
    """1..total, or about `most` numbers of it with both ends."""
    return sorted({round(1 + i * (total - 1) / (most - 1)) for i in range(most)}) if total > most \
        else list(range(1, total + 1))
