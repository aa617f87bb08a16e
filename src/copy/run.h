/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Running the jobs of one conversion or checksum from the first guest byte to the last. */
#ifndef VMF_COPY_RUN_H
#define VMF_COPY_RUN_H

#include "job.h"
#include "plan.h"

/* Copies by `copy`, whose plan says where the data is; fills *result but for what the target's
 * finish writes. */
VMF_MUST_CHECK enum vmf_code vmf_copy_run(const struct vmf_copy *copy, const struct vmf_plan *plan,
                                          const struct vmf_job_options *options,
                                          struct vmf_job_result *result, struct vmf_error *error);

/* The content checksum of the first `size` bytes of a disk. */
VMF_MUST_CHECK enum vmf_code vmf_copy_checksum(struct vmf_image *image, uint64_t size,
                                               const struct vmf_job_options *options,
                                               struct vmf_job_result *result,
                                               struct vmf_error *error);

/* Threads to start for what the caller asked: 0 means that the caller's thread does the work. */
unsigned vmf_copy_threads(unsigned asked);

/* How many jobs may exist: at least 2, and no more memory than 48 MiB + 4 MiB for each thread. */
unsigned vmf_copy_jobs(unsigned threads, size_t job_memory);

/* VMF_CANCELLED once the caller's flag is set. */
VMF_MUST_CHECK enum vmf_code vmf_copy_cancelled(const struct vmf_job_options *options,
                                                struct vmf_error *error);

/* "sha256": the digest kind. VMF_USAGE naming those that exist. */
VMF_MUST_CHECK enum vmf_code vmf_copy_digest_kind(const char *name, enum vmf_digest_kind *kind,
                                                  struct vmf_error *error);

/* job_bytes for a source and a target unit: about 1 MiB, whole units of both. */
uint32_t vmf_copy_job_bytes(const struct vmf_image *source, uint32_t target_unit);

#endif
