/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Lines that tell the checksum of a disk: "blkhash-sha256:HEX  NAME", or as sha256sum has them,
 * "HEX  NAME", where it is that of all bytes one behind the other. A name with characters that are
 * not visible is escaped, and the line begins with a backslash then, as sha256sum's does. */
#ifndef VMF_CLI_CHECKSUM_LIST_H
#define VMF_CLI_CHECKSUM_LIST_H

#include <stdio.h>

#include "vmferry.h"

enum { VMF_CHECKSUM_LINE = 20000 /* bytes that a line may have, its end included */ };

/* What one line says; the texts are in the line. */
struct vmf_checksum_line {
  const char *algorithm; /* "sha256", ...; static */
  bool plain;
  const char *hex, *name;
};

/* The checksum in hexadecimal. */
void vmf_checksum_hex(const struct vmf_job_result *result, char out[2 * VMF_CHECKSUM_MAX + 1]);

void vmf_checksum_print(FILE *out, const struct vmf_job_result *result, const char *algorithm,
                        bool plain, const char *name);

/* Takes "blkhash-ALGORITHM:HEX" apart: its algorithm, and *hex, which is in the text; NULL: it is
 * none. */
const char *vmf_checksum_named(const char *text, const char **hex);

/* Takes a line without its end apart, in place; false: it is none. */
bool vmf_checksum_parse(char *line, struct vmf_checksum_line *parsed);

#endif
