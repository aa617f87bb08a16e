# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""One archive, one meaning: what is accepted as an archive, other programs unpack to the same names and bytes.

Archives are made odd in every single way that archive_maker.py knows, and in random mixtures of a few. A sample of them
runs by default; all, and thousands of mixtures, where VMFERRY_TEST_ALL is set (./dev test --all)."""
import hashlib
import itertools
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import unicodedata
import warnings

import archive_maker as maker
import tap

sys.path.insert(0, str(tap.SOURCE / 'tests/ovf'))
import hostile_packages as packages  # pylint: disable=wrong-import-position

TOOL = pathlib.Path(os.environ.get('VMFERRY_BUILD', tap.SOURCE / 'build')) / 'tests/interop/tar_tool'
ALL = os.environ.get('VMFERRY_TEST_ALL') == '1'
SINGLE_STEP = 1 if ALL else 11  # every how manyth of the single changes
MIXTURES = 6000 if ALL else 150
UTF8 = {**os.environ, 'LC_ALL': 'C.UTF-8'}
PERL = '''use Archive::Tar; $SIG{__WARN__} = sub {}; $Archive::Tar::WARN = 0; $Archive::Tar::CHOWN = 0;
my ($file, $folder) = @ARGV; my $tar = Archive::Tar->new($file) or exit 1; chdir $folder; $tar->extract(); exit 0;'''


def run(*words, **more):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, env=UTF8, **more)


# ---- the readers: each unpacks into a folder ----

def python_reader(path, folder):
    warnings.simplefilter('ignore')
    try:
        with tarfile.open(path) as archive:
            archive.extractall(folder)
    except (tarfile.TarError, OSError, ValueError, OverflowError):
        pass  # the files that are missing tell


READERS = {
    'GNU tar': ('tar', lambda path, folder: run('tar', '-xf', path, '-C', folder)),
    'GNU tar -i': ('tar', lambda path, folder: run('tar', '-xif', path, '-C', folder)),
    'bsdtar': ('bsdtar', lambda path, folder: run('bsdtar', '-xf', path, '-C', folder)),
    '7-Zip': ('7zz', lambda path, folder: run('7zz', 'x', '-y', f'-o{folder}', path)),
    'Python': ('python3', python_reader),
    'Perl': ('perl', lambda path, folder: run('perl', '-e', PERL, path, folder)),
}


def tree(folder):
    """{name: digest} of what is there but folders."""
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            if os.path.islink(path) or not os.path.isfile(path):
                found[os.path.relpath(path, folder)] = 'no file'
                continue
            with open(path, 'rb') as file:
                found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def listed(path):
    """What we read: ({name: digest}, whether a ustar reader sees it, too), or None: refused."""
    done = run(TOOL, 'list', path)
    if done.returncode != 0:
        tap.equal(done.returncode, 1, f'tar_tool: {done.stderr!r}')
        return None
    archive, found, plain = path.read_bytes(), {}, True
    for line in done.stdout.decode().splitlines():
        _, offset, size, extended, name = line.split('\t')
        found[name] = hashlib.sha256(archive[int(offset):int(offset) + int(size)]).hexdigest()
        plain &= extended == '0'
    return found, plain


def differences(t, data, title, counts):
    """The readers that see something else in an archive that we accept."""
    path = t.folder / 'x.ova'
    path.write_bytes(data)
    ours = listed(path)
    counts['all'] += 1
    if ours is None:
        return []
    counts['accepted'] += 1
    found = []
    for name, (program, unpack) in READERS.items():
        if name == 'Perl' and not ours[1]:
            continue  # knows no extended headers; `verify` finds a violation
        folder = t.folder / f'out{counts["all"]}-{len(found)}-{program}{"-i" in name}'
        folder.mkdir()
        unpack(path, folder)
        theirs = tree(folder)
        run('rm', '-rf', folder)
        if theirs != ours[0]:
            found.append(f'{title}: {name} has {sorted(theirs.items())}, we {sorted(ours[0].items())}')
    return found


def need_readers():
    for program, _ in READERS.values():
        tap.tool(program)


def checked(t, archives):
    need_readers()
    counts, found = {'all': 0, 'accepted': 0}, []
    for title, data in archives:
        found += differences(t, data, title, counts)
    print(f'# {counts["accepted"]} of {counts["all"]} archives are accepted')
    if not counts['accepted']:
        raise AssertionError('nothing is accepted')
    if found:
        raise AssertionError(f'{len(found)} differences:\n' + '\n'.join(text[:600] for text in found[:400]))


# ---- the archives ----

def package():
    """The members of a small package that `verify` is content with."""
    return [maker.Member(name.encode(), data) for name, data in packages.signed_off(
        [('vm.ovf', packages.descriptor([packages.file_element('vm-disk1.vmdk', 'file1', 700)],
                                        [packages.disk_element('vmdisk1', 'file1', 700, uri='raw')])),
         ('vm-disk1.vmdk', b'D' * 700)])]


def disk_of(members):
    """Where the disk is in the list."""
    return next(number for number, member in enumerate(members) if member.fields['name'] == b'vm-disk1.vmdk')


def single_changes():
    table = sorted(maker.changes().items())
    for title, change in table[::SINGLE_STEP]:
        members = package()
        change(members, disk_of(members))
        yield title, maker.archive(members)


def ends():
    for end in maker.ENDS:
        yield f'end {end[:3]} {len(end)} {end[-3:]}', maker.archive(package(), end)
    yield 'second archive', maker.archive(package()) + maker.archive([maker.second(b'vm-disk1.vmdk')])
    yield 'one block of zeros between', maker.archive(package(), bytes(512)) + maker.archive([maker.second(b'vm-disk1.vmdk')])
    yield 'cut in the padding', maker.archive(package(), b'')[:-1]


class Choice:
    """Changes by chance: most of them such as are accepted when they are alone."""

    def __init__(self, t, seed):
        self.t, self.chance, self.table, self.mild = t, random.Random(seed), list(maker.changes().items()), {}

    def is_mild(self, title, change):
        if title not in self.mild:
            members = package()
            change(members, disk_of(members))
            path = self.t.folder / 'alone.ova'
            path.write_bytes(maker.archive(members))
            self.mild[title] = listed(path) is not None
        return self.mild[title]

    def draw(self):
        row = self.chance.choice(self.table)
        while self.chance.random() < .9 and not self.is_mild(*row):
            row = self.chance.choice(self.table)
        return row


def mixtures(t, seed):
    choice = Choice(t, seed)
    chance = choice.chance
    for _ in range(MIXTURES):
        members, titles = package(), []
        for _ in range(chance.randint(2, 4)):
            title, change = choice.draw()
            at = chance.randrange(len(members))
            change(members, at)
            titles.append(f'{title} at {at}')
        if chance.random() < .1:
            chance.shuffle(members)
        end = chance.choice(maker.ENDS) if chance.random() < .2 else bytes(10240)
        yield '; '.join(titles), maker.archive(members, end)


def starts():
    """Names that other kinds of file start with, first in the archive."""
    for magic in (maker.POSIX, maker.GNU, maker.V7):
        for name in maker.STARTS:
            yield f'start {name} {magic}', maker.archive([maker.Member(name, b'first', magic=magic), *package()])


def test_starts_of_other_kinds_of_file(t):
    checked(t, starts())


def test_single_oddities(t):
    checked(t, single_changes())


def test_ends(t):
    checked(t, ends())


def test_mixtures(t):
    checked(t, mixtures(t, int(os.environ.get('VMFERRY_TEST_SEED', '1'))))


def test_verified_packages(t):
    """`verify` says 0 only where every reader unpacks the files that the manifest is right about."""
    need_readers()
    table = sorted(maker.changes().items())
    accepted = 0
    for title, change in itertools.islice(table, 5, None, 1 if ALL else 53):
        members = package()
        wanted = {member.fields['name'].decode(): hashlib.sha256(member.data).hexdigest() for member in members}
        change(members, disk_of(members))
        path = t.folder / 'x.ova'
        path.write_bytes(maker.archive(members))
        if t.vmferry('verify', path, status=None).returncode != 0:
            continue
        accepted += 1
        for name, (_, unpack) in READERS.items():
            folder = t.folder / 'unpacked'
            folder.mkdir()
            unpack(path, folder)
            found = {one: digest for one, digest in tree(folder).items() if one in wanted}
            run('rm', '-rf', folder)
            tap.equal(found, wanted, f'{title}: {name}')
    tap.equal(accepted > 0, True, 'packages that are content')


def clashes(t, first, second):
    (t.folder / 'x.ova').write_bytes(maker.archive([maker.Member(name.encode()) for name in (first, second)]))
    return run(TOOL, 'list', t.folder / 'x.ova').returncode == 1


def test_normal_forms(t):
    """Python's tables: two forms of one name, and other cases of it, clash; names with marks that differ do not."""
    characters = [chr(code) for code in itertools.chain(range(0xa0, 0xac20), range(0xf900, 0x10000), range(0x11000, 0x30000))
                  if unicodedata.normalize('NFD', chr(code)) != chr(code)]
    for character in characters if ALL else characters[::29]:
        forms = {unicodedata.normalize(form, f'a{character}b') for form in ('NFC', 'NFD')} | {f'a{character}b'}
        for first, second in itertools.combinations(sorted(forms), 2):
            tap.equal(clashes(t, first, second), True, f'{ascii(first)}, {ascii(second)}')
    for first, second in (('É', 'é'), ('Ω', 'ω'), ('ſ', 's'), ('\u212a', 'k'), ('ДИСК', 'диск'), ('É', 'e\u0301'),
                          ('q\u0323\u0307', 'q\u0307\u0323')):
        tap.equal(clashes(t, first, second), True, f'{first}, {second}')
    for first, second in (('é1', 'e\u03012'), ('系统', '数据'), ('é', 'e'), ('ä', 'ö'), ('u\u0308-disk1', 'ü-disk2'),
                          ('भाषा-1', 'भाषा-2')):
        tap.equal(clashes(t, first, second), False, f'{first}, {second}')


tap.main(globals())
