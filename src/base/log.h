/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Warnings: things a person should know that do not make the result wrong; and notes, for who wants
 * to know what is done. The library never prints: its caller supplies the functions. */
#ifndef VMF_BASE_LOG_H
#define VMF_BASE_LOG_H

#include "vmferry.h"

/* One line, no newline at the end, the file's name first. log may be NULL: then nothing happens.
 * Any thread. */
void vmf_warn(const struct vmf_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void vmf_note(const struct vmf_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
