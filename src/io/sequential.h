/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the ios have in common that are written from their first byte to their last: io->size is
 * how far they are, gaps are zeros, and nothing goes back. One thread at a time. */
#ifndef VMF_IO_SEQUENTIAL_H
#define VMF_IO_SEQUENTIAL_H

#include "io.h"

struct vmf_sequential_ops {
  struct vmf_io_ops io; /* whose pwrite, zero and resize are those below */
  const char *what;     /* "a pipe": what cannot go back */
  /* Both move io->size on. */
  enum vmf_code (*append)(struct vmf_io *io, const void *data, size_t length,
                          struct vmf_error *error);
  enum vmf_code (*append_zeros)(struct vmf_io *io, uint64_t length, struct vmf_error *error);
};

VMF_MUST_CHECK enum vmf_code vmf_sequential_pwrite(struct vmf_io *io,
                                                   const struct vmf_piece *pieces, unsigned count,
                                                   uint64_t offset, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_sequential_zero(struct vmf_io *io, uint64_t offset,
                                                 uint64_t length, bool allocate,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_sequential_resize(struct vmf_io *io, uint64_t size,
                                                   struct vmf_error *error);

#endif
