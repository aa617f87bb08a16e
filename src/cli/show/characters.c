/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "characters.h"

#include <stddef.h>

/* Cc, Cf, Zl and Zp of Unicode 16 (UnicodeData.txt), with what is reserved for more of them. */
static const struct range {
  uint32_t first, last;
} invisible[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x0600, 0x0605},
    {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},   {0x0890, 0x0891},
    {0x08e2, 0x08e2},   {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0xfeff, 0xfeff},   {0xfff0, 0xfffb},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe007f},
};

/* East_Asian_Width W and F of Unicode 16 (EastAsianWidth.txt), neighbours joined. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26aa, 0x26ab},
    {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2b1b, 0x2b1c},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4dc0, 0x4dff},   {0x4e00, 0xa4cf},
    {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},
    {0xfe30, 0xfe6b},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18aff},
    {0x1aff0, 0x1b2fb}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f19a},
    {0x1f200, 0x1f64f}, {0x1f680, 0x1f6fc}, {0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1faff},
    {0x20000, 0x3fffd},
};

/* Marks that stand on the character before (Mn, Me), of the scripts that names are written in. */
static const struct range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
    {0x093c, 0x093c}, {0x0941, 0x0948}, {0x094d, 0x094d}, {0x0e31, 0x0e31},
    {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x20d0, 0x20f0}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t point)
{
  for (size_t i = 0; i < count; i++)
    if (point >= ranges[i].first && point <= ranges[i].last)
      return true;
  return false;
}

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
  return !in_ranges(invisible, sizeof invisible / sizeof invisible[0], point);
}

unsigned vmf_character_columns(uint32_t point)
{
  if (in_ranges(combining, sizeof combining / sizeof combining[0], point))
    return 0;
  return in_ranges(wide, sizeof wide / sizeof wide[0], point) ? 2 : 1;
}
