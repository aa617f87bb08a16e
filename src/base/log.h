/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Warnings: things a person should know that do not make the result wrong; and notes, for who wants
 * to know what is done. The library never prints: its caller supplies the functions. */
#ifndef VMF_BASE_LOG_H
#define VMF_BASE_LOG_H

#include "error.h"
#include "vmferry.h"

/* One line, no newline at the end, the file's name first. log may be NULL: then nothing happens.
 * Any thread. */
void vmf_warn(const struct vmf_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void vmf_note(const struct vmf_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void vmf_detail(const struct vmf_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A file that was read, or (status: NULL) made. */
void vmf_log_file(const struct vmf_log *log, const char *path, const struct stat *status);

/* For who refuses what is odd: the first warning to `log` is kept and not told. Behind the end they
 * go on to `next`, as all else always does. Zeros before; no other thread may warn until the end.
 */
struct vmf_first_warning {
  struct vmf_log log;
  const struct vmf_log *next; /* or NULL */
  bool ended;
  char text[512];
};
void vmf_first_warning_begin(struct vmf_first_warning *first, const struct vmf_log *next);
/* VMF_REFUSED: there was one. */
VMF_MUST_CHECK enum vmf_code vmf_first_warning_end(struct vmf_first_warning *first,
                                                   struct vmf_error *error);

#endif
