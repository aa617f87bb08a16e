# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Drives of a machine whose content is no file here, and what becomes of them."""
import json
import os
import random
import sys

import tap

sys.path.insert(0, str(tap.SOURCE / 'tests/faults'))

import fault_tools

DISK = random.Random(7).randbytes(70_000) + bytes(3_728)
NETWORK = '<disk type="network" device="disk"><driver type="raw"/><source protocol="rbd" name="pool/a"/><target dev="sdb" bus="scsi"/></disk>'
VOLUME = '<disk type="volume" device="disk"><source pool="default" volume="b.img"/><target dev="sdc" bus="scsi"/></disk>'
LOCKED = ('<disk type="file" device="disk"><driver type="qcow2"/><source file="locked.qcow2"><encryption format="luks"><secret type="passphrase" uuid="{0}"/></encryption></source>'
          '<target dev="sdd" bus="scsi"/></disk>').format('8312995e-57b8-f814-4013-c1ba795f05ba')
TARGETS = 'vm.ova', 'vm.vmx', 'to.xml', 'vm.xva', 'vm.vma', 'vm.conf'


def domain(t, *devices):
    t.write('a.raw', DISK)
    first = '<disk type="file" device="disk"><driver type="raw"/><source file="a.raw"/><target dev="sda" bus="scsi"/></disk>'
    t.write('vm.xml', ('<domain type="kvm"><name>web</name><memory unit="MiB">512</memory><vcpu>1</vcpu><os><type arch="x86_64" machine="q35">hvm</type></os>'
                       f'<devices>{first}{"".join(devices)}</devices></domain>').encode())


def machine_of(t, name):
    return json.loads(t.vmferry('info', '--output=json', name).stdout)['machine']


def disks_of(t, name):
    return [disk for disk in machine_of(t, name)['disks'] if disk['medium'] in ('disk', 'lun')]


def losses_of(t, *arguments, status=0):
    t.vmferry('convert', '--losses', 'l.json', *arguments, status=status)
    return {field['field']: field for field in json.loads(t.read('l.json'))['fields']}


def test_info_shows_a_machine_whose_disks_are_out_of_reach(t):
    domain(t, NETWORK, VOLUME, LOCKED)
    tap.equal([disk.get('elsewhere') for disk in disks_of(t, 'vm.xml')], [None, 'network rbd pool/a', 'volume default b.img', 'encrypted by the secret 8312995e-57b8-f814-4013-c1ba795f05ba: locked.qcow2'], 'contents')
    tap.contains(t.vmferry('info', 'vm.xml').stdout, 'encrypted by the secret 8312995e-57b8-f814-4013-c1ba795f05ba: locked.qcow2')


def test_all_of_them_are_named_at_once(t):
    domain(t, NETWORK, VOLUME, LOCKED)
    done = t.vmferry('convert', 'vm.xml', 'vm.ova', status=9)
    for part in 'vm.xml:1: ', 'disk 1 (network rbd pool/a), disk 2 (volume default b.img), disk 3 (encrypted by the secret 8312995e-57b8-f814-4013-c1ba795f05ba: locked.qcow2)', '--without-disk':
        tap.contains(done.stderr, part)
    tap.contains(t.vmferry('convert', '--without-disk=1', '--without-disk', 'b.img', 'vm.xml', 'vm.ova', status=1).stderr, 'has no disk "b.img"')
    tap.contains(t.vmferry('convert', '--without-disk=1', 'vm.xml', 'vm.ova', status=9).stderr, ': disk 2 (volume')
    tap.equal(t.names(), ['a.raw', 'vm.xml'], 'files')


@tap.rows([(target, target) for target in TARGETS])
def test_a_disk_is_left_out_of(t, target):
    domain(t, NETWORK, LOCKED)
    options = ['--without-disk=1', '--without-disk=encrypted by the secret 8312995e-57b8-f814-4013-c1ba795f05ba: locked.qcow2', *(['--machine=proxmox'] if target == 'vm.conf' else [])]
    told = losses_of(t, *options, 'vm.xml', target)
    tap.equal([(told[field]['outcome'], told[field]['weight'], told[field]['code']) for field in ('disks[1]', 'disks[2]')], [('dropped', 'data', 'L-disk-without')] * 2, 'losses')
    tap.equal(len(disks_of(t, target)), 1, 'disks')
    if target != 'vm.conf':
        t.vmferry('compare', 'a.raw', machine_of(t, target).get('images', [{'filename': target}])[0]['filename'])
    tap.contains(t.vmferry('convert', '--strict', *options, 'vm.xml', 'no-' + target, status=2).stderr, 'nothing is written')


def test_a_file_is_left_out_by_its_name(t):
    domain(t, '<disk type="file" device="disk"><driver type="raw"/><source file="gone/b.raw"/><target dev="sdb" bus="scsi"/></disk>')
    t.vmferry('convert', 'vm.xml', 'vm.ova', status=2)
    told = losses_of(t, '--without-disk', 'b.raw', 'vm.xml', 'vm.ova')
    tap.equal(told['disks[1]']['weight'], 'data', 'weight')
    tap.equal(len(disks_of(t, 'vm.ova')), 1, 'disks')


def test_raw_devices_of_vmware(t):
    t.write('a.raw', DISK)
    t.vmferry('convert', '-q', '-o', 'subformat=monolithicSparse', 'a.raw', 'a.vmdk')
    t.write('vm.vmx', '\n'.join(['config.version = "8"', 'virtualHW.version = "13"', 'displayName = "db"', 'scsi0.present = "TRUE"', *(
        f'scsi0:{unit}.{line}' for unit, file, kind in ((0, 'a.vmdk', 'scsi-hardDisk'), (1, '/vmfs/devices/genscsi/x', 'scsi-passthru'), (2, 'rdm.vmdk', 'rawDisk'))
        for line in ('present = "TRUE"', f'fileName = "{file}"', f'deviceType = "{kind}"')), '']).encode())
    t.write('rdm.vmdk', b'# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="vmfsRawDeviceMap"\nRW 2048 VMFSRDM "rdm-rdm.vmdk"\n')
    tap.contains(t.vmferry('info', 'vm.vmx').stdout, 'device /vmfs/devices/genscsi/x')
    tap.contains(t.vmferry('convert', 'vm.vmx', 'vm.ova', status=9).stderr, 'disk 1 (device /vmfs/devices/genscsi/x)')
    for target in 'vm.ova', 'vm2.vmx':
        told = losses_of(t, '--without-disk=1', '--without-disk=rdm.vmdk', 'vm.vmx', target)
        tap.equal([told[f'disks[{i}]']['weight'] for i in (1, 2)], ['data', 'data'], 'weights')
        tap.equal(len(disks_of(t, target)), 1, 'disks')


@tap.rows([('an XVA', 'vm.xva'), ('a VMA', 'vm.vma')])
def test_many_disks_of_one_file_are_looked_for_once(t, file):
    """Reads of the source by a dry run: hardly more with eight disks than with two, beside their own chunks."""
    os.makedirs(t.path('src'))
    counts = []
    for disks in 2, 8:
        drives = ''
        for i in range(disks):
            t.write(f'{i}.raw', random.Random(i).randbytes((24 << 20) // disks))
            drives += f'<disk type="file"><driver type="raw"/><source file="{i}.raw"/><target dev="sd{chr(97 + i)}" bus="sata"/></disk>'
        t.write('vm.xml', ('<domain type="kvm"><name>web</name><memory unit="MiB">512</memory><vcpu>1</vcpu><os><type arch="x86_64" machine="q35">hvm</type></os>'
                           f'<devices>{drives}</devices></domain>').encode())
        t.vmferry('convert', '-q', 'vm.xml', 'src/' + file)
        fault_tools.convert(t, 'read:100000:5', '--dry-run', 'src/' + file, 'to.vmx', folder='src')
        counts.append(fault_tools.count(t))
        t.vmferry('convert', '-q', 'src/' + file, 'to.vmx')
        for i in range(disks):
            t.vmferry('compare', f'{i}.raw', f'to-disk{i + 1}.vmdk')
            os.unlink(t.path(f'to-disk{i + 1}.vmdk'))
        os.unlink(t.path('to.vmx'))
        os.unlink(t.path('src/' + file))
    tap.equal(counts[1] < 2 * counts[0], True, f'reads {counts}')


if __name__ == '__main__':
    tap.main(globals())
