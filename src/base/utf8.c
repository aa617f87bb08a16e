/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "utf8.h"

#include <stdbool.h>

/* By the first byte; 0: it starts none. */
static size_t length_of(unsigned char first)
{
  if (first < 0x80)
    return 1;
  if (first < 0xc2 || first > 0xf4)
    return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t vmf_utf8_get(const char *text, size_t left, uint32_t *character)
{
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *bytes = (const unsigned char *)text;
  size_t length = left > 0 ? length_of(bytes[0]) : 0;
  if (length == 0 || length > left)
    return 0;
  uint32_t value = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
  for (size_t i = 1; i < length; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
    value = value << 6 | (bytes[i] & 0x3fU);
  }
  bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < least[length] || surrogate || value > 0x10ffff)
    return 0;
  *character = value;
  return length;
}

size_t vmf_utf8_put(uint32_t character, char *out)
{
  static const unsigned char starts[] = {0, 0, 0xc0, 0xe0, 0xf0};
  size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--, character >>= 6)
    out[i] = (char)(0x80 | (character & 0x3f));
  out[0] = (char)(starts[length] | character);
  return length;
}
