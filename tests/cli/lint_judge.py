# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""lint --for PLATFORM as the tests ask it: the ids of the rules that are broken. It is noted which rules were, and of which platforms' files they were not."""
import json

import tap

judged = []  # (platform, rules that were broken)


def lint(t, platform, name, *arguments, status=0):
    done = t.vmferry('lint', '--output=json', '--for', platform, *arguments, name, status=status)
    rules = sorted({finding['rule'] for finding in json.loads(done.stdout)['findings']})
    judged.append((platform.partition('@')[0], rules))
    return rules


def check_that_each_is_kept_too():
    """Each rule that a file of this suite broke has another file of the same platform that does not."""
    found = {rule for _, rules in judged for rule in rules}
    for rule in found:
        platforms = {platform for platform, rules in judged if rule in rules}
        tap.equal(any(platform in platforms and rule not in rules for platform, rules in judged), True, f'a file that keeps {rule}')
