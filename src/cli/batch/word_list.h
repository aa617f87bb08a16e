/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Lists of words, as they stand in a command line. */
#ifndef VMF_CLI_WORD_LIST_H
#define VMF_CLI_WORD_LIST_H

#include <stddef.h>

#include "vmferry.h"

struct vmf_words {
  char **list; /* NULL-terminated, or NULL when there are none; owned */
  size_t count, capacity;
};

/* A copy of `length` bytes of the text. */
VMF_MUST_CHECK enum vmf_code vmf_words_add(struct vmf_words *words, const char *text, size_t length,
                                           struct vmf_error *error);

/* Those of a text, separated by blanks, quoted as in a shell: '...' as it stands, "..." with \" and
 * \\, and \ in front of one character. Nothing is expanded. VMF_USAGE: a quote is not closed. */
VMF_MUST_CHECK enum vmf_code vmf_words_split(struct vmf_words *words, const char *text,
                                             struct vmf_error *error);

/* Those of another list, copied. */
VMF_MUST_CHECK enum vmf_code vmf_words_append(struct vmf_words *words, const struct vmf_words *more,
                                              struct vmf_error *error);

void vmf_words_free(struct vmf_words *words);

#endif
