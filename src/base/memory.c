/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"

enum { PAGE = 4096 };

static enum vmf_code no_memory(uint64_t size, struct vmf_error *error)
{
  return vmf_fail(error, VMF_NOMEM, "no memory for %" PRIu64 " bytes", size);
}

enum vmf_code vmf_alloc(size_t size, void **block, struct vmf_error *error)
{
  *block = size <= PTRDIFF_MAX ? calloc(1, size != 0 ? size : 1) : NULL;
  return *block ? VMF_OK : no_memory(size, error);
}

enum vmf_code vmf_alloc_table(uint64_t count, size_t size, uint64_t limit, const char *what,
                              void **table, struct vmf_error *error)
{
  uint64_t bytes;

  *table = NULL;
  if (!vmf_mul(count, size, &bytes) || bytes > limit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: %" PRIu64 " entries of %zu bytes, at most %" PRIu64 " bytes are accepted",
                    what, count, size, limit);
  if (bytes > PTRDIFF_MAX)
    return no_memory(bytes, error);
  return vmf_alloc((size_t)bytes, table, error);
}

enum vmf_code vmf_alloc_pages(size_t size, void **block, struct vmf_error *error)
{
  *block = NULL;
  if (size > PTRDIFF_MAX - PAGE ||
      posix_memalign(block, PAGE, size != 0 ? vmf_align_up(size, PAGE) : PAGE) != 0) {
    *block = NULL;
    return no_memory(size, error);
  }
  return VMF_OK;
}

enum vmf_code vmf_copy_text(const char *text, char **copy, struct vmf_error *error)
{
  return vmf_copy_bytes(text, strlen(text), copy, error);
}

enum vmf_code vmf_copy_bytes(const void *bytes, size_t length, char **copy, struct vmf_error *error)
{
  void *block = NULL;

  *copy = NULL;
  if (length == SIZE_MAX)
    return no_memory(length, error);
  VMF_TRY(vmf_alloc(length + 1, &block, error));
  if (length != 0)
    memcpy(block, bytes, length);
  *copy = block;
  return VMF_OK;
}

enum vmf_code vmf_format(char **text, struct vmf_error *error, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  int length = vasprintf(text, format, arguments);
  va_end(arguments);
  if (length >= 0)
    return VMF_OK;
  *text = NULL;
  return vmf_fail(error, VMF_NOMEM, "no memory for a text");
}

void vmf_free(void *block)
{
  free(block);
}
