/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What reading from an NBD server and writing to one have in common. */
#ifndef VMF_IO_REMOTE_NBD_CONNECTION_H
#define VMF_IO_REMOTE_NBD_CONNECTION_H

#include <poll.h>

#include "nbd_library.h"
#include "transport.h"

enum {
  VMF_NBD_LISTEN_MS = 200, /* between two looks at who wants it to end */
  VMF_NBD_STALL = 30,      /* seconds */
  VMF_NBD_SLOW = 4,        /* times as long may pass until something whole has come */
  VMF_NBD_MORE = 2,        /* seconds for one more connection to a server that has answered */
};

/* Connects to the export of a URL. context: of metadata that is asked about, besides where data is;
 * or NULL. seconds: in which the server has to say something. VMF_READ, and what
 * libnbd says; VMF_UNSUPPORTED: there is no libnbd. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_connect(const char *url, const char *name, const char *context,
                                             unsigned seconds, struct nbd_handle **handle,
                                             struct vmf_attempt *attempt, struct vmf_error *error);

/* Begins to connect, without waiting; NULL: it cannot. libnbd is loaded. */
struct nbd_handle *vmf_nbd_start(const char *url, const char *context);

/* A server that was started again, or asked once more, may have another disk by then: VMF_CHANGED.
 */
VMF_MUST_CHECK enum vmf_code vmf_nbd_check_size(struct nbd_handle *handle, const char *name,
                                                uint64_t size, struct vmf_error *error);

/* Closes it. A server that still answers is told, and may end by itself; but where something is
 * under way that nobody waits for any more: its bytes are the caller's again, and libnbd must not
 * go on with them. */
void vmf_nbd_part(struct nbd_handle *handle, const char *name);

/* VMF_READ with the reason of libnbd's call that failed last in this thread; `attempt` says whether
 * another try may go well. handle: or NULL, where there is none yet. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_failed(const char *name, struct nbd_handle *handle,
                                            const char *what, struct vmf_attempt *attempt,
                                            struct vmf_error *error);

/* What has come of a read, in chunks, of which libnbd counts the bytes and nothing else. Of each
 * chunk the sum gains what its end is worth and loses what its start is: of chunks that lie one
 * behind the other it is that of the whole, whatever their order is. */
struct vmf_nbd_chunks {
  uint64_t sum;
};

/* For the reads of one range, which add to it; it lives until they are over. */
nbd_chunk_callback vmf_nbd_chunks_take(struct vmf_nbd_chunks *chunks);

/* The reads of [start, end) have gone well. VMF_READ: some bytes came twice, others not at all. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_chunks_check(const struct vmf_nbd_chunks *chunks,
                                                  const char *name, uint64_t start, uint64_t end,
                                                  struct vmf_error *error);

/* What is waited for, and what poll told of it: takes in what has come, and sends what could not be
 * sent yet. False: the connection is of no use any more. */
struct pollfd vmf_nbd_socket(struct nbd_handle *handle);
bool vmf_nbd_take_in(struct nbd_handle *handle, short events);

/* Whether it is of no use any more. */
bool vmf_nbd_is_lost(struct nbd_handle *handle);

/* A server that is waited for. */
struct vmf_nbd_patience {
  uint64_t heard;    /* when something came last (vmf_tries_now) */
  uint64_t advanced; /* when it was something whole */
  unsigned most;     /* seconds in which something has to come */
};

struct vmf_nbd_patience vmf_nbd_patience(unsigned seconds);

/* Called where nothing has come for a moment. VMF_READ: for too long, so that the connection is of
 * no use any more; VMF_CANCELLED. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_still(const struct vmf_nbd_patience *patience,
                                           const char *name, struct vmf_attempt *attempt,
                                           struct vmf_error *error);

/* Waits for a moment at most, on a connection that no other thread uses. */
VMF_MUST_CHECK enum vmf_code vmf_nbd_listen(struct nbd_handle *handle, const char *name,
                                            struct vmf_nbd_patience *patience, const char *what,
                                            struct vmf_attempt *attempt, struct vmf_error *error);

#endif
