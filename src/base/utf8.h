/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One character of UTF-8 text (RFC 3629). */
#ifndef VMF_BASE_UTF8_H
#define VMF_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the character that starts the `left` bytes at `text`, and its code point; 0: they
 * start with none. */
size_t vmf_utf8_get(const char *text, size_t left, uint32_t *character);

/* Writes a code point, at most 4 bytes; returns their number. */
size_t vmf_utf8_put(uint32_t character, char *out);

#endif
