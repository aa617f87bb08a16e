/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A connection to an NBD server that several threads use: each sends its requests and waits for
 * their answers, and one of those that wait listens for all, until what it waits for itself is
 * there. The others sleep until they are called. Private to this folder. */
#ifndef VMF_IO_NBD_CHANNEL_H
#define VMF_IO_NBD_CHANNEL_H

#include <pthread.h>

#include "nbd_connection.h"

/* Who has requests under way. */
struct vmf_nbd_user {
  pthread_cond_t called;     /* its answers have come, it is to listen, or all is lost */
  struct vmf_nbd_user *next; /* of those that sleep */
};

struct vmf_nbd_channel {
  pthread_cond_t left; /* a user has */
  /* Guards all below, and is held in calls of libnbd; not while somebody listens. */
  pthread_mutex_t lock;
  struct nbd_handle *handle; /* owned; NULL: there is no connection */
  unsigned users;
  struct vmf_nbd_user *sleeping;
  struct vmf_nbd_patience patience; /* with the server, while there are users */
  uint64_t bytes;                   /* at least, that came since it advanced */
  bool listening;                   /* one of the users does */
  bool broken; /* nobody calls libnbd any more; the last user to leave closes it */
};

/* Without a connection. */
void vmf_nbd_channel_begin(struct vmf_nbd_channel *channel);
/* Nobody uses it. The server is told. */
void vmf_nbd_channel_end(struct vmf_nbd_channel *channel, const char *name);

/* For all of these the lock is held. */

/* Sees to it that what was lost is gone, so that `handle` is a connection or NULL. */
void vmf_nbd_channel_clear(struct vmf_nbd_channel *channel);
/* There is a connection; the caller uses it, and leaves it in the end. */
void vmf_nbd_channel_use(struct vmf_nbd_channel *channel, struct vmf_nbd_user *user);
/* lost: it is given up, for all users. */
void vmf_nbd_channel_leave(struct vmf_nbd_channel *channel, struct vmf_nbd_user *user, bool lost);
/* Until the user is called, or answers may have come, a moment at most. On failure the connection
 * is of no use any more, and the user leaves. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_channel_listen(struct vmf_nbd_channel *channel,
                                                    struct vmf_nbd_user *user, const char *name,
                                                    struct vmf_attempt *attempt,
                                                    struct vmf_error *error);
/* Of callbacks of libnbd: an answer is there, whole. enough: for who waits for it to be called. */
void vmf_nbd_channel_answered(struct vmf_nbd_channel *channel, struct vmf_nbd_user *user,
                              bool enough);

#endif
