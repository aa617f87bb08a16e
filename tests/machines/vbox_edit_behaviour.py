# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`vmferry edit` of VirtualBox's .vbox: the machine as it is now, by splices."""
import difflib
import json
import os
import pathlib
import re
from xml.etree import ElementTree

import tap

OLD = '''<?xml version="1.0"?>
<!-- not by hand -->
<VirtualBox xmlns="http://www.virtualbox.org/" version="1.16-linux">
  <Machine uuid="{11111111-2222-4333-8444-555555555555}" name="old &amp; gone" OSType="Debian_64" snapshotFolder="Snapshots">
    <Description>a note</Description>
    <MediaRegistry/>
    <Hardware>
      <CPU count="1">
        <PAE enabled="false"/>
      </CPU>
      <Memory RAMSize="512"/>
      <BIOS>
        <IOAPIC enabled="false"/>
      </BIOS>
      <Network>
        <Adapter slot="0" enabled="true" MACAddress="080027000001" cable="true" type="82540EM">
          <NAT/>
        </Adapter>
        <Adapter slot="1" enabled='true' MACAddress="080027000002" type="virtio">
          <BridgedInterface name="eth0"/>
        </Adapter>
        <Adapter slot="2" enabled="false" MACAddress="080027000003" type="82540EM"><NAT/></Adapter>
      </Network>
    </Hardware>
    <StorageControllers>
      <StorageController name="IDE" type="PIIX4" PortCount="2">
        <AttachedDevice type="DVD" port="1" device="0"/>
      </StorageController>
    </StorageControllers>
  </Machine>
</VirtualBox>
'''
NEW = OLD.replace('1.16-linux', '1.20-linux').replace('''      <CPU count="1">
        <PAE enabled="false"/>
      </CPU>
''', '''      <Platform architecture="x86">
        <CPU count="1"/>
      </Platform>
''').replace('<BIOS>', '<Firmware type="BIOS">').replace('</BIOS>', '</Firmware>')
PREFIXED = re.sub(r'<(/?)(\w)', r'<\1v:\2', OLD).replace('xmlns=', 'xmlns:v=')


def put(t, text=OLD):
    t.write('vm.vbox', text.encode())
    return 'vm.vbox'


def edit(t, *words, status=0):
    return t.vmferry('edit', *words, 'vm.vbox', status=status)


def machine(t, path='vm.vbox'):
    return json.loads(t.vmferry('info', '--output=json', path).stdout)['machine']


def changed(t, before):
    """The lines that are no longer there, and those that are new."""
    lines = list(difflib.ndiff(before.splitlines(), t.read('vm.vbox').decode().splitlines()))
    return [line[2:].strip() for line in lines if line[0] == '-'], [line[2:].strip() for line in lines if line[0] == '+']


def cards(t):
    return [(nic['model'], nic.get('network'), nic.get('mac')) for nic in machine(t)['nics']]


@tap.rows([('name', ['--name', 'new <b>'], 'name', 'new <b>'), ('processors', ['--cpus', '4'], 'vcpus', 4), ('memory', ['--memory', '2G'], 'memory', 2 << 30),
           ('firmware', ['--firmware', 'efi'], 'firmware', 'efi'), ('annotation', ['--annotation', 'a\n"b" & <c>'], 'description', 'a\n"b" & <c>')])
def test_what_is_asked_for_is_there_and_all_else_stays(t, words, key, value):
    for text in (OLD, NEW, PREFIXED, OLD.replace('\n', '\r\n'), OLD.replace('    ', '\t')):
        put(t, text)
        before = machine(t)
        edit(t, *words)
        after = machine(t)
        tap.equal(after[key], value)
        tap.equal({name: told for name, told in after.items() if name not in (key, 'extra')}, {name: told for name, told in before.items() if name not in (key, 'extra')})
        ElementTree.fromstring(t.read('vm.vbox'))
        gone, came = changed(t, text)
        tap.equal(len(gone) <= 2 and len(came) <= 3, True, (gone, came))


@tap.rows([('old', OLD, '<BIOS>'), ('new', NEW, '<Firmware type="BIOS">')])
def test_the_bytes_are_those_of_before_but_for_the_change(t, text, _):
    put(t, text)
    run = edit(t, '--cpus', '2', '--memory', '1G', '--os', 'Windows10_64', '--remove-cd')
    expected = (text.replace('count="1"', 'count="2"').replace('RAMSize="512"', 'RAMSize="1024"').replace('<IOAPIC enabled="false"/>', '<IOAPIC enabled="true"/>')
                .replace('\n        <AttachedDevice type="DVD" port="1" device="0"/>', ''))
    found = t.read('vm.vbox').decode()
    tap.equal(re.sub(r'OSType="\w+"', '', found), re.sub(r'OSType="\w+"', '', expected))
    tap.contains(found, 'OSType="Windows10_64"')
    tap.contains(run.stderr, 'several processors need the I/O APIC')
    tap.equal(t.names(), ['vm.vbox'])


def test_elements_that_are_missing_are_added_where_they_belong(t):
    put(t, OLD.replace('''      <CPU count="1">
        <PAE enabled="false"/>
      </CPU>
''', '').replace('    <Description>a note</Description>\n', ''))
    edit(t, '--cpus', '2', '--annotation', 'mine', '--firmware', 'efi')
    found = machine(t)
    tap.equal((found['vcpus'], found['description'], found['firmware']), (2, 'mine', 'efi'))
    root = ElementTree.fromstring(t.read('vm.vbox'))
    tap.equal([one.tag for one in root.iter() if not one.tag.startswith('{http://www.virtualbox.org/}')], [])
    edit(t, '--annotation', '')
    tap.equal('Description' in t.read('vm.vbox').decode(), False)


# ---- network cards ----

@tap.rows([('a model', ['--nic', '1,model=virtio'], [('virtio', None, '08:00:27:00:00:01'), ('virtio', 'eth0', '08:00:27:00:00:02')]),
           ('an address', ['--nic', '2,mac=08:00:27:aa:bb:cc'], [('e1000', None, '08:00:27:00:00:01'), ('virtio', 'eth0', '08:00:27:aa:bb:cc')]),
           ('a network', ['--nic', '2,network=br<0>'], [('e1000', None, '08:00:27:00:00:01'), ('virtio', 'br<0>', '08:00:27:00:00:02')]),
           ('one that was behind NAT', ['--nic', '1,network=eth1'], [('e1000', 'eth1', '08:00:27:00:00:01'), ('virtio', 'eth0', '08:00:27:00:00:02')]),
           ('another name for a network', ['--network', 'eth0=wlan0'], [('e1000', None, '08:00:27:00:00:01'), ('virtio', 'wlan0', '08:00:27:00:00:02')]),
           ('one that goes', ['--nic', '1,none'], [('virtio', 'eth0', '08:00:27:00:00:02')]),
           ('a new one', ['--nic', 'new,model=virtio,network=eth7,mac=08:00:27:00:00:09'], [('e1000', None, '08:00:27:00:00:01'), ('virtio', 'eth0', '08:00:27:00:00:02'), ('virtio', 'eth7', '08:00:27:00:00:09')]),
           ('two new ones', ['--nic', 'new', '--nic', 'new,model=pcnet32'], [('e1000', None, '08:00:27:00:00:01'), ('virtio', 'eth0', '08:00:27:00:00:02'), ('e1000', None, None), ('pcnet32', None, None)])])
def test_network_cards(t, words, found):
    for text in (OLD, PREFIXED):
        put(t, text)
        edit(t, *words)
        tap.equal(cards(t), found)
        slots = re.findall(r'Adapter slot="(\d)"', t.read('vm.vbox').decode())
        tap.equal(len(slots), len(set(slots)), 'a slot is there once')


def test_there_are_eight_slots(t):
    put(t)
    edit(t, *['--nic', 'new'] * 6)
    tap.equal(len(cards(t)), 8)
    tap.contains(edit(t, '--nic', 'new', status=None).stderr, 'has no slot behind its network cards')


# ---- what is refused ----

SAVED = OLD.replace('snapshotFolder=', 'stateFile="Snapshots/x.sav" snapshotFolder=')


@tap.rows([('processors beyond', OLD, ['--cpus', '65'], 'at most 64 processors'), ('too little memory', OLD, ['--memory', '4M', '--cpus', '65'], 'at most 64'), ('a path', OLD, ['--name', 'a/b'], 'takes no "/"'),
           ('a card of another vendor', OLD, ['--nic', '1,model=vmxnet3'], 'has no network card "vmxnet3"'), ('one of the newest', OLD, ['--nic', '1,model=e1000e'], 'has no network card "e1000e"'),
           ('no such card', OLD, ['--nic', '4,model=e1000'], 'has no network card 4; there are 2'), ('no such network', OLD, ['--network', 'x=y'], 'there are: eth0'),
           ('a property', OLD, ['--property', 'a=b'], 'properties cannot be changed'), ('a saved machine', SAVED, ['--memory', '1G'], 'is saved while it runs (stateFile)'),
           ('cards of a saved machine', SAVED, ['--nic', '1,none'], 'is saved while it runs (stateFile)'),
           ('processors one by one', OLD.replace('<PAE enabled="false"/>', '<CpuTree><Cpu id="0"/></CpuTree>').replace('count="1"', 'count="1" hotplug="true"'), ['--cpus', '2'], '<CpuTree>'),
           ('an encrypted machine', '<VirtualBox xmlns="http://www.virtualbox.org/" version="1.19-linux"><MachineEncrypted uuid="{11111111-2222-4333-8444-555555555555}" keyId="k" keyStore="s">AAAA</MachineEncrypted></VirtualBox>', ['--name', 'x'], 'is encrypted'),
           ('a generic driver', OLD.replace('<NAT/>', '<GenericInterface driver="x"/>', 1), ['--nic', '1,network=a'], 'on no network that could be named')])
def test_is_refused_by_name_and_nothing_is_written(t, text, words, why):
    put(t, text)
    run = edit(t, *words, status=None)
    tap.contains(run.stderr, why)
    tap.equal((run.returncode != 0, t.read('vm.vbox').decode()), (True, text))


def test_a_saved_machine_takes_another_name(t):
    put(t, SAVED)
    edit(t, '--name', 'x', '--annotation', 'y')
    tap.equal(t.read('vm.vbox').decode(), SAVED.replace('old &amp; gone', 'x').replace('a note', 'y'))


def test_snapshots_keep_what_they_have(t):
    snapshot = '''    <Snapshot uuid="{21111111-2222-4333-8444-555555555555}" name="s" timeStamp="2024-01-01T00:00:00Z">
      <Hardware><CPU count="1"/><Memory RAMSize="512"/></Hardware>
    </Snapshot>
'''
    text = OLD.replace('    <Hardware>\n', snapshot + '    <Hardware>\n').replace('snapshotFolder=', 'currentSnapshot="{21111111-2222-4333-8444-555555555555}" snapshotFolder=')
    put(t, text)
    run = edit(t, '--memory', '1G')
    tap.equal(t.read('vm.vbox').decode(), text.replace('      <Memory RAMSize="512"/>\n', '      <Memory RAMSize="1024"/>\n'))
    tap.contains(run.stderr, 'its snapshots keep what they have')


# ---- the file ----

def test_a_dry_run_shows_the_difference_and_changes_nothing(t):
    put(t)
    shown = edit(t, '--dry-run', '--memory', '1G').stdout
    tap.contains(shown, '-      <Memory RAMSize="512"/>\n+      <Memory RAMSize="1024"/>\n')
    tap.equal(t.read('vm.vbox').decode(), OLD)
    t.vmferry('edit', '--memory', '1G', '-o', 'copy.vbox', 'vm.vbox')
    tap.equal((t.read('vm.vbox').decode(), machine(t, 'copy.vbox')['memory']), (OLD, 1 << 30))


def test_every_sample_is_edited_and_reads_back(t):
    folder = pathlib.Path(os.environ.get('VMFERRY_MACHINES', tap.SOURCE / '../shared/machines')).resolve() / 'vbox'
    samples = sorted(folder.rglob('*.vbox')) if folder.is_dir() else []
    if not samples:
        raise tap.Skip('no samples folder')
    edited = 0
    for sample in samples[::1 if os.environ.get('VMFERRY_TEST_ALL') else 3]:
        data = sample.read_bytes()
        t.write('vm.vbox', data)
        run = edit(t, '--name', 'n', '--memory', '3G', '--firmware', 'efi', status=None)
        if run.returncode != 0:
            tap.equal(t.read('vm.vbox'), data, sample)
            continue
        edited += 1
        before, after = data.decode('utf-8', 'replace').splitlines(), t.read('vm.vbox').decode('utf-8', 'replace').splitlines()
        lines = [line for line in difflib.unified_diff(before, after, n=0) if line[0] in '+-' and line[:3] not in ('+++', '---')]
        tap.equal(len(lines) <= 7, True, (str(sample), lines))
    tap.equal(edited > 0, True)


if __name__ == '__main__':
    tap.main(globals())
