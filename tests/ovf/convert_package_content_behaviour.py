# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""No file of a package is lost, mixed up or unchecked when it becomes another one."""
import bz2
import gzip
import hashlib
import lzma
import os
import tarfile

import hostile_packages as packages
import tap
from hostile_packages import descriptor, disk_element, file_element
from package_makers import FIXED, RAW, URIS, convert, image, package_of, put
from package_reader import Package, make_key

FIRST, SECOND = b'first' * 300, b'second' * 200


def manifest(files, *more):
    return ''.join(f'SHA256({name})= {hashlib.sha256(data).hexdigest()}\n' for name, data in [*files, *more]).encode()


def test_files_of_one_name_in_two_folders(t):
    text = descriptor([file_element('sub/x.iso', 'one'), file_element('x.iso', 'two')], [])
    path = put(t, [('vm.ovf', text), ('sub/x.iso', FIRST), ('x.iso', SECOND)])
    for kind in ('ova', 'folder', 'pipe'):
        out = convert(t, path, kind)
        tap.equal((out.file_of('one')[1], out.file_of('two')[1]), (FIRST, SECOND), kind)
        t.run('rm', '-rf', 'out', 'out.ova')
    t.vmferry('unpack', path, 'out')
    out = Package(t.path('out')).check()
    tap.equal((out.file_of('one')[1], out.file_of('two')[1]), (FIRST, SECOND), 'unpacked')


def test_file_that_is_called_as_a_disk_will_be(t):
    text = descriptor([file_element('a.img', 'disk'), file_element('a.vmdk', 'other')],
                      [disk_element(file_ref='disk', capacity=len(RAW), uri=URIS['raw'])])
    for order in (0, 1):
        files = [('a.img', RAW), ('a.vmdk', FIRST)]
        path = put(t, [('vm.ovf', text), *(reversed(files) if order else files)])
        out = convert(t, path, 'ova')
        tap.equal((out.file_of('other')[1], out.guest(t, 'vmdisk1') == RAW), (FIRST, True), 'both')


def test_two_elements_of_one_id(t):
    """The first one has the disk; what the other names is another file."""
    text = descriptor([file_element('a.img', 'same'), file_element('b.img', 'same')],
                      [disk_element(file_ref='same', capacity=len(RAW), uri=URIS['raw'])])
    t.vmferry('convert', put(t, [('vm.ovf', text), ('a.img', RAW), ('b.img', FIRST)]), 'out.ova')
    out = Package(t.path('out.ova'))
    tap.equal((sorted(out.order), out.files['b.img'], 'href="b.img"' in out.text),
              (['a.vmdk', 'b.img', 'out.mf', 'out.ovf'], FIRST, True), 'files')


@tap.rows([('ova', 'ova'), ('ovf', 'ovf')])
def test_files_of_a_template_are_checked(t, kind):
    data = image('stream', RAW, 'disk1.vmdk')
    text = descriptor([file_element(), file_element('x.nvram', 'two')], [disk_element(capacity=len(RAW))])
    listed = manifest([('vm.ovf', text), ('disk1.vmdk', data), ('x.nvram', FIRST)])
    path = put(t, [('vm.ovf', text), ('vm.mf', listed), ('disk1.vmdk', data), ('x.nvram', SECOND)], kind, mf=False)
    t.write('disk.raw', RAW)
    tap.contains(t.vmferry('pack', '--template', path, '-o', 'out.ova', 'disk.raw', status=8).stderr, 'x.nvram')


def test_template_is_not_written_over(t):
    path = put(t, package_of('stream'))
    t.write('disk.raw', RAW)
    tap.contains(t.vmferry('pack', '--template', path, '-o', path, 'disk.raw', status=1).stderr, 'is the source itself')


def test_long_names_are_cut_for_an_archive(t):
    disk, pixel = image('stream', RAW, 'disk1.vmdk'), '\N{LATIN SMALL LETTER E WITH ACUTE}'
    names = ['d' * 150 + '.vmdk', pixel * 90 + '.iso', pixel * 90 + 'x.iso', 'n' * 120, 'f' * 60 + '.' + 'g' * 60]
    text = descriptor([file_element(names[0], 'file1', len(disk))] +
                      [file_element(name, f'file{i}', 3) for i, name in enumerate(names[1:], 2)],
                      [disk_element('vmdisk1', 'file1', len(RAW), uri=URIS['stream'])])
    put(t, [('vm.ovf', text), (names[0], disk)] + [(name, b'abc') for name in names[1:]], 'folder')
    for words in ((), ('-O', 'qcow2')):
        done = t.vmferry('convert', *words, 'in', 'out.ova')
        tap.equal(done.stderr.count('[name-cut]'), len(names), done.stderr)
        suffix = 'qcow2' if words else 'vmdk'
        with tarfile.open(t.path('out.ova')) as archive:
            tap.equal(sorted(archive.getnames()),
                      sorted(['out.ovf', 'out.mf', 'd' * (99 - len(suffix)) + '.' + suffix, pixel * 48 + '.iso', pixel * 47 + '-2.iso', 'n' * 100,
                              'f' * 60 + '.' + 'g' * 39]), 'names')
        t.vmferry('verify', 'out.ova')
        tap.equal(Package(t.path('out.ova')).check().guest(t, 'vmdisk1') == RAW, True, 'guest bytes')
    tap.equal(t.vmferry('convert', 'in', 'same/').stderr.count('[name-cut]'), 0, 'in a folder they fit')


def test_long_name_of_an_archive(t):
    t.write('a.raw', RAW)
    for length in (95, 96, 200):
        stem = 'v' * length
        done = t.vmferry('pack', 'a.raw', '-o', f'{stem}.ova')
        tap.equal('its descriptor is' in done.stderr, length > 95, done.stderr)
        t.vmferry('verify', f'{stem}.ova')
        with tarfile.open(t.path(f'{stem}.ova')) as archive:
            tap.equal(archive.getnames(), ['v' * 95 + '.ovf', 'v' * 95 + '.mf', 'v' * 89 + '-disk1.vmdk'], 'names')


def test_manifest_at_the_end_of_a_long_path(t):
    folder = '/'.join(['d' * 120] * 5)
    path = put(t, package_of('stream'), 'ovf', folder)
    t.vmferry('convert', path, 'out.ova')
    t.write(f'{folder}/disk1.vmdk', image('stream', RAW[::-1], 'disk1.vmdk'))
    t.vmferry('convert', path, 'out.ova', status=8)


def test_a_file_in_another_case(t):
    path = put(t, package_of('stream'), 'ovf')
    t.vmferry('convert', path, 'out.ova', env=FIXED)
    wanted = t.read('out.ova')
    os.rename(t.path('in/disk1.vmdk'), t.path('in/DISK1.Vmdk'))
    for verb in ('convert', path, 'out.ova'), ('verify', path), ('convert', f'{path}::vmdisk1', 'out.raw'), ('unpack', path, '-o', 'x'):
        done = t.vmferry(*verb, status=None, env=FIXED)
        tap.equal(done.stderr.count('refers to "disk1.vmdk", which is not there; '), 1, f'{verb}: {done.stderr}')
        tap.equal(done.returncode, 0, f'{verb}: {done.stderr}')
    tap.equal(t.read('out.ova') == wanted, True, 'the same package')
    data = t.read('in/DISK1.Vmdk')
    t.write('in/DISK1.Vmdk', data[:-600] + bytes([data[-600] ^ 1]) + data[-599:])
    t.vmferry('convert', path, 'out.ova', status=8)
    t.write('in/DISK1.Vmdk', data)
    t.write('in/Disk1.vmdk', data)
    tap.contains(t.vmferry('convert', path, 'out.ova', status=8).stderr, 'rename the one that is meant')
    t.write('in/disk1.vmdk', data)
    tap.equal('another case' in t.vmferry('convert', path, 'out.ova').stderr, False, 'the exact name comes first')


def test_another_case_leads_nowhere_else(t):
    path = put(t, package_of('stream'), 'ovf')
    os.rename(t.path('in/disk1.vmdk'), t.path('secret'))
    os.symlink('../secret', t.path('in/DISK1.vmdk'))
    tap.contains(t.vmferry('convert', path, 'out.ova', status=8).stderr, 'a symlink that leads out')
    tap.equal(os.path.exists(t.path('out.ova')), False, 'nothing is written')


def test_packed_archive_by_any_of_its_names(t):
    archive = t.read(os.path.basename(put(t, package_of('stream'))))
    for kind, compress, names in (('gzip', gzip.compress, ('a.ova.gz', 'a.tgz', 'a.tar.gz', 'b.ova')),
                                  ('xz', lzma.compress, ('a.ova.xz', 'a.txz', 'a.tar.xz', 'c.ova')),
                                  ('bzip2', bz2.compress, ('a.ova.bz2', 'a.tbz2', 'a.TAR.BZ2', 'd.ova'))):
        for name in names:
            t.write(name, compress(archive))
            tap.contains(t.vmferry('info', name).stdout, 'machine: ')
            t.vmferry('convert', name, 'out.ova')
            Package(t.path('out.ova')).check()
        tap.contains(t.vmferry('verify', names[0], status=3).stdout, f'packed by {kind}')
        t.vmferry('convert', f'{names[0]}::vmdisk1', 'disk.raw')
        tap.contains(t.vmferry('sign', '--remove', names[0], status=9).stderr, f'packed by {kind}')
        t.write(names[0], compress(archive)[:-300])
        t.vmferry('convert', names[0], 'bad.ova', status=2)


def test_a_vagrant_box_of_virtualbox(t):
    files = [('./metadata.json', b'{"provider":"virtualbox"}'), ('./Vagrantfile', b'Vagrant.configure("2") {}'),
             *((f'./{name}', data) for name, data in package_of('stream'))]
    for name, compress in (('a.box', gzip.compress), ('b.box', lzma.compress), ('c.box', bytes)):
        t.write(name, compress(packages.ova(*files)))
        t.vmferry('convert', name, 'out.raw')
        tap.equal(t.read('out.raw') == RAW, True, 'content')
        t.vmferry('convert', name, 'out.ova')
        Package(t.path('out.ova')).check()
    t.write('d.box', gzip.compress(packages.ova(('metadata.json', b'{"provider":"libvirt"}'), ('box.img', RAW))))
    tap.contains(t.vmferry('convert', 'd.box', 'out.ova', status=2).stderr, 'no descriptor')


def test_many_files_of_one_name(t):
    names = [f'{i}/x' for i in range(300)]
    text = descriptor([file_element(name, f'f{i}') for i, name in enumerate(names)], [])
    path = put(t, [('vm.ovf', text), *((name, b'') for name in names)])
    tap.contains(t.vmferry('convert', path, 'out.ova', status=2).stderr, 'of one name')


def test_one_file_for_two_elements(t):
    text = descriptor([file_element('sub/x.iso', 'one'), file_element('sub/x.iso', 'two')], [])
    t.vmferry('convert', put(t, [('vm.ovf', text), ('sub/x.iso', FIRST)]), 'out.ova')
    out = Package(t.path('out.ova'))
    tap.equal((out.file_of('one')[1], out.file_of('two')[1]), (FIRST, FIRST), 'the same file')


@tap.rows([('not there', None), ('altered', b'other')])
def test_everything_that_the_manifest_lists_is_checked(t, now):
    """A file that the descriptor does not name, too."""
    files = package_of('stream')
    listed = manifest(files, ('readme.txt', b'this'))
    archive = [*files, ('vm.mf', listed), *([('readme.txt', now)] if now else [])]
    t.write('in.ova', packages.ova(*archive))
    for words in (('convert', 'in.ova', 'out.ova'), ('convert', '-O', 'raw', 'in.ova', 'out/'), ('unpack', 'in.ova', 'out')):
        tap.contains(t.vmferry(*words, status=8).stderr, 'readme.txt')
        tap.equal(t.names(), ['in.ova'], 'files')


def test_chunk_that_only_the_manifest_knows(t):
    text = descriptor([file_element('disk.img', more=' ovf:chunkSize="1048576"')],
                      [disk_element(capacity=len(RAW), uri=URIS['raw'])])
    chunks = [(f'disk.img.{i:09}', RAW[i << 20:(i + 1) << 20]) for i in range(-(-len(RAW) // (1 << 20)))]
    listed = manifest([('vm.ovf', text), *chunks])
    t.write('in.ova', packages.ova(('vm.ovf', text), ('vm.mf', listed), *chunks[:-1]))
    tap.contains(t.vmferry('convert', '-O', 'raw', 'in.ova', 'out.ova', status=8).stderr, chunks[-1][0])
    for words in (('convert', 'in.ova::vmdisk1', 'out.raw'), ('checksum', 'in.ova::vmdisk1'), ('verify', 'in.ova')):
        done = t.vmferry(*words, status=2 if words[0] == 'verify' else 8)
        tap.contains(done.stdout + done.stderr, chunks[-1][0])


def test_a_chunk_that_is_missing_between_others(t):
    """The size of the file is not said, and there is no manifest."""
    text = descriptor([file_element('disk.img', more=' ovf:chunkSize="262144"')], [disk_element(capacity=len(RAW), uri='raw')])
    chunks = [(f'disk.img.{i:09}', RAW[i << 18:(i + 1) << 18]) for i in range(-(-len(RAW) // (1 << 18)))]
    t.write('in.ova', packages.ova(('vm.ovf', text), chunks[0], *chunks[2:]))
    for words in (('convert', 'in.ova::vmdisk1', 'out.raw'), ('convert', 'in.ova', 'out.ova'), ('verify', 'in.ova')):
        done = t.vmferry(*words, status=2)
        tap.contains(done.stdout + done.stderr, f'its file "{chunks[1][0]}" is missing')
    tap.equal(t.names(), ['in.ova'], 'files')


def test_capacity_and_format_of_a_disk_that_is_copied(t):
    data = image('stream', RAW, 'disk1.vmdk')
    text = descriptor([file_element(size=len(data))],
                      [disk_element(capacity=1, more=' ovf:capacityAllocationUnits="byte * 2^20"', uri=URIS['qcow2'])])
    out = convert(t, put(t, [('vm.ovf', text), ('disk1.vmdk', data)]), 'ova')
    element = out.disk('vmdisk1')
    tap.equal([out.get(element, key) for key in ('capacity', 'capacityAllocationUnits', 'format')],
              [str(-(-len(RAW) // 512) * 512), 'byte', URIS['stream']], 'capacity and format')
    tap.equal(out.file_of('file1')[1] == data, True, 'the same bytes')


def test_a_capacity_that_the_disk_exceeds_is_told(t):
    """As Oracle's packages have it: the size of the file."""
    data = image('stream', RAW, 'disk1.vmdk')
    path = put(t, [('vm.ovf', descriptor([file_element(size=len(data))], [disk_element(capacity=len(data), uri=URIS['stream'])])),
                   ('disk1.vmdk', data)])
    tap.contains(t.vmferry('convert', path, 'out.ova').stderr,
                 f'disk "vmdisk1" has {len(RAW)} bytes, its capacity is {len(data)}: the new descriptor says what the disk has [disk-capacity-wrong]')
    tap.contains(t.vmferry('info', path).stdout, ', image ')
    tap.equal(', image ' in t.vmferry('info', 'out.ova').stdout, False, 'of the new one')


def test_a_packed_disk_without_a_word_of_it_is_named(t):
    data = gzip.compress(image('stream', RAW, 'disk1.vmdk'))
    path = put(t, [('vm.ovf', descriptor([file_element('disk1.vmdk.gz', size=len(data))], [disk_element(capacity=len(RAW), uri=URIS['stream'])])),
                   ('disk1.vmdk.gz', data)])
    tap.contains(t.vmferry('convert', path, 'out.ova', status=2).stderr, 'take it out first (tar -xf)')
    t.run('tar', '-xf', path)
    t.vmferry('convert', '-O', 'raw', 'disk1.vmdk.gz', 'out.raw')
    tap.equal(t.read('out.raw')[:len(RAW)], RAW, 'content')


def test_digest_that_is_asked_for(t):
    path = put(t, package_of('stream'), 'ova', 'vm')
    os.mkdir(t.path('out'))
    t.vmferry('convert', '--digest', 'sha512', path, 'out/vm.ova')
    tap.contains(t.run(tap.tool('tar'), 'xOf', 'out/vm.ova', 'vm.mf').stdout, 'SHA512(vm.ovf)= ')


def test_second_descriptor_is_not_written(t):
    text = descriptor([file_element('other.ovf', 'one')], [])
    path = put(t, [('vm.ovf', text), ('other.ovf', text)], 'ovf')
    tap.contains(t.vmferry('convert', path, 'out.ova', status=2).stderr, 'two descriptors')


def test_certificate_of_another_package_is_in_the_way(t):
    path = put(t, package_of('stream'))
    os.mkdir(t.path('out'))
    t.write('out/vm.cert', b'mine')
    tap.contains(t.vmferry('unpack', path, 'out', status=1).stderr, 'vm.cert')
    tap.equal(t.read('out/vm.cert'), b'mine', 'certificate')


def test_signing_again_is_no_loss(t):
    path = put(t, package_of('stream'))
    key, certificate = make_key(t)
    t.vmferry('convert', '--sign', key, '--cert', certificate, path, 'a.ova')
    for words, lost in ((('--sign', key, '--cert', certificate), False), ((), True)):
        said = t.vmferry('convert', '-O', 'raw', *words, 'a.ova', 'b.ova').stderr
        tap.equal('loss-signature' in said, lost, said)


def test_archive_with_a_folder_is_not_signed_in_place(t):
    key, certificate = make_key(t)
    inside = [('d/' + name, data) for name, data in packages.signed_off(package_of('stream'))]
    before = packages.ova(*inside, ('other/data.txt', b'mine'))
    t.write('in.ova', before)
    t.vmferry('sign', '--key', key, '--cert', certificate, 'in.ova', status=9)
    tap.equal(t.read('in.ova') == before, True, 'the archive')


def test_folder_without_a_name(t):
    path = put(t, package_of('stream'))
    t.vmferry('unpack', path, '', status=1)
    tap.equal(t.names(), ['in.ova'], 'files')


def test_template_gets_the_capacity_of_its_disk(t):
    path = put(t, package_of('stream'), 'ovf', 'template')
    t.write('disk.raw', RAW[:1 << 20])
    t.vmferry('pack', '--template', path, '-o', 'out.ova', 'disk.raw')
    out = Package(t.path('out.ova')).check()
    tap.equal(out.get(out.disk('vmdisk1'), 'capacity'), str(1 << 20), 'capacity')


def test_missing_source_is_told_as_such(t):
    tap.contains(t.vmferry('convert', 'typo.ova', 'out.ova', status=1).stderr, 'typo.ova: cannot be opened')


tap.main(globals())
