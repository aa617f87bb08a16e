/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "zero.h"

#include <stdint.h>
#include <string.h>

enum { STRIDE = 128 };

/* Written so that the compiler makes one wide OR of it. */
static bool stride_is_zero(const unsigned char *bytes)
{
  uint64_t words[STRIDE / sizeof(uint64_t)], any = 0;
  memcpy(words, bytes, STRIDE);
  for (size_t i = 0; i < STRIDE / sizeof(uint64_t); i++)
    any |= words[i];
  return any == 0;
}

bool vmf_is_zero(const void *data, size_t length)
{
  const unsigned char *bytes = data;

  for (; length >= STRIDE; bytes += STRIDE, length -= STRIDE)
    if (!stride_is_zero(bytes))
      return false;
  for (; length > 0; bytes++, length--)
    if (*bytes != 0)
      return false;
  return true;
}
