/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a platform would say of what a job has made for it. */
#ifndef VMF_CLI_BATCH_LINT_H
#define VMF_CLI_BATCH_LINT_H

#include "batch.h"

/* Asks the rules of the platform (NULL: none was named) about what the job has made, and keeps what
 * is found with it. On the thread that does the job. */
void vmf_batch_lint(struct vmf_batch *batch, struct vmf_batch_job *job, const char *platform);

#endif
