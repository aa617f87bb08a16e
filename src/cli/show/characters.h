/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The characters of a text that comes from anywhere, and which of them are shown as they are. */
#ifndef VMF_CLI_CHARACTERS_H
#define VMF_CLI_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>

/* Length of the UTF-8 character at `text` and its code point, or 0 when the bytes are not one. */
unsigned vmf_character_decode(const char *text, uint32_t *point);

/* False: it drives the terminal, changes the direction of writing, breaks the line or cannot be
 * seen (Unicode's categories Cc, Cf, Zl, Zp), so that it is printed as an escape. */
bool vmf_character_visible(uint32_t point);

/* Columns that a visible character takes in a terminal: 0, 1 or 2. */
unsigned vmf_character_columns(uint32_t point);

#endif
