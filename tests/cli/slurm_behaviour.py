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


def wait_until(what, seconds=300):
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


def state(t, environment, array):
    """What Slurm says of each task: (its place in the array, its state, how often it was started again)."""
    told = t.run('scontrol', 'show', 'job', '--oneliner', env=environment, status=None).stdout.splitlines()
    fields = [dict(word.split('=', 1) for word in line.split() if '=' in word) for line in told]
    return {int(task['ArrayTaskId']): (task['JobState'], int(task['Restarts']), task['JobId']) for task in fields
            if task.get('ArrayTaskId', '').isdigit() and task['ArrayJobId'] == array}


def all_ended(t, environment, hastened, array, *states):
    """What was put back into the queue waits two minutes, unless it is told not to. Slurm marks as failed what begins while its first run still ends."""
    tasks = state(t, environment, array).values()
    for name, restarts, number in tasks:
        if restarts > 0 and name == 'PENDING' and number not in hastened:
            hastened.add(number)
            t.run('scontrol', 'update', 'JobId=' + number, 'StartTime=now+8', env=environment, status=None)
    return len(tasks) == 8 and all(name in states for name, _, _ in tasks)


def submit(t, environment):
    return t.run('sbatch', '--parsable', 'jobs.sh', env=environment).stdout.strip()


def test_an_array_with_tasks_that_are_stopped_and_cancelled(t):
    """Of eight tasks, two at a time, 1 is cancelled, and 7, by whose number the array goes, is stopped as when its time is up."""
    tap.needs('jansson')
    os.makedirs(t.path('out'))
    for number in range(8):
        t.write(f'{number}.raw', os.urandom(16 << 20))
    t.write('jobs', b''.join(b'%d.raw\tout/%d.qcow2\t-f raw\n' % (number, number) for number in range(8)))
    t.write('slow', b'#!/bin/sh\n# The first time two tasks are at work until they are stopped.\nshift\ncase $SLURM_ARRAY_TASK_ID in 1|7)\n'
                    b'  mkdir "slow$SLURM_ARRAY_TASK_ID" && { set -- "--defaults=-r 64k" "$@"; echo $PPID > "slow$SLURM_ARRAY_TASK_ID/shell"; };;\n'
                    b'esac\nexec %s batch "$@"\n' % tap.VMFERRY.encode())
    os.chmod(t.path('slow'), 0o755)
    hastened = set()  # jobs
    with cluster(t) as environment:
        t.write('jobs.sh', t.vmferry('batch', '--emit', 'slurm', '-j', '2', '-v', 'jobs').stdout.encode())
        array = submit(t, environment)
        for task in (1, 7):
            wait_until(lambda: b'begins' in (t.folder / f'vmferry-{array}_{task}.log').read_bytes() if f'vmferry-{array}_{task}.log' in t.names() else False)
            if task == 1:
                t.run('scancel', f'{array}_1', env=environment)
            else:
                os.kill(int(t.read('slow7/shell')), signal.SIGTERM)  # as Slurm does when the time is nearly up
        wait_until(lambda: state(t, environment, array)[7][1] == 1)
        told = json.loads(t.vmferry('report', '--output=json', 'jobs.tasks', status=75).stdout)
        states = {job['target']: job['state'] for job in told['jobs']}  # others may not have begun yet
        tap.equal([states.get(f'out/{task}.qcow2') for task in (1, 7)], ['stopped', 'stopped'], 'what was stopped')
        tap.equal([name for name in ('1.qcow2', '7.qcow2') if os.path.exists(t.path('out/' + name))], [], 'half a target')
        wait_until(lambda: all_ended(t, environment, hastened, array, 'COMPLETED', 'CANCELLED'))
        tap.equal({task: told[:2] for task, told in state(t, environment, array).items()},
                  {task: ('CANCELLED' if task == 1 else 'COMPLETED', int(task == 7)) for task in range(8)}, 'tasks')
        before = [os.stat(t.path(f'out/{number}.qcow2')).st_ino for number in range(8) if number != 1]
        again = submit(t, environment)
        wait_until(lambda: all_ended(t, environment, hastened, again, 'COMPLETED'))
    told = json.loads(t.vmferry('report', '--output=json', 'jobs.tasks').stdout)
    tap.equal([job['state'] for job in told['jobs']], ['done' if number == 1 else 'unchanged' for number in range(8)], 'jobs')
    tap.equal([os.stat(t.path(f'out/{number}.qcow2')).st_ino for number in range(8) if number != 1], before, 'what was done is not done again')
    for number in range(8):
        t.vmferry('compare', '-f', 'raw', '-F', 'qcow2', f'{number}.raw', f'out/{number}.qcow2')


tap.main(globals())
