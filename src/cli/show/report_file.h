/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file for people or programs beside what a command makes: a report, a picture. */
#ifndef VMF_CLI_REPORT_FILE_H
#define VMF_CLI_REPORT_FILE_H

#include <stdio.h>

#include "vmferry.h"

/* Lets `write` fill the file at `path`, which appears, or is replaced, when it is whole; "-" is
 * standard output, and a device or pipe is written as it is. `what` it is, for the message of
 * VMF_WRITE. */
VMF_MUST_CHECK enum vmf_code vmf_report_file(const char *path, const char *what,
                                             void (*write)(FILE *out, const void *data),
                                             const void *data, struct vmf_error *error);

#endif
