# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""libvhdi reads the VHD and VHDX that we write, with the right bytes and size."""
import ctypes
import random

import tap

MIB = 1 << 20
SIZE = 9 * MIB
try:
    LIBRARY = ctypes.CDLL('libvhdi.so.1')
except OSError:
    LIBRARY = None
FORMS = [(' '.join(words), words) for words in (
    ('vpc', '-o', 'subformat=dynamic'), ('vpc', '-o', 'subformat=fixed'), ('vpc', '-o', 'subformat=dynamic,force_size=on'),
    ('vhdx',), ('vhdx', '-o', 'block_size=1M'), ('vhdx', '-o', 'block_size=32M'), ('vhdx', '-o', 'subformat=fixed'),
    ('vhdx', '-o', 'logical_sector_size=4096'), ('vhdx', '-o', 'subformat=fixed,logical_sector_size=4096'))]


def disk(seed):
    noise, out = random.Random(seed), bytearray(SIZE)
    for _ in range(4):
        at, length = noise.randrange(SIZE - 70000), noise.randrange(1, 70000)
        out[at:at + length] = noise.randbytes(length)
    return bytes(out)


class Reader:
    """A disk as libvhdi has it."""
    def __init__(self, path, parent=None):
        self.handle, self.parent = ctypes.c_void_p(), parent
        self.call('initialize', ctypes.byref(self.handle))
        self.call('open', self.handle, path.encode(), 1)
        if parent:
            self.call('set_parent_file', self.handle, parent.handle)

    @staticmethod
    def call(name, *arguments):
        error, text = ctypes.c_void_p(), ctypes.create_string_buffer(1000)
        function = getattr(LIBRARY, f'libvhdi_file_{name}')
        function.restype = ctypes.c_ssize_t if name == 'read_buffer_at_offset' else ctypes.c_int
        result = function(*arguments, ctypes.byref(error))
        if result < 1:
            LIBRARY.libvhdi_error_backtrace_sprint(error, text, len(text))
            raise AssertionError(f'libvhdi: {name}: {result}, {text.value.decode()}')
        return result

    def content(self):
        size = ctypes.c_uint64()
        self.call('get_media_size', self.handle, ctypes.byref(size))
        found, buffer = b'', ctypes.create_string_buffer(MIB)
        while len(found) < size.value:
            length = min(MIB, size.value - len(found))
            got = self.call('read_buffer_at_offset', self.handle, buffer, ctypes.c_size_t(length), ctypes.c_int64(len(found)))
            found += buffer.raw[:got]
        return found


def same(t, name, expected, parent=None):
    if not LIBRARY:
        raise tap.Skip('there is no libvhdi (libvhdi-utils)')
    found = Reader(t.path(name), parent).content()
    tap.equal((len(found), found == expected), (len(expected), True), 'size and bytes that libvhdi reads')


@tap.rows(FORMS)
def test_a_disk(t, words):
    t.write('a.raw', disk(1))
    t.vmferry('convert', '-f', 'raw', '-O', *words, 'a.raw', 'a.disk')
    t.vmferry('convert', '-O', 'raw', 'a.disk', 'back.raw')  # a VHD of old geometry has more sectors
    tap.equal(t.read('back.raw')[:SIZE] == disk(1), True, 'content')
    same(t, 'a.disk', t.read('back.raw'))


@tap.rows(FORMS)
def test_a_disk_that_was_written_into(t, words):
    t.write('a.raw', bytes(3 * MIB) + disk(1)[3 * MIB:])
    t.vmferry('convert', '-f', 'raw', '-O', *words, 'a.raw', 'a.disk')
    t.write('a.raw', disk(2))
    t.vmferry('apply', '--verify', '-F', words[0], 'a.raw', 'a.disk')
    same(t, 'a.disk', disk(2))


def test_an_overlay(t):
    """Without a block that has become zeros: libvhdi shows the parent there, [MS-VHDX] 2.5.1.1 says zeros."""
    changed = bytearray(disk(1))
    changed[5 * MIB + 700:5 * MIB + 1700] = random.Random(9).randbytes(1000)
    t.write('a.raw', disk(1))
    t.write('b.raw', bytes(changed))
    t.vmferry('convert', 'a.raw', 'base.vhdx')
    t.vmferry('convert', '-B', 'base.vhdx', '-F', 'vhdx', 'b.raw', 'kid.avhdx')
    if not LIBRARY:
        raise tap.Skip('there is no libvhdi (libvhdi-utils)')
    same(t, 'kid.avhdx', bytes(changed), Reader(t.path('base.vhdx')))


tap.main(globals())
