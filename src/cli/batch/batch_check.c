/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The whole list, before the first byte. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "argument_place.h"
#include "arguments.h"
#include "batch.h"
#include "batch_places.h"
#include "names.h"
#include "status.h"
#include "verb_convert.h"

enum { PROBLEMS_SHOWN = 20 };

struct checking {
  struct vmf_batch *batch;
  struct vmf_batch_places places;
  bool files; /* of the jobs are here */
  uint64_t problems;
};

static void tell(struct checking *checking, const struct vmf_batch_job *job, const char *format,
                 ...) __attribute__((format(printf, 3, 4)));

static void tell(struct checking *checking, const struct vmf_batch_job *job, const char *format,
                 ...)
{
  char text[1024];
  va_list values;

  if (checking->problems++ >= PROBLEMS_SHOWN)
    return;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  vmf_status_print("%s:%u: %s", checking->batch->settings->list.name, job->listed->line, text);
}

/* ---- ids ---- */

static int compare_names(const void *one, const void *other)
{
  const struct vmf_batch_job *const *a = one, *const *b = other;
  int order = strcmp((*a)->name, (*b)->name);
  return order ? order : *a < *b ? -1 : *a > *b;
}

/* Targets are compared as places; here two jobs must not be taken for one in what is told. */
static enum vmf_code check_names(struct checking *checking, struct vmf_error *error)
{
  struct vmf_batch *batch = checking->batch;
  const struct vmf_batch_job **sorted = calloc(batch->count, sizeof *sorted);

  if (!sorted)
    return vmf_arguments_no_memory(error);
  for (size_t i = 0; i < batch->count; i++)
    sorted[i] = &batch->jobs[i];
  qsort(sorted, batch->count, sizeof *sorted, compare_names);
  for (size_t i = 1; i < batch->count; i++)
    if (sorted[i]->listed->id && strcmp(sorted[i - 1]->name, sorted[i]->listed->id) == 0)
      tell(checking, sorted[i], "the id \"%s\" is that of line %u, too", sorted[i]->listed->id,
           sorted[i - 1]->listed->line);
  free(sorted);
  return VMF_OK;
}

/* ---- places ---- */

static void tell_clash(void *data, const struct vmf_batch_place *target,
                       const struct vmf_batch_place *other)
{
  const char *name = vmf_names_last(target->path);
  bool same = strcmp(target->path, other->path) == 0;

  if (target->job == other->job && other->option)
    return;
  if (target->job == other->job)
    tell(data, target->job, "%s: is the source, or in it: a source is never written", name);
  else if (other->written)
    tell(data, other->job, "%s: is %swritten by line %u, too", name, same ? "" : "in what is ",
         target->job->listed->line);
  else
    tell(data, target->job, "%s: is read by line %u: a source is never written", name,
         other->job->listed->line);
}

/* A file that the batch itself reads; what is none is told elsewhere. */
static enum vmf_code add_own_read(struct vmf_batch_places *own, const char *path,
                                  struct vmf_error *error)
{
  struct stat there;

  if (stat(path, &there) != 0 || !S_ISREG(there.st_mode))
    return VMF_OK;
  enum vmf_code code = vmf_batch_places_add_file(own, NULL, path, error);
  if (code == VMF_OK)
    own->list[own->count - 1].written = false;
  return code;
}

static enum vmf_code add_own_reads(struct vmf_batch_places *own,
                                   const struct vmf_batch_settings *settings,
                                   struct vmf_error *error)
{
  const char *const *secret = settings->command.secret_files;
  const char *const *header = settings->command.headers;
  enum vmf_code code = settings->each ? VMF_OK : add_own_read(own, settings->list.name, error);

  for (; secret && *secret && code == VMF_OK; secret++)
    code = add_own_read(own, *secret, error);
  for (; header && *header && code == VMF_OK; header++)
    code = add_own_read(own, *header + (**header == '@'), error);
  return code;
}

/* What the batch itself writes, at the end. */
static enum vmf_code add_own(struct vmf_batch_places *own,
                             const struct vmf_batch_settings *settings, struct vmf_error *error)
{
  const char *const *reports = (const char *const *)settings->reports;
  enum vmf_code code = VMF_OK;

  for (; reports && *reports && code == VMF_OK; reports++)
    code = vmf_batch_places_add_file(own, NULL, *reports, error);
  if (code == VMF_OK && settings->record)
    code = vmf_batch_places_add_file(own, NULL, settings->record, error);
  return code == VMF_OK ? add_own_reads(own, settings, error) : code;
}

static enum vmf_code check_own(struct checking *checking, struct vmf_error *error)
{
  struct vmf_batch_places own = {.count = 0};
  enum vmf_code code = add_own(&own, checking->batch->settings, error);

  for (size_t i = 0; i < own.count; i++)
    for (size_t k = 0; k < checking->places.count; k++)
      if ((own.list[i].written || checking->places.list[k].written) &&
          strcmp(own.list[i].path, checking->places.list[k].path) == 0)
        tell(checking, checking->places.list[k].job,
             own.list[i].written ? "%s: is a report or the record of the batch"
                                 : "%s: is read by the batch: it is never written",
             vmf_names_last(own.list[i].path));
  vmf_batch_places_free(&own);
  return code;
}

static enum vmf_code check_places(struct checking *checking, struct vmf_error *error)
{
  struct vmf_batch *batch = checking->batch;
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < batch->count && code == VMF_OK; i++) {
    code = vmf_batch_places_add(&checking->places, &batch->jobs[i], error);
    if (code == VMF_USAGE) {
      tell(checking, &batch->jobs[i], "%s", error->text);
      code = VMF_OK;
    }
  }
  if (code == VMF_OK)
    code = check_own(checking, error);
  if (code == VMF_OK)
    vmf_batch_places_compare(&checking->places, tell_clash, checking);
  return code;
}

/* ---- options ---- */

/* What a job writes beside its target. */
static enum vmf_code add_files(struct checking *checking, const struct vmf_batch_job *job,
                               const struct vmf_convert_settings *settings, struct vmf_error *error)
{
  const char *const files[] = {settings->move.losses, settings->salvage.map, settings->target.map,
                               settings->transfer.journal_file};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < sizeof files / sizeof files[0] && code == VMF_OK; i++)
    if (files[i] && strcmp(files[i], "-") == 0)
      code = vmf_arguments_wrong(error, "a job of a batch has no standard output; name a file");
    else if (files[i])
      code = vmf_batch_places_add_file(&checking->places, job, files[i], error);
  return code;
}

/* A backing file is named from the folder of the target on. */
static enum vmf_code add_read(struct checking *checking, const struct vmf_batch_job *job,
                              const char *name, unsigned places, struct vmf_error *error)
{
  const struct vmf_words *operands = &job->listed->operands;
  char *plain = NULL, *path;
  enum vmf_code code = vmf_location_resolve(name, false, &plain, error);

  if (code != VMF_OK)
    return code;
  path = places & VMF_PLACE_BESIDE ? vmf_names_beside(operands->list[operands->count - 1], plain)
                                   : strdup(plain);
  free(plain);
  if (!path)
    return vmf_arguments_no_memory(error);
  code = vmf_batch_places_add_read(&checking->places, job, path, error);
  free(path);
  return code;
}

/* What a job reads beside its sources: the files that its options name. */
static enum vmf_code add_files_read(struct checking *checking, const struct vmf_batch_job *job,
                                    const struct vmf_convert_settings *settings,
                                    struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  for (const struct vmf_argument *row = vmf_verb_convert.arguments; row->kind && code == VMF_OK;
       row++) {
    const void *field = (const char *)settings + row->field;
    unsigned places = vmf_argument_places(row);

    if (!row->field || !(places & VMF_PLACE_READ) || !(places & VMF_PLACE_CHECKED) ||
        (places & (VMF_PLACE_WRITTEN | VMF_PLACE_FOLDER)))
      continue;
    const char *const *list =
        row->kind == VMF_ARGUMENT_LISTED ? *(const char *const *const *)field : NULL;
    for (; list && *list && code == VMF_OK; list++)
      code = add_read(checking, job, *list, places, error);
    const char *text = row->kind == VMF_ARGUMENT_TEXT ? *(const char *const *)field : NULL;
    if (text && code == VMF_OK)
      code = add_read(checking, job, text, places, error);
  }
  return code;
}

/* -o backing_file= is no row of the table. */
static enum vmf_code add_backing(struct checking *checking, const struct vmf_batch_job *job,
                                 const struct vmf_convert_settings *settings,
                                 struct vmf_error *error)
{
  char *options = settings->target.options ? strdup(settings->target.options) : NULL, *file = NULL;
  enum vmf_code code = settings->target.options && !options
                           ? vmf_arguments_no_memory(error)
                           : vmf_arguments_take_option(options, "backing_file", &file, error);

  if (code == VMF_OK && file && !settings->target.backing)
    code = add_read(checking, job, file, VMF_PLACE_BESIDE, error);
  free(options);
  free(file);
  return code;
}

static enum vmf_code check_job(struct checking *checking, const struct vmf_batch_job *job,
                               const struct vmf_convert_settings *settings, struct vmf_error *error)
{
  enum vmf_code code = vmf_transfer_check(&settings->transfer, error);

  if (code == VMF_OK)
    code = add_files(checking, job, settings, error);
  if (code == VMF_OK && checking->files)
    code = add_files_read(checking, job, settings, error);
  return code == VMF_OK && checking->files ? add_backing(checking, job, settings, error) : code;
}

static enum vmf_code check_options(struct checking *checking, struct vmf_error *error)
{
  struct vmf_batch *batch = checking->batch;
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < batch->count && code == VMF_OK; i++) {
    const struct vmf_parsed_job *parsed = &batch->settings->parsed[i];

    if (parsed->wrong)
      tell(checking, &batch->jobs[i], "%s", parsed->wrong);
    else
      code = check_job(checking, &batch->jobs[i],
                       (const struct vmf_convert_settings *)parsed->command, error);
    if (code == VMF_USAGE) {
      tell(checking, &batch->jobs[i], "%s", error->text);
      code = VMF_OK;
    }
  }
  return code;
}

enum vmf_code vmf_batch_check(struct vmf_batch *batch, bool files, struct vmf_error *error)
{
  struct checking checking = {.batch = batch, .files = files};
  enum vmf_code code = check_options(&checking, error);

  if (code == VMF_OK)
    code = check_names(&checking, error);
  if (code == VMF_OK && files)
    code = check_places(&checking, error);
  vmf_batch_places_free(&checking.places);
  if (code != VMF_OK || checking.problems == 0)
    return code;
  return vmf_arguments_wrong(error, "%s: %llu problem%s in %zu job%s: nothing was begun",
                             batch->settings->list.name, (unsigned long long)checking.problems,
                             checking.problems == 1 ? "" : "s", batch->count,
                             batch->count == 1 ? "" : "s");
}
