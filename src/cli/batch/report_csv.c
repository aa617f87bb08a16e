/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The report for spreadsheets (RFC 4180). */
#include <inttypes.h>
#include <string.h>

#include "batch_report.h"

/* A name that a spreadsheet would take for a formula gets a quote in front. */
static void print_text(FILE *out, const char *text)
{
  fputc('"', out);
  if (*text && strchr("=+-@\t\r", *text))
    fputc('\'', out);
  for (; *text; text++) {
    if (*text == '"')
      fputc('"', out);
    fputc(*text, out);
  }
  fputc('"', out);
}

static void print_field(FILE *out, const char *text)
{
  print_text(out, text);
  fputc(',', out);
}

static void print_job(FILE *out, const struct vmf_batch_job *job)
{
  const struct vmf_words *operands = &job->listed->operands;
  char begun[32] = "";

  if (job->state != VMF_JOB_WAITING)
    vmf_report_time(job->begun, begun);
  print_field(out, job->name);
  print_field(out, operands->list[0]);
  print_field(out, operands->list[operands->count - 1]);
  fprintf(out, "%s,%d,%u,%s,%.3f,%" PRIu64 ",%" PRIu64 ",", vmf_report_state(job->state),
          job->status, job->attempts, begun, (double)job->milliseconds / 1000, job->written,
          job->guest_size);
  print_field(out, job->format ? job->format : "");
  print_field(out, job->algorithm ? job->checksum : "");
  print_text(out, job->error ? job->error : "");
  fputs("\r\n", out);
}

static void write_csv(FILE *out, const struct vmf_outcome *report)
{
  char range[64];

  for (size_t i = 0; i < report->count; i++)
    print_job(out, &report->jobs[i]);
  for (size_t i = 0; i < report->missing_count; i++) {
    vmf_report_range(&report->missing[i], range);
    fprintf(out, "\"%s\",,,no report,,,,,,,,,\r\n", range);
  }
}

/* All of the first line: other tables may begin with an id, too. */
const struct vmf_report_kind vmf_report_csv = {
    .suffix = ".csv",
    .mark = "id,source,target,state,status,attempts,begun,seconds,written,virtual-size,format,"
            "checksum,error\r\n",
    .write = write_csv};
