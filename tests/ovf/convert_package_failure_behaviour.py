# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Conversions of packages that do not work, are stopped, or find no room: how they end, and that nothing is left."""
import contextlib
import os
import resource
import signal
import stat
import subprocess
import time

import hostile_packages as packages
import tap
from hostile_packages import vmdk
from package_makers import RAW, noise, package_of, put, rich
from package_reader import Package


def spoil(files, name):
    return [(one, data if one != name else data[:-600] + bytes([data[-600] ^ 1]) + data[-599:]) for one, data in files]


def wrong(form, kind, name='disk1'):
    good = package_of(form)
    target = next(one for one, _ in good if one.startswith(name))
    bad = spoil(packages.signed_off(good), target)
    return bad


@tap.rows([(f'{form}, {kind} to {target}', form, kind, target) for form in ('stream', 'raw')
           for kind in ('ova', 'ovf') for target in ('out.ova', 'out/', 'out/vm.ovf', 'unpack')])
def test_wrong_digest(t, form, kind, target):
    path = put(t, wrong(form, kind), kind, mf=False)
    before = sorted(os.listdir(t.folder))
    command = ('unpack', path, 'out') if target == 'unpack' else ('convert', path, target)
    if target == 'out/vm.ovf':
        os.mkdir(t.path('out'))
        t.write('out/mine', b'mine')
    done = t.vmferry(*command, status=None)
    if done.returncode not in (2, 8) or (form == 'raw' and done.returncode != 8):
        raise AssertionError(f'exit {done.returncode}: {done.stderr}')
    tap.contains(done.stderr, 'disk1.')
    found = sorted(os.listdir(t.folder))
    if target == 'out/vm.ovf':
        tap.equal(os.listdir(t.path('out')), ['mine'], 'files of the folder')
        found.remove('out')
    tap.equal(found, before, 'files')
    t.vmferry('verify', path, status=2)


def test_wrong_digest_of_the_descriptor_or_another_file(t):
    for name in ('vm.ovf', 'tools cd.iso'):
        files = packages.signed_off(rich(vmdk.stream(RAW, 'disk1.vmdk')))
        files = [(one, data.replace(b'A machine', b'B machine') if one == name == 'vm.ovf' else
                  data[:-1] + b'x' if one == name else data) for one, data in files]
        path = put(t, files, mf=False)
        done = t.vmferry('convert', path, 'out.ova', status=8)
        tap.contains(done.stderr, name)
        tap.equal(t.names(), ['in.ova'], 'files')


def test_existing_target(t):
    good = put(t, package_of('stream'))
    bad = put(t, wrong('raw', 'ova'), name='bad', mf=False)
    t.write('out.ova', b'old')
    t.vmferry('convert', bad, 'out.ova', status=8)
    tap.equal(t.read('out.ova'), b'old', 'content')
    t.vmferry('convert', '--no-clobber', good, 'out.ova', status=1)
    tap.equal(t.read('out.ova'), b'old', 'content')
    t.vmferry('convert', good, 'out.ova')
    Package(t.path('out.ova')).check()
    tap.equal(t.names(), ['bad.ova', 'in.ova', 'out.ova'], 'files')


def test_existing_folder(t):
    good = put(t, package_of('stream'))
    bad = put(t, wrong('raw', 'ova'), name='bad', mf=False)
    os.mkdir(t.path('out'))
    for name in ('disk1.vmdk', 'vm.ovf', 'vm.mf', 'mine'):
        t.write('out/' + name, b'old ' + name.encode())
    before = {name: t.read('out/' + name) for name in os.listdir(t.path('out'))}
    t.vmferry('unpack', bad, 'out', status=1)  # what is in the way is told before anything is read
    t.vmferry('unpack', '--no-clobber', good, 'out', status=1)
    for name in ('disk1.vmdk', 'vm.mf'):  # they may be another package's: they are in the way
        tap.contains(t.vmferry('unpack', good, 'out', status=1).stderr, name)
        tap.equal({name: t.read('out/' + name) for name in os.listdir(t.path('out'))}, before, 'content')
        os.remove(t.path('out/' + name))
        del before[name]
    t.vmferry('unpack', bad, 'out', status=8)
    tap.equal(t.read('out/vm.ovf'), before['vm.ovf'], 'the old descriptor')
    t.vmferry('unpack', '--no-clobber', good, 'out', status=1)
    t.vmferry('unpack', good, 'out')
    tap.equal((sorted(os.listdir(t.path('out'))), t.read('out/mine')), (sorted([*before, 'disk1.vmdk', 'vm.mf']),
                                                                        b'old mine'), 'files')
    os.remove(t.path('out/mine'))
    Package(t.path('out')).check()


def test_target_is_the_source(t):
    path = put(t, package_of('sparse'))
    data = t.read('in.ova')
    os.link(path, t.path('hard.ova'))
    os.symlink('in.ova', t.path('soft.ova'))
    for name in ('in.ova', 'hard.ova', 'soft.ova'):
        t.vmferry('convert', path, name, status=1)
        tap.equal((t.read('in.ova') == data, os.path.islink(t.path('soft.ova'))), (True, True), 'content')
    tap.equal(t.names(), ['hard.ova', 'in.ova', 'soft.ova'], 'files')


def test_target_is_the_folder_of_the_source(t):
    """What the source is made of may not be replaced while it is read: refused, or another name."""
    path = put(t, package_of('sparse'), 'ovf')
    before = {name: t.read('in/' + name) for name in os.listdir(t.path('in'))}
    for target in ('in/', 'in/vm.ovf', 'in/other.ovf'):
        done = t.vmferry('convert', path, target, status=None)
        if done.returncode not in (0, 1):
            raise AssertionError(f'{target}: exit {done.returncode}: {done.stderr}')
        after = {name: t.read('in/' + name) for name in os.listdir(t.path('in'))}
        if done.returncode:
            tap.equal(after == before, True, f'{target}: files are as they were')
        else:
            t.vmferry('verify', path)
            t.vmferry('convert', '-O', 'raw', path + '::vmdisk1', 'a.raw')
            tap.equal(t.read('a.raw') == RAW, True, f'{target}: guest bytes of the source')


def busy(t, *command):
    """A conversion that takes long enough to be disturbed, once a temporary file is there; what was there before."""
    path = put(t, package_of('raw', contents=[b'\x55\xaa'.join(noise(4 << 20, seed) for seed in range(16))[:64 << 20]]))
    before = sorted(os.listdir(t.folder))
    # pylint: disable=consider-using-with
    job = subprocess.Popen([tap.VMFERRY, *(word.replace('{}', path) for word in command)], cwd=t.folder,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(2000):
        if job.poll() is not None or any('.part-' in name for _, folders, names in os.walk(t.folder)
                                         for name in folders + names):
            break
        time.sleep(0.005)
    return job, before


@tap.rows([(f'{name}, {" ".join(command)}', getattr(signal, name), command) for name in ('SIGINT', 'SIGTERM')
           for command in (('convert', '-m', '1', '{}', 'out.ova'), ('convert', '-m', '1', '{}', 'out/'),
                           ('unpack', '-m', '1', '-O', 'streamOptimized', '{}', 'out'))])
def test_signal(t, number, command):
    t.write('out.ova', b'old')
    job, before = busy(t, *command)
    job.send_signal(number)
    _, text = job.communicate(timeout=120)
    if job.returncode == 0:
        raise tap.Skip('the conversion was faster than the signal')
    tap.equal(job.returncode, 128 + number, f'exit status {text}')
    tap.contains(text, f'stopped by signal {int(number)}')
    tap.equal((sorted(os.listdir(t.folder)), t.read('out.ova')), (before, b'old'), 'files')


TOO_LARGE = (('convert', '{}', 'out.ova'), ('convert', '{}', 'out/'), ('unpack', '{}', 'out'),
             ('convert', '-O', 'raw', '{}', 'out.ova'))


@tap.rows([(' '.join(command), command) for command in TOO_LARGE])
def test_no_space_by_a_limit(t, command):
    path = put(t, package_of('raw', contents=[b'\x55\xaa' + noise(4 << 20) + bytes(510)]))
    t.vmferry(*(word.replace('{}', path) for word in command), status=4, preexec_fn=lambda: (
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))))
    tap.equal(t.names(), ['in.ova'], 'files')


@contextlib.contextmanager
def small_file_system(t, size):
    os.mkdir(t.path('small'))
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'none', t.path('small')], check=False,
                          stderr=subprocess.PIPE)
    if done.returncode:
        raise tap.Skip('no file system can be mounted here')
    try:
        yield t.path('small')
    finally:
        subprocess.run(['umount', t.path('small')], check=True)


@tap.rows([(' '.join(command), command) for command in TOO_LARGE])
def test_full_disk(t, command):
    path = put(t, package_of('raw', contents=[b'\x55\xaa' + noise(4 << 20) + bytes(510)]))
    with small_file_system(t, '1m') as folder:
        done = t.vmferry(*(word.replace('{}', path).replace('out', folder + '/out') for word in command), status=4)
        # what is not packed is told before its first byte
        tap.contains(done.stderr, 'has room for' if 'make room' in done.stderr else 'o space left')
        tap.equal(os.listdir(folder), [], 'files')


def test_closed_pipe(t):
    path = put(t, package_of('raw', contents=[b'\x55\xaa' + noise(4 << 20) + bytes(510)]))
    with subprocess.Popen([tap.VMFERRY, 'convert', '--disk-format', 'raw', path, '-'], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
        job.stdout.read(10)
        job.stdout.close()
        text = job.stderr.read().decode()
    tap.equal(job.returncode, 4, f'exit status {text}')


def test_modes_and_leftovers(t):
    """What is written can be read as the umask says, and no temporary file is left beside it."""
    path = put(t, package_of('sparse'))
    for target in ('out.ova', 'out/'):
        t.vmferry('convert', path, target, preexec_fn=lambda: os.umask(0o027))
    for name in ('out.ova', *('out/' + name for name in os.listdir(t.path('out')))):
        tap.equal(stat.S_IMODE(os.stat(t.path(name)).st_mode), 0o640, f'mode of {name}')
    tap.equal(t.names(), ['in.ova', 'out', 'out.ova'], 'files')


tap.main(globals())
