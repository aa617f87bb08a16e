/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Arithmetic on numbers that come from a file: every sum and product is checked before it is used.
 */
#ifndef VMF_BASE_CHECKED_H
#define VMF_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* False when the result does not fit; *result is then unspecified. */
static inline bool vmf_add(uint64_t a, uint64_t b, uint64_t *result)
{
  return !__builtin_add_overflow(a, b, result);
}

static inline bool vmf_mul(uint64_t a, uint64_t b, uint64_t *result)
{
  return !__builtin_mul_overflow(a, b, result);
}

/* Whether [offset, offset + length) lies in [0, size), without overflow. */
static inline bool vmf_range_within(uint64_t offset, uint64_t length, uint64_t size)
{
  return offset <= size && length <= size - offset;
}

/* Whether two ranges, both of which end below 2^64, have a byte in common. */
static inline bool vmf_ranges_overlap(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
  return a < b + b_length && b < a + a_length;
}

static inline bool vmf_is_power_of_two(uint64_t value)
{
  return value != 0 && (value & (value - 1)) == 0;
}

/* unit: a power of two; value + unit must not overflow. */
static inline uint64_t vmf_align_up(uint64_t value, uint64_t unit)
{
  return (value + unit - 1) & ~(unit - 1);
}

static inline uint64_t vmf_align_down(uint64_t value, uint64_t unit)
{
  return value & ~(unit - 1);
}

/* unit > 0; never overflows. */
static inline uint64_t vmf_div_up(uint64_t value, uint64_t unit)
{
  return value / unit + (value % unit != 0);
}

static inline uint64_t vmf_min(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static inline uint64_t vmf_max(uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

/* log2 of a power of two. */
static inline unsigned vmf_log2(uint64_t power_of_two)
{
  return (unsigned)__builtin_ctzll(power_of_two);
}

#endif
