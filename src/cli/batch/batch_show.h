/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What people and programs see of a batch while it goes on: on a terminal a line for each job that
 * runs and one for all, elsewhere a line for each that ended; or events as JSON. All with the lock
 * of the batch held. */
#ifndef VMF_CLI_BATCH_SHOW_H
#define VMF_CLI_BATCH_SHOW_H

#include "batch.h"

void vmf_batch_show_begun(struct vmf_batch *batch, const struct vmf_batch_job *job);
void vmf_batch_show_said(struct vmf_batch *batch, const struct vmf_batch_job *job,
                         const char *text);
void vmf_batch_show_retry(struct vmf_batch *batch, const struct vmf_batch_job *job,
                          const char *why);
void vmf_batch_show_ended(struct vmf_batch *batch, const struct vmf_batch_job *job);

/* Called every tenth of a second. */
void vmf_batch_show_progress(struct vmf_batch *batch);

/* All has ended. */
void vmf_batch_show_summary(struct vmf_batch *batch);

#endif
