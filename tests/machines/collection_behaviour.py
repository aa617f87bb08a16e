# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A collection of machines becomes a folder a machine, all or none."""
import json
import os
import random
import sys

import tap

sys.path.insert(0, str(tap.SOURCE / 'tests/faults'))

import fault_tools
from package_behaviour import CIM, item

DISKS = [random.Random(seed).randbytes(100_000) + bytes(412_000) for seed in range(3)]
NAMES = 'db', 'web', 'app'
ORDER = '<StartupSection><Info/><Item ovf:id="s1" ovf:order="1"/><Item ovf:id="s0" ovf:order="2"/></StartupSection>'


def system(number, name):
    network = 'lan' if number < 2 else 'own'
    return (f'<VirtualSystem ovf:id="s{number}"><Info/><Name>{name}</Name><VirtualHardwareSection><Info/>{item(2, 4, "|<rasd:VirtualQuantity>512</rasd:VirtualQuantity>")}'
            f'{item(3, 6)}{item(4, 17, f"|<rasd:Parent>3</rasd:Parent><rasd:HostResource>ovf:/disk/d{number}</rasd:HostResource>")}'
            f'{item(5, 10, f"|<rasd:Connection>{network}</rasd:Connection>")}</VirtualHardwareSection></VirtualSystem>')


def collection(t, names=NAMES, package='c.ova'):
    """A package of machines with a disk each."""
    files = disks = ''
    for i in range(len(names)):
        t.write('disk.raw', DISKS[i])
        t.vmferry('convert', '-q', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'disk.raw', f'{i}.vmdk')
        files += f'<File ovf:id="f{i}" ovf:href="{i}.vmdk"/>'
        disks += (f'<Disk ovf:diskId="d{i}" ovf:fileRef="f{i}" ovf:capacity="{len(DISKS[i])}" '
                  'ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>')
    content = ''.join(system(i, name) for i, name in enumerate(names))
    t.write('c.ovf', (f'<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="{CIM}">'
                      f'<References>{files}</References><DiskSection><Info/>{disks}</DiskSection>'
                      f'<VirtualSystemCollection ovf:id="c"><Info/>{ORDER}{content}</VirtualSystemCollection></Envelope>').encode())
    members = ['c.ovf', *(f'{i}.vmdk' for i in range(len(names)))]
    t.run('tar', '--format=ustar', '-cf', package, *members)
    for name in *members, 'disk.raw':
        os.unlink(t.path(name))


def disk_of(t, machine):
    info = json.loads(t.vmferry('info', '--output=json', machine).stdout)
    images = [image['filename'] for image in info['machine'].get('images', [])] or [machine]
    t.vmferry('convert', '-q', '-O', 'raw', images[0], 'one.raw')
    content = t.read('one.raw')
    os.unlink(t.path('one.raw'))
    return content


@tap.rows([('a .vmx', 'vmx', 'vmx', 2), ('an XML of libvirt', 'libvirt', 'xml', 2), ('an OVA', 'ova', 'ova', 1), ('an XVA', 'xva', 'xva', 1), ('a VMA', 'vma', 'vma', 1)])
def test_each_machine_gets_a_folder_with(t, form, suffix, files):
    collection(t)
    t.vmferry('convert', '--machine', form, 'c.ova', 'out/')
    tap.equal(sorted(os.listdir(t.path('out'))), sorted(NAMES), 'folders')
    for name, disk in zip(NAMES, DISKS, strict=True):
        tap.equal(len(os.listdir(t.path('out/' + name))), files, 'files')
        tap.equal(disk_of(t, f'out/{name}/{name}.{suffix}')[:len(disk)], disk, f'disk of {name}')


def test_a_folder_may_be_there_or_be_named_without_a_slash(t):
    collection(t)
    os.mkdir(t.path('there'))
    for target in 'there', 'new':
        t.vmferry('convert', '--machine', 'ovf', 'c.ova', target)
        tap.equal(sorted(os.listdir(t.path(target + '/web'))), ['web-disk1.vmdk', 'web.mf', 'web.ovf'], 'files')


def test_names_that_are_no_folders_or_are_taken_are_made_safe(t):
    collection(t, ('../x', 'A B', 'a_b'))
    done = t.vmferry('convert', '--machine', 'vmx', 'c.ova', 'out/')
    tap.equal(sorted(os.listdir(t.path('out'))), ['A_B', '_._x', 'a_b-2'], 'folders')
    tap.equal(t.names(), ['c.ova', 'out'], 'files')
    for told in '"../x"', '"A_B"', '"a_b-2"':
        tap.contains(done.stderr, told)


def test_order_and_shared_networks_are_told(t):
    collection(t)
    done = t.vmferry('convert', '--machine', 'vmx', '--losses=l.json', 'c.ova', 'out/')
    report = json.loads(t.read('l.json'))
    tap.equal(report['start-order'], ['web', 'db'], 'order')
    tap.equal(report['shared-networks'], [{'network': 'lan', 'machines': ['db', 'web']}], 'networks')
    tap.equal([(machine['name'], machine['target']) for machine in report['machines']], [(name, f'out/{name}/{name}.vmx') for name in NAMES], 'machines')
    tap.equal('start-order' in {field['field'] for field in report['machines'][0]['fields']}, True, 'of one')
    tap.contains(done.stderr, 'web, db')
    tap.contains(done.stderr, 'on the network "lan" together: db, web')


def test_a_network_of_any_of_them_is_renamed(t):
    collection(t)
    t.vmferry('convert', '--machine', 'vmx', '--network', 'own=br0', 'c.ova', 'out/')
    tap.contains(t.read('out/app/app.vmx').decode(), '"br0"')
    tap.contains(t.vmferry('convert', '--machine', 'vmx', '--network', 'none=br0', 'c.ova', 'no/', status=1).stderr, 'lan, lan, own')


def cut(t):
    """The last machine's disk is damaged, and nothing vouches for it."""
    package = bytearray(t.read('c.ova'))
    at = package.index(b'2.vmdk' + bytes(94)) + 512 + 70_000
    package[at:at + 2000] = bytes(2000)
    t.write('c.ova', bytes(package))


def occupy(t):
    os.makedirs(t.path('out/app'))


@tap.rows([('the disk of the last is damaged', cut, (), 2, ''), ('a folder is there', occupy, (), 1, 'out/app: is there already'),
           ('a network is none of theirs', lambda t: None, ('--network', 'x=y'), 1, 'no network card'),
           ('it is a dry run', lambda t: None, ('--dry-run',), 0, ''), ('the set is too large', lambda t: None, ('--max-size', '250k'), 2, '--max-size')])
def test_nothing_is_left_where(t, make, options, status, says):
    collection(t)
    make(t)
    before = sorted(str(path) for path in t.folder.rglob('*'))
    tap.contains(t.vmferry('convert', '--machine', 'vmx', *options, 'c.ova', 'out/', status=status).stderr, says)
    tap.equal(sorted(str(path) for path in t.folder.rglob('*')), before, 'files')


def test_nothing_is_left_where_the_last_cannot_be_put_in_place(t):
    collection(t)
    os.mkdir(t.path('out'))
    failed = 0
    for number in range(1, 9):
        status, _ = fault_tools.convert(t, f'rename:{number}:5', '--machine', 'vmx', 'c.ova', 'out/')
        failed += status != 0
        tap.equal(sorted(os.listdir(t.path('out'))), [] if status else sorted(NAMES), f'folders at rename {number}')
        if not status:
            break
    tap.equal(failed, 6, 'renames that failed')


def test_one_of_them_is_chosen(t):
    collection(t)
    t.vmferry('convert', '--machine', 'vmx', '--system', 'web', 'c.ova', 'out/')
    tap.equal(sorted(os.listdir(t.path('out'))), ['web-disk1.vmdk', 'web.vmx'], 'files')
    tap.contains(t.vmferry('convert', 'c.ova', 'one.vmx', status=1).stderr, 'FOLDER/')


def test_without_a_format_the_package_stays_one(t):
    collection(t)
    t.vmferry('convert', 'c.ova', 'out/')
    tap.contains(t.names(), 'out')
    tap.equal(len([name for name in os.listdir(t.path('out')) if name.endswith('.ovf')]), 1, 'descriptors')


if __name__ == '__main__':
    tap.main(globals())
