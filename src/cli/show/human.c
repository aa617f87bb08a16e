/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text for people. */
#include "human.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

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

/* Takes bytes out of a text, and all but the first few of `dots`, which come in their place. */
static void shorten(char *start, size_t length, const char *dots)
{
  size_t kept = strlen(dots) < length ? strlen(dots) : length;

  memcpy(start, dots, kept);
  memmove(start + kept, start + length, strlen(start + length) + 1);
}

/* "..." and "...2" stand for what is hidden. */
static bool is_hidden(const char *user, size_t length)
{
  return length >= 3 && strncmp(user, "...", 3) == 0 &&
         3 + strspn(user + 3, "0123456789") == length;
}

/* Whether what stands before "://" is such a scheme. What is behind '?' is a place for NBD, and a
 * part of the key for a store. */
static bool has_secrets(const char *text, const char *mark)
{
  const char *start = mark;

  while (start > text && (isalnum((unsigned char)start[-1]) || start[-1] == '+'))
    start--;
  return strncasecmp(start, "nbd", 3) != 0 && strncasecmp(start, "s3:", 3) != 0;
}

void vmf_human_hide(char *text)
{
  static const char ends[] = " \t\r\n\"'"; /* of a URL in a text */
  const char *whole = text;

  while ((text = strstr(text, "://"))) {
    bool secrets = has_secrets(whole, text);
    text += 3;
    if (!secrets)
      continue;
    char *at = memrchr(text, '@', strcspn(text, "/?#\\ \t\r\n\"'"));
    if (at && !is_hidden(text, (size_t)(at - text)))
      shorten(text, (size_t)(at - text), "...");
    text += strcspn(text, "? \t\r\n\"'");
    size_t query = *text == '?' ? strcspn(text, ends) : 0;
    if (query > 0)
      shorten(text, query, text[query - 1] == ':' ? ":" : "");
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
