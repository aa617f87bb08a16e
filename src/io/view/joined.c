/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Several ios one behind the other as one: the chunks of a file in a package. */
#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "row.h"
#include "size.h"
#include "view.h"

struct part {
  uint64_t start, size; /* of its bytes in the whole */
  struct vmf_io *io;    /* owned */
};

struct joined {
  struct vmf_io io;
  struct part *parts;
  size_t count;
};

/* The part that holds `offset`, which is below the size of the whole. */
static size_t joined_find(const struct joined *joined, uint64_t offset)
{
  return vmf_row_find(joined->parts, joined->count, sizeof(struct part), offset);
}

static enum vmf_code joined_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  const struct joined *joined = (const struct joined *)io;
  unsigned char *to = buffer;
  for (size_t i = joined_find(joined, offset); length > 0; i++) {
    const struct part *part = &joined->parts[i];
    uint64_t within = offset - part->start;
    size_t step = (size_t)vmf_min(length, part->size - within);
    VMF_TRY(vmf_io_pread(part->io, to, step, within, error));
    to += step;
    offset += step;
    length -= step;
  }
  return VMF_OK;
}

static enum vmf_code joined_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                      uint64_t *end, struct vmf_error *error)
{
  const struct joined *joined = (const struct joined *)io;
  for (size_t i = joined_find(joined, offset); i < joined->count; i++) {
    const struct part *part = &joined->parts[i];
    uint64_t first, last, within = vmf_max(offset, part->start) - part->start;
    VMF_TRY(vmf_io_next_data(part->io, within, &first, &last, error));
    *start = part->start + first;
    *end = part->start + last;
    if (first < last)
      return VMF_OK;
  }
  *start = *end = vmf_size_get(io);
  return VMF_OK;
}

static struct vmf_io *joined_below(const struct vmf_io *io, size_t index)
{
  const struct joined *joined = (const struct joined *)io;
  return index < joined->count ? joined->parts[index].io : NULL;
}

static void joined_close(struct vmf_io *io)
{
  struct joined *joined = (struct joined *)io;
  for (size_t i = 0; i < joined->count; i++)
    vmf_io_close(joined->parts[i].io);
  vmf_free(joined->parts);
  vmf_free(io->name);
  vmf_free(joined);
}

static const struct vmf_io_ops joined_ops = {
    .kind = "row of files",
    .pread = joined_pread,
    .next_data = joined_next_data,
    .below = joined_below,
    .close = joined_close,
};

static enum vmf_code joined_fill(struct vmf_io *const *parts, size_t count, const char *name,
                                 struct part *list, uint64_t *size, struct vmf_error *error)
{
  *size = 0;
  for (size_t i = 0; i < count; i++) {
    list[i].io = parts[i];
    list[i].start = *size;
    list[i].size = vmf_size_get(parts[i]);
    if (!vmf_add(*size, list[i].size, size) || *size > INT64_MAX)
      return vmf_fail(error, VMF_LIMIT, "%s: its %zu parts have more than 2^63 bytes together",
                      name, count);
  }
  return VMF_OK;
}

static enum vmf_code joined_make(struct vmf_io *const *parts, size_t count, const char *name,
                                 struct vmf_io **io, struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  VMF_AUTO_FREE void *list = NULL;
  void *block = NULL;
  uint64_t size;
  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc_table(count, sizeof(struct part), SIZE_MAX, "parts of a file", &list, error));
  VMF_TRY(joined_fill(parts, count, name, list, &size, error));
  VMF_TRY(vmf_alloc(sizeof(struct joined), &block, error));
  struct joined *joined = block;
  joined->io.ops = &joined_ops;
  joined->io.name = copy;
  joined->io.size = size;
  joined->parts = list;
  joined->count = count;
  copy = NULL;
  list = NULL;
  *io = &joined->io;
  return VMF_OK;
}

enum vmf_code vmf_io_joined(struct vmf_io **parts, size_t count, const char *name,
                            struct vmf_io **io, struct vmf_error *error)
{
  enum vmf_code code = joined_make(parts, count, name, io, error);
  for (size_t i = 0; code != VMF_OK && i < count; i++)
    vmf_io_close(parts[i]);
  return code;
}
