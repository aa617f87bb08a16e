/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is written goes to the disk at once and not at the end: the system would wait until much is
 * dirty, the disk idle meanwhile, and fsync would find all of it to do. So little is dirty at any
 * time, and what the disk has got leaves the page cache to others. Private to this folder. */
#ifndef VMF_IO_WRITEBACK_H
#define VMF_IO_WRITEBACK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { VMF_DIRTY_RANGES = 128 };

struct vmf_dirty_range {
  uint64_t start, end; /* bytes of the file; equal: empty */
};

struct vmf_writeback {
  atomic_bool refused; /* this kind of file cannot be hurried, or has no disk */
  /* Guards all below. Not held while the system is asked. */
  pthread_mutex_t lock;
  struct vmf_dirty_range growing; /* what was written last, with the holes in it */
  /* A ring, oldest first: what is being written to the disk. */
  struct vmf_dirty_range under_way[VMF_DIRTY_RANGES];
  unsigned first, count;
  uint64_t bytes; /* in the ring */
};

void vmf_writeback_init(struct vmf_writeback *writeback);
void vmf_writeback_destroy(struct vmf_writeback *writeback);

/* [start, end) was written to the file `number`. Waits where the disk is too far behind. 0, or the
 * errno with which the disk refused what was written; *failed is the place. Any thread. */
int vmf_writeback_note(struct vmf_writeback *writeback, int number, uint64_t start, uint64_t end,
                       struct vmf_dirty_range *failed);

#endif
