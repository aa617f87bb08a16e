# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""--threads: how a job takes its time, what the pipeline's model says of more cores, and the memory of many threads."""
import json
import os

import bench_jobs
import pipeline_model

MODEL = (16, 64)
MIB = 1 << 20
PROMISED, A_THREAD = 64, 4  # MiB


def told(run):
    """What a run with VMFERRY_EFFORT in its environment said on its last line."""
    lines = [line for line in run.printed.splitlines() if line.startswith('{"threads"')]
    return json.loads(lines[-1])


def runs_of(bench, job, count, pairs):
    """The run of median time."""
    words = bench.words(job.words, job.source, ('-m', str(count)))
    environment = dict(os.environ, VMFERRY_EFFORT='1')
    runs = sorted((bench.run(words, environment) for _ in range(pairs)), key=lambda run: run.seconds)
    return runs[len(runs) // 2]


def facts_of(job, runs, more, cores):
    """runs, more: by number of threads; the latter for the model alone."""
    base = max(count for count in runs if count <= max(cores, 2)) if min(runs) <= max(cores, 2) else min(runs)
    effort = told(runs[base])
    parts = pipeline_model.parts_of(effort)
    model, bound = {}, {}
    for count, run in {base: runs[base], **more}.items():
        its = told(run)
        model[count], bound[count] = pipeline_model.predict(parts, count, max(its['threads'], 1), its['jobs'])
    return {'job': job.name, 'seconds': {count: run.seconds for count, run in runs.items()}, 'base': base,
            'processor': runs[base].processor, 'model': model, 'bound': bound,
            'shares': pipeline_model.shares_of(effort), 'effort': effort,
            'peak': {count: run.peak for count, run in {**runs, **more}.items()}}


def show(facts):
    base, shares = facts['base'], facts['shares']
    name, busy = facts['bound'][MODEL[-1]]
    print(f'{facts["job"]:28}' + ''.join(f' {seconds:7.2f}' for seconds in facts['seconds'].values())
          + f' {facts["model"][base]:7.2f} {facts["processor"]:7.2f} '
          + ' '.join(f'{100 * shares[effort]:5.1f}%' for effort in (*pipeline_model.EFFORTS, 'first')) + ' '
          + ' '.join(f'{facts["model"][count]:8.2f}' for count in MODEL) + f' {name:>6} {100 * busy:3.0f}%', flush=True)


# ---- memory ----

def measure_memory(bench, record):
    """Of many threads, and of disks that are large in one way or the other."""
    print(f'{"memory, MiB":28} {"threads":>7} {"peak":>6} {"promised":>8}')
    for job in bench_jobs.MEMORY:
        for count in (1, 64):
            run = bench.run(bench.words(job.words, job.source, ('-m', str(count))))
            promised = PROMISED + A_THREAD * count
            record['memory'].append({'job': job.name, 'threads': count, 'peak': run.peak, 'promised': promised * MIB})
            print(f'{job.name:28} {count:7} {run.peak / MIB:6.0f} {promised:8}{"!" if run.peak > promised * MIB else ""}',
                  flush=True)
    bench.remove_output()


def measure(bench, options, record):
    counts = [int(word) for word in options.threads.split(',')]
    jobs, _ = bench_jobs.wanted(options.only, 'vmferry', bench.disk)
    print(f'{"seconds with -m":28}' + ''.join(f' {count:7}' for count in counts) + f' {"model":>7} {"cpu":>7} '
          + ' '.join(f'{name:>6}' for name in (*pipeline_model.EFFORTS, 'first')) + ' '
          + ' '.join(f'{count:2} cores' for count in MODEL) + '  busiest')
    for job in jobs:
        if job.source == 'huge.raw':
            continue
        runs = {count: runs_of(bench, job, count, bench.pairs) for count in counts}
        more = {count: runs_of(bench, job, count, 1) for count in MODEL}
        record['results'].append(facts_of(job, runs, more, len(os.sched_getaffinity(0))))
        show(record['results'][-1])
    bench.remove_output()
    if not options.only:
        record['memory'] = []
        measure_memory(bench, record)
    return 0
