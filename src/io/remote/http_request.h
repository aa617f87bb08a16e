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
  struct vmf_http_body *live;        /* owned; comes since it was opened, for nobody yet; or NULL */
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
  bool unranged; /* all of the file is asked for, not a part */
  size_t passed; /* of a body that only explains, which nobody reads */
  bool unwanted; /* the body is no part of the file, or more than was asked for */
  bool big_head;
  char explanation[VMF_S3_EXPLAINED + 1]; /* the beginning of such a body */
  size_t explained;
  struct vmf_http_body *body; /* takes all of the file, where that comes; or NULL */
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

/* The first request of a file, for its first byte, by which it becomes known which version is
 * meant. *whole: its server sends all of it, which goes on coming while its first bytes are there.
 * answer, status: what came otherwise. */
struct vmf_http_look {
  bool whole;
  long status;
  struct vmf_http_answer answer;
};
VMF_MUST_CHECK enum vmf_code vmf_http_look(struct vmf_http *http, bool unranged,
                                           struct vmf_http_look *look, struct vmf_attempt *attempt,
                                           struct vmf_error *error);

/* For http.c and http_judge.c: a body with status 200 begins. False: it is not the file. */
bool vmf_http_body_begin(struct vmf_http_request *request);
/* Whether it did. */
bool vmf_http_body_is_file(const struct vmf_http_body *body);
/* What libcurl has received of it; waits until there is room. False: it is not wanted. */
bool vmf_http_body_put(struct vmf_http_body *body, const char *bytes, size_t length);
bool vmf_http_body_stopped(struct vmf_http_body *body);
/* What comes since the file was opened, and nobody wanted, if there is any. */
void vmf_http_live_end(struct vmf_http *http);

/* The file as a stream: what comes since it was opened, or asked for once more. file: keeps `http`,
 * and is taken over, also on failure; NULL: it lives as long anyway. *attempt: what came of the
 * request, once it has failed, lives as long; or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_http_stream(struct vmf_http *http, struct vmf_io *file,
                                             struct vmf_attempt *attempt, struct vmf_io **stream,
                                             struct vmf_error *error);

/* What the first answer says of the version that it is of. */
void vmf_http_pin(struct vmf_http *http, const struct vmf_http_answer *answer, uint64_t size);

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
