/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "caller.h"

#include <string.h>

#include "checked.h"
#include "zero.h"

enum { SIZE_MOST = 64 << 10 /* of a struct of any version: more is no size */ };

static size_t size_of(const void *given)
{
  size_t size;

  memcpy(&size, given, sizeof(size));
  return size;
}

enum vmf_code vmf_sized_take(const void *given, void *own, size_t own_size, size_t first,
                             const char *name, struct vmf_error *error)
{
  size_t size = given ? size_of(given) : own_size;
  size_t known = (size_t)vmf_min(size, own_size);

  memset(own, 0, own_size);
  if (size < first || size > SIZE_MOST)
    return vmf_fail(error, VMF_USAGE, "%s: its size is %zu, expected %zu to %d: set it to sizeof",
                    name, size, first, SIZE_MOST);
  if (given && !vmf_is_zero((const uint8_t *)given + known, size - known))
    return vmf_fail(error, VMF_USAGE,
                    "%s: something is set behind its first %zu bytes, which are all that version "
                    "%s of libvmferry knows",
                    name, own_size, VMF_VERSION);
  if (given)
    memcpy(own, given, known);
  memcpy(own, &own_size, sizeof(own_size));
  return VMF_OK;
}

void vmf_sized_give(const void *own, size_t own_size, void *given)
{
  if (!given)
    return;
  size_t size = size_of(given), known = (size_t)vmf_min(size, own_size);
  memcpy((uint8_t *)given + sizeof(size), (const uint8_t *)own + sizeof(size),
         known - sizeof(size));
  memset((uint8_t *)given + known, 0, size - known);
}
