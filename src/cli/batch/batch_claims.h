/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which job a file that is written is of. What is made in a folder, or beside a target, has a name
 * that is not known before. */
#ifndef VMF_CLI_BATCH_CLAIMS_H
#define VMF_CLI_BATCH_CLAIMS_H

#include "batch.h"

/* The job writes the file, or has written it. VMF_USAGE: so does another one. With the lock of the
 * batch held, while jobs work. */
VMF_MUST_CHECK enum vmf_code vmf_batch_claim(struct vmf_batch *batch,
                                             const struct vmf_batch_job *job, const char *path,
                                             struct vmf_error *error);

void vmf_batch_claims_free(struct vmf_batch *batch);

#endif
