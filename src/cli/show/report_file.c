/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "report_file.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"

static enum vmf_code failed(const char *path, const char *what, struct vmf_error *error)
{
  int number = errno;

  vmf_arguments_wrong(error, "%s: the %s cannot be written: %s", path, what, strerror(number));
  error->sys_errno = number;
  return error->code = VMF_WRITE;
}

/* Not every verb that writes a report catches signals: those that would end it, and leave a folder
 * that "clean" removes, wait until the report has its name. */
static void hold_signals(sigset_t *before)
{
  sigset_t ending;

  sigemptyset(&ending);
  sigaddset(&ending, SIGHUP);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, before);
}

static enum vmf_code replace(const char *path, const char *what, const void *bytes, size_t length,
                             struct vmf_error *error)
{
  struct vmf_error found = {0};
  sigset_t before;

  hold_signals(&before);
  enum vmf_code code = vmf_file_write(path, bytes, length, true, &found);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code == VMF_OK)
    return VMF_OK;
  vmf_arguments_wrong(error, "the %s cannot be written: %s", what, found.text);
  error->sys_errno = found.sys_errno;
  return error->code = code == VMF_IN_USE || code == VMF_NOMEM ? code : VMF_WRITE;
}

static enum vmf_code fill_and_replace(const char *path, const char *what,
                                      void (*write)(FILE *out, const void *data), const void *data,
                                      struct vmf_error *error)
{
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);

  if (!out)
    return vmf_arguments_no_memory(error);
  write(out, data);
  bool good = fflush(out) == 0 && !ferror(out);
  good = fclose(out) == 0 && good;
  enum vmf_code code =
      good ? replace(path, what, text, length, error) : vmf_arguments_no_memory(error);
  free(text);
  return code;
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

  if (strcmp(path, "-") != 0 && (stat(path, &there) != 0 || S_ISREG(there.st_mode)))
    return fill_and_replace(path, what, write, data, error);
  return write_directly(path, write, data) ? VMF_OK : failed(path, what, error);
}
