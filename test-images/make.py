#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Writes the test images: make.py [FOLDER] (default: this one). The same bytes on every machine."""
import pathlib
import struct
import sys

import make_bochs as bochs
import make_cloop as cloop
import make_dmg as dmg
import make_ewf as ewf
import make_luks as luks
import make_parallels as parallels
import make_partclone as partclone
import make_qcow as qcow
import make_qcow2 as qcow2
import make_qed as qed
import make_sparse as sparse
import make_vdi as vdi
import make_vhd as vhd
import make_vhdx as vhdx
import make_vma as vma
import make_vmdk as vmdk
from make_content import CHILD, LARGE, SMALL


def uuid(number):
    return b'vmferry-test-' + b'%03d' % number


def poke(image, offset, data):
    return image[:offset] + data + image[offset + len(data):]


# Name of the image -> what its guest disk holds.
CONTENTS = {
    'good-raw.img': SMALL,
    'good-raw-odd.img': SMALL[:-100],
    'good-vmdk-stream.vmdk': LARGE,
    'good-vmdk-stream-progress.vmdk': LARGE,
    'good-vmdk-sparse.vmdk': LARGE,
    'good-vmdk-delta.vmdk': CHILD,
    'good-vmdk-flat.vmdk': SMALL + bytes(100 * 512),
    'good-vmdk-cowd.vmdk': LARGE,
    'good-vhd-fixed.vhd': SMALL,
    'good-vhd-dynamic.vhd': LARGE,
    'good-vhd-differencing.vhd': CHILD,
    'good-vdi-fixed.vdi': SMALL,
    'good-vdi-dynamic.vdi': LARGE,
    'good-vdi-differencing.vdi': CHILD,
    'good-vhdx-dynamic.vhdx': LARGE,
    'good-vhdx-differencing.avhdx': CHILD,
    'good-vhdx-log.vhdx': CHILD,
    'good-vma-any-order.vma': LARGE,
    'good-qcow2-v2.qcow2': LARGE,
    'good-qcow2-v3.qcow2': LARGE,
    'good-qcow2-zlib.qcow2': LARGE,
    'good-qcow2-overlay.qcow2': CHILD,
    'good-qcow2-overlay-vmdk.qcow2': CHILD,
    'good-qcow2-snapshot.qcow2': CHILD,
    'good-qcow-plain.qcow': LARGE,
    'good-qcow-packed.qcow': LARGE,
    'good-qcow-overlay.qcow': CHILD,
    'good-qed-plain.qed': LARGE,
    'good-qed-overlay.qed': CHILD,
    'good-partclone-crc32.img': LARGE[:-7 * 512],
    'good-partclone-running.img': LARGE[:-7 * 512],
    'good-partclone-old.img': LARGE[:-7 * 512],
    'good-partclone-xxh64.img': LARGE[:-7 * 512],
    'good-partclone-xxh128.img': LARGE[:-7 * 512],
    'good-bochs-growing.disk': LARGE,
    'good-sparseimage.sparseimage': LARGE,
    'good-cloop.cloop': SMALL.ljust(3 * cloop.BLOCK, b'\0'),
    'good-ewf.E01': LARGE,
    'good-dmg-zlib.dmg': LARGE,
    'good-dmg-mixed.dmg': LARGE,
    'good-parallels-old.hds': LARGE,
    'good-parallels-ext.hds': LARGE,
}

# Name of the image -> the exit status of converting it.
REFUSED = {
    'bad-vmdk-stream-cut.vmdk': 2,
    'bad-vmdk-stream-lba.vmdk': 2,
    'bad-vmdk-flat-outside.vmdk': 2,
    'bad-vhd-checksums.vhd': 2,
    'bad-vhd-table-outside.vhd': 2,
    'bad-vdi-index-outside.vdi': 2,
    'bad-vdi-no-parent.vdi': 2,
    'bad-vhdx-log-empty.vhdx': 2,
    'bad-vhdx-region.vhdx': 9,
    'bad-vma-missing.vma': 2,
    'bad-qcow2-loop.qcow2': 2,
    'bad-qcow2-backing-device.qcow2': 2,
    'bad-qcow2-table-outside.qcow2': 2,
    'bad-qcow2-encrypted.qcow2': 10,
    'bad-qcow2-feature.qcow2': 9,
    'bad-qcow-encrypted.qcow': 10,
    'bad-qcow-table-outside.qcow': 2,
    'bad-qed-feature.qed': 9,
    'bad-qed-open.qed': 2,
    'bad-partclone-block.img': 2,
    'bad-partclone-order.img': 9,
    'bad-luks1-closed.luks': 10,
    'bad-luks1-overlap.luks': 2,
    'bad-bochs-undoable.disk': 9,
    'bad-sparseimage-cut.sparseimage': 2,
    'bad-cloop-places.cloop': 2,
    'bad-ewf-missing.E01': 2,
    'bad-dmg-lzfse.dmg': 9,
    'bad-dmg-segments.dmg': 9,
    'bad-dmg-sum.dmg': 2,
    'bad-parallels-in-use.hds': 2,
    'bad-parallels-entry-outside.hds': 2,
}


def good():
    files = {
        'good-raw.img': SMALL,
        'good-raw-odd.img': SMALL[:-100],
        'good-vmdk-stream.vmdk': vmdk.stream(LARGE, 'good-vmdk-stream.vmdk'),
        'good-vmdk-stream-progress.vmdk': vmdk.stream(LARGE, 'good-vmdk-stream-progress.vmdk', progress=True),
        'good-vmdk-sparse.vmdk': vmdk.sparse(LARGE, 'good-vmdk-sparse.vmdk'),
        'good-vhd-fixed.vhd': vhd.fixed(SMALL, uuid(1)),
        'good-vhd-dynamic.vhd': vhd.dynamic(LARGE, uuid(2)),
        'good-vhd-differencing.vhd': vhd.differencing(CHILD, LARGE, uuid(3), uuid(2), 'good-vhd-dynamic.vhd'),
        'good-vdi-fixed.vdi': vdi.fixed(SMALL, uuid(4)),
        'good-vdi-dynamic.vdi': vdi.dynamic(LARGE, uuid(5), extra=512),
        'good-vdi-differencing.vdi': vdi.differencing(CHILD, LARGE, uuid(6), uuid(5)),
        'good-vhdx-dynamic.vhdx': vhdx.dynamic(LARGE),
        'good-vhdx-differencing.avhdx': vhdx.differencing(CHILD, LARGE, 'good-vhdx-dynamic.vhdx'),
        'good-vhdx-log.vhdx': vhdx.logged(vhdx.dynamic(LARGE), vhdx.dynamic(CHILD)),
        'good-vma-any-order.vma': vma.archive({2: ('drive-scsi0', LARGE)}, uuid(9), order=lambda slots: slots[::-3] + slots[::-1][1::3] + slots[::-1][2::3],
                                              per_extent=20),
        'good-qcow2-v2.qcow2': qcow2.plain(LARGE, 2),
        'good-qcow2-v3.qcow2': qcow2.plain(LARGE, 3),
        'good-qcow2-zlib.qcow2': qcow2.compressed(LARGE),
        'good-qcow2-overlay.qcow2': qcow2.overlay(CHILD, LARGE, 'good-qcow2-v3.qcow2', 'qcow2'),
        'good-qcow2-overlay-vmdk.qcow2': qcow2.overlay(CHILD, LARGE, 'good-vmdk-stream.vmdk', 'vmdk'),
        'good-qcow2-snapshot.qcow2': qcow2.snapshot(CHILD, LARGE),
        'good-qcow-plain.qcow': qcow.plain(LARGE),
        'good-qcow-packed.qcow': qcow.compressed(LARGE),
        'good-qcow-overlay.qcow': qcow.overlay(CHILD, LARGE, 'good-qcow-packed.qcow'),
        'good-qed-plain.qed': qed.plain(LARGE),
        'good-qed-overlay.qed': qed.overlay(CHILD, LARGE, 'good-qed-plain.qed'),
        'good-bochs-growing.disk': bochs.growing(LARGE),
        'good-sparseimage.sparseimage': sparse.image(LARGE),
        'good-cloop.cloop': cloop.image(SMALL),
        'good-partclone-crc32.img': partclone.image(LARGE[:-7 * 512]),
        'good-partclone-running.img': partclone.image(LARGE[:-7 * 512], 512, per=3, reseed=0, kind=partclone.BYTES),
        'good-partclone-old.img': partclone.old(LARGE[:-7 * 512]),
        'good-partclone-xxh64.img': partclone.image(LARGE[:-7 * 512], mode=partclone.XXH64, per=1),
        'good-partclone-xxh128.img': partclone.image(LARGE[:-7 * 512], mode=partclone.XXH128, per=2, reseed=0),
        'good-ewf.E01': ewf.image(LARGE),
        'good-dmg-zlib.dmg': dmg.disk(LARGE, [dmg.ZLIB]),
        'good-dmg-mixed.dmg': dmg.disk(LARGE, [dmg.ADC, dmg.STORED, dmg.BZIP2], run=8, start=512, tables=3),
        'good-parallels-old.hds': parallels.old(LARGE),
        'good-parallels-ext.hds': parallels.extended(LARGE, bitmap=True),
    }
    files.update(vmdk.flat(SMALL, 'good-vmdk-flat.vmdk', 100))
    files.update(vmdk.cowd(LARGE, 'good-vmdk-cowd.vmdk'))
    changed = bytearray(len(LARGE))  # a delta stores whole grains: the ones that differ
    zeroed = []
    for start in range(0, len(LARGE), 4096):
        if CHILD[start:start + 4096] != LARGE[start:start + 4096]:
            changed[start:start + 4096] = CHILD[start:start + 4096]
            if not any(CHILD[start:start + 4096]):
                zeroed.append(start // 4096)
    files['good-vmdk-delta.vmdk'] = vmdk.sparse(bytes(changed), 'good-vmdk-delta.vmdk', zeroed, 2, 0x5eed0002,
                                                'good-vmdk-sparse.vmdk', 0x5eed0005)
    return files


def bad(files):
    stream, dynamic, plain = (files[name] for name in
                              ('good-vmdk-stream.vmdk', 'good-vhd-dynamic.vhd', 'good-qcow2-v3.qcow2'))
    broken = poke(dynamic, 64, b'\0\0\0\0')
    empty = qcow2.Image(len(LARGE))
    encrypted = qcow2.Image(len(LARGE))
    return {
        'bad-vmdk-stream-cut.vmdk': stream[:-3 * 512],
        'bad-vmdk-stream-lba.vmdk': vmdk.stream(LARGE, 'bad-vmdk-stream-lba.vmdk', wrong_lba=256),
        'bad-vmdk-flat-outside.vmdk': vmdk.descriptor('monolithicFlat', ['RW 8 FLAT "../../etc/passwd" 0']),
        'bad-vhd-checksums.vhd': poke(broken, len(broken) - 512 + 64, b'\0\0\0\0'),
        'bad-vhd-table-outside.vhd': poke(dynamic, 3 * 512, struct.pack('>I', 0x7fffffff)),
        'bad-vdi-index-outside.vdi': poke(files['good-vdi-fixed.vdi'], vdi.TABLE, struct.pack('<I', 1)),
        'bad-vdi-no-parent.vdi': vdi.differencing(SMALL[::-1], SMALL, uuid(7), uuid(8)),
        'bad-vhdx-log-empty.vhdx': vhdx.with_log(vhdx.image(vhdx.items(len(LARGE)), {}), bytes(4096)),
        'bad-vhdx-region.vhdx': vhdx.image(vhdx.items(len(LARGE)), {}, regions=[*vhdx.REGION_ENTRIES, (
            b'nobody knows me!', vhdx.BLOCKS, vhdx.MIB, 1)], blocks=bytes(vhdx.MIB)),
        'bad-vma-missing.vma': vma.archive({2: ('drive-scsi0', LARGE)}, uuid(10), order=lambda slots: slots[:-1]),
        'bad-qcow2-loop.qcow2': qcow2.overlay(LARGE, LARGE, 'bad-qcow2-loop.qcow2', 'qcow2'),
        'bad-qcow2-backing-device.qcow2': qcow2.overlay(LARGE, LARGE, '/dev/zero', 'raw'),
        'bad-qcow2-table-outside.qcow2': poke(plain, 40, struct.pack('>Q', 1 << 40)),
        'bad-qcow2-encrypted.qcow2': encrypted.finish(encrypted.level1({}), crypt=1),
        'bad-qcow2-feature.qcow2': empty.finish(empty.level1({}), incompatible=1 << 40),
        'bad-qcow-encrypted.qcow': qcow.plain(SMALL, encryption=1),
        'bad-qcow-table-outside.qcow': poke(files['good-qcow-plain.qcow'], 40, struct.pack('>Q', 1 << 40)),
        'bad-qed-feature.qed': poke(files['good-qed-plain.qed'], 16, struct.pack('<Q', 1 << 40)),
        'bad-parallels-in-use.hds': poke(files['good-parallels-ext.hds'], 44, struct.pack('<I', parallels.IN_USE)),
        'bad-parallels-entry-outside.hds': poke(files['good-parallels-old.hds'], 64, struct.pack('<I', 1 << 31)),
        'bad-ewf-missing.E01': ewf.Image(LARGE, segments=2).segment(1),
        'bad-dmg-lzfse.dmg': dmg.disk(SMALL, [dmg.LZFSE], pack=lambda data: b'bvx-' + struct.pack('<I', len(data)) + data + b'bvx$'),
        'bad-dmg-segments.dmg': dmg.disk(SMALL, [dmg.ZLIB], segments=2),
        'bad-dmg-sum.dmg': dmg.disk(SMALL, [dmg.ZLIB], master=1),
        'bad-luks1-closed.luks': luks.luks1(payload=16, slots=((1000, 8, 8),))[:32 * 512],
        'bad-luks1-overlap.luks': luks.luks1(payload=16, slots=((1000, 8, 8), (1000, 8, 8)))[:32 * 512],
        'bad-bochs-undoable.disk': bochs.growing(SMALL, subtype=b'Undoable'),
        'bad-sparseimage-cut.sparseimage': files['good-sparseimage.sparseimage'][:-1],
        'bad-cloop-places.cloop': poke(files['good-cloop.cloop'], cloop.HEADER + 8, struct.pack('>Q', 1 << 40)),
        'bad-partclone-block.img': files['good-partclone-crc32.img'][:-5] + b'?' + files['good-partclone-crc32.img'][-4:],
        'bad-partclone-order.img': partclone.header(40960, 10, 10, order=0xdec0),
        'bad-qed-open.qed': poke(files['good-qed-plain.qed'], 16, struct.pack('<Q', qed.NEEDS_CHECK)),
    }


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    files = good()
    files.update(bad(files))
    for name, data in sorted(files.items()):
        (folder / name).write_bytes(data)


if __name__ == '__main__':
    main()
