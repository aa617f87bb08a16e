/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * SHA-256 of 16 messages by AVX-512 (F, and BW to turn bytes around): it rotates in one
 * instruction, and any function of three bits is one. */
#include <immintrin.h>

#include "sha256_method.h"

enum { LANES = 16 };

#define ROUNDS_TARGET __attribute__((target("avx512f,avx512bw")))
#define ROUNDS_INLINE __attribute__((target("avx512f,avx512bw"), always_inline)) static inline

typedef __m512i vector;

/* What _mm512_ternarylogic_epi32 makes of three bits x, y, z: bit 4x + 2y + z of these. */
enum { XOR3 = 0x96, CHOOSE = 0xca, MAJORITY = 0xe8 };

ROUNDS_INLINE vector load(const uint32_t *words)
{
  return _mm512_load_si512(words);
}

ROUNDS_INLINE void store(uint32_t *words, vector x)
{
  _mm512_store_si512(words, x);
}

ROUNDS_INLINE vector add(vector x, vector y)
{
  return _mm512_add_epi32(x, y);
}

ROUNDS_INLINE vector spread(uint32_t word)
{
  return _mm512_set1_epi32((int)word);
}

ROUNDS_INLINE vector xor3(vector x, vector y, vector z)
{
  return _mm512_ternarylogic_epi32(x, y, z, XOR3);
}

ROUNDS_INLINE vector choose(vector x, vector y, vector z)
{
  return _mm512_ternarylogic_epi32(x, y, z, CHOOSE);
}

ROUNDS_INLINE vector majority(vector x, vector y, vector z)
{
  return _mm512_ternarylogic_epi32(x, y, z, MAJORITY);
}

#define ROTATE(x, bits) _mm512_ror_epi32(x, bits)
#define SHIFT(x, bits) _mm512_srli_epi32(x, bits)

/* Four rows of one block each become, in each quarter of 128 bits, four columns: quarter q of
 * rows[i] is word 4q + i of the four lanes. */
ROUNDS_INLINE void turn_quarters(vector rows[4])
{
  const vector low01 = _mm512_unpacklo_epi32(rows[0], rows[1]);
  const vector low23 = _mm512_unpacklo_epi32(rows[2], rows[3]);
  const vector high01 = _mm512_unpackhi_epi32(rows[0], rows[1]);
  const vector high23 = _mm512_unpackhi_epi32(rows[2], rows[3]);

  rows[0] = _mm512_unpacklo_epi64(low01, low23);
  rows[1] = _mm512_unpackhi_epi64(low01, low23);
  rows[2] = _mm512_unpacklo_epi64(high01, high23);
  rows[3] = _mm512_unpackhi_epi64(high01, high23);
}

/* Words i, 4 + i, 8 + i and 12 + i, from the quarters that hold them of four lanes each. */
ROUNDS_INLINE void join_quarters(vector w[16], const vector rows[16], unsigned i)
{
  const vector low01 = _mm512_shuffle_i32x4(rows[i], rows[4 + i], 0x44);
  const vector low23 = _mm512_shuffle_i32x4(rows[8 + i], rows[12 + i], 0x44);
  const vector high01 = _mm512_shuffle_i32x4(rows[i], rows[4 + i], 0xee);
  const vector high23 = _mm512_shuffle_i32x4(rows[8 + i], rows[12 + i], 0xee);

  w[i] = _mm512_shuffle_i32x4(low01, low23, 0x88);
  w[4 + i] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
  w[8 + i] = _mm512_shuffle_i32x4(high01, high23, 0x88);
  w[12 + i] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
}

ROUNDS_INLINE void load_block(vector w[16], const uint8_t *const data[], size_t at)
{
  const vector big_endian =
      _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
  vector rows[16];

  for (unsigned lane = 0; lane < LANES; lane++)
    rows[lane] = _mm512_shuffle_epi8(_mm512_loadu_si512(data[lane] + at), big_endian);
  for (unsigned lane = 0; lane < LANES; lane += 4)
    turn_quarters(rows + lane);
  for (unsigned i = 0; i < 4; i++)
    join_quarters(w, rows, i);
}

#include "sha256_rounds.h"

static bool usable(void)
{
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

const struct vmf_sha256_method vmf_sha256_avx512 = {.name = "avx512",
                                                    .title = "AVX-512, 16 blocks at once",
                                                    .lanes = LANES,
                                                    .cost = 375,
                                                    .usable = usable,
                                                    .add = add_blocks};
