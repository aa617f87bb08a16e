/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A preloaded library that logs what becomes of the files below VMF_LOG_DIR, in the file VMF_LOG:
 * what is written, where files are cut and given room, what is synced, and what is renamed. Each is
 * done and logged before the next begins, so the log is an order in which it happened. What a power
 * cut leaves can be made of it: write_log.py. */
#undef _FILE_OFFSET_BITS /* so that pwritev and pwritev64 are two names */
#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define ALIAS(name) __attribute__((alias(#name), visibility("default")))

enum { PATH_ROOM = 4096, NAMES_ROOM = 1 << 16 };

/* Before its path, and the bytes that are written; of a synced folder, the names that it has. */
struct event {
  uint8_t what; /* W, T, A, S, N or R */
  uint8_t zero[3];
  uint32_t path_length;
  uint64_t offset, length, mode, data_length;
};

static struct {
  int file;
  const char *folder;
  long (*call)(long, ...);
  pthread_mutex_t lock;
} log_state = {.file = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

__attribute__((constructor)) static void log_begin(void)
{
  const char *path = getenv("VMF_LOG");

  *(void **)&log_state.call = dlsym(RTLD_NEXT, "syscall");
  log_state.folder = getenv("VMF_LOG_DIR");
  if (path)
    log_state.file =
        (int)log_state.call(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

/* Whether the file is one of ours; its path from the folder on. */
static bool log_is_ours(int number, char path[PATH_ROOM])
{
  char link[64];
  size_t length = log_state.folder ? strlen(log_state.folder) : 0;

  snprintf(link, sizeof link, "/proc/self/fd/%d", number);
  long got = log_state.call(SYS_readlinkat, AT_FDCWD, link, path, PATH_ROOM - 1L);
  if (log_state.file < 0 || length == 0 || got < (long)length ||
      memcmp(path, log_state.folder, length) != 0)
    return false;
  path[got] = '\0';
  memmove(path, path + length, (size_t)got - length + 1);
  return true;
}

static void log_bytes(const void *bytes, size_t length)
{
  if (log_state.call(SYS_write, log_state.file, bytes, length) != (long)length)
    abort(); /* nothing can be told by such a log */
}

static void log_event(struct event event, const char *path)
{
  event.path_length = (uint32_t)strlen(path);
  log_bytes(&event, sizeof event);
  log_bytes(path, event.path_length);
}

static void log_vectors(const struct iovec *vectors, int count, size_t length)
{
  for (int i = 0; i < count && length > 0; i++) {
    size_t part = vectors[i].iov_len < length ? vectors[i].iov_len : length;
    log_bytes(vectors[i].iov_base, part);
    length -= part;
  }
}

EXPORT ssize_t pwritev(int number, const struct iovec *vectors, int count, off_t offset)
{
  char path[PATH_ROOM];

  pthread_mutex_lock(&log_state.lock);
  long got = log_state.call(SYS_pwritev, number, vectors, (long)count, offset, 0L);
  if (got > 0 && log_is_ours(number, path)) {
    log_event((struct event){.what = 'W',
                             .offset = (uint64_t)offset,
                             .length = (uint64_t)got,
                             .data_length = (uint64_t)got},
              path);
    log_vectors(vectors, count, (size_t)got);
  }
  pthread_mutex_unlock(&log_state.lock);
  return got;
}

ssize_t pwritev64(int number, const struct iovec *vectors, int count, off64_t offset)
    ALIAS(pwritev);

/* Of a file whose bytes are given; the caller has the lock. */
static void log_change(int number, long result, struct event event)
{
  char path[PATH_ROOM];

  if (result == 0 && log_is_ours(number, path))
    log_event(event, path);
}

EXPORT int ftruncate(int number, off_t length)
{
  pthread_mutex_lock(&log_state.lock);
  long result = log_state.call(SYS_ftruncate, number, length);
  log_change(number, result, (struct event){.what = 'T', .length = (uint64_t)length});
  pthread_mutex_unlock(&log_state.lock);
  return (int)result;
}

int ftruncate64(int number, off64_t length) ALIAS(ftruncate);

EXPORT int fallocate(int number, int mode, off_t offset, off_t length)
{
  pthread_mutex_lock(&log_state.lock);
  long result = log_state.call(SYS_fallocate, number, (long)mode, offset, length);
  log_change(number, result,
             (struct event){.what = 'A',
                            .mode = (uint64_t)mode,
                            .offset = (uint64_t)offset,
                            .length = (uint64_t)length});
  pthread_mutex_unlock(&log_state.lock);
  return (int)result;
}

int fallocate64(int number, int mode, off64_t offset, off64_t length) ALIAS(fallocate);

/* The names that a folder has, each with a NUL behind it. */
static size_t log_names(int number, char names[NAMES_ROOM])
{
  int again = (int)log_state.call(SYS_openat, number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  DIR *stream = again < 0 ? NULL : fdopendir(again);
  const struct dirent *entry;
  size_t used = 0;

  if (!stream)
    abort();
  while ((entry = readdir(stream)) != NULL) {
    size_t length = strlen(entry->d_name) + 1;
    if (length > NAMES_ROOM - used)
      abort();
    memcpy(names + used, entry->d_name, length);
    used += length;
  }
  closedir(stream);
  return used;
}

static void log_sync(int number, long result)
{
  static char names[NAMES_ROOM];
  char path[PATH_ROOM];
  struct stat status;

  if (result != 0 || !log_is_ours(number, path) || fstat(number, &status) != 0)
    return;
  size_t length = S_ISDIR(status.st_mode) ? log_names(number, names) : 0;
  log_event((struct event){.what = length > 0 ? 'N' : 'S', .data_length = length}, path);
  log_bytes(names, length);
}

EXPORT int fsync(int number)
{
  pthread_mutex_lock(&log_state.lock);
  long result = log_state.call(SYS_fsync, number);
  log_sync(number, result);
  pthread_mutex_unlock(&log_state.lock);
  return (int)result;
}

EXPORT int fdatasync(int number)
{
  pthread_mutex_lock(&log_state.lock);
  long result = log_state.call(SYS_fdatasync, number);
  log_sync(number, result);
  pthread_mutex_unlock(&log_state.lock);
  return (int)result;
}

EXPORT int renameat2(int from, const char *old, int to, const char *name, unsigned flags)
{
  pthread_mutex_lock(&log_state.lock);
  long result = log_state.call(SYS_renameat2, from, old, to, name, (long)flags);
  log_change(to, result, (struct event){.what = 'R'});
  pthread_mutex_unlock(&log_state.lock);
  return (int)result;
}

EXPORT int renameat(int from, const char *old, int to, const char *name)
{
  return renameat2(from, old, to, name, 0);
}
