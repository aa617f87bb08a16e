# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`vmferry sign --renew`: the manifest of a package that was changed by hand, held against hashlib, sha256sum and openssl."""
import hashlib
import os
import re
import tarfile

import tap
from signing import DISK, FILES, OVF, archive, check_signature, folder, key_words, manifest, signed

EDITED = OVF.replace(b'<Info>v</Info>', b'<Info>edited by hand</Info>')
STREAM = OVF.replace(b'"raw"', b'"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"', 1)  # a.img is
CHANGED = dict(FILES, **{'vm.ovf': EDITED})


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def renewed(t, path, *words):
    return t.vmferry('sign', '--renew', *words, path)


def state(t):
    return {name: (t.read(name), os.stat(t.path(name)).st_ino) for name in t.names()}


def members(path):
    with tarfile.open(path) as tar:
        return [(member.name, member.mtime, tar.extractfile(member).read()) for member in tar]


def test_an_edited_descriptor(t):
    path = folder(t, manifest(), files=CHANGED)
    done = renewed(t, path)
    tap.equal(done.stdout, f'vm.ovf: its SHA256 was {sha256(OVF)}, is {sha256(EDITED)}\n')
    tap.equal(t.read('vm.mf'), manifest(CHANGED), 'manifest')
    t.write('sums', re.sub(rb'SHA256\((.*)\)= (.*)', rb'\2  \1', t.read('vm.mf')))
    t.run(tap.tool('sha256sum'), '-c', 'sums')
    tap.equal({name: t.read(name) for name in CHANGED}, CHANGED, 'files')
    t.vmferry('verify', path, status=None)
    t.vmferry('sign', *key_words(), path)


def test_an_archive_keeps_its_order_and_its_bytes(t):
    parts = {'b.img': DISK, 'vm.mf': manifest(), 'readme': b'hello', 'vm.ovf': EDITED, 'vm.cert': signed(manifest()), 'a.img': FILES['a.img']}
    path = archive(t, parts)
    before = members(path)
    done = renewed(t, path)
    tap.contains(done.stderr, 'vm.cert: was a signature of another manifest')
    tap.equal(members(path), [(name, time, manifest(CHANGED) if name == 'vm.mf' else data) for name, time, data in before if name != 'vm.cert'])
    tap.equal(t.names(), ['vm.ova'], 'files')
    t.run('tar', 'tf', path)


def test_what_an_archive_did_not_have_comes_behind_the_descriptor(t):
    path = archive(t, {'b.img': DISK, 'vm.ovf': OVF, 'a.img': FILES['a.img']})
    done = renewed(t, path, *key_words())
    tap.equal(done.stdout.count(': was not in the manifest; its SHA256 is '), 3, 'lines')
    tap.equal([name for name, *_ in members(path)], ['b.img', 'vm.ovf', 'vm.mf', 'vm.cert', 'a.img'])


@tap.rows([('folder', folder), ('archive', lambda t, mf, cert, files: archive(t, dict(files, **{'vm.mf': mf, 'vm.cert': cert})))])
def test_with_a_key_it_is_signed_again(t, put):
    path = put(t, manifest(), signed(manifest()), files=CHANGED) if put is folder else put(t, manifest(), signed(manifest()), CHANGED)
    done = renewed(t, path, *key_words('other'))
    tap.equal('signature' in done.stderr, False, done.stderr)
    texts = {name: data for name, _, data in members(path)} if put is not folder else {name: t.read(name) for name in t.names()}
    tap.equal(texts['vm.mf'], manifest(CHANGED), 'manifest')
    check_signature(t, texts['vm.mf'], texts['vm.cert'])


def test_without_a_key_the_old_signature_goes(t):
    path = folder(t, manifest(), signed(manifest()), CHANGED)
    tap.contains(renewed(t, path).stderr, '[signature-removed]')
    tap.equal(t.names(), ['a.img', 'b.img', 'vm.mf', 'vm.ovf'], 'files')


@tap.rows([('folder', folder), ('archive', lambda t, mf, cert: archive(t, dict(FILES, **{'vm.mf': mf, 'vm.cert': cert})))])
def test_what_is_right_is_left_alone(t, put):
    path = put(t, manifest(), signed(manifest()))
    before = state(t)
    done = renewed(t, path)
    tap.equal((done.stdout, done.stderr), ('no file differs from the manifest\n', ''))
    tap.equal(state(t), before, 'files')


def test_a_wrong_signature_of_a_right_manifest_goes(t):
    path = folder(t, manifest(), signed(b'another'))
    tap.contains(renewed(t, path).stderr, '[signature-removed]')
    tap.equal((t.read('vm.mf'), 'vm.cert' in t.names()), (manifest(), False))


def test_lines_are_added_kept_and_dropped(t):
    files = {'readme': b'hello', 'a.img': FILES['a.img'], 'vm.ovf': OVF, 'gone.img': b'gone'}
    path = folder(t, manifest(files) + b'no digest\n')
    t.write('readme', b'hello again')
    shown = renewed(t, path).stdout
    tap.equal(t.read('vm.mf'), manifest({'readme': b'hello again', 'a.img': FILES['a.img'], 'vm.ovf': OVF, 'b.img': DISK}), 'manifest')
    for line in (f'readme: its SHA256 was {sha256(b"hello")}, is {sha256(b"hello again")}', f'b.img: was not in the manifest; its SHA256 is {sha256(DISK)}',
                 f'gone.img: is not in the package, and not in the manifest any longer; its SHA256 was {sha256(b"gone")}',
                 'vm.mf: lines that were no digests are not in it any longer'):
        tap.contains(shown, line + '\n')
    tap.equal(shown.count('\n'), 4, 'lines')


@tap.rows([('of the old one', 'SHA512', [], 'SHA512'), ('asked for', 'SHA1', ['--digest', 'sha256'], 'SHA256'), ('SHA-1 of the old one', 'SHA1', [], 'SHA1')])
def test_digest(t, old, words, new):
    path = folder(t, manifest(kind=old), files=CHANGED)
    shown = renewed(t, path, *words).stdout
    tap.equal(t.read('vm.mf'), manifest(CHANGED, new), 'manifest')
    digest = getattr(hashlib, old.lower())
    tap.equal(shown, f'vm.ovf: its {old} was {digest(OVF).hexdigest()}, is {digest(EDITED).hexdigest()}\n')


def test_another_digest_alone(t):
    path = folder(t, manifest())
    tap.equal(renewed(t, path, '--digest', 'sha512').stdout, 'no file differs from the manifest\n')
    tap.equal(t.read('vm.mf'), manifest(kind='SHA512'), 'manifest')


@tap.rows([('no XML', {'vm.ovf': OVF[:-20]}, 2), ('a file is missing', {'a.img': None}, 2),
           ('a damaged disk', {'vm.ovf': STREAM, 'a.img': (tap.IMAGES / 'good-vmdk-stream.vmdk').read_bytes()[:-700]}, 2)])
def test_refused(t, change, status):
    files = {name: data for name, data in dict(FILES, **change).items() if data is not None}
    path = folder(t, manifest(), signed(manifest()), files)
    before = state(t)
    t.vmferry('sign', '--renew', path, status=status)
    tap.equal(state(t), before, 'files')


@tap.rows([(words[0], *words) for words in (('--remove',), ('--require-signature',), ('--ca-file', 'x'), ('--no-verify',))])
def test_what_does_not_go_together(t, *words):
    t.write('x', b'')
    tap.contains(t.vmferry('sign', '--renew', *words, folder(t), status=1).stderr, 'renew')


def test_quiet(t):
    done = renewed(t, folder(t, manifest(), files=CHANGED), '-q')
    tap.equal((done.stdout, done.stderr), ('', ''))


tap.main(globals())
