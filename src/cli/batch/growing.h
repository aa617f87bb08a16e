/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Arrays that grow: a pointer to the elements, how many there are, and how many have room. All
 * zeros at first; freed with free. */
#ifndef VMF_CLI_GROWING_H
#define VMF_CLI_GROWING_H

#include <stddef.h>

#include "vmferry.h"

/* Room for one more element behind `count`. `list` and `capacity` are the variables themselves. */
#define VMF_GROWING_ROOM(list, count, capacity, error)                                             \
  ((count) < (capacity) ? VMF_OK : vmf_growing_double(&(list), sizeof *(list), &(capacity), error))

/* list: the address of the pointer; size: bytes of an element. On failure nothing changes. */
VMF_MUST_CHECK enum vmf_code vmf_growing_double(void *list, size_t size, size_t *capacity,
                                                struct vmf_error *error);

#endif
