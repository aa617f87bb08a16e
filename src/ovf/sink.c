/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "sink.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "memory.h"

enum { SINK_BUFFER = 1 << 20 };

/* io.size: bytes taken, in the buffer or written. */
struct sink {
  struct vmf_io io;
  struct vmf_io *base; /* not owned */
  struct vmf_digest *digest;
  uint8_t *buffer; /* SINK_BUFFER bytes */
  size_t used;
};

static enum vmf_code sink_drain(struct sink *sink, struct vmf_error *error)
{
  size_t used = sink->used;

  sink->used = 0;
  if (used == 0)
    return VMF_OK;
  VMF_TRY(vmf_digest_update(sink->digest, sink->buffer, used, error));
  return vmf_io_pwrite(sink->base, sink->buffer, used, sink->io.size - used, error);
}

static enum vmf_code sink_append(struct sink *sink, const uint8_t *data, size_t length,
                                 struct vmf_error *error)
{
  while (length > 0) {
    size_t step = vmf_min(length, SINK_BUFFER - sink->used);
    memcpy(sink->buffer + sink->used, data, step);
    sink->used += step;
    sink->io.size += step;
    data += step;
    length -= step;
    if (sink->used == SINK_BUFFER)
      VMF_TRY(sink_drain(sink, error));
  }
  return VMF_OK;
}

/* Zeros are hashed, and left out where the base reads as zeros by itself. */
static enum vmf_code sink_zeros(struct sink *sink, uint64_t length, struct vmf_error *error)
{
  static const uint8_t zeros[64 * 1024];
  bool skip = length >= sizeof zeros && sink->base->reads_as_zero;

  if (skip)
    VMF_TRY(sink_drain(sink, error));
  while (length > 0) {
    size_t step = (size_t)vmf_min(length, sizeof zeros);
    if (skip)
      VMF_TRY(vmf_digest_update(sink->digest, zeros, step, error));
    else
      VMF_TRY(sink_append(sink, zeros, step, error));
    sink->io.size += skip ? step : 0;
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

  vmf_digest_free(sink->digest);
  vmf_free(sink->buffer);
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

static enum vmf_code fill_sink(struct sink *sink, enum vmf_digest_kind kind,
                               struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_copy_text(sink->base->name, &sink->io.name, error));
  VMF_TRY(vmf_alloc_pages(SINK_BUFFER, &memory, error));
  sink->buffer = memory;
  return vmf_digest_new(kind, &sink->digest, error);
}

enum vmf_code vmf_sink_new(struct vmf_io *base, enum vmf_digest_kind kind, struct vmf_io **io,
                           struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct sink), &memory, error));
  struct sink *sink = memory;
  sink->io.ops = &sink_ops;
  sink->io.sequential = true;
  sink->base = base;
  enum vmf_code code = fill_sink(sink, kind, error);
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
  return vmf_digest_final(sink->digest, digest, error);
}
