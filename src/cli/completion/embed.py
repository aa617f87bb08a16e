# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""embed.py FILE... OUTPUT: C source with the text of each file, under the name of the shell, which is its suffix."""
import pathlib
import sys


def literal(line):
    return '    "' + line.replace('\\', '\\\\').replace('"', '\\"').replace('\t', '\\t') + '\\n"'


def main():
    *files, output = map(pathlib.Path, sys.argv[1:])
    texts = ('const char vmf_completion_' + file.suffix[1:] + '[] =\n' + '\n'.join(map(literal, file.read_text().splitlines())) + ';\n'
             for file in files)
    output.write_text('/* Made by embed.py. */\n#include "completion.h"\n\n' + ''.join(texts))


main()
