# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""convert --for PLATFORM, of a single disk: looked at by tools that are not ours."""
import json
import os
import struct
import tarfile

import tap

MIB = 1 << 20
GIB = 1 << 30
SIZE = 21 * MIB + 512
DATA = b'vmferry ' * 4096


def disk(t, size=SIZE):
    with open(t.path('a.raw'), 'wb') as raw:
        raw.truncate(size)
        raw.seek(5 * MIB)
        raw.write(DATA)


def looked_at(t, name):
    return json.loads(t.run(tap.tool('qemu-img'), 'info', '--output=json', name).stdout)


ROWS = [
    ('esxi', 'vmdk', 'streamOptimized', SIZE),
    ('vsphere', 'vmdk', 'streamOptimized', SIZE),
    ('workstation', 'vmdk', 'monolithicSparse', SIZE),
    ('virtualbox', 'vdi', None, SIZE),
    ('hyperv', 'vhdx', None, SIZE + 4096 - 512),
    ('aws', 'vmdk', 'streamOptimized', SIZE),
    ('openstack', 'qcow2', None, SIZE),
    ('Proxmox', 'qcow2', None, SIZE),
    ('xcp-ng', 'vpc', None, 22 * MIB),
    ('libvirt', 'qcow2', None, SIZE),
    ('nutanix', 'qcow2', None, SIZE),
    ('ovirt', 'qcow2', None, SIZE),
    ('kubevirt', 'qcow2', None, SIZE),
]


@tap.rows([(row[0], *row) for row in ROWS])
def test_platform(t, platform, form, subformat, size):
    disk(t)
    t.vmferry('convert', '--for', platform, 'a.raw', 'out')
    info = looked_at(t, 'out')
    tap.equal((info['format'], info['virtual-size']), (form, size), platform)
    if subformat:
        tap.equal(info['format-specific']['data']['create-type'], subformat, 'subformat')
    t.run(tap.tool('qemu-img'), 'convert', '-f', form, '-O', 'raw', 'out', 'back.raw')
    tap.equal(t.read('back.raw') == t.read('a.raw').ljust(size, b'\0'), True, 'bytes')


def test_azure(t):
    """The file is the disk and a footer, whose sizes are the same and whole MiB; its creator is none that counts in cylinders."""
    disk(t)
    done = t.vmferry('convert', '--for', 'azure', 'a.raw', 'out.vhd')
    tap.contains(done.stderr, 'is made 23068672 bytes, from 22020608: Microsoft Azure')
    data = t.read('out.vhd')
    tap.equal(len(data), 22 * MIB + 512, 'size of the file')
    footer = data[-512:]
    original, current = struct.unpack_from('>QQ', footer, 40)
    tap.equal((footer[:8], original, current, struct.unpack_from('>I', footer, 60)[0]), (b'conectix', 22 * MIB, 22 * MIB, 2), 'footer')
    tap.equal(data[:-512] == t.read('a.raw').ljust(22 * MIB, b'\0'), True, 'bytes')


def test_azure_takes_no_small_disk(t):
    disk(t, 6 * MIB)
    t.vmferry('convert', '-q', '--for', 'azure', 'a.raw', 'out.vhd')
    tap.equal(os.path.getsize(t.path('out.vhd')), 20 * MIB + 512, 'size')


def test_gce(t):
    disk(t)
    done = t.vmferry('convert', '--for', 'gce', 'a.raw', 'image.tar.gz')
    tap.contains(done.stderr, f'is made {GIB} bytes')
    with tarfile.open(t.path('image.tar.gz')) as archive:
        member, = archive.getmembers()
        tap.equal((member.name, member.size), ('disk.raw', GIB), 'member')
        tap.equal(archive.extractfile(member).read(SIZE) == t.read('a.raw'), True, 'bytes')


def test_rounding_moves_the_second_partition_table(t):
    with open(t.path('a.raw'), 'wb') as raw:
        raw.truncate(40 * MIB + 512)
    t.run(tap.tool('sgdisk'), '-n1:2048:40959', 'a.raw')
    t.vmferry('convert', '--for', 'azure', 'a.raw', 'out.vhd')
    t.vmferry('convert', '-O', 'raw', 'out.vhd', 'back.raw')
    tap.contains(t.run(tap.tool('sgdisk'), '--verify', 'back.raw').stdout, 'No problems found')


def test_with_another_size(t):
    disk(t)
    t.vmferry('convert', '--for', 'azure', '--resize', str(30 * MIB + 512), 'a.raw', 'out.vhd')
    tap.equal(os.path.getsize(t.path('out.vhd')), 31 * MIB + 512, 'size')


@tap.rows([
    ('unknown', 'is none of: esxi', '--for', 'azur', 'a.raw', 'b'),
    ('another format', 'writes vpc; -O qcow2', '--for', 'azure', '-O', 'qcow2', 'a.raw', 'b'),
    ('an overlay', 'not with -B', '--for', 'openstack', '-B', 'a.raw', '-F', 'raw', 'a.raw', 'b.qcow2'),
])
def test_refused(t, words, *arguments):
    disk(t)
    tap.contains(t.vmferry('convert', *arguments, status=1).stderr, words)
    tap.equal(t.names(), ['a.raw'], 'files')


def test_an_unknown_one_is_told_of_a_package_too(t):
    disk(t)
    t.vmferry('pack', '-q', 'a.raw', '-o', 'a.ova')
    tap.contains(t.vmferry('convert', '--for', 'azur', 'a.ova', 'b.ova', status=1).stderr, 'is none of: esxi')


def test_too_large(t):
    with open(t.path('a.raw'), 'wb') as raw:
        raw.truncate(2041 * GIB)
    tap.contains(t.vmferry('convert', '-f', 'raw', '--for', 'xcp-ng', 'a.raw', 'b.vhd', status=1).stderr, 'takes at most 2190433320960')
    tap.equal(t.names(), ['a.raw'], 'files')


def test_options_of_the_person_go_with_it(t):
    disk(t)
    t.vmferry('convert', '--for', 'openstack', '-o', 'cluster_size=1M', 'a.raw', 'b.qcow2')
    tap.equal(looked_at(t, 'b.qcow2')['cluster-size'], MIB, 'cluster')


def test_all_are_listed_and_their_options_exist(t):
    names = [line.split()[0] for line in t.vmferry('help', 'profiles').stdout.splitlines() if line.startswith('  ') and line[2] != ' ']
    disk(t)
    for name in names:
        if name != 'gce':
            t.vmferry('convert', '--for', name, 'a.raw', 'out')
    tap.equal(len(names) >= 19, True, 'names')


tap.main(globals())
