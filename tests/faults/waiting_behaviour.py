# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What a person sees while the program waits for the disk."""
import os
import pty
import re
import select
import signal
import subprocess

import tap
from fault_tools import environment, preloaded


@tap.rows([('disk', ('convert', '-O', 'qcow2', 'disk.raw', 'out')), ('package', ('pack', 'disk.raw', '-o', 'out.ova')),
           ('the clock was set back', ('convert', '-O', 'qcow2', 'disk.raw', 'out'), 'clock_back.so')])
def test_the_bar_goes_on_during_the_last_sync(t, arguments, clock=None):
    """The first sync is of the source. The second waits for the test, which waits until the bar has been drawn with three times."""
    t.write('disk.raw', os.urandom(3 << 20))
    os.mkfifo(t.path('gate'))
    env = environment(t, 'fsync:2:hold', folder='.') | {'VMF_FAULT_GATE': t.path('gate')}
    if clock:
        env['LD_PRELOAD'] += ':' + preloaded(clock)['LD_PRELOAD']
    leader, follower = pty.openpty()
    with subprocess.Popen([tap.VMFERRY, *arguments], cwd=t.folder, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
                          env=dict(os.environ, **env)) as running:
        os.close(follower)
        shown, asked = b'', False
        while len(shown) < 1 << 18 and len(set(re.findall(rb'syncing .*?(\d:\d\d)', shown))) < 2:
            if not select.select([leader], [], [], 60)[0]:
                running.kill()
                raise AssertionError('nothing is drawn')
            shown += os.read(leader, 65536)
            if b'syncing' in shown and not asked:
                running.send_signal(signal.SIGUSR1)
                asked = True
        tap.contains(shown.decode(), ': syncing, 100.0 %')
        os.close(os.open(t.path('gate'), os.O_WRONLY))
        try:
            while os.read(leader, 65536):
                pass
        except OSError:
            os.close(leader)
        tap.equal(running.wait(300), 0, 'exit status')


tap.main(globals())
