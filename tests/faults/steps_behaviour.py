#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What changes files where they are, or in several steps, ends at any moment, or meets another run: no file has parts of two versions unless that is told,
and the same command, given again, finishes it."""
import errno
import json
import os
import shutil
import signal
import subprocess

import fault_tools
import object_store
import tap
from remote_servers import Site
from fault_tools import count, environment, steps

ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
OPS = ('open', 'write', 'fsync', 'rename', 'unlink', 'truncate', 'allocate', 'close')
ENDS = [('kill', 'kill'), ('an error', str(errno.EIO)), ('TERM', signal.SIGTERM)] + ([('INT', signal.SIGINT), ('HUP', signal.SIGHUP)] if ALL else [])
EPOCH = {'SOURCE_DATE_EPOCH': '1600000000'}


def run(t, fault, words, **options):
    done = t.vmferry(*words, status=None, env=environment(t, fault), **options)
    return done.returncode, done.stdout, done.stderr


def start(t, fault, words):
    """A process that has stopped itself where the plan says so; None: it has ended without."""
    process = subprocess.Popen([tap.VMFERRY, *words], cwd=t.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env=dict(os.environ, **environment(t, fault)))
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return process
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    return None


def end(t, op, number, how, words):
    """Exit status, standard error of a run that meets this end."""
    if not isinstance(how, signal.Signals):
        status, _, errors = run(t, f'{op}:{number}:{how}', words)
        return status, errors
    process = start(t, f'{op}:{number}:stop', words)
    if not process:
        return 0, ''
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)
    return fault_tools.end(process)


def moments(t, afresh, words, how):
    """Each kind of call and its number: all of them, or some."""
    for op in OPS:
        afresh()
        run(t, f'{op}:999999:{errno.EIO}', words)
        total = count(t)
        for number in steps(total, total if ALL else 2 if isinstance(how, signal.Signals) else 3) if total else ():
            afresh()
            yield op, number


def make_folder(t):
    """src/vm.ovf, its disk and its manifest; `out` is a copy."""
    (t.folder / 'src').mkdir()
    t.write('disk.raw', fault_tools.pattern(160 << 10))
    t.vmferry('pack', '-q', '--no-sync', '-o', 'src/vm.ovf', 'disk.raw', env=EPOCH)
    copy_folder(t)


def copy_folder(t):
    shutil.rmtree(t.path('out'), ignore_errors=True)
    shutil.copytree(t.path('src'), t.path('out'))


def texts(t):
    return tuple(path.read_bytes() if path.exists() else None for path in (t.folder / 'out/vm.ovf', t.folder / 'out/vm.mf'))


EDIT = ('edit', '--cpus', '3', 'out/vm.ovf')


@tap.rows(ENDS)
def test_the_edit_of_a_folder(t, how):
    """Its new descriptor never stands beside the old manifest. What has no manifest can be edited again."""
    make_folder(t)
    old = texts(t)
    tap.equal(run(t, 'none:1:0', EDIT)[0], 0, 'status')
    new, seen = texts(t), set()
    for op, number in moments(t, lambda: copy_folder(t), EDIT, how):
        status, errors = end(t, op, number, how, EDIT)
        found = texts(t)
        seen.add(found)
        if found not in (old, (old[0], None), (new[0], None), new) or (status == 0 and found != new):
            raise AssertionError(f'{op} {number}: exit {status} leaves {[text and len(text) for text in found]}: {errors}')
        again = run(t, 'none:1:0', EDIT)
        tap.equal((again[0], texts(t)[0] == new[0]), (0, True), f'{op} {number}, again: {again[2]}')
        t.vmferry('verify', 'out/vm.ovf')
    tap.equal({old, new} <= seen or isinstance(how, signal.Signals), True, 'ends before and behind')


PAIRS = [('edit and edit', EDIT, ('edit', '--name', 'other', 'out/vm.ovf')), ('edit and sign', EDIT, ('sign', '--renew', '--digest', 'sha512', 'out/vm.ovf')),
         ('sign and edit', ('sign', '--renew', '--digest', 'sha512', 'out/vm.ovf'), EDIT)]


@tap.rows(PAIRS)
def test_two_on_a_folder(t, first, second):
    """Wherever the first is when the second comes: one of them is done, and nothing is of both."""
    make_folder(t)
    for op in ('open', 'rename', 'unlink', 'fsync', 'close'):
        copy_folder(t)
        run(t, f'{op}:999999:{errno.EIO}', first)
        for number in range(1, count(t) + 1) if ALL or op in ('rename', 'unlink') else steps(count(t), 5):
            copy_folder(t)
            process = start(t, f'{op}:{number}:stop', first)
            late = run(t, 'none:1:0', second)
            process.send_signal(signal.SIGCONT)
            early = fault_tools.end(process)
            title = f'at {op} {number}: {early[0]} and {late[0]}: {early[1]}{late[2]}'
            tap.equal(0 in (early[0], late[0]), True, title)
            tap.equal(early[0] in (0, 6, 7, 8) and late[0] in (0, 6, 7, 8), True, title)
            tap.equal((t.vmferry('verify', 'out/vm.ovf', status=None).returncode, (t.folder / 'out/vm.mf').exists()), (0, True), title)


REPLACED = [('an archive', 'ova', EDIT, ('sign', '--renew', '--digest', 'sha512', 'out/vm.ova')), ('a machine', 'vmx', EDIT, ('edit', '--name', 'other', 'out/vm.vmx'))]


@tap.rows(REPLACED)
def test_two_on_what_is_replaced_on_nfs(t, kind, first, second):
    """With the locks of NFS 4, which who may only read does not get: whoever comes last before the first is done is told so."""
    first = (*first[:-1], f'out/vm.{kind}')
    (t.folder / 'src').mkdir()
    t.write('disk.raw', fault_tools.pattern(160 << 10))
    t.vmferry('pack', '-q', '--no-sync', '-o', 'src/vm.ova', 'disk.raw', env=EPOCH)
    t.vmferry('convert', '-q', '--no-sync', 'src/vm.ova', 'src/vm.vmx', env=EPOCH)

    def both(fault):
        added = environment(t, fault)
        return added | {'LD_PRELOAD': f'{added["LD_PRELOAD"]}:{fault_tools.preloaded("nfs_locks.so")["LD_PRELOAD"]}'}
    copy_folder(t)
    tap.equal(t.vmferry(*first, status=None, env=both('rename:999999:5')).returncode, 0, 'status')
    wanted = t.read(f'out/vm.{kind}')
    for number in range(1, count(t) + 1):
        copy_folder(t)
        process = subprocess.Popen([tap.VMFERRY, *first], cwd=t.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   env=dict(os.environ, **both(f'rename:{number}:stop')))
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        tap.equal(os.WIFSTOPPED(status), True, 'the first is about to replace it')
        late = t.vmferry(*second, status=7, env=both('none:1:0'))
        tap.contains(late.stderr, 'another run')
        process.send_signal(signal.SIGCONT)
        tap.equal(fault_tools.end(process)[0], 0, 'the first')
        tap.equal(t.read(f'out/vm.{kind}') == wanted, True, 'what it made')
        t.vmferry(*second, env=both('none:1:0'))


# ---- apply ----

def make_copies(t):
    """old.raw and new.raw; `out/copy.raw` is as the old one."""
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    old = fault_tools.pattern(512 << 10)
    new = bytearray(old)
    for at in range(20000, len(old), 90000):
        new[at:at + 9000] = os.urandom(9000) if at % 20000 else bytes(9000)
    t.write('src/old.raw', old)
    t.write('src/new.raw', bytes(new))
    return old, bytes(new)


APPLY = ('apply', '-m', '2', '-f', 'raw', 'src/new.raw', 'out/copy.raw')


@tap.rows(ENDS)
def test_apply(t, how):
    """The copy has nothing but blocks of the old disk and of the new one; another run makes it the new one."""
    old, new = make_copies(t)
    def afresh():
        t.write('out/copy.raw', old)
    afresh()
    for op, number in moments(t, afresh, APPLY, how):
        status, errors = end(t, op, number, how, APPLY)
        found = t.read('out/copy.raw')
        tap.equal(len(found) == len(new) and all(found[at:at + 512] in (old[at:at + 512], new[at:at + 512]) for at in range(0, len(new), 512)), True, f'{op} {number}: other bytes')
        tap.equal((status != 0 or found == new, status <= 0 or errors != ''), (True, True), f'{op} {number}: exit {status}, {errors}')
        tap.equal(run(t, 'none:1:0', APPLY)[0], 0, f'{op} {number}, again')
        tap.equal(t.read('out/copy.raw') == new, True, f'{op} {number}, again')


@tap.rows([(f'{form}, {how[0]}', form, how[1]) for number, form in enumerate(('vpc', 'vhdx', 'vdi', 'qcow2')) for how in (ENDS if ALL else ENDS[number:number + 1])])
def test_apply_to_an_image(t, form, how):
    """It is the old file, or another one with the new disk, which is sound; another run makes it that."""
    make_copies(t)
    t.vmferry('convert', '-f', 'raw', '-O', form, 'src/old.raw', 'src/copy.img')
    old = t.read('src/copy.img')
    words = ('apply', '-q', '-m', '2', '-f', 'raw', '-F', form, 'src/new.raw', 'out/copy.img')
    def afresh():
        shutil.rmtree(t.path('out'))
        (t.folder / 'out').mkdir()
        t.write('out/copy.img', old)
    for op, number in moments(t, afresh, words, how):
        status, errors = end(t, op, number, how, words)
        whole = t.read('out/copy.img') == old
        tap.equal((whole or t.vmferry('compare', '-q', '-F', 'raw', 'out/copy.img', 'src/new.raw', status=None).returncode == 0,
                   status != 0 or not whole, status <= 0 or errors != ''), (True, True, True), f'{op} {number}: exit {status}, {errors}')
        tap.equal(run(t, 'none:1:0', words)[0], 0, f'{op} {number}, again')
        t.vmferry('check', '-q', 'out/copy.img')
        t.vmferry('compare', '-q', '-F', 'raw', 'out/copy.img', 'src/new.raw')


def test_two_apply_to_one_copy(t):
    old, new = make_copies(t)
    t.write('out/copy.raw', old)
    process = start(t, 'write:1:stop', APPLY)
    tap.contains(t.vmferry(*APPLY, status=7).stderr, 'another run is writing into it')
    process.send_signal(signal.SIGCONT)
    tap.equal(fault_tools.end(process)[0], 0, 'status')
    tap.equal(t.read('out/copy.raw') == new, True, 'the copy')


# ---- batch, report ----

BATCH = ('batch', '-q', '-j', '2', '-m', '2', '--resume', '--report', 'out/report.json', 'out/jobs')
JOBS = 3


def make_jobs(t):
    tap.needs('jansson')
    (t.folder / 'src').mkdir()
    for number in range(JOBS):
        t.write(f'src/{number}.raw', fault_tools.pattern(96 << 10, seed=number))
    t.write('jobs', ''.join(f'src/{number}.raw\tout/{number}.qcow2\t-f raw\n' for number in range(JOBS)).encode())


def fresh_jobs(t):
    shutil.rmtree(t.path('out'), ignore_errors=True)
    (t.folder / 'out').mkdir()
    t.write('out/jobs', t.read('jobs'))


@tap.rows(ENDS)
def test_batch(t, how):
    """Each target is whole or not there, and --resume does what is left."""
    make_jobs(t)
    fresh_jobs(t)
    done = run(t, 'none:1:0', BATCH)
    tap.equal(done[0], 0, done[2])
    wanted = [t.read(f'out/{number}.qcow2') for number in range(JOBS)]
    for op, number in moments(t, lambda: fresh_jobs(t), BATCH, how):
        status, errors = end(t, op, number, how, BATCH)
        title = f'{op} {number}: exit {status}, {errors}'
        made = [t.read(f'out/{n}.qcow2') if (t.folder / f'out/{n}.qcow2').exists() else None for n in range(JOBS)]
        tap.equal([found in (None, whole) for found, whole in zip(made, wanted)], [True] * JOBS, title)
        tap.equal(status != 0 or None not in made, True, title)
        if (t.folder / 'out/report.json').exists():
            told = json.loads(t.read('out/report.json'))['batch']
            tap.equal(status != 0 or told['done'] + told.get('unchanged', 0) == JOBS, True, f'{title}: {told}')
        again = run(t, 'none:1:0', BATCH)
        tap.equal(again[0], 0, f'{op} {number}, again: {again[2]}')
        tap.equal([t.read(f'out/{n}.qcow2') == whole for n, whole in enumerate(wanted)], [True] * JOBS, f'{op} {number}, again')


def test_allocations_of_a_batch(t):
    """Each target is whole or not there, and the exit status tells."""
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    make_jobs(t)
    fresh_jobs(t)
    run(t, 'malloc:999999999', BATCH)
    wanted = [t.read(f'out/{number}.qcow2') for number in range(JOBS)]
    for number in steps(count(t), count(t) if ALL else 25):
        fresh_jobs(t)
        status, _, errors = run(t, f'malloc:{number}', BATCH)
        made = [t.read(f'out/{n}.qcow2') if (t.folder / f'out/{n}.qcow2').exists() else None for n in range(JOBS)]
        title = f'malloc {number}: exit {status}, {errors}'
        tap.equal([found in (None, whole) for found, whole in zip(made, wanted)], [True] * JOBS, title)
        tap.equal((status in (0, 1, 2, 75), status != 0 or None not in made, status == 0 or errors != ''), (True, True, True), title)


def test_a_merged_report(t):
    """The old one or the new one."""
    make_jobs(t)
    fresh_jobs(t)
    run(t, 'none:1:0', BATCH)
    os.rename(t.path('out/report.json'), t.path('src/report.json'))
    words = ('report', '-q', 'src/report.json', '--report', 'out/night.json')
    tap.equal(run(t, 'none:1:0', words)[0], 0, 'status')
    new = t.read('out/night.json')
    old = new + b'\n'
    there = sorted(os.listdir(t.path('out')))
    for how in (how for _, how in ENDS):
        for op, number in moments(t, lambda: t.write('out/night.json', old), words, how):
            status, errors = end(t, op, number, how, words)
            found = t.read('out/night.json')
            tap.equal(found in ((new,) if status == 0 else (old, new)), True, f'{op} {number} {how}: exit {status}, {errors}')
            tap.equal(run(t, 'none:1:0', ('clean', 'out'))[0], 0, 'what is left is known')
            tap.equal(sorted(os.listdir(t.path('out'))), there, f'{op} {number} {how}: nothing is left')
    t.write('out/night.json', old)
    tap.equal((run(t, 'none:1:0', words)[0], t.read('out/night.json') == new), (0, True), 'it is replaced')


# ---- clean ----

@tap.rows(ENDS)
def test_clean(t, how):
    """Nothing but what interrupted runs have left goes, and another run removes what is left of it."""
    (t.folder / 'src').mkdir()
    t.write('src/disk.raw', fault_tools.pattern(96 << 10))

    def afresh():
        shutil.rmtree(t.path('out'), ignore_errors=True)
        (t.folder / 'out').mkdir()
        for name in ('a', 'b'):
            run(t, 'write:2:kill', ('convert', '-f', 'raw', 'src/disk.raw', f'out/{name}.qcow2'))
        t.write('out/mine', b'mine')
    words = ('clean', 'out')
    afresh()
    tap.equal(len(os.listdir(t.path('out'))), 3, 'what is left')
    for op, number in moments(t, afresh, words, how):
        end(t, op, number, how, words)
        tap.equal(t.read('out/mine'), b'mine', f'{op} {number}')
        tap.equal(run(t, 'none:1:0', words)[0], 0, f'{op} {number}, again')
        tap.equal(os.listdir(t.path('out')), ['mine'], f'{op} {number}, again')


# ---- several results of one run ----

RESULTS = [('a map of what is packed', 0, ('--map', 'out/new.map', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'src/disk.raw', 'out/new.vmdk')),
           ('onto an older target', 0, ('--since', 'src/old.map', '--onto', 'src/old.vmdk', '--map', 'out/new.map', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'src/disk.raw', 'out/new.vmdk')),
           ('a list of what is lost', 11, ('--salvage=out/new.map', 'src/disk.raw', 'out/new.raw'))]


@tap.rows(RESULTS)
def test_two_results(t, wanted, words):
    """A target stands there only whole; what goes with it is right, or is not there, or is said not to be."""
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    data = fault_tools.pattern(256 << 10)
    t.write('src/disk.raw', data[:99000] + os.urandom(5000) + data[104000:])
    t.vmferry('convert', '-q', '--no-sync', '--map', 'src/old.map', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'src/disk.raw', 'src/old.vmdk', env=EPOCH)
    t.write('src/disk.raw', data)
    bad = {'VMF_FAULT_BAD': '65536-69632'} if wanted else {}

    def go(fault, folder='out'):
        added = environment(t, fault, '' if bad else folder) | bad
        done = t.vmferry('convert', '-q', '-m', '2', *words, status=None, env=added)
        return done.returncode, done.stderr

    def afresh():
        shutil.rmtree(t.path('out'))
        (t.folder / 'out').mkdir()
    status, errors = go('none:1:0')
    tap.equal(status, wanted, errors)
    whole = {path.name: path.read_bytes() for path in (t.folder / 'out').iterdir()}
    for op in OPS:
        afresh()
        go(f'{op}:999999:5')
        for number in steps(count(t), count(t) if ALL else 6) if count(t) else ():
            for how in ('kill', errno.EIO):
                afresh()
                status, errors = go(f'{op}:{number}:{how}')
                found = {path.name: path.read_bytes() for path in (t.folder / 'out').iterdir() if path.is_file()}
                title = f'{op} {number} {how}: exit {status}, {errors}: {sorted(found)}'
                if status == wanted:
                    tap.equal(found == whole, True, title)
                target = words[-1][4:]
                tap.equal(found.get(target) in (None, whole[target]), True, title)
                if 'new.map' in found:
                    tap.equal(found['new.map'] == whole['new.map'], True, title)


# ---- a run that is gone on with ----

RESUMED = [('qcow2', ('-c', '-O', 'qcow2')), ('raw', ('-O', 'raw')), ('vmdk split', ('-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse'))]


@tap.rows(RESUMED)
def test_a_fault_when_it_goes_on(t, form):
    """Whatever comes in the way of the second run, the third one ends with the bytes of a run without any."""
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    t.write('src/disk.raw', os.urandom(6 << 20))
    words = ('convert', '-q', '-m', '2', '--resume', '--journal=1M', *form, 'src/disk.raw', 'out/disk')
    status, _, errors = run(t, 'none:1:0', words)
    tap.equal(status, 0, errors)
    whole = {path.name: path.read_bytes() for path in (t.folder / 'out').iterdir()}

    def afresh():
        shutil.rmtree(t.path('out'))
        (t.folder / 'out').mkdir()
        run(t, 'write:8:kill', words)
    faults = []
    for op in (*OPS, 'read') if ALL else ('open', 'write', 'fsync', 'read', 'rename'):
        afresh()
        run(t, f'{op}:999999:5', words)
        faults += [f'{op}:{number}:{how}' for number in steps(count(t), count(t) if ALL else 2) for how in ('kill', errno.EIO)] if count(t) else []
    if not fault_tools.SANITIZED:
        afresh()
        run(t, 'malloc:999999999', words)
        faults += [f'malloc:{number}' for number in steps(count(t), 300 if ALL else 4)]
    for fault in faults:
        afresh()
        status, _, errors = run(t, fault, words)
        found = {path.name: path.read_bytes() for path in (t.folder / 'out').iterdir() if path.is_file()}
        if status == 0:
            tap.equal(found == whole, True, fault)
            continue
        tap.equal([name for name in found if found[name] != whole.get(name)], [], f'{fault}: exit {status}, {errors}: half')
        again = run(t, 'none:1:0', words)
        tap.equal(again[0], 0, f'{fault}: exit {status}, {errors}; again: {again[2]}')
        if found:  # the files that replace those have other names
            t.vmferry('compare', '-f', 'raw', 'src/disk.raw', 'out/disk')
        else:
            tap.equal({path.name: path.read_bytes() for path in (t.folder / 'out').iterdir()} == whole, True, f'{fault}, again')


# ---- servers ----

STORED = [('a disk goes into an object', ('convert', '-O', 'qcow2', 'src/disk.raw', 's3://disks/new')), ('a package goes into one', ('pack', '-o', 's3://disks/new.ova', 'src/disk.raw')),
          ('a disk comes from one', ('convert', '-O', 'qcow2', 's3://disks/old.raw', 'out/new')), ('it is examined', ('checksum', 's3://disks/old.raw'))]


@tap.rows(STORED)
def test_allocations_with_an_object_store(t, words):
    """An object is whole, or not there; no upload is left open without a word."""
    tap.needs('libcurl')
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    data = fault_tools.pattern(7 << 20)
    t.write('src/disk.raw', data)
    store = object_store.Store()
    with Site(store.answer) as site:
        def go(fault):
            shutil.rmtree(t.path('out'))
            (t.folder / 'out').mkdir()
            store.objects.clear()
            store.uploads.clear()
            store.objects['disks/old.raw'] = (data, '"old"')
            done = t.vmferry(words[0], '-m', '2', *words[1:], status=None, env=environment(t, fault) | store.environment(site.url) | {'VMFERRY_SANDBOX': 'off'})
            made = {name: body for name, (body, _) in store.objects.items()} | {path.name: path.read_bytes() for path in (t.folder / 'out').iterdir() if path.is_file()}
            return done.returncode, done.stdout, done.stderr, made
        wanted = go('malloc:999999999')
        tap.equal(wanted[0], 0, wanted[2])
        for number in steps(count(t), 2000 if ALL else 10):
            status, told, errors, made = go(f'malloc:{number}')
            title = f'malloc {number}: exit {status}, {errors}'
            if status == 0:
                tap.equal((told, made == wanted[3]), (wanted[1], True), title)
            else:
                tap.equal((status in (1, 3, 4, 9), errors != ''), (True, True), title)  # 9: libcurl cannot be loaded
            tap.equal([name for name in made if made[name] != wanted[3].get(name)], [], title)
            tap.equal(not store.uploads or 'upload' in errors, True, f'{title}: {store.uploads.keys()}')


tap.main(globals())
