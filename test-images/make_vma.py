# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VMA archives, written from Proxmox's vma_spec.txt. Big-endian, but for the lengths of blobs."""
import hashlib
import struct

HEADER, CLUSTER, BLOCK, EXTENT, SLOTS = 12288, 65536, 4096, 512, 59
MD5, BLOB_OFFSET, BLOB_SIZE, HEADER_SIZE = 32, 48, 52, 56
CONFIG_NAMES, CONFIG_DATA, DEVICES = 2044, 3068, 4096
CONF = b'boot: order=scsi0\ncores: 1\nmemory: 512\nname: test\nscsi0: local:vm-100-disk-0\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n'


def set_md5(data, start, length, at):
    """The digest, at `at`, of `length` bytes of a bytearray from `start` on."""
    data[at:at + 16] = bytes(16)
    data[at:at + 16] = hashlib.md5(bytes(data[start:start + length])).digest()


class Blobs:
    def __init__(self):
        self.bytes = bytearray(1)

    def add(self, data):
        place = len(self.bytes)
        self.bytes += struct.pack('<H', len(data)) + data
        return place


def header(uuid, devices, configs, time=1700000000):
    """devices: {number: (name, size)}; configs: [(name, bytes)]."""
    blobs, out = Blobs(), bytearray(HEADER)
    struct.pack_into('>4sI16sQ', out, 0, b'VMA\0', 1, uuid, time)
    for index, (name, data) in enumerate(configs):
        struct.pack_into('>I', out, CONFIG_NAMES + 4 * index, blobs.add(name.encode() + b'\0'))
        struct.pack_into('>I', out, CONFIG_DATA + 4 * index, blobs.add(data))
    for number, (name, size) in devices.items():
        struct.pack_into('>IIQ', out, DEVICES + 32 * number, blobs.add(name.encode() + b'\0'), 0, size)
    length = HEADER + len(blobs.bytes) + -len(blobs.bytes) % 512
    struct.pack_into('>III', out, BLOB_OFFSET, HEADER, len(blobs.bytes), length)
    out += blobs.bytes.ljust(length - HEADER, b'\0')
    set_md5(out, 0, length, MD5)
    return bytes(out)


def extent(uuid, slots):
    """slots: [(device, cluster, mask, bytes of the blocks that are stored)], or None for an empty one."""
    out = bytearray(EXTENT)
    blocks = sum(mask.bit_count() for _, _, mask, _ in filter(None, slots))
    struct.pack_into('>4sHH16s', out, 0, b'VMAE', 0, blocks, uuid)
    for index, slot in enumerate(slots):
        if slot:
            struct.pack_into('>HBBI', out, 40 + 8 * index, slot[2], 0, slot[0], slot[1])
    set_md5(out, 0, EXTENT, 24)
    return bytes(out) + b''.join(slot[3] for slot in filter(None, slots))


def cluster(device, number, content):
    """One cluster of a disk, as a slot."""
    mask, stored = 0, b''
    for bit in range(16):
        at = number * CLUSTER + bit * BLOCK
        block = content[at:min(at + BLOCK, (number + 1) * CLUSTER)]
        if block.strip(b'\0'):
            mask |= 1 << bit
            stored += block.ljust(BLOCK, b'\0')
    return device, number, mask, stored


def slots_of(disks):
    """All clusters of {number: (name, content)}, the disks in turns."""
    lists = [[cluster(number, i, content) for i in range(-(-len(content) // CLUSTER))]
             for number, (_, content) in disks.items()]
    longest = max(map(len, lists))
    return [found[i] for i in range(longest) for found in lists if i < len(found)]


def archive(disks, uuid, configs=(('qemu-server.conf', CONF),), order=lambda slots: slots, per_extent=SLOTS - 1):
    """order: what puts the clusters into the order of the file. An extent is left short like those of Proxmox, whose last entry is empty."""
    slots = order(slots_of(disks))
    out = header(uuid, {number: (name, len(content)) for number, (name, content) in disks.items()}, configs)
    return out + b''.join(extent(uuid, slots[at:at + per_extent]) for at in range(0, len(slots), per_extent))
