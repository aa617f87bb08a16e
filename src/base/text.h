/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text that comes in other encodings than UTF-8, and comparing it. */
#ifndef VMF_BASE_TEXT_H
#define VMF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Converts `length` bytes of `encoding` into a fresh NUL-terminated UTF-8 string. `encoding` is
 * iconv's name: a constant, or what vmf_encoding_converter made of a file's. VMF_CORRUPT when the
 * bytes are not valid in it or hold a NUL, VMF_UNSUPPORTED when iconv has no such converter. The
 * caller frees *utf8 with vmf_free. */
VMF_MUST_CHECK enum vmf_code vmf_text_to_utf8(const char *encoding, const void *bytes,
                                              size_t length, char **utf8, struct vmf_error *error);

/* The other way round, of a NUL-terminated UTF-8 string: fresh bytes with a NUL behind.
 * VMF_CORRUPT: the encoding has not all of its characters. Not for UTF-16. */
VMF_MUST_CHECK enum vmf_code vmf_text_from_utf8(const char *encoding, const char *utf8,
                                                char **bytes, struct vmf_error *error);

/* How many of `length` bytes of UTF-8 fit into `room`, without a part of a character at the end. */
size_t vmf_text_fit(const char *text, size_t length, size_t room);
/* What a hexadecimal digit counts, in either case; -1: it is none. */
int vmf_hex_digit(char digit);

/* The number of the decimal digits at *text, which then stands behind them. False: there are none,
 * or it has more than 64 bits. */
bool vmf_take_decimal(const char **text, uint64_t *number);
/* The same of a text that is nothing else. */
bool vmf_decimal(const char *text, uint64_t *number);

bool vmf_text_ends_in(const char *text, const char *end);
/* Whether `word` is one of the words of a list with blanks between. */
bool vmf_text_has_word(const char *list, const char *word);

/* ASCII only, independent of the locale. */
bool vmf_text_equal_nocase(const char *a, const char *b);

/* Real numbers in files have a decimal point, whatever the locale of the program that the library
 * is in. As strtold: */
long double vmf_real_read(const char *text, char **end);

/* A fresh string with the digits that tell a double from all others. */
VMF_MUST_CHECK enum vmf_code vmf_real_write(double real, char **text, struct vmf_error *error);

#endif
