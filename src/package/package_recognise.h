/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether a path is a package, as vmf_package_recognise tells (packages.h), and where its
 * descriptor is. */
#ifndef VMF_PACKAGE_PACKAGE_RECOGNISE_H
#define VMF_PACKAGE_PACKAGE_RECOGNISE_H

#include "package.h"

/* The only .ovf of a folder: *found is a fresh string. VMF_CORRUPT: it has none; VMF_USAGE: more.
 */
VMF_MUST_CHECK enum vmf_code vmf_package_pick_descriptor(const char *path, char **found,
                                                         struct vmf_error *error);

/* Whether the file is a disk by its name or kind. Its content is the guest's, who must not choose
 * what the host opens. */
bool vmf_package_only_disk(const struct vmf_io *io);

#endif
