/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether a running virtual machine holds an image: QEMU's OFD locks (permission p is held by a
 * shared lock on byte 100 + p, forbidden to others by one on byte 200 + p; see the lock layout in
 * its file driver), and the lock files and folders that VMware leaves beside a disk. */
#ifndef VMF_IO_LOCKS_H
#define VMF_IO_LOCKS_H

#include "error.h"

/* for_writing: the caller wants to replace or overwrite the file, so readers count too. VMF_IN_USE
 * names the holder. descriptor < 0: only what stands beside the file is looked at. */
VMF_MUST_CHECK enum vmf_code vmf_locks_check(int descriptor, const char *path, bool for_writing,
                                             struct vmf_error *error);

/* Takes the locks of a reader, so that no machine starts on the image until the descriptor is
 * closed, and checks for reading. Where the file system has no locks, none are taken. */
VMF_MUST_CHECK enum vmf_code vmf_locks_hold(int descriptor, const char *path,
                                            struct vmf_error *error);

#endif
