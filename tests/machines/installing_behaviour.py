# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages that are installed as machines: what is chosen of them, and what the guest is told of it."""
import json
import os
import pathlib
import random
import re
from xml.etree import ElementTree

import tap

RASD = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData'
VSSD = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData'
DISK = random.Random(7).randbytes(70_000) + bytes(61_072)
OPTIONS = '''<DeploymentOptionSection><Info>o</Info>
<Configuration ovf:id="small"><Label>Small</Label><Description>s</Description></Configuration>
<Configuration ovf:id="medium" ovf:default="true"><Label>Medium</Label><Description>m</Description></Configuration>
<Configuration ovf:id="large"><Label>Large</Label><Description>l</Description></Configuration></DeploymentOptionSection>'''


def item(kind, instance, more='', attributes=''):
    """RASD wants its children in the order of their names."""
    parts = sorted(re.findall(r'(\w+)=([^;]*);?', f'ElementName=e{instance};InstanceID={instance};ResourceType={kind};{more}'))
    return f'<Item {attributes}>{"".join(f"<rasd:{name}>{value}</rasd:{name}>" for name, value in parts)}</Item>'


def cpus(count, option=None):
    return item(3, 1, f'VirtualQuantity={count}', f'ovf:configuration="{option}"' if option else '')


def memory(mib, option=None):
    return item(4, 2, f'AllocationUnits=byte * 2^20;VirtualQuantity={mib}', f'ovf:configuration="{option}"' if option else '')


IDE = item(5, 5, 'Address=0')
CD = item(15, 6, 'AddressOnParent=0;Parent=5', 'ovf:required="false"')
NIC = item(10, 7, 'AutomaticAllocation=true;Connection=VM Network;ResourceSubType=E1000')


def property_element(key, kind='string', value=None, qualifiers=None, user=True, more='', inside=''):
    value = '' if value is None else f' ovf:value="{value}"'
    qualifiers = f' ovf:qualifiers="{qualifiers}"' if qualifiers else ''
    return (f'<Property ovf:key="{key}" ovf:type="{kind}"{value}{qualifiers} ovf:userConfigurable="{str(user).lower()}" {more}>'
            f'<Label>l</Label>{inside}</Property>')


def product(*properties, attributes=''):
    return f'<ProductSection {attributes}><Info>p</Info><Product>x</Product>{"".join(properties)}</ProductSection>'


def system(ident='vm', items=None, sections='', transport='', disk='d1'):
    items = items if items is not None else cpus(2) + memory(512)
    return f'''<VirtualSystem ovf:id="{ident}"><Info>v</Info><Name>{ident}</Name>{sections}
<VirtualHardwareSection{f' ovf:transport="{transport}"' if transport else ''}><Info>h</Info>
<System><vssd:ElementName>e</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemIdentifier>{ident}</vssd:VirtualSystemIdentifier>
<vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>{items}{item(6, 8, 'Address=0;ResourceSubType=lsilogic')}
{item(17, 9, f'AddressOnParent=0;HostResource=ovf:/disk/{disk};Parent=8')}</VirtualHardwareSection></VirtualSystem>'''


def envelope(content, options='', capacity='131072', more=''):
    return f'''<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="{RASD}" xmlns:vssd="{VSSD}">
<References><File ovf:id="f1" ovf:href="disk.img"/></References>
<DiskSection><Info>d</Info><Disk ovf:diskId="d1" ovf:fileRef="f1" ovf:capacity="131072" ovf:format="raw"/>
<Disk ovf:diskId="d2" ovf:capacity="{capacity}"/></DiskSection>
<NetworkSection><Info>n</Info><Network ovf:name="VM Network"/></NetworkSection>{options}{content}{more}
</Envelope>
'''.encode()


def put(t, text, name='vm.ovf'):
    t.write('disk.img', DISK)
    t.write(name, text)
    return name


def machine(t, path):
    return json.loads(t.vmferry('info', '--output=json', path).stdout)['machine']


def convert(t, source, target, *words, **options):
    return t.vmferry('convert', '--losses=losses.json', *words, source, target, **options)


def installed(t):
    return json.loads(t.read('losses.json'))['installed']


# ---- deployment options ----

SIZES = cpus(1, 'small') + cpus(2, 'medium') + cpus(4, 'large small2') + memory(256) + memory(512, 'medium') + memory(2048, 'large')


@tap.rows([('the_default', None, 2, 512), ('the_small_one', 'small', 1, 256), ('the_large_one', 'large', 4, 2048)])
def test_the_items_of_the_deployment_option_make_the_machine(t, option, count, mib):
    put(t, envelope(system(items=SIZES), OPTIONS))
    words = [f'--deployment={option}'] if option else []
    for target in ('a/vm.vmx', 'b/vm.xml', 'c/vm.ova'):
        (t.folder / target[0]).mkdir()
        run = convert(t, 'vm.ovf', target, *words)
        made = machine(t, target)
        tap.equal((made['vcpus'], made['memory']), (count, mib << 20), target)
        if target != 'c/vm.ova' or option:
            tap.equal(installed(t), {'deployment': option or 'medium', 'default': not option, 'options': ['small', 'medium', 'large']})
            tap.equal('deployment option: medium' in run.stderr, not option, run.stderr)


def test_an_option_chooses_the_values_of_its_properties(t):
    key = property_element('size', 'string', 'none', inside='<Value ovf:value="1024" ovf:configuration="small"/><Value ovf:value="4096" ovf:configuration="large"/>')
    put(t, envelope(system(sections=product(key), disk='d2'), OPTIONS, capacity='${size}').replace(b'ovf:diskId="d2"', b'ovf:diskId="d2" ovf:capacityAllocationUnits="byte * 2^10"'))
    for option, size in (('small', 1 << 20), ('large', 4 << 20)):
        convert(t, 'vm.ovf', f'{option}.vmx', f'--deployment={option}')
        tap.equal(json.loads(t.vmferry('info', '--output=json', f'{option}-disk1.vmdk').stdout)['virtual-size'], size)


@tap.rows([('another', 'tiny', 'small, medium, large'), ('an_empty_one', '', 'small, medium, large'), ('one_in_another_case', 'Small', 'small, medium, large'),
           ('two_at_once', 'small medium', 'small, medium, large')])
def test_an_option_that_is_not_there_is_an_error_that_lists_them(t, option, there):
    put(t, envelope(system(items=SIZES), OPTIONS))
    run = convert(t, 'vm.ovf', 'out.vmx', f'--deployment={option}', status=1)
    tap.contains(run.stderr, f'has no deployment option "{option}"; there are: {there}')
    tap.equal((t.folder / 'out.vmx').exists(), False)


def test_a_package_without_options_and_another_machine_have_none_to_choose(t):
    put(t, envelope(system()))
    tap.contains(convert(t, 'vm.ovf', 'out.vmx', '--deployment=small', status=1).stderr, 'has no deployment option "small"; there are: none')
    t.vmferry('convert', 'vm.ovf', 'out.vmx')
    for words in (['--deployment=small'], ['--property=a=b']):
        tap.contains(convert(t, 'out.vmx', 'out.xml', *words, status=1).stderr, 'out.vmx: is no package')
    tap.contains(convert(t, 'disk.img', 'out.qcow2', '--deployment=small', status=1).stderr, '--deployment')


# ---- properties ----

KEYS = product(property_element('ip', 'string', qualifiers='MinLen(1)'), property_element('count', 'uint8', '3', qualifiers='MinValue(2)'),
               property_element('mode', 'string', 'fast', qualifiers='ValueMap{&quot;fast&quot;, &quot;a, b&quot;}'),
               property_element('secret', 'string', more='ovf:password="true"'), property_element('built', 'string', '7', user=False),
               property_element('same', 'string', '1')) + product(property_element('same', 'string', '2'), attributes='ovf:class="net" ovf:instance="1"')


def test_the_values_that_are_chosen_are_told_but_no_password(t):
    put(t, envelope(system(sections=KEYS)))
    run = convert(t, 'vm.ovf', 'out.vmx', '--property=ip=10.0.0.2', '--property=secret=hush-hush', '--property=net.same.1=x=y', '--property=same=', '-v')
    tap.equal(installed(t)['properties'], [{'key': 'ip', 'value': '10.0.0.2'}, {'key': 'secret', 'password': True}, {'key': 'same', 'value': ''}, {'key': 'net.same.1', 'value': 'x=y'}])
    tap.equal('hush' in run.stderr + run.stdout + t.read('losses.json').decode(), False)


@tap.rows([('a_type', 'count=300', '"300" is not accepted: expected uint8'), ('a_range', 'count=1', 'MinValue(2)'), ('a_map', 'mode=slow', 'ValueMap'),
           ('a_length', 'ip=', 'MinLen(1)'), ('one_that_is_fixed', 'built=8', 'not for the one who installs'), ('an_unknown_one', 'nix=1', 'has no property "nix"; those that can be chosen are: ip, count'),
           ('a_key_in_another_case', 'IP=1', 'has no property "IP"'), ('another_instance', 'net.same.2=1', 'has no property'), ('no_value', 'ip', 'is not KEY=VALUE'),
           ('no_key', '=1', 'is not KEY=VALUE'), ('a_control_character', 'ip=a\1b', 'byte 1 of the value'), ('no_utf8', 'ip=a\udcff', 'byte 1 of the value'),
           ('one_given_twice', 'ip=1 ip=2', 'is given twice'), ('one_given_by_two_names', 'net.same.1=1 net.same.1=2', 'is given twice')])
def test_a_value_is_refused_for(t, given, why):
    put(t, envelope(system(sections=KEYS)))
    words = [f'--property={word}' for word in given.split(' ')]
    tap.contains(convert(t, 'vm.ovf', 'out.vmx', '--property=count=3' if 'ip' in given else '--property=ip=1', *words, status=1).stderr, why)
    tap.equal((t.folder / 'out.vmx').exists(), False)


def test_a_key_of_several_properties_of_a_machine_asks_for_the_whole_name(t):
    two = product(property_element('a'), attributes='ovf:class="x"') + product(property_element('a'), attributes='ovf:class="y"')
    put(t, envelope(system(sections=two)))
    tap.contains(convert(t, 'vm.ovf', 'out.vmx', '--property=a=1', status=1).stderr, 'several properties have the key "a"')
    convert(t, 'vm.ovf', 'out.vmx', '--property=x.a=1')
    tap.equal(installed(t)['properties'], [{'key': 'x.a', 'value': '1'}])


def test_a_refused_password_is_not_shown(t):
    put(t, envelope(system(sections=product(property_element('pw', 'string', qualifiers='MinLen(12)', more='ovf:password="true"')))))
    run = convert(t, 'vm.ovf', 'out.vmx', '--property=pw=hush-hush', status=1)
    tap.contains(run.stderr, '"***" is not accepted')
    tap.equal('hush' in run.stderr, False)


def test_properties_that_need_a_value_are_listed_once_something_is_chosen(t):
    needed = product(property_element('ip', 'string', qualifiers='MinLen(7)'), property_element('n', 'uint8'), property_element('free'), property_element('late', 'uint8', user=False))
    put(t, envelope(system(sections=needed), OPTIONS))
    run = convert(t, 'vm.ovf', 'out.vmx', '--deployment=small', status=1)
    tap.contains(run.stderr, 'need a value (--property KEY=VALUE): ip, n\n')
    convert(t, 'vm.ovf', 'out.vmx')
    convert(t, 'vm.ovf', 'full.vmx', '--deployment=small', '--property=ip=10.0.0.1', '--property=n=0')


def test_a_file_gives_values_and_an_option_counts_more(t):
    put(t, envelope(system(sections=KEYS)))
    t.write('given', b'\xef\xbb\xbf# addresses\r\nip=10.0.0.9\r\n\n   \nmode=a, b\nsecret=a=b # no comment \n')
    convert(t, 'vm.ovf', 'out.vmx', '--properties=given', '--property=ip=10.0.0.2')
    tap.equal([one.get('value') for one in installed(t)['properties']], ['10.0.0.2', 'a, b', None])


@tap.rows([('a_line_without_a_value', b'ip=1\nsecret hush-hush\n', 'given:2: is not KEY=VALUE'), ('a_key_that_is_there_twice', b'ip=1\nip=1\n', 'given:2: the property "ip" is given twice'),
           ('a_nul', b'ip=1\0\n', 'NUL byte at 4'), ('too_much', b'#' * (4 << 20) + b'\n', 'larger than 4 MiB'), ('too_many', b''.join(b'k%d=1\n' % i for i in range(5000)), 'more than 4096 properties')])
def test_a_file_of_values_is_refused_for(t, text, why):
    put(t, envelope(system(sections=KEYS)))
    t.write('given', text)
    run = convert(t, 'vm.ovf', 'out.vmx', '--properties=given', status=1)
    tap.contains(run.stderr, why)
    tap.equal('hush' in run.stderr, False)


@tap.rows([('an_object', b'\n {"ip": "10.0.0.9", "count": 7, "mode": "a, b", "secret": "hush \\"=#"}', ['10.0.0.9', None, '7', 'a, b']),
           ('a_list', b'[{"key": "ip", "value": "10.0.0.9", "label": "l"}, {"key": "secret", "hidden": true, "length": 0}, {"key": "count", "value": "7"}]', ['10.0.0.9', '7']),
           ('a_list_with_what_is_fixed', b'\xef\xbb\xbf[{"key": "ip", "value": "10.0.0.9"}, {"key": "built", "value": "7"}]', ['10.0.0.9'])])
def test_values_come_as_json(t, text, chosen):
    put(t, envelope(system(sections=KEYS)))
    t.write('given', text)
    run = convert(t, 'vm.ovf', 'out.vmx', '--properties=given')
    tap.equal(sorted(one.get('value', '') for one in installed(t)['properties']), sorted(one or '' for one in chosen))
    convert(t, 'vm.ovf', 'two.vmx', '--properties=given', '--property=ip=10.0.0.2')
    tap.contains([one.get('value') for one in installed(t)['properties']], '10.0.0.2')
    tap.equal('hush' in run.stderr + t.read('losses.json').decode(), False)


@tap.rows([('text_that_ends', b'{"ip": "hush-hush', 'given:1: is not JSON at column'), ('a_key_that_is_there_twice', b'{"ip": "1",\n"ip": "hush-hush"}', 'given:2: a key is there twice'),
           ('a_real_number', b'{"count": 3.0}', 'the value of "count" is none of: text, whole number'), ('null', b'{"ip": null}', 'the value of "ip" is none of'),
           ('an_object_in_it', b'{"ip": {"value": "hush-hush"}}', 'the value of "ip" is none of'), ('a_list_of_texts', b'["ip=hush-hush"]', 'element 0 of the list has no "key"'),
           ('one_key_with_two_values', b'[{"key": "ip", "value": "1"}, {"key": "ip", "value": "hush-hush"}]', 'the property "ip" is given twice'),
           ('an_empty_key', b'{"": "hush-hush"}', '"" is no key'), ('a_nul', b'{"ip": "\\u0000"}', 'is not JSON'), ('depth', b'[' * 100_000, 'is not JSON'),
           ('what_is_fixed', b'[{"key": "built", "value": "8"}]', 'not for the one who installs'), ('an_unknown_key', b'{"nix": "hush-hush"}', 'has no property "nix"')])
def test_json_of_values_is_refused_for(t, text, why):
    put(t, envelope(system(sections=KEYS)))
    t.write('given', text)
    run = convert(t, 'vm.ovf', 'out.vmx', '--properties=given', '--property=mode=fast', status=1)
    tap.contains(run.stderr, why)
    tap.equal('hush' in run.stderr, False)


IN_ALL = f'<VirtualSystemCollection ovf:id="c"><Info>c</Info>{product(property_element("host", value="h"))}%s</VirtualSystemCollection>'


def test_what_info_tells_of_properties_is_taken_as_it_is(t):
    keys = product(property_element('ip', value='${host}'), property_element('built', value='7', user=False), property_element('pw', more='ovf:password="true"'))
    put(t, envelope(IN_ALL % system('a', sections=keys, items=ASKED, transport='iso')))
    t.write('given', t.vmferry('info', '--output=json', 'vm.ovf').stdout.encode())
    convert(t, 'vm.ovf', 'plain.vmx')
    convert(t, 'vm.ovf', 'given.vmx', '--properties=given')
    tap.equal(t.read('given-ovf-env.iso'), t.read('plain-ovf-env.iso'))
    convert(t, 'vm.ovf', 'other.vmx', '--properties=given', '--property=host=other')
    tap.equal(values(document(t, 'other-ovf-env.iso'))[:2], [('ip', 'other'), ('built', '7')])


@tap.rows([('spaces', 'iso com.vmware.guestInfo'), ('commas', 'iso,com.vmware.guestInfo'), ('another_case', ' ISO,\tCom.VMware.GuestInfo ')])
def test_the_transports_are_a_list_of_words(t, transport):
    put(t, envelope(system(sections=NET, items=ASKED, transport=transport)))
    convert(t, 'vm.ovf', 'out.vmx')
    tap.equal(installed(t)['environment'], ['iso', 'com.vmware.guestInfo'])


# ---- secrets ----

def test_a_password_of_a_package_is_hidden_wherever_it_is_shown(t):
    keys = product(property_element('pw', value='hush-hush', more="ovf:password = '1'"), property_element('old', 'password(4..)', value='hush-old'), property_element('open', value='seen'))
    put(t, envelope(system(sections=keys, items=ASKED, transport='iso com.vmware.guestInfo')))
    shown = [t.vmferry('info', 'vm.ovf').stdout, t.vmferry('info', '--output=json', 'vm.ovf').stdout]
    tap.equal([one for one in json.loads(shown[1])['systems'][0]['properties'] if 'hidden' in one],
              [{'key': 'pw', 'type': 'string', 'hidden': True, 'length': 9, 'label': 'l', 'user-configurable': True},
               {'key': 'old', 'type': 'password(4..)', 'hidden': True, 'length': 8, 'label': 'l', 'user-configurable': True}])
    tap.contains(shown[0], 'property: pw = (hidden, 9 bytes) (l)')
    for target in ('a.vmx', 'b.xml', 'c.vbox'):
        run = convert(t, 'vm.ovf', target, '-v', f'--machine={TARGETS[target[2:]]}')
        shown += [run.stdout, run.stderr, t.read('losses.json').decode(), t.vmferry('info', '--output=json', target).stdout]
    run = convert(t, 'a.vmx', 'two.vmx', '-v')
    shown += [run.stdout, run.stderr, t.read('losses.json').decode()]
    tap.equal([text for text in shown if 'hush' in text], [])
    tap.contains(shown[0], 'seen')
    tap.equal(values(setting(t, 'two.vmx')), [('pw', 'hush-hush'), ('old', 'hush-old'), ('open', 'seen')])


def test_a_setting_that_holds_the_environment_is_hidden(t):
    setting = b'<vmw:ExtraConfig xmlns:vmw="http://www.vmware.com/schema/ovf" ovf:required="false" vmw:key="guestinfo.ovfenv" vmw:value="hush"/>'
    put(t, envelope(system()).replace(b'</VirtualHardwareSection>', setting + b'</VirtualHardwareSection>'))
    tap.contains(machine(t, 'vm.ovf')['extra'], {'vendor': 'ovf', 'key': 'vmw:ExtraConfig guestinfo.ovfenv', 'hidden': True, 'length': 4, 'known': True})
    t.write('a.vmx', b'config.version = "8"\nvirtualHW.version = "13"\nGuestInfo.OVFEnv = "hush"\n')
    tap.contains(machine(t, 'a.vmx')['extra'], {'vendor': 'vmx', 'key': 'GuestInfo.OVFEnv', 'hidden': True, 'length': 4, 'known': True})


def test_a_package_keeps_its_properties(t):
    put(t, envelope(system(sections=KEYS)))
    tap.contains(convert(t, 'vm.ovf', 'out.ova', '--property=ip=1', status=1).stderr, '"vmferry edit --property"')


def test_a_property_says_how_large_a_disk_is(t):
    put(t, envelope(system(sections=product(property_element('size', 'uint32', '1')), disk='d2'), capacity='${size}').replace(b'ovf:diskId="d2"', b'ovf:diskId="d2" ovf:capacityAllocationUnits="byte * 2^20"'))
    convert(t, 'vm.ovf', 'out.vmx', '--property=size=3')
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'out-disk1.vmdk').stdout)['virtual-size'], 3 << 20)


# ---- the environment ----

OE = '{http://schemas.dmtf.org/ovf/environment/1}'
ASKED = cpus(2) + memory(512) + IDE + CD
TARGETS = {'vmx': 'vmx', 'xml': 'libvirt', 'vbox': 'vbox', 'conf': 'proxmox', 'ps1': 'hyperv', 'xva': 'xva', 'vma': 'vma'}


def check_schema(t, name):
    """The DMTF's schemas of both versions, where they are."""
    folder = pathlib.Path(os.environ.get('VMFERRY_OVF_XSD', tap.SOURCE / '../shared/ovf-xsd')).resolve()
    for part, schema in (('1.1.0-vcd', 'ovf1.1/dsp8027_1.1.0.xsd'), ('1.0.0-openovf', 'ovf-environment.xsd')):
        if (folder / part / schema).exists():
            t.run(tap.tool('xmllint'), '--nonet', '--noout', '--schema', str(folder / part / schema), name, env={'XML_CATALOG_FILES': str(folder / part / 'catalog.xml')})


def values(section):
    return [(one.get(OE + 'key'), one.get(OE + 'value')) for one in section.find(OE + 'PropertySection')]


def document(t, path):
    """The environment on the CD, read by two programs, by its two names."""
    t.run(tap.tool('7zz'), 'x', '-so', path, 'ovf-env.xml', stdout=open(t.path('env.xml'), 'wb'))
    for words in ([], ['--options=iso9660:!joliet']):
        name = 'OVF_ENV.XML' if words else 'ovf-env.xml'
        tap.equal(t.run(tap.tool('bsdtar'), '-tf', path, *words).stdout.split(), ['.', name])
        tap.equal(t.run(tap.tool('bsdtar'), '-xOf', path, *words, name, text=False).stdout, t.read('env.xml'))
    check_schema(t, 'env.xml')
    return ElementTree.fromstring(t.read('env.xml'))


def setting(t, path):
    """The environment in a .vmx; None: it has none."""
    found = re.search(r'^guestinfo\.ovfEnv = "(.*)"$', t.read(path).decode(), re.M)
    if not found:
        return None
    t.write('env.xml', re.sub(r'\|([0-9A-F]{2})', lambda one: chr(int(one[1], 16)), found[1]).encode())
    check_schema(t, 'env.xml')
    return ElementTree.fromstring(t.read('env.xml'))


NET = product(property_element('ip', 'string', '10.0.0.1'), property_element('pw', more='ovf:password="true"'), attributes='ovf:class="net"')


@tap.rows([(name, name, form) for name, form in TARGETS.items()])
def test_the_environment_comes_on_a_cd_in_its_drive(t, suffix, form):
    put(t, envelope(system(sections=NET, items=ASKED, transport='iso')))
    run = convert(t, 'vm.ovf', f'out.{suffix}', f'--machine={form}', '--property=net.ip=10.0.0.2')
    if suffix in ('xva', 'vma'):
        tap.contains(run.stderr, 'wants a CD to tell the guest its properties, which has no place in the target [L-environment]')
        tap.equal('environment' in installed(t), False)
        return
    tap.equal(installed(t)['environment'], ['iso'])
    found = document(t, 'out-ovf-env.iso')
    tap.equal((found.get(OE + 'id'), values(found)), ('vm', [('net.ip', '10.0.0.2'), ('net.pw', '')]))
    if form == 'hyperv':
        tap.contains(t.read('out.ps1'), b"Add-VMDvdDrive -VM $vm -ControllerNumber 0 -ControllerLocation 1 -Path ($folder+('out-ovf-env.iso'))")
        return
    drives = [disk for disk in machine(t, f'out.{suffix}')['disks'] if disk['medium'] == 'cdrom']
    tap.equal([os.path.basename(drive.get('image', '')) for drive in drives], ['out-ovf-env.iso'])
    tap.equal('cdrom' in run.stderr, False, run.stderr)


@tap.rows([('a_machine_without_one', '', 1), ('one_in_use', IDE + CD.replace('<rasd:InstanceID>', '<rasd:HostResource>ovf:/file/f1</rasd:HostResource><rasd:InstanceID>'), 2), ('one_that_is_not_connected', IDE + CD.replace('<rasd:AddressOnParent>', '<rasd:AddressOnParent>').replace('<rasd:ElementName>', '<rasd:AutomaticAllocation>false</rasd:AutomaticAllocation><rasd:ElementName>'), 1)])
def test_a_drive_for_the_cd_is_found_beside(t, drives, count):
    put(t, envelope(system(sections=NET, items=cpus(1) + memory(512) + drives, transport='iso')))
    for suffix in ('vmx', 'xml', 'vbox', 'conf'):
        convert(t, 'vm.ovf', f'{suffix}.{suffix}', f'--machine={TARGETS[suffix]}')
        found = [disk for disk in machine(t, f'{suffix}.{suffix}')['disks'] if disk['medium'] == 'cdrom']
        tap.equal((len(found), sum(f'{suffix}-ovf-env.iso' in disk.get('image', '') for disk in found)), (count, 1), suffix)
        tap.equal(all(disk.get('connected', True) for disk in found if 'image' in disk), True, suffix)


def test_the_same_conversion_makes_the_same_cd(t):
    put(t, envelope(system(sections=NET, items=ASKED, transport='iso')))
    convert(t, 'vm.ovf', 'a.vmx')
    convert(t, 'vm.ovf', 'b.xml', '--machine=libvirt')
    tap.equal(t.read('a-ovf-env.iso') == t.read('b-ovf-env.iso'), True)


def test_the_environment_comes_as_a_setting_of_a_vmx(t):
    put(t, envelope(system(sections=NET, items=ASKED, transport='com.vmware.guestInfo')))
    run = convert(t, 'vm.ovf', 'out.vmx', '--property=net.pw=hush-hush')
    tap.equal(values(setting(t, 'out.vmx')), [('net.ip', '10.0.0.1'), ('net.pw', 'hush-hush')])
    tap.equal('hush' in run.stderr + run.stdout + t.read('losses.json').decode(), False)
    tap.equal(installed(t)['environment'], ['com.vmware.guestInfo'])
    tap.equal((t.folder / 'out-ovf-env.iso').exists(), False)
    tap.contains(convert(t, 'vm.ovf', 'out.xml', '--machine=libvirt').stderr, "guestinfo to tell the guest its properties, which only a .vmx has [L-environment]")


@tap.rows([('quotes', 'a"b\'c'), ('xml', '</Property><x/>&amp;<![CDATA[]]>'), ('lines', 'one\ntwo\r\nthree\tfour'), ('pipes', '|22|0A||'), ('equals_signs', 'a=b=c'),
           ('a_shell', '$(id) `id` ${net.ip} %s%n'), ('letters', 'ä€\U0001f600'), ('blanks', '  a  '), ('a_backslash', 'a\\b\\')])
def test_hostile_values_arrive_as_they_are(t, value):
    put(t, envelope(system(sections=NET, items=ASKED, transport='iso,com.vmware.guestInfo')))
    for suffix in ('vmx', 'xml', 'vbox', 'conf', 'ps1'):
        convert(t, 'vm.ovf', f'{suffix}.{suffix}', f'--machine={TARGETS[suffix]}', f'--property=net.ip={value}')
        tap.equal(values(document(t, f'{suffix}-ovf-env.iso'))[0], ('net.ip', value))
    tap.equal(values(setting(t, 'vmx.vmx'))[0], ('net.ip', value))


@tap.rows([('20_kB', 20_000, True), ('what_a_line_cannot_hold', 70_000, False), ('1_MiB', 1 << 20, False)])
def test_a_long_value_is_on_the_cd_and_in_the_vmx_where_it_fits(t, length, fits):
    put(t, envelope(system(sections=NET, items=ASKED, transport='iso com.vmware.guestInfo')))
    t.write('given', b'net.ip=' + b'x' * length)
    run = convert(t, 'vm.ovf', 'out.vmx', '--properties=given')
    tap.equal(len(values(document(t, 'out-ovf-env.iso'))[0][1]), length)
    tap.equal(setting(t, 'out.vmx') is not None, fits)
    tap.equal('a line of a .vmx has at most 64 KiB' in run.stderr, not fits, run.stderr[-500:])


def test_an_environment_of_more_than_4_mib_is_refused_where_it_is_asked_for(t):
    long = product(*[property_element(f'k{i}', 'string', 'x' * 465_000) for i in range(10)])
    put(t, envelope(system(sections=long, items=ASKED, transport='iso')))
    tap.contains(convert(t, 'vm.ovf', 'out.vmx').stderr, 'the OVF environment would have more than 4194304 bytes')
    for given, status in (('k1=' + 'y' * 100_000, 2), ('k1=a', 0)):
        convert(t, 'vm.ovf', 'two.vmx', f'--property={given}', status=status)


def test_without_a_choice_a_missing_value_is_told_and_nothing_stops(t):
    put(t, envelope(system(sections=product(property_element('ip', qualifiers='MinLen(1)')), items=ASKED, transport='iso com.vmware.guestInfo')))
    run = convert(t, 'vm.ovf', 'out.vmx')
    tap.contains(run.stderr, 'need a value (--property KEY=VALUE): ip [L-environment]')
    tap.equal((setting(t, 'out.vmx'), (t.folder / 'out-ovf-env.iso').exists()), (None, False))


def test_values_without_a_way_to_the_guest_are_told(t):
    put(t, envelope(system(sections=NET, items=ASKED)))
    tap.contains(convert(t, 'vm.ovf', 'out.vmx', '--property=net.ip=1').stderr, 'names no way (ovf:transport) to tell the guest its properties [L-environment]')
    tap.equal('L-environment' in convert(t, 'vm.ovf', 'two.vmx').stderr, False)


def test_a_transport_without_properties_brings_nothing(t):
    put(t, envelope(system(items=ASKED, transport='iso com.vmware.guestInfo')))
    convert(t, 'vm.ovf', 'out.vmx')
    tap.equal((setting(t, 'out.vmx'), (t.folder / 'out-ovf-env.iso').exists()), (None, False))


def test_a_machine_of_a_collection_is_told_of_its_siblings(t):
    around = product(property_element('host', 'string', 'h'), property_element('same', 'string', 'around'))
    web = product(property_element('same', 'string', 'web'), property_element('url', 'string', 'http://${host}/${none}/${same}'))
    both = system('web', ASKED, web, 'iso') + system('db', ASKED, product(property_element('port', 'uint16', '1')), 'com.vmware.guestInfo', 'd2')
    put(t, envelope(f'<VirtualSystemCollection ovf:id="all"><Info>c</Info>{around}{both}</VirtualSystemCollection>'))
    convert(t, 'vm.ovf', 'out/', '--machine=vmx', '--property=port=5432', '--property=host=${same}')
    found = document(t, 'out/web/web-ovf-env.iso')
    tap.equal(values(found), [('same', 'web'), ('url', 'http://${same}/${none}/around'), ('host', '${same}')])
    tap.equal([(one.get(OE + 'id'), values(one)) for one in found.findall(OE + 'Entity')], [('db', [('port', '5432'), ('host', '${same}'), ('same', 'around')])])
    tap.equal([one.get(OE + 'id') for one in setting(t, 'out/db/db.vmx').findall(OE + 'Entity')], ['web'])
    convert(t, 'vm.ovf', 'web.xml', '--machine=libvirt', '--system=web')
    tap.equal(len(document(t, 'web-ovf-env.iso').findall(OE + 'Entity')), 1)


# ---- licences ----

EULA = '<EulaSection><Info>i</Info><License>First &#x9b;line\nsecond \x7f line</License></EulaSection>'.replace('\x7f', '&#x85;')


def test_licences_are_shown_and_refused_until_they_are_accepted(t):
    put(t, envelope(system(sections=NET + EULA, items=ASKED), OPTIONS))
    for words in (['--deployment=small'], ['--property=net.ip=1']):
        run = convert(t, 'vm.ovf', 'out.vmx', *words, status=2)
        tap.contains(run.stderr, '1 licence has to be accepted by whoever installs it: --accept-eula does so')
        tap.equal(('First ' in run.stderr, 'second ' in run.stderr, any(ord(c) < 32 and c != '\n' or 127 <= ord(c) < 160 for c in run.stderr)), (True, True, False))
        tap.equal((t.folder / 'out.vmx').exists(), False)
    run = convert(t, 'vm.ovf', 'out.vmx', '--deployment=small', '--accept-eula')
    tap.equal(('First ' in run.stderr, installed(t)['licences'], installed(t)['accepted']), (False, 1, True))


def test_a_package_that_is_only_converted_asks_for_no_agreement(t):
    inner = system('web', ASKED, EULA) + system('db', ASKED, disk='d2')
    put(t, envelope(f'<VirtualSystemCollection ovf:id="all"><Info>c</Info>{EULA}{inner}</VirtualSystemCollection>'))
    run = convert(t, 'vm.ovf', 'web.vmx', '--system=web')
    tap.contains(run.stderr, 'licences of the package that were not accepted: 2; "info" shows them')
    tap.equal((installed(t)['licences'], installed(t)['accepted']), (2, False))
    convert(t, 'vm.ovf', 'db.vmx', '--system=db', '--accept-eula')
    tap.equal((installed(t)['licences'], installed(t)['accepted']), (1, True))
    t.vmferry('convert', 'vm.ovf', 'copy.ova')


if __name__ == '__main__':
    tap.main(globals())
