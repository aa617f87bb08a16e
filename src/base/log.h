/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Warnings: things a person should know that do not make the result wrong. The library never
 * prints: the caller of the library supplies the function. */
#ifndef VMF_BASE_LOG_H
#define VMF_BASE_LOG_H

#include "vmferry.h"

/* One line, no newline at the end, the file's name first. log may be NULL: then nothing happens.
 * Any thread. */
void vmf_warn(const struct vmf_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
