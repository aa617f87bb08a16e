# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The library as a stranger has it: installed into a folder, found by pkg-config or CMake, and used by the programs in examples/."""
import hashlib
import json
import os
import pathlib
import re
import shutil

import tap

EXAMPLES = tap.SOURCE / 'examples'
DISK = tap.IMAGES / 'good-vmdk-stream.vmdk'


class Installed:
    """What `meson install` leaves, in a folder of the test."""
    def __init__(self, t):
        build = os.environ.get('VMFERRY_BUILD')
        if not build:
            raise tap.Skip('VMFERRY_BUILD is not set')
        if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
            raise tap.Skip('a build with sanitizers')
        root = t.folder / 'root'
        t.run(tap.tool('meson'), 'install', '-C', build, '--no-rebuild', '--destdir', root)
        self.pkgconfig = next(root.rglob('libvmferry.pc')).parent
        self.cmake = next(root.rglob('vmferry-config.cmake')).parent
        self.env = {'PKG_CONFIG_LIBDIR': str(self.pkgconfig), 'PKG_CONFIG_SYSROOT_DIR': str(root),
                    'LD_LIBRARY_PATH': str(next(root.rglob('libvmferry.so.0')).parent),
                    'PATH': str(next(root.rglob('bin/vmferry')).parent) + ':' + os.environ['PATH']}

    def flags(self, t):
        """With no other library's files in reach: a machine has none that was not asked for."""
        return t.run(tap.tool('pkg-config'), '--cflags', '--libs', 'libvmferry', env=self.env).stdout.split()

    def compile(self, t, name, folder=EXAMPLES):
        """The example, without a warning."""
        t.run(tap.tool('cc'), '-std=c11', '-Wall', '-Wextra', '-Wshadow', '-Werror', '-pthread', folder / (name + '.c'), '-o', name, *self.flags(t))
        return t.path(name)


def same_disk(t, name):
    t.vmferry('compare', DISK, name)


def test_a_program_converts(t):
    installed = Installed(t)
    done = t.run(installed.compile(t, 'convert_with_progress'), DISK, 'disk.qcow2', env=installed.env)
    tap.contains(done.stderr, '100 %')
    same_disk(t, 'disk.qcow2')
    t.write('broken.vmdk', DISK.read_bytes()[:2000])
    tap.contains(t.run(t.path('convert_with_progress'), 'broken.vmdk', 'no.qcow2', env=installed.env, status=1).stderr, 'broken.vmdk')
    tap.equal('no.qcow2' in t.names(), False, 'a target')


def test_the_program_of_the_manual_converts(t):
    installed = Installed(t)
    page = (tap.SOURCE / 'docs/libvmferry.3').read_text()
    t.write('manual.c', re.search(r'^\.SH EXAMPLE\n.*?^\.nf\n(.*?)^\.fi\n', page, re.M | re.S)[1].replace('\n.sp\n', '\n\n').replace('\\e', '\\').encode())
    program = installed.compile(t, 'manual', t.folder)
    t.run(program, DISK, 'disk.qcow2', env=installed.env)
    same_disk(t, 'disk.qcow2')
    tap.contains(t.run(program, 'none.vmdk', 'no.qcow2', env=installed.env, status=1).stderr, 'none.vmdk')


def test_the_other_lines_of_the_manual_work(t):
    """That of the synopsis, and what a caller's struct begins with."""
    installed = Installed(t)
    page = (tap.SOURCE / 'docs/libvmferry.3').read_text()
    shown = [block.replace('\\-', '-').strip().removeprefix('.B ').splitlines() for block in re.findall(r'^\.nf\n(.*?)^\.fi\n', page, re.M | re.S)]
    include, command, struct = shown[0][0], shown[0][-1].removeprefix('.B '), shown[1][0]
    t.write('program.c', f'{include}\nint main(void)\n{{\n  {struct}\n  return job.threads != 4;\n}}\n'.encode())
    t.run('bash', '-c', command + ' && ./a.out', env=installed.env)
    tap.equal(len(shown), 3, 'the third is the program')


@tap.rows([(line, line) for line in re.search(r'^```sh\n(.*?)^```', (EXAMPLES / 'README.md').read_text(), re.M | re.S)[1].splitlines()])
def test_a_line_of_examples_works(t, line):
    installed = Installed(t)
    tap.tool(line.split()[1 if '=' in line.split()[0] else 0])
    for path in EXAMPLES.iterdir():
        shutil.copy(path, t.path(path.name))
    shutil.copy(DISK, t.path('disk.vmdk'))
    t.run('bash', '-c', line, env={**installed.env, 'GOCACHE': t.path('cache')}, timeout=900)


@tap.rows([(name, name) for name in ('disk_checksum.py', 'disk_checksum.go')])
def test_a_binding_has_forty_lines(t, name):
    lines = [line for line in (EXAMPLES / name).read_text().splitlines() if not re.match(r'#!|(#|//) (SPDX|Copyright)|//$', line)]
    tap.equal(len(lines) <= 40, True, f'{len(lines)} lines')


def test_the_static_library_is_linked(t):
    installed = Installed(t)
    flags = t.run(tap.tool('pkg-config'), '--static', '--cflags', '--libs', 'libvmferry', env=installed.env).stdout.replace('-lvmferry', '-l:libvmferry.a').split()
    t.run(tap.tool('cc'), '-std=c11', EXAMPLES / 'read_disk.c', '-o', 'read_disk', *flags)
    tap.contains(t.run('ldd', 'read_disk').stdout, 'libc.so')
    tap.equal('libvmferry' in t.run('ldd', 'read_disk').stdout, False, 'the shared one')


def test_a_program_reads(t):
    installed = Installed(t)
    t.vmferry('convert', DISK, 'disk.raw')
    data = t.read('disk.raw')
    offset = next(i for i, byte in enumerate(data) if byte)
    shown, dump = t.run(installed.compile(t, 'read_disk'), DISK, offset, env=installed.env).stdout.splitlines()
    tap.equal(json.loads(shown), json.loads(t.vmferry('info', '--output=json', DISK).stdout))
    tap.equal(bytes.fromhex(dump), data[offset:offset + 16])


def test_a_program_converts_many(t):
    installed = Installed(t)
    (t.folder / 'out').mkdir()
    disks = [DISK, tap.IMAGES / 'good-vmdk-stream.vmdk', DISK]
    t.run(installed.compile(t, 'batch_of_disks'), 'out', *disks, env=installed.env)
    for number in (1, 2, 3):
        same_disk(t, f'out/{number}.qcow2')
    tap.contains(t.run(t.path('batch_of_disks'), 'out', 'none.vmdk', env=installed.env, status=1).stderr, 'none.vmdk')


def test_a_program_makes_a_disk(t):
    installed = Installed(t)
    t.run(installed.compile(t, 'generated_disk'), 'made.vhd', env=installed.env)
    t.vmferry('convert', 'made.vhd', 'made.raw')
    data = t.read('made.raw')
    tap.equal(len(data), 64 << 20)
    tap.equal(data[:1 << 20], b''.join(f'sector {i}'.encode().ljust(512, b'\0') for i in range(2048)))
    tap.equal(any(data[1 << 20:]), False, 'data behind what was made')


def test_cmake_finds_it(t):
    installed = Installed(t)
    t.run(tap.tool('cmake'), '-S', EXAMPLES, '-B', 'made', f'-Dvmferry_DIR={installed.cmake}')
    t.run('cmake', '--build', 'made')
    t.run(t.path('made/convert_with_progress'), DISK, 'disk.qcow2', env=installed.env)
    same_disk(t, 'disk.qcow2')
    shutil.copytree(EXAMPLES, t.path('later'))
    text = (EXAMPLES / 'CMakeLists.txt').read_text().replace('find_package(vmferry', 'find_package(vmferry 999')
    t.write('later/CMakeLists.txt', text.encode())
    tap.contains(t.run('cmake', '-S', 'later', '-B', 'refused', f'-Dvmferry_DIR={installed.cmake}', status=1).stderr, '999')


def digest_of_guest(t):
    t.vmferry('convert', DISK, 'disk.raw')
    return hashlib.sha256(t.read('disk.raw')).hexdigest() + '\n'


def test_python_reads(t):
    installed = Installed(t)
    tap.equal(t.run(tap.tool('python3'), EXAMPLES / 'disk_checksum.py', DISK, env=installed.env).stdout, digest_of_guest(t))


def test_go_reads(t):
    installed = Installed(t)
    env = {**installed.env, 'GOCACHE': t.path('cache'), 'GO111MODULE': 'off', 'CGO_ENABLED': '1'}
    t.run(tap.tool('go'), 'build', '-o', 'checksum', EXAMPLES / 'disk_checksum.go', env=env, timeout=900)
    tap.equal(t.run(t.path('checksum'), DISK, env=installed.env).stdout, digest_of_guest(t))


def test_a_night(t):
    installed = Installed(t)
    for folder in ('from', 'to'):
        (t.folder / folder).mkdir()
    shutil.copy(DISK, t.path('from/a.vmdk'))
    t.vmferry('convert', DISK, 'from/b.vhd')
    script = EXAMPLES / 'nightly_conversion.sh'
    t.run(script, 'from', 'to', env=installed.env)
    same_disk(t, 'to/a.vmdk.qcow2')
    same_disk(t, 'to/b.vhd.qcow2')
    made = (t.folder / 'to/a.vmdk.qcow2').stat().st_mtime_ns
    done = t.run(script, 'from', 'to', env=installed.env)
    tap.equal((done.stdout, done.stderr, (t.folder / 'to/a.vmdk.qcow2').stat().st_mtime_ns), ('', '', made), 'a second night')
    t.write('from/c.vmdk', DISK.read_bytes()[:2000])
    tap.equal(t.run(script, 'from', 'to', env=installed.env, status=None).returncode > 0, True, 'a failure is told')
    tap.equal([path.suffix for path in pathlib.Path(t.path('to')).iterdir()].count('.html'), 1, 'reports')


tap.main(globals())
