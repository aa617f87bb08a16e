# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Exports of NBD servers, as sources and as targets, and the plugin of nbdkit: what is read and written, and what servers may do wrong."""
import json
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import urllib.parse

import nbd_server
import remote_servers
import tap
from remote_disk import CONFINED, MIB, RAW, SANITIZED, converted, refused


def nbd():
    tap.needs('libnbd')


@tap.rows([('alone', ()), ('picky', ('--filter=blocksize-policy',)), ('one request at a time', ('--filter=noparallel',)),
           ('without a word about holes', ('--filter=noextents',)), ('one connection', ('--filter=multi-conn',)),
           ('failing at times', ('--filter=error',))])
def test_a_disk_of_nbdkit(t, filters):
    nbd()
    t.write('disk.raw', RAW)
    more = {'--filter=blocksize-policy': ('blocksize-minimum=512', 'blocksize-preferred=64K', 'blocksize-maximum=128K',
                                          'blocksize-error-policy=error'),
            '--filter=multi-conn': ('multi-conn-mode=disable',),
            '--filter=error': ('error-pread-rate=0.5%', 'error=EIO')}
    with remote_servers.nbdkit(t, *filters, 'file', t.path('disk.raw'), *(word for name in filters for word in more.get(name, ()))) as url:
        converted(t, url, *CONFINED)
        t.vmferry('compare', url, 'disk.raw')
        told = json.loads(t.vmferry('info', '--output=json', url).stdout)
        tap.equal((told['virtual-size'], 'actual-size' in told), (len(RAW), False))
        tap.contains(t.vmferry('info', url).stdout, 'disk size: unavailable\n')


@tap.rows([('on many connections', False), ('on one connection', True)])
def test_a_server_that_takes_small_requests_only(t, alone):
    nbd()
    data = RAW + random.Random(1).randbytes(8 * MIB)
    t.write('disk.raw', data)
    sizes = ('blocksize-minimum=512', 'blocksize-preferred=4K', 'blocksize-maximum=4K', 'blocksize-error-policy=error')
    one = ('--filter=multi-conn',), ('multi-conn-mode=disable',)
    with remote_servers.nbdkit(t, *one[0][:alone], '--filter=blocksize-policy', 'file', t.path('disk.raw'), *sizes, *one[1][:alone]) as url:
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', url, 'out.raw')
    tap.equal(t.read('out.raw') == data, True, 'the bytes')


@tap.rows([('convert', 'convert'), ('compare', 'compare'), ('check', 'check')])
def test_a_server_that_ends_with_its_first_client(t, verb):
    nbd()
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-O', 'qcow2', 'disk.raw', 'disk.qcow2')
    with remote_servers.nbd_server(t, 'qemu-nbd', '-r', '-f', 'raw', t.path('disk.qcow2')) as url:
        words = {'convert': ('-O', 'raw', url, 'out.raw'), 'compare': (url, 'disk.raw'), 'check': (url,)}[verb]
        t.vmferry(verb, *words)


def test_an_export_by_tls(t):
    nbd()
    for folder in ('the keys', 'out'):
        os.mkdir(t.path(folder))
    t.write('disk.raw', RAW)
    key = t.write('the keys/psk', b'alice:' + b'0123456789abcdef' * 4 + b'\n')
    with remote_servers.nbdkit(t, '--tls=require', f'--tls-psk={key}', 'file', t.path('disk.raw')) as url:
        tap.contains(t.vmferry('info', url, status=3).stderr, 'TLS')
        url = url.replace('nbd+unix:///?', 'nbds+unix://alice@/?') + f'&tls-psk-file={urllib.parse.quote(key)}'
        t.vmferry('convert', '-O', 'raw', *CONFINED, url, 'out/disk.raw')
    tap.equal(t.read('out/disk.raw') == RAW, True, 'the bytes')


def test_an_export_that_options_name(t):
    nbd()
    t.write('disk.raw', RAW)
    with remote_servers.nbdkit(t, 'file', t.path('disk.raw')) as url:
        for words in (('--image-opts', f'driver=raw,file.filename={url}'), ('json:' + json.dumps({'driver': 'raw', 'file': {'driver': 'file', 'filename': url}}),)):
            tap.contains(t.vmferry('info', *CONFINED, *words).stdout, 'file format: raw')


def as_nobody(t, *words, env):
    """For root libnbd does not look into $HOME."""
    os.chmod(t.folder, 0o755)
    around = ('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups') if os.geteuid() == 0 else ()
    return t.run(*around, tap.VMFERRY, *words, env=env, status=None)


def test_an_export_by_certificates(t):
    nbd()
    for folder in ('server', 'others', 'out', 'links', 'home', 'home/.pki', 'home/.pki/libnbd'):
        os.mkdir(t.path(folder))
    for folder in ('server', 'others'):
        remote_servers.own_certificate(t, folder)
    t.write('disk.raw', RAW)
    listener = socket.create_server(('127.0.0.1', 0))
    url = f'nbds://localhost:{listener.getsockname()[1]}/?tls-certificates='
    with remote_servers.program([tap.tool('nbdkit'), '-f', '--tls=require', '--tls-certificates=' + t.path('server'), 'file', t.path('disk.raw')], listener):
        for folder in ('links', 'home/.pki/libnbd'):
            os.symlink(t.path('server/ca-cert.pem'), t.path(f'{folder}/ca-cert.pem'))
        t.vmferry('convert', '-O', 'raw', *CONFINED, url + t.path('server'), 'out/disk.raw')
        t.vmferry('convert', '-O', 'raw', '--force', *CONFINED, url + t.path('links'), 'out/disk.raw')
        for home, taken in (('home', True), ('out', False)):
            done = as_nobody(t, 'info', *CONFINED, url.split('?', maxsplit=1)[0], env={'HOME': t.path(home), 'TMPDIR': t.path('out')})
            told = 'nobody says that this is the server that is meant' in done.stderr
            tap.equal((done.returncode == 0 and not told) == taken, True, f'with the keys of {home}: {done.returncode}, {done.stderr}')
        for wrong in (url + t.path('others'), url.replace('localhost', '127.0.0.1') + t.path('server')):
            tap.contains(t.vmferry('info', wrong, status=3).stderr, 'certificate')
    tap.equal(t.read('out/disk.raw') == RAW, True, 'the bytes')


def test_holes_of_an_export_are_not_read(t):
    nbd()
    with open(t.path('disk.raw'), 'wb') as file:
        file.truncate(64 * MIB)
        file.seek(40 * MIB)
        file.write(b'x' * 65536)
    with remote_servers.nbdkit(t, '--filter=log', 'file', t.path('disk.raw'), f'logfile={t.path("log")}') as url:
        told = json.loads(t.vmferry('map', '--output=json', url).stdout)
        t.vmferry('convert', '-O', 'qcow2', url, 'out.qcow2')
    tap.equal([(run['start'], run['length']) for run in told if run['data']], [(40 * MIB, 65536)], 'the data of the map')
    read = [line for line in t.read('log').decode().splitlines() if ' Read ' in line and '...' not in line or ' Read id' in line]
    counted = sum(int(line.split('count=')[1].split()[0], 16) for line in read if 'count=' in line)
    tap.equal(0 < counted <= 16 * MIB, True, f'{counted} bytes are read')
    t.vmferry('compare', 'out.qcow2', 'disk.raw')


def test_a_server_that_goes(t):
    nbd()
    t.write('disk.raw', RAW)
    with remote_servers.nbdkit(t, 'file', t.path('disk.raw')) as url:
        pass
    done = refused(t, url, 3, 'connecting', options=('--retry-time', '1'))
    tap.equal(done.stderr.count('\n'), 1, 'lines')


def test_an_export_that_cannot_be_read(t):
    nbd()
    t.write('disk.raw', RAW)
    with remote_servers.nbdkit(t, '--filter=error', 'file', t.path('disk.raw'), 'error-pread-rate=100%', 'error=EIO') as url:
        refused(t, url, 3, 'reading at byte ', options=('-f', 'raw', '--retry-time', '1'))


# What a server may do wrong, by one of our own.

def lost_after(count):
    """The connection ends behind so many answers; the next ones do not."""
    left = [count]

    def read(server, offset, length):
        with server.lock:
            left[0] -= 1
            if left[0] == 0:
                raise ConnectionError
        return server.data[offset:offset + length]
    return read


@tap.rows([('of many', True, 5), ('that all threads use', False, 2), ('that all threads use, later', False, 9)])
def test_a_connection_is_lost(t, many, count):
    nbd()
    with nbd_server.Server(t, RAW + RAW, many=many, read=lost_after(count)) as server:
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', server.url, 'out.raw')
        tap.equal(server.connections > 1, True, 'another connection')
    tap.equal(t.read('out.raw') == RAW + RAW, True, 'the bytes')


def lost_for_good(server, *_):
    raise ConnectionError


def test_a_connection_that_is_lost_again_and_again(t):
    nbd()
    for many in (True, False):
        with nbd_server.Server(t, RAW, many=many, read=lost_for_good) as server:
            refused(t, server.url, 75, options=('-f', 'raw', '--retry-time', '1'))


def test_an_export_of_another_size_by_now(t):
    nbd()

    def read(server, offset, length):
        if server.connections == 1:
            server.size = 5 * MIB
            raise ConnectionError
        return server.data[offset:offset + length]
    with nbd_server.Server(t, RAW, read=read) as server:
        refused(t, server.url, 6, 'changed on the server', options=('-f', 'raw',))


@tap.rows([
    ('more than there is', lambda _, length: [(0xffffffff, 0)]),
    ('less than was asked for', lambda _, length: [(512, 0)] if length % 1024 else [(MIB, 0)]),
    ('all of it in small runs', lambda _, length: [(512, number % 2 and 1) for number in range(length // 512)])])
def test_an_odd_answer_about_holes(t, extents):
    """An answer that can be meant is taken, whatever its form."""
    nbd()
    with nbd_server.Server(t, RAW, extents=extents) as server:
        converted(t, server.url, '-f', 'raw')


@tap.rows([
    ('nothing', lambda *_: []),
    ('no length', lambda *_: [(0, 3)]),
    ('no length, again and again', lambda *_: [(0, 3)] * 4096),
    ('zeros of no length first', lambda _, length: [(0, 3), (length, 0)])])
def test_an_answer_about_holes_that_is_none(t, extents):
    nbd()
    with nbd_server.Server(t, RAW, extents=extents) as server:
        done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--retry-time', '1', server.url, 'out.raw', status=None)
    tap.equal(done.returncode in (0, 3, 75), True, f'status {done.returncode}: {done.stderr}')
    tap.equal(done.returncode != 0 or t.read('out.raw') == RAW, True, 'the bytes')


@tap.rows([
    ('of no bytes', 0), ('as large as can be', (1 << 63) - 1), ('of more bits than a size has', (1 << 64) - 1)])
def test_a_size_that_is_none(t, size):
    nbd()
    with nbd_server.Server(t, RAW, size=size) as server:
        done = t.vmferry('info', server.url, status=None)
    tap.equal(done.returncode in (0, 2, 3), True, f'status {done.returncode}: {done.stderr}')
    tap.equal(done.stderr.count('\n') <= 1, True, done.stderr)


@tap.rows([
    ('fewer bytes', lambda server, offset, length: server.data[offset:offset + length - 1]),
    ('more bytes', lambda server, offset, length: server.data[offset:offset + length] + b'x'),
    ('nothing', lambda *_: b'')])
def test_an_answer_of_another_length(t, read):
    nbd()
    with nbd_server.Server(t, RAW, read=read) as server:
        done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--retry-time', '1', server.url, 'out.raw', status=None)
    tap.equal(done.returncode in (3, 75), True, f'status {done.returncode}: {done.stderr}')
    tap.equal('out.raw' in t.names(), False, 'a target')


def chunks(cuts):
    """What gives an answer in parts, each from one to another of these shares of what is asked for."""
    def read(server, offset, length):
        places = [(offset + length * start // 4, offset + length * end // 4) for start, end in cuts]
        return [(start, server.data[start:end]) for start, end in places]
    return read


@tap.rows([('in order', [(0, 1), (1, 2), (2, 4)]), ('in another one', [(3, 4), (0, 2), (2, 3)])])
def test_an_answer_in_chunks(t, cuts):
    nbd()
    with nbd_server.Server(t, RAW, read=chunks(cuts)) as server:
        converted(t, server.url, '-f', 'raw')


@tap.rows([('a half twice', [(0, 2), (0, 2)]), ('the other one', [(2, 4), (2, 4)]), ('some of it twice', [(0, 2), (1, 3)]),
           ('a quarter twice, in order', [(0, 1), (1, 2), (1, 2), (3, 4)])])
def test_an_answer_with_bytes_that_come_twice(t, cuts):
    """So many as were asked for come; but some did not."""
    nbd()
    with nbd_server.Server(t, RAW, read=chunks(cuts)) as server:
        done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--retry-time', '1', server.url, 'out.raw', status=3)
    tap.contains(done.stderr, 'sends some of them twice and others not at all')
    tap.equal('out.raw' in t.names(), False, 'a target')


def test_an_answer_to_who_writes_with_bytes_that_come_twice(t):
    nbd()
    t.write('disk.raw', RAW[:MIB])
    with nbd_server.Server(t, bytes(MIB), writes=True, read=chunks([(0, 2), (0, 2)])) as server:
        done = t.vmferry('apply', '-f', 'raw', '--retry-time', '1', 'disk.raw', server.url, status=3)
    tap.contains(done.stderr, 'sends some of them twice and others not at all')


# A server that says nothing more, and keeps the connection.

STALL = {'VMFERRY_STALL_TIME': '1'}


def whole(_, length):
    return [(length, 0)]


@tap.rows([('when it is greeted', nbd_server.GREETING), ('when it is to read', nbd_server.READ), ('in the middle of its answer', nbd_server.MIDDLE),
           ('when it is asked about holes', nbd_server.STATUS)])
def test_a_server_that_falls_silent(t, kind):
    """It is given up, or asked once more by another connection."""
    nbd()
    for many in (False, True):
        with nbd_server.Server(t, RAW, many=many, extents=whole, silent=lambda _, now: now == kind) as server:
            done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--retry-time', '1', server.url, 'out.raw', status=75, env=STALL)
            tap.contains(done.stderr, 'nothing came from the server for 1 s')
            tap.equal('out.raw' in t.names(), False, 'a target')
        told = []
        with nbd_server.Server(t, RAW, many=many, extents=whole, silent=lambda _, now: now == kind and not told and not told.append(now)) as server:
            converted(t, server.url, '-f', 'raw', env=STALL)
            tap.equal((told, server.connections > 1), ([kind], True))
        (t.folder / 'out.raw').unlink()


@tap.rows([('when it is greeted', nbd_server.GREETING), ('when it is to read', nbd_server.READ), ('when it is asked about holes', nbd_server.STATUS)])
def test_a_server_that_gives_a_byte_at_a_time(t, kind):
    nbd()
    with nbd_server.Server(t, RAW, extents=whole, slow=lambda _, now: now == kind) as server:
        done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--retry-time', '1', server.url, 'out.raw', status=75, env=STALL)
    tap.contains(done.stderr, 'nothing whole came from the server for 4 s')
    tap.equal('out.raw' in t.names(), False, 'a target')


def test_a_server_that_is_slow_and_steady(t):
    """An answer takes longer than nothing whole may."""
    nbd()
    data = RAW[:128 << 10]
    with nbd_server.Server(t, data, slow=lambda _, kind: 8192 if kind == nbd_server.READ else 0) as server:
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', server.url, 'out.raw', env=STALL)
        tap.equal((t.read('out.raw') == data, server.connections), (True, 1))


class OtherLater(nbd_server.Server):
    """Has another size for all connections but the first."""

    def option(self, connection):
        self.size = 5 * MIB if self.connections > 1 else None
        return super().option(connection)


def when(told):
    """Most of the disk is read when that is so of the server."""
    def read(server, offset, length):
        if MIB <= offset < 12 * MIB:
            server.wait_until(told)
        return server.data[offset:offset + length]
    return read


def test_a_further_connection_that_sees_another_export(t):
    nbd()
    with OtherLater(t, RAW * 4, many=True, read=when(lambda server: server.gone > 0)) as server:
        refused(t, server.url, 6, 'changed on the server', options=('-f', 'raw'))


def lets_wait(server, kind):
    return kind == nbd_server.GREETING and server.connections > 1


def test_a_server_that_lets_further_connections_wait(t):
    """It says that there may be many, as qemu-nbd --shared 2 does. Nothing that is read waits for them."""
    nbd()
    with nbd_server.Server(t, RAW, many=True, silent=lets_wait, read=when(lambda server: server.connections > 1)) as server:
        t.vmferry('convert', '-O', 'raw', server.url, 'read.raw', env={'VMFERRY_STALL_TIME': '3600'})
    tap.equal(t.read('read.raw') == RAW, True, 'the bytes')
    t.write('disk.raw', RAW)
    with nbd_server.Server(t, RAW, many=True, writes=True, silent=lets_wait) as server:
        t.vmferry('convert', '-n', '-O', 'raw', 'disk.raw', server.url, env=STALL)
        tap.equal(server.connections > 1, True, 'it was tried')


def test_a_server_that_does_not_take_leave(t):
    nbd()
    with nbd_server.Server(t, RAW, silent=lambda _, kind: kind == nbd_server.DISCONNECT) as server:
        converted(t, server.url, '-f', 'raw', env=STALL)


@tap.rows([('that is written', nbd_server.WRITE), ('that is read', nbd_server.READ), ('that is to make it durable', nbd_server.FLUSH)])
def test_a_target_that_falls_silent(t, kind):
    nbd()
    t.write('disk.raw', RAW[:MIB])
    with nbd_server.Server(t, bytes(MIB), writes=True, silent=lambda _, now: now == kind) as server:
        done = t.vmferry('apply' if kind == nbd_server.READ else 'convert', '-f', 'raw', *([] if kind == nbd_server.READ else ['-O', 'raw']),
                         '--retry-time', '1', 'disk.raw', server.url, status=75, env=STALL)
    tap.contains(done.stderr, 'nothing came from the server for 1 s')


def test_what_was_given_up_is_not_gone_on_with(t):
    """The bytes of a request that was given up are somebody else's memory by then: the connection ends, and the server is not even told."""
    nbd()

    class Silent(nbd_server.Server):
        heard = b''

        def request(self, connection, data):
            kind, length = struct.unpack('>6xH16xI', nbd_server.take(connection, 28))
            if kind != nbd_server.WRITE:
                return kind
            nbd_server.take(connection, length)
            self.heard = connection.recv(28)
            raise ConnectionError
    t.write('disk.raw', RAW[:MIB])
    with Silent(t, bytes(MIB), writes=True) as server:
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--retry-time', '1', 'disk.raw', server.url, status=75, env=STALL)
        server.wait_until(lambda it: it.gone)
    tap.equal(server.heard, b'', 'what came behind the request')


def test_a_silent_server_and_a_person_who_has_waited_enough(t):
    nbd()
    asked = threading.Event()
    for kind in (nbd_server.GREETING, nbd_server.READ, nbd_server.STATUS):
        asked.clear()
        with nbd_server.Server(t, RAW, extents=whole, silent=lambda _, now, kind=kind: now == kind and not asked.set()) as server:
            with subprocess.Popen([tap.VMFERRY, 'convert', '-f', 'raw', '-O', 'raw', server.url, 'out.raw'], cwd=t.folder, stderr=subprocess.PIPE) as child:
                asked.wait()
                child.send_signal(signal.SIGINT)
                errors = child.communicate(timeout=60)[1]
            tap.equal(child.returncode in (128 + signal.SIGINT, -signal.SIGINT), True, f'status {child.returncode}: {errors}')
    tap.equal('out.raw' in t.names(), False, 'a target')


@tap.rows([(name, kind, job) for name, kind, job in (
    ('a source that does not greet', nbd_server.GREETING, 'URL\tout.raw\t-f raw\n'), ('a source', nbd_server.READ, 'URL\tout.raw\t-f raw\n'),
    ('its holes', nbd_server.STATUS, 'URL\tout.raw\t-f raw\n'), ('a target that does not greet', nbd_server.GREETING, 'disk.raw\tURL\t-O raw\n'),
    ('a target', nbd_server.WRITE, 'disk.raw\tURL\t-O raw\n'), ('its end', nbd_server.FLUSH, 'disk.raw\tURL\t-O raw\n'))])
def test_a_silent_server_and_a_batch_that_is_stopped(t, kind, job):
    """Whose threads get signals, again and again."""
    nbd()
    asked = threading.Event()
    t.write('disk.raw', RAW)
    with nbd_server.Server(t, RAW, extents=whole, writes=True, silent=lambda _, now: now == kind and not asked.set()) as server:
        t.write('jobs', job.replace('URL', server.url).encode())
        with subprocess.Popen([tap.VMFERRY, 'batch', 'jobs', '--report', 'r.json'], cwd=t.folder, stderr=subprocess.PIPE) as child:
            asked.wait(20)
            child.send_signal(signal.SIGTERM)
            try:
                errors = child.communicate(timeout=20)[1]
            finally:
                child.kill()
    tap.equal(child.returncode, 128 + signal.SIGTERM, errors)
    tap.equal(([told['state'] for told in json.loads(t.read('r.json'))['jobs']], 'out.raw' in t.names()), (['stopped'], False), 'what came of it')


def test_a_batch_writes_to_a_server(t):
    nbd()
    t.write('disk.raw', RAW)
    t.write('export', bytes(len(RAW)))
    with remote_servers.nbdkit(t, 'file', t.path('export')) as url:
        t.write('jobs', f'disk.raw\t{url}\t-O raw\n'.encode())
        t.vmferry('batch', 'jobs')
        tap.equal(t.read('export') == RAW, True, 'the bytes')
        t.write('jobs', f'disk.raw\t{url}\t-O raw\n{url}\tout.raw\n'.encode())
        tap.contains(t.vmferry('batch', 'jobs', status=2).stderr, 'is read by line 2')


def test_a_bitmap_that_is_offered_no_more(t):
    """A server that is started anew between two questions."""
    nbd()

    def bitmap(server, _, length):
        if length == 0:
            return [] if server.connections == 2 else None  # whether it is offered
        raise ConnectionError
    t.write('copy.raw', RAW)
    with nbd_server.Server(t, RAW, extents=whole, bitmap=bitmap) as server:
        done = t.vmferry('apply', '-f', 'raw', '--bitmap', 'it', server.url, 'copy.raw', status=6)
    tap.contains(done.stderr, '"qemu:dirty-bitmap:it" is offered no more')


# An export as a target: a device of fixed size.

@tap.rows([('alone', ()), ('one connection', ('--filter=multi-conn',)), ('in blocks', ('--filter=blocksize-policy',)),
           ('without zeros', ('--filter=nozero',))])
def test_an_export_is_written(t, filters):
    nbd()
    more = {'--filter=blocksize-policy': ('blocksize-minimum=4K', 'blocksize-preferred=64K', 'blocksize-maximum=128K', 'blocksize-error-policy=error'),
            '--filter=multi-conn': ('multi-conn-mode=disable',)}
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-O', 'qcow2', 'disk.raw', 'disk.qcow2')
    with open(t.path('export'), 'wb') as file:
        file.write(b'\xff' * 16 * MIB)
    with remote_servers.nbdkit(t, *filters, 'file', t.path('export'), *(word for name in filters for word in more.get(name, ()))) as url:
        t.vmferry('convert', '-O', 'raw', *CONFINED, 'disk.qcow2', url)
        tap.equal(t.read('export')[:len(RAW)] == RAW, True, 'the bytes')
        tap.equal(t.read('export')[len(RAW):] == b'\xff' * (16 * MIB - len(RAW)), True, 'the bytes behind')
        t.vmferry('convert', '-n', '-O', 'qcow2', 'disk.raw', url)
        t.vmferry('compare', '-F', 'qcow2', 'disk.raw', url)
        t.run(tap.tool('qemu-img'), 'compare', '-F', 'qcow2', 'disk.raw', url)


def test_an_export_that_takes_no_disk(t):
    nbd()
    t.write('disk.raw', RAW)
    for name, data, words in (('small', bytes(MIB), 'the device has 1048576 bytes'), ('read-only', bytes(16 * MIB), 'lets nobody write')):
        t.write('export', data)
        with remote_servers.nbdkit(t, *(['-r'] if name == 'read-only' else []), 'file', t.path('export')) as url:
            done = t.vmferry('convert', '-O', 'raw', 'disk.raw', url, status=None)
            tap.equal(done.returncode in (1, 2), True, f'status {done.returncode}: {done.stderr}')
            tap.contains(done.stderr, words)
            tap.contains(t.vmferry('convert', '-f', 'raw', '-O', 'raw', url, url, status=1).stderr, 'target is a file of the source')
        tap.equal(t.read('export') == data, True, 'the export')


def test_an_export_that_fails(t):
    nbd()
    t.write('disk.raw', RAW)
    t.write('export', bytes(16 * MIB))
    with remote_servers.nbdkit(t, '--filter=error', 'file', t.path('export'), 'error-pwrite-rate=100%', 'error=ENOSPC') as url:
        tap.contains(t.vmferry('convert', '-O', 'raw', 'disk.raw', url, status=4).stderr, 'No space left')


# ---- the plugin of nbdkit ----

def plugin():
    path = os.path.join(os.environ.get('VMFERRY_BUILD', ''), 'src/nbdkit/nbdkit-vmferry-plugin.so')
    if not os.path.exists(path):
        raise tap.Skip('the plugin of nbdkit is not built')
    if SANITIZED:
        raise tap.Skip('a plugin with sanitizers is not loaded by a program without')
    return path


def test_a_plugin_serves_what_is_read(t):
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-O', 'qcow2', 'disk.raw', 'disk.qcow2')
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    for words in (['disk.qcow2'], ['file=vm.ova', 'disk=vmdisk1'], ['vm.ova']):
        with remote_servers.nbdkit(t, plugin(), *(word.replace('file=', f'file={t.folder}/') if '=' in word else t.path(word) for word in words)) as url:
            t.run(tap.tool('nbdcopy'), url, 'copy.raw')
            tap.equal(t.read('copy.raw') == RAW, True, 'the bytes')
            told = json.loads(t.run(tap.tool('nbdinfo'), '--map', '--json', url).stdout)
    tap.equal([run['description'] for run in told], ['data', 'hole,zero', 'data'], 'the map')


@tap.rows([('a package', 'vm.ova'), ('an XVA', 'vm.xva'), ('a backup of Proxmox VE', 'vm.vma')])
def test_a_plugin_serves_one_of_several_disks(t, name):
    t.write('disk.raw', RAW)
    t.write('second.raw', RAW[::-1])
    t.vmferry('pack', '-o', 'vm.ova', 'second.raw', 'disk.raw')
    if name != 'vm.ova':
        t.vmferry('convert', '--machine', name[-3:], 'vm.ova', name)
    for words in ([t.path(name) + '::2'], [f'file={t.path(name)}', 'disk=2']):
        with remote_servers.nbdkit(t, plugin(), *words) as url:
            t.run(tap.tool('nbdcopy'), url, 'copy.raw')
            nbd()
            t.vmferry('compare', '-f', 'raw', '-F', 'raw', url, 'copy.raw')
        tap.equal(t.read('copy.raw') == RAW, True, 'the bytes')
    tap.contains(t.run(tap.tool('nbdkit'), '-U', '-', plugin(), t.path(name), '--run', 'true', status=1).stderr, 'has 2 disks; name one as')


def test_a_plugin_that_serves_nothing(t):
    for words, told in ((['file=none'], 'cannot be opened'), ([], 'file=FILE is missing'), (['file=a', 'size=1'], 'none of: file, disk')):
        tap.contains(t.run(tap.tool('nbdkit'), '-U', '-', plugin(), *words, '--run', 'true', status=1).stderr, told)


if __name__ == '__main__':
    tap.main(globals())
