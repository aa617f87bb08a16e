/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text for people: names that may hold anything, sizes. */
#ifndef VMF_CLI_HUMAN_H
#define VMF_CLI_HUMAN_H

#include <stdint.h>
#include <stdio.h>

/* Prints a string; characters that are not visible (characters.h), and bytes that are none, come
 * out as \xNN or \u{NNNN}, so that no file name can drive the terminal or look like another. */
void vmf_human_text(FILE *out, const char *text);

/* What may be a secret in the URLs of a text, a user's name (and password) and a query, goes out of
 * it. Names of sources and targets have it hidden already (vmferry/remote.h); this is for what else
 * a person typed. The text gets no longer. */
void vmf_human_hide(char *text);

/* "0:12", "1:02:03"; what takes longer than four days is "days". */
void vmf_human_seconds(double seconds, char out[16]);

/* "1.5 GiB", "64 KiB", "512 B", three digits, as qemu-img prints it. */
void vmf_human_size(uint64_t size, char out[16]);

#endif
