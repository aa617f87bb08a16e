/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A method of XXH3 (xxh3_method.h), for the instructions that the file which includes this is
 * compiled for. It says LEAVE(): what is due behind them. */
#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>

#include "xxh3_method.h"

static void *make(void)
{
  return XXH3_createState();
}

static void release(void *state)
{
  (void)XXH3_freeState(state);
}

static void start(void *state)
{
  (void)XXH3_64bits_reset(state);
}

static void add(void *state, const void *data, size_t length)
{
  (void)XXH3_64bits_update(state, data, length);
  LEAVE();
}

static uint64_t end(const void *state)
{
  uint64_t sum = XXH3_64bits_digest(state);

  LEAVE();
  return sum;
}

static void sum_128(const void *data, size_t length, uint8_t out[VMF_XXH3_LONG])
{
  XXH128_canonical_t canonical;

  XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, length));
  LEAVE();
  memcpy(out, canonical.digest, sizeof canonical.digest);
}

#define VMF_XXH3_METHOD                                                                            \
  {                                                                                                \
    .usable = usable, .make = make, .release = release, .start = start, .add = add, .end = end,    \
    .sum_128 = sum_128                                                                             \
  }
