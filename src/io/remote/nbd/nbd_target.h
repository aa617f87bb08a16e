/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The export of an NBD server as a target: a device of fixed size. */
#ifndef VMF_IO_REMOTE_NBD_TARGET_H
#define VMF_IO_REMOTE_NBD_TARGET_H

#include "io.h"

/* name: as vmf_url_resolve gives it. sync: flush makes durable. What is lost with a connection is
 * not known, so it is not made again: VMF_TEMPORARY. VMF_REFUSED: the export is read-only. */
VMF_MUST_CHECK enum vmf_code vmf_io_write_nbd(const char *name, bool sync, struct vmf_io **io,
                                              struct vmf_error *error);

#endif
