/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Regular files: opening a source safely, its holes, and the operations of a file being written. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "checked.h"
#include "descriptor.h"
#include "locks.h"
#include "memory.h"
#include "remote_io.h"
#include "size.h"
#include "url.h"

static bool is_settled(const struct vmf_descriptor *file)
{
  return atomic_load(&file->synced) == atomic_load(&file->changes);
}

static bool is_unsupported(int number)
{
  return number == EOPNOTSUPP || number == ENOSYS || number == EINVAL || number == ENODEV;
}

/* By this run: a target, or what came on a stream and is stored in a file without a name. */
static bool is_made_here(const struct vmf_descriptor *file)
{
  return file->io.ops->pwrite || file->status.st_nlink == 0;
}

/* Holes are asked for only when nothing is dirty: some file systems (see OpenZFS issue 15526) take
 * data that is not on the disk yet for a hole. Two threads may both come here first. What the disk
 * refused is told once, whoever asks first: of what is made here, the sync at the end would hear
 * nothing of it. */
static enum vmf_code file_settle(struct vmf_descriptor *file, struct vmf_error *error)
{
  const uint64_t changes = atomic_load(&file->changes);
  int result;

  if (is_settled(file))
    return VMF_OK;
  do
    result = fdatasync(file->number);
  while (result < 0 && errno == EINTR);
  /* not every file system can; then there is nothing to wait for */
  if (result < 0 && !is_unsupported(errno) && is_made_here(file)) {
    atomic_store(&file->refused, errno);
    return vmf_fail_errno(error, VMF_WRITE, "%s: syncing to the disk", file->io.name);
  }
  pthread_mutex_lock(&file->lock);
  file->data_start = file->data_end = 0;
  pthread_mutex_unlock(&file->lock);
  atomic_store(&file->synced, changes);
  return VMF_OK;
}

/* Seeking moves the position that the descriptor shares between threads; nobody uses it. */
static enum vmf_code file_ask(struct vmf_descriptor *file, uint64_t offset, uint64_t *start,
                              uint64_t *end, struct vmf_error *error)
{
  uint64_t size = vmf_size_get(&file->io);
  off_t data = lseek(file->number, (off_t)offset, SEEK_DATA);
  *start = *end = size;
  if (data < 0 && errno == ENXIO)
    return VMF_OK;
  if (data < 0 && errno != EINVAL && errno != EOPNOTSUPP)
    return vmf_fail_errno(error, VMF_READ, "%s: looking for data behind byte %" PRIu64,
                          file->io.name, offset);
  *start = data < 0 ? offset : vmf_min((uint64_t)data, size);
  off_t hole = data < 0 ? -1 : lseek(file->number, data, SEEK_HOLE);
  if (hole > data)
    *end = vmf_min((uint64_t)hole, size);
  return VMF_OK;
}

static bool file_remembers(struct vmf_descriptor *file, uint64_t offset, uint64_t *start,
                           uint64_t *end)
{
  pthread_mutex_lock(&file->lock);
  bool known = offset >= file->data_start && offset < file->data_end;
  *start = offset;
  *end = file->data_end;
  pthread_mutex_unlock(&file->lock);
  return known;
}

static enum vmf_code file_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                    uint64_t *end, struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)io;
  if (is_settled(file) && file_remembers(file, offset, start, end))
    return VMF_OK;
  VMF_TRY(vmf_descriptor_enter(file, error));
  enum vmf_code code = file_settle(file, error);
  if (code == VMF_OK)
    code = file_ask(file, offset, start, end, error);
  vmf_descriptor_leave(file);
  VMF_TRY(code);
  pthread_mutex_lock(&file->lock);
  file->data_start = *start;
  file->data_end = *end;
  pthread_mutex_unlock(&file->lock);
  return VMF_OK;
}

static int file_allocate(const struct vmf_descriptor *file, int mode, uint64_t offset,
                         uint64_t length)
{
  int result;
  do
    result = fallocate(file->number, mode, (off_t)offset, (off_t)length);
  while (result < 0 && errno == EINTR);
  return result;
}

static enum vmf_code file_punch(struct vmf_descriptor *file, uint64_t offset, uint64_t length,
                                struct vmf_error *error)
{
  uint64_t size = vmf_size_get(&file->io);
  if (offset >= size || atomic_load(&file->kept))
    return VMF_OK;
  length = vmf_min(length, size - offset);
  if (file_allocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) == 0)
    return VMF_OK;
  if (is_unsupported(errno))
    return vmf_descriptor_write_zeros(file, offset, length, error);
  return vmf_write_failed(file->io.name, length, offset, error);
}

static enum vmf_code file_reserve(struct vmf_descriptor *file, uint64_t offset, uint64_t length,
                                  struct vmf_error *error)
{
  bool kept = atomic_load(&file->kept);
  int result = file_allocate(file, kept ? 0 : FALLOC_FL_ZERO_RANGE, offset, length);
  if (result < 0 && is_unsupported(errno)) {
    VMF_TRY(file_punch(file, offset, length, error));
    result = file_allocate(file, 0, offset, length);
  }
  if (result < 0 && is_unsupported(errno))
    return kept ? VMF_OK : vmf_descriptor_write_zeros(file, offset, length, error);
  if (result < 0)
    return vmf_write_failed(file->io.name, length, offset, error);
  vmf_size_grow(&file->io, offset + length);
  return VMF_OK;
}

static enum vmf_code file_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                               struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)io;
  vmf_descriptor_changed(file);
  enum vmf_code code = allocate ? file_reserve(file, offset, length, error)
                                : file_punch(file, offset, length, error);
  vmf_descriptor_changed(file);
  return code;
}

static enum vmf_code file_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)io;
  int result;
  vmf_descriptor_changed(file);
  do
    result = ftruncate(file->number, (off_t)size);
  while (result < 0 && errno == EINTR);
  vmf_descriptor_changed(file);
  if (result < 0 && errno == EFBIG)
    return vmf_fail_errno(error, VMF_WRITE, "%s: setting the size to %" PRIu64 " bytes", io->name,
                          size);
  if (result < 0)
    return vmf_write_failed(io->name, size, 0, error);
  vmf_size_set(io, size);
  return VMF_OK;
}

static const struct vmf_io_ops file_source_ops = {
    .kind = "file",
    .pread = vmf_descriptor_pread,
    .next_data = file_next_data,
    .close = vmf_descriptor_close,
};

static const struct vmf_io_ops file_target_ops = {
    .kind = "file",
    .pread = vmf_descriptor_pread,
    .pwrite = vmf_descriptor_pwrite,
    .next_data = file_next_data,
    .zero = file_zero,
    .resize = file_resize,
    .flush = vmf_descriptor_flush,
    .end = vmf_descriptor_end,
    .close = vmf_descriptor_close,
};

static enum vmf_code file_new(const struct vmf_io_ops *ops, int number, const char *name, bool sync,
                              struct vmf_io **io, struct vmf_error *error)
{
  struct vmf_descriptor *file;
  VMF_TRY(vmf_descriptor_new(ops, number, name, &file, error));
  file->sync = sync;
  file->io.size = (uint64_t)file->status.st_size;
  file->io.reads_as_zero = true;
  file->io.writers = 1; /* the kernel locks a file while it is written; the next would spin */
  *io = &file->io;
  return VMF_OK;
}

enum vmf_code vmf_io_write_file(int number, const char *name, bool sync, struct vmf_io **io,
                                struct vmf_error *error)
{
  return file_new(&file_target_ops, number, name, sync, io, error);
}

static const char *kind_of(mode_t mode)
{
  if (S_ISDIR(mode))
    return "a folder";
  if (S_ISFIFO(mode))
    return "a pipe";
  if (S_ISSOCK(mode))
    return "a socket";
  return S_ISCHR(mode) ? "a character device" : "no file";
}

/* What stat(2) knows no size of (procfs) is no empty file: there is something to read, or reading
 * from its start is an error (/proc/PID/mem). */
static bool is_endless(int number, const struct stat *status)
{
  char byte;
  return S_ISREG(status->st_mode) && status->st_size == 0 && pread(number, &byte, 1, 0) != 0;
}

static enum vmf_code source_check(int number, const char *path, bool check_locks, mode_t *mode,
                                  struct vmf_error *error)
{
  struct stat status;
  if (fstat(number, &status) < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be examined", path);
  *mode = status.st_mode;
  if (!S_ISREG(*mode) && !S_ISBLK(*mode))
    return vmf_fail(error, VMF_REFUSED, "%s: is %s, expected a regular file or a block device%s",
                    path, kind_of(*mode),
                    S_ISFIFO(*mode) ? "; a pipe is read as standard input (\"-\", with < or |)"
                                    : "");
  if (is_endless(number, &status))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the system says that it has 0 bytes, but it is not empty, so its size is "
                    "not known; copy it to a file (cat), and name that",
                    path);
  if (check_locks)
    VMF_TRY(vmf_locks_hold(number, path, error));
  if (S_ISREG(*mode))
    vmf_witness_wait(status.st_ctim);
  return VMF_OK;
}

enum vmf_code vmf_io_from_descriptor(int descriptor, const char *path, bool check_locks,
                                     struct vmf_io **io, struct vmf_error *error)
{
  mode_t mode;
  enum vmf_code code = source_check(descriptor, path, check_locks, &mode, error);
  if (code != VMF_OK) {
    close(descriptor);
    return code;
  }
  VMF_TRY(S_ISBLK(mode) ? vmf_io_read_device(descriptor, path, io, error)
                        : file_new(&file_source_ops, descriptor, path, false, io, error));
  struct vmf_descriptor *source = (struct vmf_descriptor *)*io;
  source->trusted = !check_locks;
  vmf_witness_take(source->number, &source->status, &source->witness);
  return VMF_OK;
}

enum vmf_code vmf_io_open_file(const char *path, bool check_locks, struct vmf_io **io,
                               struct vmf_error *error)
{
  if (vmf_url_is(path))
    return vmf_remote_open(path, io, error);
  int number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (number < 0 && errno == ENXIO)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: is a socket or a device without a medium, expected a regular file or a "
                    "block device",
                    path);
  if (number < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened", path);
  return vmf_io_from_descriptor(number, path, check_locks, io, error);
}

static struct vmf_io *io_below(const struct vmf_io *io, size_t index)
{
  return io->ops->below ? io->ops->below(io, index) : NULL;
}

void vmf_io_transient(struct vmf_io *io)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(io);
  struct vmf_io *below;

  for (size_t i = 0; (below = io_below(io, i)) != NULL; i++)
    vmf_io_transient(below);
  if (file)
    atomic_store(&file->transient, true);
}

void vmf_io_keep(struct vmf_io *io, bool keep)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(io);

  if (!file)
    return;
  atomic_store(&file->rewritten_start, UINT64_MAX);
  atomic_store(&file->rewritten_end, 0);
  atomic_store(&file->kept, keep);
}

void vmf_io_rewritten(const struct vmf_io *io, uint64_t *start, uint64_t *end)
{
  const struct vmf_descriptor *file = vmf_descriptor_of(io);

  *end = file ? atomic_load(&file->rewritten_end) : 0;
  *start = file ? vmf_min(atomic_load(&file->rewritten_start), *end) : 0;
}

/* Views are made one on the other by the library, a few deep at most. */
bool vmf_io_shows_file(const struct vmf_io *io, const struct stat *wanted)
{
  const struct vmf_descriptor *file = vmf_descriptor_of(io);
  const struct vmf_io *below;

  for (size_t i = 0; (below = io_below(io, i)) != NULL; i++)
    if (vmf_io_shows_file(below, wanted))
      return true;
  if (!file)
    return false;
  if (S_ISBLK(wanted->st_mode) && S_ISBLK(file->status.st_mode))
    return wanted->st_rdev == file->status.st_rdev;
  return wanted->st_dev == file->status.st_dev && wanted->st_ino == file->status.st_ino;
}

bool vmf_io_same_file(const struct vmf_io *a, const struct vmf_io *b)
{
  const struct vmf_descriptor *one = vmf_descriptor_of(a), *other = vmf_descriptor_of(b);

  return a == b || (one && other && vmf_io_shows_file(a, &other->status));
}

const struct vmf_descriptor *vmf_descriptor_below(const struct vmf_io *io)
{
  const struct vmf_io *below;
  while ((below = io_below(io, 0)) != NULL)
    io = below;
  return vmf_descriptor_of(io);
}

bool vmf_io_stat(const struct vmf_io *io, struct stat *status)
{
  const struct vmf_descriptor *file = vmf_descriptor_below(io);
  if (file)
    *status = file->status;
  return file != NULL;
}
