#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Every verb, and every kind of machine that is written, with a fault in it: a system call or an allocation fails once,
a signal comes, it is killed, the file system is full. What is told and made is what is told and made without a fault, or
the exit status says that it is not, and all is as it was. What convert and pack do with disks and packages is tried by
faults, packing and gate_faults."""
import errno
import os
import random
import re
import shutil
import signal
import subprocess

import fault_tools
import tap
from fault_tools import count, environment, steps

ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
WRONG = (1, 2, 3, 4, 9)  # exit statuses that say so
TEMPORARY = re.compile(r'\.part-')  # what one that is killed leaves

# What only reads: its words. The files are in `src`.
READERS = [(' '.join(words), words) for words in (
    ('info', 'src/disk.qcow2'), ('info', '--output=json', 'src/vm.ova'), ('info', 'src/vm.vmx'), ('map', 'src/disk.vmdk'), ('measure', '-O', 'qcow2', 'src/disk.qcow2'),
    ('check', 'src/disk.qcow2'), ('check', '--deep', 'src/stream.vmdk'), ('compare', '-m', '2', 'src/disk.qcow2', 'src/stream.vmdk'), ('compare', '-m', '2', 'src/disk.qcow2', 'src/other.raw'),
    ('checksum', '-m', '2', '-c', 'src/SUMS'), ('verify', 'src/vm.ova'), ('lint', '--for', 'esxi', 'src/vm.ova'), ('lint', '--for', 'openstack', 'src/disk.qcow2'),
    ('info', 'src/vm.conf'), ('info', 'src/vm.ps1'), ('lint', '--for', 'proxmox', 'src/vm.conf'))]

# Images of formats that are only read, and of some with references.
IMAGES = ('good-qcow-packed.qcow', 'good-qcow-overlay.qcow', 'good-qed-overlay.qed', 'good-parallels-ext.hds', 'good-dmg-mixed.dmg', 'good-dmg-zlib.dmg', 'good-ewf.E01', 'good-bochs-growing.disk',
          'good-cloop.cloop', 'good-partclone-crc32.img', 'good-vhdx-log.vhdx', 'good-vdi-differencing.vdi', 'good-vmdk-delta.vmdk')
READERS += [(f'{verb} {name}', (verb, '-m', '2', 'src/' + name) if verb == 'checksum' else (verb, 'src/' + name))
            for name in IMAGES if ALL or name in ('good-qcow-overlay.qcow', 'good-dmg-mixed.dmg', 'good-ewf.E01') for verb in ('checksum', 'info', 'check') if ALL or verb == 'checksum']
READERS += [('info good-parallels-ext.hds', ('info', 'src/good-parallels-ext.hds'))] if not ALL else []
READERS += [('diff', ('diff', '-m', '2', 'src/disk.qcow2', 'src/other.raw')), ('report', ('report', 'src/report.json'))]

# What writes into `out`: its words. What is changed in place is put there before.
WRITERS = [(' '.join(words), words) for words in (
    ('convert', '-m', '2', 'src/vm.ova', 'out/vm.vmx'), ('convert', '-m', '2', 'src/vm.ova', 'out/vm.xml'), ('convert', '-m', '2', 'src/vm.ova', 'out/vm.vbox'),
    ('convert', '-m', '2', 'src/vm.ova', 'out/vm.xva'), ('convert', '-m', '2', 'src/vm.ova', 'out/vm.vma'), ('convert', '-m', '2', 'src/vm.vmx', 'out/vm.ova'),
    ('convert', '-m', '2', '--losses', 'losses', 'src/vm.vmx', 'out/vm.ovf'),
    ('unpack', '-m', '2', 'src/vm.ova', 'out/folder'), ('create', '-f', 'qcow2', 'out/new.qcow2', '1M'), ('create', '-b', '../src/disk.raw', '-F', 'raw', 'out/new.qcow2'),
    ('sign', '--renew', '--digest', 'sha512', 'out/old.ova'), ('sign', '--key', 'src/key', '--cert', 'src/pem', 'out/old.ova'), ('edit', '--cpus', '3', 'out/old.ova'),
    ('edit', '--name', 'new', '-o', 'out/new.ova', 'src/vm.ova'), ('report', '-q', 'src/report.json', '--report', 'out/report.csv'))]

# Further kinds of machines, written and changed in place: only their calls and allocations fail here, where not all is tried.
FURTHER = [(' '.join(words), words) for words in (
    ('convert', '-m', '2', 'src/vm.ova', 'out/vm.conf'), ('convert', '-m', '2', 'src/vm.conf', 'out/vm.ps1'), ('convert', '-m', '2', '--machine', 'qm', 'src/vm.ps1', 'out/vm.sh'),
    ('convert', '-m', '2', 'src/good-dmg-mixed.dmg', 'out/new.vhdx'), ('convert', '-m', '2', '-c', 'src/good-ewf.E01', 'out/new.qcow2'),
    ('edit', '--cpus', '3', 'out/old.vmx'), ('edit', '--name', 'new', 'out/old.xml'), ('edit', '--memory', '2G', 'out/old.conf'))]
STOPPED = WRITERS + FURTHER if ALL else WRITERS

ON_SOURCE = [('open', errno.EMFILE), ('read', errno.EIO), ('read', 'short'), ('lseek', errno.EIO), ('close', errno.EIO)]
ON_TARGET = [('open', errno.EMFILE), ('write', errno.EIO), ('write', errno.ENOSPC), ('write', 'short'), ('fsync', errno.EIO), ('rename', errno.EIO),
             ('truncate', errno.ENOSPC), ('allocate', errno.ENOSPC), ('mkdir', errno.ENOSPC), ('read', errno.EIO), ('unlink', errno.EIO), ('close', errno.EIO)]
HARMLESS = ('short',)

tried = {'system calls': [0, 0], 'allocations': [0, 0]}


def prepare(t, words=()):
    for folder in ('src', 'out'):
        (t.folder / folder).mkdir()
    t.write('src/disk.raw', fault_tools.pattern(160 << 10))
    t.write('src/other.raw', fault_tools.pattern(160 << 10, seed=2))
    env = {'SOURCE_DATE_EPOCH': '1600000000'}
    for form in (('disk.qcow2',), ('disk.vmdk',), ('-o', 'subformat=streamOptimized', 'stream.vmdk')):
        t.vmferry('convert', '--no-sync', 'src/disk.raw', *form[:-1], 'src/' + form[-1], env=env)
    t.vmferry('pack', '--no-sync', '-o', 'src/vm.ova', 'src/disk.raw', env=env)
    for name in ('vm.vmx', 'vm.xml', 'vm.conf', 'vm.ps1'):
        t.vmferry('convert', '--no-sync', '--force', 'src/vm.ova', 'src/' + name, env=env)
    if 'src/good-' in ' '.join(words):
        for path in tap.IMAGES.glob('good-*'):  # they refer to each other
            shutil.copy(path, t.path('src'))
    if 'src/report.json' in words:
        tap.needs('jansson')
        t.write('src/jobs', b'src/disk.raw\tsrc/batch.qcow2\t-f raw\n')
        t.vmferry('batch', '-q', '--report', 'src/report.json', 'src/jobs', env=env)
    t.write('src/SUMS', t.vmferry('checksum', 'src/disk.qcow2', 'src/stream.vmdk').stdout.encode())


def make_key(t):
    t.run(tap.tool('openssl'), 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', t.path('src/key'), '-out', t.path('src/pem'), '-subj', '/CN=x')


def start_afresh(t):
    """Two old files and a stranger's in `out`; all that is there."""
    for path in (t.folder / 'out').iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    t.write('out/old.ova', t.read('src/vm.ova'))
    for kind in ('vmx', 'xml', 'conf'):
        t.write('out/old.' + kind, t.read('src/vm.' + kind))
    t.write('out/vm.xva', fault_tools.OLD)
    t.write('out/stranger', fault_tools.OLD)
    return contents(t)


def contents(t):
    """The files in `out` and below by name; folders of ended runs are told by their names alone."""
    return {str(path.relative_to(t.folder / 'out')): path.read_bytes() for path in (t.folder / 'out').rglob('*') if path.is_file()}


def run(t, fault, folder, words, **options):
    done = t.vmferry(*words, status=None, env=environment(t, fault, folder), **options)
    return done.returncode, done.stdout, done.stderr


def some(t, kind, most):
    total = count(t)
    chosen = steps(total, total if ALL else 2 if fault_tools.SANITIZED else most) if total else []
    tried[kind][0] += len(chosen)
    tried[kind][1] += total
    return chosen


def check_told(title, found, wanted):
    status, told, errors = found
    if status == wanted[0] and title.startswith('malloc'):  # memory says nothing of what is read
        tap.equal(told, wanted[1], f'{title}: as without a fault')
        return
    if status == wanted[0] and 'W-UNJUDGED' in told:  # a machine is judged without the disk that cannot be
        tap.contains(told, 'warning: ')
    elif status == wanted[0] and ', error ' not in told:  # a machine is shown without it
        tap.equal(told, wanted[1], f'{title}: as without a fault')
    elif status == wanted[0]:
        tap.contains(told, 'machine:')
    else:
        tap.equal((status in WRONG, told + errors != ''), (True, True), f'{title}: exit {status}, {errors!r}')


@tap.rows(READERS)
def test_system_calls_of_what_reads(t, words):
    prepare(t, words)
    wanted = run(t, 'none:1:0', 'src', words)
    for op, how in ON_SOURCE:
        run(t, f'{op}:999999:5', 'src', words)
        for number in some(t, 'system calls', 3):
            found = run(t, f'{op}:{number}:{how}', 'src', words)
            if how in HARMLESS:
                tap.equal(found[:2], wanted[:2], f'{op} {number} {how}: {found[2]}')
            check_told(f'{op} {number} {how}', found, wanted)


def allocations(t, folder, words):
    """The faults; those of libxml2 are passed over: its 2.9 crashes in xmlParseDocument, see gate_faults."""
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    run(t, 'malloc:999999999', folder, words)
    first = max(count(t) // 10, 310) if any(word.endswith(('.ova', '.xml')) for word in words) else 0
    for number in some(t, 'allocations', 12):
        if number >= first:
            yield f'malloc:{number}'


@tap.rows(READERS)
def test_allocations_of_what_reads(t, words):
    prepare(t, words)
    wanted = run(t, 'none:1:0', 'src', words)
    for fault in allocations(t, 'src', words):
        check_told(fault, run(t, fault, 'src', words), wanted)


def test_memory_ends_while_disks_are_hashed(t):
    """Other threads go on with theirs, and one with the next: its last allocations are those."""
    words = ('checksum', '-m', '2', 'src/good-qed-overlay.qed')
    prepare(t, words)
    wanted = run(t, 'none:1:0', 'src', words)
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    run(t, 'malloc:999999999', 'src', words)
    total = count(t)
    for number in range(max(total - 60, 1), total + 1):
        check_told(f'malloc:{number}', run(t, f'malloc:{number}', 'src', words), wanted)


def reference(t, words):
    """What is made without a fault."""
    prepare(t, words)
    if '--key' in words:
        make_key(t)
    before = start_afresh(t)
    status, _, errors = run(t, 'none:1:0', 'out', words)
    tap.equal(status, 0, errors)
    wanted = contents(t)
    tap.equal(wanted != before, True, 'something is made')
    return before, wanted


def check_made(t, title, found, before, wanted):
    status, _, errors = found
    made = contents(t)
    if status == 0:
        tap.equal(sorted(made), sorted(wanted), f'{title}: files')
        tap.equal([name for name in made if made[name] != wanted[name] and not is_signed(name)], [], f'{title}: other bytes')
    elif 'folder' in errors and made != before and alike(made, wanted):
        tap.equal(status, 4, title)  # the last sync, behind the last rename
    else:
        tap.equal((status in WRONG, errors != ''), (True, True), f'{title}: exit {status}, {errors!r}')
        tap.equal([name for name in made | before if made.get(name) != before.get(name)], [], f'{title}: exit {status}, as it was ({errors})')


def alike(made, wanted):
    return sorted(made) == sorted(wanted) and all(made[name] == wanted[name] or is_signed(name) for name in made)


def is_signed(name):
    """Certificates differ from run to run."""
    return name == 'old.ova'


@tap.rows(WRITERS + FURTHER)
def test_system_calls_of_what_writes(t, words):
    before, wanted = reference(t, words)
    noticed = 0
    for folder, faults in (('src', ON_SOURCE), ('out', ON_TARGET)):
        for op, how in faults:
            start_afresh(t)
            run(t, f'{op}:999999:5', folder, words)
            for number in some(t, 'system calls', 2):
                start_afresh(t)
                found = run(t, f'{op}:{number}:{how}', folder, words)
                noticed += found[0] != 0
                check_made(t, f'{op} {number} {how} in {folder}', found, before, wanted)
    tap.equal(noticed > 0, True, 'faults were noticed')


@tap.rows(WRITERS + FURTHER)
def test_allocations_of_what_writes(t, words):
    before, wanted = reference(t, words)
    start_afresh(t)
    for fault in allocations(t, 'out', words):
        start_afresh(t)
        check_made(t, fault, run(t, fault, 'out', words), before, wanted)


@tap.rows(STOPPED)
def test_signals_and_kills(t, words):
    """A signal leaves all as it was, or comes too late. Killed, no file is half: each is the old one or the new one, and
    what names disks is there only with them."""
    before, wanted = reference(t, words)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
    for op in ('open', 'write', 'fsync', 'rename'):
        start_afresh(t)
        run(t, f'{op}:999999:5', 'out', words)
        total = count(t)
        for at in steps(total, total if ALL else 2) if total else ():
            for number in numbers if ALL else (random.Random(f'{words}{op}{at}').choice(numbers[:3]), signal.SIGKILL):
                start_afresh(t)
                stop_and_send(t, words, f'{op}:{at}:stop', number)
                check_ended(t, f'{signal.Signals(number).name} at {op} {at}', number, before, wanted)


@tap.rows([row for row in STOPPED if row[1][0] != 'create'])
def test_two_on_one_target(t, words):
    """The second says that another run writes it, or both are done and one of them has the last word; nothing is mixed or left."""
    before, wanted = reference(t, words)
    start_afresh(t)
    process = subprocess.Popen([tap.VMFERRY, *words], cwd=t.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env=dict(os.environ, **environment(t, 'write:1:stop')))
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    tap.equal(os.WIFSTOPPED(status), True, 'the first has begun')
    second = run(t, 'none:1:0', 'out', words)
    meanwhile = contents(t)
    process.send_signal(signal.SIGCONT)
    first, errors = fault_tools.end(process)
    tap.equal((second[0] in (0, 1, 6, 7), second[0] == 0 or second[2] != ''), (True, True), f'the second: exit {second[0]}, {second[2]}')
    tap.equal(first in (0, 1, 6, 7), True, f'the first: exit {first}, {errors}')
    tap.equal(0 in (first, second[0]), True, f'one of them is done: {first}, {second[0]}: {errors} {second[2]}')
    tap.equal(second[0] == 0 or [name for name in before if meanwhile.get(name) != before[name]] == [], True, 'what the second left')
    tap.equal(alike(contents(t), wanted), True, f'{sorted(contents(t))}, files')


def stop_and_send(t, words, fault, number):
    process = subprocess.Popen([tap.VMFERRY, *words], cwd=t.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env=dict(os.environ, **environment(t, fault)))
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        process.returncode = os.waitstatus_to_exitcode(status)
        raise AssertionError(f'{fault}: not reached, {process.stderr.read()}')
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    status, errors = fault_tools.end(process)
    tap.equal(status in (128 + number, -number, 0), True, f'{fault}, signal {number}: exit {status}, {errors}')


def check_ended(t, title, number, before, wanted):
    made = {name: data for name, data in contents(t).items() if number != signal.SIGKILL or not TEMPORARY.search(name)}
    if made == before or alike(made, wanted):
        return
    tap.equal(number, signal.SIGKILL, f'{title}: leaves {sorted(made)}')
    for name in made:
        if is_signed(name):
            continue
        tap.equal(made[name] in (before.get(name), wanted.get(name)), True, f'{title}: {name} is half')
    for name in wanted:  # the descriptions come last
        if name.endswith(('.vmx', '.xml', '.vbox', '.ovf', '.conf', '.ps1', '.sh')) and made.get(name) == wanted[name] != before.get(name):
            tap.equal([other for other in wanted if other.endswith(('.vmdk', '.qcow2', '.vdi', '.vhdx', '.raw')) and other not in made], [], f'{title}: {name} without its disks')


@tap.rows(STOPPED)
def test_full(t, words):
    """`out` is a file system with less and less room."""
    before, wanted = reference(t, words)
    if os.geteuid() != 0 or t.run('mount', '-t', 'tmpfs', '-o', 'size=2M', 'tmpfs', t.path('out'), status=None).returncode != 0:
        raise tap.Skip('no file system can be mounted here')
    try:
        failed = 0
        for taken in range(0, 2000, 40) if ALL else (1000, 1600, 1720, 1800):
            start_afresh(t)
            (t.folder / 'out/stranger').write_bytes(b'')
            t.write('out/other', b'\xff' * min(taken << 10, (1 << 21) - sum(4096 - -len(data) // 4096 * 4096 for data in before.values()) - 16384))
            full = contents(t)
            found = run(t, 'none:1:0', 'out', words)
            failed += found[0] != 0
            rest = {name: full[name] for name in ('other', 'stranger')}
            check_made(t, f'{taken} KiB are taken', found, full, {**wanted, **rest})
        tap.equal(failed > 0 or words[0] in ('create', 'edit', 'report', 'sign'), True, 'it was full')
    finally:
        t.run('umount', t.path('out'))


@tap.rows([(' '.join(words), words) for words in (('convert', '-f', 'raw', 'DEVICE', 'out/new.qcow2'), ('checksum', '-f', 'raw', 'DEVICE'), ('pack', '-f', 'raw', '-o', 'out/new.ova', 'DEVICE'),
                                                  ('compare', '-f', 'raw', 'DEVICE', 'src/disk.raw'))])
def test_the_medium_ends_early(t, words):
    """The file below a loop device is cut off: what is behind its end cannot be read."""
    prepare(t)
    before = start_afresh(t)
    t.write('medium', os.urandom(1 << 20))
    device = t.run('losetup', '--direct-io=on', '--show', '-f', t.path('medium'), status=None).stdout.strip() if os.geteuid() == 0 else ''
    if not device:
        raise tap.Skip('no loop device can be made')
    try:
        os.truncate(t.path('medium'), 300 << 10)
        t.run('blockdev', '--flushbufs', device)
        if t.run('dd', 'if=' + device, 'of=/dev/null', 'bs=64k', 'iflag=direct', status=None).returncode == 0:
            raise tap.Skip('this kernel reads zeros there')
        status, _, errors = run(t, 'none:1:0', 'out', [device if word == 'DEVICE' else word for word in words])
        tap.equal(status, 2 if words[0] == 'compare' else 3, errors)
        tap.contains(errors, 'Input/output error')
        tap.equal(contents(t) == before, True, 'files')
    finally:
        t.run('losetup', '-d', device)


def test_zz_budget(_):
    """The last: how much was tried of how much there is."""
    for kind, (done, total) in tried.items():
        print(f'# {kind}: {done} of {total} tried' + ('' if ALL else '; VMFERRY_TEST_ALL=1 tries all'))


if __name__ == '__main__':
    tap.main(globals())
