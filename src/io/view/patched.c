/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The patches are cut at every place where one starts or ends; then each piece belongs to one patch
 * or to the base, and a position is found by halving. */
#include "patched.h"

#include <string.h>

#include "checked.h"
#include "memory.h"
#include "row.h"

enum piece_kind { PIECE_BASE, PIECE_COPY, PIECE_ZEROS };

struct piece {
  uint64_t offset; /* first member: see row.h; it ends where the next one starts */
  uint64_t source; /* COPY: in the base */
  enum piece_kind kind;
};

struct patched {
  struct vmf_io io;
  struct vmf_io *base;
  struct piece *pieces; /* the first one starts at 0 */
  size_t count;         /* > 0 */
};

static uint64_t piece_end(const struct patched *patched, size_t index)
{
  uint64_t size = patched->io.size;
  return index + 1 < patched->count ? vmf_min(patched->pieces[index + 1].offset, size) : size;
}

static size_t find_piece(const struct patched *patched, uint64_t offset)
{
  return vmf_row_find(patched->pieces, patched->count, sizeof(struct piece), offset);
}

static enum vmf_code read_base(struct vmf_io *base, uint8_t *buffer, size_t length, uint64_t offset,
                               struct vmf_error *error)
{
  size_t have = (size_t)vmf_min(length, base->size - vmf_min(offset, base->size));
  memset(buffer + have, 0, length - have);
  return have > 0 ? vmf_io_pread(base, buffer, have, offset, error) : VMF_OK;
}

static enum vmf_code patched_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                   struct vmf_error *error)
{
  const struct patched *patched = (const struct patched *)io;
  uint8_t *out = buffer;

  for (size_t i = find_piece(patched, offset); length > 0; i++) {
    const struct piece *piece = &patched->pieces[i];
    size_t part = (size_t)vmf_min(length, piece_end(patched, i) - offset);
    uint64_t from = piece->kind == PIECE_COPY ? piece->source + (offset - piece->offset) : offset;
    if (piece->kind == PIECE_ZEROS)
      memset(out, 0, part);
    else
      VMF_TRY(read_base(patched->base, out, part, from, error));
    out += part;
    offset += part;
    length -= part;
  }
  return VMF_OK;
}

static enum vmf_code patched_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                       uint64_t *end, struct vmf_error *error)
{
  const struct patched *patched = (const struct patched *)io;

  for (size_t i = find_piece(patched, offset); offset < io->size;
       offset = piece_end(patched, i++)) {
    const struct piece *piece = &patched->pieces[i];
    *start = offset;
    *end = piece_end(patched, i);
    if (piece->kind == PIECE_COPY)
      return VMF_OK;
    if (piece->kind == PIECE_ZEROS || offset >= patched->base->size)
      continue;
    uint64_t last = *end;
    VMF_TRY(vmf_io_next_data(patched->base, offset, start, end, error));
    *end = vmf_min(*end, last);
    if (*start < *end)
      return VMF_OK;
  }
  *start = *end = io->size;
  return VMF_OK;
}

static struct vmf_io *patched_below(const struct vmf_io *io, size_t index)
{
  return index == 0 ? ((const struct patched *)io)->base : NULL;
}

static void patched_close(struct vmf_io *io)
{
  vmf_free(((struct patched *)io)->pieces);
  vmf_free(io->name);
  vmf_free(io);
}

static const struct vmf_io_ops patched_ops = {
    .kind = "file with a log",
    .pread = patched_pread,
    .next_data = patched_next_data,
    .below = patched_below,
    .close = patched_close,
};

/* ---- making it ---- */

static int compare_pieces(const void *a, const void *b)
{
  uint64_t x = ((const struct piece *)a)->offset, y = ((const struct piece *)b)->offset;
  return (x > y) - (x < y);
}

/* A piece of the base at every place where something starts or ends, each once. */
static void cut(struct patched *patched, const struct vmf_patch *patches, size_t count)
{
  struct piece *pieces = patched->pieces;
  size_t kept = 1;

  for (size_t i = 0; i < count; i++) {
    pieces[1 + 2 * i].offset = patches[i].offset;
    pieces[2 + 2 * i].offset = patches[i].offset + patches[i].length;
  }
  qsort(pieces, 1 + 2 * count, sizeof(*pieces), compare_pieces);
  for (size_t i = 1; i < 1 + 2 * count; i++)
    if (pieces[i].offset != pieces[kept - 1].offset)
      pieces[kept++] = pieces[i];
  patched->count = kept;
}

/* The first piece at or behind `index` that no patch has; on the way back the path is made short.
 */
static size_t next_free(size_t *next, size_t index)
{
  size_t found = index;
  while (next[found] != found)
    found = next[found];
  while (next[index] != found) {
    size_t after = next[index];
    next[index] = found;
    index = after;
  }
  return found;
}

/* The newest patch takes its pieces first; what is taken stays so. */
static enum vmf_code give_out(struct patched *patched, const struct vmf_patch *patches,
                              size_t count, struct vmf_error *error)
{
  VMF_AUTO_FREE void *block = NULL;
  VMF_TRY(vmf_alloc((patched->count + 1) * sizeof(size_t), &block, error));
  size_t *next = block;
  for (size_t i = 0; i <= patched->count; i++)
    next[i] = i;
  for (size_t i = count; i-- > 0;) {
    const struct vmf_patch *patch = &patches[i];
    uint64_t end = patch->offset + patch->length;
    size_t at = next_free(next, find_piece(patched, patch->offset));
    for (; at < patched->count && patched->pieces[at].offset < end; at = next_free(next, at)) {
      struct piece *piece = &patched->pieces[at];
      bool zeros = patch->source == VMF_PATCH_ZEROS;
      piece->kind = zeros ? PIECE_ZEROS : PIECE_COPY;
      piece->source = zeros ? 0 : patch->source + (piece->offset - patch->offset);
      next[at] = at + 1;
    }
  }
  return VMF_OK;
}

static enum vmf_code fill(struct patched *patched, const struct vmf_patch *patches, size_t count,
                          struct vmf_error *error)
{
  void *pieces;
  VMF_TRY(vmf_copy_text(patched->base->name, &patched->io.name, error));
  VMF_TRY(vmf_alloc((1 + 2 * count) * sizeof(struct piece), &pieces, error));
  patched->pieces = pieces;
  cut(patched, patches, count);
  return give_out(patched, patches, count, error);
}

enum vmf_code vmf_io_patched(struct vmf_io *base, uint64_t size, const struct vmf_patch *patches,
                             size_t count, struct vmf_io **io, struct vmf_error *error)
{
  void *block;
  VMF_TRY(vmf_alloc(sizeof(struct patched), &block, error));
  struct patched *patched = block;
  patched->io.ops = &patched_ops;
  patched->io.size = size;
  patched->base = base;
  enum vmf_code code = fill(patched, patches, count, error);
  if (code != VMF_OK) {
    patched_close(&patched->io);
    return code;
  }
  *io = &patched->io;
  return VMF_OK;
}
