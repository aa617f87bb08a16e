#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The power goes behind any write of a journal, and the disk had that write first, but else only what was synced: all
that the journal tells of is there. What is not would be found by its digests and done again, so it is counted, too."""
import os
import random
import re
import shutil
import struct

import fault_tools
import tap
import write_log

MIB = 1 << 20
ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
JOURNAL = '.vmferry-journal'
TARGETS = [('raw, reserved', ('-o', 'preallocation=falloc', 'disk.raw')), ('qcow2, compressed', ('-c', 'disk.qcow2')),
           ('vmdk split', ('-o', 'subformat=twoGbMaxExtentSparse', 'disk.vmdk')), ('raw', ('disk.raw',)), ('qcow2', ('disk.qcow2',)),
           ('vmdk stream', ('-o', 'subformat=streamOptimized', 'disk.vmdk')), ('vhd dynamic', ('disk.vhd',)), ('vhdx', ('disk.vhdx',))]


def prepare(t):
    for folder in ('src', 'out', 'left'):
        (t.folder / folder).mkdir()
    t.write('src/disk.raw', random.Random(3).randbytes(5 * MIB) + bytes(2 * MIB) + b'the end ' * (MIB // 2))


def convert(t, folder, words, env):
    """Standard error of a run that ends well."""
    done = t.vmferry('convert', '-m', '2', '-v', '--target-cache=writeback', '--journal=2M', '--resume', 'src/disk.raw', *words[:-1],
                     f'{folder}/{words[-1]}', env=dict(env, SOURCE_DATE_EPOCH='1600000000'))
    return done.stderr


def reaches(journal):
    """At which guest byte each chunk of a journal ends."""
    at, ends = journal.find(b'\n\n') + 2, []
    while at < len(journal):
        length, = struct.unpack_from('<4xI', journal, at)
        job, end = at + 24, at + 24 + length
        while job < end:
            guest, covered, blocks = struct.unpack_from('<QQ20xI', journal, job)
            job += 40 + 36 * blocks
        ends.append(guest + covered)
        at = end + 8
    return ends


def log_run(t, words):
    """The events up to the first file that is placed, and the files that were made."""
    env = fault_tools.preloaded('write_log.so') | {'VMF_LOG': t.path('log'), 'VMF_LOG_DIR': os.path.realpath(t.path('out'))}
    convert(t, 'out', words, env)
    events = []
    for event in write_log.read(t.folder / 'log'):
        if event[0] == 'R':
            break
        events.append(event)
    return events, fault_tools.files(t)


def put_left(t, files):
    shutil.rmtree(t.path('left'))
    (t.folder / 'left').mkdir()
    for name, data in files.items():
        path = t.folder / 'left' / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data)


def go_on(t, files, words):
    """At which guest byte, with what the medium has; and the files that are made."""
    put_left(t, files)
    found = re.search(r'goes on with an interrupted run, at guest byte (\d+)', convert(t, 'left', words, {}))
    return int(found.group(1)) if found else 0, {path.name: path.read_bytes() for path in (t.folder / 'left').iterdir()}


@tap.rows(TARGETS if ALL else TARGETS[:3])
def test_what_a_journal_tells_of_was_synced_before(t, words):
    prepare(t)
    events, made = log_run(t, words)
    disk, chunks = write_log.Disk(), 0
    for event in events:
        disk.take(*event)
        name = event[1]
        if event[0] != 'W' or not name.endswith(JOURNAL):
            continue
        ends = reaches(disk.written[name])
        if not ends:
            continue
        tap.equal(len(reaches(disk.synced.get(name, b''))), len(ends) - 1, 'chunks before, which are sure')
        title = f'behind chunk {len(ends)} of the journal'
        at, files = go_on(t, disk.left(name), words)
        tap.equal(at, ends[-1], title)
        tap.equal(files == made, True, f'{title}: the bytes of a run that was not interrupted')
        chunks += 1
    tap.equal(chunks >= 3, True, f'{chunks} chunks')


# ---- several disks, each with a journal of its own ----

PACKAGES = [('a machine into a package', ('src/vm.vmx', 'vm.ovf')), ('a package into a machine', ('src/vm.ova', 'vm.vmx')), ('into a package of qcow2', ('-O', 'qcow2', 'src/vm.ova', 'vm.ovf'))]


def prepare_package(t):
    prepare(t)
    t.write('src/other.raw', random.Random(4).randbytes(4 * MIB) + bytes(MIB))
    t.vmferry('pack', '-q', '--no-sync', '-o', 'src/vm.ova', 'src/disk.raw', 'src/other.raw', env={'SOURCE_DATE_EPOCH': '1600000000'})
    t.vmferry('convert', '-q', '--no-sync', 'src/vm.ova', 'src/vm.vmx', env={'SOURCE_DATE_EPOCH': '1600000000'})


def convert_package(t, folder, words, env):
    """At which guest byte each of its files went on."""
    done = t.vmferry('convert', '-m', '2', '-v', '--journal=1M', '--resume', *words[:-1], f'{folder}/{words[-1]}', env=dict(env, SOURCE_DATE_EPOCH='1600000000'))
    return {name: int(at) for name, at in re.findall(r'([\w.-]+): goes on with an interrupted run, at guest byte (\d+)', done.stderr)}


@tap.rows(PACKAGES if ALL else PACKAGES[:1])
def test_what_journals_of_several_disks_tell_of_was_synced_before(t, words):
    prepare_package(t)
    env = fault_tools.preloaded('write_log.so') | {'VMF_LOG': t.path('log'), 'VMF_LOG_DIR': os.path.realpath(t.path('out'))}
    convert_package(t, 'out', words, env)
    made, disk, chunks = fault_tools.files(t), write_log.Disk(), {}
    for event in write_log.read(t.folder / 'log'):
        if event[0] == 'R':
            break
        disk.take(*event)
        folder, name = os.path.split(event[1])
        if event[0] != 'W' or not name.startswith(JOURNAL):
            continue
        put_left(t, disk.left(event[1]))
        ends = reaches(disk.written[event[1]]) if name != JOURNAL else []
        found, title = convert_package(t, 'left', words, {}), f'behind chunk {len(ends)} of {name}'
        tap.equal({path.name: path.read_bytes() for path in (t.folder / 'left').iterdir()} == made, True, f'{title}: the bytes of a run that was not interrupted')
        if not ends:
            continue
        common = f'{folder}/{JOURNAL}'
        tap.equal(disk.synced.get(common) == bytes(disk.written[common]), True, f'{title}: what they have in common is sure')
        tap.equal(len(reaches(disk.synced.get(event[1], b''))), len(ends) - 1, f'{title}: chunks before, which are sure')
        number = int(name.removeprefix(JOURNAL + '-'))
        tap.equal({file.rsplit('disk')[-1].split('.')[0]: at for file, at in found.items()}.get(str(number)), ends[-1], title)
        chunks[number] = len(ends)
    tap.equal(all(chunks.get(number, 0) >= 3 for number in (1, 2)), True, f'chunks of each disk: {chunks}')


tap.main(globals())
