/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing a descriptor for a machine that has none: strict, valid against the DMTF's schema of its
 * version, and in the words that VMware, VirtualBox, libvirt and the others understand. */
#ifndef VMF_OVF_COMPOSE_H
#define VMF_OVF_COMPOSE_H

#include "machine_format.h"
#include "model.h"

/* A disk as the descriptor has it. Numbers may change between two calls with the same machine. */
struct vmf_compose_disk {
  const char *file_name;  /* href; NULL: an empty drive, or a disk of zeros without a file */
  const char *format_uri; /* see disk_format.h */
  uint64_t file_size;     /* ovf:size; 0: not known, left out */
  uint64_t capacity;      /* bytes; 0: a medium that is no disk, or a disk that is left out */
  bool populated_known;
  uint64_t populated; /* bytes */
};

struct vmf_compose_settings {
  enum vmf_ovf_version version;            /* VMF_OVF_1 or VMF_OVF_2 */
  const struct vmf_machine_options *texts; /* product, properties and licences, all else as the
                                            * person asked for it; NULL: none, and devices that
                                            * VMware has not are replaced */
  bool copy;                               /* no uuid, no addresses of network cards */
  const struct vmf_machine_losses *losses; /* or NULL */
};

/* The whole descriptor, UTF-8, "\n" line ends, a fresh string. disks: of machine->disks, in their
 * order. VMF_UNSUPPORTED: no package can hold such a machine. */
VMF_MUST_CHECK enum vmf_code vmf_compose(const struct vmf_machine *machine,
                                         const struct vmf_compose_settings *settings,
                                         const struct vmf_compose_disk *disks, char **text,
                                         struct vmf_error *error);

/* The same of what a person says of a machine, and its disks. VMF_USAGE: an option of the machine
 * that does not exist or does not fit, saying what is accepted; more disks than the controllers
 * take. */
VMF_MUST_CHECK enum vmf_code vmf_compose_options(const struct vmf_machine_options *options,
                                                 const struct vmf_compose_disk *disks, size_t count,
                                                 char **text, struct vmf_error *error);

#endif
