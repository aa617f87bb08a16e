/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writes XML as text: two spaces a level, values escaped, and a question mark for each byte of a
 * character that XML cannot hold. Failure (no memory) is remembered, so that only the end asks for
 * it. */
#ifndef VMF_XML_MARKUP_H
#define VMF_XML_MARKUP_H

#include "error.h"

struct vmf_markup {
  char *text; /* owned; NUL behind; NULL: nothing written yet */
  size_t length, capacity;
  unsigned depth;
  bool fragment; /* elements that go into a document: no declaration stands before them */
  bool failed;
};

/* "<name", to be followed by attributes and one of enter and end. Names are not escaped. */
void vmf_markup_start(struct vmf_markup *markup, const char *name);
void vmf_markup_attribute(struct vmf_markup *markup, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void vmf_markup_enter(struct vmf_markup *markup);                   /* ">", children follow */
void vmf_markup_end(struct vmf_markup *markup);                     /* "/>" */
void vmf_markup_leave(struct vmf_markup *markup, const char *name); /* "</name>" */

/* start and enter, without attributes */
void vmf_markup_open(struct vmf_markup *markup, const char *name);

/* ">value</name>", behind start and attributes */
void vmf_markup_content(struct vmf_markup *markup, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "<name>value</name>" */
void vmf_markup_leaf(struct vmf_markup *markup, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Elements as they stand, which are well-formed. */
void vmf_markup_insert(struct vmf_markup *markup, const char *xml);

/* The text goes to the caller, who frees it; VMF_NOMEM when something could not be written. The
 * markup is empty afterwards. */
VMF_MUST_CHECK enum vmf_code vmf_markup_take(struct vmf_markup *markup, char **text,
                                             struct vmf_error *error);
void vmf_markup_clear(struct vmf_markup *markup);

#endif
