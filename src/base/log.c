/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

void vmf_warn(const struct vmf_log *log, const char *format, ...)
{
  char text[512];
  va_list arguments;

  if (!log || !log->warn)
    return;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  log->warn(log->data, text);
}
