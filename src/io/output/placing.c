/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The note is what each file but the main one is known by, and its name: "INODE SIZE SECONDS
 * NANOSECONDS NAME", NUL. The time is that of its last change: a file system gives the number of an
 * inode that is free to the next file. */
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
        fprintf(file, "%" PRIuMAX " %jd %jd %ld %s", (uintmax_t)status.st_ino,
                (intmax_t)status.st_size, (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                name) < 0 ||
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

/* Where the power went, a file may have both of its names. */
static bool is_placed(int beside, int folder, const char *target)
{
  struct stat here, there;

  return fstatat(folder, target, &here, AT_SYMLINK_NOFOLLOW) < 0 ||
         (fstatat(beside, target, &there, AT_SYMLINK_NOFOLLOW) == 0 && here.st_ino == there.st_ino);
}

static bool is_noted(const struct stat *status, uintmax_t inode, intmax_t size, intmax_t seconds,
                     long nanoseconds)
{
  return S_ISREG(status->st_mode) && status->st_ino == inode && status->st_size == size &&
         status->st_mtim.tv_sec == seconds && status->st_mtim.tv_nsec == nanoseconds;
}

static void take_back(int beside, int folder, const char *line)
{
  uintmax_t inode;
  intmax_t size, seconds;
  long nanoseconds;
  int length = 0;
  struct stat status;

  if (sscanf(line, "%" SCNuMAX " %jd %jd %ld%n", &inode, &size, &seconds, &nanoseconds, &length) <
          4 ||
      line[length] != ' ')
    return;
  const char *name = line + length + 1;
  if (*name && !strchr(name, '/') && fstatat(beside, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      is_noted(&status, inode, size, seconds, nanoseconds))
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
