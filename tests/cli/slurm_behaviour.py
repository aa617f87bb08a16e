# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""An array of Slurm on one node, of our own: eight jobs, two at a time, one of them killed and started again, and the reports merged."""
import contextlib
import getpass
import json
import os
import signal
import socket
import subprocess
import time

import tap

CONFIGURATION = '''ClusterName=vmferry
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MailProg=/bin/true
ReturnToService=2
SchedulerParameters=sched_interval=1,sched_min_interval=100000
MinJobAge=600
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES State=UP OverSubscribe=FORCE:2
'''


def free_ports(count):
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(what, seconds=120):
    """For what another program does; not for a length of time."""
    for _ in range(seconds * 10):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError('Slurm did not come to it')


@contextlib.contextmanager
def cluster(t):
    """The environment in which its commands work."""
    programs = [tap.tool(name) for name in ('slurmctld', 'slurmd')]
    for name in ('sbatch', 'squeue', 'scontrol', 'sinfo'):
        tap.tool(name)
    if os.getuid() != 0:
        raise tap.Skip('slurmd is root\'s')
    for name in ('state', 'spool'):
        os.makedirs(t.path(name))
    host = socket.gethostname().split('.')[0]
    t.write('slurm.conf', CONFIGURATION.format(host=host, user=getpass.getuser(), folder=t.folder, ports=free_ports(2)).encode())
    environment = {'SLURM_CONF': t.path('slurm.conf'), 'VMFERRY': t.path('slow')}
    with open(t.path('daemons.log'), 'wb') as log, contextlib.ExitStack() as started:
        for program in programs:
            daemon = subprocess.Popen([program, '-D'], env=dict(os.environ, **environment), stdout=log, stderr=log)  # pylint: disable=consider-using-with
            started.callback(daemon.wait)
            started.callback(daemon.terminate)
        wait_until(lambda: 'idle' in t.run('sinfo', '--noheader', '-o', '%t', env=environment, status=None).stdout)
        yield environment


def state(t, environment):
    """What Slurm says of each task: (its place in the array, its state, how often it was started again)."""
    told = t.run('scontrol', 'show', 'job', '--oneliner', env=environment, status=None).stdout.splitlines()
    fields = [dict(word.split('=', 1) for word in line.split() if '=' in word) for line in told]
    return {int(task['ArrayTaskId']): (task['JobState'], int(task['Restarts']), task['JobId']) for task in fields if task.get('ArrayTaskId', '').isdigit()}


def all_ended(t, environment):
    """What was put back into the queue waits two minutes, unless it is told not to."""
    tasks = state(t, environment).values()
    for name, restarts, number in tasks:
        if restarts > 0 and name == 'PENDING':
            t.run('scontrol', 'update', 'JobId=' + number, 'StartTime=now', env=environment, status=None)
    return len(tasks) == 8 and all(name == 'COMPLETED' for name, _, _ in tasks)


def test_an_array_with_a_task_that_is_killed(t):
    tap.needs('jansson')
    os.makedirs(t.path('out'))
    for number in range(8):
        t.write(f'{number}.raw', os.urandom(16 << 20))
    t.write('jobs', b''.join(b'%d.raw\tout/%d.qcow2\t-f raw\n' % (number, number) for number in range(8)))
    # one task is at work until it is stopped, the first time
    t.write('slow', b'#!/bin/sh\nshift\n[ "$SLURM_ARRAY_TASK_ID:$SLURM_RESTART_COUNT" != 1: ] || { set -- "--defaults=-r 64k" "$@"; echo $PPID > shell; }\nexec %s batch "$@"\n'
                    % tap.VMFERRY.encode())
    os.chmod(t.path('slow'), 0o755)
    with cluster(t) as environment:
        script = t.write('jobs.sh', t.vmferry('batch', '--emit', 'slurm', '-j', '2', '-v', 'jobs').stdout.encode())
        log = f"vmferry-{t.run('sbatch', '--parsable', script, env=environment).stdout.strip()}_1.log"
        wait_until(lambda: log in t.names() and b'begins' in t.read(log))
        os.kill(int(t.read('shell')), signal.SIGTERM)  # as Slurm does when the time is nearly up
        wait_until(lambda: state(t, environment)[1][1] == 1)
        t.run(tap.VMFERRY, 'report', 'jobs.tasks', status=75)
        tap.equal(os.path.exists(t.path('out/1.qcow2')), False, 'half a target')
        wait_until(lambda: all_ended(t, environment))
        tap.equal({task: told[:2] for task, told in state(t, environment).items()}, {task: ('COMPLETED', int(task == 1)) for task in range(8)}, 'tasks')
    told = json.loads(t.vmferry('report', '--output=json', 'jobs.tasks').stdout)
    tap.equal([job['state'] for job in told['jobs']], ['done'] * 8, 'jobs')
    for number in range(8):
        t.vmferry('compare', '-f', 'raw', '-F', 'qcow2', f'{number}.raw', f'out/{number}.qcow2')


tap.main(globals())
