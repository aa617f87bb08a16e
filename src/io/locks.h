/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether a running virtual machine holds an image: QEMU's OFD locks (a writer holds bytes 101 and
 * 201 of the file, see the lock layout in its file driver), and the lock files and folders that
 * VMware leaves beside a disk. */
#ifndef VMF_IO_LOCKS_H
#define VMF_IO_LOCKS_H

#include "error.h"

/* for_writing: the caller wants to replace or overwrite the file, so readers count too. VMF_IN_USE
 * names the holder. */
VMF_MUST_CHECK enum vmf_code vmf_locks_check(int descriptor, const char *path, bool for_writing,
                                             struct vmf_error *error);

#endif
