# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Debian's packages: nothing that is installed is in none of them; with VMFERRY_TEST_ALL=1 they are built, installed in a root, and used."""
import fnmatch
import os
import pathlib
import re

import tap

DEBIAN = tap.SOURCE / 'debian'


def test_every_installed_file_is_in_a_package(t):
    build = os.environ.get('VMFERRY_BUILD')
    if not build:
        raise tap.Skip('VMFERRY_BUILD is not set')
    t.run(tap.tool('meson'), 'install', '-C', build, '--no-rebuild', '--destdir', t.path('root'))
    # The prefix and the folder of libraries are those of the build that is tested.
    found = [re.sub('^(usr|usr/local)/lib/([^/]+/)?(?=libvmferry|pkgconfig|cmake)', 'usr/lib/ANY/', str(path.relative_to(t.path('root'))))
             for path in pathlib.Path(t.path('root')).rglob('*') if not path.is_dir()]
    found = ['usr/' + name.removeprefix('usr/').removeprefix('local/') for name in found]
    wanted = [line for file in sorted(DEBIAN.glob('*.install')) for line in file.read_text().split()]
    tap.equal([name for name in found if not any(fnmatch.fnmatch(name, line) or name.startswith(line + '/') or
                                                 fnmatch.fnmatch(name, line + '/*') for line in wanted)], [], 'in no package')
    tap.equal([line for line in wanted if not any(fnmatch.fnmatch(name, line) or fnmatch.fnmatch(name, line + '/*') for name in found)], [],
              'of no file')


def test_the_version_is_that_of_the_program(t):
    version = t.vmferry('--version').stdout.split()[1]
    tap.contains((DEBIAN / 'changelog').read_text().split('\n')[0], f'vmferry ({version})')


def test_packages_are_built_installed_and_used(t):
    """In a fresh Debian, which comes through debootstrap: minutes, and a mirror."""
    if os.environ.get('VMFERRY_TEST_ALL') != '1':
        raise tap.Skip('VMFERRY_TEST_ALL is not 1')
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a build with sanitizers')
    if os.geteuid() != 0:
        raise tap.Skip('only root can make a root')
    mirror = os.environ.get('VMFERRY_DEBIAN_MIRROR', 'http://deb.debian.org/debian')
    suite = re.search(r'^VERSION_CODENAME=(\w+)', pathlib.Path('/etc/os-release').read_text(), re.M)
    t.run(tap.tool('lintian'), '--version')
    t.run(tap.SOURCE / 'dev', 'deb', timeout=1800)
    made = t.run(tap.tool('debootstrap'), '--variant=minbase', suite[1], t.path('root'), mirror, status=None, timeout=1800)
    if made.returncode:
        raise tap.Skip('debootstrap: ' + made.stdout[-100:])
    packages = [path for path in sorted((tap.SOURCE / 'build/deb').glob('*.deb')) if 'dbgsym' not in path.name]
    tap.equal(len(packages), 4, 'packages')
    for package in packages:
        t.write('root/' + package.name, package.read_bytes())
    t.write('root/disk.vmdk', (tap.IMAGES / 'good-vmdk-stream.vmdk').read_bytes())
    inside = ('chroot', t.path('root'))
    plain = {'DEBIAN_FRONTEND': 'noninteractive', 'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'}
    t.run(*inside, 'apt-get', 'install', '-y', '--no-install-recommends', *['./' + package.name for package in packages], env=plain, timeout=1800)
    t.run(*inside, 'vmferry', 'convert', '--verify', '/disk.vmdk', '/disk.qcow2', env=plain)
    tap.equal(t.run(*inside, 'vmferry', 'checksum', '/disk.qcow2', env=plain).stdout.split()[0], t.vmferry('checksum', t.path('root/disk.vmdk')).stdout.split()[0])
    tap.contains(t.run(*inside, 'nbdkit', 'vmferry', '--dump-plugin', env=plain).stdout, 'name=vmferry')
    missing = t.run(*inside, 'vmferry', 'info', 'http://127.0.0.1/disk.qcow2', env=plain, status=9).stderr
    tap.contains(missing, 'libcurl.so.4')  # which is recommended, and not needed
    for name in ('share/man/man1/vmferry.1.gz', 'share/man/man5/vmferry-formats.5.gz', 'share/man/man7/vmferry-findings.7.gz', 'share/man/man7/vmferry-migration.7.gz', 'share/man/man3/libvmferry.3.gz',
                 'share/bash-completion/completions/vmferry', 'share/zsh/vendor-completions/_vmferry',
                 'share/fish/vendor_completions.d/vmferry.fish', 'include/vmferry.h'):
        tap.equal((t.folder / 'root/usr' / name).is_file(), True, name)


tap.main(globals())
