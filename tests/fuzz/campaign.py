# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What `./dev fuzz` does once its needs are installed: builds, runs targets one behind the other, counts coverage."""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import seeds

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD, COVERAGE = SOURCE / 'build-fuzz', SOURCE / 'build-fuzz-coverage'
COUNTED = '-fprofile-instr-generate'
SETUPS = {
    BUILD: ('-Db_sanitize=address,undefined', '-Dc_args=-fsanitize=fuzzer-no-link'),
    COVERAGE: (f'-Dc_args={COUNTED} -fcoverage-mapping', f'-Dc_link_args={COUNTED}'),
}
# Files of other programs that a target begins with, where they are there: beginning of its name, variable, folder.
SAMPLES = (('machine_', 'VMFERRY_MACHINES', 'machines'), ('descriptor', 'VMFERRY_OVF_SAMPLES', 'ovf-samples'),
           ('manifest', 'VMFERRY_OVF_SAMPLES', 'ovf-samples'), ('certificate', 'VMFERRY_OVF_SAMPLES', 'ovf-samples'))
SAMPLE_MAX = 256 << 10


def say(text):
    print(f'fuzz: {text}', file=sys.stderr, flush=True)


def words():
    parser = argparse.ArgumentParser(
        prog='./dev fuzz', description='Runs fuzz targets one behind the other, under asan and ubsan. An input that is a finding is left as build-fuzz/NAME-*.')
    parser.add_argument('seconds', nargs='?', type=int, help='for each target (default: 60; with --coverage: no run)')
    parser.add_argument('--minutes', type=float, metavar='N', help='for each target, instead of seconds')
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
        subprocess.run(['meson', 'setup', folder, '-Dfuzz=true', '-Dbuildtype=debugoptimized', '-Db_lundef=false', *SETUPS[folder]],
                       cwd=SOURCE, env=environment, check=True, stdout=subprocess.DEVNULL)
    say(f'building {folder.name}')
    subprocess.run(['ninja', '-C', folder, '--quiet', *targets], check=True, stdout=sys.stderr)


def names_of(folder):
    environment = dict(os.environ, LLVM_PROFILE_FILE='/dev/null')
    return subprocess.run([folder / 'tests/fuzz/replay', '--list'], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def chosen(folder, only):
    names = names_of(folder)
    for name in only or ():
        if name not in names:
            sys.exit(f'fuzz: no target is called {name}; there are {" ".join(names)}')
    return only or names


def inputs(name):
    """Folders and files that a target begins with."""
    corpus = BUILD / 'corpus' / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds.make(name, corpus)
    found = [SOURCE / 'test-images']
    for begin, variable, folder in SAMPLES:
        place = pathlib.Path(os.environ.get(variable, SOURCE / '../shared' / folder))
        if name.startswith(begin) and place.is_dir():
            found += {file.parent for file in place.rglob('*') if file.is_file() and file.stat().st_size <= SAMPLE_MAX}
    return corpus, found


def run(name, seconds):
    """Whether it found nothing. What it ran goes into build-fuzz/minutes.tsv."""
    program = BUILD / f'tests/fuzz/fuzz_{name}'
    program.unlink(missing_ok=True)
    program.symlink_to('fuzz')
    corpus, found = inputs(name)
    subprocess.run([BUILD / 'tests/fuzz/replay', '--seeds', name, corpus], check=True)
    dictionary = SOURCE / f'tests/fuzz/{name}.dict'
    options = [f'-max_total_time={seconds}', '-timeout=25', '-rss_limit_mb=1024', '-print_final_stats=1', f'-artifact_prefix={BUILD}/{name}-']
    say(f'{name} for {seconds} s')
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='vmferry-fuzz-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None) as scratch:
        done = subprocess.run([program, *options, *([f'-dict={dictionary}'] if dictionary.exists() else ()), corpus, *found],
                              env=dict(os.environ, TMPDIR=scratch, UBSAN_OPTIONS='halt_on_error=1:print_stacktrace=1'), stderr=subprocess.PIPE, text=True, errors='replace', check=False)
    units = re.search(r'number_of_executed_units: *(\d+)', done.stderr)
    edges = re.findall(r'cov: (\d+)', done.stderr)
    (BUILD / 'log').mkdir(exist_ok=True)
    (BUILD / 'log' / name).write_text(done.stderr)
    with open(BUILD / 'minutes.tsv', 'a', encoding='utf-8') as log:
        log.write(f'{name}\t{round(time.monotonic() - begun)}\t{units[1] if units else 0}\t{edges[-1] if edges else 0}\t{"ok" if done.returncode == 0 else "finding"}\n')
    say(f'{name}: {units[1] if units else "?"} runs, {edges[-1] if edges else "?"} edges' if done.returncode == 0 else
        f'{name}: a finding, see build-fuzz/log/{name}:\n' + done.stderr[-3000:])
    return done.returncode == 0


def measure(names):
    """Runs all targets on all inputs in the build that counts; what llvm-cov makes of it."""
    replay, complete = COVERAGE / 'tests/fuzz/replay', True
    with tempfile.TemporaryDirectory(prefix='vmferry-coverage-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None) as scratch:
        environment = dict(os.environ, LLVM_PROFILE_FILE=f'{scratch}/%p.profraw', TMPDIR=scratch)
        for words_ in [[]] + [[name, *map(str, [inputs(name)[0], *inputs(name)[1]])] for name in names]:
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
        print('\n'.join(names_of(BUILD)))
        return 0
    if given.run is not None:
        good = all([run(name, given.run) for name in chosen(BUILD, given.only)])
    if given.coverage:
        compile_in(COVERAGE, 'tests/fuzz/replay')
        data, complete = measure(chosen(COVERAGE, given.only))
        print_coverage(data)
        write_unreached(data)
        good = good and complete
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
