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

/* Writes all that are asked for; each appears, or is replaced, when it is whole. */
VMF_MUST_CHECK enum vmf_code vmf_batch_report(const struct vmf_batch *batch, int status,
                                              struct vmf_error *error);

/* ---- for those who write one ---- */

/* One kind of report. */
struct vmf_report_kind {
  const char *suffix;
  const char *mark; /* how every such file begins */
  /* The rest of it. */
  void (*write)(FILE *out, const struct vmf_batch *batch, int status);
};

extern const struct vmf_report_kind vmf_report_json, vmf_report_html, vmf_report_junit,
    vmf_report_csv;

/* "done", "failed", "stopped", "salvaged", "unchanged", "not begun" */
const char *vmf_report_state(const struct vmf_batch_job *job);

/* How many jobs have this state at the end. */
size_t vmf_report_count(const struct vmf_batch *batch, enum vmf_job_state state);

/* "2026-11-29T10:42:01Z" */
void vmf_report_time(time_t time, char text[32]);

#endif
