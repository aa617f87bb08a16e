# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks of Bochs and compressed loop images: read as qemu-img reads them."""
import sys
import zlib

import tap

sys.path.insert(0, str(tap.IMAGES))
import make_bochs as bochs  # pylint: disable=wrong-import-position
import make_cloop as cloop  # pylint: disable=wrong-import-position
from make_content import LARGE, SMALL  # pylint: disable=wrong-import-position


def read(t, name):
    t.vmferry('convert', '-O', 'raw', name, 'out.raw')
    tap.contains(t.vmferry('check', name).stdout, 'No errors were found')
    return t.read('out.raw')


def theirs(t, form, name):
    t.run(tap.tool('qemu-img'), 'convert', '-f', form, '-O', 'raw', name, 'theirs.raw')
    return t.read('theirs.raw')


@tap.rows([(f'of {extent} bytes, version {version:#x}', extent, version) for extent in (512, 8192, 1 << 20) for version in (0x10000, 0x20000)])
def test_extents_of_bochs(t, extent, version):
    t.write('a.disk', bochs.growing(LARGE, extent, version=version))
    tap.equal(read(t, 'a.disk') == LARGE, True, 'content')
    tap.equal(theirs(t, 'bochs', 'a.disk') == LARGE, True, 'qemu-img')


def test_extents_that_are_no_power_of_two(t):
    """qemu-img takes them for damage, the guide does not."""
    t.write('a.disk', bochs.growing(LARGE, 3 * 512))
    tap.equal(read(t, 'a.disk') == LARGE, True, 'content')


def test_bitmaps_of_many_sectors(t):
    """8 MiB have 16384 sectors, whose bits take 4 sectors."""
    content = (SMALL.ljust(3 << 20, b'\0') * 4)[:9 << 20]
    t.write('a.disk', bochs.growing(content, 8 << 20))
    tap.equal(read(t, 'a.disk') == content, True, 'content')
    tap.equal(theirs(t, 'bochs', 'a.disk') == content, True, 'qemu-img')


@tap.rows([(f'of {block} bytes', block) for block in (512, 1536, 64 << 10, 200 << 10, 2 << 20)])
def test_blocks_of_cloop(t, block):
    t.write('a.cloop', cloop.image(LARGE, block, zlib.compress))
    content = LARGE.ljust(-(-len(LARGE) // block) * block, b'\0')
    tap.equal(read(t, 'a.cloop') == content, True, 'content')
    tap.equal(theirs(t, 'cloop', 'a.cloop') == content, True, 'qemu-img')
    t.vmferry('convert', 'a.cloop', 'b.qcow2')
    t.vmferry('compare', 'a.cloop', 'b.qcow2')


def test_a_disk_of_bochs_own_tool(t):
    content = LARGE.ljust(8 * 16 * 63 * 512, b'\0')  # of whole cylinders
    t.write('flat', content)
    t.run(tap.tool('bximage'), '-q', '-func=convert', '-imgmode=growing', 'flat', 'a.disk')
    tap.equal(read(t, 'a.disk') == content, True, 'content')


def test_an_image_of_cloops_own_tool(t):
    t.write('flat', LARGE)
    t.run(tap.tool('create_compressed_fs'), '-q', '-B', '65536', 'flat', 'a.cloop')
    tap.equal(read(t, 'a.cloop') == LARGE.ljust(-(-len(LARGE) // 65536) * 65536, b'\0'), True, 'content')


@tap.rows([('bochs', 'a.disk', bochs.growing(LARGE)), ('cloop', 'a.cloop', cloop.image(LARGE))])
def test_in_a_package(t, name, data):
    t.write(name, data)
    t.vmferry('pack', name)
    t.vmferry('convert', '-O', 'raw', 'a.ova', 'out.raw')
    tap.equal(t.read('out.raw').rstrip(b'\0') == LARGE.rstrip(b'\0'), True, 'content')


tap.main(globals())
