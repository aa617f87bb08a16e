/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "characters.h"

#include <stddef.h>

/* Cc, Cf, Zl and Zp of Unicode 16 (UnicodeData.txt), with what is reserved for more of them. */
static const struct {
  uint32_t first, last;
} invisible[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x0600, 0x0605},
    {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},   {0x0890, 0x0891},
    {0x08e2, 0x08e2},   {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0xfeff, 0xfeff},   {0xfff0, 0xfffb},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe007f},
};

unsigned vmf_character_decode(const char *text, uint32_t *point)
{
  const unsigned char *bytes = (const unsigned char *)text;
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned length;

  if (bytes[0] < 0x80)
    length = 1;
  else if ((bytes[0] & 0xe0) == 0xc0)
    length = 2;
  else if ((bytes[0] & 0xf0) == 0xe0)
    length = 3;
  else if ((bytes[0] & 0xf8) == 0xf0)
    length = 4;
  else
    return 0;
  *point = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
  for (unsigned i = 1; i < length; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
    *point = *point << 6 | (bytes[i] & 0x3f);
  }
  if (*point < smallest[length] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
    return 0;
  return length;
}

bool vmf_character_visible(uint32_t point)
{
  for (size_t i = 0; i < sizeof invisible / sizeof invisible[0]; i++)
    if (point >= invisible[i].first && point <= invisible[i].last)
      return false;
  return true;
}
