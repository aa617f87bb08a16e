/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Digests that keys are made by, as encrypted disks name them. */
#ifndef VMF_CIPHER_HASH_NAME_H
#define VMF_CIPHER_HASH_NAME_H

#include <openssl/types.h>
#include <stddef.h>

/* What OpenSSL calls "sha256", one of those that it has; else NULL. */
const char *vmf_hash_name(const char *name);

/* OpenSSL's digest of that name, which the caller frees; NULL: it does not have it. */
EVP_MD *vmf_hash_fetch(const char *name);

/* Bytes of its digest; 0: this OpenSSL does not have it. */
size_t vmf_hash_size(const char *name);

#endif
