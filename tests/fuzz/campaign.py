# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What `./dev fuzz` does once its needs are installed: builds, runs targets one behind the other, counts coverage."""
import argparse
import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import seeds

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD, COVERAGE = SOURCE / 'build-fuzz', SOURCE / 'build-fuzz-coverage'
MINUTES = BUILD / 'minutes.tsv'
COUNTED = '-fprofile-instr-generate'
SETUPS = {
    BUILD: ('-Db_sanitize=address,undefined', '-Dc_args=-fsanitize=fuzzer-no-link -gline-tables-only'),
    COVERAGE: (f'-Dc_args={COUNTED} -fcoverage-mapping', f'-Dc_link_args={COUNTED}'),
}
# Files of other programs that a target begins with, where they are there: beginning of its name, variable, folder.
SAMPLES = (('machine_', 'VMFERRY_MACHINES', 'machines'), ('descriptor', 'VMFERRY_OVF_SAMPLES', 'ovf-samples'),
           ('manifest', 'VMFERRY_OVF_SAMPLES', 'ovf-samples'), ('certificate', 'VMFERRY_OVF_SAMPLES', 'ovf-samples'))
SAMPLE_MAX = 256 << 10
CHOICES_MAX = 4096  # bytes of an input that is a list of choices: no target asks for more of them
TICKS = os.sysconf('SC_CLK_TCK')
# asan keeps what was freed out of use for a while: 256 MiB are pages that every run makes anew. Whose the memory was, `replay` shows.
QUICK = 'quarantine_size_mb=16:malloc_context_size=2'


def say(text):
    print(f'fuzz: {text}', file=sys.stderr, flush=True)


def words():
    parser = argparse.ArgumentParser(
        prog='./dev fuzz', description='Runs fuzz targets one behind the other, under asan and ubsan. An input that is a finding is left as build-fuzz/NAME-*.')
    parser.add_argument('seconds', nargs='?', type=int, help='of processor time, for each target (default: 60; with --coverage: no run)')
    parser.add_argument('--minutes', type=float, metavar='N', help='for each target, instead of seconds')
    parser.add_argument('--fill', action='store_true', help='so much in all: what a target has run already, by build-fuzz/minutes.tsv, counts; those that have run least begin')
    parser.add_argument('--all', action='store_true', help='every target, as without --only')
    parser.add_argument('--only', action='append', metavar='NAME', help='this target; may be repeated')
    parser.add_argument('--list', action='store_true', help='print the names of the targets')
    parser.add_argument('--coverage', action='store_true',
                        help='then print how many functions and lines of src and formats, without src/cli, all targets reach '
                             'by what they begin with and what runs have kept; build-fuzz-coverage/unreached.txt names the functions that none reaches')
    parser.add_argument('--check', action='store_true', help=argparse.SUPPRESS)  # the words only
    given = parser.parse_args()
    if given.all and given.only:
        parser.error('--all and --only exclude each other')
    if given.minutes is not None and given.seconds is not None:
        parser.error('give seconds or --minutes, not both')
    given.run = given.seconds if given.minutes is None else round(given.minutes * 60)
    if given.run is None and not given.coverage:
        given.run = 60
    if given.run is not None and given.run <= 0:
        parser.error('a target runs for at least one second')
    return given


def compile_in(folder, *targets):
    if not (folder / 'build.ninja').exists():
        say(f'configuring {folder.name}')
        environment = dict(os.environ, CC='ccache clang' if any(map(os.path.exists, ('/usr/bin/ccache', '/usr/local/bin/ccache'))) else 'clang')
        subprocess.run(['meson', 'setup', folder, '-Dfuzz=true', '-Dbuildtype=plain', '-Doptimization=1', '-Db_lundef=false', *SETUPS[folder]],
                       cwd=SOURCE, env=environment, check=True, stdout=subprocess.DEVNULL)
    say(f'building {folder.name}')
    subprocess.run(['ninja', '-C', folder, '--quiet', *targets], check=True, stdout=sys.stderr)


def targets_of(folder):
    """What each begins with ('images', 'choices', 'none'), by its name."""
    environment = dict(os.environ, LLVM_PROFILE_FILE='/dev/null')
    lines = subprocess.run([folder / 'tests/fuzz/replay', '--list'], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return dict(line.split() for line in lines)


def chosen(folder, only):
    names = list(targets_of(folder))
    for name in only or ():
        if name not in names:
            sys.exit(f'fuzz: no target is called {name}; there are {" ".join(names)}')
    return only or names


def inputs(name, kind):
    """Folders and files that a target begins with. An image is no list of choices, and no text."""
    corpus = BUILD / 'corpus' / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds.make(name, corpus)
    found = [SOURCE / 'test-images'] if kind == 'images' else []
    for begin, variable, folder in SAMPLES:
        place = pathlib.Path(os.environ.get(variable, SOURCE / '../shared' / folder))
        if name.startswith(begin) and place.is_dir():
            found += {file.parent for file in place.rglob('*') if file.is_file() and file.stat().st_size <= SAMPLE_MAX}
    return corpus, found


def processor_seconds(process):
    """Of all its threads, by now; None: it has ended."""
    try:
        fields = pathlib.Path(f'/proc/{process}/stat').read_text(encoding='ascii').rpartition(')')[2].split()
    except OSError:
        return None
    return None if fields[0] == 'Z' else (int(fields[11]) + int(fields[12])) / TICKS


def let_run(words_, environment, log, seconds):
    """Until it has had so many seconds of a processor, or ends by itself: its exit status, and how many it had."""
    with open(log, 'w', encoding='utf-8') as output:
        process = subprocess.Popen(words_, env=environment, stderr=output)
        had, now = 0, processor_seconds(process.pid)
        while now is not None:
            had = now
            if had >= seconds:
                process.send_signal(signal.SIGUSR1)  # libFuzzer ends the run that it is in, and counts
            time.sleep(0.2)
            now = processor_seconds(process.pid)
        return process.wait(), had


def all_at_once(name, corpus, environment, log):
    """Looks for leaks once, at the end of all that was kept: behind a run it takes longer than the run."""
    with open(log, 'a', encoding='utf-8') as output:
        return subprocess.run([BUILD / 'tests/fuzz/replay', name, corpus], env=environment, stdout=subprocess.DEVNULL, stderr=output, check=False).returncode


def number_in(pattern, text, which):
    found = re.findall(pattern, text)
    return found[which] if found else '0'


def run(name, kind, seconds):
    """Whether it found nothing. What it ran goes into build-fuzz/minutes.tsv."""
    program = BUILD / f'tests/fuzz/fuzz_{name}'
    program.unlink(missing_ok=True)
    program.symlink_to('fuzz')
    corpus, found = inputs(name, kind)
    subprocess.run([BUILD / 'tests/fuzz/replay', '--seeds', name, corpus], check=True)
    dictionary = SOURCE / f'tests/fuzz/{name}.dict'
    # Counting how rare a feature is (entropic) takes longer than a run where inputs have tens of thousands of them.
    options = ['-entropic=0', '-detect_leaks=0', '-timeout=25', '-rss_limit_mb=1024', '-print_final_stats=1', f'-artifact_prefix={BUILD}/{name}-']
    options += [f'-max_len={CHOICES_MAX}'] if kind == 'choices' else []
    options += [f'-dict={dictionary}'] if dictionary.exists() else []
    log = BUILD / 'log' / name
    log.parent.mkdir(exist_ok=True)
    say(f'{name} for {seconds:.0f} s')
    with tempfile.TemporaryDirectory(prefix='vmferry-fuzz-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None) as scratch:
        environment = dict(os.environ, TMPDIR=scratch, UBSAN_OPTIONS='halt_on_error=1:print_stacktrace=1', ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', QUICK))
        status, had = let_run([program, *options, corpus, *found], environment, log, seconds)
        status = status or all_at_once(name, corpus, environment, log)
    told = log.read_text(encoding='utf-8', errors='replace')
    units, first, edges = number_in(r'number_of_executed_units: *(\d+)', told, 0), number_in(r'INITED cov: (\d+)', told, 0), number_in(r'cov: (\d+)', told, -1)
    with open(MINUTES, 'a', encoding='utf-8') as output:
        output.write(f'{name}\t{had:.0f}\t{units}\t{first}\t{edges}\t{"ok" if status == 0 else "finding"}\n')
    say(f'{name}: {units} runs in {had:.0f} s of a processor, {edges} edges, {int(edges) - int(first)} of them new' if status == 0 else
        f'{name}: a finding, see build-fuzz/log/{name}:\n' + told[-3000:])
    return status == 0


def had_already():
    """Seconds of a processor that each target has run since its last finding."""
    seconds = collections.Counter()
    for line in MINUTES.read_text(encoding='utf-8').splitlines() if MINUTES.exists() else ():
        name, had, *_, end = line.split('\t')
        seconds[name] = seconds[name] + int(had) if end == 'ok' else 0
    return seconds


def run_all(given):
    kinds, had = targets_of(BUILD), had_already() if given.fill else collections.Counter()
    names = sorted(chosen(BUILD, given.only), key=lambda name: had[name])
    return all([run(name, kinds[name], given.run - had[name]) for name in names if had[name] < given.run])


def measure(names):
    """Runs all targets on all inputs in the build that counts; what llvm-cov makes of it."""
    replay, complete, kinds = COVERAGE / 'tests/fuzz/replay', True, targets_of(COVERAGE)
    with tempfile.TemporaryDirectory(prefix='vmferry-coverage-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None) as scratch:
        environment = dict(os.environ, LLVM_PROFILE_FILE=f'{scratch}/%p.profraw', TMPDIR=scratch)
        for words_ in [[]] + [[name, *map(str, [corpus, *found])] for name in names for corpus, found in [inputs(name, kinds[name])]]:
            done = subprocess.run([replay, *words_], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
            if done.returncode != 0:
                complete = False
                say(f'{" ".join(words_[:1]) or "seeds"}: ended by {done.returncode}, not counted: {done.stderr.decode(errors="replace")[-300:]}')
        profile = f'{scratch}/all.profdata'
        subprocess.run(['llvm-profdata', 'merge', '-o', profile, *pathlib.Path(scratch).glob('*.profraw')], check=True)
        text = subprocess.run(['llvm-cov', 'export', f'-instr-profile={profile}', replay], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(text)['data'][0], complete


def place_of(path):
    """The path in the project, or None for what is not counted."""
    name = os.path.relpath(path, SOURCE)
    return name if name.startswith(('src/', 'formats/')) and not name.startswith('src/cli/') else None


def print_coverage(data):
    rooms = collections.defaultdict(lambda: [0, 0, 0, 0])
    for file in data['files']:
        place = place_of(file['filename'])
        if not place:
            continue
        summary = file['summary']
        for room in (os.path.dirname(place), 'all'):
            for i, (kind, what) in enumerate((('functions', 'covered'), ('functions', 'count'), ('lines', 'covered'), ('lines', 'count'))):
                rooms[room][i] += summary[kind][what]
    print(f'{"":28} {"functions":>18} {"lines":>22}')
    for room in sorted(rooms, key=lambda name: (name == 'all', name)):
        functions, all_functions, lines, all_lines = rooms[room]
        print(f'{room:28} {functions:5}/{all_functions:5} {100 * functions / all_functions:5.1f} % {lines:7}/{all_lines:6} {100 * lines / all_lines:5.1f} %')


def write_unreached(data):
    """A function in a header is one, in however many files it is."""
    counts, names = collections.Counter(), {}
    for function in data['functions']:
        place = place_of(function['filenames'][0])
        if place:
            key = (place, function['regions'][0][0])
            counts[key] += function['count']
            names[key] = function['name'].split(':')[-1]
    lines = [f'{place}:{line}: {names[place, line]}\n' for place, line in sorted(counts) if counts[place, line] == 0]
    (COVERAGE / 'unreached.txt').write_text(''.join(lines))


def main():
    given = words()
    good = True
    if given.check:
        return 0
    if given.list or given.run is not None:
        compile_in(BUILD, 'tests/fuzz/fuzz', 'tests/fuzz/replay')
    if given.list:
        print('\n'.join(targets_of(BUILD)))
        return 0
    if given.run is not None:
        good = run_all(given)
    if given.coverage:
        compile_in(COVERAGE, 'tests/fuzz/replay')
        data, complete = measure(chosen(COVERAGE, given.only))
        print_coverage(data)
        write_unreached(data)
        good = good and complete
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
