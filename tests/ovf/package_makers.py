# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Good packages of every kind for the tests of conversions, and a conversion whose result is read without us."""
import os
import random
import subprocess

import hostile_packages as packages
import make_qcow2 as qcow2  # of test-images, which hostile_packages put in the path
import make_vhd as vhd
import make_vmdk as vmdk
from hostile_packages import STREAM_URI, descriptor, disk_element, file_element, place
from make_content import LARGE
from package_reader import Package

FIXED = {'SOURCE_DATE_EPOCH': '1700000000'}
URIS = {'stream': STREAM_URI, 'sparse': STREAM_URI.replace('streamOptimized', 'monolithicSparse'),
        'vhd': 'http://www.microsoft.com/technet/virtualserver/downloads/vhdspec.mspx',
        'qcow2': 'http://www.gnome.org/~markmc/qcow-image-format.html', 'raw': 'raw'}
SUFFIXES = {'stream': 'vmdk', 'sparse': 'vmdk', 'vhd': 'vhd', 'qcow2': 'qcow2', 'raw': 'img'}
UUID = b'vmferry-packages'
RAW = LARGE[:510] + b'\x55\xaa' + LARGE[512:]  # a boot sector tells that it is a disk


def image(form, content, name):
    return {'stream': lambda: vmdk.stream(content, name), 'sparse': lambda: vmdk.sparse(content, name),
            'vhd': lambda: vhd.dynamic(content, UUID), 'qcow2': lambda: qcow2.plain(content, 3),
            'raw': lambda: content}[form]()


def noise(length, seed=1):
    return random.Random(seed).randbytes(length)


def package_of(*forms, contents=None, **words):
    """[(name, bytes)...] of a package with one disk of each form: vmdisk1, vmdisk2, ..."""
    contents = contents or [RAW] * len(forms)
    names = [f'disk{number}.{SUFFIXES[form]}' for number, form in enumerate(forms, 1)]
    data = [image(form, content, name) for form, content, name in zip(forms, contents, names)]
    text = descriptor(
        [file_element(name, f'file{number}', len(one)) for number, (name, one) in enumerate(zip(names, data), 1)],
        [disk_element(f'vmdisk{number}', f'file{number}', len(content), uri=URIS[form])
         for number, (form, content) in enumerate(zip(forms, contents), 1)], **words)
    return [('vm.ovf', text), *zip(names, data)]


def put(t, files, kind='ova', name='in', mf=True):
    """Writes a package as `kind`; returns the path to name it by."""
    files = packages.signed_off(files) if mf else files
    if kind == 'ova':
        return t.write(name + '.ova', packages.ova(*files))
    os.makedirs(t.path(name), exist_ok=True)
    place(t.path(name), dict(files))
    return t.path(name) if kind == 'folder' else t.path(f'{name}/{files[0][0]}')


TARGETS = {'ova': 'out.ova', 'ovf': 'out/vm.ovf', 'folder': 'out/', 'pipe': '-'}


def convert(t, source, kind, *words, **options):
    """Runs a conversion into `kind`; the package that came out, checked. words: of the command line."""
    target = TARGETS[kind]
    if kind == 'pipe':
        with subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=open(t.path('out.ova'), 'wb')) as cat:
            t.vmferry('convert', *words, source, '-', stdout=cat.stdin, **options)
            cat.stdin.close()
        target = 'out.ova'
    else:
        if kind == 'ovf':
            os.makedirs(t.path('out'), exist_ok=True)
        t.vmferry('convert', *words, source, target, **options)
    return Package(t.path(target)).check()


RICH = '''<?xml version='1.0' encoding='UTF-8' standalone="yes"?>
<!-- a comment before the root: <File ovf:href="not me"/> -->
<?vendor instruction?>
<e:Envelope xmlns:e="http://schemas.dmtf.org/ovf/envelope/1"
   xmlns:ovf='http://schemas.dmtf.org/ovf/envelope/1'   xmlns:rasd="{cim}CIM_ResourceAllocationSettingData"
   xmlns:vssd="{cim}CIM_VirtualSystemSettingData"
   xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:acme="urn:acme:1" acme:mark='&quot;x&#x41;&#10;"' xml:lang="de">
  <e:References>
    <!-- messages first --><e:File ovf:id='msg'   ovf:href="de/messages&#46;xml" ovf:size="{msg}" />
\t<e:File ovf:href="disk1.vmdk"
           ovf:id="file1" acme:tag="kept" ovf:size='{size}'></e:File>
    <e:File ovf:id="iso" ovf:href="tools%20cd.iso" ovf:size="{iso}"/>
  </e:References>
  <e:DiskSection acme:odd="1"><e:Info>Disks &amp; more, &lt;tags&gt;, \u00e4\u00f6\u00fc \u4f60\u597d</e:Info>
    <e:Disk ovf:fileRef="file1" ovf:format="{uri}" ovf:diskId="vmdisk1" acme:tag="kept" ovf:capacity="{capacity}"/>
  </e:DiskSection>
  <e:NetworkSection><e:Info ovf:msgid="net">n</e:Info><e:Network ovf:name="VM Network"/></e:NetworkSection>
  <acme:Section ovf:required="false"><e:Info/><acme:Blob><![CDATA[ <File> & ]]> </acme:Blob>
     <acme:File ovf:href="disk1.vmdk" ovf:id="file1" ovf:size="1"/></acme:Section>
  <e:VirtualSystem ovf:id="vm">
    <e:Info>A machine</e:Info>
    <e:VirtualHardwareSection><e:Info>h</e:Info>
      <e:System><vssd:ElementName>F</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>\
<vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></e:System>
      <e:Item><rasd:ElementName>c</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID>\
<rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></e:Item>
      <e:Item><rasd:ElementName>s</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID>\
<rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></e:Item>
      <e:Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>d</rasd:ElementName>\
<rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>9</rasd:InstanceID>\
<rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></e:Item>
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
    </e:VirtualHardwareSection>
  </e:VirtualSystem>
  <e:Strings xml:lang="de" ovf:fileRef="msg"/>
  <e:Strings xml:lang="fr"><e:Msg ovf:msgid="net">r\u00e9seau</e:Msg></e:Strings>
</e:Envelope>
<!-- behind the root -->
'''
ISO, MESSAGES = noise(70001, 7), b'<?xml version="1.0"?><Strings/>\r\n'


def rich(disk, line_end='\n', mark=b'', uri=STREAM_URI, size=None):
    text = RICH.format(cim=packages.CIM, msg=len(MESSAGES), size=len(disk) if size is None else size, iso=len(ISO), uri=uri,
                       capacity=len(RAW))
    return [('vm.ovf', mark + text.replace('\n', line_end).encode()), ('de/messages.xml', MESSAGES), ('disk1.vmdk', disk),
            ('tools cd.iso', ISO)]
