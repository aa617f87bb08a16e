/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What macOS leaves in archives: AppleDouble files ("._vm.ovf" holds what the file system there
 * knows of vm.ovf), the Finder's ".DS_Store", and the folder "__MACOSX" of its packer. */
#include <string.h>

#include "bytes.h"
#include "log.h"
#include "memory.h"
#include "package.h"
#include "path.h"

/* RFC 1740, AppleDouble */
#define APPLE_DOUBLE_MAGIC 0x00051607

static bool has_folder(const char *name, const char *folder)
{
  size_t length = strlen(folder);
  for (const char *slash; (slash = strchr(name, '/')); name = slash + 1)
    if ((size_t)(slash - name) == length && memcmp(name, folder, length) == 0)
      return true;
  return false;
}

static bool is_junk(const struct vmf_package *package, const struct vmf_tar_member *member)
{
  const char *name = vmf_path_name(member->name);
  uint8_t magic[4];
  if (strcmp(name, ".DS_Store") == 0 || has_folder(member->name, "__MACOSX"))
    return true;
  return strncmp(name, "._", 2) == 0 && member->size >= sizeof magic &&
         vmf_io_pread(package->io, magic, sizeof magic, member->offset, NULL) == VMF_OK &&
         get_be32(magic) == APPLE_DOUBLE_MAGIC;
}

void vmf_package_drop_junk(struct vmf_package *package)
{
  struct vmf_tar *tar = package->tar;
  size_t kept = 0;
  for (size_t i = 0; i < tar->count; i++) {
    struct vmf_tar_member *member = &tar->members[i];
    if (!is_junk(package, member)) {
      tar->members[kept++] = *member;
      continue;
    }
    if (kept == i) /* the first one */
      vmf_warn(package->options.log,
               "%s: \"%s\", and what else macOS leaves in an archive, is no part of the package: "
               "left out",
               package->path, member->name);
    vmf_report_add(&package->notes, VMF_SEVERITY_WARNING, "archive-unnamed", member->name, 0,
                   "macOS leaves such a file in an archive: it is no part of the package");
    vmf_free(member->name);
  }
  tar->count = kept;
}
