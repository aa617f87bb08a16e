/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text that comes in other encodings than UTF-8. */
#ifndef VMF_BASE_TEXT_H
#define VMF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Converts `length` bytes of `encoding` (an iconv name: "UTF-16BE", "GBK", "windows-1252") into a
 * fresh NUL-terminated UTF-8 string. VMF_CORRUPT when the bytes are not valid in it,
 * VMF_UNSUPPORTED when the encoding is unknown. An embedded NUL is VMF_CORRUPT. The caller frees
 * *utf8 with vmf_free. */
VMF_MUST_CHECK enum vmf_code vmf_text_to_utf8(const char *encoding, const void *bytes,
                                              size_t length, char **utf8, struct vmf_error *error);

/* ASCII only, independent of the locale. */
bool vmf_text_equal_nocase(const char *a, const char *b);

#endif
