/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What `vmferry convert` is told, for its files: a disk, its sectors, and what is converted as a
 * whole. */
#ifndef VMF_CLI_VERB_CONVERT_H
#define VMF_CLI_VERB_CONVERT_H

#include "transfer.h"

struct vmf_convert_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  struct vmf_target_settings target;
  struct vmf_transfer_settings transfer;
  struct vmf_salvage_settings salvage;
  struct vmf_signing_settings signing;
  const char *resize;
  bool move_gpt;
  struct vmf_move_settings move;
};

/* Converts a package or a machine, where the operands are that; *whole: they are. */
VMF_MUST_CHECK enum vmf_code vmf_convert_whole(const struct vmf_convert_settings *settings,
                                               bool *whole, struct vmf_error *error);

/* Told as a loss where the target cannot say which sectors it has, refused where it says others. */
VMF_MUST_CHECK enum vmf_code vmf_convert_check_sectors(const struct vmf_convert_settings *settings,
                                                       struct vmf_image *source, const char *format,
                                                       struct vmf_error *error);

/* -n: whether the target that is there can be replaced by a new image with *source in it, and
 * nothing is lost; where it is larger than *source, that is shown as large. */
VMF_MUST_CHECK enum vmf_code vmf_convert_fit_existing(const struct vmf_convert_settings *settings,
                                                      const char *path, const char *format,
                                                      struct vmf_image **source,
                                                      struct vmf_error *error);

/* A map replaces nothing but a map. map: or NULL; path: of the target. */
VMF_MUST_CHECK enum vmf_code vmf_convert_check_map(const char *map, const char *path,
                                                   struct vmf_error *error);

/* Whether --bitmap, --bitmaps and --skip-broken-bitmaps go with what else was said; and, once the
 * source is to be read, whether it is still the disk that --bitmap is of, as it was opened. */
VMF_MUST_CHECK enum vmf_code vmf_convert_check_bitmaps(const struct vmf_convert_settings *settings,
                                                       struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_convert_check_marked(const struct vmf_convert_settings *settings,
                                                      const struct vmf_image *opened,
                                                      const struct vmf_image *source,
                                                      struct vmf_error *error);

/* All that `convert` does but for answering questions and reporting the error. *salvaged: the
 * target is there, without what could not be read. */
VMF_MUST_CHECK enum vmf_code vmf_convert_do(struct vmf_convert_settings *settings, bool *salvaged,
                                            struct vmf_error *error);

#endif
