/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Programmatic units (DSP0004 annex C) as far as they are of bytes, with the older words. */
#include <string.h>

#include "checked.h"
#include "model.h"
#include "text.h"

enum { UNITS_MAX = 64 }; /* longer texts are no units */

static const struct {
  const char *word;
  unsigned shift; /* of 2 */
} words[] = {
    {"byte", 0},       {"bytes", 0},      {"b", 0},          {"kilobytes", 10}, {"kilobyte", 10},
    {"kb", 10},        {"kib", 10},       {"megabytes", 20}, {"megabyte", 20},  {"mb", 20},
    {"mib", 20},       {"gigabytes", 30}, {"gigabyte", 30},  {"gb", 30},        {"gib", 30},
    {"terabytes", 40}, {"terabyte", 40},  {"tb", 40},        {"tib", 40},
};

/* "20" or, with a power, "2^30". */
static bool read_factor(const char **text, uint64_t *factor)
{
  uint64_t base, exponent = 1;

  if (!vmf_take_decimal(text, &base))
    return false;
  if (**text == '^') {
    ++*text;
    if (!vmf_take_decimal(text, &exponent) || exponent > 63)
      return false;
  }
  *factor = 1;
  for (uint64_t i = 0; i < exponent; i++)
    if (!vmf_mul(*factor, base, factor))
      return false;
  return true;
}

bool vmf_units_bytes(const char *text, uint64_t *bytes)
{
  char word[UNITS_MAX + 1];
  size_t length = 0;

  for (; *text; text++) {
    if (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
      continue;
    if (length == UNITS_MAX)
      return false;
    word[length++] = *text;
  }
  word[length] = '\0';
  char *factors = strchr(word, '*');
  if (factors)
    *factors = '\0';
  bool found = false;
  for (size_t i = 0; i < sizeof words / sizeof words[0] && !found; i++) {
    found = vmf_text_equal_nocase(word, words[i].word);
    *bytes = UINT64_C(1) << words[i].shift;
  }
  const char *at = factors;
  while (found && at) {
    uint64_t factor;
    at++;
    if (!read_factor(&at, &factor) || factor == 0 || !vmf_mul(*bytes, factor, bytes) ||
        (*at != '*' && *at != '\0'))
      return false;
    at = *at ? at : NULL;
  }
  return found;
}
