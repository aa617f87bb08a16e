/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "scratch_files.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[FUZZ_PATH / 2];
static pid_t owner; /* of the folder: a process that was forked off leaves it alone */

void fuzz_fault(const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  abort();
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
  (void)status;
  (void)kind;
  if (where->level > 0 && remove(path) != 0)
    fuzz_fault("%s cannot be removed", path);
  return 0;
}

static void remove_all(void)
{
  if (owner != getpid())
    return;
  nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  rmdir(folder);
}

void fuzz_scratch_clear(void)
{
  const char *place = getenv("TMPDIR");

  if (folder[0]) {
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return;
  }
  snprintf(folder, sizeof folder, "%s/vmferry-fuzz-XXXXXX", place ? place : "/dev/shm");
  if (!mkdtemp(folder))
    fuzz_fault("%s: no folder can be made", folder);
  owner = getpid();
  atexit(remove_all);
  signal(SIGPIPE, SIG_IGN);
}

void fuzz_scratch_path(const char *name, char path[FUZZ_PATH])
{
  snprintf(path, FUZZ_PATH, "%s/%s", folder, name);
}

void fuzz_scratch_write(const char *name, const void *bytes, size_t size)
{
  char path[FUZZ_PATH];

  fuzz_scratch_path(name, path);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
    fuzz_fault("%s cannot be written", path);
}

uint8_t *fuzz_scratch_read(const char *path, size_t most, size_t *size)
{
  uint8_t *bytes = malloc(most + 1);
  FILE *file = fopen(path, "rb");

  if (!bytes || !file)
    fuzz_fault("%s cannot be read", path);
  *size = fread(bytes, 1, most, file);
  fclose(file);
  return bytes;
}

/* ---- pipes ---- */

static pthread_t carrier;
static int carried_from, carried_to; /* owned by the carrier */
static int our_end = -1;             /* -1: standard input */

/* Reads on when nobody takes it any more: whoever writes must not wait. */
static void *carry(void *unused)
{
  static char buffer[1 << 16];
  ssize_t got;
  bool taken = true;

  (void)unused;
  while ((got = read(carried_from, buffer, sizeof buffer)) > 0)
    for (ssize_t done = 0; taken && done < got;) {
      ssize_t now = write(carried_to, buffer + done, (size_t)(got - done));
      taken = now > 0;
      done += now;
    }
  close(carried_from);
  close(carried_to);
  return NULL;
}

static void start_carrier(int from, int to)
{
  carried_from = from;
  carried_to = to;
  if (pthread_create(&carrier, NULL, carry, NULL) != 0)
    fuzz_fault("no thread");
}

void fuzz_pipe_to(const char *file, char path[FUZZ_PATH])
{
  int ends[2], target = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  if (target < 0 || pipe2(ends, O_CLOEXEC) != 0)
    fuzz_fault("%s: no pipe", file);
  our_end = ends[1];
  snprintf(path, FUZZ_PATH, "/dev/fd/%d", our_end);
  start_carrier(ends[0], target);
}

void fuzz_pipe_from(const char *file)
{
  int ends[2], source = open(file, O_RDONLY | O_CLOEXEC);

  if (source < 0 || pipe2(ends, O_CLOEXEC) != 0 || dup2(ends[0], STDIN_FILENO) < 0)
    fuzz_fault("%s: no pipe", file);
  close(ends[0]);
  start_carrier(source, ends[1]);
}

void fuzz_pipe_end(void)
{
  if (our_end >= 0) {
    close(our_end);
    our_end = -1;
  } else {
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    close(nothing);
  }
  pthread_join(carrier, NULL);
}
