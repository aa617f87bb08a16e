# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Machines on standard input: a file that holds text and disks, as it is or on a pipe."""
import json
import os
import random

import tap

DISKS = [random.Random(seed).randbytes(90_000) + bytes(300_000 + 240 * seed) for seed in (0, 1)]


def machine(t, *targets):
    drives = ''
    for i, disk in enumerate(DISKS):
        t.write(f'{i}.raw', disk + bytes(-len(disk) % 512))
        drives += f'<disk type="file"><driver type="raw"/><source file="{i}.raw"/><target dev="sd{"ab"[i]}" bus="sata"/></disk>'
    t.write('vm.xml', ('<domain type="kvm"><name>web</name><memory unit="MiB">512</memory><vcpu>2</vcpu><os><type arch="x86_64" machine="q35">hvm</type></os>'
                       f'<devices>{drives}</devices></domain>').encode())
    for target in targets:
        t.vmferry('convert', '-q', 'vm.xml', target)


def pipe(t, source, words, status=0):
    """`source`: what the shell makes it of; the command's words behind "convert"."""
    return t.run('sh', '-c', f'{source} | "{tap.VMFERRY}" convert {words}', status=status)


def check_disks(t, target):
    info = json.loads(t.vmferry('info', '--output=json', target).stdout)
    images = [image['filename'] for image in info['machine'].get('images', [])]
    for i, image in enumerate(images or [f'{target}::{disk["id"]}' for disk in info['disks']]):
        t.vmferry('convert', '-q', '-O', 'raw', image, 'one')
        tap.equal(t.read('one')[:len(DISKS[i])], DISKS[i], f'disk {i} of {target}')
        os.unlink(t.path('one'))


@tap.rows([(f'{kind} {how}', kind, source) for kind in ('ova', 'xva', 'vma') for how, source in (
    ('on a pipe', 'cat vm.{}'), ('packed by zstd', 'zstd -cq vm.{}'), ('packed by gzip', 'gzip -c vm.{}'))])
def test_from_a_pipe(t, kind, source):
    machine(t, 'vm.' + kind)
    os.mkdir(t.path('out'))
    for target in 'out/to.vmx', 'out/to.ova', 'out/to.vma':
        done = pipe(t, source.format(kind), f'-v - {target}')
        one_pass = kind != 'ova' and target.endswith('vmx')
        tap.equal('standard input is stored in out first' in done.stderr, not one_pass, done.stderr)
        check_disks(t, target)
        tap.equal([name for name in os.listdir(t.path('out')) if name.startswith('.')], [], 'left behind')


def test_a_file_as_standard_input_is_not_stored(t):
    machine(t, 'vm.xva')
    with open(t.path('vm.xva'), 'rb') as file:
        done = t.vmferry('convert', '-v', '-', 'to.vmx', stdin=file)
    tap.equal('stored' in done.stderr, False, 'a copy')
    check_disks(t, 'to.vmx')


@tap.rows([('the format of the file', '-f xva - to.vmx'), ('the format of the machine', '-f xapi - to.vmx'), ('the target alone', '--machine vmx - out/'),
           ('its size', '--source-size $(stat -c %s vm.xva) - to.vmx')])
def test_what_is_said_of_it(t, words):
    machine(t, 'vm.xva')
    pipe(t, 'cat vm.xva', words)
    check_disks(t, 'out/web.vmx' if 'out/' in words else 'to.vmx')


def test_from_pipe_to_pipe(t):
    machine(t, 'vm.vma')
    t.run('sh', '-c', f'cat vm.vma | "{tap.VMFERRY}" convert --machine xva - - | cat > to.xva')
    check_disks(t, 'to.xva')


def test_a_package_stays_what_it_is(t):
    machine(t, 'vm.ova')
    pipe(t, 'cat vm.ova', '-q - to.ova')
    t.vmferry('convert', '-q', 'vm.ova', 'other.ova')
    for name in 'to', 'other':
        os.mkdir(t.path(name))
        t.run('tar', '-C', t.path(name), '-xf', t.path(name + '.ova'))
    tap.equal(t.read('to/to.ovf').replace(b'"to', b'"other'), t.read('other/other.ovf'), 'descriptor')
    report = t.vmferry('convert', '--losses=-', 'vm.ova', 'again.ova').stdout
    tap.equal([json.loads(report)[name] for name in ('changed', 'dropped', 'unknown')], [0, 0, 0], 'losses')


def altered(t):
    package = bytearray(t.read('vm.ova'))
    package[-20_000] ^= 1
    t.write('vm.ova', bytes(package))


@tap.rows([('nothing comes', 'true', '', 'is empty'), ('a text comes', 'cat vm.xml', '', 'is no machine with its disks in one file'),
           ('a disk comes', 'cat 0.raw', '', '"pack"'), ('it is cut off', 'head -c 70000 vm.xva', '', 'cut short'),
           ('it was altered', 'cat vm.ova', '', 'vmdk'), ('another size comes', 'cat vm.xva', '--source-size 5', 'expected the 5 that were told')])
def test_nothing_is_left_where(t, source, option, says):
    machine(t, 'vm.xva', 'vm.ova')
    altered(t)
    before = t.names()
    done = pipe(t, source, f'{option} - to.vmx', status=None)
    tap.contains(done.stderr, says)
    tap.equal((done.returncode > 0, t.names()), (True, before), 'status and files')


if __name__ == '__main__':
    tap.main(globals())
