/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A report in JSON, as report_json.c writes it, read by jansson. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "report_merge.h"

#ifdef VMF_HAVE_JANSSON
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "batch_files.h"
#include "growing.h"

enum { REPORT_MOST = 1 << 28 /* bytes */ };

/* 9999-12-31; and years */
static const double TIME_MOST = 253402300799.0, SECONDS_MOST = 1e9;

/* Where it is read, and what is found wrong. */
struct reading {
  const char *path;
  const char *place; /* "batch" or "jobs" */
  size_t number;     /* of the job */
  struct vmf_error *error;
};

static enum vmf_code wrong(const struct reading *reading, const char *key, const char *expected)
{
  bool job = strcmp(reading->place, "jobs") == 0;
  char number[32] = "";

  if (job)
    snprintf(number, sizeof number, "[%zu]", reading->number);
  vmf_arguments_wrong(reading->error, "%s: %s%s%s%s: expected %s", reading->path, reading->place,
                      number, *key ? "." : "", key, expected);
  return reading->error->code = VMF_CORRUPT;
}

/* ---- values ---- */

/* A fresh string; NULL: the key is not there. */
static enum vmf_code take_text(const struct reading *reading, const json_t *object, const char *key,
                               char **text)
{
  const json_t *value = json_object_get(object, key);

  if (value && !json_is_string(value))
    return wrong(reading, key, "a text");
  if (value && !(*text = strdup(json_string_value(value))))
    return vmf_arguments_no_memory(reading->error);
  return VMF_OK;
}

static enum vmf_code take_number(const struct reading *reading, const json_t *object,
                                 const char *key, uint64_t most, uint64_t *number)
{
  const json_t *value = json_object_get(object, key);

  *number = 0;
  if (!value)
    return VMF_OK;
  if (!json_is_integer(value) || json_integer_value(value) < 0 ||
      (uint64_t)json_integer_value(value) > most)
    return wrong(reading, key, "a number that is not negative, nor too large");
  *number = (uint64_t)json_integer_value(value);
  return VMF_OK;
}

static enum vmf_code take_seconds(const struct reading *reading, const json_t *object,
                                  double *seconds)
{
  const json_t *value = json_object_get(object, "seconds");

  *seconds = value ? json_number_value(value) : 0;
  if (value && (!json_is_number(value) || *seconds < 0 || *seconds > SECONDS_MOST))
    return wrong(reading, "seconds", "a number of seconds");
  return VMF_OK;
}

/* "2026-11-29T10:42:01Z"; -1: it is none. */
static time_t time_of(const json_t *value)
{
  const char *text = json_string_value(value), *end;
  struct tm parts = {0};

  end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts) : NULL;
  return end && !*end ? timegm(&parts) : -1;
}

static enum vmf_code take_time(const struct reading *reading, const json_t *object, time_t *time)
{
  const json_t *value = json_object_get(object, "begun");

  *time = value ? time_of(value) : 0;
  if (*time < 0 || (double)*time > TIME_MOST)
    return wrong(reading, "begun", "a time as 2026-11-29T10:42:01Z");
  return VMF_OK;
}

static enum vmf_code take_texts(const struct reading *reading, const json_t *object,
                                const char *key, struct vmf_words *words)
{
  const json_t *list = json_object_get(object, key);
  enum vmf_code code = VMF_OK;

  if (list && !json_is_array(list))
    return wrong(reading, key, "a list of texts");
  for (size_t i = 0; i < json_array_size(list) && code == VMF_OK; i++) {
    const json_t *value = json_array_get(list, i);

    code = json_is_string(value) ? vmf_words_add(words, json_string_value(value),
                                                 json_string_length(value), reading->error)
                                 : wrong(reading, key, "a list of texts");
  }
  return code;
}

/* ---- a job ---- */

static enum vmf_code take_state(const struct reading *reading, const json_t *object,
                                enum vmf_job_state *state)
{
  const char *text = json_string_value(json_object_get(object, "state"));

  for (*state = VMF_JOB_WAITING; text && *state <= VMF_JOB_PLANNED; ++*state)
    if (strcmp(vmf_report_state(*state), text) == 0)
      return VMF_OK;
  *state = VMF_JOB_WAITING;
  return wrong(reading, "state", "done, failed, stopped, salvaged, unchanged, not begun, planned");
}

static enum vmf_code take_listed(const struct reading *reading, const json_t *object,
                                 struct vmf_listed_job *listed, uint64_t most)
{
  uint64_t index, line;
  char *target = NULL;
  enum vmf_code code = take_number(reading, object, "index", most - 1, &index);

  if (code == VMF_OK && !json_object_get(object, "index"))
    code = wrong(reading, "index", "its place in the list");
  if (code == VMF_OK)
    code = take_number(reading, object, "line", UINT32_MAX, &line);
  if (code == VMF_OK)
    code = take_texts(reading, object, "sources", &listed->operands);
  if (code == VMF_OK)
    code = take_texts(reading, object, "options", &listed->options);
  if (code == VMF_OK)
    code = take_text(reading, object, "target", &target);
  if (code == VMF_OK && (!target || listed->operands.count == 0))
    code = wrong(reading, "", "\"sources\" and a \"target\"");
  if (code == VMF_OK) {
    listed->index = index;
    listed->line = (unsigned)line;
    code = vmf_words_add(&listed->operands, target, strlen(target), reading->error);
  }
  free(target);
  return code;
}

/* The report of a run tells files by name, size and time; the rest of the field is not known. */
static enum vmf_code take_files(const struct reading *reading, const json_t *object, bool made,
                                struct vmf_batch_job *job)
{
  const char *key = made ? "made" : "read";
  const json_t *list = json_object_get(object, key);

  if (list && !json_is_array(list))
    return wrong(reading, key, "a list of files");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *file = json_array_get(list, i);
    const char *path = json_string_value(json_object_get(file, "filename"));
    time_t changed = time_of(json_object_get(file, "modified"));
    struct stat status = {.st_mode = S_IFREG, .st_mtim.tv_sec = changed};
    uint64_t size;
    enum vmf_code code = take_number(reading, file, "size", INT64_MAX, &size);

    if (code != VMF_OK)
      return code;
    if (!path || changed < 0)
      return wrong(reading, key, "files with \"filename\", \"size\" and \"modified\"");
    status.st_size = (off_t)size;
    vmf_batch_file_note(&job->touched, path, &status, made);
  }
  return VMF_OK;
}

static enum vmf_code take_checksum(const struct reading *reading, const json_t *object,
                                   struct vmf_batch_job *job)
{
  const char *checksum = json_string_value(json_object_get(object, "checksum"));
  enum vmf_code code = take_text(reading, object, "algorithm", &job->algorithm);

  if (code != VMF_OK || !job->algorithm)
    return code;
  if (strspn(job->algorithm, "abcdefghijklmnopqrstuvwxyz0123456789") != strlen(job->algorithm) ||
      !checksum || strlen(checksum) >= sizeof job->checksum ||
      strspn(checksum, "0123456789abcdef") != strlen(checksum))
    return wrong(reading, "checksum", "a checksum in hexadecimal, and the \"algorithm\" of it");
  strcpy(job->checksum, checksum);
  return VMF_OK;
}

static enum vmf_code take_made(const struct reading *reading, const json_t *object,
                               struct vmf_batch_job *job)
{
  enum vmf_code code = take_text(reading, object, "filename", &job->path);

  if (code == VMF_OK)
    code = take_text(reading, object, "format", &job->format);
  if (code == VMF_OK)
    code = take_number(reading, object, "written", INT64_MAX, &job->written);
  if (code == VMF_OK)
    code = take_number(reading, object, "files", INT64_MAX, &job->files);
  if (code == VMF_OK)
    code = take_number(reading, object, "virtual-size", INT64_MAX, &job->guest_size);
  if (code == VMF_OK)
    code = take_number(reading, object, "data", INT64_MAX, &job->data_bytes);
  if (code == VMF_OK)
    code = take_number(reading, object, "zeros", INT64_MAX, &job->zero_bytes);
  job->package = json_object_get(object, "files") != NULL;
  return code == VMF_OK ? take_checksum(reading, object, job) : code;
}

static enum vmf_code take_told(const struct reading *reading, const json_t *object,
                               struct vmf_batch_job *job)
{
  const json_t *losses = json_object_get(object, "losses");
  enum vmf_code code = take_text(reading, object, "error", &job->error);

  if (code == VMF_OK)
    code = take_texts(reading, object, "messages", &job->said);
  if (code == VMF_OK)
    code = take_number(reading, object, "more-messages", INT64_MAX, &job->unsaid);
  if (code == VMF_OK)
    code = take_texts(reading, object, "lint", &job->lint);
  if (code == VMF_OK)
    code = take_files(reading, object, false, job);
  if (code == VMF_OK)
    code = take_files(reading, object, true, job);
  if (code == VMF_OK && losses && !(job->losses = json_dumps(losses, JSON_INDENT(4))))
    code = vmf_arguments_no_memory(reading->error);
  return code;
}

static enum vmf_code take_run(const struct reading *reading, const json_t *object,
                              struct vmf_batch_job *job)
{
  uint64_t status = 0, attempts = 0;
  double seconds = 0;
  enum vmf_code code = take_state(reading, object, &job->state);

  if (code == VMF_OK)
    code = take_number(reading, object, "status", 255, &status);
  if (code == VMF_OK)
    code = take_number(reading, object, "attempts", UINT32_MAX, &attempts);
  if (code == VMF_OK)
    code = take_seconds(reading, object, &seconds);
  if (code == VMF_OK)
    code = take_time(reading, object, &job->begun);
  job->status = (int)status;
  job->attempts = (unsigned)attempts;
  job->milliseconds = (uint64_t)(seconds * 1000 + 0.5);
  job->temporary = json_is_true(json_object_get(object, "temporary"));
  return code;
}

static enum vmf_code take_job(const struct reading *reading, const json_t *object,
                              struct vmf_told_job *told, uint64_t listed)
{
  if (!json_is_object(object))
    return wrong(reading, "", "an object");
  enum vmf_code code = take_text(reading, object, "id", &told->job.name);
  if (code == VMF_OK && !told->job.name)
    code = wrong(reading, "id", "a text");
  if (code == VMF_OK)
    code = take_listed(reading, object, &told->listed, listed);
  if (code == VMF_OK)
    code = take_run(reading, object, &told->job);
  if (code == VMF_OK)
    code = take_made(reading, object, &told->job);
  return code == VMF_OK ? take_told(reading, object, &told->job) : code;
}

/* ---- the report ---- */

static enum vmf_code take_list(const struct reading *reading, struct vmf_merging *merging,
                               const json_t *batch)
{
  char *list = NULL;
  uint64_t listed;
  enum vmf_code code = take_text(reading, batch, "list", &list);

  if (code == VMF_OK)
    code = take_number(reading, batch, "listed", VMF_JOBS_MOST, &listed);
  if (code == VMF_OK && (!list || listed == 0))
    code = wrong(reading, "", "\"list\", and in \"listed\" how many jobs it has");
  if (code == VMF_OK && !merging->list) {
    merging->list = list;
    merging->listed = listed;
    return VMF_OK;
  }
  if (code == VMF_OK && (strcmp(list, merging->list) != 0 || listed != merging->listed)) {
    vmf_arguments_wrong(reading->error,
                        "%s: is of the list %s of %llu jobs, and others are of %s of %zu: "
                        "reports of one list are merged",
                        reading->path, list, (unsigned long long)listed, merging->list,
                        merging->listed);
    code = reading->error->code = VMF_CORRUPT;
  }
  free(list);
  return code;
}

static enum vmf_code take_report(struct reading *reading, struct vmf_merging *merging,
                                 const json_t *root)
{
  const json_t *batch = json_object_get(root, "batch"), *jobs = json_object_get(root, "jobs");
  double seconds;
  time_t begun;

  if (!json_is_object(batch) || !json_is_array(jobs))
    return wrong(reading, "", "an object, and the list \"jobs\" beside it");
  enum vmf_code code = take_list(reading, merging, batch);
  if (code == VMF_OK)
    code = take_time(reading, batch, &begun);
  if (code == VMF_OK)
    code = take_seconds(reading, batch, &seconds);
  if (code != VMF_OK)
    return code;
  if (merging->reports == 0 || (double)begun < merging->begun)
    merging->begun = (double)begun;
  if (merging->reports == 0 || (double)begun + seconds > merging->ended)
    merging->ended = (double)begun + seconds;
  reading->place = "jobs";
  for (; reading->number < json_array_size(jobs) && code == VMF_OK; reading->number++) {
    code = VMF_GROWING_ROOM(merging->told, merging->count, merging->capacity, reading->error);
    if (code != VMF_OK)
      return code;
    struct vmf_told_job *told = &merging->told[merging->count++];
    *told = (struct vmf_told_job){.told = begun, .order = merging->reports};
    code = take_job(reading, json_array_get(jobs, reading->number), told, merging->listed);
    if (told->job.begun > told->told)
      told->told = told->job.begun;
  }
  merging->reports++;
  return code;
}

enum vmf_code vmf_merging_read(struct vmf_merging *merging, const char *path,
                               struct vmf_error *error)
{
  struct reading reading = {.path = path, .place = "batch", .error = error};
  struct stat status;
  json_error_t found;

  if (stat(path, &status) == 0 && (!S_ISREG(status.st_mode) || status.st_size > REPORT_MOST)) {
    vmf_arguments_wrong(error, "%s: is no file of at most %d bytes", path, REPORT_MOST);
    return error->code = VMF_CORRUPT;
  }
  FILE *file = fopen(path, "re");
  if (!file)
    return vmf_arguments_wrong(error, "%s: cannot be read: %s", path, strerror(errno));
  json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &found);
  fclose(file);
  if (!root) {
    vmf_arguments_wrong(error, "%s: is no report in JSON: %s (line %d)", path, found.text,
                        found.line);
    return error->code = VMF_CORRUPT;
  }
  enum vmf_code code = take_report(&reading, merging, root);
  json_decref(root);
  return code;
}

#else

enum vmf_code vmf_merging_read(struct vmf_merging *merging, const char *path,
                               struct vmf_error *error)
{
  (void)merging;
  return vmf_arguments_wrong(error, "%s: is JSON, and vmferry was built without jansson", path);
}

#endif
