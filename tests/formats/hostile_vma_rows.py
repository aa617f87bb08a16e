# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VMA: what its fields may not be. Offsets are those of Proxmox's vma_spec.txt. A poke of a header is followed by its
MD5, so that it is the field that is refused."""
import struct

from hostile_case import Row
from hostile_images import LARGE, UUID, UUID_PARENT, big, little, spoil, vma

HUGE = 0xffffffff
DEVICE = vma.DEVICES + 32
CLUSTERS = -(-len(LARGE) // vma.CLUSTER)
LAST_MASK = 0x0001  # the disk ends in the first block of its last cluster


def order(slots):
    """The last cluster, which is a part of one, comes first."""
    return slots[::-1]


VMA = vma.archive({1: ('drive-scsi0', LARGE)}, UUID, order=order, per_extent=20)
FIRST = struct.unpack_from('>I', VMA, vma.HEADER_SIZE)[0]
SECOND = FIRST + vma.EXTENT + vma.BLOCK * struct.unpack_from('>H', VMA, FIRST + 6)[0]


def seal_header(image):
    vma.set_md5(image, 0, min(struct.unpack_from('>I', image, vma.HEADER_SIZE)[0], len(image)), vma.MD5)


def seal_extent(image):
    vma.set_md5(image, FIRST, vma.EXTENT, FIRST + 24)


def made(title, image, part, status=2, **more):
    return Row('VMA ' + title, image, part, status, **dict({'name': 'x.vma'}, **more))


def row(title, pokes, part, status=2, **more):
    return made(title, spoil(VMA, pokes), part, status, **more)


def head(title, at, value, part, status=2, width=4, **more):
    return row(title, [big(at, width, value), seal_header], part, status, **more)


def name(title, data, part, **more):
    """The device is called so; its blob is the last of the buffer."""
    at = struct.unpack_from('>I', VMA, DEVICE)[0]
    return row(title, [little(vma.HEADER + at, 2, len(data)), (vma.HEADER + at + 2, data),
                       big(vma.BLOB_SIZE, 4, at + 2 + len(data)), seal_header], part, **more)


def slot(title, number, value, part, **more):
    """value: (mask, reserved, device, cluster) of an entry of the first extent."""
    return row(title, [(FIRST + 40 + 8 * number, struct.pack('>HBBI', *value)), seal_extent], part, **more)


def extent(title, at, value, part, width=2, status=2, **more):
    return row(title, [big(FIRST + at, width, value), seal_extent], part, status, **more)


def cut(length):
    return lambda image: image.__delitem__(slice(length, None))


def with_devices(devices, content=b''):
    return vma.header(UUID, devices, [('qemu-server.conf', vma.CONF)]) + content


def slots(*changed):
    """Those of the disk in order, with some others behind them."""
    return vma.slots_of({1: ('drive-scsi0', LARGE)}) + list(changed)


def archive(found, devices=None):
    extents = b''.join(vma.extent(UUID, found[at:at + vma.SLOTS]) for at in range(0, len(found), vma.SLOTS))
    return with_devices(devices or {1: ('drive-scsi0', len(LARGE))}, extents)


def again(number):
    return vma.cluster(1, number, LARGE)


def state(*numbers):
    """Clusters of the memory of a machine that was running."""
    return [(2, number, 1, b'state'.ljust(vma.BLOCK, b'.')) for number in numbers]


WITH_STATE = {1: ('drive-scsi0', len(LARGE)), 2: ('vmstate', 1 << 40)}
MANY = {number: (f'drive-scsi{number}', vma.CLUSTER) for number in range(1, 256)}
EMPTY = {1: ('drive-scsi0', len(LARGE)), 2: ('drive-empty', 0)}

ROWS = [
    made('of its signature alone', b'VMA\0', '4 bytes, a VMA header has more than 12288'),
    row('version 2', [big(4, 4, 2), seal_header], 'VMA version 2, expected 1', 9),
    *(head(f'header of {size} bytes', vma.HEADER_SIZE, size, f'VMA header: a size of {size} bytes, expected a multiple')
      for size in (0, 12288, 12801, HUGE)),
    head('header of 2 GiB', vma.HEADER_SIZE, 1 << 31, 'a size of 2147483648 bytes, at most 2097152'),
    head('header longer than the file', vma.HEADER_SIZE, 1 << 20, 'a size of 1048576 bytes, but the file has'),
    row('another MD5', [(vma.MD5, b'\0')], 'its MD5 at byte 32 is not that of its 12800 bytes'),
    row('a byte of the header changed', [(3000, b'!')], 'its MD5 at byte 32'),
    head('blobs over the header', vma.BLOB_OFFSET, 12287, 'at byte 12287, expected them from byte 12288'),
    head('blobs behind the header', vma.BLOB_SIZE, 513, 'blobs of 513 bytes at byte 12288, expected them'),
    head('blobs of 4 GiB', vma.BLOB_SIZE, HUGE, 'blobs of 4294967295 bytes'),
    head('a name where no blob is', DEVICE, 2, 'a device at byte 2 of the blobs'),
    head('a name behind the blobs', DEVICE, HUGE, 'a device at byte 4294967295 of the blobs'),
    head('data without a name', vma.CONFIG_NAMES, 0, 'configuration 0 has data, but not both'),
    head('a name without data', vma.CONFIG_DATA, 0, 'configuration 0 has a name, but not both'),
    made('two configurations of one name', vma.archive({1: ('drive-scsi0', LARGE)}, UUID, [('qemu-server.conf', vma.CONF)] * 2),
         'two configurations are called qemu-server.conf'),
    head('data where no blob is', vma.CONFIG_DATA, 3, 'qemu-server.conf at byte 3 of the blobs'),
    name('a blob beyond the buffer', b'drive-scsi0\0', '', status=0, guest=LARGE),
    row('a blob that goes beyond the buffer', [
        little(vma.HEADER + struct.unpack_from('>I', VMA, DEVICE)[0], 2, 0xffff), seal_header], 'ends within them'),
    name('a name without its NUL', b'drive-scsi0', 'is called "drive-scsi0"'),
    name('a name of nothing', b'\0', 'is called ""'),
    name('an empty blob as a name', b'', 'is called ""'),
    name('a NUL within', b'drive\0csi0\0', 'is called "drive"'),
    *(name('called ' + repr(text), text + b'\0', 'accepted are letters, digits')
      for text in (b'../x', b'..', b'a/b', b'a b', b'\x1b[2J', b'\xff', b'a\n')),
    head('device without a name', DEVICE, 0, f'device 1 has {len(LARGE)} bytes, but no name'),
    head('device 0', vma.DEVICES + 8, 4096, 'device 0 has 4096 bytes, but number 0 means none', width=8),
    head('device of 2^63 bytes', DEVICE + 8, 1 << 63, 'an archive can hold 281474976710656 of each', width=8),
    head('device of 256 TiB', DEVICE + 8, 1 << 48, '', (2, 4), width=8),
    made('two devices of one name', with_devices({1: ('drive-a', 4096), 7: ('drive-a', 4096)}),
         'devices 1 and 7 are both called drive-a'),
    made('255 devices', with_devices(MANY, b''.join(
        vma.extent(UUID, [(number, 0, 0, b'') for number in range(first, min(first + 59, 256))])
        for first in range(1, 256, 59))), 'disks', (1, 9)),
    made('a device without bytes', archive(slots(), EMPTY), '', 0, guest=LARGE),
    made('a cluster of a device without bytes', archive(slots((2, 0, 0, b'')), EMPTY), 'device 2, which the header does not'),
    made('no device', with_devices({}), 'disks', (1, 2, 9)),
    extent('another signature', 0, 0x564d4145 ^ 1, 'found 56 4d 41 44, expected an extent', width=4),
    extent('a reserved field', 4, 1, 'reserved bytes are 1, expected 0', status=9),
    row('an extent of another archive', [(FIRST + 8, UUID_PARENT), seal_extent], 'is that of another archive'),
    row('an extent with another MD5', [(FIRST + 24, b'\0')], f'extent at byte {FIRST}: its MD5'),
    row('a byte of an extent changed', [(FIRST + 500, b'!')], f'extent at byte {FIRST}: its MD5'),
    extent('more blocks than bits', 6, 9, '9 blocks are said to follow'),
    extent('no blocks', 6, 0, '0 blocks are said to follow'),
    row('an extent of nothing', [cut(FIRST), lambda image: image.extend(vma.extent(UUID, []))],
        '0 clusters have 0', command=('convert', '-f', 'vma', '-O', 'raw', '{}', 'out.raw')),
    slot('cluster out of range', 0, (0, 0, 1, CLUSTERS), f'cluster {CLUSTERS} of drive-scsi0, which has'),
    slot('cluster 2^32 - 1', 0, (0, 0, 1, HUGE), 'cluster 4294967295 of drive-scsi0'),
    slot('blocks behind the end', 0, (LAST_MASK | 2, 0, 1, CLUSTERS - 1), 'blocks 0x0003 are stored, but the disk ends in block 0'),
    slot('a device that is none', 1, (0, 0, 2, 0), 'a cluster of device 2, which the header does not have'),
    slot('blocks of no device', 59 - 1, (1, 0, 0, 0), 'entry 58: device 0, reserved byte 0'),
    slot('a reserved byte', 1, (0, 1, 1, CLUSTERS - 2), 'entry 1: device 1, reserved byte 1'),
    made('a cluster twice', archive(slots(again(0))), 'cluster 0 of drive-scsi0 is listed a second time'),
    made('zeros twice', archive(slots((1, 5, 0, b''))), 'cluster 5 of drive-scsi0 is listed a second time'),
    made('a cluster missing', archive(slots()[:7] + slots()[8:]), f'1 clusters of drive-scsi0 are missing (of {CLUSTERS}; the first is 7)'),
    made('an empty entry between', archive(slots()[:7] + [None] + slots()[7:]), '', 0, guest=LARGE),
    made('a state in order', archive(state(0) + slots() + state(1, 2), WITH_STATE), '', 0, guest=LARGE),
    made('a state out of order', archive(slots() + state(0, 2), WITH_STATE), 'cluster 2 of vmstate, expected 1'),
    made('a state twice', archive(slots() + state(0, 0), WITH_STATE), 'cluster 0 of vmstate, expected 1'),
    row('cut within the header', [cut(12500)], 'but the file has 12500'),
    row('cut behind the header', [cut(FIRST)], f'have {CLUSTERS} clusters, which a file of {FIRST} bytes cannot list'),
    row('cut within an extent header', [cut(SECOND + 100)], 'in the header of an extent: it was cut short'),
    row('cut within data', [cut(SECOND - 100)], 'go beyond the end of the file'),
    row('cut at an extent', [cut(SECOND)], 'clusters of drive-scsi0 are missing'),
    row('two archives behind each other', [lambda image: image.extend(VMA)], 'found 56 4d 41 00, expected an extent'),
    row('zeros behind the end', [lambda image: image.extend(bytes(4096))], 'found 00 00 00 00, expected an extent'),
    row('some bytes behind the end', [lambda image: image.extend(b'VMAE')], 'in the header of an extent'),
]
