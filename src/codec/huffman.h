/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The blocks of RFC 1951: literals and matches become bits, by the shortest of its three kinds. */
#ifndef VMF_CODEC_HUFFMAN_H
#define VMF_CODEC_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMF_LITERALS = 286, VMF_DISTANCES = 30, VMF_END_OF_BLOCK = 256 };

struct vmf_frequencies {
  uint32_t literals[VMF_LITERALS], distances[VMF_DISTANCES];
};

void vmf_frequencies_add(struct vmf_frequencies *sum, const struct vmf_frequencies *more);

/* About how many bits the symbols take, without those that a match has besides. */
uint64_t vmf_frequencies_bits(const struct vmf_frequencies *frequencies);

/* What is written goes here, the lowest bit first. */
struct vmf_bits {
  uint8_t *out;
  size_t capacity, used; /* bytes */
  uint64_t pending;      /* fewer than 8 bits that are not in a byte yet */
  unsigned count;
};

/* The bytes of it all. */
size_t vmf_bits_end(struct vmf_bits *bits);

struct vmf_block_symbols {
  const uint32_t *symbols; /* literals, or matches: the length << 16 and the distance */
  uint32_t count;
  const struct vmf_frequencies *frequencies;
  const uint8_t *data; /* what they stand for */
  size_t length;
  bool last; /* of the stream */
};

/* false: it does not fit. */
bool vmf_huffman_write(const struct vmf_block_symbols *block, struct vmf_bits *bits);

/* 3 to 258 */
static inline unsigned vmf_length_symbol(uint32_t length)
{
  uint32_t over = length - 3;
  if (over < 8)
    return 257 + over;
  unsigned log = 31 - (unsigned)__builtin_clz(over);
  return length == 258 ? 285 : 257 + 4 * (log - 1) + (over >> (log - 2) & 3);
}

/* 1 to 32768 */
static inline unsigned vmf_distance_symbol(uint32_t distance)
{
  uint32_t over = distance - 1;
  if (over < 2)
    return over;
  unsigned log = 31 - (unsigned)__builtin_clz(over);
  return 2 * log + (over >> (log - 1) & 1);
}

#endif
