/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "sink.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "hash_io.h"
#include "lane.h"
#include "memory.h"

enum { LONG_ZEROS = 64 << 10, ZEROS_AT_ONCE = 64 << 20 /* one can stop between */ };

/* io.size: bytes taken, in the buffer or written. */
struct sink {
  struct vmf_io io;
  struct vmf_io *base; /* not owned */
  struct vmf_lane *lane;
  struct vmf_digest *digest; /* of the lane's work until vmf_lane_finish */
  uint8_t *buffer;           /* of the lane, VMF_LANE_BYTES; NULL: none is begun */
  size_t used;
};

/* Writes what is in the buffer, while it is hashed. */
static enum vmf_code sink_drain(struct sink *sink, struct vmf_error *error)
{
  const uint8_t *bytes = sink->buffer;
  size_t used = sink->used;

  sink->used = 0;
  if (used == 0)
    return VMF_OK;
  sink->buffer = NULL;
  vmf_lane_push(sink->lane, used, bytes);
  return vmf_io_pwrite(sink->base, bytes, used, sink->io.size - used, error);
}

static enum vmf_code sink_append(struct sink *sink, const uint8_t *data, size_t length,
                                 struct vmf_error *error)
{
  while (length > 0) {
    size_t step = vmf_min(length, VMF_LANE_BYTES - sink->used);
    if (!sink->buffer)
      sink->buffer = vmf_lane_buffer(sink->lane);
    if (data)
      memcpy(sink->buffer + sink->used, data, step);
    else
      memset(sink->buffer + sink->used, 0, step);
    sink->used += step;
    sink->io.size += step;
    data += data ? step : 0;
    length -= step;
    if (sink->used == VMF_LANE_BYTES)
      VMF_TRY(sink_drain(sink, error));
  }
  return VMF_OK;
}

/* Zeros are hashed, and left out where the base reads as zeros by itself. */
static enum vmf_code sink_zeros(struct sink *sink, uint64_t length, struct vmf_error *error)
{
  if (length >= LONG_ZEROS && sink->base->reads_as_zero) {
    VMF_TRY(sink_drain(sink, error));
    sink->io.size += length;
    for (uint64_t step; length > 0; length -= step) {
      step = vmf_min(length, ZEROS_AT_ONCE);
      vmf_lane_push(sink->lane, step, NULL);
    }
    return VMF_OK;
  }
  while (length > 0) {
    size_t step = (size_t)vmf_min(length, VMF_LANE_BYTES);
    VMF_TRY(sink_append(sink, NULL, step, error));
    length -= step;
  }
  return VMF_OK;
}

static enum vmf_code sink_go(struct sink *sink, uint64_t offset, struct vmf_error *error)
{
  if (offset < sink->io.size)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: what is hashed as it is written cannot go back to byte %" PRIu64
                    " from byte %" PRIu64,
                    sink->io.name, offset, sink->io.size);
  return sink_zeros(sink, offset - sink->io.size, error);
}

static enum vmf_code sink_pwrite(struct vmf_io *io, const struct vmf_piece *pieces, unsigned count,
                                 uint64_t offset, struct vmf_error *error)
{
  struct sink *sink = (struct sink *)io;

  VMF_TRY(sink_go(sink, offset, error));
  for (; count > 0; pieces++, count--)
    if (pieces->data)
      VMF_TRY(sink_append(sink, pieces->data, pieces->length, error));
    else
      VMF_TRY(sink_zeros(sink, pieces->length, error));
  return VMF_OK;
}

static enum vmf_code sink_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                               struct vmf_error *error)
{
  struct sink *sink = (struct sink *)io;

  (void)allocate;
  VMF_TRY(sink_go(sink, offset, error));
  return sink_zeros(sink, length, error);
}

static enum vmf_code sink_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  return sink_go((struct sink *)io, size, error);
}

static enum vmf_code sink_flush(struct vmf_io *io, struct vmf_error *error)
{
  return sink_drain((struct sink *)io, error);
}

static void sink_close(struct vmf_io *io)
{
  struct sink *sink = (struct sink *)io;

  vmf_lane_free(sink->lane);
  vmf_digest_free(sink->digest);
  vmf_free(io->name);
  vmf_free(sink);
}

static const struct vmf_io_ops sink_ops = {
    .kind = "file of a package",
    .pwrite = sink_pwrite,
    .zero = sink_zero,
    .resize = sink_resize,
    .flush = sink_flush,
    .close = sink_close,
};

static enum vmf_code fill_sink(struct sink *sink, struct vmf_crew *crew, enum vmf_digest_kind kind,
                               struct vmf_error *error)
{
  VMF_TRY(vmf_copy_text(sink->base->name, &sink->io.name, error));
  VMF_TRY(vmf_digest_new(kind, &sink->digest, error));
  return vmf_lane_new(crew, vmf_hash_work, sink->digest, &sink->lane, error);
}

enum vmf_code vmf_sink_new(struct vmf_io *base, struct vmf_crew *crew, enum vmf_digest_kind kind,
                           struct vmf_io **io, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct sink), &memory, error));
  struct sink *sink = memory;
  sink->io.ops = &sink_ops;
  sink->io.sequential = true;
  sink->base = base;
  enum vmf_code code = fill_sink(sink, crew, kind, error);
  if (code != VMF_OK)
    sink_close(&sink->io);
  else
    *io = &sink->io;
  return code;
}

enum vmf_code vmf_sink_end(struct vmf_io *io, uint8_t digest[VMF_DIGEST_MAX],
                           struct vmf_error *error)
{
  struct sink *sink = (struct sink *)io;

  VMF_TRY(sink_drain(sink, error));
  if (sink->base->size < io->size) /* zeros at the end were left out */
    VMF_TRY(vmf_io_resize(sink->base, io->size, error));
  VMF_TRY(vmf_lane_finish(sink->lane, error));
  return vmf_digest_final(sink->digest, digest, error);
}
