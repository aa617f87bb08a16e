# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Object stores: what is read from s3:// and written there, by whom, and where."""
import datetime
import io
import json
import os
import random
import signal
import socket
import subprocess
import threading

import object_store
import tap
from object_store import Store
from remote_disk import CONFINED, MIB
from remote_servers import Site

RAW = random.Random(3).randbytes(9 * MIB + 512) + bytes(3 * MIB) + random.Random(4).randbytes(MIB)
NOBODY = {name: '' for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE')}


def stored(**objects):
    store = Store()
    store.objects.update({f'disks/{name}': (data, f'"etag of {len(data)}"') for name, data in objects.items()})
    return store


def converted(t, store, site, source, *options, **environment):
    t.vmferry('convert', '-O', 'raw', *options, source, 'out.raw', env={**store.environment(site.url), **environment})
    tap.equal(t.read('out.raw') == RAW, True, 'the bytes')


def refused(t, environment, source, status, *words, options=()):
    """Nothing is written, and no secret is told."""
    before = t.names()
    done = t.vmferry('convert', '-O', 'qcow2', *options, source, 'refused.qcow2', status=status, env=environment)
    for word in words:
        tap.contains(done.stderr, word)
    tap.equal(t.names(), before, 'files')
    for secret in ('secret/of+store', 'a-session'):
        tap.equal(secret in done.stderr + done.stdout, False, 'a secret is told')
    return done


def test_a_disk(t):
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-O', 'qcow2', 'disk.raw', 'disk.qcow2')
    store = stored(**{'disk.raw': RAW, 'disk.qcow2': t.read('disk.qcow2')})
    with Site(store.answer) as site:
        environment = store.environment(site.url)
        converted(t, store, site, 's3://disks/disk.raw', *CONFINED)
        converted(t, store, site, 's3://disks/disk.qcow2', '-v')
        t.vmferry('compare', 'disk.raw', 's3://disks/disk.qcow2', env=environment)
        tap.equal(json.loads(t.vmferry('info', '--output=json', 's3://disks/disk.qcow2', env=environment).stdout)['virtual-size'], len(RAW))


# A key stands in the URL as it is, and in the request as RFC 3986 and the signature want it.

@tap.rows([(name, name) for name in ('a b+c', 'Büro/disk', 'a//b', 'x/../y', './z', 'q?v=1&w#f', '100%', '%20', "it's(1)!*", '~-_.', 'a=b;c,d@e:f$g', '日本')])
def test_a_key(t, key):
    tap.needs('libcurl')
    store = stored(**{key: RAW[:MIB]})
    with Site(store.answer) as site:
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', 's3://disks/' + key, 'out.raw', env=store.environment(site.url))
    tap.equal(t.read('out.raw') == RAW[:MIB], True, 'the bytes')


def test_a_package(t):
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    t.vmferry('unpack', 'vm.ova')
    store = stored(**{'vm.ova': t.read('vm.ova'), **{f'my vm/{name}': t.read(f'vm/{name}') for name in os.listdir(t.path('vm'))}})
    with Site(store.answer) as site:
        for name in ('vm.ova', 'my vm/vm.ovf'):
            t.vmferry('verify', f's3://disks/{name}', env=store.environment(site.url))
            converted(t, store, site, f's3://disks/{name}::vmdisk1')


# ---- who asks ----

def test_a_session(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})
    store.token = 'a-session=='
    with Site(store.answer) as site:
        converted(t, store, site, 's3://disks/disk.raw')
        refused(t, {**store.environment(site.url), 'AWS_SESSION_TOKEN': 'another'}, 's3://disks/disk.raw', 3, 'InvalidToken')


def test_a_key_is_no_header(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})
    with Site(store.answer) as site:
        for name, value in (('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE\n'), ('AWS_SECRET_ACCESS_KEY', 'secret/of+store\n'), ('AWS_SESSION_TOKEN', 'a-session\r\nX-Other: 1')):
            refused(t, {**store.environment(site.url), name: value}, 's3://disks/disk.raw', 1, 'has a blank or a line\'s end')
        tap.equal(site.requests, [], 'requests')


@tap.rows([
    ('the default', 'credentials', 'default', {}, ()),
    ('named in the environment', 'credentials', 'other', {'AWS_PROFILE': 'other'}, ()),
    ('named by an option', 'credentials', 'other', {'AWS_ACCESS_KEY_ID': 'wrong', 'AWS_SECRET_ACCESS_KEY': 'wrong'}, ('--profile', 'other')),
    ('in the configuration', 'config', 'profile other', {}, ('--profile=other',)),
    ('in a file elsewhere', 'elsewhere', 'default', {'AWS_SHARED_CREDENTIALS_FILE': 'elsewhere'}, ())])
def test_a_profile(t, name, section, more, options):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})
    os.mkdir(t.path('.aws'))
    with Site(store.answer) as site:
        text = f'# keys\n[wrong]\naws_access_key_id=X\naws_secret_access_key=Y\n\n[{section}]\naws_access_key_id = {store.key}\naws_secret_access_key={store.secret}\n'
        t.write(name if more.get('AWS_SHARED_CREDENTIALS_FILE') else f'.aws/{name}', text.encode())
        with open(t.path('.aws/config'), 'a', encoding='ascii') as file:
            for profile in ('default', 'profile other'):
                file.write(f'\n[{profile}]\nregion = {store.region}\nendpoint_url = {site.url}/\ns3 =\n    region = wrong\n')
        environment = {**NOBODY, 'AWS_ENDPOINT_URL': '', 'AWS_REGION': '', 'AWS_CONFIG_FILE': '', 'AWS_SHARED_CREDENTIALS_FILE': '', 'HOME': str(t.folder), **more}
        converted(t, store, site, 's3://disks/disk.raw', *CONFINED, *options, **environment)


def test_nobody(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})
    os.mkdir(t.path('.aws'))
    t.write('.aws/config', b'[profile login]\nsso_start_url = https://example.org\n')
    with Site(store.answer) as site:
        environment = {**store.environment(site.url), **NOBODY, 'HOME': str(t.folder), 'AWS_CONFIG_FILE': ''}
        refused(t, environment, 's3://disks/disk.raw', 1, 'AWS_ACCESS_KEY_ID', '--profile')
        refused(t, environment, 's3://disks/disk.raw', 1, 'there is no profile "other"', options=('--profile', 'other'))
        refused(t, environment, 's3://disks/disk.raw', 1, 'export-credentials --profile login', options=('--profile', 'login'))
        tap.equal(store.seen, [], 'requests')
        refused(t, environment, 's3://disks/disk.raw', 1, 'AccessDenied: Access Denied', options=('--no-sign-request',))
        store.check = lambda *_: None
        converted(t, store, site, 's3://disks/disk.raw', '--no-sign-request', **environment)
        tap.equal([headers for _, headers, _ in site.requests if 'Authorization' in headers], [], 'signed requests')


def test_a_wrong_secret(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})
    with Site(store.answer) as site:
        refused(t, {**store.environment(site.url), 'AWS_SECRET_ACCESS_KEY': 'wrong'}, 's3://disks/disk.raw', 1, 'SignatureDoesNotMatch: The request signature')
        refused(t, store.environment(site.url), 's3://disks/none', 1, 'is not there (status 404): NoSuchKey: The specified key')


# An independent signer says of the same requests that they are signed so.

def test_another_signer_agrees(t):
    tap.needs('libcurl')
    try:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError as error:
        raise tap.Skip('botocore is not installed') from error
    store = stored(**{'a b+ü.raw': RAW})
    store.token = 'a-session=='
    with Site(store.answer) as site:
        converted(t, store, site, 's3://disks/a b+ü.raw')
        for path, headers, _ in site.requests:
            request = AWSRequest('GET', site.url + path)
            signer = S3SigV4Auth(Credentials(store.key, store.secret, store.token), 's3', store.region)
            request.context['timestamp'] = headers['x-amz-date']
            for name in ('x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'):
                request.headers[name.upper()] = headers[name]
            canonical = signer.canonical_request(request)
            made = signer.signature(signer.string_to_sign(request, canonical), request)
            tap.equal(headers['Authorization'].split('Signature=')[1], made, 'the signature')


# ---- where ----

def test_another_region(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})
    store.region = 'eu-north-1'
    with Site(store.answer) as site:
        converted(t, store, site, 's3://disks/disk.raw', AWS_REGION='us-west-2')
        converted(t, store, site, 's3://disks/disk.raw', '--region', 'eu-north-1', AWS_REGION='us-west-2')
        tap.equal([path for path, _, _ in site.requests if not path.startswith('/disks/')], [], 'other paths')


def test_an_endpoint(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})
    with Site(store.answer) as site:
        converted(t, store, site, 's3://disks/disk.raw', '--endpoint-url', site.url + '/', AWS_ENDPOINT_URL='http://127.0.0.1:1')
        environment = store.environment(site.url)
        for wrong in ('ftp://host', 'host', 'http://', 'http://a@b', 'http://a b'):
            refused(t, environment, 's3://disks/disk.raw', 1, 'the endpoint is', options=('--endpoint-url', wrong))
        for wrong in ('s3://disks', 's3://disks/', 's3://', 's3:///x', 's3://a@b/x'):
            refused(t, environment, wrong, 1, 's3://')
        refused(t, environment, 's3://disks/disk.raw', 1, 'the region is', options=('--region', 'a.b/c'))


def test_the_stores_of_amazon(t):
    """The host's name has the bucket, where a certificate can be for it; nothing leaves this machine: a proxy is asked for the name."""
    tap.needs('libcurl')
    for bucket, host in (('disks', 'disks.s3.eu-west-1.amazonaws.com'), ('my.disks', 's3.eu-west-1.amazonaws.com')):
        with socket.create_server(('127.0.0.1', 0)) as proxy:
            environment = {**stored().environment(''), 'AWS_REGION': 'eu-west-1', 'https_proxy': f'http://127.0.0.1:{proxy.getsockname()[1]}', 'no_proxy': ''}
            with subprocess.Popen([tap.VMFERRY, 'info', f's3://{bucket}/disk.raw', '--retry-time', '1'], env={**os.environ, **environment}, stderr=subprocess.DEVNULL) as child:
                connection, _ = proxy.accept()
                asked = connection.recv(4096).split(b'\r\n')[0]
                connection.close()
                child.kill()
        tap.equal(asked.decode(), f'CONNECT {host}:443 HTTP/1.1')


# ---- what goes wrong ----

def test_a_clock_that_is_wrong(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})
    now = store.now
    store.now = lambda: now() + datetime.timedelta(hours=3)
    with Site(store.answer) as site:
        converted(t, store, site, 's3://disks/disk.raw')


def test_an_object_that_changes(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})

    def change(_, what, count):
        if count == 3:
            store.objects['disks/disk.raw'] = RAW[:-1] + b'x', '"another"'
    store.fault = change
    with Site(store.answer) as site:
        refused(t, store.environment(site.url), 's3://disks/disk.raw', 6, 'changed on the server')


def test_a_store_that_is_busy(t):
    tap.needs('libcurl')
    store = stored(**{'disk.raw': RAW})

    def busy(handler, _, count):
        if count % 2 == 0 and count < 8:
            store.say_error(handler, 503, 'SlowDown', 'Please reduce your request rate.', Retry_After='0')
            return True
        return False
    store.fault = busy
    with Site(store.answer) as site:
        converted(t, store, site, 's3://disks/disk.raw')
        store.fault = lambda handler, *_: store.say_error(handler, 503, 'SlowDown', 'Please\x1b[31m reduce <it>.') or True
        done = refused(t, store.environment(site.url), 's3://disks/disk.raw', 75, 'SlowDown: Please', 'reduce <it>', options=('--retry-time', '1'))
        tap.equal('\x1b' in done.stderr, False, 'escapes')


# ---- targets ----

LARGE = random.Random(5).randbytes(17 * MIB // 2) + bytes(15 * MIB // 2) + random.Random(6).randbytes(MIB // 2)  # three parts of 8 MiB; two, where zeros take no room


def sent(t, store, site, *arguments, status=0, **more):
    return t.vmferry(*arguments, status=status, env={'SOURCE_DATE_EPOCH': '1700000000', 'TMPDIR': str(t.folder), **store.environment(site.url)}, **more)


def nothing_is_left(store):
    tap.equal((store.objects, store.uploads), ({}, {}), 'objects and uploads')


@tap.rows([('raw', 'raw'), ('qcow2', 'qcow2'), ('compressed', 'qcow2', '-c'), ('vmdk', 'vmdk', '-o', 'subformat=streamOptimized'), ('vhdx', 'vhdx'),
           ('packed', 'raw', '-o', 'compress=zst')])
def test_a_disk_is_sent(t, form, *options):
    tap.needs('libcurl')
    t.write('disk.raw', LARGE)
    store = Store()
    with Site(store.answer) as site:
        sent(t, store, site, 'convert', *CONFINED, '-O', form, *options, 'disk.raw', 's3://disks/a disk')
        sent(t, store, site, 'convert', '-O', form, *options, 'disk.raw', 'a disk')
        tap.equal(store.objects['disks/a disk'][0] == t.read('a disk'), True, 'the bytes are those of a file')
    tap.equal((store.seen[0], store.seen[-1], store.uploads), ('create', 'complete', {}))


def test_what_is_small_is_sent(t):
    tap.needs('libcurl')
    store = Store()
    with Site(store.answer) as site:
        sent(t, store, site, 'create', '-f', 'qcow2', 's3://disks/empty.qcow2', '1M')
        sent(t, store, site, 'create', '-f', 'raw', 's3://disks/none.raw', '0')
        sent(t, store, site, 'convert', '-f', 'raw', '-O', 'raw', 's3://disks/none.raw', 'none.raw')
    tap.equal(t.read('none.raw'), b'')
    tap.equal(len(store.objects['disks/none.raw'][0]), 0, 'bytes')
    tap.equal(store.objects['disks/empty.qcow2'][0][:4], b'QFI\xfb')


def test_a_package_is_sent(t):
    """Its head is as in a file, though it is known last: that part is held back till then."""
    tap.needs('libcurl')
    t.write('a.raw', LARGE)
    t.write('b.raw', LARGE[::-1])
    store = Store()
    with Site(store.answer) as site:
        for target in ('s3://disks/vm.ova', 'vm.ova'):
            sent(t, store, site, 'pack', '-o', target, 'a.raw', 'b.raw')
        tap.equal(store.objects['disks/vm.ova'][0] == t.read('vm.ova'), True, 'the bytes are those of a file')
        tap.equal(sorted(store.order), [1, 2, 3], 'parts')
        sent(t, store, site, 'verify', 's3://disks/vm.ova')
        sent(t, store, site, 'convert', 's3://disks/vm.ova', 's3://disks/copy.ova')
        sent(t, store, site, 'verify', 's3://disks/copy.ova')
    tap.equal(store.uploads, {}, 'uploads')


def test_a_machine_is_sent_as_a_package(t):
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    t.vmferry('pack', '-o', 'own.ova', 'disk.raw')
    t.vmferry('convert', 'own.ova', 'vm.vmx')
    store = Store()
    with Site(store.answer) as site:
        keys = ('--endpoint-url', site.url, '--region', store.region)
        for target in ('s3://disks/vm.ova', 'vm.ova'):
            sent(t, store, site, 'convert', *keys, 'vm.vmx', target)
        tap.equal(store.objects['disks/vm.ova'][0] == t.read('vm.ova'), True, 'the bytes are those of a file')
        sent(t, store, site, 'pack', '-o', 's3://disks/packed.ova', *keys, 'disk.raw')
        tap.equal(sorted(store.objects), ['disks/packed.ova', 'disks/vm.ova'])
        for target in ('s3://disks/other.vmx', 's3://disks/other.xml', 's3://disks/'):
            tap.equal(sent(t, store, site, 'convert', 'own.ova', target, status=None).returncode > 0, True, f'{target}: what is more than one file')
        sent(t, store, site, 'convert', 'own.ova', 's3://disks/vm.xva')
        sent(t, store, site, 'info', 's3://disks/vm.xva')


def test_what_fails_for_a_while_is_sent_again(t):
    tap.needs('libcurl')
    t.write('disk.raw', LARGE)

    def fault(handler, what, count):
        if what == 'part' and count in (1, 3):
            store.say_error(handler, 503, 'SlowDown', 'Please reduce your request rate.', Retry_After='0')
        elif what == 'part' and count == 2:
            handler.close_connection = True
        elif what == 'complete' and count == 1:
            handler.say(200, b'<?xml version="1.0"?>\n\n<Error><Code>InternalError</Code><Message>Again</Message></Error>')
        else:
            return False
        return True
    store = Store(fault=fault)
    with Site(store.answer) as site:
        sent(t, store, site, 'convert', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw')
    tap.equal(store.objects['disks/disk.raw'][0] == LARGE, True, 'the bytes')


def test_an_answer_that_is_lost_may_say_that_it_is_done(t):
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    store = Store()

    def fault(handler, what, count):
        if what == 'complete' and count == 1:
            store.fault, say, handler.say = None, handler.say, lambda *_, **__: None
            store.do_complete(handler, 'disks/disk.raw', {'uploadId': next(iter(store.uploads))}, body_of[0])
            handler.say, handler.close_connection = say, True
            return True
        return False
    body_of = []
    check = store.check
    store.check = lambda handler, body: check(handler, body)
    answer = store.answer

    def keep_body(handler, number):
        if handler.command == 'POST' and 'uploadId' in handler.path:
            data = handler.rfile.read(int(handler.headers['Content-Length']))
            body_of.append(data)
            handler.rfile = io.BytesIO(data)
        answer(handler, number)
    store.fault = fault
    with Site(keep_body) as site:
        sent(t, store, site, 'convert', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw')
    tap.equal(store.objects['disks/disk.raw'][0] == RAW, True, 'the bytes')
    tap.equal(store.seen[-4:], ['complete', 'complete', 'head', 'abort'])


@tap.rows([
    ('refused', 'part', 403, 'AccessDenied', 1), ('refused at the start', 'create', 403, 'AccessDenied', 1), ('no bucket', 'create', 404, 'NoSuchBucket', 1),
    ('busy', 'part', 503, 'SlowDown', 75), ('refused at the end', 'complete', 403, 'AccessDenied', 1), ('too large', 'part', 400, 'EntityTooLarge', 4)])
def test_what_fails_is_given_up(t, what, status, code, expected):
    tap.needs('libcurl')
    t.write('disk.raw', LARGE)
    store = Store(fault=lambda handler, asked, count: asked == what and (store.say_error(handler, status, code, 'It is so\x1b[0m.') or True))
    with Site(store.answer) as site:
        done = sent(t, store, site, 'convert', '-O', 'raw', '--retry-time', '1', 'disk.raw', 's3://disks/disk.raw', status=expected)
    tap.contains(done.stderr, code + ': It is so')
    tap.equal('\x1b' in done.stderr or store.secret in done.stderr, False, 'an escape, or a secret')
    nothing_is_left(store)


@tap.rows([(name, getattr(signal, name)) for name in ('SIGINT', 'SIGTERM')])
def test_what_is_interrupted_is_given_up(t, number):
    tap.needs('libcurl')
    t.write('disk.raw', LARGE)
    started = threading.Event()

    def fault(_, what, count):
        if what == 'part' and count == 2:
            started.wait()
            child.send_signal(number)
        return False
    store = Store(fault=fault)
    with Site(store.answer) as site:
        with subprocess.Popen([tap.VMFERRY, 'convert', '-O', 'raw', t.path('disk.raw'), 's3://disks/disk.raw'], env={**os.environ, **store.environment(site.url)},
                              stderr=subprocess.DEVNULL) as child:
            started.set()
            tap.equal(child.wait(), 128 + number, 'status')
    nothing_is_left(store)
    tap.equal(store.aborted, ['disks/disk.raw'])


def test_bytes_that_are_not_those_that_were_sent(t):
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    store = Store()
    check = store.check
    store.check = lambda handler, body: check(handler, body) if store.seen.count('part') != 1 else store_damaged()

    def store_damaged():
        raise object_store.Refused(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
    with Site(store.answer) as site:
        sent(t, store, site, 'convert', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw')
        tap.equal(store.objects.pop('disks/disk.raw')[0] == RAW, True, 'the bytes')
        store.do_part = lambda handler, *_: handler.say(200, ETag='"' + '0' * 32 + '"')
        tap.contains(sent(t, store, site, 'convert', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw', status=8).stderr, 'the store has bytes with MD5')
    nothing_is_left(store)


def test_an_object_that_is_not_to_be_replaced(t):
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    store = stored(**{'disk.raw': b'old'})
    before = dict(store.objects)
    with Site(store.answer) as site:
        tap.contains(sent(t, store, site, 'convert', '--no-clobber', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw', status=1).stderr, '--no-clobber')
        store.do_head = lambda handler, *_: handler.say(404)
        tap.contains(sent(t, store, site, 'convert', '--no-clobber', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw', status=1).stderr, 'appeared meanwhile')
        tap.equal((store.objects, store.uploads), (before, {}))
        sent(t, store, site, 'convert', '--no-clobber', '-O', 'raw', 'disk.raw', 's3://disks/new.raw')
        sent(t, store, site, 'convert', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw')
        tap.equal(store.objects['disks/disk.raw'][0] == RAW, True, 'the bytes')


@tap.rows([
    ('several files', ('pack', '-o', 's3://disks/vm.ovf', 'disk.raw'), 'expected *.ova'), ('a folder', ('pack', '-o', 's3://disks/vm/', 'disk.raw'), 'expected *.ova'),
    ('a split disk', ('convert', '-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', 'disk.raw', 's3://disks/vm.vmdk'), ''),
    ('an overlay of an object', ('create', '-f', 'qcow2', '-b', 's3://disks/a', '-F', 'raw', 'b.qcow2', '1M'), 's3:'),
    ('a map', ('convert', '-O', 'raw', '--salvage=s3://disks/m', 'disk.raw', 'b.raw'), 'is on another machine, expected a file here')])
def test_what_is_no_object(t, arguments, word):
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    before, store = t.names(), Store()
    with Site(store.answer) as site:
        tap.contains(sent(t, store, site, *arguments, status=None).stderr, word)
    tap.equal(t.names(), before, 'files')
    nothing_is_left(store)


# ---- many ----

def test_a_batch(t):
    tap.needs('libcurl')
    tap.needs('jansson')
    t.write('disk.raw', RAW)
    store = Store()
    t.write('jobs', b'disk.raw\ts3://disks/a\t-O raw\ndisk.raw\ts3://disks/a/b\t-O qcow2\n')
    with Site(store.answer) as site:
        sent(t, store, site, 'batch', '--report=report.json', 'jobs')
        tap.equal(store.objects['disks/a'][0] == RAW, True, 'the bytes')
        tap.equal((sorted(store.objects), store.uploads, store.aborted), (['disks/a', 'disks/a/b'], {}, []))
        t.write('other.raw', RAW[::-1])
        t.write('jobs', b'disk.raw\ts3://disks/all/\t-O raw\nother.raw\ts3://disks/all/\t-O raw\n')
        sent(t, store, site, 'batch', 'jobs')
        tap.equal(store.objects['disks/all/other.raw'][0] == RAW[::-1], True, 'the bytes')
        t.write('jobs', b's3://disks/a/b\t./out.raw\n')
        sent(t, store, site, 'batch', 'jobs')
    tap.equal(t.read('out.raw') == RAW, True, 'the bytes')
    tap.equal([job['target'] for job in json.loads(t.read('report.json'))['jobs']], ['s3://disks/a', 's3://disks/a/b'])


@tap.rows([
    ('twice', 'disk.raw\ts3://disks/a\ndisk.raw\ts3://disks/a\n', 'is written by line 1, too'),
    ('a source', 'disk.raw\ts3://disks/a\ns3://disks/a::1\t./b.raw\n', 'is read by line 2: a source is never written'),
    ('onto itself', 's3://disks/a\ts3://disks/a\n', 'a source is never written')])
def test_a_batch_that_clashes(t, jobs, word):
    tap.needs('libcurl')
    t.write('disk.raw', RAW[:MIB])
    t.write('jobs', jobs.encode())
    store = Store()
    with Site(store.answer) as site:
        tap.contains(sent(t, store, site, 'batch', 'jobs', status=2).stderr, word)
    tap.equal(store.seen, [], 'requests')


# What an interrupted run has sent is not sent again.

PART = 8 * MIB


def pieces(data):
    return {number: data[(number - 1) * PART:number * PART] for number in range(1, -(-len(data) // PART) + 1)}


def test_an_upload_is_taken_up(t):
    tap.needs('libcurl')
    t.write('disk.raw', LARGE)
    store = Store()
    store.page = 1
    others = pieces(LARGE)
    others[2] = bytes(len(others[2]))
    store.uploads = {'older': ('disks/my disk', {1: LARGE[:PART]}), 'upload+/=': ('disks/my disk', others), 'another': ('disks/my disk2', pieces(LARGE))}
    with Site(store.answer) as site:
        sent(t, store, site, 'convert', '--resume', *CONFINED, '-O', 'raw', 'disk.raw', 's3://disks/my disk')
    tap.equal((store.objects['disks/my disk'][0] == LARGE, store.order), (True, [2]), 'the parts that were sent')
    tap.equal((sorted(store.uploads), store.aborted, store.seen.count('create')), (['another', 'older'], [], 0), 'uploads')


def test_an_upload_that_is_not_there_is_begun(t):
    tap.needs('libcurl')
    t.write('disk.raw', LARGE)
    store = Store()
    with Site(store.answer) as site:
        sent(t, store, site, 'convert', '--resume', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw')
        sent(t, store, site, 'convert', '--resume', '--dry-run', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw')
        t.vmferry('convert', '--journal=on', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw', status=9, env=store.environment(site.url))
    tap.equal(store.objects['disks/disk.raw'][0] == LARGE, True, 'the bytes')
    tap.equal(store.uploads, {}, 'uploads')


@tap.rows([('killed', True), ('failed', False)])
def test_what_was_sent_is_kept_for_the_next_run(t, killed):
    tap.needs('libcurl')
    t.write('disk.raw', LARGE)
    last, both = len(pieces(LARGE)), threading.Event()

    def fault(handler, what, _):
        if what == 'part' and f'partNumber={last}&' in handler.path:
            both.wait()
            if killed:
                child.kill()
                handler.close_connection = True
            else:
                store.say_error(handler, 403, 'AccessDenied', 'Access Denied')
        return what == 'part' and f'partNumber={last}&' in handler.path

    def part(handler, name, query, body):
        Store.do_part(store, handler, name, query, body)
        if len(store.order) == last - 1:
            both.set()
    store = Store(fault=fault)
    store.do_part = part
    with Site(store.answer) as site:
        with subprocess.Popen([tap.VMFERRY, 'convert', '--resume', '-O', 'raw', t.path('disk.raw'), 's3://disks/disk.raw'], env={**os.environ, **store.environment(site.url)},
                              stderr=subprocess.DEVNULL) as child:
            tap.equal(child.wait(), -signal.SIGKILL if killed else 1, 'status')
        tap.equal((len(store.uploads), store.aborted), (1, []), 'uploads')
        store.fault, store.order = None, []
        sent(t, store, site, 'convert', '--resume', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw')
    tap.equal((store.objects['disks/disk.raw'][0] == LARGE, store.order), (True, [last]), 'the part that was sent')
    tap.equal(store.uploads, {}, 'uploads')


# A server of another project, which is asked by its own client.

def test_a_server_of_others(t):
    tap.needs('libcurl')
    try:
        import boto3
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise tap.Skip('moto, which serves S3, is not installed') from error
    t.write('disk.raw', LARGE)
    server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    try:
        url = 'http://%s:%d' % server.get_host_and_port()
        store = Store()
        client = boto3.client('s3', endpoint_url=url, aws_access_key_id=store.key, aws_secret_access_key=store.secret, region_name=store.region)
        client.create_bucket(Bucket='disks')
        environment = {**store.environment(url), 'SOURCE_DATE_EPOCH': '1700000000'}
        t.vmferry('pack', '-o', 's3://disks/my vm.ova', 'disk.raw', env=environment)
        t.vmferry('pack', '-o', 'my vm.ova', 'disk.raw', env=environment)
        tap.equal(client.get_object(Bucket='disks', Key='my vm.ova')['Body'].read() == t.read('my vm.ova'), True, 'the bytes')
        t.vmferry('verify', 's3://disks/my vm.ova', env=environment)
        t.vmferry('convert', '-O', 'raw', 's3://disks/my vm.ova::vmdisk1', 'out.raw', env=environment)
        tap.equal(t.read('out.raw') == LARGE, True, 'the bytes')
        begun = client.create_multipart_upload(Bucket='disks', Key='disk.raw')['UploadId']
        client.upload_part(Bucket='disks', Key='disk.raw', UploadId=begun, PartNumber=1, Body=LARGE[:PART])
        t.vmferry('convert', '--resume', '-O', 'raw', 'disk.raw', 's3://disks/disk.raw', env=environment)
        tap.equal(client.get_object(Bucket='disks', Key='disk.raw')['Body'].read() == LARGE, True, 'the bytes')
        tap.equal(client.list_multipart_uploads(Bucket='disks').get('Uploads', []), [], 'uploads')
    finally:
        server.stop()


if __name__ == '__main__':
    tap.main(globals())
