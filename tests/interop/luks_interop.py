# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Encrypted disks, made by cryptsetup and qemu-img: what comes out is what went in."""
import fcntl
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import termios

import tap

sys.path.insert(0, str(tap.IMAGES))
import make_luks as luks  # pylint: disable=wrong-import-position

SECRET = b'a secret: \x00\xff and 25 more bytes'
QUICK = ('--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000')
CONTENT = b''.join(number.to_bytes(8, 'big') * 64 for number in range(4 << 10)) + bytes(64 << 10)  # 2 MiB, and zeros


def fionread(descriptor):
    return struct.unpack('i', fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]


def processor_ticks(child):
    with open(f'/proc/{child}/stat', encoding='ascii') as file:
        fields = file.read().rpartition(')')[2].split()
    return int(fields[11]) + int(fields[12])


def ended_at_work(t, name, key):
    """A signal ends the program, which has been deriving a key for a while."""
    with subprocess.Popen([tap.VMFERRY, 'checksum', '--secret-file', key, name], cwd=t.folder, stderr=subprocess.PIPE) as child:
        while processor_ticks(child.pid) < 50 and child.poll() is None:
            os.sched_yield()
        child.send_signal(signal.SIGTERM)
        try:
            tap.equal(child.wait(300), 128 + signal.SIGTERM, 'status')
        finally:
            child.kill()


def secret(t, name='secret', value=SECRET):
    return t.write(name, value)


def cryptsetup(t, *arguments):
    done = t.run(tap.tool('cryptsetup'), '-q', *arguments, status=None)
    if done.returncode:
        raise tap.Skip(f'cryptsetup: {done.stderr.strip()[-200:]}')


def created_by_qemu(t, form, name, size, *options):
    """It measures how fast it is, and now and then cannot."""
    for _ in range(20):
        done = t.run(tap.tool('qemu-img'), 'create', '-q', '--object', 'secret,id=s,file=text', '-f', form, '-o', ','.join(options), name, str(size), status=None)
        if 'CPU usage' not in done.stderr:
            break
    if done.returncode:
        raise tap.Skip(f'qemu-img: {done.stderr.strip()[-200:]}')


def made_by_qemu(t, name, *options):
    """A disk with CONTENT, encrypted by qemu-img; the text secret is what qemu-img takes."""
    t.write('plain.raw', CONTENT)
    t.write('text', b'a text')
    tool = tap.tool('qemu-img')
    made = ('--object', 'secret,id=s,file=text')
    created_by_qemu(t, 'luks', name, len(CONTENT), 'key-secret=s,iter-time=10', *options)
    t.run(tool, 'convert', '-n', *made, '--image-opts', 'driver=raw,file.filename=plain.raw', '--target-image-opts', f'driver=luks,file.filename={name},key-secret=s')


def encrypted_in_place(t, kind, *options):
    """CONTENT, encrypted by cryptsetup as a file, and what is behind it."""
    t.write('x.luks', CONTENT + bytes(32 << 20))
    cryptsetup(t, 'reencrypt', '--encrypt', '--type', kind, '--reduce-device-size', '16M', *options, '--key-file', secret(t), 'x.luks')


def read(t, name='x.luks', key='secret'):
    t.vmferry('convert', '--secret-file', key, '-O', 'raw', name, 'out.raw')
    return t.read('out.raw')


def qcow_made_by_qemu(t, form, *options, content=CONTENT, name='x.qcow2'):
    t.write('text', b'a text')
    t.write('plain.raw', content)
    created_by_qemu(t, form, name, len(content), 'encrypt.key-secret=s', *options)
    t.run('qemu-img', 'convert', '-n', '--object', 'secret,id=s,file=text', '--image-opts', 'driver=raw,file.filename=plain.raw',
          '--target-image-opts', f'driver={form},file.filename={name},encrypt.key-secret=s')


QCOWS = [('LUKS', 'qcow2', ('encrypt.format=luks', 'encrypt.iter-time=10')), ('LUKS, small clusters', 'qcow2', ('encrypt.format=luks', 'encrypt.iter-time=10', 'cluster_size=512')),
         ('LUKS, subclusters', 'qcow2', ('encrypt.format=luks', 'encrypt.iter-time=10', 'extended_l2=on')),
         ('LUKS, essiv', 'qcow2', ('encrypt.format=luks', 'encrypt.iter-time=10', 'encrypt.cipher-mode=cbc', 'encrypt.ivgen-alg=essiv', 'encrypt.ivgen-hash-alg=sha256')),
         ('LUKS, a data file', 'qcow2', ('encrypt.format=luks', 'encrypt.iter-time=10', 'data_file=x.data')),
         ('AES', 'qcow2', ('encrypt.format=aes',)), ('AES of version 1', 'qcow', ('encrypt.format=aes',))]


@tap.rows(QCOWS)
def test_in_qcow(t, form, options):
    """Its IVs count by places in the file (LUKS) or by those of the guest (AES)."""
    qcow_made_by_qemu(t, form, *options)
    tap.equal(read(t, 'x.qcow2', 'text') == CONTENT, True, 'content')
    tap.contains(t.vmferry('check', 'x.qcow2').stdout, 'No errors')
    if form == 'qcow2':
        ours, theirs = (json.loads(t.run(program, 'info', '--output=json', 'x.qcow2').stdout) for program in (tap.VMFERRY, 'qemu-img'))
        tap.equal((ours['format-specific'], ours['encrypted']), (theirs['format-specific'], True), 'info')
    t.vmferry('convert', '-O', 'raw', 'x.qcow2', 'none.raw', status=10)


def decrypted_by_qemu(t, name, options='encrypt.key-secret=s'):
    t.run(tap.tool('qemu-img'), 'convert', '--object', 'secret,id=s,file=text', '--image-opts', f'driver=qcow2,{options},file.filename={name}', '-O', 'raw', 'theirs.raw')
    return t.read('theirs.raw')


WRITTEN = [('as it is', ()), ('aes-128', ('encrypt.cipher-alg=aes-128',)), ('essiv', ('encrypt.cipher-mode=cbc', 'encrypt.ivgen-alg=essiv', 'encrypt.cipher-alg=aes-128')),
           ('plain', ('encrypt.ivgen-alg=plain',)), ('sha1', ('encrypt.hash-alg=sha1',)), ('sha512', ('encrypt.hash-alg=sha512',)), ('ripemd160', ('encrypt.hash-alg=ripemd160',)),
           ('clusters of 512', ('cluster_size=512',)), ('clusters of 2M', ('cluster_size=2M',)), ('subclusters', ('extended_l2=on',)), ('small counts', ('refcount_bits=1', 'cluster_size=4k'))]


@tap.rows(WRITTEN)
def test_written(t, options):
    """qemu-img opens what is written, and finds nothing wrong."""
    t.write('plain.raw', CONTENT)
    t.write('text', b'a text')
    options = ','.join(('encrypt.format=luks', 'encrypt.iter-time=10', *options))
    t.vmferry('convert', '--verify', '--target-secret-file', 'text', '-O', 'qcow2', '-o', options, 'plain.raw', 'x.qcow2')
    tap.equal(decrypted_by_qemu(t, 'x.qcow2') == CONTENT, True, 'by qemu-img')
    tap.equal(read(t, 'x.qcow2', 'text') == CONTENT, True, 'by vmferry')
    t.run('qemu-img', 'check', '--object', 'secret,id=s,file=text', '--image-opts', 'driver=qcow2,encrypt.key-secret=s,file.filename=x.qcow2')
    tap.contains(t.vmferry('check', 'x.qcow2').stdout, 'No errors')
    tap.equal(CONTENT[512:1024] in t.read('x.qcow2'), False, 'a sector as it was')


@tap.rows([(f'{count} threads', count) for count in (1, 2, 5)])
def test_written_by_threads(t, count):
    t.write('plain.raw', CONTENT * 4)
    t.write('text', b'a text')
    t.vmferry('convert', '-m', count, '--target-secret-file', 'text', '-O', 'qcow2', '-o', 'encrypt.format=luks,encrypt.iter-time=1', 'plain.raw', 'x.qcow2')
    t.vmferry('compare', '--secret-file', 'text', 'x.qcow2', 'plain.raw')


def test_written_overlay_and_pipe(t):
    t.write('base.raw', CONTENT)
    changed = CONTENT[:5000] + b'changed' + CONTENT[5007:100000] + bytes(200000) + CONTENT[300000:]
    t.write('new.raw', changed)
    t.write('text', b'a text')
    options = ('--target-secret-file', 'text', '-O', 'qcow2', '-o', 'encrypt.format=luks,encrypt.iter-time=1')
    t.vmferry('convert', *options, '-B', 'base.raw', '-F', 'raw', 'new.raw', 'x.qcow2')
    tap.equal(decrypted_by_qemu(t, 'x.qcow2') == changed and read(t, 'x.qcow2', 'text') == changed, True, 'content')
    t.write('y.qcow2', t.vmferry('convert', *options, 'new.raw', '-', text=False).stdout)
    tap.equal(decrypted_by_qemu(t, 'y.qcow2') == changed, True, 'from a pipe')
    t.vmferry('create', '--target-secret-file', 'text', '-f', 'qcow2', '-o', 'encrypt.format=luks,encrypt.iter-time=1', 'z.qcow2', '3M')
    tap.equal(decrypted_by_qemu(t, 'z.qcow2'), bytes(3 << 20), 'an empty disk')


@tap.rows([('-c', ('-c',), ''), ('preallocation', (), ',preallocation=metadata'), ('compat', (), ',compat=0.10'), ('xts of 192 bits', (), ',encrypt.cipher-alg=aes-192')])
def test_what_is_not_encrypted(t, words, options):
    t.write('plain.raw', CONTENT)
    t.write('text', b'a text')
    done = t.vmferry('convert', *words, '--target-secret-file', 'text', '-O', 'qcow2', '-o', 'encrypt.format=luks' + options, 'plain.raw', 'x.qcow2', status=None)
    tap.equal((done.returncode in (1, 9), 'x.qcow2' in t.names()), (True, False), done.stderr)


@tap.rows([('qcow2', 'convert', ('-O', 'qcow2', 'plain.raw', 'x.out')), ('vmdk', 'convert', ('-O', 'vmdk', 'plain.raw', 'x.out')),
           ('created', 'create', ('-f', 'qcow2', 'x.out', '1M')), ('a machine', 'convert', ('--machine', 'libvirt', 'vm.vmx', 'x.out/'))])
def test_a_secret_for_what_is_not_encrypted(t, verb, words):
    """It would be written as it is, by who believes it encrypted."""
    t.write('plain.raw', CONTENT)
    t.write('text', b'a text')
    t.vmferry('create', '-f', 'vmdk', 'd.vmdk', '1M')
    t.write('vm.vmx', b'.encoding = "UTF-8"\nconfig.version = "8"\nvirtualHW.version = "19"\nscsi0.present = "TRUE"\nscsi0:0.present = "TRUE"\nscsi0:0.fileName = "d.vmdk"\n')
    tap.contains(t.vmferry(verb, '--target-secret-file', 'text', *words, status=1).stderr, 'encrypted')
    tap.equal('x.out' in t.names(), False, 'a target')


def test_a_secret_file_that_is_not_there(t):
    done = t.vmferry('create', '--target-secret-file', 'none', '-f', 'qcow2', '-o', 'encrypt.format=luks', 'x.qcow2', '1M', status=1)
    tap.contains(done.stderr, '--target-secret-file: none: No such file')


def test_nothing_is_written_into_it(t):
    """What is written into an image that is there would not be encrypted."""
    t.write('plain.raw', CONTENT)
    t.write('text', b'a text')
    t.vmferry('convert', '--target-secret-file', 'text', '-O', 'qcow2', '-o', 'encrypt.format=luks,encrypt.iter-time=1', 'plain.raw', 'x.qcow2')
    before = t.read('x.qcow2')
    for words in ((), ('--secret-file', 'text')):
        tap.equal(t.vmferry('apply', *words, 'plain.raw', 'x.qcow2', status=None).returncode in (9, 10), True, 'status')
        tap.equal(t.read('x.qcow2') == before, True, 'the file')


def test_each_run_has_a_key_of_its_own(t):
    """Also where ids are fixed; so it cannot be taken up again."""
    t.write('plain.raw', CONTENT)
    t.write('text', b'a text')
    words = ('convert', '--target-secret-file', 'text', '-O', 'qcow2', '-o', 'encrypt.format=luks,encrypt.iter-time=1')
    for name in 'ab':
        t.vmferry(*words, 'plain.raw', name, env={'SOURCE_DATE_EPOCH': '1'})
    tap.equal(t.read('a')[128 << 10:192 << 10] == t.read('b')[128 << 10:192 << 10], False, 'bytes')
    tap.contains(t.vmferry(*words, '--resume', 'plain.raw', 'c', status=9).stderr, 'another key')


def test_a_chain_with_several_secrets(t):
    """An overlay that is encrypted, on one that is not, on one that is encrypted by another secret."""
    qcow_made_by_qemu(t, 'qcow2', 'encrypt.format=luks', 'encrypt.iter-time=10', name='base.qcow2')
    t.vmferry('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'middle.qcow2')
    os.rename(t.path('text'), t.path('first'))
    t.write('text', b'another')
    created_by_qemu(t, 'qcow2', 'top.qcow2', len(CONTENT), 'encrypt.format=luks', 'encrypt.iter-time=10', 'encrypt.key-secret=s')
    t.run('qemu-io', '--object', 'secret,id=s,file=text', '-c', 'write -P 7 5120 1024', '--image-opts', 'driver=qcow2,encrypt.key-secret=s,file.filename=top.qcow2')
    t.run('qemu-img', 'rebase', '-u', '-b', 'middle.qcow2', '-F', 'qcow2', '--object', 'secret,id=s,file=text',
          '--image-opts', 'driver=qcow2,encrypt.key-secret=s,file.filename=top.qcow2')
    t.vmferry('convert', '--secret-file', 'first', '--secret-file', 'text', '-O', 'raw', 'top.qcow2', 'out.raw')
    # qemu-io writes whole clusters: those of an image without its backing file had zeros around
    tap.equal(t.read('out.raw')[5120:6144] == b'\7' * 1024 and t.read('out.raw')[64 << 10:] == CONTENT[64 << 10:], True, 'content')
    t.vmferry('convert', '--secret-file', 'text', '-O', 'raw', 'top.qcow2', 'none.raw', status=10)


def test_same_bytes_by_any_number_of_threads(t):
    qcow_made_by_qemu(t, 'qcow2', 'encrypt.format=luks', 'encrypt.iter-time=10', 'cluster_size=4k')
    for count in (1, 2, 7):
        t.vmferry('convert', '-m', count, '--secret-file', 'text', '-c', '-O', 'qcow2', 'x.qcow2', f'{count}.qcow2')
        tap.equal(t.read(f'{count}.qcow2') == t.read('1.qcow2'), True, f'{count} threads')


MODES = (('aes-256', 'xts', 'plain64'), ('aes-128', 'xts', 'plain64'), ('aes-256', 'xts', 'plain'), ('aes-256', 'cbc', 'plain64'), ('aes-128', 'cbc', 'plain'),
         ('aes-256', 'cbc', 'essiv'), ('aes-128', 'ecb', 'plain64'), ('aes-256', 'ctr', 'plain64'))


@tap.rows([(f'{cipher} {mode} {iv} {digest}', cipher, mode, iv, digest) for cipher, mode, iv in MODES
           for digest in (('sha1', 'sha256', 'sha512', 'ripemd160') if (cipher, mode, iv) == MODES[0] else ('sha256',))])
def test_qemu_made(t, cipher, mode, iv, digest):
    generator = ('ivgen-alg=essiv', 'ivgen-hash-alg=sha256') if iv == 'essiv' else (f'ivgen-alg={iv}',)
    made_by_qemu(t, 'x.luks', f'cipher-alg={cipher}', f'cipher-mode={mode}', f'hash-alg={digest}', *generator)
    tap.equal(read(t, key='text') == CONTENT, True, 'content')


FORMATTED = (('luks1', 'aes-xts-plain64', '512'), ('luks1', 'aes-cbc-essiv:sha256', '256'), ('luks1', 'camellia-cbc-plain64', '256'),
             ('luks2', 'aes-xts-plain64', '256'), ('luks2', 'camellia-cbc-essiv:sha256', '256'))


@tap.rows([(f'{kind} {cipher} {bits}', kind, cipher, bits) for kind, cipher, bits in FORMATTED])
def test_cryptsetup_formats(t, kind, cipher, bits):
    """It opens; what it holds is known of an encryption in place only."""
    t.write('x.luks', bytes(20 << 20))
    options = QUICK if kind == 'luks2' else QUICK[2:]
    cryptsetup(t, 'luksFormat', '--type', kind, '--cipher', cipher, '--key-size', bits, *options, '--key-file', secret(t), 'x.luks')
    t.vmferry('checksum', '--secret-file', 'secret', 'x.luks')


@tap.rows([(f'{length} bytes, {digest}', length, digest) for length in (64, 65, 128, 129, 300) for digest in ('sha1', 'sha256', 'sha512')])
def test_a_long_secret(t, length, digest):
    """HMAC takes those by their digest that are longer than its block."""
    t.write('x.luks', bytes(20 << 20))
    cryptsetup(t, 'luksFormat', '--type', 'luks1', '--hash', digest, *QUICK[2:], '--key-file', secret(t, value=(bytes(range(1, 201)) * 2)[:length]), 'x.luks')
    t.vmferry('checksum', '--secret-file', 'secret', 'x.luks')


@tap.rows([('version 1', 'luks1', QUICK[2:]), ('version 2', 'luks2', QUICK), ('essiv', 'luks2', (*QUICK, '--cipher', 'aes-cbc-essiv:sha256', '--key-size', '256')),
           ('sectors of 4096', 'luks2', (*QUICK, '--sector-size', '4096')), ('sectors of 1024', 'luks2', (*QUICK, '--sector-size', '1024')),
           ('argon2id', 'luks2', ('--pbkdf', 'argon2id', '--pbkdf-force-iterations', '4', '--pbkdf-memory', '65536', '--pbkdf-parallel', '4')),
           ('argon2i', 'luks2', ('--pbkdf', 'argon2i', '--pbkdf-force-iterations', '4', '--pbkdf-memory', '32768'))])
def test_encrypted_in_place(t, kind, options):
    if '--pbkdf' in options and options[1].startswith('argon'):
        tap.needs('libargon2')
    encrypted_in_place(t, kind, *options)
    found = read(t)[:len(CONTENT) + (8 << 20)]  # the last of it is lost to the header
    tap.equal(found[:len(CONTENT)] == CONTENT and not found[len(CONTENT):].strip(b'\0'), True, 'content')


def test_a_part_of_a_disk(t):
    """Places that are no whole sectors: of what is compared, and of sectors of 4096 bytes."""
    encrypted_in_place(t, 'luks2', *QUICK, '--sector-size', '4096')
    read(t)
    t.vmferry('compare', '--secret-file', 'secret', 'x.luks', 'out.raw')
    t.write('out.raw', t.read('out.raw')[:1000] + b'?' + t.read('out.raw')[1001:])
    tap.contains(t.vmferry('compare', '--secret-file', 'secret', 'x.luks', 'out.raw', status=1).stdout, 'offset')


@tap.rows([('without one', (), 'its secret is expected in --secret-file'), ('wrong', ('--secret-file', 'wrong'), 'the secret is wrong'),
           ('with a newline', ('--secret-file', 'newline'), 'it ends in a newline, which counts')])
def test_a_secret(t, options, says):
    made_by_qemu(t, 'x.luks')
    t.write('wrong', b'another')
    t.write('newline', b'a text\n')
    t.write('out.raw', b'old')
    done = t.vmferry('convert', *options, '-O', 'raw', 'x.luks', 'out.raw', status=10)
    tap.contains(done.stderr, says.replace('its secret', 'that holds its secret') if not options else says)
    tap.equal(t.read('out.raw'), b'old', 'the target')
    tap.equal('a text' in done.stderr or 'another' in done.stderr, False, 'the secret is told')


def test_as_qemu_img_is_told(t):
    """The same words for both, of what is read and of what is written."""
    t.write('text', b'a text')
    t.write('plain.raw', CONTENT)
    made = ('--object', 'secret,id=s,file=text')
    t.vmferry('convert', *made, '-O', 'qcow2', '-o', 'encrypt.key-secret=s,encrypt.format=luks,encrypt.iter-time=1', 'plain.raw', 'x.qcow2')
    tap.equal(decrypted_by_qemu(t, 'x.qcow2') == CONTENT, True, 'written')
    t.vmferry('create', *made, '-f', 'qcow2', '-o', 'encrypt.format=luks,encrypt.iter-time=1,encrypt.key-secret=s', 'empty.qcow2', '1M')
    tap.equal(decrypted_by_qemu(t, 'empty.qcow2'), bytes(1 << 20), 'created')
    t.vmferry('measure', *made, '-O', 'qcow2', '-o', 'encrypt.format=luks,encrypt.key-secret=s', 'plain.raw')
    for options in ('driver=qcow2,encrypt.key-secret=s,file.filename=x.qcow2', 'encrypt.key-secret=s,driver=qcow2,file.filename=x.qcow2'):
        t.vmferry('compare', *made, '--image-opts', options, 'driver=raw,file.filename=plain.raw')
    made_by_qemu(t, 'x.luks')
    t.vmferry('compare', *made, '--image-opts', 'driver=luks,key-secret=s,file.filename=x.luks', 'driver=raw,file.filename=plain.raw')


@tap.rows([('on the command line', 1, 'secret,id=s,data=geheim', 'every user'), ('in base64', 1, 'secret,id=s,file=text,format=base64', 'format=raw'),
           ('without a file', 1, 'secret,id=s', 'expected secret,id=ID,file=FILE'), ('without an id', 1, 'secret,file=text', 'expected secret,id=ID,file=FILE'),
           ('another object', 1, 'tls-creds-x509,id=s', 'expected secret,id=ID,file=FILE'), ('of another name', 1, 'secret,id=t,file=text', 'secret,id=s,file=FILE'),
           ('that is not there', 1, 'secret,id=s,file=none', 'none: No such file'), ('wrong', 10, 'secret,id=s,file=wrong', 'the secret is wrong')])
def test_an_object(t, status, text, says):
    t.write('wrong', b'geheim')
    made_by_qemu(t, 'x.luks')
    done = t.vmferry('convert', '--object', text, '--image-opts', 'driver=luks,key-secret=s,file.filename=x.luks', '-O', 'raw', 'out.raw', status=status)
    tap.contains(done.stderr, says)
    tap.equal(('geheim' in done.stderr, 'out.raw' in t.names()), (False, False), 'the secret is told, the target')


def test_secrets_by_descriptor_and_several(t):
    made_by_qemu(t, 'x.luks')
    t.write('wrong', b'another')
    with open(t.path('text'), 'rb') as file:
        t.vmferry('compare', '--secret-file', 'wrong', '--secret-fd', file.fileno(), 'x.luks', 'plain.raw', pass_fds=(file.fileno(),))


def test_what_is_told_without_a_secret(t):
    made_by_qemu(t, 'x.luks')
    ours = json.loads(t.vmferry('info', '--output=json', 'x.luks').stdout)
    theirs = json.loads(t.run('qemu-img', 'info', '--output=json', 'x.luks').stdout)
    tap.equal(ours['format-specific'], theirs['format-specific'], 'format-specific')
    tap.equal((ours['encrypted'], ours['virtual-size']), (True, len(CONTENT)), 'summary')
    found = json.loads(t.vmferry('map', '--output=json', 'x.luks').stdout)
    tap.equal([(row['data'], row['zero'], 'offset' in row) for row in found], [(True, False, False)], 'map')


def test_a_file_as_it_is(t):
    made_by_qemu(t, 'x.luks')
    t.vmferry('convert', '-f', 'raw', '-O', 'raw', 'x.luks', 'out.raw')
    tap.equal(t.read('out.raw') == t.read('x.luks'), True, 'content')


def test_holes_are_data(t):
    """What a hole becomes by decrypting is no zeros; qemu-img says so, too."""
    t.write('text', b'a text')
    created_by_qemu(t, 'luks', 'x.luks', 1 << 20, 'key-secret=s,iter-time=10')
    t.run('qemu-img', 'convert', '--object', 'secret,id=s,file=text', '--image-opts', 'driver=luks,file.filename=x.luks,key-secret=s', '-O', 'raw', 'theirs.raw')
    tap.equal(read(t, key='text') == t.read('theirs.raw'), True, 'content')


@tap.rows([(f'the {which} header', at, which) for which, at in (('first', 100), ('first', 4096), ('second', 16384 + 4096))])
def test_of_two_headers_one_is_damaged(t, at, which):
    encrypted_in_place(t, 'luks2', *QUICK)
    data = bytearray(t.read('x.luks'))
    data[at] ^= 1
    t.write('x.luks', bytes(data))
    done = t.vmferry('checksum', '--secret-file', 'secret', 'x.luks')
    tap.contains(done.stderr, f'the {"second" if which == "first" else "first"} header is taken')


def test_the_second_slot(t):
    t.write('x.luks', bytes(20 << 20))
    t.write('second', b'2')
    cryptsetup(t, 'luksFormat', '--type', 'luks2', *QUICK, '--key-file', secret(t), 'x.luks')
    one = t.vmferry('checksum', '--secret-file', 'secret', 'x.luks').stdout
    cryptsetup(t, 'luksAddKey', *QUICK, '--key-file', 'secret', 'x.luks', 'second')
    tap.equal(t.vmferry('checksum', '--secret-file', 'second', 'x.luks').stdout, one, 'by the second slot')
    cryptsetup(t, 'luksRemoveKey', 'x.luks', 'secret')
    t.vmferry('checksum', '--secret-file', 'secret', 'x.luks', status=10)


def test_many_iterations_are_stopped(t):
    """A header that asks for an hour of work; what is asked to end meanwhile ends."""
    made_by_qemu(t, 'x.luks')
    data = bytearray(t.read('x.luks'))
    struct.pack_into('>I', data, 208 + 4, 1000000000)  # iterations of the first slot
    t.write('x.luks', bytes(data))
    ended_at_work(t, 'x.luks', 'text')


def test_argon2_is_stopped(t):
    """A minute of work, most of which is not done."""
    tap.needs('libargon2')
    text = luks.text2()
    text['keyslots']['0']['kdf'] = {'type': 'argon2id', 'time': 8192, 'memory': 8192, 'cpus': 1, 'salt': 'c2FsdHNhbHQ='}
    t.write('x.luks', luks.luks2(text))
    before = os.times()
    ended_at_work(t, 'x.luks', secret(t))
    tap.equal(os.times().children_user - before.children_user < 8, True, 'it ended before its work did')


def test_no_core_dump(t):
    """A signal that leaves one ends it while it waits for a secret behind one that it has."""
    with open('/proc/sys/kernel/core_pattern', encoding='ascii') as file:
        if file.read(1) == '|':
            raise tap.Skip('core dumps go to a program')

    def dumps(*arguments):
        reader, writer = os.pipe()
        with subprocess.Popen([tap.VMFERRY, 'checksum', '--sandbox=off', *arguments, f'/dev/fd/{reader}'], cwd=t.folder, pass_fds=(reader,), stderr=subprocess.PIPE,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)) as child:
            os.write(writer, bytes(100))  # which it is to read on
            while fionread(reader) > 0:
                os.sched_yield()
            child.send_signal(signal.SIGSEGV)
            _, status = os.waitpid(child.pid, 0)
        os.close(reader)
        os.close(writer)
        return os.WCOREDUMP(status)

    if not dumps():
        raise tap.Skip('no core dumps here')
    tap.equal(dumps('--secret-file', secret(t)), False, 'a core dump')


tap.main(globals())
