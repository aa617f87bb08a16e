/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <vcpu> and <cpu>. */
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "reading.h"

enum { FLAGS = 256 }; /* further ones stay extras */

static enum vmf_code read_count(const struct vmf_taking *reading, const xmlNode *domain,
                                struct vmf_error *error)
{
  const xmlNode *vcpu = libvirt_child(domain, "vcpu");
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text text;

  VMF_TRY(vmf_taking_text(reading, vcpu, &text, error));
  VMF_TRY(vmf_taking_parse(reading, &text, "vcpu", VMF_MACHINE_CPUS, &machine->vcpus, error));
  if (machine->vcpus.told && machine->vcpus.value == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: <vcpu> is 0: a machine has at least one",
                    reading->name, text.line);
  return vmf_taking_number(reading, vcpu, "current", VMF_MACHINE_CPUS, &machine->vcpus_online,
                           error);
}

static enum vmf_code read_topology(const struct vmf_taking *reading, const xmlNode *cpu,
                                   struct vmf_error *error)
{
  const xmlNode *topology = libvirt_child(cpu, "topology");
  struct vmf_machine *machine = reading->machine;

  if (!topology)
    return VMF_OK;
  VMF_TRY(
      vmf_taking_number(reading, topology, "sockets", VMF_MACHINE_CPUS, &machine->sockets, error));
  VMF_TRY(vmf_taking_number(reading, topology, "dies", VMF_MACHINE_CPUS, &machine->dies, error));
  VMF_TRY(vmf_taking_number(reading, topology, "cores", VMF_MACHINE_CPUS, &machine->cores, error));
  VMF_TRY(
      vmf_taking_number(reading, topology, "threads", VMF_MACHINE_CPUS, &machine->threads, error));
  uint64_t product = vmf_told_or(machine->sockets, 1) * vmf_told_or(machine->dies, 1) *
                     vmf_told_or(machine->cores, 1) * vmf_told_or(machine->threads, 1);
  if (machine->vcpus.told && product != machine->vcpus.value)
    vmf_report_add(reading->report, VMF_SEVERITY_WARNING, "libvirt-topology", reading->name,
                   vmf_xml_line(topology), "the topology has %llu processors, <vcpu> says %llu",
                   (unsigned long long)product, (unsigned long long)machine->vcpus.value);
  return VMF_OK;
}

static enum vmf_code read_model(const struct vmf_taking *reading, const xmlNode *cpu,
                                struct vmf_error *error)
{
  struct vmf_told_text mode, name;
  const xmlNode *model = libvirt_child(cpu, "model");

  VMF_TRY(vmf_taking_peek(reading, cpu, "mode", &mode, error));
  if (mode.text && vmf_vendor_neutral(libvirt_cpu_modes, mode.text)) {
    vmf_taking_take(reading, cpu);
    return vmf_taking_name(reading, cpu, "mode", libvirt_cpu_modes, &reading->machine->cpu_model,
                           error);
  }
  VMF_TRY(vmf_taking_peek_text(reading, model, &name, error));
  if (!name.text || !name.text[0])
    return VMF_OK;
  vmf_taking_take(reading, cpu);
  if (mode.text && strcmp(mode.text, "custom") == 0)
    vmf_taking_mark(reading, cpu, "mode");
  return vmf_taking_text(reading, model, &reading->machine->cpu_model, error);
}

/* "+aes -pcid". The policies that ask more of the host than that stay extras.
 */
static enum vmf_code read_flags(const struct vmf_taking *reading, const xmlNode *cpu,
                                struct vmf_error *error)
{
  static const struct vmf_vendor_word policies[] = {{"require", '+'}, {"disable", '-'}, {NULL, 0}};
  struct vmf_told_text name, *flags = &reading->machine->cpu_flags;
  struct vmf_told_number policy;
  size_t count = 0;

  for (const xmlNode *feature = libvirt_child(cpu, "feature"); feature && count < FLAGS;
       feature = libvirt_next(feature), count++) {
    VMF_TRY(vmf_taking_peek(reading, feature, "name", &name, error));
    VMF_TRY(vmf_taking_word(reading, feature, "policy", policies, &policy, error));
    if (!name.text || strlen(name.text) > 64 || !policy.told)
      continue;
    vmf_taking_take(reading, feature);
    vmf_taking_mark(reading, feature, "name");
    VMF_TRY(vmf_taking_label(reading, feature, error, "feature[mapped]"));
    if (strcmp(name.text, "vmx") == 0 || strcmp(name.text, "svm") == 0)
      reading->machine->nested = vmf_told(policy.value == '+', name.line);
    VMF_TRY(vmf_machine_format_text(reading->machine, flags->text ? flags->line : name.line, flags,
                                    error, "%s%s%c%s", flags->text ? flags->text : "",
                                    flags->text ? " " : "", (char)policy.value, name.text));
  }
  return VMF_OK;
}

enum vmf_code libvirt_read_cpu(const struct vmf_taking *reading, const xmlNode *domain,
                               struct vmf_error *error)
{
  const xmlNode *cpu = libvirt_child(domain, "cpu");

  VMF_TRY(read_count(reading, domain, error));
  if (!cpu)
    return VMF_OK;
  VMF_TRY(read_model(reading, cpu, error));
  VMF_TRY(read_topology(reading, cpu, error));
  return read_flags(reading, cpu, error);
}
