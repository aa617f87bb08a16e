# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The command line as such: version, usage errors, and where they are printed."""
import json
import os
import re
import subprocess

import tap


def test_version(t):
    done = t.vmferry('--version')
    tap.contains(done.stdout, 'vmferry ')
    tap.contains(done.stdout, '\nSHA-256 of checksums: ')
    told = re.findall(r'^Left out: (\S+) \(.+\)$', done.stdout, re.M)
    told += [one.split()[0] for one in re.search(r'^Libraries: (.*)$', done.stdout, re.M)[1].split(', ')]
    tap.equal(sorted(told), ['ISA-L', 'OpenSSL', 'bzip2', 'iconv', 'jansson', 'libargon2', 'libcurl', 'libdeflate', 'liblzma', 'libnbd', 'libseccomp', 'libxml2', 'lz4', 'xxHash', 'zlib', 'zstd'], 'libraries')
    tap.equal(done.stderr, '', 'stderr')
    tap.contains(t.vmferry('--version', env={'VMFERRY_SHA256': 'openssl'}).stdout, ': OpenSSL, one block after the other\n')


def test_option_help(t):
    tap.contains(t.vmferry('convert', '-O', 'qcow2', '-o', 'help').stdout, 'cluster_size')
    tap.contains(t.vmferry('create', '-f', 'vmdk', '-o', 'help', 'x').stdout, 'subformat')
    tap.equal(t.names(), [], 'files')


@tap.rows([
    ('key', '--key', 'sign', '--key', 'http://x/k', '--cert', 'c', 'a.ova'),
    ('certificate', '--cert', 'sign', '--cert', 'https://x/c', '--key', 'k', 'a.ova'),
    ('passphrase', '--passphrase-file', 'sign', '--passphrase-file', 'ftp://x/p', '--key', 'k', '--cert', 'c', 'a.ova'),
    ('licence', '--eula', 'pack', '--eula', 'ftp://x/e', 'a.raw', '-o', 'a.ova'),
    ('schemas', '--schema', 'verify', '--schema', 'http://x/s', 'a.ova'),
    ('certificates', '--ca-file', 'verify', '--ca-file', 'http://x/s', 'a.ova'),
    ('map of what is lost', '--salvage', 'convert', '--salvage=http://x/m', 'a.raw', 'b.raw'),
    ('backing file', '-B', 'convert', '-B', 'http://x/b', '-F', 'raw', '-O', 'qcow2', 'a.raw', 'b.qcow2'),
    ('list of checksums', 'http:', 'checksum', '-c', 'http://x/l'),
])
def test_url_where_a_file_is_expected(t, option, *arguments):
    stderr = t.vmferry(*arguments, status=1).stderr
    tap.contains(stderr, option)
    tap.equal('is a protocol that is not read or written yet' in stderr or 'is on another machine, expected a file here' in stderr, True, stderr)


@tap.rows([
    ('a file in place of the verb', 'is a file, and a verb comes first: vmferry convert a.raw TARGET', 'a.raw', 'b.qcow2'),
    ('an option before it', 'the options of a verb stand behind it', '-v', 'convert', 'a.raw', 'b.raw'),
    ('an authority that is not there', '--ca-file: ca.pem: No such file', 'verify', '--ca-file', 'ca.pem', 'a.ova'),
    ('a key that is not there', '--sign: k.pem: No such file', 'pack', '--sign', 'k.pem', 'a.raw'),
    ('a guest system with its version', 'did you mean ubuntu64Guest', 'pack', '--os', 'Ubuntu 22.04', '-o', 'b.ova', 'a.raw'),
])
def test_what_a_newcomer_types(t, reason, *arguments):
    t.write('a.raw', bytes(1 << 20))
    tap.contains(t.vmferry(*arguments, status=1).stderr, reason)
    tap.equal(t.names(), ['a.raw'], 'files')


@tap.rows([
    ('folder of references', 'No such file', 'info', '--allow-ref', 'none', 'a.raw'),
    ('folder of references is a file', 'expected a folder', 'verify', '--allow-ref', 'a.raw', 'a.ova'),
    ('folder of schemas', 'No such file', 'verify', '--schema', 'none', 'a.ova'),
    ('folder to store in', 'No such file', 'convert', '--spool', 'none', '-', 'b.raw'),
    ('folder of the loss report', 'No such file', 'convert', '--losses=none/report', 'a.raw', 'b.vmx'),
    ('folder of the map of what is lost', 'No such file', 'convert', '--salvage=none/map', 'a.raw', 'b.raw'),
])
def test_folder_that_is_not_there_is_told_at_once(t, reason, *arguments):
    t.write('a.raw', bytes(1 << 20))
    tap.contains(t.vmferry(*arguments, status=1).stderr, reason)
    tap.equal(t.names(), ['a.raw'], 'files')


@tap.rows([
    ('no verb', 1),
    ('unknown verb', 1, 'convertt'),
    ('verb of qemu-img', 1, 'resize', 'x', '1G'),
    ('unknown letter', 1, 'convert', '-Z', 'a', 'b'),
    ('unknown name', 1, 'convert', '--foo', 'a', 'b'),
    ('value missing', 1, 'convert', '-O'),
    ('value too many', 1, 'convert', '--verify=yes', 'a', 'b'),
    ('operand missing', 1, 'convert', 'a'),
    ('operand too many', 1, 'measure', 'a', 'b'),
    ('threads 0', 1, 'convert', '-m', '0', 'a', 'b'),
    ('threads 257', 1, 'convert', '-m', '257', 'a', 'b'),
    ('sparse size odd', 1, 'convert', '-S', '1000', 'a', 'b'),
    ('size nonsense', 1, 'create', 'x', '12Q'),
    ('size negative', 1, 'create', 'x', '-1'),
    ('size too large', 1, 'create', 'x', '99999999999999999999'),
    ('size with an exponent', 1, 'create', 'x', '1.5e3'),
    ('size with a part of a byte', 1, 'create', 'x', '1.5'),
    ('size without digits behind its point', 1, 'create', 'x', '1.k'),
    ('size below its bound', 1, 'convert', '--max-size', '0', 'a.raw', 'b.raw'),
    ('size of standard input', 1, 'checksum', '-f', 'raw', '--source-size', '0', '-'),
    ('output kind', 1, 'info', '--output=xml', 'a'),
    ('cache mode', 1, 'convert', '-t', 'fast', 'a', 'b'),
    ('digest', 1, 'checksum', '-a', 'md5', 'a'),
    ('no-create', 1, 'convert', '-n', 'a', 'b'),
    ('target-is-zero', 1, 'convert', '--target-is-zero', 'a', 'b'),
    ('reflink', 1, 'convert', '--reflink=always', 'a', 'b'),
    ('rate', 1, 'convert', '-r', '1M', 'a', 'b'),
    ('encrypted target', 1, 'create', '-o', 'encrypt.format=luks', 'x.qcow2', '1M'),
    ('image-opts without a file', 1, 'info', '--image-opts', 'driver=raw'),
    ('image-opts of a target', 1, 'convert', '--target-image-opts', 'a', 'driver=raw,file.filename=b'),
    ('object', 1, 'check', '--object', 'secret', 'a'),
    ('repair', 1, 'check', '-r', 'all', 'a'),
    ('verify of standard output', 1, 'convert', '--verify', 'a', '-'),
    ('backing without its format', 1, 'convert', '-O', 'qcow2', '-B', 'a.raw', 'a.raw', 'b'),
    ('format without backing', 1, 'convert', '-O', 'qcow2', '-F', 'raw', 'a.raw', 'b'),
    ('unknown target format', 1, 'convert', '-O', 'nonesuch', 'a.raw', 'b'),
    ('unknown option', 1, 'convert', '-O', 'qcow2', '-o', 'nonesuch=1', 'a.raw', 'b'),
    ('measure both', 1, 'measure', '--size', '1M', 'a'),
    ('measure neither', 1, 'measure'),
    ('measure a snapshot of no file', 1, 'measure', '--size', '1M', '-l', 'monday'),
    ('measure a format of no file', 1, 'measure', '--size', '1M', '-f', 'vmdk'),
    ('compare', 2, 'compare', 'a'),
])
def test_usage_error(t, status, *arguments):
    t.write('a.raw', b'vmferry' * 4096)
    done = t.vmferry(*arguments, status=status)
    tap.equal(done.stdout, '', 'stdout')
    if arguments:
        tap.equal(done.stderr.count('\n'), 1, 'lines of stderr')
        tap.contains(done.stderr, 'vmferry: ')
    tap.equal(t.names(), ['a.raw'], 'files')


@tap.rows([(' '.join(words), *words) for words in (
    ('-r', '1M'), ('-n',), ('--in-place',), ('--target-is-zero',), ('--skip-broken-bitmaps',), ('--target-secret-file', 'secret'))])
def test_a_package_takes_no_option_that_does_nothing_for_it(t, *words):
    t.write('a.raw', bytes(1 << 20))
    t.write('secret', b'sesame')
    t.vmferry('pack', '-o', 'a.ova', 'a.raw')
    for target in 'b.ova', 'b.vmx':
        tap.contains(t.vmferry('convert', *words, 'a.ova', target, status=1).stderr, words[0])
    tap.equal(t.names(), ['a.ova', 'a.raw', 'secret'], 'files')


@tap.rows([(name, name) for name in ('disk.raw', 'disk.VMDK', 'other.vmx', 'x.tar')])
def test_a_changed_package_is_called_as_one(t, name):
    """What is there under the name of a disk or another machine stays."""
    t.write('a.raw', bytes(1 << 20))
    t.vmferry('pack', '-o', 'a.ova', 'a.raw')
    t.write(name, b'precious')
    tap.contains(t.vmferry('edit', '--cpus', '2', '-o', name, 'a.ova', status=1).stderr, 'expected *.ova')
    tap.equal(t.read(name), b'precious', 'content')
    t.vmferry('edit', '--cpus', '2', '-o', 'b.OVA', 'a.ova')


@tap.rows([(' '.join(words[:2]) + ('' if target == 'secret' else ', by another name'), target, *words) for target in ('secret', './secret') for words in (
    ('convert', '--secret-file=secret', 'a.raw'), ('convert', '--object', 'secret,id=s,file=secret', 'a.raw'), ('create', '--target-secret-file=secret', '-f', 'qcow2'))])
def test_a_secret_is_no_target(t, target, *words):
    """What is made would be opened by nothing but what it replaced."""
    t.write('a.raw', b'vmferry' * 4096)
    t.write('secret', b'sesame')
    more = ('-o', 'encrypt.format=luks,encrypt.iter-time=1', target, '1M') if words[0] == 'create' else (target,)
    tap.contains(t.vmferry(*words, *more, status=1).stderr, 'holds a secret, and is the target, too')
    t.write('jobs', f'a.raw\t{target}\t--secret-file=secret\n'.encode())
    tap.contains(t.vmferry('batch', 'jobs', status=2).stderr, 'holds a secret, and is the target, too')
    tap.equal((t.read('secret'), t.names()), (b'sesame', ['a.raw', 'jobs', 'secret']), 'files')


def test_a_changed_machine_is_called_as_one(t):
    """A suffix that says nothing of what FILE is asks for none."""
    t.write('a.raw', bytes(1 << 20))
    t.vmferry('pack', '-o', 'a.ova', 'a.raw')
    t.vmferry('convert', 'a.ova', 'a.vmx')
    for name in 'a.vmx.orig', 'a-1.2':
        t.write(name, t.read('a.vmx'))
        t.vmferry('edit', '--cpus', '2', '-o', 'b.vmx', name)
        tap.contains(t.vmferry('edit', '--cpus', '2', '-o', 'b.vhd', name, status=1).stderr, 'the suffix .vhd')
    t.vmferry('unpack', 'a.ova')
    tap.contains(t.vmferry('edit', '--cpus', '2', '-o', 'b.ova', 'a/a.ovf', status=9).stderr, 'copy the package first')
    tap.contains(t.vmferry('edit', '--cpus', '2', '-o', 'b.ova', 'http://127.0.0.1/a.ova?sig=a.b', status=1).stderr, 'is on another machine')


@tap.rows([('in one list', 0), ('in two lists', 1)])
def test_another_content_is_the_worst_that_a_list_of_checksums_tells(t, lists):
    """Also where another disk of the list ends with a status that is higher (10: its secret is missing)."""
    tap.needs('OpenSSL')
    t.write('a.raw', b'vmferry' * 4096)
    t.write('secret', b'sesame')
    t.vmferry('create', '-q', '--target-secret-file', 'secret', '-o', 'encrypt.format=luks,encrypt.iter-time=1', 'locked.qcow2', '1M')
    told = t.vmferry('checksum', 'a.raw').stdout
    t.write('a.raw', b'another' * 4096)
    locked = told.replace('a.raw', 'locked.qcow2')
    t.write('sums', (told if lists else told + locked).encode())
    t.write('others', locked.encode())
    t.vmferry('checksum', '-c', 'others', status=10)
    t.vmferry('checksum', '-c', 'sums', *(['others'] if lists else []), status=8)


@tap.rows([('this folder', '..ova'), ('the one above', '...ova')])
def test_a_package_gives_no_name_of_dots_to_the_folder_of_its_files(t, name):
    """The name without its suffix is "." or "..": the files would lie where nobody asked for them."""
    t.write('a.raw', bytes(1 << 20))
    os.mkdir(t.path('below'))
    t.vmferry('pack', '-o', f'below/{name}', 'a.raw')
    tap.contains(t.run('sh', '-c', f'cd below && exec "{tap.VMFERRY}" unpack {name}', status=1).stderr, 'gives the folder to unpack into no name')
    tap.equal((t.names(), os.listdir(t.path('below'))), (['a.raw', 'below'], [name]), 'files')


def test_a_folder_gives_its_name_to_the_folder_of_its_files(t):
    t.write('a.raw', bytes(1 << 20))
    for folder in 'x.d', 'x.d/y':
        os.mkdir(t.path(folder))
    t.vmferry('pack', '-o', 'x.d/y/a.ovf', 'a.raw')
    t.vmferry('unpack', 'x.d/y/')
    tap.equal((t.names(), sorted(os.listdir(t.path('y')))), (['a.raw', 'x.d', 'y'], sorted(os.listdir(t.path('x.d/y')))), 'files')


@tap.rows([(words[0], *words) for words in (('--cms',), ('--cert', 'a.raw'), ('--passphrase-file', 'a.raw'))])
def test_nothing_is_signed_without_a_key(t, *words):
    t.write('a.raw', b'vmferry' * 4096)
    tap.contains(t.vmferry('convert', *words, 'a.raw', 'b.raw', status=1).stderr, 'need a key')
    tap.equal(t.names(), ['a.raw'], 'files')


@tap.rows([(text, text, size) for text, size in (
    ('9007199254740993.0', 2**53 + 1), ('1.001kB', 1001), ('7.999999999999999999999E', 2**63 - 1), ('0.1k', 102), ('1.50GiB', 3 << 29), ('1.5gb', 15 * 10**8),
    ('9007199254740993.5k', 2**63 + 1536))])
def test_sizes_are_exact(t, text, size):
    """No digit goes through a floating-point number."""
    tap.equal(json.loads(t.vmferry('measure', '--output=json', '--size', text).stdout)['required'], size)


def test_options_may_stand_behind_operands_whatever_the_environment_says(t):
    """With POSIXLY_CORRECT getopt takes what stands behind an operand for one: --no-clobber would be the target."""
    t.write('a.raw', b'vmferry' * 4096)
    t.write('b.raw', b'precious')
    t.vmferry('convert', 'a.raw', 'b.raw', '--no-clobber', status=1, env={'POSIXLY_CORRECT': '1'})
    tap.equal((t.names(), t.read('b.raw')), (['a.raw', 'b.raw'], b'precious'))


@tap.rows([(words[0], *words) for words in (('help',), ('--version',), ('measure', '--size', '1G', '-O', 'raw'))])
def test_full_standard_output(t, *arguments):
    with open('/dev/full', 'wb') as full:
        tap.contains(t.vmferry(*arguments, status=4, stdout=full).stderr, 'standard output')


@tap.rows([
    ('what has changed', 4, 'diff', 'a.raw', 'b.raw'), ('as JSON', 4, 'diff', '--output=json', 'a.raw', 'b.raw'),
    ('whether they differ', 1, 'compare', 'a.raw', 'b.raw'), ('a disk that is not there', 1, 'info', 'a.raw', 'gone.raw')])
def test_an_answer_that_is_lost_is_told(t, status, *arguments):
    """A list of changes without its end would be taken for all of it."""
    t.write('a.raw', bytes(65536))
    t.write('b.raw', b'x' * 65536)
    with open('/dev/full', 'wb') as full:
        tap.contains(t.vmferry(*arguments, status=status, stdout=full).stderr, 'vmferry: standard output: ')


@tap.rows([(' '.join(words), meant, *words) for meant, *words in (
    ('convert', 'convrt', 'a', 'b'), ('check', 'chek', 'a'), ('--backing-chain', 'info', '--backing-chian', 'a'),
    ('--no-clobber', 'convert', '--no-clobbr', 'a', 'b'), ('qcow2', 'convert', '-O', 'qcwo2', 'a.raw', 'b'),
    ('vmdk', 'info', '-f', 'vdmk', 'a.raw'), ('cluster_size', 'create', '-f', 'qcow2', '-o', 'cluster-size=4k', 'b', '1M'),
    ('windows11_64Guest?', 'pack', '--os', 'win11', 'a.raw'), ('windows', 'pack', '--os', 'windows', 'a.raw'),
    ('debian9Guest', 'pack', '--os', 'debain9', 'a.raw'))])
def test_did_you_mean(t, meant, *words):
    t.write('a.raw', bytes(65536))
    tap.contains(t.vmferry(*words, status=1).stderr, 'did you mean ' + meant)
    tap.equal(t.names(), ['a.raw'], 'files')


@tap.rows([(' '.join(words), *words) for words in (('frobnicate', 'a'), ('x', 'a'), ('convert', '--zzzzzz', 'a', 'b'))])
def test_nothing_is_meant(t, *words):
    tap.equal('did you mean' in t.vmferry(*words, status=1).stderr, False)


def test_closed_standard_output(t):
    t.write('a.raw', bytes(65536))
    script = f'"{tap.VMFERRY}" info a.raw >&-; test $? = 4 && "{tap.VMFERRY}" convert a.raw b.raw >&- 2>&- <&-'
    t.run('sh', '-c', script)
    tap.equal(t.read('b.raw'), bytes(65536), 'content')


def test_control_characters_are_escaped(t):
    done = t.vmferry('info', 'no\x1b[31m\nsuch\udc80'.encode(errors='surrogateescape').decode(errors='surrogateescape'),
                     status=1)
    tap.contains(done.stderr, 'no\\x1b[31m\\x0asuch\\x80')
    tap.equal(done.stderr.count('\n'), 1, 'lines of stderr')


@tap.rows([(f'U+{point:04X}', point) for point in (
    0x85, 0xad, 0x61c, 0x200b, 0x200d, 0x200e, 0x2028, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0xfffb, 0xe0041)])
def test_format_characters_are_escaped(t, point):
    done = t.vmferry('info', f'ab{chr(point)}.vmdk', status=1)
    tap.contains(done.stderr, f'ab\\u{{{point:x}}}.vmdk')


def test_no_such_file(t):
    for verb in ('info', 'map', 'check', 'checksum'):
        tap.contains(t.vmferry(verb, 'missing.raw', status=1).stderr, 'missing.raw')
    t.vmferry('compare', 'missing.raw', 'missing.raw', status=2)


def test_closed_pipe_is_a_write_error(t):
    t.write('a.raw', bytes(range(256)) * 4096)
    with subprocess.Popen(['true'], stdin=subprocess.PIPE) as reader:
        reader.wait()
        t.vmferry('convert', '-O', 'raw', 'a.raw', '-', status=4, stdout=reader.stdin)


def test_a_reader_that_has_seen_enough_is_not_told(t):
    """The exit status is that of a failed write all the same."""
    t.write('a.raw', bytes(range(256)) * 4096)
    for words in (('map', 'a.raw'), ('info', 'a.raw'), ('help',)):
        with subprocess.Popen(['true'], stdin=subprocess.PIPE) as reader:
            reader.wait()
            tap.equal(t.vmferry(*words, status=4, stdout=reader.stdin).stderr, '')


@tap.rows([(' '.join(words), *words) for words in (
    ('create', 'new.raw', '1M'), ('create', '-f', 'vhd', 'new.vhd', '1M'), ('convert', 'disk.raw', 'new.img'),
    ('convert', '-O', 'qcow2', 'disk.raw', 'new.qcow2'), ('convert', 'vm.ova', 'new.ova'), ('convert', 'vm.ova', 'new/'),
    ('unpack', 'vm.ova', 'new'), ('pack', '-o', 'new.ova', 'disk.raw'), ('sign', '--remove', 'vm.ova'))])
def test_a_wrong_epoch_is_an_error_before_any_work(t, *words):
    t.write('disk.raw', bytes(1 << 20))
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    before = t.read('vm.ova')
    for epoch in ('yesterday', ''):
        done = t.vmferry(*words, status=1, env={'SOURCE_DATE_EPOCH': epoch})
        tap.contains(done.stderr, f'SOURCE_DATE_EPOCH is "{epoch}": expected whole seconds since 1970')
    tap.equal(t.names(), ['disk.raw', 'vm.ova'], 'files')
    tap.equal(t.read('vm.ova') == before, True, 'the package as it was')


tap.main(globals())
