# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What a name on the command line means: paths and protocols."""
import json
import os
import struct

import tap

RAW = bytes(range(256)) * 4096


def refused(t, *arguments, says=(), status=1, **options):
    """The command fails, says so in one line, and leaves the folder as it was."""
    before = {name: t.read(name) if (t.folder / name).is_file() else None for name in t.names()}
    done = t.vmferry(*arguments, status=status, **options)
    for word in says:
        tap.contains(done.stderr, word)
    tap.equal(done.stderr.count('\n'), 1, 'lines of stderr')
    tap.equal({name: t.read(name) if (t.folder / name).is_file() else None for name in t.names()}, before, 'files')
    return done


# ---- protocols ----

@tap.rows([(name, name, name.split(':', 1)[0] + ':') for name in (
    'nbd:127.0.0.1:10809',
    'blkdebug::a.raw', 'host_device:a.raw', 'ftp://host/a.raw', 'ssh:a', 'c:a.raw', 'C:\\a.raw')])
def test_a_protocol_is_refused_by_name(t, name, word):
    t.write('a.raw', RAW)
    for arguments in (('convert', 'a.raw', name), ('convert', name, 'b.raw'), ('convert', '-O', 'raw', 'a.raw', name),
                      ('create', name, '1M'), ('create', '-f', 'qcow2', '-b', name, '-F', 'raw', 'b.qcow2', '1M'),
                      ('create', '-f', 'qcow2', '-o', f'backing_file={name.replace(",", ",,")},backing_fmt=raw', 'b', '1M'),
                      ('convert', '-O', 'qcow2', '-B', name, '-F', 'raw', 'a.raw', 'b.qcow2'),
                      ('info', name), ('map', name), ('checksum', name), ('check', name), ('measure', name),
                      ('pack', name), ('pack', '-o', name, 'a.raw'), ('pack', '-o', 'b.ova', '--template', name, 'a.raw'),
                      ('unpack', name), ('sign', '--remove', name), ('verify', name)):
        refused(t, *arguments, says=(f'{word} is a protocol', f'./{name}'))
    refused(t, 'compare', 'a.raw', name, says=(word,), status=2)


@tap.rows([(name, name) for name in ('https://host/a.raw', 'http://host/a')])
def test_a_url_is_no_file_that_is_changed(t, name):
    t.write('a.raw', RAW)
    for arguments in (('sign', '--remove', name),
                      ('create', '-f', 'qcow2', '-b', name, '-F', 'raw', 'b.qcow2', '1M')):
        refused(t, *arguments, says=(name.split(':')[0] + ':',))


@tap.rows([(name, name, word) for name, word in (
    ('ftp://host/a.raw', 'curl URL | vmferry convert - TARGET'), ('ssh://host/a', 'ssh HOST cat'),
    ('rbd:pool/image', 'rbd export'))])
def test_what_to_do_about_a_protocol(t, name, word):
    refused(t, 'info', name, says=(word,))
    t.write('a.raw', RAW)
    tap.equal(word in refused(t, 'convert', 'a.raw', name).stderr, False, 'of a target')


# ---- names in JSON ----

NAMED_IN_JSON = [
    ('nested', 'json:{"driver":"qcow2","file":{"driver":"file","filename":"a.qcow2"}}'),
    ('with dots', 'json:{"file.filename": "a.qcow2", "driver": "qcow2", "file.driver": "file"}'),
    ('without a driver', 'json:{"file":{"driver":"file","filename":"a.qcow2"}}'),
    ('in single quotes', "json:{'driver': 'qcow2', 'file': {'filename': 'a.qcow2'}}"),
    ('with how qemu reads it', 'json:{"driver":"qcow2","file.filename":"a.qcow2","read-only":true,"cache":{"direct":true}}'),
]


def without_json(t):
    """Skips where the build reads none."""
    if 'libjansson' in t.vmferry('info', 'json:{}', status=None).stderr:
        raise tap.Skip('no libjansson')


@tap.rows(NAMED_IN_JSON)
def test_an_image_is_named_in_json(t, name):
    t.write('a.raw', RAW)
    without_json(t)
    t.vmferry('convert', 'a.raw', 'a.qcow2')
    t.vmferry('convert', name, 'b.raw')
    tap.equal(t.read('b.raw'), RAW, 'content')
    for verb in ('info', 'map', 'check', 'checksum', 'measure'):
        t.vmferry(*verb.split(), *(('-O', 'raw') if verb == 'measure' else ()), name)
    t.vmferry('compare', name, 'a.raw')


def test_the_driver_in_json_is_the_format(t):
    t.write('a.raw', RAW)
    without_json(t)
    t.vmferry('convert', 'a.raw', 'a.qcow2')
    t.vmferry('convert', 'json:{"driver":"file","filename":"a.qcow2"}', 'b.raw')
    tap.equal(t.read('b.raw'), t.read('a.qcow2'), 'the file as it is')
    refused(t, 'info', '-f', 'raw', NAMED_IN_JSON[0][1], says=('another driver',))
    t.vmferry('info', '-f', 'qcow2', NAMED_IN_JSON[0][1])


@tap.rows([
    ('plain', 'a.qcow2', 'driver=qcow2,file.driver=file,file.filename=a.qcow2,file.cache.direct=on'),
    ('comma, quotes, backslash', '\'b"\\,.qcow2', 'file.filename=\'b"\\,,.qcow2,driver=qcow2'),
    ('equals', 'a=b.qcow2', 'driver=qcow2,file.filename=a=b.qcow2'),
])
def test_an_image_is_named_by_options(t, file, name):
    t.write('a.raw', RAW)
    without_json(t)
    t.vmferry('convert', 'a.raw', file)
    for verb in ('info', 'map', 'check', 'measure'):
        t.vmferry(verb, '--image-opts', name)
    tap.contains(t.vmferry('info', '--image-opts', name).stdout, f'image: {file}\n')
    t.vmferry('convert', name, 'b.raw', '--image-opts')
    t.vmferry('compare', '--image-opts', name, 'driver=raw,file.filename=b.raw')


@tap.rows([('a whole file', 0, None), ('a part', 1536, 4096), ('up to the end', 70000, None), ('nothing', len(RAW), None)])
def test_a_part_of_a_raw_file_is_a_disk(t, offset, size):
    t.write('a.raw', RAW)
    without_json(t)
    name = f'driver=raw,offset={offset},' + (f'size={size},' if size else '') + 'file.filename=a.raw'
    t.vmferry('convert', '--image-opts', name, '-O', 'raw', 'b.raw')
    tap.equal(t.read('b.raw'), RAW[offset:][:size], 'content')


def test_the_map_of_a_part_of_a_raw_file(t):
    without_json(t)
    t.write('a.raw', b'\1' * 8192)
    os.truncate(t.path('a.raw'), 100001)
    for options in ('offset=1k,size=20480', 'offset=4096', 'offset=65536', 'offset=8192,size=512'):
        arguments = ('map', '--output=json', '--image-opts', f'driver=raw,{options},file.filename=a.raw')
        theirs = t.run(tap.tool('qemu-img'), *arguments).stdout
        tap.equal(t.vmferry(*arguments).stdout, theirs, options)


def test_the_size_of_a_vhd_is_the_one_that_is_told(t):
    without_json(t)
    t.write('a.vhd', (tap.IMAGES / 'good-vhd-dynamic.vhd').read_bytes())
    sizes = set()
    for how in ('chs', 'current_size'):
        arguments = ('info', '--output=json', '--image-opts', f'driver=vpc,force_size_calc={how},file.filename=a.vhd')
        theirs, ours = (json.loads(text)['virtual-size'] for text in (t.run(tap.tool('qemu-img'), *arguments).stdout, t.vmferry(*arguments).stdout))
        tap.equal(ours, theirs, how)
        sizes.add(ours)
    tap.equal(len(sizes), 2, 'sizes')
    refused(t, 'info', '--image-opts', 'driver=vpc,force_size_calc=none,file.filename=a.vhd', says=('chs',), status=1)


@tap.rows([('no value', 'driver', 'expected NAME=VALUE'), ('no name', '=qcow2', 'expected NAME=VALUE'), ('nothing', '', 'expected NAME=VALUE'),
           ('end', 'driver=raw,', 'expected NAME=VALUE'), ('nbd', 'driver=raw,file.driver=nbd,file.host=h', '"file.host"'),
           ('twice', 'driver=raw,driver=raw', 'no JSON object')])
def test_other_options_are_refused(t, text, word):
    t.write('driver', RAW)
    without_json(t)
    for verb in ('info', 'map', 'measure'):
        refused(t, verb, '--image-opts', text, says=(word,), status=9 if 'nbd' in text else 1)


@tap.rows([
    ('no JSON', 1, '{"driver"', 'no JSON object'),
    ('a list', 1, '[]', 'no JSON object'),
    ('no file', 1, '{"driver":"raw"}', 'names no file'),
    ('a node', 9, '{"driver":"raw","file":"a"}', '"file"'),
    ('two drivers', 1, '{"driver":"raw","driver":"qcow2"}', 'no JSON object'),
    ('nbd', 9, '{"driver":"raw","file":{"driver":"nbd","filename":"x"}}', 'qemu-img convert'),
    ('an option', 9, '{"driver":"qcow2","offset":512,"file":{"driver":"file","filename":"a.raw"}}', '"offset"'),
    ('an option without a driver', 9, '{"offset":512,"file":{"driver":"file","filename":"a.raw"}}', '"offset"'),
    ('an option that is none of raw', 1, '{"driver":"raw","start":512,"file.filename":"a.raw"}', 'expected one of offset, size'),
    ('beyond the end', 1, '{"driver":"raw","offset":512,"size":"1E","file.filename":"a.raw"}', 'beyond the end of the file'),
    ('a member with dots', 9, '{"driver":"raw","server.path":"s","file.filename":"a.raw"}', '"server.path"'),
    ('a fraction', 9, '{"driver":"raw","offset":0.5,"file.filename":"a.raw"}', '"offset"'),
    ('a number', 1, '{"driver":"raw","file":{"driver":"file","filename":1}}', 'not one string'),
    ('a NUL', 1, '{"driver":"raw","file":{"filename":"a.raw\\u0000"}}', 'no JSON object'),
    ('deep', 1, '[' * 100000, 'json:[['),
])
def test_other_json_is_refused(t, status, text, word):
    t.write('a.raw', RAW)
    without_json(t)
    refused(t, 'info', 'json:' + text, says=(word,), status=status)


@tap.rows([
    ('as qemu writes it', '{"driver":"qcow2","file":{"driver":"file","filename":"base.qcow2"}}', 0, ''),
    ('another format', '{"driver":"raw","file":{"driver":"file","filename":"base.qcow2"}}', 2, 'another driver'),
    ('out of the folder', '{"driver":"qcow2","file":{"driver":"file","filename":"../other.qcow2"}}', 2, 'other.qcow2'),
    ('absolute', '{"driver":"raw","file":{"driver":"file","filename":"/etc/passwd"}}', 2, ''),
    ('nbd', '{"driver":"qcow2","file":{"driver":"nbd","host":"localhost"}}', 2, 'nbd'),
    ('a part of a file', '{"driver":"raw","offset":"512","file":{"driver":"file","filename":"base.qcow2"}}', 2, 'offset=512'),
])
def test_a_backing_file_is_named_in_json(t, text, status, word):
    if not tap.shutil.which('qemu-img'):
        raise tap.Skip('no qemu-img')
    t.write('a.raw', RAW)
    without_json(t)
    t.vmferry('convert', 'a.raw', 'base.qcow2')
    form = 'raw' if '"raw"' in text and word != 'another driver' else 'qcow2'
    t.run('qemu-img', 'create', '-q', '-u', '-f', 'qcow2', '-b', 'json:' + text, '-F', form, 'top.qcow2', str(len(RAW)))
    done = t.vmferry('convert', 'top.qcow2', 'b.raw', status=status)
    tap.contains(done.stderr, word)
    if status == 0:
        tap.equal(t.read('b.raw'), RAW, 'content')
        t.run('qemu-img', 'compare', '-f', 'qcow2', '-F', 'raw', 'top.qcow2', 'b.raw')
        tap.contains(t.vmferry('info', 'top.qcow2').stdout, 'json:{')


def test_a_plain_path_may_hold_a_colon(t):
    t.write('a.raw', RAW)
    t.vmferry('convert', 'a.raw', './b:c.raw')
    t.vmferry('convert', './b:c.raw', t.path('d:e.raw'))
    t.vmferry('convert', './b:c.raw', '2026-11-28T10:30.raw')
    t.vmferry('create', '-f', 'qcow2', '-b', './b:c.raw', '-F', 'raw', './f:g.qcow2')
    t.vmferry('compare', './f:g.qcow2', 'd:e.raw', status=2)
    t.vmferry('compare', './f:g.qcow2', './d:e.raw')
    tap.equal(t.names(), ['2026-11-28T10:30.raw', 'a.raw', 'b:c.raw', 'd:e.raw', 'f:g.qcow2'], 'files')


@tap.rows([(name, name, file) for name, file in (
    ('file:b.raw', 'b.raw'), ('FILE:b.raw', 'b.raw'), ('file:b%20c.raw', 'b%20c.raw'), ('file:b:c.raw', 'b:c.raw'),
    ('file:-.raw', '-.raw'), ('file://{}/b%20%3fc.raw', 'b ?c.raw'), ('file://localhost{}/b.raw', 'b.raw'))])
def test_file_names_a_path(t, name, file):
    name = name.format(t.folder)
    t.write('a.raw', RAW)
    t.vmferry('convert', 'a.raw', name)
    tap.equal(t.read(file), RAW, 'content')
    tap.equal(t.names(), sorted(['a.raw', file]), 'files')
    t.vmferry('compare', 'a.raw', name)
    t.vmferry('create', '-f', 'qcow2', '-b', name, '-F', 'raw', 'o.qcow2')
    t.vmferry('compare', 'o.qcow2', 'a.raw')


@tap.rows([(name, name) for name in ('file:', 'file://', 'file://host/b.raw', 'file:///b%2', 'file:///b%zz', 'file:///b%00',
                                     'file:///b%2fc', 'file:///b?c', 'file:///b#c')])
def test_a_wrong_url_of_a_file_is_refused(t, name):
    refused(t, 'create', name, '1M', says=('file:',))


def test_standard_output_has_no_other_name(t):
    t.write('a.raw', RAW)
    t.vmferry('convert', '-O', 'raw', 'a.raw', 'file:-')
    tap.equal(t.read('-'), RAW, 'content')


def test_packages_and_their_disks_by_url(t):
    t.write('a.raw', RAW)
    t.vmferry('pack', 'file:a.raw')
    tap.equal(t.names(), ['a.ova', 'a.raw'], 'files')
    for name in ('a.ova::vmdisk1', 'file:a.ova::vmdisk1', './a.ova::vmdisk1', 'file:a.ova'):
        t.vmferry('compare', name, 'a.raw')
    t.vmferry('verify', 'file:a.ova')
    t.vmferry('unpack', 'file:a.ova')
    tap.equal(t.names(), ['a', 'a.ova', 'a.raw'], 'files')
    refused(t, 'convert', 'a.raw', 'a.ova::vmdisk1', says=('a.ova: is a protocol',))
    refused(t, 'create', '-f', 'qcow2', '-b', 'a.ova::vmdisk1', '-F', 'vmdk', 'o.qcow2', says=('a.ova:',))


def test_a_missing_package_is_no_protocol(t):
    t.write('a.raw', RAW)
    for words in (('info', 'gone.ova::vmdisk1'), ('convert', 'gone.ova::vmdisk1', 'b.raw'), ('verify', 'gone::x')):
        refused(t, *words, says=('gone', 'a package that is not there'))
    done = refused(t, 'convert', 'a.raw', 'gone.ova::vmdisk1', says=('gone.ova: is a protocol',))
    tap.equal('package' in done.stderr, False, 'a package')


def test_a_missing_machine_is_told_with_any_option(t):
    for words in (('--machine', 'hyperv', 'gone.ova', 'x.ps1'), ('--losses=l', 'gone.vmx', 'x.ovf'), ('--strict', 'gone.vbox', 'x.ova')):
        done = refused(t, 'convert', *words, says=('gone.', 'No such file or directory'))
        tap.equal('are for a machine' in done.stderr, False, 'the options')
    t.write('a.raw', RAW)
    refused(t, 'convert', '--strict', 'a.raw', 'b.raw', says=('are for a machine',))


def test_names_that_are_made_of_names_are_no_protocols(t):
    for name in ('vm:1', 'vm::1'):
        t.write(f'{name}.raw', RAW)
        t.vmferry('pack', f'./{name}.raw')
        t.vmferry('unpack', f'./{name}.ova')
        t.vmferry('verify', f'./{name}/{name}.ovf')
        t.vmferry('compare', f'./{name}', f'./{name}.raw')
    tap.equal(t.names(), ['vm:1', 'vm:1.ova', 'vm:1.raw', 'vm::1', 'vm::1.ova', 'vm::1.raw'], 'files')


def test_names_that_differ_only_in_form_go_into_no_archive(t):
    t.write('a.raw', RAW)
    (t.folder / 'vm').mkdir()
    t.vmferry('pack', 'a.raw', 'a.raw', '-o', 'vm/vm.ovf')
    descriptor = (t.folder / 'vm/vm.ovf').read_text(encoding='utf-8')
    for number, name in ((1, '\u00e9.vmdk'), (2, 'e\u0301.vmdk')):
        (t.folder / f'vm/vm-disk{number}.vmdk').rename(t.folder / 'vm' / name)
        descriptor = descriptor.replace(f'vm-disk{number}.vmdk', name)
    (t.folder / 'vm/vm.ovf').write_text(descriptor, encoding='utf-8')
    (t.folder / 'vm/vm.mf').unlink()
    refused(t, 'convert', '-q', 'vm', 'b.ova', says=('no archive can hold',), status=2)
    t.vmferry('convert', '-q', 'vm', 'b/')


@tap.rows([('backslash', 'a\\b'), ('drive', 'c:1'), ('private character', 'a\ue000')])
def test_no_archive_is_written_that_is_refused(t, name):
    t.write('a.raw', RAW)
    for words in (('pack', 'a.raw', '-o'), ('pack', '--disk-format', 'raw', 'a.raw', '-o')):
        refused(t, *words, f'./{name}.ova', says=('in an archive', 'choose another'))


# ---- options ----

@tap.rows([(word, word) for word in ('--force-sh', '--forc', '--no-s', '--allow', '--read', '--form', '--chec=sha1')])
def test_options_are_not_abbreviated(t, word):
    t.write('a.raw', RAW)
    refused(t, 'convert', word, 'a.raw', 'b.raw', says=(word.split('=')[0],))


@tap.rows([('literal comma', 'backing_file=t,,help,backing_fmt=raw'), ('literal comma before ?', 'cluster_size=64k,,?'),
           ('trailing comma', 'cluster_size=64k,'), ('leading comma', ',help'), ('comma alone', ','),
           ('two commas', ',,'), ('empty', ''), ('three commas', 'backing_fmt=x,,,cluster_size=64k,,,')])
def test_no_request_for_help(t, options):
    done = refused(t, 'create', '-f', 'qcow2', '-o', options, 'b.qcow2', '1M')
    tap.equal(done.stdout, '', 'stdout')


def test_lists_of_options_are_not_joined_to_a_literal_comma(t):
    refused(t, 'create', '-f', 'qcow2', '-o', 'cluster_size=64k,', '-o', 'help', 'b.qcow2', '1M', says=('-o', 'byte 17'))
    refused(t, 'create', '-f', 'qcow2', '-o', 'cluster_size=64k', '-o', ',help', 'b.qcow2', '1M', says=('-o', 'byte 0'))
    for given in (('-o', 'cluster_size=64k,help'), ('-o', 'cluster_size=64k', '-o', 'help'), ('-o', '?')):
        tap.contains(t.vmferry('create', '-f', 'qcow2', *given, 'b.qcow2', '1M').stdout, 'Options (-o')
    tap.equal(t.names(), [], 'files')


# ---- suffixes ----

FOREIGN = ('VHDS', 'avhd', 'hdd', 'dmg', 'qed', 'vmx', 'tar', 'ova.gz', 'vmdk.gz', 'vmdk.xz', 'qcow2.zst',
           'bz2', 'lz4', 'zip', '7z', 'e01', 'aff', 'tgz', 'nvram', 'json', 'cow')


@tap.rows([(typed, typed, meant) for typed, meant in (
    ('qcow3', 'qcow2'), ('qcwo2', 'qcow2'), ('vmkd', 'vmdk'), ('VDMK', 'vmdk'), ('vhdxx', 'vhdx'), ('vhxd', 'vhdx'))])
def test_a_suffix_with_a_slip_is_no_target(t, typed, meant):
    t.write('a.raw', RAW)
    for arguments in (('convert', 'a.raw', 'x.' + typed), ('create', 'x.' + typed, '1M')):
        refused(t, *arguments, says=(f'did you mean .{meant}?',))
    t.vmferry('convert', '-O', 'raw', 'a.raw', 'x.' + typed)
    tap.equal(t.read('x.' + typed), RAW, 'content')


def test_short_suffixes_are_no_slips(t):
    t.write('a.raw', RAW)
    (t.folder / 'x.vmd').mkdir()
    for name in ('x.vmd/x', 'x.vda', 'x.vdb', 'x.vd', 'x.qc', 'x.1', 'x.raw2'):
        t.vmferry('convert', 'a.raw', name)
        tap.equal(t.read(name), RAW, name)


@tap.rows([(suffix, suffix) for suffix in FOREIGN])
def test_a_suffix_of_something_else_is_no_target(t, suffix):
    name = 'x.' + suffix
    t.write('a.raw', RAW)
    t.vmferry('pack', 'a.raw')
    package = [('convert', 'a.ova', name)] if suffix != 'vmx' else []  # becomes a machine of VMware
    for arguments in (('convert', 'a.raw', name), *package, ('create', name, '1M')):
        refused(t, *arguments, says=(name, 'suffix', '*.qcow2', '-O' if arguments[0] == 'convert' else '-f'))
    t.vmferry('convert', '-O', 'raw', 'a.ova', name)
    tap.equal(t.read(name), RAW, 'content')
    t.vmferry('create', '-f', 'raw', name, '1M')
    tap.equal(t.read(name), bytes(1 << 20), 'content')


def test_packages_are_not_created_as_disks(t):
    for name in ('x.ova', 'x.ovf', 'x.mf'):
        refused(t, 'create', name, '1M', says=('package',))


@tap.rows([(name, name) for name in ('disk', 'disk.1', 'disk.foo', 'disk.dd', 'disk.IMG', 'x.vdi/disk', '.disk', 'disk.')])
def test_other_names_are_raw(t, name):
    (t.folder / 'x.vdi').mkdir()
    t.write('a.raw', RAW)
    t.vmferry('convert', 'a.raw', name)
    tap.equal(t.read(name), RAW, 'content')


# ---- content ----

@tap.rows([(name, name, *command) for name, *command in (
    ('LZ4', 'lz4', '-qklm'), ('lzip', 'lzip', '-k'), ('lzop', 'lzop', '-q'), ('ZIP', 'zip', '-q', 'a.zip'), ('7-Zip', '7zz', 'a', '-bso0', 'a.7z'))])
def test_packed_disks_that_are_not_unpacked_are_named(t, name, program, *arguments):
    t.write('a.raw', RAW)
    t.run(tap.tool(program), *arguments, 'a.raw')
    packed = [file for file in t.names() if file != 'a.raw'][0]
    (t.folder / packed).rename(t.path('packed'))
    for verb in (('info', 'packed'), ('convert', 'packed', 'b.qcow2'), ('checksum', 'packed'), ('pack', 'packed')):
        done = refused(t, *verb, says=(name, 'unpack it first', '-f raw'), status=2)
    command = done.stderr.split('unpack it first (')[1].split(' > FILE')[0].split()
    tap.equal(t.run(tap.tool(command[0]), *command[1:], text=False).stdout, RAW, 'what the command in the message unpacks')


# ---- the forgotten target ----

def mbr(*partitions, size=1 << 20):
    """A raw disk; partitions: (status, type, first sector, sectors)."""
    entries = b''.join(struct.pack('<B3xB3xII', *partition) for partition in partitions)
    return (b'\xfa' * 446 + entries.ljust(64, b'\0') + b'\x55\xaa').ljust(size, b'\1')


def gpt(sector):
    return (bytes(sector) + b'EFI PART').ljust(1 << 20, b'\0')


WHOLE = [('MBR', mbr((0x80, 0x83, 63, 1000))), ('MBR, second entry', mbr((0, 0, 0, 0), (0, 7, 2048, 4096))),
         ('GPT', gpt(512)), ('GPT of 4 KiB', gpt(4096))]
PART = [('data', RAW), ('boot sector', (b'\xeb\x58\x90MSDOS5.0' + b'text' * 125)[:510] + b'\x55\xaa' + bytes(4096)),
        ('empty MBR', mbr()), ('signature alone', bytes(510) + b'\x55\xaa' + bytes(512)), ('short', b'\1' * 512)]


@tap.rows(WHOLE)
def test_whole_disks_are_not_joined(t, second):
    t.write('a.raw', RAW)
    t.write('b.raw', second)
    t.vmferry('convert', 'b.raw', 'b.qcow2')
    for name in ('b.raw', 'b.qcow2'):
        refused(t, 'convert', 'a.raw', name, 'c.raw', says=(name, 'partition table', '--join'))
        t.vmferry('convert', '--join', 'a.raw', name, 'd.raw')
        tap.equal(t.read('d.raw'), RAW + second, 'content')
        t.run('rm', 'd.raw')
    t.vmferry('convert', 'b.raw', 'a.raw', 'c.raw')
    tap.equal(t.read('c.raw'), second + RAW, 'content')


@tap.rows(PART)
def test_parts_of_a_disk_are_joined(t, second):
    t.write('a.raw', mbr((0x80, 0x83, 63, 1000)))
    t.write('b.raw', second)
    t.vmferry('convert', 'a.raw', 'b.raw', 'c.raw')
    tap.equal(t.read('c.raw'), t.read('a.raw') + second, 'content')


@tap.rows([('vmdk', 'c.vmdk'), ('qcow2 by another name', 'c', '-O', 'qcow2'), ('raw', 'c.raw'), ('partitioned', 'c', '-O', 'raw')])
def test_a_disk_is_not_the_target_of_several(t, name, *options):
    t.write('a.raw', RAW)
    t.write('b.raw', RAW)
    t.write('m.raw', mbr((0x80, 0x83, 63, 1000)))
    t.vmferry('convert', *options, 'm.raw', name)
    refused(t, 'convert', 'a.raw', 'b.raw', name, says=(name, 'last name is the target', '--join'))
    t.vmferry('convert', 'a.raw', name)
    t.vmferry('convert', '--join', '-O', 'raw', 'a.raw', 'b.raw', name)
    tap.equal(t.read(name), RAW + RAW, 'content')


def test_a_foreign_disk_is_not_the_target_of_several(t):
    t.write('a.raw', RAW)
    for name, content in (('c', b'QFI\xfb\0\0\0\1' + bytes(512)), ('d', b'QED\0' + bytes(512))):
        t.write(name, content)
        refused(t, 'convert', 'a.raw', 'a.raw', name, says=('--join',))


def test_any_content_is_a_disk_where_the_format_is_given(t):
    t.write('a', RAW)
    t.write('fs', bytes(1080) + b'\x53\xef' + bytes(4096))
    refused(t, 'convert', '-f', 'raw', 'a', 'a', 'fs', says=('fs', 'last name is the target', '--join'))
    t.vmferry('convert', '-f', 'raw', 'a', 'fs')
    t.vmferry('convert', '-f', 'raw', '--join', 'a', 'a', 'fs')
    t.write('empty', b'')
    t.vmferry('convert', '-f', 'raw', 'a', 'a', 'empty')


def test_what_is_no_disk_is_replaced_by_several(t):
    t.write('a.raw', RAW)
    for name, content in (('c', b'a text\n'), ('d.raw', b'')):
        t.write(name, content)
        t.vmferry('convert', 'a.raw', 'a.raw', name)
        tap.equal(t.read(name), RAW + RAW, 'content')


def test_pack_takes_its_target_by_option(t):
    t.write('s.raw', RAW)
    refused(t, 'pack', 's.raw', 'w.ova', says=('w.ova', '-o w.ova'))
    t.vmferry('pack', 's.raw', '-o', 'w.ova')
    t.run('mkdir', 'folder')
    for last in ('w.ova', './W.OVF', 'folder', 'new/', 'w.ova'):
        refused(t, 'pack', 's.raw', last, says=(last, '-o'))
    refused(t, 'pack', 'w.ova', says=('-o',))
    t.vmferry('pack', 's.raw', 'w.ova', '-o', 'both.ova')
    tap.equal(t.names(), ['both.ova', 'folder', 's.raw', 'w.ova'], 'files')


# ---- what a guest writes into its disk ----

OVF = ('<?xml version="1.0"?><Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:o="http://schemas.dmtf.org/ovf/envelope/1">'
       '<References><File o:id="f" o:href="other.vmdk"/></References><DiskSection><Info/><Disk o:diskId="d" o:fileRef="f" '
       'o:capacity="1048576"/></DiskSection></Envelope>').encode()


def raw_with(start):
    return start.ljust(1 << 20, b'\0')


@tap.rows([(name, name) for name in ('g.raw', 'g.IMG', 'g.dd', 'g.bin', 'g.iso', 'g.vmdk', 'g-flat.vmdk', 'g.qcow2')])
def test_a_disk_is_no_package_by_its_content(t, name):
    t.write('a.raw', RAW)
    t.vmferry('convert', 'a.raw', 'other.vmdk')
    t.write('vm.ovf', OVF)
    t.run('tar', '--format=ustar', '-cf', 'tar', 'vm.ovf', 'other.vmdk')
    for content in (raw_with(OVF), raw_with(OVF.replace(b'>', b'>\n').decode().encode('utf-16')), t.read('tar')):
        t.write(name, content)
        done = t.vmferry('convert', '-O', 'raw', name, 'out.raw', status=None)
        if done.returncode == 0:
            tap.equal(t.read('out.raw'), content, 'content')
            t.run('rm', 'out.raw')
        for verb in ('verify', 'unpack'):
            refused(t, verb, name, says=(name, 'is a disk by its name'), status=2)
        tap.equal(t.vmferry('info', f'{name}::d', status=None).returncode > 0, True, 'no package, and no disk d')
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', name, 'out.raw')
        tap.equal(t.read('out.raw'), content, 'content')


HEADS = [('plain', b'', True), ('comment', b'<?xml version="1.0"?>\n<!-- Envelope > -->\n', True), ('word in a comment', b'<a/><!-- ', False),
         ('another root', b'<?xml version="1.0"?><x xmlns="http://schemas.dmtf.org/ovf/envelope/1">', False), ('text before', b'x', False),
         ('sector before', bytes(512), False)]


@tap.rows([(name, before, found) for name, before, found in HEADS])
def test_a_descriptor_is_known_by_its_start(t, before, found):
    t.write('a.raw', RAW)
    t.vmferry('convert', 'a.raw', 'other.vmdk')
    body = OVF[OVF.index(b'<Envelope'):]
    t.write('descriptor', before + body)
    tap.equal(t.vmferry('info', 'descriptor', status=None).returncode == 0, found, 'is a package')
    t.write('descriptor', (before + body).decode('latin-1').encode('utf-16'))
    tap.equal(t.vmferry('info', 'descriptor', status=None).returncode == 0, found, 'is a package in UTF-16')
    for foreign in (b'http://example.org/ovf', b'http://schemas.dmtf.org/ovf/envelope/11', b''):
        t.write('descriptor', before + body.replace(b'http://schemas.dmtf.org/ovf/envelope/1', foreign))
        t.vmferry('info', 'descriptor', status=2)


def overlay(t, name):
    """A QCOW2 overlay, a VMDK with an extent, an overlay with a data file: all refer to another file."""
    t.write('base.raw', RAW)
    qemu = tap.tool('qemu-img')
    t.run(qemu, 'create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'made')
    yield 'qcow2', t.read('made')
    t.run(qemu, 'create', '-q', '-f', 'qcow2', '-o', 'data_file=made.data', 'made', '1M')
    yield 'qcow2', t.read('made')
    t.run(qemu, 'convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', 'base.raw', 'made.vmdk')
    yield 'vmdk', t.read('made.vmdk')


@tap.rows([(name, name) for name in ('g.raw', 'g.img', 'g.DD', 'g.bin', 'g.vhd')])
def test_content_against_the_name_names_no_other_file(t, name):
    for form, content in overlay(t, name):
        t.write(name, content)
        refused(t, 'convert', name, 'out.qcow2', says=(name, f'the content is {form}, which the file is not by its name, and refers to', f'-f {form}'), status=2)
        refused(t, 'checksum', name, says=('refers to',), status=2)
        t.vmferry('convert', '-f', form, name, 'out.qcow2')
        t.run('rm', 'out.qcow2')


def test_content_against_the_name_of_a_parent_names_no_other_file(t):
    t.write('secret.raw', RAW)
    qemu = tap.tool('qemu-img')
    t.run(qemu, 'create', '-q', '-f', 'qcow2', '-b', 'secret.raw', '-F', 'raw', 'base.raw')
    t.run(qemu, 'create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'qcow2', 'top.qcow2')
    t.vmferry('compare', 'top.qcow2', 'secret.raw')
    content = t.read('top.qcow2')
    at = content.index(struct.pack('>II', 0xe2792aca, 5))
    t.write('top.qcow2', content[:at] + struct.pack('>I', 0x12345678) + content[at + 4:])
    refused(t, 'checksum', 'top.qcow2', says=('base.raw', 'refers to', 'secret.raw'), status=2)


def test_own_content_is_read_under_any_name(t):
    t.write('a.raw', RAW)
    for form in ('qcow2', 'vmdk', 'vhd'):
        t.vmferry('convert', '-O', form, 'a.raw', 'b.img')
        t.vmferry('compare', 'b.img', 'a.raw')


def test_nothing_beside_the_named_file_is_opened(t):
    for form, content in overlay(t, 'x'):
        t.write('x.' + form, content)
        for verb in (('convert', 'x.' + form, 'out.raw'), ('map', 'x.' + form), ('checksum', 'x.' + form), ('measure', 'x.' + form),
                     ('info', '--backing-chain', 'x.' + form), ('pack', 'x.' + form)):
            refused(t, *verb, '--no-refs', says=('refers to', '--no-refs'), status=2)
        refused(t, 'compare', '--no-refs', 'x.' + form, 'base.raw', says=('--no-refs',), status=2)
    t.vmferry('checksum', '--no-refs', 'base.raw')
    refused(t, 'checksum', '--no-refs', '--allow-ref', '.', 'base.raw', says=('contradict',))


def test_nothing_beside_a_package_is_opened(t):
    t.write('a.raw', RAW)
    t.vmferry('pack', '--disk-format', 'monolithicSparse', '-o', 'a.ova', 'a.raw')
    t.vmferry('unpack', '--no-refs', 'a.ova')
    t.vmferry('compare', '--no-refs', 'a.ova::vmdisk1', 'a.raw')
    t.vmferry('verify', '--no-refs', 'a.ova')
    t.vmferry('verify', '--no-refs', 'a')
    t.vmferry('compare', '--no-refs', 'a', 'a.raw')
    for verb in ('info', 'verify', 'checksum', 'unpack', 'pack'):
        where = ('-o', 'b.ova') if verb == 'pack' else ()
        refused(t, verb, '--no-refs', *where, 'a/a.ovf', says=('beside it', '--no-refs'), status=2)


tap.main(globals())
