/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "memory.h"

#define ACCESS_LIST "system.posix_acl_access"

/* What belongs to the file as such. Others (security.ima, security.capability, trusted.overlay.*)
 * vouch for its content, or are a file system's own. */
static bool is_kept(const char *name, bool with_access)
{
  static const char *const kept[] = {"security.selinux", "security.SMACK64", NULL};

  if (strcmp(name, ACCESS_LIST) == 0 || strcmp(name, "system.nfs4_acl") == 0)
    return with_access;
  for (const char *const *one = kept; *one; one++)
    if (strcmp(name, *one) == 0)
      return true;
  return strncmp(name, "user.", 5) == 0;
}

/* `link` leads to the old file, also where it may not be read. */
static enum vmf_code copy_extended(const char *link, int number, bool with_access,
                                   struct vmf_error *error)
{
  VMF_AUTO_FREE void *names = NULL, *value = NULL;

  VMF_TRY(vmf_alloc(XATTR_LIST_MAX, &names, error));
  VMF_TRY(vmf_alloc(XATTR_SIZE_MAX, &value, error));
  ssize_t length = listxattr(link, names, XATTR_LIST_MAX);
  for (const char *name = names; length > 0 && name < (const char *)names + length;
       name += strlen(name) + 1) {
    ssize_t size = is_kept(name, with_access) ? getxattr(link, name, value, XATTR_SIZE_MAX) : -1;
    if (size >= 0)
      (void)fsetxattr(number, name, value, (size_t)size, 0);
  }
  return VMF_OK;
}

enum vmf_code vmf_attributes_keep(int folder, const char *old, const struct stat *status,
                                  int number, const char *path, struct vmf_error *error)
{
  char link[64];
  struct stat now;
  bool owned = fchown(number, status->st_uid, status->st_gid) == 0;
  bool same_group = owned || (fstat(number, &now) == 0 && now.st_gid == status->st_gid);
  enum vmf_code code = VMF_OK;
  int there = openat(folder, old, O_PATH | O_NOFOLLOW | O_CLOEXEC);

  /* the folder may have given the new file a list that the old one does not have */
  (void)fremovexattr(number, ACCESS_LIST);
  snprintf(link, sizeof link, "/proc/self/fd/%d", there);
  if (there >= 0) {
    code = copy_extended(link, number, same_group, error);
    close(there);
  }
  VMF_TRY(code);
  if (fchmod(number, status->st_mode & (same_group ? 0777 : 0707)) < 0)
    return vmf_fail_errno(error, VMF_WRITE, "%s: the old file's mode cannot be kept", path);
  return VMF_OK;
}
