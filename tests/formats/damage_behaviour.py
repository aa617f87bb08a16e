# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Damage to every kind of image: cut off at many places, and bytes of its headers and tables changed one at a time. A
conversion fails and says so, or gives exactly the right bytes; nothing crashes or hangs."""
import sys

import tap
from hostile_case import check_lines, listing, run
from hostile_images import (CLUSTER, DIRECTORY, FIRST_GRAIN, LARGE, MASK, SECTOR, SESPARSE_TEXT, STREAM_TABLE, TABLE,
                            bitmaps, deflated, extended, get_big, get_little, packed, sesparse, zstd_cluster,
                            zstd_repeat)

sys.path.insert(0, str(tap.IMAGES))
import make  # pylint: disable=wrong-import-position

CUTS = 10 if tap.SAMPLED else 40  # places at equal distances, besides the ends of tables
STEP = 13 if tap.SAMPLED else 3   # of the bytes of a header that are changed
ENDS = -3 * SECTOR
GOOD = make.good()
GUESTS = dict(make.CONTENTS)


def add(name, image, guest, **files):
    GOOD[name] = image
    GOOD.update({key.replace('_', '-') + '.vmdk': value for key, value in files.items()})
    GUESTS[name] = guest


add('qcow2-extended.qcow2', extended(0xffffffff), LARGE[:1 << 14])
add('qcow2-bitmaps.qcow2', bitmaps(), bytes([1]) * CLUSTER)
add('qcow2-zstd.qcow2', zstd_cluster(zstd_repeat(2)), b'Z' * CLUSTER)
add('qcow2-deflate.qcow2', packed(deflated(LARGE[:CLUSTER])), LARGE[:CLUSTER])
add('x.vmdk', SESPARSE_TEXT, LARGE[:8 * SECTOR] + bytes(56 * SECTOR), x_sesparse=sesparse())


def qcow2_tables(image):
    level1 = get_big(image, 40, 8)
    first = get_big(image, level1, 8) & MASK
    return [(0, 240), (level1, 16), (first, 48), (CLUSTER, 8)] if first < len(image) else [(0, 240), (level1, 16)]


def vhd_tables(image):
    if image[:8] != b'conectix':
        return [(len(image) - SECTOR, SECTOR)]
    return [(0, 3 * SECTOR), (3 * SECTOR, 16), (len(image) - SECTOR, SECTOR)]


def vdi_tables(_):
    return [(64, 24), (340, 132), (512, 68)]


def vma_tables(_):
    return [(0, 80), (2044, 8), (3068, 8), (4128, 20), (12288, 24), (12800, 200)]


COWD_TABLE = get_little(GOOD['good-vmdk-cowd-delta.vmdk'], 4 * SECTOR, 4) * SECTOR

# The image to convert, the file of it that is damaged, (offset, length) of its headers and tables.
IMAGES = [(name, name, qcow2_tables(image)) for name, image in GOOD.items() if name.endswith('.qcow2')]
IMAGES += [(name, name, vhd_tables(image)) for name, image in GOOD.items() if name.endswith('.vhd')]
IMAGES += [(name, name, vdi_tables(image)) for name, image in GOOD.items() if name.endswith('.vdi')]
IMAGES += [(name, name, vma_tables(image)) for name, image in GOOD.items() if name.endswith('.vma')]
IMAGES += [(name, name, [(0, 80), (SECTOR, 360), (FIRST_GRAIN, 40), (ENDS, 3 * SECTOR)] + tables)
           for name, tables in (('good-vmdk-stream.vmdk', [(STREAM_TABLE, 20)]),
                                ('good-vmdk-stream-progress.vmdk', []))]
IMAGES += [(name, name, [(0, 80), (SECTOR, 420), (DIRECTORY, 8), (TABLE, 20)])
           for name in ('good-vmdk-sparse.vmdk', 'good-vmdk-delta.vmdk')]
IMAGES += [
    ('good-vmdk-flat.vmdk', 'good-vmdk-flat-flat.vmdk', []),
    ('good-vmdk-cowd.vmdk', 'good-vmdk-cowd-delta.vmdk', [(0, 40), (4 * SECTOR, 8), (COWD_TABLE, 20)]),
    ('x.vmdk', 'x-sesparse.vmdk', [(0, 208), (SECTOR, 40), (4 * SECTOR, 8), (8 * SECTOR, 24)]),
]
ROWS = [(f'{name}' if name == damaged else f'{damaged} of {name}', name, damaged, tables)
        for name, damaged, tables in IMAGES]


def write_all(t):
    for name, image in GOOD.items():
        t.write(name, image)
    return listing(t)


def cuts(image, tables):
    """Ends of tables, one byte less and one more, and places in between."""
    found = set(range(0, len(image), max(1, len(image) // CUTS)))
    for offset, length in tables:
        for edge in (offset % len(image), (offset % len(image)) + length):
            found.update((edge - 1, edge, edge + 1))
    found.update((len(image) - SECTOR, len(image) - 2, len(image) - 1))
    return sorted(cut for cut in found if 0 <= cut < len(image))


@tap.rows(ROWS)
def test_cut_off(t, name, damaged, tables):
    """Lost are only what carries no guest data: a copy of a footer, a filling."""
    names = write_all(t)
    image = GOOD[damaged]
    for cut in cuts(image, tables):
        t.write(damaged, image[:cut])
        status, _, text = run(t, 'convert', '--no-sync', '-O', 'raw', name, 'out.raw')
        where = f'{damaged}: cut at {cut} of {len(image)}: exit {status}: {text}'
        errors, _ = check_lines(text)
        tap.equal(len(errors), 1 if status else 0, where)
        if status == 0:
            tap.equal(t.read('out.raw') == GUESTS[name], True, 'guest bytes, ' + where)
            (t.folder / 'out.raw').unlink()
        else:
            tap.equal(status in (2, 9), True, where)
        tap.equal(listing(t), names, where)


def flips(image, tables):
    """All bits of a byte and one bit of it, in turn."""
    for offset, length in tables:
        start = offset % len(image)
        for at in range(start, min(start + length, len(image)), STEP):
            bits = 0xff if at % 2 else 1 << at % 8
            yield at, image[:at] + bytes([image[at] ^ bits]) + image[at + 1:]


@tap.rows([row for row in ROWS if row[3]])
def test_changed_byte(t, name, damaged, tables):
    names = write_all(t)
    image = GOOD[damaged]
    _, right, _ = run(t, 'checksum', name)
    sealed = range(0, 3 * SECTOR) if damaged.endswith('.vhd') and image[:8] == b'conectix' else ()
    for at, changed in flips(image, tables):
        t.write(damaged, changed)
        status, found, text = run(t, 'checksum', name)
        where = f'{damaged}: byte {at}: {image[at]:02x} is {changed[at]:02x}: exit {status}: {text}'
        errors, _ = check_lines(text)
        tap.equal(status in (0, 2, 9), True, where)
        tap.equal(len(errors), 1 if status else 0, where)
        if status == 0 and (at in sealed or at >= len(image) - SECTOR and damaged.endswith('.vhd')):
            tap.equal(found, right, where)
    tap.equal(listing(t), names, 'files')


tap.main(globals())
