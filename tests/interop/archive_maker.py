# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Archives for archive_differential.py: members made field by field, and what can be odd about them."""
import copy

BLOCK = 512
OFFSETS = {'name': (0, 100), 'mode': (100, 8), 'uid': (108, 8), 'gid': (116, 8), 'size': (124, 12), 'mtime': (136, 12),
           'type': (156, 1), 'target': (157, 100), 'magic': (257, 8), 'uname': (265, 32), 'gname': (297, 32),
           'major': (329, 8), 'minor': (337, 8), 'prefix': (345, 155), 'rest': (500, 12)}
POSIX, GNU, V7 = b'ustar\x0000', b'ustar  \0', bytes(8)


class Member:
    """One header with its content; fields are bytes, shorter ones get NULs behind."""

    def __init__(self, name, data=b'', kind=b'0', magic=POSIX):
        self.fields = {'name': name, 'mode': b'0000644\0', 'uid': b'0000000\0', 'gid': b'0000000\0',
                       'size': b'%011o\0' % len(data), 'mtime': b'14524770400\0', 'type': kind, 'magic': magic}
        self.data, self.padding, self.signed, self.sum_form = data, b'\0', False, b'%06o\0 '

    def block(self):
        block = bytearray(BLOCK)
        for name, value in self.fields.items():
            start, length = OFFSETS[name]
            block[start:start + len(value[:length])] = value[:length]
        block[148:156] = b' ' * 8
        total = sum(byte - 256 if self.signed and byte > 127 else byte for byte in block)
        written = self.sum_form % max(total, 0) if b'%' in self.sum_form else self.sum_form
        block[148:156] = written[:8].ljust(8, b'\0')
        return bytes(block)

    def bytes(self):
        return self.block() + self.data + self.padding * (-len(self.data) % BLOCK)


def record(key, value):
    """A record of an extended header; the length counts itself."""
    body = b' ' + key + b'=' + value + b'\n'
    length = len(body) + 1
    while len(b'%d' % length) + len(body) != length:
        length = len(b'%d' % length) + len(body)
    return b'%d' % length + body


def pax(records, kind=b'x', name=b'PaxHeaders/x'):
    return Member(name, records, kind)


def long_name(name, kind=b'L', tail=b'\0'):
    return Member(b'././@LongLink', name + tail, kind, GNU)


def archive(members, end=bytes(10240)):
    return b''.join(member.bytes() for member in members) + end


# ---- what can be odd: (name, function of a list of members and an index into it, which changes the list) ----

def setting(field, value):
    def change(members, at):
        members[at].fields[field] = value
    return change


def attribute(name, value):
    def change(members, at):
        setattr(members[at], name, value)
    return change


def before(*more):
    """Other members in front; a function of the member that stands there, or a member."""
    def change(members, at):
        own = members[at]
        members[at:at] = [one(own) if callable(one) else copy.deepcopy(one) for one in more]
    return change


def behind(*more):
    def change(members, at):
        own = members[at]
        members[at + 1:at + 1] = [one(own) if callable(one) else copy.deepcopy(one) for one in more]
    return change


def both(*changes):
    def change(members, at):
        for one in reversed(changes):
            one(members, at)
    return change


def own_path(prefix=b'', suffix=b''):
    return lambda own: pax(record(b'path', prefix + own.fields['name'] + suffix))


def own_size(form=b'%d', kind=b'x', key=b'size'):
    return lambda own: pax(record(key, form % len(own.data)), kind)


def size_as(form):
    def change(members, at):
        members[at].fields['size'] = form(len(members[at].data))
    return change


def renamed(form):
    def change(members, at):
        members[at].fields['name'] = form(members[at].fields['name'])
    return change


NUMBERS = [b'', b' ' * 12, b'0', b'0000644', b'00000644', b' 644 \0', b'   644\0', b'644 \0 \0', b'644\0x', b'644x', b'\0' b'000644',
           b'\t644', b'-644', b'+644', b'-1\0', b'0x1a4\0', b'0b1\0', b'0o644\0', b'6_44\0', b'648\0', b'644.0\0', b'644,\0',
           b'777777777777', b'\x80\0\0\0\0\0\1\xa4', b'\x80\0\0\0\xff\xff\xff\xff', b'\x81\0\0\0\0\0\1\xa4',
           b'\xff\xff\xff\xff\xff\xff\xff\xff', b'\xff\xff\xff\xff\xff\xff\xfe\x5c', b'\x80' + b'\xff' * 11, b'\x80', b'6\xe4\0',
           b'\xa0644\0', b'644\n\0', b' \0 644\0', b'6 44\0', b'\x80\0\0\0\0\0\0\0\0\0\1\xa4']
SIZES = [lambda n: b'%012o' % n, lambda n: b'%11o ' % n, lambda n: b'%11o\0' % n, lambda n: b'%o' % n, lambda n: b'%o ' % n,
         lambda n: b'%o \0 ' % n, lambda n: b'%o\0junk' % n, lambda n: b'%010o\0x' % n, lambda n: b'\0%010o' % n, lambda n: b'\t%o' % n,
         lambda n: b'+%o' % n, lambda n: b'0x%x' % n, lambda n: b'0o%o' % n, lambda n: b'\x80' + n.to_bytes(11, 'big'),
         lambda n: b'\x81' + n.to_bytes(11, 'big'), lambda n: b'\x80\0\1' + n.to_bytes(9, 'big'),
         lambda n: b'\x80\1' + n.to_bytes(10, 'big'), lambda n: b'\x80\0\0\1' + n.to_bytes(8, 'big'), lambda n: b'\xff' * 12,
         lambda n: b'%o' % (n + 512), lambda n: b'%o' % max(n - 1, 0), lambda n: b'%d' % n, lambda n: b'1%011o' % n, lambda n: b'%o8' % n,
         lambda n: b'', lambda n: b'0', lambda n: b' ' * 12]
MAGICS = [GNU, V7, b'ustar\0\0\0', b'ustar\0  ', b'ustar\0 0', b'ustar\x0001', b'ustar 00', b'ustar', b'ustar  0', b'utsar\x0000',
          b'USTAR\x0000', b'ustar\x00\xff\xff', b'gnu\0\0\0\0\0', b' ' * 8, b'\0ustar00']
PREFIXES = [b'a', b'a/b', b'./a', b'.', b'a/', b'/a', b'/', b'..', b'a\0b', b'\0b', b'14524770400\0', b'a' * 155, b'a' * 131,
            b'caf\xc3\xa9', b'a' * 130 + b'\0' + b'14524770400 ' * 2]
NAMES = [b'0', b'a b', b' a', b'a ', b'a.', b'.a', b'-a', b'~a', b'#a', b'a;b', b'a:b', b'a*b', b'a?b', b'a|b', b'a"b', b'<a>', b'CON',
         b'aux.txt', b'a\\b', b'a//b', b'a/./b', b'./a', b'././a', b'.//a', b'/a', b'//a', b'a/', b'a//', b'./', b'.', b'..', b'../a',
         b'a/../b', b'a/..', b'a/.', b'\xe9', b'caf\xc3\xa9', b'cafe\xcc\x81', b'\xc0\xafa', b'\xed\xa0\x80a', b'\xf4\x90\x80\x80',
         b'\xf0\x9f\x92\xbe', b'a\xc2\xa0', b'a\xe2\x80\xaeb', b'\xef\xbb\xbfa', b'\xee\xbe\x80', b'\xef\x80\xbc', b'\xef\xbf\xbd',
         b'\xef\xbf\xbf', b'\xef\x80\x81', b'\xee\x80\xaf', b'\xe2\x81\x84', b'\xef\xbc\x8f', b'a\nb', b'a\tb', b'a\x7fb', b'a\0b',
         b'a\0/b', b'', b'pax_global_header', b'._a', b'.DS_Store', b'././@LongLink', b'PaxHeaders/x', b'@LongLink', b'a' * 100,
         b'a' * 50 + b'/' + b'b' * 49, b'%41', b'a%2fb', b"a'b", b'$a', b'`a`', b'a&b', b'c:/a', b'c:a', b'C:\\a', b'deep/' * 19 + b'a',
         b'GNUSparseFile.0/a', b'a,b', b'[a]', b'{a}', b'a\xc2\x85b', b'\xc2\xada', b'a\xe2\x80\x8b']
KEYS = [b'path', b'Path', b'PATH', b' path', b'path ', b'path\0', b'path\0x', b'size', b'SIZE', b'size\0', b'linkpath', b'hdrcharset',
        b'charset', b'GNU.sparse.major', b'GNU.sparse.name', b'GNU.sparse.realsize', b'GNU.sparse.size', b'GNU.sparse.map',
        b'GNU.sparse.numblocks', b'gnu.sparse.name', b'SCHILY.realsize', b'SCHILY.filetype', b'SUN.holesdata', b'SCHILY.dev',
        b'SCHILY.xattr.user.a', b'LIBARCHIVE.xattr.user.a', b'SCHILY.acl.access', b'LIBARCHIVE.symlinktype', b'GNU.volume.filename',
        b'GNU.dumpdir', b'comment', b'uname', b'gname', b'mtime', b'atime', b'ctime', b'uid', b'gid', b'VENDOR.thing', b'vendor thing',
        b'\xc3\xa9', b'RHT.security.selinux', b'SCHILY.fflags', b'mode', b'devmajor', b'type', b'LIBARCHIVE.creationtime',
        b'MSWINDOWS.rawsd']
VALUES = [b'', b'0', b'1', b'600', b'x', b'vm-disk1.vmdk', b'evil', b'BINARY', b'1700000000.5', b'-1', b'-1.5', b'1e400', b'nan', b'inf',
          b'1_0', b'+1', b' 1', b'1 ', b'01', b'1\0', b'a\0b', b'a\nb', b'12 path=zz\n', b'x\n20 path=evil\n', b'20 hdrcharset=BINARY\n',
          b'9' * 11, b'9' * 30, b'4294967295', b'4294967294', b'0,1', b'\xff\xfe', b'a/b', b'./x', b'x/', b'nodump', b'1.', b'.5',
          b'user::rw-']
BODIES = [b'12 path=zz\n', b'11 path=zz\n', b'12 path=zz', b'012 path=zz\n', b' 12 path=zz\n', b'+12 path=zz\n', b'12\tpath=zz\n',
          b'12  path=zz\n', b'13 path=zz\n\n', b'12 path=zz\n\0', b'12 path=zz\n' + bytes(100), b'12 path=zz\n12 path=yy\n',
          b'12 path=zz\n8 path=\n', b'8 path=\n', b'7 path\n', b'6 =ab\n', b'12 path=zz\nxx', b'0 path=zz\n', b'999 path=zz\n',
          b'12 path=zz\n0', b'', b'\n', b'0xc path=zz\n', b'5 a=\n', b'12 comment=\n', b'13 comment==\n']
KINDS = [bytes([kind]) for kind in range(256) if chr(kind) not in '0']
STARTS = [b'BZh91AY&SY', b'BZh9', b'LZIP', b'LZIP\0\x14', b'LRZI', b'LRZI\0\6', b'GRZipII\0\2\4:)', b'MSCF', b'#mtree',
          b'070701' + b'0' * 94, b'WARC', b'xx-lh5-', b'PK', b'KDMV', b'COWD', b'hsqs', b'conectix', b'Rar!', b'xar!', b'MZ', b'ustar',
          b'%PDF-1.4', b'7z', b'a\0b']
ENDS = [b'', bytes(1), bytes(100), bytes(511), bytes(512), bytes(513), bytes(1023), bytes(1024), bytes(1025), bytes(1536), bytes(20480),
        b'x', b'x' * 512, bytes(512) + b'x', bytes(1024) + b'x', bytes(1024) + b'x' * 600, bytes(511) + b'x', bytes(1023) + b'x',
        bytes(9000) + b'x' * 1240]


def second(name, data=b'EVIL'):
    return Member(name, data)


def changes():
    """Every single oddness: {name: change}."""
    table = {}
    for field in ('mode', 'uid', 'gid', 'mtime', 'major', 'minor'):
        for value in NUMBERS:
            table[f'{field} {value}'] = setting(field, value)
    table.update({f'size form {number}': size_as(form) for number, form in enumerate(SIZES)})
    table.update({f'size {value}': setting('size', value) for value in NUMBERS})
    table.update({f'magic {value}': setting('magic', value) for value in MAGICS})
    for magic in (POSIX, GNU, V7):
        table.update({f'prefix {value} {magic}': both(setting('magic', magic), setting('prefix', value)) for value in PREFIXES})
    table.update({f'name {value}': setting('name', value) for value in NAMES})
    table.update({f'rest {value}': setting('rest', value) for value in (b'tar\0', b'x', b'\0' * 8 + b'tar\0')})
    table.update({f'target {value}': setting('target', value) for value in (b'x', b'vm.ovf', b'/etc/passwd')})
    table.update({f'uname {value}': setting('uname', value) for value in (b'root', b'\xff', b'a\0b', b'r' * 32)})
    table.update({f'kind {value}': setting('type', value) for value in KINDS})
    table.update({f'sum {form}': attribute('sum_form', form) for form in
                  (b'%06o\0 ', b'%07o\0', b'%08o', b'%6o\0 ', b'%06o \0', b'%o', b'%06o\0x', b'\0%o', b'0x%x', b'+%06o', b'%06o  ',
                   b'0', b'', b'%d')})
    table['signed sum'] = both(setting('uname', b'\xc3\xa9'), attribute('signed', True))
    table['padding'] = attribute('padding', b'x')
    for key in KEYS:
        for value in VALUES:
            table[f'{key}={value}'] = before(pax(record(key, value)))
            table[f'global {key}={value}'] = before(pax(record(key, value), b'g'))
    for body in BODIES:
        table[f'body {body}'] = before(pax(body))
        table[f'body {body} of X'] = before(pax(body, b'X'))
    table.update(extras())
    table.update({f'{kind} {name}': before(Member(name, b'', kind)) for kind in (b'5', b'0', b'2', b'1', b'\0') for name in
                  (b'vm-disk1.vmdk', b'vm-disk1.vmdk/', b'vm-disk1.vmdk/x', b'VM-DISK1.vmdk', b'./vm-disk1.vmdk', b'vm.ovf', b'x',
                   b'x/', b'./x', b'./')})
    table.update({f'behind: {name}': behind(second(name)) for name in
                  (b'vm-disk1.vmdk', b'./vm-disk1.vmdk', b'VM-disk1.vmdk', b'x//y', b'vm-disk1.vmdk ')})
    return table


def extras():
    """Long names and extended headers, alone and together."""
    name = lambda own: own.fields['name']
    table = {'own path': before(own_path()), 'own path with ./': before(own_path(b'./')), 'own path with /': before(own_path(b'', b'/')),
             'own size': before(own_size()), 'own size with 0': before(own_size(b'0%d')), 'own size with +': before(own_size(b'+%d')),
             'own size behind blank': before(own_size(b' %d')), 'own size for all': before(own_size(kind=b'g')),
             'path, size 0 in the header': both(before(own_size()), setting('size', b'00000000000\0')),
             'other size in the header': both(before(own_size()), setting('size', b'00000001000\0')),
             'SCHILY.realsize': before(own_size(key=b'SCHILY.realsize')),
             'two headers': before(own_path(), own_path()), 'path by two headers': before(pax(record(b'path', b'q')), own_path()),
             'long, then path': before(long_name(b'q'), own_path()), 'path, then long': before(own_path(), long_name(b'q')),
             'global between': before(own_path(), pax(record(b'comment', b'x'), b'g')),
             'comment for all': before(pax(record(b'comment', b'x'), b'g')),
             'path for an unnamed': both(before(own_path()), setting('name', b'')),
             'path for another name': both(before(own_path()), renamed(lambda n: b'short')),
             'path over prefix': both(before(own_path()), setting('prefix', b'p')),
             'long over prefix': both(before(lambda own: long_name(name(own))), setting('prefix', b'p')),
             'long target': before(long_name(b'q', b'K'))}
    for tail in (b'', b'\0', b'\0\0', b'\0' * 300, b'\0x', b'\n', b' ', b'/', b'\0\0x'):
        for magic in (GNU, POSIX):
            table[f'long with {tail} {magic}'] = both(before(lambda own, tail=tail: long_name(name(own), tail=tail)),
                                                      setting('magic', magic))
    for length in (99, 100, 101, 155, 156, 254, 255, 256, 300):
        table[f'long of {length}'] = before(long_name(b'l' * length))
        table[f'path of {length}'] = before(pax(record(b'path', b'l' * length)))
        table[f'path of {length} in folders'] = before(pax(record(b'path', (b'l' * 40 + b'/') * (length // 41) + b'l')))
    for other in NAMES:
        table[f'long {other}'] = before(long_name(other))
        table[f'path {other}'] = before(pax(record(b'path', other)))
    return table
