# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages that are installed as machines: what is chosen of them, and what the guest is told of it."""
import json
import random
import re

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


def test_a_package_keeps_its_properties(t):
    put(t, envelope(system(sections=KEYS)))
    tap.contains(convert(t, 'vm.ovf', 'out.ova', '--property=ip=1', status=1).stderr, '"vmferry edit --property"')


def test_a_property_says_how_large_a_disk_is(t):
    put(t, envelope(system(sections=product(property_element('size', 'uint32', '1')), disk='d2'), capacity='${size}').replace(b'ovf:diskId="d2"', b'ovf:diskId="d2" ovf:capacityAllocationUnits="byte * 2^20"'))
    convert(t, 'vm.ovf', 'out.vmx', '--property=size=3')
    tap.equal(json.loads(t.vmferry('info', '--output=json', 'out-disk1.vmdk').stdout)['virtual-size'], 3 << 20)


if __name__ == '__main__':
    tap.main(globals())
