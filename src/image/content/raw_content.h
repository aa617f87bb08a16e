/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether content that no format knows is a raw disk: by the name or kind of its file, or because
 * a disk is what it shows. */
#ifndef VMF_IMAGE_RAW_CONTENT_H
#define VMF_IMAGE_RAW_CONTENT_H

#include "format.h"

/* *raw: it is. A disk under the name of another format is told, and VMF_REFUSED where an image of
 * that format that has lost its end looks just so. */
VMF_MUST_CHECK enum vmf_code vmf_raw_content(struct vmf_io *io, const struct vmf_log *log,
                                             bool *raw, struct vmf_error *error);

/* The partition table, file system or volume that the content starts with ("XFS"); NULL: none. */
VMF_MUST_CHECK enum vmf_code vmf_raw_structure(struct vmf_io *io, const char **structure,
                                               struct vmf_error *error);

#endif
