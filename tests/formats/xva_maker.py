# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Makes XVA archives as xapi and others do, and wrong ones. Python's tarfile writes the headers, libxxhash makes the checksums."""
import ctypes
import hashlib
import tarfile
from xml.sax.saxutils import escape

MIB = 1 << 20
XXHASH = ctypes.CDLL('libxxhash.so.0').XXH64
XXHASH.restype = ctypes.c_uint64
XXHASH.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]


def xxhash(data):
    return f'{XXHASH(data, len(data), 0):016X}'.encode()


def sha1(data):
    return hashlib.sha1(data).hexdigest().encode()


def member(name, data=b'', kind=tarfile.GNU_FORMAT, **fields):
    """A file of an archive: header, data, padding."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(kind) + data + bytes(-len(data) % 512)


def chunk(name, data=b'', digest=None, suffix=None):
    """A chunk with the member of its checksum behind it."""
    digest = xxhash(data) if digest is None else digest
    return member(name, data) + member(name + (suffix or ('.xxhash' if len(digest) == 16 else '.checksum')), digest)


END = bytes(1024)


# ---- ova.xml ----

def value(what):
    """A value as XML-RPC has it; integers are bare text, as xapi writes them."""
    if isinstance(what, dict):
        inner = ''.join(f'<member><name>{name}</name>{value(one)}</member>' for name, one in what.items())
        return f'<value><struct>{inner}</struct></value>'
    if isinstance(what, list):
        return '<value><array><data>' + ''.join(map(value, what)) + '</data></array></value>'
    if isinstance(what, bool):
        return f'<value><boolean>{int(what)}</boolean></value>'
    return f'<value>{escape(str(what))}</value>'


class Disk:
    def __init__(self, ref, size, *, name='', device='0', kind='Disk', machine='Ref:1', store='Ref:2', vdi='user'):
        self.ref, self.size, self.name, self.device, self.kind = ref, size, name, device, kind
        self.machine, self.store, self.vdi = machine, store, vdi


def objects(disks, extra=()):
    found = [('VM', 'Ref:1', {'name_label': 'vm', 'is_a_snapshot': False, 'memory_static_max': 1 << 30}),
             ('VM', 'Ref:3', {'name_label': 'then', 'is_a_snapshot': True}),
             ('SR', 'Ref:2', {'content_type': 'user'}), ('SR', 'Ref:4', {'content_type': 'iso'})]
    for index, disk in enumerate(disks):
        found.append(('VDI', disk.ref, {'virtual_size': disk.size, 'name_label': disk.name, 'SR': disk.store, 'type': disk.vdi}))
        if disk.kind:
            found.append(('VBD', f'Ref:9{index:02}', {'VDI': disk.ref, 'VM': disk.machine, 'type': disk.kind, 'userdevice': disk.device}))
    found += extra
    return [{'class': what, 'id': ref, 'snapshot': record} for what, ref, record in found]


def ova(disks, *, extra=(), **version):
    head = {'hostname': 'host', 'product_brand': 'XCP-ng', 'product_version': '8.2.1', 'xapi_major': 1, 'xapi_minor': 20,
            'export_vsn': 2, **version}
    return value({'version': head, 'objects': objects(disks, extra)}).encode()


# ---- whole archives ----

def chunks(ref, data, *, size=MIB, everything=False, digest=xxhash):
    """The chunks of a disk: the first and the last always, the others where they are not zeros."""
    made = b''
    for at in range(0, len(data), size):
        part = data[at:at + size]
        if everything or at == 0 or at + size >= len(data) or any(part):
            made += chunk(f'{ref}/{at // size:08}', part, digest(part))
    return made


def archive(*disks, **options):
    """Disks of (ref, data): they stand in the archive in the order of their ids as text."""
    made = [Disk(ref, len(data), name=f'disk {ref[4:]}', device=str(index)) for index, (ref, data) in enumerate(disks)]
    # the first chunk of all tells how long the gaps are
    filled = [(ref, data.ljust(MIB, b'\0') if len(data) < MIB and len(disks) > 1 else data) for ref, data in sorted(disks)]
    body = b''.join(chunks(ref, data, **options) for ref, data in filled)
    return member('ova.xml', ova(made)) + body + END


