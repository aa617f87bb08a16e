# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Disks encrypted by LUKS: what the fields of both headers may not be."""
import sys

import tap
from hostile_case import Row

sys.path.insert(0, str(tap.IMAGES))
import make_luks as luks  # pylint: disable=wrong-import-position

WITH = ('convert', '--secret-file', 's', '-O', 'raw', '{}', 'out.raw')
TOP32 = 0xffffffff


def first(title, part, status=2, **fields):
    return Row('LUKS1 ' + title, luks.luks1(**fields), part, status)


def opened(title, image, part, status):
    return Row(title, image, part, status, command=WITH, files={'s': b'secret'})


def second(title, part, change, status=2, **more):
    """change: of what the JSON says."""
    text = luks.text2()
    change(text)
    return Row('LUKS2 ' + title, luks.luks2(text), part, status, **more)


def put(path, value):
    """A change of one member: "keyslots.0.area.offset"."""
    *above, last = path.split('.')

    def change(text):
        for name in above:
            text = text[name]
        if value is None:
            del text[last]
        else:
            text[last] = value
    return change


def secret(title, part, change, status):
    return second(title, part, change, status, command=WITH, files={'s': b'secret'})


def with_slot(number, **area):
    def change(text):
        slot = dict(text['keyslots']['0'])
        slot['area'] = dict(slot['area'], **area)
        text['keyslots'][str(number)] = slot
        text['digests']['0']['keyslots'].append(str(number))
    return change


ROWS = [
    first('without a secret', 'the file that holds its secret is expected', 10),
    opened('LUKS1 by a wrong secret', luks.luks1(), 'it opens none of 1 key slots', 10),
    Row('LUKS1 of 591 bytes', luks.luks1()[:591], '591 bytes, a LUKS1 header has 592'),
    first('with a detached header', 'in another file (a detached header)', 9, payload=0),
    first('with data beyond the end', 'slot 0', payload=1),
    first('with data beyond the end of the file', 'beyond the end of the file', payload=TOP32),
    first('by serpent', 'cipher serpent-xts-plain64', 9, cipher=b'serpent'),
    first('by an unknown mode', 'cipher aes-xts-benbi', 9, mode=b'xts-benbi'),
    first('with essiv of an unknown digest', 'cipher aes-cbc-essiv:what', 9, mode=b'cbc-essiv:what', key_bytes=32),
    first('with a cipher that does not end', 'is no text of at most 31 letters', cipher=b'a' * 32),
    first('with an escape sequence in its mode', 'is no text of', mode=b'\x1b[2J'),
    opened('LUKS1 by whirlpool', luks.luks1(digest=b'whirlpool'), 'the digest "whirlpool" is not supported', 9),
    first('with a key of 0 bytes', 'a key of 0 bytes', key_bytes=0),
    first('with a key of 65 bytes', 'a key of 65 bytes', key_bytes=65),
    first('with a key of 2^32 - 1 bytes', 'a key of 4294967295 bytes', key_bytes=TOP32),
    first('with a key of 63 bytes', 'a key of 504 bits', 9, key_bytes=63),
    first('with a slot in the header', 'slot 0: 256000 bytes at byte 512', slots=((1000, 1, 4000),)),
    first('with a slot in the data', f'slot 0: 256000 bytes at byte {luks.PAYLOAD}', slots=((1000, luks.PAYLOAD // 512, 4000),)),
    first('with a slot at 2^32 - 1', 'slot 0: 256000 bytes at byte', slots=((1000, TOP32, 4000),)),
    first('with slots that overlap', 'slots 0 and 1 overlap', slots=((1000, 8, 4000), (1000, 507, 4000))),
    first('with 0 stripes', 'in 0 stripes', slots=((1000, 8, 0),)),
    first('with 2^32 - 1 stripes', 'in 4294967295 stripes', slots=((1000, 8, TOP32),)),
    opened('LUKS1 with 0 iterations', luks.luks1(slots=((0, 8, 4000),)), '0 iterations', 2),
    opened('LUKS1 with 2^32 - 1 iterations', luks.luks1(slots=((TOP32, 8, 4000),)), '4294967295 iterations of PBKDF2, at most 1000000000', 2),
    opened('LUKS1 with 2^32 - 1 iterations of its digest', luks.luks1(master=TOP32), '4294967295 iterations of PBKDF2', 2),
    opened('LUKS1 with no slot in use', luks.luks1(slots=()), 'no slot is in use', 2),
    Row('LUKS1 with a slot of another state', luks.luks1()[:208] + b'\0\0\0\1' + luks.luks1()[212:], 'slot 0: state 0x00000001'),
    opened('LUKS1 whose slots want 10^9 iterations together', luks.luks1(slots=((1000, 8, 4000), (999999999, 512, 4000))),
           'slot 1: 1000001999 iterations of PBKDF2 with the slots in front of it, at most 1000000000', 2),
    Row('LUKS1 by strangers, whose slots want 5 * 10^7 together', luks.luks1(slots=((2000, 8, 4000), (49999000, 512, 4000))), 'at most 50000000 are done in all', 2,
        files={'s': b'secret'}, command=('convert', '--untrusted', '--secret-file', 's', '-O', 'raw', '{}', 'out.raw')),
    Row('LUKS1 by strangers, 10^8 iterations', luks.luks1(slots=((10 ** 8, 8, 4000),)), 'at most 50000000', 2, files={'s': b'secret'},
        command=('convert', '--untrusted', '-f', 'luks', '--secret-file', 's', '-O', 'raw', '{}', 'out.raw')),

    second('without a secret', 'the file that holds its secret is expected', lambda text: None, 10),
    secret('by a wrong secret', 'it opens none of 1 key slots', lambda text: None, 10),
    Row('LUKS2 of 4095 bytes', luks.luks2()[:4095], '4095 bytes, a LUKS2 header'),
    Row('LUKS2 cut in its JSON', luks.luks2()[:16000], 'not beyond the end of the file'),
    Row('LUKS2 with damage in both headers', bytes(luks.luks2()[:5000]) + b'?' + luks.luks2()[5001:21000] + b'?' + luks.luks2()[21001:], 'its checksum is not that of its bytes'),
    Row('LUKS2 with a header of 3 bytes', luks.luks2(size=3), '3 bytes, accepted are powers of two'),
    Row('LUKS2 with a header of 2^63 bytes', luks.luks2(size=1 << 63), '9223372036854775808 bytes, accepted are'),
    Row('LUKS2 with headers at another place', luks.header2(luks.text2(), place=512) + bytes(100000), 'says that it is at byte 512'),
    Row('LUKS2 with an unknown checksum', luks.luks2(digest=b'crc32'), 'the digest "crc32" is not supported', 9),
    Row('LUKS2 with text that is no JSON', luks.luks2(b'{"keyslots":'), 'is no JSON object'),
    Row('LUKS2 with a list', luks.luks2(b'[]'), 'is no JSON object'),
    Row('LUKS2 with 12000 lists in each other', luks.luks2(b'[' * 12000), 'is no JSON object'),
    Row('LUKS2 with JSON that does not end', luks.luks2(b'{}'.ljust(12288, b' ')), 'its JSON does not end'),
    Row('LUKS2 with nothing', luks.luks2(b'{}'), '0 segments of data', 9),
    second('without slots', 'no slot is in use', put('keyslots', {})),
    second('with a slot 32', '"keyslots" is not a list of numbers', with_slot(32)),
    second('with a slot that is no number', '"its name" is not', lambda text: text['keyslots'].update(x={})),
    second('without a digest', 'no digest of the data', put('digests', {})),
    second('with a digest of slot 99', '"keyslots" is not a list of numbers', put('digests.0.keyslots', ['99'])),
    second('with a digest of 3 bytes', '"digest" is not', put('digests.0.digest', 'AAAA')),
    second('with a long digest', '"digest" is not a short text', put('digests.0.digest', 'A' * 4096)),
    second('with a salt that is no base64', '"salt" is not', put('keyslots.0.kdf.salt', '????')),
    second('with a key of 2^31 bytes', '"key_size" is not', put('keyslots.0.area.key_size', 1 << 31)),
    second('with a key of 2^40 bytes', '"key_size" is not a number of 32 bits', put('keyslots.0.key_size', 1 << 40)),
    second('with a negative key', '"key_size" is not a number of 32 bits', put('keyslots.0.key_size', -1)),
    second('with an area that is too small', 'does not fit its area', put('keyslots.0.area.size', '4096')),
    second('with an area in the headers', 'slot 0: 256000 bytes at byte 4096', put('keyslots.0.area.offset', '4096')),
    second('with an area at 2^64 - 1', 'slot 0: 256000 bytes at byte 18446744073709551615', put('keyslots.0.area.offset', str((1 << 64) - 1))),
    second('with an area at 2^64', '"offset" is not a text that is a number of 64 bits', put('keyslots.0.area.offset', str(1 << 64))),
    second('with areas that overlap', 'slots 0 and 1 overlap', with_slot(1)),
    second('with 2^32 - 1 stripes', 'does not fit its area', put('keyslots.0.af.stripes', TOP32)),
    second('with 0 stripes', 'in 0 stripes', put('keyslots.0.af.stripes', 0)),
    second('with an unknown derivation', '"type" is not pbkdf2', put('keyslots.0.kdf.type', 'scrypt')),
    second('by twofish', 'cipher twofish-xts-plain64', put('segments.0.encryption', 'twofish-xts-plain64'), 9),
    second('by a cipher without a mode', '"encryption" is not a cipher with a mode', put('segments.0.encryption', 'aes')),
    second('with sectors of 0 bytes', '"sector_size" is not', put('segments.0.sector_size', 0)),
    second('with sectors of 8192 bytes', '"sector_size" is not', put('segments.0.sector_size', 8192)),
    second('with an odd offset', '"offset" is not a multiple of 512', put('segments.0.offset', str(luks.PAYLOAD2 + 1))),
    second('with data beyond the end', 'beyond the end of the file', put('segments.0.offset', str(1 << 62))),
    second('with too much data', 'beyond the end of the file', put('segments.0.size', str(1 << 62))),
    second('with a part of a sector', '"size" is not', put('segments.0.size', '513')),
    second('with integrity tags', 'integrity tags', put('segments.0.integrity', {'type': 'hmac(sha256)'}), 9),
    second('with linear data', 'data of the type "linear"', put('segments.0.type', 'linear'), 9),
    second('with two segments', '2 segments of data', put('segments.1', {'type': 'linear'}), 9),
    second('that is being encrypted anew', 'reencrypt --resume-only', put('config.requirements', {'mandatory': ['online-reencrypt-v2']}), 9),
    second('with requirements that are no list', '"mandatory" is not a list', put('config.requirements', {'mandatory': 'online-reencrypt-v2'})),
    second('with a detached header', 'in another file (a detached header)', put('segments.0.offset', '0'), 9),
    second('with an unknown requirement', 'requires "\\x1b[2J"', put('config.requirements', {'mandatory': ['\x1b[2J']}), 9),
]

HEADLESS = b'?' * 6 + luks.luks2()[6:]
ROWS += [
    Row('LUKS2 without its first magic', HEADLESS, '-f luks reads it by its second one', 2, name='x.raw'),
    Row('LUKS2 without its first magic, by its name', HEADLESS, 'it opens none of 1 key slots', 10, command=('convert', '-f', 'luks', *WITH[1:]), files={'s': b'secret'}, name='x.raw', warns=True),
    Row('LUKS2 whose first 4 KiB are zeros', bytes(4096) + HEADLESS[4096:], '-f luks reads it by its second one', 2, name='x.raw'),
    Row('LUKS2 left behind by a disk with a partition table', bytes(446 + 4) + b'\x83' + bytes(3) + b'\x08\0\0\0\x08\0\0\0' + bytes(48) + b'\x55\xaa' + HEADLESS[512:], '', 0, name='x.raw'),
    Row('LUKS2 of whose headers both are gone', HEADLESS[:16384] + b'?' * 6 + HEADLESS[16390:], '', 0, name='x.raw'),
]

if tap.built_with('libargon2'):
    def argon(**values):
        return put('keyslots.0.kdf', dict({'type': 'argon2id', 'time': 4, 'memory': 1024, 'cpus': 1, 'salt': 'c2FsdHNhbHQ='}, **values))

    def two_argon(text):
        argon()(text)
        with_slot(1, offset=str(2 * luks.HEADER2 + luks.AREA2))(text)
        text['segments']['0']['offset'] = str(2 * luks.HEADER2 + 2 * luks.AREA2)
        text['keyslots']['1']['kdf'] = dict(text['keyslots']['0']['kdf'], time=1 << 16)
        return text

    ROWS += [
        secret('Argon2 of 1 MiB', 'it opens none of 1 key slots', argon(), 10),
        opened('LUKS2 Argon2 of two slots that want too much together', luks.luks2(two_argon(luks.text2())) + bytes(luks.AREA2),
               'slot 1: Argon2 over 67112960 KiB with the slots in front of it, at most 67108864', 2),
        secret('Argon2 of 4 TiB', 'Argon2 with 4294967295 KiB of memory, at most 1048576', argon(memory=TOP32), 2),
        secret('Argon2 with 2^32 - 1 passes', 'Argon2 with 4294967295 passes', argon(time=TOP32), 2),
        secret('Argon2 with 0 passes', 'Argon2 with 0 passes', argon(time=0), 2),
        secret('Argon2 with 0 lanes', '0 lanes', argon(cpus=0), 2),
        secret('Argon2 with 100 lanes', 'in 100 lanes', argon(cpus=100), 2),
        secret('Argon2 with little salt', '3 bytes of salt', argon(salt='c2Fs'), 2),
    ]
