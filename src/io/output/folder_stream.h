/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The names in a folder that is open. */
#ifndef VMF_IO_FOLDER_STREAM_H
#define VMF_IO_FOLDER_STREAM_H

#include <dirent.h>

/* From the first name on, whatever was read of `folder` before; the descriptor stays the caller's.
 * For closedir(); NULL: errno tells why. */
DIR *vmf_folder_stream(int folder);

#endif
