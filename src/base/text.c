/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * iconv does the work. */
#include "text.h"

#include <errno.h>
#include <iconv.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "memory.h"

static char text_lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool vmf_text_equal_nocase(const char *a, const char *b)
{
  while (*a != '\0' && text_lower(*a) == text_lower(*b)) {
    a++;
    b++;
  }
  return text_lower(*a) == text_lower(*b);
}

struct text_output {
  char *text;
  size_t used, size;
};

/* in == NULL: writes what a stateful encoding still holds back. One byte stays free for the NUL. */
static enum vmf_code text_convert(iconv_t converter, const char *encoding, char *in, size_t length,
                                  struct text_output *output, struct vmf_error *error)
{
  size_t left = length;

  for (;;) {
    char *out = output->text + output->used;
    size_t room = output->size - output->used - 1;
    size_t result = iconv(converter, in ? &in : NULL, in ? &left : NULL, &out, &room);
    output->used = (size_t)(out - output->text);
    if (result != (size_t)-1)
      return VMF_OK;
    if (errno != E2BIG)
      return vmf_fail(error, VMF_CORRUPT, "text: byte %zu of %zu is not valid in %s", length - left,
                      length, encoding);
    VMF_TRY(vmf_list_grow(&output->text, 1, &output->size, "bytes of a text", error));
  }
}

enum vmf_code vmf_text_to_utf8(const char *encoding, const void *bytes, size_t length, char **utf8,
                               struct vmf_error *error)
{
  struct text_output output = {0};

  *utf8 = NULL;
  iconv_t converter = iconv_open("UTF-8", encoding);
  if (converter == (iconv_t)-1 && errno != EINVAL)
    return vmf_fail_errno(error, errno == ENOMEM ? VMF_NOMEM : VMF_SYSTEM,
                          "text: a converter from \"%s\"", encoding);
  if (converter == (iconv_t)-1)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "text: this system's iconv has no converter from %s; install the C library's "
                    "further converters (glibc-gconv-extra, libc-gconv-modules-extra)",
                    encoding);
  output.size = length < PTRDIFF_MAX / 2 ? length + length / 2 + 16 : PTRDIFF_MAX;
  output.text = malloc(output.size);
  /* iconv takes a pointer to char *, but does not write to the input */
  char *in = length != 0 ? (char *)(uintptr_t)bytes : (char[1]){0};
  enum vmf_code code = output.text
                           ? text_convert(converter, encoding, in, length, &output, error)
                           : vmf_fail(error, VMF_NOMEM, "no memory for %zu bytes", output.size);
  if (code == VMF_OK)
    code = text_convert(converter, encoding, NULL, 0, &output, error);
  iconv_close(converter);
  if (code == VMF_OK && memchr(output.text, '\0', output.used))
    code = vmf_fail(error, VMF_CORRUPT, "text: a NUL stands before its end, in %s", encoding);
  if (code != VMF_OK) {
    free(output.text);
    return code;
  }
  output.text[output.used] = '\0';
  *utf8 = output.text;
  return VMF_OK;
}

bool vmf_text_ends_in(const char *text, const char *end)
{
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

size_t vmf_text_fit(const char *text, size_t length, size_t room)
{
  if (length <= room)
    return length;
  while (room > 1 && ((unsigned char)text[room] & 0xC0) == 0x80)
    room--;
  return room;
}
