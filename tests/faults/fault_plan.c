/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Preloaded into vmferry: lets one chosen system call fail. VMF_FAULT is "op:N:action": the N-th
 * call of an op (open, read, write, fsync, writeback, rename, truncate, allocate, mkdir, lseek,
 * unlink, lock, close) on a file below the folder VMF_FAULT_DIR fails with an errno (a number) or
 * is "short"; or the process is told to "kill" or "stop" itself before it, or to "hold", before it,
 * until somebody opens the pipe VMF_FAULT_GATE for writing; or the written bytes get a "flip"ped
 * bit. "N+" means every call from the N-th on. VMF_FAULT_BAD is "FIRST-END,...": reading these
 * bytes of such a file fails with EIO, as of a drive with bad sectors. How many calls there were is
 * written to VMF_FAULT_COUNT at the end. */
#undef _FILE_OFFSET_BITS /* so that open and open64 are two names */
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define ALIAS(name) __attribute__((alias(#name), visibility("default")))

enum { NO_FAULT = 0, SHORT = -1, FLIP = -2, PATH_ROOM = 4096, FLIP_ROOM = 1 << 22 };

static struct {
  char op[16];
  long first;
  bool onwards;
  char action[16];
  const char *folder;
  _Atomic long count;
} plan;

/* ISO C knows no way from an object's address to a function's. */
static union {
  void *object;
  long (*call)(long, ...);
} real;

__attribute__((constructor)) static void plan_read(void)
{
  const char *text = getenv("VMF_FAULT");
  char plus = '\0';
  real.object = dlsym(RTLD_NEXT, "syscall");
  plan.folder = getenv("VMF_FAULT_DIR");
  if (!text || sscanf(text, "%15[a-z]:%ld%c", plan.op, &plan.first, &plus) < 3)
    plan.op[0] = '\0';
  else
    snprintf(plan.action, sizeof plan.action, "%s", strrchr(text, ':') + 1);
  plan.onwards = plus == '+';
}

__attribute__((destructor)) static void plan_report(void)
{
  const char *path = getenv("VMF_FAULT_COUNT");
  char text[32];
  int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&plan.count));
  if (!path)
    return;
  int number = (int)real.call(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  real.call(SYS_write, number, text, (size_t)length);
  real.call(SYS_close, number);
}

static bool plan_is_below(int number)
{
  char link[64], path[PATH_ROOM];
  size_t length = plan.folder ? strlen(plan.folder) : 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", number);
  long got = real.call(SYS_readlinkat, AT_FDCWD, link, path, sizeof path);
  return length > 0 && got >= (long)length && memcmp(path, plan.folder, length) == 0;
}

/* Names are relative to a folder that is open, or start with the folder's path. */
static bool plan_is_named(int folder, const char *path)
{
  if (path[0] == '/')
    return plan.folder && strncmp(path, plan.folder, strlen(plan.folder)) == 0;
  return folder != AT_FDCWD && plan_is_below(folder);
}

/* Counts a call of `op`; NO_FAULT, SHORT, FLIP or the errno to fail with. */
static int plan_take(const char *op, bool ours)
{
  if (!ours || strcmp(op, plan.op) != 0)
    return NO_FAULT;
  long count = atomic_fetch_add(&plan.count, 1) + 1;
  if (count != plan.first && !(plan.onwards && count > plan.first))
    return NO_FAULT;
  if (strcmp(plan.action, "short") == 0)
    return SHORT;
  if (strcmp(plan.action, "flip") == 0)
    return FLIP;
  if (strcmp(plan.action, "kill") == 0)
    real.call(SYS_kill, getpid(), SIGKILL);
  if (strcmp(plan.action, "stop") == 0)
    real.call(SYS_kill, getpid(), SIGSTOP);
  if (strcmp(plan.action, "hold") == 0)
    real.call(SYS_close, real.call(SYS_openat, AT_FDCWD, getenv("VMF_FAULT_GATE"), O_RDONLY));
  return atoi(plan.action); /* a word is 0 */
}

static int plan_fail(int fault)
{
  errno = fault;
  return -1;
}

static int plan_open(int folder, const char *path, int flags, mode_t mode)
{
  int fault = plan_take("open", plan_is_named(folder, path));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_openat, folder, path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
  va_list values;
  va_start(values, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(values, mode_t) : 0;
  va_end(values);
  return plan_open(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int folder, const char *path, int flags, ...)
{
  va_list values;
  va_start(values, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(values, mode_t) : 0;
  va_end(values);
  return plan_open(folder, path, flags, mode);
}

int open64(const char *path, int flags, ...) ALIAS(open);
int openat64(int folder, const char *path, int flags, ...) ALIAS(openat);
int __open64_2(const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);

EXPORT int __open64_2(const char *path, int flags)
{
  return plan_open(AT_FDCWD, path, flags, 0);
}

EXPORT int __openat64_2(int folder, const char *path, int flags)
{
  return plan_open(folder, path, flags, 0);
}

/* Only openat2 comes this way. */
EXPORT long syscall(long number, ...)
{
  long values[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; i++)
    values[i] = va_arg(rest, long);
  va_end(rest);
  bool named = number == SYS_openat2 && plan_is_named((int)values[0], (const char *)values[1]);
  int fault = plan_take("open", named);
  if (fault > 0)
    return plan_fail(fault);
  return real.call(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

static bool plan_is_bad(off_t offset, size_t length)
{
  long long first, end;
  int used = 0;

  for (const char *text = getenv("VMF_FAULT_BAD");
       text && sscanf(text, "%lld-%lld%n", &first, &end, &used) == 2;
       text = text[used] == ',' ? text + used + 1 : NULL)
    if (offset < end && first < offset + (long long)length)
      return true;
  return false;
}

EXPORT ssize_t pread(int number, void *buffer, size_t length, off_t offset)
{
  int fault = plan_take("read", plan_is_below(number));
  if (plan_is_below(number) && plan_is_bad(offset, length))
    return plan_fail(EIO);
  if (fault > 0)
    return plan_fail(fault);
  if (fault == SHORT && length > 1)
    length /= 2;
  return real.call(SYS_pread64, number, buffer, length, offset);
}

ssize_t pread64(int number, void *buffer, size_t length, off64_t offset) ALIAS(pread);

/* What is read as a stream. */
EXPORT ssize_t read(int number, void *buffer, size_t length)
{
  int fault = plan_take("read", plan_is_below(number));
  if (fault > 0)
    return plan_fail(fault);
  if (fault == SHORT && length > 1)
    length /= 2;
  return real.call(SYS_read, number, buffer, length);
}

static ssize_t plan_write_flipped(int number, const struct iovec *vectors, int count, off_t offset)
{
  static char bytes[FLIP_ROOM];
  size_t used = 0;
  for (int i = 0; i < count && used + vectors[i].iov_len <= sizeof bytes; i++) {
    memcpy(bytes + used, vectors[i].iov_base, vectors[i].iov_len);
    used += vectors[i].iov_len;
  }
  bytes[used / 2] ^= 1;
  return real.call(SYS_pwrite64, number, bytes, used, offset);
}

EXPORT ssize_t pwritev(int number, const struct iovec *vectors, int count, off_t offset)
{
  int fault = plan_take("write", plan_is_below(number));
  if (fault > 0)
    return plan_fail(fault);
  if (fault == FLIP)
    return plan_write_flipped(number, vectors, count, offset);
  if (fault == SHORT)
    return real.call(SYS_pwrite64, number, vectors[0].iov_base, (vectors[0].iov_len + 1) / 2,
                     offset);
  return real.call(SYS_pwritev, number, vectors, count, offset, 0L);
}

ssize_t pwritev64(int number, const struct iovec *vectors, int count, off64_t offset)
    ALIAS(pwritev);

EXPORT ssize_t write(int number, const void *bytes, size_t length)
{
  int fault = plan_take("write", plan_is_below(number));
  if (fault > 0)
    return plan_fail(fault);
  return real.call(SYS_write, number, bytes, fault == SHORT ? (length + 1) / 2 : length);
}

EXPORT int fsync(int number)
{
  int fault = plan_take("fsync", plan_is_below(number));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_fsync, number);
}

EXPORT int fdatasync(int number)
{
  int fault = plan_take("fsync", plan_is_below(number));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_fdatasync, number);
}

EXPORT int sync_file_range(int number, off64_t offset, off64_t length, unsigned flags)
{
  int fault = plan_take("writeback", plan_is_below(number));
  return fault > 0 ? plan_fail(fault)
                   : (int)real.call(SYS_sync_file_range, number, offset, length, (long)flags);
}

EXPORT int renameat2(int from, const char *old, int to, const char *name, unsigned flags)
{
  int fault = plan_take("rename", plan_is_named(to, name));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_renameat2, from, old, to, name, flags);
}

EXPORT int renameat(int from, const char *old, int to, const char *name)
{
  return renameat2(from, old, to, name, 0);
}

EXPORT int ftruncate(int number, off_t length)
{
  int fault = plan_take("truncate", plan_is_below(number));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_ftruncate, number, length);
}

int ftruncate64(int number, off64_t length) ALIAS(ftruncate);

EXPORT int fallocate(int number, int mode, off_t offset, off_t length)
{
  int fault = plan_take("allocate", plan_is_below(number));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_fallocate, number, mode, offset, length);
}

int fallocate64(int number, int mode, off64_t offset, off64_t length) ALIAS(fallocate);

EXPORT int mkdirat(int folder, const char *path, mode_t mode)
{
  int fault = plan_take("mkdir", plan_is_named(folder, path));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_mkdirat, folder, path, mode);
}

EXPORT off_t lseek(int number, off_t offset, int whence)
{
  int fault = plan_take("lseek", plan_is_below(number));
  return fault > 0 ? plan_fail(fault) : real.call(SYS_lseek, number, offset, whence);
}

off64_t lseek64(int number, off64_t offset, int whence) ALIAS(lseek);

EXPORT int unlinkat(int folder, const char *path, int flags)
{
  int fault = plan_take("unlink", plan_is_named(folder, path));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_unlinkat, folder, path, flags);
}

EXPORT int unlink(const char *path)
{
  return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int close(int number)
{
  int fault = plan_take("close", plan_is_below(number));
  int result = (int)real.call(SYS_close, number);
  return fault > 0 ? plan_fail(fault) : result;
}

/* Of all that it does, locks alone are counted. */
EXPORT int fcntl(int number, int command, ...)
{
  va_list more;
  va_start(more, command);
  void *argument = va_arg(more, void *);
  va_end(more);
  int fault = plan_take("lock", command == F_OFD_SETLK && plan_is_below(number));
  return fault > 0 ? plan_fail(fault) : (int)real.call(SYS_fcntl, number, command, argument);
}

int fcntl64(int number, int command, ...) ALIAS(fcntl);
