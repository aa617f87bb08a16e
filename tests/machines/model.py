# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What model_of says of a machine's text, for the tests of machine formats."""
import json
import os

import tap

MODEL_OF = os.path.join(os.environ.get('VMFERRY_BUILD', str(tap.SOURCE / 'build')), 'tests/machines/model_of')


def read(t, path, *arguments):
    """The machine of a file, and its findings."""
    said = json.loads(t.run(MODEL_OF, path, *arguments).stdout)
    return said['machine'], said['findings']


def refused(t, path, *arguments):
    """The error, of exit status 1: a crash is not one."""
    return t.run(MODEL_OF, path, *arguments, status=1).stderr


def written(t, path, target, form, *arguments):
    """Writes the machine of a file as another one, `target`; the lines that the writer tells, as
    (weight, field, code, why)."""
    done = t.run(MODEL_OF, path, 'to=' + form, 'name=' + os.path.basename(target), *arguments)
    with open(target, 'w', encoding='utf-8', newline='') as file:
        file.write(done.stdout)
    return [tuple(line.split('|', 3)) for line in done.stderr.splitlines()]


def extras(machine, known=None):
    return {extra['key']: extra.get('value') for extra in machine.get('extra', [])
            if known is None or extra['known'] == known}


def rules(findings):
    return [finding['rule'] for finding in findings]
