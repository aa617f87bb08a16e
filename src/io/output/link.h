/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Symbolic links in the place of a target. */
#ifndef VMF_IO_LINK_H
#define VMF_IO_LINK_H

#include <sys/stat.h>

#include "error.h"

/* Replaces a path to a symlink, a fresh string, by what the link says. */
VMF_MUST_CHECK enum vmf_code vmf_link_follow(char **path, struct vmf_error *error);

/* The kernel's rule (fs.protected_symlinks), which counts also where it does not follow itself: in
 * a folder where everybody may write and nobody rename what is another's (/tmp), only own links and
 * those of the folder's owner are followed. */
VMF_MUST_CHECK enum vmf_code vmf_link_check(const char *path, const struct stat *link,
                                            struct vmf_error *error);

#endif
