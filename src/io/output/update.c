/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "folder_of.h"
#include "in_place.h"
#include "locks.h"
#include "memory.h"
#include "nbd_target.h"
#include "path.h"
#include "temporary.h"
#include "url.h"

enum vmf_code vmf_update_folder(int folder, const char *path, struct vmf_error *error)
{
  struct stat here, devices, root;

  if (fstat(folder, &here) < 0 || stat("/dev", &devices) < 0 || stat("/", &root) < 0 ||
      here.st_dev != devices.st_dev || devices.st_dev == root.st_dev)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: is no device, and a file among the devices stands in memory only: it is "
                  "gone with the power; name a device that is there, or another folder",
                  path);
}

/* A number that could not be used. */
static enum vmf_code drop(int number, enum vmf_code code)
{
  close(number);
  return code;
}

enum vmf_code vmf_update_device(const char *path, bool sync, bool ignore_locks, struct vmf_io **io,
                                struct vmf_error *error)
{
  int number = open(path, O_RDWR | O_EXCL | O_CLOEXEC | O_NONBLOCK);
  if (number < 0 && errno == EBUSY)
    return vmf_fail_errno(error, VMF_IN_USE, "%s: is mounted or in use", path);
  if (number < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened", path);
  enum vmf_code code = ignore_locks ? VMF_OK : vmf_locks_check(number, path, true, error);
  if (code != VMF_OK)
    return drop(number, code);
  return vmf_io_write_device(number, path, sync, io, error);
}

/* What a run that replaces the file has begun would take the place of what is written into it. */
static enum vmf_code check_replacing(const char *path, struct vmf_error *error)
{
  VMF_AUTO_FREE char *real = realpath(path, NULL);
  int beside = -1;

  if (real)
    VMF_TRY(vmf_folder_of(real, &beside, error));
  if (beside < 0)
    return VMF_OK;
  enum vmf_code code = vmf_temporary_check(beside, vmf_path_name(real), path, error);
  close(beside);
  return code;
}

static enum vmf_code take_file(int number, const char *path, bool ignore_locks,
                               struct vmf_error *error)
{
  struct stat status;

  if (fstat(number, &status) < 0 || !S_ISREG(status.st_mode))
    return vmf_fail(error, VMF_USAGE, "%s: is neither a regular file nor a block device", path);
  if (!ignore_locks)
    VMF_TRY(vmf_locks_check(number, path, true, error));
  VMF_TRY(vmf_in_place_lock(number, path, error));
  return ignore_locks ? VMF_OK : check_replacing(path, error);
}

enum vmf_code vmf_update_open(const char *path, bool sync, bool ignore_locks, struct vmf_io **io,
                              struct vmf_error *error)
{
  struct stat status;

  if (vmf_url_is_nbd(path))
    return vmf_io_write_nbd(path, sync, io, error);
  if (stat(path, &status) == 0 && S_ISBLK(status.st_mode))
    return vmf_update_device(path, sync, ignore_locks, io, error);
  int number = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (number < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be written into", path);
  enum vmf_code code = take_file(number, path, ignore_locks, error);
  return code == VMF_OK ? vmf_io_write_file(number, path, sync, io, error) : drop(number, code);
}
