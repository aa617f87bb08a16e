# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The binary interface: what libvmferry.so exports, and how the structs of its headers are laid out, is what tests/library/abi.txt says."""
import os
import pathlib
import re
import subprocess
import sys

import abi
import tap


def library():
    build = os.environ.get('VMFERRY_BUILD')
    if not build:
        raise tap.Skip('VMFERRY_BUILD is not set')
    return pathlib.Path(build) / 'src/lib/libvmferry.so'


def kept(*kinds):
    return [line for line in abi.KEPT.read_text().splitlines() if line.split()[0] in kinds]


def compare(found, expected):
    """What is gone has broken programs; what is new is to be added to the list, with its own version of symbols."""
    tap.equal([line for line in expected if line not in found], [], 'gone or moved: programs break, so the soname has to change')
    tap.equal([line for line in found if line not in expected], [], 'new: python3 tests/library/abi.py --write')


def test_symbols(t):
    tap.tool('nm')
    compare(abi.symbols(library()), kept('symbol'))


def test_all_functions_of_the_headers_and_no_others_are_exported(t):
    tap.tool('nm')
    tap.equal([line.split()[1] for line in abi.symbols(library())], abi.declared_functions())


def test_what_functions_take_and_return(t):
    tap.equal([re.search(r'vmf_\w+(?=\()', line)[0] for line in sorted(abi.signatures(), key=lambda line: re.search(r'vmf_\w+(?=\()', line)[0])], abi.declared_functions())
    compare(abi.signatures(), kept('function'))


def test_the_manual_says_what_does_the_work_of_each_verb(t):
    """Every verb of the command has a row, and each function in it is one of the library's."""
    page = (tap.SOURCE / 'docs/libvmferry.3').read_text()
    rows = [row.split('\t') for row in page.split('.SS "What does the work of each verb"\n.TS\nl l.\n')[1].split('\n.TE')[0].splitlines()]
    told = sorted(verb for verbs, _ in rows for verb in verbs.split(', ') if verb)
    tap.equal(told, sorted(set(re.findall(r'^  (\w+) ', t.vmferry('help').stdout.split('\nFormats:')[0], re.M)) - {'help', 'completion'}), 'verbs')
    tap.equal(sorted({name for _, text in rows for name in re.findall(r'\bvmf_\w+', text)} - set(abi.declared_functions())), [], 'no functions')


def test_no_symbol_is_without_a_version(t):
    tap.equal([line for line in abi.symbols(library()) if not re.search(r' VMFERRY_\d+\.\d+$', line)], [])


def test_layouts(t):
    tap.tool('cc')
    if sys.maxsize < 1 << 32:
        raise tap.Skip('the list is for 64 bits')
    compare(abi.layouts(t.folder), kept('value', 'struct', 'member'))


def test_the_layouts_are_complete(t):
    """By the compiler's own count: between two members there is no room for a third, but for padding."""
    rows = [line.split() for line in kept('struct', 'member')]
    sizes = {row[1]: int(row[2]) for row in rows if row[0] == 'struct'}
    for tag, size in sizes.items():
        members = sorted((int(row[2]), int(row[3])) for row in rows if row[0] == 'member' and row[1].split('.')[0] == tag)
        ends = [offset + length for offset, length in members]
        for end, start in zip(ends, [offset for offset, _ in members[1:]] + [size]):
            tap.equal(0 <= start - end < 8, True, f'{tag}: bytes {end} to {start} are no padding')


def test_the_soname_is_the_one_that_programs_ask_for(t):
    shown = subprocess.run([tap.tool('readelf'), '-d', str(library())], check=True, stdout=subprocess.PIPE, text=True).stdout
    tap.contains(shown, 'Library soname: [libvmferry.so.0]')


tap.main(globals())
