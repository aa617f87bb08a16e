/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#ifndef VMF_CIPHER_ARGON2_KEY_H
#define VMF_CIPHER_ARGON2_KEY_H

#include "derive.h"

/* `length` bytes of key (VMF_CIPHER_KEY_MAX at most), as vmf_derive. Where it is cancelled a thread
 * goes on for as long as libargon2, which cannot be stopped, takes; it ends by itself. */
VMF_MUST_CHECK enum vmf_code vmf_argon2(const struct vmf_derivation *derivation,
                                        const struct vmf_secret *secret, uint8_t *key,
                                        size_t length, const struct vmf_cancel *cancel,
                                        struct vmf_error *error);

#endif
