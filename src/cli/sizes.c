/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Sizes as people write them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arguments.h"

/* "b": 1, "k" and "KiB": 1024, "kB": 1000, and so on; 0: no suffix of a size. */
static uint64_t size_unit(const char *suffix)
{
  static const char letters[] = "bkmgtpe";
  const char *found = strchr(letters, *suffix | 0x20);
  bool decimal = strcasecmp(suffix + 1, "b") == 0;
  uint64_t unit = 1;

  if (!found ||
      (suffix[1] && (found == letters || (!decimal && strcasecmp(suffix + 1, "ib") != 0))))
    return 0;
  for (; found > letters; found--)
    unit *= decimal ? 1000 : 1024;
  return unit;
}

enum vmf_code vmf_arguments_size(const char *text, const char *what, uint64_t *size,
                                 struct vmf_error *error)
{
  double number = 0;
  char *end = NULL;
  uint64_t unit;
  bool whole, hex = text[0] == '0' && (text[1] | 0x20) == 'x';

  if (text[0] < '0' || text[0] > '9' || (hex && !isxdigit((unsigned char)text[2])))
    return vmf_arguments_wrong(error, "%s: \"%s\" is not a size", what, text);
  errno = 0;
  *size = strtoull(text, &end, hex ? 16 : 10);
  whole = hex || *end != '.';
  if (!whole)
    number = strtod(text, &end);
  unit = *end == '\0' ? 1 : hex ? 0 : size_unit(end); /* their letters are digits */
  if (unit == 0)
    return vmf_arguments_wrong(error,
                               "%s: \"%s\" is not a size (suffixes: k M G T P E, of 1024, as KiB, "
                               "MiB, GiB; kB MB GB of 1000)",
                               what, text);
  if (errno == ERANGE || (whole && *size > UINT64_MAX / unit) ||
      (!whole && number * (double)unit >= 0x1p64))
    return vmf_arguments_wrong(error, "%s: \"%s\" is too large", what, text);
  *size = whole ? *size * unit : (uint64_t)(number * (double)unit);
  return VMF_OK;
}
