/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing to an NBD server: several connections where the server says that a flush by one is a
 * flush of all, else one. Nothing is written again after a connection was lost: a server that was
 * started anew may have lost what it had answered for, since nothing is durable before the flush.
 */
#include "nbd_target.h"

#ifdef VMF_HAVE_LIBNBD

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "checked.h"
#include "descriptor.h"
#include "memory.h"
#include "nbd_connection.h"
#include "tries.h"
#include "url.h"

enum {
  LINES = 4,
  REQUEST = 1 << 20,     /* bytes of a request */
  ZEROED_MOST = 1 << 30, /* bytes that are made zeros by one request */
  BLOCK_MOST = 64 << 10, /* of a server that writes in blocks */
  STALL = 60 * 60,       /* seconds: to make a full cache durable takes a while */
};

struct target {
  struct vmf_io io;
  bool sync, flushes, zeroes, zeroes_fast;
  uint32_t most;        /* bytes of a request */
  uint32_t block;       /* bytes; all that is written starts and ends at a multiple */
  pthread_mutex_t part; /* held while a part of a block is written: read, changed, written */
  /* Guards `busy` and `given_up`. */
  pthread_mutex_t lock;
  pthread_cond_t free;
  struct nbd_handle *lines[LINES];
  bool busy[LINES];
  struct vmf_error given_up; /* why a line was, the first one; VMF_OK: none */
  unsigned count;
};

/* ---- connections ---- */

/* What was given up is under way still, and its bytes are the caller's again: libnbd is not called
 * any more but to close it. */
static bool is_given_up(struct nbd_handle *handle)
{
  return vmf_nbd.nbd_aio_in_flight(handle) != 0;
}

static enum vmf_code check_line(struct target *target, struct nbd_handle *handle,
                                struct vmf_error *error)
{
  if (!is_given_up(handle))
    return VMF_OK;
  pthread_mutex_lock(&target->lock);
  enum vmf_code code = vmf_fail_again(&target->given_up, error);
  pthread_mutex_unlock(&target->lock);
  return code;
}

static void note_given_up(struct target *target, const struct vmf_error *why)
{
  pthread_mutex_lock(&target->lock);
  if (target->given_up.code == VMF_OK)
    target->given_up = *why;
  pthread_mutex_unlock(&target->lock);
}

static void give_line(struct target *target, unsigned i)
{
  pthread_mutex_lock(&target->lock);
  target->busy[i] = false;
  pthread_cond_signal(&target->free);
  pthread_mutex_unlock(&target->lock);
}

static enum vmf_code take_line(struct target *target, unsigned *line, struct vmf_error *error)
{
  unsigned i = 0;

  pthread_mutex_lock(&target->lock);
  while (i < target->count && target->busy[i])
    if (++i == target->count) {
      pthread_cond_wait(&target->free, &target->lock);
      i = 0;
    }
  target->busy[i] = true;
  pthread_mutex_unlock(&target->lock);
  *line = i;
  enum vmf_code code = check_line(target, target->lines[i], error);
  if (code != VMF_OK)
    give_line(target, i);
  return code;
}

static enum vmf_code failed(enum vmf_code code, const struct vmf_error *why, bool lost,
                            uint64_t length, uint64_t offset, struct vmf_error *error)
{
  if (code == VMF_CANCELLED)
    return vmf_fail_again(why, error);
  return vmf_fail(error, lost ? VMF_TEMPORARY : VMF_WRITE,
                  "%.330s (%" PRIu64 " bytes at byte %" PRIu64 ")%s", why->text, length, offset,
                  lost ? "; what the server had not flushed may be lost: start again" : "");
}

/* Waits for the answer to what was asked for last on that line. */
static enum vmf_code end_call(struct target *target, struct nbd_handle *handle, int64_t cookie,
                              const char *what, uint64_t length, uint64_t offset,
                              struct vmf_error *error)
{
  struct vmf_nbd_patience patience = vmf_nbd_patience(STALL);
  struct vmf_attempt attempt = {0};
  struct vmf_error why = {0}, told = {0};
  enum vmf_code code = VMF_OK;
  int done = cookie < 0 ? -1 : 0;

  while (done == 0 && code == VMF_OK) {
    done = vmf_nbd.nbd_aio_command_completed(handle, (uint64_t)cookie);
    if (done == 0)
      code = vmf_nbd_listen(handle, target->io.name, &patience, what, &attempt, &why);
  }
  if (done > 0)
    return VMF_OK;
  if (code == VMF_OK)
    (void)!vmf_nbd_failed(target->io.name, handle, what, &attempt, &why);
  (void)!failed(code, &why, attempt.lost, length, offset, &told);
  if (is_given_up(handle))
    note_given_up(target, &told);
  return vmf_fail_again(&told, error);
}

/* ---- whole blocks ---- */

static enum vmf_code get(struct target *target, struct nbd_handle *handle, void *buffer,
                         size_t length, uint64_t offset, struct vmf_error *error)
{
  struct vmf_nbd_chunks chunks = {0};
  int64_t cookie = vmf_nbd.nbd_aio_pread_structured(
      handle, buffer, length, offset, vmf_nbd_chunks_take(&chunks), NBD_NULL_COMPLETION, 0);

  VMF_TRY(end_call(target, handle, cookie, "reading", length, offset, error));
  return vmf_nbd_chunks_check(&chunks, target->io.name, offset, offset + length, error);
}

static enum vmf_code put(struct target *target, struct nbd_handle *handle, const uint8_t *data,
                         uint64_t length, uint64_t offset, struct vmf_error *error)
{
  while (length > 0) {
    size_t part = (size_t)vmf_min(length, data ? target->most : vmf_min(target->most, VMF_ZEROS));
    int64_t cookie = vmf_nbd.nbd_aio_pwrite(handle, data ? data : vmf_zeros, part, offset,
                                            NBD_NULL_COMPLETION, 0);
    VMF_TRY(end_call(target, handle, cookie, "writing", part, offset, error));
    data = data ? data + part : NULL;
    length -= part;
    offset += part;
  }
  return VMF_OK;
}

static enum vmf_code put_zeros(struct target *target, struct nbd_handle *handle, uint64_t length,
                               uint64_t offset, bool allocate, struct vmf_error *error)
{
  if (!target->zeroes)
    return put(target, handle, NULL, length, offset, error);
  while (length > 0) {
    uint64_t part = vmf_min(length, ZEROED_MOST);
    int64_t cookie = vmf_nbd.nbd_aio_zero(handle, part, offset, NBD_NULL_COMPLETION,
                                          allocate ? LIBNBD_CMD_FLAG_NO_HOLE : 0);
    VMF_TRY(end_call(target, handle, cookie, "making zeros", part, offset, error));
    length -= part;
    offset += part;
  }
  return VMF_OK;
}

/* ---- any bytes ---- */

/* At most up to the end of the block that `offset` is in. */
static enum vmf_code put_part(struct target *target, struct nbd_handle *handle, const uint8_t *data,
                              size_t length, uint64_t offset, struct vmf_error *error)
{
  VMF_AUTO_FREE void *block = NULL;
  uint64_t start = vmf_align_down(offset, target->block);
  size_t whole = (size_t)vmf_min(target->block, target->io.size - start);

  VMF_TRY(vmf_alloc(target->block, &block, error));
  pthread_mutex_lock(&target->part);
  enum vmf_code code = get(target, handle, block, whole, start, error);
  if (data)
    memcpy((uint8_t *)block + (offset - start), data, length);
  else
    memset((uint8_t *)block + (offset - start), 0, length);
  if (code == VMF_OK)
    code = put(target, handle, block, whole, start, error);
  pthread_mutex_unlock(&target->part);
  return code;
}

/* data NULL: zeros. */
static enum vmf_code put_any(struct target *target, struct nbd_handle *handle, const uint8_t *data,
                             uint64_t length, uint64_t offset, bool allocate,
                             struct vmf_error *error)
{
  while (length > 0) {
    uint64_t ahead = vmf_align_up(offset, target->block) - offset;
    uint64_t part = vmf_min(length, ahead);
    bool last = offset + length == target->io.size;
    uint64_t whole = last ? length : vmf_align_down(length, target->block);
    enum vmf_code code = VMF_OK;

    if (part == 0 && whole > 0) {
      part = whole;
      code = data ? put(target, handle, data, part, offset, error)
                  : put_zeros(target, handle, part, offset, allocate, error);
    } else {
      part = part > 0 ? part : length;
      code = put_part(target, handle, data, (size_t)part, offset, error);
    }
    VMF_TRY(code);
    data = data ? data + part : NULL;
    length -= part;
    offset += part;
  }
  return VMF_OK;
}

static enum vmf_code check_within(const struct vmf_io *io, uint64_t offset, uint64_t length,
                                  struct vmf_error *error)
{
  if (vmf_range_within(offset, length, io->size))
    return VMF_OK;
  return vmf_fail(error, VMF_WRITE,
                  "%s: no space left: %" PRIu64 " bytes were to be written at byte %" PRIu64
                  ", the export has %" PRIu64 " bytes",
                  io->name, length, offset, io->size);
}

/* ---- the io ---- */

static enum vmf_code target_pwrite(struct vmf_io *io, const struct vmf_piece *pieces,
                                   unsigned count, uint64_t offset, struct vmf_error *error)
{
  struct target *target = (struct target *)io;
  enum vmf_code code = VMF_OK;
  unsigned line;

  VMF_TRY(take_line(target, &line, error));
  for (unsigned i = 0; i < count && code == VMF_OK; i++) {
    code = check_within(io, offset, pieces[i].length, error);
    if (code == VMF_OK)
      code = put_any(target, target->lines[line], pieces[i].data, pieces[i].length, offset, true,
                     error);
    offset += pieces[i].length;
  }
  give_line(target, line);
  return code;
}

static enum vmf_code target_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  struct target *target = (struct target *)io;
  uint64_t start = vmf_align_down(offset, target->block);
  uint64_t end = vmf_min(vmf_align_up(offset + length, target->block), io->size);
  VMF_AUTO_FREE void *blocks = NULL;
  enum vmf_code code = VMF_OK;
  unsigned line;

  VMF_TRY(vmf_alloc(REQUEST + 2 * BLOCK_MOST, &blocks, error));
  VMF_TRY(take_line(target, &line, error));
  for (uint64_t at = start; at < end && code == VMF_OK;) {
    size_t part = (size_t)vmf_min(end - at, target->most);
    uint64_t from = vmf_max(at, offset), to = vmf_min(at + part, offset + length);
    code = get(target, target->lines[line], blocks, part, at, error);
    if (code == VMF_OK)
      memcpy((uint8_t *)buffer + (from - offset), (uint8_t *)blocks + (from - at), to - from);
    at += part;
  }
  give_line(target, line);
  return code;
}

static enum vmf_code target_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                                 struct vmf_error *error)
{
  struct target *target = (struct target *)io;
  unsigned line;

  VMF_TRY(check_within(io, offset, length, error));
  VMF_TRY(take_line(target, &line, error));
  enum vmf_code code = put_any(target, target->lines[line], NULL, length, offset, allocate, error);
  give_line(target, line);
  return code;
}

/* Where the server says that zeros cost less than writing them. */
static enum vmf_code target_clear(struct vmf_io *io, uint64_t length, struct vmf_error *error)
{
  struct target *target = (struct target *)io;
  struct nbd_handle *handle = target->lines[0];
  uint64_t end = vmf_align_down(length, target->block), part;

  if (!target->zeroes_fast)
    return VMF_OK;
  for (uint64_t at = 0; at < end; at += part) {
    part = vmf_min(ZEROED_MOST, end - at);
    int64_t cookie =
        vmf_nbd.nbd_aio_zero(handle, part, at, NBD_NULL_COMPLETION, LIBNBD_CMD_FLAG_FAST_ZERO);
    struct vmf_error why = {0};
    enum vmf_code code = end_call(target, handle, cookie, "making zeros", part, at, &why);
    if (code == VMF_WRITE)
      return VMF_OK;
    if (code != VMF_OK)
      return vmf_fail_again(&why, error);
  }
  VMF_TRY(put_any(target, handle, NULL, length - end, end, false, error));
  io->reads_as_zero = true;
  return VMF_OK;
}

static enum vmf_code target_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  if (size <= io->size)
    return VMF_OK;
  return vmf_fail(error, VMF_WRITE, "%s: the export has %" PRIu64 " bytes, %" PRIu64 " are needed",
                  io->name, io->size, size);
}

static enum vmf_code target_flush(struct vmf_io *io, struct vmf_error *error)
{
  struct target *target = (struct target *)io;

  for (unsigned i = 0; target->sync && target->flushes && i < target->count; i++) {
    VMF_TRY(check_line(target, target->lines[i], error));
    int64_t cookie = vmf_nbd.nbd_aio_flush(target->lines[i], NBD_NULL_COMPLETION, 0);
    VMF_TRY(end_call(target, target->lines[i], cookie, "flushing", io->size, 0, error));
  }
  return VMF_OK;
}

static void target_close(struct vmf_io *io)
{
  struct target *target = (struct target *)io;

  for (unsigned i = 0; i < target->count; i++)
    vmf_nbd_part(target->lines[i], io->name);
  pthread_cond_destroy(&target->free);
  pthread_mutex_destroy(&target->lock);
  pthread_mutex_destroy(&target->part);
  vmf_free(io->name);
  vmf_free(target);
}

static const struct vmf_io_ops target_ops = {
    .kind = "NBD export",
    .pread = target_pread,
    .pwrite = target_pwrite,
    .zero = target_zero,
    .clear = target_clear,
    .resize = target_resize,
    .flush = target_flush,
    .close = target_close,
};

/* ---- opening ---- */

static enum vmf_code open_first(struct target *target, const char *url, struct vmf_error *error)
{
  struct vmf_tries tries = {0};
  struct vmf_attempt attempt;
  struct vmf_error why = {0};
  enum vmf_code code;

  do {
    attempt = (struct vmf_attempt){.most_tries = 5};
    code = vmf_nbd_connect(url, target->io.name, NULL, VMF_NBD_STALL, &target->lines[target->count],
                           &attempt, &why);
  } while (code != VMF_OK && vmf_tries_again(&tries, &attempt, NULL, &why));
  target->count += code == VMF_OK;
  return code == VMF_OK ? VMF_OK : vmf_fail_again(&why, error);
}

static enum vmf_code look(struct target *target, struct vmf_error *error)
{
  struct nbd_handle *handle = target->lines[0];
  int64_t size = vmf_nbd.nbd_get_size(handle);
  int64_t block = vmf_nbd.nbd_get_block_size(handle, LIBNBD_SIZE_MINIMUM);
  int64_t most = vmf_nbd.nbd_get_block_size(handle, LIBNBD_SIZE_MAXIMUM);

  if (vmf_nbd.nbd_is_read_only(handle) != 0)
    return vmf_fail(error, VMF_REFUSED, "%s: the server lets nobody write to this export",
                    target->io.name);
  if (size < 0)
    return vmf_fail(error, VMF_WRITE, "%s: the server tells no size", target->io.name);
  target->block = block > 1 ? (uint32_t)vmf_min((uint64_t)block, UINT32_MAX) : 1;
  target->most = (uint32_t)vmf_min(most > 0 ? (uint64_t)most : REQUEST, REQUEST);
  if (target->block > BLOCK_MOST || !vmf_is_power_of_two(target->block) ||
      target->most < target->block)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the server takes blocks of %u bytes, expected a power of two up to %d",
                    target->io.name, target->block, BLOCK_MOST);
  target->most = (uint32_t)vmf_align_down(target->most, target->block);
  target->io.size = (uint64_t)size;
  target->flushes = vmf_nbd.nbd_can_flush(handle) == 1;
  target->zeroes = vmf_nbd.nbd_can_zero(handle) == 1;
  target->zeroes_fast = target->zeroes && vmf_nbd.nbd_can_fast_zero(handle) == 1;
  return VMF_OK;
}

/* As many as there may be. One that the server does not take up at once is done without. */
static void open_more(struct target *target, const char *url)
{
  unsigned lines = vmf_nbd.nbd_can_multi_conn(target->lines[0]) == 1 ? LINES : 1;
  struct vmf_attempt attempt = {0};
  struct vmf_error ignored;

  while (target->count < lines &&
         vmf_nbd_connect(url, target->io.name, NULL, VMF_NBD_MORE, &target->lines[target->count],
                         &attempt, &ignored) == VMF_OK)
    target->count++;
}

static enum vmf_code open_lines(struct target *target, const char *name, struct vmf_error *error)
{
  VMF_AUTO_FREE char *url = NULL;

  VMF_TRY(vmf_url_whole(name, &url, error));
  VMF_TRY(open_first(target, url, error));
  VMF_TRY(look(target, error));
  open_more(target, url);
  target->io.writers = target->count;
  return VMF_OK;
}

enum vmf_code vmf_io_write_nbd(const char *name, bool sync, struct vmf_io **io,
                               struct vmf_error *error)
{
  void *memory;
  char *copy;

  VMF_TRY(vmf_copy_text(name, &copy, error));
  enum vmf_code code = vmf_alloc(sizeof(struct target), &memory, error);
  if (code != VMF_OK) {
    vmf_free(copy);
    return code;
  }
  struct target *target = memory;
  target->io = (struct vmf_io){.ops = &target_ops, .name = copy, .device = true};
  target->sync = sync;
  pthread_mutex_init(&target->part, NULL);
  pthread_mutex_init(&target->lock, NULL);
  pthread_cond_init(&target->free, NULL);
  code = open_lines(target, name, error);
  if (code == VMF_OK)
    *io = &target->io;
  else
    target_close(&target->io);
  return code;
}

#else

enum vmf_code vmf_io_write_nbd(const char *name, bool sync, struct vmf_io **io,
                               struct vmf_error *error)
{
  (void)sync, (void)io;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: this build is without libnbd, which writes to NBD servers", name);
}

#endif
