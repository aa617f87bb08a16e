# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Servers that lie: a target is whole where it is said to be, and a source is what it says."""
import os
import random
import threading

import tap
from object_store import Store
from remote_servers import Site

MIB = 1 << 20
RAW = random.Random(3).randbytes(2 * MIB + 512) + bytes(MIB)


def sent(t, store, *options, status=None, target='s3://disks/disk.raw'):
    t.write('disk.raw', RAW)
    with Site(store.answer) as site:
        return t.vmferry('convert', '-O', 'raw', '--retry-time', '1', *options, 'disk.raw', target, status=status, env=store.environment(site.url))


# ---- the end of an upload ----

def answering(body, status=200, **headers):
    def fault(handler, what, _):
        if what == 'complete':
            handler.say(status, body, **headers)
        return what == 'complete'
    return fault


@tap.rows([
    ('nothing', b'', 4, 'does not say that the object is whole'),
    ('a page', b'<html><body>Welcome</body></html>', 4, 'does not say that the object is whole'),
    ('an error in a namespace', b'<Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>AccessDenied</Code></Error>', 4, 'AccessDenied'),
    ('an error behind what keeps the connection', b'\r\n ' * 10000 + b'<Error><Code>AccessDenied</Code></Error>', 4, 'AccessDenied'),
    ('another number of parts', b'<CompleteMultipartUploadResult><ETag>"d41d8cd98f00b204e9800998ecf8427e-7"</ETag></CompleteMultipartUploadResult>', 8, '-7')])
def test_an_end_that_is_none(t, body, status, word):
    tap.needs('libcurl')
    store = Store(fault=answering(body))
    tap.contains(sent(t, store, status=status).stderr, word)
    tap.equal((store.objects, store.uploads), ({}, {}), 'objects and uploads')


def test_an_end_that_comes_late(t):
    tap.needs('libcurl')
    store = Store()
    keep = store.do_complete

    def late(handler, *rest):
        say, handler.say = handler.say, lambda status, body=b'', **headers: say(status, b' \n' * 20000 + body, **headers)
        keep(handler, *rest)
        handler.say = say
    store.do_complete = late
    sent(t, store, status=0)
    tap.equal(store.objects['disks/disk.raw'][0] == RAW, True, 'the bytes')


def test_what_is_told_to_be_run(t):
    """Nothing that the store says is in a command that a person may run."""
    tap.needs('libcurl')
    store = Store()

    def fault(handler, what, _):
        if what == 'create':
            handler.say(200, b"<InitiateMultipartUploadResult><UploadId>x'; touch run; `touch run`</UploadId></InitiateMultipartUploadResult>")
        elif what != 'head':
            store.say_error(handler, 403, 'AccessDenied', 'No.')
        return what != 'head'
    store.fault = fault
    done = sent(t, store, target="s3://disks/it's $(touch run)", status=1)
    tap.contains(done.stderr, 'aws s3api list-multipart-uploads --bucket disks ')
    tap.equal('touch run;' in done.stderr, False, done.stderr)


def test_an_object_without_a_tag_is_not_replaced(t):
    tap.needs('libcurl')
    store = Store()
    store.objects['disks/disk.raw'] = b'old', '"old"'
    store.do_head = lambda handler, *_: handler.say(200, Content_Length='3')
    store.keep = lambda _, name, data, etag: store.objects.update({name: (data, etag)})
    tap.contains(sent(t, store, '--no-clobber', status=1).stderr, 'exists, and --no-clobber')
    tap.equal(store.objects['disks/disk.raw'][0], b'old')


def test_an_own_object_is_no_other(t):
    """The answer to the end was lost, and the object that is there is the one that was sent."""
    tap.needs('libcurl')
    store = Store()

    def fault(handler, what, count):
        if what == 'complete' and count == 2:
            store.say_error(handler, 412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
        return what == 'complete' and count == 2
    store.fault, keep = fault, store.do_complete

    def lost(handler, *rest):
        say, handler.say = handler.say, lambda *_, **__: None
        keep(handler, *rest)
        handler.say, handler.close_connection = say, True
    store.do_complete = lost
    sent(t, store, '--no-clobber', status=0)
    tap.equal(store.objects['disks/disk.raw'][0] == RAW, True, 'the bytes')


def test_an_equal_object_of_others(t):
    tap.needs('libcurl')
    store = Store()
    sent(t, store, status=0)
    store.do_head, head = lambda handler, *rest: head(handler, *rest) if 'complete' in store.seen[1:] else handler.say(404), store.do_head
    store.seen.clear()
    sent(t, store, '--no-clobber', status=0)
    tap.equal((store.objects['disks/disk.raw'][0] == RAW, store.uploads), (True, {}), 'the bytes, and no upload')


# ---- PUT ----

def early(handler):
    """Says that it has all of it, and reads nothing."""
    handler.say(201, Connection='close')
    handler.close_connection = True


@tap.rows([('of unknown length',), ('of known length', '--spool', '.')])
def test_a_server_that_has_it_before_it_came(t, *options):
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    with Site(lambda handler, _: early(handler)) as site:
        done = t.vmferry('convert', '-O', 'raw', *options, 'disk.raw', site.url + '/a', status=None)
    tap.equal(done.returncode in (4, 75), True, f'status {done.returncode} {done.stderr}')


# ---- sources ----

def whole_then(answer):
    """A server without ranges, which breaks off behind more than the first bytes, and answers the second time as it likes."""
    def reply(handler, number):
        if number == 1:
            handler.say(200, RAW[:3 * MIB // 2], Content_Length=str(len(RAW)))
            handler.close_connection = True
        else:
            answer(handler)
    return reply


FLOODED = []


def flood(handler):
    handler.send_response(200)
    handler.send_header('Connection', 'close')
    handler.end_headers()
    handler.close_connection = True
    handler.wfile.write(RAW)
    for _ in range(64):
        handler.wfile.write(bytes(MIB))
    FLOODED.append(handler)


@tap.rows([
    ('a part', lambda handler: handler.say(206, b'x', Content_Range='bytes 0-0/1')),
    ('another file', lambda handler: handler.say(200, RAW[:-1])),
    ('more', flood),
    ('nothing', lambda handler: handler.say(204))])
def test_a_whole_file_that_changes(t, answer):
    tap.needs('libcurl')
    with Site(whole_then(answer)) as site:
        done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--resize', '4M', '--max-size', '4M', '--retry-time', '9', site.url + '/disk.raw', 'out.raw', status=None)
        tap.equal(len(site.requests) > 1, True, 'the second time')
    tap.equal(done.returncode in (3, 6), True, f'status {done.returncode}: {done.stderr}')
    tap.contains(done.stderr, 'disk.raw: ')
    tap.equal(FLOODED, [], 'what was taken as a whole')
    tap.equal(t.names(), [], 'files')


@tap.rows([('as it comes', ()), ('stored', ('--resize', '32M'))])
def test_a_whole_file_is_asked_for_once(t, options):
    tap.needs('libcurl')
    data = RAW * 8
    with Site(lambda handler, _: handler.say(200, data)) as site:
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', *options, site.url + '/disk.raw', 'out.raw')
    tap.equal((t.read('out.raw')[:len(data)] == data, len(site.requests)), (True, 1), 'the bytes, and requests')


def test_a_server_that_does_one_thing_at_a_time(t):
    """What comes for nobody yet gives way."""
    tap.needs('libcurl')
    data, turn = RAW * 8, threading.Lock()

    def answer(handler, _):
        handler.close_connection = True
        with turn:
            handler.say(200, data, Connection='close')
    with Site(answer) as site:
        t.vmferry('compare', '-f', 'raw', '-F', 'raw', site.url + '/a', site.url + '/b')


@tap.rows([
    ('416 without a length', lambda handler: handler.say(416) if handler.headers.get('Range') else handler.say(200)),
    ('416 of a store', lambda handler: Store.say_error(handler, 416, 'InvalidRange', 'The requested range is not satisfiable') if handler.headers.get('Range') else handler.say(200)),
    ('the whole', lambda handler: handler.say(200))])
def test_an_empty_file(t, answer):
    tap.needs('libcurl')
    store = Store()
    store.do_get = lambda handler, *_: answer(handler)
    with Site(store.answer) as site:
        for options in (), ('--no-sign-request',):
            store.check = store.check if not options else lambda *_: None
            t.vmferry('convert', '-f', 'raw', '-O', 'raw', *options, 's3://disks/none', 'out.raw', env=store.environment(site.url))
            tap.equal(t.read('out.raw'), b'')
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', site.url + '/none', 'out.raw')
    tap.equal(t.read('out.raw'), b'')


def test_a_file_that_is_not_empty_and_refuses_ranges(t):
    tap.needs('libcurl')
    with Site(lambda handler, _: handler.say(416) if handler.headers.get('Range') else handler.say(200, RAW)) as site:
        t.vmferry('convert', '-f', 'raw', '-O', 'raw', site.url + '/disk.raw', 'out.raw')
    tap.equal(t.read('out.raw') == RAW, True, 'the bytes')


# ---- heads ----

def lines(handler, status, *fields):
    """A head whose fields stand there twice."""
    handler.send_response(status)
    for name, value in fields:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(RAW[:1] if status == 206 else RAW)
    handler.close_connection = True


LENGTH = str(len(RAW))


@tap.rows([
    ('two lengths', 200, (('Content-Length', LENGTH), ('Content-Length', '1024')), 3, 'twice'),
    ('two lengths the other way round', 200, (('Content-Length', '1024'), ('Content-Length', LENGTH)), 3, 'twice'),
    ('two ranges', 206, (('Content-Length', '1'), ('Content-Range', f'bytes 0-0/{LENGTH}'), ('Content-Range', 'bytes 0-0/512')), 3, 'twice'),
    ('two encodings', 200, (('Content-Length', LENGTH), ('Content-Encoding', 'gzip'), ('Content-Encoding', 'identity')), 9, 'packs what it sends'),
    ('the same length twice', 200, (('Content-Length', LENGTH), ('Content-Length', LENGTH)), 0, '')])
def test_a_head_that_says_two_things(t, status, fields, exit_status, word):
    tap.needs('libcurl')
    with Site(lambda handler, _: lines(handler, status, *fields)) as site:
        done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--retry-time', '1', site.url + '/disk.raw', 'out.raw', status=exit_status)
    tap.contains(done.stderr, word)
    tap.equal('out.raw' in t.names(), exit_status == 0, 'a target')
    tap.equal(exit_status != 0 or t.read('out.raw') == RAW, True, 'the bytes')


def flooding(piece):
    def answer(handler, _):
        handler.close_connection = True
        handler.wfile.write(b'' if piece.startswith(b'HTTP/') else b'HTTP/1.1 200 OK\r\n')
        for _ in range(300):
            handler.wfile.write(piece)
    return answer


@tap.rows([
    ('fields without end', b'X-A: ' + b'y' * 8000 + b'\r\n', 'the head of the answer is longer than'),
    ('answers before the answer', b'HTTP/1.1 103 Early Hints\r\nLink: ' + b'y' * 1000 + b'\r\n\r\n', 'the head of the answer is longer than'),
    ('a field without end', b'y' * 8000, 'longer than 100 KiB')])
def test_a_head_without_end(t, piece, word):
    tap.needs('libcurl')
    with Site(flooding(piece)) as site:
        done = t.vmferry('info', '--retry-time', '1', site.url + '/disk.raw', status=None)
    tap.equal(done.returncode in (1, 2), True, f'status {done.returncode}')
    tap.contains(done.stderr, word)


# ---- packages ----

@tap.rows([('with a manifest', True), ('without', False)])
def test_a_file_that_cannot_be_had_is_not_intact(t, manifest):
    """It is there, but nobody can read it: nothing is known of it."""
    tap.needs('libcurl')
    t.write('disk.raw', RAW)
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    t.vmferry('unpack', 'vm.ova')
    files = {'/' + name: t.read('vm/' + name) for name in os.listdir(t.path('vm'))}
    if not manifest:
        del files['/vm.mf']

    def answer(handler, _):
        data = files.get(handler.path)
        if data is None:
            handler.say(404)
        elif handler.path.endswith('.vmdk'):
            start, end = handler.span(len(data))
            handler.part(data, Content_Range=f'bytes {start}-{end - 1}/*')
        else:
            handler.part(data)
    with Site(answer) as site:
        done = t.vmferry('verify', site.url + '/vm.ovf', status=2)
        tap.contains(done.stdout, 'failure: ' + site.url + '/vm-disk1.vmdk: the server does not say how long the file is')
        tap.contains(done.stdout, 'NOT intact')


# ---- bytes that come one at a time ----

def trickle(handler, data):
    for byte in data:
        handler.wfile.write(bytes([byte]))
        if ENDED.wait(0.3):
            break
    handler.close_connection = True


def trickling(whole):
    """All of the file, or what is asked for behind its first bytes."""
    def answer(handler, number):
        start, end = handler.span(len(RAW))
        if whole:
            handler.say(200, Content_Length=str(len(RAW)))
            trickle(handler, RAW)
        elif number < 3:
            handler.part(RAW)
        else:
            handler.say(206, Content_Length=str(end - start), Content_Range=f'bytes {start}-{end - 1}/{len(RAW)}', ETag='"one"')
            trickle(handler, RAW[start:end])
    return answer


ENDED = threading.Event()


@tap.rows([('a part of the file', False), ('the whole of it', True)])
def test_a_byte_at_a_time(t, whole):
    tap.needs('libcurl')
    ENDED.clear()
    with Site(trickling(whole)) as site:
        done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', '--retry-time', '1', site.url + '/disk.raw', 'out.raw', status=75, env={'VMFERRY_STALL_TIME': '1'})
        ENDED.set()
    tap.contains(done.stderr, 'Operation too slow')
    tap.equal('out.raw' in t.names(), False, 'a target')


# ---- what is no device ----

def test_an_object_is_always_new(t):
    tap.needs('libcurl')
    store = Store()
    store.objects['disks/disk.raw'] = RAW[::-1], '"old"'
    before = dict(store.objects)
    tap.contains(sent(t, store, '--in-place', status=1).stderr, 'is written as a whole')
    tap.contains(sent(t, store, '--in-place', status=1, target='http://127.0.0.1:1/disk.raw').stderr, 'is written as a whole')
    tap.equal((store.objects, store.uploads), (before, {}))


def test_an_object_that_is_to_be_there(t):
    tap.needs('libcurl')
    store = Store()
    sent(t, store, '-n', status=1)
    tap.equal((store.objects, store.uploads), ({}, {}))
    store.objects['disks/disk.raw'] = RAW[:MIB], '"old"'
    tap.contains(sent(t, store, '-n', status=1).stderr, 'it must have room for the source')
    store.objects['disks/disk.raw'] = RAW[::-1], '"old"'
    sent(t, store, '-n', status=0)
    tap.equal(store.objects['disks/disk.raw'][0] == RAW, True, 'the bytes')


if __name__ == '__main__':
    tap.main(globals())
