/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What stands around a block. Its room: digest, head, tail. */
#include "job.h"

static size_t digest_room(const struct vmf_shape *shape)
{
  return shape->digest == VMF_BLOCK_DIGEST_NONE ? 0 : VMF_DIGEST_MAX;
}

size_t vmf_copy_framing(const struct vmf_shape *shape)
{
  return digest_room(shape) + shape->head_bytes + shape->tail_bytes;
}

enum vmf_code vmf_copy_block_digest(const struct vmf_shape *shape, struct vmf_digest **digest,
                                    struct vmf_error *error)
{
  *digest = NULL;
  if (shape->digest == VMF_BLOCK_DIGEST_NONE)
    return VMF_OK;
  return vmf_digest_new(shape->digest == VMF_BLOCK_SHA1 ? VMF_SHA1 : VMF_SHA256, digest, error);
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
    block->head = framing + digest_room(shape);
    block->tail = block->head + shape->head_bytes;
  }
  return target->format->writer->wrap(target, block, error);
}
