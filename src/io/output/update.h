/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing into what is there, which stays as it is but for what is written. */
#ifndef VMF_IO_UPDATE_H
#define VMF_IO_UPDATE_H

#include "io.h"

/* An io on a regular file, a block device or an export (see vmf_url_resolve), with its content.
 * sync: flush makes durable. VMF_IN_USE: another run writes into it, or a machine holds it, which
 * ignore_locks leaves out. */
VMF_MUST_CHECK enum vmf_code vmf_update_open(const char *path, bool sync, bool ignore_locks,
                                             struct vmf_io **io, struct vmf_error *error);

/* The same of a block device alone, whatever it holds. */
VMF_MUST_CHECK enum vmf_code vmf_update_device(const char *path, bool sync, bool ignore_locks,
                                               struct vmf_io **io, struct vmf_error *error);

/* VMF_USAGE: `folder` is one of devices, where a file stands in memory. path: of what is to be
 * written there. */
VMF_MUST_CHECK enum vmf_code vmf_update_folder(int folder, const char *path,
                                               struct vmf_error *error);

#endif
