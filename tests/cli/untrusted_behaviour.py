#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""--untrusted: what it refuses, and what it lets through."""
import io
import os
import random
import tarfile

import tap

VERBS = ('convert', 'create', 'measure', 'info', 'map', 'compare', 'check', 'checksum', 'lint', 'pack', 'unpack', 'verify', 'sign', 'edit', 'diff', 'apply', 'batch', 'report',
         'clean')


def prepare(t):
    """disk.raw, disk.qcow2 and vm.ova; skipped where not all can be confined."""
    t.write('disk.raw', random.Random(7).randbytes(200_000) + bytes(312_000))
    if t.vmferry('info', '--sandbox=require', '-f', 'raw', 'disk.raw', status=None).returncode == 9:
        raise tap.Skip('the kernel or this build confines less')
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a build with sanitizers is not confined')
    t.vmferry('convert', '--no-sync', 'disk.raw', 'disk.qcow2')
    t.vmferry('pack', '--no-sync', '-o', 'vm.ova', 'disk.raw')


@tap.rows([(verb, verb) for verb in VERBS])
def test_every_verb_that_opens_has_it(t, verb):
    tap.contains(t.vmferry(verb, '--help').stdout, '--untrusted')


@tap.rows([(words[1] if words[1].startswith('-') else words[0], words) for words in (
    ('convert', '--allow-ref', '.', 'disk.qcow2', 'new.raw'), ('info', '--storage', 'local=.', 'disk.qcow2'),
    ('convert', '--no-verify', 'vm.ova', 'new.raw'), ('convert', '--in-place', 'disk.qcow2', 'disk.raw'),
    ('convert', '-n', 'disk.qcow2', 'disk.raw'), ('checksum', '-c', 'disk.raw'), ('map', '-U', 'disk.raw'),
    ('info', '--sandbox=off', 'disk.raw'), ('info', '--sandbox=on', 'disk.raw'))])
def test_words_that_contradict_it(t, words):
    prepare(t)
    done = t.vmferry(words[0], '--untrusted', *words[1:], status=1)
    tap.contains(done.stderr, 'not with --untrusted')


def overlay(t):
    t.vmferry('create', '-b', 'disk.raw', '-F', 'raw', 'odd.qcow2')
    return 'odd.qcow2'


def data_file(t):
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-o', 'data_file=other.raw,data_file_raw=on', 'odd.qcow2', '1M')
    return 'odd.qcow2'


def flat(t):
    t.vmferry('convert', '-o', 'subformat=monolithicFlat', 'disk.raw', 'odd.vmdk')
    return 'odd.vmdk'


def differencing(t):
    t.vmferry('convert', 'disk.raw', 'base.vhdx')
    t.vmferry('convert', '-B', 'base.vhdx', '-F', 'vhdx', 'disk.raw', 'odd.vhdx')
    return 'odd.vhdx'


def descriptor(t):
    t.vmferry('unpack', 'vm.ova', 'folder')
    return 'folder/vm.ovf'


def machine(t):
    t.vmferry('convert', 'vm.ova', 'vm.vmx')
    return 'vm.vmx'


def archive(change):
    """The archive once more by Python, its members changed."""
    def make(t):
        with tarfile.open(t.path('vm.ova')) as old, tarfile.open(t.path('odd.ova'), 'w', format=tarfile.PAX_FORMAT) as new:
            for member in old:
                data = old.extractfile(member).read()
                change(member)
                new.addfile(member, io.BytesIO(data))
        return 'odd.ova'
    return make


def dotted(member):
    member.name = './' + member.name


def unknown_header(member):
    member.pax_headers = {'SOMEONE.key': 'value'}


def same(_):
    pass


def without_an_end(t):
    name = archive(same)(t)
    with tarfile.open(t.path(name)) as whole:
        end = max(member.offset_data + -(-member.size // 512) * 512 for member in whole)
    t.write(name, t.read(name)[:end])
    return name


@tap.rows([('a backing file', overlay), ('a data file', data_file), ('an extent beside', flat), ('a parent', differencing),
           ('files beside a descriptor', descriptor), ('the disks of a machine', machine), ('names with a dot', archive(dotted)),
           ('an unknown header', archive(unknown_header)), ('no end', without_an_end)])
def test_content_that_is_refused(t, make):
    """Which is taken without the word, but for the file of data."""
    prepare(t)
    name = make(t)
    kind = '.ova' if make is machine else '.raw'
    if make is not data_file:
        t.vmferry('convert', '--no-verify' if name.endswith('.ova') else '-q', name, 'trusted' + kind)
    before = t.names()
    done = t.vmferry('convert', '--untrusted', name, 'new' + kind, status=2)
    tap.contains(done.stderr, name.split('/')[-1])
    tap.equal(t.names(), before, 'files')
    done = t.vmferry('info', '--untrusted', name, status=None)
    if name.endswith('.ova'):
        tap.equal(done.returncode, 2, done.stderr)


ODD = 'odd.qcow2'


@tap.rows([(' '.join(words), words) for words in (
    ('measure', '-O', 'qcow2', ODD), ('map', ODD), ('compare', ODD, 'disk.raw'), ('compare', 'disk.raw', ODD), ('checksum', ODD), ('diff', ODD, 'disk.raw'), ('diff', 'disk.raw', ODD),
    ('apply', ODD, 'copy.raw'), ('apply', '--since', 'disk.raw', ODD, 'copy.raw'), ('pack', '-o', 'new.ova', ODD), ('batch', 'jobs'), ('convert', '--resume', ODD, 'new.raw'),
    ('convert', '-O', 'qcow2', '-c', '--map', 'map', ODD, 'new.qcow2'), ('convert', '-B', ODD, '-F', 'qcow2', 'disk.raw', 'new.qcow2'), ('create', '-b', ODD, '-F', 'qcow2', 'new.qcow2'))])
def test_a_backing_file_is_opened_by_no_verb(t, words):
    prepare(t)
    overlay(t)
    t.write('jobs', f'{ODD}\tnew.raw\n'.encode())
    t.write('copy.raw', bytes(512000))
    before = {name: t.read(name) for name in t.names()}
    done = t.vmferry(words[0], '--untrusted', *words[1:], status=None)
    tap.equal(done.returncode in (1, 2), True, f'exit {done.returncode}, {done.stdout}{done.stderr}')
    tap.contains(done.stderr, '"disk.raw"')
    t.run('rm', '-f', 'jobs.done')
    tap.equal({name: t.read(name) for name in t.names()} == before, True, f'{t.names()}')


@tap.rows([('a packed disk', 'disk.raw.gz'), ('a disk', 'disk.qcow2'), ('a package', 'vm.ova')])
def test_a_bound(t, name):
    prepare(t)
    t.run('gzip', '-k', 'disk.raw')
    for words in (('convert', name, 'new.raw'), ('checksum', name)):
        done = t.vmferry(words[0], '--untrusted', '--max-size', '64k', *words[1:], status=2)
        tap.contains(done.stderr, 'more ')
    tap.equal((t.folder / 'new.raw').exists(), False)
    t.vmferry('convert', '--untrusted', name, 'new.raw')
    tap.equal(t.read('new.raw') == t.read('disk.raw'), True, 'the disk')


@tap.rows([('a checksum', ('checksum',)), ('a checksum of what is converted', ('convert', '--checksum=sha256'))])
def test_a_bound_on_what_is_only_claimed(t, words):
    """A disk of holes costs 32 bytes of digests, each hashed again, for every 64 KiB that it claims."""
    t.vmferry('create', '-q', '-f', 'qcow2', 'fits.qcow2', '2G')
    t.vmferry('create', '-q', '-f', 'qcow2', 'claims.qcow2', str((2 << 30) + (64 << 10)))
    target = ('new.qcow2',) if words[0] == 'convert' else ()
    t.vmferry(words[0], '--max-size', '1M', *words[1:], 'fits.qcow2', *target)
    done = t.vmferry(words[0], '--max-size', '1M', *words[1:], 'claims.qcow2', *target, status=2)
    tap.contains(done.stderr, 'digests')
    tap.contains(done.stderr, '1048576 bytes that are allowed')


@tap.rows([(words[0], words) for words in (
    ('convert', 'disk.qcow2', 'new.vmdk'), ('convert', 'vm.ova', 'new.ova'), ('convert', 'vm.ova', 'new.vmx'), ('convert', '-O', 'raw', 'disk.qcow2', '-'),
    ('convert', '-B', 'disk.raw', '-F', 'raw', 'disk.qcow2', 'new.qcow2'),
    ('create', 'new.qcow2', '1M'), ('measure', '-O', 'qcow2', 'disk.raw'), ('info', 'vm.ova', 'disk.qcow2'), ('map', 'disk.qcow2'),
    ('compare', 'disk.raw', 'vm.ova'), ('check', 'disk.qcow2'), ('checksum', 'disk.raw', 'vm.ova'), ('lint', '--for', 'esxi', 'vm.ova'),
    ('pack', '-o', 'new.ova', 'disk.qcow2'), ('unpack', 'vm.ova'), ('verify', 'vm.ova'), ('sign', '--renew', 'vm.ova'),
    ('edit', '--cpus', '2', 'vm.ova'), ('verify', '--sandbox=require', 'vm.ova'))])
def test_what_is_let_through(t, words):
    prepare(t)
    plain = t.vmferry(*words, status=None).returncode if words[0] == 'lint' else 0
    t.vmferry(words[0], '--untrusted', *words[1:], status=plain, text=False)


def test_standard_input_is_let_through(t):
    prepare(t)
    with open(t.path('vm.ova'), 'rb') as stream:
        t.vmferry('convert', '--untrusted', '-', 'new.qcow2', stdin=stream)
    t.vmferry('compare', 'new.qcow2', 'disk.raw')


tap.main(globals())
