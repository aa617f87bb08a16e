/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "escape.h"

#include <stdlib.h>
#include <string.h>

#include "human.h"
#include "memory_text.h"

void vmf_escape_markup(FILE *out, const char *text)
{
  static const char *const rows[][2] = {
      {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}};
  char *shown = NULL;
  size_t length;
  FILE *memory = open_memstream(&shown, &length);

  if (!memory)
    return;
  vmf_human_text(memory, text);
  if (!vmf_memory_text_end(memory, &shown))
    length = 0;
  for (size_t i = 0; i < length; i++) {
    const char *escaped = NULL;

    for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++)
      if (rows[j][0][0] == shown[i])
        escaped = rows[j][1];
    if (escaped)
      fputs(escaped, out);
    else if (i + 2 < length && memcmp(&shown[i], "\xef\xbf", 2) == 0 &&
             (shown[i + 2] & 0x3e) == 0x3e)
      i += 2; /* U+FFFE and U+FFFF are no characters of XML */
    else
      fputc(shown[i], out);
  }
  free(shown);
}
