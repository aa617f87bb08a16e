/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * XXH3 of 64 and 128 bits, by xxHash's own code, compiled once for each kind of instructions: the
 * library that a distribution makes has it for the oldest processors only, at a third of the speed.
 */
#ifndef VMF_HASH_XXH3_METHOD_H
#define VMF_HASH_XXH3_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMF_XXH3_LONG = 16 /* bytes */ };

struct vmf_xxh3_method {
  bool (*usable)(void);
  void *(*make)(void); /* a state; NULL: no memory */
  void (*release)(void *state);
  void (*start)(void *state);
  void (*add)(void *state, const void *data, size_t length);
  uint64_t (*end)(const void *state);
  /* Of 128 bits, the most significant byte first. */
  void (*sum_128)(const void *data, size_t length, uint8_t out[VMF_XXH3_LONG]);
};

extern const struct vmf_xxh3_method vmf_xxh3_plain, vmf_xxh3_avx2, vmf_xxh3_avx512;

/* All of which the program is built, the fastest first, with NULL behind the last. */
extern const struct vmf_xxh3_method *const vmf_xxh3_methods[];

/* The fastest that this processor has. */
const struct vmf_xxh3_method *vmf_xxh3_choose(void);

#endif
