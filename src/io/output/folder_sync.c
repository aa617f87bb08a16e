/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "folder_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "output.h"

enum vmf_code vmf_folder_sync(int folder, const char *path, const char *what,
                              struct vmf_error *error)
{
  if (fsync(folder) < 0 && errno != EINVAL && errno != EROFS)
    return vmf_fail_errno(error, VMF_WRITE, "%s: syncing %s to the disk", path, what);
  return VMF_OK;
}

enum vmf_code vmf_output_sync_above(int folder, const char *path, struct vmf_error *error)
{
  int above = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (above < 0 && errno == EACCES)
    return VMF_OK;
  if (above < 0)
    return vmf_fail_errno(error, VMF_WRITE, "%s: the folder above its own cannot be opened", path);
  enum vmf_code code = vmf_folder_sync(above, path, "the folder above its own", error);
  close(above);
  return code;
}
