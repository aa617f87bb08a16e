# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What the program finds has a name, and each name stands in the manual: vmferry-findings(7)."""
import re

NAME = re.compile(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)"')


def tellers(text):
    """Functions and macros that are handed the name of a rule."""
    return set(re.findall(r'(\w+)\((?=[^()]*\bconst char \*rule\b)', text)) | set(re.findall(r'#define (\w+)\((?=[^()]*\brule\b)', text))


def arguments(text, start):
    """Of the call whose parenthesis opens before `start`."""
    depth = 1
    for at in range(start, len(text)):
        depth += {'(': 1, ')': -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return ''


def told(text, names):
    for call in re.finditer(rf'\b(?:{"|".join(sorted(names))})\(', text):
        first = arguments(text, call.end())
        for name in NAME.finditer(first):
            yield name[1]
            if '?' not in first[:name.start()]: # else the other one of two names follows
                break
    yield from re.findall(r'\.rule = "([^"]+)"', text)


def check(source):
    files = [path for folder in ('src', 'formats') for path in sorted((source / folder).rglob('*.[ch]'))]
    texts = {path: path.read_text() for path in files}
    shared = set().union(*(tellers(text) for path, text in texts.items() if path.suffix == '.h'))
    found = {rule: path for path, text in texts.items() for rule in told(text, shared | tellers(text))}
    literals = set().union(*(re.findall(r'"([a-z0-9-]+)"', text) for text in texts.values()))
    page = (source / 'src/cli/vmferry-findings.7').read_text().replace('\\-', '-')
    written = set(re.findall(r'^\.BR (\S+) " \(', page.partition('.SH FINDINGS')[2], re.M)) | set(re.findall(r'^\.B (loss-\S+)$', page, re.M))
    rules = set(re.findall(r'\{"([EWI]-[A-Z0-9-]+)"', (source / 'src/lint/lint_rules.c').read_text()))
    told_rules = set(re.findall(r'^\.B ([EWI]-[A-Z0-9-]+)$', page, re.M))
    for rule in sorted(rules ^ told_rules):
        yield f'the rule {rule} is only in {"lint_rules.c" if rule in rules else "vmferry-findings.7"}'
    tests = ''.join(path.read_text() for path in (source / 'tests/cli').glob('lint*_behaviour.py'))
    for rule in sorted(rules):
        if not re.search(rf"['\[]{rule}['\]]", tests):
            yield f'the rule {rule} has no file in tests/cli/lint*_behaviour.py that breaks it'
    for rule, path in sorted(found.items()):
        if rule not in written:
            yield f'{path.relative_to(source)}: the finding {rule} does not stand in vmferry-findings.7'
    for rule in sorted({name for name in literals if name.startswith('loss-')} - found.keys() - written):
        yield f'the loss {rule} does not stand in vmferry-findings.7'
    for rule in sorted(written - literals):
        yield f'vmferry-findings.7: nothing tells {rule}'
