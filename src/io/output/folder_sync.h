/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The names in a folder, made durable. Private to this folder. */
#ifndef VMF_IO_FOLDER_SYNC_H
#define VMF_IO_FOLDER_SYNC_H

#include "error.h"

/* fsync of the open folder; `path` of what is in it, and `what` the folder is to that, for
 * messages.
 */
VMF_MUST_CHECK enum vmf_code vmf_folder_sync(int folder, const char *path, const char *what,
                                             struct vmf_error *error);

#endif
