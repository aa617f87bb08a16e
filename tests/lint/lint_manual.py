# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The manual and the program agree: the options of every verb and of every format, both ways. Its pages are well-formed."""
import re
import shutil
import subprocess

VERBS, FORMATS = 'vmferry.1', 'vmferry-formats.5'
PAGES = {VERBS: 'src/cli', FORMATS: 'src/cli', 'vmferry-findings.7': 'src/cli', 'vmferry-machines.5': 'docs', 'vmferry-migration.7': 'docs',
         'libvmferry.3': 'docs'}


def output(build, *arguments):
    return subprocess.run([str(build / 'src/cli/vmferry'), *arguments], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def listed(text, title):
    """The first words of the indented lines behind `title`."""
    body = text.split(title + '\n', 1)[-1].split('\n\n', 1)[0]
    return re.findall(r'^  (\w+)', body, re.M)


def sections(page):
    """{heading: text} of a page's .SH and .SS."""
    parts = re.split(r'^\.S[HS] (.*)$', page.read_text().replace('\\-', '-'), flags=re.M)
    return dict(zip((part.strip('"') for part in parts[1::2]), parts[2::2]))


def written_options(text):
    """Those with a text of their own, and those in the list of what is as for another verb."""
    told = re.findall(r'^\.TP\n(.*)$', text, re.M) + re.findall(r'^\.PP\nAs for\n\.BR \w+ :\n((?:\.BR .*\n)*)', text, re.M)
    return set(re.findall(r'--([a-z][a-z-]+)', ' '.join(told)))


def formatter_says(page):
    """Warnings of groff, where there is one."""
    if shutil.which('groff'):
        made = subprocess.run(['groff', '-ww', '-t', '-man', '-Tutf8', '-Kutf8', '-z', str(page)], stderr=subprocess.PIPE, text=True, check=False)
        yield from made.stderr.splitlines()


def checker_says(page):
    """What mandoc finds worse than a matter of style, where there is one."""
    if shutil.which('mandoc'):
        made = subprocess.run(['mandoc', '-Tlint', '-Wwarning', str(page)], stdout=subprocess.PIPE, text=True, check=False)
        yield from made.stdout.splitlines()


def unknown_functions(source, page):
    headers = ''.join(header.read_text() for header in sorted((source / 'include').rglob('*.h')))
    for name in sorted(set(re.findall(r'\b(vmf_\w+) \(\)', page.read_text()))):
        if f'{name}(' not in headers:
            yield f'{page.name} tells of {name}, which no header in include declares'


def check(source, build):
    pages = {name: source / folder / name for name, folder in PAGES.items()}
    for page in pages.values():
        yield from formatter_says(page)
        yield from checker_says(page)
    yield from unknown_functions(source, pages['libvmferry.3'])
    top = output(build, 'help')
    manual = sections(pages[VERBS])
    for verb in re.findall(r'^(\w+)\t', output(build, 'completion', '--words', '--', ''), re.M):
        text = manual.get(verb)
        if text is None:
            yield f'{VERBS} has no section for the verb {verb}'
            continue
        known = set(re.findall(r'--([a-z][a-z-]+)', output(build, verb, '--help'))) - {'help'}
        for name in sorted(known ^ written_options(text)):
            yield f'option --{name} of {verb} is only in {"the program" if name in known else VERBS}'
    manual = sections(pages[FORMATS])
    for name in listed(top, 'Formats:'):
        text = manual.get(name)
        if text is None:
            yield f'{FORMATS} has no section for the format {name}'
            continue
        known = set(re.findall(r'^  (\w+)', output(build, 'help', name).partition('Options (')[2], re.M))
        written = set(re.findall(r'^\.TP\n\.B[RI]? (\w+)', text, re.M))
        for option in sorted(known ^ written):
            yield f'option {option} of format {name} is only in {"the program" if option in known else FORMATS}'
