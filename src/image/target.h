/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What stands behind a struct vmf_target, which is its first member. */
#ifndef VMF_IMAGE_TARGET_H
#define VMF_IMAGE_TARGET_H

#include "image.h"
#include "output.h"
#include "plan.h"
#include "replaced.h"
#include "target_units.h"

struct vmf_draft {
  struct vmf_target target;
  struct vmf_output *output; /* NULL: the io is somebody else's */
  char *stem;                /* without output: what target.stem points to */
  char *backing_name;        /* what target.backing_name points to; or NULL */
  struct vmf_creator creator;
  struct vmf_identity identity;
  void *options;
  char *options_text; /* as they were given; or NULL */
  struct vmf_replaced replaced;
  struct vmf_plan exact; /* of a PLANNED target on a pipe, once it is surveyed */
  bool surveyed;
  enum vmf_journal_choice journal;
  uint64_t journal_chunk; /* bytes; 0: the default */
  bool source_unchanged;  /* as told by the caller, who knows */
  /* Without output: where its journal is kept, and the file there that it is written to, the io or
   * one below it; NULL: nowhere. */
  struct vmf_output *beside;
  struct vmf_io *file;
  struct vmf_units *units; /* that are used again, or noted; NULL: none are */
  enum { VMF_DRAFT_EMPTY, VMF_DRAFT_BEGUN, VMF_DRAFT_FINISHED, VMF_DRAFT_COMMITTED } state;
};

static inline struct vmf_draft *vmf_draft(const struct vmf_target *target)
{
  return (struct vmf_draft *)target;
}

/* A target in an io that somebody else opened, keeps and commits: a file of a package. The io is
 * empty; `name` is its final name; creator makes further files (NULL: there can be none). Of the
 * options format, options, compress, source and log count. vmf_target_commit may not be called. */
VMF_MUST_CHECK enum vmf_code vmf_target_create_in(struct vmf_io *io, const char *name,
                                                  struct vmf_creator *creator, uint64_t guest_size,
                                                  const struct vmf_target_options *options,
                                                  struct vmf_target **target,
                                                  struct vmf_error *error);

/* A journal of it is kept, of its own, in an output of which `file` is one: the io, or the one
 * below it. Of the options journal, journal_chunk and source_unchanged count. */
void vmf_target_keep_journal(struct vmf_target *target, struct vmf_output *output,
                             struct vmf_io *file, const struct vmf_target_options *options);

/* The layout that a format with these options asks for, before anything is created. */
VMF_MUST_CHECK enum vmf_code vmf_target_shape(const char *format, const char *options,
                                              uint64_t guest_size, struct vmf_shape *shape,
                                              struct vmf_error *error);

/* Finds a writable format and parses its create options. The caller frees *options with
 * vmf_options_free. */
VMF_MUST_CHECK enum vmf_code vmf_target_options_parse(const char *name, const char *text,
                                                      const struct vmf_format **format,
                                                      void **options, struct vmf_error *error);

/* The shape that a writer makes of these, parsed, options. */
VMF_MUST_CHECK enum vmf_code vmf_shape_of(const struct vmf_format *format, const void *options,
                                          uint64_t guest_size, bool compress, bool backing,
                                          struct vmf_shape *shape, struct vmf_error *error);

/* VMF_USAGE unless vmf_convert came to its end, and nothing was committed since. */
VMF_MUST_CHECK enum vmf_code vmf_target_check_finished(const struct vmf_target *target,
                                                       struct vmf_error *error);

/* Opens the finished image where it is now, before the commit, to read it back. */
VMF_MUST_CHECK enum vmf_code vmf_target_reopen(struct vmf_target *target,
                                               const struct vmf_cancel *cancel,
                                               struct vmf_image **image, struct vmf_error *error);
void vmf_target_reopened_close(struct vmf_image *image);

#endif
