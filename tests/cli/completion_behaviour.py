# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Completion: what the program offers at a place of a command line, and that bash, zsh and fish put it there."""
import os
import pathlib
import pty
import re
import select
import subprocess
import time

import tap

OPEN_SECONDS = 60  # for a shell that hangs; none is waited for otherwise


def offered(t, *words):
    lines = t.vmferry('completion', '--words', '--', *words).stdout.splitlines()
    return [line.split('\t')[0] for line in lines]


@tap.rows((
    ('a verb', ['conv'], ['convert']),
    ('a format', ['convert', '-O', 'q'], ['qcow2']),
    ('behind the letter', ['convert', '-Oq'], ['-Oqcow2']),
    ('behind the name', ['convert', '--target-format=v'], ['--target-format=vmdk', '--target-format=vpc', '--target-format=vhd', '--target-format=vdi',
                                                          '--target-format=vhdx', '--target-format=vma']),
    ('behind a cluster of letters', ['convert', '-cpO', 'r'], ['raw']),
    ('an option', ['convert', '--no-'], ['--no-refs', '--no-replay', '--no-clobber', '--no-sync', '--no-create', '--no-verify', '--no-sign-request']),
    ('an option with a value', ['create', '--backing'], ['--backing=', '--backing-format=']),
    ('an option that was refused', ['convert', '--target-im'], []),
    ('a choice of help', ['convert', '--reflink', ''], ['never', 'auto']),
    ('a digest', ['checksum', '--algorithm=sha5'], ['--algorithm=sha512']),
    ('the output', ['info', '--output', 'j'], ['json']),
    ('a name in -o', ['convert', '-O', 'qcow2', '-o', 'compr'], ['compression_type=', 'compression_level=']),
    ('a value in -o', ['convert', '-O', 'qcow2', '-o', 'compression_type='], ['compression_type=zlib', 'compression_type=zstd']),
    ('a switch in -o', ['convert', '-O', 'qcow2', '-o', 'extended_l2='], ['extended_l2=on', 'extended_l2=off']),
    ('the second in -o', ['create', '-f', 'vhd', '-o', 'force_size=on,subf'], ['force_size=on,subformat=']),
    ('-o of any format', ['convert', '-o', 'hwv'], ['hwversion=']),
    ('-o of another format', ['convert', '-O', 'raw', '-o', 'hwv'], []),
    ('-o of a disk in a package', ['pack', '--disk-format', 'qcow2', '--disk-options', 'lazy'], ['lazy_refcounts=']),
    ('a form', ['pack', '--disk-format=vhd-'], ['--disk-format=vhd-fixed']),
    ('a guest system', ['pack', '--os', 'freebsd64'], ['freebsd64Guest']),
    ('a controller', ['pack', '--controller', 'l'], ['lsilogic', 'lsilogicsas']),
    ('a machine', ['convert', '--machine', 'v'], ['vbox', 'vmx', 'vma']),
    ('a platform', ['lint', '--for', 'xe'], ['xenserver']),
    ('what goes on behind a comma', ['edit', '--nic=n'], ['--nic=new,']),
    ('a form of the progress', ['convert', '--progress=j'], ['--progress=json']),
    ('a platform of help', ['help', 'profile', 'pro'], ['proxmox']),
    ('behind a verb of help', ['help', 'convert', ''], []),
    ('a shell', ['completion', 'z'], ['zsh']),
    ('a topic of help', ['help', 'vmd'], ['vmdk']),
    ('a source', ['convert', ''], [':files']),
    ('a target', ['convert', '-c', 'a.vmdk', 'b'], [':files']),
    ('a file for an option', ['convert', '-B', ''], [':files']),
    ('a file behind the name', ['convert', '--cert='], [':files']),
    ('a folder', ['unpack', 'a.ova', ''], [':folders']),
    ('a size', ['create', 'a.qcow2', ''], []),
    ('an operand that is none', ['completion', 'bash', ''], []),
    ('what begins with a hyphen behind --', ['info', '--', '-'], [':files']),
    ('behind no verb', ['nothing', ''], []),
    ('an option of no verb', ['convert', '--nothing=', ''], [':files']),
))
def test_offered(t, words, expected):
    tap.equal(offered(t, *words), expected)


def test_every_option_and_every_verb(t):
    """What help shows is offered: nothing is listed a second time anywhere."""
    verbs = offered(t, '')
    tap.equal(verbs, re.findall(r'^  (\w+)', t.vmferry('help').stdout.split('\nFormats:')[0], re.M))
    for verb in verbs:
        shown = set(re.findall(r'^  (?:-\w, |    )--([a-z0-9-]+)', t.vmferry(verb, '--help').stdout, re.M))
        tap.equal({word[2:].rstrip('=') for word in offered(t, verb, '-') if word.startswith('--')}, shown, verb)


def test_every_option_of_a_format(t):
    for name in ('raw', 'qcow2', 'vmdk', 'vpc'):
        shown = re.findall(r'^  ([\w.-]+)', t.vmferry('help', name).stdout.split('Options (')[-1], re.M)
        tap.equal(offered(t, 'create', '-f', name, '-o', ''), [option + '=' for option in shown], name)


def test_what_is_no_shell(t):
    tap.contains(t.vmferry('completion', 'csh', status=1).stderr, 'expected one of bash, zsh, fish')
    t.vmferry('completion', 'bash', 'zsh', status=1)


# ---- the shells, at a terminal ----

PROMPT = 'READY> '
MARK = re.compile(rb'\n<([^\n]*)>\r?\n')
STARTS = {
    'bash': (['--norc', '--noprofile', '-i'], 'bind "set bell-style none"; source <(vmferry completion bash)'),
    'zsh': (['-f', '-i'], 'autoload -Uz compinit; compinit -u -D; bindkey -e; source <(vmferry completion zsh)'),
    'zsh-fpath': (['-f', '-i'], 'vmferry completion zsh >_vmferry; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; bindkey -e'),
}


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, t, shell):
        program = shell.split('-')[0]
        words, start = STARTS[shell]
        self.seen = b''
        self.end, other = pty.openpty()
        path = str(pathlib.Path(tap.VMFERRY).resolve().parent) + ':' + os.environ['PATH']
        environment = {'PATH': path, 'HOME': t.path('.'), 'TERM': 'dumb', 'PS1': PROMPT, 'LC_ALL': 'C'}
        self.process = subprocess.Popen([tap.tool(program), *words], stdin=other, stdout=other, stderr=other,  # pylint: disable=consider-using-with
                                        cwd=t.folder, env=environment, start_new_session=True)
        os.close(other)
        self.wait(PROMPT.encode())
        self.type(start.encode() + b'; echo "<""started>"\n')
        self.wait(b'<started>')
        self.wait(PROMPT.encode())

    def type(self, data):
        os.write(self.end, data)

    def wait(self, part):
        """Everything up to `part`, which may be a pattern."""
        pattern = part if isinstance(part, re.Pattern) else re.compile(re.escape(part))
        until = time.monotonic() + OPEN_SECONDS
        while not (found := pattern.search(self.seen)):
            if not select.select([self.end], [], [], max(0, until - time.monotonic()))[0]:
                raise AssertionError(f'{part!r} did not come: {self.seen[-2000:]!r}')
            self.seen += os.read(self.end, 65536)
        self.seen = self.seen[found.end():]
        return found

    def completed(self, line):
        """The words that `line` becomes by the tab key, as the shell passes them."""
        self.type(line.encode() + b'\t\x01printf "\\n<%s>\\n" "$(printf "%s|" \x05)"\n')
        words = self.wait(MARK)[1].decode()
        self.wait(PROMPT.encode())
        return [word.rstrip('/') for word in words.split('|')[:-1]]  # zsh takes the slash of a folder away

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.end)


# What is typed behind "vmferry", and the words that it becomes.
TYPED = (
    ('conv', ['convert']),
    ('convert -O qc', ['convert', '-O', 'qcow2']),
    ('convert --target-format=qc', ['convert', '--target-format=qcow2']),
    ('info --outp', ['info', '--output=']),
    ('create -f qcow2 -o extended_l2=of', ['create', '-f', 'qcow2', '-o', 'extended_l2=off']),
    ('create -f qcow2 -o extended_l2=on,lazy', ['create', '-f', 'qcow2', '-o', 'extended_l2=on,lazy_refcounts=']),
    ('pack --os freebsd64', ['pack', '--os', 'freebsd64Guest']),
    ('info a', ['info', 'a file.raw']),
    ('convert --cert=a', ['convert', '--cert=a file.raw']),
    ('unpack x.ova b', ['unpack', 'x.ova', 'b folder']),
    ('help vmd', ['help', 'vmdk']),
)


def files(t):
    t.write('a file.raw', b'')
    (t.folder / 'b folder').mkdir()


@tap.rows([(shell, shell) for shell in STARTS])
def test_the_tab_key(t, shell):
    files(t)
    terminal = Terminal(t, shell)
    try:
        for line, expected in TYPED:
            tap.equal(terminal.completed('vmferry ' + line), ['vmferry', *expected], line)
    finally:
        terminal.close()


def test_the_tab_key_of_fish(t):
    fish = tap.tool('fish')
    files(t)
    path = str(pathlib.Path(tap.VMFERRY).resolve().parent) + ':' + os.environ['PATH']
    script = 'source (vmferry completion fish | psub); for line in $argv; echo (complete -C "vmferry $line" | string replace -r "\\t.*" "" | string join "|"); end'
    done = t.run(fish, '--no-config', '-c', script, *[line for line, _ in TYPED], env={'PATH': path, 'HOME': t.path('.')})
    tap.equal([line.rstrip('/') for line in done.stdout.splitlines()], [words[-1] for _, words in TYPED])


tap.main(globals())
