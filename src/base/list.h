/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Arrays that grow: a pointer to the elements, how many there are, and how many have room. All
 * zeros at first; freed with vmf_free. */
#ifndef VMF_BASE_LIST_H
#define VMF_BASE_LIST_H

#include <stddef.h>

#include "error.h"

/* Room for one more element behind `count`. `list` and `capacity` are the variables themselves;
 * `what` names the elements ("files") where there is no memory. */
#define VMF_LIST_ROOM(list, count, capacity, what, error)                                          \
  ((count) < (capacity) ? VMF_OK : vmf_list_grow(&(list), sizeof *(list), &(capacity), what, error))

/* list: the address of the pointer; size: bytes of an element. On failure nothing changes. */
VMF_MUST_CHECK enum vmf_code vmf_list_grow(void *list, size_t size, size_t *capacity,
                                           const char *what, struct vmf_error *error);

#endif
