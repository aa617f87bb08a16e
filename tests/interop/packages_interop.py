# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Real packages and descriptors by many producers (VMFERRY_OVF_SAMPLES, see its INDEX.md), judged by what Python reads in
them; and what is written here, read by GNU tar, bsdtar, xmllint with the DMTF's schemas (VMFERRY_OVF_XSD), openssl,
qemu-img and virt-v2v. Skipped where a folder or a program is not there."""
import hashlib
import json
import os
import pathlib
import re
import sys
import tarfile
import xml.etree.ElementTree as ElementTree

import tap

sys.path.insert(0, str(tap.SOURCE / 'tests/ovf'))
# pylint: disable=wrong-import-position
from hostile_package_case import MEMORY, check_lines, run
from make_content import LARGE
from package_reader import Package, check_signature, listing_of_tar, make_key

KNOWN_NAMESPACES = ('http://schemas.dmtf.org/ovf/envelope/1', 'http://schemas.dmtf.org/ovf/envelope/2',
                    'http://www.vmware.com/schema/ovf/1/envelope', 'http://schemas.dmtf.org/ovf/envelope/1/')
XSI_TYPE = '{http://www.w3.org/2001/XMLSchema-instance}type'
LINE = re.compile(r'^(SHA1|SHA256|SHA512)\s*\((.*)\)\s*=\s*([0-9A-Fa-f]+)\s*$')
RAW = LARGE[:510] + b'\x55\xaa' + LARGE[512:]
# Cases of VMware's own suite of what must be refused that a structure rule can see; the others need a host, a file or an
# option to be wrong.
NEGATIVE = {
    'Envelope': ('bare_minimal', 'content_vmwithnoid', 'content_withnovm', 'fileelements_samefile', 'invalid_ref_dup_id'),
    'DiskSection': ('dup_diskid', 'inside_content', 'no_capacity', 'popsize_gt_capacity'),
    'VirtualHardware': ('dup_instanceid', 'empty_item', 'no_instanceid', 'no_resourcetype', 'no_vh'),
    'ProductSection': ('prop_dup_keys', 'prop_no_key', 'prop_no_type'),
}


def samples():
    return pathlib.Path(os.environ.get('VMFERRY_OVF_SAMPLES', tap.SOURCE / '../shared/ovf-samples')).resolve()


def need_samples():
    if not samples().is_dir():
        raise tap.Skip('no folder of sample packages')
    return samples()


def schemas():
    folder = pathlib.Path(os.environ.get('VMFERRY_OVF_XSD', tap.SOURCE / '../shared/ovf-xsd')).resolve()
    if not folder.is_dir():
        raise tap.Skip('no folder of schemas')
    return folder


def all_of(*suffixes):
    return sorted(path for path in samples().rglob('*') if path.suffix in suffixes) if samples().is_dir() else []


def by_folder(*suffixes):
    """(title, paths) for each folder at the top that has any."""
    folders = {}
    for path in all_of(*suffixes):
        parts = path.relative_to(samples()).parts
        folders.setdefault('/'.join(parts[:2] if parts[0] == 'ovftool-posneg' else parts[:1]), []).append(path)
    return [(name, paths) for name, paths in folders.items()] or [('none', [])]


def local(element):
    return element.tag.split('}')[-1]


def attribute(element, name):
    return next((value for key, value in element.attrib.items() if key.split('}')[-1] == name), None)


def parsed(path):
    """The root of an envelope that any reader takes, or None."""
    text = path.read_bytes()
    if b'<!DOCTYPE' in text:
        return None
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    return root if local(root) == 'Envelope' and root.tag[1:].split('}')[0] in KNOWN_NAMESPACES else None


def gather(paths, check):
    failures = []
    for path in paths:
        try:
            check(path)
        except (AssertionError, ValueError, KeyError) as failure:
            failures.append(f'{path.relative_to(samples())}: {type(failure).__name__} {failure}')
    if failures:
        raise AssertionError('\n'.join(failures))


def call(t, *arguments):
    status, output, text = run(t, *map(str, arguments), memory=MEMORY)
    check_lines(text)
    return status, output.decode(errors='replace'), text


def compare_with_python(info, root):
    references = [child for child in root if local(child) == 'References']
    files = [attribute(child, 'id') for part in references for child in part if local(child) == 'File']
    tap.equal([file.get('id') for file in info['files']], files, 'ids of files')
    sections = [part for part in root.iter() if local(part) == 'DiskSection' or 'DiskSection' in part.get(XSI_TYPE, '')]
    disks = [(attribute(child, 'diskId'), attribute(child, 'parentRef') or None) for part in sections for child in part
             if local(child) == 'Disk']
    if len(sections) == 1:
        tap.equal([(disk.get('id'), disk.get('parent')) for disk in info['disks']], disks, 'disks')
    systems = [attribute(part, 'id') for part in root.iter()
               if local(part) == 'VirtualSystem' or part.get(XSI_TYPE, '').endswith(':VirtualSystem_Type')]
    tap.equal([system.get('id') for system in info['systems'] if not system['collection']], systems, 'systems')
    compare_items(info, root)


def compare_items(info, root):
    """Processors and memory, where there is one machine that says it plainly."""
    hardware = [part for part in root.iter() if local(part) == 'VirtualHardwareSection']
    machines = [system for system in info['systems'] if not system['collection']]
    if len(hardware) != 1 or len(machines) != 1:
        return
    for kind, key, scale in (('3', 'cpus', 1), ('4', 'memory', 1 << 20)):
        items = [{local(child): child.text for child in item} for item in hardware[0] if local(item) == 'Item']
        items = [item for item in items if item.get('ResourceType') == kind]
        units = [item.get('AllocationUnits', '').replace(' ', '') for item in items]
        if len(items) == 1 and (kind == '3' or units[0] in ('byte*2^20', 'MegaBytes')):
            quantity = items[0].get('VirtualQuantity', '').strip()
            if quantity.isdigit() and int(quantity):
                tap.equal(machines[0].get(key), int(quantity) * scale, key)


# ---- the samples ----

@tap.rows(by_folder('.ovf', '.xml'))
def test_descriptors_are_read(t, paths):
    """What Python's parser takes as an envelope is read; the rest is refused in one line, or read with a warning."""
    need_samples()

    def check(path):
        root = parsed(path)
        if root is None and path.suffix == '.xml':
            return
        status, _, text = call(t, 'info', path)
        machine_status, output, _ = call(t, 'info', '--output=json', path)
        tap.equal(machine_status, status, 'exit status with JSON')
        if root is not None:
            tap.equal(status, 0, f'exit status ({text})')
        elif status not in (0, 2, 9):
            raise AssertionError(f'exit {status}: {text}')
        if status == 0:
            info = json.loads(output)
            if root is not None and path.parent.name != 'Neg':
                compare_with_python(info, root)
        status, output, text = call(t, 'verify', '--descriptor-only', path)
        if status not in ((0, 2, 3) if root is not None else (0, 1, 2, 3)):
            raise AssertionError(f'verify: exit {status}: {text}')
        json_status, output, _ = call(t, 'verify', '--descriptor-only', '--output=json', path)
        tap.equal(json_status, status, 'exit status of verify with JSON')
        if output:
            json.loads(output)
    gather([path for path in paths if not path.name.startswith('ovf-env')], check)


@tap.rows([(f'{folder} {name}', folder, name) for folder, names in NEGATIVE.items() for name in names])
def test_what_vmware_refuses_is_found(t, folder, name):
    found = sorted((need_samples() / 'ovftool-posneg').glob(f'{folder}*/Neg/{name}.ovf'))
    if not found:
        raise tap.Skip('no such sample')
    for path in found:
        status, output, text = call(t, 'verify', '--descriptor-only', path)
        if status not in (2, 3):
            raise AssertionError(f'{path}: exit {status}: {output} {text}')


def test_few_descriptors_that_vmware_takes_are_violations(t):
    """Its labels are hints (facts: many have several faults), but most of what it takes must pass."""
    paths = [path for path in all_of('.ovf') if 'ovftool-posneg' in path.parts and path.parent.name == 'Pos' and
             path.parent.parent.name.endswith('_1_0') and parsed(path) is not None]
    need_samples()
    bad = [path for path in paths if call(t, 'verify', '--descriptor-only', path)[0] != 0]
    if len(bad) * 4 > len(paths):
        raise AssertionError(f'{len(bad)} of {len(paths)}: ' + ' '.join(path.name for path in bad))


def members_of(path):
    with tarfile.open(path, 'r:*') as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive if entry.isreg()}


def judge_manifest(files):
    """'wrong', 'right', or None where Python cannot tell: by the lines that every reader knows."""
    text = next((data for name, data in files.items() if name.endswith('.mf')), b'').decode(errors='replace')
    lines = [LINE.match(line) for line in text.splitlines()]
    if not lines or None in lines:
        return None
    for line in lines:
        kind, name, digest = line.groups()
        if name not in files or hashlib.new(kind.lower(), files[name]).hexdigest() != digest.lower():
            return 'wrong'
    return 'right'


@tap.rows([(path.name, path) for path in all_of('.ova')] or [('none', None)])
def test_archives(t, path):
    """verify finds what Python finds; each disk is what its member is; a conversion is whole for other readers."""
    need_samples()
    try:
        files = members_of(path)
    except tarfile.TarError:
        status, _, text = call(t, 'info', path)  # it may be a descriptor that is only called so
        tap.equal(status, 0 if ElementTree.parse(path) else 2, f'exit status ({text})')
        return
    descriptors = [name for name in files if name.endswith('.ovf')]
    status, output, text = call(t, 'info', '--output=json', path)
    t.write('descriptor', files[descriptors[0]] if descriptors else b'')
    if len(descriptors) != 1 or parsed(t.folder / 'descriptor') is None:
        tap.equal(status, 2, f'exit status of info ({text})')
        return
    if not output:
        raise AssertionError(f'info: exit {status}: {text}')
    tap.equal(status != 0, any('error' in disk for disk in json.loads(output)['disks']), f'exit status of info ({text})')
    os.remove(t.path('descriptor'))
    status, findings, text = call(t, 'verify', path)
    verdict = judge_manifest(files)
    if verdict == 'wrong' or status not in (0, 2, 3):
        tap.equal(status, 2, f'exit status of verify ({findings} {text})')
    check_disks(t, path, files, json.loads(output))
    check_conversion(t, path, files)


def check_disks(t, path, files, info):
    for disk in info['disks']:
        if disk.get('file') not in files:
            continue
        t.write('member', files[disk['file']])
        expected, _, _ = call(t, 'convert', '-O', 'raw', 'member', 'a.raw')
        status, _, text = call(t, 'convert', '-O', 'raw', f'{path}::{disk["id"]}', 'b.raw')
        compressed = any(file.get('compression') == 'gzip' for file in info['files'])
        if not compressed and not disk.get('parent'):
            tap.equal(status, expected, f'exit status of disk {disk["id"]} ({text})')
        if status == 0 and expected == 0:
            t.run(tap.tool('qemu-img'), 'compare', '-f', 'raw', '-F', 'raw', 'a.raw', 'b.raw')  # some have 8 GiB of holes
        for name in ('a.raw', 'b.raw'):
            if os.path.exists(t.path(name)):
                os.remove(t.path(name))
        os.remove(t.path('member'))


def check_conversion(t, path, files):
    before = t.names()
    status, _, text = call(t, 'convert', path, 'out.ova')
    if status:
        if status not in (2, 8, 9):
            raise AssertionError(f'convert: exit {status}: {text}')
        tap.equal(t.names(), before, 'files of a failed conversion')
        return
    out = Package(t.path('out.ova')).check()
    listed = [(name, len(data)) for name, data in out.files.items()]
    tap.equal(listing_of_tar(t.path('out.ova')), listed, 'GNU tar')
    tap.equal(listing_of_tar(t.path('out.ova'), 'bsdtar'), listed, 'bsdtar')
    again, findings, _ = call(t, 'verify', 'out.ova')
    if again not in (0, 3):
        raise AssertionError(f'verify of the result: exit {again}: {findings}')
    call(t, 'compare', path, 'out.ova')
    status, _, text = call(t, 'unpack', path, 'folder')
    tap.equal(status, 0, f'exit status of unpack ({text})')
    unpacked = Package(t.path('folder'))
    status, findings, _ = call(t, 'verify', 'folder')
    if status not in (0, 3):
        raise AssertionError(f'verify of what was unpacked: exit {status}: {findings}')
    kept = [name for name in files if not name.endswith(('.mf', '.cert', '.ovf'))]
    same = [name for name in kept if unpacked.files.get(os.path.basename(name)) == files[name]]
    whole = not any(word in unpacked.text + ' '.join(files) for word in ('chunkSize', 'gzip', '.000000000'))
    if whole and len(same) < len([name for name in kept if os.path.basename(name) in unpacked.text]):
        raise AssertionError(f'unpacked as they were: {same} of {kept}')


@tap.rows(by_folder('.ovf'))
def test_packages_beside_their_files(t, paths):
    """Descriptors with their files beside them: each verb ends as it may."""
    need_samples()

    def check(path):
        root = parsed(path)
        if root is None:
            return
        names = [attribute(part, 'href') for part in root.iter() if local(part) == 'File']
        here = [name for name in names if name and '/' not in name and (path.parent / name).is_file()]
        status, output, text = call(t, 'verify', path)
        if status not in (0, 2, 3):
            raise AssertionError(f'verify: exit {status}: {text}')
        if status == 0 and len(here) < len([name for name in names if name]) and not re.search('chunk', str(root.attrib)):
            raise AssertionError(f'verify finds nothing, but of {names} there are {here}: {output}')
        status, _, text = call(t, 'convert', path, 'out.ova')
        if status not in (0, 2, 8, 9):
            raise AssertionError(f'convert: exit {status}: {text}')
        if status == 0:
            Package(t.path('out.ova')).check()
            os.remove(t.path('out.ova'))
        tap.equal(t.names(), [], 'files')
    gather(paths, check)


# ---- the schemas, and other readers of what is written ----

VERSIONS = (('1.0', '1.0.0-xenadmin/driver.xsd'), ('1.0 by open-ovf', '1.0.0-openovf/ovf-envelope.xsd'),
            ('1.1', '1.1.0-vcd/ovf1.1/dsp8023_1.1.0.xsd'), ('1.1 by VMware', '1.1.0-vcd/with-vmware-ext.xsd'),
            ('1.1.1', '1.1.1-xo/dsp8023_1.1.1.xsd'), ('2.0', '2.0.1-itchy/dsp8023_2.0.1.xsd'))
MACHINE = ('--name', 'a machine', '--cpus', '2', '--memory', '2G', '--os', 'ubuntu-64', '--firmware', 'efi', '--nic',
           'model=VmxNet3,network=Net & Co', '--nic', 'model=E1000', '--product', 'Product <1>', '--vendor', 'V',
           '--product-version', '1', '--full-version', '1.0', '--property', 'a.b=c', '--annotation', 'two\nlines')


def schema_complaints(t, name, schema):
    folder = schemas()
    catalog = folder / schema.split('/')[0] / 'catalog.xml'
    done = t.run(tap.tool('xmllint'), '--nonet', '--noout', '--schema', folder / schema, name, status=None,
                 env={'XML_CATALOG_FILES': str(catalog)})
    lines = [line for line in done.stderr.splitlines() if 'Skipping import' not in line and 'validates' not in line]
    return lines if done.returncode else []


def source(t):
    t.write('disk.raw', RAW)
    return 'disk.raw'


@tap.rows([(f'{version}, {title}', version, schema, words) for version, schema in VERSIONS
           for title, words in (('defaults', ()), ('everything', MACHINE),
                                ('controllers', ('--controller', 'sata', '--controller', 'nvme', '--secure-boot')))])
def test_schema(t, version, schema, words):
    schemas()
    if version == '1.1 by VMware' and not (schemas() / schema).is_file():
        raise tap.Skip('no such schema')
    license_text = t.write('license.txt', 'a licence & more'.encode())
    more = ('--eula', license_text) if words is MACHINE else ()
    number = version.split()[0]
    os.mkdir(t.path('out'))
    t.vmferry('pack', '-o', 'out/vm.ovf', '--ovf-version', '1.1' if number == '1.1.1' else number, *words, *more,
              source(t), 'disk.raw')
    complaints = schema_complaints(t, 'out/vm.ovf', schema)
    if not version.endswith('VMware') and number != '2.0':  # vendors' sections and keys are not in the DMTF's schemas
        complaints = [line for line in complaints if 'www.vmware.com' not in line and 'fails to validate' not in line]
    tap.equal(complaints, [], 'complaints')
    status, output, _ = call(t, 'verify', 'out')
    tap.equal(status, 0, f'our own verdict: {output}')


def test_valid_samples_stay_valid(t):
    """A conversion does not make a valid descriptor invalid."""
    schema, count = '1.1.1-xo/dsp8023_1.1.1.xsd', 0
    schemas()
    for path in all_of('.ova'):
        status, _, _ = call(t, 'convert', path, 'out.ova')
        if status:
            continue
        text = next(data for name, data in members_of(path).items() if name.endswith('.ovf'))
        t.write('before.ovf', text)
        t.write('after.ovf', Package(t.path('out.ova')).files[Package(t.path('out.ova')).name])
        if not schema_complaints(t, 'before.ovf', schema):
            tap.equal(schema_complaints(t, 'after.ovf', schema), [], f'complaints about {path.name}')
            count += 1
    need_samples()
    if not count:
        raise AssertionError('nothing was compared')


@tap.rows([('sha256', 'sha256'), ('sha512', 'sha512')])
def test_signature_by_openssl(t, digest):
    key, certificate = make_key(t)
    t.vmferry('pack', '-o', 'a.ova', '--digest', digest, '--sign', key, '--cert', certificate, source(t))
    check_signature(t, Package(t.path('a.ova')).check(), certificate)
    t.vmferry('verify', '--require-signature', '--ca-file', certificate, 'a.ova')
    t.vmferry('pack', '-o', 'b.ova', source(t))
    t.vmferry('sign', '--key', key, '--cert', certificate, 'b.ova')
    check_signature(t, Package(t.path('b.ova')).check(), certificate)
    other = make_key(t, 'other')[1]
    t.vmferry('verify', '--ca-file', other, 'a.ova', status=2)
    t.vmferry('sign', '--remove', 'b.ova')
    tap.equal([name for name in Package(t.path('b.ova')).check().order if name.endswith('.cert')], [], 'certificates')
    t.vmferry('verify', '--require-signature', 'b.ova', status=2)


def test_certificate_by_others(t):
    """The one real signed sample: its signature is right, by openssl and by verify."""
    path = need_samples() / 'open-ovf/ourOVF.ovf'
    if not path.is_file():
        raise tap.Skip('no such sample')
    status, output, text = call(t, 'verify', '--output=json', path)
    tap.equal(status, 2, f'exit status: files are missing ({text})')
    rules = {finding['rule'] for finding in json.loads(output)['findings']}
    tap.equal(rules & {'signature-wrong', 'certificate-expired', 'certificate-self-signed'},
              {'certificate-expired', 'certificate-self-signed'}, 'rules')


@tap.rows([(form, form) for form in ('streamOptimized', 'monolithicSparse', 'vhd', 'vhd-fixed', 'qcow2', 'raw')])
def test_disks_by_qemu(t, form):
    t.vmferry('pack', '-o', 'a.ova', '--disk-format', form, source(t))
    package = Package(t.path('a.ova')).check()
    disk = package.elements('Disk')[0]
    tap.equal(package.guest(t, package.get(disk, 'diskId'))[:len(RAW)] == RAW, True, 'guest bytes')
    for tool in ('tar', 'bsdtar'):
        os.mkdir(t.path(tool))
        t.run(tap.tool(tool), 'xf', t.path('a.ova'), '-C', t.path(tool))
        found = {name: (t.folder / tool / name).read_bytes() for name in os.listdir(t.path(tool))}
        tap.equal(found == package.files, True, f'files by {tool}')


@tap.rows([('BIOS and SCSI', 'bios', ()), ('EFI and SATA', 'efi', ('--firmware', 'efi', '--controller', 'sata')),
           ('two disks', 'bios', ('disk.raw',))])
def test_import_by_virt_v2v(t, firmware, words):
    tap.tool('virt-v2v')
    t.vmferry('pack', '-o', 'a.ova', '--name', 'imported', '--cpus', '2', '--memory', '1G', '--nic',
              'model=E1000,network=net1', *words, source(t))
    done = t.run('virt-v2v', '-i', 'ova', t.path('a.ova'), '--print-source', env={'LIBGUESTFS_BACKEND': 'direct'})
    text = done.stdout + done.stderr
    controller = 'sata' if 'sata' in words else 'scsi'
    for part in ('nr vcpus: 2\n', f'memory: {1 << 30} ', f'firmware: {"uefi" if firmware == "efi" else firmware}\n',
                 '"net1" [e1000]\n', 'hypervisor type: vmware\n', 'source name: imported\n'):
        tap.contains(text.lower(), part)
    tap.equal(re.findall(r'^\t\d+ \[(.*)\]$', text, re.M), [controller] * (2 if 'disk.raw' in words else 1), 'disks ' + text)


tap.main(globals())
