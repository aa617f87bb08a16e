# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""What the compiler and the linker were told to do against exploits, as it shows in the files that they made."""
import json
import platform
import re
import subprocess


def readelf(*words):
    return subprocess.run(['readelf', '-W', *map(str, words)], check=True, stdout=subprocess.PIPE, text=True).stdout


def check_file(name, text, program):
    segments = dict(re.findall(r'^  (GNU_\w+) .* ([RWE ]{3}) 0x\w+$', text, re.MULTILINE))
    if 'GNU_RELRO' not in segments or not re.search(r'\bBIND_NOW\b|Flags:.*\bNOW\b', text):
        yield f'{name}: the table of the linker stays writable (-z relro -z now)'
    if 'E' in segments.get('GNU_STACK', 'E'):
        yield f'{name}: the stack is executable (-z noexecstack)'
    if re.search(r'^  LOAD .* [R ]WE ', text, re.MULTILINE) or '(TEXTREL)' in text:
        yield f'{name}: code is writable'
    if program and not re.search(r'Flags:.*\bPIE\b', text):
        yield f'{name}: is always at the same address (-pie)'
    if '__stack_chk_fail' not in text:
        yield f'{name}: has no stack protector (-fstack-protector-strong)'
    if re.search(r'\((RPATH|RUNPATH)\)', text):
        yield f'{name}: says where its libraries are looked for'


def check_branches(archive):
    """Indirect branches and returns are checked by processors that can: said in each object."""
    member = None
    for line in (readelf('-n', archive) + 'File: \n').splitlines():
        if line.startswith('File: '):
            if member:
                yield f'{member}: no landing pads for indirect branches (-fcf-protection)'
            member = line[6:]
        elif re.search(r'x86 feature: .*\bIBT\b.*\bSHSTK\b', line):
            member = None


def check(build):
    for name, program in (('src/cli/vmferry', True), ('src/lib/libvmferry.so', False)):
        yield from check_file(name, readelf('-l', '-d', '--dyn-syms', build / name), program)
    commands = json.loads((build / 'compile_commands.json').read_text())
    commands = [command['command'] for command in commands if command['output'].startswith(('src/', 'formats/'))]
    for flag in ('-fstack-protector-strong', '-fstack-clash-protection', '-D_FORTIFY_SOURCE=2'):
        without = sum(flag not in command for command in commands)
        if without:
            yield f'{without} of {len(commands)} files are compiled without {flag}'
    if platform.machine() == 'x86_64':
        for archive in (*build.glob('src/*/*.a'), build / 'formats/libformats.a'):
            yield from check_branches(archive)
