/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Filling struct vmf_error. Texts are built aside, so an argument may point into the error itself,
 * and what does not fit is cut between characters and marked. */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = sizeof(((struct vmf_error *)NULL)->text) };

static const char cut_mark[] = "...";

/* Copies `length` bytes and a NUL into to[size]; size > sizeof(cut_mark). */
static void error_copy(char *to, size_t size, const char *from, size_t length)
{
  if (length < size) {
    memcpy(to, from, length);
    to[length] = '\0';
    return;
  }
  size_t kept = size - sizeof(cut_mark);
  while (kept > 0 && ((unsigned char)from[kept] & 0xc0) == 0x80)
    kept--;
  memcpy(to, from, kept);
  memcpy(to + kept, cut_mark, sizeof(cut_mark));
}

/* `behind` is kept whole where it is shorter than half of the text. */
__attribute__((format(printf, 2, 0))) static void error_format(struct vmf_error *error,
                                                               const char *format,
                                                               va_list arguments,
                                                               const char *behind)
{
  char text[2 * TEXT_SIZE];
  size_t length = strlen(behind), reserved = length < TEXT_SIZE / 2 ? length : TEXT_SIZE / 2;

  if (vsnprintf(text, sizeof(text), format, arguments) < 0)
    memcpy(text, "?", 2);
  error_copy(error->text, TEXT_SIZE - reserved, text, strlen(text));
  size_t used = strlen(error->text);
  error_copy(error->text + used, TEXT_SIZE - used, behind, length);
}

const char *vmf_code_text(enum vmf_code code)
{
  static const char *const texts[] = {
      [VMF_OK] = "done",
      [VMF_USAGE] = "what was asked for does not exist, or does not fit together",
      [VMF_SYSTEM] = "the operating system refused",
      [VMF_NOMEM] = "no memory",
      [VMF_CORRUPT] = "an input breaks its format, or a part of it is missing",
      [VMF_REFUSED] = "an input asks for what the policy forbids",
      [VMF_LIMIT] = "an input is beyond a bound",
      [VMF_READ] = "reading failed",
      [VMF_WRITE] = "writing failed, or there is no space left",
      [VMF_CHANGED] = "a source changed while it was read",
      [VMF_IN_USE] = "a running virtual machine or another program holds the image",
      [VMF_DIFFERENT] = "verification failed",
      [VMF_UNSUPPORTED] = "a known feature that is not supported",
      [VMF_CANCELLED] = "cancelled",
      [VMF_TEMPORARY] = "a server did not answer, or not in time",
      [VMF_SECRET] = "the secret of an encrypted disk is wrong, or was not given",
  };

  return (size_t)code < sizeof texts / sizeof texts[0] ? texts[code] : "a code of another version";
}

enum vmf_code vmf_fail(struct vmf_error *error, enum vmf_code code, const char *format, ...)
{
  va_list arguments;

  if (!error)
    return code;
  error->code = code;
  error->sys_errno = 0;
  va_start(arguments, format);
  error_format(error, format, arguments, "");
  va_end(arguments);
  return code;
}

enum vmf_code vmf_fail_errno(struct vmf_error *error, enum vmf_code code, const char *format, ...)
{
  int failure = errno;
  char reason[TEXT_SIZE / 2];
  va_list arguments;

  if (failure == ENOMEM)
    code = VMF_NOMEM;
  if (!error)
    return code;
  error->code = code;
  error->sys_errno = failure;
  snprintf(reason, sizeof(reason), ": %s", strerror(failure));
  va_start(arguments, format);
  error_format(error, format, arguments, reason);
  va_end(arguments);
  return code;
}

enum vmf_code vmf_while(struct vmf_error *error, const char *format, ...)
{
  char inner[TEXT_SIZE + 2];
  va_list arguments;

  if (!error)
    return VMF_SYSTEM; /* the cause is known to nobody any more */
  snprintf(inner, sizeof(inner), ": %s", error->text);
  va_start(arguments, format);
  error_format(error, format, arguments, inner);
  va_end(arguments);
  return error->code;
}

enum vmf_code vmf_fail_again(const struct vmf_error *kept, struct vmf_error *error)
{
  if (error)
    *error = *kept;
  return kept->code;
}
