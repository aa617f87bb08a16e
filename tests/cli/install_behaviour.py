# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`meson install`: the program, the library with its pkg-config file, the headers, the manual, what completes command lines."""
import os
import pathlib
import shlex

import tap

# C and C++ alike: what a program needs of the header, by a caller who knows nothing else.
PROGRAM = r'''
#include <stdio.h>
#include <vmferry.h>
int main(void)
{
  static struct vmf_cancel cancel;
  static struct vmf_job_options options;
  struct vmf_error error;
  options.size = sizeof options;
  options.cancel = &cancel;
  vmf_cancel_request(&cancel);
  printf("%s\n", vmf_version());
  return vmf_cancel_requested(&cancel) && vmf_convert(NULL, NULL, &options, NULL, &error) == VMF_USAGE ? 0 : 1;
}
'''

# Where a file stands.
FOLDERS = {'vmferry': 'bin', 'vmferry.1': 'man1', 'vmferry-formats.5': 'man5', 'vmferry-machines.5': 'man5', 'vmferry-findings.7': 'man7',
           'vmferry-migration.7': 'man7', 'libvmferry.3': 'man3', 'vmferry.h': 'include', 'errors.h': 'vmferry',
           'libvmferry.pc': 'pkgconfig'}


def installed(t):
    build = os.environ.get('VMFERRY_BUILD')
    if not build:
        raise tap.Skip('VMFERRY_BUILD is not set')
    t.run(tap.tool('meson'), 'install', '-C', build, '--no-rebuild', '--destdir', t.path('root'))
    paths = (path for path in pathlib.Path(t.path('root')).rglob('*') if not path.is_dir())
    return {'/'.join(path.parts[-2:]) if path.parent.name == 'completions' else path.name: path for path in paths}


def test_files(t):
    found = installed(t)
    for name in (*FOLDERS, 'machines.h', 'packages.h', 'libvmferry.a', 'libvmferry.so'):
        tap.equal(name in found, True, name)
    tap.equal({name: found[name].parent.name for name in FOLDERS}, FOLDERS)


def test_completions_are_where_the_shells_look(t):
    found = installed(t)
    for shell, name, folder in (('bash', 'completions/vmferry', 'share/bash-completion/completions'), ('zsh', '_vmferry', 'share/zsh/site-functions'),
                                ('fish', 'vmferry.fish', 'share/fish/vendor_completions.d')):
        tap.equal(str(found[name].parent).endswith(folder), True, name)
        tap.equal(found[name].read_text(), t.vmferry('completion', shell).stdout, name)


@tap.rows((('C11', 'cc', 'c11', 'c'), ('C++17', 'c++', 'c++17', 'c++')))
def test_each_header_stands_alone(t, compiler, standard, language):
    include = installed(t)['vmferry.h'].parent
    for name in ('vmferry.h', 'vmferry/errors.h', 'vmferry/machines.h', 'vmferry/packages.h'):
        t.write('alone', f'#include <{name}>\n'.encode())
        t.run(tap.tool(compiler), f'-std={standard}', '-Wall', '-Wextra', '-pedantic', '-Werror', '-fsyntax-only', f'-I{include}', '-x', language, 'alone')


@tap.rows((('C11', 'cc', 'c11', 'program.c'), ('C++17', 'c++', 'c++17', 'program.cc'), ('C++20', 'c++', 'c++20', 'program.cc')))
def test_a_program_links(t, compiler, standard, name):
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a build with sanitizers')
    found = installed(t)
    environment = {'PKG_CONFIG_PATH': str(found['libvmferry.pc'].parent), 'PKG_CONFIG_SYSROOT_DIR': t.path('root'),
                   'LD_LIBRARY_PATH': str(found['libvmferry.so'].parent)}
    words = shlex.split(t.run(tap.tool('pkg-config'), '--cflags', '--libs', 'libvmferry', env=environment).stdout)
    t.write(name, PROGRAM.encode())
    t.run(tap.tool(compiler), f'-std={standard}', '-Wall', '-Wextra', '-pedantic', '-Werror', name, '-o', 'program', *words)
    tap.contains(t.vmferry('--version').stdout, t.run('./program', env=environment).stdout.strip())


tap.main(globals())
