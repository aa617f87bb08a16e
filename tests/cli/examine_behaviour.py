# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""`info`, `map` and `check`: their text, their JSON keys, their exit statuses."""
import html
import json
import struct
import unicodedata
import xml.etree.ElementTree

import tap

V3 = tap.IMAGES / 'good-qcow2-v3.qcow2'
OVERLAY = tap.IMAGES / 'good-qcow2-overlay.qcow2'
SNAPSHOT = tap.IMAGES / 'good-qcow2-snapshot.qcow2'


def answer(t, *words, **options):
    return json.loads(t.vmferry(*words, **options).stdout)


def test_info_json(t):
    info = answer(t, 'info', '--output=json', V3)
    tap.equal({key: info[key] for key in ('filename', 'format', 'virtual-size', 'cluster-size')},
              {'filename': str(V3), 'format': 'qcow2', 'virtual-size': 2100736, 'cluster-size': 4096})
    tap.equal(isinstance(info['actual-size'], int), True, 'actual-size')
    tap.equal(info['format-specific']['type'], 'qcow2')
    data = info['format-specific']['data']
    tap.equal((data['compat'], data['refcount-bits'], data['corrupt']), ('1.1', 16, False))


@tap.rows([(name, name) for name in ('good-qcow2-v2.qcow2', 'good-qcow2-v3.qcow2', 'good-qcow2-zlib.qcow2',
                                     'good-qcow2-overlay.qcow2', 'good-qcow2-snapshot.qcow2', 'good-vmdk-sparse.vmdk',
                                     'good-vmdk-stream.vmdk', 'good-vmdk-delta.vmdk', 'good-vhd-dynamic.vhd',
                                     'good-raw.img')])
def test_info_has_what_qemu_img_has(t, name):
    theirs = json.loads(t.run(tap.tool('qemu-img'), 'info', '--output=json', tap.IMAGES / name).stdout)
    ours = answer(t, 'info', '--output=json', tap.IMAGES / name)
    for key in ('virtual-size', 'cluster-size', 'backing-filename', 'backing-filename-format'):
        if key in theirs:
            tap.equal(ours.get(key), theirs[key], key)
    tap.equal([key for key in ours if key in theirs], [key for key in theirs if key in ours], 'order of the keys')
    data = ours.get('format-specific', {}).get('data', {})
    for key, value in theirs.get('format-specific', {}).get('data', {}).items():
        if not isinstance(value, list):
            tap.equal(data.get(key), value, key)
    for mine, other in zip(ours.get('snapshots', []), theirs.get('snapshots', [])):
        for key in ('id', 'name', 'vm-state-size', 'date-sec'):
            tap.equal(mine[key], other[key], key)


@tap.rows([(verb, verb) for verb in ('info', 'map', 'check')])
def test_several_images(t, verb):
    """A head each for people, a list in JSON; what is wrong with one does not keep the others back."""
    whole = t.vmferry(verb, V3, 'missing', SNAPSHOT, status=1)
    tap.equal(whole.stdout, '\n'.join(f'==> {name} <==\n' + t.vmferry(verb, name, status=None).stdout
                                      for name in (V3, 'missing', SNAPSHOT)))
    tap.contains(whole.stderr, 'missing')
    tap.equal(json.loads(t.vmferry(verb, '--output=json', V3, 'missing', SNAPSHOT, status=1).stdout),
              [answer(t, verb, '--output=json', name) for name in (V3, SNAPSHOT)])
    tap.equal(t.vmferry(verb, '--output=json', 'missing', 'gone', status=1).stdout, '[]\n')


def test_the_worst_status_of_several_checks(t):
    bad, raw = tap.IMAGES / 'bad-vmdk-stream-lba.vmdk', t.write('a.raw', bytes(512))
    for names in ((V3, raw), (raw, V3)):
        t.vmferry('check', *names, status=63)
    t.vmferry('check', raw, bad, V3, 'missing', status=2)


def test_info_human(t):
    text = t.vmferry('info', SNAPSHOT).stdout
    for line in (f'image: {SNAPSHOT}\n', 'file format: qcow2\n', 'virtual size: 2 MiB (2100736 bytes)\n',
                 'cluster_size: 4096\n', 'Snapshot list:\n', 'Format specific information:\n', '    compat: 1.1\n'):
        tap.contains(text, line)


def test_info_backing_chain(t):
    chain = answer(t, 'info', '--output=json', '--backing-chain', OVERLAY)
    tap.equal([link['format'] for link in chain], ['qcow2', 'qcow2'])
    tap.equal(answer(t, 'info', '--output=json', OVERLAY)['backing-filename'], V3.name)
    tap.equal(t.vmferry('info', '--backing-chain', OVERLAY).stdout.count('\nfile format: qcow2'), 2)


def test_info_of_an_orphan(t):
    t.write('orphan.qcow2', OVERLAY.read_bytes())
    tap.equal(answer(t, 'info', '--output=json', 'orphan.qcow2')['backing-filename'], V3.name)
    t.vmferry('info', '--backing-chain', 'orphan.qcow2', status=None)
    t.vmferry('map', 'orphan.qcow2', status=2)


def test_json_escapes(t):
    name = 'a"\\\n\u00e4\U0001f4be.raw'
    t.write(name, bytes(512))
    tap.equal(answer(t, 'info', '--output=json', name)['filename'], name)
    info = answer(t, 'info', '--output=json', '--format=raw', t.write('b\udcff.raw', bytes(512)))
    tap.contains(info['filename'], 'b\ufffd.raw')


def test_json_escapes_what_cannot_be_seen(t):
    """The text comes back, and nothing in the output steers the terminal or another reader."""
    text = ''.join(c for c in map(chr, (*range(0x20, 0xd800), *range(0xe000, 0xfffe), *range(0x10000, 0x110000)))
                   if unicodedata.category(c) != 'Cn')
    t.write('x.ovf', ('<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"><References/><VirtualSystem id="x"><Info/>'
                      f'<AnnotationSection><Info/><Annotation>{html.escape(text)}</Annotation></AnnotationSection>'
                      '</VirtualSystem></Envelope>').encode())
    done = t.vmferry('info', '--output=json', 'x.ovf')
    tap.equal(json.loads(done.stdout)['systems'][0]['annotation'], text.strip(' '), 'the text')
    hidden = {c for c in done.stdout if unicodedata.category(c) in ('Cc', 'Cf', 'Zl', 'Zp')}
    tap.equal(hidden, {'\n'}, 'what is printed as it is')
    shown = {c for c in text if unicodedata.category(c)[0] in 'LMNPS' or c in '\u00a0\u3000\ue000'}
    tap.equal(shown - set(done.stdout), set(), 'what is not')


def plain(extents):
    """What two programs must agree on, extents of equal kind merged."""
    out = []
    for extent in extents:
        kind = (extent['zero'], extent['data'], extent.get('offset') is not None)
        base = extent['offset'] - extent['start'] if kind[2] else None
        if out and out[-1][2:] == (kind, base):
            out[-1] = (out[-1][0], out[-1][1] + extent['length'], kind, base)
        else:
            out.append((extent['start'], extent['length'], kind, base))
    return out


@tap.rows([(name, name) for name in ('good-qcow2-v2.qcow2', 'good-qcow2-v3.qcow2', 'good-qcow2-zlib.qcow2',
                                     'good-qcow2-overlay.qcow2', 'good-vmdk-sparse.vmdk', 'good-vmdk-stream.vmdk',
                                     'good-vmdk-delta.vmdk', 'good-vhd-dynamic.vhd')])
def test_map_agrees_with_qemu_img(t, name):
    theirs = t.run(tap.tool('qemu-img'), 'map', '--output=json', tap.IMAGES / name).stdout
    ours = t.vmferry('map', '--output=json', tap.IMAGES / name).stdout
    tap.equal(plain(json.loads(ours)), plain(json.loads(theirs)), 'extents')


def test_map_json_is_one_object_a_line(t):
    lines = t.vmferry('map', '--output=json', V3).stdout.splitlines()
    for line in lines:
        extent = json.loads(line.strip('[],'))
        tap.equal(list(extent)[:6], ['start', 'length', 'depth', 'present', 'zero', 'data'], 'keys')
    tap.equal(lines[0][0] + lines[-1][-1], '[]', 'brackets')


@tap.rows([('its beginning', 0), ('its end', -1)])
def test_json_is_whole_where_a_disk_is_damaged(t, number):
    """A table of the second level that is not there."""
    t.write('a.raw', b'a' * 4096 + bytes(8 << 20) + b'b' * 4096)
    t.vmferry('convert', '-O', 'qcow2', '-o', 'cluster_size=512', 'a.raw', 'a.qcow2')
    disk = bytearray(t.read('a.qcow2'))
    count, table = struct.unpack_from('>IQ', disk, 36)
    used = [at for at in range(table, table + 8 * count, 8) if any(disk[at:at + 8])]
    struct.pack_into('>Q', disk, used[number], 1 << 63 | 1 << 40)
    t.write('bad.qcow2', bytes(disk))
    whole, broken = answer(t, 'map', '--output=json', 'a.qcow2', 'bad.qcow2', status=2)
    tap.equal(whole, answer(t, 'map', '--output=json', 'a.qcow2'), 'the other one')
    tap.equal((list(broken[-1]), ['error' in told for told in broken[:-1]].count(True)), (['error'], 0), 'the last object')
    changes = answer(t, 'diff', '--output=json', 'bad.qcow2', 'a.qcow2', status=2)
    tap.equal(('error' in changes, 'data-bytes' in changes), (True, False), 'the changes')


def test_map_says_what_is_compressed(t):
    tap.contains(t.vmferry('map', '--output=json', tap.IMAGES / 'good-qcow2-zlib.qcow2').stdout, '"compressed": true')


def test_map_human(t):
    text = t.vmferry('map', V3).stdout
    tap.equal(text.splitlines()[0], 'Offset          Length          Mapped to       File')
    tap.equal(text.splitlines()[1].split(), ['0', '0x1000', '0x3000', str(V3)])
    tap.contains(t.vmferry('map', tap.IMAGES / 'good-qcow2-zlib.qcow2').stdout, 'compressed')


def test_map_window(t):
    whole = answer(t, 'map', '--output=json', V3)
    tap.equal(sum(extent['length'] for extent in whole), 2100736, 'length')
    part = answer(t, 'map', '--output=json', '-s', '64k', '--max-length=4k', V3)
    tap.equal((part[0]['start'], sum(extent['length'] for extent in part)), (65536, 4096))
    tap.equal(answer(t, 'map', '--output=json', '--start-offset=1G', V3), [])


SVG = '{http://www.w3.org/2000/svg}'


def squares(t, *arguments):
    """Of each kind, how many squares the picture has; the legend's are none."""
    root = xml.etree.ElementTree.fromstring(t.vmferry('map', *arguments, '--picture', '-').stdout)
    kinds = [rect.get('class') for rect in root.iter(SVG + 'rect') if rect.find(SVG + 'title') is not None]
    return {kind: kinds.count(kind) for kind in kinds}


def test_map_draws_what_is_stored_for_each_stretch(t):
    with open(t.path('a.raw'), 'wb') as disk:
        disk.truncate(8 << 20)
        disk.write(b'x' * (3 << 20))
    t.run(tap.tool('qemu-img'), 'create', '-q', '-f', 'qcow2', '-b', 'a.raw', '-F', 'raw', 'over.qcow2')
    t.run(tap.tool('qemu-io'), '-f', 'qcow2', '-c', 'write 0 1M', 'over.qcow2')
    t.vmferry('convert', '-c', '-O', 'qcow2', 'a.raw', 'packed.qcow2')
    tap.equal(squares(t, 'a.raw'), {'d': 768, 'z': 1280}, 'raw, 4 KiB a square')
    tap.equal(squares(t, 'over.qcow2'), {'d': 256, 'p': 512, 'z': 1280}, 'overlay')
    tap.equal(squares(t, 'packed.qcow2'), {'c': 768, 'n': 1280}, 'packed')
    tap.equal(squares(t, '-s', '2M', '-l', '2M', 'a.raw'), {'d': 1024, 'z': 1024}, 'a window, 1 KiB a square')


def test_a_picture_shows_a_little_in_much(t):
    with open(t.path('a.raw'), 'wb') as disk:
        disk.truncate(1 << 40)
        disk.write(b'x' * 4096)
    tap.equal(squares(t, 'a.raw'), {'d': 1, 'z': 2047}, 'kinds')


def test_a_hostile_name_stays_text_in_a_picture(t):
    name = '<script>&"\x1b[2J.raw'
    t.write(name, bytes(4096))
    root = xml.etree.ElementTree.fromstring(t.vmferry('map', '--picture', '-', name).stdout)
    tap.equal(next(text.text for text in root.iter(SVG + 'text')), '<script>&"\\x1b[2J.raw', 'title')


def test_a_picture_replaces_a_picture_only(t):
    t.write('a.raw', bytes(4096))
    t.write('disk.svg', b'a disk')
    tap.contains(t.vmferry('map', '--picture', 'disk.svg', 'a.raw', status=1).stderr, 'is no such picture')
    tap.equal(t.read('disk.svg'), b'a disk', 'content')
    for _ in range(2):
        t.vmferry('map', '--picture', 'a.svg', 'a.raw')
    tap.equal(t.names(), ['a.raw', 'a.svg', 'disk.svg'], 'files')
    t.vmferry('map', '--picture', 'b.svg', 'a.raw', 'a.raw', status=1)
    t.vmferry('map', '--picture', 'none/b.svg', 'a.raw', status=1)
    t.vmferry('map', '--picture', '/dev/full', 'a.raw', status=4)


def test_map_names_the_parent(t):
    depths = {extent['depth'] for extent in answer(t, 'map', '--output=json', OVERLAY) if extent['data']}
    tap.equal(depths, {0, 1}, 'depths')


def test_check_clean(t):
    tap.contains(t.vmferry('check', V3).stdout, 'No errors were found on the image.\n')
    tap.equal(t.vmferry('check', '-q', V3).stdout, '', 'quiet')
    found = answer(t, 'check', '--output=json', V3)
    tap.equal({key: found[key] for key in ('filename', 'format', 'check-errors', 'total-clusters', 'allocated-clusters')},
              {'filename': str(V3), 'format': 'qcow2', 'check-errors': 0, 'total-clusters': 513,
               'allocated-clusters': 5})
    tap.equal('corruptions' in found or 'leaks' in found, False, 'zero-valued keys')


def poked(t, offset, data):
    image = V3.read_bytes() + bytes(4096)
    return t.write('poked.qcow2', image[:offset] + data + image[offset + len(data):])


def test_check_leak(t):
    poked(t, 2 * 4096 + 2 * 11, b'\0\1')  # the cluster behind the last one
    done = t.vmferry('check', 'poked.qcow2', status=3)
    tap.contains(done.stdout, '1 leaked clusters were found on the image.')
    tap.equal(answer(t, 'check', '--output=json', 'poked.qcow2', status=3)['leaks'], 1)


def test_check_corruption(t):
    poked(t, 2 * 4096 + 2 * 3, b'\0\0')
    done = t.vmferry('check', 'poked.qcow2', status=2)
    tap.contains(done.stdout, 'errors were found on the image.')
    tap.contains(done.stderr, 'vmferry: ')
    if answer(t, 'check', '--output=json', 'poked.qcow2', status=2)['corruptions'] < 1:
        raise AssertionError('no corruption is counted')


def test_check_cannot(t):
    t.vmferry('check', tap.IMAGES / 'good-raw.img', status=63)
    t.vmferry('check', 'missing.qcow2', status=1)


tap.main(globals())
