/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry report`: what became of a list that several tasks share. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "common_arguments.h"
#include "human.h"
#include "report_merge.h"
#include "status.h"

struct report_settings {
  struct vmf_command command;
  const char **reports; /* files, NULL-terminated; owned; or NULL */
};

#define VMF_SETTINGS struct report_settings

static const struct report_settings report_initial = {0};

static const struct vmf_argument report_arguments[] = {
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_REPORT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_QUIET,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    {0},
};

/* ---- what is read ---- */

/* Whether a file begins as a report does. */
static bool report_is_one(const char *path)
{
  char head[64] = "";
  size_t length = strlen(vmf_report_json.mark);
  struct stat there;
  FILE *file = stat(path, &there) == 0 && S_ISREG(there.st_mode) ? fopen(path, "re") : NULL;

  if (!file)
    return false;
  bool is_one =
      fread(head, 1, length, file) == length && memcmp(head, vmf_report_json.mark, length) == 0;
  fclose(file);
  return is_one;
}

static int report_is_json(const struct dirent *entry)
{
  size_t length = strlen(entry->d_name);
  return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

/* All reports of a folder, in order of their names; what else lies there is none of them. */
static enum vmf_code report_read_folder(struct vmf_merging *merging, const char *folder,
                                        struct vmf_error *error)
{
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, report_is_json, alphasort);
  size_t before = merging->reports;
  enum vmf_code code =
      count < 0 ? vmf_arguments_wrong(error, "%s: the folder cannot be read", folder) : VMF_OK;

  for (int i = 0; i < count; i++) {
    char *path = NULL;

    if (code == VMF_OK && asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
      code = vmf_arguments_no_memory(error);
    else if (code == VMF_OK && report_is_one(path))
      code = vmf_merging_read(merging, path, error);
    free(path);
    free(entries[i]);
  }
  free(entries);
  if (code == VMF_OK && merging->reports == before)
    code =
        vmf_arguments_wrong(error, "%s: has no file *.json that \"batch --report\" wrote", folder);
  return code;
}

static enum vmf_code report_read(struct vmf_merging *merging, const char *path,
                                 struct vmf_error *error)
{
  struct stat there;
  bool folder = stat(path, &there) == 0 && S_ISDIR(there.st_mode);

  return folder ? report_read_folder(merging, path, error) : vmf_merging_read(merging, path, error);
}

/* ---- what is told ---- */

static void report_print_count(const struct vmf_outcome *report, enum vmf_job_state state)
{
  size_t count = vmf_report_count(report, state);

  if (count > 0)
    printf(", %zu %s", count, vmf_report_state(state));
}

static void report_print(const struct vmf_outcome *report)
{
  uint64_t written = 0;
  char bytes[16], range[64];

  for (size_t i = 0; i < report->count; i++)
    written += report->jobs[i].state == VMF_JOB_PLANNED ? 0 : report->jobs[i].written;
  vmf_human_size(written, bytes);
  vmf_human_text(stdout, report->list);
  printf(": %zu jobs, %zu report%s: %zu done", report->listed, report->reports,
         report->reports == 1 ? "" : "s", vmf_report_count(report, VMF_JOB_DONE));
  for (enum vmf_job_state state = VMF_JOB_SALVAGED; state <= VMF_JOB_PLANNED; state++)
    report_print_count(report, state);
  report_print_count(report, VMF_JOB_WAITING);
  if (report->missing_count > 0)
    printf(", %zu without a report", vmf_report_missing(report));
  printf(", %s written\n", bytes);
  if (report->duplicates > 0)
    printf("%zu in several reports: the newest counts\n", report->duplicates);
  for (size_t i = 0; i < report->count; i++) {
    const struct vmf_batch_job *job = &report->jobs[i];

    if (job->state != VMF_JOB_FAILED && job->state != VMF_JOB_STOPPED)
      continue;
    printf("job %zu %s: ", job->listed->index, vmf_report_state(job->state));
    vmf_human_text(stdout, job->name);
    fputs(job->error ? ": " : "", stdout);
    vmf_human_text(stdout, job->error ? job->error : "");
    putchar('\n');
  }
  for (size_t i = 0; i < report->missing_count; i++) {
    vmf_report_range(&report->missing[i], range);
    printf("%s: no report\n", range);
  }
}

static int report_run(void *given)
{
  const struct report_settings *settings = given;
  const struct vmf_command *command = &settings->command;
  struct vmf_merging merging = {0};
  struct vmf_outcome report = {0};
  struct vmf_error error = {0};
  enum vmf_code code = vmf_batch_check_reports((const char *const *)settings->reports, &error);

  for (int i = 0; i < command->operand_count && code == VMF_OK; i++)
    code = report_read(&merging, command->operands[i], &error);
  if (code == VMF_OK)
    code = vmf_merging_end(&merging, &report, &error);
  if (code == VMF_OK)
    code = vmf_report_write(&report, (const char *const *)settings->reports, &error);
  if (code == VMF_OK && command->json) {
    fputs(vmf_report_json.mark, stdout);
    vmf_report_json.write(stdout, &report);
  } else if (code == VMF_OK && !command->quiet)
    report_print(&report);
  int status = report.status;
  if (code != VMF_OK) {
    status = vmf_status_report(&error);
    status = code == VMF_USAGE ? VMF_EXIT_INPUT : status;
  }
  vmf_merging_free(&merging);
  return status;
}

static const char *const report_examples[] = {
    "vmferry report reports/",
    "vmferry report reports/ --report night.html",
    "vmferry report --output=json reports/*.json",
    NULL,
};

const struct vmf_verb vmf_verb_report = {
    .name = "report",
    .purpose = VMF_PURPOSE_DISKS,
    .operands = "REPORT...",
    .summary = "merge the reports of tasks that share a list",
    .examples = report_examples,
    .arguments = report_arguments,
    VMF_STARTS_WITH(report_initial),
    .min_operands = 1,
    .max_operands = 1 << 20,
    .usage_status = VMF_EXIT_INPUT,
    .run = report_run,
};
