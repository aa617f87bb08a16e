# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A parent that its child tells by an id: found beside it, whatever it is called."""
import os
import sys

import tap

sys.path.insert(0, str(tap.IMAGES))

import make_vhd as vhd

PARENT, CHILD, OTHER = (bytes([n]) * 16 for n in (2, 3, 9))
CONTENT = bytes(range(256)) * 512
ALTERED = CONTENT[:4096] + b'x' * 512 + CONTENT[4608:]


def family(t, folder='', name='p.vhd'):
    """A child that names p.vhd, and the parent that is called otherwise."""
    t.write('c.vhd', vhd.differencing(ALTERED, CONTENT, CHILD, PARENT, 'p.vhd'))
    t.write(folder + name, vhd.dynamic(CONTENT, PARENT))


def read(t, *options):
    t.vmferry('convert', *options, 'c.vhd', 'out.raw')
    tap.equal(t.read('out.raw'), ALTERED, 'content')


def test_renamed_parent_is_found_by_its_id(t):
    family(t, name='renamed.vhd')
    t.write('other.vhd', vhd.dynamic(CONTENT, OTHER))
    t.write('text.txt', b'no image')
    t.write('short.vhd', b'conectix')
    os.mkfifo(t.folder / 'fifo.vhd')
    (t.folder / 'sub').mkdir()
    read(t)


def test_only_one_may_be_it(t):
    family(t, name='a.vhd')
    t.write('b.vhd', vhd.dynamic(ALTERED, PARENT))
    done = t.vmferry('convert', 'c.vhd', 'out.raw', status=2)
    for part in ('both "', 'a.vhd"', 'b.vhd"', 'are the disk that it was made on'):
        tap.contains(done.stderr, part)


def test_one_file_with_two_names_is_one(t):
    family(t, name='a.vhd')
    os.link(t.folder / 'a.vhd', t.folder / 'b.vhd')
    (t.folder / 'link.vhd').symlink_to('a.vhd')
    read(t)


def test_name_comes_before_the_id(t):
    family(t)
    t.write('copy.vhd', vhd.dynamic(ALTERED, PARENT))
    read(t)


def test_no_refs_looks_at_nothing(t):
    family(t, name='renamed.vhd')
    tap.contains(t.vmferry('convert', '--no-refs', 'c.vhd', 'out.raw', status=2).stderr, '--no-refs')


def test_other_folder_only_when_it_is_allowed(t):
    (t.folder / 'far').mkdir()
    family(t, folder='far/', name='renamed.vhd')
    tap.contains(t.vmferry('convert', 'c.vhd', 'out.raw', status=2).stderr, 'names the file "p.vhd"')
    read(t, '--allow-ref', 'far')


def test_child_is_no_parent_of_its_own(t):
    t.write('c.vhd', vhd.differencing(ALTERED, CONTENT, CHILD, CHILD, 'p.vhd'))
    tap.contains(t.vmferry('convert', 'c.vhd', 'out.raw', status=2).stderr, 'names the file "p.vhd"')


def test_two_that_are_each_others_parent_are_a_loop(t):
    t.write('c.vhd', vhd.differencing(ALTERED, CONTENT, CHILD, PARENT, 'p.vhd'))
    t.write('d.vhd', vhd.differencing(ALTERED, CONTENT, PARENT, CHILD, 'q.vhd'))
    tap.contains(t.vmferry('convert', 'c.vhd', 'out.raw', status=2).stderr, 'already part of the chain: a loop')


def test_folder_of_very_many_files_is_not_searched(t):
    family(t, name='renamed.vhd')
    for number in range(4200):
        os.link(t.folder / 'renamed.vhd', t.folder / f'{number}.vhd')
    tap.contains(t.vmferry('convert', 'c.vhd', 'out.raw', status=2).stderr, 'at most 4096 files')


tap.main(globals())
