# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""VHDX: logs that have to be written back, whole and spoilt. The image holds LARGE; a log that counts makes NEW of it, or
what a row says."""
from hostile_case import Row
from hostile_images import LARGE
from hostile_vhdx_images import MIB, NEW, NEW_IMAGE, OLD_IMAGE, PAGE, SIZE, made, save, vhdx

CHANGES = [(at, NEW_IMAGE[at:at + PAGE]) for at in range(vhdx.BLOCKS, SIZE, PAGE)
           if OLD_IMAGE[at:at + PAGE] != NEW_IMAGE[at:at + PAGE]]
LENGTH = PAGE * (1 + len(CHANGES))
END = MIB - PAGE
FIRST, REST = CHANGES[:1], CHANGES[1:]
GONE = [(vhdx.BAT, bytes(PAGE))]  # no block is present
FAR = 1 << 40
TABLES = OLD_IMAGE[192 * 1024:320 * 1024]


def entry(sequence, tail, changes=CHANGES, flushed=SIZE, last=SIZE, **more):
    return vhdx.log_entry(sequence, tail, changes, flushed, last, **more)


def row(title, placed, part='', status=0, guest=NEW, without=(0, 0), **more):
    """placed: (place in the ring, entry); without: place and length of what is zeros in the file."""
    def make(path):
        image = bytearray(vhdx.with_log(OLD_IMAGE, vhdx.ring(*placed)))
        image[without[0]:sum(without)] = bytes(without[1])
        save(path, bytes(image))
    return Row('VXLOG ' + title, make, part, status, guest=guest, name='x.vhdx', **more)


def pages(at, data):
    """As changes of an entry."""
    return [(at + place, data[place:place + PAGE]) for place in range(0, len(data), PAGE)]


def torn(data, at=-PAGE):
    """An entry whose last sector (or another byte) was not written."""
    data = bytearray(data)
    if at == -PAGE:
        data[-PAGE:] = bytes(PAGE)
    else:
        data[at] ^= 1
    return bytes(data)


def filler(sequence, length, tail=0):
    """An entry of that length that changes nothing: pages that are as they were."""
    heads = next(heads for heads in range(1, 9) if 64 + 32 * (length // PAGE - heads) <= heads * PAGE)
    same = [(at, OLD_IMAGE[at:at + PAGE]) for at in range(vhdx.METADATA + MIB // 2, vhdx.BAT, PAGE)]
    return entry(sequence, tail, (same * 2)[:length // PAGE - heads])


def wrapped(place):
    return [(place, entry(9, place))]


ORDER = [
    row('one entry', [(0, entry(1, 0))]),
    row('one entry in the middle', [(40 * PAGE, entry(1, 40 * PAGE))]),
    row('an entry around the end of the ring', wrapped(END)),
    row('an entry around the end of the ring, one page before', wrapped(END - PAGE)),
    row('an entry that ends with the ring', wrapped(MIB - LENGTH)),
    row('two entries', [(0, entry(1, 0, FIRST)), (2 * PAGE, entry(2, 0, REST))]),
    row('two entries, the second at the start of the ring',
        [(END - PAGE, entry(7, END - PAGE, FIRST)), (0, entry(8, END - PAGE, REST))]),
    row('two entries, the second around the end of the ring',
        [(END - 2 * PAGE, entry(7, END - 2 * PAGE, FIRST)), (END, entry(8, END - 2 * PAGE, REST))]),
    row('three entries around the end of the ring',
        [(END - PAGE, entry(7, END - PAGE, FIRST)), (0, entry(8, END - PAGE, [])), (PAGE, entry(9, END - PAGE, REST))]),
    row('a later entry counts more', [(0, entry(1, 0, [(at, bytes(PAGE)) for at, _ in CHANGES])), (
        LENGTH, entry(2, 0))]),
    row('only what the tail still needs', [(0, entry(1, 0, GONE)), (2 * PAGE, entry(2, 2 * PAGE))]),
    row('an entry without descriptors', [(0, entry(1, 0, []))], guest=LARGE),
    row('an entry without descriptors behind another one', [(0, entry(1, 0)), (LENGTH, entry(2, 0, []))]),
    row('numbers near 2^64', [(0, entry(2 ** 64 - 2, 0, FIRST)), (2 * PAGE, entry(2 ** 64 - 1, 0, REST))]),
    row('numbers around 2^32', [(0, entry(2 ** 32 - 1, 0, FIRST)), (2 * PAGE, entry(2 ** 32, 0, REST))]),
    row('a sequence as long as the ring', [(0, entry(1, 0, FIRST)), (2 * PAGE, entry(2, 0, REST)), (
        LENGTH + PAGE, filler(3, MIB - LENGTH - PAGE))]),
    row('a sequence as long as the ring, around its end', [(END, entry(1, END)), (
        LENGTH - PAGE, filler(2, MIB - LENGTH, END))]),
    row('descriptors over 4 KiB', [(0, entry(1, 0, [*[(vhdx.BAT + PAGE * (n % 200 + 8), PAGE) for n in range(126)],
                                                    *CHANGES]))]),
    row('the sector of descriptors is full', [(0, entry(1, 0, [*[(vhdx.BAT + PAGE, PAGE)] * (126 - len(CHANGES)),
                                                               *CHANGES]))]),
]

STALE = [
    row('a stale sequence at a higher place', [(80 * PAGE, entry(1, 80 * PAGE, GONE)), (0, entry(5, 0))]),
    row('a stale sequence at a lower place', [(0, entry(1, 0, GONE)), (80 * PAGE, entry(5, 80 * PAGE))]),
    row('a stale entry with the next place', [(0, entry(5, 0)), (LENGTH, entry(3, LENGTH, GONE))]),
    row('a longer stale sequence', [(0, entry(1, 0, GONE)), (2 * PAGE, entry(2, 0, GONE)), (
        4 * PAGE, entry(3, 0, GONE)), (80 * PAGE, entry(8, 80 * PAGE))]),
    row('an entry of another log', [(0, entry(5, 0)), (LENGTH, entry(6, 0, GONE, log_guid=b'of another log 1'))]),
    row('the last entry is torn', [(0, entry(1, 0)), (LENGTH, torn(entry(2, 0, GONE)))]),
    row('the last entry is torn in its header', [(0, entry(1, 0)), (LENGTH, torn(entry(2, 0, GONE), 60))]),
    row('a torn entry in the middle', [(0, entry(1, 0)), (LENGTH, torn(entry(2, 0, GONE))), (
        LENGTH + 2 * PAGE, entry(3, 0, GONE))]),
    row('a torn entry that nothing needs', [(0, torn(entry(1, 0, GONE))), (2 * PAGE, entry(2, 2 * PAGE))]),
    row('a gap in the numbers', [(0, entry(1, 0)), (LENGTH, entry(3, 0, GONE))]),
    row('two sequences with one last number', [(0, entry(5, 0)), (80 * PAGE, entry(5, 80 * PAGE, GONE))],
        'two sequences end with number 5', 2),
]

NONE = 'of its %d valid entries none ends a whole sequence'
BROKEN = [
    row('nothing in the ring', [], NONE % 0, 2),
    row('the only entry is torn', [(0, torn(entry(1, 0)))], NONE % 0, 2),
    row('the oldest entry is gone', [(0, torn(entry(1, 0))), (LENGTH, entry(2, 0))], NONE % 1, 2),
    row('a sequence longer than the ring', [(0, entry(1, 0)), (LENGTH, filler(2, MIB - LENGTH + PAGE))], NONE % 1, 2),
    row('the tail is no entry', [(0, entry(1, PAGE))], NONE % 1, 2),
    row('the tail is outside', [(0, entry(1, MIB))], NONE % 0, 2),
    row('the tail is no page', [(0, entry(1, 100))], NONE % 0, 2),
    row('sequence number 0', [(0, entry(0, 0))], NONE % 0, 2),
    *[row(f'an entry of {length} bytes', [(0, entry(1, 0, length=length))], NONE % 0, 2)
      for length in (0, 64, PAGE, LENGTH - 1, LENGTH + PAGE, MIB, 2 * MIB, 0xfffff000)],
    *[row(f'{count} descriptors', [(0, entry(1, 0, count=count))], NONE % 0, 2)
      for count in (len(CHANGES) - 1, len(CHANGES) + 1, 127, 0xffffffff)],
    row('replaying is forbidden', [(0, entry(1, 0))], '--no-replay', 2,
        command=('convert', '--no-replay', '-O', 'raw', '{}', 'out.raw')),
]

OUTSIDE = 'expected pages of 4096 bytes from byte 196608 on'
PLACES = [
    *[row(f'a page at byte {at}', [(0, entry(1, 0, [(at, bytes(PAGE))]))], OUTSIDE, 2)
      for at in (0, 65536, 131072, 192 * 1024 - PAGE, MIB, 2 * MIB - PAGE, vhdx.BLOCKS + 512, SIZE, FAR, 2 ** 64 - PAGE)],
    *[row(f'zeros from byte {at}, {length}', [(0, entry(1, 0, [(at, length)]))], OUTSIDE, 2)
      for at, length in ((vhdx.BLOCKS, 512), (vhdx.BLOCKS, 1 << 63), (vhdx.BLOCKS, 2 ** 64 - PAGE), (MIB // 2, MIB),
                         (2 ** 64 - PAGE, PAGE), (SIZE - PAGE, 2 * PAGE))],
    row('the region tables are mended by the log', [(0, entry(1, 0, [*CHANGES, *pages(192 * 1024, TABLES)]))],
        without=(192 * 1024, 128 * 1024)),
    row('the metadata are mended by the log', [(0, entry(1, 0, [*CHANGES, *pages(
        vhdx.METADATA, OLD_IMAGE[vhdx.METADATA:vhdx.METADATA + 17 * PAGE])]))], without=(vhdx.METADATA, 17 * PAGE)),
    row('the log moves the BAT onto itself', [(0, entry(1, 0, pages(192 * 1024, 2 * vhdx.region_table(
        [(vhdx.BAT_REGION, vhdx.LOG, MIB, 1), vhdx.REGION_ENTRIES[1]]))))], 'lies over the log', 2),
    row('the log moves a block onto itself', [(0, entry(1, 0, pages(
        vhdx.BAT, (vhdx.LOG | 6).to_bytes(8, 'little') + OLD_IMAGE[vhdx.BAT + 8:vhdx.BAT + PAGE])))],
        'lie over a header, the log', 2),
    row('zeros of no length', [(0, entry(1, 0, [*CHANGES, (vhdx.BLOCKS, 0)]))]),
    row('zeros over all blocks', [(0, entry(1, 0, [(vhdx.BLOCKS, SIZE - vhdx.BLOCKS)]))], guest=bytes(len(LARGE))),
    row('zeros and then pages', [(0, entry(1, 0, [(vhdx.BLOCKS, SIZE - vhdx.BLOCKS)])), (
        PAGE, entry(2, 0, [(at, NEW_IMAGE[at:at + PAGE]) for at in range(vhdx.BLOCKS, SIZE, PAGE)
                           if NEW_IMAGE[at:at + PAGE].strip(b'\0')]))]),
    row('pages and then zeros', [(0, entry(1, 0)), (LENGTH, entry(2, 0, [(vhdx.BLOCKS, MIB)]))],
        guest=bytes(MIB) + NEW[MIB:]),
    row('the BAT is logged', [(0, entry(1, 0, GONE))], guest=bytes(len(LARGE))),
    row('the metadata are logged', [(0, entry(1, 0, [(vhdx.METADATA, PAGE)]))], 'no VHDX metadata table', 2),
    row('the region tables are logged', [(0, entry(1, 0, [(192 * 1024, 128 * 1024)]))], 'no VHDX region table', 2),
    row('the file was longer', [(0, entry(1, 0, flushed=SIZE + MIB))], 'it is truncated', 2),
    row('the file gets longer', [(0, entry(1, 0, [*CHANGES, (vhdx.BAT, (SIZE | 6).to_bytes(8, 'little') +
                                                             OLD_IMAGE[vhdx.BAT + 8:vhdx.BAT + PAGE])], last=SIZE + MIB))],
        guest=bytes(MIB) + NEW[MIB:]),
    row('the file gets as long as 2^64-1', [(0, entry(1, 0, last=2 ** 64 - 1))], 'at most 2^63 are possible', 2),
    row('the file gets as long as 2^62', [(0, entry(1, 0, last=1 << 62))]),
]


def nested():
    """Every sector starts an entry that goes to the end of the ring: a quadratic number of bytes to sum up."""
    ring = bytearray(MIB)
    for at in range(END - PAGE, -1, -PAGE):
        sectors = (MIB - at) // PAGE - 1
        head = vhdx.log_entry(1, 0, [], length=sectors * PAGE, count=sectors - 1)
        ring[at:at + 64] = head[:64]
    return bytes(ring)


ROWS = ORDER + STALE + BROKEN + PLACES + [
    Row('VXLOG entries that hold each other', made(lambda: vhdx.with_log(OLD_IMAGE, nested())), NONE % 1, 2, name='x.vhdx'),
]
