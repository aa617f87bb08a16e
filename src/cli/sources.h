/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opens the images that a command line names. */
#ifndef VMF_CLI_SOURCES_H
#define VMF_CLI_SOURCES_H

#include "progress.h"
#include "settings.h"
#include "verb.h"

/* How standard input is read, where a source is "-", and what can only be unpacked like it. */
struct vmf_source_input {
  bool in_order;      /* as it comes, where that can be; else it is stored first */
  bool any_order;     /* also where the data of the disk comes in any order */
  bool *assumed;      /* or NULL: see vmf_image_options */
  const char *folder; /* where it is stored; NULL: see target */
  const char *target; /* beside which it is stored; NULL, "-": in the folder for such */
};

/* Whether a source is standard input: "-", or "-::DISK" of several that come there. */
bool vmf_sources_is_input(const char *name);

/* VMF_USAGE: standard input is named more than once among `count` operands, or --source-size was
 * given and it is not named. */
VMF_MUST_CHECK enum vmf_code vmf_sources_check_input(const struct vmf_command *command,
                                                     const struct vmf_source_settings *source,
                                                     int count, struct vmf_error *error);

/* What the library is told of an image, or of a package, that is opened. It points into both. */
/* The languages that a person wants texts in: as told, or as the environment says it. */
const char *vmf_sources_language(const struct vmf_source_settings *source);

struct vmf_image_options vmf_sources_image_options(const struct vmf_command *command,
                                                   const struct vmf_source_settings *source);
struct vmf_package_options vmf_sources_package_options(const struct vmf_command *command,
                                                       const struct vmf_source_settings *source);

/* For a source that is unpacked, or comes on standard input and is stored, before it is read. */
struct vmf_progress vmf_sources_progress(const struct vmf_command *command, const char *path);

/* The package that is the first operand; shows how far it is where it is stored or unpacked. */
enum vmf_code vmf_sources_open_package(const struct vmf_command *command,
                                       const struct vmf_package_options *options,
                                       struct vmf_package **package, struct vmf_error *error);

/* Where standard input is stored, perhaps in `buffer`; NULL: in the folder for temporary files. */
const char *vmf_sources_spool_folder(const struct vmf_source_input *input, char *buffer,
                                     size_t size);

/* One image with the chain below it. input NULL: stored first. */
VMF_MUST_CHECK enum vmf_code vmf_sources_open(const struct vmf_command *command,
                                              const struct vmf_source_settings *source,
                                              const char *path,
                                              const struct vmf_source_input *input,
                                              struct vmf_image **image, struct vmf_error *error);

/* The first `count` operands, one behind the other. */
VMF_MUST_CHECK enum vmf_code vmf_sources_join(const struct vmf_command *command,
                                              const struct vmf_source_settings *source, int count,
                                              const struct vmf_source_input *input,
                                              struct vmf_image **image, struct vmf_error *error);

/* The image that -B (create: -b) or "-o backing_file=" names, or NULL when none is named. A
 * relative name starts at the folder of `path`, the target's. Takes backing_file and backing_fmt
 * out of the options; *taken are the strings that `target` now points to, and the caller frees
 * both. */
VMF_MUST_CHECK enum vmf_code vmf_sources_backing(struct vmf_command *command,
                                                 const struct vmf_source_settings *source,
                                                 struct vmf_target_settings *target,
                                                 const char *path, char *taken[2],
                                                 struct vmf_image **backing,
                                                 struct vmf_error *error);

#endif
