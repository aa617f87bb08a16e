# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages for the tests of `verify`, made by tarfile, hashlib and the openssl command alone."""
import copy
import hashlib
import io
import os
import subprocess
import tarfile

import tap

DISK = (tap.IMAGES / 'good-vmdk-stream.vmdk').read_bytes()
SPARSE = (tap.IMAGES / 'good-vmdk-sparse.vmdk').read_bytes()
VHD = (tap.IMAGES / 'good-vhd-dynamic.vhd').read_bytes()
CAPACITY = 2100736  # of the guest disk in DISK
STREAM = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized'

DESCRIPTOR = '''<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
<References>
{files}
</References>
<DiskSection><Info>Disks</Info>
{disks}
</DiskSection>
<VirtualSystem ovf:id="vm"><Info>A machine</Info>
<VirtualHardwareSection><Info>Hardware</Info>
<System><vssd:ElementName>Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
<vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
</VirtualHardwareSection></VirtualSystem>
</Envelope>
'''


class Package:
    """Two disks, a manifest; every part can be changed before it is written."""

    def __init__(self):
        self.files = {'a.vmdk': DISK, 'b.vmdk': DISK}
        self.references = {name: {'id': 'file-' + name, 'href': name, 'size': str(len(DISK))} for name in self.files}
        self.disks = {name: {'diskId': 'disk-' + name, 'fileRef': 'file-' + name, 'capacity': str(CAPACITY),
                             'format': STREAM} for name in self.files}
        self.order = None  # of the archive's members; None: as it should be
        self.digests = ['sha256']
        self.edit_descriptor = lambda text: text
        self.edit_manifest = lambda text: text
        self.manifest = True
        self.certificate = None
        self.tar_format = tarfile.USTAR_FORMAT

    def descriptor(self):
        def element(name, attributes):
            words = ' '.join(f'ovf:{key}="{value}"' for key, value in attributes.items() if value is not None)
            return f'<{name} {words}/>'
        return self.edit_descriptor(DESCRIPTOR.format(
            files='\n'.join(element('File', one) for one in self.references.values()),
            disks='\n'.join(element('Disk', one) for one in self.disks.values()))).encode()

    def manifest_text(self):
        parts = {'vm.ovf': self.descriptor(), **self.files}
        lines = [f'{kind.upper()}({name})= {hashlib.new(kind, data).hexdigest()}\n'
                 for name, data in parts.items() for kind in self.digests]
        return self.edit_manifest(''.join(lines)).encode()

    def parts(self):
        """{name: bytes} in the order of an archive."""
        made = {'vm.ovf': self.descriptor()}
        if self.manifest:
            made['vm.mf'] = self.manifest_text()
        if self.certificate:
            made['vm.cert'] = self.certificate(made.get('vm.mf', b''))
        made.update(self.files)
        return {name: made[name] for name in self.order(list(made))} if self.order else made

    def ova(self, t, name='vm.ova'):
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode='w', format=self.tar_format) as archive:
            for part, data in self.parts().items():
                info = tarfile.TarInfo(part)
                info.size = len(data)
                info.mtime = 0 if self.tar_format == tarfile.USTAR_FORMAT else 0.5
                archive.addfile(info, io.BytesIO(data))
        return t.write(name, made.getvalue())

    def folder(self, t, name='folder'):
        os.mkdir(t.path(name))
        for part, data in self.parts().items():
            t.write(name + '/' + part, data)
        return t.path(name)

    def but(self, **changes):
        """A copy with other values."""
        made = copy.deepcopy(self)
        for name, value in changes.items():
            setattr(made, name, value)
        return made


def openssl(t, *words, data=b''):
    return subprocess.run([tap.tool('openssl'), *words], input=data, check=True, cwd=t.folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def make_signer(t, name='signer', issuer=None):
    """A key and a certificate, NAME.key and NAME.pem; self-signed without an issuer."""
    openssl(t, 'req', '-newkey', 'rsa:2048', '-nodes', '-keyout', name + '.key', '-subj', '/CN=' + name, '-days', '30',
            *(['-x509', '-out', name + '.pem'] if not issuer else ['-out', name + '.csr']))
    if issuer:
        openssl(t, 'x509', '-req', '-in', name + '.csr', '-CA', issuer + '.pem', '-CAkey', issuer + '.key',
                '-set_serial', '7', '-days', '30', '-out', name + '.pem')


def signature(t, name='signer', kind='sha256'):
    """What makes a certificate file for a manifest."""
    def make(manifest):
        value = openssl(t, 'dgst', '-' + kind, '-sign', name + '.key', data=manifest).hex()
        return f'{kind.upper()}(vm.mf)= {value}\n'.encode() + t.read(name + '.pem')
    return make


def fingerprint(t, name='signer'):
    text = openssl(t, 'x509', '-in', name + '.pem', '-noout', '-fingerprint', '-sha256').decode()
    return text.split('=', 1)[1].strip()
