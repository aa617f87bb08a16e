# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Proxmox VE's qemu-server.conf: what is read of it, and what is written."""
import json
import os
import pathlib
import subprocess

import model
import tap

SAMPLES = pathlib.Path(os.environ.get('VMFERRY_MACHINES', tap.SOURCE / '../shared/machines')) / 'proxmox'


def ask(t, text, *words, status=0):
    data = text.encode() if isinstance(text, str) else text
    path = t.write('vm.conf', data)
    done = t.run(model.MODEL_OF, path, 'as=proxmox', *words, status=status)
    return json.loads(done.stdout) if status == 0 else done.stderr


def read(t, text, *words):
    return ask(t, text, *words)['machine']


def extras(machine):
    return {extra['key']: (extra.get('value'), extra['known']) for extra in machine.get('extra', [])}


def test_a_usual_machine(t):
    found = read(t, '''#first line%3A
#zweite%20Zeile %C3%BC
boot: order=scsi0;net0
cores: 2
memory: 4096
balloon: 1024
name: web
net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0,firewall=1,tag=20,mtu=1400,rate=1.5,queues=4,link_down=1
onboot: 1
ostype: win11
scsi0: local-lvm:vm-100-disk-0,cache=writeback,discard=on,iothread=1,serial=a%20b,size=32G,ssd=1
scsihw: virtio-scsi-pci
smbios1: uuid=7b10d7af-b932-4c66-b2c3-3996152ec465
sockets: 2
startup: order=3,up=30
vmgenid: 8312995e-57b8-f814-4013-c1ba795f05ba
''')
    disk, = found['disks']
    nic, = found['nics']
    tap.equal([found[key] for key in ('name', 'description', 'uuid', 'vcpus', 'sockets', 'cores', 'memory', 'memory-least', 'clock', 'autostart',
                                      'start-order', 'firmware')],
              ['web', 'first line:\nzweite Zeile ü', '7b10d7af-b932-4c66-b2c3-3996152ec465', 4, 2, 2, 4 << 30, 1 << 30, 'localtime', True, 3, 'bios'])
    tap.equal(found['genid'], '5e991283-b857-14f8-4013-c1ba795f05ba', 'generation id as the guest has it in memory')
    tap.equal(found['controllers'], [{'bus': 'scsi', 'index': 0, 'model': 'virtio-scsi'}])
    tap.equal(disk, {'medium': 'disk', 'bus': 'scsi', 'controller': 0, 'unit': 0, 'elsewhere': 'volume local-lvm:vm-100-disk-0', 'capacity': 32 << 30,
                     'ssd': True, 'discard': True, 'cache': 'writeback', 'serial': 'a b', 'boot': 1})
    tap.equal(nic, {'model': 'virtio', 'mac': 'bc:24:11:2c:69:ec', 'attach': 'bridge', 'network': 'vmbr0', 'vlan': 20, 'mtu': 1400, 'queues': 4,
                    'rate': 1572864, 'link': False, 'boot': 2})
    tap.equal(extras(found), {'net0.firewall': ('1', True), 'scsi0.iothread': ('1', True), 'startup.up': ('30', True)})


def test_what_is_not_said(t):
    found = read(t, 'name: x\n')
    tap.equal([found.get(key) for key in ('vcpus', 'sockets', 'memory', 'firmware', 'clock', 'disks', 'nics')], [1, None, 512 << 20, 'bios', 'utc', None, None])
    found = read(t, 'scsi3: none\nscsi9: /dev/x\nostype: l26\n')
    tap.equal([(c['index'], c['model']) for c in found['controllers']], [(0, 'lsi53c895a'), (1, 'lsi53c895a')])
    tap.equal([(d['controller'], d['unit']) for d in found['disks']], [(0, 3), (1, 2)])


def test_drives_of_a_backup_are_in_it(t):
    found = read(t, 'ide2: local:iso/x.iso,media=cdrom\nscsi0: a:b,size=1G\nefidisk0: a:c,efitype=4m,pre-enrolled-keys=1\nbios: ovmf\n'
                    'tpmstate0: a:d,version=v2.0\nvirtio3: a:e,backup=0\n'
                    '#qmdump#map:scsi0:drive-scsi0:a:raw:\n#qmdump#map:efidisk0:drive-efidisk0:a:raw:\n#vzdump#x\n')
    tap.equal([disk.get('image') for disk in found['disks']], [None, 'drive-scsi0', None], 'images')
    tap.equal([disk.get('elsewhere') for disk in found['disks']], ['volume local:iso/x.iso', None, 'volume a:e'], 'elsewhere')
    tap.equal([found[key] for key in ('nvram', 'firmware', 'secure-boot', 'tpm')], ['drive-efidisk0', 'efi', 'microsoft-keys', '2.0'])
    tap.equal('description' in found, False)


@tap.rows([
    ('order', 'boot: order=net0;ide2;scsi0', None, [2, 3, 1]),
    ('order with a device that is none', 'boot: order=usb0;scsi0', None, [None, 1, None]),
    ('letters', 'boot: cdn\nbootdisk: scsi0', 'disk,cdrom,network', [None, 1, None]),
    ('letters by their name', 'boot: legacy=nc', 'network,disk', [None, None, None]),
    ('first disk alone', 'bootdisk: ide2', None, [1, None, None]),
    ('nothing', 'boot: ', None, [None, None, None]),
])
def test_order_of_starting(t, text, classes, places):
    found = read(t, text + '\nide2: none,media=cdrom\nscsi0: /a\nnet0: e1000=00:00:00:00:00:02\n')
    tap.equal(found.get('boot'), classes, 'classes')
    tap.equal([found['disks'][0].get('boot'), found['disks'][1].get('boot'), found['nics'][0].get('boot')], places, 'places')


@tap.rows([
    ('single adapters', 'scsihw: virtio-scsi-single', 'virtio-scsi', {'scsihw': ('virtio-scsi-single', True)}),
    ('megasas', 'scsihw: megasas', 'lsisas1078', {}),
    ('pvscsi', 'scsihw: pvscsi', 'pvscsi', {}),
])
def test_adapter(t, text, model, left):
    found = read(t, text + '\nscsi1: /a\n')
    tap.equal(found['controllers'][0]['model'], model)
    tap.equal(extras(found), left)


@tap.rows([(row[0], *row) for row in (
    ('qxl2', {'video': 'qxl', 'video-heads': 2}, {}), ('virtio-gl,memory=64', {'video': 'virtio', 'video-3d': True, 'video-memory': 64 << 20}, {}),
    ('serial0', {}, {'vga.type': ('serial0', True)}), ('vmware', {'video': 'vmvga'}, {}), ('memory=32', {'video': 'vga', 'video-memory': 32 << 20}, {}),
)])
def test_screen(t, text, fields, left):
    found = read(t, f'vga: {text}\n')
    tap.equal({key: value for key, value in found.items() if key.startswith('video')}, fields)
    tap.equal(extras(found), left)


def test_keys_without_a_place_are_told(t):
    found = read(t, 'scsi0: /a,invented=3,iops=5\ninvented-key: 7\nargs: -foo\ncipassword: secret\nunused0: a:b\nscsi31: /x\n')
    tap.equal({key: known for key, (_, known) in extras(found).items()},
              {'scsi0.invented': False, 'scsi0.iops': True, 'invented-key': False, 'args': True, 'cipassword': True, 'unused0': True, 'scsi31': False})
    tap.equal('secret' in json.dumps(found), False, 'a password is shown')


SNAPSHOTS = '''name: now
parent: b
scsi0: a:disk,size=2G
[a]
#first%3A one
name: then
scsi0: a:disk,size=1G
snaptime: 1736939109
[b]
parent: a
scsi0: a:disk,size=2G
virtio0: a:gone
snaptime: 1736939200
vmstate: a:state
'''


def test_snapshots(t):
    found = read(t, SNAPSHOTS)
    first, second = found['snapshots']
    tap.equal([first.get(key) for key in ('id', 'name', 'parent', 'description', 'time', 'has-memory', 'current')],
              ['a', 'a', None, 'first: one', 1736939109, False, False])
    tap.equal([second.get(key) for key in ('id', 'parent', 'has-memory', 'current')], ['b', 'a', True, True])
    then = read(t, SNAPSHOTS, 'snapshot=a')
    tap.equal([then['name'], then['disks'][0]['capacity']], ['then', 1 << 30])
    tap.contains(ask(t, SNAPSHOTS, 'snapshot=c', status=1), 'has no snapshot "c" (of 2)')


@tap.rows([
    ('a key twice', 'name: a\nname: b\n', 'proxmox-twice', 'b'), ('no setting', 'name: b\nhello\n', 'proxmox-line', 'b'),
    ('capital letters', 'name: b\nName: c\n', 'proxmox-line', 'b'), ('pending changes', 'name: b\n[PENDING]\nname: c\n[PENDING]\nname: d\n', 'proxmox-section', 'b'),
    ('a section with an odd name', 'name: b\n[special:cloudinit]\nname: c\n', 'proxmox-section', 'b'),
    ('a section like a key', 'name: b\n[scsi0]\nname: c\n[scsi0]\nname: d\n', 'proxmox-twice', 'b'),
    ('a header that does not end', 'name: b\n[x\nname: c\n', 'proxmox-section', 'b'), ('a uuid that is none', 'name: b\nsmbios1: uuid=1\n', 'proxmox-value', 'b'),
    ('a flag that is none', 'name: b\nonboot: 7\n', 'proxmox-value', 'b'), ('a card without a model', 'name: b\nnet0: bridge=x\n', 'proxmox-card', 'b'),
    ('a system that is none', 'name: b\nostype: vms\n', 'proxmox-guest', 'b'), ('not UTF-8', b'name: b\n#\xfc\n', 'proxmox-encoding', 'b'),
    ('escapes of no text', 'name: b\n#%00%ff\n', 'proxmox-escape', 'b'), ('a map without its device', 'name: b\n#qmdump#map:x\n', 'proxmox-line', 'b'),
    ('a word at the end that is no map', 'name: b\n#qmdump#m', 'proxmox-line', 'b'),
    ('a map of no drive', 'name: b\n#qmdump#map:scsi0:drive-scsi0:a:raw:\n', 'proxmox-drive', 'b'),
])
def test_what_is_odd_is_told(t, text, rule, name):
    found = ask(t, text)
    tap.equal(rule in [finding['rule'] for finding in found['findings']], True, found['findings'])
    tap.equal(found['machine']['name'], name)


@tap.rows([
    ('NUL', 'name: a\0b\n', 'has NUL bytes'), ('too long', '#' + 'x' * (1 << 20), 'at most 1048576'), ('memory of nothing', 'memory: 0\n', 'vm.conf:1: memory is "0"'),
    ('memory below zero', 'memory: -1\n', 'memory is "-1"'), ('much memory', 'memory: 99999999999999999999\n', 'memory is'),
    ('no sockets', 'sockets: 0\n', 'sockets is "0"'), ('many processors', 'sockets: 4096\ncores: 4096\n', 'at most 4096 processors'),
    ('another bios', 'bios: uboot\n', 'accepted: seabios, ovmf'), ('another adapter', 'scsi0: /a\nscsihw: x\n', 'accepted: lsi,'),
    ('another medium', 'ide0: /a,media=tape\n', 'accepted: media=disk, media=cdrom'), ('no volume', 'ide0: media=cdrom\n', 'accepted: STORAGE:VOLUME'),
    ('an address that is none', 'net0: virtio=xyz\n', 'vm.conf:1: net0: "xyz" is no address'), ('another processor', 'arch: vax\n', 'accepted: x86_64'),
    ('10,001 settings', ''.join(f'a{"b" * (i % 100)}{i}: 1\n' for i in range(10001)), 'more than 10000 settings'),
    ('1,001 sections', ''.join(f'[s{i}]\n' for i in range(1001)), 'more than 1000 sections'),
    ('many properties', 'ide0: /a' + ',x=1' * 70, 'more than 64 properties'), ('another TPM', 'tpmstate0: a:b,version=v3\n', 'accepted: version=v1.2'),
])
def test_what_is_refused(t, text, part):
    tap.contains(ask(t, text, status=1), part)


def test_8_kib_of_percent_signs(t):
    tap.equal(read(t, '#' + '%25' * 8192 + '\n')['description'], '%' * 8192)


def test_every_sample_is_read(t):
    """Of qemu-server's own tests: nothing in them is unknown, and nothing is refused."""
    files = sorted(SAMPLES.rglob('*.conf'))
    if not files:
        raise tap.Skip('no samples')
    for path in files:
        found = ask(t, path.read_bytes())['machine']
        tap.equal([key for key, (_, known) in extras(found).items() if not known], [], str(path))


@tap.rows([(name, name) for name in ('duplicate-sections', 'verify-snapshot')])
def test_read_as_qemu_server_reads_it(t, name):
    """The machine, and its snapshots, are those of what qemu-server itself writes again."""
    inside, expected = (SAMPLES / f'parse-config-{kind}/{name}.conf' for kind in ('input', 'expected'))
    if not inside.exists():
        raise tap.Skip('no samples')
    for words in ((), ('snapshot=foo' if name == 'duplicate-sections' else 'snapshot=snap',)):
        found, wanted = (ask(t, path.read_bytes(), *words)['machine'] for path in (inside, expected))
        found['extra'], wanted['extra'] = ([extra for extra in machine['extra'] if extra['key'] != 'numa'] for machine in (found, wanted))
        tap.equal(found, wanted)


@tap.rows([(name, name) for name in ('142', '179')])
def test_a_backup_is_read_as_what_a_restore_makes_of_it(t, name):
    inside, expected = (SAMPLES / f'restore-config-{kind}/{name}.conf' for kind in ('input', 'expected'))
    if not inside.exists():
        raise tap.Skip('no samples')
    found, wanted = (ask(t, path.read_bytes())['machine'] for path in (inside, expected))
    for machine in found, wanted:
        machine['disks'] = [disk for disk in machine['disks'] if disk.get('image') or 'target:' in disk.get('elsewhere', '') or disk['medium'] == 'cdrom']
        for disk in machine['disks']:
            disk.pop('image', None), disk.pop('elsewhere', None)
        machine['extra'] = [extra for extra in machine.get('extra', []) if extra['key'] not in ('vmgenid', 'scsi4.backup')]
        machine.pop('genid', None)
        machine.pop('description', None)  # a drive that was left out becomes a comment
    tap.equal(found, wanted)


def test_probed_by_its_content(t):
    for path in sorted((SAMPLES / 'restore-config-input').glob('*.conf')):
        tap.equal(json.loads(subprocess.run([model.MODEL_OF, path], check=True, stdout=subprocess.PIPE).stdout)['format'], 'proxmox')
    t.write('other.conf', b'server: x\nlisten 80\n')
    t.run(model.MODEL_OF, 'other.conf', status=1)


# ---- written ----

def write(t, text, *words, form='proxmox', name='vm.conf', source='source.conf'):
    """(what is written, its machine when it is read again, what the writer tells as {field: (weight, code)})"""
    path = t.write(source, text.encode())
    told = model.written(t, path, t.path(name), form, *(('as=proxmox',) if source.endswith('.conf') else ()), *words)
    found = t.read(name).decode()
    return found, ask(t, found)['machine'], {field: (weight, code) for weight, field, code, _ in told}


SAME = '''#a note%3A 100%25 of %2541%0Ait
bios: seabios
boot: order=scsi0;net0;ide2
balloon: 0
cores: 2
cpu: host,flags=+aes;-pcid,hidden=1
ide2: none,media=cdrom
machine: pc-i440fx-7.2,viommu=virtio
memory: 2048
name: web.example
net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0,firewall=1,tag=20,rate=1.5
net1: e1000e=BC:24:11:2C:69:ED,mtu=1
numa: 1
onboot: 1
ostype: l26
sata3: /images/b.raw,cache=none
scsi0: /images/a.qcow2,discard=on,iothread=1,serial=a%2Cb,size=32G,ssd=1
scsi7: nfs:100/vm-100-disk-1.qcow2,backup=0
scsihw: virtio-scsi-single
serial0: socket
smbios1: uuid=7b10d7af-b932-4c66-b2c3-3996152ec465,serial=eA==,base64=1
sockets: 2
startup: order=3,up=30
tags: x;y
vga: qxl2,memory=32
virtio5: /images/c.raw,ro=1,snapshot=1
vmgenid: 8312995e-57b8-f814-4013-c1ba795f05ba
invented: 7
'''


def test_what_was_read_is_written_again(t):
    before = read(t, SAME)
    _, after, told = write(t, SAME, 'disk=-', 'disk=/images/b.raw', 'disk=/images/a.qcow2', 'disk=-', 'disk=/images/c.raw')
    tap.equal(told, {}, 'losses')
    capacities = {disk['image']: disk['capacity'] for disk in after['disks'] if disk.get('image') and 'c.raw' not in disk['image']}
    tap.equal(capacities, {'/images/a.qcow2': 32 << 30, '/images/b.raw': 1 << 30}, 'capacities')
    for disk in before['disks'] + after['disks']:
        disk.pop('capacity', None)
    tap.equal(extras(after), extras(before), 'what has no place')
    before.pop('extra')
    after.pop('extra')
    tap.equal(after, before, 'machine')


def test_lines_are_sorted_behind_the_description(t):
    lines = write(t, SAME)[0].splitlines()
    tap.equal(lines[:2], ['#a note%3A 100%25 of %2541', '#it'], 'description')
    tap.equal([line.split(':')[0] for line in lines[2:]], sorted(line.split(':')[0] for line in lines[2:]), 'order')


def test_the_mtu_of_the_bridge_is_no_number(t):
    found = read(t, 'net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0,mtu=1\n')
    tap.equal(('mtu' in found['nics'][0], extras(found)), (False, {'net0.mtu': ('1', True)}))


@tap.rows([('not connected', 'ethernet0.startConnected = "FALSE"', True), ('connected', 'ethernet0.startConnected = "TRUE"', False)])
def test_the_cable_of_a_card_that_reaches_nothing_is_out(t, line, out):
    text = write(t, f'virtualHW.version = "19"\nmemsize = "64"\nethernet0.present = "TRUE"\nethernet0.networkName = "vmbr0"\n{line}\n', source='source.vmx')[0]
    tap.equal(',link_down=1' in text, out)


def test_the_cable_of_a_card_on_no_network_is_out(t):
    t.write('vm.vbox', b"""<VirtualBox xmlns="http://www.virtualbox.org/" version="1.19-linux"><Machine uuid="{6ba7b810-9dad-11d1-80b4-00c04fd430c8}" name="vm" OSType="Linux26_64">
<Hardware><Memory RAMSize="64"/><Network><Adapter slot="0" enabled="true" MACAddress="080027000001" cable="true" type="virtio"/></Network></Hardware></Machine></VirtualBox>""")
    t.vmferry('convert', 'vm.vbox', 'vm.conf')
    tap.contains(t.read('vm.conf').decode(), ',link_down=1')


def test_a_processor_of_64_bits_runs_what_has_32(t):
    told = write(t, 'virtualHW.version = "19"\nguestOS = "ubuntu"\nmemsize = "512"\n', source='source.vmx')[2]
    tap.equal(told.get('arch', ('',))[0], 'cosmetic')


def test_a_password_is_not_written(t):
    text, after, told = write(t, 'name: web\ncipassword: secret\nciuser: root\nsshkeys: ssh-ed25519%20AAAA\n')
    tap.equal(('secret' in text, sorted(extras(after)), [loss for losses in told.values() for loss in losses if 'secret' in loss] != []),
              (False, ['ciuser', 'sshkeys'], True), f'text, keys, and a loss of {told}')


def test_in_a_backup_drives_are_tied_to_devices(t):
    found, machine, _ = write(t, SAME, 'disk=-', 'disk=drive-b', 'disk=drive-scsi0', 'disk=drive-x', 'disk=drive-c', name='qemu-server.conf')
    tap.equal([line for line in found.splitlines() if line.startswith('#qmdump')], [
        '#qmdump#map:sata3:drive-b:local:raw:', '#qmdump#map:scsi0:drive-scsi0:local:raw:', '#qmdump#map:scsi7:drive-x:local:raw:',
        '#qmdump#map:virtio5:drive-c:local:raw:'])
    tap.equal([disk.get('image') for disk in machine['disks']], [None, 'drive-b', 'drive-scsi0', 'drive-x', 'drive-c'])


def test_a_copy_has_ids_of_its_own(t):
    _, machine, _ = write(t, SAME, 'copy')
    tap.equal([machine.get('uuid'), machine.get('genid'), machine['nics'][0].get('mac')], [None, None, None])


VMX = '''.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "13"
displayName = "Büro (1) x"
guestOS = "windows2019srv-64"
memsize = "4096"
numvcpus = "4"
cpuid.coresPerSocket = "2"
uuid.bios = "56 4d 6c 27 96 ea 12 07-6f 1b 8a 5d 2c 3e 4f 60"
firmware = "%s"
scsi0.present = "TRUE"
scsi0.virtualDev = "%s"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "a.vmdk"
scsi0:2.present = "TRUE"
scsi0:2.fileName = "b.vmdk"
nvme0.present = "TRUE"
nvme0:0.present = "TRUE"
nvme0:0.fileName = "c.vmdk"
ide1:0.present = "TRUE"
ide1:0.deviceType = "cdrom-raw"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vmxnet3"
ethernet0.networkName = "VM Network"
ethernet0.addressType = "static"
ethernet0.address = "00:50:56:00:00:01"
'''


@tap.rows([('that it has', 'Skylake-Client', 'Skylake-Client', False), ('that it has not', 'cpu64-rhel6', 'x86-64-v2-AES', True)])
def test_a_model_of_a_processor(t, model_name, line, lost):
    domain = f'<domain type="kvm"><name>v</name><memory>65536</memory><cpu mode="custom"><model>{model_name}</model></cpu><devices/></domain>'
    found, _, told = write(t, domain, source='vm.xml')
    tap.equal(('cpu: ' + line in found.splitlines(), 'cpu-model' in told), (True, lost))


@tap.rows([('all of them', '<feature policy="require" name="ssbd"/><feature policy="disable" name="pcid"/>', 'host,flags=+ssbd;-pcid', False),
           ('some', '<feature policy="disable" name="hypervisor"/><feature policy="require" name="aes"/>', 'host,flags=+aes', True),
           ('none', '<feature policy="require" name="avx"/>', 'host', True)])
def test_flags_of_a_processor_that_a_machine_may_have(t, features, line, lost):
    """For another one Proxmox VE leaves away the whole line."""
    domain = f'<domain type="kvm"><name>v</name><memory>65536</memory><cpu mode="host-passthrough">{features}</cpu><devices/></domain>'
    found, _, told = write(t, domain, source='vm.xml')
    tap.equal(('cpu: ' + line in found.splitlines(), 'cpu-flags' in told), (True, lost))


@tap.rows([
    ('pvscsi', 'efi', 'pvscsi', ['ide2', 'sata0', 'scsi0', 'scsi2'], 'scsihw: pvscsi'),
    ('lsilogic', 'bios', 'lsilogic', ['ide2', 'sata0', 'sata1', 'sata2'], None),
    ('lsisas1068', 'efi', 'lsisas1068', ['ide2', 'sata0', 'sata1', 'sata2'], None),
])
def test_a_machine_of_vmware(t, firmware, adapter, drives, line):
    found, machine, told = write(t, VMX % (firmware, adapter), source='vm.vmx')
    lines = found.splitlines()
    tap.equal([text.split(':')[0] for text in lines if text.startswith(('ide', 'sata', 'scsi')) and not text.startswith('scsihw')], drives)
    tap.equal([text for text in lines if text.startswith('scsihw')], [line] if line else [])
    tap.equal([machine[key] for key in ('name', 'os-source', 'memory', 'sockets', 'cores', 'uuid')],
              ['Bro-1-x', 'win10', 4 << 30, 2, 2, '276c4d56-ea96-0712-6f1b-8a5d2c3e4f60'])
    tap.equal(machine['nics'][0]['network'], 'vmbr0')
    moved = {field for field, (weight, code) in told.items() if (weight, code) == ('boot', 'L-controller')}
    tap.equal(len(moved), 1 if line else 3, told)
    tap.equal([told['name'], told['nics[0].network']], [('cosmetic', 'L-name-changed'), ('behaviour', 'L-network-name')])
    if firmware == 'efi':
        tap.equal((told['nvram'], 'machine: q35' in lines), (('behaviour', 'L-nvram'), True))


@tap.rows([('secure boot', 'TRUE', 'pre-enrolled-keys=1'), ('none', 'FALSE', 'pre-enrolled-keys=0')])
def test_the_keys_of_the_firmware_are_those_that_secure_boot_asks_for(t, secure, keys):
    t.write('vm.vmx', f'virtualHW.version = "19"\nguestOS = "other-64"\nmemsize = "512"\nfirmware = "efi"\nuefi.secureBoot.enabled = "{secure}"\n'.encode())
    tap.contains(t.vmferry('convert', 'vm.vmx', 'vm.conf').stderr, keys)


@tap.rows([
    ('a name', 'name: x\n', None), ('a name of a command', "name: $(reboot)\n", 'reboot'), ('dots and dashes', 'name: -..x-y.-\n', 'x-y'),
    ('a path', 'name: ../../etc\n', 'etc'), ('a dot and a blank', 'name: Dr. Web\n', 'Dr.Web'), ('dashes at a dot', 'name: a-_.-.b--c.d\n', 'a.b--c.d'), ('nothing that is left', 'name: äöü\n', None), ('300 letters', 'name: ' + 'x' * 300 + '\n', 'x' * 63),
])
def test_names(t, text, expected):
    found = write(t, text)[1]
    tap.equal(found.get('name'), 'x' if text == 'name: x\n' else expected)


def test_more_drives_than_there_are_places(t):
    text = VMX % ('bios', 'pvscsi') + ''.join(
        f'sata{c}.present = "TRUE"\nsata{c}:{u}.present = "TRUE"\nsata{c}:{u}.fileName = "{c}-{u}.vmdk"\n' for c in range(4) for u in range(10))
    path = t.write('vm.vmx', text.encode())
    tap.contains(model.refused(t, path, 'to=proxmox', 'name=vm.conf'), 'more than Proxmox VE has places for')


def test_every_sample_is_written_and_read_again(t):
    """What is not the same: what the writer tells, defaults that are written down, snapshots."""
    files = sorted(SAMPLES.rglob('*.conf'))
    if not files:
        raise tap.Skip('no samples')
    defaults = {'cpu-model', 'hw-version', 'nvram', 'tpm', 'secure-boot', 'snapshots', 'extra', 'disks', 'nics', 'sockets', 'cores'}
    for path in files:
        before = ask(t, path.read_bytes())['machine']
        _, after, _ = write(t, path.read_text(encoding='utf-8'))
        differ = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        tap.equal(differ - defaults, set(), str(path))
        tap.equal([disk.get('elsewhere') for disk in after.get('disks', [])], [disk.get('elsewhere') for disk in before.get('disks', [])], str(path))


def test_no_processor_at_the_start(t):
    """Of another format: no number that Proxmox VE takes."""
    t.write('vm.xml', b"<domain type='kvm'><name>m</name><memory>524288</memory><vcpu current='0'>2</vcpu><os><type arch='x86_64'>hvm</type></os></domain>")
    t.vmferry('convert', 'vm.xml', 'vm.conf')
    tap.equal(b'vcpus:' in t.read('vm.conf'), False, 'vcpus')
    t.vmferry('info', 'vm.conf')


tap.main(globals())
