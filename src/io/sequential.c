/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "sequential.h"

#include <inttypes.h>

static const struct vmf_sequential_ops *ops_of(const struct vmf_io *io)
{
  return (const struct vmf_sequential_ops *)io->ops;
}

/* Zeros up to `offset`. */
static enum vmf_code go(struct vmf_io *io, uint64_t offset, struct vmf_error *error)
{
  if (offset < io->size)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: %s cannot go back to byte %" PRIu64 " from byte %" PRIu64, io->name,
                    ops_of(io)->what, offset, io->size);
  return ops_of(io)->append_zeros(io, offset - io->size, error);
}

enum vmf_code vmf_sequential_pwrite(struct vmf_io *io, const struct vmf_piece *pieces,
                                    unsigned count, uint64_t offset, struct vmf_error *error)
{
  VMF_TRY(go(io, offset, error));
  for (; count > 0; pieces++, count--)
    if (pieces->data)
      VMF_TRY(ops_of(io)->append(io, pieces->data, pieces->length, error));
    else
      VMF_TRY(ops_of(io)->append_zeros(io, pieces->length, error));
  return VMF_OK;
}

enum vmf_code vmf_sequential_zero(struct vmf_io *io, uint64_t offset, uint64_t length,
                                  bool allocate, struct vmf_error *error)
{
  (void)allocate;
  VMF_TRY(go(io, offset, error));
  return ops_of(io)->append_zeros(io, length, error);
}

enum vmf_code vmf_sequential_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  return go(io, size, error);
}
