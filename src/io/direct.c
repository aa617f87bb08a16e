/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "direct.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "checked.h"
#include "memory.h"

enum {
  PAGE = 4096,
  LEAST = 64 * 1024 /* shorter ones, apart from others, go through the cache */
};

/* A file that grows is made twice as long, but by as many bytes more. */
static const uint64_t REACH_LEAST = 64 << 20, REACH_MOST = 16ull << 30;

void vmf_direct_init(struct vmf_direct *direct)
{
  atomic_init(&direct->used, false);
  pthread_mutex_init(&direct->lock, NULL);
  direct->refused = true;
  direct->number = -1;
}

void vmf_direct_allow(struct vmf_direct *direct, int number, bool fixed)
{
  direct->cached = number;
  direct->fixed = fixed;
  direct->refused = false;
}

/* ---- with the lock held: the system ---- */

/* Whether the file system says that it can, by pages. Those that do not say so (in a network,
 * Btrfs, which would copy all for its checksums, tmpfs) are better off with the cache. */
static bool is_able(int number, uint64_t *size)
{
  struct statx status;

  if (statx(number, "", AT_EMPTY_PATH, STATX_SIZE | STATX_DIOALIGN, &status) != 0)
    return false;
  *size = status.stx_size;
  return (status.stx_mask & STATX_DIOALIGN) && status.stx_dio_offset_align > 0 &&
         status.stx_dio_offset_align <= PAGE && status.stx_dio_mem_align <= PAGE;
}

static bool set_up(struct vmf_direct *direct)
{
  char name[64];
  void *memory;

  if (!is_able(direct->cached, &direct->reach))
    return false;
  snprintf(name, sizeof name, "/proc/self/fd/%d", direct->cached);
  direct->number = open(name, O_WRONLY | O_DIRECT | O_CLOEXEC);
  if (direct->number < 0 || syscall(SYS_io_setup, (long)VMF_CHUNKS, &direct->context) != 0 ||
      vmf_alloc_pages((size_t)VMF_CHUNKS * VMF_CHUNK_BYTES, &memory, NULL) != VMF_OK)
    return false;
  direct->memory = memory;
  for (unsigned i = 0; i < VMF_CHUNKS; i++)
    direct->chunks[i].bytes = direct->memory + (size_t)i * VMF_CHUNK_BYTES;
  return true;
}

static bool is_of_the_disk(int number)
{
  return number == EIO || number == ENOSPC || number == EDQUOT;
}

static void fail(struct vmf_direct *direct, int number, uint64_t start, uint64_t end)
{
  if (direct->failure != 0)
    return;
  direct->failure = number;
  direct->failed = (struct vmf_dirty_range){.start = start, .end = end};
}

/* Through the cache. */
static void put(struct vmf_direct *direct, const struct vmf_chunk *chunk, uint64_t start,
                uint64_t end)
{
  while (start < end && direct->failure == 0) {
    struct iovec bytes = {.iov_base = chunk->bytes + start % VMF_CHUNK_BYTES,
                          .iov_len = (size_t)(end - start)};
    ssize_t done = pwritev(direct->cached, &bytes, 1, (off_t)start);
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      fail(direct, done == 0 ? EIO : errno, start, end);
    else
      start += (uint64_t)done;
  }
}

/* The file system would wait for each chunk that makes the file longer. ftruncate() could cut off
 * what another thread has written meanwhile; this cannot. */
static bool reach(struct vmf_direct *direct, uint64_t end)
{
  uint64_t further = end + vmf_min(vmf_max(end, REACH_LEAST), REACH_MOST);

  if (end <= direct->reach || direct->fixed)
    return true;
  if (further > INT64_MAX || fallocate(direct->cached, 0, (off_t)(further - PAGE), PAGE) != 0)
    return false;
  direct->reach = further;
  return true;
}

/* ---- with the lock held: chunks ---- */

/* What became of a chunk that was under way. */
static void arrive(struct vmf_direct *direct, const struct io_event *event)
{
  struct vmf_chunk *chunk = &direct->chunks[event->data];
  uint64_t done = event->res > 0 ? (uint64_t)event->res : 0;

  if (event->res < 0 && is_of_the_disk((int)-event->res)) {
    fail(direct, (int)-event->res, chunk->start, chunk->end);
  } else if (done < chunk->end - chunk->start) {
    direct->refused = true;
    put(direct, chunk, chunk->start + done, chunk->end);
  }
  chunk->start = chunk->end = 0;
  direct->under_way--;
}

static void wait_for_some(struct vmf_direct *direct)
{
  struct io_event events[VMF_CHUNKS];
  long count;

  do
    count = syscall(SYS_io_getevents, direct->context, 1L, (long)VMF_CHUNKS, events, NULL);
  while (count < 0 && errno == EINTR);
  for (long i = 0; i < count; i++)
    arrive(direct, &events[i]);
  if (count > 0)
    return;
  fail(direct, count < 0 ? errno : EIO, 0, direct->reach); /* nothing is known of them any more */
  for (unsigned i = 0; i < VMF_CHUNKS; i++)
    direct->chunks[i].start = direct->chunks[i].end = 0;
  direct->filling = NULL;
  direct->under_way = 0;
}

static bool submit(struct vmf_direct *direct, const struct vmf_chunk *chunk)
{
  const uint8_t *bytes = chunk->bytes + chunk->start % VMF_CHUNK_BYTES;
  struct iocb request = {.aio_data = (uint64_t)(chunk - direct->chunks),
                         .aio_lio_opcode = IOCB_CMD_PWRITE,
                         .aio_fildes = (uint32_t)direct->number,
                         .aio_buf = (uint64_t)(uintptr_t)bytes,
                         .aio_nbytes = chunk->end - chunk->start,
                         .aio_offset = (int64_t)chunk->start};
  struct iocb *requests[] = {&request};

  return syscall(SYS_io_submit, direct->context, 1L, requests) == 1;
}

/* Sends off what is being filled: whole pages directly. */
static void send(struct vmf_direct *direct)
{
  struct vmf_chunk *chunk = direct->filling;

  if (!chunk)
    return;
  direct->filling = NULL;
  uint64_t first = vmf_min(vmf_align_up(chunk->start, PAGE), chunk->end);
  uint64_t last = vmf_max(vmf_align_down(chunk->end, PAGE), first);
  put(direct, chunk, chunk->start, first);
  put(direct, chunk, last, chunk->end);
  chunk->start = first;
  chunk->end = last;
  if (first == last)
    return;
  if (!direct->refused && reach(direct, last) && submit(direct, chunk)) {
    direct->under_way++;
    return;
  }
  direct->refused = true;
  put(direct, chunk, first, last);
  chunk->start = chunk->end = 0;
}

/* Whether they have a page in common. */
static bool meets(const struct vmf_chunk *chunk, uint64_t start, uint64_t end)
{
  return chunk->start < chunk->end && vmf_align_down(chunk->start, PAGE) < end &&
         vmf_align_down(start, PAGE) < chunk->end;
}

static void clear_way(struct vmf_direct *direct, uint64_t start, uint64_t end)
{
  if (direct->filling && meets(direct->filling, start, end))
    send(direct);
  for (unsigned i = 0; i < VMF_CHUNKS; i++)
    while (&direct->chunks[i] != direct->filling && meets(&direct->chunks[i], start, end))
      wait_for_some(direct);
}

static void begin(struct vmf_direct *direct, uint64_t offset)
{
  unsigned i = 0;

  clear_way(direct, offset, vmf_align_down(offset, VMF_CHUNK_BYTES) + VMF_CHUNK_BYTES);
  while (direct->under_way == VMF_CHUNKS)
    wait_for_some(direct);
  while (direct->chunks[i].start < direct->chunks[i].end)
    i++;
  direct->filling = &direct->chunks[i];
  direct->filling->start = direct->filling->end = offset;
}

static void append(struct vmf_direct *direct, const struct vmf_piece *piece, uint64_t offset)
{
  for (size_t done = 0, step; done < piece->length; done += step) {
    uint64_t within = (offset + done) % VMF_CHUNK_BYTES;
    step = (size_t)vmf_min(piece->length - done, VMF_CHUNK_BYTES - within);
    if (!direct->filling)
      begin(direct, offset + done);
    if (piece->data)
      memcpy(direct->filling->bytes + within, (const uint8_t *)piece->data + done, step);
    else
      memset(direct->filling->bytes + within, 0, step);
    direct->filling->end = offset + done + step;
    if (within + step == VMF_CHUNK_BYTES)
      send(direct);
  }
}

/* Whether it is, or becomes, the way for what is written now. */
static bool is_on(struct vmf_direct *direct, uint64_t length)
{
  if (atomic_load(&direct->used) || direct->refused)
    return !direct->refused;
  direct->written += length;
  if (direct->written < VMF_DIRECT_BEGIN)
    return false;
  direct->refused = !set_up(direct);
  atomic_store(&direct->used, !direct->refused);
  return !direct->refused;
}

static bool take(struct vmf_direct *direct, const struct vmf_piece *pieces, unsigned count,
                 uint64_t offset)
{
  uint64_t length = 0;

  for (unsigned i = 0; i < count; i++)
    length += pieces[i].length;
  bool on = is_on(direct, length) && direct->failure == 0;
  bool follows = direct->filling && direct->filling->end == offset;
  if (!on || (!follows && length < LEAST)) {
    clear_way(direct, offset, offset + length);
    return false;
  }
  if (!follows)
    send(direct);
  for (; count > 0; count--, pieces++) {
    append(direct, pieces, offset);
    offset += pieces->length;
  }
  return true;
}

static int result_of(const struct vmf_direct *direct, struct vmf_dirty_range *failed)
{
  *failed = direct->failed;
  return direct->failure;
}

/* ---- without it ---- */

int vmf_direct_write(struct vmf_direct *direct, const struct vmf_piece *pieces, unsigned count,
                     uint64_t offset, bool *taken, struct vmf_dirty_range *failed)
{
  pthread_mutex_lock(&direct->lock);
  *taken = take(direct, pieces, count, offset);
  int result = result_of(direct, failed);
  pthread_mutex_unlock(&direct->lock);
  return result;
}

int vmf_direct_settle(struct vmf_direct *direct, uint64_t start, uint64_t end,
                      struct vmf_dirty_range *failed)
{
  if (!atomic_load_explicit(&direct->used, memory_order_acquire))
    return 0;
  pthread_mutex_lock(&direct->lock);
  clear_way(direct, start, end);
  int result = result_of(direct, failed);
  pthread_mutex_unlock(&direct->lock);
  return result;
}

int vmf_direct_finish(struct vmf_direct *direct, uint64_t size, struct vmf_dirty_range *failed)
{
  int result = vmf_direct_settle(direct, 0, UINT64_MAX, failed);

  pthread_mutex_lock(&direct->lock);
  if (direct->reach > size && !direct->fixed) {
    if (ftruncate(direct->cached, (off_t)size) != 0)
      fail(direct, errno, size, direct->reach);
    direct->reach = size;
    result = result_of(direct, failed);
  }
  pthread_mutex_unlock(&direct->lock);
  return result;
}

void vmf_direct_destroy(struct vmf_direct *direct)
{
  if (direct->context != 0)
    (void)syscall(SYS_io_destroy, direct->context); /* which waits for what is under way */
  if (direct->number >= 0)
    close(direct->number);
  vmf_free(direct->memory);
  pthread_mutex_destroy(&direct->lock);
}
