/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Deflate that refers back by less than 4 KiB, which is what readers of QCOW2 have room for. No
 * library does this well: libdeflate's window is 32 KiB, ISA-L's output is 7 % longer than zlib's,
 * and zlib takes twice as long as this. Chains of equal hashes, lazy matching, and blocks that end
 * where their symbols change (RFC 1951). Only integers decide, so that the bytes are the same on
 * every processor. */
#include "deflate_4k.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "huffman.h"
#include "memory.h"

enum {
  WINDOW = 4096,
  HASH_LOG = 13,
  SHORT_LOG = 11, /* of three bytes */
  MATCH_MIN = 3,
  MATCH_MAX = 258,
  TAIL = 8,        /* bytes at the end, where nothing is looked for */
  CHUNK = 2048,    /* symbols, after which a block may end */
  SYMBOLS = 32768, /* of a block, at most */
  HEAD_BITS = 700  /* about what the head of a block takes */
};

/* How hard is looked for a match: how many places; from which length on nothing is looked for one
 * byte later, and from which on nothing at all. */
struct effort {
  uint16_t depth, good, nice;
};

struct vmf_deflate_4k {
  struct effort effort;
  uint16_t heads[1 << HASH_LOG], short_heads[1 << SHORT_LOG]; /* the last place of a hash */
  uint16_t before[WINDOW];                                    /* the place before, of the same */
  uint32_t symbols[SYMBOLS]; /* a literal, or the length in the upper half and the distance */
  uint32_t count;
  size_t noted;                        /* the first place that is not */
  struct vmf_frequencies block, chunk; /* of the symbols that are there, but for the last; those */
  size_t block_start;                  /* of its bytes */
  size_t chunk_start;
  uint32_t chunk_first; /* the symbol with which the last chunk begins */
};

struct match {
  uint32_t length, distance;
};

/* ---- matches ---- */

/* The low 16 bits of a place are kept. What another place left there is a place that has the same,
 * or nothing that is the same: the bytes are compared in any case. */
static uint32_t back(size_t at, uint16_t place)
{
  uint16_t distance = (uint16_t)((uint16_t)at - place);
  return distance < WINDOW && distance <= at ? distance : 0;
}

static uint32_t hash_of(const uint8_t *data)
{
  return get_le32(data) * 0x9e3779b1u >> (32 - HASH_LOG);
}

static uint32_t short_hash_of(const uint8_t *data)
{
  return (get_le32(data) << 8) * 0x9e3779b1u >> (32 - SHORT_LOG);
}

/* Equal bytes, at most `most`. */
static uint32_t common(const uint8_t *a, const uint8_t *b, uint32_t most)
{
  uint32_t length = 0;

  for (; length + 8 <= most; length += 8) {
    uint64_t differ = get_le64(a + length) ^ get_le64(b + length);
    if (differ)
      return length + (uint32_t)__builtin_ctzll(differ) / 8;
  }
  while (length < most && a[length] == b[length])
    length++;
  return length;
}

/* Notes the place; *shorter: the last one with the same three bytes. The last one with the same
 * hash. */
static inline uint16_t note(struct vmf_deflate_4k *packer, const uint8_t *data, size_t at,
                            uint16_t *shorter)
{
  uint32_t hash = hash_of(data + at), short_hash = short_hash_of(data + at);
  uint16_t place = packer->heads[hash];

  *shorter = packer->short_heads[short_hash];
  packer->before[at % WINDOW] = place;
  packer->heads[hash] = packer->short_heads[short_hash] = (uint16_t)at;
  packer->noted = at + 1;
  return place;
}

/* Notes the place, and finds the longest match there that is longer than `found`, which is given
 * back where there is none. At least eight bytes are left. */
static struct match find(struct vmf_deflate_4k *packer, const uint8_t *data, size_t at, size_t end,
                         unsigned depth, struct match found)
{
  const uint8_t *here = data + at;
  uint32_t most = (uint32_t)vmf_min(MATCH_MAX, end - at), last = 0, distance;
  uint32_t nice = (uint32_t)vmf_min(packer->effort.nice, most), first = get_le32(here);
  uint16_t shorter, place = note(packer, data, at, &shorter);

  while (found.length < nice && depth-- > 0 && (distance = back(at, place)) > last) {
    const uint8_t *there = here - distance;
    if (there[found.length] == here[found.length] && get_le32(there) == first) {
      uint32_t length = common(here, there, most);
      if (length > found.length)
        found = (struct match){.length = length, .distance = distance};
    }
    last = distance;
    place = packer->before[(at - distance) % WINDOW];
  }
  if (found.length < MATCH_MIN && (distance = back(at, shorter)) != 0 &&
      (get_le32(here - distance) ^ first) << 8 == 0)
    found = (struct match){.length = MATCH_MIN, .distance = distance};
  return found;
}

/* ---- blocks ---- */

static bool end_block(struct vmf_deflate_4k *packer, const uint8_t *data, size_t end,
                      uint32_t count, bool last, struct vmf_bits *bits)
{
  const struct vmf_block_symbols block = {.symbols = packer->symbols,
                                          .count = count,
                                          .frequencies = &packer->block,
                                          .data = data + packer->block_start,
                                          .length = end - packer->block_start,
                                          .last = last};
  packer->block_start = end;
  return vmf_huffman_write(&block, bits);
}

/* At the end of a chunk: it goes into the block, or the block ends before it where both alone are
 * shorter. */
static bool end_chunk(struct vmf_deflate_4k *packer, const uint8_t *data, size_t at,
                      struct vmf_bits *bits)
{
  struct vmf_frequencies both = packer->block;
  bool fits = true;

  vmf_frequencies_add(&both, &packer->chunk);
  if (packer->chunk_first > 0 &&
      vmf_frequencies_bits(&packer->block) + vmf_frequencies_bits(&packer->chunk) + HEAD_BITS <
          vmf_frequencies_bits(&both)) {
    fits = end_block(packer, data, packer->chunk_start, packer->chunk_first, false, bits);
    packer->count -= packer->chunk_first;
    memmove(packer->symbols, packer->symbols + packer->chunk_first,
            packer->count * sizeof packer->symbols[0]);
    both = packer->chunk;
  }
  packer->block = both;
  memset(&packer->chunk, 0, sizeof packer->chunk);
  if (packer->count + CHUNK + 4 > SYMBOLS && fits) {
    fits = end_block(packer, data, at, packer->count, false, bits);
    packer->count = 0;
    memset(&packer->block, 0, sizeof packer->block);
  }
  packer->chunk_first = packer->count;
  packer->chunk_start = at;
  return fits;
}

static void add_literal(struct vmf_deflate_4k *packer, uint8_t literal)
{
  packer->symbols[packer->count++] = literal;
  packer->chunk.literals[literal]++;
}

static void add_match(struct vmf_deflate_4k *packer, struct match match)
{
  packer->symbols[packer->count++] = match.length << 16 | match.distance;
  packer->chunk.literals[vmf_length_symbol(match.length)]++;
  packer->chunk.distances[vmf_distance_symbol(match.distance)]++;
}

/* ---- a unit ---- */

/* Whether a match one byte later is worth a literal. */
static bool is_better(struct match later, struct match now)
{
  int nearer = __builtin_clz(later.distance) - __builtin_clz(now.distance);
  return later.length > 0 && 4 * ((int)later.length - (int)now.length) + nearer > 2;
}

/* A match at *at, which literals come before where a later one is better; length 0: there is none.
 */
static struct match choose(struct vmf_deflate_4k *packer, const uint8_t *data, size_t *at,
                           size_t end)
{
  unsigned depth = packer->effort.depth;
  struct match now = find(packer, data, *at, end, depth, (struct match){.length = 0});

  while (now.length >= MATCH_MIN && now.length < packer->effort.good && end - *at > TAIL &&
         packer->count - packer->chunk_first < CHUNK) {
    struct match later =
        find(packer, data, *at + 1, end, depth / 2, (struct match){.length = now.length - 1});
    if (later.distance == 0 || !is_better(later, now))
      break;
    add_literal(packer, data[(*at)++]);
    now = later;
  }
  return now;
}

static bool pack(struct vmf_deflate_4k *packer, const uint8_t *data, size_t length,
                 struct vmf_bits *bits)
{
  size_t at = 0, guard = length - vmf_min(length, TAIL);
  uint16_t ignored;

  while (at < length) {
    struct match match = {.length = 0};
    if (at < guard)
      match = choose(packer, data, &at, length);
    if (match.length < MATCH_MIN) {
      add_literal(packer, data[at++]);
    } else {
      add_match(packer, match);
      for (size_t end = vmf_min(at + match.length, guard); packer->noted < end;)
        (void)note(packer, data, packer->noted, &ignored);
      at += match.length;
    }
    if (packer->count - packer->chunk_first >= CHUNK && !end_chunk(packer, data, at, bits))
      return false;
  }
  if (packer->count > packer->chunk_first && !end_chunk(packer, data, at, bits))
    return false;
  return end_block(packer, data, length, packer->count, true, bits);
}

size_t vmf_deflate_4k_pack(struct vmf_deflate_4k *packer, const uint8_t *data, size_t length,
                           uint8_t *packed, size_t capacity)
{
  struct vmf_bits bits = {.out = packed, .capacity = capacity};

  memset(packer->heads, 0, sizeof packer->heads);
  memset(packer->short_heads, 0, sizeof packer->short_heads);
  memset(&packer->block, 0, sizeof packer->block);
  memset(&packer->chunk, 0, sizeof packer->chunk);
  packer->count = packer->chunk_first = 0;
  packer->noted = packer->block_start = packer->chunk_start = 0;
  return pack(packer, data, length, &bits) ? vmf_bits_end(&bits) : 0;
}

enum vmf_code vmf_deflate_4k_new(int level, struct vmf_deflate_4k **packer, struct vmf_error *error)
{
  static const struct effort efforts[] = {{2, 0, 32},     {4, 0, 64},      {4, 16, 64},
                                          {8, 32, 128},   {16, 64, 258},   {32, 128, 258},
                                          {64, 258, 258}, {160, 258, 258}, {1024, 258, 258}};
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct vmf_deflate_4k), &memory, error));
  *packer = memory;
  (*packer)->effort = efforts[level - VMF_DEFLATE_4K_FIRST];
  return VMF_OK;
}
