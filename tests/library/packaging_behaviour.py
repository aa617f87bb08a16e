# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The recipes of packages (packaging/, debian/) are of this version and ask for the libraries that meson.build asks for; Alpine's is one that its tools take."""
import re

import tap

LIBRARIES = {  # by their names in meson.build: what Nix and Homebrew call them
    'zlib': 'zlib', 'libcrypto': 'openssl', 'libzstd': 'zstd', 'liblz4': 'lz4', 'libxxhash': 'xxhash', 'liblzma': 'xz', 'libxml-2.0': 'libxml2', 'libdeflate': 'libdeflate',
    'libisal': 'isa-l', 'jansson': 'jansson', 'libseccomp': 'libseccomp', 'libcurl': 'curl', 'libnbd': 'libnbd', 'libargon2': 'argon2', 'bz2': 'bzip2'}
NOT_IN_HOMEBREW = ['isa-l']
APT, APK = 1, 3  # columns of ./dev
SPLIT_BY_ABUILD = ['doc', 'dev', 'libs', 'static', 'bash-completion', 'zsh-completion', 'fish-completion']


def text(name):
    return (tap.SOURCE / name).read_text()


def asked_for():
    """The libraries of meson.build, but for what is no part of vmferry itself."""
    found = re.findall(r"^\w+ = (?:dependency|cc\.find_library)\('([^']+)'", text('meson.build'), re.M)
    return sorted(set(found) - {'threads', 'dl', 'nbdkit'})


def package(library, column):
    """What the table of ./dev calls it there."""
    rows = [line.split() for line in re.search(r"build_needs='\n(.*?)'", text('dev'), re.S)[1].splitlines()]
    wanted = 'h:bzlib' if library == 'bz2' else 'pc:' + library
    return next(row[column] for row in rows if row[0] == wanted)


def alpine(t, *names):
    """What a shell reads in the recipe."""
    lines = t.run('sh', '-euc', '. "$1"; shift; for name; do eval "printf \'%s\\n\' \\"\\$$name\\""; done', 'sh', tap.SOURCE / 'packaging/APKBUILD', *names).stdout.splitlines()
    return lines if len(names) > 1 else lines[0]


@tap.rows([(name, name, pattern) for name, pattern in (
    ('debian/changelog', r'^vmferry \(([^)-]+)'), ('packaging/APKBUILD', r'^pkgver=(\S+)$'), ('packaging/vmferry.spec', r'^Version: +(\S+)$'),
    ('packaging/package.nix', r'version = "([^"]+)"'), ('packaging/vmferry.rb', r'/vmferry-([\d.]+)\.tar'), ('include/vmferry/version.h', r'VMF_VERSION "([^"]+)"'))])
def test_the_version_is_that_of_the_source(t, name, pattern):
    tap.equal(re.search(pattern, text(name), re.M)[1], re.search(r"version: '([^']+)'", text('meson.build'))[1], name)


def test_every_library_is_known_here(t):
    tap.equal(asked_for(), sorted(LIBRARIES), 'libraries of meson.build')


@tap.rows([(name, name) for name in LIBRARIES])
def test_every_recipe_asks_for(t, library):
    tap.contains(re.search(r'^Build-Depends:(.*?)^\S', text('debian/control'), re.M | re.S)[1], ' ' + package(library, APT))
    tap.equal(package(library, APK) in alpine(t, 'makedepends').split(), True, 'makedepends of APKBUILD')
    tap.contains(text('packaging/vmferry.spec'), '\nBuildRequires:  ' + ('bzip2-devel' if library == 'bz2' else f'pkgconfig({library})'))
    inputs = re.search(r'\n  buildInputs = \[(.*?)\]', text('packaging/package.nix'))[1].lower().split()
    tap.equal(LIBRARIES[library] in [name.replace('libargon2', 'argon2') for name in inputs], True, 'buildInputs of package.nix')
    if LIBRARIES[library] not in NOT_IN_HOMEBREW:
        tap.equal(re.search(rf'^  depends_on "{LIBRARIES[library]}(@\d)?"$', text('packaging/vmferry.rb'), re.M) is not None, True, 'depends_on of vmferry.rb')


def test_the_recipe_of_alpine_is_one(t):
    """What `abuild validate` asks, and what a package gets by the split functions of abuild."""
    t.run('sh', '-n', tap.SOURCE / 'packaging/APKBUILD')
    name, release, description, url, license_name, architectures, source, packages = alpine(t, 'pkgname', 'pkgrel', 'pkgdesc', 'url', 'license', 'arch', 'source', 'subpackages')
    tap.equal((name, license_name, architectures), ('vmferry', 'MIT', 'x86_64 aarch64'))
    tap.equal(source, f'vmferry-{alpine(t, "pkgver")}.tar.xz')
    tap.equal((release.isdigit(), len(description) < 128, url.startswith('https://')), (True, True, True))
    kinds = [word.removeprefix('vmferry-') for word in packages.split()]
    tap.equal([kind for kind in kinds if kind not in SPLIT_BY_ABUILD], [], 'subpackages')
    tap.equal(kinds.index('static') < kinds.index('dev'), True, 'the first one takes libvmferry.a')
    functions = re.findall(r'^(\w+)\(\) \{$', text('packaging/APKBUILD'), re.M)
    tap.equal(functions, ['build', 'package'], 'functions')


tap.main(globals())
