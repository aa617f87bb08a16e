/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A row: things that stand one behind the other without gaps, as an array of structs, each of which
 * begins with the uint64_t where it starts. */
#ifndef VMF_BASE_ROW_H
#define VMF_BASE_ROW_H

#include <stddef.h>
#include <stdint.h>

/* For qsort: by where they start. */
static inline int vmf_row_compare(const void *a, const void *b)
{
  const uint64_t *left = a, *right = b;
  return *left < *right ? -1 : *left > *right;
}

/* The index of the first one that starts at `at` or behind; count: none does. There may be gaps. */
static inline size_t vmf_row_from(const void *row, size_t count, size_t size, uint64_t at)
{
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const uint64_t *start = (const void *)((const char *)row + middle * size);
    if (*start < at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The index of the one of `count` > 0 structs of `size` bytes that holds `at`; 0 where all start
 * behind it. */
static inline size_t vmf_row_find(const void *row, size_t count, size_t size, uint64_t at)
{
  size_t low = 0, high = count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    const uint64_t *start = (const void *)((const char *)row + middle * size);
    if (*start <= at)
      low = middle;
    else
      high = middle;
  }
  return low;
}

#endif
