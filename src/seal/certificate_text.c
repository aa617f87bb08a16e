/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "certificate_text.h"

#include <string.h>

struct vmf_certificate_parts vmf_certificate_parts(const char *bytes, size_t length)
{
  return (struct vmf_certificate_parts){.start = bytes, .lines = {.rest = bytes, .left = length}};
}

/* Whether the line begins with `word`, and is not indented: so OpenSSL sees it, too. */
static bool begins(const struct vmf_certificate_parts *parts, const char *word)
{
  struct vmf_text_part line = parts->lines.line;
  size_t length = strlen(word);

  return line.length >= length && memcmp(line.start, word, length) == 0 &&
         (line.start == parts->start || line.start[-1] == '\n');
}

bool vmf_certificate_next(struct vmf_certificate_parts *parts, struct vmf_certificate_part *part)
{
  if (!vmf_lines_next(&parts->lines))
    return false;
  *part = (struct vmf_certificate_part){.block = begins(parts, "-----BEGIN "),
                                        .text = parts->lines.line,
                                        .line = parts->lines.number,
                                        .odd = parts->lines.odd};
  if (!part->block)
    return true;
  bool more = true;
  while (more && !begins(parts, "-----END "))
    more = vmf_lines_next(&parts->lines);
  part->text.length =
      (size_t)(parts->lines.line.start + parts->lines.line.length - part->text.start);
  return true;
}
