/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a conversion would do, without doing it: printed on standard output. That it may not fit is
 * no error: data that is packed, or zeros, may take less. */
#ifndef VMF_CLI_DRY_RUN_H
#define VMF_CLI_DRY_RUN_H

#include "verb.h"

/* One disk. */
struct vmf_dry_run {
  const struct vmf_command *command;
  const char *path, *format; /* of the target */
  uint64_t guest_size;
  uint64_t required; /* bytes that are written, at most */
};

void vmf_dry_run_disk(const struct vmf_dry_run *run);

/* A package or a machine: result->bytes, at most, in result->files. */
void vmf_dry_run_package(const struct vmf_command *command, const char *path,
                         const struct vmf_package_result *result);

/* What a file system has free for who asks. False: it does not tell. */
bool vmf_dry_run_free(const char *folder, uint64_t *bytes);

#endif
