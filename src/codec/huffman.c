/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "huffman.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"

enum {
  CODE_MAX = 15,  /* bits of a code */
  LENGTHS = 19,   /* symbols by which lengths of codes are told */
  LENGTH_MAX = 7, /* bits of their codes */
  HEAD = 3,       /* bits in front of each block */
  STORED_MAX = 65535,
  SLACK = 16 /* bytes: a whole word is stored at a time */
};

struct code {
  uint16_t bits[VMF_LITERALS + 2]; /* the first to be written lowest */
  uint8_t lengths[VMF_LITERALS + 2];
};

/* ---- frequencies ---- */

void vmf_frequencies_add(struct vmf_frequencies *sum, const struct vmf_frequencies *more)
{
  for (unsigned i = 0; i < VMF_LITERALS; i++)
    sum->literals[i] += more->literals[i];
  for (unsigned i = 0; i < VMF_DISTANCES; i++)
    sum->distances[i] += more->distances[i];
}

/* 256 times the logarithm, between powers of two on a straight line. */
static uint64_t log_256(uint32_t value)
{
  unsigned whole = 31 - (unsigned)__builtin_clz(value);
  return whole * 256 + (((uint64_t)value << 8 >> whole) - 256);
}

static uint64_t entropy(const uint32_t *frequencies, unsigned count)
{
  uint64_t bits = 0;
  uint32_t total = 0;

  for (unsigned i = 0; i < count; i++)
    total += frequencies[i];
  for (unsigned i = 0; i < count; i++)
    if (frequencies[i] > 0)
      bits += frequencies[i] * (log_256(total) - log_256(frequencies[i]));
  return bits / 256;
}

uint64_t vmf_frequencies_bits(const struct vmf_frequencies *frequencies)
{
  return entropy(frequencies->literals, VMF_LITERALS) +
         entropy(frequencies->distances, VMF_DISTANCES);
}

/* ---- codes ---- */

/* Each is the frequency << 9 and the symbol, so that none equals another. */
static void sort(uint32_t *list, unsigned count)
{
  static const unsigned gaps[] = {132, 57, 23, 10, 4, 1};

  for (unsigned i = 0; i < sizeof gaps / sizeof gaps[0]; i++)
    for (unsigned at = gaps[i]; at < count; at++) {
      uint32_t moved = list[at];
      unsigned to = at;
      for (; to >= gaps[i] && list[to - gaps[i]] > moved; to -= gaps[i])
        list[to] = list[to - gaps[i]];
      list[to] = moved;
    }
}

/* How many codes have which length in the shortest code for frequencies in rising order: two
 * queues, of leaves and of nodes, which rise by themselves. */
static void count_lengths(const uint32_t *sorted, unsigned count, uint16_t counts[], unsigned most)
{
  uint32_t weights[VMF_LITERALS + 2];
  uint16_t parents[2 * (VMF_LITERALS + 2)];
  uint8_t depths[2 * (VMF_LITERALS + 2)];
  unsigned leaf = 0, node = 0;

  for (unsigned made = 0; made + 1 < count; made++) {
    weights[made] = 0;
    for (unsigned child = 0; child < 2; child++) {
      bool is_leaf = leaf < count && (node == made || sorted[leaf] >> 9 <= weights[node]);
      weights[made] += is_leaf ? sorted[leaf] >> 9 : weights[node];
      parents[is_leaf ? leaf++ : count + node++] = (uint16_t)(count + made);
    }
  }
  memset(counts, 0, (CODE_MAX + 1) * sizeof counts[0]);
  depths[2 * count - 2] = 0; /* the root */
  for (unsigned at = 2 * count - 2; at-- > 0;) {
    depths[at] = (uint8_t)(depths[parents[at]] + 1);
    if (at < count)
      counts[vmf_min(depths[at], most)]++;
  }
}

/* Codes that were cut to `most` bits take more than there are: others become longer for them. */
static void repair_lengths(uint16_t counts[], unsigned most)
{
  uint32_t taken = 0;

  for (unsigned length = 1; length <= most; length++)
    taken += (uint32_t)counts[length] << (most - length);
  for (; taken > 1u << most; taken--) {
    unsigned length = most - 1;
    while (counts[length] == 0)
      length--;
    counts[length]--;
    counts[length + 1] += 2;
    counts[most]--;
  }
}

static uint16_t reversed(uint32_t bits, unsigned length)
{
  uint32_t result = 0;

  for (unsigned i = 0; i < length; i++)
    result |= (bits >> i & 1) << (length - 1 - i);
  return (uint16_t)result;
}

/* The bits of codes whose lengths are known. */
static void number_codes(struct code *code, unsigned count)
{
  uint32_t next[CODE_MAX + 2] = {0}, counts[CODE_MAX + 1] = {0};

  for (unsigned i = 0; i < count; i++)
    counts[code->lengths[i]]++;
  counts[0] = 0;
  for (unsigned length = 1; length <= CODE_MAX; length++)
    next[length + 1] = (next[length] + counts[length]) << 1;
  for (unsigned i = 0; i < count; i++)
    if (code->lengths[i] > 0)
      code->bits[i] = reversed(next[code->lengths[i]]++, code->lengths[i]);
}

/* At least two symbols have a code: that is what every reader takes. */
static void make_code(struct code *code, const uint32_t *frequencies, unsigned symbols,
                      unsigned most)
{
  uint32_t list[VMF_LITERALS + 2];
  uint16_t counts[CODE_MAX + 1];
  unsigned count = 0, at = 0;

  for (unsigned i = 0; i < symbols; i++)
    if (frequencies[i] > 0)
      list[count++] = frequencies[i] << 9 | i;
  for (unsigned i = 0; count < 2; i++)
    if (frequencies[i] == 0)
      list[count++] = i;
  sort(list, count);
  count_lengths(list, count, counts, most);
  repair_lengths(counts, most);
  memset(code->lengths, 0, sizeof code->lengths);
  for (unsigned length = most; length > 0; length--)
    for (unsigned left = counts[length]; left > 0; left--)
      code->lengths[list[at++] & 511] = (uint8_t)length;
  number_codes(code, symbols);
}

/* ---- bits ---- */

/* At most 57 bits are pending; the room is there. */
static void flush(struct vmf_bits *bits)
{
  put_le64(bits->out + bits->used, bits->pending);
  bits->used += bits->count / 8;
  bits->pending >>= bits->count / 8 * 8;
  bits->count %= 8;
}

static void add(struct vmf_bits *bits, uint32_t value, unsigned count)
{
  bits->pending |= (uint64_t)value << bits->count;
  bits->count += count;
}

static void put(struct vmf_bits *bits, uint32_t value, unsigned count)
{
  add(bits, value, count);
  flush(bits);
}

static bool has_room(const struct vmf_bits *bits, uint64_t more)
{
  return bits->used + more / 8 + SLACK <= bits->capacity;
}

size_t vmf_bits_end(struct vmf_bits *bits)
{
  if (bits->count > 0)
    bits->out[bits->used++] = (uint8_t)bits->pending;
  return bits->used;
}

/* ---- how codes are told ---- */

struct told {
  uint8_t symbols[VMF_LITERALS + VMF_DISTANCES], repeats[VMF_LITERALS + VMF_DISTANCES];
  unsigned count, literals, distances, lengths; /* how many there are of each */
  uint32_t frequencies[LENGTHS];
  struct code code;
};

static const uint8_t length_order[LENGTHS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                              11, 4,  12, 3, 13, 2, 14, 1, 15};
static const uint8_t repeat_bits[LENGTHS] = {[16] = 2, [17] = 3, [18] = 7};

static void tell(struct told *told, unsigned symbol, unsigned repeat)
{
  told->symbols[told->count] = (uint8_t)symbol;
  told->repeats[told->count++] = (uint8_t)repeat;
  told->frequencies[symbol]++;
}

/* So many of the same length: 16 repeats the one before, 17 and 18 zeros. */
static void tell_run(struct told *told, unsigned length, unsigned run)
{
  if (length > 0) {
    tell(told, length, 0);
    run--;
  }
  while (run >= 3) {
    unsigned symbol = length > 0 ? 16 : run < 11 ? 17 : 18;
    unsigned least = symbol == 18 ? 11 : 3;
    unsigned taken = (unsigned)vmf_min(run, symbol == 16 ? 6 : symbol == 17 ? 10 : 138);
    tell(told, symbol, taken - least);
    run -= taken;
  }
  for (; run > 0; run--)
    tell(told, length, 0);
}

static unsigned used(const struct code *code, unsigned symbols, unsigned least)
{
  while (symbols > least && code->lengths[symbols - 1] == 0)
    symbols--;
  return symbols;
}

/* Bits of the head that tells both codes. */
static uint64_t tell_codes(struct told *told, const struct code *literals,
                           const struct code *distances)
{
  uint8_t all[VMF_LITERALS + VMF_DISTANCES];
  uint64_t bits = 14;

  memset(told, 0, sizeof *told);
  told->literals = used(literals, VMF_LITERALS, 257);
  told->distances = used(distances, VMF_DISTANCES, 1);
  memcpy(all, literals->lengths, told->literals);
  memcpy(all + told->literals, distances->lengths, told->distances);
  for (unsigned at = 0, run, end = told->literals + told->distances; at < end; at += run) {
    for (run = 1; at + run < end && all[at + run] == all[at];)
      run++;
    tell_run(told, all[at], run);
  }
  make_code(&told->code, told->frequencies, LENGTHS, LENGTH_MAX);
  told->lengths = LENGTHS;
  while (told->lengths > 4 && told->code.lengths[length_order[told->lengths - 1]] == 0)
    told->lengths--;
  for (unsigned i = 0; i < LENGTHS; i++)
    bits += (uint64_t)told->frequencies[i] * (told->code.lengths[i] + repeat_bits[i]);
  return bits + 3 * told->lengths;
}

static void write_told(const struct told *told, struct vmf_bits *bits)
{
  put(bits, told->literals - 257, 5);
  put(bits, told->distances - 1, 5);
  put(bits, told->lengths - 4, 4);
  for (unsigned i = 0; i < told->lengths; i++)
    put(bits, told->code.lengths[length_order[i]], 3);
  for (unsigned i = 0; i < told->count; i++) {
    unsigned symbol = told->symbols[i];
    add(bits, told->code.bits[symbol], told->code.lengths[symbol]);
    put(bits, told->repeats[i], repeat_bits[symbol]);
  }
}

/* ---- blocks ---- */

static unsigned length_extra(unsigned symbol)
{
  return symbol < 265 || symbol == 285 ? 0 : (symbol - 261) / 4;
}

static unsigned distance_extra(unsigned symbol)
{
  return symbol < 4 ? 0 : symbol / 2 - 1;
}

static uint64_t bits_by(const struct vmf_frequencies *frequencies, const struct code *literals,
                        const struct code *distances)
{
  uint64_t bits = literals->lengths[VMF_END_OF_BLOCK];

  for (unsigned i = 0; i < VMF_LITERALS; i++)
    bits += (uint64_t)frequencies->literals[i] *
            (literals->lengths[i] + (i > VMF_END_OF_BLOCK ? length_extra(i) : 0));
  for (unsigned i = 0; i < VMF_DISTANCES; i++)
    bits += (uint64_t)frequencies->distances[i] * (distances->lengths[i] + distance_extra(i));
  return bits;
}

static void write_match(uint32_t symbol, const struct code *literals, const struct code *distances,
                        struct vmf_bits *bits)
{
  uint32_t length = symbol >> 16, distance = symbol & 0xffff;
  unsigned code = vmf_length_symbol(length), extra = length_extra(code);

  add(bits, literals->bits[code], literals->lengths[code]);
  add(bits, (length - 3) & ((1u << extra) - 1), extra);
  code = vmf_distance_symbol(distance);
  extra = distance_extra(code);
  add(bits, distances->bits[code], distances->lengths[code]);
  put(bits, (distance - 1) & ((1u << extra) - 1), extra);
}

static void write_symbols(const struct vmf_block_symbols *block, const struct code *literals,
                          const struct code *distances, struct vmf_bits *bits)
{
  for (uint32_t i = 0; i < block->count; i++) {
    uint32_t symbol = block->symbols[i];
    if (symbol < VMF_END_OF_BLOCK)
      put(bits, literals->bits[symbol], literals->lengths[symbol]);
    else
      write_match(symbol, literals, distances, bits);
  }
  put(bits, literals->bits[VMF_END_OF_BLOCK], literals->lengths[VMF_END_OF_BLOCK]);
}

static bool write_stored(const struct vmf_block_symbols *block, struct vmf_bits *bits)
{
  size_t at = 0;

  do {
    size_t length = vmf_min(block->length - at, STORED_MAX);
    bool last = block->last && at + length == block->length;
    if (!has_room(bits, 8 * (length + 5)))
      return false;
    put(bits, last, HEAD);
    if (bits->count > 0)
      put(bits, 0, 8 - bits->count);
    put_le16(bits->out + bits->used, (uint16_t)length);
    put_le16(bits->out + bits->used + 2, (uint16_t)~length);
    memcpy(bits->out + bits->used + 4, block->data + at, length);
    bits->used += length + 4;
    at += length;
  } while (at < block->length);
  return true;
}

static void make_fixed(struct code *literals, struct code *distances)
{
  for (unsigned i = 0; i < VMF_LITERALS + 2; i++)
    literals->lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  memset(distances->lengths, 0, sizeof distances->lengths);
  memset(distances->lengths, 5, VMF_DISTANCES);
  number_codes(literals, VMF_LITERALS + 2);
  number_codes(distances, VMF_DISTANCES);
}

bool vmf_huffman_write(const struct vmf_block_symbols *block, struct vmf_bits *bits)
{
  struct vmf_frequencies frequencies = *block->frequencies;
  struct code literals, distances, fixed_literals, fixed_distances;
  struct told told;

  frequencies.literals[VMF_END_OF_BLOCK] = 1;
  make_code(&literals, frequencies.literals, VMF_LITERALS, CODE_MAX);
  make_code(&distances, frequencies.distances, VMF_DISTANCES, CODE_MAX);
  make_fixed(&fixed_literals, &fixed_distances);
  frequencies.literals[VMF_END_OF_BLOCK] = 0; /* is counted by bits_by */
  uint64_t own =
      tell_codes(&told, &literals, &distances) + bits_by(&frequencies, &literals, &distances);
  uint64_t fixed = bits_by(&frequencies, &fixed_literals, &fixed_distances);
  uint64_t best = vmf_min(own, fixed);
  if (best >= 8 * block->length + 32)
    return write_stored(block, bits);
  if (!has_room(bits, HEAD + best))
    return false;
  put(bits, block->last | (own < fixed ? 4 : 2), HEAD);
  if (own < fixed) {
    write_told(&told, bits);
    write_symbols(block, &literals, &distances, bits);
  } else {
    write_symbols(block, &fixed_literals, &fixed_distances, bits);
  }
  return true;
}
