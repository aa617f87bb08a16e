# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Inputs to begin with, of kinds that no file in test-images has: made by what other suites make theirs by."""
import hashlib
import pathlib
import struct
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / 'formats'), str(TESTS / 'machines'), str(TESTS.parent / 'test-images')]

# pylint: disable=wrong-import-position
import hostile_images
import make_luks
import make_qcow2
import partitions
import sesparse_maker
import vmcx_maker

GRAIN = bytes(range(256)) * 16
DISK = {'controller0': {'drive0': {'pathname': 'C:\\VMs\\disk.vhdx', 'type': 'VHD', 'pool_id': ''}}}
DEVICES = {f'vdev{i:03}': {'device': device, 'instance': instance, 'name': name} for i, (device, instance, name) in enumerate((
    ('ac6b8dc1-3257-4a70-b1b2-a9c9215659ad', 'a', 'Microsoft Virtual BIOS'), ('d422512d-2bf2-4752-809d-7b82b5fcb1b4', 'b', 'Synthetic SCSI Controller')))}
MACHINE = {'properties': {'name': 'web', 'notes': 'a note', 'subtype': 1, 'version': 2304, 'global_id': '282874FC-59D6-4F30-BC04-5FDD909C82E0'},
           'settings': {'memory': {'bank': {'size': 2048, 'dynamic_memory_enabled': True, 'reservation': 512, 'limit': 4096}}, 'processors': {'count': 4, 'hwthreads': 2}},
           'manifest': {'size': 2, **DEVICES}, '_b_': DISK, 'long': 'x' * 3000, 'number': 1.5, 'large': 1 << 63}


def write(folder, **files):
    for name, data in files.items():
        (folder / f'made-{name}').write_bytes(data)


def vmdk(folder):
    write(folder, sesparse=hostile_images.sesparse(), sesparse_of_two=sesparse_maker.sesparse([3 << 60, 1 << 60, 2 << 60, 3 << 60 | 1 << 48], GRAIN * 2))


def machine_hyperv(folder):
    write(folder, vmcx=vmcx_maker.make(MACHINE), vmcx_log=vmcx_maker.make(MACHINE, changes=((0x6000, b'new' * 100),)))


def partition(folder):
    for name, size, table in (('one', 1 << 18, [('linux', 34, 400)]), ('several', 1 << 19, [('efi', 64, 127), ('bios', 128, 130), ('linux', 200, 600), ('swap', 601, 700)])):
        partitions.gpt(folder / f'made-gpt-{name}', size, table)
    mbr = bytes(446) + b'\x80\0\2\0\x83\0\0\0' + (63).to_bytes(4, 'little') + (200).to_bytes(4, 'little') + bytes(48) + b'\x55\xaa'
    write(folder, mbr=mbr + bytes(300 * 512))


# ---- encrypted disks that the text "secret" opens, by few iterations ----

SALT = b'salt' * 8
# What its key, by PBKDF2, makes of an area of zeros (aes-cbc-plain64, as openssl does it): the key of the disk.
DISK_KEY = bytes.fromhex('39e6f5b85868c5717b415a1982d7d180') * 2
DIGEST_AT = 112


def digest(length):
    return hashlib.pbkdf2_hmac('sha256', DISK_KEY, SALT, 1000)[:length]


def luks1():
    """Its header, and the area of its only slot: 16 sectors."""
    head = make_luks.luks1(mode=b'cbc-plain64', key_bytes=32, payload=16, slots=((1000, 8, 1),))[:8192]
    return head[:DIGEST_AT] + digest(20) + head[DIGEST_AT + 20:]


def luks2():
    text, mode = make_luks.text2(), 'aes-cbc-plain64'
    slot = text['keyslots']['0']
    slot['key_size'] = slot['area']['key_size'] = 32
    slot['area']['encryption'] = text['segments']['0']['encryption'] = mode
    slot['af']['stripes'] = 1
    text['digests']['0']['digest'] = make_luks.base64.b64encode(digest(32)).decode()
    return make_luks.luks2(text)


def luks(folder):
    write(folder, luks1=luks1() + GRAIN, luks2=luks2())


def qcow2(folder):
    for name, method in (('aes', 1), ('luks', 2)):
        image = make_qcow2.Image(1 << 16)
        header = luks1()
        extension = struct.pack('>IIQQ', 0x0537be77, 16, image.add(header), len(header)) if method == 2 else b''
        write(folder, **{name: image.finish(image.level1({1: image.add(GRAIN) | make_qcow2.COPIED}), crypt=method, extensions=extension)})


def make(name, folder):
    """Into the folder of the target's inputs; nothing for most."""
    if name in MAKERS:
        MAKERS[name](folder)


MAKERS = {'luks': luks, 'qcow2': qcow2, 'vmdk': vmdk, 'machine_hyperv': machine_hyperv, 'partition': partition}
