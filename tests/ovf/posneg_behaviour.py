# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The structure rules over descriptors of others (VMFERRY_OVF_SAMPLES): VMware's suite of descriptors to be accepted and
to be refused, real products', and the schema check beside xmllint's. Skipped where the folders are not there."""
import json
import os
import pathlib

import tap

# Descriptors that VMware's tool accepts and the rules refuse.
REFUSED = {
    'Envelope/Pos/bare_minimal.ovf': 'the same but for a prefix is among those to be refused',
    'Envelope_1_0/Pos/bare_minimal.ovf': 'the same bytes are among those to be refused',
    'HttpLocators/Pos/bare_minimal_http.ovf': 'a VirtualSystem without Info, as in the ones before',
    'HttpLocators_1_0/Pos/bare_minimal_http.ovf': 'a VirtualSystem without Info, as in the ones before',
}

# Descriptors that VMware's tool refuses for what is not in them. The samples may be a part of the suite.
ACCEPTED = {
    'AnnotationSection/Neg/ann_sec_elsewhr.ovf': 'products of OVF 0.9 put sections of a system into the envelope',
    'DigitalCertificates/Neg/valid_certificate.ovf': 'its certificate is wrong',
    'DiskSection/Neg/invalid_createType_disk.ovf': 'its image is wrong',
    'DiskSection/Neg/invalid_delta_reference_disk.ovf': 'its image is wrong',
    'DiskSection/Neg/not_in_order_disks.ovf': 'nothing asks for disks in the order of References',
    'DiskSection_1_0/Neg/invalid_createType_disk.ovf': 'its image is wrong',
    'DiskSection_1_0/Neg/invalid_delta_reference_disk.ovf': 'its image is wrong',
    'DiskSection_1_0/Neg/not_in_order_disks.ovf': 'nothing asks for disks in the order of References',
    'Envelope/Neg/gzip_compression.ovf': 'its file is not of the size that it says',
    'Envelope/Neg/identity_compression.ovf': 'the same but for a prefix is among those to be accepted',
    'Envelope/Neg/invalid_ref_size_neg.ovf': 'its image is wrong; a size of 0 is accepted elsewhere',
    'Envelope/Neg/invalid_ref_size_null.ovf': 'its image is wrong; a File may be without a size',
    'Envelope/Neg/invalid_vmdk.ovf': 'its image is wrong',
    'Envelope_1_0/Neg/invalid_no_version.ovf': 'its image is wrong; OVF 1 has no version attribute',
    'Envelope_1_0/Neg/invalid_ref_size_neg.ovf': 'its image is wrong; a size of 0 is accepted elsewhere',
    'Envelope_1_0/Neg/invalid_ref_size_null.ovf': 'its image is wrong; a File may be without a size',
    'Envelope_1_0/Neg/invalid_vmdk.ovf': 'its image is wrong',
    'HttpLocators/Neg/valid_no_disk.ovf': 'its image is not there',
    'HttpLocators/Neg/valid_no_disk_in_server.ovf': 'its image is not there',
    'HttpLocators_1_0/Neg/valid_no_disk_in_server.ovf': 'its image is not there',
    'Options/Neg/nvm001.ovf': 'refused for an option of the command line',
    'VirtualHardware/Neg/empty_system.ovf': 'the same but for a prefix is among those to be accepted',
}

# What real products' descriptors breach; all others there breach nothing.
BREACHES = {
    'cot/invalid.ovf': {'disk-file-unknown', 'item-host-resource'},
    'vcloud-ovf-dir/descriptor.ovf': {'system-id-duplicate'},
    'virt-v2v/test-i-ova-as-root.ovf': {'disk-format-missing'},
    'virt-v2v/test-i-ova-checksums.ovf': {'disk-format-missing'},
    'virtualbox/archlinux_box.ovf': {'disk-capacity'},  # a template: "DISK_CAPACITY"
    'vmware/ImportOvf2014__complete_vsc.ovf': {'element-unknown'},  # OVF 2's ScaleOutSection in OVF 1
    'vmware/ImportOvf2014__invalid.ovf': {'attribute-missing'},
    'vmware/ImportOvf2014__scaleout.ovf': {'element-unknown'},
    'vmware/ImportOvf2014__scaleoutVApp.ovf': {'element-unknown'},
    'vmware/fixtures__deployment-configs.ovf': {'element-missing', 'disk-format-missing'},
    'vmware/fixtures__disk-capacity-property.ovf': {'element-missing'},
    'vmware/fixtures__empty.ovf': {'element-missing', 'content-missing'},
    'vmware/fixtures__uber.ovf': {'disk-format-missing'},
    'vmware/jeos_corrupted.ovf': {'package-unreadable'},
    'vmware/ovf_negative_test__ovf_with_missing_ovf_content__haoUnOS2VMs.ovf': {'item-connection-unknown'},
    'cot/ersatz_ovf_3.0.ovf': {'package-unreadable'},  # a namespace that does not exist
    'proxmox/XEE.ovf': {'package-unreadable'},  # a DOCTYPE
    'xenserver/sample_app.ovf': {'element-misplaced'},  # a StartupSection outside of a collection
}
PRODUCTS = ('cot', 'proxmox', 'vcloud-ovf-dir', 'virt-v2v', 'virtualbox', 'vmware', 'vmware-9.1', 'vmware-sdk',
            'xenserver')


def folder(variable, name):
    path = pathlib.Path(os.environ.get(variable, tap.SOURCE / '../shared' / name))
    return path.resolve() if path.is_dir() else None


SAMPLES = folder('VMFERRY_OVF_SAMPLES', 'ovf-samples')
SCHEMAS = folder('VMFERRY_OVF_XSD', 'ovf-xsd')


def breaches(t, path, *words):
    """The rules that are breached (violations and failures)."""
    done = t.vmferry('verify', '--descriptor-only', '--output=json', *words, path, status=None)
    if done.returncode not in (0, 2, 3):
        if 'namespace' in done.stderr:
            return {'package-unreadable'}
        raise AssertionError(f'{path}: exit {done.returncode}: {done.stderr}')
    return {one['rule'] for one in json.loads(done.stdout)['findings']
            if one['severity'] in ('violation', 'failure') and not one['rule'].startswith('manifest-')}


def labelled(label):
    if not SAMPLES:
        return [('none', None)]
    suite = SAMPLES / 'ovftool-posneg'
    return [(str(path.relative_to(suite)), path) for path in sorted(suite.glob(f'*/{label}/*')) if path.is_file()]


def sample(path):
    if not path:
        raise tap.Skip('no samples of packages')
    return path


@tap.rows([(name, name, path) for name, path in labelled('Pos')])
def test_accepted(t, name, path):
    tap.equal(bool(breaches(t, sample(path))), name in REFUSED, 'breaches')


@tap.rows([(name, name, path) for name, path in labelled('Neg')])
def test_refused(t, name, path):
    tap.equal(not breaches(t, sample(path)), name in ACCEPTED, 'nothing is breached')


@tap.rows([(name, name) for name in PRODUCTS])
def test_real_products(t, name):
    found = {}
    for path in sorted((sample(SAMPLES) / name).rglob('*.[oO][vV][fF]')):
        rules = breaches(t, path)
        if rules:
            found[str(path.relative_to(SAMPLES))] = rules
    tap.equal(found, {key: value for key, value in BREACHES.items() if key.startswith(name + '/')})


@tap.rows([('1.1.1', '1.1.1-xo', 'dsp8023_1.1.1.xsd', 'cot/*.ovf'),
           ('1.1.1, VMware', '1.1.1-xo', 'dsp8023_1.1.1.xsd', 'vmware-9.1/*.ovf'),
           ('1.1.0', '1.1.0-vcd', 'ovf1.1/dsp8023_1.1.0.xsd', 'proxmox/Win*.ovf'),
           ('1.0.0', '1.0.0-openovf', 'ovf-envelope.xsd', 'virt-v2v/*.ovf'),
           ('2.0.1', '2.0.1-itchy', 'dsp8023_2.0.1.xsd', 'cot/ubuntu.2.0.ovf')])
def test_schema_as_xmllint_does(t, name, schema, pattern):
    sample(SAMPLES)
    if not SCHEMAS:
        raise tap.Skip('no schemas')
    found = 0
    for path in sorted(SAMPLES.glob(pattern)):
        namespace = 'envelope/2"' if 'dsp8023_2' in schema else 'envelope/1"'
        if namespace not in path.read_text(errors='replace'):
            continue
        catalog = {'XML_CATALOG_FILES': str(SCHEMAS / name / 'catalog.xml')}
        theirs = t.run(tap.tool('xmllint'), '--nonet', '--noout', '--schema', SCHEMAS / name / schema, path,
                       env=catalog, status=None)
        tap.equal('schema' in breaches(t, path, '--schema', SCHEMAS / name), theirs.returncode != 0, str(path))
        found += 1
    tap.equal(found > 0, True, 'samples')


def test_schema_that_the_descriptor_names_is_not_read(t):
    """The hint would make an element wrong that the schema leaves alone."""
    t.write('hint.xsd', b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x">'
                        b'<xs:element name="n" type="xs:integer"/></xs:schema>')
    t.write('hinted.ovf', b'''<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="urn:x hint.xsd">
<References><x:n xmlns:x="urn:x" ovf:required="false">x</x:n></References>
<VirtualSystem ovf:id="x"><Info/><VirtualHardwareSection><Info/></VirtualHardwareSection></VirtualSystem>
</Envelope>''')
    tap.equal(breaches(t, 'hinted.ovf', '--schema', sample(SCHEMAS) / '1.1.1-xo'), set())


def test_schema_folder_without_the_version(t):
    sample(SCHEMAS)
    t.vmferry('verify', '--descriptor-only', '--schema', SCHEMAS / '2.0.1-itchy', sample(SAMPLES) / 'cot/minimal.ovf',
              status=1)


tap.main(globals())
