# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The disks that the benchmark reads: made once, kept for the next run, the same every time on one machine."""
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile

MIB = 1 << 20
EPOCH = 1700000000
UUID = '7b1c6a52-0f3e-4d7c-9a55-3f6f2f9d2e10'
MKE2FS = shutil.which('mke2fs', path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
FEATURES = ('extent', 'filetype', 'sparse_super', 'large_file', '^metadata_csum', '^64bit', '^resize_inode',
            '^has_journal')
# Of which folders how much of the data comes: programs, libraries, texts; the rest from anywhere.
SHARES = (('/usr/bin', 0.15), ('/usr/lib', 0.5), ('/usr/share', 0.35), ('/usr', 1.0))


class Scale:
    """Sizes in MiB; what one run needs in the folder at most is about 5 times the data."""
    def __init__(self, quick):
        self.name = 'quick' if quick else 'full'
        self.data, self.disk, self.huge = (200, 1024, 64 << 10) if quick else (2048, 8192, 1 << 20)
        self.needs = 5 * self.data


def available_memory():
    with open('/proc/meminfo') as lines:
        for line in lines:
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) // 1024
    return 0


def choose_folder(scale):
    """In memory where there is room for the files and for the programs, else in $TMPDIR."""
    name = f'vmferry-bench-{os.getuid()}/{scale.name}'
    shared = pathlib.Path('/dev/shm')
    if (shared / name / 'disk.raw').exists():
        return shared / name
    if shared.is_dir() and os.access(shared, os.W_OK):
        room = min(shutil.disk_usage(shared).free // MIB, available_memory() - 1024)
        if room >= scale.needs:
            return shared / name
    return pathlib.Path(tempfile.gettempdir()) / name


def clean():
    for top in ('/dev/shm', tempfile.gettempdir()):
        shutil.rmtree(pathlib.Path(top, f'vmferry-bench-{os.getuid()}'), ignore_errors=True)


# ---- the file system ----

def regular_files(folder):
    """Paths of files with a size, sorted; links and other file systems' pseudo files are left out."""
    for top, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(top, name)
            if os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK):
                yield path


def stage(tree, data):
    """Copies so many MiB of the machine's files to the folder `tree`."""
    total, taken = 0, set()
    for folder, share in SHARES:
        budget = min(data * MIB - total, int(share * data * MIB))
        for path in regular_files(folder):
            size = os.path.getsize(path)
            if path in taken or size > budget:
                continue
            target = pathlib.Path(f'{tree}{path}')
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            taken.add(path)
            budget -= size
            total += size
    for top, _, names in os.walk(tree, topdown=False):
        for path in (*(os.path.join(top, name) for name in names), top):
            os.chmod(path, 0o755)
            os.utime(path, (EPOCH, EPOCH))


def settle_times(path):
    """mke2fs copies the times at which the staged files were made and read: one time for all of them.

    ext4 with 128-byte inodes and without checksums; fields as in the kernel's Documentation/filesystems/ext4."""
    with open(path, 'r+b') as disk:
        disk.seek(1024)
        super_block = disk.read(1024)
        blocks, first, block_log = (struct.unpack_from('<I', super_block, at)[0] for at in (4, 20, 24))
        blocks_a_group, inodes_a_group = (struct.unpack_from('<I', super_block, at)[0] for at in (32, 40))
        block = 1024 << block_log
        for group in range(-(-blocks // blocks_a_group)):
            disk.seek((first + 1) * block + 32 * group)
            table = struct.unpack('<I', disk.read(12)[8:])[0] * block
            disk.seek(table)
            inodes = bytearray(disk.read(inodes_a_group * 128))
            for at in range(0, len(inodes), 128):
                if inodes[at:at + 2] != b'\0\0':
                    struct.pack_into('<II', inodes, at + 8, EPOCH, EPOCH)
                    disk.seek(table + at)
                    disk.write(inodes[at:at + 128])


def make_file_system(path, scale):
    tree = path.with_suffix('.tree')
    shutil.rmtree(tree, ignore_errors=True)
    stage(tree, scale.data)
    environment = dict(os.environ, E2FSPROGS_FAKE_TIME=str(EPOCH), MKE2FS_CONFIG=os.devnull)
    # Its words are kept for a failure: it wants a configuration file, and inodes for times after 2038.
    done = subprocess.run([MKE2FS, '-q', '-F', '-t', 'ext4', '-b', '4096', '-I', '128', '-N', '262144', '-U', UUID,
                           '-O', ','.join(FEATURES),
                           '-E', f'hash_seed={UUID},lazy_itable_init=1,root_owner=0:0', '-m', '0', '-d', tree, path,
                           f'{scale.disk}M'], check=False, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f'bench: {done.args[0]} failed: {done.stderr}')
    shutil.rmtree(tree)
    settle_times(path)


def make_huge(path, size):
    """So many MiB. Islands of 64 KiB, half noise and half text, spread over the disk: 4 MiB in all."""
    dice = random.Random(4)
    with open(path, 'wb') as disk:
        for place in sorted(dice.sample(range(size * 16), 64)):
            disk.seek(place * 65536)
            disk.write(dice.randbytes(32768) + b''.join(b'%08d line of text\n' % n for n in range(1300))[:32768])
        disk.truncate(size * MIB)


# ---- what is made of it ----

DERIVED = (
    ('disk.vhdx', ['-O', 'vhdx']),
    ('disk.vdi', ['-O', 'vdi']),
    ('disk.qcow2', ['-O', 'qcow2']),
    ('zlib.qcow2', ['-c', '-O', 'qcow2']),
    ('stream.vmdk', ['-O', 'vmdk', '-o', 'subformat=streamOptimized']),
)


PACKED = (('zst', ('zstd', '-T0', '-qc')), ('gz', ('pigz', '-c')), ('xz', ('xz', '-T0', '-3', '-c')))


FRAMES = (('zst', ('zstd', '-qc')), ('lz4', ('lz4', '-qc')))
FRAME_BYTES = 8 << 20


def make_frames(source, words, path):
    """As programs that pack in parallel do: frames of a few MiB, whose sizes a pipe did not tell."""
    with open(source, 'rb') as disk, open(path, 'wb') as out:
        while part := disk.read(FRAME_BYTES):
            out.write(subprocess.run(words, check=True, input=part, stdout=subprocess.PIPE).stdout)


def make_packed(folder, scale):
    """An eighth of the disk's data, for programs that pack it slowly: its beginning, packed by those that are there, and a
    MiB out of eight."""
    def cut(path):
        with open(folder / 'disk.raw', 'rb') as disk, open(path, 'wb') as out:
            for _ in range(scale.data // 8):  # what this process held at its peak would be told of the programs that it starts
                out.write(disk.read(MIB))

    def pack(path, words):
        with open(path, 'wb') as out:
            subprocess.run([*words, folder / 'part.raw'], check=True, stdout=out)

    def mix(path):
        with open(folder / 'disk.raw', 'rb') as disk, open(path, 'wb') as out:
            for start in range(0, scale.data, 8):
                disk.seek(start * MIB)
                out.write(disk.read(MIB))

    make(folder / 'part.raw', cut)
    make(folder / 'mixed.raw', mix)
    for suffix, words in PACKED:
        if shutil.which(words[0]):
            make(folder / f'part.raw.{suffix}', lambda path, words=words: pack(path, words))
    for suffix, words in FRAMES:
        if shutil.which(words[0]):
            make(folder / f'frames.raw.{suffix}', lambda path, words=words: make_frames(folder / 'part.raw', words, path))


MACHINE = '''.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "19"
displayName = "bench"
guestOS = "other-64"
numvcpus = "1"
memsize = "512"
scsi0.present = "TRUE"
scsi0.virtualDev = "lsilogic"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "stream.vmdk"
scsi0:0.deviceType = "scsi-hardDisk"
'''
EXTENTS, EXTENT = 4096, 4096  # the most that a VMDK may have
ISLANDS = 20000


def make_extents(path):
    """A flat VMDK of many files, of which each holds its number."""
    folder = path.parent / 'extents'
    folder.mkdir(exist_ok=True)
    for number in range(EXTENTS):
        (folder / f'{number}').write_bytes(b'%08d' % number + bytes(EXTENT - 8))
    path.write_text('# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n'
                    'createType="twoGbMaxExtentFlat"\n'
                    + ''.join(f'RW {EXTENT // 512} FLAT "extents/{number}" 0\n' for number in range(EXTENTS)))


def make_islands(path):
    """Data and holes in turn."""
    with open(path, 'wb') as disk:
        for number in range(ISLANDS):
            disk.seek(number * MIB)
            disk.write(b'%08d' % number * 512)
        disk.truncate(ISLANDS * MIB)


def make_others(folder, vmferry):
    """A machine, a list of jobs, and disks that are small, large, or in many pieces."""
    make(folder / 'machine.vmx', lambda path: path.write_text(MACHINE))
    make(folder / 'jobs.tsv', lambda path: path.write_text(
        '@defaults -O qcow2 -c --no-sync\n' + ''.join(f'{folder}/part.raw\t{folder}/out-{number}\n' for number in range(1, 5))))
    make(folder / 'small.raw', lambda path: path.write_bytes(b'small' * 13107 + b'.'))
    make(folder / 'tib64.raw', lambda path: make_huge(path, 64 << 20))
    make(folder / 'tib64.qcow2', lambda path: subprocess.run(
        [vmferry, 'convert', '--no-sync', '-O', 'qcow2', folder / 'tib64.raw', path], check=True))
    make(folder / 'extents.vmdk', make_extents)
    make(folder / 'islands.raw', make_islands)


def make(path, writer):
    """A file appears under its name when it is whole."""
    if path.exists():
        return
    print(f'making {path}', flush=True)
    part = path.with_name('part-' + path.name)
    writer(part)
    os.rename(part, path)


def prepare(folder, scale, vmferry):
    """All sources. The packed ones are qemu-img's where it is there, so that they do not change with vmferry."""
    folder.mkdir(parents=True, exist_ok=True)
    if not MKE2FS:
        raise SystemExit('bench: mke2fs is needed to make the disk; its package is e2fsprogs')
    disk = folder / 'disk.raw'
    make(disk, lambda part: make_file_system(part, scale))
    make(folder / 'huge.raw', lambda part: make_huge(part, scale.huge))
    make_packed(folder, scale)
    program = [vmferry, 'convert', '--no-sync']
    if scale.name == 'full' and shutil.which('qemu-img'):
        program = ['qemu-img', 'convert', '-f', 'raw']
    for name, words in DERIVED:
        make(folder / name, lambda part, words=words: subprocess.run([*program, *words, disk, part], check=True))
    make(folder / 'stream.ova', lambda part: subprocess.run(
        [vmferry, 'pack', '--no-sync', '-o', part, folder / 'stream.vmdk'], check=True))
    make_others(folder, vmferry)
