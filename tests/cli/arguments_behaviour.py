# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The command line as such: help, version, usage errors and where they are printed."""
import tap


def test_version(t):
    done = t.vmferry('--version')
    tap.contains(done.stdout, 'vmferry ')
    tap.equal(done.stderr, '', 'stderr')


tap.main(globals())
