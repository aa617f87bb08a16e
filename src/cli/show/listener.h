/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Who is told what a command does, where that is not the terminal: a batch, of which it is one job.
 * All on the thread that does the job. */
#ifndef VMF_CLI_LISTENER_H
#define VMF_CLI_LISTENER_H

#include "account.h"
#include "progress_bar.h"

struct vmf_listener {
  void *data;
  /* what would stand on standard error behind "vmferry: " */
  void (*say)(void *data, const char *text);
  /* A file that will be written, or replaced. What is not VMF_OK ends it, before its first byte. */
  enum vmf_code (*target)(void *data, const char *path, struct vmf_error *error);
  void (*progress)(void *data, const struct vmf_progress_state *state);
  void (*disk)(void *data, const struct vmf_account *account);
  /* With --dry-run: what would be written at `path`, bytes at most. */
  void (*planned)(void *data, const char *path, uint64_t required);
  void (*package)(void *data, const struct vmf_package_account *account);
  void (*losses)(void *data, const struct vmf_value *losses); /* of a machine; kept by the caller */
  /* See struct vmf_log; any thread. */
  void (*file)(void *data, const char *path, const struct stat *status);
};

#endif
