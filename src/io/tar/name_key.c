/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Strict keys: simple case folding, as the C library has it. They serve while all names are in
 * normal form C. Loose keys need no table of decompositions: a character beyond ASCII counts only
 * as one that is there, together with the marks behind it, since its other form is a character of
 * which that is true, too. */
#include "name_key.h"

#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

#include "memory.h"
#include "utf8.h"

struct vmf_name_keys {
  bool loose;
  locale_t locale; /* 0: none with Unicode's letters is there; then keys are loose */
};

struct range {
  uint32_t first, last;
};

/* Unicode 14, UnicodeData.txt: what has a combining class or is not the first character of a
 * canonical decomposition; the vowels and final consonants of Hangul. */
static const struct range marks[] = {
    {0x0300, 0x036f},   {0x0483, 0x0487},   {0x0591, 0x05bd},   {0x05bf, 0x05bf},
    {0x05c1, 0x05c2},   {0x05c4, 0x05c5},   {0x05c7, 0x05c7},   {0x0610, 0x061a},
    {0x064b, 0x065f},   {0x0670, 0x0670},   {0x06d6, 0x06dc},   {0x06df, 0x06e4},
    {0x06e7, 0x06e8},   {0x06ea, 0x06ed},   {0x0711, 0x0711},   {0x0730, 0x074a},
    {0x07eb, 0x07f3},   {0x07fd, 0x07fd},   {0x0816, 0x0819},   {0x081b, 0x0823},
    {0x0825, 0x0827},   {0x0829, 0x082d},   {0x0859, 0x085b},   {0x0898, 0x089f},
    {0x08ca, 0x08e1},   {0x08e3, 0x08ff},   {0x093c, 0x093c},   {0x094d, 0x094d},
    {0x0951, 0x0954},   {0x09bc, 0x09bc},   {0x09be, 0x09cd},   {0x09d7, 0x09d7},
    {0x09fe, 0x09fe},   {0x0a3c, 0x0a4d},   {0x0abc, 0x0abc},   {0x0acd, 0x0acd},
    {0x0b3c, 0x0b3c},   {0x0b3e, 0x0b57},   {0x0bbe, 0x0bcd},   {0x0bd7, 0x0bd7},
    {0x0c3c, 0x0c3c},   {0x0c4d, 0x0c56},   {0x0cbc, 0x0cbc},   {0x0cc2, 0x0cd6},
    {0x0d3b, 0x0d3c},   {0x0d3e, 0x0d4d},   {0x0d57, 0x0d57},   {0x0dca, 0x0ddf},
    {0x0e38, 0x0e3a},   {0x0e48, 0x0e4b},   {0x0eb8, 0x0eba},   {0x0ec8, 0x0ecb},
    {0x0f18, 0x0f19},   {0x0f35, 0x0f35},   {0x0f37, 0x0f37},   {0x0f39, 0x0f39},
    {0x0f71, 0x0f84},   {0x0f86, 0x0f87},   {0x0fb2, 0x0fb7},   {0x0fc6, 0x0fc6},
    {0x102e, 0x103a},   {0x108d, 0x108d},   {0x1160, 0x11ff},   {0x135d, 0x135f},
    {0x1714, 0x1715},   {0x1734, 0x1734},   {0x17d2, 0x17d2},   {0x17dd, 0x17dd},
    {0x18a9, 0x18a9},   {0x1939, 0x193b},   {0x1a17, 0x1a18},   {0x1a60, 0x1a7f},
    {0x1ab0, 0x1ace},   {0x1b34, 0x1b44},   {0x1b6b, 0x1b73},   {0x1baa, 0x1bab},
    {0x1be6, 0x1bf3},   {0x1c37, 0x1c37},   {0x1cd0, 0x1cd2},   {0x1cd4, 0x1ce8},
    {0x1ced, 0x1ced},   {0x1cf4, 0x1cf4},   {0x1cf8, 0x1cf9},   {0x1dc0, 0x1dff},
    {0x20d0, 0x20f0},   {0x2cef, 0x2cf1},   {0x2d7f, 0x2d7f},   {0x2de0, 0x2dff},
    {0x302a, 0x302f},   {0x3099, 0x309a},   {0xa66f, 0xa66f},   {0xa674, 0xa67d},
    {0xa69e, 0xa69f},   {0xa6f0, 0xa6f1},   {0xa806, 0xa806},   {0xa82c, 0xa82c},
    {0xa8c4, 0xa8c4},   {0xa8e0, 0xa8f1},   {0xa92b, 0xa92d},   {0xa953, 0xa953},
    {0xa9b3, 0xa9c0},   {0xaab0, 0xaab0},   {0xaab2, 0xaab4},   {0xaab7, 0xaab8},
    {0xaabe, 0xaabf},   {0xaac1, 0xaac1},   {0xaaf6, 0xaaf6},   {0xabed, 0xabed},
    {0xfb1e, 0xfb1e},   {0xfe20, 0xfe2f},   {0x101fd, 0x101fd}, {0x102e0, 0x102e0},
    {0x10376, 0x1037a}, {0x10a0d, 0x10a0f}, {0x10a38, 0x10a3f}, {0x10ae5, 0x10ae6},
    {0x10d24, 0x10d27}, {0x10eab, 0x10eac}, {0x10f46, 0x10f50}, {0x10f82, 0x10f85},
    {0x11046, 0x11046}, {0x11070, 0x11070}, {0x1107f, 0x1107f}, {0x110b9, 0x110ba},
    {0x11100, 0x11102}, {0x11127, 0x11134}, {0x11173, 0x11173}, {0x111c0, 0x111c0},
    {0x111ca, 0x111ca}, {0x11235, 0x11236}, {0x112e9, 0x112ea}, {0x1133b, 0x1133c},
    {0x1133e, 0x1134d}, {0x11357, 0x11357}, {0x11366, 0x11374}, {0x11442, 0x11446},
    {0x1145e, 0x1145e}, {0x114b0, 0x114c3}, {0x115af, 0x115c0}, {0x1163f, 0x1163f},
    {0x116b6, 0x116b7}, {0x1172b, 0x1172b}, {0x11839, 0x1183a}, {0x11930, 0x1193e},
    {0x11943, 0x11943}, {0x119e0, 0x119e0}, {0x11a34, 0x11a34}, {0x11a47, 0x11a47},
    {0x11a99, 0x11a99}, {0x11c3f, 0x11c3f}, {0x11d42, 0x11d45}, {0x11d97, 0x11d97},
    {0x16af0, 0x16af4}, {0x16b30, 0x16b36}, {0x16ff0, 0x16ff1}, {0x1bc9e, 0x1bc9e},
    {0x1d165, 0x1d169}, {0x1d16d, 0x1d172}, {0x1d17b, 0x1d182}, {0x1d185, 0x1d18b},
    {0x1d1aa, 0x1d1ad}, {0x1d242, 0x1d244}, {0x1e000, 0x1e02a}, {0x1e130, 0x1e136},
    {0x1e2ae, 0x1e2ae}, {0x1e2ec, 0x1e2ef}, {0x1e8d0, 0x1e8d6}, {0x1e944, 0x1e94a},
};

/* Characters that are in no text in normal form C (and some of their neighbours). */
static const struct range singles[] = {
    {0x0374, 0x0374}, {0x037e, 0x037e},   {0x0387, 0x0387},   {0x0958, 0x095f},   {0x09dc, 0x09df},
    {0x0a33, 0x0a5e}, {0x0b5c, 0x0b5d},   {0x0f43, 0x0fb9},   {0x1f71, 0x1f7d},   {0x1fbb, 0x1ffd},
    {0x2000, 0x2001}, {0x2126, 0x212b},   {0x2329, 0x232a},   {0x2adc, 0x2adc},   {0xf900, 0xfad9},
    {0xfb1d, 0xfb4e}, {0x1d15e, 0x1d164}, {0x1d1bb, 0x1d1c0}, {0x2f800, 0x2fa1d},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t character)
{
  size_t first = 0, end = count;
  while (first < end) {
    size_t middle = first + (end - first) / 2;
    if (character > ranges[middle].last)
      first = middle + 1;
    else
      end = middle;
  }
  return first < count && character >= ranges[first].first;
}

static bool is_mark(uint32_t character)
{
  return is_in(marks, sizeof marks / sizeof *marks, character);
}

/* The next character of a name; bytes that are none count one by one. */
static uint32_t next_character(const char **name)
{
  uint32_t character = 0xfffd;
  size_t length = vmf_utf8_get(*name, strlen(*name), &character);
  *name += length > 0 ? length : 1;
  return character;
}

bool vmf_name_needs_loose_key(const char *name)
{
  while (*name) {
    uint32_t character = next_character(&name);
    if (is_mark(character) || is_in(singles, sizeof singles / sizeof *singles, character))
      return true;
  }
  return false;
}

enum vmf_code vmf_name_keys_new(bool loose, struct vmf_name_keys **keys, struct vmf_error *error)
{
  void *block = NULL;
  VMF_TRY(vmf_alloc(sizeof **keys, &block, error));
  *keys = block;
  (*keys)->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  (*keys)->loose = loose || !(*keys)->locale;
  return VMF_OK;
}

void vmf_name_keys_free(struct vmf_name_keys *keys)
{
  if (keys && keys->locale)
    freelocale(keys->locale);
  vmf_free(keys);
}

/* The character that all cases of one have; ASCII for what has a form that is. */
static uint32_t fold(const struct vmf_name_keys *keys, uint32_t character)
{
  switch (character) {
  case 0x0130: /* I with a dot: decomposed it is no ASCII */
    return character;
  case 0x017f: /* long s */
    return 's';
  case 0x037e: /* Greek question mark */
    return ';';
  case 0x1fef: /* Greek varia */
    return '`';
  case 0x212a: /* kelvin */
    return 'k';
  }
  if (character < 0x80)
    return character >= 'A' && character <= 'Z' ? character | 0x20 : character;
  if (!keys->locale)
    return character;
  return (uint32_t)towlower_l(towupper_l((wint_t)character, keys->locale), keys->locale);
}

enum { OTHER = 1 }; /* in a loose key: a character beyond ASCII */

static size_t put_loose(char *key, size_t used, uint32_t character, bool mark)
{
  if (mark && used > 0 && key[used - 1] != '/')
    key[used - 1] = OTHER;
  else
    key[used++] = character < 0x80 ? (char)character : OTHER;
  return used;
}

enum vmf_code vmf_name_key(const struct vmf_name_keys *keys, const char *name, char **key,
                           struct vmf_error *error)
{
  void *block = NULL;
  size_t used = 0;
  VMF_TRY(vmf_alloc(3 * strlen(name) + 1, &block, error)); /* a byte that is none makes three */
  *key = block;
  while (*name) {
    uint32_t character = next_character(&name), folded = fold(keys, character);
    used = keys->loose ? put_loose(*key, used, folded, is_mark(character))
                       : used + vmf_utf8_put(folded, *key + used);
  }
  return VMF_OK;
}
