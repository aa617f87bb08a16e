# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Every command line in README.md, in contrib/ and in the manual's pages works, one behind the other as a reader types them; elsewhere.py has what stands for the places of
others. The few that are only checked to be the shell's language are those of NOT_RUN."""
import json
import os
import pathlib
import re
import shutil
import sys

import elsewhere
import tap

sys.path.insert(0, str(tap.SOURCE / 'tests/machines'))
import vmcx_maker  # noqa: E402  pylint: disable=wrong-import-position

README = tap.SOURCE / 'README.md'
PAGES = ('src/cli/vmferry.1', 'src/cli/vmferry-formats.5', 'docs/vmferry-machines.5', 'docs/vmferry-migration.7')
NOT_RUN = (  # what, and why
    (r'^\./dev ', 'it builds and tests all of this, and is how this test is begun'),
    (r'^(sudo|\./dev build && sudo)', 'it changes the machine; tests/cli/install_behaviour.py installs into a folder'),
    (r'^(scp -r pve|ssh root@node sh pve)', 'a node of Proxmox VE; tests/machines/qm_behaviour.py runs the script'),
    (r'--journal-file', 'a block device; tests/faults/resume_sources_behaviour.py goes on with one'),
    (r'^(qmrestore|virsh|xe) ', 'a program of another vendor, with a hypervisor of its own'),
    (r'^(ACCOUNT|BUCKET)=', 'an account at a cloud; tests/machines/platform_machines_behaviour.py runs the scripts'),
    (r'guestfish', 'it boots a kernel of its own, and wants a disk with a system on it'),
)
# What is set like a command and is none: of each it is told where it is tested.
NO_COMMAND = re.compile(r'\.(RS|RE)$'
                        r'|# nightly$|@defaults |/backup/\w+\.vmdk\t|\{"src": '  # lists of jobs: below
                        r'|disk\.qcow2: copying, ')  # a line of progress: progress_behaviour.py
INLINE = re.compile(r'(.*\| )?(vmferry|openssl) [a-z]+ (.* )?[^-\s]\S*')  # no part of one: its last word is an operand


def plain(text):
    """What roff shows of a line."""
    for written, shown in ((r'\-', '-'), (r'\(rs', '\\'), (r'\e', '\\'), (r'\(dq', '"'), (r'\(aq', "'"), (r'\(ti', '~')):
        text = text.replace(written, shown)
    return re.sub(r'\\f.', '', text)


def commands_in_a_sentence(line):
    """Those that a line of roff sets in bold."""
    words = re.findall(r'"((?:[^"]|"")*)"', line) or [line.partition(' ')[2]]
    return [plain(word).strip() for word in words if INLINE.fullmatch(plain(word).strip())]


def shown(page):
    """The lines of a page outside of its synopsis, each with whether it is set as it is typed."""
    inside = synopsis = False
    for line in (tap.SOURCE / page).read_text().replace('\\e\n', '').splitlines():
        if line in ('.nf', '.fi'):
            inside = line == '.nf'
        elif line.startswith('.SH '):
            synopsis = line == '.SH SYNOPSIS'
        elif not synopsis:
            yield line, inside


def commands_of_page(page):
    for line, inside in shown(page):
        text = plain(line).strip()
        if inside and text.startswith(('json:', 'driver=')):
            yield f"vmferry info {'--image-opts ' if 'driver=' in text else ''}'{text}'"
        elif inside and not NO_COMMAND.match(text):
            yield text
        elif re.match(r'\.(B|BR|RB) ', line):
            yield from commands_in_a_sentence(line)


def commands_of_text(path):
    for block in re.findall(r'^```sh\n(.*?)^```', path.read_text(), re.M | re.S):
        yield from (line for line in re.sub(r'(\||\\)\n\s*', r'\1 ', block).splitlines() if re.match(r'[\w./]+ ', line))


def certificates(t):
    openssl, curve = tap.tool('openssl'), ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')
    t.run(openssl, 'req', '-x509', *curve, '-nodes', '-days', '30', '-subj', '/CN=an authority', '-keyout', 'ca.key', '-out', 'ca.pem')
    t.run(openssl, 'req', *curve, '-nodes', '-subj', '/CN=a signer', '-keyout', 'key.pem', '-out', 'request.pem')
    t.write('usage', b'keyUsage=digitalSignature\nextendedKeyUsage=codeSigning\n')
    t.run(openssl, 'x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30', '-extfile', 'usage',
          '-out', 'cert.pem')


def disks(t):
    shutil.copy(tap.IMAGES / 'good-vmdk-stream.vmdk', t.path('disk.vmdk'))
    for name in ('disk.qcow2', 'vm.qcow2', 'disk.raw', 'disk.vhd', 'base.qcow2', 'now.raw', 'a.vmdk', 'b.qcow2', 'disk.raw.xz', 'disk.raw.gz'):
        t.vmferry('convert', 'disk.vmdk', name)
    t.vmferry('create', '-b', 'base.qcow2', '-F', 'qcow2', 'overlay.qcow2')
    t.vmferry('convert', '-c', '--map', 'old.map', 'disk.vmdk', 'monday.qcow2')
    t.vmferry('convert', '-c', '--map', 'disk.map', 'disk.raw', 'disk.qcow2')
    t.run(tap.tool('qemu-img'), 'bitmap', '--add', shutil.copy(t.path('base.qcow2'), t.path('now.qcow2')), 'since-full')


OPTIONS = b'''<DeploymentOptionSection><Info>Sizes</Info><Configuration ovf:id="small"><Label>Small</Label><Description>Small</Description></Configuration>
</DeploymentOptionSection>'''


def packages(t):
    """What a vendor sends: signed, with a property, a licence and options; and two machines in one."""
    machine = ('--os', 'ubuntu-64', '--cpus', '2', '--memory', '2G')
    t.write('licence', b'Do as you like.\n')
    t.vmferry('pack', 'disk.vmdk', '-o', 'vm.ova', '--name', 'vm', *machine)
    t.vmferry('pack', 'disk.vmdk', '-o', 'vbox.ova', '--name', 'vbox', '--hardware', 'vmx-10', *machine)
    os.mkdir(t.path('made'))
    t.vmferry('pack', 'disk.vmdk', 'disk.vmdk', '-o', 'made/appliance.ovf', '--name', 'appliance', '--property', 'ip=10.0.0.1', '--eula', 'licence', *machine)
    text = t.read('made/appliance.ovf')
    t.write('made/appliance.ovf', text.replace(b'<VirtualSystem ', OPTIONS + b'<VirtualSystem ', 1))
    t.vmferry('sign', '--renew', '--key', 'key.pem', '--cert', 'cert.pem', 'made')
    t.vmferry('convert', 'made', 'appliance.ova', '--sign', 'key.pem', '--cert', 'cert.pem')


def collection(t):
    """Two machines in one package, with a disk each."""
    rasd = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData'
    files, systems, drives = '', '', ''
    for name in ('db', 'web'):
        shutil.copy(t.path('disk.vmdk'), t.path(f'{name}.vmdk'))
        files += f'<File ovf:id="f-{name}" ovf:href="{name}.vmdk"/>'
        drives += (f'<Disk ovf:diskId="d-{name}" ovf:fileRef="f-{name}" ovf:capacity="4103" ovf:capacityAllocationUnits="byte * 2^9" '
                   'ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>')
        items = ''.join(f'<Item><rasd:ElementName>{i}</rasd:ElementName>{more}<rasd:InstanceID>{i}</rasd:InstanceID>{parent}<rasd:ResourceType>{kind}</rasd:ResourceType>'
                        f'{amount}</Item>' for i, kind, more, parent, amount in (
                            (1, 3, '', '', '<rasd:VirtualQuantity>1</rasd:VirtualQuantity>'), (2, 4, '', '', '<rasd:VirtualQuantity>512</rasd:VirtualQuantity>'),
                            (3, 6, '', '', ''), (4, 17, f'<rasd:HostResource>ovf:/disk/d-{name}</rasd:HostResource>', '<rasd:Parent>3</rasd:Parent>', '')))
        systems += f'<VirtualSystem ovf:id="{name}"><Info/><Name>{name}</Name><VirtualHardwareSection><Info/>{items}</VirtualHardwareSection></VirtualSystem>'
    t.write('c.ovf', (f'<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="{rasd}">'
                      f'<References>{files}</References><DiskSection><Info/>{drives}</DiskSection>'
                      f'<VirtualSystemCollection ovf:id="c"><Info/>{systems}</VirtualSystemCollection></Envelope>').encode())
    t.run('tar', '--format=ustar', '-cf', 'collection.ova', 'c.ovf', 'db.vmdk', 'web.vmdk')
    for name in ('c.ovf', 'db.vmdk', 'web.vmdk'):
        os.unlink(t.path(name))


def machines(t):
    for name in ('vm.vmx', 'vm.vbox', 'vm.xva', 'backup.vma'):
        t.vmferry('convert', 'vm.ova', name)
    t.vmferry('convert', '-O', 'vma', 'disk.vmdk', 'x.vma')
    for name in ('x.vma', 'vm.vma'):
        t.run(tap.tool('zstd'), '-q', 'x.vma', '-o', name + '.zst')
    t.vmferry('convert', '-O', 'vma', 'disk.vmdk', 'vzdump-qemu-100.vma')
    for folder in ('export/Virtual Machines', 'export/Virtual Hard Disks'):
        os.makedirs(t.path(folder))
    t.vmferry('convert', 'disk.vmdk', 'export/Virtual Hard Disks/c.vhdx')
    t.write('export/Virtual Machines/vm.vmcx', vmcx_maker.make(hyperv()))


def hyperv():
    """Of generation 2, with one disk."""
    scsi, one = 'd422512d-2bf2-4752-809d-7b82b5fcb1b4', 'aaaaaaaa-0000-4000-8000-000000000001'
    return {'properties': {'name': 'web', 'subtype': 1, 'version': 2304, 'global_id': '282874FC-59D6-4F30-BC04-5FDD909C82E0'},
            'settings': {'memory': {'bank': {'size': 2048}}, 'processors': {'count': 2}},
            'manifest': {'version': 512, 'size': 1, 'vdev001': {'device': scsi, 'instance': one, 'name': 'Synthetic SCSI Controller', 'flags': 1}},
            f'_{one}_': {'controller0': {'drive0': {'pathname': 'C:\\VMs\\Virtual Hard Disks\\c.vhdx', 'type': 'VHD', 'iops_limit': 0, 'weight': 100}}}}


def volumes(t):
    """A disk that its machine writes to no more since an overlay was made, the copy of it in a volume, and what other servers have."""
    for folder in ('vms', 'volumes', 'there'):
        os.mkdir(t.path(folder))
    shutil.copy(t.path('base.qcow2'), t.path('vms/web.qcow2'))
    t.vmferry('create', '-b', 'web.qcow2', '-F', 'qcow2', 'vms/web.copy.qcow2')
    shutil.copy(t.path('disk.raw'), t.path('volumes/web.raw'))
    shutil.copy(t.path('vm.ova'), t.path('there/vm.ova'))
    shutil.copy(t.path('disk.vmdk'), t.path('there/vm.vmdk'))
    t.write('token', b'Authorization: Bearer of-a-token\n')


def readers_folder(t):
    certificates(t)
    disks(t)
    packages(t)
    machines(t)
    volumes(t)
    collection(t)
    shutil.copytree(t.path('made'), t.path('folder'))
    os.symlink(tap.VMFERRY, t.path('vmferry'))
    t.write('passphrase', b'open sesame')
    t.write('jobs.tsv', b'disk.raw\tdone.qcow2\n')


# ---- what a line tells of its files ----

def signed(t, *options, key='key.pem', cert='cert.pem'):
    """vm.mf and vm.cert, which were signed with a certificate that nobody else vouches for: it is the authority, too."""
    shutil.rmtree(t.path('vm'), ignore_errors=True)
    os.mkdir(t.path('vm'))
    t.vmferry('pack', 'disk.vmdk', '-o', 'vm/vm.ovf')
    t.vmferry('sign', *options, '--key', key, '--cert', cert, 'vm')
    for name in ('vm.mf', 'vm.cert'):
        shutil.copy(t.path('vm/' + name), t.path(name))
    shutil.copy(t.path(cert), t.path('ca.pem'))


def signed_by_an_edwards_curve(t):
    t.run('openssl', 'req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '30', '-subj', '/CN=x', '-addext', 'keyUsage=critical,digitalSignature',
          '-addext', 'extendedKeyUsage=codeSigning', '-keyout', 'ed.key', '-out', 'ed.pem')
    signed(t, key='ed.key', cert='ed.pem')
    for line in commands_of_page('src/cli/vmferry.1'):
        if line.endswith(('> signature', '> public.pem')):
            type_it(t, line, {})


def with_two_disks(t):
    t.vmferry('pack', 'disk.vmdk', 'disk.vmdk', '-o', 'two.ova', '--os', 'ubuntu-64')
    t.vmferry('convert', 'two.ova', 'vm.xva')


def with_a_snapshot(t):
    """As if what was written since had been given up: the disk of the snapshot is that of the machine."""
    image = next(path.name for path in t.folder.glob('vm-disk1.vmdk'))
    node = re.search(r'^(\w+:\d+)\.fileName = "' + image, t.read('vm.vmx').decode(), re.M)[1]
    t.write('vm.vmsd', (f'.encoding = "UTF-8"\nsnapshot.lastUID = "1"\nsnapshot.current = "1"\nsnapshot.numSnapshots = "1"\nsnapshot0.uid = "1"\n'
                        f'snapshot0.displayName = "before"\nsnapshot0.numDisks = "1"\nsnapshot0.disk0.fileName = "{image}"\nsnapshot0.disk0.node = "{node}"\n').encode())


PREPARED = (
    (r'-l monday', lambda t: t.run(tap.tool('qemu-img'), 'snapshot', '-c', 'monday', 'disk.qcow2')),
    (r'-c --map b\.map', lambda t: t.run(tap.tool('qemu-img'), 'bitmap', '--add', 'vm.qcow2', 'nightly')),
    (r'snapshot=before', lambda t: t.run(tap.tool('qemu-img'), 'snapshot', '-c', 'before', 'disk.qcow2')),
    (r'-l before', with_a_snapshot),
    (r'^sed -n .* vm\.cert', lambda t: signed(t, '--cms')),
    (r'^openssl pkeyutl', signed_by_an_edwards_curve),
    (r'nbdkit vmferry vm\.xva::2', with_two_disks),
)


def type_it(t, line, environment):
    """As it is typed into a shell; a finding of `lint` is no failure."""
    shell = [tap.tool('fish'), '-c'] if line.endswith('| source') else ['bash', '-e', '-o', 'pipefail', '-c']
    done = t.run(*shell, line, env={'PATH': t.path('') + ':' + os.environ['PATH'], **environment}, status=None)
    if done.returncode not in ((0, 3) if line.startswith('vmferry lint ') else (0,)):  # 3: there is something to tell
        raise AssertionError(f'{line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}')


def only_looked_at(line):
    return any(re.search(pattern, line) for pattern, _ in NOT_RUN) or elsewhere.needs(line) is not None or (line.endswith('| source') and not shutil.which('fish'))


def follow(t, line, here, environment):
    if only_looked_at(line):
        t.run('bash', '-n', '-c', line)
        return
    for pattern, prepare in PREPARED:
        if re.search(pattern, line):
            prepare(t)
    type_it(t, here(line), environment)


@tap.rows([(page, page) for page in PAGES])
def test_commands_of_a_page_work(t, page):
    readers_folder(t)
    with open(t.path('disk.img'), 'wb') as image:
        image.truncate((20 << 30) + (1 << 20))
    lines = list(commands_of_page(page))
    tap.equal(len(lines) > 3, True, 'commands were found')
    with elsewhere.places(t) as (here, environment):
        for line in lines:
            follow(t, line, here, environment)


def test_commands_of_the_readme_work(t):
    """Each in a folder of its own: they are no story."""
    lines = list(commands_of_text(README))
    tap.equal(len([line for line in lines if not only_looked_at(line)]) > 20, True, 'commands were found')
    os.mkdir(t.path('first'))
    first = tap.Test(t.path('first'))
    readers_folder(first)
    with elsewhere.places(first) as (here, environment):
        for line in lines:
            shutil.copytree(t.path('first'), t.path('one'), symlinks=True, ignore=shutil.ignore_patterns('nbd.sock'))
            follow(tap.Test(t.path('one')), line, here, environment)
            shutil.rmtree(t.path('one'))


def test_commands_of_contrib_work(t):
    """From the list to the report: a story."""
    for folder in ('vmfs/web', 'vmfs/db', 'images', 'there'):
        os.makedirs(t.path(folder))
    for name in ('disk.raw', 'vmfs/web/web.vmdk', 'vmfs/db/db.vmdk'):
        t.vmferry('convert', tap.IMAGES / 'good-vmdk-stream.vmdk', name)
    os.symlink(tap.VMFERRY, t.path('vmferry'))
    lines = list(commands_of_text(tap.SOURCE / 'contrib/README.md'))
    tap.equal(len(lines), 5, 'commands')
    with elsewhere.places(t) as (here, environment):
        for line in lines:
            type_it(t, here(line), environment)
    tap.equal(sorted(os.listdir(t.path('images'))), ['db.qcow2', 'web.qcow2'])


def test_lists_of_jobs_in_the_manual_are_lists(t):
    tap.needs('jansson')
    for folder in ('backup', 'images', 'there'):
        os.mkdir(t.path(folder))
    for name in ('disk.raw', 'backup/web.vmdk', 'backup/db.vmdk', 'web.vmdk'):
        t.vmferry('convert', tap.IMAGES / 'good-vmdk-stream.vmdk', name)
    found = [plain(line) for line, inside in shown('src/cli/vmferry.1') if inside and NO_COMMAND.match(plain(line)) and not line.startswith(('.R', '    '))]
    lists = {'jobs.tsv': found[:4], 'jobs.json': found[4:]}
    with elsewhere.places(t) as (here, _):
        for name, lines in lists.items():
            t.write(name, (here('\n'.join(lines)) + '\n').encode())
            t.vmferry('batch', '-q', name)
    tap.equal(json.loads(lists['jobs.json'][0])['dst'], 'web.qcow2')
    for name in ('images/web.qcow2', 'images/db.qcow2', 'web.qcow2'):
        t.vmferry('compare', 'disk.raw', name)


tap.main(globals())
