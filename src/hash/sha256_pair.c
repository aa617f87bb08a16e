/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "sha256_pair.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "bytes.h"

enum { BLOCK = 64, ROUNDS = 64, LENGTH_BYTES = 8 };

/* FIPS 180-4, 4.2.2 */
static const uint32_t constants[ROUNDS] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The working variables a to h (6.2) as the instructions want them, first word highest. */
struct state {
  __m128i abef, cdgh;
};

#define WITH_SHA __attribute__((target("sha,sse4.1"), always_inline)) static inline

WITH_SHA __m128i load_words(const uint8_t *bytes)
{
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)bytes), big_endian);
}

/* Four rounds with the words w of the message schedule. */
WITH_SHA void four_rounds(struct state *state, __m128i w, unsigned round)
{
  __m128i sum = _mm_add_epi32(w, _mm_load_si128((const __m128i *)(constants + round)));
  state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
  state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/* The four words of the schedule behind the sixteen in w0 to w3. */
WITH_SHA __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
  __m128i seventh = _mm_alignr_epi8(w3, w2, 4);
  return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), seventh), w3);
}

WITH_SHA void sixteen_rounds(struct state state[2], __m128i w[2][4], unsigned round)
{
  for (unsigned i = 0; i < 4; i++)
    for (unsigned lane = 0; lane < 2; lane++)
      four_rounds(&state[lane], w[lane][i], round + 4 * i);
}

/* Blocks of both messages go through in step. */
__attribute__((target("sha,sse4.1"))) static void add_blocks(struct state state[2],
                                                             const uint8_t *const data[2],
                                                             size_t blocks)
{
  struct state now[2] = {state[0], state[1]};

  for (size_t at = 0; at < blocks * BLOCK; at += BLOCK) {
    struct state before[2] = {now[0], now[1]};
    __m128i w[2][4];
    for (unsigned lane = 0; lane < 2; lane++)
      for (unsigned i = 0; i < 4; i++)
        w[lane][i] = load_words(data[lane] + at + 16 * i);
    sixteen_rounds(now, w, 0);
    for (unsigned round = 16; round < ROUNDS; round += 16) {
      for (unsigned i = 0; i < 4; i++)
        for (unsigned lane = 0; lane < 2; lane++)
          w[lane][i] = next_words(w[lane][i], w[lane][(i + 1) % 4], w[lane][(i + 2) % 4],
                                  w[lane][(i + 3) % 4]);
      sixteen_rounds(now, w, round);
    }
    for (unsigned lane = 0; lane < 2; lane++) {
      now[lane].abef = _mm_add_epi32(now[lane].abef, before[lane].abef);
      now[lane].cdgh = _mm_add_epi32(now[lane].cdgh, before[lane].cdgh);
    }
  }
  state[0] = now[0];
  state[1] = now[1];
}

static void store_state(const struct state *state, uint8_t *out)
{
  uint32_t high[4], low[4];

  memcpy(high, &state->abef, sizeof(high)); /* f e b a */
  memcpy(low, &state->cdgh, sizeof(low));   /* h g d c */
  const uint32_t words[] = {high[3], high[2], low[3], low[2], high[1], high[0], low[1], low[0]};
  for (unsigned i = 0; i < 8; i++)
    put_be32(out + 4 * i, words[i]);
}

/* What follows the whole blocks: the rest, 0x80, zeros, the length in bits (5.1.1). */
static size_t last_blocks(const uint8_t *rest, size_t length, uint8_t last[2 * BLOCK])
{
  size_t left = length % BLOCK, blocks = left + 1 + LENGTH_BYTES <= BLOCK ? 1 : 2;

  memset(last, 0, 2 * BLOCK);
  if (left > 0)
    memcpy(last, rest, left);
  last[left] = 0x80;
  put_be64(last + blocks * BLOCK - LENGTH_BYTES, (uint64_t)length * 8);
  return blocks;
}

void vmf_sha256_pair(const uint8_t *const data[2], size_t length, uint8_t *const out[2])
{
  const struct state start = {
      .abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
      .cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19)};
  struct state state[2] = {start, start};
  uint8_t last[2][2 * BLOCK];
  const uint8_t *const lasts[2] = {last[0], last[1]};
  size_t whole = length / BLOCK, blocks = 0;

  add_blocks(state, data, whole);
  for (unsigned lane = 0; lane < 2; lane++)
    blocks = last_blocks(data[lane] + whole * BLOCK, length, last[lane]);
  add_blocks(state, lasts, blocks);
  for (unsigned lane = 0; lane < 2; lane++)
    store_state(&state[lane], out[lane]);
}

bool vmf_sha256_pair_usable(void)
{
  unsigned a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0)
    return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}
#else
bool vmf_sha256_pair_usable(void)
{
  return false;
}

void vmf_sha256_pair(const uint8_t *const data[2], size_t length, uint8_t *const out[2])
{
  (void)data;
  (void)length;
  (void)out;
}
#endif
