# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Ends a test run: count_points.py STATUS JUNIT-FILE... prints "N passed, N failed" as the last line.

STATUS is not 0 when a part of the run failed in a way that no point tells (a build that broke)."""
import sys
import xml.etree.ElementTree

passed = failed = skipped = 0
lost = []
for name in sys.argv[2:]:
    try:
        root = xml.etree.ElementTree.parse(name).getroot()
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        lost.append(f'{name}: {error}')
        continue
    for case in root.iter('testcase'):
        kinds = {child.tag for child in case}
        if kinds & {'failure', 'error'}:
            failed += 1
            print(f'FAILED: {name.split("/")[0]}: {case.get("classname")}: {case.get("name")}')
        elif 'skipped' in kinds:
            skipped += 1
        else:
            passed += 1
for text in lost:
    print(f'FAILED: no results: {text}')
failed += len(lost)
if sys.argv[1] != '0' and failed == 0:
    print('FAILED: a part of the run ended badly; see above')
    failed += 1
if skipped:
    print(f'{skipped} skipped')
print(f'{passed} passed, {failed} failed')
sys.exit(1 if failed else 0)
