/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An input as a list of choices: a target that builds what it tests (a disk, a machine, a package)
 * asks it for each decision. Where it ends, every answer is 0. */
#ifndef VMF_TESTS_FUZZ_CHOICES_H
#define VMF_TESTS_FUZZ_CHOICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz_choices {
  const uint8_t *data;
  size_t size;
};

static inline unsigned fuzz_byte(struct fuzz_choices *choices)
{
  if (choices->size == 0)
    return 0;
  choices->size--;
  return *choices->data++;
}

/* 0 .. count - 1; count > 0. */
static inline unsigned fuzz_below(struct fuzz_choices *choices, unsigned count)
{
  unsigned value = fuzz_byte(choices);

  if (count > 256)
    value = value << 8 | fuzz_byte(choices);
  return value % count;
}

/* True for about one input in `in`, and never where the input has ended. */
static inline bool fuzz_chance(struct fuzz_choices *choices, unsigned in)
{
  return fuzz_below(choices, in) == in - 1;
}

/* Small numbers and powers of two more often than others. */
static inline uint64_t fuzz_number(struct fuzz_choices *choices)
{
  uint64_t value = 0;
  unsigned kind = fuzz_byte(choices);

  if (kind < 128)
    return fuzz_byte(choices);
  if (kind < 192)
    return (uint64_t)1 << fuzz_below(choices, 64);
  for (unsigned i = 0; i < 8 && i <= kind % 8; i++)
    value = value << 8 | fuzz_byte(choices);
  return value;
}

#endif
