/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which pieces of a disk have come, where they come in any order: a bit a piece. Pages of bits
 * exist only where some of their pieces have come and others have not. */
#ifndef VMF_IMAGE_COVERAGE_H
#define VMF_IMAGE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct vmf_coverage_page;

struct vmf_coverage {
  uint64_t size;                    /* of the disk, bytes */
  uint32_t piece;                   /* bytes, a power of two; the last of the disk may be shorter */
  uint64_t pieces;                  /* of the disk */
  struct vmf_coverage_page **pages; /* NULL: nothing of it has come */
  size_t page_count, in_memory;     /* at most 64 MiB of them are in memory */
};

/* VMF_LIMIT: so many pieces are not kept account of. */
VMF_MUST_CHECK enum vmf_code vmf_coverage_init(struct vmf_coverage *coverage, uint64_t size,
                                               uint32_t piece, struct vmf_error *error);

/* The pieces [guest, guest + length), whole ones of the disk, have come; *twice: one of them had.
 * VMF_LIMIT: they are scattered too widely. */
VMF_MUST_CHECK enum vmf_code vmf_coverage_add(struct vmf_coverage *coverage, uint64_t guest,
                                              uint64_t length, bool *twice,
                                              struct vmf_error *error);

/* The first stretch at or behind `guest`, a multiple of a piece, that has not come; *start == size:
 * there is none. */
void vmf_coverage_missing(const struct vmf_coverage *coverage, uint64_t guest, uint64_t *start,
                          uint64_t *end);

void vmf_coverage_free(struct vmf_coverage *coverage); /* accepts a zeroed one */

#endif
