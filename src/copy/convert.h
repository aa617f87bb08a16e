/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a conversion can tell before it starts, and several beside each other. */
#ifndef VMF_COPY_CONVERT_H
#define VMF_COPY_CONVERT_H

#include "target.h"

/* The size that the file of a sequential target will have when vmf_convert is done with the same
 * options. Reads the source's data once where the size depends on it; vmf_convert does not do so
 * again. VMF_UNSUPPORTED for an ORDERED shape: its size is known only after packing. */
VMF_MUST_CHECK enum vmf_code vmf_convert_size(struct vmf_image *source, struct vmf_target *target,
                                              const struct vmf_job_options *options,
                                              uint64_t *bytes, struct vmf_error *error);

/* One disk into one target, which is new. */
struct vmf_copying {
  struct vmf_image *source;
  struct vmf_target *target;
  struct vmf_job_result result; /* once it is done */
};

/* As vmf_convert, of several disks in one pass of one crew: no more memory is taken for their jobs
 * than for those of one. Without options->checksum, options->lost and targets that are overlays;
 * targets that pack do so by the same codec and level. options->max_bytes is for all. Where it
 * fails, nothing of the targets is of use. */
VMF_MUST_CHECK enum vmf_code vmf_convert_together(struct vmf_copying *copyings, size_t count,
                                                  const struct vmf_job_options *options,
                                                  struct vmf_error *error);

#endif
