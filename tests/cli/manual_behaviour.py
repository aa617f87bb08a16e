# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Every command line in README.md and in the manual's pages works, one behind the other as a reader types them. What needs a server, a terminal or
another vendor's program is only checked to be the shell's language: in a page it stands below the comment `elsewhere`."""
import os
import pathlib
import re
import shutil
import sys

import tap

sys.path.insert(0, str(tap.SOURCE / 'tests/machines'))
import vmcx_maker  # noqa: E402  pylint: disable=wrong-import-position

README = tap.SOURCE / 'README.md'
PAGES = ('src/cli/vmferry.1', 'src/cli/vmferry-formats.5', 'docs/vmferry-machines.5', 'docs/vmferry-migration.7')
# Names of other machines, and of programs that are not there in a test.
ELSEWHERE = re.compile(r'\b(https?|s3|nbds?(\+unix)?)://|\b(ssh|sbatch|nbdkit|sudo|meson|zstdcat)\b|/(dev|vms)/|\./dev |@token|-l before|\| source')  # a machine with snapshots; fish
INLINE = re.compile(r'(.*\| )?vmferry [a-z]+ (.* )?[^-\s]\S*')  # no part of one: its last word is an operand


def plain(text):
    """What roff shows of a line."""
    for written, shown in ((r'\-', '-'), (r'\(rs', '\\'), (r'\e', '\\'), (r'\(dq', '"'), (r'\(aq', "'"), (r'\(ti', '~')):
        text = text.replace(written, shown)
    return re.sub(r'\\f.', '', text)


def commands_in_a_sentence(line):
    """Those that a line of roff sets in bold."""
    words = re.findall(r'"((?:[^"]|"")*)"', line) or [line.partition(' ')[2]]
    return [plain(word).strip() for word in words if INLINE.fullmatch(plain(word).strip())]


def commands_of_page(page):
    """(command line, whether it can only be looked at)."""
    elsewhere = inside = synopsis = False
    for line in (tap.SOURCE / page).read_text().replace('\\e\n', '').splitlines():
        if line.startswith('.\\" elsewhere'):
            elsewhere = True
        elif line == '.nf':
            inside = True
        elif line == '.fi':
            inside = elsewhere = False
        elif line.startswith('.SH '):
            synopsis = line == '.SH SYNOPSIS'
        elif inside and not synopsis and re.match(r'\s*(vmferry|mkdir|printf|zcat|scp|ssh|virsh|xe|sbatch|nbdkit)\s', plain(line)):
            line = plain(line).strip()
            yield line, elsewhere or ELSEWHERE.search(line) is not None
        elif inside and plain(line).strip().startswith(('json:', 'driver=')):
            yield f"vmferry info {'--image-opts ' if 'driver=' in line else ''}'{plain(line).strip()}'", False
        elif re.match(r'\.(B|BR|RB) ', line):
            yield from ((line, ELSEWHERE.search(line) is not None) for line in commands_in_a_sentence(line))


def commands_of_readme():
    for block in re.findall(r'^```sh\n(.*?)^```', README.read_text(), re.M | re.S):
        for line in block.splitlines():
            if re.match(r'[\w./]+ ', line):
                yield line, ELSEWHERE.search(line) is not None


def certificates(t):
    openssl, curve = tap.tool('openssl'), ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')
    t.run(openssl, 'req', '-x509', *curve, '-nodes', '-days', '30', '-subj', '/CN=an authority', '-keyout', 'ca.key', '-out', 'ca.pem')
    t.run(openssl, 'req', *curve, '-nodes', '-subj', '/CN=a signer', '-keyout', 'key.pem', '-out', 'request.pem')
    t.write('usage', b'keyUsage=digitalSignature\nextendedKeyUsage=codeSigning\n')
    t.run(openssl, 'x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30', '-extfile', 'usage',
          '-out', 'cert.pem')


def disks(t):
    shutil.copy(tap.IMAGES / 'good-vmdk-stream.vmdk', t.path('disk.vmdk'))
    for name in ('disk.qcow2', 'disk.raw', 'disk.vhd', 'base.qcow2', 'now.raw', 'a.vmdk', 'b.qcow2', 'disk.raw.xz', 'disk.raw.gz'):
        t.vmferry('convert', 'disk.vmdk', name)
    t.vmferry('create', '-b', 'base.qcow2', '-F', 'qcow2', 'overlay.qcow2')
    t.vmferry('convert', '-c', '--map', 'old.map', 'disk.vmdk', 'monday.qcow2')
    t.vmferry('convert', '-c', '--map', 'disk.map', 'disk.raw', 'disk.qcow2')


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
    t.run(tap.tool('zstd'), '-q', 'x.vma')
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


def readers_folder(t):
    certificates(t)
    disks(t)
    packages(t)
    machines(t)
    collection(t)
    shutil.copytree(t.path('made'), t.path('folder'))
    os.symlink(tap.VMFERRY, t.path('vmferry'))
    t.write('passphrase', b'open sesame')
    t.write('jobs.tsv', b'disk.raw\tdone.qcow2\n')


def type_it(t, line, only_looked_at):
    if only_looked_at:
        t.run('bash', '-n', '-c', line)
        return
    done = t.run('bash', '-e', '-o', 'pipefail', '-c', line, env={'PATH': t.path('') + ':' + os.environ['PATH']}, status=None)
    if done.returncode not in ((0, 3) if line.startswith('vmferry lint ') else (0,)):  # 3: there is something to tell
        raise AssertionError(f'{line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}')


@tap.rows([(page, page) for page in PAGES])
def test_commands_of_a_page_work(t, page):
    readers_folder(t)
    with open(t.path('disk.img'), 'wb') as image:
        image.truncate((20 << 30) + (1 << 20))
    lines = list(commands_of_page(page))
    tap.equal(len(lines) > 3, True, 'commands were found')
    for line, only_looked_at in lines:
        if '-l monday' in line:
            t.run(tap.tool('qemu-img'), 'snapshot', '-c', 'monday', 'disk.qcow2')
        type_it(t, line, only_looked_at)


def test_commands_of_the_readme_work(t):
    """Each in a folder of its own: they are no story."""
    lines = list(commands_of_readme())
    tap.equal(len([line for line, only_looked_at in lines if not only_looked_at]) > 20, True, 'commands were found')
    os.mkdir(t.path('first'))
    readers_folder(tap.Test(t.path('first')))
    for line, only_looked_at in lines:
        shutil.copytree(t.path('first'), t.path('one'), symlinks=True)
        type_it(tap.Test(t.path('one')), line, only_looked_at)
        shutil.rmtree(t.path('one'))


tap.main(globals())
