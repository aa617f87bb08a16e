/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What stands where the files of a package in a folder would go. It is looked at before hours of
 * work. */
#include <string.h>
#include <sys/stat.h>

#include "assemble.h"
#include "file.h"
#include "memory.h"
#include "path.h"
#include "replaced.h"

static bool is_read(const struct vmf_assembly *assembly, const char *path, const struct stat *there)
{
  struct stat status;

  for (size_t i = 0; i < assembly->count; i++) {
    const struct vmf_assembly_file *file = &assembly->files[i];
    if (vmf_image_file_at(file->image, path))
      return true;
    if (file->io && vmf_io_stat(file->io, &status) && status.st_dev == there->st_dev &&
        status.st_ino == there->st_ino)
      return true;
  }
  return false;
}

static enum vmf_code check_one(const struct vmf_destination *destination,
                               const struct vmf_assembly *assembly, const char *name, bool replace,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *path = NULL;
  struct stat status;

  if (!name)
    return VMF_OK;
  VMF_TRY(vmf_path_beside(destination->path, name, &path, error));
  if (lstat(path, &status) < 0)
    return VMF_OK;
  if (!replace)
    return vmf_fail(error, VMF_USAGE,
                    "%s: is there already, and a file of what is written has that name; --force "
                    "replaces such files",
                    path);
  if (!S_ISREG(status.st_mode))
    return vmf_fail(error, VMF_REFUSED, "%s: is no regular file, and is not replaced", path);
  if (is_read(assembly, path, &status))
    return vmf_fail(error, VMF_USAGE, "%s: is a file of the source, and would be replaced", path);
  return VMF_OK;
}

enum vmf_code vmf_beside_check(const struct vmf_destination *destination,
                               const struct vmf_assembly *assembly, const char *manifest,
                               const char *certificate, bool replace, struct vmf_error *error)
{
  if (destination->archive)
    return VMF_OK;
  for (size_t i = 0; i < assembly->count; i++)
    VMF_TRY(check_one(destination, assembly, assembly->files[i].name, replace, error));
  VMF_TRY(check_one(destination, assembly, manifest, replace, error));
  return check_one(destination, assembly, certificate, replace, error);
}
