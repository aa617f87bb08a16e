/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a conversion can tell before it starts. */
#ifndef VMF_COPY_CONVERT_H
#define VMF_COPY_CONVERT_H

#include "target.h"

/* The size that the file of a sequential target will have when vmf_convert is done with the same
 * options. Reads the source's data once where the size depends on it; vmf_convert does not do so
 * again. VMF_UNSUPPORTED for an ORDERED shape: its size is known only after packing. */
VMF_MUST_CHECK enum vmf_code vmf_convert_size(struct vmf_image *source, struct vmf_target *target,
                                              const struct vmf_job_options *options,
                                              uint64_t *bytes, struct vmf_error *error);

#endif
