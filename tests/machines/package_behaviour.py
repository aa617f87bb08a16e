# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Packages as machines on their way to other formats: collections, and what no other format has."""
import json

import tap

CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData'


def item(number, kind, more=''):
    return (f'<Item>{more.split("|")[0]}<rasd:InstanceID>{number}</rasd:InstanceID>'
            f'<rasd:ResourceType>{kind}</rasd:ResourceType>{more.partition("|")[2]}</Item>')


def system(name, *items, more=''):
    memory = item(2, 4, '|<rasd:VirtualQuantity>512</rasd:VirtualQuantity>')
    return (f'<VirtualSystem ovf:id="{name}-id"><Info/><Name>{name}</Name><VirtualHardwareSection><Info/>{memory}{"".join(items)}'
            f'</VirtualHardwareSection>{more}</VirtualSystem>')


def descriptor(content):
    return (f'<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" '
            f'xmlns:rasd="{CIM}" xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:x="urn:x"><References/>'
            f'{content}</Envelope>').encode()


def collection():
    nic = item(3, 10, '<rasd:Connection>Prod</rasd:Connection>')
    order = '<StartupSection><Info/><Item ovf:id="db-id" ovf:order="1"/><Item ovf:id="web-id" ovf:order="2"/></StartupSection>'
    return descriptor(f'<VirtualSystemCollection ovf:id="c"><Info/>{order}{system("db", nic)}{system("web", nic)}'
                      f'{system("alone")}</VirtualSystemCollection>')


def losses(t, *arguments):
    t.vmferry('convert', '--losses=l.json', *arguments)
    return {field['field']: field for field in json.loads(t.read('l.json'))['fields']}


@tap.rows([('its name', 'web'), ('its id', 'web-id'), ('its number', '2')])
def test_a_machine_of_a_collection_is_chosen_by(t, chosen):
    t.write('c.ovf', collection())
    t.vmferry('convert', '--system', chosen, 'c.ovf', 'one.vmx')
    tap.contains(t.read('one.vmx').decode(), 'displayName = "web"')


def test_what_machines_of_a_collection_share_is_told(t):
    t.write('c.ovf', collection())
    told = losses(t, '--system=web', 'c.ovf', 'web.vmx')
    tap.equal(told['nics[0].network']['why'], 'the same network as that of db')
    tap.equal(told['start-order']['why'], 'its place in the order of a collection, of which it is taken alone')
    told = losses(t, '--system=alone', 'c.ovf', 'alone.vmx')
    tap.equal({name for name in told if 'network' in name or name == 'start-order'}, set(), 'of one that shares nothing')


INVENTED = [
    ('an element of an item', system('a', item(5, 10, '|<rasd:Invented>1</rasd:Invented>')), 'Item 5/rasd:Invented'),
    ('an attribute of an item', system('a', item(5, 10)).replace('<Item>', '<Item x:new="1">', 1), 'Item 2/Item/@x:new'),
    ('a kind of item', system('a', item(5, 4711)), 'Item 5/Item'),
    ('a setting', system('a', '<vmw:Config vmw:key="invented" vmw:value="1"/>'), 'vmw:Config invented'),
    ('a setting of an item', system('a', item(5, 10, '|<vmw:Config vmw:key="invented" vmw:value="1"/>')),
     'Item 5/vmw:Config invented'),
    ('a section', system('a', more='<x:InventedSection ovf:required="false">1</x:InventedSection>'), 'x:InventedSection'),
    ('a section of the envelope', '<x:NewSection ovf:required="false">1</x:NewSection>' + system('a'), 'x:NewSection'),
]


@tap.rows(INVENTED)
def test_what_is_invented_is_told(t, content, key):
    t.write('a.ovf', descriptor(content))
    tap.equal(losses(t, 'a.ovf', 'a.vmx')['extra.' + key]['code'], 'unknown-source-field')


if __name__ == '__main__':
    tap.main(globals())
