# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Inputs to begin with, of kinds that no file in test-images has: made by what other suites make theirs by."""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / 'formats'), str(TESTS / 'machines')]

# pylint: disable=wrong-import-position
import hostile_images
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


def make(name, folder):
    """Into the folder of the target's inputs; nothing for most."""
    if name in MAKERS:
        MAKERS[name](folder)


MAKERS = {'vmdk': vmdk, 'machine_hyperv': machine_hyperv, 'partition': partition}
