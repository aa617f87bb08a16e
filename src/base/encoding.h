/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Encodings by the names that files give them: an allowlist, since what iconv makes of a name is
 * not what its writer meant by it. VMware writes ICU's names, "Shift_JIS" for Windows code page
 * 932. */
#ifndef VMF_BASE_ENCODING_H
#define VMF_BASE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

/* What iconv calls the encoding; NULL: a name that is not known. Case, '-', '_' and other signs in
 * the name do not count. All known encodings have ASCII's bytes for ASCII's characters. */
const char *vmf_encoding_converter(const char *name);

/* Whether the bytes are ASCII, and ASCII is what they mean: not so in the encodings, none of them
 * known here, that write other characters as runs of ASCII. */
bool vmf_encoding_is_ascii(const char *name, const void *bytes, size_t length);

/* The known ones, for messages. */
#define VMF_ENCODINGS                                                                              \
  "UTF-8, windows-1250 to 1258, windows-874, Shift_JIS, GBK, GB18030, Big5, EUC-JP, EUC-KR, "      \
  "windows-949, ISO-8859-x, KOI8-R, IBM's PC code pages"

#endif
