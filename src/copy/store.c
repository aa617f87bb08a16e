/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing blocks to the places that they have been given: neighbours in one call. */
#include "job.h"

#include "checked.h"

enum { PIECES = 64 };

struct batch {
  struct vmf_io *io;
  uint64_t host, end;
  struct vmf_piece pieces[PIECES];
  unsigned count;
};

static enum vmf_code flush(struct batch *batch, struct vmf_error *error)
{
  unsigned count = batch->count;
  batch->count = 0;
  return count == 0 ? VMF_OK
                    : vmf_io_pwrite_pieces(batch->io, batch->pieces, count, batch->host, error);
}

/* Joins a piece to the last one where the bytes lie behind each other in memory. */
static void add_piece(struct batch *batch, const void *data, size_t length)
{
  struct vmf_piece *last = batch->count > 0 ? &batch->pieces[batch->count - 1] : NULL;

  batch->end += length;
  if (length == 0)
    return;
  if (last && (data && last->data ? (const uint8_t *)last->data + last->length == data
                                  : data == last->data)) {
    last->length += length;
    return;
  }
  batch->pieces[batch->count++] = (struct vmf_piece){.data = data, .length = length};
}

uint64_t vmf_copy_stored_length(const struct vmf_block *block)
{
  return block->head_length + block->data_length + block->tail_zeros;
}

static enum vmf_code add_block(struct batch *batch, struct vmf_io *io,
                               const struct vmf_block *block, struct vmf_error *error)
{
  if (batch->count > 0 &&
      (io != batch->io || block->host != batch->end || batch->count + 3 > PIECES))
    VMF_TRY(flush(batch, error));
  if (batch->count == 0) {
    batch->io = io;
    batch->host = batch->end = block->host;
  }
  add_piece(batch, block->long_head ? block->long_head : block->head, block->head_length);
  add_piece(batch, block->data, block->data_length);
  add_piece(batch, NULL, block->tail_zeros);
  return VMF_OK;
}

enum vmf_code vmf_copy_store(void *job_data, void *scratch, void *context, struct vmf_error *error)
{
  const struct vmf_copy *copy = context;
  struct vmf_copy_job *job = job_data;
  struct batch batch = {.count = 0};

  (void)scratch;
  for (size_t i = 0; i < job->block_count; i++) {
    const struct vmf_block *block = &job->blocks[i];
    struct vmf_io *io = block->io ? block->io : copy->target->io;
    uint64_t length = vmf_copy_stored_length(block);
    if (length == 0)
      continue;
    if (copy->target->shape.layout == VMF_FIXED && block->zero)
      VMF_TRY(vmf_io_zero(io, block->host, length, false, error));
    else
      VMF_TRY(add_block(&batch, io, block, error));
  }
  return flush(&batch, error);
}
