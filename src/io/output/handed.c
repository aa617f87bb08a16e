/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "handed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"

/* The N of "/dev/fd/N" and "/proc/self/fd/N", or -1. */
static int numbered(const char *path)
{
  static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
    size_t length = strlen(folders[i]), digits;
    if (strncmp(path, folders[i], length) != 0)
      continue;
    path += length;
    digits = strspn(path, "0123456789");
    return digits > 0 && digits < 7 && path[digits] == '\0' ? (int)strtol(path, NULL, 10) : -1;
  }
  return -1;
}

int vmf_handed_output(const char *path)
{
  if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
    return STDOUT_FILENO;
  return numbered(path);
}

bool vmf_handed_is_input(const char *path)
{
  return strcmp(path, "/dev/stdin") == 0 || numbered(path) == STDIN_FILENO;
}

/* A descriptor of its own for the file behind `number`, for reading, too; -1: there is none that
 * may be written anywhere. */
static int reopen(int number)
{
  char link[64];
  struct stat status;
  int flags = fcntl(number, F_GETFL);

  if (flags < 0 || (flags & O_APPEND) || (flags & O_ACCMODE) == O_RDONLY ||
      fstat(number, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size != 0 ||
      lseek(number, 0, SEEK_CUR) != 0)
    return -1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", number);
  return open(link, O_RDWR | O_CLOEXEC);
}

enum vmf_code vmf_handed_open(int number, const char *name, bool sync, struct vmf_io **io,
                              struct vmf_error *error)
{
  int flags = fcntl(number, F_GETFL);
  int own = reopen(number);

  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
    return vmf_fail(error, VMF_USAGE, "%s: is not open for writing", name);
  if (own >= 0)
    return vmf_io_write_file(own, name, sync, io, error);
  own = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (own < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be used", name);
  return vmf_io_write_pipe(own, name, sync, io, error);
}

void vmf_handed_advance(int number, uint64_t size)
{
  (void)lseek(number, (off_t)size, SEEK_SET);
}
