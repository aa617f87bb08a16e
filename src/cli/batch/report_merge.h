/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The reports of tasks that share a list, as one. */
#ifndef VMF_CLI_REPORT_MERGE_H
#define VMF_CLI_REPORT_MERGE_H

#include "batch_report.h"

/* A job as a report tells it. */
struct vmf_told_job {
  struct vmf_listed_job listed;
  struct vmf_batch_job job;
  time_t told;  /* when it began, or the batch of its report */
  size_t order; /* of its report, among all */
};

/* What has been read. All zeros at first. */
struct vmf_merging {
  char *list;                /* its name; owned */
  size_t listed;             /* jobs of it */
  size_t reports;            /* that have been read */
  double begun, ended;       /* seconds since 1970: of all of them */
  struct vmf_told_job *told; /* owned */
  size_t count, capacity;
  /* of what comes of it; owned */
  struct vmf_batch_job *jobs;
  struct vmf_job_range *missing;
  size_t missing_capacity;
};

/* Adds the report in a file. VMF_CORRUPT: it is damaged, or of another list. */
VMF_MUST_CHECK enum vmf_code vmf_merging_read(struct vmf_merging *merging, const char *path,
                                              struct vmf_error *error);

/* What all of them say: the jobs in the order of the list, each as the newest report has it. It
 * lives as long as `merging`; once. */
VMF_MUST_CHECK enum vmf_code vmf_merging_end(struct vmf_merging *merging,
                                             struct vmf_outcome *report, struct vmf_error *error);

void vmf_merging_free(struct vmf_merging *merging);

#endif
