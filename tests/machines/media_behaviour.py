# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The images in the CD and floppy drives of a machine: taken along where the target has a place for them, told where not."""
import json
import os
import random
import re

import tap

DISK = random.Random(3).randbytes(70_000) + bytes(3_728)
CD = random.Random(4).randbytes(40_000) + bytes(42_000)
FLOPPY = random.Random(5).randbytes(1000) + bytes(1_473_560)
START = '''.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "19"
displayName = "vm"
guestOS = "debian12-64"
memsize = "512"
sata0.present = "TRUE"
sata0:0.present = "TRUE"
sata0:0.fileName = "d.vmdk"
'''
HOLD_CDS = 'vm.vmx', 'vm.xml', 'vm.vbox', 'vm.ps1', 'vm.conf', 'vm.ova', 'vm.ovf'
HOLD_FLOPPIES = 'vm.vmx', 'vm.xml', 'vm.vbox', 'vm.ova', 'vm.ovf'
TARGETS = *HOLD_CDS, 'vm.xva', 'vm.vma'


def cd(name, place='ide1:0'):
    return f'{place}.present = "TRUE"\n{place}.deviceType = "cdrom-image"\n{place}.fileName = "{name}"\n'


def floppy(name):
    return f'floppy0.present = "TRUE"\nfloppy0.fileType = "file"\nfloppy0.fileName = "{name}"\n'


def machine(t, *drives):
    os.makedirs(t.path('src'), exist_ok=True)
    t.write('d.raw', DISK)
    t.vmferry('convert', '-O', 'vmdk', 'd.raw', 'src/d.vmdk')
    t.write('src/vm.vmx', (START + ''.join(drives)).encode())
    t.write('src/x.iso', CD)
    t.write('src/f.flp', FLOPPY)


def convert(t, target, *words, source='src/vm.vmx', status=0):
    """What the report says of the drives, by field."""
    os.makedirs(t.path('out'), exist_ok=True)
    done = t.vmferry('convert', '--losses', 'l.json', *words, source, 'out/' + target, status=status)
    if status:
        return done.stderr
    fields = {field['field']: field for field in json.loads(t.read('l.json'))['fields']}
    os.remove(t.path('l.json'))
    return fields


def drives(t, name):
    found = json.loads(t.vmferry('info', '--output=json', name).stdout)['machine']['disks']
    return {disk['medium']: disk for disk in found}


def members(t, target):
    """The files of the machine that was written, by name."""
    if target.endswith('.ova'):
        os.makedirs(t.path('ova'), exist_ok=True)
        t.run(tap.tool('tar'), '-xf', 'out/' + target, '-C', 'ova')
        return {name: t.read('ova/' + name) for name in os.listdir(t.path('ova'))}
    return {name: t.read('out/' + name) for name in os.listdir(t.path('out'))}


@tap.rows([(target, target) for target in TARGETS])
def test_a_cd_goes_along_where_there_is_a_place_for_it(t, target):
    machine(t, cd('x.iso'))
    told = convert(t, target)
    kept = target in HOLD_CDS
    tap.equal(told.get('disks[1].image', {}).get('outcome'), None if kept else 'dropped', 'told')
    files = members(t, target)
    tap.equal([name for name in files if name.endswith('.iso')], ['vm-x.iso'] if kept else [], 'files')
    if kept:
        tap.equal(files['vm-x.iso'] == CD, True, 'content')
        tap.equal(os.path.basename(drives(t, 'out/' + target)['cdrom']['image']), 'vm-x.iso', 'named')
    else:
        tap.equal(told['disks[1].image']['code'], 'L-cdrom-media')
    if target in ('vm.ova', 'vm.ovf'):
        t.vmferry('verify', 'out/' + target)
        t.write('out/' + target, t.read('out/' + target).replace(CD[:64], b'x' * 64) if target == 'vm.ova' else t.read('out/' + target))
        if target == 'vm.ovf':
            t.write('out/vm-x.iso', b'x' + CD[1:])
        tap.contains(t.vmferry('convert', 'out/' + target, 'again.vmx', status=8).stderr, 'vm-x.iso')


@tap.rows([(target, target) for target in TARGETS])
def test_a_floppy_goes_along_where_there_is_a_place_for_it(t, target):
    machine(t, floppy('f.flp'))
    told = convert(t, target)
    kept = target in HOLD_FLOPPIES
    files = members(t, target)
    tap.equal([name for name in files if 'f.flp' in name], ['vm-f.flp'] if kept else [], 'files')
    tap.equal([field['code'] for name, field in told.items() if name.startswith('disks[1]') and field['outcome'] == 'dropped'][:1], [] if kept else ['L-floppy'])
    if kept:
        tap.equal(files['vm-f.flp'] == FLOPPY, True, 'content')


def test_it_goes_from_one_format_into_the_next_and_its_name_does_not_grow(t):
    machine(t, cd('x.iso'), floppy('f.flp'))
    source = 'src/vm.vmx'
    for number, target in enumerate(('vm.ova', 'vm.xml', 'vm.vbox', 'vm.ovf', 'vm.vmx')):
        os.mkdir(t.path(str(number)))
        t.vmferry('convert', source, f'{number}/{target}')
        source = f'{number}/{target}'
    names = os.listdir(t.path('4'))
    tap.equal(sorted(names), ['vm-disk1.vmdk', 'vm-f.flp', 'vm-x.iso', 'vm.vmx'], 'files')
    tap.equal((t.read('4/vm-x.iso') == CD, t.read('4/vm-f.flp') == FLOPPY), (True, True), 'content')


@tap.rows([
    ('not there', 'y.iso', (), 'y.iso'), ('above', '../d.raw', (), 'not taken along'), ('absolute', '/etc/passwd', (), 'not taken along'),
    ('of another machine', 'C:\\\\isos\\\\y.iso', (), 'y.iso'), ('a device', '/dev/zero', (), 'not taken along'),
    ('a link that leads out', 'link.iso', (), 'not taken along'), ('a pipe', 'pipe.iso', (), 'not taken along'), ('the text itself', 'vm.vmx', (), 'not taken along'),
    ('empty', 'empty.iso', (), 'has 0 bytes'), ('with --no-refs', 'x.iso', ('--without-disk=0', '--no-refs'), '--no-refs'),
    ('left out', 'x.iso', ('--without-disk=x.iso',), 'as was asked for'), ('a folder', '.', (), 'not taken along'),
])
def test_what_is_out_of_reach_is_told_and_no_error(t, name, words, why):
    machine(t, cd(name))
    os.symlink('/etc/passwd', t.path('src/link.iso'))
    os.mkfifo(t.path('src/pipe.iso'))
    t.write('src/empty.iso', b'')
    told = convert(t, 'vm.xml', *words)['disks[1].image']
    tap.equal((told['outcome'], told['code'], told['weight']), ('dropped', 'L-cdrom-media', 'behaviour'))
    tap.contains(told['why'], why)
    tap.equal([name for name in os.listdir(t.path('out')) if not name.startswith('vm-disk') and name != 'vm.xml'], [], 'files')
    tap.equal('image' in drives(t, 'out/vm.xml')['cdrom'], False, 'the drive is empty')


def test_a_folder_that_is_allowed_is_looked_into(t):
    machine(t, cd('/nowhere/y.iso'))
    os.mkdir(t.path('isos'))
    t.write('isos/y.iso', CD)
    tap.contains(convert(t, 'vm.xml')['disks[1].image']['why'], 'y.iso')
    convert(t, 'vm.vmx', '--allow-ref', t.path('isos'))
    tap.equal(t.read('out/vm-y.iso') == CD, True, 'content')


def test_a_floppy_larger_than_any_is_left_and_a_file_of_many_bytes_is_no_disc(t):
    machine(t, floppy('f.flp'), cd('x.iso'))
    with open(t.path('src/f.flp'), 'wb') as file:
        file.truncate(3 << 20)
    with open(t.path('src/x.iso'), 'wb') as file:
        file.truncate((128 << 30) + 1)
    told = convert(t, 'vm.vmx')
    for field, part in (('disks[2].image', 'a floppy has up to 2949120'), ('disks[1].image', 'a CD has up to 137438953472')):
        tap.contains(told[field]['why'], part)


@tap.rows([('by type', 'cdrom-raw', '/dev/cdrom'), ('whichever', 'cdrom-raw', 'auto detect'), ('ATAPI', 'atapi-cdrom', 'D:')])
def test_a_drive_of_the_host_is_told(t, kind, name):
    machine(t, f'ide1:0.present = "TRUE"\nide1:0.deviceType = "{kind}"\nide1:0.fileName = "{name}"\n')
    told = convert(t, 'vm.xml')
    tap.equal(any(field.get('before') == name and field['outcome'] == 'dropped' for field in told.values()), True, 'told')


def test_a_drive_of_the_host_in_libvirt_is_told(t):
    machine(t)
    t.write('src/vm.xml', b"<domain type='kvm'><name>vm</name><memory unit='MiB'>512</memory><os><type>hvm</type></os><devices>"
            b"<disk type='file'><driver name='qemu' type='vmdk'/><source file='d.vmdk'/><target dev='sda' bus='sata'/></disk>"
            b"<disk type='block' device='cdrom'><source dev='/dev/sr0'/><target dev='hda' bus='ide'/></disk></devices></domain>")
    told = convert(t, 'vm.vmx', source='src/vm.xml')
    tap.equal([field['outcome'] for name, field in told.items() if '/dev/sr0' in str(field.get('before'))][:1], ['dropped'], 'told')


@tap.rows([(repr(name), name) for name in ('a b.iso', '$(reboot).iso', "'; rm -rf x.iso", 'a%s%n.iso', '-x.iso', 'x' * 200 + '.iso', 'ü\U0001f980.iso', '<a&b>.iso', 'noend', '.iso')])
def test_names_are_made_safe(t, name):
    machine(t, cd(name))
    t.write('src/' + name, CD)
    for target in ('vm.ova', 'vm.ps1', 'vm.conf', 'vm.xml'):
        convert(t, target, '--force')
    found = {file for file in os.listdir(t.path('out')) if file.endswith('.iso')} | {file for file in members(t, 'vm.ova') if file.endswith('.iso')}
    tap.equal(len(found), 1, f'names {found}')
    tap.equal(bool(re.fullmatch(r'vm-[A-Za-z0-9._-]{0,60}\.iso', found.pop())), True, 'the name')


def test_two_drives_may_have_the_same_image_and_others_of_the_same_name(t):
    machine(t, cd('x.iso'), cd('x.iso', 'ide1:1'), cd('more/X.ISO', 'ide0:1'))
    os.mkdir(t.path('src/more'))
    t.write('src/more/X.ISO', b'other' * 1000)
    for target in ('vm.ova', 'vm.vmx'):
        convert(t, target)
        files = members(t, target)
        found = {name: data for name, data in files.items() if name.endswith('.iso')}
        tap.equal(sorted(name.lower() for name in found), ['vm-x-2.iso', 'vm-x-3.iso', 'vm-x.iso'], 'names')
        tap.equal(sorted(data == CD for data in found.values()), [False, True, True], 'content')


def test_disks_are_numbered_without_the_media(t):
    machine(t, cd('x.iso', 'ide0:0'))
    convert(t, 'vm.vmx')
    tap.equal(sorted(os.listdir(t.path('out'))), ['vm-disk1.vmdk', 'vm-x.iso', 'vm.vmx'], 'files')


def test_a_packed_cd_of_a_package_is_unpacked(t):
    machine(t, cd('x.iso'))
    convert(t, 'vm.ovf')
    t.run(tap.tool('gzip'), '-n', 'out/vm-x.iso')
    t.write('out/vm.ovf', re.sub(rb'ovf:href="vm-x.iso" ovf:id="(\w+)" ovf:size="\d+"', rb'ovf:href="vm-x.iso.gz" ovf:id="\1" ovf:compression="gzip"', t.read('out/vm.ovf')))
    os.remove(t.path('out/vm.mf'))
    t.vmferry('convert', 'out/vm.ovf', 'b.vmx')
    tap.equal([t.read(name) == CD for name in t.names() if name.endswith('.iso')], [True], 'content')


def test_a_cd_on_a_storage_is_found(t):
    os.makedirs(t.path('pve/template/iso'))
    t.write('pve/template/iso/x.iso', CD)
    t.write('d.raw', DISK)
    t.write('100.conf', f'name: vm\nmemory: 512\nsata0: {t.path("d.raw")},size=72K\nide2: local:iso/x.iso,media=cdrom\n'.encode())
    t.vmferry('convert', '--allow-ref', str(t.folder), '--storage', f'local={t.path("pve")}', '100.conf', 'vm.vmx')
    tap.equal(t.read('vm-x.iso') == CD, True, 'content')


def test_nothing_is_written_over(t):
    machine(t, cd('x.iso'))
    os.mkdir(t.path('out'))
    t.write('out/vm-x.iso', b'mine')
    tap.contains(convert(t, 'vm.vmx', status=1), 'vm-x.iso')
    tap.equal((t.read('out/vm-x.iso'), os.listdir(t.path('out'))), (b'mine', ['vm-x.iso']), 'left as it was')


tap.main(globals())
