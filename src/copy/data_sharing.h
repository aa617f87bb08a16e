/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Data that source and target can share is not copied at all. */
#ifndef VMF_COPY_DATA_SHARING_H
#define VMF_COPY_DATA_SHARING_H

#include "job.h"

/* Whether it is worth trying: a FIXED target, whose space was not reserved, and bytes that nobody
 * has to see (no checksum, nothing to salvage, no backing file, no zeros that are to be written).
 */
bool vmf_copy_may_share(const struct vmf_copy *copy);

/* Whether a file of the source is on the target's file system. */
bool vmf_copy_on_one_system(const struct vmf_copy *copy);

/* Shares a span of the source's data with the target: *length bytes of it are done, perhaps none
 * because they do not lie where blocks do. *refused: the file system does not share (*length is 0).
 * On the caller's thread. */
VMF_MUST_CHECK enum vmf_code vmf_copy_share(const struct vmf_copy *copy,
                                            const struct vmf_span *span, uint64_t *length,
                                            bool *refused, struct vmf_error *error);

#endif
