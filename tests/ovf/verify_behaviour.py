# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`verify`: good packages in every shape, one fault at a time with its rule and exit status, signatures, and the real
packages of VMFERRY_OVF_SAMPLES against what is known of their manifests."""
import gzip
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import tarfile

import tap
import verify_packages as packages
from verify_packages import Package

SEVERITIES = {0: (), 2: ('failure',), 3: ('violation',)}


def samples(name=''):
    folder = pathlib.Path(os.environ.get('VMFERRY_OVF_SAMPLES', tap.SOURCE / '../shared/ovf-samples')) / name
    if not folder.exists():
        raise tap.Skip('no samples of packages')
    return folder.resolve()


def verify(t, path, *words, status=0):
    """The answer in JSON; {rule: its worst severity} is under 'rules'."""
    done = t.vmferry('verify', '--output=json', *words, path, status=status)
    answer = json.loads(done.stdout)
    order = ('note', 'loss', 'warning', 'violation', 'failure')
    found = sorted(answer['findings'], key=lambda one: order.index(one['severity']))
    answer['rules'] = {one['rule']: one['severity'] for one in found}
    return answer


def reference(name, **attributes):
    def change(package):
        package.references[name].update(attributes)
    return change


def disk(name, **attributes):
    def change(package):
        package.disks[name].update(attributes)
    return change


def content(name, data):
    def change(package):
        package.files[name] = data
        package.references.get(name, {}).update(size=str(len(data)))
    return change


def member(name, data):
    def change(package):
        package.files[name] = data
    return change


def parts(**values):
    def change(package):
        for name, value in values.items():
            setattr(package, name, value)
    return change


def manifest(old, new, count=1):
    return parts(edit_manifest=lambda text: text.replace(old, new, count))


def without(name):
    def change(package):
        package.files.pop(name)
    return change


def flipped(data, at=5000):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def wrong_digest(name, kind='SHA256'):
    """The last digit of a digest."""
    def edit(text):
        return ''.join(line[:-2] + ('0' if line[-2] != '0' else '1') + '\n' if line.startswith(f'{kind}({name})')
                       else line for line in text.splitlines(True))
    return parts(edit_manifest=edit)


def unlisted(name):
    return parts(edit_manifest=lambda text: ''.join(line for line in text.splitlines(True) if f'({name})' not in line))


def chunked(size, cut=None):
    """a.vmdk in chunks."""
    def change(package):
        whole = package.files.pop('a.vmdk')
        chunks = [whole[at:at + size] for at in range(0, len(whole), size)]
        for number, data in enumerate(chunks[:cut]):
            package.files[f'a.vmdk.{number:09}'] = data
        package.references['a.vmdk'].update(chunkSize=str(size))
    return change


def head(*names):
    return parts(order=lambda found: list(names) + [name for name in found if name not in names])


def tail(*names):
    return parts(order=lambda found: [name for name in found if name not in names] + list(names))


GOOD = [
    ('as it is', lambda package: None),
    ('SHA-1', parts(digests=['sha1'])),
    ('SHA-512', parts(digests=['sha512'])),
    ('three digests a file', parts(digests=['sha1', 'sha256', 'sha512'])),
    ('without sizes', lambda package: [one.update(size=None) for one in package.references.values()]),
    ('a file that is no disk', lambda package: [
        package.files.update({'x.nvram': b'nvram'}),
        package.references.update({'x.nvram': {'id': 'x', 'href': 'x.nvram', 'size': '5'}})]),
    ('an empty file', lambda package: [
        package.files.update({'empty': b''}), package.references.update({'empty': {'id': 'x', 'href': 'empty'}})]),
    ('an escaped name', lambda package: [
        package.files.update({'a b.txt': b'x'}),
        package.references.update({'a b': {'id': 'x', 'href': 'a%20b.txt', 'size': '1'}})]),
]


@tap.rows(GOOD)
def test_good(t, change):
    package = Package()
    change(package)
    for path in (package.ova(t), package.folder(t), t.path('folder/vm.ovf')):
        answer = verify(t, path)
        tap.equal((answer['verdict'], answer['findings'], answer['manifest'], answer['signature']),
                  ('intact', [], True, None))
        tap.equal((answer['files'], answer['bytes']),
                  (len(package.files) + 1, sum(map(len, package.files.values())) + len(package.descriptor())))


def test_good_in_words(t):
    path = Package().ova(t)
    tap.equal(t.vmferry('verify', path).stdout, f'{path}: intact, 3 files, 147 KiB, not signed\n')
    tap.equal(t.vmferry('verify', '-q', path).stdout, '')
    tap.contains(t.vmferry('verify', '-p', path).stderr, 'done, 100.0 %')


def test_a_finding_in_words(t):
    package = Package()
    disk('b.vmdk', capacity='1')(package)
    done = t.vmferry('verify', package.ova(t), status=3)
    tap.contains(done.stdout, 'vm.ovf:11: violation: the disk "disk-b.vmdk" has 2100736 bytes, the descriptor says 1 '
                              '[disk-capacity-wrong]\n')
    tap.contains(done.stdout, 'vm.ova: intact, 1 violation, 3 files, ')
    tap.equal(len(t.vmferry('verify', '-q', 'vm.ova', status=3).stdout.splitlines()), 1)


FAULTS = [
    # title, change, the rule that is told, exit status
    ('a byte of a disk', lambda package: package.files.update({'a.vmdk': flipped(packages.DISK, 70000)}),
     None, 0),  # the manifest is made afterwards: the package is what it says
    ('digest of a disk', wrong_digest('a.vmdk'), 'manifest-digest-wrong', 2),
    ('digest of the descriptor', wrong_digest('vm.ovf'), 'manifest-digest-wrong', 2),
    ('one of two digests', lambda package: [parts(digests=['sha1', 'sha256'])(package),
                                            wrong_digest('b.vmdk', 'SHA1')(package)], 'manifest-digest-wrong', 2),
    ('the other of two digests', lambda package: [parts(digests=['sha1', 'sha256'])(package),
                                                  wrong_digest('b.vmdk')(package)], 'manifest-digest-wrong', 2),
    ('disk not in the manifest', unlisted('b.vmdk'), 'manifest-file-unlisted', 2),
    ('descriptor not in the manifest', unlisted('vm.ovf'), 'manifest-descriptor-unlisted', 2),
    ('file of the manifest missing', manifest('SHA256(a', 'SHA256(gone.iso)= ' + 64 * '0' + '\nSHA256(a'),
     'manifest-file-missing', 2),
    ('extra file in the manifest', member('readme', b'x'), 'manifest-file-extra', 0),
    ('file that nothing names', lambda package: [member('readme', b'x')(package), unlisted('readme')(package)],
     'archive-unnamed', 0),
    ('a manifest that lists itself', manifest('SHA256(a', 'SHA256(vm.mf)= ' + 64 * '0' + '\nSHA256(a'), None, 2),
    ('no manifest', parts(manifest=False), 'manifest-missing', 0),
    ('odd form of a manifest', manifest('SHA256(a.vmdk)=', 'SHA256 (a.vmdk) ='), 'manifest-form', 0),
    ('file missing', without('a.vmdk'), 'file-missing', 2),
    ('size too small', reference('a.vmdk', size='1000'), 'file-size-wrong', 3),
    ('a name outside', reference('a.vmdk', href='../a.vmdk'), 'file-refused', 2),
    ('a name in the network', reference('a.vmdk', href='http://localhost/a.vmdk'), 'file-refused', 2),
    ('image too large', disk('a.vmdk', capacity='2100735'), 'disk-capacity-wrong', 3),
    ('image too small', disk('a.vmdk', capacity='2100737'), 'disk-capacity-wrong', 0),
    ('image cut off', content('a.vmdk', packages.DISK[:30000]), 'disk-unreadable', 2),
    ('image of another format', content('a.vmdk', packages.VHD), 'disk-format-wrong', 3),
    ('image of another form', content('a.vmdk', packages.SPARSE), 'disk-format-wrong', 0),
    ('no image', content('a.vmdk', b'nothing' * 500), 'disk-unreadable', 2),
    ('descriptor not first', tail('vm.ovf'), 'archive-order', 3),
    ('manifest in the middle', head('vm.ovf', 'a.vmdk', 'vm.mf'), 'archive-order', 0),
    ('manifest at the end', tail('vm.mf'), None, 0),
    ('disks the wrong way round', head('vm.ovf', 'vm.mf', 'b.vmdk'), 'archive-order', 0),
    ('pax headers', parts(tar_format=tarfile.PAX_FORMAT), 'archive-form', 3),
    ('chunks', chunked(20000), 'file-chunked', 0),
    ('a chunk missing', chunked(20000, -1), 'file-chunks', 2),
    ('a false encoding', parts(edit_descriptor=lambda text: text.replace('UTF-8', 'utf-16')), 'descriptor-encoding', 0),
    ('violation of the structure', disk('b.vmdk', diskId='disk-a.vmdk'), 'disk-id-duplicate', 3),
]


@tap.rows(FAULTS)
def test_fault(t, change, rule, status):
    package = Package()
    change(package)
    answer = verify(t, package.ova(t), status=status)
    if rule:
        tap.equal(rule in answer['rules'], True, f'{rule} in {answer["findings"]}')
    tap.equal(answer['verdict'], {0: 'intact', 2: 'failed', 3: 'violations'}[status])
    if rule and status:
        tap.equal(answer['rules'][rule], SEVERITIES[status][0])


def test_altered_afterwards(t):
    data = (pathlib.Path(Package().ova(t))).read_bytes()
    t.write('altered.ova', flipped(data, data.index(packages.DISK) + 50000))
    answer = verify(t, 'altered.ova', status=2)
    tap.equal(answer['rules'].get('manifest-digest-wrong'), 'failure')
    for threads in ('1', '2', '7'):
        tap.equal(verify(t, 'altered.ova', '-m', threads, status=2)['findings'], answer['findings'])


def big_files(t, sizes, digests=True):
    """A folder with files of these sizes that are no disks, all holes but for their last byte."""
    package = Package()
    lines = ''
    for number, size in enumerate(sizes):
        name = f'big{number}'
        package.references[name] = {'id': name, 'href': name, 'size': str(size)}
        digest = hashlib.sha256(bytes(size - 1) + b'x').hexdigest() if digests else 64 * '0'
        lines += f'SHA256({name})= {digest}\n'
    package.edit_manifest = lambda text: text + lines
    folder = package.folder(t)
    for number, size in enumerate(sizes):
        with open(f'{folder}/big{number}', 'wb') as file:
            file.seek(size - 1)
            file.write(b'x')
    return folder


def test_files_of_several_slices(t):
    mib = 1 << 20
    sizes = (16 * mib, 16 * mib + 1, 16 * mib - 1, 50 * mib + 7, 1)
    folder = big_files(t, sizes)
    for threads in ('1', '2', '3', '9'):
        answer = verify(t, folder, '-m', threads)
        tap.equal((answer['findings'], answer['files']), ([], 8), threads)
    with open(folder + '/big3', 'r+b') as file:
        file.seek(33 * mib)
        file.write(b'y')
    for threads in ('1', '2'):
        wrong = [one for one in verify(t, folder, '-m', threads, status=2)['findings']]
        tap.equal([(one['rule'], one['file']) for one in wrong], [('manifest-digest-wrong', 'big3')])


def test_interrupted(t):
    folder = big_files(t, (3 << 30, 3 << 30), digests=False)
    with subprocess.Popen([tap.VMFERRY, 'verify', '-p', folder], cwd=t.folder, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:
        running.stderr.read(8)  # the first progress
        running.send_signal(signal.SIGINT)
        text = running.communicate()[1]
        tap.equal(running.returncode, 130)
        tap.contains(text.decode(), 'stopped by signal 2')


def test_one_bad_file_does_not_hide_another(t):
    package = Package()
    package.files['a.vmdk'] = b'nothing'
    package.references['a.vmdk']['size'] = '7'
    package.disks['b.vmdk']['capacity'] = '1'
    rules = verify(t, package.folder(t), status=2)['rules']
    tap.equal({'disk-unreadable', 'disk-capacity-wrong'} <= set(rules), True, str(rules))


def test_descriptor_only(t):
    package = Package()
    folder = package.folder(t)
    os.remove(folder + '/a.vmdk')
    verify(t, folder, status=2)
    answer = verify(t, folder, '--descriptor-only')
    tap.equal((answer['findings'], answer['files']), ([], 1))
    with open(folder + '/vm.ovf', 'ab') as file:
        file.write(b'<!-- altered -->')
    tap.equal(verify(t, folder, '--descriptor-only', status=2)['rules'], {'manifest-digest-wrong': 'failure'})


def test_archive_cut_off_or_packed(t):
    path = Package().ova(t)
    data = pathlib.Path(path).read_bytes()
    t.write('cut.ova', data[:-20000])
    verify(t, 'cut.ova', status=2)
    t.write('packed.ova', gzip.compress(data))
    tap.equal(verify(t, 'packed.ova', status=3)['rules'], {'archive-packed': 'violation'})
    t.write('unended.ova', data[:data.rindex(packages.DISK) + len(packages.DISK)])
    tap.equal(verify(t, 'unended.ova')['rules'], {'archive-unended': 'warning'})


def test_what_cannot_be_checked(t):
    t.vmferry('verify', 'missing.ova', status=1)
    t.vmferry('verify', '--ca-file', status=1)
    t.vmferry('verify', status=1)
    t.vmferry('verify', '--schema', 'missing', Package().ova(t), status=1)
    t.vmferry('verify', t.write('x.ova', b'no package' * 200), status=2)
    tap.equal(verify(t, 'x.ova', status=2)['rules'], {'package-unreadable': 'failure'})


def test_names_that_differ_in_case(t):
    package = Package()
    package.files['A.vmdk'] = package.files.pop('b.vmdk')
    package.references['b.vmdk']['href'] = 'A.vmdk'
    tap.equal(verify(t, package.folder(t))['rules'], {'file-case': 'warning'})
    verify(t, package.ova(t), status=2)


# ---- signatures ----

def signed(t, **words):
    packages.make_signer(t)
    package = Package()
    package.certificate = packages.signature(t, **words)
    return package


@tap.rows([(kind, kind) for kind in ('sha1', 'sha256', 'sha512')])
def test_self_signed(t, kind):
    path = signed(t, kind=kind).ova(t)
    answer = verify(t, path)
    tap.equal(set(answer['rules'].values()), {'warning'})
    tap.equal(answer['rules'].get('certificate-self-signed'), 'warning')
    tap.equal({key: answer['signature'][key] for key in ('good', 'trusted', 'signer')},
              {'good': True, 'trusted': False, 'signer': 'CN=signer'})
    tap.equal(answer['signature']['fingerprint'], packages.fingerprint(t).replace(':', '').lower())
    tap.contains(t.vmferry('verify', path).stdout, 'signed by CN=signer (not trusted)\n')
    verify(t, path, '--require-signature', status=2)
    weak = kind == 'sha1'  # which is not good enough where a signer is asked for
    for text in (packages.fingerprint(t), packages.fingerprint(t).lower().replace(':', '')):
        answer = verify(t, path, '--signer', text, status=2 if weak else 0)
        tap.equal(answer['signature']['trusted'], not weak)
        tap.equal(answer['rules'].get('signature-weak'), 'failure' if weak else None)
    tap.equal('signer-unexpected' in verify(t, path, '--signer', 64 * '0', status=2)['rules'], True)


def test_signed_by_an_authority(t):
    packages.make_signer(t, 'authority')
    packages.make_signer(t, 'other')
    packages.make_signer(t, 'signer', 'authority')
    package = Package()
    package.certificate = packages.signature(t)
    path = package.ova(t)
    tap.equal(verify(t, path, '--ca-file', 'authority.pem')['signature']['trusted'], True)
    verify(t, path, '--ca-file', 'authority.pem', '--require-signature')
    verify(t, path, '--ca-file', 'other.pem', status=2)
    tap.equal(set(verify(t, path)['rules'].values()), {'warning'})
    t.vmferry('verify', '--ca-file', 'missing.pem', path, status=1)


def test_signature_of_another_manifest(t):
    package = signed(t)
    good = package.certificate
    package.certificate = lambda text: good(text + b'\n')
    answer = verify(t, package.ova(t), status=2)
    tap.equal(answer['rules'].get('signature-wrong'), 'failure')
    tap.equal(answer['signature']['good'], False)


def test_no_signature(t):
    path = Package().ova(t)
    for words in (('--require-signature',), ('--signer', 64 * '0')):
        tap.equal(verify(t, path, *words, status=2)['rules'], {'signature-missing': 'failure'})
    package = signed(t).but(manifest=False)
    tap.equal(verify(t, package.ova(t, 'alone.ova'), status=2)['rules'].get('signature-without-manifest'), 'failure')


def test_certificate_apart_from_the_manifest(t):
    package = signed(t)
    tail('vm.cert')(package)
    tap.equal(verify(t, package.ova(t))['rules'].get('archive-order'), 'warning')
    tail('vm.mf', 'vm.cert')(package)
    tap.equal('archive-order' in verify(t, package.ova(t))['rules'], False)


@tap.rows([('signed', signed, ('--descriptor-only',)), ('not signed', lambda t: Package(), ()),
           ('descriptor only', lambda t: Package(), ('--descriptor-only',))])
def test_the_descriptor_must_be_covered(t, make, words):
    package = make(t)
    unlisted('vm.ovf')(package)
    tap.equal(verify(t, package.ova(t), *words, status=2)['rules'].get('manifest-descriptor-unlisted'), 'failure')


# ---- real packages ----

def index_rows():
    """(file, what the index knows of its manifest) of the samples' archives."""
    try:
        lines = (samples() / 'INDEX.md').read_text().splitlines()
    except tap.Skip:
        return []
    cells = [[cell.strip() for cell in line.split('|')] for line in lines if line.startswith('| ')]
    return [(row[1], row[1], row[4]) for row in cells if len(row) > 5 and row[1].endswith('.ova')]


@tap.rows(index_rows() or [('none', '', '')])
def test_manifests_of_real_archives(t, name, known):
    path = samples(name) if name else samples()
    try:
        archive = tarfile.open(path)
    except tarfile.TarError:
        verify(t, path, status=2)
        return
    with archive:
        if not [one for one in archive.getnames() if one.endswith('.ovf')]:
            verify(t, path, status=2)
            return
        found = {one.name: archive.extractfile(one).read() for one in archive.getmembers()}
    if 'bad-ovf' in name:
        verify(t, path, status=2)
        return
    answer = json.loads(t.vmferry('verify', '--output=json', path, status=None).stdout)
    wrong = {one['file'] for one in answer['findings'] if one['rule'] == 'manifest-digest-wrong'}
    text = b''.join(data for one, data in found.items() if one.endswith('.mf')).decode()
    tap.equal(answer['manifest'], bool(text), 'manifest')
    tap.equal('no manifest' in known, not text, 'what the index knows')
    tap.equal('MISMATCH' in known, bool(wrong), 'digests that are wrong')
    for one, data in found.items():
        listed = [hashlib.new(kind, data).hexdigest() in text.lower() for kind in ('sha1', 'sha256', 'sha512')]
        if one in text and not one.endswith(('.mf', '.cert')):
            tap.equal(one in wrong, not any(listed), one)


tap.main(globals())
