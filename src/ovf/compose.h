/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing a descriptor for a machine that has none: strict, valid against the DMTF's schema of its
 * version, and in the words that VMware, VirtualBox, libvirt and the others understand. */
#ifndef VMF_OVF_COMPOSE_H
#define VMF_OVF_COMPOSE_H

#include "error.h"

/* A disk as the descriptor has it. Numbers may change between two calls with the same machine. */
struct vmf_compose_disk {
  const char *file_name;  /* href */
  const char *format_uri; /* see disk_format.h */
  uint64_t file_size;     /* ovf:size; 0: not known, left out */
  uint64_t capacity;      /* bytes */
  bool populated_known;
  uint64_t populated; /* bytes */
};

/* The whole descriptor, UTF-8, "\n" line ends, a fresh string. VMF_USAGE: an option of the machine
 * that does not exist or does not fit, saying what is accepted; more disks than the controllers
 * take. */
VMF_MUST_CHECK enum vmf_code vmf_compose(const struct vmf_machine_options *machine,
                                         const struct vmf_compose_disk *disks, size_t count,
                                         char **text, struct vmf_error *error);

#endif
