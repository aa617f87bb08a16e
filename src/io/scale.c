/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "scale.h"

#include <inttypes.h>
#include <string.h>

#include "memory.h"
#include "size.h"

static enum vmf_code scale_reach(struct vmf_io *io, uint64_t start, uint64_t end,
                                 struct vmf_error *error)
{
  if (io->sequential && start < vmf_size_get(io))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: a pipe cannot go back to byte %" PRIu64 " from byte %" PRIu64, io->name,
                    start, vmf_size_get(io));
  vmf_size_grow(io, end);
  return VMF_OK;
}

static enum vmf_code scale_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                 struct vmf_error *error)
{
  (void)io;
  (void)offset;
  (void)error;
  memset(buffer, 0, length);
  return VMF_OK;
}

static enum vmf_code scale_pwrite(struct vmf_io *io, const struct vmf_piece *pieces, unsigned count,
                                  uint64_t offset, struct vmf_error *error)
{
  uint64_t end = offset;

  for (; count > 0; pieces++, count--)
    end += pieces->length; /* vmf_io_pwrite_pieces has checked the sum */
  return scale_reach(io, offset, end, error);
}

static enum vmf_code scale_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                                struct vmf_error *error)
{
  return allocate || io->sequential ? scale_reach(io, offset, offset + length, error) : VMF_OK;
}

static enum vmf_code scale_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  if (io->sequential)
    return scale_reach(io, size, size, error);
  vmf_size_set(io, size);
  return VMF_OK;
}

static enum vmf_code scale_flush(struct vmf_io *io, struct vmf_error *error)
{
  (void)io;
  (void)error;
  return VMF_OK;
}

static void scale_close(struct vmf_io *io)
{
  vmf_free(io->name);
  vmf_free(io);
}

static const struct vmf_io_ops scale_ops = {.kind = "scale",
                                            .pread = scale_pread,
                                            .pwrite = scale_pwrite,
                                            .zero = scale_zero,
                                            .resize = scale_resize,
                                            .flush = scale_flush,
                                            .close = scale_close};

enum vmf_code vmf_io_scale(const char *name, bool sequential, struct vmf_io **io,
                           struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  void *block = NULL;

  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc(sizeof(struct vmf_io), &block, error));
  *io = block;
  **io = (struct vmf_io){.ops = &scale_ops,
                         .name = copy,
                         .sequential = sequential,
                         .reads_as_zero = !sequential,
                         .writers = 1};
  copy = NULL;
  return VMF_OK;
}
