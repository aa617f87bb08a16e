/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Makes one target: what `convert` and `create` share. */
#ifndef VMF_CLI_TRANSFER_H
#define VMF_CLI_TRANSFER_H

#include <stdio.h>

#include "verb.h"

/* Writes the target at `path` in `format`, from `source` (NULL: an empty disk of guest_size), on
 * top of `backing` (or NULL), verifies and commits it. On failure nothing remains. Prints the
 * checksum that was asked for. */
VMF_MUST_CHECK enum vmf_code vmf_transfer_run(const struct vmf_settings *settings,
                                              const char *format, const char *path,
                                              uint64_t guest_size, struct vmf_image *source,
                                              struct vmf_image *backing, struct vmf_error *error);

/* "HEX  NAME" as sha256sum prints it. */
void vmf_transfer_print_checksum(FILE *out, const struct vmf_job_result *result, const char *name);

/* The checksum in hexadecimal. */
void vmf_transfer_hex(const struct vmf_job_result *result, char out[2 * VMF_CHECKSUM_MAX + 1]);

#endif
