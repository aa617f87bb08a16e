/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Bytes that functions of the library's caller give, as an io. */
#ifndef VMF_IO_SOURCE_IO_H
#define VMF_IO_SOURCE_IO_H

#include "io.h"

/* source->close is called with the io, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_io_source(const struct vmf_source *source, struct vmf_io **io,
                                           struct vmf_error *error);

#endif
