/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "package_recognise.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "archived.h"
#include "envelope_head.h"
#include "file.h"
#include "memory.h"
#include "path.h"
#include "remote_io.h"
#include "series.h"
#include "text.h"
#include "unpack.h"

enum vmf_code vmf_package_pick_descriptor(const char *path, char **found, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  enum vmf_code code = VMF_OK;
  DIR *folder = opendir(path);
  struct dirent *entry;

  if (!folder)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the folder cannot be read", path);
  while (code == VMF_OK && (entry = readdir(folder))) {
    if (!vmf_path_has_suffix(entry->d_name, ".ovf") || entry->d_name[0] == '.')
      continue;
    if (name)
      code = vmf_fail(error, VMF_USAGE, "%s: holds several descriptors, %s and %s; name one", path,
                      name, entry->d_name);
    else
      code = vmf_copy_text(entry->d_name, &name, error);
  }
  closedir(folder);
  VMF_TRY(code);
  if (!name)
    return vmf_fail(error, VMF_CORRUPT, "%s: the folder holds no descriptor (*.ovf)", path);
  return vmf_format(found, error, "%s%s%s", path, vmf_text_ends_in(path, "/") ? "" : "/", name);
}

bool vmf_package_only_disk(const struct vmf_io *io)
{
  return io->device || vmf_format_suffixed(io->name) || vmf_series_is_first(io->name);
}

static bool archive_has_descriptor(struct vmf_io *io)
{
  struct vmf_tar *tar;

  if (!vmf_tar_is_archive(io) || vmf_tar_read_sparse(io, NULL, &tar, NULL) != VMF_OK)
    return false;
  bool found = vmf_archive_holds_package(tar);
  vmf_tar_free(tar);
  return found;
}

/* By its name: looking into it would mean to unpack all of it. */
static bool is_packed_archive(struct vmf_io *io)
{
  const struct vmf_packing *packing;
  VMF_AUTO_FREE char *inner = NULL;

  if (vmf_packing_of(io, &packing, NULL) != VMF_OK || !packing)
    return false;
  if (vmf_path_has_suffix(io->name, ".box"))
    return true;
  if (vmf_packing_suffixed(io->name) != packing)
    return false;
  return vmf_packing_strip(io->name, &inner, NULL) == VMF_OK &&
         (vmf_path_has_suffix(inner, ".ova") || vmf_path_has_suffix(inner, ".tar"));
}

bool vmf_package_recognise(const char *path)
{
  VMF_AUTO_FREE char *descriptor = NULL, *plain = NULL;
  struct vmf_error ignored;
  struct stat status;
  struct vmf_io *io;

  if (!path || vmf_location_resolve(path, true, &plain, &ignored) != VMF_OK ||
      strcmp(plain, "-") == 0 || vmf_name_stat(plain, &status) < 0)
    return false;
  path = plain;
  if (S_ISDIR(status.st_mode))
    return vmf_package_pick_descriptor(path, &descriptor, NULL) != VMF_CORRUPT;
  if (!S_ISREG(status.st_mode))
    return false;
  if (vmf_path_has_suffix(path, ".ova") || vmf_path_has_suffix(path, ".ovf"))
    return true;
  if (vmf_io_open_file(path, false, &io, NULL) != VMF_OK)
    return false;
  bool found = !vmf_package_only_disk(io) &&
               (is_packed_archive(io) || archive_has_descriptor(io) || vmf_envelope_at_start(io));
  vmf_io_close(io);
  return found;
}
