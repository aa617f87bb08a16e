# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""In qemu-img's place: what both programs say is said in the same words, and what one does the other does, too."""
import json

import tap

MIB = 1 << 20


def qemu_img(t, *words, **options):
    return t.run(tap.tool('qemu-img'), *words, **options)


def qemu_io(t, image, *commands, kind='raw'):
    t.run(tap.tool('qemu-io'), '-f', kind, *[word for command in commands for word in ('-c', command)], image)


def made(t, kind, *words, size='8M'):
    """An image with data at 1 MiB and at 5 MiB."""
    name = 'disk.' + kind
    qemu_img(t, 'create', '-q', '-f', kind, *words, name, size)
    qemu_io(t, name, 'write -P 7 1M 1M', 'write -P 9 5M 64k', kind=kind)
    return name


def with_bitmaps(t, name):
    for bitmap in ('first', 'second'):
        qemu_img(t, 'bitmap', '--add', name, bitmap)
    qemu_img(t, 'bitmap', '--disable', name, 'second')


# ---- info ----

IMAGES = [
    ('raw', 'raw'), ('qcow2', 'qcow2'), ('qcow2, version 2', 'qcow2', '-o', 'compat=0.10'),
    ('qcow2, extended', 'qcow2', '-o', 'extended_l2=on,lazy_refcounts=on,cluster_size=128k'),
    ('qcow2, zstd', 'qcow2', '-o', 'compression_type=zstd,refcount_bits=8'), ('vmdk', 'vmdk'),
    ('vmdk, split', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse'), ('vpc', 'vpc', '-o', 'force_size=on'),
    ('vpc, fixed', 'vpc', '-o', 'subformat=fixed,force_size=on')]


def same_words(t, *words):
    """Of a VHD qemu-img says less."""
    theirs, ours = qemu_img(t, 'info', *words).stdout, t.vmferry('info', *words).stdout
    if 'Format specific' not in theirs:
        ours = ours.split('Format specific information:\n', maxsplit=1)[0]
    tap.equal(ours, theirs, 'words')


@tap.rows(IMAGES)
def test_info_is_said_in_the_same_words(t, kind, *words):
    same_words(t, '-f', kind, made(t, kind, *words))


def test_info_of_snapshots_and_bitmaps_is_said_in_the_same_words(t):
    name = made(t, 'qcow2')
    with_bitmaps(t, name)
    for snapshot in ('one', 'a name that is longer than its column'):
        qemu_img(t, 'snapshot', '-c', snapshot, name)
    same_words(t, name)


@tap.rows([(f'{kind} {where}', kind, where) for kind in ('qcow2', 'vmdk')
           for where in ('beside it', 'elsewhere', 'absolute')])
def test_info_of_an_overlay_is_said_in_the_same_words(t, kind, where):
    (t.folder / 'images').mkdir()
    made(t, kind)
    (t.folder / ('disk.' + kind)).rename(t.folder / 'images' / 'base')
    name = {'beside it': 'base', 'elsewhere': '../images/base', 'absolute': t.path('images/base')}[where]
    qemu_img(t, 'create', '-q', '-f', kind, '-b', name, '-F', kind, 'images/over')
    same_words(t, 'images/over')
    same_words(t, t.path('images/over'))
    if where == 'beside it':
        same_words(t, '--backing-chain', 'images/over')


@tap.rows(IMAGES)
def test_json_has_the_same_values(t, kind, *words):
    command = ('info', '-f', kind, '--output=json', made(t, kind, *words))
    theirs, ours = json.loads(qemu_img(t, *command).stdout), json.loads(t.vmferry(*command).stdout)
    tap.equal({key: ours.get(key) for key in theirs}, theirs, 'keys that both have')



# ---- map ----

def mapped(text):
    """The entries, those that continue each other joined."""
    entries = []
    for entry in json.loads(text):
        last = entries[-1] if entries else {}
        alike = {key: value for key, value in last.items() if key not in ('start', 'length', 'offset')}
        if alike == {key: value for key, value in entry.items() if key not in ('start', 'length', 'offset')} and \
                last.get('offset', 0) + (last['length'] if 'offset' in last else 0) == entry.get('offset', 0):
            last['length'] += entry['length']
        else:
            entries.append(entry)
    return entries


def same_map(t, *words):
    command = ('map', '--output=json', *words)
    tap.equal(mapped(t.vmferry(*command).stdout), mapped(qemu_img(t, *command).stdout), 'map')


@tap.rows([('qcow2', 'qcow2'), ('subclusters', 'qcow2', '-o', 'extended_l2=on'), ('vmdk', 'vmdk'), ('raw', 'raw')])
def test_map_is_the_same(t, kind, *words):
    same_map(t, made(t, kind, *words))


@tap.rows([('clusters', 'preallocation=metadata'), ('subclusters', 'extended_l2=on')])
def test_reserved_zeros_have_an_offset(t, options):
    qemu_img(t, 'create', '-q', '-f', 'qcow2', '-o', options, 'a.qcow2', '1M')
    qemu_io(t, 'a.qcow2', 'write 64k 192k', 'write -z 64k 32k', 'write -z 512k 128k', 'discard 640k 64k', kind='qcow2')
    same_map(t, 'a.qcow2')


def test_a_dynamic_vhd_holds_its_zeros(t):
    name = made(t, 'vpc', '-o', 'force_size=on')
    found = json.loads(t.vmferry('map', '--output=json', name).stdout)
    tap.equal([entry['present'] for entry in found], [True] * len(found), 'present')


@tap.rows([(f'{size} bytes', size, at) for size, at in ((65537, 65536), (65537, 0), (511, 0), (1024, 512), (4097, None))])
def test_map_of_raw_counts_whole_sectors(t, size, at):
    with open(t.path('a.raw'), 'wb') as file:
        file.truncate(size)
        if at is not None:
            file.seek(at)
            file.write(b'x')
    same_map(t, '-f', 'raw', 'a.raw')



# ---- check, compare ----

@tap.rows([(kind, kind) for kind in ('raw', 'qcow2', 'vmdk', 'vpc')])
def test_check_of_a_clean_image_is_the_same(t, kind):
    command = ('check', '-f', kind, made(t, kind, *(('-o', 'force_size=on') if kind == 'vpc' else ())))
    theirs, ours = qemu_img(t, *command, status=None), t.vmferry(*command, status=None)
    if kind in ('raw', 'qcow2'):  # of the others qemu-img checks less
        tap.equal((ours.returncode, ours.stderr), (theirs.returncode, theirs.stderr.replace('qemu-img:', 'vmferry:')))
        tap.equal(ours.stdout, theirs.stdout, 'words')
    tap.equal(ours.returncode, 63 if kind == 'raw' else 0, 'status')


def test_check_of_a_packed_image_is_the_same(t):
    qemu_img(t, 'convert', '-c', '-O', 'qcow2', made(t, 'raw'), 'packed.qcow2')
    theirs, ours = qemu_img(t, 'check', 'packed.qcow2'), t.vmferry('check', 'packed.qcow2')
    tap.equal((ours.stdout, ours.stderr), (theirs.stdout, theirs.stderr))


@tap.rows([(f'{where}{" strict" if strict else ""}', where, strict) for where in ('nowhere', '4096', '3M', '9M')
           for strict in ((), ('-s',))])
def test_compare_is_the_same(t, where, strict):
    made(t, 'raw')
    (t.folder / 'other.raw').write_bytes(t.read('disk.raw') + bytes(2 * MIB))
    if where != 'nowhere':
        qemu_io(t, 'other.raw', f'write -P 3 {where} 512')
    command = ('compare', '-f', 'raw', '-F', 'raw', *strict, 'disk.raw', 'other.raw')
    theirs, ours = qemu_img(t, *command, status=None), t.vmferry(*command, status=None)
    tap.equal((ours.returncode, ours.stdout), (theirs.returncode, theirs.stdout))


def test_a_snapshot_that_is_read_is_not_told_as_left_behind(t):
    name = made(t, 'qcow2')
    qemu_img(t, 'snapshot', '-c', 'one', name)
    tap.equal(t.vmferry('convert', '-l', 'one', '-O', 'raw', name, 'out').stderr, '')
    tap.contains(t.vmferry('convert', '-O', 'raw', name, 'out').stderr, 'loss-snapshots')


# ---- measure ----

@tap.rows([(f'{size} {options}', size, options) for size in ('0', '65537', '1G', '1T', '2000000000000')
           for options in ('cluster_size=64k', 'cluster_size=2M', 'extended_l2=on', 'refcount_bits=1', 'compat=0.10',
                           'preallocation=full', 'preallocation=falloc', 'preallocation=metadata')])
def test_measure_of_an_empty_disk_is_the_same(t, size, options):
    command = ('measure', '-O', 'qcow2', '-o', options, '--size', size)
    tap.equal(t.vmferry(*command).stdout, qemu_img(t, *command).stdout, 'words')


@tap.rows([(f'{kind} {target}', kind, target) for kind in ('raw', 'qcow2', 'vmdk') for target in ('raw', 'qcow2')])
def test_measure_of_an_image_is_the_same(t, kind, target):
    command = ('measure', '-O', target, '--output=json', made(t, kind, size='1G'))
    theirs, ours = json.loads(qemu_img(t, *command).stdout), json.loads(t.vmferry(*command).stdout)
    for key in ('required', 'fully-allocated'):
        tap.equal(ours[key], theirs[key], key)



@tap.rows([(' '.join(words), words) for words in (
    ('-O', 'qcow2'), ('-O', 'qcow2', '--output=json'), ('-O', 'qcow2', '-o', 'cluster_size=2M'), ('-O', 'qcow2', '-o', 'compat=0.10'),
    ('-O', 'raw'), ('-O', 'qcow2', '-o', 'cluster_size=1024', 'old.qcow2'), ('-O', 'qcow2', 'none.qcow2'))])
def test_measure_of_bitmaps_is_the_same(t, words):
    for name, options, many in (('a.qcow2', 'compat=1.1', 300), ('old.qcow2', 'compat=0.10', 0), ('none.qcow2', 'compat=1.1', 0)):
        qemu_img(t, 'create', '-f', 'qcow2', '-o', options, name, '200G')
        for number in range(0, many, 150):
            qemu_img(t, 'bitmap', '--add', '-g', str(512 << number // 100), name, f'bitmap{"x" * number}')
    command = ('measure', *words) if words[-1].endswith('.qcow2') else ('measure', *words, 'a.qcow2')
    tap.equal(t.vmferry(*command).stdout, qemu_img(t, *command).stdout)


def test_measure_of_an_overlay_is_the_same(t):
    command = ('measure', '-O', 'qcow2', '-o', 'backing_file=b.qcow2,backing_fmt=qcow2')
    for source in ((made(t, 'raw'),), ('--size', '1G')):
        tap.equal(t.vmferry(*command, *source).stdout, qemu_img(t, *command, *source).stdout)


# ---- options ----

@tap.rows([(size, size) for size in ('0x100000', '0X10200', '1048576')])
def test_sizes_are_hexadecimal_too(t, size):
    t.vmferry('create', '-q', '-f', 'raw', 'a', size)
    tap.equal(len(t.read('a')), int(size, 0))
    qemu_img(t, 'measure', '--size', size)
    t.vmferry('create', '-q', '-f', 'qcow2', '-o', 'cluster_size=0x20000', 'a.qcow2', size)
    tap.equal(json.loads(qemu_img(t, 'info', '--output=json', 'a.qcow2').stdout)['cluster-size'], 0x20000)


@tap.rows([(size, size) for size in ('0x', '0xg', '0x10k', '0x1.8', '-0x10', '0x10000000000000000')])
def test_other_words_are_no_sizes(t, size):
    t.vmferry('create', '-f', 'raw', 'a', size, status=1)
    tap.equal(t.names(), [])


@tap.rows([(f'{kind} {words}', kind, words) for kind in ('raw', 'qcow2', 'vmdk') for words in ('-n', '-n --target-is-zero')])
def test_a_target_that_is_there_is_written(t, kind, words):
    name = made(t, kind)
    qemu_img(t, 'create', '-q', '-f', kind, 'target', '8M')
    qemu_io(t, 'target', 'write -P 5 0 8M', kind=kind)
    t.vmferry('convert', *words.split(), '-O', kind, name, 'target')
    qemu_img(t, 'compare', '-f', kind, '-F', kind, name, 'target')


@tap.rows([(kind, kind) for kind in ('raw', 'qcow2', 'vmdk')])
def test_a_larger_target_keeps_its_size(t, kind):
    name = made(t, kind)
    for what in ('theirs', 'ours'):
        qemu_img(t, 'create', '-q', '-f', kind, what, '9M')
        qemu_io(t, what, 'write -P 5 0 1M', kind=kind)
    qemu_img(t, 'convert', '-n', '-f', kind, '-O', kind, name, 'theirs')
    t.vmferry('convert', '-n', '-O', kind, name, 'ours')
    qemu_img(t, 'compare', '-f', kind, '-F', kind, 'theirs', 'ours')
    tap.contains(qemu_img(t, 'info', '-f', kind, 'ours').stdout, f'({9 << 20} bytes)')
    qemu_io(t, 'ours', 'write -P 0 8M 256k', kind=kind)
    t.vmferry('convert', '-n', '-O', kind, name, 'ours')
    qemu_io(t, 'ours', 'write -P 5 8512k 64k', kind=kind)
    tap.contains(t.vmferry('convert', '-n', '-O', kind, name, 'ours', status=1).stderr, 'data near byte 8')


@tap.rows([
    ('none is there', 'expected', None), ('too small', 'room for the source', ('-f', 'raw', 'target', '7M')),
    ('another format', 'raw', ('-f', 'raw', 'target', '8M'), '-O', 'qcow2'),
    ('an overlay', 'a backing file', ('-f', 'qcow2', '-b', 'disk.raw', '-F', 'raw', 'target'), '-O', 'qcow2')])
def test_a_target_that_does_not_fit_stays(t, word, made_by, *options):
    name = made(t, 'raw')
    if made_by:
        qemu_img(t, 'create', '-q', *made_by)
    before = t.read('target') if made_by else None
    done = t.vmferry('convert', '-n', *(options or ('-O', 'raw')), name, 'target', status=None)
    tap.equal((done.returncode != 0, t.read('target') if made_by else None), (True, before))
    if word not in ('expected', 'raw'):
        tap.contains(done.stderr, word)


def test_target_is_zero_needs_a_target(t):
    tap.contains(t.vmferry('convert', '--target-is-zero', made(t, 'raw'), 'out', status=1).stderr, '-n')
    t.vmferry('convert', '-n', '--no-clobber', 'disk.raw', 'disk.raw', status=1)


def test_a_rate_changes_no_byte(t):
    t.vmferry('convert', '-r', '1T', '-O', 'raw', made(t, 'qcow2'), 'out')
    qemu_img(t, 'compare', '-f', 'qcow2', '-F', 'raw', 'disk.qcow2', 'out')


def test_a_low_rate_holds_and_can_be_ended(t):
    """More than a day at that rate; without it the copy would be there at once."""
    made(t, 'raw')
    t.run('timeout', '0.5', tap.VMFERRY, 'convert', '-r', '8', '-O', 'qcow2', 'disk.raw', 'out', status=124)
    tap.equal(t.names(), ['disk.raw'])


def test_what_is_clean_needs_no_repair(t):
    name = made(t, 'qcow2')
    for what in ('leaks', 'all'):
        command = ('check', '-r', what, name)
        tap.equal(t.vmferry(*command).stdout, qemu_img(t, *command).stdout)
    t.vmferry('check', '-r', 'everything', name, status=1)


def test_nothing_is_repaired(t):
    data = bytearray(t.read(made(t, 'qcow2')))
    block = int.from_bytes(data[0x10000:0x10008], 'big')  # of reference counts; the table stands behind the header
    data[block:block + 2] = b'\0\2'
    t.write('leaks.qcow2', bytes(data))
    done = t.vmferry('check', '-r', 'all', 'leaks.qcow2', status=None)
    tap.contains(done.stderr, 'never modified')
    tap.equal((done.returncode in (2, 3), t.read('leaks.qcow2')), (True, bytes(data)))


@tap.rows([('raw', 'raw', 'a.raw'), ('qcow2', 'qcow2', 'a b.qcow2', '-o', 'cluster_size=4k'), ('vmdk', 'vmdk', 'a.vmdk')])
def test_create_prints_its_line(t, kind, name, *words):
    line = t.vmferry('create', '-f', kind, *words, name, '1M').stdout
    tap.equal(line.split(', ')[0], f"Formatting '{name}'")
    for part in (f'fmt={kind} ', 'size=1048576', *words[1:]):
        tap.contains(line, part)
    tap.equal(t.vmferry('create', '-q', '-f', kind, *words, name, '1M').stdout, '')


def test_create_names_the_backing_file(t):
    made(t, 'qcow2')
    line = t.vmferry('create', '-f', 'qcow2', '-b', 'disk.qcow2', '-F', 'qcow2', 'over.qcow2').stdout
    tap.equal(line, "Formatting 'over.qcow2', fmt=qcow2 size=8388608 backing_file=disk.qcow2 backing_fmt=qcow2\n")


if __name__ == '__main__':
    tap.main(globals())
