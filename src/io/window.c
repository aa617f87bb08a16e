/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A part of an io, read as an io of its own. */
#include <inttypes.h>

#include "checked.h"
#include "io.h"
#include "memory.h"
#include "size.h"

struct window {
  struct vmf_io io;
  struct vmf_io *base;
  uint64_t offset; /* in base */
  bool owns_base;
};

static enum vmf_code window_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  struct window *window = (struct window *)io;
  return vmf_io_pread(window->base, buffer, length, window->offset + offset, error);
}

static enum vmf_code window_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                      uint64_t *end, struct vmf_error *error)
{
  struct window *window = (struct window *)io;
  uint64_t first, last, limit = window->offset + io->size;
  VMF_TRY(vmf_io_next_data(window->base, window->offset + offset, &first, &last, error));
  *start = vmf_min(first, limit) - window->offset;
  *end = vmf_min(last, limit) - window->offset;
  return VMF_OK;
}

static void window_close(struct vmf_io *io)
{
  struct window *window = (struct window *)io;
  if (window->owns_base)
    vmf_io_close(window->base);
  vmf_free(io->name);
  vmf_free(window);
}

static const struct vmf_io_ops window_ops = {
    .kind = "part of a file",
    .pread = window_pread,
    .next_data = window_next_data,
    .close = window_close,
};

enum vmf_code vmf_io_window(struct vmf_io *base, uint64_t offset, uint64_t length, bool owns_base,
                            struct vmf_io **io, struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  void *block = NULL;
  uint64_t size = vmf_size_get(base);
  if (!vmf_range_within(offset, length, size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " bytes at byte %" PRIu64
                    " are needed, but the file ends at byte %" PRIu64,
                    base->name, length, offset, size);
  VMF_TRY(vmf_copy_text(base->name, &copy, error));
  VMF_TRY(vmf_alloc(sizeof(struct window), &block, error));
  struct window *window = block;
  window->io.ops = &window_ops;
  window->io.name = copy;
  window->io.size = length;
  window->io.device = base->device;
  window->base = base;
  window->offset = offset;
  window->owns_base = owns_base;
  copy = NULL;
  *io = &window->io;
  return VMF_OK;
}
