# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VHDX images that are spoilt, checksums mended. They are some MiB of zeros, so that files are made of them late, with
holes."""
import os
import sys

import tap
from hostile_images import little, spoil

sys.path.insert(0, str(tap.IMAGES))
import make_vhdx as vhdx  # pylint: disable=wrong-import-position
from make_content import LARGE, disk  # pylint: disable=wrong-import-position

MIB, PAGE = vhdx.MIB, vhdx.PAGE
DATA, KID = b'vmferry-vhdx-dat', b'vmferry-vhdx-kid'
NEW = disk(4103, [(0, 3), (131, 132), (1002, 1003), (4096, 4103)], 'logged')  # what a log makes of LARGE
OLD_IMAGE, NEW_IMAGE = vhdx.dynamic(LARGE), vhdx.dynamic(NEW)
PARENT = vhdx.dynamic(LARGE)
SIZE = len(OLD_IMAGE)


def save(path, data):
    with open(path, 'wb') as file:
        for at in range(0, len(data), PAGE):
            page = data[at:at + PAGE]
            if page.count(0) == len(page):
                file.seek(len(page), os.SEEK_CUR)
            else:
                file.write(page)
        file.truncate(len(data))


def made(image, *pokes):
    """What writes a spoilt image; image: bytes, or what makes them."""
    return lambda path: save(path, spoil(image() if callable(image) else image, pokes))


def sealed(at, size, pokes):
    def poke(image):
        image[at:at + size] = vhdx.seal(spoil(image[at:at + size], pokes))
    return poke


def headers(*pokes):
    """Changes both headers."""
    return lambda image: [sealed(at, PAGE, pokes)(image) for at in vhdx.HEADERS]


def header(number, *pokes):
    return sealed(vhdx.HEADERS[number], PAGE, pokes)


def tables(*pokes):
    """Changes both region tables."""
    return lambda image: [sealed(at, vhdx.TABLE, pokes)(image) for at in vhdx.REGIONS]


def bat(index, value):
    return little(vhdx.BAT + 8 * index, 8, value)


def item(number, at, width, value):
    """Of the entry of an item in the metadata table."""
    return little(vhdx.METADATA + 32 + 32 * number + at, width, value)


def value(number, width, what, skip=0):
    """What an item says: parameters 0, size 1, logical 2, physical 3, page 83 4."""
    place = vhdx.METADATA + vhdx.TABLE + (0, 8, 16, 20, 24)[number]
    return little(place + skip, width, what)


def with_items(*more, flags=0, **options):
    """OLD_IMAGE with further items."""
    blocks, data = vhdx.blocks_of(LARGE)
    return lambda: vhdx.image([*vhdx.items(len(LARGE), flags, **options), *more], blocks, data)


def child(pairs=None, **more):
    return lambda: vhdx.differencing(NEW, LARGE, 'p.vhdx', pairs=pairs, **more)
