/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opens the images that a command line names. */
#ifndef VMF_CLI_SOURCES_H
#define VMF_CLI_SOURCES_H

#include "verb.h"

/* How standard input is read, where a source is "-". */
struct vmf_source_input {
  bool in_order;      /* from a pipe as it comes, where that can be; else it is stored first */
  const char *target; /* beside which it is stored; NULL, "-": in the folder for such */
};

/* VMF_USAGE: standard input is named more than once among `count` operands, or --source-size was
 * given and it is not named. */
VMF_MUST_CHECK enum vmf_code vmf_sources_check_input(const struct vmf_settings *settings, int count,
                                                     struct vmf_error *error);

/* One image with the chain below it. input NULL: stored first. */
VMF_MUST_CHECK enum vmf_code vmf_sources_open(const struct vmf_settings *settings, const char *path,
                                              const char *format,
                                              const struct vmf_source_input *input,
                                              struct vmf_image **image, struct vmf_error *error);

/* The first `count` operands, one behind the other. */
VMF_MUST_CHECK enum vmf_code vmf_sources_join(const struct vmf_settings *settings, int count,
                                              const struct vmf_source_input *input,
                                              struct vmf_image **image, struct vmf_error *error);

/* The image that -B (create: -b) or "-o backing_file=" names, or NULL when none is named. A
 * relative name starts at the folder of `target`. Takes backing_file and backing_fmt out of the
 * options; *taken are the strings that settings now points to, and the caller frees both. */
VMF_MUST_CHECK enum vmf_code vmf_sources_backing(struct vmf_settings *settings, const char *target,
                                                 char *taken[2], struct vmf_image **backing,
                                                 struct vmf_error *error);

#endif
