# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Scripts that upload or import a machine, run by shells with the platforms' programs in their place: hostile names arrive as they are, or tamed, and nothing else runs."""
import os
import re

import tap
from hostile_names import NAMES, xml_text

ALL = os.environ.get('VMFERRY_TEST_ALL')
STUB = b"""#!/bin/sh
[ "${0##*/}" != pvesh ] || echo 117
printf '%s\\0' "$#" "${0##*/}" "$@" >>"$CALLS"
"""
PROGRAMS = ['az', 'aws', 'gcloud', 'openstack', 'virtctl', 'qm', 'pvesh']
SHELLS = ['dash', 'bash', 'zsh']
GIVEN = {'ACCOUNT': 'acc', 'CONTAINER': 'con', 'GROUP': 'grp', 'BUCKET': 'buc'}
LABEL = re.compile(r'[a-z][a-z0-9-]{0,48}')
PLATFORMS = ['azure', 'openstack', 'kubevirt', 'nutanix', 'ovirt'] # GCE's calls are made of the same words, of a whole GiB


def machine(t, name):
    """A domain that is called so, with a note and a network of that name."""
    text = xml_text(name)
    with open(t.path('a.raw'), 'wb') as raw:
        raw.truncate(1 << 16)
    t.write('vm.xml', f"""<domain type='kvm'><name>{text}</name><description>{text}</description><memory unit='MiB'>512</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='a.raw'/><target dev='sda' bus='sata'/></disk>
<interface type='network'><source network='{text}'/><model type='e1000'/></interface></devices></domain>""".encode())


def run(t, shell, script):
    """The calls of the script, each a list of words."""
    os.makedirs(t.path('bin'), exist_ok=True)
    for program in PROGRAMS:
        t.write('bin/' + program, STUB)
        os.chmod(t.path('bin/' + program), 0o755)
    os.makedirs(t.path('other/o'), exist_ok=True)
    t.write('calls', b'')
    options = ['-o', 'sh_word_split'] if shell == 'zsh' else []
    t.run(tap.tool(shell), *options, script, env=dict(GIVEN, PATH=t.path('bin') + ':' + os.environ['PATH'], CALLS=t.path('calls'), CDPATH=t.path('other')))
    words, calls = t.read('calls').decode().split('\0')[:-1], []
    while words:
        calls.append(words[1:int(words[0]) + 2])
        words = words[int(words[0]) + 2:]
    return calls


def tamed(name):
    return ''.join('?' if letter < ' ' or letter == '\x7f' else letter for letter in name)


def check_calls(t, platform, name, calls, folder):
    """What arrives: the name where one is told, files that are there, and labels of few letters."""
    files = [word.removeprefix('--image-path=') for call in calls for word in call if re.search(r'\.(vhd|vmdk|qcow2)$', word) and 'disk1' in word]
    tap.equal([file for file in files if not os.path.isfile(t.path(f'{folder}/{file}')) or file.startswith('-')], [], 'files that are not there')
    for call in calls:
        for option, word in zip(call, call[1:]):
            if option in ('--name', 'dv'):
                tap.equal(bool(LABEL.fullmatch(word.removesuffix('.vhd'))), True, word)
    if platform == 'aws':
        tap.equal([call[3] for call in calls if call[1] == 'ec2'], ['--description=' + tamed(name)], 'the name')


def tests():
    """Each name for AWS, whose script tells it; each third for one of the others; one shell each."""
    for number, name in enumerate(NAMES):
        others = PLATFORMS if ALL else PLATFORMS[number // 3 % len(PLATFORMS):][:number % 3 == 0]
        for platform in ['aws', *others]:
            yield f'{name[:60]!r} for {platform}', platform, name, SHELLS if ALL else [SHELLS[number % 3]]


@tap.rows(list(tests()))
def test_upload(t, platform, name, shells):
    machine(t, name)
    os.mkdir(t.path('o'))
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, 'vm.xml', 'o/')
    script = next('o/' + file for file in os.listdir(t.path('o')) if file.endswith('.sh'))
    found = [run(t, shell, script) for shell in shells]
    tap.equal(all(calls == found[0] for calls in found), True, 'shells agree')
    check_calls(t, platform, name, found[0], 'o')
    tap.equal([place for place in ('owned', 'o/owned') if os.path.exists(t.path(place))], [], 'what ran beside it')


@tap.rows([(repr(name[:60]), name, SHELLS if ALL else [SHELLS[(i + 1) % 3]]) for i, name in enumerate(NAMES)])
def test_import_by_qm(t, name, shells):
    machine(t, name)
    os.mkdir(t.path('o'))
    t.vmferry('convert', '-q', '--no-sync', '--machine', 'qm', 'vm.xml', 'o/import.sh')
    for shell in shells:
        calls = run(t, shell, 'o/import.sh')
        tap.equal([call[:2] for call in calls], [['pvesh', 'get'], ['qm', 'create'], ['qm', 'set'], ['qm', 'set']], 'calls')
        made = dict(zip(calls[1][3::2], calls[1][4::2]))
        tap.equal(made['--description'], ''.join(letter if letter == '\n' else tamed(letter) for letter in name), 'the note')
        tap.equal(bool(re.fullmatch(r'[A-Za-z0-9.-]{1,63}', made.get('--name', 'vm'))), True, made.get('--name'))
        tap.equal(os.path.isfile(t.path('o/import-disk1.qcow2')) and calls[2][4].split('import-from=')[1].split(',')[0] == t.path('o/import-disk1.qcow2'), True, 'the disk')
    tap.equal([place for place in ('owned', 'o/owned') if os.path.exists(t.path(place))], [], 'what ran beside it')


tap.main(globals())
