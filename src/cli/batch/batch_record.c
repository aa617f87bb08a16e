/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A line of the record: the sum of the job's words, and a field for each file (batch_files.h),
 * behind a TAB each. A line without an end is of a run that was cut off, and is none. */
#include "batch_record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "batch_claims.h"
#include "batch_files.h"
#include "memory_text.h"

#define RECORD_HEAD "vmferry batch record 1\n"

enum { RECORD_MOST = 1 << 30 /* bytes */, OPENED_MOST = 10 /* times, while others remove it */ };

struct entry {
  uint64_t sum;
  const char *fields; /* in the text */
};

struct vmf_batch_record {
  const char *path; /* the caller's */
  int number;       /* open for reading and appending, locked */
  char *text;       /* of earlier runs; owned; or NULL */
  struct entry *entries;
  size_t count;
};

/* ---- the sum of a job ---- */

/* FNV-1a, with the zeros that end the words. */
static void add_word(uint64_t *sum, const char *word)
{
  do
    *sum = (*sum ^ (unsigned char)*word) * UINT64_C(0x100000001b3);
  while (*word++);
}

/* Relative names mean files only together with the working folder. */
static uint64_t sum_of(const struct vmf_listed_job *job)
{
  char *folder = get_current_dir_name();
  uint64_t sum = UINT64_C(0xcbf29ce484222325);

  add_word(&sum, folder ? folder : "");
  free(folder);
  for (size_t i = 0; i < job->options.count; i++)
    add_word(&sum, job->options.list[i]);
  add_word(&sum, "--");
  for (size_t i = 0; i < job->operands.count; i++)
    add_word(&sum, job->operands.list[i]);
  return sum;
}

/* ---- reading ---- */

static int compare_entries(const void *one, const void *other)
{
  const struct entry *a = one, *b = other;

  if (a->sum != b->sum)
    return a->sum < b->sum ? -1 : 1;
  return a->fields < b->fields ? -1 : a->fields > b->fields;
}

/* The text behind the head: its lines become entries, each ended by a NUL. *size: where the last
 * whole one ends. */
static enum vmf_code take_lines(struct vmf_batch_record *record, char *text, size_t *size,
                                struct vmf_error *error)
{
  size_t lines = 0;

  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
    lines++;
  record->entries = calloc(lines + 1, sizeof *record->entries);
  if (!record->entries)
    return vmf_arguments_no_memory(error);
  for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
    struct entry *entry = &record->entries[record->count];
    int length = 0;

    *end = '\0';
    if (sscanf(text, "%16" SCNx64 "%n", &entry->sum, &length) == 1 && text[length] == '\t') {
      entry->fields = text + length + 1;
      record->count++;
    }
  }
  *size = (size_t)(text - record->text);
  qsort(record->entries, record->count, sizeof *record->entries, compare_entries);
  return VMF_OK;
}

static enum vmf_code failed(const struct vmf_batch_record *record, const char *what,
                            struct vmf_error *error)
{
  int number = errno;

  vmf_arguments_wrong(error, "%s: the record of the batch %s: %s", record->path, what,
                      strerror(number));
  error->sys_errno = number;
  return error->code = VMF_SYSTEM;
}

static enum vmf_code read_text(struct vmf_batch_record *record, size_t size,
                               struct vmf_error *error)
{
  size_t got = 0;

  record->text = malloc(size + 1);
  if (!record->text)
    return vmf_arguments_no_memory(error);
  for (ssize_t more; got < size; got += (size_t)more)
    if ((more = pread(record->number, record->text + got, size - got, (off_t)got)) <= 0)
      return failed(record, "cannot be read", error);
  record->text[size] = '\0';
  if (strncmp(record->text, RECORD_HEAD, strlen(RECORD_HEAD)) == 0)
    return VMF_OK;
  return vmf_arguments_wrong(error,
                             "%s: is there and is no record of a batch: it is left as it is; name "
                             "another file (--resume=RECORD)",
                             record->path);
}

static bool append(const struct vmf_batch_record *record, const char *text)
{
  return write(record->number, text, strlen(text)) == (ssize_t)strlen(text);
}

/* A line that was cut off is taken away: ended, it would tell of a job with fewer files. */
static enum vmf_code begin(struct vmf_batch_record *record, bool resume, struct vmf_error *error)
{
  struct stat status;
  enum vmf_code code = VMF_OK;

  if (fstat(record->number, &status) != 0)
    return failed(record, "cannot be examined", error);
  if (!S_ISREG(status.st_mode) || status.st_size > RECORD_MOST)
    return vmf_arguments_wrong(error, "%s: is no regular file of at most %d bytes", record->path,
                               RECORD_MOST);
  size_t size = (size_t)status.st_size;
  if (size > 0)
    code = read_text(record, size, error);
  if (code != VMF_OK)
    return code;
  if (size > 0 && resume) {
    code = take_lines(record, record->text + strlen(RECORD_HEAD), &size, error);
    return code != VMF_OK || ftruncate(record->number, (off_t)size) == 0
               ? code
               : failed(record, "cannot be written", error);
  }
  if (ftruncate(record->number, 0) != 0 || !append(record, RECORD_HEAD))
    return failed(record, "cannot be written", error);
  return VMF_OK;
}

/* ---- opening ---- */

/* Who ends removes the file before it lets go of the lock. */
static bool is_removed(int number)
{
  struct stat status;
  return fstat(number, &status) == 0 && status.st_nlink == 0;
}

static enum vmf_code open_locked(struct vmf_batch_record *record, struct vmf_error *error)
{
  for (int times = 0; times < OPENED_MOST; times++) {
    record->number =
        open(record->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (record->number < 0)
      return failed(record, "cannot be opened", error);
    if (flock(record->number, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      vmf_arguments_wrong(error, "%s: another batch is at work on this list", record->path);
      return error->code = VMF_IN_USE;
    }
    if (!is_removed(record->number))
      return VMF_OK;
    close(record->number);
    record->number = -1;
  }
  errno = EAGAIN;
  return failed(record, "cannot be opened", error);
}

enum vmf_code vmf_batch_record_open(const char *path, bool resume, struct vmf_batch_record **record,
                                    struct vmf_error *error)
{
  struct vmf_batch_record *made = calloc(1, sizeof *made);

  *record = NULL;
  if (!made)
    return vmf_arguments_no_memory(error);
  made->path = path;
  made->number = -1;
  enum vmf_code code = open_locked(made, error);
  if (code == VMF_OK)
    code = begin(made, resume, error);
  if (code != VMF_OK)
    vmf_batch_record_close(made, false);
  else
    *record = made;
  return code;
}

void vmf_batch_record_close(struct vmf_batch_record *record, bool remove)
{
  if (!record)
    return;
  if (remove)
    unlink(record->path);
  if (record->number >= 0)
    close(record->number);
  free(record->entries);
  free(record->text);
  free(record);
}

/* ---- then and now ---- */

static void look_at_all(const char *fields, struct vmf_batch_job *job)
{
  job->recorded = true;
  for (size_t length; *fields && !job->changed; fields += length + (fields[length] == '\t')) {
    struct vmf_batch_file file;

    length = strcspn(fields, "\t");
    bool whole = vmf_batch_file_parse(fields, length, &file);
    enum vmf_file_found found =
        whole ? vmf_batch_file_look(&file, fields, length) : VMF_FILE_MISSING;
    job->recorded = job->recorded && found == VMF_FILE_SAME;
    if (found == VMF_FILE_CHANGED && file.made)
      job->changed = file.path;
    else
      free(file.path);
  }
}

/* What the job has made is its own. */
static void claim_all(struct vmf_batch *batch, const char *fields, const struct vmf_batch_job *job)
{
  struct vmf_error ignored; /* two had made it: what became of it is seen */

  for (size_t length; *fields; fields += length + (fields[length] == '\t')) {
    struct vmf_batch_file file;

    length = strcspn(fields, "\t");
    if (vmf_batch_file_parse(fields, length, &file) && file.made)
      (void)!vmf_batch_claim(batch, job, file.path, &ignored);
    free(file.path);
  }
}

void vmf_batch_record_look(struct vmf_batch *batch, struct vmf_batch_job *job)
{
  const struct vmf_batch_record *record = batch->record;

  if (!record || record->count == 0)
    return;
  uint64_t sum = sum_of(job->listed);
  size_t low = 0, high = record->count;
  while (low < high) { /* the first behind those of this sum */
    size_t middle = low + (high - low) / 2;

    if (record->entries[middle].sum <= sum)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0 || record->entries[low - 1].sum != sum)
    return;
  look_at_all(record->entries[low - 1].fields, job);
  if (job->recorded || job->changed)
    claim_all(batch, record->entries[low - 1].fields, job);
}

/* ---- writing ---- */

void vmf_batch_record_add(struct vmf_batch_record *record, const struct vmf_batch_job *job)
{
  const struct vmf_words *fields = &job->touched.fields;
  char *line = NULL;
  size_t length;

  if (!record || job->touched.untold || fields->count == 0)
    return;
  FILE *out = open_memstream(&line, &length);
  if (!out)
    return;
  fprintf(out, "%016" PRIx64, sum_of(job->listed));
  for (size_t i = 0; i < fields->count; i++)
    fprintf(out, "\t%s", fields->list[i]);
  fputc('\n', out);
  if (vmf_memory_text_end(out, &line))
    (void)!append(record, line);
  free(line);
}
