/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A vendor's words for the neutral machine's, one table for reading and writing. */
#ifndef VMF_MACHINE_VENDOR_WORDS_H
#define VMF_MACHINE_VENDOR_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word of the vendor's and the number of an enum; a table ends with text NULL. Where several
 * words mean the same number, the first is written. */
struct vmf_vendor_word {
  const char *text;
  uint64_t value;
};

/* A word of the vendor's and the neutral name; a table ends with own NULL. The first one of a
 * neutral name is written. */
struct vmf_vendor_name {
  const char *own, *neutral;
};

/* NULL: the table has it not. */
const struct vmf_vendor_word *vmf_vendor_word_find(const struct vmf_vendor_word *words,
                                                   const char *text);
const char *vmf_vendor_word_of(const struct vmf_vendor_word *words, uint64_t value);
const char *vmf_vendor_neutral(const struct vmf_vendor_name *names, const char *own);
/* In any case. */
const char *vmf_vendor_neutral_nocase(const struct vmf_vendor_name *names, const char *own);
const char *vmf_vendor_own(const struct vmf_vendor_name *names, const char *neutral);

/* Whether a name is in lists of names, one text for each first letter: " cache cpu ", " disk ". */
bool vmf_vendor_lists(const char *const *letters, size_t count, const char *name, size_t length);

#endif
