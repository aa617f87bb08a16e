# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Archives against GNU tar, bsdtar and Python: what they write is read (tar_tool.c), what is written they read."""
import gzip
import os
import pathlib
import subprocess
import tarfile

import tap

TOOL = pathlib.Path(os.environ['VMFERRY_BUILD']) / 'tests/interop/tar_tool'
SPLIT = 'f' * 90 + '/' + 'l' * 90  # ustar has room for it in two fields
LONG = 'folder/' + 'l' * 150 + '.vmdk'
GIB = 1 << 30
HUGE = [('small.ovf', 700), ('exact.vmdk', 8 * GIB), ('larger.vmdk', 20 * GIB + 1), ('below.vmdk', 8 * GIB - 1),
        ('n' * 100, 0), ('last.mf', 1)]


def run(*words, **more):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **more)


def listed(path):
    """(header, offset, size, name) of each member."""
    done = run(TOOL, 'list', path)
    tap.equal((done.returncode, done.stderr), (0, ''), 'tar_tool')
    rows = [line.split('\t') for line in done.stdout.splitlines()]
    return [(int(header), int(offset), int(size), name) for header, offset, size, _, name in rows]


def make_files(folder, names):
    contents = {name: bytes([65 + number]) * (number * 511 + 3) for number, name in enumerate(names)}
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return contents


def holds(path, contents):
    """The archive has these members, and the bytes are where the list says."""
    archive = path.read_bytes()
    if path.suffix == '.gz':
        archive = gzip.decompress(archive)
    found = {name: archive[offset:offset + size] for _, offset, size, name in listed(path)}
    tap.equal(found, contents, 'members')


def names_for(form):
    more = {'v7': [], 'ustar': [SPLIT]}
    return ['vm.ovf', 'vm-disk1.vmdk', 'folder/café.mf'] + more.get(form, [SPLIT, LONG])


@tap.rows([(form, form) for form in ('ustar', 'gnu', 'pax', 'v7', 'oldgnu')])
def test_gnu_tar_writes(t, form):
    tool = tap.tool('tar')
    contents = make_files(t.folder / 'in', names_for(form))
    path = t.folder / 'x.ova'
    done = run(tool, '--format=' + form, '-C', t.folder / 'in', '-cf', path, '.')
    tap.equal((done.returncode, done.stderr), (0, ''), 'tar')
    holds(path, contents)
    run('gzip', path)
    holds(path.with_suffix('.ova.gz'), contents)


@tap.rows([(form, form) for form in ('ustar', 'gnutar', 'pax', 'v7')])
def test_bsdtar_writes(t, form):
    tool = tap.tool('bsdtar')
    contents = make_files(t.folder / 'in', names_for(form))
    path = t.folder / 'x.ova'
    done = run(tool, '--format=' + form, '-C', t.folder / 'in', '-cf', path, *contents,
               env={**os.environ, 'LC_ALL': 'C.UTF-8'})
    tap.equal((done.returncode, done.stderr), (0, ''), 'bsdtar')
    holds(path, contents)


@tap.rows([('ustar', 'ustar', tarfile.USTAR_FORMAT), ('gnu', 'gnu', tarfile.GNU_FORMAT),
           ('pax', 'pax', tarfile.PAX_FORMAT)])
def test_python_writes(t, name, form):
    contents = make_files(t.folder / 'in', names_for(name))
    path = t.folder / 'x.ova'
    with tarfile.open(path, 'w', format=form) as archive:
        for member in contents:
            archive.add(t.folder / 'in' / member, member)
    holds(path, contents)


def huge_header(name, size, form):
    made = tarfile.TarInfo(name)
    made.size = size
    return made.tobuf(form)


@tap.rows([('gnu', tarfile.GNU_FORMAT), ('pax', tarfile.PAX_FORMAT)])
def test_huge_members_of_python(t, form):
    path = t.folder / 'huge.ova'
    with open(path, 'wb') as file:
        file.write(huge_header('disk.vmdk', 20 * GIB, form))
        file.seek(20 * GIB, os.SEEK_CUR)
        file.write(huge_header('behind.mf', 0, form) + bytes(1024))
    tap.equal([(size, name) for _, _, size, name in listed(path)], [(20 * GIB, 'disk.vmdk'), (0, 'behind.mf')])


def write_huge(t):
    path = t.folder / 'huge.ova'
    words = [str(word) for row in HUGE for word in row]
    done = run(TOOL, 'write', path, *words)
    tap.equal((done.returncode, done.stderr), (0, ''), 'tar_tool')
    tap.equal(path.stat().st_size % 10240, 0, 'size')
    return path


@tap.rows([('gnu', 'tar'), ('bsd', 'bsdtar')])
def test_written_is_listed(t, name):
    tool = tap.tool(name)
    path = write_huge(t)
    done = run(tool, '--numeric-owner', '-tvf', path, env={**os.environ, 'LC_ALL': 'C', 'TZ': 'UTC'})
    tap.equal((done.returncode, done.stderr), (0, ''), name)
    lines = [line.split() for line in done.stdout.splitlines()]
    tap.equal({line[0] for line in lines}, {'-rw-r--r--'}, 'modes')
    tap.equal([line[-1] for line in lines], [member for member, _ in HUGE], 'names')
    sizes = [line[2] if name == 'tar' else line[4] for line in lines]
    tap.equal(sizes, [str(size) for _, size in HUGE], 'sizes')


def test_written_is_read_by_python(t):
    with tarfile.open(write_huge(t)) as archive:
        members = archive.getmembers()
    tap.equal([(member.name, member.size) for member in members], HUGE, 'members')
    tap.equal({(member.mode, member.uid, member.gid, member.mtime, member.type) for member in members},
              {(0o644, 0, 0, 1700000000, tarfile.REGTYPE)}, 'fields')


def test_written_is_read_again(t):
    tap.equal([(name, size) for _, _, size, name in listed(write_huge(t))], HUGE, 'members')


def test_packages_of_others(t):
    """Packages by others (VMFERRY_OVF_SAMPLES): the members are those that Python sees."""
    folder = pathlib.Path(os.environ.get('VMFERRY_OVF_SAMPLES', tap.SOURCE / '../shared/ovf-samples')) / 'ova'
    paths = sorted(folder.glob('*.ova'))
    if not paths:
        raise tap.Skip('no packages')
    for path in paths:
        with tarfile.open(path, 'r:') as archive:
            expected = [(member.offset, member.offset_data, member.size, member.name.removeprefix('./'))
                        for member in archive.getmembers() if member.isreg()]
        tap.equal(listed(path), expected, path.name)


tap.main(globals())
