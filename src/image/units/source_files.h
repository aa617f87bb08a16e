/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which disk a map was made of, by the files of its image and of all below it. */
#ifndef VMF_IMAGE_SOURCE_FILES_H
#define VMF_IMAGE_SOURCE_FILES_H

#include "image.h"

enum { VMF_SOURCE_DIGEST = 32 };

/* A digest of what these files are by size, mtime, ctime and inode, and of how they are read. *told
 * false, and zeros: one of them is no plain file of this machine, or has no such time; of several
 * disks in one file, too. */
VMF_MUST_CHECK enum vmf_code vmf_source_digest(const struct vmf_image *image,
                                               uint8_t digest[VMF_SOURCE_DIGEST], bool *told,
                                               struct vmf_error *error);

/* The image of the chain that has this digest, the uppermost; or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_source_find(const struct vmf_image *top,
                                             const uint8_t digest[VMF_SOURCE_DIGEST],
                                             const struct vmf_image **found,
                                             struct vmf_error *error);

#endif
