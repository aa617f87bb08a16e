/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "sink.h"

#include <string.h>

#include "checked.h"
#include "memory.h"
#include "pipeline.h"
#include "sequential.h"

enum {
  PIECE_BYTES = 1 << 20,
  PIECES = 4,
  LONG_ZEROS = 64 << 10,
  ZEROS_AT_ONCE = 64 << 20 /* one can stop between */
};

/* Bytes to hash; the buffer is made when it is needed. */
struct piece {
  uint8_t *buffer; /* PIECE_BYTES */
  uint64_t length;
  bool zeros; /* instead of what is in the buffer */
  bool there; /* the base has it already */
};

/* io.size: bytes taken, in a piece or written. */
struct sink {
  struct vmf_io io;
  struct vmf_io *base; /* not owned */
  struct vmf_pipeline *pipeline;
  struct vmf_digest *digests[VMF_DIGEST_KINDS]; /* of the pieces in their turn, until all have
                                                 * retired; NULL: not wanted */
  struct piece *piece;                          /* being filled; NULL: none is */
};

static enum vmf_code hash(struct vmf_digest *digest, const struct piece *piece,
                          struct vmf_error *error)
{
  static const uint8_t zeros[64 * 1024];

  if (!piece->zeros)
    return vmf_digest_update(digest, piece->buffer, (size_t)piece->length, error);
  for (uint64_t left = piece->length, step; left > 0; left -= step) {
    step = vmf_min(left, sizeof zeros);
    VMF_TRY(vmf_digest_update(digest, zeros, (size_t)step, error));
  }
  return VMF_OK;
}

/* A vmf_stage.in_turn. */
static enum vmf_code hash_piece(void *job, void *context, struct vmf_error *error)
{
  const struct sink *sink = context;

  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    if (sink->digests[i])
      VMF_TRY(hash(sink->digests[i], job, error));
  return VMF_OK;
}

static void free_piece(void *job)
{
  vmf_free(((struct piece *)job)->buffer);
}

/* *retired: false when there was none. */
static enum vmf_code retire_oldest(struct sink *sink, bool *retired, struct vmf_error *error)
{
  void *oldest;

  VMF_TRY(vmf_pipeline_oldest(sink->pipeline, &oldest, error));
  *retired = oldest != NULL;
  if (oldest)
    vmf_pipeline_retire(sink->pipeline);
  return VMF_OK;
}

static enum vmf_code claim_piece(struct sink *sink, struct piece **piece, struct vmf_error *error)
{
  bool retired;

  while (!(*piece = vmf_pipeline_claim(sink->pipeline)))
    VMF_TRY(retire_oldest(sink, &retired, error));
  (*piece)->length = 0;
  (*piece)->zeros = (*piece)->there = false;
  return VMF_OK;
}

/* A piece to be filled. */
static enum vmf_code begin_piece(struct sink *sink, struct vmf_error *error)
{
  void *memory;

  if (sink->piece)
    return VMF_OK;
  VMF_TRY(claim_piece(sink, &sink->piece, error));
  if (sink->piece->buffer)
    return VMF_OK;
  VMF_TRY(vmf_alloc_pages(PIECE_BYTES, &memory, error));
  sink->piece->buffer = memory;
  return VMF_OK;
}

/* Writes what is in the piece, while it is hashed. */
static enum vmf_code sink_drain(struct sink *sink, struct vmf_error *error)
{
  const struct piece *piece = sink->piece;

  if (!piece || piece->length == 0)
    return VMF_OK;
  sink->piece = NULL;
  vmf_pipeline_submit(sink->pipeline);
  return piece->there ? VMF_OK
                      : vmf_io_pwrite(sink->base, piece->buffer, (size_t)piece->length,
                                      sink->io.size - piece->length, error);
}

/* A piece for bytes that are to be written, or that the base has. */
static enum vmf_code piece_for(struct sink *sink, bool there, struct vmf_error *error)
{
  if (sink->piece && sink->piece->there != there)
    VMF_TRY(sink_drain(sink, error));
  VMF_TRY(begin_piece(sink, error));
  sink->piece->there = there;
  return VMF_OK;
}

/* data == NULL: zeros. */
static enum vmf_code sink_append(struct vmf_io *io, const void *data, size_t length,
                                 struct vmf_error *error)
{
  struct sink *sink = (struct sink *)io;
  const uint8_t *bytes = data;

  while (length > 0) {
    VMF_TRY(piece_for(sink, false, error));
    struct piece *piece = sink->piece;
    size_t step = (size_t)vmf_min(length, PIECE_BYTES - piece->length);
    if (bytes) {
      memcpy(piece->buffer + piece->length, bytes, step);
      bytes += step;
    } else {
      memset(piece->buffer + piece->length, 0, step);
    }
    piece->length += step;
    sink->io.size += step;
    length -= step;
    if (piece->length == PIECE_BYTES)
      VMF_TRY(sink_drain(sink, error));
  }
  return VMF_OK;
}

/* Zeros that are hashed and not written. */
static enum vmf_code skip_zeros(struct sink *sink, uint64_t length, struct vmf_error *error)
{
  struct piece *piece;

  VMF_TRY(sink_drain(sink, error));
  sink->io.size += length;
  for (uint64_t step; length > 0; length -= step) {
    step = vmf_min(length, ZEROS_AT_ONCE);
    piece = sink->piece; /* it is empty */
    sink->piece = NULL;
    if (!piece)
      VMF_TRY(claim_piece(sink, &piece, error));
    piece->zeros = true;
    piece->length = step;
    vmf_pipeline_submit(sink->pipeline);
  }
  return VMF_OK;
}

/* Zeros are hashed, and left out where the base reads as zeros by itself. */
static enum vmf_code sink_zeros(struct vmf_io *io, uint64_t length, struct vmf_error *error)
{
  struct sink *sink = (struct sink *)io;

  if (length >= LONG_ZEROS && sink->base->reads_as_zero)
    return skip_zeros(sink, length, error);
  while (length > 0) {
    size_t step = (size_t)vmf_min(length, PIECE_BYTES);
    VMF_TRY(sink_append(io, NULL, step, error));
    length -= step;
  }
  return VMF_OK;
}

/* What the base has is hashed. */
static enum vmf_code sink_pass(struct vmf_io *io, uint64_t offset, uint64_t length,
                               struct vmf_error *error)
{
  struct sink *sink = (struct sink *)io;

  VMF_TRY(vmf_sequential_resize(io, offset, error));
  while (length > 0) {
    VMF_TRY(piece_for(sink, true, error));
    struct piece *piece = sink->piece;
    size_t step = (size_t)vmf_min(length, PIECE_BYTES - piece->length);
    VMF_TRY(vmf_io_pread(sink->base, piece->buffer + piece->length, step, io->size, error));
    piece->length += step;
    io->size += step;
    length -= step;
    if (piece->length == PIECE_BYTES)
      VMF_TRY(sink_drain(sink, error));
  }
  return VMF_OK;
}

static enum vmf_code sink_flush(struct vmf_io *io, struct vmf_error *error)
{
  return sink_drain((struct sink *)io, error);
}

static void sink_close(struct vmf_io *io)
{
  struct sink *sink = (struct sink *)io;

  vmf_pipeline_free(sink->pipeline); /* before the digest that it works on */
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    vmf_digest_free(sink->digests[i]);
  vmf_free(io->name);
  vmf_free(sink);
}

static const struct vmf_sequential_ops sink_ops = {
    .io = {.kind = "file of a package",
           .pwrite = vmf_sequential_pwrite,
           .zero = vmf_sequential_zero,
           .resize = vmf_sequential_resize,
           .pass = sink_pass,
           .flush = sink_flush,
           .close = sink_close},
    .what = "what is hashed as it is written",
    .append = sink_append,
    .append_zeros = sink_zeros,
};

static enum vmf_code fill_sink(struct sink *sink, struct vmf_crew *crew,
                               const bool wanted[VMF_DIGEST_KINDS], struct vmf_error *error)
{
  static const struct vmf_stage stage = {
      .job_size = sizeof(struct piece), .in_turn = hash_piece, .free_job = free_piece, .series = 1};
  const struct vmf_share share = {.threads = vmf_crew_threads(crew) > 0, .jobs = PIECES};

  VMF_TRY(vmf_copy_text(sink->base->name, &sink->io.name, error));
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    if (wanted[i])
      VMF_TRY(vmf_digest_new((enum vmf_digest_kind)i, &sink->digests[i], error));
  return vmf_pipeline_new(crew, &stage, sink, &share, &sink->pipeline, error);
}

enum vmf_code vmf_sink_new(struct vmf_io *base, struct vmf_crew *crew,
                           const bool wanted[VMF_DIGEST_KINDS], struct vmf_io **io,
                           struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct sink), &memory, error));
  struct sink *sink = memory;
  sink->io.ops = &sink_ops.io;
  sink->io.sequential = true;
  sink->io.writers = 1;
  sink->base = base;
  enum vmf_code code = fill_sink(sink, crew, wanted, error);
  if (code != VMF_OK)
    sink_close(&sink->io);
  else
    *io = &sink->io;
  return code;
}

enum vmf_code vmf_sink_end(struct vmf_io *io, uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX],
                           struct vmf_error *error)
{
  struct sink *sink = (struct sink *)io;
  bool more = true;

  VMF_TRY(sink_drain(sink, error));
  if (sink->base->size < io->size) /* zeros at the end were left out */
    VMF_TRY(vmf_io_resize(sink->base, io->size, error));
  while (more)
    VMF_TRY(retire_oldest(sink, &more, error));
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    if (sink->digests[i])
      VMF_TRY(vmf_digest_final(sink->digests[i], digests[i], error));
  return VMF_OK;
}
