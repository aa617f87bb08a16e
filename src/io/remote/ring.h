/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The bytes that one thread puts in and another takes out, in order: between libcurl, which is on a
 * thread of its own, and who reads or writes a file by it. Whoever has it guards it. Private to
 * this folder. */
#ifndef VMF_IO_REMOTE_RING_H
#define VMF_IO_REMOTE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct vmf_ring {
  uint8_t *bytes;   /* owned */
  uint64_t in, out; /* how many were put in, and taken out, since it was made */
};

/* An empty one; *ring is zeroed before. VMF_NOMEM. */
VMF_MUST_CHECK enum vmf_code vmf_ring_make(struct vmf_ring *ring, struct vmf_error *error);
void vmf_ring_free(struct vmf_ring *ring); /* also a zeroed one */

static inline bool vmf_ring_is_empty(const struct vmf_ring *ring)
{
  return ring->in == ring->out;
}

/* As many of the first of `length` bytes as there is room for; how many. */
size_t vmf_ring_put(struct vmf_ring *ring, const void *bytes, size_t length);

/* As many as there are, `length` at most; how many. */
size_t vmf_ring_take(struct vmf_ring *ring, void *buffer, size_t length);

#endif
