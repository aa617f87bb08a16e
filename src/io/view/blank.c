/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Zeros that are stored nowhere. */
#include <string.h>

#include "memory.h"
#include "view.h"

static enum vmf_code blank_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                 struct vmf_error *error)
{
  (void)io;
  (void)offset;
  (void)error;
  memset(buffer, 0, length);
  return VMF_OK;
}

static enum vmf_code blank_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                     uint64_t *end, struct vmf_error *error)
{
  (void)offset;
  (void)error;
  *start = *end = io->size;
  return VMF_OK;
}

static void blank_close(struct vmf_io *io)
{
  vmf_free(io->name);
  vmf_free(io);
}

static const struct vmf_io_ops blank_ops = {
    .kind = "blank",
    .pread = blank_pread,
    .next_data = blank_next_data,
    .close = blank_close,
};

enum vmf_code vmf_io_blank(const char *name, uint64_t size, struct vmf_io **io,
                           struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  void *block = NULL;

  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc(sizeof **io, &block, error));
  *io = block;
  (*io)->ops = &blank_ops;
  (*io)->name = copy;
  (*io)->size = size;
  copy = NULL;
  return VMF_OK;
}
