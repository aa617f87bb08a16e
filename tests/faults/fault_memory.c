/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Preloaded into vmferry: VMF_FAULT "malloc:N" lets the N-th allocation fail, "malloc:N+" every one
 * from then on. How many there were is written to VMF_FAULT_COUNT at the end. Apart from the other
 * faults, since a sanitizer has an allocator of its own. */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* The allocator itself, under the names that glibc has for interposers. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Atomic long memory_count;
static long memory_first; /* 0: nothing is counted yet */
static bool memory_onwards;

__attribute__((constructor)) static void memory_read(void)
{
  const char *text = getenv("VMF_FAULT");
  char plus = '\0';
  long first = 0;
  if (text && sscanf(text, "malloc:%ld%c", &first, &plus) >= 1)
    memory_onwards = plus == '+';
  memory_first = first;
}

__attribute__((destructor)) static void memory_report(void)
{
  const char *path = getenv("VMF_FAULT_COUNT");
  char text[32];
  int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&memory_count));
  memory_first = 0;
  int number = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
  if (number >= 0 && write(number, text, (size_t)length) == length)
    close(number);
}

static bool memory_fails(void)
{
  if (memory_first == 0)
    return false;
  long count = atomic_fetch_add(&memory_count, 1) + 1;
  bool fails = count == memory_first || (memory_onwards && count > memory_first);
  if (fails)
    errno = ENOMEM;
  return fails;
}

EXPORT void *malloc(size_t size)
{
  return memory_fails() ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
  return memory_fails() ? NULL : __libc_calloc(count, size);
}

EXPORT void *realloc(void *block, size_t size)
{
  return memory_fails() ? NULL : __libc_realloc(block, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
  return memory_fails() ? NULL : __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **block, size_t alignment, size_t size)
{
  *block = memory_fails() ? NULL : __libc_memalign(alignment, size);
  return *block ? 0 : ENOMEM;
}
