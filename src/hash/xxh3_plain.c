/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * XXH3 by what all processors of this family have; and which way is the fastest here. */
#define LEAVE() (void)0
#include "xxh3_calls.h"

static bool usable(void)
{
  return true;
}

const struct vmf_xxh3_method vmf_xxh3_plain = VMF_XXH3_METHOD;

const struct vmf_xxh3_method *const vmf_xxh3_methods[] = {
#ifdef __x86_64__
    &vmf_xxh3_avx512, &vmf_xxh3_avx2,
#endif
    &vmf_xxh3_plain, NULL};

const struct vmf_xxh3_method *vmf_xxh3_choose(void)
{
  const struct vmf_xxh3_method *const *method = vmf_xxh3_methods;

  while (!(*method)->usable())
    method++;
  return *method;
}
