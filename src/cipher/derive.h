/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Keys from secrets: PBKDF2 by digests of OpenSSL, Argon2 by libargon2, both as costly as a header
 * says, within bounds; and keys that are spread over many stripes so that they can be destroyed. */
#ifndef VMF_CIPHER_DERIVE_H
#define VMF_CIPHER_DERIVE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "vmferry.h"

enum {
  VMF_SALT_MAX = 64,                /* bytes */
  VMF_ITERATIONS_MAX = 1000000000,  /* of PBKDF2: minutes; those who make disks wait for seconds */
  VMF_ITERATIONS_STRICT = 50000000, /* the same of what comes from strangers */
  VMF_ARGON2_MEMORY_MAX = 1 << 20,  /* KiB */
  VMF_ARGON2_COST_MAX = 1 << 26,    /* passes times KiB */
  VMF_ARGON2_LANES_MAX = 64,
};

enum vmf_derivation_kind { VMF_PBKDF2, VMF_ARGON2I, VMF_ARGON2ID };

struct vmf_derivation {
  enum vmf_derivation_kind kind;
  char hash[32];              /* PBKDF2 */
  uint32_t iterations;        /* PBKDF2; Argon2: passes */
  uint32_t memory_kib, lanes; /* Argon2 */
  uint8_t salt[VMF_SALT_MAX];
  size_t salt_length;
};

/* Whether it can be done, within the bounds. `what` begins the message. */
VMF_MUST_CHECK enum vmf_code vmf_derivation_check(const struct vmf_derivation *derivation,
                                                  bool strict, const char *what,
                                                  struct vmf_error *error);

/* `length` bytes of key. It has been checked. VMF_CANCELLED where `cancel` (or NULL) asks for it.
 */
VMF_MUST_CHECK enum vmf_code vmf_derive(const struct vmf_derivation *derivation,
                                        const struct vmf_secret *secret, uint8_t *key,
                                        size_t length, const struct vmf_cancel *cancel,
                                        struct vmf_error *error);

/* The anti-forensic splitter of LUKS: `stripes` times `length` bytes become a key, and a key
 * becomes such (spread holds random bytes before, of which the last stripe is replaced). spread is
 * of use no more behind a merge. */
VMF_MUST_CHECK enum vmf_code vmf_spread_merge(const char *hash, uint8_t *spread, size_t length,
                                              uint32_t stripes, uint8_t *key,
                                              struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_spread_split(const char *hash, const uint8_t *key, size_t length,
                                              uint32_t stripes, uint8_t *spread,
                                              struct vmf_error *error);

/* Frees `length` bytes, and leaves nothing of them. NULL is allowed. */
void vmf_wipe_free(void *memory, size_t length);

#endif
