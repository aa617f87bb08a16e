/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether what the jobs of a batch would write together fits where it goes. */
#ifndef VMF_CLI_BATCH_ROOM_H
#define VMF_CLI_BATCH_ROOM_H

#include "batch.h"

/* A line for each file system. What a replaced target takes is not free before its successor is
 * there. With the lock held. */
void vmf_batch_show_room(const struct vmf_batch *batch);

/* Before the first byte: measures what the jobs that are not done yet will write at most, and warns
 * of each file system that has not so much free. VMF_USAGE: that, with --fail-fast. */
VMF_MUST_CHECK enum vmf_code vmf_batch_check_room(const struct vmf_batch *batch,
                                                  struct vmf_error *error);

#endif
