/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "ring.h"

#include <string.h>

#include "checked.h"
#include "memory.h"

enum { RING_BYTES = 4 << 20 };

enum vmf_code vmf_ring_make(struct vmf_ring *ring, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc_pages(RING_BYTES, &memory, error));
  ring->bytes = memory;
  return VMF_OK;
}

void vmf_ring_free(struct vmf_ring *ring)
{
  vmf_free(ring->bytes);
  ring->bytes = NULL;
}

size_t vmf_ring_put(struct vmf_ring *ring, const void *bytes, size_t length)
{
  size_t at = ring->in % RING_BYTES;
  size_t part = (size_t)vmf_min(length, RING_BYTES - (ring->in - ring->out));
  size_t before_end = (size_t)vmf_min(part, RING_BYTES - at);

  memcpy(ring->bytes + at, bytes, before_end);
  memcpy(ring->bytes, (const uint8_t *)bytes + before_end, part - before_end);
  ring->in += part;
  return part;
}

size_t vmf_ring_take(struct vmf_ring *ring, void *buffer, size_t length)
{
  size_t at = ring->out % RING_BYTES;
  size_t part = (size_t)vmf_min(length, ring->in - ring->out);
  size_t before_end = (size_t)vmf_min(part, RING_BYTES - at);

  memcpy(buffer, ring->bytes + at, before_end);
  memcpy((uint8_t *)buffer + before_end, ring->bytes, part - before_end);
  ring->out += part;
  return part;
}
