/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Message digests by OpenSSL, but for several of SHA-256 at once (sha256_many.h), and for xxHash's.
 * Those and MD5 are no digests that anybody could trust: some formats have them against damage. */
#ifndef VMF_HASH_DIGEST_H
#define VMF_HASH_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { VMF_DIGEST_MAX = 64, VMF_SHA256_BYTES = 32, VMF_MD5_BYTES = 16 };

/* VMF_XXH64, and VMF_XXH3 of 64 bits: seed 0, the most significant byte first. */
enum vmf_digest_kind { VMF_SHA256, VMF_SHA1, VMF_SHA512, VMF_MD5, VMF_XXH64, VMF_XXH3 };

size_t vmf_digest_size(enum vmf_digest_kind kind);

/* The kind called "sha256", of those that a person may ask for. VMF_USAGE naming them. */
VMF_MUST_CHECK enum vmf_code vmf_digest_named(const char *name, enum vmf_digest_kind *kind,
                                              struct vmf_error *error);

/* A running digest; one thread at a time. */
struct vmf_digest;
VMF_MUST_CHECK enum vmf_code vmf_digest_new(enum vmf_digest_kind kind, struct vmf_digest **digest,
                                            struct vmf_error *error);
void vmf_digest_free(struct vmf_digest *digest);
VMF_MUST_CHECK enum vmf_code vmf_digest_update(struct vmf_digest *digest, const void *data,
                                               size_t length, struct vmf_error *error);
/* Writes the result and starts anew. */
VMF_MUST_CHECK enum vmf_code vmf_digest_final(struct vmf_digest *digest,
                                              uint8_t out[VMF_DIGEST_MAX], struct vmf_error *error);

struct vmf_message {
  const uint8_t *data; /* any alignment; of the caller */
  size_t length;
  uint8_t *out; /* room for the digest; of the caller */
};

/* The digest of each message: SHA-256 is up to ten times as fast as one behind the other where
 * there are 16 of one length. The running digest must be new, and stays so. */
VMF_MUST_CHECK enum vmf_code vmf_digest_each(struct vmf_digest *digest,
                                             const struct vmf_message *messages, size_t count,
                                             struct vmf_error *error);

/* The digest of bytes that are all here. */
VMF_MUST_CHECK enum vmf_code vmf_digest_bytes(enum vmf_digest_kind kind, const void *data,
                                              size_t length, uint8_t out[VMF_DIGEST_MAX],
                                              struct vmf_error *error);

/* The message authentication code of RFC 2104 by SHA-256. A key of no bytes is none. Any thread;
 * out may be the key, or the data. VMF_SYSTEM: OpenSSL makes none. */
VMF_MUST_CHECK enum vmf_code vmf_hmac_sha256(const void *key, size_t key_length, const void *data,
                                             size_t length, uint8_t out[VMF_SHA256_BYTES],
                                             struct vmf_error *error);

enum { VMF_QUICK_SUM = 16 };

/* XXH3 of 128 bits, the most significant byte first: against damage, of bytes that nobody chose. */
void vmf_quick_sum(const void *data, size_t length, uint8_t out[VMF_QUICK_SUM]);

/* "e3b0c442..." and a NUL; text has room for 2 * size + 1. */
void vmf_digest_text(const uint8_t *digest, size_t size, char *text);

#endif
