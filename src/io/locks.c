/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Looks for the holders of an image, and holds it as a reader. */
#include "locks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "text.h"

/* QEMU's permissions: bytes of a file, whatever its size. */
enum {
  READ_HELD = 100,
  WRITE_HELD = 101,
  RESIZE_HELD = 103,
  READ_FORBIDDEN = 200,
  WRITE_FORBIDDEN = 201,
  RESIZE_FORBIDDEN = 203,
};

static enum vmf_code locks_held(const char *path, const char *what, bool for_writing,
                                struct vmf_error *error)
{
  return vmf_fail(
      error, VMF_IN_USE,
      "%s: a running machine or another program holds it (%s); stop it, or use -U to %s "
      "it all the same",
      path, what, for_writing ? "replace" : "read");
}

/* Asks for a lock that conflicts with every other; takes nothing. Works on a read-only descriptor.
 */
static bool byte_is_locked(int descriptor, int byte)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
  return fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static enum vmf_code check_qemu(int descriptor, const char *path, bool for_writing,
                                struct vmf_error *error)
{
  static const int for_readers[] = {WRITE_HELD, READ_FORBIDDEN, 0};
  static const int for_writers[] = {
      READ_HELD, WRITE_HELD, RESIZE_HELD, READ_FORBIDDEN, WRITE_FORBIDDEN, RESIZE_FORBIDDEN, 0};
  for (const int *byte = for_writing ? for_writers : for_readers; *byte; byte++)
    if (byte_is_locked(descriptor, *byte)) {
      char what[32];
      snprintf(what, sizeof what, "QEMU's lock on byte %d", *byte);
      return locks_held(path, what, for_writing, error);
    }
  return VMF_OK;
}

static bool ends_with(const char *text, const char *end)
{
  size_t length = strlen(text), end_length = strlen(end);
  return length > end_length && vmf_text_equal_nocase(text + length - end_length, end);
}

/* The first lock file in a folder, as FOLDER/FILE, or NULL. VMware leaves the empty folder behind.
 */
static enum vmf_code find_in_folder(const char *folder, char **found, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  struct dirent *entry;
  DIR *stream = opendir(folder);
  if (!stream)
    return VMF_OK;
  while (code == VMF_OK && !*found && (entry = readdir(stream)))
    if (ends_with(entry->d_name, ".lck"))
      code = vmf_format(found, error, "%s/%s", folder, entry->d_name);
  closedir(stream);
  return code;
}

static enum vmf_code check_lock_file(const char *path, int stem_length, bool for_writing,
                                     struct vmf_error *error)
{
  struct stat status;
  VMF_AUTO_FREE char *name = NULL, *found = NULL, *what = NULL;
  VMF_TRY(vmf_format(&name, error, "%.*s.lck", stem_length, path));
  if (stat(name, &status) < 0)
    return VMF_OK;
  if (S_ISDIR(status.st_mode))
    VMF_TRY(find_in_folder(name, &found, error));
  if (S_ISDIR(status.st_mode) && !found)
    return VMF_OK;
  VMF_TRY(vmf_format(&what, error, "lock %s", found ? found : name));
  return locks_held(path, what, for_writing, error);
}

/* DISK.vmdk.lck, and DISK.lck for a disk named .vmdk. */
static enum vmf_code check_vmware(const char *path, bool for_writing, struct vmf_error *error)
{
  int length = (int)strlen(path);
  VMF_TRY(check_lock_file(path, length, for_writing, error));
  if (ends_with(path, ".vmdk"))
    VMF_TRY(check_lock_file(path, length - 5, for_writing, error));
  return VMF_OK;
}

enum vmf_code vmf_locks_check(int descriptor, const char *path, bool for_writing,
                              struct vmf_error *error)
{
  if (descriptor >= 0)
    VMF_TRY(check_qemu(descriptor, path, for_writing, error));
  VMF_TRY(check_vmware(path, for_writing, error));
  /* Through a symlink: the locks stand beside the file itself. */
  char *real = realpath(path, NULL);
  enum vmf_code code = real ? check_vmware(real, for_writing, error) : VMF_OK;
  free(real);
  return code;
}

enum vmf_code vmf_locks_hold(int descriptor, const char *path, struct vmf_error *error)
{
  static const int bytes[] = {READ_HELD, WRITE_FORBIDDEN, RESIZE_FORBIDDEN};
  for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
    struct flock lock = {
        .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = (off_t)bytes[i], .l_len = 1};
    if (fcntl(descriptor, F_OFD_SETLK, &lock) < 0 && (errno == EAGAIN || errno == EACCES))
      return locks_held(path, "an exclusive lock", false, error);
  }
  return vmf_locks_check(descriptor, path, false, error);
}
