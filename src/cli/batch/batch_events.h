/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What happens in a batch, one object of JSON a line, where --progress=json asks for it. With the
 * lock of the batch held. */
#ifndef VMF_CLI_BATCH_EVENTS_H
#define VMF_CLI_BATCH_EVENTS_H

#include "batch.h"

/* job: or NULL, of the batch. text: what was said, or why; or NULL. */
void vmf_batch_event(struct vmf_batch *batch, const struct vmf_batch_job *job, const char *event,
                     const char *text);

/* How far each job is that runs, and all. */
void vmf_batch_event_progress(struct vmf_batch *batch);

#endif
