/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether the target of an application is the copy that it is said to be. */
#ifndef VMF_COPY_PART_CHECK_H
#define VMF_COPY_PART_CHECK_H

#include "differences.h"

/* A part of the target, called `name`, has `found`: as many bytes as part->length. Each sector has
 * to be as `since` has it (part->were), then *stale, or as `source` does (part->bytes); else
 * VMF_DIFFERENT. */
VMF_MUST_CHECK enum vmf_code vmf_part_check(const struct vmf_difference *part, const uint8_t *found,
                                            const char *name, const struct vmf_image *since,
                                            const struct vmf_image *source, bool *stale,
                                            struct vmf_error *error);

#endif
