/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * XXH3 by AVX2. */
#include <immintrin.h>

/* Not every compiler does so by itself here; older instructions would take four times as long. */
#define LEAVE() _mm256_zeroupper()
#include "xxh3_calls.h"

#if XXH_VECTOR != XXH_AVX2
#error "not compiled for AVX2"
#endif

static bool usable(void)
{
  return __builtin_cpu_supports("avx2");
}

const struct vmf_xxh3_method vmf_xxh3_avx2 = VMF_XXH3_METHOD;
