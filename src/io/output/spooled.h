/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A target that is not made in order, on its way to a pipe: a file without a name takes it, which
 * is sent at the end. Private to this folder. */
#ifndef VMF_IO_SPOOLED_H
#define VMF_IO_SPOOLED_H

#include "io.h"

/* An io on a new file in `folder` that goes with it; name: of the pipe, for messages. */
VMF_MUST_CHECK enum vmf_code vmf_spooled_open(const char *folder, const char *name,
                                              struct vmf_io **io, struct vmf_error *error);

/* All of it, in order; the pipe is a new one. cancel: or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_spooled_send(struct vmf_io *io, struct vmf_io *pipe,
                                              const struct vmf_cancel *cancel,
                                              struct vmf_error *error);

#endif
