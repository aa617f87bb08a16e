/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "growing.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"

enum { FIRST_CAPACITY = 8 };

enum vmf_code vmf_growing_double(void *list, size_t size, size_t *capacity, struct vmf_error *error)
{
  size_t more = *capacity ? 2 * *capacity : FIRST_CAPACITY;
  void *elements;

  memcpy(&elements, list, sizeof elements);
  elements = reallocarray(elements, more, size);
  if (!elements)
    return vmf_arguments_no_memory(error);
  memcpy(list, &elements, sizeof elements);
  *capacity = more;
  return VMF_OK;
}
