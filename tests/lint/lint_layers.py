# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Who may include whom, what a driver may call, what the library exports. See src/README.md."""
import collections
import pathlib
import re
import subprocess

OVF = {'src/ovf', 'src/machine_xml', 'src/xml', 'src/machine', 'src/io', 'src/base'}
SEALED = {'src/seal', 'src/io/view', 'src/io/unpack', 'src/io/tar', 'src/copy', 'src/image', 'src/codec', 'src/hash', 'src/cipher'}
LAYERS = {
    'src/base': {'src/base'},
    'src/io/view': {'src/io/view', 'src/io', 'src/base'},
    'src/io/unpack': {'src/io/unpack', 'src/io/view', 'src/io', 'src/base'},
    'src/io/tar': {'src/io/tar', 'src/io/view', 'src/io', 'src/base'},
    'src/io': {'src/io', 'src/hash', 'src/base'},
    'src/confine': {'src/confine', 'src/io', 'src/base'},
    'src/codec': {'src/codec', 'src/base'},
    'src/hash': {'src/hash', 'src/base'},
    'src/cipher': {'src/cipher', 'src/io', 'src/base'},
    'src/image': {'src/image', 'src/io/view', 'src/io/unpack', 'src/io/tar', 'src/io', 'src/codec', 'src/hash', 'src/cipher', 'src/base'},
    'src/partition': {'src/partition', 'src/image', 'src/io/view', 'src/io', 'src/codec', 'src/cipher', 'src/base'},
    'src/copy': {'src/copy', 'src/image', 'src/io/view', 'src/io/unpack', 'src/io', 'src/codec', 'src/hash', 'src/cipher', 'src/base'},
    'src/xml': {'src/xml', 'src/base'},
    'src/machine': {'src/machine', 'src/base'},
    'src/machine_xml': {'src/machine_xml', 'src/machine', 'src/xml', 'src/base'},
    'src/seal': {'src/seal', 'src/hash', 'src/base'},
    'src/ovf/rules': {'src/ovf/rules', *OVF},
    'src/ovf': OVF,
    'src/package/verify': {'src/package/verify', 'src/package', 'src/ovf/rules', *OVF, *SEALED},
    'src/package/make': {'src/package/make', 'src/package/verify', 'src/package', *OVF, *SEALED},
    'src/package/sign': {'src/package/sign', 'src/package/verify', 'src/package', *OVF, *SEALED},
    'src/package': {'src/package', *OVF, *SEALED},
    'src/machines': {'src/machines', 'src/package/make', 'src/package/sign', 'src/package/verify', 'src/package', *OVF, *SEALED},
    'src/lint': {'src/lint', 'src/machines', 'src/package', 'src/partition', *OVF, *SEALED},
    'src/lib': {'src/lib'},
    'src/cli': {'src/cli'},
    'src/nbdkit': {'src/nbdkit'},
    'formats/machines': {'formats/machines', 'src/machine_xml', 'src/machine', 'src/xml', 'src/base'},
    'formats': {'formats'},
}
# What a driver sees besides headers of its own.
DRIVER_HEADERS = {
    'bytes.h', 'checked.h', 'cipher.h', 'cluster_use.h', 'codec.h', 'container.h', 'coverage.h', 'encoding.h', 'error.h', 'format.h', 'guid.h', 'io.h', 'legacy_aes.h', 'list.h', 'log.h', 'luks.h', 'luks_write.h', 'memory.h',
    'options.h', 'page_cache.h', 'patched.h', 'row.h', 'rpc.h', 'stream.h', 'sums.h', 'tar.h', 'tar_extra.h', 'tar_header.h', 'tar_names.h', 'text.h', 'utf8.h', 'value.h', 'xml.h', 'zero.h',
}
# No open(2), no malloc(3), no printf(3): the names that a driver's object may ask the linker for.
DRIVER_SYMBOLS = re.compile(r'vmf_|mem|str|v?snprintf$|qsort$|bsearch$|__(mem|str)\w*_chk$|__v?snprintf_chk$|'
                            r'__isoc23_str|__stack_chk_fail$|_GLOBAL_OFFSET_TABLE_$')
FILES_A_FOLDER = 45
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def layer_of(name):
    for layer in LAYERS:
        if name.startswith(layer + '/'):
            return layer
    return None


def check_includes(source, names):
    homes = {pathlib.PurePath(name).name: name for name in names if name.endswith('.h')}
    for name in names:
        layer = layer_of(name)
        if not layer or not name.endswith(('.c', '.h')):
            continue
        for number, line in enumerate((source / name).read_text().split('\n'), 1):
            found = INCLUDE.match(line)
            if not found or found[1] == 'vmferry.h':
                continue
            home = str(pathlib.PurePath(name).parent / found[1])
            home = home if home in names else homes.get(pathlib.PurePath(found[1]).name)
            if not home:
                yield f'{name}:{number}: {found[1]} is not in the tree'
            elif layer == 'formats' and found[1] in DRIVER_HEADERS:
                continue
            elif layer_of(home) not in LAYERS[layer]:
                yield f'{name}:{number}: {layer} must not include {home}'
            elif layer == 'formats' and pathlib.PurePath(home).parent != pathlib.PurePath(name).parent:
                yield f'{name}:{number}: one driver must not include the header of another, {home}'


def check_rooms(names):
    """Folders that can be looked through, each with a layer, and no circle among what they may include."""
    sizes = collections.Counter(str(pathlib.PurePath(name).parent) for name in names
                                if name.startswith(('src/', 'formats/', 'include/')))
    for folder, count in sorted(sizes.items()):
        if count > FILES_A_FOLDER:
            yield f'{folder}: {count} files, at most {FILES_A_FOLDER}: a part of them is a folder of its own'
        if folder.startswith('src/') and not layer_of(f'{folder}/x'):
            yield f'{folder}: has no row in LAYERS (tests/lint/lint_layers.py)'
    left = {layer: seen - {layer} for layer, seen in LAYERS.items()}
    while lowest := [layer for layer, seen in left.items() if not seen & left.keys()]:
        for layer in lowest:
            del left[layer]
    if left:
        yield f'LAYERS goes in a circle: {", ".join(sorted(left))}'


def symbols(*command):
    done = subprocess.run(['nm', *map(str, command)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()


def check_drivers(build):
    library = build / 'formats/libformats.a'
    defined = {line.split()[-1] for line in symbols('--defined-only', '-g', library) if len(line.split()) == 3}
    member = ''
    for line in symbols('-u', library):
        words = line.split()
        if line.endswith(':'):
            member = line[:-1]
        elif words and words[-1] not in defined and not DRIVER_SYMBOLS.match(words[-1]):
            yield f'{member}: a driver must not use {words[-1]}'


def check_exports(source, build):
    text = ''.join(header.read_text() for header in sorted((source / 'include').rglob('*.h')))
    declared = set(re.findall(r'\b(vmf_\w+)\(', text))
    exported = {line.split()[-1] for line in symbols('-D', '--defined-only', build / 'src/lib/libvmferry.so')}
    exported = {name.split('@')[0] for name in exported if '@' in name or not name.startswith('VMFERRY_')}  # the versions themselves
    for name in sorted(exported - declared):
        yield f'libvmferry.so exports {name}, which no header in include declares'
    for name in sorted(declared - exported):
        yield f'include declares {name}, which libvmferry.so does not have'
    called = set(re.findall(r'\b(vmf_\w+)\(', (source / 'tests/unit/api_test.c').read_text()))
    for name in sorted(declared - called):
        yield f'include declares {name}, which tests/unit/api_test.c does not call with what is wrong'


DECLARATION = re.compile(r'((?:/\*(?:(?!\*/).)*\*/\n)?)^(?:VMF_MUST_CHECK )?(?:enum|const|struct|void|bool|uint64_t|unsigned)\b[^;{}=()]*?\b(vmf_\w+)\([^;{}]*?\);', re.M | re.S)
THREADS = re.compile(r'any\s+\*?\s*thread|one\s+\*?\s*thread\s+\*?\s*an\s+\*?\s*object|no\s+\*?\s*other\s+\*?\s*thread', re.I)


def check_threads(source):
    """The comment on a function of the library says which threads may call it."""
    for header in sorted((source / 'include').rglob('*.h')):
        for comment, name in DECLARATION.findall(header.read_text()):
            if not THREADS.search(comment):
                yield f'{header.relative_to(source)}: {name} does not say "Any thread" or "One thread an object"'
