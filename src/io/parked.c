/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "parked.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "descriptor.h"
#include "locks.h"
#include "memory.h"

struct vmf_parking {
  char *path; /* absolute, without symlinks: what the file was opened by, whoever allowed it */
  unsigned users;
  bool checks_locks;
  struct vmf_descriptor *older, *newer; /* of those that are open and have no users */
};

enum { OPEN_MOST = 64 };

/* Guards `number` and the parking of all files that may be parked, and those below: how many of
 * them are open and may be, and those of them without users. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t open_count, open_most;
static struct vmf_descriptor *oldest, *newest;

/* ---- under the lock ---- */

static void idle_add(struct vmf_descriptor *file)
{
  file->parking->older = newest;
  file->parking->newer = NULL;
  *(newest ? &newest->parking->newer : &oldest) = file;
  newest = file;
}

static void idle_remove(struct vmf_descriptor *file)
{
  struct vmf_parking *parking = file->parking;

  *(parking->older ? &parking->older->parking->newer : &oldest) = parking->newer;
  *(parking->newer ? &parking->newer->parking->older : &newest) = parking->older;
}

/* The descriptor that is one too many, of which the caller is to rid itself; or -1. */
static int park_oldest(void)
{
  struct vmf_descriptor *file = oldest;

  if (open_count <= open_most || !file)
    return -1;
  int number = file->number;
  idle_remove(file);
  file->number = -1;
  open_count--;
  return number;
}

/* ---- opening again ---- */

static bool is_same(const struct stat *then, const struct stat *now)
{
  return then->st_dev == now->st_dev && then->st_ino == now->st_ino &&
         then->st_size == now->st_size && then->st_mtim.tv_sec == now->st_mtim.tv_sec &&
         then->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}

static enum vmf_code check_again(const struct vmf_descriptor *file, int number,
                                 struct vmf_error *error)
{
  struct stat now;

  if (fstat(number, &now) < 0)
    return vmf_fail_errno(error, VMF_READ, "%s: cannot be examined", file->io.name);
  if (!is_same(&file->status, &now))
    return vmf_fail(error, VMF_CHANGED,
                    "%s: changed while it was read: what lies at %s now is another file, or was "
                    "written to",
                    file->io.name, file->parking->path);
  return file->parking->checks_locks ? vmf_locks_hold(number, file->io.name, error) : VMF_OK;
}

static enum vmf_code open_again(const struct vmf_descriptor *file, int *number,
                                struct vmf_error *error)
{
  *number = open(file->parking->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  if (*number < 0)
    return vmf_fail_errno(error, errno == ENOENT || errno == ELOOP ? VMF_CHANGED : VMF_SYSTEM,
                          "%s: changed while it was read: opening it again at %s", file->io.name,
                          file->parking->path);
  enum vmf_code code = check_again(file, *number, error);
  if (code != VMF_OK)
    close(*number);
  return code;
}

/* ---- who uses it ---- */

/* With a descriptor of the caller's, which it may lose; -1: none. False: there is none to use. */
static bool take(struct vmf_descriptor *file, int *number)
{
  int surplus = -1;

  pthread_mutex_lock(&lock);
  if (file->number < 0 && *number >= 0) {
    file->number = *number;
    *number = -1;
    open_count++;
    file->parking->users++;
    surplus = park_oldest();
  } else if (file->number >= 0) {
    if (file->parking->users++ == 0)
      idle_remove(file);
  }
  bool taken = file->number >= 0;
  pthread_mutex_unlock(&lock);
  if (surplus >= 0)
    close(surplus);
  return taken;
}

enum vmf_code vmf_descriptor_enter(struct vmf_descriptor *file, struct vmf_error *error)
{
  int number = -1;

  if (!file->parking || take(file, &number))
    return VMF_OK;
  VMF_TRY(open_again(file, &number, error));
  (void)take(file, &number);
  if (number >= 0) /* another thread was faster */
    close(number);
  return VMF_OK;
}

void vmf_descriptor_leave(struct vmf_descriptor *file)
{
  int surplus = -1;

  if (!file->parking)
    return;
  pthread_mutex_lock(&lock);
  if (--file->parking->users == 0) {
    idle_add(file);
    surplus = park_oldest();
  }
  pthread_mutex_unlock(&lock);
  if (surplus >= 0)
    close(surplus);
}

void vmf_descriptor_unpark(struct vmf_descriptor *file)
{
  if (!file->parking)
    return;
  pthread_mutex_lock(&lock);
  if (file->number >= 0) {
    idle_remove(file);
    open_count--;
  }
  pthread_mutex_unlock(&lock);
  vmf_free(file->parking->path);
  vmf_free(file->parking);
  file->parking = NULL;
}

static size_t find_most(void)
{
  struct rlimit files;

  return getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < OPEN_MOST
             ? (size_t)files.rlim_cur / 2
             : OPEN_MOST;
}

/* Where the kernel says that the file lies; false: nothing there leads to it. */
static bool find_path(const struct vmf_descriptor *file, char path[PATH_MAX])
{
  char link[64];
  struct stat there;

  snprintf(link, sizeof link, "/proc/self/fd/%d", file->number);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length < 0 ? 0 : length] = '\0';
  return path[0] == '/' && lstat(path, &there) == 0 && is_same(&file->status, &there);
}

enum vmf_code vmf_io_park(struct vmf_io *io, struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(io);
  VMF_AUTO_FREE void *memory = NULL;
  char path[PATH_MAX];

  if (!file || file->parking || !S_ISREG(file->status.st_mode) || io->ops->pwrite ||
      !find_path(file, path))
    return VMF_OK;
  VMF_TRY(vmf_alloc(sizeof *file->parking, &memory, error));
  struct vmf_parking *parking = memory;
  VMF_TRY(vmf_copy_text(path, &parking->path, error));
  size_t most = find_most();
  parking->users = 1;
  parking->checks_locks = !file->trusted;
  pthread_mutex_lock(&lock);
  file->parking = parking;
  open_count++;
  open_most = most;
  pthread_mutex_unlock(&lock);
  memory = NULL;
  vmf_descriptor_leave(file);
  return VMF_OK;
}
