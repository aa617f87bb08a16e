/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What was changed in a text, as `diff -u` shows it. */
#ifndef VMF_CLI_TEXT_DIFF_H
#define VMF_CLI_TEXT_DIFF_H

#include <stdio.h>

#include "vmferry.h"

/* Prints a unified diff, three lines around each change; nothing where both are alike. On a
 * terminal what is not visible is escaped, elsewhere the bytes are those of the texts. VMF_NOMEM.
 */
enum vmf_code vmf_text_diff_print(FILE *out, const struct vmf_edited_text *text);

#endif
