# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Apple's sparse images and sparse bundles, written from libmodi's description of them. Big-endian."""
import struct

from make_content import SECTOR, units

NODE = 4096
FIRST, FURTHER = 1008, 1010  # bands that the header, and each further node, has room for
BAND = 8 * SECTOR


def node(head, bands, room):
    return head + struct.pack(f'>{room}I', *bands, *[0] * (room - len(bands)))


def image(content, band=BAND, version=3, flags=1):
    """Bands of the disk's end first. The last band of the file ends where the disk does, if it is the disk's last."""
    sectors = len(content) // SECTOR
    bands = [(index + 1, data) for index, data in units(content, band)][::-1]
    parts = [bands[:FIRST]] + [bands[at:at + FURTHER] for at in range(FIRST, len(bands), FURTHER)]
    out = b''
    for number, part in enumerate(parts):
        room = FIRST if number == 0 else FURTHER
        data = b''.join(data for _, data in part)
        following = len(out) + NODE + len(data) if number + 1 < len(parts) else 0
        if number == 0:
            head = struct.pack('>4sIIIIQQ28x', b'sprs', version, band // SECTOR, flags, sectors & 0xffffffff, following, sectors)
        else:
            head = struct.pack('>4sIIQ36x', b'sprs', number - 1, 1, following)
        out += node(head, [index for index, _ in part], room) + data
    return out


PLIST = '''<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>CFBundleInfoDictionaryVersion</key>
	<string>6.0</string>
	<key>band-size</key>
	<integer>{band}</integer>
	<key>bundle-backingstore-version</key>
	<integer>{version}</integer>
	<key>diskimage-bundle-type</key>
	<string>{kind}</string>
	<key>size</key>
	<integer>{size}</integer>
</dict>
</plist>
'''


def plist(size, band=BAND, version=1, kind='com.apple.diskimage.sparsebundle'):
    return PLIST.format(band=band, version=version, kind=kind, size=size).encode()


def bundle(content, band=BAND):
    """Names and bytes of its files; a band that ends in zeros is cut before them."""
    return {'Info.plist': plist(len(content), band), 'Info.bckup': plist(len(content), band), 'token': b'',
            **{f'bands/{index:x}': data.rstrip(b'\0') for index, data in units(content, band)}}
