/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vendor_words.h"

#include <string.h>

#include "text.h"

const struct vmf_vendor_word *vmf_vendor_word_find(const struct vmf_vendor_word *words,
                                                   const char *text)
{
  for (; words->text; words++)
    if (strcmp(words->text, text) == 0)
      return words;
  return NULL;
}

const char *vmf_vendor_word_of(const struct vmf_vendor_word *words, uint64_t value)
{
  for (; words->text; words++)
    if (words->value == value)
      return words->text;
  return NULL;
}

const char *vmf_vendor_neutral(const struct vmf_vendor_name *names, const char *own)
{
  for (; names->own; names++)
    if (strcmp(names->own, own) == 0)
      return names->neutral;
  return NULL;
}

const char *vmf_vendor_neutral_nocase(const struct vmf_vendor_name *names, const char *own)
{
  for (; names->own; names++)
    if (vmf_text_equal_nocase(names->own, own))
      return names->neutral;
  return NULL;
}

const char *vmf_vendor_own(const struct vmf_vendor_name *names, const char *neutral)
{
  for (; names->own; names++)
    if (strcmp(names->neutral, neutral) == 0)
      return names->own;
  return NULL;
}

/* names: " of one first letter ". */
static bool stands_in(const char *names, const char *name, size_t length)
{
  for (const char *at = names + 1; *at; at += strcspn(at, " ") + 1)
    if (strncmp(at, name, length) == 0 && at[length] == ' ')
      return true;
  return false;
}

bool vmf_vendor_lists(const char *const *letters, size_t count, const char *name, size_t length)
{
  for (size_t i = 0; length > 0 && i < count; i++)
    if (letters[i][1] == name[0])
      return stands_in(letters[i], name, length);
  return false;
}
