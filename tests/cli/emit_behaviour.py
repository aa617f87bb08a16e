# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Scripts for the schedulers of others: what they do when they are run, and that no name of anything drives them."""
import json
import os
import re
import subprocess
import sys

import tap

# Whatever means something to a shell, to make, to YAML, to Kubernetes or to GNU parallel makes a file here.
EVIL = ('$(touch pwned-1)`touch pwned-2`";touch pwned-3;"\'; touch pwned-4; \' && touch pwned-5 | {} {= system("touch pwned-6") =} {.} %d \\ $$ $HOME '
        '# ~ * ?\t\r\x01\x1b[31m ü 日本')
LINES = '\n#SBATCH --wrap=touch\ntouch pwned-7\n\tx: touch pwned-8\nendef\n- "y"\n'
PROGRAM = {'VMFERRY': tap.VMFERRY}


def hostile(t, folder=EVIL, name='-l ' + EVIL):
    """A list of three jobs in a folder of that name, and names in it that are no better. The folder, and the list's name."""
    tap.needs('jansson')
    place = t.path(folder.replace('/', ''))
    os.makedirs(place)
    jobs = []
    for number, text in enumerate((EVIL, LINES, '-O$(touch pwned-9)')):
        with open(os.path.join(place, f'{text}.raw'), 'wb') as disk:
            disk.write(bytes([number + 1]) * 65536)
        jobs.append({'src': f'./{text}.raw', 'dst': f'./{text}.out', 'options': {'f': 'raw', 'O': 'raw'}})
    with open(os.path.join(place, name), 'w', encoding='utf-8') as out:
        out.write(''.join(json.dumps(job) + '\n' for job in jobs))
    return place, name, jobs


def emitted(t, kind, place, name, *words):
    """The script, in a file of that kind."""
    made = subprocess.run([tap.VMFERRY, 'batch', '--emit', kind, *words, '--', name], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    tap.equal((made.returncode, made.stderr), (0, b''), 'emitting')
    return t.write('script.' + kind, made.stdout)


def check_done(t, place, jobs):
    """All was made, and nothing else happened."""
    for job in jobs:
        with open(os.path.join(place, job['src']), 'rb') as source, open(os.path.join(place, job['dst']), 'rb') as target:
            tap.equal(target.read() == source.read(), True, job['dst'])
    for folder, _, names in os.walk(t.folder):
        tap.equal([name for name in names if name.startswith('pwned')], [], 'made by a name in ' + folder)


def reports(place, name):
    return os.path.join(place, './' + name + '.tasks')


@tap.rows([('names', EVIL, '-l ' + EVIL), ('lines', 'a' + LINES, 'b' + LINES.replace('/', '')), ('no UTF-8', 'a', os.fsdecode(b'\xff\xc3')), ('a protocol', 'a', 'nbd:jobs')])
def test_slurm_runs_a_task(t, folder, name):
    place, name, jobs = hostile(t, folder, name)
    script = emitted(t, 'slurm', place, name, '-j', '2', '--defaults', '--checksum')
    tap.contains(t.read('script.slurm').decode(errors='replace'), '#SBATCH --array=0-2%2\n')
    heads = re.match(rb'#!/bin/bash\n((?:#.*\n)*)', t.read('script.slurm')).group(1)
    tap.equal(b'wrap' in heads, False, 'a directive by a name')
    for task in range(3):
        t.run('bash', script, env=dict(PROGRAM, SLURM_ARRAY_TASK_ID=str(task)))
    check_done(t, place, jobs)
    tap.equal(len(os.listdir(reports(place, name))), 6, 'reports and records')
    before = os.stat(os.path.join(place, jobs[0]['dst'])).st_ino
    t.run('bash', script, env=dict(PROGRAM, SLURM_ARRAY_TASK_ID='0'))
    tap.equal(os.stat(os.path.join(place, jobs[0]['dst'])).st_ino, before, 'what is done is not done again')


def fake(t, name, text):
    os.makedirs(t.path('bin'), exist_ok=True)
    t.write('bin/' + name, b'#!/bin/sh\n' + text)
    os.chmod(t.path('bin/' + name), 0o755)


@tap.rows([
    ('75', 75, '0', b'RUNNING', True),
    ('75 too often', 75, '5', b'RUNNING', False),
    ('75 of what was cancelled', 75, '0', b'COMPLETING', False),
    ('1', 1, '0', b'RUNNING', False),
    ('0', 0, '0', b'RUNNING', False),
])
def test_slurm_is_asked_to_start_again_what_may_go_well(t, status, restarts, state, asked):
    t.write('a.raw', bytes(512))
    t.write('jobs', b'a.raw\tb.raw\n')
    script = emitted(t, 'slurm', t.folder, 'jobs')
    fake(t, 'vmferry', b'exit %d' % status)
    fake(t, 'scontrol', b'echo "$@" > asked')
    fake(t, 'squeue', b'[ "$2" = --jobs=17_0 ] && echo ' + state)
    done = t.run('bash', script, status=None, env={'PATH': t.path('bin') + ':' + os.environ['PATH'], 'VMFERRY': 'vmferry', 'SLURM_ARRAY_TASK_ID': '0', 'SLURM_ARRAY_JOB_ID': '17',
                                                   'SLURM_RESTART_COUNT': restarts})
    tap.equal(done.returncode, status, 'exit status')
    tap.equal(t.read('asked') if os.path.exists(t.path('asked')) else None, b'requeue 17_0\n' if asked else None, 'what Slurm was asked')


def test_slurm_hands_a_signal_on_and_waits(t):
    t.write('a.raw', bytes(512))
    t.write('jobs', b'a.raw\tb.raw\n')
    script = emitted(t, 'slurm', t.folder, 'jobs')
    t.write('waits', b'import os, signal, sys\n'
                     b'def stop(*_):\n    open("log", "a").write("stopped\\n")\n    sys.exit(75)\n'
                     b'signal.signal(signal.SIGTERM, stop)\nopen("log", "w").write("begun\\n")\n'
                     b'os.kill(os.getppid(), signal.SIGTERM)\nwhile True:\n    signal.pause()\n')
    fake(t, 'vmferry', b'exec "%s" waits\n' % sys.executable.encode())
    fake(t, 'scontrol', b'echo "$@" >> log')
    fake(t, 'squeue', b'echo RUNNING')
    done = t.run('bash', script, status=None, env={'PATH': t.path('bin') + ':' + os.environ['PATH'], 'VMFERRY': 'vmferry', 'SLURM_ARRAY_TASK_ID': '0', 'SLURM_ARRAY_JOB_ID': '17'})
    tap.equal((done.returncode, t.read('log')), (75, b'begun\nstopped\nrequeue 17_0\n'), 'what happened')


@tap.rows([('names', EVIL, '-l ' + EVIL), ('lines', 'a' + LINES, 'b' + LINES.replace('/', '')), ('no UTF-8', 'a', os.fsdecode(b'\xff\xc3'))])
def test_parallel_runs_all(t, folder, name):
    tap.tool('parallel')
    place, name, jobs = hostile(t, folder, name)
    script = emitted(t, 'parallel', place, name, '-j', '2')
    os.makedirs(t.path('home'))
    t.run('sh', script, '--will-cite', env=dict(PROGRAM, HOME=t.path('home')))
    check_done(t, place, jobs)


def test_parallel_ends_with_what_the_reports_say(t):
    tap.tool('parallel')
    tap.needs('jansson')
    t.write('a.raw', bytes(512))
    t.write('jobs', b'a.raw\tb.raw\na.raw\tc.raw\t-f vmdk\n')
    script = emitted(t, 'parallel', t.folder, 'jobs')
    os.makedirs(t.path('home'))
    done = t.run('sh', script, '--will-cite', env=dict(PROGRAM, HOME=t.path('home')), status=1)
    tap.contains(done.stdout, 'jobs: 2 jobs, 2 reports: 1 done, 1 failed')


def test_make_runs_all(t):
    make = tap.tool('make')
    place, name, jobs = hostile(t)
    script = emitted(t, 'make', place, name, '--defaults', "--property='$(touch pwned-a)=#%'")
    t.run(make, '-k', '-j', '2', '-f', script, env=PROGRAM, status=2)
    t.write(script, t.read(script).replace(b'--property', b'--language'))
    t.run(make, '-k', '-j', '2', '-f', script, env=PROGRAM)
    check_done(t, place, jobs)
    tap.contains(t.run(make, '-f', script, 'report', env=PROGRAM).stdout, '3 jobs, 3 reports: 3 done')


def test_make_is_refused_what_it_cannot_hold(t):
    place, name, _ = hostile(t, 'a' + LINES, 'jobs')
    made = subprocess.run([tap.VMFERRY, 'batch', '--emit=make', name], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    tap.equal((made.returncode, made.stdout), (2, b''), 'what was printed')
    tap.contains(made.stderr.decode(), 'no Makefile can hold')


def kubernetes(text):
    """The Job, by an independent reader."""
    try:
        import yaml  # pylint: disable=import-outside-toplevel
    except ImportError as missing:
        raise tap.Skip('PyYAML is not installed') from missing
    return yaml.safe_load(text)


@tap.rows([('names', EVIL, '-l ' + EVIL), ('lines', 'a' + LINES, 'b' + LINES.replace('/', '')), ('a letter in two parts', 'a😀\U000e0041', 'b')])
def test_kubernetes_is_told_the_command(t, folder, name):
    place, name, jobs = hostile(t, folder.replace(':', ''), name)
    emitted(t, 'k8s', place, name, '-j', '2', '--retry', '3')
    job = kubernetes(t.read('script.k8s'))
    tap.equal((job['kind'], job['spec']['completionMode'], job['spec']['completions'], job['spec']['parallelism']), ('Job', 'Indexed', 3, 2), 'the Job')
    pod = job['spec']['template']['spec']
    container = pod['containers'][0]
    tap.equal((container['workingDir'], container['volumeMounts'][0]['mountPath']), (place, place), 'folders')
    tap.equal(pod['restartPolicy'], 'Never', 'restarts')
    actions = {rule['action']: rule.get('onExitCodes', {}).get('operator') for rule in job['spec']['podFailurePolicy']['rules']}
    tap.equal(actions, {'Ignore': None, 'Count': 'In', 'FailIndex': 'NotIn'}, 'what becomes of failures')
    os.makedirs(t.path('bin'))
    os.symlink(tap.VMFERRY, t.path('bin/vmferry'))
    for index in range(3):  # as Kubernetes replaces variables
        values = {'$$': '$', '$(JOB_COMPLETION_INDEX)': str(index)}
        command = [re.sub(r'\$\$|\$\([^)]*\)', lambda found: values.get(found.group(), found.group()), word) for word in container['command']]  # pylint: disable=cell-var-from-loop
        subprocess.run(command, cwd=place, check=True, env=dict(os.environ, PATH=t.path('bin') + ':' + os.environ['PATH']), stderr=subprocess.DEVNULL)
    check_done(t, place, jobs)


@tap.rows([('no UTF-8', 'a', b'\xff', 'no UTF-8'), ('a colon', 'a:b', b'jobs', 'a colon cannot stand')])
def test_kubernetes_is_refused_what_it_cannot_hold(t, folder, name, message):
    place, name, _ = hostile(t, folder, os.fsdecode(name))
    made = subprocess.run([tap.VMFERRY, 'batch', '--emit=k8s', name], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    tap.equal((made.returncode, made.stdout), (2, b''), 'what was printed')
    tap.contains(made.stderr.decode(), message)


def test_kubernetes_may_have_files_that_are_not_here(t):
    t.write('jobs', b'/volume/a.vmdk\t/volume/a.qcow2\n')
    t.vmferry('batch', '--emit=k8s', 'jobs')
    tap.contains(t.vmferry('batch', '--emit=slurm', 'jobs', status=2).stderr, '/volume/a.vmdk: No such file')


@tap.rows([
    ('one target', b'a.raw\tx.raw\nb.raw\t./x.raw\n', 'x.raw: is written by line 1, too'),
    ('an option', b'a.raw\tx.raw\t--nothing\n', 'unknown option --nothing'),
])
def test_the_whole_list_is_looked_at(t, text, message):
    for name in ('a.raw', 'b.raw'):
        t.write(name, bytes(512))
    t.write('jobs', text)
    done = t.vmferry('batch', '--emit=make', 'jobs', status=2)
    tap.contains(done.stderr, message)
    tap.equal(done.stdout, '', 'a script')


@tap.rows([
    ('another scheduler', ('--emit=pbs', 'jobs'), 'is none of: slurm, k8s, parallel, make'),
    ('a pattern', ('--emit=make', '--each', '*.raw', '--to', 'out/'), 'needs a list in a file'),
    ('standard input', ('--emit=make', '-'), 'needs a list in a file'),
    ('a task', ('--emit=make', '--task=0/2', 'jobs'), '--emit: not with --task'),
    ('a report', ('--emit=make', '--report=x.html', 'jobs'), '--emit: not with --report'),
    ('a dry run', ('--emit=make', '--dry-run', 'jobs'), '--emit: not with --dry-run'),
    ('no number', ('--emit=make', '-j', '0', 'jobs'), 'neither "auto" nor a number from 1 to 10000'),
])
def test_a_command_line_that_is_wrong(t, words, message):
    t.write('a.raw', bytes(512))
    t.write('jobs', b'a.raw\tb.raw\n')
    tap.contains(t.vmferry('batch', *words, status=2).stderr, message)


def test_a_long_list_is_shared_by_a_thousand_tasks(t):
    t.write('a.raw', bytes(512))
    t.write('jobs', b''.join(b'a.raw\t%d.raw\n' % number for number in range(1500)))
    script = emitted(t, 'slurm', t.folder, 'jobs', '-j', '20')
    tap.contains(t.read('script.slurm').decode(), '#SBATCH --array=0-999%20\n')
    t.run('bash', script, env=dict(PROGRAM, SLURM_ARRAY_TASK_ID='7'))
    tap.equal(sorted(name for name in t.names() if re.match(r'\d+\.raw', name)), ['1007.raw', '7.raw'], 'what the task did')


def test_options_of_the_batch_are_options_of_each_task(t):
    t.write('a.raw', bytes(512))
    t.write('h.txt', b'x-key: y\n')
    t.write('jobs', b'a.raw\tb.raw\n')
    words = ('--defaults=-c -O qcow2', '--retry=3', '--parallel=2', '--sandbox=off', '--header=@h.txt', '--netrc', '--retry-time=5', '--quiet', '--verbose')
    script = t.vmferry('batch', '--emit=slurm', *words, 'jobs').stdout
    for word in words:
        tap.contains(script, f" '{word}'")


@tap.rows([('lines', 'jobs.tsv', 4), ('JSON', 'jobs.json', 2)])
def test_the_lists_of_contrib_are_lists(t, name, count):
    tap.needs('jansson')
    made = kubernetes(t.vmferry('batch', '--emit=k8s', tap.SOURCE / 'contrib' / name).stdout)
    tap.equal(made['spec']['completions'], count, 'jobs')


def test_the_list_that_contrib_makes(t):
    os.makedirs(t.path('vmfs/a b'))
    for name in ("a b/x y.vmdk", "a b/x y-flat.vmdk", "$(touch pwned).vmdk", '`"\'.vmdk', ' c\\ .vmdk', 'd-s001.vmdk'):
        t.write('vmfs/' + name, bytes(512))
    commands = (tap.SOURCE / 'contrib/README.md').read_text().split('```sh\n')[1].split('\nvmferry batch')[0]
    t.run('bash', '-c', commands.replace('/vmfs/volumes', 'vmfs').replace('/images', 'out'))
    os.makedirs(t.path('out'))
    t.vmferry('batch', '-q', '--defaults', '-f raw -O qcow2', 'jobs.tsv')
    tap.equal(sorted(os.listdir(t.path('out'))), sorted(['x y.qcow2', '$(touch pwned).qcow2', '`"\'.qcow2', ' c\\ .qcow2']), 'targets')
    tap.equal('pwned' in t.names(), False, 'a name that drives')


tap.main(globals())
