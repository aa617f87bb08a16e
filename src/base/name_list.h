/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Sets of names in which duplicates and single names are found in less than quadratic time: a
 * descriptor may hold a million of them. */
#ifndef VMF_OVF_RULES_NAMES_H
#define VMF_OVF_RULES_NAMES_H

#include "error.h"

struct vmf_name {
  char *text; /* owned */
  unsigned line;
  size_t number; /* of the call that added it, from 0; calls with NULL count */
};

struct vmf_names {
  struct vmf_name *entries; /* owned */
  size_t count, capacity, calls;
};

/* Adds a copy; NULL is ignored. */
VMF_MUST_CHECK enum vmf_code vmf_names_add(struct vmf_names *names, const char *text, unsigned line,
                                           struct vmf_error *error);

/* To be called when all have been added: by text, then by number. */
void vmf_names_sort(struct vmf_names *names);

/* The first one of that text in a sorted set; NULL: none. */
const struct vmf_name *vmf_names_find(const struct vmf_names *names, const char *text);

/* In a sorted set: whether entries[index] repeats the entry before it. */
bool vmf_names_repeats(const struct vmf_names *names, size_t index);

void vmf_names_clear(struct vmf_names *names);

#endif
