/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "report_merge.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "growing.h"
#include "status.h"

static bool same_words(const struct vmf_words *one, const struct vmf_words *other)
{
  bool same = one->count == other->count;

  for (size_t i = 0; same && i < one->count; i++)
    same = strcmp(one->list[i], other->list[i]) == 0;
  return same;
}

/* The newest report of a job comes last. */
static int compare(const void *one, const void *other)
{
  const struct vmf_told_job *a = one, *b = other;

  if (a->listed.index != b->listed.index)
    return a->listed.index < b->listed.index ? -1 : 1;
  if (a->told != b->told)
    return a->told < b->told ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

static enum vmf_code add_missing(struct vmf_merging *merging, struct vmf_outcome *report,
                                 size_t first, size_t end, struct vmf_error *error)
{
  if (first >= end)
    return VMF_OK;
  enum vmf_code code =
      VMF_GROWING_ROOM(merging->missing, report->missing_count, merging->missing_capacity, error);
  if (code == VMF_OK)
    merging->missing[report->missing_count++] = (struct vmf_job_range){first, end - first};
  return code;
}

/* What is done at last counts; who runs the list again does the rest. */
static int status_of(const struct vmf_outcome *report)
{
  for (size_t i = 0; i < report->count; i++)
    if (report->jobs[i].state == VMF_JOB_FAILED && !report->jobs[i].temporary)
      return VMF_EXIT_OTHER;
  if (report->missing_count > 0 || vmf_report_count(report, VMF_JOB_FAILED) > 0 ||
      vmf_report_count(report, VMF_JOB_STOPPED) > 0 ||
      vmf_report_count(report, VMF_JOB_WAITING) > 0 ||
      vmf_report_count(report, VMF_JOB_PLANNED) > 0)
    return VMF_EXIT_TEMPORARY;
  return vmf_report_count(report, VMF_JOB_SALVAGED) > 0 ? VMF_EXIT_SALVAGED : VMF_EXIT_DONE;
}

/* Each job once, in order, and what is between them. */
static enum vmf_code choose(struct vmf_merging *merging, struct vmf_outcome *report,
                            struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  size_t next = 0;

  for (size_t i = 0; i < merging->count && code == VMF_OK; i++) {
    const struct vmf_told_job *told = &merging->told[i];

    if (i + 1 < merging->count && told[1].listed.index == told->listed.index) {
      report->duplicates++;
      if (same_words(&told->listed.operands, &told[1].listed.operands))
        continue;
      vmf_arguments_wrong(error,
                          "job %zu is another one in the next report: the list was changed between "
                          "them, and they cannot be merged",
                          told->listed.index);
      return error->code = VMF_CORRUPT;
    }
    code = add_missing(merging, report, next, told->listed.index, error);
    merging->jobs[report->count] = told->job;
    merging->jobs[report->count++].listed = &told->listed;
    next = told->listed.index + 1;
  }
  return code == VMF_OK ? add_missing(merging, report, next, merging->listed, error) : code;
}

enum vmf_code vmf_merging_end(struct vmf_merging *merging, struct vmf_outcome *report,
                              struct vmf_error *error)
{
  merging->jobs = calloc(merging->count + 1, sizeof *merging->jobs);
  if (!merging->jobs)
    return vmf_arguments_no_memory(error);
  if (merging->count > 0)
    qsort(merging->told, merging->count, sizeof *merging->told, compare);
  *report =
      (struct vmf_outcome){.list = merging->list,
                           .begun = (time_t)merging->begun,
                           .milliseconds = (uint64_t)((merging->ended - merging->begun) * 1000),
                           .jobs = merging->jobs,
                           .listed = merging->listed,
                           .reports = merging->reports};
  enum vmf_code code = choose(merging, report, error);
  report->missing = merging->missing;
  report->status = status_of(report);
  return code;
}

void vmf_merging_free(struct vmf_merging *merging)
{
  for (size_t i = 0; i < merging->count; i++) {
    vmf_batch_free_job(&merging->told[i].job);
    vmf_job_list_free_job(&merging->told[i].listed);
  }
  free(merging->told);
  free(merging->list);
  free(merging->jobs);
  free(merging->missing);
}
