# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What a person is told on a terminal, and a program elsewhere: the progress, and what was done."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
import unicodedata

import tap

NAMES = {'plain': 'disk.raw', 'long': 'a-name-that-is-longer-than-the-line-of-a-small-terminal-could-ever-hold.raw',
         'Japanese': '日本語のディスクイメージとても長い名前.raw', 'German': 'Bürorechner der Geschäftsführung.raw',
         'odd': 'a\x1b[31m\u202eb.raw'}


def source(t, name='disk.raw', size=24 << 20):
    with open(t.path(name), 'wb') as file:
        file.write(os.urandom(1 << 20) * (size >> 20))
    return name


def terminal(t, columns, *arguments, status=0, env=None, **options):
    """Runs vmferry with standard output and error on a terminal; returns what it wrote there."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    options.setdefault('stdout', follower)
    with subprocess.Popen([tap.VMFERRY, *arguments], cwd=t.folder, stdin=subprocess.DEVNULL, stderr=follower,
                          env=dict(os.environ, **(env or {})), **options) as running:
        os.close(follower)
        shown = b''
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(leader)
        tap.equal(running.wait(300), status, f'exit status of {arguments}: {shown}')
    return shown.decode().replace('\r\n', '\n')


def width(text):
    return sum((unicodedata.east_asian_width(one) in 'WF') + 1 for one in text)


def drawn(shown):
    """The bars, as they were drawn one over the other, and what is left on the screen."""
    parts = shown.split('\r')
    return [part for part in parts if '%' in part], parts[-1]


@tap.rows([(f'{columns} columns, {kind}, {locale}', columns, NAMES[kind], locale)
           for columns in (60, 120) for kind in NAMES for locale in ('C', 'de_DE.UTF-8', 'ja_JP.UTF-8', 'C.UTF-8')])
def test_the_bar_fits_the_terminal(t, columns, name, locale):
    source(t, name)
    shown = terminal(t, columns, 'convert', '--no-sync', name, name + '.qcow2', env={'LC_ALL': locale})
    bars, _ = drawn(shown)
    for bar in bars:
        tap.equal(width(bar) < columns, True, f'{width(bar)} columns: {bar}')
        tap.equal(bar.isprintable(), True, repr(bar))
    phases = [bar.split('  ')[1].split()[0] for bar in bars]
    tap.equal([phase for at, phase in enumerate(phases) if phases[at - 1:at] != [phase]],
              ['tables', 'copying', 'tables', 'syncing'])


def test_the_bar_is_gone_at_the_end(t):
    shown = terminal(t, 80, 'checksum', source(t))
    bars, last = drawn(shown)
    tap.equal(len(bars) > 0, True, 'a bar')
    tap.equal(last, t.vmferry('checksum', 'disk.raw').stdout)
    tap.equal(shown.split('\r')[-2].strip(' '), '', 'wiped')


def test_an_error_stands_on_a_line_of_its_own(t):
    source(t)
    shown = terminal(t, 80, 'checksum', '--max-size', '1M', 'disk.raw', status=2)
    tap.equal(drawn(shown)[1].startswith('vmferry: disk.raw: holds more data'), True, repr(shown))


@tap.rows([(verb, *words) for verb, words in (
    ('compare', ('compare', 'disk.raw', 'disk.raw')), ('verify', ('verify', 'vm.ova')),
    ('unpack', ('unpack', 'vm.ova', 'there')), ('pack', ('pack', '-o', 'new.ova', 'disk.raw')),
    ('convert', ('convert', 'vm.ova', 'new.ova')))])
def test_every_long_verb_has_a_bar(t, *words):
    t.vmferry('pack', '-o', 'vm.ova', source(t))
    tap.equal(len(drawn(terminal(t, 100, *words))[0]) > 0, True, 'a bar')
    words = [word.replace('there', 'elsewhere') for word in words]
    tap.equal(drawn(terminal(t, 100, *words, '-q'))[0], [], 'quiet')


def test_no_bar_where_standard_error_is_no_terminal(t):
    source(t)
    for words in ((), ('--verify',)):
        tap.equal(t.vmferry('convert', *words, 'disk.raw', 'a.qcow2').stderr, '')


def test_progress_as_json(t):
    source(t)
    read, write = os.pipe()
    done = t.vmferry('convert', '--verify', f'--progress=json:{write}', 'disk.raw', 'a.qcow2', pass_fds=(write,))
    os.close(write)
    with open(read, encoding='utf-8') as pipe:
        lines = [json.loads(line) for line in pipe]
    tap.equal((done.stdout, done.stderr), ('', ''), 'what is not the progress')
    phases = [line['phase'] for line in lines]
    tap.equal([phase for at, phase in enumerate(phases) if phases[at - 1:at] != [phase]],
              ['tables', 'copying', 'tables', 'verifying', 'syncing', 'done'])
    tap.equal([line['percent'] for line in lines], sorted(line['percent'] for line in lines))
    tap.equal(lines[-1]['percent'], 100.0)
    for line in lines:
        tap.equal(set(line) - {'rate', 'left'}, {'name', 'phase', 'percent', 'done', 'total', 'seconds'})
        tap.equal(line['name'], 'a.qcow2')


def test_progress_of_a_copy_that_is_verified(t):
    source(t)
    t.write('copy.raw', bytes(24 << 20))
    done = t.vmferry('apply', '--verify', '--output=json', '--progress=json', 'disk.raw', 'copy.raw')
    lines = [json.loads(line) for line in done.stderr.splitlines() if line[0] == '{']
    phases = [line['phase'] for line in lines]
    tap.equal([phase for at, phase in enumerate(phases) if phases[at - 1:at] != [phase]], ['applying', 'verifying', 'done'])
    percents = [line['percent'] for line in lines]
    tap.equal((percents, percents[-1]), (sorted(percents), 100), 'percents')


def test_a_reader_of_the_progress_that_has_gone_is_no_error(t):
    source(t)
    read, write = os.pipe()
    os.close(read)
    done = t.vmferry('convert', f'--progress=json:{write}', 'disk.raw', 'a.qcow2', pass_fds=(write,))
    os.close(write)
    tap.equal(done.stderr, '')


def stalled(left):
    """A pipe that nobody reads, with room for so many bytes."""
    read, write = os.pipe()
    os.write(write, bytes(fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096) - left))
    return read, write


def is_stuck(process):
    """Whether a thread waits for a reader."""
    for thread in os.listdir(f'/proc/{process}/task'):
        with open(f'/proc/{process}/task/{thread}/wchan', encoding='ascii') as place:
            if re.search('pipe_write|poll', place.read()):
                return True
    return False


def stopped_while_stuck(running, ask=None):
    """Its status behind SIGTERM, once it waits for who does not read."""
    try:
        for _ in range(2000):
            if is_stuck(running.pid):
                break
            if ask and len(os.listdir(f'/proc/{running.pid}/task')) > 1:  # it listens by now
                running.send_signal(ask)
            time.sleep(0.01)
        running.terminate()
        return running.wait(20)
    finally:
        running.kill()


@tap.rows([('by itself', True, None), ('when it is asked', False, signal.SIGUSR1)])
def test_a_signal_ends_what_waits_for_the_reader_of_the_progress(t, as_json, ask):
    """Nothing comes on standard input; the thread that tells how far it is gets no signals."""
    read, write = stalled(400)
    source_read, source_write = os.pipe()
    os.write(source_write, bytes(65536))
    words = (f'--progress=json:{write}',) if as_json else ()
    with subprocess.Popen([tap.VMFERRY, 'convert', '-f', 'raw', '--source-size', '8M', *words, '-', 'a.raw'], cwd=t.folder,
                          stdin=source_read, pass_fds=(write,), stderr=subprocess.DEVNULL if as_json else write) as running:
        tap.equal(stopped_while_stuck(running, ask), 143, 'status')
    for number in (read, write, source_read, source_write):
        os.close(number)
    tap.equal(t.names(), [], 'files')


@tap.rows([('events', True), ('lines', False)])
def test_a_signal_ends_a_batch_that_waits_for_its_reader(t, as_json):
    if os.environ.get('VMFERRY_SANITIZED') == 'thread':
        raise tap.Skip('a handler does not run there while its thread waits for a lock')
    source(t, size=1 << 20)
    t.write('jobs', b''.join(b'disk.raw\tout%d.raw\n' % number for number in range(200)))
    read, write = stalled(1000)
    words = ('-q', f'--progress=json:{write}') if as_json else ()
    with subprocess.Popen([tap.VMFERRY, 'batch', '-j', '2', *words, '--report', 'r.json', 'jobs'], cwd=t.folder, stdin=subprocess.DEVNULL,
                          pass_fds=(write,), stderr=subprocess.DEVNULL if as_json else write) as running:
        tap.equal(stopped_while_stuck(running), 143, 'status')
    os.close(read)
    os.close(write)
    tap.equal(json.loads(t.read('r.json'))['batch']['status'], 143, 'the report')


@tap.rows([(word, word) for word in ('xml', 'json:', 'json:0', 'json:1', 'json:77', 'json:x', 'json:2x', 'jsonl')])
def test_a_progress_that_is_none(t, word):
    tap.contains(t.vmferry('convert', f'--progress={word}', 'a', 'b', status=1).stderr, '--progress: ')


def test_a_line_at_the_end(t):
    source(t)
    shown = terminal(t, 80, 'convert', 'disk.raw', 'a.qcow2')
    tap.equal('thread' in shown, False, 'details are for -v')
    last = drawn(shown)[1]
    tap.equal(re.fullmatch(r'a\.qcow2: QCOW2, 24 MiB disk, 24(\.\d)? MiB written, [0-9.]+ s \([0-9.e+]+ [KMG]iB/s\)\n', last) is None,
              False, repr(last))
    tap.contains(terminal(t, 80, 'convert', '-v', '-m', '1', 'disk.raw', 'a.qcow2'), 'a.qcow2: 1 thread')
    tap.equal(terminal(t, 80, 'convert', '-q', 'disk.raw', 'a.qcow2'), '', 'quiet')
    tap.equal(t.vmferry('convert', 'disk.raw', 'a.qcow2').stdout, '', 'no terminal')


@tap.rows([('pack', ('pack', 'disk.raw', '-o', 'new.ova'), 'new.ova', 'OVA', 3), ('unpack', ('unpack', 'vm.ova', 'new'), 'new/', 'OVF', 3),
           ('convert', ('convert', 'vm.ova', 'new/vm.ovf'), 'new/vm.ovf', 'OVF', 3),
           ('convert into another form', ('convert', '--disk-format', 'raw', 'vm.ova', 'new.ova'), 'new.ova', 'OVA', 3),
           ('convert into a machine', ('convert', 'vm.ova', 'new/vm.vmx'), 'new/vm.vmx', 'VMX', 2)])
def test_what_was_made_of_a_package(t, arguments, name, form, files):
    """On a terminal a line, and in JSON an object, with the bytes that are there."""
    source(t)
    t.vmferry('pack', 'disk.raw', '-o', 'vm.ova')
    os.mkdir(t.path('new'))
    found = json.loads(t.vmferry(*arguments, '--output=json').stdout)
    made = [t.path('new.ova')] if form == 'OVA' else [os.path.join(t.path('new'), file) for file in os.listdir(t.path('new'))]
    tap.equal({key: found[key] for key in ('filename', 'format', 'files', 'written')},
              {'filename': name, 'format': form.lower(), 'files': files, 'written': sum(map(os.path.getsize, made))})
    for file in made:
        os.remove(file)
    last = drawn(terminal(t, 80, *arguments))[1]
    tap.equal(re.search(rf'{name}: {form}, {files} files, \d+(\.\d)? [KM]iB written, [0-9.]+ s \([0-9.e+]+ [KMG]iB/s\)\n$', last) is None, False, repr(last))
    for file in made:
        os.remove(file)
    tap.equal(t.vmferry(*arguments).stdout, '', 'no terminal')


def test_package_on_standard_output_as_json(t):
    source(t)
    done = t.vmferry('pack', '--disk-format', 'raw', '--output=json', 'disk.raw', '--name', 'x', '-o', '-', text=False)
    found = json.loads(done.stderr)
    tap.equal((found['filename'], found['written']), ('-', len(done.stdout)))


def test_the_result_as_json(t):
    source(t)
    found = json.loads(t.vmferry('convert', '--output=json', '--checksum', 'disk.raw', 'a.qcow2').stdout)
    checksum = t.vmferry('checksum', 'a.qcow2').stdout.split()[0]
    tap.equal({key: found[key] for key in ('filename', 'format', 'virtual-size', 'data', 'zeros')},
              {'filename': 'a.qcow2', 'format': 'qcow2', 'virtual-size': 24 << 20, 'data': 24 << 20, 'zeros': 0})
    tap.equal('blkhash-sha256:' + found['checksum'], checksum)
    done = t.vmferry('convert', '--output=json', '-O', 'raw', 'disk.raw', '-', text=False)
    tap.equal((json.loads(done.stderr)['filename'], done.stdout == t.read('disk.raw')), ('-', True))
    tap.equal(json.loads(t.vmferry('compare', '--output=json', 'disk.raw', 'a.qcow2').stdout),
              {'identical': True, 'sizes-differ': False})
    t.write('b.raw', t.read('disk.raw')[:-1] + bytes([t.read('disk.raw')[-1] ^ 1]))
    tap.equal(json.loads(t.vmferry('compare', '--output=json', 'b.raw', 'a.qcow2', status=1).stdout)['offset'] >> 16, 383)


def test_letters_behind_p_are_options(t):
    tap.equal(t.vmferry('convert', '-pq', source(t), 'a.qcow2').stderr, '')


def test_progress_while_a_pipe_is_stored(t):
    """How long it is nobody knows: the bytes are told."""
    t.write('a.raw', bytes(446) + b'data' * 60_000)
    t.vmferry('pack', '-o', 'a.ova', 'a.raw')
    for name in ('a.raw', 'a.ova'):
        for options, words in ((['-p'], '-: reading, '), (['--progress=json'], '"phase": "reading", "percent": 0.00, "done": ')):
            with subprocess.Popen(['cat', t.path(name)], stdout=subprocess.PIPE) as cat:
                target, raw = ('out.qcow2', ('-f', 'raw')) if name == 'a.raw' else ('out.ova', ())
                tap.contains(t.vmferry('convert', *raw, *options, '-', target, stdin=cat.stdout).stderr, words)
            os.remove(t.path(target))
    with subprocess.Popen(['cat', t.path('a.ova')], stdout=subprocess.PIPE) as cat:
        tap.contains(t.vmferry('verify', '-p', '-', stdin=cat.stdout).stderr, '-: reading, ')


def test_progress_while_a_package_is_unpacked(t):
    t.write('a.raw', bytes(446) + b'data' * 60_000)
    t.vmferry('pack', '-o', 'a.ova', 'a.raw')
    t.run(tap.tool('gzip'), 'a.ova')
    name = 'a.ova.gz'
    for command in (('verify', '-p', name), ('convert', '-p', name, 'out.ova')):
        tap.contains(t.vmferry(*command, status=None).stderr, f'{name}: unpacking, ')


tap.main(globals())
