/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * SHA-256 of 8 messages by AVX2. */
#include <immintrin.h>

#include "sha256_method.h"

enum { LANES = 8 };

#define ROUNDS_TARGET __attribute__((target("avx2")))
#define ROUNDS_INLINE __attribute__((target("avx2"), always_inline)) static inline

typedef __m256i vector;

ROUNDS_INLINE vector load(const uint32_t *words)
{
  return _mm256_load_si256((const __m256i *)words);
}

ROUNDS_INLINE void store(uint32_t *words, vector x)
{
  _mm256_store_si256((__m256i *)words, x);
}

ROUNDS_INLINE vector add(vector x, vector y)
{
  return _mm256_add_epi32(x, y);
}

ROUNDS_INLINE vector spread(uint32_t word)
{
  return _mm256_set1_epi32((int)word);
}

ROUNDS_INLINE vector xor3(vector x, vector y, vector z)
{
  return _mm256_xor_si256(_mm256_xor_si256(x, y), z);
}

ROUNDS_INLINE vector choose(vector x, vector y, vector z)
{
  return _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)));
}

/* Where y differs from both of the others, it loses. What x and y differ in is found once: in the
 * next round they are y and z. */
ROUNDS_INLINE vector majority(vector x, vector y, vector z)
{
  return _mm256_xor_si256(y, _mm256_and_si256(_mm256_xor_si256(x, y), _mm256_xor_si256(y, z)));
}

#define SHIFT(x, bits) _mm256_srli_epi32(x, bits)
#define ROTATE(x, bits) _mm256_or_si256(SHIFT(x, bits), _mm256_slli_epi32(x, 32 - (bits)))

/* Rows of 8 words of four lanes become, in each half of 128 bits, four columns: half h of rows[i]
 * is word 4h + i of the four lanes. */
ROUNDS_INLINE void turn_halves(vector rows[4])
{
  const vector low01 = _mm256_unpacklo_epi32(rows[0], rows[1]);
  const vector low23 = _mm256_unpacklo_epi32(rows[2], rows[3]);
  const vector high01 = _mm256_unpackhi_epi32(rows[0], rows[1]);
  const vector high23 = _mm256_unpackhi_epi32(rows[2], rows[3]);

  rows[0] = _mm256_unpacklo_epi64(low01, low23);
  rows[1] = _mm256_unpackhi_epi64(low01, low23);
  rows[2] = _mm256_unpacklo_epi64(high01, high23);
  rows[3] = _mm256_unpackhi_epi64(high01, high23);
}

/* Eight words of each lane. */
ROUNDS_INLINE void load_half(vector w[8], const uint8_t *const data[], size_t at)
{
  const vector big_endian = _mm256_broadcastsi128_si256(
      _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
  vector rows[LANES];

  for (unsigned lane = 0; lane < LANES; lane++)
    rows[lane] =
        _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(data[lane] + at)), big_endian);
  turn_halves(rows);
  turn_halves(rows + 4);
  for (unsigned i = 0; i < 4; i++) {
    w[i] = _mm256_permute2x128_si256(rows[i], rows[4 + i], 0x20);
    w[4 + i] = _mm256_permute2x128_si256(rows[i], rows[4 + i], 0x31);
  }
}

ROUNDS_INLINE void load_block(vector w[16], const uint8_t *const data[], size_t at)
{
  load_half(w, data, at);
  load_half(w + 8, data, at + VMF_SHA256_BLOCK / 2);
}

#include "sha256_rounds.h"

static bool usable(void)
{
  return __builtin_cpu_supports("avx2");
}

const struct vmf_sha256_method vmf_sha256_avx2 = {.name = "avx2",
                                                  .title = "AVX2, 8 blocks at once",
                                                  .lanes = LANES,
                                                  .cost = 500,
                                                  .usable = usable,
                                                  .add = add_blocks};
