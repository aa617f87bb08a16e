# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""An NBD server (doc/proto.md) for tests, which can be made to do what no other does: to lie, and to go."""
import contextlib
import os
import socket
import struct
import threading

IHAVEOPT = b'IHAVEOPT'
GO, STRUCTURED, SET_CONTEXT = 7, 8, 10
READ, DISCONNECT, STATUS = 0, 2, 7
MANY, DONE = 1 << 8, 1
CONTEXT = 1


def take(connection, length):
    data = b''
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


class Server:
    """read(server, offset, length) gives the bytes of an answer, extents(offset, length) the (length, flags) of one about holes; without it the
    server tells nothing about them. `connections` are counted. size: what it says to have. data: of one export, or of several by their names."""

    def __init__(self, t, data, read=None, extents=None, many=False, size=None):
        self.exports = data if isinstance(data, dict) else {'': data}
        self.path, self.data, self.extents, self.many = t.path('nbd.sock'), self.exports.get(''), extents, many
        self.read, self.size = read, size
        self.connections, self.lock, self.url = 0, threading.Lock(), f'nbd+unix:///?socket={self.path}'

    def url_of(self, name):
        return self.url.replace('///', f'///{name}')

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)

    def listen(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                with self.lock:
                    self.connections += 1
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.sendall(b'NBDMAGIC' + IHAVEOPT + struct.pack('>H', 3))
            take(connection, 4)
            option, name = self.option(connection)
            while option != GO:
                option, name = self.option(connection)
            while self.request(connection, self.exports[name]) != DISCONNECT:
                pass

    def option(self, connection):
        _, option, length = struct.unpack('>8sII', take(connection, 16))
        data, name = take(connection, length), None

        def reply(kind, data=b''):
            connection.sendall(struct.pack('>QIII', 0x3e889045565a9, option, kind, len(data)) + data)
        if option == GO:
            name = data[4:4 + struct.unpack('>I', data[:4])[0]].decode()
            if name not in self.exports:
                reply(0x80000006)
                return None, None
            reply(3, struct.pack('>HQH', 0, len(self.exports[name]) if self.size is None else self.size, 3 | (MANY if self.many else 0)))
        if option == SET_CONTEXT and self.extents:
            reply(4, struct.pack('>I', CONTEXT) + b'base:allocation')
        reply(1 if option in (GO, STRUCTURED, SET_CONTEXT) else 0x80000001)
        return option, name

    def request(self, connection, data):
        _, _, kind, handle, offset, length = struct.unpack('>IHH8sQI', take(connection, 28))

        def reply(what, data):
            connection.sendall(struct.pack('>IHH8sI', 0x668e33ef, DONE, what, handle, len(data)) + data)
        if kind == READ:
            reply(1, struct.pack('>Q', offset) + (self.read(self, offset, length) if self.read else data[offset:offset + length]))
        if kind == STATUS:
            reply(5, struct.pack('>I', CONTEXT) + b''.join(struct.pack('>II', *run) for run in self.extents(offset, length)))
        return kind
