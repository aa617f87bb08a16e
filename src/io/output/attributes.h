/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A new file in the place of an old one belongs to whom the old one belonged, and nobody gains
 * access. Private to this folder. */
#ifndef VMF_IO_ATTRIBUTES_H
#define VMF_IO_ATTRIBUTES_H

#include <sys/stat.h>

#include "error.h"

/* Gives `number`, which is called `path`, what `old` (its name in `folder`; was found as `status`)
 * has: its mode and, where that is allowed, owner, access control list, extended attributes and
 * SELinux label. */
VMF_MUST_CHECK enum vmf_code vmf_attributes_keep(int folder, const char *old,
                                                 const struct stat *status, int number,
                                                 const char *path, struct vmf_error *error);

#endif
