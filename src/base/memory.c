/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "memory.h"

#include <stdio.h>
#include <string.h>

#include "checked.h"

enum { PAGE = 4096 };

enum vmf_code vmf_alloc(size_t size, void **block, struct vmf_error *error)
{
  *block = calloc(1, size > 0 ? size : 1);
  if (!*block)
    return vmf_fail(error, VMF_NOMEM, "no memory for %zu bytes", size);
  return VMF_OK;
}

enum vmf_code vmf_alloc_table(uint64_t count, size_t size, uint64_t limit, const char *what,
                              void **table, struct vmf_error *error)
{
  uint64_t bytes;

  *table = NULL;
  if (!vmf_mul(count, size, &bytes) || bytes > limit || bytes > SIZE_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: %llu entries of %zu bytes, at most %llu bytes are kept",
                    what, (unsigned long long)count, size, (unsigned long long)limit);
  return vmf_alloc((size_t)bytes, table, error);
}

enum vmf_code vmf_alloc_pages(size_t size, void **block, struct vmf_error *error)
{
  *block = NULL;
  if (size > SIZE_MAX - PAGE || posix_memalign(block, PAGE, vmf_align_up(size + (size == 0), PAGE)))
    return vmf_fail(error, VMF_NOMEM, "no memory for %zu bytes", size);
  return VMF_OK;
}

enum vmf_code vmf_copy_bytes(const void *bytes, size_t length, char **copy, struct vmf_error *error)
{
  void *block;
  VMF_TRY(vmf_alloc(length + 1, &block, error));
  memcpy(block, bytes, length);
  *copy = block;
  return VMF_OK;
}

enum vmf_code vmf_copy_text(const char *text, char **copy, struct vmf_error *error)
{
  return vmf_copy_bytes(text, strlen(text), copy, error);
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
