/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file as it will be when a log of its own has been written back, while nothing is written. */
#ifndef VMF_IO_PATCHED_H
#define VMF_IO_PATCHED_H

#include "io.h"

/* Bytes that are replaced: by others of the same file, or by zeros. */
struct vmf_patch {
  uint64_t offset, length; /* offset + length <= INT64_MAX */
  uint64_t source;         /* where the bytes stand in the file, or VMF_PATCH_ZEROS */
};
#define VMF_PATCH_ZEROS UINT64_MAX

/* `base` with patches, of which a later one counts more than an earlier one, read-only and `size`
 * bytes long: all beyond the base that no patch gives is zeros. The base is not owned; patches is
 * only read here. Memory: 64 bytes a patch at most. */
VMF_MUST_CHECK enum vmf_code vmf_io_patched(struct vmf_io *base, uint64_t size,
                                            const struct vmf_patch *patches, size_t count,
                                            struct vmf_io **io, struct vmf_error *error);

#endif
