# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Servers for tests, on this machine alone. Each has its socket before it starts, so that who asks too early waits for it and not for a time."""
import contextlib
import http.server
import os
import socket
import socketserver
import ssl
import subprocess
import threading

import tap


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        site = self.server.site
        with site.lock:
            site.requests.append((self.path, dict(self.headers), self.headers.get('Range')))
            count = len(site.requests)
        site.answer(self, count)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_CONNECT = do_GET

    def log_message(self, *_):
        pass

    # What an answer is made of.

    def span(self, size):
        """The [start, end) that is asked for; the whole, without a range."""
        text = self.headers.get('Range')
        if not text:
            return 0, size
        first, last = text.removeprefix('bytes=').split('-')
        return int(first), min(int(last) + 1, size)

    def say(self, status, body=b'', **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        if 'Content_Length' not in headers:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def part(self, data, etag='"one"', **headers):
        """The answer that is right."""
        start, end = self.span(len(data))
        self.say(206, data[start:end], **{'Content_Range': f'bytes {start}-{end - 1}/{len(data)}', 'ETag': etag, **headers})

    def endless(self):
        """Without a length, up to the end of the connection."""
        self.send_response(200)
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(bytes(1000))
        self.close_connection = True

    def cut(self, data, length):
        """The same, cut off behind some bytes."""
        start, end = self.span(len(data))
        self.say(206, data[start:min(start + length, end)],
                 Content_Range=f'bytes {start}-{end - 1}/{len(data)}', ETag='"one"', Content_Length=str(end - start))
        self.close_connection = True


class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # who asked has gone


class Site:
    """answer(handler, number) answers each request; `requests` are (path, headers, range). secure: by TLS, as localhost, with that key and certificate."""

    def __init__(self, answer, secure=None):
        self.answer, self.requests, self.lock, self.secure = answer, [], threading.Lock(), secure

    def __enter__(self):
        self.server = Threads(('127.0.0.1', 0), Handler)
        self.server.site = self
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}'
        if self.secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.secure)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = f'https://localhost:{self.server.server_address[1]}'
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def own_certificate(t, folder):
    """ca-cert.pem, which is who localhost is; server-cert.pem is the same, server-key.pem the key, and both.pem both."""
    t.run(tap.tool('openssl'), 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', f'{folder}/server-key.pem', '-out', f'{folder}/ca-cert.pem', '-days', '2',
          '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost')
    t.write(f'{folder}/server-cert.pem', t.read(f'{folder}/ca-cert.pem'))
    t.write(f'{folder}/both.pem', t.read(f'{folder}/server-key.pem') + t.read(f'{folder}/ca-cert.pem'))


def relay(handler, port):
    """What a proxy does with CONNECT."""
    with socket.create_connection(('127.0.0.1', port)) as there:
        handler.say(200)
        back = threading.Thread(target=pump, args=(there, handler.connection))
        back.start()
        pump(handler.connection, there)
        back.join()
    handler.close_connection = True


def pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def program(arguments, listener, **environment):
    """A server that finds its socket as descriptor 3."""
    number = listener.fileno()
    words = ['sh', '-c', f'LISTEN_PID=$$; LISTEN_FDS=1; export LISTEN_PID LISTEN_FDS; exec 3<&{number}; exec "$@"', 'sh', *map(str, arguments)]
    with subprocess.Popen(words, pass_fds=[number], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=dict(os.environ, **environment)) as child:
        listener.close()
        try:
            yield child
        finally:
            child.terminate()
            child.wait()


@contextlib.contextmanager
def nginx(t, locations=''):
    """Serves the folder of the test; gives the URL."""
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    if not any(os.access(os.path.join(folder, 'nginx'), os.X_OK) for folder in path.split(':')):
        raise tap.Skip('nginx is not installed')
    listener = socket.create_server(('127.0.0.1', 0))
    port, own = listener.getsockname()[1], t.path('nginx')
    os.mkdir(own)
    places = ' '.join(f'{name}_temp_path {own}/{name};' for name in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    config = t.write('nginx/nginx.conf', f'''worker_processes 1; daemon off; pid {own}/pid; error_log {own}/errors;
{'user root;' if os.geteuid() == 0 else ''} events {{ worker_connections 64; }}
http {{ access_log off; {places} server {{ listen 127.0.0.1:{port}; root {t.folder}; {locations} }} }}'''.encode())
    with program(['nginx', '-p', own, '-c', config], listener, NGINX='3;', PATH=path):
        yield f'http://127.0.0.1:{port}'


@contextlib.contextmanager
def nbd_server(t, *words):
    """Gives the URL of an export on a socket in the folder of the test."""
    tap.tool(words[0])
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(t.path('nbd.sock'))
    listener.listen(8)
    with program(words, listener):
        yield f'nbd+unix:///?socket={t.path("nbd.sock")}'
    os.unlink(t.path('nbd.sock'))


def nbdkit(t, *arguments):
    return nbd_server(t, 'nbdkit', '-f', *arguments)
