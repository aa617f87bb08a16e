# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""One row of the table of malformed and hostile images, and what must hold for every one: the exit status, one line
that says why and names the file, nothing left behind, no crash, no hang, little memory."""
import os
import resource
import signal
import subprocess
import threading

import tap

MIB = 1 << 20
MEMORY = 96 * MIB  # 64 MiB, 4 MiB a thread, and the program itself
HANG = 60          # seconds; nothing here takes more than a fraction of one
SANITIZED = os.environ.get('VMFERRY_SANITIZED', 'none') != 'none' or 'san' in tap.VMFERRY

CONVERT = ('convert', '-O', 'raw', '{}', 'out.raw')
CHECK = ('check', '{}')
INFO = ('info', '{}')


class Row:
    """image: bytes, or what makes the file of a given path; files: the same for others in the folder, made before it.
    part: of the line on standard error. status: of the exit, one or several. guest: the bytes that a status of 0 must
    give, or what tells of a file's path whether it holds them (True: any). warns: whether warnings may stand beside the
    line. names: the file that it must name."""

    def __init__(self, title, image, part, status=2, *, name='x.disk', command=CONVERT, files=None, guest=True,
                 warns=False, names=None):
        self.title, self.image, self.part, self.name = title, image, part, name
        self.statuses = (status,) if isinstance(status, int) else status
        self.command, self.files, self.guest, self.warns = command, files or {}, guest, warns
        self.names = name if names is None else names


def place(t, name, what):
    path = t.path(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if callable(what):
        what(path)
    else:
        with open(path, 'wb') as file:
            file.write(what)


def listing(t):
    found = []
    for top, folders, files in os.walk(t.folder):
        found += [os.path.relpath(os.path.join(top, name), t.folder) for name in folders + files]
    return sorted(found)


def environment(arguments):
    """A confined process with a secret lets nobody look into it, and that is how LeakSanitizer looks for leaks."""
    blind = ':detect_leaks=0' if {'--untrusted', '--secret-file'} <= set(arguments) else ''
    return dict(os.environ, ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + blind)


def run(t, *arguments, memory=MEMORY, hang=HANG):
    """(exit status, standard output, standard error); fails on a signal, a hang, and too much memory. What this
    program has itself counts as the child's, too, from between fork and exec, and is the least that can be told."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with subprocess.Popen([tap.VMFERRY, *arguments], cwd=t.folder, env=environment(arguments), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        texts = [b'', b'']

        def drain(index, stream):
            texts[index] = stream.read()
        readers = [threading.Thread(target=drain, args=(index, stream))
                   for index, stream in enumerate((child.stdout, child.stderr))]
        for reader in readers:
            reader.start()
        killer = threading.Timer(hang * (10 if SANITIZED else 1), child.kill)
        killer.start()
        _, status, usage = os.wait4(child.pid, 0)
        killer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        for reader in readers:
            reader.join()
    text = texts[1].decode(errors='backslashreplace')
    if child.returncode < 0:
        hung = ' (hung)' if child.returncode == -signal.SIGKILL else ''
        raise AssertionError(f'{arguments}: died of signal {-child.returncode}{hung}\n{text:.4000}')
    if 'ERROR: ' in text or 'runtime error' in text:
        raise AssertionError(f'{arguments}: {text:.8000}')
    if not SANITIZED and usage.ru_maxrss * 1024 > max(memory, own + MIB):
        raise AssertionError(f'{arguments}: {usage.ru_maxrss // 1024} MiB of memory, at most {memory // MIB}')
    return child.returncode, texts[0], text


def check_lines(text):
    """The lines of standard error: (errors, warnings); each begins with the program's name and is printable."""
    errors, warnings = [], []
    for line in text.rstrip('\n').split('\n') if text else []:
        if not line.startswith('vmferry: ') or any(ord(c) < 32 or ord(c) == 127 for c in line):
            raise AssertionError(f'a line that is none of vmferry: {line!r}')
        harmless = line.startswith(('vmferry: warning: ', 'vmferry: not carried over: '))
        (warnings if harmless else errors).append(line)
    return errors, warnings


def place_all(t, row):
    for name, what in row.files.items():
        place(t, name, what)
    if row.image is not None:
        place(t, row.name, row.image)


def run_row(t, row):
    place_all(t, row)
    before = listing(t)
    status, _, text = run(t, *(word.replace('{}', row.name) for word in row.command))
    if status not in row.statuses:
        raise AssertionError(f'exit {status}, expected {row.statuses}: {text:.4000}')
    errors, warnings = check_lines(text)
    tap.contains(text, row.part)
    if status == 0 and row.command[0] == 'convert':
        check_content(t, row)
        before = sorted(before + [row.command[-1]])
    elif row.command[0] != 'check':
        tap.equal(len(errors), 1 if status else 0, 'lines on standard error ' + text)
        tap.contains(text, row.names)
    tap.equal(bool(warnings) and not row.warns, False, 'warnings ' + text)
    tap.equal(listing(t), before, 'files')


def check_content(t, row):
    if callable(row.guest):
        tap.equal(row.guest(t.path('out.raw')), True, 'guest bytes')
    elif row.guest is not True:
        tap.equal(t.read('out.raw') == row.guest, True, 'guest bytes')
