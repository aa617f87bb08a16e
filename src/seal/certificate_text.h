/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A certificate file cut into the lines of text and the PEM blocks that it consists of: no byte of
 * it belongs to neither. */
#ifndef VMF_SEAL_CERTIFICATE_TEXT_H
#define VMF_SEAL_CERTIFICATE_TEXT_H

#include "digest_line.h"

struct vmf_certificate_parts {
  const char *start;
  struct vmf_lines lines;
};

struct vmf_certificate_part {
  bool block; /* PEM, from "-----BEGIN" to "-----END ...-----" or the end of the file */
  struct vmf_text_part text; /* of a line without what vmf_lines_next cuts */
  unsigned line, odd;        /* as in struct vmf_lines; of a block those of its first line */
};

struct vmf_certificate_parts vmf_certificate_parts(const char *bytes, size_t length);

/* False behind the last. */
bool vmf_certificate_next(struct vmf_certificate_parts *parts, struct vmf_certificate_part *part);

#endif
