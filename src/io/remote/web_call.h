/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A request to a web server whose body is in memory, and answers that are short. Private to this
 * folder. */
#ifndef VMF_IO_REMOTE_WEB_CALL_H
#define VMF_IO_REMOTE_WEB_CALL_H

#include "curl_handle.h"
#include "http_answer.h"
#include "transport.h"

enum { VMF_WEB_TEXT = 64 << 10 /* bytes of an answer that are looked at */ };

/* An answer that is short. */
struct vmf_web_answer {
  struct vmf_http_answer head;
  char text[VMF_WEB_TEXT + 1]; /* without blanks in front: they keep the connection */
  size_t text_length, blanks;
};

void vmf_web_answer_clear(struct vmf_web_answer *answer);

/* For libcurl, both with the answer as their data. */
size_t vmf_web_on_head(char *bytes, size_t size, size_t count, void *answer);
size_t vmf_web_on_text(char *bytes, size_t size, size_t count, void *answer);

struct vmf_web_line {
  CURL *curl; /* NULL: it is to be opened */
  char reason[CURL_ERROR_SIZE];
};

struct vmf_web_call {
  const char *method, *url;
  struct curl_slist *headers; /* freed by the call */
  const void *body;           /* NULL: none */
  size_t length;
  const char *type;         /* of the body; NULL: bytes */
  const atomic_bool *ended; /* ends it soon; or NULL */
  bool deaf;                /* to being cancelled: it puts things in order */
  bool slow;                /* the answer may take minutes */
  /* what came */
  struct vmf_web_answer came;
  long status;
};

/* VMF_OK: there is an answer, of whatever status. */
VMF_MUST_CHECK enum vmf_code vmf_web_call(struct vmf_web_line *line, const char *name,
                                          struct vmf_web_call *call, struct vmf_attempt *attempt,
                                          struct vmf_error *error);
void vmf_web_line_close(struct vmf_web_line *line);

#endif
