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

struct vmf_draft {
  struct vmf_target target;
  struct vmf_output *output;
  struct vmf_creator creator;
  struct vmf_identity identity;
  void *options;
  struct vmf_image *backing; /* not owned; NULL: none */
  struct vmf_replaced replaced;
  bool finished; /* vmf_convert came to its end */
};

static inline struct vmf_draft *vmf_draft(const struct vmf_target *target)
{
  return (struct vmf_draft *)target;
}

/* Finds a writable format and parses its create options. The caller frees *options with
 * vmf_options_free. */
VMF_MUST_CHECK enum vmf_code vmf_target_options_parse(const char *name, const char *text,
                                                      const struct vmf_format **format,
                                                      void **options, struct vmf_error *error);

/* Opens the finished image where it is now, before the commit, to read it back. */
VMF_MUST_CHECK enum vmf_code vmf_target_reopen(struct vmf_target *target, struct vmf_image **image,
                                               struct vmf_error *error);
void vmf_target_reopened_close(struct vmf_image *image);

#endif
