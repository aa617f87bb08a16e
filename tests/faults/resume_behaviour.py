#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Killed anywhere and gone on with, a conversion makes the bytes of one that was not interrupted."""
import fcntl
import json
import os
import random
import re
import shutil
import signal

import fault_tools
import remote_servers
import tap
from fault_tools import convert, count, files, put_old, remove, same

KIB = 1 << 10
ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
POINTS = 100 if ALL else 1
JOURNAL = '.vmferry-journal'
BLOCK = 64 * KIB

# A form of target: its name, and the words for it.
TARGETS = [
    ('raw', ('out/disk.raw',)),
    ('raw with a checksum', ('--checksum', 'out/disk.raw')),
    ('raw, reserved', ('-o', 'preallocation=falloc', 'out/disk.raw')),
    ('raw, full', ('-S', '0', 'out/disk.raw')),
    ('raw, packed', ('-O', 'raw', 'out/disk.raw.zst')),
    ('raw, packed slowly', ('-O', 'raw', 'out/disk.raw.xz')),
    ('qcow2', ('out/disk.qcow2',)),
    ('qcow2, small clusters', ('-o', 'cluster_size=4k', 'out/disk.qcow2')),
    ('qcow2, reserved', ('-o', 'preallocation=falloc', 'out/disk.qcow2')),
    ('qcow2, compressed', ('-c', '--checksum', 'out/disk.qcow2')),
    ('qcow2, zstd', ('-c', '-o', 'compression_type=zstd', 'out/disk.qcow2')),
    ('qcow2, full', ('-S', '0', 'out/disk.qcow2')),
    ('qcow2, an overlay', ('-B', '../src/base.raw', '-F', 'raw', 'out/disk.qcow2')),
    ('vmdk sparse', ('out/disk.vmdk',)),
    ('vmdk flat', ('-o', 'subformat=monolithicFlat', 'out/disk.vmdk')),
    ('vmdk split', ('-o', 'subformat=twoGbMaxExtentSparse', 'out/disk.vmdk')),
    ('vmdk split flat', ('-o', 'subformat=twoGbMaxExtentFlat', 'out/disk.vmdk')),
    ('vmdk stream', ('-o', 'subformat=streamOptimized', 'out/disk.vmdk')),
    ('vhd dynamic', ('out/disk.vhd',)),
    ('vhd fixed', ('-o', 'subformat=fixed', 'out/disk.vhd')),
    ('vhdx dynamic', ('out/disk.vhdx',)),
    ('vhdx, large blocks', ('-o', 'block_size=32M', 'out/disk.vhdx')),
    ('vhdx, full', ('-S', '0', 'out/disk.vhdx')),
    ('vhdx fixed', ('-o', 'subformat=fixed', 'out/disk.vhdx')),
    ('vdi dynamic', ('out/disk.vdi',)),
    ('vdi static', ('-o', 'static=on', 'out/disk.vdi')),
]
IN_CI = ('raw with a checksum', 'raw, reserved', 'qcow2, small clusters', 'qcow2, compressed', 'qcow2, an overlay', 'vmdk split', 'vmdk stream', 'vhd dynamic',
         'vhdx, large blocks', 'vdi static')


def prepare(t, size=24 << 20):
    """A source with data of every kind and with holes."""
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir(exist_ok=True)
    chance = random.Random(5)
    with open(t.path('src/disk.raw'), 'wb') as file:
        for at in range(0, size, BLOCK):
            kind = chance.choice('dddttz')
            if at % (8 << 20) < 6 << 20 and kind != 'z':
                file.seek(at)
                file.write(chance.randbytes(BLOCK) if kind == 'd' else b'%08d' % at * (BLOCK // 8))
        file.truncate(size + 512)
    with open(t.path('src/base.raw'), 'wb') as file:  # of an overlay: data where the disk has none, too
        file.write(t.read('src/disk.raw')[:3 << 20] + chance.randbytes(5 << 20))
        file.truncate(size + 512)


def clear(t):
    for path in (t.folder / 'out').iterdir():
        remove(path)


def run(t, fault, *words, source='src/disk.raw', **options):
    """A killed process loses nothing that it has written: only where the power goes is syncing missed."""
    return convert(t, fault, '--no-sync', '--journal=1M', source, *words, **options)


def expected(t, words):
    """The files, and how many calls of write(2) made them."""
    clear(t)
    status, errors = run(t, 'write:999999:5', *words)
    tap.equal(status, 0, errors)
    return files(t), count(t)


def is_committed(t, words):
    """The main file has its name: there is nothing to go on with."""
    return (t.folder / words[-1]).exists()


def resume(t, *words, fault='none:1:5', source='src/disk.raw', epoch=True):
    """Status, at which guest byte it went on (None: there was nothing to go on with), standard error."""
    status, errors = convert(t, fault, '-v', '--no-sync', '--resume', '--journal=1M', source, *words, epoch=epoch)
    found = re.search(r'goes on with an interrupted run, at guest byte (\d+)', errors)
    return status, int(found.group(1)) if found else None, errors


def points(t, words, writes, chance):
    for _ in range(POINTS):
        yield 'write', chance.randint(writes // 3, writes)
    for op in ('fsync', 'truncate', 'open', 'unlink', 'rename') if ALL else ():
        clear(t)
        convert(t, f'{op}:999999:5', '--journal=1M', 'src/disk.raw', *words)
        for number in range(1, min(count(t), 20) + 1):
            yield op, number


@tap.rows(TARGETS if ALL else [target for target in TARGETS if target[0] in IN_CI])
def test_a_killed_run_is_gone_on_with(t, words):
    prepare(t, (4 if words[-1].endswith('.xz') else 24) << 20)
    chance = random.Random(repr(words))
    made, writes = expected(t, words)
    clear(t)
    convert(t, 'none:1:5', '--no-sync', 'src/disk.raw', *words)
    same(t, made, 'without a journal')
    went_on = 0
    for op, number in points(t, words, writes, chance):
        title = f'killed at {op} {number}'
        clear(t)
        sync = [] if op == 'write' else ['--target-cache=writeback']
        status, errors = run(t, f'{op}:{number}:kill', *sync, *words)
        if status == 0:
            continue
        tap.equal(status, -signal.SIGKILL, f'{title}: {errors}')
        if is_committed(t, words):
            continue
        if chance.random() < 0.3:
            again = chance.randint(1, 12)
            title += f', then at write {again}'
            status, at, errors = resume(t, *words, fault=f'write:{again}:kill')
            went_on += at is not None and at > 0
        if not is_committed(t, words):
            status, at, errors = resume(t, *words)
            tap.equal(status, 0, f'{title}: {errors}')
            went_on += at is not None and at > 0
        same(t, made, title)
    tap.equal(went_on > 0, True, f'{went_on} went on')


SPLIT = ('-o', 'subformat=twoGbMaxExtentSparse', 'out/disk.vmdk')


def kill_placing(t, number):
    """A run that has placed number - 1 of its three extents, and not the file that names them."""
    t.write('src/large.raw', bytes(range(256)) * 4096)
    os.truncate(t.path('src/large.raw'), 5 << 30)
    clear(t)
    status, errors = convert(t, f'rename:{number}:kill', '--journal=1M', 'src/large.raw', *SPLIT)
    tap.equal(status, -signal.SIGKILL, errors)
    tap.equal(len([name for name in files(t) if name.startswith('disk')]), number - 1, 'placed')


@tap.rows([(f'{words[0]}, killed at rename {number}', words, number) for number in (1, 2, 4)
           for words in (('once',), ('twice', 'rename:2:kill'))])
def test_files_that_were_placed_too_early_are_had_again(t, words, number):
    """Their names would be those of another disk otherwise, and they would stay."""
    prepare(t)
    kill_placing(t, number)
    for fault in words[1:]:
        tap.equal(resume(t, *SPLIT, source='src/large.raw', fault=fault)[0], -signal.SIGKILL)
    status, at, errors = resume(t, *SPLIT, source='src/large.raw')
    tap.equal((status, at), (0, 1 << 20), errors)
    tap.equal(sorted(files(t)), ['disk-s001.vmdk', 'disk-s002.vmdk', 'disk-s003.vmdk', 'disk.vmdk'], 'files')
    t.vmferry('compare', 'src/large.raw', 'out/disk.vmdk')


@tap.rows([('by clean', ('clean', 'out'), []),
           ('by the next run', ('convert', '--no-sync', 'src/disk.raw', 'out/disk.vmdk'), ['disk.vmdk'])])
def test_files_that_were_placed_too_early_are_removed(t, words, left):
    """But for one that is another's now."""
    prepare(t)
    kill_placing(t, 4)
    for path in (t.folder / 'out').glob(f'.*/{JOURNAL}'):
        path.unlink()
    (t.folder / 'out/disk-s002.vmdk').unlink()
    t.write('out/disk-s002.vmdk', b'mine')
    t.vmferry(*words)
    tap.equal(sorted(files(t)), sorted(['disk-s002.vmdk', *left]), 'files')
    tap.equal(t.read('out/disk-s002.vmdk'), b'mine', 'what is not of the run')


def test_files_beside_a_target_that_was_placed_stay(t):
    """Killed behind the last rename, before the folder was removed."""
    prepare(t)
    kill_placing(t, 4)
    folder, = (t.folder / 'out').glob('.*.part-*')
    os.link(folder / 'disk.vmdk', t.path('out/disk.vmdk'))  # as a file system may have it where the power went
    t.vmferry('clean', 'out')
    tap.equal(sorted(files(t)), ['disk-s001.vmdk', 'disk-s002.vmdk', 'disk-s003.vmdk', 'disk.vmdk'], 'files')
    t.vmferry('compare', 'src/large.raw', 'out/disk.vmdk')


def kill(t, *words, at=30, epoch=True):
    """What a run leaves that was killed in the middle, behind the first chunk that it made sure: when that is, is the disk's business."""
    for number in range(at, at + 10):
        clear(t)
        status, errors = run(t, f'write:{number}:kill', *words, epoch=epoch)
        tap.equal(status, -signal.SIGKILL, errors)
        folder, = (t.folder / 'out').glob('.*.part-*')
        tap.equal((folder / JOURNAL).exists(), True, 'journal')
        if b'CHNK' in (folder / JOURNAL).read_bytes():
            return folder
    raise AssertionError(f'no chunk is sure at write {number}')


def test_ids_and_times_are_those_of_the_first_run(t):
    """They are random, but for SOURCE_DATE_EPOCH: two runs that go on with the same one make the same."""
    prepare(t)
    folder = kill(t, 'out/disk.vhdx', epoch=False)
    shutil.copytree(folder, t.path('copy'))
    made = []
    for _ in range(2):
        status, at, errors = resume(t, 'out/disk.vhdx', epoch=False)
        tap.equal((status, at > 0), (0, True), errors)
        made.append(t.read('out/disk.vhdx'))
        clear(t)
        shutil.copytree(t.path('copy'), folder)
    tap.equal(made[0] == made[1], True, 'the same bytes')
    resume(t, 'out/disk.vhdx', epoch=False)
    t.vmferry('compare', 'src/disk.raw', 'out/disk.vhdx')
    t.vmferry('check', 'out/disk.vhdx')


OTHERS = [
    ('options', ('-o', 'cluster_size=32k', 'out/disk.qcow2'), 'options of the target was ""'),
    ('a checksum', ('--checksum', 'out/disk.qcow2'), 'checksum was'),
    ('packing', ('-c', 'out/disk.qcow2'), 'packing was'),
    ('holes', ('-S', '64k', 'out/disk.qcow2'), 'size of holes was'),
    ('a format', ('-O', 'raw', 'out/disk.qcow2'), 'format of the target was "qcow2", and is "raw" now'),
]


@tap.rows(OTHERS)
def test_nothing_else_is_gone_on_with(t, words, difference):
    prepare(t)
    folder = kill(t, 'out/disk.qcow2')
    status, _, errors = resume(t, *words)
    tap.equal(status, 1, errors)
    tap.contains(errors, difference)
    tap.equal(sorted(path.name for path in folder.iterdir()), [JOURNAL, 'disk.qcow2'], 'what was left')
    tap.equal(resume(t, 'out/disk.qcow2')[0], 0, 'the same command')


def test_another_source_is_refused(t):
    prepare(t)
    kill(t, 'out/disk.qcow2')
    shutil.copy(t.path('src/disk.raw'), t.path('src/other.raw'))
    status, _, errors = resume(t, 'out/disk.qcow2', source='src/other.raw')
    tap.equal(status, 1, errors)
    for part in ('file of the source was "', '/src/disk.raw: 25166336 bytes', '/src/other.raw: '):
        tap.contains(errors, part)
    with open(t.path('src/disk.raw'), 'r+b') as file:
        file.write(b'changed')
    status, _, errors = resume(t, 'out/disk.qcow2')
    tap.equal(status, 1, errors)
    tap.contains(errors, 'file of the source was "')


def test_another_version_is_refused(t):
    prepare(t)
    folder = kill(t, 'out/disk.qcow2')
    data = (folder / JOURNAL).read_bytes()
    (folder / JOURNAL).write_bytes(data.replace(b'program\tvmferry ', b'program\tvmferry 9.', 1))
    status, _, errors = resume(t, 'out/disk.qcow2')
    tap.equal(status, 1, errors)
    tap.contains(errors, 'program was "vmferry 9.')


def proven_noise(t, end):
    """Where a file holds the last block of noise in front of a guest byte: no target packs it."""
    disk = t.read('src/disk.raw')[:end // BLOCK * BLOCK]
    noise = [block for block in (disk[at:at + BLOCK] for at in range(0, len(disk), BLOCK)) if len(set(block)) > 200]
    return lambda data: data.index(noise[-1])


def first_chunk(journal):
    """Behind its head, which is compared, and refused where it differs."""
    return journal.index(b'CHNK') + 20


@tap.rows([('qcow2', ('out/disk.qcow2',)), ('qcow2, compressed', ('-c', 'out/disk.qcow2')), ('vhdx', ('out/disk.vhdx',))])
def test_what_is_not_proven_is_done_again(t, words):
    """A byte of the disk that the power took, and a journal that ends in the middle, or is of noise."""
    prepare(t)
    made, _ = expected(t, words)
    name = words[-1].removeprefix('out/')
    folder = kill(t, *words)
    shutil.copytree(folder, t.path('left'))
    whole = resume(t, *words)[1]
    for file, place_in in ((name, proven_noise(t, whole)), (JOURNAL, first_chunk)):
        clear(t)
        shutil.copytree(t.path('left'), folder)
        data = bytearray((folder / file).read_bytes())
        data[place_in(data)] ^= 1
        (folder / file).write_bytes(data)
        status, at, errors = resume(t, *words)
        tap.equal(status, 0, errors)
        tap.equal((at or 0) < whole, True, f'{file}: at {at}, {whole} when nothing is damaged')
        same(t, made, file)
    for length in (0, 10, 700, 1500):
        clear(t)
        shutil.copytree(t.path('left'), folder)
        os.truncate(folder / JOURNAL, length)
        status, _, errors = resume(t, *words)
        tap.equal(status, 0, errors)
        same(t, made, f'a journal of {length} bytes')


@tap.rows([target for target in TARGETS if target[0] in ('raw', 'raw, reserved', 'qcow2, reserved', 'vmdk flat', 'vmdk stream', 'vhd fixed')])
def test_zeros_are_proven_too(t, words):
    """Of holes no journal has a digest; nothing of a file that was written to by others counts."""
    prepare(t)
    made, _ = expected(t, words)
    folder = kill(t, *words)
    for path in folder.iterdir():
        data = bytearray(path.read_bytes())
        if path.name == JOURNAL or len(data) < BLOCK:
            continue
        for at in range(0, len(data), 512):
            if not any(made[path.name][at:at + 512]) or not any(data[at:at + 512]):
                data[at + 511] = 1
        path.write_bytes(data + b'more' * BLOCK)
    status, at, errors = resume(t, *words)
    tap.equal((status, at > 0), (0, True), errors)
    same(t, made, 'resumed')


def test_what_is_left_is_named_and_stays(t):
    prepare(t)
    folder = kill(t, 'out/disk.qcow2')
    done = t.vmferry('convert', '--no-sync', 'src/disk.raw', 'out/disk.qcow2')
    for part in (folder.name, '"vmferry convert --resume"', '"vmferry clean"'):
        tap.contains(done.stderr, part)
    tap.equal(folder.is_dir(), True, 'the folder')


@tap.rows([('while it is written', 'write:30', ()), ('with its last write', 'write:{writes}', ()), ('while it is verified', 'read:1', ('--verify',))])
def test_a_signal_leaves_what_is_done(t, fault, words):
    prepare(t)
    made, writes = expected(t, ('out/disk.qcow2',))
    clear(t)
    process = fault_tools.start_stopped(t, fault.format(writes=writes) + ':stop', '--no-sync', '--journal=1M', *words, 'src/disk.raw', 'out/disk.qcow2')
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    status, errors = fault_tools.end(process)
    tap.equal(status, 143, errors)
    tap.contains(errors, '"vmferry convert --resume"')
    status, at, errors = resume(t, *words, 'out/disk.qcow2')
    tap.equal((status, at > 0), (0, True), errors)
    same(t, made, 'resumed')


def test_a_failure_that_is_no_use_leaves_nothing(t):
    prepare(t)
    clear(t)
    status, errors = run(t, 'write:30:28', 'out/disk.qcow2')
    tap.equal(status, 4, errors)
    tap.equal(files(t), {}, 'files')


def test_what_the_disk_did_not_take_is_told(t):
    """Once: whoever syncs the file next hears nothing of it."""
    prepare(t)
    words = ('--target-cache=writeback', '--journal=2M', 'src/disk.raw', 'out/disk.qcow2')
    convert(t, 'fsync:999999:5', *words)
    total = count(t)
    tap.equal(total > 8, True, f'{total} syncs')
    for number in fault_tools.steps(total, total if ALL else 8):
        clear(t)
        status, errors = convert(t, f'fsync:{number}:5', *words)
        tap.equal(status, 4, f'sync {number} of {total}: {errors}')


@tap.rows([('to a pipe', '"$0" convert --resume src/disk.raw -O raw - | cat >/dev/null; exit ${PIPESTATUS[0]}'),
           ('from a pipe', 'cat src/disk.raw | "$0" convert --journal=on -f raw - out/disk.raw'),
           ('salvaged', '"$0" convert --journal=on -f raw --salvage src/disk.raw out/disk.raw')])
def test_what_cannot_be_gone_on_with_is_told_at_the_start(t, words):
    prepare(t)
    done = t.run('bash', '-c', words, tap.VMFERRY, status=None)
    tap.equal(done.returncode, 9, done.stderr)
    tap.contains(done.stderr, 'cannot be resumed')
    tap.equal(files(t), {}, 'files')


@tap.rows([('a chunk of nothing', ('--journal=0',), '--journal: a chunk'), ('no size', ('--journal=much',), '--journal'),
           ('off, and resumed', ('--journal=off', '--resume'), '--journal=off')])
def test_options(t, words, message):
    prepare(t)
    done = t.vmferry('convert', *words, 'src/disk.raw', 'out/disk.raw', status=None)
    tap.equal(done.returncode in (1, 2), True, f'status {done.returncode}')
    tap.contains(done.stderr, message)


def test_small_disks_have_no_journal_by_themselves(t):
    prepare(t)
    status, _ = convert(t, 'write:20:kill', '--no-sync', 'src/disk.raw', 'out/disk.raw')
    tap.equal(status, -signal.SIGKILL, 'status')
    tap.equal(list((t.folder / 'out').glob(f'.*/{JOURNAL}')), [], 'journals')


def test_a_server_goes_away_and_comes_back(t):
    tap.needs('libcurl')
    prepare(t)
    data = t.read('src/disk.raw')
    state = {'away': True, 'etag': '"one"'}

    def answer(handler, _):
        if state['away'] and 12 << 20 <= handler.span(len(data))[0] < 22 << 20:  # the end is looked at first
            handler.say(503)
        else:
            handler.part(data, etag=state['etag'])

    with remote_servers.Site(answer) as site:
        words, url = ('--retry-time=1', '-m', '1', 'out/disk.qcow2'), site.url + '/disk.raw'
        status, errors = run(t, 'none:1:5', *words, source=url, epoch=False)
        tap.equal(status, 75, errors)
        tap.contains(errors, '"vmferry convert --resume"')
        state.update(away=False, etag='"two"')
        status, _, errors = resume(t, *words, source=url, epoch=False)
        tap.equal(status, 1, errors)
        tap.contains(errors, 'version "one"')
        state.update(etag='"one"')
        del site.requests[:]
        status, at, errors = resume(t, *words, source=url, epoch=False)
        tap.equal((status, at > 0), (0, True), errors)
        first = sorted({int(span.removeprefix('bytes=').split('-')[0]) >> 20 for _, _, span in site.requests})
        tap.equal(first[:2] in ([0, at >> 20], [0, (at >> 20) + 1]), True, f'asked from MiB {first}, goes on at {at}')
    t.vmferry('compare', 'src/disk.raw', 'out/disk.qcow2')


CUT_SHORT = ('raw with a checksum', 'qcow2, compressed', 'vmdk stream', 'vhd dynamic')


@tap.rows([target for target in TARGETS if target[0] in (CUT_SHORT if ALL else CUT_SHORT[:2])])
def test_a_network_that_is_cut_anywhere_is_gone_on_with(t, words):
    """Behind any number of answers, in the middle of one or between them, and twice."""
    tap.needs('libcurl')
    prepare(t, 48 << 20)  # more than is read ahead
    data = t.read('src/disk.raw')
    chance = random.Random(repr(words))
    state = {'left': 1 << 30}

    def answer(handler, _):
        with site.lock:
            state['left'] -= 1
            left = state['left']
        if left == 0:
            handler.cut(data, chance.randrange(1 << 20))
        elif left < 0:
            handler.close_connection = True
        else:
            handler.part(data)

    with remote_servers.Site(answer) as site:
        words, url = ('--retry-time=1', *words), site.url + '/disk.raw'
        clear(t)
        status, errors = run(t, 'none:1:5', *words, source=url)
        tap.equal(status, 0, errors)
        made, answers, went_on = files(t), len(site.requests), 0
        for _ in range(max(POINTS, 2)):
            clear(t)
            state['left'] = chance.randint(1 if ALL else answers * 3 // 4, answers)
            title = f'cut at answer {state["left"]} of {answers}'
            status, errors = run(t, 'none:1:5', *words, source=url)
            while status != 0:
                tap.equal(status, 75, f'{title}: {errors}')
                state['left'] = chance.choice((chance.randint(3, answers), 1 << 30)) if ALL else 1 << 30
                status, at, errors = resume(t, *words, source=url)
                went_on += at is not None and at > 0
            same(t, made, title)
    tap.equal(went_on > 0, True, f'{went_on} went on')


def batch(t, *words, fault='none:1:5'):
    done = t.vmferry('batch', '-j', '1', '--report', t.path('report.json'), *words, t.path('jobs'), status=None,
                     env=fault_tools.environment(t, fault))
    return done.returncode, done.stdout + done.stderr


def test_a_batch_goes_on_with_its_jobs(t):
    prepare(t)
    made, writes = {}, 0
    for words in (('out/a.raw',), ('-c', 'out/b.qcow2')):
        its_files, its_writes = expected(t, words)
        made |= its_files
        writes += its_writes
    clear(t)
    t.write('jobs', b'@defaults --journal=1M\nsrc/disk.raw\tout/a.raw\nsrc/disk.raw\tout/b.qcow2\t-c --journal=1M\n')
    found, said = batch(t, fault='write:45:kill')
    tap.equal(found, -signal.SIGKILL, said)
    tap.equal(len(list((t.folder / 'out').glob('.*/' + JOURNAL))), 1, 'left')
    found, said = batch(t, '--resume', fault='write:999999:5')
    tap.equal(found, 0, said)
    tap.equal(count(t) < writes - 10, True, f'{count(t)} writes, {writes} without an interruption')
    same(t, made, 'resumed')


# ---- clean ----

def test_clean_removes_what_is_left(t):
    prepare(t)
    folder = kill(t, 'out/disk.qcow2')
    other, empty, held = (t.folder / 'out' / name for name in ('.a.raw.part-abc123', '.b.raw.part-abc124', '.c.raw.part-abc125'))
    for path in (other, empty, held):
        path.mkdir(mode=0o700)
    for path in (other / 'a.raw', held / 'c.raw', t.folder / 'out/mine.part-abc126'):
        path.write_bytes(b'bytes')
    (t.folder / 'out/.d.part-abc').mkdir()
    with open(held / 'c.raw', 'r+b') as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 1)
        found = json.loads(t.vmferry('clean', '--dry-run', '--output=json', 'out').stdout)
        states = {path['path'].removeprefix('out/'): path['state'] for path in found}
        tap.equal(states, {folder.name: 'resumable', other.name: 'left', empty.name: 'left', held.name: 'in-use'}, 'states')
        tap.equal(folder.is_dir(), True, 'a dry run')
        done = t.vmferry('clean', 'out')
        tap.contains(done.stdout, f'out/{folder.name}: ')
        tap.contains(done.stdout, 'a run is at work there')
    tap.equal(sorted(files(t)), ['.c.raw.part-abc125', '.d.part-abc', 'mine.part-abc126'], 'what stays')
    t.vmferry('clean', 'out')
    tap.equal(json.loads(t.vmferry('clean', '--output=json', 'out', 'src').stdout), [], 'nothing is left')
    tap.equal(t.vmferry('clean', 'nowhere', status=1).stdout, '', 'no folder')


def test_clean_leaves_what_no_run_has_made(t):
    """A folder that is called so, without the file that it is called for."""
    folder = t.folder / 'out/.photos.part-second'
    folder.mkdir(parents=True)
    (folder / 'mine').write_bytes(b'mine')
    found, = json.loads(t.vmferry('clean', '--output=json', 'out').stdout)
    tap.equal((found['state'], [path.name for path in folder.iterdir()]), ('foreign', ['mine']))
    t.write('src.raw', b'bytes' * 1000)
    t.vmferry('convert', 'src.raw', 'out/photos')
    tap.equal([path.name for path in folder.iterdir()], ['mine'], 'a target of that name')


def test_clean_sees_a_run_at_work_on_a_long_name(t):
    """Whose files beside it begin as its name does, as far as that has room in the name of the folder."""
    prepare(t)
    os.truncate(t.path('src/disk.raw'), 40 << 30)
    name = 'n' * 243
    words = ('--no-sync', '-o', 'subformat=twoGbMaxExtentSparse', 'src/disk.raw', f'out/{name}.vmdk')
    process = fault_tools.start_stopped(t, 'write:10:stop', *words)
    done = t.vmferry('clean', 'out')
    process.send_signal(signal.SIGCONT)
    status, errors = fault_tools.end(process)
    tap.contains(done.stdout, 'a run is at work there')
    tap.equal(status, 0, errors)
    tap.equal(f'{name}.vmdk' in files(t), True, 'the target')


@tap.rows([('that goes on', 'write:5:stop'), ('that places its files', 'rename:2:stop')])
def test_clean_leaves_a_run_at_work(t, fault):
    """Gone on with, it holds what it has found; nothing that it has placed is taken back."""
    prepare(t)
    kill_placing(t, 3)
    process = fault_tools.start_stopped(t, fault, '--resume', '--journal=1M', 'src/large.raw', *SPLIT)
    before = {name: data for name, data in files(t).items() if data is not None}
    found, = json.loads(t.vmferry('clean', '--output=json', 'out').stdout)
    tap.equal(found['state'], 'in-use', str(found))
    tap.equal(sorted(name for name, data in files(t).items() if data is not None), sorted(before), 'files')
    process.send_signal(signal.SIGCONT)
    status, errors = fault_tools.end(process)
    tap.equal(status, 0, errors)
    tap.equal(sorted(files(t)), ['disk-s001.vmdk', 'disk-s002.vmdk', 'disk-s003.vmdk', 'disk.vmdk'], 'files')
    t.vmferry('compare', 'src/large.raw', 'out/disk.vmdk')


def test_clean_follows_no_link_and_takes_long_names(t):
    prepare(t)
    clear(t)
    name = 'n' * 240 + '.raw'
    status, errors = run(t, 'write:30:kill', 'out/' + name)
    tap.equal(status, -signal.SIGKILL, errors)
    folder, = (t.folder / 'out').glob('.*.part-*')
    os.symlink(t.path('src'), t.path('out/.e.part-abc127'))
    t.vmferry('clean', 'out')
    tap.equal((t.folder / 'src/disk.raw').exists(), True, 'behind a link')
    tap.equal(folder.exists(), False, 'a name that was cut')


tap.main(globals())
