# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Keys, certificates and packages for the tests of signatures, and openssl's word on what was signed."""
import base64
import binascii
import functools
import hashlib
import io
import os
import re
import subprocess
import tarfile
import tempfile

import tap

DISK = bytes(range(256)) * 40 + bytes(8192)
OVF = b'''<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
<References><File ovf:id="f2" ovf:href="b.img"/><File ovf:id="f1" ovf:href="a.img"/></References>
<DiskSection><Info>d</Info>
<Disk ovf:diskId="d1" ovf:fileRef="f1" ovf:capacity="18432" ovf:format="raw"/>
<Disk ovf:diskId="d2" ovf:fileRef="f2" ovf:capacity="18432" ovf:format="raw"/></DiskSection>
<VirtualSystem ovf:id="vm"><Info>v</Info></VirtualSystem></Envelope>
'''
FILES = {'vm.ovf': OVF, 'b.img': DISK, 'a.img': DISK[::-1]}


class Keys:
    """Keys and certificates, made once: a self-signed pair, and root, intermediate, leaf."""
    folder = None

    @classmethod
    @functools.lru_cache(maxsize=1)
    def make(cls):
        tap.tool('openssl')
        cls.holder = tempfile.TemporaryDirectory(prefix='vmferry-keys-')  # pylint: disable=consider-using-with
        cls.folder = cls.holder.name
        cls.write('req.conf', b'[req]\ndistinguished_name=d\nx509_extensions=e\n[d]\n'
                              b'[e]\nbasicConstraints=critical,CA:FALSE\n')
        for name in ('own', 'other', 'root', 'middle', 'leaf'):
            cls.openssl('genrsa', '-out', name + '.key', '2048')
        cls.openssl('genrsa', '-out', 'small.key', '1024')
        cls.openssl('ecparam', '-genkey', '-name', 'prime256v1', '-out', 'ec.key')
        for name in ('own', 'other', 'small', 'ec'):
            cls.self_signed(name)
        cls.openssl('req', '-x509', '-key', 'root.key', '-out', 'root.pem', '-subj', '/CN=Root', '-days', '50')
        cls.issue('middle', 'root', 'basicConstraints=critical,CA:TRUE')
        cls.issue('leaf', 'middle', 'basicConstraints=critical,CA:FALSE')
        cls.openssl('rsa', '-aes256', '-in', 'own.key', '-out', 'locked.key', '-passout', 'pass:secret words')
        cls.dated('old', '20200101000000Z', '20210101000000Z')
        cls.dated('future', '20900101000000Z', '20910101000000Z')

    @classmethod
    def self_signed(cls, name):
        cls.openssl('req', '-x509', '-config', 'req.conf', '-key', name + '.key', '-out', name + '.pem', '-subj',
                    f'/O=Test/CN={name}', '-days', '30')

    @classmethod
    def issue(cls, name, issuer, *extensions, digest='sha256'):
        """A certificate for name.key."""
        cls.openssl('req', '-new', '-key', name + '.key', '-out', name + '.csr', '-subj', f'/CN={name}')
        cls.write(name + '.ext', ''.join(line + '\n' for line in extensions).encode())
        cls.openssl('x509', '-req', '-in', name + '.csr', '-CA', issuer + '.pem', '-CAkey', issuer + '.key',
                    '-' + digest, '-CAcreateserial', '-out', name + '.pem', '-days', '40', '-extfile', name + '.ext')

    @classmethod
    def fingerprint(cls, name):
        text = cls.openssl('x509', '-in', name + '.pem', '-noout', '-fingerprint', '-sha256').decode()
        return text.split('=')[1].strip()

    @classmethod
    def dated(cls, name, start, end):
        cls.write('index.txt', b'')
        cls.write('ca.conf', b'[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\n'
                             b'default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n')
        cls.openssl('req', '-new', '-key', 'own.key', '-out', name + '.csr', '-subj', f'/CN={name}')
        cls.openssl('ca', '-batch', '-config', 'ca.conf', '-selfsign', '-keyfile', 'own.key', '-in', name + '.csr',
                    '-out', name + '.pem', '-notext', '-startdate', start, '-enddate', end, '-rand_serial')

    @classmethod
    def openssl(cls, *words, data=None):
        return subprocess.run(['openssl', *words], cwd=cls.folder, input=data, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    @classmethod
    def write(cls, name, data):
        with open(os.path.join(cls.folder, name), 'wb') as file:
            file.write(data)

    @classmethod
    def read(cls, name):
        with open(os.path.join(cls.folder, name), 'rb') as file:
            return file.read()

    @classmethod
    def path(cls, name):
        cls.make()
        return os.path.join(cls.folder, name)


def manifest(files=None, kind='SHA256', form='{kind}({name})= {digest}\n'):
    return ''.join(form.format(kind=kind, name=name, digest=hashlib.new(kind.lower(), data).hexdigest())
                   for name, data in (files or FILES).items()).encode()


def signed(text, key='own', kind='sha256', form='{KIND}(vm.mf)= {hex}\n', cert=None):
    """A certificate file as openssl makes it."""
    Keys.make()
    value = Keys.openssl('dgst', '-' + kind, '-sign', key + '.key', data=text)
    line = form.format(KIND=kind.upper(), hex=value.hex(), base64=base64.b64encode(value).decode())
    return line.encode() + Keys.read((cert or key) + '.pem')


def folder(t, mf=None, cert=None, files=None):
    for name, data in (files or FILES).items():
        t.write(name, data)
    if mf is not None:
        t.write('vm.mf', mf)
    if cert is not None:
        t.write('vm.cert', cert)
    return t.path('vm.ovf')


def archive(t, files, **options):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.USTAR_FORMAT) as tar:
        for number, (name, data) in enumerate(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 1600000000 + number
            tar.addfile(member, io.BytesIO(data))
    return t.write(options.get('name', 'vm.ova'), out.getvalue())


def key_words(name='own', cert=None):
    return ['--key', Keys.path(name + '.key'), '--cert', Keys.path((cert or name) + '.pem')]


def check_signature(t, mf, cert, kind='sha256', name='vm.mf'):
    """The exact form, and openssl's word."""
    match = re.fullmatch(rb'(SHA\d+)\(' + name.encode().replace(b'.', rb'\.') + rb'\)= ([0-9a-f]{512})\n'
                         rb'(-----BEGIN CERTIFICATE-----\n[^-]*-----END CERTIFICATE-----\n)'
                         rb'(-----BEGIN CMS-----\n[^-]*-----END CMS-----\n)?', cert)
    assert match, cert
    tap.equal(match[1].decode().lower(), kind, 'algorithm')
    t.write('check.sig', binascii.unhexlify(match[2]))
    t.write('check.mf', mf)
    t.write('check.pem', match[3])
    t.write('check.pub', t.run('openssl', 'x509', '-in', t.path('check.pem'), '-pubkey', '-noout', text=False).stdout)
    t.run('openssl', 'dgst', '-' + kind, '-verify', t.path('check.pub'), '-signature', t.path('check.sig'),
          t.path('check.mf'))
    return match[4]


def rules(t, *words, status=None):
    """{rule: severity} of `verify`, and its status."""
    done = t.vmferry('verify', *words, status=status)
    return {rule: severity for severity, rule in
            re.findall(r': (note|warning|violation|failure): .* \[([a-z-]+)\]$', done.stdout, re.M)}, done.returncode
