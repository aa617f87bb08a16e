/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A request to an object store: signed, tried again where that may go well. Private to this
 * folder. */
#ifndef VMF_IO_REMOTE_S3_REQUEST_H
#define VMF_IO_REMOTE_S3_REQUEST_H

#include "s3_call.h"

enum { VMF_S3_EXTRA_LINES = 2, VMF_S3_CODE = 80 };

/* And what comes of it. */
struct vmf_s3_request {
  const char *method, *query, *what; /* what: for messages */
  bool of_bucket;                    /* and not of the object */
  const void *body;
  size_t length;
  const char *extra[VMF_S3_EXTRA_LINES]; /* headers; NULL: none */
  bool deaf, slow;
  struct vmf_web_call call;
};

/* The caller frees *request. */
VMF_MUST_CHECK enum vmf_code vmf_s3_request_new(const char *method, const char *query,
                                                const char *what, struct vmf_s3_request **request,
                                                struct vmf_error *error);

/* With all its tries. VMF_OK: it was done. */
VMF_MUST_CHECK enum vmf_code vmf_s3_ask(struct vmf_s3_upload *upload, struct vmf_web_line *line,
                                        struct vmf_s3_request *request, struct vmf_error *error);
/* Once more where the store says that the bucket is in another region. No other call may be under
 * way. */
VMF_MUST_CHECK enum vmf_code vmf_s3_ask_around(struct vmf_s3_upload *upload,
                                               struct vmf_web_line *line,
                                               struct vmf_s3_request *request,
                                               struct vmf_error *error);

/* The code of an answer that is an error, "" where it is none. */
void vmf_s3_code_of(const struct vmf_web_call *call, char code[VMF_S3_CODE]);

/* Whether the text is a document of this element. */
bool vmf_s3_is_document(const char *text, const char *element);

#endif
