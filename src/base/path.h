/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The parts of a path: folder, name, stem and suffix. Nothing here asks the file system. */
#ifndef VMF_BASE_PATH_H
#define VMF_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* What stands behind the last '/': "vm.ova" of "dir/vm.ova". Points into `path`. */
const char *vmf_path_name(const char *path);

/* The length of what stands before it: 4, "dir/"; 0: no folder is named. */
size_t vmf_path_folder(const char *path);

/* The length of a name without its suffix: 2, "vm". A dot at its start begins no suffix. */
size_t vmf_name_stem(const char *name);

/* Whether the path ends in that suffix, ".ovf", in whatever case, and is more than it. */
bool vmf_path_has_suffix(const char *path, const char *suffix);

/* A fresh string: the path with another suffix, ".mf"; "dir/vm.mf". */
VMF_MUST_CHECK enum vmf_code vmf_path_with_suffix(const char *path, const char *suffix,
                                                  char **result, struct vmf_error *error);

/* A fresh string: the folder that `path` is in, "dir/", or ".". */
VMF_MUST_CHECK enum vmf_code vmf_path_copy_folder(const char *path, char **folder,
                                                  struct vmf_error *error);

/* A fresh string: the path of the file `name` in the folder that `path` is in. */
VMF_MUST_CHECK enum vmf_code vmf_path_beside(const char *path, const char *name, char **beside,
                                             struct vmf_error *error);

#endif
