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
