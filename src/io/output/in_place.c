/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "in_place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "locks.h"
#include "size.h"
#include "temporary.h"

#ifndef STATX_MODE /* musl before 1.2.5 */
#include <linux/stat.h>
static int statx(int folder, const char *name, int flags, unsigned wanted, struct statx *found)
{
  return (int)syscall(SYS_statx, folder, name, flags, wanted, found);
}
#endif

const char *vmf_in_place_obstacle(int folder, const char *name, const struct stat *status)
{
  struct statx mount;
  struct stat above;

  if (statx(folder, name, AT_SYMLINK_NOFOLLOW, STATX_MODE, &mount) == 0 &&
      (mount.stx_attributes & STATX_ATTR_MOUNT_ROOT))
    return "it is a mount point";
  if (faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) < 0)
    return "its folder may not be written to";
  if (fstat(folder, &above) == 0 && (above.st_mode & S_ISVTX) && geteuid() != 0 &&
      geteuid() != above.st_uid && geteuid() != status->st_uid)
    return "it is another user's, in a folder where nobody may rename what is another's";
  return NULL;
}

static enum vmf_code is_written(const char *path, struct vmf_error *error)
{
  return vmf_fail(error, VMF_IN_USE,
                  "%s: another run is writing into it; wait for its end, or stop it", path);
}

static struct flock first_byte(void)
{
  return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}

enum vmf_code vmf_in_place_lock(int number, const char *path, struct vmf_error *error)
{
  struct flock lock = first_byte();

  if (fcntl(number, F_OFD_SETLK, &lock) < 0 && (errno == EAGAIN || errno == EACCES))
    return is_written(path, error);
  return VMF_OK;
}

enum vmf_code vmf_in_place_check(int folder, const char *name, const char *path,
                                 struct vmf_error *error)
{
  struct flock lock = first_byte();
  int number = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  enum vmf_code code = vmf_locks_check(number, path, true, error);

  if (number < 0)
    return code;
  if (code == VMF_OK && fcntl(number, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
    code = is_written(path, error);
  close(number);
  return code;
}

static enum vmf_code hold(int number, const char *path, int *held, struct vmf_error *error)
{
  VMF_TRY(vmf_in_place_lock(number, path, error));
  *held = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (*held < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: a second descriptor cannot be made", path);
  return VMF_OK;
}

static enum vmf_code take(int number, const char *path, int *held, struct vmf_error *error)
{
  struct stat status;

  if (fstat(number, &status) < 0 || !S_ISREG(status.st_mode))
    return vmf_fail(error, VMF_CHANGED, "%s: was replaced by something that is no regular file",
                    path);
  return hold(number, path, held, error);
}

enum vmf_code vmf_in_place_open(int folder, const char *name, const char *path, bool sync,
                                struct vmf_io **io, int *held, struct vmf_error *error)
{
  int number = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  if (number < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be written in place", path);
  enum vmf_code code = take(number, path, held, error);
  if (code != VMF_OK) {
    close(number);
    return code;
  }
  VMF_TRY(vmf_io_write_file(number, path, sync, io, error));
  vmf_size_set(*io, 0);
  return VMF_OK;
}

enum vmf_code vmf_in_place_begin(int held, const char *path, struct vmf_error *error)
{
  if (ftruncate(held, 0) < 0)
    return vmf_fail_errno(error, VMF_WRITE, "%s: cannot be emptied", path);
  return VMF_OK;
}

void vmf_in_place_close(int held, bool incomplete)
{
  if (held < 0)
    return;
  if (incomplete)
    (void)!ftruncate(held, 0);
  close(held);
}
