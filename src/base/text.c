/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * iconv does the work, but for UTF-16, which a static program must know, too. */
#include "text.h"

#include <errno.h>
#include <iconv.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "list.h"
#include "memory.h"
#include "utf8.h"

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

/* A static program would load converters that another version of the C library has brought. */
static enum vmf_code text_open(const char *to, const char *from, iconv_t *converter,
                               struct vmf_error *error)
{
#ifdef VMF_STATIC
  if (strcmp(from, to) != 0)
    return vmf_fail(
        error, VMF_UNSUPPORTED,
        "text: this program is linked statically and has no converter from %s to %s; one that "
        "is installed as a package has",
        from, to);
#endif
  *converter = iconv_open(to, from);
  if (*converter != (iconv_t)-1)
    return VMF_OK;
  if (errno != EINVAL)
    return vmf_fail_errno(error, errno == ENOMEM ? VMF_NOMEM : VMF_SYSTEM,
                          "text: a converter from \"%s\" to \"%s\"", from, to);
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "text: this system's iconv has no converter from %s to %s; install the C "
                  "library's further converters (glibc-gconv-extra, libc-gconv-modules-extra)",
                  from, to);
}

static enum vmf_code text_by_iconv(const char *to, const char *from, const void *bytes,
                                   size_t length, struct text_output *output,
                                   struct vmf_error *error)
{
  const char *encoding = strcmp(to, "UTF-8") == 0 ? from : to;
  iconv_t converter;

  VMF_TRY(text_open(to, from, &converter, error));
  /* iconv takes a pointer to char *, but does not write to the input */
  char *in = length != 0 ? (char *)(uintptr_t)bytes : (char[1]){0};
  enum vmf_code code = text_convert(converter, encoding, in, length, output, error);
  if (code == VMF_OK)
    code = text_convert(converter, encoding, NULL, 0, output, error);
  iconv_close(converter);
  return code;
}

/* A unit of 2 bytes becomes 3 at most: there is room. */
static enum vmf_code text_by_utf16(const char *encoding, bool big, const void *bytes, size_t length,
                                   struct text_output *output, struct vmf_error *error)
{
  const uint8_t *in = bytes;

  for (size_t at = 0; at < length; at += 2) {
    bool pair = false;
    uint32_t unit = length - at < 2 ? 0xdc00 : big ? get_be16(in + at) : get_le16(in + at);
    if (unit >= 0xd800 && unit < 0xdc00 && length - at >= 4) {
      uint32_t low = big ? get_be16(in + at + 2) : get_le16(in + at + 2);
      pair = low >= 0xdc00 && low < 0xe000;
      if (pair)
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    if (unit >= 0xd800 && unit < 0xe000)
      return vmf_fail(error, VMF_CORRUPT, "text: byte %zu of %zu is not valid in %s", at, length,
                      encoding);
    output->used += vmf_utf8_put(unit, output->text + output->used);
    at += pair ? 2 : 0;
  }
  return VMF_OK;
}

enum vmf_code vmf_text_to_utf8(const char *encoding, const void *bytes, size_t length, char **utf8,
                               struct vmf_error *error)
{
  struct text_output output = {0};
  bool big = strcmp(encoding, "UTF-16BE") == 0;

  *utf8 = NULL;
  output.size = length < PTRDIFF_MAX / 2 ? length + length / 2 + 16 : PTRDIFF_MAX;
  output.text = malloc(output.size);
  if (!output.text)
    return vmf_fail(error, VMF_NOMEM, "no memory for %zu bytes", output.size);
  enum vmf_code code = big || strcmp(encoding, "UTF-16LE") == 0
                           ? text_by_utf16(encoding, big, bytes, length, &output, error)
                           : text_by_iconv("UTF-8", encoding, bytes, length, &output, error);
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

enum vmf_code vmf_text_from_utf8(const char *encoding, const char *utf8, char **bytes,
                                 struct vmf_error *error)
{
  size_t length = strlen(utf8);
  struct text_output output = {.size = 2 * length + 16};

  *bytes = NULL;
  output.text = malloc(output.size);
  if (!output.text)
    return vmf_fail(error, VMF_NOMEM, "no memory for %zu bytes", output.size);
  enum vmf_code code = text_by_iconv(encoding, "UTF-8", utf8, length, &output, error);
  if (code != VMF_OK) {
    free(output.text);
    return code;
  }
  output.text[output.used] = '\0';
  *bytes = output.text;
  return VMF_OK;
}

bool vmf_text_has_word(const char *list, const char *word)
{
  size_t length = strlen(word);

  if (length == 0 || strchr(word, ' '))
    return false;
  for (const char *at = list; (at = strstr(at, word)) != NULL; at += length)
    if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
      return true;
  return false;
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

int vmf_hex_digit(char digit)
{
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  digit = (char)(digit | 0x20);
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool vmf_take_decimal(const char **text, uint64_t *number)
{
  const char *at = *text;

  *number = 0;
  for (; *at >= '0' && *at <= '9'; at++)
    if (!vmf_mul(*number, 10, number) || !vmf_add(*number, (uint64_t)(*at - '0'), number))
      return false;
  bool any = at != *text;
  *text = at;
  return any;
}

bool vmf_decimal(const char *text, uint64_t *number)
{
  return vmf_take_decimal(&text, number) && *text == '\0';
}

/* ---- real numbers ---- */

/* Of this thread alone. */
static locale_t enter_plain(locale_t *plain)
{
  *plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return *plain == (locale_t)0 ? (locale_t)0 : uselocale(*plain);
}

static void leave_plain(locale_t plain, locale_t before)
{
  if (plain == (locale_t)0)
    return;
  uselocale(before);
  freelocale(plain);
}

long double vmf_real_read(const char *text, char **end)
{
  locale_t plain, before = enter_plain(&plain);
  long double real = strtold(text, end);

  leave_plain(plain, before);
  return real;
}

enum vmf_code vmf_real_write(double real, char **text, struct vmf_error *error)
{
  locale_t plain, before = enter_plain(&plain);
  enum vmf_code code = vmf_format(text, error, "%.17g", real);

  leave_plain(plain, before);
  return code;
}
