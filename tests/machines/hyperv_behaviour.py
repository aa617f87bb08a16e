# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Hyper-V's configurations: .vmcx and XML."""
import html
import json
import lzma
import os
import pathlib
import re
import struct

import model
import tap
from hostile_names import NAMES, xml_text
import vmcx_maker
from vmcx_maker import LOG, PAGE, TABLES

CORPUS = [pathlib.Path(folder) for folder in os.environ.get('VMFERRY_CORPUS', str(tap.SOURCE / '../shared/corpus')).split(':')]
IDE, SCSI, NIC = '83f8638b-8dca-4152-9eda-2ca8b33039b4', 'd422512d-2bf2-4752-809d-7b82b5fcb1b4', '2fc216b0-d2e2-4967-9b6d-b8a5c9ca2778'
BIOS, SERIAL, STATE = 'ac6b8dc1-3257-4a70-b1b2-a9c9215659ad', '8e3a359f-559a-4b6a-98a9-1690a6100ed7', '917bd8cb-3bb6-4124-9383-b7d21ac07f79'
FLOPPY = '8f0d2762-0b00-4e04-af4f-19010527cb93'
ONE, OTHER, CARD = 'aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002', 'aaaaaaaa-0000-4000-8000-000000000003'


def manifest(*devices):
    return {'version': 512, 'size': len(devices)} | {
        f'vdev{i + 1:03}': {'device': kind, 'instance': instance, 'name': name, 'flags': 1} for i, (kind, instance, name) in enumerate(devices)}


def disk(path, kind='VHD'):
    return {'pathname': path, 'type': kind, 'iops_limit': 0, 'weight': 100}


def machine(generation=2, **more):
    tree = {
        'properties': {'name': 'web', 'notes': 'a note', 'subtype': generation - 1, 'version': 2304, 'global_id': '282874FC-59D6-4F30-BC04-5FDD909C82E0'},
        'settings': {'memory': {'bank': {'size': 2048, 'dynamic_memory_enabled': True, 'reservation': 512, 'limit': 4096}},
                     'processors': {'count': 4, 'hwthreads': 2, 'nested_virtualization': {'enabled': True}}},
        'global_settings': {'devices': {'generation_id': 'b7ca8a6ab91ab997147185c9284d42c5'}, 'power': {'host_startup': {'action': 2}}},
        'manifest': manifest((BIOS, BIOS, 'Microsoft Virtual BIOS'), (STATE, STATE, 'Microsoft Guest Runtime State'), (SCSI, OTHER, 'Synthetic SCSI Controller'),
                             (SCSI, ONE, 'Synthetic SCSI Controller'), (NIC, CARD.upper(), 'Synthetic Ethernet Port')),
        f'_{BIOS}_': {'bios_guid': '{967df1ba-2c00-4998-9f1b-d60bcc0c4b90}', 'secure_boot_enabled': True,
                      'secure_boot_template_id': '1734c6e8-3154-4dda-ba5f-a874cc483422'},
        f'_{STATE}_': {'StateFilePath': 'C:\\vm\\x.vmgs'},
        f'_{ONE}_': {'controller0': {'drive10': disk('C:\\VMs\\Virtual Hard Disks\\c.vhdx'), 'drive2': disk('', 'ISO')}},
        f'_{OTHER}_': {'controller0': {'drive0': disk('C:\\VMs\\Virtual Hard Disks\\a_1234.avhdx')}},
        f'_{CARD}_': {'FriendlyName': 'Network Adapter', 'MacAddress': '00-15-5D-01-07-DC', 'MacAddressIsStatic': True, 'IsConnected': True,
                      'Connection': {'AltSwitchName': 'Virtual External Switch'}},
    }
    return tree | more


def xml(tree, name='configuration'):
    """The same as XML, as Hyper-V wrote it."""
    kinds = {bool: 'bool', int: 'integer', str: 'string', bytes: 'bytes'}
    text = ''
    for key, value in tree.items():
        key = key.partition('#')[0]
        escaped = str(value).replace('&', '&amp;').replace('<', '&lt;')
        text += xml(value, key) if isinstance(value, dict) else f'<{key} type="{kinds[type(value)]}">{escaped}</{key}>'
    return f'<{name}>{text}</{name}>'


def ask(t, data, name='vm.vmcx', status=0):
    done = t.run(model.MODEL_OF, t.write(name, data), 'as=hyperv', status=status)
    return json.loads(done.stdout) if status == 0 else done.stderr


def read(t, tree):
    """What is read of it, as VMCX and as XML: the same."""
    found, other = (ask(t, data) for data in (vmcx_maker.make(tree), xml(tree).encode('utf-16')))
    tap.equal(other['machine'], found['machine'], 'XML')
    return found['machine']


def extras(found):
    return {extra['key']: (extra['value'], extra['known']) for extra in found.get('extra', [])}


def test_generation_2(t):
    found = read(t, machine())
    tap.equal({key: found.get(key) for key in ('name', 'description', 'uuid', 'genid', 'firmware', 'secure-boot', 'nvram', 'vcpus', 'threads', 'nested', 'memory',
                                               'memory-least', 'memory-most', 'hw-version', 'autostart', 'boot')},
              {'name': 'web', 'description': 'a note', 'uuid': '967df1ba-2c00-4998-9f1b-d60bcc0c4b90', 'genid': 'c5424d28-c985-7114-97b9-1ab96a8acab7',
               'firmware': 'efi', 'secure-boot': 'microsoft-keys', 'nvram': 'C:\\vm\\x.vmgs', 'vcpus': 4, 'threads': 2, 'nested': True, 'memory': 2 << 30,
               'memory-least': 512 << 20, 'memory-most': 4 << 30, 'hw-version': '9.0', 'autostart': True, 'boot': None})
    tap.equal([(c['bus'], c['index'], c['model']) for c in found['controllers']], [('scsi', 0, 'hyperv'), ('scsi', 1, 'hyperv')])
    tap.equal([(d['medium'], d['controller'], d['unit'], d.get('image')) for d in found['disks']],
              [('disk', 0, 0, 'C:\\VMs\\Virtual Hard Disks\\a_1234.avhdx'), ('cdrom', 1, 2, None), ('disk', 1, 10, 'C:\\VMs\\Virtual Hard Disks\\c.vhdx')])
    tap.equal(found['nics'], [{'model': 'netvsc', 'mac': '00:15:5d:01:07:dc', 'mac-origin': 'static', 'attach': 'bridge', 'network': 'Virtual External Switch',
                               'connected': True}])
    tap.equal(extras(found), {'secure_boot_template': ('1734c6e8-3154-4dda-ba5f-a874cc483422', True)})


def test_generation_1(t):
    tree = machine(1)
    tree['manifest'] = manifest((IDE, IDE, 'IDE'), (FLOPPY, FLOPPY, 'Floppy'), (SERIAL, SERIAL, 'Serial'), ('6a45335d-4c3a-44b7-b61f-c9808bbdf8ed', CARD, 'Emulated'))
    tree[f'_{IDE}_'] = {'controller0': {'drive0': disk('C:\\a.vhd'), 'drive1': disk('', 'NONE')}, 'controller1': {'drive0': disk('C:\\b.iso', 'ISO')}}
    tree[f'_{FLOPPY}_'] = {'controller0': {'drive0': disk('', 'VFD')}}
    tree[f'_{SERIAL}_'] = {'port0': {'connection': '\\\\.\\pipe\\x'}, 'port1': {'connection': ''}}
    tree[f'_{BIOS}_'] = {'boot': {'device0': 'Optical', 'device1': 'HardDrive', 'device2': 'Network', 'device3': 'Floppy'}, 'secure_boot_enabled': False}
    for node in ONE, OTHER:
        del tree[f'_{node}_']
    found = read(t, tree)
    tap.equal([found.get(key) for key in ('firmware', 'secure-boot', 'boot', 'nvram')], ['bios', None, 'cdrom,disk,network,floppy', None])
    tap.equal([(d['medium'], d['bus'], d['controller'], d['unit'], d.get('image')) for d in found['disks']],
              [('disk', 'ide', 0, 0, 'C:\\a.vhd'), ('cdrom', 'ide', 1, 0, 'C:\\b.iso')])
    tap.equal(found['ports'], [{'parallel': False, 'backend': 'pipe', 'path': '\\\\.\\pipe\\x'}])
    tap.equal([nic['model'] for nic in found['nics']], ['dec21140'])


@tap.rows([('generation 1', 0, '{}', 'ide'), ('generation 2', 1, '<scsi ChannelInstanceGuid="x">{}</scsi>', 'scsi')])
def test_short_form_of_packer_and_vagrant(t, subtype, around, bus):
    controllers = around.format('''<controller0><drive0><pathname type="string">C:\\a.vhdx</pathname><type type="string">VHD</type></drive0>
<drive0><pathname type="string"></pathname><type type="string">ISO</type></drive0></controller0>''')
    found = ask(t, f'''<?xml version="1.0" ?><configuration><properties><subtype type="integer">{subtype}</subtype><name type="string">box</name></properties>
<settings><processors><count type="integer">2</count></processors><memory><bank><dynamic_memory_enabled type="bool">False</dynamic_memory_enabled>
<limit type="integer">1048576</limit><reservation type="integer">512</reservation><size type="integer">1024</size></bank></memory></settings>
<AltSwitchName type="string">Default Switch</AltSwitchName><boot><device0 type="string">Optical</device0></boot>
<secure_boot_enabled type="bool">True</secure_boot_enabled><notes type="string">a note</notes><vm-controllers>{controllers}</vm-controllers></configuration>'''.encode(),
                'box.xml')
    tap.equal(found['findings'], [])
    found = found['machine']
    tap.equal([found.get(key) for key in ('name', 'description', 'vcpus', 'memory', 'memory-least', 'secure-boot')],
              ['box', 'a note', 2, 1 << 30, None, 'on' if subtype else None])
    tap.equal([(d['medium'], d['bus'], d['controller'], d['unit'], d.get('image')) for d in found['disks']],
              [('disk', bus, 0, 0, 'C:\\a.vhdx'), ('cdrom', bus, 0, 1, None)])
    tap.equal([nic['network'] for nic in found['nics']], ['Default Switch'])
    tap.equal([key for key, (_, known) in extras(found).items() if not known], [])


def test_a_key_that_is_not_known_is_told(t):
    """At every node of the tree one is invented."""
    tree = machine()
    places = []

    def invent(node, path):
        for key, value in list(node.items()):
            if isinstance(value, dict):
                invent(value, f'{path}{key}/')
        node['invented'] = 7
        places.append(f'{path}invented')
    invent(tree, '')
    unknown = {key for key, (_, known) in extras(read(t, tree)).items() if not known}
    covered = {place for place in places if place.startswith(('manifest/vdev', 'properties/'))}
    tap.equal({place for place in places if place not in unknown and place.replace(CARD.upper(), CARD) not in unknown} - covered, set(), 'forgotten')
    tap.equal(unknown <= set(places), True, unknown)


def test_values_of_all_kinds(t):
    tree = machine(invented={'a': -5, 'b': (1 << 64) - 1, 'c': 0.5, 'd': True, 'e': 'ü€𝄞', 'f': b'\x00\xff', 'g': '', 'h': 'x' * 3000, 'i': 'y\0'})
    found = ask(t, vmcx_maker.make(tree))['machine']
    tap.equal({key[9:]: value for key, (value, known) in extras(found).items() if not known},
              {'a': '-5', 'b': '18446744073709551615', 'c': '0.5', 'd': 'True', 'e': 'ü€𝄞', 'f': '00ff', 'g': '', 'h': 'x' * 3000, 'i': 'y'})


def test_twins_are_two_keys(t):
    found = read(t, machine(invented={'a': {'x': 1}, 'a#2': {'x': 2}, 'a#3': {'x': 3}}))
    tap.equal({key: value for key, (value, known) in extras(found).items() if not known}, {'invented/a/x': '1', 'invented/a[1]/x': '2', 'invented/a[2]/x': '3'})


def test_sample(t):
    """dissect.hypervisor's: a real machine of generation 1, and the state of another one."""
    for folder in CORPUS:
        folder = folder / 'dissect.hypervisor/descriptor/hyperv'
        if not folder.is_dir():
            continue
        found = ask(t, lzma.decompress((folder / 'test.vmcx.xz').read_bytes()))
        tap.equal(found['findings'], [])
        found = found['machine']
        tap.equal([found[key] for key in ('name', 'uuid', 'firmware', 'memory', 'vcpus', 'boot')],
                  ['Other Location', '967df1ba-2c00-4998-9f1b-d60bcc0c4b90', 'bios', 1 << 30, 1, 'cdrom,disk,network,floppy'])
        tap.equal([d.get('image') for d in found['disks']], ['C:\\Users\\Public\\Documents\\Hyper-V\\Virtual Hard Disks\\Other Location.vhdx', None])
        tap.equal([key for key, (_, known) in extras(found).items() if not known], [], 'unknown')
        tap.contains(ask(t, (folder / 'test.VMRS').read_bytes(), status=1), 'VMRS')
        return
    raise tap.Skip('no corpus')


# ---- the container ----

def whole():
    return vmcx_maker.make(machine())


def flipped(data, offset):
    return data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1:]


def test_every_damaged_record_is_told(t):
    """A bit in each record: header, log, object, table, key."""
    data = whole()
    keys = [TABLES + 10]
    while struct.unpack_from('<H', data, keys[-1])[0] & 0xff != 1:
        keys.append(keys[-1] + struct.unpack_from('<I', data, keys[-1] + 2)[0])
    for offset in [LOG + 9, 2 * PAGE + 8 + 6, 2 * PAGE + 8 + 18 * 100 + 3, TABLES + 4] + [key + 16 for key in keys[:-1]] + [key + 30 for key in keys[:-1:5]]:
        tap.contains(ask(t, flipped(data, offset), status=1), 'vm.vmcx: byte ')


def test_header_in_force(t):
    """The later one that is whole."""
    data = whole()
    found = ask(t, data)
    for damaged in 8, PAGE + 8:
        again = ask(t, flipped(data, damaged))
        tap.equal((again['machine'], model.rules(again['findings'])), (found['machine'], ['hyperv-header']))
    tap.contains(ask(t, flipped(flipped(data, 8), PAGE + 8), status=1), 'neither this header nor the one at byte 4096 is whole')
    one, other = vmcx_maker.header(7), vmcx_maker.header(7, log=LOG + PAGE)
    tap.contains(ask(t, vmcx_maker.place(vmcx_maker.place(data, 0, one), PAGE, other), status=1), 'sequence number 7')
    later = vmcx_maker.place(data, PAGE, vmcx_maker.header(8, log=0xffff0000))
    tap.contains(ask(t, later, status=1), 'the log, of 8192 bytes, is not in the file')


def test_log_is_replayed(t):
    """A table that was changed, and of which only the log has the new state."""
    tree = machine()
    old = vmcx_maker.make(tree)
    tree['properties']['name'] = 'new'
    new = vmcx_maker.make(tree)
    changes = [(at, new[at:at + PAGE]) for at in range(TABLES, len(new), PAGE) if old[at:at + PAGE] != new[at:at + PAGE]]
    dirty = vmcx_maker.place(old, LOG, vmcx_maker.log(*changes))
    tap.equal((ask(t, old)['machine']['name'], ask(t, dirty)['machine']['name']), ('web', 'new'))
    tap.equal(model.rules(ask(t, dirty)['findings']), ['hyperv-log'])
    for damaged, says in ((LOG + 0x22, 'entry of the log'), (LOG + PAGE + 3, 'data of the log')):
        tap.contains(ask(t, flipped(dirty, damaged), status=1), says)
    for change, says in (((len(old), b'x'), 'leads to byte'), ((LOG + 4, b'x'), 'leads to byte'), ((1 << 63, b'xy'), 'leads to byte')):
        tap.contains(ask(t, vmcx_maker.place(old, LOG, vmcx_maker.log(change)), status=1), says)
    full = vmcx_maker.with_crc(struct.pack('<III', 0x01110003, 0, 1 << 31) + bytes(22), 4)
    tap.contains(ask(t, vmcx_maker.place(old, LOG, full), status=1), 'no room for its 2147483648 entries')


def test_data_of_the_log_is_copied_once(t):
    """Entries that share their data: of a few MiB they would make hours."""
    old = vmcx_maker.make(machine())
    one = vmcx_maker.log((len(old), bytes(PAGE)))
    entry = one[0x22:0x22 + 28]
    head = vmcx_maker.with_crc(struct.pack('<III', 0x01110003, 0, 3) + bytes(22), 4)
    shared = vmcx_maker.place(old, LOG, head + 3 * entry)
    tap.contains(ask(t, shared + bytes(PAGE), status=1), "the data of the log's entries overlap")


def test_later_table_of_a_number_counts(t):
    data = whole()
    at = len(data)
    table = vmcx_maker.table(1, 9, vmcx_maker.entry(9, (0, 0), 'configuration', bytes(12)))
    objects = [data[2 * PAGE + 8 + 18 * i:2 * PAGE + 26 + 18 * i] for i in range(20)] + [vmcx_maker.object_entry(2, at, PAGE)]
    data = vmcx_maker.place(vmcx_maker.place(data, at, table), 2 * PAGE, vmcx_maker.object_table(*objects))
    tap.contains(ask(t, data, status=1), 'where there is none')  # parents that were in the older table
    same = vmcx_maker.place(data, at, vmcx_maker.table(1, 3, b''))
    tap.contains(ask(t, same, status=1), 'two tables of keys have the number 1 and the sequence number 3')


def test_further_tables_of_objects(t):
    data = whole()
    at = len(data)
    first, rest = data[2 * PAGE + 8:2 * PAGE + 26], data[2 * PAGE + 26:3 * PAGE - 8]
    more = struct.pack('<II', 0x01110001, 1) + first
    data = vmcx_maker.place(data, at, more.ljust(PAGE, b'\0'))
    chained = vmcx_maker.place(data, 2 * PAGE + 8, vmcx_maker.object_entry(1, at, PAGE) + rest)
    tap.equal(ask(t, chained)['machine']['name'], 'web')
    ring = vmcx_maker.place(chained, 2 * PAGE + 8, vmcx_maker.object_entry(1, 2 * PAGE, PAGE))
    tap.contains(ask(t, ring, status=1), 'is named twice')


def only(*entries, objects=()):
    data = vmcx_maker.place(vmcx_maker.make({}), TABLES, vmcx_maker.table(1, 1, b''.join(entries)))
    return vmcx_maker.place(data, 2 * PAGE, vmcx_maker.object_table(vmcx_maker.object_entry(2, TABLES, PAGE), *objects))


ROOT = vmcx_maker.entry(9, (0, 0), 'configuration', bytes(12))


def raw(kind=3, size=None, name_length=2, name=b'a\0', value=bytes(8), parent=(1, 10)):
    head = struct.pack('<HIHIIIB', kind, 21 + len(name) + len(value) if size is None else size, *parent, 0, 0, name_length)
    return vmcx_maker.with_crc(head + name + value, 12)


@tap.rows([
    ('empty', b'', 'is empty'), ('a head alone', vmcx_maker.header(1), 'the log'), ('no keys', vmcx_maker.place(whole(), 2 * PAGE, vmcx_maker.object_table()), 'has 0 roots'),
    ('a signature of no objects', vmcx_maker.place(whole(), 2 * PAGE, b'xxxx'), 'no table of objects'),
    ('many objects', vmcx_maker.place(whole(), 2 * PAGE, struct.pack('<II', 0x01110001, 0xffffffff)), 'ends behind the file'),
    ('an object behind the file', vmcx_maker.place(whole(), 2 * PAGE + 8, vmcx_maker.object_entry(2, 1 << 63, PAGE)), 'ends behind the file'),
    ('tables that overlap', vmcx_maker.place(whole(), 2 * PAGE, vmcx_maker.object_table(*[vmcx_maker.object_entry(2, TABLES, PAGE)] * 100)), 'overlap'),
    ('a table that is none', vmcx_maker.place(whole(), 2 * PAGE + 8, vmcx_maker.object_entry(2, 0, PAGE)), 'no table of keys'),
    ('a table of four bytes', vmcx_maker.place(whole(), 2 * PAGE + 8, vmcx_maker.object_entry(2, TABLES, 4)), 'no table of keys'),
    ('parent itself', only(ROOT, raw(9, value=bytes(12), parent=(1, 10 + len(ROOT)))), 'below itself'),
    ('parents in a ring', only(ROOT, raw(9, value=bytes(12), parent=(1, 10 + len(ROOT) + 35)), raw(9, value=bytes(12), parent=(1, 10 + len(ROOT)))), 'below itself'),
    ('parent nowhere', only(ROOT, raw(parent=(7, 3))), 'where there is none'), ('parent a value', only(ROOT, raw(), raw(parent=(1, 10 + len(ROOT)))), 'where there is none'),
    ('name of 0 bytes', only(ROOT, raw(name_length=0)), 'the name of this key has 0 bytes'),
    ('name of 255 bytes', only(ROOT, raw(name_length=255)), 'the name of this key has 255 bytes'),
    ('name without its end', only(ROOT, raw(name=b'ab')), 'do not end with NUL'), ('empty name', only(ROOT, raw(name=b'\0', name_length=1)), 'has 1 bytes'),
    ('name with a slash', only(ROOT, raw(name=b'/\0')), 'has control characters or "/"'), ('name with a line end', only(ROOT, raw(name=b'\n\0')), 'control characters'),
    ('name that is no UTF-8', only(ROOT, raw(name=b'\xff\0')), 'no UTF-8'),
    ('entry of 20 bytes', only(ROOT, raw(size=20)), 'an entry of 20 bytes'), ('entry behind its table', only(ROOT, raw(size=PAGE)), 'an entry of 4096 bytes'),
    ('value behind its entry', only(ROOT, raw(6, value=struct.pack('<I', 100) + bytes(4))), 'ends behind its entry'),
    ('number of four bytes', only(ROOT, raw(3, value=bytes(4))), 'ends behind its entry'), ('unknown kind', only(ROOT, raw(77)), 'of the kind 77'),
    ('file behind the file', only(ROOT, raw(0x106, value=struct.pack('<IQ', 4096, 1 << 40))), 'ends behind the file'),
    ('one file many times', only(ROOT, *[raw(0x106, value=struct.pack('<IQ', 0x4000, 0))] * 8), 'overlap'),
    ('two roots', only(ROOT, ROOT), 'has 2 roots'), ('another root', only(vmcx_maker.entry(9, (0, 0), 'x', bytes(12))), 'the last is x'),
    ('no memory', vmcx_maker.make(machine(settings={'a': 1})), 'has no settings/memory/bank/size'),
    ('generation 3', vmcx_maker.make(machine(3)), 'known are 0 (generation 1) and 1'),
    ('an address that is none', vmcx_maker.make(machine(**{f'_{CARD}_': {'MacAddress': 'xyz'}})), '"xyz" is no address'),
    ('many processors', vmcx_maker.make(machine(settings={'memory': {'bank': {'size': 1 << 31}}})), 'has no settings/memory/bank/size'),
    ('XML with a document type', b'<!DOCTYPE x [<!ENTITY a "b">]><configuration><properties><name>x</name></properties></configuration>', 'DOCTYPE'),
    ('XML that is deep', b'<configuration>' + b'<a>' * 40 + b'</a>' * 40 + b'</configuration>', 'more than 32 keys deep'),
    ('XML of another program', b'<configuration><appSettings/></configuration>', 'none at all'),
])
def test_what_is_refused(t, data, says):
    tap.contains(ask(t, data, status=1), says)


def test_65537_keys(t):
    tap.contains(ask(t, b'<configuration>' + b'<a/>' * 65537 + b'</configuration>', 'x.xml', status=1), 'more than 65536 keys')


@tap.rows([
    ('a number', {'settings': {'memory': {'bank': {'size': 1}}, 'processors': {'count': 'two'}}}, 'hyperv-value'),
    ('a flag', {'settings': {'memory': {'bank': {'size': 1, 'dynamic_memory_enabled': 'perhaps'}}}}, 'hyperv-value'),
    ('a generation id', {'global_settings': {'devices': {'generation_id': 'zz'}}}, 'hyperv-value'),
    ('an id', {f'_{BIOS}_': {'bios_guid': 'zz'}}, 'hyperv-value'), ('a class of drives', {f'_{BIOS}_': {'boot': {'device0': 'Tape'}}}, 'hyperv-boot'),
    ('checkpoints', {'global_settings': {'snapshots': {'list': {'size': 2}}}}, 'hyperv-checkpoints'),
    ('a disk of the host', {f'_{ONE}_': {'controller0': {'drive0': disk('\\\\.\\PHYSICALDRIVE1', 'PHYSICAL')}}}, 'hyperv-drive'),
    ('a drive without a disk', {f'_{ONE}_': {'controller0': {'drive0': disk('')}}}, 'hyperv-drive'),
    ('a controller that is not known', {f'_{STATE}_': {'controller0': {'drive0': disk('C:\\a.vhdx')}}}, 'hyperv-controller'),
])
def test_what_is_odd_is_told(t, change, rule):
    found = ask(t, vmcx_maker.make(machine(**change)))
    tap.equal(rule in model.rules(found['findings']), True, found['findings'])


def test_probed_by_its_content(t):
    for data in whole(), xml(machine()).encode('utf-16'), xml(machine()).encode(), flipped(whole(), 0):
        found = json.loads(t.run(model.MODEL_OF, t.write('x', data)).stdout)
        tap.equal(found['format'], 'hyperv')
    t.run(model.MODEL_OF, t.write('app.xml', b'<configuration><appSettings/></configuration>'), status=1)


# ---- with its disks ----

def export(t, folder='EXPORT', files=('a.vhdx',), write=True, **more):
    """A folder as Hyper-V exports it."""
    for name in 'Virtual Machines', 'Virtual Hard Disks':
        os.makedirs(t.path(f'{folder}/{name}'))
    drives = {f'drive{i}': disk(f'D:\\Old Place\\{name}') for i, name in enumerate(files)}
    tree = machine(**{f'_{ONE}_': {'controller0': drives}, f'_{OTHER}_': {}} | more)
    path = f'{folder}/Virtual Machines/282874FC.vmcx'
    t.write(path, vmcx_maker.make(tree))
    for i, name in enumerate(files if write else ()):
        t.write('raw', bytes([i + 1]) * 70_000 + bytes(1 << 20))
        t.vmferry('convert', '-q', '-f', 'raw', '-O', 'vhdx', 'raw', f'{folder}/Virtual Hard Disks/{name}')
    return path


def test_disks_are_where_an_export_has_them(t):
    path = export(t, files=('a.vhdx', 'B.VHDX'))
    t.write('EXPORT/Virtual Machines/a.vhdx', b'not this one')
    os.rename(t.path('EXPORT/Virtual Hard Disks/B.VHDX'), t.path('EXPORT/Virtual Hard Disks/b.vhdx'))
    done = t.vmferry('convert', path, 'vm.ova')
    tap.equal('is read instead' in done.stderr, False, done.stderr)
    info = json.loads(t.vmferry('info', '--output=json', path).stdout)['machine']
    tap.equal([os.path.basename(image['filename']) for image in info['images']], ['a.vhdx', 'b.vhdx'])


def test_a_checkpoint_is_read_through_its_parents(t):
    path = export(t, files=('a_1.avhdx',), write=False)
    t.write('old', bytes(1 << 20))
    t.write('new', b'new' * 1000 + bytes((1 << 20) - 3000))
    t.vmferry('convert', '-q', '-f', 'raw', '-O', 'vhdx', 'old', 'EXPORT/Virtual Hard Disks/a.vhdx')
    t.vmferry('convert', '-q', '-f', 'raw', '-O', 'vhdx', '-B', 'a.vhdx', '-F', 'vhdx', 'new', 'EXPORT/Virtual Hard Disks/leaf.vhdx')
    os.rename(t.path('EXPORT/Virtual Hard Disks/leaf.vhdx'), t.path('EXPORT/Virtual Hard Disks/a_1.avhdx'))
    t.vmferry('convert', '-q', path, 'vm.ova')
    t.vmferry('convert', '-q', '-O', 'raw', 'vm.ova', 'there.raw')
    tap.equal(t.read('there.raw') == t.read('new'), True, 'content')
    os.unlink(t.path('EXPORT/Virtual Hard Disks/a.vhdx'))
    tap.contains(t.vmferry('convert', path, 'no.ova', status=2).stderr, 'a.vhdx')


@tap.rows([('a folder that is a link', True), ('a file that is a link', False)])
def test_no_link_leads_out_of_an_export(t, folder):
    path = export(t, write=False)
    os.makedirs(t.path('secret'))
    t.write('secret/a.vhdx', b'x')
    if folder:
        os.rmdir(t.path('EXPORT/Virtual Hard Disks'))
        os.symlink(t.path('secret'), t.path('EXPORT/Virtual Hard Disks'))
    else:
        os.symlink(t.path('secret/a.vhdx'), t.path('EXPORT/Virtual Hard Disks/a.vhdx'))
    tap.contains(t.vmferry('convert', path, 'vm.ova', status=2).stderr, 'a.vhdx')


@tap.rows([(name, name) for name in ('C:\\..\\..\\..\\etc\\passwd', '\\\\server\\share\\passwd', '/etc/passwd', '../../../../etc/passwd', 'C:', '.', '..')])
def test_disks_elsewhere_are_refused(t, name):
    path = export(t, write=False, **{f'_{ONE}_': {'controller0': {'drive0': disk(name)}}})
    t.vmferry('convert', path, 'vm.ova', status=2)


def test_a_state_is_named(t):
    t.write('x.vmrs', whole())
    tap.contains(t.vmferry('info', 'x.vmrs', status=2).stderr, '*.vmcx')
    t.write('x.vmgs', b'GUESTRTS' + bytes(4096))
    tap.contains(t.vmferry('info', 'x.vmgs', status=2).stderr, 'VMGS')


def test_snapshots_are_configurations_of_their_own(t):
    path = export(t)
    tap.contains(t.vmferry('convert', '-l', 'x', path, 'vm.ova', status=1).stderr, 'Snapshots')


# ---- written: a script of PowerShell ----

VMX = '''.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "13"
displayName = "web"
guestOS = "{os}"
memsize = "1026"
numvcpus = "4"
firmware = "{firmware}"
{more}
scsi0.present = "TRUE"
scsi0.virtualDev = "lsilogic"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "a.vmdk"
sata0.present = "TRUE"
sata0:3.present = "TRUE"
sata0:3.fileName = "b.vmdk"
ide1:0.present = "TRUE"
ide1:0.deviceType = "cdrom-raw"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vmxnet3"
ethernet0.networkName = "VM Network"
ethernet0.addressType = "static"
ethernet0.address = "00:50:56:01:02:03"
'''


def vmx(os='ubuntu-64', firmware='efi', more=''):
    return VMX.format(os=os, firmware=firmware, more=more).encode()


def write(t, data, name='source.vmx', *words):
    """(the script, its machine when it is read again, what the writer tells as {field: (weight, code)})"""
    told = model.written(t, t.write(name, data), t.path('vm.ps1'), 'hyperv', *words)
    script = t.read('vm.ps1')
    return script.decode('ascii'), ask(t, script, 'vm.ps1')['machine'], {field: (weight, code) for weight, field, code, _ in told}


def test_generation_2_is_written(t):
    script, found, told = write(t, vmx(more='uefi.secureBoot.enabled = "TRUE"'))
    tap.equal([found[key] for key in ('name', 'firmware', 'secure-boot', 'vcpus', 'memory')], ['web', 'efi', 'microsoft-keys', 4, 1026 << 20])
    tap.equal([(d['medium'], d['bus'], d['controller'], d['unit'], d.get('image'), d.get('boot')) for d in found['disks']],
              [('disk', 'scsi', 0, 0, 'a.vmdk', 1), ('disk', 'scsi', 0, 1, 'b.vmdk', None), ('cdrom', 'scsi', 0, 2, None, None)])
    tap.equal(found['nics'], [{'model': 'netvsc', 'mac': '00:50:56:01:02:03', 'mac-origin': 'static', 'attach': 'bridge', 'network': 'VM Network'}])
    tap.contains(script, "-SecureBootTemplate ('MicrosoftUEFICertificateAuthority')")
    tap.contains(write(t, vmx('windows2019srv-64', more='uefi.secureBoot.enabled = "TRUE"'))[0], "-SecureBootTemplate ('MicrosoftWindows')")
    tap.equal((told['disks[1].bus'], told['controllers[0].model']), (('boot', 'L-controller'),) * 2)


def test_generation_1_starts_from_ide(t):
    script, found, _ = write(t, vmx(firmware='bios', more='bios.bootOrder = "cdrom,hdd"'))
    tap.equal([(d['medium'], d['bus'], d['controller'], d['unit']) for d in found['disks']],
              [('disk', 'ide', 0, 0), ('disk', 'ide', 0, 1), ('cdrom', 'ide', 1, 0)])
    tap.equal(found['boot'], 'cdrom,disk,network,floppy')
    tap.equal('Set-VMFirmware' in script, False)


@tap.rows([
    ('on SCSI, and another one on IDE', 'ide0:0.present = "TRUE"\nide0:0.fileName = "c.vmdk"', {'a.vmdk': (0, 0), 'c.vmdk': (1, 1)}, True),
    ('on IDE, behind another one', 'ide0:0.present = "TRUE"\nide0:0.fileName = "c.vmdk"\nide1:1.present = "TRUE"\nide1:1.fileName = "d.vmdk"\nbios.hddOrder = "ide1:1"',
     {'d.vmdk': (0, 0), 'c.vmdk': (1, 1)}, False),
    ('on IDE, behind a CD drive', 'ide0:0.present = "TRUE"\nide0:0.deviceType = "cdrom-raw"\nide0:1.present = "TRUE"\nide0:1.fileName = "d.vmdk"\nbios.hddOrder = "ide0:1"',
     {'d.vmdk': (0, 1)}, False),
])
def test_generation_1_starts_from_the_first_disk_on_ide(t, more, places, told):
    _, found, said = write(t, vmx(firmware='bios', more=more))
    tap.equal({d['image']: (d['controller'], d['unit']) for d in found['disks'] if d['bus'] == 'ide' and d.get('image') in places}, places)
    tap.equal(said.get('disks[0].bus') == ('boot', 'L-controller'), told)


def test_more_disks_than_ide_has_places_for(t):
    more = ''.join(f'scsi0:{unit}.present = "TRUE"\nscsi0:{unit}.fileName = "{unit}.vmdk"\n' for unit in (1, 2, 3, 4))
    _, found, _ = write(t, vmx(firmware='bios', more=more))
    tap.equal(sorted((d['bus'], d['controller'], d['unit']) for d in found['disks']),
              [('ide', 0, 0), ('ide', 0, 1), ('ide', 1, 0), *(('scsi', 0, unit) for unit in (1, 2, 3, 4))])


def test_a_card_that_reaches_nothing_is_on_no_switch(t):
    script, _, told = write(t, vmx(more='ethernet0.startConnected = "FALSE"'))
    tap.equal(('Join-Switch $nic' in script, told['nics[0].network'][0], told['nics[0].connected'][0]), (False, 'behaviour', 'cosmetic'))
    script, _, told = write(t, vmx(more='ethernet0.startConnected = "TRUE"'))
    tap.equal(('Join-Switch $nic' in script, 'nics[0].network' in told), (True, False))


def test_a_copy_has_addresses_of_its_own(t):
    tap.equal('mac' in write(t, vmx(), 'source.vmx', 'copy')[1]['nics'][0], False)


def test_what_was_read_is_written_again(t):
    """Of a machine of Hyper-V all but its ids, and what the commands cannot set."""
    tree = machine()
    before = read(t, tree)
    _, after, told = write(t, vmcx_maker.make(tree), 'source.vmcx')
    for found in before, after:
        for key in ('uuid', 'genid', 'hw-version', 'nvram', 'extra', 'arch', 'controllers'):
            found.pop(key, None)
        for disk_ in found['disks']:
            disk_.pop('boot', None), disk_.pop('image', None)
        for nic in found['nics']:
            nic.pop('connected', None)
    tap.equal(after, before, 'machine')
    tap.equal([field for field, (weight, _) in told.items() if weight in ('boot', 'data')], [], 'losses')


def commands(script):
    """The script as PowerShell splits it: in a string between single quotes of any of its five kinds only a doubled one is no end."""
    body = script.partition('# ---- the machine ----\n')[2]
    quotes, code, at, strings = "'\u2018\u2019\u201a\u201b", '', 0, []
    while at < len(body):
        if body[at] not in quotes:
            code, at = code + body[at], at + 1
            continue
        at, text = at + 1, ''
        while not (body[at] in quotes and body[at + 1] not in quotes):
            text, at = text + body[at], at + (2 if body[at] in quotes else 1)
        strings.append(text)
        code, at = code + '""', at + 1
    return code, strings



@tap.rows([(repr(text), text) for text in ['', *NAMES]])
def test_hostile_texts_stay_in_their_quotes(t, text):
    """The code around the strings is that of a harmless machine."""
    harmless, found = (f"""<domain type='kvm'><name>{name}</name><description>{name}</description><memory unit='GiB'>1</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><serial type='pipe'><source path='{name}'/></serial>
<interface type='bridge'><source bridge='{name}'/><model type='e1000'/></interface></devices></domain>"""
                       for name in ('harmless', xml_text(text or 'x')))
    wanted, _ = commands(write(t, harmless.encode(), 'a.xml')[0])
    script, again, _ = write(t, found.encode(), 'b.xml')
    code, strings = commands(script)
    plain = [line.replace('+[char]0x', '\0').split('\0') for line in code.splitlines()]
    for line, expected in zip(plain, wanted.splitlines(), strict=True):
        joined = line[0] + ''.join(part.lstrip('0123456789abcdef') for part in line[1:])
        tap.equal(re.sub(r'""(\+"")+', '""', joined), expected)
    tap.equal(all(0x20 <= ord(letter) < 0x7f or letter == '\n' for letter in script), True, 'ASCII')
    tap.equal(again['description'], text or 'x')
    tap.equal(again['nics'][0]['network'], text or 'x')


@tap.rows([
    ('another command', 'Remove-Item x\n'), ('a bare value', '$vm = New-VM -Name x;y -Generation 2 -NoVHD\n'), ('an open quote', "Set-VM -VM $vm -Notes ('a\n"),
    ('an expression', "Set-VM -VM $vm -Notes ('a'+$(x))\n"), ('a character that is none', "Set-VM -VM $vm -Notes ('a'+[char]0x0+'')\n"),
    ('many words', 'Set-VM ' + 'x ' * 20 + '\n'), ('a card that is none', 'Join-Switch $nic7 (\'x\')\n'), ('a drive that is none', 'Set-VMFirmware -VM $vm -FirstBootDevice $drive9\n'),
    ('a number that is none', '$nic99999999999999999999 = Add-VMNetworkAdapter -VM $vm\n'),
    ('memory beyond 63 bits', "$vm = New-VM -Name ('x') -Generation 2 -MemoryStartupBytes 9223372036854775808 -NoVHD\n"),
    ('memory beyond 64 bits', "$vm = New-VM -Name ('x') -Generation 2 -MemoryStartupBytes 99999999999999999999999 -NoVHD\n"),
    ('a limit of memory', 'Set-VMMemory -VM $vm -DynamicMemoryEnabled $true -MinimumBytes 1 -MaximumBytes 18446744073709551615\n'),
    ('many threads', 'Set-VMProcessor -VM $vm -HwThreadCountPerCore 4097\n'),
    ('a place beyond 64', '$drive0 = Add-VMDvdDrive -VM $vm -ControllerNumber 0 -ControllerLocation 64 -Passthru\n'),
    ('a controller beyond 4', '$drive0 = Add-VMDvdDrive -VM $vm -ControllerNumber 4 -ControllerLocation 0 -Passthru\n'),
])
def test_a_script_that_was_changed_is_not_believed(t, line):
    script, _, _ = write(t, vmx())
    tap.contains(ask(t, (script + line).encode(), 'vm.ps1', status=1), f'vm.ps1:{script.count(chr(10)) + 1}: this line is none')
    tap.contains(ask(t, script.replace('Stop', 'Continue').encode(), 'vm.ps1', status=1), 'one that was changed')


def test_a_machine_becomes_a_folder(t):
    path = export(t)
    os.makedirs(t.path('there'))
    t.vmferry('convert', '-q', '--machine', 'hyperv', path, 'there')
    tap.equal(sorted(os.listdir(t.path('there'))), ['web-disk1.vhdx', 'web.ps1'])
    t.vmferry('compare', '-q', 'there/web-disk1.vhdx', 'EXPORT/Virtual Hard Disks/a.vhdx')
    tap.contains(t.vmferry('convert', path, 'x.vmcx', status=None).stderr, 'x.vmcx')


if __name__ == '__main__':
    tap.main(globals())
