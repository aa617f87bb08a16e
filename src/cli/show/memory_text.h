/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The end of a text that open_memstream makes: what base/memory.h has within the library. */
#ifndef VMF_CLI_MEMORY_TEXT_H
#define VMF_CLI_MEMORY_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* Whether it is there: glibc closes the stream without a failure, and leaves NULL, where it has no
 * memory to shorten it. */
static inline bool vmf_memory_text_end(FILE *stream, char *const *text)
{
  return fclose(stream) == 0 && *text;
}

#endif
