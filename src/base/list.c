/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "list.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"

enum { FIRST_CAPACITY = 16 };

enum vmf_code vmf_list_grow(void *list, size_t size, size_t *capacity, const char *what,
                            struct vmf_error *error)
{
  size_t more = *capacity ? 2 * *capacity : FIRST_CAPACITY;
  uint64_t bytes;
  void *elements;

  memcpy(&elements, list, sizeof elements);
  elements = vmf_mul(more, size, &bytes) && bytes <= PTRDIFF_MAX && more > *capacity
                 ? realloc(elements, (size_t)bytes)
                 : NULL;
  if (!elements)
    return vmf_fail(error, VMF_NOMEM, "no memory for %zu %s", more, what);
  memcpy(list, &elements, sizeof elements);
  *capacity = more;
  return VMF_OK;
}
