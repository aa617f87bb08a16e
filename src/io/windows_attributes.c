/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The attributes that Windows gives a file, where a file system here shows them. */
#include <sys/xattr.h>

#include "descriptor.h"
#include "file.h"

uint32_t vmf_io_windows_attributes(const struct vmf_io *io)
{
  /* ntfs3 and ntfs-3g; the kernel's client of Windows' shares. In the order of this machine's
   * bytes. */
  static const char *const names[] = {"system.ntfs_attrib", "user.cifs.dosattrib"};
  struct vmf_descriptor *descriptor = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(io);
  uint32_t attributes = 0;
  bool found = false;

  if (!descriptor || vmf_descriptor_enter(descriptor, NULL) != VMF_OK)
    return 0;
  for (size_t i = 0; !found && i < sizeof names / sizeof names[0]; i++)
    found = fgetxattr(descriptor->number, names[i], &attributes, sizeof attributes) ==
            (ssize_t)sizeof attributes;
  vmf_descriptor_leave(descriptor);
  return found ? attributes : 0;
}
