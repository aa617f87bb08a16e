/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What one disk has otherwise, written into an image of a format that has an updater: into a copy
 * of its file, which takes its place when all is done and its check finds nothing wrong. */
#ifndef VMF_COPY_APPLY_IMAGE_H
#define VMF_COPY_APPLY_IMAGE_H

#include "image.h"

/* Whether the file at `path` is one: then *there, open. NULL: it is not, or its name says
 * otherwise. */
VMF_MUST_CHECK enum vmf_code vmf_apply_find_image(const char *path,
                                                  const struct vmf_apply_options *options,
                                                  struct vmf_image **there,
                                                  struct vmf_error *error);

/* As vmf_apply. The arguments have been looked at. */
VMF_MUST_CHECK enum vmf_code vmf_apply_to_image(struct vmf_image *source, struct vmf_image *there,
                                                const struct vmf_apply_options *options,
                                                const struct vmf_job_options *job,
                                                struct vmf_job_result *result,
                                                struct vmf_error *error);

#endif
