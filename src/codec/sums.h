/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Checksums that formats have: those of zlib, apart from its streams, MD5, and xxHash's over what
 * comes in pieces. */
#ifndef VMF_CODEC_SUMS_H
#define VMF_CODEC_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* CRC-32 (of Ethernet, gzip), continued: 0 at first. */
uint32_t vmf_crc32(uint32_t crc, const void *bytes, size_t length);
/* The same over `length` zero bytes, in a time that hardly grows with them. length < 2^63. */
uint32_t vmf_crc32_zeros(uint32_t crc, uint64_t length);

/* Adler-32 (RFC 1950), continued: 1 at first. */
uint32_t vmf_adler32(uint32_t adler, const void *bytes, size_t length);

/* MD5 (RFC 1321) of `length` bytes, of which its own number from byte `zeros` on count as zeros;
 * zeros == length: none do. Here because a library may be told to refuse it: it tells damage, not
 * intent. */
enum { VMF_MD5_SUM = 16 };
void vmf_md5(const uint8_t *bytes, size_t length, size_t zeros, uint8_t sum[VMF_MD5_SUM]);

/* XXH64, or XXH3 of 128 bits, of seed 0. */
enum vmf_xxhash_kind { VMF_XXHASH_64 = 8, VMF_XXHASH_128 = 16 /* bytes of the sum */ };
struct vmf_xxhash; /* of one thread at a time */
/* One of no bytes; vmf_xxhash_free ends it. VMF_NOMEM, and *xxhash is NULL. */
VMF_MUST_CHECK enum vmf_code vmf_xxhash_new(enum vmf_xxhash_kind kind, struct vmf_xxhash **xxhash,
                                            struct vmf_error *error);
void vmf_xxhash_add(struct vmf_xxhash *xxhash, const void *bytes, size_t length);
/* Of all that came so far, `kind` bytes, the least significant one first; more may come. */
void vmf_xxhash_sum(const struct vmf_xxhash *xxhash, uint8_t *sum);
void vmf_xxhash_free(struct vmf_xxhash *xxhash); /* NULL is allowed */

#endif
