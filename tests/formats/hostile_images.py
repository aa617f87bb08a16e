# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Small valid images, and the pokes that spoil them. An image is bytes; a poke is (offset, bytes) or a function that
changes a bytearray in place."""
import os
import struct
import sys
import zlib

import tap

sys.path.insert(0, str(tap.IMAGES))
import make_qcow2 as qcow2  # pylint: disable=wrong-import-position
import make_vdi as vdi  # pylint: disable=wrong-import-position
import make_vhd as vhd  # pylint: disable=wrong-import-position
import make_vma as vma  # pylint: disable=wrong-import-position,unused-import
import make_vmdk as vmdk  # pylint: disable=wrong-import-position
from make_content import LARGE, SMALL, disk  # pylint: disable=wrong-import-position

SECTOR = 512
CLUSTER = qcow2.CLUSTER
NAMES = {1: 'B', 2: 'H', 4: 'I', 8: 'Q'}
UUID, UUID_PARENT = b'vmferry-hostile1', b'vmferry-hostile2'


def big(offset, width, value):
    return offset, struct.pack('>' + NAMES[width], value)


def little(offset, width, value):
    return offset, struct.pack('<' + NAMES[width], value)


def spoil(image, pokes):
    image = bytearray(image)
    for poke in pokes:
        if callable(poke):
            poke(image)
            continue
        offset, data = poke
        image[offset:offset + len(data)] = data
    return bytes(image)


def get_big(image, offset, width):
    return struct.unpack_from('>' + NAMES[width], image, offset)[0]


def get_little(image, offset, width):
    return struct.unpack_from('<' + NAMES[width], image, offset)[0]


def put(image, poke):
    offset, data = poke
    image[offset:offset + len(data)] = data


# ---- QCOW2 ----

MASK = 0x00fffffffffffe00
QCOW2 = qcow2.plain(LARGE, 3)
QCOW2_V2 = qcow2.plain(LARGE, 2)
QCOW2_ZLIB = qcow2.compressed(LARGE)
LEVEL1 = get_big(QCOW2, 40, 8)


def level2_at(image, slot=0):
    """Where the L2 entry of a cluster in the first table stands."""
    return (get_big(image, get_big(image, 40, 8), 8) & MASK) + 8 * slot


def level1_entry(index, value):
    return lambda image: put(image, big(get_big(image, 40, 8) + 8 * index, 8, value))


def level2_entry(slot, value):
    """value: a number, or what makes one of the present entry."""
    def poke(image):
        at = level2_at(image, slot)
        put(image, big(at, 8, value(get_big(image, at, 8)) if callable(value) else value))
    return poke


def extension(kind, data):
    return struct.pack('>II', kind, len(data)) + data + bytes(-len(data) % 8)


def qcow2_with(extensions=b'', backing='', incompatible=0, autoclear=0, content=LARGE):
    """A plain version 3 image with header extensions, or with a backing file."""
    image = qcow2.Image(len(content))
    table = image.level1({} if backing else {index: image.add(unit) | qcow2.COPIED
                                             for index, unit in qcow2.units(content, CLUSTER)})
    return spoil(image.finish(table, backing, incompatible=incompatible, extensions=extensions),
                 [big(88, 8, autoclear)])


def overlay(backing, backing_format=''):
    return qcow2_with(extension(0xe2792aca, backing_format.encode()) if backing_format else b'', backing)


def tiny_overlay(backing, backing_format):
    """A disk of one sector in 1024 bytes: its L1 table and its refcount table share a cluster of zeros."""
    extra = extension(0xe2792aca, backing_format.encode()) + bytes(8)
    head = struct.pack('>4sIQIIQIIQQIIQQQQII', b'QFI\xfb', 3, 104 + len(extra), len(backing), 9, SECTOR, 0, 1, SECTOR,
                       SECTOR, 1, 0, 0, 0, 0, 0, 4, 104)
    return (head + extra + backing.encode()).ljust(2 * SECTOR, b'\0')


def data_file(name):
    return qcow2_with(extension(0x44415441, name.encode()), incompatible=4)


def packed(data, sectors=None, tail=b''):
    """One compressed cluster that holds `data` (a deflate stream), said to take so many sectors."""
    image = qcow2.Image(CLUSTER)
    host = image.add(data + tail)
    count = -(-len(data) // SECTOR) if sectors is None else sectors
    entry = qcow2.COMPRESSED | (count - 1) << (62 - (qcow2.BITS - 8)) | host
    return image.finish(image.level1({0: entry}))


def deflated(data):
    stream = zlib.compressobj(9, zlib.DEFLATED, -12)
    return stream.compress(data) + stream.flush()


def zstd_repeat(window_exponent, length=CLUSTER):
    """A frame of one run of the letter Z, which claims a window of 2 ** (10 + window_exponent) bytes."""
    block = 1 | 1 << 1 | length << 3
    return struct.pack('<IBB', 0xfd2fb528, 0, window_exponent << 3) + struct.pack('<I', block)[:3] + b'Z'


def zstd_cluster(data):
    """`data` as the one compressed cluster of an image with compression_type zstd."""
    image = packed(data)
    head = image[:104] + bytes([1]) + bytes(7) + image[104:CLUSTER - 8]
    return spoil(head + image[CLUSTER:], [big(72, 8, 8), big(100, 4, 112)])


SNAPSHOT = qcow2.snapshot(disk(4103, [(0, 8)]), LARGE)
SNAPSHOTS = get_big(SNAPSHOT, 64, 8)  # the snapshot table


def bitmaps(count=1, size=32, offset=None, granularity=16, table=None, entries=1):
    """An image with one persistent dirty bitmap."""
    image = qcow2.Image(CLUSTER)
    host = image.add(qcow2.units(bytes([1]) * CLUSTER, CLUSTER).__next__()[1])
    bitmap_table = image.add()
    entry = struct.pack('>QIIBBHI', bitmap_table if table is None else table, entries, 0, 1, granularity, 4,
                        0) + b'name'
    directory = image.add(entry)
    place = directory if offset is None else offset
    extra = extension(0x23852875, struct.pack('>IIQQ', count, 0, size, place))
    whole = image.finish(image.level1({0: host | qcow2.COPIED}), extensions=extra)
    return spoil(whole, [big(88, 8, 1)])


def extended(bitmap, flags=0):
    """One cluster of 16 KiB with extended L2 entries."""
    at = 1 << 14
    head = struct.pack('>4sIQIIQIIQQIIQQQQII', b'QFI\xfb', 3, 0, 0, 14, at, 0, 1, 3 * at, at, 1, 0, 0, 16, 0, 0, 4,
                       104)
    clusters = [head, struct.pack('>Q', 2 * at), struct.pack('>6H', 1, 1, 1, 1, 1, 1),
                struct.pack('>Q', qcow2.COPIED | 4 * at),
                struct.pack('>QQ', qcow2.COPIED | 5 * at | flags, bitmap), LARGE[:at]]
    return b''.join(cluster.ljust(at, b'\0') for cluster in clusters)


def feature_name(name, bit=40):
    """The name that an image gives to an incompatible feature."""
    return extension(0x6803f857, struct.pack('>BB46s', 0, bit, name))


# ---- VHD ----

VHD_FIXED = vhd.fixed(SMALL, UUID)
VHD = vhd.dynamic(LARGE, UUID)
VHD_PARENT = vhd.dynamic(LARGE, UUID_PARENT)
VHD_TABLE = 3 * SECTOR


def footers(*pokes):
    """Changes both copies of the footer, of a fixed disk the only one, and mends their checksums."""
    def poke(image):
        ends = {len(image) - SECTOR} | ({0} if image[:8] == b'conectix' else set())
        for at in ends:
            image[at:at + SECTOR] = vhd.seal(spoil(image[at:at + SECTOR], pokes), 64)
    return poke


def dynamic_header(*pokes):
    """Changes the dynamic header and mends its checksum."""
    def poke(image):
        image[SECTOR:3 * SECTOR] = vhd.seal(spoil(image[SECTOR:3 * SECTOR], pokes), 36)
    return poke


def differencing(locators=(), name='', parent_uuid=UUID_PARENT):
    """A differencing disk that stores nothing. locators: (code, text in its encoding)."""
    blocks = -(-len(LARGE) // vhd.BLOCK)
    place = 3 * SECTOR + -(-4 * blocks // SECTOR) * SECTOR
    table, extra = b'', b''
    for code, text in locators:
        table += struct.pack('>4sIIIQ', code, SECTOR, len(text), 0, place + len(extra))
        extra += text.ljust(SECTOR, b'\0')
    head = vhd.dynamic_header(blocks, parent_uuid, name, table)
    return vhd.image(len(LARGE), vhd.DIFFERENCING, UUID, {}, head, extra)


def utf16(text):
    return text.encode('utf-16-le')


# ---- VDI ----

VDI = vdi.dynamic(LARGE, UUID, extra=512)
VDI_FIXED = vdi.fixed(SMALL, UUID)
VDI_CHILD = vdi.differencing(SMALL.ljust(len(LARGE), b'\0'), LARGE, UUID, UUID_PARENT)


# ---- VMDK ----

SPARSE = vmdk.sparse(LARGE, 'x.vmdk')                  # 4 KiB grains, two tables, twice
STREAM = vmdk.stream(LARGE, 'x.vmdk')
FIRST_GRAIN = 128 * SECTOR                             # of STREAM: its marker
FOOTER = len(STREAM) - 2 * SECTOR                      # of STREAM
DIRECTORY = get_little(SPARSE, 56, 8) * SECTOR         # of SPARSE
REDUNDANT = get_little(SPARSE, 48, 8) * SECTOR
TABLE = get_little(SPARSE, DIRECTORY, 4) * SECTOR
STREAM_TABLE = get_little(STREAM, get_little(STREAM, FOOTER + 56, 8) * SECTOR, 4) * SECTOR


def descriptor(*lines, **more):
    return vmdk.descriptor('custom', list(lines), **more)


def embedded(text, image=SPARSE):
    """SPARSE with another text for its descriptor."""
    return spoil(image, [(SECTOR, text.ljust(20 * SECTOR, b'\0')[:20 * SECTOR])])


def grain(data, size=None, lba=0):
    """STREAM with other bytes in its first grain; size, lba: what the marker says of them."""
    room = SECTOR - 12
    assert len(data) <= room, 'the grain does not fit in its sector'
    marker = struct.pack('<QI', lba, len(data) if size is None else size)
    return spoil(STREAM, [(FIRST_GRAIN, marker + data.ljust(room, b'\0'))])


def bomb(tables):
    """Full grains of 64 KiB: all entries of one table share one grain, all directory entries that table."""
    capacity = tables * 512 * 128
    text = vmdk.descriptor('monolithicSparse', [f'RW {capacity} SPARSE "x.vmdk"'])
    directory_sectors = -(-4 * tables // SECTOR)
    table = 21 + directory_sectors
    overhead = -(-(table + 4) // 128) * 128
    head = vmdk.header(1, 1, capacity, 128, 0, 21, overhead, 0) + text.ljust(20 * SECTOR, b'\0')
    head += struct.pack('<I', table) * tables + bytes(directory_sectors * SECTOR - 4 * tables)
    head += struct.pack('<I', overhead) * 512
    return head.ljust(overhead * SECTOR, b'\0') + b'bomb' * 16384


COWD = vmdk.cowd(LARGE, 'x.vmdk')['x-delta.vmdk']
COWD_TEXT = vmdk.cowd(LARGE, 'x.vmdk')['x.vmdk']

SESPARSE_AREAS = [(1, 1), (2, 1), (3, 1), (4, 1), (8, 64), (72, 1), (73, 1), (80, 64)]
SESPARSE_TEXT = descriptor('RW 64 SESPARSE "x-sesparse.vmdk"')


def sesparse(pokes=()):
    """A seSparse extent of 64 sectors; its first grain is stored, the others are absent."""
    head = struct.pack('<10Q', 0xcafebabe, 0x200000001, 64, 8, 64, 0, 0, 0, 0, 0)
    head += b''.join(struct.pack('<2Q', *area) for area in SESPARSE_AREAS)
    image = bytearray(80 * SECTOR)
    image[:len(head)] = head
    for at, value in ((SECTOR, 0xcafecafe), (4 * SECTOR, 1 << 60), (8 * SECTOR, 3 << 60)):
        struct.pack_into('<Q', image, at, value)
    return spoil(bytes(image) + LARGE[:8 * SECTOR], pokes)


# ---- files that are no images ----

def fifo(path):
    os.mkfifo(path)


def folder(path):
    os.mkdir(path)


def link(target):
    return lambda path: os.symlink(target, path)


def hard_link(name):
    return lambda path: os.link(os.path.join(os.path.dirname(path), name), path)


def holes(head, size):
    """A file of so many bytes that begins with `head`."""
    def make(path):
        with open(path, 'wb') as file:
            file.write(head)
            file.truncate(size)
    return make
