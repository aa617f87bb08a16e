/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * PBKDF2 (RFC 8018, section 5.2) by HMAC (RFC 2104), that can be stopped: OpenSSL's own cannot, and
 * a header may ask for minutes of it. The digests are OpenSSL's. */
#ifndef VMF_CIPHER_PBKDF2_H
#define VMF_CIPHER_PBKDF2_H

#include "derive.h"

/* derivation: checked, of the kind VMF_PBKDF2. cancel: or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_pbkdf2(const struct vmf_derivation *derivation,
                                        const struct vmf_secret *secret, uint8_t *key,
                                        size_t length, const struct vmf_cancel *cancel,
                                        struct vmf_error *error);

#endif
