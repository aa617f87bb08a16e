/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An io that keeps nothing of what is written to it but its size: how large a file will be is known
 * by writing it there. */
#ifndef VMF_IO_SCALE_H
#define VMF_IO_SCALE_H

#include "io.h"

/* sequential: like a pipe; else like a new file. */
VMF_MUST_CHECK enum vmf_code vmf_io_scale(const char *name, bool sequential, struct vmf_io **io,
                                          struct vmf_error *error);

#endif
