/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * SHA-256 (FIPS 180-4) of several messages in step: what one way to do so, by one kind of
 * instructions, says of itself. A lane is the place of one message. */
#ifndef VMF_HASH_SHA256_METHOD_H
#define VMF_HASH_SHA256_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMF_SHA256_BLOCK = 64, VMF_SHA256_ROUNDS = 64, VMF_SHA256_LANES = 16 };

/* The hash values H0 to H7 (6.2), each of all lanes. */
struct vmf_sha256_state {
  _Alignas(64) uint32_t words[8][VMF_SHA256_LANES];
};

struct vmf_sha256_method {
  const char *name, *title; /* "avx2", as in VMFERRY_SHA256; "AVX2, 8 blocks at once" */
  unsigned lanes;           /* those from here on are left alone */
  unsigned cost; /* of a block in each lane: ns on an Intel Sapphire Rapids; only ratios count */
  bool (*usable)(void);
  /* Blocks of 64 bytes behind each other, as many from each of data[0..lanes-1]; any alignment. */
  void (*add)(struct vmf_sha256_state *state, const uint8_t *const data[], size_t blocks);
};

extern const struct vmf_sha256_method vmf_sha256_avx512, vmf_sha256_avx2, vmf_sha256_sha,
    vmf_sha256_neon;

/* The constants K (4.2.2) */
extern const uint32_t vmf_sha256_constants[VMF_SHA256_ROUNDS];

#endif
