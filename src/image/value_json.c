/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A tree of values as JSON (RFC 8259), in ASCII: it can be put anywhere, and a text that came from
 * an image drives no terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "memory.h"
#include "utf8.h"

enum { REPLACEMENT = 0xfffd };

static void put_escape(FILE *out, uint32_t character)
{
  if (character >= 0x10000) {
    character -= 0x10000;
    fprintf(out, "\\u%04" PRIx32, 0xd800 + (character >> 10));
    character = 0xdc00 + (character & 0x3ff);
  }
  fprintf(out, "\\u%04" PRIx32, character);
}

static void put_text(FILE *out, const char *text)
{
  size_t left = text ? strlen(text) : 0;

  fputc('"', out);
  while (left > 0) {
    uint32_t character = REPLACEMENT;
    size_t length = vmf_utf8_get(text, left, &character);
    if (character == '"' || character == '\\')
      fprintf(out, "\\%c", (char)character);
    else if (character < ' ' || character > '~')
      put_escape(out, character);
    else
      fputc((int)character, out);
    text += length > 0 ? length : 1;
    left -= length > 0 ? length : 1;
  }
  fputc('"', out);
}

/* The depth is that of the trees that this library makes: a handful of levels. */
static void put_value(FILE *out, const struct vmf_value *value)
{
  bool object = value->kind == VMF_VALUE_OBJECT;

  if (value->kind == VMF_VALUE_TEXT) {
    put_text(out, value->text);
    return;
  }
  if (value->kind == VMF_VALUE_UINT) {
    fprintf(out, "%" PRIu64, value->number);
    return;
  }
  if (value->kind == VMF_VALUE_BOOL) {
    fputs(value->number ? "true" : "false", out);
    return;
  }
  fputc(object ? '{' : '[', out);
  for (const struct vmf_value *child = value->first; child; child = child->next) {
    if (object) {
      put_text(out, child->name);
      fputs(": ", out);
    }
    put_value(out, child);
    if (child->next)
      fputs(", ", out);
  }
  fputc(object ? '}' : ']', out);
}

enum vmf_code vmf_value_json(const struct vmf_value *value, char **json, struct vmf_error *error)
{
  size_t length;

  VMF_REQUIRE(json, error);
  *json = NULL;
  VMF_REQUIRE(value, error);
  FILE *out = open_memstream(json, &length);
  if (!out)
    return vmf_fail(error, VMF_NOMEM, "no memory for a text of JSON");
  put_value(out, value);
  bool failed = ferror(out) != 0;
  if (vmf_memstream_end(out, json) && !failed)
    return VMF_OK;
  free(*json);
  *json = NULL;
  return vmf_fail(error, VMF_NOMEM, "no memory for a text of JSON");
}
