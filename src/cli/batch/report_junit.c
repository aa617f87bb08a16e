/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The report as JUnit's XML, which CI systems show. */
#include <inttypes.h>
#include <stdbool.h>

#include "batch_report.h"
#include "escape.h"

/* What is there, but not all of it, is no success. */
static bool is_failure(const struct vmf_batch_job *job)
{
  return job->state == VMF_JOB_FAILED || job->state == VMF_JOB_STOPPED ||
         job->state == VMF_JOB_SALVAGED;
}

static void print_job(FILE *out, const struct vmf_batch_job *job)
{
  fputs("    <testcase classname=\"vmferry.batch\" name=\"", out);
  vmf_escape_markup(out, job->name);
  fprintf(out, "\" time=\"%.3f\">\n", (double)job->milliseconds / 1000);
  if (is_failure(job)) {
    fprintf(out, "      <failure type=\"status %d\" message=\"", job->status);
    vmf_escape_markup(out, job->error ? job->error
                           : job->state == VMF_JOB_SALVAGED
                               ? "salvaged: without what could not be read"
                               : "stopped");
    fputs("\"/>\n", out);
  }
  if (job->state == VMF_JOB_WAITING)
    fputs("      <skipped message=\"not begun\"/>\n", out);
  if (job->state == VMF_JOB_PLANNED)
    fputs("      <skipped message=\"planned: nothing was written\"/>\n", out);
  if (job->state == VMF_JOB_SKIPPED)
    fputs("      <skipped message=\"done before, and unchanged\"/>\n", out);
  if (job->said.count > 0) {
    fputs("      <system-out>", out);
    for (size_t i = 0; i < job->said.count; i++) {
      vmf_escape_markup(out, job->said.list[i]);
      fputc('\n', out);
    }
    fputs("</system-out>\n", out);
  }
  fputs("    </testcase>\n", out);
}

static void write_junit(FILE *out, const struct vmf_outcome *report)
{
  size_t failed = 0;
  double seconds = (double)report->milliseconds / 1000;
  char begun[32], range[64];

  for (size_t i = 0; i < report->count; i++)
    failed += is_failure(&report->jobs[i]);
  vmf_report_time(report->begun, begun);
  begun[19] = '\0'; /* the schema has no zone */
  fprintf(out,
          " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%.3f\">\n  <testsuite name=\"",
          report->count + report->missing_count, failed, report->missing_count, seconds);
  vmf_escape_markup(out, report->list);
  fprintf(out,
          "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\" "
          "timestamp=\"%s\">\n",
          report->count + report->missing_count, failed, report->missing_count,
          vmf_report_count(report, VMF_JOB_WAITING) + vmf_report_count(report, VMF_JOB_SKIPPED) +
              vmf_report_count(report, VMF_JOB_PLANNED),
          seconds, begun);
  for (size_t i = 0; i < report->count; i++)
    print_job(out, &report->jobs[i]);
  for (size_t i = 0; i < report->missing_count; i++) {
    vmf_report_range(&report->missing[i], range);
    fprintf(out,
            "    <testcase classname=\"vmferry.batch\" name=\"%s\" time=\"0\">\n"
            "      <error message=\"no report\"/>\n    </testcase>\n",
            range);
  }
  fputs("  </testsuite>\n</testsuites>\n", out);
}

const struct vmf_report_kind vmf_report_junit = {
    .suffix = ".xml",
    .mark = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"vmferry batch\"",
    .write = write_junit};
