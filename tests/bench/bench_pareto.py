# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""--pareto: time and size of every level of packing, of other programs, and of the codecs alone, as a table and as SVG."""
import html
import json
import math
import pathlib
import shutil
import statistics
import subprocess

import bench_jobs

MIB = 1 << 20
LEVELS, FEW = ('default', *range(1, 13)), ('default', 1, 3, 6, 9, 12)
SOURCE = 'mixed.raw'
LIMITS_TASK = {'stream': 'zlib', 'qcow2 zlib': 'deflate4k', 'qcow2 zstd': 'zstd'}
TARGETS = {'stream': ('vmdk', 'subformat=streamOptimized'), 'qcow2 zlib': ('qcow2', 'compression_type=zlib'),
           'qcow2 zstd': ('qcow2', 'compression_type=zstd')}
# What packs the same bytes, but no disk image. pigz by units: blocks of 64 KiB that refer to nothing before them, which is
# what a grain is. The others pack a file as a whole: nothing can be unpacked from its middle, and what is shorter thereby
# no image can be, so that they are drawn and beat nobody.
PIGZ = ('pigz by units', 'pigz -i -b 64 -{} -c "$0" > "$1"', (1, 2, 3, 4, 5, 6, 7, 8, 9))
WHOLE = {'stream': (PIGZ, ('pigz whole', 'pigz -{} -c "$0" > "$1"', (1, 4, 6, 9)),
                    ('7zz whole', '7zz a -tgzip -mx{} -so x "$0" > "$1"', (1, 5, 9))),
         'qcow2 zlib': (('pigz whole', 'pigz -{} -c "$0" > "$1"', (1, 4, 6, 9)),),
         'qcow2 zstd': (('zstd whole', 'zstd -T0 -{} -q -c "$0" > "$1"', (1, 2, 3, 4, 6, 9, 12)),)}
IMAGES = {'stream': 'vmdk-convert'}  # of open-vmdk, which has no levels
NOISE, SAME_SIZE = 0.03, 0.001


class Point:
    """One program at one level. whole: it packs a file as a whole, and is no measure."""

    def __init__(self, program, level, seconds, processor, size):
        self.program, self.level, self.whole = program, level, program.endswith(' whole')
        self.seconds, self.processor, self.size = seconds, processor, size

    def label(self):
        return str(self.level) if self.level != 'default' else 'd'

    def beats(self, other, measure):
        """Not worse in time and size, and better in one by more than noise."""
        mine, theirs = getattr(self, measure), getattr(other, measure)
        return (not self.whole and self.size <= other.size and mine <= theirs
                and (self.size < other.size * (1 - SAME_SIZE) or mine < theirs * (1 - NOISE)))


def beaten_by(point, points, measure='seconds'):
    """Other programs, and other levels of the same."""
    return [other for other in points if other is not point and other.beats(point, measure)]


# ---- what is measured ----

def programs_of(kind, few):
    """(program, level, words)"""
    target, option = TARGETS[kind]
    for level in FEW if few else LEVELS:
        more = '' if level == 'default' else f',compression_level={level}'
        packed = ('-c',) if target == 'qcow2' else ()
        yield 'vmferry', level, bench_jobs.convert(*packed, '-O', target, '-o', option + more)
    packed = ('-c',) if target == 'qcow2' else ()
    wide = bench_jobs.WIDE if target == 'qcow2' else ()
    yield 'qemu-img', 'default', ('qemu-img', 'convert', '-f', 'raw', *wide, *packed, '-O', target, '-o', option,
                                  'SOURCE', 'OUT')
    if kind in IMAGES:
        yield IMAGES[kind], 'default', (IMAGES[kind], 'SOURCE', 'OUT')
    for program, line, levels in WHOLE[kind]:
        for level in levels[::4] if few else levels:
            yield program, level, ('sh', '-c', line.format(level), 'SOURCE', 'OUT')


def measure_kind(bench, kind, skipped):
    """All points, in rounds: each program once a round."""
    wanted = []
    for program, level, words in programs_of(kind, bench.quick):
        if program == 'vmferry' or shutil.which(program.split()[0]):
            wanted.append((program, level, bench.words(words, SOURCE), []))
        elif program not in skipped:
            skipped.append(program)
    for _ in range(bench.pairs):
        for *_, words, runs in wanted:
            run = bench.run(words)
            runs.append((run.seconds, run.processor, bench.output_size()))
    return [Point(program, level, *(statistics.median(run[at] for run in runs) for at in range(3)))
            for program, level, _, runs in wanted]


def measure_codec(bench, kind, limits, cores):
    """Seconds and processor time of the codec alone, by level."""
    task = LIMITS_TASK[kind]
    levels = FEW if bench.quick else LEVELS
    names = [task if level == 'default' else f'{task}:{level}' for level in levels]
    words = [limits, bench.folder / SOURCE, bench.folder, cores, *names]
    found = json.loads(subprocess.check_output([str(word) for word in words], text=True))
    return {level: found[name] for level, name in zip(levels, names)}


# ---- what is printed ----

def describe(point, points, codec, measure):
    beaten = beaten_by(point, points, measure)
    alone = codec.get(point.level) if point.program == 'vmferry' else None
    beside = f'{100 * alone["seconds"] / point.seconds:5.0f}% {100 * alone["processor"] / point.processor:5.0f}%' \
        if alone else '     -      -'
    names = ', '.join(f'{other.program} {other.level}' for other in beaten[:3])
    return (f'{point.program:13} {point.level!s:>7} {point.seconds:8.2f} {point.processor:8.2f} {point.size / MIB:8.2f} '
            f'{beside}  {"beaten by " + names if beaten else ""}')


def facts_of(kind, points, codec, measure):
    return [{'kind': kind, 'program': point.program, 'level': point.level, 'whole': point.whole, 'seconds': point.seconds,
             'processor': point.processor, 'bytes': point.size, 'codec': codec.get(point.level)
             if point.program == 'vmferry' else None,
             'beaten_by': [f'{other.program} {other.level}' for other in beaten_by(point, points, measure)]}
            for point in points]


# ---- the picture ----

WIDTH, HEIGHT, LEFT, TOP, ROOM = 900, 320, 70, 40, 60
COLORS = 7
WORDS = {'seconds': 'seconds', 'processor': 'seconds of processor time'}
STYLE = '''
text { font: 12px sans-serif; fill: #333 }
.title { font-weight: bold }
.axis, .grid { stroke: #999; fill: none; stroke-width: 1 }
.grid { stroke-opacity: .3 }
.c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #cf222e; stroke: #cf222e } .c2 { fill: #9a6700; stroke: #9a6700 }
.c3 { fill: #1a7f37; stroke: #1a7f37 } .c4 { fill: #8250df; stroke: #8250df } .c5 { fill: #bf3989; stroke: #bf3989 }
.c6 { fill: #57606a; stroke: #57606a }
.line { fill: none; stroke-width: 1.5 } .whole { fill-opacity: 0 }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .axis, .grid { stroke: #777 }
  .c0 { fill: #58a6ff; stroke: #58a6ff } .c1 { fill: #ff7b72; stroke: #ff7b72 } .c2 { fill: #d29922; stroke: #d29922 }
  .c3 { fill: #3fb950; stroke: #3fb950 } .c4 { fill: #bc8cff; stroke: #bc8cff } .c5 { fill: #f778ba; stroke: #f778ba }
  .c6 { fill: #8b949e; stroke: #8b949e }
  .line { fill: none } .whole { fill-opacity: 0 }
}
'''


class Scale:
    """Values between the least and the most to places; logarithms for times."""

    def __init__(self, values, start, end, of=lambda value: value):
        values = [of(value) for value in values]
        low, high = min(values), max(values)
        margin = (high - low) * 0.06 or 1
        self.low, self.high, self.start, self.end, self.of = low - margin, high + margin, start, end, of

    def place(self, value):
        return self.start + (self.of(value) - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low, high):
    """Five to ten round numbers between the two."""
    step = 10 ** math.floor(math.log10((high - low) / 2))
    while (high - low) / step > 10:
        step *= 2.5 if str(step)[0] == '2' else 2
    return [step * at for at in range(math.ceil(low / step), math.floor(high / step) + 1)]


def time_ticks(low, high):
    return [digit * 10.0 ** power for power in range(-3, 5) for digit in (1, 2, 5) if low <= digit * 10.0 ** power <= high]


def draw_points(points, across, up, programs, by):
    for program in programs:
        own = sorted((point for point in points if point.program == program), key=lambda point: getattr(point, by))
        places = [(across.place(getattr(point, by)), up.place(point.size / MIB)) for point in own]
        color = f'c{programs.index(program) % COLORS}'
        if len(places) > 1:
            yield f'<polyline class="line {color}" points="' + ' '.join(f'{x:.1f},{y:.1f}' for x, y in places) + '"/>'
        for point, (x, y) in zip(own, places):
            whole = ' whole' if point.whole else ''
            radius = 6 if point.level == 'default' and program == 'vmferry' else 4
            yield (f'<circle class="{color}{whole}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>'
                   f'{html.escape(program)} {point.level}: {point.seconds:.2f} s, {point.size / MIB:.1f} MiB</title></circle>'
                   f'<text x="{x + 6:.1f}" y="{y - 6:.1f}">{point.label()}</text>')


def draw_panel(kind, points, top, programs, by):
    bottom = top + HEIGHT - ROOM
    across = Scale([getattr(point, by) for point in points], LEFT, WIDTH - 20, math.log10)
    up = Scale([point.size / MIB for point in points], bottom, top)
    yield f'<text class="title" x="{LEFT}" y="{top - 10}">{html.escape(kind)}: MiB by {WORDS[by]}; left and low is better</text>'
    for value in ticks(up.low, up.high):
        y = up.place(value)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - 20}"/><text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    for value in time_ticks(10 ** across.low, 10 ** across.high):
        x = across.place(value)
        yield f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/><text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>'
    yield f'<path class="axis" d="M{LEFT} {top}V{bottom}H{WIDTH - 20}"/>'
    yield from draw_points(points, across, up, programs, by)


def draw(kinds, caption, by='seconds'):
    """One static picture: a panel a kind."""
    programs = list(dict.fromkeys(point.program for points in kinds.values() for point in points))
    height = TOP + HEIGHT * len(kinds) + 40
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
             f'<title>{html.escape(caption)}</title>', f'<style>{STYLE}</style>']
    for at, program in enumerate(programs):
        x = LEFT + 120 * at
        whole = ' whole' if program.endswith(' whole') else ''
        lines.append(f'<circle class="c{at % COLORS}{whole}" cx="{x}" cy="12" r="5"/><text x="{x + 10}" y="16">{html.escape(program)}</text>')
    for at, (kind, points) in enumerate(kinds.items()):
        lines += draw_panel(kind, points, TOP + 10 + HEIGHT * at, programs, by)
    lines.append(f'<text x="{LEFT}" y="{height - 24}">{html.escape(caption)}</text>')
    lines.append(f'<text x="{LEFT}" y="{height - 8}">Numbers are levels, d the default; rings pack a file as a whole, '
                 'which no image can.</text>')
    return '\n'.join(lines) + '\n</svg>\n'


def measure(bench, options, record):
    skipped, kinds = [], {}
    by = 'processor' if bench.quick else 'seconds'  # few and short runs say nothing about the time
    for kind in TARGETS:
        if options.only.lower() not in kind:
            continue
        points = measure_kind(bench, kind, skipped)
        codec = measure_codec(bench, kind, bench.limits_program, bench.cores) if bench.limits_program.exists() else {}
        print(f'{kind:13} {"level":>7} {"seconds":>8} {"cpu":>8} {"MiB":>8} {"codec alone":>12}')
        for point in points:
            print(describe(point, points, codec, by), flush=True)
        record['results'] += facts_of(kind, points, codec, by)
        kinds[kind] = points
    bench.remove_output()
    for program in skipped:
        print(f'skipped: {program} is not installed')
    size = (bench.folder / SOURCE).stat().st_size // MIB
    caption = f'{size} MiB of a disk, median of {bench.pairs}: {record["machine"].split(", SHA-256")[0]}'
    pathlib.Path(options.pareto).write_text(draw(kinds, caption, by), encoding='utf-8')
    return 0
