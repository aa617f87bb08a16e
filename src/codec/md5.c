/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include <string.h>

#include "bytes.h"
#include "sums.h"

enum { BLOCK = 64, LENGTH_AT = 56 };

struct md5 {
  uint32_t a, b, c, d;
};

/* RFC 1321, section 3.4: the first 32 bits of the fraction of |sin(i + 1)|. */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const uint8_t shifts[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t rotate(uint32_t value, unsigned bits)
{
  return value << bits | value >> (32 - bits);
}

/* What a step mixes in, of which word of the block it is. */
static uint32_t mix(const struct md5 *md5, unsigned step, unsigned *word)
{
  uint32_t b = md5->b, c = md5->c, d = md5->d;

  switch (step / 16) {
  case 0:
    *word = step;
    return (b & c) | (~b & d);
  case 1:
    *word = (5 * step + 1) % 16;
    return (d & b) | (~d & c);
  case 2:
    *word = (3 * step + 5) % 16;
    return b ^ c ^ d;
  default:
    *word = 7 * step % 16;
    return c ^ (b | ~d);
  }
}

static void add_block(struct md5 *md5, const uint8_t block[BLOCK])
{
  struct md5 now = *md5;
  unsigned word;

  for (unsigned step = 0; step < 64; step++) {
    uint32_t sum = now.a + mix(&now, step, &word) + sines[step];
    sum += get_le32(block + 4 * (size_t)word);
    now.a = now.d;
    now.d = now.c;
    now.c = now.b;
    now.b += rotate(sum, shifts[step / 16][step % 4]);
  }
  md5->a += now.a;
  md5->b += now.b;
  md5->c += now.c;
  md5->d += now.d;
}

/* Up to a block of the bytes at `at`, zeros behind them and from byte `zeros` of all on. */
static size_t take(const uint8_t *bytes, size_t length, size_t zeros, size_t at,
                   uint8_t block[BLOCK])
{
  size_t have = length - at < BLOCK ? length - at : BLOCK;

  memset(block, 0, BLOCK);
  memcpy(block, bytes + at, have);
  for (size_t i = zeros; i < zeros + VMF_MD5_SUM; i++)
    if (i >= at && i < at + have)
      block[i - at] = 0;
  return have;
}

void vmf_md5(const uint8_t *bytes, size_t length, size_t zeros, uint8_t sum[VMF_MD5_SUM])
{
  struct md5 md5 = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint8_t block[BLOCK];
  size_t at = 0, have;

  while ((have = take(bytes, length, zeros, at, block)) == BLOCK) {
    add_block(&md5, block);
    at += BLOCK;
  }
  block[have] = 0x80;
  if (have >= LENGTH_AT) {
    add_block(&md5, block);
    memset(block, 0, sizeof(block));
  }
  put_le64(block + LENGTH_AT, 8 * (uint64_t)length);
  add_block(&md5, block);
  put_le32(sum, md5.a);
  put_le32(sum + 4, md5.b);
  put_le32(sum + 8, md5.c);
  put_le32(sum + 12, md5.d);
}
