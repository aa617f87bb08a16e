/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "names.h"

static const struct vmf_report_kind *const kinds[] = {&vmf_report_json, &vmf_report_html,
                                                      &vmf_report_junit, &vmf_report_csv};

const char *vmf_report_state(const struct vmf_batch_job *job)
{
  static const char *const names[] = {
      [VMF_JOB_WAITING] = "not begun", [VMF_JOB_RUNNING] = "running",   [VMF_JOB_DONE] = "done",
      [VMF_JOB_SALVAGED] = "salvaged", [VMF_JOB_SKIPPED] = "unchanged", [VMF_JOB_FAILED] = "failed",
      [VMF_JOB_STOPPED] = "stopped"};

  return names[job->state];
}

size_t vmf_report_count(const struct vmf_batch *batch, enum vmf_job_state state)
{
  size_t count = 0;

  for (size_t i = 0; i < batch->count; i++)
    count += batch->jobs[i].state == state;
  return count;
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

static enum vmf_code failed(const char *path, struct vmf_error *error)
{
  int number = errno;

  vmf_arguments_wrong(error, "%s: the report cannot be written: %s", path, strerror(number));
  error->sys_errno = number;
  return error->code = VMF_WRITE;
}

static bool fill(const struct vmf_report_kind *kind, int number, const struct vmf_batch *batch,
                 int status)
{
  FILE *out = fdopen(number, "w");

  if (!out) {
    close(number);
    return false;
  }
  fputs(kind->mark, out);
  kind->write(out, batch, status);
  bool good = fflush(out) == 0 && !ferror(out) && fchmod(number, 0644) == 0 && fsync(number) == 0;
  return fclose(out) == 0 && good;
}

/* A device or pipe is written as it is. */
static enum vmf_code write_directly(const char *path, const struct vmf_batch *batch, int status,
                                    struct vmf_error *error)
{
  FILE *out = fopen(path, "we");

  if (!out)
    return failed(path, error);
  fputs(kind_of(path)->mark, out);
  kind_of(path)->write(out, batch, status);
  bool good = !ferror(out);
  return fclose(out) == 0 && good ? VMF_OK : failed(path, error);
}

static enum vmf_code write_report(const char *path, const struct vmf_batch *batch, int status,
                                  struct vmf_error *error)
{
  struct stat there;
  char *name = NULL;

  if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
    return write_directly(path, batch, status, error);
  if (asprintf(&name, "%s.XXXXXX", path) < 0)
    return vmf_arguments_no_memory(error);
  int number = mkostemp(name, O_CLOEXEC);
  bool good = number >= 0 && fill(kind_of(path), number, batch, status) && rename(name, path) == 0;
  enum vmf_code code = good ? VMF_OK : failed(path, error);
  if (!good && number >= 0)
    unlink(name);
  free(name);
  return code;
}

enum vmf_code vmf_batch_report(const struct vmf_batch *batch, int status, struct vmf_error *error)
{
  const char *const *reports = batch->settings->reports;
  enum vmf_code code = VMF_OK;

  for (; reports && *reports && code == VMF_OK; reports++)
    code = write_report(*reports, batch, status, error);
  return code;
}
