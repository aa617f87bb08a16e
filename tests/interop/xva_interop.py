# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""XVA: what is written against GNU tar and xxhsum, what XCP-ng's own writer makes (npm: @xen-orchestra/xva, its node_modules in
VMFERRY_XEN_ORCHESTRA) against the disk that it was given. Skipped where a program or the folder is not there."""
import json
import os
import pathlib
import random

import tap

MIB = 1 << 20
DISK = random.Random(7).randbytes(MIB + 700) + bytes(4 * MIB) + random.Random(8).randbytes(300000)
SECOND = bytes(2 * MIB)

WRITER = """
import { createWriteStream, createReadStream, statSync } from 'node:fs'
import { finished } from 'node:stream/promises'
const { importVm } = await import(process.argv[2])
const disks = process.argv.slice(4).map(path => ({
  footer: { currentSize: statSync(path).size }, rawContent: async () => createReadStream(path) }))
const xapi = { task_create: async () => 'task', putResource: async (pack) => {
  await finished(pack.pipe(createWriteStream(process.argv[3])))
  return 'OpaqueRef:0' } }
await importVm({ name_label: 'a machine', memory: 1 << 30, nCpus: 2, firmware: 'uefi', vhds: disks,
  networks: [{ macAddress: '00:16:3e:00:00:07', isGenerated: false }],
  vdis: disks.map((disk, index) => ({ name_label: `disk ${index}`, virtual_size: disk.footer.currentSize })) },
  xapi, { $ref: 'OpaqueRef:1', content_type: 'user' }, { name_label: 'net' })
"""


def machine_of(t):
    t.write('a.raw', DISK)
    t.write('b.raw', SECOND)
    t.write('m.xml', b"<domain type='kvm'><name>m</name><memory unit='MiB'>512</memory><os><type>hvm</type></os><devices>"
            + b''.join(b"<disk type='file' device='disk'><driver type='raw'/><source file='%c.raw'/><target dev='vd%c' bus='virtio'/></disk>" % (c, c)
                       for c in b'ab') + b'</devices></domain>')


def test_tar_and_xxhsum_take_what_is_written(t):
    tap.tool('xxhsum')
    machine_of(t)
    t.vmferry('convert', 'm.xml', 'm.xva')
    os.mkdir(t.path('d'))
    t.run(tap.tool('tar'), '-xf', 'm.xva', '-C', 'd')
    names = t.run('tar', '-tf', 'm.xva').stdout.split()
    tap.equal(names[0], 'ova.xml', 'first member')
    chunks = [name for name in names[1:] if not name.endswith('.xxhash')]
    tap.equal(names[1:], [part for name in chunks for part in (name, name + '.xxhash')], 'each with its checksum')
    for name in chunks:
        tap.equal(t.run('xxhsum', '-H64', 'd/' + name).stdout.split()[0].upper(), t.read(f'd/{name}.xxhash').decode(), name)
    found = [b''.join(t.read(f'd/{name}') for name in chunks if name.startswith(folder + '/'))
             for folder in {name.split('/')[0] for name in chunks}]
    tap.equal(sorted(found) == sorted([DISK[:2 * MIB] + DISK[5 * MIB:], SECOND]), True, 'data')


def test_what_xen_orchestra_writes_is_read(t):
    folder = os.environ.get('VMFERRY_XEN_ORCHESTRA')
    if not folder:
        raise tap.Skip('VMFERRY_XEN_ORCHESTRA names no folder')
    module = pathlib.Path(folder).resolve() / '@xen-orchestra/xva/importVm.mjs'
    t.write('write.mjs', WRITER.encode())
    t.write('a.raw', DISK)
    t.write('b.raw', SECOND)
    t.run(tap.tool('node'), 'write.mjs', str(module), 'x.xva', 'a.raw', 'b.raw')
    info = json.loads(t.vmferry('info', '--output=json', 'x.xva').stdout)
    tap.equal(len(info['disks']), 2, 'disks')
    for number, data in ((1, DISK), (2, SECOND)):
        padded = data + bytes(-len(data) % MIB)
        t.vmferry('convert', '-O', 'raw', f'x.xva::{number}', f'{number}.raw')
        tap.equal(t.read(f'{number}.raw') == padded, True, 'in place')
        t.run('sh', '-c', f'cat x.xva | "$0" convert -O raw -::{number} p{number}.raw', tap.VMFERRY)
        tap.equal(t.read(f'p{number}.raw') == padded, True, 'as it comes')
    t.vmferry('convert', 'x.xva', 'out.vmx')
    machine = t.read('out.vmx').decode()
    for line in ('displayName = "a machine"', 'firmware = "efi"', 'numvcpus = "2"', 'memsize = "1024"', '00:16:3e:00:00:07'):
        tap.contains(machine, line)


tap.main(globals())
