/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The folder that a file is in. */
#ifndef VMF_IO_FOLDER_OF_H
#define VMF_IO_FOLDER_OF_H

#include "error.h"

/* Opens the folder that a path names before its last part, the working directory where it names
 * none. *folder: for close(); negative: it cannot be opened, and errno tells why. VMF_NOMEM. */
VMF_MUST_CHECK enum vmf_code vmf_folder_of(const char *path, int *folder, struct vmf_error *error);

#endif
