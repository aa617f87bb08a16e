/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What may stand at a place of a command line, by the tables of the verbs and of the library. */
#ifndef VMF_CLI_COMPLETION_H
#define VMF_CLI_COMPLETION_H

#include <stddef.h>
#include <stdio.h>

/* Prints what the last of the words may become; `words` are those behind "vmferry", at least one.
 * One a line: the word, a tab, and what it means. ":files" and ":folders" stand for names in the
 * file system. Nothing may follow a word that ends in "=" but its value. */
void vmf_completion_print(FILE *out, const char *const *words, size_t count);

/* What makes a shell ask for that, a script each. */
extern const char vmf_completion_bash[], vmf_completion_zsh[], vmf_completion_fish[];

#endif
