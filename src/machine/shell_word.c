/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "shell_word.h"

void vmf_put_shell_word(FILE *out, const char *text, bool lines)
{
  fputc('\'', out);
  for (; *text; text++)
    if (*text == '\'')
      fputs("'\\''", out);
    else if ((*text == '\n' && lines) || ((unsigned char)*text >= ' ' && *text != 0x7f))
      fputc(*text, out);
    else
      fputc('?', out);
  fputc('\'', out);
}
