# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Many conversions by one command: lists, what is checked before, how it goes on, what is told."""
import csv
import io
import json
import os
import pty
import re
import stat
import subprocess
import xml.etree.ElementTree

import tap


def disks(t, *names):
    """Raw disks of 2 MiB, each with other data."""
    for number, name in enumerate(names):
        t.write(name, bytes([number + 1]) * (1 << 20) + bytes(1 << 20))
    os.makedirs(t.path('out'), exist_ok=True)


def batch(t, *arguments, status=0, **options):
    """What it says on standard error."""
    return t.vmferry('batch', *arguments, status=status, **options).stderr


def same(t, source, target):
    t.vmferry('compare', '-f', 'raw', source, target)


def three(t):
    disks(t, 'a.raw', 'b.raw', 'c.raw')
    t.write('jobs', b'a.raw\tout/a.qcow2\nb.raw\tout/b.qcow2\t-c\nc.raw\tout/c.raw\t--verify\n')


# ---- lists ----

def test_a_list_of_lines(t):
    disks(t, 'a.raw', 'b c.raw', "Bob's.raw", '#d.raw')
    t.write('jobs', b'# a comment\n\n'
                    b'@defaults -O qcow2\r\n'
                    b'a.raw\tout/a.qcow2\n'
                    b"b c.raw\tout/b c.vmdk\t-O vmdk -o 'subformat=monolithicSparse'\r\n"
                    b'@defaults -c\n'
                    b"Bob's.raw\tout/bob.qcow2\n"
                    b'@defaults\n"#d.raw"\tout/d.vhd')
    batch(t, 'jobs')
    for source, target, form in (('a.raw', 'out/a.qcow2', 'qcow2'), ('b c.raw', 'out/b c.vmdk', 'vmdk'),
                                 ("Bob's.raw", 'out/bob.qcow2', 'qcow2'), ('#d.raw', 'out/d.vhd', 'vpc')):
        same(t, source, target)
        tap.equal(json.loads(t.vmferry('info', '--output=json', target).stdout)['format'], form, target)
    tap.equal(sorted(os.listdir(t.path('out'))), ['a.qcow2', 'b c.vmdk', 'bob.qcow2', 'd.vhd'], 'files')


def test_a_list_of_json(t):
    tap.needs('jansson')
    disks(t, 'a.raw', 'b.raw')
    t.write('jobs', b'\n'.join(json.dumps(job).encode() for job in (
        {'src': 'a.raw', 'dst': 'out/a.qcow2', 'options': {'compress': True, 'o': 'cluster_size=64k,lazy_refcounts=off'}},
        {'id': 'both', 'src': ['a.raw', 'b.raw'], 'dst': 'out/ab.raw', 'options': {'checksum': 'sha256', 'allow-ref': ['.', 'out']}})))
    tap.contains(batch(t, 'jobs'), 'both: ')
    same(t, 'a.raw', 'out/a.qcow2')
    tap.equal(t.read('out/ab.raw'), t.read('a.raw') + t.read('b.raw'), 'joined')


def test_a_disk_that_is_not_the_expected_one_gets_no_target(t):
    tap.needs('jansson')
    disks(t, 'a.raw', 'b.raw')
    expected = t.vmferry('checksum', 'a.raw').stdout.split()[0]
    t.write('jobs', ''.join(json.dumps({'src': source, 'dst': f'out/{source}.qcow2', 'expect': expected}) + '\n' for source in ('b.raw', 'a.raw')).encode())
    tap.contains(batch(t, 'jobs', '--report', 'r.json', status=1), 'expected ' + expected.split(':')[1])
    tap.equal(os.listdir(t.path('out')), ['a.raw.qcow2'], 'what was made')
    told = json.loads(t.read('r.json'))['jobs']
    tap.equal([job['status'] for job in told], [8, 0], 'statuses')
    tap.equal('blkhash-sha256:' + told[1]['checksum'], expected, 'the checksum in the report')


@tap.rows([
    ('plain', 'sha256:' + '0' * 64, 'is no checksum as "checksum" prints it'),
    ('short', 'blkhash-sha256:' + '0' * 63, 'is no checksum'),
    ('unknown', 'blkhash-md5:' + '0' * 32, 'is no checksum'),
    ('of another', 'blkhash-sha1:' + '0' * 40 + ' --checksum=sha512', '--expect is of sha1, and --checksum of sha512'),
])
def test_an_expected_checksum_is_looked_at_before(t, words, message):
    disks(t, 'a.raw')
    t.write('jobs', f'a.raw\tout/x.raw\t--expect={words}\n'.encode())
    tap.contains(batch(t, 'jobs', status=2), message)


def test_a_list_on_standard_input(t):
    disks(t, 'a.raw')
    t.write('jobs', b'a.raw\tout/a.qcow2\n')
    with open(t.path('jobs'), 'rb') as jobs:
        batch(t, '-', stdin=jobs)
    same(t, 'a.raw', 'out/a.qcow2')


def test_a_job_for_each_file(t):
    disks(t, 'a.raw', 'b.raw')
    batch(t, '--each', '*.raw', '--to', '{dir}/out/{stem}-of-{name}.qcow2', '--defaults', '-c')
    same(t, 'a.raw', 'out/a-of-a.raw.qcow2')
    same(t, 'b.raw', 'out/b-of-b.raw.qcow2')


def test_machines_and_packages_are_jobs(t):
    disks(t, 'a.raw', 'b.raw')
    t.vmferry('pack', 'a.raw', '-o', 'a.ova')
    t.write('jobs', b'a.ova\tout/b.ova\na.ova\tout/vm.vmx\na.ova::a-disk1.vmdk\tout/a.raw\n')
    batch(t, 'jobs', '-j', '3')
    t.vmferry('verify', 'out/b.ova')
    same(t, 'a.raw', 'out/a.raw')
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'out/vm.vmx').stdout)['format'], 'vmx', 'format')


@tap.rows([
    ('no tab', b'a.raw out/x.raw\n', 'jobs:1: has no TAB'),
    ('empty name', b'\n\ta.raw\n', 'jobs:2: a name is empty'),
    ('open quote', b'a.raw\tout/x.raw\t"-c\n', 'jobs:1: a quote is not closed'),
    ('two names', b"'a' b\tout/x.raw\n", 'is more than one name'),
    ('nul', b'a.raw\0\tout/x.raw\n', 'jobs:1: has a NUL byte'),
    ('long', b'a' * (1 << 21), 'jobs:1: is longer than'),
    ('other word', b'@default -c\n', 'is no "@defaults OPTIONS"'),
    ('empty', b'# nothing\n', 'jobs: holds no job'),
    ('no option', b'a.raw\tout/x.raw\t--compres\n', 'jobs:1: unknown option --compres'),
    ('another word', b'a.raw\tout/x.raw\tqcow2\n', '"qcow2" stands among the options'),
    ('of the batch', b'a.raw\tout/x.raw\t-m 4\n', '-m is an option of the batch'),
    ('help', b'a.raw\tout/x.raw\t--help\n', '--help is an option of the batch'),
    ('input', b'-\tout/x.raw\n', 'neither standard input nor output'),
    ('output', b'a.raw\t-\n', 'neither standard input nor output'),
    ('no source', b'nix.raw\tout/x.raw\n', 'jobs:1: nix.raw: No such file'),
    ('no folder', b'a.raw\tnix/x.raw\n', 'the folder nix: No such file'),
    ('twice', b'a.raw\tout/x.raw\nb.raw\tout/../out/x.raw\n', 'jobs:2: x.raw: is written by line 1, too'),
    ('twice in a folder', b'a.raw\tout/\nsub/a.raw\tout/\n', 'is written by line 1, too'),
    ('onto a source', b'a.raw\tout/x.raw\nb.raw\ta.raw\n', 'jobs:2: a.raw: is read by line 1'),
    ('onto itself', b'a.raw\ta.raw\n', 'is the source, or in it'),
    ('one report', b'a.raw\tout/x.vmx\t--losses=l.json\nb.raw\tout/y.vmx\t--losses=./l.json\n', 'jobs:2: l.json: is written by line 1, too'),
    ('a report onto a source', b'a.raw\tout/x.vmx\t--losses=b.raw\nb.raw\tout/y.vmx\n', 'b.raw: is read by line 2'),
    ('one map', b'a.raw\tout/x.qcow2\t-c --map=out/m\nb.raw\tout/y.qcow2\t-c --map=out/m\n', 'jobs:2: m: is written by line 1, too'),
    ('a map onto a target', b'a.raw\tout/x.qcow2\t-c --map=out/y.qcow2\nb.raw\tout/y.qcow2\n', 'y.qcow2: is written by line'),
    ('onto a backing file', b'a.raw\tout/x.qcow2\t-B ../good.raw -F raw\nb.raw\tgood.raw\n', 'good.raw: is read by line 1'),
    ('onto a backing file in -o', b'a.raw\tout/x.qcow2\t-o backing_file=../good.raw,backing_fmt=raw\nb.raw\tgood.raw\n', 'good.raw: is read by line 1'),
    ('a backing file that is not there', b'a.raw\tout/x.qcow2\t-B gone.raw -F raw\n', 'jobs:1: out/gone.raw: No such file'),
    ('onto the old target of another', b'a.raw\tout/x.qcow2\t-c --since=sub/a.raw --onto=good.raw\nb.raw\tgood.raw\n', 'good.raw: is read by line 1'),
    ('onto the old map of another', b'a.raw\tout/x.qcow2\t-c --since=sub/m --onto=good.raw\nb.raw\tout/y.qcow2\t-c --map=./sub/m\n', 'm: is read by line 1'),
    ('a report to the output', b'a.raw\tout/x.vmx\t--losses=-\n', 'has no standard output'),
    ('in a target', b'a.raw\tout/new/\nb.raw\tout/new/x.raw\n', 'the folder out/new'),
])
def test_a_list_that_is_wrong_begins_nothing(t, text, message):
    disks(t, 'a.raw', 'b.raw', 'good.raw')
    os.makedirs(t.path('sub'))
    t.write('sub/a.raw', t.read('a.raw'))
    t.write('sub/m', b'vmferry map 1')
    t.write('jobs', text + b'\ngood.raw\tout/good.raw\n')
    if message == 'jobs: holds no job':
        t.write('jobs', text)
    tap.contains(batch(t, 'jobs', status=2), message)
    tap.equal(os.listdir(t.path('out')), [], 'what was written')


@tap.rows([
    ('no json', b'{"src": "a.raw"', 'jobs:1: is no JSON'),
    ('a list', b'{"src": "a.raw", "dst": "out/x.raw"}\n[]', 'jobs:2: is no object'),
    ('another key', b'{"src": "a.raw", "dst": "out/x.raw", "to": 1}', 'jobs:1: "to" is none of'),
    ('twice', b'{"src": "a.raw", "src": "b.raw", "dst": "out/x.raw"}', 'jobs:1: is no JSON'),
    ('no target', b'{"src": "a.raw"}', '"dst" is no text'),
    ('no source', b'{"src": [], "dst": "out/x.raw"}', '"src" is an empty list'),
    ('number', b'{"src": 1, "dst": "out/x.raw"}', '"src" is no text'),
    ('dashes', b'{"src": "a.raw", "dst": "out/x.raw", "options": {"--compress": true}}', 'without its dashes'),
    ('false', b'{"src": "a.raw", "dst": "out/x.raw", "options": {"compress": false}}', 'is none of: text, number, true'),
    ('one id', b'{"id": "x", "src": "a.raw", "dst": "out/x.raw"}\n{"id": "x", "src": "a.raw", "dst": "out/y.raw"}', 'the id "x" is that of line 1'),
])
def test_json_that_is_wrong_begins_nothing(t, text, message):
    tap.needs('jansson')
    disks(t, 'a.raw', 'b.raw')
    t.write('jobs', text)
    tap.contains(batch(t, 'jobs', status=2), message)
    tap.equal(os.listdir(t.path('out')), [], 'what was written')


@tap.rows([
    ('nothing', (), 'expected a list of jobs'),
    ('both', ('jobs', '--each', '*.raw'), 'expected a list of jobs'),
    ('no template', ('--each', '*.raw'), 'expected a list of jobs'),
    ('no match', ('--each', '*.vmdk', '--to', 'out/{stem}'), 'no file matches'),
    ('one name for all', ('--each', '*.raw', '--to', 'new/'), "--to 'new/{stem}.qcow2'"),
    ('another brace', ('--each', '*.raw', '--to', 'out/{base}'), 'is none of {name}, {stem} and {dir}'),
    ('jobs', ('jobs', '-j', '0'), '-j: "0"'),
    ('report', ('jobs', '--report', 'x.txt'), 'ends in none of'),
    ('report over a disk', ('jobs', '--report', 'a.xml'), 'is no such report'),
    ('report over a table', ('jobs', '--report', 'a.csv'), 'is no such report'),
])
def test_a_command_line_that_is_wrong(t, arguments, message):
    disks(t, 'a.raw', 'b.raw')
    t.write('jobs', b'a.raw\tout/a.qcow2\n')
    t.write('a.xml', b'<domain/>')
    t.write('a.csv', b'id,source,price\n1,web,2\n')
    tap.contains(batch(t, *arguments, status=2), message)
    tap.equal(os.listdir(t.path('out')), [], 'what was written')
    tap.equal((t.read('a.xml'), t.read('a.csv')), (b'<domain/>', b'id,source,price\n1,web,2\n'), 'the files that are no reports')


@tap.rows([(words[0], target, *words[1:]) for target in ('out', 'out/', 'out/a.qcow2') for words in (
    (f'-B from {target} on', '-B', 'good.raw', '-F', 'raw'), (f'in -o, from {target} on', '-o', 'backing_file=good.raw,backing_fmt=raw'))])
def test_a_backing_file_is_named_from_the_folder_of_the_target_on(t, target, *words):
    disks(t, 'a.raw')
    t.write('out/good.raw', t.read('a.raw'))
    t.write('jobs', f'a.raw\t{target}\t-O qcow2 {" ".join(words)}\n'.encode())
    batch(t, 'jobs')
    t.vmferry('compare', '--allow-ref', 'out', 'a.raw', 'out/a.qcow2')


def test_a_job_replaces_the_old_target_and_the_map_that_it_goes_by(t):
    disks(t, 'a.raw')
    t.write('jobs', b'a.raw\tout/a.qcow2\t-c --map=out/m\n')
    batch(t, 'jobs')
    t.write('jobs', b'a.raw\tout/a.qcow2\t-c --since=out/m --onto=out/a.qcow2 --map=out/m\n')
    batch(t, 'jobs')
    t.vmferry('compare', 'a.raw', 'out/a.qcow2')


def test_no_report_goes_to_a_block_device(t):
    disks(t, 'a.raw')
    t.write('jobs', b'a.raw\tout/a.qcow2\n')
    try:
        os.mknod(t.path('disk.csv'), 0o600 | stat.S_IFBLK, os.makedev(259, 1 << 19))  # none has this number
    except PermissionError as error:
        raise tap.Skip('no device can be made here') from error
    tap.contains(batch(t, 'jobs', '--report', 'disk.csv', status=2), 'is no such report')
    tap.equal(os.listdir(t.path('out')), [], 'what was written')


@tap.rows([
    ('the report is a target', b'a.raw\tout/x.xml\t-O raw\n', ('--report=out/x.xml',), 'jobs:1: x.xml: is a report or the record'),
    ('the report is a source', b'a.raw\tout/x.raw\n', ('--report=./b.html',), 'jobs:2: b.html: is a report or the record'),
    ('the record is a target', b'a.raw\tjobs.done\t-O raw\n', (), 'jobs:1: jobs.done: is a report or the record'),
    ('the record that is named', b'a.raw\tout/x.raw\n', ('--resume=out/x.raw',), 'x.raw: is a report or the record'),
    ('the list is a target', b'a.raw\tout/../jobs\t-O raw\n', (), 'jobs:1: jobs: is read by the batch'),
    ('its secret is a target', b'a.raw\tkey\t-O raw\n', ('--secret-file=./key',), 'jobs:1: key: is read by the batch'),
    ('its header is a target', b'a.raw\tkey\t-O raw\n', ('--header=@key',), 'jobs:1: key: is read by the batch'),
])
def test_what_the_batch_writes_is_no_ones_target(t, text, words, message):
    disks(t, 'a.raw')
    t.write('b.html', b'')
    t.write('key', b'Name: secret')
    t.write('jobs', text + b'b.html\tout/y.raw\t-f raw\n')
    tap.contains(batch(t, 'jobs', *words, status=2), message)
    tap.equal((os.listdir(t.path('out')), os.path.exists(t.path('jobs.done')), t.read('key')), ([], False, b'Name: secret'), 'what was written')


def test_a_report_replaces_nothing_that_came_meanwhile(t):
    """What a job makes in a folder has a suffix that is not known before."""
    disks(t, 'a.raw')
    t.vmferry('pack', 'a.raw', '-o', 'vm.ova')
    t.write('jobs', b'vm.ova\tout/\t--machine libvirt\n')
    tap.contains(batch(t, 'jobs', '--report', 'out/vm.xml', status=2), 'out/vm.xml: is there already')
    tap.contains(t.read('out/vm.xml').decode(), '<domain')


def test_untrusted_holds_for_each_job(t):
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a build with sanitizers is not confined')
    disks(t, 'base.raw')
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', t.path('top.qcow2')], check=True)
    t.write('jobs', b'top.qcow2\tout/a.raw\n')
    tap.contains(batch(t, 'jobs', '--untrusted', status=1), 'base.raw')
    batch(t, 'jobs')


def test_a_job_that_is_not_trusted_requires_the_sandbox_of_all(t):
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a build with sanitizers is not confined')
    disks(t, 'a.raw', 'b.raw')
    t.write('jobs', b'a.raw\tout/a.qcow2\nb.raw\tout/b.qcow2\t--untrusted\n')
    older = {'VMFERRY_SANDBOX': 'off', 'VMFERRY_LANDLOCK': '1'}
    tap.contains(batch(t, 'jobs', status=9, env=older), '--sandbox=require: the kernel')
    tap.contains(batch(t, 'jobs', '--index', '1', '--sandbox=off', status=2), '--sandbox=off: not with --untrusted of line 2')
    tap.equal(os.listdir(t.path('out')), [], 'what was written')


def test_all_problems_are_told_up_to_twenty(t):
    disks(t, 'a.raw')
    t.write('jobs', b''.join(b'nix%d.raw\tout/x%d.raw\n' % (i, i) for i in range(30)))
    told = batch(t, 'jobs', status=2)
    tap.equal(len(re.findall('No such file', told)), 20, 'problems that are told')
    tap.contains(told, '30 problems in 30 jobs')


def test_dry_run_tells_what_would_be_written_and_whether_it_fits(t):
    disks(t, 'a.raw', 'b.raw')
    t.vmferry('pack', 'a.raw', '-o', 'a.ova')
    t.write('jobs', b'a.raw\tout/a.raw\nb.raw\tout/b.qcow2\na.ova\tout/vm.vmx\nb.raw\tout/c.vhd\t-c\n')
    told = batch(t, 'jobs', '--dry-run', status=1)
    tap.contains(told, 'out/a.raw: up to ')
    tap.contains(told, 'out/c.vhd: format vhd has no compression')
    tap.contains(told, '4 jobs: 3 can be done, 1 failed')
    tap.equal(re.search(r'out: 3 jobs, up to \S+ MiB; .* are free: it fits', told) is not None, True, told)
    tap.equal(os.listdir(t.path('out')), [], 'what was written')


# ---- how it goes ----

@tap.rows([
    ('tmpfs', '', 'warning: '),
    ('fail fast', '--fail-fast', 'nothing is begun that may not fit'),
    ('quiet', '-q', 'its file system has room for 1048576'),
])
def test_room_is_looked_for_before_the_first_byte(t, option, message):
    disks(t, 'a.raw', 'b.raw', 'c.raw')
    os.mkdir(t.path('small'))
    t.write('jobs', ''.join(f'{name}.raw\tsmall/{name}.raw\t-S 0\n' for name in 'abc').encode())
    done = t.run(tap.tool('unshare'), '-m', 'sh', '-c', 'mount -t tmpfs -o size=3m none small && { "$0" "$@"; find small -type f; }',
                 tap.VMFERRY, 'batch', 'jobs', '-j', '1', *option.split(), status=None)
    if 'Operation not permitted' in done.stderr or 'unshare failed' in done.stderr:
        raise tap.Skip('nothing can be mounted')
    tap.contains(done.stderr, message)
    tap.equal('3 jobs, up to 6' in done.stderr, option != '-q', done.stderr)
    tap.equal(bool(done.stdout), option != '--fail-fast', 'something was written')


# ---- a share of the list ----

def test_tasks_share_the_jobs_of_a_list(t):
    disks(t, *(f'{name}.raw' for name in 'abcde'))
    t.write('jobs', ''.join(f'{name}.raw\tout/{name}.qcow2\n' for name in 'abcde').encode())
    for task, names in (('1/3', 'be'), ('0/3', 'ad'), ('2/3', 'c'), ('5/6', '')):
        for name in os.listdir(t.path('out')):
            os.remove(t.path(f'out/{name}'))
        batch(t, 'jobs', '--task', task, '--report', 'r.json')
        tap.equal(sorted(os.listdir(t.path('out'))), [f'{name}.qcow2' for name in names], task)
        tap.equal(len(json.loads(t.read('r.json'))['jobs']), len(names), 'in the report')


def test_an_index_is_one_job(t):
    three(t)
    batch(t, 'jobs', '--index', '1', '--resume')
    tap.equal(os.listdir(t.path('out')), ['b.qcow2'], 'files')
    tap.equal(os.path.exists(t.path('jobs.1.done')), True, 'a record of its own')
    tap.contains(batch(t, 'jobs', '--index', '3', status=2), 'there is no job 3: the last of 3 is 2')


@tap.rows([
    ('no number', ('--task', 'x/3'), 'is no I/N'),
    ('no share', ('--task', '1'), 'is no I/N'),
    ('too large', ('--task', '3/3'), 'with I from 0 to N - 1'),
    ('less than none', ('--task', '0/-4'), 'with I from 0 to N - 1'), ('with a blank', ('--task', '0/ 4'), 'with I from 0 to N - 1'),
    ('jobs with a sign', ('-j', '+2'), '-j: "+2"'), ('jobs with a blank', ('-j', ' 2'), '-j: " 2"'),
    ('more behind it', ('--task', '1/3/4'), 'is no I/N'),
    ('no index', ('--index', '-1'), 'is no number'),
    ('both', ('--index', '1', '--task', '1/3'), '--task'),
])
def test_a_share_that_is_wrong(t, words, message):
    three(t)
    tap.contains(batch(t, 'jobs', *words, status=2), message)


def hostile(t):
    disks(t, 'a.raw', 'b.raw', 'c.raw')
    t.write('bad.qcow2', b'QFI\xfb\0\0\0\3' + b'\xff' * 1000)
    t.write('jobs', b'a.raw\tout/a.qcow2\nbad.qcow2\tout/bad.raw\nb.raw\tout/b.qcow2\nc.raw\tout/c.qcow2\n')


def test_the_others_go_on_behind_a_failure(t):
    hostile(t)
    told = batch(t, 'jobs', '-j', '1', status=1)
    tap.contains(told, 'out/bad.raw: bad.qcow2: ')
    tap.contains(told, '4 jobs: 3 done, 1 failed')
    for name in 'abc':
        same(t, name + '.raw', f'out/{name}.qcow2')
    tap.equal(sorted(os.listdir(t.path('out'))), ['a.qcow2', 'b.qcow2', 'c.qcow2'], 'files')


def test_fail_fast_begins_nothing_new(t):
    hostile(t)
    tap.contains(batch(t, 'jobs', '-j', '1', '--fail-fast', status=1), '1 done, 1 failed, 0 stopped, 2 not begun')
    tap.equal(os.listdir(t.path('out')), ['a.qcow2'], 'files')


def test_what_is_held_is_tried_again_and_is_75(t):
    tap.tool('qemu-io')
    os.makedirs(t.path('out'))
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', t.path('held.qcow2'), '1M'], check=True)
    t.write('jobs', b'held.qcow2\tout/held.raw\n')
    with subprocess.Popen(['qemu-io', '-f', 'qcow2', t.path('held.qcow2')], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdin.write(b'write 0 64k\n')
        holder.stdin.flush()
        holder.stdout.readline()
        told = batch(t, 'jobs', '--retry', '1', status=75)
        holder.stdin.close()
    tap.equal(told.count('is tried again'), 1, 'tries')
    batch(t, 'jobs')


def test_bytes_do_not_depend_on_how_many_run(t):
    names = [f'd{i}.raw' for i in range(12)]
    disks(t, *names)
    made = []
    for jobs in ('1', '2', '7', 'auto'):
        batch(t, '--each', 'd*.raw', '--to', 'out/{stem}.vmdk', '--defaults', '-o subformat=streamOptimized', '-j', jobs,
              env=dict(os.environ, SOURCE_DATE_EPOCH='1600000000'))
        made.append({name: t.read('out/' + name) for name in sorted(os.listdir(t.path('out')))})
    tap.equal(len(made[0]), 12, 'files')
    for other in made[1:]:
        tap.equal(other == made[0], True, 'equal')


class Held:
    """A batch whose jobs go to pipes, which are full until they are drained: all that begin are under way together."""

    def __init__(self, t, jobs, *arguments, **options):
        pipes = [os.pipe() for _ in jobs]
        t.write('jobs', ''.join(f'{source}\t/dev/fd/{pipe[1]}\t{words}\n' for (source, words), pipe in zip(jobs, pipes)).encode() + b'last.raw\tout/last.qcow2\n')
        self.running = subprocess.Popen([tap.VMFERRY, 'batch', 'jobs', *arguments], cwd=t.folder, stdin=subprocess.DEVNULL, pass_fds=[pipe[1] for pipe in pipes], **options)
        self.gates = [pipe[0] for pipe in pipes]
        for pipe in pipes:
            os.close(pipe[1])

    def wait_until_begun(self):
        for gate in self.gates:
            tap.equal(len(os.read(gate, 1)), 1, 'byte of a target')

    def drain(self):
        """The ends that are written to are open as long as the batch is."""
        for gate in self.gates:
            left = (2 << 20) - 1
            while left > 0:
                left -= len(os.read(gate, left))
            os.close(gate)


def test_jobs_share_the_threads_of_one_crew(t):
    names = [f'd{i}.raw' for i in range(8)]
    disks(t, *names, 'last.raw')
    held = Held(t, [(name, '-O raw') for name in names], '-j', '8', '-m', '2', stderr=subprocess.PIPE)
    held.wait_until_begun()
    own = os.environ.get('VMFERRY_SANITIZED') == 'thread'  # the sanitizer has a thread, too
    tap.equal(len(os.listdir(f'/proc/{held.running.pid}/task')) - own, 1 + 8 + 2, 'threads: the first, one a job, the crew')
    held.drain()
    tap.contains(held.running.communicate()[1].decode(), '9 jobs: 9 done')


def test_what_was_salvaged_is_no_success(t):
    disks(t, 'a.raw', 'b.raw')
    t.write('bad', b'0x0 + 1\n0x0 0x10000 +\n0x10000 0x200 -\n0x10200 0x1efe00 +\n')
    t.write('jobs', b'a.raw\tout/a.raw\t--salvage=bad\nb.raw\tout/b.raw\n')
    tap.contains(batch(t, 'jobs', '--report', 'r.xml', status=11), '2 jobs: 1 done, 1 salvaged, 0 failed, ')
    suite = xml.etree.ElementTree.parse(t.path('r.xml')).getroot()
    tap.equal((suite.get('failures'), [failure.get('type') for failure in suite.iter('failure')]), ('1', ['status 11']), 'JUnit')


def test_a_signal_stops_all_and_nothing_half_remains(t):
    disks(t, 'a.raw', 'last.raw')
    held = Held(t, [('a.raw', '-O raw')], '-j', '1', '--report', 'r.json', stderr=subprocess.PIPE)
    held.wait_until_begun()
    held.running.terminate()
    told = held.running.communicate()[1].decode()
    tap.equal(held.running.returncode, 128 + 15, told)
    tap.equal(os.listdir(t.path('out')), [], 'files')
    report = json.loads(t.read('r.json'))
    tap.equal([job['state'] for job in report['jobs']], ['stopped', 'not begun'], 'states')
    tap.equal(report['batch']['status'], 143, 'status')


def test_a_task_that_is_terminated_is_to_be_started_again(t):
    disks(t, 'a.raw', 'last.raw')
    held = Held(t, [('a.raw', '-O raw')], '-j', '1', '--task', '0/1', stderr=subprocess.PIPE)
    held.wait_until_begun()
    held.running.terminate()
    told = held.running.communicate()[1].decode()
    tap.equal(held.running.returncode, 75, told)


# ---- what is told ----

def test_the_report_in_all_its_forms(t):
    hostile(t)
    evil = '=cmd|"<script>alert(1)<script>&\x1b[31m.raw'
    t.write(evil, b'x' * 512)
    with open(t.path('jobs'), 'ab') as jobs:
        jobs.write(evil.encode() + b'\tout/evil.qcow2\t--checksum\n')
    batch(t, 'jobs', '-j', '1', *[word for end in ('json', 'html', 'xml', 'csv') for word in ('--report', 'r.' + end)], status=1)

    report = json.loads(t.read('r.json'))
    tap.equal({key: report['batch'][key] for key in ('jobs', 'done', 'failed', 'status')}, {'jobs': 5, 'done': 4, 'failed': 1, 'status': 1}, 'counts')
    tap.equal([job['state'] for job in report['jobs']], ['done', 'failed', 'done', 'done', 'done'], 'states')
    tap.equal(report['jobs'][1]['status'], 2, 'exit status of the failed one')
    tap.contains(report['jobs'][1]['error'], 'bad.qcow2: ')
    told = t.vmferry('checksum', '-f', 'raw', './' + evil).stdout
    tap.contains(told, report['jobs'][4]['checksum'])

    rows = list(csv.DictReader(io.StringIO(t.read('r.csv').decode())))
    tap.equal([row['state'] for row in rows], ['done', 'failed', 'done', 'done', 'done'], 'rows')
    tap.equal(rows[4]['source'][:2], "'=", 'no formula')

    suite = xml.etree.ElementTree.parse(t.path('r.xml')).getroot()
    tap.equal((suite.get('tests'), suite.get('failures')), ('5', '1'), 'JUnit')
    tap.equal([case.get('name') for case in suite.iter('testcase') if case.find('failure') is not None], ['out/bad.raw'], 'the failed one')

    page = t.read('r.html').decode()
    tap.equal('<script' in page or '\x1b' in page, False, 'a name drives the page')
    tap.contains(page, '&lt;script&gt;')
    tap.equal(re.findall(r'(?:src|href)=|url\(|@import', page), [], 'what it needs beside itself')


@tap.rows([('a value', 'a=secret', 'a=...'), ('without a name', 'secret', '...')])
def test_no_value_of_a_property_is_in_a_report(t, words, shown):
    disks(t, 'a.raw')
    t.vmferry('pack', 'a.raw', '-o', 'vm.ova')
    t.write('jobs', f'vm.ova\tout/a.vmx\t--property {words}\nvm.ova\tout/b.vmx\t--property={words}\n'.encode())
    told = batch(t, 'jobs', '--report', 'r.json', status=1)
    tap.equal([job['options'] for job in json.loads(t.read('r.json'))['jobs']], [['--property', shown], ['--property=' + shown]], 'options')
    tap.equal('secret' in told + t.read('r.json').decode(), False, 'a secret is told')


def test_no_cell_of_a_table_is_a_formula(t):
    t.write('=1+1.vmdk', b'x')
    t.write('jobs', b'=1+1.vmdk\t-2.raw\t-f vmdk\n')
    batch(t, 'jobs', '--report', 'r.csv', status=1)
    row, = csv.reader(io.StringIO(t.read('r.csv').decode()).readlines()[1:])
    tap.equal([cell for cell in row if cell.startswith(('=', '-', '+', '@'))], [], 'formulas')
    tap.contains(row[-1], "'=1+1.vmdk: ")


def test_a_report_replaces_a_report(t):
    disks(t, 'a.raw')
    t.write('jobs', b'a.raw\tout/a.qcow2\n')
    for _ in range(2):
        batch(t, 'jobs', '--report', 'r.html', '--report', 'r.csv')
    tap.equal(sorted(name for name in os.listdir(t.folder) if name.startswith('r.')), ['r.csv', 'r.html'], 'files')


def test_losses_of_machines_are_in_the_report(t):
    disks(t, 'a.raw')
    t.vmferry('pack', 'a.raw', '-o', 'a.ova')
    t.write('jobs', b'a.ova\tout/vm.vmx\n')
    batch(t, 'jobs', '--report', 'r.json')
    tap.equal(json.loads(t.read('r.json'))['jobs'][0]['losses']['kept'] > 0, True, 'fields that are kept')


def test_what_the_platform_would_say_is_in_the_report(t):
    disks(t, 'a.raw')
    t.write('jobs', b'a.raw\tout/a.qcow2\t--for openstack\na.raw\tout/b.qcow2\n')
    batch(t, 'jobs', '--report', 'r.json', '--report', 'r.html')
    first, second = json.loads(t.read('r.json'))['jobs']
    found = t.vmferry('lint', '--for', 'openstack', '--output=json', 'out/a.qcow2').stdout
    rules = [finding['rule'] for finding in json.loads(found)['findings']]
    tap.equal([text.split(': ')[1] for text in first['lint']], rules, 'rules')
    tap.equal(bool(rules), True, 'there are some')
    tap.equal('lint' in second, False, 'nobody asked')
    tap.contains(t.read('r.html').decode(), f'>{len(rules)} finding')


def test_events_are_lines_of_json(t):
    hostile(t)
    told = batch(t, 'jobs', '-j', '1', '--progress=json', '-q', status=1)
    events = [json.loads(line) for line in told.splitlines() if line.startswith('{')]
    tap.equal([event['event'] for event in events if event['event'] != 'progress'],
              ['start', 'done', 'start', 'failed', 'start', 'done', 'start', 'done', 'end'], 'events')
    tap.equal((events[-1]['finished'], events[-1]['failed'], events[-1]['percent']), (4, 1, 100), 'the end')


def test_on_a_terminal_lines_come_and_go(t):
    disks(t, 'a.raw', 'last.raw')
    leader, follower = pty.openpty()
    held = Held(t, [('a.raw', '-O raw')], '-j', '1', stdout=follower, stderr=follower, env=dict(os.environ, TERM='xterm'))
    os.close(follower)
    held.wait_until_begun()
    shown = b''
    while b'in all' not in shown:
        shown += os.read(leader, 65536)
    held.drain()
    try:
        while True:
            shown += os.read(leader, 65536)
    except OSError:
        os.close(leader)
    tap.equal(held.running.wait(60), 0, 'exit status')
    text = shown.decode()
    tap.contains(text, '0 of 2')
    tap.contains(text, '/dev/fd/')
    tap.contains(re.sub(r'\x1b\[[0-9]*[A-K]', '', text).splitlines()[-1], '2 jobs: 2 done, 0 failed')


def test_quiet_tells_failures_only(t):
    hostile(t)
    told = batch(t, 'jobs', '-q', status=1)
    tap.equal(len(told.splitlines()), 1, told)
    tap.contains(told, 'out/bad.raw: ')


if __name__ == '__main__':
    tap.main(globals())
