/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "href.h"

#include <string.h>
#include <strings.h>

bool vmf_href_is_remote(const char *href)
{
  size_t length = strcspn(href, ":/?#");

  return strncmp(href + length, "://", 3) == 0 && strncasecmp(href, "file:", 5) != 0;
}

static bool is_slash(char c)
{
  return c == '/' || c == '\\';
}

static bool is_letter(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char *vmf_href_fault(const char *name, size_t length)
{
  size_t part = 0; /* where the part between slashes starts */

  if (length == 0)
    return "is empty";
  if (length > 1 && is_slash(name[0]) && is_slash(name[1]))
    return "is a share on a Windows network (UNC)";
  if (length > 2 && is_letter(name[0]) && name[1] == ':' && is_slash(name[2]))
    return "is on a drive of Windows";
  if (is_slash(name[0]))
    return "is an absolute path";
  for (size_t i = 0; i <= length; i++) {
    unsigned char c = i < length ? (unsigned char)name[i] : '/';
    if (c < ' ' || c == 0x7f)
      return "has a control character in it";
    if (!is_slash((char)c))
      continue;
    if (i - part == 2 && memcmp(name + part, "..", 2) == 0)
      return "leads out of the package (\"..\")";
    part = i + 1;
  }
  return NULL;
}
