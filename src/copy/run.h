/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Running the jobs of one conversion or checksum from the first guest byte to the last. */
#ifndef VMF_COPY_RUN_H
#define VMF_COPY_RUN_H

#include "allowance.h"
#include "job.h"
#include "plan.h"

/* Copies all of the disk; fills *result but for what the target's finish writes. */
VMF_MUST_CHECK enum vmf_code vmf_copy_run(const struct vmf_copy *copy,
                                          const struct vmf_job_options *options,
                                          struct vmf_job_result *result, struct vmf_error *error);

/* The content checksum of the first `size` bytes of a disk. */
VMF_MUST_CHECK enum vmf_code vmf_copy_checksum(struct vmf_image *image, uint64_t size,
                                               const struct vmf_job_options *options,
                                               struct vmf_job_result *result,
                                               struct vmf_error *error);

struct vmf_crew {
  unsigned threads; /* to start; 0: the caller's thread does the work */
  unsigned jobs;    /* that exist at once */
};

/* How many threads there may be, 1 to 256: as many as asked for; 0: one for each processor that
 * this process may use, and no more than for which its memory is enough, by the promise below. */
unsigned vmf_copy_threads(unsigned asked, const struct vmf_allowance *allowance);

/* So many threads, or as few as the promise about memory leaves: 64 MiB and 4 MiB for each thread
 * in all. thread_memory, job_memory: bytes that one of each takes at most. */
struct vmf_crew vmf_copy_crew(unsigned asked, size_t thread_memory, size_t job_memory);

/* VMF_CANCELLED once the caller asks for it. */
VMF_MUST_CHECK enum vmf_code vmf_copy_cancelled(const struct vmf_job_options *options,
                                                struct vmf_error *error);

/* "sha256": the digest kind. VMF_USAGE naming those that exist. */
VMF_MUST_CHECK enum vmf_code vmf_copy_digest_kind(const char *name, enum vmf_digest_kind *kind,
                                                  struct vmf_error *error);

#endif
