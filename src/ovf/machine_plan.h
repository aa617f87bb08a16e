/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine as it will be described: defaults filled in, names looked up, every value checked, each
 * disk with its place on a controller. */
#ifndef VMF_OVF_MACHINE_PLAN_H
#define VMF_OVF_MACHINE_PLAN_H

#include "compose.h"
#include "guest_os.h"
#include "machine.h"
#include "model.h"

struct vmf_controller_kind {
  const char *name, *alias; /* as a person types it */
  enum vmf_bus bus;
  const char *subtype; /* as the descriptor says it; NULL: none */
  unsigned family;     /* the first vmx-NN that has it */
};

enum {
  VMF_PLAN_CONTROLLERS = 14, /* 2 IDE channels, 4 of the others */
  VMF_PLAN_NICS = 10,        /* VMware's limit */
  VMF_PLAN_CPUS = 1024,
};

/* InstanceIDs: 0 the system itself, 1 the processors, 2 the memory, then these. */
enum { VMF_PLAN_CPU_ID = 1, VMF_PLAN_MEMORY_ID = 2, VMF_PLAN_FIRST_ID = 3 };

struct vmf_machine_plan_controller {
  const struct vmf_controller_kind *kind;
  unsigned number; /* on its bus, from 0 */
  unsigned used;   /* places */
};

struct vmf_machine_plan_disk {
  size_t controller;
  unsigned unit;
};

struct vmf_machine_plan_nic {
  const char *model, *network; /* the model as the descriptor says it */
  char mac[18];                /* "00:50:56:00:00:01"; "": none */
};

struct vmf_machine_plan {
  const struct vmf_machine_options *machine;
  enum vmf_ovf_version version;
  const struct vmf_guest_os *os;
  char *name, *id; /* of the virtual system */
  char *family;    /* VirtualSystemType */
  unsigned cpus;
  uint64_t mebibytes;
  const char *firmware; /* NULL: not said */
  struct vmf_machine_plan_controller controllers[VMF_PLAN_CONTROLLERS];
  size_t controller_count;
  struct vmf_machine_plan_disk *disks;
  struct vmf_machine_plan_nic nics[VMF_PLAN_NICS];
  size_t nic_count;
};

/* Points into `machine`. VMF_USAGE: see vmf_compose. Freed with vmf_machine_plan_clear, also on
 * failure. */
VMF_MUST_CHECK enum vmf_code vmf_machine_plan_make(const struct vmf_machine_options *machine,
                                                   const struct vmf_compose_disk *disks,
                                                   size_t count, struct vmf_machine_plan *plan,
                                                   struct vmf_error *error);
void vmf_machine_plan_clear(struct vmf_machine_plan *plan);

/* ---- machine_check.c ---- */

/* UTF-8 that XML can hold; `lines`: line feeds and tabs are allowed. `what` names the value. */
VMF_MUST_CHECK enum vmf_code vmf_machine_check_text(const char *what, const char *text, bool lines,
                                                    struct vmf_error *error);

/* All texts of a machine, its properties with their types included. */
VMF_MUST_CHECK enum vmf_code vmf_machine_check_texts(const struct vmf_machine_options *machine,
                                                     struct vmf_error *error);

/* Six octets in hexadecimal, with ':' or '-' or nothing between them; `mac` is how it is written.
 */
VMF_MUST_CHECK enum vmf_code vmf_machine_check_mac(const char *text, char mac[18],
                                                   struct vmf_error *error);

/* "vmx-13", or a list: *family is a fresh string, words joined by blanks; *vmx the highest of
 * VMware's in it, 0: none. */
VMF_MUST_CHECK enum vmf_code vmf_machine_check_family(const char *text, char **family,
                                                      unsigned *vmx, struct vmf_error *error);

/* ---- the parts of the descriptor ---- */

struct vmf_markup;

void vmf_compose_hardware(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                          size_t count);
void vmf_compose_os(struct vmf_markup *markup, const struct vmf_machine_plan *plan);
void vmf_compose_texts(struct vmf_markup *markup, const struct vmf_machine_options *machine);

#endif
