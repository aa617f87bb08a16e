# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""In qemu-img's place: what both programs say is said in the same words, and what one does the other does, too."""
import json

import tap

MIB = 1 << 20


def qemu_img(t, *words, **options):
    return t.run(tap.tool('qemu-img'), *words, **options)


def qemu_io(t, image, *commands, kind='raw'):
    t.run(tap.tool('qemu-io'), '-f', kind, *[word for command in commands for word in ('-c', command)], image)


def made(t, kind, *words, size='8M'):
    """An image with data at 1 MiB and at 5 MiB."""
    name = 'disk.' + kind
    qemu_img(t, 'create', '-q', '-f', kind, *words, name, size)
    qemu_io(t, name, 'write -P 7 1M 1M', 'write -P 9 5M 64k', kind=kind)
    return name


def with_bitmaps(t, name):
    for bitmap in ('first', 'second'):
        qemu_img(t, 'bitmap', '--add', name, bitmap)
    qemu_img(t, 'bitmap', '--disable', name, 'second')


# ---- info ----

IMAGES = [
    ('raw', 'raw'), ('qcow2', 'qcow2'), ('qcow2, version 2', 'qcow2', '-o', 'compat=0.10'),
    ('qcow2, extended', 'qcow2', '-o', 'extended_l2=on,lazy_refcounts=on,cluster_size=128k'),
    ('qcow2, zstd', 'qcow2', '-o', 'compression_type=zstd,refcount_bits=8'), ('vmdk', 'vmdk'),
    ('vmdk, split', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse'), ('vpc', 'vpc', '-o', 'force_size=on'),
    ('vpc, fixed', 'vpc', '-o', 'subformat=fixed,force_size=on')]


def same_words(t, *words):
    """Of a VHD qemu-img says less."""
    theirs, ours = qemu_img(t, 'info', *words).stdout, t.vmferry('info', *words).stdout
    if 'Format specific' not in theirs:
        ours = ours.split('Format specific information:\n', maxsplit=1)[0]
    tap.equal(ours, theirs, 'words')


@tap.rows(IMAGES)
def test_info_is_said_in_the_same_words(t, kind, *words):
    same_words(t, '-f', kind, made(t, kind, *words))


def test_info_of_snapshots_and_bitmaps_is_said_in_the_same_words(t):
    name = made(t, 'qcow2')
    with_bitmaps(t, name)
    for snapshot in ('one', 'a name that is longer than its column'):
        qemu_img(t, 'snapshot', '-c', snapshot, name)
    same_words(t, name)


@tap.rows([(f'{kind} {where}', kind, where) for kind in ('qcow2', 'vmdk')
           for where in ('beside it', 'elsewhere', 'absolute')])
def test_info_of_an_overlay_is_said_in_the_same_words(t, kind, where):
    (t.folder / 'images').mkdir()
    made(t, kind)
    (t.folder / ('disk.' + kind)).rename(t.folder / 'images' / 'base')
    name = {'beside it': 'base', 'elsewhere': '../images/base', 'absolute': t.path('images/base')}[where]
    qemu_img(t, 'create', '-q', '-f', kind, '-b', name, '-F', kind, 'images/over')
    same_words(t, 'images/over')
    same_words(t, t.path('images/over'))
    if where == 'beside it':
        same_words(t, '--backing-chain', 'images/over')


@tap.rows(IMAGES)
def test_json_has_the_same_values(t, kind, *words):
    command = ('info', '-f', kind, '--output=json', made(t, kind, *words))
    theirs, ours = json.loads(qemu_img(t, *command).stdout), json.loads(t.vmferry(*command).stdout)
    tap.equal({key: ours.get(key) for key in theirs}, theirs, 'keys that both have')


if __name__ == '__main__':
    tap.main(globals())
