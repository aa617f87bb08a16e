# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""A disk that boots still boots after each conversion: its boot sector prints a line on the serial port."""
import subprocess

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
    ('vdi', 'vdi', []),
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


tap.main(globals())
