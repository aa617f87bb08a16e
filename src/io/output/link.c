/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "link.h"

#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "output.h"
#include "path.h"

enum { LINK_LENGTH = 4096 };

enum vmf_code vmf_link_follow(char **path, struct vmf_error *error)
{
  VMF_AUTO_FREE char *next = NULL;
  char link[LINK_LENGTH];
  ssize_t length = readlink(*path, link, sizeof link - 1);
  if (length < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the link cannot be read", *path);
  link[length] = '\0';
  int prefix = link[0] == '/' ? 0 : (int)vmf_path_folder(*path);
  VMF_TRY(vmf_format(&next, error, "%.*s%s", prefix, *path, link));
  char *old = *path;
  *path = next;
  next = old;
  return VMF_OK;
}

enum vmf_code vmf_link_check(const char *path, const struct stat *link, struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = NULL;
  struct stat status;

  VMF_TRY(vmf_path_copy_folder(path, &folder, error));
  if (stat(folder, &status) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: its folder cannot be examined", path);
  if (link->st_uid == geteuid() || link->st_uid == status.st_uid ||
      (status.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH))
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED,
                  "%s: is a symbolic link that another user made in a folder where everybody may "
                  "write: it is not followed; name the file itself",
                  path);
}

enum vmf_code vmf_output_check_link(const char *path, struct vmf_error *error)
{
  VMF_AUTO_FREE char *plain = NULL;
  struct stat status;
  size_t length = strlen(path);

  while (length > 1 && path[length - 1] == '/') /* or what the link leads to is looked at */
    length--;
  VMF_TRY(vmf_copy_bytes(path, length, &plain, error));
  return lstat(plain, &status) == 0 && S_ISLNK(status.st_mode)
             ? vmf_link_check(plain, &status, error)
             : VMF_OK;
}
