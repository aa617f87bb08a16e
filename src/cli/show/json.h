/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Prints JSON (RFC 8259), laid out as qemu-img does. */
#ifndef VMF_CLI_JSON_H
#define VMF_CLI_JSON_H

#include <stdio.h>

struct vmf_value;

/* A quoted string; what is not visible (characters.h) is escaped, bytes that are not UTF-8 become
 * U+FFFD. */
void vmf_json_string(FILE *out, const char *text);

/* A value and all below it, nested by four blanks a level; no newline behind it. */
void vmf_json_value(FILE *out, const struct vmf_value *value, unsigned level);

#endif
