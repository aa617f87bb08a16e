# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages in oVirt's own dialect, made after those that oVirt and virt-v2v write: what is read of them."""
import json
import os
import re

import tap

MIB = 1 << 20
NIL = '00000000-0000-0000-0000-000000000000'
MAC = '00:1a:4a:16:01:51'
HEAD = """<?xml version='1.0' encoding='UTF-8'?>
<ovf:Envelope xmlns:rasd='http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData' xmlns:vssd='http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData'
 xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:ovf='http://schemas.dmtf.org/ovf/envelope/1/' xmlns:ovirt='http://www.ovirt.org/ovf' ovf:version='4.4.0.0'>
"""
ITEM = '<Item><rasd:Caption>{}</rasd:Caption><rasd:InstanceId>{}</rasd:InstanceId><rasd:ResourceType>{}</rasd:ResourceType>{}</Item>'


def descriptor(disks, bios):
    """disks: (file, size, volume format, interface)"""
    files = ''.join(f"<File ovf:href='{name}' ovf:id='{name}' ovf:size='{size}' ovf:description='x'/>" for name, size, _, _ in disks)
    rows = ''.join(f"<Disk ovf:diskId='{name}' ovf:size='1' ovf:actual_size='1' ovf:vm_snapshot_id='{NIL}' ovf:parentRef='' ovf:fileRef='{name}' ovf:format='http://en.wikipedia.org/wiki/Byte' "
                   f"ovf:volume-format='{form}' ovf:volume-type='Sparse' ovf:disk-interface='{interface}' ovf:boot='True' ovf:capacity='{4 * MIB}'/>" for name, _, form, interface in disks)
    items = ITEM.format('3 virtual cpu', 1, 3, '<rasd:num_of_sockets>3</rasd:num_of_sockets><rasd:cpu_per_socket>2</rasd:cpu_per_socket>')
    items += ITEM.format('memory', 2, 4, '<rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:VirtualQuantity>768</rasd:VirtualQuantity>')
    items += ''.join(ITEM.format('Drive', name, 17, f'<Type>disk</Type><rasd:HostResource>{name}</rasd:HostResource><rasd:Parent>{NIL}</rasd:Parent><BootOrder>1</BootOrder>') for name, _, _, _ in disks)
    items += ITEM.format('Ethernet adapter on ovirtmgmt', 'n', 10, '<rasd:ResourceSubType>3</rasd:ResourceSubType><Type>interface</Type><rasd:Address>{type=pci, slot=0x03}</rasd:Address>'
                         f'<rasd:Connection>ovirtmgmt</rasd:Connection><rasd:Name>nic1</rasd:Name><rasd:MACAddress>{MAC}</rasd:MACAddress>')
    items += ITEM.format('Graphical Controller', 'g', 20, '<Type>video</Type><Device>qxl</Device><rasd:VirtualQuantity>1</rasd:VirtualQuantity>')
    return (HEAD + f"<References>{files}</References><Section xsi:type='ovf:NetworkSection_Type'><Info>x</Info><Network ovf:name='ovirtmgmt'/></Section>"
            f"<Section xsi:type='ovf:DiskSection_Type'><Info>x</Info>{rows}</Section><Content ovf:id='out' xsi:type='ovf:VirtualSystem_Type'><Name>web</Name><TemplateId>{NIL}</TemplateId>"
            f"<Description>the shop</Description><VmType>1</VmType><BiosType>{bios}</BiosType>"
            f"<Section ovf:id='4a6237d9-05a0-4d5a-a7b1-ff01764a761f' ovf:required='false' xsi:type='ovf:OperatingSystemSection_Type'><Info>Guest</Info><Description>rhel_8x64</Description></Section>"
            f"<Section xsi:type='ovf:VirtualHardwareSection_Type'><Info>x</Info>{items}</Section></Content></ovf:Envelope>").encode()


def package(t, bios=1):
    t.write('a', bytes(range(256)) * (4 * MIB // 256))
    t.run(tap.tool('qemu-img'), 'convert', '-f', 'raw', '-O', 'qcow2', '-o', 'compat=1.1', 'a', 'b')
    t.write('vm.ovf', descriptor([('a', 4 * MIB, 'RAW', 'VirtIO'), ('b', os.path.getsize(t.path('b')), 'COW', 'VirtIO_SCSI')], bios))
    t.run(tap.tool('tar'), '--format=ustar', '-cf', 'vm.ova', 'vm.ovf', 'a', 'b')


def test_a_machine(t):
    package(t)
    t.vmferry('convert', '-q', '--no-sync', 'vm.ova', 'o.xml')
    text = t.read('o.xml').decode()
    for part in (f'<mac address="{MAC}"/>', '<description>the shop</description>', '<source network="ovirtmgmt"/>', 'bus="virtio"', 'bus="scsi"', 'model="virtio-scsi"', '<name>web</name>'):
        tap.contains(text, part)
    tap.equal((re.search('<memory[^>]*>([0-9]+)', text)[1], re.search('<vcpu[^>]*>([0-9]+)', text)[1]), (str(768 << 10), '6'), 'memory and processors')
    tap.equal('type="sata"' in text, False, 'the card for graphics is no controller')
    for disk in re.findall('source file="([^"]*)"', text):
        t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', 'a', disk)


@tap.rows([('BIOS', 1, 'bios'), ('BIOS, q35', 2, 'bios'), ('UEFI', 3, 'efi'), ('with secure boot', 4, 'efi')])
def test_firmware(t, bios, firmware):
    package(t, bios)
    found = json.loads(t.vmferry('info', '--output=json', 'vm.ova').stdout)
    tap.contains(json.dumps(found), f'"firmware": "{firmware}"')


def test_a_raw_volume_that_looks_like_another(t):
    """What a guest wrote is no image with files of its own."""
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', 'a', '4M')
    os.truncate(t.path('a'), 4 * MIB)
    t.write('vm.ovf', descriptor([('a', 4 * MIB, 'RAW', 'VirtIO')], 1))
    t.vmferry('convert', '-q', '--no-sync', 'vm.ovf', 'o.xml')
    t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', 'a', 'o-disk1.qcow2')


@tap.rows([('esxi', 'esxi'), ('ovirt', 'ovirt'), ('proxmox', 'proxmox')])
def test_to_a_package_of_the_standard(t, platform):
    package(t)
    t.vmferry('lint', '--for', 'ovirt', '--strict', 'vm.ova')
    t.vmferry('convert', '-q', '--no-sync', '--for', platform, 'vm.ova', 'o.ova')
    t.vmferry('lint', '--for', platform, 'o.ova')
    t.vmferry('verify', '-q', 'o.ova')
    tap.contains(t.vmferry('info', 'o.ova').stdout, MAC)


tap.main(globals())
