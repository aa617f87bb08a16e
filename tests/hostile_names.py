# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Names that would leave their quotes: one list for all scripts and texts that are written of a machine. What runs by itself makes the file `owned`."""
import html

# characters that XML can carry, all printable but for line ends
LINES = ['a\ntouch owned\nb', 'a\r\ntouch owned', 'a\n# x', "a\n'\ntouch owned\n'", '@\'\nx\n\'@', 'a\nEOF\nb']
WORDS = [
    "it's", "''", "'", "'; touch owned; '", "a'; Remove-Item C:\\ -Recurse; '", "\\'x", "('", # quotes of shells and PowerShell
    'a"b', '"; touch owned; "', '"', '""',
    *(f'a{quote}; touch owned; {quote}b' for quote in '\u2018\u2019\u201a\u201b\u201c\u201d\xb4'),
    '$(touch owned)', '`touch owned`', '${IFS}touch', '$vm', '${key}', '$[1+1]', '`n', # what is put in place of
    '-rf', '--help', '--', '-', '-Generation', '--%', '@file', '+x', # options
    '%PATH%', '%s%n%n', '%2f', '50 % of it', '^&calc', '!!', '!PATH!', # cmd, printf, URLs, histories
    'a;touch owned', 'a|touch owned', 'a&touch owned&', '>owned', '<owned', '(touch owned)', '{a,b}', '*', '?', '[a-z]', '~', '~root', '#x', '# no comment', 'a=b', 'a|22b',
    'a\\', 'a\\b', '\\', '..', '../x', 'CON', 'a/b', '.', # paths
    '<x/>', '&amp;', ']]>', '<!--', '-->', '<#', '#>',
    'B\xfcro', '\u65e5\u672c', '\U0001f600' * 40, '\u202ertl', '\x85x', '\u2028x', '\xa0', 'a\tb',
    'long ' * 400 + '.',
]
NAMES = WORDS + LINES


def xml_text(name):
    """In an attribute or an element, with line ends and tabs that stay."""
    return html.escape(name, quote=True).replace('\n', '&#10;').replace('\r', '&#13;').replace('\t', '&#9;')
