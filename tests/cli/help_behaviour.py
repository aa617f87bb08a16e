# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`vmferry help`: what it lists, that it fits the terminal, and that its examples work."""
import fcntl
import os
import pty
import re
import shutil
import struct
import termios

import tap

VERBS = ('convert', 'batch', 'report', 'apply', 'create', 'clean', 'measure', 'info', 'map', 'compare', 'diff', 'check', 'lint', 'checksum', 'pack', 'unpack', 'verify', 'sign', 'edit', 'help', 'completion')
FORMATS = ('raw', 'qcow2', 'vmdk', 'vpc')
TOPICS = (*VERBS, *FORMATS, 'vhd', 'formats', 'machines', 'ova', 'OVF')


def test_lists_verbs_and_formats(t):
    text = t.vmferry('help').stdout
    tap.equal(text, t.vmferry('--help').stdout, '--help')
    tap.equal(re.findall(r'^  (\w+) ', text.split('\nFormats:')[0], re.M), list(VERBS), 'verbs')
    for name in FORMATS:
        tap.contains(text, f'\n  {name} ')


@tap.rows([(str(columns), columns) for columns in (60, 80, 100)])
def test_fits_the_columns(t, columns):
    for topic in ((), *((name,) for name in TOPICS)):
        lines = t.vmferry('help', *topic, env={'COLUMNS': str(columns)}).stdout.splitlines()
        tap.equal([line for line in lines if len(line) > columns], [], f'long lines of {topic}')


def everything(leader):
    """What was written to the other end of a terminal, which is closed."""
    parts = []
    try:
        while not parts or parts[-1]:
            parts.append(os.read(leader, 4096))
    except OSError:
        pass
    return b''.join(parts)


@tap.rows([('narrow', 60, '60'), ('wide', 90, '90'), ('very wide', 300, '100'), ('unknown', 0, '80')])
def test_fits_the_terminal(t, columns, like):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('4H', 24, columns, 0, 0))
    t.vmferry('help', 'create', stdout=follower, env={'COLUMNS': ''})
    os.close(follower)
    shown = everything(leader).decode()
    os.close(leader)
    tap.equal(shown.replace('\r\n', '\n'), t.vmferry('help', 'create', env={'COLUMNS': like}).stdout)


@tap.rows([(verb, verb) for verb in VERBS])
def test_of_a_verb(t, verb):
    text = t.vmferry('help', verb).stdout
    tap.equal(text, t.vmferry(verb, '--help').stdout, 'VERB --help')
    tap.contains(text, f'Usage: vmferry {verb} ')
    tap.equal(':\n\n' in text, False, 'a title without options')
    tap.equal(len(examples(text)), 3, 'examples')


@tap.rows([(name, name) for name in (*FORMATS, 'vhd')])
def test_of_a_format(t, name):
    tap.contains(t.vmferry('help', name).stdout, 'Directions: read write')


def test_of_machines(t):
    text = t.vmferry('help', 'machines').stdout
    for line in ('ovf       read write', 'vmx       read write', 'upload         write', 'xapi      read write'):
        tap.contains(text, f'\n  {line}  ')
    tap.equal(t.vmferry('help', 'vmx').stdout, text, 'one of them')


def test_of_what_does_not_exist(t):
    tap.contains(t.vmferry('help', 'convrt', status=1).stderr, 'did you mean convert?')
    tap.contains(t.vmferry('help', 'qcwo2', status=1).stderr, 'did you mean qcow2?')
    tap.contains(t.vmferry('help', 'frobnicate', status=1).stderr, '"vmferry help" lists them')


def examples(text):
    return [line.strip() for line in text.split('\nExamples:\n')[1].splitlines()]


def newcomers_folder(t):
    """The files that the examples name."""
    shutil.copy(tap.IMAGES / 'good-vmdk-stream.vmdk', t.path('disk.vmdk'))
    for name in ('disk.qcow2', 'disk.raw', 'disk.vhd', 'base.qcow2'):
        t.vmferry('convert', 'disk.vmdk', name)
    t.vmferry('create', '-b', 'base.qcow2', '-F', 'qcow2', 'overlay.qcow2')
    shutil.copy(t.path('disk.raw'), t.path('data.raw'))
    t.vmferry('checksum', 'disk.vmdk', stdout=open(t.path('SUMS'), 'wb'))  # pylint: disable=consider-using-with
    os.mkdir(t.path('folder'))
    os.mkdir(t.path('out'))
    os.mkdir(t.path('reports'))
    t.write('jobs.tsv', b'disk.raw\tout/disk.qcow2\n')
    t.vmferry('batch', '-q', 'jobs.tsv', '--report', 'reports/1.json')
    openssl, curve = tap.tool('openssl'), ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')
    t.run(openssl, 'req', '-x509', *curve, '-nodes', '-days', '30', '-subj', '/CN=an authority', '-keyout', 'ca.key', '-out', 'ca.pem')
    t.run(openssl, 'req', *curve, '-nodes', '-subj', '/CN=a signer', '-keyout', 'key.pem', '-out', 'request.pem')
    t.write('usage', b'keyUsage=digitalSignature\nextendedKeyUsage=codeSigning\n')
    t.run(openssl, 'x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30', '-extfile', 'usage',
          '-out', 'cert.pem')
    t.write('key.pem', t.read('key.pem') + t.read('cert.pem'))
    for name in ('appliance.ova', 'vm.ova'):
        t.vmferry('pack', 'disk.vmdk', '-o', name, '--sign', 'key.pem')


@tap.rows([(topic, topic) for topic in (*VERBS, 'machines', 'ova')])
def test_examples_work(t, topic):
    newcomers_folder(t)
    os.symlink(tap.VMFERRY, t.path('vmferry'))
    for line in examples(t.vmferry('help', topic).stdout):
        t.run('bash', '-c', line, env={'PATH': t.path('') + ':' + os.environ['PATH']})


tap.main(globals())
