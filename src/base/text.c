/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "text.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "memory.h"

static enum vmf_code convert(iconv_t descriptor, const char *encoding, const void *bytes,
                             size_t length, char **utf8, struct vmf_error *error)
{
  /* No encoding that iconv knows needs more than four UTF-8 bytes for one of its own. */
  size_t capacity = 4 * length, left = capacity;
  char *in = (char *)bytes, *out;
  void *memory;

  VMF_TRY(vmf_alloc(capacity + 1, &memory, error));
  *utf8 = out = memory;
  if (iconv(descriptor, &in, &length, &out, &left) != (size_t)-1 &&
      memchr(*utf8, '\0', capacity - left) == NULL)
    return VMF_OK;
  vmf_free(*utf8);
  *utf8 = NULL;
  return vmf_fail(error, VMF_CORRUPT, "a text is not valid %s", encoding);
}

enum vmf_code vmf_text_to_utf8(const char *encoding, const void *bytes, size_t length, char **utf8,
                               struct vmf_error *error)
{
  iconv_t descriptor = iconv_open("UTF-8", encoding);

  *utf8 = NULL;
  if (descriptor == (iconv_t)-1)
    return vmf_fail(error, VMF_UNSUPPORTED, "text encoding \"%s\" is not known", encoding);
  enum vmf_code code = convert(descriptor, encoding, bytes, length, utf8, error);
  iconv_close(descriptor);
  return code;
}

static int lower(char letter)
{
  return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter;
}

bool vmf_text_equal_nocase(const char *a, const char *b)
{
  for (; lower(*a) == lower(*b); a++, b++)
    if (*a == '\0')
      return true;
  return false;
}
