# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`./dev dist`: with VMFERRY_TEST_ALL=1 the static program is built, and used in a root that holds nothing else."""
import os

import tap


def test_a_static_program_works_in_an_empty_root(t):
    if os.environ.get('VMFERRY_TEST_ALL') != '1':
        raise tap.Skip('VMFERRY_TEST_ALL is not 1')
    if os.geteuid() != 0:
        raise tap.Skip('only root can change the root')
    shown = t.run(tap.SOURCE / 'dev', 'dist', timeout=1800).stdout
    tap.contains(shown, 'Left out: iconv ')
    program = tap.SOURCE / 'build/dist/vmferry'
    tap.equal('(NEEDED)' in t.run(tap.tool('readelf'), '-d', program).stdout, False, 'shared libraries')
    (t.folder / 'root/tmp').mkdir(parents=True)
    t.write('root/vmferry', program.read_bytes())
    os.chmod(t.path('root/vmferry'), 0o755)
    t.write('root/disk.vmdk', (tap.IMAGES / 'good-vmdk-stream.vmdk').read_bytes())
    t.run(tap.tool('openssl'), 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '9', '-subj', '/CN=x', '-keyout', 'root/key', '-out', 'root/pem')

    def inside(*words, **options):
        return t.run('chroot', t.path('root'), '/vmferry', *words, **options)

    tap.equal(inside('--version').stdout, shown, 'version')
    inside('convert', '--verify', '/disk.vmdk', '/disk.qcow2')
    tap.equal(inside('checksum', '/disk.qcow2').stdout.split()[0], t.vmferry('checksum', t.path('root/disk.vmdk')).stdout.split()[0])
    inside('convert', '-c', '-o', 'compression_type=zstd', '/disk.vmdk', '/small.qcow2')
    inside('compare', '/disk.vmdk', '/small.qcow2')
    inside('pack', '/disk.vmdk', '-o', '/vm.ova', '--sign', '/key', '--cert', '/pem')
    inside('sign', '--renew', '/vm.ova')
    inside('verify', '/vm.ova')
    tap.contains(inside('info', 'https://127.0.0.1/vm.ova', status=9).stderr, 'without libcurl')
    tap.contains(inside('info', 'nbd://127.0.0.1/disk', status=9).stderr, 'without libnbd')
    t.write('root/old.vmdk', b'# Disk DescriptorFile\nversion=1\nencoding="windows-1252"\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
                             b'RW 1 FLAT "\xfc.raw" 0\n')
    tap.contains(inside('info', '/old.vmdk', status=9).stderr, 'is linked statically and has no converter from')


tap.main(globals())
