/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a batch has done, so that the next run of it need not do it again: a line a job, with what
 * tells that neither the files that it read nor those that it made have changed since. */
#ifndef VMF_CLI_BATCH_RECORD_H
#define VMF_CLI_BATCH_RECORD_H

#include "batch.h"

struct vmf_batch_record;

/* Opens the record at `path`, or begins one. resume: what it tells of earlier runs counts, else it
 * is dropped. Nobody else's file is touched. VMF_IN_USE: another batch is at work on it. */
VMF_MUST_CHECK enum vmf_code vmf_batch_record_open(const char *path, bool resume,
                                                   struct vmf_batch_record **record,
                                                   struct vmf_error *error);

/* What earlier runs tell of the job: its `recorded` and `changed`, and that what it made is its
 * own. The batch may have no record. */
void vmf_batch_record_look(struct vmf_batch *batch, struct vmf_batch_job *job);

/* The job is done: a line for it, unless something that it read or made is no file, which nothing
 * tells from what it was. record: or NULL. Any thread. */
void vmf_batch_record_add(struct vmf_batch_record *record, const struct vmf_batch_job *job);

/* remove: all is done, and nobody asked for the record. record: or NULL. */
void vmf_batch_record_close(struct vmf_batch_record *record, bool remove);

#endif
