# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`vmferry edit` of packages: what changes, what stays byte for byte, and what xmllint, patch, tar, sha256sum and openssl say of it."""
import difflib
import hashlib
import json
import os
import re
import signal
import subprocess
import tarfile

import tap
from signing import DISK, FILES, archive, check_signature, folder, key_words, manifest, signed

RASD = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData'
VSSD = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData'
OVF = f'''<?xml version="1.0" encoding="UTF-8"?>
<!-- odd   blanks stay -->
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="{RASD}" xmlns:vssd="{VSSD}" xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References><File ovf:id="f2"   ovf:href="b.img"/><File ovf:id='f1' ovf:href="a.img" ovf:size="99"/><File ovf:id="f3" ovf:href="cd.iso"/></References>
  <DiskSection><Info>d</Info>
    <Disk ovf:diskId="d1" ovf:fileRef="f1" ovf:capacity="18432" ovf:format="raw"/>
    <Disk ovf:diskId="d2" ovf:fileRef="f2" ovf:capacity="18432" ovf:format="raw"/>
  </DiskSection>
  <NetworkSection>
    <Info>n</Info>
    <Network ovf:name="VM Network"><Description>first</Description></Network>
    <Network ovf:name="dmz"/>
  </NetworkSection>
  <VirtualSystem ovf:id="vm">
    <Info>v</Info>
    <Name ovf:msgid="m.name">vm</Name>
    <OperatingSystemSection ovf:id="102" ovf:version="1" vmw:osType="otherGuest64"><Info>o</Info><Description>Other</Description></OperatingSystemSection>
    <ProductSection ovf:class="net"><Info>p</Info>
      <Property ovf:key="port" ovf:type="uint16" ovf:qualifiers="MinValue(1024)" ovf:userConfigurable="true" ovf:value="8080"/>
      <Property ovf:key="mode" ovf:type="string" ovf:qualifiers="ValueMap{{&quot;fast&quot;, &quot;a, b&quot;}}" ovf:value="fast"/>
      <Property ovf:key="secret" ovf:type="string(4..8)" ovf:password="true"/>
    </ProductSection>
    <VirtualHardwareSection ovf:transport="iso">
      <Info>h</Info>
      <System><vssd:ElementName>e</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>vm</vssd:VirtualSystemIdentifier><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
      <Item>
        <rasd:ElementName>2 virtual CPUs</rasd:ElementName>
        <rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>2</rasd:VirtualQuantity>
        <vmw:CoresPerSocket ovf:required="false">2</vmw:CoresPerSocket>
      </Item>
      <Item ovf:bound="max">
        <rasd:ElementName>most</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>4</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:AllocationUnits>byte * 2^30</rasd:AllocationUnits>
        <rasd:ElementName>memory</rasd:ElementName>
        <rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>1</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:Address>0</rasd:Address><rasd:ElementName>ide</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>5</rasd:ResourceType>
      </Item>
      <Item ovf:required="false">
        <rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>cd</rasd:ElementName><rasd:HostResource>ovf:/file/f3</rasd:HostResource>
        <rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>15</rasd:ResourceType>
      </Item>
      <Item>
        <rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>
        <rasd:Connection>VM Network</rasd:Connection>
        <rasd:Description>PCNet32 ethernet adapter</rasd:Description>
        <rasd:ElementName>nic</rasd:ElementName>
        <rasd:InstanceID>7</rasd:InstanceID>
        <rasd:ResourceSubType>PCNet32</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType>
      </Item>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
'''.encode()
PACKAGE = {'vm.ovf': OVF, 'b.img': DISK, 'a.img': DISK[::-1], 'cd.iso': b'\1CD001' + bytes(2042)}
HOSTILE = ['a"b', "a'b", '<x/>', '&amp;', ']]>', '<!--', '-->', '$(id)', '`id`', 'a;b', 'ä€\U0001f600', '%s%n', '../x', 'a\\b', '${key}']


def put(t, kind='ova', files=None, cert=False):
    files = files or PACKAGE
    texts = {'vm.mf': manifest(files)}
    if cert:
        texts['vm.cert'] = signed(texts['vm.mf'])
    if kind == 'ovf':
        return folder(t, texts['vm.mf'], texts.get('vm.cert'), files)
    first, *rest = files.items()
    return archive(t, {first[0]: first[1], **texts, **dict(rest)})


def texts(t, path):
    if path.endswith('.ovf'):
        return {name: t.read(name) for name in t.names()}
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def edit(t, path, *words, **options):
    return t.vmferry('edit', *words, path, **options)


def diff(before, after):
    """The lines that go and those that come."""
    before, after = (text.decode().rstrip('\n').split('\n') for text in (before, after))
    changed = [line for line in difflib.ndiff(before, after) if line[0] in '+-']
    return [line[2:].strip() for line in changed if line[0] == '-'], [line[2:].strip() for line in changed if line[0] == '+']


def machine(t, path):
    return json.loads(t.vmferry('info', '--output=json', path).stdout)['machine']


@tap.rows([('folder', 'ovf'), ('archive', 'ova')])
def test_only_what_was_asked_for_changes(t, kind):
    path = put(t, kind)
    edit(t, path, '--memory', '2G', '--no-verify')
    gone, come = diff(OVF, texts(t, path)['vm.ovf'])
    tap.equal(len(gone), 2, gone)  # the size of a.img was wrong, and is put right
    tap.equal([line for line in come if 'File' not in line], ['<rasd:VirtualQuantity>2</rasd:VirtualQuantity>'])
    assert b'ovf:size="%d"' % len(DISK) in texts(t, path)['vm.ovf']
    assert b'<!-- odd   blanks stay -->' in texts(t, path)['vm.ovf']
    tap.equal({name: data for name, data in texts(t, path).items() if name.endswith(('img', 'iso'))}, {n: d for n, d in PACKAGE.items() if n != 'vm.ovf'})
    done = texts(t, path)
    tap.equal(done['vm.mf'], manifest({name: done[name] for name in PACKAGE}))
    t.vmferry('verify', path, status=None)


def test_every_option_at_once_reads_back(t):
    path = put(t)
    before = machine(t, path)
    done = edit(t, path, '--name', 'new', '--cpus', '3', '--memory', '1536M', '--network', 'VM Network=lan', '--nic',
                '1,model=vmxnet3,mac=00:50:56:00:00:07', '--nic', 'new,network=dmz', '--os', 'ubuntu-64', '--firmware', 'efi',
                '--annotation', 'a\nb', '--property', 'port=2000', '--property', 'net.mode=a, b')
    tap.contains(done.stderr, '[edit-cores]')
    found = machine(t, path)
    tap.equal((found['name'], found['vcpus'], found['memory'], found['firmware'], found['description']), ('new', 3, 1536 << 20, 'efi', 'a\nb'))
    tap.equal([(nic['model'], nic['network'], nic.get('mac')) for nic in found['nics']],
              [('vmxnet3', 'lan', '00:50:56:00:00:07'), ('e1000', 'dmz', None)])
    tap.equal(found['disks'], before['disks'])
    text = texts(t, path)['vm.ovf'].decode()
    for line in ('<Name>new</Name>', 'ovf:id="new"', '>byte * 2^20<', '>1536<', '3 virtual CPUs', 'VmxNet3 ethernet adapter', 'ovf:value="2000"',
                 'ovf:value="a, b"', '<rasd:InstanceID>8<', 'vmw:osType="ubuntu64Guest"'):
        tap.contains(text, line)
    tap.equal('msgid' in text or 'ovf:version' in text or 'CoresPerSocket' in text, False, text)
    t.vmferry('verify', path)


def test_the_result_is_valid_where_the_source_was(t):
    schema = os.path.join(os.environ.get('VMFERRY_OVF_XSD', tap.SOURCE / '../shared/ovf-xsd'), '1.1.1-xo', 'dsp8023_1.1.1.xsd')
    if not os.path.exists(schema):
        raise tap.Skip('no folder of schema files')
    t.write('disk.raw', DISK[:8192])
    t.vmferry('pack', t.path('disk.raw'), '-o', t.path('vm.ovf'), '--property', 'k=v')
    edit(t, t.path('vm.ovf'), '--name', 'n', '--annotation', 'x', '--nic', 'new,network=other', '--firmware', 'efi', '--eula', t.write('eula', b'be <good>'))
    t.run(tap.tool('xmllint'), '--nonet', '--noout', '--schema', schema, t.path('vm.ovf'))
    tap.contains(t.read('vm.ovf').decode(), '<License>be &lt;good&gt;</License>')


def test_the_shown_difference_is_a_patch(t):
    path = put(t, 'ovf')
    done = edit(t, path, '--dry-run', '--cpus', '4', '--annotation', 'note', '--os', 'ubuntu-64')
    tap.equal(texts(t, path), {**PACKAGE, 'vm.mf': manifest(PACKAGE)}, 'nothing is written')
    t.write('patched', OVF)
    t.run(tap.tool('patch'), '-s', t.path('patched'), t.write('p', done.stdout.encode()))
    edit(t, path, '--cpus', '4', '--annotation', 'note', '--os', 'ubuntu-64')
    tap.equal(t.read('patched'), t.read('vm.ovf'))


@tap.rows([('folder', 'ovf'), ('archive', 'ova')])
def test_a_signature_goes_or_is_made_again(t, kind):
    path = put(t, kind, cert=True)
    before = texts(t, path)
    edit(t, path, '--cpus', '4', *key_words('other'))
    done = texts(t, path)
    check_signature(t, done['vm.mf'], done['vm.cert'])
    tap.equal(sorted(done), sorted(before))
    tap.contains(edit(t, path, '--cpus', '1').stderr, '[signature-removed]')
    tap.equal(set(before) - set(texts(t, path)), {'vm.cert'})
    t.vmferry('verify', path, status=None)


def test_what_was_altered_is_not_edited(t):
    path = put(t, 'ovf')
    t.write('b.img', b'x' + DISK[1:])
    before = texts(t, path)
    done = edit(t, path, '--cpus', '4', status=8)
    tap.contains(done.stderr, '[manifest-digest-wrong]')
    tap.equal(texts(t, path), before, 'files')
    edit(t, path, '--cpus', '4', '--no-verify')
    assert manifest(FILES).splitlines()[1] in t.read('vm.mf'), 'the wrong digest is not made right'


@tap.rows([('folder', 'ovf'), ('archive', 'ova')])
def test_a_cd_goes_with_its_file(t, kind):
    path = put(t, kind)
    done = edit(t, path, '--remove-cd')
    tap.contains(done.stderr, '[edit-file-removed]')
    left = texts(t, path)
    tap.equal('cd.iso' in left, kind == 'ovf')
    tap.equal((b'cd.iso' in left['vm.ovf'], b'cd.iso' in left['vm.mf'], b'>15<' in left['vm.ovf']), (False, False, False))
    t.vmferry('verify', path, status=None)


def test_an_archive_keeps_order_and_times_and_disks_their_place_in_a_block(t):
    path = put(t)
    with tarfile.open(path) as tar:
        before = [(m.name, m.mtime, m.offset_data % 4096) for m in tar]
    edit(t, path, '--annotation', 'x' * 3000)
    with tarfile.open(path) as tar:
        tap.equal([(m.name, m.mtime, m.offset_data % 4096) for m in tar], before)
    t.run('tar', 'tf', path)


def test_another_file_is_written_and_this_one_stays(t):
    path = put(t)
    before = t.read('vm.ova')
    edit(t, path, '--cpus', '4', '-o', t.path('other.ova'))
    tap.equal(t.read('vm.ova'), before)
    tap.equal(machine(t, t.path('other.ova'))['vcpus'], 4)
    edit(t, path, '--cpus', '4', '-o', t.path('other.ova'), '--no-clobber', status=1)
    tap.contains(edit(t, put(t, 'ovf'), '--cpus', '4', '-o', t.path('x.ovf'), status=None).stderr, 'copy the package first')


def test_what_is_so_already_is_not_written(t):
    path = put(t, files={**PACKAGE, 'vm.ovf': OVF.replace(b' ovf:size="99"', b'')})
    before = os.stat(path)
    tap.equal(edit(t, path, '--cpus', '2').stdout, 'nothing is changed\n')
    tap.equal(os.stat(path).st_ino, before.st_ino)


@tap.rows([(repr(value), value) for value in HOSTILE])
def test_hostile_texts_stay_values(t, value):
    path = put(t)
    edit(t, path, '--name', value, '--annotation', value, '--network', 'VM Network=' + value, '--nic', 'new,network=' + value)
    found = machine(t, path)
    tap.equal((found['name'], found['description'], [nic['network'] for nic in found['nics']]), (value, value, [value, value]))
    t.run(tap.tool('xmllint'), '--noout', t.write('x.xml', texts(t, path)['vm.ovf']))


@tap.rows([
    ('no option', [], 'no option says what is to be changed'),
    ('no such network', ['--network', 'no=x'], 'there are: VM Network, dmz'),
    ('half a network', ['--network', 'x'], 'OLD=NEW'),
    ('no such card', ['--nic', '3,model=e1000'], 'has no network card 3; there are 1'),
    ('card without a number', ['--nic', 'model=e1000'], 'does not begin with the number'),
    ('unknown card', ['--nic', '1,model=ne2000'], 'VmxNet3'),
    ('mac', ['--nic', '1,mac=01:00:00:00:00:00'], 'single card'),
    ('odd memory', ['--memory', '5M'], 'multiple of 4 MiB'),
    ('firmware', ['--firmware', 'openboot'], 'bios and efi'),
    ('os', ['--os', 'windows'], 'did you mean'),
    ('control character', ['--name', 'a\x1bb'], 'control character'),
    ('empty name', ['--name', ''], 'is empty'),
    ('property that is not there', ['--property', 'no=x'], 'there are: net.port, net.mode, net.secret'),
    ('property of another type', ['--property', 'port=x'], 'uint16'),
    ('property too small', ['--property', 'port=80'], 'MinValue(1024)'),
    ('property too large', ['--property', 'port=65536'], 'uint16'),
    ('property not listed', ['--property', 'mode=slow'], 'ValueMap'),
    ('password too short', ['--property', 'secret=abc'], '"***" is not accepted'),
    ('system', ['--system', 'no', '--cpus', '1'], 'there are: vm'),
])
def test_wrong_values_are_refused_and_change_nothing(t, words, text):
    path = put(t)
    before = t.read('vm.ova')
    tap.contains(edit(t, path, *words, status=1).stderr, text)
    tap.equal(t.read('vm.ova'), before)


def test_of_several_machines_one_is_chosen(t):
    system = re.search(rb'<VirtualSystem .*</VirtualSystem>', OVF, re.S)[0]
    other = system.replace(b'"vm"', b'"web"').replace(b'>vm<', b'>web<')
    both = OVF.replace(system, b'<VirtualSystemCollection ovf:id="all"><Info>c</Info>\n<StartupSection><Info>s</Info><Item ovf:id="web" ovf:order="1"/>'
                       b'</StartupSection>' + system + other + b'</VirtualSystemCollection>')
    path = put(t, files={**PACKAGE, 'vm.ovf': both})
    tap.contains(edit(t, path, '--cpus', '4', status=1).stderr, '--system')
    edit(t, path, '--system', 'web', '--cpus', '4', '--name', 'shop')
    found = json.loads(t.vmferry('info', '--output=json', path).stdout)['machines']
    tap.equal([(one['name'], one['vcpus']) for one in found], [('vm', 2), ('shop', 4)])
    tap.contains(texts(t, path)['vm.ovf'].decode(), '<Item ovf:id="shop" ovf:order="1"/>')


def test_a_guest_system_that_was_not_said_is(t):
    bare = re.sub(rb'<OperatingSystemSection.*?</OperatingSystemSection>', b'', OVF, flags=re.S)
    path = put(t, files={**PACKAGE, 'vm.ovf': bare})
    edit(t, path, '--os', 'ubuntu-64')
    tap.equal(machine(t, path)['os'], 'ubuntu64Guest')
    tap.contains(texts(t, path)['vm.ovf'].decode(), '<OperatingSystemSection ovf:id="94" vmw:osType="ubuntu64Guest">')


def networks(t, path):
    names = re.findall(r'<Network ovf:name="([^"]*)"', texts(t, path)['vm.ovf'].decode())
    return names, [nic['network'] for nic in machine(t, path)['nics']]


@tap.rows([
    ('two change their names', ['--network', 'VM Network=dmz', '--network', 'dmz=VM Network'], ['dmz', 'VM Network'], ['dmz']),
    ('two become one', ['--network', 'VM Network=lan', '--network', 'dmz=lan'], ['lan'], ['lan']),
    ('one becomes another that is there', ['--network', 'VM Network=dmz'], ['dmz'], ['dmz']),
    ('a name is given away and used again', ['--network', 'dmz=lan', '--nic', '1,network=dmz'], ['VM Network', 'lan', 'dmz'], ['dmz']),
    ('a new card is on the first as it is called now', ['--network', 'VM Network=lan', '--nic', 'new,model=e1000'], ['lan', 'dmz'], ['lan', 'lan']),
])
def test_networks_are_renamed_at_once(t, words, section, cards):
    path = put(t)
    edit(t, path, *words)
    tap.equal(networks(t, path), (section, cards))
    t.vmferry('verify', path, status=None)


def test_a_network_is_not_called_otherwise_twice(t):
    tap.contains(edit(t, put(t), '--network', 'dmz=a', '--network', 'dmz=b', status=1).stderr, 'otherwise already')


@tap.rows([('folder', 'ovf'), ('archive', 'ova')])
def test_no_change_is_lost_where_two_run_at_once(t, kind):
    path = put(t, kind)
    for memory in range(2, 8):
        runs = [subprocess.Popen([tap.VMFERRY, 'edit', '-q', '--no-sync', '--no-verify', *words, path], stderr=subprocess.DEVNULL)
                for words in (['--cpus', str(memory + 1)], ['--memory', f'{memory}G'])]
        done = [run.wait() == 0 for run in runs]
        found = machine(t, path)
        tap.equal((found['vcpus'] == memory + 1, found['memory'] == memory << 30), tuple(done))
        edit(t, path, '--cpus', '1', '--memory', '1G')


def test_the_file_itself_is_no_other_file(t):
    path = put(t)
    edit(t, path, '--cpus', '4', '-o', path)
    tap.equal(machine(t, path)['vcpus'], 4)


def test_of_machines_with_one_name_none_is_guessed(t):
    system = re.search(rb'<VirtualSystem .*</VirtualSystem>', OVF, re.S)[0]
    both = OVF.replace(system, b'<VirtualSystemCollection ovf:id="all"><Info>c</Info>\n' + system.replace(b'"vm"', b'"a"') + system.replace(b'"vm"', b'"b"')
                       + b'</VirtualSystemCollection>')
    path = put(t, files={**PACKAGE, 'vm.ovf': both})
    tap.contains(edit(t, path, '--system', 'vm', '--cpus', '4', status=1).stderr, '2 machines are called "vm"')
    for chosen in ('a', '2'):
        edit(t, path, '--system', chosen, '--cpus', '4')
    tap.equal([one['vcpus'] for one in json.loads(t.vmferry('info', '--output=json', path).stdout)['machines']], [4, 4])


@tap.rows([('UTF-16', 'utf-16'), ('ISO-8859-1', 'latin-1')])
def test_a_descriptor_in_another_encoding_is_in_utf_8_then_and_that_is_told(t, codec):
    name = {'utf-16': 'UTF-16', 'latin-1': 'ISO-8859-1'}[codec]
    text = OVF.decode().replace('<Name ovf:msgid="m.name">vm<', '<Name>vü<')
    text = re.sub(r'^(<\?xml.*?\?>)?', f'<?xml version="1.0" encoding="{name}"?>', text, count=1)
    path = put(t, files={**PACKAGE, 'vm.ovf': text.encode(codec)})
    tap.contains(edit(t, path, '--cpus', '4', '--annotation', 'ж').stderr, '[edit-encoding]')
    found = machine(t, path)
    tap.equal((found['name'], found['vcpus'], found['description']), ('vü', 4, 'ж'))
    t.run(tap.tool('xmllint'), '--noout', t.write('x.xml', texts(t, path)['vm.ovf']))


def test_a_bound_is_told(t):
    tap.contains(edit(t, put(t), '--cpus', '8').stderr, '[edit-beyond-bound]')


MEMORY = b"""<rasd:AllocationUnits>byte * 2^30</rasd:AllocationUnits>
        <rasd:ElementName>memory</rasd:ElementName>
        <rasd:InstanceID>2</rasd:InstanceID>
"""
LIMITED = MEMORY + b"""        <rasd:Limit>8</rasd:Limit>
        <rasd:Reservation>1</rasd:Reservation>
"""
BOUND = b"""<Item ovf:bound="max"><rasd:AllocationUnits>byte * 2^30</rasd:AllocationUnits><rasd:ElementName>most</rasd:ElementName>
<rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity></Item></VirtualHardwareSection>"""


@tap.rows([('the same unit', '2G', ['30', '8', '1', '2'], False), ('MiB', '1536M', ['20', '8192', '1024', '1536'], False), ('above', '4608M', ['20', '8192', '1024', '4608'], True)])
def test_limits_and_bounds_of_memory_have_units(t, memory, numbers, beyond):
    path = put(t, files={**PACKAGE, 'vm.ovf': OVF.replace(MEMORY, LIMITED).replace(b'</VirtualHardwareSection>', BOUND)})
    done = edit(t, path, '--memory', memory)
    item = texts(t, path)['vm.ovf'].decode().split('<Item>')[2]
    tap.equal([re.search(pattern, item)[1] for pattern in (r'byte \* 2\^(\d+)', r'Limit>(\d+)', r'Reservation>(\d+)', r'VirtualQuantity>(\d+)')], numbers)
    tap.equal('[edit-beyond-bound]' in done.stderr, beyond)


def test_a_number_in_a_text_has_its_unit(t):
    path = put(t, files={**PACKAGE, 'vm.ovf': OVF.replace(b'>memory<', b'>1 GB of memory<')})
    edit(t, path, '--memory', '1536M')
    tap.contains(texts(t, path)['vm.ovf'].decode(), '<rasd:ElementName>1536 MiB of memory<')


NAMING = '''<Property ovf:key="a" ovf:type="ip:VM Network"/><Property ovf:key="b" ovf:type="string" vmw:qualifiers="Ip(&quot;VM Network&quot;)" ovf:value="${autoIp:VM Network} ${x} ${dns:other}"/>
      <Property ovf:key="c" ovf:type="string" ovf:qualifiers="Netmask('VM Network'), MaxLen(9)"><Value ovf:value="${netmask:VM Network}" ovf:configuration="x"/></Property>
      '''


def test_properties_name_the_network_as_it_is_called_then(t):
    path = put(t, files={**PACKAGE, 'vm.ovf': OVF.replace(b'<Property', NAMING.encode() + b'<Property', 1)})
    edit(t, path, '--network', 'VM Network=L<N')
    text = texts(t, path)['vm.ovf'].decode()
    tap.contains(text, NAMING.replace('VM Network', 'L&lt;N'))
    tap.equal('VM Network' in text, False, 'old name')


def test_another_description_of_the_hardware_is_told(t):
    hardware = OVF[OVF.index(b'<VirtualHardwareSection'):OVF.index(b'</VirtualSystem>')]
    path = put(t, files={**PACKAGE, 'vm.ovf': OVF.replace(b'</VirtualSystem>', hardware.replace(b'vmx-13', b'xen-3') + b'</VirtualSystem>')})
    tap.contains(edit(t, path, '--cpus', '4').stderr, '[edit-hardware-stays]')
    tap.equal('[edit-hardware-stays]' in edit(t, path, '--annotation', 'x').stderr, False, 'what is no hardware')


VBOX = b'''<vbox:Machine xmlns:vbox="http://www.virtualbox.org/ovf/machine" ovf:required="false" version="1.16" name="vm" OSType="Other">
      <ovf:Info>VirtualBox</ovf:Info><Hardware><CPU count="2"/><Memory RAMSize="1024"/></Hardware>
      <StorageControllers><StorageController name="ide" type="PIIX4"><AttachedDevice type="DVD" port="0" device="0"/></StorageController></StorageControllers>
    </vbox:Machine>
  </VirtualSystem>'''


def test_virtualbox_reads_the_same(t):
    path = put(t, 'ovf', files={**PACKAGE, 'vm.ovf': OVF.replace(b'</VirtualSystem>', VBOX)})
    edit(t, path, '--name', 'n', '--cpus', '4', '--memory', '2G', '--firmware', 'efi', '--os', 'ubuntu-64', '--remove-cd')
    text = t.read('vm.ovf').decode()
    for part in ('name="n"', 'OSType="Ubuntu_64"', '<CPU count="4"/>', '<Memory RAMSize="2048"/>', '<Firmware type="EFI"/>'):
        tap.contains(text, part)
    tap.equal('DVD' in text, False)


def test_virtualbox_has_the_same_cards(t):
    network = (b'<Network><Adapter slot="0" enabled="false" type="virtio"/>'
               b'<Adapter slot="1" enabled="true" MACAddress="0800272AFB4E" type="Am79C973"><NAT/></Adapter></Network></Hardware>')
    path = put(t, 'ovf', files={**PACKAGE, 'vm.ovf': OVF.replace(b'</VirtualSystem>', VBOX.replace(b'</Hardware>', network))})
    tap.equal('[edit-vbox-stays]' in edit(t, path, '--nic', '1,model=e1000,mac=08:00:27:00:00:aa').stderr, False)
    tap.contains(t.read('vm.ovf').decode(), '<Adapter slot="1" enabled="true" MACAddress="0800270000AA" type="82540EM"><NAT/></Adapter>')
    tap.contains(edit(t, path, '--no-verify', '--nic', '1,model=vmxnet3').stderr, '[edit-vbox-stays]')
    edit(t, path, '--no-verify', '--nic', '1,none')
    tap.contains(t.read('vm.ovf').decode(), '<Adapter slot="1" enabled="false"')


def test_a_run_that_is_killed_leaves_the_old_file(t):
    path = put(t)
    before = hashlib.sha256(t.read('vm.ova')).hexdigest()
    for _ in range(6):
        with subprocess.Popen([tap.VMFERRY, 'edit', '--cpus', '4', '-q', path]) as run:
            run.send_signal(signal.SIGKILL)
        if run.returncode == 0:
            break
        tap.equal(hashlib.sha256(t.read('vm.ova')).hexdigest(), before)
    edit(t, path, '--cpus', '4')
    t.vmferry('verify', path, status=None)
    tap.equal(t.names(), ['vm.ova'])


tap.main(globals())
