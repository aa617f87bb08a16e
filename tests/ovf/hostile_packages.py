# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages made byte by byte, good ones and hostile ones: tar archives with any header, descriptors with any text,
manifests, and what a file in a folder can be besides a file."""
import gzip
import hashlib
import os
import sys
import zlib

import tap

sys.path[:0] = [str(tap.IMAGES), str(tap.SOURCE / 'tests/formats')]
import hostile_images as images  # pylint: disable=wrong-import-position
import make_vmdk as vmdk  # pylint: disable=wrong-import-position
from make_content import LARGE, SMALL  # pylint: disable=wrong-import-position

BLOCK = 512
OVF_1 = 'http://schemas.dmtf.org/ovf/envelope/1'
STREAM_URI = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized'
CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/'
# What must never come out of a file that a package has no right to; sectors of it, so that a raw disk could hold it.
MARKER = b'vmferry-marker-of-a-file-outside'
SECRET = MARKER * 256

DISK = vmdk.stream(SMALL, 'disk1.vmdk')
GUEST_SHA256 = hashlib.sha256(SMALL).hexdigest()
CAPACITY = len(SMALL)


# ---- tar ----

def pad(data, size=BLOCK):
    return data + bytes(-len(data) % size)


def octal(value, width):
    return f'{value:0{width - 1}o}'.encode() + b'\0'


def base256(value, width=12):
    """GNU's form of a number: the first bit set, then two's complement, big-endian."""
    return bytes([0x80 if value >= 0 else 0xff]) + (value & (1 << 8 * (width - 1)) - 1).to_bytes(width - 1, 'big')


def header(name, size=0, *, kind=b'0', link=b'', size_field=None, magic=b'ustar\x0000', prefix=b'', wrong=0,
           signed=False):
    """One header block. wrong: is added to the checksum. signed: the sum of signed bytes, as old tars made it."""
    name = name.encode() if isinstance(name, str) else name
    link = link.encode() if isinstance(link, str) else link
    block = name[:100].ljust(100, b'\0') + octal(0o644, 8) + octal(0, 8) * 2
    block += size_field if size_field is not None else octal(size, 12) if size < 1 << 33 else base256(size)
    block += octal(1700000000, 12) + b' ' * 8 + kind + link[:100].ljust(100, b'\0') + magic
    block += bytes(64) + octal(0, 8) * 2 + prefix[:155].ljust(155, b'\0')
    block = block.ljust(BLOCK, b'\0')
    total = sum(byte - 256 if signed and byte > 127 else byte for byte in block) + wrong
    return block[:148] + f'{total & 0o777777:06o}'.encode() + b'\0 ' + block[156:]


def member(name, data=b'', **words):
    return header(name, words.pop('size', len(data)), **words) + pad(data)


def record(key, value):
    """One line of an extended header; value: str or bytes."""
    body = b' ' + key.encode() + b'=' + (value.encode() if isinstance(value, str) else value) + b'\n'
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def pax(*records, kind=b'x'):
    """An extended header of (key, value) pairs, or of raw bytes."""
    data = b''.join(one if isinstance(one, bytes) else record(*one) for one in records)
    return member('PaxHeaders/x', data, kind=kind)


def longname(name, kind=b'L'):
    return member('././@LongLink', name + b'\0', kind=kind)


END = bytes(2 * BLOCK)


def ova(*parts, end=END):
    """An archive; a part is bytes, or (name, data)."""
    return b''.join(part if isinstance(part, bytes) else member(*part) for part in parts) + end


# ---- descriptors ----

def file_element(href='disk1.vmdk', identity='file1', size=None, more=''):
    size = '' if size is None else f' ovf:size="{size}"'
    return f'<File ovf:href="{href}" ovf:id="{identity}"{size}{more}/>'


def disk_element(identity='vmdisk1', file_ref='file1', capacity=CAPACITY, more='', uri=STREAM_URI):
    file_ref = '' if file_ref is None else f' ovf:fileRef="{file_ref}"'
    return f'<Disk ovf:capacity="{capacity}" ovf:diskId="{identity}"{file_ref} ovf:format="{uri}"{more}/>'


def rasd(instance, kind, name, **more):
    """An Item, its children in the order of the schema."""
    fields = dict(more, ElementName=name, InstanceID=instance, ResourceType=kind)
    inside = ''.join(f'<rasd:{key}>{fields[key]}</rasd:{key}>' for key in sorted(fields))
    return f'      <Item>{inside}</Item>\n'


def descriptor(files=None, disks=None, *, head='<?xml version="1.0" encoding="UTF-8"?>\n', sections='', system='',
               attributes='', references='', drives=None):
    """An OVF 1.1 descriptor that every consumer takes. files, disks: elements; sections: in the envelope, system: in
    the VirtualSystem; drives: ids of the disks that are attached."""
    files = [file_element(size=len(DISK))] if files is None else files
    disks = [disk_element()] if disks is None else disks
    drives = [part.split('ovf:diskId="')[1].split('"')[0] for part in disks] if drives is None else drives
    drive_items = ''.join(rasd(10 + number, 17, f'Hard disk {number + 1}', HostResource=f'ovf:/disk/{drive}', Parent=3,
                               AddressOnParent=number) for number, drive in enumerate(drives))
    return (head + f'''<Envelope xmlns="{OVF_1}" xmlns:ovf="{OVF_1}" \
xmlns:rasd="{CIM}CIM_ResourceAllocationSettingData" xmlns:vssd="{CIM}CIM_VirtualSystemSettingData" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"{attributes}>
  <References{references}>{''.join(chr(10) + '    ' + one for one in files)}
  </References>
  <DiskSection>
    <Info>Virtual disks</Info>{''.join(chr(10) + '    ' + one for one in disks)}
  </DiskSection>
  <NetworkSection>
    <Info>Networks</Info>
    <Network ovf:name="VM Network"><Description>The network</Description></Network>
  </NetworkSection>
{sections}  <VirtualSystem ovf:id="vm">
    <Info>A virtual machine</Info>
    <Name>vm</Name>
    <OperatingSystemSection ovf:id="101"><Info>Linux</Info></OperatingSystemSection>
{system}    <VirtualHardwareSection>
      <Info>Hardware</Info>
      <System>
        <vssd:ElementName>Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>vm</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType>
      </System>
{rasd(1, 3, '1 CPU', AllocationUnits='hertz * 10^6', VirtualQuantity=1)}\
{rasd(2, 4, '512 MB', AllocationUnits='byte * 2^20', VirtualQuantity=512)}\
{rasd(3, 6, 'SCSI', ResourceSubType='lsilogic')}\
{rasd(4, 10, 'Ethernet', Connection='VM Network', ResourceSubType='E1000', AutomaticAllocation='true')}\
{drive_items}    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
''').encode()


def manifest(files, kind='SHA256'):
    """files: (name, bytes) pairs."""
    return b''.join(f'{kind}({name})= {hashlib.new(kind.lower(), data).hexdigest()}\n'.encode() for name, data in files)


OVF = descriptor()
GOOD = [('vm.ovf', OVF), ('disk1.vmdk', DISK)]


def signed_off(files):
    """The files with a manifest behind the descriptor."""
    name = files[0][0].rsplit('.', 1)[0] + '.mf'
    return [files[0], (name, manifest(files)), *files[1:]]


def with_disk(href, data, more='', disk='', size=None, capacity=CAPACITY, uri=STREAM_URI):
    """An archive with one disk, called and described as the caller likes."""
    text = descriptor([file_element(href, size=size, more=more)], [disk_element(more=disk, capacity=capacity, uri=uri)])
    return ova(('vm.ovf', text), (href, data))


def xml(text):
    """An archive with that descriptor and the good disk."""
    return ova(('vm.ovf', text.encode() if isinstance(text, str) else text), ('disk1.vmdk', DISK))


def with_prolog(prolog, inside=''):
    """The good descriptor with something before its root, and an element's text changed."""
    text = OVF.decode().replace('<Envelope ', prolog + '<Envelope ', 1)
    return xml(text.replace('<Name>vm</Name>', f'<Name>vm{inside}</Name>'))


# ---- large things, written a piece at a time ----

def write_ova(first, repeated, count, last, name='vm.ovf', rest=GOOD[1:]):
    """An archive whose first member is `first`, `repeated` so many times, `last`; made without holding it in memory."""
    def make(path):
        size = len(first) + len(repeated) * count + len(last)
        with open(path, 'wb') as file:
            file.write(header(name, size))
            write_repeated(file, first, repeated, count, last)
            file.write(bytes(-size % BLOCK))
            file.write(ova(*rest))
    return make


def write_repeated(file, first, repeated, count, last):
    file.write(first)
    batch = max(1, (1 << 16) // len(repeated))
    for _ in range(count // batch):
        file.write(repeated * batch)
    file.write(repeated * (count % batch) + last)


def write_file(first, repeated, count, last=b''):
    def make(path):
        with open(path, 'wb') as file:
            write_repeated(file, first, repeated, count, last)
    return make


def split_descriptor(at='<Name>vm</Name>'):
    """The good descriptor before and behind a place in it."""
    before, behind = OVF.decode().split(at)
    return (before + at).encode(), behind.encode()


def big_descriptor(repeated, count, begin='', end='', at='<Name>vm</Name>'):
    """An archive whose descriptor has something very often in one place."""
    before, behind = split_descriptor(at)
    return write_ova(before + begin.encode(), repeated.encode(), count, end.encode() + behind)


# ---- gzip ----

def zeros_stream(megabytes):
    """One gzip stream of so many MiB of zeros, made of one piece over and over; its checksum is wrong."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b'\x1f\x8b\x08\0\0\0\0\0\0\xff' + first, again, megabytes - 1, b'\x03\0' + bytes(8)


def bomb_ova(text, name, stream):
    """An archive with a member made of (first, repeated, count, last)."""
    first, repeated, count, last = stream
    size = len(first) + len(repeated) * count + len(last)

    def make(path):
        with open(path, 'wb') as file:
            file.write(member('vm.ovf', text) + header(name, size))
            write_repeated(file, first, repeated, count, last)
            file.write(bytes(-size % BLOCK) + END)
    return make


def packed(data):
    return gzip.compress(data, 9, mtime=0)


# ---- images that refer to others ----

def pointing_vmdk(name, kind='FLAT'):
    """A VMDK descriptor of the size of the good disk whose data is in another file."""
    return vmdk.descriptor('monolithicFlat', [f'RW {CAPACITY // BLOCK} {kind} "{name}" 0']).ljust(BLOCK, b'\n')


def pointing_delta(hint):
    return vmdk.sparse(SMALL, 'disk1.vmdk', parent=0x5eed0002, hint=hint)


def chunks(data, size, name):
    return [(f'{name}.{number:09d}', data[at:at + size]) for number, at in enumerate(range(0, len(data), size))]


# ---- folders ----

def place(folder, files):
    """Writes files: {name: bytes or what makes the file of a given path}."""
    for name, what in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if callable(what):
            what(path)
        else:
            with open(path, 'wb') as file:
                file.write(what)


def device(path):
    """/dev/zero under another name; only root can."""
    os.mknod(path, 0o20666, os.makedev(1, 5))


def sparse_tar(kind=b'S'):
    """A member as GNU tar stores a sparse file (its old form): a map in the header."""
    block = bytearray(header('disk1.vmdk', len(DISK), kind=kind, magic=b'ustar  \0'))
    block[386:410] = octal(0, 12) + octal(len(DISK), 12)
    block[483:495] = octal(len(DISK), 12)
    total = sum(block) - sum(block[148:156]) + 8 * 32
    block[148:156] = f'{total:06o}'.encode() + b'\0 '
    return bytes(block) + pad(DISK)


