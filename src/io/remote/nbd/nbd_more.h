/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Further connections to a server, which a thread of their own makes while others are used: some
 * servers say that there may be many, and let those wait that are more than they serve (qemu-nbd
 * --shared). Private to this folder. */
#ifndef VMF_IO_NBD_MORE_H
#define VMF_IO_NBD_MORE_H

#include <pthread.h>

#include "nbd_connection.h"

enum { VMF_NBD_MORE_MOST = 7 };

struct vmf_nbd_more {
  const char *url, *name; /* not owned */
  uint64_t size;          /* that the export has to have */
  /* Guards all below. */
  pthread_mutex_t lock;
  pthread_cond_t ended; /* the thread has */
  int wake;             /* an eventfd by which the thread is told to end; -1: there is none */
  pthread_t thread;
  bool started; /* the thread was, and is to be joined */
  bool busy;    /* it is at work, on so many: */
  unsigned wanted;
  struct nbd_handle *ready[VMF_NBD_MORE_MOST]; /* owned; that nobody has taken */
  unsigned count, taken;
  bool failed;          /* one was not taken up: there are no more */
  struct vmf_error why; /* VMF_CHANGED: one of them sees another export; else nothing */
};

void vmf_nbd_more_init(struct vmf_nbd_more *more);
void vmf_nbd_more_destroy(struct vmf_nbd_more *more);

/* Ends the thread, and the connections that nobody has taken. */
void vmf_nbd_more_rest(struct vmf_nbd_more *more);

/* Sees to it that there are so many, or will be. Any thread. */
void vmf_nbd_more_want(struct vmf_nbd_more *more, unsigned count);

/* One that is there, or NULL; the caller closes it. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_more_take(struct vmf_nbd_more *more,
                                               struct nbd_handle **handle, struct vmf_error *error);
/* One that was taken is no more. */
void vmf_nbd_more_gone(struct vmf_nbd_more *more);

#endif
