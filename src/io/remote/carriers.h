/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The blocks of a remote file, and the threads that bring them. Private to this folder. */
#ifndef VMF_IO_REMOTE_CARRIERS_H
#define VMF_IO_REMOTE_CARRIERS_H

#include <pthread.h>

#include "transport.h"

enum {
  VMF_REMOTE_BLOCKS = 48, /* kept, or under way */
  VMF_REMOTE_WINDOW = 32, /* so many blocks are asked for ahead, at most */
  VMF_REMOTE_LINES = 8    /* threads, each with a connection, at most */
};

enum vmf_remote_state {
  VMF_BLOCK_EMPTY,
  VMF_BLOCK_WANTED,
  VMF_BLOCK_LOADING,
  VMF_BLOCK_READY,
  VMF_BLOCK_FAILED
};

struct vmf_remote_block {
  enum vmf_remote_state state;
  uint64_t index; /* offset / VMF_REMOTE_BLOCK */
  uint64_t stamp; /* when it was asked for, or read last */
  unsigned pins;  /* who waits for it or copies from it */
  bool read;      /* somebody has */
  uint8_t *bytes; /* of the file's memory; LOADING: of the carrier; READY: they do not change while
                   * pinned */
  struct vmf_error error; /* FAILED */
};

struct vmf_remote {
  struct vmf_transport *transport; /* owned */
  char *name;                      /* owned */
  uint64_t id;                     /* of its name, version and size */
  struct vmf_remote *next;         /* these three: guarded by the list's lock (remote_io.c) */
  unsigned users;
  uint64_t left; /* when the last user went, vmf_tries_now */
  /* Guards all below. */
  pthread_mutex_t lock;
  pthread_cond_t wanted;  /* there is a block to be loaded, or it is stopping */
  pthread_cond_t arrived; /* a block has changed its state, or is not pinned any more */
  uint8_t *memory;        /* of the blocks, in their order; owned; NULL: there is none yet */
  struct vmf_remote_block blocks[VMF_REMOTE_BLOCKS];
  uint64_t clock;                /* of the stamps */
  unsigned window;               /* blocks that are asked for ahead now */
  uint64_t data_start, data_end; /* the data that was told of last; equal: nothing is known */
  pthread_t threads[VMF_REMOTE_LINES];
  unsigned thread_count;
  unsigned idle;    /* threads without a load */
  unsigned loading; /* threads with one */
  unsigned allowed; /* to be loading at once: fewer where the server is busy */
  bool stopping;
  bool stale; /* it has changed on the server */
};

/* Takes the transport over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_remote_new(struct vmf_transport *transport, const char *name,
                                            struct vmf_remote **remote, struct vmf_error *error);
void vmf_remote_free(struct vmf_remote *remote);

/* Bytes, all of which are below the size. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_remote_read(struct vmf_remote *remote, void *buffer, size_t length,
                                             uint64_t offset, struct vmf_error *error);

/* As vmf_io_ops.next_data. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_remote_next_data(struct vmf_remote *remote, uint64_t offset,
                                                  uint64_t *start, uint64_t *end,
                                                  struct vmf_error *error);

/* As those of vmf_io_ops. One thread. */
VMF_MUST_CHECK enum vmf_code vmf_remote_choose_bitmap(struct vmf_remote *remote, const char *name,
                                                      struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_remote_next_marked(struct vmf_remote *remote, uint64_t offset,
                                                    uint64_t *start, uint64_t *end,
                                                    struct vmf_error *error);

/* Ends the threads; what was read stays. No other call may be under way. */
void vmf_remote_rest(struct vmf_remote *remote);

/* For blocks.c: the lock is held. Sees to it that somebody loads what is wanted. VMF_SYSTEM: there
 * is no thread, and none can be started. */
VMF_MUST_CHECK enum vmf_code vmf_carriers_call(struct vmf_remote *remote, struct vmf_error *error);

#endif
