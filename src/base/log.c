/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_SIZE = 2048 };

typedef void log_teller(void *data, const char *text);

static void log_tell(log_teller *tell, void *data, const char *format, va_list values)
{
  char line[LINE_SIZE];

  if (tell && vsnprintf(line, sizeof(line), format, values) >= 0)
    tell(data, line);
}

void vmf_warn(const struct vmf_log *log, const char *format, ...)
{
  va_list values;

  va_start(values, format);
  log_tell(log ? log->warn : NULL, log ? log->data : NULL, format, values);
  va_end(values);
}

void vmf_note(const struct vmf_log *log, const char *format, ...)
{
  va_list values;

  va_start(values, format);
  log_tell(log ? log->note : NULL, log ? log->data : NULL, format, values);
  va_end(values);
}

void vmf_detail(const struct vmf_log *log, const char *format, ...)
{
  va_list values;

  va_start(values, format);
  log_tell(log ? log->detail : NULL, log ? log->data : NULL, format, values);
  va_end(values);
}

void vmf_log_file(const struct vmf_log *log, const char *path, const struct stat *status)
{
  if (log && log->file)
    log->file(log->data, path, status);
}

static void keep_first(void *data, const char *text)
{
  struct vmf_first_warning *first = data;

  if (first->ended)
    vmf_warn(first->next, "%s", text);
  else if (!*first->text)
    snprintf(first->text, sizeof first->text, "%s", text);
}

static void pass_note(void *data, const char *text)
{
  const struct vmf_first_warning *first = data;

  vmf_note(first->next, "%s", text);
}

static void pass_detail(void *data, const char *text)
{
  const struct vmf_first_warning *first = data;

  vmf_detail(first->next, "%s", text);
}

static void pass_file(void *data, const char *path, const struct stat *status)
{
  const struct vmf_first_warning *first = data;

  vmf_log_file(first->next, path, status);
}

void vmf_first_warning_begin(struct vmf_first_warning *first, const struct vmf_log *next)
{
  first->log = (struct vmf_log){.warn = keep_first,
                                .note = pass_note,
                                .detail = pass_detail,
                                .file = pass_file,
                                .data = first};
  first->next = next;
}

enum vmf_code vmf_first_warning_end(struct vmf_first_warning *first, struct vmf_error *error)
{
  first->ended = true;
  if (!*first->text)
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED, "%s; what is not trusted has one meaning for every reader",
                  first->text);
}
