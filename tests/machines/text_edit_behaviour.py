#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""vmferry edit of a machine's text: what was asked for changes, and no other byte does."""
import difflib
import json
import os
import subprocess

import tap
from hostile_names import WORDS

def hostile(part):
    """A third of the list for each format; VMFERRY_TEST_ALL=1 tries all for each. Commas, control characters and what is long are refused."""
    words = [word for word in WORDS if len(word) < 100 and not set(word) & {',', '\t', '\x85'}]
    return [(repr(word), word) for word in (words if os.environ.get('VMFERRY_TEST_ALL') else words[part::3])]



def edit(t, path, *words, **options):
    return t.vmferry('edit', *words, path, **options)


def machine(t, path):
    return json.loads(t.vmferry('info', '--output=json', path).stdout)['machine']


def lines(before, after):
    """The lines that go and those that come, whatever their encoding."""
    before, after = (text.decode('latin-1').splitlines(keepends=True) for text in (before, after))
    changed = [line for line in difflib.ndiff(before, after) if line[0] in '+-']
    return [line[2:] for line in changed if line[0] == '-'], [line[2:] for line in changed if line[0] == '+']


def cards(found):
    return [(nic.get('model'), nic.get('network'), nic.get('mac')) for nic in found['nics']]


# ---- .vmx ----

VMX = b'''.encoding = "windows-1252"\r
config.version = "8"\r
virtualHW.version = "13"\r
\r
# a comment; b\xe4\r
displayName = "alt"   # stays\r
GUESTOS = ubuntu-64\r
memsize = '1024'\r
numvcpus = "4"\r
cpuid.coresPerSocket = "4"\r
annotation = "an "old" one"\r
invented.key  =  "\xe4|22"\r
scsi0.present = "TRUE"\r
scsi0.virtualDev = "pvscsi"\r
scsi0:0.present = "TRUE"\r
scsi0:0.fileName = "a.vmdk"\r
ide1:0.present = "TRUE"\r
ide1:0.deviceType = "cdrom-image"\r
ide1:0.fileName = "x.iso"\r
ethernet0.present = "FALSE"\r
ethernet1.present = "TRUE"\r
ethernet1.virtualDev = "vmxnet3"\r
ethernet1.networkName = "VM Network"\r
ethernet1.addressType = "generated"\r
ethernet1.generatedAddress = "00:0c:29:00:00:01"\r
ethernet1.pciSlotNumber = "160"\r
ethernet3.present = "TRUE"\r
ethernet3.connectionType = "nat"\r
memsize = "99"\r
no setting\r
last = "1"'''
START = b'config.version = "8"\nvirtualHW.version = "13"\n'


@tap.rows([
    ('name', ['--name', 'neu'], ['displayName = "alt"   # stays\r\n'], ['displayName = "neu"   # stays\r\n']),
    ('memory', ['--memory', '2G'], ["memsize = '1024'\r\n"], ['memsize = "2048"\r\n']),
    ('guest', ['--os', 'debian10_64'], ['GUESTOS = ubuntu-64\r\n'], ['GUESTOS = "debian10-64"\r\n']),
    ('note', ['--annotation', 'x\ny'], ['annotation = "an "old" one"\r\n'], ['annotation = "x|0Ay"\r\n']),
    ('no note', ['--annotation', ''], ['annotation = "an "old" one"\r\n'], []),
    ('network', ['--network', 'VM Network=lan'], ['ethernet1.networkName = "VM Network"\r\n'], ['ethernet1.networkName = "lan"\r\n']),
    ('card', ['--nic', '1,model=e1000'], ['ethernet1.virtualDev = "vmxnet3"\r\n'], ['ethernet1.virtualDev = "e1000"\r\n']),
    ('a card goes', ['--nic', '2,none'], ['ethernet3.present = "TRUE"\r\n', 'ethernet3.connectionType = "nat"\r\n'], []),
    ('cd', ['--remove-cd'], ['ide1:0.present = "TRUE"\r\n', 'ide1:0.deviceType = "cdrom-image"\r\n', 'ide1:0.fileName = "x.iso"\r\n'], []),
    ('new at the end', ['--firmware', 'efi'], ['last = "1"'], ['last = "1"\r\n', 'firmware = "efi"\r\n']),
    ('what is so already', ['--cpus', '4', '--nic', '1,model=vmxnet3', '--memory', '1G', '--firmware', 'bios'], [], []),
])
def test_only_the_lines_of_what_was_asked_for_change(t, words, gone, come):
    path = t.write('a.vmx', VMX)
    before = os.stat(path).st_ino
    edit(t, path, *words)
    tap.equal(lines(VMX, t.read('a.vmx')), (gone, come))
    tap.equal(os.stat(path).st_ino == before, not gone and not come)


def test_every_option_of_a_vmx_at_once_reads_back(t):
    path = t.write('a.vmx', VMX)
    done = edit(t, path, '--name', 'n', '--cpus', '6', '--memory', '1536M', '--network', 'VM Network=lan', '--nic', '1,mac=00:50:56:00:00:07',
                '--nic', '2,network=vmnet3,model=vmxnet3', '--nic', 'new,model=e1000e,mac=02:00:00:00:00:01', '--os', 'windows9_64', '--firmware', 'efi',
                '--annotation', 'a|b', '--remove-cd')
    tap.contains(done.stderr, '[edit-cores]')
    found = machine(t, path)
    tap.equal((found['name'], found['vcpus'], found['memory'], found['firmware'], found['description'], found['os']),
              ('n', 6, 1536 << 20, 'efi', 'a|b', 'windows9_64Guest'))
    tap.equal(cards(found), [('vmxnet3', 'lan', '00:50:56:00:00:07'), ('vmxnet3', 'vmnet3', None), ('e1000e', 'lan', '02:00:00:00:00:01')])
    tap.equal([(disk['medium'], disk['image']) for disk in found['disks']], [('disk', 'a.vmdk')])
    text = t.read('a.vmx')
    for part in (b'invented.key  =  "\xe4|22"\r\n', b'no setting\r\n', b'memsize = "99"\r\n', b'checkMACAddress = "FALSE"', b'pciSlotNumber = "160"'):
        assert part in text, (part, text)
    tap.equal(b'generatedAddress' in text, False)


def test_a_patch_is_what_a_dry_run_shows(t):
    path = t.write('a.vmx', VMX)
    done = subprocess.run([tap.VMFERRY, 'edit', '--dry-run', '--name', 'b', '--firmware', 'efi', path], capture_output=True, check=True)
    tap.equal(t.read('a.vmx'), VMX)
    t.run(tap.tool('patch'), '--binary', '-s', t.write('b.vmx', VMX), t.write('p', done.stdout))
    edit(t, path, '--name', 'b', '--firmware', 'efi')
    tap.equal(t.read('b.vmx'), t.read('a.vmx'))


@tap.rows([
    ('windows-1252', 'ä€', 'ä€'.encode('cp1252'), b'.encoding = "windows-1252"\n'),
    ('UTF-8', 'ж', 'ж'.encode(), b'.encoding = "UTF-8"\n'),
    ('GBK', '中文', '中文'.encode('gbk'), b'.encoding = "GBK"\n'),
    ('Shift_JIS', 'ソ表', 'ソ表'.encode('cp932'), b'.encoding = "Shift_JIS"\n'),
    ('UTF-8 with a mark', 'ж', 'ж'.encode(), b'\xef\xbb\xbf.encoding = "UTF-8"\n'),
])
def test_a_value_is_in_the_encoding_of_the_file(t, name, stored, start):
    path = t.write('a.vmx', start + START + b'displayName = "a"\n')
    edit(t, path, '--name', name)
    tap.equal(t.read('a.vmx'), start + START + b'displayName = "' + stored + b'"\n')
    tap.equal(machine(t, path)['name'], name)


def test_a_file_without_an_encoding_says_it_where_it_needs_one(t):
    path = t.write('a.vmx', b'\xef\xbb\xbf' + START)
    edit(t, path, '--name', 'ж')
    tap.equal(t.read('a.vmx'), b'\xef\xbb\xbf.encoding = "UTF-8"\n' + START + 'displayName = "ж"\n'.encode())


def test_what_the_encoding_does_not_have_is_refused(t):
    path = t.write('a.vmx', VMX)
    tap.contains(edit(t, path, '--name', 'ж', status=1).stderr, 'cannot be written in CP1252')
    tap.equal(t.read('a.vmx'), VMX)


def test_every_line_of_a_key_goes(t):
    path = t.write('a.vmx', START + b'annotation = "a"\nAnnotation = "b"\n')
    edit(t, path, '--annotation', '')
    tap.equal(t.read('a.vmx'), START)


def test_a_controller_stays_what_it_was_for_the_old_guest(t):
    path = t.write('a.vmx', START + b'guestOS = "ubuntu-64"\nscsi0.present = "TRUE"\n')
    edit(t, path, '--os', 'windows9_64')
    tap.contains(t.read('a.vmx').decode(), 'scsi0.virtualDev = "lsilogic"\n')


@tap.rows(hostile(0))
def test_hostile_texts_stay_values_of_a_vmx(t, value):
    path = t.write('a.vmx', START + b'ethernet0.present = "TRUE"\nethernet0.networkName = "a"\n')
    edit(t, path, '--name', value, '--annotation', value + '\nmemsize = "4"', '--network', 'a=' + value, '--nic', 'new,network=' + value)
    found = machine(t, path)
    tap.equal((found['name'], found['description'], [nic['network'] for nic in found['nics']]), (value, value + '\nmemsize = "4"', [value, value]))
    tap.equal(found['memory'], 32 << 20)


@tap.rows([
    ('properties', ['--property', 'a=b'], 'properties cannot be changed'),
    ('licences', ['--eula', '/dev/null'], 'licence'),
    ('card', ['--nic', '1,model=virtio'], 'VMware has no network card "virtio"'),
    ('card that is not there', ['--nic', '3,none'], 'has no network card 3; there are 2'),
    ('network', ['--network', 'x=y'], 'there are: VM Network'),
    ('processors', ['--cpus', '1000'], '1 to 768'),
    ('long name', ['--name', 'x' * 256], '255 at most'),
    ('system', ['--system', '1', '--cpus', '1'], 'has one machine'),
    ('guest without a name', ['--os', 'NetBSD'], 'VMware has no name'),
    ('long note', ['--annotation', 'x' * 70000], 'cannot be read'),
])
def test_what_a_vmx_cannot_hold_is_refused(t, words, text):
    path = t.write('a.vmx', VMX)
    done = edit(t, path, *words, status=None)
    tap.contains(done.stderr, text)
    tap.equal((done.returncode > 0, t.read('a.vmx')), (True, VMX))


def test_ten_cards_are_the_most(t):
    path = t.write('a.vmx', START + b'ethernet9.present = "TRUE"\n')
    tap.contains(edit(t, path, '--nic', 'new,model=e1000', status=9).stderr, 'ten network cards')


def test_ten_thousand_settings_are_spliced(t):
    many = START + b''.join(b'guestinfo.k%d = "%d"\n' % (i, i) for i in range(9900))
    path = t.write('a.vmx', many)
    edit(t, path, '--memory', '64M', '--name', 'x')
    tap.equal(t.read('a.vmx'), many + b'displayName = "x"\nmemsize = "64"\n')


# ---- Proxmox ----

CONF = b"""#first%3A\r
#second\r
boot: order=scsi0;ide2;net0;net5\r
cores: 2\r
balloon: 1024\r
invented:  x  \r
memory:   2048  \r
name: web\r
net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0,firewall=1,tag=20\r
net5: model=e1000,macaddr=BC:24:11:2C:69:ED,link_down=1\r
ostype: l26\r
ide2: local:iso/x.iso,media=cdrom,size=4M\r
scsi0: local-lvm:vm-100-disk-0,size=32G\r
scsihw: virtio-scsi-pci\r
sockets: 2\r
\r
[PENDING]\r
memory: 99\r
\r
[snap]\r
#of the snapshot\r
memory: 77\r
name: old\r
"""


@tap.rows([
    ('name', ['--name', 'neu.lan'], ['name: web\r\n'], ['name: neu.lan\r\n']),
    ('memory', ['--memory', '4G'], ['memory:   2048  \r\n'], ['memory:   4096  \r\n']),
    ('whole sockets', ['--cpus', '8'], ['cores: 2\r\n'], ['cores: 4\r\n']),
    ('no whole sockets', ['--cpus', '3'], ['cores: 2\r\n', 'sockets: 2\r\n'], ['cores: 3\r\n', 'sockets: 1\r\n']),
    ('guest', ['--os', 'windows9_64'], ['ostype: l26\r\n'], ['ostype: win10\r\n']),
    ('new', ['--firmware', 'efi'], [], ['bios: ovmf\r\n']),
    ('note', ['--annotation', 'a: 100%\nb'], ['#first%3A\r\n', '#second\r\n'], ['#a%3A 100%25\r\n', '#b\r\n']),
    ('no note', ['--annotation', ''], ['#first%3A\r\n', '#second\r\n'], []),
    ('network', ['--network', 'vmbr0=vmbr1'], ['net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0,firewall=1,tag=20\r\n'],
     ['net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr1,firewall=1,tag=20\r\n']),
    ('model', ['--nic', '1,model=e1000'], ['net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0,firewall=1,tag=20\r\n'],
     ['net0: e1000=BC:24:11:2C:69:EC,bridge=vmbr0,firewall=1,tag=20\r\n']),
    ('no address', ['--nic', '2,mac='], ['net5: model=e1000,macaddr=BC:24:11:2C:69:ED,link_down=1\r\n'], ['net5: e1000,link_down=1\r\n']),
    ('a card is put on a bridge', ['--nic', '2,network=vmbr9'], ['net5: model=e1000,macaddr=BC:24:11:2C:69:ED,link_down=1\r\n'],
     ['net5: e1000=BC:24:11:2C:69:ED,link_down=1,bridge=vmbr9\r\n']),
    ('a new card', ['--nic', 'new,mac=02:00:00:00:00:aa'], [], ['net6: virtio=02:00:00:00:00:AA,bridge=vmbr0\r\n']),
    ('a card goes', ['--nic', '1,none'], ['boot: order=scsi0;ide2;net0;net5\r\n', 'net0: virtio=BC:24:11:2C:69:EC,bridge=vmbr0,firewall=1,tag=20\r\n'],
     ['boot: order=scsi0;ide2;net5\r\n']),
    ('cd', ['--remove-cd'], ['boot: order=scsi0;ide2;net0;net5\r\n', 'ide2: local:iso/x.iso,media=cdrom,size=4M\r\n'], ['boot: order=scsi0;net0;net5\r\n']),
    ('what is so already', ['--cpus', '4', '--memory', '2G', '--firmware', 'bios', '--annotation', 'first:\nsecond', '--nic', '1,model=virtio'], [], []),
])
def test_only_the_lines_of_what_was_asked_for_change_in_a_conf(t, words, gone, come):
    path = t.write('a.conf', CONF)
    edit(t, path, *words)
    found, expected = lines(CONF, t.read('a.conf')), (gone, come)
    tap.equal((sorted(found[0]), sorted(found[1])), (sorted(expected[0]), sorted(expected[1])))
    tap.equal(t.read('a.conf').partition(b'[PENDING]')[2], CONF.partition(b'[PENDING]')[2])


def test_every_option_of_a_conf_at_once_reads_back(t):
    path = t.write('a.conf', CONF.replace(b'\r\n', b'\n'))
    done = edit(t, path, '--name', 'n', '--cpus', '6', '--memory', '512M', '--network', 'vmbr0=lan', '--nic', '2,model=vmxnet3,network=lan',
                '--nic', 'new,model=e1000e', '--os', 'ubuntu-64', '--firmware', 'efi', '--annotation', 'x', '--remove-cd')
    tap.contains(done.stderr, '[edit-balloon]')
    tap.contains(done.stderr, '[edit-efidisk]')
    found = machine(t, path)
    tap.equal((found['name'], found['vcpus'], found['memory'], found['firmware'], found['description']), ('n', 6, 512 << 20, 'efi', 'x'))
    tap.equal(cards(found), [('virtio', 'lan', 'bc:24:11:2c:69:ec'), ('vmxnet3', 'lan', 'bc:24:11:2c:69:ed'), ('e1000e', 'lan', None)])
    tap.equal([disk['medium'] for disk in found['disks']], ['disk'])


@tap.rows(hostile(1))
def test_hostile_texts_stay_values_of_a_conf(t, value):
    path = t.write('a.conf', CONF)
    note = value + '\nmemory: 4\n[x]\n#qmdump#map:a:b:c:d:'
    edit(t, path, '--annotation', note)
    found = machine(t, path)
    tap.equal((found['description'], found['memory'], found['name']), (note, 2 << 30, 'web'))
    for words in (['--name', value], ['--network', 'vmbr0=' + value], ['--nic', 'new,network=' + value]):
        before = t.read('a.conf')
        done = edit(t, path, *words, status=None)
        if done.returncode:
            tap.contains(done.stderr, 'Proxmox VE takes')
            tap.equal(t.read('a.conf'), before)


@tap.rows([
    ('properties', ['--property', 'a=b'], 'properties cannot be changed'),
    ('name', ['--name', 'a b'], 'names of the DNS'),
    ('an empty part of a name', ['--name', 'a.-b'], 'names of the DNS'),
    ('bridge', ['--network', 'vmbr0=a,b'], 'no name of a bridge'),
    ('card that is not there', ['--nic', '3,none'], 'there are 2'),
    ('network', ['--network', 'x=y'], 'there are: vmbr0'),
])
def test_what_a_conf_cannot_hold_is_refused(t, words, text):
    path = t.write('a.conf', CONF)
    done = edit(t, path, *words, status=None)
    tap.contains(done.stderr, text)
    tap.equal((done.returncode > 0, t.read('a.conf')), (True, CONF))


def test_what_proxmox_has_locked_is_refused(t):
    path = t.write('a.conf', b'lock: backup\n' + CONF)
    tap.contains(edit(t, path, '--cpus', '1', status=7).stderr, 'locked the machine (backup)')


def test_of_a_setting_that_is_there_twice_the_last_counts(t):
    path = t.write('a.conf', b'memory: 16\n' + CONF)
    edit(t, path, '--memory', '64M')
    tap.equal(t.read('a.conf'), b'memory: 16\n' + CONF.replace(b'memory:   2048  ', b'memory:   64  ').replace(b'balloon: 1024', b'balloon: 64'))


# ---- libvirt ----

XML = """<?xml version='1.0'?>
<!-- odd   blanks & stay -->
<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>vm</name>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://ubuntu.com/ubuntu/22.04"/>
    </libosinfo:libosinfo>
  </metadata>
  <memory unit='MiB'>1024</memory>
  <currentMemory unit='KiB'>1048576</currentMemory>
  <vcpu placement='static' current='2'>4</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <loader readonly='yes' type='rom'>/usr/share/seabios/bios.bin</loader>
    <boot dev='hd'/>
  </os>
  <cpu mode='host-passthrough'><topology sockets='2' dies='1' cores='2' threads='1'/></cpu>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/images/a.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <source network='default'/>
      <model type='virtio'/>
    </interface>
    <interface type='user'/>
  </devices>
  <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>
</domain>
""".replace('&', 'and').encode()


def inner(text):
    """Without the blanks at the ends of the lines."""
    return [line.strip() for line in text]


@tap.rows([
    ('name', ['--name', 'n<u>'], ['<name>vm</name>'], ['<name>n&lt;u&gt;</name>']),
    ('memory', ['--memory', '2G'], ["<memory unit='MiB'>1024</memory>", "<currentMemory unit='KiB'>1048576</currentMemory>"],
     ["<memory unit='MiB'>2048</memory>", "<currentMemory unit='KiB'>2097152</currentMemory>"]),
    ('whole sockets', ['--cpus', '6'], ["<vcpu placement='static' current='2'>4</vcpu>",
                                        "<cpu mode='host-passthrough'><topology sockets='2' dies='1' cores='2' threads='1'/></cpu>"],
     ["<vcpu placement='static' current='2'>6</vcpu>", "<cpu mode='host-passthrough'><topology sockets='3' dies='1' cores='2' threads='1'/></cpu>"]),
    ('no whole sockets', ['--cpus', '1'], ["<vcpu placement='static' current='2'>4</vcpu>",
                                           "<cpu mode='host-passthrough'><topology sockets='2' dies='1' cores='2' threads='1'/></cpu>"],
     ["<vcpu placement='static'>1</vcpu>", "<cpu mode='host-passthrough'></cpu>"]),
    ('guest', ['--os', 'debian10_64'], ['<libosinfo:os id="http://ubuntu.com/ubuntu/22.04"/>'], ['<libosinfo:os id="http://debian.org/debian/10"/>']),
    ('firmware', ['--firmware', 'efi'], ['<os>', "<loader readonly='yes' type='rom'>/usr/share/seabios/bios.bin</loader>"], ['<os firmware="efi">']),
    ('note', ['--annotation', 'a\n<b>'], [], ['<description>a', '&lt;b&gt;</description>']),
    ('network', ['--network', 'default=lan'], ["<source network='default'/>"], ["<source network='lan'/>"]),
    ('model', ['--nic', '1,model=e1000e,mac=52:54:00:00:00:02'], ["<mac address='52:54:00:00:00:01'/>", "<model type='virtio'/>"],
     ["<mac address='52:54:00:00:00:02'/>", "<model type='e1000e'/>"]),
    ('no address', ['--nic', '1,mac='], ["<mac address='52:54:00:00:00:01'/>"], []),
    ('a card of QEMU\'s own network', ['--nic', '2,network=lan'], ["<interface type='user'/>"],
     ["<interface type='network'>", '<source network="lan"/>', '</interface>']),
    ('a new card', ['--nic', 'new,model=e1000'], [], ['<interface type="network">', '<source network="default"/>', '<model type="e1000"/>', '</interface>']),
    ('a card goes', ['--nic', '2,none'], ["<interface type='user'/>"], []),
    ('cd', ['--remove-cd'], ["<disk type='file' device='cdrom'>", "<target dev='sda' bus='sata'/>", '<readonly/>', '</disk>'], []),
    ('what is so already', ['--cpus', '4', '--memory', '1G', '--firmware', 'bios', '--nic', '1,model=virtio,network=default', '--name', 'vm'], [], []),
])
def test_only_the_elements_of_what_was_asked_for_change(t, words, gone, come):
    path = t.write('a.xml', XML)
    edit(t, path, *words)
    found = lines(XML, t.read('a.xml'))
    tap.equal((sorted(inner(found[0])), sorted(inner(found[1]))), (sorted(gone), sorted(come)))
    t.run(tap.tool('xmllint'), '--noout', path)


def test_every_option_of_a_domain_at_once_reads_back(t):
    path = t.write('a.xml', XML)
    done = edit(t, path, '--name', 'n', '--cpus', '3', '--memory', '512M', '--network', 'default=lan', '--nic', '2,model=vmxnet3,network=dmz',
                '--nic', 'new,model=e1000e', '--os', 'windows9_64', '--firmware', 'efi', '--annotation', 'x', '--remove-cd')
    for rule in ('edit-cores', 'edit-loader'):
        tap.contains(done.stderr, f'[{rule}]')
    found = machine(t, path)
    tap.equal((found['name'], found['vcpus'], found['memory'], found['firmware'], found['description']), ('n', 3, 512 << 20, 'efi', 'x'))
    tap.equal(cards(found), [('virtio', 'lan', '52:54:00:00:00:01'), ('vmxnet3', 'dmz', None), ('e1000e', 'lan', None)])
    tap.equal([disk['medium'] for disk in found['disks']], ['disk'])
    for part in (b'<!-- odd   blanks and stay -->', b"<qemu:arg value='-foo'/>"):
        assert part in t.read('a.xml'), part


@tap.rows(hostile(2))
def test_hostile_texts_stay_values_of_a_domain(t, value):
    path = t.write('a.xml', XML)
    edit(t, path, '--name', value.replace('/', ''), '--annotation', value, '--network', 'default=' + value, '--nic', 'new,network=' + value)
    found = machine(t, path)
    tap.equal((found['name'], found['description'], [nic.get('network') for nic in found['nics']]), (value.replace('/', ''), value, [value, None, value]))


@tap.rows([
    ('properties', XML, ['--property', 'a=b'], 'properties cannot be changed'),
    ('slash', XML, ['--name', 'a/b'], 'libvirt takes no "/"'),
    ('memory of cells', XML.replace(b'<topology', b"<numa><cell id='0' cpus='0-3' memory='1048576'/></numa><topology"), ['--memory', '2G'], '<numa> shares out'),
    ('memory that is plugged in', XML.replace(b'<memory', b"<maxMemory slots='4' unit='GiB'>8</maxMemory><memory"), ['--memory', '2G'], '<maxMemory>'),
    ('each processor', XML.replace(b'<os>', b"<vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/></vcpus><os>"), ['--cpus', '2'], '<vcpus> shares out'),
    ('card of the host', XML.replace(b"type='user'", b"type='ethernet'"), ['--nic', '2,network=x'], 'type "ethernet"'),
    ('network', XML, ['--network', 'x=y'], 'there are: default'),
])
def test_what_a_domain_cannot_hold_is_refused(t, before, words, text):
    path = t.write('a.xml', before)
    done = edit(t, path, *words, status=None)
    tap.contains(done.stderr, text)
    tap.equal((done.returncode > 0, t.read('a.xml')), (True, before))


def test_a_domain_in_another_encoding_is_in_utf_8_then_and_that_is_told(t):
    path = t.write('a.xml', XML.decode().replace("version='1.0'", "version='1.0' encoding='ISO-8859-1'").replace('>vm<', '>vü<').encode('latin-1'))
    tap.contains(edit(t, path, '--annotation', 'ж').stderr, '[edit-encoding]')
    found = machine(t, path)
    tap.equal((found['name'], found['description']), ('vü', 'ж'))
    t.run(tap.tool('xmllint'), '--noout', path)


def test_a_small_domain_gets_what_it_lacks(t):
    path = t.write('a.xml', b"<domain type='kvm'><name>a</name><memory>65536</memory><os><type>hvm</type></os><devices/></domain>")
    edit(t, path, '--os', 'ubuntu-64', '--cpus', '2', '--annotation', 'x', '--nic', 'new,network=n', '--firmware', 'efi')
    found = machine(t, path)
    tap.equal((found['vcpus'], found['description'], found['firmware'], cards(found)), (2, 'x', 'efi', [('virtio', 'n', None)]))


# ---- of all formats ----

TEXTS = {'vmx': VMX, 'conf': CONF, 'xml': XML}


def put(t, kind):
    return t.write('m.' + kind, TEXTS[kind])


EVERY = tap.rows([(kind, kind) for kind in TEXTS])


@EVERY
def test_a_running_machine_is_refused(t, kind):
    path = put(t, kind)
    os.mkdir(path + '.lck')
    edit(t, path, '--name', 'x')
    t.write(f'm.{kind}.lck/M1.lck', b'')
    tap.contains(edit(t, path, '--name', 'y', status=7).stderr, 'running machine')
    edit(t, path, '-U', '--name', 'y')
    tap.equal(machine(t, path)['name'], 'y')


@tap.rows([
    ('disk', 'd.raw', 'neither a package (OVA, OVF) nor the text of a machine'),
    ('XVA', 'm.xva', 'convert the machine first'),
    ('VMA', 'm.vma', 'convert them first'),
])
def test_what_is_not_edited_is_refused_with_what_to_do(t, name, text):
    t.write('d.raw', bytes(1 << 20))
    t.vmferry('pack', t.path('d.raw'), '-o', t.path('m.ova'))
    if name != 'd.raw':
        t.vmferry('convert', '-q', t.path('m.ova'), t.path(name))
    before = t.read(name)
    done = edit(t, t.path(name), '--cpus', '2', status=None)
    tap.contains(done.stderr, text)
    tap.equal((done.returncode > 0, t.read(name)), (True, before))


def test_a_suspended_machine_keeps_its_hardware(t):
    path = t.write('a.vmx', START + b'checkpoint.vmState = "a.vmss"\n')
    tap.contains(edit(t, path, '--cpus', '2', status=2).stderr, 'is suspended')
    edit(t, path, '--name', 'x')


@EVERY
def test_a_link_stays_one(t, kind):
    os.mkdir(t.path('real'))
    t.write('real/m.' + kind, TEXTS[kind])
    os.symlink('real/m.' + kind, t.path('m.' + kind))
    edit(t, t.path('m.' + kind), '--name', 'new')
    tap.equal((os.path.islink(t.path('m.' + kind)), os.path.islink(t.path('real/m.' + kind))), (True, False))
    tap.equal(machine(t, t.path('m.' + kind))['name'], 'new')


@EVERY
def test_mode_stays_and_another_file_can_be_written(t, kind):
    path = put(t, kind)
    os.chmod(path, 0o640)
    edit(t, path, '--name', 'new', '-o', t.path('other.' + kind))
    tap.equal(t.read('m.' + kind), TEXTS[kind])
    tap.equal(machine(t, t.path('other.' + kind))['name'], 'new')
    edit(t, path, '--name', 'other', '--no-clobber', '-o', t.path('other.' + kind), status=1)
    edit(t, path, '--name', 'new')
    tap.equal(os.stat(path).st_mode & 0o777, 0o640)
    tap.equal(sorted(name for name in t.names() if name.startswith('.')), [])


@EVERY
def test_no_change_is_lost_where_two_run_at_once(t, kind):
    path = put(t, kind)
    for memory in range(3, 7):  # none of them has that at first
        runs = [subprocess.Popen([tap.VMFERRY, 'edit', '-q', '--no-sync', *words, path], stderr=subprocess.DEVNULL)
                for words in (['--name', str(memory)], ['--memory', f'{memory}G'])]
        done = [run.wait() == 0 for run in runs]
        found = machine(t, path)
        tap.equal((found['name'] == str(memory), found['memory'] == memory << 30), tuple(done))


tap.main(globals())
