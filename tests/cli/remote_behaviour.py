# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Sources on other machines: what is read from web servers and NBD servers, and what these may do wrong."""
import base64
import contextlib
import hashlib
import json
import os
import re
import socket

import remote_servers
import tap
from remote_disk import CONFINED, MIB, RAW, SANITIZED, converted, refused
from remote_servers import Site


def http():
    tap.needs('libcurl')


# ---- web servers ----

def test_a_disk_of_nginx(t):
    http()
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-O', 'qcow2', 'disk.raw', 'disk.qcow2')
    with remote_servers.nginx(t) as url:
        converted(t, f'{url}/disk.qcow2', *CONFINED)
        converted(t, f'{url}/disk.raw', *(['--no-refs'] if SANITIZED else ['--untrusted']))
        t.vmferry('compare', 'disk.raw', f'{url}/disk.qcow2')
        tap.equal(json.loads(t.vmferry('info', '--output=json', f'{url}/disk.qcow2').stdout)['virtual-size'], len(RAW))
        tap.equal(t.vmferry('map', f'{url}/disk.qcow2').stdout.count('\n') > 2, True, 'lines of the map')
        t.vmferry('check', f'{url}/disk.qcow2')


def test_a_package_of_nginx(t):
    http()
    t.write('disk.raw', RAW)
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    t.vmferry('unpack', 'vm.ova')
    with remote_servers.nginx(t) as url:
        for name in ('vm.ova', 'vm/vm.ovf'):
            t.vmferry('verify', f'{url}/{name}')
            tap.contains(t.vmferry('info', f'{url}/{name}').stdout, 'vm')
            converted(t, f'{url}/{name}::vmdisk1')
        t.vmferry('convert', f'{url}/vm.ova', 'machine.vmx')
        for name in ('vm.ova', 'vm/vm-disk1.vmdk'):
            altered = bytearray(t.read(name))
            altered[len(altered) // 2] ^= 1
            t.write(name, bytes(altered))
        for name in ('vm.ova', 'vm/vm.ovf'):
            refused(t, f'{url}/{name}::vmdisk1', 8, 'vm-disk1.vmdk')


def test_a_package_of_many_files(t):
    """More than are kept open: each is the same file whenever it is opened."""
    http()
    disks = [t.write(f'disk{number}.raw', RAW[number * 65536:][:65536]) for number in range(7)]
    t.vmferry('pack', '-o', 'vm.ova', *disks)
    t.vmferry('unpack', 'vm.ova')
    with Site(lambda handler, _: handler.part(t.read('vm' + handler.path)) if handler.path[1:] in os.listdir(t.path('vm')) else handler.say(404)) as site:
        tap.contains(t.vmferry('verify', site.url + '/vm.ovf').stdout, ': intact, 8 files')


def test_a_redirection(t):
    http()
    t.write('disk.raw', RAW)
    with remote_servers.nginx(t, 'location /old/ { return 302 /disk.raw; } location /round/ { return 302 /round/; }') as url:
        converted(t, f'{url}/old/', '-f', 'raw')
        refused(t, f'{url}/round/', 2, 'redirects more than 5 times')
        refused(t, f'{url}/none', 1, 'is not there (status 404)')


# An ESXi host: a descriptor with its extent beside it, by a query, and a cookie or a password.

@tap.rows([('by a cookie', ('--header', '@token')), ('by a password', ('--netrc',))])
def test_the_datastore_of_an_esxi_host(t, who):
    http()
    t.write('disk.raw', RAW[:MIB])
    t.run(tap.tool('qemu-img'), 'convert', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', 'disk.raw', 'my vm.vmdk')
    files = {f'/folder/{name.replace(" ", "%20")}?dcPath=dc&dsName=secret1': t.read(name) for name in ('my vm.vmdk', 'my vm-flat.vmdk')}

    def answer(handler, _):
        if handler.headers.get('Cookie') != 'session=secret2' and handler.headers.get('Authorization') != password:
            handler.say(401, WWW_Authenticate='Basic realm="VMware HTTP server"')
        elif handler.path in files:
            handler.part(files[handler.path])
        else:
            handler.say(404)
    password = 'Basic ' + base64.b64encode(b'root:secret3').decode()
    t.write('token', b'Cookie: session=secret2\n')
    t.write('.netrc', b'machine 127.0.0.1 login root password secret3\n')
    home = {'HOME': str(t.folder)}
    with Site(answer) as site:
        url = f'{site.url}/folder/my%20vm.vmdk?dcPath=dc&dsName=secret1'
        told = [t.vmferry('info', '--output=json', *who, url, env=home),
                t.vmferry('convert', '-v', '-O', 'raw', *who, url, 'out.raw', env=home),
                t.vmferry('info', url, status=1, env=home), t.vmferry('info', *who, url + '2', status=1, env=home),
                t.vmferry('convert', '-f', 'vdi', *who, url, 'out.vdi', status=2, env=home)]
    tap.equal(t.read('out.raw') == RAW[:MIB], True, 'the bytes')
    for done in told:
        tap.equal('secret' in done.stdout + done.stderr, False, 'a secret is told')


@tap.rows([(f'{" ".join(words)}, {count} of them', words, count) for words in (
    ('info',), ('map',), ('check',), ('checksum',), ('checksum', '--output=json'), ('lint', '--for', 'esxi'), ('lint', '--output=json', '--for', 'esxi'),
    ('verify',), ('verify', '--output=json')) for count in (1, 2)])
def test_a_query_is_in_nothing_that_is_told(t, words, count):
    http()
    t.write('disk.raw', RAW[:MIB])
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    data = t.read('vm.ova' if words[0] == 'verify' else 'disk.raw')
    with Site(lambda handler, _: handler.part(data) if handler.path.endswith('?key=secret1') else handler.say(404)) as site:
        url = site.url + ('/vm.ova' if words[0] == 'verify' else '/disk.raw') + '?key=secret1'
        done = t.vmferry(*words, *[url] * count, status=None)
    tap.equal(done.returncode, {'check': 63, 'lint': 3}.get(words[0], 0), done.stderr)
    tap.equal('secret' in done.stdout + done.stderr, False, 'a secret is told: ' + done.stdout + done.stderr)


@tap.rows([(name, url, words, shown) for name, url, words, shown in (
    ('in place of a file', 'https://secret1@host/b?sig=secret2', ('convert', '-B', 'URL', '-F', 'raw', 'a.raw', 'b.qcow2'), '-B: https://...@host/b: is on another machine'),
    ('of a list', 'https://host/b?sig=secret1', ('batch', 'URL'), 'https://host/b: the list'),
    ('of a template', 'https://host/b?sig=secret1', ('batch', '--each', '*.raw', '--to', 'URL'), '"https://host/b" is one name'),
    ('in JSON', 'https://u:secret1@host/b?secret2', ('info', 'json:{"driver": "raw", "file": {"driver": "https", "url": "URL"}}'), '"https://...@host/b"}}: "file.url" is not'),
    ('of another protocol', 'sftp://u:secret1@host/b', ('info', 'URL'), './sftp://...@host/b'),
    ('whose query is none', 'nbd+unix:///?socket=/nowhere', ('convert', '-B', 'URL', '-F', 'raw', 'a.raw', 'b.qcow2'), 'nbd+unix:///?socket=/nowhere'))])
def test_a_url_where_none_is_expected_is_told_without_its_secrets(t, url, words, shown):
    t.write('a.raw', RAW[:MIB])
    t.write('b.raw', RAW[:MIB])
    done = t.vmferry(*(word.replace('URL', url) for word in words), status=None)
    tap.contains(done.stderr, shown)
    tap.equal('secret' in done.stdout + done.stderr, False, 'a secret is told: ' + done.stderr)


def test_a_url_in_an_option_is_in_a_report_without_its_secrets(t):
    http()
    t.write('a.raw', RAW[:MIB])
    with Site(lambda handler, _: handler.say(404)) as site:
        t.write('jobs', f'a.raw\ta.qcow2\t-o "backing_file={site.url}/b?secret1,backing_fmt=raw"\n'.encode())
        told = t.vmferry('batch', '--report', 'r.json', 'jobs', status=1).stderr
        options = json.loads(t.read('r.json'))['jobs'][0]['options']
        tap.equal(options, ['-o', f'backing_file={site.url}/b'], 'options')
    tap.equal('secret' in told + t.read('r.json').decode(), False, 'a secret is told')


def test_a_password_belongs_into_no_command_line(t):
    tap.contains(t.vmferry('info', 'http://user:word@127.0.0.1:1/disk', status=1).stderr, '--netrc')
    tap.equal('word@' in t.vmferry('info', 'http://user:word@127.0.0.1:1/disk', status=1).stderr, False, 'told')
    tap.contains(t.vmferry('info', '--header', 'Cookie: a', 'http://127.0.0.1:1/disk', status=1).stderr, '@FILE')


def test_who_asks_by_netrc(t):
    http()
    t.write('.netrc', b'machine 127.0.0.1 login user password word\n')
    with Site(lambda handler, _: handler.part(RAW) if handler.headers.get('Authorization') else handler.say(401)) as site:
        converted(t, site.url + '/disk.raw', '--netrc', env={'HOME': str(t.folder)})
        refused(t, site.url + '/disk.raw', 1, '--netrc')


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def test_who_asks_by_a_digest(t):
    """The password itself is in no request but the first; every connection asks once without."""
    http()
    t.write('.netrc', b'machine 127.0.0.1 login user password word\n')
    refusals = []

    def answer(handler, _):
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', handler.headers.get('Authorization', '')))
        expected = md5(':'.join([md5('user:disks:word'), said.get('nonce', ''), said.get('nc', ''), said.get('cnonce', ''), 'auth', md5(f'GET:{handler.path}')]))
        if said.get('response') == expected and said['nonce'] == 'once' and said['uri'] == handler.path:
            handler.part(RAW)
        else:
            refusals.append(handler)
            handler.say(401, WWW_Authenticate='Digest realm="disks", nonce="once", qop="auth", algorithm=MD5')
    with Site(answer) as site:
        converted(t, site.url + '/disk.raw', '--netrc', *CONFINED, env={'HOME': str(t.folder)})
        tap.equal(len(refusals) <= 1 + 8, True, f'{len(refusals)} requests without')
        refused(t, site.url + '/disk.raw', 1, 'status 401')
        t.write('.netrc', b'machine 127.0.0.1 login user password wrong\n')
        t.vmferry('info', '--netrc', site.url + '/disk.raw', env={'HOME': str(t.folder)}, status=1)


# A proxy: what goes by plain http is asked of it by its whole URL, all else goes through it as it is.

def test_a_proxy(t):
    http()
    with Site(lambda handler, _: handler.part(RAW) if handler.path.startswith('http://disks.invalid/') else handler.say(404)) as proxy, \
            Site(lambda handler, _: handler.part(RAW)) as direct:
        converted(t, 'http://disks.invalid/disk.raw', *CONFINED, env={'http_proxy': proxy.url})
        asked = len(proxy.requests)
        converted(t, f'{direct.url}/disk.raw', env={'http_proxy': proxy.url, 'no_proxy': '127.0.0.1'})
        tap.equal(len(proxy.requests), asked, 'requests of the proxy')
        tap.contains(t.vmferry('info', 'http://none.invalid/disk.raw', env={'http_proxy': proxy.url}, status=1).stderr, 'is not there')


def test_a_proxy_of_https(t):
    http()
    remote_servers.own_certificate(t, '.')
    with Site(lambda handler, _: handler.part(RAW), secure=t.path('both.pem')) as site:
        port = int(site.url.rsplit(':', 1)[1])
        with Site(lambda handler, _: remote_servers.relay(handler, port)) as proxy:
            converted(t, f'https://localhost:{port}/disk.raw', env={'https_proxy': proxy.url, 'CURL_CA_BUNDLE': t.path('ca-cert.pem')})
            tap.equal({path for path, *_ in proxy.requests}, {f'localhost:{port}'}, 'what the proxy was asked for')


def test_headers_go_to_no_other_host(t):
    http()
    t.write('token', b'X-Token: secret\n')
    with Site(lambda handler, _: handler.part(RAW)) as other:
        with Site(lambda handler, _: handler.say(302, Location=other.url + '/disk.raw')) as site:
            converted(t, site.url + '/disk.raw', '--header', '@token')
            tap.equal([headers.get('X-Token') for _, headers, _ in site.requests][0], 'secret')
        tap.equal({headers.get('X-Token') for _, headers, _ in other.requests}, {None})


@tap.rows([('a file', 'file:///etc/passwd'), ('ftp', 'ftp://127.0.0.1/a'), ('nowhere', '')])
def test_a_redirection_out_of_the_web(t, target):
    http()
    with Site(lambda handler, _: handler.say(302, Location=target)) as site:
        done = t.vmferry('info', site.url + '/disk.raw', status=None)
        tap.equal(done.returncode in (2, 3), True, f'status {done.returncode}')
        tap.contains(done.stderr, 'redirects')


def test_a_server_is_who_it_says(t):
    http()
    remote_servers.own_certificate(t, '.')
    os.mkdir(t.path('out'))
    with Site(lambda handler, _: handler.part(RAW), secure=t.path('both.pem')) as site:
        refused(t, site.url + '/disk.raw', 3, 'certificate')
        known = {'CURL_CA_BUNDLE': t.path('ca-cert.pem')}
        t.vmferry('convert', '-O', 'raw', *CONFINED, site.url + '/disk.raw', 'out/disk.raw', env=known)
        tap.equal(t.read('out/disk.raw') == RAW, True, 'the bytes')
        with Site(lambda handler, _: handler.part(RAW)) as plain:
            site.answer = lambda handler, _: handler.say(302, Location=plain.url + '/disk.raw')
            tap.contains(t.vmferry('info', site.url + '/disk.raw', env=known, status=2).stderr, 'from https to http')
            tap.equal(plain.requests, [], 'requests')


# ---- targets on web servers ----

class Taken:
    """Keeps the bodies of PUT, by path; a body that is cut off is none. fault(handler) may answer in its place, before the body."""

    def __init__(self, fault=None):
        self.files, self.fault = {}, fault

    def chunks(self, handler):
        while True:
            size = int(handler.rfile.readline(), 16)
            data = handler.rfile.read(size + 2)
            if len(data) != size + 2:
                raise ConnectionError
            if size == 0:
                return
            yield data[:-2]

    def linger(self, handler):
        """As servers end what they refuse: a connection that is closed with bytes unread takes the answer with it."""
        handler.close_connection = True
        handler.wfile.flush()
        with contextlib.suppress(OSError):
            handler.connection.shutdown(socket.SHUT_WR)
            while handler.rfile.read(1 << 16):
                pass

    def answer(self, handler, _):
        if self.fault and self.fault(handler):
            self.linger(handler)
            return
        if handler.headers.get('Transfer-Encoding') == 'chunked':
            body = b''.join(self.chunks(handler))
        else:
            body = handler.rfile.read(int(handler.headers['Content-Length']))
        self.files[handler.path] = body
        handler.say(201)


@tap.rows([('raw', 'raw'), ('qcow2', 'qcow2'), ('compressed', 'qcow2', '-c'), ('vmdk', 'vmdk', '-o', 'subformat=streamOptimized'),
           ('of known length', 'raw', '--spool', '.')])
def test_a_disk_is_put(t, form, *options):
    http()
    t.write('disk.raw', RAW)
    t.write('token', b'X-Token: secret\n')
    taken, epoch = Taken(), {'SOURCE_DATE_EPOCH': '1700000000'}
    with Site(taken.answer) as site:
        t.vmferry('convert', '-O', form, *CONFINED, *options, '--header', '@token', 'disk.raw', site.url + '/a?sig=2', env=epoch)
        t.vmferry('convert', '-O', form, *options, 'disk.raw', 'a', env=epoch)
        tap.equal(taken.files['/a?sig=2'] == t.read('a'), True, 'the bytes are those of a file')
        tap.equal([(headers.get('X-Token'), 'Content-Length' in headers) for _, headers, _ in site.requests], [('secret', '--spool' in options or '-c' in options)])


def test_a_package_is_put(t):
    http()
    t.write('disk.raw', RAW)
    taken = Taken()
    with Site(taken.answer) as site:
        t.vmferry('pack', '-o', site.url + '/vm.ova', 'disk.raw')
    t.write('vm.ova', taken.files['/vm.ova'])
    t.vmferry('verify', 'vm.ova')


def test_a_file_of_nginx_is_put(t):
    http()
    t.write('disk.raw', RAW)
    os.mkdir(t.path('files'))
    with remote_servers.nginx(t, 'location /files/ { dav_methods PUT; client_max_body_size 0; }') as url:
        done = t.vmferry('convert', '-O', 'raw', 'disk.raw', url + '/files/a.raw', status=None)
        if '405' in done.stderr:
            raise tap.Skip('this nginx has no module for PUT')
        tap.equal(done.returncode, 0, done.stderr)
        tap.equal(t.read('files/a.raw') == RAW, True, 'the bytes')


@tap.rows([
    ('refused', lambda handler: handler.say(403, b'no room for you', Content_Type='text/plain'), 1, 'no room for you'), ('busy', lambda handler: handler.say(503), 75, '503'),
    ('without a length', lambda handler: handler.say(411), 9, '--spool'), ('elsewhere', lambda handler: handler.say(307, Location='/b'), 2, 'elsewhere'),
    ('cut', lambda handler: None, 75, ''), ('there already', lambda handler: handler.say(412), 1, '--no-clobber')])
def test_a_file_that_is_not_taken(t, answer, status, word):
    http()
    t.write('disk.raw', RAW)
    taken = Taken(lambda handler: answer(handler) or True)
    with Site(taken.answer) as site:
        tap.contains(t.vmferry('convert', '-O', 'raw', '--no-clobber', 'disk.raw', site.url + '/a?sig=secret', status=status).stderr, word)
        tap.equal([headers.get('If-None-Match') for _, headers, _ in site.requests], ['*'])
    tap.equal(taken.files, {}, 'files')


def test_what_fails_is_not_put(t):
    """The source ends with an error: the request is cut, and the server has nothing that is whole."""
    http()
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-c', '-O', 'qcow2', 'disk.raw', 'disk.qcow2')
    data = t.read('disk.qcow2')
    t.write('disk.qcow2', data[:len(data) * 3 // 4])
    taken = Taken()
    with Site(taken.answer) as site:
        t.vmferry('convert', '-O', 'raw', 'disk.qcow2', site.url + '/a', status=None)
    tap.equal(taken.files, {}, 'files')


# ---- what is wrong for a while ----

def test_what_fails_for_a_while_is_asked_for_again(t):
    http()

    def answer(handler, number):
        if number in (2, 5):
            handler.say(503, Retry_After='0')
        elif number in (3, 6):
            handler.cut(RAW, 70000)
        else:
            handler.part(RAW)
    with Site(answer) as site:
        converted(t, site.url + '/disk.raw')


def test_a_server_that_never_answers(t):
    http()
    with Site(lambda handler, number: handler.say((429, 503, 500)[number % 3])) as site:
        refused(t, site.url + '/disk.raw', 75, 'with status', 'tried', options=('--retry-time', '1'))


def test_a_server_that_is_not_there(t):
    http()
    with Site(lambda handler, _: handler.say(404)) as site:
        url = site.url
    refused(t, url + '/disk.raw', 75, 'tried', options=('--retry-time', '1'))


# ---- what is wrong for good ----

@tap.rows([
    ('another tag', lambda handler: handler.part(RAW, etag='"two"'), 6, 'changed on the server'),
    ('the condition', lambda handler: handler.say(412), 6, 'changed on the server'),
    ('another length', lambda handler: handler.part(RAW + b'1'), 6, 'changed on the server'),
    ('the end of it', lambda handler: handler.say(416), 6, 'changed on the server'),
    ('no longer there', lambda handler: handler.say(404), 6, 'is not there any more (status 404)'),
    ('no longer there, for good', lambda handler: handler.say(410), 6, 'is not there any more (status 410)'),
    ('another part', lambda handler: handler.say(206, RAW[:100], Content_Range=f'bytes 0-99/{len(RAW)}', ETag='"one"'), 3, 'bytes'),
    ('more than was asked for', lambda handler: handler.say(206, RAW, Content_Range=f'bytes 0-{len(RAW) - 1}/{len(RAW)}', ETag='"one"'), 3, 'bytes'),
    ('no range', lambda handler: handler.say(206, RAW[:100], ETag='"one"'), 3, 'Content-Range'),
    ('the whole file', lambda handler: handler.say(200, RAW, ETag='"one"'), 9, 'the whole file'),
    ('a page', lambda handler: handler.say(200, b'<html>', Content_Type='text/html; charset=utf-8'), 2, 'a page'),
    ('packed', lambda handler: handler.part(RAW, Content_Encoding='gzip'), 3, 'Content-Encoding'),
])
def test_an_answer_that_is_none(t, answer, status, word):
    http()
    with Site(lambda handler, number: handler.part(RAW) if number < 3 else answer(handler)) as site:
        refused(t, site.url + '/disk.raw', status, word, options=('--retry-time', '1'))


def test_every_request_means_one_version(t):
    http()
    with Site(lambda handler, _: handler.part(RAW)) as site:
        converted(t, site.url + '/disk.raw')
        tap.equal({headers.get('If-Match') for _, headers, _ in site.requests[1:]}, {'"one"'})
    with Site(lambda handler, _: handler.part(RAW, etag='W/"one"', Last_Modified='Thu, 01 Jan 2026 00:00:00 GMT')) as site:
        converted(t, site.url + '/disk.raw')
        tap.equal({(headers.get('If-Match'), headers.get('If-Unmodified-Since')) for _, headers, _ in site.requests[1:]},
                  {(None, 'Thu, 01 Jan 2026 00:00:00 GMT')})


def test_a_version_that_nobody_tells_is_warned_of(t):
    http()
    for etag, more, expected in (('', {}, True), ('"one"', {}, False), ('', {'Last_Modified': 'Thu, 01 Jan 2026 00:00:00 GMT'}, False), ('W/"one"', {}, False)):
        with Site(lambda handler, _, etag=etag, more=more: handler.part(RAW, etag=etag, **more)) as site:
            done = t.vmferry('convert', '-O', 'raw', site.url + '/disk.raw', 'out.raw')
        tap.equal(('whether it changes while it is read cannot be known' in done.stderr, t.read('out.raw') == RAW), (expected, True), f'{etag} {more}')


# ---- who is asked ----

def test_an_image_names_no_url(t):
    http()
    with Site(lambda handler, _: handler.part(RAW)) as site:
        for name in (f'{site.url}/base.raw', f'json:{{"driver":"raw","file":{{"driver":"http","url":"{site.url}/base.raw"}}}}'):
            t.run(tap.tool('qemu-img'), 'create', '-q', '-u', '-f', 'qcow2', '-b', name, '-F', 'raw', 'top.qcow2', '1M')
            t.vmferry('convert', '-O', 'raw', 'top.qcow2', 'out.raw', status=2)
        tap.equal(site.requests, [], 'requests')


@tap.rows([('in a reference', '../base.raw'), ('escaped', '%2e%2E/base.raw'), ('in parts', 'x/.%2e%2f../base.raw')])
def test_an_image_leaves_no_folder_of_a_server(t, name):
    """What the person said who asks goes along to there."""
    http()
    t.run(tap.tool('qemu-img'), 'create', '-q', '-u', '-f', 'qcow2', '-b', name, '-F', 'raw', 'top.qcow2', '1M')
    with Site(lambda handler, _: handler.part(t.read('top.qcow2') if 'top' in handler.path else RAW)) as site:
        refused(t, site.url + '/dir/top.qcow2?key=1', 2, 'not in its own folder on the server')
        tap.equal({path for path, _, _ in site.requests}, {'/dir/top.qcow2?key=1'}, 'requests')


def test_what_stands_beside_a_url_is_not_opened_for_strangers(t):
    http()
    t.write('base.raw', RAW)
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', 'top.qcow2')
    t.run(tap.tool('qemu-img'), 'create', '-q', '-u', '-f', 'qcow2', '-b', '../base.raw', '-F', 'raw', 'up.qcow2', '1M')
    with remote_servers.nginx(t) as url:
        converted(t, f'{url}/top.qcow2')
        refused(t, f'{url}/top.qcow2', 2, 'base.raw', options=('--no-refs',) if SANITIZED else ('--untrusted',))
        refused(t, f'{url}/nginx/../up.qcow2', 2, 'not in its own folder')


def test_little_is_read_to_tell_what_it_is(t):
    http()
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-O', 'qcow2', 'disk.raw', 'disk.qcow2')
    data = t.read('disk.qcow2')
    with Site(lambda handler, _: handler.part(data)) as site:
        t.vmferry('info', site.url + '/disk.qcow2')
        tap.equal(len(site.requests) <= 3, True, f'{len(site.requests)} requests')


def test_a_batch_of_urls(t):
    http()
    t.write('list', b'URL/a.raw?secret\ta.qcow2\nURL/b.raw?secret\tb.qcow2\n')
    with Site(lambda handler, _: handler.part(RAW)) as site:
        t.write('list', t.read('list').replace(b'URL', site.url.encode()))
        done = t.vmferry('batch', '-j', '1', '--report', 'report.json', 'list')
    tap.equal(b'secret' in t.read('report.json') + done.stdout.encode() + done.stderr.encode(), False, 'a secret is told')
    tap.equal([b'a.raw' in t.read('report.json'), 'a.qcow2' in t.names(), 'b.qcow2' in t.names()], [True] * 3)


@tap.rows([(f'{verb}: {", ".join(names)}', status, verb, *names) for verb in ('verify', 'lint') for status, *names in (
    (75, 'gone'), (75, 'vm.ova', 'gone'), (75, 'gone', 'vm.ova'), (2, 'gone', 'broken.ova'), (2, 'broken.ova', 'gone'))])
def test_what_no_server_gives_is_not_called_good(t, status, verb, *names):
    """The statuses of a verdict do not have 75: it is no 0 all the same."""
    http()
    t.write('disk.raw', bytes(1 << 20))
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    t.write('broken.ova', t.read('vm.ova')[:1000])
    words = ['http://127.0.0.1:1/vm.ova' if name == 'gone' else name for name in names]
    done = t.vmferry(verb, *(['--for', 'esxi'] if verb == 'lint' else []), '--retry-time', '1', *words, status=status)
    tap.contains(done.stderr, 'and given up')


if __name__ == '__main__':
    tap.main(globals())
