#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Every system call and allocation of a conversion fails once: the exit status says what it was, the
old file of that name is untouched and nothing else remains. Short transfers do no harm."""
import errno
import struct
import subprocess
import sys

import fault_tools
import tap
from fault_tools import OLD, TARGETS, convert, count, files, guest, prepare, put_old, steps

sys.path.insert(0, str(tap.IMAGES))
import make_vma  # pylint: disable=wrong-import-position

# An op on the target, how it fails, and the exit statuses allowed. Some calls are attempts with
# another way behind them: then the run succeeds with the right bytes.
TARGET_FAULTS = [
    ('open', errno.EMFILE, (0, 1, 4)),
    ('write', errno.EIO, (4,)),
    ('write', errno.ENOSPC, (4,)),
    ('write', errno.EINTR, (0,)),
    ('write', 'short', (0,)),
    ('fsync', errno.EIO, (0, 4)),
    ('rename', errno.EIO, (4,)),
    ('truncate', errno.ENOSPC, (4,)),
    ('truncate', errno.EINTR, (0,)),
    ('allocate', errno.ENOSPC, (4,)),
    ('allocate', errno.EOPNOTSUPP, (0,)),
    ('mkdir', errno.EACCES, (1,)),
    ('mkdir', errno.ENOSPC, (4,)),
    ('mkdir', errno.EEXIST, (0,)),
    ('lseek', errno.EINVAL, (0,)),
    ('close', errno.EIO, (0, 4)),
]

SOURCES = [
    ('raw', ()),
    ('qcow2', ()),
    ('qcow2', ('-c',)),
    ('vmdk', ()),
    ('vmdk', ('-o', 'subformat=streamOptimized')),
    ('vmdk', ('-o', 'subformat=monolithicFlat')),
    ('vpc', ()),
]

SOURCE_FAULTS = [
    ('open', errno.EMFILE, (1,)),
    ('read', errno.EIO, (3,)),
    ('read', errno.EINTR, (0,)),
    ('read', 'short', (0,)),
    ('lseek', errno.EIO, (0, 3)),  # where a hole begins need not be known
    ('lseek', errno.EINVAL, (0,)),
    ('close', errno.EIO, (0,)),
]


def check(t, title, status, allowed, errors, before, wanted):
    """A run that failed left all as it was; a run that did not made what it always makes."""
    if status not in allowed:
        raise AssertionError(f'{title}: exit {status}, expected {allowed}: {errors}')
    found = files(t)
    if status == 0:
        tap.equal(sorted(found), sorted(wanted), title + ', files')
        if found != wanted:
            raise AssertionError(f'{title}: exit 0 with other bytes')
        return
    tap.contains(errors, 'vmferry: ')
    if found != before:
        raise AssertionError(f'{title}: exit {status} leaves {sorted(found)}: {errors}')


def reference(t, data, words):
    """What a run without a fault makes."""
    put_old(t, words[-1])
    tap.equal(convert(t, 'none:1:0', 'src/disk.raw', *words, epoch=True)[0], 0, 'status')
    if guest(t, t.path(words[-1])) != data:
        raise AssertionError(f'{words}: not the guest\'s bytes')
    return files(t)


@tap.rows(TARGETS)
def test_target(t, words):
    data = prepare(t)
    wanted = reference(t, data, words)
    before = {words[-1][4:]: OLD}
    for op, how, allowed in TARGET_FAULTS:
        sync = ('--no-sync',) if op != 'fsync' else ()
        put_old(t, words[-1])
        convert(t, f'{op}:999999:5', 'src/disk.raw', *sync, *words)
        for number in steps(count(t), 12):
            put_old(t, words[-1])
            title = f'{op} {number} {how}'
            status, errors = convert(t, f'{op}:{number}:{how}', 'src/disk.raw', *sync, *words)
            if op == 'fsync' and status == 4 and files(t) == wanted:
                # Only the folder's own fsync comes after the rename.
                tap.contains(errors, 'folder')
                continue
            check(t, title, status, allowed, errors, before, wanted)


@tap.rows([('raw', ('out/disk.raw',)), ('qcow2', ('out/disk.qcow2',))])
def test_write_back(t, words):
    """The disk may refuse what has been written long before the end; where a file cannot be hurried, the sync does
    it all."""
    prepare(t)
    with open(t.path('src/islands.raw'), 'wb') as file:
        for island in range(160):  # enough that the disk is waited for
            file.seek(island << 20)
            file.write(bytes([island + 1]) * 65536)
    put_old(t, words[-1])
    convert(t, 'writeback:999999:5', 'src/islands.raw', *words)
    wanted, calls = files(t), count(t)
    tap.equal(calls > 60 if words[0].endswith('raw') else calls > 4, True, f'{calls} calls')
    for how, allowed in ((errno.EIO, 4), (errno.ENOSPC, 4), (errno.ESPIPE, 0)):
        for number in steps(calls, 4):
            put_old(t, words[-1])
            status, errors = convert(t, f'writeback:{number}:{how}', 'src/islands.raw', *words)
            check(t, f'writeback {number} {how}', status, (allowed,), errors, {words[-1][4:]: OLD}, wanted)
            if allowed == 4:
                tap.contains(errors, ' at byte ')


def test_who_waits_for_the_disk_tells_what_it_says(t):
    """The kernel tells it once: when it was told to whoever waited, the sync at the end hears nothing of it."""
    prepare(t)
    with open(t.path('src/islands.raw'), 'wb') as file:
        for island in range(140):
            file.seek(island * 3 << 20)
            file.write(bytes([island + 1]) * 4096)
    put_old(t, 'out/disk.raw')
    convert(t, 'writeback:999999:5', 'src/islands.raw', 'out/disk.raw')
    wanted, calls, statuses = files(t), count(t), set()
    for number in range(calls - 3, calls + 1):  # the last ones are by turns with and without waiting
        put_old(t, 'out/disk.raw')
        status, errors = convert(t, f'writeback:{number}:{errno.ESTALE}', 'src/islands.raw', 'out/disk.raw')
        check(t, f'writeback {number}', status, (0, 4), errors, {'disk.raw': OLD}, wanted)
        statuses.add(status)
    tap.equal(statuses, {0, 4}, 'statuses')


def test_who_asks_for_holes_tells_what_the_disk_says(t):
    prepare(t)
    t.write('src/other.raw', fault_tools.pattern(seed=2))
    t.vmferry('convert', '--no-sync', 'src/disk.raw', 'src/disk.vhdx')
    words = ('apply', 'src/other.raw', 'out/disk.vhdx')
    statuses = []
    for number in range(1, 5):
        put_old(t, 'out/disk.vhdx')
        t.write('out/disk.vhdx', t.read('src/disk.vhdx'))
        done = t.vmferry(*words, status=None, env=fault_tools.environment(t, f'fsync:{number}:{errno.EIO}'))
        statuses.append(done.returncode)
    tap.equal((statuses, count(t)), ([0, 4, 4, 4], 4), 'of what is read, of the copy, its sync, its folder')


def test_what_is_stored_first_tells_what_the_disk_says(t):
    prepare(t)
    (t.folder / 'spool').mkdir()
    t.vmferry('convert', '--no-sync', 'src/disk.raw', 'src/disk.vdi')
    with subprocess.Popen(['cat', t.path('src/disk.vdi')], stdout=subprocess.PIPE) as pipe:
        status, errors = convert(t, f'fsync:1:{errno.EIO}', '--no-sync', '--spool', 'spool', '-f', 'vdi', '-', 'out/disk.raw',
                                 folder='spool', stdin=pipe.stdout)
    tap.equal((status, sorted(files(t))), (4, []), errors)


@tap.rows([('while they are moved', 'rename:2+'), ('behind that', 'rename:3+')])
def test_what_cannot_be_put_back_is_told(t, fault):
    """A machine that takes the place of another one, and a disk that fails just then."""
    prepare(t)
    t.vmferry('pack', '--no-sync', '-o', 'src/vm.ova', 'src/disk.raw')
    t.vmferry('convert', '--no-sync', 'src/vm.ova', 'out/vm.vmx')
    old = {path.read_bytes() for path in (t.folder / 'out').iterdir()}
    status, errors = convert(t, f'{fault}:{errno.EIO}', '--no-sync', '--force', 'src/vm.ova', 'out/vm.vmx')
    left = {path.read_bytes() for path in (t.folder / 'out').rglob('*') if path.is_file()}
    tap.equal((status, left == old), (4, True), errors)
    for name in [name for name, data in files(t).items() if data is None]:
        tap.contains(errors, f'cannot be put back: it stands in the folder {name} beside it')
    tap.contains(errors, 'cannot be put back')


@tap.rows(TARGETS)
def test_nothing_old(t, words):
    """Without an old file nothing at all may be there, not even when the last sync fails."""
    prepare(t)
    reference(t, fault_tools.pattern(), words)
    for op in ('write', 'fsync', 'rename'):
        for onwards in ('', '+'):
            put_old(t, words[-1])
            (t.folder / words[-1]).unlink()
            convert(t, f'{op}:999999:5', 'src/disk.raw', *words)
            for number in steps(count(t), 6):
                put_old(t, words[-1])
                (t.folder / words[-1]).unlink()
                status, errors = convert(t, f'{op}:{number}{onwards}:{errno.EIO}', 'src/disk.raw',
                                         *words)
                if op == 'fsync' and status == 0 and not onwards:
                    continue  # one before holes are asked for: nothing depends on it
                tap.equal((status, files(t)), (4, {}), f'{op} {number}{onwards}: {errors}')


@tap.rows([(f'{kind} {" ".join(words)}', kind, words) for kind, words in SOURCES])
def test_source(t, kind, words):
    data = prepare(t)
    suffix = {'vpc': 'vhd'}.get(kind, kind)
    source = f'src/source.{suffix}'
    t.vmferry('convert', '--no-sync', 'src/disk.raw', '-O', kind, *words, source)
    wanted = {'disk.img': data}
    for op, how, allowed in SOURCE_FAULTS:
        words = ('-f', kind, source, '--no-sync', 'out/disk.img')
        put_old(t, 'out/disk.img')
        convert(t, f'{op}:999999:5', *words, folder='src')
        for number in steps(count(t), 15):
            put_old(t, 'out/disk.img')
            status, errors = convert(t, f'{op}:{number}:{how}', *words, folder='src')
            check(t, f'{op} {number} {how}', status, allowed, errors, {'disk.img': OLD}, wanted)


def child_of_a_renamed_parent(t):
    """Its parent is found by its id, among all files beside."""
    data = prepare(t)
    t.write('src/base.raw', data[:100000].ljust(len(data), b'b'))
    t.vmferry('convert', '--no-sync', 'src/base.raw', 'src/base.vhdx')
    t.vmferry('convert', '--no-sync', '-O', 'vhdx', '-B', 'base.vhdx', '-F', 'vhdx', 'src/disk.raw', 'src/child.vhdx')
    t.write('src/another.vhdx', t.read('src/base.vhdx')[:4096])
    (t.folder / 'src/base.vhdx').rename(t.folder / 'src/renamed.vhdx')
    return {'disk.img': data}, ('-f', 'vhdx', 'src/child.vhdx', '--no-sync', 'out/disk.img')


@tap.rows([(f'{op} {how}', op, how, allowed) for op, how, allowed in SOURCE_FAULTS])
def test_parent_found_by_its_id(t, op, how, allowed):
    """A file beside that cannot be looked at is not the parent: where that was the parent, it is told as missing."""
    wanted, words = child_of_a_renamed_parent(t)
    put_old(t, 'out/disk.img')
    convert(t, f'{op}:999999:5', *words, folder='src')
    for number in steps(count(t), 25):
        put_old(t, 'out/disk.img')
        status, errors = convert(t, f'{op}:{number}:{how}', *words, folder='src')
        check(t, f'{op} {number} {how}', status, (*allowed, 0, 2), errors, {'disk.img': OLD}, wanted)


def test_memory_of_a_parent_found_by_its_id(t):
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    wanted, words = child_of_a_renamed_parent(t)
    convert(t, 'malloc:999999', *words, epoch=False)
    for number in steps(count(t), 100):
        put_old(t, 'out/disk.img')
        status, errors = convert(t, f'malloc:{number}', *words, epoch=False)
        check(t, f'malloc {number}', status, (0, 1), errors, {'disk.img': OLD}, wanted)


def made(*words):
    def make(t):
        t.vmferry('convert', '--no-sync', 'src/disk.raw', *words, 'src/made')
        return t.read('src/made')
    return make


def tables_in_front(t):
    t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'src/disk.raw', 'src/made')
    return t.read('src/made')


def first_grain_last(t):
    """Tables in front that are right, and tell that the stream is not in the order of the disk."""
    stream = bytearray(tables_in_front(t))
    stream += bytes(-len(stream) % 512)
    entry = 512 * struct.unpack_from('<I', stream, 512 * struct.unpack_from('<Q', stream, 56)[0])[0]
    grain = 512 * struct.unpack_from('<I', stream, entry)[0]
    length = 12 + struct.unpack_from('<I', stream, grain + 8)[0]
    struct.pack_into('<I', stream, entry, len(stream) // 512)
    return bytes(stream + stream[grain:grain + length])


def backwards(t):
    """Two disks, whose clusters come from the last to the first."""
    disks = {1: ('drive-scsi0', t.read('src/disk.raw')), 2: ('drive-scsi1', bytes(65536) + b'other' * 20000)}
    return make_vma.archive(disks, b'vmferry-vma-test', order=lambda slots: slots[::-1])


# What comes on standard input.
PACKERS = [('gz', 'gzip', '-c'), ('xz', 'xz', '-0c', '-T1'), ('zst', 'zstd', '-qc'), ('lz4', 'lz4', '-qc'), ('bz2', 'bzip2', '-c')]


def packed(make, program, *arguments):
    def make_packed(t):
        t.write('src/plain', make(t))
        return t.run(tap.tool(program), *arguments, 'src/plain', text=False).stdout
    return make_packed


INPUTS = [
    ('raw', ('-f', 'raw', '--source-size', str(fault_tools.SIZE)), made('-O', 'raw')),
    ('stream', (), made('-O', 'vmdk', '-o', 'subformat=streamOptimized')),
    ('stream, tables in front', (), tables_in_front),
    ('stream that starts again and is stored', (), first_grain_last),
    ('stored', ('-f', 'raw'), made('-O', 'raw')),
    ('any order', ('-O', 'raw', '-::1'), backwards),
    ('any order into tables', ('-O', 'qcow2', '-::drive-scsi0'), backwards),
    ('any order, stored', ('-O', 'qcow2', '-c', '-::drive-scsi0'), backwards),
    *((f'{name} around a stream', (), packed(made('-O', 'vmdk', '-o', 'subformat=streamOptimized'), *command)) for name, *command in PACKERS),
    *((f'{name} around what is stored', ('-f', 'raw.' + name), packed(made('-O', 'raw'), *command)) for name, *command in PACKERS),
]


def convert_input(t, fault, name, *words, **options):
    """A file of which the first sector has been read already is a stream like a pipe."""
    words = words if any(word.startswith('-::') for word in words) else (*words, '-')
    with open(t.path(name), 'rb') as file:
        file.seek(512)
        return convert(t, fault, *words, '--no-sync', 'out/disk.img', stdin=file, **options)


def prepare_input(t, words, make):
    """What a run without a fault makes."""
    data = prepare(t)
    t.write('src/input', bytes(512) + make(t))
    put_old(t, 'out/disk.img')
    tap.equal(convert_input(t, 'none:1:0', 'src/input', *words)[0], 0, 'status')
    t.vmferry('compare', '-f', 'raw', 'src/disk.raw', 'out/disk.img', '-F', 'qcow2' if 'qcow2' in words else 'raw')
    return files(t) if 'qcow2' in words else {'disk.img': data}


@tap.rows(INPUTS)
def test_input(t, words, make):
    wanted = prepare_input(t, words, make)
    faults = [('src', 'read', errno.EIO, (3,)), ('src', 'read', errno.EINTR, (128, 130, 1)), ('src', 'read', errno.EAGAIN, (0,)),
              ('src', 'read', 'short', (0,)), ('out', 'write', errno.ENOSPC, (4,)), ('out', 'write', errno.EIO, (4,)),
              ('out', 'open', errno.EMFILE, (0, 1, 4))]
    for folder, op, how, allowed in faults:
        put_old(t, 'out/disk.img')
        convert_input(t, f'{op}:999999:5', 'src/input', *words, folder=folder)
        for number in steps(count(t), 12):
            put_old(t, 'out/disk.img')
            status, errors = convert_input(t, f'{op}:{number}:{how}', 'src/input', *words, folder=folder)
            check(t, f'{op} {number} {how}', status, allowed, errors, {'disk.img': OLD}, wanted)


@tap.rows(INPUTS)
def test_memory_of_input(t, words, make):
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    wanted = prepare_input(t, words, make)
    put_old(t, 'out/disk.img')
    convert_input(t, 'malloc:999999', 'src/input', *words, epoch=False)
    for number in steps(count(t), 100):
        put_old(t, 'out/disk.img')
        status, errors = convert_input(t, f'malloc:{number}', 'src/input', *words, epoch=False)
        check(t, f'malloc {number}', status, (0, 1), errors, {'disk.img': OLD}, wanted)


@tap.rows([(name, 'raw.' + name, *command) for name, *command in PACKERS])
def test_memory_of_packed_files(t, form, program, *arguments):
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    wanted = {'disk.img': prepare(t)}
    t.write('src/input', packed(made('-O', 'raw'), program, *arguments)(t))
    words = ('-f', form, 'src/input', '--no-sync', 'out/disk.img')
    convert(t, 'malloc:999999', *words, epoch=False)
    for number in steps(count(t), 100):
        put_old(t, 'out/disk.img')
        status, errors = convert(t, f'malloc:{number}', *words, epoch=False)
        check(t, f'malloc {number}', status, (0, 1), errors, {'disk.img': OLD}, wanted)


@tap.rows(TARGETS)
def test_memory(t, words):
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    data = prepare(t)
    put_old(t, words[-1])
    t.vmferry('convert', '--no-sync', 'src/disk.raw', '-O', 'qcow2', '-c', 'src/disk.qcow2')
    words = ('src/disk.qcow2', '--no-sync', *words)
    convert(t, 'malloc:999999', *words, epoch=False)
    for number in steps(count(t), 80):
        for onwards in ('', '+'):
            put_old(t, words[-1])
            status, errors = convert(t, f'malloc:{number}{onwards}', *words, epoch=False)
            title = f'malloc {number}{onwards}'
            if status not in (0, 1):
                raise AssertionError(f'{title}: exit {status}: {errors}')
            if status == 1:
                tap.equal(sorted(files(t)), [words[-1][4:]], title)
                tap.equal(t.read(words[-1]), OLD, title)
            elif number % 7 == 0:
                tap.equal(guest(t, t.path(words[-1])) == data, True, title)


def test_memory_of_checksum_and_verify(t):
    if fault_tools.SANITIZED:
        raise tap.Skip('a sanitizer has an allocator of its own')
    prepare(t)
    words = ('src/disk.raw', '--no-sync', '--verify', '--checksum', 'out/disk.qcow2')
    put_old(t, words[-1])
    convert(t, 'malloc:999999', *words, epoch=False)
    for number in steps(count(t), 100):
        put_old(t, words[-1])
        status, errors = convert(t, f'malloc:{number}', *words, epoch=False)
        if status not in (0, 1):
            raise AssertionError(f'malloc {number}: exit {status}: {errors}')
        tap.equal(t.read(words[-1]) == OLD, status == 1, f'malloc {number}: old file')
        tap.equal(sorted(files(t)), ['disk.qcow2'], f'malloc {number}')


@tap.rows([target for target in TARGETS if target[0] != 'vmdk stream'])
def test_verify_finds_a_wrong_byte(t, words):
    """One bit of the largest write differs on the disk."""
    data = prepare(t)
    wanted = reference(t, data, words)
    put_old(t, words[-1])
    convert(t, 'write:999999:5', 'src/disk.raw', '--no-sync', *words)
    found = 0
    for number in steps(count(t), 10):
        put_old(t, words[-1])
        status, errors = convert(t, f'write:{number}:flip', 'src/disk.raw', '--no-sync', *words)
        tap.equal(status, 0, f'write {number} without --verify: {errors}')
        put_old(t, words[-1])
        status, errors = convert(t, f'write:{number}:flip', 'src/disk.raw', '--no-sync', '--verify',
                                 *words)
        if status == 0:  # in what no guest byte depends on: padding, a name, the second copy
            continue
        found += 1
        tap.equal(status in (2, 8), True, f'write {number}: exit {status}, {errors}')
        tap.equal(files(t), {words[-1][4:]: OLD}, f'write {number}')
    tap.equal(found > 0, True, 'a wrong byte was found')
    tap.equal(len(wanted) > 0, True)


@tap.rows(TARGETS)
def test_written_file_that_cannot_be_closed(t, words):
    """A file system that writes late says so in close: then the old file stays."""
    prepare(t)
    written = len(reference(t, fault_tools.pattern(), words))
    put_old(t, words[-1])
    convert(t, 'close:999999:5', 'src/disk.raw', '--no-sync', *words)
    told = 0
    for number in range(1, count(t) + 1):
        put_old(t, words[-1])
        status, errors = convert(t, f'close:{number}:{errno.EIO}', 'src/disk.raw', '--no-sync', *words)
        if status == 0:
            continue  # of a folder, or of what was only read
        told += 1
        tap.equal((status, files(t)), (4, {words[-1][4:]: OLD}), f'close {number}: {errors}')
        tap.contains(errors, 'closing it')
    tap.equal(told, written, 'files whose closing counts')


def test_standard_output_counts_when_it_is_used(t):
    prepare(t)
    t.vmferry('convert', '--no-sync', 'src/disk.raw', 'src/disk.qcow2')
    for words, status in ((('convert', '--no-sync', 'src/disk.raw', 'src/other.qcow2'), 0),
                          (('info', 'src/disk.qcow2'), 4), (('checksum', 'src/disk.qcow2'), 4),
                          (('convert', '-O', 'raw', 'src/disk.qcow2', '-'), 4)):
        with open(t.path('out/words'), 'wb') as out:
            done = t.vmferry(*words, stdout=out, status=status, env=fault_tools.environment(t, f'close:1+:{errno.EIO}'))
        tap.equal('standard output' in done.stderr, status == 4, f'{words}: {done.stderr}')


def test_temporary_folder_that_stays_is_told(t):
    """The target is complete; the next run tells of the folder, too."""
    prepare(t)
    wanted = reference(t, fault_tools.pattern(), ('out/disk.qcow2',))
    put_old(t, 'out/disk.qcow2')
    status, errors = convert(t, f'unlink:1+:{errno.EIO}', 'src/disk.raw', 'out/disk.qcow2')
    tap.equal(status, 4, 'status')
    tap.contains(errors, 'the temporary folder .disk.qcow2.part-')
    tap.equal(t.read('out/disk.qcow2') == wanted['disk.qcow2'], True, 'the target')
    status, errors = convert(t, 'none:1:0', 'src/disk.raw', 'out/disk.qcow2')
    tap.equal(status, 0, 'status')
    tap.contains(errors, '.disk.qcow2.part-')


tap.main(globals())
