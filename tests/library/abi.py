# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What a program that was compiled with the headers relies on, as lines of text: "symbol NAME VERSION", "function" with its declaration, "value NAME NUMBER" of enums, "struct NAME SIZE"
and "member STRUCT.NAME OFFSET SIZE". `abi.py --write` makes tests/library/abi.txt anew, which is for machines with 64 bits."""
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
KEPT = SOURCE / 'tests/library/abi.txt'


def headers():
    """The text of all headers, without comments and lines of the preprocessor."""
    text = '\n'.join(path.read_text() for path in sorted((SOURCE / 'include').rglob('*.h')))
    return re.sub(r'^#.*?(?<!\\)$', '', re.sub(r'/\*.*?\*/', '', text, flags=re.S), flags=re.M | re.S)


def declared_functions():
    return sorted(set(re.findall(r'\b(vmf_\w+)\(', headers())))


def signatures():
    """What each function takes and returns, one a line: what a list of names does not show when it changes."""
    declared = re.findall(r'(?:[;{}]|^)\s*((?:VMF_MUST_CHECK\s+)?(?:const\s+)?(?:struct\s+|enum\s+|unsigned\s+)?\w+\s+\**vmf_\w+\((?:[^()]|\([^()]*\))*\))(?=;)', headers())
    return sorted('function ' + re.sub(r'\s+', ' ', text).strip().removeprefix('VMF_MUST_CHECK ') for text in declared)


def names_declared(statement):
    """The names that one declaration of members gives: "const char *a, *const *b[3]", "void (*c)(int)"."""
    pointer = re.search(r'\(\*(\w+)\)\(', statement)
    if pointer:
        return [pointer[1]]
    return [re.findall(r'\w+', part.split('[')[0])[-1] for part in statement.split(',')]


def types():
    """(kind, tag, [name]) of every struct and enum that is declared with its content."""
    for kind, tag, body in re.findall(r'^(struct|enum) ?(\w*) \{(.*?)\};', headers(), re.M | re.S):
        if kind == 'enum':
            yield kind, tag, [part.split('=')[0].strip() for part in body.split(',') if part.strip()]
        else:
            yield kind, tag, [name for part in body.split(';') if part.strip() for name in names_declared(part.strip())]


def layouts(folder, compiler='cc'):
    """What the compiler makes of them."""
    lines = []
    for kind, tag, names in types():
        if kind == 'enum':
            lines += [f'printf("value {name} %d\\n", (int){name});' for name in names]
            continue
        lines.append(f'printf("struct {tag} %zu\\n", sizeof(struct {tag}));')
        lines += [f'printf("member {tag}.{name} %zu %zu\\n", offsetof(struct {tag}, {name}), sizeof(((struct {tag} *)0)->{name}));' for name in names]
    program = pathlib.Path(folder) / 'layouts'
    program.with_suffix('.c').write_text('#include <stdio.h>\n#include "vmferry.h"\nint main(void)\n{\n' + '\n'.join(lines) + '\nreturn 0;\n}\n')
    subprocess.run([compiler, '-I', str(SOURCE / 'include'), str(program) + '.c', '-o', str(program)], check=True)
    return subprocess.run([str(program)], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def symbols(library):
    shown = subprocess.run(['nm', '-D', '--defined-only', str(library)], check=True, stdout=subprocess.PIPE, text=True).stdout
    names = [line.split()[-1] for line in shown.splitlines() if line.split()[-2] != 'A']
    return [f'symbol {name.partition("@")[0]} {name.rpartition("@")[2] if "@" in name else "-"}' for name in sorted(names)]


def write():
    with tempfile.TemporaryDirectory() as folder:
        KEPT.write_text('\n'.join(symbols(SOURCE / 'build/src/lib/libvmferry.so') + signatures() + layouts(folder)) + '\n')


if __name__ == '__main__' and sys.argv[1:] == ['--write']:
    write()
