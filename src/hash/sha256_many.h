/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * SHA-256 of several messages in step, by the widest instructions that the processor has. */
#ifndef VMF_HASH_SHA256_MANY_H
#define VMF_HASH_SHA256_MANY_H

#include "digest.h"
#include "sha256_method.h"

/* The fastest way for so many messages; NULL: one by one with OpenSSL. Any thread. */
const struct vmf_sha256_method *vmf_sha256_choose(size_t count);

/* The methods that this processor has, NULL behind the last one. Any thread. */
const struct vmf_sha256_method *const *vmf_sha256_methods(void);

/* The digests of 1 to method->lanes messages of any lengths. Any thread. */
void vmf_sha256_many(const struct vmf_sha256_method *method, const struct vmf_message *messages,
                     size_t count);

#endif
