/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which device of a machine is which one of the same machine in another format. */
#ifndef VMF_MACHINE_PAIRS_H
#define VMF_MACHINE_PAIRS_H

#include "machine_format.h"

/* *pairs: for each element of the list in `before` the index of its like in `after`, or SIZE_MAX; a
 * fresh array. */
VMF_MUST_CHECK enum vmf_code vmf_machine_pair(const struct vmf_field_list *list,
                                              const struct vmf_machine *before,
                                              const struct vmf_machine *after,
                                              const struct vmf_machine_target *target,
                                              size_t **pairs, struct vmf_error *error);

#endif
