/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "folder_of.h"

#include <fcntl.h>

#include "memory.h"
#include "path.h"

enum vmf_code vmf_folder_of(const char *path, int *folder, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  int length = (int)vmf_path_folder(path);

  *folder = -1;
  VMF_TRY(vmf_format(&name, error, "%.*s", length, path));
  *folder = open(length > 0 ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return VMF_OK;
}
