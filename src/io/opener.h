/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The policy for files that an image names: below the image's own folder or a folder that the user
 * allowed, reached by a plain path; no "..", no protocol ("json:", "nbd:"), no device, no symlink
 * that leads out. */
#ifndef VMF_IO_OPENER_H
#define VMF_IO_OPENER_H

#include "io.h"

/* Opens what the image at `image_path` calls `name`: relative to the image's folder, or absolute
 * inside it or inside one of allow_dirs (NULL-terminated, or NULL). Resolved with RESOLVE_BENEATH
 * semantics, so that no race and no symlink leads out. VMF_REFUSED: forbidden, with the reason and
 * the option that allows it; VMF_CORRUPT: not there. */
VMF_MUST_CHECK enum vmf_code vmf_open_reference(const char *image_path, const char *name,
                                                const char *const *allow_dirs, bool check_locks,
                                                struct vmf_io **io, struct vmf_error *error);

/* Calls visit for the name of each file in the folder that the image calls `name`, by the same
 * rules. */
VMF_MUST_CHECK enum vmf_code vmf_list_reference(const char *image_path, const char *name,
                                                const char *const *allow_dirs,
                                                vmf_name_visitor *visit, void *data,
                                                struct vmf_error *error);

#endif
