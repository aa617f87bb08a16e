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
  libvirt_start(writing, "vcpu");
  if (machine->vcpus_online.told && machine->vcpus_online.value > 0 &&
      machine->vcpus_online.value <= machine->vcpus.value)
    libvirt_fix(writing, "vcpu", "current", "%" PRIu64, machine->vcpus_online.value);
  libvirt_content(writing, "vcpu", "%" PRIu64, machine->vcpus.value);
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
  libvirt_start(writing, "cpu/topology");
  libvirt_fix(writing, "cpu/topology", "sockets", "%" PRIu64, sockets);
  if (machine->dies.told)
    libvirt_fix(writing, "cpu/topology", "dies", "%" PRIu64, dies);
  libvirt_fix(writing, "cpu/topology", "cores", "%" PRIu64, cores);
  libvirt_fix(writing, "cpu/topology", "threads", "%" PRIu64, threads);
  libvirt_end(writing, "cpu/topology");
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
    vmf_markup_start(&writing->markup, "feature");
    vmf_markup_attribute(&writing->markup, "policy", "%s", name[0] == '+' ? "require" : "disable");
    vmf_markup_attribute(&writing->markup, "name", "%s", name + 1);
    vmf_markup_end(&writing->markup);
  }
}

/* The model that is written; NULL: libvirt's own. */
static const char *choose_model(struct libvirt_writing *writing)
{
  const char *model = writing->machine->cpu_model.text;

  if (!model || strncmp(model, "x86-64-v", 8) != 0)
    return model;
  vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                   "libvirt has no such model; the processor is libvirt's default", "cpu-model");
  return NULL;
}

static void write_model(struct libvirt_writing *writing, const char *model)
{
  const char *mode = libvirt_own(libvirt_cpu_modes, model);

  if (mode) {
    libvirt_fix(writing, "cpu", "mode", "%s", mode);
    libvirt_enter(writing, "cpu");
    return;
  }
  libvirt_fix(writing, "cpu", "mode", "custom");
  if (!writing->native)
    libvirt_fix(writing, "cpu", "match", "exact");
  libvirt_enter(writing, "cpu");
  libvirt_start(writing, "cpu/model");
  if (!writing->native)
    libvirt_fix(writing, "cpu/model", "fallback", "allow");
  libvirt_content(writing, "cpu/model", "%s", model);
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
  if (libvirt_kept(writing, "cpu") ||
      !(model || has_topology(machine) || libvirt_keeps(writing, "cpu")))
    return;
  libvirt_start(writing, "cpu");
  if (model)
    write_model(writing, model);
  else
    libvirt_enter(writing, "cpu");
  write_topology(writing);
  if (model || writing->native)
    write_flags(writing);
  libvirt_leave(writing, "cpu");
}
