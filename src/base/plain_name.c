/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "plain_name.h"

#include <string.h>

#include "checked.h"
#include "memory.h"

enum { FIRST = 0xc0, LAST = 0x17f };

/* U+00C0 to U+017F: umlauts, and what is written with two letters without them, in the way of the
 * languages that have them; others without their mark (Unicode's canonical decomposition). */
static const char letters[][3] = {
    "A",  "A",  "A",  "A",  "Ae", "Aa", "Ae", "C",  "E",  "E", "E",  "E", /* U+00C0 */
    "I",  "I",  "I",  "I",  "D",  "N",  "O",  "O",  "O",  "O", "Oe", "",  /* U+00CC */
    "Oe", "U",  "U",  "U",  "Ue", "Y",  "Th", "ss", "a",  "a", "a",  "a", /* U+00D8 */
    "ae", "aa", "ae", "c",  "e",  "e",  "e",  "e",  "i",  "i", "i",  "i", /* U+00E4 */
    "d",  "n",  "o",  "o",  "o",  "o",  "oe", "",   "oe", "u", "u",  "u", /* U+00F0 */
    "ue", "y",  "th", "y",  "A",  "a",  "A",  "a",  "A",  "a", "C",  "c", /* U+00FC */
    "C",  "c",  "C",  "c",  "C",  "c",  "D",  "d",  "D",  "d", "E",  "e", /* U+0108 */
    "E",  "e",  "E",  "e",  "E",  "e",  "E",  "e",  "G",  "g", "G",  "g", /* U+0114 */
    "G",  "g",  "G",  "g",  "H",  "h",  "H",  "h",  "I",  "i", "I",  "i", /* U+0120 */
    "I",  "i",  "I",  "i",  "I",  "i",  "IJ", "ij", "J",  "j", "K",  "k", /* U+012C */
    "k",  "L",  "l",  "L",  "l",  "L",  "l",  "L",  "l",  "L", "l",  "N", /* U+0138 */
    "n",  "N",  "n",  "N",  "n",  "n",  "N",  "n",  "O",  "o", "O",  "o", /* U+0144 */
    "O",  "o",  "Oe", "oe", "R",  "r",  "R",  "r",  "R",  "r", "S",  "s", /* U+0150 */
    "S",  "s",  "S",  "s",  "S",  "s",  "T",  "t",  "T",  "t", "T",  "t", /* U+015C */
    "U",  "u",  "U",  "u",  "U",  "u",  "U",  "u",  "U",  "u", "U",  "u", /* U+0168 */
    "W",  "w",  "Y",  "y",  "Y",  "Z",  "z",  "Z",  "z",  "Z", "z",  "s", /* U+0174 */
};

/* The letter of two bytes at `text` in ASCII; NULL: none that is known. */
static const char *plain_letter(const char *text)
{
  unsigned char lead = (unsigned char)text[0], next = (unsigned char)text[1];
  unsigned point = (lead & 0x1fu) << 6 | (next & 0x3fu);

  if ((lead & 0xe0) != 0xc0 || (next & 0xc0) != 0x80 || point < FIRST || point > LAST)
    return NULL;
  return letters[point - FIRST];
}

enum vmf_code vmf_plain_name(const char *name, char **plain, struct vmf_error *error)
{
  void *memory;
  VMF_TRY(vmf_alloc(strlen(name) + 1, &memory, error)); /* no letter becomes longer */
  char *out = *plain = memory;

  while (*name) {
    const char *letter = plain_letter(name);

    if (!letter) {
      *out++ = *name++;
      continue;
    }
    size_t length = strlen(letter);
    memcpy(out, letter, length);
    out += length;
    name += 2;
  }
  *out = 0;
  return VMF_OK;
}
