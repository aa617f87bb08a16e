# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages to packages, to folders, to single disks: what the guests see, what stays byte for byte. Everything that is
written is read with Python and qemu-img alone."""
import json
import os
import re
import resource
import signal
import stat
import tarfile

import tap
from hostile_packages import STREAM_URI, chunks, descriptor, disk_element, file_element, packed, vmdk
from hostile_case import run  # of tests/formats, which hostile_packages put in the path
from make_content import CHILD, LARGE, SMALL
from package_makers import (FIXED, ISO, MESSAGES, RAW, SUFFIXES, TARGETS, URIS, convert, image, noise, package_of, put, rich)
from package_reader import Package, check_signature, listing_of_tar, make_key


# ---- what the guests see ----

@tap.rows([(f'{form}, {source} to {target}{" as " + form_out if form_out else ""}', form, source, target, form_out)
           for form in URIS
           for source, target, form_out in (
               ('ova', 'ova', None), ('ova', 'ovf', None), ('ovf', 'ova', None), ('folder', 'ova', None),
               ('ova', 'folder', None), ('ova', 'pipe', 'raw'), ('ova', 'pipe', 'qcow2'), ('ova', 'pipe', 'vhd'), ('ova', 'ova', 'streamOptimized'), ('ova', 'ova', 'vhd'),
               ('ova', 'folder', 'qcow2'), ('ovf', 'ova', 'raw'), ('ova', 'ova', 'monolithicSparse'))])
def test_guest_content(t, form, source, target, form_out):
    path = put(t, package_of(form), source)
    out = convert(t, path, target, *(['--disk-format', form_out] if form_out else []))
    tap.equal(out.guest(t, 'vmdisk1') == RAW, True, 'guest bytes')
    element = out.disk('vmdisk1')
    uri = URIS['stream'] if form_out is None else URIS.get(form_out, URIS['stream'].replace('streamOptimized', form_out))
    tap.equal(out.get(element, 'format'), uri, 'ovf:format')
    units = out.get(element, 'capacityAllocationUnits') or 'byte'
    tap.equal((int(out.get(element, 'capacity')), units), (len(RAW), 'byte'), 'capacity')


def test_rest_of_a_package_is_told_when_one_disk_is_taken(t):
    disk = image('stream', RAW, 'disk1.vmdk')
    empty = disk_element('blank', 'none', 8192).replace(' ovf:fileRef="none"', '')
    text = descriptor([file_element('disk1.vmdk', 'file1', len(disk)), file_element('vm.nvram', 'file2', 3)],
                      [empty, disk_element('vmdisk1', 'file1', len(RAW), uri=URIS['stream'])])
    put(t, [('vm.ovf', text), ('disk1.vmdk', disk), ('vm.nvram', b'abc')])
    done = t.vmferry('convert', 'in.ova', 'a.raw')
    for part in ('disk "blank" is empty (8192 bytes) and is left out; in.ova::blank names it [loss-disk]',
                 'file "vm.nvram" is no disk, and is left out [loss-file]'):
        tap.equal(done.stderr.count(part), 1, done.stderr)
    tap.equal(t.vmferry('convert', 'in.ova::vmdisk1', 'a.raw').stderr, '', 'a disk that was named')
    t.vmferry('convert', 'in.ova::blank', 'b.qcow2')
    t.vmferry('convert', 'b.qcow2', 'b.raw')
    tap.equal(t.read('b.raw'), bytes(8192), 'the empty disk')


def test_several_disks(t):
    forms = ('stream', 'sparse', 'vhd', 'qcow2', 'raw')
    contents = [RAW, LARGE, SMALL.ljust(len(LARGE), b'\0'), bytes(LARGE[::-1]), b'\x55\xaa' * (len(LARGE) // 2)]
    path = put(t, package_of(*forms, contents=contents))
    for target, words in (('ova', ()), ('folder', ('-O', 'qcow2')), ('pipe', ('--disk-format', 'raw'))):
        out = convert(t, path, target, *words)
        for number, content in enumerate(contents, 1):
            tap.equal(out.guest(t, f'vmdisk{number}') == content, True, f'guest bytes of disk {number}, {target}')
        names = [name for name in out.order if not name.endswith(('.ovf', '.mf'))]
        tap.equal(names, [out.get(element, 'href') for element in out.elements('File')] if target != 'folder'
                  else names, 'order of the files')


@tap.rows([(form, form) for form in URIS])
def test_single_disk(t, form):
    path = put(t, package_of(form))
    for name in ('a.raw', 'a.qcow2', 'a.vhd', 'a.vmdk'):
        t.vmferry('convert', path, name)
        t.vmferry('compare', name, path)
    tap.equal(t.read('a.raw') == RAW, True, 'guest bytes')
    t.run(tap.tool('qemu-img'), 'compare', 'a.raw', 'a.qcow2')


def test_disk_is_named_in_every_way(t):
    contents = [RAW, LARGE[::-1]]
    for kind in ('ova', 'ovf', 'folder'):
        path = put(t, package_of('stream', 'qcow2', contents=contents), kind, 'in' + kind)
        before = sorted(os.listdir(t.folder))
        for number, names in enumerate((('vmdisk1', 'file1', 'disk1.vmdk'), ('vmdisk2', 'file2', 'disk2.qcow2'))):
            for name in names:
                t.vmferry('convert', '-O', 'raw', f'{path}::{name}', 'a.raw')
                tap.equal(t.read('a.raw') == contents[number], True, f'guest bytes of {name}')
                tap.contains(t.vmferry('info', f'{path}::{name}').stdout, str(len(RAW)))
                t.vmferry('compare', f'{path}::{name}', 'a.raw')
                t.vmferry('map', f'{path}::{name}')
                tap.equal(t.vmferry('checksum', f'{path}::{name}').stdout.split()[0],
                          t.vmferry('checksum', 'a.raw').stdout.split()[0], 'checksum')
        t.vmferry('check', f'{path}::vmdisk2')
        os.remove(t.path('a.raw'))
        tap.equal(sorted(os.listdir(t.folder)), before, 'files')
        for name in ('vmdisk3', 'vmdisk', '', 'vm.ovf', '../x'):
            done = t.vmferry('convert', '-O', 'raw', f'{path}::{name}', 'a.raw', status=1)
            if name != '':
                tap.contains(done.stderr, 'vmdisk1')
                tap.contains(done.stderr, 'vmdisk2')
        done = t.vmferry('convert', path, 'a.raw', status=1)
        tap.contains(done.stderr, 'vmdisk2')
        tap.equal(sorted(os.listdir(t.folder)), before, 'files')


def test_file_that_is_named_like_a_disk_of_a_package(t):
    path = put(t, package_of('stream'))
    os.rename(path, t.path('a::b'))
    t.write('a', RAW)
    t.vmferry('convert', '-O', 'raw', 'a::b', 'a.raw')
    tap.equal(t.read('a.raw') == RAW, True, 'guest bytes')
    os.remove(t.path('a'))
    t.vmferry('convert', '-O', 'raw', 'a::b::vmdisk1', 'b.raw')
    tap.equal(t.read('b.raw') == RAW, True, 'guest bytes')


def test_nothing_is_unpacked_first(t):
    """A disk of an archive is read in place: no file is made anywhere, though there is room."""
    path = put(t, package_of('stream', contents=[noise(8 << 20)]))
    os.mkdir(t.path('tmp'))
    t.vmferry('checksum', path + '::vmdisk1', env={'TMPDIR': t.path('tmp')}, preexec_fn=lambda: (
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))))
    tap.equal(os.listdir(t.path('tmp')), [], 'files')


def test_empty_disks_stay(t):
    empty = '<Disk ovf:diskId="blank" ovf:capacity="10" ovf:capacityAllocationUnits="byte * 2^30" ovf:format="' + \
        STREAM_URI + '"/>'
    disk = vmdk.stream(RAW, 'disk1.vmdk')
    text = descriptor([file_element(size=len(disk))], [empty, disk_element(capacity=len(RAW))])
    path = put(t, [('vm.ovf', text), ('disk1.vmdk', disk)])
    for target in ('ova', 'folder'):
        for words in ((), ('-O', 'vhd')):
            out = convert(t, path, target, *words)
            blank = out.disk('blank')
            tap.equal((out.get(blank, 'capacity'), out.get(blank, 'fileRef')), ('10', None), 'the empty disk')
            tap.equal(out.guest(t, 'vmdisk1') == RAW, True, 'guest bytes')
            t.run('rm', '-rf', 'out', 'out.ova')
    done = t.vmferry('convert', '-O', 'raw', path + '::blank', 'a.raw', status=None)
    if done.returncode == 0:
        tap.equal(os.stat(t.path('a.raw')).st_size, 10 << 30, 'an empty disk is all zeros')


def qcow2_delta(t):
    """By qemu-img: only what differs is stored, and no base is named."""
    tool = tap.tool('qemu-img')
    t.write('base.raw', LARGE)
    t.write('child.raw', bytes(CHILD))
    t.run(tool, 'convert', '-f', 'raw', '-O', 'qcow2', '-B', 'base.raw', '-F', 'raw', 'child.raw', 'child.qcow2')
    t.run(tool, 'rebase', '-u', '-b', '', 'child.qcow2')
    data = t.read('child.qcow2')
    for name in ('base.raw', 'child.raw', 'child.qcow2'):
        os.remove(t.path(name))
    return data


@tap.rows([('VMDK', 'vmdk'), ('QCOW2', 'qcow2')])
def test_delta_disks(t, kind):
    base = vmdk.stream(LARGE, 'disk1.vmdk')
    delta = vmdk_delta() if kind == 'vmdk' else qcow2_delta(t)
    name = 'disk2.' + kind
    text = descriptor(
        [file_element(size=len(base)), file_element(name, 'file2', len(delta))],
        [disk_element('base', capacity=len(LARGE)),
         disk_element('child', 'file2', len(LARGE), ' ovf:parentRef="base"', URIS['sparse' if kind == 'vmdk' else kind])],
        drives=['child'])
    path = put(t, [('vm.ovf', text), ('disk1.vmdk', base), (name, delta)])
    t.vmferry('convert', '-O', 'raw', path + '::child', 'a.raw')
    tap.equal(t.read('a.raw') == bytes(CHILD), True, 'guest bytes of the child')
    t.vmferry('convert', '-O', 'raw', path + '::base', 'a.raw')
    tap.equal(t.read('a.raw') == LARGE, True, 'guest bytes of the base')
    t.vmferry('verify', path)
    for target, words in (('ova', ()), ('folder', ('-O', 'qcow2')), ('pipe', ('--disk-format', 'raw'))):
        out = convert(t, path, target, *words)
        written = t.path('out.ova' if target != 'folder' else 'out')
        for identity, content in (('child', bytes(CHILD)), ('base', LARGE)):
            t.vmferry('convert', '-O', 'raw', f'{written}::{identity}', 'a.raw')
            tap.equal(t.read('a.raw') == content, True, f'guest bytes of {identity}, {target} {words}')
            if out.get(out.disk(identity), 'parentRef') is None:
                tap.equal(out.guest(t, identity) == content, True, f'guest bytes of {identity} by qemu-img')


def test_a_delta_to_a_delta_without_a_file(t):
    """In neither is anything written yet: what is below them is read."""
    base = vmdk.stream(LARGE, 'disk1.vmdk')
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', 'child.qcow2', str(len(LARGE)))
    delta = t.read('child.qcow2')
    text = descriptor(
        [file_element(size=len(base)), file_element('disk2.qcow2', 'file2', len(delta))],
        [disk_element('base', capacity=len(LARGE)), disk_element('empty', None, len(LARGE), ' ovf:parentRef="base"'),
         disk_element('child', 'file2', len(LARGE), ' ovf:parentRef="empty"', URIS['qcow2'])], drives=['child'])
    path = put(t, [('vm.ovf', text), ('disk1.vmdk', base), ('disk2.qcow2', delta)])
    t.vmferry('convert', '-O', 'raw', path + '::child', 'a.raw')
    tap.equal(t.read('a.raw') == LARGE, True, 'guest bytes of the child')


def vmdk_delta():
    """The grains of CHILD that differ from LARGE, in a sparse VMDK on the stream's CID; the others are absent. What
    became zeros is stored as zeros."""
    grain = 8 * 512
    marked = bytearray(CHILD)
    zeroed = []
    for start in range(0, len(LARGE), grain):
        mine, theirs = bytes(CHILD[start:start + grain]), LARGE[start:start + grain]
        if mine == theirs:
            marked[start:start + grain] = bytes(len(mine))
        elif not mine.strip(b'\0'):
            zeroed.append(start // grain)
    return vmdk.sparse(bytes(marked), 'disk2.vmdk', zeroed, 2, 0x5eed0001, 'disk1.vmdk')


@tap.rows([('gzip', ' ovf:compression="gzip"', packed, None), ('chunks', ' ovf:chunkSize="30000"', None, 30000),
           ('gzip in chunks', ' ovf:compression="gzip" ovf:chunkSize="1000"', packed, 1000),
           ('chunks that one file would hold', ' ovf:chunkSize="7516192768"', None, None)])
def test_packed_and_cut_files(t, more, pack, size):
    for form in ('stream', 'sparse', 'raw'):
        data = image(form, RAW, 'disk1.' + SUFFIXES[form])
        name = 'disk1.' + SUFFIXES[form] + ('.gz' if pack else '')
        stored = pack(data) if pack else data
        text = descriptor([file_element(name, size=len(stored), more=more)],
                          [disk_element(capacity=len(RAW), uri=URIS[form])])
        files = [('vm.ovf', text), *(chunks(stored, size, name) if size else [(name, stored)])]
        for kind in ('ova', 'ovf'):
            path = put(t, files, kind, f'in{form}')
            t.vmferry('verify', path)
            for target, words in (('ova', ()), ('folder', ('-O', 'qcow2')), ('pipe', ('--disk-format', 'raw'))):
                out = convert(t, path, target, *words)
                tap.equal(out.guest(t, 'vmdisk1') == RAW, True, f'guest bytes of {form}, {target}')
                element, _ = out.file_of('file1')
                tap.equal((out.get(element, 'compression') or 'identity', out.get(element, 'chunkSize')),
                          ('identity', None), 'what every consumer takes')
                t.run('rm', '-rf', 'out', 'out.ova')
            t.vmferry('unpack', path, 'unpacked')
            tap.equal(Package(t.path('unpacked')).check().guest(t, 'vmdisk1') == RAW, True, 'guest bytes')
            t.run('rm', '-rf', 'unpacked', path, os.path.dirname(path) if kind == 'ovf' else path)


def test_the_only_chunk_of_a_file_that_moves_is_a_whole_file(t):
    """With chunkSize it would be looked for as disk.iso.000000000.000000000."""
    disk = image('stream', RAW, 'disk1.vmdk')
    text = descriptor([file_element('disk1.vmdk', 'file1', len(disk)), file_element('sub/cd.iso', 'file2', len(ISO), more=' ovf:chunkSize="100000"')],
                      [disk_element(capacity=len(RAW), uri=URIS['stream'])])
    path = put(t, [('vm.ovf', text), ('disk1.vmdk', disk), *chunks(ISO, 100000, 'sub/cd.iso')])
    out = convert(t, path, 'ova')
    element, stored = out.file_of('file2')
    tap.equal((out.get(element, 'href') in out.files, out.get(element, 'chunkSize'), stored == ISO), (True, None, True), 'file')


FLAT = b'''# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="monolithicFlat"
RW 128 FLAT "flat.vmdk" 0
ddb.adapterType = "lsilogic"
'''


@tap.rows([('another file takes its name', ['flat.vmdk', 'sub/disk.vmdk', 'sub/flat.vmdk'], 'sub/flat.vmdk', 'gets another name in the new package'),
           ('it is not referred to', ['disk.vmdk'], 'flat.vmdk', 'is not in the new package'),
           ('it goes along', ['sub/disk.vmdk', 'sub/flat.vmdk'], 'sub/flat.vmdk', None)])
def test_a_disk_that_is_kept_is_read_from_the_same_files(t, names, extent, why):
    """Its extent is named in it: in the new package it would be read from another file, or from none."""
    disk = next(name for name in names if name.endswith('disk.vmdk'))
    text = descriptor([file_element(name, f'f{i}') for i, name in enumerate(names)],
                      [disk_element('vmdisk1', f'f{names.index(disk)}', 65536, uri=URIS['stream'].replace('streamOptimized', 'monolithicFlat'))])
    os.makedirs(t.path('in/sub'))
    for name, data in (('vm.ovf', text), *((name, b'wrong'.ljust(65536, b'\0')) for name in names), (disk, FLAT), (extent, b'right'.ljust(65536, b'\0'))):
        t.write('in/' + name, data)
    done = t.vmferry('unpack', 'in/vm.ovf', 'out', status=None)
    tap.equal(done.returncode == 0, why is None, done.stderr)
    tap.contains(done.stderr, why or '')
    if not why:
        t.vmferry('convert', 'out/vm.ovf', 'out.raw')
        tap.equal(t.read('out.raw')[:5], b'right', 'guest bytes')
    t.vmferry('unpack', '-O', 'qcow2', 'in/vm.ovf', 'whole')
    t.vmferry('convert', 'whole/vm.ovf', 'whole.raw')
    tap.equal(t.read('whole.raw')[:5], b'right', 'guest bytes')


def test_progress_while_a_packed_disk_is_unpacked(t):
    stored = packed(image('raw', RAW, 'disk1.img'))
    text = descriptor([file_element('disk1.img.gz', size=len(stored), more=' ovf:compression="gzip"')],
                      [disk_element(capacity=len(RAW), uri=URIS['raw'])])
    disk = put(t, [('vm.ovf', text), ('disk1.img.gz', stored)]) + '::vmdisk1'
    for words in (('convert', disk, 'out.raw'), ('checksum', disk)):
        shown = t.vmferry(words[0], '--progress=json', *words[1:]).stderr
        lines = [json.loads(line) for line in shown.splitlines() if line.startswith('{')]
        tap.equal((lines[0]['phase'], lines[0]['total']), ('unpacking', len(stored)), 'the first line')
        percents = [line['percent'] for line in lines]
        tap.equal(percents, sorted(percents), 'percents do not go back')


# ---- what stays as it was ----

def frame(text):
    """A descriptor without the tags that a conversion may change, and the blanks that fill the room kept for it."""
    return re.sub(r'<e:(File|Disk)\s[^>]*>', r'<\1>', text).rstrip()


@tap.rows([('Unix', '\n', b''), ('DOS', '\r\n', b''), ('with a mark', '\n', b'\xef\xbb\xbf')])
def test_descriptor_is_untouched(t, line_end, mark):
    disk = vmdk.stream(RAW, 'disk1.vmdk')
    files = [(name.removeprefix('de/'), data.replace(b'de/messages&#46;xml', b'messages&#46;xml'))
             for name, data in rich(disk, line_end, mark)]
    path = put(t, files)
    for target in ('ova', 'pipe'):
        out = convert(t, path, target)
        tap.equal(out.files[out.name], files[0][1], f'the descriptor when nothing changes, {target}')
    for words in (('-O', 'vhd'), ('--disk-format', 'monolithicSparse')):
        out = convert(t, path, 'ova', *words)
        tap.equal(frame(out.files[out.name].decode()), frame(files[0][1].decode()), 'the rest of the descriptor')
        tap.contains(out.text, 'acme:tag="kept" ')
        element, _ = out.file_of('file1')
        tap.equal(element.get('{urn:acme:1}tag'), 'kept', 'a vendor\'s attribute')
        tap.equal(out.guest(t, 'vmdisk1') == RAW, True, 'guest bytes')


def test_other_files_are_copied(t):
    path = put(t, rich(vmdk.stream(RAW, 'disk1.vmdk')))
    for target, words in (('ova', ()), ('folder', ('-O', 'qcow2')), ('pipe', ('--disk-format', 'raw'))):
        if target == 'folder':
            t.vmferry('convert', *words, path, 'out/')
            continue
        out = convert(t, path, target, *words)
        tap.equal(out.file_of('iso')[1] == ISO, True, 'the ISO file')
        tap.equal(out.file_of('msg')[1], MESSAGES, 'the messages')
    found = {os.path.relpath(os.path.join(top, name), t.path('out')) for top, _, names in os.walk(t.path('out'))
             for name in names}
    names = re.findall(r'ovf:href="([^"]*)"', t.read('out/vm.ovf').decode().split('References>')[1])
    contents = [t.read('out/' + name) for name in found]
    tap.equal((ISO in contents, MESSAGES in contents, len(names)), (True, True, 3), 'files of the folder')
    t.vmferry('verify', 'out')


def test_names_of_files(t):
    """Files of one name in two folders, blanks, parentheses, escapes: all of them arrive, under names that agree."""
    disk = vmdk.sparse(RAW, 'disk1.vmdk')
    contents = {'first': b'first', 'second': b'second', 'odd': b'odd', 'file1': disk}
    text = descriptor([file_element('a/x.iso', 'first'), file_element('b/x.iso', 'second'),
                       file_element('%28odd%29%20%26%20%C3%A4%25.iso', 'odd'), file_element('disk%20(1).vmdk')],
                      [disk_element(capacity=len(RAW), uri=URIS['sparse'])])
    files = [('vm (1).ovf', text), ('a/x.iso', b'first'), ('b/x.iso', b'second'), ('(odd) & \u00e4%.iso', b'odd'),
             ('disk (1).vmdk', disk)]
    for kind in ('ova', 'ovf'):
        path = put(t, files, kind)
        t.vmferry('verify', path)
        for target, words in (('ova', ()), ('ovf', ('-O', 'qcow2')), ('pipe', ('-O', 'ova', '--disk-format', 'vhd'))):
            if target == 'ovf':
                t.vmferry('convert', *words, path, 'unpacked/')
                t.vmferry('verify', 'unpacked')
                t.vmferry('convert', 'unpacked', 'again.ova')
                out = Package(t.path('again.ova')).check()
            else:
                out = convert(t, path, target, *words)
            for identity, content in contents.items():
                if identity != 'file1':
                    tap.equal(out.file_of(identity)[1], content, identity)
            tap.equal(out.guest(t, 'vmdisk1') == RAW, True, 'guest bytes')
            t.run('rm', '-rf', 'out', 'unpacked', 'out.ova', 'again.ova')


@tap.rows([(name, name) for name in ('out.mf', 'OUT.MF', 'out.cert', 'vm-disk1.vmdk', '.part', '-', 'out.ova')])
def test_names_that_the_target_needs(t, name):
    disk = vmdk.stream(RAW, 'disk1.vmdk')
    text = descriptor([file_element(), file_element(name, 'other')], [disk_element(capacity=len(RAW))])
    path = put(t, [('vm.ovf', text), ('disk1.vmdk', disk), (name, b'other')])
    for target in ('ova', 'folder', 'pipe'):
        out = convert(t, path, target)
        tap.equal(out.file_of('other')[1], b'other', 'content')
        t.vmferry('verify', 'out' if target == 'folder' else 'out.ova')


@tap.rows([(f'{size}, {form}', form, size) for form in ('stream', 'sparse') for size in (0, 1000)])
def test_wrong_size_is_put_right(t, form, size):
    """What is written has the right size, also where the disk stays as it was."""
    disk = image(form, RAW, 'disk1.vmdk')
    path = put(t, rich(disk, size=size, uri=URIS[form]))
    for target in ('ova', 'folder'):
        done = t.vmferry('convert', path, TARGETS[target])
        out = Package(t.path(TARGETS[target])).check()
        element, data = out.file_of('file1')
        tap.equal(out.get(element, 'size'), str(len(data)), 'ovf:size')
        if size:
            tap.contains(done.stderr, f'{size}')


def test_signature_does_not_outlive_its_manifest(t):
    key, certificate = make_key(t)
    t.vmferry('convert', '--sign', key, '--cert', certificate, put(t, package_of('stream')), 'signed.ova')
    signed = Package(t.path('signed.ova')).check()
    check_signature(t, signed, certificate)
    done = t.vmferry('convert', '-O', 'vhd', 'signed.ova', 'out.ova')
    tap.contains(done.stderr, 'not carried over: ')
    tap.contains(done.stderr, 'signed.cert')
    tap.equal([name for name in Package(t.path('out.ova')).check().order if name.endswith('.cert')], [], 'certificates')
    t.vmferry('convert', '--sign', key, '--cert', certificate, '-O', 'vhd', 'signed.ova', 'out.ova')
    check_signature(t, Package(t.path('out.ova')).check(), certificate)
    t.vmferry('unpack', 'signed.ova', 'out')
    tap.equal(Package(t.path('out')).files == signed.files, True, 'unpacked as it was, the signature, too')
    t.vmferry('verify', '--require-signature', '--ca-file', certificate, 'out')


def test_conversion_of_a_conversion(t):
    path = put(t, package_of('stream', 'vhd'))
    t.vmferry('convert', path, 'a.ova', env=FIXED)
    t.vmferry('convert', 'a.ova', 'b/', env=FIXED)
    t.vmferry('convert', 'b', 'c.ova', env=FIXED)
    first, last = Package(t.path('a.ova')), Package(t.path('c.ova'))
    stems = {one.name[:-4] for one in (first, last)}

    def plain(one):
        return {name: data for name, data in one.files.items() if not name.endswith('.mf')
                and name.rsplit('.', 1)[0] not in stems}
    tap.equal(plain(first) == plain(last), True, 'the same files')
    tap.equal(first.text, last.text, 'the same descriptor')


@tap.rows([(name, *words) for name, *words in (
    ('archive', 'out.ova'), ('archive of QCOW2', '-O', 'qcow2', 'out.ova'), ('archive of VHD', '-O', 'vhd', 'out.ova'))])
def test_threads_do_not_change_the_bytes(t, *words):
    path = put(t, package_of('sparse', 'raw', contents=[noise(1 << 20) + LARGE, LARGE + noise(1 << 20)]))
    for threads in ('1', '8'):
        t.vmferry('convert', '-m', threads, *words[:-1], path, words[-1], env=FIXED)
        os.rename(t.path(words[-1]), t.path('b' + threads))
    tap.equal(t.read('b1') == t.read('b8'), True, 'same bytes')


def test_pipe_has_the_same_files(t):
    """Descriptor first, manifest and certificate last, sizes as they are or none."""
    path = put(t, package_of('sparse', 'raw', 'stream'))
    key, certificate = make_key(t)
    out = convert(t, path, 'pipe', '--disk-format', 'qcow2', '--sign', key, '--cert', certificate)
    stem = out.name[:-4]
    tap.equal((out.order[0], out.order[-2:]), (out.name, [stem + '.mf', stem + '.cert']), 'order')
    check_signature(t, out, certificate)
    for tool in ('tar', 'bsdtar'):
        tap.equal(listing_of_tar(t.path('out.ova'), tool), [(name, len(data)) for name, data in out.files.items()],
                  tool)
    with open(t.path('piped.tar'), 'wb') as copy:
        t.vmferry('convert', '--disk-format', 'vhd', path, '-', stdout=copy)
    Package(t.path('piped.tar')).check()


def test_archive_is_plain_ustar(t):
    path = put(t, package_of('sparse', 'raw'))
    out = convert(t, path, 'ova')
    stem = out.name[:-4]
    tap.equal(out.order[:2], [out.name, stem + '.mf'], 'order')
    with tarfile.open(t.path('out.ova'), 'r:') as archive:
        for entry in archive:
            tap.equal((entry.type, entry.pax_headers, entry.uid, entry.gid, entry.mode & 0o111), (b'0', {}, 0, 0, 0),
                      f'header of {entry.name}')
            tap.equal(t.read('out.ova')[entry.offset + 257:entry.offset + 265], b'ustar\x0000', 'magic')
    data = t.read('out.ova')
    tap.equal((len(data) % 512, data[-1024:]), (0, bytes(1024)), 'end of the archive')


# ---- large ----

def test_member_over_8_gib(t):
    """A raw disk of 9 GiB with data at both ends: a member that ustar's octal size cannot tell."""
    size = 9 << 30
    if tap.SAMPLED:
        raise tap.Skip('five times 9 GiB are hashed')
    if os.statvfs(t.folder).f_bavail * os.statvfs(t.folder).f_frsize < 24 << 30:
        raise tap.Skip('not enough room')
    with open(t.path('big.raw'), 'wb') as file:
        file.write(RAW)
        file.seek(size - len(LARGE))
        file.write(LARGE)
    t.vmferry('pack', '--no-sync', '--disk-format', 'raw', '-o', 'big.ova', 'big.raw')
    with tarfile.open(t.path('big.ova'), 'r:') as archive:
        members = [(entry.name, entry.size) for entry in archive]
        disk = next(entry for entry in archive if entry.size == size)
        stream = archive.extractfile(disk)
        tap.equal(stream.read(len(RAW)) == RAW, True, 'the beginning')
        stream.seek(size - len(LARGE))
        tap.equal(stream.read() == LARGE, True, 'the end')
    for tool in ('tar', 'bsdtar'):
        tap.equal(listing_of_tar(t.path('big.ova'), tool), members, tool)
    if os.stat(t.path('big.ova')).st_blocks * 512 > 64 << 20:
        raise AssertionError('the zeros of a raw disk take room in the archive')
    for command in (('compare', 'big.ova', 'big.raw'), ('convert', '--no-sync', 'big.ova', 'small.ova'),
                    ('compare', 'small.ova', 'big.raw'), ('verify', 'big.ova')):
        tap.equal(run(t, *command, hang=600)[0], 0, f'{command}')  # in the memory of a small one; pages of holes take the kernel a minute


tap.main(globals())
