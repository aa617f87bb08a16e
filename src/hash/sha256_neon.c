/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * SHA-256 of 4 messages by NEON, which every 64-bit ARM has; for those without SHA instructions. */
#include <arm_neon.h>

#include "sha256_method.h"

enum { LANES = 4 };

#define ROUNDS_TARGET
#define ROUNDS_INLINE static inline

typedef uint32x4_t vector;

ROUNDS_INLINE vector load(const uint32_t *words)
{
  return vld1q_u32(words);
}

ROUNDS_INLINE void store(uint32_t *words, vector x)
{
  vst1q_u32(words, x);
}

ROUNDS_INLINE vector add(vector x, vector y)
{
  return vaddq_u32(x, y);
}

ROUNDS_INLINE vector spread(uint32_t word)
{
  return vdupq_n_u32(word);
}

ROUNDS_INLINE vector xor3(vector x, vector y, vector z)
{
  return veorq_u32(veorq_u32(x, y), z);
}

ROUNDS_INLINE vector choose(vector x, vector y, vector z)
{
  return vbslq_u32(x, y, z);
}

/* Where x and y differ, z decides. */
ROUNDS_INLINE vector majority(vector x, vector y, vector z)
{
  return vbslq_u32(veorq_u32(x, y), z, y);
}

#define SHIFT(x, bits) vshrq_n_u32(x, bits)
#define ROTATE(x, bits) vsriq_n_u32(vshlq_n_u32(x, 32 - (bits)), x, bits)

ROUNDS_INLINE vector load_words(const uint8_t *bytes)
{
  return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(bytes)));
}

ROUNDS_INLINE vector low_halves(vector x, vector y)
{
  return vcombine_u32(vget_low_u32(x), vget_low_u32(y));
}

ROUNDS_INLINE vector high_halves(vector x, vector y)
{
  return vcombine_u32(vget_high_u32(x), vget_high_u32(y));
}

/* Four words of each lane. */
ROUNDS_INLINE void load_quarter(vector w[4], const uint8_t *const data[], size_t at)
{
  const uint32x4x2_t of01 = vtrnq_u32(load_words(data[0] + at), load_words(data[1] + at));
  const uint32x4x2_t of23 = vtrnq_u32(load_words(data[2] + at), load_words(data[3] + at));

  w[0] = low_halves(of01.val[0], of23.val[0]);
  w[1] = low_halves(of01.val[1], of23.val[1]);
  w[2] = high_halves(of01.val[0], of23.val[0]);
  w[3] = high_halves(of01.val[1], of23.val[1]);
}

ROUNDS_INLINE void load_block(vector w[16], const uint8_t *const data[], size_t at)
{
  for (unsigned quarter = 0; quarter < 4; quarter++)
    load_quarter(w + 4 * quarter, data, at + 16 * quarter);
}

#include "sha256_rounds.h"

static bool usable(void)
{
  return true;
}

/* The cost is reckoned from the instructions that it takes, not measured: a third of what OpenSSL
 * needs without SHA instructions. */
const struct vmf_sha256_method vmf_sha256_neon = {.name = "neon",
                                                  .title = "NEON, 4 blocks at once",
                                                  .lanes = LANES,
                                                  .cost = 300,
                                                  .usable = usable,
                                                  .add = add_blocks};
