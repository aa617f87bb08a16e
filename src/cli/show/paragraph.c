/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Texts folded to the width of the terminal. */
#include "paragraph.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
  WIDTH_LEAST = 40,
  WIDTH_MOST = 100, /* longer lines are hard to read */
  WIDTH_USUAL = 80,
  WIDTH_NARROW = 72, /* less has no room for two columns */
  INDENT_NARROW = 8
};

unsigned vmf_paragraph_width(void)
{
  const char *told = getenv("COLUMNS");
  unsigned long width = told ? strtoul(told, NULL, 10) : 0;
  struct winsize size;

  if (width == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
    width = size.ws_col;
  if (width == 0)
    return WIDTH_USUAL;
  return width < WIDTH_LEAST ? WIDTH_LEAST : width > WIDTH_MOST ? WIDTH_MOST : (unsigned)width;
}

unsigned vmf_paragraph_indent(unsigned usual)
{
  return vmf_paragraph_width() < WIDTH_NARROW ? INDENT_NARROW : usual;
}

void vmf_paragraph_print(FILE *out, const char *text, unsigned column, unsigned indent)
{
  unsigned width = vmf_paragraph_width();
  bool first = true;

  for (; column < indent; column++)
    fputc(' ', out);
  while (*text) {
    size_t length = strcspn(text, " ");

    if (!first && column + 1 + length > width) {
      fprintf(out, "\n%*s", (int)indent, "");
      column = indent;
    } else if (!first) {
      fputc(' ', out);
      column++;
    }
    fwrite(text, 1, length, out);
    column += (unsigned)length;
    text += length + strspn(text + length, " ");
    first = false;
  }
  fputc('\n', out);
}

unsigned vmf_paragraph_choices(FILE *out, const char *word, unsigned column, unsigned indent)
{
  unsigned width = vmf_paragraph_width();

  while (*word) {
    size_t length = strcspn(word, "|");

    length += word[length] != 0;
    if (column + length > width && column > indent) {
      fprintf(out, "\n%*s", (int)indent, "");
      column = indent;
    }
    fwrite(word, 1, length, out);
    column += (unsigned)length;
    word += length;
  }
  return column;
}
