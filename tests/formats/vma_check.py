# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Takes a VMA apart as Proxmox's vma_spec.txt has it, and fails at whatever is not as it says. Nothing here is shared with
what makes archives (make_vma.py) or reads them."""
import hashlib
import struct
import sys

from tap import equal


def md5_holds(data, start, length, at, what):
    zeroed = bytearray(data[start:start + length])
    zeroed[at:at + 16] = bytes(16)
    equal(hashlib.md5(zeroed).digest(), bytes(data[start + at:start + at + 16]), what + ': MD5')


def read_blobs(data, offset, size):
    """{pointer: bytes}; they follow each other from byte 1 on."""
    blobs, at = {}, 1
    while at < size:
        length, = struct.unpack_from('<H', data, offset + at)
        equal(at + 2 + length <= size, True, f'blob at {at} ends in the buffer')
        blobs[at] = bytes(data[offset + at + 2:offset + at + 2 + length])
        at += 2 + length
    return blobs


def text(blobs, pointer):
    name = blobs[pointer]
    equal((name[-1:], name.count(b'\0')), (b'\0', 1), 'a name and its NUL')
    return name[:-1].decode()


def read_header(data):
    magic, version, uuid, _, _, offset, size, length = struct.unpack_from('>4sI16sQ16sIII', data)
    equal((magic, version, offset), (b'VMA\0', 1, 12288), 'front')
    equal((length % 512, length >= offset + size), (0, True), 'header size')
    md5_holds(data, 0, length, 32, 'header')
    equal(bytes(data[60:2044]), bytes(1984), 'reserved')
    blobs = read_blobs(data, offset, size)
    equal(bytes(data[offset + size:length]).strip(b'\0'), b'', 'behind the blobs')
    configs, devices = {}, {}
    for index in range(256):
        name, content = (struct.unpack_from('>I', data, start + 4 * index)[0] for start in (2044, 3068))
        if name:
            configs[text(blobs, name)] = blobs[content]
        name, reserved, size = struct.unpack_from('>IIQ', data, 4096 + 32 * index)
        equal((reserved, bytes(data[4096 + 32 * index + 16:4096 + 32 * index + 32])), (0, bytes(16)), 'reserved')
        if name:
            equal(index > 0 and size > 0, True, 'a device')
            devices[index] = text(blobs, name), size
    equal(len({name for name, _ in devices.values()}), len(devices), 'names')
    return uuid, length, configs, devices


def check(data, sparse=False):
    """({configuration: bytes}, {disk: its bytes}, extents); sparse: {disk: {block: its bytes}} instead."""
    data = memoryview(data)
    uuid, at, configs, devices = read_header(data)
    found = {number: {} for number in devices}
    listed = {number: set() for number in devices}
    extents = 0
    while at < len(data):
        magic, reserved, count, owner = struct.unpack_from('>4sHH16s', data, at)
        equal((magic, reserved, owner), (b'VMAE', 0, uuid), f'extent at {at}')
        md5_holds(data, at, 512, 24, f'extent at {at}')
        host, seen = at + 512, 0
        for slot in range(59):
            mask, zero, device, cluster = struct.unpack_from('>HBBI', data, at + 40 + 8 * slot)
            equal(zero, 0, 'reserved')
            if device == 0:
                continue
            seen += 1
            size = devices[device][1]
            equal(cluster * 65536 < size, True, f'cluster {cluster} is there')
            equal(cluster in listed[device], False, f'cluster {cluster} is listed twice')
            listed[device].add(cluster)
            for bit in range(16):
                if mask >> bit & 1:
                    guest = cluster * 65536 + bit * 4096
                    equal(guest < size, True, 'a block is there')
                    block = bytes(data[host:host + 4096])
                    equal(len(block), 4096, 'a whole block')
                    equal(block[size - guest:] if size - guest < 4096 else b'', bytes(max(0, 4096 - (size - guest))), 'behind the end')
                    found[device][guest] = block
                    host += 4096
        equal((host - at - 512, 0 < seen < 59), (4096 * count, True), f'blocks of the extent at {at}')
        at, extents = host, extents + 1
    equal(at, len(data), 'the end')
    disks = {}
    for number, (name, size) in devices.items():
        equal(len(listed[number]), -(-size // 65536), f'clusters of {name} that are listed')
        disks[name] = found[number] if sparse else assemble(found[number], size)
    return configs, disks, extents


def assemble(blocks, size):
    out = bytearray(size + -size % 4096)
    for guest, block in blocks.items():
        out[guest:guest + 4096] = block
    return bytes(out[:size])


if __name__ == '__main__':
    with open(sys.argv[1], 'rb') as file:
        for disk_name, disk_content in check(file.read())[1].items():
            print(disk_name, len(disk_content), hashlib.sha256(disk_content).hexdigest())
