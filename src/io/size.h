/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The size of an io that several threads write: it only grows while they do. The field itself is
 * plain, for the many that read it when nothing is written; in this folder, and by who reads it
 * while others write, it is touched through these alone. */
#ifndef VMF_IO_SIZE_H
#define VMF_IO_SIZE_H

#include "io.h"

static inline uint64_t vmf_size_get(const struct vmf_io *io)
{
  return __atomic_load_n(&io->size, __ATOMIC_ACQUIRE);
}

static inline void vmf_size_set(struct vmf_io *io, uint64_t size)
{
  __atomic_store_n(&io->size, size, __ATOMIC_RELEASE);
}

/* At least `size`, whatever others do at the same time. */
static inline void vmf_size_grow(struct vmf_io *io, uint64_t size)
{
  uint64_t known = vmf_size_get(io);
  while (known < size && !__atomic_compare_exchange_n(&io->size, &known, size, true,
                                                      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
  }
}

#endif
