/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether a source was written to while it was read. Of a file size, mtime and ctime tell. ctime
 * also moves with what is no content; then something else must have changed with it. Of a device
 * the kernel's counters of writes tell, once what is dirty in its page cache has been written.
 *
 * A write so soon after the one before that the clock of these times has not moved leaves them as
 * they were: what is looked at first is old enough that no later write can do so. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "checked.h"
#include "descriptor.h"
#include "file.h"
#include "log.h"

enum { PATH_ROOM = 4096, ATTRIBUTE_ROOM = 4096, LINE_ROOM = 512 };

/* ---- the clock ---- */

#define MILLISECOND INT64_C(1000000)
#define SECOND (1000 * MILLISECOND)

static int64_t nanoseconds(struct timespec time)
{
  return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

/* How long until a write has another time than `changed`. The kernel takes times from its coarse
 * clock; some file systems keep whole seconds (ext2, ext4 with inodes of 128 bytes), FAT even ones.
 * What is further ahead is of another machine's clock, which tells nothing. */
static int64_t time_until_later(struct timespec changed)
{
  struct timespec now;
  int64_t step = changed.tv_nsec == 0 ? 2 * SECOND : MILLISECOND;

  (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
  int64_t left = nanoseconds(changed) + step - nanoseconds(now);
  return left > 2 * SECOND ? 0 : left;
}

void vmf_witness_wait(struct timespec changed)
{
  int64_t left;

  while ((left = time_until_later(changed)) > 0) {
    const struct timespec pause = {.tv_sec = left / SECOND, .tv_nsec = left % SECOND};
    (void)nanosleep(&pause, NULL);
  }
}

/* ---- what may change beside the content ---- */

/* FNV-1a: only equality matters, and nobody gains by a collision. */
static void add_bytes(uint64_t *sum, const void *bytes, size_t length)
{
  for (size_t i = 0; i < length; i++)
    *sum = (*sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
}

/* Attributes that are too long to be looked at count by their length. */
static void add_attributes(uint64_t *sum, int number)
{
  char names[ATTRIBUTE_ROOM], value[ATTRIBUTE_ROOM];
  ssize_t listed = flistxattr(number, names, sizeof names);

  for (ssize_t at = 0; at < listed; at += (ssize_t)strlen(names + at) + 1) {
    ssize_t length = fgetxattr(number, names + at, value, sizeof value);
    if (length < 0)
      length = fgetxattr(number, names + at, NULL, 0);
    else
      add_bytes(sum, value, (size_t)length);
    add_bytes(sum, names + at, strlen(names + at));
    add_bytes(sum, &length, sizeof length);
  }
}

static uint64_t sum_of_surroundings(int number)
{
  char link[64], path[PATH_ROOM];
  uint64_t sum = UINT64_C(0xcbf29ce484222325);
  int flags = 0;

  snprintf(link, sizeof link, "/proc/self/fd/%d", number);
  ssize_t length = readlink(link, path, sizeof path);
  add_bytes(&sum, path, length > 0 ? (size_t)length : 0);
  if (ioctl(number, FS_IOC_GETFLAGS, &flags) == 0)
    add_bytes(&sum, &flags, sizeof flags);
  add_attributes(&sum, number);
  return sum;
}

/* ---- devices ---- */

/* One line of a device's folder in sysfs. */
static bool read_line(dev_t device, const char *name, char line[LINE_ROOM])
{
  char path[128];

  snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s", major(device), minor(device), name);
  int number = open(path, O_RDONLY | O_CLOEXEC);
  if (number < 0)
    return false;
  ssize_t got = read(number, line, LINE_ROOM - 1);
  close(number);
  if (got <= 0)
    return false;
  line[got] = '\0';
  line[strcspn(line, "\n")] = '\0';
  return true;
}

/* Sectors written and discarded: fields 7 and 14 of the kernel's Documentation/block/stat.rst. They
 * only grow. The number of writes is no measure, since a flush is one. */
static bool count_written(dev_t device, uint64_t *sectors)
{
  char line[LINE_ROOM], counted[LINE_ROOM];
  uint64_t field[14] = {0};
  int fields = 0;

  if (!read_line(device, "stat", line))
    return false;
  if ((read_line(device, "queue/iostats", counted) ||
       read_line(device, "../queue/iostats", counted)) &&
      strcmp(counted, "0") == 0)
    return false;
  for (const char *at = line; fields < 14; fields++) {
    int used = 0;
    if (sscanf(at, "%" SCNu64 "%n", &field[fields], &used) != 1)
      break;
    at += used;
  }
  *sectors = field[6] + field[13];
  return fields >= 11;
}

static bool is_read_only(int number)
{
  int read_only = 0;
  return ioctl(number, BLKROGET, &read_only) == 0 && read_only;
}

bool vmf_device_file(const struct stat *device, struct stat *file)
{
  char path[LINE_ROOM];

  return S_ISBLK(device->st_mode) &&
         (read_line(device->st_rdev, "loop/backing_file", path) ||
          read_line(device->st_rdev, "../loop/backing_file", path)) &&
         stat(path, file) == 0;
}

/* The disk that a device is a partition of; false: it is none. */
static bool disk_of(dev_t device, dev_t *disk)
{
  unsigned major_number, minor_number;
  char line[LINE_ROOM];

  if (!read_line(device, "partition", line) || !read_line(device, "../dev", line) ||
      sscanf(line, "%u:%u", &major_number, &minor_number) != 2)
    return false;
  *disk = makedev(major_number, minor_number);
  return true;
}

bool vmf_device_is_part(const struct stat *part, const struct stat *whole)
{
  dev_t disk;

  return S_ISBLK(part->st_mode) && S_ISBLK(whole->st_mode) && disk_of(part->st_rdev, &disk) &&
         disk == whole->st_rdev;
}

/* Somebody may write to the file of a loop device, and not through the device. */
static void look_behind(dev_t device, struct vmf_witness *witness)
{
  char path[LINE_ROOM];
  struct stat status;

  if (!read_line(device, "loop/backing_file", path) || stat(path, &status) < 0)
    return;
  vmf_witness_wait(status.st_ctim);
  if (stat(path, &status) < 0)
    return;
  witness->behind = status.st_mtim;
  witness->fresh = time_until_later(status.st_ctim) > 0;
}

void vmf_witness_take(int number, const struct stat *status, struct vmf_witness *witness)
{
  *witness = (struct vmf_witness){.blind = false};
  if (!S_ISBLK(status->st_mode)) {
    witness->surroundings = sum_of_surroundings(number);
    witness->fresh = time_until_later(status->st_ctim) > 0;
    return;
  }
  (void)fsync(number); /* whoever made them dirty */
  witness->blind = !count_written(status->st_rdev, &witness->written) && !is_read_only(number);
  look_behind(status->st_rdev, witness);
}

/* ---- then and now ---- */

static bool same_time(struct timespec a, struct timespec b)
{
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static enum vmf_code sizes_differ(const struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CHANGED,
                  "%s: changed while it was read: it had %" PRIu64 " bytes and has %" PRIu64,
                  io->name, io->size, size);
}

/* A file system in user space may have no times, and give that of the question for all three, as
 * QEMU's export by FUSE does: then they tell nothing. */
static bool has_no_times(int number, const struct stat *status)
{
  struct statfs system;

  return status->st_mtim.tv_nsec == 0 && same_time(status->st_mtim, status->st_ctim) &&
         same_time(status->st_mtim, status->st_atim) && fstatfs(number, &system) == 0 &&
         system.f_type == FUSE_SUPER_MAGIC;
}

static enum vmf_code file_unchanged(struct vmf_descriptor *file, const struct stat *now,
                                    const struct vmf_log *log, struct vmf_error *error)
{
  const struct stat *then = &file->status;
  struct vmf_witness witness;

  if ((uint64_t)now->st_size != file->io.size)
    return sizes_differ(&file->io, (uint64_t)now->st_size, error);
  if (has_no_times(file->number, then) && has_no_times(file->number, now))
    return VMF_OK;
  if (!same_time(now->st_mtim, then->st_mtim) || file->witness.fresh)
    return vmf_fail(error, VMF_CHANGED,
                    "%s: changed while it was read: somebody wrote to it after it was opened",
                    file->io.name);
  if (same_time(now->st_ctim, then->st_ctim))
    return VMF_OK;
  vmf_witness_take(file->number, now, &witness);
  if (now->st_mode == then->st_mode && now->st_uid == then->st_uid && now->st_gid == then->st_gid &&
      now->st_nlink == then->st_nlink && witness.surroundings == file->witness.surroundings)
    return vmf_fail(error, VMF_CHANGED,
                    "%s: changed while it was read: its ctime moved, and neither mode, owner, "
                    "links, attributes nor name did: somebody wrote to it and set its mtime back",
                    file->io.name);
  if (!atomic_exchange(&file->told, true))
    vmf_warn(log,
             "%s: its mode, owner, links, attributes or name changed while it was read; by size "
             "and mtime its content did not",
             file->io.name);
  return VMF_OK;
}

static enum vmf_code device_unchanged(struct vmf_descriptor *device, const struct stat *now,
                                      const struct vmf_log *log, struct vmf_error *error)
{
  struct vmf_witness witness;
  const char *name = device->io.name;
  uint64_t size;

  VMF_TRY(vmf_device_size(device->number, name, &size, error));
  if (size != device->io.size)
    return sizes_differ(&device->io, size, error);
  vmf_witness_take(device->number, now, &witness);
  if (witness.written != device->witness.written || device->witness.fresh ||
      !same_time(witness.behind, device->witness.behind))
    return vmf_fail(error, VMF_CHANGED,
                    "%s: changed while it was read: somebody wrote to the device; stop what uses "
                    "it, or read a snapshot of it",
                    name);
  if (!witness.blind && !device->witness.blind)
    return VMF_OK;
  if (!device->trusted)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the kernel does not count writes to this device (/sys/dev/block/%u:%u/"
                    "stat), so nobody would know if it changed while it is read; make it "
                    "read-only (blockdev --setro), or use -U to read it all the same",
                    name, major(now->st_rdev), minor(now->st_rdev));
  if (!atomic_exchange(&device->told, true))
    vmf_warn(log, "%s: whether the device is written to while it is read cannot be known", name);
  return VMF_OK;
}

static enum vmf_code descriptor_unchanged(struct vmf_descriptor *file, const struct vmf_log *log,
                                          struct vmf_error *error)
{
  struct stat now;

  if (fstat(file->number, &now) < 0)
    return vmf_fail_errno(error, VMF_READ, "%s: cannot be examined", file->io.name);
  VMF_TRY(file->io.device ? device_unchanged(file, &now, log, error)
                          : file_unchanged(file, &now, log, error));
  vmf_log_file(log, file->io.name, &file->status);
  return VMF_OK;
}

/* Views are made one on the other by the library, a few deep at most. */
enum vmf_code vmf_io_unchanged(const struct vmf_io *io, const struct vmf_log *log,
                               struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(io);
  const struct vmf_io *below;

  for (size_t i = 0; (below = io->ops->below ? io->ops->below(io, i) : NULL) != NULL; i++)
    VMF_TRY(vmf_io_unchanged(below, log, error));
  if (!file)
    return VMF_OK;
  VMF_TRY(vmf_descriptor_enter(file, error));
  enum vmf_code code = descriptor_unchanged(file, log, error);
  vmf_descriptor_leave(file);
  return code;
}
