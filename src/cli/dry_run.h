/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a conversion would do, without doing it. */
#ifndef VMF_CLI_DRY_RUN_H
#define VMF_CLI_DRY_RUN_H

#include "settings.h"
#include "verb.h"

struct vmf_dry_run {
  const struct vmf_command *command;
  const struct vmf_target_settings *target;
  struct vmf_image *source;
  const char *path, *format; /* of the target */
};

/* Prints it on standard output. That it may not fit is no error: the source is not read for it, and
 * what its map calls data may be zeros. */
VMF_MUST_CHECK enum vmf_code vmf_dry_run(const struct vmf_dry_run *run, struct vmf_error *error);

#endif
