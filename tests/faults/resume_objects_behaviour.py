#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What is sent to an object store with a journal is gone on with: what the store has is not sent again, and the object is that of a run that was not interrupted."""
import contextlib
import logging
import os
import random
import re
import signal
import subprocess
import threading

import fault_tools
import tap
from object_store import MIB, Store
from remote_disk import CONFINED
from remote_servers import Site

PART = 8 * MIB
DISK = random.Random(8).randbytes(17 * MIB) + bytes(3 * MIB) + random.Random(9).randbytes(8 * MIB) + bytes(MIB)  # four parts
OBJECT = 's3://disks/a disk'
EPOCH = {'SOURCE_DATE_EPOCH': '1700000000'}


class Mute:
    """A handler whose answer is lost."""

    def __init__(self, handler):
        self.headers = handler.headers

    def say(self, *_, **__):
        pass


class Killing(Store):
    """Kills the program where it is told to: when it has kept `most` parts, or at the request `at`, which is done (after) or not. Of a run that was killed nothing is kept from there on."""

    def __init__(self, **more):
        super().__init__(**more)
        self.page, self.run, self.most, self.at, self.after, self.child = 2, 0, None, None, False, None
        self.started = threading.Event()

    def answer(self, handler, count):
        handler.run = self.run
        super().answer(handler, count)

    def kill(self, handler):
        self.started.wait()
        self.child.kill()
        self.run += 1
        handler.close_connection = True

    def check(self, handler, body):
        super().check(handler, body)
        with self.lock:
            if handler.run != self.run:
                raise ConnectionAbortedError

    def do_part(self, handler, name, query, body):
        if handler.run != self.run:
            raise ConnectionAbortedError
        if self.most is not None and len(self.order) >= self.most:
            self.kill(handler)
        else:
            super().do_part(handler, name, query, body)

    def struck(self, what, handler, *rest):
        real = getattr(super(), 'do_' + what)
        if self.at != what:
            return real(handler, *rest)
        if self.after:
            real(Mute(handler), *rest)
        return self.kill(handler)

    def do_create(self, handler, *rest):
        self.struck('create', handler, *rest)

    def do_list(self, handler, *rest):
        self.struck('list', handler, *rest)

    def do_complete(self, handler, *rest):
        self.struck('complete', handler, *rest)


def environment(t, store, site, more):
    return {'TMPDIR': str(t.folder), **store.environment(site.url), **more}


def convert(t, store, site, *words, status=0, epoch=EPOCH):
    """The last word is the target."""
    return t.vmferry('convert', '--journal-file', 'journal', *words[:-1], 'disk.raw', words[-1], status=status, env=environment(t, store, site, epoch))


def resume(t, store, site, *words, **more):
    return convert(t, store, site, '--resume', *words, **more)


def kill(t, store, site, *words, most=None, at=None, after=False, epoch=EPOCH):
    """The parts that it has sent."""
    store.most, store.at, store.after = most, at, after
    with subprocess.Popen([tap.VMFERRY, 'convert', '--journal-file', 'journal', *words, 'disk.raw', OBJECT], cwd=t.folder,
                          env={**os.environ, **environment(t, store, site, epoch)}, stderr=subprocess.DEVNULL) as child:
        store.child = child
        store.started.set()
        tap.equal(child.wait(), -signal.SIGKILL, 'status')
    kept, store.order, store.seen, store.most, store.at = sorted(store.order), [], [], None, None
    return kept


def prepare(t, data=DISK):
    tap.needs('libcurl')
    t.write('disk.raw', data)


def parts_of(size):
    return list(range(1, -(-size // PART) + 1))


def check_whole(t, store, *words):
    """The object is the file that the same conversion makes; nothing is left."""
    t.vmferry('convert', *words, 'disk.raw', 'a disk', env=EPOCH)
    tap.equal(store.objects['disks/a disk'][0] == t.read('a disk'), True, 'the bytes are those of a file')
    check_done(t, store)


def check_done(t, store):
    tap.equal((store.uploads, store.aborted, (t.folder / 'journal').exists()), ({}, [], False), 'uploads, those given up, the journal')


FORMATS = [('raw', ('-O', 'raw')), ('qcow2', ('-O', 'qcow2')), ('qcow2 that is compressed', ('-O', 'qcow2', '-c')), ('streamOptimized', ('-O', 'vmdk', '-o', 'subformat=streamOptimized')),
           ('sparse VMDK', ('-O', 'vmdk')), ('VHD', ('-O', 'vhd')), ('VDI', ('-O', 'vdi')), ('VHDX', ('-O', 'vhdx')), ('packed', ('-O', 'raw', '-o', 'compress=zst'))]


@tap.rows(FORMATS)
def test_a_run_that_was_killed(t, words):
    """At as many parts as you like; those that are there are not sent again, whatever has been sent already by the second run, which is killed, too."""
    prepare(t)
    store = Killing()
    with Site(store.answer) as site:
        kept = kill(t, store, site, *words, most=random.Random(str(words)).randrange(1, 3))
        tap.equal(len(store.uploads), 1, 'uploads')
        more = kill(t, store, site, '--resume', *words, most=1)
        tap.equal((len(more), set(more) & set(kept)), (1, set()), 'the part that was sent by the second run')
        tap.equal(store.uploads.keys(), {'upload+0/='}, 'uploads')
        resume(t, store, site, *CONFINED, *words, OBJECT)
        tap.equal(sorted(store.order + more + kept), parts_of(len(store.objects['disks/a disk'][0])), 'each part is sent once')
    check_whole(t, store, *words)


def keep_first(store):
    """No part is there before the first one."""
    there = threading.Event()

    def part(handler, name, query, body):
        Killing.do_part(store, handler, name, query, body)
        if 1 in store.order:
            there.set()
    store.do_part = part
    store.fault = lambda handler, what, _: what == 'part' and 'partNumber=1&' not in handler.path and not there.wait()


@tap.rows(FORMATS[3:8])
def test_times_and_ids_are_the_first_runs(t, words):
    prepare(t)
    store = Killing()
    keep_first(store)
    with Site(store.answer) as site:
        kept = kill(t, store, site, *words, most=3, epoch={})
        tap.equal(1 in kept, True, 'the part that has them is there')
        resume(t, store, site, *words, OBJECT, epoch={})
        tap.equal(sorted(store.order + kept), parts_of(len(store.objects['disks/a disk'][0])), 'each part is sent once')
        t.vmferry('compare', 'disk.raw', OBJECT, env=store.environment(site.url))
    check_done(t, store)


@tap.rows([(f'{"behind" if after else "before"} {at}', at, after) for at in ('create', 'list', 'complete') for after in (False, True)])
def test_a_run_that_was_killed_at_a_request(t, at, after):
    """Behind the last one the object is there: nothing is sent."""
    prepare(t)
    store = Killing()
    with Site(store.answer) as site:
        if at == 'list':
            kill(t, store, site, '-O', 'raw', most=2)
        kill(t, store, site, *(['--resume'] if at == 'list' else []), '-O', 'raw', at=at, after=after)
        if at == 'create':
            store.uploads.clear()  # nobody knows of it
        errors = resume(t, store, site, '-v', '-O', 'raw', OBJECT).stderr
        if at == 'complete':
            tap.equal((store.order, store.seen.count('create')), ([], 0), 'what was sent')
            tap.equal('is there already' in errors, after, errors)
    check_whole(t, store, '-O', 'raw')


@tap.rows([(f'{call} {number}', call, number) for call, most in (('write', 2), ('fsync', 2)) for number in range(1, most + 1)])
def test_a_run_that_was_killed_while_it_wrote_its_journal(t, call, number):
    prepare(t)
    (t.folder / 'out').mkdir()
    store = Store()
    with Site(store.answer) as site:
        words = ('convert', '-O', 'raw', '--journal-file', 'out/journal', 'disk.raw', OBJECT)
        where = environment(t, store, site, {**EPOCH, **fault_tools.environment(t, f'{call}:{number}:kill')})
        t.vmferry(*words, status=-signal.SIGKILL, env=where)
        t.vmferry(*words[:1], '--resume', *words[1:], env=environment(t, store, site, EPOCH))
    tap.equal(store.objects['disks/a disk'][0] == DISK, True, 'the bytes')
    tap.equal((t.folder / 'out/journal').exists(), False, 'the journal')
    tap.equal(sum(len(parts) for _, parts in store.uploads.values()), 0, 'parts that are left')


# What the store has is proven.

def replace(part):
    return bytes(len(part))


def shorten(part):
    return part[:-1]


@tap.rows([('other bytes', replace), ('fewer bytes', shorten)])
def test_a_part_that_differs_is_sent_again(t, change):
    prepare(t)
    store = Killing()
    with Site(store.answer) as site:
        kept = kill(t, store, site, '-O', 'raw', most=3)
        parts = store.uploads['upload+0/='][1]
        parts[kept[1]] = change(parts[kept[1]])
        resume(t, store, site, '-O', 'raw', OBJECT)
        tap.equal(sorted(store.order), sorted({*parts_of(len(DISK))} - {kept[0], kept[2]}), 'what was sent')
    check_whole(t, store, '-O', 'raw')


def test_parts_whose_tags_are_no_digests_prove_nothing(t):
    """A store that encrypts by keys of its own (SSE-KMS)."""
    prepare(t)
    store = Killing()
    store.tag_of = lambda body: f'{len(body):032x}'
    store.encryption = {'x_amz_server_side_encryption': 'aws:kms'}
    with Site(store.answer) as site:
        kill(t, store, site, '-O', 'raw', most=3)
        resume(t, store, site, '-O', 'raw', OBJECT)
        tap.equal(sorted(store.order), parts_of(len(DISK)), 'what was sent')
    check_whole(t, store, '-O', 'raw')


@tap.rows([('nothing is there', None), ('the object is another one', b'another')])
def test_an_upload_that_is_gone(t, there):
    """Given up by somebody, or by a rule of the bucket: all is sent again."""
    prepare(t)
    store = Killing()
    with Site(store.answer) as site:
        kill(t, store, site, '-O', 'raw', at='complete')
        store.uploads.clear()
        if there:
            store.objects['disks/a disk'] = there, '"0123-1"'
        tap.contains(resume(t, store, site, '-O', 'raw', OBJECT).stderr, 'the store does not have what an interrupted run has sent any more')
        tap.equal(sorted(store.order), parts_of(len(DISK)), 'what was sent')
    check_whole(t, store, '-O', 'raw')


def test_an_upload_that_is_gone_twice(t):
    """The journal tells of the one that was begun last."""
    prepare(t)
    store = Killing()
    with Site(store.answer) as site:
        kill(t, store, site, '-O', 'raw', at='complete')
        store.uploads = {'another': ('disks/other', {})}
        kept = kill(t, store, site, '--resume', '-O', 'raw', most=2)
        resume(t, store, site, '-O', 'raw', OBJECT)
        tap.equal(sorted(store.order + kept), parts_of(len(DISK)), 'each part is sent once')
        del store.uploads['another']
    check_whole(t, store, '-O', 'raw')


@tap.rows([('an id', rb'identity\t\d+ (\w)'), ('the time', rb'identity\t(\d)'), ('the sum', rb'sum\t(\w)'), ('the upload', rb'upload\t(\w)')])
def test_a_journal_that_was_damaged(t, place):
    """What makes the bytes is proven, too; the parts are by their own digests."""
    prepare(t)
    store = Killing()
    with Site(store.answer) as site:
        kill(t, store, site, '-O', 'vhd', most=2)
        journal = bytearray(t.read('journal'))
        at = re.search(b'^' + place, journal, re.M).start(1)
        journal[at] = ord('2') if journal[at] == ord('1') else ord('1')
        t.write('journal', journal)
        resume(t, store, site, '-O', 'vhd', OBJECT)
    store.uploads.clear()  # one whose name is lost stays
    check_whole(t, store, '-O', 'vhd')


# What is not gone on with.

def refused(t, store, site, *words, status=1, target=OBJECT, **more):
    """Nothing is touched."""
    before = t.read('journal'), {upload: (name, dict(parts)) for upload, (name, parts) in store.uploads.items()}
    errors = convert(t, store, site, *words, target, status=status, **more).stderr
    tap.equal(store.order, [], 'what was sent')
    tap.equal((t.read('journal'), store.uploads) == before, True, 'the journal and the uploads')
    return errors


def test_what_is_not_gone_on_with(t):
    prepare(t)
    store, other = Killing(), Killing()
    with Site(store.answer) as site, Site(other.answer) as elsewhere:
        kill(t, store, site, '-O', 'raw', most=2)
        tap.contains(refused(t, store, site, '-O', 'raw'), '--resume goes on with it')
        for words, target, difference in ((('-O', 'qcow2'), OBJECT, 'format of the target was "raw", and is "qcow2" now'), (('-O', 'raw', '-S', '0'), OBJECT, 'size of holes was'),
                                          (('-O', 'raw', '--checksum'), OBJECT, 'checksum was'), (('-O', 'raw', '--spool', '.'), OBJECT, 'and is "8, 64 and 256 MiB, stored first" now'),
                                          (('-O', 'raw'), 's3://disks/other', 'object of the target was "s3://disks/a disk", and is "s3://disks/other" now')):
            tap.contains(refused(t, store, site, '--resume', *words, target=target), difference)
        tap.contains(refused(t, other, elsewhere, '--resume', '-O', 'raw'), f'store of the target was "{site.url}", and is "{elsewhere.url}" now')
        t.write('disk.raw', DISK)
        tap.contains(refused(t, store, site, '--resume', '-O', 'raw'), 'file of the source was')
    tap.equal((len(store.uploads), other.uploads), (1, {}), 'uploads')


@tap.rows([('a source on a pipe', ('-f', 'raw', '-'), 9, 'nothing tells later whether standard input is the same'), ('salvaging', ('--salvage', 'disk.raw'), 9, 'salvaged'),
           ('no device and no object', ('disk.raw', 'out.raw'), 1, 'is no block device and no object'), ('a file that is no journal', ('disk.raw',), 1, 'is no journal')])
def test_what_cannot_be_gone_on_with(t, words, status, reason):
    prepare(t, DISK[:MIB])
    name = 'disk.raw' if 'no journal' in reason else 'journal'
    store = Store()
    with Site(store.answer) as site, subprocess.Popen(['cat', t.path('disk.raw')], stdout=subprocess.PIPE) as pipe:
        done = t.vmferry('convert', '--journal-file', name, '-O', 'raw', *words, *([] if 'out.raw' in words else [OBJECT]), stdin=pipe.stdout, status=status, env=store.environment(site.url))
        pipe.stdout.close()
    tap.contains(done.stderr, reason)
    tap.equal((store.objects, store.uploads, t.names()), ({}, {}, ['disk.raw']), 'objects, uploads, files')


def test_a_package_is_not_gone_on_with(t):
    prepare(t, DISK[:MIB])
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    store = Store()
    with Site(store.answer) as site:
        tap.contains(t.vmferry('convert', '--journal-file', 'journal', 'vm.ova', 's3://disks/vm.ova', status=1, env=store.environment(site.url)).stderr, '--journal-file is for a single disk')
    tap.equal((store.seen, (t.folder / 'journal').exists()), ([], False), 'requests, the journal')


# What fails.

def failing(store, last, answer):
    """The last part fails, once the others are there."""
    others = threading.Event()

    def part(handler, name, query, body):
        Store.do_part(store, handler, name, query, body)
        if len(store.order) == last - 1:
            others.set()

    def fault(handler, what, _):
        if what != 'part' or f'partNumber={last}&' not in handler.path:
            return False
        others.wait()
        answer(handler)
        return True
    store.fault, store.do_part = fault, part


def cut(handler):
    handler.close_connection = True


def forbid(handler):
    Store.say_error(handler, 403, 'ExpiredToken', 'The provided token has expired.')


@tap.rows([('the right to write', forbid, 1, ()), ('the connection', cut, 75, ('--retry-time', '1'))])
def test_what_was_sent_before_is_lost_stays(t, answer, status, words):
    prepare(t)
    store, last = Store(), len(parts_of(len(DISK)))
    with Site(store.answer) as site:
        failing(store, last, answer)
        errors = convert(t, store, site, *words, '-O', 'raw', OBJECT, status=status).stderr
        tap.contains(errors, 'is kept at the store, and noted in journal')
        tap.equal((len(store.uploads), store.aborted), (1, []), 'uploads')
        store.fault, store.order = None, []
        resume(t, store, site, '-O', 'raw', OBJECT)
        tap.equal(store.order, [last], 'what was sent')
    check_whole(t, store, '-O', 'raw')


def test_a_run_that_is_interrupted(t):
    prepare(t)
    store = Killing()
    with Site(store.answer) as site:
        store.kill = lambda handler: (store.started.wait(), store.child.terminate(), cut(handler))
        store.most = 2
        with subprocess.Popen([tap.VMFERRY, 'convert', '--journal-file', 'journal', '-O', 'raw', 'disk.raw', OBJECT], cwd=t.folder, env={**os.environ, **environment(t, store, site, EPOCH)},
                              stderr=subprocess.DEVNULL) as store.child:
            store.started.set()
            tap.equal(store.child.wait(), 128 + signal.SIGTERM, 'status')
        kept, store.order, store.most = store.order, [], None
        resume(t, store, site, '-O', 'raw', OBJECT)
        tap.equal(sorted(store.order + kept), parts_of(len(DISK)), 'each part is sent once')
    check_whole(t, store, '-O', 'raw')


@tap.rows([('a run that fails before anything is sent', ()), ('a dry run', ('--dry-run',))])
def test_what_leaves_nothing(t, words):
    prepare(t)
    store = Store()
    store.fault = lambda handler, what, _: what == 'part' and (forbid(handler) or True)
    with Site(store.answer) as site:
        convert(t, store, site, *words, '-O', 'raw', OBJECT, status=0 if words else 1)
    tap.equal((store.uploads, store.objects, (t.folder / 'journal').exists()), ({}, {}, False), 'uploads, objects, the journal')


def test_what_is_not_to_be_replaced(t):
    """Unless an interrupted run has made it."""
    prepare(t)
    store = Killing()
    with Site(store.answer) as site:
        kill(t, store, site, '--no-clobber', '-O', 'raw', at='complete')
        store.objects['disks/a disk'] = b'another', '"0123-1"'
        tap.contains(refused(t, store, site, '--resume', '--no-clobber', '-O', 'raw'), '--no-clobber forbids')
        del store.objects['disks/a disk']
        kill(t, store, site, '--resume', '--no-clobber', '-O', 'raw', at='complete', after=True)
        resume(t, store, site, '--no-clobber', '-O', 'raw', OBJECT)
        tap.equal(store.order, [], 'what was sent')
    check_whole(t, store, '-O', 'raw')


def test_many_parts_are_listed(t):
    """The answers have a page each, up to the last of ten thousand."""
    prepare(t, DISK[:MIB])
    store = Store()
    store.parts_checked = False
    with Site(store.answer) as site:
        failing(store, 1, forbid)
        store.fault = lambda handler, what, _: what == 'complete' and (forbid(handler) or True)
        convert(t, store, site, '-O', 'raw', OBJECT, status=1)
        store.uploads['upload+0/='][1].update({number: b'x' for number in range(2, 10001)})
        store.fault, store.order, store.seen = None, [], []
        resume(t, store, site, '-O', 'raw', OBJECT)
        tap.equal((store.order, store.seen.count('list')), ([], 100), 'what was sent, and the pages')
    tap.equal(store.objects['disks/a disk'][0] == DISK[:MIB], True, 'the bytes')


# A server of another project, which is asked by its own client.

@contextlib.contextmanager
def server_of_others():
    try:
        import boto3
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise tap.Skip('moto, which serves S3, is not installed') from error
    logging.getLogger('werkzeug').setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    try:
        url, keys = 'http://%s:%d' % server.get_host_and_port(), Store()
        client = boto3.client('s3', endpoint_url=url, aws_access_key_id=keys.key, aws_secret_access_key=keys.secret, region_name=keys.region)
        client.create_bucket(Bucket='disks')
        yield client, keys.environment(url)
    finally:
        server.stop()


def wait_for_parts(client, count, child):
    """The upload, once it has so many."""
    while child.poll() is None:
        for upload in client.list_multipart_uploads(Bucket='disks').get('Uploads', []):
            if len(client.list_parts(Bucket='disks', Key=upload['Key'], UploadId=upload['UploadId']).get('Parts', [])) >= count:
                return upload['UploadId']
    raise AssertionError(f'it has ended, with {child.returncode}')


@contextlib.contextmanager
def count_parts():
    """The numbers of those that moto is sent."""
    from moto.s3.models import S3Backend
    real, numbers = S3Backend.upload_part, []

    def upload_part(self, bucket_name, multipart_id, part_id, value):
        numbers.append(part_id)
        return real(self, bucket_name, multipart_id, part_id, value)
    S3Backend.upload_part = upload_part
    try:
        yield numbers
    finally:
        S3Backend.upload_part = real


def test_a_server_of_others(t):
    prepare(t)
    with server_of_others() as (client, there):
        words = ['--journal-file', 'journal', '-O', 'raw', 'disk.raw', OBJECT]
        with subprocess.Popen([tap.VMFERRY, 'convert', '--rate-limit', '8M', *words], cwd=t.folder, env={**os.environ, **there}, stderr=subprocess.DEVNULL) as child:
            upload = wait_for_parts(client, 1, child)
            child.kill()
        tap.equal(re.findall(rb'^upload\t(.*)$', t.read('journal'), re.M), [upload.encode()], 'the upload in the journal')
        kept = [part['PartNumber'] for part in client.list_parts(Bucket='disks', Key='a disk', UploadId=upload)['Parts']]
        with count_parts() as again:
            t.vmferry('convert', '--resume', *words, env=there)
        tap.equal(sorted(again + kept), parts_of(len(DISK)), 'each part is sent once')
        tap.equal(client.get_object(Bucket='disks', Key='a disk')['Body'].read() == DISK, True, 'the bytes')
        tap.equal(client.list_multipart_uploads(Bucket='disks').get('Uploads', []), [], 'uploads')
        tap.equal((t.folder / 'journal').exists(), False, 'the journal')


if __name__ == '__main__':
    tap.main(globals())
