# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""lint.py BUILD-FOLDER: every rule of the project that a program can check. Prints what it finds."""
import collections
import pathlib
import re
import subprocess
import sys

import lint_findings
import lint_hardening
import lint_layers
import lint_manual
import lint_security

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
LINES_A_FILE, LINES_A_FUNCTION = 600, 80
BANNED = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X)\b')
TAG = re.compile(r'^(struct|enum|union) (\w+) \{', re.M)
VMF_TAG = re.compile(r'^(struct|enum|union) (vmf_\w+) \{', re.M)
OPENSSL_DEFAULT = re.compile(r'\bEVP_(md5|sha\d\w*|sha3_\w+|aes_\w+|get_\w+byname)\(|\bHMAC\(|_fetch\(NULL')
SAME_NAME_ALLOWED = {'meson.build', 'README.md'}


def files():
    """Every file of the project, tracked or new, as paths relative to its top; of an unpacked tarball all but what builds left."""
    if not (SOURCE / '.git').exists():
        names = (str(path.relative_to(SOURCE)) for path in SOURCE.rglob('*') if path.is_file())
        return [name for name in sorted(names) if not name.startswith('build')]
    listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=SOURCE, check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    return [name for name in sorted(listed.splitlines()) if (SOURCE / name).is_file()]


def is_c(name):
    return name.endswith(('.c', '.h'))


def is_code(name):
    return is_c(name) or name.endswith(('.py', '.c.in')) or name in ('dev', '.ci/run') or name.startswith('src/cli/completion/')


def check_layout(names):
    """clang-format has nothing to change."""
    done = subprocess.run(['clang-format', '--dry-run', '-Werror', *filter(is_c, names)], cwd=SOURCE,
                          stderr=subprocess.PIPE, text=True, check=False)
    wrong = dict.fromkeys(line.split(':', 1)[0] for line in done.stderr.splitlines() if ': error: ' in line)
    return [f'{name}: clang-format -i {name} would change it' for name in wrong]


def check_text(names):
    for name in filter(is_code, names):
        text = (SOURCE / name).read_text()
        lines = text.split('\n')
        if 'SPDX-License-Identifier: MIT' not in '\n'.join(lines[:3]):
            yield f'{name}:1: no SPDX line'
        if len(lines) > LINES_A_FILE + 1:
            yield f'{name}: {len(lines) - 1} lines, at most {LINES_A_FILE}'
        for number, line in enumerate(lines, 1):
            if BANNED.search(line):
                yield f'{name}:{number}: {BANNED.search(line)[0]}: open an issue instead'


def check_functions(names):
    for name in filter(is_c, names):
        start = None
        for number, line in enumerate((SOURCE / name).read_text().split('\n'), 1):
            if line == '{':
                start = number
            elif line == '}' and start:
                if number - start - 1 > LINES_A_FUNCTION:
                    yield f'{name}:{start}: a function of {number - start - 1} lines, at most {LINES_A_FUNCTION}'
                start = None


def check_names(names):
    """Unique in the tree; a driver's folder is part of the name of what is in it, but for headers."""
    places = collections.defaultdict(list)
    for name in names:
        if name.endswith('.h') or not re.match(r'formats/\w+/', name):
            places[pathlib.PurePath(name).name].append(name)
    for base, found in places.items():
        if len(found) > 1 and base not in SAME_NAME_ALLOWED:
            yield f'file names must be unique in the tree: {" ".join(found)}'


def check_tags(names):
    """One type a tag: in all headers, and with vmf_ everywhere."""
    places = collections.defaultdict(set)
    for name in filter(is_c, names):
        if name.startswith(('src/', 'formats/', 'include/')):
            tag = TAG if name.endswith('.h') else VMF_TAG
            for kind, found in tag.findall((SOURCE / name).read_text()):
                places[found].add(f'{kind} in {name}')
    for tag, found in places.items():
        if len(found) > 1:
            yield f'{tag} names several types: {", ".join(sorted(found))}'


def check_once(names):
    """The second function of a name hides the first: a test that never runs."""
    for name in names:
        if name.endswith('.py'):
            counts = collections.Counter(re.findall(r'^def (\w+)', (SOURCE / name).read_text(), re.M))
            yield from (f'{name}: {function} is defined {count} times' for function, count in counts.items() if count > 1)


def check_openssl(names):
    """OpenSSL's default library context reads configuration files, and crashes where memory ran out while it was made."""
    for name in names:
        if name.startswith(('src/', 'formats/')) and is_c(name):
            for number, line in enumerate((SOURCE / name).read_text().split('\n'), 1):
                if OPENSSL_DEFAULT.search(line):
                    yield f'{name}:{number}: {OPENSSL_DEFAULT.search(line)[0]}) is of OpenSSL\'s default library context: fetch it from one of our own'


def check_shell(names):
    scripts = [name for name in names if name in ('dev', '.ci/run') or name.endswith(('.sh', '.bash'))]
    done = subprocess.run(['shellcheck', '-f', 'gcc', *scripts], cwd=SOURCE, stdout=subprocess.PIPE, text=True,
                          check=False)
    return done.stdout.splitlines()


def main():
    build = pathlib.Path(sys.argv[1])
    names = files()
    checks = (
        ('layout', lambda: check_layout(names)),
        ('text', lambda: check_text(names)),
        ('functions', lambda: check_functions(names)),
        ('names', lambda: check_names(names)),
        ('tags', lambda: check_tags(names)),
        ('once', lambda: check_once(names)),
        ('openssl', lambda: check_openssl(names)),
        ('shell', lambda: check_shell(names)),
        ('includes', lambda: lint_layers.check_includes(SOURCE, names)),
        ('rooms', lambda: lint_layers.check_rooms(names)),
        ('drivers', lambda: lint_layers.check_drivers(build)),
        ('exports', lambda: lint_layers.check_exports(SOURCE, build)),
        ('threads', lambda: lint_layers.check_threads(SOURCE)),
        ('hardening', lambda: lint_hardening.check(build)),
        ('manual', lambda: lint_manual.check(SOURCE, build)),
        ('findings', lambda: lint_findings.check(SOURCE)),
        ('security', lambda: lint_security.check(SOURCE)),
    )
    total = 0
    for title, check in checks:
        findings = list(check())
        total += len(findings)
        for finding in findings:
            print(f'{title}: {finding}')
    print(f'lint: {len(checks)} checks, {len(names)} files, {total} findings')
    sys.exit(1 if total else 0)


main()
