# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`vmferry sign`, its results checked by openssl and tar; and `verify` on what openssl signed, right and wrong."""
import fcntl
import io
import os
import re
import subprocess
import tarfile

import tap
from signing import DISK, FILES, OVF, Keys, archive, check_signature, folder, key_words, manifest, rules, signed


# ---- what we sign ----

def test_a_folder_without_a_manifest(t):
    path = folder(t)
    t.vmferry('sign', *key_words(), path)
    tap.equal(t.read('vm.mf'), manifest(), 'manifest')
    tap.equal(check_signature(t, t.read('vm.mf'), t.read('vm.cert')), None, 'CMS')
    found, status = rules(t, path)
    tap.equal(found.get('certificate-self-signed'), 'warning')
    assert status in (0, 3), status


@tap.rows([('sha1', 'sha1', 'sha256'), ('sha512', 'sha512', 'sha512')])
def test_digest(t, kind, signature):
    t.vmferry('sign', *key_words(), '--digest', kind, folder(t))
    tap.equal(t.read('vm.mf'), manifest(kind=kind.upper()), 'manifest')
    check_signature(t, t.read('vm.mf'), t.read('vm.cert'), signature)


def test_an_archive(t):
    extra = {'b.img': DISK, 'vm.ovf': OVF, 'readme': b'hello', 'a.img': FILES['a.img']}
    path = archive(t, extra)
    t.vmferry('sign', *key_words(), path)
    with tarfile.open(path) as tar:
        tap.equal(tar.getnames(), ['vm.ovf', 'vm.mf', 'vm.cert', 'b.img', 'a.img', 'readme'], 'order')
        found = {member.name: tar.extractfile(member).read() for member in tar}
        tap.equal([tar.getmember(name).mtime for name in ('vm.ovf', 'b.img', 'a.img', 'readme')],
                  [1600000001, 1600000000, 1600000003, 1600000002], 'times')
    for name, data in extra.items():
        tap.equal(found[name], data, name)
    tap.equal(found['vm.mf'], manifest(), 'manifest')
    check_signature(t, found['vm.mf'], found['vm.cert'])
    tap.equal(os.path.getsize(path) % 10240, 0, 'records')
    t.run('tar', 'tf', path)
    t.vmferry('sign', '--remove', path)
    with tarfile.open(path) as tar:
        tap.equal(tar.getnames(), ['vm.ovf', 'vm.mf', 'b.img', 'a.img', 'readme'], 'order')
        tap.equal(tar.extractfile('a.img').read(), FILES['a.img'])
    tap.equal([name for name in t.names() if not name.startswith('check')], ['vm.ova'], 'files')


def test_holes_in_an_archive(t):
    files = dict(FILES, **{'a.img': b'x' * 4096 + bytes(1 << 22) + b'y' * 4096 + bytes(4096)})
    path = archive(t, files)
    t.vmferry('sign', *key_words(), path)
    with tarfile.open(path) as tar:
        tap.equal(tar.extractfile('a.img').read(), files['a.img'])


def test_cms(t):
    Keys.make()
    Keys.write('chain.pem', Keys.read('leaf.pem') + Keys.read('middle.pem'))
    path = folder(t)
    t.vmferry('sign', *key_words('leaf', 'chain'), '--cms', path)
    cms = check_signature(t, t.read('vm.mf'), t.read('vm.cert'))
    t.write('vm.cms', cms)
    done = t.run('openssl', 'cms', '-verify', '-binary', '-inform', 'PEM', '-in', t.path('vm.cms'), '-content',
                 t.path('vm.mf'), '-CAfile', Keys.path('root.pem'), '-purpose', 'any', text=False)
    tap.equal(done.stdout, t.read('vm.mf'), 'content')
    found, status = rules(t, '--ca-file', Keys.path('root.pem'), path)
    tap.equal({rule for rule in found if rule.startswith(('cert', 'sign'))}, set(), 'findings')
    assert status in (0, 3), status
    cert = t.read('vm.cert')
    lines = cert.split(b'-----BEGIN CMS-----\n')
    broken = lines[0] + b'-----BEGIN CMS-----\n' + lines[1].replace(b'A', b'B', 3)
    t.write('vm.cert', broken)
    found, status = rules(t, path)
    tap.equal((found.get('signature-cms-wrong') or found.get('certificate-damaged'), status), ('failure', 2))


def test_cms_of_another_manifest(t):
    path = folder(t)
    t.vmferry('sign', *key_words(), '--cms', path)
    other = t.read('vm.cert').split(b'-----BEGIN CMS', 1)[1]
    text = manifest(dict(FILES, **{'a.img': b'changed'}))
    folder(t, text, signed(text) + b'-----BEGIN CMS' + other, dict(FILES, **{'a.img': b'changed'}))
    found, status = rules(t, path)
    tap.equal((found.get('signature-cms-wrong'), status), ('failure', 2))


def test_signing_again_and_with_sha512(t):
    text = manifest(kind='SHA512')
    path = folder(t, text, b'old')  # a wrong signature says that the manifest was altered
    t.vmferry('sign', *key_words(), path, status=8)
    t.vmferry('sign', '--remove', path)
    t.vmferry('sign', *key_words(), path)
    t.vmferry('sign', *key_words(), path)
    tap.equal(t.read('vm.mf'), text, 'manifest')
    check_signature(t, text, t.read('vm.cert'), 'sha512')


@tap.rows([('upper case', lambda text: re.sub(rb'[0-9a-f]{64}', lambda m: m[0].upper(), text), True),
           ('no newline', lambda text: text[:-1], True),
           ('order', lambda text: b''.join(sorted(text.splitlines(True))), True),
           ('spaces', lambda text: text.replace(b'(', b' (').replace(b')=', b') ='), False),
           ('SHA2-256', lambda text: text.replace(b'SHA256', b'SHA2-256'), False),
           ('CR LF', lambda text: text.replace(b'\n', b'\r\n'), False),
           ('sum', lambda text: re.sub(rb'SHA256\((.*)\)= (.*)', rb'\2  \1', text), False)])
def test_an_odd_manifest(t, change, kept):
    text = change(manifest())
    path = folder(t, text)
    t.vmferry('sign', *key_words(), path)
    tap.equal(t.read('vm.mf'), text if kept else manifest(), 'manifest')
    check_signature(t, t.read('vm.mf'), t.read('vm.cert'))


@tap.rows([('folder', folder, 'vm.ovf'), ('archive', lambda t, mf: archive(t, dict(FILES, **{'vm.mf': mf})), 'vm.ova')])
def test_a_manifest_that_is_wrong(t, put, name):
    path = put(t, manifest(dict(FILES, **{'a.img': b'?'})))
    before = {name: t.read(name) for name in t.names()}
    done = t.vmferry('sign', *key_words(), path, status=8)
    tap.contains(done.stderr, 'a.img')
    tap.contains(done.stderr, name)
    tap.equal({name: t.read(name) for name in t.names()}, before, 'files')


@tap.rows([('missing line', manifest({'vm.ovf': OVF, 'a.img': FILES['a.img']}), 8),
           ('missing file', manifest() + manifest({'c.img': b''}), 8),
           ('nonsense', manifest() + b'nonsense\n', 4)])
def test_a_manifest_that_is_incomplete(t, text, status):
    done = t.vmferry('sign', *key_words(), folder(t, text), status=None)
    assert done.returncode != 0 and (status != 8 or done.returncode == 8), done
    assert 'vm.cert' not in t.names()


@tap.rows([('another certificate', lambda: ['--key', Keys.path('own.key'), '--cert', Keys.path('other.pem')], 'belong'),
           ('small', lambda: key_words('small'), '2048'),
           ('locked', lambda: ['--key', Keys.path('locked.key'), '--cert', Keys.path('own.pem')], 'passphrase'),
           ('no key', lambda: ['--key', Keys.path('own.pem'), '--cert', Keys.path('own.pem')], 'private key'),
           ('no certificate', lambda: ['--key', Keys.path('own.key')], 'no certificate'),
           ('no file', lambda: ['--key', '/nonexistent'], 'nonexistent')])
def test_keys_that_are_refused(t, words, text):
    done = t.vmferry('sign', *words(), folder(t), status=None)
    assert done.returncode != 0
    tap.contains(done.stderr, text)
    tap.equal(t.names(), sorted(FILES), 'files')


def test_a_passphrase(t):
    path = folder(t)
    good, bad = t.write('good', b'secret words\nmore'), t.write('bad', b'secret')
    words = ['--key', Keys.path('locked.key'), '--cert', Keys.path('own.pem'), '--passphrase-file']
    tap.contains(t.vmferry('sign', *words, bad, path, status=None).stderr, 'does not open')
    assert 'vm.cert' not in t.names()
    t.vmferry('sign', *words, good, path)
    check_signature(t, t.read('vm.mf'), t.read('vm.cert'))


def test_key_and_certificate_in_one_file(t):
    both = t.write('both.pem', Keys.read('own.key') + Keys.read('own.pem') if Keys.make() is None else b'')
    t.vmferry('sign', '--key', both, folder(t))
    check_signature(t, t.read('vm.mf'), t.read('vm.cert'))
    assert b'PRIVATE' not in t.read('vm.cert')


@tap.rows([('neither', []), ('both', ['--remove', '--key', 'x']), ('certificate alone', ['--cert', 'x'])])
def test_wrong_command_lines(t, words):
    assert t.vmferry('sign', *words, folder(t), status=None).returncode != 0
    tap.equal(t.names(), sorted(FILES), 'files')


def test_remove_from_a_folder(t):
    path = folder(t, manifest(), signed(manifest()))
    t.vmferry('sign', '--remove', path)
    tap.equal(t.names(), sorted([*FILES, 'vm.mf']), 'files')
    tap.contains(t.vmferry('sign', '--remove', path).stderr, 'not signed')


def test_a_certificate_that_is_a_link(t):
    path = folder(t)
    victim = t.write('victim', b'keep')
    os.symlink(victim, t.path('vm.cert'))
    t.vmferry('sign', *key_words(), path, status=None)
    tap.equal(t.read('victim'), b'keep')


def test_a_packed_archive(t):
    path = archive(t, FILES)
    t.run('gzip', path)
    os.rename(path + '.gz', path)
    before = t.read('vm.ova')
    tap.contains(t.vmferry('sign', *key_words(), path, status=None).stderr, 'gzip')
    tap.equal(t.read('vm.ova'), before)


def test_an_expired_certificate_is_told(t):
    Keys.make()
    tap.contains(t.vmferry('sign', *key_words('own', 'old'), folder(t)).stderr, 'not valid any more')


def test_nothing_but_the_two_files_appears(t):
    path = folder(t)
    t.vmferry('sign', *key_words(), path)
    tap.equal(t.names(), sorted([*FILES, 'vm.mf', 'vm.cert']), 'files')


def test_the_same_bytes_with_a_fixed_time(t):
    path = folder(t)
    made = []
    for _ in range(2):
        t.vmferry('sign', *key_words(), '--cms', path, env={'SOURCE_DATE_EPOCH': '1700000000'})
        made.append(t.read('vm.cert'))
    tap.equal(made[0], made[1], 'certificate')


# ---- what we verify ----

@tap.rows([('exact', {}, set()),
           ('sha1', {'kind': 'sha1'}, {'signature-weak'}),
           ('sha384', {'kind': 'sha384'}, set()),
           ('sha512', {'kind': 'sha512'}, set()),
           ('spaces', {'form': '{KIND} (vm.mf) = {hex}\n\n'}, {'signature-form'}),
           ('CR LF', {'form': '{KIND}(vm.mf)= {hex}\r\n'}, {'signature-form'}),
           ('Base64', {'form': '{KIND}(vm.mf)= {base64}\n'}, {'signature-form'}),
           ('SHA2', {'form': 'SHA2-256(vm.mf)= {hex}\n'}, {'signature-form'}),
           ('text', {'form': 'hello\n{KIND}(vm.mf)= {hex}\n'}, {'signature-form'}),
           ('blank first', {'form': '\n{KIND}(vm.mf)= {hex}\n'}, {'signature-form'}),
           ('another name', {'form': '{KIND}(other.mf)= {hex}\n'}, {'signature-name'}),
           ('small key', {'key': 'small'}, {'signature-weak'}),
           ('elliptic', {'key': 'ec'}, {'signature-form'})])
def test_signatures_of_openssl(t, words, expected):
    found, status = rules(t, folder(t, manifest(), signed(manifest(), **words)))
    ours = {rule: severity for rule, severity in found.items() if rule.startswith(('cert', 'sign'))}
    tap.equal(ours, dict.fromkeys(expected | {'certificate-self-signed'}, 'warning'), 'findings')
    assert status in (0, 3), status


@tap.rows([('manifest', lambda: (manifest().replace(b'\n', b'\n\n', 1), signed(manifest())), 'signature-wrong'),
           ('other key', lambda: (manifest(), signed(manifest(), 'other', cert='own')), 'signature-wrong'),
           ('digit', lambda: (manifest(), signed(manifest(), form='{KIND}(vm.mf)= 00{hex}\n')), 'signature-wrong'),
           ('no digits', lambda: (manifest(), signed(manifest(), form='{KIND}(vm.mf)= x-y\n')), 'signature-wrong'),
           ('algorithm', lambda: (manifest(), signed(manifest(), form='MD5(vm.mf)= {hex}\n')), 'signature-algorithm'),
           ('no line', lambda: (manifest(), signed(manifest(), form='')), 'signature-missing'),
           ('no certificate', lambda: (manifest(), signed(manifest()).split(b'-----BEGIN')[0]), 'certificate-missing'),
           ('damaged', lambda: (manifest(), signed(manifest())[:-300]), 'certificate-damaged'),
           ('empty', lambda: (manifest(), b''), 'signature-missing')])
def test_signatures_that_are_wrong(t, make, rule):
    found, status = rules(t, folder(t, *make()))
    tap.equal((found.get(rule), status), ('failure', 2), rule)


def chain(*others):
    return signed(manifest(), 'leaf') + b''.join(Keys.read(name + '.pem') for name in others)


@tap.rows([('unknown', lambda: chain('middle'), [], 'certificate-untrusted', 'warning'),
           ('root', lambda: chain('middle'), ['--ca-file', 'root.pem'], None, None),
           ('gap', chain, ['--ca-file', 'root.pem'], 'certificate-untrusted', 'failure'),
           ('intermediate', chain, ['--ca-file', 'middle.pem'], None, None),
           ('another root', lambda: chain('middle'), ['--ca-file', 'other.pem'], 'certificate-untrusted', 'failure'),
           ('self', lambda: signed(manifest()), ['--require-signature'], 'certificate-self-signed', 'failure'),
           ('self, trusted', lambda: signed(manifest()), ['--ca-file', 'own.pem'], None, None),
           ('old', lambda: signed(manifest(), cert='old'), [], 'certificate-expired', 'warning'),
           ('old, trusted', lambda: signed(manifest(), cert='old'), ['--ca-file', 'old.pem'], 'certificate-expired',
            'failure'),
           ('future', lambda: signed(manifest(), cert='future'), [], 'certificate-not-yet-valid', 'warning')])
def test_trust(t, make, words, rule, severity):
    Keys.make()
    path = folder(t, manifest(), make())
    words = [Keys.path(word) if word.endswith('.pem') else word for word in words]
    found, status = rules(t, *words, path)
    ours = {rule: severity for rule, severity in found.items() if rule.startswith(('cert', 'sign'))}
    if rule is None:
        tap.equal(ours, {}, 'findings')
    else:
        tap.equal(ours.get(rule), severity, rule)
    assert (status == 2) == (severity == 'failure'), (status, found)


def test_a_pinned_signer(t):
    path = folder(t, manifest(), signed(manifest()))
    mark = Keys.fingerprint('own')
    found, _ = rules(t, '--signer', mark, path)
    tap.equal({rule for rule in found if rule.startswith(('cert', 'sign'))}, set(), 'findings')
    found, status = rules(t, '--signer', mark.replace(mark[0], 'F' if mark[0] != 'F' else 'E'), path)
    tap.equal((found.get('signer-unexpected'), status), ('failure', 2))


def test_a_ca_file_that_is_none(t):
    path = folder(t, manifest(), signed(manifest()))
    tap.equal(t.vmferry('verify', '--ca-file', path, path, status=None).returncode, 1)


def test_the_package_of_open_ovf(t):
    source = tap.SOURCE / '../shared/ovf-samples/open-ovf'
    if not source.is_dir():
        raise tap.Skip('no samples folder')
    for name in ('ourOVF.ovf', 'ourOVF.mf', 'ourOVF.cert'):
        t.write(name, (source / name).read_bytes())
    found, _ = rules(t, t.path('ourOVF.ovf'))
    tap.equal(found.get('signature-wrong'), None)
    tap.equal((found['signature-weak'], found['certificate-expired'], found['certificate-self-signed']),
              ('warning',) * 3)


@tap.rows([('a new manifest', folder, [], []), ('a manifest that stays', folder, ['--digest', 'sha512'], []), ('its renewal', folder, [], ['--renew']),
           ('the signature taken away', folder, [], ['--remove']), ('an archive', lambda t: archive(t, FILES), [], [])])
def test_while_another_run_replaces_the_package_nothing_is_written(t, make, before, words):
    path = make(t)
    if before or words:
        t.vmferry('sign', *key_words(), *before, path)
    if '--renew' in words:
        t.write('a.img', FILES['a.img'] + bytes(512))
    old = {name: t.read(name) for name in t.names()}
    with open(t.path('vm.ovf' if make is folder else 'vm.ova'), 'rb') as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        run = t.vmferry('sign', *([] if '--remove' in words else key_words()), *words, path, status=None)
    tap.contains(run.stderr, 'another run is replacing it; run this again')
    assert run.returncode != 0
    tap.equal({name: t.read(name) for name in t.names()}, old)


def test_two_that_sign_at_once_leave_one_signature_that_is_right(t):
    path = folder(t)
    for turn in range(6):
        runs = [subprocess.Popen([tap.VMFERRY, 'sign', '-q', '--no-sync', *key_words(), '--digest', kind, *more, path], stderr=subprocess.PIPE, text=True)
                for kind, more in (('sha256', ['--cms']), ('sha512', []))]
        told = [(run.communicate()[1], run.returncode) for run in runs]
        assert any(status == 0 for text, status in told), told
        for text, status in told:
            assert status == 0 or 'run this again' in text, text
        tap.equal(rules(t, path)[1] in (0, 3), True, f'turn {turn}')
        os.remove(t.path('vm.mf')), os.remove(t.path('vm.cert'))

if __name__ == '__main__':
    tap.main(globals())
