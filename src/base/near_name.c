/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "near_name.h"

#include <string.h>

#include "memory.h"
#include "utf8.h"

/* A protocol, as in "nbd:host" and "ssh://host/path"; one letter is a drive. */
static bool names_protocol(const char *path)
{
  static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
  size_t length = strspn(path, word);

  return (length > 1 && path[length] == ':') || strstr(path, "://") != NULL;
}

const char *vmf_last_part(const char *path)
{
  const char *part = path;

  if (names_protocol(path))
    return NULL;
  if (path[0] == '[' && strstr(path, "] "))
    part = strstr(path, "] ") + 2;
  else if (path[0] != '\0' && path[1] == ':')
    part = path + 2;
  for (const char *at = part; *at; at++)
    if (*at == '/' || *at == '\\')
      part = at + 1;
  return *part == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0 ? NULL : part;
}

/* Unicode's simple lower case (CaseFolding.txt, C) of the scripts that file names are written in.
 */
static uint32_t fold(uint32_t character)
{
  static const struct {
    uint32_t first, last, distance;
  } ranges[] = {
      {'A', 'Z', 32},     {0xc0, 0xd6, 32},   {0xd8, 0xde, 32},
      {0x391, 0x3a1, 32}, {0x3a3, 0x3ab, 32}, {0x400, 0x40f, 80},
      {0x410, 0x42f, 32}, {0x531, 0x556, 48}, {0xff21, 0xff3a, 32},
  };
  /* of two neighbours the first is the capital: it is even in some stretches, odd in others */
  static const struct {
    uint32_t first, last;
  } pairs[] = {{0x100, 0x12f}, {0x132, 0x137}, {0x139, 0x148}, {0x14a, 0x177},   {0x179, 0x17e},
               {0x460, 0x481}, {0x48a, 0x4bf}, {0x4d0, 0x52f}, {0x1e00, 0x1e95}, {0x1ea0, 0x1eff}};

  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
    if (character >= ranges[i].first && character <= ranges[i].last)
      return character + ranges[i].distance;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    if (character >= pairs[i].first && character <= pairs[i].last)
      return character + ((character - pairs[i].first) % 2 == 0);
  return character == 0x178 ? 0xff : character == 0x3c2 ? 0x3c3 : character;
}

/* The next character, folded; a byte that starts none counts as itself, apart from all characters.
 */
static uint32_t next_folded(const char **text)
{
  uint32_t character;
  size_t length = vmf_utf8_get(*text, strlen(*text), &character);

  if (length == 0)
    return UINT32_C(0x80000000) | (unsigned char)*(*text)++;
  *text += length;
  return fold(character);
}

bool vmf_names_near(const char *a, const char *b)
{
  while (*a && *b)
    if (next_folded(&a) != next_folded(&b))
      return false;
  return *a == *b;
}

enum vmf_code vmf_near_name_offer(struct vmf_near_name *near, const char *name,
                                  struct vmf_error *error)
{
  bool same = strcmp(name, near->wanted) == 0;

  if (near->found && strcmp(near->found, near->wanted) == 0)
    return VMF_OK;
  if (!same && !vmf_names_near(name, near->wanted))
    return VMF_OK;
  if (same)
    vmf_near_name_clear(near);
  if (near->other)
    return VMF_OK;
  return vmf_copy_text(name, near->found ? &near->other : &near->found, error);
}

void vmf_near_name_clear(struct vmf_near_name *near)
{
  vmf_free(near->found);
  vmf_free(near->other);
  near->found = near->other = NULL;
}
