# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""One row of the table of hostile packages, and what must hold for every one and every verb: the exit status, a message
that says why, nothing written outside of the target, nothing left behind, nothing told of files outside, no crash, no
hang, little memory."""
import os
import shutil

import hostile_packages as packages
import tap
from hostile_case import MIB, check_lines, run  # of tests/formats, which hostile_packages put in the path

MEMORY = 300 * MIB
FINDINGS = ('vmferry: error: ', 'vmferry: not carried over: ')
# {}: the package. What a verb writes goes to `out`.
VERBS = {
    'info': ('info', '{}'),
    'verify': ('verify', '{}'),
    'convert': ('convert', '{}', 'out/new.ova'),
    'unpack': ('unpack', '{}', 'out/folder'),
    'disk': ('convert', '-O', 'raw', '{}::vmdisk1', 'out/disk.raw'),
    'raw': ('unpack', '-O', 'raw', '{}', 'out/folder'),
}
MORE_VERBS = {
    'info as JSON': ('info', '--output=json', '{}'),
    'verify as JSON': ('verify', '--output=json', '{}'),
    'verify the descriptor': ('verify', '--descriptor-only', '{}'),
    'convert to a folder': ('convert', '{}', 'out/new/'),
    'convert to a descriptor': ('convert', '{}', 'out/new.ovf'),
    'map': ('map', '--output=json', '{}::vmdisk1'),
    'checksum': ('checksum', '{}::vmdisk1'),
    'check': ('check', '{}::vmdisk1'),
    'pack by a template': ('pack', '-o', 'out/new.ova', '--template', '{}', 'disk.raw'),
    'sign': ('sign', '--key', 'nokey.pem', '--cert', 'nocert.pem', '{}'),
    'take the signature away': ('sign', '--remove', '{}'),
}


class Row:
    """package: bytes or what makes the file of a given path; files: others in its folder. part: of the message, or
    several of which one must be there when it fails, and for the verbs in `says` in any case. status: of every verb,
    one or several; statuses by verb override it."""

    def __init__(self, title, package, part, status=2, *, name='p.ova', files=None, says=(), **statuses):
        self.title, self.name = title, name
        self.files = dict(files or {}, **({} if package is None else {name: package}))
        self.parts, self.says = (part,) if isinstance(part, str) else part, says
        self.statuses = {verb: statuses.get(verb, status) for verb in VERBS}
        self.statuses['raw'] = statuses.get('raw', self.statuses['convert'])

    def expected(self, verb):
        status = self.statuses[verb]
        return (status,) if isinstance(status, int) else status


def fine(title, package, part='', **words):
    """Odd, but to be read; the standard may be violated."""
    return Row(title, package, part, 0, **dict({'verify': (0, 3)}, **words))


def image_bad(title, package, part, **words):
    """The descriptor is good, a file is not: info need not look at it."""
    return Row(title, package, part, **dict({'info': (0, 2)}, **words))


def disk_bad(title, package, part, **words):
    """The files are all there, but a disk cannot be read: unpack without -O need not look into it."""
    return image_bad(title, package, part, **dict({'unpack': (0, 2)}, **words))


def place_row(t, row):
    """The package in `in`, secrets where hostile names would lead, an empty `out`."""
    os.mkdir(t.path('in'))
    os.mkdir(t.path('out'))
    packages.place(t.path('in'), row.files)
    t.write('disk.raw', packages.SMALL)
    for name in ('secret', 'in/secret'):
        t.write(name, packages.SECRET)


def listing(t, of='.'):
    found = []
    for top, folders, files in os.walk(t.path(of)):
        found += [os.path.relpath(os.path.join(top, name), t.folder) for name in folders + files]
    return sorted(found)


def outside(t):
    return [name for name in listing(t) if not name.startswith('out/')]


def check_marker(t, output, text):
    """Nothing of a file outside is in what was said or written."""
    marker = packages.MARKER
    if marker in output or marker.decode() in text:
        raise AssertionError('a file outside of the package was shown')
    for name in listing(t, 'out'):
        path = t.path(name)
        if os.path.islink(path) or not (os.path.isfile(path) or os.path.isdir(path)):
            raise AssertionError(f'{name}: no file and no folder')
        if os.path.isfile(path) and os.stat(path).st_size < 64 * MIB and marker in t.read(name):
            raise AssertionError(f'{name}: holds a file outside of the package')


def run_verb(t, row, command, statuses):
    """Runs one command on a placed row; statuses: (), any."""
    before = outside(t)
    status, output, text = run(t, *(word.replace('{}', 'in/' + row.name) for word in command), memory=MEMORY)
    errors, _ = check_lines(text)
    said = output.decode(errors='replace') + text
    if statuses and status not in statuses:
        raise AssertionError(f'{command[0]}: exit {status}, expected {statuses}: {said:.4000}')
    if command[0] != 'sign':
        tap.equal(outside(t), before, f'{command[0]}: files outside of the target')
    tap.equal([name for name in listing(t) if '.part-' in name], [], f'{command[0]}: temporary files')
    check_marker(t, output, text)
    if status:
        tap.equal(listing(t, 'out'), [], f'{command[0]}: files of a failed run')
        if command[0] not in ('verify', 'check'):
            last = [line for line in errors if not line.startswith(FINDINGS)]
            tap.equal(len(last), 1, f'{command[0]}: lines on standard error {text}')
    shutil.rmtree(t.path('out'))
    os.mkdir(t.path('out'))
    return status, output.decode(errors='replace'), text


def run_row(t, row):
    place_row(t, row)
    failures = []
    for verb, command in VERBS.items():
        try:
            status, output, text = run_verb(t, row, command, row.expected(verb))
            said = (output + text).lower()
            if (status or verb in row.says) and not any(part.lower() in said for part in row.parts):
                raise AssertionError(f'{verb}: none of {row.parts} is in {said!r:.2000}')
        except AssertionError as failure:
            failures.append(str(failure))
            shutil.rmtree(t.path('out'))
            os.mkdir(t.path('out'))
    if failures:
        raise AssertionError('\n'.join(failures))
