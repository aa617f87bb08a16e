/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_SIZE = 2048 };

void vmf_warn(const struct vmf_log *log, const char *format, ...)
{
  char line[LINE_SIZE];
  va_list arguments;

  if (!log || !log->warn)
    return;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (length >= 0)
    log->warn(log->data, line);
}
