# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Third-party images (VMFERRY_CORPUS, see its README): each known guest digest is reproduced, each image that must be
refused is. Skipped where the folder is not there."""
import bz2
import csv
import gzip
import hashlib
import json
import lzma
import os
import pathlib
import shutil
import subprocess
import tempfile

import tap

FORMATS = {'bochs', 'cloop', 'dmg', 'ewf', 'parallels', 'partclone', 'raw', 'qcow', 'qcow2', 'qed', 'vmdk', 'vpc', 'vdi', 'vhdx', 'xva'}
OPENERS = {'.xz': lzma.open, '.gz': gzip.open, '.bz2': bz2.open}

# What the index has that is an image of a disk, or is named like one.
OTHER = {'doc', 'fragment', 'hyperv-cfg', 'ova', 'ovf', 'tar', 'vbox', 'vmtar', 'vmx', 'xml', 'xva-ova.xml'}

# The refusals that are permitted, each with its reason; every other image is read right. Exit codes, and a part of the
# message.
NOT_READ = [  # good images, and known to be: somebody could have a disk in them
    ('securityronin-dmg/hfsplus_lzfse.dmg', (9,), 'LZFSE', 'no library that is kept unpacks LZFSE'),
    ('dissect.hypervisor/disk/asif/basic.asif', (9,), 'ASIF', 'its form is not published'),
    ('ewf-forensic/zeros_128s.Ex01', (9,), 'Ex01', 'of EnCase 7; ewfexport makes a raw disk of it'),
]
INCOMPLETE = [  # a part of them is not in the corpora
    ('dfvfs/fat-differential.vhd', (2,), 'fat-parent.vhd', 'without its parent'),
    ('dfvfs/hfsplus.hdd/DiskDescriptor.xml', (2,), 'hfsplus.hdd.0.', 'without its file'),
    ('dissect.hypervisor/disk/vhdx/differencing.avhdx', (2,), '49C4BAF3-4B25-4406-8C4B-D39E65C32385.avhdx', 'without its parent'),
    ('dissect.hypervisor/test.vma', (2,), 'it was cut short', 'the first half MiB of a backup'),
    ('govmomi/ttylinux-pc_i486-16.1-disk1.vmdk', (2,), 'the file is truncated', 'its first MiB'),
    ('kubevirt-cdi/cirros-snapshot1.qcow2', (2,), 'cirros.raw', 'without its backing file'),
    ('kubevirt-cdi/cirros-snapshot2.qcow2', (2,), 'cirros.raw', 'without its backing file'),
    ('libvirt/qcow2_qcow2-missing.qcow2', (2,), 'bogus', 'without its backing file'),
    ('libvirt/qcow2_qcow2-qcow2-symlink_raw-raw-reldir.qcow2', (2,), '../sub/link1', 'without its backing file'),
    ('libvirt/qcow2_nbd-raw.qcow2', (2,), 'nbd', 'its backing file is on a server'),
    ('tool-made/xva-img-no-chunks.xva', (2,), 'Ref:11', 'without the data of its disk'),
    ('trivy/monolithicSparse.vmdk', (2,), 'the file is truncated', 'its first 2 KiB'),
    ('virt-manager/test-vmdk-desc.vmdk', (2,), 'ESX4.0-rhel4u8-32b-flat.vmdk', 'a descriptor without its file'),
    ('dfvfs/ext2.split.E02', (2,), 'name the first one', 'the second segment is no image'),
    ('dfvfs/ext2.splitraw.001', (1,), 'name the first', 'the second part is no image'),
]
WRONG = [  # no reader may accept them
    ('dfvfs/image.vhd', (2,), 'checksum', 'the checksum of its footer is wrong'),
    ('dfvfs/image-differential.vhd', (2,), '', 'an overlay on image.vhd'),
    ('ewf-forensic/fuzz-crash-parse_segment-add-overflow.E01', (2,), 'checksum', 'found by fuzzing'),
    ('kubevirt-cdi/invalid-qcow-backing-file.img', (2,), '', 'made to be refused'),
    ('kubevirt-cdi/invalid-qcow-large-memory.img', (2,), '', 'made to be refused'),
    ('kubevirt-cdi/invalid-qcow-large-size.img', (2,), 'the L1 table of', '152 TiB in 516 bytes'),
    ('libvirt/loop-1.qcow2', (2,), 'loop', 'backing files in a loop'),
    ('libvirt/loop-2.qcow2', (2,), 'loop', 'backing files in a loop'),
    ('libvirt/loop-self.qcow2', (2,), 'loop', 'its own backing file'),
    ('osv-scalibr/invalid.qcow2', (2,), 'a text', '35 bytes of text'),
    ('osv-scalibr/invalid.vdi', (2,), '-f raw', '35 bytes of text'),
    ('qemu/afl5.img', (2,), '', 'found by fuzzing'),
    ('qemu/afl9.vmdk', (2,), '', 'found by fuzzing'),
    ('trivy/invalid.vmdk', (2,), '-f raw', 'an empty file'),
    ('virt-manager/CentOS-6.4-i386-Gnome-disk1.vmdk', (2,), '-f raw', '10480 bytes with no magic number'),
]
REFUSED = NOT_READ + INCOMPLETE + WRONG

# Their digest is not in the index, for they are too long to be read for a test; their size is.
LONG = {'qemu/hyperv2012r2-dynamic.vhd', 'qemu/iotest-version3.vmdk', 'qemu/parallels-with-bitmap', 'qemu/virtualpc-dynamic.vhd'}
# Nor is that of these, whose disk is what stands in files, all bytes of them: bare ones, and an overlay of nothing.
BARE = {
    'dfvfs/ext2.splitraw.000': ('ext2.splitraw.000', 'ext2.splitraw.001'),
    'libvirt/qcow2_raw-raw-reldir.qcow2': ('raw',),
    'tika/test-documents.dmg': ('test-documents.dmg',),
}


def index():
    rows = []
    try:
        for corpus in tap.corpora():
            with open(corpus / 'INDEX.tsv', encoding='utf-8', newline='') as file:
                rows += csv.DictReader(file, delimiter='\t')
    except tap.Skip:
        pass
    return rows


def unpack(folder):
    """A scratch copy of one folder of the corpora, unpacked, sparse."""
    copy = pathlib.Path(tempfile.mkdtemp(prefix='vmferry-corpus-', dir=os.environ.get('VMFERRY_SCRATCH')))
    for entry in (entry for corpus in tap.corpora() if (corpus / folder).is_dir() for entry in (corpus / folder).iterdir()):
        if entry.is_dir() or entry.stat().st_size > 64 << 20:
            continue
        opener = OPENERS.get(entry.suffix)
        name = entry.name[:-len(entry.suffix)] if opener else entry.name
        with (opener or open)(entry, 'rb') as packed, open(copy / name, 'wb') as plain:
            while chunk := packed.read(1 << 20):
                if chunk.count(0) == len(chunk):
                    plain.seek(len(chunk), os.SEEK_CUR)
                else:
                    plain.write(chunk)
            plain.truncate()
    return copy


class Folders:
    """Unpacked copies, one at a time: rows of a folder follow each other."""
    folder, copy = None, None

    @classmethod
    def path(cls, plain):
        folder, name = os.path.split(plain)
        if folder != cls.folder:
            cls.drop()
            cls.folder, cls.copy = folder, unpack(folder)
        return str(cls.copy / name)

    @classmethod
    def drop(cls):
        if cls.copy:
            shutil.rmtree(cls.copy)
        cls.folder = cls.copy = None


def plain_path(row):
    return os.path.join(os.path.dirname(row['file']), os.path.basename(row['plain_name']))


def known():
    rows = []
    for row in index():
        refused = plain_path(row) in {name for name, *_ in REFUSED}
        if row['format'] in FORMATS and len(row['guest_sha256']) == 64 and not refused:
            rows.append((row['file'], plain_path(row), row['format'], int(row['virtual_size']), row['guest_sha256']))
    return sorted(rows)


def guest_digest(path, form):
    """SHA-256 of what vmferry writes to a pipe as raw, and its length."""
    name = os.path.basename(path)
    bare = ['--bare'] if name == 'sesparse.vmdk' or name.startswith('split.hdd.') else []  # it came without its descriptor; a part of a bundle
    command = [tap.VMFERRY, 'convert', '-q', *(['-f', 'raw'] if form == 'raw' or '/plain.hdd' in path else []), *bare, '-O', 'raw', path, '-']
    return digest_of(command)


def digest_of(command):
    digest, length = hashlib.sha256(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while chunk := process.stdout.read(1 << 20):
            digest.update(chunk)
            length += len(chunk)
        errors = process.stderr.read().decode(errors='replace')
    tap.equal(process.returncode, 0, f'exit code ({errors})')
    return length, digest.hexdigest()


def known_bundles():
    """Bundles of Parallels that are one file: the index knows that."""
    rows = [row for row in known() if row[2] == 'parallels' and os.path.dirname(row[1]).endswith(('plain.hdd', 'expanding.hdd'))]
    return [(os.path.dirname(row[1]), os.path.dirname(row[1]) + '/DiskDescriptor.xml', *row[3:]) for row in rows]


@tap.rows(known_bundles() or [('corpus', None, None, None)])
def test_guest_bytes_of_bundles(t, descriptor, size, sha256):
    tap.corpora()
    tap.equal(guest_digest(Folders.path(descriptor), 'parallels'), (size, sha256), 'size and SHA-256')


def test_a_bundle_is_its_parts(t):
    folder = pathlib.Path(Folders.path('dissect.hypervisor/disk/hdd/split.hdd/DiskDescriptor.xml')).parent
    parts = sorted(folder.glob('*.hds'))
    t.vmferry('convert', '-O', 'qcow2', folder, 'bundle.qcow2')
    t.vmferry('convert', '--join', '--bare', '-O', 'qcow2', *parts, 'parts.qcow2')
    t.vmferry('compare', 'bundle.qcow2', 'parts.qcow2')
    tap.equal(len(parts), 6, 'parts')


@tap.rows(known() or [('corpus', None, None, None, None)])
def test_guest_bytes(t, plain, form, size, sha256):
    tap.corpora()
    tap.equal(guest_digest(Folders.path(plain), form), (size, sha256), 'size and SHA-256')


# What names other files finds them packed, too, and so does not find them.
NAMES_OTHERS = ('backing-chain', 'data-file', '-differential', '-backing.qcow', 'qed-zero', 'diff.vhdx', '.split.E01', 'sesparse', '-auto')


def packed():
    """As they are stored: one in eight, unless all tests run."""
    rows = [row for row in known() if row[0].endswith(tuple(OPENERS)) and row[3] <= 256 << 20 and not any(part in row[0] for part in NAMES_OTHERS)]
    return [row for i, row in enumerate(rows) if i % 8 == 0 or os.environ.get('VMFERRY_TEST_ALL')]


@tap.rows([(row[0], *row) for row in packed()] or [('corpus', *[None] * 5)])
def test_guest_bytes_of_packed_images(t, file, plain, form, size, sha256):
    path = next(corpus / file for corpus in tap.corpora() if (corpus / file).exists())
    tap.equal(guest_digest(str(path), form), (size, sha256), 'size and SHA-256')


def test_every_image_is_read_or_its_refusal_is_permitted(t):
    tap.corpora()
    told = {plain for plain, *_ in REFUSED} | LONG | set(BARE)
    read = {row[1] for row in known()}
    missed = {plain_path(row) for row in index() if row['format'] not in OTHER} - told - read
    tap.equal(sorted(missed), [], 'images that no test here looks at')
    tap.equal(sorted(told & read), [], 'images that are read, and permitted to be refused')


@tap.rows([(plain, plain) for plain in sorted(LONG)])
def test_size_of_long_images(t, plain):
    tap.corpora()
    size = next(row['virtual_size'] for row in index() if plain_path(row) == plain)
    tap.equal(json.loads(t.vmferry('info', '--output=json', Folders.path(plain)).stdout)['virtual-size'], int(size), 'size')


@tap.rows([(plain, plain, parts) for plain, parts in sorted(BARE.items())])
def test_guest_bytes_that_are_those_of_the_files(t, plain, parts):
    tap.corpora()
    path = pathlib.Path(Folders.path(plain))
    data = b''.join((path.parent / part).read_bytes() for part in parts)
    tap.equal(guest_digest(str(path), None), (len(data), hashlib.sha256(data).hexdigest()), 'size and SHA-256')


@tap.rows([(row[0], *row[:3]) for row in REFUSED])
def test_refused(t, plain, codes, part):
    tap.corpora()
    done = t.vmferry('convert', '-O', 'raw', Folders.path(plain), 'out.raw', status=None)
    if done.returncode not in codes:
        raise AssertionError(f'exit {done.returncode}: {done.stderr}')
    tap.contains(done.stderr, part)
    tap.equal(t.names(), [], 'files left')


try:
    tap.main(globals())
finally:
    Folders.drop()
