# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A configuration of Proxmox VE of its own: --storage says where the volumes are."""
import json
import os

import tap

SIZE = 1 << 20


def content(seed):
    return bytes([seed]) * 70_000 + bytes(SIZE - 70_000)


def stored(t, name, seed, **files):
    """A file of a storage: raw, or what its suffix says."""
    os.makedirs(os.path.dirname(t.path(name)), exist_ok=True)
    t.write('raw', content(seed))
    options = [f'-{key}{value}' for key, value in files.items()]
    t.vmferry('convert', '-q', '-f', 'raw', '-O', 'qcow2' if name.endswith('qcow2') else 'raw', *options, 'raw', name)


def server(t):
    stored(t, 'nfs/images/100/vm-100-disk-0.qcow2', 1)
    stored(t, 'lvm/vm-100-disk-1', 2)
    t.write('100.conf', b'name: web\nmemory: 512\nide2: nfs:iso/x.iso,media=cdrom\nscsi0: nfs:100/vm-100-disk-0.qcow2,size=1M\nscsi1: local-lvm:vm-100-disk-1\n')
    return '--storage', 'nfs=nfs', '--storage', 'local-lvm=lvm'


def disks(t, path):
    images = json.loads(t.vmferry('info', '--output=json', path).stdout)['machine']['images']
    found = []
    for image in images:
        t.vmferry('convert', '-q', '-O', 'raw', image['filename'], 'one')
        found.append(t.read('one'))
    return found


def test_volumes_are_files_of_their_storages(t):
    storages = server(t)
    images = json.loads(t.vmferry('info', '--output=json', *storages, '100.conf').stdout)['machine']['images']
    tap.equal([(os.path.relpath(image['filename'], t.path('.')), image['format']) for image in images],
              [('nfs/images/100/vm-100-disk-0.qcow2', 'qcow2'), ('lvm/vm-100-disk-1', 'raw')])
    t.vmferry('convert', '--losses', 'losses', *storages, '100.conf', 'vm.vmx')
    tap.equal(disks(t, 'vm.vmx'), [content(1), content(2)], 'disks')
    told = {field['field']: field for field in json.loads(t.read('losses'))['fields']}
    tap.equal([name for name, field in told.items() if field['weight'] == 'data'], [], 'lost data')


def test_storages_that_nobody_named_are_told(t):
    server(t)
    stderr = t.vmferry('convert', '100.conf', 'vm.vmx', status=9).stderr
    tap.contains(stderr, '100.conf:4: these disks are on storages of the server: disk 1 (volume nfs:100/vm-100-disk-0.qcow2), disk 2 (volume local-lvm:vm-100-disk-1); --storage NAME=DIR')
    tap.contains(stderr, 'once for each of: nfs, local-lvm')
    tap.contains(t.vmferry('convert', '--storage', 'nfs=nfs', '100.conf', 'vm.vmx', status=9).stderr, 'once for each of: local-lvm')
    tap.equal(sorted(name for name in t.names() if name.startswith('vm')), [], 'files')


@tap.rows([
    ('the storage itself', 'nfs:100/vm-100-disk-0.qcow2', 'images/100/vm-100-disk-0.qcow2'), ('its images', 'nfs:100/vm-100-disk-0.qcow2', '100/vm-100-disk-0.qcow2'),
    ('the folder alone', 'nfs:100/vm-100-disk-0.qcow2', 'vm-100-disk-0.qcow2'), ('a device that was copied', 'lvm:vm-100-disk-0', 'vm-100-disk-0.raw'),
    ('a device that was converted', 'lvm:vm-100-disk-0', 'vm-100-disk-0.qcow2'),
    ('a clone among files', 'nfs:9000/base-9000-disk-0.qcow2/100/vm-100-disk-0.qcow2', 'images/100/vm-100-disk-0.qcow2'),
    ('a clone among devices', 'zfs:base-9000-disk-0/vm-100-disk-0', 'vm-100-disk-0'), ('a base', 'zfs:base-9000-disk-0', 'base-9000-disk-0'),
])
def test_places(t, volume, place):
    stored(t, 'dir/' + place, 7)
    t.write('100.conf', f'memory: 512\nscsi0: {volume}\n'.encode())
    t.vmferry('convert', '-q', '--storage', volume.partition(':')[0] + '=dir', '100.conf', 'vm.vmx')
    tap.equal(disks(t, 'vm.vmx'), [content(7)], 'disk')


def test_a_linked_clone_is_read_through_its_base(t):
    stored(t, 'nfs/images/9000/base-9000-disk-0.qcow2', 1)
    os.makedirs(t.path('nfs/images/100'))
    t.write('raw', content(2)[:35_000] + content(1)[35_000:])
    t.vmferry('convert', '-q', '-f', 'raw', '-O', 'qcow2', '--allow-ref', 'nfs', '-B', '../9000/base-9000-disk-0.qcow2', '-F', 'qcow2', 'raw', 'nfs/images/100/vm-100-disk-0.qcow2')
    t.write('100.conf', b'memory: 512\nscsi0: nfs:9000/base-9000-disk-0.qcow2/100/vm-100-disk-0.qcow2\n')
    t.vmferry('convert', '-q', '--storage', 'nfs=nfs', '100.conf', 'vm.vmx')
    tap.equal(disks(t, 'vm.vmx'), [t.read('raw')], 'disk')
    os.unlink(t.path('nfs/images/9000/base-9000-disk-0.qcow2'))
    tap.contains(t.vmferry('convert', '--storage', 'nfs=nfs', '100.conf', 'no.vmx', status=2).stderr, 'base-9000-disk-0.qcow2')


@tap.rows([(name, name) for name in ('nfs:../secret', 'nfs:../../secret', 'nfs:/secret', 'nfs:100/../../secret', 'nfs:link', 'nfs:deep/link', 'nfs:fifo', 'nfs:', 'nfs:gone', 'nfs:.')])
def test_nothing_leads_out_of_a_storage(t, volume):
    os.makedirs(t.path('dir/deep/deeper'))
    t.write('secret', bytes(SIZE))
    for name in 'dir/link', 'dir/deep/link':
        os.symlink(t.path('secret'), t.path(name))
    os.mkfifo(t.path('dir/fifo'))
    t.write('100.conf', f'memory: 512\nscsi0: {volume}\n'.encode())
    t.vmferry('convert', '--storage', 'nfs=dir', '100.conf', 'vm.vmx', status=2)
    tap.equal(os.path.exists(t.path('vm.vmx')), False, 'machine')


def test_a_snapshot_is_the_one_inside_of_the_image(t):
    stored(t, 'nfs/images/100/vm-100-disk-0.qcow2', 1)
    image = t.path('nfs/images/100/vm-100-disk-0.qcow2')
    t.run(tap.tool('qemu-img'), 'snapshot', '-c', 'before', image)
    t.run(tap.tool('qemu-io'), '-c', 'write -P 9 0 64k', image)
    t.write('100.conf', b'memory: 512\nparent: before\nscsi0: nfs:100/vm-100-disk-0.qcow2\n[before]\nmemory: 256\nscsi0: nfs:100/vm-100-disk-0.qcow2\n')
    t.vmferry('convert', '-q', '--storage', 'nfs=nfs', '100.conf', 'now.vmx')
    t.vmferry('convert', '-q', '--storage', 'nfs=nfs', '-l', 'before', '100.conf', 'then.vmx')
    tap.equal(disks(t, 'now.vmx'), [bytes([9]) * 65536 + content(1)[65536:]], 'disk now')
    tap.equal(disks(t, 'then.vmx'), [content(1)], 'disk then')
    t.run(tap.tool('qemu-img'), 'snapshot', '-d', 'before', image)
    t.vmferry('convert', '-q', '--storage', 'nfs=nfs', '-l', 'before', '100.conf', 'no.vmx', status=1)


@tap.rows([('no folder', 'nfs'), ('no name', '=dir'), ('nothing', 'nfs='), ('a folder that is not there', 'nfs=gone'), ('a file', 'nfs=100.conf')])
def test_storages_that_are_none(t, storage):
    server(t)
    tap.contains(t.vmferry('info', '--storage', storage, '100.conf', status=1).stderr, '--storage ' + storage)


if __name__ == '__main__':
    tap.main(globals())
