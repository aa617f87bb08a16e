/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "word_list.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "growing.h"

enum vmf_code vmf_words_add(struct vmf_words *words, const char *text, size_t length,
                            struct vmf_error *error)
{
  enum vmf_code code = VMF_GROWING_ROOM(words->list, words->count + 1, words->capacity, error);

  if (code != VMF_OK)
    return code;
  char *copy = strndup(text, length);
  if (!copy)
    return vmf_arguments_no_memory(error);
  words->list[words->count++] = copy;
  words->list[words->count] = NULL;
  return VMF_OK;
}

static bool is_blank(char letter)
{
  return letter == ' ' || letter == '\t';
}

/* Takes one word off the text into `out`, which has room for all of the text. Returns where the
 * text goes on; NULL: a quote is not closed. */
static const char *take_word(const char *text, char *out)
{
  char quote = 0;

  for (; *text && (quote || !is_blank(*text)); text++) {
    bool escapes =
        *text == '\\' && quote != '\'' && (!quote || text[1] == '"' || text[1] == '\\') && text[1];

    if (escapes)
      *out++ = *++text;
    else if (quote ? *text == quote : *text == '\'' || *text == '"')
      quote = quote ? 0 : *text;
    else
      *out++ = *text;
  }
  *out = '\0';
  return quote ? NULL : text;
}

enum vmf_code vmf_words_split(struct vmf_words *words, const char *text, struct vmf_error *error)
{
  char *word = malloc(strlen(text) + 1);
  enum vmf_code code = word ? VMF_OK : vmf_arguments_no_memory(error);

  while (code == VMF_OK) {
    while (is_blank(*text))
      text++;
    if (!*text)
      break;
    text = take_word(text, word);
    code = text ? vmf_words_add(words, word, strlen(word), error)
                : vmf_arguments_wrong(error, "a quote is not closed");
  }
  free(word);
  return code;
}

enum vmf_code vmf_words_append(struct vmf_words *words, const struct vmf_words *more,
                               struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < more->count && code == VMF_OK; i++)
    code = vmf_words_add(words, more->list[i], strlen(more->list[i]), error);
  return code;
}

void vmf_words_free(struct vmf_words *words)
{
  for (size_t i = 0; i < words->count; i++)
    free(words->list[i]);
  free(words->list);
  *words = (struct vmf_words){0};
}
