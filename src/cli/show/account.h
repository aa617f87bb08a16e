/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What was made: a line for people on a terminal, an object in JSON for programs. */
#ifndef VMF_CLI_ACCOUNT_H
#define VMF_CLI_ACCOUNT_H

#include <stdio.h>

#include "verb.h"

/* A disk that was written. */
struct vmf_account {
  const char *path, *format;
  uint64_t guest_size, milliseconds;
  const struct vmf_job_result *result;
  const char *checksum; /* the algorithm that was asked for; or NULL */
};

/* "disk.qcow2: QCOW2, 40 GiB disk, 3.1 GiB written, 12 s (265 MiB/s)" on standard error, where that
 * is a terminal and -q is not given. */
void vmf_account_line(const struct vmf_command *command, const struct vmf_account *account);

void vmf_account_json(FILE *out, const struct vmf_account *account);

/* A package that was written. */
struct vmf_package_account {
  const char *path;
  uint64_t milliseconds;
  const struct vmf_package_result *result;
};

/* The same for a package, as the command line asks for: the line or the object. The object goes to
 * standard output, or to standard error where that is the package. */
void vmf_account_package(const struct vmf_command *command,
                         const struct vmf_package_account *account);

#endif
