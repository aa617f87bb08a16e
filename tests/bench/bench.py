# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Speed and memory beside other programs, as ratios. README.md here says what the numbers mean."""
import argparse
import dataclasses
import itertools
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

import bench_jobs
import bench_pareto
import bench_scaling
import bench_source

MIB = 1 << 20
VMFERRY = pathlib.Path(os.environ.get('VMFERRY', 'build/vmferry')).resolve()
LIMITS = VMFERRY.parent.parent.parent / 'tests/bench/bench_limits'
CORES = len(os.sched_getaffinity(0))
PEAK = (64 + 4 * CORES) * MIB


class Wrong(Exception):
    """A program failed or its result is not the right one."""


@dataclasses.dataclass
class Run:
    seconds: float
    processor: float  # seconds of all threads
    serial: float  # seconds of the first thread: places and writes in order, when there are others
    peak: int
    printed: str


@dataclasses.dataclass
class Result:
    job: bench_jobs.Job
    mine: list
    other: list
    bytes_mine: int
    bytes_other: int
    limit: float  # seconds, 0: none

    def facts(self):
        mine = statistics.median(run.seconds for run in self.mine)
        others = [max(run.seconds * self.job.times, self.limit * (self.job.limit == 'digest')) for run in self.other]
        other = statistics.median(others)
        ratios = [theirs / run.seconds for run, theirs in zip(self.mine, others)]
        processor = statistics.median(run.processor * self.job.times for run in self.other)
        size = self.bytes_mine / self.bytes_other if self.bytes_other else 0
        peak = max(run.peak for run in self.mine)
        missed = [what for what, is_missed in (
            ('time', other / mine < self.job.ratio), ('size', self.job.size and size > self.job.size),
            ('memory', peak > PEAK)) if is_missed]
        return {'job': self.job.name, 'peer': self.job.peer.name, 'seconds': mine, 'peer_seconds': other,
                'ratio': other / mine, 'spread': (max(ratios) - min(ratios)) / 2 / statistics.median(ratios),
                'bytes': self.bytes_mine, 'peer_bytes': self.bytes_other, 'size': size, 'peak': peak,
                'processor': statistics.median(run.processor for run in self.mine), 'peer_processor': processor,
                'processor_ratio': processor / max(statistics.median(run.processor for run in self.mine), 1e-9),
                'limit': self.limit / mine, 'goal_ratio': self.job.ratio, 'goal_size': self.job.size, 'missed': missed,
                'all_seconds': [run.seconds for run in self.mine],
                'all_peer_seconds': others}


# ---- one run ----

def first_thread_seconds(pid):
    """Processor time of the first thread of a program that has ended but was not waited for."""
    try:
        return int(pathlib.Path(f'/proc/{pid}/task/{pid}/schedstat').read_text().split()[0]) / 1e9
    except OSError:  # the kernel counts none
        return 0.0


class Ballast:
    """Memory that another process holds between the runs and gives back right before each. Hypervisors take memory
    that lies free, and a guest that wants it again waits several times as long for a page: without this a run is as
    fast as the pages that the one before it left. Not in this process: the peak of a child would begin with it."""

    HOLD = ('import mmap, sys\n'
            'held = mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)\n'
            'print(flush=True)\n'
            'sys.stdin.read()\n')

    def __init__(self, size):
        self.size, self.holder = size, None

    def take(self):
        if not self.holder:
            self.holder = subprocess.Popen([sys.executable, '-c', self.HOLD, str(self.size)], stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE)
            self.holder.stdout.readline()

    def release(self):
        if self.holder:
            self.holder.communicate()
        self.holder = None


class Bench:
    def __init__(self, folder, pairs, quick, disk):
        self.folder, self.pairs, self.quick = folder, pairs, quick
        self.out = folder / 'out'
        self.disk = disk  # a folder; None: no durable rows
        self.limits_program, self.cores = LIMITS, CORES
        self.limits = {}
        self.bytes = 0  # that the limits are for
        data = (folder / 'disk.raw').stat().st_blocks * 512
        self.ballast = Ballast(data + data // 4 + (256 << 20))

    def words(self, words, source, flags=()):
        files = {'SOURCE': str(self.folder / source), 'OUT': str(self.out), 'PACKAGE': f'{self.out}.ova',
                 'DISK': str(self.durable()), 'MACHINE': f'{self.out}.vmx',
                 'STREAM': str(self.folder / 'stream.vmdk'), 'PART': str(self.folder / 'part.raw'), 'vmferry': str(VMFERRY)}
        at = words.index('SOURCE') if 'SOURCE' in words else len(words)
        return [files.get(word, word) for word in (*words[:at], *flags, *words[at:])]

    def durable(self):
        return self.disk / 'vmferry-bench-out' if self.disk else self.out

    def outputs(self):
        return {*self.folder.glob('out*'), *self.durable().parent.glob(self.durable().name + '*')}

    def remove_output(self):
        for path in self.outputs():
            path.unlink()
        self.ballast.take()

    def run(self, words, environment=None):
        """Time, processor time and peak memory of one program; what was there before is removed first."""
        self.remove_output()
        self.ballast.release()
        start = time.monotonic()
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=environment) as child:
            printed = child.stdout.read()
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            seconds = time.monotonic() - start
            serial = first_thread_seconds(child.pid)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise Wrong(f'{" ".join(words)} ended with {child.returncode}: {printed.strip()[-500:]}')
        return Run(seconds, usage.ru_utime + usage.ru_stime, serial, usage.ru_maxrss * 1024, printed)

    def output_size(self):
        """Bytes that the output takes: holes are not counted."""
        found = [path.stat() for path in self.outputs()]
        return sum(min(stat.st_size, stat.st_blocks * 512) for stat in found)

    # ---- is it right ----

    def check(self, job, printed):
        content = self.folder / (job.content or job.source)
        if 'PACKAGE' in job.words:
            self.check_package(content)
        elif job.disks:
            for name in job.disks:
                self.compare(content, f'{self.out}{name}')
        elif job.has_output:
            target_format = job.words[job.words.index('-O') + 1]
            for suffix, _ in bench_jobs.PACKINGS:
                if f'compress={suffix}' in job.words:
                    target_format = f'raw.{suffix}'
            out = self.durable() if 'DISK' in job.words else self.out
            self.compare(content, out, '-F', target_format)
        elif job.words[1] == 'checksum':
            again = self.run([str(VMFERRY), 'checksum', str(self.folder / 'disk.qcow2')]).printed
            if again.split()[0] != printed.split()[0]:
                raise Wrong(f'raw has {printed.split()[0]}, QCOW2 {again.split()[0]}')

    @staticmethod
    def compare(source, out, *words):
        done = subprocess.run([VMFERRY, 'compare', *words, source, out], check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Wrong(f'the output is not the source: {done.stdout.strip()}')

    def check_package(self, content):
        """Verified, and every disk in it is the source."""
        package = pathlib.Path(f'{self.out}.ova')
        disks = json.loads(subprocess.check_output([VMFERRY, 'info', '--output=json', package]))['disks']
        for words in (['verify', package], *(['compare', content, f'{package}::{disk["id"]}']
                                             for disk in disks)):
            done = subprocess.run([VMFERRY, *words], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True)
            if done.returncode:
                raise Wrong(f'{words}: {done.stdout.strip()}')

    def best_flags(self, peer, source):
        """The fastest variant of the peer, each tried once; a small source is not worth it."""
        if len(peer.variants) == 1 or self.quick:
            return peer.variants[0]
        return min(peer.variants, key=lambda flags: self.run(self.words(peer.words, source, flags)).seconds)

    # ---- a group of jobs with one peer ----

    def measure(self, jobs):
        peer, source = jobs[0].peer, jobs[0].source
        results = [Result(job, [], [], 0, 0, self.limits.get(job.limit, 0)) for job in jobs]
        for result in results:
            first = self.run(self.words(result.job.words, source))
            result.bytes_mine = self.output_size()
            if result.job.limit == 'digest':
                result.limit *= result.bytes_mine / self.bytes
            self.check(result.job, first.printed)
        theirs = self.words(peer.words, source, self.best_flags(peer, source))
        for _ in range(self.pairs):
            for result in results:
                result.mine.append(self.run(self.words(result.job.words, source)))
            run = self.run(theirs)
            for result in results:
                result.other.append(run)
                result.bytes_other = self.output_size()
        self.remove_output()
        return results

    def measure_limits(self, jobs):
        if not LIMITS.exists():
            print(f'no {LIMITS}: the limits are not measured ("./dev bench" builds it)')
            return
        works = sorted({'memory', 'file', *(job.limit for job in jobs if job.limit and job.limit != 'direct')})
        best = {}
        for _ in range(1 if self.quick else 3):
            words = [LIMITS, self.folder / 'disk.raw', self.folder, CORES, *works]
            found = json.loads(self.run([str(word) for word in words]).printed)
            for name, work in found.items():
                if isinstance(work, dict):
                    best[name] = min(best.get(name, work['seconds']), work['seconds'])
        self.limits, self.bytes = best, found['bytes']
        if any(job.limit == 'direct' for job in jobs) and shutil.which('fio'):
            self.limits['direct'] = self.direct_limit()
        print(f'limits of {CORES} cores for {found["bytes"] // MIB} MiB of blocks with data, seconds: '
              + ', '.join(f'{name} {seconds:.2f}' for name, seconds in best.items()))

    def direct_limit(self):
        """Seconds in which fio writes as many bytes past the page cache, and syncs: the best block size and depth."""
        data = (self.folder / 'disk.raw').stat().st_blocks * 512
        best = float('inf')
        for block, depth in itertools.product(('256k', '1M'), (8,) if self.quick else (1, 8, 32)):
            words = ['fio', '--name=limit', f'--filename={self.durable()}', '--rw=write', '--direct=1', '--end_fsync=1',
                     '--ioengine=libaio', f'--bs={block}', f'--iodepth={depth}', f'--size={data >> 20 << 20}',
                     '--output-format=json']
            printed = self.run(words).printed
            job = json.loads(printed[printed.index('{'):])['jobs'][0]
            best = min(best, job['job_runtime'] / 1000)
        return best


# ---- what is printed ----

HEADER = (f'{"job":28} {"ours":>7} {"peer":>7} {"ratio":>6} {"±%":>3} {"cpu":>5} {"MiB":>6} {"peer":>6} {"size":>5} {"peak":>5} '
          f'{"limit":>6}  goal')


def show(facts):
    size = f'{facts["size"]:4.2f}{"!" if "size" in facts["missed"] else " "}' if facts['size'] else '    -'
    limit = f'{100 * facts["limit"]:5.0f}%' if facts['limit'] else '     -'
    peak = f'{facts["peak"] / MIB:4.0f}{"!" if "memory" in facts["missed"] else " "}'
    goal = f'{"NO " if facts["missed"] else "yes"} ≥{facts["goal_ratio"]:.3g}' if facts['goal_ratio'] else '-'
    print(f'{facts["job"]:28} {facts["seconds"]:7.2f} {facts["peer_seconds"]:7.2f} {facts["ratio"]:6.2f} '
          f'{100 * facts["spread"]:3.0f} {facts["processor_ratio"]:5.2f} {facts["bytes"] / MIB:6.0f} {facts["peer_bytes"] / MIB:6.0f} {size} '
          f'{peak} {limit}  {goal}', flush=True)


def machine():
    model = platform.processor()
    with open('/proc/cpuinfo') as lines:
        model = next((line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')), model)
    version = subprocess.check_output([VMFERRY, '--version'], text=True).splitlines()
    return ', '.join((f'{CORES} cores', model, f'Linux {platform.release()}', *version[1:]))


def choose_disk(named, scale):
    """Where durable rows are written: a file system on a disk, with room; None: there is none."""
    folder = pathlib.Path(named or VMFERRY.parent)
    system = subprocess.run(['stat', '-f', '-c', '%T', folder], check=True, capture_output=True, text=True).stdout.strip()
    free = shutil.disk_usage(folder).free // MIB
    if system in ('tmpfs', 'ramfs') or free < 2 * scale.data:
        print(f'skipped: durable rows: {folder} is {system}, {free} MiB free; --disk FOLDER names another')
        return None
    print(f'durable rows in {folder} ({system})')
    return folder


def parse_arguments():
    parser = argparse.ArgumentParser(prog='./dev bench', description=__doc__)
    parser.add_argument('--pairs', type=int, help='runs of each program for a row (default: 3; --quick: 1)')
    parser.add_argument('--quick', action='store_true', help='a small disk and one pair: does it run at all')
    parser.add_argument('--only', default='', metavar='TEXT', help='the jobs whose name holds TEXT')
    parser.add_argument('--against', default=os.environ.get('VMFERRY_OLD'), metavar='PROGRAM',
                        help='compare with this build of vmferry alone (default: $VMFERRY_OLD)')
    parser.add_argument('--threads', metavar='N,...',
                        help='time for these numbers of threads, what it goes into, memory; no other program')
    parser.add_argument('--pareto', metavar='FILE.svg',
                        help='time and size of every level of packing and of other programs, drawn')
    parser.add_argument('--disk', metavar='FOLDER',
                        help='where durable rows are written (default: the folder of the build, if it is on a disk)')
    parser.add_argument('--json', metavar='FILE', help='write the results there, too')
    parser.add_argument('--clean', action='store_true', help='remove the disks that are kept for the next run')
    return parser.parse_args()


def measure_peers(bench, options, record):
    jobs, skipped = bench_jobs.wanted(options.only, options.against, bench.disk)
    for line in skipped:
        print(f'skipped: {line}')
    bench.measure_limits(jobs)
    print(HEADER)
    wrong = 0
    for _, group in itertools.groupby(jobs, key=lambda job: (job.peer, job.source)):
        group = list(group)
        try:
            for result in bench.measure(group):
                record['results'].append(result.facts())
                show(record['results'][-1])
        except Wrong as error:
            wrong += 1
            print(f'WRONG: {group[0].name}: {error}', flush=True)
    record.update(limits=bench.limits, skipped=skipped, wrong=wrong)
    return wrong


def main():
    options = parse_arguments()
    if options.clean:
        bench_source.clean()
        return 0
    scale = bench_source.Scale(options.quick)
    folder = bench_source.choose_folder(scale)
    bench_source.prepare(folder, scale, VMFERRY)
    bench = Bench(folder, options.pairs or (1 if options.quick else 3), options.quick, choose_disk(options.disk, scale))
    print(f'{machine()}; {scale.name} source in {folder}, {bench.pairs} in turn; '
          f'a peak of {PEAK // MIB} MiB is allowed')
    record = {'machine': machine(), 'scale': scale.name, 'pairs': bench.pairs, 'results': []}
    if options.pareto:
        wrong = bench_pareto.measure(bench, options, record)
    elif options.threads:
        wrong = bench_scaling.measure(bench, options, record)
    else:
        wrong = measure_peers(bench, options, record)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(record, indent=1) + '\n')
    return 1 if wrong else 0


sys.exit(main())
