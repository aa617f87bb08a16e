/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A text changed by lines: parts of them replaced, lines taken away, and new ones put between; all
 * other bytes stay. */
#ifndef VMF_MACHINE_LINE_SPLICE_H
#define VMF_MACHINE_LINE_SPLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct vmf_line_change {
  unsigned line;   /* from 1 on */
  size_t from, to; /* bytes of the line, its newline among them */
  size_t order;    /* of changes of one place the earlier comes first */
  char *text;      /* owned; NULL: nothing */
  bool whole;      /* lines that come before this one: the newline is added */
};

struct vmf_line_splice {
  const char *bytes; /* not owned */
  size_t length;
  const char *end; /* of lines that are new: that of the first one, "\n" or "\r\n" */
  struct vmf_line_change *changes;
  size_t count, room;
};

/* Fills *splice; cleared by the caller. */
void vmf_line_splice_begin(struct vmf_line_splice *splice, const char *bytes, size_t length);
void vmf_line_splice_clear(struct vmf_line_splice *splice);

/* Where line `number` stands, its newline among it; NULL: there are not so many. */
const char *vmf_line_splice_line(const struct vmf_line_splice *splice, unsigned number,
                                 size_t *length);

/* Ranges of one line do not overlap. */
VMF_MUST_CHECK enum vmf_code vmf_line_splice_replace(struct vmf_line_splice *splice, unsigned line,
                                                     size_t from, size_t to, const char *text,
                                                     struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_line_splice_drop(struct vmf_line_splice *splice, unsigned line,
                                                  struct vmf_error *error);
/* Before a line; UINT_MAX: at the end. `text` is one line or several, the last without its newline.
 */
VMF_MUST_CHECK enum vmf_code vmf_line_splice_insert(struct vmf_line_splice *splice, unsigned line,
                                                    const char *text, struct vmf_error *error);

/* A fresh text with a NUL behind. */
VMF_MUST_CHECK enum vmf_code vmf_line_splice_apply(struct vmf_line_splice *splice, char **text,
                                                   size_t *length, struct vmf_error *error);

#endif
