# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The gate: what `verify` calls altered leaves a package by no way, and nothing is written."""
import gzip
import hashlib
import json
import os
import re
import subprocess

import hostile_packages as packages
import make_vmdk as vmdk
import tap
import verify_packages
from hostile_packages import STREAM_URI, descriptor, disk_element, file_element
from package_makers import RAW, URIS, noise, package_of, put
from verify_packages import Package

DISK = '::vmdisk1'
# ways out: the words, {} being the package
WAYS = {
    'convert to an archive': ('convert', '{}', 'out.ova'),
    'convert to a folder': ('convert', '{}', 'out/'),
    'convert in the same form': ('convert', '-O', 'raw', '{}', 'out.ova'),
    'convert to an image': ('convert', '{}', 'out.qcow2'),
    'convert a disk': ('convert', '{}' + DISK, 'out.raw'),
    'convert to a pipe': ('convert', '-O', 'raw', '{}' + DISK, '-'),
    'convert to a package on a pipe': ('convert', '--disk-format', 'raw', '{}', '-'),
    'convert behind another disk': ('convert', '-f', 'raw', 'other.raw', '{}' + DISK, 'joined.raw'),
    'unpack': ('unpack', '{}', 'out'),
    'unpack and convert': ('unpack', '-O', 'qcow2', '{}', 'out'),
    'pack': ('pack', '-o', 'out.ova', '{}'),
    'pack a disk': ('pack', '-o', 'out.ova', '{}' + DISK),
    'checksum': ('checksum', '{}'),
    'checksum of a disk': ('checksum', '{}' + DISK),
    'compare': ('compare', '{}', 'other.raw'),
    'compare with a disk': ('compare', 'other.raw', '{}' + DISK),
    'sign': ('sign', '--key', 'key.pem', '{}'),
}
UNCHECKED = (('info', '{}'), ('info', '{}' + DISK), ('map', '{}' + DISK), ('measure', '-O', 'raw', '{}' + DISK))


def with_manifest(edit):
    """A package of one raw disk whose manifest goes through edit(text) -> bytes."""
    def make(t, kind):
        files = dict(packages.signed_off(package_of('raw')))
        files['vm.mf'] = edit(files['vm.mf'].decode())
        return put(t, list(files.items()), kind, mf=False)
    return make


def with_file(name, edit):
    def make(t, kind):
        files = dict(packages.signed_off(package_of('raw')))
        files[name] = edit(files[name])
        return put(t, list(files.items()), kind, mf=False)
    return make


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def without(word):
    return lambda text: ''.join(line + '\n' for line in text.splitlines() if word not in line).encode()


DAMAGES = {
    'a disk': with_file('disk1.img', lambda data: flip(data, 1000)),
    'zeros of a disk': with_file('disk1.img', lambda data: flip(data, len(data) - 1)),
    'a disk that is longer': with_file('disk1.img', lambda data: data + bytes(512)),
    'the descriptor': with_file('vm.ovf', lambda data: data.replace(b'vmx-13', b'vmx-14')),
    'a line that is missing': with_manifest(without('disk1')),
    'no line of the descriptor': with_manifest(without('vm.ovf')),
    'a digest cut by a digit': with_manifest(lambda text: text.rstrip()[:-1].encode() + b'\n'),
    'a digest with another letter': with_manifest(lambda text: text.rstrip()[:-1].encode() + b'g\n'),
    'an unknown algorithm': with_manifest(lambda text: text.replace('SHA256(disk1', 'MD5(disk1').encode()),
    'CR alone': with_manifest(lambda text: text.replace('\n', '\r').encode()),
    'UTF-16': with_manifest(lambda text: text.encode('utf-16')),
    'an empty manifest': with_manifest(lambda text: b''),
    'a line of rubbish': with_manifest(lambda text: text.encode() + b'hello\n'),
    'a file that is not there': with_manifest(lambda text: text.encode() + b'SHA256(gone)= ' + 64 * b'0' + b'\n'),
}


def prepare(t):
    t.write('other.raw', RAW)
    verify_packages.make_signer(t, 'ca')
    verify_packages.make_signer(t, 'signer', 'ca')
    t.write('key.pem', t.read('signer.key') + t.read('signer.pem'))


def spread(t, words, path):
    return [word.replace('{}', path) for word in words]


@tap.rows([(f'{damage}, {kind}', damage, kind) for damage in DAMAGES for kind in ('ova', 'ovf')])
def test_altered(t, damage, kind):
    prepare(t)
    path = DAMAGES[damage](t, kind)
    before = {name: os.stat(t.path(name)).st_mtime_ns for name in t.names()}
    t.vmferry('verify', path, status=2)
    whole = damage == 'a file that is not there'  # of no concern to one disk
    for way, words in WAYS.items():
        if whole and any(DISK in word for word in words) or whole and way in ('convert to an image', 'pack', 'checksum',
                                                                              'compare'):
            continue
        done = t.vmferry(*spread(t, words, path), status=None, text=False)
        tap.equal((way, done.returncode, done.stdout), (way, 8, b''), done.stderr)
        tap.contains(done.stderr, b'--no-verify')
        tap.equal({name: os.stat(t.path(name)).st_mtime_ns for name in t.names()}, before, 'files after ' + way)
    for words in UNCHECKED:
        t.vmferry(*spread(t, words, path))


# how it comes: what the shell does, {} being the package
COMINGS = {
    'on a pipe': 'cat {} | "$V" convert $N - out.raw',
    'a disk of it': 'cat {} | "$V" convert $N -::disk1.img out.raw',
    'redirected': '"$V" convert $N - out.raw <{}',
    'what is left of a file': '(dd bs=1 count=1 of=x status=none; "$V" convert $N - out.raw) <longer.ova',
    'packed': 'gzip -c {} | "$V" checksum $N -',
    'packed under a name that says nothing of it': 'gzip -c {} >x.gz; "$V" convert $N x.gz out.raw',
    'unpacked': 'cat {} | "$V" unpack $N - out',
    'as a machine': 'cat {} | "$V" convert $N - out.vmx',
}


@tap.rows([(how, how) for how in COMINGS])
def test_altered_however_it_comes(t, how):
    path = DAMAGES['a disk'](t, 'ova')
    t.write('longer.ova', b'x' + t.read(os.path.basename(path)))
    script = COMINGS[how].replace('{}', path)
    done = t.run('sh', '-c', script, env={'V': tap.VMFERRY, 'N': ''}, status=8)
    tap.contains(done.stderr, '--no-verify takes it as it is')
    tap.equal([name for name in t.names() if name.startswith('out')], [], 'what was written')
    t.run('sh', '-c', script, env={'V': tap.VMFERRY, 'N': '--no-verify'})


def test_a_signature_is_asked_of_what_comes(t):
    path = put(t, packages.signed_off(package_of('raw')), 'ova', mf=False)
    for name in ('-', '-::disk1.img'):
        with open(path, 'rb') as file, subprocess.Popen(['cat'], stdin=file, stdout=subprocess.PIPE) as cat:
            done = t.vmferry('convert', '--require-signature', name, 'out.raw', stdin=cat.stdout, status=8)
        tap.contains(done.stderr, 'a signature is required, which is looked for in files')
    tap.equal('out.raw' in t.names(), False, 'nothing is written')


@tap.rows([(f'{" ".join(kinds)}, {"altered" if altered else "intact"}', kinds, altered)
           for kinds in (('sha1',), ('sha512',), ('sha1', 'sha256', 'sha512')) for altered in (False, True)])
def test_digests_of_every_kind_count_for_what_is_copied(t, kinds, altered):
    """A copy is hashed while it is written, once for the manifest that it comes from and once for the new one."""
    files = dict(package_of('raw'))
    listed = ''.join(f'{kind.upper()}({name})= {hashlib.new(kind, data).hexdigest()}\n'
                     for name, data in files.items() for kind in kinds)
    if altered:
        files['disk1.img'] = flip(files['disk1.img'], 5000)
    path = put(t, [*files.items(), ('vm.mf', listed.encode())], mf=False)
    for words in ((path, 'out.ova'), (path, 'out/'), ('--digest', 'sha512', path, 'other.ova'), (path, '-')):
        done = t.vmferry('convert', '--disk-format', 'raw', *words, status=8 if altered else 0, text=False)
        if altered:
            tap.contains(done.stderr, b'[manifest-digest-wrong]')
            tap.equal((done.stdout, t.names()), (b'', ['in.ova']))
        elif words[-1] != '-':
            t.vmferry('verify', words[-1])


@tap.rows([(form, form) for form in ('raw', 'streamOptimized')])
def test_progress_never_goes_back(t, form):
    """The gate is the first part of it."""
    path = put(t, package_of('raw', 'raw', contents=[noise(8 << 20), noise(8 << 20, 2)]))
    shown = t.vmferry('convert', '--progress=json', '--no-sync', '--disk-format', form, path, 'out.ova').stderr
    parts = [json.loads(line)['percent'] for line in shown.splitlines()]
    tap.equal(parts, sorted(parts))
    tap.equal(parts[-1], 100.0)


def test_what_is_copied_is_read_once(t):
    """A disk of noise: no pass but the one that copies it reads as much."""
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('the leak sanitizer does not work under strace')
    content = noise(4 << 20)
    path = put(t, package_of('raw', contents=[content]))
    for target, passes in (('out.ova', 1), ('-', 2)):
        trace = t.path('trace')
        t.run(tap.tool('strace'), '-f', '-e', 'trace=read,pread64,preadv', '-o', trace, tap.VMFERRY, 'convert',
              '--disk-format', 'raw', path, target, text=False)
        calls = re.findall(r'= (\d+)$', t.read('trace').decode(), re.MULTILINE)
        tap.equal(sum(int(count) for count in calls) // len(content), passes, target)


@tap.rows([(kind, kind) for kind in ('ova', 'ovf', 'folder')])
def test_intact(t, kind):
    prepare(t)
    path = put(t, package_of('raw'), kind)
    for words in WAYS.values():
        t.vmferry(*spread(t, words, path), text=False)
        subprocess.run(['rm', '-rf', t.path('out'), t.path('out.ova')], check=True)


@tap.rows([(way, way) for way in WAYS if way != 'sign'])
def test_no_verify(t, way):
    prepare(t)
    path = DAMAGES['a disk'](t, 'ova')
    words = spread(t, WAYS[way], path)
    done = t.vmferry(words[0], '--no-verify', *words[1:], status=None, text=False)
    tap.equal(done.returncode, 1 if words[0] == 'compare' else 0, done.stderr)
    tap.equal(done.stderr.count(b'--no-verify'), 1, 'warnings')
    if words[0] == 'convert' and words[-1].endswith(('.ova', '/')):
        t.vmferry('verify', words[-1])  # a new manifest


@tap.rows([(way, way) for way in WAYS])
def test_a_signature_is_required(t, way):
    prepare(t)
    package = put(t, package_of('raw'))
    for words in (('--require-signature',), ('--signer', 64 * '0'), ('--ca-file', 'ca.pem')):
        command = spread(t, WAYS[way], package)
        done = t.vmferry(command[0], *words, *command[1:], status=8, text=False)
        tap.contains(done.stderr, b'is required' if command[0] == 'compare' and command[1] == 'other.raw' or
                     way == 'convert behind another disk' else b'not signed')
    t.vmferry('sign', '--key', 'key.pem', package)
    command = spread(t, WAYS[way], package)
    if command[0] != 'compare' and way != 'convert behind another disk':
        t.vmferry(command[0], '--ca-file', 'ca.pem', *command[1:], text=False)
        t.vmferry(command[0], '--signer', 64 * '0', *command[1:], status=8, text=False)
        t.vmferry(command[0], '--signer', 64 * '0', '--no-verify', *command[1:], status=1, text=False)


@tap.rows([(kind, kind) for kind in ('ova', 'ovf')])
def test_a_machine_without_disks(t, kind):
    """Its descriptor leaves the package, too."""
    prepare(t)
    text = descriptor([], [])
    text = text.encode() if isinstance(text, str) else text
    good = put(t, [('vm.ovf', text)], kind, name='good')
    altered = put(t, [('vm.ovf', text.replace(b'vmx-13', b'vmx-14')), *packages.signed_off([('vm.ovf', text)])[1:]], kind, name='altered', mf=False)
    before = t.names()
    for words in (('convert', '{}', 'out.vmx'), ('convert', '--machine', 'vmx', '{}', 'out/'), ('convert', '--dry-run', '{}', 'out.vmx')):
        tap.contains(t.vmferry(*spread(t, words, altered), status=8).stderr, '[manifest-digest-wrong]')
        tap.contains(t.vmferry(*spread(t, words, good), '--require-signature', status=8).stderr, 'not signed')
        tap.equal(t.names(), before, 'files')
    t.vmferry('convert', good, 'out.vmx')
    t.vmferry('convert', '--no-verify', altered, 'unverified.vmx')


@tap.rows([('a machine', 'vm.vmx'), ('a machine in one file', 'vm.xva')])
def test_a_signature_of_what_is_no_package(t, name):
    """Who asks for one gets nothing else in its place."""
    prepare(t)
    t.vmferry('convert', put(t, package_of('raw')), name)
    text, before = t.read(name), t.names()
    for words in (('--require-signature',), ('--signer', 64 * '0'), ('--ca-file', 'ca.pem')):
        for way in (('convert', name, 'out.ova'), ('convert', '--machine', 'vmx', name, 'out/'), ('edit', '--cpus', '2', name)):
            tap.contains(t.vmferry(way[0], *words, *way[1:], status=8).stderr, 'only packages are signed; this is a machine')
    tap.equal((t.names(), t.read(name) == text), (before, True), 'files')


def test_a_wrong_signature(t):
    prepare(t)
    package = Package()
    make = verify_packages.signature(t)
    package.certificate = lambda manifest: make(manifest + b'\n')
    path = package.ova(t)
    for words in (('unpack', path, 'out'), ('checksum', path + '::disk-a.vmdk'), ('convert', path, 'out.ova')):
        tap.contains(t.vmferry(*words, status=8).stderr, 'signature-wrong')
    t.vmferry('verify', path, status=2)


def test_only_what_a_disk_uses_is_hashed(t):
    package = Package()
    package.edit_manifest = lambda text: text.replace('(b.vmdk)= ', '(b.vmdk)= f')[:-2] + '\n'
    good = Package().parts()
    path = put(t, [(name, flip(data, 70000) if name == 'b.vmdk' else data) for name, data in good.items()], mf=False)
    t.vmferry('checksum', path + '::disk-a.vmdk')
    t.vmferry('checksum', path + '::disk-b.vmdk', status=8)
    t.vmferry('unpack', path, 'out', status=8)


# ---- coverage ----

FLAT = b'''# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"
RW %d FLAT "flat-flat.vmdk" 0
ddb.adapterType = "lsilogic"
'''


def flat_package(referenced, listed, extra=()):
    """A disk whose content is in an extent; whether References and manifest have it."""
    files = {'flat.vmdk': FLAT % (len(RAW) // 512), 'flat-flat.vmdk': RAW, **dict(extra)}
    elements = [file_element('flat.vmdk', 'file1', len(files['flat.vmdk']))]
    if referenced:
        elements.append(file_element('flat-flat.vmdk', 'file2', len(RAW)))
    text = descriptor(elements, [disk_element('vmdisk1', 'file1', len(RAW), uri=URIS['sparse'])])
    files = {'vm.ovf': text.encode() if isinstance(text, str) else text, **files}
    lines = [f'SHA256({name})= {hashlib.sha256(data).hexdigest()}\n' for name, data in files.items()
             if name != 'flat-flat.vmdk' or listed]
    return [*files.items(), ('vm.mf', ''.join(lines).encode())]


@tap.rows([(f'{kind}, {referenced}, {listed}', kind, referenced, listed) for kind in ('ova', 'ovf')
           for referenced in (True, False) for listed in (True, False)])
def test_an_extent_counts(t, kind, referenced, listed):
    prepare(t)
    path = put(t, flat_package(referenced, listed), kind, mf=False)
    done = t.vmferry('verify', path, status=(0 if referenced else 3) if listed else 2)
    tap.equal('file-unreferenced' in done.stdout, not referenced, done.stdout)
    tap.equal('[manifest-file-unlisted]' in done.stdout, not listed, done.stdout)
    for way, words in WAYS.items():
        if '-f' in words:  # the disk without its extent, then
            continue
        if way == 'sign' and listed and not referenced:
            tap.contains(t.vmferry(*spread(t, words, path), status=2).stderr, 'flat-flat.vmdk')
            continue
        if way == 'unpack' and listed and not referenced and kind == 'ovf':  # of an archive it goes along
            tap.contains(t.vmferry(*spread(t, words, path), status=9).stderr, '"flat-flat.vmdk", too, which is not in the new package')
            continue
        done = t.vmferry(*spread(t, words, path), status=0 if listed else 8, text=False)
        if not listed:
            tap.contains(done.stderr, b'flat-flat.vmdk')
        subprocess.run(['rm', '-rf', t.path('out'), t.path('out.ova')], check=True)


@tap.rows([(f'{name}, {kind}', name, kind) for name in ('vm.mf', 'vm.cert') for kind in ('ova', 'ovf')])
def test_a_disk_in_what_seals_the_package(t, name, kind):
    """No manifest can cover it, so that its bytes are anybody's."""
    verify_packages.make_signer(t)
    text = descriptor([file_element(name, 'file1', None)], [disk_element('vmdisk1', 'file1', len(RAW), uri='raw')])
    text = text.encode() if isinstance(text, str) else text
    manifest = f'SHA256(vm.ovf)= {hashlib.sha256(text).hexdigest()}\n'.encode()
    path = put(t, [('vm.ovf', text), ('vm.mf', manifest), ('vm.cert', verify_packages.signature(t)(manifest))], kind, mf=False)
    tap.contains(t.vmferry('verify', path, status=2).stdout, f'{name}: failure: the manifest has no digest of the file')
    tap.contains(t.vmferry('checksum', path + DISK, status=8).stderr, name)


@tap.rows([(kind, kind) for kind in ('ova', 'ovf')])
def test_an_altered_extent(t, kind):
    files = [(name, flip(data, 5000) if name == 'flat-flat.vmdk' else data) for name, data in flat_package(False, True)]
    path = put(t, files, kind, mf=False)
    for words in (('checksum', path), ('convert', path, 'out.raw'), ('unpack', path, 'out')):
        tap.contains(t.vmferry(*words, status=8).stderr, 'flat-flat.vmdk')


@tap.rows([(f'{kind}: {name.decode()}', kind, name) for kind in ('ova', 'ovf')
           for name in (b'C:\\VMs\\flat-flat.vmdk', b'/vmfs/volumes/a/flat-flat.vmdk', b'FLAT-flat.vmdk')])
def test_an_extent_by_a_path_of_another_machine(t, kind, name):
    """It is found by its last part, and held against the manifest like any other."""
    disk = FLAT.replace(b'flat-flat.vmdk', name) % (len(RAW) // 512)
    plain = flat_package(True, True, {'flat.vmdk': disk}.items())
    path = put(t, plain, kind, mf=False)
    done = t.vmferry('convert', path, 'out.raw')
    tap.contains(done.stderr, 'flat-flat.vmdk is read instead')
    tap.equal(t.read('out.raw') == RAW, True, 'content')
    altered = [(file, flip(data, 5000) if file == 'flat-flat.vmdk' else data) for file, data in plain]
    path = put(t, altered, kind, name='altered', mf=False)
    tap.contains(t.vmferry('convert', path, 'out2.raw', status=8).stderr, 'flat-flat.vmdk')


def test_an_extent_by_a_link(t):
    """What counts is the file, by whatever name it is reached."""
    path = put(t, flat_package(True, True), 'ovf', mf=False)
    os.rename(t.path('in/flat-flat.vmdk'), t.path('in/real.img'))
    os.symlink('real.img', t.path('in/flat-flat.vmdk'))
    t.vmferry('verify', path)
    t.vmferry('checksum', path)


def test_a_file_outside_of_the_package(t):
    os.mkdir(t.path('far'))
    t.write('far/base.raw', RAW)
    path = put(t, package_of('qcow2'), 'ovf')
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', t.path('far/base.raw'), '-F', 'raw', 'in/disk1.qcow2')
    data = t.read('in/disk1.qcow2')
    text = t.read('in/vm.ovf')
    t.write('in/vm.mf', b''.join(f'SHA256({name})= {hashlib.sha256(one).hexdigest()}\n'.encode()
                                 for name, one in (('vm.ovf', text), ('disk1.qcow2', data))))
    done = t.vmferry('verify', '--allow-ref', 'far', path, status=2)
    tap.contains(done.stdout, 'base.raw')
    t.vmferry('checksum', '--allow-ref', 'far', path, status=8)
    t.vmferry('checksum', '--allow-ref', 'far', '--no-verify', path)


# ---- packed data ----

def damaged_stream():
    """A disk with one byte of a packed grain changed, and the same in a gzip file's form."""
    data = vmdk.stream(noise(1 << 20), 'disk1.vmdk')
    return flip(data, len(data) // 2)


@tap.rows([(f'{mf}, {kind}', mf, kind) for mf in (True, False) for kind in ('ova', 'ovf')])
def test_a_damaged_grain_is_not_passed_on(t, mf, kind):
    prepare(t)
    data = damaged_stream()
    files = [('vm.ovf', descriptor([file_element('disk1.vmdk', 'file1', len(data))],
                                   [disk_element('vmdisk1', 'file1', 1 << 20, uri=STREAM_URI)])), ('disk1.vmdk', data)]
    path = put(t, files, kind, mf=mf)
    before = t.names()
    for words in (('convert', path, 'out.ova'), ('convert', path, 'out/'), ('unpack', path, 'out'),
                  ('sign', '--key', 'key.pem', path)):
        tap.contains(t.vmferry(*words, status=2).stderr, 'disk1.vmdk')
        tap.equal(t.names(), before, 'files')
    t.vmferry('unpack', '--no-verify', path, 'out')
    tap.equal(t.read('out/disk1.vmdk') == data, True, 'bytes')


def compressed(data, good):
    """A package with a file that is packed by gzip, and no disk."""
    packed = gzip.compress(data, mtime=0)
    packed = packed if good else flip(packed, len(packed) // 2)
    file = file_element('notes.gz', 'file1', len(packed)).replace('<File ', '<File ovf:compression="gzip" ')
    return [('vm.ovf', descriptor([file], [])), ('notes.gz', packed)]


@tap.rows([('a good one', True), ('a damaged one', False)])
def test_a_packed_file_is_unpacked(t, good):
    path = put(t, compressed(noise(1 << 20), good))
    t.vmferry('verify', path, status=0 if good else 2)
    tap.contains(t.vmferry('verify', '--quick', path).stdout, 'not unpacked')
    t.vmferry('unpack', path, 'out', status=0 if good else 2)
    prepare(t)
    t.vmferry('sign', '--key', 'key.pem', path, status=0 if good else 2)


def test_verify_unpacks(t):
    data = damaged_stream()
    files = [('vm.ovf', descriptor([file_element('disk1.vmdk', 'file1', len(data))],
                                   [disk_element('vmdisk1', 'file1', 1 << 20, uri=STREAM_URI)])), ('disk1.vmdk', data)]
    path = put(t, files)
    tap.contains(t.vmferry('verify', path, status=2).stdout, '[disk-unreadable]')
    done = t.vmferry('verify', '--quick', path)
    tap.contains(done.stdout, 'packed data not unpacked')
    tap.contains(t.vmferry('verify', '--quick', '--output=json', path).stdout, '"unpacked": false')


def test_check_unpacks_when_asked(t):
    t.write('good.vmdk', vmdk.stream(noise(1 << 20), 'disk1.vmdk'))
    t.write('bad.vmdk', damaged_stream())
    t.write('plain.vmdk', vmdk.sparse(noise(1 << 20), 'disk1.vmdk'))
    for name, status in (('good', 0), ('bad', 2), ('plain', 0)):
        t.vmferry('check', name + '.vmdk')
        t.vmferry('check', '--deep', name + '.vmdk', status=status)


# ---- how much ----

def test_a_bound_on_what_is_written(t):
    t.write('disk.raw', noise(1 << 20) + bytes(1 << 20))
    stream = t.write('disk.vmdk', vmdk.stream(noise(1 << 20) + bytes(1 << 20), 'disk.vmdk'))
    package = put(t, [('vm.ovf', descriptor([file_element('disk.vmdk', 'file1', os.path.getsize(stream))],
                                            [disk_element('vmdisk1', 'file1', 2 << 20, uri=STREAM_URI)])),
                      ('disk.vmdk', t.read('disk.vmdk'))])
    before = t.names()
    for words in (('convert', stream, 'out.qcow2'), ('convert', 'disk.raw', 'out.qcow2'), ('checksum', stream),
                  ('convert', package, 'out.ova'), ('convert', '-O', 'qcow2', package, 'out.ova'), ('verify', package),
                  ('unpack', package, 'out'), ('pack', '-o', 'out.ova', stream), ('compare', stream, 'disk.raw'),
                  ('convert', '-S', '0', '-O', 'raw', stream, 'out.raw')):
        status = 3 if words[0] == 'compare' else 2
        tap.contains(t.vmferry(words[0], '--max-size', '512k', *words[1:], status=status, text=False).stderr +
                     (b'--max-size' if words[0] == 'verify' else b''), b'--max-size')
        tap.equal(t.names(), before, words)
    for words in (('convert', stream, 'out.qcow2'), ('convert', package, 'out.ova'), ('unpack', package, 'out'),
                  ('verify', package), ('checksum', stream)):
        t.vmferry(words[0], '--max-size', '3M', *words[1:])
    t.vmferry('convert', '-O', 'raw', '--max-size', '1536k', stream, 'out.raw')
    t.vmferry('convert', '-O', 'raw', '--max-size', '1536k', stream, '-', status=2, text=False)


def test_a_bound_on_a_packed_archive(t):
    path = put(t, package_of('raw'))
    t.write('vm.ova.gz', gzip.compress(t.read('in.ova')))
    t.vmferry('checksum', '--max-size', '8M', 'vm.ova.gz')
    t.vmferry('checksum', '--max-size', '64k', 'vm.ova.gz', status=2)
    assert path


@tap.rows([('manifest', 'vm.mf'), ('certificate', 'vm.cert')])
def test_a_link_that_leads_nowhere_is_not_a_missing_file(t, name):
    path = put(t, package_of('raw'), 'ovf', mf=False)
    os.symlink('gone', os.path.join(os.path.dirname(path), name))
    t.vmferry('verify', path, status=2)
    assert t.vmferry('unpack', path, 'out', status=None).returncode != 0
    tap.equal(os.path.exists(t.path('out')), False, 'out')


# ---- links, and members that nobody names ----

def test_a_folder_is_not_left_through_a_link(t):
    path = put(t, package_of('stream'))
    for command in (('unpack', path, 'out'), ('convert', path, 'out/'), ('pack', '-o', 'out/', '--name', 'vm', path)):
        for name in ('vm.ovf', 'disk1.vmdk', 'vm-disk1.vmdk', 'vm.mf'):
            os.makedirs(t.path('out'), exist_ok=True)
            os.makedirs(t.path('far'), exist_ok=True)
            os.symlink('../far/x', t.path('out/' + name))
            done = t.vmferry(*command, status=None)
            tap.equal((os.listdir(t.path('far')), os.listdir(t.path('out'))) if done.returncode else
                      (os.listdir(t.path('far')), [name]), ([], [name]), f'{command}, {name}: {done.stderr}')
            if name == 'vm.ovf':
                tap.contains(done.stderr, 'symbolic link')
            subprocess.run(['rm', '-rf', t.path('out')], check=True)


def test_another_users_link_in_a_common_folder(t):
    if os.geteuid() != 0:
        raise tap.Skip('only root can make a link of another user')
    t.write('disk.raw', RAW)
    os.mkdir(t.path('common'))
    os.chown(t.path('common'), 1, 1)
    os.chmod(t.path('common'), 0o1777)
    for name, owner, status in (('own', 0, 0), ('of the folder', 1, 0), ('stranger', 2, 2)):
        link = t.path('common/' + name + '.raw')
        os.symlink('../' + name, link)
        os.lchown(link, owner, owner)
        t.vmferry('convert', 'disk.raw', link, status=status)
        tap.equal(os.path.exists(t.path(name)), status == 0, name)
    os.chmod(t.path('common'), 0o777)
    t.vmferry('convert', 'disk.raw', link)


def test_another_users_link_to_a_folder(t):
    if os.geteuid() != 0:
        raise tap.Skip('only root can make a link of another user')
    path = put(t, package_of('raw'))
    os.mkdir(t.path('far'))
    os.mkdir(t.path('common'))
    os.chmod(t.path('common'), 0o1777)
    os.symlink('../far', t.path('common/vm'))
    os.lchown(t.path('common/vm'), 2, 2)
    for target in ('common/vm', 'common/vm/'):
        tap.contains(t.vmferry('unpack', path, target, status=2).stderr, 'another user')
    tap.equal(os.listdir(t.path('far')), [], 'files')


@tap.rows([(f'{name}, {kind}', name, kind) for name in ('vm.MF', 'VM.mf') for kind in ('ova', 'ovf')])
def test_a_manifest_in_other_case_counts(t, name, kind):
    for alter, verdict, status in ((False, 3, 0), (True, 2, 8)):
        files = dict(packages.signed_off(package_of('raw')))
        files[name] = files.pop('vm.mf')
        if alter:
            files['disk1.img'] = flip(files['disk1.img'], 1000)
        path = put(t, list(files.items()), kind, f'in{alter}', mf=False)
        tap.contains(t.vmferry('verify', path, status=verdict).stdout, 'manifest-case')
        t.vmferry('convert', path, f'out{alter}.qcow2', status=status)


def test_removing_a_signature_checks_nothing(t):
    path = put(t, package_of('raw'))
    for option in ('--require-signature', '--no-verify'):
        tap.contains(t.vmferry('sign', '--remove', option, path, status=1).stderr, '--remove checks nothing')


def test_members_that_nobody_wants(t):
    files = packages.signed_off(package_of('raw'))
    names = ('vm.lck', 'VM.LCK.LCK', '.hidden', '-rf', '.git/config', 'vm.vmdk.lck/M1', 'notes.txt')
    path = put(t, [*files, *((name, b'x') for name in names)], mf=False)
    done = t.vmferry('unpack', path, 'out')
    tap.equal(sorted(os.listdir(t.path('out'))), ['disk1.img', 'notes.txt', 'vm.mf', 'vm.ovf'], 'files')
    for name in names[:-1]:
        tap.contains(done.stderr, name)
    tap.equal(done.stderr.count('[loss-file]'), len(names) - 1, done.stderr)


tap.main(globals())
