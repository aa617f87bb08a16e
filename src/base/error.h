/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How a failure travels: a code is returned, the text is built once where the facts are, and each
 * layer on the way up may put its context in front. */
#ifndef VMF_BASE_ERROR_H
#define VMF_BASE_ERROR_H

#include <stdarg.h>

#include "vmferry.h"

/* Fills *error with code and text and returns code, for `return vmf_fail(error, ...)`.
 * The text says what was being read, where, the value found and what is accepted. Control
 * characters that come from a file name or an image are escaped by the printer, not here. error may
 * be NULL. */
VMF_MUST_CHECK enum vmf_code vmf_fail(struct vmf_error *error, enum vmf_code code,
                                      const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(errno)>" behind the text, and errno kept in error->sys_errno.
 * ENOMEM turns any code into VMF_NOMEM. */
VMF_MUST_CHECK enum vmf_code vmf_fail_errno(struct vmf_error *error, enum vmf_code code,
                                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An error that was kept becomes this one; returns its code. */
VMF_MUST_CHECK enum vmf_code vmf_fail_again(const struct vmf_error *kept, struct vmf_error *error);

/* Puts "context: " in front of an error that is already filled; returns its code. */
VMF_MUST_CHECK enum vmf_code vmf_while(struct vmf_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define VMF_TRY(call)                                                                              \
  do {                                                                                             \
    enum vmf_code vmf_try_ = (call);                                                               \
    if (vmf_try_ != VMF_OK)                                                                        \
      return vmf_try_;                                                                             \
  } while (0)

#endif
