# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Web servers that send no parts of files: what one pass is enough for is read as it comes, all else is stored first."""
import gzip
import os

import remote_servers
import tap
from remote_disk import CONFINED, MIB, RAW, converted, refused
from remote_servers import Site


def http():
    tap.needs('libcurl')


def test_no_ranges(t):
    http()
    t.write('disk.raw', RAW)
    t.vmferry('convert', 'disk.raw', 'disk.qcow2')
    size = len(t.read('disk.qcow2'))
    with remote_servers.nginx(t, 'max_ranges 0;') as url:
        converted(t, f'{url}/disk.qcow2', *CONFINED)
        tap.contains(t.vmferry('convert', '-v', '-O', 'raw', f'{url}/disk.qcow2', 'out.raw').stderr, 'is stored in')
        os.mkdir(t.path('store'))
        for options in ((), CONFINED):
            done = t.vmferry('convert', '-v', *options, '--spool', 'store', f'--max-size={size}', '-O', 'raw', f'{url}/disk.qcow2', 'out.raw')
            tap.contains(done.stderr, 'is stored in store first')
        refused(t, f'{url}/disk.qcow2', 2, '--max-size', options=(f'--max-size={size - 1}',))
        refused(t, f'{url}/disk.qcow2', 1, 'nowhere', options=('--spool', 'nowhere'))
        t.vmferry('compare', f'{url}/disk.raw', 'disk.raw')


def streamed(t):
    """What could come on a pipe as well, all of it larger than what is kept of its beginning."""
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-o', 'subformat=streamOptimized', 'disk.raw', 'disk.vmdk')
    t.write('disk.vmdk.gz', gzip.compress(t.read('disk.vmdk'), 1))
    t.vmferry('pack', '-o', 'vm.ova', 'disk.raw')
    t.vmferry('convert', 'vm.ova', 'vm.xva')


@tap.rows([('raw', 'disk.raw'), ('streamOptimized', 'disk.vmdk'), ('packed', 'disk.vmdk.gz')])
def test_what_comes_as_a_whole_is_read_as_it_comes(t, name):
    http()
    streamed(t)
    with remote_servers.nginx(t, 'max_ranges 0;') as url:
        for options in ([], CONFINED, ['-m', '7', '--max-size', '20M']):
            done = t.vmferry('convert', '-v', *options, '-O', 'raw', f'{url}/{name}', 'out.raw')
            tap.equal((t.read('out.raw') == RAW, 'is stored' in done.stderr), (True, False), done.stderr)
            os.remove(t.path('out.raw'))
        plain = t.vmferry('checksum', 'disk.raw').stdout.split()[0]
        done = t.vmferry('checksum', '-v', f'{url}/{name}')
        tap.equal((done.stdout.split()[0], 'is stored' in done.stderr), (plain, False), 'checksum')
        tap.contains(t.vmferry('convert', '-v', '--resize', '+1M', '-O', 'raw', f'{url}/{name}', 'out.raw').stderr, 'is stored')
        t.vmferry('compare', f'{url}/{name}', 'disk.raw')


def test_a_machine_that_comes_as_a_whole(t):
    http()
    streamed(t)
    with remote_servers.nginx(t, 'max_ranges 0;') as url:
        for name, expected in ('vm.xva', False), ('vm.ova', True):
            os.mkdir(t.path(f'from {name}'))
            done = t.vmferry('convert', '-v', f'{url}/{name}', f'from {name}/m.vmx')
            tap.equal('is stored' in done.stderr, expected, done.stderr)
            t.vmferry('compare', 'disk.raw', f'from {name}/m-disk1.vmdk')


DATE = 'Mon, 02 Nov 2026 10:00:00 GMT'


def cut_off(handler, length):
    handler.say(200, RAW[:length], Content_Length=str(len(RAW)), ETag='"one"', Last_Modified=DATE)
    handler.close_connection = True


def cut_off_but(answer):
    """A server without ranges, which breaks off behind the first bytes, and answers the second time as it likes."""
    return lambda handler, number: answer(handler) if number > 1 else cut_off(handler, 3 * MIB // 2)


def test_a_stream_that_is_cut_off(t):
    http()
    with Site(lambda handler, _: cut_off(handler, 5 * MIB)) as site:
        refused(t, site.url + '/disk.raw', 75, 'try once more')


@tap.rows([
    ('another tag', lambda handler: handler.say(200, RAW, ETag='"two"', Last_Modified=DATE), 6, 'changed'),
    ('another date', lambda handler: handler.say(200, RAW, ETag='"one"', Last_Modified='Mon, 02 Nov 2026 10:00:01 GMT'), 6, 'changed'),
    ('not the same any more', lambda handler: handler.say(412), 6, 'changed'),
    ('shorter', lambda handler: handler.say(200, RAW[:-512], ETag='"one"', Last_Modified=DATE), 3, 'disk.raw'),
    ('longer', lambda handler: handler.say(200, RAW + bytes(512), ETag='"one"', Last_Modified=DATE), 3, 'disk.raw'),
    ('another of the same tag', lambda handler: handler.say(200, RAW[1:] + RAW[:1], ETag='"one"', Last_Modified=DATE), 6, 'does not begin any more')])
def test_a_file_that_is_another_one_the_second_time(t, answer, status, word):
    http()
    with Site(cut_off_but(answer)) as site:
        refused(t, site.url + '/disk.raw', status, word, options=('--resize', '32M'))
        tap.equal(len(site.requests) > 1, True, 'the second time')


def test_another_file_of_which_nothing_tells(t):
    """No tag, no date, the same size: its first bytes are held against those that came when it was opened."""
    http()
    other = bytes([RAW[0] ^ 1]) + RAW[1:]
    for number, content in enumerate((RAW, other)):
        t.write('disk.raw', content)
        t.vmferry('convert', '-O', 'vpc', '-o', 'subformat=fixed,force_size=on', 'disk.raw', f'{number}')
    with Site(lambda handler, number: handler.say(200, t.read('0' if number == 1 else '1'))) as site:
        refused(t, f'{site.url}/disk.vhd', 6, 'does not begin any more')


def test_a_stream_that_ends_as_a_vhd(t):
    http()
    t.write('disk.raw', RAW)
    t.vmferry('convert', '-O', 'vpc', '-o', 'subformat=fixed,force_size=on', 'disk.raw', 'disk.vhd')
    with Site(lambda handler, _: handler.say(200, t.read('disk.vhd'))) as site:
        refused(t, site.url + '/disk.raw', 2, 'last bytes are those of format vpc')
        converted(t, site.url + '/disk.vhd')


@tap.rows([
    ('cut off', lambda handler: handler.say(200, RAW[:100], Content_Length=str(len(RAW))) or setattr(handler, 'close_connection', True), 75, 'tried'),
    ('without an end', lambda handler: handler.endless(), 9, 'no ranges'),
    ('more than there is room for', lambda handler: handler.say(200, bytes(2 * MIB), Content_Length=str(1 << 60)), 4, 'no room'),
    ('a page', lambda handler: handler.say(200, b'<html>', Content_Type='text/html'), 2, 'a page'),
    ('packed', lambda handler: handler.say(200, RAW, Content_Encoding='gzip'), 9, 'packs what it sends')])
def test_a_whole_file_that_is_none(t, answer, status, word):
    http()
    with Site(lambda handler, _: answer(handler)) as site:
        refused(t, site.url + '/disk.vhd', status, word, options=('--retry-time', '1'))


if __name__ == '__main__':
    tap.main(globals())
