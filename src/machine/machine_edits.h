/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Changes of a machine: which a format can hold, and whether they have come about. */
#ifndef VMF_MACHINE_MACHINE_EDITS_H
#define VMF_MACHINE_MACHINE_EDITS_H

#include "machine.h"

/* What can be changed. */
enum vmf_edit_part {
  VMF_EDIT_NAME = 1 << 0,
  VMF_EDIT_CPUS = 1 << 1,
  VMF_EDIT_MEMORY = 1 << 2,
  VMF_EDIT_NETWORKS = 1 << 3,
  VMF_EDIT_NICS = 1 << 4,
  VMF_EDIT_OS = 1 << 5,
  VMF_EDIT_FIRMWARE = 1 << 6,
  VMF_EDIT_ANNOTATION = 1 << 7,
  VMF_EDIT_DRIVES = 1 << 8,
  VMF_EDIT_PROPERTIES = 1 << 9,
  VMF_EDIT_EULAS = 1 << 10,
};

/* VMF_UNSUPPORTED: something is asked for that is not among `parts`, a sum of these; the message
 * has those that are. `name`: of the file. */
VMF_MUST_CHECK enum vmf_code vmf_machine_edits_fit(const struct vmf_machine_edits *edits,
                                                   unsigned parts, const char *name,
                                                   struct vmf_error *error);

/* What a network is called after the changes. */
const char *vmf_machine_edited_network(const struct vmf_machine_edits *edits, const char *network);

/* VMF_USAGE: a network that is to be called otherwise has no card of the machine on it; or there is
 * no card of a number. */
VMF_MUST_CHECK enum vmf_code vmf_machine_edits_find(const struct vmf_machine *machine,
                                                    const struct vmf_machine_edits *edits,
                                                    const char *name, struct vmf_error *error);

/* VMF_UNSUPPORTED, naming the first: something that was asked for is not what the machine says now,
 * or a network card is another one that was to stay. `name`: of its file. */
VMF_MUST_CHECK enum vmf_code vmf_machine_check_edits(const struct vmf_machine *before,
                                                     const struct vmf_machine *after,
                                                     const struct vmf_machine_edits *edits,
                                                     const char *name, struct vmf_error *error);

#endif
