# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The texts of a package in the languages that it has: message bundles in the descriptor and in files of their own."""
import gzip
import hashlib
import json
import os
import re
import tarfile

import tap

RASD = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData'
VSSD = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData'
ENVELOPE = '''<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="%s" xmlns:vssd="%s"%%s>
<References>%%s<File ovf:id="f1" ovf:href="disk.img"/></References>
<DiskSection><Info>d</Info><Disk ovf:diskId="d1" ovf:fileRef="f1" ovf:capacity="65536" ovf:format="raw"/></DiskSection>
<NetworkSection><Info>n</Info><Network ovf:name="lan"><Description ovf:msgid="net">a net</Description></Network></NetworkSection>
<DeploymentOptionSection><Info>o</Info><Configuration ovf:id="small"><Label ovf:msgid="small">Small</Label><Description ovf:msgid="less">less</Description></Configuration></DeploymentOptionSection>
<VirtualSystem ovf:id="vm"><Info>v</Info><Name>vm</Name>
<AnnotationSection><Info>a</Info><Annotation ovf:msgid="note">a note</Annotation></AnnotationSection>
<ProductSection><Info>p</Info><Product ovf:msgid="product">a product</Product><Vendor ovf:msgid="vendor">a vendor</Vendor>
<Category ovf:msgid="where">where</Category><Property ovf:key="ip" ovf:type="string" ovf:userConfigurable="true" ovf:value="1"><Label ovf:msgid="ip">address</Label><Description ovf:msgid="ip.more">its address</Description></Property></ProductSection>
<EulaSection><Info>e</Info><License ovf:msgid="eula">be good</License></EulaSection>
<VirtualHardwareSection ovf:transport="iso"><Info>h</Info><System><vssd:ElementName>e</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
<Item><rasd:ElementName>c</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
<Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ElementName>m</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>64</rasd:VirtualQuantity></Item>
<Item><rasd:ElementName>s</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>d</rasd:ElementName><rasd:HostResource>ovf:/disk/d1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
</VirtualHardwareSection></VirtualSystem>
%%s
</Envelope>
''' % (RASD, VSSD)
PLAIN = {name: None for name in ('LC_ALL', 'LC_MESSAGES', 'LANG', 'LANGUAGE')}


def messages(language, **texts):
    lang = f' xml:lang="{language}"' if language else ''
    return '<Strings%s>%s</Strings>' % (lang, ''.join(f'<Msg ovf:msgid="{key}">{text}</Msg>' for key, text in texts.items()))


def put(t, *bundles, root='', references='', files=()):
    t.write('disk.img', os.urandom(65536))
    t.write('vm.ovf', (ENVELOPE % (root, references, '\n'.join(bundles))).encode())
    for name, data in dict(files).items():
        t.write(name, data if isinstance(data, bytes) else data.encode())
    return 'vm.ovf'


def environment(**locale):
    return {**{name: '' for name in PLAIN}, **locale}


def info(t, *words, path='vm.ovf', **locale):
    return json.loads(t.vmferry('info', '--output=json', *words, path, env=environment(**locale)).stdout)


def note(found):
    return found['systems'][0]['annotation']


# ---- which language ----

@tap.rows([('the same', 'de_CH.UTF-8', 'de-CH'), ('less of it', 'de_AT.UTF-8', 'de'), ('the language alone', 'de', 'de'), ('a tag', 'de-ch', 'de-CH'),
           ('a modifier', 'de_DE@euro', 'de'), ('another region', 'fr_CA.UTF-8', 'fr-FR'), ('another region of it alone', 'fr', 'fr-FR'), ('the package\'s own', 'en_US.UTF-8', None),
           ('its own language', 'en_GB.UTF-8', None), ('none that is there', 'it_IT.UTF-8', None), ('no locale', 'C', None), ('another none', 'C.UTF-8', None), ('POSIX', 'POSIX', None),
           ('chinese of another script', 'zh_TW.UTF-8', None), ('chinese', 'zh_CN.UTF-8', 'zh-CN'), ('a script', 'sr-Latn-RS', 'sr-Latn'), ('a part of a word', 'd', None),
           ('an extension', 'de-CH-x-mine', 'de-CH'), ('nonsense', '-_-', None), ('a long one', 'x' * 500, None)])
def test_the_locale_chooses(t, locale, language):
    put(t, *[messages(tag, note=f'in {tag}') for tag in ('de', 'DE-ch', 'fr-FR', 'zh-CN', 'sr-Latn')])
    found = info(t, LC_ALL=locale)
    tap.equal((note(found).lower(), (found.get('language') or '').lower()), (f'in {language}'.lower() if language else 'a note', (language or '').lower()))
    tap.equal(note(info(t, f'--language={locale}', LC_ALL='fr_FR')).lower(), f'in {language}'.lower() if language else 'a note')


@tap.rows([('LC_ALL goes first', {'LC_ALL': 'de', 'LC_MESSAGES': 'fr', 'LANG': 'it'}, 'de'), ('then LC_MESSAGES', {'LC_MESSAGES': 'fr', 'LANG': 'it'}, 'fr'),
           ('then LANG', {'LANG': 'it'}, 'it'), ('a list', {'LANG': 'en_US.UTF-8', 'LANGUAGE': 'pt:fr:de'}, 'fr'), ('no list without a locale', {'LANG': 'C', 'LANGUAGE': 'fr'}, None),
           ('a list with its own language', {'LANG': 'de', 'LANGUAGE': 'en_GB:fr'}, None), ('none', {}, None)])
def test_the_environment_is_looked_at_as_gettext_does(t, locale, language):
    put(t, *[messages(tag, note=f'in {tag}') for tag in ('de', 'fr', 'it')])
    tap.equal(note(info(t, **locale)), f'in {language}' if language else 'a note')


@tap.rows([('without a language', '', messages(None, note='own'), 'own'), ('by its default', '', messages('en-US', note='own'), 'own'), ('by less of that', '', messages('en', note='own'), 'own'),
           ('by what the envelope says', ' xml:lang="da"', messages('da', note='own'), 'own'), ('of another language', ' xml:lang="da"', messages('en-US', note='other'), 'a note')])
def test_a_bundle_in_the_own_language_goes_before_the_text_in_place(t, root, bundle, said):
    put(t, bundle, messages('de', ip='Adresse'), root=root)
    tap.equal(note(info(t)), said)
    tap.equal(note(info(t, '--language=de')), said, 'what the German one has not')


def test_every_text_is_in_the_language(t):
    texts = {key: f'[{key}]' for key in ('net', 'small', 'less', 'note', 'product', 'vendor', 'where', 'ip', 'ip.more', 'eula')}
    put(t, messages('de', **texts))
    found = info(t, '--language=de')
    system = found['systems'][0]
    tap.equal((found['networks'][0]['description'], found['deployment-options'][0]['label'], found['deployment-options'][0]['description'], system['annotation'],
               system['products'][0]['name'], system['products'][0]['vendor'], system['properties'][0]['category'], system['properties'][0]['label'],
               system['properties'][0]['description'], system['eulas']), tuple(texts[key] for key in list(texts)[:-1]) + ([texts['eula']],))
    shown = t.vmferry('info', 'vm.ovf', env=environment(LANG='de_DE.UTF-8')).stdout
    for key in ('net', 'small', 'note', 'product', 'ip', 'eula'):
        tap.contains(shown, texts[key])


# ---- installing ----

def test_licences_and_the_machine_are_in_the_language(t):
    put(t, messages('de', eula='sei gut', note='ein Text'))
    for target, locale, licence, text, name in (('a.vmx', 'de_AT.UTF-8', 'sei gut', 'ein Text', 'de_AT'), ('b.vmx', 'C', 'be good', 'a note', None)):
        run = t.vmferry('convert', '--deployment=small', 'vm.ovf', target, env=environment(LC_ALL=locale), status=None)
        tap.contains(run.stderr, licence)
        t.vmferry('convert', '--deployment=small', '--accept-eula', '--losses=l', 'vm.ovf', target, env=environment(LC_ALL=locale))
        tap.contains(t.read(target).decode(), f'annotation = "{text}"')
        told = re.findall(rb'<Locale>(.*)</Locale>', t.read(target[0] + '-ovf-env.iso'))
        tap.equal(told, [name.encode()] if name else [])


@tap.rows([('as it is', []), ('for a platform', ['--for=virtualbox']), ('in another container', ['--losses=l', '--strict'])])
def test_a_package_keeps_all_languages(t, words):
    bundles = [messages('de', note='ein Text'), '<Strings xml:lang="da" ovf:fileRef="m"/>']
    put(t, *bundles, references='<File ovf:id="m" ovf:href="da.msg"/>', files={'da.msg': FILE % '<x:Msg ovf:msgid="note">en note</x:Msg>'})
    t.vmferry('convert', *words, 'vm.ovf', 'out.ova', env=environment(LANG='de_DE.UTF-8'))
    with tarfile.open(t.path('out.ova')) as tar:
        text = tar.extractfile('out.ovf').read().decode()
        for part in (bundles[0], bundles[1], '<Annotation ovf:msgid="note">a note</Annotation>'):
            tap.contains(text, part)
        tap.equal(tar.extractfile('da.msg').read(), t.read('da.msg'))
    tap.equal(note(info(t, '--language=da', path='out.ova')), 'en note')


def test_an_edit_is_what_everyone_reads_and_leaves_the_rest(t):
    put(t, messages(None, note='own', ip='o'), messages('de', note='ein Text', ip='Adresse'))
    t.vmferry('edit', '--annotation=mine', 'vm.ovf', env=environment(LANG='de_DE.UTF-8'))
    found = info(t, '--language=de')
    tap.equal((note(found), found['systems'][0]['properties'][0]['label']), ('mine', 'Adresse'))


# ---- files of their own ----

FILE = '<?xml version="1.0"?>\n<x:Strings xmlns:x="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">%s</x:Strings>'
IN_FILE = '<x:Msg ovf:msgid="note">aus &lt;der&gt; Datei</x:Msg>'
EXTERNAL = {'references': '<File ovf:id="m" ovf:href="texts/de.msg"/>'}


@tap.rows([('a file', lambda: (FILE % IN_FILE).encode(), ''), ('one that is packed', lambda: gzip.compress((FILE % IN_FILE).encode()), ' ovf:compression="gzip"'),
           ('one in UTF-16', lambda: (FILE % IN_FILE).replace('?>', ' encoding="UTF-16"?>').encode('utf-16'), '')])
def test_a_bundle_is_a_file_of_the_package(t, data, more):
    os.mkdir(t.path('texts'))
    put(t, '<Strings xml:lang="de" ovf:fileRef="m"><Msg ovf:msgid="note">im Text</Msg><Msg ovf:msgid="ip">Adresse</Msg></Strings>',
        references=EXTERNAL['references'].replace('/>', more + '/>'), files={'texts/de.msg': data()})
    with tarfile.open(t.path('vm.ova'), 'w', format=tarfile.USTAR_FORMAT) as tar:
        for name in ('vm.ovf', 'texts/de.msg', 'disk.img'):
            tar.add(t.path(name), name)
    for path in ('vm.ovf', 'vm.ova'):
        found = info(t, '--language=de', path=path)
        tap.equal((note(found), found['systems'][0]['properties'][0]['label']), ('aus <der> Datei', 'Adresse'), path)
        tap.equal(note(info(t, path=path)), 'a note')


@tap.rows([('is missing', None, 'is missing'), ('is no XML', b'no XML', 'de.msg'), ('is cut', (FILE % IN_FILE)[:-4].encode(), ''),
           ('has another root', b'<Envelope/>', 'its root is not <Strings>'), ('has a DOCTYPE', b'<!DOCTYPE Strings [<!ENTITY a "b">]><Strings/>', 'DOCTYPE'),
           ('is too large', b' ' * (4 << 20) + b'<Strings/>', 'accepted are 4194304'), ('is a bomb', gzip.compress(bytes(64 << 20)), ''), ('is empty', b'', '')])
def test_a_file_of_texts_that_is_of_no_use_is_told(t, data, why):
    os.mkdir(t.path('texts'))
    packed = data and data[:2] == b'\x1f\x8b'
    put(t, '<Strings xml:lang="de" ovf:fileRef="m"/>', messages('fr', note='un texte'), references=EXTERNAL['references'].replace('/>', ' ovf:compression="gzip"/>' if packed else '/>'),
        files={'texts/de.msg': data} if data is not None else {})
    run = t.vmferry('info', '--output=json', '--language=de', 'vm.ovf')
    tap.equal(note(json.loads(run.stdout)), 'a note')
    tap.contains(run.stderr, 'its texts in the file "texts/de.msg" are not used, and those in the descriptor are: ')
    tap.contains(run.stderr, why)
    tap.equal(t.vmferry('info', '--output=json', '--language=fr', 'vm.ovf').stderr, '', 'nobody wants it')
    if not packed:
        t.vmferry('convert', 'vm.ovf', 'out.vmx', '--losses=l', '--quiet', '--language=de', status=0)


def test_a_file_is_told_once(t):
    put(t, '<Strings xml:lang="en-US" ovf:fileRef="m"/>', references='<File ovf:id="m" ovf:href="en.msg"/>')
    for language in ('en-US', 'en', ''):
        run = t.vmferry('info', '--output=json', f'--language={language}', 'vm.ovf')
        tap.equal((run.stderr.count('en.msg" are not used'), json.loads(run.stdout).get('language')), (1, None), language)


@tap.rows([('that it has not', '', 'References has no such file'), ('of a network', '<File ovf:id="m" ovf:href="http://example.com/de.msg"/>', 'nothing is fetched'),
           ('of the host', '<File ovf:id="m" ovf:href="/etc/passwd"/>', '/etc/passwd'), ('beside it', '<File ovf:id="m" ovf:href="../de.msg"/>', 'de.msg')])
def test_a_file_is_not_opened(t, reference, why):
    put(t, '<Strings xml:lang="de" ovf:fileRef="m"/>', references=reference)
    run = t.vmferry('info', '--output=json', '--language=de', 'vm.ovf')
    tap.equal(note(json.loads(run.stdout)), 'a note')
    tap.contains(run.stderr, why)


def test_a_licence_is_a_plain_file(t):
    """OVF 2 lets a message say the file with its text."""
    put(t, '<Strings xml:lang="de"><Msg ovf:msgid="eula" ovf:fileRef="m"/></Strings>', references='<File ovf:id="m" ovf:href="eula.txt"/>', files={'eula.txt': 'Zeile 1\nä & <b>\n'})
    tap.equal(info(t, '--language=de')['systems'][0]['eulas'], ['Zeile 1\nä & <b>\n'])
    t.write('eula.txt', b'\xff\xfe')
    run = t.vmferry('info', '--output=json', '--language=de', 'vm.ovf')
    tap.equal(json.loads(run.stdout)['systems'][0]['eulas'], ['be good'])
    tap.contains(run.stderr, 'is no text in UTF-8')


def test_what_is_used_is_what_the_manifest_says(t):
    put(t, '<Strings xml:lang="de" ovf:fileRef="m"/>', references='<File ovf:id="m" ovf:href="de.msg"/>', files={'de.msg': FILE % IN_FILE})
    t.write('vm.mf', ''.join(f'SHA256({name})= {hashlib.sha256(t.read(name)).hexdigest()}\n' for name in ('vm.ovf', 'de.msg', 'disk.img')).encode())
    t.vmferry('convert', 'vm.ovf', 'a.vmx', '--language=de')
    t.write('de.msg', (FILE % IN_FILE.replace('Datei', 'Hand')).encode())
    run = t.vmferry('convert', 'vm.ovf', 'b.vmx', '--language=de', status=None)
    tap.contains(run.stderr, 'de.msg')
    tap.contains(run.stderr, 'manifest-digest-wrong')
    tap.equal(os.path.exists(t.path('b.vmx')), False)
    t.vmferry('convert', 'vm.ovf', 'b.vmx')  # which does not read it
    t.vmferry('convert', 'vm.ovf', 'c.vmx', '--language=de', '--no-verify')
    tap.contains(t.read('c.vmx').decode(), 'Hand')


def test_a_packed_file_is_vouched_for_as_it_is_stored(t):
    put(t, '<Strings xml:lang="de" ovf:fileRef="m"/>', references='<File ovf:id="m" ovf:href="de.msg.gz" ovf:compression="gzip"/>', files={'de.msg.gz': gzip.compress((FILE % IN_FILE).encode())})
    t.write('vm.mf', ''.join(f'SHA256({name})= {hashlib.sha256(t.read(name)).hexdigest()}\n' for name in ('vm.ovf', 'disk.img')).encode())
    tap.contains(t.vmferry('convert', 'vm.ovf', 'a.vmx', '--language=de', status=None).stderr, 'manifest-file-unlisted')
    t.write('vm.mf', t.read('vm.mf') + f'SHA256(de.msg.gz)= {hashlib.sha256(t.read("de.msg.gz")).hexdigest()}\n'.encode())
    t.vmferry('convert', 'vm.ovf', 'a.vmx', '--language=de')
    tap.contains(t.read('a.vmx').decode(), 'aus <der> Datei')


# ---- hostile ----

def test_a_message_that_is_named_everywhere_has_an_end(t):
    long = messages('de', note='x' * (1 << 20))
    many = ''.join(f'<Network ovf:name="n{i}"><Description ovf:msgid="note"/></Network>' for i in range(100))
    put(t, long)
    t.write('vm.ovf', t.read('vm.ovf').replace(b'<Network ovf:name="lan">', many.encode() + b'<Network ovf:name="lan">'))
    tap.contains(t.vmferry('info', '--language=de', 'vm.ovf', status=None).stderr, 'more than 64 MiB together')


def test_many_bundles_and_many_files_have_an_end(t):
    put(t, *['<Strings xml:lang="de" ovf:fileRef="m"/>'] * 3000, messages('de', note='ein Text'), references='<File ovf:id="m" ovf:href="de.msg"/>', files={'de.msg': FILE % '<x:Msg ovf:msgid="ip">i</x:Msg>'})
    found = info(t, '--language=de')
    tap.equal((note(found), found['systems'][0]['properties'][0]['label']), ('ein Text', 'i'))


def test_a_hostile_text_moves_no_cursor(t):
    put(t, messages('de', note='&#x9b;31m', eula='a\u202eb&#x85;'))
    for words in (['info', '--language=de', 'vm.ovf'], ['convert', '--deployment=small', '--language=de', 'vm.ovf', 'out.vmx']):
        run = t.vmferry(*words, status=None)
        tap.equal([c for c in run.stdout + run.stderr if c in '\x9b\x1b\u202e\x85'], [])


if __name__ == '__main__':
    tap.main(globals())
