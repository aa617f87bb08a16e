# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A disk that boots still boots after each conversion: its boot sector prints a line on the serial port."""
import subprocess
import xml.etree.ElementTree as ElementTree

import tap

LINE = b'vmferry boots'

# 16-bit code at 0x7c00; COM1 is at 0x3f8.
BOOT = bytes([
    0xfa,                    # cli
    0x31, 0xc0,              # xor ax, ax
    0x8e, 0xd8,              # mov ds, ax
    0xbe, 0x20, 0x7c,        # mov si, 0x7c20: the line
    0xba, 0xf8, 0x03,        # mov dx, 0x3f8
    0xac,                    # again: lodsb
    0x84, 0xc0,              # test al, al
    0x74, 0x03,              # jz done
    0xee,                    # out dx, al
    0xeb, 0xf8,              # jmp again
    0xba, 0xf4, 0x00,        # done: mov dx, 0xf4: the machine's exit port
    0xee,                    # out dx, al
    0xf4,                    # hlt
])

FORMS = [
    ('raw', 'raw', []),
    ('qcow2', 'qcow2', []),
    ('qcow2 zlib', 'qcow2', ['-c']),
    ('qcow2 zstd', 'qcow2', ['-c', '-o', 'compression_type=zstd']),
    ('qcow2 v2', 'qcow2', ['-o', 'compat=0.10']),
    ('vmdk monolithicSparse', 'vmdk', []),
    ('vmdk monolithicFlat', 'vmdk', ['-o', 'subformat=monolithicFlat']),
    ('vmdk twoGbMaxExtentSparse', 'vmdk', ['-o', 'subformat=twoGbMaxExtentSparse']),
    ('vmdk streamOptimized', 'vmdk', ['-o', 'subformat=streamOptimized']),
    ('vhd dynamic', 'vpc', []),
    ('vhd fixed', 'vpc', ['-o', 'subformat=fixed']),
    ('vhdx', 'vhdx', []),
    ('vhdx fixed', 'vhdx', ['-o', 'subformat=fixed']),
    ('vdi', 'vdi', []),
    ('vdi fixed', 'vdi', ['-o', 'subformat=fixed']),
]


def boot_disk():
    sector = bytearray(512)
    sector[:len(BOOT)] = BOOT
    sector[0x20:0x20 + len(LINE)] = LINE
    sector[510:] = b'\x55\xaa'
    return bytes(sector) + bytes(8 * 1024 * 1024 - 512)


def serial_output(t, path, form):
    """What the machine prints. The exit port ends it; its exit code is odd by construction."""
    done = t.run(tap.tool('qemu-system-x86_64'), '-machine', 'pc', '-accel', 'tcg', '-m', '16', '-display', 'none',
                 '-monitor', 'none', '-serial', 'stdio', '-no-reboot', '-nic', 'none',
                 '-device', 'isa-debug-exit,iobase=0xf4,iosize=1',
                 '-drive', f'file={path},format={form},if=ide,snapshot=on', status=None, text=False,
                 stdin=subprocess.DEVNULL)
    tap.equal(done.returncode % 2, 1, f'exit code of the machine ({done.stderr[-500:]!r})')
    return done.stdout


@tap.rows([(form[0], *form[1:]) for form in FORMS])
def test_boot(t, form, options):
    t.write('boot.raw', boot_disk())
    t.vmferry('convert', '-O', form, *options, 'boot.raw', 'disk.img')
    tap.contains(serial_output(t, 'disk.img', form).decode(errors='replace'), LINE.decode())


@tap.rows([(f'{a[0]}, then {b[0]}', a[1:], b[1:]) for a, b in zip(FORMS[1:], FORMS[2:] + FORMS[:1])])
def test_boot_after_two_conversions(t, first, second):
    t.write('boot.raw', boot_disk())
    t.vmferry('convert', '-O', first[0], *first[1], 'boot.raw', 'first.img')
    t.vmferry('convert', '-f', first[0], '-O', second[0], *second[1], 'first.img', 'second.img')
    tap.contains(serial_output(t, 'second.img', second[0]).decode(errors='replace'), LINE.decode())


# A VMX's bus and its adapter, and what QEMU calls what the libvirt XML then says.
BUSES = [('scsi', 'lsisas1068'), ('scsi', 'pvscsi'), ('scsi', 'lsilogic'), ('ide', ''), ('sata', ''), ('nvme', '')]
QEMU_ADAPTERS = {('scsi', 'lsisas1068'): 'mptsas1068', ('scsi', 'vmpvscsi'): 'pvscsi', ('sata', None): 'ahci'}


def machine_devices(t, path):
    """QEMU's words for the machine of a domain XML: its board, and the controller and format of its first disk."""
    domain = ElementTree.parse(t.path(path)).getroot()
    disk = next(disk for disk in domain.iter('disk') if disk.get('device') == 'disk')
    bus, form, file = disk.find('target').get('bus'), disk.find('driver').get('type'), disk.find('source').get('file')
    models = [c.get('model') for c in domain.iter('controller') if c.get('type') == bus]
    words = ['-machine', domain.find('os/type').get('machine'), '-smp', domain.find('vcpu').text, '-drive', f'file={file},format={form},if=none,id=d,snapshot=on']
    if bus == 'ide':
        return words + ['-device', 'ide-hd,drive=d']
    adapter = QEMU_ADAPTERS[bus, models[0] if models and bus == 'scsi' else None]
    return words + ['-device', f'{adapter},id=c', '-device', f'{"scsi-hd,bus=c.0" if bus == "scsi" else "ide-hd,bus=c.0"},drive=d,bootindex=1']


@tap.rows([(f'{bus} {model}'.strip(), bus, model) for bus, model in BUSES])
def test_machine_boots_after_its_journey(t, bus, model):
    """VMware to OVF, XenServer, Proxmox VE and libvirt; QEMU is given what the XML says."""
    t.write('boot.raw', boot_disk())
    t.vmferry('convert', '-O', 'vmdk', 'boot.raw', 'boot.vmdk')
    adapter = f'{bus}0.virtualDev = "{model}"\n' if model else ''
    t.write('vm.vmx', f'config.version = "8"\nvirtualHW.version = "13"\ndisplayName = "web"\nguestOS = "other-64"\nmemsize = "64"\nnumvcpus = "2"\n'
            f'{bus}0.present = "TRUE"\n{adapter}{bus}0:0.present = "TRUE"\n{bus}0:0.fileName = "boot.vmdk"\n'.encode())
    for source, target in (('vm.vmx', 'a.ova'), ('a.ova', 'b.xva'), ('b.xva', 'c.vma'), ('c.vma', 'd.xml'), ('vm.vmx', 'direct.xml')):
        t.vmferry('convert', '-q', source, target)
    for path in ('d.xml', 'direct.xml'):
        done = t.run(tap.tool('qemu-system-x86_64'), '-accel', 'tcg', '-m', '64', '-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot',
                     '-nic', 'none', '-device', 'isa-debug-exit,iobase=0xf4,iosize=1', *machine_devices(t, path), status=None, text=False, stdin=subprocess.DEVNULL)
        tap.contains(done.stdout.decode(errors='replace'), LINE.decode())


tap.main(globals())
