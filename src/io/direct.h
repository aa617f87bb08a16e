/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Much that is written goes past the page cache: it is gathered into chunks, and many of them are
 * on their way to the disk at once (io_submit) while more is written. That takes half the processor
 * time, and leaves the cache to others. Pages that are not written as a whole, and short pieces
 * here and there, still go through the cache; the same page never goes both ways at once. What the
 * system cannot do in this way, now or suddenly, is done through the cache. Private to this folder.
 */
#ifndef VMF_IO_DIRECT_H
#define VMF_IO_DIRECT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "writeback.h"

enum {
  VMF_DIRECT_BEGIN = 64 << 20, /* bytes that are written before: less is not worth the setting up */
  VMF_CHUNKS = 16,
  VMF_CHUNK_BYTES = 512 * 1024
};

/* Bytes at [start, end) of the file; `bytes` is for the multiple of VMF_CHUNK_BYTES that they are
 * in. */
struct vmf_chunk {
  uint8_t *bytes;
  uint64_t start, end; /* equal: nothing is in it */
};

struct vmf_direct {
  atomic_bool used; /* there are chunks: who does anything else with these bytes settles them */
  /* Guards all below, also while the disk is waited for: who waits for it would wait for the disk
   * anyway. */
  pthread_mutex_t lock;
  bool refused;          /* all goes through the cache from now on */
  bool fixed;            /* a device: it does not grow */
  int cached, number;    /* the file; the same, open for direct writing: owned, -1: it is not */
  uint64_t written;      /* bytes, before it was used */
  uint64_t reach;        /* so long has the file been made; more than what is in it */
  uint8_t *memory;       /* of all chunks */
  unsigned long context; /* the kernel's, of what is under way; 0: none */
  struct vmf_chunk chunks[VMF_CHUNKS];
  struct vmf_chunk *filling; /* not under way yet; NULL: none */
  unsigned under_way;
  int failure; /* errno of the first chunk that the disk refused; 0: none */
  struct vmf_dirty_range failed;
};

void vmf_direct_init(struct vmf_direct *direct);

/* From now on what is written to the file `number` may go this way. fixed: it is a device. */
void vmf_direct_allow(struct vmf_direct *direct, int number, bool fixed);

/* Takes the pieces for `offset`, or (*taken == false) leaves them to the caller, for whom nothing
 * is in the way then. 0, or the errno of something that was taken before; *failed is its place. Any
 * thread. */
int vmf_direct_write(struct vmf_direct *direct, const struct vmf_piece *pieces, unsigned count,
                     uint64_t offset, bool *taken, struct vmf_dirty_range *failed);

/* Waits until what was taken of [start, end) is in the file. Result as above. */
int vmf_direct_settle(struct vmf_direct *direct, uint64_t start, uint64_t end,
                      struct vmf_dirty_range *failed);

/* The same of all; then the file ends at `size` again. */
int vmf_direct_finish(struct vmf_direct *direct, uint64_t size, struct vmf_dirty_range *failed);

/* What has not been settled is given up. */
void vmf_direct_destroy(struct vmf_direct *direct);

#endif
