/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Allocation that reports, and the cleanup attributes. */
#ifndef VMF_BASE_MEMORY_H
#define VMF_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"

/* A zeroed block of `size` bytes (size 0 gives a block that may be freed). The caller frees it with
 * vmf_free. The caller has bounded `size` against a limit before: nothing here trusts a number from
 * a file. */
VMF_MUST_CHECK enum vmf_code vmf_alloc(size_t size, void **block, struct vmf_error *error);

/* `count` elements of `size` bytes, zeroed; VMF_LIMIT with `what` in the text when count * size >
 * limit. */
VMF_MUST_CHECK enum vmf_code vmf_alloc_table(uint64_t count, size_t size, uint64_t limit,
                                             const char *what, void **table,
                                             struct vmf_error *error);

/* Aligned to 4096 bytes, contents undefined: buffers for I/O. Freed with vmf_free. */
VMF_MUST_CHECK enum vmf_code vmf_alloc_pages(size_t size, void **block, struct vmf_error *error);

/* A copy of a string, or of its first `length` bytes with a NUL behind. */
VMF_MUST_CHECK enum vmf_code vmf_copy_text(const char *text, char **copy, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_copy_bytes(const void *bytes, size_t length, char **copy,
                                            struct vmf_error *error);

/* printf into a fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_format(char **text, struct vmf_error *error, const char *format,
                                        ...) __attribute__((format(printf, 3, 4)));

/* Frees; NULL is allowed. */
void vmf_free(void *block);

static inline void vmf_auto_free_(void *pointer)
{
  vmf_free(*(void **)pointer);
}

/* VMF_AUTO_FREE char *text = NULL; -- freed when the scope is left. */
#define VMF_AUTO_FREE __attribute__((cleanup(vmf_auto_free_)))

/* Ends what open_memstream began: whether the text is there. glibc closes the stream without a
 * failure, and leaves NULL, where it has no memory to shorten it. */
static inline bool vmf_memstream_end(FILE *stream, char *const *text)
{
  return fclose(stream) == 0 && *text;
}

#endif
