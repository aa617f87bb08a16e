/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * SHA-256 of two messages by the SHA instructions of x86-64. A step of SHA-256 waits for the one
 * before it, so that one message uses half of a processor's SHA unit at best; two fill it. */
#include <cpuid.h>
#include <immintrin.h>

#include "sha256_method.h"

enum { LANES = 2 };

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
  __m128i sum = _mm_add_epi32(w, _mm_load_si128((const __m128i *)(vmf_sha256_constants + round)));
  state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
  state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/* The four words of the schedule behind the sixteen in w0 to w3. */
WITH_SHA __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
  __m128i seventh = _mm_alignr_epi8(w3, w2, 4);
  return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), seventh), w3);
}

WITH_SHA void sixteen_rounds(struct state state[LANES], __m128i w[LANES][4], unsigned round)
{
  for (unsigned i = 0; i < 4; i++)
    for (unsigned lane = 0; lane < LANES; lane++)
      four_rounds(&state[lane], w[lane][i], round + 4 * i);
}

/* Blocks of both messages go through in step. */
WITH_SHA void add_block(struct state now[LANES], const uint8_t *const data[], size_t at)
{
  const struct state before[LANES] = {now[0], now[1]};
  __m128i w[LANES][4];

  for (unsigned lane = 0; lane < LANES; lane++)
    for (unsigned i = 0; i < 4; i++)
      w[lane][i] = load_words(data[lane] + at + 16 * i);
  sixteen_rounds(now, w, 0);
  for (unsigned round = 16; round < VMF_SHA256_ROUNDS; round += 16) {
    for (unsigned i = 0; i < 4; i++)
      for (unsigned lane = 0; lane < LANES; lane++)
        w[lane][i] = next_words(w[lane][i], w[lane][(i + 1) % 4], w[lane][(i + 2) % 4],
                                w[lane][(i + 3) % 4]);
    sixteen_rounds(now, w, round);
  }
  for (unsigned lane = 0; lane < LANES; lane++) {
    now[lane].abef = _mm_add_epi32(now[lane].abef, before[lane].abef);
    now[lane].cdgh = _mm_add_epi32(now[lane].cdgh, before[lane].cdgh);
  }
}

WITH_SHA struct state load_state(const struct vmf_sha256_state *state, unsigned lane)
{
  int h[8];

  for (unsigned i = 0; i < 8; i++)
    h[i] = (int)state->words[i][lane];
  return (struct state){.abef = _mm_set_epi32(h[0], h[1], h[4], h[5]),
                        .cdgh = _mm_set_epi32(h[2], h[3], h[6], h[7])};
}

WITH_SHA void store_state(struct vmf_sha256_state *state, unsigned lane, struct state now)
{
  static const unsigned places[] = {5, 4, 1, 0, 7, 6, 3, 2}; /* f e b a, h g d c */
  uint32_t words[8];

  _mm_storeu_si128((__m128i *)words, now.abef);
  _mm_storeu_si128((__m128i *)(words + 4), now.cdgh);
  for (unsigned i = 0; i < 8; i++)
    state->words[places[i]][lane] = words[i];
}

__attribute__((target("sha,sse4.1"))) static void add_blocks(struct vmf_sha256_state *state,
                                                             const uint8_t *const data[],
                                                             size_t blocks)
{
  struct state now[LANES] = {load_state(state, 0), load_state(state, 1)};

  for (size_t at = 0; at < blocks * VMF_SHA256_BLOCK; at += VMF_SHA256_BLOCK)
    add_block(now, data, at);
  for (unsigned lane = 0; lane < LANES; lane++)
    store_state(state, lane, now[lane]);
}

static bool usable(void)
{
  unsigned a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0)
    return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

const struct vmf_sha256_method vmf_sha256_sha = {.name = "sha",
                                                 .title = "SHA instructions, 2 blocks at once",
                                                 .lanes = LANES,
                                                 .cost = 80,
                                                 .usable = usable,
                                                 .add = add_blocks};
