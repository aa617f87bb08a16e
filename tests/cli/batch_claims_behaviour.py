# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Files that several jobs of a batch make, whose names are not known before."""
import json
import os
import subprocess
import threading

import tap
from remote_servers import Site


def batch(t, *arguments, status=0):
    """What it says on standard error."""
    return t.vmferry('batch', *arguments, status=status).stderr


@tap.rows([
    ('in a folder, and by its name', b'a.raw\tout/\t-O qcow2\nb.raw\tout/x/../a.qcow2\n', 'a.qcow2'),
    ('by its name, and in a folder', b'a.raw\tout/b.vmdk\nb.raw\tout\t-O vmdk\n', 'b.vmdk'),
    ('an extent', b'a.raw\tout/x.vmdk\t-o subformat=monolithicFlat\nb.raw\tout/x-flat.vmdk\n', 'x-flat.vmdk'),
    ('the disk of a machine', b'vm.ova\tout/\t--machine libvirt\nb.raw\tout/vm-disk1.qcow2\n', 'vm-disk1.qcow2')])
def test_what_a_job_has_made_is_no_target_of_another(t, text, name):
    """Not all names are known before."""
    for source in (b'a', b'b'):
        t.write(source.decode() + '.raw', source * (1 << 20) + bytes(1 << 20))
    os.makedirs(t.path('out/x'))
    t.vmferry('pack', 'a.raw', '-o', 'vm.ova')
    t.write('jobs', text)
    tap.contains(batch(t, 'jobs', '-j', '1', '--report', 'r.json', status=1), f'{name}: is written by line 1 of jobs, too')
    made = t.read(f'out/{name}')
    tap.equal([job['state'] for job in json.loads(t.read('r.json'))['jobs']], ['done', 'failed'], 'states')
    tap.contains(batch(t, 'jobs', '-j', '1', '--resume', status=1), f'{name}: is written by line 1 of jobs, too')
    tap.equal(t.read(f'out/{name}') == made, True, 'what the first job made')


def test_two_jobs_that_make_one_file_at_once_are_not_both_done(t):
    """The first begins before the second, whose extent is its target, and ends behind it."""
    tap.needs('libcurl')
    begun, free = threading.Event(), threading.Event()

    def answer(handler, _):
        if handler.path == '/a.raw':
            begun.set()
        (free if handler.path == '/a.raw' else begun).wait(60)
        handler.part(bytes(1 << 20))
    os.mkdir(t.path('out'))
    with Site(answer) as site:
        t.write('jobs', f'{site.url}/a.raw\tout/x-flat.vmdk\t-O raw\n{site.url}/b.raw\tout/x.vmdk\t-o subformat=monolithicFlat\n'.encode())
        with subprocess.Popen([tap.VMFERRY, 'batch', '-j', '2', 'jobs'], cwd=t.folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
            told = running.stderr.readline()
            free.set()
            told += running.stderr.read()
    tap.contains(told, 'x.vmdk: out/x-flat.vmdk: is written by line 1 of jobs, too: only one of the two is left')
    tap.contains(told, '1 done, 1 failed')
    tap.equal(running.returncode, 1, 'status')


tap.main(globals())
