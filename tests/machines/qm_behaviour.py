# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A script that imports a machine into Proxmox VE by qm: what it runs (hostile names: scripts_behaviour.py)."""
import json
import os
import shutil

import tap

STUB = '''#!/usr/bin/env python3
import json, os, sys
name = os.path.basename(sys.argv[0])
if name == 'pvesh':
    print('117')
with open(os.environ['CALLS'], 'a') as calls:
    print(json.dumps([name, *sys.argv[1:]]), file=calls)
'''


def machine(t, *options, name='My VM', disks=2):
    for number in range(disks):
        t.write(f'd{number}.raw', bytes([number + 1]) * (1 << 20))
    t.vmferry('pack', *[f'd{number}.raw' for number in range(disks)], '--name', name, '-o', 'vm.ova', *options)


def run(t, shell, *words, folder='out'):
    """The command lines that the script runs, from another folder."""
    os.makedirs(t.path('bin'), exist_ok=True)
    for name in ('qm', 'pvesh'):
        t.write('bin/' + name, STUB.encode())
        os.chmod(t.path('bin/' + name), 0o755)
    t.write('calls', b'')
    t.run(tap.tool(shell), t.path(folder + '/import.sh'), *words, env=dict(os.environ, PATH=t.path('bin') + ':' + os.environ['PATH'], CALLS=t.path('calls')))
    return [json.loads(line) for line in t.read('calls').decode().splitlines()]


def script(t, *options):
    os.makedirs(t.path('out'), exist_ok=True)
    return t.vmferry('convert', '--machine', 'qm', 'vm.ova', 'out/import.sh', '--force', *options)


def options_of(call):
    return dict(zip((word.removeprefix('--') for word in call[3::2]), call[4::2]))


@tap.rows([('dash', 'dash'), ('bash', 'bash')])
def test_what_the_script_runs(t, shell):
    machine(t, '--memory', '2G', '--cpus', '2', '--firmware', 'efi', '--annotation', 'one\ntwo')
    script(t)
    calls = run(t, shell, folder='out')
    tap.equal([call[:3] for call in calls], [['pvesh', 'get', '/cluster/nextid'], ['qm', 'create', '117'], *[['qm', 'set', '117']] * 4], 'calls')
    made = options_of(calls[1])
    tap.equal({key: made[key] for key in ('name', 'memory', 'cores', 'bios', 'description')},
              {'name': 'My-VM', 'memory': '2048', 'cores': '2', 'bios': 'ovmf', 'description': 'one\ntwo'}, 'the machine')
    tap.equal(calls[2][3:], ['--efidisk0', 'local-lvm:1,efitype=4m,pre-enrolled-keys=0'], 'variables of the firmware')
    tap.equal([call[3:] for call in calls[3:5]],
              [[f'--sata{number}', f'local-lvm:0,import-from={t.path("out")}/import-disk{number + 1}.qcow2,size=1024K'] for number in range(2)], 'disks')
    tap.equal(calls[5][3:], ['--boot', 'order=sata0;sata1'], 'the order of starting, when its drives are there')
    calls = run(t, shell, '300', 'nfs')
    tap.equal((calls[0][:3], calls[2][4].split(':')[0]), (['qm', 'create', '300'], 'nfs'), 'id and storage')


def test_keys_that_qm_does_not_have_are_left_out(t):
    t.write('d0.raw', bytes(1 << 20))
    t.write('vm.conf', b'boot: order=scsi0\nmemory: 512\nscsi0: d0.raw,size=1M\nx;touch owned: 1\n$(touch owned): 1\nwrong: 2\nprotection: 1\nostype: l26\n')
    os.makedirs(t.path('out'))
    t.vmferry('convert', '--machine', 'qm', 'vm.conf', 'out/import.sh')
    made = options_of(run(t, 'dash')[1])
    tap.equal((made['protection'], 'wrong' in made, os.path.exists(t.path('owned'))), ('1', False, False), 'keys')


def test_what_proxmox_keeps_itself_or_takes_from_a_file_is_no_option(t):
    """qm create ends at the first option that it does not have."""
    t.write('d0.raw', bytes(1 << 20))
    t.write('vm.conf', b'memory: 512\nmeta: creation-qemu=8.1.5,ctime=1700000000\nostype: l26\nrunningcpu: kvm64\nrunningmachine: pc-i440fx-7.2\n'
                       b'scsi0: d0.raw,size=1M\nsshkeys: ssh-ed25519%20AAAA\ntags: x\nvlan0: e1000=BC:24:11:2C:69:EC\n')
    os.makedirs(t.path('out'))
    done = t.vmferry('convert', '--machine', 'qm', 'vm.conf', 'out/import.sh')
    made = options_of(run(t, 'dash')[1])
    tap.equal(sorted(set(made) & {'meta', 'runningcpu', 'runningmachine', 'sshkeys', 'tags', 'vlan0'}), ['tags'], 'options')
    tap.contains(done.stderr, 'extra.sshkeys')


def test_it_says_what_a_configuration_says(t):
    """Read again as the configuration that it is made of: the same machine, but for the place of the disks."""
    machine(t, '--memory', '3G', '--cpus', '4', '--annotation', "50 % of it's\n# lines: x")
    script(t)
    t.vmferry('convert', 'vm.ova', 'out/vm.conf')
    found = [json.loads(t.vmferry('info', '--output=json', 'out/' + name).stdout)['machine'] for name in ('import.sh', 'vm.conf')]
    for machine_found in found:
        machine_found.pop('images', None)
        for disk in machine_found['disks']:
            disk.pop('image', None)
    tap.equal(found[0], found[1], 'the machine')
    t.vmferry('convert', 'out/import.sh', 'back.vmx')
    t.vmferry('compare', '-f', 'raw', 'd0.raw', 'back-disk1.vmdk')


def test_for_proxmox_takes_it(t):
    machine(t)
    script(t, '--for', 'proxmox')
    shutil.rmtree(t.path('out'))
    script(t, '--for', 'proxmox', '--drivers', 'virtio')
    tap.equal([call[3] for call in run(t, 'dash') if call[1] == 'set'], ['--scsi0', '--scsi1', '--boot'], 'drives')


@tap.rows([
    ('too long', b'qm create "$vmid" ' + b'#' * (1 << 21), 'is longer than'),
    ('an open quote', b"qm create \"$vmid\" --memory '12", None),
    ('many words', b'qm create "$vmid" ' + b"a' 'b " * 50000, None),
    ('options without a value', b'qm create "$vmid" --a --b --c', None),
    ('settings that are none', b'qm create "$vmid" --scsi0 "$storage":0,import-from="$PWD"/../../etc/passwd --memory -1', 'memory'),
])
def test_a_script_that_somebody_changed(t, text, message):
    """No file outside is opened, and the end is one of those that are told."""
    machine(t, disks=1)
    script(t)
    head = t.read('out/import.sh').split(b'qm create')[0]
    t.write('out/import.sh', head + text)
    done = t.vmferry('info', 'out/import.sh', status=None)
    tap.equal(done.returncode in (0, 2), True, f'{done.returncode} {done.stderr}')
    if message:
        tap.contains(done.stderr, message)


tap.main(globals())
