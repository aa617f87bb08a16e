# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Object stores: what is read from s3://, by whom, and where."""
import datetime
import json
import os
import random
import socket
import subprocess

import remote_servers
import tap
from object_store import Store
from remote_servers import Site

MIB = 1 << 20
SANITIZED = os.environ.get('VMFERRY_SANITIZED', 'none') != 'none'
CONFINED = [] if SANITIZED else ['--sandbox=require']  # the search for leaks starts a process
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
    for secret in ('secret/of+store', 'a session'):
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
    store.token = 'a session=='
    with Site(store.answer) as site:
        converted(t, store, site, 's3://disks/disk.raw')
        refused(t, {**store.environment(site.url), 'AWS_SESSION_TOKEN': 'another'}, 's3://disks/disk.raw', 3, 'InvalidToken')


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
    store.token = 'a session=='
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


if __name__ == '__main__':
    tap.main(globals())
