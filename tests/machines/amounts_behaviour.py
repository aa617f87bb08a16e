# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""Amounts that no machine can have, by each format that tells one: they are left out, which is told, and no writer writes one."""
import re

import model
import tap
import vmcx_maker
import xapi_behaviour as xapi

WRITTEN = ('vmx', 'libvirt', 'vbox', 'proxmox', 'xapi', 'hyperv', 'qm')
HYPERV = {'properties': {'name': 'web', 'subtype': 1, 'version': 2304}, 'manifest': {'size': 0}}


def domain(inside):
    return f'<domain type="kvm"><name>vm</name>{inside}<devices/></domain>'.encode()


def vmcx(memory, count):
    return vmcx_maker.make({**HYPERV, 'settings': {'memory': {'bank': {'size': memory}}, 'processors': {'count': count}}})


# What it is, the file, and the fields that nothing is said of.
ROWS = [
    ('libvirt: none online', 'vm.xml', domain('<memory>1048576</memory><vcpu current="0">2</vcpu>'), ['vcpus-online']),
    ('libvirt: more online than there are', 'vm.xml', domain('<memory>1048576</memory><vcpu current="3">2</vcpu>'), ['vcpus-online']),
    ('libvirt: no memory', 'vm.xml', domain('<memory>0</memory><vcpu>2</vcpu>'), ['memory']),
    ('libvirt: a balloon that leaves none', 'vm.xml', domain('<memory>1048576</memory><currentMemory>0</currentMemory><vcpu>2</vcpu>'), ['memory-least']),
    ('libvirt: a topology of nothing', 'vm.xml', domain('<memory>1048576</memory><vcpu>2</vcpu><cpu><topology sockets="0" dies="0" cores="0" threads="0"/></cpu>'),
     ['sockets', 'dies', 'cores', 'threads']),
    ('xapi: none online', 'ova.xml', xapi.text(vm={'VCPUs_at_startup': 0}).encode(), ['vcpus-online']),
    ('xapi: more online than there are', 'ova.xml', xapi.text(vm={'VCPUs_at_startup': 9}).encode(), ['vcpus-online']),
    ('xapi: no memory', 'ova.xml', xapi.text(vm={'memory_static_max': 0}).encode(), ['memory']),
    ('xapi: no memory, whatever is told', 'ova.xml', xapi.text(vm={'memory_static_max': 1 << 20, 'memory_dynamic_min': 2 << 20, 'memory_dynamic_max': 0}).encode(),
     ['memory-least', 'memory-most']),
    ('proxmox: more online than there are', 'vm.conf', b'cores: 2\nvcpus: 5\n', ['vcpus-online']),
    ('proxmox: a balloon of more than there is', 'vm.conf', b'memory: 512\nballoon: 1024\n', ['memory-least']),
    ('hyperv: no processor', 'vm.vmcx', vmcx(2048, 0), ['vcpus']),
]


@tap.rows([(title, name, data, absent) for title, name, data, absent in ROWS])
def test_what_no_machine_has_is_left_out(t, name, data, absent):
    found, findings = model.read(t, t.write(name, data))
    tap.equal({field: found.get(field) for field in absent}, dict.fromkeys(absent))
    told = [finding['text'] for finding in findings if finding['rule'] == 'machine-amount']
    tap.equal((len(told), all('it is left out' in text for text in told)), (len(absent), True), f'{told}')


@tap.rows([(f'{title}, as {form}', name, data, form) for title, name, data, _ in ROWS for form in WRITTEN])
def test_no_writer_writes_one(t, name, data, form):
    source = t.write(name, data)
    done = t.run(model.MODEL_OF, source, 'to=' + form, 'name=new', status=None)
    if done.returncode != 0:
        tap.contains(done.stderr, 'how much memory')
        return
    text = re.sub(r'uuid.*|UUID.*', '', done.stdout)
    tap.equal(re.findall(r'-Count 0\b|-MemoryStartupBytes 0\b|(?:cores|sockets|vcpus|memory)[:= ]+0\b', text), [], text)
    if form == 'qm' or (form == 'hyperv' and not done.stdout):
        return
    again, findings = model.read(t, t.write('again', done.stdout.encode()), 'as=' + form)
    tap.equal([finding for finding in findings if finding['rule'] == 'machine-amount'], [])
    online = again.get('vcpus-online', again.get('vcpus', 1))
    tap.equal((1 <= online <= again.get('vcpus', 1), again.get('memory', 1) > 0), (True, True), f'{again}')


if __name__ == '__main__':
    tap.main(globals())
