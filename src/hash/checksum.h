/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The guest-content checksum: equal disks give an equal digest, whatever format they are in. The
 * construction is blkhash (Soffer and Waisbard, SECRYPT 2024, DOI 10.5220/0012764500003767) with 64
 * KiB blocks b1..bn of the guest bytes, the last of which may be short: H( H(b1) || ... || H(bn) ||
 * size as 8 bytes little-endian ). */
#ifndef VMF_HASH_CHECKSUM_H
#define VMF_HASH_CHECKSUM_H

#include "digest.h"

enum { VMF_CHECKSUM_BLOCK = 64 * 1024 };

/* The outer digest and the number of bytes so far; one thread at a time. */
struct vmf_checksum;
VMF_MUST_CHECK enum vmf_code vmf_checksum_new(enum vmf_digest_kind kind,
                                              struct vmf_checksum **checksum,
                                              struct vmf_error *error);
void vmf_checksum_free(struct vmf_checksum *checksum);

/* The digest of one block (64 KiB, or less at the end of the disk), given from any thread in guest
 * order later. */
VMF_MUST_CHECK enum vmf_code vmf_checksum_push(struct vmf_checksum *checksum,
                                               const uint8_t *block_digest, size_t block_length,
                                               struct vmf_error *error);

/* `length` zero bytes: whole blocks cost no hashing of data; a short block may only come last. */
VMF_MUST_CHECK enum vmf_code vmf_checksum_push_zeros(struct vmf_checksum *checksum, uint64_t length,
                                                     struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_checksum_final(struct vmf_checksum *checksum,
                                                uint8_t out[VMF_DIGEST_MAX],
                                                struct vmf_error *error);

#endif
