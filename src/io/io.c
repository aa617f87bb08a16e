/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What every io has in common: ranges are checked here, an operation that an io does not have is
 * refused here. */
#include "io.h"

#include <inttypes.h>

#include "checked.h"
#include "effort.h"
#include "memory.h"
#include "size.h"

enum vmf_code vmf_io_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                           struct vmf_error *error)
{
  uint64_t size = vmf_size_get(io);
  if (!io->ops->pread)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: a %s cannot be read", io->name, io->ops->kind);
  if (!vmf_range_within(offset, length, size))
    return vmf_fail(error, VMF_READ,
                    "%s: %zu bytes at byte %" PRIu64
                    " are beyond the end, which is at byte %" PRIu64,
                    io->name, length, offset, size);
  if (length == 0)
    return VMF_OK;
  enum vmf_effort before = vmf_effort_begin(VMF_EFFORT_READ);
  enum vmf_code code = io->ops->pread(io, buffer, length, offset, error);
  vmf_effort_end(before);
  return code;
}

enum vmf_code vmf_io_pwrite(struct vmf_io *io, const void *buffer, size_t length, uint64_t offset,
                            struct vmf_error *error)
{
  struct vmf_piece piece = {.data = buffer, .length = length};
  return vmf_io_pwrite_pieces(io, &piece, 1, offset, error);
}

enum vmf_code vmf_io_pwrite_pieces(struct vmf_io *io, const struct vmf_piece *pieces,
                                   unsigned count, uint64_t offset, struct vmf_error *error)
{
  uint64_t end = offset;
  if (!io->ops->pwrite)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: a %s that is only read cannot be written",
                    io->name, io->ops->kind);
  for (unsigned i = 0; i < count; i++)
    if (!vmf_add(end, pieces[i].length, &end) || end > INT64_MAX)
      return vmf_fail(error, VMF_WRITE, "%s: a write at byte %" PRIu64 " reaches beyond 2^63 bytes",
                      io->name, offset);
  if (end == offset)
    return VMF_OK;
  enum vmf_effort before = vmf_effort_begin(VMF_EFFORT_WRITE);
  enum vmf_code code = io->ops->pwrite(io, pieces, count, offset, error);
  vmf_effort_end(before);
  return code;
}

enum vmf_code vmf_io_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start, uint64_t *end,
                               struct vmf_error *error)
{
  uint64_t size = vmf_size_get(io);
  if (offset < size && io->ops->next_data)
    return io->ops->next_data(io, offset, start, end, error);
  *start = vmf_min(offset, size);
  *end = size;
  return VMF_OK;
}

uint64_t vmf_io_hole_end(struct vmf_io *io, uint64_t offset)
{
  struct vmf_error untold;
  uint64_t start, end;
  enum vmf_code code = vmf_io_next_data(io, offset, &start, &end, &untold);
  return code == VMF_OK ? vmf_max(start, offset) : offset;
}

enum vmf_code vmf_io_choose_bitmap(struct vmf_io *io, const char *name, struct vmf_error *error)
{
  if (!io->ops->choose_bitmap)
    return vmf_fail(error, VMF_USAGE,
                    "%s: has no bitmaps of changed blocks; qcow2 has, and NBD servers", io->name);
  return io->ops->choose_bitmap(io, name, error);
}

enum vmf_code vmf_io_next_marked(struct vmf_io *io, uint64_t offset, uint64_t *start, uint64_t *end,
                                 struct vmf_error *error)
{
  return io->ops->next_marked(io, offset, start, end, error);
}

bool vmf_io_ahead(struct vmf_io *io)
{
  struct vmf_io *below;
  if (io->ops->ahead)
    return io->ops->ahead(io);
  for (size_t i = 0; io->ops->below && (below = io->ops->below(io, i)) != NULL; i++)
    if (vmf_io_ahead(below))
      return true;
  return false;
}

enum vmf_code vmf_io_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                          struct vmf_error *error)
{
  uint64_t end;
  if (!io->ops->zero)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: a %s that is only read cannot be zeroed", io->name,
                    io->ops->kind);
  if (!vmf_add(offset, length, &end) || end > INT64_MAX)
    return vmf_fail(error, VMF_WRITE,
                    "%s: zeroing %" PRIu64 " bytes at byte %" PRIu64 " reaches beyond 2^63 bytes",
                    io->name, length, offset);
  if (length == 0)
    return VMF_OK;
  enum vmf_effort before = vmf_effort_begin(VMF_EFFORT_WRITE);
  enum vmf_code code = io->ops->zero(io, offset, length, allocate, error);
  vmf_effort_end(before);
  return code;
}

enum vmf_code vmf_io_clear(struct vmf_io *io, uint64_t length, struct vmf_error *error)
{
  return io->ops->clear && length <= vmf_size_get(io) ? io->ops->clear(io, length, error) : VMF_OK;
}

enum vmf_code vmf_io_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  if (!io->ops->resize)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: a %s that is only read cannot be resized",
                    io->name, io->ops->kind);
  if (size > INT64_MAX)
    return vmf_fail(error, VMF_WRITE, "%s: a size of %" PRIu64 " bytes is beyond 2^63 bytes",
                    io->name, size);
  return io->ops->resize(io, size, error);
}

bool vmf_io_goes_back(const struct vmf_io *io)
{
  return !io->sequential || io->ops->hold;
}

enum vmf_code vmf_io_hold(struct vmf_io *io, uint64_t offset, uint64_t length,
                          struct vmf_error *error)
{
  return io->ops->hold && length > 0 ? io->ops->hold(io, offset, length, error) : VMF_OK;
}

enum vmf_code vmf_io_let_go(struct vmf_io *io, uint64_t offset, struct vmf_error *error)
{
  return io->ops->let_go ? io->ops->let_go(io, offset, error) : VMF_OK;
}

enum vmf_code vmf_io_pass(struct vmf_io *io, uint64_t offset, uint64_t length,
                          struct vmf_error *error)
{
  if (!io->ops->pass)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: nothing stands there that could be passed over",
                    io->name);
  return io->ops->pass(io, offset, length, error);
}

void vmf_io_announce(struct vmf_io *io, uint64_t size)
{
  if (io->ops->announce)
    io->ops->announce(io, size);
}

enum vmf_code vmf_io_flush(struct vmf_io *io, struct vmf_error *error)
{
  return io->ops->flush ? io->ops->flush(io, error) : VMF_OK;
}

enum vmf_code vmf_io_end(struct vmf_io *io, struct vmf_error *error)
{
  return io->ops->end ? io->ops->end(io, error) : VMF_OK;
}

void vmf_io_close(struct vmf_io *io)
{
  if (io)
    io->ops->close(io);
}
