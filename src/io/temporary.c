/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Makes, marks, finds and removes temporary folders. The mark is a lock on byte 0 of the main file:
 * it goes away with its process, however that ends. */
#include "temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define MIDDLE ".part-"

enum { RANDOM_LENGTH = 6, NAME_LIMIT = 255 };

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

enum vmf_code vmf_creation_code(void)
{
  return errno == ENOSPC || errno == EDQUOT || errno == EROFS ? VMF_WRITE : VMF_SYSTEM;
}

/* ".NAME.part-", the target's name cut where the whole would be too long, between two characters.
 */
static size_t put_prefix(const char *target, char prefix[NAME_LIMIT + 1])
{
  size_t room = NAME_LIMIT - 1 - strlen(MIDDLE) - RANDOM_LENGTH;
  size_t length = strnlen(target, room);
  if (target[length] != '\0')
    while (length > 1 && ((unsigned char)target[length] & 0xC0) == 0x80)
      length--;
  return (size_t)snprintf(prefix, NAME_LIMIT + 1, ".%.*s" MIDDLE, (int)length, target);
}

static bool put_random(char *text)
{
  unsigned char bytes[RANDOM_LENGTH];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return false;
  for (size_t i = 0; i < RANDOM_LENGTH; i++)
    text[i] = letters[bytes[i] % (sizeof letters - 1)];
  text[RANDOM_LENGTH] = '\0';
  return true;
}

enum vmf_code vmf_temporary_make(struct vmf_temporary *temporary, int beside, const char *target,
                                 const char *path, struct vmf_error *error)
{
  size_t used = put_prefix(target, temporary->name);
  int result = -1;
  errno = EEXIST;
  for (int tries = 100; tries > 0 && result < 0 && errno == EEXIST; tries--) {
    if (!put_random(temporary->name + used))
      return vmf_fail_errno(error, VMF_SYSTEM, "%s: no random numbers", path);
    result = mkdirat(beside, temporary->name, 0700);
  }
  if (result < 0)
    return vmf_fail_errno(error, vmf_creation_code(),
                          "%s: a temporary folder cannot be made beside it", path);
  temporary->beside = beside;
  temporary->mark = -1;
  temporary->folder =
      openat(beside, temporary->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (temporary->folder >= 0)
    return VMF_OK;
  enum vmf_code code =
      vmf_fail_errno(error, VMF_SYSTEM, "%s: the temporary folder cannot be opened", path);
  (void)unlinkat(beside, temporary->name, AT_REMOVEDIR);
  return code;
}

enum vmf_code vmf_temporary_remove(struct vmf_temporary *temporary, const char *path,
                                   struct vmf_error *error)
{
  if (temporary->folder < 0)
    return VMF_OK;
  if (temporary->mark >= 0)
    close(temporary->mark);
  close(temporary->folder);
  temporary->mark = temporary->folder = -1;
  if (unlinkat(temporary->beside, temporary->name, AT_REMOVEDIR) < 0)
    return vmf_fail_errno(
        error, VMF_WRITE,
        "%s: the temporary folder %s beside it holds nothing any more, and cannot be "
        "removed",
        path, temporary->name);
  return VMF_OK;
}

static struct flock mark(void)
{
  return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}

/* The lock belongs to the open file, whichever of its descriptors is left. */
void vmf_temporary_hold(struct vmf_temporary *temporary, int main_file)
{
  struct flock lock = mark();
  if (fcntl(main_file, F_OFD_SETLK, &lock) == 0)
    temporary->mark = fcntl(main_file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/* False also for what cannot be looked into: another user's. */
static bool is_stale(int beside, const char *name, const char *target)
{
  struct flock lock = mark();
  int folder = openat(beside, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0)
    return false;
  int file = openat(folder, target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  bool stale = file < 0 && errno == ENOENT;
  if (file >= 0) {
    stale = fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
    close(file);
  }
  close(folder);
  return stale;
}

static bool is_temporary_name(const char *name, const char *prefix, size_t length)
{
  return strncmp(name, prefix, length) == 0 && strlen(name) == length + RANDOM_LENGTH &&
         strspn(name + length, letters) == RANDOM_LENGTH;
}

void vmf_temporary_report_stale(int beside, const char *target, const char *path,
                                const struct vmf_log *log)
{
  char prefix[NAME_LIMIT + 1];
  size_t length = put_prefix(target, prefix);
  int number = openat(beside, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = number < 0 ? NULL : fdopendir(number);
  struct dirent *entry;
  if (!stream && number >= 0)
    close(number);
  while (stream && (entry = readdir(stream)))
    if (is_temporary_name(entry->d_name, prefix, length) && is_stale(beside, entry->d_name, target))
      vmf_warn(log, "%s: the folder %s beside it is what an interrupted run left; remove it", path,
               entry->d_name);
  if (stream)
    closedir(stream);
}
