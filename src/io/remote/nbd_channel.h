/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A connection to an NBD server that several threads use: each sends its requests and waits for
 * their answers, and one of those that wait listens for all. Private to this folder. */
#ifndef VMF_IO_NBD_CHANNEL_H
#define VMF_IO_NBD_CHANNEL_H

#include <pthread.h>

#include "nbd_connection.h"

struct vmf_nbd_channel {
  pthread_cond_t heard; /* answers have come, or somebody has left */
  /* Guards all below, and is held in calls of libnbd; not while somebody listens. */
  pthread_mutex_t lock;
  struct nbd_handle *handle;        /* owned; NULL: there is no connection */
  unsigned users;                   /* have requests under way */
  struct vmf_nbd_patience patience; /* with the server, while there are users */
  bool listening;                   /* one of them does */
  bool broken; /* nobody calls libnbd any more; the last user to leave closes it */
};

/* Without a connection. */
void vmf_nbd_channel_begin(struct vmf_nbd_channel *channel);
/* Nobody uses it. The server is told. */
void vmf_nbd_channel_end(struct vmf_nbd_channel *channel, const char *name);

/* For all of these the lock is held. */

/* Sees to it that what was lost is gone, so that `handle` is a connection or NULL. */
void vmf_nbd_channel_clear(struct vmf_nbd_channel *channel);
/* Until answers may have come, a moment at most. On failure the connection is of no use any more,
 * and the user leaves. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_channel_listen(struct vmf_nbd_channel *channel,
                                                    const char *name, struct vmf_attempt *attempt,
                                                    struct vmf_error *error);
/* There is a connection; the caller uses it, and leaves it in the end. */
void vmf_nbd_channel_use(struct vmf_nbd_channel *channel);
/* lost: it is given up, for all users. */
void vmf_nbd_channel_leave(struct vmf_nbd_channel *channel, bool lost);

#endif
