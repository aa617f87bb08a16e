/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How bytes come from another machine: what a protocol has to do. Everything else, the cache, the
 * reading ahead, the threads and the tries, is the same for all (remote.c). */
#ifndef VMF_IO_REMOTE_TRANSPORT_H
#define VMF_IO_REMOTE_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
  VMF_REMOTE_BLOCK = 1 << 20, /* bytes of a block, the unit of what is asked for and kept */
  VMF_REMOTE_LOAD = 16        /* blocks of one request at most */
};

struct vmf_io;

/* One request: whole blocks one behind the other, the last one shorter at the end of the file. */
struct vmf_load {
  uint64_t offset;
  size_t length;
  uint8_t *blocks[VMF_REMOTE_LOAD]; /* where the bytes of each go; often one behind the other */
};

/* What came of a request that failed. */
struct vmf_attempt {
  bool again;          /* another try may go well */
  bool lost;           /* the connection is of no use any more */
  bool busy;           /* the server asks for fewer requests */
  unsigned wait;       /* seconds that it asks for; 0: none */
  unsigned most_tries; /* 0: as many as usual */
  bool lasting;        /* when these have failed, it is not for a while */
};

struct vmf_transport {
  const struct vmf_transport_ops *ops;
  char *name;          /* for messages; owned */
  const char *version; /* by which the server tells what the file holds now from what it held or
                        * will hold (an ETag); NULL: nothing does */
  uint64_t size;       /* bytes */
  unsigned lines;      /* connections at once, at most */
  unsigned load;       /* blocks of a request, at most */
  atomic_bool ended;   /* what is under way is to fail soon */
};

/* The first range at or behind `offset` of those that a call tells of: [*start, *end). */
typedef enum vmf_code vmf_transport_next(struct vmf_transport *transport, uint64_t offset,
                                         uint64_t *start, uint64_t *end,
                                         struct vmf_attempt *attempt, struct vmf_error *error);

struct vmf_transport_ops {
  const char *kind;
  /* One connection, for the use of one thread at a time. */
  enum vmf_code (*connect)(struct vmf_transport *transport, void **line,
                           struct vmf_attempt *attempt, struct vmf_error *error);
  void (*disconnect)(struct vmf_transport *transport, void *line);
  /* All of the load, or an error; `attempt` is all zeros before. */
  enum vmf_code (*fetch)(struct vmf_transport *transport, void *line, const struct vmf_load *load,
                         struct vmf_attempt *attempt, struct vmf_error *error);
  vmf_transport_next *next_data; /* as vmf_io_ops.next_data; or NULL. Any thread */
  /* As those of vmf_io_ops; or NULL, both. */
  enum vmf_code (*choose_bitmap)(struct vmf_transport *transport, const char *name,
                                 struct vmf_attempt *attempt, struct vmf_error *error);
  vmf_transport_next *next_marked;
  /* All of a file that is not sent in parts, from its first byte to its last, once more; NULL: it
   * is sent in parts. Takes `file` over, which keeps the transport, also on failure. */
  enum vmf_code (*stream)(struct vmf_transport *transport, struct vmf_io *file,
                          struct vmf_io **stream, struct vmf_error *error);
  void (*close)(struct vmf_transport *transport);
};

/* Opens by URL, whole. VMF_UNSUPPORTED: built without. One try. */
VMF_MUST_CHECK enum vmf_code vmf_http_open(const char *url, const char *name,
                                           struct vmf_transport **transport,
                                           struct vmf_attempt *attempt, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_nbd_open(const char *url, const char *name,
                                          struct vmf_transport **transport,
                                          struct vmf_attempt *attempt, struct vmf_error *error);

#endif
