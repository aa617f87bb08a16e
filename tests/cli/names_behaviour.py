# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What a name on the command line means: paths and protocols."""
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
    'nbd:127.0.0.1:10809', 'nbd://host/disk', 'nbd+unix:///disk?socket=s', 'json:{"driver":"raw","file":"a.raw"}',
    'blkdebug::a.raw', 'host_device:a.raw', 'https://host/a.raw', 's3://bucket/key', 'ssh:a', 'c:a.raw', 'C:\\a.raw')])
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


# ---- options ----

@tap.rows([(word, word) for word in ('--force', '--for', '--no-s', '--allow', '--read', '--form', '--chec=sha1')])
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

FOREIGN = ('vdi', 'VHDX', 'avhdx', 'hdd', 'dmg', 'qed', 'vmx', 'xva', 'vma', 'tar', 'ova.gz', 'raw.gz', 'vmdk.xz', 'qcow2.zst',
           'bz2', 'lz4', 'zip', '7z', 'e01', 'aff', 'tgz', 'nvram', 'json', 'cow')


@tap.rows([(suffix, suffix) for suffix in FOREIGN])
def test_a_suffix_of_something_else_is_no_target(t, suffix):
    name = 'x.' + suffix
    t.write('a.raw', RAW)
    t.vmferry('pack', 'a.raw')
    for arguments in (('convert', 'a.raw', name), ('convert', 'a.ova', name), ('create', name, '1M')):
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
    ('gzip', 'gzip', '-k'), ('xz', 'xz', '-k'), ('zstd', 'zstd', '-q', '-k'), ('bzip2', 'bzip2', '-k'), ('lz4', 'lz4', '-qkm'),
    ('ZIP', 'zip', '-q', 'a.zip'), ('7-Zip', '7zz', 'a', '-bso0', 'a.7z'))])
def test_packed_disks_are_named(t, name, program, *arguments):
    t.write('a.raw', RAW)
    t.run(tap.tool(program), *arguments, 'a.raw')
    packed = [file for file in t.names() if file != 'a.raw'][0]
    (t.folder / packed).rename(t.path('packed'))
    for verb in (('info', 'packed'), ('convert', 'packed', 'b.qcow2'), ('checksum', 'packed'), ('pack', 'packed')):
        done = refused(t, *verb, says=(name, 'unpack it first', '-f raw'), status=9)
    command = done.stderr.split('unpack it first (')[1].split(' > FILE')[0].split()
    tap.equal(t.run(tap.tool(command[0]), *command[1:], text=False).stdout, RAW, 'what the command in the message unpacks')


def test_a_xen_appliance_is_named(t):
    t.write('ova.xml', b'<value/>')
    t.run(tap.tool('tar'), '-cf', 'a.xva', 'ova.xml')
    refused(t, 'info', 'a.xva', says=('Xen appliance',), status=9)


tap.main(globals())
