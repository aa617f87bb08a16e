/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the target `changes` is made of: files that a disk is written to, and what is done with an
 * old disk and a new one. */
#ifndef VMF_TESTS_FUZZ_CHANGES_H
#define VMF_TESTS_FUZZ_CHANGES_H

#include "disks.h"
#include "scratch_files.h"

/* A file that a disk is written to. */
struct fuzz_file {
  char path[FUZZ_PATH], options[FUZZ_OPTIONS];
  const char *format;
  bool compress;
};

/* The same disk, before and after something was changed; the new one may have more sectors. */
struct fuzz_changed {
  struct fuzz_disk old, now;
};

/* A file of this name, with the format behind a dot, in any format that can be written. */
void fuzz_file_any(struct fuzz_choices *choices, const char *name, struct fuzz_file *file);

/* Converts the source, which stays the caller's. `how`: what else the target is told; `job`: or
 * NULL. VMF_USAGE, VMF_UNSUPPORTED or VMF_LIMIT: the format cannot have that; VMF_CANCELLED. All
 * else is a fault. */
enum vmf_code fuzz_file_write(struct vmf_image *source, const struct fuzz_file *file,
                              struct vmf_target_options how, const struct vmf_job_options *job);

/* What was written. */
struct vmf_image *fuzz_file_open(const struct fuzz_file *file);

/* One that is cancelled after some calls of its progress; the job takes cancel and progress. */
struct fuzz_stop {
  struct vmf_cancel cancel;
  unsigned calls; /* that are still let through */
};
void fuzz_stop_after(struct fuzz_stop *stop, unsigned calls, struct vmf_job_options *job);

/* Some bytes of a file are others. */
void fuzz_file_damage(struct fuzz_choices *choices, const char *path);

/* What is done with them. */
void fuzz_apply(struct fuzz_choices *choices, struct fuzz_changed *disks);
void fuzz_compare(struct fuzz_choices *choices, struct fuzz_changed *disks);
void fuzz_reuse(struct fuzz_choices *choices, struct fuzz_changed *disks);
void fuzz_resume(struct fuzz_choices *choices, struct fuzz_changed *disks);
void fuzz_salvage(struct fuzz_choices *choices, struct fuzz_changed *disks);

/* The new disk as an image, in any way that there is; it may be an overlay on the old one. */
struct vmf_image *fuzz_changed_image(struct fuzz_choices *choices, const struct fuzz_changed *disks,
                                     struct vmf_image *old, const struct fuzz_file *old_file);

#endif
