# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""lint --for PLATFORM: every rule has a file that breaks it and one that does not; what convert --for writes breaks none."""
import gzip
import io
import json
import os
import re
import struct
import sys
import tarfile

import lint_judge
import tap
from lint_judge import lint

sys.path.insert(0, str(tap.SOURCE / 'tests/formats'))
from sesparse_maker import sesparse  # pylint: disable=wrong-import-position

MIB = 1 << 20
GIB = 1 << 30


def sparse(t, name, size):
    with open(t.path(name), 'wb') as raw:
        raw.truncate(size)


def pack(t, platform, *arguments):
    sparse(t, 'a.raw', 4 * MIB)
    t.vmferry('pack', '-q', '--no-sync', '--for', platform, *arguments, 'a.raw', '-o', 'vm.ovf')
    return t.read('vm.ovf').decode()


# id, platform, pattern in the descriptor that pack --for writes, what breaks the rule
DESCRIPTORS = [
    ('E-VMW-FAMILY', 'esxi', 'vmx-13', 'virtualbox-2.2'),
    ('E-VMW-HWVER', 'esxi@6.5', 'vmx-13', 'vmx-14'),
    ('E-VMW-HWVER', 'esxi', 'vmx-13', 'vmx-12'),
    ('E-VMW-HWVER', 'workstation@16', 'vmx-13', 'vmx-20'),
    ('W-VMW-HWOLD', 'esxi', 'vmx-13', 'vmx-10'),
    ('E-VMW-COMPRESS', 'esxi', '<File ', '<File ovf:compression="gzip" '),
    ('E-VMW-CAPACITY', 'esxi', 'ovf:capacity="4194304"', 'ovf:capacity="4194816"'),
    ('E-VMW-CONN', 'esxi', '<rasd:Connection>[^<]*', '<rasd:Connection>nowhere'),
    ('E-VMW-SUBTYPE', 'esxi', '<rasd:ResourceSubType>lsilogic', '<rasd:ResourceSubType>virtio-scsi'),
    ('E-VBX-UNITS', 'virtualbox', r'byte \* 2\^20', 'byte * 1024 * 1024'),
    ('E-VBX-UNITS', 'virtualbox', 'ovf:capacity="4194304"', 'ovf:capacity="4" ovf:capacityAllocationUnits="byte * 2^20"'),
    ('E-VBX-PARENT', 'virtualbox', '<rasd:Parent>[^<]*', '<rasd:Parent>77'),
    ('E-VBX-CPU', 'virtualbox', '<rasd:VirtualQuantity>1<', '<rasd:VirtualQuantity>65<'),
]


@tap.rows([(f'{row[0]}: {row[3]}', *row) for row in DESCRIPTORS])
def test_descriptor(t, rule, platform, pattern, replacement):
    text = pack(t, platform)
    tap.equal(lint(t, platform, 'vm.ovf', '--strict'), [], 'clean')
    text = re.sub(r' ovf:capacityAllocationUnits="[^"]*"', '', text) if 'capacityAllocationUnits' in replacement else text
    broken = re.sub(pattern, lambda _: replacement, text)
    tap.equal(broken == text, False, 'it is another')
    t.write('vm.ovf', broken.encode())
    if rule == 'E-VMW-COMPRESS':
        disk = next(name for name in t.names() if name.endswith('.vmdk'))
        t.write(disk, gzip.compress(t.read(disk)))
    tap.equal(lint(t, platform, 'vm.ovf', status=0 if rule[0] == 'W' else 3), [rule], 'broken')
    tap.equal(lint(t, platform, 'vm.ovf', '--strict', status=3), [rule], 'strict')
    tap.contains(t.vmferry('lint', '--for', platform, '--strict', 'vm.ovf', status=3).stdout, f'NOT fit for {platform}, 1 ')


def test_efi_in_virtualbox(t):
    pack(t, 'virtualbox', '--firmware', 'efi')
    tap.equal(lint(t, 'virtualbox', 'vm.ovf'), ['W-VBX-EFI'], 'broken')


def test_version_of_ovf(t):
    sparse(t, 'a.raw', 4 * MIB)
    t.vmferry('pack', '-q', '--no-sync', '--ovf-version', '2.0', 'a.raw', '-o', 'vm.ova')
    tap.equal(lint(t, 'esxi', 'vm.ova', status=3), ['E-VMW-OVF2'], 'broken')
    t.vmferry('convert', '-q', '--no-sync', '--for', 'esxi', 'vm.ova', 'out.ova')
    tap.equal(lint(t, 'esxi', 'out.ova', '--strict'), [], 'converted')


def archive(t, name, members, form):
    with tarfile.open(t.path(name), 'w', format=form) as made:
        for member, headers in members:
            info = tarfile.TarInfo(member)
            info.size, info.pax_headers = os.path.getsize(t.path(member)), headers
            made.addfile(info, io.BytesIO(t.read(member)))


@tap.rows([
    ('right', [], ['vm.ovf', 'DISK'], tarfile.USTAR_FORMAT, {}),
    ('GNU', [], ['vm.ovf', 'DISK'], tarfile.GNU_FORMAT, {}),
    ('disk first', ['E-VMW-ORDER'], ['DISK', 'vm.ovf'], tarfile.USTAR_FORMAT, {}),
    ('pax', ['E-VMW-TAR'], ['vm.ovf', 'DISK'], tarfile.PAX_FORMAT, {'mtime': '1.5'}),
])
def test_archive(t, rules, names, form, headers):
    pack(t, 'esxi')
    disk = next(name for name in t.names() if name.endswith('.vmdk'))
    archive(t, 'vm.ova', [(disk if name == 'DISK' else name, headers if name == 'DISK' else {}) for name in names], form)
    tap.equal(lint(t, 'esxi', 'vm.ova', '--strict', status=3 if rules else 0), rules, 'rules')


@tap.rows([('a blank', 'SHA256 (', 3), ('an unknown word', 'MD5(', 3), ('SHA-1', 'SHA1(', 0), ('SHA-512', 'SHA512(', 0)])
def test_manifest(t, word, status):
    pack(t, 'esxi')
    digits = {'MD5(': 32, 'SHA1(': 40, 'SHA512(': 128}.get(word, 64)
    t.write('vm.mf', f'{word}vm.ovf)= {"0" * digits}\n'.encode())
    tap.equal(lint(t, 'esxi', 'vm.ovf', status=status), ['E-VMW-MF'] if status else [], 'rules')


# rules that are broken, platform, how the disk is made; then one that is right
DISKS = [
    (['E-VMW-DISKTYPE'], 'esxi', ['-O', 'vmdk'], ['-O', 'vmdk', '-o', 'subformat=streamOptimized']),
    (['E-VMW-DISKTYPE'], 'esxi', ['-O', 'qcow2'], ['--for', 'esxi']),
    (['E-AZ-FIXED'], 'azure', ['-O', 'vpc', '-o', 'subformat=dynamic,force_size=on'], ['--for', 'azure']),
    (['E-AWS-FORMAT'], 'aws', ['-O', 'qcow2'], ['-O', 'vhdx']),
    (['E-AWS-FORMAT'], 'aws', ['-O', 'vmdk'], ['--for', 'aws']),
    (['E-OS-SAFETY'], 'openstack', ['-O', 'vmdk', '-o', 'subformat=monolithicFlat'], ['--for', 'openstack']),
    (['E-OS-SAFETY'], 'openstack', ['-O', 'qcow2', '-B', 'base.raw', '-F', 'raw'], ['-O', 'vmdk']),
]


@tap.rows([(f'{row[0][0]}: {" ".join(row[2])}', *row) for row in DISKS])
def test_disk(t, rules, platform, broken, right):
    sparse(t, 'a.raw', 21 * MIB)
    sparse(t, 'base.raw', 21 * MIB)
    t.vmferry('convert', '-q', '--no-sync', *broken, 'a.raw', f'broken.{broken[1]}')
    t.vmferry('convert', '-q', '--no-sync', *right, 'a.raw', 'right.img')
    notes = ['I-OS-RAW'] if platform == 'openstack' else []
    tap.equal(lint(t, platform, f'broken.{broken[1]}', status=3), rules + notes, 'broken')
    tap.equal(lint(t, platform, 'right.img', '--strict'), notes, 'right')


def test_version_of_streams(t):
    sparse(t, 'a.raw', MIB)
    t.vmferry('convert', '--no-sync', '--for', 'esxi', 'a.raw', 'a.vmdk')
    data = bytearray(t.read('a.vmdk'))
    tap.equal(data[:8], b'KDMV\3\0\0\0', 'head')
    data[4] = 1
    data[-1024 + 4] = 1 # the footer, before the marker that ends the stream
    t.write('old.vmdk', bytes(data))
    tap.equal(lint(t, 'esxi', 'a.vmdk', '--strict'), [], 'right')
    tap.equal(lint(t, 'esxi', 'old.vmdk', status=3), ['E-VMW-VMDKVER'], 'broken')


def vhd(t, name, size, data, creator=b'win ', original=None):
    """A fixed VHD that is one hole."""
    cylinders, heads, sectors = 65535, 16, 255
    footer = struct.pack('>8sIIQI4sI4sQQHBBI', b'conectix', 2, 0x10000, (1 << 64) - 1, 0, creator, 0x60001, b'Wi2k', original or size, size, cylinders, heads, sectors, 2)
    footer = footer.ljust(64, b'\0') + b'\0' * 4 + b'0123456789abcdef' + b'\0' * 428
    footer = footer[:64] + struct.pack('>I', ~sum(footer) & 0xffffffff) + footer[68:]
    with open(t.path(name), 'wb') as file:
        file.truncate(data)
        file.seek(data)
        file.write(footer)


@tap.rows([
    ('right', [], 'azure', 22 * MIB, 22 * MIB, {}),
    ('no whole MiB', ['E-AZ-ALIGN'], 'azure', 22 * MIB + 512, 22 * MIB + 512, {}),
    ('another original size', ['E-AZ-FOOTER'], 'azure', 22 * MIB, 22 * MIB, {'original': 21 * MIB}),
    ('a gap before the footer', ['E-AZ-FOOTER'], 'azure', 22 * MIB, 23 * MIB, {}),
    ('large', ['W-AZ-OSMAX'], 'azure', 1024 * GIB, 1024 * GIB, {}),
    ('2040 GiB', [], 'hyperv', 2040 * GIB, 2040 * GIB, {}),
    ('more', ['E-HV-VHDMAX'], 'hyperv', 2041 * GIB, 2041 * GIB, {}),
    ('for Xen', [], 'xcp-ng', 2040 * GIB, 2040 * GIB, {}),
    ('more for Xen', ['E-XEN-VHDMAX'], 'xcp-ng', 2041 * GIB, 2041 * GIB, {}),
])
def test_vhd(t, rules, platform, size, data, more):
    vhd(t, 'a.vhd', size, data, **more)
    tap.equal(lint(t, platform, 'a.vhd', '--strict', status=3 if rules else 0), rules, 'rules')


@tap.rows([
    ('right', [], 'a.tar.gz', {'disk.raw': GIB}),
    ('another name of the file', ['E-GCE-NAME'], 'a.tgz', {'disk.raw': GIB}),
    ('another name of the disk', ['E-GCE-NAME'], 'a.tar.gz', {'disk.img': GIB}),
    ('another member', ['E-GCE-NAME'], 'a.tar.gz', {'disk.raw': GIB, 'notes.txt': 5}),
    ('no whole GiB', ['E-GCE-GIB'], 'a.tar.gz', {'disk.raw': 3 * MIB}),
])
def test_gce(t, rules, name, members):
    for member, size in members.items():
        sparse(t, member, size)
    t.run(tap.tool('tar'), '-Sczf', name, '--format=oldgnu', *members)
    tap.equal(lint(t, 'gce', name, '--strict', status=3 if rules else 0), rules, 'rules')


@tap.rows([(platform, platform, name) for platform, name in [('esxi', 'o.vmdk'), ('azure', 'o.vhd'), ('aws', 'o.vmdk'), ('openstack', 'o.qcow2'), ('hyperv', 'o.vhdx'), ('xcp-ng', 'o.vhd')]])
def test_what_is_converted_conforms(t, platform, name):
    sparse(t, 'a.raw', 21 * MIB + 512)
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, 'a.raw', name)
    tap.equal(lint(t, platform, name, '--strict'), ['I-OS-RAW'] if platform == 'openstack' else [], 'rules')


def test_raw_for_ceph(t):
    sparse(t, 'a.raw', MIB)
    t.vmferry('convert', '-q', '--no-sync', 'a.raw', 'a.qcow2')
    tap.equal(lint(t, 'openstack', 'a.qcow2', '--strict'), ['I-OS-RAW'], 'broken, which is a note')
    tap.equal(lint(t, 'openstack', 'a.raw'), [], 'clean')


def test_packed_alone_for_gce(t):
    sparse(t, 'disk.raw', MIB)
    t.run('gzip', '-k', 'disk.raw')
    tap.equal(lint(t, 'gce', 'disk.raw.gz', status=3), ['E-GCE-GIB', 'E-GCE-NAME', 'W-GCE-GZ'], 'broken')
    t.run(tap.tool('tar'), '-Sczf', 'a.tar.gz', '--format=oldgnu', 'disk.raw')
    tap.equal(lint(t, 'gce', 'a.tar.gz', status=3), ['E-GCE-GIB'], 'clean')


def test_block_table_with_an_entry_too_many(t):
    sparse(t, 'a.raw', 22 * MIB)
    t.vmferry('convert', '-q', '--no-sync', '-O', 'vpc', '-o', 'subformat=dynamic,force_size=on', 'a.raw', 'a.vhd')
    tap.equal(lint(t, 'azure', 'a.vhd', status=3), ['E-AZ-FIXED'], 'clean')
    data = bytearray(t.read('a.vhd'))
    tap.equal(struct.unpack_from('>II', data, 512 + 28), (11, 2 * MIB), 'entries and size of a block')
    struct.pack_into('>I', data, 512 + 28, 12)
    struct.pack_into('>I', data, 512 + 36, 0)
    struct.pack_into('>I', data, 512 + 36, ~sum(data[512:512 + 1024]) & 0xffffffff)
    t.write('b.vhd', bytes(data))
    tap.equal(lint(t, 'azure', 'b.vhd', status=3), ['E-AZ-FIXED', 'W-AZ-BAT'], 'broken')
    t.vmferry('convert', '-q', '--no-sync', '--for', 'azure', 'b.vhd', 'c.vhd')
    tap.equal(lint(t, 'azure', 'c.vhd', '--strict'), [], 'converted')


@tap.rows([('sparse', 0x220, True), ('compressed', 0x820, True), ('encrypted', 0x4020, True), ('an archive', 0x20, False)])
def test_attributes_of_windows(t, attributes, is_broken):
    """As the kernel's client of Windows' shares shows them."""
    sparse(t, 'a.raw', 4 * MIB)
    t.vmferry('convert', '-q', '--no-sync', '-O', 'vhdx', 'a.raw', 'a.vhdx')
    try:
        os.setxattr(t.path('a.vhdx'), 'user.cifs.dosattrib', struct.pack('=I', attributes))
    except OSError as error:
        raise tap.Skip('a file system without attributes') from error
    tap.equal(lint(t, 'hyperv', 'a.vhdx', status=3 if is_broken else 0), ['E-HV-SPARSE'] if is_broken else [], 'rules')
    tap.equal(lint(t, 'openstack', 'a.vhdx'), ['I-OS-RAW'], 'elsewhere')
    t.vmferry('convert', '-q', '--no-sync', '--for', 'hyperv', 'a.vhdx', 'b.vhdx')
    tap.equal(lint(t, 'hyperv', 'b.vhdx', '--strict'), [], 'converted')


def test_deltas_of_esxi_for_aws(t):
    text = '# Disk DescriptorFile\nversion=1\nCID={}\nparentCID={}\n{}createType="{}"\nRW 64 {}\n'
    sparse(t, 'p-flat.vmdk', 64 * 512)
    t.write('p.vmdk', text.format('aabbccdd', 'ffffffff', '', 'vmfs', 'VMFS "p-flat.vmdk"').encode())
    t.write('c-sesparse.vmdk', sesparse([0] * 8, b''))
    t.write('c.vmdk', text.format('11111111', 'aabbccdd', 'parentFileNameHint="p.vmdk"\n', 'seSparse', 'SESPARSE "c-sesparse.vmdk"').encode())
    tap.equal(lint(t, 'aws', 'c.vmdk', status=3), ['E-AWS-FORMAT', 'E-AWS-SESPARSE'], 'broken')
    tap.equal(lint(t, 'aws', 'p.vmdk', status=3), ['E-AWS-FORMAT'], 'its parent')
    t.vmferry('convert', '-q', '--no-sync', '--for', 'aws', 'c.vmdk', 'o.vmdk')
    tap.equal(lint(t, 'aws', 'o.vmdk', '--strict'), [], 'converted')


def test_a_package_of_virtualbox_and_its_cure(t):
    sparse(t, 'a.raw', 4 * MIB)
    t.vmferry('pack', '-q', '--no-sync', '--for', 'virtualbox', '--controller', 'sata', 'a.raw', '-o', 'vbox.ova')
    done = t.vmferry('lint', '--for', 'esxi', 'vbox.ova', status=3)
    tap.contains(done.stdout, 'violation: hardware "virtualbox-2.2"; accepted: vmx-NN [E-VMW-FAMILY]')
    tap.contains(done.stdout, "there: Unsupported hardware family 'virtualbox-2.2'")
    tap.contains(done.stdout, 'NOT fit for esxi, 1 violation, ')
    t.vmferry('convert', '-q', '--no-sync', '--for', 'esxi', 'vbox.ova', 'esxi.ova')
    tap.contains(t.vmferry('lint', '--for', 'esxi', '--strict', 'esxi.ova').stdout, 'nothing against it for esxi')
    tap.equal(lint(t, 'virtualbox', 'vbox.ova', '--strict'), [], 'where it comes from')


@tap.rows([('azure', 'azure', 'its disks alone'), ('hyperv', 'hyperv', 'hyperv'), ('libvirt', 'libvirt', 'libvirt')])
def test_platforms_that_take_no_packages(t, platform, accepted):
    sparse(t, 'a.raw', 20 * MIB)
    t.vmferry('pack', '-q', '--no-sync', '--for', 'esxi', 'a.raw', '-o', 'vm.ova')
    tap.contains(t.vmferry('lint', '--for', platform, 'vm.ova', status=3).stdout, f'a machine in the format ovf; accepted: {accepted} [E-FORMAT]')
    os.mkdir(t.path('o'))
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, 'vm.ova', 'o/')
    written = next('o/' + name for name in os.listdir(t.path('o')) if name.endswith(('.vhd', '.ps1', '.xml')))
    tap.equal(lint(t, platform, written, '--strict'), [], 'converted')


@tap.rows([
    ('no platform', 1, 'says whose rules', 'lint', 'a.raw'),
    ('an unknown one', 1, 'is none of', 'lint', '--for', 'esx', 'a.raw'),
    ('no file', 1, 'No such file', 'lint', '--for', 'esxi', 'none.vmdk'),
    ('a broken one', 2, '', 'lint', '--for', 'esxi', 'broken.ova'),
    ('no rule', 1, 'no rule about disks is known here', 'lint', '--for', 'virtualbox', 'a.raw'),
    ('no rule for packages', 1, 'named vm.ova::ID', 'lint', '--for', 'nutanix', 'vm.ova'),
])
def test_not_judged(t, status, words, *arguments):
    sparse(t, 'a.raw', MIB)
    t.vmferry('pack', '-q', '--no-sync', 'a.raw', '-o', 'vm.ova')
    t.vmferry('convert', '-q', '--no-sync', 'vm.ova', 'vm.vmx')
    t.write('broken.ova', t.read('vm.ova')[:700])
    tap.contains(t.vmferry(*arguments, status=status).stderr, words)


def test_each_rule_has_a_file_that_keeps_it(_):
    lint_judge.check_that_each_is_kept_too()


tap.main(globals())
