/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Changes of a machine, against what a reader finds of it. */
#ifndef VMF_MACHINE_MACHINE_EDITS_H
#define VMF_MACHINE_MACHINE_EDITS_H

#include "machine.h"

/* VMF_UNSUPPORTED, naming the first: something that was asked for is not what the machine says.
 * `name`: of its file. */
VMF_MUST_CHECK enum vmf_code vmf_machine_check_edits(const struct vmf_machine *machine,
                                                     const struct vmf_machine_edits *edits,
                                                     const char *name, struct vmf_error *error);

#endif
