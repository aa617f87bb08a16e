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

/* `count` decimal digits behind the point, times unit, rounded down: from the last digit on, each
 * step rounded down gives the same. unit <= 2^60, so nothing overflows. */
static uint64_t size_fraction(const char *digits, size_t count, uint64_t unit)
{
  uint64_t bytes = 0;

  while (count-- > 0)
    bytes = ((uint64_t)(digits[count] - '0') * unit + bytes) / 10;
  return bytes;
}

enum vmf_code vmf_arguments_size(const char *text, const char *what, uint64_t *size,
                                 struct vmf_error *error)
{
  char *end = NULL;
  bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';

  if (text[0] < '0' || text[0] > '9' || (hex && !isxdigit((unsigned char)text[2])))
    return vmf_arguments_wrong(error, "%s: \"%s\" is not a size", what, text);
  errno = 0;
  *size = strtoull(text, &end, hex ? 16 : 10);
  const char *digits = *end == '.' && !hex ? end + 1 : end;
  size_t count = digits > end ? strspn(digits, "0123456789") : 0;
  const char *suffix = digits + count;
  uint64_t unit = *suffix == '\0' ? 1 : hex ? 0 : size_unit(suffix); /* their letters are digits */
  bool half = digits > end && (count == 0 || (unit == 1 && strspn(digits, "0") < count));
  if (unit == 0 || half) /* no part of a byte */
    return vmf_arguments_wrong(error,
                               "%s: \"%s\" is not a size (suffixes: k M G T P E, of 1024, as KiB, "
                               "MiB, GiB; kB MB GB of 1000)",
                               what, text);
  uint64_t fraction = size_fraction(digits, count, unit);
  if (errno == ERANGE || *size > UINT64_MAX / unit || fraction > UINT64_MAX - *size * unit)
    return vmf_arguments_wrong(error, "%s: \"%s\" is too large", what, text);
  *size = *size * unit + fraction;
  return VMF_OK;
}
