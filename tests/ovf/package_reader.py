# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Reads packages that vmferry wrote, with Python, qemu-img and openssl alone: what tests hold against each other."""
import gzip
import hashlib
import os
import re
import subprocess
import tarfile
import urllib.parse
import xml.etree.ElementTree as ElementTree

import tap

OVF = '{http://schemas.dmtf.org/ovf/envelope/1}'
LINE = re.compile(r'(SHA1|SHA256|SHA512)\(([^\n]+)\)= ([0-9a-f]+)\n')
FORMATS = (('streamOptimized', 'vmdk'), ('monolithicSparse', 'vmdk'), ('vmdk', 'vmdk'), ('vhd', 'vpc'), ('qcow', 'qcow2'))


class Package:
    """files: {name: bytes}, in the order of the archive or of their names; text: of the descriptor."""

    def __init__(self, path):
        path = str(path)
        if os.path.isdir(path) or path.endswith('.ovf'):
            folder = path if os.path.isdir(path) else os.path.dirname(path)
            self.files = {}
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name), 'rb') as file:
                    self.files[name] = file.read()
        else:
            with tarfile.open(path, 'r:') as archive:
                entries = archive.getmembers()
                tap.equal([entry.name for entry in entries if not entry.isreg()], [], 'members that are no files')
                tap.equal(len({entry.name for entry in entries}), len(entries), 'names of members')
                self.files = {entry.name: archive.extractfile(entry).read() for entry in entries}
        self.order = list(self.files)
        descriptors = [name for name in self.order if name.endswith('.ovf')]
        tap.equal(len(descriptors), 1, 'descriptors')
        self.name = descriptors[0]
        self.text = self.files[self.name].decode('utf-8-sig')
        self.root = ElementTree.fromstring(self.files[self.name])
        self.namespace = self.root.tag.split('}')[0] + '}'

    def get(self, element, name):
        return element.get(self.namespace + name, element.get(name))

    def elements(self, name):
        return list(self.root.iter(self.namespace + name))

    def file_of(self, identity):
        """(File, its bytes); chunks joined, gzip unpacked."""
        for element in self.elements('File'):
            if self.get(element, 'id') == identity:
                break
        else:
            raise AssertionError(f'no file {identity}')
        name = self.get(element, 'href')
        data = b''.join(self.files[part] for part in self.parts(element))
        size = self.get(element, 'size')
        if size is not None:
            tap.equal(int(size), len(data), f'ovf:size of {name}')
        return element, gzip.decompress(data) if self.get(element, 'compression') == 'gzip' else data

    def parts(self, element):
        """The names of the stored files of a File: one, or its chunks."""
        name = urllib.parse.unquote(self.get(element, 'href'))
        if name in self.files:
            return [name]
        return sorted(part for part in self.order if re.fullmatch(re.escape(name) + r'\.\d{9}', part))

    def disk(self, identity):
        for element in self.elements('Disk'):
            if self.get(element, 'diskId') == identity:
                return element
        raise AssertionError(f'no disk {identity}')

    def guest(self, t, identity):
        """The guest's bytes, by qemu-img; a delta is laid on its parent."""
        element = self.disk(identity)
        _, data = self.file_of(self.get(element, 'fileRef'))
        uri = self.get(element, 'format')
        name = next((name for word, name in FORMATS if word in uri), 'raw')
        if name == 'raw':
            return data
        t.write('guest.image', data)
        t.run(tap.tool('qemu-img'), 'convert', '-f', name, '-O', 'raw', 'guest.image',
              'guest.raw')
        content = t.read('guest.raw')
        for scratch in ('guest.image', 'guest.raw'):
            os.remove(t.path(scratch))
        return content

    def check(self):
        """Names, manifest, sizes: what holds for everything that vmferry writes."""
        stem = self.name[:-4]
        manifest = self.files[stem + '.mf'].decode()
        lines = LINE.findall(manifest)
        tap.equal(''.join(f'{kind}({name})= {digest}\n' for kind, name, digest in lines), manifest, 'manifest')
        listed = {name: (kind, digest) for kind, name, digest in lines}
        tap.equal(lines[0][1], self.name, 'first line of the manifest')
        stored = [part for element in self.elements('File') for part in self.parts(element)]
        tap.equal(sorted(listed), sorted([self.name, *stored]), 'names in the manifest')
        for name, (kind, digest) in listed.items():
            tap.equal(hashlib.new(kind.lower(), self.files[name]).hexdigest(), digest, f'digest of {name}')
        for element in self.elements('File'):
            self.file_of(self.get(element, 'id'))
        return self


def check_signature(t, package, certificate):
    """By openssl alone: the hex signature of the manifest's bytes, by the certificate behind it."""
    stem = package.name[:-4]
    text = package.files[stem + '.cert'].decode()
    kind, digest = re.match(r'(SHA\d+)\(' + re.escape(stem) + r'\.mf\)= ([0-9a-f]+)\n', text).groups()
    pem = text[text.index('-----BEGIN CERTIFICATE'):text.index('-----END CERTIFICATE-----') + 26]
    t.write('found.pem', pem.encode())
    t.write('signature', bytes.fromhex(digest))
    t.write('signed', package.files[stem + '.mf'])
    key = t.run('openssl', 'x509', '-in', 'found.pem', '-pubkey', '-noout').stdout
    t.write('public.pem', key.encode())
    t.run('openssl', 'dgst', '-' + kind.lower(), '-verify', 'public.pem', '-signature', 'signature', 'signed')
    prints = [t.run('openssl', 'x509', '-in', path, '-noout', '-fingerprint', '-sha256').stdout
              for path in ('found.pem', certificate)]
    tap.equal(prints[0], prints[1], 'certificate')
    for name in ('found.pem', 'signature', 'signed', 'public.pem'):
        os.remove(t.path(name))


def make_key(t, name='key'):
    """A self-signed certificate, of no authority: (key path, certificate path)."""
    t.run(tap.tool('openssl'), 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', name + '.pem', '-out',
          name + '-cert.pem', '-days', '30', '-subj', '/CN=vmferry tests',
          '-addext', 'basicConstraints=critical,CA:FALSE')
    return t.path(name + '.pem'), t.path(name + '-cert.pem')


def listing_of_tar(path, tool='tar'):
    """(name, size) of each member by an independent reader."""
    output = subprocess.run([tap.tool(tool), 'tvf', path], check=True, stdout=subprocess.PIPE, text=True).stdout
    column = 2 if tool == 'tar' else 4
    return [(line.split()[-1], int(line.split()[column])) for line in output.splitlines()]
