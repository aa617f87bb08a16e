/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The rounds of SHA-256 (FIPS 180-4, 6.2.2) in vectors that hold one word of each lane. Who
 * includes this has defined before:
 *
 *   ROUNDS_INLINE    attributes and storage class of a function that is inlined
 *   ROUNDS_TARGET    attributes of one that is not
 *   vector           the type
 *   load, store      a vector at aligned memory
 *   add, xor3        of words; spread: one word in all lanes
 *   ROTATE, SHIFT    to the right; the number of bits is a literal
 *   choose, majority Ch and Maj (4.1.2)
 *   load_block       the 16 words of a block of each lane, at `at` of its data */

/* The capital sigmas */
ROUNDS_INLINE vector sum0(vector x)
{
  return xor3(ROTATE(x, 2), ROTATE(x, 13), ROTATE(x, 22));
}

ROUNDS_INLINE vector sum1(vector x)
{
  return xor3(ROTATE(x, 6), ROTATE(x, 11), ROTATE(x, 25));
}

/* The small ones */
ROUNDS_INLINE vector mix0(vector x)
{
  return xor3(ROTATE(x, 7), ROTATE(x, 18), SHIFT(x, 3));
}

ROUNDS_INLINE vector mix1(vector x)
{
  return xor3(ROTATE(x, 17), ROTATE(x, 19), SHIFT(x, 10));
}

/* The word of the schedule that takes the place of w[i]: 16 behind it. */
ROUNDS_INLINE vector next_word(const vector w[16], unsigned i)
{
  return add(add(w[i], mix0(w[(i + 1) % 16])), add(w[(i + 9) % 16], mix1(w[(i + 14) % 16])));
}

/* The variables do not move, their names do: "a" of round i is v[-i mod 8], "b" the next one. */
ROUNDS_INLINE void one_round(vector v[8], vector w[16], const uint32_t k[16], unsigned i,
                             bool first)
{
  const vector a = v[(16 - i) % 8], b = v[(17 - i) % 8], c = v[(18 - i) % 8];
  const vector e = v[(20 - i) % 8], f = v[(21 - i) % 8], g = v[(22 - i) % 8];
  vector *d = &v[(19 - i) % 8], *h = &v[(23 - i) % 8];

  if (!first)
    w[i] = next_word(w, i);
  vector t1 = add(add(*h, add(w[i], spread(k[i]))), add(choose(e, f, g), sum1(e)));
  *d = add(*d, t1);
  *h = add(t1, add(sum0(a), majority(a, b, c)));
}

ROUNDS_INLINE void four_rounds(vector v[8], vector w[16], const uint32_t k[16], unsigned i,
                               bool first)
{
  one_round(v, w, k, i, first);
  one_round(v, w, k, i + 1, first);
  one_round(v, w, k, i + 2, first);
  one_round(v, w, k, i + 3, first);
}

ROUNDS_INLINE void sixteen_rounds(vector v[8], vector w[16], const uint32_t k[16], bool first)
{
  four_rounds(v, w, k, 0, first);
  four_rounds(v, w, k, 4, first);
  four_rounds(v, w, k, 8, first);
  four_rounds(v, w, k, 12, first);
}

ROUNDS_TARGET static void add_blocks(struct vmf_sha256_state *state, const uint8_t *const data[],
                                     size_t blocks)
{
  vector v[8], before[8], w[16];

  for (unsigned i = 0; i < 8; i++)
    v[i] = load(state->words[i]);
  for (size_t at = 0; at < blocks * VMF_SHA256_BLOCK; at += VMF_SHA256_BLOCK) {
    for (unsigned i = 0; i < 8; i++)
      before[i] = v[i];
    load_block(w, data, at);
    sixteen_rounds(v, w, vmf_sha256_constants, true);
    for (unsigned round = 16; round < VMF_SHA256_ROUNDS; round += 16)
      sixteen_rounds(v, w, vmf_sha256_constants + round, false);
    for (unsigned i = 0; i < 8; i++)
      v[i] = add(v[i], before[i]);
  }
  for (unsigned i = 0; i < 8; i++)
    store(state->words[i], v[i]);
}
