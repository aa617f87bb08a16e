/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The time that outputs are given: the clock's, or that of SOURCE_DATE_EPOCH in the environment
 * (reproducible-builds.org/specs/source-date-epoch), with which equal work gives equal bytes. */
#ifndef VMF_BASE_EPOCH_H
#define VMF_BASE_EPOCH_H

#include <stdint.h>

#include "error.h"

struct vmf_epoch {
  bool fixed;      /* by the environment */
  int64_t seconds; /* since 1970-01-01 UTC, to the end of the year 9999 */
};

/* VMF_USAGE when SOURCE_DATE_EPOCH is set and is not such a number, empty included. Whoever writes
 * asks before there is any work done. */
VMF_MUST_CHECK enum vmf_code vmf_epoch_now(struct vmf_epoch *epoch, struct vmf_error *error);

#endif
