# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The manual and the program agree: the options of every verb and of every format, both ways."""
import re
import subprocess


def output(build, *arguments):
    return subprocess.run([str(build / 'src/cli/vmferry'), *arguments], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def listed(text, title):
    """The first words of the indented lines behind `title`."""
    body = text.split(title + '\n', 1)[-1].split('\n\n', 1)[0]
    return re.findall(r'^  (\w+)', body, re.M)


def sections(manual):
    """{heading: text} of the manual's .SH and .SS."""
    parts = re.split(r'^\.S[HS] (.*)$', manual, flags=re.M)
    return dict(zip((part.strip('"') for part in parts[1::2]), parts[2::2]))


def check(source, build):
    manual = sections((source / 'src/cli/vmferry.1').read_text().replace('\\-', '-'))
    top = output(build, 'help')
    for verb in listed(top, 'Verbs:'):
        text = manual.get(verb)
        if text is None:
            yield f'vmferry.1 has no section for the verb {verb}'
            continue
        known = set(re.findall(r'--([a-z][a-z-]+)', output(build, verb, '--help'))) - {'help'}
        written = set(re.findall(r'--([a-z][a-z-]+)', ''.join(re.findall(r'^\.TP\n(.*)$', text, re.M))))
        for name in sorted(known ^ written):
            yield f'option --{name} of {verb} is only in {"the program" if name in known else "vmferry.1"}'
    for name in listed(top, 'Formats:'):
        text = manual.get(name)
        if text is None:
            yield f'vmferry.1 has no section for the format {name}'
            continue
        known = set(re.findall(r'^  (\w+)', output(build, 'help', name).split('Options (', 1)[-1], re.M))
        written = set(re.findall(r'^\.TP\n\.B[RI]? (\w+)', text, re.M))
        for option in sorted(known ^ written):
            yield f'option {option} of format {name} is only in {"the program" if option in known else "vmferry.1"}'
