/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What stands around a block, and what is left out of it. Its room: digest, bits of what is stored,
 * head, tail. */
#include <string.h>

#include "job.h"
#include "zero.h"

static size_t digest_room(const struct vmf_shape *shape)
{
  return shape->digest == VMF_BLOCK_DIGEST_NONE ? 0 : VMF_DIGEST_MAX;
}

static size_t stored_room(const struct vmf_shape *shape)
{
  return shape->hole == 0 ? 0 : shape->unit / shape->hole / 8;
}

size_t vmf_copy_framing(const struct vmf_shape *shape)
{
  return digest_room(shape) + stored_room(shape) + shape->head_bytes + shape->tail_bytes;
}

void vmf_copy_leave_out(const struct vmf_shape *shape, uint8_t *framing, uint8_t *data,
                        struct vmf_block *block)
{
  uint8_t *stored = framing + digest_room(shape);
  size_t hole = shape->hole, kept = 0;

  memset(stored, 0, stored_room(shape));
  for (size_t at = 0; at < block->data_length; at += hole) {
    if (vmf_is_zero(data + at, hole))
      continue;
    stored[at / hole / 8] |= (uint8_t)(1u << at / hole % 8);
    if (kept < at)
      memmove(data + kept, data + at, hole);
    kept += hole;
  }
  block->data_length = kept;
  block->stored = stored;
}

enum vmf_code vmf_copy_block_digest(const struct vmf_shape *shape, struct vmf_digest **digest,
                                    struct vmf_error *error)
{
  *digest = NULL;
  if (shape->digest == VMF_BLOCK_DIGEST_NONE)
    return VMF_OK;
  return vmf_digest_new(vmf_block_digest_kind(shape->digest), digest, error);
}

enum vmf_code vmf_copy_frame(const struct vmf_target *target, struct vmf_digest *digest,
                             uint8_t *framing, struct vmf_block *block, struct vmf_error *error)
{
  const struct vmf_shape *shape = &target->shape;

  if (!target->format->writer->wrap)
    return VMF_OK;
  if (digest && block->data) {
    VMF_TRY(vmf_digest_update(digest, block->data, block->data_length, error));
    VMF_TRY(vmf_digest_final(digest, framing, error));
    block->digest = framing;
  }
  if (framing) {
    block->head = framing + digest_room(shape) + stored_room(shape);
    block->tail = block->head + shape->head_bytes;
  }
  return target->format->writer->wrap(target, block, error);
}
