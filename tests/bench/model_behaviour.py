# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The arithmetic of the benchmark: the pipeline's model where the answer is known, who beats whom, the picture."""
import json
import xml.etree.ElementTree

import bench_pareto
import pipeline_model
import tap

JOBS = 200


def parts(**others):
    given = dict(start=0.0, count=JOBS, work=0.01, turn=0.0, store=0.0, caller=0.0, lock=0.0)
    return pipeline_model.Parts(**{**given, **others})


def seconds(cores, **others):
    return pipeline_model.predict(parts(**others), cores, cores, 2 * cores + 4)[0]


def near(found, expected, what, within=0.1):
    tap.equal(abs(found / expected - 1) <= within, True, f'{what}: {found:.3f} is {expected:.3f}')


def test_shared(_):
    """Work alone is shared by all cores."""
    for cores in (1, 2, 8):
        near(seconds(cores), JOBS * 0.01 / cores, f'{cores} cores')


@tap.rows([(name, name) for name in ('caller', 'store', 'turn')])
def test_one_at_a_time(_, name):
    """What only one thread does at a time is the least that all of it takes, and is told as the busiest."""
    found, (busiest, share) = pipeline_model.predict(parts(**{name: 0.002}), 64, 64, 132)
    near(found, JOBS * 0.002, name, 0.2)
    tap.equal((busiest, share > 0.8), (name, True), 'the busiest')


def test_writers(_):
    """Several writers share what is stored."""
    near(seconds(64, store=0.002, writers=4), JOBS * 0.002 / 4, 'four writers', 0.25)


def test_lock(_):
    """The lock, and what comes before the first job, are in the time."""
    near(seconds(64, work=1e-6, lock=1e-3), JOBS * 1e-3, 'the lock')
    near(seconds(2, start=1.0) - seconds(2), 1.0, 'the start')


def test_caller_takes_from_the_others(_):
    """The work of all is never done sooner than by all cores."""
    found = seconds(2, caller=0.01)
    tap.equal(found >= JOBS * 0.02 / 2, True, f'{found}')


def test_few_jobs(_):
    """With few jobs threads wait for the oldest."""
    many = pipeline_model.predict(parts(), 8, 8, 32)[0]
    few = pipeline_model.predict(parts(), 8, 8, 9)[0]
    tap.equal(few > many * 1.05, True, f'{few} {many}')


def test_told(_):
    """What vmferry tells becomes parts and shares."""
    role = dict.fromkeys(pipeline_model.EFFORTS, 0.0)
    effort = {name: {**role, 'parts': 0} for name in ('start', 'caller', 'crew', 'turn')}
    effort['work'] = {**role, 'parts': 10, 'pack': 3.0, 'read': 1.0}
    effort['store'] = {**role, 'parts': 10, 'write': 0.5}
    effort['caller']['other'] = 0.5
    found = pipeline_model.parts_of(effort)
    tap.equal((found.count, found.work, found.store, found.caller), (10, 0.4, 0.05, 0.05), 'a job')
    shares = pipeline_model.shares_of(effort)
    tap.equal((shares['pack'], shares['first']), (0.6, 0.1), 'shares')


def test_what_takes_the_time_is_told_where_it_is_asked_for(t):
    t.write('disk.raw', b'some text ' * 400000)
    words = ('convert', '-q', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'disk.raw')
    tap.equal(t.vmferry(*words, 'a.vmdk').stderr, '', 'without being asked')
    effort = json.loads(t.vmferry(*words, 'b.vmdk', env={'VMFERRY_EFFORT': '1'}).stderr)
    found = pipeline_model.parts_of(effort)
    tap.equal((found.count, found.work > 0, effort['work']['pack'] > 0, effort['store']['write'] > 0, effort['work']['write']),
              (4, True, True, True, 0), 'four jobs')


def points(*rows):
    return [bench_pareto.Point(program, level, time, time, size) for program, level, time, size in rows]


def test_beaten(_):
    """A point is beaten by what is better in one and not worse in the other."""
    found = points(('a', 1, 1.0, 100), ('b', 1, 0.5, 100), ('b', 2, 2.0, 90), ('c whole', 1, 0.1, 10), ('d', 1, 0.499, 100))
    names = [[other.program for other in bench_pareto.beaten_by(point, found)] for point in found]
    tap.equal(names, [['b', 'd'], [], [], ['b'][:0], []], 'who is beaten')


def test_picture(_):
    """The picture is XML, with all points, names escaped."""
    text = bench_pareto.draw({'x': points(('a<b', 'default', 1.0, 1 << 20), ('a<b', 1, 2.0, 2 << 20), ('q', 1, 9.0, 3 << 20))}, 'a & b')
    root = xml.etree.ElementTree.fromstring(text)
    circles = [element for element in root.iter() if element.tag.endswith('circle')]
    tap.equal(len(circles), 3 + 2, 'points, and the names of programs')


tap.main(globals())
