# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Malformed and hostile images: a table of ids and words, an image, what is wrong with it, and what must be said."""
import os
import subprocess

import hostile_qcow2_rows
import hostile_reference_rows
import hostile_vhd_rows
import hostile_vmdk_rows
import tap
from hostile_case import run_row
from hostile_images import LARGE

TABLES = (hostile_reference_rows, hostile_qcow2_rows, hostile_vmdk_rows, hostile_vhd_rows)
IDS = ['REF01', 'REF02', 'REF03', 'REF04', 'REF05', 'REF06', 'REF11', 'REF12', 'REF13', 'REF14', 'LOOP1', 'LOOP2',
       'LOOP3', 'LOOP6', 'LOOP7', *(f'SZ{number:02d}' for number in range(4, 35)), 'SZ49', 'SZ50', 'SZ51', 'SZ52',
       'INT1', 'INT5', 'INT7', 'INT8']


@tap.rows([(identity, identity) for identity in IDS])
def test_id_has_a_row(_, identity):
    assert any(row.title.startswith(identity + ' ') for table in TABLES for row in table.ROWS), identity


@tap.rows([(row.title, row) for table in TABLES for row in table.ROWS])
def test_row(t, row):
    run_row(t, row)


def append(path):
    with open(path, 'ab') as file:
        file.write(b'more')


def rewrite(path):
    with open(path, 'r+b') as file:
        file.write(b'other')


@tap.rows([
    ('cut off', lambda path: os.truncate(path, 4096)),
    ('longer', append),
    ('other bytes', rewrite),
])
def test_int4_source_changes_while_it_is_read(t, change):
    """The pipe holds the program up until the change is made."""
    path = t.write('x.raw', LARGE * 4)
    with subprocess.Popen([tap.VMFERRY, 'convert', '-O', 'raw', path, '-'], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        child.stdout.read(1)
        change(path)
        text = child.communicate(timeout=300)[1].decode()
    tap.equal(child.returncode, 6, 'exit status ' + text)
    tap.contains(text, 'x.raw: changed while it was read')
    tap.equal(t.names(), ['x.raw'], 'files')


tap.main(globals())
