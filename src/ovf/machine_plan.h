/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine as it will be described: defaults filled in, in the words of the descriptor, each
 * device with its place, where one that no reader of packages takes has another in its stead. */
#ifndef VMF_OVF_MACHINE_PLAN_H
#define VMF_OVF_MACHINE_PLAN_H

#include "compose.h"
#include "guest_os.h"

/* ---- what VMware has, and others take from it ---- */

struct vmf_controller_kind {
  const char *name, *alias; /* as a person types it */
  enum vmf_bus bus;
  const char *model;   /* of the machine; NULL: any */
  const char *subtype; /* as the descriptor says it; NULL: none */
  unsigned family;     /* the first vmx-NN that has it */
};

enum { VMF_CONTROLLER_KINDS = 7 };
extern const struct vmf_controller_kind vmf_controller_kinds[VMF_CONTROLLER_KINDS];

/* How many controllers of a bus there may be, and how many disks each takes; 0: not this bus. */
struct vmf_bus_limit {
  const char *name;
  unsigned controllers, disks;
};
extern const struct vmf_bus_limit vmf_bus_limits[VMF_BUSES];

enum {
  VMF_SCSI_OWN_UNIT = 7,     /* the controller itself */
  VMF_PLAN_CONTROLLERS = 14, /* 2 IDE channels, 4 of the others */
  VMF_DEFAULT_VMX = 13,      /* ESXi 6.5: the first with secure boot and NVMe */
};

/* A model of a network card as a person types it, in any case, as the machine has it: "vmxnet3";
 * NULL: packages are not made with it. And how a descriptor calls one of the machine's. */
const char *vmf_ovf_nic_model(const char *typed);
const char *vmf_ovf_nic_subtype(const char *model);

/* ---- the plan ---- */

/* InstanceIDs: 0 the system itself, 1 the processors, 2 the memory, then controllers, drives,
 * network cards and the rest. */
enum { VMF_PLAN_CPU_ID = 1, VMF_PLAN_MEMORY_ID = 2, VMF_PLAN_FIRST_ID = 3 };

struct vmf_machine_plan_controller {
  const struct vmf_controller_kind *kind;
  unsigned number; /* on its bus, from 0 */
  uint64_t used;   /* a bit for each unit */
};

struct vmf_machine_plan_drive { /* of machine->disks */
  enum vmf_medium medium;
  bool left_out;     /* nothing that a package could hold */
  size_t controller; /* SIZE_MAX: none, a floppy drive */
  unsigned unit;
  unsigned number; /* among those of its medium, from 1 */
  size_t file;     /* number in the References, from 1; 0: none */
  size_t disk;     /* number in the DiskSection, from 1; 0: none */
};

struct vmf_machine_plan_nic {
  const char *model; /* as the descriptor says it */
  char *network;     /* owned */
  const char *mac;   /* "00:50:56:00:00:01"; NULL: none */
  bool connected;
  const struct vmf_machine_nic *nic;
};

struct vmf_machine_plan {
  const struct vmf_machine *machine;
  const struct vmf_compose_settings *settings;
  const struct vmf_compose_disk *files; /* of machine->disks */
  const struct vmf_guest_os *os;
  char *name, *id, *description; /* of the virtual system; description: NULL: none */
  char *family;                  /* VirtualSystemType */
  unsigned vmx;                  /* the highest of VMware's in it; 0: none */
  unsigned cpus, cores;          /* cores a socket; 0: not said */
  uint64_t mebibytes;
  const char *firmware; /* NULL: not said */
  struct vmf_machine_plan_controller controllers[VMF_PLAN_CONTROLLERS];
  size_t controller_count;
  struct vmf_machine_plan_drive *drives;
  struct vmf_machine_plan_nic *nics;
};

/* Points into its arguments. Freed with vmf_machine_plan_clear, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_machine_plan_make(const struct vmf_machine *machine,
                                                   const struct vmf_compose_settings *settings,
                                                   const struct vmf_compose_disk *files,
                                                   struct vmf_machine_plan *plan,
                                                   struct vmf_error *error);
void vmf_machine_plan_clear(struct vmf_machine_plan *plan);

/* ---- plan_storage.c: controllers and drives ---- */

VMF_MUST_CHECK enum vmf_code vmf_machine_plan_storage(struct vmf_machine_plan *plan,
                                                      struct vmf_error *error);

/* ---- machine_check.c ---- */

/* UTF-8 that XML can hold; `lines`: line feeds and tabs are allowed. `what` names the value. */
VMF_MUST_CHECK enum vmf_code vmf_machine_check_text(const char *what, const char *text, bool lines,
                                                    struct vmf_error *error);

/* A fresh copy with "?" for all that such a text cannot have. */
VMF_MUST_CHECK enum vmf_code vmf_machine_clean_text(const char *text, bool lines, char **clean,
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

/* What an item is made of: "Item" with "rasd", or of OVF 2.0 one of the newer two. */
struct vmf_compose_item {
  const char *element, *prefix;
};

void vmf_compose_leaf(struct vmf_markup *markup, const struct vmf_compose_item *item,
                      const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void vmf_compose_config(struct vmf_markup *markup, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void vmf_compose_hardware(struct vmf_markup *markup, const struct vmf_machine_plan *plan);
/* The devices that are neither controllers, drives nor network cards; `id` is the first of theirs.
 */
void vmf_compose_extras(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                        uint64_t id);
/* Keys of VMware's .vmx that have no element. */
void vmf_compose_vmx_keys(struct vmf_markup *markup, const struct vmf_machine_plan *plan);
void vmf_compose_os(struct vmf_markup *markup, const struct vmf_machine_plan *plan);
void vmf_compose_texts(struct vmf_markup *markup, const struct vmf_machine_plan *plan);

#endif
