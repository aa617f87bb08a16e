/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "replacing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "file.h"

enum vmf_code vmf_replacing_changed(const char *path, struct vmf_error *error)
{
  return vmf_fail(
      error, VMF_CHANGED,
      "%s: was changed by another program in the meantime; nothing is written, run this "
      "again",
      path);
}

/* NFS of version 4 gives an exclusive lock only to who may write, and has one kind of lock for all:
 * the first byte of the file opened once more is in the way of another run's, and not of those that
 * we have ourselves on what is read (locks.h). */
static bool lock_first_byte(struct vmf_replacing *replacing, const char *path)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  int number = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (number < 0)
    return true;
  close(replacing->descriptor);
  replacing->descriptor = number;
  return fcntl(number, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

/* False: another run has it. */
static bool lock(struct vmf_replacing *replacing, const char *path)
{
  if (flock(replacing->descriptor, LOCK_EX | LOCK_NB) == 0)
    return true;
  return errno == EBADF ? lock_first_byte(replacing, path) : errno != EWOULDBLOCK;
}

static enum vmf_code check(const struct vmf_replacing *replacing, const char *path,
                           const struct vmf_io *io, struct vmf_error *error)
{
  struct stat locked, now;

  if (fstat(replacing->descriptor, &locked) < 0 || stat(path, &now) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be looked at", path);
  if (locked.st_dev != now.st_dev || locked.st_ino != now.st_ino ||
      (io && !vmf_io_shows_file(io, &locked)))
    return vmf_replacing_changed(path, error);
  return VMF_OK;
}

/* Of the open file that is read, whose own locks (locks.h) would be in the way of another one: NFS
 * has one kind of lock for all. */
static int open_to_hold(const char *path, const struct vmf_io *io)
{
  const struct vmf_descriptor *file = io ? vmf_descriptor_below(io) : NULL;

  return file && file->number >= 0 ? fcntl(file->number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                                   : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

enum vmf_code vmf_replacing_begin(struct vmf_replacing *replacing, const char *path,
                                  const struct vmf_io *io, struct vmf_error *error)
{
  replacing->descriptor = open_to_hold(path, io);
  if (replacing->descriptor < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened", path);
  replacing->held = true;
  if (!lock(replacing, path))
    return vmf_fail(error, VMF_IN_USE, "%s: another run is replacing it; run this again", path);
  return check(replacing, path, io, error);
}

void vmf_replacing_follow(struct vmf_replacing *replacing, const struct vmf_io *io)
{
  const struct vmf_descriptor *file = vmf_descriptor_of(io);

  replacing->follower = file ? fcntl(file->number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
  replacing->followed = replacing->follower >= 0;
  if (replacing->followed)
    (void)flock(replacing->follower, LOCK_EX | LOCK_NB);
}

/* Others of its descriptors may be open longer. */
static void release(int number)
{
  (void)flock(number, LOCK_UN);
  close(number);
}

void vmf_replacing_end(struct vmf_replacing *replacing)
{
  if (replacing->held)
    release(replacing->descriptor);
  if (replacing->followed)
    release(replacing->follower);
  replacing->held = replacing->followed = false;
}
