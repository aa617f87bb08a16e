/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"

enum { TRIES = 100 };

static enum vmf_code failed(const char *path, const char *what, struct vmf_error *error)
{
  int number = errno;

  vmf_arguments_wrong(error, "%s: the %s cannot be written: %s", path, what, strerror(number));
  error->sys_errno = number;
  return error->code = VMF_WRITE;
}

/* A new file beside `path`, with the rights that any new file gets; -1, and no name: errno says
 * why. */
static int create_beside(const char *path, char **name)
{
  int number = -1;

  *name = NULL;
  for (unsigned i = 0; i < TRIES && number < 0; i++) {
    free(*name);
    if (asprintf(name, "%s.%ld-%u", path, (long)getpid(), i) < 0) {
      *name = NULL;
      return -1;
    }
    number = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (number < 0 && errno != EEXIST)
      break;
  }
  return number;
}

static bool fill(int number, void (*write)(FILE *out, const void *data), const void *data)
{
  FILE *out = fdopen(number, "w");

  if (!out) {
    close(number);
    return false;
  }
  write(out, data);
  bool good = fflush(out) == 0 && !ferror(out) && fsync(number) == 0;
  return fclose(out) == 0 && good;
}

/* Not every verb that writes a report catches signals: those that would end it, and leave a file
 * under no name that anybody knows, wait until it has its own. */
static void hold_signals(sigset_t *before)
{
  sigset_t ending;

  sigemptyset(&ending);
  sigaddset(&ending, SIGHUP);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, before);
}

static bool replace(const char *path, void (*write)(FILE *out, const void *data), const void *data)
{
  sigset_t before;
  char *name;

  hold_signals(&before);
  int number = create_beside(path, &name);
  bool good = number >= 0 && fill(number, write, data) && rename(name, path) == 0;
  int cause = errno;

  if (!good && number >= 0)
    unlink(name);
  free(name);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = cause;
  return good;
}

static bool write_directly(const char *path, void (*write)(FILE *out, const void *data),
                           const void *data)
{
  bool standard = strcmp(path, "-") == 0;
  FILE *out = standard ? stdout : fopen(path, "we");

  if (!out)
    return false;
  write(out, data);
  bool good = fflush(out) == 0 && !ferror(out);
  return (standard || fclose(out) == 0) && good;
}

enum vmf_code vmf_report_file(const char *path, const char *what,
                              void (*write)(FILE *out, const void *data), const void *data,
                              struct vmf_error *error)
{
  struct stat there;
  bool direct = strcmp(path, "-") == 0 || (stat(path, &there) == 0 && !S_ISREG(there.st_mode));
  bool good = direct ? write_directly(path, write, data) : replace(path, write, data);

  return good ? VMF_OK : failed(path, what, error);
}
