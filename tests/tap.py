# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Runs the test functions of one file and prints TAP.

A test file holds functions `test_*(t)` and ends with `tap.main(globals())`. `t` is a Test: a scratch
folder of its own (removed afterwards) and the vmferry under test. @tap.rows makes one test a row.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

SOURCE = pathlib.Path(__file__).resolve().parent.parent
IMAGES = SOURCE / 'test-images'
VMFERRY = os.environ.get('VMFERRY', str(SOURCE / 'build/src/cli/vmferry'))
# A build with a sanitizer is slow: it runs a sample of what the plain one runs, unless all is asked for.
SAMPLED = os.environ.get('VMFERRY_SANITIZED', 'none') != 'none' and 'VMFERRY_TEST_ALL' not in os.environ
LONG_TABLE = 10  # rows: of such a table, the sample is every third one


class Skip(Exception):
    """Raised by a test that cannot run here; its text is the reason."""


def corpora():
    """The folders of third-party images, or a skip where there is none."""
    default = f'{SOURCE}/../shared/corpus:{SOURCE}/../shared/corpus-2'
    folders = [pathlib.Path(name) for name in os.environ.get('VMFERRY_CORPUS', default).split(':')]
    found = [folder.resolve() for folder in folders if folder.is_dir()]
    if not found:
        raise Skip('no corpus folder')
    return found


def tool(name):
    """The path of an independent program, or a skip where it is not installed."""
    path = shutil.which(name)
    if not path:
        raise Skip(name + ' is not installed')
    return path


def built_with(library):
    """Whether vmferry has the library ("liblzma"), by what --version says."""
    return f'Left out: {library}' not in subprocess.run([VMFERRY, '--version'], stdout=subprocess.PIPE, check=True, text=True).stdout


def needs(library):
    """A skip where vmferry was built without the library."""
    if not built_with(library):
        raise Skip(f'vmferry was built without {library}')


def rows(table):
    """One test for each row (name, value...): the function is called with (t, value...)."""
    def mark(function):
        function.rows = table
        return function
    return mark


def equal(found, expected, what='value'):
    if found != expected:
        raise AssertionError(f'{what}: found {found!r:.2000}, expected {expected!r:.2000}')


def contains(text, part):
    if part not in text:
        raise AssertionError(f'{part!r} is not in {text!r:.2000}')


class Test:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def path(self, name):
        return str(self.folder / name)

    def write(self, name, data):
        (self.folder / name).write_bytes(data)
        return self.path(name)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def names(self):
        return sorted(entry.name for entry in self.folder.iterdir())

    def run(self, *command, status=0, text=True, env=None, **options):
        """Runs a program; `status`: the exit code that it must have, None: any."""
        options.setdefault('stdin', subprocess.DEVNULL)
        options.setdefault('stdout', subprocess.PIPE)
        options.setdefault('timeout', 300)
        done = subprocess.run([str(word) for word in command], stderr=subprocess.PIPE, check=False,
                              env=dict(os.environ, **(env or {})), cwd=self.folder, **options)
        if text:
            done.stdout = (done.stdout or b'').decode(errors='replace')
            done.stderr = done.stderr.decode(errors='replace')
        if status is not None and done.returncode != status:
            raise AssertionError(f'{command}: exit {done.returncode}, expected {status}\n'
                                 f'{done.stdout!r:.2000}\n{done.stderr!s:.4000}')
        return done

    def vmferry(self, *arguments, **options):
        return self.run(VMFERRY, *arguments, **options)


def collect(names, sampled):
    for name, function in names.items():
        if name.startswith('test_') and callable(function):
            title = name[5:].replace('_', ' ')
            table = getattr(function, 'rows', None) or [None]
            for row in table[::3] if sampled and len(table) >= LONG_TABLE else table:
                yield (title, function, ()) if row is None else (f'{title}: {row[0]}', function, row[1:])


def run_one(function, values):
    """The TAP words for one test: (passed, directive, details)."""
    with tempfile.TemporaryDirectory(prefix='vmferry-test-', dir=os.environ.get('VMFERRY_SCRATCH')) as folder:
        try:
            function(Test(folder), *values)
        except Skip as reason:
            return True, f' # SKIP {reason}', ''
        except Exception:  # pylint: disable=broad-except
            return False, '', traceback.format_exc()
    return True, '', ''


def run_all(tests):
    """Whether one failed."""
    failed = False
    for number, (title, function, values) in enumerate(tests, 1):
        passed, directive, details = run_one(function, values)
        failed |= not passed
        title = title.replace('#', '\\#')
        print(f'{"ok" if passed else "not ok"} {number} - {title}{directive}')
        for line in details.splitlines():
            print('# ' + line)
        sys.stdout.flush()
    return failed


def main(names):
    only = sys.argv[1] if len(sys.argv) > 1 else ''  # a part of a test's title, to run by hand
    tests = [test for test in collect(names, SAMPLED and not only) if only in test[0]]
    print(f'1..{len(tests)}')
    # What is confined may write temporary files: not where the files of the tests are.
    with tempfile.TemporaryDirectory(prefix='vmferry-temporary-') as temporary:
        os.environ['TMPDIR'] = temporary
        failed = run_all(tests)
    sys.exit(1 if failed else 0)
