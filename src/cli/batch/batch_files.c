/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "argument_place.h"
#include "memory_text.h"
#include "names.h"

bool vmf_batch_only_files(const struct vmf_words *operands, size_t count)
{
  struct stat there;

  for (size_t i = 0; i < count; i++)
    if (vmf_names_is_url(operands->list[i]) || (stat(operands->list[i], &there) == 0 &&
                                                !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode)))
      return false;
  return true;
}

static int64_t nanoseconds(struct timespec time)
{
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void print_field(FILE *out, const char *path, const struct stat *status, bool made)
{
  fprintf(out, "%c %lld %" PRId64 " %" PRId64 " %llu ", made ? 'w' : 'r',
          (long long)status->st_size, nanoseconds(status->st_mtim),
          made ? 0 : nanoseconds(status->st_ctim), (unsigned long long)status->st_ino);
  for (; *path; path++)
    switch (*path) {
    case '\\':
      fputs("\\\\", out);
      break;
    case '\t':
      fputs("\\t", out);
      break;
    case '\n':
      fputs("\\n", out);
      break;
    default:
      fputc(*path, out);
    }
}

/* The same field for what is there now; NULL: no memory. */
static char *field_of(const char *path, const struct stat *status, bool made)
{
  char *field = NULL;
  size_t length;
  FILE *out = open_memstream(&field, &length);

  if (!out)
    return NULL;
  print_field(out, path, status, made);
  if (vmf_memory_text_end(out, &field))
    return field;
  free(field);
  return NULL;
}

void vmf_batch_file_note(struct vmf_batch_files *files, const char *path, const struct stat *status,
                         bool made)
{
  struct vmf_error ignored;
  char *field = S_ISREG(status->st_mode) ? field_of(path, status, made) : NULL;

  if (!field || vmf_words_add(&files->fields, field, strlen(field), &ignored) != VMF_OK)
    files->untold = true;
  free(field);
}

void vmf_batch_file_add(struct vmf_batch_files *files, const char *path, const struct stat *status)
{
  struct stat made;

  if (!status && stat(path, &made) != 0) {
    files->untold = true;
    return;
  }
  vmf_batch_file_note(files, path, status ? status : &made, !status);
}

static void add_named(struct vmf_batch_files *files, const char *path, unsigned places)
{
  struct stat there;

  if (stat(path, &there) != 0 || S_ISDIR(there.st_mode))
    return;
  vmf_batch_file_add(files, path, places & VMF_PLACE_WRITTEN ? NULL : &there);
}

void vmf_batch_files_of_options(struct vmf_batch_files *files, const struct vmf_verb *verb,
                                const struct vmf_command *command)
{
  for (const struct vmf_argument *row = verb->arguments; row->kind; row++) {
    const void *field = (const char *)command + row->field;
    unsigned places = row->field ? vmf_argument_places(row) : 0;

    if (!places || (places & (VMF_PLACE_BESIDE | VMF_PLACE_FOLDER)))
      continue;
    const char *const *list =
        row->kind == VMF_ARGUMENT_LISTED ? *(const char *const *const *)field : NULL;
    for (; list && *list; list++)
      add_named(files, *list, places);
    const char *text = row->kind == VMF_ARGUMENT_TEXT ? *(const char *const *)field : NULL;
    if (text)
      add_named(files, text, places);
  }
}

static int compare_fields(const void *one, const void *other)
{
  return strcmp(*(char *const *)one, *(char *const *)other);
}

void vmf_batch_files_sort(struct vmf_batch_files *files)
{
  struct vmf_words *fields = &files->fields;
  size_t kept = 0;

  if (fields->count == 0)
    return;
  qsort(fields->list, fields->count, sizeof *fields->list, compare_fields);
  for (size_t i = 0; i < fields->count; i++)
    if (kept > 0 && strcmp(fields->list[kept - 1], fields->list[i]) == 0)
      free(fields->list[i]);
    else
      fields->list[kept++] = fields->list[i];
  fields->list[kept] = NULL;
  fields->count = kept;
}

/* ---- then and now ---- */

static char *path_of(const char *text, const char *end)
{
  char *path = malloc((size_t)(end - text) + 1), *to = path;

  if (!path)
    return NULL;
  for (; text < end; text++) {
    bool escaped = *text == '\\' && text + 1 < end;

    text += escaped;
    *to++ = !escaped ? *text : *text == 't' ? '\t' : *text == 'n' ? '\n' : *text;
  }
  *to = '\0';
  return path;
}

bool vmf_batch_file_parse(const char *field, size_t length, struct vmf_batch_file *file)
{
  char kind;
  int used = 0;

  *file = (struct vmf_batch_file){0};
  if (sscanf(field, "%c %lld %lld %*d %*u %n", &kind, &file->size, &file->changed, &used) != 3 ||
      used == 0 || (size_t)used >= length)
    return false;
  file->made = kind == 'w';
  file->path = path_of(field + used, field + length);
  return file->path != NULL;
}

enum vmf_file_found vmf_batch_file_look(const struct vmf_batch_file *file, const char *field,
                                        size_t length)
{
  struct stat status;

  if (stat(file->path, &status) != 0)
    return VMF_FILE_MISSING;
  char *now = field_of(file->path, &status, file->made);
  bool same = now && strlen(now) == length && memcmp(now, field, length) == 0;
  free(now);
  return same ? VMF_FILE_SAME : VMF_FILE_CHANGED;
}
