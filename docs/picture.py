# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The pictures of the documentation, as SVG: boxes with arrows, and terminals. They need nothing else, and follow the reader's light or dark scheme."""
import html
import textwrap

STYLE = '''<style>
  .back { fill: #ffffff } .box { fill: #eef3fb; stroke: #3b6fb6 } .soft { fill: #f6f6f4; stroke: #8a8a80 } .word { fill: #1b1b1b } .small { fill: #555555 }
  .arrow { stroke: #555555; fill: none } .tip { fill: #555555 } .screen { fill: #fbfbf9; stroke: #c9c9c2 } .typed { fill: #14532d; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #16181c } .box { fill: #1e2a3d; stroke: #6d9de0 } .soft { fill: #24262b; stroke: #7b7b74 } .word { fill: #e8e8e4 } .small { fill: #a9a9a3 }
    .arrow { stroke: #a9a9a3 } .tip { fill: #a9a9a3 } .screen { fill: #101215; stroke: #3a3d43 } .typed { fill: #86e0a4 }
  }
  text { font: 14px system-ui, sans-serif } .mono { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre } .small { font-size: 12px } .title { font: 600 24px system-ui, sans-serif }
</style>'''


def page(width, height, title, body):
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker>'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
            f'<title>{html.escape(title)}</title>\n<defs>{tip}</defs>\n{STYLE}\n<rect class="back" width="{width}" height="{height}"/>\n{body}\n</svg>\n')


def box(left, top, width, height, name, text='', kind='box'):
    middle = left + width / 2
    lines = [f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}" rx="6"/>',
             f'<text class="word" x="{middle}" y="{top + (height / 2 + 5 if not text else 21)}" text-anchor="middle">{html.escape(name)}</text>']
    if text:
        lines.append(f'<text class="small" x="{middle}" y="{top + 39}" text-anchor="middle">{html.escape(text)}</text>')
    return '\n'.join(lines)


def arrow(*points):
    return f'<polyline class="arrow" marker-end="url(#tip)" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'


def ferry():
    """What goes in, and what comes out."""
    sources = (('VMware', '.vmx  .vmdk'), ('VirtualBox', '.vbox  .vdi'), ('Hyper-V', '.vmcx  .vhdx  .vhd'), ('XenServer, XCP-ng', '.xva  .vhd'),
               ('Proxmox VE', '.vma  .conf'), ('KVM: libvirt, QEMU', '.xml  .qcow2  .raw'), ('OVF packages', '.ova  .ovf'), ('Parallels, Apple, EnCase, ...', '.hdd  .dmg  .E01'))
    targets = sources[:2] + (('Hyper-V', '.ps1  .vhdx  .vhd'),) + sources[3:7] + (('Azure, AWS, GCE', 'a disk and a script to upload it'),)
    steps = ('read', 'judged by the rules', 'converted, on all cores', 'read again and compared', 'packed and signed', 'named when it is whole')
    height = 40 + 56 * len(sources)
    body = ['<text class="small" x="120" y="24" text-anchor="middle">files, pipes, devices, servers</text>',
            '<text class="small" x="680" y="24" text-anchor="middle">files, pipes, devices, servers</text>']
    for left, rows in ((10, sources), (570, targets)):
        for i, (name, text) in enumerate(rows):
            body.append(box(left, 36 + 56 * i, 220, 48, name, text, 'soft'))
    body += ['<rect class="box" x="290" y="92" width="220" height="336" rx="10"/>', '<text class="word title" x="400" y="136" text-anchor="middle">vmferry</text>']
    body += [f'<text class="word" x="400" y="{184 + 40 * i}" text-anchor="middle">{step}</text>' for i, step in enumerate(steps)]
    body += [arrow((230, 60 + 56 * i), (258, 60 + 56 * i), (288, 120 + 40 * i)) for i in range(len(sources))]
    body += [arrow((510, 120 + 40 * i), (540, 60 + 56 * i), (568, 60 + 56 * i)) for i in range(len(targets))]
    return page(800, height + 6, 'Disks and machines of any vendor go through vmferry into the formats of any other', '\n'.join(body))


def layers():
    rows = (('cli', 'one file a verb'), ('include/vmferry.h', 'what programs use'), ('machines, lint', 'machines of all formats with their disks'),
            ('package', 'made, verified, signed'), ('copy', 'the engine: the only threads'), ('image', 'what a disk image is'))
    body = [box(20, 16 + 62 * i, 330, 48, name, text) for i, (name, text) in enumerate(rows)]
    body += [arrow((185, 64 + 62 * i), (185, 76 + 62 * i)) for i in range(len(rows) - 1)]
    body += [box(400, 202, 300, 48, 'ovf, seal, xml', 'descriptors; manifests and certificates'), arrow((350, 226), (398, 226)),
             box(400, 326, 300, 48, 'formats', 'drivers map and place, and read no data'), arrow((350, 350), (398, 350)),
             box(20, 398, 680, 48, 'io, codec, hash, base', 'files, pipes, devices, servers; one packed unit; digests; errors and checked arithmetic', 'soft'),
             arrow((185, 374), (185, 396)), arrow((550, 374), (550, 396))]
    return page(720, 462, 'The layers of vmferry: each sees only those below', '\n'.join(body))


def block():
    steps = (('map', 'caller'), ('feed', 'caller'), ('fetch', 'worker'), ('unpack', 'worker'), ('zero?', 'worker'), ('hash', 'worker'), ('pack', 'worker'),
             ('place', 'caller'), ('write', 'worker'))
    body = []
    for i, (name, who) in enumerate(steps):
        body.append(box(14 + 78 * i, 40, 64, 50, name, who, 'box' if who == 'worker' else 'soft'))
        if i:
            body.append(arrow((78 * i, 65), (12 + 78 * i, 65)))
    body += ['<text class="small" x="14" y="24">one job: about 1 MiB of whole units of the guest disk; a fixed number of jobs is all the memory</text>',
             '<text class="small" x="170" y="114">any order, on all processors</text>', '<text class="small" x="545" y="114">in the order of the disk: the bytes never depend on threads</text>']
    return page(920, 128, 'The life of a block', '\n'.join(body))


def terminal(title, lines, columns=92):
    """lines: (typed by the person?, text); long ones go on below, at a blank."""
    lines = [(typed, part) for typed, text in lines
             for part in textwrap.wrap(('$ ' if typed else '') + text, columns, subsequent_indent=' ' * 4, break_on_hyphens=False) or ['']]
    body = [f'<rect class="screen" x="8" y="8" width="{columns * 8 + 16}" height="{len(lines) * 19 + 24}" rx="8"/>']
    for i, (typed, text) in enumerate(lines):
        body.append(f'<text class="mono {"typed" if typed else "word"}" x="20" y="{33 + 19 * i}">{html.escape(text)}</text>')
    return page(columns * 8 + 32, len(lines) * 19 + 40, title, '\n'.join(body))
