/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How much of the machine this process may use: what it is bound to, and what the control groups
 * that it is in leave to it (both versions, and all groups above). */
#ifndef VMF_COPY_ALLOWANCE_H
#define VMF_COPY_ALLOWANCE_H

#include <stdint.h>

struct vmf_allowance {
  unsigned processors; /* at least 1; a part of one counts as one */
  uint64_t memory;     /* bytes; UINT64_MAX: no limit is known */
};

/* root: "", or a folder that stands for / where proc and sys are looked for. */
struct vmf_allowance vmf_allowance_find(const char *root);

#endif
