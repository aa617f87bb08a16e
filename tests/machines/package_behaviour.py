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


VIRTUALBOX = '<vbox:Machine xmlns:vbox="http://www.virtualbox.org/ovf/machine" ovf:required="false" version="1.16" name="a"/>'


@tap.rows([
    ("VMware's word", 'nat', '', 'nat', None), ("VirtualBox's, in a package that was made one of VMware's", 'NAT', '', 'nat', None),
    ('a network of vSphere', 'Internal', '', 'bridge', 'Internal'), ('another', 'HostOnly', '', 'bridge', 'HostOnly'),
    ("VirtualBox's word", 'Internal', VIRTUALBOX, 'internal', None), ('our own', 'internal', '', 'internal', None),
])
def test_a_network_is_a_name_or_a_way_of_attaching(t, connection, more, attach, network):
    t.write('a.ovf', descriptor(system('a', item(3, 10, f'<rasd:Connection>{connection}</rasd:Connection>'), more=more)))
    nic = json.loads(t.vmferry('info', '--output=json', 'a.ovf').stdout)['machine']['nics'][0]
    tap.equal((nic['attach'], nic.get('network')), (attach, network))


ADDRESS = '<address type="drive" controller="0" bus="{}" target="0" unit="{}"/>'


@tap.rows([
    ('SATA that says none', 'sata', '', '', ['vmware.sata.ahci'], [(0, 0), (0, 1)]), ('SCSI that says none', 'scsi', 'lsisas1068', '', ['lsilogicsas'], [(0, 0), (0, 1)]),
    ('IDE that says none', 'ide', '', '', [], [(0, 0), (0, 1)]), ('the second channel of IDE', 'ide', '', ADDRESS.format(1, 0), [], [(0, 0), (1, 0)]),
    ('one that is taken', 'sata', '', ADDRESS.format(0, 0), ['vmware.sata.ahci'], [(0, 0), (0, 1)]),
])
def test_a_drive_stays_on_its_kind_of_controller(t, bus, model, address, words, places):
    """It went to AHCI where its place was not said."""
    for name in ('sda', 'sdb'):
        t.write(name, bytes(1 << 20))
    controller = f'<controller type="{bus}" index="0"' + (f' model="{model}"/>' if model else '/>')
    disks = ''.join(f'<disk type="file"><driver type="raw"/><source file="{name}"/><target dev="{name}" bus="{bus}"/>{where}</disk>'
                    for name, where in (('sda', ADDRESS.format(0, 0) if address else ''), ('sdb', address)))
    t.write('a.xml', f'<domain type="kvm"><name>a</name><memory>65536</memory><os><type arch="x86_64" machine="pc">hvm</type></os>'
                     f'<devices>{controller}{disks}</devices></domain>'.encode())
    t.vmferry('convert', '--strict', 'a.xml', 'a.ovf')
    machine = json.loads(t.vmferry('info', '--output=json', 'a.ovf').stdout)['machine']
    tap.equal([(disk['bus'], disk['controller'], disk['unit']) for disk in machine['disks']], [(bus, *place) for place in places])
    text = t.read('a.ovf').decode()
    tap.equal([word for word in ('vmware.sata.ahci', 'lsilogicsas', 'lsilogic<') if word in text], words)
    t.vmferry('convert', '--strict', 'a.ovf', 'again.xml')


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


VBOX = """<vbox:Machine xmlns:vbox="http://www.virtualbox.org/ovf/machine" ovf:required="false" version="1.19-linux" uuid="{6ba7b810-9dad-11d1-80b4-00c04fd430c8}" name="a" OSType="Ubuntu_64">
<Hardware><CPU count="9"><NestedHWVirt enabled="true"/></CPU><Memory RAMSize="9"/><HID Pointing="USBTablet"/><Display controller="VMSVGA" VRAMSize="16"/><BIOS><TimeOffset value="3000"/></BIOS>
<TrustedPlatformModule type="v2_0"/><USB><Controllers><Controller name="XHCI" type="XHCI"/></Controllers></USB><Network><Adapter slot="0" enabled="false"/>
<Adapter slot="1" enabled="true" MACAddress="080027000001" cable="false" type="virtio"><InternalNetwork name="lan"/></Adapter></Network>
<UART><Port slot="0" enabled="true" hostMode="HostPipe" path="/tmp/s"/></UART><AudioAdapter controller="HDA" enabled="true"/>
<StorageControllers><StorageController name="S" type="AHCI" PortCount="4"><AttachedDevice type="DVD" port="1" device="0" passthrough="false"/></StorageController></StorageControllers></Hardware></vbox:Machine>"""


def with_vbox(text):
    items = (item(3, 10, '<rasd:Connection>Prod</rasd:Connection>'),
             f'<Item><rasd:InstanceID>4</rasd:InstanceID><rasd:ResourceSubType>AHCI</rasd:ResourceSubType><rasd:ResourceType>20</rasd:ResourceType></Item>')
    return descriptor(system('a', *items, more=text))


def test_what_only_virtualbox_says_is_taken(t):
    t.write('a.ovf', with_vbox(VBOX))
    machine = json.loads(t.vmferry('info', '--output=json', 'a.ovf').stdout)['machine']
    wanted = {'uuid': '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'vcpus': 9, 'memory': 512 << 20, 'nested': True, 'tablet': True, 'video': 'vmvga', 'video-memory': 16 << 20,
              'clock-offset': '3', 'tpm': '2.0', 'usb3': True, 'sound': 'hda', 'ports': [{'parallel': False, 'backend': 'pipe', 'path': '/tmp/s'}]}
    tap.equal({key: machine.get(key) for key in wanted}, wanted, 'machine')
    card = machine['nics'][0]
    tap.equal({key: card.get(key) for key in ('model', 'mac', 'link', 'network')}, {'model': 'virtio', 'mac': '08:00:27:00:00:01', 'link': False, 'network': 'Prod'}, 'card')
    tap.equal([one.get('ports') for one in machine['controllers']], [4], 'controllers')


@tap.rows((('a uuid that is none', VBOX.replace('{6ba7', '{xyz')), ('an address that is none', VBOX.replace('080027000001', '1')), ('a controller that nobody knows', VBOX.replace('AHCI', 'Frob'))))
def test_what_is_wrong_in_it_is_told_and_left_out_of_account(t, text):
    t.write('a.ovf', with_vbox(text))
    done = t.vmferry('info', '--output=json', 'a.ovf')
    tap.equal(json.loads(done.stdout)['machine']['memory'], 512 << 20)
    t.vmferry('convert', 'a.ovf', 'a.vmx')
    tap.contains(t.read('a.vmx').decode(), 'memsize = "512"')


if __name__ == '__main__':
    tap.main(globals())
