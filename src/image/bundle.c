/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A folder that is a disk, as Parallels has them: it is opened by the file that describes it. */
#include <sys/stat.h>

#include "image.h"
#include "memory.h"

#define DESCRIPTOR "DiskDescriptor.xml"

enum vmf_code vmf_bundle_find(char **path, struct vmf_error *error)
{
  VMF_AUTO_FREE char *described = NULL;
  struct stat status;

  if (stat(*path, &status) != 0 || !S_ISDIR(status.st_mode))
    return VMF_OK;
  VMF_TRY(vmf_format(&described, error, "%s/" DESCRIPTOR, *path));
  if (stat(described, &status) != 0 || !S_ISREG(status.st_mode))
    return VMF_OK;
  vmf_free(*path);
  *path = described;
  described = NULL;
  return VMF_OK;
}
