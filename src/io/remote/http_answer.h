/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the head of an HTTP answer says (RFC 9110). Nothing here asks the network. */
#ifndef VMF_IO_REMOTE_HTTP_ANSWER_H
#define VMF_IO_REMOTE_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMF_HTTP_VALUE = 256, VMF_HTTP_REGION = 64 };

struct vmf_http_answer {
  size_t bytes;                  /* of its head */
  bool has_range;                /* Content-Range: bytes ... */
  uint64_t start, end, total;    /* the range [start, end) of `total` bytes */
  bool has_span, has_total;      /* "bytes a-b/..."; ".../N" */
  char etag[VMF_HTTP_VALUE];     /* with its quotes; "": none, or too long to be of use */
  char modified[VMF_HTTP_VALUE]; /* Last-Modified; "": none */
  char type[64];                 /* Content-Type without what is behind ';' */
  char region[VMF_HTTP_REGION];  /* x-amz-bucket-region; "": none */
  char encryption[32];           /* x-amz-server-side-encryption; "": none */
  char date[64];                 /* Date; "": none */
  char length[24];               /* Content-Length; "": none */
  bool encoded;                  /* Content-Encoding: something was done to the bytes */
  bool twofold;                  /* its length or its range is told twice, and differently */
};

/* One line of the head, as it came. The line of a status begins a new answer. */
void vmf_http_line(struct vmf_http_answer *answer, const char *line, size_t length);

/* Whether an entity tag is one that promises the same bytes. */
bool vmf_http_is_strong(const char *etag);

#endif
