/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The report of a batch: one structure, as JSON, HTML, JUnit's XML and CSV, by the file's suffix.
 */
#ifndef VMF_CLI_BATCH_REPORT_H
#define VMF_CLI_BATCH_REPORT_H

#include <stdio.h>

#include "batch.h"

/* VMF_USAGE: a suffix is none of those, a folder is not there, or the file is and is no report: a
 * slip in the name costs no disk. reports: NULL-terminated, or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_batch_check_reports(const char *const *reports,
                                                     struct vmf_error *error);

/* Jobs of a list, one behind the other. */
struct vmf_job_range {
  size_t first, count;
};

/* What became of a batch, or of all tasks that share a list. */
struct vmf_outcome {
  const char *list; /* its name */
  time_t begun;
  uint64_t milliseconds;
  int status; /* of the command */
  const struct vmf_batch_job *jobs;
  size_t count;
  size_t listed; /* jobs of the whole list, of which these are some */
  /* of one that was merged; else zeros */
  size_t reports;                      /* of so many */
  size_t duplicates;                   /* jobs that stood in several, of which the newest counts */
  const struct vmf_job_range *missing; /* in no report */
  size_t missing_count;
};

/* Writes all that are asked for; each appears, or is replaced, when it is whole. reports: as
 * above. */
VMF_MUST_CHECK enum vmf_code vmf_report_write(const struct vmf_outcome *report,
                                              const char *const *reports, struct vmf_error *error);

/* The same, of a batch that has ended. */
VMF_MUST_CHECK enum vmf_code vmf_batch_report(const struct vmf_batch *batch, int status,
                                              struct vmf_error *error);

/* ---- for those who write one ---- */

/* One kind of report. */
struct vmf_report_kind {
  const char *suffix;
  const char *mark; /* how every such file begins */
  /* The rest of it. */
  void (*write)(FILE *out, const struct vmf_outcome *report);
};

extern const struct vmf_report_kind vmf_report_json, vmf_report_html, vmf_report_junit,
    vmf_report_csv;

/* "done", "failed", "stopped", "salvaged", "unchanged", "not begun", "planned" */
const char *vmf_report_state(enum vmf_job_state state);

/* How many jobs have this state at the end. */
size_t vmf_report_count(const struct vmf_outcome *report, enum vmf_job_state state);

/* How many jobs are in no report. */
size_t vmf_report_missing(const struct vmf_outcome *report);

/* "2026-11-29T10:42:01Z" */
void vmf_report_time(time_t time, char text[32]);

/* "job 17", "jobs 20-22" */
void vmf_report_range(const struct vmf_job_range *range, char text[64]);

#endif
