/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "zero.h"

#include <stdint.h>
#include <string.h>

enum { STRIDE = 256, WORDS = STRIDE / 8 };

/* A fixed number of words without a branch: compilers make it a few wide instructions. */
static uint64_t zero_stride(const unsigned char *bytes)
{
  uint64_t words[WORDS], any = 0;

  memcpy(words, bytes, STRIDE);
  for (unsigned i = 0; i < WORDS; i++)
    any |= words[i];
  return any;
}

bool vmf_is_zero(const void *data, size_t length)
{
  const unsigned char *bytes = data;
  uint64_t word;

  /* most data shows itself at once */
  if (length >= sizeof(word)) {
    memcpy(&word, bytes, sizeof(word));
    if (word != 0)
      return false;
  }
  for (; length >= STRIDE; bytes += STRIDE, length -= STRIDE)
    if (zero_stride(bytes) != 0)
      return false;
  for (; length >= sizeof(word); bytes += sizeof(word), length -= sizeof(word)) {
    memcpy(&word, bytes, sizeof(word));
    if (word != 0)
      return false;
  }
  for (; length > 0; bytes++, length--)
    if (*bytes != 0)
      return false;
  return true;
}
