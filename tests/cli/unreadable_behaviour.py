# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`info` of an image that cannot be opened: what is known of it, what is not, and an exit status that says so."""
import json
import os
import shutil

import tap

SIZE = 2100736  # of the disk in test-images


def take(t, *names):
    for name in names:
        shutil.copy(tap.IMAGES / name, t.folder)


def info(t, *arguments, status):
    """The JSON, which has one error, the one on standard error; people are told the same."""
    done = t.vmferry('info', '--output=json', *arguments, status=status)
    text = t.vmferry('info', *arguments, status=status).stdout
    found = json.loads(done.stdout)
    images = found if isinstance(found, list) else [found]
    tap.equal([image['error'] for image in images if 'error' in image], [images[-1]['error']], 'errors')
    tap.equal(done.stderr.strip().split('\n')[-1], 'vmferry: ' + images[-1]['error'], 'standard error')
    tap.contains(text, 'cannot be read: ' + images[-1]['error'])
    return found


def test_encrypted(t):
    take(t, 'bad-qcow2-encrypted.qcow2')
    found = json.loads(t.vmferry('info', '--output=json', 'bad-qcow2-encrypted.qcow2').stdout)
    tap.equal([found[key] for key in ('format', 'virtual-size', 'cluster-size', 'encrypted')],
              ['qcow2', SIZE, 4096, True])
    tap.contains(t.vmferry('convert', '-O', 'raw', 'bad-qcow2-encrypted.qcow2', 'x.raw', status=10).stderr, 'encrypted (AES)')


def test_unknown_feature(t):
    take(t, 'bad-qcow2-feature.qcow2')
    found = info(t, 'bad-qcow2-feature.qcow2', status=9)
    tap.equal([found[key] for key in ('format', 'virtual-size', 'cluster-size')], ['qcow2', SIZE, 4096])
    tap.contains(found['error'], 'feature bit 40')


def test_missing_extents(t):
    text = '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="twoGbMaxExtentFlat"\n'
    t.write('x.vmdk', (text + 'RW 8 FLAT "x-f001.vmdk" 0\nRW 16 FLAT "C:\\x-f002.vmdk" 0\n').encode())
    t.write('x-f001.vmdk', bytes(8 * 512))
    found = info(t, 'x.vmdk', status=2)
    tap.equal(found['virtual-size'], 24 * 512)
    extents = found['format-specific']['data']['extents']
    tap.equal([(extent['filename'], extent['virtual-size']) for extent in extents],
              [('x-f001.vmdk', 4096), ('C:\\x-f002.vmdk', 8192)])
    tap.contains(found['error'], 'x-f002.vmdk')


def test_missing_data_file(t):
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-o', 'data_file=x.data', 'x.qcow2', '1M')
    (t.folder / 'x.data').unlink()
    found = info(t, 'x.qcow2', status=2)
    tap.equal((found['virtual-size'], found['format-specific']['data']['data-file']), (1 << 20, 'x.data'))


def test_missing_parent(t):
    take(t, 'good-qcow2-overlay.qcow2')
    tap.equal('error' in json.loads(t.vmferry('info', '--output=json', 'good-qcow2-overlay.qcow2').stdout), False)
    found = info(t, '--backing-chain', 'good-qcow2-overlay.qcow2', status=2)
    tap.equal([image['filename'] for image in found], ['good-qcow2-overlay.qcow2'])
    tap.equal(found[0]['backing-filename'], 'good-qcow2-v3.qcow2')
    tap.contains(found[0]['error'], 'good-qcow2-v3.qcow2')


def test_parent_that_cannot_be_read(t):
    take(t, 'good-qcow2-overlay.qcow2', 'bad-qcow2-feature.qcow2')
    (t.folder / 'bad-qcow2-feature.qcow2').rename(t.path('good-qcow2-v3.qcow2'))
    t.run(tap.tool('qemu-img'), 'create', '-q', '-u', '-f', 'qcow2', '-b', 'good-qcow2-overlay.qcow2', '-F', 'qcow2',
          'top.qcow2', str(SIZE))
    found = info(t, '--backing-chain', 'top.qcow2', status=9)
    tap.equal([image['filename'] for image in found],
              ['top.qcow2', 'good-qcow2-overlay.qcow2', 'good-qcow2-v3.qcow2'])


def test_loop(t):
    take(t, 'bad-qcow2-loop.qcow2')
    tap.contains(info(t, '--backing-chain', 'bad-qcow2-loop.qcow2', status=2)[-1]['error'], 'a loop')


def test_cut_short(t):
    t.write('disk.raw', bytes(1 << 20))
    t.vmferry('convert', '-O', 'vhd', '-o', 'subformat=fixed', 'disk.raw', 'disk.vhd')
    data = t.read('disk.vhd')
    t.write('cut.vhd', data[4096:])
    found = info(t, 'cut.vhd', status=2)
    tap.equal((found['format'], found['virtual-size'], found['format-specific']['data']['subformat']),
              ('vpc', len(data) - 512, 'fixed'))
    take(t, 'good-vmdk-sparse.vmdk')
    t.write('cut.vmdk', t.read('good-vmdk-sparse.vmdk')[:-4096])
    tap.equal(info(t, 'cut.vmdk', status=2)['virtual-size'], json.loads(
        t.vmferry('info', '--output=json', 'good-vmdk-sparse.vmdk').stdout)['virtual-size'])


@tap.rows([('known', b'LUKS\xba\xbe', 9), ('unknown', b'\1\2\3', 2)])
def test_no_format(t, start, status):
    t.write('x.dat', start.ljust(8192, b'\1'))
    found = info(t, 'x.dat', status=status)
    tap.equal(sorted(found), ['actual-size', 'error', 'filename'])


def test_nothing_there(t):
    tap.equal(t.vmferry('info', '--output=json', 'gone.qcow2', status=1).stdout, '')


def packed(t, content):
    """vm.ova with two disks, the second of them `content`."""
    t.write('disk.raw', bytes(1 << 20))
    t.vmferry('pack', '--disk-format', 'qcow2', 'disk.raw', 'disk.raw', '-o', 'folder/', '--name', 'vm')
    os.remove(t.path('folder/vm.mf'))
    t.write('folder/vm-disk2.qcow2', content(t.read('folder/vm-disk2.qcow2')))
    t.run('tar', '-C', 'folder', '--format=ustar', '-cf', t.path('vm.ova'), 'vm.ovf', 'vm-disk1.qcow2', 'vm-disk2.qcow2')


@tap.rows([('no disk', lambda data: b'no disk' * 1000, 2), ('an unknown feature', lambda data: data[:72] + b'\xff' + data[73:], 9)])
def test_disk_of_a_package(t, content, status):
    """All else of the package is shown, and the exit status is that of the disk alone."""
    os.mkdir(t.path('folder'))
    packed(t, content)
    for name in ('vm.ova', 'folder/vm.ovf'):
        done = t.vmferry('info', '--output=json', name, status=status)
        first, second = json.loads(done.stdout)['disks']
        tap.equal((first['format'], 'error' in first, first['virtual-size']), ('qcow2', False, 1 << 20), 'first disk')
        tap.equal(done.stderr.strip().split('\n')[-1], 'vmferry: ' + second['error'], 'standard error')
        text = t.vmferry('info', name, status=status).stdout
        tap.contains(text, 'machine: vm')
        tap.contains(text, 'cannot be read: ' + second['error'])
        t.vmferry('info', f'{name}::vm-disk2.qcow2', status=status)


def test_descriptor_without_its_files(t):
    os.mkdir(t.path('folder'))
    packed(t, lambda data: data)
    for name in ('vm-disk1.qcow2', 'vm-disk2.qcow2'):
        os.remove(t.path('folder/' + name))
    tap.contains(t.vmferry('info', 'folder/vm.ovf').stdout, 'cannot be read: ')
    t.run('tar', '-C', 'folder', '--format=ustar', '-cf', t.path('vm.ova'), 'vm.ovf')
    t.vmferry('info', 'vm.ova', status=2)


tap.main(globals())
