# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The documentation as a site: whole, from nowhere else, and readable on a telephone and a desk, light and dark."""
import html
import os
import re
import sys

import tap

COLOURS = {'light': 'rgb(255, 255, 255)', 'dark': 'rgb(22, 24, 28)'}
MEASURE = '''<script>onload = () => {
  let told = "";
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument;
    told += frame.id + " " + page.documentElement.scrollWidth + " " + getComputedStyle(page.body).backgroundColor + "\\n";
  }
  document.body.innerHTML = "<pre id=told></pre>";
  document.getElementById("told").textContent = told;
}</script>'''


def site(t):
    for needed in ('mandoc', 'cmark-gfm'):
        tap.tool(needed)
    t.run(sys.executable, tap.SOURCE / 'docs/site.py', t.path('site'), env={'VMFERRY': os.path.abspath(tap.VMFERRY)})
    return sorted((t.folder / 'site').glob('*.html'))


def test_every_link_leads_to_something(t):
    pages = site(t)
    tap.equal(len(pages) > 15, True, 'pages')
    ids = {page.name: set(re.findall(r'\bid="([^"]+)"', page.read_text())) for page in pages}
    for page in pages:
        for target in re.findall(r'\b(?:href|src)="([^"]+)"', page.read_text()):
            name, _, part = target.partition('#')
            if '://' in name:
                continue
            tap.equal((t.folder / 'site' / name).exists() if name else True, True, f'{page.name}: {target}')
            if part and (name or page.name) in ids and page.name.count('.') > 1:  # of the manual
                tap.equal(part in ids[name or page.name], True, f'{page.name}: {target}')


def test_examples_of_the_manual_can_be_copied(t):
    """No empty lines, and no blanks before them, as a page of roff has."""
    site(t)
    tap.contains(t.read('site/vmferry-migration.7.html').decode(), '<pre>vmferry lint --for proxmox vm.vmx\nmkdir pve\n')


def test_nothing_comes_from_outside(t):
    for page in site(t):
        text = page.read_text()
        tap.equal(re.findall(r'<(?:script|iframe|object|embed)\b', text), [], page.name)
        tap.equal([target for target in re.findall(r'<(?:link|img)\b[^>]*(?:href|src)="([^"]+)"', text) if ':' in target], [], page.name)
    for name in ('style.css', 'ferry.svg', 'layers.svg', 'block.svg', 'recording.svg', 'disk.svg'):
        text = t.read('site/' + name).decode()
        tap.equal(re.findall(r'url\((?!#)|@import|(?:href|src)=', text), [], name)


@tap.rows([(f'{width} pixels, {scheme}', width, scheme) for width, scheme in ((390, 'dark'), (1280, 'light'))])
def test_pages_fit(t, width, scheme):
    """In a browser: no page is wider than its window, and the colours are the reader's."""
    browser = tap.tool('chromium')
    pages = site(t)
    frames = ''.join(f'<iframe id="{page.name}" width="{width}" height="900" srcdoc="{html.escape(page.read_text())}"></iframe>' for page in pages)
    t.write('site/all.html', f'<!DOCTYPE html><body>{frames}{MEASURE}'.encode())
    done = t.run(browser, '--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={t.path("profile")}', f'--blink-settings=preferredColorScheme={int(scheme == "light")}',
                 '--virtual-time-budget=20000', '--dump-dom', 'file://' + t.path('site/all.html'))
    told = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.S)
    rows = [line.split(' ', 2) for line in told[1].splitlines()]
    tap.equal([row[0] for row in rows], [page.name for page in pages], 'pages')
    tap.equal([row for row in rows if int(row[1]) > width], [], 'too wide')
    tap.equal({row[2] for row in rows}, {COLOURS[scheme]}, 'colours')


def test_the_pictures_of_the_readme_are_what_would_be_made_now(t):
    os.mkdir(t.path('now'))
    t.run(sys.executable, tap.SOURCE / 'docs/site.py', '--kept', t.path('now'), env={'VMFERRY': os.path.abspath(tap.VMFERRY)})
    for name in ('recording.svg', 'ferry.svg'):
        found, kept = (re.sub(r'[\d.]+ KiB', 'some KiB', text) for text in (t.read('now/' + name).decode(), (tap.SOURCE / 'docs' / name).read_text()))  # what zlib packs
        tap.equal(found, kept, 'docs/site.py --kept docs')


tap.main(globals())
