# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Where a target goes: names of standard output, files that cannot be replaced, devices, two runs on one."""
import os
import random
import signal
import struct
import subprocess
import time

import tap

NOBODY = 65534
STREAM = tap.IMAGES / 'good-vmdk-stream.vmdk'


def noise(length, seed=1):
    return random.Random(seed).randbytes(length)


def names(t, folder):
    return sorted(os.listdir(t.path(folder)))


def bound(t, target, script):
    """Runs a shell script where `target` is a mount point."""
    t.write('below', t.read(target))
    command = f'mount --bind below {target} && {script}'
    done = t.run(tap.tool('unshare'), '-m', 'sh', '-c', command, tap.VMFERRY, status=None)
    if 'Operation not permitted' in done.stderr or 'unshare failed' in done.stderr:
        raise tap.Skip('nothing can be mounted')
    return done


def test_folder_gets_a_file_of_the_sources_name(t):
    source = noise(1 << 20)
    t.write('a.b.raw', source)
    os.mkdir(t.path('there'))
    t.vmferry('convert', '-O', 'qcow2', 'a.b.raw', 'there')
    t.vmferry('convert', '-O', 'vpc', './a.b.raw', 'there/')
    t.vmferry('convert', '-f', 'vmdk', STREAM, f'file:{t.path("there")}/')
    tap.equal(names(t, 'there'), ['a.b.qcow2', 'a.b.vhd', 'good-vmdk-stream.raw'], 'files')
    t.vmferry('compare', 'a.b.raw', 'there/a.b.qcow2')
    t.vmferry('pack', 'a.b.raw', '-o', 'vm.ova')
    t.vmferry('convert', '-O', 'qcow2', 'vm.ova::vm-disk1.vmdk', 'there')
    t.vmferry('compare', 'a.b.raw', 'there/vm-disk1.qcow2')


def test_folder_that_gets_no_file(t):
    t.write('a.raw', noise(1 << 20))
    t.write('b', noise(1 << 20))
    os.mkdir(t.path('there'))
    for given, words in ((('a.raw', 'b', 'there/'), 'several sources become one disk'),
                         (('a.raw', './'), 'target'), (('a.raw', 'new/'), 'its folder cannot be opened'),
                         (('-f', 'raw', '-', 'there'), '-: gives the target no name')):
        tap.contains(t.vmferry('convert', *given, status=1).stderr, words)
    tap.equal((t.names(), names(t, 'there')), (['a.raw', 'b', 'there'], []), 'files')


def test_mount_point_that_is_empty_is_written_in_place(t):
    source = noise(1 << 20)
    t.write('source.raw', source)
    t.write('disk.raw', b'')
    tap.equal(bound(t, 'disk.raw', '"$0" convert --verify source.raw disk.raw').returncode, 0, 'status')
    tap.equal(t.read('below') == source, True, 'content')
    t.write('disk.qcow2', b'')
    tap.equal(bound(t, 'disk.qcow2', '"$0" convert --verify source.raw disk.qcow2').returncode, 0, 'status')
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'source.raw', 'below')
    tap.equal(t.names(), ['below', 'disk.qcow2', 'disk.raw', 'source.raw'], 'files')


def test_mount_point_with_content_is_refused_before_the_copy(t):
    t.write('source.raw', noise(1 << 20))
    t.write('disk.raw', b'old')
    done = bound(t, 'disk.raw', '"$0" convert source.raw disk.raw')
    tap.equal((done.returncode, t.read('below')), (1, b'old'), 'status and content')
    tap.contains(done.stderr, 'disk.raw: cannot be replaced by a new file (it is a mount point)')
    tap.contains(done.stderr, '--in-place')
    tap.equal(bound(t, 'disk.raw', '"$0" convert --in-place source.raw disk.raw').returncode, 0, 'status')
    tap.equal(t.read('below') == t.read('source.raw'), True, 'content')


def test_file_in_a_folder_that_may_not_be_written_to(t):
    if os.geteuid() != 0:
        raise tap.Skip('needs root, to be somebody else')
    source = noise(1 << 20)
    t.write('source.raw', source)
    os.chmod(t.folder, 0o755)
    os.mkdir(t.path('closed'), 0o755)
    for name, content in (('empty.raw', b''), ('old.raw', b'old')):
        t.write('closed/' + name, content)
        os.chmod(t.path('closed/' + name), 0o666)
    if t.vmferry('info', 'source.raw', user=NOBODY, status=None).returncode != 0:
        raise tap.Skip('the scratch folder is closed to others')
    t.vmferry('convert', 'source.raw', 'closed/empty.raw', user=NOBODY)
    tap.equal(t.read('closed/empty.raw') == source, True, 'content')
    done = t.vmferry('convert', 'source.raw', 'closed/old.raw', user=NOBODY, status=1)
    tap.contains(done.stderr, 'its folder may not be written to')
    tap.equal(t.read('closed/old.raw'), b'old', 'content')
    t.vmferry('convert', '--in-place', 'source.raw', 'closed/old.raw', user=NOBODY)
    tap.equal(t.read('closed/old.raw') == source, True, 'content')


def test_attributes_of_a_replaced_file_stay(t):
    """The label of SELinux, the list of access and what people note; a file system or a kernel may have none of them."""
    source = noise(1 << 20)
    t.write('source.raw', source)
    t.write('old.raw', b'old')
    kept = {}
    for name, value in (('security.selinux', b'system_u:object_r:svirt_image_t:s0\0'), ('user.note', b'mine'),
                        ('system.posix_acl_access', bytes.fromhex('02000000 01000600ffffffff 0200060001000000 04000400ffffffff 10000600ffffffff 20000400ffffffff'))):
        try:
            os.setxattr(t.path('old.raw'), name, value)
        except OSError:
            continue
        kept[name] = os.getxattr(t.path('old.raw'), name)
    if not kept:
        raise tap.Skip('the file system has no such attributes')
    t.vmferry('convert', 'source.raw', 'old.raw')
    tap.equal(t.read('old.raw') == source, True, 'content')
    tap.equal({name: os.getxattr(t.path('old.raw'), name) for name in os.listxattr(t.path('old.raw')) if name in kept}, kept, 'attributes')
    t.vmferry('convert', '-O', 'qcow2', 'source.raw', 'old.raw')
    tap.equal(os.getxattr(t.path('old.raw'), next(iter(kept))), next(iter(kept.values())), 'of another format')


def in_shell(t, line, status=0):
    done = t.run('bash', '-c', line, tap.VMFERRY, status=None)
    tap.equal(done.returncode, status, done.stderr)
    return done


def test_pipes_of_the_shell(t):
    """<(COMMAND) is standard input, >(COMMAND) standard output; also for targets that look at the data twice."""
    source = noise(1 << 20) + bytes(1 << 20)
    t.write('source.raw', source)
    in_shell(t, '"$0" convert -f raw <(cat source.raw) one.qcow2')
    tap.contains(in_shell(t, '"$0" info <(cat one.qcow2)').stdout, 'file format: qcow2')
    in_shell(t, 'cat source.raw | "$0" convert -f raw -O qcow2 --source-size 2M - >(cat >two.qcow2); wait $!')
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'source.raw', 'one.qcow2')
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'source.raw', 'two.qcow2')
    in_shell(t, '"$0" pack source.raw --name vm -o >(cat >vm.ova); wait $!')
    t.vmferry('verify', 'vm.ova')
    in_shell(t, '"$0" convert -O ova vm.ova >(cat >moved.ova); wait $!')
    t.vmferry('verify', 'moved.ova')
    in_shell(t, '"$0" convert --machine xapi vm.ova >(cat >vm.xva); wait $!')
    tap.contains(t.vmferry('info', 'vm.xva').stdout, 'machine:')
    tap.contains(in_shell(t, '"$0" compare <(cat one.qcow2) <(cat two.qcow2)', 2).stderr, 'one can be read at a time')


def test_what_is_no_file_says_how_it_is_used(t):
    os.mkfifo(t.path('pipe'))
    t.write('a.raw', bytes(4096))
    tap.contains(t.vmferry('info', 'pipe', status=None).stderr, 'a pipe is read as standard input')
    tap.contains(t.vmferry('convert', 'a.raw', '-O', 'raw', 'pipe', status=1).stderr, '"-" is standard output, which > leads there')


def test_another_users_file_in_a_sticky_folder(t):
    if os.geteuid() != 0:
        raise tap.Skip('needs root, to be somebody else')
    t.write('source.raw', noise(1 << 20))
    os.chmod(t.folder, 0o755)
    os.mkdir(t.path('tmp'))
    os.chmod(t.path('tmp'), 0o1777)
    t.write('tmp/old.raw', b'old')
    os.chmod(t.path('tmp/old.raw'), 0o666)
    done = t.vmferry('convert', 'source.raw', 'tmp/old.raw', user=NOBODY, status=1)
    tap.contains(done.stderr, "tmp/old.raw: cannot be replaced by a new file (it is another user's")
    tap.equal(t.read('tmp/old.raw'), b'old', 'content')


def test_in_place_is_for_one_file(t):
    t.write('source.raw', b'x' * 65536)
    t.write('old.vmdk', b'what was there')
    done = t.vmferry('convert', '--in-place', '-o', 'subformat=twoGbMaxExtentSparse', 'source.raw', 'old.vmdk', status=1)
    tap.contains(done.stderr, 'several files')
    tap.equal(t.read('old.vmdk'), b'what was there')


def test_in_place_that_fails_leaves_an_empty_file(t):
    """Half of a disk would be taken for one."""
    t.write('source.raw', noise(4 << 20))
    t.vmferry('convert', '-o', 'subformat=streamOptimized', 'source.raw', 'damaged.vmdk')
    data = bytearray(t.read('damaged.vmdk'))
    data[len(data) // 2] ^= 255
    t.write('damaged.vmdk', bytes(data))
    t.write('disk.raw', b'old')
    inode = os.stat(t.path('disk.raw')).st_ino
    done = t.vmferry('convert', '--in-place', 'damaged.vmdk', 'disk.raw', status=None)
    tap.equal((done.returncode != 0, t.read('disk.raw')), (True, b''), 'status and content')
    t.vmferry('convert', '--in-place', STREAM, 'disk.raw')
    tap.equal(os.stat(t.path('disk.raw')).st_ino, inode, 'the same file')


STDOUT_NAMES = [(name.strip('/').replace('/', ' '), name) for name in
                ('/dev/stdout', '/dev/fd/1', '/proc/self/fd/1')]


@tap.rows(STDOUT_NAMES)
def test_standard_output_by_name(t, name):
    source = noise(1 << 20)
    t.write('source.raw', source)
    piped = t.vmferry('convert', '-O', 'raw', 'source.raw', name, text=False)
    tap.equal(piped.stdout == source, True, 'on a pipe')
    words = t.vmferry('convert', '--checksum', '-O', 'raw', 'source.raw', name, text=False)
    tap.equal(words.stdout == source, True, 'the checksum is not among the data')
    with open(t.path('out.raw'), 'wb') as out:
        t.vmferry('convert', '-O', 'raw', 'source.raw', name, stdout=out)
    tap.equal(t.read('out.raw') == source, True, 'in a file')
    tap.contains(t.vmferry('convert', '--verify', 'source.raw', name, status=1).stderr, '--verify')


def test_other_descriptors_by_name(t):
    source = noise(1 << 20)
    t.write('source.raw', source)
    t.run(tap.tool('bash'), '-c', '"$0" convert -O raw source.raw >(cat > out.raw; echo > done); while [ ! -e done ]; do :; done',
          tap.VMFERRY)
    tap.equal(t.read('out.raw') == source, True, 'content')
    t.run('sh', '-c', '"$0" convert -c -O qcow2 source.raw /dev/fd/3 3> out.qcow2', tap.VMFERRY)
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'source.raw', 'out.qcow2')


@tap.rows([('qcow2', ('-O', 'qcow2'), 'qcow2'), ('qcow2 -c', ('-O', 'qcow2', '-c'), 'qcow2'),
           ('streamOptimized', ('-O', 'vmdk', '-o', 'subformat=streamOptimized'), 'vmdk'), ('vhd', ('-O', 'vhd'), 'vpc')])
def test_empty_file_behind_standard_output_is_like_any(t, options, other):
    """It is written anywhere, so that nothing is refused or looked at twice, and the bytes are the same."""
    t.write('source.raw', noise(1 << 20))
    with open(t.path('out'), 'wb') as out:
        t.vmferry('convert', *options, 'source.raw', '-', stdout=out)
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', other, 'source.raw', 'out')


def test_package_into_an_empty_file_behind_standard_output(t):
    t.write('source.raw', noise(1 << 20))
    with open(t.path('out.ova'), 'wb') as out:
        t.vmferry('pack', 'source.raw', '-o', '-', stdout=out)
    t.vmferry('verify', 'out.ova', status=None)
    t.vmferry('compare', 'source.raw', 'out.ova')


def test_what_is_appended_to_is_a_pipe(t):
    source = noise(1 << 20)
    t.write('source.raw', source)
    t.write('out', b'head')
    with open(t.path('out'), 'ab') as out:
        t.vmferry('convert', '-O', 'raw', 'source.raw', '-', stdout=out)
        t.vmferry('convert', '-v', '-c', '-O', 'qcow2', 'source.raw', '-', stdout=out)
    tap.equal(t.read('out')[:len(source) + 8] == b'head' + source + b'QFI\xfb', True, 'content')
    with open(t.path('out'), 'wb') as out:
        t.run('sh', '-c', '"$0" convert -O raw source.raw -; echo more', tap.VMFERRY, stdout=out)
    tap.equal(t.read('out') == source + b'more\n', True, 'what comes next goes behind it')


def test_qcow2_on_a_device(t):
    """As LVM volumes hold them; what was on the device before must not shine through."""
    source = noise(300000) + bytes(2 << 20) + noise(100000, 3)
    source += bytes(-len(source) % 512)
    t.write('source.raw', source)
    t.write('device.img', noise(16 << 20, 2))
    made = t.run(tap.tool('losetup'), '-f', '--show', t.path('device.img'), status=None)
    if made.returncode != 0:
        raise tap.Skip('no loop devices')
    device = made.stdout.strip()
    try:
        for options in ((), ('-c',), ('-o', 'preallocation=metadata'), ('-o', 'cluster_size=4k,extended_l2=off'),
                        ('-S', '0')):
            t.vmferry('convert', '--verify', '-O', 'qcow2', *options, 'source.raw', device)
            t.run(tap.tool('qemu-img'), 'check', '-f', 'qcow2', device)
            t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'qcow2', 'source.raw', device)
            t.vmferry('compare', 'source.raw', device)
            t.vmferry('check', device)
        t.run(tap.tool('qemu-img'), 'convert', '-O', 'vpc', '-o', 'subformat=fixed,force_size', 'source.raw', 'fixed.vhd')
        with open(device, 'r+b') as file:
            file.seek(-512, os.SEEK_END)
            file.write(t.read('fixed.vhd')[-512:])
        t.vmferry('convert', '-O', 'qcow2', 'source.raw', device)
        tap.contains(t.vmferry('info', device).stdout, 'qcow2')
        done = t.vmferry('convert', '-O', 'vmdk', 'source.raw', device, status=9)
        tap.contains(done.stderr, 'takes formats raw and qcow2')
        t.write('large.raw', noise(20 << 20))
        tap.contains(t.vmferry('convert', '-O', 'qcow2', 'large.raw', device, status=4).stderr, 'no space left on device')
    finally:
        t.run(tap.tool('losetup'), '-d', device)


def test_a_device_that_is_not_there_is_no_file(t):
    """It would stand in memory."""
    name = f'/dev/vmferry-{os.getpid()}'
    if os.stat('/dev').st_dev == os.stat('/').st_dev or not os.access('/dev', os.W_OK):
        raise tap.Skip('/dev is a folder like others, or cannot be written to')
    t.write('source.raw', noise(4096))
    try:
        done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', 'source.raw', name, status=1)
        tap.contains(done.stderr, f'{name}: is no device')
        tap.equal(os.path.exists(name), False, 'a file')
    finally:
        if os.path.exists(name):
            os.remove(name)


def test_a_disk_and_its_partition_are_no_source_and_target(t):
    """A write to one moves no counter of the other, so nobody would know."""
    t.write('device.img', noise(4 << 20))
    made = t.run(tap.tool('losetup'), '-f', '--show', t.path('device.img'), status=None)
    if made.returncode != 0:
        raise tap.Skip('no loop devices')
    device = made.stdout.strip()
    try:
        os.remove(t.path('device.img'))  # or that would be found behind both
        if t.run(tap.tool('addpart'), device, 1, 2048, 2048, status=None).returncode != 0 or not os.path.exists(device + 'p1'):
            raise tap.Skip('no partitions of loop devices')
        for source, target in ((device + 'p1', device), (device, device + 'p1')):
            done = t.vmferry('convert', '-f', 'raw', '-O', 'raw', source, target, status=1)
            tap.contains(done.stderr, f'{target}: the target is a file of the source ({source})')
            tap.contains(t.vmferry('apply', '-f', 'raw', source, target, status=1).stderr, 'is a file of the source')
    finally:
        t.run(tap.tool('delpart'), device, 1, status=None)
        t.run(tap.tool('losetup'), '-d', device)


def stopped(t, *words, begun=lambda names: any('.part-' in name for name in names)):
    """A conversion that waits for its source."""
    job = subprocess.Popen([tap.VMFERRY, 'convert', '-f', 'raw', '--source-size', '2M', '-', *words], cwd=t.folder,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    job.stdin.write(bytes(4096))
    job.stdin.flush()
    deadline = time.monotonic() + 60
    while not begun(t.names()) and job.poll() is None:
        tap.equal(time.monotonic() < deadline, True, 'in time')
    return job


def test_second_run_on_a_target_says_so(t):
    first = stopped(t, 'disk.raw')
    done = t.vmferry('convert', STREAM, 'disk.raw', status=7)
    tap.contains(done.stderr, 'disk.raw: another run is writing it')
    first.communicate(bytes((2 << 20) - 4096), timeout=60)
    tap.equal((first.returncode, len(t.read('disk.raw'))), (0, 2 << 20), 'the first')
    t.vmferry('convert', STREAM, 'disk.raw')


def test_second_run_beside_one_in_place_says_so(t):
    """It would give the name to its own file, and the first write on into one without a name, and end with 0."""
    t.write('disk.raw', b'old')
    first = stopped(t, '--in-place', 'disk.raw', begun=lambda names: t.read('disk.raw')[:3] != b'old')
    for verb in (('convert',), ('convert', '--in-place')):
        done = t.vmferry(*verb, STREAM, 'disk.raw', status=7)
        tap.contains(done.stderr, 'disk.raw: another run is writing into it')
    first.communicate(bytes((2 << 20) - 4096), timeout=60)
    tap.equal((first.returncode, t.read('disk.raw') == bytes(2 << 20)), (0, True), 'the first')
    t.vmferry('convert', STREAM, 'disk.raw')


def test_apply_to_what_is_being_replaced_says_so(t):
    """What it wrote would be gone when the other run comes to its end, after its 0."""
    t.write('disk.raw', bytes(1 << 20))
    t.write('new.raw', noise(1 << 20))
    os.symlink('disk.raw', t.path('link.raw'))
    first = stopped(t, 'disk.raw')
    for name in ('disk.raw', 'link.raw'):
        done = t.vmferry('apply', '-f', 'raw', 'new.raw', name, status=7)
        tap.contains(done.stderr, f'{name}: another run is writing it')
    tap.equal(t.read('disk.raw') == bytes(1 << 20), True, 'as it was')
    t.vmferry('apply', '-U', '-f', 'raw', 'new.raw', 'disk.raw')
    tap.equal(t.read('disk.raw') == t.read('new.raw'), True, 'with -U')
    first.communicate(bytes((2 << 20) - 4096), timeout=60)
    tap.equal((first.returncode, len(t.read('disk.raw'))), (0, 2 << 20), 'the first')


def test_what_a_killed_run_left_is_removed_by_the_next(t):
    first = stopped(t, 'disk.raw')
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    left, = [name for name in t.names() if '.part-' in name]
    tap.contains(t.vmferry('convert', STREAM, 'disk.raw').stderr, f'the folder {left} beside it, which an interrupted run left, was removed')
    tap.equal([name for name in t.names() if '.part-' in name], [], 'left')


def test_files_of_old_that_a_killed_run_left_stay(t):
    first = stopped(t, 'disk.raw')
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    left, = [name for name in t.names() if '.part-' in name]
    t.write(f'{left}/.vmferry-old-1', b'the only copy')
    tap.contains(t.vmferry('convert', STREAM, 'disk.raw').stderr, 'take back what is wanted')
    tap.equal(t.read(f'{left}/.vmferry-old-1'), b'the only copy')


ACCESS, DEFAULT = 'system.posix_acl_access', 'system.posix_acl_default'


def put_list(t, path, kind, named):
    """An access list with an entry for one user beside those of owner, group and others."""
    entries = ((1, 6, -1), (2, named, NOBODY), (4, 4, -1), (16, 7, -1), (32, 0, -1))
    try:
        os.setxattr(t.path(path), kind, struct.pack('<I', 2) + b''.join(struct.pack('<HHi', *entry) for entry in entries))
    except OSError as problem:
        raise tap.Skip('no access lists here') from problem


def test_access_list_of_the_old_file_is_kept(t):
    t.write('disk.raw', b'old')
    put_list(t, 'disk.raw', ACCESS, 4)
    before = os.getxattr(t.path('disk.raw'), ACCESS), os.stat(t.path('disk.raw')).st_mode
    t.vmferry('convert', STREAM, 'disk.raw')
    tap.equal((os.getxattr(t.path('disk.raw'), ACCESS), os.stat(t.path('disk.raw')).st_mode), before, 'list and mode')


def test_access_list_of_the_folder_gives_nobody_more(t):
    t.write('disk.raw', b'old')
    os.chmod(t.path('disk.raw'), 0o660)
    put_list(t, '.', DEFAULT, 7)
    t.vmferry('convert', STREAM, 'disk.raw')
    tap.equal(ACCESS in os.listxattr(t.path('disk.raw')), False, 'the list of the folder')
    tap.equal(os.stat(t.path('disk.raw')).st_mode & 0o777, 0o660, 'mode')


@tap.rows([(' '.join(words), words) for words in (
    ('convert', '-O', 'raw', 'disk.raw', '-'), ('convert', '-O', 'vmdk', 'disk.raw', '-'), ('convert', 'vm.ova', '-'), ('convert', '--machine', 'xva', 'vm.ova', '-'),
    ('pack', '-q', 'disk.raw', '--name', 'x', '-o', '-'), ('unpack', 'vm.ova', '-'))])
def test_standard_output_is_no_folder(t, words):
    """Though there is one of that name, into which all went, and nothing came out."""
    t.write('disk.raw', bytes(range(256)) * 4096)
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    os.mkdir(t.path('-'))
    done = t.vmferry(*words, status=int(words[0] == 'unpack'), text=False)
    tap.equal((len(done.stdout) > 0, os.listdir(t.path('-'))), (words[0] != 'unpack', []), 'what came')


tap.main(globals())
