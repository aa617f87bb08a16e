/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Folders that are disks, as Parallels and Apple have them: each is opened by the file that
 * describes it. */
#include <sys/stat.h>

#include "image.h"
#include "memory.h"

/* What stands in such a folder. */
static const struct bundle {
  const char *descriptor;
  const char *folder; /* beside it; NULL: there need be none */
} bundles[] = {
    {"DiskDescriptor.xml", NULL}, /* Parallels */
    {"Info.plist", "bands"},      /* a sparse bundle of Apple */
};

/* Whether the folder has a file, or a folder, that is called so; *path: its path, a fresh string.
 */
static enum vmf_code look_for(const char *folder, const char *name, mode_t kind, char **path,
                              bool *found, struct vmf_error *error)
{
  struct stat status;

  VMF_TRY(vmf_format(path, error, "%s/%s", folder, name));
  *found = stat(*path, &status) == 0 && (status.st_mode & S_IFMT) == kind;
  return VMF_OK;
}

static enum vmf_code try_bundle(const struct bundle *bundle, char **path, bool *found,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *described = NULL, *beside = NULL;

  VMF_TRY(look_for(*path, bundle->descriptor, S_IFREG, &described, found, error));
  if (*found && bundle->folder)
    VMF_TRY(look_for(*path, bundle->folder, S_IFDIR, &beside, found, error));
  if (!*found)
    return VMF_OK;
  vmf_free(*path);
  *path = described;
  described = NULL;
  return VMF_OK;
}

enum vmf_code vmf_bundle_find(char **path, struct vmf_error *error)
{
  struct stat status;
  bool found = stat(*path, &status) != 0 || !S_ISDIR(status.st_mode);

  for (size_t i = 0; !found && i < sizeof bundles / sizeof bundles[0]; i++)
    VMF_TRY(try_bundle(&bundles[i], path, &found, error));
  return VMF_OK;
}
