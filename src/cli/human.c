/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text for people. */
#include "human.h"

#include <inttypes.h>
#include <stdbool.h>

unsigned vmf_human_decode(const char *text, uint32_t *point)
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

static bool human_printable(uint32_t point)
{
  if (point < 0x20 || (point >= 0x7f && point < 0xa0))
    return false;
  if (point == 0x200e || point == 0x200f || point == 0x2028 || point == 0x2029)
    return false;
  return !(point >= 0x202a && point <= 0x202e) && !(point >= 0x2066 && point <= 0x2069);
}

void vmf_human_text(FILE *out, const char *text)
{
  while (*text) {
    uint32_t point;
    unsigned length = vmf_human_decode(text, &point);

    if (length > 0 && human_printable(point))
      fwrite(text, 1, length, out);
    else if (length > 1)
      fprintf(out, "\\u{%" PRIx32 "}", point);
    else
      fprintf(out, "\\x%02x", (unsigned char)*text);
    text += length > 0 ? length : 1;
  }
}

void vmf_human_size(uint64_t size, char out[16])
{
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double number = (double)size;
  unsigned unit = 0;

  while (number >= 1000 && unit < 6) {
    number /= 1024;
    unit++;
  }
  snprintf(out, 16, "%0.3g %s", number, units[unit]);
}
