/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The note is the inode and the name of each file but the main one: "INODE NAME", NUL. */
#include "placing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder_sync.h"

static bool put_all(const struct vmf_output *output, FILE *file)
{
  struct stat status;

  for (size_t i = 1; i < output->part_count; i++) {
    const char *name = output->parts[i].name;
    if (fstatat(output->temporary.folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        fprintf(file, "%" PRIuMAX " %s", (uintmax_t)status.st_ino, name) < 0 ||
        fputc('\0', file) == EOF)
      return false;
  }
  return fflush(file) == 0 && (!output->sync || fsync(fileno(file)) == 0);
}

enum vmf_code vmf_placing_note(const struct vmf_output *output, struct vmf_error *error)
{
  int folder = output->temporary.folder;

  if (output->part_count < 2)
    return VMF_OK;
  int number =
      openat(folder, VMF_PLACING_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  FILE *file = number < 0 ? NULL : fdopen(number, "w");
  bool put = file && put_all(output, file);
  int reason = errno;
  if (file ? fclose(file) != 0 && put : number >= 0 && close(number) != 0)
    put = false;
  errno = reason;
  if (!put)
    return vmf_fail_errno(error, number < 0 ? vmf_creation_code() : VMF_WRITE,
                          "%s: the names of its files cannot be noted in the folder %s beside it",
                          output->path, output->temporary.name);
  return output->sync ? vmf_folder_sync(folder, output->path, "the folder beside it", error)
                      : VMF_OK;
}

enum vmf_code vmf_placing_drop(const struct vmf_output *output, struct vmf_error *error)
{
  if (output->part_count < 2 || output->temporary.folder < 0 ||
      unlinkat(output->temporary.folder, VMF_PLACING_NAME, 0) == 0 || errno == ENOENT)
    return VMF_OK;
  return vmf_fail_errno(error, VMF_WRITE,
                        "%s: the note of its files in the folder %s beside it cannot be removed",
                        output->path, output->temporary.name);
}

static bool is_inode(int folder, const char *name, uintmax_t inode)
{
  struct stat status;

  return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
         status.st_ino == inode;
}

/* Where the power went, a file may have both of its names. */
static bool is_placed(int beside, int folder, const char *target)
{
  struct stat status;

  return fstatat(folder, target, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
         is_inode(beside, target, status.st_ino);
}

static void take_back(int beside, int folder, const char *line)
{
  char *name;
  uintmax_t inode = strtoumax(line, &name, 10);

  if (*name++ == ' ' && *name && !strchr(name, '/') && is_inode(beside, name, inode))
    (void)vmf_rename_new(beside, name, folder, name);
}

void vmf_placing_undo(int beside, int folder, const char *target)
{
  int number = openat(folder, VMF_PLACING_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  FILE *file = number < 0 ? NULL : fdopen(number, "r");
  char *line = NULL;
  size_t room = 0;

  while (file && !is_placed(beside, folder, target) && getdelim(&line, &room, '\0', file) > 0)
    take_back(beside, folder, line);
  free(line);
  if (file)
    fclose(file);
  else if (number >= 0)
    close(number);
  (void)unlinkat(folder, VMF_PLACING_NAME, 0);
}
