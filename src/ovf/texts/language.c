/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "language.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool vmf_language_next(const char **list, char tag[VMF_LANGUAGE_TEXT])
{
  const char *at = *list + strspn(*list, " ,:");
  size_t whole = strcspn(at, ",:"), length = strcspn(at, " ,:.@");

  *list = at + whole;
  snprintf(tag, VMF_LANGUAGE_TEXT, "%.*s", (int)length, at);
  for (char *c = tag; *c; c++)
    *c = (char)(*c == '_' ? '-' : *c);
  return whole > 0;
}

static size_t primary_length(const char *tag)
{
  return strcspn(tag, "-");
}

bool vmf_language_locale(const char *list, char locale[VMF_LANGUAGE_TEXT])
{
  if (!list || !vmf_language_next(&list, locale) || primary_length(locale) < 2 ||
      strcmp(locale, "POSIX") == 0)
    return false;
  for (char *c = locale; *c; c++)
    *c = (char)(*c == '-' ? '_' : *c);
  return true;
}

/* Without its last part, and a letter alone before that, which begins an extension. */
static size_t shorten(const char *tag, size_t length)
{
  while (length > 0 && tag[length - 1] != '-')
    length--;
  length -= length > 0;
  return length > 1 && tag[length - 2] == '-' ? length - 2 : length;
}

size_t vmf_language_lookup(const char *wanted, const char *const *tags, size_t count)
{
  for (size_t length = strlen(wanted); length > 0; length = shorten(wanted, length))
    for (size_t i = 0; i < count; i++)
      if (tags[i] && strlen(tags[i]) == length && strncasecmp(tags[i], wanted, length) == 0)
        return i;
  return count;
}

size_t vmf_language_relative(const char *wanted, const char *const *tags, size_t count)
{
  size_t length = primary_length(wanted), i = 0;

  if (length == 0 || (length == 2 && strncasecmp(wanted, "zh", 2) == 0))
    return count;
  while (i < count && !(tags[i] && primary_length(tags[i]) == length &&
                        strncasecmp(tags[i], wanted, length) == 0))
    i++;
  return i;
}
