/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * SHA-256 (FIPS 180-4) of two messages at once. A step of SHA-256 waits for the one before it, so
 * that one message uses half of a processor's SHA unit at best; two fill it. Needs the SHA
 * instructions of x86-64. */
#ifndef VMF_HASH_SHA256_PAIR_H
#define VMF_HASH_SHA256_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMF_SHA256_BYTES = 32 };

/* Whether this processor can; any thread. */
bool vmf_sha256_pair_usable(void);

/* The digests of data[0] and data[1], both `length` bytes, any alignment. Only where it is usable;
 * any thread. */
void vmf_sha256_pair(const uint8_t *const data[2], size_t length, uint8_t *const out[2]);

#endif
