# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`vmferry pack`: the package as other programs see it (tar, qemu-img, xmllint, openssl), its options, how it ends."""
import hashlib
import io
import os
import pathlib
import random
import re
import tarfile
import uuid
import xml.etree.ElementTree as ET

import tap

OVF = '{http://schemas.dmtf.org/ovf/envelope/1}'
RASD = '{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}'
STREAM = tap.IMAGES / 'good-vmdk-stream.vmdk'
BLOCKS = bytes(range(256)) * 256


def islands(t, name='source.raw', seed=1):
    """A 3 MiB disk: noise, zeros, text, zeros."""
    data = random.Random(seed).randbytes(200000) + bytes(1 << 20) + b'text' * 100000
    return t.write(name, data.ljust(3 << 20, b'\0'))


def members(data):
    """{name: bytes} of an archive, in order; nothing but regular files in plain headers."""
    with tarfile.open(fileobj=io.BytesIO(data), mode='r:') as archive:
        found = archive.getmembers()
        tap.equal([member.name for member in found if not member.isreg()], [], 'members that are no files')
        tap.equal([member.pax_headers for member in found if member.pax_headers], [], 'members with PAX headers')
        for member in found:
            tap.equal(data[member.offset + 257:member.offset + 265], b'ustar\x0000', 'magic of the header')
        return {member.name: archive.extractfile(member).read() for member in found}


def check_manifest(files, kind='SHA256'):
    """Every file but the manifest and the certificate has its line, in the one form that everybody takes."""
    name, = [name for name in files if name.endswith('.mf')]
    lines = files[name].decode().splitlines(keepends=True)
    expected = [f'{kind}({other})= {hashlib.new(kind.lower(), data).hexdigest()}\n' for other, data in files.items()
                if not other.endswith(('.mf', '.cert'))]
    tap.equal(sorted(lines), sorted(expected), 'manifest')


def descriptor(files):
    name, = [name for name in files if name.endswith('.ovf')]
    return ET.fromstring(files[name])


def check_sizes(files, root, capacity=None):
    """ovf:size is that of each file; returns the hrefs in the order of the disks."""
    hrefs = {}
    for element in root.iter(OVF + 'File'):
        hrefs[element.get(OVF + 'id')] = element.get(OVF + 'href')
        tap.equal(element.get(OVF + 'size'), str(len(files[element.get(OVF + 'href')])), 'ovf:size')
    disks = list(root.iter(OVF + 'Disk'))
    for element in disks:
        if capacity is not None:
            tap.equal(element.get(OVF + 'capacity'), str(capacity), 'capacity')
        populated = element.get(OVF + 'populatedSize')
        assert populated is None or int(populated) <= int(element.get(OVF + 'capacity')), populated
    return [hrefs[element.get(OVF + 'fileRef')] for element in disks]


def same_content(t, data, name, source, format_name):
    t.write(name, data)
    t.run(tap.tool('qemu-img'), 'compare', '-f', format_name, '-F', 'raw', name, source)


def test_one_command_with_one_disk(t):
    source = islands(t)
    done = t.vmferry('pack', source)
    tap.equal((done.stdout, done.stderr), ('', ''))
    tap.equal(t.names(), ['source.ova', 'source.raw'])
    files = members(t.read('source.ova'))
    tap.equal(list(files), ['source.ovf', 'source.mf', 'source-disk1.vmdk'])
    check_manifest(files)
    root = descriptor(files)
    tap.equal(check_sizes(files, root, 3 << 20), ['source-disk1.vmdk'])
    tap.equal(root.find(OVF + 'VirtualSystem/' + OVF + 'Name').text, 'source')
    disk = root.find(OVF + 'DiskSection/' + OVF + 'Disk')
    tap.contains(disk.get(OVF + 'format'), '#streamOptimized')
    tap.equal(disk.get(OVF + 'populatedSize') is not None, True, 'populatedSize')
    same_content(t, files['source-disk1.vmdk'], 'out.vmdk', source, 'vmdk')
    tap.contains(t.run('qemu-img', 'info', 'out.vmdk').stdout, 'streamOptimized')
    tap.contains(files['source-disk1.vmdk'][:65536].decode('latin-1'), 'ddb.adapterType = "lsilogic"')


def test_gnu_tar_and_sha256sum_are_content(t):
    t.vmferry('pack', islands(t), '-o', 'x.ova')
    t.run(tap.tool('tar'), 'xf', 'x.ova')
    t.run(tap.tool('sha256sum'), '-c', '--strict', 'x.mf')
    tap.equal(t.run('tar', 'df', 'x.ova').stdout, '')


def test_bsdtar_is_content(t):
    t.vmferry('pack', islands(t), '-o', 'x.ova')
    tap.equal(t.run(tap.tool('bsdtar'), 'tf', 'x.ova').stdout.split(), ['x.ovf', 'x.mf', 'x-disk1.vmdk'])


def test_the_schema_is_content(t):
    folder = pathlib.Path(os.environ.get('VMFERRY_OVF_XSD', tap.SOURCE / '../shared/ovf-xsd'))
    if not folder.is_dir():
        raise tap.Skip('no folder of schema files')
    source = islands(t)
    for version, schema in (('1.0', '1.0.0-openovf/ovf-envelope.xsd'), ('1.1', '1.1.1-xo/dsp8023_1.1.1.xsd'),
                            ('2.0', '2.0.1-itchy/dsp8023_2.0.1.xsd')):
        t.vmferry('pack', '-o', version + '.ovf', '--ovf-version', version, source, source)
        t.run(tap.tool('xmllint'), '--nonet', '--noout', '--schema', folder.resolve() / schema, version + '.ovf',
              env={'XML_CATALOG_FILES': str(folder.resolve() / schema.split('/')[0] / 'catalog.xml')})


FORMS = [('streamOptimized', 'vmdk', 'vmdk'), ('vmdk', 'vmdk', 'vmdk'), ('monolithicSparse', 'vmdk', 'vmdk'),
         ('vhd', 'vhd', 'vpc'), ('vhd-fixed', 'vhd', 'vpc'), ('qcow2', 'qcow2', 'qcow2'), ('raw', 'img', 'raw')]


@tap.rows([(form, form, suffix, driver) for form, suffix, driver in FORMS])
def test_every_form_of_disk(t, form, suffix, driver):
    source = islands(t)
    t.vmferry('pack', '--disk-format', form, '-o', 'x.ova', source)
    files = members(t.read('x.ova'))
    check_manifest(files)
    name, = check_sizes(files, descriptor(files), 3 << 20)
    tap.equal(name, f'x-disk1.{suffix}')
    same_content(t, files[name], 'out', source, driver)


def test_disk_options_reach_the_driver(t):
    t.vmferry('pack', '--disk-format', 'qcow2', '--disk-options', 'compat=0.10', '--disk-options', 'cluster_size=4k',
              '-o', 'x.ovf', islands(t))
    tap.contains(t.vmferry('info', '--output=json', 'x-disk1.qcow2').stdout, '"cluster-size": 4096')
    tap.contains(t.vmferry('info', '--output=json', 'x-disk1.qcow2').stdout, '"compat": "0.10"')
    done = t.vmferry('pack', '--disk-options', 'nonsense=1', '-o', 'y.ova', islands(t), status=1)
    tap.contains(done.stderr, 'nonsense')
    tap.equal('y.ova' in t.names(), False, 'something was left')


def test_every_readable_format_can_be_packed(t):
    """One package of seven disks, in the order they were named."""
    names = ['good-qcow2-v3.qcow2', 'good-qcow2-zlib.qcow2', 'good-raw.img', 'good-vhd-dynamic.vhd',
             'good-vmdk-sparse.vmdk', 'good-vmdk-stream.vmdk', 'good-vmdk-flat.vmdk']
    t.vmferry('pack', '-o', 'all.ova', *[tap.IMAGES / name for name in names])
    files = members(t.read('all.ova'))
    check_manifest(files)
    for number, (image, name) in enumerate(zip(names, check_sizes(files, descriptor(files))), 1):
        tap.equal(name, f'all-disk{number}.vmdk')
        t.write('out.vmdk', files[name])
        t.vmferry('compare', 'out.vmdk', tap.IMAGES / image)


@tap.rows([(name, name, *rest) for name, *rest in (
    ('x.ova', ['x.ova']), ('x.ovf', ['x-disk1.vmdk', 'x.mf', 'x.ovf']), ('folder/', ['folder']))])
def test_where_it_goes(t, out, names):
    source = islands(t)
    t.vmferry('pack', '-o', out, source)
    tap.equal(t.names(), sorted(names + ['source.raw']))
    if out == 'folder/':
        tap.equal(sorted(os.listdir(t.path('folder'))), ['source-disk1.vmdk', 'source.mf', 'source.ovf'])


@tap.rows([(ascii(name), name, stem) for name, stem in (
    ('A/B % ü#?&<"', 'A_B_ue_'), ('..', '_.'), ('-', '_'), ('日本', '_'), ('a  b', 'a_b'), ('../../x', '_._.._x'), ('x' * 200, 'x' * 200))])
def test_files_have_plain_names_whatever_the_machine_has(t, name, stem):
    t.vmferry('pack', '-o', 'out/', '--name', name, islands(t))
    tap.equal(sorted(os.listdir(t.path('out'))), sorted(f'{stem}{end}' for end in ('.ovf', '.mf', '-disk1.vmdk')))
    root = ET.parse(t.path(f'out/{stem}.ovf')).getroot()
    tap.equal(root.find(OVF + 'VirtualSystem/' + OVF + 'Name').text, name)
    tap.equal(root.find('.//' + OVF + 'File').get(OVF + 'href'), stem + '-disk1.vmdk')


def test_disks_have_plain_names_whatever_the_archive_has(t):
    t.vmferry('pack', '-o', 'my "ü" vm.ova', islands(t))
    files = members(t.read('my "ü" vm.ova'))
    tap.equal(list(files), ['my "ue" vm.ovf', 'my "ue" vm.mf', 'my_ue_vm-disk1.vmdk'])
    check_manifest(files)
    tap.equal(check_sizes(files, descriptor(files)), ['my_ue_vm-disk1.vmdk'])


@tap.rows([(form, form, *rest) for form, *rest in FORMS if form not in ('streamOptimized', 'vmdk')])
def test_standard_output(t, form, suffix, driver):
    """Manifest last: the descriptor has no sizes then, which it need not have."""
    source = islands(t)
    done = t.vmferry('pack', '-o', '-', '--name', 'vm', '--disk-format', form, source, text=False)
    files = members(done.stdout)
    tap.equal(list(files), ['vm.ovf', f'vm-disk1.{suffix}', 'vm.mf'])
    check_manifest(files)
    same_content(t, files[f'vm-disk1.{suffix}'], 'out', source, driver)
    tap.equal(t.names(), ['out', 'source.raw'])


@tap.rows([('a folder', 'deep/er/disk.qcow2', 'disk.ova'), ('two dots', 'a.b.raw', 'a.b.ova'), ('no dot', 'disk', 'disk.ova'),
           ('a dot file', '.disk', '.disk.ova'), ('blanks', 'my disk.raw', 'my disk.ova')])
def test_the_name_without_an_out(t, source, expected):
    os.makedirs(t.path('deep/er'))
    t.write(source, BLOCKS)
    t.vmferry('pack', '-f', 'raw', source)
    assert expected in t.names(), t.names()


def test_the_machine_is_the_one_that_was_asked_for(t):
    t.write('eula.txt', b'\xef\xbb\xbfYou <must>\r\naccept.\n')
    t.vmferry('pack', '-o', 'x.ovf', '--name', 'A "b" & <c> ü', '--cpus', '4', '--memory', '2G', '--os', 'ubuntu-64',
              '--secure-boot', '--nic', 'model=vmxnet3,network=Lab,,2,mac=00:50:56:aa:bb:cc', '--nic', '', '--controller',
              'sata', '--controller', 'nvme', '--hardware', 'vmx-15', '--product', 'P', '--vendor', 'V',
              '--product-version', '1', '--full-version', '1.0', '--property', 'host=a=b', '--property',
              'port:uint16=80', '--eula', 'eula.txt', '--annotation', 'line 1\nline 2', *[islands(t)] * 3)
    root = ET.parse(t.path('x.ovf')).getroot()
    system = root.find(OVF + 'VirtualSystem')
    tap.equal(system.find(OVF + 'Name').text, 'A "b" & <c> ü')
    items = [{child.tag.removeprefix(RASD): child.text for child in item} for item in root.iter(OVF + 'Item')]
    tap.equal([item['VirtualQuantity'] for item in items[:2]], ['4', '2048'])
    tap.equal([(item['ResourceType'], item.get('ResourceSubType')) for item in items[2:]],
              [('20', 'vmware.sata.ahci'), ('20', 'vmware.nvme.controller'), ('17', None), ('17', None), ('17', None),
               ('10', 'VmxNet3'), ('10', 'E1000')])
    tap.equal([item['Parent'] for item in items if item['ResourceType'] == '17'], ['3', '4', '4'])
    tap.equal([item.get('Address') for item in items[-2:]], ['00:50:56:aa:bb:cc', None])
    tap.equal([network.get(OVF + 'name') for network in root.iter(OVF + 'Network')], ['Lab,2', 'VM Network'])
    tap.equal([(one.get(OVF + 'key'), one.get(OVF + 'type'), one.get(OVF + 'value')) for one in root.iter(OVF + 'Property')],
              [('host', 'string', 'a=b'), ('port', 'uint16', '80')])
    tap.equal(root.find('.//' + OVF + 'License').text, 'You <must>\naccept.\n')
    tap.equal(root.find('.//' + OVF + 'Annotation').text, 'line 1\nline 2')
    tap.contains((t.folder / 'x.ovf').read_text(), 'vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"')
    tap.contains((t.folder / 'x.ovf').read_text(), 'vmx-15')


@tap.rows([('too long', b'a' * ((1 << 20) + 1), '1 MiB'), ('NUL', b'abc\0def', 'NUL byte at 3'), ('form feed', b'a\fb', '0x0c'),
           ('Latin-1', b'\xe4', 'UTF-8')])
def test_a_licence_is_text(t, data, part):
    t.write('eula', data)
    tap.contains(t.vmferry('pack', '-o', 'x.ova', '--eula', 'eula', islands(t), status=1).stderr, part)


def test_a_long_licence(t):
    t.write('eula', b'a' * (1 << 20))
    t.vmferry('pack', '-o', 'x.ova', '--eula', 'eula', islands(t))
    tap.equal(descriptor(members(t.read('x.ova'))).find('.//' + OVF + 'License').text, 'a' * (1 << 20))


def test_no_network_card(t):
    t.vmferry('pack', '-o', 'x.ovf', '--nic', 'none', islands(t))
    root = ET.parse(t.path('x.ovf')).getroot()
    tap.equal(root.find(OVF + 'NetworkSection'), None)


WRONG = [
    ('no disk', [], 'DISK...'),
    ('no such disk', ['missing.raw'], 'missing.raw'),
    ('processors', ['--cpus', '0', 'source.raw'], '1 to 1024'),
    ('memory without a suffix', ['--memory', '2048', 'source.raw'], '2048M'),
    ('memory 0', ['--memory', '0', 'source.raw'], '2048M'),
    ('odd memory', ['--memory', '1023M', 'source.raw'], '4 MiB'),
    ('an operating system', ['--os', 'plan9', 'source.raw'], 'plan9'),
    ('firmware', ['--firmware', 'coreboot', 'source.raw'], 'bios and efi'),
    ('secure bios', ['--firmware', 'bios', '--secure-boot', 'source.raw'], 'efi'),
    ('a network card', ['--nic', 'model=rtl8139', 'source.raw'], 'PCNet32'),
    ('an unknown word', ['--nic', 'speed=1', 'source.raw'], 'mac=ADDRESS'),
    ('none and another', ['--nic', 'none', '--nic', 'model=e1000', 'source.raw'], '--nic=none'),
    ('a MAC', ['--nic', 'mac=1', 'source.raw'], 'no MAC address'),
    ('a controller', ['--controller', 'floppy', 'source.raw'], 'pvscsi'),
    ('a controller too many', ['--controller', 'ide', '--controller', 'ide', 'source.raw'], 'one for each'),
    ('a family', ['--hardware', '13', 'source.raw'], 'vmx-04'),
    ('no property', ['--property', 'key', 'source.raw'], 'KEY=VALUE'),
    ('a property without key', ['--property', '=value', 'source.raw'], 'KEY=VALUE'),
    ('a property of no type', ['--property', 'a:int=1', 'source.raw'], 'sint64'),
    ('no licence', ['--eula', 'missing.txt', 'source.raw'], 'missing.txt'),
    ('a licence that is none', ['--eula', 'source.raw', 'source.raw'], '--eula'),
    ('a name of two lines', ['--name', 'a\nb', 'source.raw'], '0x0a'),
    ('a version', ['--ovf-version', '3.0', 'source.raw'], '1.0, 1.1 and 2.0'),
    ('a form', ['--disk-format', 'vdi', 'source.raw'], 'vdi'),
    ('another form', ['--disk-options', 'adapter_type=ide,subformat=monolithicFlat', 'source.raw'], '--disk-format'),
    ('a digest', ['--digest', 'md5', 'source.raw'], 'sha512'),
    ('a certificate without a key', ['--cert', 'source.raw', 'source.raw'], 'key'),
    ('CMS without a key', ['--cms', 'source.raw'], 'key'),
    ('a key that is not there', ['--sign', 'missing.pem', 'source.raw'], 'missing.pem'),
    ('a template that is not there', ['--template', 'missing.ovf', 'source.raw'], 'missing.ovf'),
]


@tap.rows(WRONG)
def test_a_wrong_command_leaves_nothing(t, arguments, part):
    islands(t)
    tap.contains(t.vmferry('pack', '-o', 'x.ova', *arguments, status=1).stderr, part)
    tap.equal(t.names(), ['source.raw'])


@tap.rows([(option, option, *value) for option, *value in (
    ('--name', 'a'), ('--cpus', '1'), ('--memory', '1G'), ('--os', '1'), ('--firmware', 'efi'), ('--secure-boot',),
    ('--nic', 'none'), ('--controller', 'ide'), ('--hardware', 'vmx-13'), ('--product', 'a'), ('--vendor', 'a'),
    ('--product-version', 'a'), ('--full-version', 'a'), ('--property', 'a=b'), ('--eula', 'source.raw'), ('--annotation', 'a'),
    ('--ovf-version', '1.1'))])
def test_a_template_stands_alone(t, option, *value):
    done = t.vmferry('pack', '-o', 'x.ova', '--template', 'y.ovf', option, *value, islands(t), status=1)
    tap.contains(done.stderr, option + ' cannot be used with --template')


def test_a_template_gives_the_machine(t):
    first, second = islands(t, 'first.raw'), islands(t, 'second.raw', 2)
    t.vmferry('pack', '-o', 'old.ova', '--name', 'Old one', '--cpus', '3', '--nic', 'network=Lab', '--controller', 'sata', first)
    t.vmferry('pack', '-o', 'new.ova', '--template', 'old.ova', second)
    files = members(t.read('new.ova'))
    check_manifest(files)
    root = descriptor(files)
    name, = check_sizes(files, root, 3 << 20)
    same_content(t, files[name], 'out.vmdk', second, 'vmdk')
    tap.equal(root.find(OVF + 'VirtualSystem/' + OVF + 'Name').text, 'Old one')
    tap.equal([item.find(RASD + 'VirtualQuantity').text for item in root.iter(OVF + 'Item')
               if item.find(RASD + 'ResourceType').text == '3'], ['3'])
    tap.contains(t.vmferry('pack', '-o', 'two.ova', '--template', 'old.ova', first, second, status=1).stderr, 'disks')
    tap.equal('two.ova' in t.names(), False, 'something was left')


def test_a_template_has_a_file_for_each_disk(t):
    """Of two disks in one file the second one that is given would be nowhere, and its machine would have the first one twice."""
    first, second = islands(t, 'first.raw'), islands(t, 'second.raw', 2)
    t.vmferry('pack', '-o', 'old.ovf', '--name', 'Old', first, second)
    text = t.read('old.ovf').decode()
    t.write('old.ovf', text.replace('ovf:fileRef="file2"', 'ovf:fileRef="file1"').encode())
    done = t.vmferry('pack', '-o', 'new.ova', '--template', 'old.ovf', first, second, status=None)
    tap.contains(done.stderr, 'disk "vmdisk2" is in the same file as disk "vmdisk1"')
    tap.equal('new.ova' in t.names(), False, 'target')


def test_lists(t):
    systems = t.vmferry('pack', '--os', 'help').stdout
    assert re.search(r'^ *94 +Ubuntu Linux \(64-bit\) +ubuntu64Guest +Ubuntu_64$', systems, re.M), systems[:500]
    forms = t.vmferry('pack', '--disk-format', 'help').stdout
    for form in ('streamOptimized', 'vhd-fixed', 'qcow2', 'raw'):
        tap.contains(forms, form)
    tap.contains(t.vmferry('pack', '--disk-options', 'help').stdout, 'adapter_type')
    tap.contains(t.vmferry('pack', '--disk-format', 'QCOW2', '--disk-options', 'help').stdout, 'cluster_size')


def test_an_old_package_is_replaced_or_not(t):
    source = islands(t)
    t.write('x.ova', b'old')
    t.vmferry('pack', '--no-clobber', '-o', 'x.ova', source, status=None)
    tap.equal(t.read('x.ova'), b'old')
    t.vmferry('pack', '-o', 'x.ova', source)
    tap.equal(list(members(t.read('x.ova')))[0], 'x.ovf')


def test_disks_beside_a_descriptor_are_not_replaced(t):
    source = islands(t)
    t.write('x-disk1.vmdk', b'precious')
    tap.contains(t.vmferry('pack', '-o', 'x.ovf', source, status=None).stderr, 'x-disk1.vmdk')
    tap.equal((t.names(), t.read('x-disk1.vmdk')), (['source.raw', 'x-disk1.vmdk'], b'precious'))


def test_a_broken_source_leaves_the_old_package(t):
    t.write('x.ova', b'old')
    done = t.vmferry('pack', '-o', 'x.ova', islands(t), tap.IMAGES / 'bad-vmdk-stream-cut.vmdk', status=None)
    tap.equal(done.returncode, 2, 'exit status')
    tap.equal(t.read('x.ova'), b'old')
    tap.equal(t.names(), ['source.raw', 'x.ova'])


def test_a_package_is_no_target_of_itself(t):
    """The default name of a package's disk may be the package's own."""
    t.vmferry('pack', islands(t))
    before = t.read('source.ova')
    done = t.vmferry('pack', 'source.ova', status=None)
    tap.equal((done.returncode != 0, t.read('source.ova') == before), (True, True), done.stderr)


def test_a_disk_of_a_package_can_be_packed(t):
    source = islands(t)
    t.vmferry('pack', '-o', 'a.ova', source)
    for number, disk in enumerate(('a.ova', 'a.ova::vmdisk1', 'a.ova::file1', 'a.ova::a-disk1.vmdk')):
        t.vmferry('pack', '-o', f'b{number}.ova', disk)
        files = members(t.read(f'b{number}.ova'))
        same_content(t, files[f'b{number}-disk1.vmdk'], 'out.vmdk', source, 'vmdk')


def test_the_name_without_an_out_for_a_disk_of_a_package(t):
    t.vmferry('pack', '-o', 'a.ova', islands(t))
    t.vmferry('pack', 'a.ova::a-disk1.vmdk')
    tap.equal(t.names(), ['a-disk1.ova', 'a.ova', 'source.raw'])


@tap.rows([(form, form) for form, *_ in FORMS])
def test_our_own_verify_is_content(t, form):
    t.vmferry('pack', '-o', 'a.ova', '--disk-format', form, islands(t), islands(t, 'other.raw', 2))
    done = t.vmferry('verify', 'a.ova')
    tap.equal(re.findall(r'.*(?:warning|violation|error).*', done.stdout + done.stderr), [])


def test_what_stays_behind_is_told(t):
    disk = tap.IMAGES / 'good-qcow2-snapshot.qcow2'
    tap.contains(t.vmferry('pack', '-o', 'x.ova', disk).stderr, 'not carried over: ')
    tap.equal(t.vmferry('pack', '-q', '-o', 'x.ova', disk).stderr, '')


def test_names_in_plain_letters(t):
    t.vmferry('pack', '-o', 'Büro-Straße.ovf', islands(t))
    tap.equal([name for name in t.names() if name.endswith('.vmdk')], ['Buero-Strasse-disk1.vmdk'])
    tap.contains(t.read('Büro-Straße.ovf').decode(), '<VirtualSystem ovf:id="Buero-Strasse">')
    t.vmferry('verify', 'Büro-Straße.ovf')
    t.vmferry('pack', '-o', 'Büro.ova', islands(t))
    with tarfile.open(t.path('Büro.ova')) as archive:
        tap.equal(archive.getnames()[:2], ['Buero.ovf', 'Buero.mf'], 'names in an archive')


def partitioned(t, name, sector=512, efi=True, mbr=False, count=128, size=128):
    """A disk with one partition: an EFI system partition, or not."""
    disk = bytearray(1 << 20)
    disk[510:512] = b'\x55\xaa'
    kind = (0xef if efi else 0x83) if mbr else 0xee
    disk[446:462] = bytes((0, 0, 0, 0, kind, 0, 0, 0)) + (1).to_bytes(4, 'little') + (2047).to_bytes(4, 'little')
    if not mbr:
        disk[sector:sector + 8] = b'EFI PART'
        disk[sector + 72:sector + 88] = b''.join((value.to_bytes(length, 'little'))
                                                 for value, length in ((2, 8), (count, 4), (size, 4)))
        disk[2 * sector + 128:2 * sector + 144] = uuid.UUID(
            'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' if efi else '0FC63DAF-8483-4772-8E79-3D69D8477DE4').bytes_le
    return t.write(name, bytes(disk))


@tap.rows([(title, words, efi) for title, words, efi in (
    ('GPT', {}, True), ('sectors of 4 KiB', {'sector': 4096}, True), ('MBR', {'mbr': True}, True),
    ('GPT without', {'efi': False}, False), ('MBR without', {'mbr': True, 'efi': False}, False),
    ('a count of billions', {'count': 0xffffffff}, True), ('an entry of 1 byte', {'size': 1}, False),
    ('an entry of 4 GiB', {'size': 0xffffffff}, False), ('no entries', {'count': 0}, False))])
def test_the_partition_table_tells_the_firmware(t, words, efi):
    partitioned(t, 'disk.raw', **words)
    t.vmferry('pack', '-o', 'vm.ovf', 'disk.raw')
    tap.equal('firmware" vmw:value="efi"' in t.read('vm.ovf').decode(), efi)
    t.vmferry('pack', '--firmware', 'bios', '-o', 'own.ovf', 'disk.raw')
    tap.equal('vmw:value="efi"' in t.read('own.ovf').decode(), False, 'what was said counts')


def test_progress(t):
    source = islands(t)
    tap.contains(t.vmferry('pack', '-p', '-o', 'x.ova', source).stderr, 'x.ova: done, 100.0 %')
    tap.equal(t.vmferry('pack', '-p', '-q', '-o', 'x.ova', source).stderr, '')
    done = t.vmferry('pack', '-p', '-o', '-', '--disk-format', 'raw', source, text=False)
    tap.contains(done.stderr.decode(), 'done, 100.0 %')
    check_manifest(members(done.stdout))


@tap.rows([(kind, kind) for kind in ('sha1', 'sha256', 'sha512')])
def test_digests(t, kind):
    t.vmferry('pack', '--digest', kind, '-o', 'x.ova', islands(t))
    check_manifest(members(t.read('x.ova')), kind.upper())


def test_a_signature_that_openssl_verifies(t):
    openssl = tap.tool('openssl')
    t.run(openssl, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '3',
          '-subj', '/CN=test')
    t.vmferry('pack', '-o', 'x.ova', '--sign', 'key.pem', '--cert', 'cert.pem', islands(t))
    files = members(t.read('x.ova'))
    check_manifest(files)
    line, certificate = files['x.cert'].decode().split('\n', 1)
    kind, signature = re.fullmatch(r'(SHA\d+)\(x\.mf\)= ([0-9a-f]+)', line).groups()
    t.write('x.mf', files['x.mf'])
    t.write('x.sig', bytes.fromhex(signature))
    t.write('x.pem', certificate.encode())
    t.write('x.pub', t.run(openssl, 'x509', '-in', 'x.pem', '-pubkey', '-noout', text=False).stdout)
    t.run(openssl, 'dgst', '-' + kind.lower(), '-verify', 'x.pub', '-signature', 'x.sig', 'x.mf')


def test_threads_do_not_change_the_bytes(t):
    source = islands(t)
    for threads in ('1', '4'):
        t.vmferry('pack', '-m', threads, '-o', f'{threads}.ova', '--name', 'same', source,
                  env={'SOURCE_DATE_EPOCH': '1700000000'})
    one, four = members(t.read('1.ova')), members(t.read('4.ova'))
    tap.equal([one['1-disk1.vmdk'] == four['4-disk1.vmdk'], len(one), len(four)], [True, 3, 3])


if __name__ == '__main__':
    tap.main(globals())
