/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Keeps a pass over a disk from being faster than was asked. */
#ifndef VMF_COPY_RATE_H
#define VMF_COPY_RATE_H

#include <stdint.h>

#include "vmferry.h"

/* Nanoseconds from the start until `bytes` may have gone at `rate` bytes a second (not 0). */
uint64_t vmf_rate_due(uint64_t rate, uint64_t bytes);

/* Waits until `bytes` may have gone since *started, which the first call sets (0: not yet). Ends
 * early when the job is cancelled. A rate of 0 waits for nothing. */
void vmf_rate_wait(uint64_t rate, uint64_t bytes, uint64_t *started,
                   const struct vmf_cancel *cancel);

#endif
