# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Malformed and hostile images: a table of ids and words, an image, what is wrong with it, and what must be said."""
import json
import os
import shutil
import subprocess

import hostile_bochs_rows
import hostile_cloop_rows
import hostile_dmg_rows
import hostile_ewf_rows
import hostile_holes_rows
import hostile_luks_rows
import hostile_parallels_rows
import hostile_partclone_rows
import hostile_qcow2_rows
import hostile_qcow_rows
import hostile_qed_rows
import hostile_reference_rows
import hostile_sparseimage_rows
import hostile_vdi_rows
import hostile_vhd_rows
import hostile_vhdx_log_rows
import hostile_vhdx_rows
import hostile_vma_rows
import hostile_vmdk_rows
import hostile_xva_rows
import tap
from hostile_case import check_lines, listing, place_all, run, run_row
from hostile_images import LARGE

TABLES = (hostile_reference_rows, hostile_qcow2_rows, hostile_vmdk_rows, hostile_vhd_rows, hostile_vdi_rows,
          hostile_vhdx_rows, hostile_vhdx_log_rows, hostile_vma_rows,
          hostile_xva_rows, hostile_qcow_rows, hostile_qed_rows, hostile_parallels_rows,
          hostile_bochs_rows, hostile_cloop_rows, hostile_dmg_rows, hostile_sparseimage_rows, hostile_partclone_rows, hostile_ewf_rows, hostile_luks_rows,
          hostile_holes_rows)
IDS = ['REF01', 'REF02', 'REF03', 'REF04', 'REF05', 'REF06', 'REF07', 'REF15', 'REF11', 'REF12', 'REF13', 'REF14', 'LOOP1', 'LOOP2',
       'LOOP3', 'LOOP6', 'LOOP7', 'SZ01', 'SZ02',
       *(f'SZ{number:02d}' for number in range(4, 35)), 'SZ37', 'SZ38', 'SZ39', 'SZ40', 'SZ41', 'SZ42', 'SZ43', 'SZ44', 'SZ49', 'SZ50', 'SZ51', 'SZ52',
       'INT1', 'INT5', 'INT7', 'INT8']


@tap.rows([(identity, identity) for identity in IDS])
def test_id_has_a_row(_, identity):
    assert any(f'{identity} ' in row.title for table in TABLES for row in table.ROWS), identity


@tap.rows([(row.title, row) for table in TABLES for row in table.ROWS])
def test_row(t, row):
    run_row(t, row)


VERBS = (('info', '--output=json', '{}'), ('info', '--backing-chain', '{}'), ('check', '--output=json', '{}'),
         ('map', '--output=json', '{}'), ('measure', '-O', 'qcow2', '--output=json', '{}'), ('compare', '{}', '{}'), ('diff', '{}', '{}'))

# Titles of small images with so many pieces that no verb gets to their end.
ENDLESS = ('nothing: 64 GiB', 'nothing: 32 TiB', 'one extent for all entries')


def sample(verb):
    """Every third row, another third for each verb; of VHDX, whose images are some MiB long, and for sanitizers, fewer; all where all are asked for."""
    if os.environ.get('VMFERRY_TEST_ALL'):
        return [row for table in TABLES for row in table.ROWS]
    few = (hostile_vhdx_rows, hostile_vhdx_log_rows)
    return [row for table in TABLES for row in table.ROWS[VERBS.index(verb) % 3::9 if tap.SAMPLED or table in few else 3]]


@tap.rows([(' '.join(verb), verb) for verb in VERBS])
def test_verb_on_every_image(t, verb):
    """Other verbs than the row's own: they may find an image good or bad, but not crash, hang, or write what is neither
    a line nor JSON."""
    for number, row in enumerate(sample(verb)):
        if any(part in row.title for part in ENDLESS) or row.image is None:  # a device
            continue
        folder = tap.Test(t.folder / str(number))
        folder.folder.mkdir()
        place_all(folder, row)
        before = listing(folder)
        status, output, text = run(folder, *(word.replace('{}', row.name) for word in verb))
        check_lines(text)
        if status == 0 and '--output=json' in verb:
            json.loads(output)
        tap.equal(listing(folder), before, row.title)
        shutil.rmtree(folder.folder)


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
