# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Whether a target fits where it goes is asked before its first byte."""
import os
import random
import re
import struct

import tap

NOBODY = 65534
TOLD = re.compile(r'x[^ ]*: at least \d+ bytes are to be written, and (its file system has room for|the quota leaves) \d+: make room')
FORMS = [(form, ('-O', form)) for form in ('raw', 'qcow2', 'vmdk', 'vpc')]


def disks(t):
    """noise.raw has more data than the 4 MiB of `small`; zeros.raw looks so, and has less."""
    chance = random.Random(5)
    t.write('noise.raw', chance.randbytes(6 << 20))
    t.write('zeros.raw', chance.randbytes(1 << 20) + bytes(50 << 20))
    os.mkdir(t.path('small'))


def with_small(t, script, *arguments):
    """Runs a shell script where `small` is a file system of its own."""
    script = f'mount -t tmpfs -o size=4m none small && {script}'
    done = t.run(tap.tool('unshare'), '-m', 'sh', '-c', script, tap.VMFERRY, *arguments, status=None)
    if 'Operation not permitted' in done.stderr or 'unshare failed' in done.stderr:
        raise tap.Skip('nothing can be mounted')
    return done


def in_small(t, *arguments, status):
    """What the command leaves there is the output."""
    done = with_small(t, '{ "$0" "$@"; status=$?; find small -type f; exit $status; }', *arguments)
    tap.equal(done.returncode, status, f'status, and {done.stderr!r}')
    return done


def is_refused(done):
    tap.equal((bool(TOLD.search(done.stderr)), done.stdout), (True, ''), f'refused in {done.stderr!r}, and what is left')


@tap.rows(FORMS)
def test_disk_that_does_not_fit(t, options):
    disks(t)
    is_refused(in_small(t, 'convert', *options, 'noise.raw', 'small/x', status=4))


@tap.rows([(mode, mode) for mode in ('falloc', 'full')])
def test_empty_disk_that_takes_its_space_at_once(t, mode):
    disks(t)
    is_refused(in_small(t, 'create', '-o', f'preallocation={mode}', 'small/x', '8M', status=4))
    in_small(t, 'create', '-q', '-o', f'preallocation={mode}', 'small/x', '2M', status=0)


def test_what_does_not_fit_in_place_leaves_the_old_file(t):
    disks(t)
    done = with_small(t, 'echo old > small/x; "$0" "$@"; status=$?; cat small/x; exit $status',
                      'convert', '--in-place', '-O', 'raw', 'noise.raw', 'small/x')
    tap.equal((done.returncode, bool(TOLD.search(done.stderr)), done.stdout), (4, True, 'old\n'), 'status, refused, content')


def test_the_room_of_the_old_file_counts_in_place(t):
    disks(t)
    t.write('new.raw', t.read('noise.raw')[:3 << 20])
    done = with_small(t, 'dd if=noise.raw of=small/x bs=1M count=3 2>/dev/null; "$0" "$@" && cmp new.raw small/x',
                      'convert', '--in-place', '-f', 'raw', '-O', 'raw', 'new.raw', 'small/x')
    tap.equal((done.returncode, done.stderr), (0, ''), 'status')


@tap.rows(FORMS)
def test_zeros_take_no_room(t, options):
    disks(t)
    done = in_small(t, 'convert', *options, 'zeros.raw', 'small/x', status=0)
    tap.equal((done.stdout, 'fit' in done.stderr), ('small/x\n', False), 'what is there, and no word of it')


def test_zeros_that_are_asked_for_take_room(t):
    disks(t)
    is_refused(in_small(t, 'convert', '-S', '0', 'zeros.raw', 'small/x', status=4))


def test_old_target_stays(t):
    disks(t)
    done = with_small(t, 'echo old > small/x && { "$0" convert noise.raw small/x; cat small/x; }')
    tap.equal((bool(TOLD.search(done.stderr)), done.stdout), (True, 'old\n'), 'refused, and content')


@tap.rows([('noise', 'noise.raw', 4), ('zeros', 'zeros.raw', 0)])
def test_packed_target_may_fit(t, source, status):
    disks(t)
    done = in_small(t, 'convert', '-c', '-O', 'qcow2', source, 'small/x', status=status)
    tap.contains(done.stderr, 'warning: small/x: may not fit: up to ')


def test_spool_is_asked_too(t):
    disks(t)
    done = with_small(t, '"$0" convert -O qcow2 -c --spool small noise.raw - >> sent')
    tap.contains(done.stderr, 'standard output, stored in small: may not fit')
    tap.equal(t.read('sent'), b'', 'sent')


@tap.rows([('told to be too much', '', 'holds at least 41943040 bytes, and there is room for 4194304'), ('not told', '--no-content-size', '')])
def test_what_is_unpacked_first(t, options, says):
    """A frame that is too long to be unpacked in memory; zeros take no room."""
    disks(t)
    for name, start, status in (('zeros', 1 << 20, 0), ('noise', 6 << 20, 4)):
        with open(t.path('a.raw'), 'wb') as file:
            file.write(t.read(name + '.raw')[:start])
            file.truncate(40 << 20)
        t.run(tap.tool('zstd'), '-qkf', *options.split(), 'a.raw')
        done = with_small(t, '"$0" "$@"', 'convert', '-f', 'raw', '--resize', '+1M', '--spool', 'small', 'a.raw.zst', name + '.out')
        tap.equal(done.returncode, status, done.stderr)
        tap.contains(done.stderr, says)
        tap.equal('--spool, names another folder' in done.stderr, status == 4, done.stderr)
        tap.equal(name + '.out' in t.names(), status == 0, 'a target')


@tap.rows([('unpack', ('unpack', 'noise.ova', 'small/x'), 4), ('unpack into another format', ('unpack', '-O', 'qcow2', 'noise.ova', 'small/x'), 4),
           ('convert', ('convert', '--disk-format', 'raw', 'noise.ova', 'small/x.ova'), 4),
           ('pack', ('pack', '--disk-format', 'vhd', 'noise.raw', '-o', 'small/x.ova'), 4),
           ('pack two', ('pack', '--disk-format', 'raw', 'half.raw', 'half2.raw', '-o', 'small/x.ova'), 4),
           ('zeros', ('pack', '--disk-format', 'raw', 'zeros.raw', '-o', 'small/x.ova'), 0),
           ('zeros copied', ('unpack', 'zeros.ova', 'small/x'), 0)])
def test_package(t, arguments, status):
    disks(t)
    for name in ('half.raw', 'half2.raw'):
        t.write(name, t.read('noise.raw')[:3 << 20])
    for name in ('noise', 'zeros'):
        t.vmferry('pack', '--disk-format', 'raw', f'{name}.raw', '-o', f'{name}.ova')
    done = in_small(t, *arguments, status=status)
    if status == 4:
        is_refused(done)


def test_package_with_packed_disks_may_fit(t):
    disks(t)
    tap.contains(in_small(t, 'pack', 'zeros.raw', '-o', 'small/x.ova', status=0).stderr, 'small/x.ova: may not fit: up to ')
    in_small(t, 'pack', 'noise.raw', '-o', 'small/x.ova', status=4)


def test_quota(t):
    """The kernel's answer is put in its place: 2 MiB at most, 1000 bytes used."""
    if os.geteuid() != 0:
        raise tap.Skip('only the superuser becomes another user')
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('the leak sanitizer does not work under strace')
    disks(t)
    os.chmod(t.folder, 0o755)
    os.chmod(t.path('small'), 0o777)
    answer = struct.pack('=8QI', 2048, 0, 1000, 0, 0, 0, 0, 0, 3).hex()
    command = ('-f', '-o', t.path('trace'), '-e', 'trace=quotactl_fd', '-e', f'inject=quotactl_fd:retval=0:poke_exit=@arg4={answer}',
               tap.tool('setpriv'), '--reuid', str(NOBODY), '--regid', str(NOBODY), '--clear-groups', tap.VMFERRY)
    done = t.run(tap.tool('strace'), *command, 'convert', '-O', 'qcow2', 'noise.raw', 'small/x', status=None)
    if 'invalid' in done.stderr or 'Permission denied' in done.stderr or not t.read('trace').count(b'quotactl_fd('):
        raise tap.Skip('nothing can be put in place')
    tap.equal((done.returncode, bool(TOLD.search(done.stderr)), os.listdir(t.path('small'))), (4, True, []), f'status, refused in {done.stderr!r}, and what is left')
    tap.contains(done.stderr, f'the quota leaves {(2 << 20) - 1000}:')


tap.main(globals())
