# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""convert --for PLATFORM of machines, pack --for: what is written, looked at by programs that are not ours."""
import json
import os
import re
import shlex
import struct
import tarfile

import tap

MIB = 1 << 20
SIZE = 21 * MIB + 512
NAME = "it's a $(VM)"


def disk(t, name='a.raw', size=SIZE):
    with open(t.path(name), 'wb') as raw:
        raw.truncate(size)
        raw.seek(5 * MIB)
        raw.write(b'vmferry ' * 4096)


def machine(t, *arguments, disks=1):
    for i in range(disks):
        disk(t, f'{i}.raw')
    t.vmferry('pack', '-q', '--name', NAME, '--cpus', '2', *arguments, *(f'{i}.raw' for i in range(disks)), '-o', 'vm.ova')


def descriptor(t, name):
    with tarfile.open(t.path(name)) as archive:
        first = archive.getmembers()[0]
        tap.equal(first.name.endswith('.ovf'), True, first.name)
        return archive.extractfile(first).read().decode()


def losses(t, *arguments):
    t.vmferry('convert', '--losses=l.json', *arguments)
    return {field['field']: field for field in json.loads(t.read('l.json'))['fields']}


DISKS = [
    ('azure', 'vhd', 'vpc', 22 * MIB),
    ('aws', 'vmdk', 'vmdk', SIZE),
    ('openstack', 'qcow2', 'qcow2', SIZE),
    ('nutanix', 'qcow2', 'qcow2', SIZE),
    ('kubevirt', 'qcow2', 'qcow2', SIZE),
]


@tap.rows([(row[0], *row) for row in DISKS])
def test_a_disk_for_each_drive_and_a_script(t, platform, suffix, form, size):
    machine(t, disks=2)
    os.mkdir(t.path('out'))
    t.vmferry('convert', '--for', platform, 'vm.ova', 'out/')
    names = sorted(os.listdir(t.path('out')))
    tap.equal(sorted(name.rpartition('.')[2] for name in names), sorted([suffix, suffix, 'sh']), 'files')
    for name in names:
        if name.endswith(suffix):
            info = json.loads(t.run(tap.tool('qemu-img'), 'info', '-f', form, '--output=json', f'out/{name}').stdout)
            tap.equal(info['virtual-size'], size, name)
    script, = (name for name in names if name.endswith('.sh'))
    t.run('sh', '-n', f'out/{script}')
    words = shlex.split(t.read(f'out/{script}').decode(), comments=True)
    tap.equal([any(word.endswith(name) for word in words) for name in names if name != script], [True, True], 'named in the script')


OPENSTACK = [
    ('LSI Logic', ('--controller', 'lsilogic', '--os', 'ubuntu-64'), ['hw_disk_bus=sata', 'os_type=linux'], True),
    ('paravirtual', ('--controller', 'pvscsi', '--os', 'windows9-64'), ['hw_disk_bus=sata', 'os_type=windows'], True),
    ('SATA', ('--controller', 'sata', '--os', 'freebsd-64'), ['hw_disk_bus=sata'], False),
    ('IDE', ('--controller', 'ide', '--os', 'ubuntu-64'), ['hw_disk_bus=ide', 'os_type=linux'], False),
]


@tap.rows([(row[0], *row[1:]) for row in OPENSTACK])
def test_an_image_of_openstack_is_on_a_bus_that_the_guest_knows(t, options, properties, told):
    """QEMU has neither LSI Logic's 53C1030 nor VMware's adapter: "scsi" is the 53C895A."""
    machine(t, *options)
    found = losses(t, '--for', 'openstack', 'vm.ova', 'vm.sh')
    words = shlex.split(t.read('vm.sh').decode(), comments=True)
    tap.equal(sorted(word for word in words if re.match('hw_disk_bus|hw_scsi|os_type', word)), properties)
    tap.equal(found.get('disks[0].bus', {}).get('weight') == 'boot', told)


def test_virtio_scsi_of_openstack_is_named(t):
    disk(t, 'a.raw', MIB)
    t.write('vm.xml', b"<domain type='kvm'><name>vm</name><memory>65536</memory><devices><controller type='scsi' index='0' model='virtio-scsi'/><disk type='file'>"
                      b"<driver type='raw'/><source file='a.raw'/><target dev='sda' bus='scsi'/></disk></devices></domain>")
    t.vmferry('convert', '--for', 'openstack', 'vm.xml', 'out.sh')
    tap.contains(t.read('out.sh').decode(), '--property hw_disk_bus=scsi --property hw_scsi_model=virtio-scsi ')


def test_a_script_runs_nothing_of_a_name(t):
    """It is run, with programs that only tell their arguments."""
    machine(t)
    os.mkdir(t.path('out'))
    t.vmferry('convert', '--for', 'aws', 'vm.ova', 'out/')
    os.mkdir(t.path('bin'))
    t.write('bin/aws', b'#!/bin/sh\nfor word; do echo "<$word>"; done\n')
    os.chmod(t.path('bin/aws'), 0o755)
    script, = (name for name in os.listdir(t.path('out')) if name.endswith('.sh'))
    done = t.run('env', f'PATH={t.path("bin")}:{os.environ["PATH"]}', 'BUCKET=b', 'sh', f'out/{script}')
    tap.contains(done.stdout, f'<--description={NAME}>\n')
    tap.contains(done.stdout, '<Format=VMDK,UserBucket={S3Bucket=b,S3Key=it-s-a-vm.vmdk}>')


def test_gce_is_an_archive_with_one_disk(t):
    machine(t)
    os.mkdir(t.path('out'))
    t.vmferry('convert', '--for', 'gce', 'vm.ova', 'out/')
    name, = (name for name in os.listdir(t.path('out')) if name.endswith('.tar.gz'))
    with tarfile.open(t.path(f'out/{name}')) as archive:
        member, = archive.getmembers()
        tap.equal((member.name, member.size), ('disk.raw', 1 << 30), 'member')


def test_azure_footers(t):
    machine(t, disks=2)
    os.mkdir(t.path('out'))
    t.vmferry('convert', '--for', 'azure', 'vm.ova', 'out/')
    for name in os.listdir(t.path('out')):
        if name.endswith('.vhd'):
            footer = t.read(f'out/{name}')[-512:]
            tap.equal(struct.unpack_from('>QQ', footer, 40), (22 * MIB, 22 * MIB), name)


def test_virtualbox_gets_what_it_has(t):
    machine(t, '--controller', 'pvscsi', '--nic', 'model=vmxnet3')
    t.vmferry('convert', '-q', 'vm.ova', 'vm.vmx')
    told = losses(t, '--for', 'virtualbox', 'vm.vmx', 'out.ova')
    text = descriptor(t, 'out.ova')
    tap.equal(re.findall(r'<vssd:VirtualSystemType>([^<]*)<', text), ['virtualbox-2.2'], 'family')
    tap.equal(re.findall(r'<rasd:ResourceSubType>([^<]*)<', text), ['vmware.sata.ahci', 'E1000'], 'devices')
    tap.contains(told['disks[0].bus']['why'], 'needs a driver for AHCI')
    tap.contains(told['nics[0].model']['why'], 'needs a driver for e1000')


@tap.rows([(row[0], *row) for row in [('esxi', 'vmx-13'), ('esxi@6.0', 'vmx-11'), ('vSphere@7.0', 'vmx-13'), ('esxi@5.5', 'vmx-10')]])
def test_hardware_of_a_new_machine(t, platform, family):
    disk(t)
    t.vmferry('pack', '-q', '--for', platform, 'a.raw', '-o', 'out.ova')
    tap.contains(descriptor(t, 'out.ova'), f'VirtualSystemType>{family}<')


def test_a_package_of_virtualbox_becomes_one_for_esxi(t):
    """And the other way round; with OVF 2.0 first, which neither takes."""
    disk(t)
    t.vmferry('pack', '-q', '--ovf-version', '2.0', '--hardware', 'virtualbox-2.2', '--controller', 'sata', 'a.raw', '-o', 'vbox.ova')
    told = losses(t, '--for', 'esxi@7.0', 'vbox.ova', 'esxi.ova')
    text = descriptor(t, 'esxi.ova')
    tap.contains(text, '<vssd:VirtualSystemType>vmx-13<')
    tap.contains(text, 'http://schemas.dmtf.org/ovf/envelope/1"')
    tap.equal('StorageItem' in text, False, 'elements of OVF 2.0')
    tap.equal({field['weight'] for field in told.values()} & {'boot', 'data'}, set(), 'nothing that it boots with')
    t.vmferry('verify', 'esxi.ova')
    t.vmferry('convert', '-q', '--for', 'virtualbox', 'esxi.ova', 'back.ova')
    tap.contains(descriptor(t, 'back.ova'), '<vssd:VirtualSystemType>virtualbox-2.2<')


@tap.rows([
    ('stays where it is taken', 'vmx-17', 'esxi@7.0', 'vmx-17'),
    ('a newer one', 'vmx-20', 'esxi@7.0', 'vmx-13'),
    ('one of hosted products', 'vmx-12', 'esxi', 'vmx-13'),
    ('which those keep', 'vmx-12', 'workstation', 'vmx-12'),
    ('a very old one', 'vmx-07', 'esxi', 'vmx-13'),
    ('which an old host keeps', 'vmx-07', 'esxi@4.1', 'vmx-07'),
])
def test_hardware_of_a_machine(t, hardware, platform, family):
    machine(t, '--hardware', hardware)
    t.vmferry('convert', '-q', 'vm.ova', 'vm.vmx')
    t.vmferry('convert', '-q', '--for', platform, 'vm.vmx', 'out.ova')
    tap.contains(descriptor(t, 'out.ova'), f'VirtualSystemType>{family}<')


def test_an_old_host_has_no_nvme(t):
    machine(t, '--controller', 'nvme')
    t.vmferry('convert', '-q', 'vm.ova', 'vm.vmx')
    t.vmferry('convert', '-q', '--for', 'esxi@6.0', 'vm.vmx', 'out.ova')
    text = descriptor(t, 'out.ova')
    tap.contains(text, 'VirtualSystemType>vmx-11<')
    tap.contains(text, 'ResourceSubType>vmware.sata.ahci<')
    with tarfile.open(t.path('out.ova')) as archive:
        manifest = archive.extractfile(archive.getmembers()[1]).read()
    tap.equal(manifest[:5], b'SHA1(', 'its clients know no other digest')


@tap.rows([(row[0], *row) for row in [('libvirt', 'v.xml', 'bus="virtio"', 'model type="virtio"'), ('proxmox', 'v.conf', 'scsihw: virtio-scsi', 'net0: virtio')]])
def test_virtio_is_asked_for(t, platform, target, drive, card):
    machine(t, '--controller', 'lsilogic')
    t.vmferry('convert', '-q', 'vm.ova', 'vm.vmx')
    told = losses(t, '--for', platform, '--drivers', 'virtio', 'vm.vmx', target)
    tap.contains(t.read(target).decode(), drive)
    tap.contains(t.read(target).decode(), card)
    tap.contains(' '.join(field.get('why') or '' for field in told.values()), 'needs a driver for virtio')


@tap.rows([
    ('a format that is not taken', 'takes no machine in the format ovf, but: upload', '--for', 'azure', 'vm.vmx', 'b.ova'),
    ('virtio on VMware', 'has no virtio devices', '--for', 'esxi', '--drivers', 'virtio', 'vm.vmx', 'b.ova'),
    ('other drivers', 'accepted is virtio', '--for', 'libvirt', '--drivers', 'xen', 'vm.vmx', 'b.xml'),
    ('drivers of nothing', '--for says which', '--drivers', 'virtio', 'vm.vmx', 'b.xml'),
    ('a script for nothing', '--for says which', 'vm.vmx', 'b.sh'),
    ('a release that is none', 'there are: 4.0, 4.1, 5.0', '--for', 'esxi@3', 'vm.vmx', 'b.ova'),
    ('a release where none is known', 'no releases are told apart', '--for', 'aws@2', 'vm.vmx', 'b.ova'),
    ('another form', 'writes vpc', '--for', 'azure', '-O', 'qcow2', 'vm.vmx', 'b.sh'),
])
def test_refused(t, words, *arguments):
    machine(t)
    t.vmferry('convert', '-q', 'vm.ova', 'vm.vmx')
    before = sorted(t.names())
    tap.contains(t.vmferry('convert', *arguments, status=1).stderr, words)
    tap.equal(sorted(t.names()), before, 'files')


@tap.rows([
    ('no packages', 'takes no packages', '--for', 'libvirt'),
    ('a controller', 'has no controller pvscsi', '--for', 'virtualbox', '--controller', 'pvscsi'),
    ('a card', 'has no network card vmxnet3', '--for', 'virtualbox', '--nic', 'model=vmxnet3'),
    ('hardware', 'takes no hardware vmx-19', '--for', 'esxi@7.0', '--hardware', 'vmx-19'),
    ('OVF 2.0', 'takes no OVF 2.0', '--for', 'esxi', '--ovf-version', '2.0'),
])
def test_pack_refuses(t, words, *arguments):
    disk(t)
    tap.contains(t.vmferry('pack', *arguments, 'a.raw', '-o', 'b.ova', status=1).stderr, words)
    tap.equal(t.names(), ['a.raw'], 'files')


tap.main(globals())
