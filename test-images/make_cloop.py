# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Compressed loop images of version 2, written from cloop's compressed_loop.h. Big-endian."""
import struct

from make_content import zlib_stream

SCRIPT = b'#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n'
HEADER = 136
BLOCK = 16 << 10


def image(content, block=BLOCK, pack=zlib_stream):
    """The last block is filled up with zeros: the disk is as long as its blocks."""
    blocks = [pack(content[at:at + block].ljust(block, b'\0')) for at in range(0, len(content), block)]
    places = [HEADER + 8 * (len(blocks) + 1)]
    for data in blocks:
        places.append(places[-1] + len(data))
    return SCRIPT.ljust(128, b'\0') + struct.pack('>II', block, len(blocks)) + struct.pack(f'>{len(places)}Q', *places) + b''.join(blocks)
