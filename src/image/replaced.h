/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is lost when a target is written: the extent files of a disk that is replaced (once the new
 * descriptor stands in its place nothing names them any more, and a flat extent is as large as the
 * disk), and what a device held. */
#ifndef VMF_IMAGE_REPLACED_H
#define VMF_IMAGE_REPLACED_H

#include "image.h"

struct vmf_replaced {
  char **paths;
  size_t count;
};

/* Lists the extents of the image at `path`, if there is one: those beside it that are called after
 * it ("disk.vmdk": "disk-..." or "disk.N-...") and are no file of `source` or `backing` (NULL is
 * allowed). Finding none is no error. */
VMF_MUST_CHECK enum vmf_code vmf_replaced_find(const char *path, const struct vmf_image *source,
                                               const struct vmf_image *backing,
                                               struct vmf_replaced *replaced,
                                               struct vmf_error *error);

/* Removes them; one that cannot be removed is a warning. */
void vmf_replaced_remove(const struct vmf_replaced *replaced, const struct vmf_log *log);
void vmf_replaced_free(struct vmf_replaced *replaced);

/* Says before a device is written how large it is, and what it holds. One whose start cannot be
 * read holds nothing that could be told. */
void vmf_replaced_tell_device(struct vmf_io *device, const struct vmf_log *log);

/* The first file of the image's chain that is the same file as `path`, by device and inode, or of
 * whose bytes some are: a disk and its partitions; NULL: none is. */
const char *vmf_image_file_at(const struct vmf_image *image, const char *path);

#endif
