# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages into a folder that holds one already: what --force replaces, and what it leaves alone."""
import fcntl
import os

import tap
from package_makers import RAW, image, noise, package_of, put
from package_reader import Package, make_key


def contents(t, folder):
    return {name: t.read(f'{folder}/{name}') for name in sorted(os.listdir(t.path(folder)))}


def test_twice_into_a_folder(t):
    put(t, package_of('stream'))
    for words in (('unpack', 'in.ova'), ('unpack', 'in.ova', '-O', 'qcow2'), ('convert', 'in.ova')):
        verb, *rest = words
        t.vmferry(verb, *rest, f'{verb}{len(rest)}/')
        before = contents(t, f'{verb}{len(rest)}')
        tap.contains(t.vmferry(verb, *rest, f'{verb}{len(rest)}/', status=1).stderr, '--force replaces such files')
        tap.equal(contents(t, f'{verb}{len(rest)}') == before, True, 'what was there stays')
        t.vmferry(verb, '--force', *rest, f'{verb}{len(rest)}/')
        tap.equal(contents(t, f'{verb}{len(rest)}') == before, True, 'the same again')


def test_another_package_takes_the_place(t):
    key, certificate = make_key(t)
    put(t, package_of('raw'))
    t.write('a.raw', noise(3 << 20))
    t.vmferry('pack', 'a.raw', '--name', 'vm', '-o', 'out/', '--disk-format', 'raw', '--sign', key, '--cert', certificate)
    old = contents(t, 'out')
    tap.equal('vm.cert' in old, True, 'signed')
    t.write('out/notes.txt', b'mine')
    t.write('b.raw', RAW)
    t.vmferry('pack', 'b.raw', '--name', 'vm', '-o', 'out/', '--disk-format', 'raw', status=1)
    tap.equal(contents(t, 'out'), {**old, 'notes.txt': b'mine'}, 'refused')
    t.vmferry('pack', 'b.raw', '--name', 'vm', '-o', 'out/', '--disk-format', 'raw', '--force')
    tap.equal(sorted(contents(t, 'out')), ['notes.txt', 'vm-disk1.img', 'vm.mf', 'vm.ovf'], 'the old signature went, other files stay')
    tap.equal(t.read('out/vm-disk1.img') == RAW, True, 'disk')
    t.vmferry('verify', 'out/vm.ovf')


def test_files_of_the_source_are_not_replaced(t):
    put(t, package_of('stream'), 'folder')
    before = contents(t, 'in')
    tap.contains(t.vmferry('convert', '--force', 'in', 'in/other.ovf', status=1).stderr, 'is a file of the source')
    tap.contains(t.vmferry('convert', '--force', '-O', 'vmdk', 'in', 'in/other.ovf', status=1).stderr, 'is a file of the source')
    tap.equal(contents(t, 'in') == before, True, 'the source')


def test_what_is_no_file_is_not_replaced(t):
    put(t, package_of('stream'))
    t.write('elsewhere', b'mine')
    os.mkdir(t.path('out'))
    os.symlink('../elsewhere', t.path('out/in.mf'))
    t.vmferry('unpack', 'in.ova', 'whole/')
    name = next(name for name in os.listdir(t.path('whole')) if name.endswith('.mf'))
    os.rename(t.path('out/in.mf'), t.path(f'out/{name}'))
    tap.contains(t.vmferry('unpack', '--force', 'in.ova', 'out/', status=2).stderr, 'is no regular file')
    tap.equal((t.read('elsewhere'), os.listdir(t.path('out'))), (b'mine', [name]), 'files')


def test_a_failure_leaves_the_old_package(t):
    put(t, package_of('stream'))
    t.vmferry('unpack', 'in.ova', 'out/')
    before = contents(t, 'out')
    data = bytearray(t.read('in.ova'))
    data[len(data) // 2] ^= 255
    t.write('in.ova', bytes(data))
    tap.equal(t.vmferry('unpack', '--force', 'in.ova', 'out/', status=None).returncode != 0, True, 'status')
    tap.equal(contents(t, 'out') == before, True, 'what was there stays')


def test_a_disk_that_is_held_is_not_replaced(t):
    put(t, package_of('stream'))
    t.vmferry('unpack', '-O', 'qcow2', 'in.ova', 'out/')
    disk = next(name for name in os.listdir(t.path('out')) if name.endswith('.qcow2'))
    with open(t.path(f'out/{disk}'), 'r+b') as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        t.vmferry('unpack', '--force', '-O', 'qcow2', 'in.ova', 'out/', status=7)
    t.vmferry('unpack', '--force', '-O', 'qcow2', 'in.ova', 'out/')


tap.main(globals())
