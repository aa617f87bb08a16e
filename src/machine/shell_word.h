/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Words for the scripts that some machine formats are. */
#ifndef VMF_MACHINE_SHELL_WORD_H
#define VMF_MACHINE_SHELL_WORD_H

#include <stdbool.h>
#include <stdio.h>

/* The text in single quotes, inside of which nothing means anything to a shell (POSIX, XCU 2.2).
 * Control characters become '?', but for line ends where `lines` says so. */
void vmf_put_shell_word(FILE *out, const char *text, bool lines);

#endif
