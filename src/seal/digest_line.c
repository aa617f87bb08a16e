/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "digest_line.h"

#include <string.h>

static bool is_blank(char c)
{
  return c == ' ' || c == '\t';
}

struct vmf_text_part vmf_text_part_trim(struct vmf_text_part span)
{
  while (span.length > 0 && is_blank(span.start[0])) {
    span.start++;
    span.length--;
  }
  while (span.length > 0 && is_blank(span.start[span.length - 1]))
    span.length--;
  return span;
}

static void skip_mark(struct vmf_lines *lines)
{
  if (lines->number != 0 || lines->left < 3 || memcmp(lines->rest, "\xef\xbb\xbf", 3) != 0)
    return;
  lines->rest += 3;
  lines->left -= 3;
  lines->odd |= VMF_LINE_BOM;
}

bool vmf_lines_next(struct vmf_lines *lines)
{
  const char *end;
  struct vmf_text_part whole;

  lines->odd = 0;
  skip_mark(lines);
  if (lines->left == 0)
    return false;
  end = memchr(lines->rest, '\n', lines->left);
  whole.start = lines->rest;
  whole.length = end ? (size_t)(end - lines->rest) : lines->left;
  if (!end)
    lines->odd |= VMF_LINE_NO_END;
  size_t taken = whole.length + (end ? 1 : 0);
  lines->rest += taken;
  lines->left -= taken;
  lines->number++;
  if (whole.length > 0 && whole.start[whole.length - 1] == '\r') {
    whole.length--;
    lines->odd |= VMF_LINE_CRLF;
  }
  lines->line = vmf_text_part_trim(whole);
  if (lines->line.length == 0)
    lines->odd |= VMF_LINE_BLANK;
  else if (lines->line.length != whole.length)
    lines->odd |= VMF_LINE_SPACES;
  return true;
}

/* memrchr that stays in the span. */
static const char *last_of(struct vmf_text_part span, char wanted)
{
  return span.length == 0 ? NULL : memrchr(span.start, wanted, span.length);
}

bool vmf_digest_line_split(struct vmf_text_part line, struct vmf_text_part *algorithm,
                           struct vmf_text_part *name, struct vmf_text_part *value, unsigned *odd)
{
  const char *open = line.length == 0 ? NULL : memchr(line.start, '(', line.length);
  const char *close = last_of(line, ')'), *equals;

  if (!open || !close || close < open)
    return false;
  struct vmf_text_part behind = {close + 1, (size_t)(line.start + line.length - close - 1)};
  behind = vmf_text_part_trim(behind);
  if (behind.length == 0 || behind.start[0] != '=')
    return false;
  equals = behind.start;
  *algorithm = vmf_text_part_trim((struct vmf_text_part){line.start, (size_t)(open - line.start)});
  *name = (struct vmf_text_part){open + 1, (size_t)(close - open - 1)};
  *value = vmf_text_part_trim((struct vmf_text_part){equals + 1, behind.length - 1});
  if (algorithm->start + algorithm->length != open || equals != close + 1 ||
      value->start != equals + 2 || equals[1] != ' ')
    *odd |= VMF_LINE_SPACES;
  return algorithm->length > 0;
}

int vmf_hex_value(char digit)
{
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  if (digit >= 'a' && digit <= 'f')
    return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F')
    return digit - 'A' + 10;
  return -1;
}

const char *vmf_line_oddity_text(unsigned odd)
{
  switch (odd) {
  case VMF_LINE_CRLF:
    return "lines end in CR LF; LF is expected";
  case VMF_LINE_BLANK:
    return "a blank line";
  case VMF_LINE_NO_END:
    return "the last line has no newline";
  case VMF_LINE_SPACES:
    return "white space where none is expected, or none behind \"=\"; \"SHA256(name)= value\" is";
  default:
    return "starts with a byte order mark";
  }
}
