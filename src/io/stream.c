/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What every stream does: looking ahead, the way back to the first byte. */
#include "stream.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "memory.h"

enum { KEPT_LEAST = 2 * VMF_STREAM_AHEAD };

struct stream {
  struct vmf_io io;
  const struct vmf_stream_source *source;
  void *state;       /* of the source, owned */
  uint64_t position; /* of ahead[start] */
  bool ended;        /* nothing comes behind what is in `ahead` */
  size_t start, end; /* what was read and not yet taken */
  bool settled;      /* nothing is kept any more, */
  bool no_memory;    /* since there was none for it */
  uint8_t *kept;     /* all that was read, until then */
  size_t kept_length, kept_room;
  size_t again; /* so much of it has come once more; kept_length: what comes next is new */
  uint8_t ahead[VMF_STREAM_AHEAD];
};

/* ---- the way back ---- */

void vmf_stream_settle(struct vmf_io *io)
{
  struct stream *stream = (struct stream *)io;
  stream->settled = true;
  if (stream->again < stream->kept_length)
    return;
  vmf_free(stream->kept);
  stream->kept = NULL;
  stream->kept_length = stream->kept_room = stream->again = 0;
}

/* Without memory for it there is no way back, and that is all. */
static void stream_keep(struct stream *stream, const uint8_t *bytes, size_t length)
{
  struct vmf_error ignored;
  size_t needed = stream->kept_length + length;
  size_t room = vmf_min(vmf_max(2 * needed, KEPT_LEAST), VMF_STREAM_KEPT);
  void *memory;
  if (stream->settled || length == 0)
    return;
  if (needed > VMF_STREAM_KEPT) {
    vmf_stream_settle(&stream->io);
    return;
  }
  if (needed > stream->kept_room) {
    if (vmf_alloc(room, &memory, &ignored) != VMF_OK) {
      stream->no_memory = true;
      vmf_stream_settle(&stream->io);
      return;
    }
    if (stream->kept_length > 0)
      memcpy(memory, stream->kept, stream->kept_length);
    vmf_free(stream->kept);
    stream->kept = memory;
    stream->kept_room = room;
  }
  memcpy(stream->kept + stream->kept_length, bytes, length);
  stream->again = stream->kept_length = needed;
}

/* What was kept, when it comes once more; 0: what comes next is new. */
static size_t stream_repeat(struct stream *stream, uint8_t *buffer, size_t length)
{
  size_t part = vmf_min(length, stream->kept_length - stream->again);
  if (part == 0)
    return 0;
  memcpy(buffer, stream->kept + stream->again, part);
  stream->again += part;
  if (stream->settled)
    vmf_stream_settle(&stream->io);
  return part;
}

enum vmf_code vmf_stream_restart(struct vmf_io *io, struct vmf_error *error)
{
  struct stream *stream = (struct stream *)io;
  if (stream->no_memory)
    return vmf_fail(error, VMF_NOMEM, "%s: no memory to keep its first bytes", io->name);
  if (stream->settled)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: a stream cannot go back to its first byte from byte %" PRIu64, io->name,
                    stream->position);
  stream->position = stream->start = stream->end = stream->again = 0;
  return VMF_OK;
}

/* ---- what comes ---- */

/* Up to `length` bytes as they come; 0: the end. */
static enum vmf_code stream_read(struct stream *stream, uint8_t *buffer, size_t length, size_t *got,
                                 struct vmf_error *error)
{
  uint64_t position = stream->position + (stream->end - stream->start);
  *got = stream_repeat(stream, buffer, length);
  if (*got > 0 || stream->ended)
    return VMF_OK;
  VMF_TRY(
      stream->source->read(stream->state, stream->io.name, position, buffer, length, got, error));
  stream->ended = *got == 0;
  stream_keep(stream, buffer, *got);
  return VMF_OK;
}

static enum vmf_code stream_cut_short(const struct stream *stream, uint64_t expected,
                                      struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: ends at byte %" PRIu64 ", expected are at least %" PRIu64
                  " bytes: what writes it ended too early, or it was cut short on its way",
                  stream->io.name, stream->position, expected);
}

/* What is taken from `ahead`. */
static size_t stream_take(struct stream *stream, uint8_t *buffer, size_t length)
{
  size_t part = (size_t)vmf_min(length, stream->end - stream->start);
  if (buffer)
    memcpy(buffer, stream->ahead + stream->start, part);
  stream->start += part;
  stream->position += part;
  return part;
}

uint64_t vmf_stream_position(const struct vmf_io *io)
{
  return ((const struct stream *)io)->position;
}

enum vmf_code vmf_stream_peek(struct vmf_io *io, size_t length, const uint8_t **bytes, size_t *have,
                              struct vmf_error *error)
{
  struct stream *stream = (struct stream *)io;
  size_t got = 1;
  if (stream->start == stream->end)
    stream->start = stream->end = 0;
  if (stream->start + length > VMF_STREAM_AHEAD) {
    memmove(stream->ahead, stream->ahead + stream->start, stream->end - stream->start);
    stream->end -= stream->start;
    stream->start = 0;
  }
  while (stream->end - stream->start < length && got > 0) {
    VMF_TRY(stream_read(stream, stream->ahead + stream->end, VMF_STREAM_AHEAD - stream->end, &got,
                        error));
    stream->end += got;
  }
  *bytes = stream->ahead + stream->start;
  *have = (size_t)vmf_min(length, stream->end - stream->start);
  return VMF_OK;
}

enum vmf_code vmf_stream_skip(struct vmf_io *io, uint64_t offset, struct vmf_error *error)
{
  struct stream *stream = (struct stream *)io;
  const uint8_t *bytes;
  size_t have;
  if (offset < stream->position)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: a stream cannot go back to byte %" PRIu64 " from byte %" PRIu64, io->name,
                    offset, stream->position);
  while (stream->position < offset) {
    VMF_TRY(vmf_stream_peek(io, 1, &bytes, &have, error));
    if (have == 0)
      return stream_cut_short(stream, offset, error);
    (void)stream_take(stream, NULL, (size_t)vmf_min(offset - stream->position, SIZE_MAX));
  }
  return VMF_OK;
}

void vmf_stream_pass_hole(struct vmf_io *io)
{
  struct stream *stream = (struct stream *)io;
  if (stream->source->hole_end && stream->settled && stream->again == stream->kept_length &&
      stream->start == stream->end)
    stream->position = stream->source->hole_end(stream->state, stream->position);
}

static enum vmf_code stream_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  struct stream *stream = (struct stream *)io;
  uint8_t *out = buffer;
  VMF_TRY(vmf_stream_skip(io, offset, error));
  size_t done = stream_take(stream, out, length);
  while (done < length) {
    size_t got;
    VMF_TRY(stream_read(stream, out + done, length - done, &got, error));
    if (got == 0)
      return stream_cut_short(stream, offset + length, error);
    stream->position += got;
    done += got;
  }
  return VMF_OK;
}

static struct vmf_io *stream_below(const struct vmf_io *io, size_t index)
{
  const struct stream *stream = (const struct stream *)io;
  return index == 0 && stream->source->below ? stream->source->below(stream->state) : NULL;
}

static void stream_close(struct vmf_io *io)
{
  struct stream *stream = (struct stream *)io;
  stream->source->close(stream->state);
  vmf_free(io->name);
  vmf_free(stream->kept);
  vmf_free(stream);
}

static const struct vmf_io_ops stream_ops = {
    .kind = "stream",
    .pread = stream_pread,
    .below = stream_below,
    .close = stream_close,
};

bool vmf_io_is_stream(const struct vmf_io *io)
{
  return io->ops == &stream_ops;
}

static enum vmf_code stream_make(const char *name, struct stream **stream, struct vmf_error *error)
{
  void *block = NULL;
  VMF_AUTO_FREE char *copy = NULL;
  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc(sizeof **stream, &block, error));
  *stream = block;
  (*stream)->io = (struct vmf_io){.ops = &stream_ops, .name = copy, .size = INT64_MAX};
  copy = NULL;
  return VMF_OK;
}

enum vmf_code vmf_stream_new(const struct vmf_stream_source *source, void *state, const char *name,
                             struct vmf_io **io, struct vmf_error *error)
{
  struct stream *stream;
  enum vmf_code code = stream_make(name, &stream, error);
  if (code != VMF_OK) {
    source->close(state);
    return code;
  }
  stream->source = source;
  stream->state = state;
  *io = &stream->io;
  return VMF_OK;
}
