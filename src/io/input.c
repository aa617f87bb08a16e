/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What stands behind standard input. A file that was redirected there ("< disk.qcow2") is that
 * file, unless somebody has read from it before: then what is left of it is meant. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "file.h"
#include "stream.h"

static const char input_name[] = "standard input";

static enum vmf_code input_check(int number, struct stat *status, struct vmf_error *error)
{
  int mode = fcntl(number, F_GETFL);
  if (mode < 0 || (mode & O_ACCMODE) == O_WRONLY || fstat(number, status) < 0)
    return vmf_fail(error, VMF_USAGE, "%s: is not open for reading, expected a pipe or a file",
                    input_name);
  if (isatty(number))
    return vmf_fail(error, VMF_USAGE,
                    "%s: is a terminal, expected a pipe or a file: say which program writes the "
                    "disk (PROGRAM | vmferry ...)",
                    input_name);
  if (S_ISDIR(status->st_mode))
    return vmf_fail(error, VMF_USAGE, "%s: is a folder, expected a pipe or a file", input_name);
  return VMF_OK;
}

/* The path of the file, as far as it leads there; else "standard input". */
static void input_path(int number, const struct stat *status, char path[PATH_MAX])
{
  char link[64];
  struct stat there;
  snprintf(link, sizeof link, "/proc/self/fd/%d", number);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length < 0 ? 0 : length] = '\0';
  if (path[0] != '/' || stat(path, &there) < 0 || there.st_dev != status->st_dev ||
      there.st_ino != status->st_ino)
    snprintf(path, PATH_MAX, "%s", input_name);
}

enum vmf_code vmf_io_input(int number, bool check_locks, struct vmf_io **io, bool *is_stream,
                           struct vmf_error *error)
{
  struct stat status;
  char path[PATH_MAX];
  VMF_TRY(input_check(number, &status, error));
  *is_stream =
      (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) || lseek(number, 0, SEEK_CUR) != 0;
  int own = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (own < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: a second descriptor cannot be made", input_name);
  if (*is_stream)
    return vmf_io_stream(own, input_name, io, error);
  input_path(number, &status, path);
  return vmf_io_from_descriptor(own, path, check_locks, io, error);
}
