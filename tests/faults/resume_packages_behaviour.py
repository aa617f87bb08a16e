#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages and machines with several disks: killed anywhere and gone on with, they have the bytes of a run that was not interrupted."""
import contextlib
import os
import random
import re
import shutil
import signal

import fault_tools
import tap
from fault_tools import count, files, remove, same, steps

KIB, MIB = 1 << 10, 1 << 20
ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
JOURNAL = '.vmferry-journal'
BLOCK = 64 * KIB
EPOCH = {'SOURCE_DATE_EPOCH': '1600000000'}
DISKS = ('src/a.raw', 'src/b.raw')

# What is written: its words; the last one is the main file.
OVF = ('pack', *DISKS, '-o', 'out/vm.ovf')
VMX = ('convert', 'src/vm.ova', 'out/vm.vmx')
TARGETS = [
    ('a package of disks', OVF),
    ('a machine into a package', ('convert', 'src/vm/vm.vmx', 'out/vm.ovf')),
    ('a package into a machine', VMX),
    ('a package into one with other disks', ('convert', '-O', 'vhd', 'src/vm.ova', 'out/vm.ovf')),
    ('raw disks', ('pack', '--disk-format', 'raw', '--digest', 'sha512', *DISKS, '-o', 'out/vm.ovf')),
    ('fixed VHDs', ('pack', '--disk-format', 'vhd-fixed', *DISKS, '-o', 'out/vm.ovf')),
    ('sparse VMDKs', ('pack', '--disk-format', 'monolithicSparse', *DISKS, '-o', 'out/vm.ovf')),
    ('qcow2', ('pack', '--disk-format', 'qcow2', *DISKS, '-o', 'out/vm.ovf')),
    ('by a template', ('pack', '--template', 'src/vm.ova', *DISKS, '-o', 'out/vm.ovf')),
    ('more disks than at once', ('pack', *DISKS, *DISKS, *DISKS, '-o', 'out/vm.ovf')),
    ('with a medium', ('convert', 'src/cd/vm.vmx', 'out/vm.ovf')),
    ('vbox', ('convert', 'src/vm.ova', 'out/vm.vbox')),
    ('libvirt', ('convert', 'src/vm.ova', 'out/vm.xml')),
    ('Hyper-V', ('convert', '--machine', 'hyperv', 'src/vm.ova', 'out/vm.ps1')),
]
IN_CI = ('a package of disks', 'a package into a machine', 'raw disks', 'qcow2', 'more disks than at once')


def prepare(t, size=6 * MIB):
    """Two disks with data of every kind and with holes; a package and a machine that have them."""
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir(exist_ok=True)
    for seed, name in enumerate(DISKS):
        chance = random.Random(seed)
        with open(t.path(name), 'wb') as file:
            for at in range(0, size, BLOCK):
                kind = chance.choice('dddttz')
                if at % (3 * MIB) < 2 * MIB and kind != 'z':
                    file.seek(at)
                    file.write(chance.randbytes(BLOCK) if kind == 'd' else b'%08d' % at * (BLOCK // 8))
            file.truncate(size + 512)
    t.vmferry('pack', '-q', '--no-sync', '-o', 'src/vm.ova', *DISKS, env=EPOCH)
    for folder in ('src/vm', 'src/cd'):
        (t.folder / folder).mkdir(exist_ok=True)
        t.vmferry('convert', '-q', '--no-sync', 'src/vm.ova', folder + '/vm.vmx', env=EPOCH)
    t.write('src/cd/cd.iso', random.Random(9).randbytes(200 * KIB))
    with open(t.path('src/cd/vm.vmx'), 'a', encoding='ascii') as file:
        file.write('ide1:0.present = "TRUE"\nide1:0.deviceType = "cdrom-image"\nide1:0.fileName = "cd.iso"\n')


def clear(t):
    for path in (t.folder / 'out').iterdir():
        remove(path)


def run(t, fault, words, *more, epoch=True, sync=False):
    """Exit status, standard error. A killed process loses nothing that it has written: only where the power goes is syncing missed."""
    added = fault_tools.environment(t, fault, epoch=epoch)
    done = t.vmferry(words[0], '-m', '2', *([] if sync else ['--no-sync']), '--journal=1M', *more, *words[1:], status=None, env=added)
    return done.returncode, done.stderr


def resume(t, words, fault='none:1:5', **options):
    """Exit status, at which guest byte each disk went on, standard error."""
    quiet = [] if words[0] == 'pack' else ['-v']
    status, errors = run(t, fault, words, '--resume', *quiet, **options)
    found = re.findall(r'([\w.-]+): goes on with an interrupted run, at guest byte (\d+)', errors)
    return status, {name: int(at) for name, at in found}, errors


def expected(t, words):
    """The files, and how many calls of write(2) made them."""
    clear(t)
    status, errors = run(t, 'write:999999:5', words)
    tap.equal(status, 0, errors)
    return files(t), count(t)


def is_committed(t, words):
    """The main file has its name: there is nothing to go on with."""
    return (t.folder / words[-1]).exists()


def left(t):
    """The temporary folder of a killed run."""
    folder, = (t.folder / 'out').glob('.*.part-*')
    return folder


def kill(t, words, fault, **options):
    clear(t)
    status, errors = run(t, fault, words, **options)
    tap.equal(status, -signal.SIGKILL, errors)
    return left(t)


def kill_between(t, words, part, **options):
    """A run that has done about so much of its work, and has noted some of it."""
    writes = expected(t, words)[1]
    folder = kill(t, words, f'write:{int(writes * part)}:kill', **options)
    tap.equal((folder / JOURNAL).exists(), True, 'journal')
    return folder


def points(t, words, writes, chance):
    """Where the first run is killed: behind the first third there is something to go on with."""
    numbers = range(1, writes + 1) if ALL and writes < 400 else sorted(chance.randint(writes // 4, writes) for _ in range(60 if ALL else 3))
    for number in numbers:
        yield 'write', number
    for op in ('fsync', 'truncate', 'open', 'unlink', 'rename') if ALL else ('fsync', 'rename', 'unlink'):
        clear(t)
        run(t, f'{op}:999999:5', words, sync=True)
        for number in steps(count(t), count(t) if ALL else 2) if count(t) else ():
            yield op, number


@tap.rows(TARGETS if ALL else [target for target in TARGETS if target[0] in IN_CI])
def test_a_killed_run_is_gone_on_with(t, words):
    prepare(t, 3 * MIB if words.count(DISKS[0]) > 1 else 6 * MIB)
    chance = random.Random(repr(words))
    made, writes = expected(t, words)
    clear(t)
    done = t.vmferry(words[0], '--no-sync', *words[1:], status=None, env=EPOCH)
    tap.equal(done.returncode, 0, done.stderr)
    same(t, made, 'without a journal')
    for op, number in points(t, words, writes, chance):
        title = f'killed at {op} {number}'
        clear(t)
        status, errors = run(t, f'{op}:{number}:kill', words, sync=op != 'write')
        if status == 0:
            continue
        tap.equal(status, -signal.SIGKILL, f'{title}: {errors}')
        if is_committed(t, words):
            t.vmferry('clean', 'out')
            same(t, made, f'{title}, and cleaned')
            continue
        if chance.random() < 0.3:
            again = chance.randint(1, 12)
            title += f', then at write {again}'
            resume(t, words, f'write:{again}:kill')
        if not is_committed(t, words):
            status, _, errors = resume(t, words)
            tap.equal(status, 0, f'{title}: {errors}')
        same(t, made, title)


@tap.rows([target for target in TARGETS if target[0] in ('a package of disks', 'a machine into a package', 'a package into a machine', 'raw disks', 'qcow2')])
def test_what_is_done_is_not_done_again(t, words):
    """Killed behind all of it, and in the middle: the disks go on where they were, and far less is written."""
    prepare(t)
    made, writes = expected(t, words)
    if words[0] == 'convert':
        kill(t, words, 'rename:1:kill')
        status, ats, errors = resume(t, words)
        tap.equal((status, sorted(ats.values())), (0, [6 * MIB + 512] * 2), errors)
        same(t, made, 'behind the disks')
    kill(t, words, 'rename:1:kill')
    status, _, errors = resume(t, words, 'write:999999:5')
    tap.equal((status, count(t) < writes * 2 // 3), (0, True), f'{count(t)} writes of {writes}: {errors}')
    same(t, made, 'killed at the first rename')


@tap.rows([('a package', OVF[:-1] + ('out/vm.ovf',)), ('VHDX', ('convert', '--machine', 'hyperv', 'src/vm.ova', 'out/vm.ps1')), ('vbox', ('convert', 'src/vm.ova', 'out/vm.vbox')),
           ('a copy', ('convert', '--copy', 'src/vm.ova', 'out/vm.vbox')), ('VHD', ('pack', '--disk-format', 'vhd', *DISKS, '-o', 'out/vm.ovf'))])
def test_ids_and_times_are_those_of_the_first_run(t, words):
    """They are random, but for SOURCE_DATE_EPOCH: two runs that go on with the same one make the same, of disks that it had not begun, too."""
    prepare(t)
    folder = kill_between(t, words, 0.6, epoch=False)
    for path in folder.glob(JOURNAL + '-2'):  # the second disk has nothing to go on with
        path.unlink()
    shutil.copytree(folder, t.path('copy'))
    made = []
    for _ in range(2):
        status, _, errors = resume(t, words, epoch=False)
        tap.equal(status, 0, errors)
        made.append(files(t))
        clear(t)
        shutil.copytree(t.path('copy'), folder)
    tap.equal(made[0] == made[1], True, 'the same bytes')


# ---- what is left was touched ----

@tap.rows([target for target in TARGETS if target[0] in ('a package of disks', 'a package into a machine', 'raw disks', 'qcow2')])
def test_what_was_altered_is_done_again_or_refused(t, words):
    prepare(t)
    made, _ = expected(t, words)
    folder = kill_between(t, words, 0.8)
    shutil.copytree(folder, t.path('left'))
    chance = random.Random(1)
    for name in sorted(path.name for path in folder.iterdir()):
        for kind in ('flip', 'flip', 'cut', 'noise', 'gone', 'longer')[0 if ALL else 1:]:
            clear(t)
            shutil.copytree(t.path('left'), folder)
            data = bytearray((folder / name).read_bytes())
            if kind == 'flip' and data:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            data = {'cut': data[:len(data) // 2], 'noise': chance.randbytes(len(data)), 'longer': data + b'more' * BLOCK}.get(kind, data)
            (folder / name).write_bytes(data)
            if kind == 'gone':
                (folder / name).unlink()
            status, _, errors = resume(t, words)
            title = f'{name}, {kind}: exit {status}, {errors}'
            if status == 0:
                same(t, {**made, **{name: None for name in files(t) if name.endswith(folder.name) and kind == 'gone'}}, title)
                continue
            tap.equal([name for name in files(t) if not name.startswith('.')], [], title)


@tap.rows([('raw disks', TARGETS[4][1]), ('fixed VHDs', TARGETS[5][1]), ('vmx', VMX)])
def test_zeros_are_proven_too(t, words):
    """Of holes no journal has a digest; nothing of a file that was written to by others counts."""
    prepare(t)
    made, _ = expected(t, words)
    folder = kill_between(t, words, 0.8)
    for path in folder.iterdir():
        data = bytearray(path.read_bytes())
        if path.name.startswith(JOURNAL) or len(data) < BLOCK:
            continue
        for at in range(0, len(data), 512):
            if not any(made[path.name][at:at + 512]) or not any(data[at:at + 512]):
                data[at + 511] = 1
        path.write_bytes(data + b'more' * BLOCK)
    status, _, errors = resume(t, words)
    tap.equal(status, 0, errors)
    same(t, made, 'resumed')


@tap.rows([target for target in TARGETS if target[0] in ('a package into a machine', 'raw disks', 'qcow2')])
def test_a_disk_whose_journal_is_gone_begins_again(t, words):
    """Whatever stands in its file."""
    prepare(t)
    made, _ = expected(t, words)
    folder = kill_between(t, words, 0.8)
    (folder / (JOURNAL + '-1')).unlink()
    disk, = (path for path in folder.iterdir() if 'disk1' in path.name)
    disk.write_bytes(b'noise' * (2 * MIB))
    status, ats, errors = resume(t, words)
    tap.equal((status, disk.name in ats), (0, False), errors)
    same(t, made, 'resumed')


# ---- what is not the same ----

OTHERS = [
    ('the form of the disks', ('pack', '--disk-format', 'raw', *DISKS, '-o', 'out/vm.ovf'), 'file of the target was'),
    ('the digest', ('pack', '--digest', 'sha1', *DISKS, '-o', 'out/vm.ovf'), 'digests of the manifest was'),
    ('what the machine has', ('pack', '--cpus', '3', *DISKS, '-o', 'out/vm.ovf'), 'description of the machine was'),
    ('one disk less', ('pack', DISKS[0], '-o', 'out/vm.ovf'), ' was "'),
    ('another order', ('pack', *DISKS[::-1], '-o', 'out/vm.ovf'), 'file of the source was'),
]


@tap.rows(OTHERS)
def test_nothing_else_is_gone_on_with(t, words, difference):
    prepare(t)
    folder = kill_between(t, OVF, 0.8)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    status, _, errors = resume(t, words)
    tap.equal(status, 1, errors)
    tap.contains(errors, difference)
    tap.equal({path.name: path.read_bytes() for path in folder.iterdir()} == before, True, 'what was left')
    tap.equal(resume(t, OVF)[0], 0, 'the same command')


def test_another_epoch_or_version_is_refused(t):
    prepare(t)
    folder = kill_between(t, OVF, 0.8)
    status, _, errors = resume(t, OVF, epoch=False)
    tap.equal(status, 1, errors)
    tap.contains(errors, 'SOURCE_DATE_EPOCH was "1600000000", and is "none" now')
    data = (folder / JOURNAL).read_bytes().replace(b'program\tvmferry ', b'program\tvmferry 9.', 1)
    (folder / JOURNAL).write_bytes(data)  # its sum is another one, too
    status, _, errors = resume(t, OVF)
    tap.equal(status, 0, errors)


@tap.rows([('a disk of a package', OVF, 'src/b.raw', 'file of the source was'), ('the package', VMX, 'src/vm.ova', 'file of the source was'),
           ('a disk of a machine', TARGETS[1][1], 'src/vm/vm-disk2.vmdk', 'file of the source was')])
def test_another_source_is_refused(t, words, name, difference):
    """Of any of the disks, be it begun or not."""
    prepare(t)
    folder = kill_between(t, words, 0.5)
    os.utime(t.path(name))
    status, _, errors = resume(t, words)
    tap.equal(status, 1, errors)
    tap.contains(errors, difference)
    tap.equal(folder.is_dir(), True, 'the folder')


def test_another_text_of_the_machine_is_refused(t):
    prepare(t)
    words = TARGETS[1][1]
    kill_between(t, words, 0.8)
    t.write('src/vm/vm.vmx', t.read('src/vm/vm.vmx').replace(b'memSize = "1024"', b'memSize = "2048"').replace(b'memsize = "1024"', b'memsize = "2048"'))
    status, _, errors = resume(t, words)
    tap.equal(status, 1, errors)
    tap.contains(errors, 'description of the machine was')


# ---- runs ----

def test_what_is_left_is_named_and_stays(t):
    prepare(t)
    folder = kill_between(t, OVF, 0.8)
    done = t.vmferry('pack', '--no-sync', *OVF[1:], env=EPOCH)
    tap.contains(done.stderr, folder.name)
    tap.equal(folder.is_dir(), True, 'the folder')
    tap.contains(t.vmferry('clean', '--dry-run', '--output=json', 'out').stdout, '"resumable"')
    t.vmferry('clean', 'out')
    tap.equal(sorted(files(t)), ['vm-disk1.vmdk', 'vm-disk2.vmdk', 'vm.mf', 'vm.ovf'], 'files')


def test_what_is_not_of_the_run_stays_and_is_told(t):
    prepare(t)
    made = expected(t, OVF)[0]
    folder = kill_between(t, OVF, 0.8)
    (folder / 'mine').write_bytes(b'mine')
    status, _, errors = resume(t, OVF)
    tap.equal(status, 4, errors)
    tap.contains(errors, f'the temporary folder {folder.name} beside it holds what this run did not put there')
    tap.equal([path.name for path in folder.iterdir()], ['mine'], 'what stays')
    shutil.rmtree(folder)
    same(t, made, 'the package')


def start_stopped(t, fault, words, *more):
    process = tap.subprocess.Popen([tap.VMFERRY, words[0], '-m', '2', '--no-sync', '--journal=1M', *more, *words[1:]], cwd=t.folder, stdin=tap.subprocess.DEVNULL,
                                   stdout=tap.subprocess.DEVNULL, stderr=tap.subprocess.PIPE, env=dict(os.environ, **fault_tools.environment(t, fault)))
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    tap.equal(os.WIFSTOPPED(status), True, 'stopped')
    return process


@tap.rows([('that is the first', ()), ('that goes on', ('--resume',))])
def test_a_second_run_is_refused_while_one_runs(t, more):
    prepare(t)
    made, writes = expected(t, OVF)
    clear(t)
    number = writes * 3 // 4
    if more:
        kill(t, OVF, f'write:{number}:kill')
        number = 3
    process = start_stopped(t, f'write:{number}:stop', OVF, *more)
    status, _, errors = resume(t, OVF)
    tap.contains(t.vmferry('clean', 'out').stdout, 'a run is at work there')
    process.send_signal(signal.SIGCONT)
    tap.equal(fault_tools.end(process)[0], 0, 'the run')
    tap.equal(status, 7, errors)
    tap.contains(errors, 'another run is writing it')
    same(t, made, 'its files')


def test_a_signal_leaves_what_is_done(t):
    """Also what was done of other disks than those that it met."""
    prepare(t, 3 * MIB)
    words = dict(TARGETS)['more disks than at once']
    made, writes = expected(t, words)
    for part in (0.5, 0.8, 0.95):
        clear(t)
        process = start_stopped(t, f'write:{int(writes * part)}:stop', words)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        status, errors = fault_tools.end(process)
        tap.equal(status, 143, errors)
        tap.contains(errors, '--resume')
        tap.equal((left(t) / JOURNAL).exists(), True, 'journal')
        status, _, errors = resume(t, words)
        tap.equal(status, 0, errors)
        same(t, made, f'resumed behind {part}')


def test_a_failure_that_is_no_use_leaves_nothing(t):
    prepare(t)
    writes = expected(t, OVF)[1]
    clear(t)
    status, errors = run(t, f'write:{writes * 3 // 4}:28', OVF)
    tap.equal(status, 4, errors)
    tap.equal(files(t), {}, 'files')


def test_a_folder_that_was_made_for_it(t):
    """It is there when the run goes on, and is not taken away when that fails."""
    prepare(t)
    words = ('pack', *DISKS, '-o', 'out/new/', '--name', 'vm')
    env = fault_tools.environment(t, 'rename:1:kill')
    done = t.vmferry('pack', '-m', '2', '--journal=1M', *words[1:], status=None, env=env)
    tap.equal(done.returncode, -signal.SIGKILL, done.stderr)
    t.vmferry('pack', '-m', '2', '--journal=1M', '--resume', *words[1:], env=EPOCH)
    tap.equal(sorted(path.name for path in (t.folder / 'out/new').iterdir()), ['vm-disk1.vmdk', 'vm-disk2.vmdk', 'vm.mf', 'vm.ovf'], 'files')
    t.vmferry('verify', 'out/new/vm.ovf')


def test_files_that_were_placed_too_early_are_had_again(t):
    """By a run that goes on, and by one that begins anew."""
    prepare(t)
    made, _ = expected(t, OVF)
    for number in (2, 3, 4):
        for again in (('--resume',), ()):
            folder = kill(t, OVF, f'rename:{number}:kill')
            tap.equal(len([name for name in files(t) if name.startswith('vm')]), number - 1, 'placed')
            if not again:
                for path in folder.glob(JOURNAL + '*'):
                    path.unlink()
            status, errors = run(t, 'none:1:5', OVF, *again)
            tap.equal(status, 0, f'{number} {again}: {errors}')
            same(t, made, f'{number} {again}')


def test_a_batch_goes_on_with_its_jobs(t):
    tap.needs('jansson')
    prepare(t)
    words = ('convert', 'src/vm/vm.vmx', 'out/vm.ovf')
    made, writes = expected(t, words)
    clear(t)
    t.write('jobs', b'@defaults --journal=1M --no-sync\nsrc/vm/vm.vmx\tout/vm.ovf\n')

    def batch(fault, *more):
        done = t.vmferry('batch', '-j', '1', '-m', '2', *more, t.path('jobs'), status=None, env=fault_tools.environment(t, fault))
        return done.returncode, done.stdout + done.stderr
    status, said = batch('rename:1:kill')
    tap.equal(status, -signal.SIGKILL, said)
    status, said = batch('write:999999:5', '--resume')
    tap.equal((status, count(t) < writes * 2 // 3), (0, True), f'{count(t)} of {writes}: {said}')
    same(t, made, 'resumed')


def test_a_dry_run_leaves_what_is_there(t):
    prepare(t)
    folder = kill_between(t, VMX, 0.8)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    t.vmferry('convert', '--dry-run', '--resume', *VMX[1:], env=EPOCH)
    tap.equal({path.name: path.read_bytes() for path in folder.iterdir()} == before, True, 'what was left')
    tap.equal(resume(t, VMX)[0], 0, 'status')


# ---- when there is a journal ----

@tap.rows([('an OVA', ('convert', 'src/vm/vm.vmx', 'out/vm.ova'), 'it is one file that holds several'), ('a container', ('convert', 'src/vm.ova', 'out/vm.vma'), 'it is one file that holds several'),
           ('a pipe', ('convert', '-O', 'ova', 'src/vm.ova', '-'), 'cannot be resumed'), ('what is only copied', ('convert', 'src/vm.ova', 'out/vm.ovf'), 'are copied as they are')])
def test_what_cannot_be_gone_on_with_is_told_at_the_start(t, words, message):
    prepare(t)
    for option in ('--resume', '--journal=on'):
        done = t.run('bash', '-c', '"$0" "$@" | cat >/dev/null; exit ${PIPESTATUS[0]}', tap.VMFERRY, words[0], option, *words[1:], status=None)
        tap.equal(done.returncode, 9, done.stderr)
        tap.contains(done.stderr, message)
        tap.equal(files(t), {}, 'files')
    done = t.vmferry('convert', '--journal=off', '--resume', *VMX[1:], status=None)
    tap.equal(done.returncode in (1, 2), True, done.stderr)
    tap.contains(done.stderr, '--journal=off')


def test_it_is_kept_by_itself_for_disks_that_are_large_together(t):
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    for name in DISKS:
        t.write(name, b'data' * 1000)
        os.truncate(t.path(name), 6 << 30)
    for disks, more, wanted in ((DISKS, (), True), (DISKS[:1], (), False), (DISKS, ('--journal=off',), False), (DISKS[:1], ('--journal=on',), True)):
        clear(t)
        env = fault_tools.environment(t, 'rename:1:kill')
        done = t.vmferry('pack', '-m', '2', *more, *disks, '-o', 'out/vm.ovf', status=None, env=env)
        tap.equal(done.returncode, -signal.SIGKILL, done.stderr)
        tap.equal((left(t) / JOURNAL).exists(), wanted, f'{len(disks)} {more}')


# ---- a full disk ----

@contextlib.contextmanager
def mounted(t, size):
    if os.geteuid() != 0 or t.run('mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', t.path('out'), status=None).returncode != 0:
        raise tap.Skip('nothing can be mounted here')
    try:
        yield
    finally:
        t.run('umount', t.path('out'))


def used(t):
    system = os.statvfs(t.path('out'))
    return (system.f_blocks - system.f_bfree) * system.f_frsize


@tap.rows([target for target in TARGETS if target[0] in ('a package of disks', 'raw disks', 'qcow2')])
def test_a_disk_that_is_full_when_it_goes_on(t, words):
    """What is there stays until there is room; and it needs no more room than for the rest."""
    prepare(t)
    with mounted(t, 64 * MIB):
        made, writes = expected(t, words)
        whole = used(t)
        folder = kill(t, words, f'write:{writes * 3 // 4}:kill')
        t.run('mount', '-o', f'remount,size={used(t) + 256 * KIB}', t.path('out'))
        status, _, errors = resume(t, words)
        tap.equal(status, 4, errors)
        tap.equal(folder.is_dir(), True, 'what was left')
        t.run('mount', '-o', f'remount,size={whole + MIB}', t.path('out'))
        status, _, errors = resume(t, words)
        tap.equal(status, 0, errors)
        same(t, made, 'resumed')


tap.main(globals())
