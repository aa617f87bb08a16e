/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The bytes of one io into another, as they are. */
#ifndef VMF_IO_COPY_IO_H
#define VMF_IO_COPY_IO_H

#include "io.h"

struct vmf_copy_io {
  struct vmf_io *from, *to;                                    /* `to` starts empty */
  const struct vmf_cancel *cancel;                             /* or NULL */
  void (*progress)(void *data, uint64_t done, uint64_t total); /* or NULL; bytes of `from` */
  void *progress_data;
};

/* All of `from`, from its first byte to its last; holes stay holes where `to` has any. */
VMF_MUST_CHECK enum vmf_code vmf_copy_io(const struct vmf_copy_io *copy, struct vmf_error *error);

#endif
