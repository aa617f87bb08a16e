/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Two descriptions of one machine: the second one says what the first does not. */
#ifndef VMF_MACHINE_ADOPT_H
#define VMF_MACHINE_ADOPT_H

#include "machine.h"

/* Fills what is not told in `machine`, by the tables of fields.h: its own fields, and those of
 * controllers, disks and network cards that are in the same place; cards without an address by
 * their order. Ports are taken over where it has none. Nothing else is added. */
VMF_MUST_CHECK enum vmf_code vmf_machine_adopt(struct vmf_machine *machine,
                                               const struct vmf_machine *other,
                                               struct vmf_error *error);

#endif
