/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Running the jobs of conversions, or a checksum, from the first guest byte of each disk to the
 * last. */
#ifndef VMF_COPY_RUN_H
#define VMF_COPY_RUN_H

#include "job.h"

/* Copies all of each disk; fills their results but for what the target's finish writes. Of several
 * all have a target, none a checksum, a backing file or a salvage; job_bytes and room are the same,
 * and those that pack do so alike. */
VMF_MUST_CHECK enum vmf_code vmf_copy_run(const struct vmf_copy *copies, size_t count,
                                          const struct vmf_job_options *options,
                                          struct vmf_error *error);

/* The content checksum of the first `size` bytes of a disk. */
VMF_MUST_CHECK enum vmf_code vmf_copy_checksum(struct vmf_image *image, uint64_t size,
                                               const struct vmf_job_options *options,
                                               struct vmf_job_result *result,
                                               struct vmf_error *error);

/* The digest of all guest bytes, one behind the other; no stream. */
VMF_MUST_CHECK enum vmf_code vmf_copy_plain_digest(struct vmf_image *image,
                                                   const struct vmf_job_options *options,
                                                   struct vmf_job_result *result,
                                                   struct vmf_error *error);

#endif
