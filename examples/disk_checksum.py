#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""disk_checksum.py DISK: the SHA-256 of what a guest sees of a disk, read through libvmferry by ctypes."""
import ctypes
import hashlib
import sys

MIB = 1 << 20
library = ctypes.CDLL('libvmferry.so.0')
library.vmf_image_size.restype = ctypes.c_uint64


class Error(ctypes.Structure):
    _fields_ = [('code', ctypes.c_int), ('sys_errno', ctypes.c_int), ('text', ctypes.c_char * 512)]


def call(name, *arguments):
    error = Error()
    if getattr(library, name)(*arguments, ctypes.byref(error)) != 0:
        sys.exit(error.text.decode(errors='replace'))


def main():
    image, buffer, digest = ctypes.c_void_p(), ctypes.create_string_buffer(MIB), hashlib.sha256()
    call('vmf_disk_open', sys.argv[1].encode(), None, ctypes.byref(image))
    size = library.vmf_image_size(image)
    for offset in range(0, size, MIB):
        length = min(MIB, size - offset)
        call('vmf_image_pread', image, buffer, ctypes.c_size_t(length), ctypes.c_uint64(offset))
        digest.update(buffer.raw[:length])
    call('vmf_image_unchanged', image)
    library.vmf_image_close(image)
    print(digest.hexdigest())


main()
