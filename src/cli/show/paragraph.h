/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Texts folded to the width of the terminal. */
#ifndef VMF_CLI_PARAGRAPH_H
#define VMF_CLI_PARAGRAPH_H

#include <stdio.h>

/* Columns of what is printed on standard output: those of the terminal, or that the environment
 * names (COLUMNS), from 40 to 100; 80 where nothing tells. */
unsigned vmf_paragraph_width(void);

/* The column where explanations start: `usual`, or, where little would be left of a line, 8. */
unsigned vmf_paragraph_indent(unsigned usual);

/* Prints a text, folded at blanks; the first line continues at `column`, the others start at
 * `indent`. Ends the last line. */
void vmf_paragraph_print(FILE *out, const char *text, unsigned column, unsigned indent);

/* Prints a word that may be folded behind each of its bars. Returns the column behind it. */
unsigned vmf_paragraph_choices(FILE *out, const char *word, unsigned column, unsigned indent);

#endif
