# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What an earlier run of a batch has done is not done again, and what it has not done is."""
import fcntl
import json
import os
import re

import tap
from batch_behaviour import batch, disks, same, three


def numbers(told):
    """How many were done and unchanged, as the last line says."""
    found = re.search(r'jobs?: (\d+) done(?:, (\d+) unchanged)?, (\d+) failed', told)
    return tuple(int(number or 0) for number in found.groups())


def test_resume_leaves_out_what_is_done_and_unchanged(t):
    three(t)
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (3, 0, 0), 'first')
    before = os.stat(t.path('out/a.qcow2')).st_mtime_ns
    tap.equal(numbers(batch(t, 'jobs', '--resume', '--report', 'r.json')), (0, 3, 0), 'second')
    tap.equal(os.stat(t.path('out/a.qcow2')).st_mtime_ns, before, 'mtime')
    tap.equal([job['state'] for job in json.loads(t.read('r.json'))['jobs']], ['unchanged'] * 3, 'states')


@tap.rows([
    ('a source', lambda t: t.write('a.raw', bytes([9]) * (2 << 20))),
    ('a source of the same size and time', lambda t: same_time(t, 'a.raw', bytes([9]) * (1 << 20) + bytes(1 << 20))),
    ('a target is gone', lambda t: os.remove(t.path('out/a.qcow2'))),
    ('the options', lambda t: t.write('jobs', t.read('jobs').replace(b'a.qcow2\n', b'a.qcow2\t-c\n'))),
])
def test_resume_does_again_what_has_changed(t, change):
    three(t)
    batch(t, 'jobs', '--resume')
    change(t)
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (1, 2, 0), 'done')
    same(t, 'a.raw', 'out/a.qcow2')
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (0, 3, 0), 'then')


def same_time(t, name, data):
    status = os.stat(t.path(name))
    t.write(name, data)
    os.utime(t.path(name), ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_parent_and_an_extent_are_sources(t):
    disks(t, 'a.raw')
    t.run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'a.raw', '-F', 'raw', 'over.qcow2')
    t.vmferry('convert', '-q', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', 'a.raw', 'flat.vmdk')
    t.write('jobs', b'over.qcow2\tout/over.raw\nflat.vmdk\tout/flat.raw\n')
    batch(t, 'jobs', '--resume')
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (0, 2, 0), 'unchanged')
    for name in 'a.raw', 'flat-flat.vmdk':
        os.utime(t.path(name), ns=(1, 1))
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (2, 0, 0), 'changed')


def test_what_was_written_to_since_is_not_overwritten(t):
    three(t)
    batch(t, 'jobs', '--resume')
    t.write('out/c.raw', b'by a guest')
    tap.contains(batch(t, 'jobs', '--resume', status=1), 'out/c.raw: was changed after the batch had made it')
    tap.equal(t.read('out/c.raw'), b'by a guest', 'content')


def test_a_run_that_failed_is_resumed_without_having_said_so_before(t):
    three(t)
    os.rename(t.path('b.raw'), t.path('kept'))
    t.write('b.raw', b'KDMV' + bytes(600))
    tap.contains(batch(t, 'jobs', status=1), 'with --resume only the rest is done (jobs.done)')
    os.replace(t.path('kept'), t.path('b.raw'))
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (1, 2, 0), 'done')
    batch(t, 'jobs')
    tap.equal(os.path.exists(t.path('jobs.done')), False, 'there is a record when all is done')


def test_a_record_that_was_cut_off_is_read_as_far_as_it_goes(t):
    three(t)
    batch(t, 'jobs', '--resume')
    t.write('jobs.done', t.read('jobs.done')[:-7])
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (1, 2, 0), 'done')
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (0, 3, 0), 'then')


def test_a_line_that_was_cut_off_never_becomes_a_whole_one(t):
    three(t)
    batch(t, 'jobs', '--resume')
    lines = t.read('jobs.done').splitlines(keepends=True)
    last = next(line for line in lines[1:] if b'a.raw' in line)
    t.write('jobs.done', lines[0] + last[:last.index(b'a.raw') + 5])  # the sum and the source, not the target
    os.remove(t.path('out/a.qcow2'))
    batch(t, 'jobs', '--index=1', '--resume=jobs.done')
    batch(t, 'jobs', '--index=2', '--resume=jobs.done')
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (1, 2, 0), 'done')
    same(t, 'a.raw', 'out/a.qcow2')


def test_a_line_that_ran_into_the_next_one_claims_nothing(t):
    """As where the disk was full in the middle of it, and had room again."""
    three(t)
    batch(t, 'jobs', '-j', '1', '--resume')
    lines = t.read('jobs.done').splitlines(keepends=True)
    t.write('jobs.done', lines[0] + lines[1][:-1] + b''.join(lines[2:]))
    tap.equal(numbers(batch(t, 'jobs', '--resume')), (2, 1, 0), 'done')


def test_two_batches_do_not_work_on_one_list(t):
    three(t)
    t.write('jobs.done', b'')
    with open(t.path('jobs.done')) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        tap.contains(batch(t, 'jobs', status=7), 'another batch is at work on this list')
    tap.equal(os.listdir(t.path('out')), [], 'files')


def test_a_file_that_is_no_record_is_left_alone(t):
    three(t)
    t.write('jobs.done', b'my notes\n')
    tap.contains(batch(t, 'jobs', '--resume', status=2), 'is no record of a batch')
    batch(t, 'jobs')
    tap.equal(t.read('jobs.done'), b'my notes\n', 'content')


def test_what_is_not_durable_is_not_recorded(t):
    three(t)
    batch(t, 'jobs', '--resume', '--defaults', '--no-sync')
    tap.equal(numbers(batch(t, 'jobs', '--resume', '--defaults', '--no-sync')), (3, 0, 0), 'done')


def test_what_is_no_file_needs_a_name_for_its_record(t):
    three(t)
    words = '--each', '*.raw', '--to', 'out/{stem}.vdi'
    tap.contains(batch(t, *words, '--resume', status=2), 'name one: --resume=RECORD')
    batch(t, *words, '--resume=record')
    tap.equal(numbers(batch(t, *words, '--resume=record')), (0, 3, 0), 'done')


tap.main(globals())
