# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What convert --for PLATFORM writes of any machine or disk breaks no rule of lint --for PLATFORM. A sample of all pairs; VMFERRY_TEST_ALL=1 tries every one."""
import json
import os

import tap
from partitions import gpt

MIB = 1 << 20
ALL = os.environ.get('VMFERRY_TEST_ALL')
PLATFORMS = ['esxi', 'esxi@6.0', 'workstation', 'virtualbox', 'hyperv', 'azure', 'aws', 'gce', 'openstack', 'proxmox', 'xcp-ng', 'libvirt', 'nutanix', 'ovirt', 'kubevirt']
PACKAGES = ['esxi', 'esxi@6.0', 'workstation', 'virtualbox', 'aws', 'proxmox', 'nutanix', 'ovirt']
# how each kind of source is made of a package
MACHINES = {
    'ova': [],
    'virtualbox.ova': ['--for', 'virtualbox'],
    'ovf2.ova': None,
    'vmx': ['--machine', 'vmx'],
    'xml': ['--machine', 'libvirt'],
    'vbox': ['--machine', 'vbox'],
    'conf': ['--machine', 'proxmox'],
    'ps1': ['--machine', 'hyperv'],
    'xva': ['--machine', 'xapi'],
    'vma': ['--machine', 'vma'],
}
SUFFIXES = ('.ova', '.ovf', '.vmx', '.vbox', '.ps1', '.conf', '.xml', '.xva')
DISKS = {'raw': [], 'qcow2': [], 'vmdk': [], 'vdi': [], 'vhdx': [], 'vhd': ['-O', 'vpc'], 'qed': [], 'stream.vmdk': ['-O', 'vmdk', '-o', 'subformat=streamOptimized']}
# more of the machine
KINDS = {
    'bios': ['--controller', 'lsilogic', '--nic', 'model=vmxnet3,mac=00:50:56:00:00:01', '--cpus', '2'],
    'efi': ['--firmware', 'efi', '--secure-boot', '--controller', 'pvscsi', '--os', 'debian12-64'],
    'efi-lsi': ['--firmware', 'efi', '--controller', 'lsilogic', '--os', 'debian12-64'],
    'nvme': ['--controller', 'nvme', '--nic', 'model=e1000e'],
    'ide': ['--controller', 'ide', '--os', 'windows9-64'],
}


def disk(t, name, efi):
    if efi:
        gpt(t.path(name), 21 * MIB, [('efi', 2048, 4095), ('linux', 4096, 8191)])
    else:
        with open(t.path(name), 'wb') as raw:
            raw.truncate(21 * MIB)


def conforms(t, platform, name):
    done = t.vmferry('lint', '--output=json', '--for', platform, name, status=None)
    if done.returncode == 1 and 'no rule' in done.stderr: # nothing is known of such a file there
        return
    broken = [(finding['rule'], finding['found']) for finding in json.loads(done.stdout)['findings'] if finding['severity'] == 'violation']
    tap.equal((done.returncode, broken), (0, []), f'lint --for {platform} {name}')


def source(t, kind, machine, platform):
    """Of two disks, but where each is packed as a whole GiB."""
    disk(t, '0.raw', machine.startswith('efi'))
    disk(t, '1.raw', False)
    disks = ['0.raw'] if platform == 'gce' else ['0.raw', '1.raw']
    version = ['--ovf-version', '2.0'] if kind == 'ovf2.ova' else []
    t.vmferry('pack', '-q', '--no-sync', '--name', "it's a $(VM)", *KINDS[machine], *version, *disks, '-o', 'p.ova')
    if MACHINES[kind] in ([], None):
        return 'p.ova'
    name = f's.{kind.rpartition(".")[2]}'
    t.vmferry('convert', '-q', '--no-sync', *MACHINES[kind], 'p.ova', name)
    return name


def pairs(kinds, platforms):
    """Each kind with some platforms, so that each platform comes, too."""
    chosen = []
    for i, kind in enumerate(kinds):
        for k, platform in enumerate(platforms):
            if ALL or (i * 3 + k) % len(kinds) == 0:
                chosen.append((kind, platform))
    return chosen


def machines(platforms):
    names = list(KINDS)
    for number, (kind, platform) in enumerate(pairs(MACHINES, platforms)):
        for machine in names if ALL else [names[number % len(names)]]:
            yield f'{kind} with {machine} for {platform}', kind, machine, platform


@tap.rows(list(machines(PLATFORMS)))
def test_machine(t, kind, machine, platform):
    name = source(t, kind, machine, platform)
    os.mkdir(t.path('o'))
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, name, 'o/')
    files = sorted(os.listdir(t.path('o')))
    texts = [file for file in files if file.endswith(SUFFIXES)]
    for file in texts or [file for file in files if not file.endswith('.sh')]:
        conforms(t, platform, f'o/{file}')
    tap.equal(bool(files), True, 'files')


@tap.rows(list(machines(PACKAGES)))
def test_package(t, kind, machine, platform):
    name = source(t, kind, machine, platform)
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, name, 'o.ova')
    conforms(t, platform, 'o.ova')
    t.vmferry('verify', '-q', 'o.ova')


@tap.rows([(f'{kind} for {platform}', kind, platform) for kind, platform in pairs(DISKS, PLATFORMS) if platform != 'gce' or ALL])
def test_disk(t, kind, platform):
    disk(t, '0.raw', True)
    name = f's.{kind.rpartition(".")[2]}'
    if kind == 'raw':
        os.rename(t.path('0.raw'), t.path(name))
    elif kind == 'qed':
        t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', 'qcow2', '-o', 'compat=0.10', '0.raw', name)
    else:
        t.vmferry('convert', '-q', '--no-sync', *DISKS[kind], '0.raw', name)
    target = 'o.tar.gz' if platform == 'gce' else 'o.img'
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, name, target)
    conforms(t, platform, target)


tap.main(globals())
