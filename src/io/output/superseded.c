/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "superseded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "folder_stream.h"
#include "list.h"
#include "memory.h"
#include "temporary.h"

#define ASIDE_PREFIX ".vmferry-old-"
enum { ASIDE_LENGTH = 40 };

#ifndef RENAME_NOREPLACE /* musl before 1.2.6 */
#define RENAME_NOREPLACE 1
static int renameat2(int from, const char *name, int to, const char *new_name, unsigned flags)
{
  return (int)syscall(SYS_renameat2, from, name, to, new_name, flags);
}
#endif

/* No name of a file that is written, but nothing hangs on that: it is never replaced. */
static void name_aside(size_t index, char name[ASIDE_LENGTH])
{
  snprintf(name, ASIDE_LENGTH, ASIDE_PREFIX "%zu", index);
}

bool vmf_superseded_left(int folder)
{
  DIR *stream = vmf_folder_stream(folder);
  const struct dirent *entry;
  bool left = stream == NULL;

  while (stream && !left && (entry = readdir(stream)))
    left = strncmp(entry->d_name, ASIDE_PREFIX, strlen(ASIDE_PREFIX)) == 0;
  if (stream)
    closedir(stream);
  return left;
}

int vmf_rename_new(int from, const char *name, int to, const char *new_name)
{
  struct stat status;
  int result = renameat2(from, name, to, new_name, RENAME_NOREPLACE);
  if (result == 0 || (errno != EINVAL && errno != ENOSYS))
    return result;
  if (fstatat(to, new_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return renameat(from, name, to, new_name);
}

enum vmf_code vmf_superseded_add(struct vmf_superseded *old, const char *name,
                                 struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(old->names, old->count, old->capacity, "files", error));
  VMF_TRY(vmf_copy_text(name, &old->names[old->count], error));
  old->count++;
  return VMF_OK;
}

enum vmf_code vmf_superseded_add_first(struct vmf_superseded *old, const char *name,
                                       struct vmf_error *error)
{
  VMF_TRY(vmf_superseded_add(old, name, error));
  char *added = old->names[old->count - 1];
  old->names[old->count - 1] = old->names[0];
  old->names[0] = added;
  return VMF_OK;
}

enum vmf_code vmf_superseded_move(struct vmf_superseded *old, int folder,
                                  const struct vmf_temporary *aside, const char *path,
                                  struct vmf_error *error)
{
  char name[ASIDE_LENGTH];

  for (; old->moved < old->count; old->moved++) {
    name_aside(old->moved, name);
    if (vmf_rename_new(folder, old->names[old->moved], aside->folder, name) == 0 || errno == ENOENT)
      continue;
    enum vmf_code code = vmf_fail_errno(error, VMF_WRITE, "%s: %s beside it cannot be replaced",
                                        path, old->names[old->moved]);
    vmf_superseded_restore(old, folder, aside, error);
    return code;
  }
  return VMF_OK;
}

static void tell_aside(const struct vmf_temporary *aside, struct vmf_error *error)
{
  if (!error)
    return;
  const struct vmf_error why = *error;
  (void)!vmf_fail(
      error, why.code,
      "%s; what was to be replaced cannot be put back: it stands in the folder %s beside "
      "it",
      why.text, aside->name);
  error->sys_errno = why.sys_errno;
}

void vmf_superseded_restore(struct vmf_superseded *old, int folder,
                            const struct vmf_temporary *aside, struct vmf_error *error)
{
  char name[ASIDE_LENGTH];
  bool restored = true;

  while (old->moved > 0) {
    name_aside(--old->moved, name);
    restored &=
        vmf_rename_new(aside->folder, name, folder, old->names[old->moved]) == 0 || errno == ENOENT;
  }
  if (!restored)
    tell_aside(aside, error);
}

void vmf_superseded_drop(struct vmf_superseded *old, int aside)
{
  char name[ASIDE_LENGTH];

  while (old->moved > 0) {
    name_aside(--old->moved, name);
    (void)unlinkat(aside, name, 0);
  }
}

void vmf_superseded_clear(struct vmf_superseded *old)
{
  for (size_t i = 0; i < old->count; i++)
    vmf_free(old->names[i]);
  vmf_free(old->names);
}
