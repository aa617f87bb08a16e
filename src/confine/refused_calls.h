/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * System calls that reading and writing disks never needs, and whoever took the process over would
 * need first. */
#ifndef VMF_CONFINE_REFUSED_CALLS_H
#define VMF_CONFINE_REFUSED_CALLS_H

#include <stdbool.h>

#include "error.h"

/* Whether they can be refused; *why, which is static, says why not. */
bool vmf_refused_calls_offered(const char **why);

/* From now on each of them fails with EPERM, and those of another architecture with ENOSYS.
 * network: other machines may be asked. */
VMF_MUST_CHECK enum vmf_code vmf_refuse_calls(bool network, struct vmf_error *error);

#endif
