/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A request to a web server while it is under way, and what becomes of it. Private to http.c and
 * http_judge.c. */
#ifndef VMF_IO_REMOTE_HTTP_REQUEST_H
#define VMF_IO_REMOTE_HTTP_REQUEST_H

#include <pthread.h>

#include "curl_handle.h"
#include "http_answer.h"
#include "io.h"
#include "s3.h"
#include "transport.h"

enum { VMF_HTTP_HEAD = 100 << 10 /* bytes of the head of an answer, at most */ };

struct vmf_http {
  struct vmf_transport transport;
  char *url;                 /* owned */
  struct vmf_s3 *s3;         /* owned; of an object store; NULL: a web server */
  char etag[VMF_HTTP_VALUE]; /* of what was opened; "": none */
  char modified[VMF_HTTP_VALUE];
  bool pinned;        /* the two are known */
  atomic_bool digest; /* who asks is told so that nobody learns the password (RFC 7616) */
  /* Where no parts are sent: its first bytes, all that are up to a block, and the copy of it, or
   * NULL; both owned. The copy is made by the thread that fetches, which is one. */
  uint8_t *first;
  struct vmf_io *copy;
  pthread_mutex_t lock;              /* guards `spare` */
  struct vmf_http_connection *spare; /* the connection that it was opened by; or NULL */
};

struct vmf_http_connection {
  CURL *curl;
  bool digest;
  char *target; /* where the last redirection led, or NULL: http->url; owned */
  char reason[CURL_ERROR_SIZE];
};

/* One request while it is under way. */
struct vmf_http_request {
  struct vmf_http *http;
  struct vmf_http_connection *line;
  const struct vmf_load *load;
  struct vmf_http_answer answer;
  size_t got;    /* bytes of the load that came */
  bool unranged; /* no part is asked for: only an empty file is wanted */
  size_t passed; /* of a body that only explains, which nobody reads */
  bool unwanted; /* the body is no part of the file, or more than was asked for */
  bool big_head;
  char explanation[VMF_S3_EXPLAINED + 1]; /* the beginning of such a body */
  size_t explained;
  uint8_t
      *first; /* of who opens the file: a block, for its first bytes where it comes as a whole */
  struct vmf_http_body *body; /* all of the file is asked for, which this takes; or NULL */
};

/* The request, to where redirections lead. */
VMF_MUST_CHECK enum vmf_code vmf_http_ask(struct vmf_http_request *request,
                                          struct vmf_attempt *attempt, struct vmf_error *error);

/* A connection of its own. */
VMF_MUST_CHECK enum vmf_code vmf_http_line_new(const struct vmf_http *http,
                                               struct vmf_http_connection **line,
                                               struct vmf_error *error);
void vmf_http_line_free(struct vmf_http_connection *line);

/* ---- a file of which no parts are sent (http_whole.c) ---- */

/* What libcurl has received of it; waits until there is room. False: it is not wanted. */
bool vmf_http_body_put(struct vmf_http_body *body, const char *bytes, size_t length);
bool vmf_http_body_stopped(struct vmf_http_body *body);

/* The file as a stream. file: keeps `http`, and is taken over, also on failure; NULL: it lives as
 * long anyway. *attempt: what came of the request, once it has failed, lives as long; or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_http_stream(struct vmf_http *http, struct vmf_io *file,
                                             struct vmf_attempt *attempt, struct vmf_io **stream,
                                             struct vmf_error *error);

/* As in struct vmf_transport_ops, of a file whose first bytes are known. What is behind them is
 * stored when it is asked for. */
VMF_MUST_CHECK enum vmf_code vmf_http_fetch_whole(struct vmf_http *http,
                                                  const struct vmf_load *load,
                                                  struct vmf_attempt *attempt,
                                                  struct vmf_error *error);

/* The status of the answer; 0: there is none. */
long vmf_http_status(const struct vmf_http_request *request);

/* What came of a request: `result` is libcurl's. VMF_OK: all that was asked for, of the right
 * version. */
VMF_MUST_CHECK enum vmf_code vmf_http_judge(struct vmf_http_request *request, CURLcode result,
                                            struct vmf_attempt *attempt, struct vmf_error *error);

#endif
