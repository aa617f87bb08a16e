/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text for people. */
#include "human.h"

#include <inttypes.h>

#include "characters.h"

void vmf_human_text(FILE *out, const char *text)
{
  while (*text) {
    uint32_t point;
    unsigned length = vmf_character_decode(text, &point);

    if (length > 0 && vmf_character_visible(point))
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

void vmf_human_seconds(double seconds, char out[16])
{
  unsigned whole;

  if (!(seconds < 99 * 3600)) {
    snprintf(out, 16, "days");
    return;
  }
  whole = (unsigned)(seconds + 0.5);
  if (whole >= 3600)
    snprintf(out, 16, "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
  else
    snprintf(out, 16, "%u:%02u", whole / 60, whole % 60);
}
