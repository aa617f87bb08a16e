/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A part of an io as an io of its own: a window is only read, an inset is written and grows. */
#include <inttypes.h>

#include "checked.h"
#include "memory.h"
#include "size.h"
#include "view.h"

struct window {
  struct vmf_io io;
  struct vmf_io *base;
  uint64_t offset; /* in base; an inset's is at most INT64_MAX */
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
  uint64_t first, last, limit = window->offset + vmf_size_get(io);
  VMF_TRY(vmf_io_next_data(window->base, window->offset + offset, &first, &last, error));
  *start = vmf_min(first, limit) - window->offset;
  *end = vmf_min(last, limit) - window->offset;
  return VMF_OK;
}

static struct vmf_io *window_below(const struct vmf_io *io, size_t index)
{
  return index == 0 ? ((const struct window *)io)->base : NULL;
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
    .below = window_below,
    .close = window_close,
};

static enum vmf_code window_new(const struct vmf_io_ops *ops, struct vmf_io *base, uint64_t offset,
                                const char *name, struct window **window, struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  void *block = NULL;
  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc(sizeof **window, &block, error));
  *window = block;
  (*window)->io.ops = ops;
  (*window)->io.name = copy;
  (*window)->base = base;
  (*window)->offset = offset;
  copy = NULL;
  return VMF_OK;
}

static enum vmf_code window_make(struct vmf_io *base, uint64_t offset, uint64_t length,
                                 const char *name, struct window **window, struct vmf_error *error)
{
  uint64_t size = vmf_size_get(base);
  if (!vmf_range_within(offset, length, size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " bytes at byte %" PRIu64
                    " of %s are needed, but it ends at byte %" PRIu64,
                    name, length, offset, base->name, size);
  VMF_TRY(window_new(&window_ops, base, offset, name, window, error));
  (*window)->io.size = length;
  return VMF_OK;
}

enum vmf_code vmf_io_window(struct vmf_io *base, uint64_t offset, uint64_t length, const char *name,
                            bool owns_base, struct vmf_io **io, struct vmf_error *error)
{
  struct window *window = NULL;
  enum vmf_code code = window_make(base, offset, length, name, &window, error);
  if (code != VMF_OK) {
    if (owns_base)
      vmf_io_close(base);
    return code;
  }
  window->owns_base = owns_base;
  *io = &window->io;
  return VMF_OK;
}

bool vmf_io_window_offset(const struct vmf_io *io, const struct vmf_io *base, uint64_t *offset)
{
  const struct window *window = (const struct window *)io;
  if (io->ops != &window_ops || window->base != base)
    return false;
  *offset = window->offset;
  return true;
}

/* ---- insets ---- */

/* The checks of vmf_io_pwrite_pieces, vmf_io_zero and vmf_io_resize keep ends below 2^63, so the
 * sums with window->offset do not overflow; the base checks them once more. The base grows before
 * the inset does: what lies within io.size can be read. */
static enum vmf_code inset_pwrite(struct vmf_io *io, const struct vmf_piece *pieces, unsigned count,
                                  uint64_t offset, struct vmf_error *error)
{
  struct window *inset = (struct window *)io;
  uint64_t end = offset;
  for (unsigned i = 0; i < count; i++)
    end += pieces[i].length;
  VMF_TRY(vmf_io_pwrite_pieces(inset->base, pieces, count, inset->offset + offset, error));
  vmf_size_grow(io, end);
  return VMF_OK;
}

/* As a file: only a pipe and space that is reserved make it longer. A device is written with zeros
 * wherever it is told to. */
static enum vmf_code inset_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                                struct vmf_error *error)
{
  struct window *inset = (struct window *)io;
  bool grows = allocate || io->sequential;
  uint64_t size = vmf_size_get(io);
  if (!grows && io->reads_as_zero) {
    if (offset >= size)
      return VMF_OK;
    length = vmf_min(length, size - offset);
  }
  VMF_TRY(vmf_io_zero(inset->base, inset->offset + offset, length, allocate, error));
  if (grows)
    vmf_size_grow(io, offset + length);
  return VMF_OK;
}

static enum vmf_code inset_lengthen(struct window *inset, uint64_t size, struct vmf_error *error)
{
  uint64_t old = vmf_size_get(&inset->io), end = inset->offset + size;
  if (!inset->io.reads_as_zero && !inset->io.sequential)
    VMF_TRY(vmf_io_zero(inset->base, inset->offset + old, size - old, false, error));
  if (vmf_size_get(inset->base) < end)
    VMF_TRY(vmf_io_resize(inset->base, end, error));
  vmf_size_set(&inset->io, size);
  return VMF_OK;
}

/* The base is cut only where the inset was its end; else what is given up is made zeros, so that
 * growing again finds zeros. */
static enum vmf_code inset_shorten(struct window *inset, uint64_t size, struct vmf_error *error)
{
  uint64_t old = vmf_size_get(&inset->io), end = inset->offset + size;
  if (!inset->base->device && vmf_size_get(inset->base) == inset->offset + old)
    VMF_TRY(vmf_io_resize(inset->base, end, error));
  else
    VMF_TRY(vmf_io_zero(inset->base, end, old - size, false, error));
  vmf_size_set(&inset->io, size);
  return VMF_OK;
}

static enum vmf_code inset_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  struct window *inset = (struct window *)io;
  uint64_t old = vmf_size_get(io);
  if (size == old)
    return VMF_OK;
  if (size > old)
    return inset_lengthen(inset, size, error);
  if (io->sequential)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: what goes to a pipe cannot be cut to %" PRIu64 " bytes from %" PRIu64,
                    io->name, size, old);
  return inset_shorten(inset, size, error);
}

static enum vmf_code inset_flush(struct vmf_io *io, struct vmf_error *error)
{
  return vmf_io_flush(((struct window *)io)->base, error);
}

static const struct vmf_io_ops inset_ops = {
    .kind = "part of a file",
    .pread = window_pread,
    .pwrite = inset_pwrite,
    .next_data = window_next_data,
    .zero = inset_zero,
    .resize = inset_resize,
    .flush = inset_flush,
    .below = window_below,
    .close = window_close,
};

enum vmf_code vmf_io_inset(struct vmf_io *base, uint64_t offset, const char *name,
                           struct vmf_io **io, struct vmf_error *error)
{
  struct window *inset;
  if (offset > INT64_MAX)
    return vmf_fail(error, VMF_WRITE, "%s: byte %" PRIu64 " of %s is beyond 2^63", name, offset,
                    base->name);
  VMF_TRY(window_new(&inset_ops, base, offset, name, &inset, error));
  inset->io.sequential = base->sequential;
  inset->io.reads_as_zero = base->reads_as_zero;
  inset->io.device = base->device;
  inset->io.writers = base->writers;
  *io = &inset->io;
  return VMF_OK;
}
