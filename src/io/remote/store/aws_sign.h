/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Signature Version 4 of AWS, in headers, for the service "s3" ("Authenticating Requests:
 * Using the Authorization Header" of the S3 API Reference). Made here and not by libcurl, whose
 * signatures of 7.88 are wrong for parameters without a value and for some orders of parameters,
 * and change from version to version. Private to this folder. */
#ifndef VMF_IO_REMOTE_AWS_SIGN_H
#define VMF_IO_REMOTE_AWS_SIGN_H

#include <time.h>

#include "aws_credentials.h"

/* What is signed of a request; all of it as it is sent. */
struct vmf_aws_request {
  const char *method;
  const char *host;    /* with the port, where it is not the usual one */
  const char *path;    /* escaped */
  const char *query;   /* escaped, sorted by name, each parameter with '='; "" */
  const char *payload; /* SHA-256 of the body as hexadecimal digits, or VMF_AWS_UNSIGNED */
};

#define VMF_AWS_UNSIGNED "UNSIGNED-PAYLOAD" /* by TLS only */
#define VMF_AWS_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { VMF_AWS_LINES = 4, VMF_AWS_DIGITS = 65 };

/* lines: the headers to be sent, fresh strings, NULL behind the last. Where nothing is to be signed
 * there are none. */
VMF_MUST_CHECK enum vmf_code vmf_aws_sign(const struct vmf_aws_credentials *credentials,
                                          const struct vmf_aws_request *request, time_t now,
                                          char *lines[VMF_AWS_LINES + 1], struct vmf_error *error);
void vmf_aws_lines_clear(char *lines[VMF_AWS_LINES + 1]);

/* SHA-256 as digits. */
VMF_MUST_CHECK enum vmf_code vmf_aws_digest(const void *bytes, size_t length,
                                            char digits[VMF_AWS_DIGITS], struct vmf_error *error);

/* The text with all but letters, digits and "-._~" as %XX; `kept` stays, too. A fresh string.
 * VMF_NOMEM. */
VMF_MUST_CHECK enum vmf_code vmf_aws_escape(const char *text, const char *kept, char **escaped,
                                            struct vmf_error *error);

#endif
