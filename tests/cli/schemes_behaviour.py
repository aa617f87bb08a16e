# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Every verb with sources on other machines, by each scheme: it does there what it does with a file here, or says in a sentence why not."""
import contextlib
import random
import re

import nbd_server
import tap
from object_store import Store
from remote_servers import Site

MIB = 1 << 20
RAW = random.Random(4).randbytes(MIB + MIB // 2) + bytes(MIB) + random.Random(5).randbytes(MIB // 2)


def made(t):
    t.write('disk.raw', RAW)
    t.write('other.raw', RAW[:MIB] + bytes(512) + RAW[MIB + 512:])
    for name in ('disk', 'other'):
        t.vmferry('convert', '-O', 'qcow2', f'{name}.raw', f'{name}.qcow2')
    t.vmferry('convert', 'disk.raw', 'disk.vmdk')
    t.vmferry('convert', 'disk.raw', 'disk.raw.gz')
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    t.vmferry('convert', 'vm.ova', 'vm.xva')
    t.vmferry('pack', '-o', 'vm.ovf', 'disk.raw')
    return {name: t.read(name) for name in t.names()}


@contextlib.contextmanager
def by_http(_, files):
    def answer(handler, number):
        data = files.get(handler.path.removeprefix('/'))
        handler.part(data) if data else handler.say(404)
    with Site(answer) as site:
        yield (lambda name: f'{site.url}/{name}'), {}


@contextlib.contextmanager
def by_store(_, files):
    store = Store()
    store.objects = {f'disks/{name}': (data, '"one"') for name, data in files.items()}
    with Site(store.answer) as site:
        yield (lambda name: f's3://disks/{name}'), store.environment(site.url)


@contextlib.contextmanager
def by_nbd(t, files):
    with nbd_server.Server(t, {name: data + bytes(-len(data) % 512) for name, data in files.items()}) as server:
        yield server.url_of, {}


SCHEMES = [('http', 'libcurl', by_http), ('s3', 'libcurl', by_store), ('nbd', 'libnbd', by_nbd)]

# @NAME is a file there, NAME one here. Of archives an export has more bytes than a file, since its sectors are whole.
DISKS = [
    ('info @disk.qcow2', 0, 'file format: qcow2'), ('map @disk.qcow2', 0, '0x280000'), ('compare @disk.qcow2 @disk.vmdk', 0, 'identical'),
    ('compare @disk.qcow2 other.raw', 1, 'offset 1048576'), ('check @disk.qcow2', 0, 'No errors'), ('measure -O qcow2 @disk.qcow2', 0, 'required size: 2424832'),
    ('checksum @disk.vmdk', 0, 'blkhash-sha256:'), ('checksum @vm.xva', 0, 'blkhash-sha256:'), ('diff @disk.qcow2 @other.qcow2', 1, '0x100000'),
    ('lint --for gce @disk.qcow2', 3, 'E-GCE-NAME'), ('convert @disk.qcow2 new.vdi', 0, ''), ('compare new.vdi disk.raw', 0, ''),
    ('convert -O raw @disk.qcow2 new.raw', 0, ''), ('convert --dry-run @disk.qcow2 none.vdi', 0, 'it fits'), ('apply @other.qcow2 new.raw', 0, '4096 bytes written'),
    ('compare new.raw other.raw', 0, ''), ('pack -o packed.ova @disk.qcow2', 0, ''), ('verify packed.ova', 0, 'intact')]
PACKAGES = [
    ('info @vm.ova', 0, 'machine: vm'), ('map --output=json @vm.ova::1', 0, '"compressed": true'), ('lint --for esxi @vm.ova', 0, 'nothing against it'),
    ('verify @vm.ova', 0, 'intact'), ('verify @vm.ovf', 0, 'intact'), ('unpack @vm.ova folder', 0, ''), ('convert @vm.ova::1 one.vhdx', 0, ''), ('compare one.vhdx disk.raw', 0, ''),
    ('convert @vm.ova new.vmx', 0, 'the machine:'), ('convert @vm.xva copy.ova', 0, 'L-controller'), ('compare copy.ova::1 disk.raw', 0, ''), ('info @disk.raw.gz', 0, 'gzip'),
    ('convert -O raw @disk.raw.gz unpacked.raw', 0, ''), ('compare unpacked.raw disk.raw', 0, '')]
REFUSED = [
    ('create -f qcow2 -b @disk.qcow2 -F qcow2 none.qcow2', 'is on another machine'), ('convert -B @disk.qcow2 -F qcow2 @disk.qcow2 none.qcow2', 'is on another machine'),
    ('edit --name x @vm.ova', 'is on another machine'), ('sign --renew @vm.ova', 'is on another machine'), ('info @nothing', 'nothing'),
    ('convert --resume @nothing none.vdi', 'nothing')]


def done(t, words, there, status=None):
    url_of, env = there
    return t.vmferry(*(re.sub(r'@(.*)', lambda found: url_of(found[1]), word) for word in words.split()), status=status, env=env)


@tap.rows(SCHEMES)
def test_every_verb_does_its_work(t, library, scheme):
    tap.needs(library)
    with scheme(t, made(t)) as there:
        for words, status, told in DISKS + (PACKAGES if scheme is not by_nbd else []):
            found = done(t, words, there, status)
            tap.contains(found.stdout + found.stderr, told)
    tap.equal([name for name in t.names() if name.startswith('none')], [], 'files')


@tap.rows(SCHEMES)
def test_what_cannot_be_done_is_said_in_a_sentence(t, library, scheme):
    tap.needs(library)
    with scheme(t, made(t)) as there:
        before = t.names()
        for words, told in REFUSED:
            found = done(t, words, there)
            tap.equal(found.returncode in (1, 2, 3), True, f'{words}: status {found.returncode}')
            tap.equal(found.stderr.count('\n'), 1, f'lines of {words}: {found.stderr}')
            tap.contains(found.stderr, told)
        tap.equal(t.names(), before, 'files')


if __name__ == '__main__':
    tap.main(globals())
