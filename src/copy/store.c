/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing blocks to the places that they have been given: neighbours in one call. */
#include "job.h"

#include "checked.h"
#include "zero.h"

enum { PIECES = 64, HOLE_BYTES = 64 * 1024 };

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
  return block->head_length + block->data_length + block->zeros + block->tail_length;
}

/* Makes room for the pieces of one more block, or of a part of one, at `host`. */
static enum vmf_code go_to(struct batch *batch, struct vmf_io *io, uint64_t host,
                           struct vmf_error *error)
{
  if (batch->count > 0 && (io != batch->io || host != batch->end || batch->count + 4 > PIECES))
    VMF_TRY(flush(batch, error));
  if (batch->count == 0) {
    batch->io = io;
    batch->host = batch->end = host;
  }
  return VMF_OK;
}

/* The data of a large block: zeros in it become holes. The end of the block is written in any case,
 * so that the file is as long as it must be. */
static enum vmf_code add_parts(struct batch *batch, struct vmf_io *io,
                               const struct vmf_block *block, struct vmf_error *error)
{
  uint64_t host = block->host + block->head_length;

  for (size_t at = 0; at < block->data_length; at += HOLE_BYTES) {
    size_t length = (size_t)vmf_min(HOLE_BYTES, block->data_length - at);
    bool last = at + length == block->data_length;
    if (!last && vmf_is_zero(block->data + at, length))
      continue;
    VMF_TRY(go_to(batch, io, host + at, error));
    add_piece(batch, block->data + at, length);
  }
  return VMF_OK;
}

static enum vmf_code add_block(struct batch *batch, struct vmf_io *io,
                               const struct vmf_block *block, bool holes, struct vmf_error *error)
{
  VMF_TRY(go_to(batch, io, block->host, error));
  add_piece(batch, block->head, block->head_length);
  if (holes && block->data && !block->packed && block->data_length > HOLE_BYTES)
    VMF_TRY(add_parts(batch, io, block, error));
  else
    add_piece(batch, block->data, block->data_length);
  add_piece(batch, NULL, block->zeros);
  add_piece(batch, block->tail, block->tail_length);
  return VMF_OK;
}

/* In place: nobody looks at it again. */
static enum vmf_code encrypt(const struct vmf_copy *copy, const struct vmf_block *block,
                             struct vmf_error *error)
{
  const struct vmf_cipher *cipher = copy->target->cipher;

  if (!copy->target->shape.encrypts || block->data_length == 0)
    return VMF_OK;
  return vmf_cipher_encrypt(cipher, (uint8_t *)block->data, block->data_length, block->place,
                            error);
}

enum vmf_code vmf_copy_store(void *job_data, void *context, struct vmf_error *error)
{
  struct vmf_copy_job *job = job_data;
  const struct vmf_copy *copy = (const struct vmf_copy *)context + job->fed.disk;
  struct batch batch = {.count = 0};
  /* FIXED: zeros have been cut out already */
  bool holes = copy->target->shape.layout == VMF_PLANNED && !copy->target->shape.keep_zeros;

  for (size_t i = 0; i < job->block_count; i++) {
    const struct vmf_block *block = &job->blocks[i];
    struct vmf_io *io = block->io ? block->io : copy->target->io;
    uint64_t length = vmf_copy_stored_length(block);
    if (length == 0)
      continue;
    VMF_TRY(encrypt(copy, block, error));
    if (copy->target->shape.layout == VMF_FIXED && block->zero)
      VMF_TRY(vmf_io_zero(io, block->host, length, false, error));
    else
      VMF_TRY(add_block(&batch, io, block, holes && io->reads_as_zero, error));
  }
  return flush(&batch, error);
}
