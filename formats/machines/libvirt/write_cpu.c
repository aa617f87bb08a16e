/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <vcpu> and <cpu>. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "writing.h"

static void write_count(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;

  if (!machine->vcpus.told)
    return;
  vmf_keeping_start(&writing->keeping, "vcpu");
  if (machine->vcpus_online.told && machine->vcpus_online.value > 0 &&
      machine->vcpus_online.value <= machine->vcpus.value)
    vmf_keeping_fix(&writing->keeping, "vcpu", "current", "%" PRIu64, machine->vcpus_online.value);
  vmf_keeping_content(&writing->keeping, "vcpu", "%" PRIu64, machine->vcpus.value);
}

static bool has_topology(const struct vmf_machine *machine)
{
  return machine->sockets.told || machine->cores.told || machine->dies.told ||
         machine->threads.told;
}

/* What is not told of the four is 1, but for the sockets: they are what is left. */
static void write_topology(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  uint64_t vcpus = vmf_told_or(machine->vcpus, 1), dies = vmf_told_or(machine->dies, 1);
  uint64_t cores = vmf_told_or(machine->cores, 1), threads = vmf_told_or(machine->threads, 1);
  uint64_t socket = dies * cores * threads;
  uint64_t sockets = vmf_told_or(machine->sockets, socket > 0 ? vcpus / socket : 0);

  if (!has_topology(machine))
    return;
  bool bounded = dies <= VMF_MACHINE_CPUS && cores <= VMF_MACHINE_CPUS &&
                 threads <= VMF_MACHINE_CPUS && sockets <= VMF_MACHINE_CPUS;
  if (!bounded || sockets * socket != vcpus) {
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "sockets, dies, cores and threads do not multiply to the processors",
                     "sockets");
    return;
  }
  vmf_keeping_start(&writing->keeping, "cpu/topology");
  vmf_keeping_fix(&writing->keeping, "cpu/topology", "sockets", "%" PRIu64, sockets);
  if (machine->dies.told)
    vmf_keeping_fix(&writing->keeping, "cpu/topology", "dies", "%" PRIu64, dies);
  vmf_keeping_fix(&writing->keeping, "cpu/topology", "cores", "%" PRIu64, cores);
  vmf_keeping_fix(&writing->keeping, "cpu/topology", "threads", "%" PRIu64, threads);
  vmf_keeping_end(&writing->keeping, "cpu/topology");
}

/* "+aes -pcid"; a flag needs a model that it is added to. */
static void write_flags(struct libvirt_writing *writing)
{
  const char *flag = writing->machine->cpu_flags.text;

  for (; flag && *flag; flag += strcspn(flag, " ") + (strchr(flag, ' ') != NULL)) {
    char name[72];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(flag, " "), flag);
    if (name[0] != '+' && name[0] != '-')
      continue;
    if (strncmp(name + 1, "hv-", 3) == 0 || strcmp(name + 1, "nested-virt") == 0) {
      vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                       "libvirt knows no feature hv-... or nested-virt of a processor",
                       "cpu-flags");
      continue;
    }
    vmf_markup_start(&writing->keeping.markup, "feature");
    vmf_markup_attribute(&writing->keeping.markup, "policy", "%s",
                         name[0] == '+' ? "require" : "disable");
    vmf_markup_attribute(&writing->keeping.markup, "name", "%s", name + 1);
    vmf_markup_end(&writing->keeping.markup);
  }
}

/* The model that is written; NULL: QEMU's own, which has not what systems of today need
 * (x86-64-v2). Other platforms show a guest the processor of their host where nothing is said. */
static const char *choose_model(struct libvirt_writing *writing)
{
  const char *model = writing->machine->cpu_model.text;
  const char *silent = writing->x86 && !writing->keeping.native ? "host-model" : NULL;

  if (!model)
    return silent;
  if (strncmp(model, "x86-64-v", 8) != 0 && strncmp(model, "custom-", 7) != 0)
    return model;
  vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                   silent ? "libvirt has no such model; the processor is one like the host's"
                          : "libvirt has no such model; the processor is libvirt's default",
                   "cpu-model");
  return silent;
}

static void write_model(struct libvirt_writing *writing, const char *model)
{
  const char *mode = vmf_vendor_own(libvirt_cpu_modes, model);

  if (mode) {
    vmf_keeping_fix(&writing->keeping, "cpu", "mode", "%s", mode);
    vmf_keeping_enter(&writing->keeping, "cpu");
    return;
  }
  vmf_keeping_fix(&writing->keeping, "cpu", "mode", "custom");
  if (!writing->keeping.native)
    vmf_keeping_fix(&writing->keeping, "cpu", "match", "exact");
  vmf_keeping_enter(&writing->keeping, "cpu");
  vmf_keeping_start(&writing->keeping, "cpu/model");
  if (!writing->keeping.native)
    vmf_keeping_fix(&writing->keeping, "cpu/model", "fallback", "allow");
  vmf_keeping_content(&writing->keeping, "cpu/model", "%s", model);
}

void libvirt_write_cpu(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  const char *model = choose_model(writing);

  write_count(writing);
  if (machine->nested.value && !machine->cpu_flags.text)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "it depends on the model of the host's processor: add the feature vmx or svm",
                     "nested");
  if (vmf_keeping_value(&writing->keeping, "cpu") ||
      !(model || has_topology(machine) || vmf_keeping_keeps(&writing->keeping, "cpu")))
    return;
  vmf_keeping_start(&writing->keeping, "cpu");
  if (model)
    write_model(writing, model);
  else
    vmf_keeping_enter(&writing->keeping, "cpu");
  write_topology(writing);
  if (model || writing->keeping.native)
    write_flags(writing);
  vmf_keeping_leave(&writing->keeping, "cpu");
}
