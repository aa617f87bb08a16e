# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Whatever the locale: what is said, its numbers, the names in it, and the order of things are the same, byte for byte."""
import os
import re
import subprocess

import tap

NAME = 'Büro ディスク.raw'
PLAIN = {'LC_ALL': 'C'}
LOCALES = ('POSIX', 'de_DE.UTF-8', 'de_DE.ISO-8859-1', 'ja_JP.UTF-8', 'C.UTF-8', 'xx_YY.UTF-8')
VERBS = (
    ('info', NAME),
    ('info', '--output=json', NAME),
    ('info', 'größe.qcow2'),
    ('map', 'größe.qcow2'),
    ('check', 'größe.qcow2'),
    ('measure', '-O', 'qcow2', '--size', '1.5G'),
    ('compare', NAME, 'größe.qcow2'),
    ('checksum', NAME, 'größe.qcow2'),
    ('info', 'Büro.ova'),
    ('info', '--output=json', 'Büro.ova'),
    ('verify', 'Büro.ova'),
    ('lint', '--for', 'azure', 'Büro.ova'),
    ('edit', '--dry-run', '--memory', '1.5G', 'Büro.ova'),
    ('convert', '-p', NAME, 'out/neu.qcow2', '--force'),
    ('convert', 'Büro.ova', 'out/vm.vmx', '--force'),
    ('pack', '--force', '-o', 'out/x.ova', '--name', 'Büro', '--memory', '1.5G', NAME),
    ('create', '-f', 'raw', 'out/leer.raw', '1,5G'),
    ('info', 'gibt es nicht'),
    ('convert', NAME, 'kein Ordner/x.qcow2'),
    ('batch', '-j1', '--dry-run', '--each', '*.raw', '--to', 'out/'),
    ('help', 'formats'),
)
UNSTABLE = re.compile(r'[0-9.]+ (?:s|[KMGT]iB/s)\b|[0-9.]+ [KMGT]iB are free|\d+ [KMG]iB of \d+ [KMG]iB')


def has_locale(name):
    known = subprocess.run([tap.tool('locale'), '-a'], stdout=subprocess.PIPE, text=True, check=True).stdout.lower().split()
    return name.lower().replace('-', '') in (one.replace('-', '') for one in known)


def answers(t, env):
    given = []
    for words in VERBS:
        done = t.vmferry(*words, env={'LANG': '', 'LANGUAGE': 'de:ja', **env}, status=None)
        said = [UNSTABLE.sub('#', part) for part in (done.stdout, done.stderr)]
        given.append((words, done.returncode, said[0], [line for line in said[1].splitlines() if '%' not in line]))
    return given


@tap.rows([(name, name) for name in LOCALES])
def test_every_verb_says_the_same(t, name):
    if not name.startswith(('POSIX', 'C.', 'xx')) and not has_locale(name):
        raise tap.Skip('the locale is not installed')
    t.write(NAME, b'text' * 1000 + bytes((1 << 20) - 4000))
    t.write('Apfel.raw', bytes(1 << 20))
    t.write('Äpfel.raw', bytes(1 << 20))
    os.mkdir(t.path('out'))
    t.vmferry('convert', NAME, 'größe.qcow2')
    t.vmferry('pack', '-o', 'Büro.ova', '--name', 'Büro ディスク', NAME)
    for plain, other in zip(answers(t, PLAIN), answers(t, {'LC_ALL': name})):
        tap.equal(other, plain, f'in {name}')
    tap.contains(answers(t, {'LC_ALL': name})[0][2], f'image: {NAME}\n')


tap.main(globals())
