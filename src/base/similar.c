/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a person may have meant who typed a word that does not exist. */
#include <string.h>

#include "error.h"

enum { WORD_MOST = 32 /* letters: longer words are not compared */ };

static char lower(char letter)
{
  return letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
}

static unsigned least(unsigned a, unsigned b)
{
  return a < b ? a : b;
}

/* Letters that are missing, too many, wrong, or swapped with the next. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
  unsigned rows[3][WORD_MOST + 1] = {{0}};

  for (unsigned j = 0; j <= b_length; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b_length; j++) {
      unsigned wrong = lower(a[i - 1]) != lower(b[j - 1]);

      row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + wrong);
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = least(row[j], before[j - 2] + 1);
    }
  }
  return rows[a_length % 3][b_length];
}

bool vmf_word_similar(const char *word, const char *meant)
{
  size_t length = word ? strlen(word) : 0, other = meant ? strlen(meant) : 0;

  if (length < 2 || other < 2 || length > WORD_MOST || other > WORD_MOST)
    return false;
  return distance(word, length, meant, other) <= (length < 5 ? 1u : length < 9 ? 2u : 3u);
}
