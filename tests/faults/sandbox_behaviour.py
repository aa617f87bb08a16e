# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The command is confined before it looks at foreign content, and works all the same."""
import os
import subprocess

import tap

DENIED = ['read: Permission denied', 'write: Permission denied', 'unlink: Permission denied', 'socket: Operation not permitted',
          'exec: Operation not permitted']


def offered(t):
    """The version of Landlock; the test is skipped where the kernel or the build has less than all."""
    told = t.vmferry('--version', '-v').stdout
    if 'Landlock' not in told or 'seccomp' not in told.split('system calls: ')[1]:
        raise tap.Skip('the kernel or this build confines less')
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a build with sanitizers is not confined')
    return int(told.split('Landlock, version ')[1].split()[0].rstrip(')'))


def intruder(t, *arguments, **environment):
    """What the lines of the intruder say, with a source of its own in a folder of its own."""
    os.makedirs(t.path('in'), exist_ok=True)
    os.makedirs(t.path('out'), exist_ok=True)
    os.makedirs(t.path('tmp'), exist_ok=True)
    t.write('in/disk.raw', b'INTRUDER' + bytes((1 << 20) - 8))
    t.write('secret', b'secret')
    environment |= {'LD_PRELOAD': os.path.join(os.environ['VMFERRY_FAULTS'], 'intruder.so'), 'INTRUDER_FILE': t.path('secret'), 'TMPDIR': t.path('tmp')}
    done = t.vmferry(*arguments, env=os.environ | environment, status=None)
    return [line.removeprefix('intruder: ') for line in done.stderr.splitlines() if line.startswith('intruder: ')]


def test_nothing_else_is_opened_or_started(t):
    offered(t)
    for verb in (['convert', '-f', 'raw', 'in/disk.raw', 'out/disk.qcow2'], ['checksum', '-f', 'raw', 'in/disk.raw'], ['info', '-f', 'raw', 'in/disk.raw'],
                 ['pack', '-o', 'out/vm.ova', 'in/disk.raw'], ['compare', '-f', 'raw', '-F', 'raw', 'in/disk.raw', 'in/disk.raw']):
        tap.equal(intruder(t, *verb), DENIED, verb[0])
        tap.equal(t.read('secret'), b'secret', 'the file elsewhere')


def test_off_is_off(t):
    offered(t)
    tap.equal(intruder(t, 'checksum', '--sandbox=off', '-f', 'raw', 'in/disk.raw')[:2], ['read: done', 'write: done'])


def test_the_environment_decides_where_nothing_is_given(t):
    offered(t)
    tap.equal(intruder(t, 'checksum', '-f', 'raw', 'in/disk.raw', VMFERRY_SANDBOX='off')[0], 'read: done')
    tap.equal(intruder(t, 'checksum', '--sandbox=on', '-f', 'raw', 'in/disk.raw', VMFERRY_SANDBOX='off')[0], DENIED[0])


def test_every_version_of_landlock(t):
    for version in range(1, offered(t) + 1):
        told = intruder(t, 'convert', '-f', 'raw', 'in/disk.raw', 'out/disk.qcow2', VMFERRY_LANDLOCK=str(version))
        tap.equal(told[:3], DENIED[:3] if version > 1 else ['read: done', 'write: done', 'unlink: done'], f'version {version}')
        tap.equal(intruder(t, 'checksum', '-f', 'raw', 'in/disk.raw', VMFERRY_LANDLOCK=str(version))[0], DENIED[0], f'what only reads, version {version}')
        t.vmferry('compare', '-f', 'raw', 'in/disk.raw', 'out/disk.qcow2')


def test_require(t):
    offered(t)
    t.write('disk.raw', bytes(1 << 20))
    t.vmferry('checksum', '--sandbox=require', '-f', 'raw', 'disk.raw')
    done = t.vmferry('checksum', '--sandbox=require', '-f', 'raw', 'disk.raw', env=os.environ | {'VMFERRY_LANDLOCK': '1'}, status=9)
    tap.contains(done.stderr, '--sandbox=require: the kernel')
    done = t.vmferry('checksum', '--sandbox=perhaps', 'disk.raw', status=1)
    tap.contains(done.stderr, '"perhaps" is none of: off, on, require')


def test_places_that_the_command_line_names(t):
    """Symlinks to elsewhere, other folders by options, JSON, a chain, packages, several targets."""
    offered(t)
    for name in ('a', 'b', 'c', 'tmp'):
        os.mkdir(t.path(name))
    environment = os.environ | {'TMPDIR': t.path('tmp')}
    t.write('a/base.raw', os.urandom(1 << 20))
    t.vmferry('create', '-f', 'qcow2', '-b', '../a/base.raw', '-F', 'raw', '--allow-ref', 'a', 'b/leaf.qcow2', status=None)
    subprocess.run([tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', t.path('a/base.raw'), '-F', 'raw', t.path('b/leaf.qcow2')], check=True)
    os.symlink('../b/leaf.qcow2', t.path('c/link.qcow2'))
    t.vmferry('convert', '--allow-ref', 'a', 'c/link.qcow2', 'c/out.raw', env=environment)
    tap.equal(t.read('c/out.raw'), t.read('a/base.raw'))
    t.vmferry('convert', '--allow-ref', 'a', 'json:{"driver":"qcow2","file":{"driver":"file","filename":"c/link.qcow2"}}', 'c/json.raw', env=environment)
    t.vmferry('pack', '-o', 'b/vm.ova', 'a/base.raw', env=environment)
    t.vmferry('convert', 'b/vm.ova::base', 'c/disk.vmdk', env=environment, status=None)
    t.vmferry('unpack', 'b/vm.ova', 'c/folder', env=environment)
    t.vmferry('compare', 'c/json.raw', 'b/vm.ova::1', env=environment, status=None)


def test_a_list_names_files_anywhere(t):
    offered(t)
    for name in ('a', 'b'):
        os.mkdir(t.path(name))
    t.write('a/disk.raw', os.urandom(1 << 20))
    t.write('b/list', t.vmferry('checksum', '-f', 'raw', t.path('a/disk.raw')).stdout.encode())
    t.vmferry('checksum', '-f', 'raw', '-c', 'b/list', env=os.environ | {'TMPDIR': t.path('b')})


tap.main(globals())
