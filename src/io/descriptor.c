/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whole transfers at a position: what read(2) and write(2) leave undone is done here. */
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/uio.h>
#include <unistd.h>

#include "checked.h"
#include "file.h"
#include "memory.h"
#include "size.h"

const unsigned char vmf_zeros[VMF_ZEROS];

static enum vmf_code descriptor_make(const struct vmf_io_ops *ops, int number, const char *name,
                                     struct vmf_descriptor **descriptor, struct vmf_error *error)
{
  void *block = NULL;
  VMF_AUTO_FREE char *copy = NULL;
  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc(sizeof **descriptor, &block, error));
  struct vmf_descriptor *made = block;
  if (fstat(number, &made->status) < 0) {
    enum vmf_code code = vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be examined", name);
    vmf_free(made);
    return code;
  }
  atomic_init(&made->changes, 1); /* by others, maybe */
  pthread_mutex_init(&made->lock, NULL);
  vmf_writeback_init(&made->writeback);
  made->io.ops = ops;
  made->io.name = copy;
  made->number = number;
  copy = NULL;
  *descriptor = made;
  return VMF_OK;
}

enum vmf_code vmf_descriptor_new(const struct vmf_io_ops *ops, int number, const char *name,
                                 struct vmf_descriptor **descriptor, struct vmf_error *error)
{
  enum vmf_code code = descriptor_make(ops, number, name, descriptor, error);
  if (code != VMF_OK)
    close(number);
  return code;
}

const struct vmf_descriptor *vmf_descriptor_of(const struct vmf_io *io)
{
  return io->ops->pread == vmf_descriptor_pread ? (const struct vmf_descriptor *)io : NULL;
}

static enum vmf_code descriptor_ended(const struct vmf_descriptor *file, uint64_t offset,
                                      struct vmf_error *error)
{
  struct stat now;
  if (S_ISREG(file->status.st_mode) && fstat(file->number, &now) == 0 &&
      (uint64_t)now.st_size < vmf_size_get(&file->io))
    return vmf_fail(error, VMF_CHANGED,
                    "%s: changed while it was read: it shrank from %" PRIu64 " to %" PRIu64
                    " bytes, and byte %" PRIu64 " was wanted",
                    file->io.name, vmf_size_get(&file->io), (uint64_t)now.st_size, offset);
  return vmf_fail(error, VMF_READ, "%s: unexpected end of file at byte %" PRIu64 " of %" PRIu64,
                  file->io.name, offset, vmf_size_get(&file->io));
}

/* The page that the next read may begin in stays. */
static void descriptor_drop_read(const struct vmf_descriptor *file, uint64_t start, uint64_t end)
{
  enum { PAGE = 4096 };

  if (!atomic_load_explicit(&file->transient, memory_order_relaxed))
    return;
  start = vmf_align_down(start, PAGE);
  end = vmf_align_down(end, PAGE);
  if (end > start)
    (void)posix_fadvise(file->number, (off_t)start, (off_t)(end - start), POSIX_FADV_DONTNEED);
}

/* What is not to be durable may stay in memory, unless nothing is to stay there. */
static enum vmf_code descriptor_hurry(struct vmf_descriptor *file, uint64_t start, uint64_t end,
                                      struct vmf_error *error)
{
  struct vmf_dirty_range failed;

  if (!file->sync && !atomic_load_explicit(&file->transient, memory_order_relaxed))
    return VMF_OK;
  int number = vmf_writeback_note(&file->writeback, file->number, start, end, &failed);
  if (number == 0)
    return VMF_OK;
  atomic_store(&file->refused, number);
  errno = number;
  return vmf_write_failed(file->io.name, failed.end - failed.start, failed.start, error);
}

static enum vmf_code descriptor_read(const struct vmf_descriptor *file, unsigned char *to,
                                     size_t length, uint64_t offset, struct vmf_error *error)
{
  uint64_t start = offset;
  while (length > 0) {
    ssize_t got = pread(file->number, to, length, (off_t)offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return vmf_fail_errno(error, VMF_READ, "%s: reading %zu bytes at byte %" PRIu64,
                            file->io.name, length, offset);
    if (got == 0)
      return descriptor_ended(file, offset, error);
    to += got;
    length -= (size_t)got;
    offset += (uint64_t)got;
  }
  descriptor_drop_read(file, start, offset);
  return VMF_OK;
}

enum vmf_code vmf_descriptor_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                   struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)io;
  VMF_TRY(vmf_descriptor_enter(file, error));
  enum vmf_code code = descriptor_read(file, buffer, length, offset, error);
  vmf_descriptor_leave(file);
  return code;
}

enum vmf_code vmf_write_failed(const char *name, uint64_t length, uint64_t offset,
                               struct vmf_error *error)
{
  int number = errno;
  if (number != ENOSPC && number != EDQUOT)
    return vmf_fail_errno(error, VMF_WRITE, "%s: writing %" PRIu64 " bytes at byte %" PRIu64, name,
                          length, offset);
  enum vmf_code code = vmf_fail(
      error, VMF_WRITE, "%s: %s: %" PRIu64 " bytes were to be written at byte %" PRIu64, name,
      number == ENOSPC ? "no space left on device" : "disk quota exceeded", length, offset);
  if (error)
    error->sys_errno = number;
  return code;
}

/* Where a gathered write stands: `done` bytes of the first of `count` pieces are written. */
struct gather {
  const struct vmf_piece *pieces;
  unsigned count;
  size_t done;
};

static void gather_advance(struct gather *gather, size_t length)
{
  while (gather->count > 0 && length >= gather->pieces->length - gather->done) {
    length -= gather->pieces->length - gather->done;
    gather->done = 0;
    gather->pieces++;
    gather->count--;
  }
  gather->done += length;
}

enum { VECTORS = 16 };

/* The next bytes as at most VECTORS vectors; zeros come from one small page, so a piece of them may
 * take several. */
static int gather_fill(struct gather gather, struct iovec vectors[VECTORS], size_t *length)
{
  int used = 0;
  *length = 0;
  gather_advance(&gather, 0);
  while (gather.count > 0 && used < VECTORS) {
    size_t rest = gather.pieces->length - gather.done;
    const unsigned char *data = gather.pieces->data;
    if (!data && rest > VMF_ZEROS)
      rest = VMF_ZEROS;
    vectors[used].iov_base = (void *)(data ? data + gather.done : vmf_zeros);
    vectors[used++].iov_len = rest;
    *length += rest;
    gather_advance(&gather, rest);
  }
  return used;
}

static void note_rewritten(struct vmf_descriptor *file, uint64_t start, uint64_t end)
{
  uint64_t from = atomic_load(&file->rewritten_start), to = atomic_load(&file->rewritten_end);

  while (start < from && !atomic_compare_exchange_weak(&file->rewritten_start, &from, start)) {
  }
  while (to < end && !atomic_compare_exchange_weak(&file->rewritten_end, &to, end)) {
  }
}

static enum vmf_code descriptor_write(struct vmf_descriptor *file, const struct vmf_piece *pieces,
                                      unsigned count, uint64_t offset, struct vmf_error *error)
{
  struct gather gather = {.pieces = pieces, .count = count};
  struct iovec vectors[VECTORS];
  uint64_t start = offset;
  size_t length;
  int used;
  vmf_descriptor_changed(file);
  while ((used = gather_fill(gather, vectors, &length)) > 0) {
    ssize_t put = pwritev(file->number, vectors, used, (off_t)offset);
    if (put < 0 && errno == EINTR)
      continue;
    if (put == 0)
      errno = EIO;
    if (put <= 0)
      return vmf_write_failed(file->io.name, length, offset, error);
    gather_advance(&gather, (size_t)put);
    offset += (uint64_t)put;
  }
  vmf_descriptor_changed(file);
  if (!file->io.device)
    vmf_size_grow(&file->io, offset);
  if (atomic_load(&file->kept))
    note_rewritten(file, start, offset);
  return descriptor_hurry(file, start, offset, error);
}

enum vmf_code vmf_descriptor_write_zeros(struct vmf_descriptor *descriptor, uint64_t offset,
                                         uint64_t length, struct vmf_error *error)
{
  enum { STEP = 1 << 20 };
  while (length > 0) {
    struct vmf_piece piece = {.data = NULL, .length = (size_t)vmf_min(length, STEP)};
    VMF_TRY(descriptor_write(descriptor, &piece, 1, offset, error));
    offset += piece.length;
    length -= piece.length;
  }
  return VMF_OK;
}

static bool is_long_zero(const struct vmf_piece *piece)
{
  return !piece->data && piece->length > VMF_ZEROS;
}

static unsigned count_short(const struct vmf_piece *pieces, unsigned count)
{
  unsigned i = 0;
  while (i < count && !is_long_zero(&pieces[i]))
    i++;
  return i;
}

/* A long stretch of zeros costs no bytes; a file is made to reach its end by the last of them,
 * since ftruncate would race with writers behind it. */
static enum vmf_code write_long_zero(struct vmf_descriptor *file, uint64_t offset, uint64_t length,
                                     struct vmf_error *error)
{
  VMF_TRY(file->io.ops->zero(&file->io, offset, length, false, error));
  if (file->io.device || vmf_size_get(&file->io) >= offset + length)
    return VMF_OK;
  return vmf_descriptor_write_zeros(file, offset + length - 1, 1, error);
}

enum vmf_code vmf_descriptor_pwrite(struct vmf_io *io, const struct vmf_piece *pieces,
                                    unsigned count, uint64_t offset, struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)io;
  while (count > 0) {
    unsigned run = count_short(pieces, count);
    if (run == 0) {
      VMF_TRY(write_long_zero(file, offset, pieces->length, error));
      run = 1;
    } else {
      VMF_TRY(descriptor_write(file, pieces, run, offset, error));
    }
    for (; run > 0; run--, count--)
      offset += (pieces++)->length;
  }
  return VMF_OK;
}

void vmf_io_expect(const struct vmf_io *io, uint64_t offset, uint64_t length)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(io);
  if (!file || !vmf_range_within(offset, length, INT64_MAX) ||
      vmf_descriptor_enter(file, NULL) != VMF_OK)
    return;
  (void)posix_fadvise(file->number, (off_t)offset, (off_t)length, POSIX_FADV_WILLNEED);
  vmf_descriptor_leave(file);
}

/* Others may write meanwhile. */
static enum vmf_code descriptor_sync(struct vmf_descriptor *file, struct vmf_error *error)
{
  const uint64_t changes = atomic_load(&file->changes);
  int result;
  do
    result = fsync(file->number);
  while (result < 0 && errno == EINTR);
  if (result < 0)
    atomic_store(&file->refused, errno);
  errno = atomic_load(&file->refused);
  if (errno != 0)
    return vmf_fail_errno(error, VMF_WRITE, "%s: syncing to the disk", file->io.name);
  atomic_store(&file->synced, changes);
  return VMF_OK;
}

enum vmf_code vmf_descriptor_flush(struct vmf_io *io, struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)io;
  return file->sync ? descriptor_sync(file, error) : VMF_OK;
}

enum vmf_code vmf_io_to_medium(struct vmf_io *io, struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(io);
  if (!file)
    return VMF_OK;
  VMF_TRY(descriptor_sync(file, error));
  (void)posix_fadvise(file->number, 0, 0, POSIX_FADV_DONTNEED);
  return VMF_OK;
}

enum vmf_code vmf_end_number(int *number, const char *name, struct vmf_error *error)
{
  int ended = *number;
  *number = -1;
  if (ended >= 0 && close(ended) < 0)
    return vmf_fail_errno(error, VMF_WRITE, "%s: closing it", name);
  return VMF_OK;
}

enum vmf_code vmf_descriptor_end(struct vmf_io *io, struct vmf_error *error)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)io;
  if (atomic_load(&file->transient)) /* what was read ahead, or was busy when it was to go */
    (void)posix_fadvise(file->number, 0, 0, POSIX_FADV_DONTNEED);
  return vmf_end_number(&file->number, io->name, error);
}

void vmf_descriptor_close(struct vmf_io *io)
{
  struct vmf_descriptor *file = (struct vmf_descriptor *)io;
  vmf_descriptor_unpark(file);
  (void)vmf_descriptor_end(io, NULL);
  pthread_mutex_destroy(&file->lock);
  vmf_writeback_destroy(&file->writeback);
  vmf_free(io->name);
  vmf_free(file);
}
