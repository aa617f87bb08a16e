# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The command is confined before it looks at foreign content, and works all the same."""
import ctypes
import os
import platform
import struct
import subprocess

import nbd_server
import tap
from remote_servers import Site

DENIED = ['read: Permission denied', 'write: Permission denied', 'unlink: Permission denied', 'socket: Operation not permitted',
          'exec: Operation not permitted']


def offered(t):
    """The version of Landlock; the test is skipped where the kernel or the build has less than all."""
    told = t.vmferry('--version', '-v').stdout
    if 'Landlock' not in told or 'seccomp' not in told.split('system calls: ')[1]:
        raise tap.Skip('the kernel or this build confines less')
    if os.environ.get('VMFERRY_SANITIZED', 'none') != 'none':
        raise tap.Skip('a build with sanitizers is not confined')
    return int(told.split('Landlock, version ')[1].split()[0].rstrip(')'))


def intruder(t, *arguments, redirected=os.devnull, before=None, **environment):
    """What the lines of the intruder say, with a source of its own in a folder of its own."""
    os.makedirs(t.path('in'), exist_ok=True)
    os.makedirs(t.path('out'), exist_ok=True)
    os.makedirs(t.path('tmp'), exist_ok=True)
    t.write('in/disk.raw', b'INTRUDER' + bytes((1 << 20) - 8))
    t.write('secret', b'secret')
    environment |= {'LD_PRELOAD': os.path.join(os.environ['VMFERRY_FAULTS'], 'intruder.so'), 'INTRUDER_FILE': t.path('secret'), 'TMPDIR': t.path('tmp')}
    with open(t.folder / redirected, 'rb') as stream:
        done = t.vmferry(*arguments, env=os.environ | environment, status=None, stdin=stream, preexec_fn=before)
    return [line.removeprefix('intruder: ') for line in done.stderr.splitlines() if line.startswith('intruder: ')]


def test_nothing_else_is_opened_or_started(t):
    offered(t)
    for verb in (['convert', '-f', 'raw', 'in/disk.raw', 'out/disk.qcow2'], ['checksum', '-f', 'raw', 'in/disk.raw'], ['info', '-f', 'raw', 'in/disk.raw'],
                 ['pack', '-o', 'out/vm.ova', 'in/disk.raw'], ['compare', '-f', 'raw', '-F', 'raw', 'in/disk.raw', 'in/disk.raw'],
                 ['apply', 'in/disk.raw', 'out/copy.raw'], ['create', '-b', '../in/disk.raw', '-F', 'raw', 'out/new.qcow2', '1M']):
        tap.equal(intruder(t, *verb), DENIED, verb[0])
        tap.equal(t.read('secret'), b'secret', 'the file elsewhere')


def test_what_is_redirected_is_not_looked_at_before(t):
    """Whether it is a package or a machine is found in its content."""
    offered(t)
    os.makedirs(t.path('in'))
    t.write('in/odd', b'INTRUDER' + bytes((1 << 20) - 8))
    for verb in (['convert', '-f', 'raw', '-', 'out/disk.qcow2'], ['checksum', '-f', 'raw', '-'], ['unpack', '-', 'out/folder']):
        tap.equal(intruder(t, *verb, redirected='in/odd'), DENIED, verb[0])


def test_a_link_among_the_folders_of_a_machine_opens_nothing(t):
    offered(t)
    os.makedirs(t.path('in'))
    t.write('in/vm.vbox', b'INTRUDER' + bytes(4096))
    os.symlink('..', t.path('in/Snapshots'))
    tap.equal(intruder(t, 'info', 'in/vm.vbox'), DENIED)


def test_off_is_off(t):
    offered(t)
    tap.equal(intruder(t, 'checksum', '--sandbox=off', '-f', 'raw', 'in/disk.raw')[:2], ['read: done', 'write: done'])


def test_the_environment_decides_where_nothing_is_given(t):
    offered(t)
    tap.equal(intruder(t, 'checksum', '-f', 'raw', 'in/disk.raw', VMFERRY_SANDBOX='off')[0], 'read: done')
    tap.equal(intruder(t, 'checksum', '--sandbox=on', '-f', 'raw', 'in/disk.raw', VMFERRY_SANDBOX='off')[0], DENIED[0])


def test_every_version_of_landlock(t):
    for version in range(1, offered(t) + 1):
        told = intruder(t, 'convert', '-f', 'raw', 'in/disk.raw', 'out/disk.qcow2', VMFERRY_LANDLOCK=str(version))
        tap.equal(told[:3], DENIED[:3] if version > 1 else ['read: done', 'write: done', 'unlink: done'], f'version {version}')
        tap.equal(intruder(t, 'checksum', '-f', 'raw', 'in/disk.raw', VMFERRY_LANDLOCK=str(version))[0], DENIED[0], f'what only reads, version {version}')
        t.vmferry('compare', '-f', 'raw', 'in/disk.raw', 'out/disk.qcow2')


def test_require(t):
    offered(t)
    t.write('disk.raw', bytes(1 << 20))
    t.vmferry('checksum', '--sandbox=require', '-f', 'raw', 'disk.raw')
    done = t.vmferry('checksum', '--sandbox=require', '-f', 'raw', 'disk.raw', env=os.environ | {'VMFERRY_LANDLOCK': '1'}, status=9)
    tap.contains(done.stderr, '--sandbox=require: the kernel')
    done = t.vmferry('checksum', '--sandbox=perhaps', 'disk.raw', status=1)
    tap.contains(done.stderr, '"perhaps" is none of: off, on, require')


def test_places_that_the_command_line_names(t):
    """Symlinks to elsewhere, other folders by options, JSON, a chain, packages, several targets."""
    offered(t)
    for name in ('a', 'b', 'c', 'tmp'):
        os.mkdir(t.path(name))
    environment = os.environ | {'TMPDIR': t.path('tmp')}
    t.write('a/base.raw', os.urandom(1 << 20))
    t.vmferry('create', '-f', 'qcow2', '-b', '../a/base.raw', '-F', 'raw', '--allow-ref', 'a', 'b/leaf.qcow2', status=None)
    subprocess.run([tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', t.path('a/base.raw'), '-F', 'raw', t.path('b/leaf.qcow2')], check=True)
    os.symlink('../b/leaf.qcow2', t.path('c/link.qcow2'))
    t.vmferry('convert', '--allow-ref', 'a', 'c/link.qcow2', 'c/out.raw', env=environment)
    tap.equal(t.read('c/out.raw'), t.read('a/base.raw'))
    t.vmferry('convert', '--allow-ref', 'a', 'json:{"driver":"qcow2","file":{"driver":"file","filename":"c/link.qcow2"}}', 'c/json.raw', env=environment)
    t.vmferry('pack', '-o', 'b/vm.ova', 'a/base.raw', env=environment)
    t.vmferry('convert', 'b/vm.ova::base', 'c/disk.vmdk', env=environment, status=None)
    t.vmferry('unpack', 'b/vm.ova', 'c/folder', env=environment)
    t.vmferry('compare', 'c/json.raw', 'b/vm.ova::1', env=environment, status=None)


# What is told by the command line in other ways than by the name of a file that is there: before, and then the command.
# Each is tried in folders of its own, with and without the sandbox.
STREAM = ('-O', 'vmdk', '-o', 'subformat=streamOptimized')
SAME = [
    ('a link to what is not there', 'ln -s ../b/new.qcow2 c/link', ('convert', 'a/disk.raw', '-O', 'qcow2', 'c/link')),
    ('a link to such a link', 'ln -s ../b/l c/link; ln -s ../d/new.qcow2 b/l', ('convert', 'a/disk.raw', '-O', 'qcow2', 'c/link')),
    ('a backing file named from the target on', 'cp a/disk.raw d', ('convert', '-B', '../d/disk.raw', '-F', 'raw', 'a/disk.raw', 'b/new.qcow2')),
    ('a backing file named from a folder on', 'mkdir d/e; cp a/disk.raw c', ('convert', '-O', 'qcow2', '-B', '../../c/disk.raw', '-F', 'raw', 'a/disk.raw', 'd/e')),
    ('the same as an option', 'cp a/disk.raw d', ('convert', '-o', 'backing_file=../d/disk.raw,backing_fmt=raw', 'a/disk.raw', '-O', 'qcow2', 'b/new.qcow2')),
    ('a backing file of an empty disk', 'cp a/disk.raw d', ('create', '-b', '../d/disk.raw', '-F', 'raw', 'b/new.qcow2')),
    ('a new folder', 'true', ('pack', '-o', 'b/new/', 'a/disk.raw')),
    ('a name that is found', 'true', ('pack', 'a/disk.raw')),
    ('a folder whose name is found', 'true', ('unpack', 'a/vm.ova')),
    ('a device behind a link', 'ln -s /dev/null c/link', ('convert', 'a/disk.raw', '-O', 'raw', 'c/link')),
    ('in place', 'head -c 262144 /dev/zero >b/old.raw', ('convert', '--in-place', 'a/disk.raw', 'b/old.raw')),
    ('what has changed', 'head -c 262144 /dev/zero >b/old.raw', ('apply', 'a/disk.raw', 'b/old.raw')),
    ('a map of what is packed', 'true', ('convert', '--map', 'd/new.map', *STREAM, 'a/disk.raw', 'b/new.vmdk')),
    ('an older target and its map', '"$VMFERRY" convert -q --map d/old.map -O vmdk -o subformat=streamOptimized a/disk.raw b/old.vmdk',
     ('convert', '--since', 'd/old.map', '--onto', 'b/old.vmdk', *STREAM, 'a/disk.raw', 'c/new.vmdk')),
    ('a list of what is lost', 'true', ('convert', '--salvage=d/map', 'a/disk.raw', 'b/new.raw')),
    ('losses of a machine', 'true', ('convert', '--losses', 'd/losses.json', 'a/vm.ova', 'b/vm.vmx')),
    ('a changed copy of a package', 'true', ('edit', '--cpus', '3', '-o', 'd/new.ova', 'a/vm.ova')),
    ('a folder that is changed', '"$VMFERRY" unpack -q a/vm.ova b/vm', ('edit', '--cpus', '3', 'b/vm/vm.ovf')),
    ('a batch', "printf 'a/disk.raw\tb/new.qcow2\na/vm.ova\td/vm.vmx\n' >c/jobs", ('batch', '-q', 'c/jobs')),
    ('what a run has left', 'mkdir d/.x.qcow2.part-abcdef', ('clean', 'd')),
    ('a run that is gone on with', 'true', ('convert', '--resume', '--journal=on', 'a/disk.raw', 'b/new.raw')),
    ('an encoding that glibc loads', '"$VMFERRY" unpack -q a/vm.ova a/vm; sed -i "s/UTF-8/windows-1252/" a/vm/vm.ovf; rm a/vm/vm.mf', ('convert', 'a/vm/vm.ovf', 'b/vm.vmx')),
    ('pipes', 'true', 'cat a/disk.raw | "$VMFERRY" convert -f raw --source-size 262144 - -O raw - >c/out.raw'),
    ('standard output that is a file', 'true', '"$VMFERRY" pack -o - a/disk.raw >c/out.ova && "$VMFERRY" convert -O vhdx a/disk.raw - >c/out.vhdx'),
    ('a descriptor of a file', 'true', '"$VMFERRY" convert -O vmdk a/disk.raw /dev/fd/3 3>c/out.vmdk'),
    ('a file whose name is gone', 'true', 'exec 3<a/disk.raw && rm a/disk.raw && "$VMFERRY" convert -f raw /dev/fd/3 b/new.qcow2'),
    ('a package that is redirected', 'true', '"$VMFERRY" convert - b/new.vmx <a/vm.ova'),
    ('a descriptor that is redirected', '"$VMFERRY" unpack -q a/vm.ova a/vm', '"$VMFERRY" convert - b/new.vmx <a/vm/vm.ovf && cd b && "$VMFERRY" unpack - <../a/vm.ova'),
    ('a pipe whose bytes are stored', '"$VMFERRY" convert -q a/disk.raw d/disk.vhdx', 'cat d/disk.vhdx | "$VMFERRY" convert --spool d - c/out.qcow2'),
    ('packed packages on a pipe', 'gzip -kn a/vm.ova', 'zcat a/vm.ova.gz | "$VMFERRY" unpack - c/vm && "$VMFERRY" info a/vm.ova.gz >c/told'),
    ('a library elsewhere', 'mkdir lib; echo none >lib/libnbd.so.0', 'LD_LIBRARY_PATH=$PWD/lib "$VMFERRY" info nbd://127.0.0.1:1; [ $? = 9 ]'),
    ('a block device', 'head -c 1048576 /dev/zero >b/device', 'L=$(losetup --show -f b/device) || exit 0; "$VMFERRY" convert a/disk.raw -O raw $L && "$VMFERRY" convert -f raw $L d/out.qcow2; losetup -d $L'),
]


def contents_of(path):
    """A map of units tells which file its source is: each sandbox has its own."""
    return b'' if path.suffix == '.map' else path.read_bytes()


@tap.rows(SAME)
def test_what_worked_works(t, before, words):
    offered(t)
    found = []
    for sandbox in ('off', 'require'):
        t.run('sh', '-c', f'mkdir {sandbox}; cd {sandbox}; mkdir a b c d tmp')
        t.write(f'{sandbox}/a/disk.raw', bytes(range(256)) * 1024)
        t.vmferry('pack', '-o', f'{sandbox}/a/vm.ova', f'{sandbox}/a/disk.raw', env={'SOURCE_DATE_EPOCH': '1600000000'})
        t.run('sh', '-c', f'cd {sandbox}; {before}', env={'VMFERRY': tap.VMFERRY, 'SOURCE_DATE_EPOCH': '1600000000'})
        command = ('sh', '-c', words) if isinstance(words, str) else (tap.VMFERRY, *words)
        done = t.run('env', '-C', sandbox, f'VMFERRY={tap.VMFERRY}', *command, status=None,
                     env={'VMFERRY_SANDBOX': sandbox, 'TMPDIR': t.path(f'{sandbox}/tmp'), 'SOURCE_DATE_EPOCH': '1600000000'})
        names = [path for path in (t.folder / sandbox).rglob('*') if path.is_file() and path.name not in ('vm.ova', 'jobs.done')]
        found.append((done.returncode, done.stderr.replace(sandbox, ''),
                      sorted((str(path.relative_to(t.folder / sandbox)), contents_of(path)) for path in names)))
    tap.equal(found[1][:2], found[0][:2])
    tap.equal(found[1][2] == found[0][2], True, f'{[name for name, _ in found[1][2]]}, files')
    tap.equal(found[0][0] == 0 or 'link' in str(words), True, found[0][1])


def deny(call):
    """From now on the kernel does not have this system call."""
    libc = ctypes.CDLL(None, use_errno=True)
    rows = [(0x20, 0, 0, 0), (0x15, 0, 1, call), (0x06, 0, 0, 0x50000 | 1), (0x06, 0, 0, 0x7fff0000)]  # EPERM
    program = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *row) for row in rows))
    head = ctypes.create_string_buffer(struct.pack('@HP', len(rows), ctypes.addressof(program)))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, head, 0, 0):  # no new privileges, a filter
        raise OSError(ctypes.get_errno(), 'prctl')


@tap.rows([('Landlock', 444, 'has no Landlock'), ('the last step of Landlock', 446, 'Landlock'),
           ('all', {'x86_64': 157, 'aarch64': 167}.get(platform.machine()), 'Landlock')])
def test_a_sandbox_around_it_refuses(t, call, told):
    """As a container may: it goes on, and says so with -v."""
    offered(t)
    if not call:
        raise tap.Skip('a processor whose numbers are not known here')
    t.write('disk.raw', bytes(1 << 20))
    done = t.vmferry('convert', '-q', 'disk.raw', 'disk.qcow2', preexec_fn=lambda: deny(call))
    tap.equal(done.stderr, '')
    done = t.vmferry('convert', '-v', 'disk.raw', 'disk.qcow2', preexec_fn=lambda: deny(call))
    tap.contains(done.stderr, 'not all is confined: ')
    tap.contains(done.stderr, told)
    t.vmferry('convert', '--sandbox=require', 'disk.raw', 'disk.qcow2', preexec_fn=lambda: deny(call), status=9)
    if told == 'Landlock' and call != 446:
        return
    found = intruder(t, 'checksum', '-f', 'raw', 'in/disk.raw', before=lambda: deny(call))
    tap.equal(found, ['read: done', 'write: done', 'unlink: done', *DENIED[3:]], 'what is left')


DISK = bytes(range(256)) * 1024
# Nothing but programs and libraries, the build, and the folders of the test: no /proc, /sys and /dev.
ROOT = """R=$PWD/root; mkdir -p $R; mount -t tmpfs none $R
for folder in /usr /bin /lib /lib64 /etc "$BUILD" "$PWD" "$TMPDIR"; do [ -d $folder ] && mkdir -p $R$folder && mount --bind $folder $R$folder; done
exec chroot --userspec=65534:65534 $R env -C "$PWD" "$@"
"""
CONTAINERS = [
    ("a user in a container's root without /proc", ('unshare', '-m', 'sh', '-c', ROOT, 'sh')),
    ('an unprivileged user', ('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups')),
    ('a root without /proc', ('unshare', '-m', 'sh', '-c', 'umount -l /proc && exec "$@"', 'sh')),
    ('a user namespace', ('unshare', '-rm')),
    ('few descriptors', ('sh', '-c', 'ulimit -n 12; exec "$@"', 'sh')),
]


def surrounded(t, around):
    """The environment of a command there; the test is skipped where it cannot be had."""
    os.chmod(t.folder, 0o777)
    os.chmod(os.environ['TMPDIR'], 0o777)
    env = {'VMFERRY_SANDBOX': 'require', 'BUILD': os.path.realpath(os.environ.get('VMFERRY_BUILD', tap.SOURCE / 'build'))}
    if os.geteuid() != 0 or t.run(*around, tap.VMFERRY, '--version', status=None, env=env).returncode != 0:
        raise tap.Skip('it cannot be had here')
    return env


@tap.rows(CONTAINERS)
def test_surroundings(t, around):
    offered(t)
    env = surrounded(t, around)
    t.write('disk.raw', DISK)
    t.write('jobs', b'disk.raw\tbatch.qcow2\nvm.ova\tbatch.vmx\n')
    t.run('sh', '-c', 'gzip -k disk.raw; openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out pem -subj /CN=x -addext basicConstraints=critical,CA:FALSE; chmod 644 key')
    for words in (('convert', 'disk.raw', 'disk.qcow2'), ('checksum', 'disk.qcow2'), ('pack', '-o', 'vm.ova', 'disk.qcow2'),
                  ('verify', 'vm.ova'), ('convert', 'vm.ova', 'vm.vmx'), ('unpack', 'vm.ova', 'folder'), ('compare', 'vm.ova', 'disk.raw'),
                  ('checksum', 'disk.raw.gz'), ('sign', '--key', 'key', '--cert', 'pem', 'vm.ova'), ('verify', '--require-signature', '--ca-file', 'pem', 'vm.ova'),
                  ('batch', '-q', '--report', 'report.csv', 'jobs'), ('clean', '.')):
        t.run(*around, tap.VMFERRY, *words, env=env)


@tap.rows(CONTAINERS)
def test_servers_in_these_surroundings(t, around):
    """By HTTP, whose library is loaded then, and by NBD."""
    offered(t)
    env = surrounded(t, around)
    with Site(lambda handler, _: handler.part(DISK)) as site, nbd_server.Server(t, DISK) as export:
        os.chmod(export.path, 0o777)
        for library, url in (('libcurl', site.url + '/disk.raw'), ('libnbd', export.url)):
            tap.needs(library)
            t.run(*around, tap.VMFERRY, 'convert', '-f', 'raw', '-O', 'raw', '--force', url, 'out.raw', env=env)
            tap.equal(t.read('out.raw') == DISK, True, library)


def test_a_list_names_files_anywhere(t):
    offered(t)
    for name in ('a', 'b'):
        os.mkdir(t.path(name))
    t.write('a/disk.raw', os.urandom(1 << 20))
    t.write('b/list', t.vmferry('checksum', '-f', 'raw', t.path('a/disk.raw')).stdout.encode())
    t.vmferry('checksum', '-f', 'raw', '-c', 'b/list', env=os.environ | {'TMPDIR': t.path('b')})


@tap.rows([('a list', 'checksum --sandbox=require -f raw -c b/list'), ('one that is redirected', 'checksum --sandbox=require -f raw -c - <b/list')])
def test_a_list_names_servers(t, words):
    offered(t)
    tap.needs('libcurl')
    os.mkdir(t.path('b'))
    with Site(lambda handler, _: handler.part(DISK)) as site:
        t.write('b/list', t.vmferry('checksum', '-f', 'raw', site.url + '/disk.raw').stdout.encode())
        done = t.run('sh', '-c', f'"$VMFERRY" {words}', env={'VMFERRY': tap.VMFERRY, 'TMPDIR': t.path('b')})
    tap.equal(done.stdout, site.url + '/disk.raw: OK\n')


tap.main(globals())
