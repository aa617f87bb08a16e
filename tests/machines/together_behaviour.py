# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Several disks of one machine in one pass: beside each other from their files, and as they come on a stream."""
import bz2
import os
import pathlib
import random
import subprocess
import sys

import tap

TESTS = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / 'formats'), str(TESTS.parent / 'test-images')]
import make_vma as vma  # pylint: disable=wrong-import-position
import xva_maker as xva  # pylint: disable=wrong-import-position

UUID = b'vmferry-one-pass'
MIB = 1 << 20
FORMS = {'raw': 'img', 'qcow2': 'qcow2', 'vhdx': 'vhdx', 'vdi': 'vdi', 'vhd': 'vhd'}


def content(size, seed):
    """Data in some places, zeros between them and in it."""
    source, out = random.Random(seed), bytearray(size)
    for at in range(0, size - 8192, 96 << 10):
        if source.random() < 0.4:
            out[at:at + 6000] = source.randbytes(6000)
    return bytes(out)


DISKS = [content(size, size) for size in (5 * MIB, 512, 3 * MIB + 1536, 2 * MIB, 9 * MIB + 512, 528 << 10)]
CONFIG = ('name: web\nmemory: 512\nostype: l26\n'
          + ''.join(f'scsi{i}: local:vm-1-disk-{i},size=1M\n' for i in range(len(DISKS)))
          + ''.join(f'#qmdump#map:scsi{i}:drive-scsi{i}:local:raw:\n' for i in range(len(DISKS)))).encode()


def as_vma(order=list):
    disks = {i + 1: (f'drive-scsi{i}', data) for i, data in enumerate(DISKS)}
    return vma.archive(disks, UUID, [('qemu-server.conf', CONFIG)], order=order, per_extent=7)


def shuffled(slots):
    random.Random(7).shuffle(slots)
    return slots


def as_xva():
    return xva.archive(*((f'Ref:{20 + i}', data) for i, data in enumerate(DISKS)))


ARCHIVES = {'a vma in turns': as_vma, 'a vma backwards': lambda: as_vma(lambda slots: slots[::-1]),
            'a vma in any order': lambda: as_vma(shuffled), 'an xva': as_xva}


def piped(t, data, words, status=0, packed=False):
    if packed:
        data = subprocess.run(['zstd', '-cq'], input=data, capture_output=True, check=True).stdout
    done = subprocess.run([tap.VMFERRY, 'convert', '-v', '-', *words.split()], input=data, cwd=t.folder, capture_output=True, timeout=300, check=False)
    text = done.stderr.decode(errors='replace')
    if status is not None:
        tap.equal(done.returncode, status, 'exit status ' + text)
    return text


def check_disks(t, stem, suffix, but=()):
    number = 0
    for i, data in enumerate(DISKS):
        if i in but:
            continue
        number += 1
        name = f'{stem}-disk{number}.{suffix}'
        form = ['-f', 'raw'] if suffix == 'img' else []
        t.vmferry('convert', '-q', *form, '-O', 'raw', name, 'back')
        tap.equal(t.read('back')[:len(data)] == data.ljust(os.path.getsize(t.path('back')), b'\0')[:len(data)], True, name)
        os.unlink(t.path('back'))


@tap.rows([(f'{title} into {form}', make, form) for title, make in ARCHIVES.items() for form in FORMS
           if form == 'raw' or make is ARCHIVES['a vma in any order'] or os.environ.get('VMFERRY_TEST_ALL')])
def test_one_pass_from_a_pipe(t, make, form):
    """Nothing is stored first, however many disks there are, and in whatever order their data comes."""
    text = piped(t, make(), f'--disk-format {form} web.xml', packed=form == 'qcow2')
    tap.equal('stored' in text, False, text)
    check_disks(t, 'web', FORMS[form])


def test_a_package_in_a_folder_in_one_pass(t):
    text = piped(t, as_xva(), 'web.ovf')
    tap.equal('stored' in text, False, text)
    check_disks(t, 'web', 'vmdk')
    t.vmferry('verify', 'web.ovf')


@tap.rows([('members of an archive', as_xva, 'web.ova'), ('a packed form in order', as_vma, 'web.ovf'), ('one file of disks', as_vma, 'web.xva')])
def test_what_needs_an_order_is_stored_first(t, make, target):
    tap.contains(piped(t, make(), target), 'standard input is stored in')


@tap.rows([('a vma', as_vma), ('an xva', as_xva)])
def test_a_disk_that_is_left_out_is_passed_over(t, make):
    text = piped(t, make(), '--without-disk 2 web.xml')
    tap.equal('stored' in text, False, text)
    check_disks(t, 'web', 'qcow2', but=(2,))


@tap.rows([('a vma', 'web.vma', as_vma), ('an xva', 'web.xva', as_xva)])
def test_a_packed_file_that_cannot_be_sought_is_not_unpacked_first(t, name, make):
    t.write(name + '.bz2', bz2.compress(make(), 1))
    text = t.vmferry('convert', '-v', name + '.bz2', 'web.xml').stderr
    tap.equal(('unpacked into' in text, 'stored' in text), (False, False), text)
    check_disks(t, 'web', 'qcow2')
    tap.contains(t.vmferry('convert', '-v', name + '.bz2', 'web.ova').stderr, 'is unpacked into a file in')


def cut(data):
    return data[:-70_000]


def twice(data):
    return data + data[-vma.EXTENT:] if data.startswith(b'VMA') else data[:-1024] + data[-2048:]


def spoilt(data):
    at = data.rindex(DISKS[4][-512 * 1024:].strip(b'\0')[:64])
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


@tap.rows([('a vma cut short', as_vma, cut), ('an xva cut short', as_xva, cut), ('an xva with a wrong checksum', as_xva, spoilt),
           ('a vma with something behind it', as_vma, twice)])
def test_all_or_nothing(t, make, spoil):
    before = t.names()
    text = piped(t, spoil(make()), 'web.xml', status=None)
    tap.equal(t.names(), before, 'files ' + text)
    tap.contains(text, 'standard input')


@tap.rows([(form, form) for form in ('raw', 'qcow2', 'vhd')])
def test_bytes_beside_each_other_are_those_alone(t, form):
    """More disks than are converted at once, with any number of threads."""
    t.write('web.vma', as_vma(shuffled))
    for threads in '1', '3':
        t.vmferry('convert', '-q', '-m', threads, '--disk-format', form, 'web.vma', f'to{threads}/', '--machine', 'libvirt')
    for i, data in enumerate(DISKS):
        name = f'web-disk{i + 1}.{FORMS[form]}'
        t.write('one.raw', data)
        t.vmferry('convert', '-q', '-f', 'raw', '-O', form, 'one.raw', 'one')
        found = [t.read(f'to{threads}/{name}') for threads in '13']
        if form != 'vhd':  # which has an id
            tap.equal(found[0] == t.read('one'), True, name)
        tap.equal(len(found[0]), len(t.read('one')), name)
        t.vmferry('compare', '-q', f'to1/{name}', f'to3/{name}')


if __name__ == '__main__':
    tap.main(globals())
