# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Descriptors as large as they may be: read in the memory that is promised, or refused with the bound."""
import hashlib
import io
import os
import tarfile

import tap

HEAD = ('<?xml version="1.0"?><Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" '
        'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" '
        'xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">')
MEMORY_KIB = (64 + 2 * 4) * 1024


def system(content):
    return f'<VirtualSystem ovf:id="v"><Info>i</Info>{content}</VirtualSystem>'


def disks(count):
    return HEAD + '<References/><DiskSection><Info>d</Info>' + ''.join(
        f'<Disk ovf:capacity="204800" ovf:capacityAllocationUnits="byte" ovf:diskId="d{i}" ovf:fileRef="f" ovf:format='
        '"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized" ovf:populatedSize="204800"/>'
        for i in range(count)) + '</DiskSection>' + system('')


def files(count):
    return HEAD + '<References>' + ''.join(f'<File ovf:id="f{i}" ovf:href="d{i}.vmdk" ovf:size="1"/>'
                                           for i in range(count)) + '</References>' + system('')


def items(count):
    return HEAD + '<References/>' + system('<VirtualHardwareSection><Info>h</Info>' + ''.join(
        f'<Item><rasd:InstanceID>{i}</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType></Item>'
        for i in range(count)) + '</VirtualHardwareSection>')


def text(size):
    return HEAD + '<References/>' + system(f'<AnnotationSection><Info>a</Info><Annotation>{"x" * size}</Annotation>'
                                           '</AnnotationSection>')


def small(count):
    return HEAD + '<References/>' + system('<X:a xmlns:X="http://x">' + '<X:b y="1">1</X:b>' * count + '</X:a>')


def attributes(count):
    tag = '<X:b ' + ' '.join(f'a{i}="1"' for i in range(250)) + '/>'
    return HEAD + '<References/>' + system('<X:a xmlns:X="http://x">' + tag * count + '</X:a>')


def run(t, verb):
    """Exit status, what was said, KiB of memory at the most."""
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a sanitizer takes memory of its own')
    surroundings = {name: value for name, value in os.environ.items() if name != 'MALLOC_PERTURB_'}  # writes to all of it
    with open(t.path('said'), 'wb') as said:
        process = os.posix_spawn(tap.VMFERRY, [tap.VMFERRY, verb, '-U', t.path('vm.ovf')], surroundings,
                                 file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), 1),
                                               (os.POSIX_SPAWN_DUP2, said.fileno(), 2)])
        _, status, usage = os.wait4(process, 0)
    return os.waitstatus_to_exitcode(status), t.read('said').decode(), usage.ru_maxrss


@tap.rows([('60,000 disks', disks, 60000, 'more than the 32768 that are shown'),
           ('32,000 disks', disks, 32000, None),
           ('109,000 files', files, 109000, 'more than the 32768 that are shown'),
           ('32,000 devices', items, 32000, None),
           ('a text of 9 MB', text, 9000000, None),
           ('a text of 12 MB', text, 12000000, 'more than 10 MB'),
           ('109,000 elements', small, 109000, None),
           ('more elements', small, 120000, 'more than 110000 elements'),
           ('500,000 attributes', attributes, 2000, None),
           ('more attributes', attributes, 2200, 'more than 524288 attributes')])
def test_memory(t, make, count, bound):
    t.write('vm.ovf', (make(count) + '</Envelope>').encode())
    for verb in ('info', 'verify'):
        status, said, memory = run(t, verb)
        tap.equal(memory < MEMORY_KIB, True, f'{verb}: {memory} KiB')
        if bound and (verb == 'info' or 'shown' not in bound):
            tap.contains(said, bound)
            tap.equal(status, 2, verb)
        else:
            tap.equal('more than' in said, False, said[-200:])


def test_many_empty_members(t):
    """Each has a digest: all of them are found right."""
    names = [f'f{i}' for i in range(20000)]
    descriptor = (files(0).replace('</References>', ''.join(f'<File ovf:id="{name}" ovf:href="{name}"/>' for name in names) +
                                   '</References>') + '</Envelope>').encode()
    empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    manifest = (f'SHA256(vm.ovf)= {hashlib.sha256(descriptor).hexdigest()}\n' +
                ''.join(f'SHA256({name})= {empty}\n' for name in names)).encode()
    with tarfile.open(t.path('vm.ova'), 'w', format=tarfile.USTAR_FORMAT) as tar:
        for name, data in [('vm.ovf', descriptor), ('vm.mf', manifest), *((name, b'') for name in names)]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    said = t.vmferry('verify', t.path('vm.ova'), status=3).stdout
    tap.contains(said, 'vm.ova: intact, 1 violation')  # a system without hardware
    tap.contains(said, '20001 files')  # with the descriptor


if __name__ == '__main__':
    tap.main(globals())
