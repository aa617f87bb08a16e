# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Encrypted disks in packages and machines: opened by a secret where they are converted, kept without one."""
import json

import tap

CONTENT = b''.join(number.to_bytes(8, 'big') * 64 for number in range(1 << 10)) + bytes(512 << 10)  # 512 KiB, and zeros
OPTIONS = 'encrypt.format=luks,encrypt.iter-time=1'


def encrypted_disk(t):
    t.write('plain.raw', CONTENT)
    t.write('text', b'a text')
    t.vmferry('convert', '--target-secret-file', 'text', '-O', 'qcow2', '-o', OPTIONS, 'plain.raw', 'disk.qcow2')


def package(t, name='vm.ova'):
    """One whose only disk is encrypted."""
    encrypted_disk(t)
    t.vmferry('pack', '--disk-format', 'qcow2', '-o', 'plain.ovf', 'plain.raw')
    stored = next(file for file in t.names() if file.endswith('.qcow2') and file != 'disk.qcow2')
    text = t.read('plain.ovf').decode().replace(f'ovf:size="{len(t.read(stored))}"', f'ovf:size="{len(t.read("disk.qcow2"))}"')
    t.write('vm.ovf', text.replace(stored, 'disk.qcow2').encode())
    if name == 'vm.ova':
        t.run('tar', 'cf', name, '--format=ustar', 'vm.ovf', 'disk.qcow2')
    return name


def test_pack(t):
    encrypted_disk(t)
    done = t.vmferry('pack', '--secret-file', 'text', '-o', 'vm.ova', 'disk.qcow2')
    tap.equal(done.stderr, '', 'stderr')
    t.vmferry('compare', 'vm.ova', 'plain.raw')
    t.vmferry('pack', '-o', 'none.ova', 'disk.qcow2', status=10)
    tap.equal('none.ova' in t.names(), False, 'a package without the secret')


@tap.rows([(name, name) for name in ('vm.ova', 'vm.ovf')])
def test_what_needs_no_secret(t, name):
    package(t, name)
    told = json.loads(t.vmferry('info', '--output=json', name).stdout)
    tap.equal([(disk['format'], disk['virtual-size']) for disk in told['disks']], [('qcow2', len(CONTENT))], 'info')
    t.vmferry('verify', name)
    t.vmferry('sign', '--renew', name)
    t.vmferry('unpack', name, 'kept')
    tap.equal(t.read('kept/disk.qcow2') == t.read('disk.qcow2'), True, 'unpacked as it is')
    t.vmferry('unpack', '-O', 'qcow2', name, 'fits')
    tap.equal(t.read('fits/disk.qcow2') == t.read('disk.qcow2'), True, 'unpacked in the form that it has')


@tap.rows([(f'{name} {" ".join(words)}', name, words, target) for name in ('vm.ova', 'vm.ovf') for words, target in (
    (('unpack', '-O', 'vmdk'), 'out'), (('convert', '--disk-format', 'streamOptimized'), 'out.ova'), (('convert',), 'out.vmx'), (('convert',), 'out.xml'),
    (('convert', '-O', 'raw'), 'out.raw'))])
def test_converted(t, name, words, target):
    package(t, name)
    before = t.names()
    done = t.vmferry(*words, name, target, status=10)
    tap.contains(done.stderr, '--secret-file')
    tap.equal(t.names(), before, 'files without the secret')
    t.write('wrong', b'geheim')
    done = t.vmferry(*words, '--secret-file', 'wrong', name, target, status=10)
    tap.equal(('geheim' in done.stderr, 'the secret is wrong' in done.stderr), (False, True), 'told')
    t.vmferry(*words, '--secret-file', 'text', name, target)
    t.vmferry('compare', written(t, target), 'plain.raw')


def written(t, target):
    """The disk that was written, or what holds it."""
    if target in ('out.ova', 'out.raw'):
        return target
    folder = t.folder / target if target == 'out' else t.folder
    return next(file for file in sorted(folder.iterdir()) if file.suffix in ('.vmdk', '.qcow2') and (target == 'out' or file.name.startswith('out')))


def test_a_machine(t):
    """Of another format, where the description does not say that the disk is encrypted."""
    encrypted_disk(t)
    t.vmferry('pack', '-o', 'plain.ova', 'plain.raw')
    t.vmferry('convert', 'plain.ova', 'x.xml')
    t.write(next(file for file in t.names() if file.startswith('x') and file.endswith('.qcow2')), t.read('disk.qcow2'))
    t.vmferry('info', 'x.xml')
    t.vmferry('convert', 'x.xml', 'out.vmx', status=10)
    t.vmferry('convert', '--secret-file', 'text', 'x.xml', 'out.vmx')
    t.vmferry('compare', written(t, 'out.vmx'), 'plain.raw')


def test_batch(t):
    """Secrets of all jobs, by a file and by a descriptor that is read once, and of one job; none is in a report."""
    package(t)
    t.write('other', b'geheim')
    t.vmferry('convert', '--target-secret-file', 'other', '-O', 'qcow2', '-o', OPTIONS, 'plain.raw', 'other.qcow2')
    t.write('jobs', b'disk.qcow2\ta.raw\nvm.ova\tb.ova\t--disk-format vmdk\nother.qcow2\tc.raw\t--secret-file other\n'
                    b'plain.raw\td.qcow2\t--target-secret-file other -O qcow2 -o encrypt.format=luks,encrypt.iter-time=1\n')
    made = {'a.raw': (), 'b.ova': (), 'c.raw': (), 'd.qcow2': ('--secret-file', 'other')}
    with open(t.path('text'), 'rb') as file:
        for words, descriptors in ((('--secret-file', 'text'), ()), (('--secret-fd', file.fileno()), (file.fileno(),))):
            done = t.vmferry('batch', 'jobs', *words, '--report', 'r.json', pass_fds=descriptors)
            for name, secret in made.items():
                t.vmferry('compare', *secret, name, 'plain.raw')
            told = done.stdout + done.stderr + t.read('r.json').decode()
            tap.equal(('geheim' in told, 'a text' in told), (False, False), 'a secret is told')
            t.run('rm', 'r.json', *made)
    t.vmferry('batch', 'jobs', '--report', 'r.json', status=None)
    tap.equal([job['status'] for job in json.loads(t.read('r.json'))['jobs']], [10, 10, 0, 0], 'without it')


@tap.rows([('a descriptor', b'--secret-fd 5', '--secret-fd is an option of the batch'), ('an object', b'--object secret,id=s,file=x', 'by --secret-file')])
def test_what_a_job_cannot_have(t, options, says):
    t.write('plain.raw', CONTENT)
    t.write('jobs', b'plain.raw\tout.raw\t' + options + b'\n')
    tap.contains(t.vmferry('batch', 'jobs', status=2).stderr, says)


def test_tasks_have_the_files(t):
    t.write('text', b'a text')
    t.write('plain.raw', CONTENT)
    t.write('jobs', b'plain.raw\ta.raw\n')
    script = t.vmferry('batch', 'jobs', '--secret-file', 'text', '--emit', 'slurm').stdout
    tap.equal(('--secret-file' in script, 'a text' in script), (True, False), 'script')
    tap.contains(t.vmferry('batch', 'jobs', '--secret-fd', '0', '--emit', 'slurm', status=None).stderr, '--secret-file')


def test_lint(t):
    package(t)
    for name in ('vm.ova', 'disk.qcow2'):
        tap.contains(t.vmferry('lint', '--for', 'azure', '--secret-file', 'text', name, status=3).stdout, 'rules asked')
        tap.contains(t.vmferry('lint', '--for', 'azure', name, status=1).stderr, '--secret-file')


@tap.rows([('a disk', ('convert', '-O', 'raw'), 'disk.qcow2', 'out.raw', True), ('a package', ('convert', '--disk-format', 'streamOptimized'), 'vm.ova', 'out.ova', True),
           ('a machine', ('convert',), 'vm.ova', 'out.vmx', True), ('what is not encrypted', ('convert', '-O', 'raw'), 'plain.raw', 'out.raw', False),
           ('what stays encrypted', ('convert', '--target-secret-file', 'text', '-O', 'qcow2', '-o', OPTIONS), 'disk.qcow2', 'out.qcow2', False),
           ('what is kept', ('unpack',), 'vm.ova', 'out', False)])
def test_what_is_written_plain_is_told(t, words, source, target, told):
    package(t)
    done = t.vmferry(*words, '-v' if words[0] == 'convert' else '--digest=sha256', '--secret-file', 'text', source, target)
    tap.equal('the disk is stored unencrypted' in done.stderr, told, done.stderr)


tap.main(globals())
