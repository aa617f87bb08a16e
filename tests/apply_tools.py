# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What tests of `apply` into images have in common, whatever the format."""
import tap


def edited(choice, disk, edits, longest):
    disk = bytearray(disk)
    for _ in range(edits):
        at, length = choice.randrange(len(disk)), choice.choice([1, 512, 4096, 70000, longest])
        piece = choice.choice([bytes, choice.randbytes])(min(length, len(disk) - at))
        disk[at:at + len(piece)] = piece
    return bytes(disk)


def refused(t, status, *words):
    """Nothing is left, and nothing is other than it was."""
    before = {name: t.read(name) for name in t.names()}
    done = t.vmferry('apply', *words, status=status)
    tap.equal({name: t.read(name) for name in t.names()} == before, True, 'what lies there')
    return done.stderr
