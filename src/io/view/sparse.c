/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file with holes whose data is stored without them. */
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "row.h"
#include "view.h"

struct sparse {
  struct vmf_io io;
  struct vmf_io *base;
  bool owns_base;
  const struct vmf_segment *segments; /* the caller's */
  size_t count;
};

/* The first segment that has a byte at or behind `offset`; `count`: none. */
static size_t sparse_find(const struct sparse *sparse, uint64_t offset)
{
  size_t index = vmf_row_find(sparse->segments, sparse->count, sizeof(struct vmf_segment), offset);
  if (index < sparse->count &&
      sparse->segments[index].start + sparse->segments[index].length <= offset)
    index++;
  return index;
}

static enum vmf_code sparse_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  const struct sparse *sparse = (const struct sparse *)io;
  unsigned char *to = buffer;
  for (size_t i = sparse_find(sparse, offset); length > 0; i++) {
    const struct vmf_segment *segment = i < sparse->count ? &sparse->segments[i] : NULL;
    uint64_t start = segment ? segment->start : UINT64_MAX;
    size_t hole = start > offset ? (size_t)vmf_min(length, start - offset) : 0;
    memset(to, 0, hole);
    to += hole;
    offset += hole;
    length -= hole;
    if (!segment || length == 0)
      continue;
    uint64_t within = offset - start;
    size_t step = (size_t)vmf_min(length, segment->length - within);
    VMF_TRY(vmf_io_pread(sparse->base, to, step, segment->stored + within, error));
    to += step;
    offset += step;
    length -= step;
  }
  return VMF_OK;
}

static enum vmf_code sparse_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                      uint64_t *end, struct vmf_error *error)
{
  const struct sparse *sparse = (const struct sparse *)io;
  size_t index = sparse_find(sparse, offset);
  (void)error;
  *start = *end = io->size;
  if (index == sparse->count)
    return VMF_OK;
  *start = vmf_max(offset, sparse->segments[index].start);
  *end = sparse->segments[index].start + sparse->segments[index].length;
  return VMF_OK;
}

static struct vmf_io *sparse_below(const struct vmf_io *io, size_t index)
{
  return index == 0 ? ((const struct sparse *)io)->base : NULL;
}

static void sparse_close(struct vmf_io *io)
{
  struct sparse *sparse = (struct sparse *)io;
  if (sparse->owns_base)
    vmf_io_close(sparse->base);
  vmf_free(io->name);
  vmf_free(sparse);
}

static const struct vmf_io_ops sparse_ops = {
    .kind = "file with holes",
    .pread = sparse_pread,
    .next_data = sparse_next_data,
    .below = sparse_below,
    .close = sparse_close,
};

static enum vmf_code sparse_new(const char *name, struct sparse **sparse, struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  void *block;
  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc(sizeof **sparse, &block, error));
  *sparse = block;
  (*sparse)->io = (struct vmf_io){.ops = &sparse_ops, .name = copy};
  copy = NULL;
  return VMF_OK;
}

enum vmf_code vmf_io_sparse(struct vmf_io *base, const struct vmf_segment *segments, size_t count,
                            uint64_t size, const char *name, bool owns_base, struct vmf_io **io,
                            struct vmf_error *error)
{
  struct sparse *sparse;
  enum vmf_code code = sparse_new(name, &sparse, error);
  if (code != VMF_OK) {
    if (owns_base)
      vmf_io_close(base);
    return code;
  }
  sparse->base = base;
  sparse->owns_base = owns_base;
  sparse->segments = segments;
  sparse->count = count;
  sparse->io.size = size;
  *io = &sparse->io;
  return VMF_OK;
}
