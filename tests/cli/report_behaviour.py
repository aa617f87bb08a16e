# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The reports of tasks that share a list, merged: what all say, what is missing, what stands in several, the exit status."""
import csv
import io
import json
import os
import xml.etree.ElementTree

import tap


def tasks(t, *words_of_each, broken=(), status=0):
    """A list of four jobs, and a report in `reports` of each task."""
    tap.needs('jansson')
    for name in ('out', 'reports'):
        os.makedirs(t.path(name), exist_ok=True)
    lines = []
    for number in range(4):
        t.write(f'{number}.raw', bytes([number + 1]) * 4096)
        lines.append(f'{number}.raw\tout/{number}.qcow2\t' + ('-f vmdk' if number in broken else '-f raw --checksum'))
    t.write('jobs', '\n'.join(lines).encode())
    for words in words_of_each:
        t.vmferry('batch', '-q', *words, 'jobs', '--report', 'reports/' + '-'.join(words).strip('-').replace('/', '-') + '.json', status=status)


def merged(t, *words, status=0):
    return json.loads(t.vmferry('report', '--output=json', *words, status=status).stdout)


def change(t, name, edit):
    told = json.loads(t.read(name))
    edit(told)
    t.write(name, json.dumps(told, indent=4).encode())


def test_a_job_is_told_as_in_the_report_of_its_task(t):
    tasks(t, ('--task', '0/3'), ('--task', '1/3'), ('--task', '2/3'))
    told = merged(t, 'reports')
    tap.equal({key: told['batch'][key] for key in ('list', 'jobs', 'done', 'listed', 'reports', 'duplicates', 'missing', 'status')},
              {'list': 'jobs', 'jobs': 4, 'done': 4, 'listed': 4, 'reports': 3, 'duplicates': 0, 'missing': [], 'status': 0}, 'totals')
    alone = [job for task in range(3) for job in json.loads(t.read(f'reports/task-{task}-3.json'))['jobs']]
    tap.equal(told['jobs'], sorted(alone, key=lambda job: job['index']), 'jobs')
    tap.equal([job['index'] for job in told['jobs']], [0, 1, 2, 3], 'in the order of the list')


def test_losses_and_findings_are_merged_too(t):
    tap.needs('jansson')
    t.write('a.raw', bytes(1 << 20))
    t.vmferry('pack', 'a.raw', '-o', 'a.ova')
    t.write('jobs', b'a.ova\tvm.vmx\na.raw\tb.qcow2\t--for openstack\n')
    t.vmferry('batch', '-q', 'jobs', '--report', 'r.json')
    alone = json.loads(t.read('r.json'))['jobs']
    tap.equal(('losses' in alone[0], 'lint' in alone[1]), (True, True), 'losses and findings')
    tap.equal(merged(t, 'r.json')['jobs'], alone, 'jobs')


def test_what_was_only_planned_is_not_done(t):
    """Of a dry run nothing is there: 75, as of what was not begun."""
    tasks(t, ('--task', '0/2'), ('--task', '1/2', '--dry-run'))
    told = merged(t, 'reports', '--report', 'r.xml', '--report', 'r.html', status=75)
    tap.equal([told['batch'][key] for key in ('done', 'planned', 'not-begun')], [2, 2, 0], 'totals')
    tap.equal([job['state'] for job in told['jobs']], ['done', 'planned', 'done', 'planned'], 'states')
    said = t.vmferry('report', 'reports', status=75).stdout
    tap.contains(said, ': 2 done, 2 planned, ')
    suite = xml.etree.ElementTree.parse(t.path('r.xml')).getroot()
    tap.equal(len(list(suite.iter('skipped'))), 2, 'JUnit')
    tap.contains(t.read('r.html').decode(), '2 planned; ')


def test_what_has_no_report_is_75_and_named(t):
    tasks(t, ('--index', '1'))
    told = merged(t, 'reports', status=75)
    tap.equal(told['batch']['missing'], [{'first': 0, 'jobs': 1}, {'first': 2, 'jobs': 2}], 'missing')
    said = t.vmferry('report', 'reports', '--report', 'r.html', '--report', 'r.xml', '--report', 'r.csv', status=75).stdout
    for line in ('job 0: no report', 'jobs 2-3: no report', '1 done, 3 without a report'):
        tap.contains(said, line)
    tap.contains(t.read('r.html').decode(), '3 without a report: job 0, jobs 2-3')
    suite = xml.etree.ElementTree.parse(t.path('r.xml')).getroot()
    tap.equal((suite.get('tests'), suite.get('errors')), ('3', '2'), 'JUnit')
    tap.equal([row['id'] for row in csv.DictReader(io.StringIO(t.read('r.csv').decode())) if row['state'] == 'no report'], ['job 0', 'jobs 2-3'], 'CSV')


def test_of_several_reports_the_newest_counts(t):
    tasks(t, ('--index', '1'), ('--task', '0/1'))
    change(t, 'reports/index-1.json', lambda told: (told['batch'].update(begun='2001-01-01T00:00:00Z'),
                                                    told['jobs'][0].update(begun='2001-01-01T00:00:00Z', state='failed', status=1, error='the first try')))
    told = merged(t, 'reports')
    tap.equal((told['batch']['duplicates'], told['jobs'][1]['state'], told['batch']['begun']), (1, 'done', '2001-01-01T00:00:00Z'), 'the old one first')
    change(t, 'reports/index-1.json', lambda told: told['jobs'][0].update(begun='2101-01-01T00:00:00Z'))
    tap.equal(merged(t, 'reports', status=1)['jobs'][1]['state'], 'failed', 'the failed one is the newest')


@tap.rows([
    ('failed for good', {'state': 'failed', 'status': 2, 'error': 'broken'}, 1),
    ('may go well', {'state': 'failed', 'status': 7, 'error': 'held', 'temporary': True}, 75),
    ('stopped', {'state': 'stopped', 'status': 143}, 75),
    ('not begun', {'state': 'not begun'}, 75),
    ('salvaged', {'state': 'salvaged', 'status': 11}, 11),
    ('unchanged', {'state': 'unchanged', 'status': 0}, 0),
])
def test_the_exit_status_is_that_of_the_worst(t, said, status):
    tasks(t, ('--task', '0/1'))
    change(t, 'reports/task-0-1.json', lambda told: told['jobs'][2].update(said))
    tap.equal(merged(t, 'reports', status=status)['batch']['status'], status, 'in the report')


def test_failures_are_printed_for_people(t):
    tasks(t, ('--task', '0/1'), broken=(2,), status=1)
    change(t, 'reports/task-0-1.json', lambda told: told['jobs'][2].update(id='\x1b[31mred'))
    said = t.vmferry('report', 'reports', status=1).stdout
    tap.contains(said, 'jobs: 4 jobs, 1 report: 3 done, 1 failed')
    tap.contains(said, 'job 2 failed: \\x1b[31mred: 2.raw: ')


def test_a_page_is_not_driven_by_a_report(t):
    tasks(t, ('--task', '0/1'))
    evil = '</code><script>alert(1)</script>'
    change(t, 'reports/task-0-1.json', lambda told: (told['batch'].update(list=evil), told['jobs'][0].update(id=evil, error=evil, messages=[evil], lint=[evil],
                                                                                                            format=evil, filename=evil, target=evil)))
    t.vmferry('report', 'reports', '--report', 'r.html')
    tap.equal('<script' in t.read('r.html').decode(), False, 'a script')


def test_a_rate_that_is_too_large(t):
    tasks(t, ('--task', '0/1'))
    change(t, 'reports/task-0-1.json', lambda told: told['jobs'][0].update(written=2**63 - 1, seconds=0.001))
    t.vmferry('report', 'reports', '--report', 'r.html')
    tap.contains(t.read('r.html').decode(), '8 EiB/s')


@tap.rows([
    ('no JSON', lambda told: None, 'is no report in JSON'),
    ('no batch', lambda told: told.pop('batch'), 'batch: expected'),
    ('no jobs', lambda told: told.pop('jobs'), 'batch: expected'),
    ('no list', lambda told: told['batch'].pop('list'), '"listed"'),
    ('no number', lambda told: told['batch'].pop('listed'), '"listed"'),
    ('a huge list', lambda told: told['batch'].update(listed=1 << 40), 'batch.listed: expected'),
    ('a time', lambda told: told['batch'].update(begun='yesterday'), 'batch.begun: expected'),
    ('a long time', lambda told: told['batch'].update(seconds=1e300), 'batch.seconds: expected'),
    ('a job', lambda told: told['jobs'].__setitem__(1, 'job'), 'jobs[1]: expected an object'),
    ('no index', lambda told: told['jobs'][1].pop('index'), 'jobs[1].index: expected'),
    ('an index', lambda told: told['jobs'][1].update(index=4), 'jobs[1].index: expected'),
    ('a negative one', lambda told: told['jobs'][1].update(index=-1), 'jobs[1].index: expected'),
    ('no sources', lambda told: told['jobs'][1].update(sources=[]), '"sources"'),
    ('no target', lambda told: told['jobs'][1].pop('target'), '"target"'),
    ('a state', lambda told: told['jobs'][1].update(state='fine'), 'jobs[1].state: expected'),
    ('no state', lambda told: told['jobs'][1].pop('state'), 'jobs[1].state: expected'),
    ('an algorithm', lambda told: told['jobs'][1].update(algorithm='<b>'), 'jobs[1].checksum: expected'),
    ('a checksum', lambda told: told['jobs'][1].update(checksum='<b>'), 'jobs[1].checksum: expected'),
    ('a long checksum', lambda told: told['jobs'][1].update(checksum='0' * 1000), 'jobs[1].checksum: expected'),
    ('a text', lambda told: told['jobs'][1].update(error=1), 'jobs[1].error: expected'),
    ('texts', lambda told: told['jobs'][1].update(messages=[1]), 'jobs[1].messages: expected'),
    ('files', lambda told: told['jobs'][1].update(made=[{'filename': 'x', 'size': 1}]), 'jobs[1].made: expected'),
])
def test_a_damaged_report_is_refused_with_its_place(t, edit, message):
    tasks(t, ('--task', '0/1'))
    change(t, 'reports/task-0-1.json', edit)
    if message == 'is no report in JSON':
        t.write('reports/task-0-1.json', t.read('reports/task-0-1.json')[:-40])
    tap.contains(t.vmferry('report', 'reports/task-0-1.json', '--report', 'r.html', status=2).stderr, message)
    tap.equal(os.path.exists(t.path('r.html')), False, 'a report')


@tap.rows([
    ('of another list', lambda told: told['batch'].update(list='others'), 'reports of one list'),
    ('of a longer list', lambda told: told['batch'].update(listed=5), 'reports of one list'),
    ('of a changed list', lambda told: told['jobs'][0].update(target='out/other'), 'the list was changed'),
])
def test_reports_that_do_not_belong_together_are_refused(t, edit, message):
    tasks(t, ('--index', '1'), ('--task', '0/1'))
    change(t, 'reports/task-0-1.json', lambda told: told['jobs'].__delitem__(0))
    change(t, 'reports/task-0-1.json', edit)
    tap.contains(t.vmferry('report', 'reports', status=2).stderr, message)


def test_what_else_lies_in_the_folder_is_no_report(t):
    tasks(t, ('--task', '0/1'))
    t.write('reports/other.json', b'{}')
    t.write('reports/page.html', b'')
    os.mkfifo(t.path('reports/pipe.json'))
    tap.equal(merged(t, 'reports')['batch']['reports'], 1, 'reports')
    os.mkdir(t.path('empty'))
    tap.contains(t.vmferry('report', 'empty', status=2).stderr, 'has no file *.json')
    tap.contains(t.vmferry('report', 'nothing', status=2).stderr, 'nothing: ')
    tap.contains(t.vmferry('report', 'reports/pipe.json', status=2).stderr, 'is no file of at most')


def test_a_report_replaces_no_other_file(t):
    tasks(t, ('--task', '0/1'))
    tap.contains(t.vmferry('report', 'reports', '--report', '0.raw', status=2).stderr, 'ends in none of')
    t.write('disk.html', b'mine')
    t.vmferry('report', 'reports', '--report', 'disk.html', status=2)
    tap.equal(t.read('disk.html'), b'mine', 'the file')


def test_a_merged_report_can_be_merged_again(t):
    tasks(t, ('--index', '0'), ('--index', '3'))
    t.vmferry('report', 'reports', '--report', 'half.json', status=75)
    t.vmferry('batch', '-q', 'jobs', '--task', '1/2', '--report', 'rest.json')
    tap.equal([job['index'] for job in merged(t, 'half.json', 'rest.json', status=75)['jobs']], [0, 1, 3], 'jobs')


tap.main(globals())
