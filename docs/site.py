# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""site.py FOLDER, or site.py --kept FOLDER (the pictures in docs/, which README shows): all documentation as one static site: README, manual, what is told of the source, pictures. Nothing comes from outside. VMFERRY: the
program whose output is shown. Needs mandoc and cmark-gfm."""
import os
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

import picture

SOURCE = pathlib.Path(__file__).resolve().parent.parent
VMFERRY = os.environ.get('VMFERRY', str(SOURCE / 'build/vmferry'))
MANUAL = ('src/cli/vmferry.1', 'src/cli/vmferry-formats.5', 'docs/vmferry-machines.5', 'src/cli/vmferry-findings.7', 'docs/vmferry-migration.7',
          'docs/libvmferry.3')
TEXTS = ('README.md', 'CHANGELOG.md', 'COMPATIBILITY.md', 'SECURITY.md', 'CONTRIBUTING.md', 'contrib/README.md', 'examples/README.md', 'packaging/README.md', 'src/README.md',
         'formats/README.md', 'formats/machines/README.md', 'test-images/README.md', 'tests/bench/README.md')
STYLE = '''
:root { color-scheme: light dark; --back: #ffffff; --word: #1b1b1b; --soft: #f3f3f0; --line: #d4d4cd; --link: #1d4f91 }
@media (prefers-color-scheme: dark) { :root { --back: #16181c; --word: #e4e4df; --soft: #22252b; --line: #3c3f46; --link: #8db8f2 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--word); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
nav, main { max-width: 60rem; margin: 0 auto; padding: 0 1rem }
nav { padding-top: .8rem; padding-bottom: .8rem; border-bottom: 1px solid var(--line) }
nav a { margin-right: 1rem; white-space: nowrap; display: inline-block }
main { padding-bottom: 4rem }
a { color: var(--link) }
h1, h2, h3 { line-height: 1.25 }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; border-radius: 6px; overflow-wrap: normal }
code, pre, .Bl-tag > dt { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em }
table { display: block; overflow-x: auto; border-collapse: collapse; overflow-wrap: normal }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; vertical-align: top; text-align: left }
table.head, table.foot { display: table; width: 100% } table.head td, table.foot td { border: 0; padding: 0 }
table.head td, table.foot td { width: 33% } .head-vol, .foot-date { text-align: center } .head-rtitle, .foot-os { text-align: right }
.permalink { color: inherit; text-decoration: none } h1.Sh { font-size: 1.5rem } h2.Ss { font-size: 1.2rem }
img { max-width: 100%; height: auto }
p:has(> img) { overflow-x: auto }
@media (max-width: 40rem) { img { max-width: none; width: 42rem } }
'''


def place_of(path):
    """The file of the site that a file of the source becomes."""
    if path in ('README.md', 'pictures'):
        return 'index.html' if path == 'README.md' else 'pictures.html'
    if path in MANUAL:
        return posixpath.basename(path) + '.html'
    if path in TEXTS:
        return path.lower().replace('/readme.md', '').replace('/', '-').removesuffix('.md') + '.html'
    return 'files/' + path


def tool(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=SOURCE, text=True).stdout


def whole(title, body):
    links = [('Start', 'README.md'), ('Manual', MANUAL[0]), ('Formats', MANUAL[1]), ('Machines', MANUAL[2]), ('Migration', MANUAL[4]), ('Findings', MANUAL[3]),
             ('Library', MANUAL[5]), ('Source', 'src/README.md'), ('Pictures', 'pictures'), ('Changes', 'CHANGELOG.md')]
    bar = ' '.join(f'<a href="{place_of(path)}">{name}</a>' for name, path in links)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{title}</title><link rel="stylesheet" href="style.css"></head>\n<body><nav>{bar}</nav>\n<main>{body}</main></body></html>\n')


class Site:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.copied = set()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def link(self, text, target):
        """A link of a text to another file of the source."""
        path, _, part = target.partition('#')
        if not path or '://' in path:
            return target
        path = posixpath.normpath(posixpath.join(posixpath.dirname(text), path))
        path = path + '/README.md' if (SOURCE / path / 'README.md').is_file() else path
        if not (SOURCE / path).exists():
            raise SystemExit(f'{text}: leads to {target}, which is not there')
        if place_of(path).startswith('files/') and (SOURCE / path).is_file():
            self.copied.add(path)
            (self.folder / 'files' / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SOURCE / path, self.folder / 'files' / path)
        return place_of(path) + ('#' + part if part else '')

    def text(self, path):
        body = tool('cmark-gfm', '-e', 'table', '--unsafe', path)
        body = re.sub(r'(href|src)="([^"]+)"', lambda found: f'{found[1]}="{self.link(path, found[2])}"', body)
        title = re.search(r'<h1>(.*?)</h1>', body)
        self.write(place_of(path), whole(title[1] if title else path, body))

    def page(self, path):
        body = tool('mandoc', '-Thtml', '-Ofragment,man=%N.%S.html', path)
        body = re.sub(r'<pre>(.*?)</pre>', lambda found: '<pre>' + textwrap.dedent(re.sub(r'\n?<br/>\n', '\n', found[1])).strip('\n') + '</pre>', body, flags=re.S)
        name = posixpath.basename(path)
        known = {posixpath.basename(each) for each in MANUAL}
        body = re.sub(r'<a class="Xr"[^>]*href="([^"]+)\.html"[^>]*>(.*?)</a>', lambda found: found[0] if found[1] in known else found[2], body)
        self.write(place_of(path), whole(f'{name[:-2]}({name[-1]})', body))

    def pictures(self):
        self.write('ferry.svg', picture.ferry())
        self.write('layers.svg', picture.layers())
        self.write('block.svg', picture.block())
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(SOURCE / 'test-images/good-vmdk-stream.vmdk', folder + '/disk.vmdk')
            self.write('recording.svg', picture.terminal('A conversion', recording(folder)))
            subprocess.run([VMFERRY, 'map', '--picture', 'disk.svg', 'disk.qcow2'], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            shutil.copy(folder + '/disk.svg', self.folder / 'disk.svg')
        body = ''.join(f'<h2>{title}</h2><p>{text}</p><p><img src="{name}" alt="{title}"></p>' for title, text, name in (
            ('What goes in, and what comes out', 'Each of these into each of those.', 'ferry.svg'),
            ('A conversion', 'What a terminal shows.', 'recording.svg'),
            ('The layers', 'Each sees only those below; a forbidden include does not compile.', 'layers.svg'),
            ('The life of a block', 'Everything that costs time runs on all processors, and the bytes are always the same.', 'block.svg'),
            ('The map of a disk', 'How a small QCOW2 disk is stored, as <code>vmferry map --picture</code> draws it.', 'disk.svg')))
        self.write('pictures.html', whole('Pictures', '<h1>Pictures</h1>' + body))


def recording(folder):
    """A session of a shell, as it really runs."""
    lines = []
    for command in ('vmferry convert --verify disk.vmdk disk.qcow2', 'vmferry compare disk.vmdk disk.qcow2', 'vmferry checksum disk.vmdk disk.qcow2',
                    'vmferry pack --os ubuntu-64 --memory 2G disk.qcow2 -o vm.ova', 'vmferry verify vm.ova', 'vmferry lint --for azure disk.qcow2'):
        done = subprocess.run([VMFERRY, *command.split()[1:]], cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode not in (0, 3):  # 3: lint has something to tell
            raise SystemExit(f'{command}: exit {done.returncode}: {done.stdout}')
        lines += [(True, command)] + [(False, line) for line in done.stdout.splitlines()]
    return lines


def main():
    if sys.argv[1] == '--kept':
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(SOURCE / 'test-images/good-vmdk-stream.vmdk', folder + '/disk.vmdk')
            (pathlib.Path(sys.argv[2]) / 'recording.svg').write_text(picture.terminal('A conversion', recording(folder)))
        (pathlib.Path(sys.argv[2]) / 'ferry.svg').write_text(picture.ferry())
        return
    site = Site(sys.argv[1])
    site.write('style.css', STYLE)
    for path in TEXTS:
        site.text(path)
    for path in MANUAL:
        site.page(path)
    site.pictures()


if __name__ == '__main__':
    main()
