/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which extent of an archive lists which cluster of a device: a byte a cluster that holds data,
 * since near clusters are listed near each other; four more where they are not. Filled once, from
 * the first extent to the last; then only read, by any thread. */
#ifndef FORMATS_VMA_INDEX_H
#define FORMATS_VMA_INDEX_H

#include "vma.h"

struct vma_page; /* of 128 clusters */

struct vma_index {
  struct vma_page **pages; /* NULL: all of its clusters are zeros */
  size_t page_count;
  uint64_t *extents; /* where those that hold data of the device start, bytes; grows */
  size_t extent_count, extent_room;
  size_t memory; /* bytes, of all */
};

/* For the first `clusters` of a device; the file is large enough to list so many. */
VMF_MUST_CHECK enum vmf_code vma_index_init(struct vma_index *index, uint64_t clusters,
                                            struct vmf_error *error);
void vma_index_free(struct vma_index *index); /* accepts a zeroed one */

/* The clusters of `device` that the extent stores blocks of. VMF_LIMIT: too many, or too scattered.
 */
VMF_MUST_CHECK enum vmf_code vma_index_add(struct vma_index *index, const struct vma_extent *extent,
                                           unsigned device, struct vmf_error *error);

/* Where the extent starts that lists the cluster; false: it is zeros, as are all before *next. */
bool vma_index_find(const struct vma_index *index, uint64_t cluster, uint64_t *extent,
                    uint64_t *next);

#endif
