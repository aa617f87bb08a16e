/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An export that is read. Private to nbd_client.c and nbd_fetch.c. */
#ifndef VMF_IO_REMOTE_NBD_CLIENT_H
#define VMF_IO_REMOTE_NBD_CLIENT_H

#include "nbd_channel.h"
#include "nbd_more.h"

enum { VMF_NBD_RUNS_MOST = 4096 /* kept of one answer about metadata */ };

/* Of the disk, one behind the other. */
struct vmf_nbd_run {
  uint64_t end;
  bool passed; /* zeros; or not marked */
};

/* What the server has told last of one context of metadata. */
struct vmf_nbd_told {
  const char *context;
  uint32_t bit;        /* of its words... */
  bool passes;         /* ...that says of bytes that they are passed over, or the contrary */
  uint64_t start, end; /* what the runs are of */
  struct vmf_nbd_run runs[VMF_NBD_RUNS_MOST];
  unsigned count;
};

struct vmf_nbd_export {
  struct vmf_transport transport;
  char *url;                    /* owned */
  bool tells;                   /* where holes are */
  bool many;                    /* connections see the same bytes, and there may be another one */
  uint32_t most;                /* bytes of a request, as the server bounds them */
  atomic_uint lines;            /* that there are */
  struct vmf_nbd_more more;     /* connections for them */
  struct vmf_nbd_channel first; /* that it was opened by; asked about holes, too */
  /* Guards all below, and is held while the server is asked about holes. */
  pthread_mutex_t lock;
  struct vmf_nbd_told data, marks; /* marks: of the bitmap that was chosen */
  char *bitmap; /* its context; NULL: none; owned. Guarded by the first channel, too */
};

/* Goes by a connection of its own as soon as there is one, and by the first one until then. */
struct vmf_nbd_line {
  struct vmf_nbd_channel own;
  bool has_own;
};

/* By which it goes now. VMF_CHANGED: a further connection sees another export. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_channel_of(struct vmf_nbd_export *nbd,
                                                struct vmf_nbd_line *line,
                                                struct vmf_nbd_channel **channel,
                                                struct vmf_error *error);

/* The lock of the channel is held for both. There is a connection afterwards, which the caller
 * uses. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_enter(const struct vmf_nbd_export *nbd,
                                           struct vmf_nbd_channel *channel,
                                           struct vmf_nbd_user *user, struct vmf_attempt *attempt,
                                           struct vmf_error *error);
/* As vmf_nbd_channel_listen, unless it is to end. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_listen_on(const struct vmf_nbd_export *nbd,
                                               struct vmf_nbd_channel *channel,
                                               struct vmf_nbd_user *user,
                                               struct vmf_attempt *attempt,
                                               struct vmf_error *error);

/* As in struct vmf_transport_ops. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_fetch(struct vmf_transport *transport, void *line,
                                           const struct vmf_load *load, struct vmf_attempt *attempt,
                                           struct vmf_error *error);

#endif
