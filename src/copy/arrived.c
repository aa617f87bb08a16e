/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "arrived.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "list.h"

/* A packed unit is at most twice as long as it was, and has at most as much framing as the
 * smallest unit has bytes: see container.c. */
enum { LONGEST = 3, SMALLEST_UNIT = 512, LEAST_ROOM = 16, STEP = 256 << 10 };

size_t vmf_arrived_memory(const struct vmf_image *image, uint32_t job_bytes)
{
  size_t bytes = image->unit == 0 ? job_bytes : LONGEST * (size_t)job_bytes + STEP;

  if (image->unit == 0 && vmf_image_pieces(image) == 0)
    return bytes;
  return bytes + 2 * (job_bytes / SMALLEST_UNIT + LEAST_ROOM) * sizeof(struct vmf_arrived_piece);
}

/* ---- the io ---- */

/* The last piece that starts at or before `offset`; there is one. */
static const struct vmf_arrived_piece *piece_at(const struct vmf_arrived *arrived, uint64_t offset)
{
  size_t low = 0, high = arrived->count;

  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (arrived->pieces[middle].offset <= offset)
      low = middle;
    else
      high = middle;
  }
  return &arrived->pieces[low];
}

static bool holds(const struct vmf_arrived_piece *piece, uint64_t offset)
{
  return offset >= piece->offset && offset - piece->offset < piece->length;
}

/* Several runs may be read at once, with what stood between them: framing that nobody looks at
 * again, and that is zeros here. */
static enum vmf_code arrived_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                   struct vmf_error *error)
{
  const struct vmf_arrived *arrived = (const struct vmf_arrived *)io;
  const struct vmf_arrived_piece *piece = piece_at(arrived, offset);
  uint8_t *out = buffer;
  uint64_t end = offset + length, at = offset;

  if (!holds(piece, offset) || !holds(piece_at(arrived, end - 1), end - 1))
    return vmf_fail(error, VMF_READ,
                    "%s: %zu bytes at byte %" PRIu64 " are not what came for this part of the disk",
                    io->name, length, offset);
  for (; at < end; piece++) {
    memset(out + (at - offset), 0, (size_t)(vmf_max(piece->offset, at) - at));
    at = vmf_max(piece->offset, at);
    size_t inside = (size_t)(at - piece->offset);
    size_t part = (size_t)vmf_min(piece->length - inside, end - at);
    memcpy(out + (at - offset), arrived->bytes + piece->start + inside, part);
    at += part;
  }
  return VMF_OK;
}

static const struct vmf_io_ops arrived_ops = {.kind = "stream", .pread = arrived_pread};

/* ---- filling it ---- */

void vmf_arrived_clear(struct vmf_arrived *arrived)
{
  arrived->used = arrived->count = 0;
  arrived->io.size = 0;
}

static enum vmf_code make_room(struct vmf_arrived *arrived, size_t length, struct vmf_error *error)
{
  size_t needed = arrived->used + length;
  size_t capacity = vmf_align_up(needed, STEP);

  if (needed > arrived->capacity) {
    uint8_t *bytes = realloc(arrived->bytes, capacity);
    if (!bytes)
      return vmf_fail(error, VMF_NOMEM, "%s: no memory for %zu bytes", arrived->io.name, capacity);
    arrived->bytes = bytes;
    arrived->capacity = capacity;
  }
  return VMF_LIST_ROOM(arrived->pieces, arrived->count, arrived->room, "stretches of a map", error);
}

static enum vmf_code take(struct vmf_arrived *arrived, struct vmf_io *stream, uint64_t offset,
                          size_t length, struct vmf_error *error)
{
  arrived->io.ops = &arrived_ops;
  arrived->io.name = stream->name;
  VMF_TRY(make_room(arrived, length, error));
  VMF_TRY(vmf_io_pread(stream, arrived->bytes + arrived->used, length, offset, error));
  struct vmf_arrived_piece *last = arrived->count > 0 ? &arrived->pieces[arrived->count - 1] : NULL;
  if (last && last->offset + last->length == offset)
    last->length += length;
  else
    arrived->pieces[arrived->count++] =
        (struct vmf_arrived_piece){.offset = offset, .start = arrived->used, .length = length};
  arrived->used += length;
  arrived->io.size = offset + length;
  return VMF_OK;
}

enum vmf_code vmf_arrived_take(struct vmf_arrived *arrived, struct vmf_span *span,
                               struct vmf_error *error)
{
  if (span->kind == VMF_RUN_PLAIN) {
    VMF_TRY(take(arrived, span->io, span->offset, (size_t)span->length, error));
    span->io = &arrived->io;
  } else if (span->skip == 0) {
    VMF_TRY(take(arrived, span->run.io, span->run.offset, span->run.stored, error));
  }
  span->run.io = &arrived->io;
  return VMF_OK;
}

void vmf_arrived_free(struct vmf_arrived *arrived)
{
  free(arrived->bytes);
  free(arrived->pieces);
}
