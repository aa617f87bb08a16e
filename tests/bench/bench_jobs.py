# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What is measured: jobs, the other programs that do the same, and the goals."""
import dataclasses
import shutil
import typing

STREAM = ('-O', 'vmdk', '-o', 'subformat=streamOptimized')
FAST = ('-O', 'vmdk', '-o', 'subformat=streamOptimized,compression_level=1')
ZLIB = ('-c', '-O', 'qcow2')
ZSTD = ('-c', '-O', 'qcow2', '-o', 'compression_type=zstd')
VHD = ('-O', 'vpc', '-o', 'subformat=dynamic')
CHECKSUM = ('vmferry', 'checksum', 'SOURCE')
WIDE = ('-m', '16', '-W')
PACK = ('vmferry', 'pack', '--no-sync', '-o', 'PACKAGE', 'SOURCE')


@dataclasses.dataclass(frozen=True)
class Peer:
    """Another program for a job. variants: flags that may help it; the fastest of them takes part."""
    name: str
    words: tuple
    variants: tuple = ((),)


@dataclasses.dataclass(frozen=True)
class Job:
    """words: vmferry, SOURCE and OUT stand for the files; DISK in place of OUT: on a disk, until it is safe there. Goals: how many times as fast as the peer, how
    large the output may be beside the peer's. limit: the work of limits.c that cannot be undercut; "digest" is one stream
    of SHA-256 over the output, and what the peer cannot be faster than. times: so often the peer's work is done. disks: the
    outputs that are disks, behind the name of the output, where it is no disk itself; content: what they hold, if not the
    source."""
    name: str
    words: tuple
    source: str
    peer: typing.Optional[Peer]
    ratio: float = 0.0
    size: float = 0.0
    limit: str = ''
    has_output: bool = True
    times: int = 1
    disks: tuple = ()
    content: str = ''


def convert(*words):
    return ('vmferry', 'convert', '--no-sync', *words, 'SOURCE', 'OUT')


def qemu(*words, source='raw', wide=True):
    """qemu-img does not sync either: its mode for the target is "unsafe" if nothing else is asked for. It fills a
    streamOptimized disk in order whatever is asked for, so that nothing is to be tried there (wide)."""
    return Peer('qemu-img', ('qemu-img', 'convert', '-f', source, *words, 'SOURCE', 'OUT'),
                (WIDE, ()) if wide else ((),))


def ours(name, *words):
    """vmferry itself, without what the job has more."""
    return Peer(name, convert(*words))


def durable(*words):
    return ('vmferry', 'convert', *words, 'SOURCE', 'DISK')


def durable_qemu(*words, source='raw'):
    """The modes in which qemu-img syncs at the end."""
    return Peer('qemu-img', ('qemu-img', 'convert', '-f', source, *words, 'SOURCE', 'DISK'),
                (('-t', 'none', *WIDE), ('-t', 'none'), ('-t', 'writeback', *WIDE)))


DURABLE_CP = Peer('cp + sync', ('sh', '-c', 'cp --reflink=never "$0" "$1" && sync "$1"', 'SOURCE', 'DISK'))
CP = Peer('cp', ('cp', '--reflink=never', 'SOURCE', 'OUT'), (('--sparse=always',), ('--sparse=auto',)))
TO_FILE = ours('to a file', *STREAM)
TO_FILE_OF_STREAM = Peer('to a file', ('vmferry', 'convert', '--no-sync', *STREAM, 'STREAM', 'OUT'))
TO_SPARSE_FILE = Peer('to a file', ('vmferry', 'convert', '--no-sync', '-O', 'vmdk', 'STREAM', 'OUT'))
ONE_OF_BATCH = Peer('one of them', ('vmferry', 'convert', '--no-sync', *ZLIB, 'PART', 'OUT'))
VMDK_CONVERT = Peer('vmdk-convert', ('vmdk-convert', 'SOURCE', 'OUT'))

# How a disk is packed as a whole: the suffix, and what packs and unpacks it.
PACKINGS = (('zst', 'zstd -T0'), ('gz', 'pigz'), ('xz', 'xz -T0 -3'))
FRAMES = (('zst', 'pzstd -q'), ('lz4', 'lz4 -q'))  # that do not tell their sizes


def packing_jobs():
    for suffix, program in PACKINGS:
        peer = [Peer(program, ('sh', '-c', f'{program} {flag} "$0" > "$1"', 'SOURCE', 'OUT')) for flag in ('-c', '-dc')]
        level = ('-o', 'compression_level=3') if suffix == 'xz' else ()
        yield Job(f'raw > raw.{suffix}', convert('-O', 'raw', '-o', f'compress={suffix}', *level), 'part.raw', peer[0], 0.9)
        yield Job(f'raw.{suffix} > raw', convert('-O', 'raw'), f'part.raw.{suffix}', peer[1], 0.9)
    for suffix, program in FRAMES:
        yield Job(f'raw.{suffix} in frames > raw', convert('-O', 'raw'), f'frames.raw.{suffix}',
            Peer(program, ('sh', '-c', f'{program} -dc "$0" > "$1"', 'SOURCE', 'OUT')), 0.9)


# Of --threads, beside the jobs above: what may take more memory than others.
MEMORY = (
    Job('raw > stream', convert(*STREAM), 'part.raw', None),
    Job('raw > stream, level 12', convert('-O', 'vmdk', '-o', 'subformat=streamOptimized,compression_level=12'),
        'part.raw', None),
    Job('raw > qcow2 -c zstd', convert(*ZSTD), 'part.raw', None),
    Job('raw > qcow2, checksum', convert('--checksum', '-O', 'qcow2'), 'part.raw', None),
    Job('stream > raw', convert('-O', 'raw'), 'stream.vmdk', None),
    Job('64 TiB raw > vhdx', convert('-O', 'vhdx'), 'tib64.raw', None),
    Job('64 TiB raw > qcow2', convert('-O', 'qcow2'), 'tib64.raw', None),
    Job('64 TiB qcow2 > vhdx', convert('-O', 'vhdx'), 'tib64.qcow2', None),
    Job('4,096 files > qcow2', convert('-O', 'qcow2'), 'extents.vmdk', None),
    Job('20,000 extents > qcow2', convert('-O', 'qcow2'), 'islands.raw', None),
    Job('20,000 extents > stream', convert(*STREAM), 'islands.raw', None),
)


def safety_jobs():
    """What safety costs: the same job with it and, as the peer, without."""
    plain, stream = ('-O', 'qcow2'), STREAM
    without = {plain: ours('without', '--journal=off', '--sandbox=off', *plain),
               stream: ours('without', '--journal=off', '--sandbox=off', *stream)}
    kinds = (('sandbox', ('--sandbox=require', '--journal=off'), 1 / 1.05), ('journal', ('--journal=on', '--sandbox=off'), 1 / 1.25),
             ('checksum', ('--checksum', '--journal=off', '--sandbox=off'), 1 / 1.35), ('verify', ('--verify', '--journal=off', '--sandbox=off'), 1 / 2))
    for name, target in (('raw > qcow2', plain), ('raw > stream', stream)):
        for kind, flags, ratio in kinds:
            limit = {'checksum': 'sha256'}.get(kind, '') if target is plain else ''
            yield Job(f'safety {name} {kind}', convert(*flags, *target), 'disk.raw', without[target], ratio, 0, limit)
    yield Job('safety small disk, sandbox', convert('--sandbox=require', '-O', 'raw'), 'small.raw',
              ours('without', '--sandbox=off', '-O', 'raw'), 0)
    yield Job('safety ova > ova, digests', ('vmferry', 'convert', '--no-sync', 'SOURCE', 'PACKAGE'), 'stream.ova',
              Peer('without', ('vmferry', 'convert', '--no-sync', '--no-verify', 'SOURCE', 'PACKAGE')))


SAME_JOB_AGAIN = {'cp', 'cp + sync', 'vmdk-convert', 'sha256sum'}

# Jobs with the same peer stand side by side and are measured in one round.
JOBS = (
    Job('raw > raw', convert('-O', 'raw'), 'disk.raw', qemu('-O', 'raw'), 1.5, 0, 'memory'),
    Job('raw > raw (cp)', convert('-O', 'raw'), 'disk.raw', CP, 1.5, 0, 'memory'),
    Job('raw > qcow2', convert('-O', 'qcow2'), 'disk.raw', qemu('-O', 'qcow2'), 1.5, 0, 'memory'),
    Job('raw > vmdk sparse', convert('-O', 'vmdk'), 'disk.raw', qemu('-O', 'vmdk'), 4, 0, 'memory'),
    Job('raw > vhd dynamic', convert(*VHD), 'disk.raw', qemu(*VHD[:2], '-o', 'subformat=dynamic,force_size=on'),
        1.5, 0, 'memory'),
    Job('raw > vhdx', convert('-O', 'vhdx'), 'disk.raw', qemu('-O', 'vhdx'), 1.5, 0, 'memory'),
    Job('raw > vdi', convert('-O', 'vdi'), 'disk.raw', qemu('-O', 'vdi'), 1.5, 0, 'memory'),
    Job('vhdx > raw', convert('-O', 'raw'), 'disk.vhdx', qemu('-O', 'raw', source='vhdx'), 1.3, 0, 'memory'),
    Job('vdi > raw', convert('-O', 'raw'), 'disk.vdi', qemu('-O', 'raw', source='vdi'), 1.3, 0, 'memory'),
    Job('qcow2 > raw', convert('-O', 'raw'), 'disk.qcow2', qemu('-O', 'raw', source='qcow2'), 1.3, 0, 'memory'),
    Job('qcow2 zlib > raw', convert('-O', 'raw'), 'zlib.qcow2', qemu('-O', 'raw', source='qcow2'), 4, 0,
        'undeflate4k'),
    Job('stream > raw', convert('-O', 'raw'), 'stream.vmdk', qemu('-O', 'raw', source='vmdk'), 6, 0, 'unzlib'),
    Job('raw > qcow2 -c zlib', convert(*ZLIB), 'disk.raw', qemu(*ZLIB), 1.1, 1.001, 'deflate4k'),
    Job('raw > qcow2 -c zlib, fast', convert(*ZLIB, '-o', 'compression_level=1'), 'disk.raw', qemu(*ZLIB), 10, 1.1,
        'deflate4k:1'),
    Job('raw > qcow2 -c zstd', convert(*ZSTD), 'disk.raw', qemu(*ZSTD), 1.5, 1.001, 'zstd'),
    Job('raw > qcow2 -c zstd, fast', convert(*ZSTD, '-o', 'compression_level=1'), 'disk.raw', qemu(*ZSTD), 2.5, 1.1,
        'zstd:1'),
    *packing_jobs(),
    Job('raw > stream', convert(*STREAM), 'disk.raw', qemu(*STREAM, wide=False), 7, 1.0, 'zlib'),
    Job('raw > stream, fast level', convert(*FAST), 'disk.raw', qemu(*STREAM, wide=False), 20, 1.15, 'zlib:1'),
    Job('raw > stream (vmdk-convert)', convert(*STREAM), 'disk.raw', VMDK_CONVERT, 0, 0, 'zlib'),
    Job('stream > stream', convert(*STREAM), 'stream.vmdk', qemu(*STREAM, source='vmdk', wide=False), 30, 0,
        'unzlib'),
    Job('checksum raw (blksum)', CHECKSUM, 'disk.raw', Peer('blksum', ('blksum', 'SOURCE')), 2, 0, 'sha256', False),
    Job('checksum raw (sha256sum)', CHECKSUM, 'disk.raw', Peer('sha256sum', ('sha256sum', 'SOURCE')), 0, 0, 'sha256',
        False),
    *safety_jobs(),
    Job('raw > ova', PACK, 'disk.raw', TO_FILE, 1 / 1.1, 0, 'digest'),
    Job('stream > ova', PACK, 'stream.vmdk', TO_FILE, 1 / 1.1, 0, 'digest'),
    Job('3 streams > ova', (*PACK, 'SOURCE', 'SOURCE'), 'stream.vmdk', TO_FILE, 1 / 1.1, 0, 'digest', times=3),
    Job('ova > ova', ('vmferry', 'convert', '--no-sync', 'SOURCE', 'PACKAGE'), 'stream.ova', TO_FILE, 1 / 1.1, 0,
        'digest'),
    Job('machine > ova', ('vmferry', 'convert', '--no-sync', 'SOURCE', 'PACKAGE'), 'machine.vmx', TO_FILE_OF_STREAM,
        1 / 1.1, 0, 'digest', content='stream.vmdk'),
    Job('ova > machine', ('vmferry', 'convert', '--no-sync', 'SOURCE', 'MACHINE'), 'stream.ova', TO_SPARSE_FILE,
        1 / 1.1, 0, '', disks=('-disk1.vmdk',), content='stream.vmdk'),
    Job('batch of 4', ('vmferry', 'batch', 'SOURCE'), 'jobs.tsv', ONE_OF_BATCH, 0.9, times=4,
        disks=('-1', '-2', '-3', '-4'), content='part.raw'),
    Job('verify --quick ova', ('vmferry', 'verify', '--quick', 'SOURCE'), 'stream.ova',
        Peer('sha256sum', ('sha256sum', 'SOURCE')), 0, 0, '', False),
    Job('verify ova', ('vmferry', 'verify', 'SOURCE'), 'stream.ova', Peer('check --deep', ('vmferry', 'check', '--deep', 'SOURCE')), 0, 0,
        '', False),
    Job('durable raw > raw', durable('-O', 'raw'), 'disk.raw', durable_qemu('-O', 'raw'), 1.25, 0, 'direct'),
    Job('durable raw > raw (cp)', durable('-O', 'raw'), 'disk.raw', DURABLE_CP, 1.25, 0, 'direct'),
    Job('durable raw > qcow2', durable('-O', 'qcow2'), 'disk.raw', durable_qemu('-O', 'qcow2'), 1.25, 0, 'direct'),
    Job('durable qcow2 > raw', durable('-O', 'raw'), 'disk.qcow2', durable_qemu('-O', 'raw', source='qcow2'), 1.25, 0,
        'direct'),
    Job('huge > raw', convert('-O', 'raw'), 'huge.raw', qemu('-O', 'raw')),
    Job('huge > qcow2', convert('-O', 'qcow2'), 'huge.raw', qemu('-O', 'qcow2')),
    Job('huge > qcow2 -c', convert(*ZLIB), 'huge.raw', qemu(*ZLIB)),
    Job('huge > vmdk sparse', convert('-O', 'vmdk'), 'huge.raw', qemu('-O', 'vmdk')),
    Job('huge > vhd dynamic', convert(*VHD), 'huge.raw', qemu(*VHD[:2], '-o', 'subformat=dynamic,force_size=on')),
    Job('huge > stream', convert(*STREAM), 'huge.raw', qemu(*STREAM, wide=False)),
)


def against(job, program):
    """The same job with another build of vmferry as the peer; nothing is asked of the ratio."""
    return dataclasses.replace(job, peer=Peer('old', (str(program), *job.words[1:])), ratio=0.0, size=0.0)


def wanted(pattern, program, disk):
    """The jobs whose name holds the pattern, and the names of those whose peer is missing. No disk: no durable ones."""
    jobs, skipped = [], []
    for job in JOBS:
        if pattern.lower() not in job.name.lower() or ('DISK' in job.words and not disk):
            continue
        if program:
            if job.peer.name not in SAME_JOB_AGAIN:
                jobs.append(against(job, program))
        elif job.peer.words[0] == 'vmferry' or shutil.which(job.peer.name.split()[0]):
            jobs.append(job)
        else:
            skipped.append(f'{job.name}: {job.peer.name.split()[0]} is not installed')
    return jobs, skipped
