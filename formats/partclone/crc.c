/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Eight bytes at a time: table[k] is what a byte does k bytes later. */
#include "bytes.h"
#include "partclone.h"

#define POLYNOMIAL 0xedb88320u

void partclone_crc_init(struct partclone_crc *crc)
{
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t sum = i;
    for (unsigned bit = 0; bit < 8; bit++)
      sum = sum & 1 ? sum >> 1 ^ POLYNOMIAL : sum >> 1;
    crc->table[0][i] = sum;
  }
  for (unsigned k = 1; k < 8; k++)
    for (uint32_t i = 0; i < 256; i++)
      crc->table[k][i] = crc->table[k - 1][i] >> 8 ^ crc->table[0][crc->table[k - 1][i] & 0xff];
}

uint32_t partclone_crc(const struct partclone_crc *crc, uint32_t sum, const void *bytes,
                       size_t length)
{
  const uint8_t *at = bytes;

  for (; length >= 8; at += 8, length -= 8) {
    uint32_t low = sum ^ get_le32(at), high = get_le32(at + 4);
    sum = crc->table[7][low & 0xff] ^ crc->table[6][low >> 8 & 0xff] ^
          crc->table[5][low >> 16 & 0xff] ^ crc->table[4][low >> 24] ^ crc->table[3][high & 0xff] ^
          crc->table[2][high >> 8 & 0xff] ^ crc->table[1][high >> 16 & 0xff] ^
          crc->table[0][high >> 24];
  }
  for (; length > 0; at++, length--)
    sum = sum >> 8 ^ crc->table[0][(sum ^ *at) & 0xff];
  return sum;
}
