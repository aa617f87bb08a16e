/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "job_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "growing.h"

enum { LINE_MOST = 1 << 20 /* bytes */ };

/* ---- jobs ---- */

enum vmf_code vmf_job_list_add(struct vmf_job_list *list, unsigned line,
                               struct vmf_listed_job **job, struct vmf_error *error)
{
  if (list->count == VMF_JOBS_MOST)
    return vmf_arguments_wrong(error, "more than %d jobs", VMF_JOBS_MOST);
  enum vmf_code code = VMF_GROWING_ROOM(list->jobs, list->count, list->capacity, error);
  if (code != VMF_OK)
    return code;
  *job = &list->jobs[list->count++];
  **job = (struct vmf_listed_job){.index = list->listed++, .line = line};
  return vmf_words_append(&(*job)->options, &list->defaults, error);
}

void vmf_job_list_free_job(struct vmf_listed_job *job)
{
  free(job->id);
  vmf_words_free(&job->options);
  vmf_words_free(&job->operands);
}

void vmf_job_list_thin(struct vmf_job_list *list, size_t first, size_t step)
{
  size_t kept = 0;

  for (size_t i = 0; i < list->count; i++)
    if (i >= first && (i - first) % step == 0)
      list->jobs[kept++] = list->jobs[i];
    else
      vmf_job_list_free_job(&list->jobs[i]);
  list->count = kept;
}

void vmf_job_list_free(struct vmf_job_list *list)
{
  for (size_t i = 0; i < list->count; i++)
    vmf_job_list_free_job(&list->jobs[i]);
  free(list->jobs);
  vmf_words_free(&list->defaults);
}

/* ---- lines ---- */

/* A name: the whole text, or what it quotes. */
static enum vmf_code add_name(struct vmf_listed_job *job, char *text, struct vmf_error *error)
{
  struct vmf_words quoted = {0};

  if (!*text)
    return vmf_arguments_wrong(error, "a name is empty; expected SOURCE, TAB, TARGET");
  if (*text != '"' && *text != '\'')
    return vmf_words_add(&job->operands, text, strlen(text), error);
  enum vmf_code code = vmf_words_split(&quoted, text, error);
  if (code == VMF_OK && quoted.count != 1)
    code = vmf_arguments_wrong(error, "%s: is more than one name", text);
  if (code == VMF_OK)
    code = vmf_words_append(&job->operands, &quoted, error);
  vmf_words_free(&quoted);
  return code;
}

static enum vmf_code take_fields(struct vmf_job_list *list, unsigned number, char *text,
                                 struct vmf_error *error)
{
  struct vmf_listed_job *job = NULL;
  char *source = strsep(&text, "\t"), *target = strsep(&text, "\t");

  if (!target)
    return vmf_arguments_wrong(error, "has no TAB; expected SOURCE, TAB, TARGET, and perhaps TAB "
                                      "and options of \"convert\"");
  enum vmf_code code = vmf_job_list_add(list, number, &job, error);
  if (code == VMF_OK)
    code = add_name(job, source, error);
  if (code == VMF_OK)
    code = add_name(job, target, error);
  return code == VMF_OK && text ? vmf_words_split(&job->options, text, error) : code;
}

static enum vmf_code take_defaults(struct vmf_job_list *list, const struct vmf_words *given,
                                   const char *text, struct vmf_error *error)
{
  vmf_words_free(&list->defaults);
  enum vmf_code code = vmf_words_append(&list->defaults, given, error);
  return code == VMF_OK ? vmf_words_split(&list->defaults, text, error) : code;
}

/* ---- the list ---- */

/* What is known while a list is read. */
struct reading {
  struct vmf_job_list *list;
  struct vmf_words given; /* the defaults of the command line */
  bool objects;           /* it is one of JSON */
  unsigned number;        /* of the line */
};

static enum vmf_code take_line(struct reading *reading, char *text, struct vmf_error *error)
{
  static const char defaults[] = "@defaults";
  size_t blank = strspn(text, " \t"), length = sizeof defaults - 1;

  if (!text[blank] || (text[blank] == '#' && !reading->objects))
    return VMF_OK;
  if (reading->list->count == 0 && text[blank] == '{')
    reading->objects = true;
  if (reading->objects)
    return vmf_job_object(reading->list, reading->number, text, error);
  if (strncmp(text, defaults, length) == 0 && strchr(" \t", text[length]))
    return take_defaults(reading->list, &reading->given, text + length, error);
  if (text[0] == '@')
    return vmf_arguments_wrong(error,
                               "%.40s: is no \"@defaults OPTIONS\"; a name that begins so is "
                               "quoted",
                               text);
  return take_fields(reading->list, reading->number, text, error);
}

/* Without the end of the line. */
static enum vmf_code check_line(char *text, size_t length, struct vmf_error *error)
{
  if (memchr(text, '\0', length))
    return vmf_arguments_wrong(error, "has a NUL byte: this is no list of jobs");
  if (length > LINE_MOST)
    return vmf_arguments_wrong(error, "is longer than %d bytes", LINE_MOST);
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
    text[--length] = '\0';
  return VMF_OK;
}

static enum vmf_code read_lines(FILE *file, struct reading *reading, struct vmf_error *error)
{
  char *text = NULL;
  size_t size = 0;
  ssize_t length;
  enum vmf_code code = VMF_OK;

  while (code == VMF_OK && (length = getline(&text, &size, file)) >= 0) {
    reading->number++;
    code = check_line(text, (size_t)length, error);
    if (code == VMF_OK)
      code = take_line(reading, text, error);
    if (code == VMF_USAGE) {
      struct vmf_error found = *error;
      vmf_arguments_wrong(error, "%s:%u: %s", reading->list->name, reading->number, found.text);
    }
  }
  if (code == VMF_OK && ferror(file)) {
    vmf_arguments_wrong(error, "%s: cannot be read: %s", reading->list->name, strerror(errno));
    code = error->code = VMF_READ;
  }
  free(text);
  return code;
}

enum vmf_code vmf_job_list_read(struct vmf_job_list *list, struct vmf_error *error)
{
  bool is_input = strcmp(list->name, "-") == 0;
  struct reading reading = {.list = list, .given = list->defaults};
  FILE *file = is_input ? stdin : fopen(list->name, "re");

  if (!file)
    return vmf_arguments_wrong(error, "%s: the list of jobs cannot be opened: %s", list->name,
                               strerror(errno));
  list->defaults = (struct vmf_words){0};
  enum vmf_code code = vmf_words_append(&list->defaults, &reading.given, error);
  if (is_input)
    list->name = "standard input";
  if (code == VMF_OK)
    code = read_lines(file, &reading, error);
  if (!is_input)
    fclose(file);
  vmf_words_free(&reading.given);
  if (code == VMF_OK && list->count == 0)
    code = vmf_arguments_wrong(error, "%s: holds no job", list->name);
  return code;
}
