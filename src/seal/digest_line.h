/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * "SHA256(name)= value": the line that manifests and certificate files are made of, in every
 * spelling that is found. */
#ifndef VMF_SEAL_DIGEST_LINE_H
#define VMF_SEAL_DIGEST_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* How a line differs from the exact form; bits. */
enum vmf_line_oddity {
  VMF_LINE_CRLF = 1,
  VMF_LINE_BLANK = 2,
  VMF_LINE_NO_END = 4,  /* the last one has no newline */
  VMF_LINE_SPACES = 8,  /* more or fewer than the one behind "=" */
  VMF_LINE_BOM = 16,    /* a byte order mark in front */
  VMF_LINE_ODDITIES = 5 /* how many */
};

/* A part of the text; not terminated. */
struct vmf_text_part {
  const char *start;
  size_t length;
};

/* Goes through a text line by line; start with .rest and .left set and all else zero. */
struct vmf_lines {
  const char *rest;
  size_t left;
  unsigned number;           /* of the line, from 1 */
  struct vmf_text_part line; /* without line end and the white space around it */
  unsigned odd;              /* of this line */
};

/* False behind the last. Blank lines are given, too. */
bool vmf_lines_next(struct vmf_lines *lines);

/* Cuts ALGORITHM(name)=value; the name reaches to the last ")" before the last "=". False: no such
 * line. *odd gains VMF_LINE_SPACES. */
bool vmf_digest_line_split(struct vmf_text_part line, struct vmf_text_part *algorithm,
                           struct vmf_text_part *name, struct vmf_text_part *value, unsigned *odd);

/* White space at both ends taken off. */
struct vmf_text_part vmf_text_part_trim(struct vmf_text_part span);

/* 0 to 15, or -1. */
int vmf_hex_value(char digit);

/* What an oddity (one bit) is, in words. */
const char *vmf_line_oddity_text(unsigned odd);

#endif
