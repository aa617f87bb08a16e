# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Each promise in SECURITY.md names a test, and that test is there."""
import re

ROW = re.compile(r'^\| (.+) \| `([^`: ]+): (\w+)` \|$')


def check(source):
    promises = (source / 'SECURITY.md').read_text().partition('|---|---|\n')[2].partition('\n\n')[0]
    if not promises:
        yield 'SECURITY.md: has no table of promises'
    for line in promises.splitlines():
        row = ROW.match(line)
        if not row:
            yield f'SECURITY.md: no test is named as `FILE: NAME`: {line}'
        elif not (source / row[2]).is_file():
            yield f'SECURITY.md: {row[2]} is not there'
        elif not re.search(rf'^(?:def {row[3]}\(|START_TEST\({row[3]}\))', (source / row[2]).read_text(), re.M):
            yield f'SECURITY.md: {row[2]} has no test {row[3]}'
