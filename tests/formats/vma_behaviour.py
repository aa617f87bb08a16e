# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VMA: disks of an archive as it comes and in a file, whatever the order of their clusters."""
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys

import hostile_vma_rows
import tap
import vma_check
from hostile_case import run

sys.path.insert(0, str(tap.IMAGES))
import make_vma as vma  # pylint: disable=wrong-import-position

UUID = b'vmferry-vma-test'


def disk(size, part, seed):
    """Blocks of noise, `part` of all."""
    source, out = random.Random(seed), bytearray(size)
    for at in range(0, size, vma.BLOCK):
        if source.random() < part:
            out[at:at + vma.BLOCK] = source.randbytes(min(vma.BLOCK, size - at))
    return bytes(out)


DISKS = {
    1: ('drive-efidisk0', disk(540672, 0.3, 1)),
    2: ('drive-scsi0', disk((3 << 20) + 1536, 0.5, 2)),
    7: ('drive-virtio1', disk(2 << 20, 0.05, 3)),
    255: ('drive-tpmstate0-backup', disk(4 << 20, 0.01, 4)),
}


def shuffled(slots):
    random.Random(5).shuffle(slots)
    return slots


ORDERS = [('in order', list), ('backwards', lambda slots: slots[::-1]), ('in any order', shuffled)]


def piped(t, data, *words, status=0):
    done = subprocess.run([tap.VMFERRY, *words], input=data, cwd=t.folder, capture_output=True, timeout=300, check=False)
    text = done.stderr.decode(errors='replace')
    if status is not None:
        tap.equal(done.returncode, status, 'exit status ' + text)
    return done.returncode, text


@tap.rows([(f'{title} as {form}', order, form) for title, order in ORDERS for form in ('raw', 'qcow2', 'vdi', 'vhdx')])
def test_each_disk_from_a_pipe(t, order, form):
    data = vma.archive(DISKS, UUID, order=order)
    for number, (name, content) in enumerate(DISKS.values(), 1):
        for chosen in (name, str(number)):
            piped(t, data, 'convert', '-q', '-O', form, '-::' + chosen, 'out')
            t.vmferry('convert', '-f', form, '-O', 'raw', 'out', 'back.raw')
            tap.equal(t.read('back.raw')[:len(content)] == content, True, name)
            (t.folder / 'out').unlink()
            (t.folder / 'back.raw').unlink()


@tap.rows(ORDERS)
def test_each_disk_in_a_file(t, order):
    for slots in (1, 20, vma.SLOTS):
        t.write('a.vma', vma.archive(DISKS, UUID, order=order, per_extent=slots))
        for name, content in DISKS.values():
            t.vmferry('convert', '-O', 'raw', '--verify', 'a.vma::' + name, 'a.raw')
            tap.equal(t.read('a.raw') == content, True, name)
            (t.folder / 'a.raw').unlink()


def test_a_target_that_takes_no_order_stores_the_pipe_first(t):
    piped(t, vma.archive(DISKS, UUID, order=shuffled), 'convert', '-q', '-O', 'vmdk', '-o', 'subformat=streamOptimized', '-::drive-scsi0', 'a.vmdk')
    t.vmferry('convert', '-O', 'raw', 'a.vmdk', 'a.raw')
    tap.equal(t.read('a.raw') == DISKS[2][1], True, 'content')


def test_several_disks_are_listed(t):
    data = vma.archive(DISKS, UUID)
    text = piped(t, data, 'convert', '-', 'out.raw', status=1)[1]
    tap.contains(text, '1 drive-efidisk0 (540672 bytes, firmware), 2 drive-scsi0 (3147264 bytes), 3 drive-virtio1 (2097152 bytes), '
                       '4 drive-tpmstate0-backup (4194304 bytes, tpm)')
    tap.contains(piped(t, data, 'convert', '-::ide0', 'out.raw', status=1)[1], 'has no disk "ide0"')
    tap.equal(t.names(), [], 'files')
    t.write('a.vma', data)
    tap.contains(t.vmferry('convert', 'a.vma', 'out.raw', status=1).stderr, 'a.vma::DISK')
    info = json.loads(t.vmferry('info', '--output=json', 'a.vma').stdout)
    tap.equal([(disk['id'], disk.get('kind'), disk['virtual-size']) for disk in info['disks']], [
        (name, {1: 'firmware', 255: 'tpm'}.get(number), len(content)) for number, (name, content) in DISKS.items()], 'disks')


def test_the_only_disk_of_the_guest_needs_no_name(t):
    """Beside it stand the variables of its firmware, a TPM, the memory of the machine."""
    t.write('a.vma', hostile_vma_rows.archive(hostile_vma_rows.slots(*hostile_vma_rows.state(0, 1)), hostile_vma_rows.WITH_STATE))
    t.vmferry('convert', '-O', 'raw', 'a.vma', 'a.raw')
    tap.equal(t.read('a.raw') == hostile_vma_rows.LARGE, True, 'content')
    t.write('b.vma', vma.archive({number: DISKS[number] for number in (1, 2, 255)}, UUID))
    t.vmferry('convert', '-O', 'raw', 'b.vma', 'b.raw')
    tap.equal(t.read('b.raw') == DISKS[2][1], True, 'content')


def test_memory_of_a_machine_is_taken_by_its_name(t):
    devices = {1: ('drive-scsi0', len(hostile_vma_rows.LARGE)), 2: ('vmstate', 1 << 20)}
    data = hostile_vma_rows.archive(hostile_vma_rows.slots(*hostile_vma_rows.state(0, 1)), devices)
    block = b'state'.ljust(vma.BLOCK, b'.')
    expected = (block + bytes(vma.CLUSTER - len(block)) + block).ljust(1 << 20, b'\0')
    t.write('a.vma', data)
    t.vmferry('convert', '-O', 'raw', 'a.vma::vmstate', 'a.raw')
    piped(t, data, 'convert', '-O', 'raw', '-::vmstate', 'b.raw')
    tap.equal((t.read('a.raw') == expected, t.read('b.raw') == expected), (True, True), 'content')


def test_a_packed_archive(t):
    t.write('a.vma.gz', gzip.compress(vma.archive({1: DISKS[2]}, UUID)))
    t.vmferry('convert', '-O', 'raw', 'a.vma.gz', 'a.raw')
    tap.equal(t.read('a.raw') == DISKS[2][1], True, 'content')
    piped(t, t.read('a.vma.gz'), 'convert', '-O', 'raw', '-', 'b.raw')
    tap.equal(t.read('b.raw') == DISKS[2][1], True, 'content from a pipe')


@tap.rows([(row.title, row) for row in hostile_vma_rows.ROWS if 'MD5' not in row.title])
def test_hostile_row_on_a_pipe(t, row):
    """The same statuses as of a file, and nothing is left."""
    status, text = piped(t, row.image, 'convert', '-f', 'vma', '-O', 'raw', '-', 'out.raw', status=None)
    if status not in row.statuses:
        raise AssertionError(f'exit {status}, expected {row.statuses}: {text}')
    if status == 0:
        tap.equal(t.read('out.raw') == row.guest, True, 'content')
    else:
        tap.equal(text.count('\n'), 1, 'lines ' + text)
        tap.equal(t.names(), [], 'files')


def test_the_sample_of_a_real_one_is_cut_short(t):
    """dissect.hypervisor's test.vma: the first extents of a disk of 10 GiB."""
    for folder in tap.corpora():
        packed = folder / 'dissect.hypervisor/test.vma.gz'
        if packed.exists():
            data = gzip.decompress(packed.read_bytes())
            tap.contains(piped(t, data, 'convert', '-', 'out.raw', status=2)[1], '163724 clusters of drive-scsi0 are missing')
            t.write('a.vma', data)
            tap.contains(t.vmferry('convert', 'a.vma', 'out.raw', status=2).stderr, 'have 163840 clusters, which a file of 538112 bytes')
            tap.equal(t.names(), ['a.vma'], 'files')
            return
    raise tap.Skip('no sample')


EPOCH = {'SOURCE_DATE_EPOCH': '1700000000'}


@tap.rows([(f'{size} bytes, {part}', size, part) for size in (512, 1000, 4096, 65536, 540672, (2 << 20) + 512, (7 << 20) - 4096)
           for part in (0, 0.05, 1)])
def test_what_is_written_is_an_archive(t, size, part):
    """The same bytes in a file and on a pipe, with one thread or many."""
    t.write('a.raw', disk(size, part, 6))
    t.vmferry('convert', '-f', 'raw', '-O', 'vma', '-m', '1', '--verify', 'a.raw', 'a.vma', env=EPOCH)
    configs, disks, _ = vma_check.check(t.read('a.vma'))
    tap.equal((list(configs), disks == {'drive-scsi0': t.read('a.raw')}), (['qemu-server.conf'], True), 'content')
    with open(t.path('b.vma'), 'wb') as pipe:
        t.run(tap.VMFERRY, 'convert', '-f', 'raw', '-O', 'vma', '-m', '4', 'a.raw', '-', env=EPOCH, stdout=pipe, text=False)
    tap.equal(t.read('a.vma') == t.read('b.vma'), True, 'bytes')
    t.vmferry('convert', '-f', 'raw', '-O', 'vma', '-S', '0', 'a.raw', 'c.vma')
    tap.equal(vma_check.check(t.read('c.vma'))[1]['drive-scsi0'] == t.read('a.raw'), True, 'content without holes')
    most = int(json.loads(t.vmferry('measure', '-f', 'raw', '-O', 'vma', '--output=json', 'a.raw').stdout)['required'])
    tap.equal(len(t.read('a.vma')) <= most, True, 'measured')


def test_blocks_of_zeros_are_left_out(t):
    content = bytearray(40 << 20)
    for at in (0, 4096 * 3, (5 << 20) + 8192, (39 << 20) + 12288):
        content[at:at + 4096] = b'data' * 1024
    t.write('a.raw', bytes(content))
    t.vmferry('convert', '-O', 'vma', 'a.raw', 'a.vma')
    blocks = vma_check.check(t.read('a.vma'), sparse=True)[1]['drive-scsi0']
    tap.equal(sorted(blocks), [0, 12288, (5 << 20) + 8192, (39 << 20) + 12288], 'blocks')


def test_a_large_disk_of_zeros_is_listed(t):
    with open(t.path('a.raw'), 'wb') as file:
        file.truncate((200 << 30) + 512)
    t.vmferry('convert', '-O', 'vma', 'a.raw', 'a.vma')
    _, _, extents = vma_check.check(t.read('a.vma'), sparse=True)
    tap.equal(extents, -(-((200 << 30) // 65536 + 1) // 58), 'extents')
    t.vmferry('compare', 'a.vma', 'a.raw')


@tap.rows([('a device', 'device=256', 'device'), ('an archive', 'archive=7', 'is no UUID'), ('an option', 'x=1', 'x')])
def test_options_that_are_none(t, option, part):
    t.write('a.raw', bytes(512))
    tap.contains(t.vmferry('convert', '-f', 'raw', '-O', 'vma', '-o', option, 'a.raw', 'a.vma', status=1).stderr, part)
    tap.equal(t.names(), ['a.raw'], 'files')


def test_only_the_data_of_a_disk(t):
    """As it goes into an archive whose header stands before."""
    t.write('a.raw', DISKS[2][1])
    uuid = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
    t.vmferry('convert', '-f', 'raw', '-O', 'vma', '-o', f'device=7,archive={uuid}', 'a.raw', 'a.part')
    raw = bytes.fromhex(uuid.replace('-', ''))
    _, disks, _ = vma_check.check(vma.header(raw, {7: ('x', len(DISKS[2][1]))}, []) + t.read('a.part'))
    tap.equal(disks['x'] == DISKS[2][1], True, 'content')


MACHINE = b'''boot: order=virtio1
cores: 2
efidisk0: local:vm-100-disk-2,size=528K
memory: 2048
name: web
net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0
ostype: l26
scsi0: local:vm-100-disk-0,size=3M
scsihw: pvscsi
smbios1: uuid=7b10d7af-b932-4c66-b2c3-3996152ec465
virtio1: local:vm-100-disk-1,size=2M
#qmdump#map:efidisk0:drive-efidisk0:local:raw:
#qmdump#map:scsi0:drive-scsi0:local:raw:
#qmdump#map:virtio1:drive-virtio1:local:raw:
'''


@tap.rows([('vmx', 'vmx', 'm.vmx', ['drive-scsi0', 'drive-scsi1']), ('libvirt', 'libvirt', 'm.xml', ['drive-scsi0', 'drive-virtio0']),
           ('ovf', 'ovf', 'm.ova', None), ('proxmox', 'proxmox', 'm2.vma', ['drive-scsi0', 'drive-virtio1'])])
def test_a_machine_goes_into_another_form_and_back(t, form, name, drives):
    """Its disks are the same; a restore ties each to its drive."""
    t.write('m.vma', vma.archive({number: DISKS[number] for number in (1, 2, 7)}, UUID, [('qemu-server.conf', MACHINE)], order=shuffled))
    t.vmferry('convert', '-q', '--machine', form, 'm.vma', name)
    t.vmferry('convert', '-q', name, 'back.vma')
    configs, disks, _ = vma_check.check(t.read('back.vma'))
    contents = [content.rstrip(b'\0') for content in disks.values()]
    tap.equal(contents == [DISKS[2][1].rstrip(b'\0'), DISKS[7][1].rstrip(b'\0')], True, 'contents')
    lines = configs['qemu-server.conf'].decode().splitlines()
    maps = [line.split(':')[1:3] for line in lines if line.startswith('#qmdump#map:')]
    tap.equal([device for _, device in maps], list(disks), 'devices')
    tap.equal([key for key, _ in maps if not any(line.startswith(key + ': local:') for line in lines)], [], 'drives')
    tap.equal([line for line in ('name: web', 'memory: 2048', 'smbios1: uuid=7b10d7af-b932-4c66-b2c3-3996152ec465') if line not in lines], [], 'machine')
    if drives:
        tap.equal(list(disks), drives, 'drives')
    with open(t.path('pipe.vma'), 'wb') as pipe:
        t.run(tap.VMFERRY, 'convert', '-q', '--machine', 'proxmox', name, '-', stdout=pipe, text=False)
    tap.equal(vma_check.check(t.read('pipe.vma'))[1] == disks, True, 'disks on a pipe')


def test_check_examines_all_of_an_archive(t):
    t.write('a.vma', vma.archive(DISKS, UUID, order=shuffled))
    tap.contains(t.vmferry('check', 'a.vma::drive-scsi0').stdout, 'No errors')
    t.write('b.vma', vma.archive(DISKS, UUID, order=lambda slots: slots[:-1]))
    tap.contains(t.vmferry('check', 'b.vma::drive-scsi0', status=None).stderr, '1 clusters of drive-tpmstate0-backup are missing')


def test_clusters_too_many_for_an_index(t):
    """One of 128 holds data: a page of the index for each. Their data is a hole of the file."""
    pages, per_extent = 310_000, 58
    size = pages * 128 * vma.CLUSTER
    with open(t.path('a.vma'), 'wb') as file:
        file.write(vma.header(UUID, {1: ('drive-scsi0', size)}, []))
        for first in range(0, pages, per_extent):
            file.write(vma.extent(UUID, [(1, page * 128, 1, b'') for page in range(first, min(first + per_extent, pages))]))
            file.seek(4096 * min(per_extent, pages - first), os.SEEK_CUR)
        file.truncate()
    status, _, text = run(t, 'map', 'a.vma')
    tap.equal(status, 2, text)
    tap.contains(text, 'drive-scsi0: an index of its clusters takes more than 40 MiB')


def test_header_digest_is_md5(t):
    """Headers of all lengths of a last block."""
    for length in range(0, 3 * 512, 37):
        configs = [('qemu-server.conf', vma.CONF), ('x', bytes(length))]
        t.write('a.vma', vma.archive({1: ('a', b'x' * 512)}, hashlib.md5(bytes(length)).digest(), configs))
        t.vmferry('convert', '-O', 'raw', 'a.vma', 'a.raw')


tap.main(globals())
