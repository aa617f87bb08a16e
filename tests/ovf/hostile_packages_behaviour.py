# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Hostile packages: a table of packages, what is wrong with each, how every verb must end, and what must be said."""
import json
import os
import shutil

import hostile_descriptor_rows
import hostile_package_rows
import hostile_packages as packages
import tap
from hostile_package_case import MEMORY, MORE_VERBS, Row, listing, place_row, run_row, run_verb
from hostile_case import run

ROWS = hostile_package_rows.ROWS + hostile_descriptor_rows.ROWS
LARGE_ROWS = ('million', 'MB', '100000', '200000', '300000', 'thousand long', '20 GiB', '4 GiB', '16 MiB')


@tap.rows([(row.title, row) for row in ROWS])
def test_row(t, row):
    run_row(t, row)


def test_good_package_is_good(t):
    """Otherwise the rows would say nothing."""
    place_row(t, Row('good', packages.ova(*packages.signed_off(packages.GOOD)), ''))
    for command in (('info', 'in/p.ova'), ('verify', 'in/p.ova'), ('unpack', 'in/p.ova', 'out/folder'),
                    ('convert', 'in/p.ova', 'out/new.ova'),
                    ('convert', '-O', 'raw', 'in/p.ova::vmdisk1', 'out/disk.raw')):
        status, output, text = run(t, *command, memory=MEMORY)
        tap.equal((status, text), (0, ''), f'{command} {output!r:.1000}')
    tap.equal(t.read('out/disk.raw') == packages.SMALL, True, 'guest bytes')
    tap.equal(t.read('out/folder/disk1.vmdk') == packages.DISK, True, 'the disk as it was')


@tap.rows([(name, command) for name, command in MORE_VERBS.items()])
def test_verb_on_every_package(t, command):
    """Other verbs than those of the rows: they may find a package good or bad, but not crash, hang, leave files, tell
    of files outside, or write what is neither a line nor JSON."""
    for number, row in enumerate(row for row in ROWS if not any(word in row.title for word in LARGE_ROWS)):
        folder = tap.Test(t.folder / str(number))
        folder.folder.mkdir()
        place_row(folder, row)
        try:
            status, output, _ = run_verb(folder, row, command, ())
            if status == 0 and '--output=json' in command:
                json.loads(output)
        except (AssertionError, ValueError) as failure:
            raise AssertionError(f'{row.title}: {failure}') from failure
        shutil.rmtree(folder.folder)


LAYOUT = [*packages.signed_off(packages.GOOD)]
WHOLE = packages.ova(*LAYOUT)
DATA_END = len(WHOLE) - len(packages.END)


# Of cuts and damaged bytes every so many; fewer under a sanitizer, each with VMFERRY_TEST_ALL.
SAMPLED = 1 if os.environ.get('VMFERRY_TEST_ALL') else 12 if tap.SAMPLED else 4


@tap.rows([('convert', ('convert', 'p.ova', 'new.ova')), ('info', ('info', 'p.ova')), ('verify', ('verify', 'p.ova'))])
def test_archive_cut_off(t, command):
    """At blocks, and inside of headers. What is cut behind the last member's data is whole."""
    padded = DATA_END - (-len(packages.DISK) % packages.BLOCK)
    descriptor_end = packages.BLOCK + len(packages.pad(packages.OVF))
    cuts = [*range(0, len(WHOLE), packages.BLOCK * (SAMPLED if command[0] == 'convert' else 7)), 1, 100, 257, 300, 511,
            *(descriptor_end + more for more in (1, 124, 156, 500)), padded - 1, padded - 512]
    for cut in sorted(set(cuts)):
        t.write('p.ova', WHOLE[:cut])
        status, output, text = run(t, *command, memory=MEMORY)
        if cut >= padded:
            good = (0, 3)
        elif command[0] == 'info' and cut >= descriptor_end:
            good = (0, 2)
        else:
            good = (1, 2) if cut < descriptor_end else (2, 8) if command[0] == 'convert' else (2,)
        if status not in good:
            raise AssertionError(f'cut off at {cut}: exit {status}, expected {good}: {output!r:.500} {text:.1000}')
        if status:
            tap.equal(listing(t), ['p.ova'], f'files, cut off at {cut}')
        elif os.path.exists(t.path('new.ova')):
            os.remove(t.path('new.ova'))


@tap.rows([('info', ('info', 'p.ova')), ('verify', ('verify', 'p.ova')), ('convert', ('convert', 'p.ova', 'new.ova'))])
def test_damaged_headers(t, command):
    """Bytes of the disk's header, changed, the checksum mended: no crash, nothing left, nothing outside."""
    at = WHOLE.index(b'disk1.vmdk\0')
    good = WHOLE[at:at + packages.BLOCK]
    for place in sorted({*range(0, 148, 3 * SAMPLED), 156, *range(157, 512, 11 * SAMPLED), 124, 257, 345}):
        for value in (0, 0x2f, 0x2e, 0x80, 0xff):
            block = bytearray(good)
            block[place] = value
            total = sum(block) - sum(block[148:156]) + 8 * 32
            block[148:156] = f'{total:06o}'.encode() + b'\0 '
            t.write('p.ova', WHOLE[:at] + bytes(block) + WHOLE[at + packages.BLOCK:])
            status, _, text = run(t, *command, memory=MEMORY)
            if status not in (0, 2, 3, 8):
                raise AssertionError(f'byte {place} = {value}: exit {status}: {text}')
            if status and command[0] == 'convert':
                tap.equal(listing(t), ['p.ova'], f'files, byte {place} = {value}')
            elif os.path.exists(t.path('new.ova')):
                os.remove(t.path('new.ova'))


tap.main(globals())
