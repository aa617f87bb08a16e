# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""--spool: what a pipe cannot take in order is stored first, and sent."""
import os
import random
import signal
import subprocess
import tarfile

import tap

CLOCK = dict(SOURCE_DATE_EPOCH='1700000000')
PACKED = ('-c', '-O', 'qcow2')


def disk(t):
    t.write('a.raw', random.Random(3).randbytes(2 << 20) + bytes(8 << 20) + b'text' * (1 << 18) + bytes(1 << 20))
    os.mkdir(t.path('spool'))


def piped(t, *arguments, **options):
    return t.vmferry(*arguments, text=False, env=CLOCK, **options)


def member(t, archive):
    with tarfile.open(t.path(archive)) as ova:
        return ova.extractfile('a-disk1.vmdk').read()


def test_packed_qcow2_on_a_pipe_is_that_of_a_file(t):
    disk(t)
    t.vmferry('convert', *PACKED, 'a.raw', 'file.qcow2', env=CLOCK)
    done = piped(t, 'convert', '-v', *PACKED, '--spool', 'spool', 'a.raw', '-')
    tap.equal(done.stdout == t.read('file.qcow2'), True, 'bytes')
    tap.contains(done.stderr.decode(), 'standard output is stored in spool first')
    tap.equal(t.names(), ['a.raw', 'file.qcow2', 'spool'], 'files')
    tap.equal(os.listdir(t.path('spool')), [], 'nothing is left')
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'a.raw', 'file.qcow2')


def test_overlay_on_a_pipe(t):
    disk(t)
    t.write('base.raw', bytes(os.path.getsize(t.path('a.raw'))))
    t.write('over.qcow2', piped(t, 'convert', '-O', 'qcow2', '-B', 'base.raw', '-F', 'raw', '--spool', '.', 'a.raw', '-').stdout)
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'a.raw', 'over.qcow2')


def test_package_with_packed_disks_on_a_pipe_is_that_of_a_file(t):
    disk(t)
    t.vmferry('pack', 'a.raw', '-o', 'a.ova', env=CLOCK)
    sent = piped(t, 'pack', '--name', 'a', '--spool', 'spool', 'a.raw', '-o', '-').stdout
    t.write('sent.ova', sent)
    t.vmferry('verify', 'sent.ova')
    t.vmferry('compare', 'a.raw', 'sent.ova')
    tap.equal(sent == t.read('a.ova'), True, 'bytes')
    t.vmferry('convert', '--disk-format', 'qcow2', 'a.ova', 'b.ova')
    t.vmferry('convert', 'b.ova', 'c.ova', env=CLOCK)
    t.write('sent.ova', piped(t, 'convert', '--spool', 'spool', 'b.ova', '-').stdout)
    t.vmferry('verify', 'sent.ova')
    t.vmferry('compare', 'a.raw', 'sent.ova')
    tap.equal(os.listdir(t.path('spool')), [], 'nothing is left')


def test_without_it_the_folder_for_temporary_files_is_taken(t):
    disk(t)
    t.vmferry('convert', *PACKED, 'a.raw', 'file.qcow2', env=CLOCK)
    done = t.vmferry('convert', '-v', *PACKED, 'a.raw', '-', text=False, env=dict(CLOCK, TMPDIR=t.path('spool')))
    tap.equal(done.stdout == t.read('file.qcow2'), True, 'bytes')
    tap.contains(done.stderr.decode(), f'is stored in {t.path("spool")} first')
    done = t.vmferry('convert', *PACKED, 'a.raw', '-', text=False, env=dict(TMPDIR=t.path('none')), status=1)
    tap.equal(done.stdout, b'', 'sent')


def test_package_is_packed_twice_where_its_disk_needs_its_size_first(t):
    disk(t)
    t.vmferry('pack', 'a.raw', '-o', 'a.ova', env=CLOCK)
    done = piped(t, 'pack', '--name', 'a', 'a.raw', '-o', '-')
    tap.contains(done.stderr.decode(), 'packed twice')
    tap.contains(done.stderr.decode(), '--spool DIR')
    t.write('sent.ova', done.stdout)
    t.vmferry('verify', 'sent.ova')
    t.vmferry('compare', 'a.raw', 'sent.ova')
    tap.equal(member(t, 'sent.ova') == member(t, 'a.ova'), True, 'disk')


def test_what_a_pipe_takes_in_order_is_not_stored(t):
    disk(t)
    for form in ('raw', 'qcow2'):
        t.vmferry('convert', '-O', form, 'a.raw', 'file', env=CLOCK)
        done = piped(t, 'convert', '-v', '-O', form, '--spool', 'spool', 'a.raw', '-')
        tap.equal((done.stdout == t.read('file'), b'stored' in done.stderr), (True, False), form)


def test_other_targets_do_not_use_it(t):
    disk(t)
    t.vmferry('convert', *PACKED, '--spool', 'spool', 'a.raw', 'b.qcow2')
    with open(t.path('c.qcow2'), 'wb') as out:
        t.vmferry('convert', *PACKED, '--spool', 'spool', 'a.raw', '-', stdout=out)
    t.vmferry('compare', 'b.qcow2', 'c.qcow2')
    t.vmferry('pack', '--spool', 'spool', 'a.raw', '-o', 'a.ova')


def test_source_on_a_pipe_is_stored_there_too(t):
    disk(t)
    with open(t.path('a.raw'), 'rb') as source, subprocess.Popen(['cat'], stdin=source, stdout=subprocess.PIPE) as cat:
        done = piped(t, 'convert', '-v', '-f', 'raw', *PACKED, '--spool', 'spool', '-', '-', stdin=cat.stdout)
    tap.contains(done.stderr.decode(), 'standard output is stored in spool first')
    tap.contains(done.stderr.decode(), 'standard input is stored in spool first')
    t.write('b.qcow2', done.stdout)
    t.vmferry('compare', 'a.raw', 'b.qcow2')


@tap.rows([('is not there', 'none', 1, 'No such file'), ('is a file', 'a.raw', 1, 'expected a folder')])
def test_folder_that_takes_nothing(t, folder, status, words):
    disk(t)
    done = t.vmferry('convert', *PACKED, '--spool', folder, 'a.raw', '-', status=status)
    tap.equal(done.stdout, '', 'sent')
    tap.contains(done.stderr, words)


def mounted(t, options, script):
    done = t.run(tap.tool('unshare'), '-m', 'sh', '-c', f'mount -t tmpfs -o {options} none spool && {script}', tap.VMFERRY, status=None)
    if 'Operation not permitted' in done.stderr or 'unshare failed' in done.stderr:
        raise tap.Skip('nothing can be mounted')
    return done


def test_folder_that_is_read_only(t):
    disk(t)
    done = mounted(t, 'ro', '"$0" convert -c -O qcow2 --spool spool a.raw - | cat > sent; "$0" convert -c -O qcow2 --spool spool a.raw - >> sent')
    tap.equal((done.returncode, t.read('sent')), (4, b''), 'status, and what was sent')
    tap.contains(done.stderr, 'spool: a temporary file cannot be made in it: Read-only file system')


def test_folder_that_is_too_small(t):
    """Nothing has been sent, and its space is free again."""
    disk(t)
    done = mounted(t, 'size=1m', '"$0" convert -c -O qcow2 --spool spool a.raw - >> sent; echo $?; df --output=used spool | tail -n 1')
    tap.equal((done.stdout.split(), t.read('sent')), (['4', '0'], b''), 'status, used, and what was sent')
    tap.contains(done.stderr, 'stored in spool')


def test_reader_that_goes(t):
    disk(t)
    done = t.run(tap.tool('bash'), '-c', '"$0" convert -c -O qcow2 --spool spool a.raw - | head -c 10 > sent; echo ${PIPESTATUS[0]}', tap.VMFERRY)
    tap.equal((done.stdout, len(t.read('sent'))), ('4\n', 10), 'status')
    tap.equal(os.listdir(t.path('spool')), [], 'nothing is left')


def test_interrupt_while_it_is_sent(t):
    disk(t)
    with subprocess.Popen([tap.VMFERRY, 'convert', *PACKED, '--spool', 'spool', 'a.raw', '-'], cwd=t.folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdout.read(1)  # then it waits: more than a pipe holds is to come
        run.send_signal(signal.SIGINT)
        while run.poll() is None and run.stdout.read(1 << 16):
            pass
        tap.equal(run.wait(), 130, 'status')
    tap.equal(os.listdir(t.path('spool')), [], 'nothing is left')


tap.main(globals())
