# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Headers of LUKS, of both versions, that nothing opens: their keys are zeros."""
import base64
import hashlib
import json
import struct

MAGIC = b'LUKS\xba\xbe'
PAYLOAD = 2068480
HEADER2 = 16384
AREA2 = 258048
PAYLOAD2 = 2 * HEADER2 + AREA2


def luks1(cipher=b'aes', mode=b'xts-plain64', digest=b'sha256', key_bytes=64, payload=PAYLOAD // 512, slots=((1000, 8, 4000),), master=1000, version=1):
    """slots: iterations, place in sectors, stripes of those that are in use."""
    head = struct.pack('>6sH32s32s32sII20s32sI40s', MAGIC, version, cipher, mode, digest, payload, key_bytes, bytes(20), b'salt' * 8, master, b'0' * 8 + b'-1234' * 3 + b'-' + b'5' * 12)
    for number in range(8):
        used = number < len(slots)
        iterations, place, stripes = slots[number] if used else (0, 8 + 504 * number, 4000)
        head += struct.pack('>II32sII', 0x00ac71f3 if used else 0xdead, iterations, b'salt' * 8, place, stripes)
    return (head + bytes(PAYLOAD + 64 * 512))[:PAYLOAD + 64 * 512]


def text2():
    """What the JSON of a header says, to be changed."""
    salt = base64.b64encode(b'salt' * 8).decode()
    return {
        'keyslots': {'0': {'type': 'luks2', 'key_size': 64, 'af': {'type': 'luks1', 'stripes': 4000, 'hash': 'sha256'},
                           'area': {'type': 'raw', 'offset': str(2 * HEADER2), 'size': str(AREA2), 'encryption': 'aes-xts-plain64', 'key_size': 64},
                           'kdf': {'type': 'pbkdf2', 'hash': 'sha256', 'iterations': 1000, 'salt': salt}}},
        'tokens': {},
        'segments': {'0': {'type': 'crypt', 'offset': str(PAYLOAD2), 'size': 'dynamic', 'iv_tweak': '0', 'encryption': 'aes-xts-plain64', 'sector_size': 512}},
        'digests': {'0': {'type': 'pbkdf2', 'keyslots': ['0'], 'segments': ['0'], 'hash': 'sha256', 'iterations': 1000, 'salt': salt, 'digest': base64.b64encode(bytes(32)).decode()}},
        'config': {'json_size': '12288', 'keyslots_size': str(AREA2)},
    }


def header2(text, second=False, size=HEADER2, sequence=1, place=None, digest=b'sha256'):
    """A header whose checksum is right; text: what stands in its JSON area, or the object."""
    text = text if isinstance(text, bytes) else json.dumps(text).encode()
    place = (HEADER2 if second else 0) if place is None else place
    head = struct.pack('>6sHQQ48s32s64s40s48sQ184s64s', b'SKUL\xba\xbe' if second else MAGIC, 2, size, sequence, b'', digest, b'salt' * 16, b'12345678-1234-1234-1234-123456789012', b'', place, b'', b'')
    whole = (head.ljust(4096, b'\0') + text).ljust(HEADER2, b'\0')
    checksum = hashlib.sha256(whole).digest()
    return whole[:448] + checksum + whole[448 + len(checksum):]


def luks2(text=None, **options):
    """Both headers, and what is behind them."""
    text = text2() if text is None else text
    return header2(text, **options) + header2(text, second=True, **{name: value for name, value in options.items() if name != 'place'}) + bytes(AREA2 + 64 * 512)
