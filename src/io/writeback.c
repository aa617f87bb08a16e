/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "writeback.h"

#include <errno.h>
#include <fcntl.h>

#include "checked.h"

enum {
  PAGE = 4096,
  STEP = 1 << 20,  /* as much is given to the disk at once */
  NEAR = 1 << 20,  /* a hole up to which two writes are one range */
  LIMIT = 64 << 20 /* bytes that may be under way: more than any disk needs to be busy */
};

void vmf_writeback_init(struct vmf_writeback *writeback)
{
  atomic_init(&writeback->refused, false);
  pthread_mutex_init(&writeback->lock, NULL);
}

void vmf_writeback_destroy(struct vmf_writeback *writeback)
{
  pthread_mutex_destroy(&writeback->lock);
}

/* ---- with the lock held ---- */

/* Adds what was written. True: *ready can go to the disk. A page that is not full yet waits for the
 * next write, or it would go there twice. */
static bool grow(struct vmf_writeback *writeback, uint64_t start, uint64_t end,
                 struct vmf_dirty_range *ready)
{
  struct vmf_dirty_range *growing = &writeback->growing;
  bool empty = growing->start == growing->end;

  if (!empty && (start < growing->start || start - growing->start > STEP + NEAR)) {
    *ready = *growing;
    *growing = (struct vmf_dirty_range){.start = start, .end = end};
    return true;
  }
  growing->start = empty ? start : growing->start;
  growing->end = vmf_max(growing->end, end);
  if (growing->end - growing->start < STEP)
    return false;
  *ready =
      (struct vmf_dirty_range){.start = growing->start, .end = vmf_align_down(growing->end, PAGE)};
  growing->start = ready->end;
  return true;
}

static void push(struct vmf_writeback *writeback, struct vmf_dirty_range range)
{
  unsigned last = (writeback->first + writeback->count++) % VMF_DIRTY_RANGES;

  writeback->under_way[last] = range;
  writeback->bytes += range.end - range.start;
}

/* The oldest range, if there are too many bytes or no room for another range. */
static bool pop_excess(struct vmf_writeback *writeback, struct vmf_dirty_range *range)
{
  if (writeback->count < VMF_DIRTY_RANGES && writeback->bytes <= LIMIT)
    return false;
  *range = writeback->under_way[writeback->first];
  writeback->first = (writeback->first + 1) % VMF_DIRTY_RANGES;
  writeback->count--;
  writeback->bytes -= range->end - range->start;
  return true;
}

/* ---- without it ---- */

/* Who waits for the disk is told what became of the writing, whatever that is (a server may say
 * ESTALE), and the kernel tells it once: fsync would hear nothing of it. Without waiting, fsync is
 * told again. */
static bool is_of_the_disk(int number, bool waits)
{
  bool cannot = number == ESPIPE || number == EINVAL || number == ENOSYS || number == EOPNOTSUPP;

  return waits ? !cannot : number == EIO || number == ENOSPC || number == EDQUOT;
}

/* Whatever else it says, fsync will do all of it. */
static int ask(struct vmf_writeback *writeback, int number, struct vmf_dirty_range range,
               unsigned flags)
{
  if (sync_file_range(number, (off_t)range.start, (off_t)(range.end - range.start), flags) == 0)
    return 0;
  if (is_of_the_disk(errno, flags & SYNC_FILE_RANGE_WAIT_AFTER))
    return errno;
  atomic_store(&writeback->refused, true);
  return 0;
}

/* Waits until a range is on the disk; then its pages are of no more use. */
static int settle(struct vmf_writeback *writeback, int number, struct vmf_dirty_range range)
{
  int result =
      ask(writeback, number, range,
          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  if (result == 0)
    (void)posix_fadvise(number, (off_t)range.start, (off_t)(range.end - range.start),
                        POSIX_FADV_DONTNEED);
  return result;
}

int vmf_writeback_note(struct vmf_writeback *writeback, int number, uint64_t start, uint64_t end,
                       struct vmf_dirty_range *failed)
{
  if (atomic_load_explicit(&writeback->refused, memory_order_relaxed))
    return 0;
  pthread_mutex_lock(&writeback->lock);
  bool ready = grow(writeback, start, end, failed);
  pthread_mutex_unlock(&writeback->lock);
  if (!ready)
    return 0;
  int result = ask(writeback, number, *failed, SYNC_FILE_RANGE_WRITE);
  if (result != 0)
    return result;
  pthread_mutex_lock(&writeback->lock);
  push(writeback, *failed);
  while (result == 0 && pop_excess(writeback, failed)) {
    pthread_mutex_unlock(&writeback->lock);
    result = settle(writeback, number, *failed);
    pthread_mutex_lock(&writeback->lock);
  }
  pthread_mutex_unlock(&writeback->lock);
  return result;
}
