/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A disk whose file was split into parts. */
#ifndef VMF_IMAGE_SPLIT_H
#define VMF_IMAGE_SPLIT_H

#include "io.h"

/* Opens the file at `path`; if it is the first part of a split one, all of them as one io: *split.
 * VMF_USAGE when it is a later part, or when the parts look like disks of their own. */
VMF_MUST_CHECK enum vmf_code vmf_split_open(const char *path, bool check_locks, struct vmf_io **io,
                                            bool *split, struct vmf_error *error);

/* The files as they are, one behind the other as one io. */
VMF_MUST_CHECK enum vmf_code vmf_split_join(const char *const *paths, size_t count,
                                            bool check_locks, struct vmf_io **io,
                                            struct vmf_error *error);

#endif
