# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Third-party images (VMFERRY_CORPUS, see its README): each known guest digest is reproduced, each image that must be
refused is. Skipped where the folder is not there."""
import bz2
import csv
import gzip
import hashlib
import lzma
import os
import pathlib
import shutil
import subprocess
import tempfile

import tap

FORMATS = {'bochs', 'cloop', 'dmg', 'ewf', 'parallels', 'partclone', 'raw', 'qcow', 'qcow2', 'qed', 'vmdk', 'vpc', 'vdi', 'vhdx'}
OPENERS = {'.xz': lzma.open, '.gz': gzip.open, '.bz2': bz2.open}

# Images that no reader may accept: exit codes and a part of the message.
REFUSED = [
    ('dissect.hypervisor/disk/vhdx/differencing.avhdx', (2,), '49C4BAF3-4B25-4406-8C4B-D39E65C32385.avhdx'),
    ('dfvfs/fat-differential.vhd', (2,), 'fat-parent.vhd'),
    ('dfvfs/image.vhd', (2,), 'checksum'),
    ('dfvfs/image-differential.vhd', (2,), ''),
    ('ewf-forensic/fuzz-crash-parse_segment-add-overflow.E01', (2,), 'checksum'),
    ('ewf-forensic/zeros_128s.Ex01', (9,), 'Ex01'),
    ('securityronin-dmg/hfsplus_lzfse.dmg', (9,), 'LZFSE'),
    ('qemu/afl5.img', (2,), ''),
    ('qemu/afl9.vmdk', (2,), ''),
    ('kubevirt-cdi/cirros-snapshot1.qcow2', (2,), 'cirros.raw'),
    ('kubevirt-cdi/invalid-qcow-large-size.img', (2,), 'the L1 table of'),
    ('kubevirt-cdi/invalid-qcow-backing-file.img', (2,), ''),
    ('kubevirt-cdi/invalid-qcow-large-memory.img', (2,), ''),
    ('trivy/monolithicSparse.vmdk', (2,), ''),
    ('trivy/invalid.vmdk', (2,), '-f raw'),
    ('govmomi/ttylinux-pc_i486-16.1-disk1.vmdk', (2,), ''),
    ('virt-manager/CentOS-6.4-i386-Gnome-disk1.vmdk', (2,), '-f raw'),  # 10480 bytes with no magic number
    ('osv-scalibr/invalid.vdi', (2,), '-f raw'),
    ('dfvfs/hfsplus.hdd/DiskDescriptor.xml', (2,), 'hfsplus.hdd.0.'),  # its file is not in the corpus
    ('libvirt/loop-1.qcow2', (2,), 'loop'),
    ('libvirt/loop-self.qcow2', (2,), 'loop'),
    ('libvirt/qcow2_nbd-raw.qcow2', (2,), 'nbd'),
    ('libvirt/qcow2_qcow2-missing.qcow2', (2,), 'bogus'),
]


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
    bare = ['--bare'] if os.path.basename(path) == 'sesparse.vmdk' else []  # it came without its descriptor
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
    t.vmferry('convert', '--join', '-O', 'qcow2', *parts, 'parts.qcow2')
    t.vmferry('compare', 'bundle.qcow2', 'parts.qcow2')
    tap.equal(len(parts), 6, 'parts')


@tap.rows(known() or [('corpus', None, None, None, None)])
def test_guest_bytes(t, plain, form, size, sha256):
    tap.corpora()
    tap.equal(guest_digest(Folders.path(plain), form), (size, sha256), 'size and SHA-256')


# What names other files finds them packed, too, and so does not find them.
NAMES_OTHERS = ('backing-chain', 'data-file', '-differential', 'sesparse', '-auto')


def packed():
    """As they are stored: one in eight, unless all tests run."""
    rows = [row for row in known() if row[0].endswith(tuple(OPENERS)) and row[3] <= 256 << 20 and not any(part in row[0] for part in NAMES_OTHERS)]
    return [row for i, row in enumerate(rows) if i % 8 == 0 or os.environ.get('VMFERRY_TEST_ALL')]


@tap.rows([(row[0], *row) for row in packed()] or [('corpus', *[None] * 5)])
def test_guest_bytes_of_packed_images(t, file, plain, form, size, sha256):
    path = next(corpus / file for corpus in tap.corpora() if (corpus / file).exists())
    tap.equal(guest_digest(str(path), form), (size, sha256), 'size and SHA-256')


@tap.rows([(row[0], *row) for row in REFUSED])
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
