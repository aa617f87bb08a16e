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
READ, WRITE, DISCONNECT, FLUSH, STATUS = 0, 1, 2, 3, 7
GREETING, MIDDLE = -1, -2  # before all requests; within the answer to a READ
MANY, DONE = 1 << 8, 1
CONTEXT, BITMAP = 1, 2


def take(connection, length):
    data = b''
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


class Server:
    """read(server, offset, length) gives the bytes of an answer, or its chunks, (offset, bytes) each; extents(offset, length) the (length, flags) of one about holes; without it the
    server tells nothing about them. bitmap(server, offset, length): the same of one that is called `it`, or None where that is not offered any more.
    silent(server, kind): whether it says no word more on that connection, asked before each answer. slow(server, kind): how many bytes of it go out at once then,
    a third of a second behind the ones before; 0: all of them. writes: all that is written is taken. `connections` are counted, and those that are `gone`. size: what it says to have. data: of one export, or of several by their names."""

    def __init__(self, t, data, read=None, extents=None, many=False, size=None, bitmap=None, silent=None, writes=False, slow=None):
        self.exports = data if isinstance(data, dict) else {'': data}
        self.path, self.data, self.extents, self.many = t.path('nbd.sock'), self.exports.get(''), extents, many
        self.read, self.size, self.bitmap, self.silent, self.writes, self.slow = read, size, bitmap, silent, writes, slow
        self.ended = threading.Event()
        self.connections, self.gone, self.lock, self.url = 0, 0, threading.Lock(), f'nbd+unix:///?socket={self.path}'
        self.news = threading.Condition(self.lock)

    def url_of(self, name):
        return self.url.replace('///', f'///{name}')

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def wait_until(self, told):
        """Connections are made and lost meanwhile."""
        with self.news:
            self.news.wait_for(lambda: told(self) or self.ended.is_set())

    def __exit__(self, *_):
        self.ended.set()
        with self.news:
            self.news.notify_all()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)

    def listen(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                with self.news:
                    self.connections += 1
                    self.news.notify_all()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            self.speak(connection)
        finally:
            with self.news:
                self.gone += 1
                self.news.notify_all()

    def speak(self, connection):
        with connection, contextlib.suppress(OSError):
            self.hush(GREETING)
            self.send(connection, GREETING, b'NBDMAGIC' + IHAVEOPT + struct.pack('>H', 3))
            take(connection, 4)
            option, name = self.option(connection)
            while option != GO:
                option, name = self.option(connection)
            while self.request(connection, self.exports[name]) != DISCONNECT:
                pass

    def hush(self, kind):
        if self.silent and self.silent(self, kind):
            self.ended.wait()
            raise ConnectionError

    def send(self, connection, kind, data):
        step = (self.slow(self, kind) if self.slow else 0) or len(data)
        for at in range(0, len(data), step):
            connection.sendall(data[at:at + step])
            if at + step < len(data) and self.ended.wait(1 / 3):
                raise ConnectionError

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
            reply(3, struct.pack('>HQH', 0, len(self.exports[name]) if self.size is None else self.size, (5 if self.writes else 3) | (MANY if self.many else 0)))
        if option == SET_CONTEXT and self.extents:
            reply(4, struct.pack('>I', CONTEXT) + b'base:allocation')
        if option == SET_CONTEXT and self.bitmap and b'qemu:dirty-bitmap:it' in data and self.bitmap(self, 0, 0) is not None:
            reply(4, struct.pack('>I', BITMAP) + b'qemu:dirty-bitmap:it')
        reply(1 if option in (GO, STRUCTURED, SET_CONTEXT) else 0x80000001)
        return option, name

    def request(self, connection, data):
        _, _, kind, handle, offset, length = struct.unpack('>IHH8sQI', take(connection, 28))

        def reply(what, data, flags=DONE):
            self.send(connection, kind, struct.pack('>IHH8sI', 0x668e33ef, flags, what, handle, len(data)) + data)

        def tell(context, runs, flags):
            reply(5, struct.pack('>I', context) + b''.join(struct.pack('>II', *run) for run in runs), flags)
        if kind == WRITE:
            take(connection, length)
        self.hush(kind)
        if kind == READ and self.silent and self.silent(self, MIDDLE):
            connection.sendall(struct.pack('>IHH8sI', 0x668e33ef, DONE, 1, handle, 8 + length) + struct.pack('>Q', offset) + data[offset:offset + length // 2])
            self.ended.wait()
        if kind in (WRITE, FLUSH):
            reply(0, b'')
        if kind == READ:
            came = self.read(self, offset, length) if self.read else data[offset:offset + length]
            chunks = [(offset, came)] if isinstance(came, bytes) else came
            for number, (place, part) in enumerate(chunks, 1):
                reply(1, struct.pack('>Q', place) + part, DONE if number == len(chunks) else 0)
        if kind == STATUS:
            marked = self.bitmap(self, offset, length) if self.bitmap else None
            if marked is not None:
                tell(BITMAP, marked, 0)
            tell(CONTEXT, self.extents(offset, length), DONE)
        return kind
