/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Prints JSON. */
#include "json.h"

#include <inttypes.h>

#include "characters.h"
#include "vmferry.h"

/* Beyond the first plane as two surrogates. */
static void json_escape(FILE *out, uint32_t point)
{
  if (point < 0x10000)
    fprintf(out, "\\u%04" PRIx32, point);
  else
    fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((point - 0x10000) >> 10),
            0xdc00 + (point & 0x3ff));
}

void vmf_json_string(FILE *out, const char *text)
{
  fputc('"', out);
  while (*text) {
    uint32_t point;
    unsigned length = vmf_character_decode(text, &point);

    if (length == 0)
      fputs("\\ufffd", out);
    else if (point == '"' || point == '\\')
      fprintf(out, "\\%c", (char)point);
    else if (!vmf_character_visible(point))
      json_escape(out, point);
    else
      fwrite(text, 1, length, out);
    text += length > 0 ? length : 1;
  }
  fputc('"', out);
}

static void json_indent(FILE *out, unsigned level)
{
  fprintf(out, "\n%*s", (int)(4 * level), "");
}

static void json_members(FILE *out, const struct vmf_value *value, unsigned level)
{
  for (const struct vmf_value *child = value->first; child; child = child->next) {
    json_indent(out, level + 1);
    if (value->kind == VMF_VALUE_OBJECT) {
      vmf_json_string(out, child->name ? child->name : "");
      fputs(": ", out);
    }
    vmf_json_value(out, child, level + 1);
    if (child->next)
      fputc(',', out);
  }
  if (value->first)
    json_indent(out, level);
}

/* The depth is the depth of the driver's own tree: a handful of levels. */
void vmf_json_value(FILE *out, const struct vmf_value *value, unsigned level)
{
  switch (value->kind) {
  case VMF_VALUE_OBJECT:
    fputc('{', out);
    json_members(out, value, level);
    fputc('}', out);
    break;
  case VMF_VALUE_LIST:
    fputc('[', out);
    json_members(out, value, level);
    fputc(']', out);
    break;
  case VMF_VALUE_TEXT:
    vmf_json_string(out, value->text ? value->text : "");
    break;
  case VMF_VALUE_UINT:
    fprintf(out, "%" PRIu64, value->number);
    break;
  case VMF_VALUE_BOOL:
    fputs(value->number ? "true" : "false", out);
    break;
  }
}
