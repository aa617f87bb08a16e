/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_report.h"

#include <string.h>
#include <strings.h>

#include "arguments.h"
#include "names.h"
#include "report_file.h"

static const struct vmf_report_kind *const kinds[] = {&vmf_report_json, &vmf_report_html,
                                                      &vmf_report_junit, &vmf_report_csv};

const char *vmf_report_state(enum vmf_job_state state)
{
  static const char *const names[] = {
      [VMF_JOB_WAITING] = "not begun", [VMF_JOB_RUNNING] = "running",   [VMF_JOB_DONE] = "done",
      [VMF_JOB_SALVAGED] = "salvaged", [VMF_JOB_SKIPPED] = "unchanged", [VMF_JOB_FAILED] = "failed",
      [VMF_JOB_STOPPED] = "stopped",   [VMF_JOB_PLANNED] = "planned"};

  return names[state];
}

size_t vmf_report_count(const struct vmf_outcome *report, enum vmf_job_state state)
{
  size_t count = 0;

  for (size_t i = 0; i < report->count; i++)
    count += report->jobs[i].state == state;
  return count;
}

size_t vmf_report_missing(const struct vmf_outcome *report)
{
  size_t count = 0;

  for (size_t i = 0; i < report->missing_count; i++)
    count += report->missing[i].count;
  return count;
}

void vmf_report_range(const struct vmf_job_range *range, char text[64])
{
  if (range->count == 1)
    snprintf(text, 64, "job %zu", range->first);
  else
    snprintf(text, 64, "jobs %zu-%zu", range->first, range->first + range->count - 1);
}

void vmf_report_time(time_t time, char text[32])
{
  struct tm parts;

  text[0] = '\0';
  if (gmtime_r(&time, &parts))
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static const struct vmf_report_kind *kind_of(const char *path)
{
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

  for (size_t i = 0; dot && i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcasecmp(kinds[i]->suffix, dot) == 0)
      return kinds[i];
  return NULL;
}

enum vmf_code vmf_batch_check_reports(const char *const *reports, struct vmf_error *error)
{
  for (; reports && *reports; reports++) {
    const struct vmf_report_kind *kind = kind_of(*reports);

    if (!kind)
      return vmf_arguments_wrong(error, "--report: %s: ends in none of .json, .html, .xml, .csv",
                                 *reports);
    if (!vmf_names_free_for(*reports, kind->mark))
      return vmf_arguments_wrong(error,
                                 "--report: %s: is there already, and is no such report: it "
                                 "is not replaced; choose another name",
                                 *reports);
  }
  return VMF_OK;
}

/* ---- writing ---- */

struct written {
  const struct vmf_report_kind *kind;
  const struct vmf_outcome *report;
};

static void fill(FILE *out, const void *data)
{
  const struct written *written = data;

  fputs(written->kind->mark, out);
  written->kind->write(out, written->report);
}

enum vmf_code vmf_report_write(const struct vmf_outcome *report, const char *const *reports,
                               struct vmf_error *error)
{
  enum vmf_code code = vmf_batch_check_reports(reports, error); /* what is there by now */

  for (; reports && *reports && code == VMF_OK; reports++) {
    const struct written written = {kind_of(*reports), report};

    code = vmf_report_file(*reports, "report", fill, &written, error);
  }
  return code;
}

enum vmf_code vmf_batch_report(const struct vmf_batch *batch, int status, struct vmf_error *error)
{
  const struct vmf_outcome report = {.list = batch->settings->list.name,
                                     .begun = batch->begun,
                                     .milliseconds = vmf_batch_elapsed(batch),
                                     .status = status,
                                     .jobs = batch->jobs,
                                     .count = batch->count,
                                     .listed = batch->settings->list.listed};

  return vmf_report_write(&report, (const char *const *)batch->settings->reports, error);
}
