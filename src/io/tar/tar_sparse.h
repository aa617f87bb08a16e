/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Members of which an archive stores the data alone, with a map of where it belongs: the old form
 * of GNU tar (type 'S') and its form 1.0 for POSIX.1-2001 ("Sparse Formats" in the GNU tar manual).
 */
#ifndef VMF_IO_TAR_SPARSE_H
#define VMF_IO_TAR_SPARSE_H

#include "tar_header.h"

enum { VMF_TAR_SEGMENTS = 1 << 20 /* of one map, and of all maps of an archive: 24 MiB each */ };

/* The map of a member, and where its data starts. */
struct vmf_tar_map {
  struct vmf_tar_sparse *sparse; /* owned by who asked for it */
  uint64_t bytes;                /* of the map behind the header; the data follows */
};

/* Of the old form: in the header, and in as many blocks behind it as it takes. VMF_CORRUPT: the
 * stretches are not in order, overlap, reach beyond the size, or are not as long as what is stored;
 * VMF_REFUSED: one that is followed by others is no multiple of a block, which readers take for
 * different bytes; VMF_LIMIT: there are too many. */
VMF_MUST_CHECK enum vmf_code vmf_tar_map_old(struct vmf_io *io, const struct vmf_tar_header *header,
                                             const uint8_t block[VMF_TAR_BLOCK],
                                             struct vmf_tar_map *map, struct vmf_error *error);

/* Of form 1.0: decimal lines at the start of the `stored` bytes behind the header. size: of the
 * file. Fails as vmf_tar_map_old does. */
VMF_MUST_CHECK enum vmf_code vmf_tar_map_pax(struct vmf_io *io, const struct vmf_tar_header *header,
                                             uint64_t stored, uint64_t size,
                                             struct vmf_tar_map *map, struct vmf_error *error);

void vmf_tar_sparse_free(struct vmf_tar_sparse *sparse); /* NULL is allowed */

#endif
