#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Signing that ends at any moment: no signature stands beside a manifest that it does not belong to."""
import errno
import hashlib
import os
import subprocess

import fault_tools
import tap
from fault_tools import count, environment

OVF = b'<?xml version="1.0"?>\n<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"><References/></Envelope>\n'
ODD = b'SHA256 (vm.ovf) = ' + hashlib.sha256(OVF).hexdigest().encode() + b'\n'  # is written anew
EXACT = ODD.replace(b' (', b'(').replace(b') =', b')=')
WRONG = EXACT.replace(b'= ', b'= 00')[:-3] + b'\n'
KEY = ['--key', 'key', '--cert', 'pem']
OPS = ('open', 'write', 'fsync', 'rename', 'unlink', 'close')


def make_key(t):
    tap.tool('openssl')
    t.run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', t.path('key'), '-out', t.path('pem'),
          '-subj', '/CN=x')


def start_afresh(t, mf, cert):
    folder = t.folder / 'out'
    for path in folder.iterdir() if folder.is_dir() else ():
        fault_tools.remove(path)
    folder.mkdir(exist_ok=True)
    for name, data in (('vm.ovf', OVF), ('vm.mf', mf), ('vm.cert', cert)):
        if data is not None:
            (folder / name).write_bytes(data)


def texts(t):
    return tuple(path.read_bytes() if path.exists() else None for path in (t.folder / 'out/vm.mf', t.folder / 'out/vm.cert'))


def sign(t, fault, *words):
    done = subprocess.run([tap.VMFERRY, 'sign', *words, 'out/vm.ovf'], cwd=t.folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                          env=dict(os.environ, **environment(t, fault)))
    return done.returncode, done.stderr.decode()


# "old" is no signature, so that the gate has to be told to let it pass
@tap.rows([('a manifest that is replaced', ODD, b'old', [*KEY, '--no-verify']),
           ('without syncing', ODD, b'old', [*KEY, '--no-verify', '--no-sync']),
           ('a manifest that is made', None, b'old', [*KEY, '--no-verify']),
           ('a manifest that stays', EXACT, b'old', [*KEY, '--no-verify']),
           ('a first signature', ODD, None, KEY),
           ('a manifest that is renewed', WRONG, b'old', ['--renew']),
           ('a manifest that is renewed and signed', WRONG, b'old', [*KEY, '--renew'])])
def test_an_end_at_any_moment(t, mf, cert, words):
    make_key(t)
    start_afresh(t, mf, cert)
    tap.equal(sign(t, 'none:1:0', *words)[0], 0, 'exit')
    new = texts(t)
    tap.equal(new[0], EXACT, 'manifest')
    seen = set()
    for op in OPS:
        start_afresh(t, mf, cert)
        sign(t, f'{op}:999999:kill', *words)
        for number in range(1, count(t) + 1):
            for action in ('kill', str(errno.EIO)):
                start_afresh(t, mf, cert)
                status, errors = sign(t, f'{op}:{number}:{action}', *words)
                found = texts(t)
                seen.add(found)
                if found not in ((mf, cert), (mf, None), (EXACT, None), new) or (status == 0 and found != new):
                    raise AssertionError(f'{op} {number} {action}: exit {status} leaves {found}: {errors}')
                if action != 'kill' and cert and not found[1] and found != new:
                    tap.contains(errors, 'old signature')
    tap.equal({(mf, cert), new} <= seen, True, 'ends before and behind')


MACHINE = OVF.replace(b'<References/>', b'<References/><VirtualSystem id="vm"><Info>i</Info><Name>vm</Name></VirtualSystem>')


def test_an_edit_that_fails_tells_what_is_gone(t):
    """A manifest goes before its descriptor is replaced; where that fails, nobody looks for it in vain."""
    manifest, gone = b'SHA256(vm.ovf)= ' + hashlib.sha256(MACHINE).hexdigest().encode() + b'\n', 0
    for number in range(1, 30):
        start_afresh(t, manifest, None)
        t.write('out/vm.ovf', MACHINE)
        done = subprocess.run([tap.VMFERRY, 'edit', '--name', 'other', 'out/vm.ovf'], cwd=t.folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              check=False, env=dict(os.environ, **environment(t, f'rename:{number}:{errno.EIO}')))
        if done.returncode == 0:
            break
        if texts(t)[0] is None:
            gone += 1
            tap.contains(done.stderr.decode(), 'vm.mf: was taken away')
    tap.equal(gone > 0, True, 'manifests that are gone')


if __name__ == '__main__':
    tap.main(globals())
