# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Keys for an object store that are given: for a web identity, by a token service, to a container, by its agent, or to an instance, by its metadata service."""
import json
import os
import random
import subprocess
import threading
import urllib.parse

import tap
from object_store import Store
from remote_disk import CONFINED
from remote_servers import Site

RAW = random.Random(9).randbytes(300_000 // 512 * 512)
NOBODY = {name: '' for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE')}
STORE = {'key': 'AKIDGIVEN', 'secret': 'given/secret', 'token': 'given+token'}
KEYS = json.dumps({'AccessKeyId': STORE['key'], 'SecretAccessKey': STORE['secret'], 'Token': STORE['token'], 'Expiration': '2030-01-01T00:00:00Z', 'Code': 'Success'}).encode()


def asked(t, giver, environment, *options, status=0):
    """environment: of the giver's URL."""
    store = Store(**STORE)
    store.objects['disks/disk.raw'] = RAW, '"one"'
    with Site(store.answer) as site, Site(giver) as given:
        done = t.vmferry('convert', *options, '-O', 'raw', 's3://disks/disk.raw', 'out.raw', status=status,
                         env={**store.environment(site.url), **NOBODY, 'http_proxy': 'http://127.0.0.1:1', 'no_proxy': site.url.removeprefix('http://').split(':', maxsplit=1)[0],
                              **environment(given.url)})
    for secret in (STORE['secret'], STORE['token']):
        tap.equal(secret in done.stdout + done.stderr, False, 'a secret is told')
    if status == 0:
        tap.equal(t.read('out.raw') == RAW, True, 'the bytes')
    return done, given.requests


def needs():
    tap.needs('libcurl')
    tap.needs('jansson')


# ---- a container ----

def agent(handler, _):
    good = handler.path == '/creds?of=me' and handler.headers.get('Authorization') == 'a token'
    handler.say(200, KEYS) if good else handler.say(403)


def test_a_container(t):
    needs()
    _, requests = asked(t, agent, lambda url: {'AWS_CONTAINER_CREDENTIALS_FULL_URI': url + '/creds?of=me', 'AWS_CONTAINER_AUTHORIZATION_TOKEN': 'a token'}, *CONFINED)
    tap.equal(len(requests), 1, 'requests')


def test_a_container_with_a_token_in_a_file(t):
    needs()
    t.write('token', b'a token\n')
    asked(t, agent, lambda url: {'AWS_CONTAINER_CREDENTIALS_FULL_URI': url + '/creds?of=me', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': t.path('token')}, *CONFINED)
    done, _ = asked(t, agent, lambda url: {'AWS_CONTAINER_CREDENTIALS_FULL_URI': url + '/creds?of=me', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': t.path('none')}, status=1)
    tap.contains(done.stderr, 'none: the token for keys (AWS) cannot be read')


# Keys hold some hours, which a disk can last longer.

class Aging(Store):
    """Its keys expire with each `life` requests; give() has the new ones."""

    def __init__(self, life):
        super().__init__(**STORE)
        self.life, self.token, self.expired = life, 'token-0', []
        self.fault = self.grow_old

    def grow_old(self, _handler, _what, _count):
        if len(self.seen) % self.life == 0:
            self.expired.append(self.token)
            self.token = f'token{len(self.expired)}'
        return False

    def give(self, handler, _):
        handler.say(200, KEYS.replace(STORE['token'].encode(), self.token.encode()))


@tap.rows([('while it is read', True), ('while it is written', False)])
def test_keys_that_expire(t, read):
    needs()
    data = random.Random(10).randbytes(80 << 20)
    store = Aging(8)
    store.token = 'token-0'
    t.write('disk.raw', data)
    store.objects['disks/disk.raw'] = data, '"one"'
    with Site(store.answer) as site, Site(store.give) as given:
        t.vmferry('convert', '-O', 'raw', *(['s3://disks/disk.raw', 'out.raw'] if read else ['disk.raw', 's3://disks/out']),
                  env={**store.environment(site.url), **NOBODY, 'AWS_CONTAINER_CREDENTIALS_FULL_URI': given.url + '/creds'})
    tap.equal((t.read('out.raw') if read else store.objects['disks/out'][0]) == data, True, 'the bytes')
    tap.equal(len(store.expired) > 0, True, 'tokens have expired')


class Replacing(Aging):
    """Who logs in again puts another file in the place of the old one."""

    def __init__(self, t, life):
        super().__init__(life)
        self.t = t
        self.put()

    def put(self):
        self.t.write('keys/new', f'[default]\naws_access_key_id={STORE["key"]}\naws_secret_access_key={STORE["secret"]}\naws_session_token={self.token}\n'.encode())
        os.replace(self.t.path('keys/new'), self.t.path('keys/credentials'))

    def grow_old(self, handler, what, count):
        before = self.token
        super().grow_old(handler, what, count)
        if self.token != before:
            self.put()
        return False


def test_keys_in_a_file_that_is_replaced(t):
    needs()
    for folder in ('keys', 'out'):
        os.mkdir(t.path(folder))
    store = Replacing(t, 2)
    data = random.Random(11).randbytes(24 << 20)
    store.objects['disks/disk.raw'] = data, '"one"'
    with Site(store.answer) as site:
        t.vmferry('convert', *CONFINED, '-O', 'raw', 's3://disks/disk.raw', 'out/disk.raw',
                  env={**store.environment(site.url), **NOBODY, 'AWS_SHARED_CREDENTIALS_FILE': t.path('keys/credentials'), 'TMPDIR': t.path('out')})
    tap.equal(t.read('out/disk.raw') == data, True, 'the bytes')
    tap.equal(len(store.expired) > 0, True, 'tokens have expired')


def test_keys_that_have_expired(t):
    """Who gives the same ones again is not asked for ever."""
    needs()
    store = Store(**STORE)
    store.expired = [STORE['token']]
    with Site(store.answer) as site, Site(lambda handler, _: handler.say(200, KEYS)) as given:
        environment = {**store.environment(site.url), **NOBODY, 'AWS_CONTAINER_CREDENTIALS_FULL_URI': given.url + '/creds'}
        tap.contains(t.vmferry('info', 's3://disks/disk.raw', status=3, env=environment).stderr, 'ExpiredToken')
        t.write('disk.raw', RAW)
        tap.contains(t.vmferry('convert', '-O', 'raw', 'disk.raw', 's3://disks/out', status=None, env=environment).stderr, 'ExpiredToken')
    tap.equal(len(given.requests) < 20, True, f'{len(given.requests)} requests to who gives them')


@tap.rows([('of one byte more', b'x' * (16 << 10) + b'y', 'has more than 16384 bytes'), ('of another file', b'x' * (1 << 20), 'has more than 16384 bytes'), ('that is empty', b'\n', 'has no token')])
def test_a_token_that_is_none(t, token, word):
    needs()
    t.write('token', token)
    done, requests = asked(t, agent, lambda url: {'AWS_CONTAINER_CREDENTIALS_FULL_URI': url + '/creds?of=me', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': t.path('token')}, status=None)
    tap.equal((done.returncode in (1, 2, 8), requests), (True, []), 'the status, and who was asked')
    tap.contains(done.stderr, word)


def test_a_token_that_is_long(t):
    needs()
    token = b'x' * (16 << 10)
    t.write('token', token[1:] + b'\n')
    asked(t, lambda handler, _: handler.say(200, KEYS) if handler.headers.get('Authorization') == token[1:].decode() else handler.say(403),
          lambda url: {'AWS_CONTAINER_CREDENTIALS_FULL_URI': url + '/creds?of=me', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': t.path('token')})


def busy(handler, number):
    handler.say(503) if number < 3 else handler.say(200, KEYS)


def test_an_agent_that_is_busy_is_asked_again(t):
    needs()
    _, requests = asked(t, busy, lambda url: {'AWS_CONTAINER_CREDENTIALS_FULL_URI': url + '/creds'})
    tap.equal(len(requests), 3, 'requests')


@tap.rows([
    ('no keys', lambda handler: handler.say(200, b'{"AccessKeyId":"A"}'), 'answers without any'),
    ('no JSON', lambda handler: handler.say(200, b'<html>'), 'answers without any'),
    ('a line in a key', lambda handler: handler.say(200, json.dumps({'AccessKeyId': 'A', 'SecretAccessKey': 'B', 'Token': 'C\r\nX: 1'}).encode()), "a line's end in it"),
    ('no right', lambda handler: handler.say(403), 'answers with status 403'),
    ('elsewhere', lambda handler: handler.say(302, Location='http://127.0.0.1:1/'), 'answers with status 302')])
def test_an_agent_that_gives_none(t, answer, word):
    needs()
    done, requests = asked(t, lambda handler, _: answer(handler), lambda url: {'AWS_CONTAINER_CREDENTIALS_FULL_URI': url + '/creds'}, status=1)
    tap.contains(done.stderr, word)
    tap.equal({path for path, *_ in requests}, {'/creds'}, 'what was asked for')


# Over plain http nobody is asked who may be far away.

@tap.rows([(url, url) for url in ('http://192.0.2.1/creds', 'http://169.254.170.2.example.org/', 'http://127.0.0.1@192.0.2.1/', 'ftp://127.0.0.1/', 'http://[::1', 'http://[fd00::1]/', '/creds')])
def test_who_is_not_asked(t, url):
    needs()
    done, _ = asked(t, agent, lambda _: {'AWS_CONTAINER_CREDENTIALS_FULL_URI': url}, status=2)
    tap.contains(done.stderr, 'expected an https URL, or http on this machine')


# ---- a web identity ----

GIVEN = f'''<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>{STORE["key"]}</AccessKeyId><SecretAccessKey>{STORE["secret"]}</SecretAccessKey><SessionToken>{STORE["token"]}</SessionToken>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>'''.encode()
ROLE = 'arn:aws:iam::123456789012:role/copy+disks'


def tokens(handler, _):
    """AWS's token service: nothing is signed, the token says who asks."""
    sent = handler.rfile.read(int(handler.headers['Content-Length'])).decode()
    asked_for = dict(urllib.parse.parse_qsl(sent, strict_parsing=True))
    good = (handler.command, handler.path, handler.headers.get_all('Content-Type')) == ('POST', '/', ['application/x-www-form-urlencoded']) and asked_for == {
        'Action': 'AssumeRoleWithWebIdentity', 'Version': '2011-06-15', 'RoleArn': ROLE, 'RoleSessionName': asked_for['RoleSessionName'], 'WebIdentityToken': 'ey.J+/=.x'}
    handler.say(200, GIVEN) if good and 'Authorization' not in handler.headers else handler.say(
        403, b'<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized</Message></Error></ErrorResponse>')


def identity(t, url, **more):
    t.write('identity', b'ey.J+/=.x\n')
    return {'AWS_WEB_IDENTITY_TOKEN_FILE': t.path('identity'), 'AWS_ROLE_ARN': ROLE, 'AWS_ENDPOINT_URL_STS': url, 'no_proxy': '127.0.0.1', **more}


def test_a_web_identity(t):
    needs()
    _, requests = asked(t, tokens, lambda url: identity(t, url), *CONFINED)
    tap.equal(len(requests), 1, 'requests')
    asked(t, tokens, lambda url: identity(t, url + '/', AWS_ROLE_SESSION_NAME='a name'))


@tap.rows([
    ('no right', tokens, {'AWS_ROLE_ARN': 'arn:of:another'}, 'answers with status 403: AccessDenied: Not authorized'),
    ('no keys', lambda handler, _: handler.say(200, GIVEN.replace(b'SessionToken', b'Session')), {}, 'answers without any'),
    ('no role', tokens, {'AWS_ROLE_ARN': ''}, 'without AWS_ROLE_ARN'),
    ('no file', tokens, {'AWS_WEB_IDENTITY_TOKEN_FILE': '/none'}, '/none: the token for keys (AWS) cannot be read'),
    ('somebody far away over http', tokens, {'AWS_ENDPOINT_URL_STS': 'http://192.0.2.1'}, 'expected an https URL')])
def test_a_web_identity_that_gives_none(t, giver, more, word):
    needs()
    done, _ = asked(t, giver, lambda url: identity(t, url, **more), status=None)
    tap.equal(done.returncode in (1, 2), True, f'status {done.returncode}')
    tap.contains(done.stderr, word)
    tap.equal('ey.J' in done.stderr, False, 'the token is told')


# ---- an instance ----

def metadata(handler, _):
    token = handler.headers.get('X-aws-ec2-metadata-token') == 'session=='
    if handler.command == 'PUT' and handler.path == '/latest/api/token' and handler.headers.get('X-aws-ec2-metadata-token-ttl-seconds') == '21600':
        handler.say(200, b'session==')
    elif token and handler.path == '/latest/meta-data/iam/security-credentials/':
        handler.say(200, b'the-role\n')
    elif token and handler.path == '/latest/meta-data/iam/security-credentials/the-role':
        handler.say(200, KEYS)
    else:
        handler.say(401)


def test_an_instance(t):
    needs()
    _, requests = asked(t, metadata, lambda url: {'AWS_EC2_METADATA_SERVICE_ENDPOINT': url + '/'}, *CONFINED)
    tap.equal(len(requests), 3, 'requests')


def test_an_instance_is_asked_only_where_that_is_said(t):
    needs()
    for environment in ({}, {'AWS_EC2_METADATA_DISABLED': 'true'}):
        done, requests = asked(t, metadata, lambda url, more=environment: {**({'AWS_EC2_METADATA_SERVICE_ENDPOINT': url} if more else {}), **more}, status=1)
        tap.contains(done.stderr, 'nobody says who asks')
        tap.equal(requests, [], 'requests')


def test_keys_of_the_environment_go_before(t):
    needs()
    _, requests = asked(t, metadata, lambda url: {'AWS_EC2_METADATA_SERVICE_ENDPOINT': url, 'AWS_ACCESS_KEY_ID': STORE['key'], 'AWS_SECRET_ACCESS_KEY': STORE['secret'],
                                                 'AWS_SESSION_TOKEN': STORE['token']})
    tap.equal(requests, [], 'requests')


def test_a_signal_ends_the_wait_for_keys(t):
    needs()
    begun, ended = threading.Event(), threading.Event()
    t.write('disk.raw', RAW)
    t.write('jobs', b'disk.raw\ts3://disks/disk.raw\t-O raw\n')

    def silent(handler, _):
        begun.set()
        ended.wait(20)
        handler.say(500)
    with Site(silent) as given, subprocess.Popen(
            [tap.VMFERRY, 'batch', 'jobs', '--report', 'r.json'], cwd=t.folder, stderr=subprocess.PIPE,
            env={**os.environ, **NOBODY, 'HOME': str(t.folder), 'AWS_EC2_METADATA_SERVICE_ENDPOINT': given.url}) as running:
        begun.wait(20)
        running.terminate()
        told = running.communicate()[1]
        ended.set()
    tap.equal(running.returncode, 143, told)
    tap.equal([job['state'] for job in json.loads(t.read('r.json'))['jobs']], ['stopped'], told)


if __name__ == '__main__':
    tap.main(globals())
