# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What `verify` says of a descriptor and what the other verbs do with it is one thing: a package without a breach is
converted and unpacked, and one that must not be passed on is a breach. With descriptors of others (VMFERRY_OVF_SAMPLES)
beside disks of our own; those are skipped where the folder is not there."""
import gzip
import html
import json
import os
import pathlib
import re
import urllib.parse

import tap
from verify_packages import CAPACITY, DISK, VHD, Package

BUNDLE = '<x:Strings xmlns:x="http://schemas.dmtf.org/ovf/strings/1"><{0}Msg ovf:msgid="m">text</{0}Msg></x:Strings>'
SECTION = '<x:S xmlns:x="urn:x"{}><Info/></x:S>'


def edited(old, new):
    return Package().but(edit_descriptor=lambda text: text.replace(old, new, 1))


def all_of(t, source):
    """The exit statuses of verify, of both ways to convert, and of unpack, and what they say."""
    done = [t.vmferry('verify', source, status=None), t.vmferry('convert', source, 'new.ova', status=None),
            t.vmferry('convert', '-O', 'qcow2', source, 'other.ova', status=None),
            t.vmferry('unpack', source, 'folder/', status=None)]
    return [one.returncode for one in done], ''.join(one.stdout + one.stderr for one in done)


@tap.rows([
    ('a bundle in another namespace', '</Envelope>', BUNDLE.format('x:') + '</Envelope>'),
    ('its messages in the envelope\'s', '</Envelope>', BUNDLE.format('') + '</Envelope>'),
    ('an element inside of a section', '</System>', '</System><x:Part xmlns:x="urn:x"/>'),
    ('the same in an item', '</System>', '</System><Item ovf:required="false"><rasd:InstanceID>1</rasd:InstanceID>'
     '<rasd:ResourceType>1</rasd:ResourceType><x:Part xmlns:x="urn:x"/></Item>'),
    ('a section that is dispensable', '<DiskSection>', SECTION.format(' ovf:required="false"') + '<DiskSection>'),
    ('a section of VMware under another prefix', '<DiskSection>',
     SECTION.replace('urn:x', 'http://www.vmware.com/schema/ovf').format('') + '<DiskSection>'),
])
def test_legal_extensions_pass(t, old, new):
    found, text = all_of(t, edited(old, new).ova(t))
    tap.equal(found, [0, 0, 0, 0], text)
    t.vmferry('verify', 'new.ova')
    tap.contains(t.run('tar', '-xOf', 'new.ova', 'new.ovf').stdout, new.rsplit('</Envelope>', 1)[0])


@tap.rows([
    ('a section that nobody knows', SECTION.format('')),
    ('one under VMware\'s prefix, which is bound to another name', SECTION.replace('x:S', 'vmw:S').replace(':x', ':vmw').format('')),
    ('one under a prefix that is not declared', '<vmw:S/>'),
    ('one of the standard\'s namespace', '<OtherSection><Info/></OtherSection>'),
])
def test_what_must_be_honoured_is_refused(t, section):
    package = edited('<DiskSection>', section + '<DiskSection>')
    found, text = all_of(t, package.ova(t))
    tap.equal(found[:3], [3, 9, 9], text)
    tap.contains(text, 'must be honoured')


@tap.rows([(href, href) for href in (
    '\\\\server\\share\\b.vmdk', '//server/share/b.vmdk', 'C:\\b.vmdk', 'c:/b.vmdk', '%5C%5Cserver%5Cb.vmdk',
    'file:////server/b.vmdk', 'a\\..\\..\\b.vmdk')])
def test_paths_of_windows_are_refused_by_all(t, href):
    """Even where a file of that name is beside the descriptor."""
    package = Package().but(manifest=False)
    package.references['b.vmdk']['href'] = href
    folder = package.folder(t)
    for name in (href, urllib.parse.unquote(href)):
        if '/' not in name:
            t.write(f'folder/{name}', DISK)
    for command in (('verify',), ('convert', 'new.ova'), ('convert', '-O', 'qcow2', 'other.ova')):
        done = t.vmferry(command[0], f'{folder}/vm.ovf', *command[1:], status=2)
        tap.contains(done.stdout + done.stderr, 'put the file beside the descriptor')
    tap.equal(t.names(), ['folder'], 'files')
    tap.contains(t.vmferry('verify', '--descriptor-only', f'{folder}/vm.ovf').stdout, '[file-href-outside]')


def test_populated_size_beyond_the_capacity_is_left_out(t):
    package = Package()
    package.disks['a.vmdk']['populatedSize'] = str(CAPACITY + 1)
    package.disks['b.vmdk']['populatedSize'] = str(CAPACITY)
    source = package.ova(t)
    t.vmferry('verify', source, status=3)
    for words in ((), ('-O', 'qcow2')):
        done = t.vmferry('convert', *words, source, 'new.ova')
        tap.contains(done.stderr, '[disk-populated]')
        t.vmferry('verify', 'new.ova')
        found = [int(one) for one in re.findall(r'populatedSize="(\d+)"', t.run('tar', '-xOf', 'new.ova', 'new.ovf').stdout)]
        tap.equal(all(one <= CAPACITY for one in found) and len(found) >= 1, True, found)
    t.vmferry('unpack', source, 'same/')
    tap.equal(t.read('same/vm.ovf'), package.descriptor(), 'a descriptor that is not written anew')


def in_the_form_of_2008(text):
    """As VirtualCenter wrote it: only the envelope is in a namespace, sections have types."""
    text = text.replace(' xmlns="http://schemas.dmtf.org/ovf/envelope/1"', '')
    text = text.replace('<Envelope ', '<ovf:Envelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ')
    text = text.replace('</Envelope>', '</ovf:Envelope>')
    for tag, name in (('Section', 'DiskSection'), ('Section', 'VirtualHardwareSection'), ('Content', 'VirtualSystem')):
        text = re.sub(f'<{name}\\b', f'<{tag} xsi:type="ovf:{name}_Type"', text).replace(f'</{name}>', f'</{tag}>')
    return text


def test_virtualcenter_2008(t):
    """One breach, told once; all that is in it is understood."""
    package = Package().but(edit_descriptor=in_the_form_of_2008)
    found = json.loads(t.vmferry('verify', '--output=json', package.ova(t), status=3).stdout)['findings']
    tap.equal([one['rule'] for one in found if one['severity'] in ('violation', 'failure')], ['envelope-mixed'], found)
    info = json.loads(t.vmferry('info', '--output=json', 'vm.ova').stdout)
    tap.equal((info['systems'][0]['id'], len(info['disks']), len(info['files'])), ('vm', 2, 2), 'info')
    t.vmferry('convert', '-O', 'qcow2', 'vm.ova', 'new.ova')


ITEM = '''<Item><rasd:AddressOnParent>{4}</rasd:AddressOnParent><rasd:ElementName/>{3}<rasd:InstanceID>{0}</rasd:InstanceID>
<rasd:Parent>{2}</rasd:Parent><rasd:ResourceType>{1}</rasd:ResourceType></Item>'''


def test_controllers_are_told_apart(t):
    items = [f'<Item><rasd:ElementName/><rasd:InstanceID>{number}</rasd:InstanceID><rasd:ResourceType>{kind}'
             '</rasd:ResourceType></Item>' for number, kind in ((1, 6), (2, 5), (3, 6))]
    items += [ITEM.format(4, 17, 1, '<rasd:HostResource>ovf:/disk/disk-a.vmdk</rasd:HostResource>', 0),
              ITEM.format(5, 17, 3, '<rasd:HostResource>ovf:/disk/disk-b.vmdk</rasd:HostResource>', 0),
              ITEM.format(6, 15, 2, '', 1)]
    source = edited('</System>', '</System>' + ''.join(items)).ova(t)
    t.vmferry('verify', source)
    system = json.loads(t.vmferry('info', '--output=json', source).stdout)['systems'][0]
    tap.equal([(one['id'], one['type'], one['number']) for one in system['controllers']],
              [('1', 'SCSI', 0), ('2', 'IDE', 0), ('3', 'SCSI', 1)])
    keys = ('controller', 'controller-number', 'controller-id', 'address')
    tap.equal([tuple(one[key] for key in keys) for one in system['disks'] + system['devices']],
              [('SCSI', 0, '1', '0'), ('SCSI', 1, '3', '0'), ('IDE', 0, '2', '1')])
    text = t.vmferry('info', source).stdout
    for line in ('controller: SCSI 1', 'drive: disk-a.vmdk at SCSI 0:0', 'drive: disk-b.vmdk at SCSI 1:0', 'cd at IDE 0:1'):
        tap.contains(text, line)


# ---- descriptors of others ----

def samples():
    path = pathlib.Path(os.environ.get('VMFERRY_OVF_SAMPLES', tap.SOURCE / '../shared/ovf-samples'))
    return path.resolve() if path.is_dir() else None


FILE = re.compile(r'<(?:[\w-]+:)?File\s[^>]*>')


def with_files(t, path, folder):
    """The descriptor with disks of ours: of other sizes, and inside of its folder."""
    count = 0

    def local(tag):
        nonlocal count
        count += 1
        tag = re.sub(r'\s(?:[\w-]+:)?(?:size|chunkSize)\s*=\s*("[^"]*"|\'[^\']*\')', '', tag[0])
        found = re.search(r'href\s*=\s*["\']([^"\']*)', tag)
        if not found or not found[1]:
            return tag
        name = re.split(r'[/\\]', urllib.parse.unquote(html.unescape(found[1])))[-1]
        name = f'{count}-' + re.sub(r'[^\w.-]', '-', name)
        data = VHD if name.lower().endswith('.vhd') else DISK
        t.write(f'{folder}/{name}', gzip.compress(data) if 'gzip' in tag else data)
        return tag.replace(found[1], name)

    raw = path.read_bytes()
    coding = 'utf-16' if raw[:2] in (b'\xff\xfe', b'\xfe\xff') else 'latin-1'
    os.makedirs(t.path(folder), exist_ok=True)
    return t.write(f'{folder}/vm.ovf', FILE.sub(local, raw.decode(coding)).encode(coding))


FOLDERS = sorted(path.name for path in samples().iterdir() if path.is_dir() and path.name != 'ova') if samples() else ['none']


@tap.rows([(name, name) for name in FOLDERS])
def test_what_verify_accepts_is_converted(t, name):
    if not samples():
        raise tap.Skip('no samples of packages')
    paths = [path for path in sorted((samples() / name).rglob('*')) if path.suffix.lower() in ('.ovf', '.xml')]
    for number, path in enumerate(paths):
        source = with_files(t, path, str(number))
        said = t.vmferry('verify', source, status=None)
        done = t.vmferry('convert', '--no-sync', source, f'{number}.ova', status=None)
        text = f'{path}: {said.stdout} {said.stderr} {done.stderr}'
        tap.equal(said.returncode in (0, 1, 2, 3) and done.returncode in (0, 2, 9), True, text)
        if said.returncode == 0:
            tap.equal(done.returncode, 0, text)
            t.vmferry('verify', f'{number}.ova')
        if done.returncode == 0:
            t.vmferry('unpack', '--no-sync', f'{number}.ova', f'{number}.new/')
        if said.returncode in (1, 2):
            tap.equal(done.returncode in (2, 9), True, text)


tap.main(globals())
