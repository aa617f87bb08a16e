# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Who may sign a package: keys, certificates and CMS parts that are too weak or made for something else, and what else
stands in a certificate file. openssl makes the signatures that are verified, and verifies those that are made."""
import binascii
import os
import re
import tarfile

import tap
from signing import FILES, Keys, folder, key_words, manifest, rules, signed

LEAF = 'basicConstraints=critical,CA:FALSE'


def key(name, *words):
    if not os.path.exists(Keys.path(name + '.key')):
        Keys.openssl('genpkey', '-out', name + '.key', '-algorithm', *words)


def rsa(name, bits=2048):
    key(name, 'RSA', '-pkeyopt', f'rsa_keygen_bits:{bits}')


def curve(name, which):
    key(name, 'EC', '-pkeyopt', 'ec_paramgen_curve:' + which)


def issued(*extensions, name='made', issuer='root', digest='sha256'):
    rsa(name)
    Keys.issue(name, issuer, *(extensions or [LEAF]), digest=digest)
    return signed(manifest(), name)


def by_curve(which):
    curve(which, which)
    return issued(LEAF, name=which)


def by_small():
    rsa('tiny', 1024)
    return issued(LEAF, name='tiny')


def above(extensions, small=False, digest='sha256'):
    """Under an intermediate authority of that kind."""
    rsa('above', 1024 if small else 2048)
    Keys.issue('above', 'root', 'basicConstraints=critical,CA:TRUE', *extensions, digest=digest)
    text = issued(LEAF, issuer='above') + Keys.read('above.pem')
    os.unlink(Keys.path('above.key'))
    return text


def cms(name='leaf', text=None, md='sha256', label=b'CMS'):
    Keys.write('cms.mf', manifest() if text is None else text)
    made = Keys.openssl('cms', '-sign', '-binary', '-in', 'cms.mf', '-signer', name + '.pem', '-inkey', name + '.key',
                        '-outform', 'PEM', '-md', md)
    return made.replace(b' CMS-----', b' ' + label + b'-----')


def leaf(*parts):
    return signed(manifest(), 'leaf') + Keys.read('middle.pem') + b''.join(parts)


def line(text=None):
    return signed(manifest() if text is None else text, 'leaf').split(b'-----BEGIN')[0]


def ours(found):
    return {rule: severity for rule, severity in found.items() if rule.startswith(('cert', 'sign'))}


@tap.rows([('good', issued, None),
           ('code', lambda: issued(LEAF, 'extendedKeyUsage=serverAuth,codeSigning'), None),
           ('mail', lambda: issued(LEAF, 'keyUsage=digitalSignature', 'extendedKeyUsage=emailProtection'), None),
           ('P-224', lambda: by_curve('secp224r1'), 'signature-form'),
           ('small', by_small, 'signature-weak'),
           ('curve', lambda: by_curve('prime192v1'), 'signature-weak'),
           ('digest', lambda: issued(LEAF, digest='sha1'), 'signature-weak'),
           ('line', lambda: signed(manifest(), 'leaf', 'sha1') + Keys.read('middle.pem'), 'signature-weak'),
           ('small above', lambda: above([], small=True), 'signature-weak'),
           ('digest above', lambda: above([], digest='sha1'), 'signature-weak'),
           ('usage', lambda: issued(LEAF, 'keyUsage=keyEncipherment'), 'certificate-usage'),
           ('only repudiation', lambda: issued(LEAF, 'keyUsage=nonRepudiation'), 'certificate-usage'),
           ('server', lambda: issued(LEAF, 'extendedKeyUsage=serverAuth'), 'certificate-usage'),
           ('time', lambda: issued(LEAF, 'extendedKeyUsage=critical,timeStamping'), 'certificate-usage'),
           ('any', lambda: issued(LEAF, 'extendedKeyUsage=anyExtendedKeyUsage'), 'certificate-usage'),
           ('server above', lambda: above(['extendedKeyUsage=serverAuth']), 'certificate-usage'),
           ('any above', lambda: above(['extendedKeyUsage=anyExtendedKeyUsage']), None),
           ('authority', lambda: issued('basicConstraints=CA:TRUE'), 'certificate-authority'),
           ('authority by usage', lambda: issued('keyUsage=digitalSignature,keyCertSign'), 'certificate-authority')])
def test_a_signer(t, make, rule):
    Keys.make()
    path = folder(t, manifest(), make())
    found, status = rules(t, '--ca-file', Keys.path('root.pem'), path)
    severity = None if rule is None else 'warning' if rule == 'signature-form' else 'failure'
    tap.equal((ours(found).get(rule), status == 2), (severity, severity == 'failure'), rule)
    if rule is None:
        tap.equal(ours(found), {}, 'findings')
    if severity != 'failure':
        return
    mild, status = rules(t, path)
    if rule != 'certificate-usage' or 'above' not in make.__code__.co_names:  # whom nobody knows has nobody above
        assert ours(mild).get(rule) == 'warning' or 'above' in make.__code__.co_names, mild
    assert status in (0, 3), (status, mild)


@tap.rows([('authority', lambda: issued('basicConstraints=CA:TRUE'), 'made', None),
           ('small', by_small, 'tiny', 'signature-weak'),
           ('server', lambda: issued(LEAF, 'extendedKeyUsage=serverAuth'), 'made', 'certificate-usage'),
           ('line', lambda: signed(manifest(), 'leaf', 'sha1'), 'leaf', 'signature-weak')])
def test_a_pinned_signer(t, make, name, rule):
    Keys.make()
    path = folder(t, manifest(), make())
    found, status = rules(t, '--signer', Keys.fingerprint(name), path)
    tap.equal(ours(found), {} if rule is None else {rule: 'failure'}, 'findings')
    tap.equal(status == 2, rule is not None, 'status')


def test_an_authority_signs_for_itself(t):
    """What `openssl req -x509` makes by default."""
    Keys.make()
    path = folder(t, manifest(), signed(manifest(), 'root'))
    found, status = rules(t, '--ca-file', Keys.path('root.pem'), path)
    tap.equal((ours(found), status), ({'certificate-authority': 'failure'}, 2))
    found, status = rules(t, '--signer', Keys.fingerprint('root'), path)
    tap.equal(ours(found), {}, 'findings')


# ---- every line of the file ----

OTHER = manifest(dict(FILES, **{'a.img': b'other'}))


@tap.rows([('CMS', lambda: leaf(cms()), {}),
           ('PKCS7', lambda: leaf(cms(label=b'PKCS7')), {}),
           ('CMS only', lambda: Keys.read('leaf.pem') + Keys.read('middle.pem') + cms(), {'signature-form': 'warning'}),
           ('weak CMS', lambda: leaf(cms(md='sha1')), {'signature-weak': 'failure'}),
           ('MD5', lambda: leaf(cms(md='md5')), {'signature-weak': 'failure'}),
           ('CMS of another', lambda: leaf(cms('own')), {'signature-cms-wrong': 'failure'}),
           ('second CMS', lambda: leaf(cms(), cms(text=OTHER)), {'signature-cms-wrong': 'failure'}),
           ('second line', lambda: line() + leaf(), {'signature-form': 'warning'}),
           ('wrong line first', lambda: line(OTHER) + leaf(), {'signature-form': 'warning', 'signature-wrong': 'failure'}),
           ('wrong line behind', lambda: leaf(line(OTHER)), {'signature-form': 'warning', 'signature-wrong': 'failure'}),
           ('right line behind', lambda: leaf(b'\n', line()), {'signature-form': 'warning'}),
           ('unknown line behind', lambda: leaf(line().replace(b'SHA256', b'MD5')),
            {'signature-form': 'warning', 'signature-algorithm': 'failure'}),
           ('text between', lambda: leaf(b'subject=CN = x\n\n', Keys.read('root.pem')), {'signature-form': 'warning'}),
           ('word behind', lambda: leaf(b'AAAA\n'), {'signature-form': 'warning'}),
           ('blank lines between', lambda: leaf(b'\n', Keys.read('root.pem')), {}),
           ('damaged block', lambda: leaf(b'-----BEGIN CERTIFICATE-----\nAAAA\n'), {'certificate-damaged': 'failure'}),
           ('other block', lambda: leaf(b'-----BEGIN X-----\nAAAA\n-----END X-----\n'), {'signature-form': 'warning'}),
           ('five lines', lambda: line() * 4 + leaf(), {'signature-form': 'warning', 'certificate-limit': 'failure'}),
           ('many blocks', lambda: leaf(Keys.read('root.pem') * 63), {'certificate-limit': 'failure'})])
def test_what_stands_in_the_file(t, make, expected):
    Keys.make()
    found, status = rules(t, '--ca-file', Keys.path('root.pem'), folder(t, manifest(), make()))
    tap.equal(ours(found), expected, 'findings')
    tap.equal(status == 2, 'failure' in expected.values(), 'status')


# ---- keys that are not RSA ----

KINDS = [('P-256', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']),
         ('P-384', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384']),
         ('P-521', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521']),
         ('Ed25519', ['ED25519']),
         ('Ed448', ['ED448']),
         ('PSS', ['RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'])]


def pair(name, words):
    Keys.make()
    if not os.path.exists(Keys.path(name + '.key')):
        key(name, *words)
        Keys.issue(name, 'root', LEAF)


def check(t, name, mf, cert, mf_name='vm.mf'):
    """openssl's word on a signature; the CMS part, or None."""
    match = re.fullmatch(rb'SHA256\(' + re.escape(mf_name.encode()) + rb'\)= ([0-9a-f]+)\n'
                         rb'(-----BEGIN CERTIFICATE-----\n[^-]*-----END CERTIFICATE-----\n)'
                         rb'(-----BEGIN CMS-----\n[^-]*-----END CMS-----\n)?', cert)
    assert match, cert
    tap.equal(match[2], Keys.read(name + '.pem'), 'certificate')
    sig, text, public = t.write('sig', binascii.unhexlify(match[1])), t.write('text', mf), t.path('pub')
    t.write('pub', Keys.openssl('pkey', '-in', name + '.key', '-pubout'))
    if name.startswith('Ed'):
        t.run('openssl', 'pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', public, '-sigfile', sig, '-in', text)
    else:
        t.run('openssl', 'dgst', '-sha256', '-verify', public, '-signature', sig,
              *(['-sigopt', 'rsa_padding_mode:pss'] if name == 'PSS' else []), text)
    return match[3]


@tap.rows(KINDS)
def test_a_key_signs(t, words):
    name = next(kind for kind, same in KINDS if same is words)
    pair(name, words)
    path = folder(t)
    done = t.vmferry('sign', *key_words(name), path)
    tap.contains(done.stderr, 'RSA only')
    check(t, name, t.read('vm.mf'), t.read('vm.cert'))
    found, status = rules(t, '--ca-file', Keys.path('root.pem'), path)
    tap.equal(ours(found), {'signature-form': 'warning'}, 'findings')
    assert status != 2
    text = t.read('vm.mf')
    t.write('vm.mf', text.replace(b'a.img', b'A.img'))
    found, status = rules(t, path)
    tap.equal((found.get('signature-wrong'), status), ('failure', 2))


@tap.rows(KINDS)
def test_openssl_signs(t, words):
    name = next(kind for kind, same in KINDS if same is words)
    pair(name, words)
    Keys.write('text.mf', manifest())
    if name.startswith('Ed'):
        value = Keys.openssl('pkeyutl', '-sign', '-rawin', '-inkey', name + '.key', '-in', 'text.mf')
    else:
        value = Keys.openssl('dgst', '-sha256', '-sign', name + '.key', 'text.mf')
    cert = b'SHA256(vm.mf)= ' + value.hex().encode() + b'\n' + Keys.read(name + '.pem')
    found, status = rules(t, '--ca-file', Keys.path('root.pem'), folder(t, manifest(), cert))
    tap.equal(ours(found), {'signature-form': 'warning'}, 'findings')
    assert status != 2


@tap.rows([row for row in KINDS if not row[0].startswith('Ed')])
def test_cms_by_a_key(t, words):
    name = next(kind for kind, same in KINDS if same is words)
    pair(name, words)
    path = folder(t)
    t.vmferry('sign', *key_words(name), '--cms', path)
    part = t.write('part', check(t, name, t.read('vm.mf'), t.read('vm.cert')))
    t.run('openssl', 'cms', '-verify', '-binary', '-inform', 'PEM', '-in', part, '-content', t.path('vm.mf'), '-CAfile',
          Keys.path('root.pem'), '-purpose', 'any', text=False)
    found, status = rules(t, '--ca-file', Keys.path('root.pem'), path)
    tap.equal(ours(found), {'signature-form': 'warning'}, 'findings')
    assert status != 2


@tap.rows(KINDS[:1])
def test_room_is_kept_for_a_signature_of_any_length(t, words):
    pair('P-256', words)
    disk = t.write('a.img', FILES['a.img'])
    for number in range(8):
        made = t.path(f'{number}.ova')
        t.vmferry('pack', '--sign', Keys.path('P-256.key'), '--cert', Keys.path('P-256.pem'), '--cms', disk, '-o', made)
        with tarfile.open(made) as tar:
            texts = {member.name: tar.extractfile(member).read() for member in tar}
        check(t, 'P-256', texts[f'{number}.mf'], texts[f'{number}.cert'], f'{number}.mf')


@tap.rows([('small', ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024'], '2048'),
           ('small PSS', ['RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:1024'], '2048'),
           ('curve', ['EC', '-pkeyopt', 'ec_paramgen_curve:prime192v1'], '224'),
           ('exchange', ['X25519'], 'X25519')])
def test_a_key_that_is_refused(t, words, text):
    Keys.make()
    Keys.openssl('genpkey', '-out', 'refused.key', '-algorithm', *words)
    done = t.vmferry('sign', '--key', Keys.path('refused.key'), '--cert', Keys.path('own.pem'), folder(t), status=None)
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr, text)
    tap.equal(t.names(), sorted(FILES), 'files')


if __name__ == '__main__':
    tap.main(globals())
