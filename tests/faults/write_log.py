# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What a power cut leaves at the worst, made of the log of a run: see write_log.c. Of a file what was synced last, of a
folder the names that it had when it was synced last; but of one file all that was written, since the disk may have had
that first."""
import os
import struct

EVENT = struct.Struct('<c3xIQQQQ')
KEEP_SIZE = 1


def read(path):
    """Its events: what, the file's path from the folder on, offset, length, mode, bytes."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        what, path_length, offset, length, mode, data_length = EVENT.unpack_from(data, at)
        at += EVENT.size
        name = data[at:at + path_length].decode().lstrip('/')
        at += path_length
        yield what.decode(), name, offset, length, mode, data[at:at + data_length]
        at += data_length


class Disk:
    """The files below a folder, as they are and as they are on the medium."""

    def __init__(self):
        self.written, self.synced, self.names = {}, {}, {}

    def take(self, what, name, offset, length, mode, data):
        if what == 'N':
            self.names[name] = set(data.decode().split('\0'))
            return
        file = self.written.setdefault(name, bytearray())
        end = length if what == 'T' else 0 if what == 'S' or mode & KEEP_SIZE else offset + length
        file.extend(bytes(max(0, end - len(file))))
        if what == 'W':
            file[offset:offset + length] = data
        elif what == 'T':
            del file[length:]
        elif what == 'A' and mode & ~KEEP_SIZE:
            end = min(len(file), offset + length)
            file[offset:end] = bytes(max(0, end - offset))
        elif what == 'S':
            self.synced[name] = bytes(file)

    def has_name(self, path):
        """Whether it is found by its name, and its folder is by its own."""
        folder, name = os.path.split(path)
        return name in self.names.get(folder, ()) and (not folder or self.has_name(folder))

    def left(self, ahead):
        """The files with what they have, those that were never written to, too: of `ahead` all that was written."""
        folders = set(self.names) | {os.path.dirname(path) for path in self.written}
        known = set(self.written) | {os.path.join(folder, name) for folder, names in self.names.items() for name in names if name.strip('.')}
        return {name: bytes(self.written[name]) if name == ahead else self.synced.get(name, b'')
                for name in known if name not in folders and self.has_name(name)}
