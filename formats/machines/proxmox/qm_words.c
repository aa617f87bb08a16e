/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "qm_words.h"

#include <stdbool.h>
#include <string.h>

#include "memory.h"

static bool is_blank(const char *at)
{
  return *at == ' ' || *at == '\n' || *at == '\t' || (at[0] == '\\' && at[1] == '\n');
}

/* Copies the word at `text` into `out`, or (NULL) nowhere; returns its end. */
static const char *copy_word(const char *text, char *out)
{
  char quote = 0;

  for (; *text && (quote || !is_blank(text)); text++) {
    if (quote ? *text == quote : *text == '\'' || *text == '"') {
      quote = quote ? 0 : *text;
      continue;
    }
    if (*text == '\\' && quote != '\'' && text[1])
      text++;
    if (out)
      *out++ = *text;
  }
  if (out)
    *out = '\0';
  return text;
}

enum vmf_code qm_take_word(const char **at, char **word, struct vmf_error *error)
{
  const char *text = *at;
  void *memory;

  *word = NULL;
  while (is_blank(text))
    text += *text == '\\' ? 2 : 1;
  *at = copy_word(text, NULL);
  if (*at == text)
    return VMF_OK;
  VMF_TRY(vmf_alloc((size_t)(*at - text) + 1, &memory, error));
  *word = memory;
  copy_word(text, *word);
  return VMF_OK;
}
