/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void put_text(struct vmf_error *error, const char *format, va_list arguments)
{
  vsnprintf(error->text, sizeof(error->text), format, arguments);
}

enum vmf_code vmf_fail(struct vmf_error *error, enum vmf_code code, const char *format, ...)
{
  va_list arguments;

  if (!error)
    return code;
  error->code = code;
  error->sys_errno = 0;
  va_start(arguments, format);
  put_text(error, format, arguments);
  va_end(arguments);
  return code;
}

enum vmf_code vmf_fail_errno(struct vmf_error *error, enum vmf_code code, const char *format, ...)
{
  int failure = errno;
  va_list arguments;

  if (failure == ENOMEM)
    code = VMF_NOMEM;
  if (!error)
    return code;
  error->code = code;
  error->sys_errno = failure;
  va_start(arguments, format);
  put_text(error, format, arguments);
  va_end(arguments);
  size_t used = strlen(error->text);
  snprintf(error->text + used, sizeof(error->text) - used, ": %s", strerror(failure));
  return code;
}

enum vmf_code vmf_while(struct vmf_error *error, const char *format, ...)
{
  char inner[sizeof(error->text)];
  va_list arguments;

  if (!error)
    return VMF_SYSTEM;
  memcpy(inner, error->text, sizeof(inner));
  va_start(arguments, format);
  put_text(error, format, arguments);
  va_end(arguments);
  size_t used = strlen(error->text);
  snprintf(error->text + used, sizeof(error->text) - used, ": %s", inner);
  return error->code;
}
