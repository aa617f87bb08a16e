# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What else an archive may hold beside a package, and how its names may be written."""
import json

import hostile_packages as packages
import tap

JUNK = bytes.fromhex('00051607 00020000') + bytes(100)
OVF, MANIFEST, DISK = packages.signed_off(packages.GOOD)


def findings(t, path, status=0):
    """{(rule, severity, file)} of `verify`."""
    done = t.vmferry('verify', '--output=json', path, status=status)
    return {(one['rule'], one['severity'], one.get('file')) for one in json.loads(done.stdout)['findings']}


def left(*names):
    return {('archive-unnamed', 'warning', name) for name in names}


def test_what_macos_leaves_is_no_part_of_a_package(t):
    path = t.write('mac.ova', packages.ova(OVF, ('._vm.ovf', JUNK), MANIFEST, ('.DS_Store', b'Bud1'), ('__MACOSX/._vm.ovf', b'x'),
                                           ('__MACOSX/other.ovf', OVF[1]), ('._disk1.vmdk', JUNK), DISK))
    tap.equal(findings(t, path) >= left('._vm.ovf', '.DS_Store', '__MACOSX/._vm.ovf', '__MACOSX/other.ovf', '._disk1.vmdk'), True)
    told = t.vmferry('info', path).stderr
    tap.contains(told, '"._vm.ovf"')
    tap.equal(told.count('\n'), 1, 'lines')
    t.vmferry('unpack', path, 'out')
    tap.equal(sorted(one.name for one in (t.folder / 'out').iterdir()), ['disk1.vmdk', 'vm.mf', 'vm.ovf'])
    t.vmferry('convert', path, 'new.ova')
    tap.equal(t.run(tap.tool('tar'), '-tf', 'new.ova').stdout.split(), ['new.ovf', 'new.mf', 'disk1.vmdk'])


def test_descriptor_behind_an_apple_double(t):
    path = t.write('mac.ova', packages.ova(('._vm.ovf', JUNK), OVF, MANIFEST, DISK))
    t.vmferry('info', path)
    tap.equal(('archive-order', 'violation', 'vm.ovf') in findings(t, path, status=3), True, 'the descriptor is not the first')


def test_apple_double_beside_a_descriptor_in_a_folder(t):
    for name, data in (OVF, MANIFEST, DISK, ('._vm.ovf', JUNK), ('._disk1.vmdk', JUNK)):
        t.write(name, data)
    tap.contains(t.vmferry('info', '.').stdout, 'disk1.vmdk')


def test_a_name_like_an_apple_double_is_a_file(t):
    path = t.write('two.ova', packages.ova(OVF, ('._vm.ovf', OVF[1]), DISK))
    tap.contains(t.vmferry('info', path, status=2).stderr, 'two descriptors, vm.ovf and ._vm.ovf')


def test_names_with_a_dot_in_front(t):
    path = t.write('dot.ova', packages.ova(*(('./' + name, data) for name, data in (OVF, MANIFEST, DISK))))
    tap.equal({one for one in findings(t, path) if one[0].startswith('archive')}, {('archive-form', 'note', None)})
    t.vmferry('unpack', path, 'out')


def test_a_name_that_only_an_extended_header_tells_is_a_violation(t):
    path = t.write('pax.ova', packages.ova(OVF, MANIFEST, packages.pax(('path', DISK[0])),
                                           packages.header('other', len(DISK[1])) + packages.pad(DISK[1])))
    tap.equal(('archive-form', 'violation', 'disk1.vmdk') in findings(t, path, status=3), True)


def test_a_size_that_only_an_extended_header_tells_is_refused(t):
    path = t.write('pax.ova', packages.ova(OVF, MANIFEST, packages.pax(('size', str(len(DISK[1])))),
                                           packages.header(DISK[0], 0) + packages.pad(DISK[1])))
    tap.contains(t.vmferry('verify', path, status=2).stderr, 'expected the same')


def test_an_archive_older_than_ustar_is_a_violation(t):
    old = [packages.member(name, data, magic=bytes(8)) for name, data in (OVF, MANIFEST, DISK)]
    tap.equal(('archive-form', 'violation', None) in findings(t, t.write('old.ova', packages.ova(*old)), status=3), True)


tap.main(globals())
